#include "damage.h"
#include "test.h"
#include "world.h"

#include <string.h>

enum { LARGE = 20000 };

static struct fsck_report check(struct world *w, bool repair, bool quick)
{
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .repair = repair, .quick = quick }, w->a, &report));
    return report;
}

/* Exactly one finding, and this one. */
static void expect_finding(struct fsck_report report, enum fsck_severity severity, const char *what)
{
    EXPECT_EQ(report.count[FSCK_NOTE] + report.count[FSCK_WARNING] + report.count[FSCK_ERROR], 1);
    EXPECT_EQ(report.listed, 1);
    EXPECT_EQ(report.list[0].severity, severity);
    assert_string_equal(report.list[0].what, what);
}

TEST(a_whole_store_has_no_findings_and_is_counted)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    for (int i = 0; i < 600; i++)
        world_store(w, &alice, S("x"), world_bytes(w, i % 100 ? 3 : LARGE), i % 2 ? hours(1) : 0);
    struct fsck_report report = check(w, false, false);
    EXPECT_EQ(report.objects, 600);
    EXPECT_EQ(report.files, 600);
    EXPECT_EQ(report.blobs, 6);
    EXPECT_EQ(report.bytes, 594 * 3 + 6 * LARGE);
    EXPECT_EQ(report.listed, 0);
}

TEST(missing_bytes_are_found_quick_or_not)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, world_only_blob(w), w->a));
    expect_finding(check(w, false, true), FSCK_ERROR, "bytes missing");
    expect_finding(check(w, true, false), FSCK_ERROR, "bytes missing");
    EXPECT_EQ(world_file_count(w), 1); /* repair takes nothing away that somebody may want back */
}

TEST(changed_bytes_are_found_by_length_or_by_digest)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    damage_blob(w, world_only_blob(w), world_bytes(w, LARGE));
    EXPECT_EQ(check(w, false, true).listed, 0);
    expect_finding(check(w, false, false), FSCK_ERROR, "digest differs");
    damage_blob(w, world_only_blob(w), world_bytes(w, LARGE - 1));
    expect_finding(check(w, false, true), FSCK_ERROR, "length differs");
}

TEST(rows_that_lie_about_their_inline_bytes_are_found)
{
    unsigned char md5[MD5_SIZE];
    {
        WORLD(w);
        struct principal alice = world_user(w, S("alice"));
        hash_md5(S("hellp"), md5);
        damage_liar(w, &alice, S("hello"), md5, 5);
        expect_finding(check(w, false, false), FSCK_ERROR, "digest differs");
    }
    {
        WORLD(w);
        struct principal alice = world_user(w, S("alice"));
        hash_md5(S("hello"), md5);
        damage_liar(w, &alice, S("hello"), md5, 6);
        expect_finding(check(w, false, true), FSCK_ERROR, "length differs");
    }
}

TEST(orphans_are_notes_and_only_repair_removes_the_old_ones)
{
    WORLD(w);
    damage_orphan(w, S("00old"), S("lost"));
    world_wait(w, WORLD_GRACE_MS - 1);
    EXPECT_EQ(check(w, true, false).listed, 0);
    world_wait(w, 1);
    damage_orphan(w, S("01young"), S("lost"));
    expect_finding(check(w, false, false), FSCK_NOTE, "no record names it");
    EXPECT_EQ(world_blob_count(w), 2);
    struct fsck_report report = check(w, true, false);
    expect_finding(report, FSCK_NOTE, "no record names it");
    EXPECT_EQ(report.repaired, 1);
    EXPECT_EQ(world_blob_count(w), 1);
}

TEST(wrong_counters_are_found_and_corrected)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), S("hello"), 0);
    damage_usage(w, &alice, 7);
    expect_finding(check(w, false, true), FSCK_WARNING, "usage counters are wrong");
    EXPECT_EQ(check(w, true, true).repaired, 1);
    EXPECT_EQ(check(w, false, true).listed, 0);
    EXPECT_EQ(world_account(w).used_bytes, 5);
}

static void tell(void *arg, const struct fsck_finding *finding)
{
    EXPECT(finding->subject.n > 0);
    ++*(int *)arg;
}

TEST(each_finding_is_told_and_all_are_counted_when_the_list_is_full)
{
    WORLD(w);
    for (int i = 0; i < FSCK_LISTED + 5; i++)
        damage_orphan(w, random_hex(&w->random.random, w->a, 32), S("x"));
    world_wait(w, WORLD_GRACE_MS);
    int told = 0;
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .on_finding = tell, .arg = &told }, w->a, &report));
    EXPECT_EQ(told, FSCK_LISTED + 5);
    EXPECT_EQ(report.count[FSCK_NOTE], FSCK_LISTED + 5);
    EXPECT_EQ(report.listed, FSCK_LISTED);
}

TEST(a_store_that_does_not_answer_is_an_error_not_a_finding)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    for (int64_t nth = 1;; nth++) {
        struct fsck_report report = { 0 };
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = fsck_run(&w->core, &(struct fsck_options){ 0 }, w->a, &report);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached)
            break;
        EXPECT(!e || e->code == ERR_UNAVAILABLE);
        EXPECT_EQ(report.listed, 0);
    }
}

RUN_TESTS(cmocka_unit_test(a_whole_store_has_no_findings_and_is_counted),
          cmocka_unit_test(missing_bytes_are_found_quick_or_not),
          cmocka_unit_test(changed_bytes_are_found_by_length_or_by_digest),
          cmocka_unit_test(rows_that_lie_about_their_inline_bytes_are_found),
          cmocka_unit_test(orphans_are_notes_and_only_repair_removes_the_old_ones),
          cmocka_unit_test(wrong_counters_are_found_and_corrected),
          cmocka_unit_test(each_finding_is_told_and_all_are_counted_when_the_list_is_full),
          cmocka_unit_test(a_store_that_does_not_answer_is_an_error_not_a_finding))

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"
#include "core/records/bucket.h"
#include "core/records/entry.h"
#include "core/records/upload.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/upload_store.h"
#include "core/task/task.h"
#include "damage.h"
#include "records_fixture.h"
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

/* Expects exactly one finding, namely this one. */
static void expect_finding(struct fsck_report report, enum fsck_severity severity, const char *what)
{
    EXPECT_EQ(report.count[FSCK_NOTE] + report.count[FSCK_WARNING] + report.count[FSCK_ERROR], 1);
    EXPECT_EQ(report.listed, 1);
    EXPECT_EQ(report.list[0].severity, severity);
    assert_string_equal(report.list[0].what, what);
}

TEST(fsck_counts_a_healthy_store_and_finds_nothing)
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

TEST(fsck_finds_missing_bytes_also_when_quick)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, world_only_blob(w), w->a));
    expect_finding(check(w, false, true), FSCK_ERROR, "bytes missing");
    expect_finding(check(w, true, false), FSCK_ERROR, "bytes missing");
    EXPECT_EQ(world_file_count(w), 1); /* repair removes no file, because a user may want it back */
}

TEST(fsck_finds_changed_bytes_by_length_or_digest)
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

TEST(fsck_finds_rows_that_do_not_match_their_inline_bytes)
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

TEST(fsck_notes_orphans_and_repair_removes_those_past_the_grace)
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

TEST(fsck_repairs_very_many_orphans_only_when_forced)
{
    WORLD(w);
    for (int i = 0; i < 200; i++)
        damage_orphan(w, arena_printf(w->a, "%02x%d", i, i), S("lost"));
    world_wait(w, WORLD_GRACE_MS);
    struct fsck_report report = check(w, true, true);
    EXPECT_EQ(report.repaired, 0);
    EXPECT_EQ(report.count[FSCK_ERROR], 1);
    EXPECT_EQ(report.count[FSCK_NOTE], 200);
    EXPECT_EQ(world_blob_count(w), 200);
    struct fsck_options options = { .repair = true, .force = true };
    EXPECT_OK(fsck_run(&w->core, &options, w->a, &report));
    EXPECT_EQ(report.repaired, 200);
    EXPECT_EQ(world_blob_count(w), 0);
}

TEST(fsck_finds_and_repairs_wrong_counters)
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

static err_t apply_orphan(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct object object = { .account_id = *(int64_t *)arg, .size_bytes = 5, .inline_bytes = S("hello") };
    hash_md5(object.inline_bytes, object.md5);
    return meta_object_add(tx, &object, a, &object.id);
}

TEST(fsck_finds_an_object_that_nothing_refers_to)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), S("hello"), 0);
    world_write(w, apply_orphan, &alice.account_id);
    expect_finding(check(w, false, false), FSCK_WARNING, "nothing refers to it");
    expect_finding(check(w, true, true), FSCK_WARNING, "nothing refers to it");
    expect_finding(check(w, false, true), FSCK_WARNING, "nothing refers to it"); /* repair does not remove it */
}

/* ---- buckets ---- */

TEST(fsck_counts_bytes_of_parts_in_buckets_once)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    struct fsck_report report = check(w, false, false);
    EXPECT_EQ(report.listed, 0);
    EXPECT_EQ(report.objects, RECORDS_OBJECTS);
    EXPECT_EQ(report.entries, 2);
    EXPECT_EQ(report.files, 1);
    EXPECT_EQ(report.blobs, 1);
    EXPECT_EQ(report.bytes, RECORDS_BYTES); /* "small" is a part twice, and counts once */
}

/* Damages fresh records with the SQL script, and expects exactly that finding. */
static void expect_spoilt(const char *script, enum fsck_severity severity, const char *what, const char *subject)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    corrupt_records(w, script);
    struct fsck_report report = check(w, false, true);
    expect_finding(report, severity, what);
    EXPECT_SLICE(report.list[0].subject, slice_of(subject));
}

TEST(fsck_finds_missing_and_misplaced_parts_of_a_composite)
{
    /* object 1 is the small part, 2 the large part, 3 the composite */
    expect_spoilt("DELETE FROM object_parts WHERE number = 3", FSCK_ERROR, "parts missing", "object:3");
    expect_spoilt("UPDATE object_parts SET part_offset = 4 WHERE number = 2", FSCK_ERROR, "a part is out of its place",
                  "object:3");
    expect_spoilt(
        "UPDATE objects SET size_bytes = 7 WHERE id = 3; UPDATE entries SET size_bytes = 7 WHERE key = 'whole';"
        "UPDATE accounts SET used_bytes = used_bytes - 20003; UPDATE users SET used_bytes = used_bytes - 20003"
        " WHERE login = 'alice'",
        FSCK_ERROR, "length differs", "object:3");
    expect_spoilt("UPDATE objects SET inline_bytes = 'x' WHERE id = 3", FSCK_ERROR,
                  "bytes of its own besides its parts", "object:3");
    expect_spoilt("DELETE FROM objects WHERE id = 1", FSCK_ERROR, "parts missing", "object:3");
}

TEST(fsck_finds_a_composite_whose_digest_is_not_that_of_its_parts)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    corrupt_records(w, "UPDATE objects SET md5 = zeroblob(16) WHERE id = 3; UPDATE entries SET md5 = zeroblob(16)"
                       " WHERE key = 'whole'");
    EXPECT_EQ(check(w, false, true).listed, 0);
    expect_finding(check(w, false, false), FSCK_ERROR, "digest differs");
}

TEST(fsck_checks_the_bytes_of_parts)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    damage_blob(w, RECORDS_LARGE_KEY, world_bytes(w, RECORDS_LARGE_BYTES));
    expect_finding(check(w, false, false), FSCK_ERROR, "digest differs");
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, RECORDS_LARGE_KEY, w->a));
    expect_finding(check(w, false, true), FSCK_ERROR, "bytes missing");
}

TEST(fsck_finds_entries_and_parts_that_do_not_match_their_objects)
{
    expect_spoilt("UPDATE entries SET md5 = zeroblob(16) WHERE key = 'plain'", FSCK_WARNING,
                  "length or digest is not its object's", "entry:photos/plain");
    expect_spoilt("UPDATE entries SET part_count = 0 WHERE key = 'whole';"
                  "UPDATE accounts SET record_bytes = record_bytes - 3 * 256",
                  FSCK_WARNING, "length or digest is not its object's", "entry:photos/whole");
    expect_spoilt("DELETE FROM objects WHERE id = 4", FSCK_ERROR, "no bytes", "entry:photos/plain");
    expect_spoilt("DELETE FROM objects WHERE id = 5", FSCK_ERROR, "no bytes", "upload:upload");
    expect_spoilt("UPDATE upload_parts SET md5 = zeroblob(16)", FSCK_WARNING, "length or digest is not its object's",
                  "upload:upload");
    expect_spoilt("UPDATE accounts SET used_files = used_files - 1", FSCK_WARNING, "usage counters are wrong",
                  "accounts");
    expect_spoilt("UPDATE accounts SET record_bytes = record_bytes - 1", FSCK_WARNING, "usage counters are wrong",
                  "accounts");
    expect_spoilt("UPDATE users SET used_bytes = used_bytes + 1 WHERE login = 'alice'", FSCK_WARNING,
                  "usage counters are wrong", "accounts");
    expect_spoilt("UPDATE users SET used_files = 0 WHERE login = 'alice'", FSCK_WARNING, "usage counters are wrong",
                  "accounts");
}

#define WITHOUT_THE_BYTES                                                                                              \
    "UPDATE accounts SET used_bytes = used_bytes - 8, used_files = used_files - 1, pending_files = 1;"                 \
    "UPDATE users SET used_bytes = used_bytes - 8, used_files = used_files - 1 WHERE login = 'alice';"                 \
    "DELETE FROM objects WHERE id NOT IN (SELECT object_id FROM entries UNION SELECT object_id FROM upload_parts"      \
    " UNION SELECT part_id FROM object_parts)"

TEST(fsck_finds_files_without_bytes_and_tickets_that_do_not_match_their_files)
{
    const char *file = "file:30313233-3435-3637-3839-616263646566";
    expect_spoilt("DELETE FROM objects WHERE id = (SELECT object_id FROM files)", FSCK_ERROR, "no bytes", file);
    expect_spoilt("UPDATE tickets SET declared_bytes = 7", FSCK_WARNING,
                  "confirmed with another length than the one declared", file);
    expect_spoilt("UPDATE files SET state = 0, object_id = NULL;" WITHOUT_THE_BYTES, FSCK_WARNING,
                  "confirmed without bytes", file);
    expect_spoilt("UPDATE files SET state = 0, object_id = NULL; DELETE FROM tickets;"
                  "UPDATE accounts SET record_bytes = record_bytes - 256 - 8;" WITHOUT_THE_BYTES,
                  FSCK_WARNING, "waits for bytes, but has no ticket", file);
}

/* ---- holds ---- */

/* Files 1 (attached to the task itself) and 2 (to a comment), which user alice uploaded, and file 3, which is kept. */
static void attach_two_files(struct world *w)
{
    struct principal alice = world_user(w, S("alice"));
    struct attachment a[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        struct file f = world_store(w, &alice, S("f"), S("hello"), hours(1));
        memcpy(a[i].uuid, f.uuid, sizeof f.uuid);
    }
    struct task_request request = { .text = S("t"), .is_silent = true, .attachments = a, .attachment_count = 1 };
    int64_t task, comment;
    EXPECT_OK(task_create(&w->core, &alice, &request, w->a, &task));
    EXPECT_OK(task_comment_add(&w->core, &alice,
                               &(struct task_comment){ .task_id = task, .attachments = &a[1], .attachment_count = 1 },
                               w->a, &comment));
    EXPECT(task == 1 && comment == 1);
    world_store(w, &alice, S("f"), S("hello"), 0);
    EXPECT_EQ(check(w, false, true).listed, 0);
}

static struct file file_number(struct world *w, int64_t id)
{
    struct file f;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &f));
    meta_read_end(tx);
    return f;
}

/* Damages fresh holds with the SQL script. fsck finds exactly `what`, first on file `id`, and repairs it. */
static struct file expect_repaired(struct world *w, const char *script, int64_t findings, const char *what, int64_t id)
{
    attach_two_files(w);
    corrupt_records(w, script);
    struct file f = file_number(w, id);
    slice subject = event_file(w->a, &f);
    for (int repair = 0; repair < 2; repair++) {
        struct fsck_report report = check(w, repair, true);
        EXPECT_EQ(report.count[FSCK_WARNING], repair ? 1 : findings);
        EXPECT_EQ(report.repaired, repair);
        assert_string_equal(report.list[0].what, what);
        EXPECT_SLICE(report.list[0].subject, subject);
    }
    EXPECT_EQ(check(w, false, true).listed, 0);
    return file_number(w, id);
}

#define IN_MS(days) (WORLD_START_MS + (days)*hours(24))

TEST(fsck_finds_and_adds_holds_of_references)
{
    static const struct {
        const char *script;
        int64_t findings, file_id;
    } lost[] = {
        { "DELETE FROM holds WHERE holder_kind = 1", 2, 1 }, /* READY without a hold is a finding of its own */
        { "DELETE FROM holds WHERE holder_kind = 2", 2, 2 },
        { "DELETE FROM holds WHERE holder_kind = 1; UPDATE files SET state = 1, purge_at_ms = 1 WHERE id = 1", 1, 1 },
        { "DELETE FROM holds WHERE holder_kind = 2; UPDATE files SET state = 1, purge_at_ms = 8000000000000 WHERE id = "
          "2",
          1, 2 },
    };
    for (size_t i = 0; i < LENGTH_OF(lost); i++) {
        WORLD(w);
        struct file f =
            expect_repaired(w, lost[i].script, lost[i].findings, "not held by what refers to it", lost[i].file_id);
        EXPECT(f.state == FILE_READY && f.purge_at_ms == 0);
    }
}

#define LESS_A_REFERENCE "UPDATE accounts SET record_bytes = record_bytes - 256 - 1" /* the name "f" */

TEST(fsck_finds_and_removes_holds_without_a_holder)
{
    const char *what = "held by a holder that does not refer to it";
    {
        WORLD(w); /* something else holds the file */
        struct file f = expect_repaired(w, "INSERT INTO holds VALUES (1, 1, 77)", 1, what, 1);
        EXPECT(f.state == FILE_READY && f.purge_at_ms == 0);
    }
    {
        WORLD(w);
        struct file f = expect_repaired(w, "DELETE FROM refs WHERE file_id = 2; " LESS_A_REFERENCE, 1, what, 2);
        EXPECT(f.state == FILE_STORED && f.purge_at_ms == IN_MS(30));
    }
    {
        WORLD(w); /* kept */
        struct file f = expect_repaired(w, "INSERT INTO holds VALUES (3, 2, 1)", 1, what, 3);
        EXPECT(f.state == FILE_READY && f.purge_at_ms == 0 && f.is_kept);
    }
}

TEST(fsck_leaves_holds_of_ended_holders_and_of_unknown_kinds)
{
    WORLD(w);
    attach_two_files(w);
    corrupt_records(w, "DELETE FROM refs WHERE file_id = 1; " LESS_A_REFERENCE
                       "; INSERT INTO ended_holders VALUES (1, 1, 8000000000000, 1, 1,"
                       " '')");
    EXPECT_EQ(check(w, true, true).listed, 0);
    corrupt_records(w, "INSERT INTO holds VALUES (2, 99, 5)");
    expect_finding(check(w, true, true), FSCK_WARNING, "held by a holder of an unknown kind");
    expect_finding(check(w, false, true), FSCK_WARNING, "held by a holder of an unknown kind");
}

TEST(fsck_finds_and_repairs_files_whose_life_is_not_what_their_holds_say)
{
    {
        WORLD(w);
        struct file f = expect_repaired(w, "UPDATE files SET state = 1, purge_at_ms = 8000000000000 WHERE id = 1", 1,
                                        "held, but would be purged", 1);
        EXPECT(f.state == FILE_READY && f.purge_at_ms == 0);
    }
    {
        WORLD(w);
        struct file f = expect_repaired(w, "UPDATE files SET kept = 0 WHERE id = 3", 1,
                                        "nothing holds it, and it was not taken in to be kept", 3);
        EXPECT(f.state == FILE_STORED && f.purge_at_ms == IN_MS(30));
    }
}

TEST(fsck_compares_holds_over_many_pages)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    enum { FILES = 1100 };
    struct task_request request = { .text = S("t"), .is_silent = true };
    int64_t task;
    EXPECT_OK(task_create(&w->core, &alice, &request, w->a, &task));
    for (int i = 0; i < FILES; i++) {
        struct file f = world_store(w, &alice, S("f"), S("x"), hours(1));
        world_attach(w, task, &f);
    }
    EXPECT_EQ(check(w, false, true).listed, 0);
    corrupt_records(w, "DELETE FROM holds WHERE file_id = 1100; INSERT INTO holds VALUES (1099, 2, 8)");
    EXPECT_EQ(check(w, true, true).repaired, 2);
    EXPECT_EQ(check(w, false, true).listed, 0);
}

struct many {
    const struct principal *who;
    int64_t count;
};

static err_t put_many(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct many *many = arg;
    int64_t bucket_id, upload_id;
    struct replaced_entry replaced;
    struct object o = { .account_id = many->who->account_id };
    struct bucket b = { .account_id = many->who->account_id, .owner_id = many->who->user_id, .name = S("many") };
    hash_md5(S(""), o.md5);
    TRY(meta_bucket_add(tx, &b, a, &bucket_id));
    TRY(meta_object_add(tx, &o, a, &o.id));
    struct entry e = { .bucket_id = bucket_id, .owner_id = many->who->user_id, .object_id = o.id };
    memcpy(e.md5, o.md5, MD5_SIZE);
    for (int64_t i = 0; i < many->count; i++) {
        e.key = arena_printf(a, "%lld", (long long)i);
        TRY(meta_entry_put(tx, &e, a, &replaced));
        struct upload u = { .name = e.key,
                            .bucket_id = bucket_id,
                            .key = S("same"),
                            .account_id = many->who->account_id,
                            .owner_id = many->who->user_id };
        if (i % 100 == 0)
            TRY(meta_upload_add(tx, &u, a, &upload_id));
    }
    int64_t wrong;
    return meta_usage_check(tx, true, a, &wrong); /* counts all of it */
}

TEST(fsck_checks_each_entry_once_over_many_pages)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct many many = { &alice, 1500 }; /* exactly three pages */
    world_write(w, put_many, &many);
    struct fsck_report report = check(w, false, true);
    EXPECT_EQ(report.listed, 0);
    EXPECT_EQ(report.entries, 1500);
}

static void count_finding(void *arg, const struct fsck_finding *finding)
{
    EXPECT(finding->subject.n > 0);
    ++*(int *)arg;
}

TEST(fsck_reports_and_counts_findings_beyond_its_list)
{
    WORLD(w);
    for (int i = 0; i < FSCK_LISTED + 5; i++)
        damage_orphan(w, random_hex(&w->random.random, w->a, 32), S("x"));
    world_wait(w, WORLD_GRACE_MS);
    int reported = 0;
    struct fsck_report report;
    EXPECT_OK(
        fsck_run(&w->core, &(struct fsck_options){ .on_finding = count_finding, .arg = &reported }, w->a, &report));
    EXPECT_EQ(reported, FSCK_LISTED + 5);
    EXPECT_EQ(report.count[FSCK_NOTE], FSCK_LISTED + 5);
    EXPECT_EQ(report.listed, FSCK_LISTED);
}

/* A blob that cannot be read may be one bad sector, so it is a finding, and the others are checked. */
TEST(fsck_fails_without_findings_when_the_store_fails)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    for (int64_t nth = 1;; nth++) {
        struct fsck_report report = { 0 };
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = fsck_run(&w->core, &(struct fsck_options){ 0 }, w->a, &report);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached)
            break;
        EXPECT(!e || e->code == ERR_UNAVAILABLE);
        for (size_t i = 0; i < report.listed; i++)
            EXPECT_EQ(strcmp(report.list[i].what, "bytes cannot be read"), 0);
        EXPECT(report.listed <= 1);
    }
}

RUN_TESTS(cmocka_unit_test(fsck_counts_a_healthy_store_and_finds_nothing),
          cmocka_unit_test(fsck_finds_missing_bytes_also_when_quick),
          cmocka_unit_test(fsck_finds_changed_bytes_by_length_or_digest),
          cmocka_unit_test(fsck_finds_rows_that_do_not_match_their_inline_bytes),
          cmocka_unit_test(fsck_notes_orphans_and_repair_removes_those_past_the_grace),
          cmocka_unit_test(fsck_finds_and_repairs_wrong_counters),
          cmocka_unit_test(fsck_finds_an_object_that_nothing_refers_to),
          cmocka_unit_test(fsck_counts_bytes_of_parts_in_buckets_once),
          cmocka_unit_test(fsck_finds_missing_and_misplaced_parts_of_a_composite),
          cmocka_unit_test(fsck_finds_a_composite_whose_digest_is_not_that_of_its_parts),
          cmocka_unit_test(fsck_checks_the_bytes_of_parts),
          cmocka_unit_test(fsck_finds_entries_and_parts_that_do_not_match_their_objects),
          cmocka_unit_test(fsck_finds_files_without_bytes_and_tickets_that_do_not_match_their_files),
          cmocka_unit_test(fsck_finds_and_adds_holds_of_references),
          cmocka_unit_test(fsck_finds_and_removes_holds_without_a_holder),
          cmocka_unit_test(fsck_leaves_holds_of_ended_holders_and_of_unknown_kinds),
          cmocka_unit_test(fsck_finds_and_repairs_files_whose_life_is_not_what_their_holds_say),
          cmocka_unit_test(fsck_compares_holds_over_many_pages),
          cmocka_unit_test(fsck_checks_each_entry_once_over_many_pages),
          cmocka_unit_test(fsck_reports_and_counts_findings_beyond_its_list),
          cmocka_unit_test(fsck_fails_without_findings_when_the_store_fails),
          cmocka_unit_test(fsck_repairs_very_many_orphans_only_when_forced))

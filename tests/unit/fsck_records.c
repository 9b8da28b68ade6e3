/* SPDX-License-Identifier: Apache-2.0 */
/* What fsck finds wrong with sets of records, and with imports. */
#include "backup_fixture.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/store/record_store.h"
#include "import_fixture.h"
#include "records_fixture.h"
#include "test.h"
#include "tmpdir.h"

#define ONE_ROW IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"

static struct fsck_report check(struct world *w, bool repair)
{
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .repair = repair }, w->a, &report));
    return report;
}

static void expect_finding(struct fsck_report report, enum fsck_severity severity, const char *what,
                           const char *subject)
{
    EXPECT_EQ(report.listed, 1);
    EXPECT_EQ(report.list[0].severity, severity);
    assert_string_equal(report.list[0].what, what);
    if (subject)
        EXPECT_SLICE(report.list[0].subject, slice_of(subject));
}

/* ---- sets ---- */

TEST(fsck_finds_a_set_that_no_row_names)
{
    WORLD(w);
    struct record_fields key = { (const slice[]){ S("k") }, 1 };
    EXPECT_OK(w->core.records->ops->define(w->core.records, 7, &key, w->a));
    expect_finding(check(w, false), FSCK_WARNING, "records that no row names", "records:7");
    expect_finding(check(w, true), FSCK_WARNING, "records that no row names", "records:7"); /* nobody removes it */
    EXPECT_OK(w->core.records->ops->remove(w->core.records, 7, w->a));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(fsck_finds_a_row_whose_records_are_gone)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    import_text(&f, S(ONE_ROW));
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(w->core.records->ops->remove(w->core.records, 1, w->a));
    expect_finding(check(w, false), FSCK_ERROR, "records missing", "records:W/B/cc-family");
    corrupt_records(w, "UPDATE record_sets SET bytes = 0"); /* as before its first import */
    check(w, true);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(fsck_names_the_file_of_a_damaged_set)
{
    tmpdir_use_memory();
    char *dir = tmpdir_make();
    struct world *w = world_new_with(&(struct world_options){ .records = dir });
    struct sync_fixture f = sync_fixture_new(w);
    import_text(&f, S(ONE_ROW));
    import_text(&f, S("00|C|F|2|R\n01|wks_service|||cc-service-care|S\n02|k\n03|k\n10|1\n99|1\n"));
    const char *path = path_in(w, dir, "1.db");
    run_script_on_file(w, path, "UPDATE records SET object = '['");
    struct fsck_report report = check(w, false);
    expect_finding(report, FSCK_ERROR, "the records are damaged", "records:W/B/cc-family");
    EXPECT(slice_find(report.list[0].detail, slice_of(path)) != SLICE_NONE);
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .quick = true }, w->a, &report));
    EXPECT_EQ(report.listed, 0); /* its records are not read */
    world_free(w);
    tmpdir_remove(dir);
}

TEST(fsck_compares_and_repairs_the_room_that_records_take)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    import_text(&f, S(ONE_ROW));
    corrupt_records(w, "UPDATE record_sets SET bytes = bytes + (1 << 20)"); /* as after a kill */
    corrupt_records(w, "UPDATE accounts SET record_bytes = record_bytes + (1 << 20)");
    EXPECT_EQ(world_fsck(w, true), 0);
    corrupt_records(w, "UPDATE record_sets SET bytes = bytes + (1 << 30)");
    struct sync_file file = import_upload(&f, "next", S(ONE_ROW));
    import_start(&f, &file, "");
    expect_finding(check(w, false), FSCK_WARNING, "usage counters are wrong", NULL); /* an import may change the room */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));                                          /* and measures it */
    check(w, true);
    EXPECT_EQ(world_fsck(w, true), 0);
    corrupt_records(w, "UPDATE record_sets SET bytes = bytes + (1 << 30)");
    corrupt_records(w, "UPDATE accounts SET record_bytes = record_bytes + (1 << 30)");
    expect_finding(check(w, false), FSCK_WARNING, "the records take another room than their row says",
                   "records:W/B/cc-family");
    struct fsck_report repaired = check(w, true);
    EXPECT(repaired.list[0].repaired && repaired.repaired == repaired.count[FSCK_WARNING]);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* A database that is older than a set would let the next import go on in records of another time. */
TEST(records_that_are_older_than_their_row_are_found_and_not_imported_into)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_text(&f, S(ONE_ROW));
    corrupt_records(w, "UPDATE accounts SET record_bytes = record_bytes - (SELECT SUM(bytes) FROM record_sets)");
    corrupt_records(w, "UPDATE record_sets SET bytes = 0");
    expect_finding(check(w, false), FSCK_ERROR, "records of another time", "records:W/B/cc-family");
    file = import_upload(&f, "next", S(IMPORT_HEAD "10|F-2|Lee|1|\n99|1\n"));
    import_start(&f, &file, "");
    for (int i = 0; i < SYNC_IMPORT_ATTEMPTS; i++) {
        err_t e = jobs_run_due(w->jobs, w->a);
        EXPECT(!e || err_is(e, ERR_CORRUPT));
        world_wait(w, minutes(5));
    }
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_FAILED);
    EXPECT_SLICE(import_records(&f, "cc-family"), S("{\"entityId\":\"F-1\",\"name\":\"Silva\",\"size\":4}\n"));
}

/* ---- imports ---- */

TEST(fsck_finds_an_import_without_a_job_and_repair_ends_it)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a.cc5txt", S(ONE_ROW));
    bool runs;
    struct sync_file now = import_start(&f, &file, "");
    const char *subject = arena_printf(w->a, "sync:" SLICE_FMT, SLICE_ARG(file.handle)).p;
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(job_cancel(&w->core, &w->operator_, now.import.job_id, w->a, &runs));
    expect_finding(check(w, false), FSCK_WARNING, "its import has no job", subject);
    garbage_hold(&w->core); /* a backup runs */
    struct fsck_report report = check(w, true);
    expect_finding(report, FSCK_WARNING, "its import has no job", subject);
    EXPECT(!report.list[0].repaired);
    garbage_release(&w->core);
    report = check(w, true);
    EXPECT(report.list[0].repaired);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("Cancelled"));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(fsck_finds_imports_whose_numbers_or_report_do_not_say_how_they_ended)
{
    static const struct {
        const char *script, *what;
    } cases[] = {
        { "UPDATE sync_files SET row_inserted = 2 WHERE id = 1", "its numbers of rows do not add up" },
        { "UPDATE sync_files SET row_done = 0, row_inserted = 0 WHERE id = 1", "its numbers of rows do not add up" },
        { "UPDATE sync_files SET row_failed = 1, row_inserted = 0 WHERE id = 1", "its numbers of rows do not add up" },
        { "UPDATE sync_files SET row_deleted = -1 WHERE id = 1", "its numbers of rows do not add up" },
        { "UPDATE sync_files SET row_inserted = 9223372036854775807, row_updated = 9223372036854775807 WHERE id = 1",
          "its numbers of rows do not add up" },
        { "DELETE FROM sync_reports WHERE sync_file_id = 1", "its report is missing" },
        { "UPDATE sync_reports SET notes = '' WHERE sync_file_id = 1", "its report is missing" },
        { "UPDATE sync_reports SET errors = '' WHERE sync_file_id = 2", "its report is missing" },
        { "UPDATE sync_reports SET errors = 'x' || char(10) || errors WHERE sync_file_id = 2",
          "its report cannot be read" },
        { "UPDATE sync_reports SET notes = notes || '{\"note\":\"x\",\"at\":1}' || char(10) WHERE sync_file_id = 1",
          "its report cannot be read" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        WORLD(w);
        struct sync_fixture f = sync_fixture_new(w);
        import_text(&f, S(ONE_ROW));
        import_text(&f, S(IMPORT_HEAD "99|7\n"));
        EXPECT_EQ(world_fsck(w, true), 0);
        corrupt_records(w, cases[i].script);
        expect_finding(check(w, false), FSCK_WARNING, cases[i].what, NULL);
    }
}

/* What is unknown is not damaged: it is a finding of its own, and the other sets are checked all the same. */
TEST(fsck_ended_at_the_first_set_that_could_not_be_read)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct record_fields key = { (const slice[]){ S("k") }, 1 };
    import_text(&f, S(ONE_ROW));
    EXPECT_OK(w->core.records->ops->define(w->core.records, 7, &key, w->a));
    bool went_on = false;
    for (int64_t nth = 1;; nth++) {
        struct fsck_report report = { 0 };
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = fsck_run(&w->core, &(struct fsck_options){ 0 }, w->a, &report);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached)
            break;
        EXPECT(!e || e->code == ERR_UNAVAILABLE);
        for (size_t i = 0; i < report.listed && report.count[FSCK_ERROR]; i++) {
            EXPECT_EQ(report.listed, 2);
            assert_string_equal(report.list[i].what, i ? "records that no row names" : "the records cannot be read");
            went_on = true;
        }
    }
    EXPECT(went_on);
}

RUN_TESTS(cmocka_unit_test(fsck_finds_a_set_that_no_row_names),
          cmocka_unit_test(fsck_finds_a_row_whose_records_are_gone),
          cmocka_unit_test(fsck_names_the_file_of_a_damaged_set),
          cmocka_unit_test(fsck_compares_and_repairs_the_room_that_records_take),
          cmocka_unit_test(records_that_are_older_than_their_row_are_found_and_not_imported_into),
          cmocka_unit_test(fsck_finds_an_import_without_a_job_and_repair_ends_it),
          cmocka_unit_test(fsck_finds_imports_whose_numbers_or_report_do_not_say_how_they_ended),
          cmocka_unit_test(fsck_ended_at_the_first_set_that_could_not_be_read))

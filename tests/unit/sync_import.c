/* SPDX-License-Identifier: Apache-2.0 */
/* Imports of sync files: core/sync/sync_import.h. */
#include "core/sync/sync_import.h"
#include "core/core_priv.h"
#include "core/job.h"
#include "core/store/file_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/sync/entity.h"
#include "core/sync/record_set.h"
#include "import_fixture.h"
#include "jobs/jobs.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"

#include <string.h>

/* ---- what an import does ---- */

TEST(rows_are_inserted_updated_and_deleted_by_their_key)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_text(&f, S(IMPORT_HEAD "10|F-1|Silva|4|\n10|F-2|Lee#/#Souza|2|\n99|2\n"));
    EXPECT_EQ(file.state, SYNC_IMPORTED);
    import_expect_rows(&file, 2, 2, 0, 0, 0);
    EXPECT_SLICE(file.import.data_source, S("cc-family"));
    EXPECT_SLICE(file.import.reference, S("REF-17"));
    EXPECT_SLICE(import_notes(&f, &file), S("began, reads, reference, succeeded"));
    EXPECT_SLICE(import_errors(&f, &file), S(""));
    file = import_text(&f, S(IMPORT_HEAD "10|F-1||5|\n90|F-2\n90|F-3\n10|F-4|New|1|\n99|4\n"));
    EXPECT_EQ(file.state, SYNC_IMPORTED);
    import_expect_rows(&file, 4, 1, 1, 1, 0);
    EXPECT_SLICE(import_records(&f, "cc-family"), S("{\"entityId\":\"F-1\",\"size\":5}\n"
                                                    "{\"entityId\":\"F-4\",\"name\":\"New\",\"size\":1}\n"));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(wrong_rows_are_skipped_and_the_others_are_applied)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file =
        import_text(&f, S(IMPORT_HEAD "10|F-1|a|x|\n10|F-2|b|2|\n10||c|3|\n10|F-4|d|4|5|6\n99|4\n"));
    EXPECT_EQ(file.state, SYNC_IMPORTED_WITH_ERRORS);
    import_expect_rows(&file, 4, 1, 0, 0, 3);
    EXPECT_SLICE(import_errors(&f, &file),
                 S("BadValue 5 1 size 'x' is no int of F-1; MissingKey 7 3 entityId; FieldCount 8 4 of F-4"));
    EXPECT_SLICE(import_notes(&f, &file), S("began, reads, reference, partly"));
    EXPECT_EQ(file.report_bytes, (int64_t)(import_report(&f, &file).errors.n + import_report(&f, &file).notes.n));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_nul_in_what_is_wrong_hides_no_error)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_text(&f, S(IMPORT_HEAD "10|F-1|a|1\0002|\n10|F\0002|b|x|\n10|F-3|c|3|\n99|3\n"));
    EXPECT_EQ(file.state, SYNC_IMPORTED_WITH_ERRORS);
    EXPECT_SLICE(import_errors(&f, &file),
                 S("BadValue 5 1 size '1 2' is no int of F-1; BadValue 6 2 entityId 'F 2' is no string of F 2"));
    file = import_text(&f, S("\0000|C\n"));
    EXPECT_EQ(file.state, SYNC_FAILED);
    EXPECT(slice_starts(import_errors(&f, &file), S("BadHeader")));
}

TEST(a_file_that_is_wrong_changes_nothing_and_says_why)
{
    static const struct {
        const char *text, *errors;
    } cases[] = {
        { IMPORT_HEAD "10|F-1|a|1|\n99|2\n", "RowCountMismatch 6 0" },
        { IMPORT_HEAD "10|F-1|a|1|\n", "MissingFooter" },
        { "", "EmptyFile" },
        { IMPORT_HEAD "10|F-1|a|x|\n99|1\n", "AllRowsFailed; BadValue 5 1 size 'x' is no int of F-1" },
        { "00|C|F|2|R\n01|wks_none|||cc-none|S\n02|k\n03|k\n10|1\n99|1\n", "EntityMismatch 'wks_none'" },
        { "00|C|F|2|R\n01|wks_family|||cc-none|S\n02|k\n03|k\n10|1\n99|1\n", "DatasourceMismatch 'cc-none'" },
        { "00|C|F|2|R\n01|wks_family|||cc-provider|S\n02|k\n03|k\n10|1\n99|1\n", "DatasourceMismatch 'cc-provider'" },
        { "00|C|F|2|R\n01|wks_family|V||cc-family|S\n02|k\n03|k\n10|1\n99|1\n", "WorkspaceMismatch 'V'" },
        { "00|C|F|2|R\n01|wks_family|W|other|cc-family|S\n02|k\n03|k\n10|1\n99|1\n", "WorkspaceMismatch 'other'" },
    };
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct sync_file file = import_text(&f, slice_of(cases[i].text));
        EXPECT_EQ(file.state, SYNC_FAILED);
        slice errors = import_errors(&f, &file);
        EXPECT_SLICE(errors, slice_of(cases[i].errors));
        EXPECT(file.import.rows.inserted == 0 && file.import.finished_at_ms);
    }
    EXPECT_SLICE(import_records(&f, "cc-family"), S(""));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(an_entity_that_nobody_registered_is_unknown)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_request request = sync_fixture_request(&f, S("a.cc5txt"));
    struct sync_file file;
    struct entity e;
    slice text = S("00|C|F|2|R\n01|wks_bus|||cc-bus|S\n02|k\n03|k\n10|1\n99|1\n");
    request.entity_type = S("");
    EXPECT_OK(sync_fixture_try(&f, &f.ana, &request, &file));
    EXPECT_OK(sync_fixture_put(&f, &file, text, w->a));
    import_start(&f, &file, "");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_SLICE(import_errors(&f, &file), S("UnknownEntity 'wks_bus'"));
    EXPECT_OK(
        entity_add(&w->core, &w->operator_, &(struct entity_request){ S("bus"), S("wks_bus"), S("cc-bus") }, w->a, &e));
    import_start(&f, &file, "again");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED);
    EXPECT_SLICE(import_records(&f, "cc-bus"), S("{\"k\":\"1\"}\n"));
}

TEST(files_of_a_data_source_have_the_key_of_the_first_one)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    import_text(&f, S(IMPORT_HEAD "10|F-1|a|1|\n99|1\n"));
    struct sync_file file =
        import_text(&f, S("00|C|F|2|R\n01|wks_family|||cc-family|S\n02|name\n03|name|size:int\n10|b|2\n99|1\n"));
    EXPECT_EQ(file.state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("BadField"));
}

TEST(rows_may_delete_unless_the_section_refuses_it_or_an_administrator_asks)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct section section;
    slice secret;
    EXPECT_OK(
        section_add(&w->core, &w->operator_, &(struct section_request){ S("W"), S("kept"), true }, w->a, &section));
    struct key_request key = {
        .login = S("ana"), .purpose = S("test"), .workspace = S("W"), .section = S("kept"), .role = KEY_WRITER
    };
    struct principal writer = sync_fixture_key(&f, &key, &secret);
    key.role = KEY_ADMIN;
    struct principal admin = sync_fixture_key(&f, &key, &secret);
    struct sync_request request = sync_fixture_request(&f, S("a"));
    struct sync_file file;
    request.section = S("kept");
    EXPECT_OK(sync_fixture_try(&f, &writer, &request, &file));
    EXPECT_OK(sync_fixture_put(&f, &file, S("00|C|F|2|R\n01|wks_family|||cc-family|S\n02|k\n03|k\n10|1\n90|1\n99|2\n"),
                               w->a));
    import_start_as(&f, &writer, &file, SYNC_LINES, "");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_IMPORTED_WITH_ERRORS);
    EXPECT_SLICE(import_errors(&f, &file), S("DeleteNotAllowed 6 2 of 1"));
    import_start_as(&f, &admin, &file, SYNC_LINES, "by an administrator");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_IMPORTED);
    import_expect_rows(&now, 2, 0, 1, 1, 0);
}

TEST(the_json_form_is_imported_like_the_other)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file =
        import_upload(&f, "f.json",
                      S("{\"header\":{\"metadata\":{\"keys\":[\"entityId\"],\"entityType\":\"wks_family\","
                        "\"dataSource\":\"cc-family\"},\"FieldMappings\":{\"entityId\":{},\"name\":{}}},"
                        "\"data\":[{\"entityId\":\"F-1\",\"name\":\"x\"},{\"entityId\":\"F-2\"}],"
                        "\"delete\":[{\"entityId\":\"F-2\"}],\"footer\":{\"total\":3}}"));
    import_start_as(&f, &f.ana, &file, SYNC_JSON, "");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_SLICE(import_errors(&f, &file), S(""));
    EXPECT_EQ(now.state, SYNC_IMPORTED);
    import_expect_rows(&now, 3, 2, 0, 1, 0);
}

/* ---- asking ---- */

TEST(an_import_is_asked_for_once_and_repeated_with_another_action)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file created = sync_fixture_issue(&f, S("a")), now;
    struct sync_import_request request = { created.id, SYNC_LINES, S(""), S("") };
    EXPECT_REFUSED(sync_import_start(&w->core, &f.ana, &request, w->a, &now), REASON_SYNC_NO_BYTES);
    struct sync_file file = import_upload(&f, "a.cc5txt", S(IMPORT_HEAD "10|F-1|a|1|\n99|1\n"));
    now = import_start(&f, &file, "one");
    EXPECT(now.state == SYNC_QUEUED && now.import.number == 1);
    now = import_start(&f, &file, "two"); /* one waits already */
    EXPECT(now.state == SYNC_QUEUED && now.import.number == 1 && slice_eq(now.action, S("one")));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    now = import_start(&f, &file, "one");
    EXPECT(now.state == SYNC_IMPORTED && now.import.number == 1);
    now = import_start(&f, &file, "");
    EXPECT(now.state == SYNC_IMPORTED && now.import.number == 1);
    now = import_start(&f, &file, "two");
    EXPECT(now.state == SYNC_QUEUED && now.import.number == 2 && slice_eq(now.action, S("two")));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    now = sync_fixture_get(&f, &file);
    import_expect_rows(&now, 1, 0, 1, 0, 0);
    world_wait(w, SYNC_LIFETIME_MS);
    EXPECT_REFUSED(sync_import_start(&w->core, &f.ana, &request, w->a, &now), REASON_SYNC_LINK_EXPIRED);
    request.sync_file_id = 99;
    EXPECT_REFUSED(sync_import_start(&w->core, &f.ana, &request, w->a, &now), REASON_SYNC_NO_FILE);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(after_a_failure_the_same_action_runs_again)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_text(&f, S(IMPORT_HEAD "99|1\n"));
    EXPECT_EQ(file.state, SYNC_FAILED);
    struct sync_file now = import_start(&f, &file, "");
    EXPECT(now.state == SYNC_QUEUED && now.import.number == 2);
    EXPECT_SLICE(import_errors(&f, &file), S(""));
    EXPECT_EQ(world_fsck(w, false), 0);
}

RUN_TESTS(cmocka_unit_test(rows_are_inserted_updated_and_deleted_by_their_key),
          cmocka_unit_test(wrong_rows_are_skipped_and_the_others_are_applied),
          cmocka_unit_test(a_nul_in_what_is_wrong_hides_no_error),
          cmocka_unit_test(a_file_that_is_wrong_changes_nothing_and_says_why),
          cmocka_unit_test(an_entity_that_nobody_registered_is_unknown),
          cmocka_unit_test(files_of_a_data_source_have_the_key_of_the_first_one),
          cmocka_unit_test(rows_may_delete_unless_the_section_refuses_it_or_an_administrator_asks),
          cmocka_unit_test(the_json_form_is_imported_like_the_other),
          cmocka_unit_test(an_import_is_asked_for_once_and_repeated_with_another_action),
          cmocka_unit_test(after_a_failure_the_same_action_runs_again))

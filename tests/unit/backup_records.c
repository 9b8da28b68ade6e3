/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records in backups. */
#include "backup_fixture.h"
#include "base/buf.h"
#include "base/text.h"
#include "core/care/data_dir.h"
#include "core/dataset/gate.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "import_fixture.h"
#include "test.h"
#include "tmpdir.h"

#include <string.h>
#include <sys/stat.h>

#define ROWS 2500 /* more than two batches */

/* A world whose records are in files, and a directory for it and its backups. */
struct place {
    struct world *w;
    char *dir;
    struct sync_fixture f;
};

static struct place place_new(void)
{
    tmpdir_use_memory();
    struct place p = { .dir = tmpdir_make() };
    SCRATCH(a);
    p.w = world_new_with(&(struct world_options){ .records = arena_printf(&a, "%s/records", p.dir).p });
    p.f = sync_fixture_new(p.w);
    return p;
}

static void place_releasep(struct place *p)
{
    world_free(p->w);
    tmpdir_remove(p->dir);
}
#define PLACE(name)                                                                                                    \
    SCOPED(place_releasep)                                                                                             \
    struct place name = place_new()

static const char *at(const struct place *p, const char *name)
{
    return path_in(p->w, p->dir, name);
}

/* The world of a directory that was restored. */
static struct sync_fixture restored_world(const struct place *p, const char *name)
{
    struct sync_fixture f = p->f;
    const char *dir = at(p, name);
    f.w = f.g.s.w = world_new_with(&(struct world_options){ .database = path_in(p->w, dir, DATA_DIR_DATABASE),
                                                            .records = path_in(p->w, dir, DATA_DIR_RECORDS),
                                                            .blobs = path_in(p->w, dir, DATA_DIR_BLOBS) });
    return f;
}

static slice many_rows(struct world *w, int count)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S(IMPORT_HEAD));
    for (int i = 0; i < count; i++)
        buf_printf(&text, "10|F-%d|name %d|%d|\n", i, i, i);
    buf_printf(&text, "99|%d\n", count);
    return arena_copy(w->a, buf_slice(&text));
}

static struct record_page first_records(struct world *w, int64_t set_id)
{
    struct record_page page = { 0 };
    struct record_scan scan = { .order = RECORD_BY_ID, .limit = 1000 };
    EXPECT_OK(w->core.records->ops->scan(w->core.records, set_id, &scan, w->a, &page));
    return page;
}

static int64_t count_records(struct world *w, int64_t set_id)
{
    uint64_t bytes, records;
    EXPECT_OK(w->core.records->ops->size(w->core.records, set_id, w->a, &bytes, &records));
    return (int64_t)records;
}

/* As table_copy.c digests the copies of these sets, so that the MANIFEST fits what was changed. */
static void fit_digest(const struct place *p, const char *backup, slice old, int sets)
{
    SCOPED(buf_releasep) struct buf text;
    unsigned char sha256[SHA256_SIZE];
    buf_init(&text, 0);
    for (int id = 1; id <= sets; id++)
        buf_printf(&text, "%d " SLICE_FMT "\n", id,
                   SLICE_ARG(sha256_of_file(p->w, arena_printf(p->w->a, "%s/records/%d", backup, id).p)));
    hash_sha256(buf_slice(&text), sha256);
    change_manifest(p->w, backup, old, hex_encode(p->w->a, (slice){ (const char *)sha256, SHA256_SIZE }));
}

static slice digest_in_manifest(const struct place *p, const char *backup)
{
    static const char name[] = "\"record_sets_sha256\":\"";
    slice text = read_whole_file(p->w, path_in(p->w, backup, DATA_DIR_MANIFEST));
    size_t found = slice_find(text, slice_of(name));
    EXPECT(found != SLICE_NONE);
    return slice_part(text, found + strlen(name), 2 * SHA256_SIZE);
}

static void expect_refused(const struct place *p, const char *from, const char *words)
{
    static int number;
    struct backup_report report;
    const char *to = arena_printf(p->w->a, "%s/refused%d", p->dir, number++).p;
    err_t e = restore(p->w, from, to, &report);
    EXPECT_ERR(e, ERR_CORRUPT);
    slice text = err_text(p->w->a, e);
    if (slice_find(text, slice_of(words)) == SLICE_NONE)
        fail_msg("'%.*s' does not say '%s'", SLICE_ARG(text), words);
    EXPECT(access(path_in(p->w, to, DATA_DIR_DATABASE), F_OK) != 0);
}

/* ---- whole backups ---- */

TEST(restore_returns_every_record_with_its_id)
{
    PLACE(p);
    struct backup_report made, restored;
    struct fsck_report fsck;
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n10|F-2|Lee|2|\n99|2\n"));
    import_text(&p.f, S("00|C|F|2|R\n01|wks_service|||cc-service-care|S\n02|k\n03|k\n10|1\n99|1\n"));
    EXPECT_OK(back_up(p.w, at(&p, "b"), &made));
    EXPECT_EQ(made.record_sets, 1);
    EXPECT(access(at(&p, "b/records/1-wal"), F_OK) != 0); /* the copy is one file */
    struct record_page before = first_records(p.w, 1);
    import_text(&p.f, S(IMPORT_HEAD "10|F-3|New|1|\n99|1\n"));
    slice later = first_records(p.w, 1).items[2].id;
    EXPECT_OK(restore_and_check(p.w, at(&p, "b"), at(&p, "d"), &restored, &fsck));
    EXPECT_EQ(restored.record_sets, 1);
    EXPECT_EQ(fsck.listed, 0);
    struct sync_fixture f = restored_world(&p, "d");
    struct record_page after = first_records(f.w, 1);
    EXPECT_EQ(after.count, 2);
    for (size_t i = 0; i < 2; i++) {
        EXPECT_SLICE(after.items[i].id, before.items[i].id);
        EXPECT_SLICE(after.items[i].object, before.items[i].object);
    }
    import_text(&f, S(IMPORT_HEAD "10|F-4|Newer|1|\n99|1\n"));
    EXPECT(slice_cmp(first_records(f.w, 1).items[2].id, later) > 0); /* no id is given twice */
    EXPECT_EQ(world_fsck(f.w, false), 0);
    world_free(f.w);
}

TEST(an_import_that_was_running_goes_on_after_the_restore)
{
    PLACE(p);
    struct backup_report report;
    struct sync_file file = import_upload(&p.f, "a.cc5txt", many_rows(p.w, ROWS)), now;
    import_start(&p.f, &file, "");
    p.w->faults.fail_at = p.w->faults.calls + 1700; /* in the second batch */
    EXPECT_ERR(jobs_run_due(p.w->jobs, p.w->a), ERR_UNAVAILABLE);
    p.w->faults.fail_at = 0;
    EXPECT_EQ(count_records(p.w, 1), SYNC_BATCH_ROWS);
    EXPECT_EQ(sync_fixture_get(&p.f, &file).state, SYNC_PROCESSING);
    EXPECT_OK(back_up(p.w, at(&p, "b"), &report));
    world_wait(p.w, minutes(1));
    EXPECT_OK(jobs_run_due(p.w->jobs, p.w->a));
    EXPECT_OK(restore(p.w, at(&p, "b"), at(&p, "d"), &report));
    struct sync_fixture f = restored_world(&p, "d");
    world_wait(f.w, minutes(1));
    EXPECT_EQ(count_records(f.w, 1), SYNC_BATCH_ROWS);
    EXPECT_OK(jobs_run_due(f.w->jobs, f.w->a));
    now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_IMPORTED);
    import_expect_rows(&now, ROWS, ROWS, 0, 0, 0);
    EXPECT_SLICE(import_records(&f, "cc-family"), import_records(&p.f, "cc-family"));
    EXPECT_EQ(count_records(f.w, 1), ROWS);
    EXPECT_EQ(world_fsck(f.w, false), 0);
    world_free(f.w);
}

/* What a backup copies in its two steps is of one time. */
static err_t open_and_try_gate(void *arg, const char *dir, bool read_only, struct arena *a,
                               struct meta_store **ret_meta, struct blob_store **ret_blob)
{
    struct world *w = arg;
    EXPECT(!ret_meta || !dataset_gate_try(&w->core));
    return open_stores(NULL, dir, read_only, a, ret_meta, ret_blob);
}

TEST(nothing_enters_the_gate_between_the_copies_of_rows_and_of_records)
{
    PLACE(p);
    struct backup_report report;
    struct store_opener opener = { .open = open_and_try_gate, .arg = p.w };
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    EXPECT_OK(
        backup_run(&p.w->core, &(struct backup_params){ .dir = at(&p, "b"), .opener = &opener }, p.w->a, &report));
    EXPECT(dataset_gate_try(&p.w->core));
    dataset_gate_leave(&p.w->core);
}

static err_t apply_add_set(struct meta_tx *tx, void *arg, struct arena *a)
{
    int64_t id;
    return meta_record_set_add(tx, arg, a, &id);
}

TEST(a_set_that_was_not_made_yet_is_in_no_backup)
{
    PLACE(p);
    struct backup_report report;
    struct sync_file file = import_text(&p.f, S(IMPORT_HEAD "99|0\n"));
    struct record_set set = { .account_id = file.account_id, .section_id = file.section_id, .data_source = S("other") };
    world_write(p.w, apply_add_set, &set);
    EXPECT_OK(back_up(p.w, at(&p, "b"), &report));
    EXPECT_EQ(report.record_sets, 1);
    EXPECT_OK(restore(p.w, at(&p, "b"), at(&p, "d"), &report));
}

/* ---- damage ---- */

TEST(a_backup_of_a_damaged_or_missing_set_fails_and_names_its_file)
{
    PLACE(p);
    struct backup_report report;
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    run_script_on_file(p.w, at(&p, "records/1.db"), "UPDATE records SET object = '['");
    err_t e = back_up(p.w, at(&p, "b"), &report);
    EXPECT_ERR(e, ERR_CORRUPT);
    EXPECT(slice_find(err_text(p.w->a, e), S("/records/1")) != SLICE_NONE);
    EXPECT(access(at(&p, "b/" DATA_DIR_MANIFEST), F_OK) != 0);
    EXPECT_OK(p.w->core.records->ops->remove(p.w->core.records, 1, p.w->a));
    e = back_up(p.w, at(&p, "c"), &report);
    EXPECT_ERR(e, ERR_CORRUPT);
    EXPECT(slice_find(err_text(p.w->a, e), S("a set of records is gone")) != SLICE_NONE);
    EXPECT(dataset_gate_try(&p.w->core)); /* it is open again */
    dataset_gate_leave(&p.w->core);
}

/* SQLite keeps no checksums of pages: only the digest shows that another value stands there. */
TEST(a_value_that_was_changed_in_a_copy_is_found)
{
    PLACE(p);
    struct backup_report report;
    const char *copy = at(&p, "b/records/1");
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|unlike|4|\n99|1\n"));
    EXPECT_OK(back_up(p.w, at(&p, "b"), &report));
    size_t found = slice_find(read_whole_file(p.w, copy), S("\"unlike\""));
    EXPECT(found != SLICE_NONE);
    flip_byte(copy, (off_t)found + 2);
    expect_refused(&p, at(&p, "b"), "the files in records of the backup are not those that its MANIFEST names");
    flip_byte(copy, (off_t)found + 2);
    EXPECT_OK(restore(p.w, at(&p, "b"), at(&p, "d"), &report));
}

TEST(copies_that_are_missing_or_belong_to_no_row_are_found)
{
    PLACE(p);
    struct backup_report report;
    struct world *w = p.w;
    slice one;
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    EXPECT_OK(back_up(w, at(&p, "b"), &report));
    one = read_whole_file(w, at(&p, "b/records/1"));
    static const char *const names[] = { "b/records/2", "b/records/01", "b/records/-1", "b/records/1-wal",
                                         "b/records/x" };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        write_new_file(at(&p, names[i]), one);
        expect_refused(&p, at(&p, "b"), names[i] + 2);
        assert_true(unlink(at(&p, names[i])) == 0);
    }
    assert_true(unlink(at(&p, "b/records/1")) == 0);
    expect_refused(&p, at(&p, "b"), "not those that its MANIFEST names");
}

/* ---- copies that somebody else made ---- */

TEST(a_copy_with_code_or_with_what_is_no_record_is_refused)
{
    static const struct {
        const char *script, *words;
    } cases[] = {
        { "CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END",
          "trigger t does not belong in it" },
        { "CREATE VIEW v AS SELECT 1", "view v does not belong in it" },
        { "DROP INDEX records_by_key", "index records_by_key is missing" },
        { "UPDATE records SET object = '[]'", "the records do not fit together" },
        { "UPDATE records SET object = '{'", "the records do not fit together" },
        { "UPDATE about SET record_count = 7", "the records do not fit together" },
        { "UPDATE about SET next_number = 1", "the records do not fit together" },
        { "UPDATE about SET position = printf('%2000d', 1)", "the records do not fit together" },
        { "DELETE FROM key_fields", "the key has no fields" },
        { "UPDATE records SET file = 7 WHERE 1", NULL },
        { "UPDATE records SET created_at_ms = 'x'", "has something else than an integer" },
    };
    PLACE(p);
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct backup_report report;
        const char *b = arena_printf(p.w->a, "%s/b%zu", p.dir, i).p;
        EXPECT_OK(back_up(p.w, b, &report));
        slice old = digest_in_manifest(&p, b);
        run_script_on_file(p.w, path_in(p.w, b, "records/1"), cases[i].script);
        fit_digest(&p, b, old, 1);
        if (cases[i].words)
            expect_refused(&p, b, cases[i].words);
    }
}

TEST(a_copy_that_is_no_file_is_refused_without_opening_it)
{
    PLACE(p);
    struct backup_report report;
    const char *copy = at(&p, "b/records/1");
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    EXPECT_OK(back_up(p.w, at(&p, "b"), &report));
    assert_true(unlink(copy) == 0 && mkfifo(copy, 0600) == 0);
    expect_refused(&p, at(&p, "b"), "/records/1 is no file"); /* opening it would wait for a writer */
    assert_true(unlink(copy) == 0 && symlink(at(&p, "records/1.db"), copy) == 0);
    expect_refused(&p, at(&p, "b"), "/records/1 is no file");
    assert_true(unlink(copy) == 0 && mkdir(copy, 0700) == 0);
    expect_refused(&p, at(&p, "b"), "/records/1 is no file");
    assert_true(rmdir(copy) == 0 && unlink(at(&p, "b/" DATA_DIR_DATABASE)) == 0 &&
                mkfifo(at(&p, "b/" DATA_DIR_DATABASE), 0600) == 0);
    expect_refused(&p, at(&p, "b"), DATA_DIR_DATABASE " is no file");
}

TEST(a_manifest_that_hides_sets_is_refused)
{
    PLACE(p);
    struct backup_report report;
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    EXPECT_OK(back_up(p.w, at(&p, "b"), &report));
    change_manifest(p.w, at(&p, "b"), S("\"record_sets\":1"), S("\"record_sets\":2"));
    expect_refused(&p, at(&p, "b"), "does not hold what its MANIFEST counts");
    change_manifest(p.w, at(&p, "b"), S("\"record_sets\":2"), S("\"record_sets\":0"));
    expect_refused(&p, at(&p, "b"), "the MANIFEST is damaged");
    change_manifest(p.w, at(&p, "b"), S("\"record_sets\":0"), S("\"record_sets\":-1"));
    expect_refused(&p, at(&p, "b"), "the MANIFEST is damaged");
    change_manifest(p.w, at(&p, "b"), S("\"record_sets\":-1"), S("\"record_sets\":1"));
    change_manifest(p.w, at(&p, "b"), S("record_sets_sha256"), S("some_other_member"));
    expect_refused(&p, at(&p, "b"), "the MANIFEST is damaged");
}

TEST(rows_of_sets_and_sync_files_that_no_version_writes_are_refused)
{
    static const struct {
        const char *script, *words;
    } cases[] = {
        { "UPDATE record_sets SET bytes = -1", "record_set:1: no set of records has such an id or size" },
        { "INSERT INTO record_sets SELECT -5, account_id, section_id, 'x', 0, 1 FROM record_sets",
          "record_set:-5: no set of records has such an id or size" },
        { "UPDATE sync_files SET state = 9", "sync_file:1: unknown state, way or form" },
        { "UPDATE sync_files SET form = -1", "sync_file:1: unknown state, way or form" },
        { "UPDATE sync_files SET way = 5", "sync_file:1: unknown state, way or form" },
        { "DELETE FROM record_sets", "the files in records of the backup are not those that its MANIFEST names" },
        { "UPDATE record_sets SET bytes = 0", "records:W/B/cc-family: records of another time" },
    };
    PLACE(p);
    import_text(&p.f, S(IMPORT_HEAD "10|F-1|Silva|4|\n99|1\n"));
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct backup_report report;
        const char *b = arena_printf(p.w->a, "%s/b%zu", p.dir, i).p;
        EXPECT_OK(back_up(p.w, b, &report));
        change_backup(p.w, b, cases[i].script);
        expect_refused(&p, b, cases[i].words);
    }
}

RUN_TESTS(cmocka_unit_test(restore_returns_every_record_with_its_id),
          cmocka_unit_test(an_import_that_was_running_goes_on_after_the_restore),
          cmocka_unit_test(nothing_enters_the_gate_between_the_copies_of_rows_and_of_records),
          cmocka_unit_test(a_set_that_was_not_made_yet_is_in_no_backup),
          cmocka_unit_test(a_backup_of_a_damaged_or_missing_set_fails_and_names_its_file),
          cmocka_unit_test(a_value_that_was_changed_in_a_copy_is_found),
          cmocka_unit_test(copies_that_are_missing_or_belong_to_no_row_are_found),
          cmocka_unit_test(a_copy_with_code_or_with_what_is_no_record_is_refused),
          cmocka_unit_test(a_copy_that_is_no_file_is_refused_without_opening_it),
          cmocka_unit_test(a_manifest_that_hides_sets_is_refused),
          cmocka_unit_test(rows_of_sets_and_sync_files_that_no_version_writes_are_refused))

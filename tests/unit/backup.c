/* SPDX-License-Identifier: Apache-2.0 */
#include "backup_fixture.h"
#include "damage.h"
#include "old_version.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "base/buf.h"
#include "core/care/data_dir.h"
#include "core/care/master_key.h"
#include "core/object/garbage.h"
#include "core/transfer/transfer.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGE = 20000 };

static void expect_file(struct world *w, const char *data_dir, const struct principal *who, const struct file *f,
                        slice bytes)
{
    struct world other = { .a = w->a };
    struct meta_store *meta;
    struct blob_store *blob;
    slice got;
    EXPECT_OK(open_stores(NULL, data_dir, false, w->a, &meta, &blob));
    core_init(&other.core, &(struct core_params){
                               .meta = meta, .blob = blob, .clock = &w->clock.clock, .random = &w->random.random });
    EXPECT_OK(world_read(&other, who, f, &got));
    EXPECT_SLICE(got, bytes);
    core_release(&other.core);
    meta_close(meta);
    blob->ops->close_store(blob);
}

static err_t back_up_with_key(struct world *w, const char *to, const char *data, struct backup_report *ret)
{
    struct backup_params p = { .dir = to, .key_from = data, .opener = &backup_fixture_opener };
    return backup_run(&w->core, &p, w->a, ret);
}

/* ---- tests ---- */

TEST(restore_returns_every_byte_of_the_backup)
{
    WORLD(w);
    FOLDER(dir);
    struct principal alice = world_user(w, S("alice"));
    slice small = S("hello"), large = world_bytes(w, LARGE);
    struct file s = world_store(w, &alice, S("s"), small, 0), l = world_store(w, &alice, S("l"), large, 0);
    struct backup_report made, restored;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &made));
    EXPECT_EQ(made.objects, 2);
    EXPECT_EQ(made.blobs, 1);
    EXPECT_EQ(made.blob_bytes, LARGE);
    EXPECT(access(path_in(w, dir, "b/" DATA_DIR_DATABASE "-wal"), F_OK) != 0); /* the database is one file */
    EXPECT(!garbage_is_held(&w->core));
    world_store(w, &alice, S("later"), world_bytes(w, LARGE), 0);
    EXPECT_OK(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &restored));
    EXPECT_EQ(restored.objects, 2);
    EXPECT_EQ(restored.created_at_ms, WORLD_START_MS);
    expect_file(w, path_in(w, dir, "d"), &alice, &s, small);
    expect_file(w, path_in(w, dir, "d"), &alice, &l, large);
}

/* Restoring runs fsck with digests: the bytes that the upload has acknowledged are in the backup, and no others. */
TEST(restore_returns_what_an_upload_in_several_requests_has_acknowledged)
{
    WORLD(w);
    FOLDER(dir);
    struct principal alice = world_user(w, S("alice"));
    struct transfer_request request = {
        .origin = S("sample"), .file_name = S("a"), .length = 2 * LARGE, .lifetime_ms = hours(1)
    };
    struct transfer t, now;
    struct transfer_writer *writer;
    struct backup_report report;
    struct fsck_report fsck;
    EXPECT_OK(transfer_create(&w->core, &alice, &request, w->a, &t));
    struct transfer_opening opening = { .name = t.name, .lifetime_ms = hours(1) };
    EXPECT_OK(transfer_open(&w->core, &alice, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, world_bytes(w, LARGE), w->a));
    EXPECT_OK(transfer_close(writer, w->a, &now));
    opening.offset = LARGE;
    EXPECT_OK(transfer_open(&w->core, &alice, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, world_bytes(w, LARGE), w->a)); /* not acknowledged yet */
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
    EXPECT_OK(transfer_close(writer, w->a, &now));
    EXPECT(now.finished_at_ms);
    EXPECT_OK(restore_and_check(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report, &fsck));
    EXPECT_EQ(fsck.count[FSCK_ERROR] + fsck.count[FSCK_WARNING], 0);
    struct meta_store *meta;
    struct blob_store *blob;
    struct blob_reader *reader;
    EXPECT_OK(open_stores(NULL, path_in(w, dir, "d"), false, w->a, &meta, &blob));
    EXPECT_OK(blob->ops->open_growing(blob, t.blob_key, w->a, &reader));
    EXPECT_EQ(reader->size_bytes, LARGE);
    reader->ops->close(reader);
    meta_close(meta);
    blob->ops->close_store(blob);
}

/* A composite has no bytes of its own to copy; its parts have. */
TEST(restore_returns_entries_composites_and_uploads)
{
    WORLD(w);
    FOLDER(dir);
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    records_fixture_make(w, &alice, &records);
    struct backup_report made;
    struct fsck_report fsck;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &made));
    EXPECT_EQ(made.objects, RECORDS_OBJECTS);
    EXPECT_EQ(made.blobs, 1);
    EXPECT_EQ(made.blob_bytes, RECORDS_LARGE_BYTES);
    struct backup_report restored;
    EXPECT_OK(restore_and_check(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &restored, &fsck));
    EXPECT_EQ(fsck.listed, 0);
    EXPECT_EQ(fsck.entries, 2);
    EXPECT_EQ(fsck.objects, RECORDS_OBJECTS);
}

/* Such a backup could not be restored: its database was opened for reading, which only a database of this version can. */
static void restore_old_version(int64_t version, const char *data, int objects)
{
    WORLD(w);
    FOLDER(dir);
    assert_true(mkdir(path_in(w, dir, "b"), 0700) == 0);
    const char *database = path_in(w, dir, "b/" DATA_DIR_DATABASE);
    struct sql_db *db;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = database }, w->a, &db));
    old_version_create(db, version, data, w->a);
    sql_close_db(db);
    slice before = sha256_of_file(w, database);
    write_new_file(path_in(w, dir, "b/" DATA_DIR_MANIFEST),
                   arena_printf(w->a,
                                "{\"format\":1,\"created_at_ms\":5,\"objects\":%d,\"blobs\":0,\"blob_bytes\":0,"
                                "\"database_sha256\":\"" SLICE_FMT "\"}",
                                objects, SLICE_ARG(before)));
    struct backup_report restored;
    struct fsck_report fsck;
    EXPECT_OK(restore_and_check(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &restored, &fsck));
    EXPECT_EQ(fsck.listed, 0);
    EXPECT_EQ(restored.created_at_ms, 5);
    struct meta_store *meta;
    EXPECT_OK(open_stores(NULL, path_in(w, dir, "d"), true, w->a, &meta,
                          NULL)); /* opening for reading needs a database of this version */
    meta_close(meta);
    EXPECT_SLICE(sha256_of_file(w, database), before);
}

TEST(restore_migrates_a_backup_of_an_older_version)
{
    restore_old_version(1, "", 0);
    restore_old_version(2, second_version_data, 1);
}

TEST(backup_and_restore_refuse_a_directory_that_is_not_empty)
{
    WORLD(w);
    FOLDER(dir);
    struct backup_report report;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
    EXPECT_ERR(back_up(w, path_in(w, dir, "b"), &report), ERR_CONFLICT);
    EXPECT_ERR(back_up(w, dir, &report), ERR_CONFLICT);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), dir, &report), ERR_CONFLICT);
    EXPECT(!garbage_is_held(&w->core));
    /* The lock of the caller may be in the directory. */
    assert_true(mkdir(path_in(w, dir, "d"), 0700) == 0);
    int fd = open(path_in(w, dir, "d/" DATA_DIR_LOCK), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    EXPECT_OK(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report));
}

TEST(restore_refuses_a_backup_without_manifest)
{
    WORLD(w);
    FOLDER(dir);
    struct backup_report report;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
    assert_true(unlink(path_in(w, dir, "b/" DATA_DIR_MANIFEST)) == 0);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report), ERR_NOT_FOUND);
    EXPECT(access(path_in(w, dir, "d"), F_OK) != 0);
}

TEST(restore_took_texts_where_integers_belong)
{
    static const char *const scripts[] = {
        "UPDATE jobs SET id = 'x' WHERE id = (SELECT MIN(id) FROM jobs)",
        "UPDATE jobs SET run_at_ms = x'00' WHERE id = (SELECT MIN(id) FROM jobs)",
        "UPDATE accounts SET used_bytes = 1.5",
        "UPDATE users SET created_at_ms = 'soon'",
    };
    static const char *const said[] = { "jobs has something else than an integer in id",
                                        "jobs has something else than an integer in run_at_ms",
                                        "accounts has something else than an integer in used_bytes",
                                        "users has something else than an integer in created_at_ms" };
    for (size_t i = 0; i < LENGTH_OF(scripts); i++) {
        WORLD(w);
        FOLDER(dir);
        world_user(w, S("alice"));
        struct backup_report report;
        EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
        change_backup(w, path_in(w, dir, "b"), "UPDATE users SET name = 'as any other'");
        EXPECT_OK(restore(w, path_in(w, dir, "b"), path_in(w, dir, "good"), &report));
        change_backup(w, path_in(w, dir, "b"), scripts[i]);
        err_t e = restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report);
        EXPECT_ERR(e, ERR_CORRUPT);
        EXPECT(slice_find(err_text(w->a, e), slice_of(said[i])) != SLICE_NONE);
        EXPECT(access(path_in(w, dir, "d/" DATA_DIR_DATABASE), F_OK) != 0);
    }
}

TEST(restore_finds_a_damaged_database_or_manifest)
{
    WORLD(w);
    FOLDER(dir);
    struct backup_report report;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
    flip_byte(path_in(w, dir, "b/" DATA_DIR_DATABASE), 5000);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report), ERR_CORRUPT);
    EXPECT(access(path_in(w, dir, "d/" DATA_DIR_DATABASE), F_OK) != 0); /* no server would start on what is left */
    flip_byte(path_in(w, dir, "b/" DATA_DIR_DATABASE), 5000);
    flip_byte(path_in(w, dir, "b/" DATA_DIR_MANIFEST), 0);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "e"), &report), ERR_CORRUPT);
}

TEST(backup_and_restore_find_a_damaged_or_missing_blob)
{
    WORLD(w);
    FOLDER(dir);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("l"), world_bytes(w, LARGE), 0);
    struct backup_report report;
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &report));
    slice key = world_only_blob(w);
    const char *blob = arena_printf(w->a, "%s/b/" DATA_DIR_BLOBS "/%.2s/" SLICE_FMT, dir, key.p, SLICE_ARG(key)).p;
    assert_true(chmod(blob, 0600) == 0);
    flip_byte(blob, LARGE / 2);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report), ERR_CORRUPT);
    assert_true(unlink(blob) == 0);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "e"), &report), ERR_CORRUPT);
    damage_blob(w, key, world_bytes(w, LARGE)); /* the size stays, the bytes do not */
    EXPECT_ERR(back_up(w, path_in(w, dir, "f"), &report), ERR_CORRUPT);
    EXPECT(access(path_in(w, dir, "f/" DATA_DIR_MANIFEST), F_OK) != 0);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, key, w->a));
    EXPECT_ERR(back_up(w, path_in(w, dir, "c"), &report), ERR_CORRUPT);
    EXPECT(access(path_in(w, dir, "c/" DATA_DIR_MANIFEST), F_OK) != 0);
    EXPECT(!garbage_is_held(&w->core));
}

/* ---- the master key ---- */

static bool has_key(struct world *w, const char *dir)
{
    struct stat st;
    const char *path = path_in(w, dir, DATA_DIR_MASTER_KEY);
    if (stat(path, &st) != 0)
        return false;
    EXPECT_EQ(st.st_mode & 07777, 0600);
    return true;
}

TEST(backup_holds_the_master_key_only_on_request)
{
    WORLD(w);
    FOLDER(dir);
    unsigned char key[SEAL_KEY_SIZE], back[SEAL_KEY_SIZE];
    const char *data = path_in(w, dir, "data");
    assert_true(mkdir(data, 0700) == 0);
    EXPECT_OK(master_key_ensure(data, &w->random.random, w->a, key));
    seal_free(w->seal);
    w->core.seal = w->seal = seal_new(key, &w->random.random);
    world_user(w, S("alice"));
    struct minted_key minted;
    struct key_request wanted = { S("alice"), S("api") };
    EXPECT_OK(key_mint_signing(&w->core, &w->operator_, &wanted, w->a, &minted));

    struct backup_report report;
    struct fsck_report fsck;
    EXPECT_OK(back_up_with_key(w, path_in(w, dir, "with"), data, &report));
    EXPECT(report.with_key && has_key(w, path_in(w, dir, "with")));
    EXPECT_OK(back_up(w, path_in(w, dir, "without"), &report));
    EXPECT(!report.with_key && !has_key(w, path_in(w, dir, "without")));

    EXPECT_OK(restore_and_check(w, path_in(w, dir, "with"), path_in(w, dir, "d"), &report, &fsck));
    EXPECT(report.with_key && has_key(w, path_in(w, dir, "d")));
    EXPECT_OK(master_key_read(path_in(w, dir, "d"), w->a, back));
    EXPECT(memcmp(back, key, sizeof key) == 0);
    EXPECT_EQ(fsck.count[FSCK_WARNING], 0);
    EXPECT_OK(restore_and_check(w, path_in(w, dir, "without"), path_in(w, dir, "e"), &report, &fsck));
    EXPECT(!report.with_key && !has_key(w, path_in(w, dir, "e")));
    EXPECT_EQ(fsck.count[FSCK_WARNING], 1); /* reported; everything else is restored */
    EXPECT_SLICE(fsck.list[0].subject, arena_printf(w->a, "key:%lld", (long long)minted.id));
}

TEST(restore_finds_a_master_key_that_the_manifest_does_not_name)
{
    WORLD(w);
    FOLDER(dir);
    unsigned char key[SEAL_KEY_SIZE];
    const char *data = path_in(w, dir, "data");
    assert_true(mkdir(data, 0700) == 0);
    struct backup_report report;
    EXPECT_ERR(back_up_with_key(w, path_in(w, dir, "none"), data, &report), ERR_NOT_FOUND);
    EXPECT_OK(master_key_ensure(data, &w->random.random, w->a, key));
    EXPECT_OK(back_up_with_key(w, path_in(w, dir, "b"), data, &report));
    const char *path = path_in(w, dir, "b/" DATA_DIR_MASTER_KEY);
    assert_true(unlink(path) == 0);
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "d"), &report), ERR_NOT_FOUND);
    EXPECT_OK(master_key_ensure(path_in(w, dir, "b"), &w->random.random, w->a, key)); /* a different key */
    EXPECT_ERR(restore(w, path_in(w, dir, "b"), path_in(w, dir, "e"), &report), ERR_CORRUPT);
    EXPECT(access(path_in(w, dir, "e/" DATA_DIR_DATABASE), F_OK) != 0);
}

/* ---- a backup that somebody else made ---- */

static void write_manifest(struct world *w, const char *backup, const struct backup_report *counts)
{
    const char *path = path_in(w, backup, DATA_DIR_MANIFEST);
    unlink(path);
    write_new_file(
        path, arena_printf(w->a,
                           "{\"format\":1,\"created_at_ms\":5,\"objects\":%lld,\"blobs\":%lld,\"blob_bytes\":%llu,"
                           "\"database_sha256\":\"" SLICE_FMT "\"}",
                           (long long)counts->objects, (long long)counts->blobs, (unsigned long long)counts->blob_bytes,
                           SLICE_ARG(sha256_of_file(w, path_in(w, backup, DATA_DIR_DATABASE)))));
}

/* A backup of records of every kind, whose database the script has changed and whose MANIFEST fits. */
static const char *make_foreign_backup(struct world *w, const char *dir, const char *script)
{
    struct principal alice = world_user(w, S("alice"));
    struct records_fixture records;
    struct backup_report made;
    records_fixture_make(w, &alice, &records);
    EXPECT_OK(back_up(w, path_in(w, dir, "b"), &made));
    run_script_on_file(w, path_in(w, dir, "b/" DATA_DIR_DATABASE), script);
    write_manifest(w, path_in(w, dir, "b"), &made);
    return path_in(w, dir, "b");
}

/* Restoring such a backup fails, names what is wrong, and leaves no directory on which a server would start. */
static void expect_refused_restore(const char *script, const char *want_named)
{
    WORLD(w);
    FOLDER(dir);
    struct backup_report report;
    const char *from = make_foreign_backup(w, dir, script);
    err_t e = restore(w, from, path_in(w, dir, "d"), &report);
    EXPECT_ERR(e, ERR_CORRUPT);
    slice text = err_text(w->a, e);
    if (slice_find(text, slice_of(want_named)) == SLICE_NONE)
        fail_msg("'%.*s' does not name %s", SLICE_ARG(text), want_named);
    EXPECT(access(path_in(w, dir, "d/" DATA_DIR_DATABASE), F_OK) != 0);
}

TEST(a_backup_with_a_trigger_made_an_administrator)
{
    expect_refused_restore("CREATE TRIGGER promote AFTER INSERT ON events BEGIN UPDATE users SET is_admin = 1; END",
                           "trigger promote does not belong in it");
    expect_refused_restore("DROP TRIGGER events_stay", "trigger events_stay is missing");
    expect_refused_restore("DROP TRIGGER events_stay; CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN"
                           " UPDATE users SET is_admin = 1; END",
                           "trigger events_stay is another one");
}

TEST(a_backup_with_a_view_or_a_table_of_its_own_was_restored)
{
    expect_refused_restore("ALTER TABLE secrets RENAME TO hidden; CREATE VIEW secrets AS SELECT * FROM hidden",
                           "table hidden does not belong in it");
    expect_refused_restore("CREATE VIEW everything AS SELECT * FROM users", "view everything does not belong in it");
    expect_refused_restore("CREATE INDEX fast ON users (name COLLATE NOCASE)", "index fast does not belong in it");
    expect_refused_restore("ALTER TABLE users ADD COLUMN more TEXT", "table users is another one");
}

/* A view of ten megabytes; enough of them used more memory than any code may. */
TEST(a_schema_without_end_ended_the_process)
{
    enum { TEXT_BYTES = 10 << 20 };
    struct buf script;
    buf_init(&script, 0);
    buf_add(&script, S("CREATE VIEW endless AS SELECT '"));
    memset(buf_reserve(&script, TEXT_BYTES), 'x', TEXT_BYTES);
    script.n += TEXT_BYTES;
    buf_add(&script, S("'\0"));
    expect_refused_restore(script.p, "the schema of the database is larger than that of any version");
    buf_release(&script);
}

/* The schema is compared at every start, not only by restore. */
TEST(a_data_directory_with_a_trigger_was_opened)
{
    WORLD(w);
    FOLDER(dir);
    struct meta_store *meta;
    const char *database = path_in(w, make_foreign_backup(w, dir, "ANALYZE"), DATA_DIR_DATABASE);
    EXPECT_OK(open_stores(NULL, path_in(w, dir, "b"), false, w->a, &meta, NULL)); /* statistics are no code */
    meta_close(meta);
    run_script_on_file(w, database,
                       "CREATE TRIGGER promote AFTER INSERT ON events BEGIN UPDATE users SET is_admin = 1; END");
    EXPECT_ERR(open_stores(NULL, path_in(w, dir, "b"), false, w->a, &meta, NULL), ERR_CORRUPT);
    EXPECT_ERR(open_stores(NULL, path_in(w, dir, "b"), true, w->a, &meta, NULL), ERR_CORRUPT);
}

TEST(a_blob_key_with_dots_left_the_data_directory)
{
    expect_refused_restore("UPDATE objects SET blob_key = '../../stolen' WHERE blob_key IS NOT NULL", "object");
    expect_refused_restore("UPDATE objects SET blob_key = 'a' WHERE blob_key IS NOT NULL", "object");
    expect_refused_restore("INSERT INTO garbage (blob_key, put_at_ms) VALUES ('../../other', 1)",
                           "garbage:1: no store can hold its blob key");
}

TEST(an_unknown_kind_of_checksum_ended_the_process)
{
    expect_refused_restore("UPDATE entries SET checksum_kind = 77", "unknown kind of checksum");
    expect_refused_restore("UPDATE entries SET checksum_kind = -1", "unknown kind of checksum");
    expect_refused_restore("UPDATE entries SET checksum_kind = 5, checksum = x'00'", "unknown kind of checksum");
    expect_refused_restore("UPDATE entries SET checksum_form = 2", "unknown kind of checksum");
    expect_refused_restore("UPDATE uploads SET checksum_kind = 77", "unknown kind of checksum");
    expect_refused_restore("UPDATE upload_parts SET checksum_kind = 4294967296", "unknown kind of checksum");
}

TEST(a_restore_never_ended_at_bytes_as_the_key_of_an_upload)
{
    expect_refused_restore("UPDATE uploads SET key = x'3030'", "uploads has something else than a text in key");
    expect_refused_restore("UPDATE entries SET key = x'3030' WHERE key = (SELECT MIN(key) FROM entries)",
                           "entries has something else than a text in key");
    expect_refused_restore("UPDATE objects SET inline_bytes = 'hello' WHERE inline_bytes IS NOT NULL",
                           "objects has something else than a blob in inline_bytes");
}

TEST(a_key_that_no_request_can_name_was_restored)
{
    static const char *const keys[] = { "CAST(zeroblob(3) AS TEXT)", "CAST(x'80808080' AS TEXT)",
                                        "CAST(x'61' || x'ed' AS TEXT)", "substr(hex(zeroblob(600)), 1, 1025)" };
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        SCRATCH(a);
        const char *entries =
            arena_printf(&a, "UPDATE entries SET key = %s WHERE key = (SELECT MIN(key) FROM entries)", keys[i]).p;
        expect_refused_restore(entries, "no request can name its key");
        expect_refused_restore(arena_printf(&a, "UPDATE uploads SET key = %s", keys[i]).p,
                               "no request can name its key");
    }
}

TEST(a_line_break_in_a_kept_header_was_restored)
{
    expect_refused_restore("UPDATE entries SET headers = 'Expires: 1' || char(13) || 'Set-Cookie: a=b'",
                           "line break in a header");
    expect_refused_restore("UPDATE uploads SET headers = 'Expires: ' || char(13)", "line break in a header");
    expect_refused_restore("UPDATE files SET content_type = 'text/plain' || char(10)",
                           "line break in its content type");
    expect_refused_restore(
        "INSERT INTO credentials (id, account_id, user_id, purpose, form, secret_hash, created_at_ms, expires_at_ms,"
        " revoked_at_ms) SELECT 900, account_id, id, 'x', 0, zeroblob(32), 1, 0, 0 FROM users LIMIT 1;"
        "INSERT INTO applications VALUES (900, 'x', 900);"
        "INSERT INTO callbacks VALUES (900, 0, 'https://a.example/' || char(13) || char(10) || 'Set-Cookie: a=b')",
        "key:900: line break in a callback");
}

TEST(a_key_with_an_unknown_role_was_restored)
{
    expect_refused_restore(
        "INSERT INTO credentials (id, account_id, user_id, purpose, form, secret_hash, created_at_ms, expires_at_ms,"
        " revoked_at_ms, role) SELECT 900, account_id, id, 'x', 0, zeroblob(32), 1, 0, 0, 31 FROM users LIMIT 1",
        "key:900: unknown role of a key");
}

/* The database's own check finds values that its constraints refuse. */
TEST(values_that_the_constraints_refuse_were_restored)
{
    expect_refused_restore("UPDATE users SET is_admin = 7", "CHECK constraint failed in users");
    expect_refused_restore(
        "INSERT INTO credentials (id, account_id, user_id, purpose, form, secret_hash, created_at_ms, expires_at_ms,"
        " revoked_at_ms, role) SELECT 900, account_id, id, 'x', 0, zeroblob(32), 1, 0, 0, -1 FROM users LIMIT 1",
        "CHECK constraint failed in credentials");
    expect_refused_restore("UPDATE objects SET size_bytes = -1 WHERE blob_key IS NULL", "CHECK constraint failed");
    expect_refused_restore("UPDATE entries SET object_id = 12345", "entries");
}

TEST(a_manifest_with_other_members_was_believed)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"format\":-1}",
        "{\"format\":1,\"created_at_ms\":5,\"objects\":-1,\"blobs\":0,\"blob_bytes\":0,\"database_sha256\":\"%s\"}",
        "{\"format\":1,\"created_at_ms\":5,\"objects\":6,\"objects\":6,\"blobs\":1,\"blob_bytes\":20000,"
        "\"database_sha256\":\"%s\"}",
        "{\"format\":1,\"created_at_ms\":5,\"objects\":6,\"blobs\":1,\"blob_bytes\":20000,\"database_sha256\":\"../"
        "%s\"}",
        "{\"format\":1,\"created_at_ms\":5,\"objects\":6,\"blobs\":1,\"blob_bytes\":99999999999999999999,"
        "\"database_sha256\":\"%s\"}",
        "{\"format\":1,\"created_at_ms\":5,\"objects\":6,\"blobs\":1,\"blob_bytes\":20000,\"database_sha256\":\"%s\","
        "\"master_key_sha256\":\"../../key\"}",
    };
    WORLD(w);
    FOLDER(dir);
    struct backup_report report;
    const char *from = make_foreign_backup(w, dir, "ANALYZE"), *path = path_in(w, from, DATA_DIR_MANIFEST);
    char *sha256 = arena_cstr(w->a, sha256_of_file(w, path_in(w, from, DATA_DIR_DATABASE)));
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        slice before, after, text = slice_of(bad[i]);
        size_t at = slice_find(text, S("%s"));
        before = slice_part(text, 0, at == SLICE_NONE ? text.n : at);
        after = at == SLICE_NONE ? S("") : slice_from(text, at + 2);
        slice parts[] = { before, at == SLICE_NONE ? S("") : slice_of(sha256), after };
        assert_true(unlink(path) == 0);
        write_new_file(path, arena_join(w->a, parts, LENGTH_OF(parts)));
        EXPECT_ERR(restore(w, from, path_in(w, dir, "d"), &report), ERR_CORRUPT);
        EXPECT(access(path_in(w, dir, "d"), F_OK) != 0);
    }
    assert_true(unlink(path) == 0);
    char *large = arena_alloc(w->a, 70000);
    memset(large, ' ', 70000);
    write_new_file(path, (slice){ large, 70000 });
    EXPECT_ERR(restore(w, from, path_in(w, dir, "d"), &report), ERR_CORRUPT);
}

/* ---- under load ---- */

struct backup_traffic {
    struct world *w;
    struct principal who;
    bool stop;
    int64_t failed;
};

struct traffic_put {
    pthread_mutex_t mutex;
    pthread_cond_t has_ended;
    bool done, ok;
    unsigned char uuid[16];
};

static void traffic_done(void *arg, err_t e, const struct file *file)
{
    struct traffic_put *p = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    p->done = true;
    p->ok = !e;
    if (file)
        memcpy(p->uuid, file->uuid, sizeof p->uuid);
    pthread_cond_signal(&p->has_ended);
}

static void *send_and_delete(void *arg)
{
    struct backup_traffic *t = arg;
    char bytes[LARGE] = { 1 };
    for (int i = 0; !__atomic_load_n(&t->stop, __ATOMIC_SEQ_CST); i++) {
        SCRATCH(a);
        struct intake_request request = world_request(&t->who, S("x"));
        struct traffic_put p = { .mutex = PTHREAD_MUTEX_INITIALIZER, .has_ended = PTHREAD_COND_INITIALIZER };
        struct intake *intake;
        if (intake_open(&t->w->core, &request, &a, &intake) ||
            intake_write(intake, (slice){ bytes, i % 2 ? 100 : LARGE }, &a))
            return t;
        intake_finish(intake, traffic_done, &p);
        pthread_mutex_lock(&p.mutex);
        while (!p.done)
            pthread_cond_wait(&p.has_ended, &p.mutex);
        pthread_mutex_unlock(&p.mutex);
        bool stays = i % 3 == 0 &&
                     i < 1000; /* the store must not grow without end: each backup would take longer than the last */
        if (!p.ok || (!stays && file_delete(&t->w->core, &t->who, p.uuid, &a)))
            __atomic_add_fetch(&t->failed, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(backup_under_load_is_consistent)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    FOLDER(dir);
    struct backup_traffic t = { .w = w, .who = world_user(w, S("alice")) };
    pthread_t thread;
    pthread_create(&thread, NULL, send_and_delete, &t);
    while (world_file_count(w) < 11) /* one of them may be removed just now */
        usleep(1000);
    struct backup_report made, restored;
    for (int i = rounds(ROUNDS_store_backups); i > 0; i--) {
        const char *b = arena_printf(w->a, "%s/b%d", dir, i).p, *d = arena_printf(w->a, "%s/d%d", dir, i).p;
        EXPECT_OK(back_up(w, b, &made));
        EXPECT_OK(restore(w, b, d, &restored));
        EXPECT(restored.objects >= 10);
    }
    __atomic_store_n(&t.stop, true, __ATOMIC_SEQ_CST);
    void *broke;
    pthread_join(thread, &broke);
    EXPECT(!broke);
    EXPECT_EQ(t.failed, 0);
}

RUN_TESTS(cmocka_unit_test(restore_returns_every_byte_of_the_backup),
          cmocka_unit_test(restore_returns_what_an_upload_in_several_requests_has_acknowledged),
          cmocka_unit_test(restore_returns_entries_composites_and_uploads),
          cmocka_unit_test(restore_migrates_a_backup_of_an_older_version),
          cmocka_unit_test(backup_and_restore_refuse_a_directory_that_is_not_empty),
          cmocka_unit_test(restore_refuses_a_backup_without_manifest),
          cmocka_unit_test(restore_took_texts_where_integers_belong),
          cmocka_unit_test(restore_finds_a_damaged_database_or_manifest),
          cmocka_unit_test(backup_and_restore_find_a_damaged_or_missing_blob),
          cmocka_unit_test(backup_holds_the_master_key_only_on_request),
          cmocka_unit_test(restore_finds_a_master_key_that_the_manifest_does_not_name),
          cmocka_unit_test(a_backup_with_a_trigger_made_an_administrator),
          cmocka_unit_test(a_backup_with_a_view_or_a_table_of_its_own_was_restored),
          cmocka_unit_test(a_schema_without_end_ended_the_process),
          cmocka_unit_test(a_data_directory_with_a_trigger_was_opened),
          cmocka_unit_test(a_blob_key_with_dots_left_the_data_directory),
          cmocka_unit_test(an_unknown_kind_of_checksum_ended_the_process),
          cmocka_unit_test(a_restore_never_ended_at_bytes_as_the_key_of_an_upload),
          cmocka_unit_test(a_key_that_no_request_can_name_was_restored),
          cmocka_unit_test(a_line_break_in_a_kept_header_was_restored),
          cmocka_unit_test(a_key_with_an_unknown_role_was_restored),
          cmocka_unit_test(values_that_the_constraints_refuse_were_restored),
          cmocka_unit_test(a_manifest_with_other_members_was_believed),
          cmocka_unit_test(backup_under_load_is_consistent))

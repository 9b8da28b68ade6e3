/* SPDX-License-Identifier: Apache-2.0 */
#include "backup_fixture.h"

#include "base/text.h"
#include "blob/disk/disk.h"
#include "core/care/data_dir.h"
#include "meta/meta.h"
#include "record/record.h"
#include "sql/sqlite/sqlite.h"
#include "test.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- directories ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void folder_removep(const char **dir)
{
    nftw(*dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *folder_new(struct world *w)
{
    tmpdir_use_memory();
    char *made = tmpdir_make(), *dir = arena_cstr(w->a, slice_of(made));
    free(made);
    return dir;
}

const char *path_in(struct world *w, const char *dir, const char *name)
{
    return arena_printf(w->a, "%s/%s", dir, name).p;
}

/* ---- stores ---- */

err_t open_stores(void *arg, const char *dir, bool read_only, struct arena *a, struct meta_store **ret_meta,
                  struct blob_store **ret_blob)
{
    (void)arg;
    struct meta_store *meta = NULL;
    if (ret_meta) {
        struct sql_db *db;
        const char *path = arena_printf(a, "%s/" DATA_DIR_DATABASE, dir).p;
        TRY(sqlite_open(&(struct sqlite_options){ .path = path, .read_only = read_only }, a, &db));
        TRY(meta_open(db, &(struct meta_options){ .read_only = read_only, .inline_writes = !read_only }, a, &meta));
    }
    err_t e = ret_blob ? blob_disk_open(arena_printf(a, "%s/" DATA_DIR_BLOBS, dir).p, true, a, ret_blob) : NULL;
    if (e) {
        meta_close(meta);
        return e;
    }
    if (ret_meta)
        *ret_meta = meta;
    return NULL;
}

static err_t open_records(void *arg, const char *dir, struct random *random, struct arena *a, struct record_store **ret)
{
    (void)arg;
    const char *path = arena_printf(a, "%s/" DATA_DIR_RECORDS, dir).p;
    return record_open(&(struct record_options){ .dir = path, .random = random }, a, ret);
}

const struct store_opener backup_fixture_opener = { .open = open_stores, .open_records = open_records };

err_t back_up(struct world *w, const char *to, struct backup_report *ret)
{
    struct backup_params p = { .dir = to, .opener = &backup_fixture_opener };
    return backup_run(&w->core, &p, w->a, ret);
}

err_t restore_and_check(struct world *w, const char *from, const char *to, struct backup_report *ret,
                        struct fsck_report *ret_fsck)
{
    struct restore_params params = { .from = from,
                                     .data_dir = to,
                                     .opener = &backup_fixture_opener,
                                     .clock = &w->clock.clock,
                                     .random = &w->random.random };
    return backup_restore(&params, w->a, ret, ret_fsck);
}

err_t restore(struct world *w, const char *from, const char *to, struct backup_report *ret)
{
    struct fsck_report fsck;
    return restore_and_check(w, from, to, ret, &fsck);
}

/* ---- files ---- */

void flip_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char c = 0;
    assert_true(fd >= 0 && pread(fd, &c, 1, at) == 1);
    c = (char)(c ^ 1);
    assert_true(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}

void write_new_file(const char *path, slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    close(fd);
}

slice read_whole_file(struct world *w, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *bytes = arena_alloc(w->a, (size_t)st.st_size);
    assert_true(read(fd, bytes, (size_t)st.st_size) == st.st_size);
    close(fd);
    return (slice){ bytes, (size_t)st.st_size };
}

slice sha256_of_file(struct world *w, const char *path)
{
    unsigned char sha256[SHA256_SIZE];
    hash_sha256(read_whole_file(w, path), sha256);
    return hex_encode(w->a, (slice){ (const char *)sha256, SHA256_SIZE });
}

void run_script_on_file(struct world *w, const char *database, const char *script)
{
    struct sql_db *db;
    struct sql_conn *conn;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = database }, w->a, &db));
    EXPECT_OK(sql_connect(db, SQL_WRITE, w->a, &conn));
    EXPECT_OK(sql_script(conn, "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON", w->a));
    EXPECT_OK(sql_script(conn, script, w->a));
    sql_disconnect(conn);
    sql_close_db(db);
}

void change_manifest(struct world *w, const char *backup, slice from, slice to)
{
    const char *manifest = path_in(w, backup, DATA_DIR_MANIFEST);
    slice text = read_whole_file(w, manifest);
    size_t at = slice_find(text, from);
    EXPECT(at != SLICE_NONE);
    slice parts[] = { slice_part(text, 0, at), to, slice_from(text, at + from.n) };
    assert_true(unlink(manifest) == 0);
    write_new_file(manifest, arena_join(w->a, parts, LENGTH_OF(parts)));
}

void change_backup(struct world *w, const char *backup, const char *script)
{
    const char *database = path_in(w, backup, DATA_DIR_DATABASE);
    slice before = sha256_of_file(w, database);
    run_script_on_file(w, database, script);
    change_manifest(w, backup, before, sha256_of_file(w, database));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The files of sets as a whole. A new one is made under another name, {id}.new, and gets its own when it is complete and flushed; a
 * crash leaves at most files that nobody takes for a set. */
#include "base/dir.h"
#include "record/record_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define COPY_PIECE ((size_t)1 << 20)

/* What may stand beside a database: of SQLite, and of sql/sqlite/distrust.h. Of another database of that name, it must never be
 * applied to this one. */
static const char *const companions[] = { "-wal",         "-shm",    "-journal", "-distrusted", "-wal-distrusted",
                                          "-wal-copy",    "-copied", "-copy",    "-copy-wal",   "-copy-shm",
                                          "-copy-journal" };

static err_t sync_dir(struct set_pool *p, struct arena *a)
{
    return fsync(p->dir_fd) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", p->dir);
}

static err_t sync_file(const char *path, int flags, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    return fd >= 0 && fsync(fd) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", path);
}

static err_t sync_folder_of(const char *path, struct arena *a)
{
    size_t end = slice_rfind_byte(slice_of(path), '/');
    return sync_file(end == SLICE_NONE ? "." : arena_cstr(a, slice_part(slice_of(path), 0, end ? end : 1)), O_DIRECTORY,
                     a);
}

static err_t remove_file(const char *path, struct arena *a)
{
    return unlink(path) == 0 || errno == ENOENT ? NULL : err_errno(a, errno, "%s cannot be removed", path);
}

static err_t remove_companions(const char *path, struct arena *a)
{
    for (size_t i = 0; i < LENGTH_OF(companions); i++)
        TRY(remove_file(arena_printf(a, "%s%s", path, companions[i]).p, a));
    return NULL;
}

static err_t remove_database(const char *path, struct arena *a)
{
    TRY(remove_file(path, a));
    return remove_companions(path, a);
}

err_t files_remove_leftovers(struct set_pool *p, struct arena *a)
{
    SCOPED(dir_closep) DIR *dir = opendir(p->dir);
    if (!dir)
        return err_errno(a, errno, "%s", p->dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        slice name = slice_of(entry->d_name);
        if (slice_ends(name, S(".new")) || slice_find(name, S(".new-")) != SLICE_NONE)
            unlinkat(p->dir_fd, entry->d_name, 0);
    }
    return NULL;
}

/* ---- making */

static void close_dbp(struct sql_db **db)
{
    sql_close_db(*db);
}

static void disconnectp(struct sql_conn **conn)
{
    sql_disconnect(*conn);
}

struct new_set {
    const struct record_fields *fields; /* of an empty set; NULL: the database is a copy of another */
    struct random *random;
};

/* Numbers that were given away after the copy was made stay free: 2^31 at least, and so many more that two sets made from one copy
 * go different ways. */
static err_t skip_numbers(struct sql_conn *conn, struct random *random, struct arena *a)
{
    uint64_t drawn;
    random_fill(random, &drawn, sizeof drawn);
    int64_t skipped = (INT64_C(1) << 31) + (int64_t)(drawn >> 24);
    int64_t changed;
    TRY(sql_exec(conn, STATEMENT("UPDATE about SET next_number = next_number + $1 WHERE next_number < $2"),
                 SQL(SQL_I(skipped), SQL_I(NUMBER_MAX - skipped)), a, &changed));
    return changed ? NULL : err_make(a, ERR_CORRUPT, "there are no ids left");
}

static err_t settle(struct sql_conn *conn, const struct new_set *n, struct arena *a)
{
    char prefix[PREFIX_BYTES];
    if (n->fields) {
        random_fill(n->random, prefix, sizeof prefix);
        return schema_make(conn, n->fields, (slice){ prefix, sizeof prefix }, a);
    }
    TRY(schema_match(conn, a));
    TRY(schema_verify(conn, a));
    return skip_numbers(conn, n->random, a);
}

/* The database at `path` is complete in its file afterwards. */
static err_t settle_file(const char *path, struct flush_reporter reporter, const struct new_set *n, struct arena *a)
{
    SCOPED(close_dbp) struct sql_db *db = NULL;
    SCOPED(disconnectp) struct sql_conn *conn = NULL;
    struct sqlite_options options = { .path = path, .reporter = reporter };
    TRY(sqlite_open(&options, a, &db));
    TRY(sql_connect(db, SQL_WRITE, a, &conn));
    TRY(settle(conn, n, a));
    return sql_checkpoint(conn, true, a);
}

/* The file at {id}.new becomes that of the set. */
static err_t take_name(struct record_set *s, struct arena *a)
{
    const char *from = set_path(s->pool, s->id, ".new", a), *to = set_path(s->pool, s->id, ".db", a);
    TRY(sync_file(from, 0, a));
    TRY(remove_companions(to, a));
    TRY(sync_dir(s->pool, a));
    if (rename(from, to) != 0)
        return err_errno(a, errno, "%s cannot be made", to);
    return sync_dir(s->pool, a);
}

static err_t make_file(struct record_set *s, const struct new_set *n, struct arena *a)
{
    const char *path = set_path(s->pool, s->id, ".new", a);
    err_t e = settle_file(path, s->pool->reporter, n, a);
    if (!e)
        e = take_name(s, a);
    if (!e)
        return NULL;
    err_t kept = remove_database(path, a);
    (void)kept;
    return e;
}

static err_t make_in_memory(struct record_set *s, const struct new_set *n, struct arena *a)
{
    SCOPED(close_dbp) struct sql_db *db = NULL;
    SCOPED(disconnectp) struct sql_conn *conn = NULL;
    struct sqlite_options options = { 0 };
    TRY(sqlite_open(&options, a, &db));
    TRY(sql_connect(db, SQL_WRITE, a, &conn));
    TRY(settle(conn, n, a));
    sql_disconnect(conn);
    conn = NULL;
    struct sql_db *taken = db;
    db = NULL;
    return set_keep(s, taken, a);
}

static err_t make_if_missing(struct set_pool *p, int64_t id, const struct new_set *n, struct arena *a)
{
    struct record_set *s;
    bool exists;
    err_t e = set_lock_files(p, id, a, &s, &exists);
    if (err_is(e, ERR_CONFLICT))
        return NULL; /* somebody else has made it, and uses it */
    TRY(e);
    if (!exists && p->dir)
        e = remove_database(set_path(p, id, ".new", a), a);
    if (!e && !exists)
        e = p->dir ? make_file(s, n, a) : make_in_memory(s, n, a);
    set_unlock_files(s);
    return e;
}

static err_t compare_fields(const struct record_fields *known, const struct record_fields *f, struct arena *a)
{
    bool is_same = known->count == f->count;
    for (size_t i = 0; is_same && i < f->count; i++)
        is_same = slice_eq(known->items[i], f->items[i]);
    return is_same ? NULL : err_make(a, ERR_INVALID, "the key of the set has other fields");
}

err_t files_define(struct record_store *store, int64_t id, const struct record_fields *f, struct arena *a)
{
    struct new_set n = { f, CONTAINER_OF(store, struct records, store)->random };
    struct record_fields known;
    TRY(schema_check_fields(f, a));
    err_t e = reader_fields(store, id, a, &known);
    if (err_is(e, ERR_NOT_FOUND)) {
        TRY(make_if_missing(pool_of(store), id, &n, a));
        e = reader_fields(store, id, a, &known);
    }
    TRY(e);
    return compare_fields(&known, f, a);
}

/* ---- removing, listing */

static err_t remove_files(struct record_set *s, struct arena *a)
{
    const char *path = set_path(s->pool, s->id, ".db", a);
    TRY(remove_file(path, a));
    TRY(sync_dir(s->pool, a)); /* without it, nobody reads what is beside it */
    return remove_companions(path, a);
}

err_t files_remove(struct record_store *store, int64_t id, struct arena *a)
{
    struct set_pool *p = pool_of(store);
    struct record_set *s;
    bool exists;
    TRY(set_lock_files(p, id, a, &s, &exists));
    err_t e = NULL;
    if (p->dir)
        e = remove_files(s, a);
    else
        set_forget(s);
    set_unlock_files(s);
    return e;
}

static err_t each_file(struct set_pool *p, struct arena *a, err_t (*visit)(void *arg, int64_t id), void *arg)
{
    SCOPED(dir_closep) DIR *dir = opendir(p->dir);
    if (!dir)
        return err_errno(a, errno, "%s", p->dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        slice name = slice_of(entry->d_name);
        int64_t id;
        if (slice_ends(name, S(".db")) && slice_to_i64(slice_part(name, 0, name.n - 3), &id) && id > 0)
            TRY(visit(arg, id));
    }
    return NULL;
}

/* The ids are copied first: the visitor may use the store. */
static err_t each_in_memory(struct set_pool *p, struct arena *a, err_t (*visit)(void *arg, int64_t id), void *arg)
{
    pthread_mutex_lock(&p->mutex);
    size_t count = 0;
    for (struct record_set *s = p->sets; s; s = s->next)
        count++;
    int64_t *ids = arena_array(a, int64_t, count + 1);
    count = 0;
    for (struct record_set *s = p->sets; s; s = s->next)
        if (s->db)
            ids[count++] = s->id;
    pthread_mutex_unlock(&p->mutex);
    for (size_t i = 0; i < count; i++)
        TRY(visit(arg, ids[i]));
    return NULL;
}

err_t files_each(struct record_store *store, struct arena *a, err_t (*visit)(void *arg, int64_t id), void *arg)
{
    struct set_pool *p = pool_of(store);
    return p->dir ? each_file(p, a, visit, arg) : each_in_memory(p, a, visit, arg);
}

/* ---- copies */

err_t files_backup(struct record_store *store, int64_t id, const char *path, struct arena *a)
{
    struct set_pool *p = pool_of(store);
    struct record_set *s;
    struct sql_conn *conn;
    if (!p->dir)
        return err_make(a, ERR_UNSUPPORTED, "records in memory have no files");
    TRY(set_acquire(p, id, a, &s));
    err_t e = set_take_reader(s, a, &conn);
    if (!e) {
        e = set_named(s, a, sql_backup(conn, path, a));
        set_give_reader(s, conn);
    }
    set_release(s);
    TRY(e);
    e = sync_file(path, 0, a);
    if (!e)
        e = sync_folder_of(path, a);
    if (e)
        unlink(path);
    return e;
}

static err_t copy_file(const char *from_path, const char *to_path, struct arena *a)
{
    SCOPED(fd_closep) int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return err_errno(a, errno, "%s", from_path);
    SCOPED(fd_closep) int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return err_errno(a, errno, "%s cannot be made", to_path);
    for (ssize_t n = 1; n;) {
        n = copy_file_range(from, NULL, to, NULL, COPY_PIECE, 0);
        if (n < 0)
            return err_errno(a, errno, "%s cannot be written", to_path);
    }
    return fsync(to) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", to_path);
}

static err_t restore_file(struct record_set *s, const char *path, struct random *random, struct arena *a)
{
    const char *to = set_path(s->pool, s->id, ".new", a);
    TRY(remove_database(to, a));
    err_t e = copy_file(path, to, a);
    if (!e)
        return make_file(s, &(struct new_set){ NULL, random }, a);
    unlink(to);
    return e;
}

err_t files_restore(struct record_store *store, int64_t id, const char *path, struct arena *a)
{
    struct set_pool *p = pool_of(store);
    struct record_set *s;
    bool exists;
    if (!p->dir)
        return err_make(a, ERR_UNSUPPORTED, "records in memory have no files");
    TRY(set_lock_files(p, id, a, &s, &exists));
    err_t e = exists ? err_make(a, ERR_CONFLICT, "there is a set %lld of records", (long long)id)
                     : restore_file(s, path, CONTAINER_OF(store, struct records, store)->random, a);
    set_unlock_files(s);
    return e;
}

static err_t verify_copy(const char *path, struct arena *a)
{
    SCOPED(close_dbp) struct sql_db *db = NULL;
    SCOPED(disconnectp) struct sql_conn *conn = NULL;
    TRY(sqlite_open(&(struct sqlite_options){ .path = path }, a,
                    &db)); /* who may only read would leave its files there */
    TRY(sql_connect(db, SQL_READ, a, &conn));
    TRY(schema_match(conn, a));
    return schema_verify(conn, a);
}

err_t files_verify_copy(struct record_store *store, const char *path, struct arena *a)
{
    if (!pool_of(store)->dir)
        return err_make(a, ERR_UNSUPPORTED, "records in memory have no files");
    if (access(path, F_OK) != 0)
        return err_errno(a, errno, "%s", path);
    err_t e = verify_copy(path, a);
    return e ? err_because(a, e, e->code, "%s", path) : NULL;
}

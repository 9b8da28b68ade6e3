/* SPDX-License-Identifier: Apache-2.0 */
/* The files of databases as a whole. A new one is made under another name, {id}.new, and gets its own when it is complete and flushed;
 * a crash leaves at most files that nobody takes for a database. */
#include "dataset/duckdb/catalog.h"
#include "dataset/duckdb/duckdb_store_priv.h"

#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COPY_PIECE ((size_t)1 << 20)

static slice new_path(const struct pool *p, int64_t id, const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s/%lld.new%s", p->dir, (long long)id, suffix);
}

static err_t sync_dir(struct pool *p, struct arena *a)
{
    return fsync(p->dir_fd) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", p->dir);
}

static err_t remove_file(const char *path, struct arena *a)
{
    return unlink(path) == 0 || errno == ENOENT ? NULL : err_errno(a, errno, "%s cannot be removed", path);
}

/* ---- leftovers ---- */

/* What DuckDB spills while it runs is in flat folders, {id}.duckdb.tmp. A symbolic link is removed, and what it leads to stays. */
static void remove_folder(const char *path)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    SCOPED(dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        (void)unlink(path);
        return;
    }
    (void)TAKE_FD(fd);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    rmdir(path);
}

err_t duckdb_remove_leftovers(struct pool *p, struct arena *a)
{
    SCOPED(dir_closep) DIR *dir = opendir(p->dir);
    if (!dir)
        return err_errno(a, errno, "%s", p->dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        slice name = slice_of(entry->d_name);
        if (slice_ends(name, S(".duckdb.tmp")))
            remove_folder(arena_printf(a, "%s/%s", p->dir, entry->d_name).p);
        else if (slice_ends(name, S(".new")) || slice_ends(name, S(".new.wal")))
            unlinkat(p->dir_fd, entry->d_name, 0);
    }
    return NULL;
}

/* ---- making and extending ---- */

static void databasep(duckdb_database *d)
{
    duckdb_close(d);
}

static err_t create_file(struct pool *p, const char *path, const struct column_list *columns, struct arena *a)
{
    SCOPED(databasep) duckdb_database handle = NULL;
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    TRY(database_open(path, &p->limits, a, &handle));
    if (duckdb_connect(handle, &connection) == DuckDBError)
        return err_make(a, ERR_UNAVAILABLE, "DuckDB gives no connection");
    if (chmod(path, 0600) != 0)
        return err_errno(a, errno, "%s cannot be closed to others", path);
    TRY(database_create(connection, columns, a));
    return database_exec(connection, "CHECKPOINT", NO_NUMBERS, a);
}

/* The file at the path of new_path, which is flushed, becomes the database. A log from before must not be applied to it. */
static err_t give_name(struct database *d, struct arena *a)
{
    slice from = new_path(d->pool, d->id, "", a), to = pool_path(d->pool, d->id, "", a);
    TRY(remove_file(pool_path(d->pool, d->id, ".wal", a).p, a));
    TRY(sync_dir(d->pool, a));
    if (rename(from.p, to.p) != 0)
        return err_errno(a, errno, "%s cannot be made", to.p);
    return sync_dir(d->pool, a);
}

static err_t create_table(struct database *d, const struct column_list *columns, struct arena *a)
{
    slice path = new_path(d->pool, d->id, "", a);
    TRY(remove_file(path.p, a));
    TRY(remove_file(new_path(d->pool, d->id, ".wal", a).p, a));
    err_t e = create_file(d->pool, path.p, columns, a);
    if (e) {
        unlink(path.p);
        unlink(new_path(d->pool, d->id, ".wal", a).p);
        return e;
    }
    return give_name(d, a);
}

static err_t check_columns(const struct database *d, const struct column_list *columns, struct arena *a)
{
    const struct column_list *known = &d->contents.columns;
    if (columns->count < known->count)
        return err_make(a, ERR_INVALID, "dataset %lld has more columns", (long long)d->id);
    for (size_t i = 0; i < known->count; i++)
        if (!slice_eq(known->items[i].name, columns->items[i].name) || known->items[i].type != columns->items[i].type)
            return err_make(a, ERR_INVALID, "dataset %lld has another column %zu", (long long)d->id, i + 1);
    return NULL;
}

/* *ret_adds: there are columns to add, and we are the writer. Two at a time add the same ones: the second waits for the first. */
static err_t reserve_extension(struct database *d, const struct column_list *columns, struct arena *a, bool *ret_adds)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    while (d->is_extending)
        pthread_cond_wait(&d->pool->changed, &d->pool->mutex);
    TRY(check_columns(d, columns, a));
    *ret_adds = columns->count > d->contents.columns.count;
    if (*ret_adds)
        TRY(pool_take_write(d, a));
    d->is_extending = *ret_adds;
    return NULL;
}

static err_t extend_file(struct database *d, const struct column_list *columns, struct arena *a)
{
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    TRY(duckdb_store_connect(d, a, &connection));
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->files);
    TRY(database_extend(connection, columns, d->contents.columns.count, a));
    return duckdb_store_sync(d, a);
}

static void note_columns(struct database *d, const struct column_list *columns)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    struct column_list *known = &d->contents.columns;
    for (size_t i = known->count; i < columns->count; i++) {
        known->items[i] = columns->items[i];
        known->items[i].name = arena_copy(&d->arena, columns->items[i].name);
    }
    known->count = columns->count;
}

static err_t extend_table(struct database *d, const struct column_list *columns, struct arena *a)
{
    bool adds;
    TRY(reserve_extension(d, columns, a, &adds));
    if (!adds)
        return NULL;
    err_t e = pool_named(d, a, extend_file(d, columns, a));
    if (!e)
        note_columns(d, columns);
    pool_let_write(d);
    return e;
}

static err_t create_if_missing(struct pool *p, int64_t id, const struct column_list *columns, struct arena *a,
                               bool *ret_created)
{
    struct database *d;
    bool exists;
    *ret_created = false;
    err_t e = pool_lock_files(p, id, a, &d, &exists);
    if (e)
        return err_is(e, ERR_CONFLICT) ? NULL : e; /* somebody else has made it, and uses it */
    e = exists ? NULL : create_table(d, columns, a);
    pool_unlock_files(d);
    *ret_created = !exists;
    return e;
}

err_t duckdb_define_table(struct dataset_store *store, int64_t id, const struct column_list *columns, struct arena *a)
{
    struct pool *p = &duckdb_store_of(store)->pool;
    struct database *d;
    bool created = false;
    err_t e = pool_acquire(p, id, a, &d);
    if (err_is(e, ERR_NOT_FOUND)) {
        TRY(create_if_missing(p, id, columns, a, &created));
        if (created)
            return NULL;
        e = pool_acquire(p, id, a, &d); /* somebody else has just made it */
    }
    TRY(e);
    e = extend_table(d, columns, a);
    pool_release_database(d, e);
    return e;
}

/* ---- removing ---- */

static err_t remove_files(struct database *d, struct arena *a)
{
    /* The log goes last: without its database nobody reads it. */
    TRY(remove_file(pool_path(d->pool, d->id, "", a).p, a));
    TRY(remove_file(pool_path(d->pool, d->id, ".wal", a).p, a));
    remove_folder(pool_path(d->pool, d->id, ".tmp", a).p);
    return sync_dir(d->pool, a);
}

err_t duckdb_remove_table(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct database *d;
    bool exists;
    TRY(pool_lock_files(&duckdb_store_of(store)->pool, id, a, &d, &exists));
    err_t e = remove_files(d, a);
    pool_unlock_files(d);
    return e;
}

/* ---- copies ---- */

/* Adds what is left of `from` to `to`. */
static err_t copy_bytes(int from, int to, const char *path, struct arena *a)
{
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_PIECE, 0);
        if (n < 0)
            return err_errno(a, errno, "%s cannot be written", path);
        if (n == 0)
            return NULL;
    }
}

/* *ret_copied: there is such a file. The copy is new, and flushed. */
static err_t copy_file(const char *from_path, const char *to_path, struct arena *a, bool *ret_copied)
{
    SCOPED(fd_closep) int from = open(from_path, O_RDONLY | O_CLOEXEC);
    *ret_copied = from >= 0;
    if (from < 0)
        return errno == ENOENT ? NULL : err_errno(a, errno, "%s", from_path);
    SCOPED(fd_closep) int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return err_errno(a, errno, "%s cannot be made", to_path);
    TRY(copy_bytes(from, to, to_path, a));
    return fsync(to) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", to_path);
}

/* Opens a copy that has a log, so that its rows move into the file, and reads its columns. */
static err_t settle_copy(struct pool *p, const char *path, struct arena *a)
{
    SCOPED(databasep) duckdb_database handle = NULL;
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    struct database_contents contents;
    TRY(database_open(path, &p->limits, a, &handle));
    if (duckdb_connect(handle, &connection) == DuckDBError)
        return err_make(a, ERR_UNAVAILABLE, "DuckDB gives no connection");
    TRY(catalog_check_functions(connection, a));
    TRY(database_read_contents(connection, a, &contents));
    return database_exec(connection, "CHECKPOINT", NO_NUMBERS, a);
}

static err_t sync_folder_of(const char *path, struct arena *a)
{
    slice folder = slice_of(path);
    size_t end = slice_rfind_byte(folder, '/');
    const char *name = end == SLICE_NONE ? "." : end == 0 ? "/" : arena_cstr(a, slice_part(folder, 0, end));
    SCOPED(fd_closep) int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? NULL : err_errno(a, errno, "%s cannot be flushed", name);
}

/* While the lock is held, no commit changes the database, its log, or what they refer to; a writer that has not committed yet only uses
 * blocks that are free in the copy. */
static err_t copy_database(struct database *d, const char *path, const char *log_path, struct arena *a)
{
    bool copied, has_log;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->files);
    TRY(copy_file(pool_path(d->pool, d->id, "", a).p, path, a, &copied));
    if (!copied)
        return err_make(a, ERR_CORRUPT, "the file is gone");
    return copy_file(pool_path(d->pool, d->id, ".wal", a).p, log_path, a, &has_log);
}

err_t duckdb_backup_table(struct dataset_store *store, int64_t id, const char *path, struct arena *a)
{
    struct pool *p = &duckdb_store_of(store)->pool;
    struct database *d;
    slice log_path = arena_printf(a, "%s.wal", path);
    if (access(path, F_OK) == 0)
        return err_make(a, ERR_CONFLICT, "%s exists", path);
    TRY(pool_acquire(p, id, a, &d));
    err_t e = pool_named(d, a, copy_database(d, path, log_path.p, a));
    pool_release_database(d, NULL);
    if (!e)
        e = settle_copy(p, path, a);
    if (!e)
        e = sync_folder_of(path, a);
    if (e) {
        unlink(path);
        unlink(log_path.p);
    }
    return e;
}

static err_t restore_files(struct database *d, const char *path, struct arena *a)
{
    slice to = new_path(d->pool, d->id, "", a);
    bool copied;
    TRY(remove_file(to.p, a));
    TRY(remove_file(new_path(d->pool, d->id, ".wal", a).p, a));
    TRY(copy_file(path, to.p, a, &copied));
    if (!copied)
        return err_make(a, ERR_NOT_FOUND, "there is no file %s", path);
    TRY(settle_copy(d->pool, to.p, a));
    return give_name(d, a);
}

err_t duckdb_restore_table(struct dataset_store *store, int64_t id, const char *path, struct arena *a)
{
    struct pool *p = &duckdb_store_of(store)->pool;
    struct database *d;
    bool exists;
    TRY(pool_lock_files(p, id, a, &d, &exists));
    err_t e = exists ? err_make(a, ERR_CONFLICT, "dataset %lld has a table", (long long)id) : restore_files(d, path, a);
    if (e)
        unlink(new_path(p, id, "", a).p);
    pool_unlock_files(d);
    return e;
}

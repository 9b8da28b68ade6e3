/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/duckdb/pool.h"

#include "dataset/duckdb/functions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void pool_init(struct pool *p, const char *dir, int dir_fd, const struct database_limits *limits, int idle_max)
{
    *p = (struct pool){ .dir = must_strdup(dir), .dir_fd = dir_fd, .limits = *limits, .idle_max = idle_max };
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
}

slice pool_path(const struct pool *p, int64_t id, const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s/%lld.duckdb%s", p->dir, (long long)id, suffix);
}

err_t pool_named(const struct database *d, struct arena *a, err_t e)
{
    return e ? err_because(a, e, e->code, "%s", pool_path(d->pool, d->id, "", a).p) : NULL;
}

/* ---- the list; the lock is held ---- */

static struct database *find_database(struct pool *p, int64_t id)
{
    struct database *d = p->databases;
    while (d && d->id != id)
        d = d->next;
    return d;
}

static struct database *add_database(struct pool *p, int64_t id)
{
    struct database *d = must_malloc(sizeof *d);
    *d = (struct database){ .next = p->databases, .pool = p, .id = id, .users = 1 };
    pthread_mutex_init(&d->files, NULL);
    p->databases = d;
    return d;
}

static void drop_database(struct database *d)
{
    struct database **at = &d->pool->databases;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    pthread_cond_broadcast(&d->pool->changed);
    pthread_mutex_destroy(&d->files);
    arena_release(&d->arena);
    free(d);
}

/* Gives up the lock meanwhile. DuckDB copies its log into the file as it closes. */
static void close_database(struct database *d)
{
    assert(!d->users && d->state == DATABASE_OPEN);
    d->state = DATABASE_CLOSING;
    pthread_mutex_unlock(&d->pool->mutex);
    duckdb_close(&d->handle);
    pthread_mutex_lock(&d->pool->mutex);
    drop_database(d);
}

/* The idle database that was used least recently, if there are more than may stay open. */
static struct database *find_surplus(struct pool *p)
{
    struct database *oldest = NULL;
    int idle = 0;
    for (struct database *d = p->databases; d; d = d->next) {
        if (d->state != DATABASE_OPEN || d->users)
            continue;
        idle++;
        if (!oldest || d->used_at < oldest->used_at)
            oldest = d;
    }
    return idle > p->idle_max ? oldest : NULL;
}

static void close_surplus(struct pool *p)
{
    for (struct database *d; (d = find_surplus(p));)
        close_database(d);
}

void pool_release(struct pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->idle_max = 0;
    close_surplus(p);
    assert(!p->databases); /* otherwise a writer or cursor was leaked */
    pthread_mutex_unlock(&p->mutex);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    close(p->dir_fd);
    free(p->dir);
}

/* ---- opening ---- */

static err_t check_file(struct pool *p, int64_t id, struct arena *a, bool *ret_exists)
{
    struct stat st;
    slice log = pool_path(p, id, ".wal", a);
    const char *path = pool_path(p, id, "", a).p;
    if (stat(log.p, &st) == 0 && !S_ISREG(st.st_mode)) /* of a FIFO, DuckDB would wait for the other end */
        return err_make(a, ERR_CORRUPT, SLICE_FMT " is no file", SLICE_ARG(log));
    *ret_exists = stat(path, &st) == 0;
    if (*ret_exists && !S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "%s is no file", path);
    if (!*ret_exists && errno != ENOENT)
        return err_errno(a, errno, "the file of dataset %lld", (long long)id);
    return NULL;
}

/* Without the lock, but nobody else touches a database that is being opened. */
static err_t open_database(struct database *d, struct arena *a)
{
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    TRY(database_open(pool_path(d->pool, d->id, "", a).p, &d->pool->limits, a, &d->handle));
    if (duckdb_connect(d->handle, &connection) == DuckDBError)
        return err_make(a, ERR_UNAVAILABLE, "DuckDB gives no connection");
    TRY(functions_register(connection, d->pool->limits.clock, a));
    SCRATCH(scratch);
    struct database_contents contents;
    err_t e = database_read_contents(connection, &scratch, &contents);
    if (e)
        return pool_named(d, a, err_copy(a, e));
    d->contents = contents;
    d->contents.columns.items = arena_array(&d->arena, struct column, COLUMNS_MAX);
    for (size_t i = 0; i < contents.columns.count; i++) {
        d->contents.columns.items[i] = contents.columns.items[i];
        d->contents.columns.items[i].name = arena_copy(&d->arena, contents.columns.items[i].name);
    }
    return NULL;
}

/* The lock is held, and given up meanwhile. */
static err_t add_and_open(struct pool *p, int64_t id, struct arena *a, struct database **ret)
{
    bool exists;
    TRY(check_file(p, id, a, &exists));
    if (!exists)
        return err_make(a, ERR_NOT_FOUND, "dataset %lld has no table", (long long)id);
    struct database *d = add_database(p, id);
    pthread_mutex_unlock(&p->mutex);
    err_t e = open_database(d, a);
    if (e)
        duckdb_close(&d->handle);
    pthread_mutex_lock(&p->mutex);
    if (e) {
        drop_database(d);
        return e;
    }
    d->state = DATABASE_OPEN;
    pthread_cond_broadcast(&p->changed);
    *ret = d;
    return NULL;
}

err_t pool_acquire(struct pool *p, int64_t id, struct arena *a, struct database **ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    for (;;) {
        struct database *d = find_database(p, id);
        if (!d)
            return add_and_open(p, id, a, ret);
        if (d->state != DATABASE_OPEN) {
            pthread_cond_wait(&p->changed, &p->mutex);
        } else if (!d->is_broken) {
            d->users++;
            *ret = d;
            return NULL;
        } else {
            return pool_named(d, a, err_make(a, ERR_UNAVAILABLE, "the database had an error, and is still in use"));
        }
    }
}

/* After these errors, what DuckDB has in memory may differ from what is on the disk. */
static bool is_grave(err_t e)
{
    return e && (e->code == ERR_UNAVAILABLE || e->code == ERR_CORRUPT || e->code == ERR_NO_SPACE);
}

void pool_release_database(struct database *d, err_t e)
{
    struct pool *p = d->pool;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    d->is_broken |= is_grave(e);
    d->used_at = ++p->uses;
    assert(d->users > 0);
    if (--d->users)
        return;
    if (d->is_broken)
        close_database(d);
    pthread_cond_broadcast(&p->changed);
    close_surplus(p);
}

/* ---- who writes ---- */

err_t pool_take_write(struct database *d, struct arena *a)
{
    while (d->is_extending)
        pthread_cond_wait(&d->pool->changed, &d->pool->mutex);
    if (d->has_writer)
        return err_make(a, ERR_CONFLICT, "rows are being added to dataset %lld", (long long)d->id);
    d->has_writer = true;
    return NULL;
}

void pool_let_write(struct database *d)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    d->has_writer = d->is_extending = false;
    pthread_cond_broadcast(&d->pool->changed);
}

/* ---- the files ---- */

err_t pool_lock_files(struct pool *p, int64_t id, struct arena *a, struct database **ret, bool *ret_exists)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    for (struct database *d; (d = find_database(p, id));) {
        if (d->has_writer || d->cursors)
            return err_make(a, ERR_CONFLICT, "dataset %lld is in use", (long long)id);
        if (d->state == DATABASE_OPEN && !d->users)
            close_database(d);
        else
            pthread_cond_wait(&p->changed, &p->mutex);
    }
    TRY(check_file(p, id, a, ret_exists));
    *ret = add_database(p, id);
    return NULL;
}

void pool_unlock_files(struct database *d)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    drop_database(d);
}

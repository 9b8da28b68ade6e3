/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sets.h"

#include "record/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void set_pool_init(struct set_pool *p, const char *dir, int dir_fd, int idle_max, struct flush_reporter reporter)
{
    *p = (struct set_pool){
        .dir = dir ? must_strdup(dir) : NULL, .dir_fd = dir_fd, .idle_max = idle_max, .reporter = reporter
    };
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
}

const char *set_path(const struct set_pool *p, int64_t id, const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s/%lld%s", p->dir ? p->dir : "memory", (long long)id, suffix).p;
}

err_t set_named(const struct record_set *s, struct arena *a, err_t e)
{
    return e ? err_because(a, err_copy(a, e), e->code, "%s", set_path(s->pool, s->id, ".db", a)) : NULL;
}

/* ---- the list; the lock is held */

static struct record_set *find_set(struct set_pool *p, int64_t id)
{
    struct record_set *s = p->sets;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static struct record_set *add_busy_set(struct set_pool *p, int64_t id)
{
    struct record_set *s = must_malloc(sizeof *s);
    *s = (struct record_set){ .next = p->sets, .pool = p, .id = id, .is_busy = true, .log_limit = p->log_bytes };
    p->sets = s;
    return s;
}

static void drop_set(struct record_set *s)
{
    struct record_set **at = &s->pool->sets;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pthread_cond_broadcast(&s->pool->changed);
    free(s);
}

static void disconnect(struct record_set *s)
{
    sql_disconnect(s->reader);
    sql_disconnect(s->writer);
    sql_close_db(s->db);
    s->reader = s->writer = NULL;
    s->db = NULL;
}

/* Gives up the lock meanwhile: SQLite copies the log into the file as it closes. The set is busy afterwards, and the caller's. */
static void close_set(struct record_set *s)
{
    assert(!s->users && !s->is_busy);
    s->is_busy = true;
    pthread_mutex_unlock(&s->pool->mutex);
    disconnect(s);
    pthread_mutex_lock(&s->pool->mutex);
}

/* The idle set that was used least recently, if there are more than may stay open. */
static struct record_set *find_surplus(struct set_pool *p)
{
    struct record_set *oldest = NULL;
    int idle = 0;
    for (struct record_set *s = p->sets; s; s = s->next) {
        if (s->is_busy || s->users)
            continue;
        idle++;
        oldest = !oldest || s->used_at < oldest->used_at ? s : oldest;
    }
    return idle > p->idle_max ? oldest : NULL;
}

static void close_surplus(struct set_pool *p)
{
    for (struct record_set *s; (s = find_surplus(p));) {
        close_set(s);
        drop_set(s);
    }
}

void set_pool_release(struct set_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->idle_max = 0;
    close_surplus(p);
    assert(!p->sets); /* otherwise a writer was leaked */
    pthread_mutex_unlock(&p->mutex);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    if (p->dir_fd >= 0)
        close(p->dir_fd);
    free(p->dir);
}

/* ---- opening */

static err_t check_file(struct set_pool *p, int64_t id, struct arena *a, bool *ret_exists)
{
    struct stat st;
    const char *path = set_path(p, id, ".db", a);
    *ret_exists = p->dir && stat(path, &st) == 0;
    if (*ret_exists && !S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "%s is no file", path);
    return p->dir && !*ret_exists && errno != ENOENT ? err_errno(a, errno, "%s", path) : NULL;
}

static err_t read_prefix(struct record_set *s, struct arena *a)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(s->writer, STATEMENT("SELECT prefix FROM about"), SQL_NO_VALUES, a, &cursor));
    TRY(sql_next(cursor, a, &has_row));
    slice prefix = has_row ? sql_column_copy(cursor, 0, a) : S("");
    if (prefix.n != PREFIX_BYTES)
        return err_make(a, ERR_CORRUPT, "the set has no prefix for its ids");
    memcpy(s->prefix_bytes, prefix.p, PREFIX_BYTES);
    s->prefix = (slice){ s->prefix_bytes, PREFIX_BYTES };
    return NULL;
}

/* The database is taken, also after an error. */
static err_t connect_set(struct record_set *s, struct sql_db *db, struct arena *a)
{
    s->db = s->pool->wrap ? s->pool->wrap(s->pool->wrap_arg, db) : db;
    TRY(sql_connect(s->db, SQL_WRITE, a, &s->writer));
    TRY(schema_match(s->writer, a));
    return read_prefix(s, a);
}

/* Without the lock: the set is busy, and ours. */
static err_t open_set(struct record_set *s, struct arena *a)
{
    struct sqlite_options options = { .path = set_path(s->pool, s->id, ".db", a), .reporter = s->pool->reporter };
    struct sql_db *db;
    err_t e = sqlite_open(&options, a, &db);
    if (!e)
        e = connect_set(s, db, a);
    if (e)
        disconnect(s);
    return set_named(s, a, e);
}

err_t set_keep(struct record_set *s, struct sql_db *db, struct arena *a)
{
    err_t e = connect_set(s, db, a);
    if (e)
        disconnect(s);
    return e;
}

/* The lock is held, and given up meanwhile. */
static err_t add_and_open(struct set_pool *p, int64_t id, struct arena *a, struct record_set **ret)
{
    bool exists;
    TRY(check_file(p, id, a, &exists));
    if (!exists)
        return err_make(a, ERR_NOT_FOUND, "there is no set %lld of records", (long long)id);
    struct record_set *s = add_busy_set(p, id);
    pthread_mutex_unlock(&p->mutex);
    err_t e = open_set(s, a);
    pthread_mutex_lock(&p->mutex);
    if (e) {
        drop_set(s);
        return e;
    }
    s->is_busy = false;
    pthread_cond_broadcast(&p->changed);
    *ret = s;
    return NULL;
}

static err_t acquire(struct set_pool *p, int64_t id, struct arena *a, struct record_set **ret)
{
    struct record_set *s;
    while ((s = find_set(p, id)) && s->is_busy)
        pthread_cond_wait(&p->changed, &p->mutex);
    if (!s)
        TRY(add_and_open(p, id, a, &s));
    *ret = s;
    return NULL;
}

err_t set_acquire(struct set_pool *p, int64_t id, struct arena *a, struct record_set **ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    TRY(acquire(p, id, a, ret));
    (*ret)->users++;
    return NULL;
}

err_t set_acquire_to_write(struct set_pool *p, int64_t id, struct arena *a, struct record_set **ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    struct record_set *s;
    TRY(acquire(p, id, a, &s));
    if (s->has_writer)
        return err_make(a, ERR_CONFLICT, "records are being written to set %lld", (long long)id);
    s->has_writer = true;
    s->users++;
    *ret = s;
    return NULL;
}

static void release(struct record_set *s, bool was_writer)
{
    struct set_pool *p = s->pool;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    s->has_writer &= !was_writer;
    s->used_at = ++p->uses;
    assert(s->users > 0);
    if (--s->users)
        return;
    if (sql_flush_failed(s->db)) {
        close_set(s);
        drop_set(s);
    }
    pthread_cond_broadcast(&p->changed);
    close_surplus(p);
}

void set_release(struct record_set *s)
{
    release(s, false);
}

void set_release_writer(struct record_set *s)
{
    release(s, true);
}

/* ---- connections to read with */

err_t set_take_reader(struct record_set *s, struct arena *a, struct sql_conn **ret)
{
    pthread_mutex_lock(&s->pool->mutex);
    *ret = s->reader;
    s->reader = NULL;
    pthread_mutex_unlock(&s->pool->mutex);
    return *ret ? NULL : set_named(s, a, sql_connect(s->db, SQL_READ, a, ret));
}

void set_give_reader(struct record_set *s, struct sql_conn *conn)
{
    pthread_mutex_lock(&s->pool->mutex);
    if (!s->reader) {
        s->reader = conn;
        conn = NULL;
    }
    pthread_mutex_unlock(&s->pool->mutex);
    sql_disconnect(conn);
}

/* ---- the files */

err_t set_lock_files(struct set_pool *p, int64_t id, struct arena *a, struct record_set **ret, bool *ret_exists)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&p->mutex);
    struct record_set *s;
    while ((s = find_set(p, id)) && (s->is_busy || s->users)) {
        if (s->has_writer)
            return err_make(a, ERR_CONFLICT, "records are being written to set %lld", (long long)id);
        pthread_cond_wait(&p->changed, &p->mutex);
    }
    *ret_exists = s != NULL;
    if (!s) {
        TRY(check_file(p, id, a, ret_exists));
        s = add_busy_set(p, id);
    } else if (p->dir) {
        close_set(s);
    } else {
        s->is_busy = true;
    }
    *ret = s;
    return NULL;
}

void set_forget(struct record_set *s)
{
    disconnect(s);
}

void set_unlock_files(struct record_set *s)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->pool->mutex);
    if (s->db) { /* in memory, it stays */
        s->is_busy = false;
        pthread_cond_broadcast(&s->pool->changed);
    } else {
        drop_set(s);
    }
}

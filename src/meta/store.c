/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the store, migrates the database, and hands out snapshots. A snapshot uses a connection from a list of idle
 * ones: it is its thread's alone until the snapshot ends, and the store never has more connections than it had
 * snapshots at one time. Writing is in committer.c. */
#include "meta/store_priv.h"

#include <stdlib.h>

/* ---- snapshots ---- */

err_t reader_acquire(struct meta_store *store, struct arena *a, struct reader **ret_reader)
{
    pthread_mutex_lock(&store->readers_lock);
    struct reader *r = store->readers;
    if (r)
        store->readers = r->next;
    pthread_mutex_unlock(&store->readers_lock);
    if (!r) {
        struct sql_conn *conn;
        TRY(sql_connect(store->db, SQL_READ, a, &conn));
        r = must_malloc(sizeof *r);
        r->tx = (struct meta_tx){ .store = store, .conn = conn };
    }
    *ret_reader = r;
    return NULL;
}

void reader_release(struct meta_store *store, struct reader *r)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&store->readers_lock);
    r->next = store->readers;
    store->readers = r;
}

err_t meta_read_begin(struct meta_store *store, struct arena *a, struct meta_tx **ret_tx)
{
    struct reader *r;
    TRY(reader_acquire(store, a, &r));
    err_t e = sql_begin(r->tx.conn, a);
    if (e) {
        reader_release(store, r);
        return e;
    }
    *ret_tx = &r->tx;
    return NULL;
}

void meta_read_end(struct meta_tx *tx)
{
    if (!tx)
        return;
    sql_rollback(tx->conn);
    reader_release(tx->store, (struct reader *)tx);
}

uint64_t meta_generation(struct meta_store *store)
{
    return atomic_load(&store->generation);
}

void meta_on_jobs(struct meta_store *store, void (*changed)(void *arg, const struct meta_job_changes *), void *arg)
{
    store->on_jobs = changed;
    store->on_jobs_arg = arg;
}

void meta_watch_writes(struct meta_store *store, const struct write_watch *watch)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&store->watch_lock);
    store->watch = *watch;
}

bool meta_flush_failed(struct meta_store *store)
{
    return sql_flush_failed(store->db);
}

err_t meta_backup(struct meta_store *store, const char *path, struct arena *a)
{
    struct reader *r;
    TRY(reader_acquire(store, a, &r));
    err_t e = sql_backup(r->tx.conn, path, a);
    reader_release(store, r);
    return e;
}

err_t meta_verify(struct meta_store *store, struct arena *a)
{
    struct reader *r;
    TRY(reader_acquire(store, a, &r));
    err_t e = sql_verify(r->tx.conn, a);
    reader_release(store, r);
    return e;
}

/* ---- opening ---- */

#define NEWEST_VERSION (migrations[migration_count - 1].version)

static err_t note_migration(struct sql_conn *conn, const struct migration *m, struct arena *a)
{
    return sql_exec(conn, STATEMENT("INSERT INTO schema_version (version, name) VALUES ($1, $2)"),
                    SQL(SQL_I(m->version), SQL_T(slice_of(m->name))), a, NULL);
}

static err_t run_migration(struct sql_conn *conn, const struct migration *m, struct arena *a)
{
    TRY(sql_begin(conn, a));
    err_t e = sql_script(conn, m->sql[conn->driver->dialect], a);
    if (!e)
        e = note_migration(conn, m, a);
    if (!e)
        e = sql_commit(conn, a);
    if (e) {
        sql_rollback(conn);
        return err_because(a, e, e->code, "cannot migrate the database to %s", m->name);
    }
    return NULL;
}

static err_t read_version(struct sql_conn *conn, struct arena *a, int64_t *ret_version)
{
    TRY(sql_get_int(conn, STATEMENT("SELECT COALESCE(MAX(version), 0) FROM schema_version"), SQL_NO_VALUES, a,
                    ret_version));
    if (*ret_version > NEWEST_VERSION)
        return err_make(a, ERR_UNSUPPORTED,
                        "the database has schema version %lld, this program knows versions up to %lld: use a newer one",
                        (long long)*ret_version, (long long)NEWEST_VERSION);
    return NULL;
}

/* The database may come from somebody else: a restored backup, a copied directory. A trigger or view in it would run when
 * this program writes and reads. So before anything is written or read, the schema must be that of its version. */
static err_t check_schema(struct sql_conn *conn, int64_t version, struct arena *a)
{
    const char **scripts = arena_array(a, const char *, migration_count + 2);
    size_t count = 0;
    scripts[count++] = CREATE_SCHEMA_VERSION;
    const char *newest = newest_schema[conn->driver->dialect];
    if (newest && version == NEWEST_VERSION) {
        scripts[count] = newest;
        if (!sql_match_schema(conn, scripts, count + 1, a))
            return NULL;
        /* Another release of SQLite may have written what the migrations changed in other words. */
    }
    for (size_t i = 0; i < migration_count && migrations[i].version <= version; i++)
        scripts[count++] = migrations[i].sql[conn->driver->dialect];
    return sql_match_schema(conn, scripts, count, a);
}

static err_t make_newest_schema(struct sql_conn *conn, struct arena *a)
{
    TRY(sql_script(conn, newest_schema[conn->driver->dialect], a));
    for (size_t i = 0; i < migration_count; i++)
        TRY(note_migration(conn, &migrations[i], a));
    return NULL;
}

/* Reads the version of the schema, 0 for a new database, which gets the newest schema where there is a script for it. In
 * one transaction, so that a refused database stays as it was. */
static err_t begin_schema(struct sql_conn *conn, bool must_have_records, struct arena *a, struct meta_migration *ret)
{
    TRY(sql_begin(conn, a));
    err_t e = sql_script(conn, CREATE_SCHEMA_VERSION, a);
    if (!e)
        e = read_version(conn, a, &ret->from);
    if (!e && must_have_records && !ret->from)
        e = err_make(a, ERR_EMPTY, "the database has no records");
    if (!e)
        e = check_schema(conn, ret->from, a);
    ret->to = ret->from;
    if (!e && !ret->from && newest_schema[conn->driver->dialect]) {
        e = make_newest_schema(conn, a);
        ret->to = NEWEST_VERSION;
    }
    if (!e)
        e = sql_commit(conn, a);
    if (e)
        sql_rollback(conn);
    return e;
}

static err_t migrate_database(struct sql_conn *conn, const struct meta_options *options, struct arena *a)
{
    struct meta_migration done;
    TRY(begin_schema(conn, options->must_have_records, a, &done));
    for (size_t i = 0; i < migration_count; i++)
        if (migrations[i].version > done.to)
            TRY(run_migration(conn, &migrations[i], a));
    if (options->ret_migration)
        *options->ret_migration = (struct meta_migration){ done.from, NEWEST_VERSION };
    return NULL;
}

static err_t check_version(struct meta_store *store, struct arena *a)
{
    struct reader *r;
    TRY(reader_acquire(store, a, &r));
    int64_t version;
    err_t e = read_version(r->tx.conn, a, &version);
    if (!e && version < NEWEST_VERSION)
        e = err_make(a, ERR_UNSUPPORTED, "the database has the old schema version %lld: open it for writing once",
                     (long long)version);
    if (!e)
        e = check_schema(r->tx.conn, version, a);
    reader_release(store, r);
    return e;
}

static err_t start_store(struct meta_store *store, struct arena *a)
{
    if (store->options.read_only)
        return store->options.is_damaged ? NULL : check_version(store, a);
    TRY(sql_connect(store->db, SQL_WRITE, a, &store->writer));
    TRY(migrate_database(store->writer, &store->options, a));
    return committer_start(store, a);
}

err_t meta_open(struct sql_db *db, const struct meta_options *options, struct arena *a, struct meta_store **ret_store)
{
    struct meta_store *store = must_malloc(sizeof *store);
    atomic_init(&store->generation, 1); /* 0 is no generation */
    store->db = db;
    if (options)
        store->options = *options;
    pthread_mutex_init(&store->readers_lock, NULL);
    pthread_mutex_init(&store->watch_lock, NULL);
    err_t e = start_store(store, a);
    if (e) {
        meta_close(store);
        return e;
    }
    *ret_store = store;
    return NULL;
}

void meta_close(struct meta_store *store)
{
    if (!store)
        return;
    committer_stop(store);
    while (store->readers) {
        struct reader *r = store->readers;
        store->readers = r->next;
        sql_disconnect(r->tx.conn);
        free(r);
    }
    sql_disconnect(store->writer);
    sql_close_db(store->db);
    pthread_mutex_destroy(&store->readers_lock);
    pthread_mutex_destroy(&store->watch_lock);
    free(store);
}

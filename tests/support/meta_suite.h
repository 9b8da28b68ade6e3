/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the suites of the metadata store: test code that runs inside a write, and a check of query plans. */
#ifndef CAIS_TESTS_META_SUITE_H
#define CAIS_TESTS_META_SUITE_H

#include "core/records/object.h"
#include "core/store/object_store.h"
#include "meta_world.h"

/* Test code that runs inside a write: IN_WRITE(name) { … uses tx, a and arg … }, then RUN_WRITE(&world, name). The
 * block is a function of its own; its `arg` is the world. */
#define IN_WRITE(name) static err_t name(struct meta_tx *tx, void *arg, struct arena *a)
#define RUN_WRITE(w, fn) EXPECT_OK(meta_write((w)->store, (fn), (w), (w)->a))
#define INLINE ((struct meta_options){ .inline_writes = true })

static inline struct meta_tx *snapshot(struct meta_world *w)
{
    struct meta_tx *tx = NULL;
    EXPECT_OK(meta_read_begin(w->store, w->a, &tx));
    return tx;
}

static inline struct meta_upload put_upload(struct meta_world *w, uint64_t number, slice bytes, slice key)
{
    struct meta_upload u = { .world = w, .number = number, .bytes = bytes, .blob_key = key };
    EXPECT_OK(meta_write(w->store, meta_upload_apply, &u, w->a));
    return u;
}

/* Adds an inline object with these bytes. */
static inline err_t add_object(struct meta_tx *tx, struct meta_world *w, slice bytes, struct arena *a,
                               struct object *ret)
{
    *ret = (struct object){ .account_id = w->account, .size_bytes = bytes.n, .inline_bytes = bytes };
    hash_md5(bytes, ret->md5);
    return meta_object_add(tx, ret, a, &ret->id);
}

/* ---- query plans: no hot query reads a whole table ---- */

/* A driver that passes every call on and collects the statements that run. */
static struct {
    const struct sql_driver *real;
    struct sql_driver spy;
    struct {
        const char *sql;
        size_t count;
    } seen[200];
    size_t n;
} spy;

static inline err_t spy_query(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                              struct sql_cursor **ret)
{
    size_t i = 0;
    while (i < spy.n && spy.seen[i].sql != sql)
        i++;
    if (i == spy.n) {
        assert_true(spy.n < LENGTH_OF(spy.seen));
        spy.seen[spy.n].sql = sql;
        spy.seen[spy.n++].count = args.count;
    }
    return spy.real->query(conn, sql, args, a, ret);
}

static inline err_t spy_connect(struct sql_db *db, enum sql_mode mode, struct arena *a, struct sql_conn **ret)
{
    TRY(spy.real->connect(db, mode, a, ret));
    (*ret)->driver = &spy.spy;
    return NULL;
}

/* A world over a database file that collects all statements. */
static inline void spied_world_init(struct meta_world *w)
{
    *w = (struct meta_world){ .options = INLINE };
    test_database_init(&w->database, DATABASE_FILE);
    arena_init(&w->arena);
    w->a = &w->arena;
    spy.n = 0;
    struct sql_db *db = test_database_open(&w->database, w->a);
    spy.real = db->driver;
    spy.spy = *spy.real;
    spy.spy.query = spy_query;
    spy.spy.connect = spy_connect;
    db->driver = &spy.spy;
    EXPECT_OK(meta_open(db, &w->options, w->a, &w->store));
    RUN_WRITE(w, meta_world_add_user);
}

/* Does this step of a query plan, in the words of SQLite, read a whole table? */
static inline bool is_scan(slice detail)
{
    /* A condition on a range of ids alone may read the whole table, too. */
    if (slice_find(detail, S("(rowid<?)")) != SLICE_NONE || slice_find(detail, S("(rowid>?)")) != SLICE_NONE)
        return true;
    /* Results of subqueries, and the members of one JSON value, are no tables. */
    bool of_result = slice_eq(detail, S("SCAN made")) || slice_eq(detail, S("SCAN held")) ||
                     slice_starts(detail, S("SCAN (subquery")) || slice_starts(detail, S("SCAN member VIRTUAL"));
    return slice_starts(detail, S("SCAN")) && !of_result;
}

static inline void spied_check_plans(struct meta_world *w, bool (*may_scan)(slice sql))
{
    struct sql_db *db = test_database_open(&w->database, w->a);
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(db, SQL_READ, w->a, &conn));
    for (size_t i = 0; i < spy.n; i++) {
        slice sql = slice_of(spy.seen[i].sql);
        if (may_scan(sql) || slice_find(sql, S("schema_version")) != SLICE_NONE)
            continue;
        struct sql_value none[24] = { 0 };
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        const char *explain = arena_printf(w->a, "EXPLAIN QUERY PLAN " SLICE_FMT, SLICE_ARG(sql)).p;
        EXPECT_OK(conn->driver->query(conn, explain, (struct sql_args){ none, spy.seen[i].count }, w->a, &c));
        for (bool row = true; row;) {
            EXPECT_OK(sql_next(c, w->a, &row));
            slice detail = row ? sql_column_copy(c, 3, w->a) : S("");
            if (is_scan(detail))
                fail_msg(SLICE_FMT ": %s", SLICE_ARG(detail), spy.seen[i].sql);
        }
    }
    sql_disconnect(conn);
    sql_close_db(db);
}

#endif

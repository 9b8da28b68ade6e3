/* SPDX-License-Identifier: Apache-2.0 */
/* Every store call first asks the plan whether it must fail. A call that must fail does not reach the database, so it
 * has no effect; unless the plan says that only the answer is lost: then the call takes effect and fails afterwards. */
#include "sql/fault/fault.h"

#include <stdlib.h>

struct fault_db {
    struct sql_db db;
    struct sql_driver driver; /* has the SQL dialect of the inner driver */
    struct sql_db *inner;
    struct fault_plan *plan;
};

struct fault_conn {
    struct sql_conn conn;
    struct sql_conn *inner;
    struct fault_db *db;
};

struct fault_cursor {
    struct sql_cursor cursor;
    struct sql_cursor *inner;
};

static const struct sql_driver sql_fault_driver;

static struct sql_conn *inner_of(struct sql_conn *conn)
{
    return ((struct fault_conn *)conn)->inner;
}

static struct sql_cursor *inner_cursor(struct sql_cursor *cursor)
{
    return ((struct fault_cursor *)cursor)->inner;
}

static struct fault_plan *plan_of(struct sql_conn *conn)
{
    return ((struct fault_conn *)conn)->db->plan;
}

static err_t planned_sql_failure(struct sql_conn *conn, struct arena *a)
{
    if (plan_of(conn)->rolls_back)
        sql_rollback(inner_of(conn));
    return err_make(a, plan_of(conn)->code, "the database failed on command");
}

/* Before a call: the error of a call that must have no effect. *ret_lost: it must take effect and then fail. */
static err_t plan_call(struct sql_conn *conn, struct arena *a, bool *ret_lost)
{
    bool hit = fault_plan_hit(plan_of(conn));
    *ret_lost = hit && plan_of(conn)->answer_lost;
    return hit && !*ret_lost ? planned_sql_failure(conn, a) : NULL;
}

/* After a call that returned e: the error to return. */
static err_t result_of(struct sql_conn *conn, struct arena *a, err_t e, bool lost)
{
    return !e && lost ? planned_sql_failure(conn, a) : e;
}

static err_t sql_fault_connect(struct sql_db *db, enum sql_mode mode, struct arena *a, struct sql_conn **ret_conn)
{
    struct fault_db *f = (struct fault_db *)db;
    struct sql_conn *inner;
    TRY(sql_connect(f->inner, mode, a, &inner));
    struct fault_conn *conn = must_malloc(sizeof *conn);
    *conn = (struct fault_conn){ .conn = { &f->driver }, .inner = inner, .db = f };
    *ret_conn = &conn->conn;
    return NULL;
}

static void sql_fault_disconnect(struct sql_conn *conn)
{
    sql_disconnect(inner_of(conn));
    free(conn);
}

/* `query` is one of the functions of the inner driver that open a cursor. */
static err_t open_fault_cursor(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                               struct sql_cursor **ret_cursor,
                               err_t (*query)(struct sql_conn *, const char *sql, struct sql_args args, struct arena *a,
                                              struct sql_cursor **ret_cursor))
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    struct sql_cursor *inner;
    TRY(query(inner_of(conn), sql, args, a, &inner));
    if (lost) {
        sql_close(inner);
        return planned_sql_failure(conn, a);
    }
    struct fault_cursor *cursor = must_malloc(sizeof *cursor);
    *cursor = (struct fault_cursor){ .cursor = { conn }, .inner = inner };
    *ret_cursor = &cursor->cursor;
    return NULL;
}

static err_t sql_fault_query(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                             struct sql_cursor **ret_cursor)
{
    return open_fault_cursor(conn, sql, args, a, ret_cursor, inner_of(conn)->driver->query);
}

static err_t sql_fault_query_once(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                                  struct sql_cursor **ret_cursor)
{
    return open_fault_cursor(conn, sql, args, a, ret_cursor, inner_of(conn)->driver->query_once);
}

static void sql_fault_set_deadline(struct sql_conn *conn, struct clock *clock, int64_t deadline_ms)
{
    sql_set_deadline(inner_of(conn), clock, deadline_ms);
}

static err_t sql_fault_next(struct sql_cursor *cursor, struct arena *a, bool *ret_row)
{
    bool lost;
    TRY(plan_call(cursor->conn, a, &lost));
    return result_of(cursor->conn, a, sql_next(inner_cursor(cursor), a, ret_row), lost);
}

static struct sql_value sql_fault_column(struct sql_cursor *cursor, int index)
{
    return sql_column(inner_cursor(cursor), index);
}

static void sql_fault_close(struct sql_cursor *cursor)
{
    sql_close(inner_cursor(cursor));
    free(cursor);
}

static int64_t sql_fault_changed(struct sql_conn *conn)
{
    struct sql_conn *inner = inner_of(conn);
    return inner->driver->changed(inner);
}

static err_t sql_fault_insert(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                              int64_t *ret_id)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, inner_of(conn)->driver->insert(inner_of(conn), sql, args, a, ret_id), lost);
}

static err_t sql_fault_begin(struct sql_conn *conn, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    TRY(sql_begin(inner_of(conn), a));
    if (lost)
        sql_rollback(inner_of(conn)); /* the caller, who sees an error, will not end it */
    return result_of(conn, a, NULL, lost);
}

static err_t sql_fault_commit(struct sql_conn *conn, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_commit(inner_of(conn), a), lost);
}

static err_t sql_fault_commit_ordered(struct sql_conn *conn, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_commit_ordered(inner_of(conn), a), lost);
}

static err_t sql_fault_flush(struct sql_conn *conn, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_flush(inner_of(conn), a), lost);
}

static void sql_fault_rollback(struct sql_conn *conn)
{
    sql_rollback(inner_of(conn));
}

static err_t sql_fault_script(struct sql_conn *conn, const char *sql, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_script(inner_of(conn), sql, a), lost);
}

static int64_t sql_fault_wal_bytes(struct sql_db *db)
{
    return sql_wal_bytes(((struct fault_db *)db)->inner);
}

static bool sql_fault_flush_failed(struct sql_db *db)
{
    return sql_flush_failed(((struct fault_db *)db)->inner);
}

static err_t sql_fault_checkpoint(struct sql_conn *conn, bool restart, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_checkpoint(inner_of(conn), restart, a), lost);
}

static err_t sql_fault_backup(struct sql_conn *conn, const char *path, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_backup(inner_of(conn), path, a), lost);
}

static err_t sql_fault_verify(struct sql_conn *conn, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_verify(inner_of(conn), a), lost);
}

static err_t sql_fault_match_schema(struct sql_conn *conn, const char *const *scripts, size_t count, struct arena *a)
{
    bool lost;
    TRY(plan_call(conn, a, &lost));
    return result_of(conn, a, sql_match_schema(inner_of(conn), scripts, count, a), lost);
}

static void sql_fault_close_db(struct sql_db *db)
{
    sql_close_db(((struct fault_db *)db)->inner);
    free(db);
}

static const struct sql_driver sql_fault_driver = {
    .name = "fault",
    .connect = sql_fault_connect,
    .disconnect = sql_fault_disconnect,
    .query = sql_fault_query,
    .query_once = sql_fault_query_once,
    .set_deadline = sql_fault_set_deadline,
    .next = sql_fault_next,
    .column = sql_fault_column,
    .close = sql_fault_close,
    .changed = sql_fault_changed,
    .insert = sql_fault_insert,
    .begin = sql_fault_begin,
    .commit = sql_fault_commit,
    .commit_ordered = sql_fault_commit_ordered,
    .flush = sql_fault_flush,
    .rollback = sql_fault_rollback,
    .script = sql_fault_script,
    .wal_bytes = sql_fault_wal_bytes,
    .flush_failed = sql_fault_flush_failed,
    .checkpoint = sql_fault_checkpoint,
    .backup = sql_fault_backup,
    .verify = sql_fault_verify,
    .match_schema = sql_fault_match_schema,
    .close_db = sql_fault_close_db,
};

struct sql_db *sql_fault_wrap(struct sql_db *db, struct fault_plan *plan)
{
    struct fault_db *f = must_malloc(sizeof *f);
    *f = (struct fault_db){ .db = { &f->driver }, .driver = sql_fault_driver, .inner = db, .plan = plan };
    f->driver.dialect = db->driver->dialect;
    return &f->db;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through the driver, and the few combinations of calls that every caller needs. */
#include "sql/sql.h"

err_t sql_connect(struct sql_db *db, enum sql_mode mode, struct arena *a, struct sql_conn **ret_conn)
{
    return db->driver->connect(db, mode, a, ret_conn);
}

void sql_disconnect(struct sql_conn *conn)
{
    if (conn)
        conn->driver->disconnect(conn);
}

static const char *text_for(const struct sql_conn *conn, const struct sql_statement *statement)
{
    return statement->text[conn->driver->dialect];
}

err_t sql_query(struct sql_conn *conn, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                struct sql_cursor **ret_cursor)
{
    return conn->driver->query(conn, text_for(conn, statement), args, a, ret_cursor);
}

err_t sql_query_once(struct sql_conn *conn, const char *sql, struct sql_args args, struct arena *a,
                     struct sql_cursor **ret_cursor)
{
    return conn->driver->query_once(conn, sql, args, a, ret_cursor);
}

void sql_set_deadline(struct sql_conn *conn, struct clock *clock, int64_t deadline_ms)
{
    conn->driver->set_deadline(conn, clock, deadline_ms);
}

/* The rows decide how long the loops of callers are, and what they keep: so this is where each of them asks. */
err_t sql_next(struct sql_cursor *cursor, struct arena *a, bool *ret_row)
{
    TRY(arena_check(a));
    return cursor->conn->driver->next(cursor, a, ret_row);
}

struct sql_value sql_column(struct sql_cursor *cursor, int index)
{
    return cursor->conn->driver->column(cursor, index);
}

int64_t sql_column_int(struct sql_cursor *cursor, int index)
{
    struct sql_value v = sql_column(cursor, index);
    return v.type == SQL_INT ? v.integer : 0;
}

slice sql_column_copy(struct sql_cursor *cursor, int index, struct arena *a)
{
    struct sql_value v = sql_column(cursor, index);
    return v.type == SQL_TEXT || v.type == SQL_BLOB ? arena_copy_if_room(a, v.bytes) : S("");
}

void sql_close(struct sql_cursor *cursor)
{
    if (cursor)
        cursor->conn->driver->close(cursor);
}

err_t sql_exec(struct sql_conn *conn, const struct sql_statement *statement, struct sql_args args, struct arena *a,
               int64_t *ret_changed)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(conn, statement, args, a, &cursor));
    bool row = true;
    while (row)
        TRY(sql_next(cursor, a, &row));
    if (ret_changed)
        *ret_changed = conn->driver->changed(conn);
    return NULL;
}

err_t sql_get_int(struct sql_conn *conn, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                  int64_t *ret_value)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(sql_query(conn, statement, args, a, &cursor));
    bool row;
    TRY(sql_next(cursor, a, &row));
    if (!row)
        return err_make(a, ERR_NOT_FOUND, "no such row");
    *ret_value = sql_column_int(cursor, 0);
    return NULL;
}

err_t sql_insert(struct sql_conn *conn, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                 int64_t *ret_id)
{
    return conn->driver->insert(conn, text_for(conn, statement), args, a, ret_id);
}

err_t sql_begin(struct sql_conn *conn, struct arena *a)
{
    return conn->driver->begin(conn, a);
}

err_t sql_commit(struct sql_conn *conn, struct arena *a)
{
    return conn->driver->commit(conn, a);
}

err_t sql_commit_ordered(struct sql_conn *conn, struct arena *a)
{
    return conn->driver->commit_ordered(conn, a);
}

err_t sql_flush(struct sql_conn *conn, struct arena *a)
{
    return conn->driver->flush(conn, a);
}

void sql_rollback(struct sql_conn *conn)
{
    conn->driver->rollback(conn);
}

err_t sql_script(struct sql_conn *conn, const char *sql, struct arena *a)
{
    return conn->driver->script(conn, sql, a);
}

int64_t sql_wal_bytes(struct sql_db *db)
{
    return db->driver->wal_bytes(db);
}

bool sql_flush_failed(struct sql_db *db)
{
    return db->driver->flush_failed(db);
}

err_t sql_checkpoint(struct sql_conn *conn, bool restart, struct arena *a)
{
    return conn->driver->checkpoint(conn, restart, a);
}

err_t sql_backup(struct sql_conn *conn, const char *path, struct arena *a)
{
    return conn->driver->backup(conn, path, a);
}

err_t sql_verify(struct sql_conn *conn, struct arena *a)
{
    return conn->driver->verify(conn, a);
}

err_t sql_match_schema(struct sql_conn *conn, const char *const *scripts, size_t count, struct arena *a)
{
    return conn->driver->match_schema(conn, scripts, count, a);
}

void sql_close_db(struct sql_db *db)
{
    if (db)
        db->driver->close_db(db);
}

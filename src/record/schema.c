/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a set.
 * - `object` is text that the JSON functions of SQLite read, so that conditions on members can be compiled to SQL.
 * - The id of a record is the prefix of its set and its number. So no index of ids is needed, and records that are inserted one after
 *   the other stand one after the other. A number is never given twice: next_number only rises.
 * - A power failure may undo ordered batches whose ids somebody has read. So these only give numbers below reserved_number, as it is on
 *   stable storage, and the first batch after the set was opened begins at reserved_number.
 * - `about` is changed by each batch, in its transaction: so the position and the number of records are true at any time. */
#include "record/schema.h"

static const char *const schema =
    "CREATE TABLE about (only INTEGER PRIMARY KEY CHECK (only = 1), prefix BLOB NOT NULL, next_number INTEGER NOT NULL,"
    " reserved_number INTEGER NOT NULL, record_count INTEGER NOT NULL, position TEXT NOT NULL);"
    "CREATE TABLE key_fields (place INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE records (number INTEGER PRIMARY KEY, key BLOB NOT NULL, object TEXT NOT NULL, file TEXT NOT NULL,"
    " created_at_ms INTEGER NOT NULL, modified_at_ms INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX records_by_key ON records (key);";

err_t schema_check_fields(const struct record_fields *f, struct arena *a)
{
    return f->count >= 1 && f->count <= RECORD_KEY_FIELDS_MAX
               ? NULL
               : err_make(a, ERR_INVALID, "%zu fields are no key", f->count);
}

static err_t fill_schema(struct sql_conn *conn, const struct record_fields *f, slice prefix, struct arena *a)
{
    TRY(sql_script(conn, schema, a));
    TRY(sql_exec(conn,
                 STATEMENT("INSERT INTO about (only, prefix, next_number, reserved_number, record_count, position)"
                           " VALUES (1, $1, 1, 1, 0, '')"),
                 SQL(SQL_B(prefix)), a, NULL));
    for (size_t i = 0; i < f->count; i++)
        TRY(sql_exec(conn, STATEMENT("INSERT INTO key_fields (place, name) VALUES ($1, $2)"),
                     SQL(SQL_I((int64_t)i + 1), SQL_T(f->items[i])), a, NULL));
    return NULL;
}

err_t schema_make(struct sql_conn *conn, const struct record_fields *f, slice prefix, struct arena *a)
{
    TRY(sql_begin(conn, a));
    err_t e = fill_schema(conn, f, prefix, a);
    if (!e)
        e = sql_commit(conn, a);
    if (e)
        sql_rollback(conn);
    return e;
}

err_t schema_match(struct sql_conn *conn, struct arena *a)
{
    return sql_match_schema(conn, &schema, 1, a);
}

err_t schema_read_fields(struct sql_conn *conn, struct arena *a, struct record_fields *ret)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    slice *names = arena_array(a, slice, RECORD_KEY_FIELDS_MAX);
    size_t count = 0;
    bool has_row;
    TRY(sql_query(conn, STATEMENT("SELECT name FROM key_fields ORDER BY place LIMIT 9"), SQL_NO_VALUES, a, &cursor));
    for (;;) {
        TRY(sql_next(cursor, a, &has_row));
        if (!has_row)
            break;
        if (count == RECORD_KEY_FIELDS_MAX)
            return err_make(a, ERR_CORRUPT, "the key has too many fields");
        names[count++] = sql_column_copy(cursor, 0, a);
    }
    if (!count)
        return err_make(a, ERR_CORRUPT, "the key has no fields");
    *ret = (struct record_fields){ names, count };
    return NULL;
}

err_t schema_read_position(struct sql_conn *conn, struct arena *a, slice *ret)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    bool has_row;
    TRY(sql_query(conn, STATEMENT("SELECT position FROM about"), SQL_NO_VALUES, a, &cursor));
    TRY(sql_next(cursor, a, &has_row));
    if (!has_row)
        return err_make(a, ERR_CORRUPT, "the set has no position");
    *ret = sql_column_copy(cursor, 0, a);
    return arena_check(a);
}

/* What SQLite's own check does not know. json_type only reads what json_valid has accepted. */
#define ODD_RECORDS                                                                                                    \
    "SELECT (SELECT COUNT(*) FROM about WHERE only = 1 AND length(prefix) = 6 AND next_number BETWEEN 1 AND $1"        \
    " AND reserved_number BETWEEN 1 AND next_number + $2 AND length(CAST(position AS BLOB)) <= $3"                     \
    " AND record_count = (SELECT COUNT(*) FROM records)) = 1"                                                          \
    " AND NOT EXISTS (SELECT 1 FROM records WHERE number NOT BETWEEN 1 AND (SELECT next_number FROM about) - 1"        \
    " OR length(key) NOT BETWEEN 1 AND $4 OR length(CAST(object AS BLOB)) > $5"                                        \
    " OR length(CAST(file AS BLOB)) > $6"                                                                              \
    " OR CASE WHEN json_valid(object) THEN json_type(object) <> 'object' ELSE 1 END)"

err_t schema_verify(struct sql_conn *conn, struct arena *a)
{
    int64_t is_fine;
    struct record_fields fields;
    TRY(sql_verify(conn, a));
    TRY(schema_read_fields(conn, a, &fields));
    TRY(sql_get_int(conn, STATEMENT(ODD_RECORDS),
                    SQL(SQL_I(NUMBER_MAX), SQL_I(RESERVED_NUMBERS), SQL_I(RECORD_POSITION_MAX), SQL_I(RECORD_KEY_MAX),
                        SQL_I(RECORD_OBJECT_MAX), SQL_I(RECORD_FILE_MAX)),
                    a, &is_fine));
    return is_fine ? NULL : err_make(a, ERR_CORRUPT, "the records do not fit together");
}

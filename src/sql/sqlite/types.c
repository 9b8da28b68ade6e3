/* SPDX-License-Identifier: Apache-2.0 */
/* The type of a column is a preference in SQLite: a text that is no number stays a text in a column of integers, and bytes
 * stay bytes in a column of texts. This program never writes them, but a database that somebody made by hand can have them. A
 * reader then gets 0, or takes the bytes for a text, while comparisons and indexes of SQLite take any text for more than any
 * number, and any bytes for more than any text: so such a row is found by one statement and not by another. SQLite's own check
 * of a database only finds texts that look like numbers. */
#include "sql/sqlite/types_priv.h"

#include "base/buf.h"

/* Table, column, and how SQLite calls the type that its values must have. */
#define COLUMNS                                                                                                        \
    "SELECT m.name, c.name, CASE WHEN upper(c.type) LIKE '%INT%' THEN 'integer' ELSE lower(c.type) END"                \
    " FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"          \
    " ORDER BY m.name, c.cid"

static slice text_at(sqlite3_stmt *stmt, int index, struct arena *a)
{
    const char *text = (const char *)sqlite3_column_text(stmt, index);
    return text ? arena_copy(a, slice_of(text)) : S("");
}

/* Runs a query for at most one row. *ret_text: its first column, empty when there is no row. */
static err_t query_text(sqlite3 *handle, const char *sql, struct arena *a, slice *ret_text)
{
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    *ret_text = result == SQLITE_ROW ? text_at(stmt, 0, a) : S("");
    err_t e = result == SQLITE_ROW || result == SQLITE_DONE ? NULL : sqlite_err(handle, result, a);
    sqlite3_finalize(stmt);
    return e;
}

/* What is asked about the columns of one table: is there a wrong value, and, only when there is, which one. */
struct type_query {
    struct buf any, which;
};

static void ask_about_column(struct type_query *q, slice name, slice type, struct arena *a)
{
    slice is_wrong = arena_printf(a, "typeof(\"" SLICE_FMT "\") <> '" SLICE_FMT "' AND \"" SLICE_FMT "\" IS NOT NULL",
                                  SLICE_ARG(name), SLICE_ARG(type), SLICE_ARG(name));
    const char *article = slice_eq(type, S("integer")) ? "an" : "a";
    buf_printf(&q->any, "%s" SLICE_FMT, q->any.n ? " OR " : "", SLICE_ARG(is_wrong));
    buf_printf(&q->which, " WHEN " SLICE_FMT " THEN '%s " SLICE_FMT " in " SLICE_FMT "'", SLICE_ARG(is_wrong), article,
               SLICE_ARG(type), SLICE_ARG(name));
}

/* what: is selected from the first row with a wrong value. */
static err_t query_wrong_row(sqlite3 *handle, slice table, const struct type_query *q, slice what, struct arena *a,
                             slice *ret_text)
{
    slice sql = arena_printf(a, "SELECT " SLICE_FMT " FROM \"" SLICE_FMT "\" WHERE " SLICE_FMT " LIMIT 1",
                             SLICE_ARG(what), SLICE_ARG(table), SLICE_ARG(buf_slice(&q->any)));
    return query_text(handle, arena_cstr(a, sql), a, ret_text);
}

static err_t check_table(sqlite3 *handle, slice table, const struct type_query *q, struct arena *a)
{
    slice found, wrong, which = arena_printf(a, "CASE" SLICE_FMT " END", SLICE_ARG(buf_slice(&q->which)));
    TRY(query_wrong_row(handle, table, q, S("1"), a, &found));
    if (!found.n)
        return NULL;
    TRY(query_wrong_row(handle, table, q, which, a, &wrong));
    return err_make(a, ERR_CORRUPT, "a row of " SLICE_FMT " has something else than " SLICE_FMT, SLICE_ARG(table),
                    SLICE_ARG(wrong));
}

static void release_type_query(struct type_query *q)
{
    buf_release(&q->any);
    buf_release(&q->which);
}

err_t check_types(sqlite3 *handle, struct arena *a)
{
    sqlite3_stmt *columns = NULL;
    slice table = S("");
    SCOPED(release_type_query) struct type_query q;
    buf_init(&q.any, 0);
    buf_init(&q.which, 0);
    err_t e = NULL;
    int result = sqlite3_prepare_v2(handle, COLUMNS, -1, &columns, NULL);
    while (!e && (result == SQLITE_OK || result == SQLITE_ROW)) {
        result = sqlite3_step(columns);
        slice next = result == SQLITE_ROW ? text_at(columns, 0, a) : S("");
        if (q.any.n && !slice_eq(next, table)) {
            e = check_table(handle, table, &q, a);
            buf_clear(&q.any);
            buf_clear(&q.which);
        }
        table = next;
        if (result == SQLITE_ROW)
            ask_about_column(&q, text_at(columns, 1, a), text_at(columns, 2, a), a);
    }
    sqlite3_finalize(columns);
    return e || result == SQLITE_DONE ? e : sqlite_err(handle, result, a);
}

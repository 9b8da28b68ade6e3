/* SPDX-License-Identifier: Apache-2.0 */
/* The type of a column is a preference in SQLite: a text that is no number stays a text in a column of integers. This
 * program never writes one, but a database that somebody made by hand can have it. A reader then gets 0, while comparisons
 * and indexes of SQLite take the text for more than any number: so such a row is found by one statement and not by another.
 * SQLite's own check of a database only finds texts that look like numbers. */
#include "sql/sqlite/types_priv.h"

#include "base/buf.h"

#define INTEGER_COLUMNS                                                                                                \
    "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'"                   \
    " AND m.name NOT LIKE 'sqlite%' AND upper(c.type) LIKE '%INT%' ORDER BY m.name, c.cid"

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

/* names: of the columns, each followed by a blank. */
static err_t check_table(sqlite3 *handle, slice table, slice names, struct arena *a)
{
    slice name, wrong;
    SCOPED(buf_releasep) struct buf sql, any;
    buf_init(&sql, 0);
    buf_init(&any, 0);
    buf_add(&sql, S("SELECT CASE"));
    while (slice_cut(names, ' ', &name, &names)) {
        buf_printf(&sql, " WHEN typeof(\"" SLICE_FMT "\") NOT IN ('integer', 'null') THEN '" SLICE_FMT "'",
                   SLICE_ARG(name), SLICE_ARG(name));
        buf_printf(&any, "%s typeof(\"" SLICE_FMT "\") NOT IN ('integer', 'null')", any.n ? " OR" : "",
                   SLICE_ARG(name));
    }
    buf_printf(&sql, " END FROM \"" SLICE_FMT "\" WHERE" SLICE_FMT " LIMIT 1", SLICE_ARG(table),
               SLICE_ARG(buf_slice(&any)));
    TRY(query_text(handle, arena_cstr(a, buf_slice(&sql)), a, &wrong));
    return wrong.n ? err_make(a, ERR_CORRUPT, "a row of " SLICE_FMT " has something else than an integer in " SLICE_FMT,
                              SLICE_ARG(table), SLICE_ARG(wrong))
                   : NULL;
}

err_t check_integers(sqlite3 *handle, struct arena *a)
{
    sqlite3_stmt *columns = NULL;
    slice table = S("");
    SCOPED(buf_releasep) struct buf names;
    buf_init(&names, 0);
    err_t e = NULL;
    int result = sqlite3_prepare_v2(handle, INTEGER_COLUMNS, -1, &columns, NULL);
    while (!e && (result == SQLITE_OK || result == SQLITE_ROW)) {
        result = sqlite3_step(columns);
        slice next = result == SQLITE_ROW ? text_at(columns, 0, a) : S("");
        if (names.n && !slice_eq(next, table)) {
            e = check_table(handle, table, buf_slice(&names), a);
            buf_clear(&names);
        }
        table = next;
        if (result == SQLITE_ROW)
            buf_printf(&names, SLICE_FMT " ", SLICE_ARG(text_at(columns, 1, a)));
    }
    sqlite3_finalize(columns);
    return e || result == SQLITE_DONE ? e : sqlite_err(handle, result, a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The statements use no function but those that list the catalog, by their whole names: a file could have others of the same names. For
 * the same reason they do not ask what DuckDB calls internal. */
#include "dataset/duckdb/catalog.h"

#include "dataset/duckdb/compile.h"

#define OF_THE_FILE " WHERE database_name <> 'system' AND database_name <> 'temp'"
enum { TEXTS_MAX = 4 };

/* A row of a listing: texts, which are not null. */
struct listing {
    slice texts[TEXTS_MAX];
    size_t number; /* from 0 on */
};

static err_t foreign(struct arena *a, const char *kind, slice name)
{
    return err_make(a, ERR_CORRUPT, "the database has the %s '" SLICE_FMT "', which this store does not make", kind,
                    SLICE_ARG(name));
}

static void chunkp(duckdb_data_chunk *c)
{
    duckdb_destroy_data_chunk(c);
}

static void resultp(duckdb_result *r)
{
    duckdb_destroy_result(r);
}

static err_t visit_chunk(duckdb_data_chunk chunk, err_t (*visit)(void *arg, const struct listing *, struct arena *a),
                         void *arg, size_t *number, struct arena *a)
{
    for (size_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
        struct listing l = { .number = (*number)++ };
        for (size_t i = 0; i < duckdb_data_chunk_get_column_count(chunk) && i < TEXTS_MAX; i++) {
            duckdb_string_t *texts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
            l.texts[i] = (slice){ duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row]) };
        }
        TRY(visit(arg, &l, a));
    }
    return NULL;
}

/* sql: of columns that are texts and not null. *ret_count: how many rows there are. */
static err_t list(duckdb_connection connection, const char *sql,
                  err_t (*visit)(void *arg, const struct listing *, struct arena *a), void *arg, struct arena *a,
                  size_t *ret_count)
{
    SCOPED(resultp) duckdb_result result = { 0 };
    size_t number = 0;
    if (duckdb_query(connection, sql, &result) == DuckDBError) /* what it lists was read as the file was opened */
        return err_because(a, err_library(a, "DuckDB", duckdb_result_error(&result)), ERR_UNAVAILABLE,
                           "the tables cannot be listed");
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result));) {
        SCOPED(chunkp) duckdb_data_chunk held = chunk;
        TRY(visit_chunk(chunk, visit, arg, &number, a));
    }
    *ret_count = number;
    return NULL;
}

/* ---- tables ---- */

static const char *const tables[] = { "about", "fields", "files", LINES_TABLE };

static err_t refuse_view(void *unused, const struct listing *l, struct arena *a)
{
    (void)unused;
    return foreign(a, "view", l->texts[0]);
}

/* texts: schema, name, "true" if it has neither indexes nor constraints. */
static err_t check_table(void *unused, const struct listing *l, struct arena *a)
{
    (void)unused;
    if (l->number >= LENGTH_OF(tables) || !slice_eq(l->texts[0], S("main")) ||
        !slice_eq(l->texts[1], slice_of(tables[l->number])))
        return foreign(a, "table", l->texts[1]);
    if (!slice_eq(l->texts[2], S("true")))
        return err_make(a, ERR_CORRUPT,
                        "the table '" SLICE_FMT "' has indexes or constraints, which this store does not make",
                        SLICE_ARG(l->texts[1]));
    return NULL;
}

err_t catalog_check_tables(duckdb_connection connection, struct arena *a)
{
    size_t count = 0;
    TRY(list(connection, "SELECT view_name FROM system.main.duckdb_views()" OF_THE_FILE, refuse_view, NULL, a, &count));
    TRY(list(connection,
             "SELECT schema_name, table_name,"
             " CAST(index_count = 0 AND check_constraint_count = 0 AND has_primary_key = false AS VARCHAR)"
             " FROM system.main.duckdb_tables()" OF_THE_FILE " ORDER BY table_name",
             check_table, NULL, a, &count));
    if (count < LENGTH_OF(tables))
        return err_make(a, ERR_CORRUPT, "the database has not the table '%s', or not those after it", tables[count]);
    return NULL;
}

/* ---- columns ---- */

struct place {
    const char *table;
    slice column;
    const char *type;
};

/* The column at this place in the order of tables, and then of columns. False: there is none. */
static bool find_place(const struct column_list *columns, size_t number, struct arena *a, struct place *ret)
{
    static const char *const fixed[][3] = {
        { "about", "format", "BIGINT" },    { "fields", "position", "BIGINT" },  { "fields", "name", "VARCHAR" },
        { "fields", "type", "BIGINT" },     { "files", "file_id", "BIGINT" },    { "files", "first_row", "BIGINT" },
        { "files", "row_count", "BIGINT" }, { "files", "text_bytes", "BIGINT" }, { LINES_TABLE, ROW_NUMBER, "BIGINT" },
    };
    if (number < LENGTH_OF(fixed)) {
        *ret = (struct place){ fixed[number][0], slice_of(fixed[number][1]), fixed[number][2] };
        return true;
    }
    number -= LENGTH_OF(fixed);
    if (number >= columns->count)
        return false;
    *ret = (struct place){ LINES_TABLE, arena_printf(a, "c%zu", number), compile_type(columns->items[number].type) };
    return true;
}

/* texts: table, column, its type, "true" if it is neither computed nor has a default. */
static err_t check_column(void *arg, const struct listing *l, struct arena *a)
{
    SCRATCH(scratch);
    struct place p;
    bool is_ours = find_place(arg, l->number, &scratch, &p) && slice_eq(l->texts[0], slice_of(p.table)) &&
                   slice_eq(l->texts[1], p.column) && slice_eq(l->texts[2], slice_of(p.type)) &&
                   slice_eq(l->texts[3], S("true"));
    return is_ours ? NULL : foreign(a, "column", l->texts[1]);
}

err_t catalog_check_columns(duckdb_connection connection, const struct column_list *columns, struct arena *a)
{
    SCRATCH(scratch);
    size_t count = 0;
    struct place next;
    struct column_list copy = *columns;
    TRY(list(connection,
             "SELECT table_name, column_name, data_type, CAST(column_default IS NULL AS VARCHAR)"
             " FROM system.main.duckdb_columns()" OF_THE_FILE " ORDER BY table_name, column_index",
             check_column, &copy, a, &count));
    if (find_place(columns, count, &scratch, &next))
        return err_make(a, ERR_CORRUPT, "the table '%s' has not the column '" SLICE_FMT "', or not those after it",
                        next.table, SLICE_ARG(next.column));
    return NULL;
}

/* ---- functions ---- */

static err_t refuse_function(void *unused, const struct listing *l, struct arena *a)
{
    (void)unused;
    return foreign(a, "function", l->texts[0]);
}

err_t catalog_check_functions(duckdb_connection connection, struct arena *a)
{
    size_t count = 0;
    return list(connection, "SELECT function_name FROM system.main.duckdb_functions()" OF_THE_FILE, refuse_function,
                NULL, a, &count);
}

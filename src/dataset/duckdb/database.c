/* SPDX-License-Identifier: Apache-2.0 */
/* One thread works for a database: the caller's. So there are no threads that nobody gave a priority, the rows of a scan come in their
 * order, and sums of FLOAT are the same each time. */
#include "dataset/duckdb/database.h"

#include "dataset/duckdb/catalog.h"
#include "dataset/duckdb/compile.h"
#include "dataset/duckdb/functions.h"

#include "base/buf.h"

#include <string.h>
#include <sys/stat.h>

/* ---- errors ---- */

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* DuckDB has no error of its own for a full disk: its text ends in that of the system. */
static enum err_code code_of_text(const char *text)
{
    static const struct {
        const char *start;
        enum err_code code;
    } kinds[] = { { "INTERRUPT ", ERR_EXPIRED },
                  { "Out of Range ", ERR_INVALID },
                  { "Conversion ", ERR_INVALID },
                  { "Out of Memory ", ERR_TOO_LARGE },
                  { "Serialization ", ERR_CORRUPT } };
    if (contains(text, "No space left on device") || contains(text, "Disk quota exceeded"))
        return ERR_NO_SPACE;
    if (contains(text, "failed to pin block") || contains(text, "could not allocate block"))
        return ERR_TOO_LARGE; /* also when another error wraps it */
    if (contains(text, "checksum") || contains(text, "orrupt") || contains(text, "Could not read"))
        return ERR_CORRUPT;
    if (contains(text, FUNCTION_IS_LATE))
        return ERR_EXPIRED;
    if (contains(text, FUNCTION_HAS_NO_ROOM))
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < LENGTH_OF(kinds); i++)
        if (strncmp(text, kinds[i].start, strlen(kinds[i].start)) == 0)
            return kinds[i].code;
    return ERR_UNAVAILABLE;
}

err_t database_error_of_text(struct arena *a, const char *text)
{
    slice first_line, rest;
    slice_cut(slice_of(text ? text : "no text"), '\n', &first_line, &rest);
    enum err_code code = code_of_text(text ? text : "");
    const char *words = code == ERR_NO_SPACE    ? "the disk of the rows is full"
                        : code == ERR_TOO_LARGE ? "the rows take more memory than they may"
                        : code == ERR_EXPIRED   ? "the rows took too long"
                        : code == ERR_CORRUPT   ? "the rows are damaged"
                        : code == ERR_INVALID   ? "a value does not fit"
                                                : "the store of the rows does not do its work";
    return err_because(a, err_library(a, "DuckDB", arena_cstr(a, first_line)), code, "%s", words);
}

err_t database_error(struct arena *a, duckdb_result *result)
{
    return database_error_of_text(a, duckdb_result_error(result));
}

/* ---- statements ---- */

static void prepared_destroyp(duckdb_prepared_statement *s)
{
    duckdb_destroy_prepare(s);
}

err_t database_run(duckdb_connection connection, const char *sql, struct database_numbers parameters, struct arena *a,
                   duckdb_result *ret)
{
    SCOPED(prepared_destroyp) duckdb_prepared_statement statement = NULL;
    if (duckdb_prepare(connection, sql, &statement) == DuckDBError)
        return database_error_of_text(a, duckdb_prepare_error(statement));
    for (size_t i = 0; i < parameters.count; i++)
        duckdb_bind_int64(statement, i + 1, parameters.values[i]);
    if (duckdb_execute_prepared(statement, ret) == DuckDBError) {
        err_t e = database_error(a, ret);
        duckdb_destroy_result(ret);
        return e;
    }
    return NULL;
}

err_t database_exec(duckdb_connection connection, const char *sql, struct database_numbers parameters, struct arena *a)
{
    duckdb_result result;
    TRY(database_run(connection, sql, parameters, a, &result));
    duckdb_destroy_result(&result);
    return NULL;
}

/* The values of a column of a chunk, whose type was not checked when the file was made. */
err_t database_values(duckdb_result *result, duckdb_data_chunk chunk, idx_t column, duckdb_type type, struct arena *a,
                      void *ret_values)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
    uint64_t *valid = duckdb_vector_get_validity(vector);
    bool is_fit = duckdb_column_type(result, column) == type;
    for (idx_t i = 0; is_fit && valid && i < duckdb_data_chunk_get_size(chunk); i++)
        is_fit = duckdb_validity_row_is_valid(valid, i);
    if (!is_fit)
        return err_make(a, ERR_CORRUPT, "the database has values of another type than this store writes");
    *(void **)ret_values = duckdb_vector_get_data(vector);
    return NULL;
}

err_t database_get(duckdb_connection connection, const char *sql, struct database_numbers parameters, struct arena *a,
                   struct database_row *ret)
{
    SCOPED(database_result_destroyp) duckdb_result result = { 0 };
    TRY(database_run(connection, sql, parameters, a, &result));
    SCOPED(database_chunk_destroyp) duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    *ret = (struct database_row){ .found = chunk && duckdb_data_chunk_get_size(chunk) > 0 };
    for (size_t i = 0; ret->found && i < duckdb_column_count(&result); i++) {
        const int64_t *values;
        TRY(database_values(&result, chunk, i, DUCKDB_TYPE_BIGINT, a, &values));
        ret->values[i] = values[0];
    }
    return NULL;
}

/* ---- opening ---- */

static void config_destroyp(duckdb_config *c)
{
    duckdb_destroy_config(c);
}

static void set_bytes(duckdb_config config, const char *name, size_t bytes, struct arena *a)
{
    duckdb_set_config(config, name, arena_printf(a, "%zuKiB", bytes >> 10).p);
}

static void close_down(duckdb_config config, const char *path, const struct database_limits *limits, struct arena *a)
{
    static const char *const settings[][2] = { { "enable_external_access", "false" },
                                               { "autoinstall_known_extensions", "false" },
                                               { "autoload_known_extensions", "false" },
                                               { "allow_community_extensions", "false" },
                                               { "threads", "1" } };
    for (size_t i = 0; i < LENGTH_OF(settings); i++)
        duckdb_set_config(config, settings[i][0], settings[i][1]);
    set_bytes(config, "memory_limit", limits->memory_bytes, a);
    set_bytes(config, "max_temp_directory_size", limits->temp_bytes, a);
    duckdb_set_config(config, "temp_directory", arena_printf(a, "%s.tmp", path).p);
    duckdb_set_config(config, "lock_configuration", "true");
}

/* What prevents the opening and is no damage. */
static bool may_open_later(const char *text)
{
    return contains(text, "Could not set lock") || contains(text, "Cannot open file") ||
           contains(text, "Too many open files") || contains(text, "Out of Memory");
}

err_t database_open(const char *path, const struct database_limits *limits, struct arena *a, duckdb_database *ret)
{
    SCOPED(config_destroyp) duckdb_config config = NULL;
    if (duckdb_create_config(&config) == DuckDBError)
        return err_make(a, ERR_UNAVAILABLE, "DuckDB makes no configuration");
    close_down(config, path, limits, a);
    char *text = NULL;
    if (duckdb_open_ext(path, ret, config, &text) == DuckDBSuccess)
        return NULL;
    err_t e = database_error_of_text(a, text);
    enum err_code code = e->code == ERR_NO_SPACE        ? ERR_NO_SPACE
                         : text && may_open_later(text) ? ERR_UNAVAILABLE
                                                        : ERR_CORRUPT;
    duckdb_free(text);
    return err_because(a, e, code, "%s cannot be opened", path);
}

/* ---- tables ---- */

static err_t add_field(duckdb_connection connection, const struct column_list *columns, size_t position,
                       struct arena *a)
{
    SCOPED(prepared_destroyp) duckdb_prepared_statement statement = NULL;
    const struct column *column = &columns->items[position];
    if (duckdb_prepare(connection, "INSERT INTO fields VALUES ($1, $2, $3)", &statement) == DuckDBError)
        return database_error_of_text(a, duckdb_prepare_error(statement));
    duckdb_bind_int64(statement, 1, (int64_t)position);
    duckdb_bind_varchar_length(statement, 2, column->name.p, column->name.n);
    duckdb_bind_int64(statement, 3, column->type);
    SCOPED(database_result_destroyp) duckdb_result result = { 0 };
    return duckdb_execute_prepared(statement, &result) == DuckDBError ? database_error(a, &result) : NULL;
}

static err_t create_lines(duckdb_connection connection, const struct column_list *columns, struct arena *a)
{
    struct buf sql;
    buf_init(&sql, 0);
    buf_printf(&sql, "CREATE TABLE " LINES_TABLE " (" ROW_NUMBER " BIGINT");
    for (size_t i = 0; i < columns->count; i++)
        buf_printf(&sql, ", c%zu %s", i, compile_type(columns->items[i].type));
    buf_add(&sql, (slice){ ")", 2 }); /* with its NUL */
    return database_exec(connection, buf_give(&sql, a).p, NO_NUMBERS, a);
}

err_t database_create(duckdb_connection connection, const struct column_list *columns, struct arena *a)
{
    static const char *const tables[] = {
        "BEGIN TRANSACTION",
        "CREATE TABLE about (format BIGINT)",
        "CREATE TABLE fields (position BIGINT, name VARCHAR, type BIGINT)",
        "CREATE TABLE files (file_id BIGINT, first_row BIGINT, row_count BIGINT, text_bytes BIGINT)",
    };
    for (size_t i = 0; i < LENGTH_OF(tables); i++)
        TRY(database_exec(connection, tables[i], NO_NUMBERS, a));
    TRY(create_lines(connection, columns, a));
    TRY(database_exec(connection, "INSERT INTO about VALUES ($1)", NUMBERS(DATABASE_FORMAT), a));
    for (size_t i = 0; i < columns->count; i++)
        TRY(add_field(connection, columns, i, a));
    return database_exec(connection, "COMMIT", NO_NUMBERS, a);
}

err_t database_extend(duckdb_connection connection, const struct column_list *columns, size_t known, struct arena *a)
{
    TRY(database_exec(connection, "BEGIN TRANSACTION", NO_NUMBERS, a));
    for (size_t i = known; i < columns->count; i++) {
        slice sql =
            arena_printf(a, "ALTER TABLE " LINES_TABLE " ADD COLUMN c%zu %s", i, compile_type(columns->items[i].type));
        TRY(database_exec(connection, sql.p, NO_NUMBERS, a));
        TRY(add_field(connection, columns, i, a));
    }
    return database_exec(connection, "COMMIT", NO_NUMBERS, a);
}

static err_t read_format(duckdb_connection connection, struct arena *a)
{
    struct database_row row = { .found = false };
    err_t e = database_get(connection, "SELECT format FROM about", NO_NUMBERS, a, &row);
    if (e && contains(e->msg, "Catalog Error"))
        return err_because(a, e, ERR_CORRUPT, "the database has no table 'about'");
    TRY(e);
    if (!row.found || row.values[0] < 1)
        return err_make(a, ERR_CORRUPT, "the database does not say which format it has");
    if (row.values[0] > DATABASE_FORMAT)
        return err_make(a, ERR_UNSUPPORTED, "a newer version of this program wrote the database (format %lld)",
                        (long long)row.values[0]);
    return NULL;
}

static slice text_of(duckdb_string_t *s)
{
    return (slice){ duckdb_string_t_data(s), duckdb_string_t_length(*s) };
}

static err_t read_fields(duckdb_connection connection, struct arena *a, struct column_list *ret)
{
    SCOPED(database_result_destroyp) duckdb_result result = { 0 };
    TRY(database_run(connection, "SELECT position, name, type FROM fields ORDER BY position", NO_NUMBERS, a, &result));
    ret->items = arena_array(a, struct column, COLUMNS_MAX);
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result));) {
        SCOPED(database_chunk_destroyp) duckdb_data_chunk held = chunk;
        const int64_t *positions, *types;
        duckdb_string_t *names;
        TRY(database_values(&result, chunk, 0, DUCKDB_TYPE_BIGINT, a, &positions));
        TRY(database_values(&result, chunk, 1, DUCKDB_TYPE_VARCHAR, a, &names));
        TRY(database_values(&result, chunk, 2, DUCKDB_TYPE_BIGINT, a, &types));
        for (size_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
            if (ret->count == COLUMNS_MAX || positions[i] != (int64_t)ret->count || types[i] < 0 ||
                types[i] >= COLUMN_TYPE_COUNT)
                return err_make(a, ERR_CORRUPT, "the columns of the database are not those of a dataset");
            ret->items[ret->count++] =
                (struct column){ .name = arena_copy(a, text_of(&names[i])), .type = (enum column_type)types[i] };
        }
    }
    return NULL;
}

err_t database_read_contents(duckdb_connection connection, struct arena *a, struct database_contents *ret)
{
    struct database_row sums;
    struct database_contents contents = { 0 };
    TRY(catalog_check_tables(connection, a));
    TRY(read_format(connection, a));
    TRY(read_fields(connection, a, &contents.columns));
    TRY(catalog_check_columns(connection, &contents.columns, a));
    TRY(database_get(connection,
                     "SELECT CAST(coalesce(sum(row_count), 0) AS BIGINT), CAST(coalesce(sum(text_bytes), 0) AS BIGINT),"
                     " count(*) - count(DISTINCT file_id), coalesce(max(first_row + row_count - 1), 0) FROM files",
                     NO_NUMBERS, a, &sums));
    contents.rows = sums.values[0];
    contents.text_bytes = (uint64_t)sums.values[1];
    if (sums.values[2] || sums.values[3] != contents.rows)
        return err_make(a, ERR_CORRUPT,
                        "files were added to the database twice: beside it was the log of another time, or of another"
                        " database");
    *ret = contents;
    return NULL;
}

err_t database_verify(duckdb_connection connection, const struct database_contents *contents, struct arena *a)
{
    int64_t n = contents->rows;
    struct database_row row;
    struct buf sql;
    TRY(database_get(connection,
                     "SELECT count(*), coalesce(min(" ROW_NUMBER "), 0), coalesce(max(" ROW_NUMBER
                     "), 0), CAST(coalesce(sum(" ROW_NUMBER "), 0) AS BIGINT) FROM " LINES_TABLE,
                     NO_NUMBERS, a, &row));
    const int64_t *is = row.values;
    if (is[0] != n || is[1] != (n ? 1 : 0) || is[2] != n || is[3] != n * (n + 1) / 2)
        return err_make(a, ERR_CORRUPT, "%lld rows are recorded, and %lld are there, numbered from %lld to %lld",
                        (long long)n, (long long)is[0], (long long)is[1], (long long)is[2]);
    buf_init(&sql, 0); /* a hash needs every value */
    buf_printf(&sql, "SELECT count(hash(" ROW_NUMBER);
    for (size_t i = 0; i < contents->columns.count; i++)
        buf_printf(&sql, ", c%zu", i);
    slice end = S(")) FROM " LINES_TABLE);
    buf_add(&sql, (slice){ end.p, end.n + 1 });
    return database_get(connection, buf_give(&sql, a).p, NO_NUMBERS, a, &row);
}

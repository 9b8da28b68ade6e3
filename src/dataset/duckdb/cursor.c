/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a query, a chunk at a time: DuckDB computes the next one when the last one was read, so a cursor takes little memory
 * however long its result is. Texts are borrowed from the chunk.
 *
 * The rows that a query sees are those up to the number that was the newest when it began. A condition on the number of the row
 * would say so, but DuckDB would read all numbers for it. So the query has a transaction, which begins with its preparation; only if a
 * commit came in between, it is prepared again with that condition. */
#include "dataset/duckdb/duckdb_store_priv.h"

#include "dataset/duckdb/compile.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_AT_ONCE 8192

struct duckdb_cursor {
    struct dataset_cursor cursor;
    struct duckdb_store *store;
    struct database *database;
    duckdb_connection connection;
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_data_chunk chunk; /* NULL: the next one has not been asked for */
    size_t chunk_rows, at;   /* `at` rows of the chunk were handed out */
    enum column_type *types; /* of the items */
    size_t item_count;
    struct cell *cells; /* CELLS_AT_ONCE, or those of one row */
    int64_t deadline_ms;
    struct watched watched;
    uint64_t commits; /* of the database, when newest_row was the newest */
    bool has_later;   /* newest_row is not the newest of the table */
    size_t missing_columns;
    bool is_watched, is_at_end;
};

static struct duckdb_cursor *cursor_of(struct dataset_cursor *cursor)
{
    return CONTAINER_OF(cursor, struct duckdb_cursor, cursor);
}

/* ---- parameters ---- */

static void bind_decimal(duckdb_prepared_statement s, idx_t i, decimal_t value)
{
    duckdb_hugeint huge = { .lower = (uint64_t)value, .upper = (int64_t)(value >> 64) };
    duckdb_bind_decimal(s, i, (duckdb_decimal){ .width = 18, .scale = DECIMAL_PLACES, .value = huge });
}

static void bind_parameter(duckdb_prepared_statement s, idx_t i, const struct compiled_parameter *p)
{
    const struct cell *v = &p->value;
    if (v->is_null) {
        duckdb_bind_null(s, i);
        return;
    }
    switch (p->type) {
    case COLUMN_STRING:
    case COLUMN_JSON:
        duckdb_bind_varchar_length(s, i, v->text.p ? v->text.p : "", v->text.n);
        break;
    case COLUMN_BOOL:
        duckdb_bind_boolean(s, i, v->boolean);
        break;
    case COLUMN_FLOAT:
        duckdb_bind_double(s, i, v->real);
        break;
    case COLUMN_DECIMAL:
        bind_decimal(s, i, v->decimal);
        break;
    case COLUMN_DATE:
        duckdb_bind_date(s, i, (duckdb_date){ (int32_t)v->integer });
        break;
    case COLUMN_DATETIME:
        duckdb_bind_timestamp(s, i, (duckdb_timestamp){ v->integer * 1000000 });
        break;
    case COLUMN_DATETIME64:
        duckdb_bind_timestamp(s, i, (duckdb_timestamp){ v->integer });
        break;
    default:
        if (column_type_is_unsigned(p->type)) {
            duckdb_bind_uint64(s, i, v->natural);
        } else {
            assert(column_type_is_signed(p->type));
            duckdb_bind_int64(s, i, v->integer);
        }
        break;
    }
}

/* ---- cells ---- */

static decimal_t wide_decimal(const duckdb_hugeint *v)
{
    return (decimal_t)v->upper * ((decimal_t)1 << 64) + v->lower;
}

static struct cell read_value(enum column_type type, const void *values, size_t row)
{
    switch (type) {
    case COLUMN_STRING:
    case COLUMN_JSON: {
        duckdb_string_t *text = &((duckdb_string_t *)(uintptr_t)values)[row];
        return (struct cell){ .text = { duckdb_string_t_data(text), duckdb_string_t_length(*text) } };
    }
    case COLUMN_BOOL:
        return (struct cell){ .boolean = ((const bool *)values)[row] };
    case COLUMN_INT8:
        return (struct cell){ .integer = ((const int8_t *)values)[row] };
    case COLUMN_INT16:
        return (struct cell){ .integer = ((const int16_t *)values)[row] };
    case COLUMN_INT32:
    case COLUMN_DATE:
        return (struct cell){ .integer = ((const int32_t *)values)[row] };
    case COLUMN_INT64:
    case COLUMN_DATETIME64:
        return (struct cell){ .integer = ((const int64_t *)values)[row] };
    case COLUMN_DATETIME:
        return (struct cell){ .integer = ((const int64_t *)values)[row] / 1000000 };
    case COLUMN_UINT8:
        return (struct cell){ .natural = ((const uint8_t *)values)[row] };
    case COLUMN_UINT16:
        return (struct cell){ .natural = ((const uint16_t *)values)[row] };
    case COLUMN_UINT32:
        return (struct cell){ .natural = ((const uint32_t *)values)[row] };
    case COLUMN_UINT64:
        return (struct cell){ .natural = ((const uint64_t *)values)[row] };
    case COLUMN_FLOAT:
        return (struct cell){ .real = ((const double *)values)[row] + 0.0 }; /* makes 0 of -0 */
    case COLUMN_DECIMAL:
        return (struct cell){ .decimal = ((const int64_t *)values)[row] };
    case COLUMN_DECIMAL_SUM:
        return (struct cell){ .decimal = wide_decimal(&((const duckdb_hugeint *)values)[row]) };
    case COLUMN_ANY:
        break;
    }
    assert(!"a type of columns");
    return (struct cell){ .is_null = true };
}

static err_t read_item(struct duckdb_cursor *c, size_t item, size_t count, struct arena *a)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(c->chunk, item);
    uint64_t *valid = duckdb_vector_get_validity(vector);
    const void *values = duckdb_vector_get_data(vector);
    enum column_type type = c->types[item];
    for (size_t i = 0; i < count; i++) {
        struct cell *cell = &c->cells[i * c->item_count + item];
        if (valid && !duckdb_validity_row_is_valid(valid, c->at + i))
            *cell = (struct cell){ .is_null = true };
        else
            *cell = read_value(type, values, c->at + i);
        if (type == COLUMN_FLOAT && !cell->is_null && !isfinite(cell->real))
            return err_make(a, ERR_INVALID, "a sum is too large for its type");
    }
    return NULL;
}

/* ---- running ---- */

static err_t expired(struct arena *a)
{
    return err_make(a, ERR_EXPIRED, "the query ran too long");
}

static bool is_late(const struct duckdb_cursor *c)
{
    return clock_monotonic_ms(c->store->clock) >= c->deadline_ms;
}

static void stop_watching(struct duckdb_cursor *c)
{
    if (c->is_watched)
        watchdog_remove(&c->store->watchdog, &c->watched);
    c->is_watched = false;
}

/* The error of a query in words that do not come from DuckDB, where it is the query's own fault. */
static err_t query_error(struct duckdb_cursor *c, struct arena *a, const char *text)
{
    err_t e = database_error_of_text(a, text);
    switch (e->code) {
    case ERR_EXPIRED:
        return expired(a);
    case ERR_INVALID:
        return err_because(a, e, ERR_INVALID, "a value does not fit the type of its result");
    case ERR_TOO_LARGE:
        return err_because(a, e, ERR_TOO_LARGE, "the query needs more memory than it may have");
    default:
        return pool_named(c->database, a, e);
    }
}

static err_t prepare(struct duckdb_cursor *c, const struct row_query *q, bool has_later, struct arena *a,
                     struct compiled *ret)
{
    struct compiled_limits limits = { c->database->pool->limits.memory_bytes / 2, c->deadline_ms };
    *ret = compile_query(q, (struct compiled_rows){ c->cursor.newest_row, has_later, c->missing_columns }, limits, a);
    duckdb_destroy_prepare(&c->statement);
    if (duckdb_prepare(c->connection, ret->sql.p, &c->statement) == DuckDBError)
        return query_error(c, a, duckdb_prepare_error(c->statement));
    return NULL;
}

static bool has_changed(struct duckdb_cursor *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->database->pool->mutex);
    return c->commits % 2 || c->commits != c->database->commits;
}

static err_t execute(struct duckdb_cursor *c, const struct row_query *q, struct arena *a)
{
    struct compiled sql;
    if (duckdb_query(c->connection, "BEGIN TRANSACTION", NULL) == DuckDBError)
        return pool_named(c->database, a, err_make(a, ERR_UNAVAILABLE, "DuckDB begins no transaction"));
    TRY(prepare(c, q, c->has_later, a, &sql));
    if (!c->has_later && has_changed(c))
        TRY(prepare(c, q, true, a, &sql));
    for (size_t i = 0; i < sql.parameter_count; i++)
        bind_parameter(c->statement, i + 1, &sql.parameters[i]);
    if (is_late(c))
        return expired(a);
    if (duckdb_execute_prepared_streaming(c->statement, &c->result) == DuckDBError)
        return query_error(c, a, duckdb_result_error(&c->result));
    return NULL;
}

/* ---- statistics ---- */

/* Texts count with the average of all columns of texts. */
static uint64_t estimate_bytes(const struct database_contents *contents, const bool *used, uint64_t rows)
{
    static const unsigned char widths[COLUMN_TYPE_COUNT] = { 0, 0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 8, 8, 4, 8, 8 };
    uint64_t bytes = 0, texts = 0, used_texts = 0;
    for (size_t i = 0; i < contents->columns.count; i++) {
        enum column_type type = contents->columns.items[i].type;
        bytes += used[i] ? widths[type] : 0;
        texts += column_type_is_text(type);
        used_texts += column_type_is_text(type) && used[i];
    }
    bytes *= rows;
    if (used_texts && contents->rows)
        bytes += (uint64_t)((double)contents->text_bytes * (double)used_texts / (double)texts * (double)rows /
                            (double)contents->rows);
    return bytes;
}

/* What the query sees. */
static void take_snapshot(struct duckdb_cursor *c, const struct row_query *q, struct arena *a)
{
    struct database *d = c->database;
    bool *used = row_query_used_columns(q, a);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    size_t known = d->contents.columns.count;
    c->missing_columns = q->columns->count > known ? q->columns->count - known : 0;
    int64_t newest = d->contents.rows;
    if (q->up_to_row && q->up_to_row < newest)
        newest = q->up_to_row;
    c->has_later = newest < d->contents.rows;
    c->commits = d->commits;
    c->cursor.newest_row = newest;
    c->cursor.rows_read = (uint64_t)newest;
    c->cursor.bytes_read = estimate_bytes(&d->contents, used, (uint64_t)newest);
    d->cursors++;
}

/* ---- the calls ---- */

static void free_cursor(struct duckdb_cursor *c, err_t e)
{
    stop_watching(c);
    duckdb_destroy_data_chunk(&c->chunk);
    duckdb_destroy_result(&c->result);
    duckdb_destroy_prepare(&c->statement);
    duckdb_disconnect(&c->connection);
    pool_release_database(c->database, e);
    free(c->types);
    free(c->cells);
    free(c);
}

static void forget_cursor(struct database *d)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    d->cursors--;
}

static err_t start_cursor(struct duckdb_cursor *c, const struct row_query *q, struct arena *a)
{
    TRY(duckdb_store_connect(c->database, a, &c->connection));
    if (c->deadline_ms < INT64_MAX) {
        c->watched = (struct watched){ .connection = c->connection, .deadline_ms = c->deadline_ms };
        if (!watchdog_add(&c->store->watchdog, &c->watched))
            return err_make(a, ERR_UNAVAILABLE, "there is no thread that could stop the query");
        c->is_watched = true;
    }
    return execute(c, q, a);
}

static struct duckdb_cursor *make_cursor(struct duckdb_store *s, struct database *d, const struct row_query *q)
{
    struct duckdb_cursor *c = must_malloc(sizeof *c);
    *c = (struct duckdb_cursor){
        .cursor.ops = &duckdb_store_ops, .store = s, .database = d, .item_count = q->item_count
    };
    c->types = must_malloc(q->item_count * sizeof *c->types);
    for (size_t i = 0; i < q->item_count; i++)
        c->types[i] = q->items[i].type;
    c->cells = must_malloc(CELLS_AT_ONCE * sizeof *c->cells);
    return c;
}

err_t duckdb_run_query(struct dataset_store *store, int64_t id, const struct row_query *q, int64_t limit_ms,
                       struct arena *a, struct dataset_cursor **ret_cursor)
{
    struct duckdb_store *s = duckdb_store_of(store);
    struct database *d;
    int64_t deadline_ms = limit_ms ? clock_monotonic_ms(s->clock) + limit_ms : INT64_MAX;
    assert(q->item_count >= 1 && q->item_count <= ROW_ITEMS_MAX);
    TRY(pool_acquire(&s->pool, id, a, &d));
    struct duckdb_cursor *c = make_cursor(s, d, q);
    c->deadline_ms = deadline_ms;
    take_snapshot(c, q, a);
    err_t e = start_cursor(c, q, a);
    if (e) {
        forget_cursor(d);
        free_cursor(c, e);
        return e;
    }
    *ret_cursor = &c->cursor;
    return NULL;
}

static err_t fetch_chunk(struct duckdb_cursor *c, struct arena *a)
{
    duckdb_destroy_data_chunk(&c->chunk);
    c->chunk = duckdb_fetch_chunk(c->result);
    c->at = 0;
    c->chunk_rows = c->chunk ? duckdb_data_chunk_get_size(c->chunk) : 0;
    const char *text = duckdb_result_error(&c->result);
    if (text && *text)
        return query_error(c, a, text);
    c->is_at_end = !c->chunk_rows;
    if (c->is_at_end)
        stop_watching(c);
    return NULL;
}

err_t duckdb_next_rows(struct dataset_cursor *cursor, struct arena *a, const struct cell **ret_cells, size_t *ret_count)
{
    struct duckdb_cursor *c = cursor_of(cursor);
    if (is_late(c))
        return expired(a);
    if (c->at == c->chunk_rows && !c->is_at_end)
        TRY(fetch_chunk(c, a));
    size_t left = c->chunk_rows - c->at, most = CELLS_AT_ONCE / c->item_count;
    size_t count = left < most ? left : most;
    for (size_t i = 0; count && i < c->item_count; i++)
        TRY(read_item(c, i, count, a));
    c->at += count;
    *ret_cells = c->cells;
    *ret_count = count;
    return NULL;
}

void duckdb_close_cursor(struct dataset_cursor *cursor)
{
    if (!cursor)
        return;
    forget_cursor(cursor_of(cursor)->database);
    free_cursor(cursor_of(cursor), NULL);
}

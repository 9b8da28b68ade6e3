/* SPDX-License-Identifier: Apache-2.0 */
/* Adds the rows of a file in one transaction: chunks of rows, column by column, go to an appender; the commit adds the
 * record of the file. DuckDB keeps the rows of a transaction in row groups, which it writes to blocks of the file that nothing refers
 * to before the commit; so the memory that a file takes does not grow with it.
 *
 * Durable  DuckDB flushes its log before a commit returns, or, for large files, the blocks and then the header of the database. It
 *          does not flush the entry of a log that it has just made in DIR: we do. */
#include "dataset/duckdb/duckdb_store_priv.h"

#include "dataset/duckdb/compile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* DuckDB works with 2048 rows at a time, whose texts must be in memory together: rows with very long texts do not fit (TOO_LARGE).
 * The texts of a chunk, and what the appender holds before it passes rows on to the transaction, are memory outside of the limit of
 * DuckDB. */
#define CHUNK_TEXT_MAX ((uint64_t)4 << 20)
#define UNFLUSHED_MAX ((uint64_t)16 << 20)

struct duckdb_writer {
    struct dataset_writer writer;
    struct database *database;
    const struct column_list *columns;
    int64_t file_id, first_row;
    duckdb_connection connection;
    duckdb_appender appender;
    duckdb_data_chunk chunk;
    size_t chunk_rows;         /* so far */
    uint64_t chunk_text;       /* bytes */
    uint64_t unflushed;        /* bytes that the appender holds, about */
    uint64_t rows, text_bytes; /* of the file, so far */
    bool failed;
};

/* Whatever went wrong: the database is opened anew, so that what it has in memory is what is on the disk. */
static const struct err writer_failed = { .code = ERR_UNAVAILABLE, .msg = "rows could not be added" };

static struct duckdb_writer *writer_of(struct dataset_writer *writer)
{
    return CONTAINER_OF(writer, struct duckdb_writer, writer);
}

/* ---- chunks ---- */

static duckdb_logical_type logical_type(enum column_type type)
{
    static const duckdb_type types[COLUMN_TYPE_COUNT] = {
        [COLUMN_STRING] = DUCKDB_TYPE_VARCHAR,
        [COLUMN_JSON] = DUCKDB_TYPE_VARCHAR,
        [COLUMN_BOOL] = DUCKDB_TYPE_BOOLEAN,
        [COLUMN_INT8] = DUCKDB_TYPE_TINYINT,
        [COLUMN_INT16] = DUCKDB_TYPE_SMALLINT,
        [COLUMN_INT32] = DUCKDB_TYPE_INTEGER,
        [COLUMN_INT64] = DUCKDB_TYPE_BIGINT,
        [COLUMN_UINT8] = DUCKDB_TYPE_UTINYINT,
        [COLUMN_UINT16] = DUCKDB_TYPE_USMALLINT,
        [COLUMN_UINT32] = DUCKDB_TYPE_UINTEGER,
        [COLUMN_UINT64] = DUCKDB_TYPE_UBIGINT,
        [COLUMN_FLOAT] = DUCKDB_TYPE_DOUBLE,
        [COLUMN_DATE] = DUCKDB_TYPE_DATE,
        [COLUMN_DATETIME] = DUCKDB_TYPE_TIMESTAMP,
        [COLUMN_DATETIME64] = DUCKDB_TYPE_TIMESTAMP,
    };
    return type == COLUMN_DECIMAL ? duckdb_create_decimal_type(18, DECIMAL_PLACES)
                                  : duckdb_create_logical_type(types[type]);
}

static duckdb_data_chunk make_chunk(const struct column_list *columns)
{
    size_t count = columns->count + 1;
    duckdb_logical_type *types = must_malloc(count * sizeof *types);
    for (size_t i = 0; i < count; i++)
        types[i] = logical_type(i ? columns->items[i - 1].type : COLUMN_INT64);
    duckdb_data_chunk chunk = duckdb_create_data_chunk(types, count);
    for (size_t i = 0; i < count; i++)
        duckdb_destroy_logical_type(&types[i]);
    free(types);
    return chunk;
}

static void set_value(void *values, size_t row, enum column_type type, const struct cell *cell)
{
    switch (type) {
    case COLUMN_BOOL:
        ((bool *)values)[row] = cell->boolean;
        break;
    case COLUMN_INT8:
        ((int8_t *)values)[row] = (int8_t)cell->integer;
        break;
    case COLUMN_INT16:
        ((int16_t *)values)[row] = (int16_t)cell->integer;
        break;
    case COLUMN_INT32:
    case COLUMN_DATE:
        ((int32_t *)values)[row] = (int32_t)cell->integer;
        break;
    case COLUMN_INT64:
    case COLUMN_DATETIME64:
        ((int64_t *)values)[row] = cell->integer;
        break;
    case COLUMN_DATETIME:
        ((int64_t *)values)[row] = cell->integer * 1000000;
        break;
    case COLUMN_UINT8:
        ((uint8_t *)values)[row] = (uint8_t)cell->natural;
        break;
    case COLUMN_UINT16:
        ((uint16_t *)values)[row] = (uint16_t)cell->natural;
        break;
    case COLUMN_UINT32:
        ((uint32_t *)values)[row] = (uint32_t)cell->natural;
        break;
    case COLUMN_UINT64:
        ((uint64_t *)values)[row] = cell->natural;
        break;
    case COLUMN_FLOAT:
        ((double *)values)[row] = cell->real + 0.0; /* makes 0 of -0 */
        break;
    default:
        assert(type == COLUMN_DECIMAL);
        ((int64_t *)values)[row] = (int64_t)cell->decimal;
        break;
    }
}

/* Puts the cells of one column into the chunk; `cells` is that of the first row. */
static void fill_column(struct duckdb_writer *w, size_t column, const struct cell *cells, size_t count)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(w->chunk, column + 1);
    enum column_type type = w->columns->items[column].type;
    bool is_text = column_type_is_text(type);
    void *values = duckdb_vector_get_data(vector);
    uint64_t *valid = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell = &cells[i * w->columns->count];
        size_t row = w->chunk_rows + i;
        if (cell->is_null) {
            if (!valid) {
                duckdb_vector_ensure_validity_writable(vector);
                valid = duckdb_vector_get_validity(vector);
            }
            duckdb_validity_set_row_invalid(valid, row);
        } else if (is_text) {
            duckdb_vector_assign_string_element_len(vector, row, cell->text.p, cell->text.n);
        } else {
            set_value(values, row, type, cell);
        }
    }
}

static void fill_numbers(struct duckdb_writer *w, size_t count)
{
    int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(w->chunk, 0));
    for (size_t i = 0; i < count; i++)
        numbers[w->chunk_rows + i] = w->first_row + (int64_t)(w->rows + i);
}

static uint64_t text_of_row(const struct column_list *columns, const struct cell *cells, size_t row)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < columns->count; i++) {
        const struct cell *cell = &cells[row * columns->count + i];
        if (column_type_is_text(columns->items[i].type) && !cell->is_null)
            bytes += cell->text.n;
    }
    return bytes;
}

/* How many of the rows still fit into the chunk: at least one, if it is empty. *ret_text: the bytes of their texts. */
static size_t rows_that_fit(struct duckdb_writer *w, const struct cell *cells, size_t count, uint64_t *ret_text)
{
    size_t room = duckdb_vector_size() - w->chunk_rows, n = 0;
    *ret_text = 0;
    while (n < count && n < room && w->chunk_text + *ret_text < CHUNK_TEXT_MAX)
        *ret_text += text_of_row(w->columns, cells, n++);
    return n;
}

/* ---- the appender ---- */

static err_t writer_error(struct duckdb_writer *w, struct arena *a, const char *text)
{
    w->failed = true;
    err_t e = database_error_of_text(a, text);
    /* The file's rows are no query: what is wrong with them is not the caller's fault. */
    bool is_known = e->code == ERR_NO_SPACE || e->code == ERR_CORRUPT || e->code == ERR_TOO_LARGE;
    return pool_named(w->database, a, is_known ? e : err_because(a, e, ERR_UNAVAILABLE, "rows cannot be added"));
}

static err_t check_appender(struct duckdb_writer *w, duckdb_state state, struct arena *a)
{
    return state == DuckDBError ? writer_error(w, a, duckdb_appender_error(w->appender)) : NULL;
}

static err_t pass_chunk_on(struct duckdb_writer *w, struct arena *a)
{
    if (!w->chunk_rows)
        return NULL;
    duckdb_data_chunk_set_size(w->chunk, w->chunk_rows);
    TRY(check_appender(w, duckdb_append_data_chunk(w->appender, w->chunk), a));
    duckdb_data_chunk_reset(w->chunk);
    w->unflushed += w->chunk_text + w->chunk_rows * (w->columns->count + 1) * sizeof(int64_t);
    w->chunk_rows = 0;
    w->chunk_text = 0;
    if (w->unflushed >= UNFLUSHED_MAX) {
        w->unflushed = 0;
        TRY(check_appender(w, duckdb_appender_flush(w->appender), a));
    }
    return NULL;
}

err_t duckdb_add_rows(struct dataset_writer *writer, const struct cell *cells, size_t row_count, struct arena *a)
{
    struct duckdb_writer *w = writer_of(writer);
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier row of this file could not be added");
    while (row_count) {
        uint64_t text;
        size_t n = rows_that_fit(w, cells, row_count, &text);
        fill_numbers(w, n);
        for (size_t i = 0; i < w->columns->count; i++)
            fill_column(w, i, &cells[i], n);
        w->chunk_rows += n;
        w->chunk_text += text;
        w->rows += n;
        w->text_bytes += text;
        row_count -= n;
        if (w->columns->count)
            cells += n * w->columns->count;
        if (w->chunk_rows == duckdb_vector_size() || w->chunk_text >= CHUNK_TEXT_MAX)
            TRY(pass_chunk_on(w, a));
    }
    return NULL;
}

/* ---- opening and ending ---- */

static err_t reserve_writer(struct database *d, struct arena *a)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    return pool_take_write(d, a);
}

static void free_writer(struct duckdb_writer *w, err_t e)
{
    struct database *d = w->database;
    duckdb_appender_destroy(&w->appender);
    duckdb_destroy_data_chunk(&w->chunk);
    duckdb_disconnect(&w->connection); /* rolls back what was not committed */
    free(w);
    pool_let_write(d);
    pool_release_database(d, e);
}

static err_t begin_file(struct duckdb_writer *w, struct arena *a)
{
    struct database_row row;
    TRY(duckdb_store_connect(w->database, a, &w->connection));
    TRY(database_get(w->connection, "SELECT file_id FROM files WHERE file_id = $1", NUMBERS(w->file_id), a, &row));
    if (row.found)
        return err_make(a, ERR_CONFLICT, "dataset %lld has the rows of file %lld", (long long)w->database->id,
                        (long long)w->file_id);
    TRY(database_exec(w->connection, "BEGIN TRANSACTION", NO_NUMBERS, a));
    TRY(check_appender(w, duckdb_appender_create(w->connection, NULL, LINES_TABLE, &w->appender), a));
    w->chunk = make_chunk(w->columns);
    return NULL;
}

err_t duckdb_open_writer(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a,
                         struct dataset_writer **ret_writer)
{
    struct database *d;
    TRY(pool_acquire(&duckdb_store_of(store)->pool, id, a, &d));
    err_t e = reserve_writer(d, a);
    if (e) {
        pool_release_database(d, NULL);
        return e;
    }
    struct duckdb_writer *w = must_malloc(sizeof *w);
    *w = (struct duckdb_writer){ .writer.ops = &duckdb_store_ops,
                                 .database = d,
                                 .columns = &d->contents.columns,
                                 .file_id = file_id,
                                 .first_row = d->contents.rows + 1 };
    e = begin_file(w, a);
    if (e) {
        free_writer(w, e);
        return e;
    }
    *ret_writer = &w->writer;
    return NULL;
}

static err_t commit_transaction(struct duckdb_writer *w, struct arena *a)
{
    struct database *d = w->database;
    pthread_mutex_lock(&d->pool->mutex);
    d->commits++;
    pthread_mutex_unlock(&d->pool->mutex);
    err_t e = database_exec(w->connection, "COMMIT", NO_NUMBERS, a);
    if (!e)
        e = duckdb_store_sync(d, a);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->pool->mutex);
    if (!e) {
        d->contents.rows += (int64_t)w->rows;
        d->contents.text_bytes += w->text_bytes;
        d->commits++; /* after an error it stays odd until the database is opened anew */
    }
    return e;
}

static err_t commit_file(struct duckdb_writer *w, struct arena *a)
{
    TRY(pass_chunk_on(w, a));
    TRY(check_appender(w, duckdb_appender_close(w->appender), a));
    TRY(database_exec(w->connection, "INSERT INTO files VALUES ($1, $2, $3, $4)",
                      NUMBERS(w->file_id, w->first_row, (int64_t)w->rows, (int64_t)w->text_bytes), a));
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->database->files);
    return commit_transaction(w, a);
}

/* After a failed commit, only the file on the disk knows what was added: it is opened anew, and asked. */
static err_t ask_the_disk(struct pool *p, int64_t id, int64_t file_id, err_t e, struct arena *a)
{
    struct database *d;
    struct database_row row = { .found = false };
    if (pool_acquire(p, id, a, &d))
        return err_because(a, e, ERR_UNAVAILABLE, "dataset %lld does not say whether the rows were added",
                           (long long)id);
    SCOPED(database_disconnectp) duckdb_connection connection = NULL;
    err_t asked = duckdb_store_connect(d, a, &connection);
    if (!asked)
        asked = database_get(connection, "SELECT row_count FROM files WHERE file_id = $1", NUMBERS(file_id), a, &row);
    duckdb_disconnect(&connection);
    pool_release_database(d, asked);
    if (asked || row.found)
        return err_because(a, e, ERR_UNAVAILABLE, "the rows of file %lld may have been added", (long long)file_id);
    return e;
}

err_t duckdb_commit_writer(struct dataset_writer *writer, struct arena *a)
{
    struct duckdb_writer *w = writer_of(writer);
    struct database *d = w->database;
    struct pool *p = d->pool;
    int64_t id = d->id, file_id = w->file_id;
    err_t e =
        w->failed ? err_make(a, ERR_UNAVAILABLE, "an earlier row of this file could not be added") : commit_file(w, a);
    if (e && e->code != ERR_NO_SPACE && e->code != ERR_CORRUPT && e->code != ERR_TOO_LARGE)
        e = err_because(a, e, ERR_UNAVAILABLE, "rows cannot be added");
    free_writer(w, e ? &writer_failed : NULL);
    return e ? ask_the_disk(p, id, file_id, e, a) : NULL;
}

void duckdb_discard_writer(struct dataset_writer *writer)
{
    if (writer)
        free_writer(writer_of(writer), writer_of(writer)->failed ? &writer_failed : NULL);
}

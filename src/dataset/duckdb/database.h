/* SPDX-License-Identifier: Apache-2.0 */
/* One file of DuckDB: how it is opened and closed down, what its tables are, and what its errors mean.
 *
 *   about   one row: the format of the file
 *   fields  the columns of the dataset, by position: name and type, a number of enum column_type
 *   files   the files whose rows were added: id, number of its first row, number of its rows, bytes of its texts
 *   lines   the rows: their number r, and c0, c1 … */
#ifndef CAIS_DATASET_DUCKDB_DATABASE_H
#define CAIS_DATASET_DUCKDB_DATABASE_H

#include "base/err.h"
#include "core/records/column.h"

#include <duckdb.h>

#define DATABASE_FORMAT 1

struct database_limits {
    size_t memory_bytes, temp_bytes;
    struct clock *clock; /* of the deadlines of queries */
};

/* Opens the file, or makes it: then it has no tables. path: ends in NUL; the text of an error names it.
 * Errors: NO_SPACE, UNAVAILABLE; CORRUPT this is no database, or a damaged one. */
MUST_USE err_t database_open(const char *path, const struct database_limits *, struct arena *a, duckdb_database *ret);
/* Makes the tables of a new database. Durable after a checkpoint. */
MUST_USE err_t database_create(duckdb_connection, const struct column_list *, struct arena *a);
/* Adds the columns from position `known` on, in one transaction. */
MUST_USE err_t database_extend(duckdb_connection, const struct column_list *, size_t known, struct arena *a);

struct database_contents {
    struct column_list columns; /* in the arena; there is room for COLUMNS_MAX */
    int64_t rows;
    uint64_t text_bytes;
};
/* Errors: CORRUPT it has not the tables that this store makes; UNSUPPORTED a newer version made it. */
MUST_USE err_t database_read_contents(duckdb_connection, struct arena *a, struct database_contents *ret);
/* Reads every row. CORRUPT: rows, files and columns do not agree, or a part of the file is damaged. */
MUST_USE err_t database_verify(duckdb_connection, const struct database_contents *, struct arena *a);

/* ---- statements ---- */

/* Runs a statement whose parameters are whole numbers. */
struct database_numbers {
    const int64_t *values;
    size_t count;
};
#define NUMBERS(...)                                                                                                   \
    ((struct database_numbers){ (const int64_t[]){ __VA_ARGS__ },                                                      \
                                sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t) })
#define NO_NUMBERS ((struct database_numbers){ NULL, 0 })
MUST_USE err_t database_run(duckdb_connection, const char *sql, struct database_numbers parameters, struct arena *a,
                            duckdb_result *ret);
MUST_USE err_t database_exec(duckdb_connection, const char *sql, struct database_numbers parameters, struct arena *a);
/* The first row of the result, whose columns are BIGINTs that are not null. */
struct database_row {
    bool found;
    int64_t values[4];
};
MUST_USE err_t database_get(duckdb_connection, const char *sql, struct database_numbers parameters, struct arena *a,
                            struct database_row *ret);

/* *ret_values: points to the first value of a column of a chunk. CORRUPT: it has another type, or a null. */
MUST_USE err_t database_values(duckdb_result *, duckdb_data_chunk, idx_t column, duckdb_type, struct arena *a,
                               void *ret_values);

/* The error of a result, and one of another kind, whose text begins with the kind in DuckDB's words. Their text is that of
 * DuckDB. NO_SPACE, CORRUPT and UNAVAILABLE; of queries also EXPIRED (interrupted), INVALID and TOO_LARGE. */
err_t database_error(struct arena *a, duckdb_result *result);
err_t database_error_of_text(struct arena *a, const char *text);

static inline void database_result_destroyp(duckdb_result *r)
{
    duckdb_destroy_result(r);
}
static inline void database_chunk_destroyp(duckdb_data_chunk *c)
{
    duckdb_destroy_data_chunk(c);
}
static inline void database_disconnectp(duckdb_connection *c)
{
    duckdb_disconnect(c);
}

#endif

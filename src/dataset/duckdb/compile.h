/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a query as a statement of DuckDB. This is pure text work: it needs no database. */
#ifndef CAIS_DATASET_DUCKDB_COMPILE_H
#define CAIS_DATASET_DUCKDB_COMPILE_H

#include "base/arena.h"
#include "core/records/row_query.h"

/* $1, $2 … of the statement. */
struct compiled_parameter {
    enum column_type type;
    struct cell value;
};

struct compiled {
    slice sql; /* ends in a NUL */
    struct compiled_parameter *parameters;
    size_t parameter_count;
};

/* The tables of a database. The rows have a hidden number, r, and the columns c0, c1 … in the order of the dataset. */
#define LINES_TABLE "lines"
#define ROW_NUMBER "r"

/* The type of a column in the database. */
const char *compile_type(enum column_type type);
/* What exists for the query: the rows up to this number. */
struct compiled_rows {
    int64_t newest;
    bool has_later;         /* the table may have rows after it, which must be left out */
    size_t missing_columns; /* how many of the query's columns, the last ones, the table lacks: they are null */
};
/* What the functions of functions.h may do. */
struct compiled_limits {
    uint64_t room_bytes; /* for the texts of a chunk: what all functions make together, and what the result has */
    int64_t deadline_ms; /* of clock_monotonic_ms */
};
/* Everything lives in `a`. The text follows from the shape of the query alone: columns are named by position, and each value is a
 * parameter. A cell of the result has the type of its item, in the form of compile_type; behind the items there may be one column more. */
struct compiled compile_query(const struct row_query *, struct compiled_rows, struct compiled_limits, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a file of DuckDB has in its catalog, compared with what this store makes. A file may come from a backup that somebody else
 * made: a view computes whatever it likes when it is read as a table, and values of other types would be read as what they are not.
 * Each error is CORRUPT, and names what does not belong there. */
#ifndef CAIS_DATASET_DUCKDB_CATALOG_H
#define CAIS_DATASET_DUCKDB_CATALOG_H

#include "base/err.h"
#include "core/records/column.h"

#include <duckdb.h>

/* The tables, which have no indexes and constraints, and no views. Before anything is read from the tables. */
MUST_USE err_t catalog_check_tables(duckdb_connection, struct arena *a);
/* The columns of all tables; those of the rows are these. */
MUST_USE err_t catalog_check_columns(duckdb_connection, const struct column_list *, struct arena *a);
/* No functions, which could replace those of DuckDB. This takes 20 ms, since DuckDB lists thousands of its own: for files
 * that come from outside. */
MUST_USE err_t catalog_check_functions(duckdb_connection, struct arena *a);

#endif

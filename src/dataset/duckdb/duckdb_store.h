/* SPDX-License-Identifier: Apache-2.0 */
/* The dataset store on DuckDB: one database file for each dataset, DIR/{id}.duckdb, and beside it the write-ahead log of
 * DuckDB while there is one. Files have mode 0600. A table is opened when it is needed; of those that nobody uses, a few
 * stay open, and those that were used least recently are closed. While none is open, the store holds one descriptor, and no
 * memory to speak of.
 *
 * A database is closed down when it is opened: no access to other files or extensions, and no change of its settings. The
 * text of a statement follows from the shape of a query alone; names and values of a request never become a part of it.
 *
 * Work is done on the thread of the caller. The store has one thread of its own, from the first query with a time limit on, which
 * stops queries that run too long. */
#ifndef CAIS_DATASET_DUCKDB_DUCKDB_STORE_H
#define CAIS_DATASET_DUCKDB_DUCKDB_STORE_H

#include "base/clock.h"
#include "core/store/dataset_store.h"

/* 0 in each member: the default. */
struct dataset_duckdb_options {
    size_t
        memory_bytes; /* that a database may use; 128 MiB. A query that needs more than this and temp_bytes is TOO_LARGE */
    size_t temp_bytes; /* of temporary files in DIR that a database may use besides; 1 GiB */
    int open_max;      /* databases that stay open while nobody uses them; 2 */
};

/* Opens the store; makes DIR (not its parents), with mode 0700, when it is missing. Opens no database. Only one store may be
 * open for a DIR at a time: the caller holds a lock. options may be NULL; clock is borrowed, and the time that a query may
 * take follows it.
 * Errors: those of dataset_store.h; FORBIDDEN DIR is not writable; NOT_FOUND DIR has no parent; UNSUPPORTED the program was
 * built without DuckDB (-Ddatasets=disabled). */
MUST_USE err_t dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                                   struct arena *a, struct dataset_store **ret_store);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_DATASET_DUCKDB_DUCKDB_STORE_PRIV_H
#define CAIS_DATASET_DUCKDB_DUCKDB_STORE_PRIV_H

#include "dataset/duckdb/duckdb_store.h"
#include "dataset/duckdb/pool.h"
#include "dataset/duckdb/watchdog.h"

struct duckdb_store {
    struct dataset_store store;
    struct clock *clock;
    struct pool pool;
    struct watchdog watchdog;
};

extern const struct dataset_ops duckdb_store_ops;

/* A connection of a database that was acquired. */
MUST_USE err_t duckdb_store_connect(struct database *, struct arena *a, duckdb_connection *ret);
/* Flushes the entries of DIR, and gives the files of the database their mode. */
MUST_USE err_t duckdb_store_sync(struct database *, struct arena *a);

/* writer.c */
MUST_USE err_t duckdb_open_writer(struct dataset_store *, int64_t id, int64_t file_id, struct arena *a,
                                  struct dataset_writer **ret_writer);
MUST_USE err_t duckdb_add_rows(struct dataset_writer *, const struct cell *cells, size_t row_count, struct arena *a);
MUST_USE err_t duckdb_commit_writer(struct dataset_writer *, struct arena *a);
void duckdb_discard_writer(struct dataset_writer *);

/* cursor.c */
MUST_USE err_t duckdb_run_query(struct dataset_store *, int64_t id, const struct row_query *, int64_t limit_ms,
                                struct arena *a, struct dataset_cursor **ret_cursor);
MUST_USE err_t duckdb_next_rows(struct dataset_cursor *, struct arena *a, const struct cell **ret_cells,
                                size_t *ret_count);
void duckdb_close_cursor(struct dataset_cursor *);

/* files.c */
MUST_USE err_t duckdb_define_table(struct dataset_store *, int64_t id, const struct column_list *, struct arena *a);
MUST_USE err_t duckdb_remove_table(struct dataset_store *, int64_t id, struct arena *a);
MUST_USE err_t duckdb_backup_table(struct dataset_store *, int64_t id, const char *path, struct arena *a);
MUST_USE err_t duckdb_restore_table(struct dataset_store *, int64_t id, const char *path, struct arena *a);
/* Removes what a process that was killed left behind. */
MUST_USE err_t duckdb_remove_leftovers(struct pool *, struct arena *a);

static inline struct duckdb_store *duckdb_store_of(struct dataset_store *store)
{
    return CONTAINER_OF(store, struct duckdb_store, store);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the metadata store over a database. The headers of core/store/ say what the store does. */
#ifndef CAIS_META_META_H
#define CAIS_META_META_H

#include "core/store/transaction.h"
#include "sql/sql.h"

/* Versions of the schema. The same: nothing was migrated. from 0: the database is new. */
struct meta_migration {
    int64_t from, to;
};

struct meta_options {
    size_t queue_max; /* writes that may wait; 0: 10,000 */
    size_t batch_max; /* writes in one transaction; 0: 400 */
    /* Once a transaction takes longer, no other write begins in it; in microseconds; 0: 50,000. */
    int64_t batch_time_us;
    /* No threads: the caller of meta_submit runs and commits its write itself, under a lock, and `done` is called
     * before meta_submit returns. For tests that must run the same way each time. */
    bool inline_writes;
    /* Refuse a database without records with EMPTY, and do not change it. For a directory in which other files show
     * that there were records. */
    bool must_have_records;
    bool is_damaged; /* with read_only: take it as it is, for salvage_store.h; version and schema are not compared */
    bool read_only;  /* no migrations and no committer; writes are refused with UNAVAILABLE */
    /* Called on any thread when background work (a checkpoint) fails; may be NULL. */
    void (*report_error)(void *arg, err_t e);
    void *report_error_arg;
    struct meta_migration *ret_migration; /* written by meta_open unless read_only; may be NULL */
};
/* Migrates the database to the schema of this version, one transaction for each step, and starts two threads: the
 * committer, and one that copies the write-ahead log into the database whenever the log has grown by 16 MiB (by 4 MiB
 * when it is near its limit). Above 64 MiB the committer copies the rest of the log between two batches, so that the
 * log starts again from its front.
 *
 * db      ownership moves to the store, also when an error is returned
 * Errors  those of sql.h; UNSUPPORTED when a newer version wrote the database, or when it is to be opened read_only and
 *         has an older schema */
MUST_USE err_t meta_open(struct sql_db *db, const struct meta_options *options, struct arena *a,
                         struct meta_store **ret_store);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the metadata store over a database. The headers of core/store/ say what it does. */
#ifndef CAIS_META_META_H
#define CAIS_META_META_H

#include "core/store/transaction.h"
#include "sql/sql.h"

struct meta_options {
    size_t queue_max;   /* writes that may wait; 0: 10,000 */
    size_t batch_max;   /* writes in one transaction; 0: 400 */
    bool inline_writes; /* no committer thread: a write is applied and committed by its caller, under a lock; done is
                           called before meta_submit returns. For deterministic tests */
    bool read_only;     /* no migrations, no committer; writes are refused */
    /* Told of failures of background work (checkpoints); may be NULL. */
    void (*complain)(void *arg, err_t e);
    void *complain_arg;
};
/* Migrates the database to this version's schema (one transaction a step) and starts the committer and the checkpoint
 * thread: PASSIVE whenever the log has grown by 16 MiB (4 MiB towards the end); above 64 MiB the committer copies the
 * rest between batches, so that the log starts again from its front.
 * Takes db, also on failure.
 * Errors: those of sql.h; UNSUPPORTED when the database was written by a newer version. */
MUST_USE err_t meta_open(struct sql_db *db, const struct meta_options *options, struct arena *a,
                         struct meta_store **ret_store);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Can this server do its work now? */
#ifndef CAIS_CORE_CARE_HEALTH_H
#define CAIS_CORE_CARE_HEALTH_H

#include "core/core.h"
#include "core/store/transaction.h"

/* Each error is NULL when the check passed, and lives in the arena of the call. */
struct health {
    err_t meta;          /* a read of the database */
    err_t blob;          /* asking the blob store for its free space */
    err_t free_space;    /* as `blob`; or NO_SPACE: an upload of one byte would be refused */
    bool flush_failed;   /* writes are refused until the next start (meta_flush_failed) */
    uint64_t free_bytes; /* of the blob store; only when `blob` is NULL */
    struct meta_longest longest;
};

/* Reads one row and asks the blob store, so it may block: not for a loop. */
void health_check(struct core *, struct arena *a, struct health *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this server can do its work now. */
#ifndef CAIS_CORE_CARE_HEALTH_H
#define CAIS_CORE_CARE_HEALTH_H

#include "core/core.h"

/* Each error is NULL when all is well, and lives in the arena of the call. */
struct health {
    err_t meta;          /* a read of the database */
    err_t blob;          /* a look at the blob store's free space */
    err_t space;         /* `blob`, or NO_SPACE: not even one more byte would be accepted */
    uint64_t free_bytes; /* of the blob store; only when `blob` is NULL */
};

/* Reads one row and asks the blob store for its free space: not for a loop. */
void health_check(struct core *, struct arena *a, struct health *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep removes orphans: blobs that no record names. A crash after the bytes of an upload were synced, and before its
 * row was committed, leaves one. */
#ifndef CAIS_CORE_OBJECT_SWEEP_H
#define CAIS_CORE_OBJECT_SWEEP_H

#include "core/core.h"

struct sweep_report {
    int64_t seen;            /* blobs in the store */
    int64_t young;           /* without a row, but younger than the grace, in flight, or on the garbage list */
    int64_t orphans;         /* no row names them, and none will */
    int64_t removed;         /* of the orphans */
    uint64_t orphaned_bytes; /* of all orphans */
};
/* Look at every blob, and with `remove` remove the orphans. A blob is an orphan when it is older than purge_grace_ms, no
 * upload in flight writes to it, and one snapshot taken after that has it neither as an object nor on the garbage list.
 *
 * on_orphan  called for each orphan, before it is removed; may be NULL
 * Errors     those of the stores. While a backup runs (garbage_is_held) orphans are reported and not removed. */
MUST_USE err_t sweep_run(struct core *, bool remove, void (*on_orphan)(void *arg, slice key, uint64_t size_bytes),
                         void *arg, struct arena *a, struct sweep_report *ret);

#endif

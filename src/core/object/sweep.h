/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs that no record names: what a crash between "bytes synced" and "row committed" leaves behind. */
#ifndef CAIS_CORE_OBJECT_SWEEP_H
#define CAIS_CORE_OBJECT_SWEEP_H

#include "core/core.h"

struct sweep_report {
    int64_t seen;            /* blobs in the store */
    int64_t young;           /* without a row, but younger than the grace, being written, or waiting as garbage */
    int64_t orphans;         /* proven: no row names them and none will */
    int64_t removed;         /* of those */
    uint64_t orphaned_bytes; /* in orphans */
};
/* Look at every blob; with `remove`, remove the proven orphans. A blob is one when it is older than purge_grace_ms, no
 * upload under way writes to it, and one snapshot taken after that knows it neither as an object nor as garbage.
 *
 * on_orphan  told of each orphan, before it is removed; may be NULL
 * Errors     those of the stores. A backup that runs (garbage_is_held) stops removal, not the look. */
MUST_USE err_t sweep_run(struct core *, bool remove, void (*on_orphan)(void *arg, slice key, uint64_t size_bytes),
                         void *arg, struct arena *a, struct sweep_report *ret);

#endif

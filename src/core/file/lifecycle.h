/* SPDX-License-Identifier: Apache-2.0 */
/* The moves of a file between its states (ARCHITECTURE.md, "The states of a file", draws them). Each runs inside the
 * caller's write transaction, so that an API's own rows and the file's state change together or not at all; since
 * writes run one after the other, each is a compare-and-set: of an attach and a purge exactly one wins.
 *
 * Errors of every call: also those of core/store/transaction.h. */
#ifndef CAIS_CORE_FILE_LIFECYCLE_H
#define CAIS_CORE_FILE_LIFECYCLE_H

#include "core/core.h"
#include "core/records/file.h"

struct principal;

/* purge_at_ms of a file that stays without references: it was taken in to be kept, and attached somewhere later. */
#define FILE_KEPT INT64_MAX

/* True when its time has come: at exactly purge_at_ms it has. */
static inline bool file_is_past(const struct file *f, int64_t now_ms)
{
    return f->purge_at_ms > 0 && f->purge_at_ms <= now_ms;
}

/* Somebody takes hold of the file: STORED → READY, purge time cleared. One that is held already stays as it is. Call it
 * before the reference is added.
 * Errors: NOT_FOUND no such file, or its purge time has come, whether or not the purge came by; CONFLICT no bytes yet.
 */
MUST_USE err_t file_hold(struct meta_tx *, int64_t file_id, int64_t now_ms, struct arena *a);

/* A reference to the file was removed. If it was the last: READY → STORED, to be purged at purge_at_ms. While others
 * hold it, and for a file that was taken in to be kept, nothing changes.
 * Errors: NOT_FOUND. */
MUST_USE err_t file_release(struct meta_tx *, int64_t file_id, int64_t purge_at_ms, struct arena *a);

/* The file goes: record, usage, and its object unless another file shares it; bytes in the blob store follow after the
 * grace period. Writes the event `action` by `who` (NULL: the server itself).
 * Errors: NOT_FOUND; CONFLICT somebody holds on to it. */
MUST_USE err_t file_end(struct meta_tx *, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                        struct arena *a);

#endif

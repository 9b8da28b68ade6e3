/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of a file's state (ARCHITECTURE.md, "The states of a file"). Each runs inside the caller's write, so that the
 * caller's own rows and the state of the file change together or not at all. Since writes run one after the other, each
 * is a compare-and-set: when a task takes hold of a file and the purge removes it at once, exactly one of the two wins.
 *
 * Errors of every call: also those of core/store. Thread: the committer's. */
#ifndef CAIS_CORE_FILE_LIFECYCLE_H
#define CAIS_CORE_FILE_LIFECYCLE_H

#include "core/core.h"
#include "core/records/file.h"

struct principal;

/* purge_at_ms of a READY file that stays when its last reference goes: it was taken in to be kept, and a task took hold of
 * it later. */
#define FILE_KEPT INT64_MAX

/* Has the purge time of the file come? At exactly purge_at_ms it has. */
static inline bool file_purge_is_due(const struct file *f, int64_t now_ms)
{
    return f->purge_at_ms > 0 && f->purge_at_ms <= now_ms;
}

/* A reference to the file is about to be added: STORED becomes READY, and the purge time is cleared. A file that is READY
 * stays so.
 * Errors: NOT_FOUND no such file, or its purge time has come, whether or not the purge has run; CONFLICT the file has no
 * bytes yet. */
MUST_USE err_t file_hold(struct meta_tx *, int64_t file_id, int64_t now_ms, struct arena *a);

/* A reference to the file was removed. If it was the last one, READY becomes STORED, to be purged at purge_at_ms. A file
 * that other references hold, or that was taken in to be kept, does not change.
 * Errors: NOT_FOUND. */
MUST_USE err_t file_release(struct meta_tx *, int64_t file_id, int64_t purge_at_ms, struct arena *a);

/* Remove the record, give its room back to the account, and release its object. Writes the event `action` by `who` (NULL:
 * the server itself).
 * Errors: NOT_FOUND; CONFLICT a reference holds the file. */
MUST_USE err_t file_remove(struct meta_tx *, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                           struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a file (ARCHITECTURE.md, "The states of a file"). Other changes of its state are in hold.h. */
#ifndef CAIS_CORE_FILE_LIFECYCLE_H
#define CAIS_CORE_FILE_LIFECYCLE_H

#include "core/core.h"
#include "core/records/file.h"

struct principal;

/* Has the purge time of the file come? At exactly purge_at_ms it has. */
static inline bool file_purge_is_due(const struct file *f, int64_t now_ms)
{
    return f->purge_at_ms > 0 && f->purge_at_ms <= now_ms;
}

/* Remove the record, give its room back to the account, and release its object, inside the caller's write. Writes the event
 * `action` by `who` (NULL: the server itself).
 * Errors: NOT_FOUND; CONFLICT something holds the file; those of core/store. */
MUST_USE err_t file_remove(struct meta_tx *, int64_t file_id, int64_t now_ms, const struct principal *who, slice action,
                           struct arena *a);

/* The same by the server itself, with the event file.purge, for a file whose purge time has come and that nothing holds.
 * Errors: NOT_FOUND the file has gone, or a holder holds it now; CONFLICT something refers to the file without holding
 * it, which only a damaged store has. */
MUST_USE err_t file_remove_due(struct meta_tx *, const struct file *, int64_t now_ms, struct arena *a);

#endif

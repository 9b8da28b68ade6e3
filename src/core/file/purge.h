/* SPDX-License-Identifier: Apache-2.0 */
/* When a file is purged. A file whose purge_at_ms has passed is removed without a request:
 *
 *   STORED   came in, or lost its last holder, and nothing held it in time (intake_request.purge_after_ms; hold_remove)
 *   ISSUED   no bytes came for its ticket in time; or STORED with a ticket that was not confirmed
 *            (ticket_request.pending_ms)
 *
 * From that instant hold_add, file_get and the like treat the file as gone, whether or not the purge has run. The purge
 * removes the record, gives the room back to the account and writes the event file.purge, all in one write; the bytes
 * follow after the grace (core/object/garbage.h). Uploads in parts have a purge of their own (core/bucket/upload.h). */
#ifndef CAIS_CORE_FILE_PURGE_H
#define CAIS_CORE_FILE_PURGE_H

#include "core/core.h"
#include "core/records/file.h"

struct job_run;

/* Release the remaining holds of holders that have ended (hold_finish_ended), then purge every file that is due. While
 * a backup runs (garbage_is_held), purge none. Reports the files purged to the run (core/job.h; may be NULL) and ends
 * when it is stopping. Errors: those of the store. Thread: any. */
MUST_USE err_t file_purge_due(struct core *, struct job_run *, struct arena *a);

/* What the next purge would remove if it ran now: the first `limit` files that are due, by the time of their end. A holder that has ended may
 * release more. Errors: those of the store. */
MUST_USE err_t file_list_due(struct core *, size_t limit, struct arena *a, struct file_list *ret);

#endif

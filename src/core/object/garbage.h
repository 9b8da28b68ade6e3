/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes in the blob store are removed, and when.
 *
 *   1. An object's record goes when the last file, entry, part or composite that refers to it goes
 *      (meta_object_release). The same transaction puts its blob key on the garbage list.
 *   2. The bytes stay for the grace, core_options.purge_grace_ms, so that a download which has looked the object up can
 *      still open and read it.
 *      Its size counts in garbage_bytes of the account until then; so does that of a large composite while it is removed
 *      in pieces, or made. quota_check_disk (core/quota.h) limits them. The parts of an upload that is ended in pieces are
 *      not counted for as long as that takes.
 *   3. garbage_collect, a periodic job, then removes the bytes, and after them the key from the list. A crash in
 *      between makes it remove the same bytes twice, which is harmless.
 *   4. A backup copies the records first and the bytes after them. While one runs (garbage_hold) no bytes are removed,
 *      and no record is purged either.
 *
 * Bytes that never got a record are not garbage: sweep.h finds them. Objects that are rows need none of this: their
 * bytes go with the record. Thread: any. */
#ifndef CAIS_CORE_OBJECT_GARBAGE_H
#define CAIS_CORE_OBJECT_GARBAGE_H

#include "core/core.h"

struct job_run;
/* Remove large composites that nothing refers to any more, and those whose making was given up: piece by piece, a write for
 * each, because others wait for it. While a backup runs, none. garbage_collect calls it first. Errors: those of the store. */
MUST_USE err_t garbage_remove_composites(struct core *, struct job_run *, struct arena *a);
/* Remove the bytes whose grace is over; while a backup holds them, none. Reports the blobs removed to the run
 * (core/job.h; may be NULL) and ends when it is stopping. Errors: those of the stores. */
MUST_USE err_t garbage_collect(struct core *, struct job_run *, struct arena *a);

/* Returns now minus the grace. The grace of a blob is over if it became garbage, or was written, at that time or
 * earlier. */
int64_t garbage_grace_ended_ms(struct core *);

/* A backup begins, or ends: every hold needs one release. */
void garbage_hold(struct core *);
void garbage_release(struct core *);
/* Does a backup run, so that nothing may be removed now? */
bool garbage_is_held(struct core *);

#endif

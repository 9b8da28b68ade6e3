/* SPDX-License-Identifier: Apache-2.0 */
/* Holders of files. A holder is a record, such as a task or a comment (core/records/holders.def). While one
 * holder holds a file, the file is READY and is not purged. When the last one has released it, the file is STORED and
 * has a purge time, unless it was uploaded to be kept. ARCHITECTURE.md draws it, "The states of a file".
 *
 * A holder holds a file or it does not; it does not count how often. A holder that refers to a file in several places
 * releases it when the last of these places is gone.
 *
 * Each call runs inside the write that changes the holder's own records, so both change together or not at all. It
 * first changes the file's row, on the condition that the row is as expected. So exactly one of an attachment and a
 * purge succeeds, and of two holders that release a file at the same time the second sees that it was the last.
 *
 * Errors of every call: also those of core/store. Thread: the committer's, but for hold_finish_ended. */
#ifndef CAIS_CORE_FILE_HOLD_H
#define CAIS_CORE_FILE_HOLD_H

#include "core/file/holder.h"

struct principal;

/* The holder holds the file: STORED becomes READY without a purge time. Nothing changes when it holds the file already.
 * Errors: NOT_FOUND no such file, or its purge time has come, whether or not the purge has run; CONFLICT the file has
 * no bytes yet. */
MUST_USE err_t hold_add(struct meta_tx *, int64_t file_id, struct holder, int64_t now_ms, struct arena *a);

/* The holder releases the file. If nothing else holds it and it is not kept, it becomes STORED, to be purged at
 * purge_at_ms. It is no error when the holder does not hold the file.
 * Errors: NOT_FOUND no such file. */
MUST_USE err_t hold_remove(struct meta_tx *, int64_t file_id, struct holder, int64_t purge_at_ms, struct arena *a);

/* *ret_held: something holds the file. */
MUST_USE err_t file_is_held(struct meta_tx *, int64_t file_id, struct arena *a, bool *ret_held);

/* ---- a holder ends: it releases everything ---- */

#define HOLDS_IN_ONE_WRITE 100 /* released; other writes wait for it */

/* Holders that end in the same write. */
struct hold_ending {
    const struct principal *who; /* who removes the holders */
    int64_t now_ms;
    int64_t purge_at_ms; /* of files that nothing else holds and that are not kept */
    /* set by hold_ending_begin and holder_end: */
    size_t released;
    bool more; /* there are files left to release: call hold_finish_ended after the write */
};
/* The first call in the write, which may run twice. */
static inline void hold_ending_begin(struct hold_ending *ending)
{
    ending->released = 0;
    ending->more = false;
}

/* The holder's own records are removed in this write, and it releases its files: at most HOLDS_IN_ONE_WRITE files in
 * this write, counted over all holders that end in it. The others are still held after the write, by a holder that is
 * recorded as ended; hold_finish_ended releases them. A crash in between delays this until the next purge. */
MUST_USE err_t holder_end(struct meta_tx *, const struct holder_rules *, int64_t id, struct hold_ending *,
                          struct arena *a);

struct job_run;
/* Release the files of all holders that have ended, in one write after another, until the run (core/job.h; may be NULL)
 * is stopping. Thread: any that may block. */
MUST_USE err_t hold_finish_ended(struct core *, struct job_run *, struct arena *a);

#endif

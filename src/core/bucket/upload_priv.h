/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of uploads. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_PRIV_H
#define CAIS_CORE_BUCKET_UPLOAD_PRIV_H

#include "core/bucket/entry_priv.h"
#include "core/bucket/upload.h"

struct job_run;

/* At exactly expires_at_ms an upload has expired. */
static inline bool upload_is_expired(const struct upload *u, int64_t now_ms)
{
    return u->expires_at_ms > 0 && u->expires_at_ms <= now_ms;
}
/* Errors: UPLOAD_NOT_THERE, also when the upload has expired. */
MUST_USE err_t upload_find(struct meta_tx *, const struct upload_ref *, int64_t now_ms, struct arena *a,
                           struct upload *ret);

struct upload_ending {
    int64_t now_ms;
    const struct principal *who; /* NULL: the server itself */
    slice action;                /* of the event */
};
enum {
    UPLOAD_PARTS_AT_ONCE = 300, /* an upload with more parts is completed and ended in several writes */
    UPLOAD_PIECE = 500          /* the parts of one such write */
};
/* End the upload: give the room of its parts back to the account, write the event, and remove it and its parts. If it has
 * more than UPLOAD_PARTS_AT_ONCE parts, they stay after the write, although nobody finds the upload any more:
 * upload_finish_ended removes them. *ret_parts: how many parts were handled, at most UPLOAD_PARTS_AT_ONCE + 1. */
MUST_USE err_t upload_end(struct meta_tx *, const struct upload *, const struct upload_ending *, struct arena *a,
                          size_t *ret_parts);
/* End the uploads of a bucket; those that have expired as the purge does. *ret_more: this write has ended as many as one write
 * should, or one that upload_finish_ended has to finish; there may be others. */
MUST_USE err_t upload_end_of_bucket(struct meta_tx *, int64_t bucket_id, const struct upload_ending *, struct arena *a,
                                    bool *ret_more);
/* Remove what is left of uploads that have ended, piece by piece, until the run (core/job.h; may be NULL) is stopping. A crash
 * in between leaves the rest to the next purge. Thread: any that may block. */
MUST_USE err_t upload_finish_ended(struct core *, struct job_run *, struct arena *a);
/* "upload:NAME" */
slice upload_subject(struct arena *a, slice name);

#endif

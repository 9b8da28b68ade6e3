/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of uploads. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_PRIV_H
#define CAIS_CORE_BUCKET_UPLOAD_PRIV_H

#include "core/bucket/entry_priv.h"
#include "core/bucket/upload.h"

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
/* End the upload: remove it and its parts, give their room back to the account, write the event. *ret_parts: how many
 * parts it had. */
MUST_USE err_t upload_end(struct meta_tx *, const struct upload *, const struct upload_ending *, struct arena *a,
                          size_t *ret_parts);
/* End the expired uploads of a bucket that the purge has not ended yet. *ret_more: this write has ended as many as one
 * write should; there may be others. */
MUST_USE err_t upload_end_expired(struct meta_tx *, int64_t bucket_id, int64_t now_ms, struct arena *a, bool *ret_more);
/* "upload:NAME" */
slice upload_subject(struct arena *a, slice name);

#endif

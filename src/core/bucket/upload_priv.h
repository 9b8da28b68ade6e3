/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of uploads share. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_PRIV_H
#define CAIS_CORE_BUCKET_UPLOAD_PRIV_H

#include "core/bucket/entry_priv.h"
#include "core/bucket/upload.h"

/* Errors: NOT_FOUND, also when its time is over: at exactly expires_at_ms it is. */
MUST_USE err_t upload_find(struct meta_tx *, const struct bucket *, slice key, slice name, int64_t now_ms,
                           struct arena *a, struct upload *ret);
/* The upload goes, with its parts and what they use. Writes the event `action` by `who` (NULL: the server itself). */
MUST_USE err_t upload_end(struct meta_tx *, const struct upload *, int64_t now_ms, const struct principal *who,
                          slice action, struct arena *a, size_t *ret_parts);
/* Those of a bucket whose time is over go, although the purge has not come by: they are not there any more. ret_more:
 * as many as one write should end, and perhaps there are others. */
MUST_USE err_t upload_end_past(struct meta_tx *, int64_t bucket_id, int64_t now_ms, struct arena *a, bool *ret_more);
/* "upload:NAME" */
slice upload_subject(struct arena *a, slice name);

#endif

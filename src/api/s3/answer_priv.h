/* SPDX-License-Identifier: Apache-2.0 */
/* What XML answers share. */
#ifndef CAIS_API_S3_ANSWER_PRIV_H
#define CAIS_API_S3_ANSWER_PRIV_H

#include "api/s3/s3_priv.h"
#include "core/object/digest.h"

#define S3_LIST_MAX 1000 /* of anything, in one answer */

/* What a user is called where S3 wants a canonical id: 64 hex digits. */
slice s3_owner_id(struct arena *a, int64_t user_id);
/* <element><ID>…</ID><DisplayName>…</DisplayName></element>; the name only when it is the caller: of others only the
 * id is known. */
void s3_put_owner(struct buf *, const char *element, const struct principal *who, int64_t user_id);
/* The ETag as S3 writes it, quotes included. */
void s3_put_etag(struct buf *, slice etag);
/* ChecksumAlgorithm and ChecksumType; nothing for DIGEST_NONE. */
void s3_put_digest_kind(struct buf *, enum digest_kind, enum digest_form);
/* Names in listings: percent-encoded when encoding-type=url was asked for, with / as it is. */
void s3_put_name(struct buf *, const char *element, slice name, bool url);
/* encoding-type. Replies when it is another one. */
bool s3_encoding(struct s3_call *, bool *ret_url);
/* A parameter that must be UTF-8. Empty counts as absent. Replies otherwise. */
bool s3_text_param(struct s3_call *, const char *name, slice *ret);
/* max-keys and the like: 0..S3_LIST_MAX, more is cut to that, absent is that. Replies when it is no number. */
bool s3_count_param(struct s3_call *, const char *name, size_t *ret);

/* The document that was sent. Replies when it is none, or its root has another name. */
bool s3_document(struct s3_call *, const char *root, const struct xml **ret);
/* There are no versions but "null". Replies when another one is asked for. */
bool s3_version_is_there(struct s3_call *);
slice s3_unquoted(slice etag); /* without its quotes, if it has them */
/* The etag that a condition asks for. An empty one is no missing condition, but one that nothing meets: programs send
 * it that think they know what they replace or remove. */
slice s3_wanted_etag(slice condition);
/* A condition of a write did not hold: 412, but 404 when If-Match asked for what is not there. Reads a row, so not on
 * the committer's thread. */
void s3_fail_condition(struct s3_call *, const struct bucket *, const struct entry_condition *);
/* An empty answer. */
void s3_reply_status(struct s3_call *, int status);

#endif

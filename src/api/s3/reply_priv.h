/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that succeed, and the XML elements that several of them have. */
#ifndef CAIS_API_S3_REPLY_PRIV_H
#define CAIS_API_S3_REPLY_PRIV_H

#include "api/s3/call_priv.h"
#include "base/xml.h"

#define S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* Reply 200 with an XML document, which is copied. Returns NULL, for the operation to return. */
err_t s3_reply_xml(struct s3_call *, struct buf *document);
/* The same without a body. */
err_t s3_reply_status(struct s3_call *, int status);

slice s3_time(struct arena *a, int64_t ms); /* 2026-11-22T10:00:00.000Z */
/* A user's ID, in the form that S3 calls a canonical ID: 64 hex digits. */
slice s3_owner_id(struct arena *a, int64_t user_id);
/* <element><ID>…</ID><DisplayName>…</DisplayName></element>. Only the caller's own name is shown; of other users only
 * the ID. */
void s3_put_owner(struct buf *, const char *element, const struct principal *who, int64_t user_id);
/* <ETag>, quotes included. */
void s3_put_etag(struct buf *, slice etag);
/* A name in a listing: percent-encoded when encoding-type=url was asked for, except for slashes. */
void s3_put_name(struct buf *, const char *element, slice name, bool url);

#endif

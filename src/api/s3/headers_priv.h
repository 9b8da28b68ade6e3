/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that are kept with an object: Content-Type, Cache-Control … and x-amz-meta-*. An entry holds them as text,
 * lines of "Name: value". */
#ifndef CAIS_API_S3_HEADERS_PRIV_H
#define CAIS_API_S3_HEADERS_PRIV_H

#include "api/s3/call_priv.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"

/* Add one header (or form field) to the text, if it is one of those that are kept; others are ignored. Names are
 * compared without regard to case. *meta_bytes counts names and values of x-amz-meta-*: start with 0. */
MUST_USE err_t s3_header_keep(struct buf *text, size_t *meta_bytes, slice name, slice value, struct arena *a);
/* Refuse a header (or form field) that asks for an unsupported feature, such as encryption, storage classes, locks or
 * ACLs. */
MUST_USE err_t s3_header_check(slice name, slice value, struct arena *a);
/* The request's headers to keep, as text, and x-amz-tagging as tags text (tags_priv.h). */
MUST_USE err_t s3_headers_read(struct s3_call *, slice *ret_headers, slice *ret_tags);
/* Add the kept headers of an entry to the reply; response-* parameters override them. The content type is returned
 * and not added. */
MUST_USE err_t s3_headers_write(struct s3_call *, const struct entry *, slice *ret_content_type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters and XML documents that several operations read. */
#ifndef CAIS_API_S3_PARAMS_PRIV_H
#define CAIS_API_S3_PARAMS_PRIV_H

#include "api/s3/call_priv.h"
#include "base/xml.h"

#define S3_LIST_MAX 1000 /* items in one page of any listing */

/* encoding-type: absent or "url". */
MUST_USE err_t s3_encoding_param(struct s3_call *, bool *ret_url);
/* A parameter that must be UTF-8. Absent: *ret is empty. */
MUST_USE err_t s3_text_param(struct s3_call *, const char *name, slice *ret);
/* max-keys and the like: a number of items. More than S3_LIST_MAX, or absent: S3_LIST_MAX. */
MUST_USE err_t s3_count_param(struct s3_call *, const char *name, size_t *ret);
/* The body, an XML document whose root element has this name. */
MUST_USE err_t s3_read_document(struct s3_call *, const char *root, const struct xml **ret);
/* versionId: absent or "null", the only version that an object has. */
MUST_USE err_t s3_check_version(struct s3_call *);

#endif

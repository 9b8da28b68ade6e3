/* SPDX-License-Identifier: Apache-2.0 */
/* May the caller do this in that bucket? Every operation on a bucket or an object asks here first. */
#ifndef CAIS_API_S3_BUCKET_ACCESS_PRIV_H
#define CAIS_API_S3_BUCKET_ACCESS_PRIV_H

#include "api/s3/call_priv.h"
#include "core/bucket/bucket.h"
#include "core/records/bucket.h"

/* Get the bucket of the call, if the caller may do `action` in it. */
MUST_USE err_t s3_authorize_bucket(struct s3_call *, enum bucket_action, struct bucket *ret);
/* The same for a bucket by name. owner_header names the header that states the ID of the owner whom the caller
 * expects; listings give this ID as <Owner>. */
MUST_USE err_t s3_authorize_bucket_named(struct s3_call *, slice name, enum bucket_action, const char *owner_header,
                                         struct bucket *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* CopyObject, and the source of every copy. */
#ifndef CAIS_API_S3_COPY_PRIV_H
#define CAIS_API_S3_COPY_PRIV_H

#include "api/s3/call_priv.h"
#include "core/bucket/bucket.h"
#include "core/records/bucket.h"

/* PUT with x-amz-copy-source, once its body has been dropped. Called by s3_object_put. */
err_t s3_object_copy(struct s3_call *);
/* The source of a copy (x-amz-copy-source): its bucket, which the caller may read, and its key. */
MUST_USE err_t s3_copy_source(struct s3_call *, struct bucket *ret_bucket, slice *ret_key);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request, in every encoding (plain, aws-chunked, signed chunks, trailers), streamed or collected. */
#ifndef CAIS_API_S3_BODY_PRIV_H
#define CAIS_API_S3_BODY_PRIV_H

#include "api/s3/digests_priv.h"
#include "core/object/intake.h"

/* Length of the content in bytes: x-amz-decoded-content-length, or Content-Length; -1: unknown. */
MUST_USE err_t s3_body_length(struct s3_call *, int64_t *ret_bytes);
/* Check a body that was collected in x->req.body, and replace it by its content. */
MUST_USE err_t s3_body_check(struct s3_call *);
/* Receive the body into `intake`, then call `end(arg, e)`. e is NULL when the whole body arrived and is what was signed
 * and declared; the intake is not yet finished then. It returns e to refuse. Runs where http_sink's finish runs. */
void s3_body_receive(struct s3_call *, struct intake *intake, const struct s3_declared *,
                     err_t (*end)(struct s3_call *, void *arg, err_t e), void *arg);

#endif

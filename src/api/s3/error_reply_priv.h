/* SPDX-License-Identifier: Apache-2.0 */
/* How an exchange ends with an error: as an XML document with the code, status and text of errors.def. */
#ifndef CAIS_API_S3_ERROR_REPLY_PRIV_H
#define CAIS_API_S3_ERROR_REPLY_PRIV_H

#include "api/s3/errors_priv.h"

struct s3;
struct s3_call;

/* End the exchange with an error. */
void s3_fail(struct s3_call *, enum s3_error);
/* The same with another text than that of errors.def. */
void s3_fail_with_text(struct s3_call *, enum s3_error, slice text);
/* End the exchange with the error that e stands for: call->why if it is set, else the row of s3_of_err, but not_found
 * for ERR_NOT_FOUND. Failures of the server itself are logged. */
void s3_fail_err(struct s3_call *, err_t e, enum s3_error not_found);
/* Make an err_t that stands for this error: sets call->why, for s3_fail_err. */
err_t s3_err(struct s3_call *, enum s3_error, struct arena *a);
/* Log a failure of the server itself. */
void s3_log(struct s3 *, const struct http_exchange *, err_t e);
/* End an exchange with an error; as struct http_api's fail. */
void s3_fail_exchange(struct http_exchange *, err_t e);

#endif

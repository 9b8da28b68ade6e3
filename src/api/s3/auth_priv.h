/* SPDX-License-Identifier: Apache-2.0 */
/* Who sent a request: its signature, in a header or in the query of a link. Forms: form_check_priv.h. */
#ifndef CAIS_API_S3_AUTH_PRIV_H
#define CAIS_API_S3_AUTH_PRIV_H

#include "api/s3/call_priv.h"

/* Verify the signature: sets who, claim and key4. False: replied. */
bool s3_authenticate(struct s3_call *);
/* With verify_late: the body has this digest; verify the signature now. The error is for s3_fail_err. */
MUST_USE err_t s3_verify_body(struct s3_call *, const unsigned char sha256[SHA256_SIZE], struct arena *a);
/* The error for a fault in a signature, its scope, its chunks or its policy; adds the details that go with it. */
enum s3_error s3_sign_error(struct s3_call *, enum sign_fault, const struct sign_detail *);

#endif

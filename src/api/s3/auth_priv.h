/* SPDX-License-Identifier: Apache-2.0 */
/* Who sent a request: its signature, in a header or in the query of a link. Forms: form_check_priv.h. */
#ifndef CAIS_API_S3_AUTH_PRIV_H
#define CAIS_API_S3_AUTH_PRIV_H

#include "api/s3/call_priv.h"

/* Verify the signature: sets who, claim and key4. */
MUST_USE err_t s3_authenticate(struct s3_call *);
/* The signature is right: for a link, find the user whom it was made for; and let the request end with what admitted it. */
MUST_USE err_t s3_admit(struct s3_call *);
/* With verify_late: the body has this digest; verify the signature now. */
MUST_USE err_t s3_verify_body(struct s3_call *, const unsigned char sha256[SHA256_SIZE]);
/* The user and the secret of an access key: sets who. */
MUST_USE err_t s3_find_secret(struct s3_call *, slice access_key, slice *ret_secret);
/* The error for a fault in a signature, its scope or its chunks, with the elements that S3 shows for it. */
err_t s3_refuse_signature(struct s3_call *, enum sign_fault, const struct sign_detail *);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Links of AWS Signature Version 2, which s3cmd and old programs still make. The HMAC-SHA1 covers little more than the
 * resource and its expiry, so only GET and HEAD are accepted, and the caller must refuse what the signature does not cover
 * (sigv2_covers).
 * Source: Amazon S3 developer guide, "Signing and Authenticating REST Requests", "Query String Request Authentication
 * Alternative". */
#ifndef CAIS_SIGN_SIGV2_H
#define CAIS_SIGN_SIGV2_H

#include "sign/sign.h"

struct sigv2 {
    slice access_key; /* whose secret to look up */
    int64_t expires_at_ms;
    slice signature;
};

/* Parse AWSAccessKeyId, Expires and Signature. Faults: MALFORMED; ALGORITHM for methods other than GET and HEAD. */
MUST_USE enum sign_fault sigv2_parse(const struct sign_request *r, struct arena *a, struct sigv2 *ret,
                                     struct sign_detail *detail);
/* Does the signature cover this parameter of the query (decoded)? One that it does not cover must have no effect. */
bool sigv2_covers(slice parameter);
/* Verify the claim. At expires_at_ms exactly it has expired. Faults: EXPIRED; MISMATCH; MALFORMED escape. */
MUST_USE enum sign_fault sigv2_verify(const struct sigv2 *claim, const struct sign_request *r, slice secret,
                                      int64_t now_ms, struct arena *a, struct sign_detail *detail);
/* Make a link. *ret_query is its whole query, including that of r. Faults: MALFORMED escape. */
MUST_USE enum sign_fault sigv2_sign_link(slice access_key, slice secret, const struct sign_request *r,
                                         int64_t expires_at_s, struct arena *a, slice *ret_query);

#endif

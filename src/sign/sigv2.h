/* SPDX-License-Identifier: Apache-2.0 */
/* Links of AWS Signature Version 2, for reading only: what s3cmd and old programs still make.
 * Spec: Amazon S3 developer guide, "Signing and Authenticating REST Requests", "Query String Request Authentication
 * Alternative". HMAC-SHA1, and nothing but the resource and its expiry is bound: hence GET and HEAD only. */
#ifndef CAIS_SIGN_SIGV2_H
#define CAIS_SIGN_SIGV2_H

#include "sign/sign.h"

struct sigv2 {
    slice access_key; /* whose secret to look up */
    int64_t expires_at_ms;
    slice signature;
};

/* Read AWSAccessKeyId, Expires and Signature. Faults: MALFORMED; ALGORITHM for another method than GET and HEAD. */
MUST_USE enum sign_fault sigv2_parse(const struct sign_request *r, struct arena *a, struct sigv2 *ret,
                                     struct sign_detail *detail);
/* bucket: when the host names it (virtual-host style), else empty. At expires_at_ms exactly it has expired.
 * Faults: EXPIRED, MISMATCH, MALFORMED an escape that is none. */
MUST_USE enum sign_fault sigv2_verify(const struct sigv2 *claim, const struct sign_request *r, slice bucket,
                                      slice secret, int64_t now_ms, struct arena *a, struct sign_detail *detail);
/* The whole query of a link, that of r included. Faults: MALFORMED an escape that is none. */
MUST_USE enum sign_fault sigv2_sign_link(slice access_key, slice secret, const struct sign_request *r, slice bucket,
                                         int64_t expires_at_s, struct arena *a, slice *ret_query);

#endif

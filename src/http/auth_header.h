/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the Authorization header. Whether the credentials are valid is not checked here.
 * Spec: RFC 9110 §11.6.2 (scheme, credentials), RFC 6750 §2.1 (Bearer). */
#ifndef CAIS_HTTP_AUTH_HEADER_H
#define CAIS_HTTP_AUTH_HEADER_H

#include "base/err.h"

#define AUTH_HEADER_MAX_BYTES 8192

struct auth_header {
    slice scheme;      /* as sent, compare with auth_header_is; empty when a token was sent without a scheme */
    slice credentials; /* the rest: one token, or the parameters of schemes like AWS4-HMAC-SHA256; never empty */
};

/* Parse a header value. The slices of *ret point into it.
 *
 * Errors  EMPTY the header is absent, or is a known scheme without credentials (a Pyrus client logs in with "Bearer"
 *         alone): the request is anonymous; INVALID longer than AUTH_HEADER_MAX_BYTES, a control character, or a token
 *         (of Bearer, or without a scheme) for which bearer_token_is_valid is false */
MUST_USE err_t auth_header_parse(slice value, struct arena *a, struct auth_header *ret);

bool auth_header_is(const struct auth_header *h, slice scheme); /* in any case */

/* b64token of RFC 6750 §2.1: letters, digits, - . _ ~ + / and, only at the end, =. */
bool is_bearer_token_char(char c);
bool bearer_token_is_valid(slice token);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header, taken apart; what it proves is somebody else's business.
 * Spec: RFC 9110 §11.6.2 (scheme, credentials), RFC 6750 §2.1 (Bearer). */
#ifndef CAIS_HTTP_AUTH_HEADER_H
#define CAIS_HTTP_AUTH_HEADER_H

#include "base/err.h"

#define AUTH_HEADER_MAX_BYTES 8192

struct auth_header {
    slice scheme;      /* as sent, compare with auth_header_is; empty when a bare token came without one */
    slice credentials; /* what follows: one token, or the parameters of schemes like AWS4-HMAC-SHA256; never empty */
};

/* Read a header value. Slices point into it.
 *
 * Errors  EMPTY absent, or a known scheme and nothing behind it (a Pyrus client logs in with "Bearer" alone): the
 *         request is anonymous; INVALID longer than AUTH_HEADER_MAX_BYTES, a control character, or a token of Bearer
 *         or a bare one with characters that no token has (bearer_token_is_valid) */
MUST_USE err_t auth_header_parse(slice value, struct arena *a, struct auth_header *ret);

bool auth_header_is(const struct auth_header *h, slice scheme); /* the case does not matter */

/* The characters of RFC 6750 §2.1 b64token: letters, digits, - . _ ~ + / and = (the last only at the end). */
bool is_bearer_token_char(char c);
bool bearer_token_is_valid(slice token);

#endif

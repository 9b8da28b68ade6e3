/* SPDX-License-Identifier: Apache-2.0 */
/* Text encodings: hex, base64, percent-encoding, UUIDs, dates. Results live in the arena. */
#ifndef CAIS_BASE_TEXT_H
#define CAIS_BASE_TEXT_H

#include "base/arena.h"

slice hex_encode(struct arena *a, slice bytes);                    /* lower case */
bool hex_decode(struct arena *a, slice hex, slice *ret_bytes);     /* either case; false: not pairs of digits */
slice base64_encode(struct arena *a, slice bytes);                 /* RFC 4648 §4, padded */
bool base64_decode(struct arena *a, slice text, slice *ret_bytes); /* padded or not; no blanks */

/* Decode %XX; false: a malformed escape. `plus` also decodes + to a blank (form fields, RFC 1866 §8.2.1). */
bool percent_decode(struct arena *a, slice text, bool plus, slice *ret_bytes);
/* Encode everything but the unreserved characters of RFC 3986, and those in `keep`, as %XX in upper case. */
slice percent_encode(struct arena *a, slice bytes, const char *keep);

slice uuid_format(struct arena *a, const unsigned char uuid[16]); /* lower case, hyphens */
/* Hyphens are required; either case; braces around it are allowed. */
bool uuid_parse(slice text, unsigned char ret_uuid[16]);

/* 2026-11-21T14:04:09Z (RFC 3339), without the fraction of the second. */
slice time_format_utc(struct arena *a, int64_t ms);
/* Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 §5.6.7). */
slice time_format_http(struct arena *a, int64_t ms);
/* The same, and the two obsolete forms that every recipient must accept; two digits of a year are one of 1970 to 2069. */
bool time_parse_http(slice text, int64_t *ret_ms);
bool date_is_valid(slice text);                   /* YYYY-MM-DD and a real day */
bool time_parse_utc(slice text, int64_t *ret_ms); /* YYYY-MM-DDThh:mm:ss[.fff…]Z */
/* The same, or with an offset from UTC, ±hh:mm, in place of Z (RFC 3339, 5.6). */
bool time_parse_offset(slice text, int64_t *ret_ms);

#endif

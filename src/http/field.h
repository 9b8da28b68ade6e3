/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar that header values share. Pure functions, which copy only if an arena is passed.
 * Spec: RFC 9110 §5.6 (tokens, lists, quoted strings, parameters), RFC 3986 §3.2 and RFC 9110 §7.2 (host). */
#ifndef CAIS_HTTP_FIELD_H
#define CAIS_HTTP_FIELD_H

#include "base/arena.h"

#define HOST_MAX_BYTES 255 /* of the name or address, without the port */

bool is_token_char(char c); /* RFC 9110 §5.6.2 */
bool is_token(slice s);     /* not empty, and token characters only */
/* True when s contains a control character other than HT, so that it cannot be a header value (RFC 9110 §5.5). */
bool field_has_control(slice s);

/* Iterate over a comma-separated list: cut the next element off *rest, without blanks around it. Empty elements are
 * skipped (RFC 9110 §5.6.1.2); a comma inside a quoted string does not separate. False: no element is left.
 * Not for entity tags, in which a backslash is an ordinary character: see conditional.h. */
bool field_list_next(slice *rest, slice *ret_item);

/* The content of a quoted string; `quoted` includes both quotes, and every \x is decoded to x (RFC 9110 §5.6.4).
 * False: it is not exactly one quoted string, or it contains a control character. */
bool field_quoted_decode(slice quoted, struct arena *a, slice *ret_text);

/* Iterate over `; name=value; name="value"`. Blanks around ; and = are allowed, and empty parameters are skipped. A
 * bare value extends to the next ; and may contain any bytes (some clients send raw UTF-8 file names like that). A
 * quoted value is returned with its quotes and escapes. False: at the end; or, with `broken` set, at a parameter
 * without =, with a name that is not a token, with a quote that is not closed, or with text after the closing quote. */
struct field_params {
    slice rest;
    bool broken;
};
bool field_params_next(struct field_params *params, slice *ret_name, slice *ret_value);

/* host[:port] as in the Host header: a name, an IPv4 address, or an IPv6 address in brackets. The port may be empty
 * (RFC 3986 §3.2.3) and is at most 65535. Of the characters that RFC 3986 allows in a name, only letters, digits and
 * - . _ ~ are accepted: names in DNS have no others, and a quote or comma could mislead a reader of logs. */
bool host_is_valid(slice host);

#endif

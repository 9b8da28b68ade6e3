/* SPDX-License-Identifier: Apache-2.0 */
/* The small grammar that header values share. Pure functions; nothing is copied unless an arena is passed.
 * Spec: RFC 9110 §5.6 (tokens, lists, quoted strings, parameters), RFC 3986 §3.2 and RFC 9110 §7.2 (host). */
#ifndef CAIS_HTTP_FIELD_H
#define CAIS_HTTP_FIELD_H

#include "base/arena.h"

#define HOST_MAX_BYTES 255 /* of the name or address, without the port */

bool is_token_char(char c); /* RFC 9110 §5.6.2 */
bool is_token(slice s);     /* at least one, and nothing but token characters */
/* True when s holds a control character other than HT: such a value is never a header value (RFC 9110 §5.5). */
bool field_has_control(slice s);

/* Walk a comma list: cut the next element off *rest, blanks around it removed. Empty elements are skipped (RFC 9110
 * §5.6.1.2); a comma inside a quoted string does not separate. False when nothing is left.
 * Not for entity tags, in which a backslash is a plain character: see conditional.h. */
bool field_list_next(slice *rest, slice *ret_item);

/* The content of a quoted string, both quotes included in `quoted`; every \x becomes x (RFC 9110 §5.6.4).
 * False when it is not one quoted string from the first byte to the last, or holds a control character. */
bool field_quoted_decode(slice quoted, struct arena *a, slice *ret_text);

/* Walk `; name=value; name="value"`. Blanks around ; and = are allowed, empty parameters skipped. A bare value runs to
 * the next ; whatever it is made of (raw UTF-8 file names arrive like that); a quoted one is handed out with its
 * quotes, still escaped. False at the end, or with `broken` set when a parameter has no =, no token for a name, a quote
 * that never closes, or text behind the closing quote. */
struct field_params {
    slice rest;
    bool broken;
};
bool field_params_next(struct field_params *params, slice *ret_name, slice *ret_value);

/* host[:port] as in the Host header: a name, an IPv4 address, or an IPv6 address in brackets; the port may be empty
 * (RFC 3986 §3.2.3) and is at most 65535. Of the characters that RFC 3986 allows in a name only letters, digits and
 * - . _ ~ pass: no name in DNS has the others, and a quote or comma would only serve to confuse whoever prints it. */
bool host_is_valid(slice host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of src/sign. */
#ifndef CAIS_SIGN_SIGN_PRIV_H
#define CAIS_SIGN_SIGN_PRIV_H

#include "base/buf.h"
#include "sign/sign.h"

#define SIGN_PREFIX S("x-amz-")

/* The first value of a name. Returns how many the request has: 0, 1, or 2 for more than one. */
unsigned sign_header(const struct sign_request *r, slice name, slice *ret_value);
unsigned sign_param(const struct sign_request *r, slice name, slice *ret_raw_value);
/* Decode a name or value of a query as its reader will: + is a blank. False: a malformed escape. */
bool sign_decode(struct arena *a, slice raw, slice *ret);

/* Add a header as "name:value\n": blanks are trimmed, each run of blanks becomes one, and several values of one name are
 * joined by commas. False: the request has no such header. */
bool sign_add_header(struct buf *to, const struct sign_request *r, slice name);
void sign_sort_pairs(struct sign_pair *pairs, size_t count); /* by name, then by value, bytewise */

slice sign_lower(struct arena *a, slice s); /* ASCII letters in lower case */

/* Note what the fault is about, and return the fault. */
static inline enum sign_fault sign_because(struct sign_detail *detail, enum sign_fault fault, slice about)
{
    if (detail)
        detail->about = about;
    return fault;
}

#endif

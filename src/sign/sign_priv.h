/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of src/sign. */
#ifndef CAIS_SIGN_SIGN_PRIV_H
#define CAIS_SIGN_SIGN_PRIV_H

#include "base/buf.h"
#include "sign/sign.h"

#define SIGN_PREFIX S("x-amz-")

/* The one value of a name. How many there are: 0, 1, or 2 for more than one (*ret_value is then the first). */
unsigned sign_header(const struct sign_request *r, slice name, slice *ret_value);
unsigned sign_param(const struct sign_request *r, slice name, slice *ret_raw_value);
/* Decode a query piece as its reader will: + is a blank. */
bool sign_decode(struct arena *a, slice raw, slice *ret);

/* "name1:value1\n…": blanks trimmed, runs of them made one, several of one name joined by a comma. False: absent. */
bool sign_add_header(struct buf *to, const struct sign_request *r, slice name);
void sign_sort_pairs(struct sign_pair *pairs, size_t count); /* by name, then value, by bytes */

slice sign_lower(struct arena *a, slice s);
static inline enum sign_fault sign_because(struct sign_detail *detail, enum sign_fault fault, slice about)
{
    if (detail)
        detail->about = about;
    return fault;
}

#endif

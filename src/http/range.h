/* SPDX-License-Identifier: Apache-2.0 */
/* The Range header, for a representation whose size is known.
 * Spec: RFC 9110 §14.1.2, §14.2. If-Range is if_range_holds in conditional.h: when it does not hold, or the method is
 * not GET, there is no range: send the whole. */
#ifndef CAIS_HTTP_RANGE_H
#define CAIS_HTTP_RANGE_H

#include "base/slice.h"

enum range_kind {
    RANGE_WHOLE,         /* 200: no header, another unit, malformed, or several ranges (RFC 9110 §14.2 allows it) */
    RANGE_PART,          /* 206 */
    RANGE_UNSATISFIABLE, /* 416, Content-Range: bytes <asterisk>/size */
};

struct range {
    enum range_kind kind;
    uint64_t first, count; /* bytes to send, also when WHOLE; first + count <= size_bytes */
};

/* header: the value, empty when absent. */
struct range range_parse(slice header, uint64_t size_bytes);

#endif

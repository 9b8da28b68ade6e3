/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the Range header, for a representation whose size is known.
 * Spec: RFC 9110 §14.1.2, §14.2. When If-Range does not hold (if_range_holds in conditional.h), or the method is not
 * GET, ignore Range and send the whole representation. */
#ifndef CAIS_HTTP_RANGE_H
#define CAIS_HTTP_RANGE_H

#include "base/slice.h"

enum range_kind {
    RANGE_WHOLE,         /* 200: no header, another unit, malformed, or several ranges; RFC 9110 §14.2 allows this */
    RANGE_PART,          /* 206 */
    RANGE_UNSATISFIABLE, /* 416, Content-Range: bytes <asterisk>/size */
};

struct range {
    enum range_kind kind;
    uint64_t first, count; /* the bytes to send, also for RANGE_WHOLE; first + count <= size_bytes */
};

/* header: the value; empty when absent. */
struct range range_parse(slice header, uint64_t size_bytes);

#endif

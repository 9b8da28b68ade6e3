/* SPDX-License-Identifier: Apache-2.0 */
/* The ETag of bytes, computed while they come: their MD5 in hex, or of bytes that were uploaded in parts "MD5-PARTS", where
 * MD5 is that of the MD5s of the parts, one after the other (docs/native.md, "The object"). */
#ifndef CAIS_CLI_RUNNING_ETAG_H
#define CAIS_CLI_RUNNING_ETAG_H

#include "base/arena.h"
#include "base/hash.h"

struct running_etag {
    const int64_t *part_sizes; /* in bytes, at least 0; borrowed */
    size_t part_count;         /* 0: the bytes have no parts */
    int64_t bytes;             /* so many have come */
    struct md5 md5;            /* of them; with parts: of the MD5s of the parts that came */
    size_t part;               /* the one that is coming … */
    int64_t part_bytes;        /* … and so many bytes of it came … */
    struct md5 part_md5;       /* … with this MD5 */
};
void running_etag_init(struct running_etag *, const int64_t *part_sizes, size_t part_count);
void running_etag_update(struct running_etag *, slice bytes);
/* Without quotes, in `a`; empty: the bytes are not as many as the parts have. Only once. */
slice running_etag_final(struct running_etag *, struct arena *a);

#endif

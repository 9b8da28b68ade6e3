/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_OBJECT_H
#define CAIS_CORE_RECORDS_OBJECT_H

#include "base/hash.h"
#include "base/slice.h"

/* Immutable bytes. Inline, in the same row store as its metadata; or under blob_key in the blob store; or put together
 * from parts, which are objects themselves. */
struct object {
    int64_t id, account_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE]; /* put together: of the MD5s of its parts */
    slice blob_key;              /* empty: inline, or put together */
    slice inline_bytes;          /* only where a call says that it reads them */
    int64_t part_count;          /* 0: whole */
    int64_t created_at_ms;
};

/* One of the parts of an object, in their order. */
struct object_part {
    struct object object; /* never put together itself */
    uint64_t offset;      /* of its first byte in the whole */
};
struct object_part_list {
    struct object_part *items;
    size_t count;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ENTRY_H
#define CAIS_CORE_RECORDS_ENTRY_H

#include "base/hash.h"
#include "base/slice.h"
#include "core/records/digest.h"

/* A key in a bucket and the object it names. */
struct entry {
    int64_t bucket_id;
    slice key; /* 1..1024 bytes of UTF-8 */
    int64_t owner_id, object_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE]; /* the object's */
    int64_t part_count;          /* the object's */
    struct digest digest;        /* kind DIGEST_NONE: none was asked for */
    slice upload;                /* name of the upload that put it together; empty: put whole */
    slice headers, tags;         /* kept for the API, which alone reads them */
    int64_t modified_at_ms;
};

#endif

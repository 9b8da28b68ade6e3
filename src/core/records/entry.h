/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ENTRY_H
#define CAIS_CORE_RECORDS_ENTRY_H

#include "base/hash.h"
#include "base/slice.h"
#include "core/records/digest.h"

#define ENTRY_KEY_MAX 1024 /* bytes */

/* UTF-8 without NUL, and not too long. A record that somebody else made can have another key: no listing shows it, and fsck
 * reports it. */
static inline bool entry_key_is_valid(slice key)
{
    return key.n > 0 && key.n <= ENTRY_KEY_MAX && slice_is_utf8(key) && slice_find_byte(key, '\0') == SLICE_NONE;
}

/* A key in a bucket, and the object that it names. */
struct entry {
    int64_t bucket_id;
    slice key; /* entry_key_is_valid */
    int64_t owner_id, object_id;
    /* copies of what the object says, so that a list need not look objects up */
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    int64_t part_count;
    struct digest digest; /* kind DIGEST_NONE: the client asked for none */
    slice upload;         /* name of the upload that composed the object; empty: it was put in one piece */
    slice headers, tags;  /* core keeps them for the API and does not read them */
    int64_t modified_at_ms;
};

#endif

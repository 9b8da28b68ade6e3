/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_UPLOAD_H
#define CAIS_CORE_RECORDS_UPLOAD_H

#include "base/hash.h"
#include "base/slice.h"
#include "core/records/digest.h"

/* An upload in parts that is not completed yet. */
struct upload {
    int64_t id;
    slice name; /* random; the client's name for it */
    int64_t bucket_id;
    slice key;
    int64_t account_id, owner_id;
    slice headers, tags; /* for the entry that completing it makes */
    enum digest_kind digest;
    enum digest_form digest_form;
    int64_t created_at_ms;
    int64_t expires_at_ms; /* at this time the upload expires, with its parts */
    int64_t composite_id;  /* the composite that is being built of its parts; 0: none */
};
struct upload_list {
    struct upload *items;
    size_t count;
};

struct upload_part {
    int64_t upload_id, number; /* number: 1 to 10,000 */
    int64_t object_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    struct digest digest; /* that the upload or the request asked for */
    struct digest crc64;  /* DIGEST_CRC64NVME, if the upload asked for no digest; else DIGEST_NONE */
    int64_t stored_at_ms;
};
struct upload_part_list {
    struct upload_part *items;
    size_t count;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_OBJECT_H
#define CAIS_CORE_RECORDS_OBJECT_H

#include "base/hash.h"
#include "base/slice.h"
#include "core/records/digest.h"

/* Bytes that never change. They are in one of three places: inline, in the row itself; in the blob store, under
 * blob_key; or, for a composite, in the objects that are its parts. */
struct object {
    int64_t id, account_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE]; /* of the bytes; of a composite: of the MD5s of its parts */
    slice blob_key;              /* empty: inline, or a composite */
    slice inline_bytes;          /* read only by the calls that say so */
    slice checksums;             /* core/object/checksums.h; of a blob, only meta_object_add takes them. Empty: none */
    int64_t part_count;          /* 0: not a composite */
    int64_t created_at_ms;
};

struct object_list {
    struct object *items;
    size_t count;
};

/* How far the scrub has come in its round (core/object/scrub.h). */
struct scrub_state {
    int64_t begun_at_ms; /* 0: no round has begun */
    int64_t after_id;    /* the objects up to this id were read */
    uint64_t done_bytes; /* that were read */
    int64_t damaged;     /* objects that were found to be damaged */
    int64_t is_done;     /* there were no more objects */
};

/* One part of a composite. */
struct object_part {
    struct object object; /* never a composite itself */
    uint64_t offset;      /* of its first byte in the composite */
    struct digest digest; /* of its bytes; DIGEST_NONE: none was stored */
};
struct object_part_list {
    struct object_part *items;
    size_t count;
};

#endif

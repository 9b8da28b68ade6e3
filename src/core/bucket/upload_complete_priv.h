/* SPDX-License-Identifier: Apache-2.0 */
/* Completing an upload: what the write of a small one and the writes of a large one share. */
#ifndef CAIS_CORE_BUCKET_UPLOAD_COMPLETE_PRIV_H
#define CAIS_CORE_BUCKET_UPLOAD_COMPLETE_PRIV_H

#include "core/bucket/upload_priv.h"

struct completing {
    struct core *core;
    const struct principal *who;
    const struct complete_request *request;
    int64_t at_ms;
    struct arena *a; /* of the caller, who waits for the write */
    struct entry entry;

    /* found and worked out within the write, or for a large upload before it: */
    struct upload upload;
    struct upload_part_list came;
    struct upload_part *named; /* those of `came` that the request names */
    uint64_t came_bytes, bytes;
    struct digest digest;

    /* a large upload: */
    bool is_large;
    struct object composite; /* its id is reserved, and stands in the upload, while it is being built */
};

/* Check what the request says about the parts of c->upload, of which `parts_max` are read, and work the digest out.
 * Errors: the reasons REASON_UPLOAD_… */
MUST_USE err_t completing_check(struct completing *, struct meta_tx *, size_t parts_max, struct arena *a);
/* The MD5 of a composite, and so of its entry, is that of the MD5s of its parts. */
void completing_md5(const struct completing *, struct arena *a, unsigned char ret[MD5_SIZE]);
/* Put the entry and consume the upload. Errors: REASON_ENTRY_CONDITION; QUOTA; UNAVAILABLE the composite is not there. */
MUST_USE err_t completing_put(struct completing *, struct meta_tx *, struct arena *a);
/* The upload does not exist. If the key still has the entry that the upload made, it was completed before.
 * Errors: REASON_UPLOAD_NOT_THERE. */
MUST_USE err_t completing_find_done(struct completing *, struct meta_tx *, struct arena *a);
/* Complete a large upload; c->composite.id stands in it. */
MUST_USE err_t upload_complete_large(struct completing *, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by access.c, key.c and the cache between two checks of the same secret. */
#ifndef CAIS_CORE_ACCESS_ACCESS_PRIV_H
#define CAIS_CORE_ACCESS_ACCESS_PRIV_H

#include "base/seal.h"
#include "core/access/access.h"

enum { SIGNING_SECRET_LENGTH = 40 };

struct access_found {
    struct principal principal;
    int64_t expires_at_ms; /* 0: never */
    slice secret;          /* of a key pair that signs; else empty */
};

/* False: not there, or from another generation. */
bool access_cache_find(struct access_cache *, slice purpose, enum credential_form, const unsigned char *hash,
                       uint64_t generation, struct arena *a, struct access_found *ret);
/* generation: read before the rows were. */
void access_cache_put(struct access_cache *, slice purpose, enum credential_form, const unsigned char *hash,
                      uint64_t generation, const struct access_found *);

/* Under which hash the public half of a pair stands. */
void signing_hash(slice access_key, unsigned char ret_hash[SHA256_SIZE]);
/* Both halves of a pair. Errors: NOT_FOUND the credential is none; CORRUPT not with this master key. */
MUST_USE err_t signing_open(struct core *, struct meta_tx *, int64_t credential_id, struct arena *a,
                            slice *ret_access_key, slice *ret_secret);

#endif

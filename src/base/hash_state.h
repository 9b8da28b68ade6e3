/* SPDX-License-Identifier: Apache-2.0 */
/* A running SHA-256 or SHA-512 that outlives its process: it can be stored in a row of the database, and goes on after a
 * restart as if nothing had happened. struct md5 of md5.h is the same for MD5. The digests of hash.h are an allocation of
 * OpenSSL, which cannot be stored. */
#ifndef CAIS_BASE_HASH_STATE_H
#define CAIS_BASE_HASH_STATE_H

#include "base/arena.h"
#include "base/hash.h"

#define HASH_STATE_BLOCK_MAX 128

/* It is plain memory: it may be copied, and each call below may be followed by any other. It belongs to one thread at a
 * time. */
struct hash_state {
    enum hash_kind kind;                         /* HASH_SHA256 or HASH_SHA512 */
    uint64_t words[8];                           /* of SHA-256 the lower halves */
    uint64_t bytes;                              /* hashed so far, with those in partial */
    unsigned char partial[HASH_STATE_BLOCK_MAX]; /* the first bytes % block bytes of the next block */
};

void hash_state_init(struct hash_state *, enum hash_kind); /* HASH_SHA256 or HASH_SHA512 */
/* At most HASH_STATE_BYTES_MAX bytes in all, which nobody can send. */
#define HASH_STATE_BYTES_MAX (((uint64_t)1 << 61) - 1)
void hash_state_update(struct hash_state *, slice bytes);
/* Write the digest of the bytes so far, hash_size bytes. The state does not change. */
void hash_state_final(const struct hash_state *, unsigned char *ret_digest);

/* The state as bytes, in `a`. The form is the same on every machine and begins with its version, so that a later version of
 * the program can read it or refuse it. The last bytes that were hashed are a part of it. */
#define HASH_STATE_STORED_MAX (2 + 8 + 8 * 8 + HASH_STATE_BLOCK_MAX - 1)
slice hash_state_store(const struct hash_state *, struct arena *a);
/* False, and the state is not touched: these bytes do not have the form, with the version, a kind, a count and a length
 * that hash_state_store could have written. Changed words or bytes of the block are not noticed. */
bool hash_state_load(struct hash_state *, slice stored);

#endif

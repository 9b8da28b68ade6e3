/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: our own MD5 (md5.h), SHA-1, SHA-256 and SHA-512 of OpenSSL, and those of xxHash, which detect damage and no forgery. A running digest belongs to one thread at a time,
 * and to its process: one that can be stored is in hash_state.h. */
#ifndef CAIS_BASE_HASH_H
#define CAIS_BASE_HASH_H

#include "base/md5.h"

#define SHA1_SIZE 20
#define SHA256_SIZE 32
#define SHA512_SIZE 64
#define XXHASH64_SIZE 8
#define XXHASH3_SIZE 8
#define XXHASH128_SIZE 16
#define HASH_MAX_SIZE SHA512_SIZE

/* SHA-1 is only for protocols that require it: checksums of S3, and its signatures of version 2. */
enum hash_kind { HASH_MD5, HASH_SHA256, HASH_SHA1, HASH_SHA512, HASH_XXHASH64, HASH_XXHASH3, HASH_XXHASH128 };
size_t hash_size(enum hash_kind kind);

struct md5_crew;
struct hash; /* a running digest */
struct hash *hash_new(enum hash_kind kind);
void hash_free(struct hash *h); /* NULL is fine */
static inline void hash_freep(struct hash **h)
{
    hash_free(*h);
}
void hash_update(struct hash *h, slice bytes);
/* The same. An MD5 is computed together with those of other threads that call this at the same time (md5_crew.h). */
void hash_update_in(struct md5_crew *, struct hash *h, slice bytes);
/* Write the digest, hash_size bytes. Only hash_free may follow. */
void hash_final(struct hash *h, unsigned char *ret_digest);

void hash_md5(slice bytes, unsigned char ret_digest[MD5_SIZE]);
void hash_sha256(slice bytes, unsigned char ret_digest[SHA256_SIZE]);
void hash_sha1(slice bytes, unsigned char ret_digest[SHA1_SIZE]);
/* HMAC, RFC 2104. */
void hash_hmac_sha256(slice key, slice bytes, unsigned char ret_mac[SHA256_SIZE]);
void hash_hmac_sha1(slice key, slice bytes, unsigned char ret_mac[SHA1_SIZE]);

#endif

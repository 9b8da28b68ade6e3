/* Digests, over OpenSSL. A running digest belongs to one thread at a time. */
#ifndef CAIS_BASE_HASH_H
#define CAIS_BASE_HASH_H

#include "base/slice.h"

#define MD5_SIZE 16
#define SHA256_SIZE 32

enum hash_kind { HASH_MD5, HASH_SHA256 };

struct hash; /* running */
struct hash *hash_new(enum hash_kind kind);
void hash_free(struct hash *h); /* NULL is fine */
void hash_update(struct hash *h, slice bytes);
/* Ends it; only hash_free may follow. Writes MD5_SIZE or SHA256_SIZE bytes. */
void hash_final(struct hash *h, unsigned char *ret_digest);

void hash_md5(slice bytes, unsigned char ret_digest[MD5_SIZE]);
void hash_sha256(slice bytes, unsigned char ret_digest[SHA256_SIZE]);
void hash_hmac_sha256(slice key, slice bytes, unsigned char ret_mac[SHA256_SIZE]);

#endif

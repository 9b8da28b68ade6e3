/* SPDX-License-Identifier: Apache-2.0 */
/* Implementations of digests are looked up once per process, because OpenSSL's look-up at each call costs more than
 * hashing 1 KiB. HMAC is written out here for the same reason: HMAC() makes such a look-up at each call, and a
 * signature takes six of them. */
#include "base/hash.h"

#include "base/arena.h"
#include "base/md5_crew.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct hash {
    enum hash_kind kind;
    union {
        EVP_MD_CTX *ctx; /* of the SHAs */
        struct md5 md5;
        XXH64_state_t *xx64; /* of XXHASH64 */
        XXH3_state_t *xx3;   /* of XXHASH3 and XXHASH128 */
    };
};

static EVP_MD *fetched[HASH_SHA512 + 1]; /* not MD5; set once before the first use, then constant */

static void fetch_digests(void)
{
    fetched[HASH_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched[HASH_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched[HASH_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
    assert(fetched[HASH_SHA256] && fetched[HASH_SHA1] && fetched[HASH_SHA512]);
}

static const EVP_MD *openssl_digest(enum hash_kind kind)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_digests);
    return fetched[kind];
}

size_t hash_size(enum hash_kind kind)
{
    static const size_t sizes[] = {
        [HASH_MD5] = MD5_SIZE,
        [HASH_SHA256] = SHA256_SIZE,
        [HASH_SHA1] = SHA1_SIZE,
        [HASH_SHA512] = SHA512_SIZE,
        [HASH_XXHASH64] = XXHASH64_SIZE,
        [HASH_XXHASH3] = XXHASH3_SIZE,
        [HASH_XXHASH128] = XXHASH128_SIZE,
    };
    return sizes[kind];
}

static void begin_sha(struct hash *h)
{
    h->ctx = EVP_MD_CTX_new();
    int ok = h->ctx && EVP_DigestInit_ex2(h->ctx, openssl_digest(h->kind), NULL);
    assert(ok);
}

struct hash *hash_new(enum hash_kind kind)
{
    struct hash *h = must_malloc(sizeof *h);
    int failed = 0;
    h->kind = kind;
    switch (kind) {
    case HASH_MD5:
        md5_init(&h->md5);
        break;
    case HASH_XXHASH64:
        h->xx64 = XXH64_createState();
        failed = !h->xx64 || XXH64_reset(h->xx64, 0) != XXH_OK;
        break;
    case HASH_XXHASH3:
        h->xx3 = XXH3_createState();
        failed = !h->xx3 || XXH3_64bits_reset(h->xx3) != XXH_OK;
        break;
    case HASH_XXHASH128:
        h->xx3 = XXH3_createState();
        failed = !h->xx3 || XXH3_128bits_reset(h->xx3) != XXH_OK;
        break;
    default:
        begin_sha(h);
    }
    if (failed)
        abort(); /* no memory */
    return h;
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    if (h->kind == HASH_XXHASH64)
        XXH64_freeState(h->xx64);
    else if (h->kind == HASH_XXHASH3 || h->kind == HASH_XXHASH128)
        XXH3_freeState(h->xx3);
    else if (h->kind != HASH_MD5)
        EVP_MD_CTX_free(h->ctx);
    free(h);
}

void hash_update(struct hash *h, slice bytes)
{
    if (!bytes.n)
        return;
    switch (h->kind) {
    case HASH_MD5:
        md5_update(&h->md5, bytes);
        return;
    case HASH_XXHASH64:
        (void)XXH64_update(h->xx64, bytes.p, bytes.n);
        return;
    case HASH_XXHASH3:
        (void)XXH3_64bits_update(h->xx3, bytes.p, bytes.n);
        return;
    case HASH_XXHASH128:
        (void)XXH3_128bits_update(h->xx3, bytes.p, bytes.n);
        return;
    default:
        break;
    }
    int ok = EVP_DigestUpdate(h->ctx, bytes.p, bytes.n);
    assert(ok);
}

void hash_update_in(struct md5_crew *crew, struct hash *h, slice bytes)
{
    if (h->kind == HASH_MD5)
        md5_crew_update(crew, &h->md5, bytes);
    else
        hash_update(h, bytes);
}

/* A digest of xxHash is written as a number: most significant byte first, on every machine. */
void hash_final(struct hash *h, unsigned char *ret_digest)
{
    switch (h->kind) {
    case HASH_MD5:
        md5_final(&h->md5, ret_digest);
        return;
    case HASH_XXHASH64:
        XXH64_canonicalFromHash((XXH64_canonical_t *)ret_digest, XXH64_digest(h->xx64));
        return;
    case HASH_XXHASH3:
        XXH64_canonicalFromHash((XXH64_canonical_t *)ret_digest, XXH3_64bits_digest(h->xx3));
        return;
    case HASH_XXHASH128:
        XXH128_canonicalFromHash((XXH128_canonical_t *)ret_digest, XXH3_128bits_digest(h->xx3));
        return;
    default:
        break;
    }
    int ok = EVP_DigestFinal_ex(h->ctx, ret_digest, NULL);
    assert(ok);
}

void hash_md5(slice bytes, unsigned char ret_digest[MD5_SIZE])
{
    struct md5 m;
    md5_init(&m);
    md5_update(&m, bytes);
    md5_final(&m, ret_digest);
}

void hash_sha256(slice bytes, unsigned char ret_digest[SHA256_SIZE])
{
    int ok = EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, openssl_digest(HASH_SHA256), NULL);
    assert(ok);
}

void hash_sha1(slice bytes, unsigned char ret_digest[SHA1_SIZE])
{
    int ok = EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, openssl_digest(HASH_SHA1), NULL);
    assert(ok);
}

#define HMAC_BLOCK 64 /* bytes; the block size of SHA-1 and of SHA-256 */

static void digest_two(EVP_MD_CTX *ctx, const EVP_MD *md, const unsigned char block[HMAC_BLOCK], slice bytes,
                       unsigned char *ret_digest)
{
    int ok = EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, block, HMAC_BLOCK) &&
             EVP_DigestUpdate(ctx, bytes.p, bytes.n) && EVP_DigestFinal_ex(ctx, ret_digest, NULL);
    assert(ok);
}

static void compute_hmac(enum hash_kind kind, slice key, slice bytes, unsigned char *ret_mac)
{
    const EVP_MD *md = openssl_digest(kind);
    unsigned char block[HMAC_BLOCK] = { 0 }, inner[HASH_MAX_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert(ctx);
    if (key.n > HMAC_BLOCK) {
        int ok = EVP_Digest(key.p, key.n, block, NULL, md, NULL);
        assert(ok);
    } else if (key.n) {
        memcpy(block, key.p, key.n);
    }
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        block[i] ^= 0x36;
    digest_two(ctx, md, block, bytes, inner);
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        block[i] ^= 0x36 ^ 0x5c;
    digest_two(ctx, md, block, (slice){ (const char *)inner, hash_size(kind) }, ret_mac);
    EVP_MD_CTX_free(ctx);
    OPENSSL_cleanse(block, sizeof block);
}

void hash_hmac_sha256(slice key, slice bytes, unsigned char ret_mac[SHA256_SIZE])
{
    compute_hmac(HASH_SHA256, key, bytes, ret_mac);
}

void hash_hmac_sha1(slice key, slice bytes, unsigned char ret_mac[SHA1_SIZE])
{
    compute_hmac(HASH_SHA1, key, bytes, ret_mac);
}

/* Digest implementations are looked up once per process: OpenSSL's per-call look-up costs more than hashing 1 KiB. */
#include "base/hash.h"

#include "base/arena.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>

struct hash {
    EVP_MD_CTX *ctx;
};

static EVP_MD *fetched[2]; /* set once, before first use, then constant */

static void fetch_all(void)
{
    fetched[HASH_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
    fetched[HASH_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(fetched[HASH_MD5] && fetched[HASH_SHA256]);
}

static const EVP_MD *implementation(enum hash_kind kind)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_all);
    return fetched[kind];
}

struct hash *hash_new(enum hash_kind kind)
{
    struct hash *h = must_malloc(sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    int ok = h->ctx && EVP_DigestInit_ex2(h->ctx, implementation(kind), NULL);
    assert(ok);
    return h;
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void hash_update(struct hash *h, slice bytes)
{
    int ok = EVP_DigestUpdate(h->ctx, bytes.p, bytes.n);
    assert(ok);
}

void hash_final(struct hash *h, unsigned char *ret_digest)
{
    int ok = EVP_DigestFinal_ex(h->ctx, ret_digest, NULL);
    assert(ok);
}

void hash_md5(slice bytes, unsigned char ret_digest[MD5_SIZE])
{
    int ok = EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, implementation(HASH_MD5), NULL);
    assert(ok);
}

void hash_sha256(slice bytes, unsigned char ret_digest[SHA256_SIZE])
{
    int ok = EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, implementation(HASH_SHA256), NULL);
    assert(ok);
}

void hash_hmac_sha256(slice key, slice bytes, unsigned char ret_mac[SHA256_SIZE])
{
    unsigned int n = SHA256_SIZE;
    unsigned char *ok =
        HMAC(implementation(HASH_SHA256), key.p, (int)key.n, (const unsigned char *)bytes.p, bytes.n, ret_mac, &n);
    assert(ok);
}

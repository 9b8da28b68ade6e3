/* SPDX-License-Identifier: Apache-2.0 */
/* Form of a sealed secret: version (1 byte), nonce (12), ciphertext (as long as the secret), tag (16). `about` is
 * authenticated as additional data. Nonces are random, so one key may seal 2^32 secrets (NIST SP 800-38D §8.3), far
 * more than a server ever keeps.
 * The key that encrypts is derived from the master key, and differs from every key that seal_derive returns. */
#include "base/seal.h"

#include "base/hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NONCE_SIZE = 12, TAG_SIZE = 16, HEAD_SIZE = 1 + NONCE_SIZE, OVERHEAD = HEAD_SIZE + TAG_SIZE };

struct seal {
    unsigned char master[SEAL_KEY_SIZE], encryption[SEAL_KEY_SIZE];
    EVP_CIPHER *cipher; /* looked up once, because the look-up costs more than sealing */
    struct random *random;
};

static slice key_slice(const unsigned char key[SEAL_KEY_SIZE])
{
    return (slice){ (const char *)key, SEAL_KEY_SIZE };
}

struct seal *seal_new(const unsigned char key[SEAL_KEY_SIZE], struct random *random)
{
    struct seal *s = must_malloc(sizeof *s);
    memcpy(s->master, key, SEAL_KEY_SIZE);
    hash_hmac_sha256(key_slice(key), S("\0encrypt"), s->encryption);
    s->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    assert(s->cipher);
    s->random = random;
    return s;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    EVP_CIPHER_free(s->cipher);
    OPENSSL_cleanse(s, sizeof *s);
    free(s);
}

static void context_freep(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c); /* wipes its key schedule */
}

slice seal_close(struct seal *s, slice about, slice secret, struct arena *a)
{
    unsigned char *sealed = arena_alloc(a, secret.n + OVERHEAD), *nonce = sealed + 1, *text = sealed + HEAD_SIZE;
    sealed[0] = VERSION;
    random_fill(s->random, nonce, NONCE_SIZE);
    SCOPED(context_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n;
    bool ok = c && EVP_EncryptInit_ex2(c, s->cipher, s->encryption, nonce, NULL) &&
              EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) &&
              EVP_EncryptUpdate(c, text, &n, (const unsigned char *)secret.p, (int)secret.n) && n == (int)secret.n &&
              EVP_EncryptFinal_ex(c, text + n, &n) &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + secret.n);
    assert(ok); /* fails only without memory */
    return (slice){ (char *)sealed, secret.n + OVERHEAD };
}

err_t seal_open(struct seal *s, slice about, slice sealed, struct arena *a, slice *ret_secret)
{
    const unsigned char *from = (const unsigned char *)sealed.p;
    if (sealed.n < OVERHEAD || from[0] != VERSION)
        return err_make(a, ERR_CORRUPT, "this is not a sealed secret");
    int size = (int)(sealed.n - OVERHEAD), n = 0;
    unsigned char tag[TAG_SIZE], *secret = arena_alloc(a, (size_t)size + 1);
    memcpy(tag, from + HEAD_SIZE + size, TAG_SIZE);
    SCOPED(context_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = c && EVP_DecryptInit_ex2(c, s->cipher, s->encryption, from + 1, NULL) &&
              EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) &&
              EVP_DecryptUpdate(c, secret, &n, from + HEAD_SIZE, size) && n == size;
    assert(ok);
    if (!EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) || EVP_DecryptFinal_ex(c, secret + n, &n) <= 0) {
        OPENSSL_cleanse(secret, (size_t)size);
        return err_make(a, ERR_CORRUPT, "the secret was altered, or sealed under another key");
    }
    *ret_secret = (slice){ (char *)secret, (size_t)size };
    return NULL;
}

void seal_derive(struct seal *s, slice purpose, unsigned char ret_key[SEAL_KEY_SIZE])
{
    assert(purpose.n && purpose.p[0] != '\0'); /* purposes with NUL are reserved for this file */
    hash_hmac_sha256(key_slice(s->master), purpose, ret_key);
}

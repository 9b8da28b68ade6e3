/* SPDX-License-Identifier: Apache-2.0 */
/* The state is our own struct, and OpenSSL's is filled from it for each call: at most 216 bytes, while a call hashes
 * thousands. So no other file depends on OpenSSL's layout, and what is stored does not either.
 *
 * The layout of SHA256_CTX and SHA512_CTX is public and has been the same since OpenSSL 0.9.8: h, the words; Nh and Nl,
 * the count in bits; data or u, the bytes of the block that is not full, in the order in which they came; num, how many
 * these are.
 *
 * Stored form, every number with its highest byte first:
 *     version, 1 byte | kind, 1 byte: 1 SHA-256, 2 SHA-512 | bytes, 8 | words, 8 times 4 or 8 | bytes % block bytes */

/* OpenSSL 3 calls these functions deprecated in favour of EVP, whose contexts can only be copied within a process. They
 * use the instructions of the processor for SHA as EVP does. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash_state.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

enum { STORED_VERSION = 1, STORED_SHA256 = 1, STORED_SHA512 = 2, STORED_HEAD = 2 + 8 };

static size_t block_size(enum hash_kind kind)
{
    return kind == HASH_SHA256 ? SHA256_CBLOCK : SHA512_CBLOCK;
}

static size_t word_size(enum hash_kind kind)
{
    return kind == HASH_SHA256 ? 4 : 8;
}

/* How many bytes of `partial` are in use. */
static size_t partial_size(const struct hash_state *s)
{
    return s->bytes % block_size(s->kind);
}

static void fill_sha256(const struct hash_state *s, SHA256_CTX *ctx)
{
    SHA256_Init(ctx);
    for (size_t i = 0; i < LENGTH_OF(s->words); i++)
        ctx->h[i] = (SHA_LONG)s->words[i];
    ctx->Nl = (SHA_LONG)(s->bytes << 3);
    ctx->Nh = (SHA_LONG)(s->bytes >> 29);
    ctx->num = (unsigned)partial_size(s);
    memcpy(ctx->data, s->partial, ctx->num);
}

static void fill_sha512(const struct hash_state *s, SHA512_CTX *ctx)
{
    SHA512_Init(ctx);
    for (size_t i = 0; i < LENGTH_OF(s->words); i++)
        ctx->h[i] = s->words[i];
    ctx->Nl = s->bytes << 3;
    ctx->Nh = s->bytes >> 61;
    ctx->num = (unsigned)partial_size(s);
    memcpy(ctx->u.p, s->partial, ctx->num);
}

void hash_state_init(struct hash_state *s, enum hash_kind kind)
{
    assert(kind == HASH_SHA256 || kind == HASH_SHA512);
    SHA256_CTX sha256;
    SHA512_CTX sha512;
    SHA256_Init(&sha256);
    SHA512_Init(&sha512);
    *s = (struct hash_state){ .kind = kind };
    for (size_t i = 0; i < LENGTH_OF(s->words); i++)
        s->words[i] = kind == HASH_SHA256 ? sha256.h[i] : sha512.h[i];
}

void hash_state_update(struct hash_state *s, slice bytes)
{
    if (bytes.n == 0)
        return;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
    if (s->kind == HASH_SHA256) {
        fill_sha256(s, &sha256);
        SHA256_Update(&sha256, bytes.p, bytes.n);
    } else {
        fill_sha512(s, &sha512);
        SHA512_Update(&sha512, bytes.p, bytes.n);
    }
    for (size_t i = 0; i < LENGTH_OF(s->words); i++)
        s->words[i] = s->kind == HASH_SHA256 ? sha256.h[i] : sha512.h[i];
    s->bytes += bytes.n;
    memcpy(s->partial, s->kind == HASH_SHA256 ? (const void *)sha256.data : sha512.u.p, partial_size(s));
}

void hash_state_final(const struct hash_state *s, unsigned char *ret_digest)
{
    if (s->kind == HASH_SHA256) {
        SHA256_CTX ctx;
        fill_sha256(s, &ctx);
        SHA256_Final(ret_digest, &ctx);
    } else {
        SHA512_CTX ctx;
        fill_sha512(s, &ctx);
        SHA512_Final(ret_digest, &ctx);
    }
}

/* ---- stored form ---- */

static char *put_number(char *at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)(number >> 8 * (size - 1 - i));
    return at + size;
}

static uint64_t get_number(const char *at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static size_t stored_size(const struct hash_state *s)
{
    return STORED_HEAD + LENGTH_OF(s->words) * word_size(s->kind) + partial_size(s);
}

slice hash_state_store(const struct hash_state *s, struct arena *a)
{
    char *stored = arena_alloc(a, HASH_STATE_STORED_MAX), *at = stored;
    at = put_number(at, STORED_VERSION, 1);
    at = put_number(at, s->kind == HASH_SHA256 ? STORED_SHA256 : STORED_SHA512, 1);
    at = put_number(at, s->bytes, 8);
    for (size_t i = 0; i < LENGTH_OF(s->words); i++)
        at = put_number(at, s->words[i], word_size(s->kind));
    memcpy(at, s->partial, partial_size(s));
    return (slice){ stored, stored_size(s) };
}

bool hash_state_load(struct hash_state *s, slice stored)
{
    if (stored.n < STORED_HEAD || stored.p[0] != STORED_VERSION ||
        (stored.p[1] != STORED_SHA256 && stored.p[1] != STORED_SHA512))
        return false;
    struct hash_state loaded = { .kind = stored.p[1] == STORED_SHA256 ? HASH_SHA256 : HASH_SHA512,
                                 .bytes = get_number(stored.p + 2, 8) };
    if (loaded.bytes > HASH_STATE_BYTES_MAX || stored.n != stored_size(&loaded))
        return false;
    const char *at = stored.p + STORED_HEAD;
    for (size_t i = 0; i < LENGTH_OF(loaded.words); i++, at += word_size(loaded.kind))
        loaded.words[i] = get_number(at, word_size(loaded.kind));
    memcpy(loaded.partial, at, partial_size(&loaded));
    *s = loaded;
    return true;
}

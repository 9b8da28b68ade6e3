/* SPDX-License-Identifier: Apache-2.0 */
/* The CRCs come from base/crc, which can join those of two pieces; all others from base/hash. */
#include "core/object/digest.h"

#include "base/crc.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct digest_row {
    const char *name;
    size_t size;
    bool joins; /* a CRC; every other is … */
    enum hash_kind hash;
};
static const struct digest_row rows[DIGEST_KINDS] = {
    [DIGEST_NONE] = { "", 0, false },
    [DIGEST_CRC32] = { "CRC32", 4, true },
    [DIGEST_CRC32C] = { "CRC32C", 4, true },
    [DIGEST_CRC64NVME] = { "CRC64NVME", 8, true },
    [DIGEST_SHA1] = { "SHA1", SHA1_SIZE, false, HASH_SHA1 },
    [DIGEST_SHA256] = { "SHA256", SHA256_SIZE, false, HASH_SHA256 },
    [DIGEST_SHA512] = { "SHA512", SHA512_SIZE, false, HASH_SHA512 },
    [DIGEST_MD5] = { "MD5", MD5_SIZE, false, HASH_MD5 },
    [DIGEST_XXHASH64] = { "XXHASH64", XXHASH64_SIZE, false, HASH_XXHASH64 },
    [DIGEST_XXHASH3] = { "XXHASH3", XXHASH3_SIZE, false, HASH_XXHASH3 },
    [DIGEST_XXHASH128] = { "XXHASH128", XXHASH128_SIZE, false, HASH_XXHASH128 },
};

static const struct digest_row *row_of(enum digest_kind kind)
{
    assert((unsigned)kind < DIGEST_KINDS);
    return &rows[kind];
}

size_t digest_size(enum digest_kind kind)
{
    return row_of(kind)->size;
}

slice digest_name(enum digest_kind kind)
{
    return slice_of(row_of(kind)->name);
}

bool digest_by_name(slice name, enum digest_kind *ret)
{
    for (enum digest_kind kind = DIGEST_NONE + 1; kind < DIGEST_KINDS; kind++) {
        if (!slice_eq_nocase(name, digest_name(kind)))
            continue;
        *ret = kind;
        return true;
    }
    return false;
}

bool digest_joins(enum digest_kind kind)
{
    return row_of(kind)->joins;
}

/* ---- CRCs as one number ---- */

static uint64_t crc_update(enum digest_kind kind, uint64_t crc, slice bytes)
{
    if (kind == DIGEST_CRC32)
        return crc32_update((uint32_t)crc, bytes);
    return kind == DIGEST_CRC32C ? crc32c_update((uint32_t)crc, bytes) : crc64nvme_update(crc, bytes);
}

/* Most significant byte first. */
static void crc_store(enum digest_kind kind, uint64_t crc, struct digest *ret)
{
    *ret = (struct digest){ .kind = kind, .form = DIGEST_WHOLE };
    for (size_t i = digest_size(kind); i-- > 0; crc >>= 8)
        ret->bytes[i] = (unsigned char)crc;
}

static uint64_t crc_load(const struct digest *digest)
{
    uint64_t crc = 0;
    for (size_t i = 0; i < digest_size(digest->kind); i++)
        crc = crc << 8 | digest->bytes[i];
    return crc;
}

/* ---- computing piece by piece ---- */

struct digester {
    enum digest_kind kind;
    uint64_t crc;
    struct hash *hash; /* for kinds that do not join; else NULL */
};

struct digester *digester_new(enum digest_kind kind)
{
    assert(kind != DIGEST_NONE);
    struct digester *d = must_malloc(sizeof *d);
    d->kind = kind;
    if (!digest_joins(kind))
        d->hash = hash_new(row_of(kind)->hash);
    return d;
}

void digester_free(struct digester *d)
{
    if (d)
        hash_free(d->hash);
    free(d);
}

void digester_update(struct digester *d, slice bytes)
{
    if (d->hash)
        hash_update(d->hash, bytes);
    else
        d->crc = crc_update(d->kind, d->crc, bytes);
}

void digester_final(struct digester *d, struct digest *ret)
{
    if (!d->hash) {
        crc_store(d->kind, d->crc, ret);
        return;
    }
    *ret = (struct digest){ .kind = d->kind, .form = DIGEST_WHOLE };
    hash_final(d->hash, ret->bytes);
}

/* ---- computing at once ---- */

void digest_of(enum digest_kind kind, slice bytes, struct digest *ret)
{
    assert(kind != DIGEST_NONE);
    if (digest_joins(kind)) {
        crc_store(kind, crc_update(kind, 0, bytes), ret);
        return;
    }
    *ret = (struct digest){ .kind = kind, .form = DIGEST_WHOLE };
    struct hash *hash = hash_new(row_of(kind)->hash);
    hash_update(hash, bytes);
    hash_final(hash, ret->bytes);
    hash_free(hash);
}

void digest_join(const struct digest *first, const struct digest *second, uint64_t second_bytes, struct digest *ret)
{
    enum digest_kind kind = first->kind;
    assert(second->kind == kind && digest_joins(kind));
    uint64_t a = crc_load(first), b = crc_load(second);
    if (kind == DIGEST_CRC32)
        a = crc32_join((uint32_t)a, (uint32_t)b, second_bytes);
    else if (kind == DIGEST_CRC32C)
        a = crc32c_join((uint32_t)a, (uint32_t)b, second_bytes);
    else
        a = crc64nvme_join(a, b, second_bytes);
    crc_store(kind, a, ret);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    size_t n = digest_size(a->kind);
    return a->kind == b->kind && a->form == b->form &&
           slice_eq_secret((slice){ (const char *)a->bytes, n }, (slice){ (const char *)b->bytes, n });
}

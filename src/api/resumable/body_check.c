/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resumable/body_check.h"

#include "base/crc.h"
#include "base/text.h"

#define CRC32_SIZE 4

static const struct {
    const char *tus_name; /* NULL: tus has none */
    size_t size;
    enum hash_kind hash;
} kinds[CHECK_KINDS] = {
    [CHECK_SHA1] = { "sha1", SHA1_SIZE, HASH_SHA1 },
    [CHECK_SHA256] = { "sha256", SHA256_SIZE, HASH_SHA256 },
    [CHECK_SHA512] = { NULL, SHA512_SIZE, HASH_SHA512 },
    [CHECK_MD5] = { "md5", MD5_SIZE, HASH_MD5 },
    [CHECK_CRC32] = { "crc32", CRC32_SIZE, HASH_MD5 /* not used */ },
};

size_t check_size(enum check_kind kind)
{
    return kinds[kind].size;
}

static void free_hash(void *arg)
{
    hash_free(arg);
}

void body_checks_add(struct body_checks *c, enum check_kind kind, slice expected, struct arena *a)
{
    struct body_check *check = &c->of[kind];
    c->is_any = true;
    check->is_on = true;
    check->expected = expected;
    if (kind == CHECK_CRC32)
        return;
    check->hash = hash_new(kinds[kind].hash);
    arena_defer(a, free_hash, check->hash);
}

void body_checks_update(struct body_checks *c, slice bytes)
{
    for (int kind = 0; kind < CHECK_KINDS; kind++) {
        struct body_check *check = &c->of[kind];
        if (check->is_on && check->hash)
            hash_update(check->hash, bytes);
        else if (check->is_on)
            check->crc = crc32_update(check->crc, bytes);
    }
}

static void finish_check(struct body_check *check, unsigned char *ret)
{
    if (check->hash) {
        hash_final(check->hash, ret);
        return;
    }
    for (int i = 0; i < CRC32_SIZE; i++)
        ret[i] = (unsigned char)(check->crc >> (24 - 8 * i));
}

bool body_checks_hold(struct body_checks *c)
{
    bool hold = true;
    for (int kind = 0; kind < CHECK_KINDS; kind++) {
        unsigned char digest[HASH_MAX_SIZE];
        struct body_check *check = &c->of[kind];
        if (!check->is_on || !check->expected.n)
            continue;
        finish_check(check, digest);
        hold = hold && slice_eq_secret(check->expected, (slice){ (const char *)digest, kinds[kind].size });
    }
    return hold;
}

bool checksum_parse(slice value, struct arena *a, enum check_kind *ret_kind, slice *ret_bytes)
{
    slice name, text;
    if (!slice_cut(value, ' ', &name, &text) || text.n % 4 != 0 || !base64_decode(a, text, ret_bytes))
        return false;
    for (int kind = 0; kind < CHECK_KINDS; kind++)
        if (kinds[kind].tus_name && slice_eq(name, slice_of(kinds[kind].tus_name))) {
            *ret_kind = (enum check_kind)kind;
            return ret_bytes->n == kinds[kind].size;
        }
    return false;
}

void body_checks_await_trailer(struct body_checks *c, struct arena *a)
{
    c->in_trailer = true;
    for (int kind = 0; kind < CHECK_KINDS; kind++)
        if (kinds[kind].tus_name)
            body_checks_add(c, (enum check_kind)kind, S(""), a);
}

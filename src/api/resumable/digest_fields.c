/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resumable/digest_fields.h"

#include "api/resumable/call.h"
#include "base/text.h"
#include "http/structured_field.h"

enum { PREFERENCE_MAX = 10 };

/* The stronger one comes first. */
static const struct {
    const char *name;
    enum hash_kind kind;
} known[] = { { "sha-512", HASH_SHA512 }, { "sha-256", HASH_SHA256 } };

static err_t read_dictionary(struct http_exchange *x, const char *header, struct sf_member **ret, size_t *ret_count)
{
    slice value = sf_field(&x->req, header, &x->arena);
    *ret_count = 0;
    if (!value.p || sf_dictionary(value, &x->arena, ret, ret_count))
        return NULL;
    return resumable_refuse(&x->arena, RESUMABLE_BAD_DIGEST);
}

err_t digest_field_read(struct http_exchange *x, const char *header, struct digest_field *ret)
{
    struct sf_member *members = NULL;
    size_t count;
    *ret = (struct digest_field){ 0 };
    TRY(read_dictionary(x, header, &members, &count));
    for (size_t i = 0; i < LENGTH_OF(known); i++) {
        const struct sf_member *m = sf_find(members, count, slice_of(known[i].name));
        if (!m)
            continue;
        if (m->kind != SF_BYTES || m->bytes.n != hash_size(known[i].kind))
            return resumable_refuse(&x->arena, RESUMABLE_BAD_DIGEST);
        if (!ret->is_there)
            *ret = (struct digest_field){ true, known[i].kind, m->bytes };
    }
    return NULL;
}

err_t digest_field_read_wanted(struct http_exchange *x, struct digest_field *ret)
{
    struct sf_member *members = NULL;
    size_t count;
    int64_t best = 0;
    *ret = (struct digest_field){ 0 };
    TRY(read_dictionary(x, "Want-Repr-Digest", &members, &count));
    for (size_t i = 0; i < LENGTH_OF(known); i++) {
        const struct sf_member *m = sf_find(members, count, slice_of(known[i].name));
        if (!m)
            continue;
        if (m->kind != SF_INTEGER || m->integer < 0 || m->integer > PREFERENCE_MAX)
            return resumable_refuse(&x->arena, RESUMABLE_BAD_DIGEST);
        if (m->integer > best)
            *ret = (struct digest_field){ true, known[i].kind, S("") };
        best = m->integer > best ? m->integer : best;
    }
    return NULL;
}

slice digest_field_format(enum hash_kind kind, const unsigned char *digest, struct arena *a)
{
    const char *name = kind == HASH_SHA512 ? "sha-512" : "sha-256";
    slice text = base64_encode(a, (slice){ (const char *)digest, hash_size(kind) });
    return arena_printf(a, "%s=:" SLICE_FMT ":", name, SLICE_ARG(text));
}

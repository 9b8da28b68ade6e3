/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/digests_priv.h"

#include "api/s3/call_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/object/digest.h"
#include "http/field.h"

#include <string.h>

#define CHECKSUM S("x-amz-checksum-")

bool s3_digest_of_name(slice name, enum digest_kind *ret)
{
    return slice_starts_nocase(name, CHECKSUM) && digest_by_name(slice_from(name, CHECKSUM.n), ret);
}

bool s3_digest_is_unsupported(slice name)
{
    static const char *const others[] = { "algorithm", "type", "mode" };
    enum digest_kind unused;
    if (!slice_starts_nocase(name, CHECKSUM))
        return false;
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        if (slice_eq_nocase(slice_from(name, CHECKSUM.n), slice_of(others[i])))
            return false;
    return !s3_digest_of_name(name, &unused);
}

bool s3_digest_parse(struct arena *a, enum digest_kind kind, slice text, struct digest *ret)
{
    slice bytes;
    if (!base64_decode(a, text, &bytes) || bytes.n != digest_size(kind))
        return false;
    *ret = (struct digest){ .kind = kind, .form = DIGEST_WHOLE };
    memcpy(ret->bytes, bytes.p, bytes.n);
    return true;
}

static slice digest_text(struct arena *a, const struct digest *d, int64_t part_count)
{
    slice text = base64_encode(a, (slice){ (const char *)d->bytes, digest_size(d->kind) });
    if (d->form == DIGEST_OF_PARTS)
        text = arena_printf(a, SLICE_FMT "-%lld", SLICE_ARG(text), (long long)part_count);
    return text;
}

slice s3_digest_type(const struct digest *d)
{
    return d->form == DIGEST_OF_PARTS ? S("COMPOSITE") : S("FULL_OBJECT");
}

static void add_digest_header(struct s3_call *call, const struct digest *d, int64_t part_count, slice type)
{
    static const char *const names[DIGEST_KINDS] = { [DIGEST_CRC32] = "x-amz-checksum-crc32",
                                                     [DIGEST_CRC32C] = "x-amz-checksum-crc32c",
                                                     [DIGEST_CRC64NVME] = "x-amz-checksum-crc64nvme",
                                                     [DIGEST_SHA1] = "x-amz-checksum-sha1",
                                                     [DIGEST_SHA256] = "x-amz-checksum-sha256",
                                                     [DIGEST_SHA512] = "x-amz-checksum-sha512",
                                                     [DIGEST_MD5] = "x-amz-checksum-md5",
                                                     [DIGEST_XXHASH64] = "x-amz-checksum-xxhash64",
                                                     [DIGEST_XXHASH3] = "x-amz-checksum-xxhash3",
                                                     [DIGEST_XXHASH128] = "x-amz-checksum-xxhash128" };
    if (d->kind == DIGEST_NONE)
        return;
    http_reply_header(call->x, names[d->kind], digest_text(&call->x->arena, d, part_count));
    http_reply_header(call->x, "x-amz-checksum-type", type);
}

void s3_digest_header(struct s3_call *call, const struct digest *d, int64_t part_count)
{
    add_digest_header(call, d, part_count, s3_digest_type(d));
}

void s3_part_digest_header(struct s3_call *call, const struct digest *part, const struct digest *object)
{
    add_digest_header(call, part, 0, s3_digest_type(object->kind == DIGEST_NONE ? part : object));
}

void s3_digest_xml(struct buf *b, struct arena *a, const struct digest *d, int64_t part_count)
{
    if (d->kind != DIGEST_NONE)
        xml_text(b, arena_printf(a, "Checksum" SLICE_FMT, SLICE_ARG(digest_name(d->kind))).p,
                 digest_text(a, d, part_count));
}

void s3_put_digest_kind(struct buf *b, enum digest_kind kind, enum digest_form form)
{
    if (kind == DIGEST_NONE)
        return;
    xml_text(b, "ChecksumAlgorithm", digest_name(kind));
    xml_text(b, "ChecksumType", form == DIGEST_OF_PARTS ? S("COMPOSITE") : S("FULL_OBJECT"));
}

/* ---- what a request declares ---- */

/* A request may declare only one kind of digest, however often. */
static err_t declare_kind(struct arena *a, struct s3_declared *d, enum digest_kind kind)
{
    if (d->digest.kind != DIGEST_NONE && d->digest.kind != kind)
        return s3_refuse(a, S3_SEVERAL_CHECKSUMS);
    d->digest.kind = kind;
    return NULL;
}

static err_t declare_header(struct arena *a, struct s3_declared *d, const struct http_header *h)
{
    enum digest_kind kind;
    slice item, list = h->value;
    if (s3_digest_is_unsupported(h->name))
        return s3_refuse(a, S3_UNKNOWN_CHECKSUM);
    if (s3_digest_of_name(h->name, &kind)) {
        if (d->has_value)
            return s3_refuse(a, S3_SEVERAL_CHECKSUMS);
        TRY(declare_kind(a, d, kind));
        d->has_value = true;
        return s3_digest_parse(a, kind, h->value, &d->digest) ? NULL : s3_refuse(a, S3_INVALID_CHECKSUM);
    }
    bool by_sdk = slice_eq_nocase(h->name, S("x-amz-sdk-checksum-algorithm"));
    d->is_promised = d->is_promised || by_sdk;
    if (by_sdk || slice_eq_nocase(h->name, S("x-amz-checksum-algorithm")))
        return digest_by_name(h->value, &kind) ? declare_kind(a, d, kind) : s3_refuse(a, S3_CHECKSUM_ALGORITHM);
    if (!slice_eq_nocase(h->name, S("x-amz-trailer")))
        return NULL;
    while (field_list_next(&list, &item)) {
        if (s3_digest_is_unsupported(item))
            return s3_refuse(a, S3_UNKNOWN_CHECKSUM);
        if (!s3_digest_of_name(item, &kind))
            continue;
        d->is_in_trailer = true;
        TRY(declare_kind(a, d, kind));
    }
    return NULL;
}

static err_t declare_md5(struct arena *a, struct s3_declared *d, slice value)
{
    slice bytes;
    if (d->has_md5 || !base64_decode(a, value, &bytes) || bytes.n != MD5_SIZE)
        return s3_refuse(a, S3_INVALID_DIGEST);
    d->has_md5 = true;
    memcpy(d->md5, bytes.p, MD5_SIZE);
    return NULL;
}

err_t s3_declared_read(struct s3_call *call, struct s3_declared *ret)
{
    const struct http_request *req = &call->x->req;
    struct arena *a = &call->x->arena;
    *ret = (struct s3_declared){ 0 };
    bool of_body = !(call->operation->flags & S3_NO_CHECKSUM);
    enum digest_kind unused;
    for (size_t i = 0; i < req->header_count; i++) {
        const struct http_header *h = &req->headers[i];
        if (slice_eq_nocase(h->name, S("Content-MD5")))
            TRY(declare_md5(a, ret, h->value));
        else if (slice_starts_nocase(h->name, S("x-amz-")) && (of_body || !s3_digest_of_name(h->name, &unused)))
            TRY(declare_header(a, ret, h));
    }
    bool is_missing = of_body && ret->is_promised && !ret->has_value && !ret->is_in_trailer;
    return is_missing ? s3_refuse(a, S3_CHECKSUM_MISSING) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the head of a PUT says: docs/apis/datasnap.md 5.1. */
#include "api/oci/oci_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "core/dataset/dataset_file.h"
#include "core/file/file_name.h"

#define META S("opc-meta-")

static err_t read_content_md5(struct http_exchange *x, slice *ret)
{
    for (size_t i = 0; i < x->req.header_count; i++) {
        const struct http_header *h = &x->req.headers[i];
        if (!slice_eq_nocase(h->name, S("Content-MD5")))
            continue;
        if (ret->n || !base64_decode(&x->arena, h->value, ret) || ret->n != MD5_SIZE)
            return oci_refuse(&x->arena, OCI_INVALID_MD5);
    }
    return NULL;
}

err_t oci_read_md5(struct http_exchange *x, slice *ret)
{
    slice md5 = S(""), other, checksum = http_header(&x->req, "X-Checksum");
    TRY(read_content_md5(x, &md5));
    /* Of any other length it is something else. */
    if (checksum.n == 2 * (size_t)MD5_SIZE && hex_decode(&x->arena, checksum, &other)) {
        if (md5.n && !slice_eq(md5, other))
            return oci_refuse(&x->arena, OCI_UNMATCHED_MD5); /* no body has both */
        md5 = other;
    }
    *ret = md5;
    return NULL;
}

static void add_lower(struct buf *b, slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        buf_add_byte(b, (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c));
    }
}

err_t oci_read_metadata(struct http_exchange *x, slice *ret)
{
    int count = 0;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, DATASET_FILE_HEADERS_MAX);
    for (size_t i = 0; i < x->req.header_count; i++) {
        const struct http_header *h = &x->req.headers[i];
        if (!slice_starts_nocase(h->name, META))
            continue;
        if (++count > OCI_META_MAX || h->name.n == META.n || !slice_is_utf8(h->value))
            return oci_refuse(&x->arena, OCI_INVALID_METADATA);
        add_lower(&b, h->name);
        buf_add(&b, S(": "));
        buf_add(&b, h->value);
        buf_add_byte(&b, '\n');
    }
    if (b.failed)
        return oci_refuse(&x->arena, OCI_INVALID_METADATA);
    *ret = arena_copy(&x->arena, buf_slice(&b));
    return NULL;
}

err_t oci_read_condition(struct http_exchange *x, bool *ret)
{
    slice none_match = http_header(&x->req, "If-None-Match");
    if (http_has_header(&x->req, "opc-multipart") || http_has_header(&x->req, "If-Match"))
        return oci_refuse(&x->arena, OCI_NOT_IMPLEMENTED);
    if (none_match.p && !slice_eq(none_match, S("*")))
        return oci_refuse(&x->arena, OCI_INVALID_CONDITION);
    *ret = none_match.p != NULL;
    return NULL;
}

err_t oci_check_name(slice name, struct arena *a)
{
    bool good = name.n > 0 && name.n <= DATASET_FILE_NAME_MAX && slice_is_utf8(name) && !file_name_has_control(name);
    slice rest = name, segment;
    for (bool more = true; more && good;) {
        more = slice_cut(rest, '/', &segment, &rest);
        good = !slice_eq(segment, S(".")) && !slice_eq(segment, S(".."));
    }
    return good ? NULL : oci_refuse(a, OCI_INVALID_OBJECT_NAME);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjectAttributes: the properties of an object, without its bytes. Parts without checksums are counted but not listed, as S3
 * does. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"
#include "http/field.h"

enum { ETAG = 1, CHECKSUM = 2, PARTS = 4, CLASS = 8, SIZE = 16 };

static unsigned attribute_of(slice name)
{
    static const char *const names[] = { "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize" };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq(name, slice_of(names[i])))
            return 1u << i;
    return 0;
}

/* x-amz-object-attributes: a list, in one or several headers, of known names. */
static err_t read_attributes(struct s3_call *call, unsigned *ret)
{
    const struct http_request *req = &call->x->req;
    *ret = 0;
    for (size_t i = 0; i < req->header_count; i++) {
        slice item, list = req->headers[i].value;
        if (!slice_eq_nocase(req->headers[i].name, S("x-amz-object-attributes")))
            continue;
        while (field_list_next(&list, &item)) {
            unsigned attribute = attribute_of(item);
            if (!attribute)
                return s3_refuse_argument(call, S3_ATTRIBUTE_NAME, "x-amz-object-attributes", item);
            *ret |= attribute;
        }
    }
    return *ret ? NULL : s3_refuse(&call->x->arena, S3_NO_ATTRIBUTES);
}

/* Which parts to list: those behind `marker`. */
struct part_page {
    uint64_t max, marker;
};

/* x-amz-max-parts and x-amz-part-number-marker, which are headers here and not parameters. */
static err_t read_part_page(struct s3_call *call, struct part_page *ret)
{
    slice max = http_header(&call->x->req, "x-amz-max-parts");
    slice marker = http_header(&call->x->req, "x-amz-part-number-marker");
    *ret = (struct part_page){ .max = S3_LIST_MAX };
    if (max.p && (!slice_to_u64(max, &ret->max) || ret->max > INT32_MAX))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, "x-amz-max-parts", max);
    if (marker.p && (!slice_to_u64(marker, &ret->marker) || ret->marker > INT32_MAX))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, "x-amz-part-number-marker", marker);
    ret->max = ret->max < S3_LIST_MAX ? ret->max : S3_LIST_MAX;
    return NULL;
}

static void write_part_list(struct buf *b, struct arena *a, const struct object_part_list *parts,
                            const struct part_page *page)
{
    uint64_t first = page->marker < parts->count ? page->marker : parts->count;
    uint64_t end = parts->count - first < page->max ? parts->count : first + page->max;
    xml_int(b, "PartNumberMarker", (int64_t)page->marker);
    xml_int(b, "NextPartNumberMarker", (int64_t)(end > first ? end : page->marker));
    xml_int(b, "MaxParts", (int64_t)page->max);
    xml_text(b, "IsTruncated", end < parts->count ? S("true") : S("false"));
    for (uint64_t i = first; i < end; i++) {
        xml_open(b, "Part");
        xml_int(b, "PartNumber", (int64_t)i + 1);
        xml_int(b, "Size", (int64_t)parts->items[i].object.size_bytes);
        s3_digest_xml(b, a, &parts->items[i].digest, 0);
        xml_close(b, "Part");
    }
}

static void write_parts(struct buf *b, struct arena *a, const struct object_part_list *parts,
                        const struct part_page *page)
{
    xml_open(b, "ObjectParts");
    xml_int(b, "PartsCount", (int64_t)parts->count);
    if (parts->items[0].digest.kind != DIGEST_NONE)
        write_part_list(b, a, parts, page);
    xml_close(b, "ObjectParts");
}

static void write_attributes(struct buf *b, struct arena *a, const struct entry *entry, unsigned wanted)
{
    if (wanted & ETAG)
        xml_text(b, "ETag", entry_etag(entry, a)); /* only in this reply without quotes */
    if (wanted & CHECKSUM && entry->digest.kind != DIGEST_NONE) {
        xml_open(b, "Checksum");
        s3_digest_xml(b, a, &entry->digest, entry->part_count);
        xml_text(b, "ChecksumType", s3_digest_type(&entry->digest));
        xml_close(b, "Checksum");
    }
    if (wanted & CLASS)
        xml_text(b, "StorageClass", S("STANDARD"));
    if (wanted & SIZE)
        xml_int(b, "ObjectSize", (int64_t)entry->size_bytes);
}

err_t s3_object_attributes(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct bucket bucket;
    struct entry entry;
    struct part_page page;
    struct object_part_list parts = { 0 };
    unsigned wanted;
    TRY(read_attributes(call, &wanted));
    TRY(read_part_page(call, &page));
    TRY(s3_check_version(call));
    TRY(s3_authorize_bucket(call, BUCKET_READ, &bucket));
    TRY(s3_show(call, entry_get(call->s3->core, &bucket, call->key, a, &entry), "Key", call->key));
    if (wanted & PARTS)
        TRY(entry_parts(call->s3->core, &entry, a, &parts));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "GetObjectAttributesResponse", S3_NAMESPACE);
    write_attributes(&b, a, &entry, wanted);
    if (parts.count)
        write_parts(&b, a, &parts, &page);
    xml_close(&b, "GetObjectAttributesResponse");
    http_reply_header(call->x, "Last-Modified", time_format_http(a, entry.modified_at_ms));
    return s3_reply_xml(call, &b);
}

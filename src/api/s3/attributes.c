/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjectAttributes: the properties of an object, without its bytes. Of its parts the reply shows only their number,
 * as S3 does for parts without checksums: a composite object does not keep the checksums of its parts. */
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
    if (wanted & PARTS && entry->part_count) {
        xml_open(b, "ObjectParts");
        xml_int(b, "PartsCount", entry->part_count);
        xml_close(b, "ObjectParts");
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
    unsigned wanted;
    TRY(read_attributes(call, &wanted));
    TRY(s3_check_version(call));
    TRY(s3_authorize_bucket(call, BUCKET_READ, &bucket));
    TRY(s3_show(call, entry_get(call->s3->core, &bucket, call->key, a, &entry), "Key", call->key));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "GetObjectAttributesResponse", S3_NAMESPACE);
    write_attributes(&b, a, &entry, wanted);
    xml_close(&b, "GetObjectAttributesResponse");
    http_reply_header(call->x, "Last-Modified", time_format_http(a, entry.modified_at_ms));
    return s3_reply_xml(call, &b);
}

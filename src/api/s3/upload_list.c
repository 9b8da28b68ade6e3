/* SPDX-License-Identifier: Apache-2.0 */
/* The uploads that are open in a bucket, and the parts that one of them has. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/records/entry.h"
#include "core/records/upload.h"

/* ---- ListParts ---- */

static void write_part(struct s3_call *call, struct buf *b, const struct upload_part *part)
{
    struct arena *a = &call->x->arena;
    struct entry as_entry = { .part_count = 0 };
    for (size_t i = 0; i < MD5_SIZE; i++)
        as_entry.md5[i] = part->md5[i];
    xml_open(b, "Part");
    xml_int(b, "PartNumber", part->number);
    xml_text(b, "LastModified", s3_time(a, part->stored_at_ms));
    s3_put_etag(b, entry_etag(&as_entry, a));
    xml_int(b, "Size", (int64_t)part->size_bytes);
    s3_digest_xml(b, a, &part->digest, 0);
    xml_close(b, "Part");
}

static void write_parts_head(struct s3_call *call, struct buf *b, const struct upload *upload, bool url)
{
    xml_begin(b);
    xml_open_ns(b, "ListPartsResult", S3_NAMESPACE);
    xml_text(b, "Bucket", call->bucket);
    s3_put_name(b, "Key", upload->key, url);
    xml_text(b, "UploadId", upload->name);
    s3_put_owner(b, "Initiator", &call->who, upload->owner_id);
    s3_put_owner(b, "Owner", &call->who, upload->owner_id);
    xml_text(b, "StorageClass", S("STANDARD"));
    s3_put_digest_kind(b, upload->digest, upload->digest_form);
    if (url)
        xml_text(b, "EncodingType", S("url"));
}

static err_t read_marker(struct s3_call *call, int64_t *ret)
{
    slice text;
    *ret = 0;
    if (!s3_param(call, "part-number-marker", &text) || text.n == 0)
        return NULL;
    if (slice_to_i64(text, ret) && *ret >= 0)
        return NULL;
    return s3_refuse_argument(call, S3_INVALID_ARGUMENT, "part-number-marker", text);
}

err_t s3_part_list(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct bucket bucket;
    struct upload upload;
    struct upload_part_list parts = { 0 };
    size_t max;
    int64_t after;
    bool url;
    slice name;
    s3_param(call, "uploadId", &name);
    TRY(s3_authorize_bucket(call, BUCKET_READ, &bucket));
    TRY(s3_count_param(call, "max-parts", &max));
    TRY(read_marker(call, &after));
    TRY(s3_encoding_param(call, &url));
    struct upload_ref ref = { &bucket, call->key, name };
    err_t e = upload_get(call->s3->core, &ref, a, &upload);
    if (!e)
        e = upload_parts(call->s3->core, &upload, after, max + 1, a, &parts);
    TRY(s3_show(call, e, "UploadId", name));
    bool more = max && parts.count > max;
    size_t count = parts.count < max ? parts.count : max;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    write_parts_head(call, &b, &upload, url);
    xml_int(&b, "PartNumberMarker", after);
    xml_int(&b, "NextPartNumberMarker", count ? parts.items[count - 1].number : 0);
    xml_int(&b, "MaxParts", (int64_t)max);
    xml_bool(&b, "IsTruncated", more);
    for (size_t i = 0; i < count; i++)
        write_part(call, &b, &parts.items[i]);
    xml_close(&b, "ListPartsResult");
    return s3_reply_xml(call, &b);
}

/* ---- ListMultipartUploads ---- */

#define UPLOADS_AT_ONCE 100               /* the headers and tags of one upload take up to 32 KiB */
#define LAST_CHARACTER "\xf4\x8f\xbf\xbf" /* U+10FFFF: sorts after almost every character */

struct upload_listing {
    struct s3_call *call;
    struct bucket bucket;
    slice prefix, delimiter, key_marker, id_marker;
    bool url;
    size_t max, count;
    bool more;
    struct buf items, prefixes;
    /* Where the listing continues: after this upload, and after the keys of this common prefix. In the exchange's
     * arena. */
    slice after_key, after_name, common;
    slice next_key, next_id; /* of the last one shown */
};

/* The common prefix under which the key is listed. Empty: the key is listed itself. */
static slice common_prefix_of(const struct upload_listing *u, slice key)
{
    if (u->delimiter.n == 0)
        return S("");
    size_t at = slice_find(slice_from(key, u->prefix.n), u->delimiter);
    return at == SLICE_NONE ? S("") : slice_part(key, 0, u->prefix.n + at + u->delimiter.n);
}

/* Continue after all keys with this common prefix. A key that has U+10FFFF after the prefix is still read; show_upload
 * leaves it out. */
static void skip_common(struct upload_listing *u, slice common)
{
    struct arena *a = &u->call->x->arena;
    slice parts[] = { common, S(LAST_CHARACTER) };
    u->common = arena_copy(a, common);
    u->after_key = arena_join(a, parts, LENGTH_OF(parts));
    u->after_name = S("");
}

static void write_upload(struct upload_listing *u, const struct upload *upload)
{
    struct buf *b = &u->items;
    SCRATCH(scratch);
    xml_open(b, "Upload");
    s3_put_name(b, "Key", upload->key, u->url);
    xml_text(b, "UploadId", upload->name);
    s3_put_owner(b, "Initiator", &u->call->who, upload->owner_id);
    s3_put_owner(b, "Owner", &u->call->who, upload->owner_id);
    xml_text(b, "StorageClass", S("STANDARD"));
    xml_text(b, "Initiated", s3_time(&scratch, upload->created_at_ms));
    s3_put_digest_kind(b, upload->digest, upload->digest_form);
    xml_close(b, "Upload");
}

/* Show one upload of a page. *ret_skipped: it was shown as a common prefix, which the rest of the page may belong to;
 * read on after it. */
static void show_upload(struct upload_listing *u, const struct upload *upload, bool *ret_skipped)
{
    struct arena *a = &u->call->x->arena;
    slice common = common_prefix_of(u, upload->key);
    bool known = common.n && slice_eq(common, u->common);
    u->more = !known && u->count == u->max;
    if (u->more)
        return;
    if (known || common.n == 0) {
        u->after_key = arena_copy(a, upload->key);
        u->after_name = arena_copy(a, upload->name);
    }
    if (known)
        return;
    u->count++;
    if (common.n == 0) {
        write_upload(u, upload);
        u->next_key = u->after_key;
        u->next_id = u->after_name;
        return;
    }
    xml_open(&u->prefixes, "CommonPrefixes");
    s3_put_name(&u->prefixes, "Prefix", common, u->url);
    xml_close(&u->prefixes, "CommonPrefixes");
    skip_common(u, common);
    u->next_key = u->common;
    u->next_id = S("");
    *ret_skipped = true;
}

static err_t collect_uploads(struct upload_listing *u)
{
    for (bool end = u->max == 0; !end && !u->more;) {
        SCRATCH(scratch);
        struct upload_list_request request = {
            .prefix = u->prefix, .after_key = u->after_key, .after_name = u->after_name, .limit = UPLOADS_AT_ONCE
        };
        struct upload_list page;
        bool skipped = false;
        err_t e = upload_list(u->call->s3->core, &u->bucket, &request, &scratch, &page);
        if (e)
            return err_copy(&u->call->x->arena, e);
        for (size_t i = 0; i < page.count && !u->more && !skipped; i++)
            show_upload(u, &page.items[i], &skipped);
        end = page.count < UPLOADS_AT_ONCE && !skipped;
    }
    return NULL;
}

static void write_uploads(struct upload_listing *u, struct buf *b)
{
    xml_begin(b);
    xml_open_ns(b, "ListMultipartUploadsResult", S3_NAMESPACE);
    xml_text(b, "Bucket", u->bucket.name);
    s3_put_name(b, "KeyMarker", u->key_marker, u->url);
    xml_text(b, "UploadIdMarker", u->id_marker);
    if (u->more) {
        s3_put_name(b, "NextKeyMarker", u->next_key, u->url);
        xml_text(b, "NextUploadIdMarker", u->next_id);
    }
    s3_put_name(b, "Prefix", u->prefix, u->url);
    if (u->delimiter.n)
        s3_put_name(b, "Delimiter", u->delimiter, u->url);
    if (u->url)
        xml_text(b, "EncodingType", S("url"));
    xml_int(b, "MaxUploads", (int64_t)u->max);
    xml_bool(b, "IsTruncated", u->more);
    buf_add(b, buf_slice(&u->items));
    buf_add(b, buf_slice(&u->prefixes));
    xml_close(b, "ListMultipartUploadsResult");
}

/* upload-id-marker has no meaning without key-marker. A key-marker that is a common prefix stands for all keys with
 * this prefix. */
static void start_listing(struct upload_listing *u)
{
    if (u->key_marker.n == 0)
        return;
    u->after_key = u->key_marker;
    u->after_name = u->id_marker;
    if (u->id_marker.n == 0 && slice_starts(u->key_marker, u->prefix) &&
        slice_eq(common_prefix_of(u, u->key_marker), u->key_marker))
        skip_common(u, u->key_marker);
}

err_t s3_upload_list(struct s3_call *call)
{
    struct upload_listing u = { .call = call, .after_key = S(""), .after_name = S("") };
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &u.bucket));
    TRY(s3_encoding_param(call, &u.url));
    TRY(s3_count_param(call, "max-uploads", &u.max));
    TRY(s3_text_param(call, "prefix", &u.prefix));
    TRY(s3_text_param(call, "delimiter", &u.delimiter));
    TRY(s3_text_param(call, "key-marker", &u.key_marker));
    TRY(s3_text_param(call, "upload-id-marker", &u.id_marker));
    buf_init(&u.items, 0);
    buf_init(&u.prefixes, 0);
    start_listing(&u);
    err_t e = collect_uploads(&u);
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    if (!e) {
        write_uploads(&u, &b);
        e = s3_reply_xml(call, &b);
    }
    buf_release(&u.items);
    buf_release(&u.prefixes);
    return e;
}

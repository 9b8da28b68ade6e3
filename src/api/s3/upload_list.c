/* SPDX-License-Identifier: Apache-2.0 */
/* The uploads that are open in a bucket, and the parts that one of them has. Both are sent in pieces (listing_priv.h). */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/listing_priv.h"
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

struct part_listing {
    struct piece_reply pieces;
    struct s3_call *call;
    struct bucket bucket;
    struct upload upload;
    size_t max, shown;
    int64_t after; /* the number of the part that was shown last; else the marker */
    bool more;     /* there are parts behind those of this page */
};

static void write_part(struct buf *b, const struct upload_part *part, struct arena *scratch)
{
    struct entry as_entry = { .part_count = 0 };
    for (size_t i = 0; i < MD5_SIZE; i++)
        as_entry.md5[i] = part->md5[i];
    xml_open(b, "Part");
    xml_int(b, "PartNumber", part->number);
    xml_text(b, "LastModified", s3_time(scratch, part->stored_at_ms));
    s3_put_etag(b, entry_etag(&as_entry, scratch));
    xml_int(b, "Size", (int64_t)part->size_bytes);
    s3_digest_xml(b, scratch, &part->digest, 0);
    xml_close(b, "Part");
}

/* Show what fits of the next rows. *ret_end: the page is complete. */
static err_t write_some_parts(struct part_listing *p, struct buf *out, struct arena *scratch, bool *ret_end)
{
    size_t left = p->max - p->shown, limit = left < S3_ROWS_AT_ONCE ? left + 1 : S3_ROWS_AT_ONCE;
    struct upload_part_list parts;
    TRY(upload_parts(p->call->s3->core, &p->upload, p->after, limit, scratch, &parts));
    for (size_t i = 0; i < parts.count && !piece_is_full(out); i++) {
        p->more = p->shown == p->max;
        if (p->more)
            break;
        write_part(out, &parts.items[i], scratch);
        p->after = parts.items[i].number;
        p->shown++;
    }
    bool shown_all = parts.count < limit && (parts.count == 0 || p->after == parts.items[parts.count - 1].number);
    *ret_end = p->more || shown_all;
    return NULL;
}

static err_t write_parts(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct part_listing *p = CONTAINER_OF(pieces, struct part_listing, pieces);
    bool end = p->max == 0;
    while (!end) {
        if (piece_is_full(out))
            return NULL;
        TRY(write_some_parts(p, out, scratch, &end));
    }
    xml_int(out, "NextPartNumberMarker", p->shown ? p->after : 0);
    xml_bool(out, "IsTruncated", p->more);
    xml_close(out, "ListPartsResult");
    *ret_end = true;
    return NULL;
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
    struct part_listing *p = arena_new(a, struct part_listing);
    struct buf *b = &p->pieces.first;
    bool url;
    slice name;
    piece_reply_init(&p->pieces, call->x, call->s3->log, write_parts);
    p->call = call;
    s3_param(call, "uploadId", &name);
    TRY(s3_authorize_bucket(call, BUCKET_READ, &p->bucket));
    TRY(s3_count_param(call, "max-parts", &p->max));
    TRY(read_marker(call, &p->after));
    TRY(s3_encoding_param(call, &url));
    struct upload_ref ref = { &p->bucket, call->key, name };
    TRY(s3_show(call, upload_get(call->s3->core, &ref, a, &p->upload), "UploadId", name));
    write_parts_head(call, b, &p->upload, url);
    xml_int(b, "PartNumberMarker", p->after);
    xml_int(b, "MaxParts", (int64_t)p->max);
    return s3_show(call, piece_reply_send(&p->pieces, 200, "application/xml"), "UploadId", name);
}

/* ---- ListMultipartUploads ---- */

#define PAGES_AT_ONCE 10                  /* of rows in one piece, also when few of them are shown */
#define LAST_CHARACTER "\xf4\x8f\xbf\xbf" /* U+10FFFF: sorts after almost every character */

struct upload_listing {
    struct piece_reply pieces;
    struct s3_call *call;
    struct bucket bucket;
    slice prefix, delimiter, key_marker, id_marker;
    bool url;
    size_t max, shown;
    bool more;        /* there are uploads behind those of this page */
    bool ends_common; /* what was shown last is `common` */
    /* Where the listing continues: after this upload, and after the keys of this common prefix. */
    struct buf after_key, after_name, common;
};

/* The common prefix under which the key is listed. Empty: the key is listed itself. */
static slice common_prefix_of(const struct upload_listing *u, slice key)
{
    if (u->delimiter.n == 0)
        return S("");
    size_t at = slice_find(slice_from(key, u->prefix.n), u->delimiter);
    return at == SLICE_NONE ? S("") : slice_part(key, 0, u->prefix.n + at + u->delimiter.n);
}

static void set_text(struct buf *b, slice text)
{
    buf_clear(b);
    buf_add(b, text);
}

/* Continue after all keys with this common prefix. A key that has U+10FFFF after the prefix is still read; show_upload
 * leaves it out. */
static void skip_common(struct upload_listing *u, slice common)
{
    set_text(&u->common, common);
    set_text(&u->after_key, common);
    buf_add(&u->after_key, S(LAST_CHARACTER));
    buf_clear(&u->after_name);
}

static void write_upload(struct upload_listing *u, struct buf *b, const struct upload *upload)
{
    const struct principal *who = &u->call->who;
    SCRATCH(scratch);
    xml_open(b, "Upload");
    s3_put_name(b, "Key", upload->key, u->url);
    xml_text(b, "UploadId", upload->name);
    s3_put_owner(b, "Initiator", who, upload->owner_id);
    s3_put_owner(b, "Owner", who, upload->owner_id);
    xml_text(b, "StorageClass", S("STANDARD"));
    xml_text(b, "Initiated", s3_time(&scratch, upload->created_at_ms));
    s3_put_digest_kind(b, upload->digest, upload->digest_form);
    xml_close(b, "Upload");
}

/* Show one upload. *ret_skipped: it was shown as a common prefix, which the rest of the rows may belong to; read on after
 * it. */
static void show_upload(struct upload_listing *u, struct buf *out, const struct upload *upload, bool *ret_skipped)
{
    slice common = common_prefix_of(u, upload->key);
    bool known = common.n && slice_eq(common, buf_slice(&u->common));
    u->more = !known && u->shown == u->max;
    if (u->more)
        return;
    if (known || common.n == 0) {
        set_text(&u->after_key, upload->key);
        set_text(&u->after_name, upload->name);
    }
    if (known)
        return;
    u->shown++;
    u->ends_common = common.n > 0;
    if (!u->ends_common) {
        write_upload(u, out, upload);
        return;
    }
    xml_open(out, "CommonPrefixes");
    s3_put_name(out, "Prefix", common, u->url);
    xml_close(out, "CommonPrefixes");
    skip_common(u, common);
    *ret_skipped = true;
}

/* Show what fits of the next rows. *ret_end: the page is complete. */
static err_t write_some_uploads(struct upload_listing *u, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct upload_list_request request = { .prefix = u->prefix,
                                           .after_key = buf_slice(&u->after_key),
                                           .after_name = buf_slice(&u->after_name),
                                           .limit = S3_ROWS_AT_ONCE };
    struct upload_list rows;
    bool skipped = false;
    TRY(upload_list(u->call->s3->core, &u->bucket, &request, scratch, &rows));
    size_t i = 0;
    for (; i < rows.count && !u->more && !skipped && !piece_is_full(out); i++)
        show_upload(u, out, &rows.items[i], &skipped);
    *ret_end = u->more || (i == rows.count && rows.count < S3_ROWS_AT_ONCE && !skipped);
    return NULL;
}

static void write_uploads_end(struct upload_listing *u, struct buf *b)
{
    if (u->more) {
        s3_put_name(b, "NextKeyMarker", buf_slice(u->ends_common ? &u->common : &u->after_key), u->url);
        xml_text(b, "NextUploadIdMarker", u->ends_common ? S("") : buf_slice(&u->after_name));
    }
    xml_bool(b, "IsTruncated", u->more);
    xml_close(b, "ListMultipartUploadsResult");
}

static err_t write_uploads(struct piece_reply *pieces, struct buf *out, struct arena *unused, bool *ret_end)
{
    struct upload_listing *u = CONTAINER_OF(pieces, struct upload_listing, pieces);
    (void)unused;
    *ret_end = u->max == 0;
    for (int pages = 0; !*ret_end; pages++) {
        if (piece_is_full(out) || pages == PAGES_AT_ONCE)
            return NULL;
        SCRATCH_OF(scratch, &u->call->x->arena); /* of these rows */
        err_t e = write_some_uploads(u, out, &scratch, ret_end);
        if (e)
            return err_copy(&u->call->x->arena, e);
    }
    write_uploads_end(u, out);
    return NULL;
}

static void write_uploads_head(struct upload_listing *u, struct buf *b)
{
    xml_begin(b);
    xml_open_ns(b, "ListMultipartUploadsResult", S3_NAMESPACE);
    xml_text(b, "Bucket", u->bucket.name);
    s3_put_name(b, "KeyMarker", u->key_marker, u->url);
    xml_text(b, "UploadIdMarker", u->id_marker);
    s3_put_name(b, "Prefix", u->prefix, u->url);
    if (u->delimiter.n)
        s3_put_name(b, "Delimiter", u->delimiter, u->url);
    if (u->url)
        xml_text(b, "EncodingType", S("url"));
    xml_int(b, "MaxUploads", (int64_t)u->max);
}

/* upload-id-marker has no meaning without key-marker. A key-marker that is a common prefix stands for all keys with
 * this prefix. */
static void start_listing(struct upload_listing *u)
{
    if (u->key_marker.n == 0)
        return;
    set_text(&u->after_key, u->key_marker);
    set_text(&u->after_name, u->id_marker);
    if (u->id_marker.n == 0 && slice_starts(u->key_marker, u->prefix) &&
        slice_eq(common_prefix_of(u, u->key_marker), u->key_marker))
        skip_common(u, u->key_marker);
}

static void release_positions(void *listing)
{
    struct upload_listing *u = listing;
    buf_release(&u->after_key);
    buf_release(&u->after_name);
    buf_release(&u->common);
}

err_t s3_upload_list(struct s3_call *call)
{
    struct upload_listing *u = arena_new(&call->x->arena, struct upload_listing);
    piece_reply_init(&u->pieces, call->x, call->s3->log, write_uploads);
    u->call = call;
    buf_init_on(&u->after_key, 0, &call->x->arena);
    buf_init_on(&u->after_name, 0, &call->x->arena);
    buf_init_on(&u->common, 0, &call->x->arena);
    arena_defer(&call->x->arena, release_positions, u);
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &u->bucket));
    TRY(s3_encoding_param(call, &u->url));
    TRY(s3_count_param(call, "max-uploads", &u->max));
    TRY(s3_text_param(call, "prefix", &u->prefix));
    TRY(s3_text_param(call, "delimiter", &u->delimiter));
    TRY(s3_text_param(call, "key-marker", &u->key_marker));
    TRY(s3_text_param(call, "upload-id-marker", &u->id_marker));
    start_listing(u);
    write_uploads_head(u, &u->pieces.first);
    return piece_reply_send(&u->pieces, 200, "application/xml");
}

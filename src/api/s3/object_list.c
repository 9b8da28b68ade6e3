/* SPDX-License-Identifier: Apache-2.0 */
/* ListObjects in both versions, and ListObjectVersions. Each key is written as XML while core reads the index, and the
 * document is sent in pieces (listing_priv.h), so a listing takes the memory of a piece. Each key has one version, "null",
 * because buckets keep no versions.
 *
 * A continuation token is the last name of the previous page, in base64. The server stores nothing for it, and a forged
 * token gives a client nothing that start-after would not give. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/listing_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"

#include <string.h>

#define ENTRY_MEMORY 4096 /* bytes of scratch memory for one key */

struct object_listing {
    struct piece_reply pieces;
    struct s3_call *call;
    struct bucket bucket;
    struct entry_list_request request; /* limit: how many items the page still lacks */
    slice start;                       /* marker, start-after or key-marker, as sent */
    bool url, owners;
    const char *element; /* of a key */
    void (*write_end)(struct object_listing *,
                      struct buf *); /* what stands between the items and the end of the root */
    const char *root;
    size_t count;
    bool more;                /* there is another page */
    bool full;                /* the piece has no room left */
    char last[ENTRY_KEY_MAX]; /* the key or common prefix that was shown last */
    size_t last_bytes;
    struct buf *out;  /* the piece that is being written */
    struct buf owner; /* the last <Owner> that was written, that of owner_id */
    int64_t owner_id;
};

static slice last_of(const struct object_listing *l)
{
    return (slice){ l->last, l->last_bytes };
}

/* Most keys have the same owner as the key before. */
static void write_owner(struct object_listing *l, int64_t owner_id)
{
    if (l->owner.n == 0 || l->owner_id != owner_id) {
        buf_clear(&l->owner);
        s3_put_owner(&l->owner, "Owner", &l->call->who, owner_id);
        l->owner_id = owner_id;
    }
    buf_add(l->out, buf_slice(&l->owner));
}

static void write_entry(struct object_listing *l, const struct entry *e)
{
    char memory[ENTRY_MEMORY];
    SCOPED(arena_releasep) struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    struct buf *b = l->out;
    xml_open(b, l->element);
    s3_put_name(b, "Key", e->key, l->url);
    if (slice_eq(slice_of(l->element), S("Version")))
        buf_add(b, S("<VersionId>null</VersionId><IsLatest>true</IsLatest>"));
    xml_text(b, "LastModified", s3_time(&a, e->modified_at_ms));
    s3_put_etag(b, entry_etag(e, &a));
    s3_put_digest_kind(b, e->digest.kind, e->digest.form);
    xml_int(b, "Size", (int64_t)e->size_bytes);
    if (l->owners)
        write_owner(l, e->owner_id);
    buf_add(b, S("<StorageClass>STANDARD</StorageClass>"));
    xml_close(b, l->element);
}

static err_t write_listed(void *arg, const struct entry *e, slice common_prefix, bool *ret_full)
{
    struct object_listing *l = arg;
    *ret_full = l->full = piece_is_full(l->out);
    if (l->full)
        return NULL;
    l->count++;
    if (e) {
        write_entry(l, e);
        return NULL;
    }
    xml_open(l->out, "CommonPrefixes");
    s3_put_name(l->out, "Prefix", common_prefix, l->url);
    xml_close(l->out, "CommonPrefixes");
    return NULL;
}

static err_t write_objects(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct object_listing *l = CONTAINER_OF(pieces, struct object_listing, pieces);
    struct entry_list_end end = { 0 };
    size_t before = l->count;
    l->out = out;
    l->full = false;
    if (l->request.limit > 0) /* 0: the client only asks whether the bucket exists */
        TRY(entry_list(l->call->s3->core, &l->bucket, &l->request, scratch, &end));
    if (l->count > before) {
        memcpy(l->last, end.last.p, end.last.n);
        l->last_bytes = end.last.n;
        l->request.after = last_of(l);
        l->request.limit -= l->count - before;
    }
    l->more = end.more;
    if (l->full)
        return NULL;
    xml_bool(out, "IsTruncated", l->more);
    l->write_end(l, out);
    xml_close(out, l->root);
    *ret_end = true;
    return NULL;
}

static void release_owner(void *owner)
{
    buf_release(owner);
}

/* Read the parameters that all three listings have. */
static err_t listing_read(struct s3_call *call, struct object_listing *l)
{
    piece_reply_init(&l->pieces, call->x, call->s3->log, write_objects);
    l->call = call;
    buf_init(&l->owner, 0);
    arena_defer(&call->x->arena, release_owner, &l->owner);
    l->request.visit = write_listed;
    l->request.arg = l;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &l->bucket));
    TRY(s3_encoding_param(call, &l->url));
    TRY(s3_count_param(call, "max-keys", &l->request.limit));
    TRY(s3_text_param(call, "prefix", &l->request.prefix));
    return s3_text_param(call, "delimiter", &l->request.delimiter);
}

static void write_optional_name(struct buf *b, const char *element, slice value, bool url)
{
    if (value.n)
        s3_put_name(b, element, value, url);
}

static void write_listing_head(struct object_listing *l)
{
    struct buf *b = &l->pieces.first;
    xml_begin(b);
    xml_open_ns(b, l->root, S3_NAMESPACE);
    xml_text(b, "Name", l->bucket.name);
    s3_put_name(b, "Prefix", l->request.prefix, l->url);
    write_optional_name(b, "Delimiter", l->request.delimiter, l->url);
    xml_int(b, "MaxKeys", (int64_t)l->request.limit);
    if (l->url)
        xml_text(b, "EncodingType", S("url"));
}

static err_t reply_listing(struct object_listing *l)
{
    struct s3_call *call = l->call;
    http_reply_header(call->x, "x-amz-bucket-region", call->s3->options.region);
    return piece_reply_send(&l->pieces, 200, "application/xml");
}

/* ---- the two versions of ListObjects ---- */

static void end_list_v1(struct object_listing *l, struct buf *b)
{
    if (l->more && l->request.delimiter.n) /* without a delimiter, clients use the last key as the next marker */
        s3_put_name(b, "NextMarker", last_of(l), l->url);
}

static err_t list_v1(struct s3_call *call)
{
    struct object_listing *l = arena_new(&call->x->arena, struct object_listing);
    l->owners = true;
    l->element = "Contents";
    l->root = "ListBucketResult";
    l->write_end = end_list_v1;
    TRY(listing_read(call, l));
    TRY(s3_text_param(call, "marker", &l->start));
    l->request.after = l->start;
    write_listing_head(l);
    s3_put_name(&l->pieces.first, "Marker", l->start, l->url);
    return reply_listing(l);
}

/* Absent: *ret is empty. Refuses tokens that the server did not make. */
static err_t read_continuation_token(struct s3_call *call, slice *ret_token, slice *ret)
{
    *ret = S("");
    if (!s3_param(call, "continuation-token", ret_token))
        return NULL;
    if (ret_token->n && base64_decode(&call->x->arena, *ret_token, ret) && ret->n && slice_is_utf8(*ret))
        return NULL;
    return s3_refuse_argument(call, S3_CONTINUATION_TOKEN, "continuation-token", S3_NO_VALUE);
}

static void end_list_v2(struct object_listing *l, struct buf *b)
{
    SCRATCH(scratch);
    if (l->more)
        xml_text(b, "NextContinuationToken", base64_encode(&scratch, last_of(l)));
    xml_int(b, "KeyCount", (int64_t)l->count);
}

static err_t list_v2(struct s3_call *call)
{
    struct object_listing *l = arena_new(&call->x->arena, struct object_listing);
    struct buf *b = &l->pieces.first;
    slice token, after, owner;
    l->element = "Contents";
    l->root = "ListBucketResult";
    l->write_end = end_list_v2;
    TRY(listing_read(call, l));
    TRY(s3_text_param(call, "start-after", &l->start));
    TRY(read_continuation_token(call, &token, &after));
    l->owners = s3_param(call, "fetch-owner", &owner) && slice_eq_nocase(owner, S("true"));
    l->request.after = after.n ? after : l->start;
    write_listing_head(l);
    write_optional_name(b, "ContinuationToken", token, false);
    write_optional_name(b, "StartAfter", l->start, l->url);
    return reply_listing(l);
}

err_t s3_objects_list(struct s3_call *call)
{
    slice type;
    if (!s3_param(call, "list-type", &type))
        return list_v1(call);
    return slice_eq(type, S("2")) ? list_v2(call) : s3_refuse_argument(call, S3_LIST_TYPE, "list-type", type);
}

/* ---- versions ---- */

static void end_versions(struct object_listing *l, struct buf *b)
{
    if (!l->more)
        return;
    s3_put_name(b, "NextKeyMarker", last_of(l), l->url);
    xml_text(b, "NextVersionIdMarker", S("null"));
}

err_t s3_versions_list(struct s3_call *call)
{
    struct object_listing *l = arena_new(&call->x->arena, struct object_listing);
    slice version;
    l->owners = true;
    l->element = "Version";
    l->root = "ListVersionsResult";
    l->write_end = end_versions;
    TRY(listing_read(call, l));
    TRY(s3_text_param(call, "key-marker", &l->start));
    TRY(s3_text_param(call, "version-id-marker", &version));
    if (version.n && l->start.n == 0)
        return s3_refuse_argument(call, S3_VERSION_MARKER, "version-id-marker", version);
    l->request.after = l->start; /* the key of the marker has no further version */
    write_listing_head(l);
    s3_put_name(&l->pieces.first, "KeyMarker", l->start, l->url);
    xml_text(&l->pieces.first, "VersionIdMarker", version);
    return reply_listing(l);
}

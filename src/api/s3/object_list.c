/* SPDX-License-Identifier: Apache-2.0 */
/* ListObjects in both versions, and ListObjectVersions. Each key is written as XML while core reads the index, so the
 * memory that a page takes is its text. Each key has one version, "null", because buckets keep no versions.
 *
 * A continuation token is the last name of the previous page, in base64. The server stores nothing for it, and a forged
 * token gives a client nothing that start-after would not give. */
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

#define ENTRY_MEMORY 4096 /* bytes of scratch memory for one key */

struct object_listing {
    struct s3_call *call;
    struct bucket bucket;
    struct entry_list_request request;
    slice start; /* marker, start-after or key-marker, as sent */
    bool url, owners, versions;
    struct buf keys, prefixes, owner; /* owner: the last <Owner> that was written, that of owner_id */
    int64_t owner_id;
    size_t count;
    struct entry_list_end end;
};

/* Most keys have the same owner as the key before. */
static void write_owner(struct object_listing *l, int64_t owner_id)
{
    if (l->owner.n == 0 || l->owner_id != owner_id) {
        buf_clear(&l->owner);
        s3_put_owner(&l->owner, "Owner", &l->call->who, owner_id);
        l->owner_id = owner_id;
    }
    buf_add(&l->keys, buf_slice(&l->owner));
}

static void write_entry(struct object_listing *l, const struct entry *e)
{
    char memory[ENTRY_MEMORY];
    SCOPED(arena_releasep) struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    struct buf *b = &l->keys;
    const char *element = l->versions ? "Version" : "Contents";
    xml_open(b, element);
    s3_put_name(b, "Key", e->key, l->url);
    if (l->versions)
        buf_add(b, S("<VersionId>null</VersionId><IsLatest>true</IsLatest>"));
    xml_text(b, "LastModified", s3_time(&a, e->modified_at_ms));
    s3_put_etag(b, entry_etag(e, &a));
    s3_put_digest_kind(b, e->digest.kind, e->digest.form);
    xml_int(b, "Size", (int64_t)e->size_bytes);
    if (l->owners)
        write_owner(l, e->owner_id);
    buf_add(b, S("<StorageClass>STANDARD</StorageClass>"));
    xml_close(b, element);
}

static err_t write_listed(void *arg, const struct entry *e, slice common_prefix)
{
    struct object_listing *l = arg;
    l->count++;
    if (e) {
        write_entry(l, e);
        return NULL;
    }
    xml_open(&l->prefixes, "CommonPrefixes");
    s3_put_name(&l->prefixes, "Prefix", common_prefix, l->url);
    xml_close(&l->prefixes, "CommonPrefixes");
    return NULL;
}

/* Read the parameters that all three listings have. */
static err_t listing_read(struct s3_call *call, struct object_listing *l)
{
    l->call = call;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &l->bucket));
    TRY(s3_encoding_param(call, &l->url));
    TRY(s3_count_param(call, "max-keys", &l->request.limit));
    TRY(s3_text_param(call, "prefix", &l->request.prefix));
    return s3_text_param(call, "delimiter", &l->request.delimiter);
}

static void listing_release(struct object_listing *l)
{
    buf_release(&l->keys);
    buf_release(&l->prefixes);
    buf_release(&l->owner);
}

static err_t listing_run(struct object_listing *l)
{
    struct s3_call *call = l->call;
    buf_init(&l->keys, 0);
    buf_init(&l->prefixes, 0);
    buf_init(&l->owner, 0);
    if (l->request.limit == 0) /* the client only asks whether the bucket exists */
        return NULL;
    l->request.visit = write_listed;
    l->request.arg = l;
    err_t e = entry_list(call->s3->core, &l->bucket, &l->request, &call->x->arena, &l->end);
    if (e)
        listing_release(l);
    return e;
}

static void write_optional_name(struct buf *b, const char *element, slice value, bool url)
{
    if (value.n)
        s3_put_name(b, element, value, url);
}

static void write_listing_head(struct object_listing *l, struct buf *b, const char *root)
{
    xml_begin(b);
    xml_open_ns(b, root, S3_NAMESPACE);
    xml_text(b, "Name", l->bucket.name);
    s3_put_name(b, "Prefix", l->request.prefix, l->url);
    write_optional_name(b, "Delimiter", l->request.delimiter, l->url);
    xml_int(b, "MaxKeys", (int64_t)l->request.limit);
    if (l->url)
        xml_text(b, "EncodingType", S("url"));
    xml_bool(b, "IsTruncated", l->end.more);
}

static err_t reply_listing(struct object_listing *l, struct buf *b, const char *root)
{
    buf_add(b, buf_slice(&l->keys));
    buf_add(b, buf_slice(&l->prefixes));
    xml_close(b, root);
    listing_release(l);
    http_reply_header(l->call->x, "x-amz-bucket-region", l->call->s3->options.region);
    err_t e = s3_reply_xml(l->call, b);
    buf_release(b);
    return e;
}

/* ---- the two versions of ListObjects ---- */

static err_t list_v1(struct s3_call *call)
{
    struct object_listing l = { .owners = true };
    TRY(listing_read(call, &l));
    TRY(s3_text_param(call, "marker", &l.start));
    l.request.after = l.start;
    TRY(listing_run(&l));
    struct buf b;
    buf_init(&b, 0);
    write_listing_head(&l, &b, "ListBucketResult");
    s3_put_name(&b, "Marker", l.start, l.url);
    if (l.end.more && l.request.delimiter.n) /* without a delimiter, clients use the last key as the next marker */
        s3_put_name(&b, "NextMarker", l.end.last, l.url);
    return reply_listing(&l, &b, "ListBucketResult");
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

static err_t list_v2(struct s3_call *call)
{
    struct object_listing l = { 0 };
    slice token, after, owner;
    TRY(listing_read(call, &l));
    TRY(s3_text_param(call, "start-after", &l.start));
    TRY(read_continuation_token(call, &token, &after));
    l.owners = s3_param(call, "fetch-owner", &owner) && slice_eq_nocase(owner, S("true"));
    l.request.after = after.n ? after : l.start;
    TRY(listing_run(&l));
    struct buf b;
    buf_init(&b, 0);
    write_listing_head(&l, &b, "ListBucketResult");
    write_optional_name(&b, "ContinuationToken", token, false);
    if (l.end.more)
        xml_text(&b, "NextContinuationToken", base64_encode(&call->x->arena, l.end.last));
    xml_int(&b, "KeyCount", (int64_t)l.count);
    write_optional_name(&b, "StartAfter", l.start, l.url);
    return reply_listing(&l, &b, "ListBucketResult");
}

err_t s3_objects_list(struct s3_call *call)
{
    slice type;
    if (!s3_param(call, "list-type", &type))
        return list_v1(call);
    return slice_eq(type, S("2")) ? list_v2(call) : s3_refuse_argument(call, S3_LIST_TYPE, "list-type", type);
}

/* ---- versions ---- */

err_t s3_versions_list(struct s3_call *call)
{
    struct object_listing l = { .owners = true, .versions = true };
    slice version;
    TRY(listing_read(call, &l));
    TRY(s3_text_param(call, "key-marker", &l.start));
    TRY(s3_text_param(call, "version-id-marker", &version));
    if (version.n && l.start.n == 0)
        return s3_refuse_argument(call, S3_VERSION_MARKER, "version-id-marker", version);
    l.request.after = l.start; /* the key of the marker has no further version */
    TRY(listing_run(&l));
    struct buf b;
    buf_init(&b, 0);
    write_listing_head(&l, &b, "ListVersionsResult");
    s3_put_name(&b, "KeyMarker", l.start, l.url);
    xml_text(&b, "VersionIdMarker", version);
    if (l.end.more) {
        s3_put_name(&b, "NextKeyMarker", l.end.last, l.url);
        xml_text(&b, "NextVersionIdMarker", S("null"));
    }
    return reply_listing(&l, &b, "ListVersionsResult");
}

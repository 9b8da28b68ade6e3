/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: list, create, head, delete, location, versioning. */
#include "core/bucket/bucket.h"
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/listing_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/live.h"
#include "base/text.h"
#include "base/xml.h"

/* S3 shows us-east-1 as an empty location, and its clients expect that. */
static slice location(const struct s3_call *call)
{
    slice region = call->s3->options.region;
    return slice_eq(region, S("us-east-1")) ? S("") : region;
}

/* ---- ListBuckets ---- */

#define BUCKETS_MAX 10000 /* in one page */

struct bucket_listing {
    struct piece_reply pieces;
    struct s3_call *call;
    slice prefix;
    uint64_t max, shown;
    bool asked;       /* the request has parameters of a page: then each bucket shows its region */
    struct buf after; /* the bucket that was shown last, or that the token names */
    bool more;        /* there are buckets behind those of this page */
};

static err_t read_bucket_token(struct s3_call *call, struct bucket_listing *l, bool *ret_goes_on)
{
    slice token, after;
    *ret_goes_on = s3_param(call, "continuation-token", &token) && token.n;
    if (!*ret_goes_on)
        return NULL;
    if (!base64_decode(&call->x->arena, token, &after) || !slice_is_utf8(after))
        return s3_refuse_argument(call, S3_CONTINUATION_TOKEN, "continuation-token", S3_NO_VALUE);
    buf_add(&l->after, after);
    return NULL;
}

static err_t read_bucket_page(struct s3_call *call, struct bucket_listing *l)
{
    slice max;
    bool goes_on;
    l->max = BUCKETS_MAX;
    bool limits = s3_param(call, "max-buckets", &max);
    if (limits && (!slice_to_u64(max, &l->max) || l->max < 1 || l->max > BUCKETS_MAX))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, "max-buckets", max);
    TRY(read_bucket_token(call, l, &goes_on));
    bool filters = s3_param(call, "prefix", &l->prefix);
    l->asked = limits || goes_on || filters;
    return s3_text_param(call, "prefix", &l->prefix);
}

static void write_bucket(struct bucket_listing *l, struct buf *b, const struct bucket *bucket, struct arena *scratch)
{
    xml_open(b, "Bucket");
    xml_text(b, "Name", bucket->name);
    xml_text(b, "CreationDate", s3_time(scratch, bucket->created_at_ms));
    if (l->asked)
        xml_text(b, "BucketRegion", l->call->s3->options.region);
    xml_close(b, "Bucket");
    buf_clear(&l->after);
    buf_add(&l->after, bucket->name);
    l->shown++;
}

/* Show what fits of the next rows. *ret_end: the page is complete. */
static err_t write_some_buckets(struct bucket_listing *l, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct s3_call *call = l->call;
    struct bucket_range range = { .from = l->prefix, .after = buf_slice(&l->after), .limit = S3_ROWS_AT_ONCE };
    struct bucket_list rows;
    TRY(bucket_list(call->s3->core, &call->who, &range, scratch, &rows));
    size_t i = 0;
    for (; i < rows.count && !piece_is_full(out); i++) {
        bool inside = slice_starts(rows.items[i].name, l->prefix);
        l->more = inside && l->shown == l->max;
        *ret_end = !inside || l->more;
        if (*ret_end)
            return NULL;
        write_bucket(l, out, &rows.items[i], scratch);
    }
    *ret_end = i == rows.count && rows.count < S3_ROWS_AT_ONCE;
    return NULL;
}

static err_t write_buckets(struct piece_reply *pieces, struct buf *out, struct arena *scratch, bool *ret_end)
{
    struct bucket_listing *l = CONTAINER_OF(pieces, struct bucket_listing, pieces);
    for (bool end = false; !end;) {
        if (piece_is_full(out))
            return NULL;
        TRY(write_some_buckets(l, out, scratch, &end));
    }
    xml_close(out, "Buckets");
    if (l->more)
        xml_text(out, "ContinuationToken", base64_encode(scratch, buf_slice(&l->after)));
    if (l->prefix.n)
        xml_text(out, "Prefix", l->prefix);
    xml_close(out, "ListAllMyBucketsResult");
    *ret_end = true;
    return NULL;
}

static void release_after(void *after)
{
    buf_release(after);
}

err_t s3_buckets_list(struct s3_call *call)
{
    struct bucket_listing *l = arena_new(&call->x->arena, struct bucket_listing);
    struct buf *b = &l->pieces.first;
    piece_reply_init(&l->pieces, call->x, call->s3->log, write_buckets);
    l->call = call;
    buf_init(&l->after, 0);
    arena_defer(&call->x->arena, release_after, &l->after);
    TRY(read_bucket_page(call, l));
    xml_begin(b);
    xml_open_ns(b, "ListAllMyBucketsResult", S3_NAMESPACE);
    s3_put_owner(b, "Owner", &call->who, call->who.user_id);
    xml_open(b, "Buckets");
    return piece_reply_send(&l->pieces, 200, "application/xml");
}

/* ---- create, head, delete ---- */

/* Refuses headers that ask for more than a private bucket that the account owns. */
static err_t check_create_headers(struct s3_call *call)
{
    const struct http_request *req = &call->x->req;
    slice acl = http_header(req, "x-amz-acl"), owner = http_header(req, "x-amz-object-ownership");
    slice lock = http_header(req, "x-amz-bucket-object-lock-enabled");
    if (acl.n && !slice_eq(acl, S("private")))
        return s3_refuse(&call->x->arena, S3_ACL_NOT_SUPPORTED);
    if (slice_eq_nocase(lock, S("true")) || (owner.n && !slice_eq(owner, S("BucketOwnerEnforced"))))
        return s3_refuse(&call->x->arena, S3_NOT_IMPLEMENTED);
    return NULL;
}

static bool is_region_name(slice name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-'))
            return slice_eq(name, S("EU"));
    return name.n <= 32;
}

/* The server has one region. Clients name the region that they are configured for, so without only_region every name
 * is accepted, as in signatures. */
static err_t check_create_document(struct s3_call *call)
{
    const struct xml *root;
    if (call->x->req.body.n == 0)
        return NULL;
    TRY(s3_read_document(call, "CreateBucketConfiguration", &root));
    const struct s3_options *o = &call->s3->options;
    slice wanted = slice_trim(xml_child_text(root, "LocationConstraint"));
    if (xml_child(root, "Location") || xml_child(root, "Bucket") || xml_child(root, "Tags"))
        return s3_refuse(&call->x->arena, S3_NOT_IMPLEMENTED);
    if (is_region_name(wanted) && (wanted.n == 0 || !LIVE(o->only_region) || slice_eq(wanted, o->region)))
        return NULL;
    return s3_show(call, s3_refuse(&call->x->arena, S3_INVALID_LOCATION), "LocationConstraint", wanted);
}

/* Does the name begin or end like those that clients take for access points and other things that are no buckets? */
static bool is_other_kind_of_name(slice name)
{
    static const char *const beginnings[] = { "xn--", "sthree-", "amzn-s3-demo-" };
    static const char *const ends[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3" };
    for (size_t i = 0; i < LENGTH_OF(beginnings); i++)
        if (slice_starts(name, slice_of(beginnings[i])))
            return true;
    for (size_t i = 0; i < LENGTH_OF(ends); i++)
        if (slice_ends(name, slice_of(ends[i])))
            return true;
    return false;
}

err_t s3_bucket_create(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    TRY(check_create_headers(call));
    TRY(check_create_document(call));
    err_t e = is_other_kind_of_name(call->bucket) ? s3_refuse(&x->arena, S3_INVALID_BUCKET_NAME)
                                                  : bucket_create(call->s3->core, &call->who, call->bucket, &x->arena);
    if (err_reason(e) == REASON_BUCKET_OWNED && !location(call).n)
        e = NULL; /* in us-east-1, and only there, S3 says that the owner has it already (API reference, CreateBucket) */
    TRY(err_reason(e) ? s3_show(call, e, "BucketName", call->bucket) : e);
    slice parts[] = { S("/"), call->bucket };
    http_reply_header(x, "Location", arena_join(&x->arena, parts, LENGTH_OF(parts)));
    return s3_reply_status(call, 200);
}

err_t s3_bucket_head(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &bucket));
    http_reply_header(call->x, "x-amz-bucket-region", call->s3->options.region);
    http_reply_header(call->x, "x-amz-access-point-alias", S("false"));
    http_reply(call->x, 200, "application/xml", S(""));
    return NULL;
}

err_t s3_bucket_delete(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    err_t e = bucket_remove(call->s3->core, &call->who, call->bucket, &call->x->arena);
    TRY(s3_show(call, e, "BucketName", call->bucket));
    return s3_reply_status(call, 204);
}

err_t s3_bucket_location(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &bucket));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "LocationConstraint", S3_NAMESPACE);
    xml_add(&b, location(call));
    xml_close(&b, "LocationConstraint");
    return s3_reply_xml(call, &b);
}

/* ---- versioning ---- */

err_t s3_versioning_get(struct s3_call *call)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_LIST, &bucket));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "VersioningConfiguration", S3_NAMESPACE);
    xml_close(&b, "VersioningConfiguration");
    return s3_reply_xml(call, &b);
}

/* Each key has one version. What is suspended could be enabled again, and GET would have to show it: so neither is accepted. */
err_t s3_versioning_put(struct s3_call *call)
{
    struct bucket bucket;
    const struct xml *root;
    TRY(s3_authorize_bucket(call, BUCKET_MANAGE, &bucket));
    TRY(s3_read_document(call, "VersioningConfiguration", &root));
    slice status = slice_trim(xml_child_text(root, "Status"));
    bool is_known = slice_eq(status, S("Enabled")) || slice_eq(status, S("Suspended"));
    return s3_refuse(&call->x->arena,
                     is_known || xml_child(root, "MfaDelete") ? S3_NO_VERSIONING : S3_VERSIONING_STATUS);
}

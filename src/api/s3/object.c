/* SPDX-License-Identifier: Apache-2.0 */
/* One object: put, get, head, delete. A small put needs no worker: it runs on the loop, the committer commits it, and
 * the loop replies. */
#include "api/kit/content_reply.h"
#include "api/s3/body_priv.h"
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/copy_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/headers_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "api/s3/tags_priv.h"
#include "base/live.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/file/file.h"

#include <string.h>

static slice quoted(struct arena *a, slice etag)
{
    const slice parts[] = { S("\""), etag, S("\"") };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* ---- put ---- */

struct object_put {
    struct s3_call *call;
    struct bucket bucket;
    struct entry_request request;
    struct entry_put put;
    slice etag;
    struct digest digest;
};

static err_t reply_object_stored(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    const struct object_put *p = call->state;
    http_reply_header(x, "ETag", quoted(&x->arena, p->etag));
    s3_digest_header(call, &p->digest, 0);
    http_reply(x, 200, NULL, S(""));
    return NULL;
}

static err_t refuse_put_condition(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    const struct object_put *p = call->state;
    return s3_refuse_condition(call, &p->bucket, &p->request.condition);
}

static void object_stored(void *arg, err_t e, const struct entry_stored *stored)
{
    struct object_put *p = arg;
    struct http_exchange *x = p->call->x;
    if (err_reason(e) == REASON_ENTRY_CONDITION) {
        http_on_loop(x, refuse_put_condition);
        return;
    }
    if (e) {
        http_fail(x, e);
        return;
    }
    p->etag = arena_copy(&x->arena, stored->etag);
    p->digest = stored->digest;
    http_on_loop(x, reply_object_stored);
}

static err_t object_received(struct s3_call *call, void *arg, err_t e)
{
    struct object_put *p = arg;
    (void)call;
    if (e)
        entry_put_discard(&p->put);
    else
        entry_put_finish(&p->put, object_stored, p);
    return e;
}

static err_t check_object_size(struct s3_call *call, int64_t bytes)
{
    uint64_t max_bytes = LIVE(call->s3->options.max_object_bytes);
    if (!max_bytes || bytes < 0 || (uint64_t)bytes <= max_bytes)
        return NULL;
    struct arena *a = &call->x->arena;
    err_t e = s3_refuse(a, S3_ENTITY_TOO_LARGE);
    s3_show(call, e, "ProposedSize", arena_printf(a, "%lld", (long long)bytes));
    return s3_show(call, e, "MaxSizeAllowed", arena_printf(a, "%llu", (unsigned long long)max_bytes));
}

static err_t put_object(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct object_put *p = arena_new(a, struct object_put);
    struct s3_declared declared;
    p->call = call;
    call->state = p;
    struct entry_request *o = &p->request;
    o->key = call->key;
    o->max_bytes = LIVE(call->s3->options.max_object_bytes);
    TRY(s3_body_length(call, &o->exact_bytes));
    TRY(check_object_size(call, o->exact_bytes));
    TRY(s3_headers_read(call, &o->headers, &o->tags));
    TRY(s3_declared_read(call, &declared));
    TRY(s3_condition_read(call, &o->condition));
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &p->bucket));
    o->digest = declared.digest.kind;
    if (o->digest == DIGEST_NONE && p->bucket.kind == BUCKET_OPEN)
        o->digest = DIGEST_CRC64NVME; /* Amazon S3 user guide, "Checking object integrity" */
    err_t e = entry_put_open(call->s3->core, &call->who, &p->bucket, o, a, &p->put);
    if (err_reason(e) == REASON_ENTRY_CONDITION)
        return s3_refuse_condition(call, &p->bucket, &o->condition);
    TRY(e);
    s3_body_receive(call, p->put.intake, &declared, object_received, p);
    return NULL;
}

static err_t run_object_copy(struct http_exchange *x)
{
    return s3_object_copy(x->work);
}

err_t s3_object_put(struct s3_call *call)
{
    if (!http_has_header(&call->x->req, "x-amz-copy-source"))
        return put_object(call);
    http_collect(call->x, HTTP_LANE_ORDINARY, 0, run_object_copy);
    return NULL;
}

/* ---- get ---- */

struct object_get {
    struct bucket bucket;
    struct content_reply download;
    struct entry entry;
    struct object_part part; /* if ?partNumber= asks for it */
};

/* Reduce the reply to one part, as it was uploaded, if ?partNumber= asks for it. */
static err_t select_part(struct s3_call *call, struct object_get *g)
{
    slice text;
    int64_t number;
    if (!s3_param(call, "partNumber", &text))
        return NULL;
    if (!slice_to_i64(text, &number) || number < 1 || number > UPLOAD_PARTS_MAX)
        return s3_refuse_argument(call, S3_PART_NUMBER, "partNumber", S3_NO_VALUE);
    if (http_has_header(&call->x->req, "Range"))
        return s3_refuse(&call->x->arena, S3_RANGE_AND_PART);
    TRY(entry_part(call->s3->core, &g->entry, number, &call->x->arena, &g->part));
    g->download.http.part_first = g->part.offset;
    g->download.http.part_count = g->part.object.size_bytes;
    g->download.http.is_part = true;
    return NULL;
}

/* Only a reply with the whole object, or with a whole part, shows a checksum, because clients compare it with the bytes that they
 * receive. */
static void add_checksum_header(struct s3_call *call, const struct object_get *g)
{
    slice mode = http_header(&call->x->req, "x-amz-checksum-mode");
    if (!slice_eq_nocase(mode, S("ENABLED")) || http_has_header(&call->x->req, "Range"))
        return;
    if (g->download.http.is_part)
        s3_part_digest_header(call, &g->part.digest, &g->entry.digest);
    else
        s3_digest_header(call, &g->entry.digest, g->entry.part_count);
}

static void add_count_headers(struct s3_call *call, const struct object_get *g)
{
    struct arena *a = &call->x->arena;
    struct s3_tag tags[S3_TAGS_MAX];
    size_t count;
    slice unused;
    if (g->entry.part_count && s3_param(call, "partNumber", &unused))
        http_reply_header(call->x, "x-amz-mp-parts-count", arena_printf(a, "%lld", (long long)g->entry.part_count));
    if (g->entry.tags.n && s3_tags_read(a, g->entry.tags, tags, &count) && count)
        http_reply_header(call->x, "x-amz-tagging-count", arena_printf(a, "%zu", count));
}

static err_t send_object(struct s3_call *call, struct object_get *g)
{
    struct http_content *http = &g->download.http;
    http_content_headers(call->x);
    err_t e = select_part(call, g);
    if (!e)
        e = s3_headers_write(call, &g->entry, &http->content_type);
    if (e) {
        content_close(&g->download.content);
        return e;
    }
    add_checksum_header(call, g);
    add_count_headers(call, g);
    content_reply_prepare(&g->download);
    http->head_has_ranges = true; /* "only the ContentLength is affected" (Amazon S3 API reference, HeadObject) */
    http->etag = quoted(&call->x->arena, entry_etag(&g->entry, &call->x->arena));
    http->last_modified_ms = g->entry.modified_at_ms;
    http_reply_content(call->x, http);
    return NULL;
}

/* On a worker: it takes more than a loop may do to read where thousands of parts are. */
static err_t get_object_of_many_parts(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    struct object_get *g = call->state;
    err_t e = entry_open(call->s3->core, &g->bucket, call->key, &x->arena, &g->entry, &g->download.content);
    TRY(s3_show_missing(call, e, "Key", call->key));
    return send_object(call, g);
}

err_t s3_object_get(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    struct object_get *g = arena_new(&x->arena, struct object_get);
    slice part_number;
    call->state = g;
    TRY(s3_check_version(call));
    TRY(s3_authorize_bucket(call, BUCKET_READ, &g->bucket));
    bool may_be_slow = s3_param(call, "partNumber", &part_number); /* finding one part means reading all */
    if (!may_be_slow) {
        err_t e = entry_open_quickly(call->s3->core, &g->bucket, call->key, &x->arena, &g->entry, &g->download.content);
        TRY(s3_show_missing(call, e, "Key", call->key));
        may_be_slow = g->download.content.is_unopened;
    }
    if (!may_be_slow)
        return send_object(call, g);
    http_on_lane(x, HTTP_LANE_ORDINARY, get_object_of_many_parts);
    return NULL;
}

/* ---- delete ---- */

err_t s3_object_delete(struct s3_call *call)
{
    struct bucket bucket;
    struct entry_removal removal = { .key = call->key };
    bool existed;
    TRY(s3_check_version(call));
    TRY(s3_condition_read(call, &removal.condition));
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    err_t e = entry_remove(call->s3->core, &call->who, &bucket, &removal, &call->x->arena, &existed);
    TRY(s3_show_missing(call, e, "Key", call->key));
    return s3_reply_status(call, 204);
}

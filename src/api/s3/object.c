/* SPDX-License-Identifier: Apache-2.0 */
/* One object: put, get, head, delete. A small put needs no worker: it runs on the loop, the committer commits it, and
 * the loop replies. */
#include "api/content_reply.h"
#include "api/s3/body_priv.h"
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/copy_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/error_reply_priv.h"
#include "api/s3/headers_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/tags_priv.h"
#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "core/file/file.h"

#include <string.h>

static slice quoted(struct arena *a, slice etag)
{
    const slice parts[] = { S("\""), etag, S("\"") };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static void fail_object(struct s3_call *call, err_t e)
{
    if (err_is(e, ERR_NOT_FOUND))
        s3_detail(call, "Key", call->key);
    s3_fail_err(call, e, S3_NO_SUCH_KEY);
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

static err_t reply_put_conflict(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    const struct object_put *p = call->state;
    s3_fail_condition(call, &p->bucket, &p->request.condition);
    return NULL;
}

static void object_stored(void *arg, err_t e, const struct entry_stored *stored)
{
    struct object_put *p = arg;
    struct http_exchange *x = p->call->x;
    if (err_is(e, ERR_CONFLICT)) {
        http_on_loop(x, reply_put_conflict);
        return;
    }
    if (e) {
        s3_fail_err(p->call, e, S3_NO_SUCH_BUCKET);
        return;
    }
    p->etag = arena_copy(&x->arena, stored->etag);
    p->digest = stored->digest;
    http_on_loop(x, reply_object_stored);
}

static void object_received(struct s3_call *call, void *arg, err_t e)
{
    struct object_put *p = arg;
    if (!e) {
        entry_put_finish(&p->put, object_stored, p);
        return;
    }
    entry_put_discard(&p->put);
    s3_fail_err(call, e, S3_NO_SUCH_BUCKET);
}

static bool check_object_size(struct s3_call *call, int64_t bytes)
{
    uint64_t max_bytes = call->s3->options.max_object_bytes;
    if (!max_bytes || bytes < 0 || (uint64_t)bytes <= max_bytes)
        return true;
    struct arena *a = &call->x->arena;
    s3_detail(call, "ProposedSize", arena_printf(a, "%lld", (long long)bytes));
    s3_detail(call, "MaxSizeAllowed", arena_printf(a, "%llu", (unsigned long long)max_bytes));
    s3_fail(call, S3_ENTITY_TOO_LARGE);
    return false;
}

static void put_object(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct object_put *p = arena_new(a, struct object_put);
    struct s3_declared declared;
    p->call = call;
    call->state = p;
    struct entry_request *o = &p->request;
    o->key = call->key;
    o->max_bytes = call->s3->options.max_object_bytes;
    if (!s3_body_length(call, &o->exact_bytes) || !check_object_size(call, o->exact_bytes) ||
        !s3_headers_read(call, &o->headers, &o->tags) || !s3_declared_read(call, &declared) ||
        !s3_condition_read(call, &o->condition) || !s3_authorize_bucket(call, BUCKET_WRITE, &p->bucket))
        return;
    o->digest = declared.digest.kind;
    err_t e = entry_put_open(call->s3->core, &call->who, &p->bucket, o, a, &p->put);
    if (err_is(e, ERR_CONFLICT))
        s3_fail_condition(call, &p->bucket, &o->condition);
    else if (e)
        s3_fail_err(call, e, S3_NO_SUCH_BUCKET);
    else
        s3_body_receive(call, p->put.intake, &declared, object_received, p);
}

static err_t run_object_copy(struct http_exchange *x)
{
    s3_object_copy(x->work);
    return NULL;
}

void s3_object_put(struct s3_call *call)
{
    slice unused;
    if (s3_param(call, "partNumber", &unused)) {
        s3_detail(call, "ArgumentName", S("partNumber"));
        s3_fail(call, S3_PART_WITHOUT_UPLOAD);
    } else if (http_has_header(&call->x->req, "x-amz-copy-source")) {
        http_collect(call->x, 0, run_object_copy);
    } else {
        put_object(call);
    }
}

/* ---- get ---- */

struct object_get {
    struct content_reply download;
    struct entry entry;
};

/* Reduce the reply to one part, as it was uploaded, if ?partNumber= asks for it. False: replied. */
static bool select_part(struct s3_call *call, struct object_get *g)
{
    slice text;
    int64_t number;
    if (!s3_param(call, "partNumber", &text))
        return true;
    if (!slice_to_i64(text, &number) || number < 1 || number > UPLOAD_PARTS_MAX) {
        s3_detail(call, "ArgumentName", S("partNumber"));
        s3_fail(call, S3_PART_NUMBER);
        return false;
    }
    if (http_has_header(&call->x->req, "Range")) {
        s3_fail(call, S3_RANGE_AND_PART);
        return false;
    }
    err_t e = entry_part(call->s3->core, &g->entry, number, &call->x->arena, &g->download.http.part_first,
                         &g->download.http.part_count);
    if (e) {
        s3_fail_err(call, e, S3_INVALID_PART_NUMBER);
        return false;
    }
    g->download.http.is_part = true;
    return true;
}

/* Only a reply with the whole object shows its checksum, because clients compare the checksum with the bytes that they
 * receive. */
static void add_checksum_header(struct s3_call *call, const struct object_get *g)
{
    slice mode = http_header(&call->x->req, "x-amz-checksum-mode");
    if (slice_eq_nocase(mode, S("ENABLED")) && !g->download.http.is_part && !http_has_header(&call->x->req, "Range"))
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

static void send_object(struct s3_call *call, struct object_get *g)
{
    struct http_content *http = &g->download.http;
    http_content_headers(call->x);
    if (!select_part(call, g) || !s3_headers_write(call, &g->entry, &http->content_type)) {
        content_close(&g->download.content);
        return;
    }
    add_checksum_header(call, g);
    add_count_headers(call, g);
    content_reply_prepare(&g->download);
    http->head_has_ranges = true; /* "only the ContentLength is affected" (Amazon S3 API reference, HeadObject) */
    http->etag = quoted(&call->x->arena, entry_etag(&g->entry, &call->x->arena));
    http->last_modified_ms = g->entry.modified_at_ms;
    http_reply_content(call->x, http);
}

void s3_object_get(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    struct object_get *g = arena_new(&x->arena, struct object_get);
    struct bucket bucket;
    if (!s3_check_version(call) || !s3_authorize_bucket(call, BUCKET_READ, &bucket))
        return;
    err_t e = entry_open(call->s3->core, &bucket, call->key, &x->arena, &g->entry, &g->download.content);
    if (e)
        fail_object(call, e);
    else
        send_object(call, g);
}

/* ---- delete ---- */

void s3_object_delete(struct s3_call *call)
{
    struct bucket bucket;
    struct entry_removal removal = { .key = call->key };
    bool existed;
    if (!s3_check_version(call) || !s3_condition_read(call, &removal.condition) ||
        !s3_authorize_bucket(call, BUCKET_WRITE, &bucket))
        return;
    err_t e = entry_remove(call->s3->core, &call->who, &bucket, &removal, &call->x->arena, &existed);
    if (e)
        fail_object(call, e);
    else
        http_reply(call->x, 204, NULL, S(""));
}

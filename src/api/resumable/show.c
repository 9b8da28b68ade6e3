/* SPDX-License-Identifier: Apache-2.0 */
/* What the server offers; how far an upload came; the list of one's own; and removing one. All but the first run in a lane: what is
 * asked for may have to be finished first, or a request that still writes has to be ended. */
#include "api/kit/json_reply.h"
#include "api/resumable/call.h"
#include "api/resumable/cors.h"
#include "base/live.h"
#include "base/text.h"
#include "core/dataset/dataset.h"
#include "core/transfer/transfer.h"
#include "http/target.h"

enum { LIST_MAX = 100 /* as errors.def says: each may have 8 KiB of metadata */ };

#define TUS_EXTENSIONS                                                                                                 \
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,checksum-trailer,"            \
    "concatenation"
#define TUS_CHECKSUMS "sha1,sha256,md5,crc32"

/* ---- what the server offers ---- */

/* What the server offers, for both protocols: the request says neither which one it is of, nor who sends it. */
err_t show_options(struct http_exchange *x)
{
    const struct resumable *r = x->api->context;
    if (!slice_eq(call_method(&x->req), S("OPTIONS"))) /* nobody has asked yet who sends it */
        return resumable_refuse(&x->arena, RESUMABLE_NOT_OPTIONS);
    cors_add_headers(x);
    http_reply_header(x, "Tus-Resumable", S(TUS_VERSION));
    http_reply_header(x, "Tus-Version", S(TUS_VERSION));
    http_reply_header(x, "Tus-Extension", S(TUS_EXTENSIONS));
    http_reply_header(x, "Tus-Checksum-Algorithm", S(TUS_CHECKSUMS));
    if (LIVE(r->options.max_file_bytes))
        call_put_number(x, "Tus-Max-Size", LIVE(r->options.max_file_bytes));
    http_reply_header(x, "Upload-Limit", call_limits(x, NULL));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- one ---- */

/* The server may have ended between the last byte and the file. */
static err_t find_tus_upload(struct http_exchange *x, struct transfer *ret)
{
    struct core *core = call_of(x)->api->core;
    TRY(transfer_find(core, x->principal, x->req.params[0], &x->arena, ret));
    return ret->is_composed ? NULL : transfer_complete(core, x->principal, x->req.params[0], &x->arena, ret);
}

/* An offset that was told must be good for the next request, so nobody may raise it meanwhile (draft, "Concurrency"). */
static err_t find_ietf_upload(struct http_exchange *x, struct transfer *ret)
{
    struct core *core = call_of(x)->api->core;
    TRY(transfer_find(core, x->principal, x->req.params[0], &x->arena, ret));
    return ret->writer.n && !ret->is_composed
               ? transfer_end_writer(core, x->principal, x->req.params[0], &x->arena, ret)
               : NULL;
}

static void add_tus_state(struct http_exchange *x, const struct transfer *t)
{
    if (!t->is_composed || t->finished_at_ms)
        call_put_number(x, "Upload-Offset", t->offset);
    if (t->length >= 0)
        call_put_number(x, "Upload-Length", t->length);
    else
        http_reply_header(x, "Upload-Defer-Length", S("1"));
    if (t->metadata.n)
        http_reply_header(x, "Upload-Metadata", t->metadata);
    if (t->composition.n)
        http_reply_header(x, "Upload-Concat", t->composition);
    call_add_expiry(x, t);
}

static void add_ietf_state(struct http_exchange *x, const struct transfer *t)
{
    call_put_number(x, "Upload-Offset", t->offset);
    http_reply_header(x, "Upload-Complete", t->finished_at_ms ? S("?1") : S("?0"));
    if (t->length >= 0)
        call_put_number(x, "Upload-Length", t->length);
    http_reply_header(x, "Upload-Limit", call_limits(x, t));
}

/* Of the dataset that the file goes to; empty: to none, or it is gone. Its columns are not kept: a list would have them once for each
 * upload. */
static err_t slug_of(struct http_exchange *x, const struct transfer *t, slice *ret)
{
    struct dataset d;
    *ret = S("");
    if (t->holder.kind != HOLDER_DATASET)
        return NULL;
    SCRATCH_OF(scratch, &x->arena);
    err_t e = dataset_find_id(call_of(x)->api->core, t->account_id, t->holder.id, &scratch, &d);
    if (!e)
        *ret = arena_copy(&x->arena, d.slug);
    return !e || err_is(e, ERR_NOT_FOUND) ? NULL : err_copy(&x->arena, e);
}

static void put_upload(struct json_out *o, const struct transfer *t, slice slug, struct arena *a)
{
    json_open_object(o);
    json_put_string(o, "id", t->name);
    json_put_string(o, "name", t->file_name);
    if (t->length >= 0)
        json_put_int(o, "size", t->length);
    json_put_int(o, "offset", t->offset);
    json_put_string(o, "content_type", t->content_type.n ? t->content_type : S("application/octet-stream"));
    json_put_string(o, "state", t->finished_at_ms ? S("finished") : S("open"));
    json_put_bool(o, "part", t->is_part);
    if (t->holder.kind == HOLDER_FOLDER)
        json_put_int(o, "folder", t->holder.id);
    if (slug.n)
        json_put_string(o, "dataset", slug);
    json_put_string(o, "created_at", time_format_utc(a, t->created_at_ms));
    json_put_string(o, "expires_at", time_format_utc(a, t->expires_at_ms));
    if (t->finished_at_ms && !t->is_part && !t->link_id)
        json_put_string(o, "file", uuid_format(a, t->file_uuid));
    json_close_object(o);
}

err_t show_upload(struct http_exchange *x)
{
    bool is_tus = call_of(x)->protocol == PROTOCOL_TUS, is_head = slice_eq(call_of(x)->method, S("HEAD"));
    struct transfer t;
    TRY(is_tus ? find_tus_upload(x, &t) : find_ietf_upload(x, &t));
    http_reply_header(x, "Cache-Control", S("no-store"));
    call_add_file(x, &t);
    if (is_tus)
        add_tus_state(x, &t);
    else
        add_ietf_state(x, &t);
    if (is_head) {
        http_reply(x, is_tus ? 200 : 204, NULL, S(""));
        return NULL;
    }
    slice slug;
    TRY(slug_of(x, &t, &slug));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_upload(&reply.out, &t, slug, &x->arena);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- all ---- */

static err_t read_page(struct http_exchange *x, struct id_page *ret)
{
    struct query q;
    slice limit = S(""), after = S("");
    uint64_t max = LIST_MAX;
    int64_t after_id = 0;
    TRY(query_parse(x->req.query, &x->arena, &q));
    query_get(&q, S("limit"), 0, &limit);
    query_get(&q, S("after"), 0, &after);
    if (limit.n && (!slice_to_u64(limit, &max) || max < 1 || max > LIST_MAX))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_LIMIT);
    if (after.n && (!slice_to_i64(after, &after_id) || after_id < 1))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_AFTER);
    *ret = (struct id_page){ after_id, (size_t)max };
    return NULL;
}

err_t list_uploads(struct http_exchange *x)
{
    const struct principal *who = x->principal;
    struct id_page page;
    struct transfer_list list;
    if (who->link_id) /* whoever has a link sees nothing of what others do with it */
        return resumable_refuse(&x->arena, RESUMABLE_FORBIDDEN);
    TRY(read_page(x, &page));
    TRY(transfer_list(call_of(x)->api->core, x->principal, &page, &x->arena, &list));
    slice *slugs = arena_array(&x->arena, slice, list.count + 1);
    for (size_t i = 0; i < list.count; i++)
        TRY(slug_of(x, &list.items[i], &slugs[i]));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_name(&reply.out, "uploads");
    json_open_array(&reply.out);
    for (size_t i = 0; i < list.count; i++)
        put_upload(&reply.out, &list.items[i], slugs[i], &x->arena);
    json_close_array(&reply.out);
    if (list.count == page.limit)
        json_put_string(&reply.out, "next", arena_printf(&x->arena, "%lld", (long long)list.items[list.count - 1].id));
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

err_t remove_upload(struct http_exchange *x)
{
    TRY(transfer_remove(call_of(x)->api->core, x->principal, x->req.params[0], &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

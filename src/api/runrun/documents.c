/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: confirming, listing, showing, downloading, deleting. */
#include "api/kit/content_reply.h"
#include "api/runrun/document_json_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/key_link_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/rate_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/sign_priv.h"
#include "base/live.h"
#include "core/ticket/ticket.h"

static void reply_document(struct http_exchange *x, const struct document *d)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    runrun_open_document(&reply, d);
    json_close_object(&reply.out);
    runrun_reply_send(&reply, 200);
}

/* Body and query are ignored, because clients send different things in them. */
err_t runrun_document_confirm(struct http_exchange *x)
{
    struct core *core = runrun_of(x)->core;
    struct document d;
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(ticket_confirm(core, runrun_caller(x), id, &x->arena));
    TRY(document_get(core, runrun_caller(x), id, &x->arena, &d));
    reply_document(x, &d);
    return NULL;
}

struct document_list_reply {
    struct json_pieces pieces;
    struct document_walk walk;
};

static err_t write_document_list(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct document_list_reply *reply = CONTAINER_OF(pieces, struct document_list_reply, pieces);
    TRY(runrun_write_documents(pieces, &reply->walk, out, a, ret_end));
    if (*ret_end)
        buf_add(out, S("]"));
    return NULL;
}

err_t runrun_document_list(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    struct page page;
    struct document_page none;
    struct document_list_reply *reply = arena_new(&x->arena, struct document_list_reply);
    struct document_list_request *request = &reply->walk.request;
    TRY(runrun_path_id(x, &request->task_id));
    TRY(runrun_read_page(x, &page));
    TRY(document_list(r->core, runrun_caller(x), request, &x->arena, &none)); /* how many there are */
    size_t first, shown = page_cut(&page, (size_t)none.total, &first);
    request->offset = first;
    reply->walk.left = shown;
    runrun_page_headers(x, &page, shown, none.total);
    json_pieces_init(&reply->pieces, x, r->log, write_document_list);
    buf_add(&reply->pieces.pieces.first, S("["));
    return piece_reply_send(&reply->pieces.pieces, 200, JSON_REPLY_TYPE_UTF8);
}

static bool document_is_confirmed(const struct document *d)
{
    return !d->has_ticket || d->ticket.confirmed_at_ms != 0;
}

/* Gets the document that the path names. */
static err_t get_document_of_path(struct http_exchange *x, struct document *ret)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    return document_get(runrun_of(x)->core, runrun_caller(x), id, &x->arena, ret);
}

err_t runrun_document_get(struct http_exchange *x)
{
    struct document d;
    TRY(get_document_of_path(x, &d));
    reply_document(x, &d);
    return NULL;
}

/* A document with a ticket has a key in the bucket, so the S3 API serves it. A file that came in by another API has
 * none: a route of this API serves it. */
err_t runrun_document_download(struct http_exchange *x)
{
    struct document d;
    TRY(get_document_of_path(x, &d));
    if (!document_is_confirmed(&d))
        return runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
    runrun_redirect(x, d.has_ticket ? runrun_download_link(x, &d) : runrun_key_link_make(x, "file", &d.file.id, 1));
    return NULL;
}

/* There are no thumbnails and no previews, so the reply is 404, whether the document exists or not. */
err_t runrun_document_no_picture(struct http_exchange *x)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    return runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
}

err_t runrun_document_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(document_delete(r->core, runrun_caller(x), id, LIVE(r->options.change_window_ms), &x->arena));
    runrun_reply_no_content(x);
    return NULL;
}

/* ---- the target of the link to a file without a key ---- */

err_t runrun_file_download(struct http_exchange *x)
{
    struct runrun_key_link link;
    struct document d;
    struct content_reply *s = arena_new(&x->arena, struct content_reply);
    TRY(runrun_key_link_check(x, "file", &link));
    TRY(document_open(runrun_of(x)->core, &link.who, link.ids[0], &x->arena, &d, &s->content));
    content_reply_attach(x, s, d.file.name, S("application/octet-stream"));
    runrun_add_fresh_rate(x);
    http_reply_content(x, &s->http);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: confirm, list, show, fetch, delete. */
#include "api/content_reply.h"
#include "api/runrun/document_json_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/key_link_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/rate_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/sign_priv.h"
#include "core/ticket/ticket.h"
#include "http/content_disposition.h"

static void reply_document(struct http_exchange *x, const struct document *d)
{
    struct runrun_answer answer;
    runrun_answer_open(&answer, x);
    runrun_open_document(&answer, d);
    json_close_object(&answer.o);
    runrun_answer_send(&answer, 200);
}

/* Body and query are of no matter: clients send all sorts of things along. */
void runrun_confirm(struct http_exchange *x)
{
    struct document d;
    enum ticket_refusal why;
    int64_t id;
    if (!runrun_path_id(x, &id))
        return;
    err_t e = ticket_confirm(runrun_of(x)->core, runrun_who(x), id, &x->arena, &why, &d);
    if (!e)
        reply_document(x, &d);
    else if (why == TICKET_NO_BYTES)
        runrun_fail_field(x, "data", S("file was not uploaded"));
    else if (why == TICKET_BAD_SIZE)
        runrun_fail_field(x, "data_file_size", S("is not the size of what was uploaded"));
    else if (why == TICKET_TOO_MANY)
        runrun_fail_field(x, "task_id", S("has too many documents"));
    else
        runrun_fail_err(x, e);
}

void runrun_document_list(struct http_exchange *x)
{
    struct runrun_page page;
    struct document_list_request request = { 0 };
    struct document_page list;
    if (!runrun_path_id(x, &request.task_id) || !runrun_read_page(x, &page))
        return;
    request.limit = page.limit;
    err_t e;
    do {
        request.offset = page.offset;
        e = document_list(runrun_of(x)->core, runrun_who(x), &request, &x->arena, &list);
    } while (!e && runrun_page_restart(&page, list.total));
    if (e) {
        runrun_fail_err(x, e);
        return;
    }
    struct runrun_answer answer;
    runrun_answer_open(&answer, x);
    json_open_array(&answer.o);
    for (size_t i = 0; i < list.count; i++) {
        runrun_open_document(&answer, &list.items[i]);
        json_close_object(&answer.o);
    }
    json_close_array(&answer.o);
    runrun_page_headers(x, &page, list.count, list.total);
    runrun_answer_send(&answer, 200);
}

static bool is_confirmed(const struct document *d)
{
    return !d->has_ticket || d->ticket.confirmed_at_ms != 0;
}

/* The document that the path names. False: replied. */
static bool find_document(struct http_exchange *x, struct document *ret)
{
    int64_t id;
    if (!runrun_path_id(x, &id))
        return false;
    err_t e = document_get(runrun_of(x)->core, runrun_who(x), id, &x->arena, ret);
    if (e)
        runrun_fail_err(x, e);
    return !e;
}

void runrun_document_get(struct http_exchange *x)
{
    struct document d;
    if (find_document(x, &d))
        reply_document(x, &d);
}

/* A file that came in another way has no key in the bucket: it is fetched from us. */
void runrun_download(struct http_exchange *x)
{
    struct document d;
    if (!find_document(x, &d))
        return;
    if (!is_confirmed(&d))
        runrun_fail(x, RUNRUN_NO_RECORD);
    else if (d.has_ticket)
        runrun_redirect(x, runrun_download_link(x, &d));
    else
        runrun_redirect(x, runrun_claim_link(x, "file", &d.file.id, 1));
}

/* We make no thumbnails and no previews: 404, once it is known that the document may be seen, and before. */
void runrun_no_picture(struct http_exchange *x)
{
    int64_t id;
    if (runrun_path_id(x, &id))
        runrun_fail(x, RUNRUN_NO_RECORD);
}

void runrun_document_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    if (!runrun_path_id(x, &id))
        return;
    err_t e = document_delete(r->core, runrun_who(x), id, r->options.change_window_ms, &x->arena);
    if (e)
        runrun_fail_err(x, e);
    else
        runrun_reply_nothing(x);
}

/* ---- bytes, from here ---- */

void runrun_file_send(struct http_exchange *x)
{
    struct runrun_claim claim;
    struct document d;
    struct content_reply *s = arena_new(&x->arena, struct content_reply);
    if (!runrun_read_claim(x, "file", &claim))
        return;
    err_t e = document_open(runrun_of(x)->core, &claim.who, claim.ids[0], &x->arena, &d, &s->content);
    if (e) {
        runrun_fail_err(x, e);
        return;
    }
    http_reply_header(x, "Content-Disposition", content_disposition_format(S("attachment"), d.file.name, &x->arena));
    http_reply_header(x, "X-Content-Type-Options", S("nosniff"));
    runrun_rate_headers(x);
    content_reply_prepare(s);
    s->http.content_type = S("application/octet-stream");
    http_reply_content(x, &s->http);
}

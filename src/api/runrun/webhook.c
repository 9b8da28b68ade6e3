/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of an account (docs/apis/runrun.md): tasks, comments and documents, as the API shows them to an administrator of the account at
 * the time of the attempt. */
#include "api/runrun/comments_priv.h"
#include "api/runrun/document_json_priv.h"
#include "api/runrun/items_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/task_json_priv.h"
#include "api/runrun/webhook_priv.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/task/document.h"
#include "core/task/task.h"

enum { SECOND = 1000 };
static const int64_t pauses_ms[] = { 60 * SECOND, 120 * SECOND };

/* As of a request of the operator in the account, for the functions that write JSON. */
struct reader {
    struct http_api api;
    struct http_exchange x;
    struct principal who;
};

static void release_reader(void *arg)
{
    struct reader *r = arg;
    arena_release(&r->x.arena);
}

static err_t open_reader(const struct webhook_call *call, struct arena *a, struct reader **ret)
{
    struct reader *r = arena_new(a, struct reader);
    struct account account;
    r->api.context = call->arg;
    r->x.api = &r->api;
    r->x.principal = &r->who;
    arena_init(&r->x.arena);
    arena_defer(a, release_reader, r);
    TRY(account_get(call->core, call->hook->account_id, a, &account));
    TRY(access_operator(call->core, account.name, a, &r->who));
    *ret = r;
    return NULL;
}

/* ---- what an event is about ---- */

/* The number behind a word, such as "task:", at the beginning of a text; 0: there is none. */
static int64_t number_behind(slice text, slice word)
{
    int64_t id;
    slice first, rest;
    slice_cut(text, ' ', &first, &rest);
    return slice_starts(first, word) && slice_to_i64(slice_from(first, word.n), &id) ? id : 0;
}

static err_t write_item(struct reader *r, runrun_item_fn *write, int64_t id, struct arena *a, slice *ret)
{
    SCOPED(buf_releasep) struct buf all;
    struct runrun_items *items = runrun_items_new(&r->x, write, &id, 1);
    bool done = false;
    err_t e = NULL;
    buf_init(&all, 0);
    while (!e && !done) {
        SCRATCH(scratch);
        SCOPED(buf_releasep) struct buf piece;
        buf_init(&piece, 0);
        e = err_copy(a, write(items, id, &piece, &scratch, &done));
        buf_add(&all, buf_slice(&piece));
    }
    buf_release(&items->pieces.item.body);
    *ret = arena_copy(a, buf_slice(&all));
    return e;
}

static err_t write_document(struct reader *r, const struct webhook_delivery *d, struct arena *a, slice *ret)
{
    const struct json *file = NULL;
    struct document document;
    struct json_reply reply;
    if (d->data.n)
        TRY(json_parse(a, d->data, &file));
    const struct json *number = file ? json_get(file, "number") : NULL;
    if (!number || number->type != JS_INT)
        return err_make(a, ERR_NOT_FOUND, "the document is gone");
    TRY(document_get(runrun_of(&r->x)->core, &r->who, number->integer, a, &document));
    json_reply_begin(&reply, &r->x);
    runrun_open_document(&reply, &document);
    json_close_object(&reply.out);
    *ret = arena_copy(a, buf_slice(&reply.body));
    buf_release(&reply.body);
    return NULL;
}

/* A task that was removed is known by its number only. */
static err_t write_data(struct reader *r, const struct webhook_delivery *d, struct arena *a, const char **ret_name,
                        slice *ret)
{
    int64_t task_id = number_behind(d->subject, S("task:"));
    *ret_name = "task";
    if (slice_eq(d->action, S("task.remove"))) {
        *ret = arena_printf(a, "{\"id\":%lld}", (long long)task_id);
        return NULL;
    }
    if (slice_eq(d->action, S("task.create")))
        return write_item(r, runrun_write_task_with_description, task_id, a, ret);
    *ret_name = "comment";
    if (slice_starts(d->action, S("task.comment")))
        return write_item(r, runrun_write_comment, number_behind(d->detail, S("comment:")), a, ret);
    *ret_name = "document";
    return write_document(r, d, a, ret);
}

/* A comment of a document has another event than one of a task. NULL: nobody is told of it. */
static const char *event_name(const struct webhook_delivery *d, slice data)
{
    bool of_document = slice_find(data, S("\"commentable_type\":\"Document\"")) != SLICE_NONE;
    if (slice_eq(d->action, S("task.create")))
        return "task:create";
    if (slice_eq(d->action, S("task.remove")))
        return "task:destroy";
    if (slice_eq(d->action, S("task.comment")))
        return of_document ? "document:comment:create" : "task:comment:create";
    if (slice_eq(d->action, S("task.comment_edit")))
        return of_document ? "document:comment:update" : "task:comment:update";
    return slice_eq(d->action, S("file.confirm")) ? "document:uploaded" : NULL;
}

/* ---- the message ---- */

/* "2026-11-21 11:03:00 -0300": in another form than the dates of replies. */
static slice event_date(const struct runrun *r, struct arena *a, int64_t ms)
{
    slice date = runrun_date(r, a, ms); /* 2026-11-21T11:03:00-03:00 */
    if (date.n != 25)
        return date;
    return arena_printf(a, "%.10s %.8s %.3s%.2s", date.p, date.p + 11, date.p + 19, date.p + 23);
}

static err_t put_performer(struct json_out *o, const struct webhook_call *call, struct arena *a)
{
    struct user user;
    err_t e = call->delivery->actor_id ? user_get(call->core, call->delivery->actor_id, a, &user)
                                       : err_make(a, ERR_NOT_FOUND, "nobody");
    if (err_is(e, ERR_NOT_FOUND)) {
        runrun_put_null(o, "performer");
        return NULL;
    }
    TRY(e);
    json_name(o, "performer");
    json_open_object(o);
    json_put_string(o, "id", user.login);
    runrun_put_text(o, "email", user.email);
    json_close_object(o);
    return NULL;
}

static err_t write_runrun_message(const struct webhook_call *call, struct arena *a, struct webhook_message *ret)
{
    const struct webhook_delivery *d = call->delivery;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct json_out o;
    struct reader *r;
    const char *name;
    slice data;
    ret->is_unwanted = !event_name(d, S(""));
    if (ret->is_unwanted)
        return NULL;
    TRY(open_reader(call, a, &r));
    err_t e = write_data(r, d, a, &name, &data);
    ret->is_unwanted = err_is(e, ERR_NOT_FOUND); /* it was removed before anybody could be told of it */
    if (e)
        return ret->is_unwanted ? NULL : e;
    json_out_init(&o, &b);
    json_open_object(&o);
    json_put_string(&o, "event", slice_of(event_name(d, data)));
    json_put_string(&o, "happened_at", event_date(call->arg, a, d->happened_at_ms));
    TRY(put_performer(&o, call, a));
    json_name(&o, "data");
    json_open_object(&o);
    json_name(&o, name);
    json_add_raw(&o, data);
    json_close_object(&o);
    json_close_object(&o);
    ret->body = arena_copy(a, buf_slice(&b));
    unsigned char mac[SHA256_SIZE];
    hash_hmac_sha256(call->secret, ret->body, mac);
    slice hex = hex_encode(a, (slice){ (const char *)mac, sizeof mac });
    ret->headers = arena_array(a, const char *, 2);
    ret->headers[0] = arena_printf(a, "X-Cais-Signature: sha256=" SLICE_FMT, SLICE_ARG(hex)).p;
    return NULL;
}

const struct webhook_format runrun_webhook = { .name = "runrun",
                                               .events = "task.create task.remove task.comment file.confirm",
                                               .pauses_ms = pauses_ms,
                                               .pause_count = LENGTH_OF(pauses_ms),
                                               .timeout_ms = 30 * SECOND,
                                               .write = write_runrun_message };

/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket is the permission to upload the bytes of one document, with a form to do it. Every file needs one, so this
 * is a hot path: the request is handled on the loop, the committer writes the record, and the loop signs the form.
 *
 *   loop        runrun_ticket_create reads the body and calls ticket_issue
 *   committer   writes the record and calls copy_issued_ticket
 *   loop        reply_ticket signs the form and replies */
#include "core/ticket/ticket.h"
#include "api/runrun/document_json_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/sign_priv.h"
#include "base/live.h"
#include "base/media_type.h"
#include "core/file/file_name.h"
#include "http/target.h"

struct ticket_call {
    struct ticket_request request;
    struct document document; /* set once the ticket is issued */
};

/* ---- reading ---- */

/* The part of the name after the last / or \: some clients send whole paths. It is kept byte for byte, or refused. */
static slice read_file_name(const struct json *document, struct runrun_field_errors *errors)
{
    const struct json *j = json_get(document, "data_file_name");
    slice name = json_is(j, JS_STRING) ? j->string : S("");
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = slice_from(name, i);
            break;
        }
    bool is_text = json_absent(j) || j->type == JS_STRING;
    if (!is_text || slice_eq(name, S(".")) || slice_eq(name, S("..")) || file_name_has_control(name))
        runrun_add_field_error(errors, "data_file_name", RUNRUN_BAD_FILE_NAME);
    else if (runrun_is_blank(name))
        runrun_add_field_error(errors, "data_file_name", RUNRUN_BLANK);
    else if (name.n > FILE_NAME_MAX_BYTES)
        runrun_add_field_error(errors, "data_file_name", RUNRUN_FILE_NAME_TOO_LONG);
    return name;
}

static uint64_t read_file_size(struct http_exchange *x, const struct json *document, struct runrun_field_errors *errors)
{
    const struct json *j = json_get(document, "data_file_size");
    uint64_t max_bytes = LIVE(runrun_of(x)->options.max_document_bytes);
    int64_t size = 0;
    if (json_absent(j) || (j->type == JS_STRING && runrun_is_blank(j->string)))
        runrun_add_field_error(errors, "data_file_size", RUNRUN_BLANK);
    else if (!json_to_i64(j, &size))
        runrun_add_field_error(errors, "data_file_size", RUNRUN_NOT_INTEGER);
    else if (size < 0)
        runrun_add_field_error(errors, "data_file_size", RUNRUN_BELOW_ZERO);
    else if ((uint64_t)size > max_bytes)
        runrun_add_field_number_error(errors, &x->arena, "data_file_size", RUNRUN_ABOVE, max_bytes);
    return size > 0 ? (uint64_t)size : 0;
}

/* The id of the task in the path, else in the query; 0 when neither has one, -1 when it is a number that no task has. */
static err_t read_task_id(struct http_exchange *x, int64_t *ret)
{
    struct query query;
    slice text;
    *ret = 0;
    if (x->req.params[0].n) {
        TRY(runrun_path_id(x, ret));
        *ret = *ret ? *ret : -1; /* a number that no task has */
        return NULL;
    }
    err_t e = query_parse(x->req.query, &x->arena, &query);
    if (e)
        return runrun_refuse_because(&x->arena, e, RUNRUN_BAD_REQUEST);
    if (!query_get(&query, S("task_id"), QUERY_LAST_WINS, &text))
        return NULL;
    if (!slice_to_i64(text, ret))
        return runrun_refuse(&x->arena, RUNRUN_BAD_ID);
    *ret = *ret > 0 ? *ret : -1;
    return NULL;
}

/* ---- replying ---- */

static err_t reply_ticket(struct http_exchange *x)
{
    const struct ticket_call *t = x->work;
    struct json_reply reply;
    json_reply_begin(&reply, x);
    runrun_open_document(&reply, &t->document);
    runrun_put_form(&reply, &t->document);
    json_close_object(&reply.out);
    runrun_reply_send(&reply, 201);
    return NULL;
}

/* A ticket is refused in the words of the request: a quota that is used up is a size that is too large. */
static err_t refuse_ticket(struct http_exchange *x, err_t e, const struct ticket_issued *issued)
{
    if (err_reason(e) == REASON_TICKET_DUPLICATE)
        return runrun_refuse_duplicate(x, issued->duplicate_id);
    if (err_reason(e) == REASON_QUOTA_OF_USER)
        return runrun_refuse_field(x, "data_file_size", RUNRUN_ABOVE_USER_QUOTA);
    return err_is(e, ERR_QUOTA) ? runrun_refuse_field(x, "data_file_size", RUNRUN_ABOVE_QUOTA) : e;
}

/* Runs on the committer's thread, for which other requests wait. So it only copies, and the loop replies. */
static void copy_issued_ticket(void *arg, err_t e, const struct ticket_issued *issued)
{
    struct http_exchange *x = arg;
    if (e) {
        http_fail(x, refuse_ticket(x, e, issued));
        return;
    }
    struct ticket_call *t = x->work;
    struct document *d = &t->document;
    *d = (struct document){ .file = issued->file,
                            .has_ticket = true,
                            .ticket = issued->ticket,
                            .owner_name = issued->owner_name,
                            .task_id = issued->ticket.holder.id,
                            .task_text = issued->holder_text };
    slice *const kept[] = { &d->file.name,  &d->file.content_type, &d->file.owner_login,
                            &d->ticket.key, &d->owner_name,        &d->task_text };
    for (size_t i = 0; i < LENGTH_OF(kept); i++)
        *kept[i] = arena_copy(&x->arena, *kept[i]);
    http_on_loop(x, reply_ticket);
}

err_t runrun_ticket_create(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    struct arena *a = &x->arena;
    const struct json *body;
    struct runrun_field_errors errors = { .count = 0 };
    struct ticket_call *t = arena_new(a, struct ticket_call);
    int64_t task_id;
    if (LIVE(r->options.block_documents_creation))
        return runrun_refuse(a, RUNRUN_DOCUMENTS_BLOCKED);
    TRY(read_task_id(x, &task_id));
    TRY(runrun_read_body(x, &body));
    const struct json *document = runrun_unwrap(body, "document");
    slice name = read_file_name(document, &errors);
    t->request.declared_bytes = read_file_size(x, document, &errors);
    TRY(runrun_refuse_fields(x, &errors));
    if (task_id)
        t->request.holder = (struct holder){ HOLDER_TASK, task_id };
    t->request.origin = RUNRUN_PURPOSE;
    t->request.name = name;
    t->request.content_type = media_type_of(file_extension(name, a));
    t->request.bucket_id = r->bucket.id;
    t->request.key_head = arena_printf(a, "data/enterprise/%lld/", (long long)runrun_caller(x)->account_id);
    t->request.key_tail = arena_printf(a, "/" SLICE_FMT, SLICE_ARG(name));
    t->request.lifetime_ms = LIVE(r->options.form_lifetime_ms);
    t->request.pending_ms = LIVE(r->options.pending_lifetime_ms);
    t->request.refuse_duplicate = runrun_is_true(json_get(document, "warning_duplicate"));
    x->work = t;
    TRY(arena_check(a)); /* what the ticket would say may be incomplete */
    ticket_issue(r->core, runrun_caller(x), &t->request, copy_issued_ticket, x);
    return NULL;
}

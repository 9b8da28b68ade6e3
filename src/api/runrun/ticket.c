/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket: permission to put the bytes of one document, with the form to do it. On the loop, because it is asked for
 * once for every file; the record is written by the committer, the answer on the loop again.
 *
 *   loop   body, fields, order ──► ticket_issue        committer   row ──► issued        loop   answer: sign, write */
#include "core/ticket/ticket.h"
#include "api/runrun/document_json_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/sign_priv.h"
#include "base/media_type.h"
#include "core/file/file_name.h"
#include "http/target.h"

struct asking {
    struct ticket_request order;
    err_t error;
    struct document document;
    int64_t duplicate_id;
};

/* ---- reading ---- */

/* What follows the last / or \: clients send whole paths. What is left is kept byte for byte, or refused. */
static slice read_name(const struct json *document, struct runrun_faults *faults)
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
        runrun_fault(faults, "data_file_name", S("is invalid"));
    else if (runrun_is_blank(name))
        runrun_fault(faults, "data_file_name", S("can't be blank"));
    else if (name.n > FILE_NAME_MAX_BYTES)
        runrun_fault(faults, "data_file_name", S("is too long (maximum is 255 bytes)"));
    return name;
}

static uint64_t read_size(struct http_exchange *x, const struct json *document, struct runrun_faults *faults)
{
    const struct json *j = json_get(document, "data_file_size");
    uint64_t most = runrun_of(x)->options.max_document_bytes;
    int64_t size = 0;
    if (json_absent(j) || (j->type == JS_STRING && runrun_is_blank(j->string)))
        runrun_fault(faults, "data_file_size", S("can't be blank"));
    else if (!json_to_i64(j, &size))
        runrun_fault(faults, "data_file_size", S("is not a whole number"));
    else if (size < 0)
        runrun_fault(faults, "data_file_size", S("must be greater than or equal to 0"));
    else if ((uint64_t)size > most)
        runrun_fault(faults, "data_file_size",
                     arena_printf(&x->arena, "must be less than or equal to %llu", (unsigned long long)most));
    return size > 0 ? (uint64_t)size : 0;
}

/* Of the path, else of the query; 0 when there is none. False: replied. */
static bool read_task(struct http_exchange *x, int64_t *ret)
{
    struct query query;
    slice text;
    *ret = 0;
    if (x->req.params[0].n) {
        if (!runrun_path_id(x, ret))
            return false;
        *ret = *ret ? *ret : -1; /* a number no task has */
        return true;
    }
    if (query_parse(x->req.query, &x->arena, &query)) {
        runrun_fail(x, RUNRUN_BAD_REQUEST);
        return false;
    }
    if (!query_get(&query, S("task_id"), QUERY_LAST_WINS, &text))
        return true;
    if (!slice_to_i64(text, ret)) {
        runrun_fail(x, RUNRUN_BAD_ID);
        return false;
    }
    *ret = *ret > 0 ? *ret : -1;
    return true;
}

/* ---- answering ---- */

static void answer(struct http_exchange *x)
{
    const struct asking *t = x->work;
    if (err_is(t->error, ERR_CONFLICT)) {
        runrun_fail_duplicate(x, t->duplicate_id);
    } else if (err_is(t->error, ERR_QUOTA)) {
        runrun_fail_field(x, "data_file_size", S("is more than the account has left"));
    } else if (t->error) {
        runrun_fail_err(x, t->error);
    } else {
        struct runrun_answer out;
        runrun_answer_open(&out, x);
        runrun_open_document(&out, &t->document);
        runrun_put_form(&out, &t->document);
        json_close_object(&out.o);
        runrun_answer_send(&out, 201);
    }
}

/* On the committer's thread, which has others to serve: keeps what it is told and hands over. */
static void issued(void *arg, err_t e, const struct ticket_issued *told)
{
    struct http_exchange *x = arg;
    struct asking *t = x->work;
    t->error = err_copy(&x->arena, e);
    if (told)
        t->duplicate_id = told->duplicate_id;
    if (!e) {
        struct document *d = &t->document;
        *d = told->document;
        slice *const kept[] = { &d->file.name,  &d->file.content_type, &d->file.owner_login,
                                &d->ticket.key, &d->owner_name,        &d->task_text };
        for (size_t i = 0; i < LENGTH_OF(kept); i++)
            *kept[i] = arena_copy(&x->arena, *kept[i]);
    }
    http_on_loop(x, answer);
}

void runrun_ticket(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    struct arena *a = &x->arena;
    const struct json *body;
    struct runrun_faults faults = { .count = 0 };
    struct asking *t = arena_new(a, struct asking);
    if (r->options.refuse_documents) {
        runrun_fail(x, RUNRUN_DOCUMENTS_BLOCKED);
        return;
    }
    if (!read_task(x, &t->order.task_id) || !runrun_read_body(x, &body))
        return;
    const struct json *document = runrun_unwrap(body, "document");
    slice name = read_name(document, &faults);
    t->order.declared_bytes = read_size(x, document, &faults);
    if (faults.count) {
        runrun_fail_faults(x, &faults);
        return;
    }
    t->order.way = RUNRUN_PURPOSE;
    t->order.name = name;
    t->order.content_type = media_type_of(file_extension(name, a));
    t->order.bucket_id = r->bucket.id;
    t->order.key_head = arena_printf(a, "data/enterprise/%lld/", (long long)runrun_who(x)->account_id);
    t->order.key_tail = arena_printf(a, "/" SLICE_FMT, SLICE_ARG(name));
    t->order.lifetime_ms = r->options.form_lifetime_ms;
    t->order.pending_ms = r->options.pending_ms;
    t->order.refuse_duplicate = runrun_is_true(json_get(document, "warning_duplicate"));
    x->work = t;
    ticket_issue(r->core, runrun_who(x), &t->order, issued, x);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Comments on tasks, and on documents that are attached to tasks. A comment may have documents of its own. */
#include "api/runrun/document_json_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "core/access/people.h"
#include "core/records/comment.h"
#include "core/records/task.h"

/* ---- writing ---- */

/* Data that all comments of one task share. */
struct comment_thread {
    struct document_page documents; /* of the task and all its comments */
    struct user_list people;
};

static err_t read_thread(struct http_exchange *x, int64_t task_id, const struct comment *comments, size_t count,
                         struct comment_thread *ret)
{
    struct runrun *r = runrun_of(x);
    struct document_list_request all = { .task_id = task_id, .limit = TASK_REFERENCES_MAX };
    int64_t *ids = arena_array(&x->arena, int64_t, count + 1);
    TRY(document_list(r->core, runrun_caller(x), &all, &x->arena, &ret->documents));
    for (size_t i = 0; i < count; i++)
        ids[i] = comments[i].author_id;
    return people_list(r->core, runrun_caller(x), ids, count, &x->arena, &ret->people);
}

static void put_documents(struct runrun_reply *reply, const struct comment_thread *thread, int64_t comment_id)
{
    json_name(&reply->out, "documents");
    json_open_array(&reply->out);
    for (size_t i = 0; i < thread->documents.count; i++)
        if (thread->documents.items[i].comment_id == comment_id) {
            runrun_open_document(reply, &thread->documents.items[i]);
            json_close_object(&reply->out);
        }
    json_close_array(&reply->out);
}

static void put_nulls(struct json_out *o, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        runrun_put_null(o, names[i]);
}

static void put_runrun_comment(struct runrun_reply *reply, const struct comment *c, const struct comment_thread *thread)
{
    static const char *const quoted[] = { "quoted_comment_id",       "quoted_comment_text",
                                          "quoted_comment_user_id",  "quoted_comment_user_name",
                                          "quoted_comment_guest_id", "quoted_comment_guest_name" };
    static const char *const other_ids[] = { "comment_id", "team_id", "enterprise_id" };
    struct json_out *o = &reply->out;
    const struct user *author = people_find(thread->people.items, thread->people.count, c->author_id);
    json_open_object(o);
    json_put_int(o, "id", c->id);
    runrun_put_text(o, "user_id", author ? author->login : S(""));
    runrun_put_null(o, "guest_id");
    json_put_bool(o, "is_system_message", false);
    json_put_string(o, "text", c->text);
    runrun_put_text(o, "commenter_name", author ? runrun_user_name(author) : S(""));
    json_put_int(o, "children_count", 0);
    json_put_int(o, "commentable_id", c->file_id ? c->file_id : c->task_id);
    json_put_string(o, "commentable_type", c->file_id ? S("Document") : S("Task"));
    runrun_put_date(reply, "created_at", c->created_at_ms);
    runrun_put_date(reply, "edited_at", c->edited_at_ms);
    runrun_put_null(o, "deleted_at");
    json_put_int(o, "thread_id", c->id);
    put_nulls(o, quoted, LENGTH_OF(quoted));
    json_put_int(o, "task_id", c->task_id);
    put_nulls(o, other_ids, LENGTH_OF(other_ids));
    if (c->file_id)
        json_put_int(o, "document_id", c->file_id);
    else
        runrun_put_null(o, "document_id");
    json_put_bool(o, "is_legacy", false);
    runrun_put_null(o, "media");
    put_documents(reply, thread, c->id);
    json_name(o, "reactions");
    json_add_raw(o, S("[]"));
    json_put_bool(o, "is_automation_message", false);
    runrun_put_null(o, "related_task_ids");
    json_close_object(o);
}

static void reply_comment(struct http_exchange *x, int status, int64_t comment_id)
{
    struct comment comment;
    struct task task;
    struct comment_thread thread;
    err_t e = task_comment_get(runrun_of(x)->core, runrun_caller(x), comment_id, &x->arena, &comment, &task);
    if (!e)
        e = read_thread(x, comment.task_id, &comment, 1, &thread);
    if (e) {
        runrun_fail_err(x, e);
        return;
    }
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    put_runrun_comment(&reply, &comment, &thread);
    runrun_reply_send(&reply, status);
}

/* ---- creating ---- */

/* Reads what the comment is about: a task, or a document and thus the task to which it is attached. False: it is wrong,
 * and the reply was sent. */
static bool read_commentable(struct http_exchange *x, const struct json *body, int64_t *ret_task_id,
                             int64_t *ret_file_id)
{
    const struct json *task = json_get(body, "task_id"), *document = json_get(body, "document_id");
    struct document d;
    *ret_file_id = 0;
    if (json_absent(document)) {
        bool good = !json_absent(task) && json_to_i64(task, ret_task_id);
        if (!good)
            runrun_fail_field(x, "task_id", json_absent(task) ? S("can't be blank") : S("is not a number"));
        return good;
    }
    if (!json_to_i64(document, ret_file_id)) {
        runrun_fail_field(x, "document_id", S("is not a number"));
        return false;
    }
    err_t e = document_get(runrun_of(x)->core, runrun_caller(x), *ret_file_id, &x->arena, &d);
    if (e) {
        runrun_fail_err(x, e);
        return false;
    }
    if (!d.task_id || (d.has_ticket && !d.ticket.confirmed_at_ms)) {
        runrun_fail_field(x, "document_id", S("is not attached to a task"));
        return false;
    }
    *ret_task_id = d.task_id;
    return true;
}

err_t runrun_comment_create(struct http_exchange *x)
{
    struct task_comment c = { .text = S("") };
    struct runrun_field_errors errors = { .count = 0 };
    const struct json *body;
    int64_t comment_id;
    if (!runrun_read_body(x, &body))
        return NULL;
    body = runrun_unwrap(body, "comment");
    const struct json *text = json_get(body, "text");
    runrun_read_ids(x, body, "document_ids", &errors, &c.documents, &c.document_count);
    if (!json_absent(text) && text->type != JS_STRING)
        runrun_add_field_error(&errors, "text", S("is not a text"));
    else if (text && !runrun_is_blank(text->string))
        c.text = text->string;
    else if (c.document_count == 0)
        runrun_add_field_error(&errors, "text", S("can't be blank"));
    if (errors.count) {
        runrun_fail_fields(x, &errors);
        return NULL;
    }
    if (!read_commentable(x, body, &c.task_id, &c.file_id))
        return NULL;
    err_t e = task_comment_add(runrun_of(x)->core, runrun_caller(x), &c, &x->arena, &comment_id);
    if (e)
        runrun_fail_err(x, e);
    else
        reply_comment(x, 201, comment_id);
    return NULL;
}

/* ---- reading ---- */

/* Newest first. */
err_t runrun_comment_list(struct http_exchange *x)
{
    struct runrun_page page;
    struct task_view view;
    struct comment_thread thread;
    size_t first;
    int64_t id;
    if (!runrun_path_id(x, &id) || !runrun_read_page(x, &page))
        return NULL;
    err_t e = task_read(runrun_of(x)->core, runrun_caller(x), id, &x->arena, &view);
    if (!e)
        e = read_thread(x, id, view.comments, view.comment_count, &thread);
    if (e) {
        runrun_fail_err(x, e);
        return NULL;
    }
    size_t shown = runrun_page_cut(&page, view.comment_count, &first);
    struct runrun_reply reply;
    runrun_reply_begin(&reply, x);
    json_open_array(&reply.out);
    for (size_t i = first; i < first + shown; i++)
        put_runrun_comment(&reply, &view.comments[view.comment_count - 1 - i], &thread);
    json_close_array(&reply.out);
    runrun_page_headers(x, &page, shown, (int64_t)view.comment_count);
    runrun_reply_send(&reply, 200);
    return NULL;
}

err_t runrun_comment_get(struct http_exchange *x)
{
    int64_t id;
    if (runrun_path_id(x, &id))
        reply_comment(x, 200, id);
    return NULL;
}

/* ---- changing ---- */

/* The author may, for change_window_ms after writing it. */
static bool may_edit_comment(struct http_exchange *x, const struct comment *c)
{
    struct runrun *r = runrun_of(x);
    return c->author_id == runrun_caller(x)->user_id &&
           core_now_ms(r->core) < c->created_at_ms + r->options.change_window_ms;
}

err_t runrun_comment_edit(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    const struct json *body;
    struct comment comment;
    struct task task;
    int64_t id;
    if (!runrun_path_id(x, &id) || !runrun_read_body(x, &body))
        return NULL;
    const struct json *text = json_get(runrun_unwrap(body, "comment"), "text");
    err_t e = task_comment_get(r->core, runrun_caller(x), id, &x->arena, &comment, &task);
    if (e) {
        runrun_fail_err(x, e);
    } else if (!may_edit_comment(x, &comment)) {
        runrun_fail(x, RUNRUN_FORBIDDEN);
    } else if (!json_is(text, JS_STRING) || runrun_is_blank(text->string)) {
        runrun_fail_field(x, "text", S("can't be blank"));
    } else {
        struct task_comment_edit edit = { .task_id = comment.task_id, .comment_id = id, .text = text->string };
        e = task_comment_edit(r->core, runrun_caller(x), &edit, &x->arena);
        if (e)
            runrun_fail_err(x, e);
        else
            reply_comment(x, 200, id);
    }
    return NULL;
}

err_t runrun_comment_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    if (!runrun_path_id(x, &id))
        return NULL;
    struct task_comment_removal removal = { .comment_id = id,
                                            .window_ms = r->options.change_window_ms,
                                            .purge_after_ms = r->options.pending_ms };
    err_t e = task_comment_remove(r->core, runrun_caller(x), &removal, &x->arena);
    if (e)
        runrun_fail_err(x, e);
    else
        runrun_reply_no_content(x);
    return NULL;
}

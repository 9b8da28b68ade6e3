/* SPDX-License-Identifier: Apache-2.0 */
/* Comments on tasks, and on documents that are attached to tasks. A comment may have documents of its own. */
#include "api/runrun/comments_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/items_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/live.h"
#include "core/access/people.h"
#include "core/records/comment.h"
#include "core/records/task.h"
#include "core/task/task.h"

/* ---- writing ---- */

static void put_nulls(struct json_out *o, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        runrun_put_null(o, names[i]);
}

/* Everything in front of the documents. */
static void open_runrun_comment(struct json_reply *reply, const struct comment *c, const struct user *author)
{
    static const char *const quoted[] = { "quoted_comment_id",       "quoted_comment_text",
                                          "quoted_comment_user_id",  "quoted_comment_user_name",
                                          "quoted_comment_guest_id", "quoted_comment_guest_name" };
    static const char *const other_ids[] = { "comment_id", "team_id", "enterprise_id" };
    struct json_out *o = &reply->out;
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
    json_name(o, "documents");
    json_open_array(o);
}

/* Everything behind them. */
static void close_runrun_comment(struct json_out *o)
{
    json_close_array(o);
    json_name(o, "reactions");
    json_add_raw(o, S("[]"));
    json_put_bool(o, "is_automation_message", false);
    runrun_put_null(o, "related_task_ids");
    json_close_object(o);
}

static err_t begin_comment(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a)
{
    struct http_exchange *x = items->pieces.pieces.x;
    struct comment comment;
    struct task task;
    struct user_list people;
    bool whole;
    TRY(task_comment_get(runrun_of(x)->core, runrun_caller(x), id, a, &comment, &task));
    TRY(people_list(runrun_of(x)->core, runrun_caller(x), &comment.author_id, 1, a, &people));
    open_runrun_comment(json_item_begin(&items->pieces, a), &comment, people.count ? people.items : NULL);
    TRY(json_item_end(&items->pieces, out, &whole));
    if (!whole)
        return NULL;
    items->documents = (struct document_walk){ .request = { .task_id = comment.task_id, .comment_id = id },
                                               .left = TASK_REFERENCES_MAX };
    items->stage = COMMENT_DOCUMENTS;
    return NULL;
}

err_t runrun_write_comment(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a, bool *ret_done)
{
    bool end;
    switch (items->stage) {
    case COMMENT_BEGIN:
        return begin_comment(items, id, out, a);
    case COMMENT_DOCUMENTS:
        TRY(runrun_write_documents(&items->pieces, &items->documents, out, a, &end));
        items->stage = end ? COMMENT_END : COMMENT_DOCUMENTS;
        return NULL;
    case COMMENT_END:
        close_runrun_comment(&json_item_begin(&items->pieces, a)->out);
        TRY(json_item_end(&items->pieces, out, ret_done));
        items->stage = *ret_done ? COMMENT_BEGIN : COMMENT_END;
        return NULL;
    }
    return NULL;
}

/* ---- creating ---- */

/* Reads what the comment is about: a task, or a document and thus the task to which it is attached. */
static err_t read_commentable(struct http_exchange *x, const struct json *body, int64_t *ret_task_id,
                              int64_t *ret_file_id)
{
    const struct json *task = json_get(body, "task_id"), *document = json_get(body, "document_id");
    struct document d;
    *ret_file_id = 0;
    if (json_absent(document)) {
        if (json_absent(task))
            return runrun_refuse_field(x, "task_id", RUNRUN_BLANK);
        return json_to_i64(task, ret_task_id) ? NULL : runrun_refuse_field(x, "task_id", RUNRUN_NOT_NUMBER);
    }
    if (!json_to_i64(document, ret_file_id))
        return runrun_refuse_field(x, "document_id", RUNRUN_NOT_NUMBER);
    TRY(document_get(runrun_of(x)->core, runrun_caller(x), *ret_file_id, &x->arena, &d));
    if (!d.task_id || (d.has_ticket && !d.ticket.confirmed_at_ms))
        return runrun_refuse_field(x, "document_id", RUNRUN_NOT_ATTACHED);
    *ret_task_id = d.task_id;
    return NULL;
}

/* task_id: the task that the path names; NULL: the body says what the comment is about. */
static err_t create_comment(struct http_exchange *x, const int64_t *task_id)
{
    struct task_comment c = { .text = S("") };
    struct runrun_field_errors errors = { .count = 0 };
    const struct json *body;
    int64_t comment_id;
    TRY(runrun_read_body(x, &body));
    body = runrun_unwrap(body, "comment");
    const struct json *text = json_get(body, "text");
    runrun_read_ids(x, body, "document_ids", &errors, &c.documents, &c.document_count);
    if (!json_absent(text) && text->type != JS_STRING)
        runrun_add_field_error(&errors, "text", RUNRUN_NOT_TEXT);
    else if (text && !runrun_is_blank(text->string))
        c.text = text->string;
    else if (c.document_count == 0)
        runrun_add_field_error(&errors, "text", RUNRUN_BLANK);
    TRY(runrun_refuse_fields(x, &errors));
    if (task_id)
        c.task_id = *task_id;
    else
        TRY(read_commentable(x, body, &c.task_id, &c.file_id));
    TRY(task_comment_add(runrun_of(x)->core, runrun_caller(x), &c, &x->arena, &comment_id));
    return runrun_reply_item(x, 201, runrun_write_comment, comment_id);
}

err_t runrun_comment_create(struct http_exchange *x)
{
    return create_comment(x, NULL);
}

err_t runrun_task_comment_create(struct http_exchange *x)
{
    int64_t task_id;
    TRY(runrun_path_id(x, &task_id));
    return create_comment(x, &task_id);
}

/* ---- reading ---- */

/* Newest first. */
err_t runrun_comment_list(struct http_exchange *x)
{
    struct page page;
    struct comment_page comments;
    struct comment_page_query query = { 0 };
    TRY(runrun_path_id(x, &query.task_id));
    TRY(runrun_read_page(x, &page));
    query.limit = page.limit;
    do {
        query.offset = page.offset;
        TRY(task_list_comments(runrun_of(x)->core, runrun_caller(x), &query, &x->arena, &comments));
    } while (page_restart(&page, comments.total));
    runrun_page_headers(x, &page, comments.count, comments.total);
    return runrun_reply_list(runrun_items_new(x, runrun_write_comment, comments.ids, comments.count));
}

err_t runrun_comment_get(struct http_exchange *x)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    return runrun_reply_item(x, 200, runrun_write_comment, id);
}

/* ---- changing ---- */

/* The author may, for change_window_ms after writing it. */
static bool may_edit_comment(struct http_exchange *x, const struct comment *c)
{
    struct runrun *r = runrun_of(x);
    return c->author_id == runrun_caller(x)->user_id &&
           core_now_ms(r->core) < c->created_at_ms + LIVE(r->options.change_window_ms);
}

err_t runrun_comment_edit(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    const struct json *body;
    struct comment comment;
    struct task task;
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(runrun_read_body(x, &body));
    const struct json *text = json_get(runrun_unwrap(body, "comment"), "text");
    TRY(task_comment_get(r->core, runrun_caller(x), id, &x->arena, &comment, &task));
    if (!may_edit_comment(x, &comment))
        return runrun_refuse(&x->arena, RUNRUN_FORBIDDEN);
    if (!json_is(text, JS_STRING) || runrun_is_blank(text->string))
        return runrun_refuse_field(x, "text", RUNRUN_BLANK);
    struct task_comment_edit edit = { .task_id = comment.task_id, .comment_id = id, .text = text->string };
    TRY(task_comment_edit(r->core, runrun_caller(x), &edit, &x->arena));
    return runrun_reply_item(x, 200, runrun_write_comment, id);
}

err_t runrun_comment_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    TRY(runrun_path_id(x, &id));
    struct task_comment_removal removal = { .comment_id = id,
                                            .window_ms = LIVE(r->options.change_window_ms),
                                            .purge_after_ms = LIVE(r->options.pending_lifetime_ms) };
    TRY(task_comment_remove(r->core, runrun_caller(x), &removal, &x->arena));
    runrun_reply_no_content(x);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Comments: said, changed, taken back. */
#include "base/json.h"
#include "core/store/comment_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_priv.h"

/* ---- saying ---- */

static bool says_something(const struct task_comment *c)
{
    return !task_text_is_blank(c->text) || c->attachment_count || c->document_count || c->move != TASK_STAY ||
           c->sets_subject || c->task_details.n || c->responsible_id || c->added_count || c->removed_count;
}

/* RFC 7396 with objects of one level: members of `patch` replace those of `target`, null removes. */
static err_t merge_details(slice target, slice patch, struct arena *a, slice *ret)
{
    const struct json *old = NULL, *new;
    if (target.n)
        TRY(json_parse(a, target, &old));
    TRY(json_parse(a, patch, &new));
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    JSON_EACH(member, old) {
        const char *name = arena_cstr(a, member->name);
        if (!json_get(new, name)) {
            json_name(&out, name);
            json_add_value(&out, member);
        }
    }
    JSON_EACH(member, new) {
        if (member->type == JS_NULL)
            continue;
        json_name(&out, arena_cstr(a, member->name));
        json_add_value(&out, member);
    }
    json_close_object(&out);
    *ret = arena_copy(a, buf_slice(&text));
    return NULL;
}

static err_t check_comment(struct meta_tx *tx, struct task_write *w, const struct task *task,
                           const struct task_members *members, struct arena *a)
{
    const struct task_comment *c = w->comment;
    const struct task_member *self = task_member_find(members, w->who->user_id);
    bool only_watches = task->author_id != w->who->user_id && !w->who->is_admin && self &&
                        !(self->roles & (TASK_PARTICIPANT | TASK_RESPONSIBLE));
    if (only_watches && c->move == TASK_CLOSE)
        return task_refuse(TASK_MAY_NOT_CLOSE, a, &w->why);
    if (only_watches && c->move == TASK_REOPEN)
        return task_refuse(TASK_MAY_NOT_REOPEN, a, &w->why);
    int64_t comments;
    TRY(meta_comment_count(tx, w->task_id, a, &comments));
    if (comments >= TASK_COMMENTS_MAX)
        return task_refuse(TASK_TOO_MANY_COMMENTS, a, &w->why);
    for (size_t i = 0; i < c->added_count; i++)
        TRY(task_check_person(tx, w, c->added[i].user_id, a));
    if (c->responsible_id)
        TRY(task_check_person(tx, w, c->responsible_id, a));
    if (c->file_id)
        TRY(task_check_file(tx, w, c->file_id, a));
    return NULL;
}

static err_t apply_comment(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_write *w = arg;
    const struct task_comment *c = w->comment;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct task_members members;
    struct task_hanging hanging = { .attachments = c->attachments,
                                    .attachment_count = c->attachment_count,
                                    .document_ids = c->documents,
                                    .document_count = c->document_count };
    TRY(task_see_or_refuse(tx, w, a, &task, &members));
    TRY(check_comment(tx, w, &task, &members, a));
    TRY(task_hang_check(tx, w, &hanging, now_ms, a));

    bool was_closed = task.closed_at_ms != 0;
    bool reopens_itself = was_closed && c->move == TASK_STAY && c->reopens;
    bool closes = !was_closed && c->move == TASK_CLOSE;
    bool reopens = was_closed && (c->move == TASK_REOPEN || reopens_itself);
    slice details = reopens_itself ? c->details_reopened : c->details;
    TRY(task_check_text(tx, w, c->text.n + details.n, 0, a));
    task.modified_at_ms = now_ms;
    task.closed_at_ms = closes ? now_ms : reopens ? 0 : task.closed_at_ms;
    if (c->sets_subject)
        task.subject = c->subject;
    if (c->task_details.n)
        TRY(merge_details(task.details, c->task_details, a, &task.details));
    TRY(meta_task_update(tx, &task, a));

    struct comment comment = { .task_id = task.id,
                               .author_id = w->who->user_id,
                               .file_id = c->file_id,
                               .text = c->text,
                               .details = details,
                               .created_at_ms = now_ms };
    int64_t comment_id;
    TRY(meta_comment_add(tx, &comment, a, &comment_id));
    TRY(task_tell(tx, w, now_ms, S("task.comment"), task.id, arena_printf(a, "comment:%lld", (long long)comment_id),
                  a));
    if (c->sets_subject || c->task_details.n)
        TRY(task_tell(tx, w, now_ms, S("task.change"), task.id, S(""), a));
    if (closes || reopens)
        TRY(task_tell(tx, w, now_ms, closes ? S("task.close") : S("task.reopen"), task.id, S(""), a));
    struct task_members after = task_members_after(c, &members, a);
    TRY(task_members_save(tx, w, task.id, &members, &after, now_ms, a));
    TRY(task_hang(tx, w, task.id, comment_id, &hanging, now_ms, a));
    w->comment_id = comment_id;
    return NULL;
}

err_t task_comment_add(struct core *core, const struct principal *who, int64_t task_id, const struct task_comment *c,
                       struct arena *a, enum task_refusal *ret_why, int64_t *ret_comment_id)
{
    struct task_write w = { .core = core, .who = who, .task_id = task_id, .comment = c };
    *ret_why = TASK_NO_REFUSAL;
    if (!says_something(c)) {
        struct task task; /* whether the task is there comes first: a stranger learns nothing from the order */
        err_t e = task_get_visible(core, who, task_id, a, &task);
        if (err_is(e, ERR_NOT_FOUND))
            return task_refuse(TASK_NOT_VISIBLE, a, ret_why);
        TRY(e);
        return task_refuse(TASK_NOTHING_SAID, a, ret_why);
    }
    err_t e = meta_write(core->meta, apply_comment, &w, a);
    *ret_why = w.why;
    TRY(e);
    *ret_comment_id = w.comment_id;
    return NULL;
}

static err_t apply_edit(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_write *w = arg;
    const struct task_comment *c = w->comment;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct task_members members;
    struct task_hanging hanging = { .attachments = c->attachments, .attachment_count = c->attachment_count };
    TRY(task_see_or_refuse(tx, w, a, &task, &members));
    struct comment old;
    err_t e = meta_comment_get(tx, w->comment_id, a, &old);
    if (err_is(e, ERR_NOT_FOUND) || (!e && old.task_id != w->task_id))
        return task_refuse(TASK_BAD_COMMENT, a, &w->why);
    TRY(e);
    if (old.author_id != w->who->user_id)
        return task_refuse(TASK_MAY_NOT_EDIT, a, &w->why);
    if (task_text_is_blank(c->text) && !c->attachment_count)
        return task_refuse(TASK_NOTHING_SAID, a, &w->why);
    TRY(task_hang_check(tx, w, &hanging, now_ms, a));

    slice text = task_text_is_blank(c->text) ? old.text : c->text;
    TRY(task_check_text(tx, w, text.n, old.text.n, a));
    TRY(meta_comment_set_text(tx, old.id, text, now_ms, a));
    task.modified_at_ms = now_ms;
    TRY(meta_task_update(tx, &task, a));
    TRY(task_tell(tx, w, now_ms, S("task.comment_edit"), task.id, arena_printf(a, "comment:%lld", (long long)old.id),
                  a));
    return task_hang(tx, w, task.id, old.id, &hanging, now_ms, a);
}

err_t task_comment_edit(struct core *core, const struct principal *who, int64_t task_id, int64_t comment_id, slice text,
                        const struct attachment *attachments, size_t attachment_count, struct arena *a,
                        enum task_refusal *ret_why)
{
    struct task_comment c = { .text = text, .attachments = attachments, .attachment_count = attachment_count };
    struct task_write w = { .core = core, .who = who, .task_id = task_id, .comment_id = comment_id, .comment = &c };
    err_t e = meta_write(core->meta, apply_edit, &w, a);
    *ret_why = w.why;
    return e;
}

/* ---- taking back ---- */

static err_t see_comment(struct meta_tx *tx, const struct principal *who, int64_t comment_id, struct arena *a,
                         struct comment *ret, struct task *ret_task)
{
    struct comment comment;
    struct task_members members;
    TRY(meta_comment_get(tx, comment_id, a, &comment));
    TRY(task_see(tx, who, comment.task_id, a, ret_task, &members));
    *ret = comment;
    return NULL;
}

static err_t apply_comment_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_write *w = arg;
    int64_t now_ms = core_now_ms(w->core);
    struct comment comment;
    struct task task;
    w->why = TASK_NO_REFUSAL;
    err_t e = see_comment(tx, w->who, w->comment_id, a, &comment, &task);
    if (err_is(e, ERR_NOT_FOUND))
        return task_refuse(TASK_NOT_VISIBLE, a, &w->why);
    TRY(e);
    bool in_time = now_ms - comment.created_at_ms < w->window_ms;
    if (!w->who->is_admin && (comment.author_id != w->who->user_id || !in_time))
        return task_refuse(TASK_MAY_NOT_EDIT, a, &w->why);
    int64_t *files;
    size_t count;
    TRY(task_end_pending(tx, w, task.id, comment.id, now_ms, a, &w->more));
    if (w->more)
        return NULL;
    TRY(task_held_files(tx, task.id, comment.id, a, &files, &count));
    TRY(meta_comment_remove(tx, comment.id, a));
    task.modified_at_ms = now_ms;
    TRY(meta_task_update(tx, &task, a));
    TRY(task_tell(tx, w, now_ms, S("task.comment_remove"), task.id,
                  arena_printf(a, "comment:%lld", (long long)comment.id), a));
    return task_let_go(tx, w, files, count, now_ms, a);
}

err_t task_comment_remove(struct core *core, const struct principal *who, int64_t comment_id, int64_t window_ms,
                          int64_t purge_after_ms, struct arena *a, enum task_refusal *ret_why)
{
    struct task_write w = {
        .core = core, .who = who, .comment_id = comment_id, .window_ms = window_ms, .purge_after_ms = purge_after_ms
    };
    err_t e;
    do
        e = meta_write(core->meta, apply_comment_remove, &w, a);
    while (!e && w.more);
    *ret_why = w.why;
    return e;
}

err_t task_comment_get(struct core *core, const struct principal *who, int64_t comment_id, struct arena *a,
                       struct comment *ret, struct task *ret_task)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return see_comment(tx, who, comment_id, a, ret, ret_task);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/record_size.h"
#include "core/store/comment_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_attach_priv.h"
#include "core/task/task_holder.h"
#include "core/task/task_members_priv.h"

/* ---- adding a comment ---- */

struct comment_addition {
    struct task_write w;
    const struct task_comment *comment;
    int64_t comment_id;
};

static bool says_or_changes_something(const struct task_comment *c)
{
    return !task_text_is_blank(c->text) || c->attachment_count || c->document_count || c->move != TASK_STAY ||
           c->sets_subject || c->task_details.n || c->responsible_id || c->added_count || c->removed_count;
}

/* A user who is only a subscriber may comment, but neither close nor reopen the task. */
static err_t check_move(struct task_write *w, const struct task *task, const struct task_member_list *members,
                        enum task_move move, struct arena *a)
{
    const struct task_member *self = task_member_find(members, w->who->user_id);
    bool only_subscribes = task->author_id != w->who->user_id && !w->who->is_admin && self &&
                           !(self->roles & (TASK_PARTICIPANT | TASK_RESPONSIBLE));
    if (only_subscribes && move == TASK_CLOSE)
        return core_refuse(a, REASON_TASK_MAY_NOT_CLOSE);
    if (only_subscribes && move == TASK_REOPEN)
        return core_refuse(a, REASON_TASK_MAY_NOT_REOPEN);
    return NULL;
}

static err_t check_addition(struct meta_tx *tx, struct comment_addition *n, const struct task *task,
                            const struct task_member_list *members, struct arena *a)
{
    const struct task_comment *c = n->comment;
    struct task_write *w = &n->w;
    int64_t comments;
    TRY(check_move(w, task, members, c->move, a));
    TRY(meta_comment_count(tx, w->task_id, a, &comments));
    if (comments >= TASK_COMMENTS_MAX)
        return core_refuse(a, REASON_TASK_TOO_MANY_COMMENTS);
    TRY(task_check_people(members->count, c->added_count, c->removed_count, a));
    for (size_t i = 0; i < c->added_count; i++)
        TRY(task_check_person(tx, w, c->added[i].user_id, a));
    if (c->responsible_id)
        TRY(task_check_person(tx, w, c->responsible_id, a));
    if (c->file_id)
        TRY(task_check_document(tx, w, c->file_id, a));
    return NULL;
}

/* How a comment changes the state of its task. */
struct transition {
    bool closes, reopens;
    bool is_implied; /* the task reopens because the comment says `reopens`, not because of its move */
};

static struct transition transition_of(const struct task_comment *c, const struct task *task)
{
    bool was_closed = task->closed_at_ms != 0;
    bool is_implied = was_closed && c->move == TASK_STAY && c->reopens;
    return (struct transition){ .closes = !was_closed && c->move == TASK_CLOSE,
                                .reopens = was_closed && (c->move == TASK_REOPEN || is_implied),
                                .is_implied = is_implied };
}

/* Changes only memory. */
static err_t change_task(const struct comment_addition *n, struct transition t, struct task *task, struct arena *a)
{
    const struct task_comment *c = n->comment;
    task->modified_at_ms = n->w.now_ms;
    task->closed_at_ms = t.closes ? n->w.now_ms : t.reopens ? 0 : task->closed_at_ms;
    if (c->sets_subject)
        task->subject = c->subject;
    if (c->task_details.n)
        TRY(task_merge_details(task->details, c->task_details, NULL, a, &task->details));
    return NULL;
}

static err_t write_comment_events(struct meta_tx *tx, const struct comment_addition *n, struct transition t,
                                  struct arena *a)
{
    TRY(task_event_write(tx, &n->w, S("task.comment"), task_event_comment(a, n->comment_id), a));
    if (n->comment->sets_subject || n->comment->task_details.n)
        TRY(task_event_write(tx, &n->w, S("task.change"), S(""), a));
    if (t.closes || t.reopens)
        TRY(task_event_write(tx, &n->w, t.closes ? S("task.close") : S("task.reopen"), S(""), a));
    return NULL;
}

static err_t apply_comment_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct comment_addition *n = arg;
    const struct task_comment *c = n->comment;
    struct task_write *w = &n->w;
    struct task task;
    struct task_member_list members;
    struct task_attach attach = { .attachments = c->attachments,
                                  .attachment_count = c->attachment_count,
                                  .documents = c->documents,
                                  .document_count = c->document_count };
    task_write_begin(w);
    TRY(task_find_for_write(tx, w, a, &task, &members));
    TRY(check_addition(tx, n, &task, &members, a));
    TRY(task_attach_check(tx, w, &attach, a));
    struct transition t = transition_of(c, &task);
    slice details = t.is_implied ? c->details_reopened : c->details;
    TRY(task_check_text(tx, w, c->text.n + details.n, 0, a));

    int64_t old_size = task_record_size(&task);
    TRY(change_task(n, t, &task, a));
    struct comment comment = { .task_id = task.id,
                               .author_id = w->who->user_id,
                               .file_id = c->file_id,
                               .text = c->text,
                               .details = details,
                               .created_at_ms = w->now_ms };
    struct task_member_list after = task_members_after(c, &members, a);
    int64_t growth = task_record_size(&task) - old_size + comment_record_size(&comment) +
                     task_members_growth(&members, &after) + task_attach_growth(&attach);
    TRY(task_take_room(tx, w, growth, a));
    TRY(meta_task_update(tx, &task, a));
    TRY(meta_comment_add(tx, &comment, a, &n->comment_id));
    TRY(write_comment_events(tx, n, t, a));
    TRY(task_members_save(tx, w, &members, &after, a));
    return task_attach(tx, w, n->comment_id, &attach, a);
}

/* REASON_TASK_NOTHING_SAID; but whether the task exists is checked first, so that the answer reveals nothing about a task that
 * is not visible. */
static err_t refuse_empty_comment(struct core *core, const struct principal *who, int64_t task_id, struct arena *a)
{
    struct task task;
    TRY(task_get_visible(core, who, task_id, a, &task));
    return core_refuse(a, REASON_TASK_NOTHING_SAID);
}

err_t task_comment_add(struct core *core, const struct principal *who, const struct task_comment *c, struct arena *a,
                       int64_t *ret_comment_id)
{
    if (!c->may_be_empty && !says_or_changes_something(c))
        return refuse_empty_comment(core, who, c->task_id, a);
    struct comment_addition n = { .w = { .core = core, .who = who, .task_id = c->task_id }, .comment = c };
    TRY(meta_write(core->meta, apply_comment_add, &n, a));
    *ret_comment_id = n.comment_id;
    return NULL;
}

/* ---- editing ---- */

struct comment_editing {
    struct task_write w;
    const struct task_comment_edit *edit;
};

/* The comment, if the user may edit it. */
static err_t find_own_comment(struct meta_tx *tx, struct comment_editing *n, struct arena *a, struct comment *ret)
{
    struct comment comment;
    err_t e = meta_comment_get(tx, n->edit->comment_id, a, &comment);
    if (err_is(e, ERR_NOT_FOUND) || (!e && comment.task_id != n->w.task_id))
        return core_refuse(a, REASON_TASK_BAD_COMMENT);
    TRY(e);
    if (comment.author_id != n->w.who->user_id)
        return core_refuse(a, REASON_TASK_MAY_NOT_EDIT);
    *ret = comment;
    return NULL;
}

static err_t apply_comment_edit(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct comment_editing *n = arg;
    const struct task_comment_edit *edit = n->edit;
    struct task_write *w = &n->w;
    struct task task;
    struct task_member_list members;
    struct comment old = { 0 };
    struct task_attach attach = { .attachments = edit->attachments, .attachment_count = edit->attachment_count };
    task_write_begin(w);
    TRY(task_find_for_write(tx, w, a, &task, &members));
    TRY(find_own_comment(tx, n, a, &old));
    if (task_text_is_blank(edit->text) && !edit->attachment_count)
        return core_refuse(a, REASON_TASK_NOTHING_SAID);
    TRY(task_attach_check(tx, w, &attach, a));
    slice text = task_text_is_blank(edit->text) ? old.text : edit->text;
    TRY(task_check_text(tx, w, text.n, old.text.n, a));

    TRY(task_take_room(tx, w, (int64_t)text.n - (int64_t)old.text.n + task_attach_growth(&attach), a));
    TRY(meta_comment_set_text(tx, old.id, text, w->now_ms, a));
    task.modified_at_ms = w->now_ms;
    TRY(meta_task_update(tx, &task, a));
    TRY(task_event_write(tx, w, S("task.comment_edit"), task_event_comment(a, old.id), a));
    return task_attach(tx, w, old.id, &attach, a);
}

err_t task_comment_edit(struct core *core, const struct principal *who, const struct task_comment_edit *edit,
                        struct arena *a)
{
    struct comment_editing n = { .w = { .core = core, .who = who, .task_id = edit->task_id }, .edit = edit };
    return meta_write(core->meta, apply_comment_edit, &n, a);
}

/* ---- removing and reading ---- */

struct comment_removing {
    struct task_write w;
    const struct task_comment_removal *removal;
};

static err_t find_visible_comment(struct meta_tx *tx, const struct principal *who, int64_t comment_id, struct arena *a,
                                  struct comment *ret, struct task *ret_task)
{
    struct comment comment;
    struct task_member_list members;
    TRY(meta_comment_get(tx, comment_id, a, &comment));
    TRY(task_find_visible(tx, who, comment.task_id, a, ret_task, &members));
    *ret = comment;
    return NULL;
}

/* The comment and its task, if the user may remove the comment. */
static err_t find_removable(struct meta_tx *tx, struct comment_removing *n, struct arena *a, struct comment *ret,
                            struct task *ret_task)
{
    struct task_write *w = &n->w;
    err_t e = find_visible_comment(tx, w->who, n->removal->comment_id, a, ret, ret_task);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_TASK_NOT_VISIBLE);
    TRY(e);
    bool in_time = w->now_ms - ret->created_at_ms < n->removal->window_ms;
    if (!w->who->is_admin && (ret->author_id != w->who->user_id || !in_time))
        return core_refuse(a, REASON_TASK_MAY_NOT_EDIT);
    return NULL;
}

static err_t apply_comment_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct comment_removing *n = arg;
    struct task_write *w = &n->w;
    struct comment comment = { 0 };
    struct task task;
    int64_t size;
    task_write_begin(w);
    TRY(find_removable(tx, n, a, &comment, &task));
    w->task_id = task.id;
    TRY(meta_task_lock(tx, task.id, a));
    TRY(meta_task_get(tx, task.id, a, &task)); /* as it is now that no other write changes it */
    TRY(task_delete_pending(tx, w, comment.id, a));
    if (w->more)
        return NULL;
    TRY(meta_comment_size(tx, comment.id, a, &size));
    TRY(meta_comment_remove(tx, comment.id, a));
    TRY(task_take_room(tx, w, -size, a));
    task.modified_at_ms = w->now_ms;
    TRY(meta_task_update(tx, &task, a));
    TRY(task_event_write(tx, w, S("task.comment_remove"), task_event_comment(a, comment.id), a));
    w->ending.purge_at_ms = w->now_ms + n->removal->purge_after_ms;
    return holder_end(tx, &comment_holder, comment.id, &w->ending, a);
}

err_t task_comment_remove(struct core *core, const struct principal *who, const struct task_comment_removal *removal,
                          struct arena *a)
{
    struct comment_removing n = { .w = { .core = core, .who = who }, .removal = removal };
    return task_write_until_done(&n.w, apply_comment_remove, &n, a);
}

err_t task_comment_get(struct core *core, const struct principal *who, int64_t comment_id, struct arena *a,
                       struct comment *ret, struct task *ret_task)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return find_visible_comment(tx, who, comment_id, a, ret, ret_task);
}

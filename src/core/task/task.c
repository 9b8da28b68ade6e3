/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing tasks; who sees one; how a rule says no. */
#include "core/task/task.h"

#include "core/event.h"
#include "core/store/comment_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/transaction.h"
#include "core/task/task_priv.h"

/* ---- refusing, telling ---- */

static const struct {
    enum err_code code;
    const char *text;
} refusals[TASK_REFUSAL_COUNT] = {
    [TASK_NOT_VISIBLE] = { ERR_NOT_FOUND, "no such task" },
    [TASK_NOTHING_SAID] = { ERR_EMPTY, "nothing was said" },
    [TASK_BAD_ATTACHMENT] = { ERR_INVALID, "an attachment does not exist" },
    [TASK_BAD_PERSON] = { ERR_INVALID, "no such person" },
    [TASK_BAD_DOCUMENT] = { ERR_INVALID, "a document does not exist, or hangs elsewhere" },
    [TASK_BAD_COMMENT] = { ERR_INVALID, "no such comment in this task" },
    [TASK_TOO_MANY_REFERENCES] = { ERR_TOO_LARGE, "the task has too many attachments" },
    [TASK_TOO_MANY_COMMENTS] = { ERR_TOO_LARGE, "the task has too many comments" },
    [TASK_TOO_MUCH_TEXT] = { ERR_TOO_LARGE, "the comments of the task are too long" },
    [TASK_MAY_NOT_CLOSE] = { ERR_FORBIDDEN, "may not close the task" },
    [TASK_MAY_NOT_REOPEN] = { ERR_FORBIDDEN, "may not reopen the task" },
    [TASK_MAY_NOT_EDIT] = { ERR_FORBIDDEN, "the comment is somebody else's" },
    [TASK_MAY_NOT_REMOVE] = { ERR_FORBIDDEN, "may not remove the task" },
};

err_t task_refuse(enum task_refusal why, struct arena *a, enum task_refusal *ret_why)
{
    *ret_why = why;
    return err_make(a, refusals[why].code, "%s", refusals[why].text);
}

err_t task_tell(struct meta_tx *tx, const struct task_write *w, int64_t now_ms, slice action, int64_t task_id,
                slice detail, struct arena *a)
{
    return event_write(tx, now_ms, w->who, w->who->account_id, action, arena_printf(a, "task:%lld", (long long)task_id),
                       detail, a);
}

/* ---- seeing ---- */

err_t task_see(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a, struct task *ret,
               struct task_members *ret_members)
{
    struct task task;
    struct task_members members;
    TRY(meta_task_get(tx, task_id, a, &task));
    if (task.account_id != who->account_id)
        return err_make(a, ERR_NOT_FOUND, "no such task");
    TRY(meta_task_members(tx, task_id, a, &members.items, &members.count));
    if (!task.is_shared && task.author_id != who->user_id && !who->is_admin &&
        !task_member_find(&members, who->user_id))
        return err_make(a, ERR_NOT_FOUND, "no such task");
    *ret = task;
    *ret_members = members;
    return NULL;
}

err_t task_see_or_refuse(struct meta_tx *tx, struct task_write *w, struct arena *a, struct task *ret,
                         struct task_members *ret_members)
{
    w->why = TASK_NO_REFUSAL;
    err_t e = task_see(tx, w->who, w->task_id, a, ret, ret_members);
    return err_is(e, ERR_NOT_FOUND) ? task_refuse(TASK_NOT_VISIBLE, a, &w->why) : e;
}

err_t task_see_reference(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                         struct reference *ret)
{
    struct reference reference;
    struct task task;
    struct task_members members;
    TRY(meta_reference_get(tx, id, a, &reference));
    TRY(task_see(tx, who, reference.task_id, a, &task, &members));
    *ret = reference;
    return NULL;
}

/* ---- texts ---- */

err_t task_check_text(struct meta_tx *tx, struct task_write *w, size_t more, size_t less, struct arena *a)
{
    if (more <= less)
        return NULL;
    int64_t held = 0;
    if (w->task_id)
        TRY(meta_comment_bytes(tx, w->task_id, a, &held));
    int64_t kept = held - (int64_t)less;
    if (kept > TASK_TEXT_BYTES_MAX || more > (size_t)(TASK_TEXT_BYTES_MAX - kept))
        return task_refuse(TASK_TOO_MUCH_TEXT, a, &w->why);
    return NULL;
}

bool task_text_is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
            return false;
    return true;
}

/* ---- making a task ---- */

/* Its first comment says its text and brings what hangs on it; a silent task has none. */
static err_t first_comment(struct meta_tx *tx, const struct task_write *w, int64_t task_id, int64_t now_ms,
                           struct arena *a, int64_t *ret_comment_id)
{
    *ret_comment_id = 0;
    if (w->order->is_silent)
        return NULL;
    struct comment comment = { .task_id = task_id,
                               .author_id = w->who->user_id,
                               .text = w->order->text,
                               .details = w->order->comment_details,
                               .created_at_ms = now_ms };
    return meta_comment_add(tx, &comment, a, ret_comment_id);
}

static err_t apply_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_write *w = arg;
    const struct task_order *order = w->order;
    int64_t now_ms = core_now_ms(w->core);
    w->why = TASK_NO_REFUSAL;
    w->task_id = 0;

    struct task_hanging hanging = { .attachments = order->attachments,
                                    .attachment_count = order->attachment_count,
                                    .document_ids = order->documents,
                                    .document_count = order->document_count };
    TRY(task_check_text(tx, w, order->text.n + order->comment_details.n, 0, a));
    TRY(task_hang_check(tx, w, &hanging, now_ms, a));
    for (size_t i = 0; i < order->member_count; i++)
        TRY(task_check_person(tx, w, order->members[i].user_id, a));

    struct task task = {
        .account_id = w->who->account_id,
        .author_id = w->who->user_id,
        .text = order->text,
        .subject = order->subject,
        .details = order->details,
        .is_shared = order->is_shared,
        .created_at_ms = now_ms,
        .modified_at_ms = now_ms,
    };
    int64_t task_id, comment_id;
    TRY(meta_task_add(tx, &task, a, &task_id));
    TRY(first_comment(tx, w, task_id, now_ms, a, &comment_id));
    TRY(task_tell(tx, w, now_ms, S("task.create"), task_id, S(""), a));
    struct task_members none = { NULL, 0 };
    struct task_members after = task_members_after(
        &(struct task_comment){ .added = order->members, .added_count = order->member_count }, &none, a);
    TRY(task_members_save(tx, w, task_id, &none, &after, now_ms, a));
    TRY(task_hang(tx, w, task_id, comment_id, &hanging, now_ms, a));
    w->task_id = task_id;
    return NULL;
}

err_t task_create(struct core *core, const struct principal *who, const struct task_order *order, struct arena *a,
                  enum task_refusal *ret_why, int64_t *ret_task_id)
{
    *ret_why = TASK_NO_REFUSAL;
    if (task_text_is_blank(order->text))
        return task_refuse(TASK_NOTHING_SAID, a, ret_why);
    struct task_write w = { .core = core, .who = who, .order = order };
    err_t e = meta_write(core->meta, apply_create, &w, a);
    *ret_why = w.why;
    TRY(e);
    *ret_task_id = w.task_id;
    return NULL;
}

/* ---- removing ---- */

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_write *w = arg;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct task_members members;
    TRY(task_see_or_refuse(tx, w, a, &task, &members));
    if (task.author_id != w->who->user_id && !w->who->is_admin)
        return task_refuse(TASK_MAY_NOT_REMOVE, a, &w->why);
    int64_t *files;
    size_t count;
    TRY(task_end_pending(tx, w, task.id, 0, now_ms, a, &w->more));
    if (w->more)
        return NULL;
    TRY(task_held_files(tx, task.id, 0, a, &files, &count));
    TRY(meta_task_remove(tx, task.id, a));
    TRY(task_tell(tx, w, now_ms, S("task.remove"), task.id, S(""), a));
    return task_let_go(tx, w, files, count, now_ms, a);
}

err_t task_remove(struct core *core, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                  struct arena *a, enum task_refusal *ret_why)
{
    struct task_write w = { .core = core, .who = who, .task_id = task_id, .purge_after_ms = purge_after_ms };
    err_t e;
    do
        e = meta_write(core->meta, apply_remove, &w, a);
    while (!e && w.more);
    *ret_why = w.why;
    return e;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_write_priv.h"

#include "core/event.h"
#include "core/store/comment_store.h"

void task_write_begin(struct task_write *w)
{
    w->now_ms = core_now_ms(w->core);
    w->why = TASK_NO_REFUSAL;
    w->more = false;
}

err_t task_write_until_done(struct task_write *w, meta_apply_fn *apply, void *arg, struct arena *a)
{
    err_t e;
    do
        e = meta_write(w->core->meta, apply, arg, a);
    while (!e && w->more);
    return e;
}

/* ---- refusals ---- */

static const struct {
    enum err_code code;
    const char *text;
} refusals[TASK_REFUSAL_COUNT] = {
    [TASK_NOT_VISIBLE] = { ERR_NOT_FOUND, "no such task" },
    [TASK_NOTHING_SAID] = { ERR_EMPTY, "nothing was said" },
    [TASK_BAD_ATTACHMENT] = { ERR_INVALID, "an attachment does not exist" },
    [TASK_BAD_PERSON] = { ERR_INVALID, "no such person" },
    [TASK_BAD_DOCUMENT] = { ERR_INVALID, "a document does not exist, or is attached to another task" },
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

err_t task_find_for_write(struct meta_tx *tx, struct task_write *w, struct arena *a, struct task *ret,
                          struct task_member_list *ret_members)
{
    err_t e = task_find_visible(tx, w->who, w->task_id, a, ret, ret_members);
    return err_is(e, ERR_NOT_FOUND) ? task_refuse(TASK_NOT_VISIBLE, a, &w->why) : e;
}

/* ---- events ---- */

err_t task_event_write(struct meta_tx *tx, const struct task_write *w, slice action, slice detail, struct arena *a)
{
    struct event_params event = { .at_ms = w->now_ms,
                                  .who = w->who,
                                  .account_id = w->who->account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "task:%lld", (long long)w->task_id),
                                  .detail = detail };
    return event_write(tx, &event, a);
}

slice task_event_comment(struct arena *a, int64_t comment_id)
{
    return arena_printf(a, "comment:%lld", (long long)comment_id);
}

/* ---- texts ---- */

err_t task_check_text(struct meta_tx *tx, struct task_write *w, size_t added, size_t removed, struct arena *a)
{
    if (added <= removed)
        return NULL;
    int64_t present = 0;
    if (w->task_id)
        TRY(meta_comment_bytes(tx, w->task_id, a, &present));
    int64_t kept = present - (int64_t)removed;
    if (kept > TASK_TEXT_BYTES_MAX || added > (size_t)(TASK_TEXT_BYTES_MAX - kept))
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

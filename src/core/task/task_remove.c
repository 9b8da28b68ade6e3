/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/task_store.h"
#include "core/task/task_attach_priv.h"
#include "core/task/task_holder.h"

struct task_removal {
    struct task_write w;
    int64_t purge_after_ms;
};

static err_t apply_task_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_removal *r = arg;
    struct task_write *w = &r->w;
    struct task task;
    struct task_member_list members;
    struct task_comments holding;
    int64_t size;
    task_write_begin(w);
    TRY(task_find_for_write(tx, w, a, &task, &members));
    if (task.author_id != w->who->user_id && !w->who->is_admin)
        return core_refuse(a, REASON_TASK_MAY_NOT_REMOVE);
    TRY(task_delete_pending(tx, w, 0, a));
    if (w->more)
        return NULL;
    TRY(task_holding_comments(tx, w, a, &holding));
    TRY(meta_task_size(tx, task.id, a, &size));
    TRY(meta_task_remove(tx, task.id, a));
    TRY(task_take_room(tx, w, -size, a));
    TRY(task_event_write(tx, w, S("task.remove"), S(""), a));
    w->ending.purge_at_ms = w->now_ms + r->purge_after_ms;
    TRY(holder_end(tx, &task_holder, task.id, &w->ending, a));
    for (size_t i = 0; i < holding.count; i++)
        TRY(holder_end(tx, &comment_holder, holding.ids[i], &w->ending, a));
    return NULL;
}

err_t task_remove(struct core *core, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                  struct arena *a)
{
    struct task_removal r = { .w = { .core = core, .who = who, .task_id = task_id }, .purge_after_ms = purge_after_ms };
    return task_write_until_done(&r.w, apply_task_remove, &r, a);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_visibility.h"

#include "core/reasons.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"

struct task_member *task_member_find(const struct task_member_list *members, int64_t user_id)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->items[i].user_id == user_id)
            return &members->items[i];
    return NULL;
}

err_t task_find_visible(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a,
                        struct task *ret, struct task_member_list *ret_members)
{
    struct task task;
    struct task_member_list members;
    err_t e = meta_task_get(tx, task_id, a, &task);
    if (err_is(e, ERR_NOT_FOUND) || (!e && task.account_id != who->account_id))
        return core_refuse(a, REASON_TASK_NOT_VISIBLE);
    TRY(e);
    TRY(meta_task_members(tx, task_id, a, &members));
    if (!task.is_shared && task.author_id != who->user_id && !who->is_admin &&
        !task_member_find(&members, who->user_id))
        return core_refuse(a, REASON_TASK_NOT_VISIBLE);
    *ret = task;
    *ret_members = members;
    return NULL;
}

err_t task_check_visible(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a)
{
    const struct task_viewer viewer = { who->account_id, who->user_id, who->is_admin };
    bool sees;
    TRY(meta_task_sees(tx, task_id, &viewer, a, &sees));
    return sees ? NULL : core_refuse(a, REASON_TASK_NOT_VISIBLE);
}

err_t reference_find_visible(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                             struct reference *ret)
{
    struct reference reference;
    err_t e = meta_reference_get(tx, id, a, &reference);
    if (!e)
        e = task_check_visible(tx, who, reference.task_id, a);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_FILE_NOT_VISIBLE);
    TRY(e);
    *ret = reference;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Members of tasks, and who counts as a person of the account. */
#include "core/store/task_store.h"
#include "core/store/user_store.h"
#include "core/task/task_priv.h"

struct task_member *task_member_find(const struct task_members *m, int64_t user_id)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].user_id == user_id)
            return &m->items[i];
    return NULL;
}

err_t task_check_person(struct meta_tx *tx, struct task_write *w, int64_t user_id, struct arena *a)
{
    struct user user;
    err_t e = meta_user_get(tx, user_id, a, &user);
    if (err_is(e, ERR_NOT_FOUND) || (!e && (user.account_id != w->who->account_id || user.state == USER_DELETED)))
        return task_refuse(TASK_BAD_PERSON, a, &w->why);
    return e;
}

static err_t set_member(struct meta_tx *tx, const struct task_write *w, int64_t task_id, int64_t user_id, int roles,
                        int64_t now_ms, struct arena *a)
{
    TRY(meta_task_set_member(tx, task_id, user_id, roles, a));
    return task_tell(tx, w, now_ms, S("task.member"), task_id,
                     arena_printf(a, "user:%lld roles %d", (long long)user_id, roles), a);
}

struct task_members task_members_after(const struct task_comment *c, const struct task_members *now, struct arena *a)
{
    struct task_members after = { arena_array(a, struct task_member, now->count + c->added_count + 2), 0 };
    for (size_t i = 0; i < now->count; i++)
        after.items[after.count++] = now->items[i];
    for (size_t i = 0; i < c->removed_count; i++) {
        struct task_member *m = task_member_find(&after, c->removed[i]);
        if (m)
            m->roles = 0;
    }
    for (size_t i = 0; i < after.count && c->responsible_id; i++)
        if (after.items[i].roles & TASK_RESPONSIBLE)
            after.items[i].roles = (after.items[i].roles & ~TASK_RESPONSIBLE) | TASK_PARTICIPANT;
    struct task_member responsible = { c->responsible_id, TASK_RESPONSIBLE };
    for (size_t i = 0; i <= c->added_count; i++) {
        const struct task_member *add = i < c->added_count ? &c->added[i] : &responsible;
        if (add->user_id == 0)
            continue;
        struct task_member *m = task_member_find(&after, add->user_id);
        if (m)
            m->roles |= add->roles;
        else
            after.items[after.count++] = *add;
    }
    return after;
}

err_t task_members_save(struct meta_tx *tx, const struct task_write *w, int64_t task_id,
                        const struct task_members *before, const struct task_members *after, int64_t now_ms,
                        struct arena *a)
{
    for (size_t i = 0; i < after->count; i++) {
        const struct task_member *was = task_member_find(before, after->items[i].user_id);
        if ((was ? was->roles : 0) != after->items[i].roles)
            TRY(set_member(tx, w, task_id, after->items[i].user_id, after->items[i].roles, now_ms, a));
    }
    return NULL;
}

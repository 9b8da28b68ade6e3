/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_members_priv.h"

#include "base/case_fold.h"
#include "core/core_priv.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/task_store.h"
#include "core/store/user_store.h"

err_t task_check_people(size_t present, size_t added, size_t removed, struct arena *a)
{
    if (added > TASK_PEOPLE_AT_ONCE_MAX || removed > TASK_PEOPLE_AT_ONCE_MAX - added ||
        (added && present + added > TASK_MEMBERS_MAX))
        return core_refuse(a, REASON_TASK_TOO_MANY_PEOPLE);
    return NULL;
}

err_t task_check_person(struct meta_tx *tx, struct task_write *w, int64_t user_id, struct arena *a)
{
    struct user user;
    err_t e = meta_user_get(tx, user_id, a, &user);
    if (err_is(e, ERR_NOT_FOUND) || (!e && (user.account_id != w->who->account_id || user.state == USER_DELETED)))
        return core_refuse(a, REASON_TASK_BAD_PERSON);
    return e;
}

/* ---- roles after a comment ---- */

static void remove_roles(struct task_member_list *members, const int64_t *user_ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct task_member *member = task_member_find(members, user_ids[i]);
        if (member)
            member->roles = 0;
    }
}

/* The array of `members` has room for one more. */
static void add_roles(struct task_member_list *members, const struct task_member *add)
{
    struct task_member *member = task_member_find(members, add->user_id);
    if (member)
        member->roles |= add->roles;
    else
        members->items[members->count++] = *add;
}

/* A task has one responsible user. The previous one becomes a participant. */
static void demote_responsible(struct task_member_list *members)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->items[i].roles & TASK_RESPONSIBLE)
            members->items[i].roles = (members->items[i].roles & ~TASK_RESPONSIBLE) | TASK_PARTICIPANT;
}

struct task_member_list task_members_after(const struct task_comment *c, const struct task_member_list *before,
                                           struct arena *a)
{
    struct task_member_list after = { arena_array(a, struct task_member, before->count + c->added_count + 2), 0 };
    for (size_t i = 0; i < before->count; i++)
        after.items[after.count++] = before->items[i];
    remove_roles(&after, c->removed, c->removed_count);
    if (c->responsible_id)
        demote_responsible(&after);
    for (size_t i = 0; i < c->added_count; i++)
        if (c->added[i].user_id)
            add_roles(&after, &c->added[i]);
    if (c->responsible_id)
        add_roles(&after, &(struct task_member){ c->responsible_id, TASK_RESPONSIBLE });
    return after;
}

/* ---- recording ---- */

static int64_t count_members(const struct task_member_list *members)
{
    int64_t count = 0;
    for (size_t i = 0; i < members->count; i++)
        count += members->items[i].roles != 0;
    return count;
}

int64_t task_members_growth(const struct task_member_list *before, const struct task_member_list *after)
{
    return RECORD_BYTES * (count_members(after) - count_members(before));
}

static err_t save_member(struct meta_tx *tx, const struct task_write *w, const struct task_member *member,
                         struct arena *a)
{
    TRY(meta_task_set_member(tx, w->task_id, member->user_id, member->roles, a));
    return task_event_write(tx, w, S("task.member"),
                            arena_printf(a, "user:%lld roles %d", (long long)member->user_id, member->roles), a);
}

err_t task_members_save(struct meta_tx *tx, const struct task_write *w, const struct task_member_list *before,
                        const struct task_member_list *after, struct arena *a)
{
    for (size_t i = 0; i < after->count; i++) {
        const struct task_member *was = task_member_find(before, after->items[i].user_id);
        if ((was ? was->roles : 0) != after->items[i].roles)
            TRY(save_member(tx, w, &after->items[i], a));
    }
    return NULL;
}

/* ---- people whom the account does not have yet ---- */

static bool has_key(const struct task_people *people, slice key)
{
    for (size_t i = 0; i < people->awaited_count; i++)
        if (slice_eq(people->keys[i], key))
            return true;
    return false;
}

err_t task_people_find(struct meta_tx *tx, const struct task_write *w, const slice *names, size_t count,
                       struct arena *a, struct task_people *ret)
{
    slice *awaited = arena_array(a, slice, count + 1), *keys = arena_array(a, slice, count + 1);
    struct task_people people = { .ids = arena_array(a, int64_t, count + 1), .awaited = awaited, .keys = keys };
    for (size_t i = 0; i < count; i++) {
        struct user user;
        int64_t waiting;
        if (!names[i].n || names[i].n > TASK_AWAITED_NAME_MAX)
            return core_refuse(a, REASON_TASK_BAD_PERSON);
        err_t e = meta_user_by_address(tx, w->who->account_id, names[i], a, &user);
        if (!e)
            people.ids[people.count++] = user.id;
        if (!err_is(e, ERR_NOT_FOUND)) {
            TRY(e);
            continue;
        }
        slice key = case_fold(a, names[i]);
        if (has_key(&people, key))
            continue;
        TRY(meta_awaiting_tasks(tx, w->who->account_id, key, TASKS_AWAITING_MAX, a, &waiting));
        if (waiting >= TASKS_AWAITING_MAX)
            return core_refuse(a, REASON_TASK_TOO_MANY_AWAITING);
        awaited[people.awaited_count] = names[i];
        keys[people.awaited_count++] = key;
    }
    *ret = people;
    return NULL;
}

err_t task_people_await(struct meta_tx *tx, const struct task *task, const struct task_people *people, struct arena *a)
{
    for (size_t i = 0; i < people->awaited_count; i++) {
        const struct awaited_member m = { people->awaited[i], TASK_RESPONSIBLE };
        TRY(meta_task_await(tx, task, &m, people->keys[i], a));
    }
    return NULL;
}

err_t task_person_arrived(struct meta_tx *tx, const struct user *user, struct arena *a)
{
    slice keys[] = { case_fold(a, user->login), case_fold(a, user->email) };
    int64_t fewer = 0;
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        int64_t of_key;
        if (keys[i].n)
            TRY(meta_awaited_arrive(tx, user, keys[i], a, &of_key));
        fewer += keys[i].n ? of_key : 0;
    }
    struct account_use less = { .records = -RECORD_BYTES * fewer };
    return fewer ? meta_account_use(tx, user->account_id, &less, a) : NULL;
}

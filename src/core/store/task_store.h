/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and their members. */
#ifndef CAIS_CORE_STORE_TASK_STORE_H
#define CAIS_CORE_STORE_TASK_STORE_H

#include "core/records/record_ids.h"
#include "core/records/task.h"
#include "core/records/user.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_task_add(struct meta_tx *, const struct task *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_task_get(struct meta_tx *, int64_t id, struct arena *a, struct task *ret);
/* Whose eyes look at a task (core/task/task.h has the rule). */
struct task_viewer {
    int64_t account_id, user_id;
    bool is_admin;
};
/* *ret_sees: the task exists and the viewer sees it. Reads no texts, which may be long. */
MUST_USE err_t meta_task_sees(struct meta_tx *, int64_t id, const struct task_viewer *, struct arena *a,
                              bool *ret_sees);
/* Writes everything but id, account_id and author_id. */
MUST_USE err_t meta_task_update(struct meta_tx *, const struct task *, struct arena *a);
/* Until the write ends, no other write changes the task. NOT_FOUND also when it was removed. */
MUST_USE err_t meta_task_lock(struct meta_tx *, int64_t id, struct arena *a);
/* What the task counts for in its account, with its members, comments and references (core/records/record_size.h). */
MUST_USE err_t meta_task_size(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);
/* Removes the row of the task, with its members and whatever comments and references it still has. The caller must have
 * ended the holds of the comments, and ends that of the task in the same write. CONFLICT while a pending ticket names the task or one of its comments: the
 * caller must remove that one's file before. */
MUST_USE err_t meta_task_remove(struct meta_tx *, int64_t id, struct arena *a);

/* ---- tasks that were removed: all other calls that read or lock tasks do as if they did not exist ---- */

/* The task has been removed, although its rows are still there. The caller has locked it. */
MUST_USE err_t meta_removed_task_add(struct meta_tx *, const struct removed_task *, struct arena *a);
/* The first one by id; in a write, no other write removes it meanwhile. NOT_FOUND when there is none. meta_task_remove forgets
 * it. */
MUST_USE err_t meta_removed_task_first(struct meta_tx *, struct arena *a, struct removed_task *ret);
/* *ret_is: the task was removed, and its rows are still there. */
MUST_USE err_t meta_task_is_removed(struct meta_tx *, int64_t id, struct arena *a, bool *ret_is);

/* ---- listing ---- */

/* Each field that is set is one more condition. */
struct task_query {
    int64_t account_id;
    int64_t seen_by;   /* shared, written by this user, or with this user as a member; 0: no condition */
    int64_t author_id; /* 0: any */
    int64_t member_id; /* this user is a member in one of member_roles; 0: no condition */
    int member_roles;
    int64_t also_member_id; /* a second condition like member_id */
    int also_member_roles;
    const int64_t *ids; /* has one of these ids; NULL: any */
    size_t id_count;
    int closed; /* 1: closed, 0: open, -1: both */
    /* The member of `details` with this name is a JSON number or string, and as text it equals detail_value. An empty
     * name is no condition. */
    slice detail_name, detail_value;
    slice also_detail_name, also_detail_value; /* a second condition like detail_name */
    bool descending;                           /* the order, by id */
    size_t offset, limit;
};
/* The ids of tasks, because a page of tasks may have many MiB. ret_total: how many tasks meet the conditions, whatever offset
 * and limit are. */
MUST_USE err_t meta_task_list(struct meta_tx *, const struct task_query *, struct arena *a, struct record_ids *ret,
                              int64_t *ret_total);

/* By user id, ascending. */
MUST_USE err_t meta_task_members(struct meta_tx *, int64_t task_id, struct arena *a, struct task_member_list *ret);
/* Adds a member, or changes the roles of one. roles 0 removes the member. */
MUST_USE err_t meta_task_set_member(struct meta_tx *, int64_t task_id, int64_t user_id, int roles, struct arena *a);

/* ---- members whom the account does not have yet; key: the name with its case folded ---- */

/* By key, ascending. */
MUST_USE err_t meta_task_awaited(struct meta_tx *, int64_t task_id, struct arena *a, struct awaited_member_list *ret);
/* Adds one, or changes one with this key. */
MUST_USE err_t meta_task_await(struct meta_tx *, const struct task *, const struct awaited_member *, slice key,
                               struct arena *a);
/* Nobody is awaited for the task any more. */
MUST_USE err_t meta_task_await_nobody(struct meta_tx *, int64_t task_id, struct arena *a);
/* How many tasks of the account wait for this one; counts no further than `limit`. */
MUST_USE err_t meta_awaiting_tasks(struct meta_tx *, int64_t account_id, slice key, size_t limit, struct arena *a,
                                   int64_t *ret_count);
/* Who was awaited under this key becomes a member of these tasks. *ret_fewer: of how many the user is one already, so that a row
 * less is left. */
MUST_USE err_t meta_awaited_arrive(struct meta_tx *, const struct user *, slice key, struct arena *a,
                                   int64_t *ret_fewer);

#endif

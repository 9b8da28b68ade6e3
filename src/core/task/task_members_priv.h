/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a task and their roles. */
#ifndef CAIS_CORE_TASK_TASK_MEMBERS_PRIV_H
#define CAIS_CORE_TASK_TASK_MEMBERS_PRIV_H

#include "core/task/task_write_priv.h"

/* May a request add and remove so many members of a task that has `present`? Errors: REASON_TASK_TOO_MANY_PEOPLE. */
MUST_USE err_t task_check_people(size_t present, size_t added, size_t removed, struct arena *a);
/* Is there such a user in the account, who was not deleted? Errors: REASON_TASK_BAD_PERSON. */
MUST_USE err_t task_check_person(struct meta_tx *, struct task_write *, int64_t user_id, struct arena *a);
/* The members that `before` becomes through the comment (added, removed, responsible_id). Changes only memory; a user
 * who loses every role stays in the result with roles 0. */
struct task_member_list task_members_after(const struct task_comment *, const struct task_member_list *before,
                                           struct arena *a);
/* People who are named in a request (task_request.awaited), inside the write: who is there becomes a member, the others are
 * awaited. */
struct task_people {
    int64_t *ids; /* of those who are there */
    size_t count;
    const slice *awaited, *keys;
    size_t awaited_count;
};
/* Errors: REASON_TASK_BAD_PERSON a name is empty or too long, REASON_TASK_TOO_MANY_AWAITING. */
MUST_USE err_t task_people_find(struct meta_tx *, const struct task_write *, const slice *names, size_t count,
                                struct arena *a, struct task_people *ret);
/* These are the awaited members of the task, who will be responsible. */
MUST_USE err_t task_people_await(struct meta_tx *, const struct task *, const struct task_people *, struct arena *a);
/* What the records of the members count for more than before, in bytes. */
int64_t task_members_growth(const struct task_member_list *before, const struct task_member_list *after);
/* Record every difference between `before` and `after`, each with an event. */
MUST_USE err_t task_members_save(struct meta_tx *, const struct task_write *, const struct task_member_list *before,
                                 const struct task_member_list *after, struct arena *a);

#endif

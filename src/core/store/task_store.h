/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and their members. */
#ifndef CAIS_CORE_STORE_TASK_STORE_H
#define CAIS_CORE_STORE_TASK_STORE_H

#include "core/records/task.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_task_add(struct meta_tx *, const struct task *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_task_get(struct meta_tx *, int64_t id, struct arena *a, struct task *ret);
MUST_USE err_t meta_task_update(struct meta_tx *, const struct task *,
                                struct arena *a); /* all but id, account, author */
/* Removes the task, its members, comments and references; files are the caller's business before that. Confirmed
 * tickets no longer name it. CONFLICT while a pending one does: what is not confirmed goes first. */
MUST_USE err_t meta_task_remove(struct meta_tx *, int64_t id, struct arena *a);
struct task_query {
    int64_t account_id;
    int64_t seen_by;   /* shared tasks, those of this user, and those it is a member of; 0: all of the account */
    int64_t author_id; /* 0: any */
    int64_t member_id; /* who is a member, in one of these roles; 0: any */
    int member_roles;
    int64_t also_member_id; /* the same, a second time: both must hold */
    int also_member_roles;
    const int64_t *ids; /* only these; NULL: any */
    size_t id_count;
    int closed;      /* 1: closed ones, 0: open ones, -1: both */
    bool descending; /* by id */
    /* The value, compared as text, that a member of details, a JSON number or string, must have; name empty: any. */
    slice detail_name, detail_value;
    slice also_detail_name, also_detail_value; /* the same, a second time */
    size_t offset, limit;
};
/* ret_total: how many there are without offset and limit. */
MUST_USE err_t meta_task_list(struct meta_tx *, const struct task_query *, struct arena *a, struct task_list *ret,
                              int64_t *ret_total);
MUST_USE err_t meta_task_members(struct meta_tx *, int64_t task_id, struct arena *a, struct task_member_list *ret);
/* roles 0 removes the member. */
MUST_USE err_t meta_task_set_member(struct meta_tx *, int64_t task_id, int64_t user_id, int roles, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Who sees a task (the rule stands in task.h), asked inside a snapshot or a write of the caller.
 * Errors of every call: also those of the store. */
#ifndef CAIS_CORE_TASK_TASK_VISIBILITY_H
#define CAIS_CORE_TASK_TASK_VISIBILITY_H

#include "core/core.h"
#include "core/records/reference.h"
#include "core/records/task.h"

struct task_member *task_member_find(const struct task_member_list *, int64_t user_id); /* NULL: not a member */

/* Errors: REASON_TASK_NOT_VISIBLE, also when the task does not exist. */
MUST_USE err_t task_find_visible(struct meta_tx *, const struct principal *who, int64_t task_id, struct arena *a,
                                 struct task *ret, struct task_member_list *ret_members);
/* The same, when nothing of the task is needed: its texts are not read. */
MUST_USE err_t task_check_visible(struct meta_tx *, const struct principal *who, int64_t task_id, struct arena *a);
/* A reference of a task that is visible. Errors: REASON_FILE_NOT_VISIBLE. */
MUST_USE err_t reference_find_visible(struct meta_tx *, const struct principal *who, int64_t id, struct arena *a,
                                      struct reference *ret);

#endif

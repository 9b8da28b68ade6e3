/* SPDX-License-Identifier: Apache-2.0 */
/* What a list shows of tasks: who belongs to them and how many files hang on them, without their comments.
 * Errors: UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
#ifndef CAIS_CORE_TASK_TASK_SUMMARY_H
#define CAIS_CORE_TASK_TASK_SUMMARY_H

#include "core/core.h"
#include "core/records/task.h"
#include "core/records/user.h"

struct task_summary {
    struct task task;
    const struct task_member *members;
    size_t member_count;
    int64_t document_count; /* of the task and its comments */
};

/* Of tasks that `who` was shown to see (task_list, task_get_visible). One that went meanwhile has no members and no
 * documents.
 * ret_people  authors and members, sorted by id (people_find) */
MUST_USE err_t task_summarize(struct core *, const struct principal *who, const struct task *tasks, size_t count,
                              struct arena *a, struct task_summary **ret, struct user **ret_people,
                              size_t *ret_people_count);

#endif

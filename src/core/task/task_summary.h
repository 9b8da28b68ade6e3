/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of a task: its members and the number of attached files, without its comments. Errors: those of task_read. */
#ifndef CAIS_CORE_TASK_TASK_SUMMARY_H
#define CAIS_CORE_TASK_TASK_SUMMARY_H

#include "core/core.h"
#include "core/records/task.h"
#include "core/records/user.h"

struct task_summary {
    struct task task;
    const struct task_member *members;
    size_t member_count;
    const struct awaited_member *awaited;
    size_t awaited_count;
    int64_t document_count;    /* of the task and its comments */
    const struct user *people; /* the author and the members, sorted by id (people_find) */
    size_t people_count;
};

/* Summarize a task that `who` sees. */
MUST_USE err_t task_summarize(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                              struct task_summary *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of a task in a list: its members and the number of attached files, without its comments. Errors:
 * UNAVAILABLE, NO_SPACE, CORRUPT of the store. */
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
struct task_summaries {
    struct task_summary *items; /* as many as the tasks, in the same order */
    struct user *people;        /* authors and members of all of them, sorted by id (people_find) */
    size_t people_count;
};

/* Summarize tasks that `who` sees (from task_list or task_get_visible). A task that was removed meanwhile has no
 * members and no documents. */
MUST_USE err_t task_summarize(struct core *, const struct principal *who, const struct task *tasks, size_t count,
                              struct arena *a, struct task_summaries *ret);

#endif

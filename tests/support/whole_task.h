/* SPDX-License-Identifier: Apache-2.0 */
/* A task with everything that belongs to it, for tests. The program reads it in parts. */
#ifndef CAIS_TESTS_WHOLE_TASK_H
#define CAIS_TESTS_WHOLE_TASK_H

#include "core/task/task.h"

struct whole_task {
    struct task task;
    const struct task_member *members;
    size_t member_count;
    const struct comment *comments; /* oldest first */
    size_t comment_count;
    const struct reference *references; /* by id */
    size_t reference_count;
};
/* Errors: as task_read. */
MUST_USE err_t whole_task_read(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                               struct whole_task *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A task as clients see it. */
#ifndef CAIS_API_RUNRUN_TASK_JSON_PRIV_H
#define CAIS_API_RUNRUN_TASK_JSON_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/task.h"
#include "core/task/task_summary.h"

/* Answers with the task as it is now. */
void runrun_reply_task(struct http_exchange *, int status, int64_t task_id, bool with_description);
/* Writes the object of a task. */
void runrun_put_task(struct runrun_answer *, const struct task_summary *, const struct user *people,
                     size_t people_count, bool with_description);
/* The details that were kept with a task, in `a`; NULL when there are none. */
const struct json *runrun_task_details(struct http_exchange *, const struct task *, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A task as JSON. */
#ifndef CAIS_API_RUNRUN_TASK_JSON_PRIV_H
#define CAIS_API_RUNRUN_TASK_JSON_PRIV_H

#include "api/runrun/reply_priv.h"
#include "core/records/task.h"
#include "core/task/task_summary.h"

/* Reads the task and replies with it. */
MUST_USE err_t runrun_reply_task(struct http_exchange *, int status, int64_t task_id, bool with_description);
/* Writes a task as an object. `people` is sorted and holds everyone that the summary names. */
void runrun_put_task(struct json_reply *, const struct task_summary *, const struct user *people, size_t people_count,
                     bool with_description);
/* The details that tasks.c stored with a task, in `a`; NULL when there are none. */
const struct json *runrun_task_details(struct http_exchange *, const struct task *, struct arena *a);

#endif

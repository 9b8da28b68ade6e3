/* SPDX-License-Identifier: Apache-2.0 */
/* A task as JSON. */
#ifndef CAIS_API_RUNRUN_TASK_JSON_PRIV_H
#define CAIS_API_RUNRUN_TASK_JSON_PRIV_H

#include "api/runrun/items_priv.h"
#include "core/records/task.h"

/* Write a task as it is in a list, and as it is alone: runrun_item_fn. */
MUST_USE err_t runrun_write_task(struct runrun_items *, int64_t id, struct buf *out, struct arena *a, bool *ret_done);
MUST_USE err_t runrun_write_task_with_description(struct runrun_items *, int64_t id, struct buf *out, struct arena *a,
                                                  bool *ret_done);
/* Write the description of a task, as it is alone: runrun_item_fn. */
MUST_USE err_t runrun_write_description(struct runrun_items *, int64_t id, struct buf *out, struct arena *a,
                                        bool *ret_done);
/* The member of the details that says when the description was changed, in milliseconds since 1970. */
#define RUNRUN_DESCRIPTION_EDITED "description_edited_at_ms"
/* The details that tasks.c stored with a task, in `a`; NULL when there are none. */
const struct json *runrun_task_details(struct http_exchange *, const struct task *, struct arena *a);

#endif

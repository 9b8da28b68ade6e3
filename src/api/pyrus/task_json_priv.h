/* SPDX-License-Identifier: Apache-2.0 */
/* A task as clients see it. */
#ifndef CAIS_API_PYRUS_TASK_JSON_PRIV_H
#define CAIS_API_PYRUS_TASK_JSON_PRIV_H

#include "core/task/task.h"
#include "http/http.h"

/* The answer {"task": …}. */
void pyrus_reply_task(struct http_exchange *, const struct task_view *);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A task as JSON, by the rules in json.c. */
#ifndef CAIS_API_PYRUS_TASK_JSON_PRIV_H
#define CAIS_API_PYRUS_TASK_JSON_PRIV_H

#include "core/task/task.h"
#include "http/http.h"

/* Replies {"task": …}. */
MUST_USE err_t pyrus_reply_task(struct http_exchange *, const struct task_view *);

#endif

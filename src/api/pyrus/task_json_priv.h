/* SPDX-License-Identifier: Apache-2.0 */
/* A task as JSON, by the rules in json.c. */
#ifndef CAIS_API_PYRUS_TASK_JSON_PRIV_H
#define CAIS_API_PYRUS_TASK_JSON_PRIV_H

#include "http/http.h"

/* Replies {"task": …}, in pieces. Errors: those of task_read. */
MUST_USE err_t pyrus_reply_task(struct http_exchange *, int64_t task_id);
/* The same as text, in `a`: {"task": {…}}. The exchange need not be one of the engine; it has an API, a principal and an arena. */
MUST_USE err_t pyrus_task_text(struct http_exchange *, int64_t task_id, struct arena *a, slice *ret);

#endif

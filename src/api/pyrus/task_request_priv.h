/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about tasks, read into what core takes. Everything lives in the arena of the exchange or points into its body. */
#ifndef CAIS_API_PYRUS_TASK_REQUEST_PRIV_H
#define CAIS_API_PYRUS_TASK_REQUEST_PRIV_H

#include "core/task/task.h"
#include "http/http.h"

/* False: the request is refused, and the reply was sent. */
bool pyrus_read_task(struct http_exchange *, struct task_request *ret);

struct pyrus_comment_request {
    struct task_comment comment;
    bool edits;         /* of an existing comment, text and attachments only */
    int64_t comment_id; /* which one */
};
/* False: the request is refused, and the reply was sent. */
bool pyrus_read_comment(struct http_exchange *, struct pyrus_comment_request *ret);

#endif

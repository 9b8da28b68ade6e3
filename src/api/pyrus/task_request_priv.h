/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies about tasks, parsed and checked into what core takes. The result lives in the arena of the exchange,
 * or points into its body. */
#ifndef CAIS_API_PYRUS_TASK_REQUEST_PRIV_H
#define CAIS_API_PYRUS_TASK_REQUEST_PRIV_H

#include "core/task/task.h"
#include "http/http.h"

MUST_USE err_t pyrus_read_task(struct http_exchange *, struct task_request *ret);

struct pyrus_comment_request {
    struct task_comment comment;
    bool is_edit;       /* of an existing comment: replaces its text and adds attachments */
    int64_t comment_id; /* of the comment to edit */
};
MUST_USE err_t pyrus_read_comment(struct http_exchange *, struct pyrus_comment_request *ret);

#endif

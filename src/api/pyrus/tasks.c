/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and comments. The reply to each change is the whole task. */
#include "api/kit/record_id.h"
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "api/pyrus/task_request_priv.h"
#include "base/live.h"

static int64_t task_id_of_path(struct http_exchange *x)
{
    return record_id(x->req.params[0], INT64_MAX);
}

err_t pyrus_task_create(struct http_exchange *x)
{
    struct task_request request;
    int64_t task_id;
    TRY(pyrus_read_task(x, &request));
    TRY(task_create(pyrus_of(x)->core, pyrus_caller(x), &request, &x->arena, &task_id));
    return pyrus_reply_task(x, task_id);
}

err_t pyrus_task_get(struct http_exchange *x)
{
    return pyrus_reply_task(x, task_id_of_path(x));
}

err_t pyrus_comment_add(struct http_exchange *x)
{
    struct pyrus_comment_request request;
    TRY(pyrus_read_comment(x, &request));
    struct core *core = pyrus_of(x)->core;
    struct task_comment *c = &request.comment;
    int64_t task_id = task_id_of_path(x);
    struct task_comment_edit edit = { .task_id = task_id,
                                      .comment_id = request.comment_id,
                                      .text = c->text,
                                      .attachments = c->attachments,
                                      .attachment_count = c->attachment_count };
    c->task_id = task_id;
    if (request.is_edit)
        TRY(task_comment_edit(core, pyrus_caller(x), &edit, &x->arena));
    else
        TRY(task_comment_add(core, pyrus_caller(x), c, &x->arena, &request.comment_id));
    return pyrus_reply_task(x, task_id);
}

err_t pyrus_task_delete(struct http_exchange *x)
{
    struct pyrus *p = pyrus_of(x);
    TRY(task_remove(p->core, pyrus_caller(x), task_id_of_path(x), LIVE(p->options.purge_after_ms), &x->arena));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_bool(&reply.out, "deleted", true);
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}

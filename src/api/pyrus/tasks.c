/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and comments. The reply to each change is the whole task. */
#include "api/kit/record_id.h"
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "api/pyrus/task_request_priv.h"

static int64_t task_id_of_path(struct http_exchange *x)
{
    return record_id(x->req.params[0], INT64_MAX);
}

/* With more text than this in its comments, writing a task is long work: 4 MiB take 100 ms. */
#define LONG_TASK_BYTES ((size_t)512 * 1024)

static size_t comment_bytes(const struct task_view *view)
{
    size_t n = 0;
    for (size_t i = 0; i < view->comment_count; i++)
        n += view->comments[i].text.n;
    return n;
}

static err_t reply_with_task_read(struct http_exchange *x)
{
    return pyrus_reply_task(x, x->work);
}

static err_t reply_with_task(struct http_exchange *x, int64_t task_id)
{
    struct task_view *view = arena_new(&x->arena, struct task_view);
    TRY(task_read(pyrus_of(x)->core, pyrus_caller(x), task_id, &x->arena, view));
    if (comment_bytes(view) <= LONG_TASK_BYTES)
        return pyrus_reply_task(x, view);
    x->work = view;
    http_on_lane(x, HTTP_LANE_LONG, reply_with_task_read);
    return NULL;
}

err_t pyrus_task_create(struct http_exchange *x)
{
    struct task_request request;
    int64_t task_id;
    TRY(pyrus_read_task(x, &request));
    TRY(task_create(pyrus_of(x)->core, pyrus_caller(x), &request, &x->arena, &task_id));
    return reply_with_task(x, task_id);
}

err_t pyrus_task_get(struct http_exchange *x)
{
    return reply_with_task(x, task_id_of_path(x));
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
    return reply_with_task(x, task_id);
}

err_t pyrus_task_delete(struct http_exchange *x)
{
    struct pyrus *p = pyrus_of(x);
    TRY(task_remove(p->core, pyrus_caller(x), task_id_of_path(x), p->options.purge_after_ms, &x->arena));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_bool(&reply.out, "deleted", true);
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}

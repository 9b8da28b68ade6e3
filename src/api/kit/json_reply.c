/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_reply.h"

void json_reply_begin(struct json_reply *reply, struct http_exchange *x)
{
    reply->x = x;
    reply->a = &x->arena;
    buf_init_on(&reply->body, 0, &x->arena);
    json_out_init(&reply->out, &reply->body);
}

slice json_reply_end(struct json_reply *reply)
{
    return buf_give(&reply->body, &reply->x->arena);
}

void json_reply_send(struct json_reply *reply, int status, const char *content_type)
{
    http_reply(reply->x, status, content_type, json_reply_end(reply));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_reply.h"

#include "base/text.h"

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

void json_put_known_text(struct json_out *o, const char *name, slice text)
{
    if (text.n)
        json_put_string(o, name, text);
}

void json_put_known_time(struct json_out *o, const char *name, int64_t at_ms, struct arena *a)
{
    if (at_ms)
        json_put_string(o, name, time_format_utc(a, at_ms));
}

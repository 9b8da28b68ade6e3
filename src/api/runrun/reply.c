/* SPDX-License-Identifier: Apache-2.0 */
/* A field that this API knows is always written; when it has no value, it is null (docs/apis/runrun.md §2). */
#include "api/kit/zone.h"
#include "api/runrun/rate_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"

void runrun_reply_send(struct json_reply *reply, int status)
{
    struct http_exchange *x = reply->x;
    if (!x->principal)
        runrun_add_fresh_rate(x);
    json_reply_send(reply, status, JSON_REPLY_TYPE_UTF8);
}

void runrun_reply_no_content(struct http_exchange *x)
{
    http_reply(x, 204, NULL, S(""));
}

void runrun_redirect(struct http_exchange *x, slice location)
{
    http_reply_header(x, "Location", location);
    http_reply_header(x, "Cache-Control", S("no-store"));
    http_reply(x, 302, NULL, S(""));
}

slice runrun_date(const struct runrun *r, struct arena *a, int64_t ms)
{
    return zone_format(r->options.zone_minutes, ms, a);
}

void runrun_put_null(struct json_out *o, const char *name)
{
    json_name(o, name);
    json_add_null(o);
}

void runrun_put_date(struct json_reply *reply, const char *name, int64_t ms)
{
    if (ms)
        json_put_string(&reply->out, name, runrun_date(runrun_of(reply->x), reply->a, ms));
    else
        runrun_put_null(&reply->out, name);
}

void runrun_put_text(struct json_out *o, const char *name, slice text)
{
    if (text.n)
        json_put_string(o, name, text);
    else
        runrun_put_null(o, name);
}

slice runrun_user_name(const struct user *u)
{
    return u->name.n ? u->name : u->login;
}

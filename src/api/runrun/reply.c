/* SPDX-License-Identifier: Apache-2.0 */
/* A field that this API knows is always written; when it has no value, it is null (docs/apis/runrun.md §2). */
#include "api/runrun/rate_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/text.h"

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
    int zone = r->options.zone_minutes, size = zone < 0 ? -zone : zone;
    slice local = time_format_utc(a, ms + zone * INT64_C(60000));
    return arena_printf(a, SLICE_FMT "%c%02d:%02d", SLICE_ARG(slice_part(local, 0, local.n - 1)), zone < 0 ? '-' : '+',
                        size / 60, size % 60);
}

bool runrun_zone(slice text, int *ret_minutes)
{
    uint64_t hours, minutes;
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        !slice_to_u64(slice_part(text, 1, 2), &hours) || !slice_to_u64(slice_part(text, 4, 2), &minutes) ||
        minutes > 59 || hours * 60 + minutes > 14 * 60)
        return false;
    *ret_minutes = (int)(hours * 60 + minutes) * (text.p[0] == '-' ? -1 : 1);
    return true;
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

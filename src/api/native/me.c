/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what this user owns and may own. Of the account only the name: what others use is theirs. */
#include "api/kit/json_reply.h"
#include "api/native/routes_priv.h"
#include "core/access/access.h"

static err_t show_caller(struct http_exchange *x)
{
    struct user user;
    struct account account;
    struct json_reply reply;
    const struct principal *who = native_caller(x);
    TRY(user_get(native_of(x)->core, who->user_id, &x->arena, &user));
    TRY(account_get(native_of(x)->core, who->account_id, &x->arena, &account));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    struct json_out *o = &reply.out;
    json_open_object(o);
    json_put_string(o, "login", user.login);
    json_put_string(o, "name", user.name);
    json_put_bool(o, "admin", user.is_admin);
    json_put_string(o, "account", account.name);
    json_put_int(o, "used_bytes", user.used_bytes);
    json_put_int(o, "used_files", user.used_files);
    json_put_int(o, "max_bytes", user.max_bytes);
    json_put_int(o, "max_files", user.max_files);
    json_close_object(o);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/me", show_caller, HTTP_NO_BODY, 0, "GET /v1/native/me" },
};
const struct native_routes native_me_routes = NATIVE_ROUTES(routes);

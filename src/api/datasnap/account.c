/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 8: who the token belongs to, and whether the server is there. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "core/access/access.h"

err_t datasnap_me(struct http_exchange *x)
{
    const struct principal *who = datasnap_caller(x);
    struct account account;
    struct user user;
    TRY(account_get(datasnap_of(x)->core, who->account_id, &x->arena, &account));
    TRY(user_get(datasnap_of(x)->core, who->user_id, &x->arena, &user));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", user.id);
    json_put_string(&reply.out, "name", user.name.n ? user.name : user.login);
    json_put_string(&reply.out, "email", user.email);
    json_name(&reply.out, "tenant");
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", account.id);
    json_put_string(&reply.out, "name", account.name);
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    datasnap_reply(&reply, 200);
    return NULL;
}

err_t datasnap_health(struct http_exchange *x)
{
    http_reply(x, 200, JSON_REPLY_TYPE, S("{\"status\":\"ok\"}"));
    return NULL;
}

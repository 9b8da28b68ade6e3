/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "core/access/people.h"
#include "core/records/account.h"

static err_t read_profile(struct http_exchange *x, struct user *ret_user, struct account *ret_account)
{
    struct core *core = pyrus_of(x)->core;
    const struct principal *who = pyrus_caller(x);
    TRY(person_by_id(core, who, who->user_id, &x->arena, ret_user));
    return account_get(core, who->account_id, &x->arena, ret_account);
}

err_t pyrus_profile(struct http_exchange *x)
{
    struct user user;
    struct account account;
    TRY(read_profile(x, &user, &account));
    slice first, last;
    pyrus_split_name(&user, &first, &last);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "person_id", user.id);
    json_put_string(&reply.out, "first_name", first);
    if (last.n)
        json_put_string(&reply.out, "last_name", last);
    if (pyrus_email(&user).n)
        json_put_string(&reply.out, "email", pyrus_email(&user));
    json_put_string(&reply.out, "locale", S("en-US"));
    json_put_int(&reply.out, "organization_id", account.id);
    json_name(&reply.out, "organization");
    json_open_object(&reply.out);
    json_put_int(&reply.out, "organization_id", account.id);
    json_put_string(&reply.out, "name", account.name);
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}

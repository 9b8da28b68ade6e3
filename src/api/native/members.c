/* SPDX-License-Identifier: Apache-2.0 */
/* The users of the account, for its administrators; and one's own password. A password comes in a body and goes nowhere else. */
#include "api/kit/browser.h"
#include "api/kit/guard.h"
#include "api/kit/list_reply.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/text.h"
#include "core/access/member.h"
#include "core/access/session.h"

#define LINK_MS ((int64_t)24 * 3600 * 1000) /* how long a link is good for: it is carried to somebody by mail */

static void put_user(struct json_out *o, const struct user *user, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", user->id);
    json_put_string(o, "login", user->login);
    json_put_string(o, "name", user->name);
    json_put_string(o, "email", user->email);
    json_put_string(o, "kind", user->kind == USER_BOT ? S("bot") : S("person"));
    json_put_string(o, "state", user->state == USER_ACTIVE ? S("active") : S("disabled"));
    json_put_bool(o, "admin", user->is_admin);
    json_put_string(o, "created_at", time_format_utc(a, user->created_at_ms));
    json_close_object(o);
}

static void reply_user(struct http_exchange *x, int status, const struct user *user)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    put_user(&reply.out, user, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
}

static err_t native_list_users(struct http_exchange *x)
{
    struct id_page page;
    struct user_list users;
    struct json_reply reply;
    struct query q;
    TRY(native_check_admin(x));
    TRY(query_parse(x->req.query, &x->arena, &q));
    TRY(native_read_page(&q, &x->arena, NATIVE_PAGE_MAX, &page));
    TRY(member_list(native_of(x)->core, native_caller(x), &(struct id_page){ page.after_id, page.limit + 1 }, &x->arena,
                    &users));
    http_reply_header(x, "Cache-Control", S("no-store"));
    short_list_begin(&reply, x, "users");
    for (size_t i = 0; i < users.count && i < page.limit; i++)
        put_user(&reply.out, &users.items[i], &x->arena);
    short_list_send(&reply, users.count > page.limit ? users.items[page.limit - 1].id : 0);
    return NULL;
}

static err_t no_such_user(struct http_exchange *x, err_t e)
{
    return err_is(e, ERR_NOT_FOUND) ? native_refuse(&x->arena, NATIVE_NO_ACCOUNT_USER) : e;
}

/* ---- adding ---- */

/* A member that is true, false or absent. */
static bool read_flag(const struct json *body, const char *name, bool *ret_is_there, bool *ret)
{
    const struct json *member = json_get(body, name);
    *ret_is_there = !json_absent(member);
    *ret = json_flag(body, name);
    return !*ret_is_there || member->type == JS_BOOL;
}

static err_t native_add_user(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    const struct json *body;
    struct account account;
    struct user_request request = { 0 };
    struct user user;
    bool is_bot, unused;
    TRY(native_check_admin(x));
    TRY(json_parse(&x->arena, x->req.body, &body));
    if (body->type != JS_OBJECT || !native_text(body, "login", &request.login) ||
        !native_text(body, "name", &request.name) || !native_text(body, "email", &request.email) ||
        !read_flag(body, "admin", &unused, &request.is_admin) || !read_flag(body, "bot", &unused, &is_bot))
        return native_refuse(&x->arena, NATIVE_BAD_USER);
    request.kind = is_bot ? USER_BOT : USER_PERSON;
    TRY(account_get(core, native_caller(x)->account_id, &x->arena, &account));
    request.account = account.name;
    err_t e = user_create(core, native_caller(x), &request, &x->arena, &user);
    if (err_is(e, ERR_QUOTA)) /* of users, and not of bytes */
        return err_because(&x->arena, e, ERR_CONFLICT, "%s", e->msg);
    TRY(e);
    reply_user(x, 201, &user);
    return NULL;
}

/* ---- changing ---- */

static err_t native_change_user(struct http_exchange *x)
{
    const struct json *body;
    struct member_change change = { .id = native_path_id(x) };
    struct user user;
    slice state;
    TRY(native_check_admin(x));
    TRY(json_parse(&x->arena, x->req.body, &body));
    if (body->type != JS_OBJECT || !native_text(body, "state", &state) ||
        !read_flag(body, "admin", &change.sets_admin, &change.is_admin))
        return native_refuse(&x->arena, NATIVE_BAD_USER_CHANGE);
    change.sets_state = state.n > 0;
    change.state = slice_eq(state, S("disabled")) ? USER_DISABLED : USER_ACTIVE;
    bool state_is_known = !state.n || slice_eq(state, S("active")) || slice_eq(state, S("disabled"));
    if (!state_is_known || (!change.sets_state && !change.sets_admin))
        return native_refuse(&x->arena, NATIVE_BAD_USER_CHANGE);
    TRY(no_such_user(x, member_change(native_of(x)->core, native_caller(x), &change, &x->arena, &user)));
    reply_user(x, 200, &user);
    return NULL;
}

static err_t native_remove_user(struct http_exchange *x)
{
    struct member_change change = { .id = native_path_id(x), .sets_state = true, .state = USER_DELETED };
    struct user user;
    TRY(native_check_admin(x));
    TRY(no_such_user(x, member_change(native_of(x)->core, native_caller(x), &change, &x->arena, &user)));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- passwords ---- */

static err_t read_password(struct http_exchange *x, slice *ret_password, slice *ret_current)
{
    const struct json *body;
    TRY(json_parse(&x->arena, x->req.body, &body));
    if (body->type != JS_OBJECT || !native_text(body, "password", ret_password) ||
        !native_text(body, "current", ret_current) || !ret_password->n)
        return native_refuse(&x->arena, NATIVE_BAD_PASSWORD);
    return NULL;
}

static err_t native_set_user_password(struct http_exchange *x)
{
    slice password, unused;
    TRY(native_check_admin(x));
    TRY(read_password(x, &password, &unused));
    TRY(no_such_user(
        x, member_set_password(native_of(x)->core, native_caller(x), native_path_id(x), password, &x->arena)));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* The secret stands behind the #, which browsers send to nobody. */
static err_t native_offer_user_link(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    const struct principal *who = native_caller(x);
    struct user user;
    slice secret;
    TRY(native_check_admin(x));
    TRY(no_such_user(x, member_get(core, who, native_path_id(x), &x->arena, &user)));
    if (user.id == who->user_id)
        return err_make(&x->arena, ERR_CONFLICT, "one's own password is changed by showing the present one");
    const struct session_offer offer = { .purpose = BROWSER_PURPOSE,
                                         .login = user.login,
                                         .lifetime_ms = LINK_MS,
                                         .account_id = who->account_id,
                                         .ends_password = true };
    int64_t expires_at_ms = core_now_ms(core) + LINK_MS;
    err_t e = session_offer(core, who, &offer, &x->arena, &secret);
    TRY(no_such_user(x, e));
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "path", arena_printf(&x->arena, "/portal/enter#" SLICE_FMT, SLICE_ARG(secret)));
    json_put_string(&reply.out, "expires_at", time_format_utc(&x->arena, expires_at_ms));
    json_close_object(&reply.out);
    json_reply_send(&reply, 201, JSON_REPLY_TYPE);
    return NULL;
}

/* Only for a session: a key that is lost is revoked, but a password that was set with it would stay. */
static err_t native_set_own_password(struct http_exchange *x)
{
    struct own_password own = { .address = guard_login_address(x) };
    if (x->req.local || http_has_header(&x->req, "Authorization"))
        return native_refuse(&x->arena, NATIVE_NO_SESSION);
    TRY(read_password(x, &own.password, &own.current));
    err_t e = member_change_own_password(native_of(x)->core, native_caller(x), &own, &x->arena);
    if (err_is(e, ERR_UNAUTHENTICATED))
        return native_refuse(&x->arena, NATIVE_WRONG_PASSWORD);
    TRY(e);
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/account/users", native_list_users, HTTP_NO_BODY, 0, "GET /v1/native/account/users" },
    { "POST", "/v1/native/account/users", native_add_user, 0, NATIVE_SMALL_BODY_MAX, "POST /v1/native/account/users" },
    { "PATCH", "/v1/native/account/users/{id}", native_change_user, 0, NATIVE_SMALL_BODY_MAX,
      "PATCH /v1/native/account/users/{id}" },
    { "DELETE", "/v1/native/account/users/{id}", native_remove_user, HTTP_NO_BODY, 0,
      "DELETE /v1/native/account/users/{id}" },
    { "PUT", "/v1/native/account/users/{id}/password", native_set_user_password, HTTP_LONG, NATIVE_SMALL_BODY_MAX,
      "PUT /v1/native/account/users/{id}/password" },
    { "POST", "/v1/native/account/users/{id}/link", native_offer_user_link, HTTP_NO_BODY, 0,
      "POST /v1/native/account/users/{id}/link" },
    { "PUT", "/v1/native/password", native_set_own_password, HTTP_LONG, NATIVE_SMALL_BODY_MAX,
      "PUT /v1/native/password" },
};
const struct native_routes native_member_routes = NATIVE_ROUTES(routes);

/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication. A login exchanges a security key for a token; it runs on a worker thread, because the token is a row
 * in the database. Every other request carries the token, which the guard checks on the loop. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/rate_priv.h"
#include "base/live.h"
#include "core/records/credential.h"
#include "http/auth_header.h"
#include "http/target.h"

static err_t read_bearer_token(struct http_exchange *x, slice *ret_token)
{
    struct auth_header header;
    err_t e = auth_header_parse(http_header(&x->req, "Authorization"), &x->arena, &header);
    if (err_is(e, ERR_EMPTY))
        return pyrus_refuse(&x->arena, PYRUS_TOKEN_NOT_SPECIFIED);
    if (e || (header.scheme.n && !auth_header_is(&header, S("Bearer"))))
        return pyrus_refuse(&x->arena, PYRUS_INVALID_TOKEN);
    *ret_token = header.credentials;
    return NULL;
}

err_t pyrus_guard(struct http_exchange *x)
{
    struct pyrus *p = pyrus_of(x);
    slice token;
    TRY(read_bearer_token(x, &token));
    struct principal *who = arena_new(&x->arena, struct principal);
    TRY(access_check(p->core, PYRUS_PURPOSE, CREDENTIAL_TOKEN, token, &x->arena, who));
    guard_admit(x, p->core, who);
    if (!guard_count(x, &p->rate, who->user_id, &pyrus_rate_headers))
        return pyrus_refuse(&x->arena, PYRUS_TOO_MANY_REQUESTS);
    return NULL;
}

struct login_request {
    slice login, security_key;
    bool has_person;
    int64_t person_id;
};

/* The vendor lets person_id choose between several accounts of one login. Logins are unique here, so it can only
 * confirm the user: the id of another person makes the login fail. */
static err_t log_in(struct http_exchange *x, const struct login_request *l)
{
    struct pyrus *p = pyrus_of(x);
    struct arena *a = &x->arena;
    slice token;
    struct principal who;
    const struct token_policy tokens = { LIVE(p->tokens.lifetime_ms), LIVE(p->tokens.per_user) };
    const struct token_request request = { PYRUS_PURPOSE, l->login, l->security_key, guard_login_address(x), &tokens };
    err_t e = token_issue(p->core, &request, a, &token);
    if (err_is(e, ERR_RATE))
        guard_add_login_retry(x, p->core);
    if (!e && l->has_person)
        e = access_check(p->core, PYRUS_PURPOSE, CREDENTIAL_TOKEN, token, a, &who);
    if (err_is(e, ERR_UNAUTHENTICATED) || (!e && l->has_person && who.user_id != l->person_id))
        return pyrus_refuse_because(a, e, PYRUS_INVALID_CREDENTIALS);
    TRY(e);
    slice origin = link_home(p->links, &x->req, a);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "access_token", token);
    json_put_string(&reply.out, "api_url", arena_printf(a, SLICE_FMT "/v4/", SLICE_ARG(origin)));
    json_put_string(&reply.out, "files_url", arena_printf(a, SLICE_FMT "/", SLICE_ARG(origin)));
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}

static err_t read_login_request(const struct json *body, struct arena *a, struct login_request *ret)
{
    const struct json *login = json_get(body, "login"), *key = json_get(body, "security_key");
    const struct json *person = json_get(body, "person_id");
    if (json_absent(login) || json_absent(key))
        return pyrus_refuse(a, PYRUS_REQUIRED_PARAMETER_MISSING);
    ret->has_person = !json_absent(person);
    if (!json_is(login, JS_STRING) || !json_is(key, JS_STRING) ||
        (ret->has_person && !json_to_i64(person, &ret->person_id)))
        return pyrus_refuse(a, PYRUS_INVALID_VALUE_FORMAT);
    ret->login = login->string;
    ret->security_key = key->string;
    return NULL;
}

err_t pyrus_login(struct http_exchange *x)
{
    const struct json *body;
    struct login_request l = { .has_person = false };
    TRY(pyrus_read_body(x, &body));
    TRY(read_login_request(body, &x->arena, &l));
    return log_in(x, &l);
}

/* The older form of the login. It is off unless configured, because URLs, and thus keys, end up in logs. */
err_t pyrus_login_by_get(struct http_exchange *x)
{
    struct arena *a = &x->arena;
    struct query query;
    slice person;
    struct login_request l = { .has_person = false };
    if (!LIVE(pyrus_of(x)->options.login_by_get)) {
        http_reply_header(x, "Allow", S("POST"));
        return pyrus_refuse(a, PYRUS_METHOD_NOT_ALLOWED);
    }
    err_t e = query_parse(x->req.query, a, &query);
    if (e)
        return pyrus_refuse_because(a, e, PYRUS_INVALID_VALUE_FORMAT);
    l.has_person = query_get(&query, S("person_id"), QUERY_NOCASE, &person);
    if (!query_get(&query, S("login"), QUERY_NOCASE, &l.login) ||
        !query_get(&query, S("security_key"), QUERY_NOCASE, &l.security_key))
        return pyrus_refuse(a, PYRUS_REQUIRED_PARAMETER_MISSING);
    if (l.has_person && !slice_to_i64(person, &l.person_id))
        return pyrus_refuse(a, PYRUS_INVALID_VALUE_FORMAT);
    return log_in(x, &l);
}

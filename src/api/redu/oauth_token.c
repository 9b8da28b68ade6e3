/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §2.4: an application exchanges what it has for a token. Parameters come in the body or in the query; a name that is
 * in both counts as the body has it. */
#include "api/kit/body.h"
#include "api/kit/guard.h"
#include "api/kit/json_reply.h"
#include "api/redu/oauth_priv.h"
#include "base/text.h"
#include "http/auth_header.h"
#include "http/target.h"

struct exchange_request {
    const struct json *body;
    struct query query;
    struct application application;
};

/* name: a literal */
static slice param(const struct exchange_request *r, const char *name)
{
    slice value = json_str(r->body, name);
    if (!value.n)
        query_get(&r->query, slice_of(name), QUERY_LAST_WINS, &value);
    return value;
}

/* ---- the application ---- */

/* "Basic …" (RFC 6749 §2.3.1), for an application that does not send its secret as a parameter. */
static void read_basic(struct http_exchange *x, struct application_proof *proof)
{
    struct auth_header header;
    slice pair, id, secret;
    struct arena *a = &x->arena;
    if (auth_header_parse(http_header(&x->req, "Authorization"), a, &header) || !auth_header_is(&header, S("Basic")) ||
        !base64_decode(a, header.credentials, &pair))
        return;
    slice_cut(pair, ':', &id, &secret);
    if (percent_decode(a, id, true, &id) && percent_decode(a, secret, true, &secret)) {
        proof->client_id = id;
        proof->client_secret = secret;
    }
}

static err_t check_application(struct http_exchange *x, struct exchange_request *r)
{
    struct core *core = redu_of(x)->core;
    struct application_proof proof = { .purpose = REDU_PURPOSE,
                                       .client_id = param(r, "client_id"),
                                       .client_secret = param(r, "client_secret"),
                                       .address = guard_login_address(x) };
    if (!proof.client_secret.n)
        read_basic(x, &proof);
    err_t e = application_check(core, &proof, &x->arena, &r->application);
    if (err_is(e, ERR_RATE))
        guard_add_login_retry(x, core);
    return err_is(e, ERR_UNAUTHENTICATED) ? redu_refuse_because(&x->arena, e, REDU_OAUTH_INVALID_CLIENT) : e;
}

/* ---- grants ---- */

static void send_token(struct http_exchange *x, slice token, const struct token_policy *policy)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    http_reply_header(x, "Pragma", S("no-cache"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "access_token", token);
    json_put_string(&reply.out, "token_type", S("bearer"));
    if (policy->lifetime_ms)
        json_put_int(&reply.out, "expires_in", policy->lifetime_ms / 1000);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE_UTF8);
}

typedef err_t grant_fn(struct core *, const struct application_token_request *, const struct exchange_request *,
                       struct arena *a, slice *ret_token);

static err_t run_grant(struct http_exchange *x, grant_fn *grant)
{
    const struct exchange_request *r = x->work;
    struct core *core = redu_of(x)->core;
    const struct token_policy policy = redu_token_policy(x);
    const struct application_token_request request = { &r->application, &policy, guard_login_address(x), x->req.id };
    slice token;
    err_t e = grant(core, &request, r, &x->arena, &token);
    if (err_is(e, ERR_RATE))
        guard_add_login_retry(x, core);
    if (err_is(e, ERR_UNAUTHENTICATED))
        return redu_refuse_because(&x->arena, e, REDU_OAUTH_INVALID_GRANT);
    TRY(e);
    send_token(x, token, &policy);
    return NULL;
}

static err_t by_code(struct core *core, const struct application_token_request *request,
                     const struct exchange_request *r, struct arena *a, slice *ret_token)
{
    const struct code_proof proof = { .code = param(r, "code"),
                                      .redirect = param(r, "redirect_uri"),
                                      .verifier = param(r, "code_verifier") };
    return token_for_code(core, request, &proof, a, ret_token);
}

static err_t by_password(struct core *core, const struct application_token_request *request,
                         const struct exchange_request *r, struct arena *a, slice *ret_token)
{
    return token_for_password(core, request, param(r, "username"), param(r, "password"), a, ret_token);
}

static err_t by_owner(struct core *core, const struct application_token_request *request,
                      const struct exchange_request *r, struct arena *a, slice *ret_token)
{
    (void)r;
    return token_for_owner(core, request, a, ret_token);
}

/* In the lane of long work: a password is slow to check. */
static err_t run_password_grant(struct http_exchange *x)
{
    return run_grant(x, by_password);
}

static err_t run_grant_of_type(struct http_exchange *x, slice type)
{
    if (slice_eq(type, S("authorization_code")))
        return run_grant(x, by_code);
    if (slice_eq(type, S("client_credentials")) || slice_eq(type, S("none")))
        return run_grant(x, by_owner);
    http_on_lane(x, HTTP_LANE_LONG, run_password_grant);
    return NULL;
}

static bool grant_type_is_known(slice type)
{
    static const slice known[] = {
        { "authorization_code", 18 }, { "password", 8 }, { "client_credentials", 18 }, { "none", 4 }
    };
    for (size_t i = 0; i < LENGTH_OF(known); i++)
        if (slice_eq(type, known[i]))
            return true;
    return false;
}

err_t redu_token(struct http_exchange *x)
{
    struct exchange_request *r = arena_new(&x->arena, struct exchange_request);
    err_t e = body_read(x, &r->body);
    if (!e)
        e = query_parse(x->req.query, &x->arena, &r->query);
    if (e)
        return redu_refuse_because(&x->arena, e, REDU_OAUTH_INVALID_REQUEST);
    slice type = param(r, "grant_type");
    x->work = r;
    if (!grant_type_is_known(type))
        return redu_refuse(&x->arena, REDU_OAUTH_UNSUPPORTED_GRANT);
    TRY(check_application(x, r));
    return run_grant_of_type(x, type);
}

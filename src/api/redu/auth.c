/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a request carries (docs/apis/redu.md §2.1). A request without a valid one is nobody's, and fails only when what it asks
 * for needs somebody: what does not exist is 404 before. */
#include "api/kit/body.h"
#include "api/kit/guard.h"
#include "api/redu/redu_priv.h"
#include "core/records/credential.h"
#include "http/target.h"

/* ---- the token of a query or a form ---- */

static slice token_of_names(slice (*value)(const void *from, slice name), const void *from)
{
    slice token = value(from, S("bearer_token"));
    if (!token.n)
        token = value(from, S("access_token"));
    if (!token.n && !value(from, S("oauth_signature")).n)
        token = value(from, S("oauth_token"));
    return token;
}

static slice query_value(const void *from, slice name)
{
    slice value = S("");
    query_get(from, name, QUERY_LAST_WINS, &value);
    return value;
}

static slice form_value(const void *from, slice name)
{
    return json_str(from, name.p); /* a literal, which ends in NUL */
}

/* ---- the token of the header ---- */

/* "OAuth T", "Bearer T", "Token T" or "Token token=T": the scheme in any case; T has no blanks. */
static slice token_of_header(const struct http_request *req)
{
    slice scheme, token;
    slice_cut(http_header(req, "Authorization"), ' ', &scheme, &token);
    token = slice_trim(token);
    bool is_token = slice_eq_nocase(scheme, S("Token"));
    if (!is_token && !slice_eq_nocase(scheme, S("OAuth")) && !slice_eq_nocase(scheme, S("Bearer")))
        return S("");
    if (is_token && slice_starts(token, S("token=")))
        token = slice_from(token, 6);
    return token;
}

/* ---- the caller ---- */

/* A token that is unknown, revoked or expired is no error: the request is nobody's. */
static err_t take_token(struct http_exchange *x, slice token)
{
    struct principal *who = arena_new(&x->arena, struct principal);
    x->principal = NULL;
    err_t e = token.n ? access_check(redu_of(x)->core, REDU_PURPOSE, CREDENTIAL_TOKEN, token, &x->arena, who) : NULL;
    if (e && (e->code == ERR_UNAVAILABLE || e->code == ERR_CORRUPT || e->code == ERR_NO_SPACE))
        return e;
    if (token.n && !e)
        guard_admit(x, redu_of(x)->core, who);
    return NULL;
}

err_t redu_guard(struct http_exchange *x)
{
    struct query query;
    http_reply_header(x, "Access-Control-Allow-Origin", S("*"));
    err_t e = query_parse(x->req.query, &x->arena, &query);
    if (e)
        return redu_refuse_because(&x->arena, e, REDU_BAD_REQUEST);
    slice token = token_of_names(query_value, &query);
    return take_token(x, token.n ? token : token_of_header(&x->req));
}

err_t redu_read_body(struct http_exchange *x, const char *wrapper, const struct json **ret)
{
    static const struct json nothing = { .type = JS_OBJECT };
    const struct json *body;
    struct query query;
    err_t e = body_read(x, &body);
    if (e)
        return redu_refuse_because(&x->arena, e, err_is(e, ERR_TOO_LARGE) ? REDU_TOO_LARGE : REDU_BAD_REQUEST);
    TRY(query_parse(x->req.query, &x->arena, &query));
    slice token = body_is_form(&x->req) ? token_of_names(form_value, body) : S("");
    if (token.n && !token_of_names(query_value, &query).n)
        TRY(take_token(x, token));
    const struct json *inner = json_get(body, wrapper);
    *ret = json_is(inner, JS_OBJECT) ? inner : &nothing;
    return NULL;
}

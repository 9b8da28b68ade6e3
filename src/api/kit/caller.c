/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/caller.h"

#include "api/kit/browser.h"
#include "api/kit/guard.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/access/drop_link.h"
#include "core/records/credential.h"
#include "http/auth_header.h"
#include "http/target.h"

/* The name of the account that the operator chose by header or parameter; empty for the default account. */
static err_t get_chosen_account(struct http_exchange *x, slice *ret)
{
    slice header = http_header(&x->req, "Cais-Account");
    if (header.p)
        return target_decode(header, &x->arena, ret);
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    *ret = S("");
    query_get(&q, S("account"), 0, ret);
    return NULL;
}

static bool method_reads(slice method)
{
    return slice_eq(method, S("GET")) || slice_eq(method, S("HEAD")) || slice_eq(method, S("OPTIONS"));
}

/* For what changes something only if a page of this host asks for it. */
static err_t authenticate_session(struct http_exchange *x, struct core *core, const struct caller_rules *rules,
                                  slice method, struct principal *ret)
{
    struct browser_session session;
    TRY(browser_session_find(x, core, &session));
    if (!method_reads(method) && !browser_may_change(x, &session, S("")))
        return error_refuse_at(&x->arena, ERR_HERE, rules->errors, NULL, rules->no_csrf_token);
    *ret = *session.who;
    return NULL;
}

static err_t authenticate_link(struct http_exchange *x, struct core *core, slice secret, struct principal *ret)
{
    err_t e = drop_link_check(core, secret, guard_login_address(x), &x->arena, ret);
    if (err_is(e, ERR_RATE))
        guard_add_login_retry(x, core);
    return e;
}

static err_t authenticate(struct http_exchange *x, struct core *core, const struct caller_rules *rules, slice method,
                          struct principal *ret)
{
    struct arena *a = &x->arena;
    if (x->req.local) {
        slice account;
        TRY(get_chosen_account(x, &account));
        err_t e = access_operator(core, account, a, ret);
        return !err_is(e, ERR_NOT_FOUND)
                   ? e
                   : err_make(a, ERR_INVALID,
                              "there is no account " SLICE_FMT ": 'cais account list' shows what there is",
                              SLICE_ARG(account));
    }
    if (!http_has_header(&x->req, "Authorization"))
        return authenticate_session(x, core, rules, method, ret);
    struct auth_header h;
    err_t e = auth_header_parse(http_header(&x->req, "Authorization"), a, &h);
    if (!e && rules->admits_links && auth_header_is(&h, S("Link")))
        return authenticate_link(x, core, h.credentials, ret);
    if (e || !auth_header_is(&h, S("Bearer")))
        return error_refuse_at(a, ERR_HERE, rules->errors, NULL, rules->no_token);
    return access_check(core, slice_of(rules->purpose), CREDENTIAL_KEY, h.credentials, a, ret);
}

err_t caller_admit(struct http_exchange *x, struct core *core, const struct caller_rules *rules, slice method)
{
    struct principal *who = arena_new(&x->arena, struct principal);
    TRY(authenticate(x, core, rules, method, who));
    guard_admit(x, core, who);
    return NULL;
}

err_t caller_admit_link(struct http_exchange *x, struct core *core, const struct caller_rules *rules)
{
    struct principal *who = arena_new(&x->arena, struct principal);
    struct auth_header h;
    err_t e = auth_header_parse(http_header(&x->req, "Authorization"), &x->arena, &h);
    if (e || !auth_header_is(&h, S("Link")))
        return error_refuse_at(&x->arena, ERR_HERE, rules->errors, NULL, rules->no_token);
    TRY(authenticate_link(x, core, h.credentials, who));
    guard_admit(x, core, who);
    return NULL;
}

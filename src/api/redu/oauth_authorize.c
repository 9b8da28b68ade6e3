/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §2.2, §2.3: a person who is logged in allows an application to act.
 *
 * A browser leaves only for an address that application_redirect has found among those of the application. Whatever else is wrong
 * with a request is reported to that address, or on a page when there is none. The answer of the form is checked like the question:
 * its hidden fields went through the browser. */
#include "api/kit/browser.h"
#include "api/redu/oauth_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "http/target.h"

#include <string.h>

enum { VALUE_MAX = 2000 };

/* ---- the request of the application ---- */

enum { RESPONSE_TYPE, CLIENT_ID, REDIRECT_URI, STATE, SCOPE, CHALLENGE, CHALLENGE_METHOD, VALUES };
static const char *const value_names[VALUES] = { [RESPONSE_TYPE] = "response_type",
                                                 [CLIENT_ID] = "client_id",
                                                 [REDIRECT_URI] = "redirect_uri",
                                                 [STATE] = "state",
                                                 [SCOPE] = "scope",
                                                 [CHALLENGE] = "code_challenge",
                                                 [CHALLENGE_METHOD] = "code_challenge_method" };

struct authorization {
    struct browser_session session;
    struct oauth_field values[VALUES];
    struct application application;
    slice redirect; /* checked; empty: a PIN is shown */
};

/* Visible ASCII characters and blanks, as RFC 6749 appendix A has them. */
static bool value_is_valid(slice value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < ' ' || value.p[i] > '~')
            return false;
    return value.n <= VALUE_MAX;
}

static err_t read_values(struct http_exchange *x, const struct query *from, struct authorization *z)
{
    for (size_t i = 0; i < VALUES; i++) {
        struct oauth_field *field = &z->values[i];
        *field = (struct oauth_field){ value_names[i], S("") };
        query_get(from, slice_of(field->name), QUERY_LAST_WINS, &field->value);
        if (!value_is_valid(field->value))
            return redu_refuse(&x->arena, i == REDIRECT_URI ? REDU_OAUTH_BAD_REDIRECT : REDU_OAUTH_INVALID_REQUEST);
    }
    if (!z->values[RESPONSE_TYPE].value.n)
        z->values[RESPONSE_TYPE].value = S("code");
    return NULL;
}

/* People of other accounts know nothing of the application. */
static err_t find_application(struct http_exchange *x, struct authorization *z)
{
    struct arena *a = &x->arena;
    err_t e = application_find(redu_of(x)->core, REDU_PURPOSE, z->values[CLIENT_ID].value, a, &z->application);
    if (err_is(e, ERR_NOT_FOUND) || (!e && z->application.account_id != z->session.who->account_id))
        return redu_refuse_because(a, e, REDU_OAUTH_NO_APPLICATION);
    TRY(e);
    e = application_redirect(&z->application, z->values[REDIRECT_URI].value, a, &z->redirect);
    return err_is(e, ERR_INVALID) ? redu_refuse_because(a, e, REDU_OAUTH_BAD_REDIRECT) : e;
}

static bool asks_for_token(const struct authorization *z)
{
    return slice_eq(z->values[RESPONSE_TYPE].value, S("token"));
}

/* The error of RFC 6749 §4.1.2.1; NULL: there is none. */
static const char *request_error(const struct authorization *z)
{
    slice method = z->values[CHALLENGE_METHOD].value;
    if (!asks_for_token(z) && !slice_eq(z->values[RESPONSE_TYPE].value, S("code")))
        return "unsupported_response_type";
    if (method.n && !slice_eq(method, S("plain")) && !slice_eq(method, S("S256")))
        return "invalid_request";
    return NULL;
}

/* ---- leaving ---- */

/* The browser leaves with NAME=VALUE and the state, in the query or behind `separator` "#". */
static void leave_with(struct http_exchange *x, const struct authorization *z, slice separator, slice pairs)
{
    slice state = z->values[STATE].value;
    slice parts[] = { z->redirect, separator, pairs, state.n ? S("&state=") : S(""),
                      percent_encode(&x->arena, state, "") };
    html_page_leave(x, arena_join(&x->arena, parts, LENGTH_OF(parts)));
}

static slice query_separator(slice address)
{
    return slice_find_byte(address, '?') == SLICE_NONE ? S("?") : S("&");
}

/* An error goes to the checked address, or to nobody but the person. */
static err_t report_error(struct http_exchange *x, const struct authorization *z, const char *error)
{
    if (!z->redirect.n)
        return redu_refuse(&x->arena, REDU_OAUTH_INVALID_REQUEST);
    leave_with(x, z, query_separator(z->redirect), arena_printf(&x->arena, "error=%s", error));
    return NULL;
}

/* ---- GET ---- */

static void ask_person(struct http_exchange *x, const struct authorization *z)
{
    const struct oauth_question question = { .application = &z->application,
                                             .login = z->session.who->login,
                                             .redirect = z->redirect,
                                             .csrf = z->session.csrf,
                                             .fields = z->values,
                                             .field_count = z->values[CHALLENGE].value.n ? VALUES : CHALLENGE };
    oauth_show_question(x, &question);
}

static err_t read_query(struct http_exchange *x, slice text, struct query *ret)
{
    err_t e = query_parse(text, &x->arena, ret);
    return e ? redu_refuse_because(&x->arena, e, REDU_OAUTH_INVALID_REQUEST) : NULL;
}

err_t redu_authorize_show(struct http_exchange *x)
{
    struct authorization z;
    struct query query;
    bool is_there;
    TRY(read_query(x, x->req.query, &query));
    TRY(browser_session_require(x, redu_of(x)->core, &z.session, &is_there));
    if (!is_there)
        return NULL;
    TRY(read_values(x, &query, &z));
    TRY(find_application(x, &z));
    const char *error = request_error(&z);
    if (error)
        return report_error(x, &z, error);
    ask_person(x, &z);
    return NULL;
}

/* ---- POST ---- */

struct token_policy redu_token_policy(struct http_exchange *x)
{
    const struct redu_options *options = &redu_of(x)->options;
    return (struct token_policy){ LIVE(options->token_lifetime_ms), LIVE(options->tokens_per_application) };
}

static err_t give_token(struct http_exchange *x, const struct authorization *z)
{
    slice token;
    const struct token_policy policy = redu_token_policy(x);
    const struct application_token_request request = { .application = &z->application,
                                                       .policy = &policy,
                                                       .request_id = x->req.id };
    TRY(token_for_user(redu_of(x)->core, &request, z->session.who, &x->arena, &token));
    slice lifetime =
        policy.lifetime_ms ? arena_printf(&x->arena, "&expires_in=%lld", (long long)policy.lifetime_ms / 1000) : S("");
    leave_with(x, z, S("#"),
               arena_printf(&x->arena, "access_token=" SLICE_FMT "&token_type=bearer" SLICE_FMT, SLICE_ARG(token),
                            SLICE_ARG(lifetime)));
    return NULL;
}

static err_t give_code(struct http_exchange *x, const struct authorization *z)
{
    slice code;
    const struct code_request request = { .application = &z->application,
                                          .redirect = z->values[REDIRECT_URI].value,
                                          .challenge = z->values[CHALLENGE].value,
                                          .challenge_is_plain =
                                              !slice_eq(z->values[CHALLENGE_METHOD].value, S("S256")) };
    err_t e = code_issue(redu_of(x)->core, z->session.who, &request, &x->arena, &code);
    if (err_is(e, ERR_INVALID))
        return report_error(x, z, "invalid_request");
    if (err_is(e, ERR_NOT_FOUND))
        return redu_refuse_because(&x->arena, e, REDU_OAUTH_NO_APPLICATION);
    TRY(e);
    if (z->redirect.n)
        leave_with(x, z, query_separator(z->redirect), arena_printf(&x->arena, "code=" SLICE_FMT, SLICE_ARG(code)));
    else
        oauth_show_pin(x, code);
    return NULL;
}

static err_t deny(struct http_exchange *x, const struct authorization *z)
{
    if (z->redirect.n)
        return report_error(x, z, "access_denied");
    oauth_show_denial(x);
    return NULL;
}

static err_t answer(struct http_exchange *x, const struct authorization *z, slice authorize)
{
    const char *error = request_error(z);
    if (error)
        return report_error(x, z, error);
    if (!slice_eq(authorize, S("1")))
        return deny(x, z);
    return asks_for_token(z) && z->redirect.n ? give_token(x, z) : give_code(x, z);
}

/* A session that ended between its check and the write: the person logs in and begins again. */
static err_t refuse_ended_session(struct http_exchange *x, err_t e)
{
    bool has_ended = err_is(e, ERR_REVOKED) || err_is(e, ERR_BLOCKED) || err_is(e, ERR_UNAUTHENTICATED);
    return has_ended ? redu_refuse_because(&x->arena, e, REDU_OAUTH_FORM_EXPIRED) : e;
}

err_t redu_authorize_answer(struct http_exchange *x)
{
    struct authorization z;
    struct query form;
    slice csrf = S(""), authorize = S("");
    bool is_there;
    TRY(read_query(x, x->req.body, &form));
    TRY(browser_session_require(x, redu_of(x)->core, &z.session, &is_there));
    if (!is_there)
        return NULL;
    query_get(&form, S("csrf"), 0, &csrf);
    query_get(&form, S("authorize"), 0, &authorize);
    if (!browser_may_change(x, &z.session, csrf))
        return redu_refuse(&x->arena, REDU_OAUTH_FORM_EXPIRED);
    TRY(read_values(x, &form, &z));
    TRY(find_application(x, &z));
    return refuse_ended_session(x, answer(x, &z, authorize));
}

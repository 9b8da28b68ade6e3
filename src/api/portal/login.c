/* SPDX-License-Identifier: Apache-2.0 */
/* Login and logout, and the routes of all pages. Who is not logged in has no session whose token a form could show. So the login form has a cookie of its own: a
 * random secret, whose HMAC is in the form. Otherwise another site could log a person in to an account of its own, and read
 * later what the person has stored there. */
#include "api/kit/browser.h"
#include "api/kit/guard.h"
#include "api/portal/portal_priv.h"
#include "base/text.h"
#include "core/access/session.h"

enum { FORM_SECRET_LENGTH = 43, LOGIN_BODY_MAX = 32 * 1024, LOGOUT_BODY_MAX = 4 * 1024 };

static struct core *core_of(const struct http_exchange *x)
{
    return ((const struct portal *)x->api->context)->core;
}

/* ---- forms ---- */

err_t portal_read_form(struct http_exchange *x, struct query *ret)
{
    slice type, params;
    slice_cut(http_header(&x->req, "Content-Type"), ';', &type, &params);
    if (!slice_eq_nocase(slice_trim(type), S("application/x-www-form-urlencoded")))
        return portal_refuse(&x->arena, PORTAL_NOT_A_FORM);
    return query_parse(x->req.body, &x->arena, ret);
}

slice portal_form_field(const struct query *form, slice name)
{
    slice value = S("");
    query_get(form, name, 0, &value);
    return value;
}

/* ---- GET /portal/login ---- */

static bool is_form_secret(slice secret)
{
    for (size_t i = 0; i < secret.n; i++) {
        char c = secret.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return secret.n == FORM_SECRET_LENGTH;
}

/* The secret that the browser has already, so that forms in several tabs work; else a new one. */
static slice keep_form_secret(struct http_exchange *x)
{
    slice secret = browser_cookie(x, BROWSER_COOKIE_LOGIN_FORM);
    if (is_form_secret(secret))
        return secret;
    secret = random_text(core_of(x)->random, &x->arena, FORM_SECRET_LENGTH);
    browser_set_cookie(x, BROWSER_COOKIE_LOGIN_FORM, secret);
    return secret;
}

slice portal_form_token(struct http_exchange *x)
{
    return browser_csrf_of(keep_form_secret(x), &x->arena);
}

static void add_field(struct portal_page *p, enum portal_text label, const char *attributes)
{
    buf_add(&p->out, S("<label>"));
    portal_page_add_text(p, label);
    buf_printf(&p->out, "<input %s required></label>\n", attributes);
}

static void add_login_form(struct portal_page *p, slice csrf, slice next)
{
    buf_add(&p->out, S("<form method=\"post\" action=\"" BROWSER_LOGIN "\">\n"));
    portal_page_add_field(p, "csrf", csrf);
    if (next.n)
        portal_page_add_field(p, "next", next);
    add_field(p, PORTAL_TEXT_LOGIN_NAME,
              "name=\"login\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" autofocus");
    add_field(p, PORTAL_TEXT_PASSWORD, "name=\"password\" type=\"password\" autocomplete=\"current-password\"");
    buf_add(&p->out, S("<button type=\"submit\">"));
    portal_page_add_text(p, PORTAL_TEXT_LOG_IN);
    buf_add(&p->out, S("</button>\n</form>\n"));
}

void portal_show_login(struct http_exchange *x, int status, slice next, enum portal_text problem)
{
    struct portal_page page;
    slice csrf = portal_form_token(x);
    slice parts[] = { S(BROWSER_LOGIN "?"), next.n ? S("next=") : S(""), percent_encode(&x->arena, next, "/"),
                      next.n ? S("&lang=") : S("lang=") };
    portal_page_begin(&page, x, PORTAL_TEXT_LOGIN_TITLE, NULL);
    if (problem != PORTAL_TEXTS)
        portal_page_add_problem(&page, problem);
    add_login_form(&page, csrf, next);
    portal_page_send(&page, status, arena_join(&x->arena, parts, LENGTH_OF(parts)));
}

static slice next_or_home(slice next)
{
    return next.n ? next : S(BROWSER_HOME);
}

/* Where the login leads; empty when the request does not say it, or names something else than a path of this host. */
static slice read_next(const struct query *from)
{
    slice next = portal_form_field(from, S("next"));
    return browser_next_is_valid(next) ? next : S("");
}

static err_t show_login(struct http_exchange *x)
{
    struct query query;
    struct browser_session session;
    TRY(query_parse(x->req.query, &x->arena, &query));
    slice next = read_next(&query);
    portal_choose_language(x, portal_form_field(&query, S("lang")));
    if (browser_session_find(x, core_of(x), &session))
        portal_show_login(x, 200, next, PORTAL_TEXTS);
    else
        html_page_redirect(x, next_or_home(next));
    return NULL;
}

/* ---- POST /portal/login ---- */

err_t portal_check_form_token(struct http_exchange *x, const struct query *form)
{
    slice secret = browser_cookie(x, BROWSER_COOKIE_LOGIN_FORM), sent = portal_form_field(form, S("csrf"));
    if (!is_form_secret(secret) || !slice_eq_secret(browser_csrf_of(secret, &x->arena), sent))
        return portal_refuse(&x->arena, PORTAL_FORM_EXPIRED);
    return NULL;
}

static err_t begin_session(struct http_exchange *x, const struct query *form, slice *ret_secret)
{
    struct core *core = core_of(x);
    struct principal who;
    const struct session_request request = { .purpose = BROWSER_PURPOSE,
                                             .login = { .login = portal_form_field(form, S("login")),
                                                        .password = portal_form_field(form, S("password")),
                                                        .address = guard_login_address(x) },
                                             .request_id = x->req.id };
    if (!slice_is_utf8(request.login.login)) /* no user has such a login */
        return portal_refuse(&x->arena, PORTAL_WRONG_LOGIN);
    err_t e = session_begin(core, &request, &x->arena, ret_secret, &who);
    if (err_is(e, ERR_RATE))
        guard_add_login_retry(x, core);
    return e;
}

/* The session that the browser had before, if any, is over: nobody shows its cookie any more. */
static err_t end_former_session(struct http_exchange *x)
{
    struct browser_session former;
    if (browser_session_find(x, core_of(x), &former))
        return NULL;
    former.who->request_id = x->req.id;
    return session_end(core_of(x), former.who, &x->arena);
}

err_t portal_enter(struct http_exchange *x, slice secret, slice next)
{
    TRY(end_former_session(x));
    browser_set_cookie(x, BROWSER_COOKIE_SESSION, secret);
    browser_set_cookie(x, BROWSER_COOKIE_LOGIN_FORM, S(""));
    html_page_redirect(x, next_or_home(next));
    return NULL;
}

static err_t log_in(struct http_exchange *x)
{
    struct query form;
    slice secret;
    TRY(portal_read_form(x, &form));
    if (!browser_is_same_origin(x))
        return portal_refuse(&x->arena, PORTAL_OTHER_SITE);
    struct login_attempt *attempt = arena_new(&x->arena, struct login_attempt);
    attempt->next = read_next(&form);
    x->work = attempt;
    TRY(portal_check_form_token(x, &form));
    TRY(begin_session(x, &form, &secret));
    return portal_enter(x, secret, attempt->next);
}

/* ---- POST /portal/logout ---- */

static err_t log_out(struct http_exchange *x)
{
    struct query form;
    struct browser_session session;
    bool is_there;
    TRY(portal_read_form(x, &form));
    if (!browser_is_same_origin(x))
        return portal_refuse(&x->arena, PORTAL_OTHER_SITE);
    TRY(browser_session_require(x, core_of(x), &session, &is_there));
    if (!is_there)
        return NULL;
    if (!browser_may_change(x, &session, portal_form_field(&form, S("csrf"))))
        return portal_refuse(&x->arena, PORTAL_FORM_EXPIRED);
    TRY(session_end(core_of(x), session.who, &x->arena));
    browser_set_cookie(x, BROWSER_COOKIE_SESSION, S(""));
    html_page_redirect(x, S(BROWSER_LOGIN));
    return NULL;
}

/* ---- routes ---- */

static const struct http_route portal_routes[] = {
    { "GET", "/", portal_show_root, HTTP_PUBLIC | HTTP_ON_LOOP | HTTP_NO_BODY, 0, "GET /" },
    { "GET", "/portal", portal_show_shell, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal" },
    { "GET", "/portal/{page}", portal_show_shell, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal" },
    { "GET", "/portal/{page}/{item}", portal_show_shell, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal" },
    { "GET", "/portal/session", portal_show_session, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal/session" },
    { "GET", "/portal/assets/{version}/{name}", portal_send_asset, HTTP_PUBLIC | HTTP_ON_LOOP | HTTP_NO_BODY, 0,
      "GET /portal/assets" },
    { "GET", "/portal/drop", portal_show_drop, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal/drop" },
    { "GET", "/portal/enter", portal_show_enter, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal/enter" },
    { "POST", "/portal/enter", portal_accept_enter, HTTP_PUBLIC, LOGOUT_BODY_MAX, "POST /portal/enter" },
    { "GET", "/portal/login", show_login, HTTP_PUBLIC | HTTP_NO_BODY, 0, "GET /portal/login" },
    { "POST", "/portal/login", log_in, HTTP_PUBLIC | HTTP_LONG, LOGIN_BODY_MAX, "POST /portal/login" },
    { "POST", "/portal/logout", log_out, HTTP_PUBLIC, LOGOUT_BODY_MAX, "POST /portal/logout" },
};

static const char *const portal_prefixes[] = { "/portal", NULL };

void portal_init(struct portal *p, struct core *core, struct log *log)
{
    *p = (struct portal){ .core = core, .log = log };
    p->http_api = (struct http_api){ .name = "portal",
                                     .routes = portal_routes,
                                     .route_count = LENGTH_OF(portal_routes),
                                     .prefixes = portal_prefixes,
                                     .claims_root = portal_claims_root,
                                     .hides_targets = true,
                                     .on_all_hosts = true,
                                     .fail = portal_fail,
                                     .context = p };
}

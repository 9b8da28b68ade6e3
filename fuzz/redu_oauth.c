/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests to the OAuth part of the Redu API, one after the other. HOW (request_text.h) is the browser that sends them: m (of a
 * member), o (of a person of another account), n (nobody is logged in). In target and body, "{pin app}" and "{pin secret}" are the id
 * and the secret of an application without callbacks, "{site app}" and "{site secret}" of one with the callback
 * https://app.example.org/back, "{pin}" is a PIN, "{code}" the last code that a reply had, and "{csrf}" the token of the browser.
 *
 * No browser is sent anywhere but to the callback and to the login; nobody gets a code or token without a session or a secret; no reply
 * shows a secret; what is stored stays whole. */
#include "request_text.h"

#include "../tests/support/redu_fixture.h"
#include "api/kit/browser.h"
#include "core/access/application.h"
#include "core/access/session.h"

#include <string.h>

#define CALLBACK "https://app.example.org/back"

static struct world_kept kept;      /* a world with what set_up makes */
static struct redu_fixture *origin; /* it stays: what follows lives in its arena */
static struct minted_application pin_app, site_app;
static slice member_cookie, other_cookie;

static slice log_in(const char *login)
{
    struct core *core = &origin->s->w->core;
    struct principal who;
    slice secret;
    const struct session_request request = { .purpose = BROWSER_PURPOSE,
                                             .login = { slice_of(login), S("correct horse"), S("") } };
    HOLDS(!user_set_password(core, &origin->s->w->operator_, slice_of(login), S("correct horse"), origin->a));
    HOLDS(!session_begin(core, &request, origin->a, &secret, &who));
    return secret;
}

static void set_up(void)
{
    static slice callbacks[] = { { CALLBACK, sizeof CALLBACK - 1 } };
    struct account account;
    struct user user;
    origin = redu_fixture_new(NULL);
    struct core *core = &origin->s->w->core;
    const struct principal *operator_ = &origin->s->w->operator_;
    const struct application_request without = { .login = S("tutor"), .purpose = REDU_PURPOSE };
    const struct application_request with = { S("tutor"), REDU_PURPOSE, { callbacks, 1 } };
    const struct user_request other = { .account = S("branch"), .login = S("other") };
    HOLDS(!application_add(core, operator_, &without, origin->a, &pin_app));
    HOLDS(!application_add(core, operator_, &with, origin->a, &site_app));
    HOLDS(!account_create(core, operator_, S("branch"), origin->a, &account));
    HOLDS(!user_create(core, operator_, &other, origin->a, &user));
    member_cookie = log_in("member");
    other_cookie = log_in("other");
    kept.image = world_image(origin->s->w);
}

/* ---- requests ---- */

static slice fill_in(slice text, slice csrf, slice code, struct arena *a)
{
    const struct {
        slice name, value;
    } variables[] = { { S("{pin app}"), pin_app.client_id },
                      { S("{pin secret}"), pin_app.client_secret },
                      { S("{site app}"), site_app.client_id },
                      { S("{site secret}"), site_app.client_secret },
                      { S("{pin%20app}"), pin_app.client_id },
                      { S("{pin%20secret}"), pin_app.client_secret },
                      { S("{site%20app}"), site_app.client_id },
                      { S("{site%20secret}"), site_app.client_secret },
                      { S("{pin}"), pin_app.pin },
                      { S("{code}"), code },
                      { S("{csrf}"), csrf } };
    for (size_t i = 0; i < LENGTH_OF(variables); i++)
        text = text_replace(text, variables[i].name, variables[i].value, a);
    return text;
}

static void add_cookie(struct fake_request *r, slice cookie, struct arena *a)
{
    size_t n = 0;
    while (r->headers[n].name.n)
        if (slice_eq_nocase(r->headers[n++].name, S("cookie")))
            return;
    r->headers[n] = (struct http_header){ S("Cookie"), arena_printf(a, "cais=" SLICE_FMT, SLICE_ARG(cookie)) };
}

/* ---- replies ---- */

static void check_location(slice to, bool has_session)
{
    if (!to.p)
        return;
    bool is_login = slice_eq(to, S("/portal/login")) || slice_starts(to, S("/portal/login?next=/oauth/authorize"));
    bool is_callback = slice_starts(to, S(CALLBACK "?error=")) || slice_starts(to, S(CALLBACK "?code=")) ||
                       slice_starts(to, S(CALLBACK "#access_token="));
    HOLDS(is_login || (is_callback && has_session));
    for (size_t i = 0; i < to.n; i++)
        HOLDS(to.p[i] > ' ' && to.p[i] <= '~');
}

static void check_body(const struct fake_reply *reply, const struct fake_request *r)
{
    const slice secrets[] = { pin_app.client_secret, site_app.client_secret, pin_app.pin, pin_app.token,
                              member_cookie };
    for (size_t i = 0; i < LENGTH_OF(secrets); i++) {
        bool was_sent =
            slice_find(r->target, secrets[i]) != SLICE_NONE || slice_find(r->body, secrets[i]) != SLICE_NONE;
        HOLDS(slice_find(reply->body, secrets[i]) == SLICE_NONE || (reply->status == 200 && was_sent));
    }
    HOLDS(slice_find(reply->body, S("<script")) == SLICE_NONE);
}

/* The code that the reply has; empty: none. */
static slice code_of(const struct fake_reply *reply, struct arena *a)
{
    slice to = fake_reply_header(reply, "Location");
    size_t at = slice_find(to, S("?code=")), in_page = slice_find(reply->body, S("<code>"));
    if (at != SLICE_NONE)
        return arena_copy(a, slice_part(to, at + 6, 20));
    return in_page == SLICE_NONE ? S("") : arena_copy(a, slice_part(reply->body, in_page + 6, 20));
}

static void send_request(struct redu_fixture *f, char how, struct fake_request *r, slice *code)
{
    bool is_member = how == 'm', has_session = is_member || how == 'o';
    slice cookie = is_member ? member_cookie : how == 'o' ? other_cookie : S("none");
    slice csrf = browser_csrf_of(cookie, f->a);
    r->target = fill_in(r->target, csrf, *code, f->a);
    r->body = fill_in(r->body, csrf, *code, f->a);
    add_cookie(r, cookie, f->a);
    struct fake_reply *reply = fake_http_send(&f->http, r);
    HOLDS(reply->status >= 200 && reply->status < 500);
    check_location(fake_reply_header(reply, "Location"), has_session);
    check_body(reply, r);
    slice made = code_of(reply, f->a);
    HOLDS(!made.n || is_member);
    bool shows_secret = slice_find(r->target, pin_app.client_secret) != SLICE_NONE ||
                        slice_find(r->target, site_app.client_secret) != SLICE_NONE || r->body.n ||
                        r->headers[1].name.n;
    if (slice_find(reply->body, S("access_token")) != SLICE_NONE && reply->status == 200)
        HOLDS(shows_secret);
    if (made.n)
        *code = made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct redu_fixture *f = redu_fixture_kept(&kept);
    slice rest = fuzz_slice(data, size), code = S("none");
    struct fake_request r;
    char how;
    for (int i = 0; i < TEXT_REQUESTS_MAX && text_next_request(&rest, f->a, &how, &r); i++)
        send_request(f, how, &r, &code);
    HOLDS(world_fsck(f->s->w, true) == 0);
    redu_fixture_free(f);
    return 0;
}

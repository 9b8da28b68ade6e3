/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §2: how applications get tokens. */
#include "fake_http.h"
#include "reply_json.h"
#include "test.h"
#include "world.h"

#include "../../src/api/redu/oauth_priv.h"
#include "api/kit/browser.h"
#include "base/text.h"
#include "core/access/session.h"
#include "core/event.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORD "correct horse"
#define CALLBACK "https://app.example.org/back"
#define OTHER "https://app.example.org/other?x=1"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* of it: RFC 7636 appendix B */

/* alice has an application without callbacks (PIN), one with a single callback, and one with two. bob uses them. mallory is of another
 * account. */
enum which { PIN, ONE, TWO, APPLICATIONS };
struct fixture {
    struct world *w;
    struct arena *a;
    struct link_base links;
    struct redu redu;
    struct http_api http_api;
    struct fake_http http;
    struct minted_application apps[APPLICATIONS];
    slice cookie; /* of the session that the browser shows */
    bool tls;
};

static void person(struct fixture *f, const char *account, const char *login, const char *email)
{
    struct user unused;
    const struct user_request request = { slice_of(account), slice_of(login), S(""), slice_of(email), 0, false };
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_, &request, f->a, &unused));
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, slice_of(login), S(PASSWORD), f->a));
}

static void log_in(struct fixture *f, const char *login)
{
    struct principal unused;
    const struct session_request request = { .purpose = BROWSER_PURPOSE,
                                             .login = { slice_of(login), S(PASSWORD), S("") } };
    EXPECT_OK(session_begin(&f->w->core, &request, f->a, &f->cookie, &unused));
}

static struct fixture *fixture_new(void)
{
    static slice callbacks[] = { { CALLBACK, sizeof CALLBACK - 1 }, { OTHER, sizeof OTHER - 1 } };
    const struct redu_options options = { .bucket = S("redu_files"),
                                          .region = S("us-east-1"),
                                          .link_lifetime_ms = minutes(15),
                                          .time_zone = S("-03:00"),
                                          .mime_types = S("any"),
                                          .tokens_per_application = 20 };
    struct fixture *f = must_malloc(sizeof *f);
    struct account branch;
    *f = (struct fixture){ .w = world_new() };
    f->a = f->w->a;
    EXPECT_OK(redu_open(&f->redu, &f->w->core, &options, &f->links, NULL, f->a));
    f->http_api = redu_api(&f->redu);
    f->http = fake_http_new(&f->http_api);
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("branch"), f->a, &branch));
    person(f, "", "alice", "");
    person(f, "", "bob", "Bob@example.org");
    person(f, "branch", "mallory", "");
    for (size_t i = 0; i < APPLICATIONS; i++) {
        const struct application_request request = { S("alice"), REDU_PURPOSE, { callbacks, i } };
        EXPECT_OK(application_add(&f->w->core, &f->w->operator_, &request, f->a, &f->apps[i]));
    }
    log_in(f, "bob");
    return f;
}

static void fixture_freep(struct fixture **f)
{
    fake_http_release(&(*f)->http);
    redu_close(&(*f)->redu);
    world_free((*f)->w);
    free(*f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

/* ---- requests ---- */

static struct fake_reply *send(struct fixture *f, const char *method, slice target, slice form, slice csrf_origin)
{
    slice cookie = f->cookie.n ? arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookie)) : S("x=1");
    struct fake_request r = { .method = method,
                              .target = target,
                              .body = form,
                              .tls = f->tls,
                              .headers = { { S("Content-Type"), S("application/x-www-form-urlencoded") },
                                           { S("Cookie"), cookie },
                                           { csrf_origin.n ? S("Origin") : S("X-None"), csrf_origin } } };
    return fake_http_send(&f->http, &r);
}

/* GET /oauth/authorize?client_id=…&MORE */
static struct fake_reply *ask(struct fixture *f, enum which app, const char *more)
{
    return send(
        f, "GET",
        arena_printf(f->a, "/oauth/authorize?client_id=" SLICE_FMT "%s", SLICE_ARG(f->apps[app].client_id), more),
        S(""), S(""));
}

/* The form of the page, sent back with this answer. */
static slice form_of(struct fixture *f, const struct fake_reply *page, const char *answer)
{
    slice form = S(""), rest = page->body, before = S("<input type=\"hidden\" name=\"");
    size_t end = slice_find(rest, S("</form>"));
    rest = slice_part(rest, 0, end);
    for (size_t at = slice_find(rest, before); at != SLICE_NONE; at = slice_find(rest, before)) {
        slice name, value;
        rest = slice_from(rest, at + before.n);
        slice_cut(rest, '"', &name, &rest);
        slice_cut(slice_from(rest, strlen(" value=\"")), '"', &value, &rest);
        EXPECT(slice_find_byte(value, '&') == SLICE_NONE); /* these tests have no such values */
        if (slice_eq(name, S("authorize")))
            value = slice_of(answer);
        form = arena_printf(f->a, SLICE_FMT "%s" SLICE_FMT "=" SLICE_FMT, SLICE_ARG(form), form.n ? "&" : "",
                            SLICE_ARG(name), SLICE_ARG(percent_encode(f->a, value, "")));
    }
    return form;
}

static struct fake_reply *reply_to(struct fixture *f, slice form)
{
    return send(f, "POST", S("/oauth/authorize"), form, S(""));
}

static struct fake_reply *decide(struct fixture *f, enum which app, const char *more, const char *answer)
{
    struct fake_reply *page = ask(f, app, more);
    EXPECT_EQ(page->status, 200);
    return reply_to(f, form_of(f, page, answer));
}

static slice location(const struct fake_reply *r)
{
    return fake_reply_header(r, "Location");
}

static slice first_code(const struct fake_reply *r)
{
    size_t at = slice_find(r->body, S("<code>"));
    slice code, rest;
    if (at == SLICE_NONE)
        return S("");
    slice_cut(slice_from(r->body, at + 6), '<', &code, &rest);
    return code;
}

/* The value of the parameter in the address, up to the next & */
static slice value_in(slice address, const char *name)
{
    size_t at = slice_find(address, slice_of(name));
    slice value, rest;
    if (at == SLICE_NONE)
        return S("");
    slice_cut(slice_from(address, at + strlen(name)), '&', &value, &rest);
    return value;
}

static void expect_no_redirect(const struct fake_reply *r, int status)
{
    EXPECT_EQ(r->status, status);
    EXPECT(!location(r).p);
    EXPECT(slice_starts(r->content_type, S("text/html")));
}

/* ---- §2.4 requests ---- */

static slice client_of(struct fixture *f, enum which app)
{
    return arena_printf(f->a, "client_id=" SLICE_FMT "&client_secret=" SLICE_FMT, SLICE_ARG(f->apps[app].client_id),
                        SLICE_ARG(f->apps[app].client_secret));
}

static struct fake_reply *token_with(struct fixture *f, enum which app, const char *params)
{
    return send(f, "POST", S("/oauth/token"), arena_printf(f->a, SLICE_FMT "&%s", SLICE_ARG(client_of(f, app)), params),
                S(""));
}

static struct fake_reply *exchange(struct fixture *f, enum which app, slice code, const char *more)
{
    return token_with(f, app,
                      arena_cstr(f->a, arena_printf(f->a, "grant_type=authorization_code&code=" SLICE_FMT "%s",
                                                    SLICE_ARG(code), more)));
}

static slice token_of(struct fixture *f, const struct fake_reply *r)
{
    if (r->status != 200)
        fail_msg("%d %.*s", r->status, SLICE_ARG(r->body));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    EXPECT(slice_starts(r->body, S("{\"access_token\":\"")));
    EXPECT_SLICE(reply_text(f->a, r, "token_type"), S("bearer"));
    slice token = reply_text(f->a, r, "access_token");
    EXPECT_EQ(token.n, 40);
    return token;
}

static slice login_of(struct fixture *f, slice token)
{
    struct principal who;
    EXPECT_OK(access_check(&f->w->core, REDU_PURPOSE, CREDENTIAL_TOKEN, token, f->a, &who));
    return who.login;
}

static void expect_error(struct fixture *f, const struct fake_reply *r, int status, const char *error)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(r->body, arena_printf(f->a, "{\"error\":\"%s\"}", error));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
}

/* ---- §2.2 ---- */

TEST(the_page_asks_with_two_forms_that_have_the_fields_of_the_request)
{
    FIXTURE(f);
    struct fake_reply *r = ask(f, TWO, "&redirect_uri=" CALLBACK "&state=s1&scope=all&response_type=code");
    EXPECT_EQ(r->status, 200);
    static const char *const fields[] = { "name=\"response_type\" value=\"code\"",
                                          "name=\"redirect_uri\" value=\"" CALLBACK "\"",
                                          "name=\"state\" value=\"s1\"",
                                          "name=\"scope\" value=\"all\"",
                                          "name=\"client_id\" value=\"",
                                          "name=\"csrf\" value=\"",
                                          "name=\"authorize\" value=\"" };
    for (size_t i = 0; i < LENGTH_OF(fields); i++) {
        size_t first = slice_find(r->body, slice_of(fields[i]));
        EXPECT(first != SLICE_NONE);
        EXPECT(slice_find(slice_from(r->body, first + 1), slice_of(fields[i])) != SLICE_NONE);
    }
    EXPECT(slice_find(r->body, S("name=\"authorize\" value=\"1\"")) != SLICE_NONE);
    EXPECT(slice_find(r->body, S("name=\"authorize\" value=\"0\"")) != SLICE_NONE);
    EXPECT(slice_find(r->body, S(">alice<")) != SLICE_NONE && slice_find(r->body, S(">bob<")) != SLICE_NONE);
    EXPECT(slice_find(r->body, S("<script")) == SLICE_NONE);
}

TEST(the_page_lets_its_forms_lead_to_the_application_and_nowhere_else)
{
    FIXTURE(f);
    slice policy = fake_reply_header(ask(f, ONE, ""), "Content-Security-Policy");
    EXPECT(slice_starts(policy, S("default-src 'none'; style-src 'sha256-")));
    EXPECT(slice_ends(policy, S("='; form-action 'self' https://app.example.org; frame-ancestors 'none'; base-uri "
                                "'none'")));
    struct fake_reply *pin = ask(f, PIN, "");
    EXPECT(slice_ends(fake_reply_header(pin, "Content-Security-Policy"),
                      S("='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")));
    EXPECT_SLICE(fake_reply_header(pin, "Cache-Control"), S("no-store"));
    EXPECT_SLICE(fake_reply_header(pin, "X-Frame-Options"), S("DENY"));
    EXPECT_SLICE(fake_reply_header(pin, "Referrer-Policy"), S("same-origin"));
}

TEST(a_client_that_sends_its_id_alone_is_asked_for_a_code)
{
    FIXTURE(f);
    EXPECT(slice_find(ask(f, PIN, "")->body, S("name=\"response_type\" value=\"code\"")) != SLICE_NONE);
}

TEST(who_is_not_logged_in_is_sent_to_the_login_and_back)
{
    FIXTURE(f);
    f->cookie = S("");
    struct fake_reply *r = send(f, "GET", S("/oauth/authorize?client_id=a%26b&state=x"), S(""), S(""));
    EXPECT_EQ(r->status, 303);
    EXPECT_SLICE(location(r), S("/portal/login?next=/oauth/authorize%3Fclient_id%3Da%2526b%26state%3Dx"));
    r = reply_to(f, S("authorize=1"));
    EXPECT_EQ(r->status, 303);
    EXPECT_SLICE(location(r), S("/portal/login"));
}

TEST(an_unknown_application_is_a_page_of_404)
{
    FIXTURE(f);
    expect_no_redirect(send(f, "GET", S("/oauth/authorize?redirect_uri=" CALLBACK), S(""), S("")), 404);
    expect_no_redirect(
        send(f, "GET", S("/oauth/authorize?client_id=aaaaaaaaaaaaaaaaaaaa&redirect_uri=" CALLBACK), S(""), S("")), 404);
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, f->apps[ONE].id, f->a));
    expect_no_redirect(ask(f, ONE, "&redirect_uri=" CALLBACK), 404);
}

TEST(a_session_of_another_account_sees_no_application)
{
    FIXTURE(f);
    slice form = form_of(f, ask(f, ONE, ""), "1");
    log_in(f, "mallory");
    expect_no_redirect(ask(f, ONE, ""), 404);
    expect_no_redirect(ask(f, PIN, ""), 404);
    expect_no_redirect(reply_to(f, form), 403); /* the form is bob's */
    slice csrf = browser_csrf_of(f->cookie, f->a);
    slice own = arena_printf(f->a, "csrf=" SLICE_FMT "&authorize=1&client_id=" SLICE_FMT, SLICE_ARG(csrf),
                             SLICE_ARG(f->apps[PIN].client_id));
    expect_no_redirect(reply_to(f, own), 404);
    EXPECT_EQ(world_event_count(f->w, S("code.issue")), 0);
}

TEST(a_hostile_redirect_gets_a_page_and_never_a_redirect)
{
    static const char *const hostile[] = { "https://evil.example/",
                                           CALLBACK "/",
                                           CALLBACK "%0d%0aSet-Cookie:%20a=b",
                                           "javascript:alert(1)",
                                           "//evil.example",
                                           "/oauth",
                                           "https://app.example.org@evil.example/back",
                                           "https://app.example.org%5c.evil.example/",
                                           CALLBACK "%00",
                                           "%ff",
                                           "%22%3e%3cscript%3e",
                                           CALLBACK "%23",
                                           " " };
    FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(hostile); i++)
        for (enum which app = PIN; app < APPLICATIONS; app++) {
            slice redirect = arena_printf(f->a, "&state=s&redirect_uri=%s", hostile[i]);
            struct fake_reply *r = ask(f, app, arena_cstr(f->a, redirect));
            expect_no_redirect(r, 400);
            EXPECT(slice_find(r->body, S("evil")) == SLICE_NONE && slice_find(r->body, S("<script")) == SLICE_NONE);
            slice form = form_of(f, ask(f, app, app == TWO ? "&redirect_uri=" CALLBACK : ""), "1");
            slice instead = arena_printf(f->a, SLICE_FMT SLICE_FMT, SLICE_ARG(form), SLICE_ARG(redirect));
            expect_no_redirect(reply_to(f, instead), 400);
        }
    expect_no_redirect(ask(f, PIN, "&redirect_uri=" CALLBACK), 400); /* another application's */
    expect_no_redirect(ask(f, TWO, ""), 400);                        /* which of the two? */
    EXPECT_EQ(world_event_count(f->w, S("code.issue")), 0);
}

TEST(a_hostile_state_stays_a_text)
{
    FIXTURE(f);
    struct fake_reply *r = ask(f, ONE, "&state=%22%3e%3cscript%3ealert(1)%3c/script%3e%26%27");
    EXPECT_EQ(r->status, 200);
    EXPECT(slice_find(r->body, S("<script")) == SLICE_NONE);
    EXPECT(slice_find(r->body, S("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;\"")) != SLICE_NONE);
    slice form = arena_printf(
        f->a, "client_id=" SLICE_FMT "&authorize=0&csrf=" SLICE_FMT "&state=a%%26code%%3Dx%%23%%22%%20%%2B",
        SLICE_ARG(f->apps[ONE].client_id), SLICE_ARG(browser_csrf_of(f->cookie, f->a)));
    EXPECT_SLICE(location(reply_to(f, form)), S(CALLBACK "?error=access_denied&state=a%26code%3Dx%23%22%20%2B"));
    static const char *const refused[] = { "%0d%0aLocation:%20x", "%00", "%0a", "%ff", "%c3%a4", "%7f", "%1b" };
    for (size_t i = 0; i < LENGTH_OF(refused); i++)
        expect_no_redirect(ask(f, ONE, arena_cstr(f->a, arena_printf(f->a, "&state=%s", refused[i]))), 400);
    char text[2010] = "&state=";
    memset(text + 7, 'x', 2000);
    EXPECT_EQ(ask(f, ONE, text)->status, 200);
    text[2007] = 'x';
    expect_no_redirect(ask(f, ONE, text), 400);
}

TEST(what_the_request_asks_for_wrongly_is_reported_to_the_checked_address_or_on_a_page)
{
    FIXTURE(f);
    struct fake_reply *r = ask(f, ONE, "&response_type=id_token&state=s");
    EXPECT_EQ(r->status, 302);
    EXPECT_SLICE(location(r), S(CALLBACK "?error=unsupported_response_type&state=s"));
    r = ask(f, TWO, "&redirect_uri=https%3A//app.example.org/other%3Fx%3D1&code_challenge_method=S512");
    EXPECT_SLICE(location(r), S(OTHER "&error=invalid_request"));
    expect_no_redirect(ask(f, PIN, "&response_type=id_token"), 400);
    r = decide(f, ONE, "&code_challenge=short", "1");
    EXPECT_SLICE(location(r), S(CALLBACK "?error=invalid_request"));
    expect_no_redirect(decide(f, PIN, "&code_challenge=short", "1"), 400);
}

/* ---- §2.3 ---- */

TEST(allowing_in_pin_mode_shows_the_pin_in_the_first_code_element)
{
    FIXTURE(f);
    struct fake_reply *r = decide(f, PIN, "&response_type=code", "1");
    EXPECT_EQ(r->status, 200);
    slice pin = first_code(r);
    EXPECT_EQ(pin.n, 20);
    EXPECT_SLICE(login_of(f, token_of(f, exchange(f, PIN, pin, "&redirect_uri="))), S("bob"));
    EXPECT_EQ(first_code(decide(f, PIN, "&response_type=token", "1")).n, 20);
}

TEST(denying_in_pin_mode_shows_no_code_and_makes_none)
{
    FIXTURE(f);
    struct fake_reply *r = decide(f, PIN, "", "0");
    EXPECT_EQ(r->status, 200);
    EXPECT(slice_find(r->body, S("<code")) == SLICE_NONE);
    EXPECT_EQ(world_event_count(f->w, S("code.issue")), 0);
}

TEST(an_answer_that_is_not_1_denies)
{
    FIXTURE(f);
    static const char *const answers[] = { "", "2", "true", "11" };
    for (size_t i = 0; i < LENGTH_OF(answers); i++)
        EXPECT_SLICE(location(decide(f, ONE, "", answers[i])), S(CALLBACK "?error=access_denied"));
    EXPECT_EQ(world_event_count(f->w, S("code.issue")), 0);
}

TEST(allowing_with_a_redirect_sends_a_code_and_the_state_there)
{
    FIXTURE(f);
    struct fake_reply *r = decide(f, TWO, "&redirect_uri=" CALLBACK "&state=s1", "1");
    EXPECT_EQ(r->status, 302);
    slice code = value_in(location(r), "?code=");
    EXPECT_EQ(code.n, 20);
    EXPECT_SLICE(location(r), arena_printf(f->a, CALLBACK "?code=" SLICE_FMT "&state=s1", SLICE_ARG(code)));
    EXPECT_SLICE(fake_reply_header(r, "Referrer-Policy"), S("no-referrer"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    token_of(f, exchange(f, TWO, code, "&redirect_uri=" CALLBACK));
    r = decide(f, TWO, "&redirect_uri=https%3A//app.example.org/other%3Fx%3D1", "1");
    EXPECT(slice_starts(location(r), S(OTHER "&code=")));
    EXPECT_EQ(value_in(location(r), "&code=").n, 20);
}

TEST(allowing_with_response_type_token_sends_a_token_in_the_fragment)
{
    FIXTURE(f);
    struct fake_reply *r = decide(f, ONE, "&response_type=token&state=a%20b", "1");
    EXPECT_EQ(r->status, 302);
    slice token = value_in(location(r), "#access_token=");
    EXPECT_SLICE(location(r), arena_printf(f->a, CALLBACK "#access_token=" SLICE_FMT "&token_type=bearer&state=a%%20b",
                                           SLICE_ARG(token)));
    EXPECT_SLICE(login_of(f, token), S("bob"));
    f->redu.options.token_lifetime_ms = hours(1);
    r = decide(f, ONE, "&response_type=token", "1");
    EXPECT(slice_ends(location(r), S("&token_type=bearer&expires_in=3600")));
}

TEST(denying_with_a_redirect_reports_it_there)
{
    FIXTURE(f);
    EXPECT_SLICE(location(decide(f, ONE, "&state=s", "0")), S(CALLBACK "?error=access_denied&state=s"));
}

TEST(a_form_without_the_right_csrf_token_gives_nothing)
{
    FIXTURE(f);
    slice id = f->apps[ONE].client_id, csrf = browser_csrf_of(f->cookie, f->a);
    const slice forms[] = {
        arena_printf(f->a, "client_id=" SLICE_FMT "&authorize=1", SLICE_ARG(id)),
        arena_printf(f->a, "client_id=" SLICE_FMT "&authorize=1&csrf=", SLICE_ARG(id)),
        arena_printf(f->a, "client_id=" SLICE_FMT "&authorize=1&csrf=" SLICE_FMT "0", SLICE_ARG(id), SLICE_ARG(csrf)),
        arena_printf(f->a, "client_id=" SLICE_FMT "&authorize=0", SLICE_ARG(id)),
    };
    for (size_t i = 0; i < LENGTH_OF(forms); i++)
        expect_no_redirect(reply_to(f, forms[i]), 403);
    slice right =
        arena_printf(f->a, "client_id=" SLICE_FMT "&authorize=1&csrf=" SLICE_FMT, SLICE_ARG(id), SLICE_ARG(csrf));
    expect_no_redirect(send(f, "POST", S("/oauth/authorize"), right, S("https://evil.example")), 403);
    expect_no_redirect(send(f, "POST", S("/oauth/authorize"), right, S("null")), 403);
    EXPECT_EQ(world_event_count(f->w, S("code.issue")), 0);
    EXPECT_EQ(reply_to(f, right)->status, 302);
    f->cookie = S("");
    EXPECT_EQ(reply_to(f, right)->status, 303);
}

/* ---- §2.4 ---- */

TEST(all_parameters_may_be_in_the_query_of_a_post_without_a_body)
{
    FIXTURE(f);
    slice target =
        arena_printf(f->a, "/oauth/token?grant_type=authorization_code&" SLICE_FMT "&code=" SLICE_FMT "&redirect_uri=",
                     SLICE_ARG(client_of(f, PIN)), SLICE_ARG(f->apps[PIN].pin));
    static const char *const verbs[] = { "POST", "GET", "PUT", "PATCH", "DELETE" };
    for (size_t i = 0; i < LENGTH_OF(verbs); i++)
        EXPECT_SLICE(login_of(f, token_of(f, send(f, verbs[i], target, S(""), S("")))), S("alice"));
    EXPECT_SLICE(login_of(f, token_of(f, exchange(f, PIN, f->apps[PIN].pin, ""))), S("alice"));
    /* what is in both counts as the body has it */
    EXPECT_EQ(send(f, "POST", target, S("code=wrong"), S(""))->status, 400);
}

TEST(the_token_reply_is_what_the_java_client_reads)
{
    FIXTURE(f);
    struct fake_reply *r = exchange(f, PIN, f->apps[PIN].pin, "");
    slice token = token_of(f, r);
    EXPECT_SLICE(r->body, arena_printf(f->a, "{\"access_token\":\"" SLICE_FMT "\",\"token_type\":\"bearer\"}",
                                       SLICE_ARG(token)));
    EXPECT(slice_starts(r->content_type, S("application/json")));
    f->redu.options.token_lifetime_ms = hours(2);
    EXPECT_EQ(reply_int(f->a, exchange(f, PIN, f->apps[PIN].pin, ""), "expires_in"), 7200);
}

TEST(a_pin_exchanged_twice_gives_two_valid_tokens)
{
    FIXTURE(f);
    slice one = token_of(f, exchange(f, PIN, f->apps[PIN].pin, "&redirect_uri="));
    slice two = token_of(f, exchange(f, PIN, f->apps[PIN].pin, "&redirect_uri="));
    EXPECT_SLICE(login_of(f, one), S("alice"));
    EXPECT_SLICE(login_of(f, two), S("alice"));
}

TEST(a_code_is_exchanged_once_within_ten_minutes_by_its_application_for_its_redirect)
{
    FIXTURE(f);
    slice code = value_in(location(decide(f, ONE, "&redirect_uri=" CALLBACK, "1")), "?code=");
    expect_error(f, exchange(f, TWO, code, "&redirect_uri=" CALLBACK), 400, "invalid_grant");
    expect_error(f, exchange(f, ONE, code, ""), 400, "invalid_grant");
    expect_error(f, exchange(f, ONE, code, "&redirect_uri=https%3A//evil.example"), 400, "invalid_grant");
    slice token = token_of(f, exchange(f, ONE, code, "&redirect_uri=" CALLBACK));
    expect_error(f, exchange(f, ONE, code, "&redirect_uri=" CALLBACK), 400, "invalid_grant");
    struct principal who;
    EXPECT_ERR(access_check(&f->w->core, REDU_PURPOSE, CREDENTIAL_TOKEN, token, f->a, &who), ERR_REVOKED);
    code = value_in(location(decide(f, ONE, "", "1")), "?code="); /* nothing asked for, so nothing to show */
    world_wait(f->w, minutes(10));
    expect_error(f, exchange(f, ONE, code, "&redirect_uri="), 400, "invalid_grant");
    log_in(f, "bob");
    code = value_in(location(decide(f, ONE, "", "1")), "?code=");
    token_of(f, exchange(f, ONE, code, "&redirect_uri="));
}

TEST(a_code_with_a_challenge_needs_the_verifier)
{
    FIXTURE(f);
    static const char *const offers[] = { "&code_challenge=" CHALLENGE "&code_challenge_method=S256",
                                          "&code_challenge=" VERIFIER "&code_challenge_method=plain",
                                          ("&code_challenge=" VERIFIER) };
    for (size_t i = 0; i < LENGTH_OF(offers); i++) {
        slice code = value_in(location(decide(f, ONE, offers[i], "1")), "?code=");
        expect_error(f, exchange(f, ONE, code, ""), 400, "invalid_grant");
        expect_error(f, exchange(f, ONE, code, "&code_verifier=" CHALLENGE), 400, "invalid_grant");
        token_of(f, exchange(f, ONE, code, "&code_verifier=" VERIFIER));
    }
    slice code = value_in(location(decide(f, ONE, "", "1")), "?code=");
    expect_error(f, exchange(f, ONE, code, "&code_verifier=" VERIFIER), 400, "invalid_grant");
    slice pin = first_code(decide(f, PIN, offers[0], "1"));
    expect_error(f, exchange(f, PIN, pin, ""), 400, "invalid_grant");
    token_of(f, exchange(f, PIN, pin, "&code_verifier=" VERIFIER));
}

TEST(a_password_gives_a_token_for_login_and_address)
{
    FIXTURE(f);
    EXPECT_SLICE(
        login_of(f, token_of(f, token_with(f, PIN, "grant_type=password&username=bob&password=correct+horse"))),
        S("bob"));
    EXPECT_SLICE(login_of(f, token_of(f, token_with(f, ONE,
                                                    "grant_type=password&username=bob%40example.org&password="
                                                    "correct%20horse"))),
                 S("bob"));
    static const char *const wrong[] = { "username=bob&password=wrong",
                                         "username=nobody&password=correct+horse",
                                         "username=mallory&password=correct+horse",
                                         "username=bob",
                                         "password=x",
                                         "",
                                         "username=operator&password=" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_error(f, token_with(f, PIN, arena_cstr(f->a, arena_printf(f->a, "grant_type=password&%s", wrong[i]))),
                     400, "invalid_grant");
}

TEST(a_password_is_checked_in_the_long_lane_and_only_for_an_application_that_proved_who_it_is)
{
    FIXTURE(f);
    struct fake_reply *r = token_with(f, PIN, "grant_type=password&username=bob&password=correct+horse");
    EXPECT(token_of(f, r).n && r->went_long);
    r = exchange(f, PIN, f->apps[PIN].pin, "");
    EXPECT(token_of(f, r).n && !r->went_long);
    r = send(f, "POST", S("/oauth/token"), S("grant_type=password&client_id=x&client_secret=x&username=bob&password=x"),
             S(""));
    EXPECT(r->status == 400 && !r->went_long);
}

TEST(an_application_gets_a_token_of_its_owner)
{
    FIXTURE(f);
    EXPECT_SLICE(login_of(f, token_of(f, token_with(f, PIN, "grant_type=client_credentials"))), S("alice"));
    EXPECT_SLICE(login_of(f, token_of(f, token_with(f, PIN, "grant_type=none"))), S("alice"));
}

TEST(a_wrong_secret_or_application_is_invalid_client)
{
    FIXTURE(f);
    slice id = f->apps[PIN].client_id, secret = f->apps[PIN].client_secret, other = f->apps[ONE].client_secret;
    const slice forms[] = {
        arena_printf(f->a, "client_id=" SLICE_FMT "&client_secret=x", SLICE_ARG(id)),
        arena_printf(f->a, "client_id=" SLICE_FMT "&client_secret=" SLICE_FMT, SLICE_ARG(id), SLICE_ARG(other)),
        arena_printf(f->a, "client_id=" SLICE_FMT, SLICE_ARG(id)),
        arena_printf(f->a, "client_id=aaaaaaaaaaaaaaaaaaaa&client_secret=" SLICE_FMT, SLICE_ARG(secret)),
        arena_printf(f->a, "client_secret=" SLICE_FMT, SLICE_ARG(secret)),
        S("x=1"),
    };
    for (size_t i = 0; i < LENGTH_OF(forms); i++) {
        slice form = arena_printf(f->a, SLICE_FMT "&grant_type=client_credentials", SLICE_ARG(forms[i]));
        expect_error(f, send(f, "POST", S("/oauth/token"), form, S("")), 400, "invalid_client");
    }
}

static struct fake_reply *send_basic(struct fixture *f, slice pair)
{
    slice value = arena_printf(f->a, "Basic " SLICE_FMT, SLICE_ARG(base64_encode(f->a, pair)));
    struct fake_request r = { .method = "POST",
                              .target = S("/oauth/token"),
                              .body = S("grant_type=client_credentials"),
                              .headers = { { S("Authorization"), value },
                                           { S("Content-Type"), S("application/x-www-form-urlencoded") } } };
    return fake_http_send(&f->http, &r);
}

TEST(an_application_may_show_its_secret_in_the_header)
{
    FIXTURE(f);
    slice pair = arena_printf(f->a, SLICE_FMT ":" SLICE_FMT, SLICE_ARG(f->apps[PIN].client_id),
                              SLICE_ARG(f->apps[PIN].client_secret));
    EXPECT_SLICE(login_of(f, token_of(f, send_basic(f, pair))), S("alice"));
    expect_error(f, send_basic(f, slice_part(pair, 0, pair.n - 1)), 400, "invalid_client");
    expect_error(f, send_basic(f, S("")), 400, "invalid_client");
    expect_error(f, send_basic(f, S("%")), 400, "invalid_client");
}

TEST(another_grant_type_is_unsupported)
{
    FIXTURE(f);
    static const char *const types[] = { "grant_type=refresh_token", "grant_type=", "x=1", "grant_type=Password" };
    for (size_t i = 0; i < LENGTH_OF(types); i++)
        expect_error(f, token_with(f, PIN, types[i]), 400, "unsupported_grant_type");
}

TEST(a_token_request_that_cannot_be_read_is_invalid)
{
    FIXTURE(f);
    expect_error(f, send(f, "POST", S("/oauth/token?code=%zz"), S(""), S("")), 400, "invalid_request");
    expect_error(f, send(f, "POST", S("/oauth/token"), S("code=%ff"), S("")), 400, "invalid_request");
    expect_error(f, send(f, "POST", S("/oauth/token"), S("code=%00"), S("")), 400, "invalid_request");
    expect_no_redirect(send(f, "GET", S("/oauth/authorize?state=%zz"), S(""), S("")), 400);
    slice large = world_bytes(f->w, 40000);
    expect_error(f, send(f, "POST", S("/oauth/token"), large, S("")), 413, "invalid_request");
    expect_no_redirect(send(f, "POST", S("/oauth/authorize"), large, S("")), 413);
}

/* ---- §2.5 ---- */

TEST(oauth_1_is_not_offered)
{
    FIXTURE(f);
    static const char *const targets[] = { "/oauth/request_token", "/oauth/access_token", "/oauth", "/oauth/x" };
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        struct fake_reply *r = send(f, "POST", slice_of(targets[i]), S(""), S(""));
        EXPECT_EQ(r->status, 404);
        EXPECT_EQ(r->body.n, 0);
    }
}

/* ---- guesses ---- */

static void limit_guesses(struct fixture *f)
{
    struct core *core = &f->w->core;
    login_limit_free(core->logins);
    core->options.logins = (struct login_limits){ .window_ms = minutes(10), .failures = 10 };
    core->logins = login_limit_new(&core->options.logins, core->clock, core->random);
}

static void guess_ten_thousand_times(struct fixture *f, const char *form, const char *error)
{
    limit_guesses(f);
    slice text = arena_printf(f->a, "%s", form);
    for (int i = 0; i < 10000; i++) {
        struct fake_reply *r = send(f, "POST", S("/oauth/token"), text, S(""));
        if (i < 10) {
            expect_error(f, r, 400, error);
        } else {
            expect_error(f, r, 429, "temporarily_unavailable");
            EXPECT(fake_reply_header(r, "Retry-After").n > 0);
        }
        fake_http_forget_replies(&f->http);
    }
}

TEST(guesses_at_secrets_pins_and_passwords_are_refused_soon)
{
    FIXTURE(f);
    slice id = f->apps[PIN].client_id, client = client_of(f, PIN);
    guess_ten_thousand_times(
        f,
        arena_cstr(f->a, arena_printf(f->a, "grant_type=none&client_id=" SLICE_FMT "&client_secret=x", SLICE_ARG(id))),
        "invalid_client");
    expect_error(f, token_with(f, PIN, "grant_type=none"), 429, "temporarily_unavailable");
    guess_ten_thousand_times(
        f, arena_cstr(f->a, arena_printf(f->a, SLICE_FMT "&grant_type=authorization_code&code=x", SLICE_ARG(client))),
        "invalid_grant");
    expect_error(f, exchange(f, PIN, f->apps[PIN].pin, ""), 429, "temporarily_unavailable");
    world_wait(f->w, minutes(10));
    token_of(f, exchange(f, PIN, f->apps[PIN].pin, ""));
}

TEST(guesses_at_a_password_by_an_application_are_refused_soon)
{
    FIXTURE(f);
    limit_guesses(f);
    for (int i = 0; i < 30; i++) { /* half of them by the address of the user, who is the same */
        struct fake_reply *r = token_with(f, PIN,
                                          i % 2 ? "grant_type=password&username=bob&password=x"
                                                : "grant_type=password&username=bob@example.org&password=x");
        if (i < 10)
            expect_error(f, r, 400, "invalid_grant");
        else
            expect_error(f, r, 429, "temporarily_unavailable");
    }
}

/* ---- failures of the store ---- */

static void expect_page_or_success(const struct fake_reply *r)
{
    EXPECT(r->status == 200 || r->status == 302 || r->status == 303 || r->status == 503 || r->status == 500);
    if (r->status >= 500)
        EXPECT(slice_starts(r->content_type, S("text/html")) || slice_starts(r->body, S("{\"error\":\"")));
}

TEST(a_failing_store_is_reported_as_such_and_gives_nothing_wrong)
{
    FIXTURE(f);
    slice form = form_of(f, ask(f, ONE, ""), "1");
    for (int way = 0; way < 4; way++) {
        bool was_reached = true;
        int failures = 0;
        for (int n = 1; was_reached && n < 500; n++) {
            f->w->faults.fail_count = 1;
            f->w->faults.fail_at = f->w->faults.calls + n;
            struct fake_reply *r = way == 0   ? ask(f, ONE, "")
                                   : way == 1 ? reply_to(f, form)
                                   : way == 2
                                       ? exchange(f, PIN, f->apps[PIN].pin, "")
                                       : token_with(f, PIN, "grant_type=password&username=bob&password=correct+horse");
            was_reached = f->w->faults.calls >= f->w->faults.fail_at;
            f->w->faults.fail_at = 0;
            expect_page_or_success(r);
            failures += r->status >= 500;
        }
        EXPECT(!was_reached && failures > 0);
    }
}

/* ---- secrets ---- */

TEST(no_refusal_shows_a_part_of_the_request)
{
    FIXTURE(f);
    const slice secrets[] = { f->apps[PIN].client_secret, f->apps[PIN].pin, f->apps[PIN].token };
    for (size_t i = 0; i < LENGTH_OF(secrets); i++)
        for (int t = 0; t < 4; t++)
            for (int post = 0; post < 2; post++) {
                slice target = S(""), secret = secrets[i];
                if (t == 0)
                    target = arena_printf(f->a, "/oauth/token?code=" SLICE_FMT, SLICE_ARG(secret));
                else if (t == 1)
                    target = arena_printf(f->a, "/oauth/authorize?client_id=" SLICE_FMT, SLICE_ARG(secret));
                else if (t == 2)
                    target = arena_printf(f->a, "/oauth/authorize?client_id=" SLICE_FMT "&redirect_uri=" SLICE_FMT,
                                          SLICE_ARG(f->apps[PIN].client_id), SLICE_ARG(secret));
                else
                    target = arena_printf(f->a, "/oauth/" SLICE_FMT, SLICE_ARG(secret));
                slice form = post ? arena_printf(f->a, "x=" SLICE_FMT "&grant_type=" SLICE_FMT, SLICE_ARG(secret),
                                                 SLICE_ARG(secret))
                                  : S("");
                struct fake_reply *r = send(f, post ? "POST" : "GET", target, form, S(""));
                EXPECT(r->status >= 400);
                EXPECT(slice_find(r->body, secret) == SLICE_NONE);
                for (size_t h = 0; h < r->header_count; h++)
                    EXPECT(slice_find(r->headers[h].value, secret) == SLICE_NONE);
            }
}

RUN_TESTS(cmocka_unit_test(the_page_asks_with_two_forms_that_have_the_fields_of_the_request),
          cmocka_unit_test(the_page_lets_its_forms_lead_to_the_application_and_nowhere_else),
          cmocka_unit_test(a_client_that_sends_its_id_alone_is_asked_for_a_code),
          cmocka_unit_test(who_is_not_logged_in_is_sent_to_the_login_and_back),
          cmocka_unit_test(an_unknown_application_is_a_page_of_404),
          cmocka_unit_test(a_session_of_another_account_sees_no_application),
          cmocka_unit_test(a_hostile_redirect_gets_a_page_and_never_a_redirect),
          cmocka_unit_test(a_hostile_state_stays_a_text),
          cmocka_unit_test(what_the_request_asks_for_wrongly_is_reported_to_the_checked_address_or_on_a_page),
          cmocka_unit_test(allowing_in_pin_mode_shows_the_pin_in_the_first_code_element),
          cmocka_unit_test(denying_in_pin_mode_shows_no_code_and_makes_none),
          cmocka_unit_test(an_answer_that_is_not_1_denies),
          cmocka_unit_test(allowing_with_a_redirect_sends_a_code_and_the_state_there),
          cmocka_unit_test(allowing_with_response_type_token_sends_a_token_in_the_fragment),
          cmocka_unit_test(denying_with_a_redirect_reports_it_there),
          cmocka_unit_test(a_form_without_the_right_csrf_token_gives_nothing),
          cmocka_unit_test(all_parameters_may_be_in_the_query_of_a_post_without_a_body),
          cmocka_unit_test(the_token_reply_is_what_the_java_client_reads),
          cmocka_unit_test(a_pin_exchanged_twice_gives_two_valid_tokens),
          cmocka_unit_test(a_code_is_exchanged_once_within_ten_minutes_by_its_application_for_its_redirect),
          cmocka_unit_test(a_code_with_a_challenge_needs_the_verifier),
          cmocka_unit_test(a_password_gives_a_token_for_login_and_address),
          cmocka_unit_test(a_password_is_checked_in_the_long_lane_and_only_for_an_application_that_proved_who_it_is),
          cmocka_unit_test(an_application_gets_a_token_of_its_owner),
          cmocka_unit_test(a_wrong_secret_or_application_is_invalid_client),
          cmocka_unit_test(an_application_may_show_its_secret_in_the_header),
          cmocka_unit_test(another_grant_type_is_unsupported),
          cmocka_unit_test(a_token_request_that_cannot_be_read_is_invalid), cmocka_unit_test(oauth_1_is_not_offered),
          cmocka_unit_test(guesses_at_secrets_pins_and_passwords_are_refused_soon),
          cmocka_unit_test(guesses_at_a_password_by_an_application_are_refused_soon),
          cmocka_unit_test(a_failing_store_is_reported_as_such_and_gives_nothing_wrong),
          cmocka_unit_test(no_refusal_shows_a_part_of_the_request))

/* SPDX-License-Identifier: Apache-2.0 */
#include "error_table_test.h"
#include "fake_http.h"
#include "test.h"
#include "world.h"

#include "../../src/api/portal/assets_priv.h"
#include "../../src/api/portal/portal_priv.h"
#include "api/kit/browser.h"
#include "api/native/native.h"
#include "base/text.h"
#include "core/access/session.h"

#include <stdlib.h>
#include <string.h>

#define PASSWORD "correct horse"
#define FORM_TYPE S("application/x-www-form-urlencoded")

/* A world with the pages and the native API, two users with passwords, and a browser. */
struct portal_fixture {
    struct world *w;
    struct arena *a;
    struct portal portal;
    struct native_api native;
    struct fake_http http, native_http;
    slice cookies[2]; /* that the browser keeps; empty: none */
};

static void portal_fixture_freep(struct portal_fixture **f)
{
    fake_http_release(&(*f)->http);
    fake_http_release(&(*f)->native_http);
    world_free((*f)->w);
    free(*f);
}

static struct portal_fixture *portal_fixture_new(void)
{
    struct portal_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    f->a = f->w->a;
    portal_init(&f->portal, &f->w->core, NULL);
    native_init(&f->native, &f->w->core, &(struct native_options){ .max_file_bytes = 100000 });
    f->http = fake_http_new(&f->portal.http_api);
    f->native_http = fake_http_new(&f->native.http_api);
    static const char *const logins[] = { "ana", "<b>bob</b>&\"'" };
    for (size_t i = 0; i < LENGTH_OF(logins); i++) {
        world_user(f->w, slice_of(logins[i]));
        EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, slice_of(logins[i]), S(PASSWORD), f->a));
    }
    return f;
}
#define PORTAL_FIXTURE(name) SCOPED(portal_fixture_freep) struct portal_fixture *name = portal_fixture_new()

static const slice cookie_names[] = { { "cais", 4 }, { "cais-login", 10 } };

/* Keep the cookies of a reply as a browser does. */
static void keep_cookies(struct portal_fixture *f, const struct fake_reply *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        slice pair, name, value, rest;
        if (!slice_eq(r->headers[i].name, S("Set-Cookie")))
            continue;
        slice_cut(r->headers[i].value, ';', &pair, &rest);
        slice_cut(pair, '=', &name, &value);
        bool known = false;
        for (size_t k = 0; k < LENGTH_OF(cookie_names); k++)
            if (slice_eq(name, cookie_names[k])) {
                f->cookies[k] = arena_copy(f->a, value);
                known = true;
            }
        EXPECT(known);
        EXPECT(slice_eq(rest, S(" Path=/; HttpOnly; SameSite=Lax")) ||
               (!value.n && slice_eq(rest, S(" Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))));
    }
}

static void add_header(struct fake_request *r, const char *name, slice value)
{
    size_t n = 0;
    while (r->headers[n].name.n)
        n++;
    r->headers[n] = (struct http_header){ slice_of(name), value };
}

/* Send a request with the cookies of the browser, and keep those of the reply. */
static struct fake_reply *browse(struct portal_fixture *f, struct fake_request *r)
{
    slice jar = S("other=1");
    for (size_t k = 0; k < LENGTH_OF(cookie_names); k++)
        if (f->cookies[k].n)
            jar = arena_printf(f->a, SLICE_FMT "; " SLICE_FMT "=" SLICE_FMT, SLICE_ARG(jar), SLICE_ARG(cookie_names[k]),
                               SLICE_ARG(f->cookies[k]));
    add_header(r, "Cookie", jar);
    struct fake_reply *reply = fake_http_send(&f->http, r);
    keep_cookies(f, reply);
    return reply;
}

static struct fake_reply *visit(struct portal_fixture *f, const char *target)
{
    return browse(f, &(struct fake_request){ .method = "GET", .target = slice_of(target) });
}

/* The value of a hidden field, as it stands in the page; .p NULL: there is none. */
static slice hidden_field(const struct fake_reply *page, slice name)
{
    slice before = S("<input type=\"hidden\" name=\""), rest = page->body;
    for (size_t at = slice_find(rest, before); at != SLICE_NONE; at = slice_find(rest, before)) {
        slice have, value;
        rest = slice_from(rest, at + before.n);
        slice_cut(rest, '"', &have, &rest);
        slice_cut(slice_from(rest, strlen(" value=\"")), '"', &value, &rest);
        if (slice_eq(have, name))
            return value;
    }
    return (slice){ 0 };
}

static struct fake_request form_request(const char *target, slice body)
{
    return (struct fake_request){
        .method = "POST", .target = slice_of(target), .headers = { { S("Content-Type"), FORM_TYPE } }, .body = body
    };
}

static slice login_body(struct portal_fixture *f, slice csrf, const char *login, const char *password, const char *next)
{
    slice body = arena_printf(f->a, "csrf=" SLICE_FMT "&login=" SLICE_FMT "&password=" SLICE_FMT, SLICE_ARG(csrf),
                              SLICE_ARG(percent_encode(f->a, slice_of(login), "")),
                              SLICE_ARG(percent_encode(f->a, slice_of(password), "")));
    return next ? arena_printf(f->a, SLICE_FMT "&next=" SLICE_FMT, SLICE_ARG(body),
                               SLICE_ARG(percent_encode(f->a, slice_of(next), "")))
                : body;
}

static struct fake_reply *try_login(struct portal_fixture *f, const char *login, const char *password, const char *next)
{
    slice csrf = hidden_field(visit(f, "/portal/login"), S("csrf"));
    struct fake_request r = form_request("/portal/login", login_body(f, csrf, login, password, next));
    return browse(f, &r);
}

static void expect_redirect(const struct fake_reply *r, slice to)
{
    EXPECT_EQ(r->status, 303);
    EXPECT_SLICE(fake_reply_header(r, "Location"), to);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
}

static void log_in(struct portal_fixture *f, const char *login)
{
    expect_redirect(try_login(f, login, PASSWORD, NULL), S("/portal"));
    EXPECT_EQ(f->cookies[0].n, 43);
}

static bool shows(const struct fake_reply *r, slice text)
{
    return slice_find(r->body, text) != SLICE_NONE;
}

static void expect_problem(const struct fake_reply *r, int status, enum portal_text problem)
{
    EXPECT_EQ(r->status, status);
    EXPECT(shows(r, portal_text(PAGE_EN, problem)));
}

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&portal_errors);
}

TEST(every_text_is_there_in_every_language)
{
    for (int language = 0; language < PAGE_LANGUAGES; language++)
        for (int text = 0; text < PORTAL_TEXTS; text++) {
            slice s = portal_text((enum page_language)language, (enum portal_text)text);
            EXPECT(s.n > 1 && slice_is_utf8(s));
        }
}

TEST(a_person_logs_in_sees_who_it_is_and_logs_out)
{
    PORTAL_FIXTURE(f);
    expect_redirect(visit(f, "/portal"), S("/portal/login?next=/portal"));
    struct fake_reply *form = visit(f, "/portal/login");
    EXPECT_EQ(form->status, 200);
    EXPECT_SLICE(form->content_type, S("text/html; charset=utf-8"));
    EXPECT_EQ(f->cookies[1].n, 43);
    log_in(f, "ana");
    EXPECT_EQ(f->cookies[1].n, 0); /* that of the form is removed */
    struct fake_reply *home = visit(f, "/portal");
    EXPECT_EQ(home->status, 200);
    EXPECT(shows(home, S("<meta name=\"cais-login\" content=\"ana\"><meta name=\"cais-admin\" content=\"no\">")));
    expect_redirect(visit(f, "/portal/login"), S("/portal"));
    slice cookie = f->cookies[0];
    struct fake_request out =
        form_request("/portal/logout", arena_printf(f->a, "csrf=" SLICE_FMT, SLICE_ARG(hidden_field(home, S("csrf")))));
    expect_redirect(browse(f, &out), S("/portal/login"));
    EXPECT_EQ(f->cookies[0].n, 0);
    f->cookies[0] = cookie; /* somebody has kept it */
    expect_redirect(visit(f, "/portal"), S("/portal/login?next=/portal"));
    EXPECT_EQ(world_event_count(f->w, S("session.begin")), 1);
    EXPECT_EQ(world_event_count(f->w, S("session.end")), 1);
}

TEST(pages_run_nothing_are_in_no_frame_and_are_not_kept)
{
    PORTAL_FIXTURE(f);
    struct fake_reply *pages[] = { visit(f, "/portal/login"), visit(f, "/portal/nothing"),
                                   try_login(f, "ana", "wrong", NULL) };
    for (size_t i = 0; i < LENGTH_OF(pages); i++) {
        slice policy = fake_reply_header(pages[i], "Content-Security-Policy");
        EXPECT_SLICE(policy, S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action "
                               "'self'; frame-ancestors 'none'; base-uri 'none'"));
        EXPECT_SLICE(fake_reply_header(pages[i], "X-Frame-Options"), S("DENY"));
        EXPECT_SLICE(fake_reply_header(pages[i], "X-Content-Type-Options"), S("nosniff"));
        EXPECT_SLICE(fake_reply_header(pages[i], "Cache-Control"), S("no-store"));
        EXPECT_SLICE(fake_reply_header(pages[i], "Referrer-Policy"), S("same-origin"));
        EXPECT(!shows(pages[i], S("<script")) && !shows(pages[i], S("style=\"")));
    }
}

TEST(the_portal_shows_pictures_from_the_host_of_files_and_no_other)
{
    PORTAL_FIXTURE(f);
    struct link_base links = { .public_url = S("https://cais.test"), .storage_host = S("files.test") };
    f->portal.links = &links;
    log_in(f, "ana");
    struct fake_reply *home = visit(f, "/portal");
    EXPECT_SLICE(
        fake_reply_header(home, "Content-Security-Policy"),
        S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: https://files.test; "
          "connect-src 'self' https://files.test; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
          "require-trusted-types-for 'script'; worker-src 'self'; trusted-types cais-pdf-worker"));
    EXPECT(shows(home, S("<meta name=\"cais-files\" content=\"https://files.test\">")));
    EXPECT(slice_find(fake_reply_header(visit(f, "/portal/drop"), "Content-Security-Policy"), S("files.test")) ==
           SLICE_NONE);
    links.storage_host = S("");
    EXPECT(!shows(visit(f, "/portal"), S("cais-files")));
}

TEST(the_portal_runs_only_scripts_of_this_host_and_no_strings)
{
    PORTAL_FIXTURE(f);
    log_in(f, "ana");
    struct fake_reply *home = visit(f, "/portal");
    EXPECT_SLICE(fake_reply_header(home, "Content-Security-Policy"),
                 S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
                   "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
                   "worker-src 'self'; trusted-types cais-pdf-worker"));
    struct fake_reply *drop = visit(f, "/portal/drop"); /* which nobody has to be signed in for, and no machine finds */
    slice policy = fake_reply_header(drop, "Content-Security-Policy");
    EXPECT(slice_find(policy, S("default-src 'none'; script-src 'self'; ")) != SLICE_NONE);
    EXPECT(slice_find(policy, S("trusted-types 'none'")) != SLICE_NONE &&
           slice_find(policy, S("worker-src")) == SLICE_NONE);
    EXPECT_SLICE(fake_reply_header(drop, "X-Robots-Tag"), S("noindex, nofollow"));
    EXPECT(!shows(drop, S("ana")));
    EXPECT_SLICE(fake_reply_header(home, "Cache-Control"), S("no-store"));
    EXPECT(!shows(home, S("style=\"")) && !shows(home, S("<style")));
    EXPECT_EQ(visit(f, "/portal/files")->status, 200);
    expect_problem(visit(f, "/portal/nothing"), 404, PORTAL_TEXT_NOT_FOUND);
}

TEST(the_session_is_told_to_the_page_and_to_nobody_without_one)
{
    PORTAL_FIXTURE(f);
    EXPECT_EQ(visit(f, "/portal/session")->status, 403);
    log_in(f, "ana");
    struct fake_reply *r = visit(f, "/portal/session");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, arena_printf(f->a, "{\"login\":\"ana\",\"admin\":false,\"csrf\":\"" SLICE_FMT "\"}",
                                       SLICE_ARG(browser_csrf_of(f->cookies[0], f->a))));
    struct fake_request of_other_site = { .method = "GET", .target = S("/portal/session") };
    add_header(&of_other_site, "Sec-Fetch-Site", S("cross-site"));
    EXPECT_EQ(browse(f, &of_other_site)->status, 403);
}

TEST(files_of_the_bundle_are_sent_for_ever_under_their_version_alone)
{
    PORTAL_FIXTURE(f);
    for (size_t i = 0; i < portal_asset_count; i++) {
        const struct portal_asset *asset = &portal_assets[i];
        slice path = portal_asset_path(asset->name, f->a);
        struct fake_reply *r = visit(f, path.p);
        EXPECT_EQ(r->status, 200);
        EXPECT_SLICE(r->body, asset->plain);
        EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("public, max-age=31536000, immutable"));
        EXPECT_SLICE(fake_reply_header(r, "Vary"), S("Accept-Encoding"));
        EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
        EXPECT(!fake_reply_header(r, "Content-Encoding").p);
        struct fake_request small = { .method = "GET", .target = path };
        add_header(&small, "Accept-Encoding", S("br, GZIP"));
        r = browse(f, &small);
        EXPECT_SLICE(fake_reply_header(r, "Content-Encoding"), S("gzip"));
        EXPECT_SLICE(r->body, asset->gzip);
    }
    EXPECT_EQ(visit(f, "/portal/assets/0000000000000000/portal.js")->status, 404);
    EXPECT_EQ(visit(f, portal_asset_path("nothing.js", f->a).p)->status, 404);
}

TEST(the_root_is_for_people_with_a_browser)
{
    PORTAL_FIXTURE(f);
    const struct http_header html = { S("Accept"), S("text/html,*/*;q=0.8") };
    const struct {
        const char *method, *path, *query;
        struct http_header headers[2];
        bool is_claimed;
    } cases[] = { { "GET", "/", "", { html }, true },
                  { "HEAD", "/", "", { html }, true },
                  { "POST", "/", "", { html }, false },
                  { "GET", "//", "", { html }, false },
                  { "GET", "/", "x-id=ListBuckets", { html }, false },
                  { "GET", "/", "", { { S("Accept"), S("*/*") } }, false },
                  { "GET", "/", "", { html, { S("authorization"), S("AWS4-HMAC-SHA256 x") } }, false } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        const struct http_request req = { .method = slice_of(cases[i].method),
                                          .path = slice_of(cases[i].path),
                                          .query = slice_of(cases[i].query),
                                          .headers = cases[i].headers,
                                          .header_count = cases[i].headers[1].name.n ? 2 : 1 };
        EXPECT_EQ(f->portal.http_api.claims_root(&req), cases[i].is_claimed);
    }
    expect_redirect(visit(f, "/"), S("/portal"));
}

TEST(a_person_chooses_the_language)
{
    PORTAL_FIXTURE(f);
    struct fake_request get = { .method = "GET", .target = S("/portal/login?next=/a%22b&lang=ru") };
    struct fake_reply *r = fake_http_send(&f->http, &get);
    EXPECT_SLICE(fake_reply_header(r, "Content-Language"), S("ru"));
    EXPECT(shows(r, S("href=\"/portal/login?next=/a%22b&amp;lang=es\"")));
    EXPECT_SLICE(fake_reply_header(r, "Set-Cookie"), S("cais-language=ru; Path=/; SameSite=Lax; Max-Age=31536000"));
    static const struct {
        const char *cookie, *language;
    } cases[] = { { "cais-language=pt-BR", "pt-BR" },
                  { "cais-language=xx", "es" },
                  { "cais-language=\"><script>", "es" },
                  { "cais-theme=dark", "es" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_request with = { .method = "GET", .target = S("/portal/login?lang=tlh") };
        add_header(&with, "Accept-Language", S("es"));
        add_header(&with, "Cookie", slice_of(cases[i].cookie));
        r = fake_http_send(&f->http, &with);
        EXPECT_SLICE(fake_reply_header(r, "Content-Language"), slice_of(cases[i].language));
        EXPECT_EQ(shows(r, S("data-theme=\"dark\"")), i == 3);
        EXPECT(!shows(r, S("<script>")));
    }
}

/* ---- the way in by an offer ---- */

static slice offer_session(struct portal_fixture *f, const char *login)
{
    slice secret;
    const struct session_offer offer = { .purpose = BROWSER_PURPOSE,
                                         .login = slice_of(login),
                                         .lifetime_ms = minutes(15) };
    EXPECT_OK(session_offer(&f->w->core, &f->w->operator_, &offer, f->a, &secret));
    return secret;
}

static struct fake_reply *enter(struct portal_fixture *f, slice secret)
{
    slice csrf = hidden_field(visit(f, "/portal/enter"), S("csrf"));
    struct fake_request r = form_request("/portal/enter", arena_printf(f->a, "csrf=" SLICE_FMT "&secret=" SLICE_FMT,
                                                                       SLICE_ARG(csrf), SLICE_ARG(secret)));
    return browse(f, &r);
}

TEST(an_offered_session_is_entered_once)
{
    PORTAL_FIXTURE(f);
    slice secret = offer_session(f, "ana");
    expect_redirect(enter(f, secret), S("/portal"));
    EXPECT(shows(visit(f, "/portal"), S("content=\"ana\"")));
    f->cookies[0] = S("");
    expect_problem(enter(f, secret), 403, PORTAL_TEXT_LINK_USED);
    expect_problem(enter(f, S("x")), 403, PORTAL_TEXT_LINK_USED);
    expect_problem(enter(f, S("")), 403, PORTAL_TEXT_LINK_USED);
    EXPECT_EQ(f->cookies[0].n, 0);
    secret = offer_session(f, "ana");
    world_wait(f->w, minutes(15));
    expect_problem(enter(f, secret), 403, PORTAL_TEXT_LINK_USED);
    EXPECT_EQ(f->cookies[0].n, 0);
}

TEST(an_offer_counts_only_with_the_form_that_this_browser_got)
{
    PORTAL_FIXTURE(f);
    slice secret = offer_session(f, "ana");
    slice csrf = hidden_field(visit(f, "/portal/enter"), S("csrf"));
    slice body = arena_printf(f->a, "csrf=" SLICE_FMT "&secret=" SLICE_FMT, SLICE_ARG(csrf), SLICE_ARG(secret));
    struct fake_request r = form_request("/portal/enter", body);
    add_header(&r, "Sec-Fetch-Site", S("cross-site"));
    expect_problem(browse(f, &r), 403, PORTAL_TEXT_OTHER_SITE);
    f->cookies[1] = S("");
    r = form_request("/portal/enter", body);
    expect_problem(browse(f, &r), 403, PORTAL_TEXT_FORM_EXPIRED);
    expect_redirect(enter(f, secret), S("/portal")); /* neither has used it up */
}

TEST(a_login_is_shown_as_a_text)
{
    PORTAL_FIXTURE(f);
    log_in(f, "<b>bob</b>&\"'");
    EXPECT(shows(visit(f, "/portal"), S("content=\"&lt;b&gt;bob&lt;/b&gt;&amp;&quot;&#39;\"")));
}

TEST(a_wrong_login_shows_the_form_again_and_nothing_of_what_was_sent)
{
    PORTAL_FIXTURE(f);
    struct fake_reply *r = try_login(f, "ana", "s3cret-guess", "/portal?x=1");
    expect_problem(r, 403, PORTAL_TEXT_WRONG_LOGIN);
    EXPECT(!shows(r, S("s3cret-guess")) && !shows(r, S("ana")));
    EXPECT_SLICE(hidden_field(r, S("next")), S("/portal?x=1"));
    EXPECT_EQ(f->cookies[0].n, 0);
    r = try_login(f, "nobody", PASSWORD, NULL);
    expect_problem(r, 403, PORTAL_TEXT_WRONG_LOGIN);
    r = try_login(f, "ana\xff", PASSWORD, NULL);
    expect_problem(r, 403, PORTAL_TEXT_WRONG_LOGIN);
    struct fake_request again =
        form_request("/portal/login", login_body(f, hidden_field(r, S("csrf")), "ana", PASSWORD, NULL));
    expect_redirect(browse(f, &again), S("/portal")); /* the form of the refusal works */
}

TEST(too_many_logins_are_429_and_say_when_to_come_again)
{
    PORTAL_FIXTURE(f);
    login_limit_free(f->w->core.logins);
    f->w->core.options.logins = (struct login_limits){ .window_ms = minutes(10), .failures = 3 };
    f->w->core.logins = login_limit_new(&f->w->core.options.logins, f->w->core.clock, f->w->core.random);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(try_login(f, "ana", "wrong", NULL)->status, 403);
    struct fake_reply *r = try_login(f, "ana", PASSWORD, NULL);
    expect_problem(r, 429, PORTAL_TEXT_TOO_MANY);
    uint64_t seconds_left;
    EXPECT(slice_to_u64(fake_reply_header(r, "Retry-After"), &seconds_left) && seconds_left <= 600);
    EXPECT_EQ(f->cookies[0].n, 0);
    EXPECT(hidden_field(r, S("csrf")).n);
}

/* ---- the way back ---- */

TEST(a_login_leads_to_a_path_of_this_host_and_nowhere_else)
{
    PORTAL_FIXTURE(f);
    static const char *const good[] = {
        "/",           "/portal?x=1&y=%2F%2F#z", "/oauth/authorize?client_id=1&state=a'b\"<>", "/a//b", "/.//x",
        "/@evil.test", "/http://evil.test",
    };
    static const char *const hostile[] = { "//evil.test",
                                           "///evil.test",
                                           "/\\evil.test",
                                           "\\\\evil.test",
                                           "/a\\b",
                                           "https://evil.test",
                                           "http:evil.test",
                                           "javascript:alert(1)",
                                           "evil.test",
                                           "",
                                           " /portal",
                                           "/ /evil.test",
                                           "/\t/evil.test",
                                           "/\r\nSet-Cookie: a=b",
                                           "\t//evil.test",
                                           "/\x7f",
                                           "/\xc3\xa9",
                                           "?x",
                                           "#x",
                                           "." };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        f->cookies[0] = S("");
        expect_redirect(try_login(f, "ana", PASSWORD, good[i]), slice_of(good[i]));
    }
    for (size_t i = 0; i < LENGTH_OF(hostile); i++) {
        slice encoded = percent_encode(f->a, slice_of(hostile[i]), "");
        f->cookies[0] = S("");
        expect_redirect(try_login(f, "ana", PASSWORD, hostile[i]), S("/portal"));
        const char *target = arena_printf(f->a, "/portal/login?next=" SLICE_FMT, SLICE_ARG(encoded)).p;
        expect_redirect(visit(f, target), S("/portal")); /* also when somebody is logged in */
        f->cookies[0] = S("");
        EXPECT(!hidden_field(visit(f, target), S("next")).p);
    }
    char *longest = memset(arena_alloc(f->a, BROWSER_NEXT_MAX + 1), 'a', BROWSER_NEXT_MAX + 1);
    longest[0] = '/';
    EXPECT(browser_next_is_valid((slice){ longest, BROWSER_NEXT_MAX }));
    EXPECT(!browser_next_is_valid((slice){ longest, BROWSER_NEXT_MAX + 1 }));
}

TEST(the_login_leads_back_to_the_page_that_asked_for_it)
{
    PORTAL_FIXTURE(f);
    struct fake_reply *r = visit(f, "/portal?x=1&y=%26");
    slice to = S("/portal/login?next=/portal%3Fx%3D1%26y%3D%2526");
    expect_redirect(r, to);
    EXPECT_SLICE(hidden_field(visit(f, arena_cstr(f->a, to)), S("next")), S("/portal?x=1&amp;y=%26"));
    struct fake_request post = form_request("/portal/logout?x=1", S(""));
    expect_redirect(browse(f, &post), S("/portal/login")); /* a POST cannot be repeated by a link */
}

/* ---- forgery ---- */

TEST(a_login_form_counts_only_with_its_cookie)
{
    PORTAL_FIXTURE(f);
    slice csrf = hidden_field(visit(f, "/portal/login"), S("csrf")), cookie = f->cookies[1];
    EXPECT_SLICE(hidden_field(visit(f, "/portal/login"), S("csrf")), csrf); /* the same in a second tab */
    struct fake_request r = form_request("/portal/login", login_body(f, csrf, "ana", PASSWORD, NULL));
    f->cookies[1] = S("");
    expect_problem(browse(f, &r), 403, PORTAL_TEXT_FORM_EXPIRED);
    EXPECT(f->cookies[1].n && !slice_eq(f->cookies[1], cookie)); /* the form is shown with a new one */
    const slice wrong[] = { S(""), slice_part(csrf, 0, 63), browser_csrf_of(S("x"), f->a), cookie };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        f->cookies[1] = cookie;
        r = form_request("/portal/login", login_body(f, wrong[i], "ana", PASSWORD, NULL));
        expect_problem(browse(f, &r), 403, PORTAL_TEXT_FORM_EXPIRED);
    }
    const slice chosen[] = { S("x"), S("0123456789012345678901234567890123456789-23") };
    for (size_t i = 0; i < LENGTH_OF(chosen); i++) { /* a cookie that is none of ours */
        f->cookies[1] = chosen[i];
        r = form_request("/portal/login", login_body(f, browser_csrf_of(chosen[i], f->a), "ana", PASSWORD, NULL));
        expect_problem(browse(f, &r), 403, PORTAL_TEXT_FORM_EXPIRED);
    }
    EXPECT_EQ(f->cookies[0].n, 0);
}

/* Headers that tell where a request comes from. */
static const struct {
    const char *name, *value;
    bool ours;
} origins[] = {
    { "Origin", "http://cais.test", true },
    { "Origin", "HTTP://CAIS.test", true },
    { "Origin", "https://cais.test", true },
    { "Origin", "null", false },
    { "Origin", "", false },
    { "Origin", "http://evil.test", false },
    { "Origin", "http://cais.test:81", false },
    { "Origin", "http://cais.test.evil.test", false },
    { "Origin", "http://a.cais.test", false },
    { "Origin", "http://", false },
    { "Origin", "ftp://cais.test", false },
    { "Origin", "http://cais.test/", false },
    { "Sec-Fetch-Site", "same-origin", true },
    { "Sec-Fetch-Site", "same-site", false },
    { "Sec-Fetch-Site", "cross-site", false },
    { "Sec-Fetch-Site", "none", false },
    { "Sec-Fetch-Site", "Same-Origin", false },
};

TEST(a_login_and_a_logout_of_another_site_are_refused)
{
    PORTAL_FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(origins); i++) {
        f->cookies[0] = S("");
        slice csrf = hidden_field(visit(f, "/portal/login"), S("csrf"));
        struct fake_request in = form_request("/portal/login", login_body(f, csrf, "ana", PASSWORD, NULL));
        add_header(&in, origins[i].name, slice_of(origins[i].value));
        struct fake_reply *r = browse(f, &in);
        if (!origins[i].ours) {
            expect_problem(r, 403, PORTAL_TEXT_OTHER_SITE);
            EXPECT_EQ(f->cookies[0].n, 0);
            log_in(f, "ana");
        }
        slice body = arena_printf(f->a, "csrf=" SLICE_FMT, SLICE_ARG(browser_csrf_of(f->cookies[0], f->a)));
        struct fake_request out = form_request("/portal/logout", body);
        add_header(&out, origins[i].name, slice_of(origins[i].value));
        r = browse(f, &out);
        if (origins[i].ours)
            expect_redirect(r, S("/portal/login"));
        else
            expect_problem(r, 403, PORTAL_TEXT_OTHER_SITE);
    }
}

TEST(a_logout_needs_the_token_of_this_session)
{
    PORTAL_FIXTURE(f);
    log_in(f, "<b>bob</b>&\"'");
    slice of_bob = hidden_field(visit(f, "/portal"), S("csrf"));
    f->cookies[0] = S("");
    log_in(f, "ana");
    const slice wrong[] = { S(""), of_bob, S("0"), f->cookies[0] };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_request r =
            form_request("/portal/logout", arena_printf(f->a, "csrf=" SLICE_FMT, SLICE_ARG(wrong[i])));
        expect_problem(browse(f, &r), 403, PORTAL_TEXT_FORM_EXPIRED);
    }
    EXPECT_EQ(visit(f, "/portal")->status, 200);
    struct fake_request by_header = form_request("/portal/logout", S(""));
    add_header(&by_header, "X-CSRF-Token", browser_csrf_of(f->cookies[0], f->a));
    expect_redirect(browse(f, &by_header), S("/portal/login"));
}

TEST(only_a_form_is_taken)
{
    PORTAL_FIXTURE(f);
    slice csrf = hidden_field(visit(f, "/portal/login"), S("csrf")), body = login_body(f, csrf, "ana", PASSWORD, NULL);
    static const char *const types[] = { "", "text/plain", "application/json", "multipart/form-data; boundary=b",
                                         "application/x-www-form-urlencoded2" };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_request r = form_request("/portal/login", body);
        r.headers[0].value = slice_of(types[i]);
        expect_problem(browse(f, &r), 415, PORTAL_TEXT_NOT_A_FORM);
    }
    struct fake_request r = form_request("/portal/login", S("csrf=%zz"));
    expect_problem(browse(f, &r), 400, PORTAL_TEXT_INVALID);
    r = form_request("/portal/login", body);
    r.headers[0].value = S("Application/X-WWW-Form-Urlencoded ; charset=UTF-8");
    expect_redirect(browse(f, &r), S("/portal"));
}

/* ---- cookies ---- */

static struct fake_reply *home_with_cookies(struct portal_fixture *f, slice one, slice other)
{
    struct fake_request r = { .method = "GET", .target = S("/portal"), .headers = { { S("Cookie"), one } } };
    if (other.n)
        add_header(&r, "cookie", other);
    return fake_http_send(&f->http, &r);
}

TEST(two_different_cookies_of_one_name_are_no_session)
{
    PORTAL_FIXTURE(f);
    log_in(f, "ana");
    slice ana = arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookies[0]));
    f->cookies[0] = S("");
    log_in(f, "<b>bob</b>&\"'");
    slice bob = arena_printf(f->a, "a=b;cais=\"" SLICE_FMT "\"", SLICE_ARG(f->cookies[0]));
    EXPECT_EQ(home_with_cookies(f, ana, S(""))->status, 200);
    EXPECT_EQ(home_with_cookies(f, bob, S(""))->status, 200);
    EXPECT_EQ(home_with_cookies(f, ana, ana)->status, 200);
    EXPECT_EQ(home_with_cookies(f, ana, bob)->status, 303);
    EXPECT_EQ(home_with_cookies(f, S("cais="), ana)->status, 303);
    EXPECT_EQ(home_with_cookies(f, S("CAIS=x; xcais=y; cais; =cais"), ana)->status, 200);
    EXPECT_EQ(home_with_cookies(f, S("cais"), S(""))->status, 303);
}

TEST(cookies_under_tls_are_bound_to_this_host_and_others_do_not_count)
{
    PORTAL_FIXTURE(f);
    struct fake_request get = { .method = "GET", .target = S("/portal/login"), .tls = true };
    struct fake_reply *form = fake_http_send(&f->http, &get);
    slice set = fake_reply_header(form, "Set-Cookie"), before = S("__Host-cais-login=");
    EXPECT(slice_starts(set, before) && slice_ends(set, S("; Path=/; HttpOnly; SameSite=Lax; Secure")));
    slice secret = slice_part(set, before.n, 43), csrf = hidden_field(form, S("csrf"));
    static const struct {
        const char *cookie, *host, *origin;
        int status;
    } cases[] = { { "cais-login", "cais.test", "https://cais.test", 403 },
                  { "__Host-cais-login", "cais.test", "http://cais.test", 403 },
                  { "__Host-cais-login", "cais.test:443", "https://cais.test:8443", 403 },
                  { "__Host-cais-login", "CAIS.test:443", "https://cais.test", 303 } };
    struct fake_reply *r = NULL;
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_request post = form_request("/portal/login", login_body(f, csrf, "ana", PASSWORD, NULL));
        post.tls = true;
        post.host = slice_of(cases[i].host);
        add_header(&post, "Origin", slice_of(cases[i].origin));
        add_header(&post, "Cookie", arena_printf(f->a, "%s=" SLICE_FMT, cases[i].cookie, SLICE_ARG(secret)));
        r = fake_http_send(&f->http, &post);
        EXPECT_EQ(r->status, cases[i].status);
    }
    set = fake_reply_header(r, "Set-Cookie");
    before = S("__Host-cais=");
    EXPECT(slice_starts(set, before) && slice_ends(set, S("; Path=/; HttpOnly; SameSite=Lax; Secure")));
    secret = slice_part(set, before.n, 43);
    static const struct {
        const char *name;
        bool tls, counts;
    } shown[] = {
        { "__Host-cais", true, true }, { "cais", true, false }, { "__Host-cais", false, false }, { "cais", false, true }
    };
    for (size_t i = 0; i < LENGTH_OF(shown); i++) {
        struct fake_request home = { .method = "GET", .target = S("/portal"), .tls = shown[i].tls };
        add_header(&home, "Cookie", arena_printf(f->a, "%s=" SLICE_FMT, shown[i].name, SLICE_ARG(secret)));
        EXPECT_EQ(fake_http_send(&f->http, &home)->status, shown[i].counts ? 200 : 303);
    }
}

TEST(a_new_login_ends_the_session_that_the_browser_had)
{
    PORTAL_FIXTURE(f);
    slice csrf = hidden_field(visit(f, "/portal/login"), S("csrf")), form_cookie = f->cookies[1];
    log_in(f, "ana");
    slice former = f->cookies[0];
    f->cookies[1] = form_cookie; /* a second tab still shows the form */
    struct fake_request r = form_request("/portal/login", login_body(f, csrf, "ana", PASSWORD, NULL));
    expect_redirect(browse(f, &r), S("/portal"));
    EXPECT(!slice_eq(f->cookies[0], former));
    EXPECT_EQ(visit(f, "/portal")->status, 200);
    f->cookies[0] = former;
    EXPECT_EQ(visit(f, "/portal")->status, 303);
}

TEST(a_cookie_that_the_browser_brings_along_is_never_made_a_session)
{
    PORTAL_FIXTURE(f);
    slice planted = S("0123456789012345678901234567890123456789abc");
    f->cookies[0] = planted;
    expect_redirect(try_login(f, "ana", PASSWORD, NULL), S("/portal"));
    EXPECT(!slice_eq(f->cookies[0], planted));
    f->cookies[0] = planted;
    EXPECT_EQ(visit(f, "/portal")->status, 303);
}

/* ---- languages ---- */

TEST(the_language_is_that_which_the_browser_prefers)
{
    PORTAL_FIXTURE(f);
    static const struct {
        const char *accepts, *gets;
    } cases[] = { { "", "en" },
                  { "de", "en" },
                  { "pt", "pt-BR" },
                  { "pt-PT,pt;q=0.9,en;q=0.8", "pt-BR" },
                  { "de, es-MX;q=0.5, ru;q=0.6", "ru" },
                  { "ru;q=0.1, es;q=0.1", "ru" },
                  { "en;q=0, es;q=0.001", "es" },
                  { "es;q=2, ru;q=abc, pt;q=0.0001", "en" },
                  { "ES", "es" },
                  { "*", "en" },
                  { "ru;q=\"1", "en" },
                  { ",,;;=,ru", "ru" },
                  { "portuguese", "en" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_request r = { .method = "GET",
                                  .target = S("/portal/login"),
                                  .headers = { { S("Accept-Language"), slice_of(cases[i].accepts) } } };
        struct fake_reply *page = browse(f, &r);
        EXPECT_SLICE(fake_reply_header(page, "Content-Language"), slice_of(cases[i].gets));
        EXPECT(shows(page, arena_printf(f->a, "<html lang=\"%s\">", cases[i].gets)));
    }
}

/* ---- the native API ---- */

static struct fake_reply *call_native(struct portal_fixture *f, const char *method, slice target, slice csrf)
{
    struct fake_request r = { .method = method, .target = target, .body = S("hello") };
    add_header(&r, "Cookie", arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookies[0])));
    if (csrf.p)
        add_header(&r, "X-CSRF-Token", csrf);
    return fake_http_send(&f->native_http, &r);
}

TEST(the_native_api_takes_a_session_and_for_changes_its_token)
{
    PORTAL_FIXTURE(f);
    const slice none = { 0 };
    log_in(f, "ana");
    slice csrf = hidden_field(visit(f, "/portal"), S("csrf"));
    slice wrong[] = { none, S(""), S("x"), f->cookies[0] };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_reply *r = call_native(f, "PUT", S("/v1/native/files/a"), wrong[i]);
        EXPECT_EQ(r->status, 403);
        EXPECT(r->by_guard && !r->received);
    }
    struct fake_reply *r = call_native(f, "PUT", S("/v1/native/files/a"), csrf);
    EXPECT_EQ(r->status, 201);
    slice file = fake_reply_header(r, "Location");
    EXPECT_EQ(call_native(f, "GET", file, none)->status, 200);
    EXPECT_EQ(call_native(f, "HEAD", file, none)->status, 200);
    EXPECT_EQ(call_native(f, "GET", S("/v1/native/files"), none)->status, 200);
    EXPECT_EQ(call_native(f, "DELETE", file, none)->status, 403);
    slice of_ana = f->cookies[0];
    f->cookies[0] = S("");
    log_in(f, "<b>bob</b>&\"'");
    slice of_bob = hidden_field(visit(f, "/portal"), S("csrf"));
    EXPECT_EQ(call_native(f, "GET", file, none)->status, 404); /* the session of another user */
    EXPECT_EQ(call_native(f, "DELETE", file, of_bob)->status, 404);
    EXPECT_EQ(call_native(f, "DELETE", file, csrf)->status, 403);
    f->cookies[0] = of_ana;
    EXPECT_EQ(call_native(f, "DELETE", file, of_bob)->status, 403);
    EXPECT_EQ(call_native(f, "DELETE", file, csrf)->status, 204);
}

TEST(changes_by_a_session_for_another_site_are_refused_by_the_native_api)
{
    PORTAL_FIXTURE(f);
    log_in(f, "ana");
    for (size_t i = 0; i < LENGTH_OF(origins); i++) {
        struct fake_request r = { .method = "PUT", .target = S("/v1/native/files/a"), .body = S("hello") };
        add_header(&r, "Cookie", arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookies[0])));
        add_header(&r, "X-CSRF-Token", browser_csrf_of(f->cookies[0], f->a));
        add_header(&r, origins[i].name, slice_of(origins[i].value));
        EXPECT_EQ(fake_http_send(&f->native_http, &r)->status, origins[i].ours ? 201 : 403);
    }
}

TEST(a_header_of_the_native_api_counts_before_a_cookie)
{
    PORTAL_FIXTURE(f);
    log_in(f, "ana");
    static const char *const headers[] = { "Bearer wrong", "Bearer", "Basic YTpi", "" };
    for (size_t i = 0; i < LENGTH_OF(headers); i++) {
        struct fake_request r = { .method = "GET",
                                  .target = S("/v1/native/files"),
                                  .headers = { { S("Authorization"), slice_of(headers[i]) } } };
        add_header(&r, "Cookie", arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookies[0])));
        EXPECT_EQ(fake_http_send(&f->native_http, &r)->status, 401);
    }
    slice key = world_key(f->w, S("<b>bob</b>&\"'"), S("native"));
    struct fake_request r = { .method = "PUT", .target = S("/v1/native/files/a"), .token = key, .body = S("x") };
    add_header(&r, "Cookie", arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(f->cookies[0])));
    EXPECT_EQ(fake_http_send(&f->native_http, &r)->status, 201); /* a key needs no token against forgery */
}

TEST(an_ended_session_is_401_in_the_native_api)
{
    PORTAL_FIXTURE(f);
    const slice none = { 0 };
    EXPECT_EQ(call_native(f, "GET", S("/v1/native/files"), none)->status, 401);
    log_in(f, "ana");
    EXPECT_EQ(call_native(f, "GET", S("/v1/native/files"), none)->status, 200);
    world_wait(f->w, hours(1));
    EXPECT_EQ(call_native(f, "GET", S("/v1/native/files"), none)->status, 401);
    log_in(f, "ana");
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("ana"), S("battery staple"), f->a));
    EXPECT_EQ(call_native(f, "GET", S("/v1/native/files"), none)->status, 401);
}

TEST(a_failing_store_does_not_log_anybody_out)
{
    PORTAL_FIXTURE(f);
    log_in(f, "ana");
    f->w->faults.fail_count = 1000000;
    f->w->faults.fail_at = f->w->faults.calls + 1;
    expect_problem(visit(f, "/portal"), 503, PORTAL_TEXT_UNAVAILABLE);
    f->w->faults.fail_at = 0;
    EXPECT_EQ(visit(f, "/portal")->status, 200);
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(every_text_is_there_in_every_language),
          cmocka_unit_test(a_person_logs_in_sees_who_it_is_and_logs_out),
          cmocka_unit_test(pages_run_nothing_are_in_no_frame_and_are_not_kept),
          cmocka_unit_test(a_login_is_shown_as_a_text),
          cmocka_unit_test(a_wrong_login_shows_the_form_again_and_nothing_of_what_was_sent),
          cmocka_unit_test(too_many_logins_are_429_and_say_when_to_come_again),
          cmocka_unit_test(a_login_leads_to_a_path_of_this_host_and_nowhere_else),
          cmocka_unit_test(the_login_leads_back_to_the_page_that_asked_for_it),
          cmocka_unit_test(a_login_form_counts_only_with_its_cookie),
          cmocka_unit_test(a_login_and_a_logout_of_another_site_are_refused),
          cmocka_unit_test(a_logout_needs_the_token_of_this_session), cmocka_unit_test(only_a_form_is_taken),
          cmocka_unit_test(two_different_cookies_of_one_name_are_no_session),
          cmocka_unit_test(cookies_under_tls_are_bound_to_this_host_and_others_do_not_count),
          cmocka_unit_test(a_new_login_ends_the_session_that_the_browser_had),
          cmocka_unit_test(a_cookie_that_the_browser_brings_along_is_never_made_a_session),
          cmocka_unit_test(the_language_is_that_which_the_browser_prefers),
          cmocka_unit_test(the_native_api_takes_a_session_and_for_changes_its_token),
          cmocka_unit_test(changes_by_a_session_for_another_site_are_refused_by_the_native_api),
          cmocka_unit_test(a_header_of_the_native_api_counts_before_a_cookie),
          cmocka_unit_test(an_ended_session_is_401_in_the_native_api),
          cmocka_unit_test(a_failing_store_does_not_log_anybody_out),
          cmocka_unit_test(the_portal_runs_only_scripts_of_this_host_and_no_strings),
          cmocka_unit_test(the_portal_shows_pictures_from_the_host_of_files_and_no_other),
          cmocka_unit_test(the_session_is_told_to_the_page_and_to_nobody_without_one),
          cmocka_unit_test(files_of_the_bundle_are_sent_for_ever_under_their_version_alone),
          cmocka_unit_test(the_root_is_for_people_with_a_browser), cmocka_unit_test(a_person_chooses_the_language),
          cmocka_unit_test(an_offered_session_is_entered_once),
          cmocka_unit_test(an_offer_counts_only_with_the_form_that_this_browser_got))

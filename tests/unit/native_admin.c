/* SPDX-License-Identifier: Apache-2.0 */
/* Administration in the native API: who may, what it does, and what it never shows. */
#include "fake_http.h"
#include "test.h"
#include "world.h"

#include "api/kit/browser.h"
#include "api/native/native.h"
#include "base/json.h"
#include "core/access/access.h"
#include "core/access/member.h"
#include "core/access/session.h"
#include "core/event.h"
#include "core/figures.h"
#include "core/job.h"
#include "core/space/folder.h"
#include "core/space/standalone.h"

#include <stdio.h>
#include <stdlib.h>

static const struct api_module purposes[] = {
    { .name = "native", .key_form = API_KEYS_SECRET, .key_names = { "token" } },
    { .name = "s3", .key_form = API_KEYS_SIGNING, .key_names = { "access_key_id", "secret_access_key" } },
    { .name = "pairs", .key_form = API_KEYS_PAIR, .key_names = { "app", "user" } },
    { .name = "apps", .key_form = API_KEYS_APPLICATION, .key_names = { "token", "client_id", "client_secret", "pin" } },
    { .name = "sync",
      .key_form = API_KEYS_SECRET,
      .key_names = { "key" },
      .key_has_workspace = true,
      .key_roles = (const struct api_key_role[]){ { "viewer", KEY_READER }, { "admin", KEY_ADMIN }, { 0 } } },
    { .name = "ssh", .key_form = API_KEYS_PUBLIC, .key_names = { "fingerprint" } },
};

static const struct api_module *purpose_nth(size_t n)
{
    return n < LENGTH_OF(purposes) ? &purposes[n] : NULL;
}

struct admin_fixture {
    struct world *w;
    struct native_api api;
    struct fake_http http;
    int64_t boss_id, alice_id, stranger_id;
    slice boss, alice, stranger; /* keys: of an administrator, of a user, of an administrator of another account */
};

static struct admin_fixture *admin_fixture_new(void)
{
    struct admin_fixture *f = must_malloc(sizeof *f);
    struct world *w = f->w = world_new();
    native_init(&f->api, &w->core, &(struct native_options){ 0 });
    f->api.key_purpose = purpose_nth;
    f->http = fake_http_new(&f->api.http_api);
    f->boss_id = world_admin(w, S("boss")).user_id;
    f->alice_id = world_user(w, S("alice")).user_id;
    struct account other;
    struct user user;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("other"), w->a, &other));
    const struct user_request request = { .account = S("other"), .login = S("stranger"), .is_admin = true };
    EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &user));
    f->stranger_id = user.id;
    f->boss = world_key(w, S("boss"), S("native"));
    f->alice = world_key(w, S("alice"), S("native"));
    f->stranger = world_key(w, S("stranger"), S("native"));
    return f;
}

static void admin_fixture_freep(struct admin_fixture **f)
{
    fake_http_release(&(*f)->http);
    native_release(&(*f)->api);
    world_free((*f)->w);
    free(*f);
}
#define ADMIN_FIXTURE(name) SCOPED(admin_fixture_freep) struct admin_fixture *name = admin_fixture_new()

#define ACCOUNT "/v1/native/account"
#define EXPECT_HAS(text, part) EXPECT(slice_find((text), S(part)) != SLICE_NONE)
#define EXPECT_LACKS(text, part) EXPECT(slice_find((text), (part)) == SLICE_NONE)

static struct fake_reply *ask(struct admin_fixture *f, slice token, const char *method, const char *target,
                              const char *body)
{
    return fake_http_send(
        &f->http,
        &(struct fake_request){ .method = method, .target = slice_of(target), .token = token, .body = slice_of(body) });
}

static const char *path(struct admin_fixture *f, const char *format, int64_t id)
{
    return arena_cstr(f->w->a, arena_printf(f->w->a, format, (long long)id));
}
#define USER ACCOUNT "/users/%lld"
#define KEY ACCOUNT "/keys/%lld"

static const struct json *json_of(struct admin_fixture *f, const struct fake_reply *r)
{
    const struct json *j;
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    return j;
}

static void expect_error(struct admin_fixture *f, const struct fake_reply *r, int status, slice code)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(json_str(json_get(json_of(f, r), "error"), "code"), code);
}

static const struct json *get(struct admin_fixture *f, slice token, const char *target)
{
    const struct fake_reply *r = ask(f, token, "GET", target, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control").n ? fake_reply_header(r, "Cache-Control") : S("no-store"),
                 S("no-store"));
    return json_of(f, r);
}

/* ---- who may ---- */

static const struct {
    const char *method, *target, *body;
} routes[] = {
    { "GET", "/v1/native/accounts", "" },
    { "GET", ACCOUNT, "" },
    { "GET", ACCOUNT "/figures", "" },
    { "GET", ACCOUNT "/health", "" },
    { "GET", ACCOUNT "/events", "" },
    { "GET", ACCOUNT "/users", "" },
    { "POST", ACCOUNT "/users", "{\"login\":\"mallory\",\"admin\":true}" },
    { "PATCH", ACCOUNT "/users/2", "{\"admin\":true}" },
    { "DELETE", ACCOUNT "/users/2", "" },
    { "PUT", ACCOUNT "/users/2/password", "{\"password\":\"long enough\"}" },
    { "POST", ACCOUNT "/users/2/link", "" },
    { "GET", ACCOUNT "/keys", "" },
    { "POST", ACCOUNT "/keys", "{\"login\":\"boss\",\"for\":\"native\"}" },
    { "DELETE", ACCOUNT "/keys/1", "" },
    { "GET", ACCOUNT "/key-purposes", "" },
};

TEST(only_administrators_may_call_any_route_of_administration)
{
    ADMIN_FIXTURE(f);
    slice of_other_purpose = world_key(f->w, S("boss"), S("pyrus"));
    int64_t events = world_event_count(f->w, S("user.create"));
    for (size_t i = 0; i < LENGTH_OF(routes); i++) {
        expect_error(f, ask(f, f->alice, routes[i].method, routes[i].target, routes[i].body), 403, S("forbidden"));
        expect_error(f, ask(f, of_other_purpose, routes[i].method, routes[i].target, routes[i].body), 401,
                     S("unauthenticated"));
        expect_error(f, ask(f, S(""), routes[i].method, routes[i].target, routes[i].body), 401, S("unauthenticated"));
    }
    EXPECT_EQ(world_event_count(f->w, S("user.create")), events);
    EXPECT_EQ(world_event_count(f->w, S("user.admin")) + world_event_count(f->w, S("user.delete")), 0);
}

TEST(a_session_changes_something_only_with_its_csrf_token)
{
    ADMIN_FIXTURE(f);
    struct core *core = &f->w->core;
    slice secret;
    struct principal who;
    EXPECT_OK(user_set_password(core, &f->w->operator_, S("boss"), S("correct horse"), f->w->a));
    const struct session_request login = { .purpose = BROWSER_PURPOSE,
                                           .login = { S("boss"), S("correct horse"), S("") } };
    EXPECT_OK(session_begin(core, &login, f->w->a, &secret, &who));
    slice cookie[] = { S("cais="), secret };
    struct fake_request r = { .method = "POST",
                              .target = S(ACCOUNT "/users"),
                              .headers = { { S("Cookie"), arena_join(f->w->a, cookie, 2) } },
                              .body = S("{\"login\":\"carol\"}") };
    expect_error(f, fake_http_send(&f->http, &r), 403, S("forbidden"));
    r.headers[1] = (struct http_header){ S("X-CSRF-Token"), browser_csrf_of(secret, f->w->a) };
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 201);
}

/* ---- accounts ---- */

TEST(an_administrator_sees_the_own_account_and_the_operator_all)
{
    ADMIN_FIXTURE(f);
    world_set_room(f->w, 1 << 20, 77);
    const struct json *j = get(f, f->boss, ACCOUNT);
    EXPECT_SLICE(json_str(j, "name"), S("default"));
    EXPECT_EQ(json_get(j, "max_files")->integer, 77);
    EXPECT(json_get(j, "used_bytes") && json_get(j, "garbage_bytes") && json_get(j, "record_bytes"));
    EXPECT_SLICE(json_str(get(f, f->stranger, ACCOUNT "?account=default"), "name"), S("other"));
    EXPECT(json_absent(json_get(get(f, f->stranger, ACCOUNT), "max_bytes")));
    j = json_get(get(f, f->boss, "/v1/native/accounts"), "accounts");
    EXPECT_EQ(json_count(j), 1);
    EXPECT_SLICE(json_str(j->child, "name"), S("default"));
    struct fake_request local = { .target = S("/v1/native/accounts?limit=1"), .local = true };
    j = json_of(f, fake_http_send(&f->http, &local));
    EXPECT_EQ(json_count(json_get(j, "accounts")), 1);
    local.target = arena_printf(f->w->a, "/v1/native/accounts?after=" SLICE_FMT, SLICE_ARG(json_str(j, "next")));
    j = json_of(f, fake_http_send(&f->http, &local));
    EXPECT_SLICE(json_str(json_get(j, "accounts")->child, "name"), S("other"));
    EXPECT(!json_get(j, "next"));
    local.target = S(ACCOUNT "?account=other");
    EXPECT_SLICE(json_str(json_of(f, fake_http_send(&f->http, &local)), "name"), S("other"));
}

/* ---- users ---- */

TEST(users_of_the_account_alone_are_listed_in_pages)
{
    ADMIN_FIXTURE(f);
    for (int i = 0; i < 205; i++)
        world_user(f->w, arena_printf(f->w->a, "user%d", i));
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("user7"), USER_DELETED, f->w->a));
    size_t count = 0, pages = 0;
    const char *target = ACCOUNT "/users?limit=1000"; /* no page has more than 200 */
    while (target) {
        const struct json *j = get(f, f->boss, target);
        JSON_EACH(user, json_get(j, "users")) {
            slice login = json_str(user, "login");
            EXPECT(!slice_eq(login, S("operator")) && !slice_eq(login, S("stranger")) && !slice_eq(login, S("user7")));
        }
        EXPECT(json_count(json_get(j, "users")) <= 200);
        count += json_count(json_get(j, "users"));
        pages++;
        slice next = json_str(j, "next");
        target = next.n ? arena_cstr(f->w->a, arena_printf(f->w->a, ACCOUNT "/users?limit=1000&after=" SLICE_FMT,
                                                           SLICE_ARG(next)))
                        : NULL;
    }
    EXPECT_EQ(count, 2 + 204);
    EXPECT_EQ(pages, 2);
    expect_error(f, ask(f, f->boss, "GET", ACCOUNT "/users?limit=1001", ""), 400, S("invalid"));
    expect_error(f, ask(f, f->boss, "GET", ACCOUNT "/users?limit=99999999999999999999", ""), 400, S("invalid"));
    expect_error(f, ask(f, f->boss, "GET", ACCOUNT "/users?after=-1", ""), 400, S("invalid"));
}

TEST(a_user_is_added_disabled_enabled_and_removed)
{
    ADMIN_FIXTURE(f);
    struct fake_reply *r = ask(f, f->boss, "POST", ACCOUNT "/users",
                               "{\"login\":\"carol\",\"name\":\"<b>C\\u202e</b>\",\"email\":\"c@x\",\"bot\":false}");
    EXPECT_EQ(r->status, 201);
    const struct json *j = json_of(f, r);
    int64_t id = json_get(j, "id")->integer;
    EXPECT_SLICE(json_str(j, "name"), S("<b>C\u202e</b>"));
    EXPECT_SLICE(json_str(j, "state"), S("active"));
    EXPECT(!json_flag(j, "admin"));
    slice carol = world_key(f->w, S("carol"), S("native"));
    expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/users", "{\"login\":\"carol\"}"), 409, S("conflict"));
    expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/users", "{\"login\":\"stranger\"}"), 409, S("conflict"));
    static const char *const wrong[] = { "[]",
                                         "{}",
                                         "{\"login\":7}",
                                         "{\"login\":\"a b\"}",
                                         "{\"login\":\"x\",\"admin\":1}",
                                         "{\"login\":\"x\",\"name\":{}}",
                                         "{\"login\":\"\"}",
                                         "{" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/users", wrong[i]), 400, S("invalid"));
    const char *user = path(f, USER, id);
    r = ask(f, f->boss, "PATCH", user, "{\"state\":\"disabled\"}");
    EXPECT_EQ(r->status, 200);
    EXPECT_HAS(r->body, "\"state\":\"disabled\"");
    expect_error(f, ask(f, carol, "GET", "/v1/native/files", ""), 403, S("forbidden"));
    r = ask(f, f->boss, "PATCH", user, "{\"state\":\"active\",\"admin\":true}");
    EXPECT_HAS(r->body, "\"state\":\"active\",\"admin\":true");
    EXPECT_EQ(ask(f, carol, "GET", ACCOUNT, "")->status, 200);
    EXPECT_EQ(ask(f, f->boss, "DELETE", user, "")->status, 204);
    expect_error(f, ask(f, f->boss, "DELETE", user, ""), 404, S("not_found"));
    expect_error(f, ask(f, carol, "GET", ACCOUNT, ""), 401, S("unauthenticated"));
    static const char *const bad[] = { "{}", "[]", "{\"state\":\"deleted\"}", "{\"state\":1}", "{\"admin\":\"yes\"}" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, ask(f, f->boss, "PATCH", path(f, USER, f->alice_id), bad[i]), 400, S("invalid"));
    EXPECT_EQ(world_event_count(f->w, S("user.admin")), 1);
    EXPECT_EQ(world_event_count(f->w, S("user.disable")), 1);
    EXPECT_EQ(world_event_count(f->w, S("user.delete")), 1);
}

TEST(users_of_another_account_and_the_server_itself_are_not_there)
{
    ADMIN_FIXTURE(f);
    const int64_t ids[] = { f->stranger_id, f->w->operator_.user_id, 99999, 0 };
    for (size_t i = 0; i < LENGTH_OF(ids); i++) {
        expect_error(f, ask(f, f->boss, "PATCH", path(f, USER, ids[i]), "{\"admin\":false}"), 404, S("not_found"));
        expect_error(f, ask(f, f->boss, "DELETE", path(f, USER, ids[i]), ""), 404, S("not_found"));
        expect_error(f, ask(f, f->boss, "POST", path(f, USER "/link", ids[i]), ""), 404, S("not_found"));
        expect_error(f, ask(f, f->boss, "PUT", path(f, USER "/password", ids[i]), "{\"password\":\"long enough\"}"),
                     404, S("not_found"));
    }
    expect_error(f, ask(f, f->boss, "DELETE", ACCOUNT "/users/x", ""), 404, S("not_found"));
    for (int i = 0; i < 2; i++) {
        const char *body =
            i ? "{\"login\":\"operator\",\"for\":\"native\"}" : "{\"login\":\"stranger\",\"for\":\"s3\"}";
        expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/keys", body), 404, S("not_found"));
    }
    expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/keys", "{\"login\":\"operator\",\"for\":\"apps\"}"), 404,
                 S("not_found"));
}

TEST(the_last_administrator_stays_and_nobody_removes_oneself)
{
    ADMIN_FIXTURE(f);
    const char *boss = path(f, USER, f->boss_id), *alice = path(f, USER, f->alice_id);
    expect_error(f, ask(f, f->boss, "PATCH", boss, "{\"admin\":false}"), 409, S("conflict"));
    expect_error(f, ask(f, f->boss, "PATCH", boss, "{\"state\":\"disabled\"}"), 409, S("conflict"));
    expect_error(f, ask(f, f->boss, "DELETE", boss, ""), 409, S("conflict"));
    struct fake_request local = { .method = "DELETE", .target = slice_of(boss), .local = true };
    expect_error(f, fake_http_send(&f->http, &local), 409, S("conflict")); /* the operator, by this API */
    EXPECT_EQ(ask(f, f->boss, "PATCH", alice, "{\"admin\":true}")->status, 200);
    expect_error(f, ask(f, f->boss, "DELETE", boss, ""), 409, S("conflict"));
    EXPECT_EQ(ask(f, f->boss, "PATCH", boss, "{\"admin\":false}")->status, 200); /* alice is one */
    expect_error(f, ask(f, f->boss, "PATCH", boss, "{\"admin\":true}"), 403, S("forbidden"));
    EXPECT_EQ(ask(f, f->alice, "DELETE", boss, "")->status, 204);
}

/* Both requests were admitted before either was written. */
TEST(of_two_administrators_who_remove_each_other_one_stays)
{
    ADMIN_FIXTURE(f);
    struct core *core = &f->w->core;
    struct principal boss = world_principal(f->w, S("boss")), dora = world_admin(f->w, S("dora"));
    struct user user;
    const struct member_change of_dora = { .id = dora.user_id, .sets_state = true, .state = USER_DELETED };
    const struct member_change of_boss = { .id = boss.user_id, .sets_state = true, .state = USER_DISABLED };
    EXPECT_OK(member_change(core, &boss, &of_dora, f->w->a, &user));
    EXPECT_ERR(member_change(core, &dora, &of_boss, f->w->a, &user), ERR_FORBIDDEN);
    EXPECT_EQ(ask(f, f->boss, "GET", ACCOUNT, "")->status, 200);
    EXPECT_ERR(member_set_password(core, &dora, f->alice_id, S("long enough"), f->w->a), ERR_FORBIDDEN);
}

static void expect_makes_no_space(struct admin_fixture *f, const struct principal *now)
{
    struct core *core = &f->w->core;
    struct arena *a = f->w->a;
    const struct space_request request = { S("s"), S("") };
    struct space space;
    int64_t id;
    EXPECT_ERR(standalone_create(core, now, &request, a, &id), ERR_FORBIDDEN);
    EXPECT_OK(standalone_create(core, &f->w->operator_, &request, a, &id));
    EXPECT_OK(space_find(core, now, PLACE_SEE, id, a, &space)); /* what was read before goes on */
    EXPECT_ERR(folder_create(core, now, space.root_id, S("f"), a, &id), ERR_FORBIDDEN);
}

/* The body of a request may come long after its head, at which the request was admitted. */
TEST(whoever_is_no_administrator_any_more_makes_neither_users_nor_keys_nor_ways_in)
{
    ADMIN_FIXTURE(f);
    struct core *core = &f->w->core;
    struct arena *a = f->w->a;
    struct user user;
    struct minted_key minted;
    struct principal eve = world_admin(f->w, S("eve")), now;
    slice secret, token = world_key(f->w, S("eve"), S("native"));
    const struct user_request ghost = { .account = S("default"), .login = S("ghost"), .is_admin = true };
    const struct key_request key = { .login = S("boss"), .purpose = S("native"), .role = KEY_ADMIN };
    const struct session_offer offer = { .purpose = BROWSER_PURPOSE, .login = S("boss"), .lifetime_ms = 60000 };
    const struct member_change changes[] = { { .id = eve.user_id, .sets_admin = true },
                                             { .id = eve.user_id, .sets_state = true, .state = USER_DISABLED } };
    const enum err_code codes[] = { ERR_FORBIDDEN, ERR_BLOCKED };
    for (size_t i = 0; i < LENGTH_OF(changes); i++) {
        EXPECT_OK(access_check(core, S("native"), CREDENTIAL_KEY, token, a, &now));
        EXPECT_EQ(now.is_admin, i == 0);
        EXPECT_OK(member_change(core, &f->w->operator_, &changes[i], a, &user));
        EXPECT_ERR(user_create(core, &now, &ghost, a, &user), codes[i]);
        EXPECT_ERR(key_mint(core, &now, &key, a, &minted), codes[i]);
        EXPECT_ERR(session_offer(core, &now, &offer, a, &secret), codes[i]);
        EXPECT_ERR(key_revoke_of(core, &now, 1, a), codes[i]);
        if (!i)
            expect_makes_no_space(f, &now);
    }
    EXPECT_ERR(user_by_login(core, S("ghost"), a, &user), ERR_NOT_FOUND);
}

/* ---- passwords ---- */

static err_t log_in(struct admin_fixture *f, slice login, slice password, slice *ret_secret)
{
    struct principal who;
    const struct session_request request = { .purpose = BROWSER_PURPOSE, .login = { login, password, S("") } };
    return session_begin(&f->w->core, &request, f->w->a, ret_secret, &who);
}

static bool session_lives(struct admin_fixture *f, slice secret)
{
    struct principal who;
    return !session_check(&f->w->core, BROWSER_PURPOSE, secret, f->w->a, &who);
}

TEST(a_password_that_is_set_ends_sessions_and_is_in_no_event)
{
    ADMIN_FIXTURE(f);
    const char *password = path(f, USER "/password", f->alice_id);
    slice secret, unused;
    EXPECT_EQ(ask(f, f->boss, "PUT", password, "{\"password\":\"first secret\"}")->status, 204);
    EXPECT_OK(log_in(f, S("alice"), S("first secret"), &secret));
    EXPECT_EQ(ask(f, f->boss, "PUT", password, "{\"password\":\"second secret\"}")->status, 204);
    EXPECT(!session_lives(f, secret));
    EXPECT_ERR(log_in(f, S("alice"), S("first secret"), &unused), ERR_UNAUTHENTICATED);
    EXPECT_OK(log_in(f, S("alice"), S("second secret"), &unused));
    static const char *const wrong[] = { "{\"password\":\"short\"}", "{\"password\":\"\"}", "{\"password\":5}", "[]" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_error(f, ask(f, f->boss, "PUT", password, wrong[i]), 400, S("invalid"));
    expect_error(f, ask(f, f->boss, "PUT", path(f, USER "/password", f->boss_id), "{\"password\":\"long enough\"}"),
                 409, S("conflict"));
    EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/events", "")->body, S("secret"));
}

TEST(a_link_ends_the_old_password_and_signs_in_once)
{
    ADMIN_FIXTURE(f);
    struct core *core = &f->w->core;
    slice old, secret;
    EXPECT_OK(user_set_password(core, &f->w->operator_, S("alice"), S("old password"), f->w->a));
    EXPECT_OK(log_in(f, S("alice"), S("old password"), &old));
    struct fake_reply *r = ask(f, f->boss, "POST", path(f, USER "/link", f->alice_id), "");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    slice link = json_str(json_of(f, r), "path"), offered;
    EXPECT(slice_starts(link, S("/portal/enter#")));
    slice_cut(link, '#', &(slice){ 0 }, &offered);
    EXPECT(!session_lives(f, old));
    EXPECT_ERR(log_in(f, S("alice"), S("old password"), &secret), ERR_UNAUTHENTICATED);
    struct principal who;
    const struct session_request request = { .purpose = BROWSER_PURPOSE };
    EXPECT_OK(session_accept(core, &request, offered, f->w->a, &secret, &who));
    EXPECT_ERR(session_accept(core, &request, offered, f->w->a, &secret, &who), ERR_UNAUTHENTICATED);
    EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/events", "")->body, offered);
    expect_error(f, ask(f, f->boss, "POST", path(f, USER "/link", f->boss_id), ""), 409, S("conflict"));
    EXPECT_OK(user_set_state(core, &f->w->operator_, S("alice"), USER_DISABLED, f->w->a));
    expect_error(f, ask(f, f->boss, "POST", path(f, USER "/link", f->alice_id), ""), 409, S("conflict"));
}

static struct fake_reply *set_own(struct admin_fixture *f, slice secret, const char *body)
{
    slice cookie[] = { S("cais="), secret };
    return fake_http_send(
        &f->http, &(struct fake_request){ .method = "PUT",
                                          .target = S("/v1/native/password"),
                                          .headers = { { S("Cookie"), arena_join(f->w->a, cookie, 2) },
                                                       { S("X-CSRF-Token"), browser_csrf_of(secret, f->w->a) } },
                                          .body = slice_of(body) });
}

TEST(a_person_changes_the_own_password_by_showing_the_present_one)
{
    ADMIN_FIXTURE(f);
    slice secret, unused;
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("alice"), S("old password"), f->w->a));
    EXPECT_OK(log_in(f, S("alice"), S("old password"), &secret));
    expect_error(f, set_own(f, secret, "{\"password\":\"new password\"}"), 403, S("forbidden"));
    expect_error(f, set_own(f, secret, "{\"password\":\"new password\",\"current\":\"wrong\"}"), 403, S("forbidden"));
    expect_error(f, set_own(f, secret, "{\"password\":\"new\",\"current\":\"old password\"}"), 400, S("invalid"));
    EXPECT(session_lives(f, secret));
    EXPECT_EQ(set_own(f, secret, "{\"password\":\"new password\",\"current\":\"old password\"}")->status, 204);
    EXPECT(!session_lives(f, secret));
    EXPECT_OK(log_in(f, S("alice"), S("new password"), &unused));
    const char *body = "{\"password\":\"new password\",\"current\":\"new password\"}";
    expect_error(f, ask(f, f->alice, "PUT", "/v1/native/password", body), 403, S("forbidden")); /* by a key */
    struct fake_request local = {
        .method = "PUT", .target = S("/v1/native/password"), .local = true, .body = slice_of(body)
    };
    expect_error(f, fake_http_send(&f->http, &local), 403, S("forbidden"));
}

TEST(guesses_of_the_present_password_are_limited_as_logins_are)
{
    ADMIN_FIXTURE(f);
    slice secret;
    login_limit_set(f->w->core.logins, &(struct login_limits){ .window_ms = minutes(5), .failures_per_user = 3 });
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("alice"), S("old password"), f->w->a));
    EXPECT_OK(log_in(f, S("alice"), S("old password"), &secret));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(set_own(f, secret, "{\"password\":\"new password\",\"current\":\"guess\"}")->status, 403);
    expect_error(f, set_own(f, secret, "{\"password\":\"new password\",\"current\":\"old password\"}"), 429,
                 S("rate_limited"));
    EXPECT(session_lives(f, secret));
}

TEST(a_person_who_came_by_a_link_chooses_a_password_without_an_old_one)
{
    ADMIN_FIXTURE(f);
    slice link = json_str(json_of(f, ask(f, f->boss, "POST", path(f, USER "/link", f->alice_id), "")), "path"), offered,
          secret, unused;
    struct principal who;
    slice_cut(link, '#', &unused, &offered);
    EXPECT_OK(session_accept(&f->w->core, &(struct session_request){ .purpose = BROWSER_PURPOSE }, offered, f->w->a,
                             &secret, &who));
    EXPECT_EQ(set_own(f, secret, "{\"password\":\"my own words\"}")->status, 204);
    EXPECT_OK(log_in(f, S("alice"), S("my own words"), &unused));
}

/* ---- keys ---- */

static int64_t add_key(struct admin_fixture *f, const char *body, const char *part, slice *ret_secret)
{
    struct fake_reply *r = ask(f, f->boss, "POST", ACCOUNT "/keys", body);
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    const struct json *j = json_of(f, r);
    *ret_secret = json_str(json_get(j, "parts"), part);
    EXPECT(ret_secret->n > 0);
    return json_get(j, "id")->integer;
}

TEST(the_secret_of_a_key_is_shown_once_and_its_end_is_at_once)
{
    ADMIN_FIXTURE(f);
    slice token, secret, app, pin;
    int64_t id = add_key(f, "{\"login\":\"alice\",\"for\":\"native\"}", "token", &token);
    add_key(f, "{\"login\":\"alice\",\"for\":\"s3\"}", "secret_access_key", &secret);
    add_key(f, "{\"login\":\"alice\",\"for\":\"pairs\"}", "user", &app);
    add_key(f, "{\"login\":\"alice\",\"for\":\"apps\",\"callbacks\":[\"https://a.example/x\"]}", "pin", &pin);
    struct fake_reply *r = ask(f, f->boss, "GET", ACCOUNT "/keys", "");
    const slice secrets[] = { token, secret, app, pin };
    for (size_t i = 0; i < LENGTH_OF(secrets); i++) {
        EXPECT_LACKS(r->body, secrets[i]);
        EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/events", "")->body, secrets[i]);
    }
    EXPECT_HAS(r->body, "\"created_by\":\"boss\"");
    EXPECT_HAS(r->body, "\"access_key_id\":\"CAIS");
    EXPECT_HAS(r->body, "\"client_id\":\"");
    EXPECT_LACKS(r->body, S("stranger"));
    EXPECT_EQ(ask(f, token, "GET", "/v1/native/files", "")->status, 200);
    EXPECT_EQ(ask(f, f->boss, "DELETE", path(f, KEY, id), "")->status, 204);
    expect_error(f, ask(f, token, "GET", "/v1/native/files", ""), 401, S("unauthenticated"));
    EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/keys", "")->body, S("\"revoked\""));
    EXPECT_HAS(ask(f, f->boss, "GET", ACCOUNT "/keys?state=all", "")->body, "\"revoked\"");
    expect_error(f, ask(f, f->boss, "GET", ACCOUNT "/keys?state=old", ""), 400, S("invalid"));
}

TEST(keys_of_another_account_and_of_the_server_are_not_there)
{
    ADMIN_FIXTURE(f);
    slice access_key, secret;
    EXPECT_OK(access_own_signing(&f->w->core, S("s3"), f->w->a, &access_key, &secret));
    struct key_info_list keys;
    EXPECT_OK(key_list(&f->w->core, S(""), ALL_IDS, f->w->a, &keys));
    size_t others = 0;
    for (size_t i = 0; i < keys.count; i++) {
        slice login = keys.items[i].login;
        if (!slice_eq(login, S("stranger")) && !slice_eq(login, S("operator")))
            continue;
        expect_error(f, ask(f, f->boss, "DELETE", path(f, KEY, keys.items[i].key.id), ""), 404, S("not_found"));
        others++;
    }
    EXPECT_EQ(others, 2);
    EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/keys?state=all", "")->body, S("operator\",\"state"));
    EXPECT_EQ(world_event_count(f->w, S("key.revoke")), 0);
}

TEST(a_key_has_what_its_api_asks_for_and_nothing_else)
{
    ADMIN_FIXTURE(f);
    static const char *const wrong[] = {
        "[]",
        "{\"login\":\"alice\"}",
        "{\"login\":\"alice\",\"for\":\"gopher\"}",
        "{\"login\":\"alice\",\"for\":\"native\",\"role\":\"admin\"}",
        "{\"login\":\"alice\",\"for\":\"native\",\"workspace\":\"w\",\"bucket\":\"b\"}",
        "{\"login\":\"alice\",\"for\":\"native\",\"expires_at\":\"2027-01-31T00:00:00Z\"}",
        "{\"login\":\"alice\",\"for\":\"native\",\"callbacks\":[]}",
        "{\"login\":\"alice\",\"for\":\"native\",\"public_key\":\"ssh-ed25519 AAAA\"}",
        "{\"login\":\"alice\",\"for\":\"sync\",\"workspace\":\"w\"}",
        "{\"login\":\"alice\",\"for\":\"sync\",\"workspace\":\"w\",\"bucket\":\"b\",\"role\":\"owner\"}",
        "{\"login\":\"alice\",\"for\":\"sync\",\"workspace\":\"w\",\"bucket\":\"b\",\"expires_at\":\"soon\"}",
        "{\"login\":\"alice\",\"for\":\"ssh\"}",
        "{\"login\":\"alice\",\"for\":\"ssh\",\"public_key\":\"no key\"}",
        "{\"login\":\"alice\",\"for\":\"apps\",\"callbacks\":[7]}",
        "{\"login\":\"alice\",\"for\":\"apps\",\"callbacks\":[\"javascript:alert(1)\"]}",
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/keys", wrong[i]), 400, S("invalid"));
    const char *no_place = "{\"login\":\"alice\",\"for\":\"sync\",\"workspace\":\"w\",\"bucket\":\"b\"}";
    expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/keys", no_place), 404, S("not_found"));
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("alice"), USER_DISABLED, f->w->a));
    expect_error(f, ask(f, f->boss, "POST", ACCOUNT "/keys", "{\"login\":\"alice\",\"for\":\"native\"}"), 409,
                 S("conflict"));
    const struct json *j = json_get(get(f, f->boss, ACCOUNT "/key-purposes"), "purposes");
    EXPECT_EQ(json_count(j), LENGTH_OF(purposes));
}

/* ---- the audit log ---- */

static size_t count_found(struct admin_fixture *f, const char *query)
{
    char target[200];
    snprintf(target, sizeof target, ACCOUNT "/events?%s", query);
    return json_count(json_get(get(f, f->boss, target), "events"));
}

TEST(the_audit_log_of_the_account_is_searched)
{
    ADMIN_FIXTURE(f);
    EXPECT_EQ(ask(f, f->boss, "POST", ACCOUNT "/users", "{\"login\":\"Zoe.Zebra\"}")->status, 201);
    world_wait(f->w, hours(24));
    EXPECT_EQ(ask(f, f->boss, "POST", ACCOUNT "/users", "{\"login\":\"yves\"}")->status, 201);
    EXPECT_EQ(count_found(f, "action=user.create&actor=boss"), 2);
    EXPECT_EQ(count_found(f, "action=user&actor=boss"), 2);
    EXPECT_EQ(count_found(f, "action=use"), 0);
    EXPECT_EQ(count_found(f, "subject=yves"), 1);
    EXPECT_EQ(count_found(f, "subject=user:yves"), 1);
    EXPECT_EQ(count_found(f, "subject=yve"), 0);
    EXPECT_EQ(count_found(f, "text=zEBr"), 1);
    EXPECT_EQ(count_found(f, "from=2026-11-22"), 1);
    EXPECT_EQ(count_found(f, "actor=boss&to=2026-11-22"), 1);
    EXPECT_EQ(count_found(f, "actor=boss&from=2026-11-21T14:04:09Z&to=2026-11-22T14:04:10Z"), 2);
    EXPECT_EQ(count_found(f, "text=stranger"), 0); /* of another account */
    expect_error(f, ask(f, f->boss, "GET", ACCOUNT "/events?from=yesterday", ""), 400, S("invalid"));
    slice target = arena_printf(f->w->a, ACCOUNT "/events?text=%0257d", 1);
    expect_error(f, ask(f, f->boss, "GET", target.p, ""), 400, S("invalid"));
}

static err_t apply_many_events(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct event_params event = { .at_ms = 1, .who = arg, .action = S("file.store"), .subject = S("file:x") };
    for (int i = 0; i < 1000; i++)
        TRY(event_write(tx, &event, a));
    return NULL;
}

TEST(a_search_that_finds_little_goes_on_page_by_page)
{
    ADMIN_FIXTURE(f);
    struct principal alice = world_principal(f->w, S("alice"));
    for (int i = 0; i < 11; i++)
        world_write(f->w, apply_many_events, &alice);
    size_t requests = 0, found = 0;
    const char *target = ACCOUNT "/events?text=boss&action=user.create";
    while (target) {
        const struct json *j = get(f, f->boss, target);
        slice next = json_str(j, "next");
        found += json_count(json_get(j, "events"));
        requests++;
        target = next.n
                     ? arena_cstr(f->w->a,
                                  arena_printf(f->w->a, ACCOUNT "/events?text=boss&action=user.create&after=" SLICE_FMT,
                                               SLICE_ARG(next)))
                     : NULL;
    }
    EXPECT_EQ(found, 1);
    EXPECT_EQ(requests, 3); /* 11,000 events and a few, 5,000 at a time */
    size_t seen = 0;
    int64_t last = INT64_MAX;
    target = ACCOUNT "/events?action=file.store&limit=1000";
    while (target) {
        const struct json *j = get(f, f->boss, target);
        JSON_EACH(event, json_get(j, "events")) {
            EXPECT(json_get(event, "id")->integer < last);
            last = json_get(event, "id")->integer;
            seen++;
        }
        slice next = json_str(j, "next");
        target = next.n
                     ? arena_cstr(f->w->a,
                                  arena_printf(f->w->a, ACCOUNT "/events?action=file.store&limit=1000&after=" SLICE_FMT,
                                               SLICE_ARG(next)))
                     : NULL;
    }
    EXPECT_EQ(seen, 11000);
}

/* ---- health, figures ---- */

TEST(health_says_what_an_administrator_has_to_know)
{
    ADMIN_FIXTURE(f);
    const struct json *j = get(f, f->boss, ACCOUNT "/health");
    EXPECT_SLICE(json_str(j, "status"), S("ok"));
    EXPECT(!json_flag(json_get(json_get(j, "stores"), "metadata"), "writes_fail"));
    EXPECT_EQ(json_get(json_get(j, "scrub"), "damaged")->integer, 0);
    EXPECT_EQ(json_get(json_get(j, "jobs"), "failed")->integer, 0);
    EXPECT_LACKS(ask(f, f->boss, "GET", ACCOUNT "/health", "")->body, S("total_bytes")); /* of all accounts */
}

TEST(figures_are_shown_by_day)
{
    ADMIN_FIXTURE(f);
    struct core *core = &f->w->core;
    EXPECT_OK(figures_write(core, NULL, f->w->a));
    world_wait(f->w, hours(48));
    world_store(f->w, &(struct principal){ .account_id = 1, .user_id = f->alice_id, .login = S("alice") }, S("a"),
                S("hello"), 0);
    EXPECT_OK(figures_write(core, NULL, f->w->a));
    const struct json *days = json_get(get(f, f->boss, ACCOUNT "/figures"), "days");
    EXPECT_EQ(json_count(days), 2);
    EXPECT_SLICE(json_str(days->child, "day"), S("2026-11-21"));
    EXPECT_SLICE(json_str(days->child->next, "day"), S("2026-11-23"));
    EXPECT_EQ(json_get(days->child->next, "used_bytes")->integer, 5);
    EXPECT_EQ(json_count(json_get(get(f, f->boss, ACCOUNT "/figures?from=2026-11-22&to=2026-11-30"), "days")), 1);
    EXPECT_EQ(json_count(json_get(get(f, f->stranger, ACCOUNT "/figures"), "days")), 2);
    static const char *const wrong[] = { "from=2026-13-01", "to=today", "from=2026-11-22&to=2026-11-21",
                                         "from=0001-01-01&to=9999-12-31" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        slice target = arena_printf(f->w->a, ACCOUNT "/figures?%s", wrong[i]);
        expect_error(f, ask(f, f->boss, "GET", target.p, ""), 400, S("invalid"));
    }
}

/* ---- when the store fails ---- */

/* Each store call of the request fails in turn. What is refused has changed nothing, and the next try succeeds. */
TEST(a_store_that_fails_leaves_nothing_half)
{
    static const struct {
        const char *method, *target, *body;
    } changes[] = { { "POST", ACCOUNT "/users", "{\"login\":\"carol\",\"admin\":true}" },
                    { "PATCH", ACCOUNT "/users/%lld", "{\"admin\":true,\"state\":\"disabled\"}" },
                    { "POST", ACCOUNT "/users/%lld/link", "" },
                    { "POST", ACCOUNT "/keys", "{\"login\":\"boss\",\"for\":\"s3\"}" },
                    { "DELETE", ACCOUNT "/users/%lld", "" } };
    ADMIN_FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(changes); i++) {
        const char *target = path(f, changes[i].target, f->alice_id);
        bool reached = true;
        for (int64_t nth = 1; reached; nth++) {
            int64_t before = world_event_count(f->w, S("user.create")) + world_event_count(f->w, S("user.admin")) +
                             world_event_count(f->w, S("session.offer")) + world_event_count(f->w, S("key.mint")) +
                             world_event_count(f->w, S("user.delete"));
            f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
            struct fake_reply *r = ask(f, f->boss, changes[i].method, target, changes[i].body);
            reached = f->w->faults.calls >= nth;
            f->w->faults.fail_at = 0;
            int64_t after = world_event_count(f->w, S("user.create")) + world_event_count(f->w, S("user.admin")) +
                            world_event_count(f->w, S("session.offer")) + world_event_count(f->w, S("key.mint")) +
                            world_event_count(f->w, S("user.delete"));
            EXPECT(r->status < 300 || r->status == 503);
            if (r->status < 300)
                EXPECT_EQ(after, before + 1);
            if (after > before)
                break; /* a call that failed after the commit is answered with an error, too */
            EXPECT(reached);
        }
        EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("boss"), USER_ACTIVE, f->w->a));
        if (i == 1)
            EXPECT_EQ(ask(f, f->boss, "PATCH", target, "{\"admin\":false,\"state\":\"active\"}")->status, 200);
    }
}

RUN_TESTS(cmocka_unit_test(only_administrators_may_call_any_route_of_administration),
          cmocka_unit_test(a_session_changes_something_only_with_its_csrf_token),
          cmocka_unit_test(an_administrator_sees_the_own_account_and_the_operator_all),
          cmocka_unit_test(users_of_the_account_alone_are_listed_in_pages),
          cmocka_unit_test(a_user_is_added_disabled_enabled_and_removed),
          cmocka_unit_test(users_of_another_account_and_the_server_itself_are_not_there),
          cmocka_unit_test(the_last_administrator_stays_and_nobody_removes_oneself),
          cmocka_unit_test(of_two_administrators_who_remove_each_other_one_stays),
          cmocka_unit_test(whoever_is_no_administrator_any_more_makes_neither_users_nor_keys_nor_ways_in),
          cmocka_unit_test(a_password_that_is_set_ends_sessions_and_is_in_no_event),
          cmocka_unit_test(a_link_ends_the_old_password_and_signs_in_once),
          cmocka_unit_test(a_person_changes_the_own_password_by_showing_the_present_one),
          cmocka_unit_test(guesses_of_the_present_password_are_limited_as_logins_are),
          cmocka_unit_test(a_person_who_came_by_a_link_chooses_a_password_without_an_old_one),
          cmocka_unit_test(the_secret_of_a_key_is_shown_once_and_its_end_is_at_once),
          cmocka_unit_test(keys_of_another_account_and_of_the_server_are_not_there),
          cmocka_unit_test(a_key_has_what_its_api_asks_for_and_nothing_else),
          cmocka_unit_test(the_audit_log_of_the_account_is_searched),
          cmocka_unit_test(a_search_that_finds_little_goes_on_page_by_page),
          cmocka_unit_test(health_says_what_an_administrator_has_to_know), cmocka_unit_test(figures_are_shown_by_day),
          cmocka_unit_test(a_store_that_fails_leaves_nothing_half))

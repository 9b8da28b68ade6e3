/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "world.h"

#include "core/access/application.h"
#include "core/access/session.h"
#include "core/event.h"
#include "core/store/credential_store.h"
#include "core/store/event_store.h"

#include <stdlib.h>
#include <string.h>

#define PURPOSE S("thing")
#define HOME S("https://app.example.org/back")
#define OTHER S("https://app.example.org/other?x=1")
#define ADDRESS S("192.0.2.7")
#define PASSWORD S("correct horse")
#define VERIFIER S("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
#define CHALLENGE S("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") /* of it: RFC 7636 appendix B */

static const struct token_policy policy = { .per_user = 5 };

/* alice has an application without callbacks, bob uses it. */
struct fixture {
    struct world *w;
    struct minted_application minted;
    struct application app;
};

static struct minted_application add(struct world *w, const struct callback_list *callbacks)
{
    struct minted_application minted;
    const struct application_request request = { S("alice"), PURPOSE, *callbacks };
    EXPECT_OK(application_add(&w->core, &w->operator_, &request, w->a, &minted));
    return minted;
}

static struct application find(struct world *w, const struct minted_application *minted)
{
    struct application app;
    EXPECT_OK(application_find(&w->core, PURPOSE, minted->client_id, w->a, &app));
    return app;
}

static struct fixture fixture_new(const slice *callbacks, size_t count)
{
    struct fixture f = { .w = world_new() };
    const struct callback_list list = { (slice *)callbacks, count };
    world_user(f.w, S("alice"));
    world_user(f.w, S("bob"));
    EXPECT_OK(user_set_password(&f.w->core, &f.w->operator_, S("alice"), PASSWORD, f.w->a));
    EXPECT_OK(user_set_password(&f.w->core, &f.w->operator_, S("bob"), PASSWORD, f.w->a));
    f.minted = add(f.w, &list);
    f.app = find(f.w, &f.minted);
    return f;
}

static void fixture_release(struct fixture *f)
{
    world_free(f->w);
}
#define PIN_FIXTURE(name) SCOPED(fixture_release) struct fixture name = fixture_new(NULL, 0)
#define REDIRECT_FIXTURE(name) SCOPED(fixture_release) struct fixture name = fixture_new((slice[]){ HOME, OTHER }, 2)

static struct application_token_request request_of(const struct fixture *f)
{
    return (struct application_token_request){
        .application = &f->app, .policy = &policy, .address = ADDRESS, .request_id = S("0123456789abcdef")
    };
}

static slice allow_with(struct fixture *f, slice redirect, slice challenge, bool is_plain)
{
    slice code;
    struct principal bob = world_principal(f->w, S("bob"));
    const struct code_request request = { &f->app, redirect, challenge, is_plain };
    EXPECT_OK(code_issue(&f->w->core, &bob, &request, f->w->a, &code));
    EXPECT_EQ(code.n, 20);
    return code;
}

static slice allow(struct fixture *f, slice redirect)
{
    return allow_with(f, redirect, S(""), false);
}

static err_t exchange_with(struct fixture *f, const struct code_proof *proof, slice *ret_token)
{
    const struct application_token_request request = request_of(f);
    return token_for_code(&f->w->core, &request, proof, f->w->a, ret_token);
}

static err_t exchange(struct fixture *f, slice code, slice redirect, slice *ret_token)
{
    const struct code_proof proof = { .code = code, .redirect = redirect };
    return exchange_with(f, &proof, ret_token);
}

static slice exchanged(struct fixture *f, slice code, slice redirect)
{
    slice token;
    EXPECT_OK(exchange(f, code, redirect, &token));
    EXPECT_EQ(token.n, 40);
    return token;
}

static err_t use(struct fixture *f, slice token)
{
    struct principal who;
    return access_check(&f->w->core, PURPOSE, CREDENTIAL_TOKEN, token, f->w->a, &who);
}

static slice login_of(struct fixture *f, slice token)
{
    struct principal who;
    EXPECT_OK(access_check(&f->w->core, PURPOSE, CREDENTIAL_TOKEN, token, f->w->a, &who));
    return who.login;
}

static err_t check(struct fixture *f, slice client_id, slice secret)
{
    struct application app;
    const struct application_proof proof = { PURPOSE, client_id, secret, ADDRESS };
    return application_check(&f->w->core, &proof, f->w->a, &app);
}

static void limit_guesses(struct fixture *f)
{
    struct core *core = &f->w->core;
    login_limit_free(core->logins);
    core->options.logins = (struct login_limits){ .window_ms = minutes(10), .failures = 10, .failures_per_user = 200 };
    core->logins = login_limit_new(&core->options.logins, core->clock, core->random);
}

/* ---- applications ---- */

TEST(what_comes_with_an_application_works_for_its_owner)
{
    PIN_FIXTURE(f);
    EXPECT_EQ(f.minted.client_id.n, 20);
    EXPECT_EQ(f.minted.client_secret.n, 40);
    EXPECT_EQ(f.minted.token.n, 40);
    EXPECT_EQ(f.minted.pin.n, 20);
    EXPECT_OK(check(&f, f.minted.client_id, f.minted.client_secret));
    EXPECT_SLICE(login_of(&f, f.minted.token), S("alice"));
    EXPECT_SLICE(login_of(&f, exchanged(&f, f.minted.pin, S(""))), S("alice"));
    EXPECT_SLICE(f.app.owner_login, S("alice"));
    EXPECT_EQ(world_event_count(f.w, S("key.mint")), 1);
}

TEST(the_list_of_keys_names_applications)
{
    PIN_FIXTURE(f);
    struct key_info_list keys;
    world_key(f.w, S("alice"), PURPOSE);
    EXPECT_OK(key_list(&f.w->core, S("alice"), ALL_IDS, f.w->a, &keys));
    EXPECT_EQ(keys.count, 2);
    EXPECT_SLICE(keys.items[0].client_id, f.minted.client_id);
    EXPECT_SLICE(keys.items[1].client_id, S(""));
}

TEST(an_application_is_found_by_its_own_purpose_only)
{
    PIN_FIXTURE(f);
    struct application app;
    struct core *core = &f.w->core;
    EXPECT_ERR(application_find(core, S("other"), f.minted.client_id, f.w->a, &app), ERR_NOT_FOUND);
    EXPECT_ERR(application_find(core, PURPOSE, S(""), f.w->a, &app), ERR_NOT_FOUND);
    EXPECT_ERR(application_find(core, PURPOSE,
                                S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                                f.w->a, &app),
               ERR_NOT_FOUND);
    EXPECT_ERR(application_find(core, PURPOSE, S("aaaaaaaaaaaaaaaaaaaa"), f.w->a, &app), ERR_NOT_FOUND);
}

TEST(a_wrong_secret_and_an_unknown_application_are_refused_alike)
{
    PIN_FIXTURE(f);
    EXPECT_ERR(check(&f, f.minted.client_id, f.minted.pin), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, f.minted.client_id, S("")), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, f.minted.client_id, f.minted.token), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, f.minted.client_secret, f.minted.client_secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, S("aaaaaaaaaaaaaaaaaaaa"), f.minted.client_secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, S(""), S("")), ERR_UNAUTHENTICATED);
}

TEST(a_code_or_the_secret_of_an_application_is_no_token)
{
    PIN_FIXTURE(f);
    struct principal who;
    slice pin = allow(&f, S(""));
    EXPECT_ERR(use(&f, pin), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, f.minted.pin), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, f.minted.client_secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(access_check(&f.w->core, PURPOSE, CREDENTIAL_KEY, f.minted.client_secret, f.w->a, &who),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(access_check(&f.w->core, PURPOSE, CREDENTIAL_KEY, pin, f.w->a, &who), ERR_UNAUTHENTICATED);
    EXPECT_ERR(access_check(&f.w->core, PURPOSE, CREDENTIAL_KEY, f.minted.client_id, f.w->a, &who),
               ERR_UNAUTHENTICATED);
}

TEST(applications_count_as_keys_of_their_user)
{
    PIN_FIXTURE(f);
    struct minted_application minted;
    const struct application_request request = { S("alice"), PURPOSE, { 0 } };
    f.w->core.options.user_max_keys = 2;
    EXPECT_OK(application_add(&f.w->core, &f.w->operator_, &request, f.w->a, &minted));
    EXPECT_ERR(application_add(&f.w->core, &f.w->operator_, &request, f.w->a, &minted), ERR_QUOTA);
}

TEST(a_callback_is_an_absolute_url_of_plain_characters)
{
    static const char *const good[] = {
        "https://a",   "http://a.b-c:8080",  "http://127.0.0.1:1/x", "https://[::1]:8/x?y=z",
        "https://a?x", "https://a/%41'()*!~"
    };
    static const char *const bad[] = { "",
                                       "a",
                                       "/a",
                                       "//a/b",
                                       "https:",
                                       "https://",
                                       "https:///x",
                                       "https:a",
                                       "ftp://a",
                                       "javascript://a/%0aalert(1)",
                                       "HTTPS://a",
                                       "https://user@a/",
                                       "https://user:p@a/",
                                       "https://a#x",
                                       "https://a/#",
                                       "https://a b/",
                                       "https://a/ b",
                                       "https://a/\r\nX: y",
                                       "https://a;x/",
                                       "https://a,b/",
                                       "https://a'/",
                                       "https://a:/",
                                       "https://a:123456/",
                                       "https://a:8x/",
                                       "https://[::1/",
                                       "https://[]/",
                                       "https://[g::]/",
                                       "https://a\\b",
                                       "https://a/\\b",
                                       "https://a/\"",
                                       "https://a/<",
                                       "https://a/>",
                                       "https://a/|",
                                       "https://a/\x7f",
                                       "https://a/\xc3\xa4",
                                       "https://\xc3\xa4/",
                                       "data:a",
                                       "https://*.a/",
                                       "https://a/{x}",
                                       " https://a" };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        if (!callback_is_valid(slice_of(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        if (callback_is_valid(slice_of(bad[i])))
            fail_msg("allowed: %s", bad[i]);
    char text[2001] = "https://a/";
    memset(text + 10, 'x', sizeof text - 10);
    EXPECT(callback_is_valid((slice){ text, 2000 }));
    EXPECT(!callback_is_valid((slice){ text, 2001 }));
    EXPECT(!callback_is_valid((slice){ "https://a/\0", 11 }));
    EXPECT_SLICE(callback_origin(S("https://a.b:80/x?y")), S("https://a.b:80"));
    EXPECT_SLICE(callback_origin(S("https://[::1]?y")), S("https://[::1]"));
}

TEST(a_bad_callback_or_one_too_many_makes_no_application)
{
    PIN_FIXTURE(f);
    struct minted_application minted;
    slice many[APPLICATION_CALLBACKS_MAX + 1];
    for (size_t i = 0; i < LENGTH_OF(many); i++)
        many[i] = HOME;
    struct application_request request = { S("alice"), PURPOSE, { (slice[]){ HOME, S("app:/x") }, 2 } };
    EXPECT_ERR(application_add(&f.w->core, &f.w->operator_, &request, f.w->a, &minted), ERR_INVALID);
    request.callbacks = (struct callback_list){ many, LENGTH_OF(many) };
    EXPECT_ERR(application_add(&f.w->core, &f.w->operator_, &request, f.w->a, &minted), ERR_INVALID);
    request.callbacks.count--;
    EXPECT_OK(application_add(&f.w->core, &f.w->operator_, &request, f.w->a, &minted));
    EXPECT_EQ(find(f.w, &minted).callbacks.count, APPLICATION_CALLBACKS_MAX);
}

TEST(a_browser_is_sent_to_a_callback_or_nowhere)
{
    REDIRECT_FIXTURE(f);
    static const char *const hostile[] = { "https://evil.example/back",
                                           "https://app.example.org/back/",
                                           "/back",
                                           "https://app.example.org/bac",
                                           "https://app.example.org/back?",
                                           "https://app.example.org@evil.example/back",
                                           "HTTPS://app.example.org/back",
                                           "https://app.example.org/back\n",
                                           " https://app.example.org/back",
                                           "https://app.example.org/back/../x",
                                           "//app.example.org/back" };
    slice to = S("unset");
    EXPECT_OK(application_redirect(&f.app, HOME, f.w->a, &to));
    EXPECT_SLICE(to, HOME);
    EXPECT_OK(application_redirect(&f.app, OTHER, f.w->a, &to));
    EXPECT_SLICE(to, OTHER);
    for (size_t i = 0; i < LENGTH_OF(hostile); i++)
        EXPECT_ERR(application_redirect(&f.app, slice_of(hostile[i]), f.w->a, &to), ERR_INVALID);
    EXPECT_ERR(application_redirect(&f.app, S(""), f.w->a, &to), ERR_INVALID); /* which of the two? */
    EXPECT_SLICE(to, OTHER);
}

TEST(a_single_callback_need_not_be_named)
{
    SCOPED(fixture_release) struct fixture f = fixture_new((slice[]){ HOME }, 1);
    slice to;
    EXPECT_OK(application_redirect(&f.app, S(""), f.w->a, &to));
    EXPECT_SLICE(to, HOME);
}

TEST(an_application_without_callbacks_sends_browsers_nowhere)
{
    PIN_FIXTURE(f);
    slice to = S("unset");
    EXPECT_OK(application_redirect(&f.app, S(""), f.w->a, &to));
    EXPECT_SLICE(to, S(""));
    EXPECT_ERR(application_redirect(&f.app, HOME, f.w->a, &to), ERR_INVALID);
}

TEST(a_callback_that_somebody_wrote_into_the_database_leads_nowhere)
{
    slice to, bad[] = { S("https://app.example.org/\r\nSet-Cookie: x"), S("javascript:alert(1)") };
    WORLD(w);
    struct application app = { .callbacks = { bad, 2 } };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(application_redirect(&app, bad[i], w->a, &to), ERR_INVALID);
    app.callbacks.count = 1;
    EXPECT_ERR(application_redirect(&app, S(""), w->a, &to), ERR_INVALID);
}

/* ---- PINs ---- */

TEST(a_pin_can_be_exchanged_again_and_both_tokens_are_valid)
{
    PIN_FIXTURE(f);
    slice pin = allow(&f, S("")), one = exchanged(&f, pin, S(""));
    world_wait(f.w, hours(24 * 400));
    slice two = exchanged(&f, pin, S(""));
    EXPECT_SLICE(login_of(&f, one), S("bob"));
    EXPECT_SLICE(login_of(&f, two), S("bob"));
    EXPECT(!slice_eq(one, two));
}

static size_t count_tokens(struct fixture *f, slice login)
{
    struct credential_list list;
    struct principal who = world_principal(f->w, login);
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_credential_list(tx, who.user_id, CREDENTIAL_TOKEN, f->w->a, &list));
    meta_read_end(tx);
    return list.count;
}

TEST(exchanging_a_pin_at_each_start_adds_no_records_without_end)
{
    PIN_FIXTURE(f);
    slice pin = allow(&f, S("")), tokens[30];
    for (size_t i = 0; i < LENGTH_OF(tokens); i++) {
        world_wait(f.w, 1);
        tokens[i] = exchanged(&f, pin, S(""));
    }
    EXPECT_EQ(count_tokens(&f, S("bob")), 5 + 1); /* and the PIN */
    for (size_t i = 0; i < LENGTH_OF(tokens); i++) {
        if (i < LENGTH_OF(tokens) - 5)
            EXPECT_ERR(use(&f, tokens[i]), ERR_UNAUTHENTICATED);
        else
            EXPECT_OK(use(&f, tokens[i]));
    }
}

TEST(no_exchange_displaces_the_token_that_came_with_the_application_or_tokens_of_others)
{
    PIN_FIXTURE(f);
    struct minted_application other = add(f.w, &(struct callback_list){ 0 });
    slice bob = exchanged(&f, allow(&f, S("")), S(""));
    for (int i = 0; i < 12; i++)
        exchanged(&f, f.minted.pin, S(""));
    EXPECT_OK(use(&f, f.minted.token));
    EXPECT_OK(use(&f, other.token));
    EXPECT_OK(use(&f, bob));
}

TEST(a_pin_is_bound_to_its_application_and_to_no_redirect)
{
    PIN_FIXTURE(f);
    struct fixture g = f;
    slice none = S("none"), pin = allow(&f, S(""));
    g.minted = add(f.w, &(struct callback_list){ 0 });
    g.app = find(f.w, &g.minted);
    EXPECT_ERR(exchange(&g, pin, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, pin, HOME, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, S("aaaaaaaaaaaaaaaaaaaa"), S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, S(""), S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_SLICE(none, S("none"));
    exchanged(&f, pin, S(""));
}

/* ---- codes ---- */

TEST(a_code_that_comes_twice_ends_the_token_of_the_first_exchange)
{
    REDIRECT_FIXTURE(f);
    slice none = S("none"), code = allow(&f, HOME), token = exchanged(&f, code, HOME);
    EXPECT_OK(use(&f, token));
    EXPECT_ERR(exchange(&f, code, HOME, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, token), ERR_REVOKED);
    EXPECT_ERR(exchange(&f, code, HOME, &none), ERR_UNAUTHENTICATED);
    EXPECT_SLICE(none, S("none"));
    EXPECT_EQ(world_event_count(f.w, S("code.replay")), 1);
    EXPECT_EQ(world_event_count(f.w, S("token.issue")), 1);
}

TEST(a_code_that_comes_again_after_its_time_still_ends_the_token)
{
    REDIRECT_FIXTURE(f);
    slice none, code = allow(&f, HOME), token = exchanged(&f, code, HOME);
    world_wait(f.w, minutes(60));
    EXPECT_ERR(exchange(&f, code, OTHER, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, token), ERR_REVOKED);
}

TEST(a_code_expires_at_exactly_ten_minutes)
{
    REDIRECT_FIXTURE(f);
    slice none, early = allow(&f, HOME), late = allow(&f, HOME);
    world_wait(f.w, minutes(10) - 1);
    exchanged(&f, early, HOME);
    world_wait(f.w, 1);
    EXPECT_ERR(exchange(&f, late, HOME, &none), ERR_UNAUTHENTICATED);
    EXPECT_EQ(world_event_count(f.w, S("code.replay")), 0);
}

TEST(a_code_is_exchanged_with_the_redirect_that_was_asked_for_only)
{
    REDIRECT_FIXTURE(f);
    slice none, code = allow(&f, HOME);
    EXPECT_ERR(exchange(&f, code, OTHER, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, code, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, code, S("https://app.example.org/back/"), &none), ERR_UNAUTHENTICATED);
    exchanged(&f, code, HOME);
}

TEST(a_challenge_asks_for_its_verifier)
{
    REDIRECT_FIXTURE(f);
    slice token;
    struct code_proof proof = { .code = allow_with(&f, HOME, CHALLENGE, false), .redirect = HOME };
    static const char *const wrong[] = { "", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                                         "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj", "x" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        proof.verifier = slice_of(wrong[i]);
        EXPECT_ERR(exchange_with(&f, &proof, &token), ERR_UNAUTHENTICATED);
    }
    proof.verifier = VERIFIER;
    EXPECT_OK(exchange_with(&f, &proof, &token));
    proof.code = allow_with(&f, HOME, VERIFIER, true); /* the verifier itself */
    EXPECT_OK(exchange_with(&f, &proof, &token));
}

TEST(a_verifier_without_a_challenge_is_refused)
{
    REDIRECT_FIXTURE(f);
    slice token;
    const struct code_proof proof = { .code = allow(&f, HOME), .redirect = HOME, .verifier = VERIFIER };
    EXPECT_ERR(exchange_with(&f, &proof, &token), ERR_UNAUTHENTICATED);
}

TEST(a_challenge_of_another_form_makes_no_code)
{
    REDIRECT_FIXTURE(f);
    struct principal bob = world_principal(f.w, S("bob"));
    slice code;
    struct code_request request = { &f.app, HOME, S("short"), true };
    EXPECT_ERR(code_issue(&f.w->core, &bob, &request, f.w->a, &code), ERR_INVALID);
    request = (struct code_request){ &f.app, HOME, S("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), false };
    EXPECT_ERR(code_issue(&f.w->core, &bob, &request, f.w->a, &code), ERR_INVALID);
    request.challenge = S("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMx");
    EXPECT_ERR(code_issue(&f.w->core, &bob, &request, f.w->a, &code), ERR_INVALID);
}

TEST(one_pin_too_many_ends_the_oldest_with_its_tokens)
{
    PIN_FIXTURE(f);
    slice none, oldest = allow(&f, S("")), of_oldest = exchanged(&f, oldest, S("")), second = { 0 };
    for (int i = 0; i < APPLICATION_CODES_MAX; i++) {
        world_wait(f.w, 1);
        slice pin = allow(&f, S(""));
        second = i ? second : pin;
    }
    EXPECT_ERR(exchange(&f, oldest, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, of_oldest), ERR_UNAUTHENTICATED);
    EXPECT_EQ(count_tokens(&f, S("bob")), APPLICATION_CODES_MAX);
    exchanged(&f, second, S(""));
    exchanged(&f, f.minted.pin, S("")); /* of another user */
}

/* ---- ends ---- */

TEST(revoking_the_key_ends_the_application_with_its_codes_and_tokens)
{
    PIN_FIXTURE(f);
    slice none, pin = allow(&f, S("")), token = exchanged(&f, pin, S(""));
    struct application app;
    struct principal bob = world_principal(f.w, S("bob"));
    const struct code_request request = { .application = &f.app };
    EXPECT_OK(key_revoke(&f.w->core, &f.w->operator_, f.minted.id, f.w->a));
    EXPECT_ERR(use(&f, token), ERR_REVOKED);
    EXPECT_ERR(use(&f, f.minted.token), ERR_REVOKED);
    EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, f.minted.pin, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(&f, f.minted.client_id, f.minted.client_secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(application_find(&f.w->core, PURPOSE, f.minted.client_id, f.w->a, &app), ERR_NOT_FOUND);
    EXPECT_ERR(code_issue(&f.w->core, &bob, &request, f.w->a, &none), ERR_NOT_FOUND);
    const struct application_token_request late = request_of(&f);
    EXPECT_ERR(token_for_owner(&f.w->core, &late, f.w->a, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_user(&f.w->core, &late, &bob, f.w->a, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &late, S("bob"), PASSWORD, f.w->a, &none), ERR_UNAUTHENTICATED);
}

TEST(what_ends_the_tokens_of_a_user_ends_the_codes)
{
    static const enum user_state ends[] = { USER_DISABLED, USER_DELETED };
    PIN_FIXTURE(f);
    slice none;
    slice pin = allow(&f, S("")), token = exchanged(&f, pin, S(""));
    EXPECT_OK(user_set_password(&f.w->core, &f.w->operator_, S("bob"), PASSWORD, f.w->a));
    EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(&f, token), ERR_REVOKED);
    for (size_t i = 0; i < LENGTH_OF(ends); i++) {
        pin = allow(&f, S(""));
        token = exchanged(&f, pin, S(""));
        EXPECT_OK(user_set_state(&f.w->core, &f.w->operator_, S("bob"), ends[i], f.w->a));
        EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
        EXPECT_ERR(use(&f, token), ERR_REVOKED);
        if (ends[i] == USER_DISABLED)
            EXPECT_OK(user_set_state(&f.w->core, &f.w->operator_, S("bob"), USER_ACTIVE, f.w->a));
        EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
    }
    EXPECT_OK(use(&f, f.minted.token)); /* alice's */
}

TEST(an_application_rests_while_its_owner_is_disabled)
{
    PIN_FIXTURE(f);
    slice none, pin = allow(&f, S(""));
    EXPECT_OK(user_set_state(&f.w->core, &f.w->operator_, S("alice"), USER_DISABLED, f.w->a));
    EXPECT_ERR(check(&f, f.minted.client_id, f.minted.client_secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
    EXPECT_OK(user_set_state(&f.w->core, &f.w->operator_, S("alice"), USER_ACTIVE, f.w->a));
    EXPECT_OK(check(&f, f.minted.client_id, f.minted.client_secret));
    exchanged(&f, pin, S(""));
}

TEST(records_of_codes_that_have_ended_are_removed)
{
    REDIRECT_FIXTURE(f);
    slice used = allow(&f, HOME), token = exchanged(&f, used, HOME);
    allow(&f, HOME);
    EXPECT_EQ(count_tokens(&f, S("bob")), 3);
    world_wait(f.w, hours(24 * 8));
    world_run_jobs(f.w);
    EXPECT_EQ(count_tokens(&f, S("bob")), 2); /* a token lives, and with it the record of its code */
    EXPECT_OK(use(&f, token));
}

/* ---- the other ways to a token ---- */

TEST(a_password_gives_a_token_by_login_and_by_address)
{
    PIN_FIXTURE(f);
    slice token = S("none");
    struct user carol;
    const struct user_request carols = { .login = S("carol"), .email = S("Carol@example.org") };
    const struct application_token_request request = request_of(&f);
    EXPECT_OK(user_create(&f.w->core, &f.w->operator_, &carols, f.w->a, &carol));
    EXPECT_OK(user_set_password(&f.w->core, &f.w->operator_, S("carol"), PASSWORD, f.w->a));
    EXPECT_OK(token_for_password(&f.w->core, &request, S("bob"), PASSWORD, f.w->a, &token));
    EXPECT_SLICE(login_of(&f, token), S("bob"));
    EXPECT_OK(token_for_password(&f.w->core, &request, S("carol@example.org"), PASSWORD, f.w->a, &token));
    EXPECT_SLICE(login_of(&f, token), S("carol"));
    EXPECT_ERR(token_for_password(&f.w->core, &request, S("bob"), S("wrong guess"), f.w->a, &token),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &request, S("nobody"), PASSWORD, f.w->a, &token), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &request, S(""), S(""), f.w->a, &token), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &request, S("\xff"), PASSWORD, f.w->a, &token), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &request, S("operator"), S(""), f.w->a, &token), ERR_UNAUTHENTICATED);
    EXPECT_SLICE(login_of(&f, token), S("carol"));
}

TEST(an_application_acts_for_its_owner_and_for_whoever_allows_it)
{
    PIN_FIXTURE(f);
    slice token;
    const struct token_policy hour = { hours(1), 5 };
    struct principal bob = world_principal(f.w, S("bob"));
    struct application_token_request request = request_of(&f);
    EXPECT_OK(token_for_owner(&f.w->core, &request, f.w->a, &token));
    EXPECT_SLICE(login_of(&f, token), S("alice"));
    request.policy = &hour;
    EXPECT_OK(token_for_user(&f.w->core, &request, &bob, f.w->a, &token));
    EXPECT_SLICE(login_of(&f, token), S("bob"));
    world_wait(f.w, hours(1) - 1);
    EXPECT_OK(use(&f, token));
    world_wait(f.w, 1);
    EXPECT_ERR(use(&f, token), ERR_EXPIRED);
}

TEST(nobody_of_another_account_uses_an_application)
{
    PIN_FIXTURE(f);
    struct account branch;
    struct user mallory;
    slice none = S("none");
    const struct user_request mallorys = { .account = S("branch"), .login = S("mallory"), .email = S("m@example.org") };
    EXPECT_OK(account_create(&f.w->core, &f.w->operator_, S("branch"), f.w->a, &branch));
    EXPECT_OK(user_create(&f.w->core, &f.w->operator_, &mallorys, f.w->a, &mallory));
    EXPECT_OK(user_set_password(&f.w->core, &f.w->operator_, S("mallory"), PASSWORD, f.w->a));
    struct principal who = world_principal(f.w, S("mallory"));
    const struct code_request request = { .application = &f.app };
    const struct application_token_request token = request_of(&f);
    EXPECT_ERR(code_issue(&f.w->core, &who, &request, f.w->a, &none), ERR_NOT_FOUND);
    EXPECT_ERR(token_for_user(&f.w->core, &token, &who, f.w->a, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &token, S("mallory"), PASSWORD, f.w->a, &none), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_for_password(&f.w->core, &token, S("m@example.org"), PASSWORD, f.w->a, &none),
               ERR_UNAUTHENTICATED);
    EXPECT_SLICE(none, S("none"));
}

TEST(who_was_logged_out_allows_nothing_any_more)
{
    PIN_FIXTURE(f);
    slice secret, none;
    struct principal bob;
    const struct session_request session = { .purpose = S("pages"), .login = { S("bob"), PASSWORD, S("") } };
    const struct code_request request = { .application = &f.app };
    const struct application_token_request token = request_of(&f);
    EXPECT_OK(session_begin(&f.w->core, &session, f.w->a, &secret, &bob));
    EXPECT_OK(code_issue(&f.w->core, &bob, &request, f.w->a, &none));
    EXPECT_OK(session_end(&f.w->core, &bob, f.w->a));
    EXPECT_ERR(code_issue(&f.w->core, &bob, &request, f.w->a, &none), ERR_REVOKED);
    EXPECT_ERR(token_for_user(&f.w->core, &token, &bob, f.w->a, &none), ERR_REVOKED);
}

/* Random numbers that are asked for between the check and the write: then something ends. */
struct interrupting_random {
    struct random random;
    struct fixture *f;
    void (*interrupt)(struct fixture *);
};

static void fill_and_interrupt(struct random *random, void *bytes, size_t n)
{
    struct interrupting_random *r = CONTAINER_OF(random, struct interrupting_random, random);
    void (*interrupt)(struct fixture *) = r->interrupt;
    random_fill(&r->f->w->random.random, bytes, n);
    r->interrupt = NULL;
    if (interrupt)
        interrupt(r->f);
}

static void change_password(struct fixture *f)
{
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("bob"), S("battery staple"), f->w->a));
}

static void revoke_application(struct fixture *f)
{
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, f->minted.id, f->w->a));
}

static void disable_bob(struct fixture *f)
{
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("bob"), USER_DISABLED, f->w->a));
}

TEST(a_token_does_not_outlive_what_ended_while_it_was_made)
{
    void (*const interrupts[])(struct fixture *) = { change_password, revoke_application, disable_bob };
    for (size_t i = 0; i < LENGTH_OF(interrupts); i++) {
        PIN_FIXTURE(f);
        slice none = S("none"), pin = allow(&f, S(""));
        const struct application_token_request request = request_of(&f);
        struct interrupting_random random = { { fill_and_interrupt }, &f, interrupts[i] };
        f.w->core.random = &random.random;
        EXPECT_ERR(token_for_password(&f.w->core, &request, S("bob"), PASSWORD, f.w->a, &none), ERR_UNAUTHENTICATED);
        f.w->core.random = &f.w->random.random;
        EXPECT_SLICE(none, S("none"));
        EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
    }
    for (size_t i = 0; i < LENGTH_OF(interrupts); i++) {
        PIN_FIXTURE(f);
        slice none = S("none"), pin = allow(&f, S(""));
        struct interrupting_random random = { { fill_and_interrupt }, &f, interrupts[i] };
        f.w->core.random = &random.random;
        EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_UNAUTHENTICATED);
        f.w->core.random = &f.w->random.random;
        EXPECT_SLICE(none, S("none"));
    }
}

static void exchange_first(struct fixture *f)
{
    struct arena *a = f->w->a;
    slice token, code = arena_copy(a, f->minted.pin); /* the test put the code there */
    EXPECT_OK(exchange(f, code, HOME, &token));
    f->minted.token = token;
}

TEST(of_two_exchanges_of_a_code_at_once_neither_token_lives)
{
    REDIRECT_FIXTURE(f);
    slice none = S("none"), code = allow(&f, HOME);
    struct interrupting_random random = { { fill_and_interrupt }, &f, exchange_first };
    f.minted.pin = code;
    f.w->core.random = &random.random;
    EXPECT_ERR(exchange(&f, code, HOME, &none), ERR_UNAUTHENTICATED);
    EXPECT_SLICE(none, S("none"));
    EXPECT_ERR(use(&f, f.minted.token), ERR_REVOKED);
    f.w->core.random = &f.w->random.random;
}

/* ---- guesses ---- */

TEST(a_secret_guessed_ten_thousand_times_is_refused_soon)
{
    PIN_FIXTURE(f);
    limit_guesses(&f);
    int checked = 0;
    for (int i = 0; i < 10000; i++) {
        SCRATCH(a);
        struct application app;
        const struct application_proof proof = { PURPOSE, f.minted.client_id, S("a wrong guess"), ADDRESS };
        err_t e = application_check(&f.w->core, &proof, &a, &app);
        EXPECT(err_is(e, i < 10 ? ERR_UNAUTHENTICATED : ERR_RATE));
        checked += err_is(e, ERR_UNAUTHENTICATED);
    }
    EXPECT_EQ(checked, 10);
    EXPECT_ERR(check(&f, f.minted.client_id, f.minted.client_secret), ERR_RATE);
    struct application app;
    const struct application_proof elsewhere = { PURPOSE, f.minted.client_id, f.minted.client_secret,
                                                 S("198.51.100.1") };
    EXPECT_OK(application_check(&f.w->core, &elsewhere, f.w->a, &app)); /* others are not kept out */
    world_wait(f.w, minutes(10));
    EXPECT_OK(check(&f, f.minted.client_id, f.minted.client_secret));
}

TEST(a_code_guessed_ten_thousand_times_is_refused_soon)
{
    PIN_FIXTURE(f);
    limit_guesses(&f);
    slice none = S("none"), pin = allow(&f, S(""));
    int checked = 0;
    for (int i = 0; i < 10000; i++) {
        SCRATCH(a);
        const struct application_token_request request = request_of(&f);
        const struct code_proof proof = { .code = arena_printf(&a, "%020d", i) };
        err_t e = token_for_code(&f.w->core, &request, &proof, &a, &none);
        EXPECT(err_is(e, i < 10 ? ERR_UNAUTHENTICATED : ERR_RATE));
        checked += err_is(e, ERR_UNAUTHENTICATED);
    }
    EXPECT_EQ(checked, 10);
    EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_RATE);
    struct application_token_request elsewhere = request_of(&f);
    elsewhere.address = S("198.51.100.1");
    EXPECT_OK(token_for_code(&f.w->core, &elsewhere, &(struct code_proof){ .code = pin }, f.w->a, &none));
    world_wait(f.w, minutes(10));
    exchanged(&f, pin, S(""));
}

TEST(exchanges_of_one_user_are_limited_however_right_they_are)
{
    PIN_FIXTURE(f);
    limit_guesses(&f);
    login_limit_free(f.w->core.logins);
    f.w->core.options.logins.per_user = 3;
    f.w->core.logins = login_limit_new(&f.w->core.options.logins, f.w->core.clock, f.w->core.random);
    slice none, pin = allow(&f, S(""));
    for (int i = 0; i < 3; i++)
        exchanged(&f, pin, S(""));
    EXPECT_ERR(exchange(&f, pin, S(""), &none), ERR_RATE);
    exchanged(&f, f.minted.pin, S("")); /* of another user */
}

/* ---- secrets ---- */

TEST(no_secret_of_an_application_is_stored)
{
    REDIRECT_FIXTURE(f);
    slice code = allow_with(&f, HOME, VERIFIER, true), token;
    const struct code_proof proof = { code, HOME, VERIFIER };
    EXPECT_OK(exchange_with(&f, &proof, &token));
    const slice secrets[] = { f.minted.client_secret, f.minted.token, f.minted.pin, code, token, VERIFIER };
    slice image = world_image(f.w);
    for (size_t i = 0; i < LENGTH_OF(secrets); i++)
        EXPECT(slice_find(image, secrets[i]) == SLICE_NONE);
    EXPECT(slice_find(image, f.minted.client_id) != SLICE_NONE);
    free((char *)image.p);
}

TEST(the_audit_log_names_who_allowed_what_to_which_application)
{
    PIN_FIXTURE(f);
    struct event_list events;
    exchanged(&f, allow(&f, S("")), S(""));
    EXPECT_OK(event_list(&f.w->core, 0, 2, f.w->a, &events));
    struct principal bob = world_principal(f.w, S("bob"));
    slice key = arena_printf(f.w->a, "key:%lld", (long long)f.minted.id);
    EXPECT_SLICE(events.items[0].action, S("token.issue"));
    EXPECT_SLICE(events.items[0].subject, key);
    EXPECT_EQ(events.items[0].actor_id, bob.user_id);
    EXPECT_SLICE(events.items[0].request_id, S("0123456789abcdef"));
    EXPECT_SLICE(events.items[1].action, S("code.issue"));
    EXPECT_SLICE(events.items[1].subject, key);
    EXPECT_EQ(events.items[1].actor_id, bob.user_id);
    EXPECT_SLICE(events.items[1].detail, S("pin"));
}

/* ---- failures of the store ---- */

struct attempt {
    struct fixture *f;
    slice pin, code;
    struct principal bob;
};

static err_t try_all(struct attempt *t)
{
    struct core *core = &t->f->w->core;
    struct arena *a = t->f->w->a;
    struct minted_application minted;
    slice none;
    struct application app;
    const struct application_request add_request = { S("alice"), PURPOSE, { (slice[]){ HOME }, 1 } };
    const struct application_proof proof = { PURPOSE, t->f->minted.client_id, t->f->minted.client_secret, ADDRESS };
    const struct code_request code = { .application = &t->f->app };
    const struct application_token_request request = request_of(t->f);
    TRY(application_check(core, &proof, a, &app));
    TRY(application_add(core, &t->f->w->operator_, &add_request, a, &minted));
    TRY(code_issue(core, &t->bob, &code, a, &t->code));
    TRY(token_for_code(core, &request, &(struct code_proof){ .code = t->pin }, a, &none));
    TRY(token_for_user(core, &request, &t->bob, a, &none));
    TRY(token_for_password(core, &request, S("bob"), PASSWORD, a, &none));
    return token_for_owner(core, &request, a, &none);
}

TEST(a_failing_store_refuses_and_is_never_taken_for_a_wrong_secret)
{
    PIN_FIXTURE(f);
    struct attempt t = { .f = &f, .pin = f.minted.pin, .bob = world_principal(f.w, S("bob")) };
    err_t e = NULL;
    int failures = 0;
    for (int n = 1; n < 2000; n++) {
        f.w->faults.fail_count = 1;
        f.w->faults.fail_at = f.w->faults.calls + n;
        e = try_all(&t);
        bool was_reached = f.w->faults.calls >= f.w->faults.fail_at;
        f.w->faults.fail_at = 0;
        if (!was_reached)
            break;
        EXPECT(!e || err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_NO_SPACE));
        failures += e != NULL;
    }
    EXPECT_OK(e);
    EXPECT(failures > 20);
    exchanged(&f, t.pin, S(""));
    EXPECT_OK(use(&f, f.minted.token));
}

RUN_TESTS(cmocka_unit_test(what_comes_with_an_application_works_for_its_owner),
          cmocka_unit_test(the_list_of_keys_names_applications),
          cmocka_unit_test(an_application_is_found_by_its_own_purpose_only),
          cmocka_unit_test(a_wrong_secret_and_an_unknown_application_are_refused_alike),
          cmocka_unit_test(a_code_or_the_secret_of_an_application_is_no_token),
          cmocka_unit_test(applications_count_as_keys_of_their_user),
          cmocka_unit_test(a_callback_is_an_absolute_url_of_plain_characters),
          cmocka_unit_test(a_bad_callback_or_one_too_many_makes_no_application),
          cmocka_unit_test(a_browser_is_sent_to_a_callback_or_nowhere),
          cmocka_unit_test(a_single_callback_need_not_be_named),
          cmocka_unit_test(an_application_without_callbacks_sends_browsers_nowhere),
          cmocka_unit_test(a_callback_that_somebody_wrote_into_the_database_leads_nowhere),
          cmocka_unit_test(a_pin_can_be_exchanged_again_and_both_tokens_are_valid),
          cmocka_unit_test(exchanging_a_pin_at_each_start_adds_no_records_without_end),
          cmocka_unit_test(no_exchange_displaces_the_token_that_came_with_the_application_or_tokens_of_others),
          cmocka_unit_test(a_pin_is_bound_to_its_application_and_to_no_redirect),
          cmocka_unit_test(a_code_that_comes_twice_ends_the_token_of_the_first_exchange),
          cmocka_unit_test(a_code_that_comes_again_after_its_time_still_ends_the_token),
          cmocka_unit_test(a_code_expires_at_exactly_ten_minutes),
          cmocka_unit_test(a_code_is_exchanged_with_the_redirect_that_was_asked_for_only),
          cmocka_unit_test(a_challenge_asks_for_its_verifier),
          cmocka_unit_test(a_verifier_without_a_challenge_is_refused),
          cmocka_unit_test(a_challenge_of_another_form_makes_no_code),
          cmocka_unit_test(one_pin_too_many_ends_the_oldest_with_its_tokens),
          cmocka_unit_test(revoking_the_key_ends_the_application_with_its_codes_and_tokens),
          cmocka_unit_test(what_ends_the_tokens_of_a_user_ends_the_codes),
          cmocka_unit_test(an_application_rests_while_its_owner_is_disabled),
          cmocka_unit_test(records_of_codes_that_have_ended_are_removed),
          cmocka_unit_test(a_password_gives_a_token_by_login_and_by_address),
          cmocka_unit_test(an_application_acts_for_its_owner_and_for_whoever_allows_it),
          cmocka_unit_test(nobody_of_another_account_uses_an_application),
          cmocka_unit_test(who_was_logged_out_allows_nothing_any_more),
          cmocka_unit_test(a_token_does_not_outlive_what_ended_while_it_was_made),
          cmocka_unit_test(of_two_exchanges_of_a_code_at_once_neither_token_lives),
          cmocka_unit_test(a_secret_guessed_ten_thousand_times_is_refused_soon),
          cmocka_unit_test(a_code_guessed_ten_thousand_times_is_refused_soon),
          cmocka_unit_test(exchanges_of_one_user_are_limited_however_right_they_are),
          cmocka_unit_test(no_secret_of_an_application_is_stored),
          cmocka_unit_test(the_audit_log_names_who_allowed_what_to_which_application),
          cmocka_unit_test(a_failing_store_refuses_and_is_never_taken_for_a_wrong_secret))

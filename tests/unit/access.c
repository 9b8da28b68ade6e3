/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "base/password.h"
#include "core/access/key_use.h"
#include "core/grant.h"
#include "core/records/event.h"
#include "core/store/credential_store.h"
#include "core/store/event_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <pthread.h>
#include <string.h>

/* The purpose of the credentials in these tests. */
#define API S("api")

static const struct token_policy policy = { .lifetime_ms = 24 * 3600 * 1000, .per_user = 100 };

static err_t check(struct world *w, enum credential_form form, slice secret)
{
    struct principal who;
    return access_check(&w->core, API, form, secret, w->a, &who);
}

static slice token(struct world *w, slice login, slice key)
{
    slice ret;
    EXPECT_OK(token_issue(&w->core, &(struct token_request){ API, login, key, S(""), &policy }, w->a, &ret));
    return ret;
}

TEST(bootstrap_makes_the_default_account_and_the_operator)
{
    WORLD(w);
    EXPECT_OK(access_bootstrap(&w->core, w->a)); /* the second time there is nothing to make */
    EXPECT(w->operator_.is_admin && w->operator_.credential_id == 0);
    EXPECT_SLICE(w->operator_.login, S("operator"));
    struct principal who;
    EXPECT_ERR(access_operator(&w->core, S("nowhere"), w->a, &who), ERR_NOT_FOUND);
    EXPECT_ERR(user_set_state(&w->core, &w->operator_, S("operator"), USER_DELETED, w->a), ERR_FORBIDDEN);
}

TEST(names_of_accounts_and_users_must_follow_their_rules)
{
    WORLD(w);
    struct account account;
    struct user user;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme.eu_1-x"), w->a, &account));
    EXPECT_ERR(account_create(&w->core, &w->operator_, S("acme.eu_1-x"), w->a, &account), ERR_CONFLICT);
    EXPECT_ERR(account_create(&w->core, &w->operator_, S(""), w->a, &account), ERR_INVALID);
    EXPECT_ERR(account_create(&w->core, &w->operator_, S("a b"), w->a, &account), ERR_INVALID);
    EXPECT_ERR(account_create(&w->core, &w->operator_, world_bytes(w, 65), w->a, &account), ERR_INVALID);
    struct user_request request = { .login = S("a b") };
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_INVALID);
    request.login = S("a\x01");
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_INVALID);
    request.login = S("\xff");
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_INVALID);
    request.login = S("анна@example.org");
    EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &user));
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_CONFLICT);
    request = (struct user_request){ .login = S("x"), .account = S("nowhere") };
    EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_NOT_FOUND);
    EXPECT_EQ(world_event_count(w, S("user.create")), 1);
}

TEST(a_login_has_no_characters_that_nobody_sees)
{
    WORLD(w);
    struct user user;
    static const char *const refused[] = {
        "ana\u202e",
        "\u202dana",
        "a\u2066na\u2069",
        "ana\u200f",
        "an\u200ba",
        "an\u200da",
        "ana\ufeff",
        "a\u00adna",
        "ana\u2060",
        "a\u061cna",
        "ana\u3164",
        "ana\ufe0f",
        "an\u034fa",
        "a\u180ena",
        "ana\U000e0041",
        "ana\u2003souza",
        "a\u3000b",
        "a\u2028b",
        "a\xc2\x85z",
        "a\u00a0b",
        "a\xe2\x80",
        "a b",
        "",
    };
    for (size_t i = 0; i < LENGTH_OF(refused); i++) {
        const struct user_request request = { .login = slice_of(refused[i]) };
        EXPECT_ERR(user_create(&w->core, &w->operator_, &request, w->a, &user), ERR_INVALID);
        const struct user_request by_address = { .login = S("eva"), .email = slice_of(refused[i]) };
        if (i < 15)
            EXPECT_ERR(user_create(&w->core, &w->operator_, &by_address, w->a, &user), ERR_INVALID);
    }
    static const char *const taken[] = { "ana@example.org", "анна", "安娜", "ანა", "आना", "أنا", "a-b_c.d+e", "zoë" };
    for (size_t i = 0; i < LENGTH_OF(taken); i++) {
        const struct user_request request = { .login = slice_of(taken[i]), .email = slice_of(taken[i]) };
        EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &user));
    }
}

static err_t add_old_user(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct user *user = arg;
    return meta_user_add(tx, user, a, &user->id);
}

TEST(a_login_of_an_older_version_goes_on_working)
{
    WORLD(w);
    struct user old = { .account_id = w->operator_.account_id, .login = S("ana\u202e") }, found;
    struct principal who;
    EXPECT_OK(meta_write(w->core.meta, add_old_user, &old, w->a));
    slice key = world_key(w, old.login, API);
    EXPECT_OK(access_check(&w->core, API, CREDENTIAL_KEY, key, w->a, &who));
    EXPECT_SLICE(who.login, old.login);
    EXPECT_OK(user_set_password(&w->core, &w->operator_, old.login, S("correct horse"), w->a));
    const struct password_login login = { old.login, S("correct horse"), S("") };
    EXPECT_OK(user_check_password(&w->core, &login, w->a, &found));
}

TEST(an_account_had_any_number_of_users)
{
    WORLD(w);
    struct user user;
    struct account account;
    w->core.options.account_max_users = 3;
    world_user(w, S("alice")); /* the operator is of this account, too */
    world_user(w, S("bob"));
    err_t e = user_create(&w->core, &w->operator_, &(struct user_request){ .login = S("carl") }, w->a, &user);
    EXPECT_ERR(e, ERR_QUOTA);
    EXPECT(slice_find(slice_of(e->msg), S("accounts.max_users")) != SLICE_NONE);
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &account));
    const struct user_request other = { .login = S("carl"), .account = S("acme") };
    EXPECT_OK(user_create(&w->core, &w->operator_, &other, w->a, &user)); /* each account has its own */
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    EXPECT_ERR(user_create(&w->core, &w->operator_, &(struct user_request){ .login = S("dora") }, w->a, &user),
               ERR_QUOTA);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DELETED, w->a));
    EXPECT_OK(user_create(&w->core, &w->operator_, &(struct user_request){ .login = S("dora") }, w->a, &user));
    w->core.options.account_max_users = 0;
    EXPECT_OK(user_create(&w->core, &w->operator_, &(struct user_request){ .login = S("emil") }, w->a, &user));
}

TEST(a_key_authenticates_its_user_for_its_purpose_only)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), who;
    slice key = world_key(w, S("alice"), API);
    EXPECT_EQ(key.n, 43);
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        EXPECT_OK(access_check(&w->core, API, CREDENTIAL_KEY, key, w->a, &who));
        EXPECT_EQ(who.user_id, alice.user_id);
        EXPECT_SLICE(who.login, S("alice"));
        EXPECT(!who.is_admin && who.credential_id > 0);
        EXPECT_ERR(access_check(&w->core, S("other"), CREDENTIAL_KEY, key, w->a, &who), ERR_UNAUTHENTICATED);
        EXPECT_ERR(access_check(&w->core, API, CREDENTIAL_TOKEN, key, w->a, &who), ERR_UNAUTHENTICATED);
        EXPECT_ERR(access_check(&w->core, API, CREDENTIAL_KEY, S(""), w->a, &who), ERR_UNAUTHENTICATED);
    }
}

static int64_t last_use(struct world *w, slice login)
{
    struct key_info_list keys;
    EXPECT_OK(key_list(&w->core, login, ALL_IDS, w->a, &keys));
    EXPECT_EQ(keys.count, 1);
    return keys.items[0].key.used_at_ms;
}

/* What the record says, without what is noted in memory. */
static int64_t written_use(struct world *w, slice login)
{
    struct key_info_list keys;
    struct credential c;
    EXPECT_OK(key_list(&w->core, login, ALL_IDS, w->a, &keys));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    EXPECT_OK(meta_read_begin(w->core.meta, w->a, &tx));
    EXPECT_OK(meta_credential_get(tx, keys.items[0].key.id, w->a, &c));
    return c.used_at_ms;
}

TEST(the_last_use_of_a_key_is_shown_at_once_and_written_with_others)
{
    WORLD(w);
    int64_t count;
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    slice key = world_key(w, S("alice"), API), other = world_key(w, S("bob"), API);
    EXPECT_EQ(last_use(w, S("alice")), 0);
    uint64_t generation = meta_generation(w->core.meta);
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
    EXPECT_EQ(last_use(w, S("alice")), WORLD_START_MS);
    EXPECT_EQ(written_use(w, S("alice")), 0); /* a request that reads writes nothing */
    world_wait(w, minutes(2));
    slice made = token(w, S("alice"), key);
    EXPECT_OK(check(w, CREDENTIAL_TOKEN, made)); /* it is a use of the key that it was made from */
    EXPECT_OK(check(w, CREDENTIAL_KEY, other));
    EXPECT_EQ(last_use(w, S("alice")), WORLD_START_MS + minutes(2));
    EXPECT_OK(key_use_write(&w->core, w->a, &count));
    EXPECT_EQ(count, 2);
    EXPECT_EQ(written_use(w, S("alice")), WORLD_START_MS + minutes(2));
    EXPECT_OK(key_use_write(&w->core, w->a, &count));
    EXPECT_EQ(count, 0);
    EXPECT_EQ(last_use(w, S("alice")), WORLD_START_MS + minutes(2));
    EXPECT_EQ(meta_generation(w->core.meta), generation); /* no cached key has to be read again */
    EXPECT_ERR(check(w, CREDENTIAL_KEY, S("wrong")), ERR_UNAUTHENTICATED);
    world_wait(w, minutes(3));
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(written_use(w, S("alice")), WORLD_START_MS + minutes(5));
}

TEST(a_user_had_any_number_of_keys)
{
    WORLD(w);
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    w->core.options.user_max_keys = 3;
    struct key_request request = { S("alice"), API };
    struct minted_key minted, unused;
    EXPECT_OK(key_mint_pair(&w->core, &w->operator_, &request, w->a, &minted)); /* its token is no key */
    EXPECT_OK(key_mint(&w->core, &w->operator_, &request, w->a, &unused));
    EXPECT_OK(key_mint_signing(&w->core, &w->operator_, &(struct key_request){ S("alice"), S("b") }, w->a, &unused));
    err_t e = key_mint(&w->core, &w->operator_, &request, w->a, &unused);
    EXPECT_ERR(e, ERR_QUOTA);
    EXPECT(slice_find(slice_of(e->msg), S("accounts.max_keys")) != SLICE_NONE);
    EXPECT_OK(key_mint(&w->core, &w->operator_, &(struct key_request){ S("bob"), API }, w->a, &unused));
    for (int i = 0; i < 4; i++) /* the operator, for whom the server makes keys, has no limit */
        EXPECT_OK(key_mint(&w->core, &w->operator_, &(struct key_request){ S("operator"), API }, w->a, &unused));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, minted.id, w->a));
    EXPECT_OK(key_mint(&w->core, &w->operator_, &request, w->a, &unused));
    EXPECT_ERR(key_mint(&w->core, &w->operator_, &request, w->a, &unused), ERR_QUOTA);
}

TEST(filebrowser_5216_a_revoked_key_is_refused_from_the_moment_it_is_acknowledged)
{
    WORLD(w);
    world_user(w, S("alice"));
    struct minted_key minted;
    EXPECT_OK(key_mint(&w->core, &w->operator_, &(struct key_request){ S("alice"), API }, w->a, &minted));
    slice key = minted.key, t = token(w, S("alice"), key);
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
    EXPECT_OK(check(w, CREDENTIAL_TOKEN, t));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, minted.id, w->a));
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_REVOKED);
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_REVOKED);
    slice again;
    EXPECT_ERR(token_issue(&w->core, &(struct token_request){ API, S("alice"), key, S(""), &policy }, w->a, &again),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(key_revoke(&w->core, &w->operator_, 999, w->a), ERR_NOT_FOUND);
}

TEST(a_token_expires_at_exactly_its_time_cached_or_not)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice t = token(w, S("alice"), world_key(w, S("alice"), API));
    for (size_t i = 0; i < t.n; i++)
        EXPECT(t.p[i] != '.');
    EXPECT_OK(check(w, CREDENTIAL_TOKEN, t));
    world_wait(w, policy.lifetime_ms - 1);
    EXPECT_OK(check(w, CREDENTIAL_TOKEN, t));
    world_wait(w, 1);
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_EXPIRED);
    world_user(w, S("bob")); /* a write may have begun another generation, so the token is read again */
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_EXPIRED);
}

TEST(a_clock_set_back_does_not_revive_an_expired_token)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice t = token(w, S("alice"), world_key(w, S("alice"), API));
    world_wait(w, policy.lifetime_ms);
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_EXPIRED);
    world_wait(w, -hours(5));
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_EXPIRED);
}

TEST(the_101st_token_revokes_the_oldest)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API), tokens[101];
    for (int i = 0; i < 101; i++) {
        tokens[i] = token(w, S("alice"), key);
        world_wait(w, 1);
        if (i == 99)
            EXPECT_OK(check(w, CREDENTIAL_TOKEN, tokens[0]));
    }
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, tokens[0]), ERR_REVOKED);
    for (int i = 1; i < 101; i++)
        EXPECT_OK(check(w, CREDENTIAL_TOKEN, tokens[i]));
}

TEST(disabling_a_user_revokes_tokens_and_blocks_keys_until_it_is_enabled)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API), t = token(w, S("alice"), key), none;
    struct minted_key minted;
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_BLOCKED);
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_REVOKED);
    EXPECT_ERR(token_issue(&w->core, &(struct token_request){ API, S("alice"), key, S(""), &policy }, w->a, &none),
               ERR_BLOCKED);
    EXPECT_ERR(key_mint(&w->core, &w->operator_, &(struct key_request){ S("alice"), API }, w->a, &minted),
               ERR_CONFLICT);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_REVOKED);
}

TEST(deleting_a_user_revokes_its_keys_frees_its_login_and_keeps_its_files)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), boss = world_admin(w, S("boss"));
    slice key = world_key(w, S("alice"), API), t = token(w, S("alice"), key), bytes;
    struct file f = world_store(w, &alice, S("a.txt"), S("hello"), 0);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DELETED, w->a));
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_REVOKED);
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_REVOKED);
    EXPECT_ERR(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a), ERR_NOT_FOUND);
    struct principal second = world_user(w, S("alice"));
    EXPECT(second.user_id != alice.user_id);
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_REVOKED);
    EXPECT_ERR(world_read(w, &second, &f, &bytes), ERR_NOT_FOUND);
    EXPECT_OK(world_read(w, &boss, &f, &bytes));
    EXPECT_SLICE(bytes, S("hello"));
}

TEST(a_token_is_issued_only_for_the_login_of_the_key)
{
    WORLD(w);
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    slice key = world_key(w, S("alice"), API), none;
    EXPECT_ERR(token_issue(&w->core, &(struct token_request){ API, S("bob"), key, S(""), &policy }, w->a, &none),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_issue(&w->core, &(struct token_request){ API, S("nobody"), key, S(""), &policy }, w->a, &none),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(
        token_issue(&w->core, &(struct token_request){ API, S("alice"), S("guess"), S(""), &policy }, w->a, &none),
        ERR_UNAUTHENTICATED);
    EXPECT_ERR(
        token_issue(&w->core, &(struct token_request){ S("other"), S("alice"), key, S(""), &policy }, w->a, &none),
        ERR_UNAUTHENTICATED);
}

TEST(a_changed_password_revokes_tokens_and_the_old_one_is_refused)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice t = token(w, S("alice"), world_key(w, S("alice"), API));
    struct user user;
    EXPECT_ERR(user_set_password(&w->core, &w->operator_, S("alice"), S("short77"), w->a), ERR_INVALID);
    EXPECT_ERR(user_check_password(&w->core, &(struct password_login){ S("alice"), S(""), S("") }, w->a, &user),
               ERR_UNAUTHENTICATED); /* no password is set */
    EXPECT_OK(check(w, CREDENTIAL_TOKEN, t));
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("alice"), S("correct horse"), w->a));
    EXPECT_ERR(check(w, CREDENTIAL_TOKEN, t), ERR_REVOKED);
    EXPECT_OK(
        user_check_password(&w->core, &(struct password_login){ S("alice"), S("correct horse"), S("") }, w->a, &user));
    EXPECT_SLICE(user.login, S("alice"));
    EXPECT_ERR(
        user_check_password(&w->core, &(struct password_login){ S("alice"), S("correct horsf"), S("") }, w->a, &user),
        ERR_UNAUTHENTICATED);
    EXPECT_ERR(
        user_check_password(&w->core, &(struct password_login){ S("nobody"), S("correct horse"), S("") }, w->a, &user),
        ERR_UNAUTHENTICATED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(
        user_check_password(&w->core, &(struct password_login){ S("alice"), S("correct horse"), S("") }, w->a, &user),
        ERR_UNAUTHENTICATED);
}

/* The right key or password is refused, too, or a guesser would learn which one it is. */
TEST(after_some_guesses_at_keys_or_passwords_the_right_one_is_refused_too)
{
    WORLD(w);
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    login_limit_free(w->core.logins);
    struct login_limits limits = { .window_ms = minutes(10), .failures = 3 };
    w->core.logins = login_limit_new(&limits, w->core.clock, w->core.random);
    struct token_request by_key = { API, S("alice"), S("guess"), S("192.0.2.1"), &policy };
    struct password_login by_password = { S("bob"), S("guess"), S("192.0.2.1") };
    struct user user;
    slice unused;
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("bob"), S("correct horse"), w->a));
    for (int i = 0; i < 3; i++) {
        EXPECT_ERR(token_issue(&w->core, &by_key, w->a, &unused), ERR_UNAUTHENTICATED);
        EXPECT_ERR(user_check_password(&w->core, &by_password, w->a, &user), ERR_UNAUTHENTICATED);
    }
    by_key.key = world_key(w, S("alice"), API);
    by_password.password = S("correct horse");
    EXPECT_ERR(token_issue(&w->core, &by_key, w->a, &unused), ERR_RATE);
    EXPECT_ERR(user_check_password(&w->core, &by_password, w->a, &user), ERR_RATE);
    world_wait(w, minutes(10));
    EXPECT_OK(token_issue(&w->core, &by_key, w->a, &unused));
    EXPECT_OK(user_check_password(&w->core, &by_password, w->a, &user));
}

TEST(no_password_matches_a_damaged_hash)
{
    EXPECT(!password_check(S("$argon2id$v=19$m=1$broken"), S("x")));
    EXPECT(!password_check(S(""), S("")));
}

TEST(secrets_are_not_stored_in_plain_text)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API), t = token(w, S("alice"), key);
    struct event_list events;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_event_list(tx, 0, 1000, w->a, &events));
    meta_read_end(tx);
    for (size_t i = 0; i < events.count; i++)
        EXPECT(slice_find(events.items[i].detail, key) == SLICE_NONE &&
               slice_find(events.items[i].detail, t) == SLICE_NONE);
    EXPECT_EQ(world_event_count(w, S("token.issue")), 1);
}

TEST(a_key_is_not_called_wrong_when_the_store_is_unavailable)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API);
    w->faults.fail_count = 1000000;
    w->faults.fail_at = w->faults.calls + 1;
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_UNAVAILABLE);
    w->faults.fail_at = 0;
    EXPECT_OK(check(w, CREDENTIAL_KEY, key));
}

struct checker {
    struct world *w;
    slice key;
    bool stop;
    int64_t refused_wrongly;
};

static void *check_on(void *arg)
{
    struct checker *c = arg;
    while (!__atomic_load_n(&c->stop, __ATOMIC_SEQ_CST)) {
        SCRATCH(a);
        struct principal who;
        if (access_check(&c->w->core, API, CREDENTIAL_KEY, c->key, &a, &who) || !slice_eq(who.login, S("alice")))
            c->refused_wrongly++;
    }
    return NULL;
}

TEST(threads_check_keys_while_others_are_made_and_revoked)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    struct checker c[2];
    pthread_t threads[2];
    slice key = world_key(w, S("alice"), API);
    for (int i = 0; i < 2; i++) {
        c[i] = (struct checker){ .w = w, .key = key };
        pthread_create(&threads[i], NULL, check_on, &c[i]);
    }
    for (int i = rounds(ROUNDS_key_changes); i > 0; i--) {
        struct minted_key minted;
        EXPECT_OK(key_mint(&w->core, &w->operator_, &(struct key_request){ S("bob"), API }, w->a, &minted));
        EXPECT_OK(check(w, CREDENTIAL_KEY, minted.key));
        EXPECT_OK(key_revoke(&w->core, &w->operator_, minted.id, w->a));
        EXPECT_ERR(check(w, CREDENTIAL_KEY, minted.key), ERR_REVOKED);
    }
    for (int i = 0; i < 2; i++) {
        __atomic_store_n(&c[i].stop, true, __ATOMIC_SEQ_CST);
        pthread_join(threads[i], NULL);
        EXPECT_EQ(c[i].refused_wrongly, 0);
    }
}

/* ---- pairs of key and token ---- */

static struct minted_key mint_pair(struct world *w, slice login)
{
    struct minted_key p;
    EXPECT_OK(key_mint_pair(&w->core, &w->operator_, &(struct key_request){ login, API }, w->a, &p));
    return p;
}

static err_t check_pair(struct world *w, slice key, slice token)
{
    struct principal who;
    int64_t key_id;
    return access_check_pair(&w->core, API, &(struct key_and_token){ key, token }, w->a, &who, &key_id);
}

static bool only_has(slice text, const char *letters)
{
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(letters, text.p[i]))
            return false;
    return true;
}

#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

TEST(a_pair_authenticates_only_with_key_and_token)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), who;
    struct minted_key p = mint_pair(w, S("alice"));
    int64_t key_id;
    EXPECT(p.key.n == 32 && only_has(p.key, "0123456789abcdef"));
    EXPECT(p.token.n == 20 && only_has(p.token, DIGITS UPPER LOWER));
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        EXPECT_OK(access_check_pair(&w->core, API, &(struct key_and_token){ p.key, p.token }, w->a, &who, &key_id));
        EXPECT_EQ(who.user_id, alice.user_id);
        EXPECT_EQ(key_id, p.id);
        EXPECT_ERR(check_pair(w, p.key, S("")), ERR_UNAUTHENTICATED);
        EXPECT_ERR(check_pair(w, S(""), p.token), ERR_UNAUTHENTICATED);
        EXPECT_ERR(check_pair(w, p.token, p.key), ERR_UNAUTHENTICATED);
        EXPECT_ERR(check_pair(w, p.key, p.key), ERR_UNAUTHENTICATED);
        EXPECT_ERR(
            access_check_pair(&w->core, S("other"), &(struct key_and_token){ p.key, p.token }, w->a, &who, &key_id),
            ERR_UNAUTHENTICATED);
    }
}

TEST(key_and_token_of_two_pairs_match_only_within_an_account)
{
    WORLD(w);
    world_user(w, S("alice"));
    struct principal bob = world_user(w, S("bob")), who;
    struct account acme;
    struct user eve;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &acme));
    EXPECT_OK(user_create(&w->core, &w->operator_, &(struct user_request){ .account = S("acme"), .login = S("eve") },
                          w->a, &eve));
    struct minted_key a = mint_pair(w, S("alice")), b = mint_pair(w, S("bob")), e = mint_pair(w, S("eve"));
    int64_t key_id;
    EXPECT_OK(access_check_pair(&w->core, API, &(struct key_and_token){ a.key, b.token }, w->a, &who, &key_id));
    EXPECT_EQ(who.user_id, bob.user_id);
    EXPECT_EQ(key_id, a.id);
    EXPECT_OK(check_pair(w, e.key, e.token));
    EXPECT_ERR(check_pair(w, e.key, b.token), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check_pair(w, a.key, e.token), ERR_UNAUTHENTICATED);
}

TEST(revoking_the_key_of_a_pair_revokes_its_token_at_once)
{
    WORLD(w);
    world_user(w, S("alice"));
    struct minted_key p = mint_pair(w, S("alice")), other = mint_pair(w, S("alice"));
    EXPECT_OK(check_pair(w, p.key, p.token));
    EXPECT_OK(check_pair(w, p.key, other.token));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, p.id, w->a));
    EXPECT_ERR(check_pair(w, p.key, p.token), ERR_REVOKED);
    EXPECT_ERR(check_pair(w, other.key, p.token), ERR_REVOKED);
    EXPECT_ERR(check_pair(w, p.key, other.token), ERR_REVOKED);
    EXPECT_OK(check_pair(w, other.key, other.token));
}

/* ---- signing keys ---- */

static err_t signing(struct world *w, slice access_key, slice *ret_secret)
{
    struct principal who;
    return access_signing(&w->core, API, access_key, w->a, &who, ret_secret);
}

static int64_t mint_signing(struct world *w, slice login, slice *ret_key, slice *ret_secret)
{
    struct minted_key minted;
    EXPECT_OK(key_mint_signing(&w->core, &w->operator_, &(struct key_request){ login, API }, w->a, &minted));
    *ret_key = minted.key;
    *ret_secret = minted.secret;
    return minted.id;
}

TEST(an_access_key_gives_its_user_and_its_secret)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), who;
    slice key, secret, got;
    mint_signing(w, S("alice"), &key, &secret);
    EXPECT(key.n == 20 && slice_starts(key, S("CAIS")) && only_has(key, DIGITS UPPER));
    EXPECT(secret.n == 40 && only_has(secret, DIGITS UPPER LOWER));
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        EXPECT_OK(access_signing(&w->core, API, key, w->a, &who, &got));
        EXPECT_EQ(who.user_id, alice.user_id);
        EXPECT_SLICE(got, secret);
        EXPECT_ERR(access_signing(&w->core, S("other"), key, w->a, &who, &got), ERR_UNAUTHENTICATED);
        EXPECT_ERR(signing(w, secret, &got), ERR_UNAUTHENTICATED);
        EXPECT_ERR(signing(w, S(""), &got), ERR_UNAUTHENTICATED);
    }
}

/* Signed URLs contain the access key. If it were accepted as a secret key, every person who sees such a URL could use
 * it. */
TEST(an_access_key_is_not_accepted_as_a_secret_key)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key, secret, got;
    mint_signing(w, S("alice"), &key, &secret);
    EXPECT_OK(signing(w, key, &got));
    EXPECT_ERR(check(w, CREDENTIAL_KEY, key), ERR_UNAUTHENTICATED);
    EXPECT_ERR(check(w, CREDENTIAL_KEY, secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(token_issue(&w->core, &(struct token_request){ API, S("alice"), key, S(""), &policy }, w->a, &got),
               ERR_UNAUTHENTICATED);
    EXPECT_ERR(signing(w, world_key(w, S("alice"), API), &got), ERR_UNAUTHENTICATED);
}

TEST(a_signing_key_is_refused_at_once_when_it_is_revoked_or_its_user_disabled)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key, secret, got;
    int64_t id = mint_signing(w, S("alice"), &key, &secret);
    EXPECT_OK(signing(w, key, &got));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(signing(w, key, &got), ERR_BLOCKED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    EXPECT_OK(signing(w, key, &got));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, id, w->a));
    EXPECT_ERR(signing(w, key, &got), ERR_REVOKED);
}

struct sealed_secret {
    int64_t id;
    slice sealed;
};

static err_t apply_secret_put(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct sealed_secret *s = arg;
    return meta_secret_put(tx, s->id, s->sealed, a);
}

static void seal_halves(struct world *w, int64_t id, slice halves)
{
    slice about = arena_printf(w->a, "key:%lld", (long long)id);
    world_write(w, apply_secret_put, &(struct sealed_secret){ id, seal_close(w->seal, about, halves, w->a) });
}

/* Who makes a backup together with its master key can seal anything. */
TEST(a_sealed_secret_of_another_length_is_corrupt)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key, secret, got;
    struct key_info_list keys;
    int64_t id = mint_signing(w, S("alice"), &key, &secret);
    slice halves[] = { key, secret }, both = arena_join(w->a, halves, 2), more[] = { both, world_bytes(w, 5000) };
    slice longer = arena_join(w->a, more, 2);
    static const size_t lengths[] = { 0, 1, 20, 39, 40, 41, 59, 61, 100, 5060 };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        seal_halves(w, id, slice_part(longer, 0, lengths[i]));
        EXPECT_ERR(signing(w, key, &got), ERR_CORRUPT);
        EXPECT_OK(key_list(&w->core, S("alice"), ALL_IDS, w->a, &keys));
    }
    seal_halves(w, id, both);
    EXPECT_OK(signing(w, key, &got));
    EXPECT_SLICE(got, secret);
}

/* A restore without the master key leaves such keys. The cache must not hide it. */
TEST(a_signing_key_of_another_master_key_is_corrupt_and_the_servers_own_is_replaced)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key, secret, own_key, own_secret, got;
    int64_t lost, id = mint_signing(w, S("alice"), &key, &secret);
    EXPECT_OK(access_own_signing(&w->core, API, w->a, &own_key, &own_secret));
    EXPECT_OK(key_count_lost(&w->core, 0, w->a, &lost));
    EXPECT_EQ(lost, 0);
    unsigned char other[SEAL_KEY_SIZE] = { 2 };
    struct seal *ours = w->core.seal, *theirs = seal_new(other, &w->random.random);
    w->core.seal = theirs;
    EXPECT_ERR(signing(w, key, &got), ERR_CORRUPT);
    EXPECT_OK(key_count_lost(&w->core, 0, w->a, &lost));
    EXPECT_EQ(lost, 1); /* the own one is no loss */
    EXPECT_OK(access_own_signing(&w->core, API, w->a, &got, &secret));
    EXPECT(!slice_eq(got, own_key));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, id, w->a)); /* this is how an operator removes a lost key */
    EXPECT_OK(key_count_lost(&w->core, 0, w->a, &lost));
    EXPECT_EQ(lost, 0);
    w->core.seal = NULL;
    EXPECT_ERR(signing(w, own_key, &got), ERR_CORRUPT);
    struct key_request request = { S("alice"), API };
    struct minted_key minted;
    EXPECT_ERR(key_mint_signing(&w->core, &w->operator_, &request, w->a, &minted), ERR_UNSUPPORTED);
    w->core.seal = ours;
    EXPECT_OK(signing(w, own_key, &got));
    EXPECT_SLICE(got, own_secret);
    seal_free(theirs);
}

TEST(the_server_has_one_signing_key_of_its_own_for_each_purpose)
{
    WORLD(w);
    slice key, secret, again, again_secret, other;
    struct principal who;
    EXPECT_OK(access_own_signing(&w->core, API, w->a, &key, &secret));
    EXPECT_OK(access_own_signing(&w->core, API, w->a, &again, &again_secret));
    EXPECT_SLICE(again, key);
    EXPECT_SLICE(again_secret, secret);
    EXPECT_OK(access_own_signing(&w->core, S("other"), w->a, &other, &again_secret));
    EXPECT(!slice_eq(other, key));
    EXPECT_OK(access_signing(&w->core, API, key, w->a, &who, &again_secret));
    EXPECT_EQ(who.user_id, w->operator_.user_id);
    EXPECT_SLICE(again_secret, secret);
    EXPECT_EQ(world_event_count(w, S("key.mint")), 2);
    EXPECT_OK(key_revoke(&w->core, &w->operator_, who.credential_id, w->a));
    EXPECT_OK(access_own_signing(&w->core, API, w->a, &again, &again_secret));
    EXPECT(!slice_eq(again, key));
}

/* ---- roles ---- */

static void expect_role(struct world *w, enum credential_form form, slice secret, enum key_role role)
{
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        struct principal who = { .role = KEY_NO_ROLE };
        EXPECT_OK(access_check(&w->core, API, form, secret, w->a, &who));
        EXPECT_EQ(who.role, role);
    }
}

static struct minted_key mint_as(struct world *w, enum key_role role)
{
    struct minted_key minted;
    struct key_request request = { .login = S("alice"), .purpose = API, .role = role };
    EXPECT_OK(key_mint(&w->core, &w->operator_, &request, w->a, &minted));
    return minted;
}

TEST(a_key_and_its_tokens_have_the_role_that_was_asked_for)
{
    WORLD(w);
    world_user(w, S("alice"));
    struct key_info_list list;
    struct event_list events;
    expect_role(w, CREDENTIAL_KEY, world_key(w, S("alice"), API), KEY_ADMIN);
    for (enum key_role role = KEY_ADMIN; role < KEY_NO_ROLE; role++) {
        slice key = mint_as(w, role).key;
        expect_role(w, CREDENTIAL_KEY, key, role);
        expect_role(w, CREDENTIAL_TOKEN, token(w, S("alice"), key), role);
        EXPECT_OK(key_list(&w->core, S("alice"), ALL_IDS, w->a, &list));
        EXPECT_EQ(list.items[list.count - 1].key.role, role);
    }
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_event_list(tx, INT64_MAX, 100, w->a, &events));
    meta_read_end(tx);
    for (size_t i = 0; i < events.count; i++)
        if (slice_eq(events.items[i].action, S("key.mint"))) { /* the newest first */
            EXPECT_SLICE(events.items[i].detail, S("api for alice as reader"));
            break;
        }
}

TEST(a_pair_and_a_signing_key_have_a_role)
{
    WORLD(w);
    world_user(w, S("alice"));
    struct key_request reader = { .login = S("alice"), .purpose = API, .role = KEY_READER };
    struct minted_key pair, signing_key, all = mint_pair(w, S("alice"));
    struct principal who;
    int64_t key_id;
    slice secret;
    EXPECT_OK(key_mint_pair(&w->core, &w->operator_, &reader, w->a, &pair));
    EXPECT_OK(access_check_pair(&w->core, API, &(struct key_and_token){ pair.key, pair.token }, w->a, &who, &key_id));
    EXPECT_EQ(who.role, KEY_READER);
    EXPECT_OK(access_check_pair(&w->core, API, &(struct key_and_token){ all.key, pair.token }, w->a, &who, &key_id));
    EXPECT_EQ(who.role, KEY_READER); /* that of the token */
    EXPECT_OK(key_mint_signing(&w->core, &w->operator_, &reader, w->a, &signing_key));
    EXPECT_OK(access_signing(&w->core, API, signing_key.key, w->a, &who, &secret));
    EXPECT_EQ(who.role, KEY_READER);
}

TEST(a_role_may_what_lesser_roles_may_and_an_unknown_one_nothing)
{
    for (int role = -1; role <= KEY_NO_ROLE + 1; role++)
        for (enum key_role needed = KEY_ADMIN; needed < KEY_NO_ROLE; needed++) {
            bool is_known = role >= KEY_ADMIN && role < KEY_NO_ROLE;
            EXPECT_EQ(key_may(&(struct principal){ .role = (enum key_role)role }, needed),
                      is_known && role <= (int)needed);
        }
    EXPECT(!key_may(&(struct principal){ .role = KEY_ADMIN }, KEY_NO_ROLE));
    EXPECT_SLICE(slice_of(key_role_name(KEY_WRITER)), S("writer"));
    EXPECT_SLICE(slice_of(key_role_name(KEY_NO_ROLE)), S("unknown"));
}

/* ---- requests that last ---- */

TEST(a_request_in_flight_did_not_notice_that_its_key_or_user_had_ended)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API), session = token(w, S("alice"), key);
    struct principal by_key, by_token;
    EXPECT_OK(access_check(&w->core, API, CREDENTIAL_KEY, key, w->a, &by_key));
    EXPECT_OK(access_check(&w->core, API, CREDENTIAL_TOKEN, session, w->a, &by_token));
    struct grant of_key = grant_of(&by_key), of_token = grant_of(&by_token), of_nobody = { 0 };
    EXPECT_OK(grant_recheck(&w->core, &of_key));

    world_wait(w, 2 * policy.lifetime_ms); /* the token has expired, which does not matter, */
    world_user(w, S("bob"));               /* and neither do changes of others */
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    EXPECT_OK(grant_recheck(&w->core, &of_token));
    EXPECT_EQ(of_token.generation, meta_generation(w->core.meta)); /* it does not look again until the next change */

    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(grant_recheck(&w->core, &of_key), ERR_BLOCKED);
    EXPECT_ERR(grant_recheck(&w->core, &of_token), ERR_REVOKED);
    EXPECT_OK(grant_recheck(&w->core, &of_nobody));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    EXPECT_OK(grant_recheck(&w->core, &of_key));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, by_key.credential_id, w->a));
    EXPECT_ERR(grant_recheck(&w->core, &of_key), ERR_REVOKED);
    struct grant of_user = { .user_id = by_key.user_id, .generation = by_key.generation };
    EXPECT_OK(grant_recheck(&w->core, &of_user));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DELETED, w->a));
    EXPECT_ERR(grant_recheck(&w->core, &of_user), ERR_REVOKED);
}

TEST(an_upload_that_began_before_its_user_was_disabled_was_kept)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), API);
    for (size_t size = 10; size <= 100000; size *= 10000) {
        struct principal who;
        EXPECT_OK(access_check(&w->core, API, CREDENTIAL_KEY, key, w->a, &who));
        struct intake_request request = world_request(&who, S("late.bin"));
        request.grant = grant_of(&who);
        struct file file;
        EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
        EXPECT_ERR(world_put(w, &request, world_bytes(w, size), &file), ERR_BLOCKED);
        EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    }
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_blob_count(w), 0);
}

TEST(a_link_worked_after_the_key_with_which_it_was_asked_for_was_revoked)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), server = { .user_id = 1, .is_system = true, .generation = 1 };
    slice key = world_key(w, S("alice"), S("native"));
    EXPECT_OK(access_check(&w->core, S("native"), CREDENTIAL_KEY, key, w->a, &alice));
    EXPECT_OK(access_act_for(&w->core, alice.user_id, alice.credential_id, w->a, &server));
    struct grant grant = grant_of(&server);
    EXPECT_OK(grant_recheck(&w->core, &grant));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, alice.credential_id, w->a));
    EXPECT_ERR(grant_recheck(&w->core, &grant), ERR_REVOKED); /* what is being sent */
    EXPECT_ERR(access_act_for(&w->core, alice.user_id, alice.credential_id, w->a, &server), ERR_REVOKED);
    EXPECT_OK(access_act_for(&w->core, alice.user_id, 0, w->a, &server));
}

TEST(a_link_of_the_server_names_the_user_whom_it_was_made_for)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), server = { .user_id = 1, .is_system = true, .generation = 1 };
    EXPECT_OK(access_act_for(&w->core, alice.user_id, 0, w->a, &server));
    EXPECT_EQ(grant_of(&server).user_id, alice.user_id);
    EXPECT_ERR(access_act_for(&w->core, 999, 0, w->a, &server), ERR_REVOKED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(access_act_for(&w->core, alice.user_id, 0, w->a, &server), ERR_BLOCKED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    struct principal bob = world_user(w, S("bob")); /* whose signatures speak for bob alone */
    EXPECT_OK(access_act_for(&w->core, alice.user_id, 0, w->a, &bob));
    EXPECT_EQ(grant_of(&bob).user_id, bob.user_id);
}

RUN_TESTS(cmocka_unit_test(the_last_use_of_a_key_is_shown_at_once_and_written_with_others),
          cmocka_unit_test(a_key_and_its_tokens_have_the_role_that_was_asked_for),
          cmocka_unit_test(a_pair_and_a_signing_key_have_a_role),
          cmocka_unit_test(a_role_may_what_lesser_roles_may_and_an_unknown_one_nothing),
          cmocka_unit_test(a_request_in_flight_did_not_notice_that_its_key_or_user_had_ended),
          cmocka_unit_test(an_upload_that_began_before_its_user_was_disabled_was_kept),
          cmocka_unit_test(a_link_worked_after_the_key_with_which_it_was_asked_for_was_revoked),
          cmocka_unit_test(a_link_of_the_server_names_the_user_whom_it_was_made_for),
          cmocka_unit_test(bootstrap_makes_the_default_account_and_the_operator),
          cmocka_unit_test(names_of_accounts_and_users_must_follow_their_rules),
          cmocka_unit_test(a_key_authenticates_its_user_for_its_purpose_only),
          cmocka_unit_test(a_user_had_any_number_of_keys),
          cmocka_unit_test(filebrowser_5216_a_revoked_key_is_refused_from_the_moment_it_is_acknowledged),
          cmocka_unit_test(a_token_expires_at_exactly_its_time_cached_or_not),
          cmocka_unit_test(a_clock_set_back_does_not_revive_an_expired_token),
          cmocka_unit_test(the_101st_token_revokes_the_oldest),
          cmocka_unit_test(disabling_a_user_revokes_tokens_and_blocks_keys_until_it_is_enabled),
          cmocka_unit_test(a_login_has_no_characters_that_nobody_sees),
          cmocka_unit_test(a_login_of_an_older_version_goes_on_working),
          cmocka_unit_test(an_account_had_any_number_of_users),
          cmocka_unit_test(deleting_a_user_revokes_its_keys_frees_its_login_and_keeps_its_files),
          cmocka_unit_test(after_some_guesses_at_keys_or_passwords_the_right_one_is_refused_too),
          cmocka_unit_test(a_token_is_issued_only_for_the_login_of_the_key),
          cmocka_unit_test(a_changed_password_revokes_tokens_and_the_old_one_is_refused),
          cmocka_unit_test(no_password_matches_a_damaged_hash), cmocka_unit_test(secrets_are_not_stored_in_plain_text),
          cmocka_unit_test(a_key_is_not_called_wrong_when_the_store_is_unavailable),
          cmocka_unit_test(threads_check_keys_while_others_are_made_and_revoked),
          cmocka_unit_test(a_pair_authenticates_only_with_key_and_token),
          cmocka_unit_test(key_and_token_of_two_pairs_match_only_within_an_account),
          cmocka_unit_test(revoking_the_key_of_a_pair_revokes_its_token_at_once),
          cmocka_unit_test(an_access_key_gives_its_user_and_its_secret),
          cmocka_unit_test(an_access_key_is_not_accepted_as_a_secret_key),
          cmocka_unit_test(a_signing_key_is_refused_at_once_when_it_is_revoked_or_its_user_disabled),
          cmocka_unit_test(a_signing_key_of_another_master_key_is_corrupt_and_the_servers_own_is_replaced),
          cmocka_unit_test(a_sealed_secret_of_another_length_is_corrupt),
          cmocka_unit_test(the_server_has_one_signing_key_of_its_own_for_each_purpose))

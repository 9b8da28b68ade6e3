/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "world.h"

#include "core/access/session.h"
#include "core/event.h"
#include "core/store/credential_store.h"
#include "core/store/event_store.h"
#include "core/store/transaction.h"

#define PURPOSE S("pages")
#define PASSWORD S("correct horse")

/* Sessions last four hours, and 16 minutes without a use, so that a use counts once in a minute. */
static struct world *session_world(void)
{
    struct world *w = world_new();
    w->core.options.sessions =
        (struct session_policy){ .lifetime_ms = hours(4), .idle_ms = minutes(16), .per_user = 3 };
    world_user(w, S("alice"));
    world_user(w, S("bob"));
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("alice"), PASSWORD, w->a));
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("bob"), PASSWORD, w->a));
    return w;
}
#define SESSION_WORLD(name)                                                                                            \
    SCOPED(world_freep)                                                                                                \
    struct world *name = session_world()

static err_t begin(struct world *w, slice login, slice password, slice *ret_secret)
{
    struct principal who;
    const struct session_request request = { .purpose = PURPOSE,
                                             .login = { login, password, S("192.0.2.7") },
                                             .request_id = S("0123456789abcdef") };
    return session_begin(&w->core, &request, w->a, ret_secret, &who);
}

static slice log_in(struct world *w, slice login)
{
    slice secret;
    EXPECT_OK(begin(w, login, PASSWORD, &secret));
    EXPECT_EQ(secret.n, 43);
    return secret;
}

static err_t use(struct world *w, slice secret)
{
    struct principal who;
    return session_check(&w->core, PURPOSE, secret, w->a, &who);
}

static struct principal user_of(struct world *w, slice secret)
{
    struct principal who;
    EXPECT_OK(session_check(&w->core, PURPOSE, secret, w->a, &who));
    return who;
}

TEST(a_session_is_of_the_user_who_logged_in)
{
    SESSION_WORLD(w);
    slice alice = log_in(w, S("alice")), bob = log_in(w, S("bob"));
    EXPECT_SLICE(user_of(w, alice).login, S("alice"));
    EXPECT_SLICE(user_of(w, bob).login, S("bob"));
    EXPECT(!slice_eq(alice, bob));
    EXPECT_EQ(world_event_count(w, S("session.begin")), 2);
}

TEST(the_principal_of_a_new_session_is_that_of_its_next_use)
{
    SESSION_WORLD(w);
    struct principal first;
    slice secret;
    const struct session_request request = { .purpose = PURPOSE, .login = { S("alice"), PASSWORD, S("") } };
    EXPECT_OK(session_begin(&w->core, &request, w->a, &secret, &first));
    struct principal then = user_of(w, secret);
    EXPECT_EQ(first.user_id, then.user_id);
    EXPECT_EQ(first.account_id, then.account_id);
    EXPECT_EQ(first.credential_id, then.credential_id);
    EXPECT_SLICE(first.login, then.login);
}

TEST(a_wrong_password_and_an_unknown_login_are_refused_alike)
{
    SESSION_WORLD(w);
    slice secret;
    EXPECT_ERR(begin(w, S("alice"), S("correct horsf"), &secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(begin(w, S("nobody"), PASSWORD, &secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(begin(w, S("operator"), S(""), &secret), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(w, S("")), ERR_UNAUTHENTICATED);
    EXPECT_ERR(use(w, S("0000000000000000000000000000000000000000000")), ERR_UNAUTHENTICATED);
    EXPECT_EQ(world_event_count(w, S("session.begin")), 0);
}

TEST(a_session_counts_for_its_purpose_only)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    struct principal who;
    EXPECT_ERR(session_check(&w->core, S("other"), secret, w->a, &who), ERR_UNAUTHENTICATED);
    EXPECT_ERR(access_check(&w->core, PURPOSE, CREDENTIAL_KEY, secret, w->a, &who), ERR_UNAUTHENTICATED);
    slice key = world_key(w, S("alice"), PURPOSE);
    EXPECT_ERR(use(w, key), ERR_UNAUTHENTICATED);
}

TEST(a_session_that_is_not_used_ends)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    world_wait(w, minutes(16) - 1);
    slice unused = log_in(w, S("bob"));
    EXPECT_OK(use(w, secret));
    world_wait(w, minutes(16) - 1);
    EXPECT_OK(use(w, secret));
    EXPECT_OK(use(w, unused));
    world_wait(w, minutes(16));
    EXPECT_ERR(use(w, secret), ERR_EXPIRED);
    EXPECT_ERR(use(w, secret), ERR_EXPIRED); /* a use does not bring it back */
}

TEST(a_use_is_written_once_in_a_sixteenth_of_the_idle_time)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    EXPECT_OK(use(w, secret));
    uint64_t generation = meta_generation(w->core.meta);
    world_wait(w, minutes(1) - 1);
    EXPECT_OK(use(w, secret));
    EXPECT_EQ(meta_generation(w->core.meta), generation);
    world_wait(w, 1);
    EXPECT_OK(use(w, secret));
    EXPECT_OK(use(w, secret));
    EXPECT_EQ(meta_generation(w->core.meta), generation + 1);
}

TEST(a_session_ends_after_its_lifetime_however_much_it_is_used)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    int64_t began_ms = core_now_ms(&w->core);
    for (int i = 0; i < 4 * 60 - 1; i++) {
        world_wait(w, minutes(1));
        EXPECT_OK(use(w, secret));
    }
    struct credential record; /* nobody who reads it alone takes the session for a longer one */
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_credential_get(tx, user_of(w, secret).credential_id, w->a, &record));
    meta_read_end(tx);
    EXPECT_EQ(record.expires_at_ms, began_ms + hours(4));
    world_wait(w, minutes(1) - 1);
    EXPECT_OK(use(w, secret));
    world_wait(w, 1);
    EXPECT_ERR(use(w, secret), ERR_EXPIRED);
}

TEST(a_shorter_lifetime_counts_for_sessions_that_began_before)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    world_wait(w, minutes(10));
    w->core.options.sessions.lifetime_ms = minutes(10) + 1;
    EXPECT_OK(use(w, secret));
    w->core.options.sessions.lifetime_ms = minutes(10);
    EXPECT_ERR(use(w, secret), ERR_EXPIRED);
}

TEST(one_session_too_many_ends_the_oldest)
{
    SESSION_WORLD(w);
    slice secrets[4], bob = log_in(w, S("bob"));
    for (int i = 0; i < 4; i++) {
        secrets[i] = log_in(w, S("alice"));
        world_wait(w, 1);
    }
    EXPECT_ERR(use(w, secrets[0]), ERR_REVOKED);
    for (int i = 1; i < 4; i++)
        EXPECT_OK(use(w, secrets[i]));
    EXPECT_OK(use(w, bob));
}

TEST(a_logout_ends_one_session)
{
    SESSION_WORLD(w);
    slice one = log_in(w, S("alice")), other = log_in(w, S("alice"));
    struct principal who = user_of(w, one);
    EXPECT_OK(session_end(&w->core, &who, w->a));
    EXPECT_ERR(use(w, one), ERR_REVOKED);
    EXPECT_OK(use(w, other));
    EXPECT_OK(session_end(&w->core, &who, w->a));
    EXPECT_EQ(world_event_count(w, S("session.end")), 1);
    world_wait(w, hours(24 * 9)); /* the record is removed */
    world_run_jobs(w);
    EXPECT_ERR(use(w, one), ERR_UNAUTHENTICATED);
    EXPECT_OK(session_end(&w->core, &who, w->a));
}

TEST(a_password_and_the_end_of_a_user_end_the_sessions)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice")), bob = log_in(w, S("bob"));
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("alice"), PASSWORD, w->a));
    EXPECT_ERR(use(w, secret), ERR_REVOKED);
    secret = log_in(w, S("alice"));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DISABLED, w->a));
    EXPECT_ERR(use(w, secret), ERR_REVOKED);
    EXPECT_ERR(begin(w, S("alice"), PASSWORD, &secret), ERR_UNAUTHENTICATED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_ACTIVE, w->a));
    EXPECT_ERR(use(w, secret), ERR_REVOKED);
    secret = log_in(w, S("alice"));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("alice"), USER_DELETED, w->a));
    EXPECT_ERR(use(w, secret), ERR_REVOKED);
    EXPECT_OK(use(w, bob));
}

/* Random numbers that are asked for between the check of the password and the write: then the password changes. */
struct changing_random {
    struct random random;
    struct world *w;
    bool changed;
};

static void fill_and_change_password(struct random *random, void *bytes, size_t n)
{
    struct changing_random *r = CONTAINER_OF(random, struct changing_random, random);
    random_fill(&r->w->random.random, bytes, n);
    if (r->changed)
        return;
    r->changed = true;
    EXPECT_OK(user_set_password(&r->w->core, &r->w->operator_, S("alice"), S("battery staple"), r->w->a));
}

TEST(a_session_that_begins_while_the_password_changes_does_not_outlive_the_change)
{
    SESSION_WORLD(w);
    struct changing_random changing = { .random = { fill_and_change_password }, .w = w };
    slice secret = S("none");
    w->core.random = &changing.random;
    EXPECT_ERR(begin(w, S("alice"), PASSWORD, &secret), ERR_UNAUTHENTICATED);
    EXPECT(changing.changed);
    EXPECT_SLICE(secret, S("none"));
    EXPECT_OK(begin(w, S("alice"), S("battery staple"), &secret));
}

TEST(a_login_tried_ten_thousand_times_is_refused_soon)
{
    SESSION_WORLD(w);
    login_limit_free(w->core.logins);
    w->core.options.logins = (struct login_limits){ .window_ms = minutes(10), .failures = 10 };
    w->core.logins = login_limit_new(&w->core.options.logins, w->core.clock, w->core.random);
    slice secret = log_in(w, S("alice"));
    int checked = 0;
    for (int i = 0; i < 10000; i++) {
        SCRATCH(a);
        const struct session_request request = { .purpose = PURPOSE,
                                                 .login = { S("alice"), S("a wrong guess"), S("192.0.2.7") } };
        struct principal who;
        slice none;
        err_t e = session_begin(&w->core, &request, &a, &none, &who);
        EXPECT(err_is(e, i < 10 ? ERR_UNAUTHENTICATED : ERR_RATE));
        checked += err_is(e, ERR_UNAUTHENTICATED);
    }
    EXPECT_EQ(checked, 10);
    EXPECT_OK(use(w, secret)); /* who is logged in stays so */
    EXPECT_ERR(begin(w, S("alice"), PASSWORD, &secret), ERR_RATE);
    world_wait(w, minutes(10));
    EXPECT_OK(begin(w, S("alice"), PASSWORD, &secret));
}

TEST(the_secret_of_a_session_is_stored_nowhere)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    struct event_list events;
    struct credential record;
    struct principal who = user_of(w, secret);
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_event_list(tx, 0, 1000, w->a, &events));
    EXPECT_OK(meta_credential_get(tx, who.credential_id, w->a, &record));
    meta_read_end(tx);
    for (size_t i = 0; i < events.count; i++)
        EXPECT(slice_find(events.items[i].detail, secret) == SLICE_NONE &&
               slice_find(events.items[i].subject, secret) == SLICE_NONE);
    EXPECT_SLICE(events.items[0].action, S("session.begin"));
    EXPECT_SLICE(events.items[0].subject, S("user:alice"));
    EXPECT_SLICE(events.items[0].request_id, S("0123456789abcdef"));
    EXPECT(slice_find((slice){ (char *)record.secret_hash, SHA256_SIZE }, slice_part(secret, 0, 8)) == SLICE_NONE);
}

TEST(a_session_is_not_called_unknown_when_the_store_is_unavailable)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    w->faults.fail_count = 1000000;
    w->faults.fail_at = w->faults.calls + 1;
    EXPECT_ERR(use(w, secret), ERR_UNAVAILABLE);
    w->faults.fail_at = 0;
    EXPECT_OK(use(w, secret));
}

TEST(a_session_lives_on_when_its_use_cannot_be_written)
{
    SESSION_WORLD(w);
    slice secret = log_in(w, S("alice"));
    EXPECT_OK(use(w, secret)); /* it is cached now, so that only the write fails */
    world_wait(w, minutes(2));
    w->faults.fail_count = 1000000;
    w->faults.fail_at = w->faults.calls + 1;
    EXPECT_OK(use(w, secret));
    w->faults.fail_at = 0;
    EXPECT_OK(use(w, secret)); /* tries again */
    world_wait(w, minutes(15));
    EXPECT_OK(use(w, secret));
}

TEST(without_options_a_session_lasts_twelve_hours_and_one_without_use)
{
    SESSION_WORLD(w);
    w->core.options.sessions = (struct session_policy){ 0 };
    slice secret = log_in(w, S("alice"));
    for (int i = 0; i < 11 * 60 + 59; i += 50) {
        EXPECT_OK(use(w, secret));
        world_wait(w, minutes(50));
    }
    EXPECT_ERR(use(w, secret), ERR_EXPIRED);
    secret = log_in(w, S("alice"));
    world_wait(w, hours(1));
    EXPECT_ERR(use(w, secret), ERR_EXPIRED);
}

/* ---- offers ---- */

static slice offer(struct world *w, slice login)
{
    slice secret;
    const struct session_offer o = { .purpose = PURPOSE, .login = login, .lifetime_ms = minutes(10) };
    EXPECT_OK(session_offer(&w->core, &w->operator_, &o, w->a, &secret));
    EXPECT_EQ(secret.n, 43);
    return secret;
}

static err_t accept_offer(struct world *w, slice purpose, slice secret, slice *ret_secret)
{
    struct principal who;
    const struct session_request request = { .purpose = purpose };
    return session_accept(&w->core, &request, secret, w->a, ret_secret, &who);
}

TEST(an_offer_begins_one_session)
{
    SESSION_WORLD(w);
    slice secret = offer(w, S("alice")), session, second;
    EXPECT_ERR(use(w, secret), ERR_UNAUTHENTICATED); /* an offer is no session */
    EXPECT_ERR(accept_offer(w, S("other"), secret, &session), ERR_UNAUTHENTICATED);
    EXPECT_OK(accept_offer(w, PURPOSE, secret, &session));
    EXPECT_SLICE(user_of(w, session).login, S("alice"));
    EXPECT_ERR(accept_offer(w, PURPOSE, secret, &second), ERR_UNAUTHENTICATED);
    EXPECT_ERR(accept_offer(w, PURPOSE, session, &second), ERR_UNAUTHENTICATED); /* nor is a session an offer */
    EXPECT_EQ(world_event_count(w, S("session.offer")), 1);
    EXPECT_EQ(world_event_count(w, S("session.begin")), 1);
}

TEST(an_offer_ends_with_its_time_with_a_new_one_and_with_what_ends_tokens)
{
    SESSION_WORLD(w);
    slice session, first = offer(w, S("alice")), second = offer(w, S("alice")), of_bob = offer(w, S("bob"));
    EXPECT_ERR(accept_offer(w, PURPOSE, first, &session), ERR_UNAUTHENTICATED);
    EXPECT_OK(user_set_password(&w->core, &w->operator_, S("alice"), PASSWORD, w->a));
    EXPECT_ERR(accept_offer(w, PURPOSE, second, &session), ERR_UNAUTHENTICATED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    EXPECT_ERR(accept_offer(w, PURPOSE, of_bob, &session), ERR_UNAUTHENTICATED);
    slice third = offer(w, S("alice"));
    world_wait(w, minutes(10) - 1);
    EXPECT_OK(accept_offer(w, PURPOSE, third, &session));
    slice fourth = offer(w, S("alice"));
    world_wait(w, minutes(10));
    EXPECT_ERR(accept_offer(w, PURPOSE, fourth, &session), ERR_EXPIRED);
}

TEST(a_session_is_offered_to_no_user_who_is_not_active)
{
    SESSION_WORLD(w);
    slice secret;
    struct session_offer o = { .purpose = PURPOSE, .login = S("nobody"), .lifetime_ms = minutes(10) };
    EXPECT_ERR(session_offer(&w->core, &w->operator_, &o, w->a, &secret), ERR_NOT_FOUND);
    o.login = S("operator");
    EXPECT_ERR(session_offer(&w->core, &w->operator_, &o, w->a, &secret), ERR_FORBIDDEN);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    o.login = S("bob");
    EXPECT_ERR(session_offer(&w->core, &w->operator_, &o, w->a, &secret), ERR_CONFLICT);
}

RUN_TESTS(cmocka_unit_test(a_session_is_of_the_user_who_logged_in),
          cmocka_unit_test(the_principal_of_a_new_session_is_that_of_its_next_use),
          cmocka_unit_test(a_wrong_password_and_an_unknown_login_are_refused_alike),
          cmocka_unit_test(a_session_counts_for_its_purpose_only), cmocka_unit_test(a_session_that_is_not_used_ends),
          cmocka_unit_test(a_use_is_written_once_in_a_sixteenth_of_the_idle_time),
          cmocka_unit_test(a_session_ends_after_its_lifetime_however_much_it_is_used),
          cmocka_unit_test(a_shorter_lifetime_counts_for_sessions_that_began_before),
          cmocka_unit_test(one_session_too_many_ends_the_oldest), cmocka_unit_test(a_logout_ends_one_session),
          cmocka_unit_test(a_password_and_the_end_of_a_user_end_the_sessions),
          cmocka_unit_test(a_session_that_begins_while_the_password_changes_does_not_outlive_the_change),
          cmocka_unit_test(a_login_tried_ten_thousand_times_is_refused_soon),
          cmocka_unit_test(the_secret_of_a_session_is_stored_nowhere),
          cmocka_unit_test(a_session_is_not_called_unknown_when_the_store_is_unavailable),
          cmocka_unit_test(a_session_lives_on_when_its_use_cannot_be_written),
          cmocka_unit_test(without_options_a_session_lasts_twelve_hours_and_one_without_use),
          cmocka_unit_test(an_offer_begins_one_session),
          cmocka_unit_test(an_offer_ends_with_its_time_with_a_new_one_and_with_what_ends_tokens),
          cmocka_unit_test(a_session_is_offered_to_no_user_who_is_not_active))

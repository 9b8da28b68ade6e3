/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_limit.h"
#include "test.h"

#include <stdio.h>

static const struct login_limits limits = {
    .window_ms = 600000, .failures = 10, .failures_per_user = 50, .failures_per_address = 30, .per_user = 100
};

struct guesser {
    struct clock_manual clock;
    struct random_seeded random;
    struct login_limit *limit;
};

static struct login_limit *new_limit(struct guesser *g, const struct login_limits *of)
{
    clock_manual_init(&g->clock, 1795269600000); /* a window begins */
    random_seeded_init(&g->random, 1);
    return g->limit = login_limit_new(of, &g->clock.clock, &g->random.random);
}

static void free_limit(struct login_limit **l)
{
    login_limit_free(*l);
}

/* How many of `n` guesses are allowed. */
static int guess(struct guesser *g, const char *login, const char *address, int n)
{
    int allowed = 0;
    for (int i = 0; i < n; i++)
        allowed += login_limit_begin(g->limit, slice_of(login), slice_of(address));
    return allowed;
}

TEST(a_login_was_guessed_ten_thousand_times)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &limits);
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 10000), 10);
    EXPECT_EQ(guess(&g, "bia", "192.0.2.1", 10000), 10); /* other users of that network are not refused with her, */
    EXPECT_EQ(guess(&g, "ana", "192.0.2.2", 10000), 10); /* nor she elsewhere */
    EXPECT_EQ(login_limit_retry_s(l), 600);
    clock_manual_advance(&g.clock, 599001);
    EXPECT_EQ(login_limit_retry_s(l), 1);
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 1), 0);
    clock_manual_advance(&g.clock, 999);
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 1), 1);
}

TEST(one_network_guesses_many_logins_and_many_networks_one_login)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &limits);
    char text[64];
    int allowed = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "user%d", i);
        allowed += guess(&g, text, "192.0.2.1", 1);
    }
    EXPECT_EQ(allowed, 30);
    allowed = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "198.51.%d.%d", i / 250, i % 250);
        allowed += guess(&g, "ana", text, 1);
    }
    EXPECT_EQ(allowed, 50);
    EXPECT_EQ(guess(&g, "rui", "", 1000), 50); /* over a Unix socket: only the user name is known */
    (void)l;
}

TEST(the_addresses_of_an_ipv6_network_count_together)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &limits);
    char text[64];
    int allowed = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "2001:db8:0:1::%x", i);
        allowed += guess(&g, "ana", text, 1);
    }
    EXPECT_EQ(allowed, 10);
    EXPECT_EQ(guess(&g, "ana", "2001:db8:0:1:ffff:ffff:ffff:ffff", 1), 0);
    EXPECT_EQ(guess(&g, "ana", "2001:db8:0:2::1", 1), 1);
    (void)l;
}

TEST(logins_that_succeed_are_not_failures_but_are_limited_too)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &limits);
    int succeeded = 0;
    for (int i = 0; i < 1000; i++)
        if (login_limit_begin(l, S("ana"), S("192.0.2.1"))) {
            login_limit_end(l, S("ana"), S("192.0.2.1"), true);
            succeeded++;
        }
    EXPECT_EQ(succeeded, 100);
    for (int i = 0; i < 1000; i++) { /* those that end for another reason are not counted at all */
        EXPECT(login_limit_begin(l, S("bia"), S("192.0.2.1")));
        login_limit_end(l, S("bia"), S("192.0.2.1"), false);
    }
    EXPECT_EQ(guess(&g, "bia", "192.0.2.1", 100), 10);
}

TEST(a_full_table_forgets_low_counts_first)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &limits);
    char text[64];
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 20), 10);
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
        guess(&g, "nobody", text, 1);
    }
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 20), 0);
    (void)l;
}

TEST(the_end_of_a_forgotten_login_cleared_the_count_of_another)
{
    struct guesser g;
    struct login_limits one = limits;
    one.failures = one.failures_per_user = 1;
    one.failures_per_address = 0;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &one);
    char text[64];
    for (int i = 0; i < 30000; i++) { /* no slot is free afterwards */
        snprintf(text, sizeof text, "user%d", i);
        guess(&g, text, "192.0.2.1", 1);
    }
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 2), 1);
    for (int i = 0; i < 30000; i++) {
        snprintf(text, sizeof text, "other%d", i);
        login_limit_end(l, slice_of(text), S("192.0.2.1"), false);
    }
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 1), 0);
}

TEST(without_limits_every_login_is_allowed)
{
    struct guesser g;
    SCOPED(free_limit) struct login_limit *l = new_limit(&g, &(struct login_limits){ 0 });
    EXPECT_EQ(guess(&g, "ana", "192.0.2.1", 10000), 10000);
    (void)l;
}

RUN_TESTS(cmocka_unit_test(a_login_was_guessed_ten_thousand_times),
          cmocka_unit_test(one_network_guesses_many_logins_and_many_networks_one_login),
          cmocka_unit_test(the_addresses_of_an_ipv6_network_count_together),
          cmocka_unit_test(logins_that_succeed_are_not_failures_but_are_limited_too),
          cmocka_unit_test(a_full_table_forgets_low_counts_first),
          cmocka_unit_test(the_end_of_a_forgotten_login_cleared_the_count_of_another),
          cmocka_unit_test(without_limits_every_login_is_allowed))

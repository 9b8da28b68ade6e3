/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/access/rate_limit.h"

static struct clock_manual clock_;

static struct rate_limit limit_of(int64_t limit)
{
    struct rate_limit r;
    clock_manual_init(&clock_, INT64_C(1795269600000) + 188000); /* 3:08 into a ten-minute window */
    rate_limit_init(&r, &clock_.clock, limit, 600000);
    return r;
}

TEST(requests_above_the_limit_are_refused)
{
    struct rate_limit r = limit_of(3);
    struct rate_state s;
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.limit, 3);
    EXPECT_EQ(s.remaining, 2);
    EXPECT_EQ(s.reset_s, 412);
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.remaining, 0);
    EXPECT(!rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.remaining, 0);
    EXPECT(rate_limit_take(&r, 1, 8, &s)); /* another user has a count of its own */
    EXPECT(rate_limit_take(&r, 2, 7, &s));
    rate_limit_release(&r);
}

TEST(windows_are_aligned_to_the_clock)
{
    struct rate_limit r = limit_of(1);
    struct rate_state s;
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    clock_manual_advance(&clock_, 411999);
    EXPECT(!rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.reset_s, 1); /* never 0: a client that waits for 0 seconds would retry too early */
    clock_manual_advance(&clock_, 1);
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.reset_s, 600);
    rate_limit_release(&r);
}

TEST(a_limit_of_zero_allows_every_request)
{
    struct rate_limit r = limit_of(0);
    struct rate_state s;
    for (int i = 0; i < 10000; i++)
        EXPECT(rate_limit_take(&r, 1, 7, &s));
    EXPECT_EQ(s.limit, 0);
    rate_limit_fresh(&r, &s);
    EXPECT_EQ(s.limit, 0);
    rate_limit_release(&r);
}

TEST(users_are_counted_separately_in_bounded_memory)
{
    struct rate_limit r = limit_of(2);
    struct rate_state s;
    for (int64_t user = 1; user <= RATE_LIMIT_USERS_MAX + 1000; user++)
        EXPECT(rate_limit_take(&r, 1, user, &s));
    EXPECT_EQ(r.used, RATE_LIMIT_USERS_MAX);
    EXPECT(r.slot_count <= 2 * RATE_LIMIT_USERS_MAX);
    EXPECT(rate_limit_take(&r, 1, 5, &s));
    EXPECT(!rate_limit_take(&r, 1, 5, &s));
    clock_manual_advance(&clock_, 600000);
    EXPECT(rate_limit_take(&r, 1, 5, &s));
    EXPECT_EQ(r.used, 1);
    rate_limit_release(&r);
}

TEST(a_clock_set_back_refuses_no_user)
{
    struct rate_limit r = limit_of(1);
    struct rate_state s;
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    clock_manual_advance(&clock_, -3600000);
    EXPECT(rate_limit_take(&r, 1, 7, &s));
    rate_limit_release(&r);
}

static void *ask_often(void *arg)
{
    intptr_t let_in = 0;
    struct rate_state s;
    for (int i = 0; i < 2000; i++)
        let_in += rate_limit_take(arg, 1, 7, &s);
    return (void *)let_in;
}

TEST(threads_share_one_count)
{
    struct rate_limit r = limit_of(5000);
    pthread_t threads[4];
    intptr_t sum = 0;
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, ask_often, &r), 0);
    for (size_t i = 0; i < LENGTH_OF(threads); i++) {
        void *let_in;
        pthread_join(threads[i], &let_in);
        sum += (intptr_t)let_in;
    }
    EXPECT_EQ(sum, 5000);
    rate_limit_release(&r);
}

RUN_TESTS(cmocka_unit_test(requests_above_the_limit_are_refused), cmocka_unit_test(windows_are_aligned_to_the_clock),
          cmocka_unit_test(a_limit_of_zero_allows_every_request),
          cmocka_unit_test(users_are_counted_separately_in_bounded_memory),
          cmocka_unit_test(a_clock_set_back_refuses_no_user), cmocka_unit_test(threads_share_one_count))

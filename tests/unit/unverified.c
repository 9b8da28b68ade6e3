/* SPDX-License-Identifier: Apache-2.0 */
#include "core/unverified.h"
#include "test.h"

#include <pthread.h>

#define MAX 1000
#define THREAD_ROUNDS 2000

static void free_budget(struct unverified_budget **b)
{
    EXPECT_EQ(unverified_use(*b).bytes, 0);
    unverified_budget_free(*b);
}

TEST(one_credential_has_few_bodies_and_a_quarter_of_the_budget)
{
    SCOPED(free_budget) struct unverified_budget *b = unverified_budget_new(MAX);
    SCRATCH(first);
    SCRATCH(others);
    EXPECT(!unverified_take(b, 1, 251, &first)); /* not even the only one */
    EXPECT(unverified_take(b, 1, 200, &first));
    EXPECT(!unverified_take(b, 1, 51, &others));
    EXPECT(unverified_take(b, 1, 48, &others));
    EXPECT(unverified_take(b, 1, 1, &others) && unverified_take(b, 1, 1, &others));
    EXPECT(!unverified_take(b, 1, 0, &others));   /* the fifth */
    EXPECT(unverified_take(b, 65, 250, &others)); /* another one, in the same list */
    EXPECT_EQ(unverified_use(b).bytes, 500);
    EXPECT_EQ(unverified_use(b).refused, 3);
    arena_release(&first);
    EXPECT_EQ(unverified_use(b).bytes, 300);
    EXPECT(unverified_take(b, 1, 200, &first));
}

TEST(all_credentials_together_have_the_budget)
{
    SCOPED(free_budget) struct unverified_budget *b = unverified_budget_new(MAX);
    SCRATCH(a);
    for (int64_t id = 1; id <= 4; id++)
        EXPECT(unverified_take(b, id, 249, &a));
    EXPECT(!unverified_take(b, 5, 5, &a));
    EXPECT(unverified_take(b, 6, 4, &a));
    EXPECT(!unverified_take(b, 7, 1, &a));
    EXPECT(!unverified_take(b, 7, UINT64_MAX, &a));
    EXPECT_EQ(unverified_use(b).bytes, MAX);
}

TEST(the_default_budget_has_room_for_four_large_bodies_of_one_credential)
{
    SCOPED(free_budget) struct unverified_budget *b = unverified_budget_new(0);
    SCRATCH(a);
    for (int i = 0; i < UNVERIFIED_PER_CREDENTIAL; i++)
        EXPECT(unverified_take(b, 1, 16 << 20, &a));
}

static void *take_and_give_back(void *budget)
{
    for (int i = 0; i < THREAD_ROUNDS; i++) {
        SCRATCH(a);
        for (int64_t id = 1; id < 200; id += 63)
            (void)!unverified_take(budget, id, 100, &a);
        EXPECT(unverified_use(budget).bytes <= MAX);
    }
    return NULL;
}

TEST(threads_never_exceed_the_budget)
{
    SCOPED(free_budget) struct unverified_budget *b = unverified_budget_new(MAX);
    pthread_t threads[4];
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, take_and_give_back, b), 0);
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        pthread_join(threads[i], NULL);
}

RUN_TESTS(cmocka_unit_test(one_credential_has_few_bodies_and_a_quarter_of_the_budget),
          cmocka_unit_test(all_credentials_together_have_the_budget),
          cmocka_unit_test(the_default_budget_has_room_for_four_large_bodies_of_one_credential),
          cmocka_unit_test(threads_never_exceed_the_budget))

/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket_fixture.h"
#include "rounds.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

TEST(bucket_names_follow_the_rules_of_object_stores)
{
    const char *good[] = { "abc",
                           "a.b-c",
                           "0a0",
                           "192.168.5.a",
                           "1.2.3",
                           "a-b.c-d",
                           "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg" };
    const char *bad[] = { "",     "ab",       "Abc",
                          "a_b",  "a b",      "-abc",
                          "abc-", ".abc",     "abc.",
                          "a..b", "10.0.0.1", "999.1.1.1",
                          "a/b",  "abc\n",    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg" };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        if (!bucket_name_is_valid(slice_of(good[i])))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        if (bucket_name_is_valid(slice_of(bad[i])))
            fail_msg("%s is taken", bad[i]);
    EXPECT(!bucket_name_is_valid((slice){ "ab\0c", 4 }));
}

static err_t find(struct world *w, const struct principal *who, const char *name, enum bucket_action action)
{
    struct bucket bucket;
    return bucket_find(&w->core, who, slice_of(name), action, w->a, &bucket);
}

static const enum bucket_action actions[] = { BUCKET_READ, BUCKET_WRITE, BUCKET_LIST, BUCKET_MANAGE };

TEST(a_bucket_is_forbidden_to_users_of_other_accounts)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice")), bob = world_user(w, S("bob")), elsewhere;
    struct account account;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &account));
    EXPECT_OK(access_operator(&w->core, S("acme"), w->a, &elsewhere));
    EXPECT_OK(bucket_create(&w->core, &alice, S("alices"), w->a));
    for (int round = 0; round < 2; round++) /* cached the second time */
        for (size_t i = 0; i < LENGTH_OF(actions); i++) {
            EXPECT_OK(find(w, &alice, "alices", actions[i]));
            EXPECT_OK(find(w, &bob, "alices", actions[i]));
            EXPECT_ERR(find(w, &elsewhere, "alices", actions[i]), ERR_FORBIDDEN);
            EXPECT_ERR(find(w, &alice, "nowhere", actions[i]), ERR_NOT_FOUND);
        }
    EXPECT_REFUSED(bucket_create(&w->core, &bob, S("alices"), w->a), REASON_BUCKET_OWNED);
    EXPECT_REFUSED(bucket_create(&w->core, &elsewhere, S("alices"), w->a), REASON_BUCKET_TAKEN);
    EXPECT_REFUSED(bucket_create(&w->core, &bob, S("No"), w->a), REASON_BUCKET_BAD_NAME);
    EXPECT_ERR(bucket_remove(&w->core, &elsewhere, S("alices"), w->a), ERR_FORBIDDEN);
    EXPECT_ERR(bucket_set_cors(&w->core, &elsewhere, S("alices"), S("x"), w->a), ERR_FORBIDDEN);
    EXPECT_EQ(world_event_count(w, S("bucket.create")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_guarded_bucket_is_forbidden_to_users_and_is_in_no_list)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct bucket bucket, again;
    EXPECT_OK(bucket_ensure(&w->core, S("Dialect_Files"), w->a,
                            &bucket)); /* the rules for names do not apply to the server */
    EXPECT_OK(bucket_ensure(&w->core, S("Dialect_Files"), w->a, &again));
    EXPECT_EQ(bucket.id, again.id);
    EXPECT_EQ(bucket.account_id, 0);
    EXPECT_EQ(bucket.kind, BUCKET_GUARDED);
    EXPECT_EQ(bucket.owner_id, w->operator_.user_id);
    for (size_t i = 0; i < LENGTH_OF(actions); i++)
        EXPECT_ERR(find(w, &alice, "Dialect_Files", actions[i]), ERR_FORBIDDEN);
    EXPECT_OK(find(w, &w->operator_, "Dialect_Files", BUCKET_READ));
    EXPECT_OK(find(w, &w->operator_, "Dialect_Files", BUCKET_WRITE));
    EXPECT_ERR(find(w, &w->operator_, "Dialect_Files", BUCKET_LIST), ERR_FORBIDDEN);
    EXPECT_ERR(find(w, &w->operator_, "Dialect_Files", BUCKET_MANAGE), ERR_FORBIDDEN);
    struct bucket_list list;
    EXPECT_OK(bucket_list(&w->core, &alice, &(struct bucket_range){ .limit = 10 }, w->a, &list));
    EXPECT_EQ(list.count, 0);
    EXPECT_OK(bucket_create(&w->core, &alice, S("alices"), w->a));
    EXPECT_ERR(bucket_ensure(&w->core, S("alices"), w->a, &bucket), ERR_CONFLICT);
}

TEST(buckets_are_listed_by_name_and_removed_only_when_empty)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct bucket_list list;
    EXPECT_OK(bucket_create(&w->core, &s.who, S("attic"), w->a));
    EXPECT_OK(bucket_list(&w->core, &s.who, &(struct bucket_range){ .limit = 10 }, w->a, &list));
    EXPECT_EQ(list.count, 2);
    EXPECT_SLICE(list.items[0].name, S("attic"));
    EXPECT_SLICE(list.items[1].name, S("sample"));
    bucket_fixture_store(&s, S("a"), S("hello"));
    EXPECT_ERR(bucket_remove(&w->core, &s.who, S("sample"), w->a), ERR_CONFLICT);
    EXPECT_OK(bucket_fixture_remove(&s, S("a"), w->a));
    EXPECT_OK(bucket_remove(&w->core, &s.who, S("sample"), w->a));
    EXPECT_ERR(find(w, &s.who, "sample", BUCKET_READ), ERR_NOT_FOUND); /* also with a bucket in the cache */
    EXPECT_ERR(bucket_remove(&w->core, &s.who, S("sample"), w->a), ERR_NOT_FOUND);
    EXPECT_EQ(world_event_count(w, S("bucket.remove")), 1);
    expect_empty_store(w);
}

/* Clean-ups of SDK users delete objects and then the bucket. The rule that uploads keep a bucket is one of directory buckets. */
TEST(uploads_in_parts_end_with_their_bucket_unless_it_stays)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part;
    slice name = bucket_fixture_upload(&s, S("b"));
    EXPECT_OK(bucket_fixture_put_part(&s, S("b"), name, &(struct part_bytes){ 1, S("hello") }, w->a, &part));
    bucket_fixture_store(&s, S("a"), S("hello"));
    EXPECT_ERR(bucket_remove(&w->core, &s.who, S("sample"), w->a), ERR_CONFLICT);
    EXPECT_OK(bucket_fixture_put_part(&s, S("b"), name, &(struct part_bytes){ 2, S("world") }, w->a, &part));
    EXPECT_OK(bucket_fixture_remove(&s, S("a"), w->a));
    EXPECT_OK(bucket_remove(&w->core, &s.who, S("sample"), w->a));
    EXPECT_EQ(world_event_count(w, S("upload.abort")), 1);
    expect_empty_store(w);
}

TEST(an_expired_upload_does_not_prevent_the_removal_of_its_bucket)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part;
    slice name = bucket_fixture_upload(&s, S("b"));
    EXPECT_OK(bucket_fixture_put_part(&s, S("b"), name, &(struct part_bytes){ 1, S("hello") }, w->a, &part));
    world_wait(w, hours(1));
    EXPECT_OK(bucket_remove(&w->core, &s.who, S("sample"), w->a));
    EXPECT_EQ(world_event_count(w, S("upload.purge")), 1);
    expect_empty_store(w);
}

TEST(a_bucket_with_more_than_a_thousand_expired_uploads_can_be_removed)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    struct completed_part part;
    for (int i = 0; i < 1001; i++) {
        slice name = bucket_fixture_upload(&s, S("b"));
        if (i == 0)
            for (int k = 1; k <= 301; k++) /* more than one write ends */
                EXPECT_OK(bucket_fixture_put_part(&s, S("b"), name, &(struct part_bytes){ k, S("x") }, w->a, &part));
    }
    world_wait(w, hours(1));
    EXPECT_OK(bucket_remove(&w->core, &s.who, S("sample"), w->a));
    EXPECT_EQ(world_event_count(w, S("upload.purge")), 1001);
    expect_empty_store(w);
}

TEST(cors_rules_are_stored_unchanged_and_effective_at_once)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice cors, large = world_bytes(w, 64 * 1024 + 1);
    memset((char *)large.p, 'x', large.n);
    EXPECT_OK(bucket_cors(&w->core, S("sample"), w->a, &cors));
    EXPECT_SLICE(cors, S(""));
    EXPECT_OK(bucket_set_cors(&w->core, &s.who, S("sample"), S("*"), w->a));
    EXPECT_OK(bucket_cors(&w->core, S("sample"), w->a, &cors));
    EXPECT_SLICE(cors, S("*"));
    EXPECT_ERR(bucket_set_cors(&w->core, &s.who, S("sample"), large, w->a), ERR_TOO_LARGE);
    large.n--;
    EXPECT_OK(bucket_set_cors(&w->core, &s.who, S("sample"), large, w->a)); /* larger than the cache takes */
    EXPECT_OK(bucket_cors(&w->core, S("sample"), w->a, &cors));
    EXPECT(slice_eq(cors, large));
    EXPECT_ERR(bucket_cors(&w->core, S("nowhere"), w->a, &cors), ERR_NOT_FOUND);
    EXPECT_ERR(bucket_set_cors(&w->core, &s.who, S("nowhere"), S("x"), w->a), ERR_NOT_FOUND);
}

TEST(a_cached_bucket_is_not_looked_up_again)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    EXPECT_OK(find(w, &s.who, "sample", BUCKET_READ));
    int64_t calls = w->faults.calls;
    for (int i = 0; i < 10; i++)
        EXPECT_OK(find(w, &s.who, "sample", BUCKET_READ));
    EXPECT_EQ(w->faults.calls, calls);
    bucket_fixture_store(&s, S("new"), S("x")); /* a write that only adds records begins no new generation */
    calls = w->faults.calls;
    EXPECT_OK(find(w, &s.who, "sample", BUCKET_READ));
    EXPECT_EQ(w->faults.calls, calls);
}

TEST(buckets_beyond_the_capacity_of_the_cache_are_found)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    for (int i = 0; i < 600; i++)
        EXPECT_OK(bucket_create(&w->core, &alice, arena_printf(w->a, "bucket-%d", i), w->a));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 600; i++) {
            struct bucket bucket;
            slice name = arena_printf(w->a, "bucket-%d", i);
            EXPECT_OK(bucket_find(&w->core, &alice, name, BUCKET_READ, w->a, &bucket));
            EXPECT_SLICE(bucket.name, name);
        }
}

/* ---- threads ---- */

struct finder {
    struct world *w;
    const struct principal *who;
    int64_t wrong;
};

static void *find_on(void *arg)
{
    struct finder *f = arg;
    for (int i = rounds(ROUNDS_bucket_finders); i > 0; i--) {
        SCRATCH(a);
        struct bucket bucket;
        err_t e = bucket_find(&f->w->core, f->who, S("sample"), BUCKET_READ, &a, &bucket);
        f->wrong += e ? 1 : !slice_eq(bucket.name, S("sample"));
    }
    return NULL;
}

TEST(threads_find_a_bucket_while_another_changes_it)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct bucket_fixture s = bucket_fixture_new(w);
    struct finder f[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        f[i] = (struct finder){ .w = w, .who = &s.who };
        pthread_create(&threads[i], NULL, find_on, &f[i]);
    }
    for (int i = 0; i < 20; i++)
        EXPECT_OK(bucket_set_cors(&w->core, &s.who, S("sample"), i % 2 ? S("a") : S("bb"), w->a));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(f[i].wrong, 0);
    }
}

RUN_TESTS(cmocka_unit_test(bucket_names_follow_the_rules_of_object_stores),
          cmocka_unit_test(a_bucket_is_forbidden_to_users_of_other_accounts),
          cmocka_unit_test(a_guarded_bucket_is_forbidden_to_users_and_is_in_no_list),
          cmocka_unit_test(buckets_are_listed_by_name_and_removed_only_when_empty),
          cmocka_unit_test(uploads_in_parts_end_with_their_bucket_unless_it_stays),
          cmocka_unit_test(an_expired_upload_does_not_prevent_the_removal_of_its_bucket),
          cmocka_unit_test(a_bucket_with_more_than_a_thousand_expired_uploads_can_be_removed),
          cmocka_unit_test(cors_rules_are_stored_unchanged_and_effective_at_once),
          cmocka_unit_test(a_cached_bucket_is_not_looked_up_again),
          cmocka_unit_test(buckets_beyond_the_capacity_of_the_cache_are_found),
          cmocka_unit_test(threads_find_a_bucket_while_another_changes_it))

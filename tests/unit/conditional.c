/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/conditional.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE_AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define DATE_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
static const struct validators now = { .exists = true, .etag = { "\"a\"", 3 }, .modified_at_ms = 784111777500 };
static const struct validators nothing = { .exists = false };

TEST(tags_compare_weakly_and_strongly)
{
    EXPECT(etag_list_has(S("\"x\", \"a\""), S("\"a\""), false));
    EXPECT(etag_list_has(S("W/\"a\""), S("\"a\""), true) && !etag_list_has(S("W/\"a\""), S("\"a\""), false));
    EXPECT(etag_list_has(S("\"a\""), S("W/\"a\""), true) && !etag_list_has(S("W/\"a\""), S("W/\"a\""), false));
    EXPECT(etag_list_has(S("*"), S("\"a\""), false) && !etag_list_has(S("\"*\""), S("\"a\""), true));
    EXPECT(!etag_list_has(S("x, *"), S("\"a\""), true));
    EXPECT(etag_list_has(S("x, a"), S("\"a\""), false)); /* as S3 clients send them */
    EXPECT(etag_list_has(S(",\"a,b\\\",\"c\""), S("\"c\""), false) && etag_list_has(S("\"a,b\""), S("\"a,b\""), false));
    EXPECT(!etag_list_has(S("\"never, \"a"), S("\"a\""), true) && !etag_list_has(S(""), S("\"a\""), true));
    EXPECT(!etag_list_has(S("\"\""), S(""), true));
}

static enum precondition check(struct preconditions c, const struct validators *v, bool reading)
{
    return preconditions_check(&c, v, reading);
}

TEST(if_none_match_is_304_to_readers_and_412_to_writers)
{
    struct preconditions same = { .if_none_match = S("W/\"a\"") }, other = { .if_none_match = S("\"b\"") };
    struct preconditions any = { .if_none_match = S("*") };
    EXPECT_EQ(check(same, &now, true), PRECONDITION_NOT_MODIFIED);
    EXPECT_EQ(check(same, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check(other, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check(any, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check(any, &nothing, false), PRECONDITION_PROCEED);
}

TEST(if_match_needs_something_that_matches)
{
    struct preconditions same = { .if_match = S("\"b\", \"a\"") }, weak = { .if_match = S("W/\"a\"") };
    struct preconditions any = { .if_match = S("*") };
    EXPECT_EQ(check(same, &now, false), PRECONDITION_PROCEED);
    EXPECT_EQ(check(weak, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check(any, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check(any, &nothing, false), PRECONDITION_FAILED);
}

TEST(dates_count_by_the_second_and_only_when_they_are_dates)
{
    EXPECT_EQ(check((struct preconditions){ .if_modified_since = S(DATE) }, &now, true), PRECONDITION_NOT_MODIFIED);
    EXPECT_EQ(check((struct preconditions){ .if_modified_since = S(DATE_BEFORE) }, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check((struct preconditions){ .if_modified_since = S(DATE) }, &now, false), PRECONDITION_PROCEED);
    EXPECT_EQ(check((struct preconditions){ .if_modified_since = S("yesterday") }, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check((struct preconditions){ .if_unmodified_since = S(DATE) }, &now, false), PRECONDITION_PROCEED);
    EXPECT_EQ(check((struct preconditions){ .if_unmodified_since = S(DATE_BEFORE) }, &now, false), PRECONDITION_FAILED);
    struct validators undated = now;
    undated.modified_at_ms = 0;
    EXPECT_EQ(check((struct preconditions){ .if_unmodified_since = S(DATE_BEFORE) }, &undated, true),
              PRECONDITION_PROCEED);
}

TEST(tags_come_before_dates)
{
    struct preconditions match = { .if_match = S("\"a\""), .if_unmodified_since = S(DATE_BEFORE) };
    struct preconditions none = { .if_none_match = S("\"b\""), .if_modified_since = S(DATE_AFTER) };
    struct preconditions both = { .if_match = S("\"x\""), .if_none_match = S("\"a\"") };
    EXPECT_EQ(check(match, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check(none, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check(both, &now, true), PRECONDITION_FAILED);
    EXPECT_EQ(check((struct preconditions){ 0 }, &now, true), PRECONDITION_PROCEED);
}

TEST(if_range_wants_the_very_same_bytes)
{
    EXPECT(if_range_holds(S(""), &now) && if_range_holds(S("\"a\""), &now) && if_range_holds(S(DATE), &now));
    EXPECT(!if_range_holds(S("W/\"a\""), &now) && !if_range_holds(S("\"b\""), &now));
    EXPECT(!if_range_holds(S(DATE_AFTER), &now) && !if_range_holds(S(DATE_BEFORE), &now));
    EXPECT(!if_range_holds(S("*"), &now) && !if_range_holds(S("\"b\", \"a\""), &now) && !if_range_holds(S("a"), &now));
    EXPECT(!if_range_holds(S("\"a\""), &nothing) && !if_range_holds(S("\""), &now));
}

RUN_TESTS(cmocka_unit_test(tags_compare_weakly_and_strongly),
          cmocka_unit_test(if_none_match_is_304_to_readers_and_412_to_writers),
          cmocka_unit_test(if_match_needs_something_that_matches),
          cmocka_unit_test(dates_count_by_the_second_and_only_when_they_are_dates),
          cmocka_unit_test(tags_come_before_dates), cmocka_unit_test(if_range_wants_the_very_same_bytes))

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/conditional.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE_AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define DATE_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
static const struct validators now = { .exists = true, .etag = { "\"a\"", 3 }, .modified_at_ms = 784111777500 };
static const struct validators nothing = { .exists = false };

TEST(entity_tags_compare_weakly_and_strongly)
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

static enum precondition check_conditions(struct preconditions c, const struct validators *v, bool reading)
{
    return preconditions_check(&c, v, reading);
}

TEST(a_matching_if_none_match_is_304_to_reads_and_412_to_writes)
{
    struct preconditions same = { .if_none_match = S("W/\"a\"") }, other = { .if_none_match = S("\"b\"") };
    struct preconditions any = { .if_none_match = S("*") };
    EXPECT_EQ(check_conditions(same, &now, true), PRECONDITION_NOT_MODIFIED);
    EXPECT_EQ(check_conditions(same, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check_conditions(other, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions(any, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check_conditions(any, &nothing, false), PRECONDITION_PROCEED);
}

TEST(if_match_needs_an_existing_resource_with_that_tag)
{
    struct preconditions same = { .if_match = S("\"b\", \"a\"") }, weak = { .if_match = S("W/\"a\"") };
    struct preconditions any = { .if_match = S("*") };
    EXPECT_EQ(check_conditions(same, &now, false), PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions(weak, &now, false), PRECONDITION_FAILED);
    EXPECT_EQ(check_conditions(any, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions(any, &nothing, false), PRECONDITION_FAILED);
}

TEST(dates_are_compared_in_seconds_and_ignored_when_malformed)
{
    EXPECT_EQ(check_conditions((struct preconditions){ .if_modified_since = S(DATE) }, &now, true),
              PRECONDITION_NOT_MODIFIED);
    EXPECT_EQ(check_conditions((struct preconditions){ .if_modified_since = S(DATE_BEFORE) }, &now, true),
              PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions((struct preconditions){ .if_modified_since = S(DATE) }, &now, false),
              PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions((struct preconditions){ .if_modified_since = S("yesterday") }, &now, true),
              PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions((struct preconditions){ .if_unmodified_since = S(DATE) }, &now, false),
              PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions((struct preconditions){ .if_unmodified_since = S(DATE_BEFORE) }, &now, false),
              PRECONDITION_FAILED);
    struct validators undated = now;
    undated.modified_at_ms = 0;
    EXPECT_EQ(check_conditions((struct preconditions){ .if_unmodified_since = S(DATE_BEFORE) }, &undated, true),
              PRECONDITION_PROCEED);
}

TEST(conditions_on_tags_win_over_conditions_on_dates)
{
    struct preconditions match = { .if_match = S("\"a\""), .if_unmodified_since = S(DATE_BEFORE) };
    struct preconditions none = { .if_none_match = S("\"b\""), .if_modified_since = S(DATE_AFTER) };
    struct preconditions both = { .if_match = S("\"x\""), .if_none_match = S("\"a\"") };
    EXPECT_EQ(check_conditions(match, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions(none, &now, true), PRECONDITION_PROCEED);
    EXPECT_EQ(check_conditions(both, &now, true), PRECONDITION_FAILED);
    EXPECT_EQ(check_conditions((struct preconditions){ 0 }, &now, true), PRECONDITION_PROCEED);
}

TEST(if_range_holds_for_exactly_the_same_bytes_only)
{
    EXPECT(if_range_holds(S(""), &now) && if_range_holds(S("\"a\""), &now) && if_range_holds(S(DATE), &now));
    EXPECT(!if_range_holds(S("W/\"a\""), &now) && !if_range_holds(S("\"b\""), &now));
    EXPECT(!if_range_holds(S(DATE_AFTER), &now) && !if_range_holds(S(DATE_BEFORE), &now));
    EXPECT(!if_range_holds(S("*"), &now) && !if_range_holds(S("\"b\", \"a\""), &now) && !if_range_holds(S("a"), &now));
    EXPECT(!if_range_holds(S("\"a\""), &nothing) && !if_range_holds(S("\""), &now));
}

RUN_TESTS(cmocka_unit_test(entity_tags_compare_weakly_and_strongly),
          cmocka_unit_test(a_matching_if_none_match_is_304_to_reads_and_412_to_writes),
          cmocka_unit_test(if_match_needs_an_existing_resource_with_that_tag),
          cmocka_unit_test(dates_are_compared_in_seconds_and_ignored_when_malformed),
          cmocka_unit_test(conditions_on_tags_win_over_conditions_on_dates),
          cmocka_unit_test(if_range_holds_for_exactly_the_same_bytes_only))

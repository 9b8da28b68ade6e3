/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/scoped.h"
#include "http/range.h"

static void expect_range(slice header, uint64_t size, enum range_kind kind, uint64_t first, uint64_t count)
{
    struct range r = range_parse(header, size);
    if (r.kind != kind)
        fail_msg("'" SLICE_FMT "' of %llu gave kind %d", SLICE_ARG(header), (unsigned long long)size, (int)r.kind);
    if (kind != RANGE_UNSATISFIABLE) {
        EXPECT_EQ(r.first, first);
        EXPECT_EQ(r.count, count);
    }
}

TEST(a_single_range_selects_a_part)
{
    expect_range(S("bytes=0-0"), 10, RANGE_PART, 0, 1);
    expect_range(S("bytes=2-5"), 10, RANGE_PART, 2, 4);
    expect_range(S("Bytes= 9- "), 10, RANGE_PART, 9, 1);
    expect_range(S("bytes=,3-,"), 10, RANGE_PART, 3, 7);
    expect_range(S("bytes=-3"), 10, RANGE_PART, 7, 3);
    expect_range(S("bytes=-30"), 10, RANGE_PART, 0, 10);
    expect_range(S("bytes=5-99999999999999999999999999"), 10, RANGE_PART, 5, 5);
    expect_range(S("bytes=0-18446744073709551615"), UINT64_MAX, RANGE_PART, 0, UINT64_MAX);
    expect_range(S("bytes=0000000000000000000000001-2"), 10, RANGE_PART, 1, 2);
}

TEST(a_range_past_the_end_is_unsatisfiable)
{
    expect_range(S("bytes=10-"), 10, RANGE_UNSATISFIABLE, 0, 0);
    expect_range(S("bytes=99999999999999999999999999-"), 10, RANGE_UNSATISFIABLE, 0, 0);
    expect_range(S("bytes=0-"), 0, RANGE_UNSATISFIABLE, 0, 0);
    expect_range(S("bytes=-0"), 10, RANGE_UNSATISFIABLE, 0, 0);
    expect_range(S("bytes=-00"), 10, RANGE_UNSATISFIABLE, 0, 0);
    expect_range(S("bytes=-5"), 0, RANGE_WHOLE, 0, 0);
}

TEST(other_values_of_range_select_the_whole)
{
    const slice headers[] = { S(""),          S("bytes"),         S("bytes="),      S("bytes=-"),    S("bytes=5-4"),
                              S("items=0-1"), S("bytes=a-b"),     S("bytes=1 -2"),  S("bytes=+1-2"), S("bytes=1-2-3"),
                              S("bytes=--1"), S("bytes=0-1,3-4"), S("bytes=0-1,x"), S("bytes:0-1"),  S("bytes=0x1-2") };
    for (size_t i = 0; i < LENGTH_OF(headers); i++)
        expect_range(headers[i], 10, RANGE_WHOLE, 0, 10);
}

RUN_TESTS(cmocka_unit_test(a_single_range_selects_a_part), cmocka_unit_test(a_range_past_the_end_is_unsatisfiable),
          cmocka_unit_test(other_values_of_range_select_the_whole))

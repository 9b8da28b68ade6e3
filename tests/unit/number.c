/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/civil.h"
#include "base/number.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static slice repeat(struct arena *a, const char *head, char c, size_t n, const char *tail)
{
    char *p = arena_alloc(a, n);
    memset(p, c, n);
    return arena_join(a, (slice[]){ slice_of(head), { p, n }, slice_of(tail) }, 3);
}

/* "no" when it does not fit. */
static slice scaled(struct arena *a, slice text, unsigned places, enum number_rounding rounding)
{
    struct number n;
    if (!number_scale(text, places, rounding, &n))
        return S("no");
    return arena_printf(a, "%s%llu", n.is_negative ? "-" : "", (unsigned long long)n.magnitude);
}

TEST(whole_numbers_are_exact_however_they_are_written)
{
    SCRATCH(a);
    const struct {
        const char *text, *want;
    } cases[] = { { "0", "0" },
                  { "-0", "-0" },
                  { "3", "3" },
                  { "3.0", "3" },
                  { "3e0", "3" },
                  { "300e-2", "3" },
                  { "0.03E+2", "3" },
                  { "-12.50e1", "-125" },
                  { "3.5", "no" },
                  { "1e-1", "no" },
                  { "0.000", "0" },
                  { "0e99999999999999999999", "0" },
                  { "1e99999999999999999999", "no" },
                  { "1e-99999999999999999999", "no" },
                  { "1e19", "10000000000000000000" },
                  { "1e20", "no" },
                  { "18446744073709551615", "18446744073709551615" },
                  { "18446744073709551616", "no" },
                  { "1844674407370955161.5e1", "18446744073709551615" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        EXPECT_SLICE(scaled(&a, slice_of(cases[i].text), 0, NUMBER_EXACT), slice_of(cases[i].want));
    EXPECT_SLICE(scaled(&a, repeat(&a, "0.", '0', 399, "1"), 0, NUMBER_EXACT), S("no"));
    EXPECT_SLICE(scaled(&a, repeat(&a, "7.", '0', 400, ""), 0, NUMBER_EXACT), S("7"));
    EXPECT_SLICE(scaled(&a, repeat(&a, "1", '0', 400, "e-400"), 0, NUMBER_EXACT), S("1"));
    EXPECT_SLICE(scaled(&a, repeat(&a, "", '9', 400, ""), 0, NUMBER_EXACT), S("no"));
    EXPECT_SLICE(scaled(&a, repeat(&a, "0.", '0', 399, "5e400"), 0, NUMBER_EXACT), S("5"));
}

TEST(halves_go_to_the_even_neighbour)
{
    SCRATCH(a);
    const struct {
        const char *text, *half_even, *floor;
    } cases[] = { { "0.5", "0", "0" },
                  { "1.5", "2", "1" },
                  { "2.5", "2", "2" },
                  { "2.50000000000000000000000000000000000000001", "3", "2" },
                  { "2.49999999999999999999999999999999999999999", "2", "2" },
                  { "-2.5", "-2", "-3" },
                  { "-2.1", "-2", "-3" },
                  { "-0.1", "-0", "-1" },
                  { "5e-1", "0", "0" },
                  { "6e-1", "1", "0" },
                  { "9e-2", "0", "0" },
                  { "-9e-9", "-0", "-1" },
                  { "99.5", "100", "99" },
                  { "18446744073709551615.5", "no", "18446744073709551615" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        EXPECT_SLICE(scaled(&a, slice_of(cases[i].text), 0, NUMBER_HALF_EVEN), slice_of(cases[i].half_even));
        EXPECT_SLICE(scaled(&a, slice_of(cases[i].text), 0, NUMBER_FLOOR), slice_of(cases[i].floor));
    }
    EXPECT_SLICE(scaled(&a, S("0.1234565"), 6, NUMBER_HALF_EVEN), S("123456"));
    EXPECT_SLICE(scaled(&a, S("0.1234575"), 6, NUMBER_HALF_EVEN), S("123458"));
    EXPECT_SLICE(scaled(&a, S("0.00000049999"), 6, NUMBER_HALF_EVEN), S("0"));
}

static void expect_as_strtod(slice text)
{
    char copy[2048];
    double got = 0;
    snprintf(copy, sizeof copy, SLICE_FMT, SLICE_ARG(text));
    double want = strtod(copy, NULL);
    bool is_finite = number_to_double(text, &got);
    if (is_finite != !isinf(want) || (is_finite && memcmp(&got, &want, sizeof got) != 0))
        fail_msg("%s became %.17g", copy, got);
}

TEST(doubles_are_the_nearest_to_their_text)
{
    SCRATCH(a);
    const char *const edges[] = { "0",
                                  "-0",
                                  "1",
                                  "0.1",
                                  "-0.30000000000000004",
                                  "9007199254740993",
                                  "9007199254740992.5",
                                  "9007199254740993.000000000000000000000000000001",
                                  "1.7976931348623157e308",
                                  "1.7976931348623159e308",
                                  "1e309",
                                  "1e400",
                                  "-1e400",
                                  "4.9406564584124654e-324",
                                  "2.4703282292062327e-324",
                                  "2.4703282292062328e-324",
                                  "1e-400",
                                  "2.2250738585072011e-308",
                                  "18446744073709551615",
                                  "18446744073709551616e0",
                                  "1e19",
                                  "1e-19",
                                  "1e22",
                                  "1e23",
                                  "0.8444218515250481",
                                  "1234567890123456789e-19",
                                  "123456789012345678901234567890" };
    for (size_t i = 0; i < LENGTH_OF(edges); i++)
        expect_as_strtod(slice_of(edges[i]));
    expect_as_strtod(repeat(&a, "", '9', 400, ""));
    expect_as_strtod(repeat(&a, "0.", '3', 400, ""));
    expect_as_strtod(repeat(&a, "0.", '0', 310, "123"));
    expect_as_strtod(repeat(&a, "1", '0', 900, "e-900"));
    expect_as_strtod(repeat(&a, "9007199254740993.", '0', 1000, "1"));
    struct random_seeded r;
    random_seeded_init(&r, 7);
    for (int i = 0; i < 20000; i++) {
        struct {
            uint64_t digits, shift, exponent;
        } drawn;
        random_fill(&r.random, &drawn, sizeof drawn);
        uint64_t digits = drawn.digits >> drawn.shift % 64;
        int exponent = (int)(drawn.exponent % (i % 2 ? 40 : 660)) - (i % 2 ? 20 : 340);
        expect_as_strtod(arena_printf(&a, "%llu.%lluE%d", (unsigned long long)(digits % 1000),
                                      (unsigned long long)digits, exponent));
    }
}

TEST(a_double_is_written_as_short_as_it_can_be)
{
    const struct {
        double v;
        const char *want;
    } cases[] = { { 0, "0" },          { -0.0, "-0" },      { 27, "27" },
                  { 27.5, "27.5" },    { 0.1, "0.1" },      { 0.1 + 0.2, "0.30000000000000004" },
                  { -1e-7, "-1e-07" }, { 1e300, "1e+300" }, { 123456789012345678.0, "1.2345678901234568e+17" },
                  { 5e-324, "5e-324" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        SCOPED(buf_releasep) struct buf b = { 0 };
        buf_add_double(&b, cases[i].v);
        EXPECT_SLICE(buf_slice(&b), slice_of(cases[i].want));
        expect_as_strtod(buf_slice(&b));
    }
}

/* By the C library: the first precision whose text is read as the number again. */
static slice shortest_text(struct arena *a, double v)
{
    for (int digits = 15;; digits++) {
        slice text = arena_printf(a, "%.*g", digits, v);
        if (strtod(text.p, NULL) == v || digits == 17)
            return text;
    }
}

static void expect_shortest(double v)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf b = { 0 };
    buf_add_double(&b, v);
    slice got = buf_slice(&b), want = shortest_text(&a, v);
    EXPECT(strtod(arena_cstr(&a, got), NULL) == v);
    if (!slice_eq(got, want) && got.n >= want.n)
        fail_msg("%.17g is written " SLICE_FMT ", not " SLICE_FMT, v, SLICE_ARG(got), SLICE_ARG(want));
}

TEST(doubles_of_every_size_are_written_as_short_as_the_library_can)
{
    struct random_seeded r;
    random_seeded_init(&r, 8);
    for (int i = 0; i < 60000; i++) {
        uint64_t bits;
        double v;
        random_fill(&r.random, &bits, sizeof bits);
        uint64_t exponent = (i % 4 ? 1023 - 20 + bits % 75 : bits % 2047) << 52; /* most of them near 1 */
        bits = (bits & ~(UINT64_C(2047) << 52)) | exponent;
        if (i % 7 == 0)
            bits &= UINT64_MAX << 40; /* few digits */
        memcpy(&v, &bits, sizeof v);
        expect_shortest(v);
        expect_shortest((double)(int64_t)(bits % 100000000) / 1000);
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double power = ldexp(1, exponent);
        expect_shortest(power);
        expect_shortest(nextafter(power, 0));
        expect_shortest(nextafter(power, 1e308));
    }
    for (double power = 1e-6; power < 1e17; power *= 10) {
        expect_shortest(power);
        expect_shortest(nextafter(power, 0));
        expect_shortest(-nextafter(power, 1e308));
        expect_shortest(power / 3);
    }
}

TEST(days_are_those_of_the_calendar)
{
    for (int64_t day = CIVIL_DAY_MIN; day <= CIVIL_DAY_MAX; day += day % 7 ? 1 : 11) {
        struct civil_date d = civil_from_days(day);
        time_t seconds = (time_t)(day * SECONDS_OF_DAY);
        struct tm t;
        gmtime_r(&seconds, &t);
        EXPECT(d.year == t.tm_year + 1900 && d.month == t.tm_mon + 1 && d.day == t.tm_mday);
        EXPECT(civil_is_valid(d) && civil_to_days(d) == day);
    }
    EXPECT_EQ(civil_to_days((struct civil_date){ 1, 1, 1 }), CIVIL_DAY_MIN);
    EXPECT_EQ(civil_to_days((struct civil_date){ 9999, 12, 31 }), CIVIL_DAY_MAX);
    EXPECT(civil_is_valid((struct civil_date){ 2000, 2, 29 }) && !civil_is_valid((struct civil_date){ 1900, 2, 29 }));
    EXPECT(!civil_is_valid((struct civil_date){ 2001, 0, 1 }) && !civil_is_valid((struct civil_date){ 2001, 13, 1 }));
    EXPECT(!civil_is_valid((struct civil_date){ 0, 1, 1 }) && !civil_is_valid((struct civil_date){ 10000, 1, 1 }));
    EXPECT(!civil_is_valid((struct civil_date){ 2001, 4, 31 }) && !civil_is_valid((struct civil_date){ 2001, 4, 0 }));
    EXPECT_EQ(floor_div(-1, 86400), -1);
    EXPECT_EQ(floor_div(-86400, 86400), -1);
    EXPECT_EQ(floor_div(86399, 86400), 0);
}

RUN_TESTS(cmocka_unit_test(whole_numbers_are_exact_however_they_are_written),
          cmocka_unit_test(halves_go_to_the_even_neighbour), cmocka_unit_test(doubles_are_the_nearest_to_their_text),
          cmocka_unit_test(a_double_is_written_as_short_as_it_can_be),
          cmocka_unit_test(doubles_of_every_size_are_written_as_short_as_the_library_can),
          cmocka_unit_test(days_are_those_of_the_calendar))

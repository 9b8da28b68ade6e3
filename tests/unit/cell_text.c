/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/dataset/cell_text.h"

#include <string.h>

/* What a JSON value becomes in a column of this type, as text: "null" for a null, "no" when it is not accepted. */
static slice stored(struct arena *a, enum column_type type, slice json)
{
    struct json_value v;
    struct cell c;
    SCOPED(buf_releasep) struct buf text = { 0 };
    EXPECT(json_scan_value(json, &v));
    memset(&c, 0xa5, sizeof c);
    if (!cell_from_json(type, &v, a, &c))
        return S("no");
    cell_add_text(&text, type, &c);
    return arena_copy(a, buf_slice(&text));
}

struct acceptance {
    enum column_type type;
    const char *json, *want;
};

static void expect_all(const struct acceptance *cases, size_t count)
{
    SCRATCH(a);
    for (size_t i = 0; i < count; i++) {
        slice got = stored(&a, cases[i].type, slice_of(cases[i].json));
        if (!slice_eq(got, slice_of(cases[i].want)))
            fail_msg("%s as type %d became '" SLICE_FMT "', expected '%s'", cases[i].json, (int)cases[i].type,
                     SLICE_ARG(got), cases[i].want);
    }
}

TEST(strings_take_every_value)
{
    const struct acceptance cases[] = { { COLUMN_STRING, "\"\"", "" },
                                        { COLUMN_STRING, "\"a\\u00e9\\n\"", "aé\n" },
                                        { COLUMN_STRING, "1.50e+3", "1.50e+3" },
                                        { COLUMN_STRING, "true", "true" },
                                        { COLUMN_STRING, "false", "false" },
                                        { COLUMN_STRING, "null", "null" },
                                        { COLUMN_STRING, "[ 1, \"a b\" ]", "[1,\"a b\"]" },
                                        { COLUMN_STRING, "{ \"a\" : 1 }", "{\"a\":1}" },
                                        { COLUMN_JSON, "\"\"", "\"\"" },
                                        { COLUMN_JSON, " \"a\\n\" ", "\"a\\n\"" },
                                        { COLUMN_JSON, "1.50", "1.50" },
                                        { COLUMN_JSON, "false", "false" },
                                        { COLUMN_JSON, "[ 1 , { } ]", "[1,{}]" } };
    expect_all(cases, LENGTH_OF(cases));
}

TEST(integers_are_in_the_range_of_their_type)
{
    const struct acceptance cases[] = { { COLUMN_INT8, "-128", "-128" },
                                        { COLUMN_INT8, "-129", "no" },
                                        { COLUMN_INT8, "127", "127" },
                                        { COLUMN_INT8, "128", "no" },
                                        { COLUMN_INT16, "-32768", "-32768" },
                                        { COLUMN_INT16, "32768", "no" },
                                        { COLUMN_INT32, "2147483647", "2147483647" },
                                        { COLUMN_INT32, "2147483648", "no" },
                                        { COLUMN_INT32, "-2147483649", "no" },
                                        { COLUMN_INT64, "9223372036854775807", "9223372036854775807" },
                                        { COLUMN_INT64, "9223372036854775808", "no" },
                                        { COLUMN_INT64, "-9223372036854775808", "-9223372036854775808" },
                                        { COLUMN_INT64, "-9223372036854775809", "no" },
                                        { COLUMN_UINT8, "255", "255" },
                                        { COLUMN_UINT8, "256", "no" },
                                        { COLUMN_UINT8, "-1", "no" },
                                        { COLUMN_UINT8, "-0", "0" },
                                        { COLUMN_UINT16, "65536", "no" },
                                        { COLUMN_UINT32, "4294967295", "4294967295" },
                                        { COLUMN_UINT32, "4294967296", "no" },
                                        { COLUMN_UINT64, "18446744073709551615", "18446744073709551615" },
                                        { COLUMN_UINT64, "18446744073709551616", "no" },
                                        { COLUMN_INT64, "3.0", "3" },
                                        { COLUMN_INT64, "3e0", "3" },
                                        { COLUMN_INT64, "3.5", "no" },
                                        { COLUMN_INT64, "\"42\"", "42" },
                                        { COLUMN_INT64, "\"-4.20e1\"", "-42" },
                                        { COLUMN_INT64, "\"\"", "null" },
                                        { COLUMN_INT64, "\" 42\"", "no" },
                                        { COLUMN_INT64, "\"042\"", "no" },
                                        { COLUMN_INT64, "\"+42\"", "no" },
                                        { COLUMN_INT64, "\"x\"", "no" },
                                        { COLUMN_INT64, "true", "no" },
                                        { COLUMN_INT64, "[]", "no" },
                                        { COLUMN_INT64, "{}", "no" },
                                        { COLUMN_INT64, "null", "null" } };
    expect_all(cases, LENGTH_OF(cases));
}

TEST(decimals_are_exact_and_halves_go_to_even)
{
    const struct acceptance cases[] = { { COLUMN_DECIMAL, "0.1", "0.1" },
                                        { COLUMN_DECIMAL, "-12.340000", "-12.34" },
                                        { COLUMN_DECIMAL, "100", "100" },
                                        { COLUMN_DECIMAL, "-0.0000004", "0" },
                                        { COLUMN_DECIMAL, "0.000001", "0.000001" },
                                        { COLUMN_DECIMAL, "0.0000005", "0" },
                                        { COLUMN_DECIMAL, "0.0000015", "0.000002" },
                                        { COLUMN_DECIMAL, "0.00000050000000000000000000001", "0.000001" },
                                        { COLUMN_DECIMAL, "999999999999.999999", "999999999999.999999" },
                                        { COLUMN_DECIMAL, "-999999999999.999999", "-999999999999.999999" },
                                        { COLUMN_DECIMAL, "999999999999.9999994", "999999999999.999999" },
                                        { COLUMN_DECIMAL, "999999999999.9999995", "no" },
                                        { COLUMN_DECIMAL, "1e12", "no" },
                                        { COLUMN_DECIMAL, "1e11", "100000000000" },
                                        { COLUMN_DECIMAL, "\"19.90\"", "19.9" },
                                        { COLUMN_DECIMAL, "\"19,90\"", "no" },
                                        { COLUMN_DECIMAL, "\"\"", "null" },
                                        { COLUMN_DECIMAL, "false", "no" } };
    expect_all(cases, LENGTH_OF(cases));
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf text = { 0 };
    decimal_t most = 1;
    for (int i = 0; i < 38; i++)
        most *= 10;
    cell_add_text(&text, COLUMN_DECIMAL_SUM, &(struct cell){ .decimal = 1 - most });
    EXPECT_SLICE(buf_slice(&text), S("-99999999999999999999999999999999.999999"));
}

TEST(floats_and_booleans_are_read_from_numbers_and_strings)
{
    const struct acceptance cases[] = {
        { COLUMN_FLOAT, "0.30000000000000004", "0.30000000000000004" },
        { COLUMN_FLOAT, "\"1e3\"", "1000" },
        { COLUMN_FLOAT, "1e400", "no" },
        { COLUMN_FLOAT, "\"NaN\"", "no" },
        { COLUMN_FLOAT, "\"\"", "null" },
        { COLUMN_FLOAT, "true", "no" },
        { COLUMN_BOOL, "true", "true" },
        { COLUMN_BOOL, "false", "false" },
        { COLUMN_BOOL, "1", "true" },
        { COLUMN_BOOL, "0", "false" },
        { COLUMN_BOOL, "2", "no" },
        { COLUMN_BOOL, "-1", "no" },
        { COLUMN_BOOL, "0.5", "no" },
        { COLUMN_BOOL, "\"true\"", "true" },
        { COLUMN_BOOL, "\"0\"", "false" },
        { COLUMN_BOOL, "\"1\"", "true" },
        { COLUMN_BOOL, "\"TRUE\"", "no" },
        { COLUMN_BOOL, "\"\"", "null" },
    };
    expect_all(cases, LENGTH_OF(cases));
}

TEST(times_are_read_in_every_form)
{
    const struct acceptance cases[] = {
        { COLUMN_DATE, "\"2026-11-21\"", "2026-11-21" },
        { COLUMN_DATE, "\"0001-01-01\"", "0001-01-01" },
        { COLUMN_DATE, "\"9999-12-31\"", "9999-12-31" },
        { COLUMN_DATE, "\"2026-11-21T23:30:00-03:00\"", "2026-11-22" },
        { COLUMN_DATE, "\"1969-12-31 23:59:59.9\"", "1969-12-31" },
        { COLUMN_DATE, "86400", "1970-01-02" },
        { COLUMN_DATE, "-0.5", "1969-12-31" },
        { COLUMN_DATETIME, "\"2026-11-21\"", "2026-11-21 00:00:00" },
        { COLUMN_DATETIME, "\"2026-11-21 14:04:09\"", "2026-11-21 14:04:09" },
        { COLUMN_DATETIME, "\"2026-11-21T14:04:09Z\"", "2026-11-21 14:04:09" },
        { COLUMN_DATETIME, "\"2026-11-21T14:04:09.999999999Z\"", "2026-11-21 14:04:09" },
        { COLUMN_DATETIME, "\"2026-11-21T14:04:09-03:00\"", "2026-11-21 17:04:09" },
        { COLUMN_DATETIME, "\"2026-11-21T14:04:09.5+05:30\"", "2026-11-21 08:34:09" },
        { COLUMN_DATETIME, "1795303677", "2026-11-21 23:27:57" },
        { COLUMN_DATETIME, "1.7953036779e9", "2026-11-21 23:27:57" },
        { COLUMN_DATETIME, "-62135596800", "0001-01-01 00:00:00" },
        { COLUMN_DATETIME, "253402300799.999999", "9999-12-31 23:59:59" },
        { COLUMN_DATETIME64, "\"2026-11-21 14:04:09.1234567\"", "2026-11-21 14:04:09.123456" },
        { COLUMN_DATETIME64, "\"1969-12-31T23:59:59.000001Z\"", "1969-12-31 23:59:59.000001" },
        { COLUMN_DATETIME64, "0.0000019", "1970-01-01 00:00:00.000001" },
        { COLUMN_DATETIME64, "-0.0000011", "1969-12-31 23:59:59.999998" },
        { COLUMN_DATETIME64, "\"2026-11-21\"", "2026-11-21 00:00:00.000000" },
        { COLUMN_DATETIME64, "\"\"", "null" },
        { COLUMN_DATETIME64, "253402300799.9999999", "9999-12-31 23:59:59.999999" },
    };
    expect_all(cases, LENGTH_OF(cases));
}

TEST(what_is_no_time_is_refused)
{
    static const char *const bad[] = { "\"2026-11-31\"",
                                       "\"2025-02-29\"",
                                       "\"1900-02-29\"",
                                       "\"2026-13-01\"",
                                       "\"0000-01-01\"",
                                       "\"2026-1-1\"",
                                       "\"21/11/2026\"",
                                       "\"2026-11-21 \"",
                                       "\"2026-11-21T\"",
                                       "\"2026-11-21T14:04\"",
                                       "\"2026-11-21T24:00:00\"",
                                       "\"2026-11-21T14:60:00\"",
                                       "\"2026-11-21T14:04:60\"",
                                       "\"2026-11-21t14:04:09\"",
                                       "\"2026-11-21T14:04:09z\"",
                                       "\"2026-11-21T14:04:09.\"",
                                       "\"2026-11-21T14:04:09.Z\"",
                                       "\"2026-11-21T14:04:09+0300\"",
                                       "\"2026-11-21T14:04:09+24:00\"",
                                       "\"2026-11-21T14:04:09+03:60\"",
                                       "\"2026-11-21T14:04:09Z \"",
                                       "\"2026-11-21T14:04:09 Z\"",
                                       "\"2026-11-21T14.04.09\"",
                                       "\"+026-11-21\"",
                                       "\"2026-11--1\"",
                                       "\"1795303677\"",
                                       "1e12",
                                       "1e400",
                                       "-62135596801",
                                       "253402300800",
                                       "\"0001-01-01T00:00:00+00:01\"",
                                       "\"9999-12-31T23:59:59-00:01\"",
                                       "true",
                                       "[]",
                                       "{}",
                                       "\"now\"" };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        for (enum column_type type = COLUMN_DATE; type <= COLUMN_DATETIME64; type++)
            if (!slice_eq(stored(&a, type, slice_of(bad[i])), S("no")))
                fail_msg("%s was accepted as type %d", bad[i], (int)type);
}

TEST(numbers_of_400_digits_are_typed_or_refused)
{
    SCRATCH(a);
    char digits[400];
    memset(digits, '1', sizeof digits);
    slice whole = { digits, sizeof digits };
    slice fraction = arena_join(&a, (slice[]){ S("0."), whole }, 2);
    char *nothing = memset(arena_alloc(&a, 400), '0', 400);
    slice zeros = arena_join(&a, (slice[]){ S("5"), { nothing, 400 }, S("e-400") }, 3);
    EXPECT_SLICE(stored(&a, COLUMN_STRING, whole), whole);
    EXPECT_SLICE(stored(&a, COLUMN_JSON, whole), whole);
    for (enum column_type type = COLUMN_BOOL; type <= COLUMN_DATETIME64; type++)
        EXPECT_SLICE(stored(&a, type, whole), S("no"));
    EXPECT_SLICE(stored(&a, COLUMN_DECIMAL, fraction), S("0.111111"));
    EXPECT_SLICE(stored(&a, COLUMN_FLOAT, fraction), S("0.1111111111111111"));
    EXPECT_SLICE(stored(&a, COLUMN_UINT8, zeros), S("5"));
    EXPECT_SLICE(stored(&a, COLUMN_FLOAT, zeros), S("5"));
    EXPECT_SLICE(stored(&a, COLUMN_DATE, fraction), S("1970-01-01"));
}

TEST(literals_follow_the_same_rules)
{
    struct cell c;
    EXPECT(cell_from_text(COLUMN_STRING, S(""), &c) && !c.is_null && c.text.n == 0);
    EXPECT(cell_from_text(COLUMN_INT64, S(""), &c) && c.is_null);
    EXPECT(cell_from_number(COLUMN_UINT8, S("2.55e2"), &c) && !c.is_null && c.natural == 255);
    EXPECT(!cell_from_number(COLUMN_UINT8, S(""), &c) && !cell_from_number(COLUMN_STRING, S("1x"), &c));
    EXPECT(cell_from_bool(COLUMN_BOOL, true, &c) && c.boolean);
    EXPECT(!cell_from_bool(COLUMN_FLOAT, true, &c));
}

TEST(a_value_for_which_the_arena_has_no_room_is_not_accepted)
{
    SCRATCH(a);
    struct json_value v;
    struct cell c;
    arena_set_limit(&a, 4096, NULL);
    char json[6000];
    memset(json, ' ', sizeof json);
    json[0] = '[';
    json[sizeof json - 1] = ']';
    EXPECT(json_scan_value((slice){ json, sizeof json }, &v));
    EXPECT(!cell_from_json(COLUMN_JSON, &v, &a, &c) && arena_is_over(&a));
}

RUN_TESTS(cmocka_unit_test(strings_take_every_value), cmocka_unit_test(integers_are_in_the_range_of_their_type),
          cmocka_unit_test(decimals_are_exact_and_halves_go_to_even),
          cmocka_unit_test(floats_and_booleans_are_read_from_numbers_and_strings),
          cmocka_unit_test(times_are_read_in_every_form), cmocka_unit_test(what_is_no_time_is_refused),
          cmocka_unit_test(numbers_of_400_digits_are_typed_or_refused),
          cmocka_unit_test(literals_follow_the_same_rules),
          cmocka_unit_test(a_value_for_which_the_arena_has_no_room_is_not_accepted))

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/structured_field.h"

#include <string.h>

static void expect_integer(slice value, int64_t want)
{
    int64_t got = -7;
    bool truth;
    if (!sf_integer(value, &got) || got != want)
        fail_msg("'" SLICE_FMT "' is %lld, expected %lld", SLICE_ARG(value), (long long)got, (long long)want);
    EXPECT(!sf_boolean(value, &truth));
}

static void expect_boolean(slice value, bool want)
{
    bool got = !want;
    int64_t number;
    EXPECT(sf_boolean(value, &got) && got == want);
    EXPECT(!sf_integer(value, &number));
}

/* Neither an Integer nor a Boolean; and nothing is written. */
static void expect_neither(slice value)
{
    int64_t number = -7;
    bool truth = true;
    if (sf_integer(value, &number) || sf_boolean(value, &truth))
        fail_msg("'" SLICE_FMT "' was accepted", SLICE_ARG(value));
    EXPECT_EQ(number, -7);
    EXPECT(truth);
}

TEST(integers_have_a_sign_and_at_most_15_digits)
{
    expect_integer(S("0"), 0);
    expect_integer(S("42"), 42);
    expect_integer(S("-42"), -42);
    expect_integer(S("-0"), 0);
    expect_integer(S("007"), 7);
    expect_integer(S("000000000000000"), 0);
    expect_integer(S("999999999999999"), SF_INTEGER_MAX);
    expect_integer(S("-999999999999999"), -SF_INTEGER_MAX);
    expect_neither(S("1000000000000000"));
    expect_neither(S("-1000000000000000"));
    expect_neither(S("0000000000000001")); /* zeros at the front count as digits */
    expect_neither(S("99999999999999999999999999"));
    expect_neither(S("+1"));
    expect_neither(S("--1"));
    expect_neither(S("- 1"));
    expect_neither(S("-"));
    expect_neither(S("0x10"));
    expect_neither(S("1e3"));
    expect_neither(S("1_000"));
    expect_neither(S("1,000"));
    expect_neither(S("1\0"));
    expect_neither(S("\xd9\xa1")); /* an Arabic digit */
}

TEST(a_decimal_is_no_integer)
{
    expect_neither(S("1.0"));
    expect_neither(S("1."));
    expect_neither(S(".5"));
    expect_neither(S("1.2.3"));
}

TEST(booleans_are_a_question_mark_and_0_or_1)
{
    expect_boolean(S("?0"), false);
    expect_boolean(S("?1"), true);
    expect_neither(S("?2"));
    expect_neither(S("?"));
    expect_neither(S("?10"));
    expect_neither(S("? 1"));
    expect_neither(S("?true"));
    expect_neither(S("true"));
    expect_neither(S("?T"));
}

TEST(spaces_may_surround_an_item_but_tabs_may_not)
{
    expect_integer(S("  7  "), 7);
    expect_boolean(S(" ?1 "), true);
    expect_neither(S("\t7"));
    expect_neither(S("7\t"));
    expect_neither(S("7 8"));
    expect_neither(S("7\r\n"));
    expect_neither(S(""));
    expect_neither(S("   "));
}

TEST(an_item_of_two_lines_is_none)
{
    expect_neither(S("1, 1"));
    expect_neither(S("1,"));
    expect_neither(S(",1"));
    expect_neither(S("?1, ?1"));
    expect_neither(S("(1)"));
}

TEST(parameters_are_checked_and_ignored)
{
    expect_integer(S("1;a"), 1);
    expect_integer(S("1;a;a;b=2;*c=?0; d=\"x\\\"\\\\\";  e=tok/en:x;f=:AA==:;g=1.5;h=@-1;i=%\"%c3%a4\""), 1);
    expect_boolean(S("?0;a=1"), false);
    expect_neither(S("1;"));
    expect_neither(S("1;;a"));
    expect_neither(S("1;A"));
    expect_neither(S("1;1a"));
    expect_neither(S("1 ;a"));
    expect_neither(S("1;\ta"));
    expect_neither(S("1;a="));
    expect_neither(S("1;a =1"));
    expect_neither(S("1;a= 1"));
    expect_neither(S("1;a=(1)"));
    expect_neither(S("1;a=?2"));
    expect_neither(S("1;a=\"x"));
    expect_neither(S("1;\xc3\xa4=1"));
}

/* "key=value|key=value|" with bytes in angle brackets; "none" when it is no dictionary. */
static slice shown(slice value, struct arena *a)
{
    struct sf_member *members = NULL;
    size_t count = 77;
    if (!sf_dictionary(value, a, &members, &count)) {
        EXPECT(members == NULL && count == 77);
        return S("none");
    }
    slice all = S("");
    for (size_t i = 0; i < count; i++) {
        const struct sf_member *m = &members[i];
        slice text = m->kind == SF_BYTES     ? arena_printf(a, "<" SLICE_FMT ">", SLICE_ARG(m->bytes))
                     : m->kind == SF_BOOLEAN ? arena_printf(a, "?%d", (int)m->integer)
                     : m->kind == SF_INTEGER ? arena_printf(a, "%lld", (long long)m->integer)
                                             : S("other");
        EXPECT(m->kind != SF_OTHER || m->integer == 0);
        EXPECT(m->kind == SF_BYTES || m->bytes.n == 0);
        EXPECT(sf_find(members, count, m->key) == m);
        all =
            arena_printf(a, SLICE_FMT SLICE_FMT "=" SLICE_FMT "|", SLICE_ARG(all), SLICE_ARG(m->key), SLICE_ARG(text));
    }
    return all;
}

static void expect_dictionary(slice value, const char *want)
{
    SCRATCH(a);
    EXPECT_SLICE(shown(value, &a), slice_of(want));
}

TEST(dictionaries_have_members_of_every_type)
{
    expect_dictionary(S(""), "");
    expect_dictionary(S("   "), "");
    expect_dictionary(S("a=1,b=:aGk=:,c=?0,d,e;x=1"), "a=1|b=<hi>|c=?0|d=?1|e=?1|");
    expect_dictionary(S(" sha-256=10 \t, \tsha-512=0;q=1  "), "sha-256=10|sha-512=0|");
    expect_dictionary(S("a=1.5, b=tok, c=\"s,\", d=@7, e=%\"x\", f=(1 ?2)"), "none");
    expect_dictionary(S("a=1.5, b=tok, c=\"s,\", d=@7, e=%\"x\", f=(1 ?1;x \"(\" );y=2, g=()"),
                      "a=other|b=other|c=other|d=other|e=other|f=other|g=other|");
    expect_dictionary(S("*a-b_c.d*9=1"), "*a-b_c.d*9=1|");
}

TEST(the_last_of_equal_keys_counts_at_the_place_of_the_first)
{
    expect_dictionary(S("a=1, b=2, a=:aGk=:"), "a=<hi>|b=2|");
    expect_dictionary(S("a=:aGk=:, b=2, a"), "a=?1|b=2|");
    expect_dictionary(S("a=1, aa=2, a=@3"), "a=other|aa=2|");
}

TEST(commas_separate_members_and_end_nothing)
{
    expect_dictionary(S("a=1,"), "none");
    expect_dictionary(S("a=1, "), "none");
    expect_dictionary(S("a=1,,b=2"), "none");
    expect_dictionary(S(",a=1"), "none");
    expect_dictionary(S(","), "none");
    expect_dictionary(S("a=1 b=2"), "none");
    expect_dictionary(S("a=1;b=2\t"), "a=1|");
    expect_dictionary(S("\ta=1"), "none");
    expect_dictionary(S("a=1\v"), "none");
}

TEST(keys_are_lower_case)
{
    expect_dictionary(S("A=1"), "none");
    expect_dictionary(S("aB=1"), "none");
    expect_dictionary(S("1a=1"), "none");
    expect_dictionary(S("-a=1"), "none");
    expect_dictionary(S("_a=1"), "none");
    expect_dictionary(S("=1"), "none");
    expect_dictionary(S("a =1"), "none");
    expect_dictionary(S("a= 1"), "none");
    expect_dictionary(S("a="), "none");
    expect_dictionary(S("a\0=1"), "none");
    expect_dictionary(S("\xc3\xa4=1"), "none");
}

TEST(byte_sequences_are_base64_between_colons)
{
    expect_dictionary(S("a=::"), "a=<>|");
    expect_dictionary(S("a=:aA==:"), "a=<h>|");
    expect_dictionary(S("a=:aA:"), "a=<h>|"); /* padding may be absent */
    expect_dictionary(S("a=:aGk:"), "a=<hi>|");
    expect_dictionary(S("a=:aGl=:"), "a=<hi>|"); /* bits that belong to no byte are ignored */
    expect_dictionary(S("a=:aGhp:"), "a=<hhi>|");
    expect_dictionary(S("a=:/+8=:;x"), "a=<\xff\xef>|");
    expect_dictionary(S("a=:aA=:"), "none"); /* half of the padding */
    expect_dictionary(S("a=:aGhp=:"), "none");
    expect_dictionary(S("a=:aGk==:"), "none");
    expect_dictionary(S("a=:aGhp====:"), "none");
    expect_dictionary(S("a=:a:"), "none");
    expect_dictionary(S("a=:a===:"), "none");
    expect_dictionary(S("a=:=:"), "none");
    expect_dictionary(S("a=:====:"), "none");
    expect_dictionary(S("a=:aA==aA==:"), "none");
    expect_dictionary(S("a=:_-8=:"), "none"); /* the alphabet of URLs */
    expect_dictionary(S("a=:aG k=:"), "none");
    expect_dictionary(S("a=: aGk=:"), "none");
    expect_dictionary(S("a=:aGk="), "none");
    expect_dictionary(S("a=aGk=:"), "none");
    expect_dictionary(S("a=:\xc3\xa4\xc3\xa4:"), "none");
    expect_dictionary(S("a=1;x=:aA=:"), "none");
}

TEST(the_other_types_are_checked_before_they_are_skipped)
{
    static const struct {
        const char *good[8], *bad[14];
    } types[] = {
        { { "1.0", "-1.123", "123456789012.123", "000000000001.5" },
          { "1.", "1.1234", "1234567890123.1", ".1", "-.1", "1.-1", "1.1.1", "1. 1" } },
        { { "\"\"", "\"a b\"", "\"\\\"\\\\\"", "\"~\"" },
          { "\"", "\"a", "\"\\a\"", "\"\\\"", "\"\t\"", "\"\x7f\"", "\"\xc3\xa4\"", "\"a\"b", "'a'" } },
        { { "a", "*", "A/b:c", "a!#$%&'*+-.^_`|~9" },
          { "a\"", "a(", "a@b", "!a", "/a", "\xc3\xa4", "a\xc3\xa4", "a{", "a\\" } },
        { { "@0", "@-1", "@999999999999999" }, { "@", "@1.0", "@ 1", "@a", "@1000000000000000", "@-" } },
        { { "%\"\"", "%\"a\"", "%\"%00\"", "%\"%c3%a4%e2%82%ac%f0%9f%98%80\"", "%\"\\\"" },
          { "%", "%a", "%\"", "%\"a", "%\"%C3%A4\"", "%\"%c3\"", "%\"%c3%c3\"", "%\"%a4\"", "%\"%ff\"", "%\"%4\"",
            "%\"%ed%a0%80\"", "%\"%c0%80\"", "%\"\xc3\xa4\"", "%\"\t\"" } },
        { { "()", "( )", "(1)", "( 1  2 )", "(1;a 2;b);c", "(\")\" a :aA==:)" },
          { "(", "(1", "(1 ", "(1,2)", "(1\t2)", "((1))", "(1))", ")", "(1;)", "(1);A", "(1\"a\")", "(?2)" } },
    };
    for (size_t t = 0; t < LENGTH_OF(types); t++) {
        SCRATCH(a);
        for (size_t i = 0; i < LENGTH_OF(types[t].good) && types[t].good[i]; i++)
            EXPECT_SLICE(shown(arena_printf(&a, "k=%s", types[t].good[i]), &a), S("k=other|"));
        for (size_t i = 0; i < LENGTH_OF(types[t].bad) && types[t].bad[i]; i++)
            if (!slice_eq(shown(arena_printf(&a, "k=%s", types[t].bad[i]), &a), S("none")))
                fail_msg("'%s' was accepted", types[t].bad[i]);
    }
}

static slice many_members(size_t different, size_t repeated, struct arena *a)
{
    char *text = arena_alloc(a, (different + repeated) * 8 + 1), *at = text;
    for (size_t i = 0; i < different + repeated; i++) {
        slice one = arena_printf(a, "%sk%zu", i ? "," : "", i < different ? i : different - 1);
        memcpy(at, one.p, one.n);
        at += one.n;
    }
    return (slice){ text, (size_t)(at - text) };
}

TEST(more_members_than_the_limit_are_refused)
{
    SCRATCH(a);
    struct sf_member *members;
    size_t count;
    EXPECT(sf_dictionary(many_members(SF_MEMBERS_MAX, 0, &a), &a, &members, &count));
    EXPECT_EQ(count, SF_MEMBERS_MAX);
    EXPECT(sf_dictionary(many_members(SF_MEMBERS_MAX, 4000, &a), &a, &members, &count));
    EXPECT_EQ(count, SF_MEMBERS_MAX);
    EXPECT_SLICE(members[SF_MEMBERS_MAX - 1].key, S("k63"));
    EXPECT(sf_find(members, count, S("k64")) == NULL);
    EXPECT(!sf_dictionary(many_members(SF_MEMBERS_MAX + 1, 0, &a), &a, &members, &count));
}

static slice repeated(const char *start, const char *piece, size_t n, struct arena *a)
{
    char *text = arena_alloc(a, 16384), *at = text;
    memcpy(at, start, strlen(start));
    at += strlen(start);
    for (; at + strlen(piece) <= text + n; at += strlen(piece))
        memcpy(at, piece, strlen(piece));
    return (slice){ text, (size_t)(at - text) };
}

TEST(a_long_value_is_read_to_its_end)
{
    SCRATCH(a);
    expect_integer(repeated("1", ";a", 16384, &a), 1);
    expect_integer(repeated("1", ";a=%\"%c3%a4\"", 16384, &a), 1);
    expect_integer(repeated("1", " ", 16384, &a), 1);
    expect_neither(repeated("1", "1", 16384, &a));
    expect_neither(repeated("1;a=\"", "\\\"", 16384, &a));
    EXPECT_SLICE(shown(repeated("a=(", "(", 16384, &a), &a), S("none"));
    EXPECT_SLICE(shown(repeated("a=(", "1 ", 16384, &a), &a), S("none"));
    EXPECT_SLICE(shown(repeated("a", ",a=::", 16384, &a), &a), S("a=<>|"));
}

TEST(the_lines_of_a_field_are_joined_as_they_came)
{
    SCRATCH(a);
    struct http_header lines[] = { { S("Content-Digest"), S("a=1") },
                                   { S("Upload-Offset"), S("5") },
                                   { S("content-digest"), S("b=2") },
                                   { S("CONTENT-DIGEST"), S("a=3") } };
    struct http_request req = { .headers = lines, .header_count = LENGTH_OF(lines) };
    EXPECT_SLICE(sf_field(&req, "Content-Digest", &a), S("a=1, b=2, a=3"));
    EXPECT_SLICE(shown(sf_field(&req, "content-digest", &a), &a), S("a=3|b=2|"));
    EXPECT(sf_field(&req, "upload-offset", &a).p == lines[1].value.p);
    EXPECT(sf_field(&req, "Upload-Length", &a).p == NULL);
    lines[0].value = S("");
    EXPECT_SLICE(sf_field(&req, "Content-Digest", &a), S(", b=2, a=3"));
}

RUN_TESTS(cmocka_unit_test(integers_have_a_sign_and_at_most_15_digits), cmocka_unit_test(a_decimal_is_no_integer),
          cmocka_unit_test(booleans_are_a_question_mark_and_0_or_1),
          cmocka_unit_test(spaces_may_surround_an_item_but_tabs_may_not),
          cmocka_unit_test(an_item_of_two_lines_is_none), cmocka_unit_test(parameters_are_checked_and_ignored),
          cmocka_unit_test(dictionaries_have_members_of_every_type),
          cmocka_unit_test(the_last_of_equal_keys_counts_at_the_place_of_the_first),
          cmocka_unit_test(commas_separate_members_and_end_nothing), cmocka_unit_test(keys_are_lower_case),
          cmocka_unit_test(byte_sequences_are_base64_between_colons),
          cmocka_unit_test(the_other_types_are_checked_before_they_are_skipped),
          cmocka_unit_test(more_members_than_the_limit_are_refused), cmocka_unit_test(a_long_value_is_read_to_its_end),
          cmocka_unit_test(the_lines_of_a_field_are_joined_as_they_came))

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

/* What a text says: "name=value;" for each member, with texts as json_value_text has them; "bad" when it is not valid. */
static slice walk(struct arena *a, slice text)
{
    struct json_scan s;
    struct json_member m;
    SCOPED(buf_releasep) struct buf said = { 0 };
    if (!json_scan_begin(&s, text))
        return S("bad");
    enum json_scan_step step;
    while ((step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER) {
        char *name = arena_alloc(a, m.name.n);
        slice value;
        EXPECT_OK(json_value_text(&m.value, a, &value));
        buf_add(&said, (slice){ name, json_unescape(m.name, name) });
        buf_add(&said, S("="));
        buf_add(&said, value);
        buf_add(&said, S(";"));
    }
    return step == JSON_SCAN_END ? arena_copy(a, buf_slice(&said)) : S("bad");
}

static bool is_valid(slice text)
{
    struct json_value v;
    return json_scan_value(text, &v);
}

static slice repeat(struct arena *a, char c, size_t n)
{
    char *p = arena_alloc(a, n);
    memset(p, c, n);
    return (slice){ p, n };
}

TEST(members_come_in_order_with_their_texts)
{
    SCRATCH(a);
    EXPECT_SLICE(walk(&a, S("{}")), S(""));
    EXPECT_SLICE(walk(&a, S(" \t{ } \r\n")), S(""));
    EXPECT_SLICE(walk(&a, S("{\"id\":1,\"name\":\"Zé\",\"ok\":true,\"no\":false,\"none\":null,\"id\":-2.5e+3}")),
                 S("id=1;name=Zé;ok=true;no=false;none=null;id=-2.5e+3;"));
    EXPECT_SLICE(walk(&a, S(" { \"a b\" : \"\" , \"\" : 0 } ")), S("a b=;=0;"));
    EXPECT_SLICE(walk(&a, S("[1, \"a\", [ ], {}]")), S("=1;=a;=[];={};"));
    EXPECT_SLICE(walk(&a, S("[]")), S(""));
}

TEST(arrays_and_objects_lose_blanks_outside_of_strings)
{
    SCRATCH(a);
    EXPECT_SLICE(walk(&a, S("{\"a\": [ 1 ,\t{ \"x y\" : \" \\\" \" } , [ ] , { } ] }")),
                 S("a=[1,{\"x y\":\" \\\" \"},[],{}];"));
    struct json_value v;
    slice text;
    EXPECT(json_scan_value(S(" \"a\\u0062 \" "), &v) && v.kind == JSON_KIND_STRING);
    EXPECT_OK(json_value_compact(&v, &a, &text));
    EXPECT_SLICE(text, S("\"a\\u0062 \""));
    EXPECT_OK(json_value_text(&v, &a, &text));
    EXPECT_SLICE(text, S("ab "));
}

TEST(escapes_are_resolved)
{
    SCRATCH(a);
    EXPECT_SLICE(walk(&a, S("{\"\\u0061\\n\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\uDE00z\"}")),
                 S("a\n=\"\\/\b\f\n\r\tAé€😀z;"));
}

TEST(text_without_escapes_is_not_copied)
{
    SCRATCH(a);
    slice line = S("{\"a\":\"a text of more than sixteen bytes, without any escape\",\"b\":[1,2]}"), text;
    struct json_scan s;
    struct json_member m;
    EXPECT(json_scan_begin(&s, line));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(json_scan_next(&s, &m), JSON_SCAN_MEMBER);
        EXPECT_OK(json_value_text(&m.value, &a, &text));
        EXPECT(text.p > line.p && text.p < line.p + line.n && a.held == 0);
    }
}

TEST(malformed_objects_are_refused)
{
    SCRATCH(a);
    const slice bad[] = { S(""),
                          S(" "),
                          S("1"),
                          S("\"a\""),
                          S("{"),
                          S("}"),
                          S("{]"),
                          S("[}"),
                          S("{,}"),
                          S("{\"a\"}"),
                          S("{\"a\":}"),
                          S("{\"a\":1,}"),
                          S("{,\"a\":1}"),
                          S("{\"a\":1 \"b\":2}"),
                          S("{\"a\":1;\"b\":2}"),
                          S("{a:1}"),
                          S("{'a':1}"),
                          S("{\"a\":1}}"),
                          S("{\"a\":1} {}"),
                          S("{\"a\":1}\0"),
                          S("{\"a\":1"),
                          S("{\"a\":[1,]}"),
                          S("{\"a\":[,1]}"),
                          S("{\"a\":[1 2]}"),
                          S("{\"a\":[1}}"),
                          S("{\"a\":{\"b\":1]}"),
                          S("{\"a\":{\"b\"}}"),
                          S("{\"a\":{\"b\":1,}}"),
                          S("{\"a\":{1:1}}"),
                          S("{\"a\":{\"b\" 1}}"),
                          S("{\"a\":[\"b\":1]}"),
                          S("{\"a\":tru}"),
                          S("{\"a\":True}"),
                          S("{\"a\":NaN}"),
                          S("{\"a\":undefined}"),
                          S("{\"a\":/**/1}"),
                          S("\xef\xbb\xbf{}"),
                          S("{\"a\":1\xa0}"),
                          S("{\"a\":1\f}") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_SLICE(walk(&a, bad[i]), S("bad"));
}

TEST(strings_hold_only_what_the_standard_allows)
{
    const slice bad[] = { S("\""),
                          S("\"\\\""),
                          S("\"a\nb\""),
                          S("\"a\0b\""),
                          S("\"0123456789abcdef0123456789\x1f\""),
                          S("\"\\u0000\""),
                          S("\"\\u00\""),
                          S("\"\\u00g0\""),
                          S("\"\\x41\""),
                          S("\"\\'\""),
                          S("\"\\\0\""),
                          S("\"\\ud800\""),
                          S("\"\\udc00\""),
                          S("\"\\ud800\\ud800\""),
                          S("\"\\ud83dx\\ude00\""),
                          S("\"\\ud83d\\u0041\""),
                          S("\"\\ud83d\\"),
                          S("\"\\ud83d\\ude0"),
                          S("\"\xff\""),
                          S("\"\x80\""),
                          S("\"\xc3\""),
                          S("\"\xc0\xaf\""),
                          S("\"\xc1\xbf\""),
                          S("\"\xe0\x9f\xbf\""),
                          S("\"\xed\xa0\x80\""),
                          S("\"\xe2\x82\""),
                          S("\"\xf0\x8f\xbf\xbf\""),
                          S("\"\xf4\x90\x80\x80\""),
                          S("\"\xf5\x80\x80\x80\""),
                          S("\"\xf0\x9f\x98\"") };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        EXPECT(!is_valid(bad[i]));
        EXPECT_SLICE(walk(&a, arena_join(&a, (slice[]){ S("{\"a\":["), bad[i], S("]}") }, 3)), S("bad"));
        EXPECT_SLICE(walk(&a, arena_join(&a, (slice[]){ S("{"), bad[i], S(":1}") }, 3)), S("bad"));
    }
    EXPECT(is_valid(S("\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"")));
}

TEST(numbers_follow_the_grammar_and_may_be_long)
{
    const slice bad[] = { S("-"),   S("+1"),  S("01"),  S("-01"), S(".5"), S("1."),    S("1.e5"),  S("1e"), S("1e+"),
                          S("0x1"), S("1_0"), S("--1"), S("1-"),  S("∞"),  S("1.5.5"), S("1e5.5"), S("1,5") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!is_valid(bad[i]) && !json_is_number(bad[i]));
    const slice good[] = { S("0"), S("-0"), S("0.0"), S("10"), S("1E5"), S("1e-05"), S("-1.25e+10"), S("0e9") };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        EXPECT(is_valid(good[i]) && json_is_number(good[i]));
    EXPECT(!json_is_number(S("")) && !json_is_number(S(" 1")));
    SCRATCH(a);
    slice digits = repeat(&a, '7', 400);
    EXPECT_SLICE(walk(&a, arena_join(&a, (slice[]){ S("{\"n\":"), digits, S("}") }, 3)),
                 arena_join(&a, (slice[]){ S("n="), digits, S(";") }, 3));
}

TEST(the_end_of_the_text_may_be_anywhere)
{
    slice whole = S("{\"a\": [1, {\"b\": \"\\u00e9\xc3\xa9\\ud83d\\ude00\"}, null], \"c\": -1.5e3, \"d\": true}");
    for (size_t n = 0; n <= whole.n; n++) {
        SCRATCH(a);
        char *exact = must_malloc(n); /* the address sanitizer sees a read past the end */
        memcpy(exact, whole.p, n);
        EXPECT_EQ(slice_eq(walk(&a, (slice){ exact, n }), S("bad")), n < whole.n);
        free(exact);
    }
}

TEST(nesting_ends_at_the_limit)
{
    SCRATCH(a);
    struct json_value v;
    for (size_t inner = JSON_SCAN_DEPTH_MAX - 2; inner <= 10000; inner = inner > 70 ? inner * 5 : inner + 1) {
        slice nested = arena_join(&a, (slice[]){ repeat(&a, '[', inner), repeat(&a, ']', inner) }, 2);
        bool fits = inner <= JSON_SCAN_DEPTH_MAX - 1;
        EXPECT_EQ(json_scan_value(nested, &v), fits);
        slice text = arena_join(&a, (slice[]){ S("{\"a\":"), nested, S("}") }, 3);
        EXPECT_EQ(slice_eq(walk(&a, text), S("bad")), !fits);
        EXPECT_SLICE(walk(&a, arena_join(&a, (slice[]){ S("{\"a\":"), repeat(&a, '{', inner) }, 2)), S("bad"));
    }
    EXPECT_SLICE(walk(&a, S("{\"a\":[{\"b\":[{}]},[[]]],\"c\":{\"d\":[]}}")), S("a=[{\"b\":[{}]},[[]]];c={\"d\":[]};"));
}

TEST(a_text_for_which_the_arena_has_no_room_is_an_error)
{
    SCRATCH(a);
    SCRATCH(small);
    arena_set_limit(&small, 4096, NULL);
    struct json_value v;
    slice text = { 0 };
    EXPECT(json_scan_value(arena_join(&a, (slice[]){ S("\"\\n"), repeat(&a, 'x', 5000), S("\"") }, 3), &v));
    EXPECT_ERR(json_value_text(&v, &small, &text), ERR_TOO_LARGE);
    EXPECT_ERR(json_value_text(&(struct json_value){ .raw = S("[ ]"), .kind = JSON_KIND_ARRAY, .has_blanks = true },
                               &small, &text),
               ERR_TOO_LARGE);
    EXPECT(!text.p);
}

RUN_TESTS(cmocka_unit_test(members_come_in_order_with_their_texts),
          cmocka_unit_test(arrays_and_objects_lose_blanks_outside_of_strings), cmocka_unit_test(escapes_are_resolved),
          cmocka_unit_test(text_without_escapes_is_not_copied), cmocka_unit_test(malformed_objects_are_refused),
          cmocka_unit_test(strings_hold_only_what_the_standard_allows),
          cmocka_unit_test(numbers_follow_the_grammar_and_may_be_long),
          cmocka_unit_test(the_end_of_the_text_may_be_anywhere), cmocka_unit_test(nesting_ends_at_the_limit),
          cmocka_unit_test(a_text_for_which_the_arena_has_no_room_is_an_error))

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/field.h"

#include <string.h>

TEST(tokens_consist_of_the_characters_of_rfc_9110)
{
    EXPECT(is_token(S("!#$%&'*+-.^_`|~09azAZ")));
    EXPECT(!is_token(S("")) && !is_token(S("a b")) && !is_token(S("a\"b")) && !is_token(S("ж")) &&
           !is_token(S("a\0b")));
    EXPECT(field_has_control(S("a\x7f")) && field_has_control(S("a\0b")) && !field_has_control(S("a\tbж")));
}

/* The elements of a list, each followed by a bar. */
static slice joined_elements(slice list, struct arena *a)
{
    slice all = S(""), item;
    while (field_list_next(&list, &item))
        all = arena_printf(a, SLICE_FMT SLICE_FMT "|", SLICE_ARG(all), SLICE_ARG(item));
    return all;
}

TEST(lists_are_split_at_commas_outside_quotes)
{
    SCRATCH(a);
    EXPECT_SLICE(joined_elements(S("a, b ,\tc"), &a), S("a|b|c|"));
    EXPECT_SLICE(joined_elements(S(",, a,,b ,"), &a), S("a|b|"));
    EXPECT_SLICE(joined_elements(S("\"a,b\", \"c\\\",d\""), &a), S("\"a,b\"|\"c\\\",d\"|"));
    EXPECT_SLICE(joined_elements(S("a, \"never, closes"), &a), S("a|\"never, closes|"));
    EXPECT_SLICE(joined_elements(S(""), &a), S(""));
    EXPECT_SLICE(joined_elements(S(" , "), &a), S(""));
}

TEST(quoted_strings_are_decoded_or_refused)
{
    SCRATCH(a);
    slice text;
    EXPECT(field_quoted_decode(S("\"a \\\"b\\\\c\\d\""), &a, &text));
    EXPECT_SLICE(text, S("a \"b\\cd"));
    EXPECT(field_quoted_decode(S("\"\""), &a, &text));
    EXPECT_EQ(text.n, 0);
    EXPECT(!field_quoted_decode(S("\""), &a, &text) && !field_quoted_decode(S("a"), &a, &text));
    EXPECT(!field_quoted_decode(S("\"a\"b"), &a, &text) && !field_quoted_decode(S("\"a\\\""), &a, &text));
    EXPECT(!field_quoted_decode(S("\"a\nb\""), &a, &text));
}

static slice joined_params(slice text, struct arena *a)
{
    struct field_params ps = { .rest = text };
    slice all = S(""), name, value;
    while (field_params_next(&ps, &name, &value))
        all = arena_printf(a, SLICE_FMT SLICE_FMT "=" SLICE_FMT "|", SLICE_ARG(all), SLICE_ARG(name), SLICE_ARG(value));
    return ps.broken ? arena_printf(a, SLICE_FMT "broken", SLICE_ARG(all)) : all;
}

TEST(parameters_are_split_at_semicolons_outside_quotes)
{
    SCRATCH(a);
    EXPECT_SLICE(joined_params(S(" a=1; b = \"x;y\" ;;c=\"\\\"\";"), &a), S("a=1|b=\"x;y\"|c=\"\\\"\"|"));
    EXPECT_SLICE(joined_params(S("a=;b=тест отчёт.txt "), &a), S("a=|b=тест отчёт.txt|"));
    EXPECT_SLICE(joined_params(S("a=1; b"), &a), S("a=1|broken"));
    EXPECT_SLICE(joined_params(S("a=\"x"), &a), S("broken"));
    EXPECT_SLICE(joined_params(S("a=\"x\"y; b=1"), &a), S("broken"));
    EXPECT_SLICE(joined_params(S("=x"), &a), S("broken"));
    EXPECT_SLICE(joined_params(S("a b=x"), &a), S("broken"));
}

TEST(a_host_is_a_name_or_an_address_with_an_optional_port)
{
    EXPECT(host_is_valid(S("example.org")) && host_is_valid(S("a_b-c.example:8080")) && host_is_valid(S("localhost:")));
    EXPECT(host_is_valid(S("127.0.0.1:1")) && host_is_valid(S("[::1]")) && host_is_valid(S("[2001:db8::1]:443")));
    EXPECT(!host_is_valid(S("")) && !host_is_valid(S(":80")) && !host_is_valid(S("a:65536")) &&
           !host_is_valid(S("a:x")));
    EXPECT(!host_is_valid(S("::1")) && !host_is_valid(S("[::1")) && !host_is_valid(S("[::1]x")) &&
           !host_is_valid(S("[]")));
    EXPECT(!host_is_valid(S("a,b")) && !host_is_valid(S("a/b")) && !host_is_valid(S("a@b")) &&
           !host_is_valid(S("a b")));
    EXPECT(!host_is_valid(S("a\0b")) && !host_is_valid(S("[::1\0]")) && !host_is_valid(S("a:000080")));
    char name[257];
    memset(name, 'a', sizeof name);
    EXPECT(host_is_valid((slice){ name, 255 }) && !host_is_valid((slice){ name, 256 }));
}

RUN_TESTS(cmocka_unit_test(tokens_consist_of_the_characters_of_rfc_9110),
          cmocka_unit_test(lists_are_split_at_commas_outside_quotes),
          cmocka_unit_test(quoted_strings_are_decoded_or_refused),
          cmocka_unit_test(parameters_are_split_at_semicolons_outside_quotes),
          cmocka_unit_test(a_host_is_a_name_or_an_address_with_an_optional_port))

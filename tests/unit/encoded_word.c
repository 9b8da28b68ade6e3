/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of RFC 2047 section 8, and what is no encoded word. */
#include "test.h"

#include "http/encoded_word.h"

static void expect_decoded(const char *value, const char *text)
{
    SCRATCH(a);
    EXPECT_SLICE(encoded_words_decode(slice_of(value), &a), slice_of(text));
}

TEST(words_are_decoded_as_in_the_examples_of_the_rfc)
{
    expect_decoded("=?ISO-8859-1?Q?a?=", "a");
    expect_decoded("=?ISO-8859-1?Q?a?= b", "a b");
    expect_decoded("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab");
    expect_decoded("=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=", "ab");
    expect_decoded("=?ISO-8859-1?Q?a_b?=", "a b");
    expect_decoded("=?ISO-8859-1?Q?a?= =?UTF-8?B?IGI=?=", "a b");
    expect_decoded("=?iso-8859-1?q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard");
    expect_decoded("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore");
    expect_decoded("x  =?UTF-8?B?Y2Fmw6k=?= y", "x  caf\xc3\xa9 y");
    expect_decoded("=?UTF-8?Q?=0D=0A?=", "\r\n"); /* the caller looks for control characters */
}

TEST(what_is_no_word_stays_as_it_is)
{
    static const char *const values[] = { "plain",
                                          "=?",
                                          "=?\?=",
                                          "=?UTF-8?=",
                                          "=?UTF-8?B?=",
                                          "=?UTF-8?X?abc?=",
                                          "=?KOI8-R?B?8tXT?=",
                                          "=?UTF-8?B?***?=",
                                          "=?UTF-8?Q?caf=E9?=", /* no UTF-8 */
                                          "=?UTF-8?Q?a=4?=",
                                          "=?UTF-8?Q?a%41?=",
                                          "a=?UTF-8?Q?b?=",
                                          "=?UTF-8?Q?a b?=",
                                          "=?UTF-8?Q?a?=b" };
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        expect_decoded(values[i], values[i]);
}

TEST(encoded_text_is_read_back_and_no_character_is_split)
{
    SCRATCH(a);
    EXPECT_SLICE(encoded_words_encode(S("plain text"), &a), S("plain text"));
    EXPECT_SLICE(encoded_words_encode(S("caf\xc3\xa9"), &a), S("=?UTF-8?B?Y2Fmw6k=?="));
    EXPECT_SLICE(encoded_words_encode(S("caf\xe9"), &a), S("=?ISO-8859-1?B?Y2Fm6Q==?="));
    char text[300];
    for (size_t n = 3; n <= sizeof text; n += 3) {
        for (size_t i = 0; i < n; i += 3) {
            text[i] = (char)0xe2;
            text[i + 1] = (char)0x82;
            text[i + 2] = (char)0xac;
        }
        text[0] = 'x'; /* so that characters do not begin at multiples of 3 */
        text[1] = text[2] = 'y';
        slice words = encoded_words_encode((slice){ text, n }, &a), rest = words, word;
        EXPECT_SLICE(encoded_words_decode(words, &a), ((slice){ text, n }));
        while (rest.n) {
            slice_cut(rest, ' ', &word, &rest);
            EXPECT(word.n <= 75);
        }
    }
}

RUN_TESTS(cmocka_unit_test(words_are_decoded_as_in_the_examples_of_the_rfc),
          cmocka_unit_test(what_is_no_word_stays_as_it_is),
          cmocka_unit_test(encoded_text_is_read_back_and_no_character_is_split))

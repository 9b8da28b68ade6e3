/* SPDX-License-Identifier: Apache-2.0 */
/* The expected characters are those of CaseFolding.txt; tests/tools/test_case_fold.py compares the whole table with it. */
#include "test.h"

#include "base/case_fold.h"

#include <string.h>

static void expect_fold(const char *text, const char *folded)
{
    struct arena a;
    arena_init(&a);
    EXPECT_SLICE(case_fold(&a, slice_of(text)), slice_of(folded));
    EXPECT_SLICE(case_fold(&a, slice_of(folded)), slice_of(folded));
    arena_release(&a);
}

TEST(ascii_letters_fold_and_nothing_else_of_ascii)
{
    expect_fold("", "");
    expect_fold("ABCXYZ abcxyz 0189 @[`{~", "abcxyz abcxyz 0189 @[`{~");
    struct arena a;
    arena_init(&a);
    EXPECT_SLICE(case_fold(&a, S("A\0B")), S("a\0b"));
    arena_release(&a);
}

TEST(runs_of_letters_fold_to_both_their_ends)
{
    expect_fold("ÀÖ×ØÞß", "àö×øþß");         /* U+00D7 is between two runs; ß stays */
    expect_fold("АЯЀЏ", "аяѐџ");             /* Cyrillic */
    expect_fold("ԱՖ", "աֆ");                 /* Armenian */
    expect_fold("ⅠⅯ ⒶⓏ ＡＺ", "ⅰⅿ ⓐⓩ ａｚ"); /* Roman numerals, circled, full width */
}

TEST(alternating_pairs_fold_only_the_upper_case_letter)
{
    expect_fold("ĀāĂăĮį", "āāăăįį"); /* upper case is even */
    expect_fold("ĹĺĻļŇň", "ĺĺļļňň"); /* upper case is odd */
    expect_fold("ĸŉ", "ĸŉ");         /* between two runs */
    expect_fold("ǄǅǆǱǲǳ", "ǆǆǆǳǳǳ"); /* upper and title case */
}

TEST(a_folded_character_may_be_longer_or_shorter)
{
    expect_fold("\u023a\u023e", "\u2c65\u2c66"); /* 2 → 3 bytes */
    expect_fold("\u1e9e", "\u00df");             /* ẞ → ß, status S: 3 → 2 bytes */
    expect_fold("\u212a\u212b\u2126", "k\u00e5\u03c9");
    expect_fold("\u017f\u00b5", "s\u03bc"); /* ſ: 2 → 1 byte */
    char text[2 * 500 + 1], folded[3 * 500 + 1];
    for (int i = 0; i < 500; i++) {
        memcpy(text + (size_t)2 * i, "\u023a", 3);
        memcpy(folded + (size_t)3 * i, "\u2c65", 4);
    }
    expect_fold(text, folded);
}

TEST(greek_letters_fold_to_one_form)
{
    expect_fold("ΣΑΣ σας", "σασ σασ"); /* the final sigma, too */
    expect_fold("ϐϑϕϖϰϱϴϵ\u1fbe", "βθφπκρθει");
    expect_fold("\u1f88\u1fbc\u1ffc", "\u1f80\u1fb3\u1ff3"); /* status S */
    expect_fold("Ά", "ά");
}

TEST(cherokee_folds_to_upper_case)
{
    expect_fold("\uab70\uabbf", "\u13a0\u13ef");
    expect_fold("\u13f8\u13fd", "\u13f0\u13f5");
    expect_fold("\u13a0\u13f5", "\u13a0\u13f5");
}

TEST(the_dotted_and_the_dotless_i_stay_apart)
{
    expect_fold("Iiİı", "iiİı"); /* status T is for Turkish texts only */
}

TEST(characters_of_four_bytes_fold)
{
    expect_fold("\U00010400\U00010427\U00010428", "\U00010428\U0001044f\U00010428"); /* Deseret */
    expect_fold("\U0001e900\U0001e921", "\U0001e922\U0001e943");                     /* Adlam */
    expect_fold("😀 𝐀", "😀 𝐀");
}

TEST(accents_and_composition_count)
{
    expect_fold("E\u0301 É e é", "e\u0301 é e é");
    expect_fold("ﬀ ŉ ǰ ß", "ﬀ ŉ ǰ ß"); /* status F is not applied */
}

TEST(bytes_that_are_no_characters_stay)
{
    expect_fold("A\xff\xc3"
                "B\xc3",
                "a\xff\xc3"
                "b\xc3");
    expect_fold("\xed\xa0\x80 \xc1\x81 \xf0\x9f\x98", "\xed\xa0\x80 \xc1\x81 \xf0\x9f\x98");
}

TEST(a_text_without_room_is_reported)
{
    struct arena a;
    arena_init(&a);
    arena_set_limit(&a, 1000, NULL);
    char text[900];
    memset(text, 'A', sizeof text);
    EXPECT_EQ(case_fold(&a, (slice){ text, sizeof text }).n, 0);
    EXPECT(arena_is_over(&a));
    arena_release(&a);
}

RUN_TESTS(cmocka_unit_test(ascii_letters_fold_and_nothing_else_of_ascii),
          cmocka_unit_test(runs_of_letters_fold_to_both_their_ends),
          cmocka_unit_test(alternating_pairs_fold_only_the_upper_case_letter),
          cmocka_unit_test(a_folded_character_may_be_longer_or_shorter),
          cmocka_unit_test(greek_letters_fold_to_one_form), cmocka_unit_test(cherokee_folds_to_upper_case),
          cmocka_unit_test(the_dotted_and_the_dotless_i_stay_apart), cmocka_unit_test(characters_of_four_bytes_fold),
          cmocka_unit_test(accents_and_composition_count), cmocka_unit_test(bytes_that_are_no_characters_stay),
          cmocka_unit_test(a_text_without_room_is_reported))

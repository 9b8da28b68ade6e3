/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "core/file/file_name.h"

#include <string.h>

static void cleans_to(slice raw, slice want)
{
    SCRATCH(a);
    slice got;
    EXPECT_OK(file_name_clean(raw, &a, &got));
    EXPECT_SLICE(got, want);
}

TEST(a_plain_name_is_unchanged)
{
    cleans_to(S("счёт № 7.pdf"), S("счёт № 7.pdf"));
    cleans_to(S("q\"uo;te.txt"), S("q\"uo;te.txt"));
    cleans_to(S(" .hidden "), S(" .hidden "));
    cleans_to(S("..."), S("..."));
}

TEST(directories_of_any_system_are_removed)
{
    cleans_to(S("/home/me/тест.txt"), S("тест.txt"));
    cleans_to(S("C:\\Users\\me\\a.txt"), S("a.txt"));
    cleans_to(S("../../etc/passwd"), S("passwd"));
    cleans_to(S("a/b\\c/d\\e"), S("e"));
}

TEST(control_characters_are_removed_and_nothing_else)
{
    cleans_to(S("a\r\nb\0c\x7f"
                "d\t.txt"),
              S("abcd.txt"));
    cleans_to(S("\xc2\x80"
                "a\xc2\x9f\xc2\xa0"),
              S("a\xc2\xa0")); /* U+0080 and U+009F are removed; the no-break space, U+00A0, is not */
}

TEST(an_empty_name_becomes_file)
{
    cleans_to(S(""), S("file"));
    cleans_to(S("."), S("file"));
    cleans_to(S("dir/.."), S("file"));
    cleans_to(S("dir/"), S("file"));
    cleans_to(S(".\x01."), S("file"));
}

TEST(a_name_that_is_too_long_is_refused_and_not_shortened)
{
    SCRATCH(a);
    slice got;
    char text[400];
    memset(text, 'a', sizeof text);
    cleans_to((slice){ text, 255 }, (slice){ text, 255 });
    EXPECT_ERR(file_name_clean((slice){ text, 256 }, &a, &got), ERR_TOO_LARGE);
    text[100] = '/'; /* the limit applies to the base name */
    cleans_to((slice){ text, 101 + 255 }, (slice){ text + 101, 255 });
    text[200] = 1; /* after cleaning */
    EXPECT_OK(file_name_clean((slice){ text, 101 + 256 }, &a, &got));
    EXPECT_EQ(got.n, 255);
}

TEST(a_long_name_has_at_most_255_characters_of_any_script)
{
    SCRATCH(a);
    static const char *const characters[] = { "a", "я", "文" };
    slice got;
    for (size_t i = 0; i < LENGTH_OF(characters); i++) {
        SCOPED(buf_releasep) struct buf name;
        buf_init(&name, 0);
        for (int k = 0; k < 255; k++)
            buf_add(&name, slice_of(characters[i]));
        EXPECT_OK(file_name_clean_long(buf_slice(&name), &a, &got));
        EXPECT_SLICE(got, buf_slice(&name));
        buf_add(&name, slice_of(characters[i]));
        EXPECT_ERR(file_name_clean_long(buf_slice(&name), &a, &got), ERR_TOO_LARGE);
    }
    SCOPED(buf_releasep) struct buf large;
    buf_init(&large, 0);
    for (int k = 0; k < 240; k++)
        buf_add(&large, S("😀"));
    EXPECT_OK(file_name_clean_long(buf_slice(&large), &a, &got));
    buf_add(&large, S("a"));
    EXPECT_ERR(file_name_clean_long(buf_slice(&large), &a, &got), ERR_TOO_LARGE);
    EXPECT_ERR(file_name_clean_long(S("a\xff.txt"), &a, &got), ERR_INVALID);
}

TEST(a_name_that_is_not_utf8_is_refused)
{
    SCRATCH(a);
    slice got;
    EXPECT_ERR(file_name_clean(S("a\xff.txt"), &a, &got), ERR_INVALID);
    EXPECT_ERR(file_name_clean(S("a\xc2"), &a, &got), ERR_INVALID);
}

RUN_TESTS(cmocka_unit_test(a_plain_name_is_unchanged), cmocka_unit_test(directories_of_any_system_are_removed),
          cmocka_unit_test(control_characters_are_removed_and_nothing_else),
          cmocka_unit_test(an_empty_name_becomes_file),
          cmocka_unit_test(a_name_that_is_too_long_is_refused_and_not_shortened),
          cmocka_unit_test(a_long_name_has_at_most_255_characters_of_any_script),
          cmocka_unit_test(a_name_that_is_not_utf8_is_refused))

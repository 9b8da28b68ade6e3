/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/content_disposition.h"

static void filename_is(slice header, slice want)
{
    SCRATCH(a);
    struct content_disposition d;
    EXPECT_OK(content_disposition_parse(header, &a, &d));
    EXPECT(d.has_filename);
    EXPECT_SLICE(d.filename, want);
}

static void is_refused(slice header)
{
    SCRATCH(a);
    struct content_disposition d;
    EXPECT_ERR(content_disposition_parse(header, &a, &d), ERR_INVALID);
}

TEST(name_and_filename_are_told_apart)
{
    SCRATCH(a);
    struct content_disposition d;
    EXPECT_OK(content_disposition_parse(S("Form-Data ; NAME = \"файл\" ; FileName=\"\""), &a, &d));
    EXPECT_SLICE(d.type, S("Form-Data"));
    EXPECT(d.has_name && d.has_filename);
    EXPECT_SLICE(d.name, S("файл"));
    EXPECT_EQ(d.filename.n, 0);
    EXPECT_OK(content_disposition_parse(S("form-data; x=y"), &a, &d));
    EXPECT(!d.has_name && !d.has_filename);
    EXPECT_OK(content_disposition_parse(S("attachment"), &a, &d));
}

TEST(every_writer_of_file_names_is_understood)
{
    filename_is(S("form-data; name=\"file\"; filename=\"тест отчёт.txt\""),
                S("тест отчёт.txt")); /* requests, Node, curl */
    filename_is(S("form-data; name=\"file\"; filename=\"q%22uo;te.txt\""), S("q\"uo;te.txt"));
    filename_is(S("form-data; name=\"file\"; filename=\"q\\\"uo;te.txt\""), S("q\"uo;te.txt")); /* Go */
    filename_is(S("form-data; name=file; filename=\"=?utf-8?B?0YLQtdGB0YIg0L7RgtGH0ZHRgi50eHQ=?=\"; "
                  "filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82%20%D0%BE%D1%82%D1%87%D1%91%D1%82.txt"),
                S("тест отчёт.txt")); /* .NET */
    filename_is(S("form-data; name=file; filename=plain.txt; filename*=utf-8''plain.txt"), S("plain.txt"));
    filename_is(S("form-data; name=\"file\"; filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82.txt"),
                S("тест.txt")); /* urllib3 < 1.25 */
    filename_is(S("form-data; name=\"f\"; filename=\"/srv/www/тест отчёт.txt\""),
                S("/srv/www/тест отчёт.txt")); /* PHP */
    filename_is(S("form-data; name=\"f\"; filename=\"C:\\dir\\new file.txt\""), S("C:\\dir\\new file.txt"));
}

TEST(filename_star_wins_only_when_it_is_valid)
{
    filename_is(S("form-data; filename*=UTF-8'en'a%20b; filename=c"), S("a b"));
    filename_is(S("form-data; filename=c; filename*=iso-8859-1''%e9t%e9"), S("été"));
    filename_is(S("form-data; filename*=\"utf-8''a%2Fb\""), S("a/b"));
    filename_is(S("form-data; filename*=utf-8''%ff; filename=c"), S("c"));
    filename_is(S("form-data; filename*=utf-8''%zz; filename=c"), S("c"));
    filename_is(S("form-data; filename*=koi8-r''abc; filename=c"), S("c"));
    filename_is(S("form-data; filename*=abc; filename=c"), S("c"));
    is_refused(S("form-data; filename*=utf-8''%ff"));
}

TEST(only_the_three_escapes_of_forms_are_undone)
{
    filename_is(S("form-data; filename=\"a%0D%0a%22b%41%\""), S("a\"b%41%"));
    filename_is(S("form-data; filename=\"a\\\\b\\c\""), S("a\\b\\c"));
}

TEST(encoded_words_are_decoded_only_as_a_whole)
{
    filename_is(S("form-data; filename=\"=?UTF-8?Q?=D1=82_a?=\""), S("т a"));
    filename_is(S("form-data; filename=\"=?utf-8?B?0Q==?= =?utf-8?B?gmE=?=\""), S("тa")); /* cut inside a character */
    filename_is(S("form-data; filename=\"=?utf-8*ru?B?YQ==?=\""), S("a"));
    filename_is(S("form-data; filename=\"=?iso-8859-1?q?=E9?=\""), S("é"));
    filename_is(S("form-data; filename=\"x =?utf-8?B?YQ==?=\""), S("x =?utf-8?B?YQ==?="));
    filename_is(S("form-data; filename=\"=?utf-8?B?YQ==?=x\""), S("=?utf-8?B?YQ==?=x"));
    filename_is(S("form-data; filename=\"=?utf-8?B?/w==?=\""), S("=?utf-8?B?/w==?=")); /* no UTF-8 */
    filename_is(S("form-data; filename=\"=?koi8-r?B?YQ==?=\""), S("=?koi8-r?B?YQ==?="));
    filename_is(S("form-data; filename=\"=?utf-8?Q?=4?=\""), S("=?utf-8?Q?=4?="));
}

TEST(what_is_not_utf8_is_windows_1252)
{
    filename_is(S("form-data; filename=\"caf\xe9 \x80.txt\""), S("café €.txt"));
    filename_is(S("form-data; filename=\"\x81\""), S("\xc2\x81"));
}

TEST(broken_headers_are_refused)
{
    is_refused(S(""));
    is_refused(S("; name=a"));
    is_refused(S("form-data; name"));
    is_refused(S("form-data; name=\"a"));
    is_refused(S("form-data; name=\"a\"b"));
    is_refused(S("form-data; filename=a; filename=b"));
    is_refused(S("form-data; name=\"a\0b\""));
}

static void formats_to(slice name, slice want)
{
    SCRATCH(a);
    slice got = content_disposition_format(S("attachment"), name, &a);
    EXPECT_SLICE(got, want);
    filename_is(got, name);
}

TEST(going_out_one_parameter_says_it_all)
{
    SCRATCH(a);
    formats_to(S("test.txt"), S("attachment; filename=test.txt"));
    formats_to(S("te st (1).txt"), S("attachment; filename=\"te st (1).txt\""));
    formats_to(S("a\"b\\c,d.txt"), S("attachment; filename=\"a\\\"b\\\\c,d.txt\""));
    formats_to(S("тест.txt"), S("attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82.txt"));
    formats_to(S("a\nb"), S("attachment; filename*=UTF-8''a%0Ab"));
    formats_to(S("a\tb"), S("attachment; filename*=UTF-8''a%09b"));
    EXPECT_SLICE(content_disposition_format(S("inline"), S("caf\xe9"), &a), S("inline; filename*=UTF-8''caf%C3%A9"));
}

RUN_TESTS(cmocka_unit_test(name_and_filename_are_told_apart),
          cmocka_unit_test(every_writer_of_file_names_is_understood),
          cmocka_unit_test(filename_star_wins_only_when_it_is_valid),
          cmocka_unit_test(only_the_three_escapes_of_forms_are_undone),
          cmocka_unit_test(encoded_words_are_decoded_only_as_a_whole),
          cmocka_unit_test(what_is_not_utf8_is_windows_1252), cmocka_unit_test(broken_headers_are_refused),
          cmocka_unit_test(going_out_one_parameter_says_it_all))

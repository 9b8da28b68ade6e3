/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/content_disposition.h"

static void expect_filename(slice header, slice want)
{
    SCRATCH(a);
    struct content_disposition d;
    EXPECT_OK(content_disposition_parse(header, &a, &d));
    EXPECT(d.has_filename);
    EXPECT_SLICE(d.filename, want);
}

static void expect_refused_disposition(slice header)
{
    SCRATCH(a);
    struct content_disposition d;
    EXPECT_ERR(content_disposition_parse(header, &a, &d), ERR_INVALID);
}

TEST(a_disposition_may_have_a_name_and_a_filename)
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

TEST(file_names_of_every_known_client_are_decoded)
{
    expect_filename(S("form-data; name=\"file\"; filename=\"тест отчёт.txt\""),
                    S("тест отчёт.txt")); /* requests, Node, curl */
    expect_filename(S("form-data; name=\"file\"; filename=\"q%22uo;te.txt\""), S("q\"uo;te.txt"));
    expect_filename(S("form-data; name=\"file\"; filename=\"q\\\"uo;te.txt\""), S("q\"uo;te.txt")); /* Go */
    expect_filename(S("form-data; name=file; filename=\"=?utf-8?B?0YLQtdGB0YIg0L7RgtGH0ZHRgi50eHQ=?=\"; "
                      "filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82%20%D0%BE%D1%82%D1%87%D1%91%D1%82.txt"),
                    S("тест отчёт.txt")); /* .NET */
    expect_filename(S("form-data; name=file; filename=plain.txt; filename*=utf-8''plain.txt"), S("plain.txt"));
    expect_filename(S("form-data; name=\"file\"; filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82.txt"),
                    S("тест.txt")); /* urllib3 < 1.25 */
    expect_filename(S("form-data; name=\"f\"; filename=\"/srv/www/тест отчёт.txt\""),
                    S("/srv/www/тест отчёт.txt")); /* PHP */
    expect_filename(S("form-data; name=\"f\"; filename=\"C:\\dir\\new file.txt\""), S("C:\\dir\\new file.txt"));
}

TEST(a_filename_star_wins_only_when_it_is_valid)
{
    expect_filename(S("form-data; filename*=UTF-8'en'a%20b; filename=c"), S("a b"));
    expect_filename(S("form-data; filename=c; filename*=iso-8859-1''%e9t%e9"), S("été"));
    expect_filename(S("form-data; filename*=\"utf-8''a%2Fb\""), S("a/b"));
    expect_filename(S("form-data; filename*=utf-8''%ff; filename=c"), S("c"));
    expect_filename(S("form-data; filename*=utf-8''%zz; filename=c"), S("c"));
    expect_filename(S("form-data; filename*=koi8-r''abc; filename=c"), S("c"));
    expect_filename(S("form-data; filename*=abc; filename=c"), S("c"));
    expect_refused_disposition(S("form-data; filename*=utf-8''%ff"));
}

TEST(only_the_three_escapes_of_forms_are_decoded)
{
    expect_filename(S("form-data; filename=\"a%0D%0a%22b%41%\""), S("a\"b%41%"));
    expect_filename(S("form-data; filename=\"a\\\\b\\c\""), S("a\\b\\c"));
}

TEST(encoded_words_are_decoded_only_when_they_are_the_whole_value)
{
    expect_filename(S("form-data; filename=\"=?UTF-8?Q?=D1=82_a?=\""), S("т a"));
    expect_filename(S("form-data; filename=\"=?utf-8?B?0Q==?= =?utf-8?B?gmE=?=\""),
                    S("тa")); /* split inside a character */
    expect_filename(S("form-data; filename=\"=?utf-8*ru?B?YQ==?=\""), S("a"));
    expect_filename(S("form-data; filename=\"=?iso-8859-1?q?=E9?=\""), S("é"));
    expect_filename(S("form-data; filename=\"x =?utf-8?B?YQ==?=\""), S("x =?utf-8?B?YQ==?="));
    expect_filename(S("form-data; filename=\"=?utf-8?B?YQ==?=x\""), S("=?utf-8?B?YQ==?=x"));
    expect_filename(S("form-data; filename=\"=?utf-8?B?/w==?=\""), S("=?utf-8?B?/w==?=")); /* not UTF-8 */
    expect_filename(S("form-data; filename=\"=?koi8-r?B?YQ==?=\""), S("=?koi8-r?B?YQ==?="));
    expect_filename(S("form-data; filename=\"=?utf-8?Q?=4?=\""), S("=?utf-8?Q?=4?="));
}

TEST(bytes_that_are_not_utf8_are_read_as_windows_1252)
{
    expect_filename(S("form-data; filename=\"caf\xe9 \x80.txt\""), S("café €.txt"));
    expect_filename(S("form-data; filename=\"\x81\""), S("\xc2\x81"));
}

TEST(malformed_dispositions_are_refused)
{
    expect_refused_disposition(S(""));
    expect_refused_disposition(S("; name=a"));
    expect_refused_disposition(S("form-data; name"));
    expect_refused_disposition(S("form-data; name=\"a"));
    expect_refused_disposition(S("form-data; name=\"a\"b"));
    expect_refused_disposition(S("form-data; filename=a; filename=b"));
    expect_refused_disposition(S("form-data; name=\"a\0b\""));
}

static void expect_formatted(slice name, slice want)
{
    SCRATCH(a);
    slice got = content_disposition_format(S("attachment"), name, &a);
    EXPECT_SLICE(got, want);
    expect_filename(got, name);
}

TEST(a_formatted_disposition_has_one_parameter)
{
    SCRATCH(a);
    expect_formatted(S("test.txt"), S("attachment; filename=test.txt"));
    expect_formatted(S("te st (1).txt"), S("attachment; filename=\"te st (1).txt\""));
    expect_formatted(S("a\"b\\c,d.txt"), S("attachment; filename=\"a\\\"b\\\\c,d.txt\""));
    expect_formatted(S("тест.txt"), S("attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82.txt"));
    expect_formatted(S("a\nb"), S("attachment; filename*=UTF-8''a%0Ab"));
    expect_formatted(S("a\tb"), S("attachment; filename*=UTF-8''a%09b"));
    EXPECT_SLICE(content_disposition_format(S("inline"), S("caf\xe9"), &a), S("inline; filename*=UTF-8''caf%C3%A9"));
}

RUN_TESTS(cmocka_unit_test(a_disposition_may_have_a_name_and_a_filename),
          cmocka_unit_test(file_names_of_every_known_client_are_decoded),
          cmocka_unit_test(a_filename_star_wins_only_when_it_is_valid),
          cmocka_unit_test(only_the_three_escapes_of_forms_are_decoded),
          cmocka_unit_test(encoded_words_are_decoded_only_when_they_are_the_whole_value),
          cmocka_unit_test(bytes_that_are_not_utf8_are_read_as_windows_1252),
          cmocka_unit_test(malformed_dispositions_are_refused),
          cmocka_unit_test(a_formatted_disposition_has_one_parameter))

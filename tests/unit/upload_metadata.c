/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/resumable/metadata.h"
#include "base/text.h"
#include "core/file/file_name.h"

#include <string.h>

/* What is absent is "-". */
static void expect_metadata(slice value, const char *name, const char *type)
{
    SCRATCH(a);
    struct upload_metadata m;
    err_t e = upload_metadata_parse(value, &a, &m);
    if (e)
        fail_msg("'" SLICE_FMT "' was refused: %s", SLICE_ARG(value), e->msg);
    EXPECT_SLICE(m.has_file_name ? m.file_name : S("-"), slice_of(name));
    EXPECT_SLICE(m.has_content_type ? m.content_type : S("-"), slice_of(type));
    EXPECT(m.has_file_name == (m.file_name.n > 0) && m.has_content_type == (m.content_type.n > 0));
}

static void expect_invalid(slice value)
{
    SCRATCH(a);
    struct upload_metadata m;
    if (!err_is(upload_metadata_parse(value, &a, &m), ERR_INVALID))
        fail_msg("'" SLICE_FMT "' was accepted", SLICE_ARG(value));
}

TEST(name_and_type_are_those_that_clients_send)
{
    expect_metadata(S("filename YS5wZGY=,filetype YXBwbGljYXRpb24vcGRm"), "a.pdf", "application/pdf");
    /* Uppy sends its own keys and those of others. */
    expect_metadata(
        S("relativePath bnVsbA==,name Yi50eHQ=,type dGV4dC9wbGFpbg==,filetype dGV4dC9jc3Y=,filename YS50eHQ="), "a.txt",
        "text/csv");
    expect_metadata(S("name Yi50eHQ=,type dGV4dC9wbGFpbg=="), "b.txt", "text/plain");
    expect_metadata(S("is_confidential"), "-", "-");
    expect_metadata(S("Filename YS5wZGY=,NAME YS5wZGY=,Type YQ=="), "-", "-");
}

TEST(an_empty_value_is_no_name)
{
    expect_metadata(S("filename,name Yi50eHQ="), "b.txt", "-");
    expect_metadata(S("filename ,name Yi50eHQ="), "b.txt", "-");
    expect_metadata(S("filename,filetype"), "-", "-");
    expect_metadata(S("filetype,type dGV4dC9wbGFpbg=="), "-", "text/plain");
}

TEST(an_empty_header_has_no_pairs)
{
    expect_metadata(S(""), "-", "-");
    expect_metadata(S(" \t "), "-", "-");
    expect_metadata((slice){ 0 }, "-", "-");
}

TEST(blanks_may_surround_commas)
{
    expect_metadata(S("filename YS5wZGY= ,\t filetype YXBwbGljYXRpb24vcGRm "), "a.pdf", "application/pdf");
    expect_metadata(S(" a ,b\t, c  "), "-", "-");
    expect_invalid(S("filename  YS5wZGY="));
    expect_invalid(S("filename\tYS5wZGY="));
    expect_invalid(S("filename \tYS5wZGY="));
    expect_invalid(S("filename YS5w ZGY="));
    expect_invalid(S("filename YS5wZGY= x"));
}

TEST(empty_pairs_are_refused)
{
    expect_invalid(S(","));
    expect_invalid(S("a,"));
    expect_invalid(S("a, "));
    expect_invalid(S(",a"));
    expect_invalid(S("a,,b"));
    expect_invalid(S("a, ,b"));
}

TEST(keys_are_visible_ascii)
{
    expect_metadata(S("!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~ YQ=="), "-", "-");
    expect_invalid(S("\xc3\xa4 YQ=="));
    expect_invalid(S("a\x7f YQ=="));
    expect_invalid(S("a\x01 YQ=="));
    expect_invalid(S("a\0 YQ=="));
    expect_invalid(S("a\r\nb YQ=="));
    expect_invalid(S("a\tb"));
    expect_invalid(S("a\xff"));
}

TEST(keys_are_unique)
{
    expect_invalid(S("a,a"));
    expect_invalid(S("a YQ==,b,a YQ=="));
    expect_invalid(S("filename YS5wZGY=,x,y,filename YS5wZGY="));
    expect_invalid(S("b,a,c,a "));
    expect_metadata(S("a,A,aa,aA"), "-", "-");
}

TEST(values_of_all_keys_are_base64_with_padding)
{
    expect_metadata(S("x YQ==,y YWI=,z YWJj,filename Pz8/Pj4+"), "\?\?\?>>>", "-");
    expect_invalid(S("x YQ"));
    expect_invalid(S("x YQ="));
    expect_invalid(S("x YWI"));
    expect_invalid(S("x YQ==="));
    expect_invalid(S("x Y==="));
    expect_invalid(S("x YQ==YQ=="));
    expect_invalid(S("x Y"));
    expect_invalid(S("x ===="));
    expect_invalid(S("x Pz8_Pj4-"));
    expect_invalid(S("x YQ\0="));
    expect_invalid(S("x YW\r\n"));
    expect_invalid(S("x YW\xc3\xa4"));
    expect_invalid(S("filename a.pdf"));
}

static slice pair_of(const char *key, slice value, struct arena *a)
{
    slice encoded = base64_encode(a, value);
    return arena_printf(a, "%s " SLICE_FMT, key, SLICE_ARG(encoded));
}

static bool has_type(slice type)
{
    SCRATCH(a);
    struct upload_metadata m;
    EXPECT_OK(upload_metadata_parse(pair_of("filetype", type, &a), &a, &m));
    EXPECT_SLICE(m.content_type, m.has_content_type ? slice_trim(type) : S(""));
    return m.has_content_type;
}

TEST(a_content_type_that_cannot_be_a_header_is_left_out)
{
    char longest[UPLOAD_METADATA_TYPE_MAX_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    EXPECT(has_type(S("text/plain; charset=utf-8")) && has_type(S("text/\xc3\xa4")) && has_type(S(" text/plain\t")));
    EXPECT(has_type((slice){ longest, UPLOAD_METADATA_TYPE_MAX_BYTES }));
    EXPECT(!has_type((slice){ longest, UPLOAD_METADATA_TYPE_MAX_BYTES + 1 }));
    EXPECT(!has_type(S("text/\xff")));
    EXPECT(!has_type(S("text/plain\r\nSet-Cookie: a=b")));
    EXPECT(!has_type(S("text/plain\n")) && !has_type(S("text\0/plain")) && !has_type(S("text/plain\x7f")));
    EXPECT(!has_type(S("  ")));
}

TEST(names_of_any_bytes_do_no_harm_when_they_are_cleaned)
{
    SCRATCH(a);
    char long_name[4096];
    memset(long_name, 'x', sizeof long_name);
    const struct {
        slice sent;
        enum err_code refused;
        const char *cleaned; /* NULL: it is refused */
    } names[] = {
        { S("a\0b.txt"), 0, "ab.txt" },
        { S("a\r\nSet-Cookie: x.txt"), 0, "aSet-Cookie: x.txt" },
        { S("../../etc/passwd"), 0, "passwd" },
        { S("C:\\a\\b.txt"), 0, "b.txt" },
        { S("\0"), 0, "file" },
        { S(".."), 0, "file" },
        { S("a\xff"), ERR_INVALID, NULL },
        { { long_name, sizeof long_name }, ERR_TOO_LARGE, NULL },
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        struct upload_metadata m;
        slice name;
        EXPECT_OK(upload_metadata_parse(pair_of("filename", names[i].sent, &a), &a, &m));
        EXPECT_SLICE(m.file_name, names[i].sent);
        if (names[i].cleaned) {
            EXPECT_OK(file_name_clean(m.file_name, &a, &name));
            EXPECT_SLICE(name, slice_of(names[i].cleaned));
        } else {
            EXPECT_ERR(file_name_clean(m.file_name, &a, &name), names[i].refused);
        }
    }
}

/* Different keys of two letters, without values: as many as fit. */
static size_t fill_with_keys(char bytes[UPLOAD_METADATA_MAX_BYTES])
{
    size_t n = 0;
    for (size_t key = 0; n + 3 <= UPLOAD_METADATA_MAX_BYTES; key++, n += 3) {
        bytes[n] = (char)('0' + key / 60);
        bytes[n + 1] = (char)('0' + key % 60);
        bytes[n + 2] = ',';
    }
    return n - 1;
}

TEST(more_than_8_kib_are_too_large)
{
    SCRATCH(a);
    struct upload_metadata m;
    char bytes[UPLOAD_METADATA_MAX_BYTES + 1];
    memset(bytes, 'k', sizeof bytes);
    EXPECT_OK(upload_metadata_parse((slice){ bytes, UPLOAD_METADATA_MAX_BYTES }, &a, &m));
    EXPECT_ERR(upload_metadata_parse((slice){ bytes, sizeof bytes }, &a, &m), ERR_TOO_LARGE);
    memset(bytes, ' ', sizeof bytes);
    EXPECT_ERR(upload_metadata_parse((slice){ bytes, sizeof bytes }, &a, &m), ERR_TOO_LARGE);
}

TEST(thousands_of_keys_are_compared)
{
    SCRATCH(a);
    struct upload_metadata m;
    char bytes[UPLOAD_METADATA_MAX_BYTES];
    size_t n = fill_with_keys(bytes);
    EXPECT(n > 8000);
    EXPECT_OK(upload_metadata_parse((slice){ bytes, n }, &a, &m));
    EXPECT(a.peak < 256 << 10);
    memcpy(bytes + n - 2, bytes, 2); /* the last key is the first one again */
    EXPECT_ERR(upload_metadata_parse((slice){ bytes, n }, &a, &m), ERR_INVALID);
}

RUN_TESTS(cmocka_unit_test(name_and_type_are_those_that_clients_send), cmocka_unit_test(an_empty_value_is_no_name),
          cmocka_unit_test(an_empty_header_has_no_pairs), cmocka_unit_test(blanks_may_surround_commas),
          cmocka_unit_test(empty_pairs_are_refused), cmocka_unit_test(keys_are_visible_ascii),
          cmocka_unit_test(keys_are_unique), cmocka_unit_test(values_of_all_keys_are_base64_with_padding),
          cmocka_unit_test(a_content_type_that_cannot_be_a_header_is_left_out),
          cmocka_unit_test(names_of_any_bytes_do_no_harm_when_they_are_cleaned),
          cmocka_unit_test(more_than_8_kib_are_too_large), cmocka_unit_test(thousands_of_keys_are_compared))

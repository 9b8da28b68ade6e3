/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/media_type.h"

static slice type_of(const char *name)
{
    SCRATCH(a);
    return media_type_of(file_extension(slice_of(name), &a));
}

TEST(the_table_is_sorted_and_contains_media_types)
{
    static const struct {
        const char *extension, *type;
    } table[] = {
#define TYPE(extension, type) { extension, type },
#include "base/media_types.def"
#undef TYPE
    };
    EXPECT(LENGTH_OF(table) > 90);
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        EXPECT(i == 0 || slice_cmp(slice_of(table[i - 1].extension), slice_of(table[i].extension)) < 0);
        EXPECT(slice_find_byte(slice_of(table[i].type), '/') != SLICE_NONE);
        EXPECT_SLICE(media_type_of(slice_of(table[i].extension)), slice_of(table[i].type));
    }
}

TEST(the_extension_follows_the_last_dot_and_is_in_lower_case)
{
    SCRATCH(a);
    EXPECT_SLICE(file_extension(S("nota.PDF"), &a), S("pdf"));
    EXPECT_SLICE(file_extension(S("a.tar.gz"), &a), S("gz"));
    EXPECT_SLICE(file_extension(S("a."), &a), S(""));
    EXPECT_SLICE(file_extension(S(".profile"), &a), S(""));
    EXPECT_SLICE(file_extension(S("README"), &a), S(""));
    EXPECT_SLICE(file_extension(S(""), &a), S(""));
}

TEST(an_unknown_extension_is_an_octet_stream)
{
    EXPECT_SLICE(type_of("nota fiscal.pdf"), S("application/pdf"));
    EXPECT_SLICE(type_of("EXAMPLE.CSV"), S("text/csv"));
    EXPECT_SLICE(type_of("a.zst"), S("application/zstd"));
    EXPECT_SLICE(type_of("a.nonsense"), S("application/octet-stream"));
    EXPECT_SLICE(type_of("README"), S("application/octet-stream"));
}

RUN_TESTS(cmocka_unit_test(the_table_is_sorted_and_contains_media_types),
          cmocka_unit_test(the_extension_follows_the_last_dot_and_is_in_lower_case),
          cmocka_unit_test(an_unknown_extension_is_an_octet_stream))

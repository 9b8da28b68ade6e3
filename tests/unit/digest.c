/* SPDX-License-Identifier: Apache-2.0 */
/* Values of "123456789" from the catalogue of parametrised CRC algorithms, of "abc" from FIPS 180-2. */
#include "test.h"

#include "base/text.h"
#include "core/object/digest.h"

#include <string.h>

static const enum digest_kind kinds[] = { DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME, DIGEST_SHA1, DIGEST_SHA256 };

static void expect_hex(enum digest_kind kind, slice bytes, const char *hex)
{
    SCRATCH(a);
    struct digest d;
    digest_of(kind, bytes, &d);
    EXPECT_EQ(d.kind, kind);
    EXPECT_EQ(d.form, DIGEST_WHOLE);
    EXPECT_SLICE(hex_encode(&a, (slice){ (const char *)d.bytes, digest_size(kind) }), slice_of(hex));
}

TEST(digests_of_known_texts_have_their_published_values)
{
    expect_hex(DIGEST_CRC32, S("123456789"), "cbf43926");
    expect_hex(DIGEST_CRC32C, S("123456789"), "e3069283");
    expect_hex(DIGEST_CRC64NVME, S("123456789"), "ae8b14860a799888");
    expect_hex(DIGEST_SHA1, S("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_hex(DIGEST_SHA256, S("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_hex(DIGEST_CRC32, S(""), "00000000");
}

TEST(digest_names_are_found_in_any_case)
{
    enum digest_kind kind = DIGEST_NONE;
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        EXPECT(digest_by_name(digest_name(kinds[i]), &kind));
        EXPECT_EQ(kind, kinds[i]);
        EXPECT(digest_size(kinds[i]) > 0);
    }
    EXPECT(digest_by_name(S("crc64Nvme"), &kind));
    EXPECT_EQ(kind, DIGEST_CRC64NVME);
    EXPECT(!digest_by_name(S(""), &kind));
    EXPECT(!digest_by_name(S("MD5"), &kind));
    EXPECT(!digest_by_name(S("SHA2567"), &kind));
    EXPECT_SLICE(digest_name(DIGEST_NONE), S(""));
    EXPECT_EQ(digest_size(DIGEST_NONE), 0);
}

TEST(a_digest_computed_in_pieces_equals_that_of_all_bytes)
{
    char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    slice all = { bytes, sizeof bytes };
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        struct digest want, got;
        digest_of(kinds[i], all, &want);
        struct digester *d = digester_new(kinds[i]);
        for (slice left = all; left.n; left = slice_from(left, 13))
            digester_update(d, slice_part(left, 0, 13));
        digester_final(d, &got);
        digester_free(d);
        EXPECT(digest_eq(&got, &want));
        digester_free(digester_new(kinds[i])); /* freed before its end */
    }
    digester_free(NULL);
}

TEST(digest_join_gives_the_crc_of_both_pieces)
{
    char bytes[300];
    memset(bytes, 'x', sizeof bytes);
    bytes[17] = 'y';
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        if (!digest_joins(kinds[i]))
            continue;
        for (size_t cut = 0; cut <= sizeof bytes; cut += 50) {
            struct digest whole, first, second, joined;
            digest_of(kinds[i], (slice){ bytes, sizeof bytes }, &whole);
            digest_of(kinds[i], (slice){ bytes, cut }, &first);
            digest_of(kinds[i], (slice){ bytes + cut, sizeof bytes - cut }, &second);
            digest_join(&first, &second, sizeof bytes - cut, &joined);
            EXPECT(digest_eq(&joined, &whole));
        }
    }
    EXPECT(!digest_joins(DIGEST_SHA1) && !digest_joins(DIGEST_SHA256) && !digest_joins(DIGEST_NONE));
}

TEST(digest_eq_compares_kind_form_and_bytes)
{
    struct digest a, b;
    digest_of(DIGEST_CRC32, S("a"), &a);
    digest_of(DIGEST_CRC32, S("a"), &b);
    EXPECT(digest_eq(&a, &b));
    b.form = DIGEST_OF_PARTS;
    EXPECT(!digest_eq(&a, &b));
    b = a;
    b.kind = DIGEST_CRC32C;
    EXPECT(!digest_eq(&a, &b));
    digest_of(DIGEST_CRC32, S("b"), &b);
    EXPECT(!digest_eq(&a, &b));
}

RUN_TESTS(cmocka_unit_test(digests_of_known_texts_have_their_published_values),
          cmocka_unit_test(digest_names_are_found_in_any_case),
          cmocka_unit_test(a_digest_computed_in_pieces_equals_that_of_all_bytes),
          cmocka_unit_test(digest_join_gives_the_crc_of_both_pieces),
          cmocka_unit_test(digest_eq_compares_kind_form_and_bytes))

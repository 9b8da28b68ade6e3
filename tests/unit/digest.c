/* SPDX-License-Identifier: Apache-2.0 */
/* Values of "123456789" from the catalogue of parametrised CRC algorithms, of "abc" from FIPS 180-2 and RFC 1321, and of xxHash from
 * its program xxhsum 0.8.1. */
#include "test.h"

#include "base/text.h"
#include "core/object/digest.h"

#include <string.h>

static const enum digest_kind kinds[] = { DIGEST_CRC32,   DIGEST_CRC32C,   DIGEST_CRC64NVME, DIGEST_SHA1,
                                          DIGEST_SHA256,  DIGEST_SHA512,   DIGEST_MD5,       DIGEST_XXHASH64,
                                          DIGEST_XXHASH3, DIGEST_XXHASH128 };

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
    expect_hex(DIGEST_SHA512, S("abc"),
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    expect_hex(DIGEST_MD5, S("abc"), "900150983cd24fb0d6963f7d28e17f72");
    expect_hex(DIGEST_XXHASH64, S(""), "ef46db3751d8e999");
    expect_hex(DIGEST_XXHASH64, S("abc"), "44bc2cf5ad770999");
    expect_hex(DIGEST_XXHASH3, S(""), "2d06800538d394c2");
    expect_hex(DIGEST_XXHASH3, S("abc"), "78af5f94892f3950");
    expect_hex(DIGEST_XXHASH128, S(""), "99aa06d3014798d86001c324468d497f");
    expect_hex(DIGEST_XXHASH128, S("abc"), "06b05ab6733a618578af5f94892f3950");
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
    EXPECT(!digest_by_name(S("MD4"), &kind));
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

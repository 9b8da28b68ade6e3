/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of the expected values: for "123456789" the catalogue of parametrised CRC algorithms (CRC-32/ISO-HDLC,
 * CRC-32/ISCSI, CRC-64/NVME); for 32 bytes RFC 3720 §B.4; for 4,096 bytes the NVM command set specification. */
#include "test.h"

#include "base/crc.h"

#include <string.h>

TEST(checksums_match_published_check_values)
{
    slice nine = S("123456789");
    EXPECT_EQ(crc32_update(0, nine), 0xcbf43926);
    EXPECT_EQ(crc32c_update(0, nine), 0xe3069283);
    EXPECT(crc64nvme_update(0, nine) == 0xae8b14860a799888);
    EXPECT_EQ(crc32_update(0, S("")), 0);
    EXPECT_EQ(crc32c_update(0, S("")), 0);
    EXPECT(crc64nvme_update(0, S("")) == 0);
}

TEST(checksums_match_published_values_of_byte_sequences)
{
    char row[4096];
    memset(row, 0, sizeof row);
    EXPECT_EQ(crc32c_update(0, (slice){ row, 32 }), 0x8a9136aa);
    EXPECT(crc64nvme_update(0, (slice){ row, 4096 }) == 0x6482d367eb22b64e);
    memset(row, 0xff, sizeof row);
    EXPECT_EQ(crc32c_update(0, (slice){ row, 32 }), 0x62a8ab43);
    EXPECT(crc64nvme_update(0, (slice){ row, 4096 }) == 0xc0ddba7302eca3ac);
    for (int i = 0; i < 32; i++)
        row[i] = (char)i;
    EXPECT_EQ(crc32c_update(0, (slice){ row, 32 }), 0x46dd794e);
}

/* Bit by bit, as in the definition. The tables and the folding must give the same result. */
static uint64_t crc_by_definition(uint64_t poly, uint64_t ones, slice bytes)
{
    uint64_t v = ones;
    for (size_t i = 0; i < bytes.n; i++) {
        v ^= (unsigned char)bytes.p[i];
        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? poly : 0);
    }
    return v ^ ones;
}

static void fill_pseudo_random(char *p, size_t n)
{
    uint32_t v = 1;
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((v = v * 1664525 + 1013904223) >> 24);
}

TEST(checksums_of_every_length_and_alignment_match_the_definition)
{
    char bytes[1400];
    fill_pseudo_random(bytes, sizeof bytes);
    for (size_t n = 0; n < 1300; n++) {
        slice s = { bytes + n % 17, n };
        EXPECT_EQ(crc32_update(0, s), crc_by_definition(0xedb88320, 0xffffffff, s));
        EXPECT_EQ(crc32c_update(0, s), crc_by_definition(0x82f63b78, 0xffffffff, s));
        EXPECT(crc64nvme_update(0, s) == crc_by_definition(0x9a6c9329ac4bc9b5, UINT64_MAX, s));
    }
}

TEST(checksums_of_pieces_join_to_the_checksum_of_the_whole)
{
    char bytes[5000];
    fill_pseudo_random(bytes, sizeof bytes);
    slice all = { bytes, sizeof bytes };
    for (size_t cut = 0; cut <= all.n; cut += 97) {
        slice first = slice_part(all, 0, cut), second = slice_from(all, cut);
        EXPECT_EQ(crc32_update(crc32_update(0, first), second), crc32_update(0, all));
        EXPECT_EQ(crc32_join(crc32_update(0, first), crc32_update(0, second), second.n), crc32_update(0, all));
        EXPECT_EQ(crc32c_join(crc32c_update(0, first), crc32c_update(0, second), second.n), crc32c_update(0, all));
        EXPECT(crc64nvme_update(crc64nvme_update(0, first), second) == crc64nvme_update(0, all));
        EXPECT(crc64nvme_join(crc64nvme_update(0, first), crc64nvme_update(0, second), second.n) ==
               crc64nvme_update(0, all));
    }
}

RUN_TESTS(cmocka_unit_test(checksums_match_published_check_values),
          cmocka_unit_test(checksums_match_published_values_of_byte_sequences),
          cmocka_unit_test(checksums_of_every_length_and_alignment_match_the_definition),
          cmocka_unit_test(checksums_of_pieces_join_to_the_checksum_of_the_whole))

/* SPDX-License-Identifier: Apache-2.0 */
/* Check values: "123456789" from the catalogue of parametrised CRC algorithms (CRC-32/ISO-HDLC, CRC-32/ISCSI,
 * CRC-64/NVME); the 32-byte rows from RFC 3720 §B.4; the 4,096-byte rows from the NVM command set specification. */
#include "test.h"

#include "base/crc.h"

#include <string.h>

TEST(published_check_values)
{
    slice nine = S("123456789");
    EXPECT_EQ(crc32_update(0, nine), 0xcbf43926);
    EXPECT_EQ(crc32c_update(0, nine), 0xe3069283);
    EXPECT(crc64nvme_update(0, nine) == 0xae8b14860a799888);
    EXPECT_EQ(crc32_update(0, S("")), 0);
    EXPECT_EQ(crc32c_update(0, S("")), 0);
    EXPECT(crc64nvme_update(0, S("")) == 0);
}

TEST(published_rows_of_bytes)
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

/* Bit by bit, as the definitions have it: what the tables and the folding must agree with. */
static uint64_t slowly(uint64_t poly, uint64_t ones, slice bytes)
{
    uint64_t v = ones;
    for (size_t i = 0; i < bytes.n; i++) {
        v ^= (unsigned char)bytes.p[i];
        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? poly : 0);
    }
    return v ^ ones;
}

static void fill(char *p, size_t n)
{
    uint32_t v = 1;
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((v = v * 1664525 + 1013904223) >> 24);
}

TEST(every_length_and_place_gives_what_the_definition_says)
{
    char bytes[700];
    fill(bytes, sizeof bytes);
    for (size_t n = 0; n < 640; n++) {
        slice s = { bytes + n % 17, n };
        EXPECT_EQ(crc32_update(0, s), slowly(0xedb88320, 0xffffffff, s));
        EXPECT_EQ(crc32c_update(0, s), slowly(0x82f63b78, 0xffffffff, s));
        EXPECT(crc64nvme_update(0, s) == slowly(0x9a6c9329ac4bc9b5, UINT64_MAX, s));
    }
}

TEST(in_pieces_and_joined_it_is_the_same_checksum)
{
    char bytes[5000];
    fill(bytes, sizeof bytes);
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

RUN_TESTS(cmocka_unit_test(published_check_values), cmocka_unit_test(published_rows_of_bytes),
          cmocka_unit_test(every_length_and_place_gives_what_the_definition_says),
          cmocka_unit_test(in_pieces_and_joined_it_is_the_same_checksum))

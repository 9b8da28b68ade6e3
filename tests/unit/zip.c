/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of small archives. tests/tools/test_zip.py lets other programs read archives, also large ones. */
#include "test.h"

#include "base/zip.h"

#include <string.h>

static uint64_t read_number(const struct buf *b, size_t at, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)b->p[at + (size_t)i];
    return v;
}

static void add_entry(struct zip *z, struct buf *out, slice name, slice bytes)
{
    zip_entry(z, name, 1795258989000, bytes.n, out); /* 2026-11-21 11:03:09 */
    buf_add(out, bytes);
    zip_data(z, bytes);
    zip_entry_end(z, out);
}

TEST(an_empty_archive_consists_of_its_end_record)
{
    struct zip z;
    struct buf out;
    zip_init(&z, NULL);
    buf_init(&out, 0);
    zip_end(&z, &out);
    EXPECT_EQ(out.n, 22);
    EXPECT_SLICE(slice_part(buf_slice(&out), 0, 4), S("PK\5\6"));
    buf_release(&out);
    zip_release(&z);
}

TEST(the_crc_of_an_entry_follows_its_bytes)
{
    struct zip z;
    struct buf out;
    zip_init(&z, NULL);
    buf_init(&out, 0);
    add_entry(&z, &out, S("a.txt"), S("hello"));
    zip_end(&z, &out);
    EXPECT_EQ(read_number(&out, 0, 4), 0x04034b50);
    EXPECT_EQ(read_number(&out, 4, 2), 20);
    EXPECT_EQ(read_number(&out, 6, 2), 0x0808);
    EXPECT_EQ(read_number(&out, 8, 2), 0);
    EXPECT_EQ(read_number(&out, 10, 2), 11 << 11 | 3 << 5 | 4);
    EXPECT_EQ(read_number(&out, 12, 2), (2026 - 1980) << 9 | 11 << 5 | 21);
    EXPECT_SLICE(slice_part(buf_slice(&out), 30, 10), S("a.txthello"));
    EXPECT_EQ(read_number(&out, 40, 4), 0x08074b50);
    EXPECT_EQ(read_number(&out, 44, 4), 0x3610a686);
    EXPECT_EQ(read_number(&out, 48, 4), 5);
    EXPECT_EQ(read_number(&out, 52, 4), 5);
    EXPECT_EQ(read_number(&out, 56, 4), 0x02014b50);
    EXPECT_EQ(read_number(&out, 56 + 16, 4), 0x3610a686);
    EXPECT_EQ(read_number(&out, 56 + 42, 4), 0);
    EXPECT_EQ(read_number(&out, out.n - 22, 4), 0x06054b50);
    EXPECT_EQ(read_number(&out, out.n - 12, 2), 1);
    EXPECT_EQ(read_number(&out, out.n - 6, 4), 56);
    EXPECT_EQ(z.written + 46 + 5 + 22, out.n);
    buf_release(&out);
    zip_release(&z);
}

/* The offset of an entry beyond 4 GiB is in the field of ZIP64, so that readers find it. */
TEST(an_entry_beyond_4_gib_has_a_zip64_offset)
{
    struct zip z;
    struct buf out;
    zip_init(&z, NULL);
    buf_init(&out, 0);
    z.written = UINT64_C(0x100000005); /* bytes written before do not matter */
    add_entry(&z, &out, S("b"), S(""));
    buf_clear(&out);
    zip_end(&z, &out);
    EXPECT_EQ(read_number(&out, 6, 2), 45);
    EXPECT_EQ(read_number(&out, 42, 4), 0xffffffff);
    EXPECT_EQ(read_number(&out, 47, 2), 1);
    EXPECT_EQ(read_number(&out, 49, 2), 8);
    EXPECT_EQ(read_number(&out, 51, 8), 0x100000005);
    EXPECT_EQ(read_number(&out, 59, 4), 0x06064b50);
    EXPECT_EQ(read_number(&out, out.n - 42, 4), 0x07064b50);
    EXPECT_EQ(read_number(&out, out.n - 6, 4), 0xffffffff);
    buf_release(&out);
    zip_release(&z);
}

TEST(an_entry_of_4_gib_has_zip64_sizes)
{
    struct zip z;
    struct buf out;
    zip_init(&z, NULL);
    buf_init(&out, 0);
    zip_entry(&z, S("large"), 0, UINT64_C(0xffffffff), &out);
    EXPECT_EQ(read_number(&out, 4, 2), 45);
    EXPECT_EQ(read_number(&out, 12, 2), 1 << 5 | 1); /* 1980-01-01, the earliest possible date */
    EXPECT_EQ(read_number(&out, 18, 4), 0xffffffff);
    EXPECT_EQ(read_number(&out, 28, 2), 20);
    EXPECT_EQ(out.n, 30 + 5 + 20);
    z.seen_bytes = z.size_bytes;
    buf_clear(&out);
    zip_entry_end(&z, &out);
    EXPECT_EQ(out.n, 24);
    EXPECT_EQ(read_number(&out, 8, 8), 0xffffffff);
    buf_release(&out);
    zip_release(&z);
}

RUN_TESTS(cmocka_unit_test(an_empty_archive_consists_of_its_end_record),
          cmocka_unit_test(the_crc_of_an_entry_follows_its_bytes),
          cmocka_unit_test(an_entry_beyond_4_gib_has_a_zip64_offset),
          cmocka_unit_test(an_entry_of_4_gib_has_zip64_sizes))

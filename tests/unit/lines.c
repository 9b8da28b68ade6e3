/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "base/gunzip.h"
#include "core/dataset/lines.h"
#include "core/store/blob_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static slice repeat(struct arena *a, char c, size_t n)
{
    return (slice){ memset(arena_alloc(a, n), c, n), n };
}

static slice join(struct arena *a, slice first, slice second, slice third)
{
    return arena_join(a, (slice[]){ first, second, third }, 3);
}

/* An arena for texts of many megabytes. */
#define LARGE(name)                                                                                                    \
    SCRATCH(name);                                                                                                     \
    arena_set_limit(&name, (size_t)1 << 30, NULL)

/* What is read of a file: "number:text;" for each line, "number:long;" for one that is too long, and the fault, if any, as a
 * number at the end. Texts above 100 bytes are given as their length. */
static slice read_lines(struct arena *a, slice name, slice bytes, uint64_t unzipped_max)
{
    SCRATCH(account);
    struct content content = { .size_bytes = bytes.n, .bytes = bytes.n ? bytes : S("") };
    SCOPED(lines_closep) struct lines *l = lines_open(&content, name, unzipped_max, &account);
    SCOPED(buf_releasep) struct buf said = { 0 };
    struct text_line line;
    enum line_fault fault;
    bool has_more;
    do {
        EXPECT_OK(lines_fill(l, &account, &has_more, &fault));
        while (lines_next(l, &line)) {
            buf_printf(&said, "%llu:", (unsigned long long)line.number);
            if (line.is_too_long)
                buf_add(&said, S("long"));
            else if (line.text.n > 100)
                buf_add_u64(&said, line.text.n);
            else
                buf_add(&said, line.text);
            buf_add(&said, S(";"));
        }
    } while (has_more);
    if (fault)
        buf_printf(&said, "fault %d", (int)fault);
    else
        EXPECT_EQ(lines_read_bytes(l), bytes.n);
    EXPECT(account.peak <= 2 * (LINE_BYTES_MAX + 100)); /* errors are in there, too */
    return arena_copy(a, buf_slice(&said));
}

static slice read_plain(struct arena *a, slice bytes)
{
    return read_lines(a, S("x.jsonl"), bytes, LINES_UNZIPPED_MAX);
}

static slice gzip(struct arena *a, slice bytes)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, bytes.n);
    char *to = arena_alloc(a, room);
    z.next_in = (z_const Bytef *)bytes.p;
    z.avail_in = (unsigned)bytes.n;
    z.next_out = (Bytef *)to;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    slice zipped = { to, z.total_out };
    deflateEnd(&z);
    return zipped;
}

static slice read_zipped(struct arena *a, slice bytes)
{
    return read_lines(a, S("x.jsonl.gz"), bytes, LINES_UNZIPPED_MAX);
}

TEST(names_say_whether_a_file_has_lines)
{
    const slice known[] = { S("a.jsonl"),    S("a/b.c.ndjson"), S("A.JSONL"),
                            S("a.jsonl.gz"), S("a.NdJson.Gz"),  S(".jsonl") };
    const slice unknown[] = { S(""),         S("jsonl"), S("a.json"),   S("a.gz"), S("a.jsonl.zip"), S("a.jsonl.gz.gz"),
                              S("a.jsonl "), S("a.csv"), S("a.jsonl/b") };
    for (size_t i = 0; i < LENGTH_OF(known); i++)
        EXPECT(lines_name_is_known(known[i]));
    for (size_t i = 0; i < LENGTH_OF(unknown); i++)
        EXPECT(!lines_name_is_known(unknown[i]));
}

TEST(lines_end_in_lf_or_crlf_or_with_the_file)
{
    SCRATCH(a);
    EXPECT_SLICE(read_plain(&a, S("")), S(""));
    EXPECT_SLICE(read_plain(&a, S("a")), S("1:a;"));
    EXPECT_SLICE(read_plain(&a, S("a\nb\r\nc")), S("1:a;2:b;3:c;"));
    EXPECT_SLICE(read_plain(&a, S("a\nb\n")), S("1:a;2:b;"));
    EXPECT_SLICE(read_plain(&a, S("a\rb\r\r\n")), S("1:a\rb\r;"));
    EXPECT_SLICE(read_plain(&a, S("a\0b\n\0\n")), S("1:a\0b;2:\0;"));
}

TEST(blank_lines_are_counted_and_left_out)
{
    SCRATCH(a);
    EXPECT_SLICE(read_plain(&a, S("\n\r\n \t\r\na\n\n")), S("4:a;"));
    EXPECT_SLICE(read_plain(&a, S("\n\n\n")), S(""));
    EXPECT_SLICE(read_plain(&a, S(" \t")), S(""));
    EXPECT_SLICE(read_plain(&a, S("\r")), S(""));
    EXPECT_SLICE(read_plain(&a, S("\v\n")), S("1:\v;"));
}

TEST(a_bom_is_skipped_at_the_beginning_only)
{
    SCRATCH(a);
    EXPECT_SLICE(read_plain(&a, S("\xef\xbb\xbf")), S(""));
    EXPECT_SLICE(read_plain(&a, S("\xef\xbb\xbf\n")), S(""));
    EXPECT_SLICE(read_plain(&a, S("\xef\xbb\xbf"
                                  "a\n")),
                 S("1:a;"));
    EXPECT_SLICE(read_plain(&a, S("a\n\xef\xbb\xbf\n")), S("1:a;2:\xef\xbb\xbf;"));
    EXPECT_SLICE(read_plain(&a, S("\xef\xbb\xbf\xef\xbb\xbf")), S("1:\xef\xbb\xbf;"));
    EXPECT_SLICE(read_plain(&a, S("\xef\xbb")), S("1:\xef\xbb;"));
    EXPECT_SLICE(read_zipped(&a, gzip(&a, S("\xef\xbb\xbf{}\n"))), S("1:{};"));
}

TEST(lines_are_found_across_blocks)
{
    LARGE(a);
    SCOPED(buf_releasep) struct buf file = { 0 }, want = { 0 };
    for (int i = 1; file.n < 4 * LINES_BLOCK; i++) {
        size_t at = file.n;
        buf_printf(&file, "%0*d", 1 + i * 7919 % 97, i);
        buf_printf(&want, "%d:%.*s;", i, (int)(file.n - at), file.p + at);
        buf_add(&file, i % 3 ? S("\n") : S("\r\n"));
    }
    EXPECT_SLICE(read_plain(&a, buf_slice(&file)), buf_slice(&want));
    EXPECT_SLICE(read_zipped(&a, gzip(&a, buf_slice(&file))), buf_slice(&want));
}

TEST(a_line_of_ten_mebibytes_is_read_and_one_byte_more_is_too_long)
{
    LARGE(a);
    slice most = repeat(&a, 'x', LINE_BYTES_MAX), more = repeat(&a, 'x', LINE_BYTES_MAX + 1);
    EXPECT_SLICE(read_plain(&a, most), S("1:10485760;"));
    EXPECT_SLICE(read_plain(&a, more), S("1:long;"));
    EXPECT_SLICE(read_plain(&a, join(&a, S("a\n"), most, S("\r\nb\n"))), S("1:a;2:10485760;3:b;"));
    EXPECT_SLICE(read_plain(&a, join(&a, S("a\n"), more, S("\r\nb\n"))), S("1:a;2:long;3:b;"));
    EXPECT_SLICE(read_plain(&a, join(&a, S("\xef\xbb\xbf"), most, S("\r\nb"))), S("1:10485760;2:b;"));
    EXPECT_SLICE(read_plain(&a, join(&a, more, S("\n"), more)), S("1:long;2:long;"));
    EXPECT_SLICE(read_zipped(&a, gzip(&a, join(&a, most, S("\n"), more))), S("1:10485760;2:long;"));
}

TEST(a_file_of_one_line_takes_no_more_memory_than_a_line) /* read_lines compares the peak */
{
    LARGE(a);
    slice line = repeat(&a, 'x', (size_t)64 << 20);
    EXPECT_SLICE(read_plain(&a, line), S("1:long;"));
    EXPECT_SLICE(read_plain(&a, join(&a, line, S("\n"), S("{}"))), S("1:long;2:{};"));
}

TEST(a_reader_begins_where_another_stood)
{
    SCRATCH(a);
    slice bytes = S("\xef\xbb\xbf"
                    "a\n\nbc\r\n\xef\xbb\xbf"
                    "d\n");
    const slice want[] = { S("a"), S("bc"),
                           S("\xef\xbb\xbf"
                             "d") };
    const struct line_position after[] = { { 5, 1 }, { 10, 3 }, { 15, 4 } };
    struct content content = { .size_bytes = bytes.n, .bytes = bytes };
    struct line_position at = { 0 };
    struct text_line line;
    enum line_fault fault;
    bool has_more;
    for (size_t i = 0; i < LENGTH_OF(want); i++) {
        SCOPED(lines_closep) struct lines *l = lines_open_at(&content, at, &a);
        EXPECT_OK(lines_fill(l, &a, &has_more, &fault));
        EXPECT(lines_next(l, &line));
        EXPECT_SLICE(line.text, want[i]);
        EXPECT_EQ(line.number, after[i].number);
        at = lines_position(l);
        EXPECT_EQ(at.offset, after[i].offset);
        EXPECT_EQ(at.number, after[i].number);
    }
}

TEST(gzip_may_have_several_members)
{
    SCRATCH(a);
    slice two = join(&a, gzip(&a, S("a\nb")), gzip(&a, S("")), gzip(&a, S("c\nd\n")));
    EXPECT_SLICE(read_zipped(&a, two), S("1:a;2:bc;3:d;"));
    EXPECT_SLICE(read_lines(&a, S("X.NDJSON.GZ"), two, 7), S("1:a;2:bc;3:d;"));
    EXPECT_SLICE(read_zipped(&a, S("")), S(""));
    EXPECT_SLICE(read_zipped(&a, gzip(&a, S(""))), S(""));
}

TEST(damaged_gzip_is_a_fault_of_the_file)
{
    SCRATCH(a);
    slice damaged = arena_printf(&a, "fault %d", (int)FILE_DAMAGED);
    slice whole = gzip(&a, S("{\"a\":1}\n{\"a\":2}\n"));
    for (size_t n = 1; n < whole.n; n++)
        EXPECT(slice_ends(read_zipped(&a, slice_part(whole, 0, n)), damaged));
    for (size_t i = 0; i < whole.n; i++) {
        char *copy = arena_cstr(&a, whole);
        copy[i] ^= 0x55;
        slice said = read_zipped(&a, (slice){ copy, whole.n });
        /* The time, the system and the name of the file are not checked. */
        EXPECT(slice_ends(said, damaged) || slice_eq(said, S("1:{\"a\":1};2:{\"a\":2};")) || i < 10);
    }
    EXPECT_SLICE(read_zipped(&a, S("{\"a\":1}\n")), damaged);
    EXPECT(slice_ends(read_zipped(&a, join(&a, whole, S("rest"), S(""))), damaged));
}

TEST(a_gzip_that_grows_without_measure_is_refused)
{
    LARGE(a);
    slice too_large = arena_printf(&a, "fault %d", (int)FILE_TOO_LARGE);
    slice line = join(&a, repeat(&a, ' ', 1000), S("\n"), S(""));
    SCOPED(buf_releasep) struct buf bomb = { 0 };
    while (bomb.n <= GUNZIP_FREE_BYTES + LINES_BLOCK)
        buf_add(&bomb, line);
    EXPECT_SLICE(read_zipped(&a, gzip(&a, buf_slice(&bomb))), too_large);
    bomb.n = GUNZIP_FREE_BYTES - 1000;
    EXPECT_SLICE(read_zipped(&a, gzip(&a, buf_slice(&bomb))), S(""));
    EXPECT_SLICE(read_lines(&a, S("x.jsonl.gz"), gzip(&a, S("a\nb\n")), 4), S("1:a;2:b;"));
    EXPECT_SLICE(read_lines(&a, S("x.jsonl.gz"), gzip(&a, S("a\nb\n")), 3), too_large);
}

static err_t fail_to_read(struct blob_reader *r, uint64_t offset, char *to, size_t size, struct arena *a,
                          size_t *ret_read)
{
    (void)r;
    *ret_read = offset ? 0 : 1;
    *to = 'a';
    return offset || !size ? err_make(a, ERR_UNAVAILABLE, "no disk") : NULL;
}

TEST(an_error_of_the_store_is_no_fault_of_the_file)
{
    static const struct blob_ops ops = { .read_at = fail_to_read };
    SCRATCH(a);
    struct blob_reader reader = { .ops = &ops };
    struct content content = { .size_bytes = 10, .reader = &reader };
    const slice names[] = { S("x.jsonl"), S("x.jsonl.gz") };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        SCOPED(lines_closep) struct lines *l = lines_open(&content, names[i], LINES_UNZIPPED_MAX, &a);
        enum line_fault fault;
        bool has_more;
        EXPECT_ERR(lines_fill(l, &a, &has_more, &fault), ERR_UNAVAILABLE);
    }
}

TEST(lines_stay_within_the_memory_of_their_account)
{
    LARGE(a);
    SCRATCH(account);
    arena_set_limit(&account, (size_t)2 << 20, NULL);
    slice line = repeat(&a, 'x', (size_t)5 << 20);
    struct content content = { .size_bytes = line.n, .bytes = line };
    SCOPED(lines_closep) struct lines *l = lines_open(&content, S("x.jsonl"), LINES_UNZIPPED_MAX, &account);
    enum line_fault fault;
    bool has_more;
    EXPECT_ERR(lines_fill(l, &account, &has_more, &fault), ERR_TOO_LARGE);
}

RUN_TESTS(cmocka_unit_test(names_say_whether_a_file_has_lines),
          cmocka_unit_test(lines_end_in_lf_or_crlf_or_with_the_file),
          cmocka_unit_test(blank_lines_are_counted_and_left_out),
          cmocka_unit_test(a_bom_is_skipped_at_the_beginning_only), cmocka_unit_test(lines_are_found_across_blocks),
          cmocka_unit_test(a_line_of_ten_mebibytes_is_read_and_one_byte_more_is_too_long),
          cmocka_unit_test(a_file_of_one_line_takes_no_more_memory_than_a_line),
          cmocka_unit_test(a_reader_begins_where_another_stood), cmocka_unit_test(gzip_may_have_several_members),
          cmocka_unit_test(damaged_gzip_is_a_fault_of_the_file),
          cmocka_unit_test(a_gzip_that_grows_without_measure_is_refused),
          cmocka_unit_test(an_error_of_the_store_is_no_fault_of_the_file),
          cmocka_unit_test(lines_stay_within_the_memory_of_their_account))

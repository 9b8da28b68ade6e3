/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp_bytes.h"
#include "test.h"

#include "sftp/packet.h"

#include <string.h>

static slice with_length(struct arena *a, slice p)
{
    return sftp_string(a, p);
}

/* An attribute block with every field. */
static slice all_attributes(struct arena *a)
{
    slice parts[] = { sftp_number(a, 0x8000000fu, 4), sftp_number(a, 1ull << 40, 8), sftp_number(a, 7, 4),
                      sftp_number(a, 8, 4),           sftp_number(a, 0100644, 4),    sftp_number(a, 111, 4),
                      sftp_number(a, 222, 4),         sftp_number(a, 1, 4),          sftp_string(a, S("some")),
                      sftp_string(a, S("thing")) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static void expect_all_attributes(const struct sftp_attributes *at)
{
    EXPECT_EQ(at->flags, 0x8000000fu);
    EXPECT(at->size == 1ull << 40);
    EXPECT_EQ(at->user_id, 7);
    EXPECT_EQ(at->group_id, 8);
    EXPECT_EQ(at->permissions, 0100644);
    EXPECT_EQ(at->read_at_s, 111);
    EXPECT_EQ(at->written_at_s, 222);
}

TEST(a_packet_is_cut_off_once_its_last_byte_is_there)
{
    SCRATCH(a);
    slice two[] = { with_length(&a, sftp_packet(&a, SFTP_CLOSE, 1, sftp_string(&a, S("h")))), S("rest") };
    slice bytes = arena_join(&a, two, 2), got = S("");
    for (size_t n = 0; n < two[0].n; n++)
        EXPECT_EQ(sftp_packet_cut(slice_part(bytes, 0, n), &got), SFTP_CUT_PARTIAL);
    EXPECT_EQ(got.n, 0);
    EXPECT_EQ(sftp_packet_cut(bytes, &got), SFTP_CUT_WHOLE);
    EXPECT(got.p == bytes.p + SFTP_LENGTH_SIZE && got.n == two[0].n - SFTP_LENGTH_SIZE);
}

TEST(a_packet_has_at_most_256_kib_and_is_refused_by_its_length_alone)
{
    SCRATCH(a);
    slice got;
    EXPECT_EQ(sftp_packet_cut(sftp_number(&a, 256 << 10, 4), &got), SFTP_CUT_PARTIAL);
    EXPECT_EQ(sftp_packet_cut(sftp_number(&a, (256 << 10) + 1, 4), &got), SFTP_CUT_REFUSED);
    EXPECT_EQ(sftp_packet_cut(sftp_number(&a, 0xffffffff, 4), &got), SFTP_CUT_REFUSED);
    EXPECT_EQ(sftp_packet_cut(S("\0\0\0\0"), &got), SFTP_CUT_REFUSED);
    slice longest = with_length(&a, (slice){ arena_alloc(&a, SFTP_PACKET_MAX), SFTP_PACKET_MAX });
    EXPECT_EQ(sftp_packet_cut(longest, &got), SFTP_CUT_WHOLE);
    EXPECT_EQ(got.n, SFTP_PACKET_MAX);
}

TEST(a_write_of_the_announced_length_fits_into_a_packet)
{
    SCRATCH(a);
    char *zeros = arena_alloc(&a, SFTP_WRITE_MAX);
    slice fields[] = { sftp_string(&a, S("0123456789abcdef")), sftp_number(&a, 0, 8),
                       sftp_string(&a, (slice){ zeros, SFTP_WRITE_MAX }) };
    EXPECT(sftp_packet(&a, SFTP_WRITE, 1, arena_join(&a, fields, 3)).n <= SFTP_PACKET_MAX);
    EXPECT(5 + 4 + SFTP_READ_MAX <= SFTP_PACKET_MAX); /* and so does the DATA of a READ */
}

TEST(requests_with_one_path)
{
    static const uint8_t types[] = { SFTP_LSTAT, SFTP_STAT,     SFTP_OPENDIR, SFTP_REMOVE,
                                     SFTP_RMDIR, SFTP_REALPATH, SFTP_READLINK };
    SCRATCH(a);
    struct sftp_request q;
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        EXPECT_EQ(sftp_request_parse(sftp_packet(&a, types[i], 77, sftp_string(&a, S("/import/a"))), &q), SFTP_PARSED);
        EXPECT_EQ(q.type, types[i]);
        EXPECT_EQ(q.id, 77);
        EXPECT_SLICE(q.path, S("/import/a"));
    }
}

TEST(requests_with_two_paths)
{
    static const uint8_t types[] = { SFTP_RENAME, SFTP_SYMLINK };
    SCRATCH(a);
    struct sftp_request q;
    slice paths[] = { sftp_string(&a, S("from")), sftp_string(&a, S("to\0x")) };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        EXPECT_EQ(sftp_request_parse(sftp_packet(&a, types[i], 1, arena_join(&a, paths, 2)), &q), SFTP_PARSED);
        EXPECT_SLICE(q.path, S("from"));
        EXPECT_SLICE(q.to_path, S("to\0x"));
    }
}

TEST(requests_with_a_handle)
{
    static const uint8_t types[] = { SFTP_CLOSE, SFTP_FSTAT, SFTP_READDIR };
    SCRATCH(a);
    struct sftp_request q;
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        EXPECT_EQ(sftp_request_parse(sftp_packet(&a, types[i], 1,
                                                 sftp_string(&a, S("h\0"
                                                                   "1"))),
                                     &q),
                  SFTP_PARSED);
        EXPECT_SLICE(q.handle, S("h\0"
                                 "1"));
    }
}

TEST(open_has_a_path_flags_and_attributes)
{
    SCRATCH(a);
    struct sftp_request q;
    slice fields[] = { sftp_string(&a, S("f")), sftp_number(&a, SFTP_OPEN_WRITE | SFTP_OPEN_CREATE, 4),
                       all_attributes(&a) };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_OPEN, 1, arena_join(&a, fields, 3)), &q), SFTP_PARSED);
    EXPECT_SLICE(q.path, S("f"));
    EXPECT_EQ(q.open_flags, SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    expect_all_attributes(&q.attributes);
}

TEST(what_sets_attributes_has_them)
{
    SCRATCH(a);
    struct sftp_request q;
    slice fields[] = { sftp_string(&a, S("x")), all_attributes(&a) };
    slice both = arena_join(&a, fields, 2);
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_SETSTAT, 1, both), &q), SFTP_PARSED);
    EXPECT_SLICE(q.path, S("x"));
    expect_all_attributes(&q.attributes);
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_MKDIR, 1, both), &q), SFTP_PARSED);
    EXPECT_SLICE(q.path, S("x"));
    expect_all_attributes(&q.attributes);
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_FSETSTAT, 1, both), &q), SFTP_PARSED);
    EXPECT_SLICE(q.handle, S("x"));
    expect_all_attributes(&q.attributes);
}

TEST(read_and_write_have_an_offset)
{
    SCRATCH(a);
    struct sftp_request q;
    slice read[] = { sftp_string(&a, S("h")), sftp_number(&a, 1ull << 33, 8), sftp_number(&a, 32768, 4) };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_READ, 1, arena_join(&a, read, 3)), &q), SFTP_PARSED);
    EXPECT(q.offset == 1ull << 33);
    EXPECT_EQ(q.length, 32768);
    slice write[] = { sftp_string(&a, S("h")), sftp_number(&a, 5, 8), sftp_string(&a, S("hello")) };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_WRITE, 1, arena_join(&a, write, 3)), &q), SFTP_PARSED);
    EXPECT(q.offset == 5);
    EXPECT_SLICE(q.data, S("hello"));
}

TEST(extensions_are_known_by_their_names)
{
    SCRATCH(a);
    struct sftp_request q;
    static const struct {
        slice name;
        enum sftp_extension extension;
        int strings;
    } known[] = { { { "fsync@openssh.com", 17 }, SFTP_FSYNC, 1 },
                  { { "limits@openssh.com", 18 }, SFTP_LIMITS, 0 },
                  { { "statvfs@openssh.com", 19 }, SFTP_STATVFS, 1 },
                  { { "fstatvfs@openssh.com", 20 }, SFTP_FSTATVFS, 1 },
                  { { "posix-rename@openssh.com", 24 }, SFTP_POSIX_RENAME, 2 },
                  { { "hardlink@openssh.com", 20 }, SFTP_HARDLINK, 2 },
                  { { "lsetstat@openssh.com", 20 }, SFTP_EXTENSION_UNKNOWN, 0 },
                  { { "", 0 }, SFTP_EXTENSION_UNKNOWN, 0 } };
    for (size_t i = 0; i < LENGTH_OF(known); i++) {
        slice parts[] = { sftp_string(&a, known[i].name), sftp_string(&a, S("one")), sftp_string(&a, S("two")) };
        slice fields = arena_join(&a, parts, (size_t)known[i].strings + 1);
        EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_EXTENDED, 1, fields), &q), SFTP_PARSED);
        EXPECT_EQ(q.extension, known[i].extension);
        if (known[i].strings == 1)
            EXPECT_SLICE(q.handle.n ? q.handle : q.path, S("one"));
        if (known[i].strings == 2)
            EXPECT_SLICE(q.to_path, S("two"));
    }
}

/* Every prefix of every request: what is missing is noticed, and nothing is read behind the end. The copy has its exact size, so
 * that AddressSanitizer sees it. */
TEST(a_request_that_ends_early_is_bad)
{
    SCRATCH(a);
    slice attributes = all_attributes(&a), s = sftp_string(&a, S("abc")), eight = sftp_number(&a, 9, 8),
          four = sftp_number(&a, 9, 4);
    slice open[] = { s, four, attributes }, two[] = { s, s }, set[] = { s, attributes }, read[] = { s, eight, four },
          write[] = { s, eight, s }, rename_[] = { sftp_string(&a, S("posix-rename@openssh.com")), s, s };
    slice whole[] = { sftp_packet(&a, SFTP_OPEN, 1, arena_join(&a, open, 3)),
                      sftp_packet(&a, SFTP_RENAME, 1, arena_join(&a, two, 2)),
                      sftp_packet(&a, SFTP_SETSTAT, 1, arena_join(&a, set, 2)),
                      sftp_packet(&a, SFTP_FSETSTAT, 1, arena_join(&a, set, 2)),
                      sftp_packet(&a, SFTP_READ, 1, arena_join(&a, read, 3)),
                      sftp_packet(&a, SFTP_WRITE, 1, arena_join(&a, write, 3)),
                      sftp_packet(&a, SFTP_STAT, 1, s),
                      sftp_packet(&a, SFTP_CLOSE, 1, s),
                      sftp_packet(&a, SFTP_EXTENDED, 1, arena_join(&a, rename_, 3)) };
    for (size_t i = 0; i < LENGTH_OF(whole); i++) {
        struct sftp_request q = { .id = 0 };
        EXPECT_EQ(sftp_request_parse(whole[i], &q), SFTP_PARSED);
        for (size_t n = 0; n < whole[i].n; n++) {
            slice part = arena_copy(&a, slice_part(whole[i], 0, n));
            q = (struct sftp_request){ .id = 0 };
            EXPECT_EQ(sftp_request_parse(part, &q), n < 5 ? SFTP_PARSED_NO_ID : SFTP_PARSED_BAD);
            EXPECT_EQ(q.id, n < 5 ? 0 : 1);
        }
    }
}

TEST(lengths_that_point_behind_the_packet_are_bad)
{
    SCRATCH(a);
    struct sftp_request q;
    slice far[] = { sftp_number(&a, 0xffffffff, 4), S("abc") }, near[] = { sftp_number(&a, 4, 4), S("abc") };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_STAT, 1, arena_join(&a, far, 2)), &q), SFTP_PARSED_BAD);
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_STAT, 1, arena_join(&a, near, 2)), &q), SFTP_PARSED_BAD);
    /* Four thousand million extended attributes: the first that is missing ends the loop. */
    slice pairs[] = { sftp_string(&a, S("f")), sftp_number(&a, 0x80000000u, 4), sftp_number(&a, 0xffffffff, 4),
                      sftp_string(&a, S("")), sftp_string(&a, S("")) };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_SETSTAT, 1, arena_join(&a, pairs, 5)), &q), SFTP_PARSED_BAD);
}

TEST(what_follows_the_last_field_is_ignored_and_so_are_unknown_types)
{
    SCRATCH(a);
    struct sftp_request q;
    slice fields[] = { sftp_string(&a, S("h")), S("more") };
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, SFTP_CLOSE, 1, arena_join(&a, fields, 2)), &q), SFTP_PARSED);
    EXPECT_SLICE(q.handle, S("h"));
    EXPECT_EQ(sftp_request_parse(sftp_packet(&a, 99, 5, S("whatever")), &q), SFTP_PARSED);
    EXPECT_EQ(q.type, 99);
    EXPECT_EQ(q.id, 5);
}

/* ---- replies ---- */

static slice reply(const struct buf *b)
{
    slice whole = buf_slice(b), p;
    EXPECT_EQ(sftp_packet_cut(whole, &p), SFTP_CUT_WHOLE);
    EXPECT_EQ(p.n + SFTP_LENGTH_SIZE, whole.n);
    return p;
}

TEST(a_status_has_a_code_and_a_text)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    sftp_put_status(&b, 9, SFTP_NO_SUCH_FILE, S(""));
    slice fields[] = { sftp_number(&a, 2, 4), sftp_string(&a, S("No such file")), sftp_string(&a, S("en")) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_STATUS, 9, arena_join(&a, fields, 3)));
    buf_clear(&b);
    sftp_put_status(&b, 9, SFTP_FAILURE, S("the disk is full"));
    slice own[] = { sftp_number(&a, 4, 4), sftp_string(&a, S("the disk is full")), sftp_string(&a, S("en")) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_STATUS, 9, arena_join(&a, own, 3)));
}

TEST(the_version_announces_what_the_server_has_and_no_hard_links)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    sftp_put_version(&b);
    slice p = reply(&b);
    EXPECT_SLICE(slice_part(p, 0, 5), S("\x02\0\0\0\x03"));
    EXPECT(slice_find(p, S("fsync@openssh.com")) != SLICE_NONE);
    EXPECT(slice_find(p, S("limits@openssh.com")) != SLICE_NONE);
    EXPECT(slice_find(p, S("statvfs@openssh.com")) != SLICE_NONE);
    EXPECT(slice_find(p, S("posix-rename@openssh.com")) != SLICE_NONE);
    EXPECT(slice_find(p, S("hardlink")) == SLICE_NONE);
}

TEST(data_is_written_into_the_buffer_itself)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct sftp_open_reply r;
    char *at = sftp_put_data_begin(&b, &r, 3, 100);
    memcpy(at, "hello", 5);
    sftp_put_data_end(&b, &r, 5);
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_DATA, 3, sftp_string(&a, S("hello"))));
    sftp_put_data_begin(&b, &r, 4, 100);
    sftp_put_data_end(&b, &r, 0);
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_DATA, 3, sftp_string(&a, S("hello"))));
}

TEST(names_are_counted_while_they_are_written)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct sftp_open_reply r;
    struct sftp_attributes none = { .flags = 0 }, size = { .flags = SFTP_ATTRIBUTE_SIZE | SFTP_ATTRIBUTE_OWNER |
                                                                    SFTP_ATTRIBUTE_PERMISSIONS | SFTP_ATTRIBUTE_TIMES,
                                                           .size = 12,
                                                           .user_id = 1,
                                                           .group_id = 2,
                                                           .permissions = 0100644,
                                                           .read_at_s = 3,
                                                           .written_at_s = 4 };
    sftp_put_names_begin(&b, &r, 6);
    sftp_put_name(&b, &r, S("a"), S("long a"), &none);
    sftp_put_name(&b, &r, S("b"), S("long b"), &size);
    sftp_put_names_end(&b, &r);
    slice fields[] = { sftp_number(&a, 2, 4),  sftp_string(&a, S("a")),     sftp_string(&a, S("long a")),
                       sftp_number(&a, 0, 4),  sftp_string(&a, S("b")),     sftp_string(&a, S("long b")),
                       sftp_number(&a, 15, 4), sftp_number(&a, 12, 8),      sftp_number(&a, 1, 4),
                       sftp_number(&a, 2, 4),  sftp_number(&a, 0100644, 4), sftp_number(&a, 3, 4),
                       sftp_number(&a, 4, 4) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_NAME, 6, arena_join(&a, fields, LENGTH_OF(fields))));
}

TEST(handles_attributes_limits_and_space_are_replied)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    sftp_put_handle(&b, 1, S("\0\x01"));
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_HANDLE, 1, sftp_string(&a, S("\0\x01"))));
    buf_clear(&b);
    sftp_put_attributes(&b, 2, &(struct sftp_attributes){ .flags = SFTP_ATTRIBUTE_SIZE, .size = 1ull << 40 });
    slice attributes[] = { sftp_number(&a, 1, 4), sftp_number(&a, 1ull << 40, 8) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_ATTRIBUTES, 2, arena_join(&a, attributes, 2)));
    buf_clear(&b);
    sftp_put_limits(&b, 3, &(struct sftp_limits){ 1, 2, 3, 4 });
    slice limits[] = { sftp_number(&a, 1, 8), sftp_number(&a, 2, 8), sftp_number(&a, 3, 8), sftp_number(&a, 4, 8) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_EXTENDED, 3, arena_join(&a, limits, 4)));
    buf_clear(&b);
    sftp_put_space(&b, 4, &(struct sftp_space){ 4096, 1000, 400, 255 });
    slice space[] = { sftp_number(&a, 4096, 8), sftp_number(&a, 4096, 8), sftp_number(&a, 1000, 8),
                      sftp_number(&a, 400, 8),  sftp_number(&a, 400, 8),  sftp_number(&a, 0, 8),
                      sftp_number(&a, 0, 8),    sftp_number(&a, 0, 8),    sftp_number(&a, 0, 8),
                      sftp_number(&a, 2, 8),    sftp_number(&a, 255, 8) };
    EXPECT_SLICE(reply(&b), sftp_packet(&a, SFTP_REPLY_EXTENDED, 4, arena_join(&a, space, LENGTH_OF(space))));
}

TEST(a_buffer_that_is_full_fails_and_nothing_is_written_past_it)
{
    SCOPED(buf_releasep) struct buf b;
    struct sftp_open_reply r;
    buf_init(&b, 3);
    sftp_put_names_begin(&b, &r, 6);
    sftp_put_names_end(&b, &r);
    EXPECT(b.failed);
    EXPECT(sftp_put_data_begin(&b, &r, 1, 10) == NULL);
}

RUN_TESTS(cmocka_unit_test(a_packet_is_cut_off_once_its_last_byte_is_there),
          cmocka_unit_test(a_packet_has_at_most_256_kib_and_is_refused_by_its_length_alone),
          cmocka_unit_test(a_write_of_the_announced_length_fits_into_a_packet),
          cmocka_unit_test(requests_with_one_path), cmocka_unit_test(requests_with_two_paths),
          cmocka_unit_test(requests_with_a_handle), cmocka_unit_test(open_has_a_path_flags_and_attributes),
          cmocka_unit_test(what_sets_attributes_has_them), cmocka_unit_test(read_and_write_have_an_offset),
          cmocka_unit_test(extensions_are_known_by_their_names), cmocka_unit_test(a_request_that_ends_early_is_bad),
          cmocka_unit_test(lengths_that_point_behind_the_packet_are_bad),
          cmocka_unit_test(what_follows_the_last_field_is_ignored_and_so_are_unknown_types),
          cmocka_unit_test(a_status_has_a_code_and_a_text),
          cmocka_unit_test(the_version_announces_what_the_server_has_and_no_hard_links),
          cmocka_unit_test(data_is_written_into_the_buffer_itself),
          cmocka_unit_test(names_are_counted_while_they_are_written),
          cmocka_unit_test(handles_attributes_limits_and_space_are_replied),
          cmocka_unit_test(a_buffer_that_is_full_fails_and_nothing_is_written_past_it))

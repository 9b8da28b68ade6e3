/* SPDX-License-Identifier: Apache-2.0 */
/* Stored bytes are checked when they are read: D7, bit rot in a blob or a row. */
#include "bucket_fixture.h"
#include "damage.h"
#include "records_fixture.h"
#include "test.h"
#include "world.h"

#include "core/core_priv.h"
#include "core/object/check_memory.h"
#include "core/object/checked_blob.h"
#include "core/object/checksums.h"
#include "core/object/damage.h"
#include "core/records/object.h"
#include "core/store/object_store.h"
#include "core/transfer/transfer.h"

#include <string.h>

enum { PIECE = 64 * 1024, LARGE = 3 * PIECE + 5000 };

/* ---- checksums ---- */

TEST(checksums_do_not_depend_on_how_the_bytes_come)
{
    SCOPED(arena_releasep) struct arena a;
    arena_init(&a);
    char *bytes = arena_alloc(&a, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 7 >> 3);
    slice want = checksums_of((slice){ bytes, LARGE }, &a);
    EXPECT_EQ(want.n, 4 * CHECKSUM_SIZE);
    for (size_t step = 1000; step < 2 * PIECE; step += 12345) {
        SCOPED(checksums_release) struct checksums c;
        checksums_init(&c);
        for (size_t at = 0; at < LARGE; at += step)
            checksums_add(&c, slice_part((slice){ bytes, LARGE }, at, step));
        EXPECT_SLICE(buf_slice(&c.list), want);
        EXPECT(checksums_fit(buf_slice(&c.list), (slice){ bytes, LARGE }));
    }
    bytes[LARGE - 1] ^= 1;
    EXPECT(!checksums_fit(want, (slice){ bytes, LARGE }));
    EXPECT(!checksums_fit(want, (slice){ bytes, LARGE - 6000 })); /* a list for more bytes */
    EXPECT(checksum_fits(want, 0, (slice){ bytes, PIECE }));
    EXPECT(!checksum_fits(slice_part(want, 0, CHECKSUM_SIZE), 1, (slice){ bytes + PIECE, PIECE })); /* and for fewer */
}

TEST(checksums_go_on_where_an_earlier_list_ended)
{
    SCOPED(arena_releasep) struct arena a;
    arena_init(&a);
    slice bytes = { arena_alloc(&a, LARGE), LARGE };
    memset((char *)bytes.p, 'x', LARGE);
    slice want = checksums_of(bytes, &a);
    for (size_t cut = 0; cut <= LARGE; cut += PIECE / 4) {
        SCOPED(checksums_release) struct checksums c;
        slice begun = checksums_of(slice_part(bytes, 0, cut), &a);
        EXPECT(checksums_init_at(&c, begun, 0, cut));
        checksums_add(&c, slice_from(bytes, cut));
        EXPECT_SLICE(buf_slice(&c.list), want);
    }
    SCOPED(checksums_release) struct checksums c;
    EXPECT(!checksums_init_at(&c, S(""), 0, 1));                  /* a list is missing */
    EXPECT(!checksums_init_at(&c, slice_part(want, 0, 4), 2, 1)); /* it begins behind the end */
    EXPECT(checksums_init_at(&c, slice_from(want, 4), 1, LARGE));
    checksums_forget_before(&c, 3);
    EXPECT_EQ(c.first, 3);
    EXPECT_SLICE(buf_slice(&c.list), slice_from(want, 12));
}

/* ---- blobs ---- */

struct stored {
    struct world *w;
    struct principal ana;
    struct file file;
    slice bytes;
    slice key;
};

static struct stored store_large(struct world *w)
{
    struct stored s = { .w = w, .ana = world_user(w, S("ana")), .bytes = world_bytes(w, LARGE) };
    s.file = world_store(w, &s.ana, S("a.bin"), s.bytes, 0);
    s.key = world_only_blob(w);
    return s;
}

/* Flips one bit of the blob. */
static void flip(const struct stored *s, size_t at)
{
    char *bytes = (char *)arena_copy(s->w->a, s->bytes).p;
    bytes[at] ^= 4;
    damage_blob(s->w, s->key, (slice){ bytes, s->bytes.n });
}

static err_t read_range(const struct stored *s, uint64_t from, size_t size, slice *ret)
{
    struct file file;
    struct content content;
    char *to = arena_alloc(s->w->a, size + 1);
    size_t got = 0;
    TRY(file_open(&s->w->core, &s->ana, s->file.uuid, s->w->a, &file, &content));
    err_t e = content_read_at(&content, from, to, size, s->w->a, &got);
    content_close(&content);
    *ret = (slice){ to, got };
    return e;
}

TEST(d7_a_flipped_bit_of_a_blob_is_never_read)
{
    const size_t places[] = { 0, PIECE - 1, PIECE + PIECE / 2, 3 * PIECE, LARGE - 1 };
    WORLD(w);
    struct stored s = store_large(w);
    slice read;
    EXPECT_OK(world_read(w, &s.ana, &s.file, &read));
    EXPECT_SLICE(read, s.bytes);
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        size_t at = places[i], begin = at / PIECE * PIECE, size = LARGE - begin < PIECE ? LARGE - begin : PIECE;
        uint64_t count = damage_count(&w->core);
        flip(&s, at);
        EXPECT_ERR(world_read(w, &s.ana, &s.file, &read), ERR_CORRUPT);
        EXPECT_ERR(read_range(&s, begin, size, &read), ERR_CORRUPT);
        EXPECT_ERR(read_range(&s, begin + size - 1, 1, &read), ERR_CORRUPT); /* also of bytes that are right */
        EXPECT_EQ(damage_count(&w->core), count + 3);
        if (begin) { /* pieces before it can be read */
            EXPECT_OK(read_range(&s, 0, begin, &read));
            EXPECT_SLICE(read, slice_part(s.bytes, 0, begin));
        }
        EXPECT_EQ(world_fsck(w, false), 1);
    }
}

TEST(ranges_of_any_size_and_place_have_the_bytes_that_were_stored)
{
    WORLD(w);
    struct stored s = store_large(w);
    const size_t places[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 10, LARGE - 1, LARGE };
    const size_t sizes[] = { 0, 1, 20, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, LARGE };
    for (size_t i = 0; i < LENGTH_OF(places); i++)
        for (size_t j = 0; j < LENGTH_OF(sizes); j++) {
            slice read;
            EXPECT_OK(read_range(&s, places[i], sizes[j], &read));
            EXPECT_SLICE(read, slice_part(s.bytes, places[i], sizes[j]));
        }
}

static err_t shorten_checksums(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_checksums_put(tx, *(slice *)arg, 0, S("four"), a);
}

TEST(a_list_of_checksums_that_is_too_short_is_damage)
{
    WORLD(w);
    struct stored s = store_large(w);
    slice read;
    world_write(w, shorten_checksums, &s.key);
    EXPECT_ERR(world_read(w, &s.ana, &s.file, &read), ERR_CORRUPT);
}

TEST(a_blob_that_is_older_than_checksums_is_read_as_it_is)
{
    WORLD(w);
    struct stored s = store_large(w);
    slice read;
    corrupt_records(w, "DELETE FROM blob_checksums");
    EXPECT_OK(world_read(w, &s.ana, &s.file, &read));
    EXPECT_SLICE(read, s.bytes);
    EXPECT_EQ(damage_count(&w->core), 0);
}

static int64_t count_checksums(struct world *w, slice key)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = world_tx(w);
    slice list;
    EXPECT_OK(meta_checksums_get(tx, key, 0, w->a, &list));
    return (int64_t)(list.n / CHECKSUM_SIZE);
}

TEST(checksums_go_with_their_blob)
{
    WORLD(w);
    struct stored s = store_large(w);
    EXPECT_EQ(count_checksums(w, s.key), 4);
    EXPECT_OK(file_delete(&w->core, &s.ana, s.file.uuid, w->a));
    EXPECT_EQ(count_checksums(w, s.key), 4); /* a download may still read the blob */
    world_wait(w, WORLD_GRACE_MS + minutes(10));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(count_checksums(w, s.key), 0);
}

/* ---- what is sent from a descriptor ---- */

static err_t check_blob(const struct stored *s, uint64_t from, uint64_t to)
{
    struct file file;
    struct content content;
    char memory[CONTENT_CHECK_MEMORY];
    TRY(file_open(&s->w->core, &s->ana, s->file.uuid, s->w->a, &file, &content));
    err_t e = content_check(&content, from, to, false, memory, s->w->a);
    content_close(&content);
    return e;
}

TEST(a_check_covers_all_pieces_that_a_range_touches)
{
    WORLD(w);
    struct stored s = store_large(w);
    EXPECT_OK(check_blob(&s, 0, LARGE));
    flip(&s, 2 * PIECE);
    EXPECT_OK(check_blob(&s, 0, 2 * PIECE));
    EXPECT_ERR(check_blob(&s, 0, 2 * PIECE + 1), ERR_CORRUPT);
    EXPECT_ERR(check_blob(&s, 3 * PIECE - 1, 3 * PIECE), ERR_CORRUPT);
    EXPECT_OK(check_blob(&s, 3 * PIECE, LARGE + 100));
}

TEST(a_piece_counts_as_checked_for_a_minute_while_its_file_is_the_same)
{
    struct check_memory *m = check_memory_new();
    struct blob_version v = { 1, (uint64_t)LARGE, 1000 }, changed = { 1, (uint64_t)LARGE, 1001 };
    EXPECT(!check_memory_has(m, &v, 0, 1, 0));
    check_memory_add(m, &v, 1, 3, 0);
    EXPECT(check_memory_has(m, &v, 1, 3, 59999));
    EXPECT(check_memory_has(m, &v, 2, 3, 59999));
    EXPECT(!check_memory_has(m, &v, 0, 3, 59999));
    EXPECT(!check_memory_has(m, &v, 2, 4, 59999));
    EXPECT(!check_memory_has(m, &changed, 1, 3, 59999));
    check_memory_add(m, &v, 3, 4, 59999); /* the minute is that of the first piece */
    EXPECT(check_memory_has(m, &v, 1, 4, 59999));
    EXPECT(!check_memory_has(m, &v, 1, 4, 60000));
    check_memory_add(m, &v, 0, 1, 60000);
    EXPECT(check_memory_has(m, &v, 0, 1, 60001));
    EXPECT(!check_memory_has(m, &v, 1, 2, 60001));
    check_memory_forget(m, &v);
    EXPECT(!check_memory_has(m, &v, 0, 1, 60001));
    for (uint64_t inode = 2; inode < 200; inode++) /* more files than it remembers */
        check_memory_add(m, &(struct blob_version){ inode, (uint64_t)LARGE, 1 }, 0, 4, (int64_t)inode);
    EXPECT(check_memory_has(m, &(struct blob_version){ 199, (uint64_t)LARGE, 1 }, 0, 4, 200));
    EXPECT(!check_memory_has(m, &(struct blob_version){ 2, (uint64_t)LARGE, 1 }, 0, 4, 200));
    check_memory_free(m);
}

/* ---- rows ---- */

TEST(d7_a_flipped_bit_of_a_row_is_never_read)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct file file = world_store(w, &ana, S("a.txt"), S("hello"), 0);
    slice read;
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hellp' AS BLOB)");
    EXPECT_ERR(world_read(w, &ana, &file, &read), ERR_CORRUPT);
    EXPECT_EQ(damage_count(&w->core), 1);
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hello' AS BLOB)");
    EXPECT_OK(world_read(w, &ana, &file, &read));
    EXPECT_SLICE(read, S("hello"));
}

TEST(d7_a_row_that_is_older_than_checksums_is_checked_by_its_md5)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct file file = world_store(w, &ana, S("a.txt"), S("hello"), 0);
    slice read;
    corrupt_records(w, "UPDATE objects SET checksums = NULL");
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hellp' AS BLOB)");
    EXPECT_ERR(world_read(w, &ana, &file, &read), ERR_CORRUPT);
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hello' AS BLOB)");
    EXPECT_OK(world_read(w, &ana, &file, &read));
    EXPECT_SLICE(read, S("hello"));
}

TEST(d7_a_flipped_bit_of_an_entry_is_never_read)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice read;
    bucket_fixture_store(&s, S("k"), S("hello"));
    bucket_fixture_expect(&s, S("k"), S("hello"));
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hellp' AS BLOB)");
    EXPECT_ERR(bucket_fixture_read(&s, S("k"), w->a, &read), ERR_CORRUPT);
}

/* ---- parts ---- */

static void make_composite(const struct bucket_fixture *s, const slice *parts)
{
    struct completed_part done[2];
    slice name = bucket_fixture_upload(s, S("k"));
    struct entry entry;
    for (int64_t i = 0; i < 2; i++)
        EXPECT_OK(bucket_fixture_put_part(s, S("k"), name, &(struct part_bytes){ i + 1, parts[i] }, s->w->a, &done[i]));
    struct complete_request request = bucket_fixture_complete_request(s, S("k"), name, done, 2);
    EXPECT_OK(bucket_fixture_complete(s, &request, s->w->a, &entry));
}

TEST(d7_a_flipped_bit_of_a_part_is_never_read)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice parts[2] = { world_bytes(w, LARGE), S("small") }, read;
    make_composite(&s, parts);
    bucket_fixture_expect(&s, S("k"), arena_join(w->a, parts, 2));
    slice key = world_only_blob(w);
    char *bytes = (char *)arena_copy(w->a, parts[0]).p;
    bytes[2 * PIECE] ^= 1;
    damage_blob(w, key, (slice){ bytes, LARGE });
    EXPECT_ERR(bucket_fixture_read(&s, S("k"), w->a, &read), ERR_CORRUPT);
    damage_blob(w, key, parts[0]);
    bucket_fixture_expect(&s, S("k"), arena_join(w->a, parts, 2));
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('smalk' AS BLOB) WHERE size_bytes = 5");
    EXPECT_ERR(bucket_fixture_read(&s, S("k"), w->a, &read), ERR_CORRUPT);
}

/* ---- uploads in several requests ---- */

static struct transfer transfer_bytes(struct world *w, const struct principal *who, slice bytes, size_t step)
{
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("a.bin"),
                                        .content_type = S(""),
                                        .metadata = S(""),
                                        .length = (int64_t)bytes.n,
                                        .lifetime_ms = hours(1) };
    struct transfer t = { 0 };
    EXPECT_OK(transfer_create(&w->core, who, &request, w->a, &t));
    for (size_t at = 0; at < bytes.n; at += step) {
        struct transfer_opening opening = { .name = t.name, .offset = (int64_t)at, .lifetime_ms = hours(1) };
        struct transfer_writer *writer;
        EXPECT_OK(transfer_open(&w->core, who, &opening, w->a, &writer));
        EXPECT_OK(transfer_write(writer, slice_part(bytes, at, step), w->a));
        EXPECT_OK(transfer_close(writer, w->a, &t));
    }
    return t;
}

TEST(d7_the_bytes_of_several_requests_are_checked)
{
    WORLD(w);
    struct stored s = { .w = w, .ana = world_user(w, S("ana")), .bytes = world_bytes(w, LARGE) };
    struct transfer t = transfer_bytes(w, &s.ana, s.bytes, 50001);
    slice read;
    EXPECT(t.finished_at_ms > 0);
    memcpy(s.file.uuid, t.file_uuid, sizeof s.file.uuid);
    s.key = world_only_blob(w);
    EXPECT_OK(world_read(w, &s.ana, &s.file, &read));
    EXPECT_SLICE(read, s.bytes);
    flip(&s, 100000);
    EXPECT_ERR(world_read(w, &s.ana, &s.file, &read), ERR_CORRUPT);
    flip(&s, LARGE - 1);
    EXPECT_ERR(world_read(w, &s.ana, &s.file, &read), ERR_CORRUPT);
}

TEST(the_checksums_of_a_transfer_go_with_its_record)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    slice bytes = world_bytes(w, LARGE);
    struct transfer t = transfer_bytes(w, &ana, bytes, LARGE);
    struct transfer open = { 0 };
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("b.bin"),
                                        .content_type = S(""),
                                        .metadata = S(""),
                                        .length = 2 * LARGE,
                                        .lifetime_ms = hours(1) };
    struct transfer_writer *writer;
    EXPECT_OK(transfer_create(&w->core, &ana, &request, w->a, &open));
    struct transfer_opening opening = { .name = open.name, .lifetime_ms = hours(1) };
    EXPECT_OK(transfer_open(&w->core, &ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, bytes, w->a));
    transfer_cut(writer);
    EXPECT_EQ(count_checksums(w, open.blob_key), 4);
    EXPECT_OK(transfer_remove(&w->core, &ana, open.name, w->a));
    EXPECT_EQ(count_checksums(w, open.blob_key), 0);
    world_wait(w, hours(24 * 30)); /* the record of the finished one goes, its file stays */
    world_run_jobs(w);
    EXPECT_EQ(count_checksums(w, t.blob_key), 4);
}

RUN_TESTS(cmocka_unit_test(checksums_do_not_depend_on_how_the_bytes_come),
          cmocka_unit_test(checksums_go_on_where_an_earlier_list_ended),
          cmocka_unit_test(d7_a_flipped_bit_of_a_blob_is_never_read),
          cmocka_unit_test(ranges_of_any_size_and_place_have_the_bytes_that_were_stored),
          cmocka_unit_test(a_list_of_checksums_that_is_too_short_is_damage),
          cmocka_unit_test(a_blob_that_is_older_than_checksums_is_read_as_it_is),
          cmocka_unit_test(checksums_go_with_their_blob),
          cmocka_unit_test(a_check_covers_all_pieces_that_a_range_touches),
          cmocka_unit_test(a_piece_counts_as_checked_for_a_minute_while_its_file_is_the_same),
          cmocka_unit_test(d7_a_flipped_bit_of_a_row_is_never_read),
          cmocka_unit_test(d7_a_row_that_is_older_than_checksums_is_checked_by_its_md5),
          cmocka_unit_test(d7_a_flipped_bit_of_an_entry_is_never_read),
          cmocka_unit_test(d7_a_flipped_bit_of_a_part_is_never_read),
          cmocka_unit_test(d7_the_bytes_of_several_requests_are_checked),
          cmocka_unit_test(the_checksums_of_a_transfer_go_with_its_record))

/* SPDX-License-Identifier: Apache-2.0 */
/* The ETag that cais get computes, however the bytes come. */
#include "cli/running_etag.h"

#include "base/text.h"
#include "test.h"

enum { BYTES = 300 };

static slice etag_in_pieces(slice bytes, size_t piece, const int64_t *sizes, size_t count, struct arena *a)
{
    struct running_etag e;
    running_etag_init(&e, sizes, count);
    for (; bytes.n; bytes = slice_from(bytes, piece))
        running_etag_update(&e, slice_part(bytes, 0, piece));
    return running_etag_final(&e, a);
}

/* By the definition: the MD5 of the MD5s. */
static slice expected_etag(slice bytes, const int64_t *sizes, size_t count, struct arena *a)
{
    unsigned char digests[8][MD5_SIZE], digest[MD5_SIZE];
    for (size_t i = 0; i < count; i++) {
        hash_md5(slice_part(bytes, 0, (size_t)sizes[i]), digests[i]);
        bytes = slice_from(bytes, (size_t)sizes[i]);
    }
    hash_md5((slice){ (const char *)digests, count * MD5_SIZE }, digest);
    slice hex = hex_encode(a, (slice){ (const char *)digest, MD5_SIZE });
    return arena_printf(a, SLICE_FMT "-%zu", SLICE_ARG(hex), count);
}

TEST(bytes_without_parts_have_their_md5)
{
    SCRATCH(a);
    EXPECT_SLICE(etag_in_pieces(S("hello"), 2, NULL, 0, &a), S("5d41402abc4b2a76b9719d911017c592"));
    EXPECT_SLICE(etag_in_pieces(S(""), 2, NULL, 0, &a), S("d41d8cd98f00b204e9800998ecf8427e"));
}

TEST(bytes_in_parts_have_the_md5_of_the_md5s_wherever_the_pieces_end)
{
    SCRATCH(a);
    static const int64_t sizes[][4] = {
        { 100, 100, 100, 0 }, { 1, 298, 0, 1 }, { 0, 0, 0, BYTES }, { BYTES, 0, 0, 0 }
    };
    char text[BYTES];
    for (int i = 0; i < BYTES; i++)
        text[i] = (char)i;
    const slice bytes = { text, BYTES };
    for (size_t s = 0; s < LENGTH_OF(sizes); s++)
        for (size_t piece = 1; piece <= BYTES; piece += piece < 110 ? 1 : 95)
            EXPECT_SLICE(etag_in_pieces(bytes, piece, sizes[s], 4, &a), expected_etag(bytes, sizes[s], 4, &a));
    EXPECT_SLICE(etag_in_pieces(S(""), 1, (const int64_t[]){ 0 }, 1, &a), expected_etag(S(""), sizes[2], 1, &a));
}

TEST(more_or_fewer_bytes_than_the_parts_have_are_noticed)
{
    SCRATCH(a);
    const int64_t sizes[] = { 3, 2 };
    EXPECT(etag_in_pieces(S("hello"), 2, sizes, 2, &a).n);
    EXPECT_SLICE(etag_in_pieces(S("hell"), 2, sizes, 2, &a), S(""));
    EXPECT_SLICE(etag_in_pieces(S("hel"), 2, sizes, 2, &a), S(""));
    EXPECT_SLICE(etag_in_pieces(S("hello!"), 2, sizes, 2, &a), S(""));
    EXPECT_SLICE(etag_in_pieces(S(""), 2, sizes, 2, &a), S(""));
}

RUN_TESTS(cmocka_unit_test(bytes_without_parts_have_their_md5),
          cmocka_unit_test(bytes_in_parts_have_the_md5_of_the_md5s_wherever_the_pieces_end),
          cmocka_unit_test(more_or_fewer_bytes_than_the_parts_have_are_noticed))

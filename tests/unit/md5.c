/* SPDX-License-Identifier: Apache-2.0 */
/* Compares with OpenSSL: lengths around every edge, every way of cutting, every code that this processor can execute,
 * one stream or many, and threads that meet in a crew. */
#include "rounds.h"
#include "test.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/md5_crew.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Repeatable random numbers: a test that failed fails again. */
static uint32_t next_random(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(*seed >> 33) % below;
}

static void fill_random(char *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)next_random(&seed, 256);
}

static void expect_oracle(slice bytes, const unsigned char got[MD5_SIZE])
{
    unsigned char want[MD5_SIZE];
    EXPECT(EVP_Digest(bytes.p, bytes.n, want, NULL, EVP_md5(), NULL));
    if (memcmp(got, want, MD5_SIZE) != 0)
        fail_msg("the MD5 of %zu bytes is wrong", bytes.n);
}

static void expect_md5(slice bytes, struct md5 m)
{
    unsigned char got[MD5_SIZE];
    EXPECT(m.bytes == bytes.n);
    md5_final(&m, got);
    expect_oracle(bytes, got);
}

TEST(md5_of_every_length_and_alignment_matches_openssl)
{
    char bytes[1200];
    fill_random(bytes, sizeof bytes, 1);
    for (size_t n = 0; n < 1100; n++) {
        unsigned char got[MD5_SIZE];
        slice some = { bytes + n % 67, n };
        hash_md5(some, got);
        expect_oracle(some, got);
    }
}

TEST(an_empty_update_changes_nothing)
{
    struct md5 m;
    md5_init(&m);
    md5_update(&m, (slice){ NULL, 0 });
    md5_update(&m, S("a"));
    md5_update(&m, (slice){ NULL, 0 });
    expect_md5(S("a"), m);
}

TEST(a_stream_cut_anywhere_has_the_same_digest)
{
    char bytes[260];
    fill_random(bytes, sizeof bytes, 2);
    for (size_t n = 0; n <= sizeof bytes; n += 13) {
        for (size_t cut = 0; cut <= n; cut++) {
            struct md5 m;
            md5_init(&m);
            md5_update(&m, (slice){ bytes, cut });
            md5_update(&m, (slice){ bytes + cut, n - cut });
            expect_md5((slice){ bytes, n }, m);
        }
    }
}

/* RFC 1321 counts bits in 64 bits, so the length of 2^29 bytes and more (2^32 bits) uses the upper word. */
TEST(the_length_of_a_stream_may_exceed_32_bits)
{
    static char zeros[1 << 20];
    struct md5 m;
    EVP_MD_CTX *oracle = EVP_MD_CTX_new();
    EXPECT(oracle && EVP_DigestInit_ex(oracle, EVP_md5(), NULL));
    md5_init(&m);
    struct md5 *lanes[8];
    const char *from[8];
    struct md5 many[8];
    for (size_t i = 0; i < LENGTH_OF(many); i++) {
        md5_init(&many[i]);
        lanes[i] = &many[i];
        from[i] = zeros;
    }
    for (uint64_t n = 0; n < (uint64_t)513 << 20; n += sizeof zeros) {
        EXPECT(EVP_DigestUpdate(oracle, zeros, sizeof zeros));
        md5_blocks(md5_code_best(), lanes, from, LENGTH_OF(many), sizeof zeros / MD5_BLOCK);
    }
    unsigned char want[MD5_SIZE], got[MD5_SIZE];
    EXPECT(EVP_DigestFinal_ex(oracle, want, NULL));
    EVP_MD_CTX_free(oracle);
    for (size_t i = 0; i < LENGTH_OF(many); i++) {
        md5_final(&many[i], got);
        assert_memory_equal(got, want, MD5_SIZE);
    }
}

#define STREAMS 37
#define MAX_STREAM_BYTES 3000

/* Hash whole blocks with md5_blocks and the bytes between them with md5_update, so that the state moves between
 * both. */
static void continue_streams(enum md5_code code, struct md5 *m, slice *left, size_t count, uint64_t *seed)
{
    struct md5 *together[STREAMS];
    const char *from[STREAMS];
    size_t chosen[STREAMS], some = 0, blocks = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t to_edge = (MD5_BLOCK - m[i].bytes % MD5_BLOCK) % MD5_BLOCK;
        bool lane = left[i].n >= to_edge + MD5_BLOCK && next_random(seed, 4) != 0;
        size_t n = lane ? to_edge : next_random(seed, 150);
        slice piece = slice_part(left[i], 0, n);
        md5_update(&m[i], piece);
        left[i] = slice_from(left[i], piece.n);
        if (!lane)
            continue;
        blocks = left[i].n / MD5_BLOCK < blocks ? left[i].n / MD5_BLOCK : blocks;
        together[some] = &m[i];
        from[some] = left[i].p;
        chosen[some++] = i;
    }
    if (!some)
        return;
    blocks = 1 + next_random(seed, (uint32_t)blocks);
    md5_blocks(code, together, from, some, blocks);
    for (size_t i = 0; i < some; i++)
        left[chosen[i]] = slice_from(left[chosen[i]], blocks * MD5_BLOCK);
}

/* Each stream is in memory of exactly its size, so that the address sanitizer sees a read past its end. */
static void hash_many_streams(enum md5_code code, uint64_t seed)
{
    size_t count = 1 + next_random(&seed, STREAMS), busy = 1;
    struct md5 m[STREAMS];
    slice all[STREAMS], left[STREAMS];
    for (size_t i = 0; i < count; i++) {
        size_t n = next_random(&seed, MAX_STREAM_BYTES);
        char *bytes = must_malloc(n + 1);
        fill_random(bytes + 1, n, seed);
        left[i] = all[i] = (slice){ bytes + 1, n };
        md5_init(&m[i]);
    }
    while (busy) {
        continue_streams(code, m, left, count, &seed);
        busy = 0;
        for (size_t i = 0; i < count; i++)
            busy += left[i].n > 0;
    }
    for (size_t i = 0; i < count; i++) {
        expect_md5(all[i], m[i]);
        free((char *)(uintptr_t)all[i].p - 1);
    }
}

TEST(lanes_of_every_code_match_openssl_however_the_bytes_are_cut)
{
    EXPECT(md5_code_runs(MD5_PLAIN) && md5_code_runs(md5_code_best()));
    for (enum md5_code code = 0; code < MD5_CODES; code++) {
        EXPECT(md5_code_lanes(code) <= MD5_MAX_LANES);
        for (int i = rounds(ROUNDS_md5_streams); md5_code_runs(code) && i > 0; i--)
            hash_many_streams(code, rounds_seed() * 10000 + (uint64_t)i);
    }
}

TEST(lanes_of_every_code_hash_any_number_of_streams)
{
    char bytes[STREAMS + 4 * MD5_BLOCK];
    fill_random(bytes, sizeof bytes, 3);
    for (enum md5_code code = 0; code < MD5_CODES; code++) {
        for (size_t count = 0; md5_code_runs(code) && count <= STREAMS; count++) {
            struct md5 m[STREAMS], *lanes[STREAMS];
            const char *from[STREAMS];
            for (size_t i = 0; i < count; i++) {
                md5_init(lanes[i] = &m[i]);
                from[i] = bytes + i;
            }
            md5_blocks(code, lanes, from, count, 4);
            for (size_t i = 0; i < count; i++)
                expect_md5((slice){ from[i], 4 * MD5_BLOCK }, m[i]);
        }
    }
}

/* ---- the crew ---- */

#define THREADS 20
#define PIECES 60
#define PIECE_BYTES 40000

struct hashing_thread {
    struct md5_crew *crew;
    uint64_t seed;
    pthread_barrier_t *start;
    size_t n;
    char *bytes;
    struct hash *hash;
    unsigned char got[MD5_SIZE];
};

/* Pieces of random sizes, most of them large enough to be hashed together. */
static void *hash_pieces(void *arg)
{
    struct hashing_thread *s = arg;
    pthread_barrier_wait(s->start);
    for (int i = 0; i < PIECES; i++) {
        size_t n = next_random(&s->seed, next_random(&s->seed, 4) ? PIECE_BYTES : 5000);
        hash_update_in(s->crew, s->hash, (slice){ s->bytes + s->n, n });
        s->n += n;
    }
    hash_final(s->hash, s->got);
    return NULL;
}

static void threads_share_a_crew(enum md5_code code, int leaders)
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    struct md5_crew *crew = md5_crew_new(code, leaders);
    pthread_t threads[THREADS];
    struct hashing_thread s[THREADS];
    for (int i = 0; i < THREADS; i++) {
        char *bytes = must_malloc((size_t)PIECES * PIECE_BYTES);
        fill_random(bytes, (size_t)PIECES * PIECE_BYTES / 8, (uint64_t)i);
        s[i] = (struct hashing_thread){ crew, (uint64_t)i, &start, 0, bytes, hash_new(HASH_MD5), { 0 } };
        EXPECT_EQ(pthread_create(&threads[i], NULL, hash_pieces, &s[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        expect_oracle((slice){ s[i].bytes, s[i].n }, s[i].got);
        hash_free(s[i].hash);
        free(s[i].bytes);
    }
    md5_crew_free(crew);
    pthread_barrier_destroy(&start);
}

TEST(each_thread_in_a_crew_gets_its_own_digest)
{
    for (int i = rounds(ROUNDS_md5_meetings); i > 0; i--)
        for (enum md5_code code = 0; code < MD5_CODES; code++)
            for (int leaders = 1; md5_code_runs(code) && leaders <= 3; leaders++)
                threads_share_a_crew(code, leaders);
}

TEST(a_crew_does_not_change_other_digests)
{
    struct md5_crew *crew = md5_crew_new(md5_code_best(), 1);
    char bytes[9000];
    fill_random(bytes, sizeof bytes, 4);
    unsigned char got[SHA256_SIZE], want[SHA256_SIZE];
    struct hash *h = hash_new(HASH_SHA256);
    hash_update_in(crew, h, (slice){ bytes, sizeof bytes });
    hash_final(h, got);
    hash_free(h);
    hash_sha256((slice){ bytes, sizeof bytes }, want);
    assert_memory_equal(got, want, SHA256_SIZE);
    md5_crew_free(crew);
}

RUN_TESTS(cmocka_unit_test(md5_of_every_length_and_alignment_matches_openssl),
          cmocka_unit_test(an_empty_update_changes_nothing),
          cmocka_unit_test(a_stream_cut_anywhere_has_the_same_digest),
          cmocka_unit_test(the_length_of_a_stream_may_exceed_32_bits),
          cmocka_unit_test(lanes_of_every_code_match_openssl_however_the_bytes_are_cut),
          cmocka_unit_test(lanes_of_every_code_hash_any_number_of_streams),
          cmocka_unit_test(each_thread_in_a_crew_gets_its_own_digest),
          cmocka_unit_test(a_crew_does_not_change_other_digests))

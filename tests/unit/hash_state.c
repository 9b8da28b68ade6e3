/* SPDX-License-Identifier: Apache-2.0 */
/* Published values are those of the examples for FIPS 180-4; everything else is compared with the digests of hash.h, which
 * are computed by other functions of OpenSSL. */
#include "test.h"

#include "base/hash_state.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const enum hash_kind kinds[] = { HASH_SHA256, HASH_SHA512 };
enum { LONGEST = 300 }; /* more than two blocks of SHA-512 */

static slice sample(void)
{
    static char bytes[LONGEST];
    for (size_t i = 0; i < LONGEST; i++)
        bytes[i] = (char)(i * 131 + i / 256 + 200);
    return (slice){ bytes, LONGEST };
}

static slice digest_at_once(enum hash_kind kind, slice bytes, struct arena *a)
{
    char *digest = arena_alloc(a, HASH_MAX_SIZE);
    SCOPED(hash_freep) struct hash *h = hash_new(kind);
    hash_update(h, bytes);
    hash_final(h, (unsigned char *)digest);
    return (slice){ digest, hash_size(kind) };
}

static slice digest_of_state(const struct hash_state *s, struct arena *a)
{
    char *digest = arena_alloc(a, HASH_MAX_SIZE);
    hash_state_final(s, (unsigned char *)digest);
    return (slice){ digest, hash_size(s->kind) };
}

static void expect_published(enum hash_kind kind, slice bytes, const char *hex)
{
    SCRATCH(a);
    struct hash_state s;
    hash_state_init(&s, kind);
    hash_state_update(&s, bytes);
    EXPECT_SLICE(hex_encode(&a, digest_of_state(&s, &a)), slice_of(hex));
    EXPECT_SLICE(hex_encode(&a, digest_at_once(kind, bytes, &a)), slice_of(hex));
}

TEST(digests_of_known_texts_have_their_published_values)
{
    slice two_blocks = S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    slice two_long_blocks = S("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                              "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu");
    expect_published(HASH_SHA256, S("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_published(HASH_SHA256, S(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_published(HASH_SHA256, two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_published(HASH_SHA512, S("abc"),
                     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    expect_published(HASH_SHA512, S(""),
                     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    expect_published(HASH_SHA512, two_long_blocks,
                     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}

TEST(a_million_letters_in_pieces_have_their_published_digests)
{
    SCRATCH(a);
    char piece[1000];
    memset(piece, 'a', sizeof piece);
    const char *published[] = { "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
                                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                                "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b" };
    for (size_t k = 0; k < LENGTH_OF(kinds); k++) {
        struct hash_state s;
        hash_state_init(&s, kinds[k]);
        for (size_t i = 0; i < 1000; i++)
            hash_state_update(&s, (slice){ piece, sizeof piece });
        EXPECT_SLICE(hex_encode(&a, digest_of_state(&s, &a)), slice_of(published[k]));
    }
}

TEST(a_state_cut_anywhere_and_stored_there_has_the_same_digest)
{
    for (size_t k = 0; k < LENGTH_OF(kinds); k++)
        for (size_t cut = 0; cut <= LONGEST; cut++) {
            SCRATCH(a);
            struct hash_state s, loaded;
            memset(&loaded, 0xee, sizeof loaded);
            hash_state_init(&s, kinds[k]);
            hash_state_update(&s, slice_part(sample(), 0, cut));
            EXPECT_SLICE(digest_of_state(&s, &a), digest_at_once(kinds[k], slice_part(sample(), 0, cut), &a));
            slice stored = hash_state_store(&s, &a);
            EXPECT(stored.n <= HASH_STATE_STORED_MAX);
            EXPECT(hash_state_load(&loaded, stored));
            EXPECT_SLICE(hash_state_store(&loaded, &a), stored);
            hash_state_update(&s, slice_from(sample(), cut));
            hash_state_update(&loaded, slice_from(sample(), cut));
            slice want = digest_at_once(kinds[k], sample(), &a);
            EXPECT_SLICE(digest_of_state(&s, &a), want);
            EXPECT_SLICE(digest_of_state(&loaded, &a), want);
        }
}

TEST(pieces_of_every_size_have_the_digest_of_the_whole)
{
    for (size_t k = 0; k < LENGTH_OF(kinds); k++)
        for (size_t size = 1; size <= LONGEST; size++) {
            SCRATCH(a);
            struct hash_state s;
            hash_state_init(&s, kinds[k]);
            for (slice left = sample(); left.n; left = slice_from(left, size)) {
                hash_state_update(&s, slice_part(left, 0, size));
                hash_state_update(&s, (slice){ NULL, 0 });
            }
            EXPECT_EQ(s.bytes, LONGEST);
            EXPECT_SLICE(digest_of_state(&s, &a), digest_at_once(kinds[k], sample(), &a));
        }
}

TEST(taking_the_digest_does_not_change_the_state)
{
    for (size_t k = 0; k < LENGTH_OF(kinds); k++) {
        SCRATCH(a);
        struct hash_state s, before;
        hash_state_init(&s, kinds[k]);
        hash_state_update(&s, slice_part(sample(), 0, 77));
        before = s;
        slice first = digest_of_state(&s, &a);
        EXPECT_EQ(memcmp(&s, &before, sizeof s), 0);
        EXPECT_SLICE(digest_of_state(&s, &a), first);
    }
}

/* A literal, because states that an earlier version stored must still be read. */
TEST(the_stored_form_is_fixed)
{
    SCRATCH(a);
    struct hash_state s;
    hash_state_init(&s, HASH_SHA256);
    hash_state_update(&s, S("abc"));
    EXPECT_SLICE(hex_encode(&a, hash_state_store(&s, &a)),
                 S("01010000000000000003"
                   "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19616263"));
    hash_state_init(&s, HASH_SHA512);
    hash_state_update(&s, S("abc"));
    EXPECT_SLICE(hex_encode(&a, hash_state_store(&s, &a)),
                 S("01020000000000000003"
                   "6a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a5f1d36f1"
                   "510e527fade682d19b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19137e2179616263"));
}

/* The stored words, which are the digest once the last block, with its padding and count, was hashed. */
static slice stored_words(const struct hash_state *s, struct arena *a)
{
    return slice_part(hash_state_store(s, a), 10, hash_size(s->kind));
}

/* The state, set to `bytes` bytes, has the digest that follows from hashing the last block by hand. bytes: whole blocks. */
static void expect_count(enum hash_kind kind, uint64_t bytes)
{
    SCRATCH(a);
    size_t block = kind == HASH_SHA256 ? 64 : 128;
    struct hash_state s;
    hash_state_init(&s, kind);
    hash_state_update(&s, slice_part(sample(), 0, block));
    char *stored = arena_cstr(&a, hash_state_store(&s, &a)), last[HASH_STATE_BLOCK_MAX] = { (char)0x80 };
    for (size_t i = 0; i < 8; i++) {
        stored[2 + i] = (char)(bytes >> 8 * (7 - i));
        last[block - 8 + i] = (char)(bytes * 8 >> 8 * (7 - i));
    }
    EXPECT(hash_state_load(&s, (slice){ stored, 10 + hash_size(kind) }));
    EXPECT_EQ(s.bytes, bytes);
    slice digest = digest_of_state(&s, &a);
    hash_state_update(&s, (slice){ last, block });
    EXPECT_SLICE(stored_words(&s, &a), digest);
}

TEST(counts_beyond_32_bits_are_part_of_the_digest)
{
    for (size_t k = 0; k < LENGTH_OF(kinds); k++) {
        expect_count(kinds[k], 128);
        for (unsigned bit = 28; bit < 61; bit++) {
            expect_count(kinds[k], ((uint64_t)1 << bit) - 128);
            expect_count(kinds[k], (uint64_t)1 << bit);
            expect_count(kinds[k], ((uint64_t)1 << bit) + 1280);
        }
    }
}

TEST(what_is_not_a_stored_state_is_refused)
{
    for (size_t k = 0; k < LENGTH_OF(kinds); k++) {
        SCRATCH(a);
        struct hash_state s, before;
        hash_state_init(&s, kinds[k]);
        hash_state_update(&s, slice_part(sample(), 0, 200));
        slice stored = hash_state_store(&s, &a);
        before = s;
        for (size_t n = 0; n < stored.n; n++)
            EXPECT(!hash_state_load(&s, slice_part(stored, 0, n)));
        char *bad = arena_alloc(&a, stored.n + 1);
        memcpy(bad, stored.p, stored.n);
        EXPECT(!hash_state_load(&s, (slice){ bad, stored.n + 1 }));
        static const struct {
            size_t at;
            char byte;
        } changes[] = { { 0, 0 }, { 0, 2 }, { 1, 0 }, { 1, 3 }, { 2, 0x20 }, { 2, (char)0x80 }, { 9, (char)201 } };
        for (size_t i = 0; i < LENGTH_OF(changes); i++) {
            char good = bad[changes[i].at];
            bad[changes[i].at] = changes[i].byte;
            EXPECT(!hash_state_load(&s, (slice){ bad, stored.n }));
            bad[changes[i].at] = good;
        }
        bad[1] = (char)(3 - bad[1]); /* the other kind */
        EXPECT(!hash_state_load(&s, (slice){ bad, stored.n }));
        EXPECT(!hash_state_load(&s, (slice){ NULL, 0 }));
        EXPECT_EQ(memcmp(&s, &before, sizeof s), 0);
        bad[1] = (char)(3 - bad[1]);
        EXPECT(hash_state_load(&s, (slice){ bad, stored.n }));
    }
}

RUN_TESTS(cmocka_unit_test(digests_of_known_texts_have_their_published_values),
          cmocka_unit_test(a_million_letters_in_pieces_have_their_published_digests),
          cmocka_unit_test(a_state_cut_anywhere_and_stored_there_has_the_same_digest),
          cmocka_unit_test(pieces_of_every_size_have_the_digest_of_the_whole),
          cmocka_unit_test(taking_the_digest_does_not_change_the_state), cmocka_unit_test(the_stored_form_is_fixed),
          cmocka_unit_test(counts_beyond_32_bits_are_part_of_the_digest),
          cmocka_unit_test(what_is_not_a_stored_state_is_refused))

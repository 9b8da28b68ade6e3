/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/seal.h"
#include "base/text.h"

#include <string.h>

struct fixed {
    struct random random;
    unsigned char byte;
};

static void fill_fixed(struct random *r, void *bytes, size_t n)
{
    memset(bytes, CONTAINER_OF(r, struct fixed, random)->byte, n);
}

static void fill_ascending(unsigned char key[SEAL_KEY_SIZE])
{
    for (int i = 0; i < SEAL_KEY_SIZE; i++)
        key[i] = (unsigned char)i;
}

static void seal_freep(struct seal **s)
{
    seal_free(*s);
}

#define SEAL(name, first_byte)                                                                                         \
    struct random_seeded random_##name;                                                                                \
    random_seeded_init(&random_##name, first_byte);                                                                    \
    unsigned char key_##name[SEAL_KEY_SIZE];                                                                           \
    fill_ascending(key_##name);                                                                                        \
    key_##name[0] = first_byte;                                                                                        \
    SCOPED(seal_freep) struct seal *name = seal_new(key_##name, &random_##name.random)

static const slice secret = { "a secret of forty characters, or nearly", 39 };

/* The expected bytes were computed with another implementation (python3-cryptography) from the description in
 * seal.c. */
TEST(a_sealed_secret_has_the_documented_form)
{
    SCRATCH(a);
    struct fixed fixed = { { fill_fixed }, 7 };
    unsigned char key[SEAL_KEY_SIZE], derived[SEAL_KEY_SIZE];
    fill_ascending(key);
    SCOPED(seal_freep) struct seal *s = seal_new(key, &fixed.random);
    EXPECT_SLICE(hex_encode(&a, seal_close(s, S("key:17"), secret, &a)),
                 S("010707070707070707070707079eea4b1eb9c6ad591d0cbdf5e2948a9434c3d905abb7015a94a9d462742ef60c45e6fa7b"
                   "dadea29165203984a76a9d888ce053ca21b6a4"));
    seal_derive(s, S("links"), derived);
    EXPECT_SLICE(hex_encode(&a, (slice){ (char *)derived, sizeof derived }),
                 S("92809b97fd11c673a29c463bf76b14cd17f067985af0b07f5e8c2e1709157ab4"));
}

TEST(a_sealed_secret_can_be_opened)
{
    SCRATCH(a);
    SEAL(s, 0);
    slice lengths = { arena_alloc(&a, 70000), 70000 }, got;
    for (size_t n = 0; n < lengths.n; n = n * 3 + 1) {
        slice sealed = seal_close(s, S("x"), (slice){ lengths.p, n }, &a);
        EXPECT_OK(seal_open(s, S("x"), sealed, &a, &got));
        EXPECT_SLICE(got, ((slice){ lengths.p, n }));
    }
}

TEST(sealing_a_secret_twice_gives_different_bytes)
{
    SCRATCH(a);
    SEAL(s, 0);
    slice one = seal_close(s, S("x"), secret, &a), other = seal_close(s, S("x"), secret, &a);
    EXPECT(!slice_eq(one, other));
    EXPECT_EQ(slice_find(one, S("forty")), SLICE_NONE);
}

TEST(a_sealed_secret_with_a_changed_bit_is_refused)
{
    SCRATCH(a);
    SEAL(s, 0);
    slice sealed = seal_close(s, S("key:17"), secret, &a), got = S("untouched");
    for (size_t bit = 0; bit < sealed.n * 8; bit++) {
        slice altered = arena_copy(&a, sealed);
        ((char *)altered.p)[bit / 8] ^= (char)(1 << bit % 8);
        EXPECT_ERR(seal_open(s, S("key:17"), altered, &a, &got), ERR_CORRUPT);
    }
    EXPECT_SLICE(got, S("untouched"));
}

TEST(a_truncated_or_extended_secret_is_refused)
{
    SCRATCH(a);
    SEAL(s, 0);
    slice sealed = seal_close(s, S("key:17"), secret, &a), got;
    for (size_t n = 0; n < sealed.n; n++)
        EXPECT_ERR(seal_open(s, S("key:17"), (slice){ sealed.p, n }, &a, &got), ERR_CORRUPT);
    slice parts[] = { sealed, S("x") };
    EXPECT_ERR(seal_open(s, S("key:17"), arena_join(&a, parts, 2), &a, &got), ERR_CORRUPT);
    EXPECT_ERR(seal_open(s, S("key:17"), (slice){ NULL, 0 }, &a, &got), ERR_CORRUPT);
}

TEST(a_secret_opens_only_with_its_key_and_its_subject)
{
    SCRATCH(a);
    SEAL(s, 0);
    SEAL(other, 1);
    slice sealed = seal_close(s, S("key:17"), secret, &a), got;
    EXPECT_ERR(seal_open(other, S("key:17"), sealed, &a, &got), ERR_CORRUPT);
    EXPECT_ERR(seal_open(s, S("key:1"), sealed, &a, &got), ERR_CORRUPT);
    EXPECT_ERR(seal_open(s, S("key:18"), sealed, &a, &got), ERR_CORRUPT);
    EXPECT_OK(seal_open(s, S("key:17"), sealed, &a, &got));
}

TEST(a_derived_key_depends_on_key_and_purpose)
{
    SEAL(s, 0);
    SEAL(other, 1);
    unsigned char one[SEAL_KEY_SIZE], again[SEAL_KEY_SIZE], two[SEAL_KEY_SIZE], three[SEAL_KEY_SIZE];
    seal_derive(s, S("links"), one);
    seal_derive(s, S("links"), again);
    seal_derive(s, S("zip"), two);
    seal_derive(other, S("links"), three);
    EXPECT(memcmp(one, again, sizeof one) == 0);
    EXPECT(memcmp(one, two, sizeof one) != 0 && memcmp(one, three, sizeof one) != 0);
}

RUN_TESTS(cmocka_unit_test(a_sealed_secret_has_the_documented_form), cmocka_unit_test(a_sealed_secret_can_be_opened),
          cmocka_unit_test(sealing_a_secret_twice_gives_different_bytes),
          cmocka_unit_test(a_sealed_secret_with_a_changed_bit_is_refused),
          cmocka_unit_test(a_truncated_or_extended_secret_is_refused),
          cmocka_unit_test(a_secret_opens_only_with_its_key_and_its_subject),
          cmocka_unit_test(a_derived_key_depends_on_key_and_purpose))

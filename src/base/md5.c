/* SPDX-License-Identifier: Apache-2.0 */
/* One stream is hashed in plain C, which adds the operand that is known last at the end: 5 % faster than the assembly
 * of OpenSSL 3.0, and the state can be moved into a lane and back. Lanes are the compiler's vector types; for AVX-512
 * the compiler turns any function of three words, and any rotation, into one instruction. */
#include "base/md5.h"

#include <assert.h>
#include <string.h>

typedef void hash_blocks_fn(struct md5 *const *md5, const char *const *from, size_t count, size_t blocks);

static inline uint32_t load_u32(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void store_u32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

#define ROTATE(v, bits) ((v) << (bits) | (v) >> (32 - (bits)))

/* ---- one stream ---- */

/* The functions of RFC 1321 §3.4, added to a. Everything but b is known early, so the rest is added first. COMPUTE_NOW
 * keeps the compiler from choosing another order; REG is the kind of register that holds v. */
#define COMPUTE_NOW(v) __asm__("" : "+" REG(v))
#define F(a, b, c, d) a += ((c ^ d) & b) ^ d
#define G(a, b, c, d)                                                                                                  \
    a += c & ~d;                                                                                                       \
    COMPUTE_NOW(a);                                                                                                    \
    a += b & d /* has no bit in common with c & ~d, so adding equals or-ing and waits for fewer results */
#define H(a, b, c, d)                                                                                                  \
    early = c ^ d;                                                                                                     \
    COMPUTE_NOW(early);                                                                                                \
    a += early ^ b
#define I(a, b, c, d) a += (b | ~d) ^ c
#define STEP_WITH(function, a, b, c, d, word, bits, constant)                                                          \
    a += (word) + constant;                                                                                            \
    COMPUTE_NOW(a);                                                                                                    \
    function(a, b, c, d);                                                                                              \
    a = ROTATE(a, bits) + b;

#define REG "r"
#define STEP(function, a, b, c, d, word, bits, constant)                                                               \
    STEP_WITH(function, a, b, c, d, load_u32(at + 4 * (word)), bits, constant)

static void hash_one(uint32_t state[4], const char *at, size_t blocks)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], early;
    for (; blocks; blocks--, at += MD5_BLOCK) {
        uint32_t a0 = a, b0 = b, c0 = c, d0 = d;
#include "base/md5_steps.def"
        a += a0;
        b += b0;
        c += c0;
        d += d0;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
}

static void hash_one_by_one(struct md5 *const *md5, const char *const *from, size_t count, size_t blocks)
{
    for (size_t i = 0; i < count; i++)
        hash_one(md5[i]->state, from[i], blocks);
}

/* ---- lanes ---- */

#if defined(__x86_64__)

#undef STEP
#define STEP(function, a, b, c, d, word, bits, constant)                                                               \
    STEP_WITH(function, a, b, c, d, load_u32(at + 4 * (word)), bits, constant)                                         \
    STEP_WITH(function, a##2, b##2, c##2, d##2, load_u32(at2 + 4 * (word)), bits, constant)

/* Two streams in general registers: faster than vectors, which without AVX-512 rotate by two shifts. */
static void hash_two(struct md5 *const *md5, const char *const *from, size_t count, size_t blocks)
{
    assert(count == 2);
    const char *at = from[0], *at2 = from[1];
    const uint32_t *s = md5[0]->state, *s2 = md5[1]->state;
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], a2 = s2[0], b2 = s2[1], c2 = s2[2], d2 = s2[3], early;
    for (; blocks; blocks--, at += MD5_BLOCK, at2 += MD5_BLOCK) {
        uint32_t before[8] = { a, b, c, d, a2, b2, c2, d2 };
#include "base/md5_steps.def"
        a += before[0], b += before[1], c += before[2], d += before[3];
        a2 += before[4], b2 += before[5], c2 += before[6], d2 += before[7];
    }
    memcpy(md5[0]->state, (uint32_t[4]){ a, b, c, d }, sizeof md5[0]->state);
    memcpy(md5[1]->state, (uint32_t[4]){ a2, b2, c2, d2 }, sizeof md5[1]->state);
}

#undef REG
#undef STEP
#define REG "v"
#define STEP(function, a, b, c, d, number, bits, constant) STEP_WITH(function, a, b, c, d, word[number], bits, constant)

#define MIX __builtin_shufflevector

/* To detect uses after return, gcc's AddressSanitizer keeps locals in frames of its own that are aligned to 32 bytes,
 * and a vector of 64 bytes faults there (gcc bug 110027, fixed in 14). So the functions with lanes are not
 * instrumented. */
#ifdef __SANITIZE_ADDRESS__
#define LANES_PLAIN __attribute__((no_sanitize_address))
#else
#define LANES_PLAIN
#endif

typedef uint32_t vector4 __attribute__((vector_size(16)));
typedef uint32_t vector8 __attribute__((vector_size(32)));
typedef uint32_t vector16 __attribute__((vector_size(64)));
typedef uint32_t unaligned4 __attribute__((vector_size(16), aligned(1), may_alias));

#define LOAD(i) ((vector4) * (const unaligned4 *)(const void *)(at[i] + 16 * quarter))
#define LOAD_TWO(i) MIX(LOAD(i), LOAD(i + 4), 0, 1, 2, 3, 4, 5, 6, 7)
#define LOAD_FOUR(i) MIX(LOAD_TWO(i), LOAD_TWO(i + 8), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

#define NAME four_sse2
#define TARGET "sse2"
#define LANES 4
#define VECTOR vector4
#define ROW(i) LOAD(i)
#define LOW_WORDS(x, y) MIX(x, y, 0, 4, 1, 5)
#define HIGH_WORDS(x, y) MIX(x, y, 2, 6, 3, 7)
#define LOW_PAIRS(x, y) MIX(x, y, 0, 1, 4, 5)
#define HIGH_PAIRS(x, y) MIX(x, y, 2, 3, 6, 7)
#include "base/md5_lanes.h"

#define EIGHT_LOW_WORDS(x, y) MIX(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define EIGHT_HIGH_WORDS(x, y) MIX(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
#define EIGHT_LOW_PAIRS(x, y) MIX(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define EIGHT_HIGH_PAIRS(x, y) MIX(x, y, 2, 3, 10, 11, 6, 7, 14, 15)

#define NAME eight_avx2
#define TARGET "avx2"
#define LANES 8
#define VECTOR vector8
#define ROW(i) LOAD_TWO(i)
#define LOW_WORDS EIGHT_LOW_WORDS
#define HIGH_WORDS EIGHT_HIGH_WORDS
#define LOW_PAIRS EIGHT_LOW_PAIRS
#define HIGH_PAIRS EIGHT_HIGH_PAIRS
#include "base/md5_lanes.h"

/* Here any function of three words is one instruction, and G as two sums would be more. */
#undef G
#undef H
#define G(a, b, c, d) a += ((b ^ c) & d) ^ c
#define H(a, b, c, d) a += c ^ d ^ b

#define NAME eight_avx512
#define TARGET "avx512f,avx512vl"
#define LANES 8
#define VECTOR vector8
#define ROW(i) LOAD_TWO(i)
#define LOW_WORDS EIGHT_LOW_WORDS
#define HIGH_WORDS EIGHT_HIGH_WORDS
#define LOW_PAIRS EIGHT_LOW_PAIRS
#define HIGH_PAIRS EIGHT_HIGH_PAIRS
#include "base/md5_lanes.h"

#define NAME sixteen_avx512
#define TARGET "avx512f,avx512vl"
#define LANES 16
#define VECTOR vector16
#define ROW(i) LOAD_FOUR(i)
#define LOW_WORDS(x, y) MIX(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH_WORDS(x, y) MIX(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW_PAIRS(x, y) MIX(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_PAIRS(x, y) MIX(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#include "base/md5_lanes.h"

bool md5_code_runs(enum md5_code code)
{
    switch (code) {
    case MD5_PLAIN:
    case MD5_SSE2: /* every x86-64 has it */
        return true;
    case MD5_AVX2:
        return __builtin_cpu_supports("avx2");
    case MD5_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
    case MD5_CODES:
        break;
    }
    return false;
}

/* The fastest function for `count` streams, which is at most md5_code_lanes(code). */
static hash_blocks_fn *fastest_for(enum md5_code code, size_t count)
{
    if (code == MD5_PLAIN || count == 1)
        return hash_one_by_one;
    if (code == MD5_AVX512)
        return count <= 8 ? eight_avx512 : sixteen_avx512;
    if (count == 2)
        return hash_two;
    return count <= 4 ? four_sse2 : eight_avx2;
}

#else

bool md5_code_runs(enum md5_code code)
{
    return code == MD5_PLAIN;
}

static hash_blocks_fn *fastest_for(enum md5_code code, size_t count)
{
    (void)code, (void)count;
    return hash_one_by_one;
}

#endif

enum md5_code md5_code_best(void)
{
    enum md5_code best = MD5_CODES - 1;
    while (!md5_code_runs(best))
        best--;
    return best;
}

size_t md5_code_lanes(enum md5_code code)
{
    static const size_t lanes[] = { [MD5_PLAIN] = 1, [MD5_SSE2] = 4, [MD5_AVX2] = 8, [MD5_AVX512] = 16 };
    return lanes[code];
}

void md5_blocks(enum md5_code code, struct md5 *const *md5, const char *const *from, size_t count, size_t blocks)
{
    size_t lanes = md5_code_lanes(code);
    for (size_t i = 0; i < count; i++) {
        assert(md5[i]->bytes % MD5_BLOCK == 0);
        md5[i]->bytes += blocks * MD5_BLOCK;
    }
    for (size_t some; count; md5 += some, from += some, count -= some) {
        some = count < lanes ? count : lanes;
        fastest_for(code, some)(md5, from, some, blocks);
    }
}

/* ---- a whole digest ---- */

void md5_init(struct md5 *m)
{
    *m = (struct md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void md5_update(struct md5 *m, slice bytes)
{
    size_t partial_bytes = m->bytes % MD5_BLOCK;
    m->bytes += bytes.n;
    if (partial_bytes && bytes.n) {
        size_t some = bytes.n < MD5_BLOCK - partial_bytes ? bytes.n : MD5_BLOCK - partial_bytes;
        memcpy(m->partial + partial_bytes, bytes.p, some);
        if (partial_bytes + some < MD5_BLOCK)
            return;
        hash_one(m->state, (const char *)m->partial, 1);
        bytes = slice_from(bytes, some);
    }
    hash_one(m->state, bytes.p, bytes.n / MD5_BLOCK);
    bytes = slice_from(bytes, bytes.n - bytes.n % MD5_BLOCK);
    if (bytes.n)
        memcpy(m->partial, bytes.p, bytes.n);
}

/* Padding as in RFC 1321 §3.1 and §3.2: a one bit, zeros, the length in bits. */
void md5_final(struct md5 *m, unsigned char ret_digest[MD5_SIZE])
{
    unsigned char end[2 * MD5_BLOCK] = { 0 };
    size_t partial_bytes = m->bytes % MD5_BLOCK, size = partial_bytes < MD5_BLOCK - 8 ? MD5_BLOCK : 2 * MD5_BLOCK;
    memcpy(end, m->partial, partial_bytes);
    end[partial_bytes] = 0x80;
    store_u32(end + size - 8, (uint32_t)(m->bytes << 3));
    store_u32(end + size - 4, (uint32_t)(m->bytes >> 29));
    hash_one(m->state, (const char *)end, size / MD5_BLOCK);
    for (int i = 0; i < 4; i++)
        store_u32(ret_digest + 4 * i, m->state[i]);
}

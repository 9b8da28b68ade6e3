/* SPDX-License-Identifier: Apache-2.0 */
/* The three checksums are one algorithm (reflected) with different polynomials, so they share the code. Registers are
 * 64 bits wide; a 32-bit checksum uses the low half (reflected: the coefficient of x^31 is in bit 0). Eight tables
 * process eight bytes a step. If the processor has a carry-less multiplication, each step folds 64 bytes into 64 (Gopal
 * et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009), and the tables process the last
 * 16. If one instruction multiplies two pairs of words at once (VPCLMULQDQ), each step folds 256 bytes into 256: 22 GB/s
 * instead of 8, while a table does 1.5. Every constant is computed from the polynomial, once per process. */
#include "base/crc.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define FOLDS 1
#else
#define FOLDS 0
#endif

#define FOLD_FROM 256 /* bytes below which folding does not pay */
#define WIDE_STEP 256
#define FOLD_WIDELY_FROM (2 * WIDE_STEP)

struct crc {
    unsigned width;
    uint64_t poly; /* reflected */
    uint64_t table[8][256];
    /* Factors that move 16 bytes forward by 256, 64 or 16 bytes: [0] for their first half, [1] for the second. */
    uint64_t by_256[2], by_64[2], by_16[2];
};

enum { CRC_ISO, CRC_CASTAGNOLI, CRC_NVME, CRC_KINDS };
static struct crc crcs[CRC_KINDS]; /* set once, before first use, then constant */
static bool folds, folds_widely;

static uint64_t top_bit(const struct crc *c)
{
    return (uint64_t)1 << (c->width - 1);
}

static uint64_t times_x(const struct crc *c, uint64_t v)
{
    return v >> 1 ^ (v & 1 ? c->poly : 0);
}

/* The remainder of x^n, as a reflected 64-bit polynomial. */
static uint64_t power_of_x(const struct crc *c, unsigned n)
{
    uint64_t v = top_bit(c);
    while (n--)
        v = times_x(c, v);
    return v << (64 - c->width);
}

static void prepare_crc(struct crc *c, unsigned width, uint64_t poly)
{
    c->width = width;
    c->poly = poly;
    for (unsigned i = 0; i < 256; i++) {
        uint64_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = times_x(c, v);
        c->table[0][i] = v;
    }
    for (unsigned t = 1; t < 8; t++)
        for (unsigned i = 0; i < 256; i++)
            c->table[t][i] = c->table[t - 1][i] >> 8 ^ c->table[0][c->table[t - 1][i] & 255];
    /* One less than the distance, because the product of two reflected words is shifted by one bit. */
    c->by_256[0] = power_of_x(c, 2048 + 64 - 1);
    c->by_256[1] = power_of_x(c, 2048 - 1);
    c->by_64[0] = power_of_x(c, 512 + 64 - 1);
    c->by_64[1] = power_of_x(c, 512 - 1);
    c->by_16[0] = power_of_x(c, 128 + 64 - 1);
    c->by_16[1] = power_of_x(c, 128 - 1);
}

static void prepare_crcs(void)
{
    prepare_crc(&crcs[CRC_ISO], 32, 0xedb88320);
    prepare_crc(&crcs[CRC_CASTAGNOLI], 32, 0x82f63b78);
    prepare_crc(&crcs[CRC_NVME], 64, 0x9a6c9329ac4bc9b5);
#if FOLDS
    folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse2");
    folds_widely = folds && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq");
#endif
}

static const struct crc *crc_of(int kind)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_crcs);
    return &crcs[kind];
}

static uint64_t load_u64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* v: the register, not inverted. */
static uint64_t update_by_table(const struct crc *c, uint64_t v, const unsigned char *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        v ^= load_u64(p);
        v = c->table[7][v & 255] ^ c->table[6][v >> 8 & 255] ^ c->table[5][v >> 16 & 255] ^ c->table[4][v >> 24 & 255] ^
            c->table[3][v >> 32 & 255] ^ c->table[2][v >> 40 & 255] ^ c->table[1][v >> 48 & 255] ^ c->table[0][v >> 56];
    }
    for (; n; p++, n--)
        v = v >> 8 ^ c->table[0][(v ^ *p) & 255];
    return v;
}

#if FOLDS
__attribute__((target("pclmul,sse2"))) static inline __m128i fold_16_bytes(__m128i from, __m128i by, __m128i onto)
{
    return _mm_xor_si128(onto,
                         _mm_xor_si128(_mm_clmulepi64_si128(from, by, 0x00), _mm_clmulepi64_si128(from, by, 0x11)));
}

__attribute__((target("pclmul,sse2"))) static uint64_t update_by_folding(const struct crc *c, uint64_t v,
                                                                         const unsigned char *p, size_t n)
{
    const __m128i by_64 = _mm_set_epi64x((long long)c->by_64[1], (long long)c->by_64[0]);
    const __m128i by_16 = _mm_set_epi64x((long long)c->by_16[1], (long long)c->by_16[0]);
    __m128i lane[4];
    for (int i = 0; i < 4; i++)
        lane[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)v));
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64)
        for (int i = 0; i < 4; i++)
            lane[i] = fold_16_bytes(lane[i], by_64, _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)));
    for (int i = 1; i < 4; i++)
        lane[i] = fold_16_bytes(lane[i - 1], by_16, lane[i]);
    unsigned char last[16];
    _mm_storeu_si128((__m128i *)(void *)last, lane[3]);
    return update_by_table(c, update_by_table(c, 0, last, sizeof last), p, n);
}

#define WIDE_LANES (WIDE_STEP / 32)

/* The same with eight lanes of 32 bytes, each of which holds two of 16. */
__attribute__((target("pclmul,avx2,vpclmulqdq"))) static uint64_t
update_by_wide_folding(const struct crc *c, uint64_t v, const unsigned char *p, size_t n)
{
    const __m256i by_256 =
        _mm256_broadcastsi128_si256(_mm_set_epi64x((long long)c->by_256[1], (long long)c->by_256[0]));
    const __m128i by_16 = _mm_set_epi64x((long long)c->by_16[1], (long long)c->by_16[0]);
    __m256i lane[WIDE_LANES];
    for (int i = 0; i < WIDE_LANES; i++)
        lane[i] = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i));
    lane[0] = _mm256_xor_si256(lane[0], _mm256_set_epi64x(0, 0, 0, (long long)v));
    for (p += WIDE_STEP, n -= WIDE_STEP; n >= WIDE_STEP; p += WIDE_STEP, n -= WIDE_STEP) {
        for (int i = 0; i < WIDE_LANES; i++) {
            __m256i moved = _mm256_xor_si256(_mm256_clmulepi64_epi128(lane[i], by_256, 0x00),
                                             _mm256_clmulepi64_epi128(lane[i], by_256, 0x11));
            lane[i] = _mm256_xor_si256(moved, _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i)));
        }
    }
    __m128i last = _mm256_castsi256_si128(lane[0]);
    for (int i = 0; i < WIDE_LANES; i++) {
        if (i)
            last = fold_16_bytes(last, by_16, _mm256_castsi256_si128(lane[i]));
        last = fold_16_bytes(last, by_16, _mm256_extracti128_si256(lane[i], 1));
    }
    unsigned char bytes[16];
    _mm_storeu_si128((__m128i *)(void *)bytes, last);
    return update_by_table(c, update_by_table(c, 0, bytes, sizeof bytes), p, n);
}
#endif

static uint64_t update_checksum(int kind, uint64_t crc, slice bytes)
{
    const struct crc *c = crc_of(kind);
    uint64_t ones = top_bit(c) | (top_bit(c) - 1), v = crc ^ ones;
    const unsigned char *p = (const unsigned char *)bytes.p;
#if FOLDS
    if (folds_widely && bytes.n >= FOLD_WIDELY_FROM)
        return update_by_wide_folding(c, v, p, bytes.n) ^ ones;
    if (folds && bytes.n >= FOLD_FROM)
        return update_by_folding(c, v, p, bytes.n) ^ ones;
#endif
    return update_by_table(c, v, p, bytes.n) ^ ones;
}

static uint64_t multiply_polynomials(const struct crc *c, uint64_t x, uint64_t y)
{
    uint64_t product = 0;
    for (uint64_t bit = top_bit(c); bit; bit >>= 1, y = times_x(c, y))
        if (x & bit)
            product ^= y;
    return product;
}

/* first · x^(8 · second_bytes) + second; the inversions before and after cancel each other. */
static uint64_t join_checksums(int kind, uint64_t first, uint64_t second, uint64_t second_bytes)
{
    const struct crc *c = crc_of(kind);
    uint64_t square = top_bit(c) >> 8; /* x^8 */
    for (; second_bytes; second_bytes >>= 1, square = multiply_polynomials(c, square, square))
        if (second_bytes & 1)
            first = multiply_polynomials(c, first, square);
    return first ^ second;
}

uint32_t crc32_update(uint32_t crc, slice bytes)
{
    return (uint32_t)update_checksum(CRC_ISO, crc, bytes);
}

uint32_t crc32c_update(uint32_t crc, slice bytes)
{
    return (uint32_t)update_checksum(CRC_CASTAGNOLI, crc, bytes);
}

uint64_t crc64nvme_update(uint64_t crc, slice bytes)
{
    return update_checksum(CRC_NVME, crc, bytes);
}

uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
    return (uint32_t)join_checksums(CRC_ISO, first, second, second_bytes);
}

uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes)
{
    return (uint32_t)join_checksums(CRC_CASTAGNOLI, first, second, second_bytes);
}

uint64_t crc64nvme_join(uint64_t first, uint64_t second, uint64_t second_bytes)
{
    return join_checksums(CRC_NVME, first, second, second_bytes);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Private to md5.c, which includes it once for each width: it defines the function NAME, compiled for the processor
 * TARGET, with LANES streams in a vector of type VECTOR. It has no include guard for that reason.
 *
 * A vector holds the same word of every stream, but in memory the words of one stream are together. So each turn first
 * transposes: ROW(i) is 16 bytes of stream i, followed by those of streams i + 4, i + 8, i + 12 as far as there are
 * lanes, and two rounds of interleaving within 16 bytes yield four vectors with one word of all streams each, in order.
 *
 * LANES_PLAIN (md5.c) says why these functions run without the address sanitizer. */

LANES_PLAIN __attribute__((target(TARGET))) static void NAME(struct md5 *const *md5, const char *const *from,
                                                             size_t count, size_t blocks)
{
    const char *at[LANES];
    VECTOR a, b, c, d;
    for (size_t i = 0; i < LANES; i++) {
        size_t who = i < count ? i : 0; /* unused lanes repeat the first stream, and their results are dropped */
        at[i] = from[who];
        a[i] = md5[who]->state[0];
        b[i] = md5[who]->state[1];
        c[i] = md5[who]->state[2];
        d[i] = md5[who]->state[3];
    }
    for (; blocks; blocks--) {
        VECTOR word[16];
        for (size_t quarter = 0; quarter < 4; quarter++) {
            VECTOR row0 = ROW(0), row1 = ROW(1), row2 = ROW(2), row3 = ROW(3);
            VECTOR low01 = LOW_WORDS(row0, row1), low23 = LOW_WORDS(row2, row3);
            VECTOR high01 = HIGH_WORDS(row0, row1), high23 = HIGH_WORDS(row2, row3);
            word[4 * quarter] = LOW_PAIRS(low01, low23);
            word[4 * quarter + 1] = HIGH_PAIRS(low01, low23);
            word[4 * quarter + 2] = LOW_PAIRS(high01, high23);
            word[4 * quarter + 3] = HIGH_PAIRS(high01, high23);
        }
        for (size_t i = 0; i < LANES; i++)
            at[i] += MD5_BLOCK;
        VECTOR a0 = a, b0 = b, c0 = c, d0 = d, early;
        (void)early; /* not every H uses it */
#include "base/md5_steps.def"
        a += a0;
        b += b0;
        c += c0;
        d += d0;
    }
    for (size_t i = 0; i < count; i++) {
        md5[i]->state[0] = a[i];
        md5[i]->state[1] = b[i];
        md5[i]->state[2] = c[i];
        md5[i]->state[3] = d[i];
    }
}

#undef NAME
#undef TARGET
#undef LANES
#undef VECTOR
#undef ROW
#undef LOW_WORDS
#undef HIGH_WORDS
#undef LOW_PAIRS
#undef HIGH_PAIRS

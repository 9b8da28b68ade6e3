/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 (RFC 1321) in a small struct that needs no allocation, and for several streams at once.
 *
 * Every step of MD5 waits for the one before, so one stream leaves most of a core idle, and no second core can help it.
 * Different streams have nothing to wait for each other: in the lanes of one vector register eight of them take little
 * longer than one. Threads that want this come together in md5_crew.h. */
#ifndef CAIS_BASE_MD5_H
#define CAIS_BASE_MD5_H

#include "base/slice.h"

#define MD5_SIZE 16
#define MD5_BLOCK ((size_t)64)
#define MD5_MAX_LANES ((size_t)16)

/* Running. Plain memory: may be copied, and moved between the functions below after any of them. */
struct md5 {
    uint32_t state[4];
    uint64_t bytes;                 /* so far */
    unsigned char begun[MD5_BLOCK]; /* bytes % 64 of them: a block that is not full yet */
};

void md5_init(struct md5 *);
void md5_update(struct md5 *, slice bytes);
/* Ends it: only md5_init may follow. */
void md5_final(struct md5 *, unsigned char ret_digest[MD5_SIZE]);

/* How blocks are worked off. Each needs what its name says of the processor; MD5_ALONE runs everywhere. */
enum md5_code { MD5_ALONE, MD5_SSE2, MD5_AVX2, MD5_AVX512, MD5_CODES };
bool md5_code_runs(enum md5_code);
enum md5_code md5_code_best(void);
/* Streams that it takes at once; 1: there is nothing to gain from bringing several. */
size_t md5_code_lanes(enum md5_code);

/* Go on with `count` different streams, each at the edge of a block (bytes % 64 == 0), by `blocks` whole blocks each.
 * code     must run here
 * from[i]  where the blocks of md5[i] lie, at any address */
void md5_blocks(enum md5_code code, struct md5 *const *md5, const char *const *from, size_t count, size_t blocks);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 (RFC 1321) in a small struct without allocations, for one stream or several at once.
 *
 * Every step of MD5 needs the result of the step before, so one stream leaves most of a core idle, and a second core
 * cannot help. Different streams are independent: eight of them in the lanes of one vector register take little longer
 * than one. md5_crew.h brings threads together that have a stream each; docs/internals/hashing.md explains both. */
#ifndef CAIS_BASE_MD5_H
#define CAIS_BASE_MD5_H

#include "base/slice.h"

#define MD5_SIZE 16
#define MD5_BLOCK ((size_t)64)
#define MD5_MAX_LANES ((size_t)16)

/* A running digest. It is plain memory: it may be copied, and each call below may be followed by any other. */
struct md5 {
    uint32_t state[4];
    uint64_t bytes;                   /* hashed so far, with those in partial */
    unsigned char partial[MD5_BLOCK]; /* the first bytes % 64 bytes of the next block */
};

void md5_init(struct md5 *);
void md5_update(struct md5 *, slice bytes);
/* Write the digest. Only md5_init may follow. */
void md5_final(struct md5 *, unsigned char ret_digest[MD5_SIZE]);

/* How blocks are hashed. Each needs the processor's extension of that name; MD5_PLAIN runs everywhere. */
enum md5_code { MD5_PLAIN, MD5_SSE2, MD5_AVX2, MD5_AVX512, MD5_CODES };
bool md5_code_runs(enum md5_code);
enum md5_code md5_code_best(void);
/* How many streams it hashes at once; 1: several streams gain nothing. */
size_t md5_code_lanes(enum md5_code);

/* Continue `count` different streams, each at the edge of a block (bytes % 64 == 0), by `blocks` whole blocks each.
 * code     one for which md5_code_runs is true
 * from[i]  the address of the blocks of md5[i]; any alignment */
void md5_blocks(enum md5_code code, struct md5 *const *md5, const char *const *from, size_t count, size_t blocks);

#endif

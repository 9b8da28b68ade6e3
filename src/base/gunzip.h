/* SPDX-License-Identifier: Apache-2.0 */
/* Unzips gzip (RFC 1952) as its bytes come, also several members one after the other. Nothing at all is an empty file. Thread:
 * one at a time. */
#ifndef CAIS_BASE_GUNZIP_H
#define CAIS_BASE_GUNZIP_H

#include "base/err.h"

/* Some bytes may become many: beyond GUNZIP_FREE_BYTES, a file that grows by more than GUNZIP_RATIO_MAX is a bomb. */
#define GUNZIP_FREE_BYTES ((uint64_t)64 << 20)
#define GUNZIP_RATIO_MAX 200

struct gunzip;

/* max_bytes: unzipped, of all members together. Never NULL; takes about 50 KiB. */
struct gunzip *gunzip_new(uint64_t max_bytes);
void gunzip_free(struct gunzip *); /* NULL is fine */
/* Unzip from *in, which is moved behind what was used, into the `room` bytes at `to`. *ret_n: how many bytes were written; 0
 * only when *in is used up. Errors: INVALID it is no gzip, or damaged; TOO_LARGE more than max_bytes, or a bomb. */
MUST_USE err_t gunzip_read(struct gunzip *, slice *in, char *to, size_t room, struct arena *a, size_t *ret_n);
/* There is no more to unzip, and gunzip_read had 0 bytes left to write. Errors: TRUNCATED a member has no end. */
MUST_USE err_t gunzip_end(const struct gunzip *, struct arena *a);

static inline void gunzip_freep(struct gunzip **z)
{
    gunzip_free(*z);
}

#endif

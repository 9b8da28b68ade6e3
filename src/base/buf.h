/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer of bytes that grows up to a limit. `failed` stays set, so a writer checks once, at the end.
 *
 * A buffer may be on the account of an arena, whose limit and budget then count its memory (buf_init_on). If the arena has
 * no room, the addition fails, and arena_is_over reports it, so that whoever sends what was written asks the arena only. */
#ifndef CAIS_BASE_BUF_H
#define CAIS_BASE_BUF_H

#include "base/scoped.h"
#include "base/slice.h"

#include <stdarg.h>

struct arena;
struct buf {
    char *p;
    size_t n, cap, max;    /* max 0: no limit */
    bool failed;           /* an addition did not fit and was dropped; p[0..n] holds those before it */
    struct arena *account; /* counts `cap`; NULL: none does */
    bool asks;             /* it grows only while the budget of the account has room for it: arena_take */
};

void buf_init(struct buf *b, size_t max);
/* On the account of an arena, which must not be released before the buffer, and which one thread at a time may use
 * together with the buffer. */
void buf_init_on(struct buf *b, size_t max, struct arena *account);
void buf_release(struct buf *b);
/* Hand the bytes over to an arena, which frees them with everything else. The buffer is empty then, and has no account: it
 * may be released after the arena. */
slice buf_give(struct buf *b, struct arena *a);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, slice s);
void buf_add_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);
/* Make room for n more bytes and return its address, b->p + b->n; NULL (and failed) above the limit. The caller adds
 * to b->n as many bytes as it wrote. */
char *buf_reserve(struct buf *b, size_t n);
static inline slice buf_slice(const struct buf *b)
{
    return (slice){ b->p ? b->p : "", b->n };
}
static inline void buf_releasep(struct buf *b)
{
    buf_release(b);
}

#endif

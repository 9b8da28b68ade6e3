/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer of bytes that grows up to a limit. `failed` stays set, so a writer checks once, at the end. */
#ifndef CAIS_BASE_BUF_H
#define CAIS_BASE_BUF_H

#include "base/scoped.h"
#include "base/slice.h"

#include <stdarg.h>

struct buf {
    char *p;
    size_t n, cap, max; /* max 0: no limit */
    bool failed;        /* an addition did not fit and was dropped; p[0..n] holds those before it */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_init_on(struct buf *b, size_t max, struct arena *account)
{
    *b = (struct buf){ .max = max, .account = account };
}

void buf_release(struct buf *b)
{
    free(b->p);
    if (b->account)
        arena_discharge(b->account, b->cap);
    *b = (struct buf){ .max = b->max, .account = b->account };
}

slice buf_give(struct buf *b, struct arena *a)
{
    slice bytes = buf_slice(b);
    if (b->p)
        arena_defer(a, free, b->p);
    if (b->account != a)
        arena_charge(a, b->cap);
    if (b->account && b->account != a)
        arena_discharge(b->account, b->cap);
    *b = (struct buf){ .max = b->max };
    return bytes;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* To a capacity of at least `need` bytes. False: there is no room on the account. */
static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap * 2 : 256;
    while (cap < need)
        cap *= 2;
    if (b->max && cap > b->max)
        cap = b->max;
    if (b->asks) {
        if (!arena_take(b->account, cap - b->cap))
            return false;
    } else if (b->account) {
        /* Near the limit it grows by a part of what is left, not by each addition: that would copy it every time. */
        while (cap > need && !arena_has_room(b->account, cap - b->cap))
            cap = need + (cap - need) / 2;
        if (!arena_has_room(b->account, cap - b->cap)) {
            arena_mark_over(b->account);
            return false;
        }
        arena_charge(b->account, cap - b->cap);
    }
    b->p = must_realloc(b->p, cap);
    b->cap = cap;
    return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t need;
    bool fits = !b->failed && !__builtin_add_overflow(b->n, n, &need) && (!b->max || need <= b->max);
    if (fits && (need > b->cap || !b->p)) /* also when n is 0, because NULL means failure */
        fits = grow(b, need);
    b->failed = !fits;
    return fits ? b->p + b->n : NULL;
}

void buf_add(struct buf *b, slice s)
{
    /* Most additions fit: replies are written by hundreds of them. */
    char *at = !b->failed && b->p && s.n <= b->cap - b->n ? b->p + b->n : buf_reserve(b, s.n);
    if (!at || s.n == 0)
        return;
    memcpy(at, s.p, s.n);
    b->n += s.n;
}

void buf_add_byte(struct buf *b, char c)
{
    if (!b->failed && b->n < b->cap)
        b->p[b->n++] = c;
    else
        buf_add(b, (slice){ &c, 1 });
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(b, (slice){ text + at, sizeof text - at });
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_add_byte(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

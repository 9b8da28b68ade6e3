/* SPDX-License-Identifier: Apache-2.0 */
/* Memory with one end: everything made in an arena dies when the arena is released. One arena per request or job run,
 * a second one for what dies with a function. Not thread-safe: an arena belongs to one thread at a time.
 * Out of memory aborts the process: a crash at any instant is a tested case, a half-failed request is not. */
#ifndef CAIS_BASE_ARENA_H
#define CAIS_BASE_ARENA_H

#include "base/scoped.h"
#include "base/slice.h"

#include <stdarg.h>

struct arena_block;
struct arena_defer;
struct arena {
    struct arena_block *block;
    struct arena_defer *defers;
    char *next, *end;
};

void arena_init(struct arena *a);
/* Use memory the caller owns first (it must outlive the arena), the heap after it. */
void arena_init_with(struct arena *a, void *memory, size_t size);
void arena_release(struct arena *a); /* runs the defers, newest first, then frees; the arena may be used again */

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type, never NULL */
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array((a), sizeof(type), (count)))
void *arena_alloc_array(struct arena *a, size_t size, size_t count); /* overflow aborts */

char *arena_cstr(struct arena *a, slice s); /* a copy that ends in NUL */
slice arena_copy(struct arena *a, slice s);
slice arena_join(struct arena *a, const slice *parts, size_t count); /* one after the other; cheaper than printf */
slice arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
slice arena_vprintf(struct arena *a, const char *fmt, va_list args);
/* Call fn(arg) when the arena is released: for what is not memory (descriptors, statements). */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);

static inline void arena_releasep(struct arena *a)
{
    arena_release(a);
}
/* SCRATCH(s): an arena that dies with the enclosing block. */
#define SCRATCH(name)                                                                                                  \
    SCOPED(arena_releasep)                                                                                             \
    struct arena name;                                                                                                 \
    arena_init(&name)

/* malloc and realloc that abort when there is no memory. */
void *must_malloc(size_t size); /* zeroed */
void *must_realloc(void *p, size_t size);
char *must_strdup(const char *s);

#endif

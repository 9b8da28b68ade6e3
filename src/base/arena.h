/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is released all at once: everything allocated in an arena lives until the arena is released. There is one
 * arena for each request or run of a job, and a second one for what a function needs only while it runs. Not
 * thread-safe: an arena belongs to one thread at a time.
 * When there is no memory left, the process aborts: a crash at any instant is a tested case, a request that fails
 * half-way is not. */
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
/* Use the caller's memory first, which must outlive the arena, then the heap. */
void arena_init_with(struct arena *a, void *memory, size_t size);
void arena_release(struct arena *a); /* runs what arena_defer noted, newest first, then frees; a may be used again */

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type, never NULL */
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array((a), sizeof(type), (count)))
void *arena_alloc_array(struct arena *a, size_t size, size_t count); /* aborts when size * count overflows */

char *arena_cstr(struct arena *a, slice s); /* a copy that ends in NUL */
slice arena_copy(struct arena *a, slice s);
slice arena_join(struct arena *a, const slice *parts, size_t count); /* concatenated; cheaper than arena_printf */
slice arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
slice arena_vprintf(struct arena *a, const char *fmt, va_list args);
/* Call fn(arg) when the arena is released: for resources that are not memory (descriptors, statements). */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);

static inline void arena_releasep(struct arena *a)
{
    arena_release(a);
}
/* SCRATCH(s): an arena that dies with the enclosing block. */
#define SCRATCH(name)                                                                                                  \
    SCOPED(arena_releasep) struct arena name;                                                                          \
    arena_init(&name)

/* malloc and realloc that abort when there is no memory. */
void *must_malloc(size_t size); /* zeroed */
void *must_realloc(void *p, size_t size);
char *must_strdup(const char *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is released all at once: everything allocated in an arena lives until the arena is released. There is one
 * arena for each request or run of a job, and a second one for what a function needs only while it runs. Not
 * thread-safe: an arena belongs to one thread at a time.
 *
 * Limits   An allocation never fails. An arena has a limit instead, and an overdraft above it: once an arena holds more
 *          than its limit, arena_is_over reports it, and whoever works with the arena must stop, and return TOO_LARGE,
 *          before it has used the overdraft. Every loop whose length the input decides asks arena_is_over each time
 *          round (arena_check of base/err.h makes the error); an allocation whose size the input decides asks
 *          arena_has_room first. The edge of the program asks once more before it sends a reply or submits a write.
 * Abort    When an arena exceeds its overdraft, or when there is no memory left, the process aborts: the first is a bug,
 *          and a crash at any instant is a tested case, while a request that fails half-way is not. */
#ifndef CAIS_BASE_ARENA_H
#define CAIS_BASE_ARENA_H

#include "base/memory.h"
#include "base/scoped.h"
#include "base/slice.h"

#include <stdarg.h>

struct arena_block;
struct arena_defer;
struct arena {
    struct arena_block *block;
    struct arena_defer *defers;
    char *next, *end;
    size_t held;                  /* bytes on the heap, and those of arena_charge */
    size_t limit;                 /* for `held`; 0: ARENA_LIMIT_DEFAULT */
    size_t peak;                  /* the most that `held` was, with that of children */
    size_t counted;               /* what the budget knows of `held`: see ARENA_COUNTED_STEP */
    struct memory_budget *budget; /* counts `held`, too; NULL: none does */
    struct arena *parent;         /* of arena_init_child; NULL: none */
    bool marked_over;             /* arena_mark_over was called */
};

#ifndef ARENA_LIMIT_DEFAULT /* a test sets less, to show that nothing comes near it */
#define ARENA_LIMIT_DEFAULT ((size_t)64 << 20)
#define ARENA_OVERDRAFT ((size_t)1 << 20)
#endif
/* The budget is told what an arena holds in steps of this size, so that a small request costs no atomic operation. */
#define ARENA_COUNTED_STEP ((size_t)8 << 10)
/* When the budget is exceeded, arenas that hold no more than this go on: small requests are served, large ones end. */
#define ARENA_SMALL_SHARE ((size_t)32 << 10)

void arena_init(struct arena *a);
/* Use the caller's memory first, which must outlive the arena, then the heap. */
void arena_init_with(struct arena *a, void *memory, size_t size);
void arena_release(struct arena *a); /* runs what arena_defer noted, newest first, then frees; a may be used again */

/* Set the limit in bytes, and the budget that counts what the arena holds, which is borrowed until arena_release (NULL:
 * none). The limit may change at any time, the budget only while the arena holds nothing. arena_release forgets both. */
void arena_set_limit(struct arena *a, size_t limit, struct memory_budget *);
/* The arena holds more than its limit, or arena_mark_over was called; or its budget is exceeded and it holds more than
 * ARENA_SMALL_SHARE. */
bool arena_is_over(const struct arena *a);
/* The first two of these: the limit is to blame, not the budget. */
bool arena_is_over_limit(const struct arena *a);
/* May `size` bytes more be allocated without exceeding the limit? */
bool arena_has_room(const struct arena *a, size_t size);
/* Count memory that is not in the arena but belongs to the same account, such as the tree of a parser; and give it back.
 * What was not given back is given back by arena_release. */
void arena_charge(struct arena *a, size_t size);
void arena_discharge(struct arena *a, size_t size);
/* The same, for memory that can be refused, such as a body that has not come yet: false, and nothing is counted, above the
 * limit or when the budget has no room left for it (memory_take). What keeps the arena within ARENA_SMALL_SHARE is never
 * refused because of the budget. */
bool arena_take(struct arena *a, size_t size);
/* An allocation was left out because there is no room for it: arena_is_over is true from here on, also of the arenas that
 * this one is a child of, so that the result, which is incomplete, is used by nobody. */
void arena_mark_over(struct arena *a);

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type, never NULL */
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array((a), sizeof(type), (count)))
void *arena_alloc_array(struct arena *a, size_t size, size_t count); /* aborts when size * count overflows */

char *arena_cstr(struct arena *a, slice s); /* a copy that ends in NUL */
slice arena_copy(struct arena *a, slice s);
/* The same; empty, and arena_mark_over is called, when there is no room for it. */
slice arena_copy_if_room(struct arena *a, slice s);
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

/* The same, on the account of `parent`: what the parent may still allocate is the limit, and its budget counts both. The
 * parent must not be used for large allocations while the scratch arena exists, and must not be released before it: so the
 * scratch arena of an exchange ends before the exchange is replied to. */
#define SCRATCH_OF(name, parent)                                                                                       \
    SCOPED(arena_releasep) struct arena name;                                                                          \
    arena_init_child(&name, (parent))
void arena_init_child(struct arena *a, struct arena *parent);

/* malloc and realloc that abort when there is no memory. */
void *must_malloc(size_t size); /* zeroed */
void *must_realloc(void *p, size_t size);
char *must_strdup(const char *s);

#endif

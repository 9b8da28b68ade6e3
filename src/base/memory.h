/* SPDX-License-Identifier: Apache-2.0 */
/* A budget of memory that many accounts share: arenas, collected bodies and replies of all exchanges count what they hold
 * in one. The numbers are those that callers report, not those of the allocator.
 *
 * There are two ways to count. memory_take asks first, and is for memory that can be refused: a body that has not been
 * read yet. memory_add never fails, and is for memory that the program needs to go on; it may exceed the budget, which
 * memory_is_over then reports. Thread: any; a call is one atomic operation. */
#ifndef CAIS_BASE_MEMORY_H
#define CAIS_BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct memory_budget {
    size_t max; /* bytes; 0: no limit, and everything is only counted */
    atomic_size_t used;
};

/* Count `size` bytes, unless they would exceed the budget: then false, and nothing was counted. */
static inline bool memory_take(struct memory_budget *b, size_t size)
{
    size_t before = atomic_fetch_add_explicit(&b->used, size, memory_order_relaxed);
    if (!b->max || (size <= b->max && before <= b->max - size))
        return true;
    atomic_fetch_sub_explicit(&b->used, size, memory_order_relaxed);
    return false;
}

static inline void memory_add(struct memory_budget *b, size_t size)
{
    atomic_fetch_add_explicit(&b->used, size, memory_order_relaxed);
}

/* Give back what memory_take or memory_add counted. */
static inline void memory_give(struct memory_budget *b, size_t size)
{
    atomic_fetch_sub_explicit(&b->used, size, memory_order_relaxed);
}

static inline size_t memory_used(const struct memory_budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed);
}

static inline bool memory_is_over(const struct memory_budget *b)
{
    return b->max && memory_used(b) > b->max;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A budget of memory that many accounts share: arenas, collected bodies and replies of all exchanges count what they hold
 * in one. The numbers are those that callers report, not those of the allocator.
 *
 * There are two ways to count. memory_take asks first, and is for memory that can be refused: a body that has not been
 * read yet. It leaves a quarter of the budget to memory_add, which never fails, and is for memory that the program needs
 * to go on: so bodies that are announced but do not come cannot end the requests that are being worked on. memory_add may
 * exceed the budget, which memory_is_over then reports. Thread: any; a call is one atomic operation. */
#ifndef CAIS_BASE_MEMORY_H
#define CAIS_BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct memory_budget {
    size_t max; /* bytes; 0: no limit, and everything is only counted */
    atomic_size_t used;
};

/* The memory that this process may use, in bytes: that of the machine, or the limit of the control group that the process
 * runs in, if that is less. */
size_t memory_of_machine(void);

/* Count `size` bytes, unless more than three quarters of the budget would then be used: false, and nothing was counted. */
static inline bool memory_take(struct memory_budget *b, size_t size)
{
    size_t max = b->max - b->max / 4;
    size_t before = atomic_fetch_add_explicit(&b->used, size, memory_order_relaxed);
    if (!b->max || (size <= max && before <= max - size))
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

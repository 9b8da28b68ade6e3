/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation in growing blocks. With ARENA_DEBUG every object is a malloc of its own, so that the address
 * sanitizer sees where one object ends and the next begins. */
#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 16
#define FIRST_BLOCK 1024
#define LARGEST_BLOCK (64 * 1024)

struct arena_block {
    struct arena_block *older;
    size_t size;
    char data[] __attribute__((aligned(ALIGN)));
};

struct arena_defer {
    struct arena_defer *older;
    void (*fn)(void *);
    void *arg;
};

void *must_malloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        fputs("cais: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *must_realloc(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    if (!p) {
        fputs("cais: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *must_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(must_malloc(n), s, n);
}

void arena_init(struct arena *a)
{
    *a = (struct arena){ 0 };
}

void arena_init_with(struct arena *a, void *memory, size_t size)
{
    arena_init(a);
    a->next = memory;
    a->end = a->next + size;
}

void arena_release(struct arena *a)
{
    struct arena_defer *d = a->defers;
    for (; d; d = d->older)
        d->fn(d->arg);
    struct arena_block *b = a->block;
    while (b) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
    if (a->counted)
        memory_give(a->budget, a->counted);
    if (a->parent && a->parent->held + a->peak > a->parent->peak)
        a->parent->peak = a->parent->held + a->peak;
    arena_init(a);
}

static size_t limit_of(const struct arena *a)
{
    return a->limit ? a->limit : ARENA_LIMIT_DEFAULT;
}

void arena_set_limit(struct arena *a, size_t limit, struct memory_budget *budget)
{
    assert(!a->held || a->budget == budget);
    a->limit = limit;
    a->budget = budget;
}

void arena_init_child(struct arena *a, struct arena *parent)
{
    arena_init(a);
    size_t limit = limit_of(parent);
    a->limit = parent->held < limit ? limit - parent->held : 1;
    a->budget = parent->budget;
    a->parent = parent;
}

bool arena_is_over_limit(const struct arena *a)
{
    return a->marked_over || a->held > limit_of(a);
}

bool arena_is_over(const struct arena *a)
{
    return arena_is_over_limit(a) || (a->budget && a->held > ARENA_SMALL_SHARE && memory_is_over(a->budget));
}

bool arena_has_room(const struct arena *a, size_t size)
{
    size_t limit = limit_of(a);
    return a->held <= limit && size <= limit - a->held;
}

void arena_mark_over(struct arena *a)
{
    for (; a; a = a->parent)
        a->marked_over = true;
}

void arena_charge(struct arena *a, size_t size)
{
    a->held += size;
    if (a->held > a->peak)
        a->peak = a->held;
    if (a->budget && a->held - a->counted >= ARENA_COUNTED_STEP) {
        memory_add(a->budget, a->held - a->counted);
        a->counted = a->held;
    }
    if (a->held > limit_of(a) + ARENA_OVERDRAFT) {
        fputs("cais: an arena has exceeded its overdraft\n", stderr);
        abort();
    }
}

void arena_discharge(struct arena *a, size_t size)
{
    assert(size <= a->held);
    a->held -= size;
    if (a->counted > a->held) {
        memory_give(a->budget, a->counted - a->held);
        a->counted = a->held;
    }
}

bool arena_take(struct arena *a, size_t size)
{
    if (!arena_has_room(a, size))
        return false;
    if (a->budget && a->held + size > ARENA_SMALL_SHARE) {
        if (!memory_take(a->budget, a->held + size - a->counted))
            return false;
        a->counted = a->held + size;
    }
    arena_charge(a, size);
    return true;
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
    arena_charge(a, sizeof(struct arena_block) + size);
    struct arena_block *b = must_malloc(sizeof *b + size);
    b->size = size;
    b->older = a->block;
    a->block = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size = size ? size : 1;
    if (size > SIZE_MAX / 2)
        abort();
#ifdef ARENA_DEBUG
    return add_block(a, size)->data;
#else
    size_t pad = a->next ? (size_t)(-(uintptr_t)a->next & (ALIGN - 1)) : 0;
    if (!a->next || (size_t)(a->end - a->next) < size + pad) {
        size_t block = a->block ? a->block->size * 2 : FIRST_BLOCK;
        block = block > LARGEST_BLOCK ? LARGEST_BLOCK : block;
        if (size > block / 4)
            return add_block(a, size)->data; /* large: a block of its own, and the current one stays in use */
        struct arena_block *b = add_block(a, block);
        a->next = b->data;
        a->end = b->data + block;
        pad = 0;
    }
    void *p = a->next + pad;
    a->next += pad + size;
    return memset(p, 0, size);
#endif
}

void *arena_alloc_array(struct arena *a, size_t size, size_t count)
{
    size_t total;
    if (__builtin_mul_overflow(size, count, &total))
        abort();
    return arena_alloc(a, total);
}

char *arena_cstr(struct arena *a, slice s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

slice arena_copy(struct arena *a, slice s)
{
    return (slice){ arena_cstr(a, s), s.n };
}

slice arena_copy_if_room(struct arena *a, slice s)
{
    if (arena_has_room(a, s.n))
        return arena_copy(a, s);
    arena_mark_over(a);
    return S("");
}

slice arena_join(struct arena *a, const slice *parts, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += parts[i].n;
    char *text = arena_alloc(a, n + 1), *to = text;
    for (size_t i = 0; i < count; i++)
        if (parts[i].n)
            to = (char *)memcpy(to, parts[i].p, parts[i].n) + parts[i].n;
    return (slice){ text, n };
}

slice arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    char small[256]; /* most texts fit, and are then formatted only once */
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    if (n < 0)
        abort();
    char *p = arena_alloc(a, (size_t)n + 1);
    if ((size_t)n < sizeof small)
        memcpy(p, small, (size_t)n + 1);
    else
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (slice){ p, (size_t)n };
}

slice arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
    struct arena_defer *d = arena_new(a, struct arena_defer);
    *d = (struct arena_defer){ .older = a->defers, .fn = fn, .arg = arg };
    a->defers = d;
}

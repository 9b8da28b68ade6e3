/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/column_index.h"

#include <string.h>

static inline uint64_t head_of(slice name)
{
    uint64_t head = 0;
    if (name.n >= sizeof head)
        memcpy(&head, name.p, sizeof head);
    else if (name.n)
        memcpy(&head, name.p, name.n); /* the rest are zeros, which no name has */
    return __builtin_bswap64(head);
}

/* Where the name is, or would be inserted: the first slot that does not come before it. */
static size_t find_slot(const struct column_index *x, slice name, uint64_t head, bool *ret_is_there)
{
    size_t from = 0, to = x->count;
    *ret_is_there = false;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct column_index_slot *slot = &x->slots[middle];
        int order = slot->head < head ? -1 : slot->head > head;
        if (!order)
            order = slice_cmp(x->columns[slot->column].name, name);
        if (!order) {
            *ret_is_there = true;
            return middle;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

size_t column_index_find(const struct column_index *x, slice name)
{
    bool is_there;
    size_t at = find_slot(x, name, head_of(name), &is_there);
    return is_there ? x->slots[at].column : COLUMN_NONE;
}

bool column_index_add(struct column_index *x, size_t column)
{
    bool is_there;
    slice name = x->columns[column].name;
    uint64_t head = head_of(name);
    size_t at = find_slot(x, name, head, &is_there);
    if (is_there)
        return false;
    memmove(x->slots + at + 1, x->slots + at, (x->count - at) * sizeof *x->slots);
    x->slots[at] = (struct column_index_slot){ head, (uint32_t)column };
    x->count++;
    return true;
}

void column_index_begin(struct column_index *x, const struct column_list *columns, struct arena *a)
{
    *x = (struct column_index){ .columns = columns->items,
                                .slots = arena_array(a, struct column_index_slot, columns->count) };
}

void column_index_init(struct column_index *x, const struct column_list *columns, struct arena *a)
{
    column_index_begin(x, columns, a);
    for (size_t i = 0; i < columns->count; i++)
        column_index_add(x, i);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names are compared as they stand in the text, as SQLite compares them: one with escapes is none that a question can name. */
#include "record/project.h"

#include "base/json_scan.h"

#include <stdlib.h>

static struct projection *add_child(struct projection *p, slice name, struct arena *a)
{
    for (size_t i = 0; i < p->count; i++)
        if (slice_eq(p->children[i].name, name))
            return &p->children[i];
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 4;
        struct projection *more = arena_array(a, struct projection, p->room);
        for (size_t i = 0; i < p->count; i++)
            more[i] = p->children[i];
        p->children = more;
    }
    p->children[p->count] = (struct projection){ .name = name };
    return &p->children[p->count++];
}

static int by_name(const void *x, const void *y)
{
    return slice_cmp(((const struct projection *)x)->name, ((const struct projection *)y)->name);
}

static void sort_children(struct projection *p)
{
    if (!p->count) /* qsort takes no NULL */
        return;
    qsort(p->children, p->count, sizeof *p->children, by_name);
    for (size_t i = 0; i < p->count; i++)
        sort_children(&p->children[i]);
}

struct projection *projection_new(const struct row_query *q, struct arena *a)
{
    struct projection *top = arena_new(a, struct projection);
    top->children = arena_array(a, struct projection, 1);
    for (size_t i = 0; i < q->item_count; i++) {
        const struct row_expr *expr = q->items[i].expr;
        if (expr->function != ROW_MEMBER)
            continue;
        struct projection *at = top;
        for (size_t n = 0; n < expr->name_count; n++)
            at = add_child(at, expr->names[n], a);
        at->is_whole = true;
    }
    sort_children(top);
    return top;
}

static const struct projection *find_child(const struct projection *p, slice name)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(p->children[middle].name, name);
        if (!order)
            return &p->children[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static err_t add_member(const struct projection *child, const struct json_member *m, struct arena *a, struct buf *to)
{
    buf_add(to, to->p[to->n - 1] == '{' ? S("\"") : S(",\""));
    buf_add(to, m->name);
    buf_add(to, S("\":"));
    if (!child->is_whole)
        return projection_add(child, m->value.raw, a, to);
    buf_add(to, m->value.raw);
    return NULL;
}

err_t projection_add(const struct projection *p, slice object, struct arena *a, struct buf *to)
{
    struct json_scan scan;
    struct json_member m;
    enum json_scan_step step;
    if (!object.n || *object.p != '{' || !json_scan_begin(&scan, object))
        return err_make(a, ERR_CORRUPT, "a record is no object");
    buf_add_byte(to, '{');
    while ((step = json_scan_next(&scan, &m)) == JSON_SCAN_MEMBER && !to->failed) {
        const struct projection *child = find_child(p, m.name);
        if (child && (child->is_whole || m.value.kind == JSON_KIND_OBJECT))
            TRY(add_member(child, &m, a, to));
    }
    buf_add_byte(to, '}');
    return step == JSON_SCAN_BAD ? err_make(a, ERR_CORRUPT, "a record is no object") : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/row_query.h"

#include <string.h>

bool cell_same(enum column_type type, const struct cell *x, const struct cell *y)
{
    if (x->is_null || y->is_null)
        return x->is_null && y->is_null;
    if (column_type_is_text(type))
        return slice_eq(x->text, y->text);
    if (type == COLUMN_BOOL)
        return x->boolean == y->boolean;
    if (type == COLUMN_FLOAT)
        return memcmp(&x->real, &y->real, sizeof x->real) == 0; /* 0 and -0 are written differently */
    if (type == COLUMN_DECIMAL || type == COLUMN_DECIMAL_SUM)
        return x->decimal == y->decimal;
    return column_type_is_unsigned(type) ? x->natural == y->natural : x->integer == y->integer;
}

static bool same_names(const struct row_expr *x, const struct row_expr *y)
{
    bool is_same = x->name_count == y->name_count;
    for (size_t i = 0; is_same && i < x->name_count; i++)
        is_same = slice_eq(x->names[i], y->names[i]);
    return is_same;
}

bool row_expr_same(const struct row_expr *x, const struct row_expr *y)
{
    if (!x || !y || x == y)
        return x == y;
    return x->function == y->function && x->type == y->type && x->digits == y->digits &&
           (x->function != ROW_COLUMN || x->column == y->column) &&
           (x->function != ROW_LITERAL || cell_same(x->type, &x->value, &y->value)) && same_names(x, y) &&
           row_expr_same(x->args[0], y->args[0]) && row_expr_same(x->args[1], y->args[1]);
}

static void note_expr(const struct row_expr *expr, bool *used)
{
    if (!expr)
        return;
    if (expr->function == ROW_COLUMN)
        used[expr->column] = true;
    note_expr(expr->args[0], used);
    note_expr(expr->args[1], used);
}

static void note_condition(const struct row_condition *c, bool *used)
{
    note_expr(c->expr, used);
    for (size_t i = 0; i < c->child_count; i++)
        note_condition(&c->children[i], used);
}

bool *row_query_used_columns(const struct row_query *q, struct arena *a)
{
    bool *used = arena_array(a, bool, COLUMNS_MAX);
    for (size_t i = 0; i < q->item_count; i++)
        note_expr(q->items[i].expr, used);
    for (size_t i = 0; i < q->group_count; i++)
        note_expr(q->groups[i], used);
    for (size_t i = 0; i < q->order_count; i++)
        note_expr(q->orders[i].expr, used);
    if (q->where)
        note_condition(q->where, used);
    return used;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Always true: each expression that was made is within ROW_DEPTH_MAX, and all of them together within ROW_TREE_MAX, so a store may
 * walk a tree by recursion. Only the functions of this file make expressions, so `depth_of` finds their depth beside them. */
#include "core/query/query_build.h"

#include <assert.h>
#include <string.h>

struct measured_expr {
    struct row_expr expr; /* the first member */
    int depth;
};

static bool refuse(struct query_builder *b, enum query_rule rule)
{
    b->fault = (struct query_fault){ .rule = rule };
    return false;
}

static bool refuse_types(struct query_builder *b, enum query_rule rule, enum column_type is, enum column_type wanted)
{
    b->fault = (struct query_fault){ .rule = rule, .is = is, .wanted = wanted };
    return false;
}

void query_builder_init(struct query_builder *b, struct arena *a, const struct column_list *columns)
{
    *b = (struct query_builder){ .a = a, .columns = columns };
    column_index_init(&b->index, columns, a);
    b->items = arena_array(a, struct row_item, ROW_ITEMS_MAX);
    b->groups = arena_array(a, const struct row_expr *, ROW_ITEMS_MAX);
    b->orders = arena_array(a, struct row_order, ROW_ITEMS_MAX);
}

void query_builder_init_whole(struct query_builder *b, struct arena *a, const struct column_list *columns)
{
    query_builder_init(b, a, columns);
    b->takes_whole_rows = true;
}

/* ---- expressions ---- */

static int depth_of(const struct row_expr *expr)
{
    return expr ? ((const struct measured_expr *)(const void *)expr)->depth : 0;
}

static bool count_nodes(struct query_builder *b, size_t count)
{
    if (count > ROW_TREE_MAX - b->nodes)
        return refuse(b, QUERY_TOO_LARGE);
    b->nodes += count;
    return true;
}

static const struct row_expr *make_expr(struct query_builder *b, struct row_expr expr)
{
    int first = depth_of(expr.args[0]), second = depth_of(expr.args[1]);
    int depth = 1 + (first > second ? first : second);
    if (depth > ROW_DEPTH_MAX) {
        refuse(b, QUERY_TOO_DEEP);
        return NULL;
    }
    if (!count_nodes(b, 1))
        return NULL;
    struct measured_expr *made = arena_new(b->a, struct measured_expr);
    *made = (struct measured_expr){ .expr = expr, .depth = depth };
    return &made->expr;
}

const struct row_expr *query_column(struct query_builder *b, slice name)
{
    size_t column = column_index_find(&b->index, name);
    if (column == COLUMN_NONE) {
        refuse(b, QUERY_UNKNOWN_COLUMN);
        return NULL;
    }
    return make_expr(
        b, (struct row_expr){ .function = ROW_COLUMN, .column = column, .type = b->columns->items[column].type });
}

static bool is_name(slice name)
{
    bool is_good = name.n > 0;
    for (size_t i = 0; is_good && i < name.n; i++)
        is_good = (unsigned char)name.p[i] >= 0x20 && name.p[i] != '"' && name.p[i] != '\\';
    return is_good;
}

static bool check_names(struct query_builder *b, const slice *names, size_t name_count)
{
    size_t bytes = 0;
    if (name_count > ROW_NAMES_MAX)
        return refuse(b, QUERY_LONG_NAME);
    for (size_t i = 0; i < name_count; i++) {
        if (names[i].n > ROW_NAME_BYTES_MAX - bytes)
            return refuse(b, QUERY_LONG_NAME);
        bytes += names[i].n;
        if (!is_name(names[i]))
            return refuse(b, QUERY_BAD_NAME);
    }
    return true;
}

const struct row_expr *query_member(struct query_builder *b, const slice *names, size_t name_count)
{
    assert(name_count);
    if (!check_names(b, names, name_count))
        return NULL;
    slice *kept = arena_array(b->a, slice, name_count);
    for (size_t i = 0; i < name_count; i++)
        kept[i] = names[i];
    return make_expr(
        b, (struct row_expr){ .function = ROW_MEMBER, .type = COLUMN_ANY, .names = kept, .name_count = name_count });
}

const struct row_expr *query_literal(struct query_builder *b, enum column_type type, struct cell value)
{
    return make_expr(b, (struct row_expr){ .function = ROW_LITERAL, .type = type, .value = value });
}

static bool function_takes(enum row_function function, enum column_type type)
{
    if (function >= ROW_LOWER && function <= ROW_TRIM)
        return column_type_is_text(type);
    if (function >= ROW_ABS && function <= ROW_ROUND)
        return column_type_is_number(type);
    return column_type_is_time(type);
}

static enum column_type result_of_function(enum row_function function, enum column_type of)
{
    switch (function) {
    case ROW_LOWER:
    case ROW_UPPER:
    case ROW_TRIM:
        return COLUMN_STRING;
    case ROW_LENGTH:
        return COLUMN_UINT64;
    case ROW_TO_DATE:
    case ROW_TO_START_OF_MONTH:
        return COLUMN_DATE;
    case ROW_TO_YEAR:
        return COLUMN_UINT16;
    case ROW_TO_MONTH:
    case ROW_TO_DAY_OF_MONTH:
    case ROW_TO_HOUR:
        return COLUMN_UINT8;
    case ROW_TO_YEAR_MONTH:
        return COLUMN_UINT32;
    case ROW_TO_START_OF_DAY:
        return COLUMN_DATETIME;
    case ROW_COLUMN:
    case ROW_LITERAL:
    case ROW_ABS:
    case ROW_FLOOR:
    case ROW_CEIL:
    case ROW_ROUND:
    case ROW_COALESCE:
    case ROW_MEMBER:
        break;
    }
    return of;
}

static const struct row_expr *make_call(struct query_builder *b, enum row_function function, const struct row_expr *of,
                                        int digits)
{
    if (!function_takes(function, of->type)) {
        refuse_types(b, QUERY_WRONG_TYPE, of->type, of->type);
        return NULL;
    }
    return make_expr(b, (struct row_expr){ .function = function,
                                           .type = result_of_function(function, of->type),
                                           .digits = digits,
                                           .args = { of } });
}

const struct row_expr *query_call(struct query_builder *b, enum row_function function, const struct row_expr *of)
{
    assert(function >= ROW_LOWER && function < ROW_COALESCE && function != ROW_ROUND);
    return make_call(b, function, of, 0);
}

const struct row_expr *query_round(struct query_builder *b, const struct row_expr *of, int64_t digits)
{
    if (digits < 0 || digits > DECIMAL_PLACES) {
        refuse(b, QUERY_BAD_DIGITS);
        return NULL;
    }
    return make_call(b, ROW_ROUND, of, (int)digits);
}

const struct row_expr *query_coalesce(struct query_builder *b, const struct row_expr *of,
                                      const struct row_expr *otherwise)
{
    if (of->type != otherwise->type) {
        refuse_types(b, QUERY_OTHER_TYPE, otherwise->type, of->type);
        return NULL;
    }
    return make_expr(b, (struct row_expr){ .function = ROW_COALESCE, .type = of->type, .args = { of, otherwise } });
}

/* ---- conditions ---- */

/* Of a member, a null is a value like others. */
static bool may_be_null(enum row_test test, enum column_type type)
{
    return type == COLUMN_ANY && (test == ROW_EQ || test == ROW_NE || test == ROW_IN || test == ROW_NOT_IN);
}

static bool check_values(struct query_builder *b, enum row_test test, enum column_type type, const struct cell *values,
                         size_t count)
{
    bool any_number = test == ROW_IN || test == ROW_NOT_IN;
    size_t wanted = test == ROW_BETWEEN ? 2 : test == ROW_IS_NULL || test == ROW_IS_NOT_NULL ? 0 : 1;
    if (any_number ? count == 0 : count != wanted)
        return refuse(b, QUERY_VALUE_COUNT);
    if (count > ROW_VALUES_MAX)
        return refuse(b, QUERY_TOO_MANY_VALUES);
    for (size_t i = 0; i < count; i++)
        if (values[i].is_null && !may_be_null(test, type))
            return refuse(b, QUERY_NULL_VALUE);
    return true;
}

static bool test_takes(enum row_test test, enum column_type type)
{
    if (test == ROW_LIKE || test == ROW_NOT_LIKE)
        return column_type_is_text(type);
    if (test == ROW_MATCHES)
        return column_type_is_text(type) || type == COLUMN_ANY;
    return test != ROW_BETWEEN || type != COLUMN_ANY;
}

static bool check_regex(struct query_builder *b, slice pattern)
{
    SCRATCH(scratch);
    struct regex *made;
    enum regex_fault fault = regex_compile(pattern, &scratch, &made);
    if (!fault)
        return true;
    refuse(b, QUERY_BAD_REGEX);
    b->fault.regex = fault;
    return false;
}

static bool ends_in_escape(slice pattern)
{
    size_t n = 0;
    while (n < pattern.n && pattern.p[pattern.n - 1 - n] == '\\')
        n++;
    return n % 2;
}

bool query_test(struct query_builder *b, enum row_test test, const struct row_expr *of, const struct cell *values,
                size_t value_count, struct query_condition *ret)
{
    assert(test >= ROW_EQ);
    bool is_pattern = test == ROW_LIKE || test == ROW_NOT_LIKE;
    if (!test_takes(test, of->type))
        return refuse_types(b, QUERY_WRONG_TYPE, of->type, COLUMN_STRING);
    if (!check_values(b, test, of->type, values, value_count))
        return false;
    if (test == ROW_MATCHES && !check_regex(b, values[0].text))
        return false;
    if (is_pattern && ends_in_escape(values[0].text))
        return refuse(b, QUERY_BAD_PATTERN);
    if (!count_nodes(b, 1 + value_count))
        return false;
    struct cell *kept = arena_array(b->a, struct cell, value_count + 1);
    for (size_t i = 0; i < value_count; i++)
        kept[i] = values[i];
    *ret =
        (struct query_condition){ .condition = { .test = test, .expr = of, .values = kept, .value_count = value_count },
                                  .depth = 1 };
    return true;
}

bool query_join(struct query_builder *b, enum row_test test, const struct query_condition *parts, size_t count,
                struct query_condition *ret)
{
    assert(test <= ROW_NOT && (test != ROW_NOT || count == 1));
    int deepest = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i].depth > deepest)
            deepest = parts[i].depth;
    if (deepest >= ROW_DEPTH_MAX)
        return refuse(b, QUERY_TOO_DEEP);
    if (!count_nodes(b, 1))
        return false;
    struct row_condition *children = arena_array(b->a, struct row_condition, count + 1);
    for (size_t i = 0; i < count; i++)
        children[i] = parts[i].condition;
    *ret = (struct query_condition){ .condition = { .test = test, .children = children, .child_count = count },
                                     .depth = deepest + 1 };
    return true;
}

/* ---- the parts of the query ---- */

static bool aggregate_takes(enum row_aggregate aggregate, enum column_type type)
{
    return (aggregate != ROW_SUM && aggregate != ROW_AVG) || column_type_is_number(type);
}

static enum column_type result_of_aggregate(enum row_aggregate aggregate, enum column_type of)
{
    switch (aggregate) {
    case ROW_COUNT_ROWS:
    case ROW_COUNT:
    case ROW_COUNT_DISTINCT:
        return COLUMN_UINT64;
    case ROW_AVG:
        return COLUMN_FLOAT;
    case ROW_SUM:
        return column_type_is_signed(of)     ? COLUMN_INT64
               : column_type_is_unsigned(of) ? COLUMN_UINT64
               : of == COLUMN_DECIMAL        ? COLUMN_DECIMAL_SUM
                                             : of;
    case ROW_PLAIN:
    case ROW_MIN:
    case ROW_MAX:
    case ROW_ANY:
        break;
    }
    return of;
}

bool query_add_item(struct query_builder *b, enum row_aggregate aggregate, const struct row_expr *expr, slice name)
{
    assert((aggregate == ROW_COUNT_ROWS) == !expr);
    if (b->item_count == ROW_ITEMS_MAX)
        return refuse(b, QUERY_TOO_MANY);
    if (query_find_item(b, name) != SLICE_NONE)
        return refuse(b, QUERY_NAME_TAKEN);
    if (expr && !aggregate_takes(aggregate, expr->type))
        return refuse_types(b, QUERY_WRONG_TYPE, expr->type, expr->type);
    b->items[b->item_count++] =
        (struct row_item){ .aggregate = aggregate,
                           .expr = expr,
                           .type = result_of_aggregate(aggregate, expr ? expr->type : COLUMN_UINT64),
                           .name = name };
    b->has_aggregate |= aggregate != ROW_PLAIN;
    return true;
}

size_t query_find_item(const struct query_builder *b, slice name)
{
    for (size_t i = 0; i < b->item_count; i++)
        if (slice_eq(b->items[i].name, name))
            return i;
    return SLICE_NONE;
}

void query_set_where(struct query_builder *b, const struct query_condition *where)
{
    struct row_condition *kept = arena_new(b->a, struct row_condition);
    *kept = where->condition;
    b->where = kept;
}

bool query_add_group(struct query_builder *b, const struct row_expr *expr)
{
    if (b->group_count == ROW_ITEMS_MAX)
        return refuse(b, QUERY_TOO_MANY);
    b->groups[b->group_count++] = expr;
    return true;
}

bool query_add_order(struct query_builder *b, size_t item, const struct row_expr *expr, bool is_descending)
{
    assert((item == SLICE_NONE) == (expr != NULL) && (expr || item < b->item_count));
    if (b->order_count == ROW_ITEMS_MAX)
        return refuse(b, QUERY_TOO_MANY);
    b->orders[b->order_count++] =
        (struct row_order){ .item = expr ? 0 : item, .expr = expr, .is_descending = is_descending };
    return true;
}

/* ---- groups ---- */

static bool is_grouped(const struct query_builder *b)
{
    return b->has_aggregate || b->group_count;
}

static bool is_group(const struct query_builder *b, const struct row_expr *expr)
{
    for (size_t i = 0; i < b->group_count; i++)
        if (row_expr_same(b->groups[i], expr))
            return true;
    return false;
}

static bool is_constant(const struct row_expr *expr)
{
    if (!expr || expr->function == ROW_LITERAL)
        return true;
    return expr->function != ROW_COLUMN && expr->function != ROW_MEMBER && is_constant(expr->args[0]) &&
           is_constant(expr->args[1]);
}

bool query_item_is_grouped(struct query_builder *b, size_t item)
{
    const struct row_item *i = &b->items[item];
    if (!is_grouped(b) || i->aggregate != ROW_PLAIN || is_constant(i->expr) || is_group(b, i->expr))
        return true;
    return refuse(b, QUERY_NOT_GROUPED);
}

bool query_order_is_grouped(struct query_builder *b, size_t order)
{
    const struct row_expr *expr = b->orders[order].expr;
    if (!is_grouped(b) || !expr || is_group(b, expr))
        return true;
    return refuse(b, QUERY_NOT_GROUPED);
}

bool query_end(struct query_builder *b, struct row_query *ret)
{
    if (!b->item_count && !b->takes_whole_rows)
        return refuse(b, QUERY_NO_ITEMS);
    for (size_t i = 0; i < b->item_count; i++)
        if (!query_item_is_grouped(b, i))
            return false;
    for (size_t i = 0; i < b->order_count; i++)
        if (!query_order_is_grouped(b, i))
            return false;
    *ret = (struct row_query){ .columns = b->columns,
                               .items = b->items,
                               .item_count = b->item_count,
                               .where = b->where,
                               .is_grouped = is_grouped(b),
                               .groups = b->groups,
                               .group_count = b->group_count,
                               .orders = b->orders,
                               .order_count = b->order_count };
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The first error ends it, and its text says where it is. An item of `columns` with an aggregate makes the others what rows are grouped
 * by, so the two cannot contradict each other. */
#include "api/native/query_read.h"

#include "api/kit/json_cell.h"
#include "core/dataset/columns.h"
#include "core/query/query_build.h"

struct reader {
    struct arena *a;
    struct query_builder b;
    struct cell *values; /* those of the filter that is being read: room for ROW_VALUES_MAX */
};

#define invalid(r, ...) err_make((r)->a, ERR_INVALID, __VA_ARGS__)

/* What the builder refused, as the end of a sentence that says where. */
static const char *fault_text(const struct query_builder *b)
{
    switch (b->fault.rule) {
    case QUERY_UNKNOWN_COLUMN:
        return "there is no such column";
    case QUERY_WRONG_TYPE:
    case QUERY_OTHER_TYPE:
        return "this is not for a column of its type";
    case QUERY_NULL_VALUE:
        return "a null equals nothing: the test is is_null or is_not_null";
    case QUERY_NAME_TAKEN:
        return "two columns of the result have one name";
    case QUERY_NOT_GROUPED:
        return "with an aggregate, rows are ordered by columns of the result";
    case QUERY_TOO_MANY_VALUES:
    case QUERY_TOO_MANY:
    case QUERY_TOO_LARGE:
    case QUERY_TOO_DEEP:
        return "this is too much for one query";
    default:
        return "this is not valid";
    }
}

/* The array of a member; NULL: it is absent. */
static err_t read_array(struct reader *r, const struct json *body, const char *name, const struct json **ret)
{
    const struct json *member = json_get(body, name);
    *ret = json_absent(member) ? NULL : member;
    return *ret && member->type != JS_ARRAY ? invalid(r, "%s is an array", name) : NULL;
}

/* The position of a text in a table of names; SLICE_NONE: it is not there. */
static size_t find_name(slice text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(text, slice_of(names[i])))
            return i;
    return SLICE_NONE;
}

/* ---- columns ---- */

static const char *const aggregates[] = { "", "count", "count_distinct", "sum", "avg", "min", "max" };
static const enum row_aggregate aggregate_of[] = { ROW_PLAIN, ROW_COUNT, ROW_COUNT_DISTINCT, ROW_SUM, ROW_AVG,
                                                   ROW_MIN,   ROW_MAX };
static const char *const parts[] = { "", "date", "month", "year", "hour" };
static const enum row_function part_of[] = { ROW_COLUMN, ROW_TO_DATE, ROW_TO_START_OF_MONTH, ROW_TO_YEAR, ROW_TO_HOUR };

/* What an item is called that has no `as`: its aggregate, column and part, with _ between them. */
static slice name_item(struct reader *r, slice column, slice part, slice aggregate)
{
    slice name = column;
    if (part.n)
        name = arena_printf(r->a, SLICE_FMT "_" SLICE_FMT, SLICE_ARG(name), SLICE_ARG(part));
    if (aggregate.n)
        name =
            column.n ? arena_printf(r->a, SLICE_FMT "_" SLICE_FMT, SLICE_ARG(aggregate), SLICE_ARG(name)) : aggregate;
    return slice_part(name, 0, COLUMN_NAME_MAX);
}

static err_t read_item(struct reader *r, const struct json *j, size_t at)
{
    bool is_text = j->type == JS_STRING;
    if (!is_text && j->type != JS_OBJECT)
        return invalid(r, "columns[%zu] is a text or an object", at);
    slice column = is_text ? j->string : json_str(j, "column"), part = json_str(j, "part"),
          aggregate = json_str(j, "aggregate"), name = json_str(j, "as");
    size_t which = find_name(aggregate, aggregates, LENGTH_OF(aggregates)),
           of = find_name(part, parts, LENGTH_OF(parts));
    if (which == SLICE_NONE)
        return invalid(r, "columns[%zu].aggregate is count, count_distinct, sum, avg, min or max", at);
    if (of == SLICE_NONE)
        return invalid(r, "columns[%zu].part is date, month, year or hour", at);
    if (name.n && !column_name_is_valid(name))
        return invalid(r, "columns[%zu].as is 1 to 63 of A-Z a-z 0-9 _, and does not begin with a digit", at);
    name = name.n ? name : name_item(r, column, part, aggregate);
    const struct row_expr *expr = NULL;
    enum row_aggregate function = aggregate_of[which];
    if (column.n || function != ROW_COUNT) {
        expr = query_column(&r->b, column);
        if (expr && part.n)
            expr = query_call(&r->b, part_of[of], expr);
        if (!expr)
            return invalid(r, "columns[%zu]: %s", at, fault_text(&r->b));
    } else {
        function = ROW_COUNT_ROWS;
    }
    if (!query_add_item(&r->b, function, expr, name))
        return invalid(r, "columns[%zu]: %s", at, fault_text(&r->b));
    return NULL;
}

static err_t add_all_columns(struct reader *r, const struct column_list *columns)
{
    if (columns->count > ROW_ITEMS_MAX)
        return invalid(r, "the dataset has more than %d columns: name those that the result is to have", ROW_ITEMS_MAX);
    for (size_t i = 0; i < columns->count; i++)
        if (!query_add_item(&r->b, ROW_PLAIN, query_column(&r->b, columns->items[i].name), columns->items[i].name))
            return invalid(r, "%s", fault_text(&r->b));
    return NULL;
}

static err_t add_groups(struct reader *r)
{
    bool is_grouped = false;
    for (size_t i = 0; i < r->b.item_count; i++)
        is_grouped |= r->b.items[i].aggregate != ROW_PLAIN;
    for (size_t i = 0; is_grouped && i < r->b.item_count; i++)
        if (r->b.items[i].aggregate == ROW_PLAIN && !query_add_group(&r->b, r->b.items[i].expr))
            return invalid(r, "%s", fault_text(&r->b));
    return NULL;
}

static err_t read_items(struct reader *r, const struct json *body, const struct column_list *columns)
{
    const struct json *list;
    size_t at = 0;
    TRY(read_array(r, body, "columns", &list));
    if (!json_count(list))
        return add_all_columns(r, columns);
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        TRY(read_item(r, item, at++));
    }
    return add_groups(r);
}

/* ---- filters ---- */

static const char *const tests[] = { "eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "is_null", "is_not_null" };
static const enum row_test test_of[] = { ROW_EQ, ROW_NE, ROW_LT,   ROW_LE,      ROW_GT,
                                         ROW_GE, ROW_IN, ROW_LIKE, ROW_IS_NULL, ROW_IS_NOT_NULL };

/* The text anywhere, without regard to the case of ASCII letters. */
static slice pattern_of(slice text, struct arena *a)
{
    struct buf pattern;
    buf_init(&pattern, 0);
    buf_add_byte(&pattern, '%');
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' || c == '_' || c == '\\')
            buf_add_byte(&pattern, '\\');
        buf_add_byte(&pattern, c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c);
    }
    buf_add_byte(&pattern, '%');
    return buf_give(&pattern, a);
}

static err_t read_values(struct reader *r, const struct json *value, enum row_test test, enum column_type type,
                         size_t at, size_t *ret_count)
{
    *ret_count = 0;
    if (test == ROW_IS_NULL || test == ROW_IS_NOT_NULL)
        return NULL;
    bool is_list = test == ROW_IN;
    if (is_list && (!json_is(value, JS_ARRAY) || !value->child || json_count(value) > ROW_VALUES_MAX))
        return invalid(r, "filters[%zu].value is an array of 1 to %d values", at, ROW_VALUES_MAX);
    if (json_absent(value))
        return invalid(r, "filters[%zu].value is missing", at);
    for (const struct json *v = is_list ? value->child : value; v; v = is_list ? v->next : NULL)
        if (!json_to_cell(type, v, &r->values[(*ret_count)++]))
            return invalid(r, "filters[%zu].value does not fit the type of the column", at);
    return NULL;
}

static err_t read_filter(struct reader *r, const struct json *j, size_t at, struct query_condition *ret)
{
    if (j->type != JS_OBJECT)
        return invalid(r, "filters[%zu] is an object", at);
    const struct row_expr *column = query_column(&r->b, json_str(j, "column"));
    size_t which = find_name(json_str(j, "test"), tests, LENGTH_OF(tests)), count;
    if (!column)
        return invalid(r, "filters[%zu].column: %s", at, fault_text(&r->b));
    if (which == SLICE_NONE)
        return invalid(r, "filters[%zu].test is eq, ne, lt, le, gt, ge, in, contains, is_null or is_not_null", at);
    TRY(read_values(r, json_get(j, "value"), test_of[which], column->type, at, &count));
    if (test_of[which] == ROW_LIKE && column_type_is_text(column->type)) {
        r->values[0].text = pattern_of(r->values[0].text, r->a);
        column = query_call(&r->b, ROW_LOWER, column);
    }
    if (!column || !query_test(&r->b, test_of[which], column, r->values, count, ret))
        return invalid(r, "filters[%zu]: %s", at, fault_text(&r->b));
    return NULL;
}

static err_t read_filters(struct reader *r, const struct json *body)
{
    const struct json *list;
    size_t count = 0;
    struct query_condition all;
    TRY(read_array(r, body, "filters", &list));
    if (!json_count(list))
        return NULL;
    r->values = arena_array(r->a, struct cell, ROW_VALUES_MAX);
    struct query_condition *each = arena_array(r->a, struct query_condition, json_count(list));
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        TRY(read_filter(r, item, count, &each[count]));
        count++;
    }
    if (!query_join(&r->b, ROW_ALL, each, count, &all))
        return invalid(r, "filters: %s", fault_text(&r->b));
    query_set_where(&r->b, &all);
    return NULL;
}

/* ---- order_by, limit, after, format ---- */

/* A column of the result, else one of the dataset. */
static err_t read_order(struct reader *r, const struct json *j, size_t at)
{
    bool is_object = j->type == JS_OBJECT;
    slice name = is_object ? json_str(j, "column") : j->type == JS_STRING ? j->string : S("");
    size_t item = query_find_item(&r->b, name);
    const struct row_expr *column = item == SLICE_NONE ? query_column(&r->b, name) : NULL;
    if (item == SLICE_NONE && !column)
        return invalid(r, "order_by[%zu]: %s", at, fault_text(&r->b));
    if (!query_add_order(&r->b, item, column, is_object && json_flag(j, "descending")) ||
        !query_order_is_grouped(&r->b, at))
        return invalid(r, "order_by[%zu]: %s", at, fault_text(&r->b));
    return NULL;
}

static err_t read_orders(struct reader *r, const struct json *body)
{
    const struct json *list;
    size_t at = 0;
    TRY(read_array(r, body, "order_by", &list));
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        TRY(read_order(r, item, at++));
    }
    return NULL;
}

static err_t read_format(struct reader *r, const struct json *body, struct native_query *ret)
{
    static const char *const names[] = { "json", "text", "jsonl", "csv" };
    static const enum row_style styles[] = { ROWS_AS_ARRAYS, ROWS_AS_TEXT_ARRAYS, ROWS_AS_LINES, ROWS_AS_CSV };
    const struct json *format = json_get(body, "format");
    size_t which = json_absent(format) ? 0 : find_name(json_str(body, "format"), names, LENGTH_OF(names));
    if (which == SLICE_NONE)
        return invalid(r, "format is json, text, jsonl or csv");
    ret->style = styles[which];
    return NULL;
}

static err_t read_limit(struct reader *r, const struct json *body, struct native_query *ret)
{
    const struct json *limit = json_get(body, "limit"), *after = json_get(body, "after");
    bool downloads = native_query_downloads(ret);
    int64_t rows = downloads ? (int64_t)QUERY_ALL_ROWS : QUERY_PAGE_DEFAULT, max = downloads ? rows : QUERY_PAGE_MAX;
    if (!json_absent(limit) && (!json_to_i64(limit, &rows) || rows < 1 || rows > max))
        return downloads ? invalid(r, "limit is an integer from 1 on")
                         : invalid(r, "limit is an integer from 1 to %d", QUERY_PAGE_MAX);
    if (!json_absent(after) && (after->type != JS_STRING || downloads))
        return invalid(r, "after is the `next` of an earlier reply, and not for jsonl and csv");
    ret->rows.limit = (uint64_t)rows;
    ret->after = json_absent(after) ? S("") : after->string;
    return NULL;
}

err_t native_query_read(const struct json *body, const struct column_list *columns, struct arena *a,
                        struct native_query *ret)
{
    struct reader r = { .a = a };
    query_builder_init(&r.b, a, columns);
    TRY(read_items(&r, body, columns));
    TRY(read_filters(&r, body));
    TRY(read_orders(&r, body));
    TRY(arena_check(a));
    if (!query_end(&r.b, &ret->rows))
        return invalid(&r, "the query: %s", fault_text(&r.b));
    TRY(read_format(&r, body, ret));
    return read_limit(&r, body, ret);
}

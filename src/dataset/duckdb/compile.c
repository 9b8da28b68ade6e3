/* SPDX-License-Identifier: Apache-2.0 */
/* How the meaning of core/records/row_query.h is put into the words of DuckDB, where that is not obvious:
 *
 *   parameters  Their values must be known when the statement is planned, or DuckDB could skip no part of a table by its
 *               minima and maxima, and would sort everything before a LIMIT. It plans anew for each execution if the type of a
 *               parameter does not follow from the statement: PLAN_WITH_VALUES makes that so.
 *   order       DuckDB keeps the order of rows through filters and projections, but not through the join that it makes of
 *               a long IN. Then, and after each ORDER BY, the number of the row decides.
 *   pages       Without conditions and orders, a page is a range of row numbers, which is found without reading the rows
 *               before it.
 *   texts       Functions that make texts, and patterns that DuckDB would try for ever, are those of functions.h, which know
 *               when to end. Their limits are parameters.
 *   results     DuckDB copies a chunk of the result without counting it as memory: a function counts the texts of all items.
 *   halves      round of DuckDB goes away from zero. A cast from DOUBLE to BIGINT rounds as rint does; decimals are rounded as
 *               whole numbers. The number is needed more than once: the lambda is given it, because a text that named it
 *               twice would double with each level of nesting.
 *   months      Comparisons of date_trunc with a constant are rewritten by DuckDB 1.4, and wrongly for < and <= (a first day of the
 *               next month passes): the addition keeps the rewriting off.
 *   sums        are computed in 128 bits; the cast to the type of the result refuses what does not fit.
 *   any         arg_min takes the row with the least number among those whose value is not null. */
#include "dataset/duckdb/compile.h"

#include "base/buf.h"

#include <assert.h>

#define PLAN_WITH_VALUES "$1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL"
#define ROOM_OF_A_CALL "CAST($1 AS BIGINT)"
#define ROOM_OF_A_CHUNK "CAST($2 AS BIGINT)"
#define DEADLINE "CAST($3 AS BIGINT)"
#define TEXT_LIMITS ", " ROOM_OF_A_CALL ", " DEADLINE
#define LARGEST_EXACT_FRACTION "4503599627370496" /* 2^52: from here on a double is a whole number */
enum { LIMIT_PARAMETERS = 3 };
#define LIST_THAT_MAY_BE_JOINED 2
#define PATTERN_MAX 256 /* bytes of a pattern that DuckDB itself may look for */

struct compiler {
    const struct row_query *query;
    struct compiled_rows rows;
    struct arena *a;
    struct buf sql;
    struct compiled_parameter *parameters;
    size_t count, room;
    size_t text_calls; /* functions that make texts */
    bool has_list;     /* the order of rows must be asked for */
};

const char *compile_type(enum column_type type)
{
    static const char *const names[] = {
        [COLUMN_STRING] = "VARCHAR",
        [COLUMN_JSON] = "VARCHAR",
        [COLUMN_BOOL] = "BOOLEAN",
        [COLUMN_INT8] = "TINYINT",
        [COLUMN_INT16] = "SMALLINT",
        [COLUMN_INT32] = "INTEGER",
        [COLUMN_INT64] = "BIGINT",
        [COLUMN_UINT8] = "UTINYINT",
        [COLUMN_UINT16] = "USMALLINT",
        [COLUMN_UINT32] = "UINTEGER",
        [COLUMN_UINT64] = "UBIGINT",
        [COLUMN_FLOAT] = "DOUBLE",
        [COLUMN_DECIMAL] = "DECIMAL(18,6)",
        [COLUMN_DATE] = "DATE",
        [COLUMN_DATETIME] = "TIMESTAMP",
        [COLUMN_DATETIME64] = "TIMESTAMP",
        [COLUMN_DECIMAL_SUM] = "DECIMAL(38,6)",
    };
    return names[type];
}

static void add(struct compiler *c, const char *text)
{
    buf_add(&c->sql, slice_of(text));
}

static void add_parameter(struct compiler *c, enum column_type type, struct cell value)
{
    if (c->count == c->room) {
        struct compiled_parameter *more = arena_array(c->a, struct compiled_parameter, 2 * c->room);
        for (size_t i = 0; i < c->count; i++)
            more[i] = c->parameters[i];
        c->parameters = more;
        c->room *= 2;
    }
    c->parameters[c->count++] = (struct compiled_parameter){ type, value };
    buf_printf(&c->sql, "CAST($%zu AS %s)", c->count, compile_type(type));
}

static void add_number(struct compiler *c, uint64_t number)
{
    add_parameter(c, COLUMN_INT64, (struct cell){ .integer = (int64_t)number });
}

/* ---- expressions ---- */

static void add_expr(struct compiler *c, const struct row_expr *expr);

/* before, the first argument, after */
static void add_call(struct compiler *c, const char *before, const struct row_expr *expr, const char *after)
{
    add(c, before);
    add_expr(c, expr->args[0]);
    add(c, after);
}

static const char *power_of_ten(int exponent)
{
    static const char *const powers[] = { "1", "10", "100", "1000", "10000", "100000", "1000000" };
    assert(exponent >= 0 && exponent <= DECIMAL_PLACES);
    return powers[exponent];
}

static void add_round_of_float(struct compiler *c, const struct row_expr *expr)
{
    const char *unit = power_of_ten(expr->digits);
    add_call(c, "list_transform([", expr, "], lambda x: ");
    buf_printf(&c->sql,
               "CASE WHEN isinf(x * %s) THEN x WHEN abs(x * %s) < " LARGEST_EXACT_FRACTION
               " THEN CAST(CAST(x * %s AS BIGINT) AS DOUBLE) / %s ELSE x * %s / %s END)[1]",
               unit, unit, unit, unit, unit, unit);
}

/* u: the decimal times 10^DECIMAL_PLACES. */
static void add_round_of_decimal(struct compiler *c, const struct row_expr *expr)
{
    const char *unit = power_of_ten(DECIMAL_PLACES - expr->digits);
    add_call(c, "list_transform([CAST(CAST(", expr, " AS DECIMAL(38,6)) * 1000000 AS BIGINT)], lambda u: ");
    buf_printf(&c->sql,
               "CAST(CAST((u // %s + CASE WHEN 2 * abs(u %% %s) > %s OR (2 * abs(u %% %s) = %s AND u // %s %% 2 <> 0)"
               " THEN sign(u) ELSE 0 END) * %s AS DECIMAL(20,0)) * 0.000001 AS DECIMAL(18,6)))[1]",
               unit, unit, unit, unit, unit, unit, unit);
}

static void add_number_function(struct compiler *c, const struct row_expr *expr)
{
    bool is_whole = expr->type != COLUMN_FLOAT && expr->type != COLUMN_DECIMAL;
    if (is_whole && (expr->function != ROW_ABS || column_type_is_unsigned(expr->type))) {
        add_expr(c, expr->args[0]);
        return;
    }
    if (expr->function == ROW_ROUND) {
        if (expr->type == COLUMN_FLOAT)
            add_round_of_float(c, expr);
        else
            add_round_of_decimal(c, expr);
        return;
    }
    add_call(c,
             expr->function == ROW_ABS     ? "CAST(abs("
             : expr->function == ROW_FLOOR ? "CAST(floor("
                                           : "CAST(ceil(",
             expr, "");
    buf_printf(&c->sql, ") AS %s)", compile_type(expr->type));
}

static void add_function(struct compiler *c, const struct row_expr *expr)
{
    static const struct {
        const char *before, *after;
    } calls[] = {
        [ROW_LOWER] = { "cais_lower(", TEXT_LIMITS ")" },
        [ROW_UPPER] = { "cais_upper(", TEXT_LIMITS ")" },
        [ROW_LENGTH] = { "CAST(length(", ") AS UBIGINT)" },
        [ROW_TRIM] = { "cais_trim(", TEXT_LIMITS ")" },
        [ROW_TO_DATE] = { "CAST(", " AS DATE)" },
        [ROW_TO_YEAR] = { "CAST(year(", ") AS USMALLINT)" },
        [ROW_TO_MONTH] = { "CAST(month(", ") AS UTINYINT)" },
        [ROW_TO_DAY_OF_MONTH] = { "CAST(day(", ") AS UTINYINT)" },
        [ROW_TO_HOUR] = { "CAST(hour(CAST(", " AS TIMESTAMP)) AS UTINYINT)" },
        [ROW_TO_START_OF_DAY] = { "CAST(CAST(", " AS DATE) AS TIMESTAMP)" },
        [ROW_TO_START_OF_MONTH] = { "CAST(date_trunc('month', ", ") + INTERVAL 0 DAY AS DATE)" },
    };
    assert((size_t)expr->function < sizeof calls / sizeof calls[0] && calls[expr->function].before);
    c->text_calls += expr->function == ROW_LOWER || expr->function == ROW_UPPER || expr->function == ROW_TRIM;
    add_call(c, calls[expr->function].before, expr, calls[expr->function].after);
}

static void add_expr(struct compiler *c, const struct row_expr *expr)
{
    switch (expr->function) {
    case ROW_COLUMN:
        buf_printf(&c->sql, "c%zu", expr->column);
        break;
    case ROW_LITERAL:
        add_parameter(c, expr->type, expr->value);
        break;
    case ROW_ABS:
    case ROW_FLOOR:
    case ROW_CEIL:
    case ROW_ROUND:
        add_number_function(c, expr);
        break;
    case ROW_COALESCE:
        add_call(c, "coalesce(", expr, ", ");
        add_expr(c, expr->args[1]);
        add(c, ")");
        break;
    case ROW_TO_YEAR_MONTH: /* its result is no time, so that it does not nest */
        add_call(c, "CAST(year(", expr, ") * 100 + month(");
        add_call(c, "", expr, ") AS UINTEGER)");
        break;
    default:
        add_function(c, expr);
        break;
    }
}

/* ---- conditions ---- */

static void add_values(struct compiler *c, const struct row_condition *condition, const char *between)
{
    for (size_t i = 0; i < condition->value_count; i++) {
        if (i)
            add(c, between);
        add_parameter(c, condition->expr->type, condition->values[i]);
    }
}

/* DuckDB has fast ways for patterns of % alone. With _ or a backslash it tries each place for each %, and nothing interrupts it. */
static bool is_plain_pattern(slice pattern)
{
    return pattern.n <= PATTERN_MAX && slice_find_byte(pattern, '_') == SLICE_NONE &&
           slice_find_byte(pattern, '\\') == SLICE_NONE;
}

static void add_like(struct compiler *c, const struct row_condition *condition)
{
    bool is_plain = is_plain_pattern(condition->values->text), is_not = condition->test == ROW_NOT_LIKE;
    if (!is_plain)
        add(c, is_not ? "NOT cais_like(" : "cais_like(");
    add_expr(c, condition->expr);
    add(c, !is_plain ? ", " : is_not ? " NOT LIKE " : " LIKE ");
    add_parameter(c, COLUMN_STRING, condition->values[0]);
    if (!is_plain)
        add(c, TEXT_LIMITS ")");
}

static void add_test(struct compiler *c, const struct row_condition *condition)
{
    static const char *const words[] = { [ROW_EQ] = " = ",
                                         [ROW_NE] = " <> ",
                                         [ROW_LT] = " < ",
                                         [ROW_LE] = " <= ",
                                         [ROW_GT] = " > ",
                                         [ROW_GE] = " >= ",
                                         [ROW_IN] = " IN (",
                                         [ROW_NOT_IN] = " NOT IN (",
                                         [ROW_BETWEEN] = " BETWEEN ",
                                         [ROW_IS_NULL] = " IS NULL",
                                         [ROW_IS_NOT_NULL] = " IS NOT NULL" };
    if (condition->test == ROW_LIKE || condition->test == ROW_NOT_LIKE) {
        add_like(c, condition);
        return;
    }
    assert((size_t)condition->test < LENGTH_OF(words));
    bool is_list = condition->test == ROW_IN || condition->test == ROW_NOT_IN;
    c->has_list |= is_list && condition->value_count >= LIST_THAT_MAY_BE_JOINED;
    add_expr(c, condition->expr);
    add(c, words[condition->test]);
    add_values(c, condition, condition->test == ROW_BETWEEN ? " AND " : ", ");
    add(c, is_list ? ")" : "");
}

static void add_condition(struct compiler *c, const struct row_condition *condition)
{
    bool is_all = condition->test == ROW_ALL;
    add(c, "(");
    if (condition->test == ROW_NOT) {
        add(c, "NOT ");
        add_condition(c, condition->children);
    } else if (is_all || condition->test == ROW_SOME) {
        if (!condition->child_count)
            add(c, is_all ? "TRUE" : "FALSE");
        for (size_t i = 0; i < condition->child_count; i++) {
            if (i)
                add(c, is_all ? " AND " : " OR ");
            add_condition(c, &condition->children[i]);
        }
    } else {
        add_test(c, condition);
    }
    add(c, ")");
}

/* ---- the statement ---- */

/* With the columns that it lacks, and no others: somebody may be adding them. */
static void add_table(struct compiler *c)
{
    const struct column_list *columns = c->query->columns;
    if (!c->rows.missing_columns) {
        add(c, LINES_TABLE);
        return;
    }
    size_t known = columns->count - c->rows.missing_columns;
    add(c, "(SELECT " ROW_NUMBER);
    for (size_t i = 0; i < known; i++)
        buf_printf(&c->sql, ", c%zu", i);
    for (size_t i = known; i < columns->count; i++)
        buf_printf(&c->sql, ", CAST(NULL AS %s) AS c%zu", compile_type(columns->items[i].type), i);
    add(c, " FROM " LINES_TABLE ")");
}

static void add_where(struct compiler *c)
{
    add(c, " FROM ");
    add_table(c);
    add(c, " WHERE " PLAN_WITH_VALUES);
    if (c->rows.has_later) {
        add(c, " AND " ROW_NUMBER " <= ");
        add_number(c, (uint64_t)c->rows.newest);
    }
    if (c->query->where) {
        add(c, " AND ");
        add_condition(c, c->query->where);
    }
}

/* A page can be no larger than the result, which has at most a row more than the table: one, for a table without rows. */
static uint64_t clamp(const struct compiler *c, uint64_t number)
{
    uint64_t most = (uint64_t)c->rows.newest + 1;
    return number < most ? number : most;
}

static void add_page(struct compiler *c)
{
    const struct row_query *q = c->query;
    uint64_t limit = clamp(c, q->limit), offset = clamp(c, q->offset);
    bool is_one_row = q->is_grouped && !q->group_count;
    if (!offset && limit >= (is_one_row ? 1 : (uint64_t)c->rows.newest))
        return;
    add(c, " LIMIT ");
    add_number(c, limit);
    add(c, " OFFSET ");
    add_number(c, offset);
}

static void add_page_as_range(struct compiler *c)
{
    uint64_t offset = clamp(c, c->query->offset);
    add(c, " AND " ROW_NUMBER " > ");
    add_number(c, offset);
    add(c, " AND " ROW_NUMBER " <= ");
    add_number(c, offset + clamp(c, c->query->limit));
}

static bool is_constant(const struct row_expr *expr)
{
    if (!expr || expr->function == ROW_LITERAL)
        return true;
    return expr->function != ROW_COLUMN && is_constant(expr->args[0]) && is_constant(expr->args[1]);
}

/* By an expression of the rows, or by an item, whose position counts from 1. */
static void add_order(struct compiler *c, const struct row_order *order, const char *before)
{
    add(c, before);
    if (order->expr)
        add_expr(c, order->expr);
    else
        buf_printf(&c->sql, "%zu", order->item + 1);
    add(c, order->is_descending ? " DESC NULLS LAST" : " ASC NULLS LAST");
}

static void add_row_item(struct compiler *c, size_t i)
{
    add_expr(c, c->query->items[i].expr);
}

/* Counts the texts of the items, each of which `add_item` adds. One alone is no more than DuckDB has read. */
static void add_room_check(struct compiler *c, void (*add_item)(struct compiler *c, size_t i))
{
    const struct row_query *q = c->query;
    size_t texts = 0;
    for (size_t i = 0; i < q->item_count; i++)
        texts += column_type_is_text(q->items[i].type);
    if (texts < 2)
        return;
    add(c, ", cais_room(" ROOM_OF_A_CHUNK);
    for (size_t i = 0; i < q->item_count; i++) {
        if (!column_type_is_text(q->items[i].type))
            continue;
        add(c, ", ");
        add_item(c, i);
    }
    add(c, ")");
}

static void compile_rows(struct compiler *c)
{
    const struct row_query *q = c->query;
    const char *separator = " ORDER BY ";
    for (size_t i = 0; i < q->item_count; i++) {
        add(c, i ? ", CAST(" : "SELECT CAST(");
        add_row_item(c, i);
        buf_printf(&c->sql, " AS %s)", compile_type(q->items[i].type));
    }
    add_room_check(c, add_row_item);
    add_where(c);
    if (!q->where && !q->order_count) {
        add_page_as_range(c);
        return;
    }
    for (size_t i = 0; i < q->order_count; i++) {
        if (q->orders[i].expr && is_constant(q->orders[i].expr))
            continue;
        add_order(c, &q->orders[i], separator);
        separator = ", ";
    }
    if (q->order_count || c->has_list) {
        add(c, separator);
        add(c, ROW_NUMBER);
    }
    add_page(c);
}

/* ---- groups: the rows are an inner SELECT, with the groups as g0, g1 … and the argument of item 0 as a0 … ---- */

/* The group that the expression is; SIZE_MAX: none. */
static size_t find_group(const struct row_query *q, const struct row_expr *expr)
{
    for (size_t i = 0; i < q->group_count; i++)
        if (row_expr_same(q->groups[i], expr))
            return i;
    return SIZE_MAX;
}

static void add_plain_item(struct compiler *c, const struct row_item *item)
{
    size_t group = find_group(c->query, item->expr);
    if (group == SIZE_MAX) {
        assert(is_constant(item->expr));
        add_expr(c, item->expr);
    } else {
        buf_printf(&c->sql, "g%zu", group);
    }
}

static void add_aggregate(struct compiler *c, size_t i)
{
    static const struct {
        const char *before, *after;
    } calls[] = { [ROW_COUNT] = { "count(", ")" },
                  [ROW_COUNT_DISTINCT] = { "count(DISTINCT ", ")" },
                  [ROW_SUM] = { "sum(", ")" },
                  [ROW_AVG] = { "avg(", ")" },
                  [ROW_MIN] = { "min(", ")" },
                  [ROW_MAX] = { "max(", ")" },
                  [ROW_ANY] = { "arg_min(", ", " ROW_NUMBER ")" } };
    const struct row_item *item = &c->query->items[i];
    switch (item->aggregate) {
    case ROW_PLAIN:
        add_plain_item(c, item);
        break;
    case ROW_COUNT_ROWS:
        add(c, "count(*)");
        break;
    default:
        buf_printf(&c->sql, "%sa%zu%s", calls[item->aggregate].before, i, calls[item->aggregate].after);
        break;
    }
}

static void add_inner_rows(struct compiler *c)
{
    const struct row_query *q = c->query;
    add(c, " FROM (SELECT " ROW_NUMBER);
    for (size_t i = 0; i < q->group_count; i++) {
        add(c, ", ");
        add_expr(c, q->groups[i]);
        buf_printf(&c->sql, " AS g%zu", i);
    }
    for (size_t i = 0; i < q->item_count; i++) {
        if (q->items[i].aggregate == ROW_PLAIN || !q->items[i].expr)
            continue;
        add(c, ", ");
        add_expr(c, q->items[i].expr);
        buf_printf(&c->sql, " AS a%zu", i);
    }
    add_where(c);
    add(c, ")");
}

static void add_group_order(struct compiler *c)
{
    const struct row_query *q = c->query;
    const char *separator = " ORDER BY ";
    for (size_t i = 0; i < q->order_count; i++) {
        const struct row_order *order = &q->orders[i];
        if (order->expr) {
            buf_printf(&c->sql, "%sg%zu", separator, find_group(q, order->expr));
            add(c, order->is_descending ? " DESC NULLS LAST" : " ASC NULLS LAST");
        } else {
            add_order(c, order, separator);
        }
        separator = ", ";
    }
    for (size_t i = 0; i < q->group_count; i++) {
        buf_printf(&c->sql, "%sg%zu ASC NULLS LAST", separator, i);
        separator = ", ";
    }
}

static void compile_groups(struct compiler *c)
{
    const struct row_query *q = c->query;
    for (size_t i = 0; i < q->item_count; i++) {
        add(c, i ? ", CAST(" : "SELECT CAST(");
        add_aggregate(c, i);
        buf_printf(&c->sql, " AS %s)", compile_type(q->items[i].type));
    }
    add_room_check(c, add_aggregate);
    add_inner_rows(c);
    for (size_t i = 0; i < q->group_count; i++)
        buf_printf(&c->sql, "%sg%zu", i ? ", " : " GROUP BY ", i);
    add_group_order(c);
    add_page(c);
}

/* $1, $2 and $3, which the text names before their values are known. */
static void set_limits(struct compiler *c, struct compiled_limits limits)
{
    uint64_t of_a_call = limits.room_bytes / (c->text_calls ? c->text_calls : 1);
    c->parameters[0].value.integer = (int64_t)of_a_call;
    c->parameters[1].value.integer = (int64_t)limits.room_bytes;
    c->parameters[2].value.integer = limits.deadline_ms;
}

struct compiled compile_query(const struct row_query *q, struct compiled_rows rows, struct compiled_limits limits,
                              struct arena *a)
{
    struct compiler c = { .query = q, .rows = rows, .a = a, .room = 16 };
    c.parameters = arena_array(a, struct compiled_parameter, c.room);
    while (c.count < LIMIT_PARAMETERS)
        c.parameters[c.count++] = (struct compiled_parameter){ .type = COLUMN_INT64 };
    buf_init(&c.sql, 0);
    if (q->is_grouped)
        compile_groups(&c);
    else
        compile_rows(&c);
    set_limits(&c, limits);
    buf_add_byte(&c.sql, 0);
    slice sql = buf_give(&c.sql, a);
    return (struct compiled){ { sql.p, sql.n - 1 }, c.parameters, c.count };
}

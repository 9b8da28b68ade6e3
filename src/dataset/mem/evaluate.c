/* SPDX-License-Identifier: Apache-2.0 */
/* Says what core/records/row_query.h says, a row at a time. Whole numbers and decimals are computed in 128 bits, where
 * nothing overflows, and are checked against the type of the result afterwards. */
#include "dataset/mem/evaluate_priv.h"

#include <assert.h>
#include <math.h>
#include <time.h>

#define DAY_SECONDS 86400
#define SECOND_US 1000000

/* ---- values ---- */

static int compare_numbers(decimal_t x, decimal_t y)
{
    return (x > y) - (x < y);
}

bool mem_fits(enum column_type type, decimal_t v)
{
    static const decimal_t limit = (decimal_t)1000000000 * 1000000000; /* 18 digits */
    if (type == COLUMN_DECIMAL)
        return v > -limit && v < limit;
    if (type == COLUMN_DECIMAL_SUM)
        return v / limit < 100 * limit && v / limit > -100 * limit;
    if (column_type_is_unsigned(type)) {
        int bits = 8 << (type - COLUMN_UINT8);
        return v >= 0 && v < (decimal_t)1 << bits;
    }
    assert(column_type_is_signed(type));
    int bits = (8 << (type - COLUMN_INT8)) - 1;
    return v >= -((decimal_t)1 << bits) && v < (decimal_t)1 << bits;
}

struct cell mem_number(enum column_type type, decimal_t v)
{
    if (type == COLUMN_DECIMAL || type == COLUMN_DECIMAL_SUM)
        return (struct cell){ .decimal = v };
    if (column_type_is_unsigned(type))
        return (struct cell){ .natural = (uint64_t)v };
    return (struct cell){ .integer = (int64_t)v };
}

decimal_t mem_number_of(enum column_type type, const struct cell *cell)
{
    if (type == COLUMN_DECIMAL || type == COLUMN_DECIMAL_SUM)
        return cell->decimal;
    return column_type_is_unsigned(type) ? (decimal_t)cell->natural : (decimal_t)cell->integer;
}

int mem_compare(enum column_type type, const struct cell *x, const struct cell *y)
{
    if (column_type_is_text(type))
        return slice_cmp(x->text, y->text);
    if (type == COLUMN_BOOL)
        return (int)x->boolean - (int)y->boolean;
    if (type == COLUMN_FLOAT)
        return (x->real > y->real) - (x->real < y->real);
    return compare_numbers(mem_number_of(type, x), mem_number_of(type, y));
}

/* ---- functions of text ---- */

static slice change_case(slice text, char first, char last, struct arena *a)
{
    char *to = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        to[i] = (char)(text.p[i] >= first && text.p[i] <= last ? text.p[i] ^ 0x20 : text.p[i]);
    return (slice){ to, text.n };
}

static uint64_t count_characters(slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += ((unsigned char)text.p[i] & 0xc0) != 0x80; /* all but the later bytes of a sequence */
    return count;
}

static slice trim_blanks(slice text)
{
    while (text.n && text.p[0] == ' ')
        text = slice_from(text, 1);
    while (text.n && text.p[text.n - 1] == ' ')
        text.n--;
    return text;
}

static struct cell evaluate_text(enum row_function function, slice text, struct arena *a)
{
    switch (function) {
    case ROW_LOWER:
        return (struct cell){ .text = change_case(text, 'A', 'Z', a) };
    case ROW_UPPER:
        return (struct cell){ .text = change_case(text, 'a', 'z', a) };
    case ROW_LENGTH:
        return (struct cell){ .natural = count_characters(text) };
    default:
        assert(function == ROW_TRIM);
        return (struct cell){ .text = trim_blanks(text) };
    }
}

/* ---- functions of numbers ---- */

/* The multiple of `unit` that ROW_FLOOR, ROW_CEIL or ROW_ROUND chooses. */
static decimal_t choose_multiple(enum row_function function, decimal_t v, decimal_t unit)
{
    decimal_t below = v / unit * unit;
    if (below > v)
        below -= unit; /* division truncates towards 0 */
    decimal_t rest = v - below;
    if (rest == 0 || function == ROW_FLOOR)
        return below;
    if (function == ROW_CEIL)
        return below + unit;
    bool is_odd = below / unit % 2 != 0;
    return 2 * rest > unit || (2 * rest == unit && is_odd) ? below + unit : below;
}

static decimal_t power_of_ten(int exponent)
{
    decimal_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static double evaluate_real(const struct row_expr *expr, double x)
{
    double unit, scaled;
    switch (expr->function) {
    case ROW_ABS:
        return fabs(x);
    case ROW_FLOOR:
        return floor(x);
    case ROW_CEIL:
        return ceil(x);
    default:
        assert(expr->function == ROW_ROUND);
        unit = (double)power_of_ten(expr->digits);
        scaled = x * unit;
        return isfinite(scaled) ? rint(scaled) / unit : x; /* so large a number has no fraction */
    }
}

static decimal_t evaluate_exact(const struct row_expr *expr, decimal_t v)
{
    if (expr->function == ROW_ABS)
        return v < 0 ? -v : v;
    if (expr->type != COLUMN_DECIMAL)
        return v; /* a whole number */
    int digits = expr->function == ROW_ROUND ? expr->digits : 0;
    return choose_multiple(expr->function, v, power_of_ten(DECIMAL_PLACES - digits));
}

static err_t evaluate_number(const struct row_expr *expr, const struct cell *arg, struct arena *a, struct cell *ret)
{
    if (expr->type == COLUMN_FLOAT) {
        *ret = (struct cell){ .real = evaluate_real(expr, arg->real) };
        return NULL;
    }
    decimal_t v = evaluate_exact(expr, mem_number_of(expr->type, arg));
    if (!mem_fits(expr->type, v))
        return err_make(a, ERR_INVALID, "the result of a function does not fit its type");
    *ret = mem_number(expr->type, v);
    return NULL;
}

/* ---- functions of times ---- */

static int64_t divide_down(int64_t x, int64_t by)
{
    return x / by - (x % by < 0);
}

static int64_t seconds_of(enum column_type type, int64_t time)
{
    if (type == COLUMN_DATE)
        return time * DAY_SECONDS;
    return type == COLUMN_DATETIME64 ? divide_down(time, SECOND_US) : time;
}

static struct cell evaluate_time(enum row_function function, int64_t seconds)
{
    int64_t day = divide_down(seconds, DAY_SECONDS);
    time_t at = (time_t)seconds;
    struct tm tm;
    gmtime_r(&at, &tm);
    int year = tm.tm_year + 1900, month = tm.tm_mon + 1;
    switch (function) {
    case ROW_TO_DATE:
        return (struct cell){ .integer = day };
    case ROW_TO_YEAR:
        return (struct cell){ .natural = (uint64_t)year };
    case ROW_TO_MONTH:
        return (struct cell){ .natural = (uint64_t)month };
    case ROW_TO_DAY_OF_MONTH:
        return (struct cell){ .natural = (uint64_t)tm.tm_mday };
    case ROW_TO_HOUR:
        return (struct cell){ .natural = (uint64_t)tm.tm_hour };
    case ROW_TO_YEAR_MONTH:
        return (struct cell){ .natural = (uint64_t)(year * 100 + month) };
    case ROW_TO_START_OF_DAY:
        return (struct cell){ .integer = day * DAY_SECONDS };
    default:
        assert(function == ROW_TO_START_OF_MONTH);
        return (struct cell){ .integer = day - (tm.tm_mday - 1) };
    }
}

/* ---- expressions ---- */

err_t mem_evaluate(const struct row_expr *expr, const struct mem_row *row, struct arena *a, struct cell *ret)
{
    static const struct cell null = { .is_null = true };
    struct cell arg;
    switch (expr->function) {
    case ROW_LITERAL:
        *ret = expr->value;
        return NULL;
    case ROW_COLUMN:
        assert(row);
        *ret = expr->column < row->cell_count ? row->cells[expr->column] : null;
        return NULL;
    case ROW_COALESCE:
        TRY(mem_evaluate(expr->args[0], row, a, ret));
        return ret->is_null ? mem_evaluate(expr->args[1], row, a, ret) : NULL;
    default:
        break;
    }
    TRY(mem_evaluate(expr->args[0], row, a, &arg));
    if (arg.is_null)
        *ret = null;
    else if (expr->function <= ROW_TRIM)
        *ret = evaluate_text(expr->function, arg.text, a);
    else if (expr->function <= ROW_ROUND)
        return evaluate_number(expr, &arg, a, ret);
    else
        *ret = evaluate_time(expr->function, seconds_of(expr->args[0]->type, arg.integer));
    return NULL;
}

/* ---- conditions ---- */

/* The order makes AND the least of its parts, and OR the greatest. */
enum truth { IS_FALSE, IS_UNKNOWN, IS_TRUE };

static enum truth truth_of(bool value)
{
    return value ? IS_TRUE : IS_FALSE;
}

/* Matches the first character of the text, from *at on, with that of the pattern, which is no %; moves both on. */
static bool match_character(slice text, size_t *at, slice pattern, size_t *in_pattern)
{
    if (*in_pattern == pattern.n)
        return false;
    if (pattern.p[*in_pattern] == '_') {
        *at += slice_utf8_length(slice_from(text, *at));
        ++*in_pattern;
        return true;
    }
    size_t escape = pattern.p[*in_pattern] == '\\' && *in_pattern + 1 < pattern.n;
    if (text.p[*at] != pattern.p[*in_pattern + escape])
        return false;
    ++*at;
    *in_pattern += escape + 1;
    return true;
}

/* After a mismatch, the last % takes one character more: those before it need not be tried again. */
static bool is_like(slice text, slice pattern)
{
    size_t at = 0, in_pattern = 0, taken_to = 0, after_percent = SLICE_NONE;
    while (at < text.n) {
        if (in_pattern < pattern.n && pattern.p[in_pattern] == '%') {
            after_percent = ++in_pattern;
            taken_to = at;
        } else if (!match_character(text, &at, pattern, &in_pattern)) {
            if (after_percent == SLICE_NONE)
                return false;
            taken_to += slice_utf8_length(slice_from(text, taken_to));
            at = taken_to;
            in_pattern = after_percent;
        }
    }
    while (in_pattern < pattern.n && pattern.p[in_pattern] == '%')
        in_pattern++;
    return in_pattern == pattern.n;
}

/* The value is not null. */
static bool passes_test(const struct row_condition *c, const struct cell *v)
{
    enum column_type type = c->expr->type;
    bool found = false;
    switch (c->test) {
    case ROW_EQ:
        return mem_compare(type, v, c->values) == 0;
    case ROW_NE:
        return mem_compare(type, v, c->values) != 0;
    case ROW_LT:
        return mem_compare(type, v, c->values) < 0;
    case ROW_LE:
        return mem_compare(type, v, c->values) <= 0;
    case ROW_GT:
        return mem_compare(type, v, c->values) > 0;
    case ROW_GE:
        return mem_compare(type, v, c->values) >= 0;
    case ROW_LIKE:
        return is_like(v->text, c->values->text);
    case ROW_NOT_LIKE:
        return !is_like(v->text, c->values->text);
    case ROW_BETWEEN:
        return mem_compare(type, v, &c->values[0]) >= 0 && mem_compare(type, v, &c->values[1]) <= 0;
    default:
        assert(c->test == ROW_IN || c->test == ROW_NOT_IN);
        for (size_t i = 0; i < c->value_count; i++)
            found |= mem_compare(type, v, &c->values[i]) == 0;
        return found == (c->test == ROW_IN);
    }
}

static err_t evaluate_condition(const struct row_condition *c, const struct mem_row *row, struct arena *a,
                                enum truth *ret);

static err_t evaluate_children(const struct row_condition *c, const struct mem_row *row, struct arena *a,
                               enum truth *ret)
{
    enum truth result = truth_of(c->test == ROW_ALL), part;
    for (size_t i = 0; i < c->child_count; i++) {
        TRY(evaluate_condition(&c->children[i], row, a, &part));
        if (c->test == ROW_ALL ? part < result : part > result)
            result = part;
    }
    *ret = result;
    return NULL;
}

static err_t evaluate_condition(const struct row_condition *c, const struct mem_row *row, struct arena *a,
                                enum truth *ret)
{
    struct cell v;
    if (c->test == ROW_NOT) {
        TRY(evaluate_condition(c->children, row, a, ret));
        *ret = IS_TRUE - *ret;
        return NULL;
    }
    if (c->test == ROW_ALL || c->test == ROW_SOME)
        return evaluate_children(c, row, a, ret);
    TRY(mem_evaluate(c->expr, row, a, &v));
    if (c->test == ROW_IS_NULL || c->test == ROW_IS_NOT_NULL)
        *ret = truth_of(v.is_null == (c->test == ROW_IS_NULL));
    else
        *ret = v.is_null ? IS_UNKNOWN : truth_of(passes_test(c, &v));
    return NULL;
}

err_t mem_matches(const struct row_condition *c, const struct mem_row *row, struct arena *a, bool *ret)
{
    enum truth truth;
    TRY(evaluate_condition(c, row, a, &truth));
    *ret = truth == IS_TRUE;
    return NULL;
}

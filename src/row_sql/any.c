/* SPDX-License-Identifier: Apache-2.0 */
/* A test of a member is a CASE of the kind of its value, so that values of different kinds never meet: SQLite would take true for 1, and
 * an object for its text. Of an array, the same CASE is asked of each element.
 *
 *   CASE json_type(object, $1) WHEN 'text' THEN json_extract(object, $1) = $2
 *        WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(object, $1) WHERE CASE type WHEN 'text' THEN value = $2 ELSE 0 END) ELSE 0 END
 *
 * SQLite parses the object of a row once for all of that. Numbers that are no 64-bit integer are read by SQLite itself, those of a
 * question as those of records, so that both are the same double. */
#include "row_sql/row_sql_priv.h"

#include <assert.h>

struct any_test {
    struct row_sql *s;
    const struct row_condition *c;
    const char *word; /* between the value of a row and that of the test */
    bool is_list;
    size_t path;     /* numbers of values of the statement; 0: not written yet */
    size_t *numbers; /* of each value of the test */
};

/* $."address"."zip code" */
static slice make_path(const struct row_expr *expr, struct arena *a)
{
    struct buf path;
    buf_init(&path, 0);
    buf_add_byte(&path, '$');
    for (size_t i = 0; i < expr->name_count; i++) {
        buf_add(&path, S(".\""));
        buf_add(&path, expr->names[i]);
        buf_add_byte(&path, '"');
    }
    return buf_give(&path, a);
}

static void add_path(struct row_sql *s, const struct row_expr *expr, size_t *number)
{
    if (*number)
        row_sql_repeat_value(s, *number);
    else
        *number = row_sql_add_value(s, SQL_T(make_path(expr, s->a)));
}

/* "json_type(object, $1)" */
static void add_call(struct row_sql *s, const char *function, const struct row_expr *expr, size_t *path)
{
    assert(s->dialect == SQL_SQLITE && s->rows->object);
    buf_printf(&s->text, "%s(%s, ", function, s->rows->object);
    add_path(s, expr, path);
    row_sql_add(s, ")");
}

/* ---- values of tests ---- */

static void add_number(struct row_sql *s, slice number, size_t *known)
{
    int64_t integer;
    bool is_integer = slice_to_i64(number, &integer);
    row_sql_add(s, is_integer ? "" : "CAST(");
    if (*known)
        row_sql_repeat_value(s, *known);
    else
        *known = row_sql_add_value(s, is_integer ? SQL_I(integer) : SQL_T(number));
    row_sql_add(s, is_integer ? "" : " AS REAL)");
}

static void add_text(struct row_sql *s, slice text, size_t *known)
{
    if (*known)
        row_sql_repeat_value(s, *known);
    else
        *known = row_sql_add_value(s, SQL_T(text));
}

static bool is_of(const struct cell *value, enum column_type kind)
{
    return !value->is_null && value->kind == kind;
}

/* Those of the kind, with commas between them. */
static void add_values(struct any_test *t, enum column_type kind)
{
    const char *separator = "";
    for (size_t i = 0; i < t->c->value_count; i++) {
        const struct cell *value = &t->c->values[i];
        if (!is_of(value, kind))
            continue;
        row_sql_add(t->s, separator);
        separator = ", ";
        if (kind == COLUMN_STRING)
            add_text(t->s, value->text, &t->numbers[i]);
        else
            add_number(t->s, value->text, &t->numbers[i]);
    }
}

/* ---- cases ---- */

/* What is compared: the member, or, in json_each, an element. */
static void add_operand(struct any_test *t, bool is_element)
{
    if (is_element)
        row_sql_add(t->s, "value");
    else
        add_call(t->s, "json_extract", t->c->expr, &t->path);
}

static void add_match(struct any_test *t, bool is_element)
{
    row_sql_add(t->s, " WHEN 'text' THEN cais_matches(");
    add_operand(t, is_element);
    row_sql_add(t->s, ", ");
    add_text(t->s, t->c->values->text, t->numbers);
    row_sql_add(t->s, ")");
}

static void add_comparison(struct any_test *t, const char *type, enum column_type kind, bool is_element)
{
    buf_printf(&t->s->text, " WHEN '%s' THEN ", type);
    add_operand(t, is_element);
    row_sql_add(t->s, t->word);
    add_values(t, kind);
    row_sql_add(t->s, t->is_list ? ")" : "");
}

static bool bool_passes(enum row_test test, bool x, bool y)
{
    switch (test) {
    case ROW_LT:
        return x < y;
    case ROW_LE:
        return x <= y;
    case ROW_GT:
        return x > y;
    case ROW_GE:
        return x >= y;
    default:
        return x == y;
    }
}

static void add_bool_case(struct any_test *t, bool value)
{
    bool passes = false;
    for (size_t i = 0; i < t->c->value_count; i++)
        passes |= is_of(&t->c->values[i], COLUMN_BOOL) && bool_passes(t->c->test, value, t->c->values[i].boolean);
    if (passes)
        row_sql_add(t->s, value ? " WHEN 'true' THEN 1" : " WHEN 'false' THEN 1");
}

static bool has_kind(const struct any_test *t, enum column_type kind)
{
    for (size_t i = 0; i < t->c->value_count; i++)
        if (is_of(&t->c->values[i], kind))
            return true;
    return false;
}

static bool has_null(const struct any_test *t)
{
    for (size_t i = 0; i < t->c->value_count; i++)
        if (t->c->values[i].is_null)
            return true;
    return false;
}

/* The cases of a value that is no array. */
static void add_cases(struct any_test *t, bool is_element)
{
    if (t->c->test == ROW_MATCHES) {
        add_match(t, is_element);
        return;
    }
    if (has_kind(t, COLUMN_STRING))
        add_comparison(t, "text", COLUMN_STRING, is_element);
    if (has_kind(t, COLUMN_JSON)) {
        add_comparison(t, "integer", COLUMN_JSON, is_element);
        add_comparison(t, "real", COLUMN_JSON, is_element);
    }
    add_bool_case(t, false);
    add_bool_case(t, true);
    if (has_null(t))
        row_sql_add(t->s, " WHEN 'null' THEN 1");
}

static void add_case(struct any_test *t)
{
    row_sql_add(t->s, "CASE ");
    add_call(t->s, "json_type", t->c->expr, &t->path);
    add_cases(t, false);
    row_sql_add(t->s, " WHEN 'array' THEN EXISTS (SELECT 1 FROM ");
    add_call(t->s, "json_each", t->c->expr, &t->path);
    row_sql_add(t->s, " WHERE CASE type");
    add_cases(t, true);
    row_sql_add(t->s, " WHEN 'array' THEN 0 ELSE 0 END) ELSE ");
    if (has_null(t)) {
        add_call(t->s, "json_type", t->c->expr, &t->path);
        row_sql_add(t->s, " IS NULL END");
    } else {
        row_sql_add(t->s, "0 END");
    }
}

static void add_null_test(struct row_sql *s, const struct row_condition *c)
{
    size_t path = 0;
    row_sql_add(s, "COALESCE(");
    add_call(s, "json_type", c->expr, &path);
    row_sql_add(s, c->test == ROW_IS_NULL ? ", 'null') = 'null'" : ", 'null') <> 'null'");
}

void any_add_test(struct row_sql *s, const struct row_condition *c)
{
    static const char *const words[] = {
        [ROW_EQ] = " = ", [ROW_NE] = " = ",  [ROW_LT] = " < ",   [ROW_LE] = " <= ",
        [ROW_GT] = " > ", [ROW_GE] = " >= ", [ROW_IN] = " IN (", [ROW_NOT_IN] = " IN (",
    };
    if (c->test == ROW_IS_NULL || c->test == ROW_IS_NOT_NULL) {
        add_null_test(s, c);
        return;
    }
    struct any_test t = { .s = s, .c = c, .numbers = arena_array(s->a, size_t, c->value_count) };
    if (c->test != ROW_MATCHES) {
        assert((size_t)c->test < LENGTH_OF(words) && words[c->test]);
        t.word = words[c->test];
        t.is_list = c->test == ROW_IN || c->test == ROW_NOT_IN;
    }
    row_sql_add(s, c->test == ROW_NE || c->test == ROW_NOT_IN ? "NOT " : "");
    add_case(&t);
}

/* ---- orders and groups: SQLite sorts numbers before texts, and texts before blobs ---- */

static void add_key(struct row_sql *s, const struct row_expr *expr, bool is_whole)
{
    size_t path = 0;
    row_sql_add(s, "CASE ");
    add_call(s, "json_type", expr, &path);
    row_sql_add(s, " WHEN 'integer' THEN ");
    add_call(s, "json_extract", expr, &path);
    row_sql_add(s, " WHEN 'real' THEN ");
    add_call(s, "json_extract", expr, &path);
    row_sql_add(s, is_whole ? " WHEN 'text' THEN " : " WHEN 'text' THEN substr(");
    add_call(s, "json_extract", expr, &path);
    if (!is_whole)
        buf_printf(&s->text, ", 1, %d)", ROW_SQL_ORDER_TEXT);
    row_sql_add(s, " WHEN 'false' THEN x'00' WHEN 'true' THEN x'01'");
    if (!is_whole) {
        row_sql_add(s, " WHEN 'array' THEN x'02' WHEN 'object' THEN x'03' END");
        return;
    }
    row_sql_add(s, " WHEN 'null' THEN NULL ELSE CAST(");
    add_call(s, "json_extract", expr, &path);
    row_sql_add(s, " AS BLOB) END"); /* a bracket and a brace are greater than the bytes of false and true */
}

void any_add_order_key(struct row_sql *s, const struct row_expr *expr)
{
    add_key(s, expr, false);
}

void any_add_group(struct row_sql *s, const struct row_expr *expr)
{
    add_key(s, expr, true);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "row_sql/row_sql.h"

#include "row_sql/row_sql_priv.h"

#include <assert.h>

void row_sql_init(struct row_sql *s, enum sql_dialect dialect, const struct row_sql_rows *rows, struct arena *a)
{
    *s = (struct row_sql){ .a = a, .dialect = dialect, .rows = rows, .room = 16 };
    s->values = arena_array(a, struct sql_value, s->room);
    buf_init(&s->text, 0);
}

static size_t count_tests(const struct row_condition *c, int depth)
{
    size_t count = depth > ROW_SQL_DEPTH_MAX ? ROW_SQL_TESTS_MAX : c->child_count == 0;
    for (size_t i = 0; i < c->child_count && count < ROW_SQL_TESTS_MAX; i++)
        count += count_tests(&c->children[i], depth + 1);
    return count;
}

bool row_sql_takes(const struct row_condition *c)
{
    return count_tests(c, 0) < ROW_SQL_TESTS_MAX;
}

void row_sql_add(struct row_sql *s, const char *text)
{
    buf_add(&s->text, slice_of(text));
}

void row_sql_repeat_value(struct row_sql *s, size_t number)
{
    buf_printf(&s->text, "$%zu", number);
}

size_t row_sql_add_value(struct row_sql *s, struct sql_value value)
{
    if (s->count == s->room) {
        struct sql_value *more = arena_array(s->a, struct sql_value, 2 * s->room);
        for (size_t i = 0; i < s->count; i++)
            more[i] = s->values[i];
        s->values = more;
        s->room *= 2;
    }
    s->values[s->count++] = value;
    row_sql_repeat_value(s, s->count);
    return s->count;
}

/* ---- tests of columns ---- */

static struct sql_value value_of(enum column_type type, const struct cell *cell)
{
    if (column_type_is_text(type))
        return SQL_T(cell->text);
    if (type == COLUMN_BOOL)
        return SQL_I(cell->boolean);
    assert(column_type_is_signed(type) || column_type_is_time(type));
    return SQL_I(cell->integer);
}

static void add_values(struct row_sql *s, const struct row_condition *c)
{
    for (size_t i = 0; i < c->value_count; i++) {
        row_sql_add(s, i ? ", " : "");
        row_sql_add_value(s, value_of(c->expr->type, &c->values[i]));
    }
}

static void add_match(struct row_sql *s, const struct row_condition *c)
{
    bool is_sqlite = s->dialect == SQL_SQLITE;
    row_sql_add(s, is_sqlite ? "cais_matches(" : "");
    s->rows->add_column(s, c->expr->column);
    row_sql_add(s, is_sqlite ? ", " : " ~ ('(?e)' || ");
    row_sql_add_value(s, SQL_T(c->values->text));
    row_sql_add(s, ")");
}

static void add_column_test(struct row_sql *s, const struct row_condition *c)
{
    static const char *const words[] = { [ROW_EQ] = " = ",           [ROW_NE] = " <> ",
                                         [ROW_LT] = " < ",           [ROW_LE] = " <= ",
                                         [ROW_GT] = " > ",           [ROW_GE] = " >= ",
                                         [ROW_IN] = " IN (",         [ROW_NOT_IN] = " NOT IN (",
                                         [ROW_IS_NULL] = " IS NULL", [ROW_IS_NOT_NULL] = " IS NOT NULL" };
    if (s->rows->add_test && s->rows->add_test(s, c))
        return;
    if (c->test == ROW_MATCHES) {
        add_match(s, c);
        return;
    }
    assert((size_t)c->test < LENGTH_OF(words) && words[c->test]);
    s->rows->add_column(s, c->expr->column);
    row_sql_add(s, words[c->test]);
    add_values(s, c);
    row_sql_add(s, c->test == ROW_IN || c->test == ROW_NOT_IN ? ")" : "");
}

/* ---- conditions ---- */

static void add_condition(struct row_sql *s, const struct row_condition *c);

static void add_join(struct row_sql *s, const struct row_condition *c)
{
    bool is_all = c->test == ROW_ALL;
    if (!c->child_count)
        row_sql_add(s, is_all ? "1 = 1" : "1 = 0");
    for (size_t i = 0; i < c->child_count; i++) {
        row_sql_add(s, !i ? "" : is_all ? " AND " : " OR ");
        add_condition(s, &c->children[i]);
    }
}

static void add_condition(struct row_sql *s, const struct row_condition *c)
{
    bool is_join = c->test == ROW_ALL || c->test == ROW_SOME;
    if (is_join && c->child_count == 1) {
        add_condition(s, c->children);
        return;
    }
    row_sql_add(s, c->test == ROW_NOT ? "NOT " : "(");
    if (is_join)
        add_join(s, c);
    else if (c->test == ROW_NOT)
        add_condition(s, c->children);
    else if (c->expr->function == ROW_MEMBER)
        any_add_test(s, c);
    else
        add_column_test(s, c);
    row_sql_add(s, c->test == ROW_NOT ? "" : ")");
}

void row_sql_add_condition(struct row_sql *s, const struct row_condition *c)
{
    if (c)
        add_condition(s, c);
    else
        row_sql_add(s, "1 = 1");
}

/* ---- orders ---- */

void row_sql_add_order(struct row_sql *s, const struct row_order *order)
{
    if (order->expr->function == ROW_MEMBER)
        any_add_order_key(s, order->expr);
    else
        s->rows->add_column(s, order->expr->column);
    row_sql_add(s, order->is_descending ? " DESC NULLS LAST" : " ASC NULLS LAST");
}

void row_sql_add_group(struct row_sql *s, const struct row_expr *expr)
{
    if (expr->function == ROW_MEMBER)
        any_add_group(s, expr);
    else
        s->rows->add_column(s, expr->column);
}

/* ---- running ---- */

static err_t step_through(struct sql_cursor *cursor, const struct row_sql_page *page, struct arena *scratch,
                          struct row_sql_found *found)
{
    for (;; found->total++) {
        bool has_row = false;
        if (page->counts || found->count < page->limit)
            TRY(sql_next(cursor, scratch, &has_row));
        if (!has_row)
            return NULL;
        if (found->total >= page->offset && found->count < page->limit)
            found->ids[found->count++] = sql_column_int(cursor, 0);
    }
}

static err_t run(struct row_sql *s, struct sql_conn *conn, const struct row_sql_page *page, struct row_sql_found *found)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    buf_add_byte(&s->text, 0);
    slice text = buf_give(&s->text, s->a);
    TRY(arena_check(s->a));
    TRY(sql_query_once(conn, text.p, (struct sql_args){ s->values, s->count }, s->a, &cursor));
    return step_through(cursor, page, s->a, found);
}

err_t row_sql_find(struct row_sql *s, struct sql_conn *conn, const struct row_sql_page *page, struct arena *a,
                   struct row_sql_found *ret)
{
    struct row_sql_found found = { .ids = arena_array(a, int64_t, page->limit) };
    TRY(err_copy(a, run(s, conn, page, &found)));
    *ret = found;
    return NULL;
}

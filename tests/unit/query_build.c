/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a query must keep, whatever language it was asked in. */
#include "test.h"

#include "core/query/query_build.h"

#include <stdlib.h>
#include <string.h>

static struct column columns[] = {
    { .name = { "city", 4 }, .type = COLUMN_STRING },     { .name = { "age", 3 }, .type = COLUMN_UINT8 },
    { .name = { "delta", 5 }, .type = COLUMN_INT32 },     { .name = { "price", 5 }, .type = COLUMN_DECIMAL },
    { .name = { "weight", 6 }, .type = COLUMN_FLOAT },    { .name = { "open", 4 }, .type = COLUMN_BOOL },
    { .name = { "born", 4 }, .type = COLUMN_DATE },       { .name = { "at", 2 }, .type = COLUMN_DATETIME },
    { .name = { "seen", 4 }, .type = COLUMN_DATETIME64 }, { .name = { "extra", 5 }, .type = COLUMN_JSON },
};
static const struct column_list list = { .items = columns, .count = sizeof columns / sizeof columns[0] };

struct fixture {
    struct arena arena;
    struct query_builder b;
};

static struct fixture *fixture_new(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    arena_init(&f->arena);
    query_builder_init(&f->b, &f->arena, &list);
    return f;
}

static const struct row_expr *column(struct fixture *f, const char *name)
{
    const struct row_expr *expr = query_column(&f->b, slice_of(name));
    EXPECT(expr);
    return expr;
}

static void expect_result(struct fixture *f, enum row_function function, const char *name, enum column_type want)
{
    const struct row_expr *expr = query_call(&f->b, function, column(f, name));
    EXPECT(expr);
    EXPECT_EQ(expr->type, want);
}

static void expect_wrong_type(struct fixture *f, enum row_function function, const char *name, enum column_type is)
{
    EXPECT(!query_call(&f->b, function, column(f, name)));
    EXPECT_EQ(f->b.fault.rule, QUERY_WRONG_TYPE);
    EXPECT_EQ(f->b.fault.is, is);
}

TEST(columns_are_found_by_their_exact_names)
{
    struct fixture *f = fixture_new(state);
    for (size_t i = 0; i < list.count; i++) {
        const struct row_expr *expr = query_column(&f->b, columns[i].name);
        EXPECT(expr && expr->function == ROW_COLUMN);
        EXPECT_EQ(expr->column, i);
        EXPECT_EQ(expr->type, columns[i].type);
    }
    const char *unknown[] = { "City", "cit", "citys", "", "\"city\"" };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        EXPECT(!query_column(&f->b, slice_of(unknown[i])));
        EXPECT_EQ(f->b.fault.rule, QUERY_UNKNOWN_COLUMN);
    }
}

TEST(each_of_a_thousand_columns_is_found)
{
    struct fixture *f = fixture_new(state);
    struct column *many = arena_array(&f->arena, struct column, COLUMNS_MAX);
    struct column_list thousand = { .items = many, .count = COLUMNS_MAX };
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        many[i].name = arena_printf(&f->arena, "c%zu", i);
    query_builder_init(&f->b, &f->arena, &thousand);
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        EXPECT_EQ(query_column(&f->b, many[i].name)->column, i);
    EXPECT(!query_column(&f->b, S("c1000")));
}

TEST(functions_have_the_types_of_their_results)
{
    struct fixture *f = fixture_new(state);
    expect_result(f, ROW_LOWER, "city", COLUMN_STRING);
    expect_result(f, ROW_UPPER, "extra", COLUMN_STRING);
    expect_result(f, ROW_TRIM, "city", COLUMN_STRING);
    expect_result(f, ROW_LENGTH, "city", COLUMN_UINT64);
    expect_result(f, ROW_ABS, "delta", COLUMN_INT32);
    expect_result(f, ROW_FLOOR, "price", COLUMN_DECIMAL);
    expect_result(f, ROW_CEIL, "weight", COLUMN_FLOAT);
    expect_result(f, ROW_TO_DATE, "at", COLUMN_DATE);
    expect_result(f, ROW_TO_YEAR, "born", COLUMN_UINT16);
    expect_result(f, ROW_TO_MONTH, "seen", COLUMN_UINT8);
    expect_result(f, ROW_TO_DAY_OF_MONTH, "at", COLUMN_UINT8);
    expect_result(f, ROW_TO_HOUR, "born", COLUMN_UINT8);
    expect_result(f, ROW_TO_YEAR_MONTH, "at", COLUMN_UINT32);
    expect_result(f, ROW_TO_START_OF_DAY, "seen", COLUMN_DATETIME);
    expect_result(f, ROW_TO_START_OF_MONTH, "seen", COLUMN_DATE);
    EXPECT_EQ(query_round(&f->b, column(f, "age"), 6)->type, COLUMN_UINT8);
}

TEST(functions_refuse_what_they_do_not_take)
{
    struct fixture *f = fixture_new(state);
    expect_wrong_type(f, ROW_LOWER, "age", COLUMN_UINT8);
    expect_wrong_type(f, ROW_LENGTH, "open", COLUMN_BOOL);
    expect_wrong_type(f, ROW_ABS, "city", COLUMN_STRING);
    expect_wrong_type(f, ROW_FLOOR, "open", COLUMN_BOOL);
    expect_wrong_type(f, ROW_CEIL, "born", COLUMN_DATE);
    expect_wrong_type(f, ROW_TO_DATE, "extra", COLUMN_JSON);
    expect_wrong_type(f, ROW_TO_HOUR, "delta", COLUMN_INT32);
    EXPECT(!query_round(&f->b, column(f, "price"), 7) && f->b.fault.rule == QUERY_BAD_DIGITS);
    EXPECT(!query_round(&f->b, column(f, "price"), -1) && f->b.fault.rule == QUERY_BAD_DIGITS);
    EXPECT(!query_round(&f->b, column(f, "city"), 1) && f->b.fault.rule == QUERY_WRONG_TYPE);
}

TEST(coalesce_has_one_type)
{
    struct fixture *f = fixture_new(state);
    const struct row_expr *zero = query_literal(&f->b, COLUMN_UINT8, (struct cell){ .natural = 0 });
    EXPECT_EQ(query_coalesce(&f->b, column(f, "age"), zero)->type, COLUMN_UINT8);
    EXPECT(!query_coalesce(&f->b, column(f, "delta"), zero));
    EXPECT_EQ(f->b.fault.rule, QUERY_OTHER_TYPE);
    EXPECT_EQ(f->b.fault.is, COLUMN_UINT8);
    EXPECT_EQ(f->b.fault.wanted, COLUMN_INT32);
}

static void expect_sum(struct fixture *f, const char *name, enum column_type want)
{
    EXPECT(query_add_item(&f->b, ROW_SUM, column(f, name), slice_of(name)));
    EXPECT_EQ(f->b.items[f->b.item_count - 1].type, want);
}

TEST(aggregates_have_the_types_of_their_results)
{
    struct fixture *f = fixture_new(state);
    expect_sum(f, "age", COLUMN_UINT64);
    expect_sum(f, "delta", COLUMN_INT64);
    expect_sum(f, "price", COLUMN_DECIMAL_SUM);
    expect_sum(f, "weight", COLUMN_FLOAT);
    EXPECT(query_add_item(&f->b, ROW_AVG, column(f, "price"), S("avg")));
    EXPECT_EQ(f->b.items[4].type, COLUMN_FLOAT);
    EXPECT(query_add_item(&f->b, ROW_MAX, column(f, "seen"), S("max")));
    EXPECT_EQ(f->b.items[5].type, COLUMN_DATETIME64);
    EXPECT(query_add_item(&f->b, ROW_COUNT_ROWS, NULL, S("n")));
    EXPECT_EQ(f->b.items[6].type, COLUMN_UINT64);
    EXPECT(!query_add_item(&f->b, ROW_SUM, column(f, "city"), S("x")));
    EXPECT_EQ(f->b.fault.rule, QUERY_WRONG_TYPE);
    EXPECT(!query_add_item(&f->b, ROW_AVG, column(f, "open"), S("x")));
    EXPECT_EQ(f->b.fault.is, COLUMN_BOOL);
}

static enum query_rule rule_of_test(struct fixture *f, enum row_test test, const char *name, const struct cell *values,
                                    size_t count)
{
    struct query_condition made;
    f->b.fault.rule = 0;
    return query_test(&f->b, test, column(f, name), values, count, &made) ? 0 : f->b.fault.rule;
}

TEST(tests_take_as_many_values_as_they_compare)
{
    struct fixture *f = fixture_new(state);
    struct cell two[2] = { { .natural = 1 }, { .natural = 2 } }, null = { .is_null = true };
    struct cell *many = arena_array(&f->arena, struct cell, ROW_VALUES_MAX + 1);
    EXPECT_EQ(rule_of_test(f, ROW_EQ, "age", two, 1), 0);
    EXPECT_EQ(rule_of_test(f, ROW_EQ, "age", two, 2), QUERY_VALUE_COUNT);
    EXPECT_EQ(rule_of_test(f, ROW_EQ, "age", &null, 1), QUERY_NULL_VALUE);
    EXPECT_EQ(rule_of_test(f, ROW_BETWEEN, "age", two, 1), QUERY_VALUE_COUNT);
    EXPECT_EQ(rule_of_test(f, ROW_BETWEEN, "age", two, 2), 0);
    EXPECT_EQ(rule_of_test(f, ROW_IN, "age", two, 0), QUERY_VALUE_COUNT);
    EXPECT_EQ(rule_of_test(f, ROW_IN, "age", many, ROW_VALUES_MAX), 0);
    EXPECT_EQ(rule_of_test(f, ROW_NOT_IN, "age", many, ROW_VALUES_MAX + 1), QUERY_TOO_MANY_VALUES);
    EXPECT_EQ(rule_of_test(f, ROW_IS_NULL, "age", NULL, 0), 0);
    EXPECT_EQ(rule_of_test(f, ROW_IS_NOT_NULL, "age", two, 1), QUERY_VALUE_COUNT);
    EXPECT_EQ(rule_of_test(f, ROW_LIKE, "age", two, 1), QUERY_WRONG_TYPE);
}

TEST(a_pattern_does_not_end_in_a_lone_backslash)
{
    struct fixture *f = fixture_new(state);
    const char *right[] = { "", "%", "a\\\\", "\\%" }, *wrong[] = { "\\", "%\\", "\\\\\\" };
    for (size_t i = 0; i < 4; i++)
        EXPECT_EQ(rule_of_test(f, ROW_LIKE, "city", &(struct cell){ .text = slice_of(right[i]) }, 1), 0);
    for (size_t i = 0; i < 3; i++)
        EXPECT_EQ(rule_of_test(f, ROW_NOT_LIKE, "city", &(struct cell){ .text = slice_of(wrong[i]) }, 1),
                  QUERY_BAD_PATTERN);
}

TEST(a_tree_has_a_largest_size)
{
    struct fixture *f = fixture_new(state);
    struct cell *many = arena_array(&f->arena, struct cell, ROW_VALUES_MAX);
    size_t made = 0;
    while (!rule_of_test(f, ROW_IN, "age", many, ROW_VALUES_MAX))
        made++;
    EXPECT_EQ(f->b.fault.rule, QUERY_TOO_LARGE);
    EXPECT_EQ(made, ROW_TREE_MAX / (ROW_VALUES_MAX + 2));
    while (query_column(&f->b, S("age")))
        ;
    EXPECT_EQ(f->b.fault.rule, QUERY_TOO_LARGE);
    EXPECT_EQ(f->b.nodes, ROW_TREE_MAX);
}

TEST(a_tree_has_a_greatest_depth)
{
    struct fixture *f = fixture_new(state);
    const struct row_expr *expr = column(f, "delta"), *deeper = expr;
    int depth = 0;
    for (; deeper; depth++)
        expr = deeper, deeper = query_call(&f->b, ROW_ABS, expr);
    EXPECT_EQ(f->b.fault.rule, QUERY_TOO_DEEP);
    EXPECT_EQ(depth, ROW_DEPTH_MAX);
    struct query_condition condition;
    EXPECT(query_test(&f->b, ROW_IS_NULL, expr, NULL, 0, &condition));
    for (depth = 1; query_join(&f->b, ROW_NOT, &condition, 1, &condition); depth++)
        ;
    EXPECT_EQ(f->b.fault.rule, QUERY_TOO_DEEP);
    EXPECT_EQ(depth, ROW_DEPTH_MAX);
}

TEST(two_hundred_items_are_the_most)
{
    struct fixture *f = fixture_new(state);
    for (size_t i = 0; i < ROW_ITEMS_MAX; i++)
        EXPECT(query_add_item(&f->b, ROW_PLAIN, column(f, "age"), arena_printf(&f->arena, "i%zu", i)));
    EXPECT(!query_add_item(&f->b, ROW_PLAIN, column(f, "age"), S("more")) && f->b.fault.rule == QUERY_TOO_MANY);
    for (size_t i = 0; i < ROW_ITEMS_MAX; i++)
        EXPECT(query_add_group(&f->b, column(f, "age")) && query_add_order(&f->b, i, NULL, false));
    EXPECT(!query_add_group(&f->b, column(f, "age")) && f->b.fault.rule == QUERY_TOO_MANY);
    EXPECT(!query_add_order(&f->b, 0, NULL, false) && f->b.fault.rule == QUERY_TOO_MANY);
    struct row_query q;
    EXPECT(query_end(&f->b, &q) && q.item_count == ROW_ITEMS_MAX && q.group_count == ROW_ITEMS_MAX);
}

TEST(names_of_items_differ)
{
    struct fixture *f = fixture_new(state);
    EXPECT(query_add_item(&f->b, ROW_PLAIN, column(f, "age"), S("a")));
    EXPECT(!query_add_item(&f->b, ROW_PLAIN, column(f, "city"), S("a")) && f->b.fault.rule == QUERY_NAME_TAKEN);
    EXPECT(query_add_item(&f->b, ROW_PLAIN, column(f, "city"), S("A")));
    EXPECT_EQ(query_find_item(&f->b, S("A")), 1);
    EXPECT_EQ(query_find_item(&f->b, S("b")), SLICE_NONE);
}

TEST(a_query_has_an_item)
{
    struct fixture *f = fixture_new(state);
    struct row_query q;
    EXPECT(!query_end(&f->b, &q) && f->b.fault.rule == QUERY_NO_ITEMS);
}

TEST(a_plain_item_beside_an_aggregate_must_be_a_group)
{
    struct fixture *f = fixture_new(state);
    struct row_query q;
    EXPECT(query_add_item(&f->b, ROW_PLAIN, query_call(&f->b, ROW_LOWER, column(f, "city")), S("city")));
    EXPECT(query_end(&f->b, &q) && !q.is_grouped);
    EXPECT(query_add_item(&f->b, ROW_COUNT_ROWS, NULL, S("n")));
    EXPECT(!query_item_is_grouped(&f->b, 0) && f->b.fault.rule == QUERY_NOT_GROUPED);
    EXPECT(query_item_is_grouped(&f->b, 1));
    EXPECT(!query_end(&f->b, &q));
    EXPECT(query_add_group(&f->b, column(f, "city"))); /* is not lower(city) */
    EXPECT(!query_end(&f->b, &q));
    EXPECT(query_add_group(&f->b, query_call(&f->b, ROW_LOWER, column(f, "city"))));
    EXPECT(query_end(&f->b, &q) && q.is_grouped && q.group_count == 2);
}

TEST(a_constant_needs_no_group)
{
    struct fixture *f = fixture_new(state);
    struct row_query q;
    const struct row_expr *seven = query_literal(&f->b, COLUMN_INT32, (struct cell){ .integer = -7 });
    EXPECT(query_add_item(&f->b, ROW_PLAIN, query_call(&f->b, ROW_ABS, seven), S("seven")));
    EXPECT(query_add_item(&f->b, ROW_COUNT_ROWS, NULL, S("n")));
    EXPECT(query_end(&f->b, &q));
}

TEST(an_order_of_groups_is_by_one_of_them_or_by_an_item)
{
    struct fixture *f = fixture_new(state);
    struct row_query q;
    EXPECT(query_add_item(&f->b, ROW_COUNT_ROWS, NULL, S("n")));
    EXPECT(query_add_group(&f->b, column(f, "city")));
    EXPECT(query_add_order(&f->b, 0, NULL, true));
    EXPECT(query_add_order(&f->b, SLICE_NONE, column(f, "city"), false));
    EXPECT(query_end(&f->b, &q) && q.order_count == 2 && q.orders[0].is_descending && q.orders[1].expr);
    EXPECT(query_add_order(&f->b, SLICE_NONE, column(f, "age"), false));
    EXPECT(query_order_is_grouped(&f->b, 1) && !query_order_is_grouped(&f->b, 2));
    EXPECT(!query_end(&f->b, &q) && f->b.fault.rule == QUERY_NOT_GROUPED);
}

TEST(expressions_are_the_same_when_they_are_written_alike)
{
    struct fixture *f = fixture_new(state);
    const struct row_expr *x = query_round(&f->b, column(f, "price"), 2);
    EXPECT(row_expr_same(x, query_round(&f->b, column(f, "price"), 2)));
    EXPECT(!row_expr_same(x, query_round(&f->b, column(f, "price"), 3)));
    EXPECT(!row_expr_same(x, query_round(&f->b, column(f, "weight"), 2)));
    EXPECT(!row_expr_same(x, column(f, "price")));
    const struct row_expr *a = query_literal(&f->b, COLUMN_STRING, (struct cell){ .text = S("a") });
    const struct row_expr *b = query_literal(&f->b, COLUMN_STRING, (struct cell){ .text = S("b") });
    const struct row_expr *city = column(f, "city");
    EXPECT(row_expr_same(query_coalesce(&f->b, city, a), query_coalesce(&f->b, column(f, "city"), a)));
    EXPECT(!row_expr_same(query_coalesce(&f->b, city, a), query_coalesce(&f->b, city, b)));
}

TEST(conditions_are_joined)
{
    struct fixture *f = fixture_new(state);
    struct cell five = { .natural = 5 };
    struct query_condition parts[2], all;
    EXPECT(query_test(&f->b, ROW_GT, column(f, "age"), &five, 1, &parts[0]));
    EXPECT(query_test(&f->b, ROW_IS_NULL, column(f, "city"), NULL, 0, &parts[1]));
    EXPECT(query_join(&f->b, ROW_SOME, parts, 2, &all));
    query_set_where(&f->b, &all);
    EXPECT(query_add_item(&f->b, ROW_PLAIN, column(f, "age"), S("age")));
    struct row_query q;
    EXPECT(query_end(&f->b, &q));
    EXPECT(q.where->test == ROW_SOME && q.where->child_count == 2);
    EXPECT_EQ(q.where->children[0].values[0].natural, 5);
    EXPECT_EQ(q.where->children[1].test, ROW_IS_NULL);
}

static int make_fixture(void **state)
{
    *state = must_malloc(sizeof(struct fixture));
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

#define T(name) cmocka_unit_test(name)
RUN_TESTS_WITH(make_fixture, free_fixture, T(columns_are_found_by_their_exact_names),
               T(each_of_a_thousand_columns_is_found), T(functions_have_the_types_of_their_results),
               T(functions_refuse_what_they_do_not_take), T(coalesce_has_one_type),
               T(aggregates_have_the_types_of_their_results), T(tests_take_as_many_values_as_they_compare),
               T(a_pattern_does_not_end_in_a_lone_backslash), T(a_tree_has_a_largest_size),
               T(a_tree_has_a_greatest_depth), T(two_hundred_items_are_the_most), T(names_of_items_differ),
               T(a_query_has_an_item), T(a_plain_item_beside_an_aggregate_must_be_a_group),
               T(a_constant_needs_no_group), T(an_order_of_groups_is_by_one_of_them_or_by_an_item),
               T(expressions_are_the_same_when_they_are_written_alike), T(conditions_are_joined))

/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of questions about records: members, patterns, whole rows. */
#include "test.h"

#include "core/query/query_build.h"
#include "core/records/record.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct arena arena;
    struct query_builder b;
};

static void fixture_init(struct fixture *f)
{
    arena_init(&f->arena);
    query_builder_init_whole(&f->b, &f->arena, &record_columns);
}

static void fixture_release(struct fixture *f)
{
    arena_release(&f->arena);
}
#define FIXTURE(name)                                                                                                  \
    SCOPED(fixture_release) struct fixture name##_held;                                                                \
    struct fixture *name = &name##_held;                                                                               \
    fixture_init(name)

static const struct row_expr *column(struct fixture *f, const char *name)
{
    const struct row_expr *expr = query_column(&f->b, slice_of(name));
    EXPECT(expr);
    return expr;
}

static const struct row_expr *member(struct fixture *f, const char *first, const char *second)
{
    slice names[] = { slice_of(first), slice_of(second ? second : "") };
    return query_member(&f->b, names, second ? 2 : 1);
}

TEST(a_member_has_names_that_a_store_can_look_for)
{
    FIXTURE(f);
    const struct row_expr *expr = member(f, "address", "zip code");
    EXPECT(expr && expr->function == ROW_MEMBER && expr->type == COLUMN_ANY);
    EXPECT_EQ(expr->name_count, 2);
    EXPECT_SLICE(expr->names[1], S("zip code"));
    EXPECT(row_expr_same(expr, member(f, "address", "zip code")));
    EXPECT(!row_expr_same(expr, member(f, "address", "zip")));
    EXPECT(!row_expr_same(expr, member(f, "address", NULL)));
    const char *bad[] = { "", "a\"b", "a\\b", "a\nb", "\x1f" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        EXPECT(!member(f, "a", bad[i]));
        EXPECT(!member(f, bad[i], NULL));
        EXPECT_EQ(f->b.fault.rule, QUERY_BAD_NAME);
    }
}

TEST(a_member_has_a_limit_of_names_and_of_their_bytes)
{
    FIXTURE(f);
    slice names[ROW_NAMES_MAX + 1];
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        names[i] = S("a");
    EXPECT(query_member(&f->b, names, ROW_NAMES_MAX));
    EXPECT(!query_member(&f->b, names, ROW_NAMES_MAX + 1));
    EXPECT_EQ(f->b.fault.rule, QUERY_LONG_NAME);
    char *text = arena_alloc(&f->arena, ROW_NAME_BYTES_MAX);
    memset(text, 'x', ROW_NAME_BYTES_MAX);
    names[0] = (slice){ text, ROW_NAME_BYTES_MAX };
    EXPECT(query_member(&f->b, names, 1));
    EXPECT(!query_member(&f->b, names, 2));
    EXPECT_EQ(f->b.fault.rule, QUERY_LONG_NAME);
}

static void expect_test(struct fixture *f, enum row_test test, const struct row_expr *of, struct cell value,
                        enum query_rule want)
{
    struct query_condition made;
    f->b.fault = (struct query_fault){ 0 };
    EXPECT_EQ(query_test(&f->b, test, of, &value, test == ROW_IS_NULL ? 0 : test == ROW_BETWEEN ? 2 : 1, &made), !want);
    EXPECT_EQ(f->b.fault.rule, want);
}

TEST(a_member_is_equal_to_null_and_in_no_other_relation_to_it)
{
    FIXTURE(f);
    struct cell null = { .is_null = true };
    static const enum row_test equalities[] = { ROW_EQ, ROW_NE, ROW_IN, ROW_NOT_IN };
    static const enum row_test others[] = { ROW_LT, ROW_LE, ROW_GT, ROW_GE, ROW_MATCHES };
    for (size_t i = 0; i < LENGTH_OF(equalities); i++) {
        expect_test(f, equalities[i], member(f, "a", NULL), null, 0);
        expect_test(f, equalities[i], column(f, "id"), null, QUERY_NULL_VALUE);
    }
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        expect_test(f, others[i], member(f, "a", NULL), null, QUERY_NULL_VALUE);
    expect_test(f, ROW_IS_NULL, member(f, "a", NULL), null, 0);
}

TEST(a_regular_expression_is_valid_and_of_a_text_or_a_member)
{
    FIXTURE(f);
    expect_test(f, ROW_MATCHES, member(f, "a", NULL), (struct cell){ .text = S("^a|b$") }, 0);
    expect_test(f, ROW_MATCHES, column(f, "id"), (struct cell){ .text = S("^a|b$") }, 0);
    expect_test(f, ROW_MATCHES, column(f, "created"), (struct cell){ .text = S("1") }, QUERY_WRONG_TYPE);
    expect_test(f, ROW_MATCHES, member(f, "a", NULL), (struct cell){ .text = S("(a") }, QUERY_BAD_REGEX);
    EXPECT_EQ(f->b.fault.regex, REGEX_BAD_BRACKETS);
    expect_test(f, ROW_LIKE, member(f, "a", NULL), (struct cell){ .text = S("a") }, QUERY_WRONG_TYPE);
}

TEST(a_query_of_whole_rows_needs_no_items)
{
    FIXTURE(f);
    struct row_query q;
    query_builder_init(&f->b, &f->arena, &record_columns);
    EXPECT(!query_end(&f->b, &q));
    EXPECT_EQ(f->b.fault.rule, QUERY_NO_ITEMS);
    query_builder_init_whole(&f->b, &f->arena, &record_columns);
    EXPECT(query_add_order(&f->b, SLICE_NONE, member(f, "a", NULL), true));
    EXPECT(query_end(&f->b, &q));
    EXPECT_EQ(q.item_count, 0);
    EXPECT(!q.is_grouped);
}

TEST(a_member_that_is_no_group_has_no_place_in_a_query_that_groups)
{
    FIXTURE(f);
    struct row_query q;
    EXPECT(query_add_item(&f->b, ROW_PLAIN, member(f, "a", NULL), S("a")));
    EXPECT(query_add_group(&f->b, member(f, "a", NULL)));
    EXPECT(query_add_order(&f->b, SLICE_NONE, member(f, "a", NULL), false));
    EXPECT(query_end(&f->b, &q));
    EXPECT(q.is_grouped);
    EXPECT(query_add_order(&f->b, SLICE_NONE, member(f, "b", NULL), false));
    EXPECT(!query_order_is_grouped(&f->b, 1));
    EXPECT_EQ(f->b.fault.rule, QUERY_NOT_GROUPED);
}

RUN_TESTS(cmocka_unit_test(a_member_has_names_that_a_store_can_look_for),
          cmocka_unit_test(a_member_has_a_limit_of_names_and_of_their_bytes),
          cmocka_unit_test(a_member_is_equal_to_null_and_in_no_other_relation_to_it),
          cmocka_unit_test(a_regular_expression_is_valid_and_of_a_text_or_a_member),
          cmocka_unit_test(a_query_of_whole_rows_needs_no_items),
          cmocka_unit_test(a_member_that_is_no_group_has_no_place_in_a_query_that_groups))

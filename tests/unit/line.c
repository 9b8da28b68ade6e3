/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "core/dataset/cell_text.h"
#include "core/dataset/line.h"

#include <string.h>

static struct column fixed_columns[] = {
    { .type = COLUMN_INT64, .is_required = true },
    { .type = COLUMN_STRING },
    { .type = COLUMN_UINT32 },
    { .type = COLUMN_JSON },
};

struct line_fixture {
    struct arena *a;
    struct column_list columns;
    struct line_parser parser;
};

/* Columns id (required), name, age, tags. */
static void fixture_init(struct line_fixture *f, struct arena *a, bool is_strict)
{
    const slice names[] = { S("id"), S("name"), S("age"), S("tags") };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        fixed_columns[i].name = names[i];
    *f = (struct line_fixture){ .a = a, .columns = { fixed_columns, LENGTH_OF(fixed_columns) } };
    line_parser_init(&f->parser, &f->columns, is_strict, a);
}

/* "1|Zé|null|[1]", or "fault n field". */
static slice parsed(struct line_fixture *f, slice line)
{
    struct cell cells[LENGTH_OF(fixed_columns)];
    struct line_error error;
    SCOPED(buf_releasep) struct buf text = { 0 };
    EXPECT_OK(line_parse(&f->parser, line, f->a, cells, &error));
    if (error.fault)
        return arena_printf(f->a, "fault %d " SLICE_FMT, (int)error.fault, SLICE_ARG(error.field));
    for (size_t i = 0; i < LENGTH_OF(fixed_columns); i++) {
        buf_add(&text, i ? S("|") : S(""));
        cell_add_text(&text, fixed_columns[i].type, &cells[i]);
    }
    return arena_copy(f->a, buf_slice(&text));
}

static slice fault(struct line_fixture *f, enum line_fault fault, const char *field)
{
    return arena_printf(f->a, "fault %d %s", (int)fault, field);
}

TEST(members_become_cells_in_any_order)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    EXPECT_SLICE(parsed(&f, S("{\"id\":1,\"name\":\"Zé\",\"age\":30,\"tags\":[ 1 ]}")), S("1|Zé|30|[1]"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":2,\"name\":\"B\",\"age\":31,\"tags\":{}}")), S("2|B|31|{}"));
    EXPECT_SLICE(parsed(&f, S("{\"tags\":[],\"age\":32,\"name\":\"C\",\"id\":3}")), S("3|C|32|[]"));
    EXPECT_SLICE(parsed(&f, S("{\"age\":33,\"id\":4}")), S("4|null|33|null"));
    EXPECT_SLICE(parsed(&f, S(" {\"\\u0069d\" : 5, \"n\\u0061me\":\"\\u0044\", \"other\":[1,{}], \"ID\":6} ")),
                 S("5|D|null|null"));
    EXPECT_SLICE(parsed(&f, S("{\"x\":1,\"id\":7}")), S("7|null|null|null"));
    EXPECT_SLICE(parsed(&f, S("{\"x\":2,\"id\":8,\"name\":\"\",\"age\":\"\",\"tags\":\"\"}")), S("8||null|\"\""));
}

TEST(of_members_with_one_name_the_last_counts)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    EXPECT_SLICE(parsed(&f, S("{\"id\":\"no number\",\"id\":1,\"age\":1,\"age\":null}")), S("1|null|null|null"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":1,\"id\":\"no number\"}")), fault(&f, LINE_BAD_VALUE, "id"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":1,\"age\":1,\"age\":}")), fault(&f, LINE_NOT_AN_OBJECT, ""));
}

TEST(a_line_that_is_no_object_is_a_fault)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    const slice bad[] = { S("[]"),
                          S("[{\"id\":1}]"),
                          S("1"),
                          S("\"a\""),
                          S("null"),
                          S("{\"id\":1"),
                          S("{\"id\":1}{\"id\":2}"),
                          S("{\"id\":1,\"other\":\"\\ud800\"}"),
                          S("{\"id\":1}\r{\"id\":2}") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_SLICE(parsed(&f, bad[i]), fault(&f, LINE_NOT_AN_OBJECT, ""));
    EXPECT_SLICE(parsed(&f, S("{\"id\":9}")), S("9|null|null|null"));
}

TEST(a_value_that_does_not_fit_names_its_field)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    struct cell cells[LENGTH_OF(fixed_columns)];
    struct line_error error;
    EXPECT_OK(line_parse(&f.parser, S("{\"age\":-1,\"id\":1}"), &a, cells, &error));
    EXPECT(error.fault == LINE_BAD_VALUE && error.expected == COLUMN_UINT32);
    EXPECT_SLICE(error.field, S("age"));
}

TEST(a_required_field_is_neither_missing_nor_null)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    EXPECT_SLICE(parsed(&f, S("{\"id\":1}")), S("1|null|null|null"));
    EXPECT_SLICE(parsed(&f, S("{}")), fault(&f, LINE_NO_VALUE, "id"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":null}")), fault(&f, LINE_NO_VALUE, "id"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":\"\"}")), fault(&f, LINE_NO_VALUE, "id"));
}

TEST(a_strict_dataset_refuses_fields_that_it_does_not_have)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, true);
    EXPECT_SLICE(parsed(&f, S("{\"id\":1,\"age\":2}")), S("1|null|2|null"));
    EXPECT_SLICE(parsed(&f, S("{\"id\":1,\"c\\u006fr\":2,\"x\":1}")), fault(&f, LINE_UNKNOWN_FIELD, "cor"));
    EXPECT_SLICE(parsed(&f, S("{\"\":1}")), fault(&f, LINE_UNKNOWN_FIELD, ""));
    EXPECT_SLICE(parsed(&f, S("{\"x\":1,")), fault(&f, LINE_NOT_AN_OBJECT, ""));
    char name[9000];
    for (size_t i = 0; i < sizeof name; i += 3)
        memcpy(name + i, "€", 3);
    slice line = arena_join(&a, (slice[]){ S("{\""), { name, sizeof name }, S("\":1}") }, 3);
    EXPECT_SLICE(parsed(&f, line), fault(&f, LINE_UNKNOWN_FIELD, arena_printf(&a, "%.300s", name).p));
}

TEST(a_line_may_have_a_thousand_fields)
{
    SCRATCH(a);
    struct column_list columns = { arena_array(&a, struct column, COLUMNS_MAX), COLUMNS_MAX };
    struct cell *cells = arena_array(&a, struct cell, COLUMNS_MAX);
    struct line_parser p;
    struct line_error error;
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        columns.items[i] = (struct column){ .name = arena_printf(&a, "f%zu", i), .type = COLUMN_INT32 };
    line_parser_init(&p, &columns, true, &a);
    for (size_t step = 1; step < 1000; step += 398) { /* 1, 399, 797: none has a divisor of 1000 */
        SCOPED(buf_releasep) struct buf line = { 0 };
        for (size_t i = 0; i < COLUMNS_MAX; i++)
            buf_printf(&line, "%c\"f%zu\":%zu", i ? ',' : '{', i * step % COLUMNS_MAX, i * step % COLUMNS_MAX + step);
        buf_add(&line, S("}"));
        EXPECT_OK(line_parse(&p, buf_slice(&line), &a, cells, &error));
        EXPECT_EQ(error.fault, LINE_FINE);
        for (size_t i = 0; i < COLUMNS_MAX; i++)
            EXPECT_EQ(cells[i].integer, i + step);
    }
}

TEST(a_line_with_more_members_than_columns_is_read)
{
    SCRATCH(a);
    struct line_fixture f;
    fixture_init(&f, &a, false);
    SCOPED(buf_releasep) struct buf line = { 0 };
    for (int i = 0; i < 5000; i++)
        buf_printf(&line, "%c\"other%d\":%d", i ? ',' : '{', i, i);
    buf_add(&line, S(",\"id\":42}"));
    EXPECT_SLICE(parsed(&f, buf_slice(&line)), S("42|null|null|null"));
}

RUN_TESTS(cmocka_unit_test(members_become_cells_in_any_order),
          cmocka_unit_test(of_members_with_one_name_the_last_counts),
          cmocka_unit_test(a_line_that_is_no_object_is_a_fault),
          cmocka_unit_test(a_value_that_does_not_fit_names_its_field),
          cmocka_unit_test(a_required_field_is_neither_missing_nor_null),
          cmocka_unit_test(a_strict_dataset_refuses_fields_that_it_does_not_have),
          cmocka_unit_test(a_line_may_have_a_thousand_fields),
          cmocka_unit_test(a_line_with_more_members_than_columns_is_read))

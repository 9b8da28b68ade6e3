/* SPDX-License-Identifier: Apache-2.0 */
/* Every dataset store answers queries as src/core/records/row_query.h says. dataset.c has the rest of the contract. */
#include "dataset_fixture.h"
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* A question with one condition about the column "n", whose result is the column "id". */
static slice ids_where(struct dataset_world *w, enum row_test test, const char *values)
{
    struct ask k = ask_new(w);
    ask_columns(&k, "id");
    ask_where(&k, ask_test(&k, test, ask_column(&k, "n"), values));
    return ask_answer(&k, 1);
}

/* The value of a function of the only column, for each row. */
static err_t try_call(struct dataset_world *w, enum row_function function, slice *ret)
{
    struct ask k = ask_new(w);
    ask_item(&k, ROW_PLAIN, ask_call(&k, function, ask_column(&k, "v")));
    return ask_try(&k, 1, ret);
}

static slice call(struct dataset_world *w, enum row_function function)
{
    slice text = S("");
    EXPECT_OK(try_call(w, function, &text));
    return text;
}

static slice round_to(struct dataset_world *w, int digits)
{
    struct ask k = ask_new(w);
    ask_item(&k, ROW_PLAIN, ask_round(&k, ask_column(&k, "v"), digits));
    return ask_answer(&k, 1);
}

static err_t try_aggregate(struct dataset_world *w, enum row_aggregate aggregate, slice *ret)
{
    struct ask k = ask_new(w);
    ask_item(&k, aggregate, ask_column(&k, "v"));
    return ask_try(&k, 1, ret);
}

static slice aggregate(struct dataset_world *w, enum row_aggregate function)
{
    slice text = S("");
    EXPECT_OK(try_aggregate(w, function, &text));
    return text;
}

/* A table with one column, "v", and these rows in it. */
static void one_column(struct dataset_world *w, const char *type, const char *rows)
{
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    dataset_define(w, 1, arena_printf(w->a, "v %s", type).p);
    dataset_add(w, 1, 1, rows);
}

static const char *const number_types[] = { "int8",   "int16",  "int32",  "int64",  "uint8",
                                            "uint16", "uint32", "uint64", "decimal" };
static const char *const all_types[COLUMN_TYPE_COUNT] = { "string",  "json",   "bool",     "int8",
                                                          "int16",   "int32",  "int64",    "uint8",
                                                          "uint16",  "uint32", "uint64",   "float",
                                                          "decimal", "date",   "datetime", "datetime64" };
/* Three values of each type, ascending. */
static const char *const three_values[COLUMN_TYPE_COUNT][3] = {
    { "", "Z", "a" },
    { "[1]", "{\"a\":\"'\"}", "{}" },
    { "false", "true", "true" },
    { "-128", "0", "127" },
    { "-32768", "0", "32767" },
    { "-2147483648", "0", "2147483647" },
    { "-9223372036854775808", "0", "9223372036854775807" },
    { "0", "1", "255" },
    { "0", "1", "65535" },
    { "0", "1", "4294967295" },
    { "0", "1", "18446744073709551615" },
    { "-1.7976931348623157e308", "4.9406564584124654e-324", "1.7976931348623157e308" },
    { "-999999999999.999999", "0.000001", "999999999999.999999" },
    { "-719162", "0", "2932896" }, /* 0001-01-01, 1970-01-01, 9999-12-31 */
    { "-62135596800", "0", "253402300799" },
    { "-62135596800000000", "-1", "253402300799999999" },
};

/* A table with the columns v0, v1 … and u0, u1 … of the types of those numbers, and "id". In row i, which has that id, v has the value
 * number v[i] of its type, and u number u[i]; -1 is a null. */
static void typed_table(struct dataset_world *w, const int *v, const int *u, size_t rows)
{
    slice spec = S("id int8"), text = S("");
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++)
        spec = arena_printf(w->a, SLICE_FMT ", v%d %s, u%d %s", SLICE_ARG(spec), t, all_types[t], t, all_types[t]);
    for (size_t i = 0; i < rows; i++) {
        text = arena_printf(w->a, SLICE_FMT "%s%zu", SLICE_ARG(text), i ? ";" : "", i);
        for (int t = 0; t < COLUMN_TYPE_COUNT; t++)
            text = arena_printf(w->a, SLICE_FMT "|%s|%s", SLICE_ARG(text), v[i] < 0 ? "-" : three_values[t][v[i]],
                                u[i] < 0 ? "-" : three_values[t][u[i]]);
    }
    dataset_define(w, 1, spec.p);
    dataset_add(w, 1, 1, text.p);
}

static expr_t typed_column(struct ask *k, char letter, int type)
{
    return ask_column(k, arena_printf(k->w->a, "%c%d", letter, type).p);
}

/* As a result shows it: value number `which` of the type, or with -1 a null. */
static slice typed_text(struct dataset_world *w, int type, int which)
{
    struct cell c = dataset_cell(w, (enum column_type)type, slice_of(which < 0 ? "-" : three_values[type][which]));
    return dataset_text(w->a, (enum column_type)type, &c);
}

/* ---- values ---- */

TEST(extremes_of_every_type_and_nulls_are_read_as_they_were_added)
{
    struct dataset_world *w = *state;
    static const int v[] = { 0, 1, -1, 2 };
    typed_table(w, v, v, LENGTH_OF(v));
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++) {
        struct ask k = ask_new(w);
        ask_item(&k, ROW_PLAIN, typed_column(&k, 'v', t));
        SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
        EXPECT_OK(ask_open(&k, 1, &cursor));
        const struct cell *cells;
        size_t count;
        EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
        EXPECT_EQ(count, LENGTH_OF(v));
        for (size_t i = 0; i < LENGTH_OF(v); i++) {
            EXPECT_SLICE(dataset_text(w->a, (enum column_type)t, &cells[i]), typed_text(w, t, v[i]));
            if (t == COLUMN_FLOAT && v[i] >= 0)
                EXPECT(cells[i].real == strtod(three_values[t][v[i]], NULL));
        }
        EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
        EXPECT_EQ(count, 0);
        EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
        EXPECT_EQ(count, 0);
    }
}

TEST(texts_of_any_length_and_character_are_kept)
{
    struct dataset_world *w = *state;
    char *large = arena_alloc(w->a, 300001);
    memset(large, 'x', 300000);
    slice texts[] = { S(""),
                      S("'; DROP TABLE c0; --"),
                      S("\"\\%_$1 ?"),
                      S("\x01\x02\t\r\n"),
                      S("twelve bytes"),
                      S("thirteen byte"),
                      S("\xf0\x9f\xa4\xa6\xf0\x9f\x8f\xbc"),
                      S("\xc3\xa9t\xc3\xa9"),
                      { large, 300000 } };
    dataset_define(w, 1, "v string");
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        EXPECT_OK(writer->ops->add(writer, &(struct cell){ .text = texts[i] }, 1, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        struct ask k = ask_new(w);
        ask_item(&k, ROW_PLAIN, ask_column(&k, "v"));
        ask_item(&k, ROW_PLAIN, query_literal(&k.b, COLUMN_STRING, (struct cell){ .text = texts[i] }));
        struct cell value = { .text = texts[i] };
        struct query_condition c;
        EXPECT(query_test(&k.b, ROW_EQ, ask_column(&k, "v"), &value, 1, &c));
        ask_where(&k, c);
        EXPECT_SLICE(ask_answer(&k, 1),
                     arena_printf(w->a, SLICE_FMT "|" SLICE_FMT, SLICE_ARG(texts[i]), SLICE_ARG(texts[i])));
    }
}

TEST(names_of_columns_may_be_words_of_a_query_language_and_differ_in_case)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "select int8, SELECT int8, c0 int8, c1 int8, r int8, rows int8, g0 int8");
    dataset_add(w, 1, 1, "1|2|3|4|5|6|7");
    struct ask k = ask_new(w);
    ask_columns(&k, "SELECT select g0 c1 r");
    ask_group(&k, ask_column(&k, "r"));
    ask_group(&k, ask_column(&k, "g0"));
    ask_group(&k, ask_column(&k, "c1"));
    ask_group(&k, ask_column(&k, "select"));
    ask_group(&k, ask_column(&k, "SELECT"));
    EXPECT_ANSWER(&k, 1, "2|1|7|4|5");
}

/* ---- order ---- */

TEST(every_type_is_ordered_with_nulls_last)
{
    struct dataset_world *w = *state;
    static const int v[] = { 1, -1, 2, 0 };
    typed_table(w, v, v, LENGTH_OF(v));
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++) {
        for (int descending = 0; descending < 2; descending++) {
            struct ask k = ask_new(w);
            ask_item(&k, ROW_PLAIN, typed_column(&k, 'v', t));
            ask_order(&k, typed_column(&k, 'v', t), descending);
            EXPECT_SLICE(ask_answer(&k, 1),
                         arena_printf(w->a, SLICE_FMT ";" SLICE_FMT ";" SLICE_FMT ";-",
                                      SLICE_ARG(typed_text(w, t, descending ? 2 : 0)), SLICE_ARG(typed_text(w, t, 1)),
                                      SLICE_ARG(typed_text(w, t, descending ? 0 : 2))));
        }
    }
}

TEST(texts_are_ordered_and_compared_by_their_bytes)
{
    struct dataset_world *w = *state;
    one_column(w, "string", "\xf0\x9f\x8f\xbc|;\xef\xbf\xbd|;b|;\xc3\xa9|;B|;a|;ab|;a b|;|;~|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    ask_order(&k, ask_column(&k, "v"), false);
    EXPECT_ANSWER(&k, 1, ";B;a;a b;ab;b;~;\xc3\xa9;\xef\xbf\xbd;\xf0\x9f\x8f\xbc");
    ask_where(&k, ask_test(&k, ROW_GT, ask_column(&k, "v"), "a b"));
    EXPECT_ANSWER(&k, 1, "ab;b;~;\xc3\xa9;\xef\xbf\xbd;\xf0\x9f\x8f\xbc");
}

TEST(rows_that_the_order_does_not_tell_apart_come_as_they_were_added)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, n int8");
    dataset_add(w, 1, 7, "1|2;2|1;3|-;4|2");
    dataset_add(w, 1, 5, "5|1;6|-;7|2");
    struct ask k = ask_new(w);
    ask_columns(&k, "id");
    EXPECT_ANSWER(&k, 1, "1;2;3;4;5;6;7");
    ask_order(&k, ask_column(&k, "n"), false);
    EXPECT_ANSWER(&k, 1, "2;5;1;4;7;3;6");
    struct ask d = ask_new(w);
    ask_columns(&d, "id");
    ask_order(&d, ask_column(&d, "n"), true);
    EXPECT_ANSWER(&d, 1, "1;4;7;2;5;3;6");
}

TEST(several_orders_and_orders_by_items_and_functions)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, s string, n int8");
    dataset_add(w, 1, 1, "1|b|1;2|A|2;3|a|1;4|B|-;5|a|3");
    struct ask k = ask_new(w);
    ask_columns(&k, "id n");
    ask_order(&k, ask_call(&k, ROW_LOWER, ask_column(&k, "s")), true);
    ask_order_by_item(&k, 1, true);
    EXPECT_ANSWER(&k, 1, "1|1;4|-;5|3;2|2;3|1");
    struct ask constant = ask_new(w);
    ask_columns(&constant, "id");
    ask_item(&constant, ROW_PLAIN, ask_value(&constant, COLUMN_INT8, "2"));
    ask_order(&constant, ask_value(&constant, COLUMN_INT8, "1"), true);
    ask_order_by_item(&constant, 1, true);
    ask_order(&constant, ask_call(&constant, ROW_UPPER, ask_value(&constant, COLUMN_STRING, "x")), true);
    EXPECT_ANSWER(&constant, 1, "1|2;2|2;3|2;4|2;5|2");
}

static void add_numbers(struct dataset_world *w, int64_t file_id, int64_t first, size_t count)
{
    struct cell *cells = arena_array(w->a, struct cell, 2 * count);
    for (size_t i = 0; i < count; i++) {
        cells[2 * i].integer = first + (int64_t)i;
        cells[2 * i + 1].integer = (first + (int64_t)i) % 7;
    }
    struct dataset_writer *writer = dataset_begin(w, 1, file_id);
    EXPECT_OK(writer->ops->add(writer, cells, count, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
}

/* The ids of the result, which must be first, first + step … */
static uint64_t count_series(struct dataset_world *w, struct ask *k, int64_t first, int64_t step)
{
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    const struct cell *cells;
    uint64_t seen = 0;
    EXPECT_OK(ask_open(k, 1, &cursor));
    for (size_t count = 1; count; seen += count) {
        EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
        for (size_t i = 0; i < count; i++)
            EXPECT_EQ(cells[i].integer, first + step * (int64_t)(seen + i));
    }
    return seen;
}

TEST(without_an_order_rows_come_as_they_were_added_however_many_there_are)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, n int8");
    add_numbers(w, 3, 0, 5000);
    add_numbers(w, 1, 5000, 1);
    add_numbers(w, 2, 5001, 2999);
    struct ask k = ask_new(w);
    ask_columns(&k, "id");
    EXPECT_EQ(count_series(w, &k, 0, 1), 8000);
    k.limit = 3000;
    k.offset = 4500;
    EXPECT_EQ(count_series(w, &k, 4500, 1), 3000);
    k.offset = 7000;
    EXPECT_EQ(count_series(w, &k, 7000, 1), 1000);
    ask_where(&k, ask_test(&k, ROW_EQ, ask_column(&k, "n"), "3"));
    k.offset = 100;
    k.limit = 600;
    EXPECT_EQ(count_series(w, &k, 703, 7), 600);
    ask_where(&k, ask_test(&k, ROW_NOT_IN, ask_column(&k, "n"), "0|1|2|3|4|6|7|8"));
    EXPECT_EQ(count_series(w, &k, 705, 7), 600);
}

TEST(a_long_list_leaves_rows_as_they_were_added_also_in_a_small_table)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, n int64");
    dataset_add(w, 1, 1, "0|30;1|10;2|-;3|20;4|999;5|1");
    struct cell values[ROW_VALUES_MAX];
    for (int i = 0; i < ROW_VALUES_MAX; i++)
        values[i] = (struct cell){ .integer = ROW_VALUES_MAX - 1 - i };
    static const struct {
        size_t count; /* values: 999, 998 … */
        const char *want;
    } lists[] = { { 1, "4" }, { 5, "4" }, { 6, "4" }, { 970, "0;4" }, { 980, "0;3;4" }, { 990, "0;1;3;4" } };
    for (size_t i = 0; i < LENGTH_OF(lists); i++) {
        struct ask k = ask_new(w);
        struct query_condition c;
        ask_columns(&k, "id");
        EXPECT(query_test(&k.b, ROW_IN, ask_column(&k, "n"), values, lists[i].count, &c));
        ask_where(&k, c);
        EXPECT_SLICE(ask_answer(&k, 1), slice_of(lists[i].want));
    }
    struct ask all = ask_new(w);
    struct query_condition c;
    ask_columns(&all, "id");
    EXPECT(query_test(&all.b, ROW_IN, ask_column(&all, "n"), values, ROW_VALUES_MAX, &c));
    ask_where(&all, c);
    EXPECT_ANSWER(&all, 1, "0;1;3;4;5");
    EXPECT(query_test(&all.b, ROW_NOT_IN, ask_column(&all, "n"), values, ROW_VALUES_MAX - 2, &c));
    ask_where(&all, c);
    EXPECT_ANSWER(&all, 1, "5");
}

TEST(limit_and_offset_may_exceed_the_result)
{
    struct dataset_world *w = *state;
    one_column(w, "int8", "1|;2|;3|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    static const struct {
        uint64_t limit, offset;
        const char *want;
    } cases[] = { { 0, 0, "" },
                  { 2, 0, "1;2" },
                  { 2, 2, "3" },
                  { 2, 3, "" },
                  { UINT64_MAX, 1, "2;3" },
                  { UINT64_MAX, UINT64_MAX, "" },
                  { 1, UINT64_MAX, "" },
                  { (uint64_t)INT64_MAX, (uint64_t)INT64_MAX, "" } };
    for (int ordered = 0; ordered < 2; ordered++) {
        for (size_t i = 0; i < LENGTH_OF(cases); i++) {
            k.limit = cases[i].limit;
            k.offset = cases[i].offset;
            EXPECT_SLICE(ask_answer(&k, 1), slice_of(cases[i].want));
        }
        ask_order(&k, ask_column(&k, "v"), false);
    }
    struct ask one = ask_new(w);
    ask_item(&one, ROW_COUNT_ROWS, NULL);
    one.offset = 1;
    EXPECT_ANSWER(&one, 1, "");
    one.offset = 0;
    one.limit = 0;
    EXPECT_ANSWER(&one, 1, "");
}

TEST(rows_after_up_to_row_do_not_exist)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, n int8");
    dataset_add(w, 1, 1, "1|1;2|2");
    dataset_add(w, 1, 2, "3|1;4|2");
    struct ask k = ask_new(w), sum = ask_new(w);
    ask_columns(&k, "id");
    ask_item(&sum, ROW_SUM, ask_column(&sum, "id"));
    static const char *const ids[] = { "1;2;3;4", "1", "1;2", "1;2;3", "1;2;3;4", "1;2;3;4" };
    static const char *const sums[] = { "10", "1", "3", "6", "10", "10" };
    for (int64_t up_to = 0; up_to < 6; up_to++) {
        k.up_to_row = sum.up_to_row = up_to;
        EXPECT_SLICE(ask_answer(&k, 1), slice_of(ids[up_to]));
        EXPECT_SLICE(ask_answer(&sum, 1), slice_of(sums[up_to]));
        EXPECT_EQ(k.newest_row, up_to && up_to < 4 ? up_to : 4);
    }
    k.up_to_row = 3;
    k.offset = 2;
    EXPECT_ANSWER(&k, 1, "3");
}

/* ---- conditions ---- */

TEST(every_test_of_a_value)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int8, n int16");
    dataset_add(w, 1, 1, "1|10;2|20;3|30;4|-;5|20;6|-5");
    EXPECT_SLICE(ids_where(w, ROW_EQ, "20"), S("2;5"));
    EXPECT_SLICE(ids_where(w, ROW_NE, "20"), S("1;3;6"));
    EXPECT_SLICE(ids_where(w, ROW_LT, "20"), S("1;6"));
    EXPECT_SLICE(ids_where(w, ROW_LE, "20"), S("1;2;5;6"));
    EXPECT_SLICE(ids_where(w, ROW_GT, "20"), S("3"));
    EXPECT_SLICE(ids_where(w, ROW_GE, "20"), S("2;3;5"));
    EXPECT_SLICE(ids_where(w, ROW_IN, "30|-5|7"), S("3;6"));
    EXPECT_SLICE(ids_where(w, ROW_IN, "30"), S("3"));
    EXPECT_SLICE(ids_where(w, ROW_NOT_IN, "30|-5|7"), S("1;2;5"));
    EXPECT_SLICE(ids_where(w, ROW_BETWEEN, "10|20"), S("1;2;5"));
    EXPECT_SLICE(ids_where(w, ROW_BETWEEN, "20|10"), S(""));
    EXPECT_SLICE(ids_where(w, ROW_IS_NULL, NULL), S("4"));
    EXPECT_SLICE(ids_where(w, ROW_IS_NOT_NULL, NULL), S("1;2;3;5;6"));
}

TEST(values_of_every_type_are_compared)
{
    struct dataset_world *w = *state;
    static const int v[] = { 0, 1, 2, -1 };
    static const struct {
        enum row_test test;
        int value;
        const char *want, *want_of_bool;
    } cases[] = { { ROW_EQ, 0, "0", "0" },     { ROW_LT, 1, "0", "0" },        { ROW_LE, 1, "0;1", "0;1;2" },
                  { ROW_GT, 0, "1;2", "1;2" }, { ROW_GE, 2, "2", "1;2" },      { ROW_NE, 2, "0;1", "0" },
                  { ROW_IN, 2, "2", "1;2" },   { ROW_NOT_IN, 0, "1;2", "1;2" } };
    typed_table(w, v, v, LENGTH_OF(v));
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++) {
        for (size_t i = 0; i < LENGTH_OF(cases); i++) {
            struct ask k = ask_new(w);
            ask_columns(&k, "id");
            struct cell value = dataset_cell(w, (enum column_type)t, slice_of(three_values[t][cases[i].value]));
            struct query_condition c;
            EXPECT(query_test(&k.b, cases[i].test, typed_column(&k, 'v', t), &value, 1, &c));
            ask_where(&k, c);
            EXPECT_SLICE(ask_answer(&k, 1), slice_of(t == COLUMN_BOOL ? cases[i].want_of_bool : cases[i].want));
        }
    }
}

/* A condition that is null is not true, and neither is its negation. */
TEST(nulls_make_conditions_unknown)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int8, n int8, m int8");
    dataset_add(w, 1, 1, "1|1|1;2|1|-;3|-|1;4|-|-;5|2|-;6|2|2");
    struct ask k = ask_new(w);
    ask_columns(&k, "id");
    struct query_condition n = ask_test(&k, ROW_EQ, ask_column(&k, "n"), "1"),
                           m = ask_test(&k, ROW_EQ, ask_column(&k, "m"), "1");
    struct query_condition both[] = { n, m };
    struct query_condition all = ask_join(&k, ROW_ALL, both, 2), some = ask_join(&k, ROW_SOME, both, 2);
    ask_where(&k, all);
    EXPECT_ANSWER(&k, 1, "1");
    ask_where(&k, some);
    EXPECT_ANSWER(&k, 1, "1;2;3");
    ask_where(&k, ask_join(&k, ROW_NOT, &n, 1));
    EXPECT_ANSWER(&k, 1, "5;6");
    ask_where(&k, ask_join(&k, ROW_NOT, &all, 1));
    EXPECT_ANSWER(&k, 1, "5;6");
    ask_where(&k, ask_join(&k, ROW_NOT, &some, 1));
    EXPECT_ANSWER(&k, 1, "6");
    struct query_condition not_in = ask_test(&k, ROW_NOT_IN, ask_column(&k, "n"), "1|3");
    ask_where(&k, ask_join(&k, ROW_NOT, &not_in, 1));
    EXPECT_ANSWER(&k, 1, "1;2");
}

TEST(conditions_without_parts_are_all_true_and_some_false)
{
    struct dataset_world *w = *state;
    one_column(w, "int8", "1|;-|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    struct query_condition all = ask_join(&k, ROW_ALL, NULL, 0), some = ask_join(&k, ROW_SOME, NULL, 0);
    ask_where(&k, all);
    EXPECT_ANSWER(&k, 1, "1;-");
    ask_where(&k, some);
    EXPECT_ANSWER(&k, 1, "");
    ask_where(&k, ask_join(&k, ROW_NOT, &some, 1));
    EXPECT_ANSWER(&k, 1, "1;-");
}

TEST(patterns_match_whole_texts_by_characters)
{
    struct dataset_world *w = *state;
    static const struct {
        const char *text, *pattern;
        bool matches;
    } cases[] = { { "abc", "abc", true },
                  { "abc", "ab", false },
                  { "abc", "bc", false },
                  { "abc", "ABC", false },
                  { "abc", "%", true },
                  { "", "%", true },
                  { "", "", true },
                  { "a", "", false },
                  { "", "_", false },
                  { "abc", "a%", true },
                  { "abc", "%c", true },
                  { "abc", "%b%", true },
                  { "abc", "a%c", true },
                  { "abc", "a%b", false },
                  { "abc", "a_c", true },
                  { "abc", "___", true },
                  { "abc", "____", false },
                  { "abc", "__", false },
                  { "abc", "%_%_%_%", true },
                  { "abc", "%%%%", true },
                  { "\xc3\xa9", "_", true },
                  { "\xf0\x9f\x8f\xbc", "_", true },
                  { "\xc3\xa9t\xc3\xa9", "_t_", true },
                  { "\xc3\xa9t\xc3\xa9", "%\xc3\xa9", true },
                  { "\xc3\xa9", "__", false },
                  { "a%c", "a\\%c", true },
                  { "abc", "a\\%c", false },
                  { "a_c", "a\\_c", true },
                  { "abc", "a\\_c", false },
                  { "a\\c", "a\\\\c", true },
                  { "abc", "\\a\\b\\c", true },
                  { "\xc3\xa9", "\\\xc3\xa9", true },
                  { "%", "\\%", true },
                  { "a%", "%\\%", true },
                  { "aXb%", "a%b\\%", true },
                  { "aab", "%ab", true },
                  { "aaab", "%aab", true },
                  { "mississippi", "%iss%ip%", true },
                  { "mississippi", "%iss%iss%iss%", false },
                  { "a.c", "a.c", true },
                  { "abc", "a.c", false },
                  { "a\nc", "a_c", true },
                  { "[a]", "[a]", true },
                  { "'", "'", true } };
    dataset_define(w, 1, "id int16, v string");
    size_t n = LENGTH_OF(cases);
    struct cell *cells = arena_array(w->a, struct cell, 2 * n);
    for (size_t i = 0; i < n; i++) {
        cells[2 * i].integer = (int64_t)i;
        cells[2 * i + 1].text = slice_of(cases[i].text);
    }
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    EXPECT_OK(writer->ops->add(writer, cells, n, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    for (size_t i = 0; i < n; i++) {
        for (int negated = 0; negated < 2; negated++) {
            struct ask k = ask_new(w);
            ask_item(&k, ROW_COUNT_ROWS, NULL);
            struct cell pattern = { .text = slice_of(cases[i].pattern) }, id = { .integer = (int64_t)i };
            struct query_condition both[2];
            EXPECT(query_test(&k.b, negated ? ROW_NOT_LIKE : ROW_LIKE, ask_column(&k, "v"), &pattern, 1, &both[0]));
            EXPECT(query_test(&k.b, ROW_EQ, ask_column(&k, "id"), &id, 1, &both[1]));
            ask_where(&k, ask_join(&k, ROW_ALL, both, 2));
            slice got = ask_answer(&k, 1);
            if (!slice_eq(got, cases[i].matches != negated ? S("1") : S("0")))
                fail_msg("'%s' %slike '%s'", cases[i].text, negated ? "not " : "", cases[i].pattern);
        }
    }
}

/* DuckDB tried each place of the text for each %, without an end: for three of them, minutes. */
TEST(a_pattern_was_tried_at_every_place_for_each_percent)
{
    struct dataset_world *w = *state;
    enum { LENGTH = 20000, LONG = 2000 };
    char *text = arena_alloc(w->a, LENGTH), *many = arena_alloc(w->a, LONG);
    memset(text, 'a', LENGTH);
    for (size_t i = 0; i < LONG; i++)
        many[i] = "%a"[i % 2];
    const slice patterns[] = { S("%a%a_%a_%b"), S("%a%\\a%a%b"), S("%_%_%_%_%b"),      { many, LONG },
                               S("%a%a_%a_%"),  S("%\\a_%a"),    { text, LENGTH - 1 }, { text, LENGTH } };
    static const char *const counts[] = { "0", "0", "0", "1", "1", "1", "0", "1" };
    dataset_define(w, 1, "v string");
    struct cell cells[2] = { { .text = { text, LENGTH } }, { .is_null = true } };
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    EXPECT_OK(writer->ops->add(writer, cells, 2, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    for (size_t i = 0; i < LENGTH_OF(patterns); i++) {
        struct ask k = ask_new(w);
        struct cell pattern = { .text = patterns[i] };
        struct query_condition is_like;
        ask_item(&k, ROW_COUNT_ROWS, NULL);
        EXPECT(query_test(&k.b, ROW_LIKE, ask_column(&k, "v"), &pattern, 1, &is_like));
        ask_where(&k, is_like);
        EXPECT_SLICE(ask_answer(&k, 1), slice_of(counts[i]));
    }
}

TEST(patterns_of_nulls_are_unknown)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int8, n string");
    dataset_add(w, 1, 1, "1|a;2|-;3|b");
    EXPECT_SLICE(ids_where(w, ROW_LIKE, "%"), S("1;3"));
    EXPECT_SLICE(ids_where(w, ROW_NOT_LIKE, "a"), S("3"));
    EXPECT_SLICE(ids_where(w, ROW_NOT_LIKE, "\\%"), S("1;3"));
}

/* ---- functions ---- */

TEST(functions_of_text)
{
    struct dataset_world *w = *state;
    one_column(w, "string",
               "aZ \xc3\x89\xc3\xa9@[`{|;  x y\t |;-|;|;   |;\xf0\x9f\xa4\xa6\xf0\x9f\x8f\xbc|;\xc2\xa0x\xc2\xa0|");
    EXPECT_SLICE(call(w, ROW_LOWER),
                 S("az \xc3\x89\xc3\xa9@[`{;  x y\t ;-;;   ;\xf0\x9f\xa4\xa6\xf0\x9f\x8f\xbc;\xc2\xa0x\xc2\xa0"));
    EXPECT_SLICE(call(w, ROW_UPPER),
                 S("AZ \xc3\x89\xc3\xa9@[`{;  X Y\t ;-;;   ;\xf0\x9f\xa4\xa6\xf0\x9f\x8f\xbc;\xc2\xa0X\xc2\xa0"));
    EXPECT_SLICE(call(w, ROW_LENGTH), S("9;7;-;0;3;2;3"));
    EXPECT_SLICE(call(w, ROW_TRIM),
                 S("aZ \xc3\x89\xc3\xa9@[`{;x y\t;-;;;\xf0\x9f\xa4\xa6\xf0\x9f\x8f\xbc;\xc2\xa0x\xc2\xa0"));
    one_column(w, "json", "{\"A\":1} |");
    EXPECT_SLICE(call(w, ROW_LOWER), S("{\"a\":1} "));
    EXPECT_SLICE(call(w, ROW_TRIM), S("{\"A\":1}"));
    EXPECT_SLICE(call(w, ROW_LENGTH), S("8"));
}

TEST(whole_numbers_are_their_own_floor_and_absolute)
{
    struct dataset_world *w = *state;
    for (size_t t = 0; t < 8; t++) {
        one_column(w, number_types[t], t < 4 ? "-127|;0|;126|;-|" : "127|;0|;126|;-|");
        EXPECT_SLICE(call(w, ROW_ABS), S("127;0;126;-"));
        EXPECT_SLICE(call(w, ROW_FLOOR), t < 4 ? S("-127;0;126;-") : S("127;0;126;-"));
        EXPECT_SLICE(call(w, ROW_CEIL), t < 4 ? S("-127;0;126;-") : S("127;0;126;-"));
        EXPECT_SLICE(round_to(w, 0), t < 4 ? S("-127;0;126;-") : S("127;0;126;-"));
        EXPECT_SLICE(round_to(w, 6), t < 4 ? S("-127;0;126;-") : S("127;0;126;-"));
    }
}

TEST(decimals_above_nine_million_were_not_rounded)
{
    struct dataset_world *w = *state;
    one_column(w, "decimal", "9223373|;-9223373.5|;123456789012.345678|;999999999999.499999|;-999999999999.499999|");
    EXPECT_SLICE(round_to(w, 0), S("9223373.000000;-9223374.000000;123456789012.000000;999999999999.000000;"
                                   "-999999999999.000000"));
    EXPECT_SLICE(round_to(w, 2), S("9223373.000000;-9223373.500000;123456789012.350000;999999999999.500000;"
                                   "-999999999999.500000"));
}

TEST(decimals_are_rounded_with_halves_to_the_even_neighbour)
{
    struct dataset_world *w = *state;
    one_column(w, "decimal",
               "0.5|;1.5|;2.5|;-0.5|;-1.5|;-2.5|;0.500001|;-0.500001|;0.499999|;2.345|;2.355|;-2.345|;0.000001|;-|");
    EXPECT_SLICE(round_to(w, 0),
                 S("0.000000;2.000000;2.000000;0.000000;-2.000000;-2.000000;1.000000;-1.000000;0.000000;"
                   "2.000000;2.000000;-2.000000;0.000000;-"));
    EXPECT_SLICE(round_to(w, 2),
                 S("0.500000;1.500000;2.500000;-0.500000;-1.500000;-2.500000;0.500000;-0.500000;0.500000;"
                   "2.340000;2.360000;-2.340000;0.000000;-"));
    EXPECT_SLICE(round_to(w, 6),
                 S("0.500000;1.500000;2.500000;-0.500000;-1.500000;-2.500000;0.500001;-0.500001;0.499999;"
                   "2.345000;2.355000;-2.345000;0.000001;-"));
    EXPECT_SLICE(call(w, ROW_FLOOR), S("0.000000;1.000000;2.000000;-1.000000;-2.000000;-3.000000;0.000000;-1.000000;"
                                       "0.000000;2.000000;2.000000;-3.000000;0.000000;-"));
    EXPECT_SLICE(call(w, ROW_CEIL),
                 S("1.000000;2.000000;3.000000;0.000000;-1.000000;-2.000000;1.000000;0.000000;1.000000;"
                   "3.000000;3.000000;-2.000000;1.000000;-"));
    EXPECT_SLICE(call(w, ROW_ABS), S("0.500000;1.500000;2.500000;0.500000;1.500000;2.500000;0.500001;0.500001;0.499999;"
                                     "2.345000;2.355000;2.345000;0.000001;-"));
}

TEST(floats_are_rounded_as_rint_does)
{
    struct dataset_world *w = *state;
    one_column(w, "float",
               "0.5|;1.5|;2.5|;-0.5|;-1.5|;-2.5|;0.49999999999999994|;4503599627370497.5|;1e300|;-1e-300|;2.125|;-|");
    EXPECT_SLICE(round_to(w, 0), S("0;2;2;0;-2;-2;0;4.5035996273705e+15;1e+300;0;2;-"));
    EXPECT_SLICE(round_to(w, 2), S("0.5;1.5;2.5;-0.5;-1.5;-2.5;0.5;4.5035996273705e+15;1e+300;0;2.12;-"));
    EXPECT_SLICE(call(w, ROW_FLOOR), S("0;1;2;-1;-2;-3;0;4.5035996273705e+15;1e+300;-1;2;-"));
    EXPECT_SLICE(call(w, ROW_CEIL), S("1;2;3;0;-1;-2;1;4.5035996273705e+15;1e+300;0;3;-"));
    EXPECT_SLICE(call(w, ROW_ABS), S("0.5;1.5;2.5;0.5;1.5;2.5;0.5;4.5035996273705e+15;1e+300;1e-300;2.125;-"));
    one_column(w, "float", "1.7976931348623157e308|;-1.7976931348623157e308|");
    EXPECT_SLICE(round_to(w, 6), S("1.79769313486232e+308;-1.79769313486232e+308"));
}

TEST(functions_of_times_are_in_utc)
{
    struct dataset_world *w = *state;
    /* 1969-12-31T23:59:59, 2024-02-29T12:34:56, 0001-01-01, 9999-12-31T23:59:59, 1900-03-01 */
    static const char *const seconds[] = { "-1", "1709210096", "-62135596800", "253402300799", "-2203891200", "-" };
    static const struct {
        enum row_function function;
        const char *want;
    } cases[] = { { ROW_TO_DATE, "-1;19782;-719162;2932896;-25508;-" },
                  { ROW_TO_YEAR, "1969;2024;1;9999;1900;-" },
                  { ROW_TO_MONTH, "12;2;1;12;3;-" },
                  { ROW_TO_DAY_OF_MONTH, "31;29;1;31;1;-" },
                  { ROW_TO_HOUR, "23;12;0;23;0;-" },
                  { ROW_TO_YEAR_MONTH, "196912;202402;101;999912;190003;-" },
                  { ROW_TO_START_OF_DAY, "-86400;1709164800;-62135596800;253402214400;-2203891200;-" },
                  { ROW_TO_START_OF_MONTH, "-31;19754;-719162;2932866;-25508;-" } };
    for (int type = 0; type < 3; type++) {
        static const char *const names[] = { "datetime", "datetime64", "date" };
        slice rows = S("");
        for (size_t i = 0; i < LENGTH_OF(seconds); i++) {
            struct cell c = dataset_cell(w, COLUMN_DATETIME, slice_of(seconds[i]));
            int64_t day = (c.integer - (c.integer % 86400 + 86400) % 86400) / 86400;
            slice text = c.is_null   ? S("-")
                         : type == 0 ? slice_of(seconds[i])
                         : type == 1 ? arena_printf(w->a, "%s999999", seconds[i])
                                     : arena_printf(w->a, "%lld", (long long)day);
            if (type == 1 && !c.is_null && c.integer < 0) /* the last microsecond of the second */
                text = arena_printf(w->a, "%lld", (long long)(c.integer * 1000000 + 999999));
            rows = arena_printf(w->a, SLICE_FMT "%s" SLICE_FMT "|", SLICE_ARG(rows), i ? ";" : "", SLICE_ARG(text));
        }
        one_column(w, names[type], rows.p);
        for (size_t i = 0; i < LENGTH_OF(cases); i++)
            EXPECT_SLICE(call(w, cases[i].function),
                         type == 2 && cases[i].function == ROW_TO_HOUR ? S("0;0;0;0;0;-") : slice_of(cases[i].want));
    }
}

/* DuckDB rewrites such comparisons. */
TEST(the_start_of_a_month_is_compared_like_other_dates)
{
    struct dataset_world *w = *state;
    static const char *const types[] = { "date", "datetime", "datetime64" };
    static const char *const rows[] = { "1|-1;2|0;3|30;4|31;5|-", "1|-1;2|0;3|2678399;4|2678400;5|-",
                                        "1|-1;2|0;3|2678399999999;4|2678400000000;5|-" };
    static const struct {
        enum row_test test;
        const char *value, *want;
    } cases[] = { { ROW_LT, "0", "1" },      { ROW_LE, "-1", "1" },         { ROW_LE, "0", "1;2;3" },
                  { ROW_GT, "-1", "2;3;4" }, { ROW_GT, "0", "4" },          { ROW_GE, "1", "4" },
                  { ROW_GE, "0", "2;3;4" },  { ROW_LT, "1", "1;2;3" },      { ROW_EQ, "0", "2;3" },
                  { ROW_EQ, "1", "" },       { ROW_NE, "1", "1;2;3;4" },    { ROW_NE, "0", "1;4" },
                  { ROW_IN, "0|1", "2;3" },  { ROW_BETWEEN, "-1|0", "2;3" } };
    for (size_t t = 0; t < LENGTH_OF(types); t++) {
        dataset_define(w, (int64_t)t, arena_printf(w->a, "id int8, v %s", types[t]).p);
        dataset_add(w, (int64_t)t, 1, rows[t]);
        for (size_t i = 0; i < LENGTH_OF(cases); i++) {
            struct ask k = ask_new(w);
            ask_columns(&k, "id");
            ask_where(&k, ask_test(&k, cases[i].test, ask_call(&k, ROW_TO_START_OF_MONTH, ask_column(&k, "v")),
                                   cases[i].value));
            EXPECT_SLICE(ask_answer(&k, (int64_t)t), slice_of(cases[i].want));
        }
    }
}

TEST(functions_of_functions)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "t datetime64, s string, d decimal");
    dataset_add(w, 1, 1, "1709210096123456|  Ab |-2.5;-|-|-");
    struct ask k = ask_new(w);
    ask_item(&k, ROW_PLAIN,
             ask_call(&k, ROW_TO_DAY_OF_MONTH, ask_call(&k, ROW_TO_START_OF_MONTH, ask_column(&k, "t"))));
    ask_item(&k, ROW_PLAIN, ask_call(&k, ROW_TO_HOUR, ask_call(&k, ROW_TO_START_OF_DAY, ask_column(&k, "t"))));
    ask_item(&k, ROW_PLAIN,
             ask_call(&k, ROW_LENGTH, ask_call(&k, ROW_UPPER, ask_call(&k, ROW_TRIM, ask_column(&k, "s")))));
    ask_item(&k, ROW_PLAIN, ask_call(&k, ROW_ABS, ask_round(&k, ask_column(&k, "d"), 0)));
    ask_item(&k, ROW_PLAIN, ask_round(&k, ask_call(&k, ROW_TO_YEAR, ask_column(&k, "t")), 3));
    EXPECT_ANSWER(&k, 1, "1|0|2|2.000000|2024;-|-|-|-|-");
    ask_where(&k, ask_test(&k, ROW_EQ, ask_call(&k, ROW_LENGTH, ask_column(&k, "s")), "5"));
    EXPECT_ANSWER(&k, 1, "1|0|2|2.000000|2024");
}

TEST(coalesce_takes_the_second_value_where_the_first_is_null)
{
    struct dataset_world *w = *state;
    static const int v[] = { 0, -1, -1 }, u[] = { 1, 1, -1 };
    typed_table(w, v, u, LENGTH_OF(v));
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++) {
        struct ask k = ask_new(w);
        enum column_type type = (enum column_type)t;
        expr_t two = ask_coalesce(&k, typed_column(&k, 'v', t), typed_column(&k, 'u', t));
        ask_item(&k, ROW_PLAIN, two);
        ask_item(&k, ROW_PLAIN, ask_coalesce(&k, two, ask_value(&k, type, three_values[t][2])));
        ask_item(&k, ROW_PLAIN, ask_coalesce(&k, typed_column(&k, 'v', t), ask_value(&k, type, "-")));
        slice texts[] = { typed_text(w, t, 0), typed_text(w, t, 1), typed_text(w, t, 2) };
        EXPECT_SLICE(ask_answer(&k, 1), arena_printf(w->a,
                                                     SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT ";" SLICE_FMT "|" SLICE_FMT
                                                               "|-;-|" SLICE_FMT "|-",
                                                     SLICE_ARG(texts[0]), SLICE_ARG(texts[0]), SLICE_ARG(texts[0]),
                                                     SLICE_ARG(texts[1]), SLICE_ARG(texts[1]), SLICE_ARG(texts[2])));
    }
}

TEST(what_does_not_fit_its_type_is_invalid)
{
    struct dataset_world *w = *state;
    slice text;
    for (int t = COLUMN_INT8; t <= COLUMN_INT64; t++) {
        one_column(w, all_types[t], arena_printf(w->a, "1|;%s|", three_values[t][0]).p);
        EXPECT_ERR(try_call(w, ROW_ABS, &text), ERR_INVALID);
        EXPECT_SLICE(call(w, ROW_FLOOR), arena_printf(w->a, "1;%s", three_values[t][0]));
    }
    one_column(w, "decimal", "999999999999.999999|");
    EXPECT_ERR(try_call(w, ROW_CEIL, &text), ERR_INVALID);
    EXPECT_SLICE(call(w, ROW_FLOOR), S("999999999999.000000"));
    EXPECT_SLICE(round_to(w, 6), S("999999999999.999999"));
    struct ask k = ask_new(w);
    ask_item(&k, ROW_PLAIN, ask_round(&k, ask_column(&k, "v"), 5));
    EXPECT_ERR(ask_try(&k, 1, &text), ERR_INVALID);
    one_column(w, "decimal", "-999999999999.999999|");
    EXPECT_ERR(try_call(w, ROW_FLOOR, &text), ERR_INVALID);
    EXPECT_SLICE(call(w, ROW_CEIL), S("-999999999999.000000"));
}

/* ---- aggregates ---- */

TEST(aggregates_of_no_rows_are_0_or_null)
{
    struct dataset_world *w = *state;
    for (int empty = 0; empty < 2; empty++) {
        dataset_define(w, empty, "n int32, s string");
        if (!empty)
            dataset_add(w, empty, 1, "-|-;-|-");
        struct ask k = ask_new(w);
        expr_t n = ask_column(&k, "n"), s = ask_column(&k, "s");
        ask_item(&k, ROW_COUNT_ROWS, NULL);
        ask_item(&k, ROW_COUNT, n);
        ask_item(&k, ROW_COUNT_DISTINCT, s);
        ask_item(&k, ROW_SUM, n);
        ask_item(&k, ROW_AVG, n);
        ask_item(&k, ROW_MIN, s);
        ask_item(&k, ROW_MAX, n);
        ask_item(&k, ROW_ANY, s);
        ask_item(&k, ROW_PLAIN, ask_value(&k, COLUMN_STRING, "x"));
        EXPECT_SLICE(ask_answer(&k, empty), empty ? S("0|0|0|-|-|-|-|-|x") : S("2|0|0|-|-|-|-|-|x"));
        ask_where(&k, ask_test(&k, ROW_IS_NOT_NULL, n, NULL));
        EXPECT_ANSWER(&k, empty, "0|0|0|-|-|-|-|-|x");
        ask_group(&k, s);
        EXPECT_ANSWER(&k, empty, "");
    }
}

TEST(every_aggregate_of_every_type)
{
    struct dataset_world *w = *state;
    static const int v[] = { -1, 1, 2, -1, 1, 0 };
    static const enum row_aggregate aggregates[] = { ROW_COUNT, ROW_COUNT_DISTINCT, ROW_MIN, ROW_MAX, ROW_ANY };
    typed_table(w, v, v, LENGTH_OF(v));
    for (int t = 0; t < COLUMN_TYPE_COUNT; t++) {
        struct ask k = ask_new(w);
        for (size_t i = 0; i < LENGTH_OF(aggregates); i++)
            ask_item(&k, aggregates[i], typed_column(&k, 'v', t));
        EXPECT_SLICE(ask_answer(&k, 1), arena_printf(w->a, "4|%d|" SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT,
                                                     t == COLUMN_BOOL ? 2 : 3, SLICE_ARG(typed_text(w, t, 0)),
                                                     SLICE_ARG(typed_text(w, t, 2)), SLICE_ARG(typed_text(w, t, 1))));
    }
}

TEST(any_is_the_value_that_was_added_first_in_each_group)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "g string, v string");
    dataset_add(w, 1, 1, "b|-;a|z;b|y;a|a");
    dataset_add(w, 1, 2, "c|-;b|a;a|-");
    struct ask k = ask_new(w);
    ask_columns(&k, "g");
    ask_item(&k, ROW_ANY, ask_column(&k, "v"));
    ask_group(&k, ask_column(&k, "g"));
    EXPECT_ANSWER(&k, 1, "a|z;b|y;c|-");
}

TEST(sums_and_averages)
{
    struct dataset_world *w = *state;
    for (size_t t = 0; t < 8; t++) {
        one_column(w, number_types[t], "100|;-|;100|;27|;0|");
        EXPECT_SLICE(aggregate(w, ROW_SUM), S("227"));
        EXPECT_SLICE(aggregate(w, ROW_AVG), S("56.75"));
    }
    one_column(w, "decimal", "0.1|;-|;0.2|;-0.000001|");
    EXPECT_SLICE(aggregate(w, ROW_SUM), S("0.299999"));
    EXPECT_SLICE(aggregate(w, ROW_AVG), S("0.0999996666666667"));
    one_column(w, "float", "0.5|;-|;0.25|;-1|");
    EXPECT_SLICE(aggregate(w, ROW_SUM), S("-0.25"));
    EXPECT_SLICE(aggregate(w, ROW_AVG), S("-0.0833333333333333"));
    one_column(w, "int64", "9223372036854775807|;9223372036854775807|");
    EXPECT_SLICE(aggregate(w, ROW_AVG), S("9.22337203685478e+18"));
    one_column(w, "uint64", "18446744073709551615|;18446744073709551615|");
    EXPECT_SLICE(aggregate(w, ROW_AVG), S("1.84467440737096e+19"));
}

TEST(sums_are_invalid_when_they_do_not_fit)
{
    struct dataset_world *w = *state;
    slice text;
    one_column(w, "int64", "9223372036854775807|;9223372036854775807|;-9223372036854775807|");
    EXPECT_SLICE(aggregate(w, ROW_SUM), S("9223372036854775807"));
    one_column(w, "int64", "9223372036854775807|;1|");
    EXPECT_ERR(try_aggregate(w, ROW_SUM, &text), ERR_INVALID);
    one_column(w, "int64", "-9223372036854775808|;-1|");
    EXPECT_ERR(try_aggregate(w, ROW_SUM, &text), ERR_INVALID);
    one_column(w, "uint64", "18446744073709551615|;1|");
    EXPECT_ERR(try_aggregate(w, ROW_SUM, &text), ERR_INVALID);
    one_column(w, "uint64", "18446744073709551614|;1|");
    EXPECT_SLICE(aggregate(w, ROW_SUM), S("18446744073709551615"));
    one_column(w, "float", "1.7e308|;1.7e308|");
    EXPECT_ERR(try_aggregate(w, ROW_SUM, &text), ERR_INVALID);
    EXPECT_ERR(try_aggregate(w, ROW_AVG, &text), ERR_INVALID);
    one_column(w, "decimal", "999999999999.999999|;999999999999.999999|;0.000002|");
    EXPECT_SLICE(aggregate(w, ROW_SUM), S("2000000000000.000000"));
}

TEST(zero_and_negative_zero_are_one_value)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int8, v float");
    dataset_add(w, 1, 1, "1|-0.0;2|0.0;3|-0.0;4|1");
    struct ask k = ask_new(w);
    ask_item(&k, ROW_PLAIN, ask_column(&k, "v"));
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    ask_group(&k, ask_column(&k, "v"));
    EXPECT_ANSWER(&k, 1, "0|3;1|1");
    struct ask d = ask_new(w);
    ask_item(&d, ROW_COUNT_DISTINCT, ask_column(&d, "v"));
    EXPECT_ANSWER(&d, 1, "2");
    struct ask o = ask_new(w);
    ask_columns(&o, "id v");
    ask_order(&o, ask_column(&o, "v"), true);
    EXPECT_ANSWER(&o, 1, "4|1;1|0;2|0;3|0");
    ask_where(&o, ask_test(&o, ROW_EQ, ask_column(&o, "v"), "0.0"));
    EXPECT_ANSWER(&o, 1, "1|0;2|0;3|0");
    ask_where(&o, ask_test(&o, ROW_IN, ask_column(&o, "v"), "-0.0|7|8|9|10|11|12"));
    EXPECT_ANSWER(&o, 1, "1|0;2|0;3|0");
    ask_where(&o, ask_test(&o, ROW_LT, ask_column(&o, "v"), "0.0"));
    EXPECT_ANSWER(&o, 1, "");
}

/* ---- groups ---- */

TEST(groups_are_ascending_with_nulls_as_the_last_group)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "s string, n int8");
    dataset_add(w, 1, 1, "b|1;-|2;a|3;b|4;-|5;B|6");
    struct ask k = ask_new(w);
    ask_columns(&k, "s");
    ask_item(&k, ROW_SUM, ask_column(&k, "n"));
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    ask_group(&k, ask_column(&k, "s"));
    EXPECT_ANSWER(&k, 1, "B|6|1;a|3|1;b|5|2;-|7|2");
    ask_where(&k, ask_test(&k, ROW_GT, ask_column(&k, "n"), "2"));
    EXPECT_ANSWER(&k, 1, "B|6|1;a|3|1;b|4|1;-|5|1");
    k.limit = 2;
    k.offset = 1;
    EXPECT_ANSWER(&k, 1, "a|3|1;b|4|1");
}

TEST(groups_that_the_order_does_not_tell_apart_are_ascending)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "s string, n int8");
    dataset_add(w, 1, 1, "d|2;-|1;c|1;b|2;a|1;d|-");
    struct ask k = ask_new(w);
    ask_columns(&k, "s");
    ask_item(&k, ROW_MAX, ask_column(&k, "n"));
    ask_group(&k, ask_column(&k, "s"));
    ask_order_by_item(&k, 1, true);
    EXPECT_ANSWER(&k, 1, "b|2;d|2;a|1;c|1;-|1");
    struct ask g = ask_new(w);
    ask_item(&g, ROW_COUNT, ask_column(&g, "n"));
    ask_group(&g, ask_column(&g, "s"));
    ask_group(&g, ask_column(&g, "n"));
    ask_order(&g, ask_column(&g, "n"), true);
    EXPECT_ANSWER(&g, 1, "1;1;1;1;1;0");
}

TEST(expressions_may_be_grouped_and_repeated)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "s string, t date");
    dataset_add(w, 1, 1, "b|0;B|40;a|31;-|1;x|-");
    struct ask k = ask_new(w);
    /* The item and the order are written anew, not shared with the group. */
    ask_item(&k, ROW_PLAIN,
             ask_coalesce(&k, ask_call(&k, ROW_LOWER, ask_column(&k, "s")), ask_value(&k, COLUMN_STRING, "none")));
    ask_item(&k, ROW_PLAIN, ask_call(&k, ROW_TO_YEAR_MONTH, ask_column(&k, "t")));
    ask_item(&k, ROW_PLAIN, ask_value(&k, COLUMN_BOOL, "true"));
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    ask_group(&k, ask_call(&k, ROW_TO_YEAR_MONTH, ask_column(&k, "t")));
    ask_group(&k, ask_coalesce(&k, ask_call(&k, ROW_LOWER, ask_column(&k, "s")), ask_value(&k, COLUMN_STRING, "none")));
    EXPECT_ANSWER(&k, 1, "b|197001|true|1;none|197001|true|1;a|197002|true|1;b|197002|true|1;x|-|true|1");
    ask_order(&k, ask_coalesce(&k, ask_call(&k, ROW_LOWER, ask_column(&k, "s")), ask_value(&k, COLUMN_STRING, "none")),
              true);
    EXPECT_ANSWER(&k, 1, "x|-|true|1;none|197001|true|1;b|197001|true|1;b|197002|true|1;a|197002|true|1");
}

TEST(groups_without_aggregates_are_the_distinct_values)
{
    struct dataset_world *w = *state;
    one_column(w, "bool", "true|;-|;false|;true|;-|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    ask_group(&k, ask_column(&k, "v"));
    EXPECT_ANSWER(&k, 1, "false;true;-");
    ask_group(&k, ask_value(&k, COLUMN_INT8, "1"));
    EXPECT_ANSWER(&k, 1, "false;true;-");
}

TEST(aggregates_of_expressions)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "s string, d decimal, t datetime");
    dataset_add(w, 1, 1, "a|1.5|0;A|-2.5|86400;-|0.5|86399");
    struct ask k = ask_new(w);
    ask_item(&k, ROW_COUNT_DISTINCT, ask_call(&k, ROW_LOWER, ask_column(&k, "s")));
    ask_item(&k, ROW_SUM, ask_call(&k, ROW_ABS, ask_column(&k, "d")));
    ask_item(&k, ROW_MAX, ask_call(&k, ROW_TO_DATE, ask_column(&k, "t")));
    ask_item(&k, ROW_COUNT, ask_value(&k, COLUMN_INT8, "1"));
    ask_item(&k, ROW_SUM, ask_call(&k, ROW_LENGTH, ask_column(&k, "s")));
    ask_item(&k, ROW_ANY, ask_round(&k, ask_column(&k, "d"), 0));
    EXPECT_ANSWER(&k, 1, "1|4.500000|1|3|2|2.000000");
}

/* ---- size ---- */

TEST(a_query_may_have_as_many_items_columns_and_values_as_the_limits_say)
{
    struct dataset_world *w = *state;
    SCOPED(buf_releasep) struct buf spec;
    buf_init(&spec, 0);
    for (int i = 0; i < COLUMNS_MAX; i++)
        buf_printf(&spec, "%sc%d int16", i ? ", " : "", COLUMNS_MAX - i);
    buf_add_byte(&spec, 0);
    dataset_define(w, 1, spec.p);
    struct cell *cells = arena_array(w->a, struct cell, 3 * COLUMNS_MAX);
    for (int64_t i = 0; i < 3 * COLUMNS_MAX; i++)
        cells[i].integer = i;
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    EXPECT_OK(writer->ops->add(writer, cells, 3, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    struct ask k = ask_new(w);
    for (int i = 0; i < ROW_ITEMS_MAX; i++)
        ask_columns(&k, arena_printf(w->a, "c%d", COLUMNS_MAX - 5 * i).p);
    struct query_condition parts[18];
    struct cell values[ROW_VALUES_MAX];
    for (size_t i = 0; i < ROW_VALUES_MAX; i++)
        values[i] = (struct cell){ .integer = (int64_t)(i + 1000) };
    for (size_t i = 0; i < LENGTH_OF(parts); i++)
        EXPECT(query_test(&k.b, i % 2 ? ROW_IN : ROW_NOT_IN, ask_column(&k, i % 2 ? "c990" : "c1"), values,
                          i % 2 ? ROW_VALUES_MAX : ROW_VALUES_MAX - 1, &parts[i]));
    ask_where(&k, ask_join(&k, ROW_ALL, parts, LENGTH_OF(parts)));
    slice text = ask_answer(&k, 1);
    EXPECT(slice_starts(text, S("1000|1005|1010|")));
    EXPECT(slice_ends(text, S("|1995")));
    EXPECT_EQ(slice_find_byte(text, ';'), SLICE_NONE);
}

TEST(conditions_may_be_many_and_deep)
{
    struct dataset_world *w = *state;
    one_column(w, "int16", "1|;500|;-|;30000|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    enum { PARTS = 4000 };
    struct query_condition *parts = arena_array(w->a, struct query_condition, PARTS);
    for (int i = 0; i < PARTS; i++)
        parts[i] = ask_test(&k, ROW_EQ, ask_column(&k, "v"), arena_printf(w->a, "%d", i + 400).p);
    struct query_condition c = ask_join(&k, ROW_SOME, parts, PARTS);
    for (int i = 0; i < ROW_DEPTH_MAX - 2; i++)
        c = ask_join(&k, i % 2 ? ROW_ALL : ROW_NOT, &c, 1);
    ask_where(&k, c);
    EXPECT_ANSWER(&k, 1, "1;30000");
    struct ask deep = ask_new(w);
    expr_t e = ask_column(&deep, "v");
    for (int i = 1; i < ROW_DEPTH_MAX; i++)
        e = i % 2 ? ask_call(&deep, ROW_ABS, e) : ask_coalesce(&deep, e, ask_value(&deep, COLUMN_INT16, "-7"));
    ask_item(&deep, ROW_PLAIN, e);
    EXPECT_ANSWER(&deep, 1, "1;500;7;30000");
}

TEST(the_result_says_how_much_was_read)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64, s string");
    struct ask k = ask_new(w);
    ask_columns(&k, "n s");
    EXPECT_ANSWER(&k, 1, "");
    EXPECT_EQ(k.rows_read, 0);
    EXPECT_EQ(k.newest_row, 0);
    dataset_add(w, 1, 1, "1|a;2|bcdefghijk");
    ask_where(&k, ask_test(&k, ROW_EQ, ask_column(&k, "n"), "2"));
    EXPECT_ANSWER(&k, 1, "2|bcdefghijk");
    EXPECT_EQ(k.rows_read, 2);
    EXPECT(k.bytes_read >= 16 && k.bytes_read <= 64);
    EXPECT_EQ(k.newest_row, 2);
    uint64_t both = k.bytes_read;
    struct ask one = ask_new(w);
    ask_columns(&one, "n");
    EXPECT_ANSWER(&one, 1, "1;2");
    EXPECT(one.bytes_read > 0 && one.bytes_read < both);
}

/* ---- time ---- */

TEST(a_query_that_ran_too_long_expires_at_the_next_rows)
{
    struct dataset_world *w = *state;
    one_column(w, "int8", "1|;2|");
    struct ask k = ask_new(w);
    ask_columns(&k, "v");
    const struct cell *cells;
    size_t count;
    for (int limited = 0; limited < 2; limited++) {
        SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
        k.limit_ms = limited ? 1000 : 0;
        EXPECT_OK(ask_open(&k, 1, &cursor));
        clock_manual_advance(&w->clock, 999);
        EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
        EXPECT_EQ(count, 2);
        clock_manual_advance(&w->clock, 1);
        if (limited)
            EXPECT_ERR(cursor->ops->next(cursor, w->a, &cells, &count), ERR_EXPIRED);
        else
            EXPECT_OK(cursor->ops->next(cursor, w->a, &cells, &count));
    }
    EXPECT_ANSWER(&k, 1, "1;2");
}

/* Each look at this clock takes a second. */
static int64_t hasty_ms(struct clock *c)
{
    struct clock_manual *m = CONTAINER_OF(c, struct clock_manual, clock);
    return __atomic_add_fetch(&m->mono_ms, 1000, __ATOMIC_RELAXED);
}

/* The query counts the distinct texts that many functions make of each of many rows: it would take minutes. */
TEST(a_query_that_computes_for_too_long_is_stopped)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "id int64, n int8");
    for (int64_t i = 0; i < 10; i++)
        add_numbers(w, i + 1, i * 20000, 20000);
    struct ask k = ask_new(w);
    struct query_condition parts[3000];
    for (size_t i = 0; i < LENGTH_OF(parts); i++)
        parts[i] = ask_test(&k, ROW_NE, ask_call(&k, ROW_ABS, ask_round(&k, ask_column(&k, "id"), 2)),
                            arena_printf(w->a, "%zu", i + 1000000).p);
    ask_item(&k, ROW_COUNT_DISTINCT, ask_column(&k, "id"));
    ask_where(&k, ask_join(&k, ROW_ALL, parts, LENGTH_OF(parts)));
    k.limit_ms = 5000;
    w->clock.clock.monotonic_ms = hasty_ms;
    slice text;
    EXPECT_ERR(ask_try(&k, 1, &text), ERR_EXPIRED);
}

/* Of all the places where the pattern may begin, each one fits for most of its length. */
TEST(a_pattern_that_is_compared_for_too_long_is_stopped)
{
    struct dataset_world *w = *state;
    enum { LENGTH = 1000000, HALF = LENGTH / 2 };
    char *text = arena_alloc(w->a, LENGTH), *pattern = arena_alloc(w->a, HALF);
    memset(text, 'a', LENGTH);
    memset(pattern, 'a', HALF);
    pattern[0] = '%';
    pattern[HALF - 1] = 'b';
    dataset_define(w, 1, "v string");
    struct cell cell = { .text = { text, LENGTH } }, value = { .text = { pattern, HALF } };
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    EXPECT_OK(writer->ops->add(writer, &cell, 1, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    struct ask k = ask_new(w);
    struct query_condition is_like;
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    EXPECT(query_test(&k.b, ROW_LIKE, ask_column(&k, "v"), &value, 1, &is_like));
    ask_where(&k, is_like);
    k.limit_ms = 20000;
    w->clock.clock.monotonic_ms = hasty_ms;
    slice answer;
    EXPECT_ERR(ask_try(&k, 1, &answer), ERR_EXPIRED);
}

static const struct dataset_case cases[] = {
    DATASET_CASE(extremes_of_every_type_and_nulls_are_read_as_they_were_added),
    DATASET_CASE(texts_of_any_length_and_character_are_kept),
    DATASET_CASE(names_of_columns_may_be_words_of_a_query_language_and_differ_in_case),
    DATASET_CASE(every_type_is_ordered_with_nulls_last),
    DATASET_CASE(texts_are_ordered_and_compared_by_their_bytes),
    DATASET_CASE(rows_that_the_order_does_not_tell_apart_come_as_they_were_added),
    DATASET_CASE(several_orders_and_orders_by_items_and_functions),
    DATASET_CASE(without_an_order_rows_come_as_they_were_added_however_many_there_are),
    DATASET_CASE(a_long_list_leaves_rows_as_they_were_added_also_in_a_small_table),
    DATASET_CASE(limit_and_offset_may_exceed_the_result),
    DATASET_CASE(rows_after_up_to_row_do_not_exist),
    DATASET_CASE(every_test_of_a_value),
    DATASET_CASE(values_of_every_type_are_compared),
    DATASET_CASE(nulls_make_conditions_unknown),
    DATASET_CASE(conditions_without_parts_are_all_true_and_some_false),
    DATASET_CASE(patterns_match_whole_texts_by_characters),
    DATASET_CASE(a_pattern_was_tried_at_every_place_for_each_percent),
    DATASET_CASE(patterns_of_nulls_are_unknown),
    DATASET_CASE(functions_of_text),
    DATASET_CASE(whole_numbers_are_their_own_floor_and_absolute),
    DATASET_CASE(decimals_above_nine_million_were_not_rounded),
    DATASET_CASE(decimals_are_rounded_with_halves_to_the_even_neighbour),
    DATASET_CASE(floats_are_rounded_as_rint_does),
    DATASET_CASE(functions_of_times_are_in_utc),
    DATASET_CASE(the_start_of_a_month_is_compared_like_other_dates),
    DATASET_CASE(functions_of_functions),
    DATASET_CASE(coalesce_takes_the_second_value_where_the_first_is_null),
    DATASET_CASE(what_does_not_fit_its_type_is_invalid),
    DATASET_CASE(aggregates_of_no_rows_are_0_or_null),
    DATASET_CASE(every_aggregate_of_every_type),
    DATASET_CASE(any_is_the_value_that_was_added_first_in_each_group),
    DATASET_CASE(sums_and_averages),
    DATASET_CASE(sums_are_invalid_when_they_do_not_fit),
    DATASET_CASE(zero_and_negative_zero_are_one_value),
    DATASET_CASE(groups_are_ascending_with_nulls_as_the_last_group),
    DATASET_CASE(groups_that_the_order_does_not_tell_apart_are_ascending),
    DATASET_CASE(expressions_may_be_grouped_and_repeated),
    DATASET_CASE(groups_without_aggregates_are_the_distinct_values),
    DATASET_CASE(aggregates_of_expressions),
    DATASET_CASE(a_query_may_have_as_many_items_columns_and_values_as_the_limits_say),
    DATASET_CASE(conditions_may_be_many_and_deep),
    DATASET_CASE(the_result_says_how_much_was_read),
    DATASET_CASE(a_query_that_ran_too_long_expires_at_the_next_rows),
    DATASET_CASE(a_query_that_computes_for_too_long_is_stopped),
    DATASET_CASE_OF(1u << DATASET_DUCKDB, a_pattern_that_is_compared_for_too_long_is_stopped),
};

int main(void)
{
    tmpdir_use_memory();
    return dataset_run_cases(cases, LENGTH_OF(cases));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "core/dataset/columns.h"
#include "core/records/column_index.h"

#include <stdio.h>
#include <string.h>

/* The columns as "name:type " for each, or the fault as a number, and the name that is to blame. */
static slice inferred(struct arena *a, slice sample)
{
    struct column_list columns;
    slice name, text = S("");
    enum column_fault fault = columns_infer(sample, a, &columns, &name);
    if (fault)
        return arena_printf(a, "%d " SLICE_FMT, (int)fault, SLICE_ARG(name));
    for (size_t i = 0; i < columns.count; i++)
        text = arena_join(
            a, (slice[]){ text, columns.items[i].name, S(":"), column_type_declared(columns.items[i].type), S(" ") },
            5);
    return text;
}

TEST(types_are_found_by_each_of_their_names)
{
    const struct {
        const char *declared;
        enum column_type type;
    } names[] = { { "string", COLUMN_STRING },   { "text", COLUMN_STRING },       { "integer", COLUMN_INT64 },
                  { "int", COLUMN_INT64 },       { "Int8", COLUMN_INT8 },         { "Int16", COLUMN_INT16 },
                  { "Int32", COLUMN_INT32 },     { "Int64", COLUMN_INT64 },       { "UInt8", COLUMN_UINT8 },
                  { "UInt16", COLUMN_UINT16 },   { "UInt32", COLUMN_UINT32 },     { "uint64", COLUMN_UINT64 },
                  { "decimal", COLUMN_DECIMAL }, { "float", COLUMN_FLOAT },       { "double", COLUMN_FLOAT },
                  { "number", COLUMN_FLOAT },    { "boolean", COLUMN_BOOL },      { "bool", COLUMN_BOOL },
                  { "date", COLUMN_DATE },       { "DateTime", COLUMN_DATETIME }, { "datetime64", COLUMN_DATETIME64 },
                  { "json", COLUMN_JSON } };
    enum column_type type;
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        EXPECT(column_type_find(slice_of(names[i].declared), &type) && type == names[i].type);
    EXPECT(!column_type_find(S(""), &type) && !column_type_find(S("varchar"), &type));
    for (size_t i = 0; i < COLUMN_TYPE_COUNT; i++)
        EXPECT(column_type_find(column_type_declared((enum column_type)i), &type) && type == i);
}

TEST(names_of_columns_are_checked)
{
    SCRATCH(a);
    char longest[COLUMN_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    EXPECT(column_name_is_valid(S("_a9Z")) && column_name_is_valid((slice){ longest, COLUMN_NAME_MAX }));
    EXPECT(!column_name_is_valid((slice){ longest, sizeof longest }));
    const slice bad[] = { S(""), S("9a"), S("a-b"), S("a b"), S("é"), S("a\0"), S("\"") };
    slice name;
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct column items[] = { { .name = S("ok") }, { .name = bad[i] } };
        EXPECT_EQ(columns_check(&(struct column_list){ items, 2 }, &a, &name), COLUMNS_BAD_NAME);
        EXPECT_SLICE(name, bad[i]);
    }
    struct column twice[] = { { .name = S("a") }, { .name = S("A") }, { .name = S("b") }, { .name = S("a") } };
    EXPECT_EQ(columns_check(&(struct column_list){ twice, 3 }, &a, &name), COLUMNS_FINE);
    EXPECT_EQ(columns_check(&(struct column_list){ twice, 4 }, &a, &name), COLUMNS_NAME_TAKEN);
    EXPECT_SLICE(name, S("a"));
    EXPECT_EQ(columns_check(&(struct column_list){ NULL, COLUMNS_MAX + 1 }, &a, &name), COLUMNS_TOO_MANY);
    EXPECT_EQ(columns_check(&(struct column_list){ NULL, 0 }, &a, &name), COLUMNS_FINE);
}

TEST(a_column_is_found_among_a_thousand)
{
    SCRATCH(a);
    struct column_list columns = { arena_array(&a, struct column, COLUMNS_MAX), COLUMNS_MAX };
    for (size_t i = 0; i < columns.count; i++) /* names that differ in length, at the end, at the beginning */
        columns.items[i].name = arena_printf(&a, i % 3 ? "c%zu" : "a_common_beginning_%zu", i * 7919 % COLUMNS_MAX);
    slice bad;
    EXPECT_EQ(columns_check(&columns, &a, &bad), COLUMNS_FINE);
    struct column_index x;
    column_index_init(&x, &columns, &a);
    for (size_t i = 0; i < columns.count; i++)
        EXPECT_EQ(column_index_find(&x, columns.items[i].name), i);
    const slice others[] = { S(""), S("c"), S("c7919"), S("a_common"), S("a_common_beginning_"), S("c1\0"), S("\xff") };
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        EXPECT_EQ(column_index_find(&x, others[i]), COLUMN_NONE);
}

TEST(columns_are_inferred_from_one_object)
{
    SCRATCH(a);
    EXPECT_SLICE(
        inferred(&a, S("{\"id\":1,\"name\":\"x\",\"price\":1.50,\"ratio\":0.1234567,\"ok\":true,\"day\":\"2026-11-21\","
                       "\"at\":\"2026-11-21T10:00:00Z\",\"fine\":\"2026-11-21 10:00:00.5\",\"tags\":[\"a\"],\"o\":{},"
                       "\"none\":null,\"empty\":\"\",\"big\":18446744073709551615,\"huge\":18446744073709551616,"
                       "\"e\":1e2,\"phone\":\"1234\",\"no_day\":\"2026-11-31\",\"\\u0061b\":1}")),
        S("id:integer name:string price:decimal ratio:float ok:boolean day:date at:datetime fine:datetime64 tags:json "
          "o:json none:string empty:string big:UInt64 huge:float e:decimal phone:string no_day:string ab:integer "));
    EXPECT_SLICE(inferred(&a, S("{}")), S(""));
    EXPECT_SLICE(inferred(&a, S("{\"a\":1e400}")), S("a:string "));
}

TEST(several_samples_are_merged_to_the_type_that_takes_them_all)
{
    SCRATCH(a);
    EXPECT_SLICE(
        inferred(
            &a,
            S("[{\"a\":1,\"b\":1,\"c\":\"2026-11-21\",\"d\":null,\"e\":1,\"f\":-1,\"g\":1,\"h\":true,\"i\":[],\"j\":0."
              "5},"
              "{\"x\":1,\"a\":1.5,\"b\":1e300,\"c\":\"2026-11-21 10:00:00\",\"d\":true,\"e\":\"1\","
              "\"f\":18446744073709551615,\"g\":18446744073709551615,\"h\":0,\"i\":\"s\",\"j\":9000000000000000000}]")),
        S("a:decimal b:float c:datetime d:boolean e:string f:float g:UInt64 h:string i:json j:float x:integer "));
    EXPECT_SLICE(inferred(&a, S("[{\"a\":\"2026-11-21\"},{\"a\":\"2026-11-21 10:00:00.25Z\"},{\"a\":\"\"}]")),
                 S("a:datetime64 "));
    EXPECT_SLICE(inferred(&a, S("[{\"a\":\"2026-11-21\"},{\"a\":1}]")), S("a:string "));
    EXPECT_SLICE(inferred(&a, S("[]")), S(""));
}

TEST(samples_that_give_no_columns_are_refused)
{
    SCRATCH(a);
    EXPECT_SLICE(inferred(&a, S("")), arena_printf(&a, "%d ", COLUMNS_BAD_SAMPLE));
    EXPECT_SLICE(inferred(&a, S("1")), arena_printf(&a, "%d ", COLUMNS_BAD_SAMPLE));
    EXPECT_SLICE(inferred(&a, S("[{},1]")), arena_printf(&a, "%d ", COLUMNS_BAD_SAMPLE));
    EXPECT_SLICE(inferred(&a, S("[[]]")), arena_printf(&a, "%d ", COLUMNS_BAD_SAMPLE));
    EXPECT_SLICE(inferred(&a, S("{\"a\":1")), arena_printf(&a, "%d ", COLUMNS_BAD_SAMPLE));
    EXPECT_SLICE(inferred(&a, S("{\"data venda\":1}")), arena_printf(&a, "%d data venda", COLUMNS_BAD_NAME));
    EXPECT_SLICE(inferred(&a, S("{\"\":1}")), arena_printf(&a, "%d ", COLUMNS_BAD_NAME));
    char name[1000];
    memset(name, 'n', sizeof name);
    EXPECT_SLICE(inferred(&a, arena_join(&a, (slice[]){ S("{\""), { name, sizeof name }, S("\":1}") }, 3)),
                 arena_printf(&a, "%d %.*s", COLUMNS_BAD_NAME, COLUMN_NAME_MAX + 1, name));
    SCOPED(buf_releasep) struct buf many = { 0 };
    for (int i = 0; i <= COLUMNS_MAX; i++) {
        slice whole = buf_slice(&many);
        if (i == COLUMNS_MAX) {
            struct column_list columns;
            slice bad;
            EXPECT_EQ(columns_infer(arena_join(&a, (slice[]){ S("["), whole, S("]") }, 3), &a, &columns, &bad),
                      COLUMNS_FINE);
            EXPECT_EQ(columns.count, COLUMNS_MAX);
        }
        buf_printf(&many, "%s{\"c%d\":%d}", i ? "," : "", i, i);
    }
    EXPECT_SLICE(inferred(&a, arena_join(&a, (slice[]){ S("["), buf_slice(&many), S("]") }, 3)),
                 arena_printf(&a, "%d ", COLUMNS_TOO_MANY));
}

RUN_TESTS(cmocka_unit_test(types_are_found_by_each_of_their_names), cmocka_unit_test(names_of_columns_are_checked),
          cmocka_unit_test(a_column_is_found_among_a_thousand), cmocka_unit_test(columns_are_inferred_from_one_object),
          cmocka_unit_test(several_samples_are_merged_to_the_type_that_takes_them_all),
          cmocka_unit_test(samples_that_give_no_columns_are_refused))

/* SPDX-License-Identifier: Apache-2.0 */
/* Prints questions about sync files as statements of both databases, one JSON object on each line: {"sqlite", "postgres", "values"}. For
 * tests/conformance/test_postgres.py. */
#include "../../src/meta/sync_file_query_priv.h"
#include "base/json.h"
#include "core/query/query_build.h"
#include "core/records/sync_file.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_MS 5000
#define WORKSPACE 1

static void put_values(struct json_out *o, const struct row_sql *s)
{
    json_name(o, "values");
    json_open_array(o);
    for (size_t i = 0; i < s->count; i++) {
        if (s->values[i].type == SQL_INT)
            json_add_int(o, s->values[i].integer);
        else
            json_add_string(o, s->values[i].bytes);
    }
    json_close_array(o);
}

static void print_query(const struct row_query *rows, int64_t section_id, struct arena *a)
{
    static const char *const names[SQL_DIALECTS] = { [SQL_SQLITE] = "sqlite", [SQL_POSTGRES] = "postgres" };
    struct sync_file_query q = { .rows = rows, .workspace_id = WORKSPACE, .section_id = section_id, .now_ms = NOW_MS };
    SCOPED(buf_releasep) struct buf line;
    struct json_out o;
    struct row_sql s;
    buf_init(&line, 0);
    json_out_init(&o, &line);
    json_open_object(&o);
    for (int d = 0; d < SQL_DIALECTS; d++) {
        sync_file_query_write(&s, (enum sql_dialect)d, &q, a);
        json_put_string(&o, names[d], buf_give(&s.text, a));
    }
    put_values(&o, &s);
    json_close_object(&o);
    printf("%.*s\n", (int)line.n, line.p);
}

/* Values that some of the rows of the test have, for each kind of columns. */
static size_t values_of(enum column_type type, struct cell *values)
{
    static const char *const texts[] = { "a", "B", "\xc3\xa9", "x" };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        values[i] = type == COLUMN_STRING       ? (struct cell){ .text = slice_of(texts[i]) }
                    : type == COLUMN_DATETIME64 ? (struct cell){ .integer = (int64_t)(i + 1) * 1000000 }
                                                : (struct cell){ .integer = (int64_t)i * 2 };
    return LENGTH_OF(texts);
}

static void print_condition(struct query_builder *b, const struct query_condition *c, bool is_descending,
                            const struct row_expr *by)
{
    struct row_order order = { .expr = by, .is_descending = is_descending };
    struct row_query rows = {
        .columns = b->columns, .where = &c->condition, .orders = &order, .order_count = by ? 1 : 0
    };
    print_query(&rows, is_descending ? 2 : 0, b->a);
}

static void print_tests_of(struct query_builder *b, const struct row_expr *expr)
{
    static const enum row_test tests[] = { ROW_EQ, ROW_NE,     ROW_LT,      ROW_LE,          ROW_GT,     ROW_GE,
                                           ROW_IN, ROW_NOT_IN, ROW_IS_NULL, ROW_IS_NOT_NULL, ROW_MATCHES };
    struct cell values[4], pattern = { .text = S("^(a|B)$|x") };
    struct query_condition parts[2], joined;
    size_t count = values_of(expr->type, values);
    for (size_t t = 0; t < LENGTH_OF(tests); t++) {
        bool is_list = tests[t] == ROW_IN || tests[t] == ROW_NOT_IN, is_match = tests[t] == ROW_MATCHES;
        bool has_none = tests[t] == ROW_IS_NULL || tests[t] == ROW_IS_NOT_NULL;
        if (is_match && expr->type != COLUMN_STRING)
            continue;
        for (size_t i = 0; i < (is_list || is_match || has_none ? 1 : count); i++) {
            if (!query_test(b, tests[t], expr, is_match ? &pattern : &values[i],
                            is_list    ? 3
                            : has_none ? 0
                                       : 1,
                            &parts[0]) ||
                !query_test(b, ROW_IS_NULL, expr, NULL, 0, &parts[1]) ||
                !query_join(b, t % 2 ? ROW_SOME : ROW_ALL, parts, 2, &joined))
                exit(1);
            print_condition(b, &parts[0], false, expr);
            print_condition(b, &parts[0], true, expr);
            print_condition(b, &joined, false, NULL);
            if (!query_join(b, ROW_NOT, &joined, 1, &parts[1]))
                exit(1);
            print_condition(b, &parts[1], false, NULL);
        }
    }
}

int main(void)
{
    for (size_t i = 0; i < SYNC_COLUMNS; i++) {
        SCRATCH(a);
        struct query_builder b;
        query_builder_init_whole(&b, &a, &sync_file_columns);
        print_tests_of(&b, query_column(&b, sync_file_columns.items[i].name));
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random queries of random rows: the store on DuckDB must answer as the one in memory does, whose evaluator is simple. */
#include "dataset_fixture.h"
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/buf.h"
#include "base/random.h"
#include "dataset/duckdb/compile.h"
#include "dataset/duckdb/duckdb_store.h"
#include "dataset/mem/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES_OF_A_TABLE = 200, ROWS_MAX = 300, DEPTH = 4 };

struct pair {
    struct arena arena, *a;
    struct clock_manual clock;
    struct dataset_store *stores[2]; /* mem, duckdb */
    struct random_seeded random;
    struct column_list columns;
    struct query_builder b;
    int names;
};

static uint64_t draw(struct pair *p, uint64_t below)
{
    uint64_t n;
    random_fill(&p->random.random, &n, sizeof n);
    return n % below;
}

/* ---- values: few enough that many are equal ---- */

static struct cell random_value(struct pair *p, enum column_type type)
{
    static const char *const texts[] = { "",
                                         "a",
                                         "A",
                                         "ab",
                                         "Ab ",
                                         " ab",
                                         "b%",
                                         "a_b",
                                         "\\",
                                         "\xc3\xa9",
                                         "\xc3\x89x",
                                         "%",
                                         "_",
                                         "aab",
                                         "abab",
                                         "zz",
                                         "\xf0\x9f\x8f\xbc",
                                         "twelve bytes",
                                         "thirteen bytes" };
    static const double reals[] = { 0, -0.0, 0.5, 1.5, 2.5, -0.5, -2.5, 0.1, 1e15, -1e300, 1e-300, 3.25 };
    static const int64_t small[] = { 0, 1, -1, 2, 5, 100, -100, 127, -128 };
    static const int64_t times[] = { 0, -1, 86399, 86400, 1709210096, -62135596800, 253402300799, 951782400 };
    static const int64_t decimals[] = {
        0, 1, 500000, 1500000, -500000, 2345000, 2355000, -499999, 999999999999999999, -999999999999999999
    };
    struct cell c = { .is_null = false };
    int64_t v = small[draw(p, LENGTH_OF(small))], t = times[draw(p, LENGTH_OF(times))];
    if (column_type_is_text(type))
        c.text = slice_of(texts[draw(p, LENGTH_OF(texts))]);
    else if (type == COLUMN_BOOL)
        c.boolean = draw(p, 2);
    else if (type == COLUMN_FLOAT)
        c.real = reals[draw(p, LENGTH_OF(reals))];
    else if (type == COLUMN_DECIMAL)
        c.decimal = draw(p, 10) ? decimals[draw(p, 8)] : decimals[draw(p, LENGTH_OF(decimals))];
    else if (type == COLUMN_DATE)
        c.integer = (t - (t % 86400 + 86400) % 86400) / 86400;
    else if (type == COLUMN_DATETIME)
        c.integer = t;
    else if (type == COLUMN_DATETIME64)
        c.integer = t * 1000000 + (t < 0 ? (int64_t)draw(p, 2) : (int64_t)draw(p, 1000000));
    else if (column_type_is_unsigned(type))
        c.natural = (uint64_t)(v < 0 ? -v : v);
    else
        c.integer = v;
    return c;
}

/* ---- expressions ---- */

static const struct row_expr *random_column(struct pair *p)
{
    return query_column(&p->b, p->columns.items[draw(p, p->columns.count)].name);
}

/* But for ROW_ROUND, which has another argument. */
static enum row_function random_function(struct pair *p)
{
    enum row_function f = (enum row_function)(ROW_LOWER + draw(p, ROW_COALESCE - ROW_LOWER));
    return f == ROW_ROUND ? ROW_ABS : f;
}

/* A function that does not take the type is left out. */
static const struct row_expr *random_expr(struct pair *p, int depth)
{
    const struct row_expr *of = depth ? random_expr(p, depth - 1) : random_column(p);
    struct cell value;
    switch (draw(p, depth ? 4 : 2)) {
    case 0:
        return of;
    case 1:
        value = random_value(p, of->type);
        return query_coalesce(&p->b, of, query_literal(&p->b, of->type, value));
    case 2:
        return column_type_is_number(of->type) ? query_round(&p->b, of, (int64_t)draw(p, 7)) : of;
    default: {
        const struct row_expr *made = query_call(&p->b, random_function(p), of);
        return made ? made : of;
    }
    }
}

/* ---- conditions ---- */

static struct query_condition random_test(struct pair *p)
{
    struct query_condition c = { { .test = ROW_ALL }, 0 };
    struct cell values[12];
    const struct row_expr *of = random_expr(p, (int)draw(p, 3));
    enum row_test test = (enum row_test)(ROW_EQ + draw(p, ROW_IS_NOT_NULL - ROW_EQ + 1));
    size_t count = test == ROW_IN || test == ROW_NOT_IN             ? 1 + draw(p, LENGTH_OF(values))
                   : test == ROW_BETWEEN                            ? 2
                   : test == ROW_IS_NULL || test == ROW_IS_NOT_NULL ? 0
                                                                    : 1;
    if ((test == ROW_LIKE || test == ROW_NOT_LIKE) && !column_type_is_text(of->type))
        test = ROW_GE;
    for (size_t i = 0; i < count; i++) {
        values[i] = random_value(p, of->type);
        if ((test == ROW_LIKE || test == ROW_NOT_LIKE) && slice_ends(values[i].text, S("\\")))
            values[i].text = S("a\\%%");
    }
    EXPECT(query_test(&p->b, test, of, values, count, &c));
    return c;
}

static struct query_condition random_condition(struct pair *p, int depth)
{
    struct query_condition parts[4], c;
    if (!depth || draw(p, 3) == 0)
        return random_test(p);
    enum row_test test = (enum row_test)(ROW_ALL + draw(p, 3));
    size_t count = test == ROW_NOT ? 1 : draw(p, LENGTH_OF(parts) + 1);
    for (size_t i = 0; i < count; i++)
        parts[i] = random_condition(p, depth - 1);
    EXPECT(query_join(&p->b, test, parts, count, &c));
    return c;
}

/* ---- queries ---- */

static slice new_name(struct pair *p)
{
    return arena_printf(p->a, "i%d", p->names++);
}

static void add_plain_query(struct pair *p)
{
    size_t items = 1 + draw(p, 4), orders = draw(p, 3);
    for (size_t i = 0; i < items; i++)
        EXPECT(query_add_item(&p->b, ROW_PLAIN, random_expr(p, (int)draw(p, DEPTH)), new_name(p)));
    for (size_t i = 0; i < orders; i++) {
        if (draw(p, 2))
            EXPECT(query_add_order(&p->b, draw(p, items), NULL, draw(p, 2)));
        else
            EXPECT(query_add_order(&p->b, SLICE_NONE, random_expr(p, (int)draw(p, 3)), draw(p, 2)));
    }
}

static void add_aggregate(struct pair *p)
{
    enum row_aggregate aggregate = (enum row_aggregate)(ROW_COUNT_ROWS + draw(p, ROW_ANY - ROW_COUNT_ROWS + 1));
    const struct row_expr *of = random_expr(p, (int)draw(p, 3));
    if ((aggregate == ROW_SUM || aggregate == ROW_AVG) && !column_type_is_number(of->type))
        aggregate = ROW_MAX;
    EXPECT(query_add_item(&p->b, aggregate, aggregate == ROW_COUNT_ROWS ? NULL : of, new_name(p)));
}

static void add_grouped_query(struct pair *p)
{
    const struct row_expr *groups[3];
    size_t count = draw(p, LENGTH_OF(groups) + 1), items = 0;
    for (size_t i = 0; i < count; i++) {
        groups[i] = random_expr(p, (int)draw(p, 3));
        EXPECT(query_add_group(&p->b, groups[i]));
        if (draw(p, 3)) {
            EXPECT(query_add_item(&p->b, ROW_PLAIN, groups[i], new_name(p)));
            items++;
        }
    }
    for (size_t n = 1 + draw(p, 3); n; n--, items++)
        add_aggregate(p);
    for (size_t n = draw(p, 3); n; n--) {
        if (count && draw(p, 2))
            EXPECT(query_add_order(&p->b, SLICE_NONE, groups[draw(p, count)], draw(p, 2)));
        else
            EXPECT(query_add_order(&p->b, draw(p, items), NULL, draw(p, 2)));
    }
}

static struct row_query random_query(struct pair *p, uint64_t rows)
{
    struct row_query q;
    query_builder_init(&p->b, p->a, &p->columns);
    if (draw(p, 2))
        add_plain_query(p);
    else
        add_grouped_query(p);
    if (draw(p, 4)) {
        struct query_condition c = random_condition(p, (int)draw(p, 4));
        query_set_where(&p->b, &c);
    }
    EXPECT(query_end(&p->b, &q));
    q.limit = draw(p, 2) ? UINT64_MAX : draw(p, rows + 2);
    q.offset = draw(p, 3) ? 0 : draw(p, rows + 2);
    q.up_to_row = draw(p, 3) ? 0 : (int64_t)draw(p, rows + 2);
    return q;
}

/* ---- comparing ---- */

/* Sums of FLOAT may differ in the last digits. */
static slice text_of(struct pair *p, enum column_type type, const struct cell *c)
{
    if (type == COLUMN_FLOAT && !c->is_null)
        return arena_printf(p->a, "%.11g", c->real);
    return dataset_text(p->a, type, c);
}

static err_t read_all(struct pair *p, int which, const struct row_query *q, struct buf *to)
{
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    const struct dataset_ops *ops = p->stores[which]->ops;
    const struct cell *cells;
    TRY(ops->query(p->stores[which], 1, q, 0, p->a, &cursor));
    buf_printf(to, "up to %lld\n", (long long)cursor->newest_row);
    for (size_t count = 1; count;) {
        TRY(ops->next(cursor, p->a, &cells, &count));
        for (size_t i = 0; i < count * q->item_count; i++) {
            buf_add(to, text_of(p, q->items[i % q->item_count].type, &cells[i]));
            buf_add_byte(to, i % q->item_count == q->item_count - 1 ? '\n' : '|');
        }
    }
    return NULL;
}

/* The first line that differs. */
static void report_difference(struct pair *p, const struct row_query *q, const char *want, const char *got,
                              uint64_t seed)
{
    size_t line = 0, number = 0;
    for (size_t i = 0; want[i] == got[i]; i++)
        if (want[i] == '\n') {
            line = i + 1;
            number++;
        }
    print_message("%s\n", compile_query(q, (struct compiled_rows){ q->up_to_row, q->up_to_row > 0, 0 },
                                        (struct compiled_limits){ 1, 1 }, p->a)
                              .sql.p);
    fail_msg("seed %llu, line %zu: mem answers %.*s and duckdb %.*s", (unsigned long long)seed, number,
             (int)strcspn(want + line, "\n"), want + line, (int)strcspn(got + line, "\n"), got + line);
}

static void compare(struct pair *p, const struct row_query *q, uint64_t seed)
{
    SCOPED(buf_releasep) struct buf want, got;
    buf_init(&want, 0);
    buf_init(&got, 0);
    err_t e = read_all(p, 0, q, &want), f = read_all(p, 1, q, &got);
    buf_add_byte(&want, 0);
    buf_add_byte(&got, 0);
    /* Whether an overflow counts in a row that is left out is up to the store. */
    if (e && e->code == ERR_INVALID && (!f || f->code == ERR_INVALID))
        return;
    if (f && f->code == ERR_INVALID && q->where)
        return;
    EXPECT_OK(e);
    if (f)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err_text(p->a, f).p);
    if (strcmp(want.p, got.p) != 0)
        report_difference(p, q, want.p, got.p, seed);
}

/* ---- tables ---- */

static void make_table(struct pair *p)
{
    p->columns.count = 1 + draw(p, 8);
    p->columns.items = arena_array(p->a, struct column, p->columns.count);
    for (size_t i = 0; i < p->columns.count; i++)
        p->columns.items[i] = (struct column){ .name = arena_printf(p->a, "c%zu", p->columns.count - 1 - i),
                                               .type = (enum column_type)draw(p, COLUMN_TYPE_COUNT) };
    for (int which = 0; which < 2; which++) {
        struct dataset_store *store = p->stores[which];
        EXPECT_OK(store->ops->remove(store, 1, p->a));
        EXPECT_OK(store->ops->define(store, 1, &p->columns, p->a));
    }
}

static uint64_t add_file(struct pair *p, int64_t file_id)
{
    size_t rows = draw(p, ROWS_MAX), n = 0;
    struct cell *cells = arena_array(p->a, struct cell, rows * p->columns.count + 1);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < p->columns.count; i++) {
            cells[n] = random_value(p, p->columns.items[i].type);
            cells[n++].is_null = draw(p, 6) == 0;
        }
    for (int which = 0; which < 2; which++) {
        struct dataset_writer *w;
        const struct dataset_ops *ops = p->stores[which]->ops;
        EXPECT_OK(ops->open(p->stores[which], 1, file_id, p->a, &w));
        EXPECT_OK(ops->add(w, cells, rows, p->a));
        EXPECT_OK(ops->commit(w, p->a));
    }
    return rows;
}

TEST(duckdb_answers_random_queries_as_the_store_in_memory_does)
{
    tmpdir_use_memory();
    char *dir = tmpdir_make();
    struct pair pair = { .names = 0 }, *p = &pair;
    p->a = &p->arena;
    arena_set_limit(p->a, SIZE_MAX / 2, NULL);
    clock_manual_init(&p->clock, 1000000);
    p->stores[0] = dataset_mem_new(&p->clock.clock);
    EXPECT_OK(dataset_duckdb_open(dir, NULL, &p->clock.clock, p->a, &p->stores[1]));
    uint64_t rows = 0;
    for (int i = 0; i < rounds(ROUNDS_dataset_queries); i++) {
        uint64_t seed = rounds_seed() * 1000000 + (uint64_t)i;
        random_seeded_init(&p->random, seed);
        if (i % QUERIES_OF_A_TABLE == 0) {
            make_table(p);
            rows = add_file(p, 1) + (draw(p, 2) ? add_file(p, 2) : 0);
        }
        struct row_query q = random_query(p, rows);
        compare(p, &q, seed);
    }
    for (int which = 0; which < 2; which++)
        p->stores[which]->ops->close_store(p->stores[which]);
    arena_release(p->a);
    tmpdir_remove(dir);
}

RUN_TESTS(cmocka_unit_test(duckdb_answers_random_queries_as_the_store_in_memory_does))

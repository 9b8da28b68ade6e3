/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about records: core/records/record.h. Over files and in memory; and random questions about random records, which a simple
 * evaluator answers, too. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/json.h"
#include "core/query/query_build.h"
#include "core/store/record_store.h"
#include "record/record.h"
#include "row_sql/row_sql.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SET 1

/* ---- the world ---- */

/* A clock whose monotonic time moves on by `step` whenever somebody looks at it. */
struct step_clock {
    struct clock clock;
    int64_t now_ms, step_ms;
};

static int64_t step_now(struct clock *clock)
{
    struct step_clock *c = (struct step_clock *)clock;
    return c->now_ms += c->step_ms;
}

struct query_world {
    bool in_memory;
    struct arena arena, *a;
    struct random_seeded random;
    struct step_clock clock;
    char *dir;
    struct record_store *store;
    const struct record_ops *ops;
    struct query_builder b;
};

static int setup_in(void **state, bool in_memory)
{
    struct query_world *w = must_malloc(sizeof *w);
    w->in_memory = in_memory;
    w->a = &w->arena;
    arena_set_limit(w->a, SIZE_MAX / 2, NULL);
    random_seeded_init(&w->random, rounds_seed());
    w->clock.clock = (struct clock){ step_now, step_now };
    tmpdir_use_memory();
    w->dir = tmpdir_make();
    struct record_options o = { .dir = in_memory ? NULL : arena_printf(w->a, "%s/records", w->dir).p,
                                .random = &w->random.random,
                                .clock = &w->clock.clock };
    EXPECT_OK(record_open(&o, w->a, &w->store));
    w->ops = w->store->ops;
    EXPECT_OK(w->ops->define(w->store, SET, &(struct record_fields){ (slice[]){ S("k") }, 1 }, w->a));
    query_builder_init_whole(&w->b, w->a, &record_columns);
    *state = w;
    return 0;
}

static int setup_memory(void **state)
{
    return setup_in(state, true);
}

static int setup_files(void **state)
{
    return setup_in(state, false);
}

static int teardown(void **state)
{
    struct query_world *w = *state;
    w->ops->close_store(w->store);
    tmpdir_remove(w->dir);
    arena_release(w->a);
    free(w);
    return 0;
}

static struct record_writer *begin_at(struct query_world *w, int64_t now_ms, const char *file)
{
    struct record_writer *writer;
    EXPECT_OK(w->ops->open(w->store, SET, &(struct record_batch){ slice_of(file), now_ms, NULL }, w->a, &writer));
    return writer;
}

static void put(struct query_world *w, struct record_writer *writer, slice key, slice object)
{
    enum record_outcome outcome;
    EXPECT_OK(writer->ops->put(writer, key, object, w->a, &outcome));
    EXPECT(outcome == RECORD_INSERTED || outcome == RECORD_UPDATED);
}

static void commit(struct query_world *w, struct record_writer *writer)
{
    EXPECT_OK(writer->ops->commit(writer, S("p"), RECORD_COMMIT_ORDERED, w->a));
}

/* Objects, as one batch; their keys are a, b, c … */
#define PUT(w, ...) put_all((w), (const char *[]){ __VA_ARGS__, NULL })
static void put_all(struct query_world *w, const char *const *objects)
{
    struct record_writer *writer = begin_at(w, 1000, "f1");
    for (size_t i = 0; objects[i]; i++)
        put(w, writer, arena_printf(w->a, "%c", (int)('a' + i)), slice_of(objects[i]));
    commit(w, writer);
}

/* ---- questions ---- */

/* "address.zip"; those that begin with a # are columns. */
static const struct row_expr *expr_of(struct query_world *w, const char *path)
{
    slice names[ROW_NAMES_MAX], rest = slice_of(path);
    size_t count = 0;
    bool more = true;
    if (*path == '#')
        return query_column(&w->b, slice_of(path + 1));
    while (more)
        more = slice_cut(rest, '.', &names[count++], &rest);
    return query_member(&w->b, names, count);
}

static struct cell cell_of(const struct row_expr *expr, const struct json *j)
{
    if (expr->type == COLUMN_STRING)
        return (struct cell){ .text = j->string };
    if (expr->type == COLUMN_DATETIME64)
        return (struct cell){ .integer = j->integer };
    switch (j->type) {
    case JS_STRING:
        return (struct cell){ .kind = COLUMN_STRING, .text = j->string };
    case JS_BOOL:
        return (struct cell){ .kind = COLUMN_BOOL, .boolean = j->boolean };
    case JS_NULL:
        return (struct cell){ .is_null = true };
    default:
        return (struct cell){ .kind = COLUMN_JSON, .text = j->string };
    }
}

/* values: JSON; an array for IN, empty for the null tests */
static struct query_condition test_of(struct query_world *w, const char *path, enum row_test test, const char *values)
{
    const struct row_expr *expr = expr_of(w, path);
    struct cell cells[ROW_VALUES_MAX];
    struct query_condition made;
    const struct json *j;
    size_t count = 0;
    if (*values)
        EXPECT_OK(json_parse_exact(w->a, slice_of(values), &j));
    if (*values && j->type == JS_ARRAY)
        JSON_EACH(item, j)
            cells[count++] = cell_of(expr, item);
    else if (*values)
        cells[count++] = cell_of(expr, j);
    EXPECT(query_test(&w->b, test, expr, cells, count, &made));
    return made;
}

static struct record_result ask(struct query_world *w, const struct record_query *q)
{
    struct record_result result;
    EXPECT_OK(w->ops->query(w->store, SET, q, w->a, &result));
    return result;
}

/* The keys of the records, or their objects; then the total. */
static slice text_of(struct query_world *w, const struct record_result *r, bool objects)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < r->count; i++) {
        buf_add(&text, i && objects ? S(" ") : S(""));
        buf_add(&text, objects ? r->items[i].object : r->items[i].key);
    }
    buf_printf(&text, " of %llu", (unsigned long long)r->total);
    return buf_give(&text, w->a);
}

static void expect_keys(struct query_world *w, const struct row_query *q, const char *want)
{
    struct record_result r = ask(w, &(struct record_query){ .rows = q, .with_total = true });
    EXPECT_SLICE(text_of(w, &r, false), slice_of(want));
}

static struct row_query whole(const struct row_condition *where)
{
    return (struct row_query){ .columns = &record_columns, .where = where, .limit = 100 };
}

static void expect_test(struct query_world *w, const char *path, enum row_test test, const char *values,
                        const char *want)
{
    struct query_condition c = test_of(w, path, test, values);
    struct row_query q = whole(&c.condition);
    struct record_result r = ask(w, &(struct record_query){ .rows = &q, .with_total = true });
    slice got = text_of(w, &r, false);
    if (!slice_eq(slice_part(got, 0, slice_find(got, S(" "))), slice_of(want)))
        fail_msg("%s %d %s gave %.*s, expected %s", path, (int)test, values, SLICE_ARG(got), want);
}

/* orders: "name" or "-name"; items: paths. The result groups by the items if `distinct`. */
struct asked {
    const struct row_condition *where;
    const char *orders[4], *items[4];
    bool distinct;
};

static struct row_query query_of(struct query_world *w, const struct asked *asked)
{
    struct row_query q;
    query_builder_init_whole(&w->b, w->a, &record_columns);
    for (size_t i = 0; i < 4 && asked->items[i]; i++) {
        EXPECT(query_add_item(&w->b, ROW_PLAIN, expr_of(w, asked->items[i]), slice_of(asked->items[i])));
        if (asked->distinct)
            EXPECT(query_add_group(&w->b, expr_of(w, asked->items[i])));
    }
    for (size_t i = 0; i < 4 && asked->orders[i]; i++) {
        bool is_descending = asked->orders[i][0] == '-';
        EXPECT(query_add_order(&w->b, SLICE_NONE, expr_of(w, asked->orders[i] + is_descending), is_descending));
    }
    EXPECT(query_end(&w->b, &q));
    q.where = asked->where;
    q.limit = 100;
    return q;
}

static void expect_order(struct query_world *w, struct asked asked, const char *want)
{
    struct row_query q = query_of(w, &asked);
    expect_keys(w, &q, want);
}

static void expect_objects(struct query_world *w, struct asked asked, const char *want)
{
    struct row_query q = query_of(w, &asked);
    struct record_result r = ask(w, &(struct record_query){ .rows = &q, .with_total = true });
    EXPECT_SLICE(text_of(w, &r, true), slice_of(want));
}

/* ---- tests of members ---- */

#define NUMBERS(w)                                                                                                     \
    PUT(w, "{\"v\":1}", "{\"v\":1.0}", "{\"v\":2}", "{\"v\":\"1\"}", "{\"v\":true}", "{\"v\":[1,5]}", "{\"x\":1}",     \
        "{\"v\":{\"v\":1}}", "{\"v\":[]}", "{\"v\":[[1]]}", "{\"v\":-3e-1}")
/*      a            b              c            d                e               f               g
 *      h                  i             j               k */

TEST(values_are_equal_only_to_those_of_their_kind)
{
    struct query_world *w = *state;
    NUMBERS(w);
    expect_test(w, "v", ROW_EQ, "1", "abf");
    expect_test(w, "v", ROW_EQ, "1.00", "abf");
    expect_test(w, "v", ROW_EQ, "10e-1", "abf");
    expect_test(w, "v", ROW_EQ, "-0.3", "k");
    expect_test(w, "v", ROW_EQ, "\"1\"", "d");
    expect_test(w, "v", ROW_EQ, "true", "e");
    expect_test(w, "v", ROW_EQ, "false", "");
    expect_test(w, "v", ROW_EQ, "5", "f");
    expect_test(w, "v", ROW_EQ, "null", "g");
    expect_test(w, "v", ROW_NE, "1", "cdeghijk");
    expect_test(w, "v", ROW_NE, "null", "abcdefhijk");
    expect_test(w, "v", ROW_IN, "[1,true,null]", "abefg");
    expect_test(w, "v", ROW_IN, "[\"1\",2,7]", "cd");
    expect_test(w, "v", ROW_NOT_IN, "[1,true,null]", "cdhijk");
    expect_test(w, "v.v", ROW_EQ, "1", "h");
    expect_test(w, "x.v", ROW_EQ, "1", "");
}

TEST(values_are_compared_only_with_those_of_their_kind)
{
    struct query_world *w = *state;
    NUMBERS(w);
    expect_test(w, "v", ROW_GT, "1", "cf");
    expect_test(w, "v", ROW_GE, "1", "abcf");
    expect_test(w, "v", ROW_LT, "1", "k");
    expect_test(w, "v", ROW_LE, "1", "abfk");
    expect_test(w, "v", ROW_GT, "\"\"", "d");
    expect_test(w, "v", ROW_LT, "\"2\"", "d");
    expect_test(w, "v", ROW_GE, "true", "e");
    expect_test(w, "v", ROW_GT, "false", "e");
    expect_test(w, "v", ROW_LT, "true", "");
    expect_test(w, "v", ROW_LT, "false", "");
}

TEST(a_value_that_is_missing_is_null)
{
    struct query_world *w = *state;
    PUT(w, "{\"o\":{\"n\":null}}", "{\"o\":{\"n\":0}}", "{\"o\":{}}", "{\"o\":1}", "{}", "{\"o\":{\"n\":[null]}}");
    expect_test(w, "o.n", ROW_IS_NULL, "", "acde");
    expect_test(w, "o.n", ROW_IS_NOT_NULL, "", "bf");
    expect_test(w, "o.n", ROW_EQ, "null", "acdef");
    expect_test(w, "o.n", ROW_NE, "null", "b");
    expect_test(w, "o", ROW_IS_NULL, "", "e");
}

TEST(texts_compare_by_their_bytes)
{
    struct query_world *w = *state;
    PUT(w, "{\"t\":\"B\"}", "{\"t\":\"a\"}", "{\"t\":\"\xc3\xa9\"}", "{\"t\":\"\"}", "{\"t\":\"a\\n\\\"\"}");
    expect_test(w, "t", ROW_GT, "\"B\"", "bce");
    expect_test(w, "t", ROW_LE, "\"a\"", "abd");
    expect_test(w, "t", ROW_EQ, "\"a\\n\\\"\"", "e");
    expect_test(w, "t", ROW_EQ, "\"\\u00e9\"", "c");
}

TEST(numbers_of_64_bits_are_exact_and_others_are_doubles)
{
    struct query_world *w = *state;
    PUT(w, "{\"n\":9007199254740993}", "{\"n\":9007199254740992}", "{\"n\":9223372036854775807}",
        "{\"n\":9223372036854775808}", "{\"n\":1e400}", "{\"n\":0.1}", "{\"n\":-0}");
    expect_test(w, "n", ROW_EQ, "9007199254740993", "a");
    expect_test(w, "n", ROW_EQ, "9007199254740992.0", "b");
    expect_test(w, "n", ROW_EQ, "9223372036854775807", "c");
    expect_test(w, "n", ROW_EQ, "9223372036854775808", "d");
    expect_test(w, "n", ROW_GT, "1e300", "e");
    expect_test(w, "n", ROW_EQ, "1e-1", "f");
    expect_test(w, "n", ROW_EQ, "0", "g");
    expect_test(w, "n", ROW_GE, "-0.0", "abcdefg");
}

TEST(patterns_are_looked_for_in_texts_and_in_those_of_arrays)
{
    struct query_world *w = *state;
    PUT(w, "{\"t\":\"Silva\"}", "{\"t\":[\"x\",\"da Silva\"]}", "{\"t\":5}", "{\"t\":[5]}", "{}",
        "{\"t\":{\"t\":\"Silva\"}}", "{\"t\":\"Silv\xc3\xa9\"}");
    expect_test(w, "t", ROW_MATCHES, "\"Sil\"", "abg");
    expect_test(w, "t", ROW_MATCHES, "\"^Silv.$\"", "ag");
    expect_test(w, "t", ROW_MATCHES, "\"5\"", "");
    expect_test(w, "t.t", ROW_MATCHES, "\"a$\"", "f");
}

TEST(names_are_data)
{
    struct query_world *w = *state;
    PUT(w, "{\"a b\":1}", "{\"a']; DROP TABLE records; --\":1}", "{\"0\":1}", "{\"$\":{\"[0]\":1}}", "{\"a%sb\":1}",
        "{\"\xc3\xa9\":1}", "{\"a\":[1]}", "{\"a\":{\"0\":1}}");
    expect_test(w, "a b", ROW_EQ, "1", "a");
    expect_test(w, "a']; DROP TABLE records; --", ROW_EQ, "1", "b");
    expect_test(w, "0", ROW_EQ, "1", "c");
    expect_test(w, "$.[0]", ROW_EQ, "1", "d");
    expect_test(w, "a%sb", ROW_EQ, "1", "e");
    expect_test(w, "\xc3\xa9", ROW_EQ, "1", "f");
    expect_test(w, "a.0", ROW_EQ, "1", "h");
    expect_test(w, "*", ROW_IS_NULL, "", "abcdefgh");
    expect_test(w, "'", ROW_IS_NULL, "", "abcdefgh");
}

TEST(conditions_are_joined_and_negated)
{
    struct query_world *w = *state;
    struct query_condition parts[3], all, some, not, none;
    PUT(w, "{\"a\":1,\"b\":1}", "{\"a\":1}", "{\"b\":1}", "{}");
    parts[0] = test_of(w, "a", ROW_EQ, "1");
    parts[1] = test_of(w, "b", ROW_EQ, "1");
    EXPECT(query_join(&w->b, ROW_ALL, parts, 2, &all));
    EXPECT(query_join(&w->b, ROW_SOME, parts, 2, &some));
    EXPECT(query_join(&w->b, ROW_NOT, &some, 1, &not ));
    EXPECT(query_join(&w->b, ROW_SOME, NULL, 0, &none));
    struct row_query q = whole(&all.condition);
    expect_keys(w, &q, "a of 1");
    q.where = &some.condition;
    expect_keys(w, &q, "abc of 3");
    q.where = &not .condition;
    expect_keys(w, &q, "d of 1");
    q.where = &none.condition;
    expect_keys(w, &q, " of 0");
    EXPECT(query_join(&w->b, ROW_ALL, NULL, 0, &all));
    q.where = &all.condition;
    expect_keys(w, &q, "abcd of 4");
}

/* ---- columns ---- */

static slice quoted(struct query_world *w, slice text)
{
    return arena_printf(w->a, "\"" SLICE_FMT "\"", SLICE_ARG(text));
}

TEST(records_are_found_by_their_ids)
{
    struct query_world *w = *state;
    PUT(w, "{}", "{}", "{}");
    struct row_query q = whole(NULL);
    struct record_result r = ask(w, &(struct record_query){ .rows = &q });
    const char *first = quoted(w, r.items[0].id).p, *second = quoted(w, r.items[1].id).p;
    expect_test(w, "#id", ROW_EQ, second, "b");
    expect_test(w, "#id", ROW_NE, second, "ac");
    expect_test(w, "#id", ROW_GT, first, "bc");
    expect_test(w, "#id", ROW_LE, second, "ab");
    expect_test(w, "#id", ROW_IN, arena_printf(w->a, "[%s,\"x\",%s]", second, first).p, "ab");
    expect_test(w, "#id", ROW_NOT_IN, arena_printf(w->a, "[%s]", second).p, "ac");
    expect_test(w, "#id", ROW_EQ, "\"F-100\"", "");
    expect_test(w, "#id", ROW_NE, "\"F-100\"", "abc");
    expect_test(w, "#id", ROW_GE, "\"\"", "abc");
    expect_test(w, "#id", ROW_MATCHES, "\"^[0-9a-f]{24}$\"", "abc");
    expect_test(w, "#id", ROW_IS_NULL, "", "");
}

TEST(records_are_found_by_their_times_and_their_file)
{
    struct query_world *w = *state;
    struct record_writer *writer = begin_at(w, 1000, "f1");
    put(w, writer, S("a"), S("{}"));
    put(w, writer, S("b"), S("{}"));
    commit(w, writer);
    writer = begin_at(w, 2000, "f2");
    put(w, writer, S("b"), S("{}"));
    put(w, writer, S("c"), S("{}"));
    commit(w, writer);
    expect_test(w, "#created", ROW_EQ, "1000000", "ab");
    expect_test(w, "#modified", ROW_EQ, "1000000", "a");
    expect_test(w, "#modified", ROW_GT, "1000001", "bc");
    expect_test(w, "#modified", ROW_GT, "1999999", "bc");
    expect_test(w, "#modified", ROW_LT, "2000000", "a");
    expect_test(w, "#file", ROW_EQ, "\"f2\"", "bc");
    expect_test(w, "#file", ROW_MATCHES, "\"1$\"", "a");
    expect_order(w, (struct asked){ .orders = { "-#modified", "#created" } }, "bca of 3");
    expect_order(w, (struct asked){ .orders = { "-#id" } }, "cba of 3");
}

/* ---- orders, fields, groups ---- */

TEST(values_are_ordered_by_kind_and_nulls_come_last)
{
    struct query_world *w = *state;
    PUT(w, "{\"v\":\"b\"}", "{\"v\":10}", "{\"v\":true}", "{}", "{\"v\":{}}", "{\"v\":9.5}", "{\"v\":\"a\"}",
        "{\"v\":[]}", "{\"v\":false}", "{\"v\":[0]}", "{\"v\":-1}");
    expect_order(w, (struct asked){ .orders = { "v" } }, "kfbgaichjed of 11");
    expect_order(w, (struct asked){ .orders = { "-v" } }, "ehjciagbfkd of 11");
    expect_order(w, (struct asked){ .orders = { "nothing" } }, "abcdefghijk of 11");
}

TEST(an_order_has_several_keys_and_ties_come_by_id)
{
    struct query_world *w = *state;
    PUT(w, "{\"a\":1,\"b\":{\"c\":1}}", "{\"a\":2,\"b\":{\"c\":3}}", "{\"a\":1,\"b\":{\"c\":2}}", "{\"a\":2}",
        "{\"a\":1,\"b\":{\"c\":1}}");
    expect_order(w, (struct asked){ .orders = { "-a", "b.c" } }, "bdaec of 5");
    expect_order(w, (struct asked){ .orders = { "a", "-b.c" } }, "caebd of 5");
    expect_order(w, (struct asked){ .orders = { "a", "-#id", "b.c" } }, "ecadb of 5");
}

TEST(texts_are_ordered_by_their_first_characters)
{
    struct query_world *w = *state;
    char *text = arena_alloc(w->a, 2048);
    memset(text, 'x', ROW_SQL_ORDER_TEXT);
    const char *end = arena_printf(w->a, "{\"v\":\"%sb\"}", text).p,
               *other = arena_printf(w->a, "{\"v\":\"%sa\"}", text).p;
    text[ROW_SQL_ORDER_TEXT - 1] = 'w';
    PUT(w, end, other, arena_printf(w->a, "{\"v\":\"%s\"}", text).p);
    expect_order(w, (struct asked){ .orders = { "v" } }, "cab of 3");
}

TEST(objects_have_only_the_members_that_are_named)
{
    struct query_world *w = *state;
    PUT(w, "{\"a\":1,\"b\":{\"c\":[1,{\"d\":2}],\"e\":{\"f\":1,\"g\":2}},\"h\":\"x\"}", "{\"b\":[1],\"h\":{}}", "{}");
    expect_objects(w, (struct asked){ .items = { "h", "a" } }, "{\"a\":1,\"h\":\"x\"} {\"h\":{}} {} of 3");
    expect_objects(w, (struct asked){ .items = { "b.e.g", "b.c" } },
                   "{\"b\":{\"c\":[1,{\"d\":2}],\"e\":{\"g\":2}}} {} {} of 3");
    expect_objects(w, (struct asked){ .items = { "b.e", "b.e.g", "#id" } },
                   "{\"b\":{\"e\":{\"f\":1,\"g\":2}}} {} {} of 3");
    expect_objects(w, (struct asked){ .items = { "b", "b.x" } },
                   "{\"b\":{\"c\":[1,{\"d\":2}],\"e\":{\"f\":1,\"g\":2}}} {\"b\":[1]} {} of 3");
    expect_objects(w, (struct asked){ .items = { "#id" } }, "{} {} {} of 3");
}

TEST(of_records_with_the_same_values_one_is_in_the_result)
{
    struct query_world *w = *state;
    PUT(w, "{\"v\":1,\"w\":1}", "{\"v\":\"1\"}", "{\"v\":1.0}", "{\"v\":true}", "{\"v\":[1]}", "{\"v\":[1]}", "{}",
        "{\"w\":2}", "{\"v\":{\"a\":1}}", "{\"v\":\"1\"}", "{\"v\":false}", "{\"v\":null,\"o\":{\"v\":null}}");
    expect_order(w, (struct asked){ .items = { "v" }, .distinct = true }, "abkdeig of 7");
    expect_order(w, (struct asked){ .items = { "v" }, .orders = { "-v" }, .distinct = true }, "iedkbag of 7");
    expect_order(w, (struct asked){ .items = { "v", "w" }, .distinct = true }, "acbkdeihg of 9");
    expect_order(w, (struct asked){ .items = { "v", "w" }, .orders = { "-w" }, .distinct = true }, "hacbkdeig of 9");
    expect_order(w, (struct asked){ .items = { "#file" }, .distinct = true }, "a of 1");
    expect_objects(w, (struct asked){ .items = { "w" }, .distinct = true }, "{\"w\":1} {\"w\":2} {} of 3");
    struct query_condition c = test_of(w, "w", ROW_IS_NOT_NULL, "");
    expect_order(w, (struct asked){ .items = { "v" }, .distinct = true, .where = &c.condition }, "ah of 2");
}

/* ---- pages ---- */

static void put_many(struct query_world *w, size_t count)
{
    struct record_writer *writer = begin_at(w, 1000, "f1");
    for (size_t i = 0; i < count; i++)
        put(w, writer, arena_printf(w->a, "k%06zu", i), arena_printf(w->a, "{\"n\":%zu}", i * 7919 % count));
    commit(w, writer);
}

static void expect_page(struct query_world *w, struct row_query q, uint64_t offset, uint64_t limit, const char *want)
{
    q.offset = offset;
    q.limit = limit;
    for (int with_total = 0; with_total < 2; with_total++) {
        struct record_result r = ask(w, &(struct record_query){ .rows = &q, .with_total = with_total });
        slice keys = text_of(w, &r, false);
        EXPECT_SLICE(slice_part(keys, 0, slice_find(keys, S(" "))), slice_of(want));
        EXPECT_EQ(r.later.count, 0);
        if (with_total)
            EXPECT_EQ(r.total, q.where ? 5 : 10);
    }
}

TEST(pages_have_a_place_and_a_size)
{
    struct query_world *w = *state;
    struct query_condition c;
    put_many(w, 10);
    struct row_query all = whole(NULL);
    expect_page(w, all, 0, 2, "k000000k000001");
    expect_page(w, all, 9, 2, "k000009");
    expect_page(w, all, 10, 2, "");
    expect_page(w, all, UINT64_MAX, 2, "");
    expect_page(w, all, 0, 0, "");
    c = test_of(w, "n", ROW_LT, "5");
    struct asked asked = { .orders = { "-n" }, .where = &c.condition };
    struct row_query some = query_of(w, &asked);
    expect_page(w, some, 0, 1, "k000006"); /* n = 4 */
    expect_page(w, some, 4, 10, "k000000");
    expect_page(w, some, 5, 10, "");
    some.limit = RECORD_PAGE_MAX + 1;
    struct record_result r;
    EXPECT_ERR(w->ops->query(w->store, SET, &(struct record_query){ .rows = &some }, w->a, &r), ERR_INVALID);
    EXPECT_ERR(w->ops->query(w->store, 2, &(struct record_query){ .rows = &all }, w->a, &r), ERR_NOT_FOUND);
}

TEST(large_records_are_read_later_as_they_are_then)
{
    struct query_world *w = *state;
    char *text = arena_alloc(w->a, (3 << 20) + 1);
    memset(text, 'x', 3 << 20);
    struct record_writer *writer = begin_at(w, 1000, "f1");
    for (int i = 0; i < 6; i++)
        put(w, writer, arena_printf(w->a, "%c", 'a' + i), arena_printf(w->a, "{\"n\":%d,\"t\":\"%s\"}", i, text));
    commit(w, writer);
    struct row_query q = whole(NULL);
    struct record_query asked = { .rows = &q, .with_total = true };
    struct record_result r = ask(w, &asked);
    EXPECT_EQ(r.count, 3);
    EXPECT_EQ(r.later.count, 3);
    EXPECT_EQ(r.total, 6);
    enum record_outcome outcome;
    writer = begin_at(w, 2000, "f2");
    EXPECT_OK(writer->ops->erase(writer, S("e"), w->a, &outcome));
    put(w, writer, S("f"), S("{\"t\":\"small\"}"));
    commit(w, writer);
    struct record_rest rest;
    EXPECT_OK(w->ops->more(w->store, SET, &asked, &r.later, w->a, &rest));
    EXPECT_EQ(rest.taken, 3);
    EXPECT_EQ(rest.count, 2);
    EXPECT_SLICE(rest.items[0].key, S("d"));
    EXPECT_SLICE(rest.items[1].object, S("{\"n\":5,\"t\":\"small\"}"));
    EXPECT_SLICE(rest.items[1].id, r.later.items[2]);
    slice unknown = S("F-100");
    EXPECT_OK(w->ops->more(w->store, SET, &asked, &(struct record_id_list){ &unknown, 1 }, w->a, &rest));
    EXPECT(rest.taken == 1 && rest.count == 0);
    struct row_query small = query_of(w, &(struct asked){ .items = { "n" } });
    r = ask(w, &(struct record_query){ .rows = &small });
    EXPECT_EQ(r.count, 5);
    EXPECT_SLICE(r.items[4].object, S("{\"n\":5}"));
}

TEST(a_question_is_about_the_keys_that_it_names)
{
    struct query_world *w = *state;
    put_many(w, 100);
    struct row_query q = whole(NULL);
    const struct record_keys keys[] = { { S("k000098"), S("") }, { S("k00001"), S("k000012") }, { S("x"), S("y") } };
    struct record_query asked = { .rows = &q, .keys = keys, .key_count = 3, .with_total = true };
    struct record_result r = ask(w, &asked);
    EXPECT_SLICE(text_of(w, &r, false), S("k000010k000011k000098 of 3"));
    struct query_condition c = test_of(w, "n", ROW_LT, "0");
    q.where = &c.condition;
    r = ask(w, &asked);
    EXPECT_SLICE(text_of(w, &r, false), S(" of 0"));
}

/* ---- limits ---- */

TEST(a_question_ends_at_its_time)
{
    struct query_world *w = *state;
    struct record_result r;
    put_many(w, 2000);
    struct query_condition c = test_of(w, "n", ROW_GE, "0");
    struct row_query q = whole(&c.condition);
    struct record_query asked = { .rows = &q, .with_total = true, .limit_ms = 50 };
    w->clock.step_ms = 1;
    EXPECT_ERR(w->ops->query(w->store, SET, &asked, w->a, &r), ERR_EXPIRED);
    EXPECT(w->clock.now_ms >= 50 && w->clock.now_ms < 60);
    asked.limit_ms = 0;
    EXPECT_EQ(ask(w, &asked).total, 2000);
    asked.limit_ms = 1000000;
    EXPECT_EQ(ask(w, &asked).total, 2000);
    w->clock.step_ms = 0;
}

TEST(a_pattern_of_any_kind_ends_at_its_time)
{
    struct query_world *w = *state;
    struct record_result r;
    char *text = arena_alloc(w->a, (1 << 20) + 1);
    memset(text, 'a', 1 << 20);
    PUT(w, arena_printf(w->a, "{\"t\":\"%s\"}", text).p);
    struct query_condition c = test_of(w, "t", ROW_MATCHES, "\"(a|b)*a(a|b){100}c\"");
    struct row_query q = whole(&c.condition);
    struct record_query asked = { .rows = &q, .limit_ms = 5 };
    w->clock.step_ms = 1;
    EXPECT_ERR(w->ops->query(w->store, SET, &asked, w->a, &r), ERR_EXPIRED);
    w->clock.step_ms = 0;
}

static struct query_condition many_tests(struct query_world *w, enum row_test join, size_t count)
{
    struct query_condition *parts = arena_array(w->a, struct query_condition, count), made;
    for (size_t i = 0; i < count; i++)
        parts[i] = test_of(w, arena_printf(w->a, "o.m%zu", i).p, ROW_IN, "[1,2.5,\"x\",true,null]");
    EXPECT(query_join(&w->b, join, parts, count, &made));
    return made;
}

static struct query_condition nested_joins(struct query_world *w, int depth)
{
    struct query_condition parts[3], made = test_of(w, "v", ROW_NE, "\"x\"");
    for (int i = 0; i < depth; i++) {
        parts[0] = test_of(w, "v", ROW_EQ, "1");
        parts[1] = made;
        parts[2] = test_of(w, "v", ROW_NE, "\"y\"");
        EXPECT(query_join(&w->b, i % 2 ? ROW_ALL : ROW_SOME, parts, 3, &made));
    }
    return made;
}

TEST(the_largest_conditions_are_answered_and_larger_ones_refused)
{
    struct query_world *w = *state;
    struct record_result r;
    PUT(w, "{\"v\":1}", "{\"o\":{\"m7\":2.5}}");
    struct query_condition c = many_tests(w, ROW_ALL, ROW_SQL_TESTS_MAX - 1);
    struct row_query q = whole(&c.condition);
    expect_keys(w, &q, "ab of 2");
    c = many_tests(w, ROW_SOME, ROW_SQL_TESTS_MAX - 1);
    expect_keys(w, &q, "ab of 2");
    c = many_tests(w, ROW_SOME, ROW_SQL_TESTS_MAX);
    EXPECT_ERR(w->ops->query(w->store, SET, &(struct record_query){ .rows = &q }, w->a, &r), ERR_TOO_LARGE);
    c = nested_joins(w, ROW_SQL_DEPTH_MAX);
    expect_keys(w, &q, "a of 1");
    c = nested_joins(w, ROW_SQL_DEPTH_MAX + 1);
    EXPECT_ERR(w->ops->query(w->store, SET, &(struct record_query){ .rows = &q }, w->a, &r), ERR_TOO_LARGE);
    struct buf values;
    buf_init(&values, 0);
    for (int i = 0; i < ROW_VALUES_MAX; i++)
        buf_printf(&values, i ? ",%d.5" : "[%d.5", i);
    buf_add(&values, S("]"));
    buf_add_byte(&values, 0);
    expect_test(w, "o.m7", ROW_IN, buf_slice(&values).p, "b");
    buf_release(&values);
}

TEST(two_hundred_orders_and_fields_are_answered)
{
    struct query_world *w = *state;
    PUT(w, "{\"m199\":2}", "{\"m199\":1}");
    struct row_query q;
    query_builder_init_whole(&w->b, w->a, &record_columns);
    for (int i = 0; i < ROW_ITEMS_MAX; i++) {
        const struct row_expr *expr = expr_of(w, arena_printf(w->a, "m%d", i).p);
        EXPECT(query_add_item(&w->b, ROW_PLAIN, expr, arena_printf(w->a, "m%d", i)));
        EXPECT(query_add_group(&w->b, expr));
        EXPECT(query_add_order(&w->b, SLICE_NONE, expr, false));
    }
    EXPECT(query_end(&w->b, &q));
    q.limit = 10;
    expect_keys(w, &q, "ba of 2");
}

/* ---- random questions, and a simple evaluator ---- */

static uint32_t below(struct query_world *w, uint32_t n)
{
    uint32_t drawn;
    random_fill(&w->random.random, &drawn, sizeof drawn);
    return drawn % n;
}

static const char *const scalars[] = { "0",
                                       "1",
                                       "-1",
                                       "1.0",
                                       "2.5",
                                       "1e1",
                                       "10",
                                       "\"\"",
                                       "\"1\"",
                                       "\"a\"",
                                       "\"ab\"",
                                       "\"b\"",
                                       "\"\\u00e9\"",
                                       "true",
                                       "false",
                                       "null",
                                       "9007199254740993",
                                       "9007199254740992.0" };
static const char *const paths[] = { "a", "b", "a.b", "b.a", "a.a.b", "c" };

static void add_value(struct query_world *w, struct buf *to, int depth)
{
    uint32_t kind = depth ? below(w, 8) : 0;
    if (kind < 5) {
        buf_add(to, slice_of(scalars[below(w, LENGTH_OF(scalars))]));
        return;
    }
    bool is_array = kind == 5;
    buf_add_byte(to, is_array ? '[' : '{');
    for (uint32_t i = 0, count = below(w, 4); i < count; i++) {
        buf_add(to, i ? S(",") : S(""));
        if (!is_array)
            buf_printf(to, "\"%c\":", (int)('a' + i));
        add_value(w, to, depth - 1);
    }
    buf_add_byte(to, is_array ? ']' : '}');
}

static slice random_object(struct query_world *w)
{
    struct buf text = { 0 };
    buf_add_byte(&text, '{');
    for (uint32_t i = 0, count = below(w, 4); i < count; i++) {
        buf_printf(&text, i ? ",\"%c\":" : "\"%c\":", (int)('a' + i));
        add_value(w, &text, 3);
    }
    buf_add_byte(&text, '}');
    return buf_give(&text, w->a);
}

static struct query_condition random_test(struct query_world *w)
{
    static const enum row_test tests[] = { ROW_EQ, ROW_NE, ROW_LT,     ROW_LE,      ROW_GT,          ROW_GE,
                                           ROW_IN, ROW_EQ, ROW_NOT_IN, ROW_IS_NULL, ROW_IS_NOT_NULL, ROW_MATCHES };
    enum row_test test = tests[below(w, LENGTH_OF(tests))];
    const char *path = paths[below(w, LENGTH_OF(paths))], *value = scalars[below(w, LENGTH_OF(scalars))];
    if (test == ROW_IS_NULL || test == ROW_IS_NOT_NULL)
        value = "";
    else if (test == ROW_MATCHES)
        value = "\"^a|1$\"";
    else if (test == ROW_IN || test == ROW_NOT_IN)
        value = arena_printf(w->a, "[%s,%s,%s]", value, scalars[below(w, LENGTH_OF(scalars))],
                             scalars[below(w, LENGTH_OF(scalars))])
                    .p;
    else if (test != ROW_EQ && test != ROW_NE && strcmp(value, "null") == 0)
        value = "1";
    return test_of(w, path, test, value);
}

static struct query_condition random_condition(struct query_world *w, int depth)
{
    struct query_condition parts[3], made;
    if (!depth || below(w, 3) == 0)
        return random_test(w);
    enum row_test join = (enum row_test)below(w, 3);
    size_t count = join == ROW_NOT ? 1 : below(w, 4);
    for (size_t i = 0; i < count; i++)
        parts[i] = random_condition(w, depth - 1);
    EXPECT(query_join(&w->b, join, parts, count, &made));
    return made;
}

static const struct json *find_member(const struct json *object, const struct row_expr *expr)
{
    for (size_t i = 0; object && i < expr->name_count; i++) {
        const struct json *found = NULL;
        if (object->type == JS_OBJECT)
            JSON_EACH(member, object)
                if (slice_eq(member->name, expr->names[i]))
                    found = member;
        object = found;
    }
    return object;
}

static bool is_number(const struct json *j)
{
    return j->type == JS_INT || j->type == JS_REAL;
}

/* Exact for 64-bit integers and for doubles. */
static long double number_of(const struct json *j)
{
    return j->type == JS_INT ? (long double)j->integer : (long double)j->real;
}

static struct json json_of(const struct cell *c)
{
    struct json j = { .type = c->is_null                 ? JS_NULL
                              : c->kind == COLUMN_STRING ? JS_STRING
                              : c->kind == COLUMN_BOOL   ? JS_BOOL
                                                         : JS_REAL,
                      .string = c->text,
                      .boolean = !c->is_null && c->kind == COLUMN_BOOL && c->boolean };
    if (j.type == JS_REAL && slice_to_i64(c->text, &j.integer))
        j.type = JS_INT;
    else if (j.type == JS_REAL) {
        SCRATCH(a);
        j.real = strtod(arena_cstr(&a, c->text), NULL);
    }
    return j;
}

/* Are both of one kind, and which is less? */
static bool compare(const struct json *x, const struct json *y, int *ret)
{
    if (is_number(x) && is_number(y))
        *ret = (number_of(x) > number_of(y)) - (number_of(x) < number_of(y));
    else if (x->type == JS_STRING && y->type == JS_STRING)
        *ret = slice_cmp(x->string, y->string);
    else if (x->type == JS_BOOL && y->type == JS_BOOL)
        *ret = (int)x->boolean - (int)y->boolean;
    else
        return *ret = 0, x->type == JS_NULL && y->type == JS_NULL;
    return true;
}

static bool scalar_passes(const struct json *value, const struct row_condition *c)
{
    if (c->test == ROW_MATCHES) /* ^a|1$ */
        return value->type == JS_STRING && (slice_starts(value->string, S("a")) || slice_ends(value->string, S("1")));
    for (size_t i = 0; i < c->value_count; i++) {
        struct json wanted = json_of(&c->values[i]);
        int order;
        if (!compare(value, &wanted, &order))
            continue;
        if (c->test == ROW_LT   ? order < 0
            : c->test == ROW_LE ? order <= 0
            : c->test == ROW_GT ? order > 0
            : c->test == ROW_GE ? order >= 0
                                : order == 0)
            return true;
    }
    return false;
}

static bool model_test(const struct json *object, const struct row_condition *c)
{
    static const struct json null = { .type = JS_NULL };
    const struct json *value = find_member(object, c->expr);
    bool passes = false;
    value = value ? value : &null;
    if (c->test == ROW_IS_NULL || c->test == ROW_IS_NOT_NULL)
        return (value->type == JS_NULL) == (c->test == ROW_IS_NULL);
    if (value->type == JS_ARRAY)
        JSON_EACH(element, value)
            passes |= element->type != JS_ARRAY && scalar_passes(element, c);
    else
        passes = scalar_passes(value, c);
    return passes != (c->test == ROW_NE || c->test == ROW_NOT_IN);
}

static bool model_passes(const struct json *object, const struct row_condition *c)
{
    if (c->test == ROW_NOT)
        return !model_passes(object, c->children);
    if (c->test != ROW_ALL && c->test != ROW_SOME)
        return model_test(object, c);
    for (size_t i = 0; i < c->child_count; i++)
        if (model_passes(object, &c->children[i]) != (c->test == ROW_ALL))
            return c->test == ROW_SOME;
    return c->test == ROW_ALL;
}

static int rank(const struct json *j)
{
    return is_number(j) ? 1 : j->type == JS_STRING ? 2 : j->type == JS_BOOL ? 3 : j->type == JS_ARRAY ? 4 : 5;
}

/* Of two values in an order; a null is after all others in both directions. */
static int model_order(const struct json *x, const struct json *y, bool is_descending)
{
    int order;
    bool x_is_null = !x || x->type == JS_NULL, y_is_null = !y || y->type == JS_NULL;
    if (x_is_null || y_is_null)
        return (int)x_is_null - (int)y_is_null;
    if (!compare(x, y, &order))
        order = rank(x) - rank(y);
    return is_descending ? -order : order;
}

struct model_record {
    const struct json *object;
    size_t place;
};
static const struct row_query *model_query;

static int by_orders(const void *x, const void *y)
{
    const struct model_record *left = x, *right = y;
    for (size_t i = 0; i < model_query->order_count; i++) {
        const struct row_order *o = &model_query->orders[i];
        int order =
            model_order(find_member(left->object, o->expr), find_member(right->object, o->expr), o->is_descending);
        if (order)
            return order;
    }
    return left->place < right->place ? -1 : left->place > right->place;
}

#define RANDOM_RECORDS 30

static void expect_random_answer(struct query_world *w, const struct json *const *objects)
{
    struct query_condition c = random_condition(w, 3);
    struct asked asked = { .where = &c.condition };
    for (uint32_t i = 0, count = below(w, 3); i < count; i++)
        asked.orders[i] = arena_printf(w->a, below(w, 2) ? "-%s" : "%s", paths[below(w, LENGTH_OF(paths))]).p;
    struct row_query q = query_of(w, &asked);
    q.offset = below(w, 3) ? 0 : below(w, RANDOM_RECORDS);
    q.limit = below(w, RANDOM_RECORDS + 2);
    struct model_record found[RANDOM_RECORDS];
    size_t count = 0;
    for (size_t i = 0; i < RANDOM_RECORDS; i++)
        if (model_passes(objects[i], &c.condition))
            found[count++] = (struct model_record){ objects[i], i };
    model_query = &q;
    qsort(found, count, sizeof *found, by_orders);
    struct record_result r = ask(w, &(struct record_query){ .rows = &q, .with_total = true });
    EXPECT_EQ(r.total, count);
    size_t on_page = q.offset < count ? count - q.offset : 0;
    EXPECT_EQ(r.count, on_page < q.limit ? on_page : q.limit);
    for (size_t i = 0; i < r.count; i++)
        EXPECT_SLICE(r.items[i].key, arena_printf(w->a, "k%02zu", found[q.offset + i].place));
}

static void expect_random_answers(struct query_world *w)
{
    const struct json *objects[RANDOM_RECORDS];
    struct record_writer *writer = begin_at(w, 1000, "f1");
    enum record_outcome outcome;
    for (size_t i = 0; i < RANDOM_RECORDS; i++) {
        slice text = random_object(w), key = arena_printf(w->a, "k%02zu", i);
        EXPECT_OK(writer->ops->erase(writer, key, w->a, &outcome));
        put(w, writer, key, text);
        EXPECT_OK(json_parse_exact(w->a, text, &objects[i]));
    }
    commit(w, writer);
    for (int i = 0; i < 10; i++)
        expect_random_answer(w, objects);
}

TEST(random_questions_are_answered_as_a_simple_evaluator_answers_them)
{
    struct query_world *w = *state;
    for (int i = rounds(ROUNDS_record_queries); i; i--) {
        expect_random_answers(w);
        arena_release(w->a);
        arena_set_limit(w->a, SIZE_MAX / 2, NULL);
        query_builder_init_whole(&w->b, w->a, &record_columns);
    }
}

/* ---- memory, in files ---- */

#ifdef __SANITIZE_ADDRESS__
enum { SORT_MAX_KIB = 80 * 1024 }; /* what was freed stays for a while */
#else
enum { SORT_MAX_KIB = 40 * 1024 };
#endif

TEST(a_question_sorts_more_than_memory_may_hold)
{
    struct query_world *w = *state;
    struct rusage before, after;
    char *text = arena_alloc(w->a, 1001);
    memset(text, 'x', 1000);
    for (int batch = 0; batch < 60; batch++) {
        struct record_writer *writer = begin_at(w, 1000, "f1");
        SCRATCH(a);
        for (int i = 0; i < 1000; i++) {
            enum record_outcome outcome;
            slice key = arena_printf(&a, "%d", batch * 1000 + i);
            slice object =
                arena_printf(&a, "{\"t\":\"%s\",\"u\":\"%05d%s\"}", text, (batch * 1000 + i) * 7919 % 60000, text);
            EXPECT_OK(writer->ops->put(writer, key, object, &a, &outcome));
        }
        commit(w, writer);
    }
    struct row_query q = query_of(w, &(struct asked){ .orders = { "t", "u" } });
    q.offset = 59999;
    getrusage(RUSAGE_SELF, &before);
    struct record_result r = ask(w, &(struct record_query){ .rows = &q, .with_total = true });
    getrusage(RUSAGE_SELF, &after);
    EXPECT_EQ(r.total, 60000);
    EXPECT_EQ(r.count, 1);
    EXPECT(slice_find(r.items[0].object, S("\"59999x")) != SLICE_NONE);
    if (after.ru_maxrss - before.ru_maxrss > SORT_MAX_KIB) /* it sorts 120 MB */
        fail_msg("%ld KiB more", after.ru_maxrss - before.ru_maxrss);
}

#define IN_MEMORY(name) cmocka_unit_test_setup_teardown(name, setup_memory, teardown)
#define IN_FILES(name) cmocka_unit_test_setup_teardown(name, setup_files, teardown)
#define IN_BOTH(name) IN_MEMORY(name), IN_FILES(name)

RUN_TESTS(IN_BOTH(values_are_equal_only_to_those_of_their_kind),
          IN_BOTH(values_are_compared_only_with_those_of_their_kind), IN_BOTH(a_value_that_is_missing_is_null),
          IN_BOTH(texts_compare_by_their_bytes), IN_BOTH(numbers_of_64_bits_are_exact_and_others_are_doubles),
          IN_BOTH(patterns_are_looked_for_in_texts_and_in_those_of_arrays), IN_BOTH(names_are_data),
          IN_BOTH(conditions_are_joined_and_negated), IN_BOTH(records_are_found_by_their_ids),
          IN_BOTH(records_are_found_by_their_times_and_their_file),
          IN_BOTH(values_are_ordered_by_kind_and_nulls_come_last),
          IN_BOTH(an_order_has_several_keys_and_ties_come_by_id), IN_BOTH(texts_are_ordered_by_their_first_characters),
          IN_BOTH(objects_have_only_the_members_that_are_named),
          IN_BOTH(of_records_with_the_same_values_one_is_in_the_result), IN_BOTH(pages_have_a_place_and_a_size),
          IN_BOTH(large_records_are_read_later_as_they_are_then), IN_BOTH(a_question_is_about_the_keys_that_it_names),
          IN_BOTH(a_question_ends_at_its_time), IN_BOTH(a_pattern_of_any_kind_ends_at_its_time),
          IN_BOTH(the_largest_conditions_are_answered_and_larger_ones_refused),
          IN_BOTH(two_hundred_orders_and_fields_are_answered),
          IN_MEMORY(random_questions_are_answered_as_a_simple_evaluator_answers_them),
          IN_FILES(a_question_sorts_more_than_memory_may_hold))

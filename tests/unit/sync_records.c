/* SPDX-License-Identifier: Apache-2.0 */
/* Records that were imported, read back: core/sync/records.h. */
#include "sync_fixture.h"
#include "test.h"

#include "base/buf.h"
#include "core/query/query_build.h"
#include "core/store/record_store.h"
#include "core/sync/records.h"
#include "core/sync/sync_import.h"
#include "jobs/jobs.h"

#include <stdio.h>
#include <string.h>

static void import_text(struct sync_fixture *f, const char *text)
{
    struct sync_file file = sync_fixture_issue(f, S("f.cc5txt")), now;
    EXPECT_OK(sync_fixture_put(f, &file, slice_of(text), f->w->a));
    EXPECT_OK(sync_import_start(&f->w->core, &f->ana,
                                &(struct sync_import_request){ file.id, SYNC_LINES, S(""), S("") }, f->w->a, &now));
    EXPECT_OK(jobs_run_due(f->w->jobs, f->w->a));
    EXPECT_EQ(sync_fixture_get(f, &file).state, SYNC_IMPORTED);
}

static struct record_set set_of(struct sync_fixture *f, const char *section)
{
    struct record_set set;
    EXPECT_OK(records_find_set(&f->w->core, &f->ana, &(struct section_names){ S(""), slice_of(section) }, S("family"),
                               f->w->a, &set));
    return set;
}

struct asking {
    struct query_builder b;
    struct query_condition where;
};

/* Records whose `field` passes the test. */
static void ask_for(struct asking *q, struct arena *a, const char *field, enum row_test test, const struct cell *values,
                    size_t count)
{
    slice name = slice_of(field);
    query_builder_init_whole(&q->b, a, &record_columns);
    EXPECT(query_test(&q->b, test, query_member(&q->b, &name, 1), values, count, &q->where));
}

/* The keys that are found, with and without a look at the condition. */
static slice found_by(struct sync_fixture *f, const struct record_set *set, const struct row_condition *where)
{
    struct arena *a = f->w->a;
    struct row_query rows = { .columns = &record_columns, .where = where, .limit = RECORD_PAGE_MAX };
    struct record_query q = { .rows = &rows, .with_total = true };
    struct record_result fast, plain;
    EXPECT_OK(records_query(&f->w->core, set, &q, a, &fast));
    EXPECT_OK(f->w->core.records->ops->query(f->w->core.records, set->id, &q, a, &plain));
    EXPECT_EQ(fast.total, plain.total);
    EXPECT_EQ(fast.count, plain.count);
    struct buf text = { 0 };
    for (size_t i = 0; i < fast.count; i++) {
        EXPECT_SLICE(fast.items[i].id, plain.items[i].id);
        buf_add(&text, i ? S(",") : S(""));
        buf_add(&text, fast.items[i].key);
    }
    return buf_give(&text, a);
}

static struct cell text(const char *s)
{
    return (struct cell){ .kind = COLUMN_STRING, .text = slice_of(s) };
}

#define HEAD(keys, fields) "00|C|F|1|R\n01|wks_family|W|B|cc-family|SYNC\n02|" keys "\n03|" fields "\n"

TEST(records_are_looked_up_by_their_key_and_are_the_same)
{
    struct world *w = world_new();
    struct sync_fixture f = sync_fixture_new(w);
    struct asking q;
    import_text(&f, HEAD("k", "k:array|n:int") "10|a,b|1\n10|a|2\n10|c|3\n10|[|4\n99|4\n");
    struct record_set set = set_of(&f, "");
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("a") }, 1);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("[\"a\",\"b\"],[\"a\"]"));
    world_free(w);

    w = world_new();
    f = sync_fixture_new(w);
    import_text(&f, HEAD("k", "k|n:int") "10|a|1\n10|ab|1\n10|[x|1\n10|\xc3\xa9\"\\|1\n10|b|2\n99|5\n");
    set = set_of(&f, "");
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("a") }, 1);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("a"));
    ask_for(&q, w->a, "k", ROW_IN, (struct cell[]){ text("b"), text("x"), text("ab"), text("[x") }, 4);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("ab,[x,b"));
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("\xc3\xa9\"\\") }, 1);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("\xc3\xa9\"\\"));
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("") }, 1);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S(""));
    ask_for(&q, w->a, "k", ROW_IN, (struct cell[]){ text("a"), { .is_null = true } }, 2);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("a"));
    ask_for(&q, w->a, "k", ROW_GE, (struct cell[]){ text("a") }, 1);
    EXPECT_SLICE(found_by(&f, &set, &q.where.condition), S("a,ab,\xc3\xa9\"\\,b"));
    struct query_condition parts[2], joined;
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("a") }, 1);
    parts[0] = q.where;
    slice n = S("n");
    struct cell two = { .kind = COLUMN_JSON, .text = S("2") };
    EXPECT(query_test(&q.b, ROW_EQ, query_member(&q.b, &n, 1), &two, 1, &parts[1]));
    EXPECT(query_join(&q.b, ROW_SOME, parts, 2, &joined));
    EXPECT_SLICE(found_by(&f, &set, &joined.condition), S("a,b"));
    EXPECT(query_join(&q.b, ROW_ALL, parts, 2, &joined));
    EXPECT_SLICE(found_by(&f, &set, &joined.condition), S(""));
    EXPECT(query_join(&q.b, ROW_NOT, parts, 1, &joined));
    EXPECT_SLICE(found_by(&f, &set, &joined.condition), S("ab,[x,\xc3\xa9\"\\,b"));
    world_free(w);
}

TEST(records_are_looked_up_by_the_first_of_several_fields)
{
    struct world *w = world_new();
    struct sync_fixture f = sync_fixture_new(w);
    struct asking q;
    import_text(&f, HEAD("k|m", "k|m:int|n") "10|a|1|x\n10|a|2|x\n10|ab|1|x\n10|b|1|x\n99|4\n");
    struct record_set set = set_of(&f, "");
    ask_for(&q, w->a, "k", ROW_EQ, (struct cell[]){ text("a") }, 1);
    EXPECT_EQ(found_by(&f, &set, &q.where.condition).n, 7); /* a\0001,a\0002 */
    ask_for(&q, w->a, "m", ROW_EQ, (struct cell[]){ { .kind = COLUMN_JSON, .text = S("1") } }, 1);
    EXPECT_EQ(found_by(&f, &set, &q.where.condition).n, 12);
    world_free(w);
}

TEST(a_set_that_nobody_filled_has_no_records)
{
    struct world *w = world_new();
    struct sync_fixture f = sync_fixture_new(w);
    struct record_set set = set_of(&f, "");
    struct row_query rows = { .columns = &record_columns, .limit = 1 };
    struct record_query q = { .rows = &rows, .with_total = true };
    struct record_result result;
    struct record record;
    EXPECT_EQ(set.id, 0);
    EXPECT_OK(records_query(&w->core, &set, &q, w->a, &result));
    EXPECT(!result.count && !result.total && !result.later.count);
    EXPECT_REFUSED(record_find(&w->core, &set, S("000000000000000000000000"), w->a, &record), REASON_SYNC_NO_RECORD);
    set.id = 77; /* the import that made it had not come to its rows */
    EXPECT_OK(records_query(&w->core, &set, &q, w->a, &result));
    EXPECT_EQ(result.total, 0);
    EXPECT_REFUSED(record_find(&w->core, &set, S("000000000000000000000000"), w->a, &record), REASON_SYNC_NO_RECORD);
    world_free(w);
}

TEST(records_are_those_of_a_section_that_the_key_may_use)
{
    struct world *w = world_new();
    struct sync_fixture f = sync_fixture_new(w);
    struct record_set set;
    import_text(&f, HEAD("k", "k") "10|a\n99|1\n");
    EXPECT(set_of(&f, "").id && set_of(&f, "B").id && !set_of(&f, "other").id);
    EXPECT_REFUSED(
        records_find_set(&w->core, &f.ana, &(struct section_names){ S("X"), S("") }, S("family"), w->a, &set),
        REASON_SYNC_NO_ACCESS);
    EXPECT_REFUSED(
        records_find_set(&w->core, &f.ana, &(struct section_names){ S(""), S("x") }, S("family"), w->a, &set),
        REASON_SYNC_NO_ACCESS);
    EXPECT_REFUSED(records_find_set(&w->core, &f.ana, &(struct section_names){ S(""), S("") }, S("x"), w->a, &set),
                   REASON_SYNC_NO_ENTITY);
    world_free(w);
}

RUN_TESTS(cmocka_unit_test(records_are_looked_up_by_their_key_and_are_the_same),
          cmocka_unit_test(records_are_looked_up_by_the_first_of_several_fields),
          cmocka_unit_test(a_set_that_nobody_filled_has_no_records),
          cmocka_unit_test(records_are_those_of_a_section_that_the_key_may_use))

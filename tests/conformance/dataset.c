/* SPDX-License-Identifier: Apache-2.0 */
/* Every dataset store must keep the contract of src/core/store/dataset_store.h. dataset_query.c has the meaning of queries. */
#include "dataset_fixture.h"
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const spec = "n int64, s string";

/* The whole table, as text. */
static slice rows_of(struct dataset_world *w, int64_t id)
{
    struct ask k = ask_new(w);
    for (size_t i = 0; i < w->columns.count; i++)
        ask_item(&k, ROW_PLAIN, ask_column(&k, arena_cstr(w->a, w->columns.items[i].name)));
    return ask_answer(&k, id);
}

static slice count_of(struct dataset_world *w, int64_t id, struct arena *a)
{
    static const struct column_list columns;
    struct row_item item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64 };
    struct row_query q = { .columns = &columns, .items = &item, .item_count = 1, .is_grouped = true, .limit = 1 };
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    const struct cell *cells;
    size_t count;
    EXPECT_OK(w->store->ops->query(w->store, id, &q, 0, a, &cursor));
    EXPECT_OK(cursor->ops->next(cursor, a, &cells, &count));
    EXPECT_EQ(count, 1);
    return arena_printf(a, "%llu of %lld", (unsigned long long)cells[0].natural, (long long)cursor->newest_row);
}

static bool has_file(struct dataset_world *w, int64_t id, int64_t file_id, uint64_t want_rows)
{
    bool has;
    uint64_t rows;
    EXPECT_OK(w->store->ops->has_file(w->store, id, file_id, w->a, &has, &rows));
    EXPECT_EQ(rows, has ? want_rows : 0);
    return has;
}

struct seen {
    struct dataset_world *w;
    slice text;
    int stop_at; /* this visit is an error; 0: none */
    int visits;
};

static err_t note_file(void *arg, int64_t file_id, uint64_t rows)
{
    struct seen *s = arg;
    s->text =
        arena_printf(s->w->a, SLICE_FMT "%lld:%llu ", SLICE_ARG(s->text), (long long)file_id, (unsigned long long)rows);
    EXPECT(has_file(s->w, 1, file_id, rows)); /* the visitor may call the store */
    return ++s->visits == s->stop_at ? err_make(s->w->a, ERR_RATE, "enough") : NULL;
}

static slice files_of(struct dataset_world *w, int64_t id)
{
    struct seen s = { .w = w, .text = S("") };
    EXPECT_OK(w->store->ops->each_file(w->store, id, w->a, note_file, &s));
    return s.text;
}

/* ---- adding rows ---- */

TEST(rows_are_invisible_before_their_commit_and_come_together)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    EXPECT_SLICE(rows_of(w, 1), S(""));
    struct dataset_writer *writer = dataset_begin(w, 1, 7);
    dataset_write(w, writer, "1|a;2|-");
    EXPECT_OK(writer->ops->add(writer, NULL, 0, w->a));
    EXPECT_SLICE(rows_of(w, 1), S(""));
    EXPECT(!has_file(w, 1, 7, 2));
    dataset_write(w, writer, "3|c");
    EXPECT_OK(writer->ops->commit(writer, w->a));
    EXPECT_SLICE(rows_of(w, 1), S("1|a;2|-;3|c"));
    EXPECT(has_file(w, 1, 7, 3));
    EXPECT_SLICE(count_of(w, 1, w->a), S("3 of 3"));
}

TEST(a_discarded_writer_leaves_nothing)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    struct dataset_writer *writer = dataset_begin(w, 1, 2);
    dataset_write(w, writer, "2|b;3|c");
    writer->ops->discard(writer);
    writer = dataset_begin(w, 1, 2);
    writer->ops->discard(writer);
    w->store->ops->discard(NULL);
    w->store->ops->close(NULL);
    EXPECT_SLICE(rows_of(w, 1), S("1|a"));
    EXPECT_SLICE(files_of(w, 1), S("1:1 "));
    dataset_add(w, 1, 2, "4|d");
    EXPECT_SLICE(rows_of(w, 1), S("1|a;4|d"));
    EXPECT_SLICE(count_of(w, 1, w->a), S("2 of 2"));
}

TEST(many_rows_are_discarded_as_well_as_few)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    struct cell *cells = arena_array(w->a, struct cell, 2 * 1000);
    for (size_t i = 0; i < 1000; i++) {
        cells[2 * i].integer = (int64_t)i;
        cells[2 * i + 1].text = arena_printf(w->a, "row %zu has a text of its own", i);
    }
    for (int committed = 0; committed < 2; committed++) {
        struct dataset_writer *writer = dataset_begin(w, 1, 2);
        for (int i = 0; i < 300; i++)
            EXPECT_OK(writer->ops->add(writer, cells, 1000, w->a));
        if (committed)
            EXPECT_OK(writer->ops->commit(writer, w->a));
        else
            writer->ops->discard(writer);
        EXPECT_SLICE(count_of(w, 1, w->a), committed ? S("300001 of 300001") : S("1 of 1"));
    }
    dataset_reopen(w);
    if (w->kind != DATASET_MEM)
        EXPECT_SLICE(count_of(w, 1, w->a), S("300001 of 300001"));
}

TEST(a_file_is_added_once)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_define(w, 2, spec);
    dataset_add(w, 1, 5, "1|a");
    EXPECT_ERR(dataset_try_add(w, 1, 5, "2|b"), ERR_CONFLICT);
    dataset_add(w, 2, 5, "3|c");
    EXPECT_SLICE(rows_of(w, 1), S("1|a"));
    EXPECT_SLICE(rows_of(w, 2), S("3|c"));
}

TEST(a_file_without_rows_is_recorded)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, INT64_MAX, "");
    EXPECT(has_file(w, 1, INT64_MAX, 0));
    EXPECT(!has_file(w, 1, 1, 0));
    EXPECT_ERR(dataset_try_add(w, 1, INT64_MAX, "2|b"), ERR_CONFLICT);
    EXPECT_SLICE(count_of(w, 1, w->a), S("0 of 0"));
}

TEST(a_dataset_has_one_writer_at_a_time)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_define(w, 2, spec);
    struct dataset_writer *writer = dataset_begin(w, 1, 1), *none = NULL;
    EXPECT_ERR(w->store->ops->open(w->store, 1, 1, w->a, &none), ERR_CONFLICT);
    EXPECT_ERR(w->store->ops->open(w->store, 1, 2, w->a, &none), ERR_CONFLICT);
    struct dataset_writer *other = dataset_begin(w, 2, 1);
    dataset_write(w, other, "2|b");
    dataset_write(w, writer, "1|a");
    EXPECT_OK(other->ops->commit(other, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    dataset_add(w, 1, 2, "3|c");
    EXPECT_SLICE(rows_of(w, 1), S("1|a;3|c"));
    EXPECT_SLICE(rows_of(w, 2), S("2|b"));
}

TEST(files_are_visited_by_id_until_the_visitor_stops)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    EXPECT_SLICE(files_of(w, 1), S(""));
    dataset_add(w, 1, 30, "1|a;2|b");
    dataset_add(w, 1, 4, "");
    dataset_add(w, 1, 17, "3|c");
    EXPECT_SLICE(files_of(w, 1), S("4:0 17:1 30:2 "));
    struct seen s = { .w = w, .text = S(""), .stop_at = 2 };
    EXPECT_ERR(w->store->ops->each_file(w->store, 1, w->a, note_file, &s), ERR_RATE);
    EXPECT_SLICE(s.text, S("4:0 17:1 "));
}

TEST(thousands_of_files_are_visited)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    int files = w->kind == DATASET_MEM ? 3000 : 60;
    for (int i = files; i > 0; i--)
        dataset_add(w, 1, i, i % 2 ? "1|a" : "");
    struct seen s = { .w = w, .text = S("") };
    EXPECT_OK(w->store->ops->each_file(w->store, 1, w->a, note_file, &s));
    EXPECT_EQ(s.visits, files);
    EXPECT(slice_starts(s.text, S("1:1 2:0 3:1 4:0 ")));
}

/* ---- tables ---- */

TEST(columns_are_added_at_the_end_and_null_in_older_rows)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64");
    dataset_add(w, 1, 1, "1;2");
    dataset_define(w, 1, "n int64, s string, d decimal");
    EXPECT_SLICE(rows_of(w, 1), S("1|-|-;2|-|-"));
    dataset_add(w, 1, 2, "3|x|0.5");
    dataset_define(w, 1, "n int64, s string, d decimal");
    EXPECT_SLICE(rows_of(w, 1), S("1|-|-;2|-|-;3|x|0.500000"));
    struct ask k = ask_new(w);
    ask_item(&k, ROW_COUNT, ask_column(&k, "s"));
    ask_item(&k, ROW_ANY, ask_column(&k, "d"));
    EXPECT_ANSWER(&k, 1, "1|0.500000");
    struct column_list fewer = { w->columns.items, 1 };
    w->columns = fewer;
    EXPECT_SLICE(rows_of(w, 1), S("1;2;3"));
}

TEST(columns_are_neither_changed_nor_removed)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64, s string");
    dataset_add(w, 1, 1, "1|a");
    static const char *const bad[] = { "n int64",           "n int32, s string", "n int64, S string",
                                       "s string, n int64", "n int64, s json",   "x int8, n int64, s string" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct column_list list = dataset_columns(w, bad[i]);
        EXPECT_ERR(w->store->ops->define(w->store, 1, &list, w->a), ERR_INVALID);
    }
    dataset_define(w, 1, "n int64, s string");
    EXPECT_SLICE(rows_of(w, 1), S("1|a"));
}

TEST(columns_are_not_added_while_rows_are)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64");
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    struct column_list one = w->columns, two = dataset_columns(w, "n int64, m int64");
    EXPECT_OK(w->store->ops->define(w->store, 1, &one, w->a));
    EXPECT_ERR(w->store->ops->define(w->store, 1, &two, w->a), ERR_CONFLICT);
    w->columns = one;
    dataset_write(w, writer, "1");
    EXPECT_OK(writer->ops->commit(writer, w->a));
    dataset_define(w, 1, "n int64, m int64");
    EXPECT_SLICE(rows_of(w, 1), S("1|-"));
}

TEST(columns_that_the_table_does_not_have_yet_are_null)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "n int64");
    dataset_add(w, 1, 1, "1;2;3");
    w->columns = dataset_columns(w, "n int64, m int64, s string, d decimal, t datetime");
    EXPECT_SLICE(rows_of(w, 1), S("1|-|-|-|-;2|-|-|-|-;3|-|-|-|-"));
    struct ask k = ask_new(w);
    ask_columns(&k, "n m");
    ask_where(&k, ask_test(&k, ROW_IS_NULL, ask_column(&k, "s"), NULL));
    ask_order(&k, ask_column(&k, "m"), true);
    ask_order(&k, ask_column(&k, "n"), true);
    EXPECT_ANSWER(&k, 1, "3|-;2|-;1|-");
    k = ask_new(w);
    ask_columns(&k, "s");
    ask_group(&k, ask_column(&k, "s"));
    ask_item(&k, ROW_SUM, ask_column(&k, "d"));
    ask_item(&k, ROW_COUNT_ROWS, NULL);
    EXPECT_ANSWER(&k, 1, "-|-|3");
    k = ask_new(w);
    ask_columns(&k, "n");
    ask_where(&k, ask_test(&k, ROW_GT, ask_column(&k, "m"), "0"));
    EXPECT_ANSWER(&k, 1, "");
    dataset_define(w, 1, "n int64, m int64, s string, d decimal, t datetime");
    dataset_add(w, 1, 2, "4|5|x|1|-");
    EXPECT_ANSWER(&k, 1, "4");
}

TEST(a_table_may_have_no_columns)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, "");
    struct dataset_writer *writer = dataset_begin(w, 1, 1);
    EXPECT_OK(writer->ops->add(writer, NULL, 2, w->a));
    EXPECT_OK(writer->ops->commit(writer, w->a));
    EXPECT_SLICE(count_of(w, 1, w->a), S("2 of 2"));
    dataset_define(w, 1, "n int8");
    EXPECT_SLICE(rows_of(w, 1), S("-;-"));
}

TEST(calls_without_a_table_find_none)
{
    struct dataset_world *w = *state;
    struct dataset_writer *writer;
    bool has;
    uint64_t rows;
    slice text;
    dataset_define(w, 1, spec);
    struct seen s = { .w = w, .text = S("") };
    EXPECT_ERR(w->store->ops->open(w->store, 2, 1, w->a, &writer), ERR_NOT_FOUND);
    EXPECT_ERR(w->store->ops->has_file(w->store, 2, 1, w->a, &has, &rows), ERR_NOT_FOUND);
    EXPECT_ERR(w->store->ops->each_file(w->store, 2, w->a, note_file, &s), ERR_NOT_FOUND);
    EXPECT_ERR(w->store->ops->verify(w->store, 2, w->a), ERR_NOT_FOUND);
    uint64_t bytes;
    EXPECT_ERR(w->store->ops->size(w->store, 2, w->a, &bytes), ERR_NOT_FOUND);
    EXPECT_OK(w->store->ops->size(w->store, 1, w->a, &bytes));
    EXPECT(bytes > 0);
    struct ask k = ask_new(w);
    ask_columns(&k, "n");
    EXPECT_ERR(ask_try(&k, 2, &text), ERR_NOT_FOUND);
    EXPECT_OK(w->store->ops->verify(w->store, 1, w->a));
}

TEST(a_removed_table_is_gone_with_its_rows)
{
    struct dataset_world *w = *state;
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    dataset_define(w, 1, spec);
    dataset_define(w, 2, spec);
    dataset_add(w, 1, 1, "1|a");
    dataset_add(w, 2, 1, "2|b");
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    EXPECT_ERR(w->store->ops->verify(w->store, 1, w->a), ERR_NOT_FOUND);
    EXPECT_SLICE(rows_of(w, 2), S("2|b"));
    dataset_define(w, 1, "other bool");
    EXPECT_SLICE(rows_of(w, 1), S(""));
    dataset_add(w, 1, 1, "true");
    EXPECT_SLICE(rows_of(w, 1), S("true"));
}

TEST(a_table_in_use_is_not_removed)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a");
    struct dataset_writer *writer = dataset_begin(w, 1, 2);
    EXPECT_ERR(w->store->ops->remove(w->store, 1, w->a), ERR_CONFLICT);
    writer->ops->discard(writer);
    struct ask k = ask_new(w);
    ask_columns(&k, "s");
    struct dataset_cursor *cursor;
    slice text;
    EXPECT_OK(ask_open(&k, 1, &cursor));
    EXPECT_ERR(w->store->ops->remove(w->store, 1, w->a), ERR_CONFLICT);
    EXPECT_OK(ask_read(&k, cursor, &text));
    EXPECT_SLICE(text, S("a"));
    EXPECT_ERR(w->store->ops->remove(w->store, 1, w->a), ERR_CONFLICT);
    cursor->ops->close(cursor);
    EXPECT_OK(w->store->ops->remove(w->store, 1, w->a));
    EXPECT_ERR(w->store->ops->verify(w->store, 1, w->a), ERR_NOT_FOUND);
}

struct sum {
    struct dataset_world *w;
    int64_t ids;
    int visits, stop_at;
};

static err_t add_id(void *arg, int64_t id)
{
    struct sum *s = arg;
    s->ids += id;
    EXPECT_OK(s->w->store->ops->verify(s->w->store, id, s->w->a));
    return ++s->visits == s->stop_at ? err_make(s->w->a, ERR_RATE, "enough") : NULL;
}

TEST(every_table_is_visited_until_the_visitor_stops)
{
    struct dataset_world *w = *state;
    struct sum s = { .w = w };
    EXPECT_OK(w->store->ops->each(w->store, w->a, add_id, &s));
    EXPECT_EQ(s.visits, 0);
    for (int64_t id = 1; id <= 20; id++)
        dataset_define(w, id * 1000000007, spec);
    EXPECT_OK(w->store->ops->remove(w->store, 3 * (int64_t)1000000007, w->a));
    EXPECT_OK(w->store->ops->each(w->store, w->a, add_id, &s));
    EXPECT_EQ(s.visits, 19);
    EXPECT_EQ(s.ids, (210 - 3) * (int64_t)1000000007);
    s.stop_at = 22;
    EXPECT_ERR(w->store->ops->each(w->store, w->a, add_id, &s), ERR_RATE);
    EXPECT_EQ(s.visits, 22);
}

/* ---- reading while others write ---- */

TEST(a_query_sees_the_rows_that_were_there_when_it_began)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    dataset_add(w, 1, 1, "1|a;2|b");
    struct ask k = ask_new(w), d = ask_new(w);
    ask_columns(&k, "n");
    ask_columns(&d, "n");
    ask_order(&d, ask_column(&d, "n"), true);
    struct dataset_cursor *plain, *ordered;
    EXPECT_OK(ask_open(&k, 1, &plain));
    EXPECT_OK(ask_open(&d, 1, &ordered));
    EXPECT_EQ(plain->newest_row, 2);
    dataset_add(w, 1, 2, "3|c;4|d");
    struct column_list before = w->columns;
    dataset_define(w, 1, "n int64, s string, later bool");
    w->columns = before;
    slice text;
    EXPECT_OK(ask_read(&k, plain, &text));
    EXPECT_SLICE(text, S("1;2"));
    EXPECT_OK(ask_read(&d, ordered, &text));
    EXPECT_SLICE(text, S("2;1"));
    plain->ops->close(plain);
    ordered->ops->close(ordered);
    EXPECT_SLICE(rows_of(w, 1), S("1|a;2|b;3|c;4|d"));
    k.up_to_row = 2;
    EXPECT_ANSWER(&k, 1, "1;2");
}

enum { READERS = 3, FILES = 40, ROWS_OF_A_FILE = 100 };

struct crowd {
    struct dataset_world *w;
    int done;    /* atomic: the writer has ended */
    int refused; /* atomic */
};

/* Each sum is that of whole files, and no later one is smaller. */
static void *read_often(void *arg)
{
    struct crowd *c = arg;
    struct arena a;
    uint64_t before = 0;
    for (bool last = false; !last;) {
        arena_init(&a);
        last = __atomic_load_n(&c->done, __ATOMIC_ACQUIRE);
        slice text = count_of(c->w, 1, &a), rows, rest;
        uint64_t count, newest;
        slice_cut(text, ' ', &rows, &rest);
        if (!slice_to_u64(rows, &count) || !slice_to_u64(slice_from(rest, 3), &newest) || count % ROWS_OF_A_FILE ||
            count != newest || count < before || (last && count != FILES * ROWS_OF_A_FILE))
            abort();
        before = count;
        arena_release(&a);
    }
    return NULL;
}

TEST(readers_see_whole_files_while_a_writer_adds_them)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    struct cell cells[2 * ROWS_OF_A_FILE] = { 0 };
    struct crowd c = { .w = w };
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        EXPECT_EQ(pthread_create(&readers[i], NULL, read_often, &c), 0);
    for (int i = 1; i <= FILES; i++) {
        struct dataset_writer *writer = dataset_begin(w, 1, i);
        EXPECT_OK(writer->ops->add(writer, cells, ROWS_OF_A_FILE / 2, w->a));
        EXPECT_OK(writer->ops->add(writer, cells, ROWS_OF_A_FILE / 2, w->a));
        EXPECT_OK(writer->ops->commit(writer, w->a));
    }
    __atomic_store_n(&c.done, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    EXPECT_SLICE(count_of(w, 1, w->a), S("4000 of 4000"));
}

#define WIDTH 20

/* Gives the table more and more of the columns. Others may be ahead. */
static void *widen(void *arg)
{
    struct crowd *c = arg;
    for (size_t n = 1; n <= WIDTH; n++) {
        SCRATCH(a);
        struct column_list columns = { c->w->columns.items, n };
        err_t e = c->w->store->ops->define(c->w->store, 1, &columns, &a);
        if (e && !err_is(e, ERR_INVALID))
            __atomic_add_fetch(&c->refused, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* A query adds the columns of a change, as the reading of the first file does. One of them was refused. */
TEST(of_two_that_made_a_table_or_added_its_columns_one_was_refused)
{
    struct dataset_world *w = *state;
    slice names = S("c0 int64");
    for (int i = 1; i < WIDTH; i++)
        names = arena_printf(w->a, SLICE_FMT ", c%d int64", SLICE_ARG(names), i);
    dataset_define(w, 2, arena_cstr(w->a, names));
    struct crowd c = { .w = w };
    pthread_t rivals[READERS];
    for (int i = 0; i < READERS; i++)
        EXPECT_EQ(pthread_create(&rivals[i], NULL, widen, &c), 0);
    for (int i = 0; i < READERS; i++)
        pthread_join(rivals[i], NULL);
    EXPECT_EQ(c.refused, 0);
    EXPECT_OK(w->store->ops->define(w->store, 1, &w->columns, w->a));
}

TEST(tables_in_memory_have_no_backup)
{
    struct dataset_world *w = *state;
    dataset_define(w, 1, spec);
    EXPECT_ERR(w->store->ops->backup(w->store, 1, "/tmp/unused", w->a), ERR_UNSUPPORTED);
    EXPECT_ERR(w->store->ops->restore(w->store, 2, "/tmp/unused", w->a), ERR_UNSUPPORTED);
}

static const struct dataset_case cases[] = {
    DATASET_CASE(rows_are_invisible_before_their_commit_and_come_together),
    DATASET_CASE(a_discarded_writer_leaves_nothing),
    DATASET_CASE(many_rows_are_discarded_as_well_as_few),
    DATASET_CASE(a_file_is_added_once),
    DATASET_CASE(a_file_without_rows_is_recorded),
    DATASET_CASE(a_dataset_has_one_writer_at_a_time),
    DATASET_CASE(files_are_visited_by_id_until_the_visitor_stops),
    DATASET_CASE(thousands_of_files_are_visited),
    DATASET_CASE(columns_are_added_at_the_end_and_null_in_older_rows),
    DATASET_CASE(columns_are_neither_changed_nor_removed),
    DATASET_CASE(columns_are_not_added_while_rows_are),
    DATASET_CASE(columns_that_the_table_does_not_have_yet_are_null),
    DATASET_CASE(a_table_may_have_no_columns),
    DATASET_CASE(calls_without_a_table_find_none),
    DATASET_CASE(a_removed_table_is_gone_with_its_rows),
    DATASET_CASE(a_table_in_use_is_not_removed),
    DATASET_CASE(every_table_is_visited_until_the_visitor_stops),
    DATASET_CASE(a_query_sees_the_rows_that_were_there_when_it_began),
    DATASET_CASE(readers_see_whole_files_while_a_writer_adds_them),
    DATASET_CASE(of_two_that_made_a_table_or_added_its_columns_one_was_refused),
    DATASET_CASE_OF(1u << DATASET_MEM, tables_in_memory_have_no_backup),
};

int main(void)
{
    return dataset_run_cases(cases, LENGTH_OF(cases));
}

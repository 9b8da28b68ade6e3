/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one core answers questions about the records that bench/record_rows.c left in DIR: `build/bench/record-rows DIR &&
 * build/bench/record-queries DIR`. Each is asked three times, with its total, for a page of ten; the numbers are the best of them. */
#include "base/clock.h"
#include "core/query/query_build.h"
#include "core/store/record_store.h"
#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void must(err_t e)
{
    if (!e)
        return;
    SCRATCH(a);
    fprintf(stderr, SLICE_FMT "\n", SLICE_ARG(err_text(&a, e)));
    exit(1);
}

struct question {
    const char *what, *path; /* tested */
    enum row_test test;
    struct cell value;
    const char *order, *group;
    uint64_t offset;
    bool by_key;
};

static const struct row_expr *member(struct query_builder *b, const char *path)
{
    slice names[4], rest = slice_of(path);
    size_t count = 0;
    bool more = true;
    while (more)
        more = slice_cut(rest, '.', &names[count++], &rest);
    return query_member(b, names, count);
}

static struct row_query build(const struct question *q, struct arena *a)
{
    struct query_builder b;
    struct query_condition where;
    struct row_query made;
    query_builder_init_whole(&b, a, &record_columns);
    if (q->path && query_test(&b, q->test, member(&b, q->path), &q->value, 1, &where))
        query_set_where(&b, &where);
    if (q->group) {
        query_add_item(&b, ROW_PLAIN, member(&b, q->group), S("group"));
        query_add_group(&b, member(&b, q->group));
    }
    if (q->order)
        query_add_order(&b, SLICE_NONE, member(&b, q->order), true);
    if (!query_end(&b, &made))
        exit(1);
    made.limit = 10;
    made.offset = q->offset;
    return made;
}

static void ask(struct record_store *store, const struct question *q)
{
    int64_t best_us = INT64_MAX;
    struct record_result r;
    struct rusage usage;
    for (int i = 0; i < 3; i++) {
        SCRATCH(a);
        struct row_query rows = build(q, &a);
        struct record_keys key = { q->value.text, S("") };
        int64_t begun_us = clock_stopwatch_us();
        must(store->ops->query(
            store, 1, &(struct record_query){ .rows = &rows, .keys = &key, .key_count = q->by_key, .with_total = true },
            &a, &r));
        int64_t took_us = clock_stopwatch_us() - begun_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%-44s %9.3f ms, %zu of %llu records (peak %ld MiB)\n", q->what, (double)best_us / 1e3, r.count,
           (unsigned long long)r.total, usage.ru_maxrss / 1024);
}

#define TEXT(s)                                                                                                        \
    {                                                                                                                  \
        .kind = COLUMN_STRING, .text = { "" s, sizeof(s) - 1 }                                                         \
    }
#define NUMBER(s)                                                                                                      \
    {                                                                                                                  \
        .kind = COLUMN_JSON, .text = { "" s, sizeof(s) - 1 }                                                           \
    }

int main(int argc, char **argv)
{
    static const struct question questions[] = {
        { .what = "the first page" },
        { .what = "a page far behind", .offset = 900000 },
        { .what = "one key", .path = "entityId", .test = ROW_EQ, .value = TEXT("F-000777777"), .by_key = true },
        { .what = "a member that is equal", .path = "entityId", .test = ROW_EQ, .value = TEXT("F-000777777") },
        { .what = "a number that is greater", .path = "familySize", .test = ROW_GT, .value = NUMBER("8") },
        { .what = "a member of an object", .path = "address.zip", .test = ROW_EQ, .value = TEXT("00042") },
        { .what = "an element of an array", .path = "tags", .test = ROW_EQ, .value = TEXT("t42") },
        { .what = "a pattern", .path = "entityId", .test = ROW_MATCHES, .value = TEXT("77+$") },
        { .what = "all of them, sorted by a number", .order = "income" },
        { .what = "all of them, sorted by a text", .order = "entityId" },
        { .what = "the different values of a text", .group = "address.zip" },
    };
    struct record_store *store;
    SCRATCH(a);
    if (argc < 2)
        return fprintf(stderr, "record-queries DIR\n"), 2;
    must(record_open(&(struct record_options){ .dir = argv[1], .random = random_system() }, &a, &store));
    for (size_t i = 0; i < LENGTH_OF(questions); i++)
        ask(store, &questions[i]);
    store->ops->close_store(store);
    return 0;
}

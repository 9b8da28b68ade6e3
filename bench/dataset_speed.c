/* SPDX-License-Identifier: Apache-2.0 */
/* How fast rows of a dataset are added and queried: `ninja -C build bench/dataset-speed && build/bench/dataset-speed DIR
 * [ROWS]`. DIR is a new folder, and is not removed. The rows have ten columns of mixed types, the same in each run. Queries are
 * run through the store and, written by hand with the same meaning, through the C interface of DuckDB with the same settings; each
 * number is the best of several attempts, whose first ones warm the cache. */
#include "base/clock.h"
#include "base/random.h"
#include "dataset/duckdb/duckdb_store.h"

#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COLUMNS 10
#define BATCH 10000
#define TRIES 25

static const struct column columns[COLUMNS] = {
    { { "id", 2 }, COLUMN_INT64, true },        { { "at", 2 }, COLUMN_DATETIME, false },
    { { "quantity", 8 }, COLUMN_INT32, false }, { { "mail", 4 }, COLUMN_STRING, false },
    { { "country", 7 }, COLUMN_STRING, false }, { { "amount", 6 }, COLUMN_DECIMAL, false },
    { { "score", 5 }, COLUMN_UINT16, false },   { { "active", 6 }, COLUMN_BOOL, false },
    { { "tags", 4 }, COLUMN_JSON, false },      { { "note", 4 }, COLUMN_STRING, false },
};
static const struct column_list list = { (struct column *)(uintptr_t)columns, COLUMNS };

#define MUST(e)                                                                                                        \
    do {                                                                                                               \
        err_t must_e_ = (e);                                                                                           \
        if (must_e_) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, must_e_->msg);                                          \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static double now_ms(void)
{
    return (double)clock_stopwatch_us() / 1000;
}

static long memory_kib(const char *name)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

/* ---- rows ---- */

static uint64_t draw(struct random_seeded *r)
{
    uint64_t n;
    random_fill(&r->random, &n, sizeof n);
    return n;
}

static void make_row(struct random_seeded *r, int64_t id, struct arena *a, struct cell *c)
{
    static const char countries[][3] = { "BR", "AR", "PT", "US", "DE", "FR", "JP", "CL", "MX", "UY" };
    uint64_t n = draw(r), m = draw(r);
    memset(c, 0, COLUMNS * sizeof *c);
    c[0].integer = id;
    c[1].integer = 1700000000 + id / 3;
    c[2].integer = (int64_t)(n % 1000) - 100;
    c[3].text = arena_printf(a, "user%llu@example.org", (unsigned long long)(n >> 40));
    c[4].text = (slice){ countries[m % 10], 2 };
    c[5].decimal = (decimal_t)(n % 10000000) * 10000;
    c[6].natural = m >> 48;
    c[7].boolean = m & 1;
    c[8].text = arena_printf(a, "[%u,%u]", (unsigned)(m >> 8) % 100, (unsigned)(m >> 16) % 100);
    c[9].is_null = m % 4 == 0;
    c[9].text = arena_printf(a, "a note about order %llu of the customer", (unsigned long long)(m >> 32));
}

static void add_rows(struct dataset_store *store, int64_t rows)
{
    SCRATCH(a);
    struct random_seeded r;
    random_seeded_init(&r, 1);
    struct dataset_writer *w;
    struct cell *cells = malloc(sizeof *cells * COLUMNS * BATCH);
    if (!cells)
        abort();
    double spent = 0;
    MUST(store->ops->open(store, 1, 1, &a, &w));
    for (int64_t id = 0; id < rows; id += BATCH) {
        SCRATCH(texts);
        for (int64_t i = 0; i < BATCH; i++)
            make_row(&r, id + i, &texts, &cells[i * COLUMNS]);
        double begin = now_ms();
        MUST(store->ops->add(w, cells, BATCH, &a));
        spent += now_ms() - begin;
    }
    double begin = now_ms();
    MUST(store->ops->commit(w, &a));
    double commit = now_ms() - begin;
    free(cells);
    printf("add %lld rows: %.0f ms, commit %.0f ms: %.0f rows/s; peak memory %ld MiB\n", (long long)rows, spent, commit,
           (double)rows / (spent + commit) * 1000, memory_kib("VmHWM") / 1024);
}

/* ---- queries ---- */

static const struct row_expr column_of[COLUMNS] = {
#define COLUMN(i, t)                                                                                                   \
    {                                                                                                                  \
        .function = ROW_COLUMN, .column = (i), .type = (t)                                                             \
    }
    COLUMN(0, COLUMN_INT64),  COLUMN(1, COLUMN_DATETIME), COLUMN(2, COLUMN_INT32),  COLUMN(3, COLUMN_STRING),
    COLUMN(4, COLUMN_STRING), COLUMN(5, COLUMN_DECIMAL),  COLUMN(6, COLUMN_UINT16), COLUMN(7, COLUMN_BOOL),
    COLUMN(8, COLUMN_JSON),   COLUMN(9, COLUMN_STRING),
#undef COLUMN
};

static const struct cell country = { .text = { "BR", 2 } }, least = { .decimal = (decimal_t)50000 * DECIMAL_UNIT },
                         first = { .integer = 1700000000 + 300000 }, pattern = { .text = { "%order 4%", 9 } };
static const struct row_condition filter[] = {
    { .test = ROW_EQ, .expr = &column_of[4], .values = &country, .value_count = 1 },
    { .test = ROW_GE, .expr = &column_of[5], .values = &least, .value_count = 1 },
    { .test = ROW_GE, .expr = &column_of[1], .values = &first, .value_count = 1 },
    { .test = ROW_LIKE, .expr = &column_of[9], .values = &pattern, .value_count = 1 },
};
static const struct row_condition both = { .test = ROW_ALL, .children = filter, .child_count = 2 };
static const struct row_item count_item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64 };
static const struct row_item sums[] = { { ROW_PLAIN, &column_of[4], COLUMN_STRING, { 0, 0 } },
                                        { ROW_SUM, &column_of[5], COLUMN_DECIMAL_SUM, { 0, 0 } } };
static const struct row_expr *const by_country[] = { &column_of[4] };
static const struct row_item all[COLUMNS] = {
    { .expr = &column_of[0], .type = COLUMN_INT64 },  { .expr = &column_of[1], .type = COLUMN_DATETIME },
    { .expr = &column_of[2], .type = COLUMN_INT32 },  { .expr = &column_of[3], .type = COLUMN_STRING },
    { .expr = &column_of[4], .type = COLUMN_STRING }, { .expr = &column_of[5], .type = COLUMN_DECIMAL },
    { .expr = &column_of[6], .type = COLUMN_UINT16 }, { .expr = &column_of[7], .type = COLUMN_BOOL },
    { .expr = &column_of[8], .type = COLUMN_JSON },   { .expr = &column_of[9], .type = COLUMN_STRING },
};
static const struct row_order by_amount = { .expr = &column_of[5], .is_descending = true },
                              by_sum = { .item = 1, .is_descending = true };

static const struct {
    const char *name;
    struct row_query query;
    const char *sql;
} questions[] = {
    { "filtered count",
      { .columns = &list, .items = &count_item, .item_count = 1, .where = &both, .is_grouped = true, .limit = 1 },
      "SELECT count(*) FROM lines WHERE c4 = 'BR' AND c5 >= 50000" },
    { "count of the latest",
      { .columns = &list, .items = &count_item, .item_count = 1, .where = &filter[2], .is_grouped = true, .limit = 1 },
      "SELECT count(*) FROM lines WHERE c1 >= to_timestamp(1700300000)::TIMESTAMP" },
    { "count of a pattern",
      { .columns = &list, .items = &count_item, .item_count = 1, .where = &filter[3], .is_grouped = true, .limit = 1 },
      "SELECT count(*) FROM lines WHERE c9 LIKE '%order 4%'" },
    { "sums by group",
      { .columns = &list,
        .items = sums,
        .item_count = 2,
        .is_grouped = true,
        .groups = by_country,
        .group_count = 1,
        .orders = &by_sum,
        .order_count = 1,
        .limit = 100 },
      "SELECT c4, sum(c5) FROM lines GROUP BY c4 ORDER BY 2 DESC LIMIT 100" },
    { "top 20 rows",
      { .columns = &list, .items = all, .item_count = COLUMNS, .orders = &by_amount, .order_count = 1, .limit = 20 },
      "SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM lines ORDER BY c5 DESC NULLS LAST, r LIMIT 20" },
    { "10,000 rows",
      { .columns = &list, .items = all, .item_count = COLUMNS, .limit = 10000 },
      "SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM lines LIMIT 10000" },
    { "10,000 from 500,000 on",
      { .columns = &list, .items = all, .item_count = COLUMNS, .limit = 10000, .offset = 500000 },
      "SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM lines LIMIT 10000 OFFSET 500000" },
    { "10,000 of a country",
      { .columns = &list, .items = all, .item_count = COLUMNS, .where = &filter[0], .limit = 10000, .offset = 50000 },
      "SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM lines WHERE c4 = 'BR' LIMIT 10000 OFFSET 50000" },
};
enum { QUESTIONS = sizeof questions / sizeof questions[0] };

static double ask_store(struct dataset_store *store, const struct row_query *q)
{
    SCRATCH(a);
    double begin = now_ms();
    SCOPED(dataset_cursor_closep) struct dataset_cursor *cursor = NULL;
    const struct cell *cells;
    MUST(store->ops->query(store, 1, q, 30000, &a, &cursor));
    for (size_t count = 1; count;)
        MUST(cursor->ops->next(cursor, &a, &cells, &count));
    return now_ms() - begin;
}

static double ask_by_hand(duckdb_connection connection, const char *sql)
{
    double begin = now_ms();
    duckdb_prepared_statement statement;
    duckdb_result result;
    if (duckdb_prepare(connection, sql, &statement) == DuckDBError ||
        duckdb_execute_prepared_streaming(statement, &result) == DuckDBError) {
        fprintf(stderr, "%s\n", sql);
        exit(1);
    }
    for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result));)
        duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
    return now_ms() - begin;
}

static duckdb_database open_by_hand(const char *path)
{
    duckdb_config config;
    duckdb_database database;
    duckdb_create_config(&config);
    duckdb_set_config(config, "threads", "1");
    duckdb_set_config(config, "memory_limit", "128MiB");
    if (duckdb_open_ext(path, &database, config, NULL) == DuckDBError)
        exit(1);
    duckdb_destroy_config(&config);
    return database;
}

/* In turn, so that other work on the machine disturbs both alike. The copy is needed because a file can be open once. */
static void time_questions(struct dataset_store *store, const char *dir)
{
    SCRATCH(a);
    slice copy = arena_printf(&a, "%s/copy.duckdb", dir);
    MUST(store->ops->backup(store, 1, copy.p, &a));
    duckdb_connection connection;
    duckdb_database database = open_by_hand(copy.p);
    duckdb_connect(database, &connection);
    printf("%-24s %10s %10s %6s\n", "warm, ms", "store", "by hand", "speed");
    for (size_t i = 0; i < QUESTIONS; i++) {
        double through_store = 1e9, by_hand = 1e9;
        for (int try = 0; try < TRIES; try++) {
            double ms = ask_store(store, &questions[i].query);
            through_store = ms < through_store ? ms : through_store;
            ms = ask_by_hand(connection, questions[i].sql);
            by_hand = ms < by_hand ? ms : by_hand;
        }
        printf("%-24s %10.2f %10.2f %6.2f\n", questions[i].name, through_store, by_hand, by_hand / through_store);
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
}

int main(int argc, char **argv)
{
    SCRATCH(a);
    struct dataset_store *store;
    struct stat st;
    if (argc < 2) {
        fprintf(stderr, "dataset-speed DIR [ROWS]\n");
        return 2;
    }
    printf("memory before a store is open: %ld MiB\n", memory_kib("VmRSS") / 1024);
    MUST(dataset_duckdb_open(argv[1], NULL, clock_system(), &a, &store));
    MUST(store->ops->define(store, 1, &list, &a));
    printf("memory with none open: %ld MiB\n", memory_kib("VmRSS") / 1024);
    add_rows(store, argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000);
    stat(arena_printf(&a, "%s/1.duckdb", argv[1]).p, &st);
    printf("size of the file: %lld MiB\n", (long long)st.st_size >> 20);
    store->ops->close_store(store);
    MUST(dataset_duckdb_open(argv[1], NULL, clock_system(), &a, &store));
    printf("first query of a closed database: %.1f ms\n", ask_store(store, &questions[0].query));
    printf("memory with a database open: %ld MiB, peak %ld MiB\n", memory_kib("VmRSS") / 1024,
           memory_kib("VmHWM") / 1024);
    time_questions(store, argv[1]);
    store->ops->close_store(store);
    return 0;
}

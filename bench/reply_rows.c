/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the replies to queries are written, on one core: rows of ten mixed columns that are in memory already, in each format.
 * Then the worst case for one type: floats of 17 digits. With a DIR, which must not exist, also a whole query of DuckDB, of as many rows
 * out of ten times as many. Usage: reply-rows [ROWS] [ROUNDS] [DIR] */
#include "api/datasnap/query_reply.h"
#include "core/dataset/result_page.h"
#include "dataset/duckdb/duckdb_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2048 /* rows that the store hands out at once, as DuckDB does */

struct memory_rows {
    struct dataset_store store;
    struct dataset_cursor cursor;
    const struct cell *cells;
    size_t columns, rows, at;
};

static err_t begin_rows(struct dataset_store *store, int64_t dataset_id, const struct row_query *q, int64_t limit_ms,
                        struct arena *a, struct dataset_cursor **ret)
{
    struct memory_rows *m = (struct memory_rows *)store;
    (void)dataset_id, (void)q, (void)limit_ms, (void)a;
    m->at = 0;
    m->cursor = (struct dataset_cursor){ .ops = store->ops, .newest_row = 1 };
    *ret = &m->cursor;
    return NULL;
}

static err_t next_rows(struct dataset_cursor *c, struct arena *a, const struct cell **ret_cells, size_t *ret_count)
{
    struct memory_rows *m = (struct memory_rows *)((char *)c - offsetof(struct memory_rows, cursor));
    (void)a;
    *ret_count = m->rows - m->at < BATCH ? m->rows - m->at : BATCH;
    *ret_cells = m->cells + m->at * m->columns;
    m->at += *ret_count;
    return NULL;
}

static void end_rows(struct dataset_cursor *c)
{
    (void)c;
}

static const struct dataset_ops memory_ops = { .query = begin_rows, .next = next_rows, .close = end_rows };

static const enum column_type types[] = { COLUMN_INT64, COLUMN_STRING, COLUMN_STRING,   COLUMN_DECIMAL, COLUMN_FLOAT,
                                          COLUMN_FLOAT, COLUMN_BOOL,   COLUMN_DATETIME, COLUMN_DATE,    COLUMN_STRING };
static const char *const names[] = { "id",   "usuario", "cidade",    "valor", "preco",
                                     "nota", "ativo",   "criado_em", "dia",   "texto" };
#define COLUMNS (sizeof types / sizeof types[0])

static uint64_t next_random(void) /* xorshift, with a fixed seed */
{
    static uint64_t x = UINT64_C(88172645463325252);
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

static struct cell *make_cells(size_t rows, struct arena *a)
{
    static const char *const cities[] = { "Recife", "São Paulo", "Olinda", "Belém", "Curitiba" };
    struct cell *cells = arena_array(a, struct cell, rows * COLUMNS);
    for (size_t i = 0; i < rows; i++) {
        struct cell *c = cells + i * COLUMNS;
        c[0].integer = (int64_t)i + 1000000;
        c[1].text = arena_printf(a, "usuario%06llu", (unsigned long long)next_random() % 1000000);
        c[2].text = slice_of(cities[next_random() % 5]);
        c[3].decimal = (decimal_t)(next_random() % 100000000) * 10000;
        c[4].real = (double)(next_random() % 1000000) / 100;
        c[5].real = (double)next_random() / 1.8446744073709551616e19;
        c[6].boolean = next_random() % 2;
        c[7].integer = 1767225600 + (int64_t)(next_random() % 31536000);
        c[8].integer = 20000 + (int64_t)(next_random() % 1000);
        c[9].text = arena_printf(a, "pedido %llu: \"entregue\" em %llu dias úteis",
                                 (unsigned long long)next_random() % 100000, (unsigned long long)next_random() % 30);
        for (size_t j = 1; j < COLUMNS; j++)
            c[j].is_null = next_random() % 20 == 0;
    }
    return cells;
}

static size_t write_all(const struct query_request *request, struct dataset_store *store)
{
    SCRATCH(a);
    arena_set_limit(&a, (size_t)1 << 30, NULL);
    struct page_token_key key = { .key = S("0123456789abcdef0123456789abcdef") };
    struct result_page *page;
    if (result_page_open(store, 1, &request->query, 0, &a, &page))
        exit(1);
    struct query_reply_parts parts = { .request = request, .page = page, .token = &key, .clock = clock_system() };
    struct query_reply *r = query_reply_new(&a, &parts);
    SCOPED(buf_releasep) struct buf piece;
    buf_init(&piece, 0);
    slice token;
    size_t size = 0;
    if (request->format == RESULT_JSON_LINES && query_reply_token(r, &a, &token))
        exit(1);
    for (bool end = false; !end; size += piece.n) {
        buf_clear(&piece);
        if (query_reply_write(r, &piece, &a, &end))
            exit(1);
    }
    result_page_close(page);
    return size;
}

/* The best of all rounds: other work on the machine makes the others longer. */
static void measure(const char *what, const struct query_request *request, struct dataset_store *store, int rounds)
{
    int64_t best_us = INT64_MAX;
    size_t size = 0;
    for (int i = 0; i < rounds; i++) {
        int64_t begin_us = clock_thread_cpu_us();
        size = write_all(request, store);
        int64_t took_us = clock_thread_cpu_us() - begin_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    printf("%-22s %8zu bytes %8.2f ms %8.1f MB/s %10.0f rows/s\n", what, size, (double)best_us / 1e3,
           (double)size / (double)best_us, (double)request->query.limit * 1e6 / (double)best_us);
}

static void must(err_t e)
{
    if (e) {
        fprintf(stderr, "%s\n", e->msg);
        exit(1);
    }
}

static void measure_duckdb(const char *dir, struct query_request *request, const struct cell *cells, int rounds)
{
    SCRATCH(a);
    struct dataset_store *store;
    struct dataset_writer *writer;
    struct column columns[COLUMNS];
    struct row_expr exprs[COLUMNS];
    struct row_item items[COLUMNS];
    struct column_list list = { columns, COLUMNS };
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (struct column){ .name = slice_of(names[i]), .type = types[i] };
        exprs[i] = (struct row_expr){ .function = ROW_COLUMN, .column = i, .type = types[i] };
        items[i] = (struct row_item){ .expr = &exprs[i], .type = types[i], .name = columns[i].name };
    }
    must(dataset_duckdb_open(dir, NULL, clock_system(), &a, &store));
    must(store->ops->define(store, 1, &list, &a));
    must(store->ops->open(store, 1, 1, &a, &writer));
    for (int i = 0; i < 10; i++)
        must(store->ops->add(writer, cells, request->query.limit, &a));
    must(store->ops->commit(writer, &a));
    request->query.columns = &list;
    request->query.items = items;
    request->query.item_count = COLUMNS;
    measure("jsonl, DuckDB", request, store, rounds);
    struct row_order order = { .item = 9 };
    request->query.orders = &order;
    request->query.order_count = 1;
    measure("jsonl, DuckDB, sorted", request, store, rounds);
    store->ops->close_store(store);
}

int main(int argc, char **argv)
{
    static const char *const formats[] = { "json", "json_compact", "json_compact_strings", "jsonl" };
    size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    int rounds = argc > 2 ? atoi(argv[2]) : 50;
    SCRATCH(a);
    arena_set_limit(&a, (size_t)1 << 30, NULL);
    struct memory_rows table = {
        .store = { .ops = &memory_ops }, .cells = make_cells(rows, &a), .columns = COLUMNS, .rows = rows
    };
    struct row_item items[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        items[i] = (struct row_item){ .type = types[i], .name = slice_of(names[i]) };
    struct query_request request = { .query = { .items = items, .item_count = COLUMNS, .limit = rows },
                                     .include_meta = true };
    for (int format = RESULT_JSON; format <= RESULT_JSON_LINES; format++) {
        request.format = (enum result_format)format;
        measure(formats[format], &request, &table.store, rounds);
    }
    const struct cell *mixed = table.cells;
    struct cell *floats = arena_array(&a, struct cell, rows);
    for (size_t i = 0; i < rows; i++)
        floats[i].real = (double)next_random() / 1.8446744073709551616e19;
    table.cells = floats;
    table.columns = request.query.item_count = 1;
    request.query.items = &items[5];
    measure("jsonl, random floats", &request, &table.store, rounds);
    if (argc > 3)
        measure_duckdb(argv[3], &request, mixed, rounds);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one core puts rows into a set of records, in batches of 1,000: `ninja -C build bench/record-rows &&
 * build/bench/record-rows DIR [ROWS [durable]]`. ROWS rows (1,000,000) of ten fields are put in the order of their keys and in random
 * order, each into an empty set and then again, with a flush once a second and at the end, or with each batch durable. DIR is a
 * folder that is made, on the disk that is meant. The numbers are of the clock on the wall, flushes included. */
#include "base/buf.h"
#include "base/clock.h"
#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BATCH_ROWS 1000
#define FLUSH_US 1000000

static void must(err_t e)
{
    if (!e)
        return;
    SCRATCH(a);
    fprintf(stderr, SLICE_FMT "\n", SLICE_ARG(err_text(&a, e)));
    exit(1);
}

/* A number below `rows` for each below `rows`: all of them, in an order without pattern. */
static uint64_t shuffled(uint64_t i, uint64_t rows)
{
    uint64_t bits = 1;
    while (UINT64_C(1) << bits < rows)
        bits++;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    do {
        for (int round = 0; round < 3; round++) {
            i = (i * UINT64_C(0x9e3779b97f4a7c15) + 12345) & mask;
            i ^= i >> (bits / 2);
        }
    } while (i >= rows);
    return i;
}

static void put_row(struct record_writer *writer, uint64_t number, uint64_t round, struct arena *a)
{
    char key[32], object[512];
    enum record_outcome outcome;
    int key_n = snprintf(key, sizeof key, "F-%09llu", (unsigned long long)number);
    int n =
        snprintf(object, sizeof object,
                 "{\"entityId\":\"%s\",\"name\":\"Márcia de Assunção\",\"familySize\":%u,\"homeless\":false,"
                 "\"address\":{\"zip\":\"%05u\",\"city\":\"Sacramento\"},\"tags\":[\"t%u\",\"new\"],\"income\":%u.50,"
                 "\"born\":\"19800229\",\"note\":null,\"disabled\":false}",
                 key, (unsigned)(number % 9 + round), (unsigned)(number % 99999), (unsigned)(number % 100),
                 (unsigned)(number % 77777));
    must(writer->ops->put(writer, (slice){ key, (size_t)key_n }, (slice){ object, (size_t)n }, a, &outcome));
}

static void flush(struct record_store *store, int64_t set_id)
{
    SCRATCH(a);
    slice position;
    must(store->ops->flush(store, set_id, &a, &position));
}

static enum record_commit how = RECORD_COMMIT_ORDERED;

static void put_rows(struct record_store *store, int64_t set_id, uint64_t rows, uint64_t round, const char *what)
{
    bool is_random = set_id == 2;
    int64_t flushed_us = clock_stopwatch_us();
    int64_t begun_us = clock_stopwatch_us(), begun_cpu_us = clock_thread_cpu_us();
    for (uint64_t i = 0; i < rows;) {
        SCRATCH(a);
        struct record_writer *writer;
        must(store->ops->open(store, set_id, &(struct record_batch){ S("65f35b06e30c8a2e4578d118"), 1 }, &a, &writer));
        for (uint64_t end = i + BATCH_ROWS < rows ? i + BATCH_ROWS : rows; i < end; i++)
            put_row(writer, is_random ? shuffled(i, rows) : i, round, &a);
        must(store->ops->commit(writer, arena_printf(&a, "%llu", (unsigned long long)i), how, &a));
        if (clock_stopwatch_us() - flushed_us > FLUSH_US) {
            flush(store, set_id);
            flushed_us = clock_stopwatch_us();
        }
    }
    flush(store, set_id);
    double s = (double)(clock_stopwatch_us() - begun_us) / 1e6;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s: %.0f rows/s (%llu rows in %.1f s, %.1f s of them on the processor; peak %ld MiB)\n", what,
           (double)rows / s, (unsigned long long)rows, s, (double)(clock_thread_cpu_us() - begun_cpu_us) / 1e6,
           usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    struct record_store *store;
    slice field = S("entityId");
    SCRATCH(a);
    if (argc < 2 || !rows)
        return fprintf(stderr, "record-rows DIR [ROWS [durable]]\n"), 2;
    if (argc > 3)
        how = RECORD_COMMIT_DURABLE;
    must(record_open(&(struct record_options){ .dir = argv[1], .random = random_system() }, &a, &store));
    for (int64_t id = 1; id <= 2; id++) {
        must(store->ops->remove(store, id, &a));
        must(store->ops->define(store, id, &(struct record_fields){ &field, 1 }, &a));
    }
    put_rows(store, 1, rows, 0, "inserted in the order of keys");
    put_rows(store, 1, rows, 1, "updated in the order of keys");
    put_rows(store, 2, rows, 0, "inserted in random order");
    put_rows(store, 2, rows, 1, "updated in random order");
    store->ops->close_store(store);
    return 0;
}

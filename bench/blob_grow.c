/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a blob of 256 MiB is written that grows in steps, each flushed, beside one that is written at once.
 * blob-grow DIR [ROUNDS [relaxed]] : creates DIR, and writes and removes each kind of blob in turn, ROUNDS times. */
#include "base/clock.h"
#include "blob/disk/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MIB ((uint64_t)1024 * 1024)
#define BLOB (256 * MIB)
#define CHUNK ((size_t)128 * 1024) /* the size of the buffers of body workers */
enum { ROUNDS_MAX = 100 };

static const uint64_t steps[] = { 0, 64 * MIB, 8 * MIB }; /* 0: create, write, commit */

static void must(err_t e)
{
    if (e) {
        fprintf(stderr, "%s (%s)\n", e->msg, e->where);
        exit(1);
    }
}

static void write_chunks(struct blob_writer *w, const char *chunk, uint64_t size_bytes, struct arena *a)
{
    for (; size_bytes; size_bytes -= CHUNK)
        must(w->ops->write(w, (slice){ chunk, CHUNK }, a));
}

static void write_blob(struct blob_store *store, slice key, uint64_t step, const char *chunk, struct arena *a)
{
    struct blob_writer *w;
    if (step == 0) {
        must(store->ops->create(store, key, BLOB, a, &w));
        write_chunks(w, chunk, BLOB, a);
        must(w->ops->commit(w, a));
        return;
    }
    for (uint64_t at = 0; at < BLOB; at += step) {
        must(store->ops->grow(store, key, at, a, &w));
        write_chunks(w, chunk, step, a);
        must(w->ops->flush(w, a));
        w->ops->discard(w);
    }
    must(store->ops->settle(store, key, BLOB, a));
}

static int64_t cpu_us(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    SCRATCH(a);
    int rounds = argc > 2 ? atoi(argv[2]) : 6;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    struct blob_store *store;
    must(blob_disk_open(argv[1], argc > 3 && !strcmp(argv[3], "relaxed"), &a, &store));
    char *chunk = must_malloc(CHUNK);
    for (size_t i = 0; i < CHUNK; i++)
        chunk[i] = (char)(i * 31 >> 3);
    static int64_t took_us[LENGTH_OF(steps)][ROUNDS_MAX], used_us[LENGTH_OF(steps)][ROUNDS_MAX];
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < LENGTH_OF(steps); i++) {
            SCRATCH(scratch);
            slice key = arena_printf(&scratch, "%02x-%zu", (unsigned)round, i);
            int64_t start_us = clock_stopwatch_us(), before_us = cpu_us();
            write_blob(store, key, steps[i], chunk, &scratch);
            took_us[i][round] = clock_stopwatch_us() - start_us;
            used_us[i][round] = cpu_us() - before_us;
            must(store->ops->remove(store, key, &scratch));
        }
    for (size_t i = 0; i < LENGTH_OF(steps); i++) {
        qsort(took_us[i], (size_t)rounds, sizeof took_us[i][0], compare_times);
        qsort(used_us[i], (size_t)rounds, sizeof used_us[i][0], compare_times);
        double bytes = (double)BLOB / 1e6, median = (double)took_us[i][rounds / 2];
        printf("steps of %3" PRIu64 " MiB: median %7.1f MB/s, best %7.1f MB/s, %.3f of at once; %6.1f ms of CPU\n",
               steps[i] ? steps[i] / MIB : BLOB / MIB, bytes / median * 1e6, bytes / (double)took_us[i][0] * 1e6,
               (double)took_us[0][rounds / 2] / median, (double)used_us[i][rounds / 2] / 1e3);
    }
    free(chunk);
    store->ops->close_store(store);
    return 0;
}

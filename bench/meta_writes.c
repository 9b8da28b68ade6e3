/* SPDX-License-Identifier: Apache-2.0 */
/* How many uploads per second the metadata store accepts. An upload is account_use + object_add (inline) + file_add +
 * event_add in one write, and counts once it is durable. `waiting` uploads are always in progress: when one is done, its
 * callback submits the next, as the server's loops do. With `threads`, each is waited for by a thread of its own.
 *
 *   meta-writes DIR [seconds 5] [bytes 4096] [waiting 32] [threads 0|1] */
#include "base/clock.h"
#include "base/random.h"
#include "core/records/account.h"
#include "core/records/event.h"
#include "core/records/file.h"
#include "core/records/object.h"
#include "core/records/user.h"
#include "core/store/account_store.h"
#include "core/store/event_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/user_store.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

struct bench {
    struct meta_store *store;
    slice bytes;
    int64_t user;
    struct random_seeded random;
    atomic_bool stop;
    atomic_int in_flight;
    int64_t done, failed, *latency_us;
    size_t latency_max;
};

struct bench_upload {
    struct meta_write write;
    struct bench *bench;
    int64_t start_us;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void check(err_t e)
{
    SCRATCH(s);
    if (!e)
        return;
    fprintf(stderr, SLICE_FMT "\n", SLICE_ARG(err_text(&s, e)));
    exit(1);
}

static err_t apply_upload(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = ((struct bench_upload *)arg)->bench;
    struct object o = { .account_id = 1, .size_bytes = b->bytes.n, .inline_bytes = b->bytes, .created_at_ms = 1 };
    TRY(meta_account_use(tx, 1, &(struct account_use){ .bytes = (int64_t)b->bytes.n, .files = 1, .owner_id = b->user },
                         a));
    random_fill(&b->random.random, o.md5, sizeof o.md5);
    struct file f = { .account_id = 1,
                      .owner_id = b->user,
                      .origin = S("pyrus"),
                      .name = S("report-2026-11.pdf"),
                      .content_type = S("application/pdf"),
                      .state = FILE_STORED,
                      .size_bytes = b->bytes.n,
                      .created_at_ms = 1800000000000,
                      .stored_at_ms = 1800000000001,
                      .purge_at_ms = 1800000000002 };
    TRY(meta_object_add(tx, &o, a, &f.object_id));
    random_uuid(&b->random.random, f.uuid);
    memcpy(f.md5, o.md5, sizeof f.md5);
    TRY(meta_file_add(tx, &f, a, &f.id));
    struct event e = { .at_ms = 1800000000001,
                       .account_id = 1,
                       .actor_id = b->user,
                       .action = S("file.store"),
                       .subject = S("file:01234567-89ab-4def-8123-456789abcdef"),
                       .detail = S("4096 bytes"),
                       .request_id = S("0123456789abcdef") };
    return meta_event_add(tx, &e, a);
}

static void upload_done(struct meta_write *w, err_t e)
{
    struct bench_upload *u = CONTAINER_OF(w, struct bench_upload, write);
    struct bench *b = u->bench;
    int64_t now = now_us();
    if (e)
        b->failed++;
    else if ((size_t)b->done < b->latency_max)
        b->latency_us[b->done++] = now - u->start_us;
    u->start_us = now;
    if (atomic_load(&b->stop) || !meta_submit(b->store, w))
        atomic_fetch_sub(&b->in_flight, 1);
}

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static void *upload_and_wait(void *arg)
{
    struct bench_upload *u = arg;
    struct bench *b = u->bench;
    while (!atomic_load(&b->stop)) {
        SCRATCH(a);
        int64_t start = now_us();
        check(meta_write(b->store, apply_upload, u, &a));
        SCOPED(unlockp) pthread_mutex_t *held = lock(&counting);
        b->latency_us[b->done++] = now_us() - start;
    }
    return NULL;
}

static err_t prepare(struct meta_tx *tx, void *arg, struct arena *a)
{
    int64_t account;
    TRY(meta_account_add(tx, &(struct account){ .name = S("default") }, a, &account));
    return meta_user_add(tx, &(struct user){ .account_id = account, .login = S("alice") }, a, arg);
}

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return fprintf(stderr, "usage: meta-writes DIR [seconds] [bytes] [waiting] [threads 0|1]\n"), 2;
    int seconds = argc > 2 ? atoi(argv[2]) : 5, size = argc > 3 ? atoi(argv[3]) : 4096;
    int waiting = argc > 4 ? atoi(argv[4]) : 32;
    bool threads = argc > 5 && atoi(argv[5]);
    SCRATCH(a);
    const char *path = arena_printf(&a, "%s/bench.db", argv[1]).p;
    unlink(path);
    struct sql_db *db;
    check(sqlite_open(&(struct sqlite_options){ .path = path }, &a, &db));
    struct bench b = { .latency_max = 100000000 / 8 };
    b.latency_us = must_malloc(b.latency_max * sizeof *b.latency_us);
    random_seeded_init(&b.random, (uint64_t)now_us());
    b.bytes = (slice){ arena_alloc(&a, (size_t)size), (size_t)size };
    random_fill(&b.random.random, (void *)(uintptr_t)b.bytes.p, b.bytes.n);
    check(meta_open(db, &(struct meta_options){ 0 }, &a, &b.store));
    check(meta_write(b.store, prepare, &b.user, &a));

    struct bench_upload *uploads = arena_array(&a, struct bench_upload, (size_t)waiting);
    pthread_t *ids = arena_array(&a, pthread_t, (size_t)waiting);
    int64_t start = now_us();
    for (int i = 0; i < waiting; i++) {
        uploads[i] = (struct bench_upload){ .write = { .apply = apply_upload, .done = upload_done },
                                            .bench = &b,
                                            .start_us = now_us() };
        uploads[i].write.arg = &uploads[i];
        atomic_fetch_add(&b.in_flight, 1);
        if (threads)
            pthread_create(&ids[i], NULL, upload_and_wait, &uploads[i]);
        else if (!meta_submit(b.store, &uploads[i].write))
            return 1;
    }
    int64_t log_max = 0;
    for (int i = 0; i < seconds * 100; i++) {
        struct stat st;
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        if (stat(arena_printf(&a, "%s-wal", path).p, &st) == 0 && st.st_size > log_max)
            log_max = st.st_size;
    }
    atomic_store(&b.stop, true);
    for (int i = 0; threads && i < waiting; i++)
        pthread_join(ids[i], NULL);
    while (!threads && atomic_load(&b.in_flight))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    double took = (double)(now_us() - start) / 1e6;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    meta_close(b.store);
    struct stat st;
    stat(path, &st);
    qsort(b.latency_us, (size_t)b.done, sizeof *b.latency_us, by_value);
    printf("%.0f/s  %lld failed  p50 %.1f ms  p99 %.1f ms  worst %.0f ms  cpu %.1f us each  log at most %.0f MiB  file "
           "%.0f MiB\n",
           (double)b.done / took, (long long)b.failed, (double)b.latency_us[b.done / 2] / 1e3,
           (double)b.latency_us[b.done * 99 / 100] / 1e3, (double)b.latency_us[b.done - 1] / 1e3,
           cpu * 1e6 / (double)b.done, (double)log_max / 1048576, (double)st.st_size / 1048576);
    unlink(path);
    return 0;
}

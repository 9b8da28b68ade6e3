/* SPDX-License-Identifier: Apache-2.0 */
/* How fast are entries put, and listed in the order of their keys? The program creates DIR when it is missing, and keeps
 * it. It puts COUNT entries and their (empty) objects into a database there, BATCH per write, not in the order of their
 * keys, because clients do not sort either. Then it lists all entries twice, and composes and releases an object of
 * PARTS parts.
 *
 *   ninja -C build bench/meta-entries && build/bench/meta-entries DIR [COUNT [BATCH]] */
#include "base/random.h"
#include "base/scoped.h"
#include "core/records/account.h"
#include "core/records/bucket.h"
#include "core/records/entry.h"
#include "core/records/object.h"
#include "core/records/user.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/user_store.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { PARTS = 10000 };

struct bench {
    int64_t count, batch, put;
    int64_t account, user, bucket;
    int64_t visited;
    uint64_t key_bytes;
    struct placed_part parts[PARTS];
    int64_t whole;
};

static void check(err_t e)
{
    if (!e)
        return;
    fprintf(stderr, "%s (%s)\n", e->msg, e->where);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static err_t prepare(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    TRY(meta_account_add(tx, &(struct account){ .name = S("default") }, a, &b->account));
    TRY(meta_user_add(tx, &(struct user){ .account_id = b->account, .login = S("u") }, a, &b->user));
    struct bucket bucket = { .account_id = b->account, .owner_id = b->user, .name = S("bench") };
    return meta_bucket_add(tx, &bucket, a, &b->bucket);
}

static err_t put_one(struct meta_tx *tx, struct bench *b, uint64_t number, struct arena *a)
{
    int64_t object;
    struct replaced_entry replaced;
    TRY(meta_object_add(tx, &(struct object){ .account_id = b->account }, a, &object));
    slice key = arena_printf(a, "photos/2026/%016llx.jpeg", (unsigned long long)(number * 0x9e3779b97f4a7c15u));
    struct entry e = { .bucket_id = b->bucket,
                       .key = key,
                       .owner_id = b->user,
                       .object_id = object,
                       .headers = S("Content-Type: image/jpeg\nx-amz-meta-camera: some maker, some model\n") };
    return meta_entry_put(tx, &e, a, &replaced);
}

static err_t put_batch(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    for (int64_t i = 0; i < b->batch && b->put + i < b->count; i++) {
        SCRATCH(own);
        err_t e = put_one(tx, b, (uint64_t)(b->put + i), &own);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t count_entry(void *arg, const struct entry *e, bool *ret_stop)
{
    struct bench *b = arg;
    (void)ret_stop;
    b->visited++;
    b->key_bytes += e->key.n;
    return NULL;
}

static void put_all(struct bench *b, struct meta_store *store)
{
    double start = now_s();
    for (; b->put < b->count; b->put += b->batch) {
        SCRATCH(a);
        check(meta_write(store, put_batch, b, &a));
    }
    printf("put   %lld entries, %.0f a second, %lld in a write\n", (long long)b->count,
           (double)b->count / (now_s() - start), (long long)b->batch);
}

static void walk(struct bench *b, struct meta_store *store)
{
    SCRATCH(a);
    struct meta_tx *tx;
    b->visited = 0;
    check(meta_read_begin(store, &a, &tx));
    double start = now_s();
    check(meta_entry_each(tx, &(struct entry_range){ .bucket_id = b->bucket }, &a, count_entry, b));
    double took = now_s() - start;
    meta_read_end(tx);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("walk  %lld entries in %.2f s, %.0f a second, %ld MiB of memory at most\n", (long long)b->visited, took,
           (double)b->visited / took, usage.ru_maxrss / 1024);
}

static err_t add_parts(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    for (int i = 0; i < PARTS; i++)
        TRY(meta_object_add(tx, &(struct object){ .account_id = b->account }, a, &b->parts[i].object_id));
    return NULL;
}

static err_t compose_parts(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    return meta_object_compose(tx, &(struct object){ .account_id = b->account }, b->parts, PARTS, a, &b->whole);
}

static err_t release_composite(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_object_release(tx, ((struct bench *)arg)->whole, 1, a);
}

static void timed(struct bench *b, struct meta_store *store, meta_apply_fn *apply, const char *name)
{
    SCRATCH(a);
    double start = now_s();
    check(meta_write(store, apply, b, &a));
    printf("%-5s %d parts: %.0f ms\n", name, PARTS, (now_s() - start) * 1000);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: meta-entries DIR [COUNT [BATCH]]\n");
        return 2;
    }
    struct bench b = { .count = argc > 2 ? atoll(argv[2]) : 1000000, .batch = argc > 3 ? atoll(argv[3]) : 1000 };
    SCRATCH(a);
    struct sql_db *db;
    struct meta_store *store;
    mkdir(argv[1], 0700);
    const char *path = arena_printf(&a, "%s/entries.db", argv[1]).p;
    check(sqlite_open(&(struct sqlite_options){ .path = path }, &a, &db));
    check(meta_open(db, &(struct meta_options){ 0 }, &a, &store));
    check(meta_write(store, prepare, &b, &a));
    put_all(&b, store);
    walk(&b, store);
    walk(&b, store);
    timed(&b, store, add_parts, "add");
    timed(&b, store, compose_parts, "join");
    timed(&b, store, release_composite, "drop");
    meta_close(store);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How many blobs a second the disk store makes durable.
 * blob-writes DIR [relaxed|names] : creates DIR, fills it with blobs and removes them again. */
#include "base/clock.h"
#include "blob/disk/disk.h"
#include "blob/disk/disk_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)128 * 1024) /* the size of the buffers of body workers */

struct load {
    struct blob_store *store;
    uint64_t size_bytes;
    int64_t until_us;
    int64_t next, done; /* shared by the threads */
    const char *chunk;
};

static void must(err_t e)
{
    if (e) {
        fprintf(stderr, "%s (%s)\n", e->msg, e->where);
        exit(1);
    }
}

static slice key_of(int64_t number, char ret_key[32])
{
    /* The first two digits spread the blobs over the folders as random digits do. */
    int n = snprintf(ret_key, 32, "%02x-%" PRId64, (unsigned)(((uint64_t)number * 2654435761u) >> 16) & 0xff, number);
    return (slice){ ret_key, (size_t)n };
}

static void *write_blobs(void *arg)
{
    struct load *l = arg;
    char key[32];
    do {
        SCRATCH(a);
        struct blob_writer *w;
        slice name = key_of(__atomic_add_fetch(&l->next, 1, __ATOMIC_RELAXED), key);
        must(l->store->ops->create(l->store, name, l->size_bytes, &a, &w));
        for (uint64_t left = l->size_bytes; left;) {
            size_t n = left < CHUNK ? (size_t)left : CHUNK;
            must(w->ops->write(w, (slice){ l->chunk, n }, &a));
            left -= n;
        }
        must(w->ops->commit(w, &a));
        __atomic_add_fetch(&l->done, 1, __ATOMIC_RELAXED);
    } while (clock_stopwatch_us() < l->until_us);
    return NULL;
}

static void measure(struct blob_store *store, const char *chunk, uint64_t size_bytes, int threads, int64_t seconds)
{
    pthread_t thread[64];
    int64_t start_us = clock_stopwatch_us();
    struct load l = { store, size_bytes, start_us + seconds * 1000000, 0, 0, chunk };
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, write_blobs, &l))
            abort();
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    double took = (double)(clock_stopwatch_us() - start_us) / 1e6;
    printf("%8" PRIu64 " KiB %3d threads: %9.1f blobs/s %9.1f MiB/s\n", size_bytes / 1024, threads,
           (double)l.done / took, (double)l.done * (double)size_bytes / 1048576 / took);
    fflush(stdout);
    for (int64_t i = 1; i <= l.next; i++) {
        SCRATCH(a);
        char key[32];
        must(store->ops->remove(store, key_of(i, key), &a));
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    SCRATCH(a);
    struct disk_options options = { .relaxed = argc > 2 && !strcmp(argv[2], "relaxed"),
                                    .temporary_names = argc > 2 && !strcmp(argv[2], "names") };
    struct blob_store *store;
    must(blob_disk_open_with(argv[1], &options, &a, &store));
    int64_t flush_us;
    must(blob_disk_flush_time(argv[1], &a, &flush_us));
    printf("flush %" PRId64 " us\n", flush_us);
    char *chunk = must_malloc(CHUNK);
    for (size_t i = 0; i < CHUNK; i++)
        chunk[i] = (char)(i * 31 >> 3);
    static const int threads[] = { 1, 8, 32 };
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        measure(store, chunk, 64 * 1024, threads[i], 2);
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        measure(store, chunk, 256 * 1024 * 1024, threads[i], 1);
    free(chunk);
    store->ops->close_store(store);
    return 0;
}

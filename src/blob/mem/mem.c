/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of reference-counted blobs under one lock. As on a disk, the bytes of a removed blob count against the capacity
 * until its last reader closes; so do those of writers that have not committed. */
#include "blob/mem/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

/* Immutable once it is in the table. */
struct mem_blob {
    struct mem_blob *next; /* in its bucket */
    int refs;              /* the table and every reader */
    char *bytes;
    size_t size;
    int64_t committed_ms;
    size_t key_size;
    char key[BLOB_KEY_MAX];
};

struct mem_store {
    struct blob_store store;
    pthread_mutex_t mutex; /* guards all that follows, and every refs */
    struct clock *clock;
    uint64_t capacity_bytes, used_bytes;
    size_t count;
    struct mem_blob *buckets[BUCKETS];
};
struct mem_writer {
    struct blob_writer writer;
    struct mem_store *store;
    struct mem_blob *blob;
    size_t room;
    bool failed;
};
struct mem_reader {
    struct blob_reader reader;
    struct mem_store *store;
    struct mem_blob *blob;
};

static const struct blob_ops mem_ops;

static struct mem_store *mem_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct mem_store, store);
}

static slice mem_key(const struct mem_blob *b)
{
    return (slice){ b->key, b->key_size };
}

/* The pointer to the blob of the key; NULL at the end of its chain if there is none. The lock is held. */
static struct mem_blob **find_blob(struct mem_store *m, slice key)
{
    struct mem_blob **at = &m->buckets[slice_hash(key) % BUCKETS];
    while (*at && !slice_eq(mem_key(*at), key))
        at = &(*at)->next;
    return at;
}

/* The lock is held. */
static void mem_unref(struct mem_store *m, struct mem_blob *b)
{
    if (--b->refs > 0)
        return;
    m->used_bytes -= b->size;
    free(b->bytes);
    free(b);
}

static err_t mem_create(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a,
                        struct blob_writer **ret_writer)
{
    (void)size_hint;
    (void)a;
    assert(blob_key_is_valid(key));
    struct mem_writer *w = must_malloc(sizeof *w);
    *w = (struct mem_writer){ .writer.ops = &mem_ops, .store = mem_of(store), .blob = must_malloc(sizeof *w->blob) };
    w->blob->refs = 1;
    w->blob->key_size = key.n;
    memcpy(w->blob->key, key.p, key.n);
    *ret_writer = &w->writer;
    return NULL;
}

static err_t mem_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    struct mem_store *m = w->store;
    struct mem_blob *b = w->blob;
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (!bytes.n)
        return NULL;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    if (m->capacity_bytes && bytes.n > m->capacity_bytes - m->used_bytes) {
        w->failed = true;
        return err_make(a, ERR_NO_SPACE, "the memory for blobs is used up");
    }
    m->used_bytes += bytes.n;
    if (bytes.n > w->room - b->size) {
        w->room = b->size + bytes.n > 2 * w->room ? b->size + bytes.n : 2 * w->room;
        b->bytes = must_realloc(b->bytes, w->room);
    }
    memcpy(b->bytes + b->size, bytes.p, bytes.n);
    b->size += bytes.n;
    return NULL;
}

static void mem_discard(struct blob_writer *writer)
{
    if (!writer)
        return;
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    if (w->blob)
        mem_unref(w->store, w->blob);
    free(w);
}

static void mem_discardp(struct blob_writer **writer)
{
    mem_discard(*writer);
}

static err_t mem_commit(struct blob_writer *writer, struct arena *a)
{
    SCOPED(mem_discardp) struct blob_writer *dropped = writer; /* runs after the unlock below */
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    struct mem_store *m = w->store;
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob **at = find_blob(m, mem_key(w->blob));
    if (*at)
        return err_make(a, ERR_CONFLICT, "blob " SLICE_FMT " exists", SLICE_ARG(mem_key(w->blob)));
    w->blob->committed_ms = clock_now_ms(m->clock);
    *at = w->blob;
    m->count++;
    w->blob = NULL;
    return NULL;
}

static err_t mem_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    struct mem_store *m = mem_of(store);
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no blob can have the key that is asked for");
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob *b = *find_blob(m, key);
    if (!b)
        return err_make(a, ERR_NOT_FOUND, "no blob " SLICE_FMT, SLICE_ARG(key));
    b->refs++;
    struct mem_reader *r = must_malloc(sizeof *r);
    *r = (struct mem_reader){ { .ops = &mem_ops, .size_bytes = b->size, .fd = -1 }, m, b };
    *ret_reader = &r->reader;
    return NULL;
}

static err_t mem_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                         size_t *ret_read)
{
    (void)a;
    struct mem_blob *b = CONTAINER_OF(reader, struct mem_reader, reader)->blob;
    size_t left = offset < b->size ? b->size - (size_t)offset : 0;
    size_t n = left < size ? left : size;
    if (n)
        memcpy(to, b->bytes + offset, n);
    *ret_read = n;
    return NULL;
}

static void mem_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct mem_reader *r = CONTAINER_OF(reader, struct mem_reader, reader);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->store->mutex);
    mem_unref(r->store, r->blob);
    free(r);
}

static err_t mem_remove(struct blob_store *store, slice key, struct arena *a)
{
    (void)a;
    struct mem_store *m = mem_of(store);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob **at = find_blob(m, key), *b = *at;
    if (!b)
        return NULL;
    *at = b->next;
    m->count--;
    mem_unref(m, b);
    return NULL;
}

static err_t mem_each(struct blob_store *store, struct arena *a,
                      err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    (void)a;
    struct mem_store *m = mem_of(store);
    SCRATCH(scratch);
    struct seen {
        slice key;
        uint64_t size_bytes;
        int64_t modified_ms;
    } * seen;
    size_t n = 0;
    /* A copy first, because visit may call the store. */
    pthread_mutex_lock(&m->mutex);
    seen = arena_array(&scratch, struct seen, m->count);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct mem_blob *b = m->buckets[i]; b; b = b->next)
            seen[n++] = (struct seen){ arena_copy(&scratch, mem_key(b)), b->size, b->committed_ms };
    pthread_mutex_unlock(&m->mutex);
    for (size_t i = 0; i < n; i++)
        TRY(visit(arg, seen[i].key, seen[i].size_bytes, seen[i].modified_ms));
    return NULL;
}

static err_t mem_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    (void)a;
    struct mem_store *m = mem_of(store);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    *ret_bytes = m->capacity_bytes ? m->capacity_bytes - m->used_bytes : UINT64_MAX;
    return NULL;
}

static void mem_close_store(struct blob_store *store)
{
    struct mem_store *m = mem_of(store);
    for (size_t i = 0; i < BUCKETS; i++)
        while (m->buckets[i]) {
            struct mem_blob *b = m->buckets[i];
            m->buckets[i] = b->next;
            mem_unref(m, b);
        }
    assert(m->used_bytes == 0); /* otherwise a writer or reader was leaked */
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

static const struct blob_ops mem_ops = {
    .name = "mem",
    .create = mem_create,
    .write = mem_write,
    .commit = mem_commit,
    .discard = mem_discard,
    .open = mem_open,
    .read_at = mem_read_at,
    .close = mem_close,
    .remove = mem_remove,
    .each = mem_each,
    .free_bytes = mem_free_bytes,
    .close_store = mem_close_store,
};

struct blob_store *blob_mem_open(struct clock *clock, uint64_t capacity_bytes)
{
    struct mem_store *m = must_malloc(sizeof *m);
    *m = (struct mem_store){ .store.ops = &mem_ops, .clock = clock, .capacity_bytes = capacity_bytes };
    pthread_mutex_init(&m->mutex, NULL);
    return &m->store;
}

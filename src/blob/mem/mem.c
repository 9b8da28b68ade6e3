/* SPDX-License-Identifier: Apache-2.0 */
/* Two hash tables of reference-counted blobs under one lock: blobs, and growing blobs. As on a disk, the bytes of a removed blob count against the capacity
 * until its last reader closes; so do those of writers that have not committed.
 * What a growing blob holds beyond its last flush is gone when its writer ends, as a power failure would have it. So a caller
 * that acknowledges what was not flushed fails its tests. */
#include "blob/mem/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct mem_writer;

/* Immutable once it is in the table of blobs. */
struct mem_blob {
    struct mem_blob *next; /* in its bucket */
    int refs;              /* the table, every reader, and every writer that grow made */
    char *bytes;
    size_t size, room;
    int64_t modified_ms;
    size_t flushed_size;       /* of a growing blob */
    struct mem_writer *writer; /* of a growing blob: the only one that may change it; NULL: none */
    size_t key_size;
    char key[BLOB_KEY_MAX];
};

struct mem_table {
    size_t count;
    struct mem_blob *buckets[BUCKETS];
};

struct mem_store {
    struct blob_store store;
    pthread_mutex_t mutex; /* guards all that follows, and every refs */
    struct clock *clock;
    uint64_t capacity_bytes, used_bytes;
    struct mem_table blobs, growing;
};
struct mem_writer {
    struct blob_writer writer;
    struct mem_store *store;
    struct mem_blob *blob;
    bool failed;
};
struct mem_reader {
    struct blob_reader reader;
    struct mem_store *store;
    struct mem_blob *blob;
};

static const struct blob_ops mem_ops, growing_ops;

static struct mem_store *mem_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct mem_store, store);
}

static slice mem_key(const struct mem_blob *b)
{
    return (slice){ b->key, b->key_size };
}

/* The pointer to the blob of the key; NULL at the end of its chain if there is none. The lock is held. */
static struct mem_blob **find_blob(struct mem_table *t, slice key)
{
    struct mem_blob **at = &t->buckets[slice_hash(key) % BUCKETS];
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

/* A blob with the key, which is in no table. */
static struct mem_blob *mem_blob_new(slice key)
{
    struct mem_blob *b = must_malloc(sizeof *b);
    b->refs = 1;
    b->key_size = key.n;
    memcpy(b->key, key.p, key.n);
    return b;
}

/* Insert at the end of a chain, where find_blob found none. The lock is held. */
static void table_add(struct mem_table *t, struct mem_blob **at, struct mem_blob *b)
{
    b->next = NULL;
    *at = b;
    t->count++;
}

/* The lock is held. The reference of the table is the caller's now. */
static struct mem_blob *table_take(struct mem_table *t, struct mem_blob **at)
{
    struct mem_blob *b = *at;
    *at = b->next;
    t->count--;
    return b;
}

static err_t mem_create(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a,
                        struct blob_writer **ret_writer)
{
    (void)size_hint;
    (void)a;
    assert(blob_key_is_valid(key));
    struct mem_writer *w = must_malloc(sizeof *w);
    *w = (struct mem_writer){ .writer.ops = &mem_ops, .store = mem_of(store), .blob = mem_blob_new(key) };
    *ret_writer = &w->writer;
    return NULL;
}

/* The lock is held. */
static err_t append(struct mem_writer *w, slice bytes, struct arena *a)
{
    struct mem_store *m = w->store;
    struct mem_blob *b = w->blob;
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (!bytes.n)
        return NULL;
    if (m->capacity_bytes && bytes.n > m->capacity_bytes - m->used_bytes) {
        w->failed = true;
        err_t e = err_make(a, ERR_NO_SPACE, "the memory for blobs is used up");
        write_watch_note(&m->store.watch, e);
        return e;
    }
    m->used_bytes += bytes.n;
    if (bytes.n > b->room - b->size) {
        b->room = b->size + bytes.n > 2 * b->room ? b->size + bytes.n : 2 * b->room;
        b->bytes = must_realloc(b->bytes, b->room);
    }
    memcpy(b->bytes + b->size, bytes.p, bytes.n);
    b->size += bytes.n;
    return NULL;
}

static err_t mem_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    return append(w, bytes, a);
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
    struct mem_blob **at = find_blob(&m->blobs, mem_key(w->blob));
    if (*at)
        return err_make(a, ERR_CONFLICT, "blob " SLICE_FMT " exists", SLICE_ARG(mem_key(w->blob)));
    w->blob->modified_ms = clock_now_ms(m->clock);
    table_add(&m->blobs, at, w->blob);
    w->blob = NULL;
    write_watch_note(&m->store.watch, NULL);
    return NULL;
}

static err_t open_in(struct mem_store *m, struct mem_table *t, slice key, struct arena *a,
                     struct blob_reader **ret_reader)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no blob can have the key that is asked for");
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob *b = *find_blob(t, key);
    if (!b)
        return err_make(a, ERR_NOT_FOUND, "no blob " SLICE_FMT, SLICE_ARG(key));
    b->refs++;
    struct mem_reader *r = must_malloc(sizeof *r);
    *r = (struct mem_reader){ { .ops = &mem_ops, .size_bytes = b->size, .fd = -1 }, m, b };
    *ret_reader = &r->reader;
    return NULL;
}

static err_t mem_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    return open_in(mem_of(store), &mem_of(store)->blobs, key, a, ret_reader);
}

static err_t mem_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                         size_t *ret_read)
{
    struct mem_reader *r = CONTAINER_OF(reader, struct mem_reader, reader);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->store->mutex); /* a growing blob may be changed meanwhile */
    size_t left = offset < reader->size_bytes ? (size_t)(reader->size_bytes - offset) : 0;
    size_t n = left < size ? left : size;
    if (n && offset + n > r->blob->size)
        return err_make(a, ERR_CORRUPT, "a blob became shorter than %llu bytes",
                        (unsigned long long)reader->size_bytes);
    if (n)
        memcpy(to, r->blob->bytes + offset, n);
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
    struct mem_blob **at = find_blob(&m->blobs, key);
    if (*at)
        mem_unref(m, table_take(&m->blobs, at));
    return NULL;
}

static err_t each_in(struct mem_store *m, struct mem_table *t,
                     err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    SCRATCH(scratch);
    struct seen {
        slice key;
        uint64_t size_bytes;
        int64_t modified_ms;
    } * seen;
    size_t n = 0;
    /* A copy first, because visit may call the store. */
    pthread_mutex_lock(&m->mutex);
    seen = arena_array(&scratch, struct seen, t->count);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct mem_blob *b = t->buckets[i]; b; b = b->next)
            seen[n++] = (struct seen){ arena_copy(&scratch, mem_key(b)), b->size, b->modified_ms };
    pthread_mutex_unlock(&m->mutex);
    for (size_t i = 0; i < n; i++)
        TRY(visit(arg, seen[i].key, seen[i].size_bytes, seen[i].modified_ms));
    return NULL;
}

static err_t mem_each(struct blob_store *store, struct arena *a,
                      err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    (void)a;
    return each_in(mem_of(store), &mem_of(store)->blobs, visit, arg);
}

/* ---- growing blobs ---- */

/* The lock is held. */
static void cut_growing(struct mem_store *m, struct mem_blob *b, size_t size)
{
    m->used_bytes -= b->size - size;
    b->size = size;
    b->flushed_size = b->flushed_size < size ? b->flushed_size : size;
}

/* End the writer, and lose what it did not flush. The lock is held. */
static void end_writer(struct mem_store *m, struct mem_blob *b)
{
    b->writer = NULL;
    cut_growing(m, b, b->flushed_size);
}

static err_t growing_corrupt(struct arena *a, const struct mem_blob *b, uint64_t want_bytes)
{
    return err_make(a, ERR_CORRUPT, "growing blob " SLICE_FMT " has %zu of %llu bytes", SLICE_ARG(mem_key(b)), b->size,
                    (unsigned long long)want_bytes);
}

static err_t mem_grow(struct blob_store *store, slice key, uint64_t offset, struct arena *a,
                      struct blob_writer **ret_writer)
{
    struct mem_store *m = mem_of(store);
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no growing blob can have the key that is asked for");
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob **at = find_blob(&m->growing, key);
    if (!*at && offset)
        return err_make(a, ERR_NOT_FOUND, "no growing blob " SLICE_FMT, SLICE_ARG(key));
    if (!*at)
        table_add(&m->growing, at, mem_blob_new(key));
    struct mem_blob *b = *at;
    end_writer(m, b);
    if (b->size < offset)
        return growing_corrupt(a, b, offset);
    cut_growing(m, b, (size_t)offset);
    b->modified_ms = clock_now_ms(m->clock);
    b->refs++;
    struct mem_writer *w = must_malloc(sizeof *w);
    *w = (struct mem_writer){ .writer.ops = &growing_ops, .store = m, .blob = b };
    b->writer = w;
    *ret_writer = &w->writer;
    return NULL;
}

/* The lock is held. */
static err_t refuse_fenced(const struct mem_writer *w, struct arena *a)
{
    if (w->blob->writer != w)
        return err_make(a, ERR_UNAVAILABLE, "another writer took over " SLICE_FMT, SLICE_ARG(mem_key(w->blob)));
    return w->failed ? err_make(a, ERR_UNAVAILABLE, "an earlier write of this growing blob failed") : NULL;
}

static err_t growing_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    TRY(refuse_fenced(w, a));
    w->blob->modified_ms = clock_now_ms(w->store->clock);
    return append(w, bytes, a);
}

static err_t growing_flush(struct blob_writer *writer, struct arena *a)
{
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    TRY(refuse_fenced(w, a));
    w->blob->flushed_size = w->blob->size;
    write_watch_note(&w->store->store.watch, NULL);
    return NULL;
}

static void growing_discard(struct blob_writer *writer)
{
    if (!writer)
        return;
    struct mem_writer *w = CONTAINER_OF(writer, struct mem_writer, writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->store->mutex);
    if (w->blob->writer == w)
        end_writer(w->store, w->blob);
    mem_unref(w->store, w->blob);
    free(w);
}

static const struct blob_ops growing_ops = {
    .name = "mem",
    .write = growing_write,
    .flush = growing_flush,
    .discard = growing_discard,
};

static err_t mem_settle(struct blob_store *store, slice key, uint64_t size_bytes, struct arena *a)
{
    struct mem_store *m = mem_of(store);
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no growing blob can have the key that is asked for");
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob **from = find_blob(&m->growing, key), **to = find_blob(&m->blobs, key), *b = *from;
    if (b)
        end_writer(m, b);
    if (b && *to)
        return err_make(a, ERR_CONFLICT, "another blob has the key " SLICE_FMT, SLICE_ARG(key));
    if (!b && !*to)
        return err_make(a, ERR_NOT_FOUND, "no growing blob " SLICE_FMT, SLICE_ARG(key));
    if (b ? b->size < size_bytes : (*to)->size != size_bytes)
        return growing_corrupt(a, b ? b : *to, size_bytes);
    if (!b)
        return NULL;
    cut_growing(m, b, (size_t)size_bytes);
    b->modified_ms = clock_now_ms(m->clock);
    table_add(&m->blobs, to, table_take(&m->growing, from));
    return NULL;
}

static err_t mem_open_growing(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    return open_in(mem_of(store), &mem_of(store)->growing, key, a, ret_reader);
}

static err_t mem_drop(struct blob_store *store, slice key, struct arena *a)
{
    (void)a;
    struct mem_store *m = mem_of(store);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct mem_blob **at = find_blob(&m->growing, key);
    if (!*at)
        return NULL;
    (*at)->writer = NULL;
    mem_unref(m, table_take(&m->growing, at));
    return NULL;
}

static err_t mem_each_growing(struct blob_store *store, struct arena *a,
                              err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    (void)a;
    return each_in(mem_of(store), &mem_of(store)->growing, visit, arg);
}

/* ---- the store ---- */

static err_t mem_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    (void)a;
    struct mem_store *m = mem_of(store);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    *ret_bytes = m->capacity_bytes ? m->capacity_bytes - m->used_bytes : UINT64_MAX;
    return NULL;
}

static void table_clear(struct mem_store *m, struct mem_table *t)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i])
            mem_unref(m, table_take(t, &t->buckets[i]));
}

static bool mem_is_read_only(struct blob_store *store)
{
    (void)store;
    return false;
}

static err_t mem_probe(struct blob_store *store, struct arena *a)
{
    struct blob_writer *w;
    TRY(mem_create(store, S("00.probe"), 1, a, &w));
    SCOPED(mem_discardp) struct blob_writer *dropped = w;
    TRY(mem_write(w, S("x"), a));
    write_watch_note(&store->watch, NULL);
    return NULL;
}

static void mem_close_store(struct blob_store *store)
{
    struct mem_store *m = mem_of(store);
    table_clear(m, &m->blobs);
    table_clear(m, &m->growing);
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
    .grow = mem_grow,
    .settle = mem_settle,
    .open_growing = mem_open_growing,
    .drop = mem_drop,
    .each_growing = mem_each_growing,
    .free_bytes = mem_free_bytes,
    .is_read_only = mem_is_read_only,
    .probe = mem_probe,
    .close_store = mem_close_store,
};

struct blob_store *blob_mem_open(struct clock *clock, uint64_t capacity_bytes)
{
    struct mem_store *m = must_malloc(sizeof *m);
    *m = (struct mem_store){ .store.ops = &mem_ops, .clock = clock, .capacity_bytes = capacity_bytes };
    pthread_mutex_init(&m->mutex, NULL);
    return &m->store;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/fault/fault.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct blob_fault_store {
    struct blob_store store;
    struct blob_store *inner;
    struct fault_plan *plan;
};
struct blob_fault_writer {
    struct blob_writer writer;
    struct blob_writer *inner;
    struct blob_fault_store *store;
    bool failed;
};
struct blob_fault_reader {
    struct blob_reader reader;
    struct blob_reader *inner;
    struct blob_fault_store *store;
};

static const struct blob_ops blob_fault_ops;

static struct blob_fault_store *blob_fault_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct blob_fault_store, store);
}

static bool only_reads(const char *call)
{
    static const char *const reads[] = { "open", "open_growing", "read_at", "each", "each_growing", "free_bytes" };
    for (size_t i = 0; i < LENGTH_OF(reads); i++)
        if (strcmp(call, reads[i]) == 0)
            return true;
    return false;
}

static err_t planned_blob_failure(struct blob_fault_store *f, struct arena *a, const char *call)
{
    enum err_code code = __atomic_load_n(&f->plan->code, __ATOMIC_SEQ_CST);
    err_t e = err_make(a, code, "planned failure in blob %s", call);
    if (!only_reads(call))
        write_watch_note(&f->store.watch, e);
    return e;
}

/* Before a call: the error of one that must not reach the store. *ret_lost: the call must reach it and fail afterwards. */
static err_t begin_call(struct blob_fault_store *f, struct arena *a, const char *call, bool *ret_lost)
{
    bool fails = fault_plan_hit(f->plan);
    *ret_lost = fails && f->plan->answer_lost;
    return fails && !*ret_lost ? planned_blob_failure(f, a, call) : NULL;
}

/* After a call that returned e. */
static err_t end_call(struct blob_fault_store *f, struct arena *a, const char *call, err_t e, bool lost)
{
    return !e && lost ? planned_blob_failure(f, a, call) : e;
}

static struct blob_writer *wrap_writer(struct blob_fault_store *f, struct blob_writer *inner)
{
    struct blob_fault_writer *w = must_malloc(sizeof *w);
    *w = (struct blob_fault_writer){ .writer.ops = &blob_fault_ops, .inner = inner, .store = f };
    return &w->writer;
}

static err_t blob_fault_create(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a,
                               struct blob_writer **ret_writer)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "create", &lost));
    struct blob_writer *inner;
    TRY(f->inner->ops->create(f->inner, key, size_hint, a, &inner));
    if (lost) {
        inner->ops->discard(inner);
        return planned_blob_failure(f, a, "create");
    }
    *ret_writer = wrap_writer(f, inner);
    return NULL;
}

static err_t blob_fault_grow(struct blob_store *store, slice key, uint64_t offset, struct arena *a,
                             struct blob_writer **ret_writer)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "grow", &lost));
    struct blob_writer *inner;
    TRY(f->inner->ops->grow(f->inner, key, offset, a, &inner));
    if (lost) {
        inner->ops->discard(inner);
        return planned_blob_failure(f, a, "grow");
    }
    *ret_writer = wrap_writer(f, inner);
    return NULL;
}

static err_t blob_fault_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct blob_fault_writer *w = CONTAINER_OF(writer, struct blob_fault_writer, writer);
    bool lost;
    err_t e = begin_call(w->store, a, "write", &lost);
    if (!e && w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (!e)
        e = end_call(w->store, a, "write", w->inner->ops->write(w->inner, bytes, a), lost);
    w->failed |= e != NULL;
    return e;
}

static err_t blob_fault_flush(struct blob_writer *writer, struct arena *a)
{
    struct blob_fault_writer *w = CONTAINER_OF(writer, struct blob_fault_writer, writer);
    bool lost;
    err_t e = begin_call(w->store, a, "flush", &lost);
    if (!e && w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write or flush of this growing blob failed");
    if (!e)
        e = end_call(w->store, a, "flush", w->inner->ops->flush(w->inner, a), lost);
    w->failed |= e != NULL;
    return e;
}

static void blob_fault_discard(struct blob_writer *writer)
{
    if (!writer)
        return;
    struct blob_fault_writer *w = CONTAINER_OF(writer, struct blob_fault_writer, writer);
    w->inner->ops->discard(w->inner);
    free(w);
}

static err_t blob_fault_commit(struct blob_writer *writer, struct arena *a)
{
    struct blob_fault_writer *w = CONTAINER_OF(writer, struct blob_fault_writer, writer);
    bool lost;
    err_t e = begin_call(w->store, a, "commit", &lost);
    if (!e && w->failed)
        e = err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (e) {
        blob_fault_discard(writer);
        return e;
    }
    e = end_call(w->store, a, "commit", w->inner->ops->commit(w->inner, a), lost);
    free(w);
    return e;
}

static err_t open_wrapped(struct blob_fault_store *f, bool growing, slice key, struct arena *a,
                          struct blob_reader **ret_reader)
{
    const struct blob_ops *ops = f->inner->ops;
    const char *call = growing ? "open_growing" : "open";
    bool lost;
    TRY(begin_call(f, a, call, &lost));
    struct blob_reader *inner;
    TRY((growing ? ops->open_growing : ops->open)(f->inner, key, a, &inner));
    if (lost) {
        inner->ops->close(inner);
        return planned_blob_failure(f, a, call);
    }
    struct blob_fault_reader *r = must_malloc(sizeof *r);
    *r = (struct blob_fault_reader){
        .reader = { .ops = &blob_fault_ops, .size_bytes = inner->size_bytes, .fd = -1 },
        .inner = inner,
        .store = f,
    };
    *ret_reader = &r->reader;
    return NULL;
}

static err_t blob_fault_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    return open_wrapped(blob_fault_of(store), false, key, a, ret_reader);
}

static err_t blob_fault_open_growing(struct blob_store *store, slice key, struct arena *a,
                                     struct blob_reader **ret_reader)
{
    return open_wrapped(blob_fault_of(store), true, key, a, ret_reader);
}

static err_t blob_fault_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                                size_t *ret_read)
{
    struct blob_fault_reader *r = CONTAINER_OF(reader, struct blob_fault_reader, reader);
    bool lost;
    TRY(begin_call(r->store, a, "read_at", &lost));
    return end_call(r->store, a, "read_at", r->inner->ops->read_at(r->inner, offset, to, size, a, ret_read), lost);
}

static void blob_fault_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct blob_fault_reader *r = CONTAINER_OF(reader, struct blob_fault_reader, reader);
    r->inner->ops->close(r->inner);
    free(r);
}

static err_t blob_fault_remove(struct blob_store *store, slice key, struct arena *a)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "remove", &lost));
    return end_call(f, a, "remove", f->inner->ops->remove(f->inner, key, a), lost);
}

static err_t blob_fault_each(struct blob_store *store, struct arena *a,
                             err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "each", &lost));
    return end_call(f, a, "each", f->inner->ops->each(f->inner, a, visit, arg), lost);
}

static err_t blob_fault_settle(struct blob_store *store, slice key, uint64_t size_bytes, struct arena *a)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "settle", &lost));
    return end_call(f, a, "settle", f->inner->ops->settle(f->inner, key, size_bytes, a), lost);
}

static err_t blob_fault_drop(struct blob_store *store, slice key, struct arena *a)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "drop", &lost));
    return end_call(f, a, "drop", f->inner->ops->drop(f->inner, key, a), lost);
}

static err_t blob_fault_each_growing(struct blob_store *store, struct arena *a,
                                     err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms),
                                     void *arg)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "each_growing", &lost));
    return end_call(f, a, "each_growing", f->inner->ops->each_growing(f->inner, a, visit, arg), lost);
}

static err_t blob_fault_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "free_bytes", &lost));
    return end_call(f, a, "free_bytes", f->inner->ops->free_bytes(f->inner, a, ret_bytes), lost);
}

static bool blob_fault_is_read_only(struct blob_store *store)
{
    struct blob_fault_store *f = blob_fault_of(store);
    return f->inner->ops->is_read_only(f->inner);
}

static err_t blob_fault_probe(struct blob_store *store, struct arena *a)
{
    struct blob_fault_store *f = blob_fault_of(store);
    bool lost;
    TRY(begin_call(f, a, "probe", &lost));
    return end_call(f, a, "probe", f->inner->ops->probe(f->inner, a), lost);
}

static void blob_fault_close_store(struct blob_store *store)
{
    struct blob_fault_store *f = blob_fault_of(store);
    f->inner->ops->close_store(f->inner);
    free(f);
}

static const struct blob_ops blob_fault_ops = {
    .name = "fault",
    .create = blob_fault_create,
    .write = blob_fault_write,
    .commit = blob_fault_commit,
    .discard = blob_fault_discard,
    .open = blob_fault_open,
    .read_at = blob_fault_read_at,
    .close = blob_fault_close,
    .remove = blob_fault_remove,
    .each = blob_fault_each,
    .grow = blob_fault_grow,
    .flush = blob_fault_flush,
    .settle = blob_fault_settle,
    .open_growing = blob_fault_open_growing,
    .drop = blob_fault_drop,
    .each_growing = blob_fault_each_growing,
    .free_bytes = blob_fault_free_bytes,
    .is_read_only = blob_fault_is_read_only,
    .probe = blob_fault_probe,
    .close_store = blob_fault_close_store,
};

static void note_inner_write(void *arg, err_t e)
{
    struct blob_fault_store *f = arg;
    write_watch_note(&f->store.watch, e);
}

struct blob_store *blob_fault_wrap(struct blob_store *store, struct fault_plan *plan)
{
    assert(store && plan);
    struct blob_fault_store *f = must_malloc(sizeof *f);
    *f = (struct blob_fault_store){ .store.ops = &blob_fault_ops, .inner = store, .plan = plan };
    store->watch = (struct write_watch){ note_inner_write, f };
    return &f->store;
}

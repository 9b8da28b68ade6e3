/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/fault/fault.h"

#include <assert.h>
#include <stdlib.h>

struct fault_store {
    struct blob_store store;
    struct blob_store *inner;
    struct fault_plan *plan;
};
struct fault_writer {
    struct blob_writer writer;
    struct blob_writer *inner;
    struct fault_plan *plan;
    bool failed;
};
struct fault_reader {
    struct blob_reader reader;
    struct blob_reader *inner;
    struct fault_plan *plan;
};

static const struct blob_ops fault_ops;

static struct fault_store *store_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct fault_store, store);
}

static err_t failure(struct fault_plan *plan, struct arena *a, const char *call)
{
    return err_make(a, __atomic_load_n(&plan->code, __ATOMIC_SEQ_CST), "told to fail in blob %s", call);
}

/* Before a call: the error of one that must not happen. ret_lost: it must fail when it is done. */
static err_t hit(struct fault_plan *plan, struct arena *a, const char *call, bool *ret_lost)
{
    bool told = fault_plan_hit(plan);
    *ret_lost = told && plan->answer_lost;
    return told && !*ret_lost ? failure(plan, a, call) : NULL;
}

/* After a call that gave e. */
static err_t answer(struct fault_plan *plan, struct arena *a, const char *call, err_t e, bool lost)
{
    return !e && lost ? failure(plan, a, call) : e;
}

static err_t fault_create(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a,
                          struct blob_writer **ret_writer)
{
    struct fault_store *f = store_of(store);
    bool lost;
    TRY(hit(f->plan, a, "create", &lost));
    struct blob_writer *inner;
    TRY(f->inner->ops->create(f->inner, key, size_hint, a, &inner));
    if (lost) {
        inner->ops->discard(inner);
        return failure(f->plan, a, "create");
    }
    struct fault_writer *w = must_malloc(sizeof *w);
    *w = (struct fault_writer){ .writer.ops = &fault_ops, .inner = inner, .plan = f->plan };
    *ret_writer = &w->writer;
    return NULL;
}

static err_t fault_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    bool lost;
    err_t e = hit(w->plan, a, "write", &lost);
    if (!e && w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (!e)
        e = answer(w->plan, a, "write", w->inner->ops->write(w->inner, bytes, a), lost);
    w->failed |= e != NULL;
    return e;
}

static void fault_discard(struct blob_writer *writer)
{
    if (!writer)
        return;
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    w->inner->ops->discard(w->inner);
    free(w);
}

static err_t fault_commit(struct blob_writer *writer, struct arena *a)
{
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    bool lost;
    err_t e = hit(w->plan, a, "commit", &lost);
    if (!e && w->failed)
        e = err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (e) {
        fault_discard(writer);
        return e;
    }
    e = answer(w->plan, a, "commit", w->inner->ops->commit(w->inner, a), lost);
    free(w);
    return e;
}

static err_t fault_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    struct fault_store *f = store_of(store);
    bool lost;
    TRY(hit(f->plan, a, "open", &lost));
    struct blob_reader *inner;
    TRY(f->inner->ops->open(f->inner, key, a, &inner));
    if (lost) {
        inner->ops->close(inner);
        return failure(f->plan, a, "open");
    }
    struct fault_reader *r = must_malloc(sizeof *r);
    *r = (struct fault_reader){
        .reader = { .ops = &fault_ops, .size_bytes = inner->size_bytes, .fd = -1 },
        .inner = inner,
        .plan = f->plan,
    };
    *ret_reader = &r->reader;
    return NULL;
}

static err_t fault_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                           size_t *ret_read)
{
    struct fault_reader *r = CONTAINER_OF(reader, struct fault_reader, reader);
    bool lost;
    TRY(hit(r->plan, a, "read_at", &lost));
    return answer(r->plan, a, "read_at", r->inner->ops->read_at(r->inner, offset, to, size, a, ret_read), lost);
}

static void fault_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    struct fault_reader *r = CONTAINER_OF(reader, struct fault_reader, reader);
    r->inner->ops->close(r->inner);
    free(r);
}

static err_t fault_remove(struct blob_store *store, slice key, struct arena *a)
{
    struct fault_store *f = store_of(store);
    bool lost;
    TRY(hit(f->plan, a, "remove", &lost));
    return answer(f->plan, a, "remove", f->inner->ops->remove(f->inner, key, a), lost);
}

static err_t fault_each(struct blob_store *store, struct arena *a,
                        err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    struct fault_store *f = store_of(store);
    bool lost;
    TRY(hit(f->plan, a, "each", &lost));
    return answer(f->plan, a, "each", f->inner->ops->each(f->inner, a, visit, arg), lost);
}

static err_t fault_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    struct fault_store *f = store_of(store);
    bool lost;
    TRY(hit(f->plan, a, "free_bytes", &lost));
    return answer(f->plan, a, "free_bytes", f->inner->ops->free_bytes(f->inner, a, ret_bytes), lost);
}

static void fault_close_store(struct blob_store *store)
{
    struct fault_store *f = store_of(store);
    f->inner->ops->close_store(f->inner);
    free(f);
}

static const struct blob_ops fault_ops = {
    .name = "fault",
    .create = fault_create,
    .write = fault_write,
    .commit = fault_commit,
    .discard = fault_discard,
    .open = fault_open,
    .read_at = fault_read_at,
    .close = fault_close,
    .remove = fault_remove,
    .each = fault_each,
    .free_bytes = fault_free_bytes,
    .close_store = fault_close_store,
};

struct blob_store *blob_fault_wrap(struct blob_store *store, struct fault_plan *plan)
{
    assert(store && plan);
    struct fault_store *f = must_malloc(sizeof *f);
    *f = (struct fault_store){ .store.ops = &fault_ops, .inner = store, .plan = plan };
    return &f->store;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "record/fault/fault.h"

#include <stdlib.h>

struct fault_store {
    struct record_store store;
    struct record_store *inner;
    struct fault_plan *plan;
};
struct fault_writer {
    struct record_writer writer;
    struct record_writer *inner;
    struct fault_plan *plan;
};

static const struct record_ops fault_ops;

static struct fault_store *fault_of(struct record_store *store)
{
    return CONTAINER_OF(store, struct fault_store, store);
}
static struct fault_writer *fault_writer_of(struct record_writer *writer)
{
    return CONTAINER_OF(writer, struct fault_writer, writer);
}

static err_t fault_define(struct record_store *store, int64_t set_id, const struct record_fields *fields,
                          struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record define", f->inner->ops->define(f->inner, set_id, fields, a));
}

static err_t fault_fields(struct record_store *store, int64_t set_id, struct arena *a, struct record_fields *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record fields", f->inner->ops->fields(f->inner, set_id, a, ret));
}

static err_t fault_remove(struct record_store *store, int64_t set_id, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record remove", f->inner->ops->remove(f->inner, set_id, a));
}

static err_t fault_open(struct record_store *store, int64_t set_id, const struct record_batch *batch, struct arena *a,
                        struct record_writer **ret_writer)
{
    struct fault_store *f = fault_of(store);
    struct record_writer *inner;
    bool lost;
    TRY(fault_plan_call(f->plan, a, "record open", &lost));
    TRY(f->inner->ops->open(f->inner, set_id, batch, a, &inner));
    if (lost) {
        inner->ops->discard(inner);
        return fault_plan_failure(f->plan, a, "record open");
    }
    struct fault_writer *w = must_malloc(sizeof *w);
    *w = (struct fault_writer){ .writer.ops = &fault_ops, .inner = inner, .plan = f->plan };
    *ret_writer = &w->writer;
    return NULL;
}

/* What was done so far is what the inner writer says. */
static err_t note_counts(struct fault_writer *w, err_t e)
{
    const struct record_ops *ops = w->writer.ops;
    w->writer = *w->inner;
    w->writer.ops = ops;
    return e;
}

static err_t fault_put(struct record_writer *writer, slice key, slice object, struct arena *a, enum record_outcome *ret)
{
    struct fault_writer *w = fault_writer_of(writer);
    FAULTY(w->plan, a, "record put", note_counts(w, w->inner->ops->put(w->inner, key, object, a, ret)));
}

static err_t fault_erase(struct record_writer *writer, slice key, struct arena *a, enum record_outcome *ret)
{
    struct fault_writer *w = fault_writer_of(writer);
    FAULTY(w->plan, a, "record erase", note_counts(w, w->inner->ops->erase(w->inner, key, a, ret)));
}

static err_t fault_commit(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    struct fault_writer *w = fault_writer_of(writer);
    struct fault_plan *plan = w->plan;
    struct record_writer *inner = w->inner;
    bool lost;
    free(w);
    err_t e = fault_plan_call(plan, a, "record commit", &lost);
    if (e) {
        inner->ops->discard(inner);
        return e;
    }
    TRY(inner->ops->commit(inner, position, how, a));
    return lost ? fault_plan_failure(plan, a, "record commit") : NULL;
}

static err_t fault_flush(struct record_store *store, int64_t set_id, struct arena *a, slice *ret_position)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record flush", f->inner->ops->flush(f->inner, set_id, a, ret_position));
}

static void fault_discard(struct record_writer *writer)
{
    if (!writer)
        return;
    struct fault_writer *w = fault_writer_of(writer);
    w->inner->ops->discard(w->inner);
    free(w);
}

static err_t fault_position(struct record_store *store, int64_t set_id, struct arena *a, slice *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record position", f->inner->ops->position(f->inner, set_id, a, ret));
}

static err_t fault_get(struct record_store *store, int64_t set_id, slice id, struct arena *a, struct record *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record get", f->inner->ops->get(f->inner, set_id, id, a, ret));
}

static err_t fault_scan(struct record_store *store, int64_t set_id, const struct record_scan *scan, struct arena *a,
                        struct record_page *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record scan", f->inner->ops->scan(f->inner, set_id, scan, a, ret));
}

static err_t fault_query(struct record_store *store, int64_t set_id, const struct record_query *query, struct arena *a,
                         struct record_result *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record query", f->inner->ops->query(f->inner, set_id, query, a, ret));
}

static err_t fault_more(struct record_store *store, int64_t set_id, const struct record_query *query,
                        const struct record_id_list *ids, struct arena *a, struct record_rest *ret)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record more", f->inner->ops->more(f->inner, set_id, query, ids, a, ret));
}

static err_t fault_size(struct record_store *store, int64_t set_id, struct arena *a, uint64_t *ret_bytes,
                        uint64_t *ret_records)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record size", f->inner->ops->size(f->inner, set_id, a, ret_bytes, ret_records));
}

static err_t fault_each(struct record_store *store, struct arena *a, err_t (*visit)(void *arg, int64_t set_id),
                        void *arg)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record each", f->inner->ops->each(f->inner, a, visit, arg));
}

static err_t fault_verify(struct record_store *store, int64_t set_id, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record verify", f->inner->ops->verify(f->inner, set_id, a));
}

static err_t fault_backup(struct record_store *store, int64_t set_id, const char *path, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record backup", f->inner->ops->backup(f->inner, set_id, path, a));
}

static err_t fault_restore(struct record_store *store, int64_t set_id, const char *path, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record restore", f->inner->ops->restore(f->inner, set_id, path, a));
}

static err_t fault_verify_copy(struct record_store *store, const char *path, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "record verify_copy", f->inner->ops->verify_copy(f->inner, path, a));
}

static void fault_close_store(struct record_store *store)
{
    struct fault_store *f = fault_of(store);
    f->inner->ops->close_store(f->inner);
    free(f);
}

static const struct record_ops fault_ops = {
    .name = "fault",
    .define = fault_define,
    .fields = fault_fields,
    .remove = fault_remove,
    .open = fault_open,
    .put = fault_put,
    .erase = fault_erase,
    .commit = fault_commit,
    .flush = fault_flush,
    .discard = fault_discard,
    .position = fault_position,
    .get = fault_get,
    .scan = fault_scan,
    .query = fault_query,
    .more = fault_more,
    .size = fault_size,
    .each = fault_each,
    .verify = fault_verify,
    .backup = fault_backup,
    .restore = fault_restore,
    .verify_copy = fault_verify_copy,
    .close_store = fault_close_store,
};

struct record_store *record_fault_wrap(struct record_store *inner, struct fault_plan *plan)
{
    struct fault_store *f = must_malloc(sizeof *f);
    *f = (struct fault_store){ .store.ops = &fault_ops, .inner = inner, .plan = plan };
    return &f->store;
}

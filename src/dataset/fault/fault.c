/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/fault/fault.h"

#include <stdlib.h>

struct fault_store {
    struct dataset_store store;
    struct dataset_store *inner;
    struct fault_plan *plan;
};
struct fault_writer {
    struct dataset_writer writer;
    struct dataset_writer *inner;
    struct fault_plan *plan;
};
struct fault_cursor {
    struct dataset_cursor cursor;
    struct dataset_cursor *inner;
    struct fault_plan *plan;
};

static const struct dataset_ops fault_ops;

static struct fault_store *fault_of(struct dataset_store *store)
{
    return CONTAINER_OF(store, struct fault_store, store);
}

static err_t fault_define(struct dataset_store *store, int64_t id, const struct column_list *columns, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset define", f->inner->ops->define(f->inner, id, columns, a));
}

static err_t fault_remove(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset remove", f->inner->ops->remove(f->inner, id, a));
}

static err_t fault_open(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a,
                        struct dataset_writer **ret_writer)
{
    struct fault_store *f = fault_of(store);
    struct dataset_writer *inner;
    bool lost;
    TRY(fault_plan_call(f->plan, a, "dataset open", &lost));
    TRY(f->inner->ops->open(f->inner, id, file_id, a, &inner));
    if (lost) {
        inner->ops->discard(inner);
        return fault_plan_failure(f->plan, a, "dataset open");
    }
    struct fault_writer *w = must_malloc(sizeof *w);
    *w = (struct fault_writer){ .writer.ops = &fault_ops, .inner = inner, .plan = f->plan };
    *ret_writer = &w->writer;
    return NULL;
}

static err_t fault_add(struct dataset_writer *writer, const struct cell *cells, size_t row_count, struct arena *a)
{
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    FAULTY(w->plan, a, "dataset add", w->inner->ops->add(w->inner, cells, row_count, a));
}

static err_t fault_commit(struct dataset_writer *writer, struct arena *a)
{
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    struct fault_plan *plan = w->plan;
    struct dataset_writer *inner = w->inner;
    bool lost;
    free(w);
    err_t e = fault_plan_call(plan, a, "dataset commit", &lost);
    if (e) {
        inner->ops->discard(inner);
        return e;
    }
    TRY(inner->ops->commit(inner, a));
    return lost ? fault_plan_failure(plan, a, "dataset commit") : NULL;
}

static void fault_discard(struct dataset_writer *writer)
{
    if (!writer)
        return;
    struct fault_writer *w = CONTAINER_OF(writer, struct fault_writer, writer);
    w->inner->ops->discard(w->inner);
    free(w);
}

static err_t fault_has_file(struct dataset_store *store, int64_t id, int64_t file_id, struct arena *a, bool *ret_has,
                            uint64_t *ret_rows)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset has_file", f->inner->ops->has_file(f->inner, id, file_id, a, ret_has, ret_rows));
}

static err_t fault_each_file(struct dataset_store *store, int64_t id, struct arena *a,
                             err_t (*visit)(void *arg, int64_t file_id, uint64_t rows), void *arg)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset each_file", f->inner->ops->each_file(f->inner, id, a, visit, arg));
}

static err_t fault_query(struct dataset_store *store, int64_t id, const struct row_query *q, int64_t limit_ms,
                         struct arena *a, struct dataset_cursor **ret_cursor)
{
    struct fault_store *f = fault_of(store);
    struct dataset_cursor *inner;
    bool lost;
    TRY(fault_plan_call(f->plan, a, "dataset query", &lost));
    TRY(f->inner->ops->query(f->inner, id, q, limit_ms, a, &inner));
    if (lost) {
        inner->ops->close(inner);
        return fault_plan_failure(f->plan, a, "dataset query");
    }
    struct fault_cursor *c = must_malloc(sizeof *c);
    *c = (struct fault_cursor){ .cursor = *inner, .inner = inner, .plan = f->plan };
    c->cursor.ops = &fault_ops;
    *ret_cursor = &c->cursor;
    return NULL;
}

static err_t fault_next(struct dataset_cursor *cursor, struct arena *a, const struct cell **ret_cells,
                        size_t *ret_count)
{
    struct fault_cursor *c = CONTAINER_OF(cursor, struct fault_cursor, cursor);
    bool lost;
    TRY(fault_plan_call(c->plan, a, "dataset next", &lost));
    TRY(c->inner->ops->next(c->inner, a, ret_cells, ret_count));
    c->cursor.rows_read = c->inner->rows_read;
    c->cursor.bytes_read = c->inner->bytes_read;
    return lost ? fault_plan_failure(c->plan, a, "dataset next") : NULL;
}

static void fault_close(struct dataset_cursor *cursor)
{
    if (!cursor)
        return;
    struct fault_cursor *c = CONTAINER_OF(cursor, struct fault_cursor, cursor);
    c->inner->ops->close(c->inner);
    free(c);
}

static err_t fault_each(struct dataset_store *store, struct arena *a, err_t (*visit)(void *arg, int64_t dataset_id),
                        void *arg)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset each", f->inner->ops->each(f->inner, a, visit, arg));
}

static err_t fault_size(struct dataset_store *store, int64_t id, struct arena *a, uint64_t *ret_bytes)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset size", f->inner->ops->size(f->inner, id, a, ret_bytes));
}

static err_t fault_verify(struct dataset_store *store, int64_t id, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset verify", f->inner->ops->verify(f->inner, id, a));
}

static err_t fault_backup(struct dataset_store *store, int64_t id, const char *path, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset backup", f->inner->ops->backup(f->inner, id, path, a));
}

static err_t fault_restore(struct dataset_store *store, int64_t id, const char *path, struct arena *a)
{
    struct fault_store *f = fault_of(store);
    FAULTY(f->plan, a, "dataset restore", f->inner->ops->restore(f->inner, id, path, a));
}

static void fault_close_store(struct dataset_store *store)
{
    struct fault_store *f = fault_of(store);
    f->inner->ops->close_store(f->inner);
    free(f);
}

static const struct dataset_ops fault_ops = {
    .name = "fault",
    .define = fault_define,
    .remove = fault_remove,
    .open = fault_open,
    .add = fault_add,
    .commit = fault_commit,
    .discard = fault_discard,
    .has_file = fault_has_file,
    .each_file = fault_each_file,
    .query = fault_query,
    .next = fault_next,
    .close = fault_close,
    .each = fault_each,
    .size = fault_size,
    .verify = fault_verify,
    .backup = fault_backup,
    .restore = fault_restore,
    .close_store = fault_close_store,
};

struct dataset_store *dataset_fault_wrap(struct dataset_store *inner, struct fault_plan *plan)
{
    struct fault_store *f = must_malloc(sizeof *f);
    *f = (struct fault_store){ .store.ops = &fault_ops, .inner = inner, .plan = plan };
    return &f->store;
}

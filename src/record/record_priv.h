/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_RECORD_RECORD_PRIV_H
#define CAIS_RECORD_RECORD_PRIV_H

#include "record/record.h"
#include "record/schema.h"
#include "record/sets.h"

struct records {
    struct record_store store;
    struct random *random;
    struct set_pool pool;
};

static inline struct set_pool *pool_of(struct record_store *store)
{
    return &CONTAINER_OF(store, struct records, store)->pool;
}

/* files.c */
MUST_USE err_t files_define(struct record_store *, int64_t id, const struct record_fields *, struct arena *a);
MUST_USE err_t files_remove(struct record_store *, int64_t id, struct arena *a);
MUST_USE err_t files_backup(struct record_store *, int64_t id, const char *path, struct arena *a);
MUST_USE err_t files_restore(struct record_store *, int64_t id, const char *path, struct arena *a);
MUST_USE err_t files_each(struct record_store *, struct arena *a, err_t (*visit)(void *arg, int64_t id), void *arg);
MUST_USE err_t files_remove_leftovers(struct set_pool *, struct arena *a);

/* writer.c */
MUST_USE err_t writer_open(struct record_store *, int64_t id, const struct record_batch *, struct arena *a,
                           struct record_writer **ret_writer);
MUST_USE err_t writer_put(struct record_writer *, slice key, slice object, struct arena *a, enum record_outcome *ret);
MUST_USE err_t writer_erase(struct record_writer *, slice key, struct arena *a, enum record_outcome *ret);
MUST_USE err_t writer_commit(struct record_writer *, slice position, struct arena *a);
void writer_discard(struct record_writer *);

/* reader.c */
MUST_USE err_t reader_fields(struct record_store *, int64_t id, struct arena *a, struct record_fields *ret);
MUST_USE err_t reader_position(struct record_store *, int64_t id, struct arena *a, slice *ret);
MUST_USE err_t reader_get(struct record_store *, int64_t id, slice record_id, struct arena *a, struct record *ret);
MUST_USE err_t reader_scan(struct record_store *, int64_t id, const struct record_scan *, struct arena *a,
                           struct record_page *ret);
MUST_USE err_t reader_size(struct record_store *, int64_t id, struct arena *a, uint64_t *ret_bytes,
                           uint64_t *ret_records);
MUST_USE err_t reader_verify(struct record_store *, int64_t id, struct arena *a);

#endif

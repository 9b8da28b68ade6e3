/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_RECORD_RECORD_PRIV_H
#define CAIS_RECORD_RECORD_PRIV_H

#include "record/record.h"
#include "record/schema.h"
#include "record/sets.h"

struct records {
    struct record_store store;
    struct random *random;
    struct clock *clock;
    struct set_pool pool;
};

static inline struct set_pool *pool_of(struct record_store *store)
{
    return &CONTAINER_OF(store, struct records, store)->pool;
}

#define RECORD_LOG_BYTES (INT64_C(16) << 20)

/* For tests. */
struct record_hooks {
    int64_t log_bytes;                                  /* that are added to a log before it is copied into the file */
    struct sql_db *(*wrap)(void *arg, struct sql_db *); /* each database of a set that is opened; NULL: nothing */
    void *wrap_arg;
};
MUST_USE err_t record_open_with(const struct record_options *, const struct record_hooks *, struct arena *a,
                                struct record_store **ret_store);

/* files.c */
MUST_USE err_t files_define(struct record_store *, int64_t id, const struct record_fields *, struct arena *a);
MUST_USE err_t files_remove(struct record_store *, int64_t id, struct arena *a);
MUST_USE err_t files_backup(struct record_store *, int64_t id, const char *path, struct arena *a);
MUST_USE err_t files_restore(struct record_store *, int64_t id, const char *path, struct arena *a);
MUST_USE err_t files_verify_copy(struct record_store *, const char *path, struct arena *a);
MUST_USE err_t files_each(struct record_store *, struct arena *a, err_t (*visit)(void *arg, int64_t id), void *arg);
MUST_USE err_t files_remove_leftovers(struct set_pool *, struct arena *a);

/* writer.c */
MUST_USE err_t writer_open(struct record_store *, int64_t id, const struct record_batch *, struct arena *a,
                           struct record_writer **ret_writer);
MUST_USE err_t writer_put(struct record_writer *, slice key, slice object, struct arena *a, enum record_outcome *ret);
MUST_USE err_t writer_erase(struct record_writer *, slice key, struct arena *a, enum record_outcome *ret);
MUST_USE err_t writer_commit(struct record_writer *, slice position, enum record_commit, struct arena *a);
MUST_USE err_t writer_flush(struct record_store *, int64_t id, struct arena *a, slice *ret_position);
void writer_discard(struct record_writer *);

/* A set in use, and a connection to read it. */
struct reading {
    struct record_set *set;
    struct sql_conn *conn;
};
MUST_USE err_t reading_begin(struct record_store *, int64_t id, struct arena *a, struct reading *);
void reading_endp(struct reading *);
#define RECORD_SQL_COLUMNS "number, key, object, file, created_at_ms, modified_at_ms" /* of one record */
/* The id of the record with this number, in `a`. */
slice record_id_of(const struct record_set *, int64_t number, struct arena *a);
/* False: no record of the set can have this id. */
bool record_number_of(const struct record_set *, slice id, struct arena *a, int64_t *ret);

/* query.c */
MUST_USE err_t query_run(struct record_store *, int64_t id, const struct record_query *, struct arena *a,
                         struct record_result *ret);
MUST_USE err_t query_more(struct record_store *, int64_t id, const struct record_query *, const struct record_id_list *,
                          struct arena *a, struct record_rest *ret);

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

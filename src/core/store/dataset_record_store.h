/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets, the files that were sent to them, and permissions to send files. Their rows are elsewhere: dataset_store.h. */
#ifndef CAIS_CORE_STORE_DATASET_RECORD_STORE_H
#define CAIS_CORE_STORE_DATASET_RECORD_STORE_H

#include "core/records/dataset.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* ---- datasets; one that was removed is not found, unless a call says otherwise ---- */

/* CONFLICT: the account has one of that slug. */
MUST_USE err_t meta_dataset_add(struct meta_tx *, const struct dataset *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_dataset_get(struct meta_tx *, int64_t id, struct arena *a, struct dataset *ret);
MUST_USE err_t meta_dataset_by_slug(struct meta_tx *, int64_t account_id, slice slug, struct arena *a,
                                    struct dataset *ret);
/* Those of an account, by id. account_id 0: of all accounts. */
MUST_USE err_t meta_dataset_list(struct meta_tx *, int64_t account_id, const struct id_page *, struct arena *a,
                                 struct dataset_list *ret);
/* Holds the record until the write ends, so that nobody else changes it, or sends files to it, meanwhile. */
MUST_USE err_t meta_dataset_hold(struct meta_tx *, int64_t id, struct arena *a, bool *ret_there);
/* Writes name, version, columns and settings of a dataset that was held. NOT_FOUND. */
MUST_USE err_t meta_dataset_update(struct meta_tx *, const struct dataset *, struct arena *a);
MUST_USE err_t meta_dataset_set_due(struct meta_tx *, int64_t id, int64_t due_at_ms, struct arena *a);
MUST_USE err_t meta_dataset_set_table_bytes(struct meta_tx *, int64_t id, int64_t bytes, struct arena *a);
/* Adds to waiting_files and waiting_bytes, which do not fall below 0. NOT_FOUND. *ret_bytes: the sum. */
MUST_USE err_t meta_dataset_wait(struct meta_tx *, int64_t id, int64_t more_files, int64_t more_bytes, struct arena *a,
                                 int64_t *ret_bytes);
/* Those whose schedule is due, the longest waiting first. */
MUST_USE err_t meta_dataset_list_due(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                                     struct dataset_list *ret);
/* Marks it as removed. NOT_FOUND. */
MUST_USE err_t meta_dataset_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* The first one behind after_id that was marked. NOT_FOUND when there is none. */
MUST_USE err_t meta_dataset_first_ended(struct meta_tx *, int64_t after_id, struct arena *a, struct dataset *ret);
/* *ret_known: there is a record of it, also when it was marked as removed. */
MUST_USE err_t meta_dataset_is_known(struct meta_tx *, int64_t id, struct arena *a, bool *ret_known);
/* Removes the record of a dataset that was marked and has neither files nor prefixes any more. */
MUST_USE err_t meta_dataset_remove(struct meta_tx *, int64_t id, struct arena *a);

/* ---- files of datasets; one that was removed is not found, unless a call says otherwise ---- */

MUST_USE err_t meta_dataset_file_add(struct meta_tx *, const struct dataset_file *, struct arena *a);
MUST_USE err_t meta_dataset_file_get(struct meta_tx *, int64_t id, struct arena *a, struct dataset_file *ret);
/* Also when it was removed. */
MUST_USE err_t meta_dataset_file_any(struct meta_tx *, int64_t id, struct arena *a, struct dataset_file *ret);
enum dataset_file_order { DATASET_FILES_BY_CREATION, DATASET_FILES_BY_SIZE, DATASET_FILES_BY_NAME };
struct dataset_file_query {
    int64_t dataset_id;
    bool has_state;
    enum dataset_file_state from_state, to_state; /* of has_state: both included */
    int64_t from_ms, to_ms;                       /* created at or after, and before; 0: any time */
    slice search;                                 /* a part of the name, without case (ASCII); empty: any */
    enum dataset_file_order order;                /* then by id, in the same direction */
    bool ascends;
    size_t limit, offset;
};
/* *ret_total: how many there are without limit and offset; not counted when it is NULL. */
MUST_USE err_t meta_dataset_file_list(struct meta_tx *, const struct dataset_file_query *, struct arena *a,
                                      struct dataset_file_list *ret, int64_t *ret_total);
/* The files that wait (PENDING), by id up to up_to_id; and the newest of them, 0: there is none. */
MUST_USE err_t meta_dataset_file_list_pending(struct meta_tx *, int64_t dataset_id, int64_t up_to_id, size_t limit,
                                              struct arena *a, struct dataset_file_list *ret);
MUST_USE err_t meta_dataset_file_newest(struct meta_tx *, int64_t dataset_id, struct arena *a, int64_t *ret_id);
/* How many wait (PENDING), and their bytes. */
struct dataset_waiting {
    int64_t files, bytes;
};
MUST_USE err_t meta_dataset_file_count_pending(struct meta_tx *, int64_t dataset_id, struct arena *a,
                                               struct dataset_waiting *ret);
/* Files by id that are QUEUED or RUNNING although a job of that kind, whose payload is the id of the file, has ended in that
 * state (enum job_state). */
MUST_USE err_t meta_dataset_file_list_left(struct meta_tx *, slice job_kind, int job_state, const struct id_page *,
                                           struct arena *a, struct dataset_file_list *ret);
/* Holds the record until the write ends, also when the file was removed. */
MUST_USE err_t meta_dataset_file_hold(struct meta_tx *, int64_t id, struct arena *a, bool *ret_there);
/* Sets the state, from one of two. *ret_changed: it had one of them. */
struct dataset_file_step {
    int64_t id;
    enum dataset_file_state from, or_from, to;
};
MUST_USE err_t meta_dataset_file_move(struct meta_tx *, const struct dataset_file_step *, struct arena *a,
                                      bool *ret_changed);
/* Writes state, errors, rows, duplicate_of and processed_at_ms. */
MUST_USE err_t meta_dataset_file_finish(struct meta_tx *, const struct dataset_file *, struct arena *a);
/* The file whose rows are in the dataset and which has these bytes, also when it was removed; 0: there is none. */
MUST_USE err_t meta_dataset_file_find_read(struct meta_tx *, const struct dataset_file *like, struct arena *a,
                                           int64_t *ret_id);
/* *ret_has: a file of that name was sent under the prefix. */
MUST_USE err_t meta_dataset_file_has_name(struct meta_tx *, int64_t prefix_id, slice name, struct arena *a,
                                          bool *ret_has);
MUST_USE err_t meta_dataset_file_count_prefix(struct meta_tx *, int64_t prefix_id, struct arena *a, int64_t *ret);
/* Marks the record as one of a file that was removed. */
MUST_USE err_t meta_dataset_file_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
MUST_USE err_t meta_dataset_file_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Those of the dataset by id, also those that were removed. */
MUST_USE err_t meta_dataset_file_each(struct meta_tx *, int64_t dataset_id, const struct id_page *, struct arena *a,
                                      struct dataset_file_list *ret);
/* Of all datasets, those whose files are there, by id. */
MUST_USE err_t meta_dataset_file_all(struct meta_tx *, const struct id_page *, struct arena *a,
                                     struct dataset_file_list *ret);

/* ---- prefixes ---- */

MUST_USE err_t meta_prefix_add(struct meta_tx *, const struct upload_prefix *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_prefix_get(struct meta_tx *, int64_t id, struct arena *a, struct upload_prefix *ret);
MUST_USE err_t meta_prefix_by_secret(struct meta_tx *, const unsigned char secret_hash[SHA256_SIZE], struct arena *a,
                                     struct upload_prefix *ret);
/* NOT_FOUND also when it was revoked before. */
MUST_USE err_t meta_prefix_revoke(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Removes one of the prefixes that expired before `before_ms`, or, with a dataset_id, one of that dataset. NOT_FOUND when there is
 * none. *ret_account_id: whose it was. */
MUST_USE err_t meta_prefix_forget(struct meta_tx *, int64_t before_ms, int64_t dataset_id, struct arena *a,
                                  int64_t *ret_account_id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which sets of records there are. */
#ifndef CAIS_CORE_STORE_RECORD_SET_STORE_H
#define CAIS_CORE_STORE_RECORD_SET_STORE_H

#include "core/records/record_ids.h"
#include "core/records/record_set.h"
#include "core/store/transaction.h"

/* With 0 bytes. CONFLICT when the section has one of that data source. No id is given twice. */
MUST_USE err_t meta_record_set_add(struct meta_tx *, const struct record_set *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_record_set_get(struct meta_tx *, int64_t id, struct arena *a, struct record_set *ret);
MUST_USE err_t meta_record_set_find(struct meta_tx *, int64_t section_id, slice data_source, struct arena *a,
                                    struct record_set *ret);
/* All of them, by id. */
MUST_USE err_t meta_record_set_list(struct meta_tx *, const struct id_page *, struct arena *a,
                                    struct record_set_list *ret);
/* The first ones of the sections of a workspace, by id. */
MUST_USE err_t meta_record_set_list_of_workspace(struct meta_tx *, int64_t workspace_id, size_t limit, struct arena *a,
                                                 struct record_set_list *ret);
/* The caller has removed its records. *ret_removed: it was there. */
MUST_USE err_t meta_record_set_remove(struct meta_tx *, int64_t id, struct arena *a, bool *ret_removed);
/* Writes what its records take now. NOT_FOUND. *ret_more: how much more than before. */
MUST_USE err_t meta_record_set_measure(struct meta_tx *, int64_t id, int64_t bytes, struct arena *a, int64_t *ret_more);

#endif

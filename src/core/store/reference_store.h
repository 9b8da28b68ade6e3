/* SPDX-License-Identifier: Apache-2.0 */
/* References from tasks to files, and links. */
#ifndef CAIS_CORE_STORE_REFERENCE_STORE_H
#define CAIS_CORE_STORE_REFERENCE_STORE_H

#include "core/records/reference.h"
#include "core/store/transaction.h"

/* root_id 0: version 1 of a new chain. Sets id, root_id and version. */
MUST_USE err_t meta_reference_add(struct meta_tx *, struct reference *, struct arena *a);
MUST_USE err_t meta_reference_get(struct meta_tx *, int64_t id, struct arena *a, struct reference *ret);
MUST_USE err_t meta_reference_list(struct meta_tx *, int64_t task_id, struct arena *a,
                                   struct reference_list *ret); /* by id */
MUST_USE err_t meta_reference_list_file(struct meta_tx *, int64_t file_id, struct arena *a,
                                        struct reference_list *ret); /* by id */
/* The file is the caller's business after that. */
MUST_USE err_t meta_reference_remove(struct meta_tx *, int64_t id, struct arena *a);
MUST_USE err_t meta_reference_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
MUST_USE err_t meta_reference_holds(struct meta_tx *, int64_t file_id, struct arena *a, int64_t *ret_count);

#endif

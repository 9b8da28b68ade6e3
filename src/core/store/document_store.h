/* SPDX-License-Identifier: Apache-2.0 */
/* Files as tasks and comments hold them. */
#ifndef CAIS_CORE_STORE_DOCUMENT_STORE_H
#define CAIS_CORE_STORE_DOCUMENT_STORE_H

#include "core/records/document.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_document_get(struct meta_tx *, int64_t file_id, struct arena *a, struct document *ret);
struct document_query {
    int64_t task_id;
    int64_t comment_id; /* only what references of this comment hold; 0: of the task and all of its comments */
    size_t offset, limit;
};
/* Files that references of a task or a comment hold, each once, by file id. */
MUST_USE err_t meta_document_list(struct meta_tx *, const struct document_query *, struct arena *a,
                                  struct document_list *ret);
MUST_USE err_t meta_document_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* The first file of that name (as it came in, byte by byte) that a reference of the task holds. NOT_FOUND when there is
 * none. */
MUST_USE err_t meta_document_named(struct meta_tx *, int64_t task_id, slice name, struct arena *a,
                                   int64_t *ret_file_id);

#endif

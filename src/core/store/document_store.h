/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: files together with their tickets and with the references that hold them. Read only. */
#ifndef CAIS_CORE_STORE_DOCUMENT_STORE_H
#define CAIS_CORE_STORE_DOCUMENT_STORE_H

#include "core/records/document.h"
#include "core/store/transaction.h"

/* NOT_FOUND also when the file came by ticket and only removed tasks and comments still hold it: then it is removed with them.
 * References of removed tasks do not count. */
MUST_USE err_t meta_document_get(struct meta_tx *, int64_t file_id, struct arena *a, struct document *ret);

struct document_query {
    int64_t task_id;
    int64_t comment_id; /* only files that references of this comment hold; 0: of the task and of all its comments */
    int64_t after_file_id;
    size_t offset, limit;
};
/* The files that references of the task hold, each once, by file id, ascending. */
MUST_USE err_t meta_document_list(struct meta_tx *, const struct document_query *, struct arena *a,
                                  struct document_list *ret);
/* The number of files that references of the task hold. */
MUST_USE err_t meta_document_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* Of the files that references of the task hold, the oldest with that name. The name is the file's own, not the
 * reference's, and is compared byte by byte. */
MUST_USE err_t meta_document_named(struct meta_tx *, int64_t task_id, slice name, struct arena *a,
                                   int64_t *ret_file_id);
/* Files whose pending tickets name the task or one of its comments, by file id, ascending. */
MUST_USE err_t meta_document_pending(struct meta_tx *, int64_t task_id, size_t limit, struct arena *a,
                                     struct file_id_list *ret);

#endif

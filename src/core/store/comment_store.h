/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of tasks. */
#ifndef CAIS_CORE_STORE_COMMENT_STORE_H
#define CAIS_CORE_STORE_COMMENT_STORE_H

#include "core/records/comment.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_comment_add(struct meta_tx *, const struct comment *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_comment_get(struct meta_tx *, int64_t id, struct arena *a, struct comment *ret);
MUST_USE err_t meta_comment_set_text(struct meta_tx *, int64_t id, slice text, int64_t edited_at_ms, struct arena *a);
/* Oldest first. */
MUST_USE err_t meta_comment_list(struct meta_tx *, int64_t task_id, struct arena *a, struct comment_list *ret);
/* What the comment counts for in the account of its task, with its references. */
MUST_USE err_t meta_comment_size(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);
/* Removes the comment with its references. The caller must end the holds of the comment in the same write. CONFLICT while
 * a pending ticket names it: the caller must remove that one's file before. */
MUST_USE err_t meta_comment_remove(struct meta_tx *, int64_t id, struct arena *a);
MUST_USE err_t meta_comment_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* The sum of the sizes of text and details of all comments of the task, in bytes. */
MUST_USE err_t meta_comment_bytes(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);

#endif

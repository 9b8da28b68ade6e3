/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of tasks. */
#ifndef CAIS_CORE_STORE_COMMENT_STORE_H
#define CAIS_CORE_STORE_COMMENT_STORE_H

#include "core/records/comment.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_comment_add(struct meta_tx *, const struct comment *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_comment_get(struct meta_tx *, int64_t id, struct arena *a, struct comment *ret);
MUST_USE err_t meta_comment_set_text(struct meta_tx *, int64_t id, slice text, int64_t edited_at_ms, struct arena *a);
/* Comments of a task with ids above after_id and up to until_id. */
struct comment_query {
    int64_t task_id, after_id, until_id;
    size_t limit;
    size_t max_bytes; /* the list ends with the comment whose text and details exceed it; 0: no limit */
};
/* Oldest first. */
MUST_USE err_t meta_comment_list(struct meta_tx *, const struct comment_query *, struct arena *a,
                                 struct comment_list *ret);
/* Ids of comments, newest first. */
MUST_USE err_t meta_comment_ids(struct meta_tx *, const struct comment_page_query *, struct arena *a,
                                struct record_ids *ret);
/* Ids of the first comments, oldest first. */
MUST_USE err_t meta_comment_first_ids(struct meta_tx *, int64_t task_id, size_t limit, struct arena *a,
                                      struct record_ids *ret);
/* The id of the newest comment of the task; 0: it has none. */
MUST_USE err_t meta_comment_last(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* What the comment counts for in the account of its task, with its references. */
MUST_USE err_t meta_comment_size(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);
/* Removes the comment with its references. The caller must end the holds of the comment in the same write. CONFLICT while
 * a pending ticket names it: the caller must remove that one's file before. */
MUST_USE err_t meta_comment_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Removes the comments of the task with ids up to that one. The caller ends their holds in the same write. */
MUST_USE err_t meta_comment_remove_up_to(struct meta_tx *, int64_t task_id, int64_t id, struct arena *a);
MUST_USE err_t meta_comment_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* The sum of the sizes of text and details of all comments of the task, in bytes. */
MUST_USE err_t meta_comment_bytes(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);

#endif

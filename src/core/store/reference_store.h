/* SPDX-License-Identifier: Apache-2.0 */
/* References of tasks to files, and links. */
#ifndef CAIS_CORE_STORE_REFERENCE_STORE_H
#define CAIS_CORE_STORE_REFERENCE_STORE_H

#include "core/records/reference.h"
#include "core/store/transaction.h"

/* Adds version 1 of a new chain when root_id is 0, and else the next version of that chain (NOT_FOUND when there is no
 * such chain). Sets id, root_id and version. The caller has locked the task. */
MUST_USE err_t meta_reference_add(struct meta_tx *, struct reference *, struct arena *a);
MUST_USE err_t meta_reference_get(struct meta_tx *, int64_t id, struct arena *a, struct reference *ret);
/* The references of a task and of its comments, by id, ascending. */
MUST_USE err_t meta_reference_list(struct meta_tx *, int64_t task_id, struct arena *a, struct reference_list *ret);
/* References of comments of a task, of those with ids above after_comment_id and up to until_comment_id, by the id of the
 * comment, then by id, ascending. */
struct comment_reference_query {
    int64_t task_id, after_comment_id, until_comment_id;
    size_t limit;
};
MUST_USE err_t meta_reference_list_comments(struct meta_tx *, const struct comment_reference_query *, struct arena *a,
                                            struct reference_list *ret);
struct newest_reference_query {
    int64_t task_id, after_id;
    size_t limit;
};
/* Of each document of the task and of its comments the reference with the newest version: those with ids above after_id, by
 * id, ascending. */
MUST_USE err_t meta_reference_list_newest(struct meta_tx *, const struct newest_reference_query *, struct arena *a,
                                          struct reference_list *ret);
/* The references to a file, by id, ascending. */
MUST_USE err_t meta_reference_list_file(struct meta_tx *, int64_t file_id, struct arena *a, struct reference_list *ret);
/* References to files, of all tasks: those with an id above after_id, by id, ascending. */
MUST_USE err_t meta_reference_each_file(struct meta_tx *, int64_t after_id, size_t limit, struct arena *a,
                                        struct reference_list *ret);
/* What the reference counts for in its account. */
MUST_USE err_t meta_reference_size(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);
MUST_USE err_t meta_reference_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Removes the first `limit` references of the task. The caller ends the holds of their files afterwards. */
MUST_USE err_t meta_reference_remove_first(struct meta_tx *, int64_t task_id, size_t limit, struct arena *a,
                                           int64_t *ret_count);
/* How many references the task has, links included. */
MUST_USE err_t meta_reference_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);

#endif

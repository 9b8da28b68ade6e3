/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to environments, courses and spaces that were removed (core/space/remnants.h), and the sums that are kept of
 * trees. ret_bytes: what the removed rows counted for in the room of the account. */
#ifndef CAIS_CORE_STORE_REMNANT_STORE_H
#define CAIS_CORE_STORE_REMNANT_STORE_H

#include "core/store/transaction.h"

struct remnant {
    int64_t id, account_id;
};

/* The first that was removed. NOT_FOUND: there is none. */
MUST_USE err_t meta_removed_environment(struct meta_tx *, struct arena *a, struct remnant *ret);
MUST_USE err_t meta_removed_course(struct meta_tx *, struct arena *a, struct remnant *ret);
MUST_USE err_t meta_removed_space(struct meta_tx *, struct arena *a, struct remnant *ret);

/* Marks up to `limit` of its parts as removed that were not. */
MUST_USE err_t meta_environment_end_courses(struct meta_tx *, int64_t id, int64_t now_ms, size_t limit, struct arena *a,
                                            int64_t *ret_count);
MUST_USE err_t meta_course_end_spaces(struct meta_tx *, int64_t id, int64_t now_ms, size_t limit, struct arena *a,
                                      int64_t *ret_count);
/* Removes up to `limit` rows. */
MUST_USE err_t meta_environment_drop_admins(struct meta_tx *, int64_t id, size_t limit, struct arena *a,
                                            int64_t *ret_count);
MUST_USE err_t meta_course_drop_enrolments(struct meta_tx *, int64_t id, size_t limit, struct arena *a,
                                           int64_t *ret_count, int64_t *ret_bytes);
/* Removes the row itself, when nothing belongs to it any more. */
MUST_USE err_t meta_environment_drop(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret_bytes);
MUST_USE err_t meta_course_drop(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret_bytes);
MUST_USE err_t meta_space_drop(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret_bytes);

/* Counts again what branches, folders and courses say of the files and folders in them, and how many branches each space has.
 * `repair` corrects what is wrong. ret_wrong: how many rows were. */
MUST_USE err_t meta_tree_check(struct meta_tx *, bool repair, struct arena *a, int64_t *ret_wrong);

#endif

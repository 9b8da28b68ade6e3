/* SPDX-License-Identifier: Apache-2.0 */
/* Courses. Those that were removed, or whose environment was, are found by no call. */
#ifndef CAIS_CORE_STORE_COURSE_STORE_H
#define CAIS_CORE_STORE_COURSE_STORE_H

#include "core/records/course.h"
#include "core/store/name_keys.h"
#include "core/store/transaction.h"

/* CONFLICT when the environment has one of that name or path. */
MUST_USE err_t meta_course_add(struct meta_tx *, const struct course *, const struct name_keys *, struct arena *a,
                               int64_t *ret_id);
MUST_USE err_t meta_course_get(struct meta_tx *, int64_t id, struct arena *a, struct course *ret);
/* Paths are unique in an environment only: the oldest course of the account. account_id 0: of all accounts. */
MUST_USE err_t meta_course_by_path(struct meta_tx *, int64_t account_id, slice path_key, struct arena *a,
                                   struct course *ret);
/* Which of the keys has another course of the environment than except_id? */
MUST_USE err_t meta_course_taken(struct meta_tx *, int64_t environment_id, const struct name_keys *, int64_t except_id,
                                 struct arena *a, struct names_taken *ret);
/* By id, above after_id. */
MUST_USE err_t meta_course_list(struct meta_tx *, int64_t environment_id, int64_t after_id, size_t limit,
                                struct arena *a, struct course_list *ret);
/* Name, path, description, workload and time. The caller holds the environment (meta_course_lock_names) and has asked
 * whether the names are taken. */
MUST_USE err_t meta_course_update(struct meta_tx *, const struct course *, const struct name_keys *, struct arena *a);
/* Until the write ends, no other write gives a course of the environment a name or path, or removes the environment.
 * NOT_FOUND. */
MUST_USE err_t meta_course_lock_names(struct meta_tx *, int64_t environment_id, struct arena *a);
MUST_USE err_t meta_course_set_limit(struct meta_tx *, int64_t id, int64_t max_bytes, struct arena *a);
/* Adds to the bytes of the course; a negative number subtracts. QUOTA, without any change, when they would be more than
 * its limit. NOT_FOUND. Comes last in a write: it holds the row until the commit. */
MUST_USE err_t meta_course_use(struct meta_tx *, int64_t id, int64_t more_bytes, struct arena *a);
/* Nobody finds it any more, and its names are free. */
MUST_USE err_t meta_course_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces. Those that were removed, or whose course or environment was, are found by no call. */
#ifndef CAIS_CORE_STORE_SPACE_STORE_H
#define CAIS_CORE_STORE_SPACE_STORE_H

#include "core/records/course.h"
#include "core/records/space.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_space_add(struct meta_tx *, const struct space *, struct arena *a, int64_t *ret_id);
/* The space has got its root. */
MUST_USE err_t meta_space_set_root(struct meta_tx *, int64_t id, int64_t root_id, struct arena *a);
MUST_USE err_t meta_space_get(struct meta_tx *, int64_t id, struct arena *a, struct space *ret);
/* By id, above after_id. */
MUST_USE err_t meta_space_list(struct meta_tx *, int64_t course_id, int64_t after_id, size_t limit, struct arena *a,
                               struct space_list *ret);

struct space_query {
    int64_t user_id;       /* who has an approved enrolment in the course of the space */
    enum course_role role; /* in that role; ROLE_NONE: any */
    int64_t after_enrolment_id;
    size_t limit;
};
/* The rest of the course of after_enrolment_id, by id, above after_id; with enrolment_id. Nothing, unless it is an approved enrolment
 * of the user. */
MUST_USE err_t meta_space_list_of_enrolment(struct meta_tx *, const struct space_query *, int64_t after_id,
                                            struct arena *a, struct space_list *ret);
/* By enrolment, then by id; with enrolment_id. */
MUST_USE err_t meta_space_list_of_user(struct meta_tx *, const struct space_query *, struct arena *a,
                                       struct space_list *ret);
/* Where a list of the spaces of an account goes on: behind that space. Zeros: at the first one. */
struct space_position {
    int64_t account_id, environment_id, course_id, space_id;
};
/* Those of the same environment, by course, then by id. Nothing, unless the account has it. */
MUST_USE err_t meta_space_list_of_environment(struct meta_tx *, const struct space_position *after, size_t limit,
                                              struct arena *a, struct space_list *ret);
/* Those of the environments of the account above after_environment_id, by environment, course and id. */
MUST_USE err_t meta_space_list_of_account(struct meta_tx *, int64_t account_id, int64_t after_environment_id,
                                          size_t limit, struct arena *a, struct space_list *ret);
/* Name, description and time. */
MUST_USE err_t meta_space_update(struct meta_tx *, const struct space *, struct arena *a);
/* Until the write ends, no other write changes the shape of its tree beyond adding a folder. NOT_FOUND. */
MUST_USE err_t meta_space_lock(struct meta_tx *, int64_t id, struct arena *a);
/* One branch more, or less with -1. QUOTA, without any change, when there would be more than `max`. */
MUST_USE err_t meta_space_count_branch(struct meta_tx *, int64_t id, int64_t more, int64_t max, struct arena *a);
/* Nobody finds it any more. The caller takes its bytes off the course (meta_space_bytes). */
MUST_USE err_t meta_space_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* The bytes of all files in the space: one sum over its branches that were not cut off. */
MUST_USE err_t meta_space_bytes(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);

#endif

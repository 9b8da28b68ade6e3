/* SPDX-License-Identifier: Apache-2.0 */
/* Environments, and who administers them. Those that were removed are found by no call. */
#ifndef CAIS_CORE_STORE_ENVIRONMENT_STORE_H
#define CAIS_CORE_STORE_ENVIRONMENT_STORE_H

#include "core/records/course.h"
#include "core/records/environment.h"
#include "core/store/name_keys.h"
#include "core/store/transaction.h"

/* CONFLICT when the account has one of that name or path. */
MUST_USE err_t meta_environment_add(struct meta_tx *, const struct environment *, const struct name_keys *,
                                    struct arena *a, int64_t *ret_id);
/* Without course_count, like the next one. */
MUST_USE err_t meta_environment_get(struct meta_tx *, int64_t id, struct arena *a, struct environment *ret);
/* account_id 0: of any account, the oldest. */
MUST_USE err_t meta_environment_by_path(struct meta_tx *, int64_t account_id, slice path_key, struct arena *a,
                                        struct environment *ret);
/* Reads a row for each of them, so no write asks. */
MUST_USE err_t meta_environment_count_courses(struct meta_tx *, int64_t id, struct arena *a, int64_t *ret);
/* Which of the keys has another environment of the account than except_id? */
MUST_USE err_t meta_environment_taken(struct meta_tx *, int64_t account_id, const struct name_keys *, int64_t except_id,
                                      struct arena *a, struct names_taken *ret);
/* The smallest id above after_id of an environment where the user is an administrator, or has an approved enrolment in a course; 0: there
 * is none. The environment, or the course, may have been removed. */
MUST_USE err_t meta_environment_next_of_user(struct meta_tx *, int64_t user_id, int64_t after_id, struct arena *a,
                                             int64_t *ret_id);
/* By id, above after_id. */
MUST_USE err_t meta_environment_list(struct meta_tx *, int64_t account_id, int64_t after_id, size_t limit,
                                     struct arena *a, struct environment_list *ret);
/* Name, path, initials, description and time. The caller holds the account (meta_environment_lock_names) and has asked
 * whether the names are taken. */
MUST_USE err_t meta_environment_update(struct meta_tx *, const struct environment *, const struct name_keys *,
                                       struct arena *a);
/* Until the write ends, no other write gives an environment of the account a name or path. */
MUST_USE err_t meta_environment_lock_names(struct meta_tx *, int64_t account_id, struct arena *a);
/* Nobody finds it any more, and its names are free. */
MUST_USE err_t meta_environment_end(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);

/* It is no error when the user is one already. */
MUST_USE err_t meta_environment_add_admin(struct meta_tx *, int64_t id, int64_t user_id, struct arena *a);
/* ADMINISTRATOR: of the environment; MEMBER: enrolled in one of its courses, in whatever role; else NONE. */
MUST_USE err_t meta_environment_role(struct meta_tx *, int64_t id, int64_t user_id, struct arena *a,
                                     enum course_role *ret);

#endif

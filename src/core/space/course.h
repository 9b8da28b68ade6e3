/* SPDX-License-Identifier: Apache-2.0 */
/* Courses of an environment. Names and paths are unique in the environment, without regard to case. Each counts the bytes of the
 * files in its spaces, and may have a limit, which holds exactly.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; the calls that only read are
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_SPACE_COURSE_H
#define CAIS_CORE_SPACE_COURSE_H

#include "core/space/place.h"
#include "core/store/name_keys.h"

/* All texts, also of those that stay as they are. Limits: as in core/space/environment.h. */
struct course_request {
    slice name, path, description;
    int64_t workload;       /* hours; not negative */
    int64_t environment_id; /* of a new course */
};

/* `who` must administer the environment, and is enrolled in the course as its administrator. Errors: ENVIRONMENT_NOT_THERE;
 * PLACE_ROLE_TOO_LOW; EMPTY, INVALID, TOO_LARGE the request; COURSE_TAKEN, with *ret_taken saying which of the names is; QUOTA. */
MUST_USE err_t course_create(struct core *, const struct principal *who, const struct course_request *, struct arena *a,
                             int64_t *ret_id, struct names_taken *ret_taken);
/* who: NULL is nobody. Errors: COURSE_NOT_THERE, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t course_find(struct core *, const struct principal *who, enum place_verb, int64_t id, struct arena *a,
                           struct course *ret);
/* By its path: the oldest course of the account that has it; for nobody, of all accounts. Errors: as course_find. */
MUST_USE err_t course_find_path(struct core *, const struct principal *who, enum place_verb, slice path,
                                struct arena *a, struct course *ret);
/* The courses of an environment that the caller has found, by id. */
MUST_USE err_t course_list(struct core *, int64_t environment_id, const struct id_page *, struct arena *a,
                           struct course_list *ret);
/* Errors: as course_find and course_create. */
MUST_USE err_t course_change(struct core *, const struct principal *who, int64_t id, const struct course_request *,
                             struct arena *a, struct names_taken *ret_taken);
/* For the operator: how many bytes the files of the course may have; 0: any number. What is there stays. Errors: COURSE_NOT_THERE;
 * INVALID a negative number. */
MUST_USE err_t course_set_limit(struct core *, const struct principal *who, int64_t id, int64_t max_bytes,
                                struct arena *a);
/* From the commit on nothing of it is found. What it holds is removed afterwards (core/space/remnants.h).
 * Errors: as course_find. */
MUST_USE err_t course_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Environments: what gives courses, in an account. Names and paths are unique in the account, without regard to case.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block. The calls that only read
 * count courses, so they take longer than a loop has time for. */
#ifndef CAIS_CORE_SPACE_ENVIRONMENT_H
#define CAIS_CORE_SPACE_ENVIRONMENT_H

#include "core/records/environment.h"
#include "core/space/place.h"
#include "core/store/name_keys.h"

/* All texts, also of those that stay as they are. Limits: 255 characters for name and path, of which a path may have
 * A-Z a-z 0-9 - _ only; 4096 bytes for the others, which may be empty. */
struct environment_request {
    slice name, path, initials, description;
};

/* `who` becomes its administrator. Errors: EMPTY, INVALID, TOO_LARGE the texts; ENVIRONMENT_TAKEN, with *ret_taken saying which of the
 * names is; QUOTA. */
MUST_USE err_t environment_create(struct core *, const struct principal *who, const struct environment_request *,
                                  struct arena *a, int64_t *ret_id, struct names_taken *ret_taken);
/* who: NULL is nobody. Errors: ENVIRONMENT_NOT_THERE, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t environment_find(struct core *, const struct principal *who, enum place_verb, int64_t id,
                                struct arena *a, struct environment *ret);
/* By its path. Of nobody, any account's, the oldest. Errors: as environment_find. */
MUST_USE err_t environment_find_path(struct core *, const struct principal *who, enum place_verb, slice path,
                                     struct arena *a, struct environment *ret);
/* Those where `who` is enrolled in a course, or administers; for an administrator of the account all of the account. By id. */
MUST_USE err_t environment_list(struct core *, const struct principal *who, const struct id_page *, struct arena *a,
                                struct environment_list *ret);
/* Errors: as environment_find and environment_create. */
MUST_USE err_t environment_change(struct core *, const struct principal *who, int64_t id,
                                  const struct environment_request *, struct arena *a, struct names_taken *ret_taken);
/* From the commit on nothing of it is found: no course, space, folder, file. What they hold is removed afterwards
 * (core/space/remnants.h). Errors: as environment_find. */
MUST_USE err_t environment_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);

#endif

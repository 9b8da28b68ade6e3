/* SPDX-License-Identifier: Apache-2.0 */
/* Standalone spaces: a space with a course of its own, so that the people of the course are those of the space. The courses of all
 * standalone spaces of an account are in one environment, which is made with the first of them:
 *
 *   environment "spaces" ──► course "space-…" ──► the space ──► its root
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block. */
#ifndef CAIS_CORE_SPACE_STANDALONE_H
#define CAIS_CORE_SPACE_STANDALONE_H

#include "core/space/space.h"

#define STANDALONE_ENVIRONMENT_PATH "spaces"
#define STANDALONE_COURSE_PREFIX "space-"

/* Makes all of it in one write; `who` is enrolled as administrator. Errors: PLACE_ROLE_TOO_LOW `who` does not administer the
 * account; EMPTY, INVALID, TOO_LARGE the texts; QUOTA. */
MUST_USE err_t standalone_create(struct core *, const struct principal *who, const struct space_request *,
                                 struct arena *a, int64_t *ret_id);
/* Removes a space, and its course with it if it is a standalone one that has no other space, for which the role of an administrator is
 * needed. Any other space as space_remove does. Errors: as space_remove. */
MUST_USE err_t standalone_remove(struct core *, const struct principal *who, int64_t space_id, struct arena *a);

#endif

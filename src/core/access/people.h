/* SPDX-License-Identifier: Apache-2.0 */
/* The people of an account, as others see them: found by id or address, shown with their tasks and files. */
#ifndef CAIS_CORE_ACCESS_PEOPLE_H
#define CAIS_CORE_ACCESS_PEOPLE_H

#include "core/core.h"
#include "core/records/user.h"

/* Somebody of the account of `who`, not deleted. Errors: NOT_FOUND. */
MUST_USE err_t person_by_id(struct core *, const struct principal *who, int64_t id, struct arena *a, struct user *ret);
/* By e-mail or login, without regard to case (ASCII). Errors: NOT_FOUND. */
MUST_USE err_t person_by_address(struct core *, const struct principal *who, slice address, struct arena *a,
                                 struct user *ret);
/* Those of `ids` who belong to the account, deleted ones too (what they wrote is still there); unknown ids are left
 * out. Sorted by id, each once. */
MUST_USE err_t people_list(struct core *, const struct principal *who, const int64_t *ids, size_t count,
                           struct arena *a, struct user **ret, size_t *ret_count);
/* One of a sorted list; NULL when absent. */
const struct user *people_find(const struct user *people, size_t count, int64_t id);

#endif

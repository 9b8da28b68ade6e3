/* SPDX-License-Identifier: Apache-2.0 */
/* The users of an account, as other users see them: looked up by id or address, shown with their tasks and files. */
#ifndef CAIS_CORE_ACCESS_PEOPLE_H
#define CAIS_CORE_ACCESS_PEOPLE_H

#include "core/core.h"
#include "core/records/record_ids.h"
#include "core/records/user.h"

/* A user of the account of `who` that is not deleted. Errors: NOT_FOUND. */
MUST_USE err_t person_by_id(struct core *, const struct principal *who, int64_t id, struct arena *a, struct user *ret);
/* By e-mail or login, without regard to case (ASCII). Errors: NOT_FOUND. */
MUST_USE err_t person_by_address(struct core *, const struct principal *who, slice address, struct arena *a,
                                 struct user *ret);
struct people_page {
    int64_t *ids; /* ascending: person_by_id */
    size_t count;
    int64_t total; /* how many there are without offset and limit */
};
/* The people whom `who` works with: for administrators everybody of the account, else `who`, and who is author or member of a
 * task of which `who` is either. */
MUST_USE err_t people_page_read(struct core *, const struct principal *who, size_t offset, size_t limit,
                                struct arena *a, struct people_page *ret);
/* The users with these ids who belong to the account of `who`, each once, sorted by id. Deleted users are included, since
 * what they wrote is still there; ids of no user are left out. */
MUST_USE err_t people_list(struct core *, const struct principal *who, const int64_t *ids, size_t count,
                           struct arena *a, struct user_list *ret);
/* The user with that id, in a list that is sorted by id. NULL: the list has none. */
const struct user *people_find(const struct user *people, size_t count, int64_t id);

#endif

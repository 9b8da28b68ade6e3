/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces of a course. Each has one folder without a parent, the root, which is made with it.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; the calls that only read are
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_SPACE_SPACE_H
#define CAIS_CORE_SPACE_SPACE_H

#include "core/records/space.h"
#include "core/space/place.h"

#define SPACE_ROOT_NAME "root"

/* Both texts, also of one that stays as it is. Limits: 255 characters, 4096 bytes. */
struct space_request {
    slice name, description;
};

/* With its root. Errors: COURSE_NOT_THERE; PLACE_ROLE_TOO_LOW; EMPTY, INVALID, TOO_LARGE the texts; QUOTA. */
MUST_USE err_t space_create(struct core *, const struct principal *who, int64_t course_id, const struct space_request *,
                            struct arena *a, int64_t *ret_id);
/* who: NULL is nobody. Errors: SPACE_NOT_THERE, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t space_find(struct core *, const struct principal *who, enum place_verb, int64_t id, struct arena *a,
                          struct space *ret);
/* The spaces of a course that the caller has found, by id. */
MUST_USE err_t space_list(struct core *, int64_t course_id, const struct id_page *, struct arena *a,
                          struct space_list *ret);
struct own_spaces {
    enum course_role role;      /* in which one is enrolled; ROLE_NONE: any */
    int64_t course_id;          /* 0: any */
    int64_t after_enrolment_id; /* of the last space of the page before; it, and its id, are where the page begins */
    struct id_page page;
};
/* The spaces of the courses where `who` has an approved enrolment, by enrolment, then by id. So a page costs the same in however many
 * courses that is. */
MUST_USE err_t space_list_own(struct core *, const struct principal *who, const struct own_spaces *, struct arena *a,
                              struct space_list *ret);
struct visible_space {
    struct space space;
    enum course_role role; /* of the caller */
};
struct visible_space_list {
    struct visible_space *items;
    size_t count;
};
/* Where a page begins: behind that space, of which all members that its list has are kept. Zeros: at the first one. */
struct space_cursor {
    int64_t enrolment_id; /* of a list of one's own */
    int64_t environment_id, course_id, space_id;
};
/* The spaces of the courses where `who` has an approved enrolment; for an administrator of the account, and the operator, all of the
 * account. At most `limit`. */
MUST_USE err_t space_list_visible(struct core *, const struct principal *who, const struct space_cursor *after,
                                  size_t limit, struct arena *a, struct visible_space_list *ret);
/* The role of `who` in a space that the caller has found. */
MUST_USE err_t space_role(struct core *, const struct principal *who, const struct space *, struct arena *a,
                          enum course_role *ret);
/* Errors: as space_find and space_create. */
MUST_USE err_t space_change(struct core *, const struct principal *who, int64_t id, const struct space_request *,
                            struct arena *a);
/* From the commit on nothing of it is found, and its bytes are off the count of the course. What it holds is removed afterwards
 * (core/space/remnants.h). Errors: as space_find. */
MUST_USE err_t space_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolments: who takes part in a course, with which role.
 *
 *   enrolment_invite                     user_create with that address            enrolment_set
 *        ├── nobody has that address ──► INVITED_UNKNOWN ──────────► INVITED ───► APPROVED, REJECTED, WAITING
 *        └── a user has it ────────────────────────────────────────► INVITED
 *
 * Only APPROVED gives a role. From the commit that removes an enrolment, or changes it, the old role counts for nothing.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; the calls that only read are
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_SPACE_ENROLMENT_H
#define CAIS_CORE_SPACE_ENROLMENT_H

#include "core/records/enrolment.h"
#include "core/records/user.h"
#include "core/space/place.h"

struct user_list;

/* Courses of an account that one address, which no user has, may be invited to. */
enum { ENROLMENTS_WAITING_MAX = 1000 };

/* Invites the person with that e-mail address to the course. Whoever was invited before, or is enrolled, gets the same enrolment again.
 * email: 3 to 254 bytes with an @.  Errors: COURSE_NOT_THERE; PLACE_ROLE_TOO_LOW `who` does not
 * administer the course; INVALID the address; QUOTA the account has no room, or ENROLMENTS_WAITING_MAX. */
struct invitation {
    int64_t enrolment_id;
    bool is_new; /* it was made now */
};
MUST_USE err_t enrolment_invite(struct core *, const struct principal *who, int64_t course_id, slice email,
                                struct arena *a, struct invitation *ret);
/* For the operator: the user is enrolled with that role, APPROVED, whatever was before. Errors: COURSE_NOT_THERE; NOT_FOUND no such
 * user in the account of the course; INVALID ROLE_NONE; QUOTA. */
struct enrolment_request {
    int64_t course_id;
    slice login;
    enum course_role role;
};
MUST_USE err_t enrolment_grant(struct core *, const struct principal *who, const struct enrolment_request *,
                               struct arena *a, int64_t *ret_id);
/* Whoever is enrolled in the course may see its enrolments, and each person its own. who: NULL is nobody.
 * Errors: ENROLMENT_NOT_THERE, before anything else; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t enrolment_find(struct core *, const struct principal *who, int64_t id, struct arena *a,
                              struct enrolment *ret);
/* That of a person in a course that the caller has found. Errors: ENROLMENT_NOT_THERE. */
MUST_USE err_t enrolment_find_login(struct core *, int64_t course_id, slice login, struct arena *a,
                                    struct enrolment *ret);
/* The same for `who` wants to change it, and so must administer the course. */
MUST_USE err_t enrolment_find_to_change(struct core *, const struct principal *who, int64_t id, struct arena *a,
                                        struct enrolment *ret);
/* Errors: as enrolment_find; PLACE_ROLE_TOO_LOW `who` does not administer the course; CONFLICT nobody has the address
 * yet; INVALID the state is INVITED_UNKNOWN. */
MUST_USE err_t enrolment_set(struct core *, const struct principal *who, int64_t id, enum enrolment_state,
                             enum course_role, struct arena *a);
/* One's own, or anybody's by an administrator of the course. Errors: as enrolment_find; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t enrolment_remove(struct core *, const struct principal *who, int64_t id, struct arena *a);

/* The enrolments of a course that the caller has found (course_find), in all states, by id. */
MUST_USE err_t enrolment_list(struct core *, int64_t course_id, const struct id_page *, struct arena *a,
                              struct enrolment_list *ret);
/* Those of `who`, by id. */
MUST_USE err_t enrolment_list_own(struct core *, const struct principal *who, const struct id_page *, struct arena *a,
                                  struct enrolment_list *ret);

/* The users with an approved enrolment in a course that the caller has found, by id. role: ROLE_NONE is any. */
MUST_USE err_t course_people(struct core *, int64_t course_id, enum course_role, const struct id_page *,
                             struct arena *a, struct user_list *ret);
/* May `who` see the other user? Oneself; whoever has an approved enrolment in the same course; and administrators of the account
 * see all of the account. Reads a row for each course of `who`, so it takes longer than a loop has time for. */
MUST_USE err_t course_people_may_see(struct core *, const struct principal *who, const struct user *other,
                                     struct arena *a, bool *ret_may);

/* The write that adds the user calls it: what waited for the user's address is the user's from now on, and INVITED. */
MUST_USE err_t enrolment_adopt(struct meta_tx *, const struct user *, int64_t now_ms, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolments. Those of courses that were removed are found by no call. */
#ifndef CAIS_CORE_STORE_ENROLMENT_STORE_H
#define CAIS_CORE_STORE_ENROLMENT_STORE_H

#include "core/records/enrolment.h"
#include "core/records/user.h"
#include "core/store/transaction.h"

/* email_key: the address with its case folded. CONFLICT when the course has one of that user, or of that address. */
MUST_USE err_t meta_enrolment_add(struct meta_tx *, const struct enrolment *, slice email_key, struct arena *a,
                                  int64_t *ret_id);
MUST_USE err_t meta_enrolment_get(struct meta_tx *, int64_t id, struct arena *a, struct enrolment *ret);
MUST_USE err_t meta_enrolment_of_user(struct meta_tx *, int64_t course_id, int64_t user_id, struct arena *a,
                                      struct enrolment *ret);
/* Of an address that no user has. */
MUST_USE err_t meta_enrolment_by_email(struct meta_tx *, int64_t course_id, slice email_key, struct arena *a,
                                       struct enrolment *ret);

struct enrolment_query {
    int64_t course_id; /* 0: of any course */
    int64_t user_id;   /* 0: of any user; one of the two is given */
    int64_t after_id;
    size_t limit;
};
/* By id. */
MUST_USE err_t meta_enrolment_list(struct meta_tx *, const struct enrolment_query *, struct arena *a,
                                   struct enrolment_list *ret);
MUST_USE err_t meta_enrolment_set(struct meta_tx *, int64_t id, enum enrolment_state, enum course_role, int64_t now_ms,
                                  struct arena *a);
MUST_USE err_t meta_enrolment_remove(struct meta_tx *, int64_t id, struct arena *a);
/* How many enrolments of the account wait for that address, which no user has; at most `limit`. */
MUST_USE err_t meta_enrolment_waiting(struct meta_tx *, int64_t account_id, slice email_key, size_t limit,
                                      struct arena *a, int64_t *ret_count);
/* The user has that address: the enrolments of the account that wait for it become the user's, and INVITED. */
MUST_USE err_t meta_enrolment_adopt(struct meta_tx *, const struct user *, slice email_key, int64_t now_ms,
                                    struct arena *a);

/* The role of the user: ADMINISTRATOR for an administrator of the environment, else that of an approved enrolment in the
 * course, else NONE. Two look-ups, however many courses and enrolments there are. */
MUST_USE err_t meta_course_role(struct meta_tx *, int64_t environment_id, int64_t course_id, int64_t user_id,
                                struct arena *a, enum course_role *ret);

struct course_people_query {
    int64_t course_id;
    enum course_role role; /* ROLE_NONE: any */
    int64_t after_id;      /* of a user */
    size_t limit;
};
/* The users with an approved enrolment in the course, by id. */
MUST_USE err_t meta_course_people(struct meta_tx *, const struct course_people_query *, struct arena *a,
                                  struct user_list *ret);
/* Have the two users an approved enrolment in the same course? */
MUST_USE err_t meta_course_shared(struct meta_tx *, int64_t user_id, int64_t other_id, struct arena *a,
                                  bool *ret_shared);

#endif

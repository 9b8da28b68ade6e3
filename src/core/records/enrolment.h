/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ENROLMENT_H
#define CAIS_CORE_RECORDS_ENROLMENT_H

#include "core/records/course.h"

/* Only APPROVED gives access. INVITED_UNKNOWN: nobody has an account with that address yet. The numbers stand in the database. */
enum enrolment_state {
    ENROLMENT_WAITING = 1,
    ENROLMENT_INVITED_UNKNOWN,
    ENROLMENT_INVITED,
    ENROLMENT_APPROVED,
    ENROLMENT_REJECTED
};

/* A person takes part in a course, or was invited to. */
struct enrolment {
    int64_t id, course_id;
    int64_t user_id; /* 0: nobody has an account with that address */
    slice email;
    enum enrolment_state state;
    enum course_role role; /* ROLE_NONE: none was given yet */
    slice token;           /* by which the invited person can be recognised; empty: none */
    int64_t created_at_ms, modified_at_ms;
    slice login; /* of the user; set only by reading, like what follows */
    slice course_path, environment_path;
    int64_t environment_id, account_id;
};
struct enrolment_list {
    struct enrolment *items;
    size_t count;
};

#endif

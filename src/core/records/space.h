/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_SPACE_H
#define CAIS_CORE_RECORDS_SPACE_H

#include "base/slice.h"

/* A part of a course, with a tree of folders. Whoever is enrolled in the course is in all of its spaces. */
struct space {
    int64_t id, course_id, creator_id;
    slice name, description;
    int64_t root_id; /* the folder without a parent */
    int64_t created_at_ms, modified_at_ms;
    slice course_path, environment_path; /* set only by reading, like what follows */
    int64_t environment_id, account_id;
    int64_t enrolment_id; /* by which one takes part in it; only in a list of one's own */
};
struct space_list {
    struct space *items;
    size_t count;
};

#endif

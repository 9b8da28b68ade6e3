/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_COURSE_H
#define CAIS_CORE_RECORDS_COURSE_H

#include "base/slice.h"

/* What people enrol in. It belongs to an environment and has spaces. */
struct course {
    int64_t id, environment_id, creator_id;
    slice name; /* unique in the environment, without regard to case */
    slice path; /* the same; of A-Z a-z 0-9 - _ */
    slice description;
    int64_t workload;   /* hours */
    int64_t max_bytes;  /* of the files in its spaces; 0: no limit */
    int64_t used_bytes; /* by them now */
    int64_t created_at_ms, modified_at_ms;
    int64_t account_id; /* of its environment; set only by reading, like what follows */
    slice environment_path;
};
struct course_list {
    struct course *items;
    size_t count;
};

/* What a person may do in a course: each role may do all that those before it may. The numbers stand in the database. */
enum course_role { ROLE_NONE, ROLE_MEMBER, ROLE_TUTOR, ROLE_TEACHER, ROLE_ADMINISTRATOR };

#endif

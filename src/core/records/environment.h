/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ENVIRONMENT_H
#define CAIS_CORE_RECORDS_ENVIRONMENT_H

#include "base/slice.h"

/* A school, a faculty, a company: what gives courses. It belongs to an account. */
struct environment {
    int64_t id, account_id, creator_id;
    slice name; /* unique in the account, without regard to case */
    slice path; /* the same; of A-Z a-z 0-9 - _ */
    slice initials, description;
    int64_t created_at_ms, modified_at_ms;
    int64_t course_count; /* set only for those who see it: environment_find, environment_list */
    slice creator_login;  /* set only by reading; empty when the user has no record any more */
};
struct environment_list {
    struct environment *items;
    size_t count;
};

#endif

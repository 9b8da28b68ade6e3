/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_TASK_H
#define CAIS_CORE_RECORDS_TASK_H

#include "base/slice.h"

/* Work that people talk about and hang files on. `details` is a JSON object that core keeps but does not read. */
struct task {
    int64_t id, account_id, author_id;
    slice text, subject, details;
    bool is_shared; /* everybody of the account sees it */
    int64_t created_at_ms, modified_at_ms;
    int64_t closed_at_ms; /* 0: open */
};
struct task_list {
    struct task *items;
    size_t count;
};

/* Who else may see a task, and as what; roles may be combined. */
enum { TASK_PARTICIPANT = 1, TASK_SUBSCRIBER = 2, TASK_RESPONSIBLE = 4 };
struct task_member {
    int64_t user_id;
    int roles;
};
struct task_member_list {
    struct task_member *items;
    size_t count;
};

#endif

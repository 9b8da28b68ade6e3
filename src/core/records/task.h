/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_TASK_H
#define CAIS_CORE_RECORDS_TASK_H

#include "base/slice.h"

/* Work that users discuss in comments and attach files to. */
struct task {
    int64_t id, account_id, author_id;
    slice text, subject;
    slice details;  /* a JSON object that core keeps for the API; lists can be filtered by its members */
    bool is_shared; /* every user of the account may see it */
    int64_t created_at_ms, modified_at_ms;
    int64_t closed_at_ms; /* 0: open */
};

/* A task that was removed and whose rows are still there, until all of them are removed. */
struct removed_task {
    int64_t task_id;
    int64_t purge_at_ms;            /* of its files that nothing else holds and that are not kept */
    int64_t account_id, removed_by; /* the user who removed it */
    slice request_id;               /* of the request that did */
};

/* The roles in which a user may see a task. A member may have several of them. */
enum { TASK_PARTICIPANT = 1, TASK_SUBSCRIBER = 2, TASK_RESPONSIBLE = 4 };
struct task_member {
    int64_t user_id;
    int roles;
};
struct task_member_list {
    struct task_member *items;
    size_t count;
};

/* A member who is named by a login or an e-mail address that nobody of the account has yet. */
struct awaited_member {
    slice name; /* as it was given */
    int roles;
};
struct awaited_member_list {
    struct awaited_member *items;
    size_t count;
};

#endif

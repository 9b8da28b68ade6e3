/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_USER_H
#define CAIS_CORE_RECORDS_USER_H

#include "base/slice.h"

enum user_kind { USER_PERSON, USER_BOT, USER_SYSTEM };
enum user_state { USER_ACTIVE, USER_DISABLED, USER_DELETED };

struct user {
    int64_t id, account_id;
    slice login; /* unique among the users that are not deleted, of all accounts */
    slice name, email;
    enum user_kind kind;
    enum user_state state;
    bool is_admin; /* of its account */
    int64_t created_at_ms;
    int64_t max_bytes, max_files; /* 0: the user has no limit but that of the account */
    int64_t used_bytes,
        used_files; /* as those of an account (records/account.h), by what the user owns; without records */
};
struct user_list {
    struct user *items;
    size_t count;
};

#endif

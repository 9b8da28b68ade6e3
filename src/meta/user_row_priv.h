/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of users, for the statements of several files. */
#ifndef CAIS_META_USER_ROW_PRIV_H
#define CAIS_META_USER_ROW_PRIV_H

#include "core/records/user.h"
#include "sql/sql.h"

/* The user whose id, account_id, login, name, email, kind, state, is_admin and created_at_ms are the first columns. In `a`. */
static inline struct user user_in_row(struct sql_cursor *c, struct arena *a)
{
    return (struct user){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .login = sql_column_copy(c, 2, a),
        .name = sql_column_copy(c, 3, a),
        .email = sql_column_copy(c, 4, a),
        .kind = (enum user_kind)sql_column_int(c, 5),
        .state = (enum user_state)sql_column_int(c, 6),
        .is_admin = sql_column_int(c, 7) != 0,
        .created_at_ms = sql_column_int(c, 8),
    };
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/enrolment_store.h"
#include "meta/statement_priv.h"
#include "meta/user_row_priv.h"

#include <assert.h>

#define ENROLMENT                                                                                                      \
    "SELECT n.id, n.course_id, n.user_id, n.email, n.state, n.role, n.token, n.created_at_ms, n.modified_at_ms,"       \
    " COALESCE(u.login, ''), c.path, e.path, e.id, e.account_id FROM enrolments n"                                     \
    " JOIN courses c ON c.id = n.course_id JOIN environments e ON e.id = c.environment_id"                             \
    " LEFT JOIN users u ON u.id = n.user_id AND u.state <> 2 WHERE c.removed_at_ms = 0 AND e.removed_at_ms = 0"
static_assert(ENROLMENT_APPROVED == 4 && ROLE_ADMINISTRATOR == 4, "the statements have the same numbers");

static void read_enrolment_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct enrolment *)ret = (struct enrolment){
        .id = sql_column_int(c, 0),
        .course_id = sql_column_int(c, 1),
        .user_id = sql_column_int(c, 2),
        .email = sql_column_copy(c, 3, a),
        .state = (enum enrolment_state)sql_column_int(c, 4),
        .role = (enum course_role)sql_column_int(c, 5),
        .token = sql_column_copy(c, 6, a),
        .created_at_ms = sql_column_int(c, 7),
        .modified_at_ms = sql_column_int(c, 8),
        .login = sql_column_copy(c, 9, a),
        .course_path = sql_column_copy(c, 10, a),
        .environment_path = sql_column_copy(c, 11, a),
        .environment_id = sql_column_int(c, 12),
        .account_id = sql_column_int(c, 13),
    };
}

err_t meta_enrolment_add(struct meta_tx *tx, const struct enrolment *n, slice email_key, struct arena *a,
                         int64_t *ret_id)
{
    return tx_insert_new(
        tx, "enrolment",
        STATEMENT(
            "INSERT INTO enrolments (course_id, user_id, email, email_key, state, role, token, created_at_ms,"
            " modified_at_ms, environment_id) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,"
            " (SELECT environment_id FROM courses WHERE id = $1) WHERE NOT EXISTS"
            " (SELECT 1 FROM enrolments WHERE course_id = $1 AND user_id = $2)"
            " AND NOT EXISTS (SELECT 1 FROM enrolments WHERE course_id = $1 AND email_key = $4 AND user_id IS NULL)"
            " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(n->course_id), sql_id(n->user_id), SQL_T(n->email), SQL_T(email_key), SQL_I(n->state), SQL_I(n->role),
            SQL_T(n->token), SQL_I(n->created_at_ms), SQL_I(n->modified_at_ms)),
        a, ret_id);
}

static err_t get_enrolment(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                           struct arena *a, struct enrolment *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "enrolment", statement, args, a, &c));
    read_enrolment_row(c, a, ret);
    return NULL;
}

err_t meta_enrolment_get(struct meta_tx *tx, int64_t id, struct arena *a, struct enrolment *ret)
{
    return get_enrolment(tx, STATEMENT(ENROLMENT " AND n.id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_enrolment_of_user(struct meta_tx *tx, int64_t course_id, int64_t user_id, struct arena *a,
                             struct enrolment *ret)
{
    return get_enrolment(tx, STATEMENT(ENROLMENT " AND n.course_id = $1 AND n.user_id = $2"),
                         SQL(SQL_I(course_id), SQL_I(user_id)), a, ret);
}

err_t meta_enrolment_by_email(struct meta_tx *tx, int64_t course_id, slice email_key, struct arena *a,
                              struct enrolment *ret)
{
    return get_enrolment(tx, STATEMENT(ENROLMENT " AND n.course_id = $1 AND n.email_key = $2 AND n.user_id IS NULL"),
                         SQL(SQL_I(course_id), SQL_T(email_key)), a, ret);
}

err_t meta_enrolment_list(struct meta_tx *tx, const struct enrolment_query *q, struct arena *a,
                          struct enrolment_list *ret)
{
    if (!q->course_id)
        return tx_list(tx, STATEMENT(ENROLMENT " AND n.user_id = $1 AND n.id > $2 ORDER BY n.id LIMIT $3"),
                       SQL(SQL_I(q->user_id), SQL_I(q->after_id), sql_limit(q->limit)), a,
                       LIST_OF(read_enrolment_row, ret));
    return tx_list(
        tx,
        STATEMENT(ENROLMENT
                  " AND n.course_id = $1 AND ($2 = 0 OR n.user_id = $2) AND n.id > $3 ORDER BY n.id LIMIT $4"),
        SQL(SQL_I(q->course_id), SQL_I(q->user_id), SQL_I(q->after_id), sql_limit(q->limit)), a,
        LIST_OF(read_enrolment_row, ret));
}

err_t meta_enrolment_set(struct meta_tx *tx, int64_t id, enum enrolment_state state, enum course_role role,
                         int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "enrolment",
                         STATEMENT("UPDATE enrolments SET state = $1, role = $2, modified_at_ms = $3 WHERE id = $4"),
                         SQL(SQL_I(state), SQL_I(role), SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_enrolment_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "enrolment", STATEMENT("DELETE FROM enrolments WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_enrolment_waiting(struct meta_tx *tx, int64_t account_id, slice email_key, size_t limit, struct arena *a,
                             int64_t *ret_count)
{
    return tx_int(tx,
                  STATEMENT("SELECT COUNT(*) FROM (SELECT 1 FROM enrolments n JOIN courses c ON c.id = n.course_id"
                            " WHERE n.email_key = $1 AND n.user_id IS NULL AND c.account_id = $2 LIMIT $3) waiting"),
                  SQL(SQL_T(email_key), SQL_I(account_id), sql_limit(limit)), a, ret_count);
}

err_t meta_enrolment_adopt(struct meta_tx *tx, const struct user *u, slice email_key, int64_t now_ms, struct arena *a)
{
    return tx_change(
        tx,
        STATEMENT("UPDATE enrolments SET user_id = $1, state = $2, modified_at_ms = $3 WHERE email_key = $4"
                  " AND user_id IS NULL AND EXISTS (SELECT 1 FROM courses c WHERE c.id = enrolments.course_id"
                  " AND c.account_id = $5) AND NOT EXISTS (SELECT 1 FROM enrolments other"
                  " WHERE other.course_id = enrolments.course_id AND other.user_id = $1)"),
        SQL(SQL_I(u->id), SQL_I(ENROLMENT_INVITED), SQL_I(now_ms), SQL_T(email_key), SQL_I(u->account_id)), a, NULL);
}

/* ---- roles ---- */

err_t meta_course_role(struct meta_tx *tx, int64_t environment_id, int64_t course_id, int64_t user_id, struct arena *a,
                       enum course_role *ret)
{
    int64_t role;
    TRY(tx_int(tx,
               STATEMENT("SELECT CASE WHEN EXISTS (SELECT 1 FROM environment_admins WHERE environment_id = $1"
                         " AND user_id = $2) THEN 4 ELSE COALESCE((SELECT role FROM enrolments"
                         " WHERE course_id = $3 AND user_id = $2 AND state = 4), 0) END"),
               SQL(SQL_I(environment_id), SQL_I(user_id), SQL_I(course_id)), a, &role));
    *ret = role > ROLE_NONE && role <= ROLE_ADMINISTRATOR ? (enum course_role)role : ROLE_NONE;
    return NULL;
}

/* ---- people ---- */

static void read_person_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct user *)ret = user_in_row(c, a);
}

err_t meta_course_people(struct meta_tx *tx, const struct course_people_query *q, struct arena *a,
                         struct user_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT u.id, u.account_id, u.login, u.name, u.email, u.kind, u.state, u.is_admin,"
                             " u.created_at_ms FROM enrolments n JOIN users u ON u.id = n.user_id AND u.state <> 2"
                             " WHERE n.course_id = $1 AND n.user_id > $2 AND n.state = 4 AND ($3 = 0 OR n.role = $3)"
                             " ORDER BY n.user_id LIMIT $4"),
                   SQL(SQL_I(q->course_id), SQL_I(q->after_id), SQL_I(q->role), sql_limit(q->limit)), a,
                   LIST_OF(read_person_row, ret));
}

err_t meta_course_shared(struct meta_tx *tx, int64_t user_id, int64_t other_id, struct arena *a, bool *ret_shared)
{
    int64_t shared;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM (SELECT 1 FROM enrolments n JOIN enrolments o"
                         " ON o.course_id = n.course_id AND o.user_id = $1 AND o.state = 4 JOIN courses c"
                         " ON c.id = n.course_id AND c.removed_at_ms = 0"
                         " WHERE n.user_id = $2 AND n.state = 4 LIMIT 1) shared"),
               SQL(SQL_I(other_id), SQL_I(user_id)), a, &shared));
    *ret_shared = shared > 0;
    return NULL;
}

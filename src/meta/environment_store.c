/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/environment_store.h"
#include "core/records/course.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#define ENVIRONMENT(course_count)                                                                                      \
    "SELECT e.id, e.account_id, e.creator_id, e.name, e.path, e.initials, e.description, e.created_at_ms,"             \
    " e.modified_at_ms, " course_count ", COALESCE(u.login, '') FROM environments e"                                   \
    " LEFT JOIN users u ON u.id = e.creator_id AND u.state <> 2 WHERE e.removed_at_ms = 0"
#define COURSES_OF(id) "(SELECT COUNT(*) FROM courses c WHERE c.environment_id = " id " AND c.removed_at_ms = 0)"

static void read_environment_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct environment *)ret = (struct environment){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .creator_id = sql_column_int(c, 2),
        .name = sql_column_copy(c, 3, a),
        .path = sql_column_copy(c, 4, a),
        .initials = sql_column_copy(c, 5, a),
        .description = sql_column_copy(c, 6, a),
        .created_at_ms = sql_column_int(c, 7),
        .modified_at_ms = sql_column_int(c, 8),
        .course_count = sql_column_int(c, 9),
        .creator_login = sql_column_copy(c, 10, a),
    };
}

err_t meta_environment_add(struct meta_tx *tx, const struct environment *e, const struct name_keys *keys,
                           struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "environment",
        STATEMENT("INSERT INTO environments (account_id, creator_id, name, name_key, path, path_key, initials,"
                  " description, created_at_ms, modified_at_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10"
                  " WHERE NOT EXISTS (SELECT 1 FROM environments WHERE account_id = $1 AND name_key = $4"
                  " AND removed_at_ms = 0) AND NOT EXISTS (SELECT 1 FROM environments WHERE account_id = $1"
                  " AND path_key = $6 AND removed_at_ms = 0) ON CONFLICT DO NOTHING"),
        SQL(SQL_I(e->account_id), SQL_I(e->creator_id), SQL_T(e->name), SQL_T(keys->name), SQL_T(e->path),
            SQL_T(keys->path), SQL_T(e->initials), SQL_T(e->description), SQL_I(e->created_at_ms),
            SQL_I(e->modified_at_ms)),
        a, ret_id);
}

static err_t get_environment(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                             struct arena *a, struct environment *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "environment", statement, args, a, &c));
    read_environment_row(c, a, ret);
    return NULL;
}

err_t meta_environment_get(struct meta_tx *tx, int64_t id, struct arena *a, struct environment *ret)
{
    return get_environment(tx, STATEMENT(ENVIRONMENT("0") " AND e.id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_environment_by_path(struct meta_tx *tx, int64_t account_id, slice path_key, struct arena *a,
                               struct environment *ret)
{
    if (!account_id)
        return get_environment(tx, STATEMENT(ENVIRONMENT("0") " AND e.path_key = $1 ORDER BY e.id LIMIT 1"),
                               SQL(SQL_T(path_key)), a, ret);
    return get_environment(tx, STATEMENT(ENVIRONMENT("0") " AND e.account_id = $1 AND e.path_key = $2"),
                           SQL(SQL_I(account_id), SQL_T(path_key)), a, ret);
}

err_t meta_environment_count_courses(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT " COURSES_OF("$1")), SQL(SQL_I(id)), a, ret);
}

err_t meta_environment_taken(struct meta_tx *tx, int64_t account_id, const struct name_keys *keys, int64_t except_id,
                             struct arena *a, struct names_taken *ret)
{
    int64_t names, paths;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM environments WHERE account_id = $1 AND name_key = $2 AND id <> $3"
                         " AND removed_at_ms = 0"),
               SQL(SQL_I(account_id), SQL_T(keys->name), SQL_I(except_id)), a, &names));
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM environments WHERE account_id = $1 AND path_key = $2 AND id <> $3"
                         " AND removed_at_ms = 0"),
               SQL(SQL_I(account_id), SQL_T(keys->path), SQL_I(except_id)), a, &paths));
    *ret = (struct names_taken){ names > 0, paths > 0 };
    return NULL;
}

/* The first of each list is one look-up, however many follow. */
err_t meta_environment_next_of_user(struct meta_tx *tx, int64_t user_id, int64_t after_id, struct arena *a,
                                    int64_t *ret_id)
{
    return tx_int(tx,
                  STATEMENT("SELECT COALESCE(MIN(id), 0) FROM (SELECT MIN(environment_id) AS id FROM environment_admins"
                            " WHERE user_id = $1 AND environment_id > $2 UNION ALL SELECT MIN(environment_id)"
                            " FROM enrolments WHERE user_id = $1 AND state = 4 AND environment_id > $2) mine"),
                  SQL(SQL_I(user_id), SQL_I(after_id)), a, ret_id);
}

err_t meta_environment_list(struct meta_tx *tx, int64_t account_id, int64_t after_id, size_t limit, struct arena *a,
                            struct environment_list *ret)
{
    return tx_list(
        tx, STATEMENT(ENVIRONMENT(COURSES_OF("e.id")) " AND e.account_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $3"),
        SQL(SQL_I(account_id), SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_environment_row, ret));
}

err_t meta_environment_update(struct meta_tx *tx, const struct environment *e, const struct name_keys *keys,
                              struct arena *a)
{
    return tx_change_one(
        tx, "environment",
        STATEMENT("UPDATE environments SET name = $1, name_key = $2, path = $3, path_key = $4, initials = $5,"
                  " description = $6, modified_at_ms = $7 WHERE id = $8 AND removed_at_ms = 0"),
        SQL(SQL_T(e->name), SQL_T(keys->name), SQL_T(e->path), SQL_T(keys->path), SQL_T(e->initials),
            SQL_T(e->description), SQL_I(e->modified_at_ms), SQL_I(e->id)),
        a);
}

#define HOLD_ACCOUNT(IN) "SELECT id FROM accounts WHERE id = $1" HELD(IN)

err_t meta_environment_lock_names(struct meta_tx *tx, int64_t account_id, struct arena *a)
{
    bool there;
    return tx_hold(tx, STATEMENT_PAIR(HOLD_ACCOUNT), SQL(SQL_I(account_id)), a, &there);
}

err_t meta_environment_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "environment",
                         STATEMENT("UPDATE environments SET removed_at_ms = $1 WHERE id = $2 AND removed_at_ms = 0"),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_environment_add_admin(struct meta_tx *tx, int64_t id, int64_t user_id, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO environment_admins (environment_id, user_id) VALUES ($1, $2)"
                            " ON CONFLICT (environment_id, user_id) DO NOTHING"),
                  SQL(SQL_I(id), SQL_I(user_id)), a);
}

err_t meta_environment_role(struct meta_tx *tx, int64_t id, int64_t user_id, struct arena *a, enum course_role *ret)
{
    int64_t role;
    TRY(tx_int(tx,
               STATEMENT("SELECT CASE WHEN EXISTS (SELECT 1 FROM environment_admins WHERE environment_id = $1"
                         " AND user_id = $2) THEN 4 WHEN EXISTS (SELECT 1 FROM enrolments n JOIN courses c"
                         " ON c.id = n.course_id WHERE n.user_id = $2 AND n.state = 4 AND n.environment_id = $1"
                         " AND c.removed_at_ms = 0) THEN 1 ELSE 0 END"),
               SQL(SQL_I(id), SQL_I(user_id)), a, &role));
    *ret = (enum course_role)role;
    return NULL;
}

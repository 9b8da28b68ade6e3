/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/space_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#define SPACE_COLUMNS                                                                                                  \
    "SELECT s.id, s.course_id, s.creator_id, s.name, s.description, s.root_id, s.created_at_ms, s.modified_at_ms,"     \
    " c.path, e.path, e.id, e.account_id"
#define IN_COURSE " JOIN courses c ON c.id = s.course_id JOIN environments e ON e.id = c.environment_id"
#define IS_THERE " s.removed_at_ms = 0 AND c.removed_at_ms = 0 AND e.removed_at_ms = 0"
#define SPACE SPACE_COLUMNS " FROM spaces s" IN_COURSE " WHERE" IS_THERE

static void read_space_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct space *)ret = (struct space){
        .id = sql_column_int(c, 0),
        .course_id = sql_column_int(c, 1),
        .creator_id = sql_column_int(c, 2),
        .name = sql_column_copy(c, 3, a),
        .description = sql_column_copy(c, 4, a),
        .root_id = sql_column_int(c, 5),
        .created_at_ms = sql_column_int(c, 6),
        .modified_at_ms = sql_column_int(c, 7),
        .course_path = sql_column_copy(c, 8, a),
        .environment_path = sql_column_copy(c, 9, a),
        .environment_id = sql_column_int(c, 10),
        .account_id = sql_column_int(c, 11),
    };
}

static void read_own_space_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    read_space_row(c, a, ret);
    ((struct space *)ret)->enrolment_id = sql_column_int(c, 12);
}

err_t meta_space_add(struct meta_tx *tx, const struct space *s, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     STATEMENT("INSERT INTO spaces (course_id, creator_id, name, description, branch_count,"
                               " created_at_ms, modified_at_ms) VALUES ($1, $2, $3, $4, 1, $5, $6)"),
                     SQL(SQL_I(s->course_id), SQL_I(s->creator_id), SQL_T(s->name), SQL_T(s->description),
                         SQL_I(s->created_at_ms), SQL_I(s->modified_at_ms)),
                     a, ret_id);
}

err_t meta_space_set_root(struct meta_tx *tx, int64_t id, int64_t root_id, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE spaces SET root_id = $1 WHERE id = $2"), SQL(SQL_I(root_id), SQL_I(id)), a);
}

err_t meta_space_get(struct meta_tx *tx, int64_t id, struct arena *a, struct space *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "space", STATEMENT(SPACE " AND s.id = $1"), SQL(SQL_I(id)), a, &c));
    read_space_row(c, a, ret);
    return NULL;
}

err_t meta_space_list(struct meta_tx *tx, int64_t course_id, int64_t after_id, size_t limit, struct arena *a,
                      struct space_list *ret)
{
    return tx_list(tx, STATEMENT(SPACE " AND s.course_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3"),
                   SQL(SQL_I(course_id), SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_space_row, ret));
}

err_t meta_space_list_of_enrolment(struct meta_tx *tx, const struct space_query *q, int64_t after_id, struct arena *a,
                                   struct space_list *ret)
{
    return tx_list(
        tx,
        STATEMENT(SPACE_COLUMNS ", n.id FROM enrolments n JOIN spaces s ON s.course_id = n.course_id" IN_COURSE
                                " WHERE n.id = $1 AND n.user_id = $2 AND n.state = 4 AND ($3 = 0 OR n.role = $3)"
                                " AND s.id > $4 AND" IS_THERE " ORDER BY s.id LIMIT $5"),
        SQL(SQL_I(q->after_enrolment_id), SQL_I(q->user_id), SQL_I(q->role), SQL_I(after_id), sql_limit(q->limit)), a,
        LIST_OF(read_own_space_row, ret));
}

err_t meta_space_list_of_user(struct meta_tx *tx, const struct space_query *q, struct arena *a, struct space_list *ret)
{
    return tx_list(tx,
                   STATEMENT(SPACE_COLUMNS
                             ", n.id FROM enrolments n JOIN spaces s ON s.course_id = n.course_id" IN_COURSE
                             " WHERE n.user_id = $1 AND n.state = 4 AND ($2 = 0 OR n.role = $2)"
                             " AND n.id > $3 AND" IS_THERE " ORDER BY n.id, s.id LIMIT $4"),
                   SQL(SQL_I(q->user_id), SQL_I(q->role), SQL_I(q->after_enrolment_id), sql_limit(q->limit)), a,
                   LIST_OF(read_own_space_row, ret));
}

err_t meta_space_list_of_environment(struct meta_tx *tx, const struct space_position *after, size_t limit,
                                     struct arena *a, struct space_list *ret)
{
    return tx_list(tx,
                   STATEMENT(SPACE_COLUMNS " FROM environments e JOIN courses c ON c.environment_id = e.id"
                                           " JOIN spaces s ON s.course_id = c.id WHERE e.id = $1 AND e.account_id = $2"
                                           " AND c.id >= $3 AND (c.id > $3 OR s.id > $4) AND" IS_THERE
                                           " ORDER BY c.id, s.id LIMIT $5"),
                   SQL(SQL_I(after->environment_id), SQL_I(after->account_id), SQL_I(after->course_id),
                       SQL_I(after->space_id), sql_limit(limit)),
                   a, LIST_OF(read_space_row, ret));
}

err_t meta_space_list_of_account(struct meta_tx *tx, int64_t account_id, int64_t after_environment_id, size_t limit,
                                 struct arena *a, struct space_list *ret)
{
    return tx_list(tx,
                   STATEMENT(SPACE_COLUMNS " FROM environments e JOIN courses c ON c.environment_id = e.id"
                                           " JOIN spaces s ON s.course_id = c.id WHERE e.account_id = $1 AND e.id > $2"
                                           " AND" IS_THERE " ORDER BY e.id, c.id, s.id LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(after_environment_id), sql_limit(limit)), a,
                   LIST_OF(read_space_row, ret));
}

err_t meta_space_update(struct meta_tx *tx, const struct space *s, struct arena *a)
{
    return tx_change_one(tx, "space",
                         STATEMENT("UPDATE spaces SET name = $1, description = $2, modified_at_ms = $3 WHERE id = $4"
                                   " AND removed_at_ms = 0"),
                         SQL(SQL_T(s->name), SQL_T(s->description), SQL_I(s->modified_at_ms), SQL_I(s->id)), a);
}

#define LOCK_SPACE(IN) "SELECT id FROM spaces WHERE id = $1 AND removed_at_ms = 0" HELD(IN)

err_t meta_space_lock(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t known;
    err_t e = tx_int(tx, STATEMENT_PAIR(LOCK_SPACE), SQL(SQL_I(id)), a, &known);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_NOT_FOUND, "no such space") : e;
}

err_t meta_space_count_branch(struct meta_tx *tx, int64_t id, int64_t more, int64_t max, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE spaces SET branch_count = branch_count + $1 WHERE id = $2"
                                 " AND ($1 <= 0 OR branch_count + $1 <= $3)"),
                       SQL(SQL_I(more), SQL_I(id), SQL_I(max)), a, &changed));
    return changed ? NULL : err_make(a, ERR_QUOTA, "the space has as many folders as it may have");
}

err_t meta_space_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "space",
                         STATEMENT("UPDATE spaces SET removed_at_ms = $1 WHERE id = $2 AND removed_at_ms = 0"),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_space_bytes(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret)
{
    return tx_int(
        tx,
        STATEMENT(
            "SELECT CAST(COALESCE(SUM(used_bytes), 0) AS BIGINT) FROM branches WHERE space_id = $1 AND cut_at_ms = 0"),
        SQL(SQL_I(id)), a, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/task_store.h"
#include "core/records/holder.h"
#include "core/records/task.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- tasks ---- */

#define TASK                                                                                                           \
    "SELECT t.id, t.account_id, t.author_id, t.text, t.subject, t.details, t.created_at_ms, t.modified_at_ms,"         \
    " t.closed_at_ms, t.shared"

static void read_task_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct task *)ret = (struct task){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .author_id = sql_column_int(c, 2),
        .text = sql_column_copy(c, 3, a),
        .subject = sql_column_copy(c, 4, a),
        .details = sql_column_copy(c, 5, a),
        .created_at_ms = sql_column_int(c, 6),
        .modified_at_ms = sql_column_int(c, 7),
        .closed_at_ms = sql_column_int(c, 8),
        .is_shared = sql_column_int(c, 9) != 0,
    };
}

err_t meta_task_add(struct meta_tx *tx, const struct task *t, struct arena *a, int64_t *ret_id)
{
    return tx_insert(
        tx,
        STATEMENT("INSERT INTO tasks (account_id, author_id, text, subject, details, created_at_ms, modified_at_ms,"
                  " closed_at_ms, shared) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        SQL(SQL_I(t->account_id), SQL_I(t->author_id), SQL_T(t->text), SQL_T(t->subject), SQL_T(t->details),
            SQL_I(t->created_at_ms), SQL_I(t->modified_at_ms), SQL_I(t->closed_at_ms), SQL_I(t->is_shared)),
        a, ret_id);
}

err_t meta_task_get(struct meta_tx *tx, int64_t id, struct arena *a, struct task *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "task", STATEMENT(TASK " FROM tasks t WHERE t.id = $1 AND " TASK_STAYS("t.id")), SQL(SQL_I(id)), a,
               &c));
    read_task_row(c, a, ret);
    return NULL;
}

err_t meta_task_update(struct meta_tx *tx, const struct task *t, struct arena *a)
{
    return tx_change_one(tx, "task",
                         STATEMENT("UPDATE tasks SET text = $1, subject = $2, details = $3, created_at_ms = $4,"
                                   " modified_at_ms = $5, closed_at_ms = $6, shared = $7 WHERE id = $8"),
                         SQL(SQL_T(t->text), SQL_T(t->subject), SQL_T(t->details), SQL_I(t->created_at_ms),
                             SQL_I(t->modified_at_ms), SQL_I(t->closed_at_ms), SQL_I(t->is_shared), SQL_I(t->id)),
                         a);
}

#define LOCK_TASK(IN) "SELECT id FROM tasks WHERE id = $1" HELD(IN)

err_t meta_task_lock(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t known;
    bool is_removed;
    err_t e = tx_int(tx, STATEMENT_PAIR(LOCK_TASK), SQL(SQL_I(id)), a, &known);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_NOT_FOUND, "no such task");
    TRY(e);
    TRY(meta_task_is_removed(tx, id, a, &is_removed)); /* by the write for which the lock waited, too */
    return is_removed ? err_make(a, ERR_NOT_FOUND, "no such task") : NULL;
}

/* Does a pending ticket name the task $1 ($2 is its kind of holder) or one of its comments ($3)? */
#define TASK_IS_NAMED                                                                                                  \
    "EXISTS (SELECT 1 FROM tickets WHERE holder_kind = $2 AND holder_id = $1 AND holder_kind > 0) OR EXISTS"           \
    " (SELECT 1 FROM comments c JOIN tickets k ON k.holder_kind = $3 AND k.holder_id = c.id AND k.holder_kind > 0"     \
    " WHERE c.task_id = $1)"

#define WHOLE_TASK_SIZE(IN)                                                                                            \
    "SELECT " TASK_SIZE(IN) " + ((SELECT COUNT(*) FROM task_members WHERE task_id = $1)"                               \
                            " + (SELECT COUNT(*) FROM awaited_members WHERE task_id = $1)) * " ROW_SIZE                \
                            " + (SELECT COALESCE(SUM(" COMMENT_SIZE(IN) "), 0) FROM comments c WHERE c.task_id = $1)"  \
                                                                        " + (SELECT COALESCE(SUM(" REFERENCE_SIZE(     \
                                                                            IN) "), 0) FROM refs WHERE task_id = $1)"  \
                                                                                " FROM tasks WHERE id = $1"

err_t meta_task_size(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT_PAIR(WHOLE_TASK_SIZE), SQL(SQL_I(id)), a, ret);
}

/* ON DELETE CASCADE removes members, comments and references. */
err_t meta_task_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t changed, there;
    TRY(tx_change(tx, STATEMENT("DELETE FROM tasks WHERE id = $1 AND NOT (" TASK_IS_NAMED ")"),
                  SQL(SQL_I(id), SQL_I(HOLDER_TASK), SQL_I(HOLDER_COMMENT)), a, &changed));
    if (changed)
        return NULL;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM tasks WHERE id = $1"), SQL(SQL_I(id)), a, &there));
    return there ? err_make(a, ERR_CONFLICT, "a pending ticket names the task")
                 : err_make(a, ERR_NOT_FOUND, "no such task");
}

/* `shared` comes last: it stands behind the texts, which are read on the way to it. */
err_t meta_task_sees(struct meta_tx *tx, int64_t id, const struct task_viewer *v, struct arena *a, bool *ret_sees)
{
    int64_t count;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM tasks t WHERE t.id = $1 AND t.account_id = $2 AND ($3 <> 0 OR"
                         " t.author_id = $4 OR EXISTS (SELECT 1 FROM task_members m WHERE m.task_id = t.id"
                         " AND m.user_id = $4) OR t.shared <> 0) AND " TASK_STAYS("t.id")),
               SQL(SQL_I(id), SQL_I(v->account_id), SQL_I(v->is_admin), SQL_I(v->user_id)), a, &count));
    *ret_sees = count > 0;
    return NULL;
}

/* ---- tasks that were removed ---- */

err_t meta_removed_task_add(struct meta_tx *tx, const struct removed_task *r, struct arena *a)
{
    return tx_change(
        tx,
        STATEMENT("INSERT INTO removed_tasks (task_id, purge_at_ms, account_id, removed_by, request_id)"
                  " VALUES ($1, $2, $3, $4, $5)"),
        SQL(SQL_I(r->task_id), SQL_I(r->purge_at_ms), SQL_I(r->account_id), SQL_I(r->removed_by), SQL_T(r->request_id)),
        a, NULL);
}

#define FIRST_REMOVED                                                                                                  \
    "SELECT task_id, purge_at_ms, account_id, removed_by, request_id FROM removed_tasks ORDER BY task_id LIMIT 1"
#define HOLD_FIRST_REMOVED(IN) FIRST_REMOVED HELD_FOR_REMOVAL(IN)

err_t meta_removed_task_first(struct meta_tx *tx, struct arena *a, struct removed_task *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "removed task", tx->is_write ? STATEMENT_PAIR(HOLD_FIRST_REMOVED) : STATEMENT(FIRST_REMOVED),
               SQL_NO_VALUES, a, &c));
    *ret = (struct removed_task){ .task_id = sql_column_int(c, 0),
                                  .purge_at_ms = sql_column_int(c, 1),
                                  .account_id = sql_column_int(c, 2),
                                  .removed_by = sql_column_int(c, 3),
                                  .request_id = sql_column_copy(c, 4, a) };
    return NULL;
}

err_t meta_task_is_removed(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_is)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM removed_tasks WHERE task_id = $1"), SQL(SQL_I(id)), a, &count));
    *ret_is = count > 0;
    return NULL;
}

/* ---- listing tasks ---- */

#define MEMBER_IS(user, roles)                                                                                         \
    "(" user " = 0 OR EXISTS (SELECT 1 FROM task_members m"                                                            \
    " WHERE m.task_id = t.id AND m.user_id = " user " AND (m.roles & " roles ") <> 0))"
#define DETAIL_IS(IN, name, value) "(" name " = '' OR " JSON_MEMBER_IS(IN, "t.details", name, value) ")"
/* The conditions take the same values in every statement. `account` is the name of
 * the column, or an expression of it for which the database does not use the index. */
#define MATCHING(IN, account)                                                                                          \
    " WHERE " account " = $1"                                                                                          \
    " AND ($2 = 0 OR t.shared <> 0 OR t.author_id = $2 OR EXISTS"                                                      \
    " (SELECT 1 FROM task_members s WHERE s.task_id = t.id AND s.user_id = $2))"                                       \
    " AND ($3 = 0 OR t.author_id = $3)"                                                                                \
    " AND " MEMBER_IS("$4", "$5") " AND " MEMBER_IS(                                                                   \
        "$6", "$7") " AND ($8 = -1 OR CASE WHEN t.closed_at_ms > 0 THEN 1 ELSE 0 END = $8)"                            \
                    " AND " DETAIL_IS(IN, "$9", "$10") " AND " DETAIL_IS(IN, "$11", "$12") " AND " TASK_STAYS("t.id")
#define OF_ACCOUNT(IN) MATCHING(IN, WITHOUT_INDEX(IN, "t.account_id"))
#define BY_ACCOUNT(IN) " FROM tasks t" MATCHING(IN, "t.account_id")
#define BY_AUTHOR(IN) " FROM tasks t" OF_ACCOUNT(IN) " AND t.author_id = $3"
#define BY_MEMBER(IN) " FROM task_members d JOIN tasks t ON t.id = d.task_id" OF_ACCOUNT(IN) " AND d.user_id = $4"
#define PAGE " LIMIT $13 OFFSET $14"
#define COUNT_TASKS(IN, tasks) "SELECT COUNT(*)" tasks(IN)
#define LIST_TASKS(IN, tasks, order) "SELECT t.id" tasks(IN) " ORDER BY " order PAGE
#define TASK_BY_ID(IN) "SELECT COUNT(*) FROM tasks t" OF_ACCOUNT(IN) " AND t.id = $13"

enum { MATCH_VALUES = 12 };

struct task_walk {
    const struct sql_statement *count, *ascending, *descending;
};

static struct task_walk choose_walk(const struct task_query *q)
{
    if (q->author_id)
        return (struct task_walk){ STATEMENT_PAIR(COUNT_TASKS, BY_AUTHOR),
                                   STATEMENT_PAIR(LIST_TASKS, BY_AUTHOR, "t.id"),
                                   STATEMENT_PAIR(LIST_TASKS, BY_AUTHOR, "t.id DESC") };
    if (q->member_id)
        return (struct task_walk){ STATEMENT_PAIR(COUNT_TASKS, BY_MEMBER),
                                   STATEMENT_PAIR(LIST_TASKS, BY_MEMBER, "d.task_id"),
                                   STATEMENT_PAIR(LIST_TASKS, BY_MEMBER, "d.task_id DESC") };
    return (struct task_walk){ STATEMENT_PAIR(COUNT_TASKS, BY_ACCOUNT), STATEMENT_PAIR(LIST_TASKS, BY_ACCOUNT, "t.id"),
                               STATEMENT_PAIR(LIST_TASKS, BY_ACCOUNT, "t.id DESC") };
}

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Looks each id up, in the order of the list, so that one statement serves any number of ids. */
static err_t list_tasks_by_ids(struct meta_tx *tx, const struct task_query *q, struct sql_value *values,
                               struct arena *a, struct record_ids *ret, int64_t *ret_total)
{
    size_t n = q->id_count, seen = 0, kept = 0;
    int64_t *ids = arena_array(a, int64_t, n ? n : 1);
    int64_t *found = arena_array(a, int64_t, n && q->limit ? (n < q->limit ? n : q->limit) : 1);
    if (n) {
        memcpy(ids, q->ids, n * sizeof *ids);
        qsort(ids, n, sizeof *ids, compare_int64);
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = q->descending ? n - 1 - i : i;
        if (at > 0 && ids[at] == ids[at - 1]) /* the same id again */
            continue;
        int64_t count;
        values[MATCH_VALUES] = SQL_I(ids[at]);
        TRY(tx_int(tx, STATEMENT_PAIR(TASK_BY_ID), (struct sql_args){ values, MATCH_VALUES + 1 }, a, &count));
        if (count && seen++ >= q->offset && kept < q->limit)
            found[kept++] = ids[at];
    }
    *ret = (struct record_ids){ found, kept };
    *ret_total = (int64_t)seen;
    return NULL;
}

err_t meta_task_list(struct meta_tx *tx, const struct task_query *q, struct arena *a, struct record_ids *ret,
                     int64_t *ret_total)
{
    struct sql_value values[MATCH_VALUES + 2] = {
        SQL_I(q->account_id),   SQL_I(q->seen_by),        SQL_I(q->author_id),         SQL_I(q->member_id),
        SQL_I(q->member_roles), SQL_I(q->also_member_id), SQL_I(q->also_member_roles), SQL_I(q->closed),
        SQL_T(q->detail_name),  SQL_T(q->detail_value),   SQL_T(q->also_detail_name),  SQL_T(q->also_detail_value),
    };
    if (q->ids)
        return list_tasks_by_ids(tx, q, values, a, ret, ret_total);
    struct task_walk walk = choose_walk(q);
    int64_t total;
    TRY(tx_int(tx, walk.count, (struct sql_args){ values, MATCH_VALUES }, a, &total));
    values[MATCH_VALUES] = sql_limit(q->limit);
    values[MATCH_VALUES + 1] = sql_limit(q->offset);
    TRY(tx_list(tx, q->descending ? walk.descending : walk.ascending, (struct sql_args){ values, MATCH_VALUES + 2 }, a,
                LIST_OF(read_id_row, ret)));
    *ret_total = total;
    return NULL;
}

/* ---- members ---- */

static void read_task_member_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct task_member *)ret =
        (struct task_member){ .user_id = sql_column_int(c, 0), .roles = (int)sql_column_int(c, 1) };
}

err_t meta_task_members(struct meta_tx *tx, int64_t task_id, struct arena *a, struct task_member_list *ret)
{
    return tx_list(tx, STATEMENT("SELECT user_id, roles FROM task_members WHERE task_id = $1 ORDER BY user_id"),
                   SQL(SQL_I(task_id)), a, LIST_OF(read_task_member_row, ret));
}

err_t meta_task_set_member(struct meta_tx *tx, int64_t task_id, int64_t user_id, int roles, struct arena *a)
{
    if (!roles)
        return tx_change(tx, STATEMENT("DELETE FROM task_members WHERE task_id = $1 AND user_id = $2"),
                         SQL(SQL_I(task_id), SQL_I(user_id)), a, NULL);
    return tx_change(tx,
                     STATEMENT("INSERT INTO task_members (task_id, user_id, roles) VALUES ($1, $2, $3)"
                               " ON CONFLICT (task_id, user_id) DO UPDATE SET roles = $3"),
                     SQL(SQL_I(task_id), SQL_I(user_id), SQL_I(roles)), a, NULL);
}

/* ---- awaited members ---- */

static void read_awaited_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct awaited_member *)ret =
        (struct awaited_member){ .name = sql_column_copy(c, 0, a), .roles = (int)sql_column_int(c, 1) };
}

err_t meta_task_awaited(struct meta_tx *tx, int64_t task_id, struct arena *a, struct awaited_member_list *ret)
{
    return tx_list(tx, STATEMENT("SELECT name, roles FROM awaited_members WHERE task_id = $1 ORDER BY name_key"),
                   SQL(SQL_I(task_id)), a, LIST_OF(read_awaited_row, ret));
}

err_t meta_task_await(struct meta_tx *tx, const struct task *t, const struct awaited_member *m, slice key,
                      struct arena *a)
{
    return tx_change(
        tx,
        STATEMENT("INSERT INTO awaited_members (task_id, name_key, account_id, name, roles) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT (task_id, name_key) DO UPDATE SET name = $4, roles = $5"),
        SQL(SQL_I(t->id), SQL_T(key), SQL_I(t->account_id), SQL_T(m->name), SQL_I(m->roles)), a, NULL);
}

err_t meta_task_await_nobody(struct meta_tx *tx, int64_t task_id, struct arena *a)
{
    return tx_change(tx, STATEMENT("DELETE FROM awaited_members WHERE task_id = $1"), SQL(SQL_I(task_id)), a, NULL);
}

err_t meta_awaiting_tasks(struct meta_tx *tx, int64_t account_id, slice key, size_t limit, struct arena *a,
                          int64_t *ret_count)
{
    return tx_int(tx,
                  STATEMENT("SELECT COUNT(*) FROM (SELECT 1 FROM awaited_members WHERE account_id = $1"
                            " AND name_key = $2 LIMIT $3) waiting"),
                  SQL(SQL_I(account_id), SQL_T(key), sql_limit(limit)), a, ret_count);
}

#define AWAITED_BY(account, key)                                                                                       \
    "FROM awaited_members WHERE account_id = " account " AND name_key = " key " AND " TASK_STAYS("task_id")

err_t meta_awaited_arrive(struct meta_tx *tx, const struct user *u, slice key, struct arena *a, int64_t *ret_fewer)
{
    int64_t made, removed;
    TRY(tx_change(tx,
                  STATEMENT("INSERT INTO task_members (task_id, user_id, roles) SELECT task_id, $1, roles " AWAITED_BY(
                      "$2", "$3") " ON CONFLICT (task_id, user_id) DO NOTHING"),
                  SQL(SQL_I(u->id), SQL_I(u->account_id), SQL_T(key)), a, &made));
    TRY(tx_change(tx, STATEMENT("DELETE " AWAITED_BY("$1", "$2")), SQL(SQL_I(u->account_id), SQL_T(key)), a, &removed));
    *ret_fewer = removed - made;
    return NULL;
}

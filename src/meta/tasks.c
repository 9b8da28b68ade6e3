/* Tasks, who may see them, and what was said. */
#include "meta/meta_priv.h"

/* ---- tasks ---- */

err_t meta_task_add(struct meta_tx *tx, const struct task *t, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     "INSERT INTO tasks (account_id, author_id, text, subject, details, created_at_ms, modified_at_ms,"
                     " closed_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                     SQL(SQL_I(t->account_id), SQL_I(t->author_id), SQL_T(t->text), SQL_T(t->subject),
                         SQL_T(t->details), SQL_I(t->created_at_ms), SQL_I(t->modified_at_ms), SQL_I(t->closed_at_ms)),
                     a, ret_id);
}

err_t meta_task_get(struct meta_tx *tx, int64_t id, struct arena *a, struct task *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "task",
               "SELECT id, account_id, author_id, text, subject, details, created_at_ms, modified_at_ms, closed_at_ms"
               " FROM tasks WHERE id = $1",
               SQL(SQL_I(id)), a, &c));
    *ret = (struct task){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .author_id = sql_column_int(c, 2),
        .text = sql_column_copy(c, 3, a),
        .subject = sql_column_copy(c, 4, a),
        .details = sql_column_copy(c, 5, a),
        .created_at_ms = sql_column_int(c, 6),
        .modified_at_ms = sql_column_int(c, 7),
        .closed_at_ms = sql_column_int(c, 8),
    };
    return NULL;
}

err_t meta_task_update(struct meta_tx *tx, const struct task *t, struct arena *a)
{
    return tx_change_one(tx, "task",
                         "UPDATE tasks SET text = $1, subject = $2, details = $3, created_at_ms = $4,"
                         " modified_at_ms = $5, closed_at_ms = $6 WHERE id = $7",
                         SQL(SQL_T(t->text), SQL_T(t->subject), SQL_T(t->details), SQL_I(t->created_at_ms),
                             SQL_I(t->modified_at_ms), SQL_I(t->closed_at_ms), SQL_I(t->id)),
                         a);
}

/* Members, comments and references go with it (ON DELETE CASCADE). */
err_t meta_task_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "task", "DELETE FROM tasks WHERE id = $1", SQL(SQL_I(id)), a);
}

/* ---- members ---- */

static void fill_member(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct task_member *)ret =
        (struct task_member){ .user_id = sql_column_int(c, 0), .roles = (int)sql_column_int(c, 1) };
}

err_t meta_task_members(struct meta_tx *tx, int64_t task_id, struct arena *a, struct task_member **ret,
                        size_t *ret_count)
{
    return tx_list(tx, "SELECT user_id, roles FROM task_members WHERE task_id = $1 ORDER BY user_id",
                   SQL(SQL_I(task_id)), a, sizeof **ret, fill_member, ret, ret_count);
}

err_t meta_task_set_member(struct meta_tx *tx, int64_t task_id, int64_t user_id, int roles, struct arena *a)
{
    if (!roles)
        return tx_change(tx, "DELETE FROM task_members WHERE task_id = $1 AND user_id = $2",
                         SQL(SQL_I(task_id), SQL_I(user_id)), a, NULL);
    return tx_change(tx,
                     "INSERT INTO task_members (task_id, user_id, roles) VALUES ($1, $2, $3)"
                     " ON CONFLICT (task_id, user_id) DO UPDATE SET roles = $3",
                     SQL(SQL_I(task_id), SQL_I(user_id), SQL_I(roles)), a, NULL);
}

/* ---- comments ---- */

#define COMMENT "SELECT id, task_id, author_id, text, details, created_at_ms, edited_at_ms FROM comments"

static void fill_comment(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct comment *)ret = (struct comment){
        .id = sql_column_int(c, 0),
        .task_id = sql_column_int(c, 1),
        .author_id = sql_column_int(c, 2),
        .text = sql_column_copy(c, 3, a),
        .details = sql_column_copy(c, 4, a),
        .created_at_ms = sql_column_int(c, 5),
        .edited_at_ms = sql_column_int(c, 6),
    };
}

err_t meta_comment_add(struct meta_tx *tx, const struct comment *m, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     "INSERT INTO comments (task_id, author_id, text, details, created_at_ms, edited_at_ms)"
                     " VALUES ($1, $2, $3, $4, $5, $6)",
                     SQL(SQL_I(m->task_id), SQL_I(m->author_id), SQL_T(m->text), SQL_T(m->details),
                         SQL_I(m->created_at_ms), SQL_I(m->edited_at_ms)),
                     a, ret_id);
}

err_t meta_comment_get(struct meta_tx *tx, int64_t id, struct arena *a, struct comment *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "comment", COMMENT " WHERE id = $1", SQL(SQL_I(id)), a, &c));
    fill_comment(c, a, ret);
    return NULL;
}

err_t meta_comment_set_text(struct meta_tx *tx, int64_t id, slice text, int64_t edited_at_ms, struct arena *a)
{
    return tx_change_one(tx, "comment", "UPDATE comments SET text = $1, edited_at_ms = $2 WHERE id = $3",
                         SQL(SQL_T(text), SQL_I(edited_at_ms), SQL_I(id)), a);
}

err_t meta_comment_list(struct meta_tx *tx, int64_t task_id, struct arena *a, struct comment **ret, size_t *ret_count)
{
    return tx_list(tx, COMMENT " WHERE task_id = $1 ORDER BY id", SQL(SQL_I(task_id)), a, sizeof **ret, fill_comment,
                   ret, ret_count);
}

err_t meta_comment_count(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, "SELECT COUNT(*) FROM comments WHERE task_id = $1", SQL(SQL_I(task_id)), a, ret);
}

err_t meta_comment_bytes(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    /* LENGTH of a text counts characters, and ends at a NUL */
    return tx_int(tx,
                  "SELECT COALESCE(SUM(LENGTH(CAST(text AS BLOB)) + LENGTH(CAST(details AS BLOB))), 0)"
                  " FROM comments WHERE task_id = $1",
                  SQL(SQL_I(task_id)), a, ret);
}

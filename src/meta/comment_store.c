/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/comment_store.h"
#include "core/records/holder.h"
#include "meta/dialect_priv.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

#define COMMENT "SELECT id, task_id, author_id, text, details, created_at_ms, edited_at_ms, file_id FROM comments"

static void read_comment_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct comment *)ret = (struct comment){
        .id = sql_column_int(c, 0),
        .task_id = sql_column_int(c, 1),
        .author_id = sql_column_int(c, 2),
        .text = sql_column_copy(c, 3, a),
        .details = sql_column_copy(c, 4, a),
        .created_at_ms = sql_column_int(c, 5),
        .edited_at_ms = sql_column_int(c, 6),
        .file_id = sql_column_int(c, 7),
    };
}

err_t meta_comment_add(struct meta_tx *tx, const struct comment *m, struct arena *a, int64_t *ret_id)
{
    return tx_insert(
        tx,
        STATEMENT("INSERT INTO comments (task_id, author_id, text, details, created_at_ms, edited_at_ms, file_id)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        SQL(SQL_I(m->task_id), SQL_I(m->author_id), SQL_T(m->text), SQL_T(m->details), SQL_I(m->created_at_ms),
            SQL_I(m->edited_at_ms), sql_id(m->file_id)),
        a, ret_id);
}

err_t meta_comment_get(struct meta_tx *tx, int64_t id, struct arena *a, struct comment *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "comment", STATEMENT(COMMENT " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_comment_row(c, a, ret);
    return NULL;
}

err_t meta_comment_set_text(struct meta_tx *tx, int64_t id, slice text, int64_t edited_at_ms, struct arena *a)
{
    return tx_change_one(tx, "comment", STATEMENT("UPDATE comments SET text = $1, edited_at_ms = $2 WHERE id = $3"),
                         SQL(SQL_T(text), SQL_I(edited_at_ms), SQL_I(id)), a);
}

err_t meta_comment_list(struct meta_tx *tx, const struct comment_query *q, struct arena *a, struct comment_list *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    struct comment_list list = { 0 };
    size_t room = 0, bytes = 0;
    TRY(tx_query(tx, STATEMENT(COMMENT " WHERE task_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4"),
                 SQL(SQL_I(q->task_id), SQL_I(q->after_id), SQL_I(q->until_id), sql_limit(q->limit)), a, &c));
    while (!q->max_bytes || bytes <= q->max_bytes) {
        bool row;
        TRY(sql_next(c, a, &row));
        if (!row)
            break;
        TRY(arena_check(a));
        if (list.count == room) {
            room = room ? room * 2 : 8;
            struct comment *more = arena_array(a, struct comment, room);
            for (size_t i = 0; i < list.count; i++)
                more[i] = list.items[i];
            list.items = more;
        }
        struct comment *comment = &list.items[list.count++];
        read_comment_row(c, a, comment);
        bytes += comment->text.n + comment->details.n;
    }
    *ret = list;
    return NULL;
}

err_t meta_comment_ids(struct meta_tx *tx, const struct comment_page_query *q, struct arena *a, struct record_ids *ret)
{
    return tx_list(tx, STATEMENT("SELECT id FROM comments WHERE task_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3"),
                   SQL(SQL_I(q->task_id), sql_limit(q->limit), sql_limit(q->offset)), a, LIST_OF(read_id_row, ret));
}

err_t meta_comment_first_ids(struct meta_tx *tx, int64_t task_id, size_t limit, struct arena *a, struct record_ids *ret)
{
    return tx_list(tx, STATEMENT("SELECT id FROM comments WHERE task_id = $1 ORDER BY id LIMIT $2"),
                   SQL(SQL_I(task_id), sql_limit(limit)), a, LIST_OF(read_id_row, ret));
}

err_t meta_comment_last(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COALESCE(MAX(id), 0) FROM comments WHERE task_id = $1"), SQL(SQL_I(task_id)), a,
                  ret);
}

#define WHOLE_COMMENT_SIZE(IN)                                                                                         \
    "SELECT " COMMENT_SIZE(IN) " + (SELECT COALESCE(SUM(" REFERENCE_SIZE(IN) "), 0) FROM refs WHERE comment_id = $1)"  \
                                                                             " FROM comments c WHERE c.id = $1"

err_t meta_comment_size(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT_PAIR(WHOLE_COMMENT_SIZE), SQL(SQL_I(id)), a, ret);
}

/* ON DELETE CASCADE removes the references of the comment. */
err_t meta_comment_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t changed, there;
    TRY(tx_change(tx,
                  STATEMENT("DELETE FROM comments WHERE id = $1 AND NOT EXISTS"
                            " (SELECT 1 FROM tickets WHERE holder_kind = $2 AND holder_id = $1 AND holder_kind > 0)"),
                  SQL(SQL_I(id), SQL_I(HOLDER_COMMENT)), a, &changed));
    if (changed)
        return NULL;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM comments WHERE id = $1"), SQL(SQL_I(id)), a, &there));
    return there ? err_make(a, ERR_CONFLICT, "a pending ticket names the comment")
                 : err_make(a, ERR_NOT_FOUND, "no such comment");
}

err_t meta_comment_remove_up_to(struct meta_tx *tx, int64_t task_id, int64_t id, struct arena *a)
{
    return tx_change(tx, STATEMENT("DELETE FROM comments WHERE task_id = $1 AND id <= $2"),
                     SQL(SQL_I(task_id), SQL_I(id)), a, NULL);
}

err_t meta_comment_count(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM comments WHERE task_id = $1"), SQL(SQL_I(task_id)), a, ret);
}

#define COMMENT_BYTES(IN)                                                                                              \
    "SELECT COALESCE(SUM(" BYTES_OF(IN, "text") " + " BYTES_OF(IN, "details") "), 0) FROM comments WHERE task_id = $1"

err_t meta_comment_bytes(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT_PAIR(COMMENT_BYTES), SQL(SQL_I(task_id)), a, ret);
}

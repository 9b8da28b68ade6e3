/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/hold_store.h"
#include "core/records/file.h"
#include "core/store/task_store.h"
#include "meta/statement_priv.h"

static void read_hold_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct hold *)ret = (struct hold){
        .file_id = sql_column_int(c, 0),
        .holder = { (int)sql_column_int(c, 1), sql_column_int(c, 2) },
    };
}

/* Is the number that the query counts more than 0? */
static err_t tx_has(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                    bool *ret)
{
    int64_t has;
    TRY(tx_int(tx, statement, args, a, &has));
    *ret = has != 0;
    return NULL;
}

/* ---- one hold ---- */

err_t meta_hold_add(struct meta_tx *tx, const struct hold *h, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO holds (file_id, holder_kind, holder_id) VALUES ($1, $2, $3)"
                            " ON CONFLICT (file_id, holder_kind, holder_id) DO NOTHING"),
                  SQL(SQL_I(h->file_id), SQL_I(h->holder.kind), SQL_I(h->holder.id)), a);
}

/* All calls that remove holds use tx_add, because no cache has holds. The change of the file raises the generation. */
err_t meta_hold_remove(struct meta_tx *tx, const struct hold *h, struct arena *a)
{
    return tx_add(tx, STATEMENT("DELETE FROM holds WHERE file_id = $1 AND holder_kind = $2 AND holder_id = $3"),
                  SQL(SQL_I(h->file_id), SQL_I(h->holder.kind), SQL_I(h->holder.id)), a);
}

err_t meta_hold_any(struct meta_tx *tx, int64_t file_id, struct arena *a, bool *ret_held)
{
    return tx_has(tx, STATEMENT("SELECT COUNT(*) FROM (SELECT 1 FROM holds WHERE file_id = $1 LIMIT 1) held"),
                  SQL(SQL_I(file_id)), a, ret_held);
}

err_t meta_hold_has(struct meta_tx *tx, const struct hold *h, struct arena *a, bool *ret_has)
{
    return tx_has(tx,
                  STATEMENT("SELECT COUNT(*) FROM holds WHERE file_id = $1 AND holder_kind = $2 AND holder_id = $3"),
                  SQL(SQL_I(h->file_id), SQL_I(h->holder.kind), SQL_I(h->holder.id)), a, ret_has);
}

err_t meta_hold_list(struct meta_tx *tx, const struct hold *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT file_id, holder_kind, holder_id FROM holds WHERE file_id >= $1"
                             " AND (file_id, holder_kind, holder_id) > ($1, $2, $3)"
                             " ORDER BY file_id, holder_kind, holder_id LIMIT $4"),
                   SQL(SQL_I(after->file_id), SQL_I(after->holder.kind), SQL_I(after->holder.id), sql_limit(limit)), a,
                   LIST_OF(read_hold_row, ret));
}

/* ---- the holds of one holder ---- */

err_t meta_hold_files(struct meta_tx *tx, struct holder holder, size_t limit, struct arena *a, struct file_id_list *ret)
{
    return tx_list(
        tx, STATEMENT("SELECT file_id FROM holds WHERE holder_kind = $1 AND holder_id = $2 ORDER BY file_id LIMIT $3"),
        SQL(SQL_I(holder.kind), SQL_I(holder.id), sql_limit(limit)), a, LIST_OF(read_id_row, ret));
}

/* The parameters are the names of values: $1, $2 … are numbered in the order in which a statement first uses them. */
#define PIECE_OF_HOLDS(kind, id, up_to) "holder_kind = " kind " AND holder_id = " id " AND file_id <= " up_to
#define PIECE_OF_FILES(kind, id, up_to) "(SELECT file_id FROM holds WHERE " PIECE_OF_HOLDS(kind, id, up_to) ")"
#define NO_OTHER_HOLDS(file_id, kind, id)                                                                              \
    "NOT EXISTS (SELECT 1 FROM holds other WHERE other.file_id = " file_id " AND (other.holder_kind <> " kind          \
    " OR other.holder_id <> " id "))"

err_t meta_hold_lock_files(struct meta_tx *tx, struct holder holder, int64_t up_to_id, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("UPDATE files SET purge_at_ms = purge_at_ms WHERE id IN " PIECE_OF_FILES("$1", "$2", "$3")),
                  SQL(SQL_I(holder.kind), SQL_I(holder.id), SQL_I(up_to_id)), a);
}

err_t meta_hold_ticket_files(struct meta_tx *tx, struct holder holder, int64_t up_to_id, struct arena *a,
                             struct file_id_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT h.file_id FROM holds h JOIN tickets k ON k.file_id = h.file_id"
                             " WHERE h.holder_kind = $1 AND h.holder_id = $2 AND h.file_id <= $3"
                             " AND " NO_OTHER_HOLDS("h.file_id", "$1", "$2") " ORDER BY h.file_id"),
                   SQL(SQL_I(holder.kind), SQL_I(holder.id), SQL_I(up_to_id)), a, LIST_OF(read_id_row, ret));
}

#define EXPIRE_PIECE                                                                                                   \
    "UPDATE files SET state = $1, purge_at_ms = $2 WHERE id IN " PIECE_OF_FILES(                                       \
        "$3", "$4", "$5") " AND state = $6 AND kept = 0 AND " NO_OTHER_HOLDS("files.id", "$3", "$4")

err_t meta_hold_expire_files(struct meta_tx *tx, struct holder holder, int64_t up_to_id, int64_t purge_at_ms,
                             struct arena *a)
{
    return tx_change(tx, STATEMENT(EXPIRE_PIECE),
                     SQL(SQL_I(FILE_STORED), SQL_I(purge_at_ms), SQL_I(holder.kind), SQL_I(holder.id), SQL_I(up_to_id),
                         SQL_I(FILE_READY)),
                     a, NULL);
}

err_t meta_hold_remove_files(struct meta_tx *tx, struct holder holder, int64_t up_to_id, struct arena *a)
{
    return tx_add(tx, STATEMENT("DELETE FROM holds WHERE " PIECE_OF_HOLDS("$1", "$2", "$3")),
                  SQL(SQL_I(holder.kind), SQL_I(holder.id), SQL_I(up_to_id)), a);
}

/* ---- holders that were removed ---- */

err_t meta_ended_holder_add(struct meta_tx *tx, const struct ended_holder *e, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO ended_holders (holder_kind, holder_id, purge_at_ms, account_id, ended_by,"
                            " request_id) VALUES ($1, $2, $3, $4, $5, $6)"),
                  SQL(SQL_I(e->holder.kind), SQL_I(e->holder.id), SQL_I(e->purge_at_ms), SQL_I(e->account_id),
                      SQL_I(e->ended_by), SQL_T(e->request_id)),
                  a);
}

err_t meta_ended_holder_first(struct meta_tx *tx, struct arena *a, struct ended_holder *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "ended holder",
               STATEMENT("SELECT holder_kind, holder_id, purge_at_ms, account_id, ended_by, request_id FROM "
                         "ended_holders WHERE holder_kind > 0"
                         " ORDER BY holder_kind, holder_id LIMIT 1"),
               SQL_NO_VALUES, a, &c));
    *ret = (struct ended_holder){ .holder = { (int)sql_column_int(c, 0), sql_column_int(c, 1) },
                                  .purge_at_ms = sql_column_int(c, 2),
                                  .account_id = sql_column_int(c, 3),
                                  .ended_by = sql_column_int(c, 4),
                                  .request_id = sql_column_copy(c, 5, a) };
    return NULL;
}

/* A task that was removed, and the comments of such a task, release their files piece by piece. */
err_t meta_ended_holder_has(struct meta_tx *tx, struct holder holder, struct arena *a, bool *ret_is)
{
    bool is = false;
    TRY(tx_has(tx, STATEMENT("SELECT COUNT(*) FROM ended_holders WHERE holder_kind = $1 AND holder_id = $2"),
               SQL(SQL_I(holder.kind), SQL_I(holder.id)), a, &is));
    if (!is && holder.kind == HOLDER_TASK)
        TRY(meta_task_is_removed(tx, holder.id, a, &is));
    if (!is && holder.kind == HOLDER_COMMENT)
        TRY(tx_has(tx,
                   STATEMENT("SELECT COUNT(*) FROM comments c JOIN removed_tasks x ON x.task_id = c.task_id"
                             " WHERE c.id = $1"),
                   SQL(SQL_I(holder.id)), a, &is));
    *ret_is = is;
    return NULL;
}

err_t meta_ended_holder_remove(struct meta_tx *tx, struct holder holder, struct arena *a)
{
    return tx_add(tx, STATEMENT("DELETE FROM ended_holders WHERE holder_kind = $1 AND holder_id = $2"),
                  SQL(SQL_I(holder.kind), SQL_I(holder.id)), a);
}

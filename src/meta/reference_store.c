/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/reference_store.h"
#include "core/records/reference.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

#define REFERENCE_COLUMNS                                                                                              \
    "SELECT r.id, r.account_id, r.task_id, r.comment_id, r.file_id, r.root_id, r.version, r.url,"                      \
    " CASE WHEN r.name <> '' THEN r.name ELSE COALESCE(f.name, '') END, COALESCE(f.size_bytes, 0), f.md5,"             \
    " r.created_at_ms"
#define WITH_FILE " LEFT JOIN files f ON f.id = r.file_id"
#define REFERENCE REFERENCE_COLUMNS " FROM refs r" WITH_FILE

static void read_reference_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct reference *r = ret;
    *r = (struct reference){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .task_id = sql_column_int(c, 2),
        .comment_id = sql_column_int(c, 3),
        .file_id = sql_column_int(c, 4),
        .root_id = sql_column_int(c, 5),
        .version = sql_column_int(c, 6),
        .url = sql_column_copy(c, 7, a),
        .name = sql_column_copy(c, 8, a),
        .size_bytes = column_size(c, 9),
        .created_at_ms = sql_column_int(c, 11),
    };
    column_bytes(c, 10, r->md5, MD5_SIZE);
}

/* All versions of a chain are references of one task, which the caller has locked. So no other reference can get the same
 * version before this one is added. */
static err_t next_version(struct meta_tx *tx, int64_t root_id, struct arena *a, int64_t *ret_version)
{
    int64_t newest;
    TRY(tx_int(tx, STATEMENT("SELECT COALESCE(MAX(version), 0) FROM refs WHERE root_id = $1 AND root_id IS NOT NULL"),
               SQL(SQL_I(root_id)), a, &newest));
    if (!newest)
        return err_make(a, ERR_NOT_FOUND, "no such chain of versions");
    *ret_version = newest + 1;
    return NULL;
}

err_t meta_reference_add(struct meta_tx *tx, struct reference *r, struct arena *a)
{
    int64_t version = 1, id;
    if (r->root_id)
        TRY(next_version(tx, r->root_id, a, &version));
    TRY(tx_insert(tx,
                  STATEMENT("INSERT INTO refs (account_id, task_id, comment_id, file_id, root_id, version, url, name,"
                            " created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
                  SQL(SQL_I(r->account_id), SQL_I(r->task_id), sql_id(r->comment_id), sql_id(r->file_id),
                      sql_id(r->root_id), SQL_I(version), SQL_T(r->url), SQL_T(r->name), SQL_I(r->created_at_ms)),
                  a, &id));
    if (!r->root_id)
        TRY(tx_add(tx, STATEMENT("UPDATE refs SET root_id = id WHERE id = $1"), SQL(SQL_I(id)), a));
    r->root_id = r->root_id ? r->root_id : id;
    r->id = id;
    r->version = version;
    return NULL;
}

err_t meta_reference_get(struct meta_tx *tx, int64_t id, struct arena *a, struct reference *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "reference", STATEMENT(REFERENCE " WHERE r.id = $1"), SQL(SQL_I(id)), a, &c));
    read_reference_row(c, a, ret);
    return NULL;
}

err_t meta_reference_list(struct meta_tx *tx, int64_t task_id, struct arena *a, struct reference_list *ret)
{
    return tx_list(tx, STATEMENT(REFERENCE " WHERE r.task_id = $1 ORDER BY r.id"), SQL(SQL_I(task_id)), a,
                   LIST_OF(read_reference_row, ret));
}

err_t meta_reference_list_comments(struct meta_tx *tx, const struct comment_reference_query *q, struct arena *a,
                                   struct reference_list *ret)
{
    return tx_list(
        tx,
        STATEMENT(REFERENCE_COLUMNS
                  " FROM comments c JOIN refs r ON r.comment_id = c.id AND r.comment_id IS NOT NULL" WITH_FILE
                  " WHERE c.task_id = $1 AND c.id > $2 AND c.id <= $3 ORDER BY c.id, r.id LIMIT $4"),
        SQL(SQL_I(q->task_id), SQL_I(q->after_comment_id), SQL_I(q->until_comment_id), sql_limit(q->limit)), a,
        LIST_OF(read_reference_row, ret));
}

err_t meta_reference_list_newest(struct meta_tx *tx, const struct newest_reference_query *q, struct arena *a,
                                 struct reference_list *ret)
{
    return tx_list(tx,
                   STATEMENT(REFERENCE " WHERE r.task_id = $1 AND r.id > $2 AND NOT EXISTS (SELECT 1 FROM refs n"
                                       " WHERE n.root_id = r.root_id AND n.root_id IS NOT NULL"
                                       " AND n.version > r.version) ORDER BY r.id LIMIT $3"),
                   SQL(SQL_I(q->task_id), SQL_I(q->after_id), sql_limit(q->limit)), a,
                   LIST_OF(read_reference_row, ret));
}

err_t meta_reference_list_file(struct meta_tx *tx, int64_t file_id, struct arena *a, struct reference_list *ret)
{
    return tx_list(tx, STATEMENT(REFERENCE " WHERE r.file_id = $1 ORDER BY r.id"), SQL(SQL_I(file_id)), a,
                   LIST_OF(read_reference_row, ret));
}

err_t meta_reference_each_file(struct meta_tx *tx, int64_t after_id, size_t limit, struct arena *a,
                               struct reference_list *ret)
{
    return tx_list(tx, STATEMENT(REFERENCE " WHERE r.id > $1 AND r.file_id IS NOT NULL ORDER BY r.id LIMIT $2"),
                   SQL(SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_reference_row, ret));
}

#define ONE_REFERENCE_SIZE(IN) "SELECT " REFERENCE_SIZE(IN) " FROM refs WHERE id = $1"

err_t meta_reference_size(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT_PAIR(ONE_REFERENCE_SIZE), SQL(SQL_I(id)), a, ret);
}

err_t meta_reference_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "reference", STATEMENT("DELETE FROM refs WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_reference_remove_first(struct meta_tx *tx, int64_t task_id, size_t limit, struct arena *a,
                                  int64_t *ret_count)
{
    return tx_change(
        tx, STATEMENT("DELETE FROM refs WHERE id IN (SELECT id FROM refs WHERE task_id = $1 ORDER BY id LIMIT $2)"),
        SQL(SQL_I(task_id), sql_limit(limit)), a, ret_count);
}

err_t meta_reference_count(struct meta_tx *tx, int64_t task_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM refs WHERE task_id = $1"), SQL(SQL_I(task_id)), a, ret);
}

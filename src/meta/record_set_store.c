/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/record_set_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#define RECORD_SET "SELECT id, account_id, section_id, data_source, bytes, created_at_ms FROM record_sets"

static void read_record_set_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct record_set *)ret = (struct record_set){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .section_id = sql_column_int(c, 2),
        .data_source = sql_column_copy(c, 3, a),
        .bytes = sql_column_int(c, 4),
        .created_at_ms = sql_column_int(c, 5),
    };
}

err_t meta_record_set_add(struct meta_tx *tx, const struct record_set *s, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "set of records",
        STATEMENT("INSERT INTO record_sets (account_id, section_id, data_source, created_at_ms) SELECT $1, $2, $3, $4"
                  " WHERE NOT EXISTS (SELECT 1 FROM record_sets WHERE section_id = $2 AND data_source = $3)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(s->account_id), SQL_I(s->section_id), SQL_T(s->data_source), SQL_I(s->created_at_ms)), a, ret_id);
}

static err_t get_record_set(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                            struct arena *a, struct record_set *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "set of records", statement, args, a, &c));
    read_record_set_row(c, a, ret);
    return NULL;
}

err_t meta_record_set_get(struct meta_tx *tx, int64_t id, struct arena *a, struct record_set *ret)
{
    return get_record_set(tx, STATEMENT(RECORD_SET " WHERE id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_record_set_find(struct meta_tx *tx, int64_t section_id, slice data_source, struct arena *a,
                           struct record_set *ret)
{
    return get_record_set(tx, STATEMENT(RECORD_SET " WHERE section_id = $1 AND data_source = $2"),
                          SQL(SQL_I(section_id), SQL_T(data_source)), a, ret);
}

err_t meta_record_set_list(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct record_set_list *ret)
{
    return tx_list(tx, STATEMENT(RECORD_SET " WHERE id > $1 ORDER BY id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_record_set_row, ret));
}

err_t meta_record_set_list_of_workspace(struct meta_tx *tx, int64_t workspace_id, size_t limit, struct arena *a,
                                        struct record_set_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT r.id, r.account_id, r.section_id, r.data_source, r.bytes, r.created_at_ms"
                             " FROM sections s JOIN record_sets r ON r.section_id = s.id WHERE s.workspace_id = $1"
                             " ORDER BY r.id LIMIT $2"),
                   SQL(SQL_I(workspace_id), sql_limit(limit)), a, LIST_OF(read_record_set_row, ret));
}

err_t meta_record_set_remove(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_removed)
{
    int64_t changed;
    TRY(tx_add_counted(tx, STATEMENT("DELETE FROM record_sets WHERE id = $1"), SQL(SQL_I(id)), a, &changed));
    *ret_removed = changed != 0;
    return NULL;
}

#define HELD_RECORD_SET(IN) RECORD_SET " WHERE id = $1" HELD(IN)

err_t meta_record_set_measure(struct meta_tx *tx, int64_t id, int64_t bytes, struct arena *a, int64_t *ret_more)
{
    struct record_set before;
    TRY(get_record_set(tx, STATEMENT_PAIR(HELD_RECORD_SET), SQL(SQL_I(id)), a, &before));
    *ret_more = bytes - before.bytes;
    return tx_add(tx, STATEMENT("UPDATE record_sets SET bytes = $1 WHERE id = $2"), SQL(SQL_I(bytes), SQL_I(id)), a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own buckets belong to no account: their account_id is NULL. */
#include "core/store/bucket_store.h"
#include "core/records/bucket.h"
#include "meta/statement_priv.h"

#define BUCKET "SELECT id, account_id, owner_id, name, kind, cors, created_at_ms FROM buckets"

static void read_bucket_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct bucket *)ret = (struct bucket){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .owner_id = sql_column_int(c, 2),
        .name = sql_column_copy(c, 3, a),
        .kind = (enum bucket_kind)sql_column_int(c, 4),
        .cors = sql_column_copy(c, 5, a),
        .created_at_ms = sql_column_int(c, 6),
    };
}

err_t meta_bucket_add(struct meta_tx *tx, const struct bucket *b, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     STATEMENT("INSERT INTO buckets (account_id, owner_id, name, kind, cors, created_at_ms)"
                               " VALUES ($1, $2, $3, $4, $5, $6)"),
                     SQL(sql_id(b->account_id), SQL_I(b->owner_id), SQL_T(b->name), SQL_I(b->kind), SQL_T(b->cors),
                         SQL_I(b->created_at_ms)),
                     a, ret_id);
}

err_t meta_bucket_by_name(struct meta_tx *tx, slice name, struct arena *a, struct bucket *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "bucket", STATEMENT(BUCKET " WHERE name = $1"), SQL(SQL_T(name)), a, &c));
    read_bucket_row(c, a, ret);
    return NULL;
}

err_t meta_bucket_list(struct meta_tx *tx, int64_t account_id, struct arena *a, struct bucket_list *ret)
{
    if (!account_id)
        return tx_list(tx, STATEMENT(BUCKET " ORDER BY name"), SQL_NO_VALUES, a, LIST_OF(read_bucket_row, ret));
    return tx_list(tx, STATEMENT(BUCKET " WHERE account_id = $1 ORDER BY name"), SQL(SQL_I(account_id)), a,
                   LIST_OF(read_bucket_row, ret));
}

err_t meta_bucket_set_cors(struct meta_tx *tx, int64_t id, slice cors, struct arena *a)
{
    return tx_change_one(tx, "bucket", STATEMENT("UPDATE buckets SET cors = $1 WHERE id = $2"),
                         SQL(SQL_T(cors), SQL_I(id)), a);
}

/* Entries, uploads and tickets refer to their bucket with foreign keys, which refuse the removal while there are
 * any. */
err_t meta_bucket_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change_one(tx, "bucket", STATEMENT("DELETE FROM buckets WHERE id = $1"), SQL(SQL_I(id)), a);
}

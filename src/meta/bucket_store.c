/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own buckets belong to no account: their account_id is NULL. */
#include "core/store/bucket_store.h"
#include "core/records/bucket.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#define BUCKET "SELECT id, account_id, owner_id, name, kind, cors, created_at_ms FROM buckets"
/* The rules may be large, and no list shows them. */
#define LISTED_BUCKET "SELECT id, account_id, owner_id, name, kind, '', created_at_ms FROM buckets"

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
    return tx_insert_new(
        tx, "bucket",
        STATEMENT("INSERT INTO buckets (account_id, owner_id, name, kind, cors, created_at_ms)"
                  " SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM buckets WHERE name = $3)"
                  " ON CONFLICT (name) DO NOTHING"),
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

err_t meta_bucket_list(struct meta_tx *tx, int64_t account_id, const struct bucket_range *r, struct arena *a,
                       struct bucket_list *ret)
{
    if (!account_id)
        return tx_list(tx, STATEMENT(LISTED_BUCKET " WHERE name >= $1 AND name > $2 ORDER BY name LIMIT $3"),
                       SQL(SQL_T(r->from), SQL_T(r->after), sql_limit(r->limit)), a, LIST_OF(read_bucket_row, ret));
    return tx_list(
        tx, STATEMENT(LISTED_BUCKET " WHERE account_id = $1 AND name >= $2 AND name > $3 ORDER BY name LIMIT $4"),
        SQL(SQL_I(account_id), SQL_T(r->from), SQL_T(r->after), sql_limit(r->limit)), a, LIST_OF(read_bucket_row, ret));
}

err_t meta_bucket_count(struct meta_tx *tx, int64_t account_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM buckets WHERE account_id = $1"), SQL(SQL_I(account_id)), a, ret);
}

err_t meta_bucket_set_cors(struct meta_tx *tx, int64_t id, slice old_cors, slice cors, struct arena *a)
{
    return tx_change_one(tx, "bucket", STATEMENT("UPDATE buckets SET cors = $1 WHERE id = $2 AND cors = $3"),
                         SQL(SQL_T(cors), SQL_I(id), SQL_T(old_cors)), a);
}

#define HOLD_BUCKET(IN) "SELECT id FROM buckets WHERE id = $1" HELD_FOR_REMOVAL(IN)

err_t meta_bucket_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    bool there;
    int64_t changed, known;
    TRY(tx_hold(tx, STATEMENT_PAIR(HOLD_BUCKET), SQL(SQL_I(id)), a, &there));
    TRY(tx_change(tx,
                  STATEMENT("DELETE FROM buckets WHERE id = $1"
                            " AND NOT EXISTS (SELECT 1 FROM entries WHERE bucket_id = buckets.id)"
                            " AND NOT EXISTS (SELECT 1 FROM uploads WHERE bucket_id = buckets.id)"
                            " AND NOT EXISTS (SELECT 1 FROM tickets WHERE bucket_id = buckets.id)"),
                  SQL(SQL_I(id)), a, &changed));
    if (changed)
        return NULL;
    err_t e = tx_int(tx, STATEMENT("SELECT id FROM buckets WHERE id = $1"), SQL(SQL_I(id)), a, &known);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_NOT_FOUND, "no such bucket");
    return e ? e : err_make(a, ERR_CONFLICT, "the bucket is not empty");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Every upload changes the counters of what an account uses. usage.c writes them at the end of the transaction; what
 * reads or changes an account's row in between includes the sums that are not written yet. */
#include "core/store/account_store.h"
#include "core/records/account.h"
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"

#define ACCOUNT "SELECT id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files FROM accounts"

static void read_account_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct account *)ret = (struct account){
        .id = sql_column_int(c, 0),
        .name = sql_column_copy(c, 1, a),
        .created_at_ms = sql_column_int(c, 2),
        .max_bytes = sql_column_int(c, 3),
        .max_files = sql_column_int(c, 4),
        .used_bytes = sql_column_int(c, 5),
        .used_files = sql_column_int(c, 6),
    };
}

err_t meta_account_add(struct meta_tx *tx, const struct account *account, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "account",
        STATEMENT("INSERT INTO accounts (name, created_at_ms, max_bytes, max_files, used_bytes, used_files)"
                  " SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE name = $1)"
                  " ON CONFLICT (name) DO NOTHING"),
        SQL(SQL_T(account->name), SQL_I(account->created_at_ms), SQL_I(account->max_bytes), SQL_I(account->max_files),
            SQL_I(account->used_bytes), SQL_I(account->used_files)),
        a, ret_id);
}

err_t meta_account_get(struct meta_tx *tx, int64_t id, struct arena *a, struct account *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "account", STATEMENT(ACCOUNT " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_account_row(c, a, ret);
    usage_show(tx, ret);
    return NULL;
}

err_t meta_account_by_name(struct meta_tx *tx, slice name, struct arena *a, struct account *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "account", STATEMENT(ACCOUNT " WHERE name = $1"), SQL(SQL_T(name)), a, &c));
    read_account_row(c, a, ret);
    usage_show(tx, ret);
    return NULL;
}

err_t meta_account_list(struct meta_tx *tx, struct arena *a, struct account_list *ret)
{
    TRY(tx_list(tx, STATEMENT(ACCOUNT " ORDER BY id"), SQL_NO_VALUES, a, LIST_OF(read_account_row, ret)));
    for (size_t i = 0; i < ret->count; i++)
        usage_show(tx, &ret->items[i]);
    return NULL;
}

err_t meta_account_set_limits(struct meta_tx *tx, int64_t id, int64_t max_bytes, int64_t max_files, struct arena *a)
{
    TRY(usage_write(tx, a));
    return tx_change_one(tx, "account", STATEMENT("UPDATE accounts SET max_bytes = $1, max_files = $2 WHERE id = $3"),
                         SQL(SQL_I(max_bytes), SQL_I(max_files), SQL_I(id)), a);
}

err_t meta_account_use(struct meta_tx *tx, int64_t id, int64_t bytes, int64_t files, struct arena *a)
{
    return usage_add(tx, id, bytes, files, a);
}

/* The usage of each account, counted from the records: files that hold bytes, entries of its buckets, and parts of its
 * uploads. Parts count as bytes, but not as files. */
#define COUNTED                                                                                                        \
    "WITH counted AS (SELECT a.id AS id, COALESCE(SUM(held.bytes), 0) AS bytes, COALESCE(SUM(held.files), 0) AS files" \
    " FROM accounts a LEFT JOIN ("                                                                                     \
    "SELECT account_id, SUM(size_bytes) AS bytes, COUNT(*) AS files FROM files WHERE object_id IS NOT NULL"            \
    " GROUP BY account_id UNION ALL "                                                                                  \
    "SELECT b.account_id, SUM(e.size_bytes), COUNT(*) FROM buckets b JOIN entries e ON e.bucket_id = b.id"             \
    " WHERE b.account_id IS NOT NULL GROUP BY b.account_id UNION ALL "                                                 \
    "SELECT u.account_id, SUM(p.size_bytes), 0 FROM uploads u JOIN upload_parts p ON p.upload_id = u.id"               \
    " WHERE u.ended_at_ms = 0 GROUP BY u.account_id) held ON held.account_id = a.id GROUP BY a.id)"

err_t meta_usage_check(struct meta_tx *tx, bool repair, struct arena *a, int64_t *ret_wrong)
{
    if (tx->is_write)
        TRY(usage_write(tx, a));
    if (!repair)
        return tx_int(tx,
                      STATEMENT(COUNTED " SELECT COUNT(*) FROM accounts JOIN counted c ON c.id = accounts.id"
                                        " WHERE used_bytes <> c.bytes OR used_files <> c.files"),
                      SQL_NO_VALUES, a, ret_wrong);
    return tx_add_counted(tx,
                          STATEMENT(COUNTED
                                    " UPDATE accounts SET used_bytes = c.bytes, used_files = c.files FROM counted c"
                                    " WHERE c.id = accounts.id AND (used_bytes <> c.bytes OR used_files <> c.files)"),
                          SQL_NO_VALUES, a, ret_wrong);
}

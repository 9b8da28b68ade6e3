/* SPDX-License-Identifier: Apache-2.0 */
/* A row is written from the counters of the account by one statement, so it is a state that the account had: that before this
 * transaction. No cache depends on these rows, so writing them does not raise the generation. */
#include "core/store/figures_store.h"
#include "meta/statement_priv.h"

err_t meta_figures_write(struct meta_tx *tx, const struct figures_piece *piece, struct arena *a, int64_t *ret_last_id)
{
    int64_t last;
    TRY(tx_int(tx,
               STATEMENT("SELECT COALESCE(MAX(p.id), 0) FROM (SELECT id FROM accounts WHERE id > $1 ORDER BY id"
                         " LIMIT $2) p"),
               SQL(SQL_I(piece->after_id), sql_limit(piece->limit)), a, &last));
    TRY(tx_add(tx,
               STATEMENT("INSERT INTO account_figures (account_id, day, at_ms, used_bytes, used_files, record_bytes,"
                         " garbage_bytes, max_bytes) SELECT id, $1, $2, used_bytes, used_files, record_bytes,"
                         " garbage_bytes, max_bytes FROM accounts WHERE id > $3 AND id <= $4"
                         " ON CONFLICT (account_id, day) DO UPDATE SET at_ms = excluded.at_ms,"
                         " used_bytes = excluded.used_bytes, used_files = excluded.used_files,"
                         " record_bytes = excluded.record_bytes, garbage_bytes = excluded.garbage_bytes,"
                         " max_bytes = excluded.max_bytes WHERE account_figures.at_ms <= excluded.at_ms"),
               SQL(SQL_I(piece->day), SQL_I(piece->at_ms), SQL_I(piece->after_id), SQL_I(last)), a));
    *ret_last_id = last;
    return NULL;
}

static void read_figures_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct figures *)ret = (struct figures){
        .day = sql_column_int(c, 0),
        .at_ms = sql_column_int(c, 1),
        .used_bytes = sql_column_int(c, 2),
        .used_files = sql_column_int(c, 3),
        .record_bytes = sql_column_int(c, 4),
        .garbage_bytes = sql_column_int(c, 5),
        .max_bytes = sql_column_int(c, 6),
    };
}

err_t meta_figures_list(struct meta_tx *tx, int64_t account_id, int64_t from_day, int64_t to_day, struct arena *a,
                        struct figures_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT day, at_ms, used_bytes, used_files, record_bytes, garbage_bytes, max_bytes"
                             " FROM account_figures WHERE account_id = $1 AND day >= $2 AND day <= $3 ORDER BY day"),
                   SQL(SQL_I(account_id), SQL_I(from_day), SQL_I(to_day)), a, LIST_OF(read_figures_row, ret));
}

err_t meta_figures_forget(struct meta_tx *tx, int64_t before_day, size_t limit, struct arena *a, int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("DELETE FROM account_figures WHERE day < $1 AND (account_id, day) IN"
                                    " (SELECT f.account_id, f.day FROM account_figures f WHERE f.day < $1"
                                    " ORDER BY f.day LIMIT $2)"),
                          SQL(SQL_I(before_day), sql_limit(limit)), a, ret_count);
}

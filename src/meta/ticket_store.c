/* SPDX-License-Identifier: Apache-2.0 */
/* ON DELETE CASCADE removes a ticket together with its file. */
#include "core/store/ticket_store.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"

#define TICKET "SELECT " TICKET_COLUMNS " FROM tickets k"

void read_ticket_columns(struct sql_cursor *c, int first, struct arena *a, struct ticket *ret)
{
    *ret = (struct ticket){
        .file_id = sql_column_int(c, first),
        .bucket_id = sql_column_int(c, first + 1),
        .key = sql_column_copy(c, first + 2, a),
        .declared_bytes = column_size(c, first + 3),
        .expires_at_ms = sql_column_int(c, first + 4),
        .confirmed_at_ms = sql_column_int(c, first + 5),
        .holder = { (int)sql_column_int(c, first + 6), sql_column_int(c, first + 7) },
    };
}

static void read_ticket_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    read_ticket_columns(c, 0, a, ret);
}

err_t meta_ticket_add(struct meta_tx *tx, const struct ticket *k, struct arena *a)
{
    return tx_add(
        tx,
        STATEMENT("INSERT INTO tickets (file_id, bucket_id, key, declared_bytes, expires_at_ms, confirmed_at_ms,"
                  " holder_kind, holder_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
        SQL(SQL_I(k->file_id), SQL_I(k->bucket_id), SQL_T(k->key), SQL_I((int64_t)k->declared_bytes),
            SQL_I(k->expires_at_ms), SQL_I(k->confirmed_at_ms), SQL_I(k->holder.kind), SQL_I(k->holder.id)),
        a);
}

err_t meta_ticket_get(struct meta_tx *tx, int64_t file_id, struct arena *a, struct ticket *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "ticket", STATEMENT(TICKET " WHERE k.file_id = $1"), SQL(SQL_I(file_id)), a, &c));
    read_ticket_row(c, a, ret);
    return NULL;
}

err_t meta_ticket_by_key(struct meta_tx *tx, int64_t bucket_id, slice key, struct arena *a, struct ticket *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "ticket", STATEMENT(TICKET " WHERE k.bucket_id = $1 AND k.key = $2"),
               SQL(SQL_I(bucket_id), SQL_T(key)), a, &c));
    read_ticket_row(c, a, ret);
    return NULL;
}

err_t meta_ticket_confirm(struct meta_tx *tx, int64_t file_id, int64_t confirmed_at_ms, struct arena *a)
{
    return tx_change_one(tx, "pending ticket",
                         STATEMENT("UPDATE tickets SET confirmed_at_ms = $1, holder_kind = 0, holder_id = 0"
                                   " WHERE file_id = $2 AND confirmed_at_ms = 0"),
                         SQL(SQL_I(confirmed_at_ms), SQL_I(file_id)), a);
}

err_t meta_ticket_set_holder(struct meta_tx *tx, int64_t file_id, struct holder holder, struct arena *a)
{
    return tx_change_one(tx, "pending ticket",
                         STATEMENT("UPDATE tickets SET holder_kind = $1, holder_id = $2"
                                   " WHERE file_id = $3 AND confirmed_at_ms = 0"),
                         SQL(SQL_I(holder.kind), SQL_I(holder.id), SQL_I(file_id)), a);
}

err_t meta_ticket_pending(struct meta_tx *tx, struct holder holder, size_t limit, struct arena *a,
                          struct ticket_list *ret)
{
    return tx_list(tx,
                   STATEMENT(TICKET " WHERE k.holder_kind = $1 AND k.holder_id = $2 AND k.holder_kind > 0"
                                    " ORDER BY k.file_id LIMIT $3"),
                   SQL(SQL_I(holder.kind), SQL_I(holder.id), sql_limit(limit)), a, LIST_OF(read_ticket_row, ret));
}

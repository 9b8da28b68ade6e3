/* SPDX-License-Identifier: Apache-2.0 */
/* Halves of key pairs that have to be known to check a signature. They come sealed and go sealed. */
#include "core/store/credential_store.h"
#include "meta/meta_priv.h"

/* One that is put again takes the place of the first, and whoever remembers that must hear of it. */
err_t meta_secret_put(struct meta_tx *tx, int64_t credential_id, slice sealed, struct arena *a)
{
    int64_t added;
    TRY(tx_add_counted(tx,
                       "INSERT INTO secrets (credential_id, sealed) VALUES ($1, $2)"
                       " ON CONFLICT (credential_id) DO NOTHING",
                       SQL(SQL_I(credential_id), SQL_B(sealed)), a, &added));
    if (added)
        return NULL;
    return tx_change_one(tx, "secret", "UPDATE secrets SET sealed = $1 WHERE credential_id = $2",
                         SQL(SQL_B(sealed), SQL_I(credential_id)), a);
}

err_t meta_secret_get(struct meta_tx *tx, int64_t credential_id, struct arena *a, slice *ret_sealed)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "secret", "SELECT sealed FROM secrets WHERE credential_id = $1", SQL(SQL_I(credential_id)), a, &c));
    *ret_sealed = sql_column_copy(c, 0, a);
    return NULL;
}

static void read_secret(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct secret *secret = ret;
    *secret = (struct secret){ .credential_id = sql_column_int(c, 0), .sealed = sql_column_copy(c, 1, a) };
}

err_t meta_secret_list(struct meta_tx *tx, int64_t before_id, size_t limit, struct arena *a, struct secret_list *ret)
{
    return tx_list(tx,
                   "SELECT s.credential_id, s.sealed FROM secrets s JOIN credentials c ON c.id = s.credential_id"
                   " WHERE s.credential_id < $1 AND c.revoked_at_ms = 0 ORDER BY s.credential_id DESC LIMIT $2",
                   SQL(SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a, LIST_OF(read_secret, ret));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/application_store.h"
#include "core/records/record_ids.h"
#include "core/store/credential_store.h"
#include "core/store/user_store.h"
#include "meta/statement_priv.h"

/* ---- applications ---- */

static err_t add_callback(struct meta_tx *tx, const struct application *app, size_t number, struct arena *a)
{
    return tx_add(tx, STATEMENT("INSERT INTO callbacks (key_id, number, address) VALUES ($1, $2, $3)"),
                  SQL(SQL_I(app->key_id), SQL_I((int64_t)number), SQL_T(app->callbacks.items[number])), a);
}

err_t meta_application_add(struct meta_tx *tx, const struct application *app, struct arena *a)
{
    int64_t added;
    TRY(tx_add_counted(tx,
                       STATEMENT("INSERT INTO applications (key_id, client_id, token_id) VALUES ($1, $2, $3)"
                                 " ON CONFLICT (client_id) DO NOTHING"),
                       SQL(SQL_I(app->key_id), SQL_T(app->client_id), SQL_I(app->token_id)), a, &added));
    if (!added)
        return err_make(a, ERR_CONFLICT, "there is such an application already");
    for (size_t i = 0; i < app->callbacks.count; i++)
        TRY(add_callback(tx, app, i, a));
    return NULL;
}

static void read_address(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(slice *)ret = sql_column_copy(c, 0, a);
}

static void read_application_row(struct sql_cursor *c, struct arena *a, struct application *ret)
{
    *ret = (struct application){ .key_id = sql_column_int(c, 0),
                                 .client_id = sql_column_copy(c, 1, a),
                                 .token_id = sql_column_int(c, 2),
                                 .account_id = sql_column_int(c, 3),
                                 .owner_id = sql_column_int(c, 4),
                                 .purpose = sql_column_copy(c, 5, a),
                                 .owner_login = sql_column_copy(c, 6, a),
                                 .owner_state = (enum user_state)sql_column_int(c, 7),
                                 .revoked_at_ms = sql_column_int(c, 9) };
    column_bytes(c, 8, ret->secret_hash, SHA256_SIZE);
}

static err_t find_application(struct meta_tx *tx, slice client_id, struct arena *a, struct application *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(
        tx, "application",
        STATEMENT("SELECT p.key_id, p.client_id, p.token_id, k.account_id, k.user_id, k.purpose, u.login, u.state,"
                  " k.secret_hash, k.revoked_at_ms FROM applications p JOIN credentials k ON k.id = p.key_id"
                  " JOIN users u ON u.id = k.user_id WHERE p.client_id = $1"),
        SQL(SQL_T(client_id)), a, &c));
    read_application_row(c, a, ret);
    return NULL;
}

err_t meta_application_by_client_id(struct meta_tx *tx, slice client_id, struct arena *a, struct application *ret)
{
    struct application found;
    TRY(find_application(tx, client_id, a, &found));
    TRY(tx_list(tx, STATEMENT("SELECT address FROM callbacks WHERE key_id = $1 ORDER BY number"),
                SQL(SQL_I(found.key_id)), a, LIST_OF(read_address, &found.callbacks)));
    *ret = found;
    return NULL;
}

err_t meta_application_client_id(struct meta_tx *tx, int64_t key_id, struct arena *a, slice *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "application", STATEMENT("SELECT client_id FROM applications WHERE key_id = $1"), SQL(SQL_I(key_id)),
               a, &c));
    *ret = sql_column_copy(c, 0, a);
    return NULL;
}

/* ---- codes ---- */

err_t meta_code_add(struct meta_tx *tx, const struct code *code, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO codes (credential_id, redirect, is_reusable, challenge, used_at_ms)"
                            " VALUES ($1, $2, $3, $4, $5)"),
                  SQL(SQL_I(code->credential_id), SQL_T(code->redirect), SQL_I(code->is_reusable),
                      SQL_T(code->challenge), SQL_I(code->used_at_ms)),
                  a);
}

err_t meta_code_get(struct meta_tx *tx, int64_t credential_id, struct arena *a, struct code *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "code",
               STATEMENT("SELECT credential_id, redirect, is_reusable, challenge, used_at_ms FROM codes"
                         " WHERE credential_id = $1"),
               SQL(SQL_I(credential_id)), a, &c));
    *ret = (struct code){ .credential_id = sql_column_int(c, 0),
                          .redirect = sql_column_copy(c, 1, a),
                          .is_reusable = sql_column_int(c, 2) != 0,
                          .challenge = sql_column_copy(c, 3, a),
                          .used_at_ms = sql_column_int(c, 4) };
    return NULL;
}

/* tx_add_counted: no cache has codes, so a change of one does not raise the generation. */
err_t meta_code_use(struct meta_tx *tx, int64_t credential_id, int64_t now_ms, struct arena *a, bool *ret_first)
{
    int64_t changed;
    TRY(tx_add_counted(tx, STATEMENT("UPDATE codes SET used_at_ms = $1 WHERE credential_id = $2 AND used_at_ms = 0"),
                       SQL(SQL_I(now_ms), SQL_I(credential_id)), a, &changed));
    *ret_first = changed > 0;
    return NULL;
}

err_t meta_code_remove(struct meta_tx *tx, int64_t credential_id, struct arena *a)
{
    TRY(tx_change(tx, STATEMENT("DELETE FROM credentials WHERE parent_id = $1 AND form = 1"), SQL(SQL_I(credential_id)),
                  a, NULL));
    return meta_credential_remove_token(tx, credential_id, a);
}

/* ---- what an application has from a user ---- */

/* By the index of the user: an application may have the tokens of very many users, a user has few. */
err_t meta_application_surplus(struct meta_tx *tx, const struct surplus_query *q, struct arena *a,
                               struct record_ids *ret)
{
    TRY(meta_user_hold(tx, q->user_id, a));
    return tx_list(tx,
                   STATEMENT("SELECT t.id FROM credentials t LEFT JOIN credentials p ON p.id = t.parent_id"
                             " WHERE t.user_id = $1 AND t.form = 1 AND t.purpose = $2 AND t.revoked_at_ms = 0"
                             " AND (t.expires_at_ms = 0 OR t.expires_at_ms > $3) AND t.id <> $4"
                             " AND (t.parent_id = $5 OR p.parent_id = $5)"
                             " ORDER BY t.created_at_ms DESC, t.id DESC LIMIT 9223372036854775807 OFFSET $6"),
                   SQL(SQL_I(q->user_id), SQL_T(q->purpose), SQL_I(q->now_ms), SQL_I(q->spared_id), SQL_I(q->key_id),
                       SQL_I(q->keep > 0 ? q->keep : 0)),
                   a, LIST_OF(read_id_row, ret));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The store gets only the SHA-256 of a secret, by which an index finds the credential, and sealed secrets of key
 * pairs. */
#include "core/store/credential_store.h"
#include "core/records/credential.h"
#include "core/store/user_store.h"
#include "meta/statement_priv.h"

#include <string.h>

#define CREDENTIAL                                                                                                     \
    "SELECT id, account_id, user_id, purpose, form, secret_hash, parent_id, created_at_ms, expires_at_ms,"             \
    " revoked_at_ms, role, workspace_id, section_id, public_key, creator_id, used_at_ms FROM credentials"

static void read_credential_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct credential *credential = ret;
    *credential = (struct credential){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .user_id = sql_column_int(c, 2),
        .purpose = sql_column_copy(c, 3, a),
        .form = (enum credential_form)sql_column_int(c, 4),
        .parent_id = sql_column_int(c, 6),
        .created_at_ms = sql_column_int(c, 7),
        .expires_at_ms = sql_column_int(c, 8),
        .revoked_at_ms = sql_column_int(c, 9),
        .role = column_key_role(c, 10),
        .workspace_id = sql_column_int(c, 11),
        .section_id = sql_column_int(c, 12),
        .public_key = sql_column_copy(c, 13, a),
        .creator_id = sql_column_int(c, 14),
        .used_at_ms = sql_column_int(c, 15),
    };
    column_bytes(c, 5, credential->secret_hash, SHA256_SIZE);
}

/* The statement itself gives a token the role of what it is made from, so that no caller can forget to. */
err_t meta_credential_add(struct meta_tx *tx, const struct credential *k, struct arena *a, int64_t *ret_id)
{
    return tx_insert(
        tx,
        STATEMENT(
            "INSERT INTO credentials (account_id, user_id, purpose, form, secret_hash, parent_id,"
            " created_at_ms, expires_at_ms, revoked_at_ms, role, workspace_id, section_id, public_key, creator_id)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
            " COALESCE((SELECT parent.role FROM credentials parent WHERE parent.id = $6), $10), $11, $12, $13, $14)"),
        SQL(SQL_I(k->account_id), SQL_I(k->user_id), SQL_T(k->purpose), SQL_I(k->form),
            SQL_BYTES(k->secret_hash, SHA256_SIZE), sql_id(k->parent_id), SQL_I(k->created_at_ms),
            SQL_I(k->expires_at_ms), SQL_I(k->revoked_at_ms), SQL_I(k->role), SQL_I(k->workspace_id),
            SQL_I(k->section_id), SQL_T(k->public_key.n ? k->public_key : S("")), SQL_I(k->creator_id)),
        a, ret_id);
}

err_t meta_credential_get(struct meta_tx *tx, int64_t id, struct arena *a, struct credential *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "credential", STATEMENT(CREDENTIAL " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_credential_row(c, a, ret);
    return NULL;
}

err_t meta_credential_by_hash(struct meta_tx *tx, slice purpose, enum credential_form form,
                              const unsigned char hash[SHA256_SIZE], struct arena *a, struct credential *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "credential", STATEMENT(CREDENTIAL " WHERE secret_hash = $1 AND purpose = $2 AND form = $3"),
               SQL(SQL_BYTES(hash, SHA256_SIZE), SQL_T(purpose), SQL_I(form)), a, &c));
    read_credential_row(c, a, ret);
    return NULL;
}

err_t meta_credential_by_public_key(struct meta_tx *tx, int64_t user_id, slice purpose, slice public_key,
                                    struct arena *a, struct credential *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "credential",
               STATEMENT(CREDENTIAL " WHERE user_id = $1 AND public_key = $2 AND public_key <> '' AND purpose = $3"
                                    " AND form = 0 ORDER BY CASE WHEN revoked_at_ms = 0 THEN 0 ELSE 1 END, id DESC"
                                    " LIMIT 1"),
               SQL(SQL_I(user_id), SQL_T(public_key), SQL_T(purpose)), a, &c));
    read_credential_row(c, a, ret);
    return NULL;
}

/* The caller will go on using the key, so keys that expire do not count. */
err_t meta_credential_newest(struct meta_tx *tx, int64_t user_id, slice purpose, struct arena *a,
                             struct credential *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "credential",
               STATEMENT(CREDENTIAL " WHERE user_id = $1 AND form = 0 AND purpose = $2 AND revoked_at_ms = 0"
                                    " AND expires_at_ms = 0 ORDER BY id DESC LIMIT 1"),
               SQL(SQL_I(user_id), SQL_T(purpose)), a, &c));
    read_credential_row(c, a, ret);
    return NULL;
}

err_t meta_credential_list(struct meta_tx *tx, int64_t user_id, enum credential_form form, struct arena *a,
                           struct credential_list *ret)
{
    if (!user_id)
        return tx_list(tx, STATEMENT(CREDENTIAL " WHERE form = $1 ORDER BY id"), SQL(SQL_I(form)), a,
                       LIST_OF(read_credential_row, ret));
    return tx_list(tx, STATEMENT(CREDENTIAL " WHERE user_id = $1 AND form = $2 ORDER BY id"),
                   SQL(SQL_I(user_id), SQL_I(form)), a, LIST_OF(read_credential_row, ret));
}

err_t meta_credential_page(struct meta_tx *tx, int64_t user_id, enum credential_form form, const struct id_page *page,
                           struct arena *a, struct credential_list *ret)
{
    if (!user_id)
        return tx_list(tx, STATEMENT(CREDENTIAL " WHERE form = $1 AND id > $2 ORDER BY id LIMIT $3"),
                       SQL(SQL_I(form), SQL_I(page->after_id), sql_limit(page->limit)), a,
                       LIST_OF(read_credential_row, ret));
    return tx_list(tx, STATEMENT(CREDENTIAL " WHERE user_id = $1 AND form = $2 AND id > $3 ORDER BY id LIMIT $4"),
                   SQL(SQL_I(user_id), SQL_I(form), SQL_I(page->after_id), sql_limit(page->limit)), a,
                   LIST_OF(read_credential_row, ret));
}

#define OF_ACCOUNT                                                                                                     \
    " WHERE account_id = $1 AND id > $2 AND form = 0 AND NOT EXISTS"                                                   \
    " (SELECT 1 FROM users u WHERE u.id = credentials.user_id AND u.kind = 2)"

err_t meta_credential_keys(struct meta_tx *tx, int64_t account_id, bool with_revoked, const struct id_page *page,
                           struct arena *a, struct credential_list *ret)
{
    const struct sql_value values[] = { SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit) };
    const struct sql_args args = { values, LENGTH_OF(values) };
    if (with_revoked)
        return tx_list(tx, STATEMENT(CREDENTIAL OF_ACCOUNT " ORDER BY id LIMIT $3"), args, a,
                       LIST_OF(read_credential_row, ret));
    return tx_list(tx, STATEMENT(CREDENTIAL OF_ACCOUNT " AND revoked_at_ms = 0 ORDER BY id LIMIT $3"), args, a,
                   LIST_OF(read_credential_row, ret));
}

err_t meta_credential_count_keys(struct meta_tx *tx, int64_t user_id, struct arena *a, int64_t *ret)
{
    TRY(meta_user_hold(tx, user_id, a));
    return tx_int(tx,
                  STATEMENT("SELECT count(*) FROM credentials WHERE user_id = $1 AND form = 0 AND revoked_at_ms = 0"),
                  SQL(SQL_I(user_id)), a, ret);
}

err_t meta_credential_revoke(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    int64_t known;
    err_t e = tx_int(tx, STATEMENT("SELECT id FROM credentials WHERE id = $1"), SQL(SQL_I(id)), a, &known);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_NOT_FOUND, "no such credential");
    TRY(e);
    return tx_change(tx,
                     STATEMENT("WITH RECURSIVE made (id) AS (SELECT id FROM credentials WHERE id = $1 UNION"
                               " SELECT k.id FROM credentials k JOIN made ON k.parent_id = made.id)"
                               " UPDATE credentials SET revoked_at_ms = $2 WHERE revoked_at_ms = 0"
                               " AND id IN (SELECT id FROM made)"),
                     SQL(SQL_I(id), SQL_I(now_ms)), a, NULL);
}

err_t meta_credential_revoke_tokens(struct meta_tx *tx, int64_t user_id, int64_t now_ms, struct arena *a)
{
    return tx_change(
        tx,
        STATEMENT("UPDATE credentials SET revoked_at_ms = $1 WHERE user_id = $2 AND form = 1 AND revoked_at_ms = 0"),
        SQL(SQL_I(now_ms), SQL_I(user_id)), a, NULL);
}

err_t meta_credential_revoke_workspace(struct meta_tx *tx, int64_t workspace_id, int64_t now_ms, struct arena *a)
{
    return tx_change(tx,
                     STATEMENT("UPDATE credentials SET revoked_at_ms = $1 WHERE workspace_id = $2"
                               " AND revoked_at_ms = 0"),
                     SQL(SQL_I(now_ms), SQL_I(workspace_id)), a, NULL);
}

err_t meta_credential_trim_tokens(struct meta_tx *tx, int64_t user_id, slice purpose, int64_t keep, int64_t now_ms,
                                  struct arena *a)
{
    TRY(meta_user_hold(tx, user_id, a)); /* so that nobody adds a token now */
    return tx_change(
        tx,
        STATEMENT(
            "UPDATE credentials SET revoked_at_ms = $1 WHERE revoked_at_ms = 0 AND id IN (SELECT id FROM credentials"
            " WHERE user_id = $2 AND form = 1 AND purpose = $3 AND revoked_at_ms = 0"
            " AND (expires_at_ms = 0 OR expires_at_ms > $1)"
            " ORDER BY created_at_ms DESC, id DESC LIMIT 9223372036854775807 OFFSET $4)"),
        SQL(SQL_I(now_ms), SQL_I(user_id), SQL_T(purpose), SQL_I(keep > 0 ? keep : 0)), a, NULL);
}

err_t meta_credential_extend(struct meta_tx *tx, int64_t id, int64_t expires_at_ms, int64_t step_ms, int64_t now_ms,
                             struct arena *a)
{
    return tx_change(tx,
                     STATEMENT("UPDATE credentials SET expires_at_ms = $1 WHERE id = $2 AND form = 1"
                               " AND revoked_at_ms = 0 AND expires_at_ms > $3 AND expires_at_ms <= $4"),
                     SQL(SQL_I(expires_at_ms), SQL_I(id), SQL_I(now_ms), SQL_I(expires_at_ms - step_ms)), a, NULL);
}

/* No cache has it, so it does not raise the generation. */
err_t meta_credential_note_use(struct meta_tx *tx, int64_t id, int64_t at_ms, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE credentials SET used_at_ms = $1 WHERE id = $2 AND used_at_ms < $1"),
                  SQL(SQL_I(at_ms), SQL_I(id)), a);
}

err_t meta_credential_remove_token(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return tx_change(
        tx,
        STATEMENT("DELETE FROM credentials WHERE id = $1 AND form = 1"
                  " AND NOT EXISTS (SELECT 1 FROM credentials made WHERE made.parent_id = credentials.id)"),
        SQL(SQL_I(id)), a, NULL);
}

/* A token that others were made from can be removed only after those. */
err_t meta_credential_forget(struct meta_tx *tx, int64_t before_ms, struct arena *a, int64_t *ret_count)
{
    return tx_change(
        tx,
        STATEMENT("DELETE FROM credentials WHERE form = 1 AND id IN"
                  " (SELECT id FROM credentials WHERE expires_at_ms > 0 AND expires_at_ms < $1"
                  " UNION SELECT id FROM credentials WHERE revoked_at_ms > 0 AND revoked_at_ms < $1)"
                  " AND NOT EXISTS (SELECT 1 FROM credentials made WHERE made.parent_id = credentials.id)"),
        SQL(SQL_I(before_ms)), a, ret_count);
}

/* ---- secrets ---- */

/* Replacing a secret raises the generation, because caches may hold the first one; adding one does not. */
err_t meta_secret_put(struct meta_tx *tx, int64_t credential_id, slice sealed, struct arena *a)
{
    int64_t added;
    TRY(tx_add_counted(tx,
                       STATEMENT("INSERT INTO secrets (credential_id, sealed) VALUES ($1, $2)"
                                 " ON CONFLICT (credential_id) DO NOTHING"),
                       SQL(SQL_I(credential_id), SQL_B(sealed)), a, &added));
    if (added)
        return NULL;
    return tx_change_one(tx, "secret", STATEMENT("UPDATE secrets SET sealed = $1 WHERE credential_id = $2"),
                         SQL(SQL_B(sealed), SQL_I(credential_id)), a);
}

err_t meta_secret_get(struct meta_tx *tx, int64_t credential_id, struct arena *a, slice *ret_sealed)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "secret", STATEMENT("SELECT sealed FROM secrets WHERE credential_id = $1"),
               SQL(SQL_I(credential_id)), a, &c));
    *ret_sealed = sql_column_copy(c, 0, a);
    return NULL;
}

static void read_secret_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct secret *secret = ret;
    *secret = (struct secret){ .credential_id = sql_column_int(c, 0), .sealed = sql_column_copy(c, 1, a) };
}

err_t meta_secret_list(struct meta_tx *tx, int64_t before_id, size_t limit, struct arena *a, struct secret_list *ret)
{
    return tx_list(
        tx,
        STATEMENT("SELECT s.credential_id, s.sealed FROM secrets s JOIN credentials c ON c.id = s.credential_id"
                  " WHERE s.credential_id < $1 AND c.revoked_at_ms = 0 ORDER BY s.credential_id DESC LIMIT $2"),
        SQL(SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a, LIST_OF(read_secret_row, ret));
}

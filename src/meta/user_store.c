/* SPDX-License-Identifier: Apache-2.0 */
/* The row of a deleted user stays, because files and the audit log name it. Its login is free again: the unique index
 * leaves deleted users out. */
#include "core/store/user_store.h"
#include "core/records/user.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"
#include "meta/user_row_priv.h"

#define USER                                                                                                           \
    "SELECT id, account_id, login, name, email, kind, state, is_admin, created_at_ms, max_bytes, max_files,"           \
    " used_bytes, used_files FROM users"

static void read_user_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct user *user = ret;
    *user = user_in_row(c, a);
    user->max_bytes = sql_column_int(c, 9);
    user->max_files = sql_column_int(c, 10);
    user->used_bytes = sql_column_int(c, 11);
    user->used_files = sql_column_int(c, 12);
}

err_t meta_user_add(struct meta_tx *tx, const struct user *user, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "user",
        STATEMENT("INSERT INTO users (account_id, login, name, email, kind, state, is_admin, created_at_ms, max_bytes,"
                  " max_files) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS"
                  " (SELECT 1 FROM users WHERE login = $2 AND state <> 2)"
                  " ON CONFLICT (login) WHERE state <> 2 DO NOTHING"),
        SQL(SQL_I(user->account_id), SQL_T(user->login), SQL_T(user->name), SQL_T(user->email), SQL_I(user->kind),
            SQL_I(user->state), SQL_I(user->is_admin), SQL_I(user->created_at_ms), SQL_I(user->max_bytes),
            SQL_I(user->max_files)),
        a, ret_id);
}

static err_t get_user(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                      struct user *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "user", statement, args, a, &c));
    read_user_row(c, a, ret);
    usage_show_user(tx, ret);
    return NULL;
}

err_t meta_user_get(struct meta_tx *tx, int64_t id, struct arena *a, struct user *ret)
{
    return get_user(tx, STATEMENT(USER " WHERE id = $1"), SQL(SQL_I(id)), a, ret);
}

err_t meta_user_by_login(struct meta_tx *tx, slice login, struct arena *a, struct user *ret)
{
    return get_user(tx, STATEMENT(USER " WHERE login = $1 AND state <> 2"), SQL(SQL_T(login)), a, ret);
}

#define HOLD_USER(IN) "SELECT id FROM users WHERE id = $1" HELD(IN)

err_t meta_user_hold(struct meta_tx *tx, int64_t id, struct arena *a)
{
    bool there;
    return tx_hold(tx, STATEMENT_PAIR(HOLD_USER), SQL(SQL_I(id)), a, &there);
}

/* A user who logs in with this address comes before one who only has it as an e-mail address. */
err_t meta_user_by_email(struct meta_tx *tx, int64_t account_id, slice email, struct arena *a, struct user *ret)
{
    err_t e = get_user(tx, STATEMENT(USER " WHERE login = $1 AND state <> 2 AND state = 0 AND account_id = $2"),
                       SQL(SQL_T(email), SQL_I(account_id)), a, ret);
    if (!err_is(e, ERR_NOT_FOUND) || !email.n)
        return e;
    return get_user(tx, STATEMENT(USER " WHERE account_id = $1 AND email = $2 AND state = 0 ORDER BY id LIMIT 1"),
                    SQL(SQL_I(account_id), SQL_T(email)), a, ret);
}

/* Here and not in the statement, where it might follow the rules of a language. */
static slice lower_ascii(slice s, struct arena *a)
{
    char *lower = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        lower[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    return (slice){ lower, s.n };
}

/* Two statements, because for "one or the other" a database reads all rows of both and sorts them. */
err_t meta_user_by_address(struct meta_tx *tx, int64_t account_id, slice address, struct arena *a, struct user *ret)
{
    struct user by_login = { 0 }, by_email = { 0 };
    slice lower = lower_ascii(address, a);
    const struct sql_value values[] = { SQL_I(account_id), SQL_T(lower) };
    const struct sql_args args = { values, LENGTH_OF(values) };
    err_t login_e =
        get_user(tx, STATEMENT(USER " WHERE account_id = $1 AND lower(login) = $2 AND state <> 2 ORDER BY id LIMIT 1"),
                 args, a, &by_login);
    if (login_e && login_e->code != ERR_NOT_FOUND)
        return login_e;
    err_t email_e =
        get_user(tx, STATEMENT(USER " WHERE account_id = $1 AND lower(email) = $2 AND state <> 2 ORDER BY id LIMIT 1"),
                 args, a, &by_email);
    if (email_e && (login_e || email_e->code != ERR_NOT_FOUND))
        return email_e;
    *ret = login_e || (!email_e && by_email.id < by_login.id) ? by_email : by_login;
    return NULL;
}

err_t meta_user_list(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                     struct user_list *ret)
{
    if (account_id)
        TRY(tx_list(tx, STATEMENT(USER " WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
                    SQL(SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit)), a,
                    LIST_OF(read_user_row, ret)));
    else
        TRY(tx_list(tx, STATEMENT(USER " WHERE id > $1 ORDER BY id LIMIT $2"),
                    SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_user_row, ret)));
    for (size_t i = 0; i < ret->count; i++)
        usage_show_user(tx, &ret->items[i]);
    return NULL;
}

err_t meta_user_members(struct meta_tx *tx, int64_t account_id, const struct id_page *page, struct arena *a,
                        struct user_list *ret)
{
    return tx_list(
        tx, STATEMENT(USER " WHERE account_id = $1 AND id > $2 AND state <> 2 AND kind <> 2 ORDER BY id LIMIT $3"),
        SQL(SQL_I(account_id), SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_user_row, ret));
}

err_t meta_user_count(struct meta_tx *tx, int64_t account_id, int64_t max, struct arena *a, int64_t *ret)
{
    return tx_int(tx,
                  STATEMENT("SELECT COUNT(*) FROM (SELECT 1 AS one FROM users WHERE account_id = $1 AND state <> 2"
                            " LIMIT $2) counted"),
                  SQL(SQL_I(account_id), SQL_I(max)), a, ret);
}

err_t meta_user_has_other_administrator(struct meta_tx *tx, int64_t account_id, int64_t but_id, struct arena *a,
                                        bool *ret)
{
    int64_t id;
    err_t e = tx_int(tx,
                     STATEMENT("SELECT id FROM users WHERE account_id = $1 AND is_admin = 1 AND state = 0 AND kind <> 2"
                               " AND id <> $2 ORDER BY id LIMIT 1"),
                     SQL(SQL_I(account_id), SQL_I(but_id)), a, &id);
    *ret = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

#define OF_PEOPLE " FROM users u WHERE u.account_id = $1 AND u.state <> 2 AND u.kind <> 2"
/* A task of which user $2 is author or member. */
#define OWN_TASKS                                                                                                      \
    "(SELECT task_id FROM task_members WHERE user_id = $2 UNION SELECT id FROM tasks WHERE author_id = $2)"
#define OF_COLLEAGUES                                                                                                  \
    OF_PEOPLE " AND (u.id = $2 OR u.id IN (SELECT m.user_id FROM task_members m WHERE m.task_id IN " OWN_TASKS         \
              " AND " TASK_STAYS("m.task_id") " UNION SELECT t.author_id FROM tasks t WHERE t.id IN " OWN_TASKS        \
                                              " AND " TASK_STAYS("t.id") "))"

err_t meta_user_page(struct meta_tx *tx, const struct user_page_query *q, struct arena *a, struct record_ids *ret,
                     int64_t *ret_total)
{
    const struct sql_value all[] = { SQL_I(q->account_id), sql_limit(q->limit), sql_limit(q->offset) };
    const struct sql_value some[] = { SQL_I(q->account_id), SQL_I(q->with), sql_limit(q->limit), sql_limit(q->offset) };
    int64_t total;
    if (!q->with) {
        TRY(tx_int(tx, STATEMENT("SELECT COUNT(*)" OF_PEOPLE), (struct sql_args){ all, 1 }, a, &total));
        TRY(tx_list(tx, STATEMENT("SELECT u.id" OF_PEOPLE " ORDER BY u.id LIMIT $2 OFFSET $3"),
                    (struct sql_args){ all, 3 }, a, LIST_OF(read_id_row, ret)));
    } else {
        TRY(tx_int(tx, STATEMENT("SELECT COUNT(*)" OF_COLLEAGUES), (struct sql_args){ some, 2 }, a, &total));
        TRY(tx_list(tx, STATEMENT("SELECT u.id" OF_COLLEAGUES " ORDER BY u.id LIMIT $3 OFFSET $4"),
                    (struct sql_args){ some, 4 }, a, LIST_OF(read_id_row, ret)));
    }
    *ret_total = total;
    return NULL;
}

err_t meta_user_set_limits(struct meta_tx *tx, int64_t id, int64_t max_bytes, int64_t max_files, struct arena *a)
{
    TRY(usage_write(tx, a));
    return tx_change_one(tx, "user",
                         STATEMENT("UPDATE users SET max_bytes = $1, max_files = $2 WHERE id = $3 AND state <> 2"),
                         SQL(SQL_I(max_bytes), SQL_I(max_files), SQL_I(id)), a);
}

err_t meta_user_set_state(struct meta_tx *tx, int64_t id, enum user_state state, struct arena *a)
{
    return tx_change_one(tx, "user", STATEMENT("UPDATE users SET state = $1 WHERE id = $2 AND state <> 2"),
                         SQL(SQL_I(state), SQL_I(id)), a);
}

err_t meta_user_set_admin(struct meta_tx *tx, int64_t id, bool is_admin, struct arena *a)
{
    return tx_change_one(tx, "user", STATEMENT("UPDATE users SET is_admin = $1 WHERE id = $2 AND state <> 2"),
                         SQL(SQL_I(is_admin), SQL_I(id)), a);
}

err_t meta_user_set_password(struct meta_tx *tx, int64_t id, slice hash, struct arena *a)
{
    return tx_change_one(tx, "user", STATEMENT("UPDATE users SET password_hash = $1 WHERE id = $2 AND state <> 2"),
                         SQL(SQL_T(hash), SQL_I(id)), a);
}

err_t meta_user_password(struct meta_tx *tx, int64_t id, struct arena *a, slice *ret_hash)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "user", STATEMENT("SELECT password_hash FROM users WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    *ret_hash = sql_column_copy(c, 0, a);
    return NULL;
}

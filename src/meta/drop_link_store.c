/* SPDX-License-Identifier: Apache-2.0 */
/* The counts rise only while they stay within the limits, which the statement itself says: of two uploads at once that would break a
 * limit together, one gets no row. */
#include "core/store/drop_link_store.h"

#include "core/store/user_store.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/statement_priv.h"

#include <assert.h>

#define LINK                                                                                                           \
    "SELECT l.id, l.account_id, l.user_id, u.login, l.label, l.max_files, l.max_bytes, l.max_file_bytes, l.files,"     \
    " l.bytes, k.created_at_ms, k.expires_at_ms, k.revoked_at_ms,"                                                     \
    " l.given_back, l.given_back_hour FROM drop_links l"                                                               \
    " JOIN credentials k ON k.id = l.id JOIN users u ON u.id = l.user_id"

static void read_link_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct drop_link *)ret = (struct drop_link){ .id = sql_column_int(c, 0),
                                                   .account_id = sql_column_int(c, 1),
                                                   .user_id = sql_column_int(c, 2),
                                                   .login = sql_column_copy(c, 3, a),
                                                   .label = sql_column_copy(c, 4, a),
                                                   .max_files = sql_column_int(c, 5),
                                                   .max_bytes = sql_column_int(c, 6),
                                                   .max_file_bytes = sql_column_int(c, 7),
                                                   .files = sql_column_int(c, 8),
                                                   .bytes = sql_column_int(c, 9),
                                                   .created_at_ms = sql_column_int(c, 10),
                                                   .expires_at_ms = sql_column_int(c, 11),
                                                   .revoked_at_ms = sql_column_int(c, 12),
                                                   .given_back = sql_column_int(c, 13),
                                                   .given_back_hour = sql_column_int(c, 14) };
}

err_t meta_drop_link_add(struct meta_tx *tx, const struct drop_link *l, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO drop_links (id, account_id, user_id, label, max_files, max_bytes,"
                            " max_file_bytes, files, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)"),
                  SQL(SQL_I(l->id), SQL_I(l->account_id), SQL_I(l->user_id), SQL_T(l->label), SQL_I(l->max_files),
                      SQL_I(l->max_bytes), SQL_I(l->max_file_bytes)),
                  a);
}

static err_t get_link(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, struct arena *a,
                      struct drop_link *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "link", statement, SQL(SQL_I(id)), a, &c));
    read_link_row(c, a, ret);
    return NULL;
}

err_t meta_drop_link_get(struct meta_tx *tx, int64_t id, struct arena *a, struct drop_link *ret)
{
    return get_link(tx, STATEMENT(LINK " WHERE l.id = $1"), id, a, ret);
}

err_t meta_drop_link_list(struct meta_tx *tx, const struct drop_link_page *page, struct arena *a,
                          struct drop_link_list *ret)
{
    int64_t before_id = page->before_id ? page->before_id : INT64_MAX;
    if (!page->user_id)
        return tx_list(tx, STATEMENT(LINK " WHERE l.account_id = $1 AND l.id < $2 ORDER BY l.id DESC LIMIT $3"),
                       SQL(SQL_I(page->account_id), SQL_I(before_id), sql_limit(page->limit)), a,
                       LIST_OF(read_link_row, ret));
    return tx_list(tx, STATEMENT(LINK " WHERE l.user_id = $1 AND l.id < $2 ORDER BY l.id DESC LIMIT $3"),
                   SQL(SQL_I(page->user_id), SQL_I(before_id), sql_limit(page->limit)), a, LIST_OF(read_link_row, ret));
}

err_t meta_drop_link_count(struct meta_tx *tx, int64_t user_id, struct arena *a, int64_t *ret)
{
    TRY(meta_user_hold(tx, user_id, a));
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM drop_links WHERE user_id = $1"), SQL(SQL_I(user_id)), a, ret);
}

enum { HOUR_MS = 3600 * 1000 };

/* What is left of the count in that hour. */
#define GIVEN_BACK(hour)                                                                                               \
    "CASE WHEN given_back > 100 * (" hour " - given_back_hour) THEN given_back - 100 * (" hour " - given_back_hour)"   \
    " ELSE 0 END"
static_assert(DROP_LINK_GIVEN_BACK_MAX == 100, "the statements have the number");

bool drop_link_has_given_back_too_many(const struct drop_link *l, int64_t now_ms)
{
    return l->given_back - DROP_LINK_GIVEN_BACK_MAX * (now_ms / HOUR_MS - l->given_back_hour) >=
           DROP_LINK_GIVEN_BACK_MAX;
}

err_t meta_drop_link_take(struct meta_tx *tx, int64_t id, int64_t bytes, int64_t now_ms, struct arena *a,
                          bool *ret_done)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE drop_links SET files = files + 1, bytes = bytes + $1 WHERE id = $2"
                                 " AND files < max_files AND $1 <= max_bytes - bytes AND $1 <= max_file_bytes"
                                 " AND " GIVEN_BACK("$3") " < 100"),
                       SQL(SQL_I(bytes), SQL_I(id), SQL_I(now_ms / HOUR_MS)), a, &changed));
    *ret_done = changed != 0;
    return NULL;
}

err_t meta_drop_link_give_back(struct meta_tx *tx, int64_t id, int64_t bytes, int64_t now_ms, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("UPDATE drop_links SET files = files - 1, bytes = bytes - $1, given_back = 1 + " GIVEN_BACK(
                      "$2") ", given_back_hour = $2 WHERE id = $3"),
                  SQL(SQL_I(bytes), SQL_I(now_ms / HOUR_MS), SQL_I(id)), a);
}

#define ENDED "(revoked_at_ms > 0 OR (expires_at_ms > 0 AND expires_at_ms <= $2))"

err_t meta_drop_link_remove(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("DELETE FROM drop_links WHERE id = $1"
                                 " AND EXISTS (SELECT 1 FROM credentials WHERE id = $1 AND " ENDED ")"),
                       SQL(SQL_I(id), SQL_I(now_ms)), a, &changed));
    if (!changed)
        return err_make(a, ERR_CONFLICT, "the link has not ended");
    TRY(tx_add(tx, STATEMENT("DELETE FROM drop_link_files WHERE link_id = $1"), SQL(SQL_I(id)), a));
    return tx_change(tx, STATEMENT("DELETE FROM credentials WHERE id = $1 AND " ENDED), SQL(SQL_I(id), SQL_I(now_ms)),
                     a, NULL);
}

/* ---- files ---- */

err_t meta_drop_link_add_file(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO drop_link_files (file_id, link_id) SELECT $1, id FROM drop_links"
                            " WHERE id = $2"),
                  SQL(SQL_I(file_id), SQL_I(id)), a);
}

static void read_file_of_link(struct sql_cursor *c, struct arena *a, void *ret)
{
    read_file_columns(c, 0, a, ret);
}

err_t meta_drop_link_files(struct meta_tx *tx, int64_t id, int64_t before_id, size_t limit, struct arena *a,
                           struct file_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT " FILE_COLUMNS " FROM drop_link_files d JOIN files f ON f.id = d.file_id"
                             " LEFT JOIN users u ON u.id = f.owner_id WHERE d.link_id = $1 AND d.file_id < $2"
                             " ORDER BY d.file_id DESC LIMIT $3"),
                   SQL(SQL_I(id), SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a,
                   LIST_OF(read_file_of_link, ret));
}

err_t meta_drop_link_of_file(struct meta_tx *tx, int64_t file_id, struct arena *a, struct drop_link *ret)
{
    return get_link(tx, STATEMENT(LINK " JOIN drop_link_files d ON d.link_id = l.id WHERE d.file_id = $1"), file_id, a,
                    ret);
}

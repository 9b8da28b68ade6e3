/* SPDX-License-Identifier: Apache-2.0 */
/* Events are added and read, and the oldest are removed. Triggers in the database refuse to change one, and to remove any
 * whose id is not below events_kept.from_id. */
#include "core/store/event_store.h"
#include "core/records/event.h"
#include "meta/statement_priv.h"

err_t meta_event_add(struct meta_tx *tx, const struct event *e, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO events (at_ms, account_id, actor_id, action, subject, detail, request_id)"
                            " VALUES ($1, $2, $3, $4, $5, $6, $7)"),
                  SQL(SQL_I(e->at_ms), SQL_I(e->account_id), SQL_I(e->actor_id), SQL_T(e->action), SQL_T(e->subject),
                      SQL_T(e->detail), SQL_T(e->request_id)),
                  a);
}

#define EVENT                                                                                                          \
    "SELECT e.id, e.at_ms, e.account_id, e.actor_id, COALESCE(c.name, ''), COALESCE(u.login, ''), e.action, "          \
    "e.subject,"                                                                                                       \
    " e.detail, e.request_id FROM events e LEFT JOIN users u ON u.id = e.actor_id"                                     \
    " LEFT JOIN accounts c ON c.id = e.account_id"

static void read_event_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct event *)ret = (struct event){
        .id = sql_column_int(c, 0),
        .at_ms = sql_column_int(c, 1),
        .account_id = sql_column_int(c, 2),
        .actor_id = sql_column_int(c, 3),
        .account = sql_column_copy(c, 4, a),
        .actor = sql_column_copy(c, 5, a),
        .action = sql_column_copy(c, 6, a),
        .subject = sql_column_copy(c, 7, a),
        .detail = sql_column_copy(c, 8, a),
        .request_id = sql_column_copy(c, 9, a),
    };
}

err_t meta_event_list(struct meta_tx *tx, int64_t before_id, size_t limit, struct arena *a, struct event_list *ret)
{
    return tx_list(tx, STATEMENT(EVENT " WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2"),
                   SQL(SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a, LIST_OF(read_event_row, ret));
}

err_t meta_event_list_of(struct meta_tx *tx, int64_t account_id, int64_t before_id, size_t limit, struct arena *a,
                         struct event_list *ret)
{
    return tx_list(tx, STATEMENT(EVENT " WHERE e.account_id = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3"),
                   SQL(SQL_I(account_id), SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a,
                   LIST_OF(read_event_row, ret));
}

err_t meta_event_list_after(struct meta_tx *tx, int64_t after_id, size_t limit, struct arena *a, struct event_list *ret)
{
    return tx_list(tx, STATEMENT(EVENT " WHERE e.id > $1 ORDER BY e.id LIMIT $2"),
                   SQL(SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_event_row, ret));
}

err_t meta_event_span(struct meta_tx *tx, struct arena *a, struct event_span *ret)
{
    SCOPED(sql_closep) struct sql_cursor *cursor = NULL;
    TRY(tx_one(tx, "beginning of the events",
               STATEMENT("SELECT from_id, (SELECT COALESCE(MAX(id), 0) FROM events) FROM events_kept WHERE id = 1"),
               SQL_NO_VALUES, a, &cursor));
    *ret = (struct event_span){ .first_id = sql_column_int(cursor, 0), .last_id = sql_column_int(cursor, 1) };
    return NULL;
}

err_t meta_event_remove_oldest(struct meta_tx *tx, int64_t last_id, size_t limit, struct arena *a, int64_t *ret_count)
{
    int64_t last;
    TRY(tx_int(
        tx,
        STATEMENT("SELECT COALESCE(MAX(p.id), 0) FROM (SELECT id FROM events WHERE id <= $1 ORDER BY id LIMIT $2) p"),
        SQL(SQL_I(last_id), sql_limit(limit)), a, &last));
    TRY(tx_add(tx, STATEMENT("UPDATE events_kept SET from_id = $1 + 1 WHERE id = 1 AND from_id <= $1"),
               SQL(SQL_I(last)), a));
    return tx_add_counted(tx, STATEMENT("DELETE FROM events WHERE id <= $1"), SQL(SQL_I(last)), a, ret_count);
}

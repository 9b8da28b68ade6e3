/* SPDX-License-Identifier: Apache-2.0 */
/* Events are only added and read. Triggers in the database refuse to change or remove one. */
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

static void read_event_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct event *)ret = (struct event){
        .id = sql_column_int(c, 0),
        .at_ms = sql_column_int(c, 1),
        .account_id = sql_column_int(c, 2),
        .actor_id = sql_column_int(c, 3),
        .actor = sql_column_copy(c, 4, a),
        .action = sql_column_copy(c, 5, a),
        .subject = sql_column_copy(c, 6, a),
        .detail = sql_column_copy(c, 7, a),
        .request_id = sql_column_copy(c, 8, a),
    };
}

err_t meta_event_list(struct meta_tx *tx, int64_t before_id, size_t limit, struct arena *a, struct event_list *ret)
{
    return tx_list(
        tx,
        STATEMENT("SELECT e.id, e.at_ms, e.account_id, e.actor_id, COALESCE(u.login, ''), e.action, e.subject,"
                  " e.detail, e.request_id FROM events e LEFT JOIN users u ON u.id = e.actor_id"
                  " WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2"),
        SQL(SQL_I(before_id ? before_id : INT64_MAX), sql_limit(limit)), a, LIST_OF(read_event_row, ret));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/webhook_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

/* ---- webhooks ---- */

#define WEBHOOK                                                                                                        \
    "SELECT id, account_id, user_id, format, url, events, sealed_secret, created_at_ms, waiting, dropped FROM "        \
    "webhooks"

static void read_webhook_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct webhook *)ret = (struct webhook){ .id = sql_column_int(c, 0),
                                               .account_id = sql_column_int(c, 1),
                                               .user_id = sql_column_int(c, 2),
                                               .format = sql_column_copy(c, 3, a),
                                               .url = sql_column_copy(c, 4, a),
                                               .events = sql_column_copy(c, 5, a),
                                               .sealed_secret = sql_column_copy(c, 6, a),
                                               .created_at_ms = sql_column_int(c, 7),
                                               .waiting = sql_column_int(c, 8),
                                               .dropped = sql_column_int(c, 9) };
}

err_t meta_webhook_add(struct meta_tx *tx, const struct webhook *h, struct arena *a, int64_t *ret_id)
{
    return tx_insert(tx,
                     STATEMENT("INSERT INTO webhooks (account_id, user_id, format, url, events, sealed_secret,"
                               " created_at_ms, waiting, dropped) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)"),
                     SQL(SQL_I(h->account_id), SQL_I(h->user_id), SQL_T(h->format), SQL_T(h->url), SQL_T(h->events),
                         SQL_B(h->sealed_secret), SQL_I(h->created_at_ms)),
                     a, ret_id);
}

static err_t change_webhook(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                            struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx, statement, args, a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such webhook");
}

err_t meta_webhook_set_secret(struct meta_tx *tx, int64_t id, slice sealed, struct arena *a)
{
    return change_webhook(tx, STATEMENT("UPDATE webhooks SET sealed_secret = $1 WHERE id = $2"),
                          SQL(SQL_B(sealed), SQL_I(id)), a);
}

err_t meta_webhook_get(struct meta_tx *tx, int64_t id, struct arena *a, struct webhook *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "webhook", STATEMENT(WEBHOOK " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_webhook_row(c, a, ret);
    return NULL;
}

err_t meta_webhook_list(struct meta_tx *tx, int64_t account_id, struct arena *a, struct webhook_list *ret)
{
    if (!account_id)
        return tx_list(tx, STATEMENT(WEBHOOK " ORDER BY id"), SQL_NO_VALUES, a, LIST_OF(read_webhook_row, ret));
    return tx_list(tx, STATEMENT(WEBHOOK " WHERE account_id = $1 ORDER BY id"), SQL(SQL_I(account_id)), a,
                   LIST_OF(read_webhook_row, ret));
}

err_t meta_webhook_list_waiting(struct meta_tx *tx, struct arena *a, struct webhook_list *ret)
{
    return tx_list(tx, STATEMENT(WEBHOOK " WHERE waiting > 0 ORDER BY id"), SQL_NO_VALUES, a,
                   LIST_OF(read_webhook_row, ret));
}

err_t meta_webhook_count(struct meta_tx *tx, int64_t account_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM webhooks WHERE account_id = $1"), SQL(SQL_I(account_id)), a, ret);
}

err_t meta_webhook_remove(struct meta_tx *tx, int64_t id, size_t limit, struct arena *a, bool *ret_gone)
{
    int64_t removed;
    struct webhook hook;
    TRY(meta_webhook_get(tx, id, a, &hook));
    /* no event finds it from here on */
    TRY(change_webhook(tx, STATEMENT("UPDATE webhooks SET events = '', waiting = 0 WHERE id = $1"), SQL(SQL_I(id)), a));
    TRY(tx_add_counted(tx,
                       STATEMENT("DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhook_deliveries d"
                                 " WHERE d.webhook_id = $1 ORDER BY d.id LIMIT $2)"),
                       SQL(SQL_I(id), sql_limit(limit)), a, &removed));
    *ret_gone = (size_t)removed < limit;
    return *ret_gone ? change_webhook(tx, STATEMENT("DELETE FROM webhooks WHERE id = $1"), SQL(SQL_I(id)), a) : NULL;
}

err_t meta_webhook_drop(struct meta_tx *tx, int64_t id, struct arena *a)
{
    return change_webhook(tx, STATEMENT("UPDATE webhooks SET dropped = dropped + 1 WHERE id = $1"), SQL(SQL_I(id)), a);
}

static err_t count_waiting(struct meta_tx *tx, int64_t id, int64_t more, struct arena *a)
{
    return change_webhook(tx, STATEMENT("UPDATE webhooks SET waiting = waiting + $1 WHERE id = $2"),
                          SQL(SQL_I(more), SQL_I(id)), a);
}

/* ---- deliveries ---- */

#define DELIVERY                                                                                                       \
    "SELECT id, webhook_id, state, happened_at_ms, actor_id, action, subject, detail, request_id, data, attempts,"     \
    " next_at_ms, ended_at_ms, status, error FROM webhook_deliveries"

static void read_delivery_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    int64_t state = sql_column_int(c, 2);
    *(struct webhook_delivery *)ret = (struct webhook_delivery){
        .id = sql_column_int(c, 0),
        .webhook_id = sql_column_int(c, 1),
        .state = state == DELIVERY_WAITING || state == DELIVERY_DONE ? (enum delivery_state)state : DELIVERY_FAILED,
        .happened_at_ms = sql_column_int(c, 3),
        .actor_id = sql_column_int(c, 4),
        .action = sql_column_copy(c, 5, a),
        .subject = sql_column_copy(c, 6, a),
        .detail = sql_column_copy(c, 7, a),
        .request_id = sql_column_copy(c, 8, a),
        .data = sql_column_copy(c, 9, a),
        .attempts = sql_column_int(c, 10),
        .next_at_ms = sql_column_int(c, 11),
        .ended_at_ms = sql_column_int(c, 12),
        .status = sql_column_int(c, 13),
        .error = sql_column_copy(c, 14, a)
    };
}

err_t meta_delivery_add(struct meta_tx *tx, const struct webhook_delivery *d, struct arena *a, int64_t *ret_id)
{
    TRY(tx_insert(tx,
                  STATEMENT("INSERT INTO webhook_deliveries (webhook_id, state, happened_at_ms, actor_id, action,"
                            " subject, detail, request_id, data, attempts, next_at_ms, ended_at_ms, status, error)"
                            " VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, 0, '')"),
                  SQL(SQL_I(d->webhook_id), SQL_I(d->happened_at_ms), SQL_I(d->actor_id), SQL_T(d->action),
                      SQL_T(d->subject), SQL_T(d->detail), SQL_T(d->request_id), SQL_T(d->data), SQL_I(d->next_at_ms)),
                  a, ret_id));
    return count_waiting(tx, d->webhook_id, 1, a);
}

err_t meta_delivery_get(struct meta_tx *tx, int64_t id, struct arena *a, struct webhook_delivery *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "delivery", STATEMENT(DELIVERY " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_delivery_row(c, a, ret);
    return NULL;
}

err_t meta_delivery_due(struct meta_tx *tx, int64_t webhook_id, int64_t now_ms, size_t limit, struct arena *a,
                        struct webhook_delivery_list *ret)
{
    return tx_list(tx,
                   STATEMENT(DELIVERY " WHERE webhook_id = $1 AND state = 0 AND next_at_ms <= $2"
                                      " ORDER BY next_at_ms, id LIMIT $3"),
                   SQL(SQL_I(webhook_id), SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_delivery_row, ret));
}

err_t meta_delivery_next_ms(struct meta_tx *tx, struct arena *a, int64_t *ret_ms)
{
    err_t e =
        tx_int(tx, STATEMENT("SELECT next_at_ms FROM webhook_deliveries WHERE state = 0 ORDER BY next_at_ms LIMIT 1"),
               SQL_NO_VALUES, a, ret_ms);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    *ret_ms = INT64_MAX;
    return NULL;
}

err_t meta_delivery_list(struct meta_tx *tx, const struct delivery_page *page, struct arena *a,
                         struct webhook_delivery_list *ret)
{
    return tx_list(tx, STATEMENT(DELIVERY " WHERE webhook_id = $1 AND id > $2 AND state >= $3 ORDER BY id LIMIT $4"),
                   SQL(SQL_I(page->webhook_id), SQL_I(page->after_id),
                       SQL_I(page->only_failed ? DELIVERY_FAILED : DELIVERY_WAITING), sql_limit(page->limit)),
                   a, LIST_OF(read_delivery_row, ret));
}

err_t meta_delivery_update(struct meta_tx *tx, const struct webhook_delivery *d, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE webhook_deliveries SET state = $1, attempts = $2, next_at_ms = $3,"
                                 " ended_at_ms = $4, status = $5, error = $6 WHERE id = $7 AND state = 0"),
                       SQL(SQL_I(d->state), SQL_I(d->attempts), SQL_I(d->next_at_ms), SQL_I(d->ended_at_ms),
                           SQL_I(d->status), SQL_T(d->error), SQL_I(d->id)),
                       a, &changed));
    if (!changed)
        return err_make(a, ERR_CONFLICT, "the delivery has ended, or is gone");
    return d->state == DELIVERY_WAITING ? NULL : count_waiting(tx, d->webhook_id, -1, a);
}

err_t meta_delivery_retry(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    struct webhook_delivery d;
    TRY(meta_delivery_get(tx, id, a, &d));
    TRY(tx_add(tx,
               STATEMENT("UPDATE webhook_deliveries SET state = 0, attempts = 0, next_at_ms = $1, ended_at_ms = 0"
                         " WHERE id = $2"),
               SQL(SQL_I(now_ms), SQL_I(id)), a));
    return d.state == DELIVERY_WAITING ? NULL : count_waiting(tx, d.webhook_id, 1, a);
}

err_t meta_delivery_forget(struct meta_tx *tx, int64_t before_ms, size_t limit, struct arena *a, int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhook_deliveries d"
                                    " WHERE d.state > 0 AND d.ended_at_ms < $1 ORDER BY d.ended_at_ms, d.id LIMIT $2)"),
                          SQL(SQL_I(before_ms), sql_limit(limit)), a, ret_count);
}

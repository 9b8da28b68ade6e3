/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/report_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

/* ---- reporters ---- */

#define REPORTER "SELECT id, account_id, name, version, host, system, last_seen_ms, created_at_ms FROM reporters"

static err_t get_reporter(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args,
                          struct arena *a, struct reporter *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "reporter", statement, args, a, &c));
    *ret = (struct reporter){ .id = sql_column_int(c, 0),
                              .account_id = sql_column_int(c, 1),
                              .name = sql_column_copy(c, 2, a),
                              .version = sql_column_copy(c, 3, a),
                              .host = sql_column_copy(c, 4, a),
                              .system = sql_column_copy(c, 5, a),
                              .last_seen_ms = sql_column_int(c, 6),
                              .created_at_ms = sql_column_int(c, 7) };
    return NULL;
}

err_t meta_reporter_add(struct meta_tx *tx, const struct reporter *r, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "reporter",
        STATEMENT("INSERT INTO reporters (account_id, name, version, host, system, last_seen_ms, created_at_ms)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS"
                  " (SELECT 1 FROM reporters WHERE account_id = $1 AND name = $2) ON CONFLICT DO NOTHING"),
        SQL(SQL_I(r->account_id), SQL_T(r->name), SQL_T(r->version), SQL_T(r->host), SQL_T(r->system),
            SQL_I(r->last_seen_ms), SQL_I(r->created_at_ms)),
        a, ret_id);
}

#define REPORTER_BY_NAME(IN) REPORTER " WHERE account_id = $1 AND name = $2" HELD(IN)

err_t meta_reporter_by_name(struct meta_tx *tx, int64_t account_id, slice name, struct arena *a, struct reporter *ret)
{
    return get_reporter(tx, STATEMENT_PAIR(REPORTER_BY_NAME), SQL(SQL_I(account_id), SQL_T(name)), a, ret);
}

err_t meta_reporter_update(struct meta_tx *tx, const struct reporter *r, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE reporters SET version = $1, host = $2, system = $3, last_seen_ms = $4"
                                 " WHERE id = $5"),
                       SQL(SQL_T(r->version), SQL_T(r->host), SQL_T(r->system), SQL_I(r->last_seen_ms), SQL_I(r->id)),
                       a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such reporter");
}

err_t meta_reporter_surplus(struct meta_tx *tx, int64_t account_id, size_t keep, int64_t before_ms, struct arena *a,
                            struct reporter *ret)
{
    if (!account_id)
        return get_reporter(tx, STATEMENT(REPORTER " WHERE last_seen_ms < $1 ORDER BY last_seen_ms, id LIMIT 1"),
                            SQL(SQL_I(before_ms)), a, ret);
    return get_reporter(
        tx, STATEMENT(REPORTER " WHERE account_id = $1 ORDER BY last_seen_ms DESC, id DESC LIMIT 1 OFFSET $2"),
        SQL(SQL_I(account_id), sql_limit(keep)), a, ret);
}

static err_t remove_row(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, struct arena *a,
                        bool *ret_removed)
{
    int64_t changed;
    TRY(tx_add_counted(tx, statement, SQL(SQL_I(id)), a, &changed));
    *ret_removed = changed > 0;
    return NULL;
}

err_t meta_reporter_remove(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_removed)
{
    return remove_row(tx, STATEMENT("DELETE FROM reporters WHERE id = $1"), id, a, ret_removed);
}

/* ---- runs ---- */

#define RUN                                                                                                            \
    "SELECT id, account_id, reporter_id, sender_key, state, details, started_at_ms, ended_at_ms FROM report_runs"

static err_t get_run(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                     struct report_run *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "run", statement, args, a, &c));
    int64_t state = sql_column_int(c, 4);
    *ret = (struct report_run){ .id = sql_column_int(c, 0),
                                .account_id = sql_column_int(c, 1),
                                .reporter_id = sql_column_int(c, 2),
                                .key = sql_column_copy(c, 3, a),
                                .details = sql_column_copy(c, 5, a),
                                .started_at_ms = sql_column_int(c, 6),
                                .ended_at_ms = sql_column_int(c, 7) };
    ret->state = state >= 0 && state <= REPORT_RUN_FAILED ? (enum report_run_state)state : REPORT_RUN_FAILED;
    return NULL;
}

err_t meta_report_run_add(struct meta_tx *tx, const struct report_run *r, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "run",
        STATEMENT("INSERT INTO report_runs (account_id, reporter_id, sender_key, state, details, started_at_ms,"
                  " ended_at_ms) SELECT $1, $2, $3, $4, $5, $6, $7 WHERE $3 = '' OR NOT EXISTS"
                  " (SELECT 1 FROM report_runs WHERE account_id = $1 AND sender_key = $3 AND sender_key <> '')"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(r->account_id), SQL_I(r->reporter_id), SQL_T(r->key), SQL_I(r->state), SQL_T(r->details),
            SQL_I(r->started_at_ms), SQL_I(r->ended_at_ms)),
        a, ret_id);
}

#define RUN_BY_ID(IN) RUN " WHERE id = $1" HELD(IN)
#define RUN_BY_KEY(IN) RUN " WHERE account_id = $1 AND sender_key = $2 AND sender_key <> ''" HELD(IN)

err_t meta_report_run_get(struct meta_tx *tx, int64_t id, struct arena *a, struct report_run *ret)
{
    return get_run(tx, STATEMENT_PAIR(RUN_BY_ID), SQL(SQL_I(id)), a, ret);
}

err_t meta_report_run_by_key(struct meta_tx *tx, int64_t account_id, slice key, struct arena *a, struct report_run *ret)
{
    return get_run(tx, STATEMENT_PAIR(RUN_BY_KEY), SQL(SQL_I(account_id), SQL_T(key)), a, ret);
}

err_t meta_report_run_update(struct meta_tx *tx, const struct report_run *r, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx, STATEMENT("UPDATE report_runs SET state = $1, details = $2, ended_at_ms = $3 WHERE id = $4"),
                       SQL(SQL_I(r->state), SQL_T(r->details), SQL_I(r->ended_at_ms), SQL_I(r->id)), a, &changed));
    return changed ? NULL : err_make(a, ERR_NOT_FOUND, "no such run");
}

err_t meta_report_run_surplus(struct meta_tx *tx, int64_t account_id, size_t keep, int64_t before_ms, struct arena *a,
                              struct report_run *ret)
{
    if (!account_id)
        return get_run(tx, STATEMENT(RUN " WHERE started_at_ms < $1 ORDER BY started_at_ms, id LIMIT 1"),
                       SQL(SQL_I(before_ms)), a, ret);
    return get_run(tx, STATEMENT(RUN " WHERE account_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2"),
                   SQL(SQL_I(account_id), sql_limit(keep)), a, ret);
}

err_t meta_report_run_remove(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_removed)
{
    return remove_row(tx, STATEMENT("DELETE FROM report_runs WHERE id = $1"), id, a, ret_removed);
}

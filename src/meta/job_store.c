/* SPDX-License-Identifier: Apache-2.0 */
/* Background work that survives a restart. No cache holds jobs, so no statement here raises the generation. */
#include "core/store/job_store.h"
#include "core/records/job.h"
#include "meta/statement_priv.h"

#define COLUMNS                                                                                                        \
    "id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms, started_at_ms,"               \
    " finished_at_ms, attempts, progress, total, checkpoint, result, error, lease_owner, lease_until_ms, cancel_at_ms"
#define JOB "SELECT " COLUMNS " FROM jobs"

static void read_job_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct job *)ret = (struct job){
        .id = sql_column_int(c, 0),
        .kind = sql_column_copy(c, 1, a),
        .subject = sql_column_copy(c, 2, a),
        .account_id = sql_column_int(c, 3),
        .group = sql_column_copy(c, 4, a),
        .payload = sql_column_copy(c, 5, a),
        .state = (enum job_state)sql_column_int(c, 6),
        .created_at_ms = sql_column_int(c, 7),
        .run_at_ms = sql_column_int(c, 8),
        .started_at_ms = sql_column_int(c, 9),
        .finished_at_ms = sql_column_int(c, 10),
        .attempts = sql_column_int(c, 11),
        .progress = sql_column_int(c, 12),
        .total = sql_column_int(c, 13),
        .checkpoint = sql_column_copy(c, 14, a),
        .result = sql_column_copy(c, 15, a),
        .error = sql_column_copy(c, 16, a),
        .lease_owner = sql_column_copy(c, 17, a),
        .lease_until_ms = sql_column_int(c, 18),
        .cancel_at_ms = sql_column_int(c, 19),
    };
}

/* ---- adding ---- */

#define ADD                                                                                                            \
    "INSERT INTO jobs (" COLUMNS                                                                                       \
    ", turn) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, 0, 0, 0, 0, 0, '', '', '', '', 0, 0, $9)"

static struct sql_value text(slice s)
{
    return SQL_T(s.p ? s : S(""));
}

/* The jobs of an account run by their turns, one of each group in a turn. A new one has the turn that is now, or the one after the
 * last of its group: however many jobs of one group wait, the first of another is among the next. */
static err_t choose_turn(struct meta_tx *tx, const struct job *j, struct arena *a, int64_t *ret)
{
    int64_t now, own;
    TRY(tx_int(tx,
               STATEMENT("SELECT COALESCE(MIN(turn), 0) FROM jobs WHERE kind = $1 AND state = 0 AND account_id = $2"),
               SQL(SQL_T(j->kind), SQL_I(j->account_id)), a, &now));
    err_t e = tx_int(tx,
                     STATEMENT("SELECT turn + 1 FROM jobs WHERE group_key = $1 AND group_key <> '' AND state <= 1"
                               " ORDER BY id DESC LIMIT 1"),
                     SQL(text(j->group)), a, &own);
    *ret = !e && own > now ? own : now;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t meta_job_add(struct meta_tx *tx, const struct job *j, struct arena *a, int64_t *ret_id)
{
    int64_t id, turn;
    TRY(choose_turn(tx, j, a, &turn));
    TRY(tx_next_id(tx, JOB_IDS, a, &id));
    TRY(tx_add(tx, STATEMENT(ADD),
               SQL(SQL_I(id), SQL_T(j->kind), SQL_T(j->subject), SQL_I(j->account_id), text(j->group), text(j->payload),
                   SQL_I(j->created_at_ms), SQL_I(j->run_at_ms), SQL_I(turn)),
               a));
    tx->jobs.wakes = true;
    tx->jobs.rows |= META_JOB_BIT(id);
    *ret_id = id;
    return NULL;
}

err_t meta_job_ensure(struct meta_tx *tx, slice kind, int64_t now_ms, struct arena *a)
{
    int64_t id;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM jobs WHERE kind = $1 AND subject = ''"), SQL(SQL_T(kind)), a, &id));
    if (id > 0)
        return NULL;
    TRY(tx_next_id(tx, JOB_IDS, a, &id));
    return tx_add(tx, STATEMENT(ADD " ON CONFLICT (kind) WHERE subject = '' DO NOTHING"),
                  SQL(SQL_I(id), SQL_T(kind), SQL_T(S("")), SQL_I(0), SQL_T(S("")), SQL_T(S("")), SQL_I(now_ms),
                      SQL_I(now_ms), SQL_I(0)),
                  a);
}

err_t meta_job_has_group(struct meta_tx *tx, slice group, struct arena *a, bool *ret_has)
{
    int64_t id;
    TRY(tx_int(tx,
               STATEMENT("SELECT COALESCE(MIN(id), 0) FROM jobs WHERE group_key = $1 AND group_key <> ''"
                         " AND state <= 1"),
               SQL(SQL_T(group)), a, &id));
    *ret_has = id > 0;
    return NULL;
}

err_t meta_job_advance(struct meta_tx *tx, slice kind, int64_t now_ms, int64_t latest_ms, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("UPDATE jobs SET run_at_ms = $1 WHERE kind = $2 AND state = 0 AND run_at_ms > $3"
                            " AND (subject = '' OR attempts > 0)"),
                  SQL(SQL_I(now_ms), SQL_T(kind), SQL_I(latest_ms)), a);
}

err_t meta_job_start(struct meta_tx *tx, slice kind, int64_t now_ms, struct arena *a)
{
    tx->jobs.wakes = true;
    return tx_add(tx,
                  STATEMENT("UPDATE jobs SET run_at_ms = $1 WHERE kind = $2 AND subject = '' AND state = 0"
                            " AND run_at_ms > $1"),
                  SQL(SQL_I(now_ms), SQL_T(kind)), a);
}

err_t meta_job_end_leases(struct meta_tx *tx, slice kind, int64_t now_ms, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE jobs SET lease_until_ms = $1 WHERE kind = $2 AND state = 1"),
                  SQL(SQL_I(now_ms), SQL_T(kind)), a);
}

/* ---- finding ---- */

/* $2 is the worker, $3 now, `latest` the latest end that a lease can have. */
#define IS_FREE(latest) "(lease_owner = $2 OR lease_until_ms <= $3 OR lease_until_ms > " latest ")"
/* One lease more than now_ms + lease_ms: a worker reads its clock before it looks for a job, so the lease of another
 * worker may have begun after that reading, or by a clock that is somewhat ahead. */
static int64_t latest_lease_end_ms(const struct job_wanted *wanted)
{
    return wanted->now_ms + 2 * wanted->lease_ms;
}

/* The accounts with QUEUED jobs of the kind. It takes one look-up in the index for each account, however many jobs
 * wait. */
#define WAITING                                                                                                        \
    "WITH RECURSIVE waiting (account_id) AS (SELECT MIN(account_id) FROM jobs WHERE kind = $1 AND state = 0"           \
    " UNION ALL SELECT (SELECT MIN(n.account_id) FROM jobs n WHERE n.kind = $1 AND n.state = 0"                        \
    " AND n.account_id > made.account_id) FROM waiting made WHERE made.account_id IS NOT NULL)"
/* Another job of the group of `j` runs, or an earlier one waits. */
#define IS_BLOCKED(j)                                                                                                  \
    "(" j ".group_key <> '' AND EXISTS (SELECT 1 FROM jobs e WHERE e.group_key = " j ".group_key"                      \
    " AND e.group_key <> '' AND e.state <= 1 AND e.id <> " j ".id AND (e.state = 1 OR e.id < " j ".id)))"
#define WAITING_IS_BLOCKED IS_BLOCKED("j")
#define JOBS_IS_BLOCKED IS_BLOCKED("jobs")

err_t meta_job_find(struct meta_tx *tx, const struct job_wanted *wanted, struct arena *a, int64_t *ret_id)
{
    err_t e = tx_int(
        tx, STATEMENT("SELECT id FROM jobs WHERE kind = $1 AND state = 1 AND " IS_FREE("$4") " ORDER BY id LIMIT 1"),
        SQL(SQL_T(wanted->kind), SQL_T(wanted->owner), SQL_I(wanted->now_ms), SQL_I(latest_lease_end_ms(wanted))), a,
        ret_id);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    return tx_int(
        tx,
        STATEMENT(WAITING
                  ", turns (id, served_ms, account_id) AS (SELECT"
                  " (SELECT j.id FROM jobs j WHERE j.kind = $1 AND j.state = 0 AND j.account_id = made.account_id"
                  " AND j.run_at_ms <= $2 AND NOT " WAITING_IS_BLOCKED " ORDER BY j.turn, j.run_at_ms, j.id LIMIT 1),"
                  " (SELECT MAX(s.started_at_ms) FROM jobs s WHERE s.kind = $1 AND s.account_id = made.account_id),"
                  " made.account_id FROM waiting made WHERE made.account_id IS NOT NULL)"
                  " SELECT id FROM turns WHERE id IS NOT NULL ORDER BY served_ms, account_id LIMIT 1"),
        SQL(SQL_T(wanted->kind), SQL_I(wanted->now_ms)), a, ret_id);
}

err_t meta_job_next_ms(struct meta_tx *tx, slice kind, int64_t now_ms, struct arena *a, int64_t *ret_ms)
{
    int64_t due_ms, lease_ms;
    TRY(tx_int(tx,
               STATEMENT(WAITING
                         " SELECT COALESCE(MIN((SELECT MIN(j.run_at_ms) FROM jobs j WHERE j.kind = $1 AND j.state = 0"
                         " AND j.account_id = made.account_id AND j.run_at_ms > $2)), $3) FROM waiting made"),
               SQL(SQL_T(kind), SQL_I(now_ms), SQL_I(INT64_MAX)), a, &due_ms));
    TRY(tx_int(tx, STATEMENT("SELECT COALESCE(MIN(lease_until_ms), $1) FROM jobs WHERE kind = $2 AND state = 1"),
               SQL(SQL_I(INT64_MAX), SQL_T(kind)), a, &lease_ms));
    *ret_ms = due_ms < lease_ms ? due_ms : lease_ms;
    return NULL;
}

/* ---- a worker ---- */

/* More than a job ever has: only a record that somebody else made does. It tells claims apart, so it must stay an integer. */
#define ATTEMPTS_MAX "1000000000"

err_t meta_job_claim(struct meta_tx *tx, const struct job_wanted *wanted, int64_t id, struct arena *a,
                     struct job *ret_job)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_add_returning(
        tx, "job",
        STATEMENT("UPDATE jobs SET state = $1, lease_owner = $2, started_at_ms = $3, lease_until_ms = $4,"
                  " attempts = CASE WHEN attempts < " ATTEMPTS_MAX
                  " THEN attempts + 1 ELSE 1 END, progress = CASE WHEN subject = '' THEN 0 ELSE progress END,"
                  " total = CASE WHEN subject = '' THEN 0 ELSE total END,"
                  " checkpoint = CASE WHEN subject = '' THEN '' ELSE checkpoint END"
                  " WHERE id = $5 AND kind = $6 AND ((state = 1 AND " IS_FREE(
                      "$7") ") OR (state = 0 AND run_at_ms <= $3 AND NOT " JOBS_IS_BLOCKED ")) RETURNING " COLUMNS),
        SQL(SQL_I(JOB_RUNNING), SQL_T(wanted->owner), SQL_I(wanted->now_ms), SQL_I(wanted->now_ms + wanted->lease_ms),
            SQL_I(id), SQL_T(wanted->kind), SQL_I(latest_lease_end_ms(wanted))),
        a, &c));
    read_job_row(c, a, ret_job);
    tx->jobs.rows |= META_JOB_BIT(id);
    return NULL;
}

/* A claim that no longer holds is not an error of the database: no row matches. */
static err_t claim_lost(struct arena *a)
{
    return err_make(a, ERR_CONFLICT, "another worker has the job");
}

#define HOLDS(id, owner, attempts) "id = " id " AND state = 1 AND lease_owner = " owner " AND attempts = " attempts
#define HOLDS_FROM_2 HOLDS("$2", "$3", "$4")
#define HOLDS_FROM_4 HOLDS("$4", "$5", "$6")
#define HOLDS_FROM_7 HOLDS("$7", "$8", "$9")
#define CLAIM(claim) SQL_I((claim)->id), SQL_T((claim)->owner), SQL_I((claim)->attempts)

err_t meta_job_renew(struct meta_tx *tx, const struct job_claim *claim, int64_t lease_until_ms, struct arena *a,
                     bool *ret_cancel)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    err_t e = tx_add_returning(
        tx, "job", STATEMENT("UPDATE jobs SET lease_until_ms = $1 WHERE " HOLDS_FROM_2 " RETURNING cancel_at_ms"),
        SQL(SQL_I(lease_until_ms), CLAIM(claim)), a, &c);
    if (err_is(e, ERR_NOT_FOUND))
        return claim_lost(a);
    TRY(e);
    *ret_cancel = sql_column_int(c, 0) > 0;
    return NULL;
}

err_t meta_job_note(struct meta_tx *tx, const struct job_claim *claim, const struct job_notes *notes, struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(
        tx,
        STATEMENT(
            "UPDATE jobs SET progress = $1, total = $2, checkpoint = COALESCE($3, checkpoint) WHERE " HOLDS_FROM_4),
        SQL(SQL_I(notes->progress), SQL_I(notes->total), notes->checkpoint.p ? SQL_T(notes->checkpoint) : SQL_NIL,
            CLAIM(claim)),
        a, &changed));
    tx->jobs.rows |= META_JOB_BIT(claim->id);
    return changed ? NULL : claim_lost(a);
}

err_t meta_job_finish(struct meta_tx *tx, const struct job_claim *claim, const struct job *j, enum job_finish when,
                      struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(
        tx,
        STATEMENT("UPDATE jobs SET state = $1, run_at_ms = $2, finished_at_ms = $3, attempts = $4, result = $5,"
                  " error = $6, lease_owner = '', lease_until_ms = 0, cancel_at_ms = 0"
                  " WHERE " HOLDS_FROM_7
                  " AND ($10 = 0 OR ($10 = 1 AND cancel_at_ms = 0) OR ($10 = 2 AND cancel_at_ms > 0))"),
        SQL(SQL_I(j->state), SQL_I(j->run_at_ms), SQL_I(j->finished_at_ms), SQL_I(j->attempts), text(j->result),
            text(j->error), CLAIM(claim), SQL_I(when)),
        a, &changed));
    tx->jobs.wakes = true; /* one of its group may be next */
    tx->jobs.rows |= META_JOB_BIT(claim->id);
    return changed ? NULL : claim_lost(a);
}

/* ---- people ---- */

err_t meta_job_get(struct meta_tx *tx, int64_t id, struct arena *a, struct job *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "job", STATEMENT(JOB " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_job_row(c, a, ret);
    return NULL;
}

err_t meta_job_list(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct job_list *ret)
{
    return tx_list(tx, STATEMENT(JOB " WHERE id > $1 ORDER BY id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_job_row, ret));
}

err_t meta_job_page(struct meta_tx *tx, const struct job_query *q, struct arena *a, struct job_list *ret)
{
    int64_t before_id = q->before_id ? q->before_id : INT64_MAX, limit = (int64_t)q->limit;
    if (!q->account_id)
        return tx_list(tx, STATEMENT(JOB " WHERE id < $1 AND ($2 = -1 OR state = $2) ORDER BY id DESC LIMIT $3"),
                       SQL(SQL_I(before_id), SQL_I(q->state), SQL_I(limit)), a, LIST_OF(read_job_row, ret));
    return tx_list(tx,
                   STATEMENT(JOB " WHERE account_id = $1 AND id < $2 AND ($3 = -1 OR state = $3)"
                                 " ORDER BY id DESC LIMIT $4"),
                   SQL(SQL_I(q->account_id), SQL_I(before_id), SQL_I(q->state), SQL_I(limit)), a,
                   LIST_OF(read_job_row, ret));
}

struct state_count {
    int64_t state, count;
};
struct state_count_list {
    struct state_count *items;
    size_t count;
};

static void read_state_count_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct state_count *)ret = (struct state_count){ sql_column_int(c, 0), sql_column_int(c, 1) };
}

err_t meta_job_counts(struct meta_tx *tx, int64_t account_id, struct arena *a, int64_t ret_counts[JOB_STATES])
{
    struct state_count_list list;
    TRY(tx_list(tx, STATEMENT("SELECT state, COUNT(*) FROM jobs WHERE account_id = $1 AND state <> 2 GROUP BY state"),
                SQL(SQL_I(account_id)), a, LIST_OF(read_state_count_row, &list)));
    for (int i = 0; i < JOB_STATES; i++)
        ret_counts[i] = 0;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].state >= 0 && list.items[i].state < JOB_STATES)
            ret_counts[list.items[i].state] = list.items[i].count;
    return NULL;
}

static err_t change_state(struct meta_tx *tx, const struct sql_statement *statement, int64_t id, int64_t now_ms,
                          struct arena *a)
{
    int64_t changed;
    TRY(tx_add_counted(tx, statement, SQL(SQL_I(now_ms), SQL_I(id)), a, &changed));
    tx->jobs.wakes = true;
    tx->jobs.rows |= META_JOB_BIT(id);
    return changed ? NULL : err_make(a, ERR_CONFLICT, "the job is in another state");
}

err_t meta_job_retry(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return change_state(
        tx, STATEMENT("UPDATE jobs SET state = 0, run_at_ms = $1, attempts = 0 WHERE id = $2 AND state IN (0, 3, 4)"),
        id, now_ms, a);
}

err_t meta_job_cancel(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return change_state(tx,
                        STATEMENT("UPDATE jobs SET state = CASE WHEN state = 0 THEN 4 ELSE state END,"
                                  " finished_at_ms = CASE WHEN state = 0 THEN $1 ELSE finished_at_ms END,"
                                  " cancel_at_ms = CASE WHEN state = 1 THEN $1 ELSE 0 END"
                                  " WHERE id = $2 AND (state = 1 OR (state = 0 AND subject <> ''))"),
                        id, now_ms, a);
}

err_t meta_job_forget(struct meta_tx *tx, int64_t before_ms, size_t limit, struct arena *a, int64_t *ret_count)
{
    return tx_add_counted(
        tx,
        STATEMENT("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state >= 2 AND finished_at_ms < $1"
                  " ORDER BY finished_at_ms, id LIMIT $2)"),
        SQL(SQL_I(before_ms), sql_limit(limit)), a, ret_count);
}

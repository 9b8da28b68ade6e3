/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/job_store.h"
#include "core/records/job.h"
#include "meta/statement_priv.h"

#define JOB                                                                                                            \
    "SELECT id, kind, subject, state, run_at_ms, started_at_ms, finished_at_ms, attempts, progress, total,"            \
    " error FROM jobs"

static void read_job_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct job *)ret = (struct job){
        .id = sql_column_int(c, 0),
        .kind = sql_column_copy(c, 1, a),
        .subject = sql_column_copy(c, 2, a),
        .state = (enum job_state)sql_column_int(c, 3),
        .run_at_ms = sql_column_int(c, 4),
        .started_at_ms = sql_column_int(c, 5),
        .finished_at_ms = sql_column_int(c, 6),
        .attempts = sql_column_int(c, 7),
        .progress = sql_column_int(c, 8),
        .total = sql_column_int(c, 9),
        .error = sql_column_copy(c, 10, a),
    };
}

err_t meta_job_add(struct meta_tx *tx, const struct job *j, struct arena *a, int64_t *ret_id)
{
    return tx_insert(
        tx,
        STATEMENT("INSERT INTO jobs (kind, subject, state, run_at_ms, started_at_ms, finished_at_ms, attempts,"
                  " progress, total, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
        SQL(SQL_T(j->kind), SQL_T(j->subject), SQL_I(j->state), SQL_I(j->run_at_ms), SQL_I(j->started_at_ms),
            SQL_I(j->finished_at_ms), SQL_I(j->attempts), SQL_I(j->progress), SQL_I(j->total), SQL_T(j->error)),
        a, ret_id);
}

/* A job without a subject is periodic. In older versions a periodic job could end as DONE or FAILED. */
err_t meta_job_ensure(struct meta_tx *tx, slice kind, int64_t run_at_ms, struct arena *a)
{
    TRY(tx_change(tx, STATEMENT("UPDATE jobs SET state = 0 WHERE kind = $1 AND state = 1"), SQL(SQL_T(kind)), a, NULL));
    TRY(tx_change(tx,
                  STATEMENT("UPDATE jobs SET state = 0, run_at_ms = $1 WHERE kind = $2 AND subject = '' AND state > 1"),
                  SQL(SQL_I(run_at_ms), SQL_T(kind)), a, NULL));
    int64_t there;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM jobs WHERE kind = $1 AND subject = ''"), SQL(SQL_T(kind)), a,
               &there));
    if (there)
        return NULL;
    struct job job = { .kind = kind, .run_at_ms = run_at_ms };
    int64_t id;
    return meta_job_add(tx, &job, a, &id);
}

err_t meta_job_due(struct meta_tx *tx, int64_t now_ms, struct arena *a, struct job *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "job", STATEMENT(JOB " WHERE state = 0 AND run_at_ms <= $1 ORDER BY run_at_ms, id LIMIT 1"),
               SQL(SQL_I(now_ms)), a, &c));
    read_job_row(c, a, ret);
    return NULL;
}

err_t meta_job_save(struct meta_tx *tx, const struct job *j, struct arena *a)
{
    return tx_change_one(
        tx, "job",
        STATEMENT("UPDATE jobs SET state = $1, run_at_ms = $2, started_at_ms = $3, finished_at_ms = $4,"
                  " attempts = $5, progress = $6, total = $7, error = $8 WHERE id = $9"),
        SQL(SQL_I(j->state), SQL_I(j->run_at_ms), SQL_I(j->started_at_ms), SQL_I(j->finished_at_ms), SQL_I(j->attempts),
            SQL_I(j->progress), SQL_I(j->total), SQL_T(j->error), SQL_I(j->id)),
        a);
}

err_t meta_job_list(struct meta_tx *tx, struct arena *a, struct job_list *ret)
{
    return tx_list(tx, STATEMENT(JOB " ORDER BY id"), SQL_NO_VALUES, a, LIST_OF(read_job_row, ret));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Background jobs. Every change of a state is one statement that names the state it expects, so that several workers,
 * in one process or in several, may work on the same rows. The second of two callers gets NOT_FOUND or CONFLICT and
 * changes nothing. A commit that queued a job, asked a run to stop, or changed the state or the notes of a job, calls the
 * function given to meta_on_jobs. */
#ifndef CAIS_CORE_STORE_JOB_STORE_H
#define CAIS_CORE_STORE_JOB_STORE_H

#include "core/records/job.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* ---- adding ---- */

/* Adds a job that is QUEUED: kind, subject, account_id, group, payload, created_at_ms and run_at_ms are taken. */
MUST_USE err_t meta_job_add(struct meta_tx *, const struct job *, struct arena *a, int64_t *ret_id);
/* Adds the periodic job of a kind, due at now_ms, when there is none. */
MUST_USE err_t meta_job_ensure(struct meta_tx *, slice kind, int64_t now_ms, struct arena *a);
/* *ret_has: a job of that group is QUEUED or RUNNING. */
MUST_USE err_t meta_job_has_group(struct meta_tx *, slice group, struct arena *a, bool *ret_has);
/* Makes the periodic job of a kind due now, if it waits. */
MUST_USE err_t meta_job_start(struct meta_tx *, slice kind, int64_t now_ms, struct arena *a);
/* Makes jobs of a kind due now that wait until after latest_ms because of the clock, which was ahead when they were
 * queued again: the periodic one, and those that wait for another attempt. */
MUST_USE err_t meta_job_advance(struct meta_tx *, slice kind, int64_t now_ms, int64_t latest_ms, struct arena *a);
/* Ends every lease of a kind now. For a process that knows that no other process has the store, so that the owners of
 * the leases have ended. */
MUST_USE err_t meta_job_end_leases(struct meta_tx *, slice kind, int64_t now_ms, struct arena *a);

/* ---- a worker: claim, note, finish ---- */

/* The jobs that a worker can claim. */
struct job_wanted {
    slice kind;
    slice owner; /* the name of the worker; jobs still RUNNING under it may be claimed */
    int64_t now_ms;
    int64_t lease_ms; /* a lease that ends later than now_ms + 2 * lease_ms was written by a clock that was ahead: it is
                         over. One that began up to lease_ms after now_ms is valid */
};
/* The job that the worker should claim: a job whose lease has ended, if there is one. Otherwise a QUEUED job that is
 * due: of the account that was served least recently, the first of the groups that took the fewest turns, and of these the job that
 * was due first. A job waits while an earlier one of its group is QUEUED or RUNNING. NOT_FOUND when there is none. */
MUST_USE err_t meta_job_find(struct meta_tx *, const struct job_wanted *, struct arena *a, int64_t *ret_id);
/* Makes that job RUNNING until now_ms + lease_ms, with one attempt more. NOT_FOUND when another worker has it. */
MUST_USE err_t meta_job_claim(struct meta_tx *, const struct job_wanted *, int64_t id, struct arena *a,
                              struct job *ret_job);
/* Extends the lease; *ret_cancel: the run was asked to stop. CONFLICT when the claim no longer holds. */
MUST_USE err_t meta_job_renew(struct meta_tx *, const struct job_claim *, int64_t lease_until_ms, struct arena *a,
                              bool *ret_cancel);
/* Writes progress and total, and the checkpoint unless it is NULL (.p). CONFLICT when the claim no longer holds. */
MUST_USE err_t meta_job_note(struct meta_tx *, const struct job_claim *, const struct job_notes *, struct arena *a);
enum job_finish { JOB_FINISH_ALWAYS, JOB_FINISH_UNLESS_CANCELLED, JOB_FINISH_IF_CANCELLED };
/* Ends the claim: writes state, run_at_ms, finished_at_ms, attempts, result and error of the job. Cancelled: the run
 * was asked to stop. CONFLICT when the claim no longer holds, or when that is not as expected. */
MUST_USE err_t meta_job_finish(struct meta_tx *, const struct job_claim *, const struct job *, enum job_finish,
                               struct arena *a);
/* When a worker should look for jobs of the kind again, if nothing is added: the earliest time after now_ms at which a
 * job is due or a lease ends. INT64_MAX: there is none. */
MUST_USE err_t meta_job_next_ms(struct meta_tx *, slice kind, int64_t now_ms, struct arena *a, int64_t *ret_ms);

/* ---- people ---- */

MUST_USE err_t meta_job_get(struct meta_tx *, int64_t id, struct arena *a, struct job *ret);
/* Jobs by id, ascending. */
MUST_USE err_t meta_job_list(struct meta_tx *, const struct id_page *, struct arena *a, struct job_list *ret);
/* How many jobs of the account are in each state, as counts[state]; those that are DONE are not counted. */
enum { JOB_STATES = JOB_CANCELLED + 1 };
MUST_USE err_t meta_job_counts(struct meta_tx *, int64_t account_id, struct arena *a, int64_t ret_counts[JOB_STATES]);
/* Newest first. */
MUST_USE err_t meta_job_page(struct meta_tx *, const struct job_query *, struct arena *a, struct job_list *ret);
/* FAILED, CANCELLED or QUEUED becomes QUEUED and due now, with no attempts made; the notes stay. CONFLICT in another
 * state. */
MUST_USE err_t meta_job_retry(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* A QUEUED job that is not periodic becomes CANCELLED; a RUNNING job is asked to stop. CONFLICT otherwise. */
MUST_USE err_t meta_job_cancel(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Removes at most `limit` jobs that are DONE, FAILED or CANCELLED and finished before that time. */
MUST_USE err_t meta_job_forget(struct meta_tx *, int64_t before_ms, size_t limit, struct arena *a, int64_t *ret_count);

#endif

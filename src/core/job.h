/* SPDX-License-Identifier: Apache-2.0 */
/* Background jobs: rows of the metadata store, so that they survive a restart.
 *
 *   job_add, meta_job_ensure
 *      │
 *      ▼  meta_job_claim                meta_job_finish:
 *   QUEUED ──────────────► RUNNING ───────────────────────────► DONE       the run succeeded
 *    │ ▲ ▲                  │ │ └─────────────────────────────► FAILED     its last attempt failed
 *    │ │ │                  │ └───────────────────────────────► CANCELLED  job_cancel, and the run stopped or failed
 *    │ │ └──────────────────┘                                     ▲
 *    │ │   failed: after the back-off, or as the run postponed it;│
 *    │ │   periodic: after the period;                            │
 *    │ │   the server stops: at once                              │
 *    └─┼──────────────────────────────────────────────────────────┘  job_cancel
 *      └──── FAILED, CANCELLED: job_retry
 *
 * DONE, FAILED and CANCELLED are final: only job_retry, which a person asks for, leaves the last two. A periodic job is
 * never in one of them. A job that is RUNNING has a lease; when its worker no longer renews it, because its process
 * ended, another worker claims the job as it stands (RUNNING → RUNNING), and that counts as another attempt. So each
 * run can be interrupted at any instant and repeated.
 *
 * src/jobs has the workers and the kinds. Thread: any, unless stated otherwise. */
#ifndef CAIS_CORE_JOB_H
#define CAIS_CORE_JOB_H

#include "core/core.h"
#include "core/records/job.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* ---- adding ---- */

struct job_request {
    slice kind;         /* a kind that some worker can run; until there is such a worker, the job waits */
    slice subject;      /* not empty */
    int64_t account_id; /* the jobs of accounts run in turn; 0: a job of the server itself */
    slice group;        /* jobs of the same group run one after the other, in the order they were added; may be empty */
    slice payload;      /* may be empty */
    int64_t run_at_ms;  /* 0: now */
};
/* Adds a job inside the caller's write, so that the job exists exactly if the change that needs it is committed. The
 * commit wakes the workers of this process. Errors: those of the store. */
MUST_USE err_t job_add(struct core *, struct meta_tx *, const struct job_request *, struct arena *a, int64_t *ret_id);

/* Inside the caller's write: makes the periodic job of a kind due now, and the commit wakes the workers of this process. A run
 * that does not see the change any more is followed by one after the period. Errors: those of the store. */
MUST_USE err_t job_start(struct core *, struct meta_tx *, slice kind, struct arena *a);

/* ---- people ---- */

/* A page of the jobs, by id. Errors: those of the store. */
MUST_USE err_t job_list(struct core *, const struct id_page *, struct arena *a, struct job_list *ret);
/* One job of the account; account_id 0: of any account, or of the server itself. Errors: NOT_FOUND there is none; those of the
 * store. Fit for a loop. */
MUST_USE err_t job_get(struct core *, int64_t account_id, int64_t id, struct arena *a, struct job *ret);
/* A page of the jobs of an account, newest first. Errors: those of the store. */
MUST_USE err_t job_page(struct core *, const struct job_query *, struct arena *a, struct job_list *ret);
/* How many jobs of an account wait, run, and have failed for good. Errors: those of the store. */
struct job_counts {
    int64_t queued, running, failed;
};
MUST_USE err_t job_count(struct core *, int64_t account_id, struct arena *a, struct job_counts *ret);
/* "queued", "running", "done", "failed", "cancelled"; "unknown" for another number. Static. */
const char *job_state_name(enum job_state);
/* Makes a job due now that failed, was cancelled, or waits. Its next run continues from its notes. `who` is in the
 * audit log. Errors: NOT_FOUND; CONFLICT it runs, or is done; those of the store. */
MUST_USE err_t job_retry(struct core *, const struct principal *who, int64_t id, struct arena *a);
/* Cancels a job that waits, or asks one that runs to stop: it is CANCELLED when its run has noticed. A periodic job
 * that runs stops, too, and waits for its next period. *ret_runs: it was asked to stop.
 * Errors: NOT_FOUND; CONFLICT it has ended, or is periodic and waits; those of the store. */
MUST_USE err_t job_cancel(struct core *, const struct principal *who, int64_t id, struct arena *a, bool *ret_runs);

/* ---- a run ---- */

enum job_stop { JOB_GOES_ON, JOB_STOP_SERVER, JOB_STOP_CANCEL, JOB_STOP_LOST };

/* A run of a job. Its worker creates it, and one thread uses it. The functions below accept NULL, for work outside of a
 * job: then they report nothing, and nothing stops the work. */
struct job_run {
    struct core *core;
    struct job job;         /* as it was claimed */
    struct job_notes notes; /* a periodic job begins without any, others with those of the attempt before */
    slice result;           /* may be set by the run, in its arena; ends up in the row when it succeeds */
    void *context;          /* of its kind */
    int64_t
        postpone_ms; /* may be set by a run that fails for a reason that passes: this is no attempt, and the next one
                               follows after this time */
    int64_t
        next_at_ms; /* may be set by a periodic run that succeeds: it is due again then, if that is before the period has passed;
                           0: no matter */
    /* used by job.c and the worker */
    struct job_claim claim;
    const bool *is_ending;     /* the server stops; atomic */
    int64_t lease_ms;          /* of each renewal */
    int64_t lease_until_ms;    /* as last written */
    int64_t renewed_at_ms;     /* when it was written */
    uint64_t changes;          /* job_changes as of the last look at the row */
    enum job_stop stop_reason; /* as far as it is known */
    bool stop_reported;        /* job_is_stopping has reported it */
    bool is_exact;             /* only job_note writes the notes */
};
/* Must the run end early because the server stops, the job was cancelled, or the lease was lost? Call it between two
 * steps of the work, each of which takes a second or less, because it also renews the lease. Once it is true it stays
 * true. The run then returns soon, and its result is ignored. Not inside a write or while a snapshot is open. */
bool job_is_stopping(struct job_run *);
/* Reports the progress of the run. It is written to the row within about a second, and when the run ends. Not inside a
 * write or while a snapshot is open, and not by a run that uses job_note. */
void job_progress(struct job_run *, int64_t done, int64_t total);
/* The same, with so many items more than before. */
void job_advance(struct job_run *, int64_t items);
/* One write after the other, each of which changes at most `size` items and says in *count how many, until one has fewer left
 * or the run must end. They are the progress of the run, which may be NULL. Errors: those of `apply`, in `a`. */
struct job_pieces {
    meta_apply_fn *apply;
    void *arg;
    const int64_t *count;
    int64_t size;
};
MUST_USE err_t job_write_pieces(struct core *, struct job_run *, const struct job_pieces *, struct arena *a);
/* Writes the notes inside a write of the run, so that they describe exactly the changes that are committed with them.
 * After a crash the next attempt finds them in run->notes and continues from there. Errors: CONFLICT the lease was
 * lost: return it, so that the write is undone; those of the store. */
MUST_USE err_t job_note(struct meta_tx *, struct job_run *, const struct job_notes *, struct arena *a);

/* Forgets jobs that ended longer ago than core_options.finished_jobs_kept_ms. Errors: those of the store. */
MUST_USE err_t job_forget_finished(struct core *, struct job_run *, struct arena *a);

/* ---- waking ---- */

/* A number that rises with each commit that queued a job or asked one to stop, and with job_wake. */
uint64_t job_changes(struct core *);
/* A number that rises with each commit of this process that added the job or changed its state, its progress or its outcome. Some
 * other jobs share it, so it may rise without such a change. Who reads it before the row, and the row again when it has risen,
 * misses no change. Fit for a loop: it costs one load. */
uint64_t job_row_changes(struct core *, int64_t id);
/* Called after each commit of this process that may have changed rows of jobs, when job_row_changes has risen: a bit for each of
 * them, JOB_ROW_BIT of its id. On the committer's thread; it must not block. */
struct job_listener {
    void (*rows_changed)(struct job_listener *, uint64_t rows);
    struct job_listener *next; /* of core */
};
#define JOB_ROW_BIT(id) META_JOB_BIT(id)
void job_listen(struct core *, struct job_listener *);
/* When this returns, the function does not run and is not called any more. One that does not listen is fine. */
void job_unlisten(struct core *, struct job_listener *);
/* Waits until the number differs from `seen`, at most for that time. */
void job_wait(struct core *, uint64_t seen, int64_t ms);
void job_wake(struct core *);

#endif

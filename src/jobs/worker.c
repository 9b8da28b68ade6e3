/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/worker.h"

#include "core/store/job_store.h"
#include "core/store/transaction.h"

#define CLAIM_TRIES_MAX 100 /* each lost try is a job that another worker claimed */

/* ---- the claim ---- */

static err_t find_job(struct worker *w, const struct job_wanted *wanted, struct arena *a, int64_t *ret_id)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(w->core->meta, a, &tx));
    return meta_job_find(tx, wanted, a, ret_id);
}

struct claiming {
    const struct job_wanted *wanted;
    int64_t id;
    struct job job;
    struct arena *a; /* of the job */
};

static err_t apply_job_claim(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct claiming *c = arg;
    (void)a;
    return meta_job_claim(tx, c->wanted, c->id, c->a, &c->job);
}

static err_t claim_job(struct worker *w, const struct job_kind *kind, struct arena *a, struct job *ret_job)
{
    struct job_wanted wanted = {
        .kind = slice_of(kind->name), .owner = w->owner, .now_ms = core_now_ms(w->core), .lease_ms = JOB_LEASE_MS
    };
    struct claiming c = { .wanted = &wanted, .a = a };
    for (int i = 0; i < CLAIM_TRIES_MAX; i++) {
        TRY(find_job(w, &wanted, a, &c.id));
        err_t e = meta_write(w->core->meta, apply_job_claim, &c, a);
        if (err_is(e, ERR_NOT_FOUND))
            continue; /* another worker claimed it first */
        TRY(e);
        *ret_job = c.job;
        return NULL;
    }
    return err_make(a, ERR_CORRUPT, "job %lld of kind %s is due, and cannot be claimed", (long long)c.id, kind->name);
}

/* ---- the outcome ---- */

/* The time until the next attempt: half of it is fixed and half random, so that jobs that failed together are not
 * retried together. */
static int64_t back_off_ms(struct core *core, const struct job_kind *kind, int64_t attempts)
{
    int64_t ms = kind->retry_first_ms;
    for (int64_t i = 1; i < attempts && ms < kind->retry_max_ms; i++)
        ms *= 2;
    if (ms > kind->retry_max_ms)
        ms = kind->retry_max_ms;
    uint64_t number;
    random_fill(core->random, &number, sizeof number);
    return ms / 2 + (int64_t)(number % (uint64_t)(ms - ms / 2 + 1));
}

static void end_cancelled(struct job *job, const struct job_kind *kind)
{
    job->error = S("");
    if (kind->period_ms) {
        job->state = JOB_QUEUED;
        job->attempts = 0;
        job->run_at_ms = job->finished_at_ms + kind->period_ms;
    } else {
        job->state = JOB_CANCELLED;
    }
}

static void end_interrupted(struct job *job)
{
    job->state = JOB_QUEUED;
    job->attempts--; /* it did not fail */
    job->run_at_ms = job->finished_at_ms;
}

/* It failed, but not for good. */
static void end_postponed(struct job *job, int64_t postpone_ms, slice error)
{
    job->error = error;
    job->state = JOB_QUEUED;
    job->attempts--;
    job->run_at_ms = job->finished_at_ms + postpone_ms;
}

static void end_failed(struct core *core, struct job *job, const struct job_kind *kind, slice error)
{
    bool is_last = kind->max_attempts && job->attempts >= kind->max_attempts;
    job->error = error;
    job->state = is_last ? JOB_FAILED : JOB_QUEUED;
    if (!is_last)
        job->run_at_ms = job->finished_at_ms + back_off_ms(core, kind, job->attempts);
}

static void end_done(struct job *job, const struct job_kind *kind, const struct job_run *run)
{
    slice result = run->result;
    job->error = S("");
    job->result = result;
    job->state = kind->period_ms ? JOB_QUEUED : JOB_DONE;
    if (kind->period_ms) {
        job->attempts = 0;
        job->run_at_ms = job->finished_at_ms + kind->period_ms;
        if (run->next_at_ms && run->next_at_ms < job->run_at_ms)
            job->run_at_ms = run->next_at_ms;
    }
}

/* The row after the run, unless the claim was lost. */
static struct job outcome_of(const struct job_run *run, const struct job_kind *kind, err_t failure, struct arena *a)
{
    struct job job = run->job;
    job.finished_at_ms = core_now_ms(run->core);
    if (run->stop_reported && run->stop_reason == JOB_STOP_CANCEL)
        end_cancelled(&job, kind);
    else if (run->stop_reported && run->stop_reason == JOB_STOP_SERVER)
        end_interrupted(&job);
    else if (failure && run->postpone_ms)
        end_postponed(&job, run->postpone_ms, err_text_for_people(a, failure));
    else if (failure)
        end_failed(run->core, &job, kind, err_text_for_people(a, failure));
    else
        end_done(&job, kind, run);
    return job;
}

struct run_ending {
    const struct job_run *run;
    struct job job;          /* the outcome */
    bool unless_cancelled;   /* the outcome is not the end of the work: a job that was cancelled meanwhile becomes */
    struct job if_cancelled; /* this */
};

static err_t apply_job_finish(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct run_ending *f = arg;
    const struct job_run *run = f->run;
    struct job_notes notes = run->notes;
    notes.checkpoint = (slice){ 0 };
    if (!run->is_exact)
        TRY(meta_job_note(tx, &run->claim, &notes, a));
    if (!f->unless_cancelled)
        return meta_job_finish(tx, &run->claim, &f->job, JOB_FINISH_ALWAYS, a);
    err_t e = meta_job_finish(tx, &run->claim, &f->job, JOB_FINISH_UNLESS_CANCELLED, a);
    return err_is(e, ERR_CONFLICT) ? meta_job_finish(tx, &run->claim, &f->if_cancelled, JOB_FINISH_IF_CANCELLED, a) : e;
}

/* CONFLICT: another worker has the job. */
static err_t finish_job(const struct job_run *run, const struct job_kind *kind, err_t failure, struct arena *a)
{
    struct run_ending f = { .run = run, .job = outcome_of(run, kind, failure, a) };
    f.unless_cancelled = failure || run->stop_reason == JOB_STOP_SERVER;
    f.if_cancelled = f.job;
    end_cancelled(&f.if_cancelled, kind);
    return meta_write(run->core->meta, apply_job_finish, &f, a);
}

static void log_outcome(struct worker *w, const struct job_run *run, const struct job_kind *kind, err_t failure)
{
    if (!w->log)
        return;
    SCRATCH(a);
    if (run->stop_reason == JOB_STOP_LOST)
        log_line(w->log, LOG_WARNING, "job lost its lease", LOG_S("job", slice_of(kind->name)),
                 LOG_I("id", run->job.id));
    else if (run->stop_reported && run->stop_reason == JOB_STOP_CANCEL)
        log_line(w->log, LOG_INFO, "job cancelled", LOG_S("job", slice_of(kind->name)), LOG_I("id", run->job.id));
    else if (!run->stop_reported && failure)
        log_error(w->log, arena_printf(&a, "job %s failed", kind->name).p, failure);
    else if (run->notes.progress > 0)
        log_line(w->log, LOG_INFO, "job done", LOG_S("job", slice_of(kind->name)), LOG_I("items", run->notes.progress));
}

/* ---- one job ---- */

/* A claimed job may be one that must not run any more: it was cancelled, or had its last attempt, when its process
 * ended. */
static err_t run_claimed(struct job_run *run, const struct job_kind *kind, struct arena *a)
{
    if (run->job.cancel_at_ms) {
        run->stop_reason = JOB_STOP_CANCEL;
        run->stop_reported = true;
        return NULL;
    }
    if (kind->max_attempts && run->job.attempts > kind->max_attempts)
        return err_make(a, ERR_UNAVAILABLE, "the server ended while the job ran, in the last of its attempts");
    return kind->run(run, a);
}

err_t worker_run_one(struct worker *w, const struct job_kind *kind, struct arena *a, err_t *ret_failure)
{
    uint64_t changes = job_changes(w->core);
    struct job job;
    TRY(claim_job(w, kind, a, &job));
    struct job_run run = {
        .core = w->core,
        .job = job,
        .notes = { job.progress, job.total, job.checkpoint }, /* the claim of a periodic job has cleared them */
        .context = kind->context,
        .claim = { job.id, w->owner, job.attempts },
        .is_ending = w->is_ending,
        .lease_ms = JOB_LEASE_MS,
        .lease_until_ms = job.lease_until_ms,
        .renewed_at_ms = job.started_at_ms,
        .changes = changes,
    };
    err_t failure = run_claimed(&run, kind, a), e = NULL;
    if (run.stop_reason != JOB_STOP_LOST)
        e = finish_job(&run, kind, failure, a);
    if (err_is(e, ERR_CONFLICT)) {
        run.stop_reason = JOB_STOP_LOST;
        e = NULL;
    }
    log_outcome(w, &run, kind, failure);
    *ret_failure = run.stop_reported || run.stop_reason == JOB_STOP_LOST ? NULL : failure;
    return e;
}

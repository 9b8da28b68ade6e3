/* SPDX-License-Identifier: Apache-2.0 */
/*          due                     ok: run_at = now + every
 * QUEUED ───────► RUNNING ─────────────────────────────────► QUEUED
 *                    │               failed: run_at = now + a minute, attempts + 1, error
 *                    └─────────────────────────────────────► QUEUED
 * A job that was RUNNING when the server died becomes QUEUED again by meta_job_ensure. Every kind can be interrupted at any
 * instant and run again, because each of its writes is complete in itself. */
#include "jobs/jobs.h"

#include "core/store/job_store.h"
#include "core/store/transaction.h"
#include "jobs/kinds.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { KINDS = 4, RETRY_MS = MINUTE };
/* The thread looks at the clock at least this often, because somebody may set the wall clock while it waits. */
enum { MAX_WAIT_MS = MINUTE };

struct job_kind {
    slice name;
    err_t (*work)(struct core *, struct arena *, int64_t *ret_items);
    int64_t every_ms;
};

struct jobs {
    struct core *core;
    struct log *log;
    struct job_kind kinds[KINDS];
    pthread_t thread;
    bool started;
    bool rows_unsure; /* a job's row could not be written, so it may still say RUNNING */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop; /* under mutex */
};

static const struct job_kind *kind_of(const struct jobs *jobs, slice name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (slice_eq(jobs->kinds[i].name, name))
            return &jobs->kinds[i];
    return NULL;
}

/* Make a job for each kind that has none, and run a job now when it is due later than its interval allows: if the wall
 * clock was years ahead for a while, the next run must not wait for years. */
static err_t apply_ensure_jobs(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct jobs *jobs = arg;
    int64_t now_ms = core_now_ms(jobs->core);
    for (size_t i = 0; i < KINDS; i++)
        TRY(meta_job_ensure(tx, jobs->kinds[i].name, now_ms, a));
    struct job_list list;
    TRY(meta_job_list(tx, a, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct job *job = &list.items[i];
        const struct job_kind *kind = kind_of(jobs, job->kind);
        int64_t max_ms = kind && kind->every_ms > RETRY_MS ? kind->every_ms : RETRY_MS;
        if (job->subject.n || job->run_at_ms - now_ms <= max_ms)
            continue;
        job->run_at_ms = now_ms;
        TRY(meta_job_save(tx, job, a));
    }
    return NULL;
}

static int64_t or_default(int64_t every_ms, int64_t otherwise)
{
    return every_ms > 0 ? every_ms : otherwise;
}

err_t jobs_new(struct core *core, const struct jobs_options *options, struct arena *a, struct jobs **ret_jobs)
{
    struct jobs *jobs = must_malloc(sizeof *jobs);
    *jobs = (struct jobs){
        .core = core,
        .log = options->log,
        .kinds = { { S("purge"), kind_purge, or_default(options->purge_every_ms, MINUTE) },
                   { S("garbage"), kind_garbage, or_default(options->garbage_every_ms, 5 * MINUTE) },
                   { S("sweep"), kind_sweep, or_default(options->sweep_every_ms, 6 * HOUR) },
                   { S("tokens"), kind_tokens, or_default(options->tokens_every_ms, HOUR) } },
    };
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&jobs->mutex, NULL);
    err_t e = meta_write(core->meta, apply_ensure_jobs, jobs, a);
    if (e) {
        jobs_free(jobs);
        return e;
    }
    *ret_jobs = jobs;
    return NULL;
}

/* ---- one job ---- */

static err_t apply_save_job(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_job_save(tx, arg, a);
}

static void log_outcome(struct jobs *jobs, const struct job_kind *kind, err_t failure, int64_t items)
{
    if (!jobs->log)
        return;
    SCRATCH(a);
    if (failure)
        log_error(jobs->log, arena_printf(&a, "job " SLICE_FMT " failed", SLICE_ARG(kind->name)).p, failure);
    else if (items > 0)
        log_line(jobs->log, LOG_INFO, "job done", LOG_S("job", kind->name), LOG_I("items", items));
}

/* Returns an error only when the row of the job could not be written. ret_failure is the failure of the job itself. */
static err_t run_job(struct jobs *jobs, struct job *job, struct arena *a, err_t *ret_failure)
{
    struct core *core = jobs->core;
    const struct job_kind *kind = kind_of(jobs, job->kind);
    job->state = JOB_RUNNING;
    job->started_at_ms = core_now_ms(core);
    TRY(meta_write(core->meta, apply_save_job, job, a));

    int64_t items = 0;
    err_t failure = kind ? kind->work(core, a, &items) : err_make(a, ERR_UNSUPPORTED, "no such kind of job");
    if (kind)
        log_outcome(jobs, kind, failure, items);

    job->finished_at_ms = core_now_ms(core);
    job->state = kind ? JOB_QUEUED : JOB_FAILED;
    job->progress = items;
    job->attempts = failure ? job->attempts + 1 : 0;
    job->error = failure ? err_text(a, failure) : S("");
    job->run_at_ms = job->finished_at_ms + (failure || !kind ? RETRY_MS : kind->every_ms);
    *ret_failure = failure;
    return meta_write(core->meta, apply_save_job, job, a);
}

static err_t find_due_job(struct jobs *jobs, struct arena *a, struct job *ret_job)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(jobs->core->meta, a, &tx));
    return meta_job_due(tx, core_now_ms(jobs->core), a, ret_job);
}

static bool is_stopping(struct jobs *jobs)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&jobs->mutex);
    return jobs->stop;
}

err_t jobs_run_due(struct jobs *jobs, struct arena *a)
{
    err_t first = NULL;
    if (jobs->rows_unsure)
        TRY(meta_write(jobs->core->meta, apply_ensure_jobs, jobs, a));
    jobs->rows_unsure = false;
    while (!is_stopping(jobs)) {
        SCRATCH(scratch);
        struct job job;
        err_t failure = NULL, e = find_due_job(jobs, &scratch, &job);
        if (err_is(e, ERR_NOT_FOUND))
            break;
        if (!e)
            e = run_job(jobs, &job, &scratch, &failure);
        if (!first && (e || failure))
            first = err_copy(a, e ? e : failure);
        if (e) {
            jobs->rows_unsure = true;
            break;
        }
    }
    return first;
}

/* ---- the thread ---- */

/* How long the thread may wait until the next job is due. */
static int64_t next_wait_ms(struct jobs *jobs)
{
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct job_list list;
    int64_t wait_ms = MAX_WAIT_MS;
    if (meta_read_begin(jobs->core->meta, &a, &tx) || meta_job_list(tx, &a, &list))
        return SECOND; /* the store fails now: ask it again soon */
    for (size_t i = 0; i < list.count; i++) {
        int64_t left = list.items[i].run_at_ms - core_now_ms(jobs->core);
        if (list.items[i].state == JOB_QUEUED && left < wait_ms)
            wait_ms = left;
    }
    return wait_ms > 1 ? wait_ms : 1;
}

/* Wait until the time is over or jobs_free stops the thread. */
static void wait_unless_stopped(struct jobs *jobs, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / SECOND;
    until.tv_nsec += ms % SECOND * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    SCOPED(unlockp) pthread_mutex_t *held = lock(&jobs->mutex);
    while (!jobs->stop && pthread_cond_timedwait(&jobs->wake, &jobs->mutex, &until) != ETIMEDOUT) {
    }
}

static void *run_jobs_thread(void *arg)
{
    struct jobs *jobs = arg;
    while (!is_stopping(jobs)) {
        SCRATCH(a);
        err_t e = jobs_run_due(jobs, &a);
        /* After an error the thread waits, too, so that a store that fails does not make it spin. */
        wait_unless_stopped(jobs, e ? SECOND : next_wait_ms(jobs));
    }
    return NULL;
}

void jobs_start(struct jobs *jobs)
{
    int failed = pthread_create(&jobs->thread, NULL, run_jobs_thread, jobs);
    assert(!failed);
    jobs->started = true;
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->stop = true;
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    if (jobs->started)
        pthread_join(jobs->thread, NULL);
    pthread_mutex_destroy(&jobs->mutex);
    pthread_cond_destroy(&jobs->wake);
    free(jobs);
}

err_t jobs_list(struct core *core, struct arena *a, struct job_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_job_list(tx, a, ret);
}

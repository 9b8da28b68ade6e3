/* SPDX-License-Identifier: Apache-2.0 */
/*          due                     ok: run_at = now + every
 * QUEUED ───────► RUNNING ─────────────────────────────────► QUEUED
 *                    │               failed: run_at = now + a minute, attempts + 1, error
 *                    └─────────────────────────────────────► QUEUED
 * RUNNING when the server died: QUEUED again by meta_job_ensure. Every kind may be stopped at any instant and begun
 * again: each of its writes is whole. */
#include "jobs/jobs.h"

#include "core/store/job_store.h"
#include "core/store/transaction.h"
#include "jobs/kinds.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { KINDS = 4, RETRY_MS = MINUTE, LONGEST_WAIT_MS = MINUTE /* the wall clock may be set meanwhile */ };

struct kind {
    slice name;
    err_t (*run)(struct core *, struct arena *, int64_t *ret_done);
    int64_t every_ms;
};

struct jobs {
    struct core *core;
    struct log *log;
    struct kind kinds[KINDS];
    pthread_t thread;
    bool started;
    bool unsure; /* a job's row could not be kept: it may stand at RUNNING */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop; /* under mutex */
};

static const struct kind *kind_of(const struct jobs *jobs, slice name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (slice_eq(jobs->kinds[i].name, name))
            return &jobs->kinds[i];
    return NULL;
}

/* Each kind has its job, and none waits longer than it ever would: a wall clock that was years ahead for a while must
 * not put off the next run for years. */
static err_t ensure_all(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct jobs *jobs = arg;
    int64_t now_ms = core_now_ms(jobs->core);
    for (size_t i = 0; i < KINDS; i++)
        TRY(meta_job_ensure(tx, jobs->kinds[i].name, now_ms, a));
    struct job_list list;
    TRY(meta_job_list(tx, a, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct job *job = &list.items[i];
        const struct kind *kind = kind_of(jobs, job->kind);
        int64_t longest = kind && kind->every_ms > RETRY_MS ? kind->every_ms : RETRY_MS;
        if (job->subject.n || job->run_at_ms - now_ms <= longest)
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
    err_t e = meta_write(core->meta, ensure_all, jobs, a);
    if (e) {
        jobs_free(jobs);
        return e;
    }
    *ret_jobs = jobs;
    return NULL;
}

/* ---- one job ---- */

static err_t save(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_job_save(tx, arg, a);
}

static void tell(struct jobs *jobs, const struct kind *kind, err_t failure, int64_t done)
{
    if (!jobs->log)
        return;
    SCRATCH(a);
    if (failure)
        log_error(jobs->log, arena_printf(&a, "job " SLICE_FMT " failed", SLICE_ARG(kind->name)).p, failure);
    else if (done > 0)
        log_line(jobs->log, LOG_INFO, "job done", LOG_S("job", kind->name), LOG_I("items", done));
}

/* Returns an error only when the job's own row could not be kept; the job's failure is in ret_failure. */
static err_t run_one(struct jobs *jobs, struct job *job, struct arena *a, err_t *ret_failure)
{
    struct core *core = jobs->core;
    const struct kind *kind = kind_of(jobs, job->kind);
    job->state = JOB_RUNNING;
    job->started_at_ms = core_now_ms(core);
    TRY(meta_write(core->meta, save, job, a));

    int64_t done = 0;
    err_t failure = kind ? kind->run(core, a, &done) : err_make(a, ERR_UNSUPPORTED, "no such kind of job");
    if (kind)
        tell(jobs, kind, failure, done);

    job->finished_at_ms = core_now_ms(core);
    job->state = kind ? JOB_QUEUED : JOB_FAILED;
    job->progress = done;
    job->attempts = failure ? job->attempts + 1 : 0;
    job->error = failure ? err_text(a, failure) : S("");
    job->run_at_ms = job->finished_at_ms + (failure || !kind ? RETRY_MS : kind->every_ms);
    *ret_failure = failure;
    return meta_write(core->meta, save, job, a);
}

static err_t find_due(struct jobs *jobs, struct arena *a, struct job *ret_job)
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
    if (jobs->unsure)
        TRY(meta_write(jobs->core->meta, ensure_all, jobs, a));
    jobs->unsure = false;
    while (!is_stopping(jobs)) {
        SCRATCH(scratch);
        struct job job;
        err_t failure = NULL, e = find_due(jobs, &scratch, &job);
        if (err_is(e, ERR_NOT_FOUND))
            break;
        if (!e)
            e = run_one(jobs, &job, &scratch, &failure);
        if (!first && (e || failure))
            first = err_copy(a, e ? e : failure);
        if (e) {
            jobs->unsure = true;
            break;
        }
    }
    return first;
}

/* ---- the thread ---- */

static int64_t until_next_ms(struct jobs *jobs)
{
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct job_list list;
    int64_t wait_ms = LONGEST_WAIT_MS;
    if (meta_read_begin(jobs->core->meta, &a, &tx) || meta_job_list(tx, &a, &list))
        return SECOND; /* the store does not answer: a moment later */
    for (size_t i = 0; i < list.count; i++) {
        int64_t left = list.items[i].run_at_ms - core_now_ms(jobs->core);
        if (list.items[i].state == JOB_QUEUED && left < wait_ms)
            wait_ms = left;
    }
    return wait_ms > 1 ? wait_ms : 1;
}

static void wait_for(struct jobs *jobs, int64_t ms)
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

static void *run(void *arg)
{
    struct jobs *jobs = arg;
    while (!is_stopping(jobs)) {
        SCRATCH(a);
        err_t e = jobs_run_due(jobs, &a);
        /* A store that fails must not make this loop spin. */
        wait_for(jobs, e ? SECOND : until_next_ms(jobs));
    }
    return NULL;
}

void jobs_start(struct jobs *jobs)
{
    int failed = pthread_create(&jobs->thread, NULL, run, jobs);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Each lane looks for jobs of its kinds, one kind after the other, beginning behind the one that ran last. When nothing
 * is due, its threads wait until a commit of this process changes a job (job_wait), or until the next time at which the
 * store has a job. */
#include "jobs/jobs.h"

#include "core/store/job_store.h"
#include "core/store/transaction.h"
#include "jobs/kinds.h"
#include "jobs/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND };
enum { OWNER_HEX = 16, WORK_THREADS = 2, INGEST_THREADS = 2, LOWEST_PRIORITY = 19, MAX_THREADS = 32 };
/* A thread looks at the clock at least this often, because the wall clock may be set while it waits, and because a job
 * may be added by another process. */
enum { MAX_WAIT_MS = MINUTE };

struct lane_thread {
    struct jobs *jobs;
    struct worker worker;
    unsigned lanes; /* a bit for each lane that it serves */
    size_t next_kind;
    pthread_t thread;
    bool started;
};

struct jobs {
    struct core *core;
    struct log *log;
    struct arena arena;
    bool is_alone;
    const struct job_kind **kinds;
    size_t kind_count;
    struct lane_thread threads[MAX_THREADS];
    size_t thread_count;
    struct lane_thread caller; /* of jobs_run_due: every lane */
    bool is_ending;            /* atomic */
};

/* ---- setting up ---- */

static void add_kinds(struct jobs *jobs, const struct job_kind *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(kinds[i].retry_first_ms > 0 && kinds[i].retry_first_ms <= kinds[i].retry_max_ms);
        assert(!kinds[i].period_ms || !kinds[i].max_attempts);
        jobs->kinds[jobs->kind_count++] = &kinds[i];
    }
}

/* Makes the periodic jobs, and runs now what is due later than its kind allows: if the wall clock was years ahead for a
 * while, the next run must not wait for years. */
static err_t apply_ensure_jobs(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct jobs *jobs = arg;
    int64_t now_ms = core_now_ms(jobs->core);
    for (size_t i = 0; i < jobs->kind_count; i++) {
        const struct job_kind *kind = jobs->kinds[i];
        int64_t max_ms = kind->period_ms > kind->retry_max_ms ? kind->period_ms : kind->retry_max_ms;
        if (kind->period_ms)
            TRY(meta_job_ensure(tx, slice_of(kind->name), now_ms, a));
        TRY(meta_job_advance(tx, slice_of(kind->name), now_ms, now_ms + max_ms, a));
        if (jobs->is_alone)
            TRY(meta_job_end_leases(tx, slice_of(kind->name), now_ms, a));
    }
    return NULL;
}

static void init_thread(struct jobs *jobs, struct lane_thread *t, unsigned lanes)
{
    slice name = random_hex(jobs->core->random, &jobs->arena, OWNER_HEX);
    *t = (struct lane_thread){
        .jobs = jobs,
        .worker = { .core = jobs->core, .log = jobs->log, .owner = name, .is_ending = &jobs->is_ending },
        .lanes = lanes
    };
}

static bool serves_lane(const struct jobs *jobs, unsigned lanes, size_t kind)
{
    return lanes >> jobs->kinds[kind]->lane & 1;
}

static void init_threads(struct jobs *jobs, const struct jobs_options *options)
{
    const size_t counts[JOB_LANES] = { [LANE_CARE] = 1,
                                       [LANE_SWEEP] = 1,
                                       [LANE_SEND] = 1,
                                       [LANE_WORK] = options->work_threads ? options->work_threads : WORK_THREADS,
                                       [LANE_INGEST] =
                                           options->ingest_threads ? options->ingest_threads : INGEST_THREADS };
    for (unsigned lane = 0; lane < JOB_LANES; lane++) {
        bool has_kinds = false;
        for (size_t i = 0; i < jobs->kind_count; i++)
            has_kinds |= serves_lane(jobs, 1u << lane, i);
        for (size_t i = 0; has_kinds && i < counts[lane]; i++) {
            assert(jobs->thread_count < MAX_THREADS);
            init_thread(jobs, &jobs->threads[jobs->thread_count++], 1u << lane);
        }
    }
    init_thread(jobs, &jobs->caller, ~0u);
}

err_t jobs_new(struct core *core, const struct jobs_options *options, struct arena *a, struct jobs **ret_jobs)
{
    struct jobs *jobs = must_malloc(sizeof *jobs);
    *jobs = (struct jobs){ .core = core, .log = options->log, .is_alone = options->is_alone };
    arena_init(&jobs->arena);
    jobs->kinds = arena_array(&jobs->arena, const struct job_kind *, job_kind_count + options->more_count);
    add_kinds(jobs, job_kinds, job_kind_count);
    add_kinds(jobs, options->more_kinds, options->more_count);
    init_threads(jobs, options);
    err_t e = meta_write(core->meta, apply_ensure_jobs, jobs, a);
    if (e) {
        jobs_free(jobs);
        return e;
    }
    *ret_jobs = jobs;
    return NULL;
}

/* ---- running what is due ---- */

static bool is_ending(struct jobs *jobs)
{
    return __atomic_load_n(&jobs->is_ending, __ATOMIC_SEQ_CST);
}

/* Runs one job of the lanes; NOT_FOUND: none is due. */
static err_t run_next(struct lane_thread *t, struct arena *a, err_t *ret_failure)
{
    struct jobs *jobs = t->jobs;
    for (size_t n = 0; n < jobs->kind_count; n++) {
        size_t i = (t->next_kind + n) % jobs->kind_count;
        if (!serves_lane(jobs, t->lanes, i))
            continue;
        err_t e = worker_run_one(&t->worker, jobs->kinds[i], a, ret_failure);
        if (err_is(e, ERR_NOT_FOUND))
            continue;
        t->next_kind = i + 1;
        return e;
    }
    return err_make(a, ERR_NOT_FOUND, "no job is due");
}

/* Runs jobs until none is due or the store fails. *ret_first: the first failure of a run. */
static err_t run_all_due(struct lane_thread *t, struct arena *a, err_t *ret_first)
{
    while (!is_ending(t->jobs)) {
        SCRATCH(scratch);
        err_t failure = NULL, e = run_next(t, &scratch, &failure);
        if (failure && !*ret_first)
            *ret_first = err_copy(a, failure);
        if (err_is(e, ERR_NOT_FOUND))
            break;
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

err_t jobs_run_due(struct jobs *jobs, struct arena *a)
{
    err_t failure = NULL;
    err_t e = run_all_due(&jobs->caller, a, &failure);
    return failure ? failure : e;
}

err_t jobs_run_kind(struct jobs *jobs, slice kind, struct arena *a)
{
    for (size_t i = 0; i < jobs->kind_count; i++) {
        err_t failure = NULL;
        if (!slice_eq(kind, slice_of(jobs->kinds[i]->name)))
            continue;
        TRY(worker_run_one(&jobs->caller.worker, jobs->kinds[i], a, &failure));
        return failure;
    }
    return err_make(a, ERR_NOT_FOUND, "there is no such kind of jobs");
}

/* ---- the threads ---- */

/* How long the thread may wait until the next job of its lane is due. */
static int64_t next_wait_ms(struct lane_thread *t)
{
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct jobs *jobs = t->jobs;
    int64_t now_ms = core_now_ms(jobs->core), wait_ms = MAX_WAIT_MS;
    if (meta_read_begin(jobs->core->meta, &a, &tx))
        return SECOND; /* the store fails: try again soon */
    for (size_t i = 0; i < jobs->kind_count; i++) {
        int64_t next_ms;
        if (!serves_lane(jobs, t->lanes, i))
            continue;
        if (meta_job_next_ms(tx, slice_of(jobs->kinds[i]->name), now_ms, &a, &next_ms))
            return SECOND;
        if (next_ms < now_ms + wait_ms)
            wait_ms = next_ms - now_ms;
    }
    return wait_ms > 1 ? wait_ms : 1;
}

/* Linux keeps the priority for each thread; a thread that it starts inherits it. */
static void lower_priority(void)
{
    setpriority(PRIO_PROCESS, 0, LOWEST_PRIORITY); /* of the calling thread; it cannot fail for a lower one */
}

static void *run_lane_thread(void *arg)
{
    struct lane_thread *t = arg;
    if (t->lanes == 1u << LANE_INGEST)
        lower_priority();
    while (!is_ending(t->jobs)) {
        SCRATCH(a);
        err_t failure = NULL;
        uint64_t seen = job_changes(t->jobs->core);
        err_t e = run_all_due(t, &a, &failure);
        if (e && t->jobs->log)
            log_error(t->jobs->log, "a job could not be read or written", e);
        if (e)
            seen = job_changes(t->jobs->core); /* a store that fails must not make the thread spin */
        if (!is_ending(t->jobs))
            job_wait(t->jobs->core, seen, e ? SECOND : next_wait_ms(t));
    }
    return NULL;
}

void jobs_start(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->thread_count; i++) {
        struct lane_thread *t = &jobs->threads[i];
        int failed = pthread_create(&t->thread, NULL, run_lane_thread, t);
        assert(!failed);
        t->started = true;
    }
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    __atomic_store_n(&jobs->is_ending, true, __ATOMIC_SEQ_CST);
    job_wake(jobs->core);
    for (size_t i = 0; i < jobs->thread_count; i++)
        if (jobs->threads[i].started)
            pthread_join(jobs->threads[i].thread, NULL);
    arena_release(&jobs->arena);
    free(jobs);
}

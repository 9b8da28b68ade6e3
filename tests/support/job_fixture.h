/* SPDX-License-Identifier: Apache-2.0 */
/* A world with kinds of jobs whose runs the test defines, in addition to the kinds of the product. */
#ifndef CAIS_TESTS_JOB_FIXTURE_H
#define CAIS_TESTS_JOB_FIXTURE_H

#include "test.h"
#include "world.h"

#include "core/store/job_store.h"
#include "jobs/worker.h"

#include <stdlib.h>

enum { MAX_ATTEMPTS = 3, RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 3000, BEAT_MS = 600000 };

/* The next runs: the function that they call, and its argument. */
struct script {
    err_t (*step)(struct job_run *, struct arena *a, struct script *);
    int runs;         /* so far; atomic where threads run */
    int64_t first_id; /* of the jobs of the test */
    void *arg;
};

static inline err_t run_script(struct job_run *run, struct arena *a)
{
    struct script *script = run->context;
    __atomic_add_fetch(&script->runs, 1, __ATOMIC_SEQ_CST);
    return script->step ? script->step(run, a, script) : NULL;
}

struct job_fixture {
    struct world *w;
    struct script work, beat;
    struct job_kind kinds[2];
    struct jobs *jobs;
};

/* Workers over the same rows, as of another process. */
static inline struct jobs *job_fixture_workers(struct job_fixture *f, bool is_alone, size_t threads)
{
    struct jobs *jobs;
    struct jobs_options options = {
        .is_alone = is_alone, .more_kinds = f->kinds, .more_count = LENGTH_OF(f->kinds), .work_threads = threads
    };
    EXPECT_OK(jobs_new(&f->w->core, &options, f->w->a, &jobs));
    return jobs;
}

static inline void job_fixture_prepare(struct job_fixture *f, struct world *w)
{
    *f = (struct job_fixture){ .w = w };
    f->kinds[0] = (struct job_kind){ .name = "work",
                                     .lane = LANE_WORK,
                                     .max_attempts = MAX_ATTEMPTS,
                                     .retry_first_ms = RETRY_FIRST_MS,
                                     .retry_max_ms = RETRY_MAX_MS,
                                     .run = run_script,
                                     .context = &f->work };
    f->kinds[1] = (struct job_kind){ .name = "beat",
                                     .lane = LANE_CARE,
                                     .period_ms = BEAT_MS,
                                     .retry_first_ms = RETRY_FIRST_MS,
                                     .retry_max_ms = RETRY_MAX_MS,
                                     .run = run_script,
                                     .context = &f->beat };
}

static inline void job_fixture_init(struct job_fixture *f, struct world *w)
{
    job_fixture_prepare(f, w);
    f->jobs = job_fixture_workers(f, false, 0);
    EXPECT_OK(jobs_run_due(f->jobs, w->a)); /* the periodic jobs have had their first run */
    f->beat.runs = 0;
}

static inline void job_fixture_release(struct job_fixture *f)
{
    jobs_free(f->jobs);
}

#define JOB_FIXTURE(name)                                                                                              \
    WORLD(name##_world);                                                                                               \
    SCOPED(job_fixture_release) struct job_fixture name;                                                               \
    job_fixture_init(&name, name##_world)

struct job_adding {
    struct core *core;
    struct job_request request;
    int64_t id;
};

static inline err_t apply_job_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct job_adding *j = arg;
    return job_add(j->core, tx, &j->request, a, &j->id);
}

static inline int64_t add_job(struct job_fixture *f, slice group)
{
    struct job_adding j = { .core = &f->w->core,
                            .request = {
                                .kind = S("work"), .subject = S("file:1"), .group = group, .payload = S("how") } };
    EXPECT_OK(meta_write(f->w->core.meta, apply_job_add, &j, f->w->a));
    return j.id;
}

static inline struct job get_job(struct job_fixture *f, int64_t id)
{
    struct job job;
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_job_get(tx, id, f->w->a, &job));
    meta_read_end(tx);
    return job;
}

static inline struct job get_beat(struct job_fixture *f)
{
    struct job_list all;
    EXPECT_OK(job_list(&f->w->core, ALL_IDS, f->w->a, &all));
    for (size_t i = 0; i < all.count; i++)
        if (slice_eq(all.items[i].kind, S("beat")))
            return all.items[i];
    fail_msg("there is no job of the kind beat");
    abort();
}

static inline void run_due(struct job_fixture *f)
{
    EXPECT_OK(jobs_run_due(f->jobs, f->w->a));
}

#endif

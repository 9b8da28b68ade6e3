/* SPDX-License-Identifier: Apache-2.0 */
/* Workers in threads of their own: they wake at once, take each job once, keep the order of a group, and stop on
 * request. */
#include "job_fixture.h"
#include "rounds.h"
#include "tmpdir.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { WAIT_S = 30 /* how long to wait for an event before the test fails */ };

/* A world whose readers do not wait for its writer. */
struct busy_world {
    char *dir, path[96];
    struct world *w;
};

static void busy_world_init(struct busy_world *b)
{
    tmpdir_use_memory();
    b->dir = tmpdir_make();
    snprintf(b->path, sizeof b->path, "%s/db", b->dir);
    b->w = world_new_with(&(struct world_options){ .threaded = true, .database = b->path });
}

static void busy_world_release(struct busy_world *b)
{
    world_free(b->w);
    tmpdir_remove(b->dir);
}

/* A record of the runs. */
struct diary {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int begun, ended, running, most_running;
    int64_t ids[512];
    bool wait; /* a run waits until job_is_stopping */
};
#define DIARY                                                                                                          \
    {                                                                                                                  \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                        \
    }

static err_t write_diary(struct job_run *run, struct arena *a, struct script *s)
{
    struct diary *d = s->arg;
    (void)a;
    pthread_mutex_lock(&d->mutex);
    if (d->begun < (int)LENGTH_OF(d->ids))
        d->ids[d->begun] = run->job.id;
    d->begun++;
    if (++d->running > d->most_running)
        d->most_running = d->running;
    bool wait = d->wait;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    while (wait && !job_is_stopping(run))
        sched_yield();
    pthread_mutex_lock(&d->mutex);
    d->running--;
    d->ended++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

static void wait_until(struct diary *d, const int *counter, int n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->mutex);
    while (*counter < n)
        EXPECT_EQ(pthread_cond_timedwait(&d->changed, &d->mutex, &until), 0);
}

/* After the end of a run its row is written a moment later. */
static struct job wait_for_state(struct job_fixture *f, int64_t id, enum job_state state)
{
    struct job job = get_job(f, id);
    for (int i = 0; i < WAIT_S * 1000 && job.state != state; i++) {
        usleep(1000);
        job = get_job(f, id);
    }
    EXPECT_EQ(job.state, state);
    return job;
}

TEST(a_job_that_is_added_runs_at_once)
{
    struct busy_world b;
    busy_world_init(&b);
    struct job_fixture f;
    struct diary d = DIARY;
    job_fixture_init(&f, b.w);
    f.work = (struct script){ .step = write_diary, .arg = &d };
    jobs_start(f.jobs);
    for (int i = 1; i <= 20; i++) { /* without a wake each would take up to a minute */
        int64_t id = add_job(&f, S(""));
        wait_until(&d, &d.ended, i);
        wait_for_state(&f, id, JOB_DONE);
    }
    job_fixture_release(&f);
    busy_world_release(&b);
}

TEST(a_cancel_reaches_the_run_at_once)
{
    struct busy_world b;
    busy_world_init(&b);
    struct job_fixture f;
    struct diary d = DIARY;
    d.wait = true;
    job_fixture_init(&f, b.w);
    f.work = (struct script){ .step = write_diary, .arg = &d };
    jobs_start(f.jobs);
    int64_t id = add_job(&f, S(""));
    wait_until(&d, &d.begun, 1);
    bool runs = false;
    EXPECT_OK(job_cancel(&b.w->core, &b.w->operator_, id, b.w->a, &runs));
    EXPECT(runs);
    wait_until(&d, &d.ended, 1); /* the clock stands still, so no renewal of the lease reports it */
    wait_for_state(&f, id, JOB_CANCELLED);
    job_fixture_release(&f);
    busy_world_release(&b);
}

TEST(a_server_that_stops_waits_for_the_step_and_the_job_goes_on_at_the_next_start)
{
    struct busy_world b;
    busy_world_init(&b);
    struct job_fixture f;
    struct diary d = DIARY;
    d.wait = true;
    job_fixture_init(&f, b.w);
    f.work = (struct script){ .step = write_diary, .arg = &d };
    jobs_start(f.jobs);
    int64_t id = add_job(&f, S(""));
    wait_until(&d, &d.begun, 1);
    jobs_free(f.jobs);
    int ended = d.ended; /* 2 when the other worker of the lane had taken the returned job before it saw the stop */
    EXPECT(ended == 1 || ended == 2);
    struct job job = get_job(&f, id);
    EXPECT(job.state == JOB_QUEUED && job.attempts == 0 && !job.error.n && !job.lease_owner.n);
    d.wait = false;
    f.jobs = job_fixture_workers(&f, true, 0);
    jobs_start(f.jobs);
    wait_until(&d, &d.ended, ended + 1);
    wait_for_state(&f, id, JOB_DONE);
    job_fixture_release(&f);
    busy_world_release(&b);
}

TEST(workers_that_race_take_each_job_once)
{
    struct busy_world b;
    busy_world_init(&b);
    struct job_fixture f;
    struct diary d = DIARY;
    int count = rounds(ROUNDS_job_claims);
    EXPECT(count <= (int)LENGTH_OF(d.ids));
    job_fixture_init(&f, b.w);
    f.work = (struct script){ .step = write_diary, .arg = &d };
    jobs_free(f.jobs);
    f.jobs = job_fixture_workers(&f, false, 2); /* two processes with two workers each, in effect */
    struct jobs *others = job_fixture_workers(&f, false, 2);
    jobs_start(f.jobs);
    jobs_start(others);
    for (int i = 0; i < count; i++)
        add_job(&f, S(""));
    wait_until(&d, &d.ended, count);
    jobs_free(others);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            EXPECT(d.ids[i] != d.ids[j]);
    for (int i = 0; i < count; i++)
        EXPECT_EQ(wait_for_state(&f, d.ids[i], JOB_DONE).attempts, 1);
    EXPECT_EQ(d.begun, count);
    job_fixture_release(&f);
    busy_world_release(&b);
}

TEST(jobs_of_a_group_run_in_order_however_many_workers_there_are)
{
    struct busy_world b;
    busy_world_init(&b);
    struct job_fixture f;
    struct diary d = DIARY;
    int count = rounds(ROUNDS_job_claims) / 2;
    job_fixture_init(&f, b.w);
    f.work = (struct script){ .step = write_diary, .arg = &d };
    jobs_free(f.jobs);
    f.jobs = job_fixture_workers(&f, false, 4);
    jobs_start(f.jobs);
    for (int i = 0; i < count; i++)
        add_job(&f, S("one after the other"));
    wait_until(&d, &d.ended, count);
    EXPECT_EQ(d.most_running, 1);
    for (int i = 1; i < count; i++)
        EXPECT(d.ids[i] > d.ids[i - 1]);
    job_fixture_release(&f);
    busy_world_release(&b);
}

RUN_TESTS(cmocka_unit_test(a_job_that_is_added_runs_at_once), cmocka_unit_test(a_cancel_reaches_the_run_at_once),
          cmocka_unit_test(a_server_that_stops_waits_for_the_step_and_the_job_goes_on_at_the_next_start),
          cmocka_unit_test(workers_that_race_take_each_job_once),
          cmocka_unit_test(jobs_of_a_group_run_in_order_however_many_workers_there_are))

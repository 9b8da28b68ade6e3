/* SPDX-License-Identifier: Apache-2.0 */
/* A process is killed while it runs a job, again and again: the next one goes on exactly where it was. Each step of the
 * job writes an event, and notes its progress in the same write, so the two must always agree. A job that was cancelled
 * in between does nothing more. */
#include "job_fixture.h"
#include "rounds.h"
#include "tmpdir.h"

#include "core/event.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 60 };

struct step {
    struct job_run *run;
    int64_t number;
};

static slice step_action(int64_t job, struct arena *a)
{
    return arena_printf(a, "step.%lld", (long long)job);
}

static err_t apply_step(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct step *s = arg;
    struct job_notes notes = { s->number, STEPS, arena_printf(a, "after step %lld", (long long)s->number) };
    struct event_params event = { .at_ms = core_now_ms(s->run->core),
                                  .action = step_action(s->run->job.id, a),
                                  .subject = S("job"),
                                  .detail = S("") };
    TRY(event_write(tx, &event, a));
    return job_note(tx, s->run, &notes, a);
}

/* Says a byte to the parent after each step. */
static err_t run_steps(struct job_run *run, struct arena *a, struct script *script)
{
    const int *pipe_end = script->arg;
    for (int64_t i = run->notes.progress + 1; i <= STEPS && !job_is_stopping(run); i++) {
        TRY(meta_write(run->core->meta, apply_step, &(struct step){ run, i }, a));
        run->notes.progress = i;
        if (write(*pipe_end, "s", 1) != 1)
            _exit(1);
    }
    return NULL;
}

/* The child: a server, as far as jobs are concerned. */
static void serve_until_killed(const char *path, int pipe_end)
{
    struct job_fixture f;
    job_fixture_prepare(&f, world_new_with(&(struct world_options){ .threaded = true, .database = path }));
    f.work = (struct script){ .step = run_steps, .arg = &pipe_end };
    f.kinds[0].max_attempts = 0;
    f.jobs = job_fixture_workers(&f, true, 1);
    jobs_start(f.jobs);
    if (write(pipe_end, "b", 1) != 1) /* it runs */
        _exit(1);
    for (;;)
        pause();
}

/* Lets a child work until it has said so many bytes, or done all there is to do; then it is killed. */
static void kill_after(const char *path, int bytes, useconds_t more_us)
{
    int ends[2];
    char c;
    EXPECT_EQ(pipe(ends), 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        close(ends[0]);
        serve_until_killed(path, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < bytes; i++)
        EXPECT_EQ(read(ends[0], &c, 1), 1);
    usleep(more_us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
}

TEST(a_job_goes_on_exactly_where_it_was_and_a_cancelled_one_does_not_go_on)
{
    char *dir = tmpdir_make(), path[96];
    snprintf(path, sizeof path, "%s/db", dir);
    struct random_seeded random;
    random_seeded_init(&random, rounds_seed());
    int64_t id = 0, cancelled = 0, cancelled_at = 0, in_the_middle = 0;
    for (int round = 0; round < rounds(ROUNDS_job_kills); round++) {
        struct job_fixture f;
        job_fixture_prepare(&f, world_new_with(&(struct world_options){ .database = path }));
        SCRATCH(a);
        int64_t left = STEPS;
        if (cancelled) {
            struct job job = get_job(&f, cancelled);
            EXPECT(job.state == JOB_CANCELLED ||
                   (job.state == JOB_RUNNING && job.cancel_at_ms)); /* or killed too soon */
            EXPECT_EQ(job.progress, cancelled_at);
            EXPECT_EQ(world_event_count(f.w, step_action(cancelled, &a)), cancelled_at);
        }
        if (id) {
            struct job job = get_job(&f, id);
            EXPECT_EQ(world_event_count(f.w, step_action(id, &a)), job.progress);
            slice noted = job.progress ? arena_printf(&a, "after step %lld", (long long)job.progress) : S("");
            EXPECT_SLICE(job.checkpoint, noted);
            EXPECT(job.state == JOB_DONE ? job.progress == STEPS : job.progress <= STEPS);
            in_the_middle += job.state == JOB_RUNNING;
            left = STEPS - job.progress;
            if (job.state == JOB_DONE) {
                id = 0;
            } else if (round % 5 == 4 && job.state == JOB_RUNNING) {
                bool runs = false;
                EXPECT_OK(job_cancel(&f.w->core, &f.w->operator_, id, &a, &runs));
                EXPECT(runs);
                cancelled = id;
                cancelled_at = job.progress;
                id = 0;
            }
        }
        if (!id) {
            id = add_job(&f, S("one after the other")); /* behind the cancelled one */
            left = STEPS;
        }
        world_free(f.w);
        uint64_t numbers[2];
        random_fill(&random.random, numbers, sizeof numbers);
        kill_after(path, 1 + (int)(numbers[0] % (uint64_t)(left + 1)), (useconds_t)(numbers[1] % 1500));
    }
    EXPECT(in_the_middle > 0 && cancelled);
    struct job_fixture f;
    job_fixture_prepare(&f, world_new_with(&(struct world_options){ .database = path }));
    EXPECT_OK(meta_verify(f.w->core.meta, f.w->a));
    world_free(f.w);
    tmpdir_remove(dir);
}

RUN_TESTS(cmocka_unit_test(a_job_goes_on_exactly_where_it_was_and_a_cancelled_one_does_not_go_on))

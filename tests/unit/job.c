/* SPDX-License-Identifier: Apache-2.0 */
/* Every arrow of the diagram in core/job.h, with a clock that stands still. */
#include "job_fixture.h"
#include "rounds.h"

#include <stdio.h>
#include <unistd.h>

/* ---- steps of a run ---- */

static err_t fail_run(struct job_run *run, struct arena *a, struct script *s)
{
    (void)run, (void)s;
    return err_make(a, ERR_INVALID, "it did not work");
}

static err_t look_and_report(struct job_run *run, struct arena *a, struct script *s)
{
    struct job_fixture *f = s->arg;
    struct job now = get_job(f, run->job.id);
    EXPECT_SLICE(run->job.subject, S("file:1"));
    EXPECT_SLICE(run->job.payload, S("how"));
    EXPECT(now.state == JOB_RUNNING && now.attempts == 1 && now.lease_owner.n);
    EXPECT_EQ(now.lease_until_ms, core_now_ms(run->core) + JOB_LEASE_MS);
    job_progress(run, 1, 9);
    EXPECT_EQ(get_job(f, run->job.id).progress, 0); /* the notes are not written yet */
    world_wait(f->w, seconds(1));
    job_progress(run, 2, 9);
    now = get_job(f, run->job.id);
    EXPECT(now.progress == 2 && now.total == 9);
    job_progress(run, 9, 9);
    EXPECT(!job_is_stopping(run));
    run->result = arena_copy(a, S("nine of nine"));
    return NULL;
}

static err_t cancel_it(struct job_run *run, struct arena *a, struct script *s)
{
    struct job_fixture *f = s->arg;
    bool runs = false;
    EXPECT(!job_is_stopping(run));
    TRY(job_cancel(run->core, &f->w->operator_, run->job.id, a, &runs));
    EXPECT(runs);
    return NULL;
}

static err_t cancel_it_and_stop(struct job_run *run, struct arena *a, struct script *s)
{
    job_progress(run, 4, 5);
    TRY(cancel_it(run, a, s));
    EXPECT(job_is_stopping(run));
    EXPECT(job_is_stopping(run)); /* it stays true */
    return err_make(a, ERR_INVALID, "what a stopped run returns does not matter");
}

static err_t cancel_it_and_fail(struct job_run *run, struct arena *a, struct script *s)
{
    TRY(cancel_it(run, a, s));
    return fail_run(run, a, s);
}

/* ---- QUEUED, RUNNING, DONE ---- */

TEST(a_run_gets_its_subject_reports_progress_and_is_done_with_its_result)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = look_and_report, .arg = &f };
    int64_t id = add_job(&f, S(""));
    EXPECT_EQ(get_job(&f, id).state, JOB_QUEUED);
    run_due(&f);
    struct job job = get_job(&f, id);
    EXPECT(job.state == JOB_DONE && job.attempts == 1 && job.progress == 9 && job.total == 9);
    EXPECT_EQ(job.finished_at_ms - job.started_at_ms, seconds(1));
    EXPECT(!job.lease_owner.n && !job.error.n && !job.lease_until_ms);
    EXPECT_SLICE(job.result, S("nine of nine"));
    run_due(&f);
    EXPECT_EQ(f.work.runs, 1);
    bool runs;
    EXPECT_ERR(job_retry(&f.w->core, &f.w->operator_, id, f.w->a), ERR_CONFLICT); /* done is final */
    EXPECT_ERR(job_cancel(&f.w->core, &f.w->operator_, id, f.w->a, &runs), ERR_CONFLICT);
    EXPECT_ERR(job_retry(&f.w->core, &f.w->operator_, 999, f.w->a), ERR_NOT_FOUND);
}

TEST(a_job_runs_at_its_time_and_not_before)
{
    JOB_FIXTURE(f);
    struct job_adding j = { .core = &f.w->core,
                            .request = { .kind = S("work"), .subject = S("s"), .run_at_ms = WORLD_START_MS + 5000 } };
    EXPECT_OK(meta_write(f.w->core.meta, apply_job_add, &j, f.w->a));
    world_wait(f.w, 4999);
    run_due(&f);
    EXPECT_EQ(f.work.runs, 0);
    world_wait(f.w, 1);
    run_due(&f);
    EXPECT_EQ(f.work.runs, 1);
}

TEST(a_job_of_a_kind_that_nobody_knows_waits)
{
    JOB_FIXTURE(f);
    struct job_adding j = { .core = &f.w->core, .request = { .kind = S("later"), .subject = S("s") } };
    EXPECT_OK(meta_write(f.w->core.meta, apply_job_add, &j, f.w->a));
    run_due(&f);
    EXPECT_EQ(get_job(&f, j.id).state, JOB_QUEUED);
}

/* ---- failures ---- */

TEST(a_run_that_fails_is_repeated_after_a_growing_back_off_until_its_last_attempt)
{
    JOB_FIXTURE(f);
    f.work.step = fail_run;
    int64_t id = add_job(&f, S(""));
    static const int64_t back_off_ms[] = { RETRY_FIRST_MS, 2 * RETRY_FIRST_MS };
    for (int i = 0; i < MAX_ATTEMPTS - 1; i++) {
        EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
        struct job job = get_job(&f, id);
        EXPECT(job.state == JOB_QUEUED && job.attempts == i + 1);
        int64_t wait_ms = job.run_at_ms - core_now_ms(&f.w->core);
        EXPECT(wait_ms >= back_off_ms[i] / 2 && wait_ms <= back_off_ms[i]);
        EXPECT(slice_find(job.error, S("it did not work")) != SLICE_NONE);
        world_wait(f.w, wait_ms - 1);
        run_due(&f);
        EXPECT_EQ(f.work.runs, i + 1);
        world_wait(f.w, 1);
    }
    EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
    EXPECT(get_job(&f, id).state == JOB_FAILED && get_job(&f, id).attempts == MAX_ATTEMPTS);
    bool runs;
    EXPECT_ERR(job_cancel(&f.w->core, &f.w->operator_, id, f.w->a, &runs), ERR_CONFLICT);
    world_wait(f.w, hours(20));
    run_due(&f);
    EXPECT_EQ(f.work.runs, MAX_ATTEMPTS);

    f.work.step = NULL;
    EXPECT_OK(job_retry(&f.w->core, &f.w->operator_, id, f.w->a));
    EXPECT(get_job(&f, id).state == JOB_QUEUED && get_job(&f, id).attempts == 0);
    run_due(&f);
    EXPECT(get_job(&f, id).state == JOB_DONE && !get_job(&f, id).error.n);
    EXPECT_EQ(world_event_count(f.w, S("job.retry")), 1);
}

TEST(the_back_off_is_different_for_jobs_that_fail_together)
{
    JOB_FIXTURE(f);
    f.work.step = fail_run;
    int64_t id[8];
    bool differ = false;
    for (size_t i = 0; i < LENGTH_OF(id); i++)
        id[i] = add_job(&f, S(""));
    EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
    for (size_t i = 1; i < LENGTH_OF(id); i++)
        differ |= get_job(&f, id[i]).run_at_ms != get_job(&f, id[0]).run_at_ms;
    EXPECT(differ);
}

TEST(retry_runs_a_waiting_job_at_once)
{
    JOB_FIXTURE(f);
    f.work.step = fail_run;
    int64_t id = add_job(&f, S(""));
    EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
    f.work.step = NULL;
    EXPECT_OK(job_retry(&f.w->core, &f.w->operator_, id, f.w->a));
    run_due(&f);
    EXPECT_EQ(get_job(&f, id).state, JOB_DONE);
}

/* ---- cancelling ---- */

TEST(a_job_that_is_cancelled_before_it_runs_never_runs)
{
    JOB_FIXTURE(f);
    int64_t id = add_job(&f, S(""));
    bool runs = true;
    EXPECT_OK(job_cancel(&f.w->core, &f.w->operator_, id, f.w->a, &runs));
    EXPECT(!runs);
    EXPECT_EQ(get_job(&f, id).state, JOB_CANCELLED);
    run_due(&f);
    EXPECT_EQ(f.work.runs, 0);
    EXPECT_ERR(job_cancel(&f.w->core, &f.w->operator_, id, f.w->a, &runs), ERR_CONFLICT);
    EXPECT_EQ(world_event_count(f.w, S("job.cancel")), 1);
    EXPECT_OK(job_retry(&f.w->core, &f.w->operator_, id, f.w->a));
    run_due(&f);
    EXPECT_EQ(get_job(&f, id).state, JOB_DONE);
}

TEST(a_run_that_is_cancelled_is_told_to_stop_and_goes_on_where_it_was_when_retried)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = cancel_it_and_stop, .arg = &f };
    int64_t id = add_job(&f, S(""));
    run_due(&f);
    struct job job = get_job(&f, id);
    EXPECT(job.state == JOB_CANCELLED && job.progress == 4 && !job.error.n && !job.cancel_at_ms);
    world_wait(f.w, hours(1));
    run_due(&f);
    EXPECT_EQ(f.work.runs, 1);
    f.work.step = NULL;
    EXPECT_OK(job_retry(&f.w->core, &f.w->operator_, id, f.w->a));
    run_due(&f);
    EXPECT(get_job(&f, id).state == JOB_DONE && get_job(&f, id).progress == 4);
}

TEST(a_run_that_is_cancelled_and_fails_has_no_further_attempt)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = cancel_it_and_fail, .arg = &f };
    int64_t id = add_job(&f, S(""));
    EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
    EXPECT_EQ(get_job(&f, id).state, JOB_CANCELLED);
}

TEST(a_run_that_is_cancelled_too_late_is_done)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = cancel_it, .arg = &f };
    int64_t id = add_job(&f, S(""));
    run_due(&f);
    EXPECT_EQ(get_job(&f, id).state, JOB_DONE);
}

/* ---- periodic jobs ---- */

TEST(a_periodic_job_waits_for_its_period_after_each_run_whatever_became_of_it)
{
    JOB_FIXTURE(f);
    struct job beat = get_beat(&f);
    bool runs;
    EXPECT(beat.state == JOB_QUEUED && beat.run_at_ms == WORLD_START_MS + BEAT_MS);
    EXPECT_ERR(job_cancel(&f.w->core, &f.w->operator_, beat.id, f.w->a, &runs), ERR_CONFLICT);
    world_wait(f.w, BEAT_MS);
    f.beat.step = fail_run;
    for (int i = 1; i <= 2 * MAX_ATTEMPTS; i++) { /* without a limit of attempts */
        EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_INVALID);
        beat = get_beat(&f);
        EXPECT(beat.state == JOB_QUEUED && beat.attempts == i && beat.error.n);
        EXPECT(beat.run_at_ms <= core_now_ms(&f.w->core) + RETRY_MAX_MS);
        world_wait(f.w, RETRY_MAX_MS);
    }
    f.beat = (struct script){ .step = cancel_it_and_stop, .arg = &f };
    run_due(&f);
    beat = get_beat(&f);
    EXPECT(beat.state == JOB_QUEUED && beat.attempts == 0 && !beat.error.n && beat.progress == 4);
    EXPECT_EQ(beat.run_at_ms, core_now_ms(&f.w->core) + BEAT_MS);
    f.beat.step = NULL;
    EXPECT_OK(job_retry(&f.w->core, &f.w->operator_, beat.id, f.w->a)); /* now */
    run_due(&f);
    EXPECT_EQ(f.beat.runs, 2);
    EXPECT_EQ(get_beat(&f).progress, 0); /* each run counts from the beginning */
}

TEST(a_clock_that_was_years_ahead_delays_nothing_for_years)
{
    JOB_FIXTURE(f);
    f.work.step = fail_run;
    int64_t id = add_job(&f, S(""));
    world_wait(f.w, hours(24 * 365));
    (void)!jobs_run_due(f.jobs, f.w->a);
    EXPECT(get_beat(&f).run_at_ms > WORLD_START_MS + hours(24 * 365));
    jobs_free(f.jobs);
    world_wait(f.w, -hours(24 * 365)); /* then the server starts again */
    f.w->core.latest_ms = 0;
    f.jobs = job_fixture_workers(&f, true, 0);
    f.work.step = NULL;
    f.beat.runs = 0;
    run_due(&f);
    EXPECT_EQ(f.beat.runs, 1);
    EXPECT_EQ(get_job(&f, id).state, JOB_DONE);
}

/* ---- leases ---- */

/* Runs longer than a lease, and calls job_is_stopping after each third of it. */
static err_t take_long(struct job_run *run, struct arena *a, struct script *s)
{
    struct job_fixture *f = s->arg;
    (void)a;
    struct jobs *others = job_fixture_workers(f, false, 0);
    s->step = NULL;
    for (int i = 0; i < 12; i++) {
        world_wait(f->w, JOB_LEASE_MS / 3);
        EXPECT(!job_is_stopping(run));
        EXPECT_OK(jobs_run_due(others, f->w->a));
    }
    EXPECT_EQ(s->runs, 1); /* no other worker claimed it */
    jobs_free(others);
    return NULL;
}

TEST(a_run_that_asks_between_its_steps_keeps_its_lease)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = take_long, .arg = &f };
    int64_t id = add_job(&f, S(""));
    run_due(&f);
    EXPECT(get_job(&f, id).state == JOB_DONE && get_job(&f, id).attempts == 1);
}

struct noting {
    struct job_run *run;
    struct job_notes notes;
};

static err_t apply_note(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct noting *n = arg;
    return job_note(tx, n->run, &n->notes, a);
}

/* A step that is longer than the lease: another worker takes the job and ends it. */
static err_t sleep_too_long(struct job_run *run, struct arena *a, struct script *s)
{
    struct job_fixture *f = s->arg;
    struct jobs *others = job_fixture_workers(f, false, 0);
    s->step = NULL;
    world_wait(f->w, JOB_LEASE_MS);
    EXPECT_OK(jobs_run_due(others, f->w->a));
    jobs_free(others);
    EXPECT_EQ(s->runs, 2);
    EXPECT_ERR(meta_write(run->core->meta, apply_note, &(struct noting){ run, { 7, 7, S("x") } }, a), ERR_CONFLICT);
    EXPECT(job_is_stopping(run));
    return fail_run(run, a, s);
}

TEST(a_worker_that_lost_its_lease_changes_nothing)
{
    JOB_FIXTURE(f);
    f.work = (struct script){ .step = sleep_too_long, .arg = &f };
    int64_t id = add_job(&f, S(""));
    run_due(&f);
    struct job job = get_job(&f, id);
    EXPECT(job.state == JOB_DONE && job.attempts == 2 && job.progress == 0 && !job.checkpoint.n && !job.error.n);
}

/* A process that ended in the middle of a run. */
struct dying {
    struct job_wanted wanted;
    int64_t id;
};

static err_t apply_claim_and_die(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct dying *d = arg;
    struct job job;
    TRY(meta_job_claim(tx, &d->wanted, d->id, a, &job));
    struct job_claim claim = { d->id, d->wanted.owner, job.attempts };
    return meta_job_note(tx, &claim, &(struct job_notes){ 5, 10, S("row 5") }, a);
}

static void claim_and_die(struct job_fixture *f, int64_t id, slice kind)
{
    struct dying d = { { kind, S("dead"), core_now_ms(&f->w->core), JOB_LEASE_MS }, id };
    world_write(f->w, apply_claim_and_die, &d);
    d.wanted.owner = S("dead, too");
}

static err_t go_on(struct job_run *run, struct arena *a, struct script *s)
{
    (void)a, (void)s;
    EXPECT(run->notes.progress == 5 && run->notes.total == 10 && run->job.attempts == 2);
    EXPECT_SLICE(run->notes.checkpoint, S("row 5"));
    job_progress(run, 10, 10);
    return NULL;
}

TEST(a_job_whose_worker_died_goes_on_where_it_was_when_its_lease_has_ended)
{
    JOB_FIXTURE(f);
    f.work.step = go_on;
    int64_t id = add_job(&f, S(""));
    claim_and_die(&f, id, S("work"));
    world_wait(f.w, JOB_LEASE_MS - 1);
    run_due(&f);
    EXPECT_EQ(f.work.runs, 0);
    world_wait(f.w, 1);
    run_due(&f);
    EXPECT(get_job(&f, id).state == JOB_DONE && get_job(&f, id).progress == 10 && get_job(&f, id).attempts == 2);
}

TEST(a_process_that_is_alone_goes_on_at_once)
{
    JOB_FIXTURE(f);
    f.work.step = go_on;
    int64_t id = add_job(&f, S(""));
    claim_and_die(&f, id, S("work"));
    jobs_free(f.jobs);
    f.jobs = job_fixture_workers(&f, true, 0);
    run_due(&f);
    EXPECT_EQ(get_job(&f, id).state, JOB_DONE);
}

TEST(a_job_that_ends_its_process_again_and_again_fails)
{
    JOB_FIXTURE(f);
    int64_t id = add_job(&f, S(""));
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        claim_and_die(&f, id, S("work"));
        world_wait(f.w, JOB_LEASE_MS);
    }
    EXPECT_ERR(jobs_run_due(f.jobs, f.w->a), ERR_UNAVAILABLE);
    EXPECT_EQ(f.work.runs, 0);
    EXPECT(get_job(&f, id).state == JOB_FAILED && get_job(&f, id).error.n);
}

TEST(a_job_that_was_cancelled_before_its_process_died_stays_cancelled)
{
    JOB_FIXTURE(f);
    int64_t id = add_job(&f, S("")), beat = get_beat(&f).id;
    bool runs = false;
    claim_and_die(&f, id, S("work"));
    world_wait(f.w, BEAT_MS);
    claim_and_die(&f, beat, S("beat"));
    EXPECT_OK(job_cancel(&f.w->core, &f.w->operator_, id, f.w->a, &runs));
    EXPECT(runs);
    EXPECT_OK(job_cancel(&f.w->core, &f.w->operator_, beat, f.w->a, &runs));
    world_wait(f.w, JOB_LEASE_MS);
    run_due(&f);
    EXPECT(f.work.runs == 0 && f.beat.runs == 0);
    EXPECT(get_job(&f, id).state == JOB_CANCELLED && get_job(&f, id).progress == 5);
    EXPECT_EQ(get_job(&f, beat).state, JOB_QUEUED);
    EXPECT_EQ(get_job(&f, beat).run_at_ms, core_now_ms(&f.w->core) + BEAT_MS);
}

/* ---- ended jobs ---- */

TEST(jobs_that_ended_are_forgotten_after_their_time_and_no_others)
{
    JOB_FIXTURE(f);
    int64_t done = add_job(&f, S(""));
    run_due(&f);
    f.work.step = fail_run;
    int64_t failed = add_job(&f, S(""));
    for (int i = 0; i < MAX_ATTEMPTS; i++, world_wait(f.w, RETRY_MAX_MS))
        (void)!jobs_run_due(f.jobs, f.w->a);
    int64_t cancelled = add_job(&f, S("")), waiting = add_job(&f, S(""));
    bool runs;
    EXPECT_OK(job_cancel(&f.w->core, &f.w->operator_, cancelled, f.w->a, &runs));
    claim_and_die(&f, waiting, S("work"));
    struct job_list all;
    EXPECT_OK(job_forget_finished(&f.w->core, NULL, f.w->a));
    EXPECT_OK(job_list(&f.w->core, ALL_IDS, f.w->a, &all));
    size_t before = all.count;
    world_wait(f.w, get_job(&f, done).finished_at_ms + WORLD_JOBS_KEPT_MS - core_now_ms(&f.w->core));
    EXPECT_OK(job_forget_finished(&f.w->core, NULL, f.w->a));
    EXPECT_OK(job_list(&f.w->core, ALL_IDS, f.w->a, &all));
    EXPECT_EQ(all.count, before);
    world_wait(f.w, 1);
    EXPECT_OK(job_forget_finished(&f.w->core, NULL, f.w->a));
    EXPECT_OK(job_list(&f.w->core, ALL_IDS, f.w->a, &all));
    EXPECT_EQ(all.count, before - 1);
    world_wait(f.w, hours(1));
    EXPECT_OK(job_forget_finished(&f.w->core, NULL, f.w->a));
    EXPECT_OK(job_list(&f.w->core, ALL_IDS, f.w->a, &all));
    EXPECT_EQ(all.count, before - 3);
    EXPECT_EQ(get_job(&f, waiting).state, JOB_RUNNING);
    (void)failed;
}

/* ---- every store call fails in turn ---- */

static err_t note_in_steps(struct job_run *run, struct arena *a, struct script *s)
{
    (void)s;
    for (int64_t i = run->notes.progress + 1; i <= 3 && !job_is_stopping(run); i++) {
        TRY(meta_write(run->core->meta, apply_note, &(struct noting){ run, { i, 3, S("x") } }, a));
        run->notes.progress = i;
    }
    return NULL;
}

/* Takes jobs through all states: two are added, one of them is cancelled, the other runs, and one is retried. A step
 * that fails is repeated. */
static bool live_with_a_fault(struct job_fixture *f, int64_t nth, bool answer_lost)
{
    struct world *w = f->w;
    struct job_adding one = { .core = &w->core, .request = { .kind = S("work"), .subject = S("1"), .group = S("g") } };
    struct job_adding two = one;
    bool runs = false;
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    err_t add_e = meta_write(w->core.meta, apply_job_add, &one, w->a);
    err_t add_two_e = meta_write(w->core.meta, apply_job_add, &two, w->a);
    err_t cancel_e = add_two_e ? NULL : job_cancel(&w->core, &w->operator_, two.id, w->a, &runs);
    (void)!jobs_run_due(f->jobs, w->a);
    err_t retry_e = add_two_e ? NULL : job_retry(&w->core, &w->operator_, two.id, w->a);
    bool reached = w->faults.calls >= nth;
    w->faults = (struct fault_plan){ .code = ERR_UNAVAILABLE };

    /* Everything that was acknowledged has happened. */
    struct job_list all;
    EXPECT_OK(job_list(&w->core, ALL_IDS, w->a, &all));
    if (!add_e)
        (void)get_job(f, one.id);
    if (!add_two_e && !cancel_e && !retry_e)
        EXPECT(get_job(f, two.id).state == JOB_QUEUED);
    if (!add_two_e && !cancel_e && retry_e && !answer_lost)
        EXPECT(get_job(f, two.id).state == JOB_CANCELLED);
    if (!add_two_e && cancel_e && !answer_lost)
        EXPECT(get_job(f, two.id).state != JOB_CANCELLED);

    /* All jobs still reach their final state. */
    for (int i = 0; i < 2 * MAX_ATTEMPTS; i++, world_wait(w, JOB_LEASE_MS))
        (void)!jobs_run_due(f->jobs, w->a);
    EXPECT_OK(job_list(&w->core, ALL_IDS, w->a, &all));
    for (size_t i = 0; i < all.count; i++) {
        const struct job *job = &all.items[i];
        EXPECT(!job->lease_owner.n && job->attempts <= MAX_ATTEMPTS);
        if (!job->subject.n)
            EXPECT_EQ(job->state, JOB_QUEUED);
        else if (job->id == two.id && job->state == JOB_CANCELLED)
            EXPECT(!cancel_e || answer_lost);
        else
            EXPECT(job->state == JOB_DONE && job->progress == 3 && job->total == 3);
    }
    return reached;
}

static void live_with_faults(bool answer_lost)
{
    for (int64_t nth = fault_first(); nth < 1000; nth += fault_step()) {
        JOB_FIXTURE(f);
        f.work.step = note_in_steps;
        if (!live_with_a_fault(&f, nth, answer_lost))
            return;
    }
    fail_msg("the faults do not end");
}

TEST(whichever_store_call_fails_every_job_comes_to_its_end)
{
    live_with_faults(false);
}

TEST(whichever_answer_of_the_store_is_lost_every_job_comes_to_its_end)
{
    live_with_faults(true);
}

static err_t note_and_watch_number(struct job_run *run, struct arena *a, struct script *script)
{
    (void)a;
    struct job_fixture *f = script->arg;
    struct core *core = run->core;
    int64_t id = run->job.id;
    uint64_t seen = job_row_changes(core, id), workers = job_changes(core);
    world_wait(f->w, seconds(2));
    job_progress(run, 3, 9);
    EXPECT_EQ(job_row_changes(core, id), seen + 1);
    EXPECT_EQ(job_changes(core), workers); /* there is nothing for them to do */
    return NULL;
}

/* The number is read without the row, so it must rise with each change that a reader of the job would see. */
TEST(each_change_of_a_job_raises_the_number_of_its_row)
{
    JOB_FIXTURE(f);
    struct core *core = &f.w->core;
    uint64_t seen = 0, workers = job_changes(core);
    int64_t id = add_job(&f, S(""));
    EXPECT_EQ(job_row_changes(core, id), seen + 1);
    EXPECT(job_changes(core) > workers);
    struct principal who = world_admin(f.w, S("ann"));
    EXPECT_OK(job_retry(core, &who, id, f.w->a));
    EXPECT_EQ(job_row_changes(core, id), seen + 2);
    f.work.step = note_and_watch_number;
    f.work.arg = &f;
    run_due(&f);
    EXPECT(f.work.runs == 1 && get_job(&f, id).state == JOB_DONE);
    EXPECT_EQ(job_row_changes(core, id), seen + 5); /* the claim, a note, the end */
    EXPECT_EQ(job_row_changes(core, id + 1), 0);
}

struct counting {
    struct job_listener listener;
    struct core *core;
    int64_t id;
    int calls;
    uint64_t rows, number;
};

static void count_changes(struct job_listener *listener, uint64_t rows)
{
    struct counting *c = CONTAINER_OF(listener, struct counting, listener);
    c->calls++;
    c->rows |= rows;
    c->number = job_row_changes(c->core, c->id);
}

TEST(whoever_listens_is_called_after_each_commit_that_changes_jobs)
{
    JOB_FIXTURE(f);
    struct core *core = &f.w->core;
    struct counting one = { .listener.rows_changed = count_changes, .core = core, .id = 1 }, other = one;
    world_wait(f.w, hours(24)); /* nothing periodic is due at the same time */
    run_due(&f);
    job_listen(core, &one.listener);
    job_listen(core, &other.listener);
    one.id = other.id = add_job(&f, S(""));
    EXPECT(one.calls == 1 && one.rows == JOB_ROW_BIT(one.id));
    job_unlisten(core, &other.listener);
    job_unlisten(core, &other.listener); /* which does not listen any more */
    run_due(&f);
    EXPECT(one.calls == 3 && one.rows == JOB_ROW_BIT(one.id)); /* the claim, the end */
    EXPECT_EQ(one.number, job_row_changes(core, one.id));      /* it had risen before the call */
    EXPECT_EQ(other.calls, 1);
    world_user(f.w, S("nobody"));
    EXPECT_EQ(one.calls, 3); /* no job was changed */
    job_unlisten(core, &one.listener);
}

RUN_TESTS(cmocka_unit_test(each_change_of_a_job_raises_the_number_of_its_row),
          cmocka_unit_test(whoever_listens_is_called_after_each_commit_that_changes_jobs),
          cmocka_unit_test(a_run_gets_its_subject_reports_progress_and_is_done_with_its_result),
          cmocka_unit_test(a_job_runs_at_its_time_and_not_before),
          cmocka_unit_test(a_job_of_a_kind_that_nobody_knows_waits),
          cmocka_unit_test(a_run_that_fails_is_repeated_after_a_growing_back_off_until_its_last_attempt),
          cmocka_unit_test(the_back_off_is_different_for_jobs_that_fail_together),
          cmocka_unit_test(retry_runs_a_waiting_job_at_once),
          cmocka_unit_test(a_job_that_is_cancelled_before_it_runs_never_runs),
          cmocka_unit_test(a_run_that_is_cancelled_is_told_to_stop_and_goes_on_where_it_was_when_retried),
          cmocka_unit_test(a_run_that_is_cancelled_and_fails_has_no_further_attempt),
          cmocka_unit_test(a_run_that_is_cancelled_too_late_is_done),
          cmocka_unit_test(a_periodic_job_waits_for_its_period_after_each_run_whatever_became_of_it),
          cmocka_unit_test(a_clock_that_was_years_ahead_delays_nothing_for_years),
          cmocka_unit_test(a_run_that_asks_between_its_steps_keeps_its_lease),
          cmocka_unit_test(a_worker_that_lost_its_lease_changes_nothing),
          cmocka_unit_test(a_job_whose_worker_died_goes_on_where_it_was_when_its_lease_has_ended),
          cmocka_unit_test(a_process_that_is_alone_goes_on_at_once),
          cmocka_unit_test(a_job_that_ends_its_process_again_and_again_fails),
          cmocka_unit_test(a_job_that_was_cancelled_before_its_process_died_stays_cancelled),
          cmocka_unit_test(jobs_that_ended_are_forgotten_after_their_time_and_no_others),
          cmocka_unit_test(whichever_store_call_fails_every_job_comes_to_its_end),
          cmocka_unit_test(whichever_answer_of_the_store_is_lost_every_job_comes_to_its_end))

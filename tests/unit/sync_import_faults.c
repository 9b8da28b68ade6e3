/* SPDX-License-Identifier: Apache-2.0 */
/* Imports on bad days: stores that fail, cancellation, no room, positions that went back, and many at once. */
#include "base/buf.h"
#include "core/dataset/gate.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/store/job_store.h"
#include "core/store/record_store.h"
#include "import_fixture.h"
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include <pthread.h>
#include <string.h>

#define GOOD_ROWS 5 /* of a batch: inserts, an update, deletes */

/* Whole batches whose rows are bad but for a few, which cost a call of the record store each, and the beginning of one more. */
static slice batches_of(struct world *w, int batches)
{
    SCOPED(buf_releasep) struct buf text;
    int rows = 0;
    buf_init(&text, 0);
    buf_add(&text, S(IMPORT_HEAD));
    for (int b = 0; b <= batches; b++, rows += GOOD_ROWS) {
        buf_printf(&text, "10|F-%d|new|%d|\n10|F-old|by %d|%d|\n90|F-gone-%d\n90|F-none\n10|F-%d|again|1|\n", b, b, b,
                   b, b, b);
        for (int i = GOOD_ROWS; b < batches && i < SYNC_BATCH_ROWS; i++, rows++)
            buf_printf(&text, "10|X-%d-%d||bad|\n", b, i);
    }
    buf_printf(&text, "99|%d\n", rows);
    return arena_copy(w->a, buf_slice(&text));
}

/* The records that the batches change. */
static void import_old_records(const struct sync_fixture *f, int batches)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S(IMPORT_HEAD "10|F-old|old|1|\n"));
    for (int b = 0; b <= batches; b++)
        buf_printf(&text, "10|F-gone-%d||1|\n", b);
    buf_printf(&text, "99|%d\n", batches + 2);
    EXPECT_EQ(import_text(f, buf_slice(&text)).state, SYNC_IMPORTED);
}

/* How an import ended: its numbers, what it reports, and the records. */
struct ending {
    struct sync_progress rows;
    slice errors, records;
};

static struct ending ending_of(const struct sync_fixture *f, const struct sync_file *file)
{
    struct sync_file now = sync_fixture_get(f, file);
    EXPECT_EQ(now.state, SYNC_IMPORTED_WITH_ERRORS);
    return (struct ending){ now.import.rows, import_errors(f, file), import_records(f, "cc-family") };
}

/* Without a fault, in a world of its own. The texts are the caller's, who copies them. */
static struct ending undisturbed(int batches, struct arena *a)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    import_old_records(&f, batches);
    struct sync_file file = import_text(&f, batches_of(w, batches));
    struct ending e = ending_of(&f, &file);
    EXPECT_EQ(e.rows.done, batches * SYNC_BATCH_ROWS + GOOD_ROWS);
    EXPECT_EQ(e.rows.inserted, batches + 1);
    EXPECT_EQ(e.rows.updated, 2 * (batches + 1));
    EXPECT_EQ(e.rows.deleted, batches + 1);
    EXPECT_EQ(e.rows.failed, batches * (SYNC_BATCH_ROWS - GOOD_ROWS));
    e.errors = arena_copy(a, e.errors);
    e.records = arena_copy(a, e.records);
    return e;
}

static void expect_same(const struct ending *is, const struct ending *wanted)
{
    EXPECT_EQ(is->rows.total, wanted->rows.total);
    EXPECT_EQ(is->rows.done, wanted->rows.done);
    EXPECT_EQ(is->rows.inserted, wanted->rows.inserted);
    EXPECT_EQ(is->rows.updated, wanted->rows.updated);
    EXPECT_EQ(is->rows.deleted, wanted->rows.deleted);
    EXPECT_EQ(is->rows.failed, wanted->rows.failed);
    EXPECT_SLICE(is->errors, wanted->errors);
    EXPECT_SLICE(is->records, wanted->records);
}

static struct job job_of(const struct sync_fixture *f, int64_t id)
{
    struct job job = { 0 };
    EXPECT_OK(job_get(&f->w->core, 0, id, f->w->a, &job));
    return job;
}

static int64_t count_import_jobs(const struct sync_fixture *f)
{
    struct job_list jobs;
    int64_t count = 0;
    EXPECT_OK(job_list(&f->w->core, ALL_IDS, f->w->a, &jobs));
    for (size_t i = 0; i < jobs.count; i++)
        count += slice_eq(jobs.items[i].kind, S(SYNC_IMPORT_JOB));
    return count;
}

/* Runs what is due, and again after pauses that are longer than those between attempts. */
static void run_attempts(const struct sync_fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        err_t planned = jobs_run_due(f->w->jobs, f->w->a);
        (void)planned;
        world_wait(f->w, minutes(6));
    }
}

/* ---- a record store whose calls do something more ---- */

static struct {
    struct record_ops ops;
    const struct record_ops *inner;
    const struct sync_fixture *f;
    struct sync_file file;   /* whose import runs */
    int64_t commits, at;     /* so many there were; the one at which something happens */
    int64_t failures;        /* calls that fail from now on */
    const char *copy;        /* of the set */
    slice order;             /* of the sets whose position was asked for */
    pthread_mutex_t mutex;   /* of the next ones */
    pthread_cond_t happened; /* one of them */
    bool has_opened, has_committed;
} hooked;

static err_t open_hooked(struct record_store *store, int64_t set_id, const struct record_batch *batch, struct arena *a,
                         struct record_writer **ret)
{
    TRY(hooked.inner->open(store, set_id, batch, a, ret));
    (*ret)->ops = &hooked.ops;
    return NULL;
}

static void hook(const struct sync_fixture *f, const struct sync_file *file)
{
    memset(&hooked, 0, sizeof hooked);
    hooked.inner = f->w->core.records->ops;
    hooked.ops = *hooked.inner;
    hooked.ops.open = open_hooked;
    hooked.f = f;
    hooked.file = *file;
    pthread_mutex_init(&hooked.mutex, NULL);
    pthread_cond_init(&hooked.happened, NULL);
    f->w->core.records->ops = &hooked.ops;
}

static void unhook(void)
{
    hooked.f->w->core.records->ops = hooked.inner;
    pthread_cond_destroy(&hooked.happened);
    pthread_mutex_destroy(&hooked.mutex);
}

static void note_event(bool *event)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&hooked.mutex);
    *event = true;
    pthread_cond_broadcast(&hooked.happened);
}

/* False: it has not happened so long. */
static bool wait_for_event(const bool *event, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&hooked.mutex);
    while (!*event && pthread_cond_timedwait(&hooked.happened, &hooked.mutex, &until) == 0) {
    }
    return *event;
}

/* ---- stores that fail ---- */

static void import_with_fault(int64_t nth, bool answer_lost, const struct ending *wanted, bool *ret_reached)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    import_old_records(&f, 1);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 1)), now = { 0 };
    struct sync_import_request request = { file.id, SYNC_LINES, S(""), S("") };
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    err_t e = sync_import_start(&w->core, &f.ana, &request, w->a, &now);
    if (e)
        EXPECT_OK(sync_import_start(&w->core, &f.ana, &request, w->a, &now)); /* its sender asks again */
    err_t planned = jobs_run_due(w->jobs, w->a);
    (void)planned;
    *ret_reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT_EQ(world_fsck(w, false), 0);
    world_wait(w, minutes(1));
    run_attempts(&f, 3);
    struct ending is = ending_of(&f, &file);
    expect_same(&is, wanted);
    now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.import.number, 1);
    EXPECT_EQ(count_import_jobs(&f), 2);
    EXPECT_EQ(job_of(&f, now.import.job_id).state, JOB_DONE);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(records_and_numbers_are_the_same_whatever_call_of_a_store_fails)
{
    SCRATCH(a);
    struct ending wanted = undisturbed(1, &a);
    for (int lost = 0; lost < 2; lost++) {
        bool reached = true;
        for (int64_t nth = fault_first(); reached; nth += fault_step()) {
            import_with_fault(nth, lost, &wanted, &reached);
            assert_true(nth < 2000);
        }
    }
}

static err_t size_then_lose_an_answer(struct record_store *store, int64_t set_id, struct arena *a, uint64_t *ret_bytes,
                                      uint64_t *ret_records)
{
    struct fault_plan *faults = &hooked.f->w->faults;
    TRY(hooked.inner->size(store, set_id, a, ret_bytes, ret_records));
    if (!hooked.commits++)
        *faults =
            (struct fault_plan){ .fail_at = hooked.at, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = true };
    return NULL;
}

/* The next write took the size of the report from what the run had last heard of, and counted it twice. */
TEST(a_write_whose_answer_is_lost_is_counted_once)
{
    enum { CALLS = 30 }; /* more than that write has */
    for (int64_t nth = 1; nth <= CALLS; nth++) {
        WORLD(w);
        struct sync_fixture f = sync_fixture_new(w);
        struct sync_file file = import_upload(&f, "a", batches_of(w, 0));
        import_start(&f, &file, "");
        hook(&f, &file);
        hooked.ops.size = size_then_lose_an_answer; /* before a write that says how far the import is */
        hooked.at = nth;
        err_t planned = jobs_run_due(w->jobs, w->a);
        (void)planned;
        unhook();
        EXPECT(w->faults.calls >= nth);
        w->faults.fail_at = 0;
        EXPECT_EQ(world_fsck(w, false), 0);
        run_attempts(&f, 2);
        EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
}

static err_t open_and_fail(struct record_store *store, int64_t set_id, const struct record_batch *batch,
                           struct arena *a, struct record_writer **ret)
{
    if (!hooked.failures)
        return open_hooked(store, set_id, batch, a, ret);
    hooked.failures--;
    return err_make(a, ERR_UNAVAILABLE, "planned");
}

TEST(an_import_is_repeated_after_longer_and_longer_pauses_and_fails_after_the_last_attempt)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 0));
    int64_t job_id = import_start(&f, &file, "").import.job_id, longest = 0;
    hook(&f, &file);
    hooked.ops.open = open_and_fail;
    hooked.failures = INT64_MAX;
    for (int i = 1; i < SYNC_IMPORT_ATTEMPTS; i++) {
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_UNAVAILABLE);
        EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_PROCESSING);
        struct job job = job_of(&f, job_id);
        int64_t pause = job.run_at_ms - core_now_ms(&w->core);
        EXPECT(pause >= seconds(1) << (i - 1) >> 1 && pause <= seconds(1) << (i - 1));
        longest = pause > longest ? pause : longest;
        world_wait(w, pause - 1);
        EXPECT_OK(jobs_run_due(w->jobs, w->a)); /* not before its time */
        world_wait(w, 1);
    }
    EXPECT(longest > seconds(20));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("StorageFailed"));
    EXPECT_EQ(job_of(&f, job_id).state, JOB_DONE);
    hooked.failures = 0;
    import_start(&f, &file, ""); /* the same action runs again after a failure */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED);
    unhook();
    EXPECT_EQ(world_fsck(w, false), 0);
}

static err_t commit_then_fail(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    TRY(hooked.inner->commit(writer, position, how, a));
    hooked.commits++;
    return err_make(a, ERR_UNAVAILABLE, "planned: the answer is lost");
}

/* It goes on from its last batch, so attempts that get further do not count. */
TEST(an_import_that_gets_further_with_each_attempt_has_as_many_as_it_needs)
{
    enum { BATCHES = SYNC_IMPORT_ATTEMPTS + 2 };
    WORLD(w);
    SCRATCH(a);
    struct sync_fixture f = sync_fixture_new(w);
    struct ending wanted = undisturbed(BATCHES, &a);
    import_old_records(&f, BATCHES);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, BATCHES));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.commit = commit_then_fail;
    run_attempts(&f, BATCHES + 2);
    unhook();
    EXPECT_EQ(hooked.commits, BATCHES + 1);
    struct ending is = ending_of(&f, &file);
    expect_same(&is, &wanted);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(imports_of_a_section_keep_their_order_when_one_is_repeated)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file first = import_upload(&f, "a", S(IMPORT_HEAD "10|F-1|first|1|\n99|1\n"));
    struct sync_file second = import_upload(&f, "b", S(IMPORT_HEAD "10|F-1|second|2|\n99|1\n"));
    import_start(&f, &first, "");
    import_start(&f, &second, "");
    hook(&f, &first);
    hooked.ops.open = open_and_fail;
    hooked.failures = 1;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_UNAVAILABLE);
    EXPECT_EQ(sync_fixture_get(&f, &second).state, SYNC_QUEUED);
    world_wait(w, seconds(1));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    EXPECT_SLICE(import_records(&f, "cc-family"), S("{\"entityId\":\"F-1\",\"name\":\"second\",\"size\":2}\n"));
    EXPECT_EQ(sync_fixture_get(&f, &second).import.rows.updated, 1);
}

/* ---- cancellation ---- */

/* What was applied counts, and nothing else. */
static void expect_cancelled_after_a_batch(const struct sync_fixture *f, const struct sync_file *file)
{
    struct sync_file now = sync_fixture_get(f, file);
    EXPECT_EQ(now.state, SYNC_FAILED);
    EXPECT(slice_starts(import_errors(f, file), S("Cancelled")));
    EXPECT_EQ(now.import.rows.done, SYNC_BATCH_ROWS);
    EXPECT_EQ(now.import.rows.inserted, 2);
    EXPECT_EQ(now.import.rows.failed, SYNC_BATCH_ROWS - GOOD_ROWS);
    EXPECT_SLICE(import_records(f, "cc-family"), S("{\"entityId\":\"F-0\",\"name\":\"again\",\"size\":1}\n"
                                                   "{\"entityId\":\"F-old\",\"name\":\"by 0\",\"size\":0}\n"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(an_import_that_is_cancelled_while_it_waits_ends_with_the_next_purge)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", S(IMPORT_HEAD "10|F-1|x|1|\n99|1\n"));
    bool runs;
    EXPECT_OK(job_cancel(&w->core, &w->operator_, import_start(&f, &file, "").import.job_id, w->a, &runs));
    EXPECT(!runs);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_QUEUED);
    world_wait(w, minutes(1));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("Cancelled"));
    EXPECT_SLICE(import_records(&f, "cc-family"), S("none"));
    EXPECT_EQ(world_fsck(w, false), 0);
}

static void cancel_hooked(void)
{
    const struct sync_fixture *f = hooked.f;
    bool runs;
    EXPECT_OK(
        job_cancel(&f->w->core, &f->w->operator_, sync_fixture_get(f, &hooked.file).import.job_id, f->w->a, &runs));
}

static err_t commit_and_cancel(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    TRY(hooked.inner->commit(writer, position, how, a));
    if (++hooked.commits == hooked.at)
        cancel_hooked();
    return NULL;
}

TEST(an_import_that_is_cancelled_while_it_runs_counts_what_it_has_applied)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 2));
    int64_t job_id = import_start(&f, &file, "").import.job_id;
    hook(&f, &file);
    hooked.ops.commit = commit_and_cancel;
    hooked.at = 1;
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    EXPECT_EQ(job_of(&f, job_id).state, JOB_CANCELLED);
    expect_cancelled_after_a_batch(&f, &file);
    import_start(&f, &file, ""); /* it may be asked for again */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_IMPORTED_WITH_ERRORS);
    EXPECT_EQ(now.import.rows.done, 2 * SYNC_BATCH_ROWS + GOOD_ROWS);
}

/* Its row said that nothing was applied, although a batch was. */
TEST(an_import_that_is_cancelled_between_two_attempts_counts_what_it_has_applied)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 2));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.commit = commit_then_fail;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_UNAVAILABLE);
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_PROCESSING);
    EXPECT_EQ(now.import.rows.done, SYNC_BATCH_ROWS);
    cancel_hooked();
    unhook();
    world_wait(w, minutes(1));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_FAILED);
    EXPECT_EQ(now.import.rows.done, SYNC_BATCH_ROWS);
    EXPECT_SLICE(import_errors(&f, &file), S("Cancelled"));
    EXPECT_EQ(world_fsck(w, false), 0);
}

static err_t cancel_and_define(struct record_store *store, int64_t set_id, const struct record_fields *fields,
                               struct arena *a)
{
    cancel_hooked();
    return hooked.inner->define(store, set_id, fields, a);
}

/* The check of the second attempt wrote that nothing was applied. */
TEST(an_attempt_that_is_cancelled_before_it_goes_on_counts_what_the_one_before_has_applied)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 2));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.commit = commit_then_fail;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_UNAVAILABLE);
    hooked.ops.commit = hooked.inner->commit;
    hooked.ops.define = cancel_and_define;
    world_wait(w, seconds(1));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    expect_cancelled_after_a_batch(&f, &file);
}

/* ---- no room ---- */

TEST(an_import_fails_when_the_account_has_no_room_for_its_records)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", S(IMPORT_HEAD "10|F-1|x|1|\n99|1\n"));
    int64_t job_id = import_start(&f, &file, "").import.job_id;
    world_set_room(w, 4096, 0); /* for its report, but not for a set */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("QuotaExceeded"));
    EXPECT_EQ(now.import.rows.done, 0);
    EXPECT_EQ(job_of(&f, job_id).state, JOB_DONE); /* it is not repeated */
    EXPECT_EQ(world_fsck(w, false), 0);
    world_set_room(w, 1 << 20, 0);
    import_start(&f, &file, "");
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED);
    EXPECT_EQ(world_fsck(w, false), 0);
}

static err_t commit_and_let_time_pass(struct record_writer *writer, slice position, enum record_commit how,
                                      struct arena *a)
{
    if (++hooked.commits == hooked.at)
        world_set_room(hooked.f->w, 0, 0);
    world_wait(hooked.f->w, SYNC_FLUSH_MS);
    return hooked.inner->commit(writer, position, how, a);
}

TEST(an_import_that_runs_out_of_room_counts_what_it_has_applied)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S(IMPORT_HEAD));
    for (int i = 0; i < 3 * SYNC_BATCH_ROWS; i++)
        buf_printf(&text, "10|F-%d|x|1|\n", i);
    buf_printf(&text, "99|%d\n", 3 * SYNC_BATCH_ROWS);
    struct sync_file file = import_upload(&f, "a.cc5txt", buf_slice(&text));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.commit = commit_and_let_time_pass;
    hooked.at = 2;
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    struct sync_file now = sync_fixture_get(&f, &file);
    uint64_t bytes, records;
    EXPECT_EQ(now.state, SYNC_FAILED);
    EXPECT_SLICE(import_errors(&f, &file), S("QuotaExceeded"));
    EXPECT_EQ(now.import.rows.done, 2 * SYNC_BATCH_ROWS);
    EXPECT_EQ(now.import.rows.inserted, 2 * SYNC_BATCH_ROWS);
    EXPECT_OK(w->core.records->ops->size(w->core.records, 1, w->a, &bytes, &records));
    EXPECT_EQ(records, 2 * SYNC_BATCH_ROWS);
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(imports_wait_while_the_disk_is_full_however_long_it_takes)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", batches_of(w, 1));
    int64_t job_id = import_start(&f, &file, "").import.job_id;
    w->core.options.reserve_bytes = INT64_MAX;
    for (int i = 0; i < 2 * SYNC_IMPORT_ATTEMPTS; i++) {
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_NO_SPACE);
        EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_QUEUED);
        EXPECT_EQ(job_of(&f, job_id).run_at_ms, core_now_ms(&w->core) + seconds(10));
        world_wait(w, seconds(10));
    }
    w->core.options.reserve_bytes = 0;
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED_WITH_ERRORS);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* The disk is full from the second batch on. */
static err_t open_and_fill_the_disk(struct record_store *store, int64_t set_id, const struct record_batch *batch,
                                    struct arena *a, struct record_writer **ret)
{
    struct world *w = hooked.f->w;
    if (++hooked.commits == 2) {
        world_wait(w, seconds(2)); /* so that the free space is looked at again */
        w->core.options.reserve_bytes = INT64_MAX;
    }
    return open_hooked(store, set_id, batch, a, ret);
}

TEST(an_import_that_finds_the_disk_full_goes_on_from_its_last_batch)
{
    WORLD(w);
    SCRATCH(a);
    struct sync_fixture f = sync_fixture_new(w);
    struct ending wanted = undisturbed(2, &a);
    import_old_records(&f, 2);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 2));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.open = open_and_fill_the_disk;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_NO_SPACE);
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_PROCESSING);
    EXPECT_EQ(now.import.rows.done, SYNC_BATCH_ROWS);
    run_attempts(&f, 2 * SYNC_IMPORT_ATTEMPTS);
    w->core.options.reserve_bytes = 0;
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    struct ending is = ending_of(&f, &file);
    expect_same(&is, &wanted);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* ---- a set that went back, because a flush failed ---- */

static void go_back(struct record_store *store, int64_t set_id, struct arena *a)
{
    EXPECT_OK(hooked.inner->remove(store, set_id, a));
    EXPECT_OK(hooked.inner->restore(store, set_id, hooked.copy, a));
}

static err_t commit_and_copy(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    TRY(hooked.inner->commit(writer, position, how, a));
    struct record_store *store = hooked.f->w->core.records;
    return ++hooked.commits == 1 ? hooked.inner->backup(store, 1, hooked.copy, a) : NULL;
}

static err_t flush_that_fails(struct record_store *store, int64_t set_id, struct arena *a, slice *ret)
{
    if (hooked.commits < 2 || hooked.at)
        return hooked.inner->flush(store, set_id, a, ret);
    hooked.at++;
    go_back(store, set_id, a);
    return err_make(a, ERR_UNAVAILABLE, "planned");
}

static err_t flush_that_finds_less(struct record_store *store, int64_t set_id, struct arena *a, slice *ret)
{
    if (hooked.commits >= 2 && !hooked.at++)
        go_back(store, set_id, a);
    return hooked.inner->flush(store, set_id, a, ret);
}

static err_t open_one_that_went_back(struct record_store *store, int64_t set_id, const struct record_batch *batch,
                                     struct arena *a, struct record_writer **ret)
{
    if (hooked.commits == 2 && !hooked.at++)
        go_back(store, set_id, a);
    return open_hooked(store, set_id, batch, a, ret);
}

static void import_into_a_set_that_goes_back(int how)
{
    SCRATCH(a);
    struct ending wanted = undisturbed(3, &a);
    tmpdir_use_memory();
    char *dir = tmpdir_make();
    struct world *w = world_new_with(&(struct world_options){ .records = arena_printf(&a, "%s/records", dir).p });
    struct sync_fixture f = sync_fixture_new(w);
    import_old_records(&f, 3);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 3));
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.copy = arena_printf(&a, "%s/copy", dir).p;
    hooked.ops.commit = commit_and_copy;
    if (how == 0)
        hooked.ops.flush = flush_that_fails;
    else if (how == 1)
        hooked.ops.flush = flush_that_finds_less;
    else
        hooked.ops.open = open_one_that_went_back;
    err_t e = jobs_run_due(w->jobs, w->a);
    EXPECT(e && hooked.at);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_PROCESSING);
    run_attempts(&f, 3);
    unhook();
    struct ending is = ending_of(&f, &file);
    expect_same(&is, &wanted);
    EXPECT(slice_find(import_notes(&f, &file), S("goes on")) != SLICE_NONE);
    EXPECT_EQ(world_fsck(w, false), 0);
    world_free(w);
    tmpdir_remove(dir);
}

TEST(an_import_goes_on_where_its_set_is_when_that_went_back)
{
    for (int how = 0; how < 3; how++)
        import_into_a_set_that_goes_back(how);
}

/* ---- a backup, and the end of the server ---- */

static err_t open_and_tell(struct record_store *store, int64_t set_id, const struct record_batch *batch,
                           struct arena *a, struct record_writer **ret)
{
    note_event(&hooked.has_opened);
    return open_hooked(store, set_id, batch, a, ret);
}

static err_t commit_and_tell(struct record_writer *writer, slice position, enum record_commit how, struct arena *a)
{
    note_event(&hooked.has_committed);
    return hooked.inner->commit(writer, position, how, a);
}

static void *run_due(void *arg)
{
    const struct sync_fixture *f = arg;
    SCRATCH(a);
    EXPECT_OK(jobs_run_due(f->w->jobs, &a));
    return NULL;
}

TEST(no_batch_is_committed_while_a_backup_copies)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", batches_of(w, 0));
    pthread_t thread;
    import_start(&f, &file, "");
    hook(&f, &file);
    hooked.ops.open = open_and_tell;
    hooked.ops.commit = commit_and_tell;
    dataset_gate_close(&w->core);
    pthread_create(&thread, NULL, run_due, &f);
    EXPECT(wait_for_event(&hooked.has_opened, 60000));
    EXPECT(!wait_for_event(&hooked.has_committed, 100));
    dataset_gate_open(&w->core);
    pthread_join(thread, NULL);
    unhook();
    EXPECT(hooked.has_committed);
    EXPECT_EQ(sync_fixture_get(&f, &file).state, SYNC_IMPORTED);
}

/* Nothing else than the end of the jobs wakes their workers meanwhile. */
static err_t commit_and_wait_for_the_end(struct record_writer *writer, slice position, enum record_commit how,
                                         struct arena *a)
{
    struct core *core = &hooked.f->w->core;
    TRY(hooked.inner->commit(writer, position, how, a));
    if (hooked.commits++)
        return NULL;
    uint64_t seen = job_changes(core);
    note_event(&hooked.has_committed);
    job_wait(core, seen, 60000);
    EXPECT(job_changes(core) != seen);
    return NULL;
}

TEST(an_import_stops_with_the_server_and_goes_on_with_the_next)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    SCRATCH(a);
    struct sync_fixture f = sync_fixture_new(w);
    struct ending wanted = undisturbed(2, &a);
    import_old_records(&f, 2);
    struct sync_file file = import_upload(&f, "a.cc5txt", batches_of(w, 2));
    int64_t job_id = import_start(&f, &file, "").import.job_id;
    hook(&f, &file);
    hooked.ops.commit = commit_and_wait_for_the_end;
    jobs_start(w->jobs);
    EXPECT(wait_for_event(&hooked.has_committed, 60000));
    jobs_free(w->jobs);
    EXPECT_OK(jobs_new(&w->core, &(struct jobs_options){ .is_alone = true }, w->a, &w->jobs));
    struct sync_file now = sync_fixture_get(&f, &file);
    EXPECT_EQ(now.state, SYNC_PROCESSING);
    EXPECT_EQ(now.import.rows.done, SYNC_BATCH_ROWS);
    EXPECT_EQ(job_of(&f, job_id).attempts, 0); /* it did not fail */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    unhook();
    struct ending is = ending_of(&f, &file);
    expect_same(&is, &wanted);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* ---- many at once ---- */

struct asking {
    const struct sync_fixture *f;
    struct sync_import_request request;
    pthread_barrier_t *start;
    struct sync_file now;
};

static void *ask(void *arg)
{
    struct asking *p = arg;
    SCRATCH(a);
    pthread_barrier_wait(p->start);
    EXPECT_OK(sync_import_start(&p->f->w->core, &p->f->ana, &p->request, &a, &p->now));
    return NULL;
}

TEST(of_two_who_ask_for_an_import_at_once_one_queues_it)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct sync_fixture f = sync_fixture_new(w);
    for (int i = 0; i < rounds(ROUNDS_sync_races); i++) {
        struct sync_file file = import_upload(&f, "a", S(IMPORT_HEAD "10|F-1|x|1|\n99|1\n"));
        pthread_barrier_t start;
        pthread_t threads[2];
        struct asking who[2];
        pthread_barrier_init(&start, NULL, 2);
        for (int k = 0; k < 2; k++) { /* in every other round under the same action */
            who[k] = (struct asking){ .f = &f,
                                      .start = &start,
                                      .request = { file.id, SYNC_LINES, k && i % 2 ? S("two") : S("one"), S("") } };
            pthread_create(&threads[k], NULL, ask, &who[k]);
        }
        for (int k = 0; k < 2; k++)
            pthread_join(threads[k], NULL);
        pthread_barrier_destroy(&start);
        EXPECT(who[0].now.import.number == 1 && who[1].now.import.number == 1);
        EXPECT_EQ(who[0].now.import.job_id, who[1].now.import.job_id);
    }
    EXPECT_EQ(count_import_jobs(&f), rounds(ROUNDS_sync_races));
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_SLICE(import_records(&f, "cc-family"), S("{\"entityId\":\"F-1\",\"name\":\"x\",\"size\":1}\n"));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_file_that_is_imported_under_two_actions_is_imported_twice_one_after_the_other)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct sync_file file = import_upload(&f, "a", S(IMPORT_HEAD "10|F-1|x|1|\n99|1\n"));
    EXPECT_EQ(import_start(&f, &file, "one").import.number, 1);
    EXPECT_EQ(import_start(&f, &file, "two").import.number, 1); /* the first has not ended */
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    EXPECT_EQ(import_start(&f, &file, "one").import.number, 1);
    EXPECT_EQ(import_start(&f, &file, "two").import.number, 2);
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
    struct sync_file now = sync_fixture_get(&f, &file);
    import_expect_rows(&now, 1, 0, 1, 0, 0); /* all of it again, though the set knows a position of this file */
    EXPECT_EQ(count_import_jobs(&f), 2);
    EXPECT_EQ(world_fsck(w, false), 0);
}

static err_t note_order(struct record_store *store, int64_t set_id, struct arena *a, slice *ret)
{
    hooked.order = arena_printf(hooked.f->w->a, SLICE_FMT "%lld ", SLICE_ARG(hooked.order), (long long)set_id);
    return hooked.inner->position(store, set_id, a, ret);
}

static void queue_files(struct sync_fixture *f, const char *section, int count)
{
    slice text = S("00|C|F|2|R\n01|wks_family|||cc-family|S\n02|k\n03|k\n10|1\n99|1\n");
    for (int i = 0; i < count; i++) {
        struct sync_request request = sync_fixture_request(f, S("many"));
        struct sync_file file;
        request.section = slice_of(section);
        EXPECT_OK(sync_fixture_try(f, &f->ana, &request, &file));
        EXPECT_OK(sync_fixture_put(f, &file, text, f->w->a));
        import_start(f, &file, "");
    }
}

/* Sets are numbered in the order in which they are filled for the first time. */
static void expect_order(struct sync_fixture *f, const struct sync_file *any, slice start)
{
    hook(f, any);
    hooked.ops.position = note_order;
    EXPECT_OK(jobs_run_due(f->w->jobs, f->w->a));
    unhook();
    EXPECT(slice_starts(hooked.order, start));
}

static struct sync_file queue_as(struct sync_fixture *f, slice workspace, slice section)
{
    struct key_request key = {
        .login = S("ana"), .purpose = S("test"), .role = KEY_WRITER, .workspace = workspace, .section = section
    };
    struct sync_request request = sync_fixture_request(f, S("last"));
    slice secret, text = S("00|C|F|2|R\n01|wks_family|||cc-family|S\n02|k\n03|k\n10|1\n99|1\n");
    struct principal other = sync_fixture_key(f, &key, &secret);
    struct sync_file last;
    EXPECT_OK(sync_fixture_try(f, &other, &request, &last));
    EXPECT_OK(sync_fixture_put(f, &last, text, f->w->a));
    import_start_as(f, &other, &last, SYNC_LINES, "");
    return last;
}

TEST(many_files_of_one_section_do_not_hold_up_a_file_of_another)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    queue_files(&f, "B", 10);
    struct sync_file last = queue_as(&f, S("W"), S("other"));
    expect_order(&f, &last, S("1 2 1 1 1 "));
}

TEST(many_files_of_one_workspace_do_not_hold_up_a_file_of_another)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct workspace workspace;
    struct section section;
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("V"), w->a, &workspace));
    EXPECT_OK(section_add(&w->core, &w->operator_, &(struct section_request){ S("V"), S("B"), false }, w->a, &section));
    queue_files(&f, "B", 10);
    queue_files(&f, "other", 10);
    struct sync_file last = queue_as(&f, S("V"), S("B"));
    expect_order(&f, &last, S("1 2 3 1 2 1 2 "));
}

RUN_TESTS(cmocka_unit_test(records_and_numbers_are_the_same_whatever_call_of_a_store_fails),
          cmocka_unit_test(a_write_whose_answer_is_lost_is_counted_once),
          cmocka_unit_test(an_import_is_repeated_after_longer_and_longer_pauses_and_fails_after_the_last_attempt),
          cmocka_unit_test(an_import_that_gets_further_with_each_attempt_has_as_many_as_it_needs),
          cmocka_unit_test(imports_of_a_section_keep_their_order_when_one_is_repeated),
          cmocka_unit_test(an_import_that_is_cancelled_while_it_waits_ends_with_the_next_purge),
          cmocka_unit_test(an_import_that_is_cancelled_while_it_runs_counts_what_it_has_applied),
          cmocka_unit_test(an_import_that_is_cancelled_between_two_attempts_counts_what_it_has_applied),
          cmocka_unit_test(an_attempt_that_is_cancelled_before_it_goes_on_counts_what_the_one_before_has_applied),
          cmocka_unit_test(an_import_fails_when_the_account_has_no_room_for_its_records),
          cmocka_unit_test(an_import_that_runs_out_of_room_counts_what_it_has_applied),
          cmocka_unit_test(imports_wait_while_the_disk_is_full_however_long_it_takes),
          cmocka_unit_test(an_import_that_finds_the_disk_full_goes_on_from_its_last_batch),
          cmocka_unit_test(an_import_goes_on_where_its_set_is_when_that_went_back),
          cmocka_unit_test(no_batch_is_committed_while_a_backup_copies),
          cmocka_unit_test(an_import_stops_with_the_server_and_goes_on_with_the_next),
          cmocka_unit_test(of_two_who_ask_for_an_import_at_once_one_queues_it),
          cmocka_unit_test(a_file_that_is_imported_under_two_actions_is_imported_twice_one_after_the_other),
          cmocka_unit_test(many_files_of_one_section_do_not_hold_up_a_file_of_another),
          cmocka_unit_test(many_files_of_one_workspace_do_not_hold_up_a_file_of_another))

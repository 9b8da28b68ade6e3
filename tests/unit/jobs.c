/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"
#include "world.h"

#include "core/event.h"
#include "core/object/garbage.h"
#include "core/object/sweep.h"
#include "core/store/blob_store.h"
#include "sql/sql.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { LARGE = 20000 };

/* A blob that a crash left: its bytes were committed, its row was not. */
static void orphan(struct world *w, slice key)
{
    struct blob_writer *writer;
    const struct blob_ops *ops = w->core.blob->ops;
    EXPECT_OK(ops->create(w->core.blob, key, 0, w->a, &writer));
    EXPECT_OK(ops->write(writer, S("lost"), w->a));
    EXPECT_OK(ops->commit(writer, w->a));
}

TEST(purge_removes_an_upload_that_was_not_confirmed_in_time)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("small"), S("hello"), minutes(10));
    world_store(w, &alice, S("large"), world_bytes(w, LARGE), minutes(10));
    struct file kept = world_store(w, &alice, S("kept"), world_bytes(w, LARGE), 0);
    world_wait(w, minutes(10) - 1);
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 3);
    world_wait(w, minutes(1));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_EQ(world_account(w).used_bytes, (int64_t)kept.size_bytes);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_event_count(w, S("file.purge")), 2);
    EXPECT_EQ(world_blob_count(w), 2); /* the record is gone; the bytes follow after the grace */
    EXPECT_EQ(world_fsck(w, true), 0);
    world_wait(w, WORLD_GRACE_MS - 1);
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 2);
    world_wait(w, minutes(5));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(purge_removes_more_than_one_batch_in_a_run)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    for (int i = 0; i < 450; i++)
        world_store(w, &alice, S("x"), S(""), minutes(1));
    world_wait(w, minutes(1));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_account(w).used_files, 0);
}

TEST(rustfs_4221_sweep_removes_only_orphans)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_run_jobs(w);
    struct file known = world_store(w, &alice, S("known"), world_bytes(w, LARGE), 0);
    orphan(w, S("00old"));
    world_wait(w, hours(6) - minutes(1));
    orphan(w, S("01young"));
    struct file deleted = world_store(w, &alice, S("deleted"), world_bytes(w, LARGE), 0);
    world_wait(w, minutes(1) - 1);
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 4);
    EXPECT_EQ(world_fsck(w, false), 0);
    EXPECT_EQ(world_fsck(w, true), 1); /* one note: the old orphan */
    world_wait(w, 1);
    EXPECT_OK(file_delete(&w->core, &alice, deleted.uuid, w->a));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 3); /* the old orphan is gone; a known blob, a young one and garbage stay */
    EXPECT_EQ(world_fsck(w, true), 0);
    slice bytes;
    EXPECT_OK(world_read(w, &alice, &known, &bytes));
}

TEST(garbage_keeps_the_bytes_of_an_old_blob_for_the_whole_grace)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    struct sweep_report report;
    world_wait(w, hours(100));
    EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
    EXPECT_OK(sweep_run(&w->core, &(struct sweep_request){ .remove = true }, w->a, &report));
    EXPECT_EQ(report.removed, 0);
    EXPECT_EQ(report.young, 1);
    EXPECT_EQ(world_blob_count(w), 1);
}

TEST(sweep_keeps_a_blob_that_is_being_written)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct intake_request request = world_request(&alice, S("x"));
    struct intake *in;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &in));
    EXPECT_OK(intake_write(in, world_bytes(w, LARGE), w->a));
    EXPECT(w->core.flights);
    world_wait(w, hours(1000)); /* the clock jumped, or the sender is very slow */
    world_run_jobs(w);
    intake_discard(in);
    EXPECT(!w->core.flights);
}

/* A write that blocks the committer until the test releases it. */
struct roadblock {
    struct meta_write write;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool reached, open, done;
};

static err_t roadblock_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct roadblock *r = arg;
    (void)tx, (void)a;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    r->reached = true;
    pthread_cond_broadcast(&r->changed);
    while (!r->open)
        pthread_cond_wait(&r->changed, &r->mutex);
    return NULL;
}

static void roadblock_done(struct meta_write *write, err_t e)
{
    struct roadblock *r = CONTAINER_OF(write, struct roadblock, write);
    (void)e;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    r->done = true;
    pthread_cond_broadcast(&r->changed);
}

static void roadblock_wait(struct roadblock *r, const bool *for_it)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    while (!*for_it)
        pthread_cond_wait(&r->changed, &r->mutex);
}

struct blob_sender {
    struct intake *in;
    bool stored;
    struct file file;
};

static void sender_done(void *arg, err_t e, const struct file *file)
{
    struct blob_sender *s = arg;
    s->stored = !e;
    if (file)
        s->file = *file;
}

static void *sender_run(void *arg)
{
    struct blob_sender *s = arg;
    intake_finish(s->in, sender_done, s);
    return NULL;
}

TEST(sweep_keeps_blobs_of_pending_commits)
{
    tmpdir_use_memory();
    char *dir = tmpdir_make(), path[96];
    snprintf(path, sizeof path, "%s/db", dir);
    struct world *w = world_new_with(&(struct world_options){ .threaded = true, .database = path });
    struct principal alice = world_user(w, S("alice"));
    struct roadblock r = { .write = { .apply = roadblock_apply, .arg = &r, .done = roadblock_done },
                           .mutex = PTHREAD_MUTEX_INITIALIZER,
                           .changed = PTHREAD_COND_INITIALIZER };
    struct intake_request request = world_request(&alice, S("x"));
    struct blob_sender s = { 0 };
    slice bytes = world_bytes(w, LARGE), back;
    EXPECT_OK(intake_open(&w->core, &request, w->a, &s.in));
    EXPECT_OK(intake_write(s.in, bytes, w->a));
    EXPECT(meta_submit(w->core.meta, &r.write));
    roadblock_wait(&r, &r.reached);

    pthread_t thread;
    pthread_create(&thread, NULL, sender_run, &s);
    while (world_blob_count(w) == 0)
        usleep(1000);
    world_wait(w, hours(1000)); /* the clock jumps */
    struct sweep_report report;
    EXPECT_OK(sweep_run(&w->core, &(struct sweep_request){ .remove = true }, w->a, &report));
    EXPECT_EQ(report.removed, 0);
    EXPECT_EQ(report.young, 1);

    pthread_mutex_lock(&r.mutex);
    r.open = true;
    pthread_cond_broadcast(&r.changed);
    pthread_mutex_unlock(&r.mutex);
    pthread_join(thread, NULL);
    roadblock_wait(&r, &r.done);
    EXPECT(s.stored);
    EXPECT_OK(world_read(w, &alice, &s.file, &back));
    EXPECT_SLICE(back, bytes);
    world_free(w);
    tmpdir_remove(dir);
}

TEST(sweep_without_remove_removes_nothing)
{
    WORLD(w);
    struct sweep_report report;
    orphan(w, S("00old"));
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_OK(sweep_run(&w->core, &(struct sweep_request){ 0 }, w->a, &report));
    EXPECT_EQ(report.orphans, 1);
    EXPECT_EQ(report.orphaned_bytes, 4);
    EXPECT_EQ(report.removed, 0);
    EXPECT_EQ(world_blob_count(w), 1);
}

static void expect_refusals(struct world *w, size_t count)
{
    struct event_list events;
    EXPECT_OK(event_list(&w->core, 0, 100, w->a, &events));
    size_t found = 0;
    for (size_t i = 0; i < events.count; i++)
        found += slice_eq(events.items[i].action, S("blobs.sweep_refused"));
    EXPECT_EQ(found, count);
}

/* 120 of 120 blobs were unlinked a day after a database had been lost. */
TEST(sweep_keeps_everything_when_too_many_blobs_have_no_record)
{
    WORLD(w);
    struct sweep_report report;
    struct sweep_request request = { .remove = true };
    for (int i = 0; i <= SWEEP_DOUBTFUL_COUNT; i++)
        orphan(w, arena_printf(w->a, "%02x%d", i % 256, i));
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_ERR(sweep_run(&w->core, &request, w->a, &report), ERR_CORRUPT);
    EXPECT_EQ(report.orphans, SWEEP_DOUBTFUL_COUNT + 1);
    EXPECT_EQ(report.removed, 0);
    EXPECT_EQ(world_blob_count(w), SWEEP_DOUBTFUL_COUNT + 1);
    EXPECT_EQ(sweep_refused(&w->core), SWEEP_DOUBTFUL_COUNT + 1);
    EXPECT_ERR(sweep_run(&w->core, &request, w->a, &report), ERR_CORRUPT);
    expect_refusals(w, 1); /* the same again is no news */
    orphan(w, S("00more"));
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_ERR(sweep_run(&w->core, &request, w->a, &report), ERR_CORRUPT);
    expect_refusals(w, 2);
    request.is_confirmed = true;
    EXPECT_OK(sweep_run(&w->core, &request, w->a, &report));
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(sweep_refused(&w->core), 0);
}

TEST(d6_after_the_loss_of_records_no_orphan_is_removed_unless_a_person_confirms_it)
{
    WORLD(w);
    struct sweep_report report;
    struct sweep_request request = { .remove = true };
    w->core.options.records_were_lost = true;
    EXPECT_OK(sweep_run(&w->core, &request, w->a, &report));
    orphan(w, S("00lost"));
    world_wait(w, WORLD_GRACE_MS);
    err_t e = sweep_run(&w->core, &request, w->a, &report);
    EXPECT_ERR(e, ERR_CORRUPT);
    assert_non_null(strstr(e->msg, "write-ahead log"));
    EXPECT_EQ(world_blob_count(w), 1);
    expect_refusals(w, 1);
    request.is_confirmed = true;
    EXPECT_OK(sweep_run(&w->core, &request, w->a, &report));
    EXPECT_EQ(world_blob_count(w), 0);
}

TEST(sweep_removes_a_hundred_orphans_and_more_beside_many_known_blobs)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct sweep_report report;
    for (int i = 0; i < SWEEP_DOUBTFUL_COUNT; i++)
        orphan(w, arena_printf(w->a, "%02x%d", i % 256, i));
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_OK(sweep_run(&w->core, &(struct sweep_request){ .remove = true }, w->a, &report));
    EXPECT_EQ(report.removed, SWEEP_DOUBTFUL_COUNT); /* however few blobs there are */
    for (int i = 0; i < 10 * SWEEP_DOUBTFUL_COUNT; i++)
        world_store(w, &alice, S("known"), world_bytes(w, LARGE), 0);
    for (int i = 0; i <= SWEEP_DOUBTFUL_COUNT; i++)
        orphan(w, arena_printf(w->a, "%02x%d", i % 256, i));
    world_wait(w, WORLD_GRACE_MS);
    EXPECT_OK(sweep_run(&w->core, &(struct sweep_request){ .remove = true }, w->a, &report));
    EXPECT_EQ(report.removed, SWEEP_DOUBTFUL_COUNT + 1); /* a tenth of all at most */
}

TEST(jobs_remove_no_bytes_while_a_backup_holds_garbage)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    struct file f = world_store(w, &alice, S("x"), world_bytes(w, LARGE), 0);
    world_store(w, &alice, S("y"), S("due"), minutes(1));
    orphan(w, S("00old"));
    EXPECT_OK(file_delete(&w->core, &alice, f.uuid, w->a));
    garbage_hold(&w->core);
    world_wait(w, hours(100));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 2);
    EXPECT_EQ(world_file_count(w), 1);
    garbage_release(&w->core);
    world_wait(w, hours(6));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_file_count(w), 0);
}

TEST(expired_token_stays_known_for_a_week)
{
    WORLD(w);
    world_user(w, S("alice"));
    slice key = world_key(w, S("alice"), S("api")), token;
    struct token_policy policy = { .lifetime_ms = hours(24), .per_user = 100 };
    struct principal who;
    EXPECT_OK(
        token_issue(&w->core, &(struct token_request){ S("api"), S("alice"), key, S(""), &policy }, w->a, &token));
    world_wait(w, hours(24) * 7);
    world_run_jobs(w);
    EXPECT_ERR(access_check(&w->core, S("api"), CREDENTIAL_TOKEN, token, w->a, &who), ERR_EXPIRED);
    world_wait(w, hours(24) + hours(2));
    world_run_jobs(w);
    EXPECT_ERR(access_check(&w->core, S("api"), CREDENTIAL_TOKEN, token, w->a, &who), ERR_UNAUTHENTICATED);
    EXPECT_OK(access_check(&w->core, S("api"), CREDENTIAL_KEY, key, w->a, &who));
}

TEST(jobs_recover_from_every_failing_store_call)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    for (int64_t nth = fault_first();; nth += fault_step()) {
        assert_true(nth < 2000);
        world_store(w, &alice, S("x"), world_bytes(w, LARGE), minutes(1));
        orphan(w, random_hex(&w->random.random, w->a, 32));
        world_wait(w, hours(7));
        w->faults.fail_at = w->faults.calls + nth;
        (void)!jobs_run_due(w->jobs, w->a);
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        EXPECT_EQ(world_fsck(w, false), 0);
        for (int i = 0; i < 3; i++) {
            world_wait(w, hours(7));
            world_run_jobs(w);
        }
        EXPECT_EQ(world_file_count(w), 0);
        EXPECT_EQ(world_blob_count(w), 0);
        EXPECT_EQ(world_fsck(w, true), 0);
        if (!reached)
            break;
    }
}

TEST(jobs_thread_runs_due_jobs_and_stops_at_once)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), S("hello"), minutes(1));
    world_wait(w, minutes(1));
    jobs_start(w->jobs);
    for (int i = 0; i < 500 && world_file_count(w) > 0; i++)
        usleep(10000);
    EXPECT_EQ(world_file_count(w), 0);
    jobs_free(w->jobs); /* the thread waits for a minute now; jobs_free does not */
    w->jobs = NULL;
}

static void run_sql(struct world *w, const char *script)
{
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &conn));
    EXPECT_OK(sql_script(conn, script, w->a));
    sql_disconnect(conn);
}

/* In a backup that somebody else made, an id may be a text, which no worker can name. The other kinds go on. */
TEST(a_job_that_could_not_be_claimed_kept_its_worker_for_ever)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("small"), S("hello"), minutes(10));
    run_sql(w, "UPDATE jobs SET id = 'x' || id WHERE kind <> 'purge'");
    world_wait(w, hours(30));
    for (int i = 0; i < 20 && world_file_count(w); i++)
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_CORRUPT);
    EXPECT_EQ(world_file_count(w), 0);
}

/* The number of its claims was no integer any more: each claim looked like that of another worker, and was made again. */
TEST(a_job_with_the_highest_number_of_attempts_ran_without_end)
{
    WORLD(w);
    run_sql(w, "UPDATE jobs SET attempts = 9223372036854775807");
    world_wait(w, hours(24));
    world_run_jobs(w);
    EXPECT_EQ(world_fsck(w, true), 0);
}

RUN_TESTS(cmocka_unit_test(a_job_that_could_not_be_claimed_kept_its_worker_for_ever),
          cmocka_unit_test(a_job_with_the_highest_number_of_attempts_ran_without_end),
          cmocka_unit_test(purge_removes_an_upload_that_was_not_confirmed_in_time),
          cmocka_unit_test(purge_removes_more_than_one_batch_in_a_run),
          cmocka_unit_test(rustfs_4221_sweep_removes_only_orphans),
          cmocka_unit_test(garbage_keeps_the_bytes_of_an_old_blob_for_the_whole_grace),
          cmocka_unit_test(sweep_keeps_a_blob_that_is_being_written),
          cmocka_unit_test(sweep_keeps_blobs_of_pending_commits),
          cmocka_unit_test(sweep_without_remove_removes_nothing),
          cmocka_unit_test(jobs_remove_no_bytes_while_a_backup_holds_garbage),
          cmocka_unit_test(expired_token_stays_known_for_a_week),
          cmocka_unit_test(jobs_recover_from_every_failing_store_call),
          cmocka_unit_test(jobs_thread_runs_due_jobs_and_stops_at_once),
          cmocka_unit_test(sweep_keeps_everything_when_too_many_blobs_have_no_record),
          cmocka_unit_test(d6_after_the_loss_of_records_no_orphan_is_removed_unless_a_person_confirms_it),
          cmocka_unit_test(sweep_removes_a_hundred_orphans_and_more_beside_many_known_blobs))

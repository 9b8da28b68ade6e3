/* SPDX-License-Identifier: Apache-2.0 */
#include "damage.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/job.h"
#include "core/object/damage.h"
#include "core/object/scrub.h"
#include "core/store/job_store.h"
#include "core/store/object_store.h"

#include <string.h>

enum { FILES = 10, SIZE = 100000 };

static void store_files(struct world *w, int count)
{
    struct principal ana = world_user(w, S("ana"));
    for (int i = 0; i < count; i++)
        world_store(w, &ana, S("a.bin"), world_bytes(w, SIZE), 0);
}

static struct scrub_progress progress(struct world *w)
{
    struct scrub_progress p;
    EXPECT_OK(scrub_progress(&w->core, w->a, &p));
    return p;
}

/* A run each minute, for so many. */
static void run_for(struct world *w, int64_t runs)
{
    for (int64_t i = 0; i < runs; i++) {
        world_wait(w, SCRUB_RUN_MS);
        EXPECT_OK(scrub_run(&w->core, NULL, w->a));
    }
}

TEST(without_a_period_nothing_is_scrubbed)
{
    WORLD(w);
    store_files(w, 1);
    w->core.options.scrub_period_ms = 0;
    run_for(w, 3);
    EXPECT_EQ(progress(w).begun_at_ms, 0);
}

TEST(every_byte_is_read_once_in_a_period_and_evenly)
{
    WORLD(w);
    store_files(w, FILES);
    w->core.options.scrub_period_ms = minutes(100);
    EXPECT_OK(scrub_run(&w->core, NULL, w->a)); /* begins the round */
    for (int64_t minute = 1; minute <= 100; minute++) {
        run_for(w, 1);
        struct scrub_progress p = progress(w);
        EXPECT_EQ(p.total_bytes, FILES * SIZE);
        uint64_t due = p.total_bytes * (uint64_t)minute / 100;
        EXPECT(p.done_bytes >= due || minute == 100);
        EXPECT(p.done_bytes < due + SIZE); /* at most one object more */
    }
    EXPECT_EQ(progress(w).done_bytes, FILES * SIZE);
    int64_t begun_at_ms = progress(w).begun_at_ms;
    run_for(w, 1); /* the next round */
    EXPECT(progress(w).begun_at_ms > begun_at_ms);
    EXPECT_EQ(progress(w).damaged, 0);
    EXPECT_EQ(damage_count(&w->core), 0);
}

/* 300 MiB in an hour: a run may read 20 MiB of it, or SCRUB_RUN_MIN_BYTES. */
TEST(a_scrub_that_is_late_does_not_read_all_at_once)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    slice bytes = world_bytes(w, 10 << 20);
    for (int i = 0; i < 30; i++)
        world_store(w, &ana, S("a.bin"), bytes, 0);
    w->core.options.scrub_period_ms = hours(10);
    EXPECT_OK(scrub_run(&w->core, NULL, w->a));
    world_wait(w, hours(9));
    EXPECT_OK(scrub_run(&w->core, NULL, w->a));
    uint64_t done = progress(w).done_bytes;
    EXPECT(done >= SCRUB_RUN_MIN_BYTES && done < SCRUB_RUN_MIN_BYTES + bytes.n);
    run_for(w, 4);
    EXPECT(progress(w).done_bytes >= 9 * (uint64_t)30 * bytes.n / 10);
}

TEST(a_round_goes_on_after_a_restart)
{
    WORLD(w);
    store_files(w, FILES);
    w->core.options.scrub_period_ms = minutes(10);
    run_for(w, 5);
    struct scrub_progress before = progress(w);
    EXPECT(before.done_bytes > 0 && before.done_bytes < FILES * SIZE);
    const struct core_params params = { .meta = w->core.meta,
                                        .blob = w->core.blob,
                                        .records = w->core.records,
                                        .clock = w->core.clock,
                                        .random = w->core.random,
                                        .options = w->core.options };
    struct core other; /* all that it knows stands in the database */
    core_init(&other, &params);
    world_wait(w, SCRUB_RUN_MS);
    EXPECT_OK(scrub_run(&other, NULL, w->a));
    core_release(&other);
    EXPECT_EQ(progress(w).begun_at_ms, before.begun_at_ms);
    EXPECT_EQ(progress(w).done_bytes, before.done_bytes + SIZE);
}

TEST(objects_that_are_older_than_checksums_get_theirs)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    world_store(w, &ana, S("small"), S("hello"), 0);
    world_store(w, &ana, S("large"), world_bytes(w, 200000), 0);
    slice key = world_only_blob(w), list;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_checksums_get(tx, key, 0, w->a, &list));
    meta_read_end(tx);
    corrupt_records(w, "DELETE FROM blob_checksums; UPDATE objects SET checksums = NULL");
    w->core.options.scrub_period_ms = minutes(2);
    run_for(w, 3);
    slice again;
    struct object_list objects;
    struct object small;
    tx = world_tx(w);
    EXPECT_OK(meta_checksums_get(tx, key, 0, w->a, &again));
    EXPECT_OK(meta_object_page(tx, 0, 10, w->a, &objects));
    EXPECT_EQ(objects.count, 2);
    EXPECT_OK(meta_object_get(tx, objects.items[0].id, w->a, &small));
    meta_read_end(tx);
    EXPECT_SLICE(again, list);
    EXPECT_EQ(small.checksums.n, 4);
    EXPECT_EQ(progress(w).damaged, 0);
}

TEST(damage_is_reported_and_nothing_is_removed)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    slice bytes = world_bytes(w, 200000);
    struct file large = world_store(w, &ana, S("large"), bytes, 0);
    world_store(w, &ana, S("small"), S("hello"), 0);
    slice key = world_only_blob(w);
    char *wrong = (char *)arena_copy(w->a, bytes).p;
    wrong[bytes.n - 1] ^= 1;
    damage_blob(w, key, (slice){ wrong, bytes.n });
    corrupt_records(w, "UPDATE objects SET inline_bytes = CAST('hellp' AS BLOB) WHERE size_bytes = 5");
    w->core.options.scrub_period_ms = minutes(2);
    run_for(w, 3);
    EXPECT_EQ(progress(w).damaged, 2);
    EXPECT_EQ(progress(w).done_bytes, bytes.n + 5); /* it goes on behind them */
    EXPECT_EQ(world_event_count(w, S("object.damaged")), 2);
    EXPECT_EQ(damage_count(&w->core), 2);
    EXPECT_EQ(world_blob_count(w), 1);
    EXPECT_EQ(world_file_count(w), 2);
    slice read;
    damage_blob(w, key, bytes); /* somebody brings the bytes back */
    EXPECT_OK(world_read(w, &ana, &large, &read));
    run_for(w, 3); /* the next round */
    EXPECT_EQ(progress(w).damaged, 1);
}

/* What was damaged before it had checksums must not get any that fit the damage. */
TEST(an_old_object_that_is_damaged_gets_no_checksums)
{
    WORLD(w);
    store_files(w, 1);
    slice key = world_only_blob(w), list;
    corrupt_records(w, "DELETE FROM blob_checksums");
    damage_blob(w, key, world_bytes(w, SIZE));
    w->core.options.scrub_period_ms = minutes(2);
    run_for(w, 3);
    EXPECT_EQ(progress(w).damaged, 1);
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_checksums_get(tx, key, 0, w->a, &list));
    meta_read_end(tx);
    EXPECT_EQ(list.n, 0);
}

TEST(missing_bytes_are_damage_unless_the_object_is_gone)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct file file = world_store(w, &ana, S("a"), world_bytes(w, SIZE), 0);
    slice key = world_only_blob(w);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, key, w->a));
    w->core.options.scrub_period_ms = minutes(2);
    run_for(w, 3);
    EXPECT_EQ(progress(w).damaged, 1);
    EXPECT_EQ(damage_count(&w->core), 1);
    EXPECT_OK(file_delete(&w->core, &ana, file.uuid, w->a));
    run_for(w, 3);
    EXPECT_EQ(progress(w).damaged, 0);
    EXPECT_EQ(damage_count(&w->core), 1);
}

TEST(the_scrub_is_a_job_that_shows_its_progress)
{
    WORLD(w);
    store_files(w, FILES);
    w->core.options.scrub_period_ms = minutes(10);
    for (int i = 0; i < 6; i++) {
        world_wait(w, SCRUB_RUN_MS);
        world_run_jobs(w);
    }
    struct job_list jobs;
    bool found = false;
    EXPECT_OK(job_list(&w->core, ALL_IDS, w->a, &jobs));
    for (size_t i = 0; i < jobs.count; i++) {
        if (!slice_eq(jobs.items[i].kind, S(SCRUB_JOB)))
            continue;
        found = true;
        EXPECT_EQ(jobs.items[i].progress, (int64_t)progress(w).done_bytes);
        EXPECT_EQ(jobs.items[i].total, FILES * SIZE);
    }
    EXPECT(found && progress(w).done_bytes > 0);
}

/* Whatever call fails, a later run finds every damage, and no sound object is said to be damaged. */
TEST(failing_stores_do_not_make_the_scrub_skip_an_object)
{
    for (int64_t nth = fault_first(); nth < 200; nth += fault_step()) {
        WORLD(w);
        store_files(w, 3);
        corrupt_records(w, "DELETE FROM blob_checksums WHERE blob_key = (SELECT MIN(blob_key) FROM blob_checksums)");
        w->core.options.scrub_period_ms = minutes(3);
        w->faults.fail_at = nth;
        for (int i = 0; i < 4; i++) {
            world_wait(w, SCRUB_RUN_MS);
            err_t unavailable = scrub_run(&w->core, NULL, w->a);
            (void)unavailable;
        }
        w->faults.fail_at = 0;
        EXPECT_EQ(progress(w).damaged, 0);
        EXPECT_EQ(damage_count(&w->core), 0);
        EXPECT_EQ(world_event_count(w, S("object.damaged")), 0);
        run_for(w, 4);
        EXPECT(progress(w).begun_at_ms > 0);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
}

RUN_TESTS(cmocka_unit_test(without_a_period_nothing_is_scrubbed),
          cmocka_unit_test(every_byte_is_read_once_in_a_period_and_evenly),
          cmocka_unit_test(a_scrub_that_is_late_does_not_read_all_at_once),
          cmocka_unit_test(a_round_goes_on_after_a_restart),
          cmocka_unit_test(objects_that_are_older_than_checksums_get_theirs),
          cmocka_unit_test(damage_is_reported_and_nothing_is_removed),
          cmocka_unit_test(an_old_object_that_is_damaged_gets_no_checksums),
          cmocka_unit_test(missing_bytes_are_damage_unless_the_object_is_gone),
          cmocka_unit_test(the_scrub_is_a_job_that_shows_its_progress),
          cmocka_unit_test(failing_stores_do_not_make_the_scrub_skip_an_object))

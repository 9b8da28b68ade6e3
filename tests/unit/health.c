/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/health.h"
#include "core/free_space.h"
#include "core/writes.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

enum { LARGE = 100000, SMALL = 100 };

/* What was reported of the changes. */
struct reports {
    int failing[CORE_STORES], well[CORE_STORES];
    int full, space;
    bool is_full;
};

static void count_change(void *arg, enum core_store which, err_t e)
{
    struct reports *r = arg;
    (e ? r->failing : r->well)[which]++;
}

static void count_space(void *arg, uint64_t free_bytes, bool is_full)
{
    struct reports *r = arg;
    EXPECT(is_full || free_bytes > 0);
    if (is_full != r->is_full)
        (is_full ? &r->full : &r->space)[0]++;
    r->is_full = is_full;
}

static void watch(struct world *w, struct reports *r)
{
    w->core.watch = (struct store_watch){ count_change, count_space, r };
}

static struct health look(struct world *w)
{
    struct health now;
    health_check(&w->core, w->a, &now);
    return now;
}

static err_t put(struct world *w, const struct principal *who, size_t n)
{
    struct intake_request request = world_request(who, S("f"));
    struct file f;
    return world_put(w, &request, world_bytes(w, n), &f);
}

TEST(health_knows_when_each_store_was_last_written)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct health now = look(w);
    EXPECT_EQ(now.status, HEALTH_OK);
    world_wait(w, seconds(5));
    EXPECT_OK(put(w, &ana, SMALL));
    now = look(w);
    EXPECT_EQ(now.stores[CORE_METADATA].writes.succeeded_ms, WORLD_START_MS + seconds(5));
    EXPECT_EQ(now.stores[CORE_BLOBS].writes.succeeded_ms, WORLD_START_MS); /* the probe of the first look */
    EXPECT_OK(put(w, &ana, LARGE));
    now = look(w);
    EXPECT_EQ(now.stores[CORE_BLOBS].writes.succeeded_ms, WORLD_START_MS + seconds(5));
    EXPECT_EQ(now.stores[CORE_BLOBS].writes.failures + now.stores[CORE_METADATA].writes.failures, 0);
}

TEST(health_writes_only_when_nobody_wrote_for_ten_seconds)
{
    WORLD(w);
    (void)look(w);
    int64_t calls = w->faults.calls, of_a_look;
    (void)look(w);
    of_a_look = w->faults.calls - calls;
    for (int i = 0; i < 9; i++) {
        world_wait(w, seconds(1));
        calls = w->faults.calls;
        EXPECT_EQ(look(w).stores[CORE_BLOBS].writes.succeeded_ms, WORLD_START_MS);
        EXPECT(w->faults.calls - calls <= of_a_look + 1); /* free_space.h asks again after a second */
    }
    world_wait(w, seconds(1));
    struct health now = look(w);
    EXPECT_EQ(now.stores[CORE_BLOBS].writes.succeeded_ms, WORLD_START_MS + seconds(10));
    EXPECT_EQ(now.stores[CORE_METADATA].writes.succeeded_ms, WORLD_START_MS + seconds(10));
}

/* Makes one store call of an upload fail after the other: whenever the call was a write, health says so until writes succeed again. */
TEST(d3_health_says_that_a_write_failed_and_recovers_by_itself)
{
    WORLD(w);
    struct reports r = { 0 };
    struct principal ana = world_user(w, S("ana"));
    watch(w, &r);
    int found[CORE_STORES] = { 0 };
    err_t e = err_make(w->a, ERR_UNAVAILABLE, "not begun");
    for (int64_t nth = 1; e; nth++) {
        world_wait(w, seconds(20));
        EXPECT_EQ(look(w).status, HEALTH_OK);
        struct reports before = r;
        w->faults.fail_at = w->faults.calls + nth;
        e = put(w, &ana, LARGE);
        w->faults.fail_at = 0;
        struct health now = look(w);
        for (int i = 0; i < CORE_STORES; i++) {
            bool failed = now.stores[i].status != HEALTH_OK;
            EXPECT_EQ(now.stores[i].writes.is_failing, failed);
            EXPECT_EQ(r.failing[i] - before.failing[i], failed);
            EXPECT(!failed || e);
            found[i] += failed;
            EXPECT(!failed ||
                   (now.status == HEALTH_FAILING && now.stores[i].writes.failed_ms == core_now_ms(&w->core)));
        }
        world_wait(w, WRITES_RETRY_AFTER_MS);
        EXPECT_EQ(look(w).status, HEALTH_OK); /* it tried, without an upload */
        EXPECT_EQ(r.well[CORE_BLOBS], r.failing[CORE_BLOBS]);
        EXPECT_EQ(r.well[CORE_METADATA], r.failing[CORE_METADATA]);
    }
    EXPECT(found[CORE_METADATA] >= 1 && found[CORE_BLOBS] >= 3); /* create, write, commit */
}

TEST(a_store_that_keeps_failing_is_reported_once_and_tried_once_a_second)
{
    WORLD(w);
    struct reports r = { 0 };
    struct principal ana = world_user(w, S("ana"));
    watch(w, &r);
    (void)look(w);
    w->faults.fail_count = 1 << 30;
    w->faults.fail_at = w->faults.calls + 1;
    for (int i = 0; i < 50; i++) {
        EXPECT(put(w, &ana, LARGE) != NULL);
        EXPECT_EQ(w->core.blob->ops->probe(w->core.blob, w->a)->code, ERR_UNAVAILABLE);
        EXPECT(look(w).status >= HEALTH_FAILING);
    }
    EXPECT_EQ(r.failing[CORE_BLOBS], 1);
    EXPECT_EQ(r.well[CORE_BLOBS], 0);
    w->faults.fail_at = 0;
    EXPECT(look(w).status != HEALTH_OK); /* not before a second has passed */
    EXPECT_OK(put(w, &ana, LARGE));
    EXPECT(look(w).status != HEALTH_OK); /* a disk that takes only some writes does not change its state with each */
    world_wait(w, seconds(1));
    EXPECT_EQ(look(w).status, HEALTH_OK);
    EXPECT_EQ(r.well[CORE_BLOBS], 1);
}

TEST(errors_of_requests_say_nothing_about_the_disk)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    (void)look(w);
    world_set_room(w, 10, 10);
    struct intake_request request = world_request(&ana, S("f"));
    struct file f;
    EXPECT_ERR(world_put(w, &request, world_bytes(w, LARGE), &f), ERR_QUOTA);
    EXPECT_EQ(look(w).status, HEALTH_OK);
}

TEST(health_says_full_and_that_there_is_space_again_once_each)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 3 * LARGE, .reserve_bytes = LARGE });
    struct reports r = { .is_full = false };
    struct principal ana = world_user(w, S("ana"));
    watch(w, &r);
    struct file f = world_store(w, &ana, S("f"), world_bytes(w, LARGE), minutes(1));
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(look(w).status, i ? HEALTH_FULL : HEALTH_OK);
        if (!i)
            EXPECT_OK(put(w, &ana, LARGE));
        world_wait(w, seconds(1));
    }
    EXPECT_ERR(put(w, &ana, LARGE), ERR_NO_SPACE);
    EXPECT_EQ(r.full, 1);
    slice bytes;
    EXPECT_OK(world_read(w, &ana, &f, &bytes)); /* reading goes on */
    world_wait(w, minutes(1));
    world_run_jobs(w);
    world_wait(w, WORLD_GRACE_MS);
    world_run_jobs(w);
    world_wait(w, seconds(1));
    EXPECT_EQ(look(w).status, HEALTH_OK);
    EXPECT_EQ(r.full, 1);
    EXPECT_EQ(r.space, 1);
}

/* A blob store whose disk hangs: its probe does not return before it is let go. */
struct hanging_store {
    struct blob_ops ops;
    const struct blob_ops *real;
    sem_t began, may_end;
};
static struct hanging_store hanging; /* a probe has no argument of its own */

static err_t hang(struct blob_store *store, struct arena *a)
{
    sem_post(&hanging.began);
    sem_wait(&hanging.may_end);
    return hanging.real->probe(store, a);
}

struct asking {
    struct health_watch *watch;
    struct health now;
};

static void *ask_in_a_thread(void *arg)
{
    struct asking *asking = arg;
    health_watch_check(asking->watch, &asking->now);
    return NULL;
}

TEST(health_waited_for_a_disk_that_hangs)
{
    WORLD(w);
    hanging.real = w->core.blob->ops;
    hanging.ops = *hanging.real;
    hanging.ops.probe = hang;
    EXPECT_EQ(sem_init(&hanging.began, 0, 0) | sem_init(&hanging.may_end, 0, 0), 0);
    struct health_watch *watch = health_watch_new(&w->core);
    struct health now;
    health_watch_check(watch, &now);
    EXPECT_EQ(now.status, HEALTH_OK);
    EXPECT(now.has_free_bytes);

    w->core.blob->ops = &hanging.ops;
    world_wait(w, seconds(11)); /* nothing is written, so the store is probed */
    health_watch_check(watch, &now);
    sem_wait(&hanging.began);
    EXPECT_EQ(now.status, HEALTH_STALLED);
    EXPECT_EQ(now.stores[CORE_BLOBS].status, HEALTH_STALLED);
    EXPECT_EQ(now.stores[CORE_METADATA].status, HEALTH_OK);
    EXPECT(now.has_free_bytes);

    struct asking others[4]; /* all of them look at the one check */
    pthread_t threads[LENGTH_OF(others)];
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        others[i].watch = watch;
        EXPECT_EQ(pthread_create(&threads[i], NULL, ask_in_a_thread, &others[i]), 0);
    }
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(others[i].now.status, HEALTH_STALLED);
    }
    EXPECT_EQ(sem_trywait(&hanging.began), -1);

    sem_post(&hanging.may_end);
    do /* the disk answers */
        health_watch_check(watch, &now);
    while (now.status == HEALTH_STALLED);
    EXPECT_EQ(now.status, HEALTH_OK);
    health_watch_free(watch);
    w->core.blob->ops = hanging.real;
    sem_destroy(&hanging.began);
    sem_destroy(&hanging.may_end);
}

RUN_TESTS(cmocka_unit_test(health_knows_when_each_store_was_last_written),
          cmocka_unit_test(health_writes_only_when_nobody_wrote_for_ten_seconds),
          cmocka_unit_test(d3_health_says_that_a_write_failed_and_recovers_by_itself),
          cmocka_unit_test(a_store_that_keeps_failing_is_reported_once_and_tried_once_a_second),
          cmocka_unit_test(errors_of_requests_say_nothing_about_the_disk),
          cmocka_unit_test(health_says_full_and_that_there_is_space_again_once_each),
          cmocka_unit_test(health_waited_for_a_disk_that_hangs))

/* SPDX-License-Identifier: Apache-2.0 */
/* The committer: batches, failures among them, the queue, snapshots beside it. Runs under the thread sanitizer. */
#include "meta_world.h"
#include "rounds.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#define THREADED ((struct meta_options){ 0 })

/* A write that the test can follow. The gate stands in the committer until it is opened, so that what is submitted
 * meanwhile becomes one batch. */
struct follow {
    struct meta_write write;
    struct meta_upload upload;
    enum err_code fail_with; /* ERR_CODE_COUNT: it does not */
    sem_t *gate, *entered;
    sem_t *told;
    int times_told, times_run;
    enum err_code code; /* ERR_CODE_COUNT: committed */
    uint64_t generation;
};

static err_t follow_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct follow *f = arg;
    f->times_run++;
    if (f->gate) {
        sem_post(f->entered);
        sem_wait(f->gate);
        f->gate = NULL;
    }
    TRY(meta_upload_apply(tx, &f->upload, a));
    return f->fail_with == ERR_CODE_COUNT ? NULL : err_make(a, f->fail_with, "as told");
}

static void follow_done(struct meta_write *w, err_t e)
{
    struct follow *f = CONTAINER_OF(w, struct follow, write);
    f->times_told++;
    f->code = e ? e->code : ERR_CODE_COUNT;
    f->generation = meta_generation(f->upload.world->store);
    sem_post(f->told);
}

#define BATCH 20
struct batch {
    struct follow gate, one[BATCH];
    sem_t open, entered, told;
};

static void batch_submit(struct batch *b, struct meta_world *w, uint64_t base)
{
    *b = (struct batch){ 0 };
    sem_init(&b->open, 0, 0);
    sem_init(&b->entered, 0, 0);
    sem_init(&b->told, 0, 0);
    for (int i = -1; i < BATCH; i++) {
        struct follow *f = i < 0 ? &b->gate : &b->one[i];
        f->upload = (struct meta_upload){ .world = w, .number = base + (uint64_t)i + 1, .bytes = S("hello") };
        f->write = (struct meta_write){ .apply = follow_apply, .arg = f, .done = follow_done };
        f->fail_with = ERR_CODE_COUNT;
        f->told = &b->told;
    }
    b->gate.gate = &b->open;
    b->gate.entered = &b->entered;
    EXPECT(meta_submit(w->store, &b->gate.write));
    sem_wait(&b->entered);
}

static void batch_run(struct batch *b, struct meta_world *w)
{
    for (int i = 0; i < BATCH; i++)
        EXPECT(meta_submit(w->store, &b->one[i].write));
    sem_post(&b->open);
    for (int i = -1; i < BATCH; i++)
        sem_wait(&b->told);
    EXPECT_EQ(b->gate.times_told, 1);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(b->one[i].times_told, 1);
}

static bool is_there(struct meta_world *w, uint64_t number)
{
    struct meta_tx *tx;
    struct file f;
    unsigned char uuid[16] = { 0 };
    memcpy(uuid, &number, sizeof number);
    EXPECT_OK(meta_read_begin(w->store, w->a, &tx));
    err_t e = meta_file_by_uuid(tx, uuid, w->a, &f);
    meta_read_end(tx);
    if (!err_is(e, ERR_NOT_FOUND))
        EXPECT_OK(e);
    return !e;
}

/* What was told is what is there. */
static int batch_check(struct batch *b, struct meta_world *w)
{
    int committed = 0;
    for (int i = 0; i < BATCH; i++) {
        bool there = is_there(w, b->one[i].upload.number);
        EXPECT_EQ(there, b->one[i].code == ERR_CODE_COUNT);
        committed += there;
    }
    return committed;
}

OVER_EACH(one_failing_write_fails_alone)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[3].fail_with = ERR_INVALID;                /* after it changed something */
    b.one[7].upload.number = b.one[6].upload.number; /* its UUID is taken */
    b.one[9].upload.bytes = S("");
    b.one[12].fail_with = ERR_UNAVAILABLE;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[3].code, ERR_INVALID);
    EXPECT_EQ(b.one[7].code, ERR_CONFLICT);
    EXPECT_EQ(b.one[12].code, ERR_UNAVAILABLE);
    b.one[7].code = ERR_CODE_COUNT; /* that UUID is there, of 6 */
    EXPECT_EQ(batch_check(&b, &w), BATCH - 2);
    EXPECT_EQ(b.one[0].times_run, 2); /* once without savepoints, once with */
    meta_world_release(&w);
}

OVER_EACH(a_write_that_fails_after_it_changed_something_leaves_nothing_in_the_batch)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[3].fail_with = ERR_INVALID; /* the only one that fails, and no failure of the database */
    batch_run(&b, &w);
    EXPECT_EQ(b.one[3].code, ERR_INVALID);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

static err_t refuse(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct follow *f = arg;
    struct file file;
    f->times_run++;
    return meta_file_get(tx, 9999, a, &file);
}

OVER_EACH(a_write_that_fails_before_it_changed_anything_costs_the_others_nothing)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[5].write.apply = refuse;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[5].code, ERR_NOT_FOUND);
    EXPECT_EQ(b.one[0].times_run, 1);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

/* Store calls of one upload, begin and commit left out. A block of ids has been fetched before. */
static int64_t calls_of_upload(struct meta_world *w)
{
    struct meta_upload probe = { .world = w, .number = 1, .bytes = S("hello") };
    EXPECT_OK(meta_write(w->store, meta_upload_apply, &probe, w->a));
    probe.number++;
    int64_t before = w->place.plan.calls;
    EXPECT_OK(meta_write(w->store, meta_upload_apply, &probe, w->a));
    return w->place.plan.calls - before - 2;
}

/* The write has changed nothing itself, but those before it are gone with the transaction. */
TEST(when_the_database_gives_up_the_transaction_the_other_writes_run_again)
{
    struct meta_world w;
    meta_world_init(&w, KIND_FAULT, THREADED);
    int64_t one = calls_of_upload(&w);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[5].write.apply = refuse;
    w.place.plan.code = ERR_NO_SPACE;
    w.place.plan.rolls_back = true;
    /* The gate has begun: its statements, its commit; begin, five uploads, and then the look of the sixth. */
    w.place.plan.fail_at = w.place.plan.calls + one + 1 + 1 + 5 * one + 1;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[5].times_run, 2);
    EXPECT_EQ(b.one[0].times_run, 2);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

static err_t upload_then_fail(struct meta_tx *tx, void *arg, struct arena *a)
{
    TRY(meta_upload_apply(tx, arg, a));
    return err_make(a, ERR_INVALID, "as told");
}

OVER_EACH(ids_that_were_handed_out_in_a_write_that_was_undone_are_not_used)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct meta_upload u = { .world = &w, .number = 1, .bytes = S("x") };
    EXPECT_ERR(meta_write(w.store, upload_then_fail, &u, w.a), ERR_INVALID); /* it fetched a block of ids */
    for (; u.number < 600; u.number++)                                       /* more than one block */
        EXPECT_OK(meta_write(w.store, meta_upload_apply, &u, w.a));
    meta_world_release(&w);
}

/* Let the nth store call after the gate opened fail, for every n: each of the batch is told the truth, and the store
 * works afterwards. Commits are among the calls. */
static void fail_each_call(enum err_code code, int64_t count)
{
    struct meta_world w;
    meta_world_init(&w, KIND_FAULT, THREADED);
    bool failed = true;
    for (int64_t nth = fault_first(); failed; nth += fault_step()) {
        struct batch b;
        batch_submit(&b, &w, (uint64_t)nth * 1000);
        __atomic_store_n(&w.place.plan.code, code, __ATOMIC_SEQ_CST);
        __atomic_store_n(&w.place.plan.fail_count, count, __ATOMIC_SEQ_CST);
        __atomic_store_n(&w.place.plan.fail_at, w.place.plan.calls + nth, __ATOMIC_SEQ_CST);
        batch_run(&b, &w);
        failed = __atomic_load_n(&w.place.plan.calls, __ATOMIC_SEQ_CST) >= w.place.plan.fail_at;
        __atomic_store_n(&w.place.plan.fail_at, 0, __ATOMIC_SEQ_CST);
        int committed = batch_check(&b, &w);
        EXPECT(failed || committed == BATCH);
        struct meta_upload after = { .world = &w, .number = (uint64_t)nth * 1000 + 900, .bytes = S("x") };
        EXPECT_OK(meta_write(w.store, meta_upload_apply, &after, w.a));
    }
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_world_release(&w);
}

TEST(whichever_call_fails_everybody_is_told_the_truth)
{
    fail_each_call(ERR_NO_SPACE, 1);
    fail_each_call(ERR_UNAVAILABLE, 1);
    fail_each_call(ERR_NO_SPACE, 40);
}

TEST(a_failing_commit_tells_every_waiter_and_the_store_works_afterwards)
{
    struct meta_world w;
    meta_world_init(&w, KIND_FAULT, THREADED);
    int64_t one = calls_of_upload(&w);
    struct meta_upload probe = { .world = &w, .number = 2, .bytes = S("hello") };
    struct batch b;
    batch_submit(&b, &w, 100);
    w.place.plan.code = ERR_UNAVAILABLE;
    /* The gate has begun: its statements, its commit; begin, all statements, and then the commit. */
    w.place.plan.fail_at = w.place.plan.calls + one + 1 + 1 + one * BATCH + 1;
    batch_run(&b, &w);
    EXPECT_EQ(b.gate.code, ERR_CODE_COUNT);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(b.one[i].code, ERR_UNAVAILABLE);
    EXPECT_EQ(batch_check(&b, &w), 0);
    probe.number++;
    EXPECT_OK(meta_write(w.store, meta_upload_apply, &probe, w.a));
    /* No space for all of them together: each is tried alone. */
    batch_submit(&b, &w, 200);
    w.place.plan.code = ERR_NO_SPACE;
    w.place.plan.fail_at = w.place.plan.calls + one + 1 + 1 + one * BATCH + 1;
    batch_run(&b, &w);
    EXPECT_EQ(batch_check(&b, &w), BATCH);
    meta_world_release(&w);
}

TEST(a_full_queue_refuses_and_closing_finishes_what_it_took)
{
    struct meta_world w;
    meta_world_init(&w, KIND_FILE, (struct meta_options){ .queue_max = BATCH, .batch_max = 3 });
    struct batch b;
    batch_submit(&b, &w, 100);
    for (int i = 0; i < BATCH; i++)
        EXPECT(meta_submit(w.store, &b.one[i].write));
    struct follow late = b.one[0];
    EXPECT(!meta_submit(w.store, &late.write));
    EXPECT_ERR(meta_write(w.store, meta_upload_apply, &late.upload, w.a), ERR_UNAVAILABLE);
    sem_post(&b.open);
    meta_close(w.store);
    EXPECT_EQ(b.gate.times_told, 1);
    meta_world_open(&w);
    EXPECT_EQ(batch_check(&b, &w), BATCH);
    meta_world_release(&w);
}

struct writer {
    struct meta_world *w;
    int number, rounds, wrong;
    pthread_t thread;
};

static void *write_many(void *arg)
{
    struct writer *me = arg;
    for (int i = 0; i < me->rounds; i++) {
        SCRATCH(a);
        struct meta_upload u = { .world = me->w, .number = (uint64_t)(me->number * 100000 + i), .bytes = S("hello") };
        if (meta_write(me->w->store, meta_upload_apply, &u, &a)) {
            me->wrong++;
            continue;
        }
        /* What was acknowledged is seen by whoever looks afterwards. */
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        struct file f;
        if (meta_read_begin(me->w->store, &a, &tx) || meta_file_get(tx, u.file_id, &a, &f))
            me->wrong++;
    }
    return NULL;
}

OVER_EACH(eight_threads_write_at_once)
{
    struct meta_world w;
    const int each = rounds(ROUNDS_store_writers);
    meta_world_init(&w, kind, THREADED);
    struct writer writers[8];
    for (int i = 0; i < 8; i++) {
        writers[i] = (struct writer){ .w = &w, .number = i, .rounds = each };
        EXPECT_EQ(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(writers[i].thread, NULL);
        EXPECT_EQ(writers[i].wrong, 0);
    }
    struct meta_tx *tx;
    struct account account;
    int64_t wrong;
    EXPECT_OK(meta_read_begin(w.store, w.a, &tx));
    EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
    EXPECT(account.used_files == 8 * each && account.used_bytes == 40 * each);
    EXPECT_OK(meta_usage_check(tx, false, w.a, &wrong));
    EXPECT_EQ(wrong, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

static err_t disable(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct follow *f = arg;
    return meta_user_set_state(tx, f->upload.world->user, USER_DISABLED, a);
}

OVER_EACH(the_generation_is_up_before_anybody_is_told)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    uint64_t before = meta_generation(w.store);
    b.one[BATCH - 1].write.apply = disable;
    batch_run(&b, &w);
    EXPECT(b.gate.generation == before);
    for (int i = 0; i < BATCH; i++)
        EXPECT(b.one[i].generation > before);
    meta_world_release(&w);
}

/* ---- under load ---- */

struct load {
    struct meta_write write;
    struct meta_upload upload;
    atomic_bool *stop;
    atomic_int *under_way, *failed;
    uint64_t step;
};

static void again(struct meta_write *w, err_t e)
{
    struct load *l = CONTAINER_OF(w, struct load, write);
    if (e)
        atomic_fetch_add(l->failed, 1);
    l->upload.number += l->step;
    if (atomic_load(l->stop) || !meta_submit(l->upload.world->store, w))
        atomic_fetch_sub(l->under_way, 1);
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

struct traffic {
    struct load loads[32];
    atomic_bool stop;
    atomic_int under_way, failed;
};

static void traffic_start(struct traffic *t, struct meta_world *w)
{
    static char bytes[16384];
    atomic_store(&t->stop, false);
    atomic_store(&t->failed, 0);
    atomic_store(&t->under_way, (int)LENGTH_OF(t->loads));
    for (size_t i = 0; i < LENGTH_OF(t->loads); i++) {
        struct load *l = &t->loads[i];
        *l = (struct load){ .upload = { .world = w, .number = i, .bytes = { bytes, sizeof bytes } },
                            .stop = &t->stop,
                            .under_way = &t->under_way,
                            .failed = &t->failed,
                            .step = LENGTH_OF(t->loads) };
        l->write = (struct meta_write){ .apply = meta_upload_apply, .arg = &l->upload, .done = again };
        EXPECT(meta_submit(w->store, &l->write));
    }
}

static void traffic_stop(struct traffic *t)
{
    atomic_store(&t->stop, true);
    while (atomic_load(&t->under_way))
        sleep_ms(1);
    EXPECT_EQ(atomic_load(&t->failed), 0);
}

TEST(the_log_stays_small_under_load)
{
    struct meta_world w;
    struct traffic t;
    meta_world_init(&w, KIND_FILE, THREADED);
    traffic_start(&t, &w);
    char log[128];
    snprintf(log, sizeof log, "%s-wal", w.place.path);
    struct stat st;
    off_t most = 0, file = 0;
    for (int i = 0; i < 3000 && file < 200 << 20; i++) {
        sleep_ms(10);
        if (stat(log, &st) == 0 && st.st_size > most)
            most = st.st_size;
        file = stat(w.place.path, &st) == 0 ? st.st_size : 0;
    }
    traffic_stop(&t);
    EXPECT(most < 80 << 20); /* 64 MiB, what came while the checkpoint thread ended, and a batch */
    meta_world_release(&w);
}

TEST(a_backup_under_load_is_one_moment_of_the_store)
{
    struct meta_world w;
    struct traffic t;
    meta_world_init(&w, KIND_FILE, THREADED);
    traffic_start(&t, &w);
    sleep_ms(100);
    char copy[sizeof w.place.path];
    snprintf(copy, sizeof copy, "%.64s/copy.db", w.place.dir);
    EXPECT_OK(meta_backup(w.store, copy, w.a));
    EXPECT_ERR(meta_backup(w.store, copy, w.a), ERR_CONFLICT);
    sleep_ms(50);
    traffic_stop(&t);
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_close(w.store);
    memcpy(w.place.path, copy, sizeof copy);
    meta_world_open(&w);
    EXPECT_OK(meta_verify(w.store, w.a));
    struct meta_tx *tx;
    struct account account;
    int64_t wrong;
    EXPECT_OK(meta_read_begin(w.store, w.a, &tx));
    EXPECT_OK(meta_usage_check(tx, false, w.a, &wrong)); /* the counters fit the files */
    EXPECT_EQ(wrong, 0);
    EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
    EXPECT(account.used_files > 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(one_failing_write_fails_alone),
          cmocka_unit_test(a_write_that_fails_after_it_changed_something_leaves_nothing_in_the_batch),
          cmocka_unit_test(a_write_that_fails_before_it_changed_anything_costs_the_others_nothing),
          cmocka_unit_test(when_the_database_gives_up_the_transaction_the_other_writes_run_again),
          cmocka_unit_test(ids_that_were_handed_out_in_a_write_that_was_undone_are_not_used),
          cmocka_unit_test(whichever_call_fails_everybody_is_told_the_truth),
          cmocka_unit_test(a_failing_commit_tells_every_waiter_and_the_store_works_afterwards),
          cmocka_unit_test(a_full_queue_refuses_and_closing_finishes_what_it_took),
          cmocka_unit_test(eight_threads_write_at_once), cmocka_unit_test(the_generation_is_up_before_anybody_is_told),
          cmocka_unit_test(the_log_stays_small_under_load),
          cmocka_unit_test(a_backup_under_load_is_one_moment_of_the_store))

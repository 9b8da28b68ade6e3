/* SPDX-License-Identifier: Apache-2.0 */
/* The committer: batches, writes that fail in them, the queue, and snapshots while it writes. Also runs under the
 * thread sanitizer. */
#include "base/clock.h"
#include "meta_world.h"
#include "rounds.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

/* A batch is one transaction, however busy the machine is. */
#define THREADED ((struct meta_options){ .batch_time_us = INT64_MAX })

/* A write whose outcome the test records. One of them, the gate, keeps the committer busy until it is opened, so that
 * all writes that are submitted meanwhile become one batch. */
struct followed_write {
    struct meta_write write;
    struct meta_upload upload;
    enum err_code fail_with; /* ERR_CODE_COUNT: it succeeds */
    sem_t *gate, *entered;
    sem_t *ended;
    int times_done, times_run;
    enum err_code code; /* ERR_CODE_COUNT: committed */
    uint64_t generation;
};

static err_t followed_write_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct followed_write *f = arg;
    f->times_run++;
    if (f->gate) {
        sem_post(f->entered);
        sem_wait(f->gate);
        f->gate = NULL;
    }
    TRY(meta_upload_apply(tx, &f->upload, a));
    return f->fail_with == ERR_CODE_COUNT ? NULL : err_make(a, f->fail_with, "as planned");
}

static void followed_write_done(struct meta_write *w, err_t e)
{
    struct followed_write *f = CONTAINER_OF(w, struct followed_write, write);
    f->times_done++;
    f->code = e ? e->code : ERR_CODE_COUNT;
    f->generation = meta_generation(f->upload.world->store);
    sem_post(f->ended);
}

#define BATCH 20
struct batch {
    struct followed_write gate, one[BATCH];
    sem_t open, entered, ended;
};

static void batch_submit(struct batch *b, struct meta_world *w, uint64_t base)
{
    *b = (struct batch){ 0 };
    sem_init(&b->open, 0, 0);
    sem_init(&b->entered, 0, 0);
    sem_init(&b->ended, 0, 0);
    for (int i = -1; i < BATCH; i++) {
        struct followed_write *f = i < 0 ? &b->gate : &b->one[i];
        f->upload = (struct meta_upload){ .world = w, .number = base + (uint64_t)i + 1, .bytes = S("hello") };
        f->write = (struct meta_write){ .apply = followed_write_apply, .arg = f, .done = followed_write_done };
        f->fail_with = ERR_CODE_COUNT;
        f->ended = &b->ended;
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
        sem_wait(&b->ended);
    EXPECT_EQ(b->gate.times_done, 1);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(b->one[i].times_done, 1);
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

/* A write that reported success is in the store, and no other is. Returns how many are. */
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

FOR_EACH_DATABASE(one_failing_write_fails_alone)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[3].fail_with = ERR_INVALID;                /* after it wrote something */
    b.one[7].upload.number = b.one[6].upload.number; /* the same UUID */
    b.one[9].upload.bytes = S("");
    b.one[12].fail_with = ERR_UNAVAILABLE;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[3].code, ERR_INVALID);
    EXPECT_EQ(b.one[7].code, ERR_CONFLICT);
    EXPECT_EQ(b.one[12].code, ERR_UNAVAILABLE);
    b.one[7].code = ERR_CODE_COUNT; /* the store has that UUID, from write 6 */
    EXPECT_EQ(batch_check(&b, &w), BATCH - 2);
    EXPECT_EQ(b.one[0].times_run, 2); /* once without savepoints, once with */
    meta_world_release(&w);
}

FOR_EACH_DATABASE(a_write_that_fails_after_it_wrote_is_undone_and_the_batch_commits)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[3].fail_with = ERR_INVALID; /* the only failure, and not the database's */
    batch_run(&b, &w);
    EXPECT_EQ(b.one[3].code, ERR_INVALID);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

/* ---- writes that take long ---- */

/* How many writes had ended when each of a batch began. */
struct long_write {
    struct followed_write *f;
    struct batch *batch;
    int ended_before;
};

static err_t long_write_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct long_write *l = arg;
    l->ended_before = 0;
    for (int i = 0; i < BATCH; i++)
        l->ended_before += l->batch->one[i].times_done;
    for (int64_t until_us = clock_stopwatch_us() + 100; clock_stopwatch_us() < until_us;)
        ;
    return followed_write_apply(tx, l->f, a);
}

static void run_long_batch(struct meta_world *w, struct batch *b, struct long_write *longs)
{
    batch_submit(b, w, 100);
    for (int i = 0; i < BATCH; i++) {
        longs[i] = (struct long_write){ .f = &b->one[i], .batch = b };
        b->one[i].write.apply = long_write_apply;
        b->one[i].write.arg = &longs[i];
    }
}

FOR_EACH_DATABASE(a_batch_of_long_writes_is_committed_piece_by_piece)
{
    struct meta_world w;
    meta_world_init(&w, kind, (struct meta_options){ .batch_time_us = 50 });
    struct batch b;
    struct long_write longs[BATCH];
    run_long_batch(&w, &b, longs);
    batch_run(&b, &w);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(longs[i].ended_before, i);
    EXPECT_EQ(batch_check(&b, &w), BATCH);
    meta_world_release(&w);
}

/* Two of them hold more than a batch may, and one is within the limit of a write. */
#define BYTES_OF_LARGE_WRITE ((size_t)9 << 20)

static err_t large_write_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct long_write *l = arg;
    l->ended_before = 0;
    for (int i = 0; i < BATCH; i++)
        l->ended_before += l->batch->one[i].times_done;
    arena_alloc(a, BYTES_OF_LARGE_WRITE);
    return followed_write_apply(tx, l->f, a);
}

FOR_EACH_DATABASE(a_batch_of_writes_that_hold_much_memory_is_committed_piece_by_piece)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    struct long_write larges[BATCH];
    run_long_batch(&w, &b, larges);
    for (int i = 0; i < BATCH; i++)
        b.one[i].write.apply = large_write_apply;
    batch_run(&b, &w);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(larges[i].ended_before, i / 2 * 2);
    EXPECT_EQ(batch_check(&b, &w), BATCH);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(a_failed_write_of_a_batch_that_is_cut_short_takes_no_other_with_it)
{
    struct meta_world w;
    meta_world_init(&w, kind, (struct meta_options){ .batch_time_us = 250 });
    struct batch b;
    struct long_write longs[BATCH];
    run_long_batch(&w, &b, longs);
    b.one[0].fail_with = ERR_INVALID; /* after it wrote something */
    b.one[1].fail_with = ERR_UNAVAILABLE;
    b.one[9].fail_with = ERR_INVALID;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[0].code, ERR_INVALID);
    EXPECT_EQ(b.one[1].code, ERR_UNAVAILABLE);
    EXPECT_EQ(b.one[9].code, ERR_INVALID);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 3);
    EXPECT(longs[BATCH - 1].ended_before > 0);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(the_longest_write_is_measured)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    struct long_write longs[BATCH];
    struct meta_longest longest;
    run_long_batch(&w, &b, longs);
    batch_run(&b, &w);
    meta_longest(w.store, &longest);
    EXPECT(longest.write_us > 0); /* most of the 100 us that each write used; less when others had the processor */
    EXPECT(longest.batch_us >= BATCH * 100);
    meta_world_release(&w);
}

static err_t read_missing_file(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct followed_write *f = arg;
    struct file file;
    f->times_run++;
    return meta_file_get(tx, 9999, a, &file);
}

FOR_EACH_DATABASE(a_write_that_fails_before_it_wrote_does_not_repeat_the_batch)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[5].write.apply = read_missing_file;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[5].code, ERR_NOT_FOUND);
    EXPECT_EQ(b.one[0].times_run, 1);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

static err_t use_room_then_fail(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct followed_write *f = arg;
    f->times_run++;
    TRY(meta_account_use(tx, f->upload.world->account, &(struct account_use){ 1000, 1000 }, a));
    return err_make(a, f->fail_with, "as planned");
}

static int64_t used_files(struct meta_world *w)
{
    struct meta_tx *tx;
    struct account account;
    int64_t wrong;
    EXPECT_OK(meta_read_begin(w->store, w->a, &tx));
    EXPECT_OK(meta_account_get(tx, w->account, w->a, &account));
    EXPECT_OK(meta_usage_check(tx, false, w->a, &wrong));
    EXPECT_EQ(wrong, 0);
    meta_read_end(tx);
    return account.used_files;
}

FOR_EACH_DATABASE(what_a_failed_write_used_is_not_counted)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[5].write.apply = use_room_then_fail;
    b.one[5].fail_with = ERR_INVALID;
    batch_run(&b, &w);
    EXPECT_EQ(b.one[0].times_run, 1); /* the sum of the failed write was dropped; nothing had been written */
    EXPECT_EQ(used_files(&w), BATCH);
    batch_submit(&b, &w, 200);
    b.one[5].write.apply = use_room_then_fail;
    b.one[5].fail_with = ERR_INVALID;
    b.one[7].fail_with = ERR_INVALID; /* after it wrote something */
    batch_run(&b, &w);
    EXPECT_EQ(b.one[0].times_run, 2);
    EXPECT_EQ(used_files(&w), BATCH + BATCH - 1);
    meta_world_release(&w);
}

/* The checkpointer may make a call at the same time. */
static int64_t calls_made(struct meta_world *w)
{
    return __atomic_load_n(&w->database.plan.calls, __ATOMIC_SEQ_CST);
}

/* The store calls that read and write the counters of the account and of the user, half of them before all uploads of a batch, half
 * after them. */
enum { COUNTER_CALLS = 8 };

/* How many store calls one upload makes besides begin and commit, when ids need not be reserved. */
static int64_t calls_of_upload(struct meta_world *w)
{
    struct meta_upload probe = { .world = w, .number = 1, .bytes = S("hello") };
    EXPECT_OK(meta_write(w->store, meta_upload_apply, &probe, w->a));
    probe.number++;
    int64_t before = calls_made(w);
    EXPECT_OK(meta_write(w->store, meta_upload_apply, &probe, w->a));
    return calls_made(w) - before - 2;
}

/* The write that fails has written nothing, but the rollback also undid the writes before it. */
TEST(other_writes_run_again_when_the_database_rolls_back)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FAULT, THREADED);
    int64_t one = calls_of_upload(&w);
    struct batch b;
    batch_submit(&b, &w, 100);
    b.one[5].write.apply = read_missing_file;
    w.database.plan.code = ERR_NO_SPACE;
    w.database.plan.rolls_back = true;
    /* After the gate has begun: its statements and its commit; begin, five upstreams, and then the read of the sixth
     * write. */
    __atomic_store_n(&w.database.plan.fail_at,
                     calls_made(&w) + one + 1 + 1 + COUNTER_CALLS / 2 + 5 * (one - COUNTER_CALLS) + 1,
                     __ATOMIC_SEQ_CST);
    batch_run(&b, &w);
    EXPECT_EQ(b.one[5].times_run, 2);
    EXPECT_EQ(b.one[0].times_run, 2);
    EXPECT_EQ(batch_check(&b, &w), BATCH - 1);
    meta_world_release(&w);
}

static err_t upload_then_fail(struct meta_tx *tx, void *arg, struct arena *a)
{
    TRY(meta_upload_apply(tx, arg, a));
    return err_make(a, ERR_INVALID, "as planned");
}

FOR_EACH_DATABASE(ids_reserved_in_a_write_that_was_undone_are_not_used)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct meta_upload u = { .world = &w, .number = 1, .bytes = S("x") };
    EXPECT_ERR(meta_write(w.store, upload_then_fail, &u, w.a), ERR_INVALID); /* it reserved a block of ids */
    for (; u.number < 600; u.number++)                                       /* more ids than one block has */
        EXPECT_OK(meta_write(w.store, meta_upload_apply, &u, w.a));
    meta_world_release(&w);
}

/* Fails the nth store call after the gate, for n = 1, 2, 3 …, commits included. Each write of the batch must report its
 * outcome, and the store must still work. */
static void fail_each_call(enum err_code code, int64_t count)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FAULT, THREADED);
    bool failed = true;
    for (int64_t nth = fault_first(); failed; nth += fault_step()) {
        struct batch b;
        batch_submit(&b, &w, (uint64_t)nth * 1000);
        __atomic_store_n(&w.database.plan.code, code, __ATOMIC_SEQ_CST);
        __atomic_store_n(&w.database.plan.fail_count, count, __ATOMIC_SEQ_CST);
        __atomic_store_n(&w.database.plan.fail_at, calls_made(&w) + nth, __ATOMIC_SEQ_CST);
        batch_run(&b, &w);
        failed = calls_made(&w) >= w.database.plan.fail_at;
        __atomic_store_n(&w.database.plan.fail_at, 0, __ATOMIC_SEQ_CST);
        int committed = batch_check(&b, &w);
        EXPECT(failed || committed == BATCH);
        struct meta_upload after = { .world = &w, .number = (uint64_t)nth * 1000 + 900, .bytes = S("x") };
        EXPECT_OK(meta_write(w.store, meta_upload_apply, &after, w.a));
    }
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_world_release(&w);
}

TEST(every_write_reports_its_outcome_whichever_call_fails)
{
    fail_each_call(ERR_NO_SPACE, 1);
    fail_each_call(ERR_UNAVAILABLE, 1);
    fail_each_call(ERR_NO_SPACE, 40);
}

TEST(a_failing_commit_fails_every_write_and_the_store_still_works)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FAULT, THREADED);
    int64_t one = calls_of_upload(&w), batch = BATCH * (one - COUNTER_CALLS) + COUNTER_CALLS;
    struct meta_upload probe = { .world = &w, .number = 2, .bytes = S("hello") };
    struct batch b;
    batch_submit(&b, &w, 100);
    w.database.plan.code = ERR_UNAVAILABLE;
    /* The gate has begun. These calls follow: the statements and the commit of the gate; the begin, the statements and
     * the commit of the batch. The last one fails. */
    __atomic_store_n(&w.database.plan.fail_at, calls_made(&w) + one + 1 + 1 + batch + 1, __ATOMIC_SEQ_CST);
    batch_run(&b, &w);
    EXPECT_EQ(b.gate.code, ERR_CODE_COUNT);
    for (int i = 0; i < BATCH; i++)
        EXPECT_EQ(b.one[i].code, ERR_UNAVAILABLE);
    EXPECT_EQ(batch_check(&b, &w), 0);
    probe.number++;
    EXPECT_OK(meta_write(w.store, meta_upload_apply, &probe, w.a));
    /* The commit of the whole batch finds no space, so each write runs in a transaction of its own. */
    batch_submit(&b, &w, 200);
    w.database.plan.code = ERR_NO_SPACE;
    __atomic_store_n(&w.database.plan.fail_at, calls_made(&w) + one + 1 + 1 + batch + 1, __ATOMIC_SEQ_CST);
    batch_run(&b, &w);
    EXPECT_EQ(batch_check(&b, &w), BATCH);
    meta_world_release(&w);
}

TEST(a_full_queue_refuses_writes_and_close_commits_the_queued)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FILE, (struct meta_options){ .queue_max = BATCH, .batch_max = 3 });
    struct batch b;
    batch_submit(&b, &w, 100);
    for (int i = 0; i < BATCH; i++)
        EXPECT(meta_submit(w.store, &b.one[i].write));
    struct followed_write late = b.one[0];
    EXPECT(!meta_submit(w.store, &late.write));
    EXPECT_ERR(meta_write(w.store, meta_upload_apply, &late.upload, w.a), ERR_UNAVAILABLE);
    sem_post(&b.open);
    meta_close(w.store);
    EXPECT_EQ(b.gate.times_done, 1);
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
        /* A snapshot that begins after the acknowledgement sees the file. */
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        struct file f;
        if (meta_read_begin(me->w->store, &a, &tx) || meta_file_get(tx, u.file_id, &a, &f))
            me->wrong++;
    }
    return NULL;
}

FOR_EACH_DATABASE(eight_threads_write_at_once)
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

static err_t disable_user(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct followed_write *f = arg;
    return meta_user_set_state(tx, f->upload.world->user, USER_DISABLED, a);
}

FOR_EACH_DATABASE(the_generation_rises_before_any_done_is_called)
{
    struct meta_world w;
    meta_world_init(&w, kind, THREADED);
    struct batch b;
    batch_submit(&b, &w, 100);
    uint64_t before = meta_generation(w.store);
    b.one[BATCH - 1].write.apply = disable_user;
    batch_run(&b, &w);
    EXPECT(b.gate.generation == before);
    for (int i = 0; i < BATCH; i++)
        EXPECT(b.one[i].generation > before);
    meta_world_release(&w);
}

/* ---- under load ---- */

struct upload_stream {
    struct meta_write write;
    struct meta_upload upload;
    atomic_bool *stop;
    atomic_int *in_progress, *failed;
    uint64_t step;
};

static void submit_next(struct meta_write *w, err_t e)
{
    struct upload_stream *l = CONTAINER_OF(w, struct upload_stream, write);
    if (e)
        atomic_fetch_add(l->failed, 1);
    l->upload.number += l->step;
    if (atomic_load(l->stop) || !meta_submit(l->upload.world->store, w))
        atomic_fetch_sub(l->in_progress, 1);
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

struct traffic {
    struct upload_stream streams[32];
    atomic_bool stop;
    atomic_int in_progress, failed;
};

static void traffic_start(struct traffic *t, struct meta_world *w)
{
    static char bytes[16384];
    atomic_store(&t->stop, false);
    atomic_store(&t->failed, 0);
    atomic_store(&t->in_progress, (int)LENGTH_OF(t->streams));
    for (size_t i = 0; i < LENGTH_OF(t->streams); i++) {
        struct upload_stream *l = &t->streams[i];
        *l = (struct upload_stream){ .upload = { .world = w, .number = i, .bytes = { bytes, sizeof bytes } },
                                     .stop = &t->stop,
                                     .in_progress = &t->in_progress,
                                     .failed = &t->failed,
                                     .step = LENGTH_OF(t->streams) };
        l->write = (struct meta_write){ .apply = meta_upload_apply, .arg = &l->upload, .done = submit_next };
        EXPECT(meta_submit(w->store, &l->write));
    }
}

static void traffic_stop(struct traffic *t)
{
    atomic_store(&t->stop, true);
    while (atomic_load(&t->in_progress))
        sleep_ms(1);
    EXPECT_EQ(atomic_load(&t->failed), 0);
}

TEST(the_write_ahead_log_stays_small_under_load)
{
    struct meta_world w;
    struct traffic t;
    meta_world_init(&w, DATABASE_FILE, THREADED);
    traffic_start(&t, &w);
    char log[128];
    snprintf(log, sizeof log, "%s-wal", w.database.path);
    struct stat st;
    off_t max = 0, file = 0;
    for (int i = 0; i < 3000 && file < 200 << 20; i++) {
        sleep_ms(10);
        if (stat(log, &st) == 0 && st.st_size > max)
            max = st.st_size;
        file = stat(w.database.path, &st) == 0 ? st.st_size : 0;
    }
    traffic_stop(&t);
    EXPECT(max < 80 << 20); /* 64 MiB, the writes during the running checkpoint, and one batch */
    meta_world_release(&w);
}

TEST(a_backup_under_load_is_consistent)
{
    struct meta_world w;
    struct traffic t;
    meta_world_init(&w, DATABASE_FILE, THREADED);
    traffic_start(&t, &w);
    sleep_ms(100);
    char copy[sizeof w.database.path];
    snprintf(copy, sizeof copy, "%.64s/copy.db", w.database.dir);
    EXPECT_OK(meta_backup(w.store, copy, w.a));
    EXPECT_ERR(meta_backup(w.store, copy, w.a), ERR_CONFLICT);
    sleep_ms(50);
    traffic_stop(&t);
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_close(w.store);
    memcpy(w.database.path, copy, sizeof copy);
    meta_world_open(&w);
    EXPECT_OK(meta_verify(w.store, w.a));
    struct meta_tx *tx;
    struct account account;
    int64_t wrong;
    EXPECT_OK(meta_read_begin(w.store, w.a, &tx));
    EXPECT_OK(meta_usage_check(tx, false, w.a, &wrong)); /* the snapshot shows counters and files as of one time */
    EXPECT_EQ(wrong, 0);
    EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
    EXPECT(account.used_files > 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(one_failing_write_fails_alone),
          cmocka_unit_test(a_write_that_fails_after_it_wrote_is_undone_and_the_batch_commits),
          cmocka_unit_test(a_write_that_fails_before_it_wrote_does_not_repeat_the_batch),
          cmocka_unit_test(a_batch_of_long_writes_is_committed_piece_by_piece),
          cmocka_unit_test(a_batch_of_writes_that_hold_much_memory_is_committed_piece_by_piece),
          cmocka_unit_test(a_failed_write_of_a_batch_that_is_cut_short_takes_no_other_with_it),
          cmocka_unit_test(the_longest_write_is_measured), cmocka_unit_test(what_a_failed_write_used_is_not_counted),
          cmocka_unit_test(other_writes_run_again_when_the_database_rolls_back),
          cmocka_unit_test(ids_reserved_in_a_write_that_was_undone_are_not_used),
          cmocka_unit_test(every_write_reports_its_outcome_whichever_call_fails),
          cmocka_unit_test(a_failing_commit_fails_every_write_and_the_store_still_works),
          cmocka_unit_test(a_full_queue_refuses_writes_and_close_commits_the_queued),
          cmocka_unit_test(eight_threads_write_at_once),
          cmocka_unit_test(the_generation_rises_before_any_done_is_called),
          cmocka_unit_test(the_write_ahead_log_stays_small_under_load),
          cmocka_unit_test(a_backup_under_load_is_consistent))

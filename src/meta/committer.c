/* SPDX-License-Identifier: Apache-2.0 */
/* The committer is the only writer of the database. Callers put their writes into a queue. The committer removes every
 * write that is waiting, runs all of them in one transaction, commits once, and then calls `done` of each write. It
 * uses no timer: while a commit is on its way to the disk, the next batch collects by itself.
 *
 * A batch runs in up to three ways:
 *   run_optimistic   without savepoints, because under a savepoint SQLite copies every page before changing it. A write
 *                    that fails before it wrote anything fails alone. Any other failure rolls the transaction back,
 *   run_careful      and the batch runs again with a savepoint around each write, so that only what fails is undone.
 *                    Then the counters of accounts are written with each write, instead of once for all of them.
 *   run_singly       when the commit itself found no space, each write gets a transaction of its own: one large write
 *                    must not make the small ones fail.
 *
 * A batch that takes too long is cut short: what has run is committed, and the other writes follow in the next
 * transaction. So a small write waits for one piece of BATCH_TIME_US and not for the sum of 400 long ones. The same
 * happens to a batch whose writes hold much memory. A single write that allocates too much fails alone, with TOO_LARGE.
 *
 * When a commit fails for any other reason, the whole batch fails: it is unknown what reached the disk, and running the
 * batch again could apply it twice.
 *
 * After a commit the committer raises the generation before it calls `done`. So a caller that learns of a change can no
 * longer find in a cache what was there before it. */
#include "base/clock.h"
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 10000
#define BATCH_MAX 400
#define BATCH_TIME_US 50000            /* after that long no other write begins in the transaction */
#define LOOK_AT_CPU_US 1000            /* how often at most the processor time is read */
#define ARENA_FIRST_BYTES (256 << 10)  /* memory that is kept from batch to batch */
#define WRITE_BYTES ((size_t)16 << 20) /* what one write may allocate: completing 10,000 parts takes 10 MiB */
#define BATCH_BYTES ((size_t)16 << 20) /* no other write begins in a transaction whose writes have allocated more */
#define NO_LIMIT (SIZE_MAX / 2)        /* for the arena of a batch, which serves the transaction, too */

/* A write of the current batch, and how it ended. */
struct batch_slot {
    struct meta_write *write;
    err_t e;
    bool changed_existing; /* it changed or removed a record that existed before */
    struct meta_job_changes jobs;
};

/* Measures writes and transactions. The processor time of a write is at most the time that it took, and at most what the
 * thread has used since processor time was last read. So it need not be read for each write. */
struct timing {
    int64_t begun_at_us, ended_at_us;           /* the transaction; its last write */
    int64_t cpu_read_at_us, cpu_us;             /* when the processor time was read, and what it was */
    atomic_ullong longest_write, longest_batch; /* us; written by the committer alone */
};

struct committer {
    struct meta_store *store;
    size_t queue_max, batch_max;
    int64_t batch_time_us;
    struct timing timing;

    pthread_mutex_t queue_lock; /* with inline_writes it is held while a write runs */
    pthread_cond_t queue_filled;
    struct meta_write *head, **tail;
    size_t queued;
    bool is_waiting, is_closing;

    /* used by the committer's thread alone */
    struct batch_slot *slots;
    void *batch_memory;
    struct usage usage; /* of the current transaction */
    bool has_written;   /* the same: there is something to bring to the disk */

    pthread_t thread;
    bool has_thread;
};

/* ---- measuring ---- */

static void note_longest(atomic_ullong *longest, int64_t us)
{
    if (us > 0 && (uint64_t)us > atomic_load_explicit(longest, memory_order_relaxed))
        atomic_store_explicit(longest, (uint64_t)us, memory_order_relaxed);
}

static void timing_begin(struct timing *t)
{
    t->begun_at_us = t->ended_at_us = t->cpu_read_at_us = clock_stopwatch_us();
    t->cpu_us = clock_thread_cpu_us();
}

static void timing_write_ended(struct timing *t)
{
    int64_t now_us = clock_stopwatch_us(), took_us = now_us - t->ended_at_us;
    t->ended_at_us = now_us;
    if (now_us - t->cpu_read_at_us < LOOK_AT_CPU_US)
        return;
    int64_t cpu_us = clock_thread_cpu_us(), used_us = cpu_us - t->cpu_us;
    note_longest(&t->longest_write, took_us < used_us ? took_us : used_us);
    t->cpu_read_at_us = now_us;
    t->cpu_us = cpu_us;
}

static void timing_batch_ended(struct timing *t)
{
    note_longest(&t->longest_batch, clock_stopwatch_us() - t->begun_at_us);
}

void meta_longest(struct meta_store *store, struct meta_longest *ret)
{
    *ret = (struct meta_longest){ 0 };
    if (!store->committer)
        return;
    ret->write_us = atomic_load_explicit(&store->committer->timing.longest_write, memory_order_relaxed);
    ret->batch_us = atomic_load_explicit(&store->committer->timing.longest_batch, memory_order_relaxed);
}

/* ---- running a batch ---- */

static err_t exec_control(struct committer *c, const struct sql_statement *statement, struct arena *a)
{
    return sql_exec(c->store->writer, statement, SQL_NO_VALUES, a, NULL);
}

static void rollback_transaction(struct committer *c)
{
    sql_rollback(c->store->writer);
    forget_ids(c->store);
    usage_clear(&c->usage);
}

static void note_outcome(struct committer *c, err_t e)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->store->watch_lock);
    write_watch_note(&c->store->watch, e);
}

static err_t commit_transaction(struct committer *c, struct arena *a)
{
    err_t e = sql_commit(c->store->writer, a);
    if (e || c->has_written)
        note_outcome(c, e);
    if (e)
        rollback_transaction(c);
    return e;
}

static struct meta_tx transaction_of(struct committer *c)
{
    return (struct meta_tx){ .store = c->store, .conn = c->store->writer, .usage = &c->usage, .is_write = true };
}

static err_t write_counters(struct committer *c, struct arena *a)
{
    struct meta_tx tx = transaction_of(c);
    return usage_write(&tx, a);
}

static err_t apply_within_limit(struct meta_tx *tx, struct meta_write *w, struct arena *a)
{
    arena_set_limit(a, a->held + WRITE_BYTES, NULL);
    err_t e = w->apply(tx, w->arg, a);
    if (!e)
        e = arena_check(a); /* it may have left something out */
    arena_set_limit(a, NO_LIMIT, NULL);
    a->marked_over = false;
    return e;
}

/* Returns whether the write succeeded. *ret_harmless: it failed, but the transaction is as it was before it. */
static bool apply_write(struct committer *c, struct batch_slot *s, struct arena *a, bool *ret_harmless)
{
    struct meta_tx tx = transaction_of(c);
    struct usage before;
    usage_copy(&before, &c->usage);
    s->e = apply_within_limit(&tx, s->write, a);
    timing_write_ended(&c->timing);
    if (s->e)
        usage_copy(&c->usage, &before);
    s->changed_existing = tx.changed_existing;
    c->has_written |= tx.has_written;
    s->jobs = tx.jobs;
    /* After these errors the database may have rolled back more than one statement. */
    bool from_database = err_is(s->e, ERR_NO_SPACE) || err_is(s->e, ERR_UNAVAILABLE) || err_is(s->e, ERR_CORRUPT);
    *ret_harmless = s->e && !tx.has_written && !from_database;
    return !s->e;
}

/* Must the transaction end, although writes are waiting? */
static bool batch_is_long(const struct committer *c, size_t held_before, const struct arena *a)
{
    return c->timing.ended_at_us - c->timing.begun_at_us >= c->batch_time_us || a->held - held_before > BATCH_BYTES;
}

enum outcome { COMMITTED, MUST_RUN_AGAIN, COMMIT_FAILED, NOT_STARTED };

/* Writes that wait for a transaction, and what became of it. */
struct batch {
    struct batch_slot *slots;
    size_t n;
    size_t ran; /* the first ones, as many as had begun before the transaction became long; the others still wait */
    size_t held_before; /* bytes in the arena when the transaction began */
    size_t culprit;     /* after run_careful with MUST_RUN_AGAIN */
    err_t e;            /* the reason of COMMIT_FAILED and NOT_STARTED */
};

static bool may_run_next(const struct committer *c, struct batch *b, const struct arena *a)
{
    if (b->ran == b->n || (b->ran > 0 && batch_is_long(c, b->held_before, a)))
        return false;
    b->ran++;
    return true;
}

static enum outcome begin_batch(struct committer *c, struct batch *b, struct arena *a)
{
    b->ran = 0;
    b->held_before = a->held;
    timing_begin(&c->timing);
    c->has_written = false;
    b->e = sql_begin(c->store->writer, a);
    if (b->e)
        note_outcome(c, b->e);
    return b->e ? NOT_STARTED : COMMITTED;
}

static enum outcome commit_batch(struct committer *c, struct batch *b, struct arena *a)
{
    b->e = commit_transaction(c, a);
    timing_batch_ended(&c->timing);
    return b->e ? COMMIT_FAILED : COMMITTED;
}

/* A slot that has an error set failed alone. */
static enum outcome run_optimistic(struct committer *c, struct batch *b, struct arena *a)
{
    if (begin_batch(c, b, a) == NOT_STARTED)
        return NOT_STARTED;
    size_t succeeded = 0;
    while (may_run_next(c, b, a)) {
        bool harmless;
        if (apply_write(c, &b->slots[b->ran - 1], a, &harmless)) {
            succeeded++;
        } else if (!harmless) {
            rollback_transaction(c);
            return b->n > 1 ? MUST_RUN_AGAIN : COMMITTED; /* a batch of one write: it failed, and nothing else did */
        }
    }
    if (!succeeded) {
        rollback_transaction(c);
        return COMMITTED;
    }
    err_t e = write_counters(c, a);
    if (e) {
        rollback_transaction(c);
        if (b->n > 1)
            return MUST_RUN_AGAIN;
        b->slots[0].e = e;
        return COMMITTED;
    }
    return commit_batch(c, b, a);
}

/* Runs one write under a savepoint. Returns an error when it could not be undone alone. */
static err_t apply_carefully(struct committer *c, struct batch_slot *s, struct arena *a)
{
    bool harmless;
    TRY(exec_control(c, STATEMENT("SAVEPOINT one"), a));
    if (apply_write(c, s, a, &harmless))
        s->e = write_counters(c, a);
    if (s->e) {
        err_t e = exec_control(c, STATEMENT("ROLLBACK TO one"), a);
        forget_ids(c->store);
        TRY(e);
    }
    return exec_control(c, STATEMENT("RELEASE one"), a);
}

/* MUST_RUN_AGAIN: the culprit could not be undone alone and took the transaction with it; its error says why. */
static enum outcome run_careful(struct committer *c, struct batch *b, struct arena *a)
{
    if (begin_batch(c, b, a) == NOT_STARTED)
        return NOT_STARTED;
    while (may_run_next(c, b, a)) {
        struct batch_slot *s = &b->slots[b->ran - 1];
        err_t e = apply_carefully(c, s, a);
        if (e) {
            s->e = s->e ? s->e : e;
            b->culprit = b->ran - 1;
            rollback_transaction(c);
            return MUST_RUN_AGAIN;
        }
    }
    return commit_batch(c, b, a);
}

static void fail_slots(struct batch_slot *slots, size_t n, err_t e)
{
    for (size_t i = 0; i < n; i++)
        if (!slots[i].e)
            slots[i].e = e;
}

static void run_singly(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a)
{
    for (size_t i = 0; i < n; i++) {
        struct batch b = { .slots = &slots[i], .n = 1 };
        enum outcome outcome = run_optimistic(c, &b, a);
        if (outcome != COMMITTED && !slots[i].e)
            slots[i].e = b.e;
    }
}

/* The culprit has failed: it becomes the first slot, and the others run without it, in their order. */
static void set_culprit_aside(struct batch *b)
{
    struct batch_slot failed = b->slots[b->culprit];
    memmove(b->slots + 1, b->slots, b->culprit * sizeof *b->slots);
    b->slots[0] = failed;
    b->slots++;
    b->n--;
}

/* Runs the first writes of a batch, at least one. Returns how many slots, from the first one on, have ended. */
static size_t run_batch(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a)
{
    struct batch b = { .slots = slots, .n = n };
    enum outcome outcome = run_optimistic(c, &b, a);
    for (int careful_runs = 0; outcome == MUST_RUN_AGAIN; careful_runs++) {
        if (careful_runs == 2) {
            /* Two writes in a row took the transaction with them: the fault is the database's, not theirs. */
            fail_slots(slots, n, b.slots[-1].e);
            return n;
        }
        outcome = run_careful(c, &b, a);
        if (outcome == MUST_RUN_AGAIN)
            set_culprit_aside(&b);
    }
    if (outcome == NOT_STARTED)
        b.ran = b.n;
    if (outcome == COMMIT_FAILED && b.ran > 1 && b.e->code == ERR_NO_SPACE)
        run_singly(c, b.slots, b.ran, a);
    else if (outcome != COMMITTED)
        fail_slots(b.slots, b.ran, b.e);
    return (size_t)(b.slots - slots) + b.ran;
}

static void report_job_changes(struct meta_store *store, const struct batch_slot *slots, size_t n)
{
    struct meta_job_changes all = { 0 };
    for (size_t i = 0; i < n; i++) {
        all.wakes |= !slots[i].e && slots[i].jobs.wakes;
        all.rows |= slots[i].e ? 0 : slots[i].jobs.rows;
    }
    if (store->on_jobs && (all.wakes || all.rows))
        store->on_jobs(store->on_jobs_arg, &all);
}

/* A failed write raises the generation, too, because it is unknown what a failed commit did. */
static void finish_batch(struct committer *c, struct batch_slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slots[i].changed_existing) {
            atomic_fetch_add(&c->store->generation, 1);
            break;
        }
    report_job_changes(c->store, slots, n);
    for (size_t i = 0; i < n; i++)
        slots[i].write->done(slots[i].write, slots[i].e);
}

/* ---- the queue and the thread ---- */

/* Waits until there are writes, and moves them into the slots. Returns how many; 0 when the store is closing and no
 * write is left. */
static size_t dequeue_batch(struct committer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->queue_lock);
    while (!c->head && !c->is_closing) {
        c->is_waiting = true;
        pthread_cond_wait(&c->queue_filled, &c->queue_lock);
    }
    c->is_waiting = false;
    size_t n = 0;
    while (c->head && n < c->batch_max) {
        c->slots[n++] = (struct batch_slot){ .write = c->head };
        c->head = c->head->next;
    }
    if (!c->head)
        c->tail = &c->head;
    c->queued -= n;
    return n;
}

static void *committer_thread(void *arg)
{
    struct committer *c = arg;
    size_t n;
    while ((n = dequeue_batch(c)))
        for (size_t ended = 0; ended < n;) {
            SCOPED(arena_releasep) struct arena a;
            arena_init_with(&a, c->batch_memory, ARENA_FIRST_BYTES);
            arena_set_limit(&a, NO_LIMIT, NULL);
            size_t first = ended;
            ended += run_batch(c, c->slots + first, n - first, &a);
            finish_batch(c, c->slots + first, ended - first);
            maintain_wal(c->store->checkpointer);
        }
    return NULL;
}

/* meta_submit with inline_writes: the caller's thread does all of the committer's work. */
static void write_inline(struct committer *c, struct meta_write *w)
{
    struct batch_slot slot = { .write = w };
    SCRATCH(a);
    pthread_mutex_lock(&c->queue_lock);
    run_batch(c, &slot, 1, &a);
    maintain_wal(c->store->checkpointer);
    pthread_mutex_unlock(&c->queue_lock);
    finish_batch(c, &slot, 1);
}

bool meta_submit(struct meta_store *store, struct meta_write *w)
{
    struct committer *c = store->committer;
    if (!c)
        return false;
    w->next = NULL;
    if (store->options.inline_writes) {
        write_inline(c, w);
        return true;
    }
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->queue_lock);
    if (c->is_closing || c->queued >= c->queue_max)
        return false;
    *c->tail = w;
    c->tail = &w->next;
    c->queued++;
    if (c->is_waiting) {
        c->is_waiting = false;
        pthread_cond_signal(&c->queue_filled);
    }
    return true;
}

/* ---- meta_write: submit and wait ---- */

struct write_waiter {
    struct meta_write write;
    struct arena *a; /* the caller's; the caller sleeps while wake_waiter uses it */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    err_t e;
};

static void wake_waiter(struct meta_write *w, err_t e)
{
    struct write_waiter *waiter = CONTAINER_OF(w, struct write_waiter, write);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&waiter->lock);
    waiter->e = err_copy(waiter->a, e);
    waiter->has_ended = true;
    pthread_cond_signal(&waiter->ended);
}

err_t meta_write(struct meta_store *store, meta_apply_fn *apply, void *arg, struct arena *a)
{
    TRY(arena_check(a)); /* what the write would store may be incomplete */
    struct write_waiter w = { .write = { .apply = apply, .arg = arg, .done = wake_waiter }, .a = a };
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.ended, NULL);
    if (meta_submit(store, &w.write)) {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&w.lock);
        while (!w.has_ended)
            pthread_cond_wait(&w.ended, &w.lock);
    } else {
        w.e = store->committer ? err_make(a, ERR_UNAVAILABLE, "too many writes are waiting")
                               : err_make(a, ERR_UNAVAILABLE, "the records are open for reading only");
    }
    pthread_cond_destroy(&w.ended);
    pthread_mutex_destroy(&w.lock);
    return w.e;
}

/* ---- starting and stopping ---- */

err_t committer_start(struct meta_store *store, struct arena *a)
{
    struct committer *c = must_malloc(sizeof *c);
    store->committer = c;
    c->store = store;
    c->queue_max = store->options.queue_max ? store->options.queue_max : QUEUE_MAX;
    c->batch_max = store->options.batch_max ? store->options.batch_max : BATCH_MAX;
    c->batch_time_us = store->options.batch_time_us ? store->options.batch_time_us : BATCH_TIME_US;
    c->tail = &c->head;
    pthread_mutex_init(&c->queue_lock, NULL);
    pthread_cond_init(&c->queue_filled, NULL);
    TRY(checkpointer_start(store, a));
    if (store->options.inline_writes)
        return NULL;
    c->slots = must_malloc(c->batch_max * sizeof *c->slots);
    c->batch_memory = must_malloc(ARENA_FIRST_BYTES);
    int failed = pthread_create(&c->thread, NULL, committer_thread, c);
    if (failed)
        return err_errno(a, failed, "cannot start the committer");
    c->has_thread = true;
    return NULL;
}

void committer_stop(struct meta_store *store)
{
    struct committer *c = store->committer;
    if (!c)
        return;
    pthread_mutex_lock(&c->queue_lock);
    c->is_closing = true;
    pthread_cond_signal(&c->queue_filled);
    pthread_mutex_unlock(&c->queue_lock);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    checkpointer_stop(store); /* after the committer's thread, which uses it */
    pthread_cond_destroy(&c->queue_filled);
    pthread_mutex_destroy(&c->queue_lock);
    free(c->slots);
    free(c->batch_memory);
    free(c);
    store->committer = NULL;
}

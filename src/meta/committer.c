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
 * When a commit fails for any other reason, the whole batch fails: it is unknown what reached the disk, and running the
 * batch again could apply it twice.
 *
 * After a commit the committer raises the generation before it calls `done`. So a caller that learns of a change can no
 * longer find in a cache what was there before it. */
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 10000
#define BATCH_MAX 400
#define ARENA_FIRST_BYTES (256 << 10) /* memory that is kept from batch to batch */

/* A write of the current batch, and how it ended. */
struct batch_slot {
    struct meta_write *write;
    err_t e;
    bool changed_existing; /* it changed or removed a record that existed before */
    bool changed_jobs;     /* it queued a job or asked one to stop */
};

struct committer {
    struct meta_store *store;
    size_t queue_max, batch_max;

    pthread_mutex_t queue_lock; /* with inline_writes it is held while a write runs */
    pthread_cond_t queue_filled;
    struct meta_write *head, **tail;
    size_t queued;
    bool is_waiting, is_closing;

    /* used by the committer's thread alone */
    struct batch_slot *slots;
    void *batch_memory;
    struct usage usage; /* of the current transaction */

    pthread_t thread;
    bool has_thread;
};

/* ---- running a batch ---- */

static err_t exec_control(struct committer *c, const struct sql_statement *statement, struct arena *a)
{
    return sql_exec(c->store->writer, statement, SQL_NO_VALUES, a, NULL);
}

static void rollback_transaction(struct committer *c)
{
    sql_rollback(c->store->writer);
    forget_ids(c->store);
    c->usage.count = 0;
}

static err_t commit_transaction(struct committer *c, struct arena *a)
{
    err_t e = sql_commit(c->store->writer, a);
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

/* Returns whether the write succeeded. *ret_harmless: it failed, but the transaction is as it was before it. */
static bool apply_write(struct committer *c, struct batch_slot *s, struct arena *a, bool *ret_harmless)
{
    struct meta_tx tx = transaction_of(c);
    struct usage before;
    before.count = c->usage.count;
    memcpy(before.accounts, c->usage.accounts, before.count * sizeof *before.accounts);
    s->e = s->write->apply(&tx, s->write->arg, a);
    if (s->e) {
        c->usage.count = before.count;
        memcpy(c->usage.accounts, before.accounts, before.count * sizeof *before.accounts);
    }
    s->changed_existing = tx.changed_existing;
    s->changed_jobs = tx.changed_jobs;
    /* After these errors the database may have rolled back more than one statement. */
    bool from_database = err_is(s->e, ERR_NO_SPACE) || err_is(s->e, ERR_UNAVAILABLE) || err_is(s->e, ERR_CORRUPT);
    *ret_harmless = s->e && !tx.has_written && !from_database;
    return !s->e;
}

enum outcome { COMMITTED, MUST_RUN_AGAIN, COMMIT_FAILED, NOT_STARTED };

/* A slot that has an error set failed alone. *ret_e is the reason of COMMIT_FAILED and NOT_STARTED. */
static enum outcome run_optimistic(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a,
                                   err_t *ret_e)
{
    if ((*ret_e = sql_begin(c->store->writer, a)))
        return NOT_STARTED;
    size_t succeeded = 0;
    for (size_t i = 0; i < n; i++) {
        bool harmless;
        if (apply_write(c, &slots[i], a, &harmless)) {
            succeeded++;
        } else if (!harmless) {
            rollback_transaction(c);
            return n > 1 ? MUST_RUN_AGAIN : COMMITTED; /* a batch of one write: it failed, and nothing else did */
        }
    }
    if (!succeeded) {
        rollback_transaction(c);
        return COMMITTED;
    }
    err_t e = write_counters(c, a);
    if (e) {
        rollback_transaction(c);
        if (n > 1)
            return MUST_RUN_AGAIN;
        slots[0].e = e;
        return COMMITTED;
    }
    return (*ret_e = commit_transaction(c, a)) ? COMMIT_FAILED : COMMITTED;
}

/* MUST_RUN_AGAIN: slots[*ret_culprit] could not be undone alone and took the transaction with it; its error says
 * why. */
static enum outcome run_careful(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a,
                                size_t *ret_culprit, err_t *ret_e)
{
    if ((*ret_e = sql_begin(c->store->writer, a)))
        return NOT_STARTED;
    for (size_t i = 0; i < n; i++) {
        struct batch_slot *s = &slots[i];
        err_t control_e = exec_control(c, STATEMENT("SAVEPOINT one"), a);
        if (!control_e) {
            bool harmless;
            if (apply_write(c, s, a, &harmless))
                s->e = write_counters(c, a);
            if (s->e) {
                control_e = exec_control(c, STATEMENT("ROLLBACK TO one"), a);
                forget_ids(c->store);
            }
            if (!control_e)
                control_e = exec_control(c, STATEMENT("RELEASE one"), a);
        }
        if (control_e) {
            s->e = s->e ? s->e : control_e;
            *ret_culprit = i;
            rollback_transaction(c);
            return MUST_RUN_AGAIN;
        }
    }
    return (*ret_e = commit_transaction(c, a)) ? COMMIT_FAILED : COMMITTED;
}

static void fail_remaining(struct batch_slot *slots, size_t n, err_t e)
{
    for (size_t i = 0; i < n; i++)
        if (!slots[i].e)
            slots[i].e = e;
}

static void run_singly(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a)
{
    for (size_t i = 0; i < n; i++) {
        err_t e = NULL;
        enum outcome outcome = run_optimistic(c, &slots[i], 1, a, &e);
        if (outcome != COMMITTED && !slots[i].e)
            slots[i].e = e;
    }
}

static void swap_slots(struct batch_slot *x, struct batch_slot *y)
{
    struct batch_slot t = *x;
    *x = *y;
    *y = t;
}

static void run_batch(struct committer *c, struct batch_slot *slots, size_t n, struct arena *a)
{
    err_t e = NULL;
    enum outcome outcome = run_optimistic(c, slots, n, a, &e);
    for (int careful_runs = 0; outcome == MUST_RUN_AGAIN; careful_runs++) {
        size_t culprit = n;
        if (careful_runs == 2) {
            /* Two writes in a row took the transaction with them: the fault is the database's, not theirs. */
            fail_remaining(slots, n, e);
            return;
        }
        outcome = run_careful(c, slots, n, a, &culprit, &e);
        if (outcome == MUST_RUN_AGAIN) {
            e = slots[culprit].e;
            swap_slots(&slots[culprit], &slots[--n]); /* it has failed; the others run without it */
        }
    }
    if (outcome == COMMIT_FAILED && n > 1 && e->code == ERR_NO_SPACE)
        run_singly(c, slots, n, a);
    else if (outcome != COMMITTED)
        fail_remaining(slots, n, e);
}

/* A failed write raises the generation, too, because it is unknown what a failed commit did. */
static void finish_batch(struct committer *c, struct batch_slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slots[i].changed_existing) {
            atomic_fetch_add(&c->store->generation, 1);
            break;
        }
    for (size_t i = 0; i < n; i++)
        if (slots[i].changed_jobs && !slots[i].e && c->store->on_jobs) {
            c->store->on_jobs(c->store->on_jobs_arg);
            break;
        }
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
    while ((n = dequeue_batch(c))) {
        SCOPED(arena_releasep) struct arena a;
        arena_init_with(&a, c->batch_memory, ARENA_FIRST_BYTES);
        arena_set_limit(&a, SIZE_MAX / 2, NULL); /* for the whole batch: its writes are limited, not their number */
        run_batch(c, c->slots, n, &a);
        finish_batch(c, c->slots, n);
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

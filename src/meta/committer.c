/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer. Submitters put their writes into a queue; the committer takes all that waits (no timer: under load
 * the batches grow by themselves while a commit is on its way to the disk), runs them in one transaction, commits once,
 * then tells each submitter.
 *
 *   optimistic   no savepoints: SQLite would copy every page it changes under one. A write that fails before it changed
 *                anything simply fails. Any other failure rolls everything back, and
 *   careful      the batch runs again with a savepoint around each write, so that only what fails is undone.
 *   singly       when the commit itself found no space: a large write must not take the small ones with it.
 *
 * A commit that failed for another reason fails the whole batch: nobody knows what reached the disk, and running it
 * again could do it twice. The order after a commit: generation, then done of each write. Whoever is told of a change
 * can no longer find what was cached before it. */
#include "meta/meta_priv.h"

#include <assert.h>
#include <stdlib.h>

#define QUEUE_MAX 10000
#define BATCH_MAX 400
#define CHECKPOINT_EVERY (16 << 20)
#define LOG_MOST (64 << 20)
#define LOG_SLACK (8 << 20)     /* beyond it the committer waits for a checkpoint that runs, instead of going on */
#define ARENA_FIRST (256 << 10) /* memory that stays from batch to batch */

struct slot {
    struct meta_write *write;
    err_t e;
    bool touched;
};

struct committer {
    struct meta_store *store;
    size_t queue_max, batch_max;

    pthread_mutex_t lock; /* of the queue; inline: held while a write runs */
    pthread_cond_t work;
    struct meta_write *head, **tail;
    size_t waiting;
    bool asleep, closing;
    pthread_t thread;
    bool has_thread;

    /* the committer's own */
    struct slot *slots;
    void *memory;
    int64_t checkpoint_at, restart_at; /* log bytes */

    pthread_mutex_t checkpoint_lock;
    pthread_cond_t checkpoint_work;
    struct sql_conn *checkpointer;
    pthread_t checkpoint_thread;
    bool has_checkpoint_thread, checkpoint_wanted, checkpoint_runs, checkpoint_held, checkpoint_stops;
};

/* ---- running writes ---- */

static err_t control(struct committer *c, const char *sql, struct arena *a)
{
    return sql_exec(c->store->writer, sql, SQL_NO_VALUES, a, NULL);
}

static void rollback(struct committer *c)
{
    sql_rollback(c->store->writer);
    forget_ids(c->store);
}

static bool apply(struct committer *c, struct slot *s, struct arena *a, bool *ret_harmless)
{
    struct meta_tx tx = { .store = c->store, .conn = c->store->writer, .writes = true };
    s->e = s->write->apply(&tx, s->write->arg, a);
    s->touched = tx.touched;
    /* After these errors the database may have rolled back more than the statement. */
    bool database = err_is(s->e, ERR_NO_SPACE) || err_is(s->e, ERR_UNAVAILABLE) || err_is(s->e, ERR_CORRUPT);
    *ret_harmless = s->e && !tx.changed && !database;
    return !s->e;
}

static err_t commit(struct committer *c, struct arena *a)
{
    err_t e = sql_commit(c->store->writer, a);
    if (e)
        rollback(c);
    return e;
}

enum outcome { COMMITTED, TRY_CAREFULLY, COMMIT_FAILED, NOT_STARTED };

/* *ret_e: why, when it is not COMMITTED. A slot whose e is set has failed alone. */
static enum outcome run_optimistic(struct committer *c, struct slot *slots, size_t n, struct arena *a, err_t *ret_e)
{
    if ((*ret_e = sql_begin(c->store->writer, a)))
        return NOT_STARTED;
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        bool harmless;
        if (apply(c, &slots[i], a, &harmless)) {
            good++;
        } else if (!harmless) {
            rollback(c);
            return n > 1 ? TRY_CAREFULLY : COMMITTED; /* a write that ran alone has failed alone */
        }
    }
    if (!good) {
        rollback(c);
        return COMMITTED;
    }
    return (*ret_e = commit(c, a)) ? COMMIT_FAILED : COMMITTED;
}

/* TRY_CAREFULLY: slots[*ret_poison] took the whole transaction with it; its e says why. */
static enum outcome run_careful(struct committer *c, struct slot *slots, size_t n, struct arena *a, size_t *ret_poison,
                                err_t *ret_e)
{
    if ((*ret_e = sql_begin(c->store->writer, a)))
        return NOT_STARTED;
    for (size_t i = 0; i < n; i++) {
        struct slot *s = &slots[i];
        err_t undo = control(c, "SAVEPOINT one", a);
        if (!undo) {
            bool harmless;
            if (!apply(c, s, a, &harmless)) {
                undo = control(c, "ROLLBACK TO one", a);
                forget_ids(c->store);
            }
            if (!undo)
                undo = control(c, "RELEASE one", a);
        }
        if (undo) {
            s->e = s->e ? s->e : undo;
            *ret_poison = i;
            rollback(c);
            return TRY_CAREFULLY;
        }
    }
    return (*ret_e = commit(c, a)) ? COMMIT_FAILED : COMMITTED;
}

static void fail_all(struct slot *slots, size_t n, err_t e)
{
    for (size_t i = 0; i < n; i++)
        if (!slots[i].e)
            slots[i].e = e;
}

static void run_singly(struct committer *c, struct slot *slots, size_t n, struct arena *a)
{
    for (size_t i = 0; i < n; i++) {
        err_t e = NULL;
        enum outcome outcome = run_optimistic(c, &slots[i], 1, a, &e);
        if (outcome != COMMITTED && !slots[i].e)
            slots[i].e = e;
    }
}

static void swap(struct slot *x, struct slot *y)
{
    struct slot t = *x;
    *x = *y;
    *y = t;
}

static void run_batch(struct committer *c, struct slot *slots, size_t n, struct arena *a)
{
    err_t e = NULL;
    enum outcome outcome = run_optimistic(c, slots, n, a, &e);
    for (int again = 0; outcome == TRY_CAREFULLY; again++) {
        size_t poison = n;
        if (again == 2) {
            /* Two writes in a row took the transaction with them: it is the database, not the writes. */
            fail_all(slots, n, e);
            return;
        }
        outcome = run_careful(c, slots, n, a, &poison, &e);
        if (outcome == TRY_CAREFULLY) {
            e = slots[poison].e;
            swap(&slots[poison], &slots[--n]); /* it has failed; the others run without it */
        }
    }
    if (outcome == COMMIT_FAILED && n > 1 && e->code == ERR_NO_SPACE)
        run_singly(c, slots, n, a);
    else if (outcome != COMMITTED)
        fail_all(slots, n, e);
}

/* A failed write counts too: what a failed commit did is not known. */
static void finish(struct committer *c, struct slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slots[i].touched) {
            atomic_fetch_add(&c->store->generation, 1);
            break;
        }
    for (size_t i = 0; i < n; i++)
        slots[i].write->done(slots[i].write, slots[i].e);
}

/* ---- the write-ahead log ---- */

static void complain(struct committer *c, err_t e)
{
    if (e && c->store->options.complain)
        c->store->options.complain(c->store->options.complain_arg, e);
}

static void *checkpoint_loop(void *arg)
{
    struct committer *c = arg;
    pthread_mutex_lock(&c->checkpoint_lock);
    while (!c->checkpoint_stops) {
        if (!c->checkpoint_wanted || c->checkpoint_held) {
            pthread_cond_wait(&c->checkpoint_work, &c->checkpoint_lock);
            continue;
        }
        c->checkpoint_wanted = false;
        c->checkpoint_runs = true;
        pthread_mutex_unlock(&c->checkpoint_lock);
        SCRATCH(s);
        complain(c, sql_checkpoint(c->checkpointer, false, &s));
        pthread_mutex_lock(&c->checkpoint_lock);
        c->checkpoint_runs = false;
        pthread_cond_signal(&c->checkpoint_work); /* nobody but the committer can be waiting */
    }
    pthread_mutex_unlock(&c->checkpoint_lock);
    return NULL;
}

static void wake_checkpointer(struct committer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->checkpoint_lock);
    c->checkpoint_wanted = true;
    pthread_cond_signal(&c->checkpoint_work);
}

/* The checkpoint thread is not to start again; true when it does not run either. */
static bool hold_checkpointer(struct committer *c, bool wait)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->checkpoint_lock);
    c->checkpoint_held = true;
    while (wait && c->checkpoint_runs)
        pthread_cond_wait(&c->checkpoint_work, &c->checkpoint_lock);
    return !c->checkpoint_runs;
}

static void release_checkpointer(struct committer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->checkpoint_lock);
    c->checkpoint_held = false;
    pthread_cond_signal(&c->checkpoint_work);
}

/* Between batches. Under load the checkpoint thread copies nearly all of the log, but never reaches its end, and only a
 * log that is copied to its end starts again from the front. So the committer copies the last piece itself, now and
 * then. */
static void look_after_log(struct committer *c)
{
    int64_t bytes = sql_log_bytes(c->store->db);
    if (bytes < c->checkpoint_at - CHECKPOINT_EVERY) { /* it has started again from the front */
        c->checkpoint_at = CHECKPOINT_EVERY;
        c->restart_at = LOG_MOST;
    }
    if (bytes >= c->restart_at) {
        if (!hold_checkpointer(c, bytes >= c->restart_at + LOG_SLACK))
            return; /* it is at it; after the next batch, then */
        SCRATCH(s);
        complain(c, sql_checkpoint(c->store->writer, true, &s));
        /* A long reader (a backup) may have kept it where it was: not again with every batch. */
        bytes = sql_log_bytes(c->store->db);
        c->restart_at = bytes + CHECKPOINT_EVERY * 2 > LOG_MOST ? bytes + CHECKPOINT_EVERY * 2 : LOG_MOST;
        c->checkpoint_at = bytes + CHECKPOINT_EVERY;
        release_checkpointer(c);
    } else if (bytes >= c->checkpoint_at) {
        /* More often towards the end, so that little is left for the committer to copy while everybody waits. */
        c->checkpoint_at =
            bytes + (bytes < LOG_MOST / 4 * 3 - CHECKPOINT_EVERY / 4 ? CHECKPOINT_EVERY : CHECKPOINT_EVERY / 4);
        wake_checkpointer(c);
    }
}

/* ---- the thread ---- */

/* Waits for work. 0: closing, and nothing is left. */
static size_t take(struct committer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->lock);
    while (!c->head && !c->closing) {
        c->asleep = true;
        pthread_cond_wait(&c->work, &c->lock);
    }
    c->asleep = false;
    size_t n = 0;
    while (c->head && n < c->batch_max) {
        c->slots[n++] = (struct slot){ .write = c->head };
        c->head = c->head->next;
    }
    if (!c->head)
        c->tail = &c->head;
    c->waiting -= n;
    return n;
}

static void *commit_loop(void *arg)
{
    struct committer *c = arg;
    size_t n;
    while ((n = take(c))) {
        SCOPED(arena_releasep) struct arena a;
        arena_init_with(&a, c->memory, ARENA_FIRST);
        run_batch(c, c->slots, n, &a);
        finish(c, c->slots, n);
        look_after_log(c);
    }
    return NULL;
}

bool meta_submit(struct meta_store *store, struct meta_write *w)
{
    struct committer *c = store->committer;
    if (!c)
        return false;
    w->next = NULL;
    if (store->options.inline_writes) {
        struct slot s = { .write = w };
        SCRATCH(a);
        pthread_mutex_lock(&c->lock);
        run_batch(c, &s, 1, &a);
        look_after_log(c);
        pthread_mutex_unlock(&c->lock);
        finish(c, &s, 1);
        return true;
    }
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->lock);
    if (c->closing || c->waiting >= c->queue_max)
        return false;
    *c->tail = w;
    c->tail = &w->next;
    c->waiting++;
    if (c->asleep) {
        c->asleep = false;
        pthread_cond_signal(&c->work);
    }
    return true;
}

/* ---- waiting for one ---- */

struct waiter {
    struct meta_write write;
    struct arena *a; /* the caller's, who sleeps while done uses it */
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool done;
    err_t e;
};

static void tell(struct meta_write *w, err_t e)
{
    struct waiter *waiter = CONTAINER_OF(w, struct waiter, write);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&waiter->lock);
    waiter->e = err_copy(waiter->a, e);
    waiter->done = true;
    pthread_cond_signal(&waiter->told);
}

err_t meta_write(struct meta_store *store, meta_apply_fn *fn, void *arg, struct arena *a)
{
    struct waiter w = { .write = { .apply = fn, .arg = arg, .done = tell }, .a = a };
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.told, NULL);
    if (meta_submit(store, &w.write)) {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&w.lock);
        while (!w.done)
            pthread_cond_wait(&w.told, &w.lock);
    } else {
        w.e = store->committer ? err_make(a, ERR_UNAVAILABLE, "too many writes are waiting")
                               : err_make(a, ERR_UNAVAILABLE, "the records are open for reading only");
    }
    pthread_cond_destroy(&w.told);
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
    c->checkpoint_at = CHECKPOINT_EVERY;
    c->restart_at = LOG_MOST;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_mutex_init(&c->checkpoint_lock, NULL);
    pthread_cond_init(&c->checkpoint_work, NULL);
    if (store->options.inline_writes)
        return NULL; /* nobody runs beside the writer: only the checkpoint above LOG_MOST is left */
    c->slots = must_malloc(c->batch_max * sizeof *c->slots);
    c->memory = must_malloc(ARENA_FIRST);
    TRY(sql_connect(store->db, SQL_WRITE, a, &c->checkpointer));
    int failed = pthread_create(&c->checkpoint_thread, NULL, checkpoint_loop, c);
    if (failed)
        return err_errno(a, failed, "cannot start the checkpoint thread");
    c->has_checkpoint_thread = true;
    failed = pthread_create(&c->thread, NULL, commit_loop, c);
    if (failed)
        return err_errno(a, failed, "cannot start the committer");
    c->has_thread = true;
    return NULL;
}

static void stop_committing(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
}

static void stop_checkpointing(struct committer *c)
{
    pthread_mutex_lock(&c->checkpoint_lock);
    c->checkpoint_stops = true;
    pthread_cond_signal(&c->checkpoint_work);
    pthread_mutex_unlock(&c->checkpoint_lock);
    if (c->has_checkpoint_thread)
        pthread_join(c->checkpoint_thread, NULL);
}

void committer_stop(struct meta_store *store)
{
    struct committer *c = store->committer;
    if (!c)
        return;
    stop_committing(c);
    stop_checkpointing(c);
    sql_disconnect(c->checkpointer);
    pthread_cond_destroy(&c->checkpoint_work);
    pthread_mutex_destroy(&c->checkpoint_lock);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    free(c->slots);
    free(c->memory);
    free(c);
    store->committer = NULL;
}

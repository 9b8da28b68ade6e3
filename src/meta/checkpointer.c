/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the write-ahead log (WAL) into the database file, so that the log does not grow without end.
 *
 * A thread of its own copies with passive checkpoints, which wait for no reader and no writer. Under load it copies
 * nearly all of the log, but while writes keep coming it never reaches the log's end, and SQLite starts the log again
 * from its front only after a copy up to the end. So, when the log is larger than WAL_MAX_BYTES, the committer copies
 * the last piece itself, between two batches. No write can add to the log meanwhile. */
#include "meta/store_priv.h"

#include <stdlib.h>

#define CHECKPOINT_EVERY_BYTES (16 << 20)
#define WAL_MAX_BYTES (64 << 20)
#define WAL_SLACK_BYTES (8 << 20) /* this much above the limit, the committer waits for the thread's checkpoint */

struct checkpointer {
    struct meta_store *store;
    int64_t checkpoint_at, restart_at; /* sizes of the log, in bytes; used by the committer's thread alone */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* one of the next four changed */
    bool is_wanted, is_running, is_held, is_stopping;

    struct sql_conn *conn; /* the thread's; NULL with inline_writes */
    pthread_t thread;
    bool has_thread;
};

static void report_checkpoint_error(struct checkpointer *c, err_t e)
{
    const struct meta_options *options = &c->store->options;
    if (e && options->report_error)
        options->report_error(options->report_error_arg, e);
}

static void *checkpointer_thread(void *arg)
{
    struct checkpointer *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!c->is_stopping) {
        if (!c->is_wanted || c->is_held) {
            pthread_cond_wait(&c->changed, &c->lock);
            continue;
        }
        c->is_wanted = false;
        c->is_running = true;
        pthread_mutex_unlock(&c->lock);
        SCRATCH(s);
        if (!sql_flush_failed(c->store->db))
            report_checkpoint_error(c, sql_checkpoint(c->conn, false, &s));
        pthread_mutex_lock(&c->lock);
        c->is_running = false;
        pthread_cond_signal(&c->changed); /* only the committer can be waiting for this */
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void wake_thread(struct checkpointer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->lock);
    c->is_wanted = true;
    pthread_cond_signal(&c->changed);
}

/* Keeps the thread from starting another checkpoint, and returns whether none is running. `wait`: until none is. */
static bool hold_thread(struct checkpointer *c, bool wait)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->lock);
    c->is_held = true;
    while (wait && c->is_running)
        pthread_cond_wait(&c->changed, &c->lock);
    return !c->is_running;
}

static void release_thread(struct checkpointer *c)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&c->lock);
    c->is_held = false;
    pthread_cond_signal(&c->changed);
}

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static void restart_wal(struct checkpointer *c, int64_t wal_bytes)
{
    if (!hold_thread(c, wal_bytes >= c->restart_at + WAL_SLACK_BYTES))
        return; /* the thread's checkpoint is still running: try again after the next batch */
    SCRATCH(s);
    report_checkpoint_error(c, sql_checkpoint(c->store->writer, true, &s));
    /* A long reader, such as a backup, may have kept the log from restarting. Then the next attempt waits until the log
     * has grown further, instead of coming after each batch. */
    int64_t left = sql_wal_bytes(c->store->db);
    c->restart_at = larger(WAL_MAX_BYTES, left + 2 * CHECKPOINT_EVERY_BYTES);
    c->checkpoint_at = left + CHECKPOINT_EVERY_BYTES;
    release_thread(c);
}

/* Close to the limit checkpoints come more often, so that little is left for the committer to copy while writes
 * wait. */
static int64_t checkpoint_step(int64_t wal_bytes)
{
    bool is_near_limit = wal_bytes >= WAL_MAX_BYTES / 4 * 3 - CHECKPOINT_EVERY_BYTES / 4;
    return is_near_limit ? CHECKPOINT_EVERY_BYTES / 4 : CHECKPOINT_EVERY_BYTES;
}

void maintain_wal(struct checkpointer *c)
{
    if (sql_flush_failed(c->store->db))
        return; /* the log stays as it is until the next start */
    int64_t wal_bytes = sql_wal_bytes(c->store->db);
    if (wal_bytes < c->checkpoint_at - CHECKPOINT_EVERY_BYTES) { /* the log has started again from its front */
        c->checkpoint_at = CHECKPOINT_EVERY_BYTES;
        c->restart_at = WAL_MAX_BYTES;
    }
    if (wal_bytes >= c->restart_at) {
        restart_wal(c, wal_bytes);
    } else if (wal_bytes >= c->checkpoint_at) {
        c->checkpoint_at = wal_bytes + checkpoint_step(wal_bytes);
        wake_thread(c);
    }
}

err_t checkpointer_start(struct meta_store *store, struct arena *a)
{
    struct checkpointer *c = must_malloc(sizeof *c);
    store->checkpointer = c;
    c->store = store;
    c->checkpoint_at = CHECKPOINT_EVERY_BYTES;
    c->restart_at = WAL_MAX_BYTES;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    if (store->options.inline_writes)
        return NULL; /* no thread: the log is copied only when it reaches WAL_MAX_BYTES */
    TRY(sql_connect(store->db, SQL_WRITE, a, &c->conn));
    int failed = pthread_create(&c->thread, NULL, checkpointer_thread, c);
    if (failed)
        return err_errno(a, failed, "cannot start the checkpoint thread");
    c->has_thread = true;
    return NULL;
}

void checkpointer_stop(struct meta_store *store)
{
    struct checkpointer *c = store->checkpointer;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    sql_disconnect(c->conn);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
    store->checkpointer = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A share exists while it has a task that waits or runs. It has a place in `turn` just when one of its tasks waits and it
 * may use another thread. A thread takes the first share of the turn, runs one of its tasks, and the share goes to the
 * end.
 *
 * A thread is woken only for a task that it may run. When a share becomes eligible because one of its tasks has ended,
 * nobody needs to be woken: the thread that ran the task looks for the next one itself. */
#include "http/pool.h"

#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define BUCKETS 256
#define FREE_SHARES_KEPT 64

struct task_queue {
    struct pool_task *first, *last;
};

struct pool_share {
    uint64_t key;
    struct pool_share *next; /* in its bucket, or in the free list */
    struct pool_share *next_in_turn;
    bool in_turn;
    struct task_queue begun, waiting;
    size_t queued; /* in both queues */
    int running;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pool_options o;
    struct pool_share *buckets[BUCKETS], *free_shares;
    struct pool_share *turn_first, *turn_last;
    size_t queued, idle, free_count;
    uint64_t refused;
    bool stopping;
    int count;
    pthread_t threads[];
};

/* ---- shares; all under the lock ---- */

static struct pool_share **find_share(struct pool *p, uint64_t key)
{
    struct pool_share **at = &p->buckets[key * UINT64_C(0x9E3779B97F4A7C15) >> 56];
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

static struct pool_share *share_of(struct pool *p, uint64_t key)
{
    struct pool_share **at = find_share(p, key);
    if (*at)
        return *at;
    struct pool_share *s = p->free_shares;
    if (s) {
        p->free_shares = s->next;
        p->free_count--;
    } else {
        s = must_malloc(sizeof *s);
    }
    *s = (struct pool_share){ .key = key };
    return *at = s;
}

static void end_share_if_unused(struct pool *p, struct pool_share *s)
{
    if (s->queued || s->running)
        return;
    *find_share(p, s->key) = s->next;
    if (p->free_count == FREE_SHARES_KEPT) {
        free(s);
        return;
    }
    s->next = p->free_shares;
    p->free_shares = s;
    p->free_count++;
}

static void join_turn(struct pool *p, struct pool_share *s)
{
    if (s->in_turn || !s->queued || (p->o.share_threads && s->running >= p->o.share_threads))
        return;
    s->in_turn = true;
    s->next_in_turn = NULL;
    *(p->turn_first ? &p->turn_last->next_in_turn : &p->turn_first) = s;
    p->turn_last = s;
}

/* ---- tasks ---- */

static void append_task(struct task_queue *q, struct pool_task *t)
{
    t->next = NULL;
    *(q->first ? &q->last->next : &q->first) = t;
    q->last = t;
}

/* Take the next task of the share that is first in turn. */
static struct pool_task *dequeue_task(struct pool *p, struct pool_share **ret_share)
{
    struct pool_share *s = p->turn_first;
    p->turn_first = s->next_in_turn;
    s->in_turn = false;
    struct task_queue *q = s->begun.first ? &s->begun : &s->waiting;
    struct pool_task *t = q->first;
    q->first = t->next;
    s->queued--;
    p->queued--;
    s->running++;
    join_turn(p, s);
    *ret_share = s;
    return t;
}

static void *pool_thread(void *arg)
{
    struct pool *p = arg;
    struct stretch stretch = { 0 };
    pthread_setname_np(pthread_self(), p->o.name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->turn_first && !p->stopping) {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
        }
        if (!p->turn_first)
            break;
        struct pool_share *s;
        struct pool_task *t = dequeue_task(p, &s);
        pthread_mutex_unlock(&p->lock);
        stretch_begin(&stretch);
        t->run(t);
        stretch_end(&stretch, p->o.stretch);
        pthread_mutex_lock(&p->lock);
        s->running--;
        join_turn(p, s);
        end_share_if_unused(p, s);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool has_room(const struct pool *p, const struct pool_share *s)
{
    return (!p->o.queue_max || p->queued < p->o.queue_max) &&
           (!p->o.share_queue_max || s->queued < p->o.share_queue_max);
}

static bool enqueue_task(struct pool *p, struct pool_task *t, bool begun)
{
    pthread_mutex_lock(&p->lock);
    struct pool_share *s = share_of(p, t->share);
    bool room = begun || has_room(p, s);
    if (room) {
        append_task(begun && p->o.begun_first ? &s->begun : &s->waiting, t);
        s->queued++;
        p->queued++;
        join_turn(p, s);
    } else {
        p->refused++;
        end_share_if_unused(p, s);
    }
    bool wake = room && p->idle > 0 && p->turn_first;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake);
    return room;
}

bool pool_submit(struct pool *p, struct pool_task *t)
{
    return enqueue_task(p, t, false);
}

void pool_resume(struct pool *p, struct pool_task *t)
{
    (void)enqueue_task(p, t, true);
}

/* ---- the pool ---- */

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *p = must_malloc(sizeof *p + (size_t)options->threads * sizeof p->threads[0]);
    p->o = *options;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread only */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; p->count < options->threads; p->count++) {
        int failed = pthread_create(&p->threads[p->count], NULL, pool_thread, p);
        assert(!failed);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void pool_stats(struct pool *p, struct pool_stats *ret)
{
    pthread_mutex_lock(&p->lock);
    *ret = (struct pool_stats){ p->queued, p->refused };
    pthread_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    for (int i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    for (struct pool_share *s = p->free_shares, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p);
}

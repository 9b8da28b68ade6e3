/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pool.h"

#include "base/arena.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pool_task *first, *last;
    size_t queued, queue_max, idle;
    bool stopping;
    int count;
    const char *name;
    pthread_t threads[];
};

static void *pool_thread(void *arg)
{
    struct pool *p = arg;
    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->first && !p->stopping) {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
        }
        struct pool_task *t = p->first;
        if (!t)
            break;
        p->first = t->next;
        p->queued--;
        pthread_mutex_unlock(&p->lock);
        t->run(t);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pool *pool_new(int threads, size_t queue_max, const char *name)
{
    struct pool *p = must_malloc(sizeof *p + (size_t)threads * sizeof p->threads[0]);
    p->queue_max = queue_max;
    p->name = name;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread only */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; p->count < threads; p->count++) {
        int failed = pthread_create(&p->threads[p->count], NULL, pool_thread, p);
        assert(!failed);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

bool pool_submit(struct pool *p, struct pool_task *t)
{
    t->next = NULL;
    pthread_mutex_lock(&p->lock);
    bool room = !p->queue_max || p->queued < p->queue_max;
    bool wake = room && p->idle > 0;
    if (room) {
        *(p->first ? &p->last->next : &p->first) = t;
        p->last = t;
        p->queued++;
    }
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake);
    return room;
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
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p);
}

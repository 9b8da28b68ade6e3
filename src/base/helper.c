/* SPDX-License-Identifier: Apache-2.0 */
#include "base/helper.h"

#include "base/arena.h"

#include <signal.h>
#include <stdlib.h>

struct helper {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    pthread_t thread;
    enum { HELPER_FREE, HELPER_REQUESTED, HELPER_DONE, HELPER_ENDING } state;
    bool started;
    void (*fn)(void *);
    void *arg;
};

static void *helper_thread(void *arg)
{
    struct helper *h = arg;
    pthread_setname_np(pthread_self(), "cais-helper");
    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (h->state != HELPER_REQUESTED && h->state != HELPER_ENDING)
            pthread_cond_wait(&h->moved, &h->lock);
        if (h->state == HELPER_ENDING)
            break;
        pthread_mutex_unlock(&h->lock);
        h->fn(h->arg);
        pthread_mutex_lock(&h->lock);
        h->state = HELPER_DONE;
        pthread_cond_broadcast(&h->moved);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct helper *helper_new(void)
{
    struct helper *h = must_malloc(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->moved, NULL);
    return h;
}

void helper_free(struct helper *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->state = HELPER_ENDING;
    pthread_cond_broadcast(&h->moved);
    pthread_mutex_unlock(&h->lock);
    if (h->started)
        pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->moved);
    free(h);
}

static bool start_thread(struct helper *h)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread only */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    h->started = pthread_create(&h->thread, NULL, helper_thread, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return h->started;
}

bool helper_try(struct helper *h, void (*fn)(void *), void *arg)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&h->lock);
    if (h->state != HELPER_FREE || (!h->started && !start_thread(h)))
        return false;
    h->fn = fn;
    h->arg = arg;
    h->state = HELPER_REQUESTED;
    pthread_cond_broadcast(&h->moved);
    return true;
}

void helper_wait(struct helper *h)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&h->lock);
    while (h->state != HELPER_DONE)
        pthread_cond_wait(&h->moved, &h->lock);
    h->state = HELPER_FREE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The clock is looked at every few milliseconds while a query runs: it may be another than that by which threads wait. A query
 * is interrupted until it is removed, because DuckDB forgets an interruption that comes before a statement begins. */
#include "dataset/duckdb/watchdog.h"

#include "base/scoped.h"

#include <assert.h>
#include <time.h>

#define LOOK_EVERY_NS (20 * 1000000L)
#define LOOKS_BEFORE_SLEEP 50 /* with nothing to watch: waking a thread costs more than a short query */

void watchdog_init(struct watchdog *w, struct clock *clock)
{
    pthread_condattr_t attributes;
    *w = (struct watchdog){ .clock = clock };
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void wait_a_little(struct watchdog *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY_NS;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&w->changed, &w->mutex, &until);
}

static void *watch(void *arg)
{
    struct watchdog *w = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
    for (int idle = 0; !w->must_end;) {
        idle = w->list ? 0 : idle + 1;
        w->sleeps = idle > LOOKS_BEFORE_SLEEP;
        if (w->sleeps)
            pthread_cond_wait(&w->changed, &w->mutex);
        else
            wait_a_little(w);
        int64_t now_ms = w->list ? clock_monotonic_ms(w->clock) : 0;
        for (struct watched *q = w->list; q; q = q->next)
            if (now_ms >= q->deadline_ms)
                duckdb_interrupt(q->connection);
    }
    return NULL;
}

void watchdog_release(struct watchdog *w)
{
    assert(!w->list);
    pthread_mutex_lock(&w->mutex);
    w->must_end = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    if (w->has_thread)
        pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
}

bool watchdog_add(struct watchdog *w, struct watched *q)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
    if (!w->has_thread)
        w->has_thread = pthread_create(&w->thread, NULL, watch, w) == 0;
    if (!w->has_thread)
        return false;
    q->next = w->list;
    w->list = q;
    if (w->sleeps)
        pthread_cond_broadcast(&w->changed);
    return true;
}

void watchdog_remove(struct watchdog *w, struct watched *q)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
    struct watched **at = &w->list;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
}

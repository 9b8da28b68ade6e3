/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/health.h"
#include "core/free_space.h"
#include "core/records/account.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

const char *health_status_name(enum health_status status)
{
    static const char *const names[] = {
        [HEALTH_OK] = "ok",
        [HEALTH_FULL] = "full",
        [HEALTH_FAILING] = "failing",
        [HEALTH_READ_ONLY] = "read_only",
        [HEALTH_FLUSH_FAILED] = "flush_failed",
        [HEALTH_STALLED] = "stalled",
        [HEALTH_UNAVAILABLE] = "unavailable",
    };
    return names[status];
}

static err_t read_one_row(struct core *core, struct arena *a)
{
    struct account account;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_account_by_name(tx, S("default"), a, &account);
}

/* How a probe ends is known by the watch of its store. */
static void probe_metadata(struct core *core, struct arena *a)
{
    err_t noted = NULL;
    if (!meta_flush_failed(core->meta) && writes_want_probe(core, CORE_METADATA))
        noted = meta_probe(core->meta, a);
    (void)noted;
}

static void probe_blobs(struct core *core, struct arena *a)
{
    err_t noted = NULL;
    if (writes_want_probe(core, CORE_BLOBS))
        noted = core->blob->ops->probe(core->blob, a);
    (void)noted;
}

static enum health_status status_of_writes(const struct write_state *writes, bool is_read_only)
{
    if (!writes->is_failing)
        return HEALTH_OK;
    return is_read_only ? HEALTH_READ_ONLY : writes->code == ERR_NO_SPACE ? HEALTH_FULL : HEALTH_FAILING;
}

static enum health_status worse(enum health_status x, enum health_status y)
{
    return x > y ? x : y;
}

/* at: the store that is waited for. */
static void check_stores(struct core *core, struct arena *a, _Atomic enum core_store *at, struct health *ret)
{
    struct store_health *meta = &ret->stores[CORE_METADATA], *blobs = &ret->stores[CORE_BLOBS];
    atomic_store(at, CORE_BLOBS);
    *ret = (struct health){ .is_read_only = core->blob->ops->is_read_only(core->blob) };
    probe_blobs(core, a);
    ret->has_free_bytes = !core->blob->ops->free_bytes(core->blob, a, &ret->free_bytes);
    err_t space = free_space_check(core, 1, a);
    ret->is_full = err_is(space, ERR_NO_SPACE);
    atomic_store(at, CORE_METADATA);
    probe_metadata(core, a);
    bool can_read = !read_one_row(core, a);
    meta_longest(core->meta, &ret->longest);
    for (enum core_store i = 0; i < CORE_STORES; i++) {
        writes_state(core, i, &ret->stores[i].writes);
        ret->stores[i].status = status_of_writes(&ret->stores[i].writes, ret->is_read_only);
    }
    if (meta_flush_failed(core->meta))
        meta->status = HEALTH_FLUSH_FAILED;
    if (!can_read)
        meta->status = HEALTH_UNAVAILABLE;
    if (ret->is_read_only)
        blobs->status = HEALTH_READ_ONLY;
    if (ret->is_full)
        blobs->status = worse(blobs->status, HEALTH_FULL);
    if (!ret->has_free_bytes || (space && !ret->is_full))
        blobs->status = HEALTH_UNAVAILABLE;
    ret->status = worse(meta->status, blobs->status);
}

void health_check(struct core *core, struct arena *a, struct health *ret)
{
    _Atomic enum core_store at;
    check_stores(core, a, &at, ret);
}

/* ---- without waiting for a disk ---- */

struct health_watch {
    struct core *core;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_started, is_ending;
    uint64_t asked, ended; /* checks; one runs, or will, while they differ */
    _Atomic enum core_store at;
    struct health last;
};

struct health_watch *health_watch_new(struct core *core)
{
    struct health_watch *w = must_malloc(sizeof *w);
    pthread_condattr_t attributes;
    w->core = core;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return w;
}

void health_watch_free(struct health_watch *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->is_started)
        pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
}

static void *watch_health(void *arg)
{
    struct health_watch *w = arg;
    pthread_setname_np(pthread_self(), "cais-health");
    pthread_mutex_lock(&w->lock);
    while (!w->is_ending) {
        if (w->ended == w->asked) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        SCRATCH(scratch);
        struct health now;
        check_stores(w->core, &scratch, &w->at, &now);
        pthread_mutex_lock(&w->lock);
        w->last = now;
        w->ended = w->asked;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static bool start_watching(struct health_watch *w)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread only */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->is_started = pthread_create(&w->thread, NULL, watch_health, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->is_started;
}

/* After this a check runs, or will. Without a thread there is none, and the caller finds that out by waiting. */
static void ask_for_check(struct health_watch *w)
{
    if (w->ended == w->asked)
        w->asked++;
    if (w->is_started || start_watching(w))
        pthread_cond_broadcast(&w->changed);
}

void health_watch_check(struct health_watch *w, struct health *ret)
{
    struct timespec until = clock_real_deadline(HEALTH_WAIT_MS);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->lock);
    ask_for_check(w);
    uint64_t mine = w->asked;
    while (w->ended < mine && !pthread_cond_timedwait(&w->changed, &w->lock, &until)) {
    }
    *ret = w->last;
    if (w->ended >= mine)
        return;
    struct store_health *store = &ret->stores[atomic_load(&w->at)];
    ret->status = store->status = worse(store->status, HEALTH_STALLED);
}

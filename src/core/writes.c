/* SPDX-License-Identifier: Apache-2.0 */
#include "core/writes.h"

#include "core/core_priv.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"

#include <stdlib.h>

#define NEVER INT64_MIN
#define HOLD_MS 1000 /* how long a failure lasts at least, although other writes succeed */

struct watched_store {
    struct core *core;
    enum core_store which;
    struct write_state state;
    int64_t tried_at_ms, failed_at_ms; /* monotonic clock: the last outcome or probe; the last failure */
};

struct writes {
    pthread_mutex_t mutex; /* held also while a change is reported, so that reports come in order */
    struct watched_store stores[CORE_STORES];
};

static bool is_of_the_disk(err_t e)
{
    return e->code == ERR_NO_SPACE || e->code == ERR_UNAVAILABLE;
}

static bool note_failure(struct watched_store *s, err_t e, int64_t now_ms)
{
    bool changed = !s->state.is_failing;
    s->failed_at_ms = now_ms;
    s->state.failed_ms = core_now_ms(s->core);
    s->state.is_failing = true;
    s->state.code = e->code;
    s->state.failures++;
    return changed;
}

static bool note_success(struct watched_store *s, int64_t now_ms)
{
    s->state.succeeded_ms = core_now_ms(s->core);
    if (!s->state.is_failing || now_ms - s->failed_at_ms < HOLD_MS)
        return false;
    s->state.is_failing = false;
    return true;
}

static void writes_note(void *arg, err_t e)
{
    struct watched_store *s = arg;
    if (e && !is_of_the_disk(e))
        return;
    int64_t now_ms = clock_monotonic_ms(s->core->clock);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->core->writes->mutex);
    s->tried_at_ms = now_ms;
    bool changed = e ? note_failure(s, e, now_ms) : note_success(s, now_ms);
    const struct store_watch *watch = &s->core->watch;
    if (changed && watch->writes_changed)
        watch->writes_changed(watch->arg, s->which, e);
}

void writes_state(struct core *core, enum core_store which, struct write_state *ret)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&core->writes->mutex);
    *ret = core->writes->stores[which].state;
}

bool writes_want_probe(struct core *core, enum core_store which)
{
    struct watched_store *s = &core->writes->stores[which];
    int64_t now_ms = clock_monotonic_ms(core->clock);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&core->writes->mutex);
    int64_t after_ms = s->state.is_failing ? WRITES_RETRY_AFTER_MS : WRITES_PROBE_AFTER_MS;
    if (s->tried_at_ms != NEVER && now_ms - s->tried_at_ms < after_ms)
        return false;
    s->tried_at_ms = now_ms;
    return true;
}

struct writes *writes_new(struct core *core)
{
    struct writes *w = must_malloc(sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    for (enum core_store i = 0; i < CORE_STORES; i++)
        w->stores[i] = (struct watched_store){ .core = core, .which = i, .tried_at_ms = NEVER };
    if (core->meta)
        meta_watch_writes(core->meta, &(struct write_watch){ writes_note, &w->stores[CORE_METADATA] });
    if (core->blob)
        core->blob->watch = (struct write_watch){ writes_note, &w->stores[CORE_BLOBS] };
    return w;
}

void writes_free(struct core *core)
{
    pthread_mutex_destroy(&core->writes->mutex);
    free(core->writes);
}

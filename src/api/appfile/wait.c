/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for the end of an import: docs/apis/appfile.md 4.
 *
 * The write that ends an import also writes its job, so its commit raises job_row_changes and calls the listener, which wakes
 * whoever waits for it. The number is read before the row, so no end is missed. What a request waits for and until when is in its
 * arena; the list of all that wait is there for the listener and for the limits. An exchange is woken under the mutex of the list,
 * and leaves the list before it goes on. */
#include "api/appfile/appfile_priv.h"

#include "base/live.h"

struct import_wait {
    struct http_suspension suspension;
    struct http_exchange *x;
    struct import_wait *prev, *next; /* in the list, under its mutex */
    slice handle;
    int64_t account_id, job_id;
    int64_t number;      /* of the import */
    uint64_t seen;       /* job_row_changes, before the row was last read */
    int64_t deadline_ms; /* monotonic */
};

/* ---- the list ---- */

/* False: too many wait. */
static bool enter_waits(struct import_wait *w)
{
    struct appfile *appfile = appfile_of(w->x);
    struct import_waits *all = &appfile->waits;
    const struct appfile_options *o = &appfile->options;
    int64_t count = 0, of_account = 0;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    for (const struct import_wait *other = all->first; other; other = other->next) {
        count++;
        of_account += other->account_id == w->account_id;
    }
    if ((LIVE(o->max_waiting) && count >= LIVE(o->max_waiting)) ||
        (LIVE(o->max_account_waiting) && of_account >= LIVE(o->max_account_waiting)))
        return false;
    w->prev = NULL;
    w->next = all->first;
    if (w->next)
        w->next->prev = w;
    all->first = w;
    return true;
}

static void leave_waits(struct import_wait *w)
{
    struct import_waits *all = &appfile_of(w->x)->waits;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    *(w->prev ? &w->prev->next : &all->first) = w->next;
    if (w->next)
        w->next->prev = w->prev;
}

static void wake_waits(struct job_listener *listener, uint64_t rows)
{
    struct import_waits *all = CONTAINER_OF(listener, struct import_waits, listener);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&all->mutex);
    for (struct import_wait *w = all->first; w; w = w->next)
        if (rows & JOB_ROW_BIT(w->job_id))
            http_wake(&w->suspension);
}

void appfile_waits_open(struct appfile *appfile)
{
    pthread_mutex_init(&appfile->waits.mutex, NULL);
    appfile->waits.listener.rows_changed = wake_waits;
    job_listen(appfile->core, &appfile->waits.listener);
}

void appfile_waits_close(struct appfile *appfile)
{
    job_unlisten(appfile->core, &appfile->waits.listener);
    pthread_mutex_destroy(&appfile->waits.mutex);
}

/* ---- one of them ---- */

static bool is_over(const struct import_wait *w)
{
    return clock_monotonic_ms(appfile_of(w->x)->core->clock) >= w->deadline_ms;
}

static bool may_have_ended(struct http_suspension *suspension)
{
    const struct import_wait *w = CONTAINER_OF(suspension, struct import_wait, suspension);
    return job_row_changes(appfile_of(w->x)->core, w->job_id) != w->seen || is_over(w);
}

static bool is_running(const struct import_wait *w, const struct sync_file *f)
{
    return (f->state == SYNC_QUEUED || f->state == SYNC_PROCESSING) && f->import.number == w->number;
}

/* *ret_waits: it goes on. */
static err_t look_at_import(struct import_wait *w, bool *ret_waits, int64_t *ret_report_bytes)
{
    struct core *core = appfile_of(w->x)->core;
    struct sync_file now;
    SCRATCH_OF(scratch, &w->x->arena);
    w->seen = job_row_changes(core, w->job_id);
    err_t e = sync_file_find(core, appfile_caller(w->x), w->handle, &scratch, &now);
    if (e)
        return err_copy(&w->x->arena, e);
    *ret_waits = is_running(w, &now) && !is_over(w) && !w->suspension.must_reply;
    *ret_report_bytes = now.report_bytes;
    return NULL;
}

static err_t wait_or_reply(struct import_wait *w)
{
    struct sync_file found = { 0 };
    bool waits = false;
    err_t e = look_at_import(w, &waits, &found.report_bytes);
    if (waits) {
        http_suspend(w->x, &w->suspension);
        return NULL;
    }
    leave_waits(w);
    TRY(e);
    return appfile_show_file(w->x, &found, &(struct appfile_show){ w->handle, APPFILE_WORDS_WAIT, false });
}

static err_t go_on_waiting(struct http_suspension *suspension, struct http_exchange *x)
{
    struct import_wait *w = CONTAINER_OF(suspension, struct import_wait, suspension);
    (void)x;
    if (!suspension->error)
        return wait_or_reply(w);
    leave_waits(w);
    return suspension->error;
}

err_t appfile_wait_for_import(struct http_exchange *x, const struct sync_file *f)
{
    struct appfile *appfile = appfile_of(x);
    struct import_wait *w = arena_new(&x->arena, struct import_wait);
    *w = (struct import_wait){ .suspension = { may_have_ended, go_on_waiting },
                               .x = x,
                               .handle = f->handle,
                               .account_id = f->account_id,
                               .job_id = f->import.job_id,
                               .number = f->import.number };
    w->deadline_ms = clock_monotonic_ms(appfile->core->clock) + LIVE(appfile->options.import_wait_ms);
    if (enter_waits(w))
        return wait_or_reply(w);
    return appfile_show_file(x, f, &(struct appfile_show){ w->handle, APPFILE_WORDS_WAIT, false });
}

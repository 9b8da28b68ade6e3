/* SPDX-License-Identifier: Apache-2.0 */
/* The lease of a run is renewed by the run itself, in job_is_stopping and job_progress: a run that hangs loses it. */
#include "core/job.h"

#include "base/live.h"
#include "core/core_priv.h"
#include "core/event.h"
#include "core/store/job_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
    NOTES_MS = 1000,    /* notes are written at most so often */
    RENEWALS = 3,       /* in the time of one lease */
    FORGET_BATCH = 500, /* jobs in one write */
    SECOND_MS = 1000,
    NS_PER_MS = 1000000,
    NS_PER_SECOND = 1000000000
};

/* ---- waking ---- */

struct job_signal {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t changes;             /* written under mutex; atomic to read */
    uint64_t rows[META_JOB_BITS]; /* job_row_changes; atomic */
    pthread_mutex_t listener_mutex;
    struct job_listener *listeners; /* under listener_mutex */
};

struct job_signal *job_signal_new(void)
{
    struct job_signal *s = must_malloc(sizeof *s);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_mutex_init(&s->listener_mutex, NULL);
    return s;
}

void job_signal_free(struct job_signal *s)
{
    pthread_cond_destroy(&s->changed);
    assert(!s->listeners);
    pthread_mutex_destroy(&s->mutex);
    pthread_mutex_destroy(&s->listener_mutex);
    free(s);
}

static void wake_workers(struct job_signal *s)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    __atomic_add_fetch(&s->changes, 1, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&s->changed);
}

static void call_listeners(struct job_signal *s, uint64_t rows)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->listener_mutex);
    for (struct job_listener *l = s->listeners; l; l = l->next)
        l->rows_changed(l, rows);
}

void job_listen(struct core *core, struct job_listener *listener)
{
    struct job_signal *s = core->job_signal;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->listener_mutex);
    listener->next = s->listeners;
    s->listeners = listener;
}

void job_unlisten(struct core *core, struct job_listener *listener)
{
    struct job_signal *s = core->job_signal;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->listener_mutex);
    for (struct job_listener **at = &s->listeners; *at; at = &(*at)->next)
        if (*at == listener) {
            *at = listener->next;
            return;
        }
}

void job_signal_raise(void *arg, const struct meta_job_changes *changes)
{
    struct job_signal *s = arg;
    for (int i = 0; i < META_JOB_BITS; i++)
        if (changes->rows & META_JOB_BIT(i))
            __atomic_add_fetch(&s->rows[i], 1, __ATOMIC_SEQ_CST);
    if (changes->rows)
        call_listeners(s, changes->rows);
    if (changes->wakes)
        wake_workers(s);
}

uint64_t job_row_changes(struct core *core, int64_t id)
{
    return __atomic_load_n(&core->job_signal->rows[(uint64_t)id % META_JOB_BITS], __ATOMIC_SEQ_CST);
}

void job_wake(struct core *core)
{
    wake_workers(core->job_signal);
}

uint64_t job_changes(struct core *core)
{
    return __atomic_load_n(&core->job_signal->changes, __ATOMIC_SEQ_CST);
}

void job_wait(struct core *core, uint64_t seen, int64_t ms)
{
    struct job_signal *s = core->job_signal;
    struct timespec until = clock_real_deadline(ms);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    while (s->changes == seen && pthread_cond_timedwait(&s->changed, &s->mutex, &until) != ETIMEDOUT) {
    }
}

/* ---- adding and people ---- */

err_t job_add(struct core *core, struct meta_tx *tx, const struct job_request *request, struct arena *a,
              int64_t *ret_id)
{
    assert(request->kind.n && request->subject.n);
    struct job job = { .kind = request->kind,
                       .subject = request->subject,
                       .account_id = request->account_id,
                       .group = request->group,
                       .payload = request->payload,
                       .created_at_ms = core_now_ms(core) };
    job.run_at_ms = request->run_at_ms ? request->run_at_ms : job.created_at_ms;
    return meta_job_add(tx, &job, a, ret_id);
}

err_t job_start(struct core *core, struct meta_tx *tx, slice kind, struct arena *a)
{
    return meta_job_start(tx, kind, core_now_ms(core), a);
}

err_t job_list(struct core *core, const struct id_page *page, struct arena *a, struct job_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_job_list(tx, page, a, ret);
}

err_t job_page(struct core *core, const struct job_query *query, struct arena *a, struct job_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_job_page(tx, query, a, ret);
}

err_t job_count(struct core *core, int64_t account_id, struct arena *a, struct job_counts *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t counts[JOB_STATES];
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_job_counts(tx, account_id, a, counts));
    *ret = (struct job_counts){ counts[JOB_QUEUED], counts[JOB_RUNNING], counts[JOB_FAILED] };
    return NULL;
}

err_t job_get(struct core *core, int64_t account_id, int64_t id, struct arena *a, struct job *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct job job;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_job_get(tx, id, a, &job));
    if (account_id && job.account_id != account_id)
        return err_make(a, ERR_NOT_FOUND, "no such job");
    *ret = job;
    return NULL;
}

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = { "queued", "running", "done", "failed", "cancelled" };
    return (unsigned)state < LENGTH_OF(names) ? names[state] : "unknown"; /* a record may be damaged */
}

struct job_change {
    const struct principal *who;
    int64_t id, now_ms;
    bool cancel; /* else retry */
    bool runs;
};

static const char *why_no_change(const struct job_change *c, const struct job *job)
{
    if (c->cancel && job->state == JOB_QUEUED)
        return "runs periodically and waits for its time";
    static const char *const words[] = { [JOB_QUEUED] = "waits",
                                         [JOB_RUNNING] = "runs",
                                         [JOB_DONE] = "is done",
                                         [JOB_FAILED] = "has failed",
                                         [JOB_CANCELLED] = "is cancelled" };
    return words[job->state];
}

static err_t apply_job_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct job_change *c = arg;
    struct job job;
    TRY(meta_job_get(tx, c->id, a, &job));
    err_t e = c->cancel ? meta_job_cancel(tx, c->id, c->now_ms, a) : meta_job_retry(tx, c->id, c->now_ms, a);
    if (err_is(e, ERR_CONFLICT))
        return err_make(a, ERR_CONFLICT, "job %lld %s", (long long)c->id, why_no_change(c, &job));
    TRY(e);
    c->runs = job.state == JOB_RUNNING;
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = job.account_id,
                                  .action = c->cancel ? S("job.cancel") : S("job.retry"),
                                  .subject = arena_printf(a, "job:%lld", (long long)c->id),
                                  .detail = job.kind };
    return event_write(tx, &event, a);
}

err_t job_retry(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct job_change c = { .who = who, .id = id, .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_job_change, &c, a);
}

err_t job_cancel(struct core *core, const struct principal *who, int64_t id, struct arena *a, bool *ret_runs)
{
    struct job_change c = { .who = who, .id = id, .now_ms = core_now_ms(core), .cancel = true };
    TRY(meta_write(core->meta, apply_job_change, &c, a));
    *ret_runs = c.runs;
    return NULL;
}

/* ---- a run ---- */

struct renewal {
    const struct job_run *run;
    int64_t lease_until_ms;
    bool cancel;
};

static err_t apply_job_renew(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct renewal *r = arg;
    struct job_notes notes = r->run->notes;
    notes.checkpoint = (slice){ 0 };
    TRY(meta_job_renew(tx, &r->run->claim, r->lease_until_ms, a, &r->cancel));
    return r->run->is_exact ? NULL : meta_job_note(tx, &r->run->claim, &notes, a);
}

/* Also writes the notes, and finds out whether the run must stop. If the store fails, the run continues until its lease
 * ends. */
static void renew_lease(struct job_run *run, int64_t now_ms)
{
    SCRATCH(a);
    struct renewal r = { .run = run, .lease_until_ms = now_ms + run->lease_ms };
    run->changes = job_changes(run->core);
    err_t e = meta_write(run->core->meta, apply_job_renew, &r, &a);
    run->renewed_at_ms = now_ms;
    if (!e)
        run->lease_until_ms = r.lease_until_ms;
    if (err_is(e, ERR_CONFLICT) || (e && now_ms >= run->lease_until_ms))
        run->stop_reason = JOB_STOP_LOST;
    else if (!e && r.cancel)
        run->stop_reason = JOB_STOP_CANCEL;
}

/* A commit of this process changed a job. Reading the row shows whether it was this
 * one, and costs less than a write. */
static bool is_cancelled(struct job_run *run)
{
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct job job;
    run->changes = job_changes(run->core);
    return !meta_read_begin(run->core->meta, &a, &tx) && !meta_job_get(tx, run->job.id, &a, &job) && job.cancel_at_ms;
}

bool job_is_stopping(struct job_run *run)
{
    if (!run)
        return false;
    int64_t now_ms = core_now_ms(run->core);
    if (!run->stop_reason && now_ms - run->renewed_at_ms >= run->lease_ms / RENEWALS)
        renew_lease(run, now_ms);
    if (!run->stop_reason && job_changes(run->core) != run->changes && is_cancelled(run))
        run->stop_reason = JOB_STOP_CANCEL;
    if (!run->stop_reason && __atomic_load_n(run->is_ending, __ATOMIC_SEQ_CST))
        run->stop_reason = JOB_STOP_SERVER;
    run->stop_reported = run->stop_reason;
    return run->stop_reported;
}

void job_progress(struct job_run *run, int64_t done, int64_t total)
{
    if (!run)
        return;
    assert(!run->is_exact);
    run->notes.progress = done;
    run->notes.total = total;
    int64_t now_ms = core_now_ms(run->core);
    if (now_ms - run->renewed_at_ms >= NOTES_MS && !run->stop_reason)
        renew_lease(run, now_ms);
}

void job_advance(struct job_run *run, int64_t items)
{
    if (run && items)
        job_progress(run, run->notes.progress + items, run->notes.total);
}

err_t job_write_pieces(struct core *core, struct job_run *run, const struct job_pieces *pieces, struct arena *a)
{
    do {
        SCRATCH(scratch);
        err_t e = meta_write(core->meta, pieces->apply, pieces->arg, &scratch);
        if (e)
            return err_copy(a, e);
        job_advance(run, *pieces->count);
    } while (*pieces->count == pieces->size && !job_is_stopping(run));
    return NULL;
}

err_t job_note(struct meta_tx *tx, struct job_run *run, const struct job_notes *notes, struct arena *a)
{
    run->is_exact = true;
    return meta_job_note(tx, &run->claim, notes, a);
}

/* ---- forgetting ---- */

struct job_cleanup {
    int64_t before_ms, count;
};

static err_t apply_job_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct job_cleanup *c = arg;
    return meta_job_forget(tx, c->before_ms, FORGET_BATCH, a, &c->count);
}

err_t job_forget_finished(struct core *core, struct job_run *run, struct arena *a)
{
    struct job_cleanup c = { .before_ms = core_now_ms(core) - LIVE(core->options.finished_jobs_kept_ms) };
    return job_write_pieces(core, run, &(struct job_pieces){ apply_job_forget, &c, &c.count, FORGET_BATCH }, a);
}

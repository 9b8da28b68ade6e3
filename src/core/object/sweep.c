/* SPDX-License-Identifier: Apache-2.0 */
/* A blob is proven to be an orphan in this order: it is old enough; it is not in flight; then one snapshot has no row
 * for it and does not list it as garbage. An upload is in flight from before its blob exists until its row is
 * committed. So when the snapshot is taken, a key that is not in flight either has its row in it or never gets one.
 * Blobs on the garbage list are left to garbage_collect, which counts their grace from another instant. */
#include "core/object/sweep.h"

#include "base/buf.h"
#include "core/event.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/object/intake.h"
#include "core/store/blob_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/transfer_store.h"

#include <stdlib.h>

struct candidate {
    slice key;
    uint64_t size_bytes;
    bool is_growing;
};

struct sweep {
    struct core *core;
    int64_t old_before_ms;
    struct arena *a;
    struct buf list; /* of struct candidate */
    struct sweep_report *report;
    struct job_run *run;
    bool stopped;
    bool walks_growing; /* the walk is through growing blobs, not through blobs */
};

static struct candidate *candidates(const struct sweep *s, size_t *ret_count)
{
    *ret_count = s->list.n / sizeof(struct candidate);
    return (struct candidate *)(void *)s->list.p;
}

static void sweep_releasep(struct sweep *s)
{
    buf_release(&s->list);
}

/* A transfer names a growing blob, and also the blob that it has just become. */
static err_t is_named(struct meta_tx *tx, slice key, bool is_growing, struct arena *a, bool *ret)
{
    TRY(meta_transfer_has_key(tx, key, a, ret));
    return *ret || is_growing ? NULL : meta_object_has_key(tx, key, a, ret);
}

static err_t has_row(struct core *core, slice key, bool is_growing, struct arena *a, bool *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return is_named(tx, key, is_growing, a, ret);
}

static err_t collect_candidate(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct sweep *s = arg;
    SCRATCH(scratch);
    bool known;
    if (job_is_stopping(s->run)) {
        s->stopped = true;
        return err_make(s->a, ERR_UNAVAILABLE, "the job is stopping"); /* ends the walk; it is not reported */
    }
    s->report->seen++;
    err_t e = has_row(s->core, key, s->walks_growing, &scratch, &known);
    if (e)
        return err_copy(s->a, e);
    if (known)
        return NULL;
    if (modified_ms > s->old_before_ms || intake_in_flight(s->core, key)) {
        s->report->young++;
        return NULL;
    }
    struct candidate c = { arena_copy(s->a, key), size_bytes, s->walks_growing };
    buf_add(&s->list, (slice){ (const char *)&c, sizeof c });
    return NULL;
}

static int compare_keys(const void *a, const void *b)
{
    return slice_cmp(*(const slice *)a, *(const slice *)b);
}

/* Drop the candidates that one snapshot has a row for, or lists as garbage. */
static err_t prove_orphans(struct sweep *s)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct blob_key_list garbage;
    size_t count, kept = 0;
    struct candidate *list = candidates(s, &count);
    TRY(meta_read_begin(s->core->meta, s->a, &tx));
    TRY(meta_garbage_list(tx, INT64_MAX, INT32_MAX, s->a, &garbage));
    if (garbage.count)
        qsort(garbage.items, garbage.count, sizeof *garbage.items, compare_keys);
    for (size_t i = 0; i < count; i++) {
        bool known;
        TRY(is_named(tx, list[i].key, list[i].is_growing, s->a, &known));
        if (known)
            continue;
        if (garbage.count && bsearch(&list[i].key, garbage.items, garbage.count, sizeof *garbage.items, compare_keys))
            s->report->young++;
        else
            list[kept++] = list[i];
    }
    s->list.n = kept * sizeof *list;
    return NULL;
}

static bool is_doubtful(const struct core *core, const struct sweep_report *report)
{
    if (core->options.records_were_lost && report->orphans)
        return true;
    return report->orphans > SWEEP_DOUBTFUL_COUNT && report->orphans > report->seen / SWEEP_DOUBTFUL_SHARE;
}

static err_t remove_orphans(struct sweep *s)
{
    size_t count;
    struct candidate *list = candidates(s, &count);
    for (size_t i = 0; i < count && !garbage_is_held(s->core) && !job_is_stopping(s->run); i++) {
        const struct blob_ops *ops = s->core->blob->ops;
        TRY(list[i].is_growing ? ops->drop(s->core->blob, list[i].key, s->a)
                               : ops->remove(s->core->blob, list[i].key, s->a));
        s->report->removed++;
        job_advance(s->run, 1);
    }
    return NULL;
}

int64_t sweep_refused(struct core *core)
{
    return __atomic_load_n(&core->sweep_refused, __ATOMIC_RELAXED);
}

static err_t apply_refusal(struct meta_tx *tx, void *arg, struct arena *a)
{
    return event_write(tx, arg, a);
}

/* The event is for people who read the audit log only. Without it, the refusal stands all the same. */
static err_t refuse_sweep(struct core *core, const struct sweep_report *report, struct arena *a)
{
    err_t why =
        err_make(a, ERR_CORRUPT,
                 "%lld of %lld blobs have no record, %s. Nothing was removed. Compare with a backup, then remove"
                 " them with 'cais fsck --repair --force'",
                 (long long)report->orphans, (long long)report->seen,
                 core->options.records_were_lost ? "and records were lost with a damaged write-ahead log"
                                                 : "which is more than crashes leave behind: records may be lost");
    struct event_params event = { .at_ms = core_now_ms(core),
                                  .action = S("blobs.sweep_refused"),
                                  .subject = S("blobs"),
                                  .detail = arena_printf(a, "%lld of %lld have no record", (long long)report->orphans,
                                                         (long long)report->seen) };
    bool is_new = __atomic_exchange_n(&core->sweep_refused, report->orphans, __ATOMIC_RELAXED) != report->orphans;
    err_t e = is_new ? meta_write(core->meta, apply_refusal, &event, a) : NULL;
    return e ? err_because(a, e, ERR_CORRUPT, "%s", why->msg) : why;
}

err_t sweep_run(struct core *core, const struct sweep_request *request, struct arena *a, struct sweep_report *ret)
{
    struct sweep_report report = { 0 };
    SCOPED(sweep_releasep)
    struct sweep s = {
        .core = core, .old_before_ms = garbage_grace_ended_ms(core), .a = a, .report = &report, .run = request->run
    };
    err_t walk = core->blob->ops->each(core->blob, a, collect_candidate, &s);
    s.walks_growing = true;
    if (!walk)
        walk = core->blob->ops->each_growing(core->blob, a, collect_candidate, &s);
    if (s.stopped) {
        *ret = report;
        return NULL;
    }
    TRY(walk);
    TRY(prove_orphans(&s));
    size_t count;
    struct candidate *list = candidates(&s, &count);
    for (size_t i = 0; i < count; i++) {
        report.orphans++;
        report.orphaned_bytes += list[i].size_bytes;
        if (request->on_orphan)
            request->on_orphan(request->arg, list[i].key, list[i].size_bytes);
    }
    bool is_refused = request->remove && !request->is_confirmed && is_doubtful(core, &report);
    err_t e = request->remove && !is_refused ? remove_orphans(&s) : NULL;
    *ret = report;
    if (is_refused)
        return refuse_sweep(core, &report, a);
    if (request->remove && !e)
        __atomic_store_n(&core->sweep_refused, 0, __ATOMIC_RELAXED);
    return e;
}

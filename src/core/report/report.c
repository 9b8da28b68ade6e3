/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of an account are not exact when several machines write: each removes what it sees beyond them. */
#include "core/report/report.h"

#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/report_store.h"
#include "core/store/transaction.h"

enum { PIECE = 100 /* records that are forgotten in one write */ };

struct taking {
    struct core *core;
    const struct principal *who;
    const struct report *report;
    int64_t now_ms, id;
};

static err_t give_room(struct meta_tx *tx, int64_t account_id, int64_t bytes, struct arena *a)
{
    return meta_account_use(tx, account_id, &(struct account_use){ .records = -bytes }, a);
}

static err_t remove_reporter(struct meta_tx *tx, const struct reporter *r, struct arena *a)
{
    bool removed;
    TRY(meta_reporter_remove(tx, r->id, a, &removed));
    return !removed ? NULL : give_room(tx, r->account_id, reporter_record_size(r), a);
}

static err_t remove_run(struct meta_tx *tx, const struct report_run *r, struct arena *a)
{
    bool removed;
    TRY(meta_report_run_remove(tx, r->id, a, &removed));
    return !removed ? NULL : give_room(tx, r->account_id, report_run_record_size(r), a);
}

/* ---- the reporter ---- */

static err_t add_reporter(struct meta_tx *tx, struct taking *t, struct reporter *r, struct arena *a)
{
    struct reporter least;
    TRY(quota_change_records(t->core, tx, r->account_id, reporter_record_size(r), a));
    TRY(meta_reporter_add(tx, r, a, &r->id));
    err_t e = meta_reporter_surplus(tx, r->account_id, REPORTERS_MAX, 0, a, &least);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    return e ? e : remove_reporter(tx, &least, a);
}

/* The reporter was seen now. *ret_id: its id. */
static err_t see_reporter(struct meta_tx *tx, struct taking *t, struct arena *a, int64_t *ret_id)
{
    const struct report *report = t->report;
    struct reporter known, r = { .account_id = t->who->account_id,
                                 .name = report->reporter,
                                 .version = report->version,
                                 .host = report->host,
                                 .system = report->system,
                                 .last_seen_ms = t->now_ms,
                                 .created_at_ms = t->now_ms };
    err_t e = meta_reporter_by_name(tx, r.account_id, r.name, a, &known);
    if (err_is(e, ERR_NOT_FOUND)) {
        TRY(add_reporter(tx, t, &r, a));
        *ret_id = r.id;
        return NULL;
    }
    TRY(e);
    r.id = *ret_id = known.id;
    TRY(quota_change_records(t->core, tx, r.account_id, reporter_record_size(&r) - reporter_record_size(&known), a));
    return meta_reporter_update(tx, &r, a);
}

/* ---- the run ---- */

/* The run that the report is about. *ret_found: there is one. */
static err_t find_run(struct meta_tx *tx, const struct taking *t, struct arena *a, struct report_run *ret,
                      bool *ret_found)
{
    const struct report *report = t->report;
    err_t e = NULL;
    *ret_found = false;
    if (report->run_id && report->kind != REPORT_BEGIN) {
        e = meta_report_run_get(tx, report->run_id, a, ret);
        *ret_found = !e && ret->account_id == t->who->account_id;
    }
    if (!*ret_found && report->key.n && (!e || err_is(e, ERR_NOT_FOUND))) {
        e = meta_report_run_by_key(tx, t->who->account_id, report->key, a, ret);
        *ret_found = !e;
    }
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t add_run(struct meta_tx *tx, struct taking *t, struct report_run *r, struct arena *a)
{
    struct report_run oldest;
    TRY(quota_change_records(t->core, tx, r->account_id, report_run_record_size(r), a));
    TRY(meta_report_run_add(tx, r, a, &r->id));
    err_t e = meta_report_run_surplus(tx, r->account_id, REPORT_RUNS_MAX, 0, a, &oldest);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    return e ? e : remove_run(tx, &oldest, a);
}

static err_t change_run(struct meta_tx *tx, struct taking *t, const struct report_run *known,
                        const struct report_run *next, struct arena *a)
{
    struct report_run changed = *known;
    changed.state = next->state;
    changed.details = next->details;
    changed.ended_at_ms = next->ended_at_ms;
    int64_t more = report_run_record_size(&changed) - report_run_record_size(known);
    TRY(quota_change_records(t->core, tx, known->account_id, more, a));
    return meta_report_run_update(tx, &changed, a);
}

static err_t note_run(struct meta_tx *tx, struct taking *t, int64_t reporter_id, struct arena *a)
{
    const struct report *report = t->report;
    bool begins = report->kind == REPORT_BEGIN, found;
    struct report_run known, next = { .account_id = t->who->account_id,
                                      .reporter_id = reporter_id,
                                      .key = report->key,
                                      .state = begins                         ? REPORT_RUN_OPEN
                                               : report->kind == REPORT_ERROR ? REPORT_RUN_FAILED
                                                                              : REPORT_RUN_ENDED,
                                      .details = report->details,
                                      .started_at_ms = t->now_ms,
                                      .ended_at_ms = begins ? 0 : t->now_ms };
    TRY(find_run(tx, t, a, &known, &found));
    if (!found) {
        TRY(add_run(tx, t, &next, a));
        t->id = next.id;
        return NULL;
    }
    t->id = known.id;
    return begins ? NULL : change_run(tx, t, &known, &next, a);
}

static err_t apply_report(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct taking *t = arg;
    TRY(see_reporter(tx, t, a, &t->id));
    return t->report->kind == REPORT_ALIVE ? NULL : note_run(tx, t, t->id, a);
}

err_t report_take(struct core *core, const struct principal *who, const struct report *report, struct arena *a,
                  int64_t *ret_id)
{
    struct taking t = { .core = core, .who = who, .report = report, .now_ms = core_now_ms(core) };
    if (report->reporter.n > REPORT_TEXT_MAX || report->version.n > REPORT_TEXT_MAX ||
        report->host.n > REPORT_TEXT_MAX || report->system.n > REPORT_TEXT_MAX || report->key.n > REPORT_TEXT_MAX ||
        report->details.n > REPORT_DETAILS_MAX)
        return err_make(a, ERR_TOO_LARGE, "a text of the report is too long");
    TRY(meta_write(core->meta, apply_report, &t, a));
    *ret_id = t.id;
    return NULL;
}

/* ---- forgetting ---- */

struct forgetting {
    int64_t now_ms, count;
};

static err_t forget_one(struct meta_tx *tx, const struct forgetting *f, struct arena *a)
{
    struct report_run run;
    struct reporter reporter;
    err_t e = meta_report_run_surplus(tx, 0, 0, f->now_ms - REPORT_RUNS_KEPT_MS, a, &run);
    if (!e)
        return remove_run(tx, &run, a);
    if (err_is(e, ERR_NOT_FOUND))
        e = meta_reporter_surplus(tx, 0, 0, f->now_ms - REPORTERS_KEPT_MS, a, &reporter);
    return e ? e : remove_reporter(tx, &reporter, a);
}

static err_t apply_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct forgetting *f = arg;
    for (f->count = 0; f->count < PIECE; f->count++) {
        err_t e = forget_one(tx, f, a);
        if (e)
            return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    }
    return NULL;
}

err_t report_forget_old(struct core *core, struct job_run *run, struct arena *a)
{
    struct forgetting f = { .now_ms = core_now_ms(core) };
    return job_write_pieces(core, run, &(struct job_pieces){ apply_forget, &f, &f.count, PIECE }, a);
}

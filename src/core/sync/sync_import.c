/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for an import. The file is queued, and its job added, in one write; the statement names the state and the number of imports
 * that were read, so of two who ask at once one queues, and the other finds it queued. */
#include "core/sync/sync_import.h"

#include "core/access/access.h"
#include "core/event.h"
#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/file_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_priv.h"

#include <stdlib.h>

static bool is_successful(enum sync_state state)
{
    return state == SYNC_IMPORTED || state == SYNC_IMPORTED_WITH_ERRORS;
}

/* *ret_queues: an import must be queued. */
static err_t needs_import(struct core *core, const struct sync_file *f, slice action, struct arena *a, bool *ret_queues)
{
    *ret_queues = false;
    switch (sync_file_state(f, core_now_ms(core))) {
    case SYNC_CREATED:
        return core_refuse(a, REASON_SYNC_NO_BYTES);
    case SYNC_EXPIRED:
        return core_refuse(a, REASON_SYNC_LINK_EXPIRED);
    case SYNC_PURGED:
        return core_refuse(a, REASON_SYNC_NO_FILE);
    case SYNC_QUEUED:
    case SYNC_PROCESSING:
        return NULL;
    default:
        *ret_queues = !is_successful(f->state) || !slice_eq(f->action, action);
        return NULL;
    }
}

/* Rows delete records unless the section refuses it, or if an administrator asks. */
static err_t may_delete(struct meta_tx *tx, const struct principal *who, const struct sync_file *f, struct arena *a,
                        bool *ret)
{
    struct section section;
    TRY(meta_section_get(tx, f->section_id, a, &section));
    *ret = !section.refuses_deletes || key_may(who, KEY_ADMIN);
    return NULL;
}

static err_t add_import_job(struct core *core, struct meta_tx *tx, const struct sync_file *f, struct arena *a,
                            int64_t *ret_id)
{
    struct job_request job = { .kind = S(SYNC_IMPORT_JOB),
                               .subject = sync_subject(f, a),
                               .account_id = f->account_id,
                               .group = arena_printf(a, "section:%lld", (long long)f->section_id),
                               .payload = arena_printf(a, "%lld %lld", (long long)f->id, (long long)f->import.number) };
    return job_add(core, tx, &job, a, ret_id);
}

/* f: as it is to be. */
static err_t queue_import(struct core *core, struct meta_tx *tx, const struct principal *who,
                          const struct sync_file *before, struct sync_file *f, struct arena *a)
{
    int64_t now_ms = core_now_ms(core);
    bool changed;
    TRY(may_delete(tx, who, f, a, &f->import.may_delete));
    TRY(add_import_job(core, tx, f, a, &f->import.job_id));
    f->import.queued_at_ms = f->modified_at_ms = now_ms;
    f->state = SYNC_QUEUED;
    f->due_at_ms = f->report_bytes = 0;
    TRY(meta_sync_file_queue(tx, f, before->state, a, &changed));
    if (!changed)
        return err_make(a, ERR_UNAVAILABLE, "the sync file was changed at the same time");
    f->revision++;
    TRY(quota_change_records(core, tx, f->account_id, sync_file_record_size(f) - sync_file_record_size(before), a));
    struct event_params event = {
        .at_ms = now_ms, .who = who, .action = S("sync.import"), .subject = sync_subject(f, a), .detail = f->name
    };
    return event_write(tx, &event, a);
}

err_t sync_import_queue(struct core *core, struct meta_tx *tx, const struct principal *who,
                        const struct sync_import_request *request, struct arena *a, struct sync_file *ret)
{
    struct sync_file f;
    bool queues;
    TRY(meta_sync_file_get(tx, request->sync_file_id, a, &f));
    slice action = request->action.n ? request->action : f.action;
    TRY(needs_import(core, &f, action, a, &queues));
    *ret = f;
    if (!queues)
        return NULL;
    f.action = action;
    f.remark = request->remark.n ? request->remark : f.remark;
    f.import = (struct sync_import){
        .number = f.import.number + 1, .form = request->form, .data_source = S(""), .reference = S("")
    };
    TRY(queue_import(core, tx, who, ret, &f, a));
    *ret = f;
    return NULL;
}

struct starting {
    struct core *core;
    const struct principal *who;
    const struct sync_import_request *request;
    struct arena *a; /* of the result; NULL: that of the write */
    struct sync_file result;
};

static err_t apply_start(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct starting *s = arg;
    struct sync_file f;
    a = s->a ? s->a : a;
    err_t e = meta_sync_file_get(tx, s->request->sync_file_id, a, &f);
    if (err_is(e, ERR_NOT_FOUND) ||
        (!e && (f.account_id != s->who->account_id || f.workspace_id != s->who->workspace_id)))
        return core_refuse(a, REASON_SYNC_NO_FILE);
    TRY(e);
    return sync_import_queue(s->core, tx, s->who, s->request, a, &s->result);
}

err_t sync_import_start(struct core *core, const struct principal *who, const struct sync_import_request *request,
                        struct arena *a, struct sync_file *ret)
{
    struct starting s = { .core = core, .who = who, .request = request, .a = a };
    TRY(meta_write(core->meta, apply_start, &s, a));
    *ret = s.result;
    return NULL;
}

struct submitted {
    struct starting starting;
    struct meta_write write;
    sync_queued_fn *done;
    void *arg;
};

static void finish_submitted(struct meta_write *write, err_t e)
{
    struct submitted *s = CONTAINER_OF(write, struct submitted, write);
    s->done(s->arg, e, &s->starting.result);
    free(s);
}

void sync_import_submit(struct core *core, const struct principal *who, const struct sync_import_request *request,
                        sync_queued_fn *done, void *arg)
{
    struct submitted *s = must_malloc(sizeof *s);
    *s = (struct submitted){ .starting = { .core = core, .who = who, .request = request }, .done = done, .arg = arg };
    s->write = (struct meta_write){ .apply = apply_start, .arg = &s->starting, .done = finish_submitted };
    if (meta_submit(core->meta, &s->write))
        return; /* the write may have ended already, and `s` with it */
    free(s);
    done(arg, &core_queue_full, NULL);
}

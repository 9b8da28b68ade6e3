/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the sync file shows what was committed, and nothing that was not. */
#include "core/event.h"
#include "core/job.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import_priv.h"
#include "core/sync/sync_priv.h"

void import_add_note(struct import *im, enum sync_note note, slice text)
{
    sync_notes_add(&im->notes, &(struct sync_note_line){ note, core_now_ms(im->core), text });
}

void import_add_error(struct import *im, const struct sync_error *error)
{
    if (im->error_count++ < SYNC_ERRORS_MAX)
        sync_errors_add(&im->errors, error);
}

/* ---- writes ---- */

/* The file as it is to be. */
struct saving {
    struct import *im;
    struct sync_file now;
    struct sync_report report;
    slice action;  /* of the event; empty: none */
    int64_t bytes; /* of the records; -1: not measured */
};

static err_t measure(struct meta_tx *tx, const struct saving *s, struct arena *a)
{
    int64_t more;
    if (s->bytes < 0)
        return NULL;
    TRY(meta_record_set_measure(tx, s->im->set.id, s->bytes, a, &more));
    return meta_account_use(tx, s->im->set.account_id, &(struct account_use){ .records = more }, a);
}

static err_t write_notes_of_job(struct meta_tx *tx, struct import *im, struct arena *a)
{
    struct job_notes notes = { .progress = im->rows.total ? im->committed.done : im->scanned,
                               .total = im->rows.total,
                               .checkpoint =
                                   arena_printf(a, "%lld %lld", (long long)im->tries, (long long)im->tried_at) };
    return im->run ? job_note(tx, im->run, &notes, a) : NULL;
}

static err_t write_event(struct meta_tx *tx, const struct saving *s, struct arena *a)
{
    struct event_params event = { .at_ms = s->now.modified_at_ms,
                                  .account_id = s->now.account_id,
                                  .action = s->action,
                                  .subject = sync_subject(&s->now, a),
                                  .detail = s->now.name };
    return s->action.n ? event_write(tx, &event, a) : NULL;
}

static bool is_open(const struct sync_file *f, int64_t number)
{
    return f->import.number == number && (f->state == SYNC_QUEUED || f->state == SYNC_PROCESSING);
}

/* The row may be another than the one that was last written, because the answer to that write may have been lost. */
static err_t apply_save(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct saving *s = arg;
    struct import *im = s->im;
    struct sync_file before;
    bool changed = false;
    TRY(measure(tx, s, a));
    TRY(meta_sync_file_get(tx, im->file_id, a, &before));
    struct sync_file_move move = { im->file_id, before.state, s->now.state, s->now.modified_at_ms, 0 };
    int64_t more = sync_file_record_size(&s->now) - sync_file_record_size(&before);
    TRY(meta_account_use(tx, s->now.account_id, &(struct account_use){ .records = more }, a));
    if (is_open(&before, im->number))
        TRY(meta_sync_import_move(tx, &s->now, &move, a, &changed));
    if (!changed)
        return err_make(a, ERR_CONFLICT, "another run has the import");
    TRY(meta_sync_report_put(tx, im->file_id, &s->report, a));
    TRY(write_event(tx, s, a));
    return write_notes_of_job(tx, im, a);
}

static err_t measured_bytes(struct import *im, struct arena *a, int64_t *ret)
{
    struct record_store *store = im->core->records;
    uint64_t bytes, records;
    *ret = -1;
    if (!im->set.id)
        return NULL;
    TRY(store->ops->size(store, im->set.id, a, &bytes, &records));
    *ret = bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
    return NULL;
}

/* Writes the file as it is after the last commit. */
static err_t save(struct import *im, struct saving *s, struct arena *a)
{
    s->im = im;
    s->now.modified_at_ms = core_now_ms(im->core);
    s->now.import.rows = im->committed;
    TRY(meta_write(im->core->meta, apply_save, s, a));
    im->saved = s->now;
    im->saved_at_ms = s->now.modified_at_ms;
    im->unsaved_bytes = 0;
    return NULL;
}

static err_t save_in_state(struct import *im, enum sync_state state, slice action, struct arena *a)
{
    struct saving s = { .now = im->file,
                        .action = action,
                        .report = { buf_slice(&im->errors), buf_slice(&im->notes) } };
    s.now.state = state;
    s.now.report_bytes = (int64_t)(s.report.errors.n + s.report.notes.n);
    TRY(measured_bytes(im, a, &s.bytes));
    return save(im, &s, a);
}

err_t import_save(struct import *im, struct arena *a)
{
    return save_in_state(im, SYNC_PROCESSING, S(""), a);
}

/* ---- the end ---- */

err_t import_finish(struct import *im, enum sync_state state, struct arena *a)
{
    im->file.import.finished_at_ms = core_now_ms(im->core);
    return save_in_state(im, state, state == SYNC_FAILED ? S("sync.fail") : S("sync.finish"), a);
}

err_t import_fail(struct import *im, const struct sync_error *fault, struct arena *a)
{
    struct buf errors;
    buf_init(&errors, 0);
    sync_errors_add(&errors, fault);
    buf_add(&errors, buf_slice(&im->errors));
    buf_release(&im->errors);
    im->errors = errors;
    import_add_note(im, SYNC_NOTE_FAILED, sync_fault_word(fault->fault));
    return import_finish(im, SYNC_FAILED, a);
}

err_t import_fail_as(struct import *im, enum sync_fault fault, struct arena *a)
{
    return import_fail(im, &(struct sync_error){ .fault = fault }, a);
}

err_t import_fail_without_room(struct import *im, struct arena *a)
{
    struct saving s = { .now = im->saved, .action = S("sync.fail"), .bytes = -1 };
    SCOPED(buf_releasep) struct buf errors, notes;
    buf_init(&errors, 0);
    buf_init(&notes, 0);
    sync_errors_add(&errors, &(struct sync_error){ .fault = SYNC_NO_ROOM });
    sync_notes_add(&notes,
                   &(struct sync_note_line){ SYNC_NOTE_FAILED, core_now_ms(im->core), sync_fault_word(SYNC_NO_ROOM) });
    s.report = (struct sync_report){ buf_slice(&errors), buf_slice(&notes) };
    s.now.state = SYNC_FAILED;
    s.now.import.finished_at_ms = core_now_ms(im->core);
    return save(im, &s, a);
}

static err_t apply_save_tries(struct meta_tx *tx, void *arg, struct arena *a)
{
    return write_notes_of_job(tx, arg, a);
}

err_t import_save_tries(struct import *im, struct arena *a)
{
    return meta_write(im->core->meta, apply_save_tries, im, a);
}

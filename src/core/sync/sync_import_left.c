/* SPDX-License-Identifier: Apache-2.0 */
/* Imports whose jobs have ended without saying so: cancelled while they waited, or forgotten. */
#include "core/event.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_priv.h"
#include "core/sync/sync_report.h"

enum { PIECE = 20 /* in one write */ };

struct ending {
    int64_t now_ms, count;
};

/* The note takes no room of the account. */
static err_t end_import(struct meta_tx *tx, const struct sync_file *f, int64_t now_ms, struct arena *a)
{
    struct sync_file now = *f;
    struct sync_file_move move = { f->id, f->state, SYNC_FAILED, now_ms, 0 };
    SCOPED(buf_releasep) struct buf errors, notes;
    bool changed;
    buf_init(&errors, 0);
    buf_init(&notes, 0);
    now.import.finished_at_ms = now_ms;
    sync_errors_add(&errors, &(struct sync_error){ .fault = SYNC_CANCELLED });
    sync_notes_add(&notes, &(struct sync_note_line){ SYNC_NOTE_FAILED, now_ms, sync_fault_word(SYNC_CANCELLED) });
    TRY(meta_sync_import_move(tx, &now, &move, a, &changed));
    if (!changed)
        return NULL;
    TRY(meta_sync_report_put(tx, f->id, &(struct sync_report){ buf_slice(&errors), buf_slice(&notes) }, a));
    struct event_params event = { .at_ms = now_ms,
                                  .account_id = f->account_id,
                                  .action = S("sync.fail"),
                                  .subject = sync_subject(f, a),
                                  .detail = f->name };
    return event_write(tx, &event, a);
}

static err_t apply_end_left(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ending *e = arg;
    struct sync_file_list left;
    e->count = 0;
    TRY(meta_sync_file_left(tx, &(struct id_page){ 0, PIECE }, a, &left));
    for (size_t i = 0; i < left.count; i++, e->count++)
        TRY(end_import(tx, &left.items[i], e->now_ms, a));
    return NULL;
}

err_t sync_import_end_left(struct core *core, struct job_run *run, struct arena *a)
{
    struct ending e = { .now_ms = core_now_ms(core) };
    if (garbage_is_held(core))
        return NULL;
    return job_write_pieces(core, run, &(struct job_pieces){ apply_end_left, &e, &e.count, PIECE }, a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The end of sync files: see the diagram in sync_file.h. */
#include "core/event.h"
#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_priv.h"

enum { PIECE = 100 /* sync files in one write; other writes wait for it */ };

struct purge {
    int64_t now_ms;
    int64_t ended; /* in this write */
};

static err_t write_end(struct meta_tx *tx, const struct sync_file *f, const struct principal *who, slice action,
                       int64_t now_ms, struct arena *a)
{
    struct event_params event = { .at_ms = now_ms,
                                  .who = who,
                                  .account_id = f->account_id,
                                  .action = action,
                                  .subject = sync_subject(f, a),
                                  .detail = f->name };
    return event_write(tx, &event, a);
}

/* A file that is not there, which only a damaged store has, keeps no record from its end. */
err_t sync_bytes_remove(struct meta_tx *tx, const struct sync_file *before, const struct principal *who, slice action,
                        int64_t now_ms, struct arena *a)
{
    err_t e = hold_remove(tx, before->file_id, sync_holder_of(before->id), now_ms, a);
    if (!e)
        e = file_remove(tx, before->file_id, now_ms, who, who ? S("file.delete") : S("file.purge"), a);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    return write_end(tx, before, who, action, now_ms, a);
}

/* Each of these says in *ret_changed whether it was the one that ended it. */
typedef err_t end_fn(struct meta_tx *, const struct sync_file *, const struct purge *, struct arena *a,
                     bool *ret_changed);

static err_t expire(struct meta_tx *tx, const struct sync_file *f, const struct purge *p, struct arena *a,
                    bool *ret_changed)
{
    struct sync_file_move move = { f->id, SYNC_CREATED, SYNC_EXPIRED, p->now_ms, p->now_ms + SYNC_ENDED_KEPT_MS };
    TRY(meta_sync_file_end(tx, &move, a, ret_changed));
    if (!*ret_changed)
        return NULL;
    TRY(meta_account_use(tx, f->account_id, &(struct account_use){ .pending = -1 }, a));
    return write_end(tx, f, NULL, S("sync.expire"), p->now_ms, a);
}

static err_t purge_bytes(struct meta_tx *tx, const struct sync_file *f, const struct purge *p, struct arena *a,
                         bool *ret_changed)
{
    struct sync_file_move move = { f->id, SYNC_UPLOADED, SYNC_PURGED, p->now_ms, p->now_ms + SYNC_ENDED_KEPT_MS };
    TRY(meta_sync_file_end(tx, &move, a, ret_changed));
    return *ret_changed ? sync_bytes_remove(tx, f, NULL, S("sync.purge"), p->now_ms, a) : NULL;
}

static err_t forget(struct meta_tx *tx, const struct sync_file *f, const struct purge *p, struct arena *a,
                    bool *ret_changed)
{
    TRY(meta_sync_file_forget(tx, f->id, p->now_ms, a, ret_changed));
    struct account_use less = { .records = *ret_changed ? -sync_file_record_size(f) : 0 };
    return meta_account_use(tx, f->account_id, &less, a);
}

/* Nothing is due in the other states: a row that says so is made to stop. */
static err_t stop(struct meta_tx *tx, const struct sync_file *f, const struct purge *p, struct arena *a,
                  bool *ret_changed)
{
    return meta_sync_file_move(tx, &(struct sync_file_move){ f->id, f->state, f->state, p->now_ms, 0 }, a, ret_changed);
}

static err_t apply_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    static end_fn *const ends[SYNC_STATES] = {
        [SYNC_CREATED] = expire, [SYNC_UPLOADED] = purge_bytes, [SYNC_EXPIRED] = forget, [SYNC_PURGED] = forget
    };
    struct purge *p = arg;
    struct sync_file_list due;
    p->ended = 0;
    TRY(meta_sync_file_due(tx, p->now_ms, PIECE, a, &due));
    for (size_t i = 0; i < due.count; i++) {
        const struct sync_file *f = &due.items[i];
        bool changed;
        TRY((ends[f->state] ? ends[f->state] : stop)(tx, f, p, a, &changed));
        p->ended += changed;
    }
    return NULL;
}

err_t sync_file_purge_due(struct core *core, struct job_run *run, struct arena *a)
{
    struct purge p = { .now_ms = core_now_ms(core) };
    if (garbage_is_held(core))
        return NULL;
    return job_write_pieces(core, run, &(struct job_pieces){ apply_purge, &p, &p.ended, PIECE }, a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   STORED  nothing holds the file; it has a purge time
 *   READY   something holds the file, or it is kept; it has no purge time
 * Every call changes or locks the row of the file before it looks at its holds or changes them. So if the database runs two
 * writes at the same time, they change one file one after the other, and the second sees all changes of the first. */
#include "core/file/hold.h"

#include "core/file/lifecycle.h"
#include "core/job.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"

const struct holder_rules *holder_rules_of(const struct core *core, int kind)
{
    for (const struct holder_rules *const *rules = core->holders; *rules; rules++)
        if ((*rules)->kind == kind)
            return *rules;
    return NULL;
}

static err_t explain_refused_hold(struct meta_tx *tx, int64_t file_id, int64_t now_ms, struct arena *a)
{
    struct file f;
    TRY(meta_file_get(tx, file_id, a, &f));
    return file_purge_is_due(&f, now_ms) ? err_make(a, ERR_NOT_FOUND, "the purge time of the file has come")
                                         : err_make(a, ERR_CONFLICT, "the file has no bytes yet");
}

err_t hold_add(struct meta_tx *tx, int64_t file_id, struct holder holder, int64_t now_ms, struct arena *a)
{
    bool is_held;
    TRY(meta_file_hold(tx, file_id, now_ms, a, &is_held));
    if (!is_held)
        return explain_refused_hold(tx, file_id, now_ms, a);
    return meta_hold_add(tx, &(struct hold){ file_id, holder }, a);
}

err_t hold_remove(struct meta_tx *tx, int64_t file_id, struct holder holder, int64_t purge_at_ms, struct arena *a)
{
    TRY(meta_file_lock(tx, file_id, a));
    TRY(meta_hold_remove(tx, &(struct hold){ file_id, holder }, a));
    return meta_file_expire(tx, file_id, purge_at_ms, a);
}

err_t file_is_held(struct meta_tx *tx, int64_t file_id, struct arena *a, bool *ret_held)
{
    return meta_hold_any(tx, file_id, a, ret_held);
}

/* ---- ending ---- */

/* Release the first files of the holder, as many as the write may release. *ret_more: it may hold others. */
static err_t release_piece(struct meta_tx *tx, const struct holder_rules *rules, int64_t id, struct hold_ending *ending,
                           struct arena *a, bool *ret_more)
{
    struct holder holder = { rules->kind, id };
    size_t limit = HOLDS_IN_ONE_WRITE - ending->released;
    struct file_id_list files, by_ticket = { 0 };
    TRY(meta_hold_files(tx, holder, limit, a, &files));
    *ret_more = files.count == limit;
    if (!files.count)
        return NULL;
    ending->released += files.count;
    int64_t up_to_id = files.items[files.count - 1];
    TRY(meta_hold_lock_files(tx, holder, up_to_id, a));
    if (rules->removes_ticket_files)
        TRY(meta_hold_ticket_files(tx, holder, up_to_id, a, &by_ticket));
    TRY(meta_hold_expire_files(tx, holder, up_to_id, ending->purge_at_ms, a));
    TRY(meta_hold_remove_files(tx, holder, up_to_id, a));
    for (size_t i = 0; i < by_ticket.count; i++)
        TRY(file_remove(tx, by_ticket.items[i], ending->now_ms, ending->who, S("file.delete"), a));
    return NULL;
}

err_t holder_end(struct meta_tx *tx, const struct holder_rules *rules, int64_t id, struct hold_ending *ending,
                 struct arena *a)
{
    struct ended_holder ended = { .holder = { rules->kind, id },
                                  .purge_at_ms = ending->purge_at_ms,
                                  .account_id = ending->who->account_id,
                                  .ended_by = ending->who->user_id,
                                  .request_id = ending->who->request_id };
    bool more = true;
    if (ending->released < HOLDS_IN_ONE_WRITE)
        TRY(release_piece(tx, rules, id, ending, a, &more));
    if (!more)
        return NULL;
    ending->more = true;
    return meta_ended_holder_add(tx, &ended, a);
}

struct holds_ending {
    struct core *core;
    struct hold_ending ending;
};

/* One piece of the first holder that has ended. */
static err_t apply_finish_ended(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct holds_ending *f = arg;
    struct ended_holder ended;
    hold_ending_begin(&f->ending);
    err_t e = meta_ended_holder_first(tx, a, &ended);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    const struct holder_rules *rules = holder_rules_of(f->core, ended.holder.kind);
    if (!rules)
        return err_make(a, ERR_CORRUPT, "an ended holder is of the unknown kind %d", ended.holder.kind);
    bool more;
    f->ending.more = true; /* there may be other holders */
    struct principal who = { .account_id = ended.account_id,
                             .user_id = ended.ended_by,
                             .request_id = ended.request_id };
    f->ending.purge_at_ms = ended.purge_at_ms;
    f->ending.who = &who;
    TRY(release_piece(tx, rules, ended.holder.id, &f->ending, a, &more));
    return more ? NULL : meta_ended_holder_remove(tx, ended.holder, a);
}

err_t hold_finish_ended(struct core *core, struct job_run *run, struct arena *a)
{
    struct holds_ending f = { .core = core };
    do {
        SCRATCH(scratch);
        f.ending.now_ms = core_now_ms(core);
        err_t e = meta_write(core->meta, apply_finish_ended, &f, &scratch);
        if (e)
            return err_copy(a, e);
    } while (f.ending.more && !job_is_stopping(run));
    return NULL;
}

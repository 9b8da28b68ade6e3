/* SPDX-License-Identifier: Apache-2.0 */
/* A task may have ten thousand comments and thousands of references, more than one write can remove. So the write of the
 * request marks the task as removed (meta_removed_task_add): from its commit on nobody finds the task, and it no longer counts
 * in its account. The same write removes the first piece of its rows. For a task of few rows that is everything, the mark
 * included; what is left of others a job removes, piece by piece (task_finish_removed).
 *
 *   order    references, then comments, then the task itself. A task or comment holds the files of its references until its
 *            own row is removed: a file is never purged while something refers to it.
 *   pending  Files whose pending tickets name the task are removed before it is marked. No ticket names it afterwards,
 *            because a ticket locks the task that it names (admit_to_task).
 *   room     The write that marks the task gives the room of all its rows back. What is removed later gives nothing back. */
#include "core/job.h"
#include "core/store/comment_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/task/task_attach_priv.h"
#include "core/task/task_holder.h"

/* ---- a piece of a task that was removed ---- */

/* Of one write, because other writes wait for it. */
enum { REFERENCES_IN_PIECE = 500, COMMENTS_IN_PIECE = 500 };

struct removal_piece {
    int64_t rows; /* comments and references that were removed */
    bool more;    /* the task has others */
};

/* Remove the first comments, which have no references any more. */
static err_t remove_first_comments(struct meta_tx *tx, const struct removed_task *task, struct hold_ending *ending,
                                   struct arena *a, struct removal_piece *piece)
{
    struct record_ids ids;
    size_t count = 0;
    TRY(meta_comment_first_ids(tx, task->task_id, COMMENTS_IN_PIECE, a, &ids));
    if (!ids.count)
        return NULL;
    while (count < ids.count && ending->released < HOLDS_IN_ONE_WRITE)
        TRY(holder_end(tx, &comment_holder, ids.items[count++], ending, a));
    TRY(meta_comment_remove_up_to(tx, task->task_id, ids.items[count - 1], a));
    piece->rows += (int64_t)count;
    piece->more = count < ids.count || count == COMMENTS_IN_PIECE;
    return NULL;
}

static err_t remove_piece(struct meta_tx *tx, const struct removed_task *task, struct hold_ending *ending,
                          struct arena *a, struct removal_piece *piece)
{
    *piece = (struct removal_piece){ 0 };
    TRY(meta_reference_remove_first(tx, task->task_id, REFERENCES_IN_PIECE, a, &piece->rows));
    piece->more = piece->rows == REFERENCES_IN_PIECE;
    if (!piece->more)
        TRY(remove_first_comments(tx, task, ending, a, piece));
    if (piece->more)
        return NULL;
    TRY(meta_task_remove(tx, task->task_id, a));
    return holder_end(tx, &task_holder, task->task_id, ending, a);
}

/* ---- the request ---- */

struct task_removal {
    struct task_write w;
    int64_t purge_after_ms;
};

/* From here on the task counts no more and is not found. */
static err_t mark_removed(struct meta_tx *tx, const struct task_removal *r, struct arena *a, struct removed_task *ret)
{
    const struct task_write *w = &r->w;
    int64_t size;
    *ret = (struct removed_task){ .task_id = w->task_id,
                                  .purge_at_ms = w->now_ms + r->purge_after_ms,
                                  .account_id = w->who->account_id,
                                  .removed_by = w->who->user_id,
                                  .request_id = w->who->request_id };
    TRY(meta_task_size(tx, w->task_id, a, &size));
    TRY(task_take_room(tx, w, -size, a));
    return meta_removed_task_add(tx, ret, a);
}

static err_t apply_task_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct task_removal *r = arg;
    struct task_write *w = &r->w;
    struct task task;
    struct task_member_list members;
    struct removed_task removed;
    struct removal_piece piece;
    task_write_begin(w);
    TRY(task_find_for_write(tx, w, a, &task, &members));
    if (task.author_id != w->who->user_id && !w->who->is_admin)
        return core_refuse(a, REASON_TASK_MAY_NOT_REMOVE);
    TRY(task_delete_pending(tx, w, 0, a));
    if (w->more)
        return NULL;
    TRY(mark_removed(tx, r, a, &removed));
    TRY(task_event_write(tx, w, S("task.remove"), S(""), a));
    w->ending.purge_at_ms = removed.purge_at_ms;
    TRY(remove_piece(tx, &removed, &w->ending, a, &piece));
    if (!piece.more)
        return NULL;
    w->ending.more = false; /* the job releases these files, too: the request does not wait for it */
    return job_start(w->core, tx, S(TASK_REMOVAL_JOB), a);
}

err_t task_remove(struct core *core, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                  struct arena *a)
{
    struct task_removal r = { .w = { .core = core, .who = who, .task_id = task_id }, .purge_after_ms = purge_after_ms };
    return task_write_until_done(&r.w, apply_task_remove, &r, a);
}

/* ---- the job ---- */

struct removal_finishing {
    struct hold_ending ending;
    struct removal_piece piece;
    bool found; /* a task that was removed, and a piece of it */
};

static err_t apply_removal_piece(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct removal_finishing *f = arg;
    struct removed_task task;
    hold_ending_begin(&f->ending);
    f->piece = (struct removal_piece){ 0 };
    f->found = false;
    err_t e = meta_removed_task_first(tx, a, &task);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    struct principal who = { .account_id = task.account_id, .user_id = task.removed_by, .request_id = task.request_id };
    f->found = true;
    f->ending.who = &who;
    f->ending.purge_at_ms = task.purge_at_ms;
    return remove_piece(tx, &task, &f->ending, a, &f->piece);
}

err_t task_finish_removed(struct core *core, struct job_run *run, struct arena *a)
{
    struct removal_finishing f;
    do {
        SCRATCH(scratch);
        f = (struct removal_finishing){ .ending.now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_removal_piece, &f, &scratch);
        if (e)
            return err_copy(a, e);
        job_advance(run, f.piece.rows);
    } while (f.found && !job_is_stopping(run));
    err_t e = job_is_stopping(run) ? NULL : hold_finish_ended(core, run, a);
    return err_is(e, ERR_CORRUPT) ? NULL : e; /* of a kind that is not known: the purge reports it */
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/purge.h"

#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/store/file_store.h"
#include "core/store/transaction.h"

enum { PURGE_BATCH = 200 /* files in one write; other writes wait for it */ };
#define PURGE_AGAIN_MS (24 * 3600 * INT64_C(1000))

struct purge {
    int64_t now_ms;
    size_t due, gone;
};

/* Only a damaged store has a file that is due although something holds it, or although something refers to it without
 * holding it. The first becomes what a held file is. The second is left for fsck, which adds the missing hold. */
static err_t purge_file(struct meta_tx *tx, const struct file *f, struct purge *p, struct arena *a)
{
    bool is_held;
    TRY(file_is_held(tx, f->id, a, &is_held));
    if (is_held)
        return meta_file_move(tx, f->id, f->state, FILE_READY, 0, a);
    err_t e = file_remove_due(tx, f, p->now_ms, a);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* a holder holds the file now */
    if (err_is(e, ERR_CONFLICT))
        return meta_file_move(tx, f->id, f->state, f->state, p->now_ms + PURGE_AGAIN_MS, a);
    TRY(e);
    p->gone++;
    return NULL;
}

/* A file is removed only while it is due, and hold_add clears its purge time. So only one of the two can succeed. */
static err_t apply_file_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct purge *p = arg;
    struct file_list files;
    p->gone = 0;
    TRY(meta_file_due(tx, p->now_ms, PURGE_BATCH, a, &files));
    p->due = files.count;
    for (size_t i = 0; i < files.count; i++)
        TRY(purge_file(tx, &files.items[i], p, a));
    return NULL;
}

err_t file_purge_due(struct core *core, struct job_run *run, struct arena *a)
{
    struct purge p;
    /* An ended holder of an unknown kind keeps its own files only; all others are purged. */
    err_t unfinished = garbage_is_held(core) ? NULL : hold_finish_ended(core, run, a);
    if (unfinished && unfinished->code != ERR_CORRUPT)
        return unfinished;
    do {
        if (garbage_is_held(core) || job_is_stopping(run))
            return unfinished;
        SCRATCH(scratch);
        p = (struct purge){ .now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_file_purge, &p, &scratch);
        if (e)
            return err_copy(a, e);
        job_advance(run, (int64_t)p.gone);
    } while (p.due == PURGE_BATCH);
    return unfinished;
}

err_t file_list_due(struct core *core, size_t limit, struct arena *a, struct file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_file_due(tx, core_now_ms(core), limit, a, ret);
}

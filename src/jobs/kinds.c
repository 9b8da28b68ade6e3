/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/kinds.h"

#include "core/bucket/upload.h"
#include "core/file/lifecycle.h"
#include "core/object/sweep.h"

enum { BATCH = 200, UPLOADS_BATCH = 50 };
#define TOKENS_KEPT_MS ((int64_t)7 * 24 * 3600 * 1000) /* so long a dead token is told from an unknown one */

/* ---- purge: the record first ---- */

struct purge {
    int64_t now_ms;
    size_t due, gone;
};

/* Looks and removes in one transaction: whoever attaches the file does so before or after it, never in between. */
static err_t apply_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct purge *p = arg;
    struct file *files;
    p->gone = 0;
    TRY(meta_file_due(tx, p->now_ms, BATCH, a, &files, &p->due));
    for (size_t i = 0; i < p->due; i++) {
        int64_t holds;
        TRY(meta_reference_holds(tx, files[i].id, a, &holds));
        if (holds > 0) { /* should not be; what somebody holds on to stays */
            TRY(meta_file_move(tx, files[i].id, files[i].state, FILE_READY, 0, a));
            continue;
        }
        TRY(file_end(tx, files[i].id, p->now_ms, NULL, S("file.purge"), a));
        p->gone++;
    }
    return NULL;
}

static err_t purge_uploads(struct core *core, struct arena *a, int64_t *ret_done)
{
    size_t gone = 1;
    while (gone > 0 && !core_is_held(core)) {
        SCRATCH(scratch);
        err_t e = upload_purge(core, UPLOADS_BATCH, &scratch, &gone);
        if (e)
            return err_copy(a, e);
        *ret_done += (int64_t)gone;
    }
    return NULL;
}

static err_t purge_files(struct core *core, struct arena *a, int64_t *ret_done)
{
    struct purge p;
    do {
        if (core_is_held(core))
            return NULL;
        SCRATCH(scratch);
        p = (struct purge){ .now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_purge, &p, &scratch);
        if (e)
            return err_copy(a, e);
        *ret_done += (int64_t)p.gone;
    } while (p.due == BATCH);
    return NULL;
}

err_t kind_purge(struct core *core, struct arena *a, int64_t *ret_done)
{
    TRY(purge_files(core, a, ret_done));
    return purge_uploads(core, a, ret_done);
}

/* ---- garbage: then the bytes ---- */

struct keys {
    slice *list;
    size_t count;
};

static err_t apply_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct keys *keys = arg;
    for (size_t i = 0; i < keys->count; i++)
        TRY(meta_garbage_forget(tx, keys->list[i], a));
    return NULL;
}

static err_t list_garbage(struct core *core, struct arena *a, struct keys *ret)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    /* At exactly the end of the grace it is over. */
    return meta_garbage_list(tx, core_now_ms(core) - core->options.purge_grace_ms + 1, BATCH, a, &ret->list,
                             &ret->count);
}

/* Bytes first, then the note that they are to go: a crash in between removes twice, which is fine. */
err_t kind_garbage(struct core *core, struct arena *a, int64_t *ret_done)
{
    struct keys keys;
    do {
        SCRATCH(scratch);
        keys = (struct keys){ 0 };
        err_t e = list_garbage(core, &scratch, &keys);
        struct keys removed = { keys.list, 0 };
        for (; !e && removed.count < keys.count && !core_is_held(core); removed.count++)
            e = core->blob->ops->remove(core->blob, keys.list[removed.count], &scratch);
        if (e && keys.count)
            removed.count--; /* the one that failed stays noted */
        err_t f = removed.count ? meta_write(core->meta, apply_forget, &removed, &scratch) : NULL;
        *ret_done += f ? 0 : (int64_t)removed.count;
        if (e || f)
            return err_copy(a, e ? e : f);
        if (removed.count < keys.count)
            return NULL;
    } while (keys.count == BATCH);
    return NULL;
}

/* ---- sweep, tokens ---- */

err_t kind_sweep(struct core *core, struct arena *a, int64_t *ret_done)
{
    struct sweep_report report;
    TRY(sweep_run(core, true, NULL, NULL, a, &report));
    *ret_done = report.removed;
    return NULL;
}

struct forgetting {
    int64_t before_ms, count;
};

static err_t apply_tokens(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct forgetting *f = arg;
    return meta_credential_forget(tx, f->before_ms, a, &f->count);
}

err_t kind_tokens(struct core *core, struct arena *a, int64_t *ret_done)
{
    struct forgetting f = { .before_ms = core_now_ms(core) - TOKENS_KEPT_MS };
    TRY(meta_write(core->meta, apply_tokens, &f, a));
    *ret_done = f.count;
    return NULL;
}

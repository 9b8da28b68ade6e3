/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/garbage.h"

#include "base/live.h"
#include "core/job.h"
#include "core/store/blob_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

enum {
    GARBAGE_BATCH = 200,  /* blobs that are removed before their keys leave the list in one write */
    COMPOSITE_PIECE = 300 /* parts of a composite that are removed in one write */
};

void garbage_hold(struct core *core)
{
    __atomic_add_fetch(&core->purge_holds, 1, __ATOMIC_SEQ_CST);
}

void garbage_release(struct core *core)
{
    __atomic_sub_fetch(&core->purge_holds, 1, __ATOMIC_SEQ_CST);
}

bool garbage_is_held(struct core *core)
{
    return __atomic_load_n(&core->purge_holds, __ATOMIC_SEQ_CST) > 0;
}

int64_t garbage_grace_ended_ms(struct core *core)
{
    return core_now_ms(core) - LIVE(core->options.purge_grace_ms);
}

static err_t apply_garbage_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct blob_key_list *keys = arg;
    for (size_t i = 0; i < keys->count; i++)
        TRY(meta_garbage_forget(tx, keys->items[i], a));
    return NULL;
}

static err_t list_garbage(struct core *core, struct arena *a, struct blob_key_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    /* meta_garbage_list excludes the bound, but at exactly the end of the grace it is over. */
    return meta_garbage_list(tx, garbage_grace_ended_ms(core) + 1, GARBAGE_BATCH, a, ret);
}

struct loose_removal {
    int64_t now_ms;
    bool more;
};

static err_t apply_composite_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct loose_removal *r = arg;
    return meta_composite_remove(tx, r->now_ms, COMPOSITE_PIECE, a, &r->more);
}

err_t garbage_remove_composites(struct core *core, struct job_run *run, struct arena *a)
{
    struct loose_removal r = { .more = true };
    while (r.more && !garbage_is_held(core) && !job_is_stopping(run)) {
        SCRATCH(scratch);
        r = (struct loose_removal){ .now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_composite_remove, &r, &scratch);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

err_t garbage_collect(struct core *core, struct job_run *run, struct arena *a)
{
    struct blob_key_list keys;
    TRY(garbage_remove_composites(core, run, a));
    do {
        SCRATCH(scratch);
        keys = (struct blob_key_list){ 0 };
        err_t e = list_garbage(core, &scratch, &keys);
        struct blob_key_list removed = { keys.items, 0 };
        for (; !e && removed.count < keys.count && !garbage_is_held(core) && !job_is_stopping(run); removed.count++)
            e = core->blob->ops->remove(core->blob, keys.items[removed.count], &scratch);
        if (e && keys.count)
            removed.count--; /* the one that failed stays on the list */
        err_t f = removed.count ? meta_write(core->meta, apply_garbage_forget, &removed, &scratch) : NULL;
        job_advance(run, f ? 0 : (int64_t)removed.count);
        if (e || f)
            return err_copy(a, e ? e : f);
        if (removed.count < keys.count)
            return NULL;
    } while (keys.count == GARBAGE_BATCH);
    return NULL;
}

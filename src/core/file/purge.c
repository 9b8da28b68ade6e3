/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/purge.h"

#include "core/file/lifecycle.h"
#include "core/object/garbage.h"
#include "core/store/file_store.h"
#include "core/store/reference_store.h"
#include "core/store/transaction.h"

enum { PURGE_BATCH = 200 /* files in one write; other writes wait for it */ };

struct purge {
    int64_t now_ms;
    size_t due, gone;
};

/* Checks and removes in one transaction: a task takes hold of the file before it or after it, never in between. */
static err_t apply_file_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct purge *p = arg;
    struct file_list files;
    p->gone = 0;
    TRY(meta_file_due(tx, p->now_ms, PURGE_BATCH, a, &files));
    p->due = files.count;
    for (size_t i = 0; i < files.count; i++) {
        const struct file *f = &files.items[i];
        int64_t holds;
        TRY(meta_reference_holds(tx, f->id, a, &holds));
        if (holds > 0) { /* cannot be, unless the store is damaged; a file that a reference holds stays */
            TRY(meta_file_move(tx, f->id, f->state, FILE_READY, 0, a));
            continue;
        }
        TRY(file_remove(tx, f->id, p->now_ms, NULL, S("file.purge"), a));
        p->gone++;
    }
    return NULL;
}

err_t file_purge_due(struct core *core, struct arena *a, int64_t *ret_count)
{
    struct purge p;
    *ret_count = 0;
    do {
        if (garbage_is_held(core))
            return NULL;
        SCRATCH(scratch);
        p = (struct purge){ .now_ms = core_now_ms(core) };
        err_t e = meta_write(core->meta, apply_file_purge, &p, &scratch);
        if (e)
            return err_copy(a, e);
        *ret_count += (int64_t)p.gone;
    } while (p.due == PURGE_BATCH);
    return NULL;
}

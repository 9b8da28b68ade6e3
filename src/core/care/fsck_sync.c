/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files and the files with their bytes. Each page is one snapshot, in which both are there together or not at all. */
#include "core/care/fsck_priv.h"

#include "core/records/file.h"
#include "core/records/record_ids.h"
#include "core/store/file_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"

#include <string.h>

static bool has_bytes(enum sync_state state)
{
    return state != SYNC_CREATED && state != SYNC_EXPIRED && state != SYNC_PURGED;
}

static const char *find_fault(const struct sync_file *sync, const struct file *file)
{
    if (!has_bytes(sync->state))
        return sync->file_id ? "a file in a state that has none" : NULL;
    if (!file->id)
        return "its file is gone";
    bool fits = file->size_bytes == sync->size_bytes && memcmp(file->md5, sync->md5, MD5_SIZE) == 0;
    return fits ? NULL : "length or digest is not its file's";
}

static err_t check_sync_file(struct fsck *f, struct meta_tx *tx, const struct sync_file *sync, struct arena *a)
{
    struct file file = { 0 };
    err_t e = sync->file_id ? meta_file_get(tx, sync->file_id, a, &file) : NULL;
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    const char *fault = find_fault(sync, &file);
    if (fault)
        fsck_add_finding(f, file.id ? FSCK_WARNING : FSCK_ERROR, fault,
                         arena_printf(a, "sync:" SLICE_FMT, SLICE_ARG(sync->handle)), sync->name, false);
    return NULL;
}

static err_t check_page(struct fsck *f, int64_t *after_id, struct arena *a, size_t *ret_count)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file_list page;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(meta_sync_file_list(tx, &(struct id_page){ *after_id, FSCK_PAGE }, a, &page));
    *ret_count = page.count;
    for (size_t i = 0; i < page.count; i++) {
        SCRATCH(own);
        *after_id = page.items[i].id;
        err_t e = check_sync_file(f, tx, &page.items[i], &own);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

err_t fsck_check_sync_files(struct fsck *f)
{
    int64_t after_id = 0;
    size_t count = FSCK_PAGE;
    while (count == FSCK_PAGE) {
        SCRATCH(scratch);
        err_t e = check_page(f, &after_id, &scratch, &count);
        if (e)
            return err_copy(f->a, e);
    }
    return NULL;
}

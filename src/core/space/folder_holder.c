/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/folder_holder_priv.h"

#include "base/case_fold.h"
#include "core/file/hold.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/space/folder_priv.h"
#include "core/space/place.h"
#include "core/store/account_store.h"
#include "core/store/folder_store.h"

static err_t admit(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a, slice *ret_text)
{
    struct folder folder;
    TRY(folder_read(tx, id, a, &folder));
    TRY(place_may(tx, who, PLACE_FILE, PLACE_OF(&folder), a));
    *ret_text = folder.name;
    return NULL;
}

static err_t find_named(struct meta_tx *tx, int64_t id, slice name, struct arena *a, int64_t *ret_file_id)
{
    int64_t file_id;
    TRY(meta_folder_file_named(tx, id, case_fold(a, name), a, &file_id));
    if (!file_id)
        return err_make(a, ERR_NOT_FOUND, "the folder has no file of that name");
    *ret_file_id = file_id;
    return NULL;
}

/* The bytes came by a ticket, which is confirmed now. */
static err_t attach(struct core *core, struct meta_tx *tx, int64_t id, const struct file *file, int64_t now_ms,
                    struct arena *a)
{
    struct folder folder;
    struct account_use more = { .records = RECORD_BYTES };
    (void)core;
    TRY(folder_read(tx, id, a, &folder));
    TRY(meta_account_use(tx, file->account_id, &more, a));
    return folder_place_file(tx, &folder, file, now_ms, a);
}

static err_t refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    return meta_folder_file_is_in(tx, file_id, id, a, ret_refers);
}

static err_t list_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    struct folder_file_list files;
    TRY(meta_folder_file_each(tx, *after, limit, a, &files));
    *ret = (struct hold_list){ arena_array(a, struct hold, limit), 0 };
    for (size_t i = 0; i < files.count; i++) {
        *after = files.items[i].file.id;
        ret->items[ret->count++] = (struct hold){ *after, folder_holder_of(files.items[i].folder_id) };
    }
    return NULL;
}

const struct holder_rules folder_holder = { .kind = HOLDER_FOLDER,
                                            .name = "folder",
                                            .admit = admit,
                                            .find_named = find_named,
                                            .attach = attach,
                                            .refers = refers,
                                            .list_files = list_files };

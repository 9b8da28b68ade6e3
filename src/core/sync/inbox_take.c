/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer becomes a sync file: in one write it ends, the file with its bytes is made and held by the sync file, what had the name
 * before goes, and the import is queued. */
#include "core/sync/inbox_priv.h"

#include "core/event.h"
#include "core/file/hold.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/transfer_store.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_priv.h"
#include "core/sync/workspace.h"
#include "core/transfer/transfer.h"

#include <string.h>

err_t inbox_transfer_error(err_t e, struct arena *a)
{
    static const struct {
        int reason;
        enum core_reason becomes;
    } reasons[] = {
        { REASON_TRANSFER_BUSY, REASON_INBOX_BUSY },         { REASON_TRANSFER_OFFSET, REASON_INBOX_BUSY },
        { REASON_TRANSFER_NOT_THERE, REASON_INBOX_NO_FILE }, { REASON_TRANSFER_EXPIRED, REASON_INBOX_NO_FILE },
        { REASON_TRANSFER_FINISHED, REASON_INBOX_TAKEN },    { REASON_TRANSFER_LENGTH, REASON_INBOX_INCOMPLETE }
    };
    for (size_t i = 0; e && i < LENGTH_OF(reasons); i++)
        if (err_reason(e) == reasons[i].reason)
            return core_refuse(a, reasons[i].becomes);
    return e;
}

err_t inbox_make_way(struct inbox *in, struct meta_tx *tx, slice file_name, bool replaces, struct arena *a)
{
    struct sync_file old;
    int64_t now_ms = core_now_ms(in->core);
    bool changed;
    err_t e = meta_sync_file_newest_in(tx, in->section.id, SYNC_IN_IMPORT, file_name, a, &old);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    if (!replaces)
        return core_refuse(a, REASON_INBOX_EXISTS);
    struct sync_file_move move = { old.id, SYNC_UPLOADED, SYNC_PURGED, now_ms, now_ms + INBOX_KEPT_MS };
    TRY(meta_sync_file_discard(tx, &move, a, &changed));
    if (!changed)
        return core_refuse(a, REASON_INBOX_READ_ONLY);
    return sync_bytes_remove(tx, &old, &in->who, S("sync.replace"), now_ms, a);
}

err_t inbox_queue_import(struct inbox *in, struct meta_tx *tx, const struct sync_file *f, struct arena *a)
{
    struct sync_import_request request = { .sync_file_id = f->id, .action = S(""), .remark = S("") };
    struct sync_file unused;
    if (!inbox_name_is_imported(f->name, &request.form))
        return NULL;
    return sync_import_queue(in->core, tx, &in->who, &request, a, &unused);
}

struct placing {
    struct inbox *in;
    const struct inbox_taking *taking;
    slice handle, action;
};

static struct sync_file describe_taken(const struct placing *p, const struct file *file)
{
    const struct inbox *in = p->in;
    const struct sync_request request = { .origin = in->options.origin,
                                          .bucket_id = in->options.bucket_id,
                                          .name = p->taking->file_name,
                                          .folder = in->options.folder,
                                          .entity_type = S(""),
                                          .category = S(""),
                                          .remark = S(""),
                                          .tags = S(""),
                                          .metadata = S(""),
                                          .max_bytes = in->options.max_bytes,
                                          .idle_ms = in->options.idle_ms };
    struct sync_file f = sync_file_of_request(&request, p->handle, p->action, file->stored_at_ms);
    f.way = in->options.way;
    f.workspace_id = in->workspace.id;
    f.workspace = in->workspace.name;
    f.section_id = in->section.id;
    f.section = in->section.name;
    sync_file_set_bytes(&f, file);
    return f;
}

static err_t place_taken(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    const struct placing *p = arg;
    struct sync_file f = describe_taken(p, file);
    TRY(inbox_check_in(p->in, tx, a));
    TRY(inbox_make_way(p->in, tx, f.name, p->taking->replaces, a));
    TRY(sync_file_add_taken(p->in->core, tx, &p->in->who, &f, a));
    return inbox_queue_import(p->in, tx, &f, a);
}

err_t inbox_take(struct inbox *in, const struct inbox_taking *taking, struct arena *a)
{
    struct placing p = { in, taking, random_hex(in->core->random, a, SYNC_HANDLE_LENGTH), sync_name_new(in->core, a) };
    struct transfer_taking transfer = { taking->transfer, taking->file_name, place_taken, &p };
    return inbox_transfer_error(transfer_take(in->core, &in->who, &transfer, a), a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files that begin with their bytes. */
#include "core/sync/sync_take.h"

#include "core/event.h"
#include "core/file/hold.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_priv.h"
#include "core/sync/workspace.h"

#include <string.h>

void sync_file_set_bytes(struct sync_file *f, const struct file *file)
{
    f->account_id = file->account_id;
    f->owner_id = file->owner_id;
    f->file_id = file->id;
    f->size_bytes = file->size_bytes;
    memcpy(f->md5, file->md5, MD5_SIZE);
    f->content_type = file->content_type;
    f->uploaded_at_ms = file->stored_at_ms;
    f->link_expires_at_ms = file->stored_at_ms; /* it has no link */
    f->due_at_ms = file->stored_at_ms + f->idle_ms;
}

/* The record is added as one whose bytes have not come, and gets them at once. */
err_t sync_file_add_taken(struct core *core, struct meta_tx *tx, const struct principal *who, struct sync_file *f,
                          struct arena *a)
{
    bool changed;
    TRY(sync_key_make(f, a, &f->key));
    TRY(quota_change_records(core, tx, f->account_id, sync_file_record_size(f), a));
    TRY(meta_sync_file_add(tx, f, a, &f->id));
    TRY(meta_sync_file_store(tx, f, 0, a, &changed));
    if (!changed)
        return err_make(a, ERR_UNAVAILABLE, "the sync file was changed at the same time");
    TRY(hold_add(tx, f->file_id, sync_holder_of(f->id), f->uploaded_at_ms, a));
    struct event_params event = { .at_ms = f->uploaded_at_ms,
                                  .who = who,
                                  .action = S("sync.take"),
                                  .subject = sync_subject(f, a),
                                  .detail = f->name };
    return event_write(tx, &event, a);
}

/* ---- an upload ---- */

static struct sync_file describe_upload(const struct sync_upload *u, const struct file *file)
{
    slice handle = { u->handle, sizeof u->handle }, action = { u->action, sizeof u->action };
    struct sync_file f = sync_file_of_request(&u->request, handle, action, file->stored_at_ms);
    f.way = SYNC_BY_BODY;
    f.name = file->name;
    sync_file_set_bytes(&f, file);
    return f;
}

static err_t describe_in(struct meta_tx *tx, const struct sync_upload *u, const struct file *file, struct arena *a,
                         struct sync_file *ret)
{
    struct workspace workspace;
    struct section section;
    const struct section_names names = { u->request.workspace, u->request.section };
    TRY(section_of_names(tx, u->who, &names, a, &workspace, &section));
    *ret = describe_upload(u, file);
    ret->workspace_id = workspace.id;
    ret->workspace = workspace.name;
    ret->section_id = section.id;
    ret->section = section.name;
    return NULL;
}

/* What may refuse it is asked before anything is changed. */
static err_t admit_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct sync_file f;
    TRY(describe_in(tx, arg, file, a, &f));
    return sync_key_make(&f, a, &f.key);
}

/* The arena of the write may be gone when its result is looked at. */
static void note_result(struct sync_upload *u, const struct sync_file *f)
{
    u->result = (struct sync_file){ .id = f->id,
                                    .handle = { u->handle, sizeof u->handle },
                                    .account_id = f->account_id,
                                    .workspace_id = f->workspace_id,
                                    .section_id = f->section_id,
                                    .state = f->state,
                                    .revision = f->revision,
                                    .import = f->import,
                                    .report_bytes = f->report_bytes };
    u->result.import.data_source = u->result.import.reference = S("");
}

static err_t attach_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct sync_upload *u = arg;
    struct sync_import_request request = { .form = u->form, .action = S(""), .remark = S("") };
    struct sync_file f;
    TRY(describe_in(tx, u, file, a, &f));
    TRY(sync_file_add_taken(u->core, tx, u->who, &f, a));
    request.sync_file_id = f.id;
    TRY(sync_import_queue(u->core, tx, u->who, &request, a, &f));
    note_result(u, &f);
    return NULL;
}

/* STORED until the sync file holds it, which happens in the same write. */
void sync_upload_into(struct sync_upload *u, struct intake_request *request)
{
    sync_handle_fill(u->core, u->handle);
    sync_handle_fill(u->core, u->action);
    request->admit = admit_upload;
    request->attach = attach_upload;
    request->attach_arg = u;
    request->purge_after_ms = 1;
}

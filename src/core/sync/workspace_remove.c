/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   keys go first, so that nobody sends anything to what is being removed; the workspace goes last, so that a removal that was
 *   interrupted is found, and goes on, when it is called again
 *   the records of a set go before its row, which is how an interrupted removal finds them again; until it is called again, fsck
 *   says of such a set that its records are missing */
#include "core/event.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/credential_store.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/sync_priv.h"
#include "core/sync/workspace.h"

enum { PIECE = 100 /* sync files in one write; other writes wait for it */ };

struct workspace_removal {
    struct core *core;
    const struct principal *who;
    slice name;
    int64_t now_ms;
    struct workspace workspace;
    int64_t removed;             /* by this write */
    struct record_set_list sets; /* whose records were removed */
    struct arena *a;             /* of `sets` */
};

static err_t find_for_removal(struct meta_tx *tx, struct workspace_removal *r, struct arena *a)
{
    err_t e = meta_workspace_by_name(tx, r->who->account_id, r->name, a, &r->workspace);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SYNC_NO_WORKSPACE) : e;
}

static err_t apply_keys(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct workspace_removal *r = arg;
    bool has;
    TRY(find_for_removal(tx, r, a));
    TRY(meta_workspace_has_open_work(tx, r->workspace.id, a, &has));
    if (has)
        return err_make(a, ERR_CONFLICT,
                        "a file is being sent to the workspace, or imported: try again when that has ended");
    return meta_credential_revoke_workspace(tx, r->workspace.id, r->now_ms, a);
}

static err_t remove_sync_file(struct meta_tx *tx, const struct workspace_removal *r, const struct sync_file *f,
                              struct arena *a)
{
    struct account_use less = { .records = -sync_file_record_size(f), .pending = f->state == SYNC_CREATED ? -1 : 0 };
    if (f->state == SYNC_QUEUED || f->state == SYNC_PROCESSING)
        return err_make(a, ERR_CONFLICT, "a file of the workspace is being imported: try again when that has ended");
    TRY(meta_sync_file_remove(tx, f->id, a));
    if (f->file_id)
        TRY(sync_bytes_remove(tx, f, r->who, S("sync.remove"), r->now_ms, a));
    return meta_account_use(tx, f->account_id, &less, a);
}

static err_t apply_files(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct workspace_removal *r = arg;
    struct sync_file_list files;
    TRY(meta_sync_file_list_of_workspace(tx, r->workspace.id, PIECE, a, &files));
    for (size_t i = 0; i < files.count; i++)
        TRY(remove_sync_file(tx, r, &files.items[i], a));
    r->removed = (int64_t)files.count;
    return NULL;
}

static err_t apply_sets(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct workspace_removal *r = arg;
    for (size_t i = 0; i < r->sets.count; i++) {
        bool removed; /* or another call was first */
        TRY(meta_record_set_remove(tx, r->sets.items[i].id, a, &removed));
        const struct account_use less = { .records = removed ? -record_set_size(&r->sets.items[i]) : 0 };
        TRY(meta_account_use(tx, r->workspace.account_id, &less, a));
    }
    return NULL;
}

static err_t apply_end(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct workspace_removal *r = arg;
    struct section_list sections;
    int64_t bytes = workspace_record_size(&r->workspace);
    TRY(meta_section_list(tx, r->workspace.id, &(struct id_page){ 0, PIECE }, a, &sections));
    for (size_t i = 0; i < sections.count; i++) {
        TRY(meta_section_remove(tx, sections.items[i].id, a));
        bytes += section_record_size(&sections.items[i]);
    }
    r->removed = sections.count == PIECE;
    if (r->removed) /* there may be more */
        bytes -= workspace_record_size(&r->workspace);
    else
        TRY(meta_workspace_remove(tx, r->workspace.id, a));
    TRY(meta_account_use(tx, r->workspace.account_id, &(struct account_use){ .records = -bytes }, a));
    struct event_params event = { .at_ms = r->now_ms,
                                  .who = r->who,
                                  .action = S("workspace.remove"),
                                  .subject = arena_printf(a, "workspace:" SLICE_FMT, SLICE_ARG(r->name)) };
    return r->removed ? NULL : event_write(tx, &event, a);
}

static err_t list_sets(struct workspace_removal *r)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(r->core->meta, r->a, &tx));
    return meta_record_set_list_of_workspace(tx, r->workspace.id, PIECE, r->a, &r->sets);
}

static err_t remove_sets(struct workspace_removal *r)
{
    do {
        TRY(list_sets(r));
        for (size_t i = 0; i < r->sets.count; i++)
            TRY(r->core->records->ops->remove(r->core->records, r->sets.items[i].id, r->a));
        TRY(meta_write(r->core->meta, apply_sets, r, r->a));
    } while (r->sets.count == PIECE);
    return NULL;
}

err_t workspace_remove(struct core *core, const struct principal *who, slice name, struct arena *a)
{
    struct workspace_removal r = { .core = core, .who = who, .name = name, .now_ms = core_now_ms(core), .a = a };
    TRY(meta_write(core->meta, apply_keys, &r, a));
    r.workspace.name = arena_copy(a, name); /* what the write read may be gone with it */
    do
        TRY(meta_write(core->meta, apply_files, &r, a));
    while (r.removed == PIECE);
    TRY(remove_sets(&r));
    do
        TRY(meta_write(core->meta, apply_end, &r, a));
    while (r.removed);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/account_files.h"
#include "core/grant.h"

#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_import.h"
#include "core/sync/workspace.h"

err_t account_files_list(struct core *core, int64_t account_id, const struct id_page *page, struct arena *a,
                         struct sync_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_sync_file_page(tx, account_id, page, a, ret);
}

static err_t find_of_account(struct meta_tx *tx, int64_t account_id, slice handle, struct arena *a,
                             struct sync_file *ret)
{
    struct sync_file found;
    err_t e = meta_sync_file_by_handle(tx, handle, a, &found);
    if (err_is(e, ERR_NOT_FOUND) || (!e && found.account_id != account_id))
        return core_refuse(a, REASON_SYNC_NO_FILE);
    TRY(e);
    *ret = found;
    return NULL;
}

err_t account_files_find(struct core *core, int64_t account_id, slice handle, struct arena *a, struct sync_file *ret,
                         struct sync_report *ret_report)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_of_account(tx, account_id, handle, a, &found));
    TRY(meta_sync_report_get(tx, found.id, a, ret_report));
    *ret = found;
    return NULL;
}

struct importing {
    struct core *core;
    const struct principal *who;
    slice handle, action;
    struct arena *a; /* of the result */
    struct sync_file result;
};

static bool is_json_name(slice name)
{
    return name.n > 5 && slice_eq_nocase(slice_from(name, name.n - 5), S(".json"));
}

static err_t apply_import(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct importing *i = arg;
    struct sync_file f;
    TRY(grant_recheck_maker_in(i->core, tx, i->who, a));
    TRY(find_of_account(tx, i->who->account_id, i->handle, i->a, &f));
    enum sync_form form = f.import.number ? f.import.form : is_json_name(f.name) ? SYNC_JSON : SYNC_LINES;
    struct sync_import_request request = { f.id, form, i->action, S("") };
    return sync_import_queue(i->core, tx, i->who, &request, i->a, &i->result);
}

err_t account_files_import(struct core *core, const struct principal *who, slice handle, struct arena *a,
                           struct sync_file *ret)
{
    struct importing i = { .core = core, .who = who, .handle = handle, .action = sync_name_new(core, a), .a = a };
    TRY(meta_write(core->meta, apply_import, &i, a));
    *ret = i.result;
    return NULL;
}

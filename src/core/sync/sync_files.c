/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_files.h"

#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"

err_t sync_files_query(struct core *core, const struct principal *who, const struct sync_files_request *request,
                       struct arena *a, struct sync_file_found *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct workspace workspace;
    struct section section;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(section_of_names(tx, who, &request->names, a, &workspace, &section));
    struct sync_file_query q = { .rows = request->rows,
                                 .workspace_id = workspace.id,
                                 .section_id = request->names.section.n ? section.id : 0,
                                 .now_ms = core_now_ms(core),
                                 .with_total = request->with_total,
                                 .clock = core->clock,
                                 .limit_ms = request->limit_ms };
    return meta_sync_file_query(tx, &q, a, ret);
}

err_t sync_files_get(struct core *core, const int64_t *ids, size_t count, struct arena *a, struct sync_file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct sync_file_list list = { .items = arena_array(a, struct sync_file, count) };
    TRY(meta_read_begin(core->meta, a, &tx));
    for (size_t i = 0; i < count; i++) {
        err_t e = meta_sync_file_get(tx, ids[i], a, &list.items[list.count]);
        if (e && e->code != ERR_NOT_FOUND)
            return e;
        list.count += !e;
    }
    *ret = list;
    return arena_check(a);
}

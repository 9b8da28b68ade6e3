/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/record_set.h"

#include "core/store/record_set_store.h"
#include "core/store/transaction.h"

err_t record_set_find(struct core *core, const struct principal *who, const struct section_names *names,
                      slice data_source, struct arena *a, struct record_set *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct workspace workspace;
    struct section section;
    *ret = (struct record_set){ .data_source = data_source };
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(section_of_names(tx, who, names, a, &workspace, &section));
    err_t e = meta_record_set_find(tx, section.id, data_source, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

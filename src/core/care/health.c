/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/health.h"
#include "core/free_space.h"
#include "core/records/account.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"

static err_t read_one_row(struct core *core, struct arena *a)
{
    struct account account;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_account_by_name(tx, S("default"), a, &account);
}

void health_check(struct core *core, struct arena *a, struct health *ret)
{
    *ret = (struct health){ .meta = read_one_row(core, a), .flush_failed = meta_flush_failed(core->meta) };
    meta_longest(core->meta, &ret->longest);
    ret->blob = core->blob->ops->free_bytes(core->blob, a, &ret->free_bytes);
    ret->free_space = ret->blob ? ret->blob : free_space_check(core, 1, a);
}

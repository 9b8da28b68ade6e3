/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/kinds.h"

#include "core/access/access.h"
#include "core/bucket/upload.h"
#include "core/file/purge.h"
#include "core/object/garbage.h"
#include "core/object/sweep.h"

err_t kind_purge(struct core *core, struct arena *a, int64_t *ret_items)
{
    int64_t uploads = 0;
    TRY(file_purge_due(core, a, ret_items));
    err_t e = upload_purge_due(core, a, &uploads);
    *ret_items += uploads;
    return e;
}

err_t kind_garbage(struct core *core, struct arena *a, int64_t *ret_items)
{
    return garbage_collect(core, a, ret_items);
}

err_t kind_sweep(struct core *core, struct arena *a, int64_t *ret_items)
{
    struct sweep_report report;
    TRY(sweep_run(core, &(struct sweep_request){ .remove = true }, a, &report));
    *ret_items = report.removed;
    return NULL;
}

err_t kind_tokens(struct core *core, struct arena *a, int64_t *ret_items)
{
    return token_forget_ended(core, a, ret_items);
}

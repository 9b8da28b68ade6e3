/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bucket/entry_guard.h"

#include <assert.h>

err_t entry_guards_find(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a,
                        struct entry *ret)
{
    err_t e = err_make(a, ERR_NOT_FOUND, "no guard knows the key");
    for (const struct entry_guard *const *g = core->entry_guards; *g && err_is(e, ERR_NOT_FOUND); g++)
        e = (*g)->find(core, tx, bucket, key, a, ret);
    return e;
}

err_t entry_guards_open(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                        struct content *ret_content)
{
    err_t e = err_make(a, ERR_NOT_FOUND, "no guard knows the key");
    for (const struct entry_guard *const *g = core->entry_guards; *g && err_is(e, ERR_NOT_FOUND); g++)
        e = (*g)->open(core, bucket, key, a, ret, ret_content);
    return e;
}

const struct entry_guard *entry_guard_of_puts(const struct core *core)
{
    for (const struct entry_guard *const *g = core->entry_guards; *g; g++)
        if ((*g)->admit)
            return *g;
    assert(!"no guard admits puts");
    return NULL;
}

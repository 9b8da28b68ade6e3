/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

#include "core/records/account.h"
#include "core/store/account_store.h"

static bool limit_has_room(int64_t own_limit, int64_t default_limit, int64_t used, int64_t more)
{
    int64_t limit = own_limit ? own_limit : default_limit;
    return limit == 0 || more <= 0 || more <= limit - used; /* `used + more` could overflow */
}

err_t quota_check(struct core *core, struct meta_tx *tx, int64_t account_id, int64_t bytes, int64_t files,
                  struct arena *a)
{
    const struct core_options *o = &core->options;
    struct account account;
    TRY(meta_account_get(tx, account_id, a, &account));
    if (!limit_has_room(account.max_bytes, o->account_max_bytes, account.used_bytes, bytes))
        return err_make(a, ERR_QUOTA, "the account's limit of bytes is used up");
    if (!limit_has_room(account.max_files, o->account_max_files, account.used_files, files))
        return err_make(a, ERR_QUOTA, "the account's limit of files is used up");
    return NULL;
}

err_t quota_take(struct core *core, struct meta_tx *tx, int64_t account_id, int64_t bytes, int64_t files,
                 struct arena *a)
{
    if (core->options.account_max_bytes || core->options.account_max_files)
        TRY(quota_check(core, tx, account_id, bytes, files, a));
    return meta_account_use(tx, account_id, bytes, files, a); /* checks the account's own limits */
}

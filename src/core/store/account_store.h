/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, and how much of their limits they use. */
#ifndef CAIS_CORE_STORE_ACCOUNT_STORE_H
#define CAIS_CORE_STORE_ACCOUNT_STORE_H

#include "core/records/account.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_account_add(struct meta_tx *, const struct account *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_account_get(struct meta_tx *, int64_t id, struct arena *a, struct account *ret);
MUST_USE err_t meta_account_by_name(struct meta_tx *, slice name, struct arena *a, struct account *ret);
/* Until the write ends, no other write holds the account. */
MUST_USE err_t meta_account_hold(struct meta_tx *, int64_t id, struct arena *a);
/* By id, ascending. */
MUST_USE err_t meta_account_list(struct meta_tx *, struct arena *a, struct account_list *ret);
MUST_USE err_t meta_account_set_limits(struct meta_tx *, int64_t id, int64_t max_bytes, int64_t max_files,
                                       struct arena *a);
/* Adds to what the account uses, and the owner of the bytes and files; negative numbers subtract. QUOTA, without any change, when
 * either would use more than its own limits. The caller checks the limits of core_options. The store writes the sums at the end of its
 * transaction; if the room is gone by then, because another machine took it, the write fails with QUOTA. */
MUST_USE err_t meta_account_use(struct meta_tx *, int64_t id, const struct account_use *more, struct arena *a);

/* Counts again what the files, entries, parts and records of every account use, and what each user owns of them, and compares the
 * result with the counters. `repair` corrects wrong counters. ret_wrong: how many accounts and users had wrong counters. */
MUST_USE err_t meta_usage_check(struct meta_tx *, bool repair, struct arena *a, int64_t *ret_wrong);

#endif

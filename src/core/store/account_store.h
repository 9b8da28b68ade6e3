/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and what they use. */
#ifndef CAIS_CORE_STORE_ACCOUNT_STORE_H
#define CAIS_CORE_STORE_ACCOUNT_STORE_H

#include "core/records/account.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_account_add(struct meta_tx *, const struct account *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_account_get(struct meta_tx *, int64_t id, struct arena *a, struct account *ret);
MUST_USE err_t meta_account_by_name(struct meta_tx *, slice name, struct arena *a, struct account *ret);
MUST_USE err_t meta_account_list(struct meta_tx *, struct arena *a, struct account_list *ret);
MUST_USE err_t meta_account_set_limits(struct meta_tx *, int64_t id, int64_t max_bytes, int64_t max_files,
                                       struct arena *a);
/* Adds (or, negative, gives back) what files use. QUOTA when a limit of the account would be passed by adding. */
MUST_USE err_t meta_account_use(struct meta_tx *, int64_t id, int64_t bytes, int64_t files, struct arena *a);

/* Recount what every account's files, entries and parts use and compare with its counters; `repair` corrects them. */
MUST_USE err_t meta_usage_check(struct meta_tx *, bool repair, struct arena *a, int64_t *ret_wrong);

#endif

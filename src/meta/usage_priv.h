/* SPDX-License-Identifier: Apache-2.0 */
/* What the writes of one transaction add to the counters of accounts. The sums are kept here and written at the end of
 * the transaction, one statement for each account. So a counter changes last, and once for a whole batch: the row of an
 * account that receives many files is not held while the rest of each write runs. */
#ifndef CAIS_META_USAGE_PRIV_H
#define CAIS_META_USAGE_PRIV_H

#include "core/records/account.h"
#include "meta/store_priv.h"

enum { USAGE_ACCOUNTS_MAX = 32 /* the sums of more accounts are written before the end */ };

struct account_usage {
    int64_t id, max_bytes, max_files, used_bytes, used_files; /* as the row was when it was read; bytes with records */
    struct account_use more;                                  /* what the writes add to it */
};

/* Used by the committer alone. */
struct usage {
    struct account_usage accounts[USAGE_ACCOUNTS_MAX];
    size_t count;
};

/* Adds to what an account uses, in the sums. Errors: NOT_FOUND; QUOTA, and nothing was added. */
MUST_USE err_t usage_add(struct meta_tx *, int64_t account_id, const struct account_use *more, struct arena *a);
/* The record of an account as it will be after this transaction. Does nothing in a snapshot. */
void usage_show(const struct meta_tx *, struct account *);
/* Writes the sums, by account id, and forgets them. Errors: QUOTA an account has no room any more, because another
 * machine took it after the row was read. */
MUST_USE err_t usage_write(struct meta_tx *, struct arena *a);

#endif

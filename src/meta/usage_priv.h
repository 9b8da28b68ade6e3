/* SPDX-License-Identifier: Apache-2.0 */
/* What the writes of one transaction add to the counters of accounts, and of the users who own the files. The sums are kept
 * here and written at the end of the transaction, one statement for each account and each user. So a counter changes last, and
 * once for a whole batch: the row of an account that receives many files is not held while the rest of each write runs. */
#ifndef CAIS_META_USAGE_PRIV_H
#define CAIS_META_USAGE_PRIV_H

#include "core/records/account.h"
#include "core/records/user.h"
#include "meta/store_priv.h"

enum { USAGE_SUMS_MAX = 32 /* the sums of more accounts or users are written before the end */ };

struct usage_sum {
    int64_t id, max_bytes, max_files, used_bytes, used_files; /* as the row was when it was read; bytes with records */
    struct account_use more;                                  /* what the writes add to it */
};
struct usage_sums {
    struct usage_sum rows[USAGE_SUMS_MAX];
    size_t count;
};

/* Used by the committer alone. */
struct usage {
    struct usage_sums accounts, users;
};

void usage_clear(struct usage *);
void usage_copy(struct usage *to, const struct usage *from);
/* Adds to what an account uses, and to what the owner does, in the sums. Errors: NOT_FOUND; QUOTA, and nothing was added. */
MUST_USE err_t usage_add(struct meta_tx *, int64_t account_id, const struct account_use *more, struct arena *a);
/* The record of an account, or of a user, as it will be after this transaction. They do nothing in a snapshot. */
void usage_show(const struct meta_tx *, struct account *);
void usage_show_user(const struct meta_tx *, struct user *);
/* Writes the sums, by id of the account and then of the user, and forgets them. Errors: QUOTA an account or a user has no room
 * any more, because another machine took it after the row was read. */
MUST_USE err_t usage_write(struct meta_tx *, struct arena *a);

#endif

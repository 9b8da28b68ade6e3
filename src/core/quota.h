/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of an account: bytes and files. An account that has no limit of its own has that of core_options. Files,
 * entries of buckets and parts of uploads all count. */
#ifndef CAIS_CORE_QUOTA_H
#define CAIS_CORE_QUOTA_H

#include "core/core.h"

/* Does the account have room for that many more bytes and files? Negative numbers, which give room back, always fit.
 * Errors: QUOTA, NOT_FOUND. */
MUST_USE err_t quota_check(struct core *, struct meta_tx *, int64_t account_id, int64_t bytes, int64_t files,
                           struct arena *a);
/* The same, and counts the room as used. Runs inside a write, so no other write can use the room in between. */
MUST_USE err_t quota_take(struct core *, struct meta_tx *, int64_t account_id, int64_t bytes, int64_t files,
                          struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets. */
#ifndef CAIS_CORE_STORE_BUCKET_STORE_H
#define CAIS_CORE_STORE_BUCKET_STORE_H

#include "core/records/bucket.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_bucket_add(struct meta_tx *, const struct bucket *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_bucket_by_name(struct meta_tx *, slice name, struct arena *a, struct bucket *ret);
/* By name, ascending, without the CORS rules. account_id 0: of all accounts, and the server's own. */
MUST_USE err_t meta_bucket_list(struct meta_tx *, int64_t account_id, const struct bucket_range *, struct arena *a,
                                struct bucket_list *ret);
MUST_USE err_t meta_bucket_count(struct meta_tx *, int64_t account_id, struct arena *a, int64_t *ret);
/* Expects that the bucket has old_cors now, which the caller has counted: NOT_FOUND when another write was faster. */
MUST_USE err_t meta_bucket_set_cors(struct meta_tx *, int64_t id, slice old_cors, slice cors, struct arena *a);
/* CONFLICT while the bucket has entries, uploads or tickets. */
MUST_USE err_t meta_bucket_remove(struct meta_tx *, int64_t id, struct arena *a);

#endif

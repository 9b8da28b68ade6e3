/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that report, and the runs that they reported. What is found by name, id or key is held until the write ends. */
#ifndef CAIS_CORE_STORE_REPORT_STORE_H
#define CAIS_CORE_STORE_REPORT_STORE_H

#include "core/records/report.h"
#include "core/store/transaction.h"

/* CONFLICT: the account has one of that name. */
MUST_USE err_t meta_reporter_add(struct meta_tx *, const struct reporter *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_reporter_by_name(struct meta_tx *, int64_t account_id, slice name, struct arena *a,
                                     struct reporter *ret);
/* Writes version, host, system and last_seen_ms. NOT_FOUND. */
MUST_USE err_t meta_reporter_update(struct meta_tx *, const struct reporter *, struct arena *a);
/* One that is beyond the `keep` of the account that were seen last, or, with account_id 0, one of any account that was not seen
 * since before_ms. NOT_FOUND when there is none. */
MUST_USE err_t meta_reporter_surplus(struct meta_tx *, int64_t account_id, size_t keep, int64_t before_ms,
                                     struct arena *a, struct reporter *ret);
/* *ret_removed: it was there. */
MUST_USE err_t meta_reporter_remove(struct meta_tx *, int64_t id, struct arena *a, bool *ret_removed);

/* CONFLICT: the account has one of that key. */
MUST_USE err_t meta_report_run_add(struct meta_tx *, const struct report_run *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_report_run_get(struct meta_tx *, int64_t id, struct arena *a, struct report_run *ret);
MUST_USE err_t meta_report_run_by_key(struct meta_tx *, int64_t account_id, slice key, struct arena *a,
                                      struct report_run *ret);
/* Writes state, details and ended_at_ms. NOT_FOUND. */
MUST_USE err_t meta_report_run_update(struct meta_tx *, const struct report_run *, struct arena *a);
/* One that is beyond the `keep` newest of the account, or, with account_id 0, one of any account that began before before_ms.
 * NOT_FOUND when there is none. */
MUST_USE err_t meta_report_run_surplus(struct meta_tx *, int64_t account_id, size_t keep, int64_t before_ms,
                                       struct arena *a, struct report_run *ret);
/* *ret_removed: it was there. */
MUST_USE err_t meta_report_run_remove(struct meta_tx *, int64_t id, struct arena *a, bool *ret_removed);

#endif

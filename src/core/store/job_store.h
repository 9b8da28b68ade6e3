/* SPDX-License-Identifier: Apache-2.0 */
/* Background jobs. */
#ifndef CAIS_CORE_STORE_JOB_STORE_H
#define CAIS_CORE_STORE_JOB_STORE_H

#include "core/records/job.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_job_add(struct meta_tx *, const struct job *, struct arena *a, int64_t *ret_id);
/* Adds the periodic job of that kind when there is none. Jobs of that kind that are RUNNING become QUEUED: the server
 * ended while they ran. So does a periodic job that is DONE or FAILED, to run at run_at_ms. */
MUST_USE err_t meta_job_ensure(struct meta_tx *, slice kind, int64_t run_at_ms, struct arena *a);
/* Of the QUEUED jobs whose run_at_ms is not later than now_ms, the one that was due first. NOT_FOUND when there is
 * none. */
MUST_USE err_t meta_job_due(struct meta_tx *, int64_t now_ms, struct arena *a, struct job *ret);
/* Writes everything but id, kind and subject. */
MUST_USE err_t meta_job_save(struct meta_tx *, const struct job *, struct arena *a);
/* By id, ascending. */
MUST_USE err_t meta_job_list(struct meta_tx *, struct arena *a, struct job_list *ret);

#endif

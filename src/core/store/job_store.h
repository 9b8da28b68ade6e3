/* SPDX-License-Identifier: Apache-2.0 */
/* Background jobs. */
#ifndef CAIS_CORE_STORE_JOB_STORE_H
#define CAIS_CORE_STORE_JOB_STORE_H

#include "core/records/job.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_job_add(struct meta_tx *, const struct job *, struct arena *a, int64_t *ret_id);
/* Make sure that a periodic job of that kind exists; one that was RUNNING when the server died is QUEUED again. */
MUST_USE err_t meta_job_ensure(struct meta_tx *, slice kind, int64_t run_at_ms, struct arena *a);
/* The job that has been due longest; NOT_FOUND when none is. */
MUST_USE err_t meta_job_due(struct meta_tx *, int64_t now_ms, struct arena *a, struct job *ret);
MUST_USE err_t meta_job_save(struct meta_tx *, const struct job *, struct arena *a); /* all but id, kind, subject */
MUST_USE err_t meta_job_list(struct meta_tx *, struct arena *a, struct job_list *ret);

#endif

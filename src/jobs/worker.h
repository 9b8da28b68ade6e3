/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one job, from its claim to its outcome. */
#ifndef CAIS_JOBS_WORKER_H
#define CAIS_JOBS_WORKER_H

#include "base/log.h"
#include "jobs/kind.h"

/* A lease lasts so long. Runs renew it three times in that time (core/job.h). */
#define JOB_LEASE_MS 30000

/* Runs one job at a time, on one thread. */
struct worker {
    struct core *core;
    struct log *log;
    slice owner;           /* its name in the rows: no other worker, of any process, has it */
    const bool *is_ending; /* the server stops; atomic */
};

/* Claims a job of that kind and runs it. Returns an error only when the store failed; *ret_failure is the failure of
 * the run. NOT_FOUND: there is nothing to do. */
MUST_USE err_t worker_run_one(struct worker *, const struct job_kind *, struct arena *a, err_t *ret_failure);

#endif

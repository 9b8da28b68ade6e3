/* SPDX-License-Identifier: Apache-2.0 */
/* The workers of background jobs (core/job.h): threads that claim jobs which are due, run them, and write the outcomes.
 * A kind says what a run does; kinds.c has those of the product.
 *
 *   tasks     removes what is left of tasks that were removed           core/task/task.h
 *   purge     removes the records of files whose purge time has come    core/file/purge.h
 *             ends uploads in parts that have expired                   core/bucket/upload.h
 *   garbage   removes bytes whose record is gone, after the grace       core/object/garbage.h
 *   sweep     removes bytes that never got a record                     core/object/sweep.h
 *   tokens    forgets tokens that ended long ago                        core/access/access.h
 *   keys      writes when keys were last used                           core/access/key_use.h
 *   ingest    reads a file into the rows of its dataset                 core/dataset/ingest.h
 *   import    puts the rows of a sync file into records                 core/sync/sync_import.h
 *   webhooks  tells other servers of changes                         core/webhook/webhook.h
 *   jobs      forgets jobs that ended long ago                          core/job.h
 *
 * Each kind belongs to a lane, and each lane has threads of its own, so that long work does not delay short work. A run
 * that fails is logged and repeated after a back-off, until its kind's limit of attempts. While a backup runs, no bytes
 * are removed (garbage_hold). */
#ifndef CAIS_JOBS_JOBS_H
#define CAIS_JOBS_JOBS_H

#include "base/log.h"
#include "jobs/kind.h"

struct jobs;

struct jobs_options {
    struct log *log; /* may be NULL */
    /* No other process has the store. So a process that has ended left the jobs that are RUNNING, and they may be
     * claimed at once. */
    bool is_alone;
    const struct job_kind *more_kinds; /* besides those of the product; borrowed */
    size_t more_count;
    size_t work_threads;   /* of LANE_WORK; 0: the default */
    size_t ingest_threads; /* of LANE_INGEST; 0: the default */
};

/* Makes the rows of periodic jobs that do not exist yet. Starts nothing. core is borrowed. */
MUST_USE err_t jobs_new(struct core *, const struct jobs_options *, struct arena *a, struct jobs **ret_jobs);
void jobs_start(struct jobs *); /* start the threads */
/* Asks the runs to stop, waits until each has finished its current step, and ends the threads. NULL is fine. */
void jobs_free(struct jobs *);

/* Runs every job that is due by core's clock, on the calling thread. Only while the jobs' own threads do not run. After
 * a failed run the remaining jobs run, too; returns the first failure. */
MUST_USE err_t jobs_run_due(struct jobs *, struct arena *a);
/* Runs one job of that kind, if one is due, as jobs_run_due does. Errors: NOT_FOUND none is due, or there is no such kind; the failure of the
 * run. */
MUST_USE err_t jobs_run_kind(struct jobs *, slice kind, struct arena *a);

#endif

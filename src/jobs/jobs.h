/* SPDX-License-Identifier: Apache-2.0 */
/* Periodic background work. The jobs are rows of the metadata store, so that their schedule survives a restart.
 *
 *   purge     removes the records of files whose purge time has come    core/file/purge.h
 *             ends uploads in parts that have expired                   core/bucket/upload.h
 *   garbage   removes bytes whose record is gone, after the grace       core/object/garbage.h
 *   sweep     removes bytes that never got a record                     core/object/sweep.h
 *   tokens    forgets tokens that ended long ago                        core/access/access.h
 *
 * One thread runs one job at a time. A job that fails is logged and tried again a minute later. While a backup runs, no
 * bytes are removed (garbage_hold). */
#ifndef CAIS_JOBS_JOBS_H
#define CAIS_JOBS_JOBS_H

#include "base/log.h"
#include "core/core.h"
#include "core/records/job.h"

struct jobs;

struct jobs_options {
    int64_t purge_every_ms;   /* 0: a minute */
    int64_t garbage_every_ms; /* 0: five minutes */
    int64_t sweep_every_ms;   /* 0: six hours */
    int64_t tokens_every_ms;  /* 0: an hour */
    struct log *log;          /* may be NULL */
};

/* Make the rows of jobs that do not exist yet. Starts nothing. core is borrowed. */
MUST_USE err_t jobs_new(struct core *, const struct jobs_options *, struct arena *a, struct jobs **ret_jobs);
void jobs_start(struct jobs *); /* start the thread */
void jobs_free(struct jobs *);  /* stops the thread after the job that runs now; NULL is fine */

/* Run every job that is due by core's clock, on the calling thread. Only while the jobs' own thread does not run.
 * After a failure the remaining jobs run, too; returns the first failure. */
MUST_USE err_t jobs_run_due(struct jobs *, struct arena *a);

/* All jobs, by id. */
MUST_USE err_t jobs_list(struct core *, struct arena *a, struct job_list *ret);

#endif

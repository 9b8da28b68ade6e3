/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when nobody is asking: periodic work, kept in the metadata store, so that it goes on where it was after
 * a restart.
 *
 *   purge     files whose time has come: row, usage, event             core/file/purge.h
 *             uploads in parts that nobody completed in time           core/bucket/upload.h
 *   garbage   bytes whose record is gone, after a grace                core/object/garbage.h
 *   sweep     bytes that never got a record                            core/object/sweep.h
 *   tokens    forget tokens that ended long ago                        core/access/access.h
 *
 * One thread runs one job at a time. A job that fails is tried again a minute later, and is told of in the log.
 * While a backup runs nothing is removed (garbage_hold). */
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

/* Makes sure that the jobs exist; starts nothing. core is borrowed. */
MUST_USE err_t jobs_new(struct core *, const struct jobs_options *, struct arena *a, struct jobs **ret_jobs);
void jobs_start(struct jobs *); /* the thread */
void jobs_free(struct jobs *);  /* stops it, after the job that runs now; NULL is fine */

/* Run what is due by core's clock, on this thread, until nothing is. For tests, and for the command line. Not while the
 * thread runs. Returns the first failure, after running the rest. */
MUST_USE err_t jobs_run_due(struct jobs *, struct arena *a);

/* Every job that there is, by id. */
MUST_USE err_t jobs_list(struct core *, struct arena *a, struct job_list *ret);

#endif

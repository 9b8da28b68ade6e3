/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a kind of job: its lane, period, attempts, and the function that runs it. */
#ifndef CAIS_JOBS_KIND_H
#define CAIS_JOBS_KIND_H

#include "core/job.h"

enum job_lane {
    LANE_CARE,   /* short periodic work: one thread */
    LANE_SWEEP,  /* long scans of the whole store: one thread */
    LANE_WORK,   /* work for requests of clients: several threads */
    LANE_INGEST, /* reading files into rows: jobs_options.ingest_threads of the lowest priority, which take what requests leave of the processors */
    LANE_SEND,   /* requests to other servers, many at a time: one thread, which waits for them */
    JOB_LANES
};

struct job_kind {
    const char *name;
    enum job_lane lane;
    int64_t period_ms;      /* 0: it runs when a job is added */
    int64_t max_attempts;   /* then the job is FAILED; 0: no limit. Periodic kinds have none */
    int64_t retry_first_ms; /* the back-off after the first failed attempt; it doubles with each more, */
    int64_t retry_max_ms;   /* the longest pause; up to half of a pause is subtracted at random */
    /* One run. It does its work in steps, between which it asks job_is_stopping, reports job_progress, and can be
     * interrupted at any instant and run again. Returns an error if it failed; `a` lives until the outcome is
     * written. */
    err_t (*run)(struct job_run *, struct arena *a);
    void *context; /* job_run.context */
};

#endif

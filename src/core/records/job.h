/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_JOB_H
#define CAIS_CORE_RECORDS_JOB_H

#include "base/slice.h"

/* Background work that survives a restart; core/job.h draws its states. A job without a subject is periodic: its kind
 * has one such job, which returns to QUEUED when it has run. */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

struct job {
    int64_t id; /* ascending in the order in which the jobs were added */
    slice kind;
    slice subject;      /* what it works on, such as "file:UUID"; empty: a periodic job */
    int64_t account_id; /* on whose behalf; 0: the server's own */
    slice group;        /* jobs of the same group run one after the other, by id; empty: no group */
    slice payload;      /* what the run needs to know besides its subject; written once */
    enum job_state state;
    int64_t created_at_ms;
    int64_t run_at_ms;                     /* it may be claimed from then on */
    int64_t started_at_ms, finished_at_ms; /* of the last run; 0: there was none */
    int64_t attempts;                      /* claims since it was added, retried, or last succeeded */
    int64_t progress, total;               /* items done, and items in all; total 0: unknown */
    slice checkpoint;                      /* what a run noted, so that the next attempt goes on from there */
    slice result;                          /* what the last run reported when it succeeded */
    slice error;                           /* of the last run; empty: it succeeded */
    slice lease_owner;                     /* of the worker that runs it; empty: none does */
    int64_t lease_until_ms;                /* from then on another worker may claim it */
    int64_t cancel_at_ms;                  /* when somebody asked for the run to stop; 0: nobody did */
};
struct job_list {
    struct job *items;
    size_t count;
};

/* A claim as its worker knows it. It holds as long as the row still says the same. */
struct job_claim {
    int64_t id;
    slice owner;
    int64_t attempts;
};

/* What a run notes in the row while it works. `checkpoint` is written by job_note alone. */
struct job_notes {
    int64_t progress, total;
    slice checkpoint;
};

#endif

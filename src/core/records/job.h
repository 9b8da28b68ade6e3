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
    slice subject;      /* the thing that it works on, such as "file:UUID"; empty: a periodic job */
    int64_t account_id; /* the account for which it works; 0: the server itself */
    slice group;        /* jobs of the same group run one after the other, by id; empty: no group */
    slice payload;      /* other parameters of the run; written once */
    enum job_state state;
    int64_t created_at_ms;
    int64_t run_at_ms;                     /* the earliest time at which it may be claimed */
    int64_t started_at_ms, finished_at_ms; /* of the last run; 0: there was none */
    int64_t attempts;                      /* claims since it was added, retried, or last succeeded */
    int64_t progress, total;               /* items done, and items in all; total 0: unknown */
    slice checkpoint;                      /* the position from which the next attempt continues; a run writes it */
    slice result;                          /* the report of the last run that succeeded */
    slice error;                           /* of the last run; empty: it succeeded */
    slice lease_owner;                     /* of the worker that runs it; empty: none does */
    int64_t lease_until_ms;                /* from then on another worker may claim it */
    int64_t cancel_at_ms;                  /* when the run was asked to stop; 0: it was not */
};
struct job_list {
    struct job *items;
    size_t count;
};

/* Jobs that are listed, newest first. */
struct job_query {
    int64_t account_id; /* 0: of all accounts, and of the server itself */
    int64_t before_id;  /* only ids below it; 0: from the newest */
    int state;          /* an enum job_state; -1: any */
    size_t limit;
};

/* The claim of a worker. It is valid as long as the row has the same values. */
struct job_claim {
    int64_t id;
    slice owner;
    int64_t attempts;
};

/* Notes that a run writes to the row while it works. Only job_note writes `checkpoint`. */
struct job_notes {
    int64_t progress, total;
    slice checkpoint;
};

#endif

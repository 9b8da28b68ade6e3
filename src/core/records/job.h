/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_JOB_H
#define CAIS_CORE_RECORDS_JOB_H

#include "base/slice.h"

/* Background work that survives a restart. A periodic job returns to QUEUED, with a later run_at_ms, when it has
 * run. */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED };
struct job {
    int64_t id;
    slice kind;
    slice subject; /* empty: a periodic job */
    enum job_state state;
    int64_t run_at_ms, started_at_ms, finished_at_ms;
    int64_t attempts, progress, total;
    slice error; /* of the last run; empty: it succeeded */
};
struct job_list {
    struct job *items;
    size_t count;
};

#endif

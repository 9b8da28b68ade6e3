/* SPDX-License-Identifier: Apache-2.0 */
/* What programs of clients report about themselves: that they are there, and how their runs begin and end. It is kept for the
 * operator, for some time, and decides nothing.
 *
 *   REPORT_ALIVE                    the reporter was seen
 *   REPORT_BEGIN ──► a run that is open ──► REPORT_END     it has ended
 *                                       └──► REPORT_ERROR  it has failed
 *
 * A report that names no run, or one that is not kept any more, makes a run that has ended. Reports write no events, since
 * thousands of them come and nothing of what people keep changes.
 *
 * Limits   REPORTERS_MAX and REPORT_RUNS_MAX for each account: the reporter that was unseen for the longest time, or the oldest
 *          run, makes room for a new one. All of them count in the room of the account.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block. */
#ifndef CAIS_CORE_REPORT_REPORT_H
#define CAIS_CORE_REPORT_REPORT_H

#include "core/core.h"
#include "core/records/report.h"

struct job_run;

enum {
    REPORTERS_MAX = 1000,
    REPORT_RUNS_MAX = 5000,
    REPORT_TEXT_MAX = 1024,         /* bytes, of each text but the details */
    REPORT_DETAILS_MAX = 64 * 1024, /* bytes */
};
#define REPORT_RUNS_KEPT_MS ((int64_t)30 * 24 * 3600 * 1000)
#define REPORTERS_KEPT_MS ((int64_t)90 * 24 * 3600 * 1000) /* after they were seen last */

enum report_kind { REPORT_ALIVE, REPORT_BEGIN, REPORT_END, REPORT_ERROR };

struct report {
    enum report_kind kind;
    slice reporter; /* its name, not empty */
    slice version, host, system;
    slice key;      /* several reports with the same one make one run; empty: none */
    int64_t run_id; /* of END and ERROR: the run that a BEGIN made; 0: none */
    slice details;  /* a JSON object */
};

/* *ret_id: the run, or of REPORT_ALIVE the reporter. Errors: TOO_LARGE a text; QUOTA. */
MUST_USE err_t report_take(struct core *, const struct principal *who, const struct report *, struct arena *a,
                           int64_t *ret_id);

/* Forgets runs and reporters that are older than they are kept. Errors: those of the store. */
MUST_USE err_t report_forget_old(struct core *, struct job_run *, struct arena *a);

#endif

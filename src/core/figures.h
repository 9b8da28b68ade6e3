/* SPDX-License-Identifier: Apache-2.0 */
/* What accounts used over time: a row a day (in UTC) and account, kept for FIGURES_DAYS. The job that writes them runs every hour, so
 * the row of today is that of the last hour, and the one of an earlier day is that of its last hour with a running server. A day on
 * which the server did not run has no row. When the clock is set back, no row is replaced by one of an earlier time. */
#ifndef CAIS_CORE_FIGURES_H
#define CAIS_CORE_FIGURES_H

#include "core/core.h"
#include "core/job.h"
#include "core/records/figures.h"

#define FIGURES_JOB "figures"
enum { FIGURES_DAYS = 731 }; /* two years, of which one may be a leap year, and today */

/* Write the rows of today, and forget those that are older than FIGURES_DAYS. In short writes; may be repeated. Errors: those of the
 * store. */
MUST_USE err_t figures_write(struct core *, struct job_run *, struct arena *a);
/* The day of a time. */
int64_t figures_day(int64_t at_ms);
/* The rows of an account from one day to another, both included, by day: at most one for each of them. Errors: those of the store. */
MUST_USE err_t figures_list(struct core *, int64_t account_id, int64_t from_day, int64_t to_day, struct arena *a,
                            struct figures_list *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Failures that tests plan. */
#ifndef CAIS_BASE_FAULT_H
#define CAIS_BASE_FAULT_H

#include "base/err.h"

/* Which call fails. All fault wrappers (SQL and blob) share one plan, so "the nth store call" counts across stores.
 * Thread-safe. */
struct fault_plan {
    int64_t calls;      /* store calls made so far */
    int64_t fail_at;    /* this call fails (1 is the first); 0 never */
    int64_t fail_count; /* how many calls fail in a row, at least 1 */
    enum err_code code; /* the error that they fail with */
    /* The call takes effect and fails all the same, as when the answer of a remote database is lost. */
    bool answer_lost;
    /* SQL: the call also rolls back the transaction, as SQLite may do when the disk is full. */
    bool rolls_back;
};
/* Count a call. True: it must fail. */
bool fault_plan_hit(struct fault_plan *plan);

#endif

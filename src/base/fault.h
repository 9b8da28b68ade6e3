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

/* The error of a call that fails, which is named as "dataset define". */
err_t fault_plan_failure(const struct fault_plan *, struct arena *a, const char *call);
/* Before a call: the error of one that must not reach the store. *ret_lost: the call must reach it and fail afterwards. */
MUST_USE err_t fault_plan_call(struct fault_plan *, struct arena *a, const char *call, bool *ret_lost);

/* Return what e returns, the call of the inner store, unless it is planned to fail. */
#define FAULTY(plan, a, call, e)                                                                                       \
    do {                                                                                                               \
        bool lost_;                                                                                                    \
        TRY(fault_plan_call((plan), (a), (call), &lost_));                                                             \
        TRY(e);                                                                                                        \
        return lost_ ? fault_plan_failure((plan), (a), (call)) : NULL;                                                 \
    } while (0)

#endif

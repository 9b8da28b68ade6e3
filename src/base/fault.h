/* SPDX-License-Identifier: Apache-2.0 */
/* Failing on command, for tests. */
#ifndef CAIS_BASE_FAULT_H
#define CAIS_BASE_FAULT_H

#include "base/err.h"

/* Which call fails next. Shared by any number of fault wrappers (SQL and blob), so that "the nth store call" counts
 * across stores. Thread-safe. */
struct fault_plan {
    int64_t calls;      /* store calls made so far */
    int64_t fail_at;    /* this call fails (1 is the first); 0 never */
    int64_t fail_count; /* how many in a row, at least 1 */
    enum err_code code; /* what it fails with */
    bool
        answer_lost; /* it is carried out all the same, and only then fails: what an engine does whose answer is lost */
};
/* True when this call must fail. Counts it. */
bool fault_plan_hit(struct fault_plan *plan);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

bool fault_plan_hit(struct fault_plan *plan)
{
    int64_t call = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_SEQ_CST);
    int64_t at = __atomic_load_n(&plan->fail_at, __ATOMIC_SEQ_CST);
    int64_t count = __atomic_load_n(&plan->fail_count, __ATOMIC_SEQ_CST);
    return at > 0 && call >= at && call < at + (count > 1 ? count : 1);
}

err_t fault_plan_failure(const struct fault_plan *plan, struct arena *a, const char *call)
{
    return err_make(a, __atomic_load_n(&plan->code, __ATOMIC_SEQ_CST), "planned failure in %s", call);
}

err_t fault_plan_call(struct fault_plan *plan, struct arena *a, const char *call, bool *ret_lost)
{
    bool fails = fault_plan_hit(plan);
    *ret_lost = fails && plan->answer_lost;
    return fails && !*ret_lost ? fault_plan_failure(plan, a, call) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/fsck_priv.h"

#include "core/store/job_store.h"
#include "core/store/task_store.h"
#include "core/task/task.h"

static bool has_removal_job(const struct job_list *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (slice_eq(jobs->items[i].kind, S(TASK_REMOVAL_JOB)) && !jobs->items[i].subject.n)
            return true;
    return false;
}

/* *ret_task_id: the first task that was removed and of which no job removes what is left; 0: there is none. */
static err_t find_abandoned_task(struct fsck *f, struct arena *a, int64_t *ret_task_id)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct job_list jobs;
    struct removed_task task;
    *ret_task_id = 0;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(meta_job_list(tx, ALL_IDS, a, &jobs));
    if (has_removal_job(&jobs))
        return NULL;
    err_t e = meta_removed_task_first(tx, a, &task);
    if (!e)
        *ret_task_id = task.task_id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t apply_ensure_removal_job(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_job_ensure(tx, S(TASK_REMOVAL_JOB), core_now_ms(arg), a);
}

err_t fsck_check_removed_tasks(struct fsck *f)
{
    SCRATCH(a);
    int64_t task_id;
    err_t e = find_abandoned_task(f, &a, &task_id);
    if (!e && task_id && f->options->repair)
        e = meta_write(f->core->meta, apply_ensure_removal_job, f->core, &a);
    if (e)
        return err_copy(f->a, e);
    if (task_id)
        fsck_add_finding(f, FSCK_WARNING, "removed, and no job removes what is left of it",
                         arena_printf(&a, "task:%lld", (long long)task_id), S(""), f->options->repair);
    return NULL;
}

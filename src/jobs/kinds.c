/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/kinds.h"

#include "core/access/access.h"
#include "core/access/key_use.h"
#include "core/bucket/upload.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/ingest.h"
#include "core/dataset/prefix.h"
#include "core/event_prune.h"
#include "core/figures.h"
#include "core/file/purge.h"
#include "core/object/garbage.h"
#include "core/object/scrub.h"
#include "core/object/sweep.h"
#include "core/report/report.h"
#include "core/space/remnants.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_import.h"
#include "core/task/task.h"
#include "core/transfer/transfer.h"
#include "core/webhook/webhook.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static err_t run_purge(struct job_run *run, struct arena *a)
{
    TRY(remnants_remove(run->core, run, a));
    TRY(file_purge_due(run->core, run, a));
    TRY(transfer_purge_due(run->core, run, a));
    TRY(sync_file_purge_due(run->core, run, a));
    TRY(sync_import_end_left(run->core, run, a));
    return upload_purge_due(run->core, run, a);
}

static err_t run_garbage(struct job_run *run, struct arena *a)
{
    return garbage_collect(run->core, run, a);
}

static err_t run_sweep(struct job_run *run, struct arena *a)
{
    struct sweep_report report;
    return sweep_run(run->core, &(struct sweep_request){ .remove = true, .run = run }, a, &report);
}

static err_t run_scrub(struct job_run *run, struct arena *a)
{
    return scrub_run(run->core, run, a);
}

static err_t run_tokens(struct job_run *run, struct arena *a)
{
    int64_t count;
    TRY(token_forget_ended(run->core, a, &count));
    job_advance(run, count);
    return NULL;
}

static err_t run_key_uses(struct job_run *run, struct arena *a)
{
    int64_t count;
    TRY(key_use_write(run->core, a, &count));
    job_advance(run, count);
    return NULL;
}

static err_t run_reports(struct job_run *run, struct arena *a)
{
    return report_forget_old(run->core, run, a);
}

static err_t run_jobs(struct job_run *run, struct arena *a)
{
    return job_forget_finished(run->core, run, a);
}

static err_t run_tasks(struct job_run *run, struct arena *a)
{
    return task_finish_removed(run->core, run, a);
}

static err_t run_datasets(struct job_run *run, struct arena *a)
{
    TRY(dataset_process_due(run->core, run, a));
    TRY(dataset_end_left(run->core, run, a));
    TRY(prefix_forget_expired(run->core, run, a));
    return dataset_remove_ended(run->core, run, a);
}

static err_t run_process(struct job_run *run, struct arena *a)
{
    return dataset_queue_files(run->core, run, a);
}

static err_t run_ingest(struct job_run *run, struct arena *a)
{
    return dataset_ingest(run->core, run, a);
}

static err_t run_compose(struct job_run *run, struct arena *a)
{
    return transfer_compose(run->core, run, a);
}

static err_t run_import(struct job_run *run, struct arena *a)
{
    return sync_import_run(run->core, run, a);
}

static err_t run_webhooks(struct job_run *run, struct arena *a)
{
    return webhook_deliver(run->core, run, a);
}

static err_t run_figures(struct job_run *run, struct arena *a)
{
    return figures_write(run->core, run, a);
}

/* Once a day, because each run that removes something adds an event. */
static err_t run_audit(struct job_run *run, struct arena *a)
{
    return event_prune_due(run->core, run, a);
}

const struct job_kind job_kinds[] = {
    { TASK_REMOVAL_JOB, LANE_WORK, MINUTE, 0, SECOND, MINUTE, run_tasks, NULL },
    { "datasets", LANE_CARE, MINUTE, 0, SECOND, MINUTE, run_datasets, NULL },
    { DATASET_INGEST_JOB, LANE_INGEST, 0, DATASET_INGEST_ATTEMPTS, SECOND, 5 * MINUTE, run_ingest, NULL },
    { SYNC_IMPORT_JOB, LANE_INGEST, 0, 0, SECOND, 5 * MINUTE, run_import, NULL },
    { DATASET_QUEUE_JOB, LANE_WORK, 0, 0, SECOND, MINUTE, run_process, NULL },
    { TRANSFER_COMPOSE_JOB, LANE_WORK, 0, 10, SECOND, 5 * MINUTE, run_compose, NULL },
    { "purge", LANE_CARE, MINUTE, 0, MINUTE, MINUTE, run_purge, NULL },
    { "garbage", LANE_CARE, 5 * MINUTE, 0, MINUTE, 5 * MINUTE, run_garbage, NULL },
    { "sweep", LANE_SWEEP, 6 * HOUR, 0, MINUTE, HOUR, run_sweep, NULL },
    { SCRUB_JOB, LANE_SWEEP, SCRUB_RUN_MS, 0, MINUTE, HOUR, run_scrub, NULL },
    { "tokens", LANE_CARE, HOUR, 0, MINUTE, HOUR, run_tokens, NULL },
    { KEY_USE_JOB, LANE_CARE, KEY_USE_PERIOD_MS, 0, MINUTE, HOUR, run_key_uses, NULL },
    { "reports", LANE_CARE, HOUR, 0, MINUTE, HOUR, run_reports, NULL },
    { "jobs", LANE_CARE, HOUR, 0, MINUTE, HOUR, run_jobs, NULL },
    { WEBHOOK_JOB, LANE_SEND, MINUTE, 0, SECOND, MINUTE, run_webhooks, NULL },
    { FIGURES_JOB, LANE_CARE, HOUR, 0, MINUTE, HOUR, run_figures, NULL },
    { "audit", LANE_SWEEP, DAY, 0, MINUTE, HOUR, run_audit, NULL },
};
const size_t job_kind_count = LENGTH_OF(job_kinds);

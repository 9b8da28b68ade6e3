/* SPDX-License-Identifier: Apache-2.0 */
/* cais jobs: background work and when it is due; retry and cancel it. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/listing.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/file/purge.h"
#include "core/job.h"
#include "jobs/jobs.h"

#include <poll.h>
#include <string.h>

static const struct listing_layout job_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", "JOB", LISTING_NUMBER },
            { "kind", "KIND", LISTING_TEXT },
            { "state", "STATE", LISTING_TEXT },
            { "run_at", "NEXT", LISTING_TIME },
            { "attempts", "TRIES", LISTING_NUMBER, 0, 3 },
            { "progress", "DONE", LISTING_NUMBER },
            { "error", "ERROR", LISTING_TEXT, LISTING_CUT },
            { "subject", "SUBJECT", LISTING_TEXT, LISTING_CUT, 1 },
            { "total", "OF", LISTING_NUMBER, LISTING_ZERO_IS_NONE, 2 },
            { "created_at", "ADDED", LISTING_TIME, 0, 5 },
            { "started_at", "STARTED", LISTING_TIME, 0, 5 },
            { "finished_at", "FINISHED", LISTING_TIME, 0, 4 },
            { "cancelling", NULL, LISTING_FLAG },
            { "result", NULL, LISTING_TEXT },
        },
    .count = 14,
    .none = "There are no jobs yet: 'cais serve' makes them when it starts.",
};

static void add_job(struct listing *list, const struct job *j)
{
    bool is_stopping = j->cancel_at_ms > 0 && !list->as_json;
    listing_number(list, j->id);
    listing_text(list, j->kind);
    listing_text(list, is_stopping ? S("stopping") : slice_of(job_state_name(j->state)));
    listing_time(list, j->run_at_ms);
    listing_number(list, j->attempts);
    listing_number(list, j->progress);
    listing_text(list, j->error);
    listing_text(list, j->subject);
    listing_number(list, j->total);
    listing_time(list, j->created_at_ms);
    listing_time(list, j->started_at_ms);
    listing_time(list, j->finished_at_ms);
    listing_flag(list, j->cancel_at_ms > 0);
    listing_text(list, j->result);
}

static int jobs_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    struct job_list jobs = { 0 };
    if (!listing_begin(&list, cli, &job_layout))
        return EXIT_USAGE;
    err_t e = job_list(&admin->store->core, &list.page, cli->arena, &jobs);
    for (size_t i = 0; !e && i < jobs.count; i++) {
        add_job(&list, &jobs.items[i]);
        listing_end_row(&list, jobs.items[i].id);
    }
    return listing_end(&list, e);
}

/* ---- one job ---- */

/* The number of the job, the only operand. */
static bool parse_job_id(struct cli *cli, int64_t *ret_id)
{
    uint64_t id;
    if (slice_to_u64(slice_of(cli->options->operands[0]), &id) && id > 0 && id <= INT64_MAX) {
        *ret_id = (int64_t)id;
        return true;
    }
    return false;
}

static int report_change(struct cli *cli, int64_t id, const char *words, const char *state)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "job %lld %s\n", (long long)id, words);
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", id);
    json_put_string(&line.o, "state", slice_of(state));
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

static int jobs_retry_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    if (!parse_job_id(cli, &id))
        return usage_error(cli->err, cli->options->command, "'%s' is not the number of a job",
                           cli->options->operands[0]);
    err_t e = admin_no_such(cli, job_retry(&admin->store->core, &admin->who, id, cli->arena), "job",
                            slice_of(cli->options->operands[0]), "jobs");
    return e ? command_failed(cli, e) : report_change(cli, id, "is due now", "queued");
}

static int jobs_cancel_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    bool runs;
    if (!parse_job_id(cli, &id))
        return usage_error(cli->err, cli->options->command, "'%s' is not the number of a job",
                           cli->options->operands[0]);
    err_t e = admin_no_such(cli, job_cancel(&admin->store->core, &admin->who, id, cli->arena, &runs), "job",
                            slice_of(cli->options->operands[0]), "jobs");
    if (e)
        return command_failed(cli, e);
    return runs ? report_change(cli, id, "is told to stop", "running")
                : report_change(cli, id, "is cancelled", "cancelled");
}

/* ---- run ---- */

enum { WAIT_PAUSE_MS = 20, DUE_SHOWN_MAX = 1000 };
#define RUN_TIMEOUT_MS 60000

/* The periodic job of that kind. */
static err_t find_periodic_job(struct core *core, slice kind, struct arena *a, struct job *ret)
{
    struct job_list list;
    TRY(job_list(core, ALL_IDS, a, &list));
    slice kinds = S("");
    for (size_t i = 0; i < list.count; i++) {
        const struct job *j = &list.items[i];
        if (j->subject.n)
            continue;
        *ret = *j;
        if (slice_eq(j->kind, kind))
            return NULL;
        kinds = arena_printf(a, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(kinds), kinds.n ? ", " : "", SLICE_ARG(j->kind));
    }
    return err_make(a, ERR_NOT_FOUND, "no background work is called '" SLICE_FMT "'; there is: " SLICE_FMT,
                    SLICE_ARG(terminal_safe(a, kind)), SLICE_ARG(kinds));
}

/* The server runs it. A run that was on its way already is waited for, and then it runs again. */
static err_t wait_for_run(struct cli *cli, struct core *core, const struct job *before, int64_t timeout_ms,
                          struct job *ret)
{
    int64_t end_ms = clock_monotonic_ms(cli->clock) + timeout_ms;
    for (;;) {
        TRY(job_get(core, 0, before->id, cli->arena, ret));
        if (ret->state == JOB_QUEUED && ret->finished_at_ms > before->finished_at_ms)
            return NULL;
        if (ret->state == JOB_QUEUED && ret->finished_at_ms == before->finished_at_ms &&
            ret->started_at_ms > before->started_at_ms)
            return NULL; /* two runs in one millisecond of a clock that stands */
        if (clock_monotonic_ms(cli->clock) >= end_ms)
            return err_make(cli->arena, ERR_UNAVAILABLE, "it still runs; 'cais jobs' shows how far it is");
        poll(NULL, 0, WAIT_PAUSE_MS); /* this thread belongs to the operator */
    }
}

static err_t run_in_this_process(struct cli *cli, struct admin *admin, const struct job *before, struct job *ret)
{
    struct core *core = &admin->store->core;
    struct jobs *jobs;
    TRY(jobs_new(core, &(struct jobs_options){ .is_alone = true }, cli->arena, &jobs));
    err_t e = jobs_run_kind(jobs, before->kind, cli->arena);
    jobs_free(jobs);
    TRY(e);
    return job_get(core, 0, before->id, cli->arena, ret);
}

static err_t run_job_now(struct cli *cli, struct admin *admin, struct job *ret)
{
    struct core *core = &admin->store->core;
    struct job before = { 0 };
    int64_t timeout_ms = RUN_TIMEOUT_MS;
    if (!option_duration(cli, "timeout", &timeout_ms))
        return err_make(cli->arena, ERR_INVALID, "--timeout is no duration");
    TRY(find_periodic_job(core, slice_of(cli->options->operands[0]), cli->arena, &before));
    err_t e = job_retry(core, &admin->who, before.id, cli->arena);
    if (e && e->code != ERR_CONFLICT) /* it runs */
        return e;
    if (admin->control)
        return wait_for_run(cli, core, &before, timeout_ms, ret);
    return run_in_this_process(cli, admin, &before, ret);
}

static void print_due_file(struct cli *cli, const struct file *f)
{
    slice id = uuid_format(cli->arena, f->uuid), since = time_format_utc(cli->arena, f->purge_at_ms);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, SLICE_FMT "  " SLICE_FMT "  %llu bytes  %s\n", SLICE_ARG(id), SLICE_ARG(since),
                (unsigned long long)f->size_bytes, admin_text(cli, f->name));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "id", id);
    json_put_string(&line.o, "name", f->name);
    json_put_int(&line.o, "size", (int64_t)f->size_bytes);
    json_put_string(&line.o, "due_at", since);
    json_line_print(&line, cli->out);
}

static int show_due_files(struct cli *cli, struct admin *admin)
{
    struct file_list due;
    if (strcmp(cli->options->operands[0], "purge") != 0)
        return usage_error(cli->err, cli->options->command, "--dry-run is for purge alone");
    err_t e = file_list_due(&admin->store->core, DUE_SHOWN_MAX + 1, cli->arena, &due);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < due.count && i < DUE_SHOWN_MAX; i++)
        print_due_file(cli, &due.items[i]);
    if (!option_on(cli->options, "json"))
        fprintf(cli->out,
                due.count > DUE_SHOWN_MAX ? "more than %d files would be purged\n" : "%d files would be purged\n",
                due.count > DUE_SHOWN_MAX ? DUE_SHOWN_MAX : (int)due.count);
    return EXIT_DONE;
}

static void print_one_job(struct cli *cli, const struct job *job)
{
    struct listing one;
    listing_begin_one(&one, cli, &job_layout);
    add_job(&one, job);
    listing_end_one(&one);
}

static int jobs_run_work(struct cli *cli, struct admin *admin)
{
    struct job job;
    if (option_on(cli->options, "dry-run"))
        return show_due_files(cli, admin);
    err_t e = run_job_now(cli, admin, &job);
    if (!e && job.error.n)
        e = err_make(cli->arena, ERR_UNAVAILABLE, "it failed: " SLICE_FMT, SLICE_ARG(job.error));
    if (e)
        return command_failed(cli, e);
    if (option_on(cli->options, "json"))
        print_one_job(cli, &job);
    else
        fprintf(cli->out, "%s: %lld done\n", admin_text(cli, job.kind), (long long)job.progress);
    return EXIT_DONE;
}

ADMIN_RUN(jobs)
ADMIN_RUN(jobs_run)
ADMIN_RUN(jobs_retry)
ADMIN_RUN(jobs_cancel)

const struct command command_jobs = {
    .name = "jobs",
    .options = (const struct option_spec[]){ LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List background work.",
    .run = run_jobs,
};

const struct command command_jobs_run = {
    .name = "jobs run",
    .operands = "KIND",
    .min_operands = 1,
    .max_operands = 1,
    .options =
        (const struct option_spec[]){ { "dry-run", 0, NULL, false, "Only list the files that purge would remove now." },
                                      { "timeout", 0, "TIME", false, "How long to wait for its end (default 60s)." },
                                      ADMIN_OPTIONS,
                                      { 0 } },
    .summary = "Run periodic work now, such as purge, and wait for its end.",
    .details = "'cais jobs' lists the kinds. Without a server it runs in this command.\n",
    .run = run_jobs_run,
};

const struct command command_jobs_retry = {
    .name = "jobs retry",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Run a job now that failed, was cancelled, or waits.",
    .run = run_jobs_retry,
};

const struct command command_jobs_cancel = {
    .name = "jobs cancel",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Cancel a job that waits, or stop one that runs.",
    .run = run_jobs_cancel,
};

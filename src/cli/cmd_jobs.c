/* SPDX-License-Identifier: Apache-2.0 */
/* cais jobs: background work and when it is due; retry and cancel it. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/job.h"

/* A time of the row, if there was one. */
static void put_time(struct json_line *line, const char *name, int64_t ms, struct arena *a)
{
    if (ms)
        json_put_string(&line->o, name, time_format_utc(a, ms));
}

static void print_json(struct cli *cli, const struct job *j)
{
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", j->id);
    json_put_string(&line.o, "kind", j->kind);
    json_put_string(&line.o, "state", slice_of(job_state_name(j->state)));
    json_put_string(&line.o, "run_at", time_format_utc(cli->arena, j->run_at_ms));
    json_put_int(&line.o, "attempts", j->attempts);
    json_put_int(&line.o, "progress", j->progress);
    json_put_string(&line.o, "error", j->error);
    json_put_string(&line.o, "subject", j->subject);
    json_put_int(&line.o, "total", j->total);
    put_time(&line, "created_at", j->created_at_ms, cli->arena);
    put_time(&line, "started_at", j->started_at_ms, cli->arena);
    put_time(&line, "finished_at", j->finished_at_ms, cli->arena);
    json_put_bool(&line.o, "cancelling", j->cancel_at_ms > 0);
    json_put_string(&line.o, "result", j->result);
    json_line_print(&line, cli->out);
}

static void print_text(struct cli *cli, const struct job *j)
{
    slice run_at = time_format_utc(cli->arena, j->run_at_ms);
    fprintf(cli->out, "%-10s %-8s next %s  %lld done  %s", admin_text(cli, j->kind), job_state_name(j->state), run_at.p,
            (long long)j->progress, admin_text(cli, j->error));
    fprintf(cli->out, "  (job %lld%s%s%s)\n", (long long)j->id, j->subject.n ? ": " : "", admin_text(cli, j->subject),
            j->cancel_at_ms ? ", stopping" : "");
}

static int jobs_work(struct cli *cli, struct admin *admin)
{
    struct job_list list;
    err_t e = job_list(&admin->store->core, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++)
        (option_on(cli->options, "json") ? print_json : print_text)(cli, &list.items[i]);
    return EXIT_DONE;
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
    err_t e = job_retry(&admin->store->core, &admin->who, id, cli->arena);
    return e ? command_failed(cli, e) : report_change(cli, id, "is due now", "queued");
}

static int jobs_cancel_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    bool runs;
    if (!parse_job_id(cli, &id))
        return usage_error(cli->err, cli->options->command, "'%s' is not the number of a job",
                           cli->options->operands[0]);
    err_t e = job_cancel(&admin->store->core, &admin->who, id, cli->arena, &runs);
    if (e)
        return command_failed(cli, e);
    return runs ? report_change(cli, id, "is told to stop", "running")
                : report_change(cli, id, "is cancelled", "cancelled");
}

ADMIN_RUN(jobs)
ADMIN_RUN(jobs_retry)
ADMIN_RUN(jobs_cancel)

const struct command command_jobs = {
    .name = "jobs",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "List background work.",
    .run = run_jobs,
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

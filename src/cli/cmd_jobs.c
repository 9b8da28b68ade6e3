/* SPDX-License-Identifier: Apache-2.0 */
/* cais jobs: background work and when it is due. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/records/job.h"
#include "jobs/jobs.h"

static const char *job_state_name(enum job_state s)
{
    static const char *const names[] = { "queued", "running", "done", "failed" };
    return names[s];
}

static int jobs_work(struct cli *cli, struct admin *admin)
{
    struct job_list list;
    err_t e = jobs_list(&admin->store->core, cli->arena, &list);
    if (e)
        return command_failed(cli, e);
    for (size_t i = 0; i < list.count; i++) {
        const struct job *j = &list.items[i];
        slice run_at = time_format_utc(cli->arena, j->run_at_ms);
        if (!option_on(cli->options, "json")) {
            fprintf(cli->out, "%-10s %-8s next %s  %lld done  %s\n", terminal_safe(cli->arena, j->kind).p,
                    job_state_name(j->state), run_at.p, (long long)j->progress, terminal_safe(cli->arena, j->error).p);
            continue;
        }
        struct json_line line;
        json_line_open(&line);
        json_put_int(&line.o, "id", j->id);
        json_put_string(&line.o, "kind", j->kind);
        json_put_string(&line.o, "state", slice_of(job_state_name(j->state)));
        json_put_string(&line.o, "run_at", run_at);
        json_put_int(&line.o, "attempts", j->attempts);
        json_put_int(&line.o, "progress", j->progress);
        json_put_string(&line.o, "error", j->error);
        json_line_print(&line, cli->out);
    }
    return EXIT_DONE;
}

ADMIN_RUN(jobs)

const struct command command_jobs = {
    .name = "jobs",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "List background work.",
    .run = run_jobs,
};

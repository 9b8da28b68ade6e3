/* SPDX-License-Identifier: Apache-2.0 */
/* cais status: is a server running, and is it well? */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/server_probe.h"
#include "cli/terminal.h"

#include "base/text.h"
#include "core/care/data_dir.h"
#include "core/care/health.h"
#include "core/job.h"
#include "core/webhook/webhook.h"

#include <fcntl.h>
#include <unistd.h>

enum { RUN_FILE_MAX = 65536 };

struct server_status {
    struct health health;
    const struct json *run; /* run.json; NULL: it cannot be read */
    int64_t jobs, failed_jobs, waiting_deliveries;
};

static const struct json *read_run_file(struct cli *cli, const struct config *config)
{
    const char *path = arena_printf(cli->arena, SLICE_FMT "/" DATA_DIR_RUN, SLICE_ARG(config->server.data)).p;
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(cli->arena, RUN_FILE_MAX);
    ssize_t n = fd < 0 ? 0 : read(fd, text, RUN_FILE_MAX);
    const struct json *j = NULL;
    return n > 0 && !json_parse(cli->arena, (slice){ text, (size_t)n }, &j) ? j : NULL;
}

static err_t look_at_server(struct cli *cli, struct admin *admin, struct server_status *ret)
{
    struct core *core = &admin->store->core;
    struct job_list jobs;
    struct webhook_list hooks;
    *ret = (struct server_status){ .run = read_run_file(cli, admin->config) };
    health_check(core, cli->arena, &ret->health);
    TRY(job_list(core, ALL_IDS, cli->arena, &jobs));
    ret->jobs = (int64_t)jobs.count;
    for (size_t i = 0; i < jobs.count; i++)
        ret->failed_jobs += jobs.items[i].state == JOB_FAILED || jobs.items[i].error.n > 0;
    TRY(webhook_list(core, cli->arena, &hooks));
    for (size_t i = 0; i < hooks.count; i++)
        ret->waiting_deliveries += hooks.items[i].waiting;
    return NULL;
}

static void print_addresses(struct cli *cli, const struct json *run)
{
    JSON_EACH(member, run) {
        if (member->type != JS_ARRAY)
            continue;
        JSON_EACH(address, member)
            fprintf(cli->out, "  %-14s %s\n", admin_text(cli, member->name), admin_text(cli, address->string));
    }
}

static void print_status(struct cli *cli, struct admin *admin, const struct server_status *s)
{
    const struct json *pid = s->run ? json_get(s->run, "pid") : NULL;
    fprintf(cli->out, "cais %s is running, process %lld\n", CAIS_VERSION, (long long)(pid ? pid->integer : getpid()));
    fprintf(cli->out, "  %-14s %s\n", "data", admin_text(cli, admin->config->server.data));
    print_addresses(cli, s->run);
    fprintf(cli->out, "  %-14s %s\n", "health", health_status_name(s->health.status));
    if (s->health.has_free_bytes)
        fprintf(cli->out, "  %-14s %llu MiB\n", "free space", (unsigned long long)(s->health.free_bytes >> 20));
    fprintf(cli->out, "  %-14s %lld, %lld failed\n", "jobs", (long long)s->jobs, (long long)s->failed_jobs);
    fprintf(cli->out, "  %-14s %lld waiting\n", "webhooks", (long long)s->waiting_deliveries);
}

static void print_status_json(struct cli *cli, struct admin *admin, const struct server_status *s)
{
    struct json_line line;
    json_line_open(&line);
    json_put_bool(&line.o, "running", true);
    json_put_string(&line.o, "version", S(CAIS_VERSION));
    json_put_string(&line.o, "data", admin->config->server.data);
    json_put_string(&line.o, "health", slice_of(health_status_name(s->health.status)));
    if (s->health.has_free_bytes)
        json_put_int(&line.o, "free_bytes", (int64_t)s->health.free_bytes);
    json_put_int(&line.o, "jobs", s->jobs);
    json_put_int(&line.o, "failed_jobs", s->failed_jobs);
    json_put_int(&line.o, "waiting_deliveries", s->waiting_deliveries);
    if (s->run) {
        json_name(&line.o, "run");
        json_add_value(&line.o, s->run);
    }
    json_line_print(&line, cli->out);
}

static int status_work(struct cli *cli, struct admin *admin)
{
    struct server_status s;
    err_t e = look_at_server(cli, admin, &s);
    if (e)
        return command_failed(cli, e);
    (option_on(cli->options, "json") ? print_status_json : print_status)(cli, admin, &s);
    return s.health.status == HEALTH_OK ? EXIT_DONE : EXIT_FAILED;
}

static int run_status(struct cli *cli)
{
    struct config config;
    if (!cli->admin && !admin_config(cli, &config))
        return EXIT_USAGE;
    if (cli->admin || server_probe(config.server.data))
        return admin_server_command(cli, status_work);
    err_t e = store_check_exists(config.server.data, cli->arena);
    if (err_is(e, ERR_NOT_FOUND))
        return command_failed(cli, e);
    fprintf(cli->out, option_on(cli->options, "json") ? "{\"running\":false}\n" : "no server runs on %s\n",
            admin_text(cli, config.server.data));
    return EXIT_FAILED;
}

const struct command command_status = {
    .name = "status",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Say whether a server runs, where it listens, and whether it is well.",
    .details = "Exit code 0: it runs and every request can succeed. 1: there is none, or its health is not ok.\n",
    .run = run_status,
};

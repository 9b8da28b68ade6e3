/* SPDX-License-Identifier: Apache-2.0 */
/* cais reload, cais stop: what a signal does, with a result. */
#include "base/json.h"
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/server_probe.h"
#include "cli/store.h"

#include <poll.h>

/* ---- reload ---- */

static void put_names(struct json_out *o, const char *name, slice names)
{
    json_name(o, name);
    json_open_array(o);
    while (names.n) {
        slice one;
        slice_cut(names, ' ', &one, &names);
        json_add_string(o, one);
    }
    json_close_array(o);
}

static void print_report(const struct cli *cli, const struct reload_report *r)
{
    if (option_on(cli->options, "json")) {
        struct json_line line;
        json_line_open(&line);
        put_names(&line.o, "changed", r->changed);
        put_names(&line.o, "for_the_next_start", r->waiting);
        json_line_print(&line, cli->out);
        return;
    }
    fprintf(cli->out, r->changed.n ? "changed: " SLICE_FMT "\n" : "no key has changed" SLICE_FMT "\n",
            SLICE_ARG(r->changed));
    if (r->waiting.n)
        fprintf(cli->out, "for the next start: " SLICE_FMT "\n", SLICE_ARG(r->waiting));
}

static int reload_work(struct cli *cli, struct admin *admin)
{
    struct reload_report report;
    err_t e = admin->control->reload(admin->control->arg, cli->arena, &report);
    if (e)
        return command_failed(cli, e);
    print_report(cli, &report);
    return EXIT_DONE;
}

static int run_reload(struct cli *cli)
{
    return admin_server_command(cli, reload_work);
}

const struct command command_reload = {
    .name = "reload",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Have the running server read its configuration and certificates again.",
    .details = "The server reads the file, the environment and the flags with which it was started. "
               "docs/configuration.md says which\n"
               "keys change while it runs; the others are named, and wait for the next start. --config and --set only "
               "say here\n"
               "which server is meant. A configuration with an error changes nothing.\n",
    .run = run_reload,
};

/* ---- stop ---- */

#define STOP_TIMEOUT_MS 60000
enum { STOP_PAUSE_MS = 20 };

static int stop_work(struct cli *cli, struct admin *admin)
{
    (void)cli;
    admin->control->stop(admin->control->arg);
    return EXIT_DONE;
}

/* The server is gone when nobody has the lock of its data directory. */
static int run_stop(struct cli *cli)
{
    int64_t timeout_ms = STOP_TIMEOUT_MS;
    struct config config;
    if (!option_duration(cli, "timeout", &timeout_ms))
        return EXIT_USAGE;
    int status = admin_server_command(cli, stop_work);
    if (cli->admin || status != EXIT_DONE)
        return status;
    err_t e = NULL;
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    int64_t end_ms = clock_monotonic_ms(cli->clock) + timeout_ms;
    while (!e && store_is_in_use(config.server.data)) {
        if (clock_monotonic_ms(cli->clock) >= end_ms)
            e = err_make(cli->arena, ERR_UNAVAILABLE,
                         "the server still finishes requests; it goes on to stop, and a SIGTERM cuts them");
        poll(NULL, 0, STOP_PAUSE_MS); /* no call waits for a lock with a time limit */
    }
    if (e)
        return command_failed(cli, e);
    fprintf(cli->out, option_on(cli->options, "json") ? "{\"stopped\":true}\n" : "stopped\n");
    return EXIT_DONE;
}

const struct command command_stop = {
    .name = "stop",
    .options =
        (const struct option_spec[]){
            { "timeout", 0, "TIME", false, "How long to wait for its end (default 60s)." }, ADMIN_OPTIONS, { 0 } },
    .summary = "Stop the running server, and wait until it has ended.",
    .details = "Requests in flight may finish, for http.shutdown_grace at most.\n",
    .run = run_stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* cais init: make a data directory without a server. No command but this, `serve` and `restore` makes one. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/server_probe.h"
#include "cli/terminal.h"

/* *ret_made: there was none. One that was there is opened as well, so that what an interrupted `init` left is completed. */
static err_t make_store(struct cli *cli, const struct config *config, bool *ret_made)
{
    slice dir = config->server.data;
    struct log log;
    struct store store;
    err_t e = store_check_exists(dir, cli->arena);
    *ret_made = err_is(e, ERR_NOT_FOUND);
    if (e && !*ret_made)
        return e;
    log_init(&log, cli->clock, STDERR_FILENO, LOG_WARNING, true);
    e = store_open(&store, config, cli->clock, cli->random, &log, cli->arena);
    store_close(&store);
    return e;
}

static int run_init(struct cli *cli)
{
    struct config config;
    bool made = false;
    err_t e = NULL;
    if (!admin_config(cli, &config))
        return EXIT_USAGE;
    if (!server_probe(config.server.data))
        e = make_store(cli, &config, &made);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, made ? "made the data directory %s\n" : "%s is a data directory already\n",
                admin_text(cli, config.server.data));
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "data", config.server.data);
    json_put_bool(&line.o, "made", made);
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

const struct command command_init = {
    .name = "init",
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Make a data directory, to prepare it before the server starts.",
    .details = "'cais serve' makes one, too. All other commands fail where there is none.\n",
    .run = run_init,
};

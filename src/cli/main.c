/* The program: finds the command and runs it with the real clock, chance and terminal. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"

#include <signal.h>

static int cmd_version(struct cli *cli)
{
    fprintf(cli->out, option_on(cli->options, "json") ? "{\"version\":\"%s\"}\n" : "cais %s\n", CAIS_VERSION);
    return EXIT_DONE;
}

static const struct command command_version = {
    .name = "version",
    .options = (const struct option_spec[]){ { "json", 0, NULL, false, "Print JSON." }, { 0 } },
    .summary = "Print the version.",
    .run = cmd_version,
};

static const struct command *const commands[] = {
    &command_put, &command_get, &command_ls, &command_version, NULL,
};

int main(int argc, char **argv)
{
    /* Writing to a socket or pipe whose reader went away is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    SCRATCH(arena);
    struct cli cli = {
        .arena = &arena,
        .clock = clock_system(),
        .random = random_system(),
        .environment = environ,
        .out = stdout,
        .err = stderr,
    };
    return commands_run(commands, &cli, argc, argv);
}

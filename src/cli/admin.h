/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need the stores. Each is written once, as a function over open stores. When a server has the data
 * directory, the command line is sent to it over DIR/admin.sock, and the server runs the function. Otherwise this process
 * takes the lock and runs the function itself. So there is never a second writer. */
#ifndef CAIS_CLI_ADMIN_H
#define CAIS_CLI_ADMIN_H

#include "cli/admin_progress.h"
#include "cli/config.h"
#include "cli/options.h"
#include "cli/reload.h"
#include "cli/store.h"
#include "http/http.h"

/* What a command can have the server do that runs it. */
struct server_control {
    err_t (*reload)(void *arg, struct arena *a, struct reload_report *ret); /* server_reload */
    void (*stop)(void *arg);                                                /* as SIGTERM does */
    void *arg;
};

struct admin {
    const struct server_control *control; /* NULL: no server runs the command */
    struct store *store;
    const struct config *config;
    struct principal who; /* the operator, in the account "default" */
};

/* For `run` of struct command: find the server or open the stores, and have `work` run there. Returns the exit code.
 *
 * The output of `work` is in memory until it has returned. So a command whose output has no limit prints a piece of some tens
 * of KiB, writes to cli->resume where the next piece begins, and returns EXIT_DONE; then it is called again, with an empty
 * arena, until cli->resume stays empty. Each piece is written to cli->out before the next one is made. */
int admin_command(struct cli *cli, int (*work)(struct cli *cli, struct admin *admin));

/* The same for a command that needs a server. Without one it is an error. */
int admin_server_command(struct cli *cli, int (*work)(struct cli *cli, struct admin *admin));

/* Defines the function for struct command (for `fsck`: run_fsck) that runs the work (fsck_work) by admin_command. */
#define ADMIN_RUN(name)                                                                                                \
    static int run_##name(struct cli *cli)                                                                             \
    {                                                                                                                  \
        return admin_command(cli, name##_work);                                                                        \
    }

#define ADMIN_OPTIONS                                                                                                  \
    { "data", 0, "DIR", false, "Data directory (default ./cais-data)." },                                              \
        { "config", 0, "FILE", false, "Configuration file." },                                                         \
        { "set", 0, "SECTION.KEY=VALUE", true, "Set one key of the configuration." },                                  \
    {                                                                                                                  \
        "json", 0, NULL, false, "Print JSON."                                                                          \
    }

/* The configuration of a command, from file, environment, --set and --data. Returns false after having reported what is wrong with
 * it: the command then ends with EXIT_USAGE, as `cais serve` does. */
MUST_USE bool admin_config(const struct cli *cli, struct config *ret_config);
/* A path from the command line, made absolute with the working directory of the command line. */
const char *admin_path(const struct cli *cli, const char *path);
/* All of standard input, at most 64 KiB, without the line end. */
MUST_USE err_t admin_input(const struct cli *cli, slice *ret_input);
/* The contents of a file that the command line names ("-": standard input), at most 64 KiB. When a server runs the command, the
 * command line has read it: reads_input in admin.c knows which commands do. Errors: INVALID it is no text; those of the system. */
MUST_USE err_t admin_file(const struct cli *cli, const char *path, slice *ret_text);
/* The value of an option; empty when it was not given. */
slice admin_option(const struct cli *cli, const char *name);
/* --max-bytes and --max-files; what was not given stays as it is. Returns false after having reported a wrong one. */
bool admin_limits(const struct cli *cli, int64_t *max_bytes, int64_t *max_files);
/* Text made safe for terminals (terminal_safe), in the arena of the command. */
const char *admin_text(const struct cli *cli, slice text);

/* ---- errors that say what to do ---- */

/* An error about something that is not there, which names it and the command that shows what is there; any other error as it is.
 * what  "user"; list: "user list" */
err_t admin_no_such(const struct cli *cli, err_t e, const char *what, slice name, const char *list);
/* The same for something that is there already. */
err_t admin_exists(const struct cli *cli, err_t e, const char *what, slice name, const char *list);
/* The operator, in the account that --account names (default: default). Errors: NOT_FOUND there is none of that name. */
MUST_USE err_t admin_operator(const struct cli *cli, struct admin *, struct principal *ret);

/* The server's side: the API of admin.sock. The context of http_api is the struct itself. */
struct admin_service {
    struct store *store;
    const struct config *config;
    struct clock *clock;
    struct random *random;
    char *const *environment;
    struct server_control control;
    struct admin_slots slots; /* of commands that run */
    struct http_api http_api;
};
void admin_service_init(struct admin_service *);

extern const struct command *const all_commands[]; /* program.c */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/terminal.h"

#include <signal.h>

static int run_version(struct cli *cli)
{
    fprintf(cli->out, option_on(cli->options, "json") ? "{\"version\":\"%s\"}\n" : "cais %s\n", CAIS_VERSION);
    return EXIT_DONE;
}

static const struct command command_version = {
    .name = "version",
    .options = (const struct option_spec[]){ { "json", 0, NULL, false, "Print JSON." }, { 0 } },
    .summary = "Print the version.",
    .run = run_version,
};

const struct command *const all_commands[] = {
    &command_serve,
    &command_init,
    &command_check,
    &command_status,
    &command_reload,
    &command_stop,
    &command_demo,
    &command_put,
    &command_get,
    &command_ls,
    &command_rm,
    &command_account_add,
    &command_account_list,
    &command_account_limit,
    &command_user_add,
    &command_user_list,
    &command_user_limit,
    &command_user_disable,
    &command_user_enable,
    &command_user_delete,
    &command_user_password,
    &command_key_add,
    &command_key_list,
    &command_key_revoke,
    &command_workspace_add,
    &command_workspace_list,
    &command_bucket_add,
    &command_bucket_list,
    &command_entity_add,
    &command_entity_list,
    &command_webhook_add,
    &command_webhook_list,
    &command_webhook_remove,
    &command_webhook_deliveries,
    &command_webhook_retry,
    &command_webhook_test,
    &command_fsck,
    &command_backup,
    &command_restore,
    &command_salvage,
    &command_course_list,
    &command_course_limit,
    &command_course_enrol,
    &command_jobs,
    &command_jobs_run,
    &command_jobs_retry,
    &command_jobs_cancel,
    &command_audit,
    &command_audit_export,
    &command_audit_prune,
    &command_version,
    NULL,
};

int cais_main(int argc, char **argv, struct clock *clock, struct random *random)
{
    /* Writing to a socket or pipe that its reader has closed is then an error like any other, and no signal. */
    signal(SIGPIPE, SIG_IGN);
    SCRATCH(arena);
    arena_set_limit(&arena, SIZE_MAX / 2, NULL); /* a command belongs to its operator alone */
    struct cli cli = {
        .arena = &arena,
        .clock = clock,
        .random = random,
        .environment = environ,
        .out = stdout,
        .err = stderr,
        .columns = terminal_columns(stdout),
    };
    return commands_run(all_commands, &cli, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, for the table in program.c. A new one: a file cmd_….c that defines its struct command, a line here, a
 * line in the table. */
#ifndef CAIS_CLI_COMMANDS_H
#define CAIS_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_serve; /* cmd_serve.c */
extern const struct command command_demo;  /* cmd_demo.c */
extern const struct command command_put;   /* cmd_put.c */
extern const struct command command_get;   /* cmd_get.c */
extern const struct command command_ls;    /* cmd_ls.c */
extern const struct command command_account_add, command_account_limit, command_account_list, command_user_add,
    command_user_list, command_user_disable, command_user_enable, command_user_delete, command_user_password,
    command_key_add, command_key_list, command_key_revoke; /* cmd_access.c */
extern const struct command command_fsck, command_backup, command_restore, command_jobs,
    command_audit; /* cmd_store.c */

struct clock;
struct random;
/* The whole program, with time and chance from outside: main gives it the real ones, tests others. */
int cais_main(int argc, char **argv, struct clock *clock, struct random *random);

#endif

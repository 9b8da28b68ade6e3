/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, each family in a file of its own, for the table in program.c. To add a command, write a file like
 * cmd_fsck.c that defines its struct command, and add a line here and a line to the table. */
#ifndef CAIS_CLI_COMMANDS_H
#define CAIS_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_account_add, command_account_limit, command_account_list;        /* cmd_account.c */
extern const struct command command_audit, command_audit_export, command_audit_prune;                /* cmd_audit.c */
extern const struct command command_backup, command_restore;                                         /* cmd_backup.c */
extern const struct command command_check;                                                           /* cmd_check.c */
extern const struct command command_course_list, command_course_limit, command_course_enrol;         /* cmd_course.c */
extern const struct command command_demo;                                                            /* cmd_demo.c */
extern const struct command command_fsck;                                                            /* cmd_fsck.c */
extern const struct command command_get;                                                             /* cmd_get.c */
extern const struct command command_jobs, command_jobs_run, command_jobs_retry, command_jobs_cancel; /* cmd_jobs.c */
extern const struct command command_key_add, command_key_list, command_key_revoke;                   /* cmd_key.c */
extern const struct command command_ls;                                                              /* cmd_ls.c */
extern const struct command command_put;                                                             /* cmd_put.c */
extern const struct command command_reload, command_stop;                                            /* cmd_reload.c */
extern const struct command command_salvage;                                                         /* cmd_salvage.c */
extern const struct command command_status;                                                          /* cmd_status.c */
extern const struct command command_serve;                                                           /* cmd_serve.c */
extern const struct command command_init;                                                            /* cmd_init.c */
extern const struct command command_rm;                                                              /* cmd_rm.c */
extern const struct command command_user_add, command_user_list, command_user_limit, command_user_disable,
    command_user_enable, command_user_delete, command_user_password; /* cmd_user.c */
extern const struct command command_webhook_add, command_webhook_list, command_webhook_remove,
    command_webhook_deliveries, command_webhook_retry, command_webhook_test; /* cmd_webhook.c */
extern const struct command command_workspace_add, command_workspace_list, command_bucket_add, command_bucket_list,
    command_entity_add, command_entity_list; /* cmd_workspace.c */

struct clock;
struct random;
/* The whole program. main passes the system's clock and random source, tests pass others. */
int cais_main(int argc, char **argv, struct clock *clock, struct random *random);

#endif

/* The commands, for the table in main.c. A new one: a file cmd_….c that defines its struct command, a line here, a line
 * in the table. */
#ifndef CAIS_CLI_COMMANDS_H
#define CAIS_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_put, command_get, command_ls; /* cmd_files.c */
int cmd_put(struct cli *cli);
int cmd_get(struct cli *cli);
int cmd_ls(struct cli *cli);

#endif

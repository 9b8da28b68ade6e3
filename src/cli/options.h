/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: a table of commands, each with a table of its options.
 *
 *     cais COMMAND [--switch] [--option VALUE | --option=VALUE] [-o VALUE] [--] [OPERAND]…
 *
 * A command's name may be two words ("key add"). --help works everywhere and prints what the tables say. Wrong usage is
 * one line on stderr that ends in "try 'cais COMMAND --help'", and exit code 2. */
#ifndef CAIS_CLI_OPTIONS_H
#define CAIS_CLI_OPTIONS_H

#include "base/arena.h"

#include <stdio.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct option_spec {
    const char *name;  /* without the dashes; NULL ends the table */
    char letter;       /* -x, or 0 */
    const char *value; /* what the help calls its value; NULL for a switch */
    bool repeats;      /* may be given more than once */
    const char *doc;
};

struct cli;
struct admin;
struct command {
    const char *name;     /* "put", "key add" */
    const char *operands; /* as the help shows them: "FILE…"; NULL when there are none */
    size_t min_operands, max_operands;
    const struct option_spec *options; /* ends in { 0 }; may be NULL */
    const char *summary;               /* one line */
    const char *details;               /* more for its own help, ending in a newline; may be NULL */
    int (*run)(struct cli *);
};
#define ANY_NUMBER SIZE_MAX

struct option_given {
    const struct option_spec *spec;
    const char *value; /* NULL for a switch */
    struct option_given *next;
};
struct options {
    const struct command *command;
    bool help; /* --help was among them: nothing else was checked */
    struct option_given *given;
    const char **operands;
    size_t operand_count;
};

/* What a command is run with. */
struct cli {
    const struct options *options;
    struct arena *arena; /* dies with the command */
    struct clock *clock;
    struct random *random;
    char *const *environment;
    FILE *out, *err;
    int argc; /* as commands_run got them */
    char **argv;
    slice input;  /* what stands in for standard input when the command runs inside a server; .p NULL: read stdin */
    slice folder; /* the caller's working directory, for relative paths; empty: our own */
    struct admin *admin; /* the stores, when the command runs where they are open; else NULL */
};

/* Find the command that argv[1…] names. NULL when there is none; *ret_used is the number of words in its name. */
const struct command *command_find(const struct command *const *commands, int argc, char **argv, int *ret_used);
/* Read what follows its name. False after a line on `err`. */
MUST_USE bool options_parse(const struct command *command, int argc, char **argv, struct arena *a, FILE *err,
                            struct options *ret_options);

bool option_on(const struct options *o, const char *name);           /* a switch was given */
const char *option_value(const struct options *o, const char *name); /* the last value, or NULL */
/* The n-th value of one that repeats, from 0; NULL past the end. */
const char *option_nth(const struct options *o, const char *name, size_t n);
/* An option that is a number from least to most. False after a line on `err`; untouched when it was not given. */
MUST_USE bool option_number(const struct cli *cli, const char *name, int64_t least, int64_t most, int64_t *ret);

/* Print "cais COMMAND: …; try 'cais COMMAND --help'" and give EXIT_USAGE. */
int usage_error(FILE *err, const struct command *command, const char *fmt, ...) PRINTF_LIKE(3, 4);
void help_command(FILE *out, const struct command *command);
/* All of them, or those whose name begins with the word `group`. Gives how many were printed. */
size_t help_commands(FILE *out, const struct command *const *commands, const char *group);
/* Run what the command line asks for; the exit code. The table ends in NULL. cli->options is filled in. */
int commands_run(const struct command *const *commands, struct cli *cli, int argc, char **argv);
/* Report an error the way every command does: "cais COMMAND: text". Gives EXIT_FAILED. */
struct err;
int command_failed(const struct cli *cli, const struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: a table of commands, each of which has a table of its options.
 *
 *     cais COMMAND [--switch] [--option VALUE | --option=VALUE] [-o VALUE] [--] [OPERAND]…
 *
 * The name of a command may have two words ("key add"). --help works for each command and prints what the tables say.
 * Wrong usage prints one line on stderr that ends in "try 'cais COMMAND --help'", and gives exit code 2. */
#ifndef CAIS_CLI_OPTIONS_H
#define CAIS_CLI_OPTIONS_H

#include "base/arena.h"

#include <stdio.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct option_spec {
    const char *name;  /* without the dashes; NULL ends the table */
    char letter;       /* -x, or 0 */
    const char *value; /* the name of its value in the help; NULL for a switch */
    bool repeats;      /* may be given more than once */
    const char *doc;
    /* Lists what the value may be; the help prints it after doc, and a full stop. NULL: doc says it all. */
    const char *(*choices)(struct arena *a);
};

struct cli;
struct admin;
struct admin_progress;
struct command {
    const char *name;     /* "put", "key add" */
    const char *operands; /* as the help shows them: "FILE…"; NULL: it has none */
    size_t min_operands, max_operands;
    const struct option_spec *options; /* ends in { 0 }; may be NULL */
    const char *summary;               /* one line */
    const char *details;               /* more text for its own help, ending in a newline; may be NULL */
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
    bool help; /* --help was given; the other arguments were not checked */
    struct option_given *given;
    const char **operands;
    size_t operand_count;
};

/* The context in which a command runs. */
struct cli {
    const struct options *options;
    struct arena *arena; /* released when the command ends */
    struct clock *clock;
    struct random *random;
    char *const *environment;
    FILE *out, *err;
    size_t columns; /* of the terminal that `out` is; 0: it is none */
    int argc;       /* the arguments of commands_run */
    char **argv;
    slice input;  /* replaces standard input when the command runs inside a server; .p NULL: read stdin */
    slice folder; /* the working directory of the command line, for relative paths; empty: that of this process */
    /* A command with a long output prints it in pieces (cli/admin.h): before a piece, what it wrote here at the end of the piece
     * before, or empty; afterwards empty when that was the last one. No line ends. */
    slice resume;
    struct admin_progress
        *progress;       /* where a long command says how far it is (cli/admin_progress.h); NULL: nobody looks */
    struct admin *admin; /* the stores, when the command runs inside a server; else NULL */
};

/* Find the command that argv[1…] names; NULL: there is none. *ret_used is the number of words in its name. */
const struct command *command_find(const struct command *const *commands, int argc, char **argv, int *ret_used);
/* Parse the words after the name of the command. Returns false after an error message on `err`. */
MUST_USE bool options_parse(const struct command *command, int argc, char **argv, struct arena *a, FILE *err,
                            struct options *ret_options);

bool option_on(const struct options *o, const char *name);           /* was the switch given? */
const char *option_value(const struct options *o, const char *name); /* the last value, or NULL */
/* Value number n, counted from 0, of an option that may repeat; NULL past the last one. */
const char *option_nth(const struct options *o, const char *name, size_t n);
/* The value of an option that is a number from min to max. *ret stays as it is when the option was not given. Returns
 * false after an error message on cli->err. */
MUST_USE bool option_number(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t *ret);

/* The value of an option that is a time: "2026-11-29" (its beginning, in UTC) or "2026-11-29T14:04:09Z". As option_number. */
MUST_USE bool option_time(const struct cli *cli, const char *name, int64_t *ret_ms);

/* The value of an option that is a duration: a number with ms, s, m, h or d. As option_number. */
MUST_USE bool option_duration(const struct cli *cli, const char *name, int64_t *ret_ms);

/* Print "cais COMMAND: …; try 'cais COMMAND --help'" and return EXIT_USAGE. */
int usage_error(FILE *err, const struct command *command, const char *fmt, ...) PRINTF_LIKE(3, 4);
void help_command(FILE *out, const struct command *command);
/* Print all commands, or those whose name begins with the word `group`. Returns how many were printed. */
size_t help_commands(FILE *out, const struct command *const *commands, const char *group);
/* Run the command that the command line names, with cli->options set. The table ends in NULL. Returns the exit code. */
int commands_run(const struct command *const *commands, struct cli *cli, int argc, char **argv);
/* Report an error as every command does: print "cais COMMAND: text" and return EXIT_FAILED. */
struct err;
int command_failed(const struct cli *cli, const struct err *e);

/* A number of bytes, which may end in K, M, G or T. False: it is none. */
bool option_size(const char *value, int64_t *ret);

#endif

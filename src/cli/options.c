/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/err.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "cli/unit.h"

#include <stdarg.h>
#include <string.h>

static const struct option_spec help_option = { "help", 'h', NULL, true, "Show this help." };

int usage_error(FILE *err, const struct command *command, const char *fmt, ...)
{
    SCRATCH(scratch);
    va_list args;
    va_start(args, fmt);
    slice text = terminal_safe(&scratch, arena_vprintf(&scratch, fmt, args));
    va_end(args);
    const char *blank = command ? " " : "", *name = command ? command->name : "";
    fprintf(err, "cais%s%s: " SLICE_FMT "; try 'cais%s%s --help'\n", blank, name, SLICE_ARG(text), blank, name);
    return EXIT_USAGE;
}

/* ---- parsing ---- */

/* The number of words in the name when argv[1…] begins with them; 0 when it does not. */
static int words_matched(const char *name, int argc, char **argv)
{
    slice rest = slice_of(name), word;
    int used = 0;
    while (rest.n) {
        slice_cut(rest, ' ', &word, &rest);
        if (used + 1 >= argc || !slice_eq(word, slice_of(argv[used + 1])))
            return 0;
        used++;
    }
    return used;
}

const struct command *command_find(const struct command *const *commands, int argc, char **argv, int *ret_used)
{
    const struct command *best = NULL;
    *ret_used = 0;
    for (; *commands; commands++) {
        int used = words_matched((*commands)->name, argc, argv);
        if (used > *ret_used) {
            best = *commands;
            *ret_used = used;
        }
    }
    return best;
}

static const struct option_spec *find_long(const struct command *command, slice name)
{
    for (const struct option_spec *o = command->options; o && o->name; o++)
        if (slice_eq(name, slice_of(o->name)))
            return o;
    return slice_eq(name, slice_of(help_option.name)) ? &help_option : NULL;
}

static const struct option_spec *find_letter(const struct command *command, char letter)
{
    for (const struct option_spec *o = command->options; o && o->name; o++)
        if (o->letter && o->letter == letter)
            return o;
    return letter == help_option.letter ? &help_option : NULL;
}

struct parsing {
    const struct command *command;
    struct arena *arena;
    FILE *err;
    int argc, at;
    char **argv;
    struct options *options;
    struct option_given **tail;
};

static bool add_option(struct parsing *p, const struct option_spec *spec, const char *shown, const char *value)
{
    if (spec->value && !value) {
        if (p->at + 1 >= p->argc) {
            usage_error(p->err, p->command, "option %s needs a value (%s)", shown, spec->value);
            return false;
        }
        value = p->argv[++p->at];
    } else if (!spec->value && value) {
        usage_error(p->err, p->command, "option %s takes no value", shown);
        return false;
    }
    for (struct option_given *g = p->options->given; g; g = g->next)
        if (g->spec == spec && spec->value && !spec->repeats) {
            usage_error(p->err, p->command, "option %s is given twice", shown);
            return false;
        }
    struct option_given *given = arena_new(p->arena, struct option_given);
    *given = (struct option_given){ .spec = spec, .value = value };
    *p->tail = given;
    p->tail = &given->next;
    return true;
}

static bool parse_long(struct parsing *p, slice word)
{
    slice name, value;
    bool has_value = slice_cut(slice_from(word, 2), '=', &name, &value);
    const struct option_spec *spec = find_long(p->command, name);
    const char *shown = arena_printf(p->arena, "--" SLICE_FMT, SLICE_ARG(name)).p;
    if (!spec) {
        usage_error(p->err, p->command, "unknown option %s", shown);
        return false;
    }
    return add_option(p, spec, shown, has_value ? value.p : NULL);
}

/* -abo VALUE: several letters may follow one dash, and the last may have a value, with or without a blank before it. */
static bool parse_letters(struct parsing *p, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        const struct option_spec *spec = find_letter(p->command, *c);
        const char *shown = arena_printf(p->arena, "-%c", *c).p;
        if (!spec) {
            usage_error(p->err, p->command, "unknown option %s", shown);
            return false;
        }
        bool rest_is_value = spec->value && c[1];
        if (!add_option(p, spec, shown, rest_is_value ? c + 1 : NULL))
            return false;
        if (spec->value)
            break;
    }
    return true;
}

static bool check_operand_count(struct parsing *p)
{
    const struct command *c = p->command;
    size_t n = p->options->operand_count;
    if (n < c->min_operands)
        usage_error(p->err, c, "%s is missing", n || c->min_operands == 1 ? c->operands : "an operand");
    else if (n > c->max_operands)
        usage_error(p->err, c, "one operand too many: '%s'", p->options->operands[c->max_operands]);
    return n >= c->min_operands && n <= c->max_operands;
}

bool options_parse(const struct command *command, int argc, char **argv, struct arena *a, FILE *err,
                   struct options *ret_options)
{
    struct options options = { .command = command };
    options.operands = arena_array(a, const char *, (size_t)argc + 1);
    struct parsing p = { .command = command, .arena = a, .err = err, .argc = argc, .argv = argv };
    p.options = &options;
    p.tail = &options.given;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        options.help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    bool only_operands = false;
    for (p.at = 0; p.at < argc && !options.help; p.at++) {
        const char *word = argv[p.at];
        if (!only_operands && strcmp(word, "--") == 0)
            only_operands = true;
        else if (only_operands || word[0] != '-' || !word[1])
            options.operands[options.operand_count++] = word;
        else if (!(word[1] == '-' ? parse_long(&p, slice_of(word)) : parse_letters(&p, word)))
            return false;
    }
    if (!options.help && !check_operand_count(&p))
        return false;
    *ret_options = options;
    return true;
}

/* ---- values of options ---- */

bool option_on(const struct options *o, const char *name)
{
    for (const struct option_given *g = o->given; g; g = g->next)
        if (strcmp(g->spec->name, name) == 0)
            return true;
    return false;
}

const char *option_value(const struct options *o, const char *name)
{
    const char *value = NULL;
    for (const struct option_given *g = o->given; g; g = g->next)
        if (strcmp(g->spec->name, name) == 0)
            value = g->value;
    return value;
}

const char *option_nth(const struct options *o, const char *name, size_t n)
{
    for (const struct option_given *g = o->given; g; g = g->next)
        if (strcmp(g->spec->name, name) == 0 && n-- == 0)
            return g->value;
    return NULL;
}

bool option_number(const struct cli *cli, const char *name, int64_t min, int64_t max, int64_t *ret)
{
    const char *value = option_value(cli->options, name);
    int64_t number;
    if (!value)
        return true;
    if (!slice_to_i64(slice_of(value), &number) || number < min || number > max) {
        usage_error(cli->err, cli->options->command, "--%s: '%s' is not a number from %lld to %lld", name, value,
                    (long long)min, (long long)max);
        return false;
    }
    *ret = number;
    return true;
}

bool option_time(const struct cli *cli, const char *name, int64_t *ret_ms)
{
    if (!option_value(cli->options, name))
        return true;
    slice value = slice_of(option_value(cli->options, name));
    slice parts[] = { value, date_is_valid(value) ? S("T00:00:00Z") : S("") };
    int64_t ms;
    if (!time_parse_utc(arena_join(cli->arena, parts, LENGTH_OF(parts)), &ms)) {
        usage_error(cli->err, cli->options->command,
                    "--%s: '%s' is no time in UTC, such as 2026-11-29 or 2026-11-29T14:04:09Z", name, value.p);
        return false;
    }
    *ret_ms = ms;
    return true;
}

/* ---- help ---- */

static void help_option_line(FILE *out, const struct option_spec *o)
{
    SCRATCH(scratch);
    slice letter = o->letter ? arena_printf(&scratch, "-%c, ", o->letter) : S("    ");
    slice left = arena_printf(&scratch, SLICE_FMT "--%s%s%s", SLICE_ARG(letter), o->name, o->value ? " " : "",
                              o->value ? o->value : "");
    fprintf(out, "  %-28s  %s", left.p, o->doc);
    if (o->choices)
        fprintf(out, ": %s.", o->choices(&scratch));
    fprintf(out, "%s\n", o->repeats && o->value ? " May be repeated." : "");
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "cais %s%s%s [OPTION]…\n\n%s\n", command->name, command->operands ? " " : "",
            command->operands ? command->operands : "", command->summary);
    if (command->details)
        fprintf(out, "\n%s", command->details);
    fputs("\n", out);
    for (const struct option_spec *o = command->options; o && o->name; o++)
        help_option_line(out, o);
    help_option_line(out, &help_option);
}

size_t help_commands(FILE *out, const struct command *const *commands, const char *group)
{
    size_t shown = 0;
    for (; *commands; commands++) {
        slice first, rest;
        slice_cut(slice_of((*commands)->name), ' ', &first, &rest);
        if (group && !slice_eq(first, slice_of(group)))
            continue;
        SCRATCH(scratch);
        const char *operands = (*commands)->operands;
        slice left = arena_printf(&scratch, "%s%s%s", (*commands)->name, operands ? " " : "", operands ? operands : "");
        /* printf pads by bytes, but "…" has three bytes and takes one column. */
        int pad = 26 - (int)terminal_width(left);
        fprintf(out, "  cais " SLICE_FMT "%*s  %s\n", SLICE_ARG(left), pad > 0 ? pad : 0, "", (*commands)->summary);
        shown++;
    }
    return shown;
}

static int help_all(FILE *out, const struct command *const *commands)
{
    fputs("cais: a server through which an organisation receives files.\n\n", out);
    help_commands(out, commands, NULL);
    fputs("\n'cais COMMAND --help' says more about each.\n", out);
    return EXIT_DONE;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The command line names no command: it may be the first word of several ("cais key"), or ask for help. */
static int run_without_command(const struct command *const *commands, struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        help_all(cli->err, commands);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        int used;
        const struct command *about = command_find(commands, argc - 1, argv + 1, &used);
        if (about)
            help_command(cli->out, about);
        else if (argc < 3)
            help_all(cli->out, commands);
        else if (!help_commands(cli->out, commands, argv[2]))
            return usage_error(cli->err, NULL, "unknown command '%s'", argv[2]);
        return EXIT_DONE;
    }
    bool wants_help = argc > 2 && is_help(argv[2]);
    if (help_commands(wants_help ? cli->out : cli->err, commands, argv[1]))
        return wants_help ? EXIT_DONE : EXIT_USAGE;
    return usage_error(cli->err, NULL, "unknown command '%s'", argv[1]);
}

int commands_run(const struct command *const *commands, struct cli *cli, int argc, char **argv)
{
    int used;
    cli->argc = argc;
    cli->argv = argv;
    const struct command *command = command_find(commands, argc, argv, &used);
    if (!command && argc > 1 && strcmp(argv[1], "--version") == 0) {
        char *version[] = { argv[0], (char[]){ "version" }, NULL };
        command = command_find(commands, 2, version, &used);
    }
    if (!command)
        return run_without_command(commands, cli, argc, argv);
    struct options options;
    if (!options_parse(command, argc - 1 - used, argv + 1 + used, cli->arena, cli->err, &options))
        return EXIT_USAGE;
    if (options.help) {
        help_command(cli->out, command);
        return EXIT_DONE;
    }
    cli->options = &options;
    int status = command->run(cli);
    /* A command whose output could not be written has failed. */
    if (fflush(cli->out) && status == EXIT_DONE) {
        fprintf(cli->err, "cais %s: cannot write the answer\n", command->name);
        status = EXIT_FAILED;
    }
    return status;
}

int command_failed(const struct cli *cli, const struct err *e)
{
    SCRATCH(scratch);
    fprintf(cli->err, "cais %s: " SLICE_FMT "\n", cli->options->command->name,
            SLICE_ARG(err_text_for_people(&scratch, e)));
    return EXIT_FAILED;
}

bool option_size(const char *value, int64_t *ret)
{
    return unit_parse(&units_of_size, slice_of(value), ret);
}

bool option_duration(const struct cli *cli, const char *name, int64_t *ret_ms)
{
    const char *value = option_value(cli->options, name);
    if (!value || unit_parse(&units_of_duration, slice_of(value), ret_ms))
        return true;
    usage_error(cli->err, cli->options->command, "--%s: '%s' is no duration, such as 90s, 5m or 2h", name, value);
    return false;
}

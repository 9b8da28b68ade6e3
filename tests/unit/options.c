/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cli/options.h"

#include <string.h>

static int ran;
static int64_t within_ms; /* the value of --within; 42: none was given */
static struct options seen;
static int run(struct cli *cli)
{
    ran++;
    seen = *cli->options;
    int64_t n = 7;
    within_ms = 42;
    if (!option_number(cli, "number", 1, 10, &n) || !option_duration(cli, "within", &within_ms))
        return EXIT_USAGE;
    return n == 7 || n == 3 ? EXIT_DONE : EXIT_FAILED;
}

static const struct option_spec options[] = {
    { "output", 'o', "FILE", false, "Where." },
    { "set", 0, "KEY=VALUE", true, "A key." },
    { "json", 'j', NULL, false, "JSON." },
    { "number", 'n', "N", false, "A number." },
    { "within", 0, "DURATION", false, "A duration." },
    { 0 },
};
static const struct command put = { "put", "FILE…", 1, ANY_NUMBER, options, "Send.", "More.\n", run };
static const struct command key = { "key", NULL, 0, 0, options, "Keys.", NULL, run };
static const struct command key_add = { "key add", "LOGIN", 1, 1, options, "Make a key.", NULL, run };
static const struct command user_list = { "user list", NULL, 0, 0, NULL, "All.", NULL, run };
static const struct command *const commands[] = { &put, &key, &key_add, &user_list, NULL };

/* Runs a command line, whose words are separated by blanks, and collects its output and its error output. */
static struct arena arena;
static char out[4096], err[4096];
static int cais(const char *line)
{
    char *argv[32], *words = arena_cstr(&arena, slice_of(line));
    int argc = 0;
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        argv[argc++] = word;
    argv[argc] = NULL;
    memset(out, 0, sizeof out), memset(err, 0, sizeof err);
    ran = 0;
    struct cli cli = { .arena = &arena, .out = fmemopen(out, sizeof out, "w"), .err = fmemopen(err, sizeof err, "w") };
    int status = commands_run(commands, &cli, argc, argv);
    fclose(cli.out), fclose(cli.err);
    return status;
}

#define EXPECT_USAGE(line, message)                                                                                    \
    do {                                                                                                               \
        EXPECT_EQ(cais(line), EXIT_USAGE);                                                                             \
        EXPECT_EQ(ran, 0);                                                                                             \
        EXPECT_SLICE(slice_of(err), S(message "\n"));                                                                  \
        EXPECT_EQ(strlen(out), 0);                                                                                     \
    } while (0)

TEST(options_parse_accepts_every_spelling)
{
    static const char *const spellings[] = { "cais put -o x a",        "cais put -ox a",        "cais put --output x a",
                                             "cais put --output=x a",  "cais put a --output x", "cais put -jo x a",
                                             "cais put a -o x --json", "cais put -o x -- a" };
    for (size_t i = 0; i < LENGTH_OF(spellings); i++) {
        EXPECT_EQ(cais(spellings[i]), EXIT_DONE);
        EXPECT_EQ(ran, 1);
        EXPECT_EQ(seen.operand_count, 1);
        EXPECT(strcmp(seen.operands[0], "a") == 0);
        EXPECT(strcmp(option_value(&seen, "output"), "x") == 0);
    }
    EXPECT_EQ(cais("cais put --set a=1 --set=b=2 - -- --json"), EXIT_DONE);
    EXPECT(strcmp(option_nth(&seen, "set", 0), "a=1") == 0);
    EXPECT(strcmp(option_nth(&seen, "set", 1), "b=2") == 0);
    EXPECT(!option_nth(&seen, "set", 2));
    EXPECT(strcmp(option_value(&seen, "set"), "b=2") == 0);
    EXPECT(!option_on(&seen, "json"));
    EXPECT_EQ(seen.operand_count, 2);
    EXPECT(strcmp(seen.operands[0], "-") == 0 && strcmp(seen.operands[1], "--json") == 0);
    EXPECT_EQ(cais("cais put --output= a"), EXIT_DONE);
    EXPECT(strcmp(option_value(&seen, "output"), "") == 0);
    EXPECT_EQ(cais("cais put --json --json a"), EXIT_DONE);
}

TEST(command_find_prefers_the_name_of_two_words)
{
    EXPECT_EQ(cais("cais key add ana"), EXIT_DONE);
    EXPECT(seen.command == &key_add);
    EXPECT_EQ(cais("cais key --json"), EXIT_DONE);
    EXPECT(seen.command == &key);
}

TEST(wrong_usage_prints_one_line)
{
    EXPECT_USAGE("cais put", "cais put: FILE… is missing; try 'cais put --help'");
    EXPECT_USAGE("cais put a --jsn", "cais put: unknown option --jsn; try 'cais put --help'");
    EXPECT_USAGE("cais put a --jsn=1", "cais put: unknown option --jsn; try 'cais put --help'");
    EXPECT_USAGE("cais put a -x", "cais put: unknown option -x; try 'cais put --help'");
    EXPECT_USAGE("cais put a --output", "cais put: option --output needs a value (FILE); try 'cais put --help'");
    EXPECT_USAGE("cais put a -o", "cais put: option -o needs a value (FILE); try 'cais put --help'");
    EXPECT_USAGE("cais put a --json=1", "cais put: option --json takes no value; try 'cais put --help'");
    EXPECT_USAGE("cais put a -o x -o y", "cais put: option -o is given twice; try 'cais put --help'");
    EXPECT_USAGE("cais key x", "cais key: one operand too many: 'x'; try 'cais key --help'");
    EXPECT_USAGE("cais key add a b", "cais key add: one operand too many: 'b'; try 'cais key add --help'");
    EXPECT_USAGE("cais pt", "cais: unknown command 'pt'; try 'cais --help'");
    EXPECT_USAGE("cais \033[2J", "cais: unknown command '\\x1b[2J'; try 'cais --help'");
}

TEST(option_number_refuses_values_out_of_range)
{
    static const char *const wrong[] = { "0", "11", "x", "", "3x", "99999999999999999999" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        EXPECT_EQ(cais(arena_printf(&arena, "cais put a --number=%s", wrong[i]).p), EXIT_USAGE);
        EXPECT_SLICE(slice_of(err), arena_printf(&arena,
                                                 "cais put: --number: '%s' is not a number from 1 to 10; "
                                                 "try 'cais put --help'\n",
                                                 wrong[i]));
    }
    EXPECT_EQ(cais("cais put a -n 3"), EXIT_DONE);
}

TEST(option_duration_needs_a_unit)
{
    static const char *const wrong[] = { "5", "x", "", "-1s", "1.5h", "s", "99999999999999999d" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        EXPECT_EQ(cais(arena_printf(&arena, "cais put a --within=%s", wrong[i]).p), EXIT_USAGE);
        EXPECT_SLICE(slice_of(err), arena_printf(&arena,
                                                 "cais put: --within: '%s' is no duration, such as 90s, 5m or 2h; "
                                                 "try 'cais put --help'\n",
                                                 wrong[i]));
    }
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = { { "0", 0 }, { "250ms", 250 }, { "90s", 90000 }, { "5m", 300000 }, { "2H", 7200000 } };
    for (size_t i = 0; i < LENGTH_OF(right); i++) {
        EXPECT_EQ(cais(arena_printf(&arena, "cais put a --within=%s", right[i].text).p), EXIT_DONE);
        EXPECT_EQ(within_ms, right[i].ms);
    }
    EXPECT_EQ(cais("cais put a"), EXIT_DONE);
    EXPECT_EQ(within_ms, 42);
}

TEST(help_goes_to_standard_output_and_succeeds)
{
    static const char *const asked[] = { "cais put --help", "cais put -h", "cais help put",
                                         "cais put --nonsense --help" };
    for (size_t i = 0; i < LENGTH_OF(asked); i++) {
        EXPECT_EQ(cais(asked[i]), EXIT_DONE);
        EXPECT_EQ(ran, 0);
        EXPECT(strstr(out, "cais put FILE… [OPTION]…\n\nSend.\n\nMore.\n"));
        EXPECT(strstr(out, "  -o, --output FILE             Where.\n"));
        EXPECT(strstr(out, "      --set KEY=VALUE           A key. May be repeated.\n"));
        EXPECT(strstr(out, "  -h, --help "));
        EXPECT_EQ(strlen(err), 0);
    }
    static const char *const all[] = { "cais --help", "cais -h", "cais help" };
    for (size_t i = 0; i < LENGTH_OF(all); i++) {
        EXPECT_EQ(cais(all[i]), EXIT_DONE);
        EXPECT(strstr(out, "  cais put FILE…                   Send.\n"));
        EXPECT(strstr(out, "  cais key add LOGIN               Make a key.\n"));
    }
    EXPECT_EQ(cais("cais"), EXIT_USAGE);
    EXPECT(strstr(err, "cais put FILE…"));
    EXPECT_EQ(cais("cais user"), EXIT_USAGE);
    EXPECT(strstr(err, "cais user list") && !strstr(err, "cais key"));
    EXPECT_EQ(cais("cais user --help"), EXIT_DONE);
    EXPECT(strstr(out, "cais user list"));
    EXPECT_EQ(cais("cais help user"), EXIT_DONE);
    EXPECT_EQ(cais("cais help nonsense"), EXIT_USAGE);
}

int main(void)
{
    arena_init(&arena);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_parse_accepts_every_spelling),
        cmocka_unit_test(command_find_prefers_the_name_of_two_words),
        cmocka_unit_test(wrong_usage_prints_one_line),
        cmocka_unit_test(option_number_refuses_values_out_of_range),
        cmocka_unit_test(option_duration_needs_a_unit),
        cmocka_unit_test(help_goes_to_standard_output_and_succeeds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed ? 1 : 0;
}

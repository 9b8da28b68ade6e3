/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cli/listing.h"

#include <string.h>

static const struct listing_layout layout = {
    .columns =
        (const struct listing_column[]){
            { "id", NULL, LISTING_NUMBER },
            { "login", "LOGIN", LISTING_TEXT },
            { "name", "NAME", LISTING_TEXT, LISTING_CUT },
            { "size", "SIZE", LISTING_SIZE, LISTING_ZERO_IS_NONE },
            { "at", "AT", LISTING_TIME, 0, 1 },
            { "note", "NOTE", LISTING_TEXT, LISTING_OPTIONAL, 2 },
        },
    .count = 6,
    .none = "None.",
};

/* Arguments of the command, how wide the terminal is, and where the last piece ended. */
static struct {
    size_t columns, rows;
    const char *name, *login;
    slice resume;
} given;
static struct arena arena;
static char out[65536], err[4096];

static int run_list(struct cli *cli)
{
    struct listing list;
    cli->columns = given.columns;
    cli->resume = given.resume;
    if (!listing_begin(&list, cli, &layout))
        return EXIT_USAGE;
    for (int64_t id = list.page.after_id + 1;
         id <= (int64_t)given.rows && id <= list.page.after_id + (int64_t)list.page.limit; id++) {
        listing_number(&list, id);
        listing_text(&list, slice_of(given.login));
        listing_text(&list, slice_of(given.name));
        listing_size(&list, id == 2 ? 0 : 2048);
        listing_time(&list, id == 2 ? 0 : 1795961049000);
        listing_text(&list, id == 2 ? S("") : S("note"));
        listing_end_row(&list, id);
    }
    int status = listing_end(&list, NULL);
    given.resume = arena_copy(&arena, cli->resume);
    return status;
}

static const struct command command = {
    .name = "user list",
    .options =
        (const struct option_spec[]){
            LISTING_OPTIONS, { "json", 0, NULL, false, "Print JSON." }, { "data", 0, "DIR", false, "Data." }, { 0 } },
    .summary = "List.",
    .run = run_list,
};
static const struct command *const commands[] = { &command, NULL };

static int cais(const char *line)
{
    char *argv[32], *words = arena_cstr(&arena, slice_of(line));
    int argc = 0;
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        argv[argc++] = word;
    argv[argc] = NULL;
    memset(out, 0, sizeof out), memset(err, 0, sizeof err);
    struct cli cli = { .arena = &arena, .out = fmemopen(out, sizeof out, "w"), .err = fmemopen(err, sizeof err, "w") };
    int status = commands_run(commands, &cli, argc, argv);
    fclose(cli.out), fclose(cli.err);
    return status;
}

static void give(size_t columns, size_t rows)
{
    given.columns = columns, given.rows = rows, given.name = "Ana Lima", given.login = "ana", given.resume = S("");
}

TEST(a_terminal_has_headings_and_columns)
{
    give(80, 2);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("LOGIN  NAME         SIZE  AT (UTC)          NOTE\n"
                                  "ana    Ana Lima  2.0 KiB  2026-11-29 14:04  note\n"
                                  "ana    Ana Lima        -  -                 -\n"));
    EXPECT_SLICE(slice_of(err), S(""));
}

TEST(a_pipe_has_no_headings_and_whole_times)
{
    give(0, 1);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("ana  Ana Lima  2.0 KiB  2026-11-29T14:04:09Z  note\n"));
}

TEST(json_has_a_line_for_each_row)
{
    give(80, 2);
    EXPECT_EQ(cais("cais user list --json"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("{\"id\":1,\"login\":\"ana\",\"name\":\"Ana Lima\",\"size\":2048,"
                                  "\"at\":\"2026-11-29T14:04:09Z\",\"note\":\"note\"}\n"
                                  "{\"id\":2,\"login\":\"ana\",\"name\":\"Ana Lima\",\"size\":0}\n"));
}

TEST(columns_are_left_out_by_rank_and_then_texts_are_cut)
{
    give(44, 1);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("LOGIN  NAME         SIZE  AT (UTC)\n"
                                  "ana    Ana Lima  2.0 KiB  2026-11-29 14:04\n"));
    given.columns = 25;
    given.name = "Ana Maria Lima";
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("LOGIN  NAME          SIZE\n"
                                  "ana    Ana Mari…  2.0 KiB\n"));
}

TEST(a_wide_character_is_cut_whole)
{
    give(25, 1);
    given.name = "文件文件文件";
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("LOGIN  NAME          SIZE\n"
                                  "ana    文件文件…  2.0 KiB\n"));
}

TEST(a_long_first_text_stands_on_a_line_of_its_own)
{
    give(40, 1);
    given.login = "somebody.with.a.long.name@subdomain.example.org";
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("LOGIN                  NAME         SIZE\n"
                                  "somebody.with.a.long.name@subdomain.example.org\n"
                                  "                       Ana Lima  2.0 KiB\n"));
}

TEST(control_characters_and_empty_texts_are_shown)
{
    give(80, 1);
    given.name = "a\033[2J";
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT(strstr(out, "a\\x1b[2J") && !strchr(out, '\033'));
    given.name = "";
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT(strstr(out, "ana    -     2.0 KiB"));
}

TEST(the_next_page_is_told_as_a_command)
{
    give(80, 5);
    EXPECT_EQ(cais("cais user list --limit 2 --data it's --after 1"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S("There are more: cais user list --limit 2 --data 'it'\"'\"'s' --after 3\n"));
    EXPECT_EQ(cais("cais user list --limit 2 --after 3"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S(""));
}

TEST(a_terminal_shows_a_hundred_rows_and_a_pipe_all_in_pieces)
{
    give(80, 130);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S("There are more: cais user list --after 100\n"));
    EXPECT_SLICE(given.resume, S(""));
    give(0, 501);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S(""));
    EXPECT(given.resume.n > 0);
    given.login = "an"; /* the columns do not move */
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("an   Ana Lima  2.0 KiB  2026-11-29T14:04:09Z  note\n"));
    EXPECT_SLICE(given.resume, S(""));
}

TEST(a_limit_holds_over_pieces)
{
    give(0, 2000);
    EXPECT_EQ(cais("cais user list --limit 501"), EXIT_DONE);
    EXPECT(given.resume.n > 0);
    EXPECT_EQ(cais("cais user list --limit 501"), EXIT_DONE);
    EXPECT_SLICE(slice_of(out), S("ana  Ana Lima  2.0 KiB  2026-11-29T14:04:09Z  note\n"));
    EXPECT_SLICE(slice_of(err), S("There are more: cais user list --limit 501 --after 501\n"));
    EXPECT_SLICE(given.resume, S(""));
}

TEST(an_empty_list_says_so_on_a_terminal_only)
{
    give(80, 0);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S("None.\n"));
    give(0, 0);
    EXPECT_EQ(cais("cais user list"), EXIT_DONE);
    EXPECT_SLICE(slice_of(err), S(""));
}

TEST(wrong_cursors_and_limits_are_wrong_usage)
{
    give(0, 3);
    EXPECT_EQ(cais("cais user list --after x"), EXIT_USAGE);
    EXPECT_EQ(cais("cais user list --limit 0"), EXIT_USAGE);
    given.resume = S("5 1,2,3");
    EXPECT_EQ(cais("cais user list"), EXIT_USAGE);
}

int main(void)
{
    arena_init(&arena);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_has_headings_and_columns),
        cmocka_unit_test(a_pipe_has_no_headings_and_whole_times),
        cmocka_unit_test(json_has_a_line_for_each_row),
        cmocka_unit_test(columns_are_left_out_by_rank_and_then_texts_are_cut),
        cmocka_unit_test(a_wide_character_is_cut_whole),
        cmocka_unit_test(a_long_first_text_stands_on_a_line_of_its_own),
        cmocka_unit_test(control_characters_and_empty_texts_are_shown),
        cmocka_unit_test(the_next_page_is_told_as_a_command),
        cmocka_unit_test(a_terminal_shows_a_hundred_rows_and_a_pipe_all_in_pieces),
        cmocka_unit_test(a_limit_holds_over_pieces),
        cmocka_unit_test(an_empty_list_says_so_on_a_terminal_only),
        cmocka_unit_test(wrong_cursors_and_limits_are_wrong_usage),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
    arena_release(&arena);
    return status;
}

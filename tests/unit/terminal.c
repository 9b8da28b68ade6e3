/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cli/terminal.h"

#include <string.h>

static slice safe(struct arena *a, const char *text)
{
    return terminal_safe(a, slice_of(text));
}

TEST(terminal_safe_escapes_what_moves_the_cursor)
{
    SCRATCH(a);
    EXPECT_SLICE(safe(&a, "plain.pdf"), S("plain.pdf"));
    EXPECT_SLICE(safe(&a, "счёт № 7 😀"), S("счёт № 7 😀"));
    EXPECT_SLICE(safe(&a, "\033[2J\007"), S("\\x1b[2J\\x07"));
    EXPECT_SLICE(safe(&a, "a\nb\tc\rd\\e\177"), S("a\\nb\\tc\\x0dd\\\\e\\x7f"));
    EXPECT_SLICE(safe(&a, "\xc2\x9b"
                          "31m"),
                 S("\\u{009b}31m")); /* CSI as one character */
    EXPECT_SLICE(safe(&a, "a\xe2\x80\xae"
                          "fdp.exe"),
                 S("a\\u{202e}fdp.exe")); /* right-to-left override */
    EXPECT_SLICE(safe(&a, "\xff\xc0\xaf"), S("\\xff\\xc0\\xaf"));
    EXPECT_SLICE(terminal_safe(&a, S("a\0b")), S("a\\x00b"));
}

TEST(terminal_width_counts_columns)
{
    EXPECT_EQ(terminal_width(S("abc")), 3);
    EXPECT_EQ(terminal_width(S("счёт")), 4);
    EXPECT_EQ(terminal_width(S("文件")), 4);
    EXPECT_EQ(terminal_width(S("e\xcc\x81")), 1);
    EXPECT_EQ(terminal_width(S("")), 0);
}

TEST(sizes_and_durations_have_units_for_people)
{
    SCRATCH(a);
    EXPECT_SLICE(size_for_people(&a, 0), S("0 B"));
    EXPECT_SLICE(size_for_people(&a, 1023), S("1023 B"));
    EXPECT_SLICE(size_for_people(&a, 1024), S("1.0 KiB"));
    EXPECT_SLICE(size_for_people(&a, 1048575), S("1.0 MiB"));
    EXPECT_SLICE(size_for_people(&a, INT64_MAX), S("8.0 EiB"));
    EXPECT_SLICE(duration_for_people(&a, 7), S("0:07"));
    EXPECT_SLICE(duration_for_people(&a, 750), S("12:30"));
    EXPECT_SLICE(duration_for_people(&a, 3723), S("1:02:03"));
    EXPECT_SLICE(duration_for_people(&a, -5), S("0:00"));
}

TEST(progress_prints_nothing_without_a_terminal)
{
    SCRATCH(a);
    struct clock_manual clock;
    clock_manual_init(&clock, 0);
    char text[256] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    struct progress p;
    progress_init(&p, to, &clock.clock, S("a.pdf"));
    clock_manual_advance(&clock, 1000);
    progress_update(&p, 50, 100);
    progress_end(&p);
    fclose(to);
    EXPECT_EQ(strlen(text), 0);
}

TEST(progress_shows_percentage_rate_and_time_left)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 0);
    char text[256] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    struct progress p;
    progress_init(&p, to, &clock.clock, S("a.pdf"));
    p.shown = true;
    clock_manual_advance(&clock, 1000);
    progress_update(&p, 1 << 20, 4 << 20);
    clock_manual_advance(&clock, 50);
    progress_update(&p, 2 << 20, 4 << 20); /* too soon to draw again */
    fclose(to);
    EXPECT(strcmp(text, "\r\033[Ka.pdf   25 % [======                  ] 1.0 MiB  1.0 MiB/s  ETA 0:03") == 0);
}

TEST(progress_of_the_rest_does_not_count_what_was_done_before)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 0);
    char text[512] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    struct progress p;
    progress_init(&p, to, &clock.clock, S("a.pdf"));
    p.shown = true;
    clock_manual_advance(&clock, 60000); /* the first half is read again */
    progress_begin_at(&p, 2 << 20);
    clock_manual_advance(&clock, 1000);
    progress_update(&p, 3 << 20, 4 << 20);
    fclose(to);
    EXPECT(strcmp(text, "\r\033[Ka.pdf   75 % [==================      ] 3.0 MiB  1.0 MiB/s  ETA 0:01") == 0);
}

TEST(a_note_is_cut_where_the_line_ends)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 0);
    char text[512] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    struct progress p;
    progress_init(&p, to, &clock.clock, S("a.pdf"));
    p.shown = true;
    char longer[200];
    memset(longer, 'x', sizeof longer);
    progress_note(&p, (slice){ longer, sizeof longer }, false); /* too soon */
    fflush(to);
    EXPECT_EQ(strlen(text), 0);
    progress_note(&p, (slice){ longer, sizeof longer }, true);
    fclose(to);
    EXPECT_EQ(terminal_width(slice_from(slice_of(text), 4)), 79); /* of 80, without the sequence that clears the line */
    EXPECT_SLICE(slice_part(slice_of(text), 4, 8), S("a.pdf  x"));
}

RUN_TESTS(cmocka_unit_test(terminal_safe_escapes_what_moves_the_cursor),
          cmocka_unit_test(terminal_width_counts_columns), cmocka_unit_test(sizes_and_durations_have_units_for_people),
          cmocka_unit_test(progress_prints_nothing_without_a_terminal),
          cmocka_unit_test(progress_shows_percentage_rate_and_time_left),
          cmocka_unit_test(progress_of_the_rest_does_not_count_what_was_done_before),
          cmocka_unit_test(a_note_is_cut_where_the_line_ends))

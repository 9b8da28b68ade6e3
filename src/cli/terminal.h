/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal: names that other users chose are made safe, sizes and durations are easy to read, and a bar shows
 * the progress of a transfer. */
#ifndef CAIS_CLI_TERMINAL_H
#define CAIS_CLI_TERMINAL_H

#include "base/arena.h"
#include "base/clock.h"

#include <stdio.h>

/* Escape control characters (C0, C1, DEL), characters that change the direction of text, backslashes, and bytes that are
 * not UTF-8, as \n, \t, \\, \xNN or \u{NNNN}. So a name can neither move the cursor nor pass for another name. */
slice terminal_safe(struct arena *a, slice text);
/* The columns of safe text: one for each character, two for a wide East Asian one. */
size_t terminal_width(slice text);
slice terminal_cut(slice text, size_t width); /* the beginning of the text that is at most so wide */
/* The width of the terminal, 80 if it does not say; 0: it is no terminal. */
size_t terminal_columns(FILE *to);
slice size_for_people(struct arena *a, int64_t bytes);       /* 17 B, 4.0 KiB, 1.2 GiB */
slice duration_for_people(struct arena *a, int64_t seconds); /* 0:07, 12:30, 1:02:03 */

/* A progress bar, redrawn at most ten times a second. It prints nothing when `to` is not a terminal. */
struct progress {
    FILE *to;
    struct clock *clock;
    slice name; /* safe */
    bool shown, drawn;
    int64_t started_ms, drawn_ms;
    int64_t begun_at; /* so much was done before */
};
void progress_init(struct progress *p, FILE *to, struct clock *clock, slice safe_name);
/* So much was done before, and does not count in the speed, which is measured from now on. */
void progress_begin_at(struct progress *p, int64_t done);
void progress_update(struct progress *p, int64_t done, int64_t total); /* total < 0: unknown */
/* Another text in place of the bar, such as what is waited for.
 * at_once  even if the last one was drawn just now */
void progress_note(struct progress *p, slice safe_text, bool at_once);
void progress_end(struct progress *p); /* erases the bar */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people at a terminal: names that others chose must not move their cursor, sizes and times read at a glance,
 * a bar shows how far a transfer is. */
#ifndef CAIS_CLI_TERMINAL_H
#define CAIS_CLI_TERMINAL_H

#include "base/arena.h"
#include "base/clock.h"

#include <stdio.h>

/* Control characters (C0, C1, DEL), what reverses the direction of text, backslashes and bytes that are no UTF-8 become
 * \n, \t, \\, \xNN or \u{NNNN}. */
slice terminal_safe(struct arena *a, slice text);
size_t terminal_width(slice text); /* of safe text: one column for each character, two for East Asian wide ones */
slice size_for_people(struct arena *a, int64_t bytes);       /* 17 B, 4.0 KiB, 1.2 GiB */
slice duration_for_people(struct arena *a, int64_t seconds); /* 0:07, 12:30, 1:02:03 */

/* A bar on a terminal, redrawn a few times a second; silent on anything else. */
struct progress {
    FILE *to;
    struct clock *clock;
    slice name; /* safe */
    bool shown, drawn;
    int64_t started_ms, drawn_ms;
};
void progress_init(struct progress *p, FILE *to, struct clock *clock, slice safe_name);
void progress_update(struct progress *p, int64_t done, int64_t total); /* total < 0: unknown */
void progress_end(struct progress *p);                                 /* wipes the bar */

#endif

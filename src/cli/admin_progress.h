/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long command is, for the person at its terminal. The command may run in the process of the command line, or in a server:
 * then the command line asks for it now and then, while it waits for the reply. */
#ifndef CAIS_CLI_ADMIN_PROGRESS_H
#define CAIS_CLI_ADMIN_PROGRESS_H

#include "base/json.h"
#include "cli/terminal.h"

#include <pthread.h>

#define ADMIN_PROGRESS_PATH "/admin/progress"
enum { ADMIN_PROGRESS_ID = 16, ADMIN_PROGRESS_WHAT = 32, ADMIN_PROGRESS_MAX = 8 };

/* Where a command says it. */
struct admin_progress {
    void (*set)(struct admin_progress *, const char *what, int64_t done, int64_t total);
};
/* For a command: what it does now, and of how many bytes; total 0: it is not known. p: cli->progress, may be NULL. Cheap.
 * what  at most ADMIN_PROGRESS_WHAT - 1 bytes; NULL: it has ended, and prints now */
void admin_progress_set(struct admin_progress *p, const char *what, int64_t done, int64_t total);

/* The same, as the functions of core call it. */
void admin_progress_of_bytes(void *progress, const char *what, uint64_t done_bytes, uint64_t total_bytes);

/* ---- in the process of the command line ---- */

struct admin_bar {
    struct admin_progress progress;
    struct progress bar;
};
/* Draws on `to`, if that is a terminal. */
void admin_bar_init(struct admin_bar *, FILE *to, struct clock *clock);
void admin_bar_end(struct admin_bar *);

/* ---- in a server ---- */

struct admin_slot {
    struct admin_progress progress;
    pthread_mutex_t *mutex;         /* over all below */
    char id[ADMIN_PROGRESS_ID + 1]; /* of the command; empty: the slot is free */
    char what[ADMIN_PROGRESS_WHAT];
    int64_t done, total;
};
struct admin_slots {
    pthread_mutex_t mutex;
    struct admin_slot slots[ADMIN_PROGRESS_MAX];
};
void admin_slots_init(struct admin_slots *);
/* A slot for the command with this id; NULL: there is none, or the id is none. Thread: any, also of those below. */
struct admin_slot *admin_slots_take(struct admin_slots *, slice id);
void admin_slots_give(struct admin_slot *); /* NULL is fine */
/* "DONE TOTAL WHAT" of the command with this id, in `a`; empty: there is none. */
slice admin_slots_text(struct admin_slots *, slice id, struct arena *a);
/* Draws what admin_slots_text said. */
void admin_bar_draw(struct admin_bar *, slice text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a command: SIGINT, SIGTERM, SIGHUP. A command that has something to do before it ends blocks them, and
 * asks between two pieces of its work whether one has arrived. A signal that the process ignores, such as SIGHUP under nohup,
 * stays ignored. Thread: those that block and ask are the same. */
#ifndef CAIS_CLI_STOP_SIGNALS_H
#define CAIS_CLI_STOP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct stop_signals {
    sigset_t blocked; /* by stop_signals_block */
    sigset_t before;  /* the mask of the thread until then */
};
void stop_signals_block(struct stop_signals *);
/* A signal that arrived and is still blocked takes its effect now. */
void stop_signals_restore(const struct stop_signals *);
/* Wait until one of the blocked signals arrives, at most so long; 0: only look. Returns the signal, which then has no further
 * effect, or 0. */
int stop_signals_wait(const struct stop_signals *, int64_t ms);
/* Has one arrived while it was blocked? It keeps waiting. */
bool stop_signal_waits(void);

#endif

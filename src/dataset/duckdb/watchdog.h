/* SPDX-License-Identifier: Apache-2.0 */
/* Stops queries that run too long. One thread for all of them, which starts with the first query that has a time limit, and
 * sleeps while none runs. Thread: any. */
#ifndef CAIS_DATASET_DUCKDB_WATCHDOG_H
#define CAIS_DATASET_DUCKDB_WATCHDOG_H

#include "base/clock.h"

#include <duckdb.h>
#include <pthread.h>
#include <stdbool.h>

/* A query that is watched; the caller holds it from watchdog_add to watchdog_remove. */
struct watched {
    struct watched *next;
    duckdb_connection connection;
    int64_t deadline_ms; /* of the monotonic clock */
};

struct watchdog {
    struct clock *clock;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct watched *list;
    pthread_t thread;
    bool has_thread, must_end, sleeps;
};

void watchdog_init(struct watchdog *, struct clock *);
void watchdog_release(struct watchdog *); /* nothing is watched */
/* From its deadline on, the connection is interrupted, again and again. False: there is no thread to do it. */
bool watchdog_add(struct watchdog *, struct watched *);
void watchdog_remove(struct watchdog *, struct watched *); /* after it, the connection may be closed */

#endif

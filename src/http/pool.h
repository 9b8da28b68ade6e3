/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of threads that run tasks from one queue, in order of submission. */
#ifndef CAIS_HTTP_POOL_H
#define CAIS_HTTP_POOL_H

#include <stdbool.h>
#include <stddef.h>

/* Embed it in the struct that the task works on; the submitter owns the memory. While a task is queued it must not be
 * submitted again; it may be from its own `run` on. */
struct pool_task {
    struct pool_task *next;
    void (*run)(struct pool_task *);
};

struct pool;

/* queue_max: how many tasks may wait; 0: no limit. name: of the threads, a literal of at most 15 bytes. */
struct pool *pool_new(int threads, size_t queue_max, const char *name);
/* Queue a task. False: the queue is full, and the task was not taken. Thread: any. */
bool pool_submit(struct pool *, struct pool_task *);
/* Run what is queued, then end the threads. NULL is fine. */
void pool_free(struct pool *);

#endif

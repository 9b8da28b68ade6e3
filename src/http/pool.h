/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of threads that run tasks. Every task belongs to a share, usually that of an account: the threads serve
 * the shares in turn, and the tasks of one share in order of submission. So a client with many tasks delays its own, and
 * nobody else's by more than one task each. */
#ifndef CAIS_HTTP_POOL_H
#define CAIS_HTTP_POOL_H

#include "base/stretch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embed it in the struct that the task works on; the submitter owns the memory. While a task is queued it must not be
 * submitted again; it may be from its own `run` on. */
struct pool_task {
    struct pool_task *next;
    void (*run)(struct pool_task *);
    uint64_t share; /* any number; tasks with the same number have the same share */
};

struct pool_options {
    const char *name; /* of the threads, a literal of at most 15 bytes */
    int threads;
    int share_threads;              /* how many threads may run tasks of one share at the same time; 0: all */
    size_t queue_max;               /* how many tasks may wait; 0: no limit */
    size_t share_queue_max;         /* the same for one share */
    bool begun_first;               /* of one share: tasks that were resumed run before new ones */
    struct stretch_budget *stretch; /* measures the tasks; borrowed until pool_free */
};

struct pool;

struct pool *pool_new(const struct pool_options *);
/* Queue a new task. False: the queue, or this share's part of it, is full, and the task was not taken. Thread: any. */
bool pool_submit(struct pool *, struct pool_task *);
/* Queue the next piece of work that was begun: a task that ran already, or the next part of a reply. It is never
 * refused. Thread: any. */
void pool_resume(struct pool *, struct pool_task *);
/* Run what is queued, then end the threads. NULL is fine. */
void pool_free(struct pool *);

struct pool_stats {
    uint64_t waiting; /* tasks in the queue now */
    uint64_t refused; /* by pool_submit */
};
void pool_stats(struct pool *, struct pool_stats *ret); /* thread: any */

#endif

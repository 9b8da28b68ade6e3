/* SPDX-License-Identifier: Apache-2.0 */
/* Can this server do its work now? */
#ifndef CAIS_CORE_CARE_HEALTH_H
#define CAIS_CORE_CARE_HEALTH_H

#include "core/core.h"
#include "core/store/transaction.h"
#include "core/writes.h"

/* Of a store and of the server, from good to bad. Only with HEALTH_OK every request can succeed. */
enum health_status {
    HEALTH_OK,
    HEALTH_FULL,         /* uploads are refused; reads and deletions go on */
    HEALTH_FAILING,      /* the last write failed (core/writes.h); reads go on, and it ends by itself */
    HEALTH_READ_ONLY,    /* the file system is read-only; reads go on */
    HEALTH_FLUSH_FAILED, /* writes are refused until the next start (meta_flush_failed) */
    HEALTH_STALLED,      /* the store did not answer in time, and still does not: a disk that hangs */
    HEALTH_UNAVAILABLE   /* not even reading works */
};
const char *health_status_name(enum health_status); /* "ok", "full", … */

struct store_health {
    enum health_status status;
    struct write_state writes;
};

struct health {
    enum health_status status; /* of the worse store */
    struct store_health stores[CORE_STORES];
    bool is_full;        /* an upload of one byte would be refused */
    bool is_read_only;   /* the file system of the blobs */
    bool has_free_bytes; /* the blob store said how many bytes are free */
    uint64_t free_bytes;
    struct meta_longest longest;
};

/* Of a check that waits for no disk longer than this, in real time: a load balancer gives up after some seconds, too. */
#define HEALTH_WAIT_MS 2000

/* A thread that checks, so that its callers need not wait for a disk that hangs. */
struct health_watch;
struct health_watch *health_watch_new(struct core *); /* the thread starts with the first check */
/* Waits until a check that still runs has ended. NULL is fine. */
void health_watch_free(struct health_watch *);
/* What health_check says, from a check that began now or was still running. One that does not end within HEALTH_WAIT_MS makes the store
 * for which it waits HEALTH_STALLED; the rest is then what the last one found. Thread: any but a loop. */
void health_watch_check(struct health_watch *, struct health *ret);

/* Reads one row, asks the blob store, and, when a store was not written lately (core/writes.h), writes a page to it: at most once
 * in some seconds, however often this is called. It may block: not for a loop. */
void health_check(struct core *, struct arena *a, struct health *ret);

#endif

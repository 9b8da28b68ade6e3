/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of the metadata store, which keeps the records (core/records/). The other headers of this folder say
 * what can be done with each kind of record inside a transaction. src/meta implements all of them over src/sql, and
 * tests/conformance/meta*.c hold every database to them.
 *
 * Reading   meta_read_begin gives a consistent snapshot. Keep it short; any thread may read.
 * Writing   One thread writes, the committer. A caller submits a function, which the committer runs inside its
 *           transaction. The committer runs all functions that are waiting, one after the other, commits once to stable
 *           storage, and then reports to each caller. A function that returns an error fails alone: what it did is
 *           undone, what the others did is kept. Over SQLite no two functions run at the same time. They are written
 *           so that they would stay right if several machines wrote: docs/internals/writes.md.
 *
 * Errors of every call in this folder: NO_SPACE, UNAVAILABLE, CORRUPT, as in sql/sql.h. Calls that ask for, change or
 * remove a single record also return NOT_FOUND; calls that add one also return CONFLICT when it must be unique and is
 * not. ret_ values are written only on success, and live in `a`. */
#ifndef CAIS_CORE_STORE_TRANSACTION_H
#define CAIS_CORE_STORE_TRANSACTION_H

#include "core/store/write_watch.h"

struct meta_store;
struct meta_tx; /* a snapshot, or the committer's transaction */

/* ---- reading ---- */

MUST_USE err_t meta_read_begin(struct meta_store *, struct arena *a, struct meta_tx **ret_tx);
void meta_read_end(struct meta_tx *); /* NULL is fine */
static inline void meta_read_endp(struct meta_tx **tx)
{
    meta_read_end(*tx);
}

/* ---- writing ---- */

/* Runs on the committer's thread, inside its transaction. It runs again when the transaction has to be repeated, so it
 * must change nothing but the store and what it returns through `arg`. `a` lives until `done` returns. */
typedef err_t meta_apply_fn(struct meta_tx *, void *arg, struct arena *a);

struct meta_write {
    meta_apply_fn *apply;
    void *arg;
    /* Called once, on the committer's thread, after the commit or the failure. It must not block. `e` is NULL when the
     * write was committed; it lives until `done` returns. */
    void (*done)(struct meta_write *, err_t e);
    struct meta_write *next; /* used by the store while the write is submitted */
};
/* Submits a write and returns at once. The struct must live until `done` is called. Returns false when the queue is
 * full or the store is closing: then `done` is not called, and the client should retry (UNAVAILABLE). */
MUST_USE bool meta_submit(struct meta_store *, struct meta_write *);
/* Submits a write and waits until it is committed or has failed. Not for threads that must not block. */
MUST_USE err_t meta_write(struct meta_store *, meta_apply_fn *apply, void *arg, struct arena *a);

/* How long writes kept others waiting, since the store was opened. */
struct meta_longest {
    uint64_t write_us; /* processor time of one run of an `apply`; at most 1 ms too much, for it is not read for each */
    uint64_t batch_us; /* from the beginning of a transaction to its commit, with the time to flush it */
};
/* Thread: any. */
void meta_longest(struct meta_store *, struct meta_longest *ret);

/* A number for caches. It rises before `done` of each write that changed or removed an existing record; writes that
 * only add records leave it alone. A cache may use a record as long as the generation is the one that was read before
 * the record was looked up. */
uint64_t meta_generation(struct meta_store *);

/* What a commit did to jobs (core/store/job_store.h). */
struct meta_job_changes {
    bool wakes;    /* it queued a job or asked a run to stop: the workers have something to do */
    uint64_t rows; /* a bit for each job whose state, progress or outcome it may have changed: META_JOB_BIT of its id */
};
#define META_JOB_BITS 64
#define META_JOB_BIT(id) (UINT64_C(1) << ((uint64_t)(id) % META_JOB_BITS))
/* Sets what is called after each commit with such changes, before `done` of the write. It must not block. Not to be called
 * while writes are submitted. */
void meta_on_jobs(struct meta_store *, void (*changed)(void *arg, const struct meta_job_changes *), void *arg);

/* Sets who learns of each commit that wrote something, and of each that failed. Thread: any; when it returns, no call of the one
 * before is running. */
void meta_watch_writes(struct meta_store *, const struct write_watch *);

/* ---- the whole store ---- */

/* Has a flush of the database failed since it was opened? Then no write is taken any more (UNAVAILABLE) until the next
 * start, because the system may take what it lost for written; reads go on. Thread: any; it does not block. */
bool meta_flush_failed(struct meta_store *);

/* Commits a change that means nothing, to see whether that is possible; the watch learns of it. Errors: as meta_write. */
MUST_USE err_t meta_probe(struct meta_store *, struct arena *a);

/* Makes a consistent copy of the database at `path` while the store is in use; see sql/sql.h. */
MUST_USE err_t meta_backup(struct meta_store *, const char *path, struct arena *a);
/* Runs the database's own check of its pages, indexes and foreign keys, and finds values of another type than that of their
 * column. CORRUPT, with the first finding as its text. */
MUST_USE err_t meta_verify(struct meta_store *, struct arena *a);
/* Reports each row with values that this program never writes: they come from a damaged database, or from somebody who
 * made one by hand. They are a blob key that no store can hold, a digest of an unknown kind or length, a key in a bucket that
 * no request can name, and line breaks in headers and content types. Such values are never used as they are: reading them
 * finds no blob, no digest, blanks; listings leave such keys out. subject is "object:12" and the like, borrowed. Errors:
 * those of reading. */
MUST_USE err_t meta_check_rows(struct meta_tx *, struct arena *a,
                               void (*report)(void *arg, const char *what, slice subject), void *arg);
/* Ends every write that was submitted, then closes the database. NULL is fine. */
void meta_close(struct meta_store *);

#endif

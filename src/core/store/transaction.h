/* SPDX-License-Identifier: Apache-2.0 */
/* Where records live. Implemented once, by src/meta over src/sql; tests/conformance/meta.c holds every database to it.
 *
 * Reading: meta_read_begin gives a consistent snapshot; short, on any thread.
 * Writing: there is one writer, the committer. A caller hands it a function that runs inside its transaction; the
 * committer takes whatever waits, runs each function in turn, commits once on stable storage, then tells each caller.
 * A function that returns an error is undone alone and fails alone. Because functions run one after the other, "check,
 * then change" inside one of them is a compare-and-set.
 *
 * Errors of every call: NO_SPACE, UNAVAILABLE, CORRUPT, as in sql.h; NOT_FOUND where a single record is asked for;
 * CONFLICT where uniqueness is broken.
 * ret_ values are written only on success and live in `a`. */
#ifndef CAIS_CORE_STORE_TRANSACTION_H
#define CAIS_CORE_STORE_TRANSACTION_H

#include "base/err.h"

struct meta_store;
struct meta_tx; /* a snapshot, or the committer's transaction */

MUST_USE err_t meta_read_begin(struct meta_store *, struct arena *a, struct meta_tx **ret_tx);
void meta_read_end(struct meta_tx *); /* NULL is fine */
static inline void meta_read_endp(struct meta_tx **tx)
{
    meta_read_end(*tx);
}

/* Runs on the committer's thread. May be run twice when the transaction has to be repeated, so it must change nothing
 * but the store and what it returns through arg. `a` lives until done was called. */
typedef err_t meta_apply_fn(struct meta_tx *, void *arg, struct arena *a);

struct meta_write {
    meta_apply_fn *apply;
    void *arg;
    /* Called once, on the committer's thread, after the commit or the failure; must not block. `e` (NULL: committed)
     * lives in `a`, which dies when done returns. */
    void (*done)(struct meta_write *, err_t e);
    struct meta_write *next; /* the store's, while submitted */
};
/* Hand over a write. The struct must live until done. False: the queue is full or the store is closing; done will not
 * be called: tell the client to come back (UNAVAILABLE). */
MUST_USE bool meta_submit(struct meta_store *, struct meta_write *);
/* Submit and wait for the commit. Not on a thread that must not block. */
MUST_USE err_t meta_write(struct meta_store *, meta_apply_fn *apply, void *arg, struct arena *a);

/* Goes up before the done of every write that changed or removed a record that existed before (not by those that only
 * add). A cached record is good while the generation read before it was looked up still stands. */
uint64_t meta_generation(struct meta_store *);

/* A consistent copy at `path` while in use; see sql.h. */
MUST_USE err_t meta_backup(struct meta_store *, const char *path, struct arena *a);
/* The database's own check, then foreign keys. CORRUPT with the first complaint. */
MUST_USE err_t meta_verify(struct meta_store *, struct arena *a);
void meta_close(struct meta_store *); /* finishes what was submitted; NULL is fine */

#endif

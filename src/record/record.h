/* SPDX-License-Identifier: Apache-2.0 */
/* The record store over src/sql: one SQLite file for each set, DIR/{id}.db, and beside it what SQLite and sql/sqlite/distrust.h make
 * while it is open. Files have mode 0600. A set that is open holds up to 8 descriptors and up to 24 MiB of cache; of those that
 * nobody uses, a few stay open, and those that were used least recently are closed.
 *
 * The log of a set is copied into the file after a commit that makes it longer than 16 MiB, on the thread that committed. While
 * somebody reads, it may stay as it is and grow, and this is tried again after another 16 MiB.
 *
 * In memory, for tests, a set is one handle: who reads while another thread has a writer waits for the end of the batch, and who reads
 * while it has one itself sees its rows. */
#ifndef CAIS_RECORD_RECORD_H
#define CAIS_RECORD_RECORD_H

#include "base/clock.h"
#include "base/random.h"
#include "core/store/record_store.h"

struct record_options {
    const char *dir;       /* NULL: in memory */
    struct random *random; /* for ids; borrowed */
    struct clock *clock;   /* for the time that queries take; borrowed. NULL: they have no limit */
    int open_max;          /* sets that stay open while nobody uses them; 0: 4. In memory all of them stay */
    /* Called once for each failed flush of a file, on the thread that flushed; NULL is fine. */
    void (*report)(void *arg, err_t e);
    void *report_arg;
};

/* Opens the store; makes DIR (not its parents), with mode 0700, when it is missing, and removes what a process that was killed left
 * there. Opens no set. Only one store may be open for a DIR at a time: the caller holds a lock.
 * Errors: those of record_store.h; NOT_FOUND DIR has no parent. */
MUST_USE err_t record_open(const struct record_options *, struct arena *a, struct record_store **ret_store);

#endif

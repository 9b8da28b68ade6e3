/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep removes orphans: blobs, and growing blobs, that no record names. A crash after the bytes of an upload were synced, and before
 * its row was committed, leaves one. */
#ifndef CAIS_CORE_OBJECT_SWEEP_H
#define CAIS_CORE_OBJECT_SWEEP_H

#include "core/core.h"

struct sweep_report {
    int64_t seen;            /* blobs in the store, and growing ones */
    int64_t young;           /* without a row, but younger than the grace, in flight, or on the garbage list */
    int64_t orphans;         /* no row names them, and none will */
    int64_t removed;         /* of the orphans */
    uint64_t orphaned_bytes; /* of all orphans */
};

/* A crash leaves a few orphans. When more than SWEEP_DOUBTFUL_COUNT blobs, and more than one in SWEEP_DOUBTFUL_SHARE,
 * seem to be orphans, it is far more likely that records were lost (a database that was replaced, or whose log was
 * removed) than that bytes were left behind. The sweep then removes nothing until a person has confirmed it. The same holds for
 * every orphan while core_options.records_were_lost. */
enum { SWEEP_DOUBTFUL_COUNT = 100, SWEEP_DOUBTFUL_SHARE = 10 };

struct job_run;
struct sweep_request {
    bool remove;       /* remove the orphans; else only count them */
    bool is_confirmed; /* a person has confirmed the removal: remove the orphans however many there are */
    void (*on_orphan)(void *arg, slice key,
                      uint64_t size_bytes); /* called for each, before any is removed; may be NULL */
    void *arg;
    struct job_run *run; /* core/job.h: the orphans removed are reported to it; may be NULL */
};
/* Look at every blob. A blob is an orphan when it is older than purge_grace_ms, no upload in flight writes to it, and
 * one snapshot taken after that has it neither as an object or transfer nor on the garbage list. While a backup runs
 * (garbage_is_held) nothing is removed, which is no error. When the run is stopping, the sweep ends early, and the
 * report says what it did.
 *
 * A refusal is in the audit log (blobs.sweep_refused), once for each number of orphans.
 *
 * ret     set also when CORRUPT is returned
 * Errors  CORRUPT the orphans are too many to be believed, and nothing was removed; those of the stores. */
MUST_USE err_t sweep_run(struct core *, const struct sweep_request *, struct arena *a, struct sweep_report *ret);

/* How many orphans the last sweep of this process that should remove them refused to remove. Thread: any. */
int64_t sweep_refused(struct core *);

#endif

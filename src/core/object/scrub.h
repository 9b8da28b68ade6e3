/* SPDX-License-Identifier: Apache-2.0 */
/* The scrub reads every stored byte once in a period, and so finds what has rotted before somebody needs it, while a backup
 * may still have it. Objects that are older than checksums get theirs on the way.
 *
 * It goes through the objects by id, in rounds, which stand in the database: a restart goes on where the last run ended. A
 * run reads as many bytes as belong to the time since the round began, but at most SCRUB_RUSH times what belongs to the time
 * between two runs, so that a server that was off for a week does not read a week's bytes at once; and whole objects only,
 * so a very large one is read in one go, and the runs after it read nothing until its time has passed. It removes and
 * repairs nothing. */
#ifndef CAIS_CORE_OBJECT_SCRUB_H
#define CAIS_CORE_OBJECT_SCRUB_H

#include "core/core.h"

#define SCRUB_JOB "scrub"
#define SCRUB_RUN_MS ((int64_t)60000) /* between two runs */
enum { SCRUB_RUSH = 4 };
#define SCRUB_RUN_MIN_BYTES ((uint64_t)64 << 20) /* a run may read so many if its time allows it, however short it is */

struct job_run;
/* One run. Does nothing while core_options.scrub_period_ms is 0. Each object is compared with its MD5, and with its checksums;
 * one that differs, or whose bytes are missing, is reported (damage.h), gets the event object.damaged, and counts in the
 * result of the job. An object whose bytes cannot be read now is tried again by the next run.
 * Reports bytes to the run: those of the round that were read, and the bytes that the accounts use.
 * Errors: those of the stores; the run goes on there. */
MUST_USE err_t scrub_run(struct core *, struct job_run *, struct arena *a);

struct scrub_progress {
    uint64_t done_bytes, total_bytes; /* of this round; the total is that of the accounts now */
    uint64_t damaged;                 /* objects of this round */
    int64_t begun_at_ms;              /* 0: no round has begun */
};
/* As the last run left it. Errors: those of the store. */
MUST_USE err_t scrub_progress(struct core *, struct arena *a, struct scrub_progress *ret);

#endif

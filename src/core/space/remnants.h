/* SPDX-License-Identifier: Apache-2.0 */
/* What was removed is gone at once, by a mark that every look-up asks for: that of an environment, course or space, or that of the
 * branches of a folder (branch_priv.h). Its rows stay until this job has removed them, a bounded number in each write, the deepest
 * first; files are released, and the purge removes them. A crash in between leaves the rest to the next run. */
#ifndef CAIS_CORE_SPACE_REMNANTS_H
#define CAIS_CORE_SPACE_REMNANTS_H

#include "core/core.h"

struct job_run;

/* Removes all that is left of what was removed, until the run (core/job.h; may be NULL) is stopping. Errors: those of the store.
 * Thread: any that may block. */
MUST_USE err_t remnants_remove(struct core *, struct job_run *run, struct arena *a);

#endif

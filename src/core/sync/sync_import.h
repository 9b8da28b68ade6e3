/* SPDX-License-Identifier: Apache-2.0 */
/* Imports: the rows of a sync file become records, by a job. sync_file.h draws the states.
 *
 *   1. a write marks the file as PROCESSING
 *   2. the whole file is checked (sync_reader.h), and its header is compared with its section and its entity. What is wrong makes the
 *      file FAILED, and no record was changed
 *   3. its rows are put into the records of the data source (record_set.h), in batches of SYNC_BATCH_ROWS. A batch is committed
 *      together with the position behind it, so after a crash the next run goes on there
 *   4. the last batch is flushed, and a write says how it ended
 *
 * Imports of a section run one after the other, in the order in which they were accepted, so the records of a data source end as the
 * last file says. Sections take turns. An import holds its file: from the first one on, its bytes stay.
 *
 * What is wrong with a file or a row is never tried again. A store that does not answer makes the attempt fail: it goes on from its
 * last batch, and after SYNC_IMPORT_ATTEMPTS the file is FAILED, with what was applied so far. While free space would fall below the
 * reserve (free_space.h), it waits. When the account has no room for the records, or the job is cancelled, the file is FAILED as well;
 * its rows count what was applied. If the process ends before it can say so, and the job is cancelled before another run, they count
 * what was last written.
 *
 * The numbers of rows that the file shows while it is PROCESSING are those of the batches that were committed. They are written once a
 * second, with the progress of the job.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any that may block. */
#ifndef CAIS_CORE_SYNC_IMPORT_H
#define CAIS_CORE_SYNC_IMPORT_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/sync_file.h"

struct job_run;

#define SYNC_IMPORT_JOB "import"
#define SYNC_IMPORT_ATTEMPTS 8
#define SYNC_BATCH_ROWS 1000
#define SYNC_FLUSH_MS 1000 /* about how often the rows are flushed, and the progress is written */
/* What the records of a set take is measured as often, and after 64 MiB. After a run whose process was killed, they may take about so
 * much more than its row says. */
#define SYNC_UNMEASURED_BYTES ((int64_t)256 << 20)

struct sync_import_request {
    int64_t sync_file_id;
    enum sync_form form;
    slice action; /* by which its sender follows it; empty: that of the file. As sync_name_is_valid */
    slice remark; /* empty: that of the file */
};
/* Ask for an import, inside the caller's write. Nothing happens when one is accepted and has not ended, or when one with the same
 * action was successful. `who` is the user for whom the rows are applied. *ret: as it is now; texts of the request are borrowed.
 * Errors: SYNC_NO_BYTES none have come; SYNC_LINK_EXPIRED none will; SYNC_NO_FILE its bytes are gone; QUOTA. */
MUST_USE err_t sync_import_queue(struct core *, struct meta_tx *, const struct principal *who,
                                 const struct sync_import_request *, struct arena *a, struct sync_file *ret);
/* The same, in a write of its own, of a file that `who` can see. Errors: also SYNC_NO_FILE. */
MUST_USE err_t sync_import_start(struct core *, const struct principal *who, const struct sync_import_request *,
                                 struct arena *a, struct sync_file *ret);

/* As sync_import_start, without waiting. The slices of *f live until done returns. It runs on the committer's thread, or on the
 * caller's before sync_import_submit returns; it must not block. The request, `who`, and everything they point to must live until done
 * has run. Fit for a loop. */
typedef void sync_queued_fn(void *arg, err_t e, const struct sync_file *f);
void sync_import_submit(struct core *, const struct principal *who, const struct sync_import_request *,
                        sync_queued_fn *done, void *arg);

/* Runs the job. */
MUST_USE err_t sync_import_run(struct core *, struct job_run *, struct arena *a);
/* Ends the imports whose jobs were cancelled, or have failed, without a run that said so. Not while a backup runs. */
MUST_USE err_t sync_import_end_left(struct core *, struct job_run *, struct arena *a);

#endif

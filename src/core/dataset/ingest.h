/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file into the rows of its dataset: a job for each file.
 *
 *   1. a write marks the file as RUNNING, and finds a file with the same bytes whose rows are in the dataset: then this one
 *      is DONE, and has no rows
 *   2. the file is read line by line (lines.h, line.h); its rows go to a writer of the dataset store
 *   3. the writer's commit makes the rows visible, and records the id of the file in the same transaction
 *   4. a write marks the file as DONE, or, when a line is wrong, as FAILED with what is wrong; then the writer was discarded
 *
 * All or nothing: a file with a wrong line adds no rows. Exactly once: a run that finds the file's id in the dataset store was
 * interrupted between 3 and 4, and only does 4. The jobs of a dataset run one after the other, so of two files with the same
 * bytes one is read, and rows are in the order in which the files came.
 *
 * What is wrong with a file makes it FAILED, and the job has done its work; also that its account has used up its limit of
 * bytes (quota.h). A store that does not answer makes the attempt fail; the job is repeated, and after the last attempt the file
 * is FAILED as well, unless its rows may be there. While free space would fall below the reserve (free_space.h), or the disk is full, the job waits: this is no
 * attempt, and the file is read when there is room again.
 *
 * When the job of a file is cancelled, the file is FAILED, unless its rows are there. A run that is not told so, because the job
 * waited or the server had ended, leaves that to dataset_end_left. job_retry reads the file after all. */
#ifndef CAIS_CORE_DATASET_INGEST_H
#define CAIS_CORE_DATASET_INGEST_H

#include "core/core.h"

struct job_run;

#define DATASET_INGEST_JOB "ingest"
#define DATASET_INGEST_ATTEMPTS 8

/* Runs the job. Errors: those of the stores. */
MUST_USE err_t dataset_ingest(struct core *, struct job_run *, struct arena *a);
/* Ends the files that are to be read by jobs which were cancelled or have failed: DONE if their rows are there, else FAILED. Not
 * while a backup runs. Errors: those of the stores; the first one, after all files were tried. */
MUST_USE err_t dataset_end_left(struct core *, struct job_run *, struct arena *a);

#endif

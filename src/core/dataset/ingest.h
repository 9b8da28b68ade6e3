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
 * What is wrong with a file makes it FAILED, and the job has done its work. A full disk, or a store that does not answer, makes
 * the attempt fail; the job is repeated, and after the last attempt the file is FAILED as well. */
#ifndef CAIS_CORE_DATASET_INGEST_H
#define CAIS_CORE_DATASET_INGEST_H

#include "core/core.h"

struct job_run;

#define DATASET_INGEST_JOB "ingest"
#define DATASET_INGEST_ATTEMPTS 8

/* Runs the job. Errors: those of the stores. */
MUST_USE err_t dataset_ingest(struct core *, struct job_run *, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets: rows of declared columns, which are read from the files that people send (dataset_file.h, ingest.h), and about
 * which they ask questions (row_query.h).
 *
 *   declared ──► files come (prefix.h) ──► a job reads each (ingest.h) ──► rows, all of a file or none
 *       │ columns are only ever added, and the version rises
 *       └──► removed: nobody finds it; a job removes its files, its rows and then its record
 *
 * The record is in the metadata store, and the rows are a table of the dataset store. The record is written first; the
 * table is made, or given the new columns, when it is needed (dataset_open_table). So a crash leaves no table without a
 * record, and what the record promises is made up for.
 *
 * A dataset is visible in its account alone; for others it does not exist. Who may do what is the caller's business, but
 * for the account.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any that may block; what only reads
 * is fit for a loop, lists for one page. */
#ifndef CAIS_CORE_DATASET_DATASET_H
#define CAIS_CORE_DATASET_DATASET_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/dataset.h"
#include "core/records/record_ids.h"

struct job_run;

enum {
    DATASET_NAME_MAX = 255, /* characters */
    DATASET_SLUG_MAX = 63,
};
#define DATASET_VOLUME_DEFAULT ((int64_t)100 << 20)
#define DATASET_VOLUME_MAX ((int64_t)1 << 40)

struct dataset_request {
    slice name;
    slice slug;    /* [a-z0-9][a-z0-9-]*; empty: made from the name */
    slice version; /* three numbers with dots; empty: 1.0.0 */
    slice
        base_version; /* of a change: UNAVAILABLE if the dataset has another version by now; empty: whichever it has */
    struct column_list columns;
    bool is_strict, takes_duplicates;
    enum dataset_processing processing;
    int64_t volume_bytes; /* of BY_VOLUME: 1 to DATASET_VOLUME_MAX; 0: DATASET_VOLUME_DEFAULT */
    slice schedule;       /* of SCHEDULED: schedule.h */
};
/* What asks to leave the dataset as it is, and is refused when it has another version by then: for a change that names less than all. */
struct dataset_request dataset_request_of(const struct dataset *);
/* Errors: the reasons DATASET_…; QUOTA; UNSUPPORTED the server has no dataset store. */
MUST_USE err_t dataset_create(struct core *, const struct principal *who, const struct dataset_request *,
                              struct arena *a, struct dataset *ret);
/* Replaces name, columns and settings; an empty slug or version stays as it is, and slug must be that of the dataset if it
 * is given. The columns must begin with those of the dataset, which may be in another order than in the request; the new
 * ones are added behind them. The second number of the version rises when anything changed.
 * Errors: as dataset_create; DATASET_NOT_THERE; DATASET_COLUMN_KEPT a column is missing or has another type. */
MUST_USE err_t dataset_change(struct core *, const struct principal *who, slice slug, const struct dataset_request *,
                              struct arena *a, struct dataset *ret);
/* Errors: DATASET_NOT_THERE. */
MUST_USE err_t dataset_remove(struct core *, const struct principal *who, slice slug, struct arena *a);
/* Errors: DATASET_NOT_THERE. */
MUST_USE err_t dataset_find(struct core *, int64_t account_id, slice slug, struct arena *a, struct dataset *ret);
MUST_USE err_t dataset_find_id(struct core *, int64_t account_id, int64_t id, struct arena *a, struct dataset *ret);
/* Those of an account, by id. account_id 0: of all accounts. */
MUST_USE err_t dataset_list(struct core *, int64_t account_id, const struct id_page *, struct arena *a,
                            struct dataset_list *ret);

/* Makes the table, or gives it the columns that it lacks, before it is used. Cheap when there is nothing to do. While a
 * backup runs (gate.h), or a file is read into it, the table is used as it is: queries see nulls in the new columns.
 * Errors: UNSUPPORTED the server has no dataset store; QUOTA, NO_SPACE a new table has no room; CORRUPT there is no table, though it had rows; those of define in core/store/dataset_store.h. */
MUST_USE err_t dataset_open_table(struct core *, const struct dataset *, struct arena *a);

/* Removes what is left of datasets that were removed, a bounded number of records in each write, until the run is stopping
 * (core/job.h; may be NULL). Errors: those of the stores. */
MUST_USE err_t dataset_remove_ended(struct core *, struct job_run *, struct arena *a);

#endif

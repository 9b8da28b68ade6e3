/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are sent to a dataset. The dataset is the holder of each (core/file/hold.h).
 *
 *   waits            until a processing is started; in a dataset of DATASET_ON_UPLOAD it never waits
 *   is queued        a job will read it
 *   is being read    when the run is interrupted, the next run begins again
 *   is done          its rows are in the dataset, or those of a file with the same bytes are
 *   has failed       nothing of it is in the dataset
 *
 * Its bytes come in one request (dataset_upload_into), or in several: a transfer whose holder is the dataset (core/transfer/transfer.h).
 * A file is queued with a job of its own (ingest.h), in the write that queues it. The jobs of a dataset run one after the
 * other, in the order in which they were queued; others do not wait for them.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; what only reads is
 * fit for a loop, lists for one page. */
#ifndef CAIS_CORE_DATASET_DATASET_FILE_H
#define CAIS_CORE_DATASET_DATASET_FILE_H

#include "core/dataset/dataset.h"
#include "core/object/intake.h"
#include "core/store/dataset_record_store.h"

#define DATASET_FILE_NAME_MAX 1024    /* bytes */
#define DATASET_FILE_HEADERS_MAX 8192 /* bytes */

/* A file on its way. The struct lives until the upload has ended. */
struct dataset_upload {
    struct core *core;
    int64_t dataset_id;
    int64_t prefix_id; /* 0: it comes in another way */
    const struct principal
        *administrator; /* who sends it as such, which is asked again when it has come; NULL: not needed */
    slice name;         /* 1 to DATASET_FILE_NAME_MAX bytes of UTF-8; may contain slashes */
    slice headers;      /* lines "name: value\n" that are kept with it; at most DATASET_FILE_HEADERS_MAX */
    bool refuse_name;   /* DATASET_NAME_TAKEN when a file of that name was sent under the prefix */
    bool waits;         /* it is not queued, whatever the dataset says */
    /* CONFLICT when the rows of a file with the same bytes are in the dataset, which does not take duplicates; then duplicate_of is
     * that file, otherwise 0, and md5 is that of the bytes. */
    bool refuse_duplicate;
    int64_t duplicate_of;
    unsigned char md5[MD5_SIZE];
    int64_t job_id; /* set: of the job that will read it; 0: it waits */
};
/* Makes the intake's file one of the dataset. Sets name, and what follows from the file being held. Errors of the intake: also
 * DATASET_NOT_THERE; DATASET_NO_PREFIX the permission was revoked meanwhile; DATASET_NAME_TAKEN; QUOTA. */
void dataset_upload_into(struct dataset_upload *, struct intake_request *request);

/* *ret_was: a file of that name was sent under the prefix. */
MUST_USE err_t dataset_file_was_sent(struct core *, int64_t prefix_id, slice name, struct arena *a, bool *ret_was);

/* Errors: DATASET_NO_FILE. */
MUST_USE err_t dataset_file_find(struct core *, int64_t dataset_id, int64_t id, struct arena *a,
                                 struct dataset_file *ret);
/* The same in any dataset of the account. *ret_dataset: whose it is; NULL: no matter. */
MUST_USE err_t dataset_file_of_account(struct core *, int64_t account_id, int64_t id, struct arena *a,
                                       struct dataset_file *ret, struct dataset *ret_dataset);
/* As meta_dataset_file_list, whose struct says what the query may ask for. */
MUST_USE err_t dataset_file_list(struct core *, const struct dataset_file_query *, struct arena *a,
                                 struct dataset_file_list *ret, int64_t *ret_total);
/* Its bytes are removed; the rows that were read from it stay. Errors: DATASET_NO_FILE; CONFLICT it is being
 * read, or waits while the files that wait are being queued. */
MUST_USE err_t dataset_file_remove(struct core *, const struct principal *who, const struct dataset *, int64_t id,
                                   struct arena *a);

/* What a processing takes. */
struct dataset_processing_started {
    int64_t job_id; /* 0: nothing waits */
    int64_t files, bytes;
};
/* Starts to read the files that wait. A job queues them. */
MUST_USE err_t dataset_process(struct core *, const struct principal *who, const struct dataset *, struct arena *a,
                               struct dataset_processing_started *ret);

/* ---- jobs ---- */

#define DATASET_QUEUE_JOB "process"
/* Queues the files of a processing, until the run is stopping. Errors: those of the store. */
MUST_USE err_t dataset_queue_files(struct core *, struct job_run *, struct arena *a);
/* Starts the processing of the datasets whose schedule is due. Errors: those of the store. */
MUST_USE err_t dataset_process_due(struct core *, struct job_run *, struct arena *a);

#endif

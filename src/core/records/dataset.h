/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DATASET_H
#define CAIS_CORE_RECORDS_DATASET_H

#include "base/hash.h"
#include "core/records/column.h"

/* When files that have come are read into rows. The numbers stand in the database. */
enum dataset_processing {
    DATASET_ON_UPLOAD, /* each as soon as it has come */
    DATASET_MANUAL,    /* when somebody asks for it */
    DATASET_BY_VOLUME, /* when those that wait have volume_bytes together */
    DATASET_SCHEDULED, /* at the times of the schedule */
    DATASET_PROCESSING_COUNT
};

/* Rows of fixed columns, which are read from files. The rows themselves are in the dataset store. */
struct dataset {
    int64_t id, account_id;
    slice slug; /* unique in the account; never changes */
    slice name;
    slice version; /* "1.2.0" */
    struct column_list columns;
    bool is_strict;        /* a member of a line that is no column is an error */
    bool takes_duplicates; /* a file is read although one with the same bytes was */
    enum dataset_processing processing;
    int64_t volume_bytes;                 /* BY_VOLUME */
    slice schedule;                       /* SCHEDULED: core/dataset/schedule.h; else empty */
    int64_t due_at_ms;                    /* the next time of the schedule; 0: there is none */
    int64_t waiting_files, waiting_bytes; /* PENDING, for which no processing was started */
    int64_t table_bytes;                  /* what its rows take on the disk, as of the last file that was read */
    int64_t created_at_ms, modified_at_ms;
};
struct dataset_list {
    struct dataset *items;
    size_t count;
};

/* The numbers stand in the database. */
enum dataset_file_state {
    DATASET_FILE_PENDING, /* it waits until it is to be read */
    DATASET_FILE_QUEUED,  /* a job will read it */
    DATASET_FILE_RUNNING, /* a job reads it */
    DATASET_FILE_DONE,    /* its rows are in the dataset, or those of a file with the same bytes are */
    DATASET_FILE_FAILED,  /* nothing of it is in the dataset */
    DATASET_FILE_STATES
};

/* A file that was sent to a dataset, which holds it. The record outlives the file when its rows stay. */
struct dataset_file {
    int64_t id; /* that of the file */
    int64_t dataset_id, account_id;
    int64_t prefix_id; /* under which it was sent; 0: in another way */
    slice name;        /* as the sender called it; may contain slashes */
    slice headers;     /* that the sender wants to be kept with it: lines "name: value\n" */
    slice version;     /* that the dataset had when the file came */
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    enum dataset_file_state state;
    slice errors;         /* core/dataset/file_errors.h; empty: none */
    int64_t rows;         /* once it is DONE */
    int64_t duplicate_of; /* the file with the same bytes whose rows are in the dataset; 0: its own are */
    int64_t created_at_ms, processed_at_ms; /* 0: not yet */
};
struct dataset_file_list {
    struct dataset_file *items;
    size_t count;
};

/* Permission to send any number of files to a dataset, under URLs that begin with the secret. */
struct upload_prefix {
    int64_t id, account_id, owner_id;
    int64_t credential_id; /* the key with which the owner asked for it; 0: none */
    int64_t dataset_id;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t created_at_ms;
    int64_t expires_at_ms; /* from this time on nothing is taken */
    int64_t revoked_at_ms;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_SYNC_FILE_H
#define CAIS_CORE_RECORDS_SYNC_FILE_H

#include "base/hash.h"
#include "base/slice.h"

/* The states of a sync file: core/sync/sync_file.h draws them. The numbers stand in the database. */
enum sync_state {
    SYNC_CREATED,              /* no bytes have come */
    SYNC_UPLOADED,             /* its bytes may be put again */
    SYNC_QUEUED,               /* an import waits; from now on the bytes never change */
    SYNC_PROCESSING,           /* an import runs */
    SYNC_IMPORTED,             /* all of its rows were applied */
    SYNC_IMPORTED_WITH_ERRORS, /* some were */
    SYNC_FAILED,               /* none was */
    SYNC_EXPIRED,              /* no bytes came in time */
    SYNC_PURGED,               /* it was never imported, and its bytes are gone */
    SYNC_STATES
};

/* How a sync file came. The numbers stand in the database. */
enum sync_way { SYNC_BY_LINK, SYNC_BY_FOLDER, SYNC_BY_PAGE, SYNC_BY_BODY, SYNC_WAYS };

#define SYNC_HANDLE_LENGTH 24 /* hex digits */

/* What its bytes are: core/sync/sync_reader.h. The numbers stand in the database. */
enum sync_form { SYNC_LINES, SYNC_JSON, SYNC_FORM_COUNT };

/* Rows of a file. done is that of inserted, updated, deleted and failed rows, and of deletes that found nothing. */
struct sync_progress {
    int64_t total; /* 0: not counted yet */
    int64_t done, inserted, updated, deleted, failed;
};

/* The last import of a sync file that was asked for: core/sync/sync_import.h. */
struct sync_import {
    int64_t number; /* counts the imports of the file; 0: none was asked for, and nothing else here is set */
    int64_t job_id; /* of which job it is */
    enum sync_form form;
    bool may_delete;                                     /* rows may delete records */
    slice data_source, reference;                        /* as the file says; empty: it was not read yet */
    int64_t queued_at_ms, started_at_ms, finished_at_ms; /* 0: not yet */
    struct sync_progress rows;
};

/* A file whose rows are to be imported into a workspace. It outlives the file that holds its bytes. */
struct sync_file {
    int64_t id;
    slice handle; /* random; by which clients name it */
    int64_t account_id, owner_id;
    int64_t workspace_id, section_id;
    slice workspace, section; /* their names; set only by reading */
    int64_t bucket_id;        /* under whose `key` its bytes are put and read */
    slice key;
    slice origin; /* name of the API through which it came */
    enum sync_way way;
    slice name;             /* of the file, as its sender calls it */
    slice entity_type;      /* as the sender said; empty: it did not */
    slice folder;           /* a part of the key */
    slice category, remark; /* may be empty */
    slice tags, metadata;   /* in a form that only the API reads; may be empty */
    slice action;           /* by which the sender follows it */
    uint64_t max_bytes;     /* of the bytes; 0: no limit */
    int64_t idle_ms;        /* how long bytes that are never imported stay */
    enum sync_state state;
    int64_t revision;    /* rises with each change */
    int64_t file_id;     /* the file with its bytes; 0: there is none, or none any more */
    uint64_t size_bytes; /* these three as of the last upload */
    unsigned char md5[MD5_SIZE];
    slice content_type;
    int64_t created_at_ms, modified_at_ms;
    int64_t link_expires_at_ms; /* from this time on no upload begins */
    int64_t uploaded_at_ms;     /* 0: not yet */
    int64_t due_at_ms;          /* when the purge is to look at it; 0: never */
    struct sync_import import;
    int64_t report_bytes; /* of its sync_report */
};
/* What the last import found wrong, and what it did: core/sync/sync_report.h. */
struct sync_report {
    slice errors, notes;
};
struct sync_file_list {
    struct sync_file *items;
    size_t count;
};

#endif

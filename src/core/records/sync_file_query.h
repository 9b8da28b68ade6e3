/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the sync files of a workspace: core/store/sync_file_store.h. */
#ifndef CAIS_CORE_RECORDS_SYNC_FILE_QUERY_H
#define CAIS_CORE_RECORDS_SYNC_FILE_QUERY_H

#include "base/clock.h"
#include "core/records/row_query.h"

#define SYNC_FILE_PAGE_MAX 1000

/* The columns of a sync file, as a question names them. Texts are STRING, times are DATETIME64. What may be null is marked. */
enum sync_file_column {
    SYNC_COLUMN_HANDLE,
    SYNC_COLUMN_NAME,
    SYNC_COLUMN_SECTION,     /* its name */
    SYNC_COLUMN_ENTITY_TYPE, /* null */
    SYNC_COLUMN_DATA_SOURCE, /* null */
    SYNC_COLUMN_FOLDER,
    SYNC_COLUMN_CATEGORY, /* null */
    SYNC_COLUMN_REMARK,   /* null */
    SYNC_COLUMN_ACTION,
    SYNC_COLUMN_REFERENCE,    /* null */
    SYNC_COLUMN_CONTENT_TYPE, /* null */
    SYNC_COLUMN_FORM,         /* INT8, an enum sync_form; null */
    SYNC_COLUMN_WAY,          /* INT8, an enum sync_way */
    SYNC_COLUMN_STATE,        /* INT8, an enum sync_state as people see it (core/sync/sync_file.h) */
    SYNC_COLUMN_SIZE,         /* INT64; null */
    SYNC_COLUMN_LINK_EXPIRES, /* null */
    SYNC_COLUMN_CREATED,
    SYNC_COLUMN_UPLOADED, /* null */
    SYNC_COLUMN_STARTED,  /* null */
    SYNC_COLUMN_FINISHED, /* null */
    SYNC_COLUMN_MODIFIED,
    SYNC_COLUMNS
};
extern const struct column_list sync_file_columns; /* with names of our own */

/* The tree has no items and no groups, and tests are none of BETWEEN, LIKE and NOT LIKE. Without an order, and where it does not tell files
 * apart, the newest come first. The page is limit, at most SYNC_FILE_PAGE_MAX, and offset. */
struct sync_file_query {
    const struct row_query *rows;
    int64_t workspace_id;
    int64_t section_id; /* 0: any */
    int64_t now_ms;     /* for SYNC_COLUMN_STATE */
    bool with_total;
    struct clock *clock; /* NULL: there is no limit */
    int64_t limit_ms;    /* how long the store may look; 0: no limit */
};

struct sync_file_found {
    int64_t *ids; /* of the page */
    size_t count;
    uint64_t total; /* if it was asked for: of all pages */
};

#endif

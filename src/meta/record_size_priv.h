/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of core/records/record_size.h as expressions of SQL: what a row counts for in the room of its account. The
 * columns of tables that are joined have a fixed prefix: e for entries and environments, k for tickets, c for comments and
 * courses, n for enrolments, s for spaces, d for folders. */
#ifndef CAIS_META_RECORD_SIZE_PRIV_H
#define CAIS_META_RECORD_SIZE_PRIV_H

#include "core/records/record_size.h"
#include "meta/dialect_priv.h"

#include <assert.h>

#define ROW_SIZE "256"
static_assert(RECORD_BYTES == 256, "ROW_SIZE is the same number");

#define FILE_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "way") " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "content_type")
#define TICKET_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "k.key")
#define BUCKET_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "cors")
#define ENTRY_SIZE(IN)                                                                                                 \
    ROW_SIZE " * (1 + e.part_count) + " BYTES_OF(IN, "e.key") " + " BYTES_OF(IN, "e.upload") " + " BYTES_OF(           \
        IN, "e.headers") " + " BYTES_OF(IN, "e.tags")
#define UPLOAD_SIZE(IN)                                                                                                \
    ROW_SIZE                                                                                                           \
    " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "key") " + " BYTES_OF(IN, "headers") " + " BYTES_OF(IN, "tags")
#define TASK_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "text") " + " BYTES_OF(IN, "subject") " + " BYTES_OF(IN, "details")
#define COMMENT_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "c.text") " + " BYTES_OF(IN, "c.details")
#define REFERENCE_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "url") " + " BYTES_OF(IN, "name")
#define ENVIRONMENT_SIZE(IN)                                                                                           \
    ROW_SIZE                                                                                                           \
    " + " BYTES_OF(IN, "e.name") " + " BYTES_OF(IN, "e.path") " + " BYTES_OF(IN, "e.initials") " + " BYTES_OF(         \
        IN, "e.description")
#define COURSE_SIZE(IN)                                                                                                \
    ROW_SIZE " + " BYTES_OF(IN, "c.name") " + " BYTES_OF(IN, "c.path") " + " BYTES_OF(IN, "c.description")
#define ENROLMENT_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "n.email")
#define SPACE_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "s.name") " + " BYTES_OF(IN, "s.description")
#define DATASET_SIZE(IN)                                                                                               \
    ROW_SIZE                                                                                                           \
    " + table_bytes + " BYTES_OF(IN, "slug") " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "schedule") " + " BYTES_OF( \
        IN, "columns")
#define DATASET_FILE_SIZE(IN)                                                                                          \
    ROW_SIZE " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "headers") " + " BYTES_OF(IN, "errors")
#define WORKSPACE_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "w.name")
#define SECTION_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "s.name")
#define ENTITY_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "type") " + " BYTES_OF(IN, "data_source")
#define RECORD_SET_SIZE(IN) ROW_SIZE " + bytes + " BYTES_OF(IN, "data_source")
#define SYNC_FILE_TEXTS(IN)                                                                                            \
    BYTES_OF(IN, "handle")                                                                                             \
    " + " BYTES_OF(IN, "object_key") " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "entity_type") " + " BYTES_OF(      \
        IN, "folder")
#define SYNC_FILE_SIZE(IN)                                                                                                                                   \
    ROW_SIZE                                                                                                                                                 \
    " + report_bytes + " BYTES_OF(IN, "data_source") " + " BYTES_OF(IN, "reference") " + " SYNC_FILE_TEXTS(                                                  \
        IN) " + " BYTES_OF(IN,                                                                                                                               \
                           "category") " + " BYTES_OF(IN,                                                                                                    \
                                                      "remark") " + " BYTES_OF(IN,                                                                           \
                                                                               "tags") " + " BYTES_OF(IN,                                                    \
                                                                                                      "metadata") " +"                                       \
                                                                                                                  " " BYTES_OF(IN, "action") " + " BYTES_OF( \
                                                                                                                      IN,                                    \
                                                                                                                      "content_type") " + " BYTES_OF(IN,     \
                                                                                                                                                     "or"    \
                                                                                                                                                     "ig"    \
                                                                                                                                                     "i"     \
                                                                                                                                                     "n")
#define REPORTER_SIZE(IN)                                                                                              \
    ROW_SIZE                                                                                                           \
    " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "version") " + " BYTES_OF(IN, "host") " + " BYTES_OF(IN, "system")
#define REPORT_RUN_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "sender_key") " + " BYTES_OF(IN, "details")
#define TRANSFER_SIZE(IN)                                                                                              \
    ROW_SIZE                                                                                                           \
    " + " BYTES_OF(IN, "name") " + " BYTES_OF(IN, "origin") " + " BYTES_OF(IN, "file_name") " + " BYTES_OF(            \
        IN, "content_type") " + " BYTES_OF(IN, "metadata") " + " BYTES_OF(IN,                                          \
                                                                          "blob_key") " + " BYTES_OF(IN,               \
                                                                                                     "composition")
#define FOLDER_SIZE(IN) ROW_SIZE " + " BYTES_OF(IN, "d.name")

#endif

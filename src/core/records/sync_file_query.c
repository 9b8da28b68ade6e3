/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/sync_file_query.h"

#define COLUMN(name_, type_)                                                                                           \
    {                                                                                                                  \
        .name = { name_, sizeof(name_) - 1 }, .type = type_                                                            \
    }
static struct column columns[SYNC_COLUMNS] = {
    [SYNC_COLUMN_HANDLE] = COLUMN("handle", COLUMN_STRING),
    [SYNC_COLUMN_NAME] = COLUMN("name", COLUMN_STRING),
    [SYNC_COLUMN_SECTION] = COLUMN("section", COLUMN_STRING),
    [SYNC_COLUMN_ENTITY_TYPE] = COLUMN("entity_type", COLUMN_STRING),
    [SYNC_COLUMN_DATA_SOURCE] = COLUMN("data_source", COLUMN_STRING),
    [SYNC_COLUMN_FOLDER] = COLUMN("folder", COLUMN_STRING),
    [SYNC_COLUMN_CATEGORY] = COLUMN("category", COLUMN_STRING),
    [SYNC_COLUMN_REMARK] = COLUMN("remark", COLUMN_STRING),
    [SYNC_COLUMN_ACTION] = COLUMN("action", COLUMN_STRING),
    [SYNC_COLUMN_REFERENCE] = COLUMN("reference", COLUMN_STRING),
    [SYNC_COLUMN_CONTENT_TYPE] = COLUMN("content_type", COLUMN_STRING),
    [SYNC_COLUMN_FORM] = COLUMN("form", COLUMN_INT8),
    [SYNC_COLUMN_WAY] = COLUMN("way", COLUMN_INT8),
    [SYNC_COLUMN_STATE] = COLUMN("state", COLUMN_INT8),
    [SYNC_COLUMN_SIZE] = COLUMN("size", COLUMN_INT64),
    [SYNC_COLUMN_LINK_EXPIRES] = COLUMN("link_expires", COLUMN_DATETIME64),
    [SYNC_COLUMN_CREATED] = COLUMN("created", COLUMN_DATETIME64),
    [SYNC_COLUMN_UPLOADED] = COLUMN("uploaded", COLUMN_DATETIME64),
    [SYNC_COLUMN_STARTED] = COLUMN("started", COLUMN_DATETIME64),
    [SYNC_COLUMN_FINISHED] = COLUMN("finished", COLUMN_DATETIME64),
    [SYNC_COLUMN_MODIFIED] = COLUMN("modified", COLUMN_DATETIME64),
};
const struct column_list sync_file_columns = { columns, SYNC_COLUMNS };

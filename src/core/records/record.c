/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records/record.h"

static struct column columns[RECORD_COLUMNS] = {
    [RECORD_COLUMN_ID] = { .name = { "id", 2 }, .type = COLUMN_STRING },
    [RECORD_COLUMN_CREATED] = { .name = { "created", 7 }, .type = COLUMN_DATETIME64 },
    [RECORD_COLUMN_MODIFIED] = { .name = { "modified", 8 }, .type = COLUMN_DATETIME64 },
    [RECORD_COLUMN_FILE] = { .name = { "file", 4 }, .type = COLUMN_STRING },
};
const struct column_list record_columns = { columns, RECORD_COLUMNS };

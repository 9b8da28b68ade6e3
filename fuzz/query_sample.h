/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset with a column of each type, for the targets that ask about it. */
#ifndef CAIS_FUZZ_QUERY_SAMPLE_H
#define CAIS_FUZZ_QUERY_SAMPLE_H

#include "core/records/column.h"

static struct column sample_columns[] = {
    { .name = { "s", 1 }, .type = COLUMN_STRING },    { .name = { "j", 1 }, .type = COLUMN_JSON },
    { .name = { "b", 1 }, .type = COLUMN_BOOL },      { .name = { "i8", 2 }, .type = COLUMN_INT8 },
    { .name = { "i", 1 }, .type = COLUMN_INT64 },     { .name = { "u8", 2 }, .type = COLUMN_UINT8 },
    { .name = { "u", 1 }, .type = COLUMN_UINT64 },    { .name = { "f", 1 }, .type = COLUMN_FLOAT },
    { .name = { "d", 1 }, .type = COLUMN_DECIMAL },   { .name = { "day", 3 }, .type = COLUMN_DATE },
    { .name = { "at", 2 }, .type = COLUMN_DATETIME }, { .name = { "us", 2 }, .type = COLUMN_DATETIME64 },
};
#define SAMPLE_COLUMNS (sizeof sample_columns / sizeof sample_columns[0])
static const struct column_list sample_list = { .items = sample_columns, .count = SAMPLE_COLUMNS };

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/meta_type.h"

#include <assert.h>

static const char *const names[] = {
    [COLUMN_STRING] = "String",
    [COLUMN_JSON] = "String",
    [COLUMN_BOOL] = "Bool",
    [COLUMN_INT8] = "Int8",
    [COLUMN_INT16] = "Int16",
    [COLUMN_INT32] = "Int32",
    [COLUMN_INT64] = "Int64",
    [COLUMN_UINT8] = "UInt8",
    [COLUMN_UINT16] = "UInt16",
    [COLUMN_UINT32] = "UInt32",
    [COLUMN_UINT64] = "UInt64",
    [COLUMN_FLOAT] = "Float64",
    [COLUMN_DECIMAL] = "Decimal(18, 6)",
    [COLUMN_DATE] = "Date",
    [COLUMN_DATETIME] = "DateTime",
    [COLUMN_DATETIME64] = "DateTime64(6)",
    [COLUMN_DECIMAL_SUM] = "Decimal(38, 6)",
};
static_assert(sizeof names / sizeof names[0] == COLUMN_DECIMAL_SUM + 1, "a type has no name");

const char *meta_type_name(enum column_type type)
{
    return names[type];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_cell.h"

#include "core/dataset/cell_text.h"

bool json_to_cell(enum column_type type, const struct json *j, struct cell *ret)
{
    switch (j->type) {
    case JS_STRING:
        return cell_from_text(type, j->string, ret) && !ret->is_null;
    case JS_INT:
    case JS_REAL:
        return cell_from_number(type, j->string, ret);
    case JS_BOOL:
        return cell_from_bool(type, j->boolean, ret);
    case JS_NULL:
    case JS_ARRAY:
    case JS_OBJECT:
        break;
    }
    return false;
}

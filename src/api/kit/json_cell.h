/* SPDX-License-Identifier: Apache-2.0 */
/* Values of questions about rows, as they stand in a request. */
#ifndef CAIS_API_KIT_JSON_CELL_H
#define CAIS_API_KIT_JSON_CELL_H

#include "base/json.h"
#include "core/records/column.h"

/* A text, number or boolean of json_parse_exact, as the type accepts it (core/dataset/cell_text.h). Text that is compared with a column
 * of JSON texts is such a text itself. The cell borrows it. False: the type does not accept it, or it is of another kind. */
bool json_to_cell(enum column_type type, const struct json *j, struct cell *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every cell that was read, whatever it was read from. */
#ifndef CAIS_FUZZ_CELLS_H
#define CAIS_FUZZ_CELLS_H

#include "fuzz.h"

#include "core/dataset/cell_text.h"
#include "core/records/row_query.h"

#include <math.h>
#include <string.h>

/* It is in the range of its type, and its text reads as the same cell again. */
static inline void check_cell(enum column_type type, const struct cell *c)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    struct cell again;
    struct json_value v;
    if (c->is_null)
        return;
    cell_add_text(&text, type, c);
    HOLDS(!text.failed && slice_is_utf8(buf_slice(&text)) && slice_find_byte(buf_slice(&text), 0) == SLICE_NONE);
    if (type == COLUMN_JSON) {
        HOLDS(json_scan_value(buf_slice(&text), &v) && !v.has_blanks && slice_eq(v.raw, buf_slice(&text)));
        return;
    }
    HOLDS(column_type_is_text(type) || (text.n > 0 && text.n <= CELL_TEXT_MAX));
    if (type == COLUMN_FLOAT)
        HOLDS(isfinite(c->real));
    if (column_type_is_number(type))
        HOLDS(cell_from_number(type, buf_slice(&text), &again) && cell_same(type, c, &again));
    HOLDS(cell_from_text(type, buf_slice(&text), &again) && cell_same(type, c, &again));
}

#endif

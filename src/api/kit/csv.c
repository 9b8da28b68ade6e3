/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/csv.h"

void csv_begin_text(struct buf *out, slice text)
{
    bool is_formula = text.n && slice_find_byte(S("=+-@\t\r\n"), text.p[0]) != SLICE_NONE;
    buf_add(out, is_formula ? S("\"'") : S("\""));
}

void csv_add_part(struct buf *out, slice part)
{
    for (;;) {
        size_t n = slice_find_byte(part, '"');
        buf_add(out, n == SLICE_NONE ? part : slice_part(part, 0, n));
        if (n == SLICE_NONE)
            return;
        buf_add(out, S("\"\""));
        part = slice_from(part, n + 1);
    }
}

void csv_add_text(struct buf *out, slice text)
{
    csv_begin_text(out, text);
    csv_add_part(out, text);
    buf_add_byte(out, '"');
}

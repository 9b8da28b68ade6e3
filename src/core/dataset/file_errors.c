/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/file_errors.h"

void file_errors_add(struct buf *to, const struct line_error *e)
{
    buf_printf(to, "%d %llu %d ", (int)e->fault, (unsigned long long)e->line, (int)e->expected);
    for (size_t i = 0; i < e->field.n; i++)
        buf_add_byte(to, e->field.p[i] == '\n' ? ' ' : e->field.p[i]);
    buf_add_byte(to, '\n');
}

bool file_errors_next(slice *errors, struct line_error *ret)
{
    slice line, rest, fault, number, type;
    uint64_t fault_number, type_number;
    if (!errors->n || !slice_cut(*errors, '\n', &line, &rest))
        return false;
    *errors = rest;
    slice_cut(line, ' ', &fault, &line);
    slice_cut(line, ' ', &number, &line);
    slice_cut(line, ' ', &type, &line);
    if (!slice_to_u64(fault, &fault_number) || fault_number >= LINE_FAULT_COUNT || !slice_to_u64(number, &ret->line) ||
        !slice_to_u64(type, &type_number) || type_number > COLUMN_TYPE_COUNT)
        return false;
    ret->fault = (enum line_fault)fault_number;
    ret->expected = (enum column_type)type_number;
    ret->field = line;
    return true;
}

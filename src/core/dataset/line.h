/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the cells of a row out of a line: one JSON object, whose members are the values of columns. Of several members with
 * one name the last counts, and the others may hold anything that is JSON. A member that is missing is null. Members that
 * are no column are left out, or are an error if the dataset is strict. Thread: one at a time. */
#ifndef CAIS_CORE_DATASET_LINE_H
#define CAIS_CORE_DATASET_LINE_H

#include "base/json_scan.h"
#include "core/dataset/line_error.h"
#include "core/records/column_index.h"

struct line_parser {
    const struct column_list *columns;
    bool is_strict;
    struct column_index index;
    struct json_value *values; /* of each column, in the line number runs[column] */
    uint64_t *runs, run;       /* how many lines have been parsed */
    uint32_t *order;           /* the column that the first members of the last line belonged to */
    size_t order_count;
    slice unknown; /* the first member of the line that is no column */
};

/* columns: borrowed as long as the parser; columns_check found nothing wrong with them. */
void line_parser_init(struct line_parser *, const struct column_list *columns, bool is_strict, struct arena *a);

/* ret_cells  one for each column; they borrow from `text` and have copies in `a`. Worth nothing after a fault.
 * ret_error  its fault is LINE_FINE, or the first that was found: what is wrong with the JSON comes before what is wrong with
 *            values, and those come by column. Its line is not set.
 * Errors     those of arena_check */
MUST_USE err_t line_parse(struct line_parser *, slice text, struct arena *a, struct cell *ret_cells,
                          struct line_error *ret_error);

#endif

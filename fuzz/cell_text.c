/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON value, as each type of column accepts it: a cell that was written and read again is the same. Columns that were inferred
 * from a value accept that value. */
#include "cells.h"

#include "core/dataset/columns.h"
#include "core/dataset/line.h"

#include <stdio.h>

static void check_number(slice number)
{
    char text[512];
    struct cell c;
    if (number.n >= sizeof text)
        return;
    snprintf(text, sizeof text, SLICE_FMT, SLICE_ARG(number));
    double want = strtod(text, NULL);
    HOLDS(cell_from_number(COLUMN_FLOAT, number, &c) == !isinf(want));
    HOLDS(isinf(want) || memcmp(&c.real, &want, sizeof want) == 0);
}

static void check_object(slice object, const struct column_list *columns, struct arena *a)
{
    struct line_parser p;
    struct line_error error;
    line_parser_init(&p, columns, true, a);
    struct cell *cells = arena_array(a, struct cell, columns->count);
    HOLDS(!line_parse(&p, object, a, cells, &error) && !error.fault);
    for (size_t i = 0; i < columns->count; i++)
        check_cell(columns->items[i].type, &cells[i]);
}

static void check_inference(const struct json_value *sample, struct arena *a)
{
    struct column_list columns;
    struct json_scan s;
    struct json_member m;
    slice name;
    if (columns_infer(sample->raw, a, &columns, &name))
        return;
    HOLDS(columns_check(&columns, a, &name) == COLUMNS_FINE);
    if (sample->kind == JSON_KIND_OBJECT)
        check_object(sample->raw, &columns, a);
    else if (json_scan_begin(&s, sample->raw))
        while (json_scan_next(&s, &m) == JSON_SCAN_MEMBER && !arena_is_over(a))
            check_object(m.value.raw, &columns, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct json_value v;
    struct cell c;
    if (size > 4096 || !json_scan_value(fuzz_slice(data, size), &v))
        return 0;
    if (v.kind == JSON_KIND_NUMBER)
        check_number(v.raw);
    for (enum column_type type = COLUMN_STRING; type < COLUMN_TYPE_COUNT; type++)
        if (cell_from_json(type, &v, &a, &c))
            check_cell(type, &c);
    check_inference(&v, &a);
    return 0;
}

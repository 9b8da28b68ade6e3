/* SPDX-License-Identifier: Apache-2.0 */
/* The members are first only noted by column, and become cells when the whole line has been read: then it is known that the
 * line is valid, and which of several members of one name is the last.
 *
 * Most files are written by a program that puts the members of every line in one order. So a member is first compared with the
 * name of the column that stood at its place in the last line, and looked up only if that is another. */
#include "core/dataset/line.h"

#include "core/dataset/cell_text.h"

#include <string.h>

#define NO_COLUMN UINT32_MAX
#define ESCAPE_MAX 6 /* bytes of a name that one of its bytes may take in the text */

void line_parser_init(struct line_parser *p, const struct column_list *columns, bool is_strict, struct arena *a)
{
    *p = (struct line_parser){ .columns = columns, .is_strict = is_strict, .order_count = columns->count };
    column_index_init(&p->index, columns, a);
    p->values = arena_array(a, struct json_value, columns->count);
    p->runs = arena_array(a, uint64_t, columns->count);
    p->order = arena_array(a, uint32_t, columns->count);
    for (size_t i = 0; i < columns->count; i++)
        p->order[i] = (uint32_t)i;
}

static size_t find_column(struct line_parser *p, const struct json_member *m)
{
    char text[COLUMN_NAME_MAX * ESCAPE_MAX];
    slice name = m->name;
    if (m->name_has_escapes && name.n <= sizeof text)
        name = (slice){ text, json_unescape(name, text) };
    return column_index_find(&p->index,
                             name); /* a longer name with escapes is found no more than one with backslashes */
}

/* The column of the member in place `i` of its line; COLUMN_NONE: it has none. */
static inline size_t column_of(struct line_parser *p, size_t i, const struct json_member *m)
{
    if (i >= p->order_count)
        return find_column(p, m);
    uint32_t expected = p->order[i];
    if (expected != NO_COLUMN && !m->name_has_escapes) {
        slice name = p->columns->items[expected].name;
        if (name.n == m->name.n && memcmp(name.p, m->name.p, name.n) == 0)
            return expected;
    }
    size_t found = find_column(p, m);
    p->order[i] = found == COLUMN_NONE ? NO_COLUMN : (uint32_t)found;
    return found;
}

/* Note which member belongs to which column. False: the line is no object. */
static bool scan_line(struct line_parser *p, slice text)
{
    struct json_scan s;
    struct json_member m;
    enum json_scan_step step;
    p->run++;
    p->unknown = (slice){ 0 };
    if (!json_scan_begin(&s, text) || s.close != '}')
        return false;
    for (size_t i = 0; (step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER; i++) {
        size_t column = column_of(p, i, &m);
        if (column != COLUMN_NONE) {
            p->values[column] = m.value;
            p->runs[column] = p->run;
        } else if (!p->unknown.p) {
            p->unknown = m.name;
        }
    }
    return step == JSON_SCAN_END;
}

static struct line_error unknown_field(const struct line_parser *p, struct arena *a)
{
    char text[LINE_FIELD_MAX * 4 * ESCAPE_MAX]; /* a character has up to four bytes */
    slice name = p->unknown;
    if (name.n <= sizeof text)
        name = (slice){ text, json_unescape(name, text) };
    name = arena_copy_if_room(a, slice_characters(name, LINE_FIELD_MAX));
    return (struct line_error){ .fault = LINE_UNKNOWN_FIELD, .field = name };
}

/* The value of column `i` as a cell. */
static inline enum line_fault make_cell(const struct line_parser *p, size_t i, struct arena *a, struct cell *ret_cell)
{
    const struct column *column = &p->columns->items[i];
    ret_cell->is_null = true;
    if (p->runs[i] == p->run && !cell_from_json(column->type, &p->values[i], a, ret_cell))
        return LINE_BAD_VALUE;
    return ret_cell->is_null && column->is_required ? LINE_NO_VALUE : LINE_FINE;
}

err_t line_parse(struct line_parser *p, slice text, struct arena *a, struct cell *ret_cells,
                 struct line_error *ret_error)
{
    *ret_error = (struct line_error){ 0 };
    if (!scan_line(p, text))
        ret_error->fault = LINE_NOT_AN_OBJECT;
    else if (p->is_strict && p->unknown.p)
        *ret_error = unknown_field(p, a);
    for (size_t i = 0; i < p->columns->count && !ret_error->fault; i++) {
        ret_error->fault = make_cell(p, i, a, &ret_cells[i]);
        if (ret_error->fault) {
            ret_error->field = p->columns->items[i].name;
            ret_error->expected = p->columns->items[i].type;
        }
    }
    return arena_check(a);
}

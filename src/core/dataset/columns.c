/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/columns.h"
#include "core/records/column_index.h"

#include "base/json_scan.h"
#include "base/number.h"
#include "core/dataset/cell_text.h"

#include <string.h>

/* ---- names of types */

static const char *const declared_names[COLUMN_TYPE_COUNT] = {
    [COLUMN_STRING] = "string",     [COLUMN_JSON] = "json",
    [COLUMN_BOOL] = "boolean",      [COLUMN_INT8] = "Int8",
    [COLUMN_INT16] = "Int16",       [COLUMN_INT32] = "Int32",
    [COLUMN_INT64] = "integer",     [COLUMN_UINT8] = "UInt8",
    [COLUMN_UINT16] = "UInt16",     [COLUMN_UINT32] = "UInt32",
    [COLUMN_UINT64] = "UInt64",     [COLUMN_FLOAT] = "float",
    [COLUMN_DECIMAL] = "decimal",   [COLUMN_DATE] = "date",
    [COLUMN_DATETIME] = "datetime", [COLUMN_DATETIME64] = "datetime64",
};

static const struct {
    const char *name;
    enum column_type type;
} more_names[] = {
    { "text", COLUMN_STRING },  { "int", COLUMN_INT64 },     { "Int64", COLUMN_INT64 }, { "double", COLUMN_FLOAT },
    { "number", COLUMN_FLOAT }, { "Float64", COLUMN_FLOAT }, { "bool", COLUMN_BOOL },
};

bool column_type_find(slice declared, enum column_type *ret_type)
{
    for (size_t i = 0; i < COLUMN_TYPE_COUNT; i++) {
        if (slice_eq_nocase(declared, slice_of(declared_names[i]))) {
            *ret_type = (enum column_type)i;
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH_OF(more_names); i++) {
        if (slice_eq_nocase(declared, slice_of(more_names[i].name))) {
            *ret_type = more_names[i].type;
            return true;
        }
    }
    return false;
}

slice column_type_declared(enum column_type type)
{
    return slice_of(declared_names[type]);
}

/* ---- names of columns */

bool column_name_is_valid(slice name)
{
    if (name.n == 0 || name.n > COLUMN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return true;
}

enum column_fault columns_check(const struct column_list *columns, struct arena *scratch, slice *ret_name)
{
    *ret_name = S("");
    if (columns->count > COLUMNS_MAX)
        return COLUMNS_TOO_MANY;
    struct column_index x;
    column_index_begin(&x, columns, scratch);
    for (size_t i = 0; i < columns->count; i++) {
        *ret_name = columns->items[i].name;
        if (!column_name_is_valid(*ret_name))
            return COLUMNS_BAD_NAME;
        if (!column_index_add(&x, i))
            return COLUMNS_NAME_TAKEN;
    }
    *ret_name = S("");
    return COLUMNS_FINE;
}

/* ---- inference */

/* What the values of a column are, as bits. */
enum {
    SEEN_BOOL = 1 << 0,
    SEEN_WHOLE = 1 << 1,   /* fits INT64 */
    SEEN_NATURAL = 1 << 2, /* fits UINT64 and not INT64 */
    SEEN_BROKEN =
        1 << 3, /* a number that fits DECIMAL exactly, with a fraction or an exponent, or too large for the above */
    SEEN_REAL = 1 << 4, /* any other number */
    SEEN_DATE = 1 << 5,
    SEEN_DATETIME = 1 << 6,
    SEEN_DATETIME64 = 1 << 7,
    SEEN_NESTED = 1 << 8,
    SEEN_TEXT = 1 << 9,
    /* more about numbers */
    SEEN_NEGATIVE = 1 << 10,
    SEEN_NOT_DECIMAL = 1 << 11, /* a whole number that does not fit DECIMAL */
    SEEN_NUMBERS = SEEN_WHOLE | SEEN_NATURAL | SEEN_BROKEN | SEEN_REAL | SEEN_NEGATIVE | SEEN_NOT_DECIMAL,
    SEEN_TIMES = SEEN_DATE | SEEN_DATETIME | SEEN_DATETIME64,
};

static unsigned kind_of_number(slice number)
{
    struct cell c;
    struct number n;
    bool is_plain = slice_find_byte(number, '.') == SLICE_NONE && slice_find_byte(number, 'e') == SLICE_NONE &&
                    slice_find_byte(number, 'E') == SLICE_NONE;
    bool is_decimal =
        number_scale(number, DECIMAL_PLACES, NUMBER_EXACT, &n) && cell_from_number(COLUMN_DECIMAL, number, &c);
    unsigned more = (number.p[0] == '-' ? SEEN_NEGATIVE : 0) | (is_decimal ? 0 : SEEN_NOT_DECIMAL);
    if (is_plain && cell_from_number(COLUMN_INT64, number, &c))
        return more | SEEN_WHOLE;
    if (is_plain && cell_from_number(COLUMN_UINT64, number, &c))
        return more | SEEN_NATURAL;
    if (is_decimal)
        return more | SEEN_BROKEN;
    return cell_from_number(COLUMN_FLOAT, number, &c) ? more | SEEN_REAL : SEEN_TEXT;
}

static unsigned kind_of_text(slice text)
{
    struct cell c;
    if (!cell_from_text(COLUMN_DATETIME64, text, &c))
        return SEEN_TEXT;
    if (c.is_null) /* an empty string, which says nothing */
        return 0;
    bool is_fine = slice_find_byte(text, '.') != SLICE_NONE;
    return cell_from_text(COLUMN_DATETIME, text, &c) && slice_find_byte(text, ':') != SLICE_NONE
               ? (is_fine ? SEEN_DATETIME64 : SEEN_DATETIME)
               : SEEN_DATE;
}

static unsigned kind_of_value(const struct json_value *v, struct arena *scratch)
{
    slice text;
    switch (v->kind) {
    case JSON_KIND_NULL:
        return 0;
    case JSON_KIND_BOOL:
        return SEEN_BOOL;
    case JSON_KIND_NUMBER:
        return kind_of_number(v->raw);
    case JSON_KIND_STRING:
        return json_value_text(v, scratch, &text) ? SEEN_TEXT : kind_of_text(text);
    default:
        return SEEN_NESTED;
    }
}

static enum column_type type_of_kinds(unsigned seen)
{
    if (seen & SEEN_NESTED)
        return COLUMN_JSON;
    if (seen == SEEN_BOOL)
        return COLUMN_BOOL;
    if (seen && !(seen & ~(unsigned)SEEN_TIMES))
        return seen & SEEN_DATETIME64 ? COLUMN_DATETIME64 : seen & SEEN_DATETIME ? COLUMN_DATETIME : COLUMN_DATE;
    if (!seen || seen & ~(unsigned)SEEN_NUMBERS)
        return COLUMN_STRING;
    if (seen & SEEN_REAL)
        return COLUMN_FLOAT;
    if (seen & SEEN_BROKEN)
        return seen & SEEN_NOT_DECIMAL ? COLUMN_FLOAT : COLUMN_DECIMAL;
    if (seen & SEEN_NATURAL)
        return seen & SEEN_NEGATIVE ? COLUMN_FLOAT : COLUMN_UINT64;
    return COLUMN_INT64;
}

struct inference {
    struct column *columns;
    unsigned *seen;
    struct column_index index; /* all columns that there are so far */
    struct arena *a, *scratch;
    slice bad_name;
};

static enum column_fault name_is_bad(struct inference *in, slice name)
{
    in->bad_name = arena_copy(in->a, slice_characters(name, COLUMN_NAME_MAX + 1));
    return COLUMNS_BAD_NAME;
}

static enum column_fault infer_member(struct inference *in, const struct json_member *m)
{
    char text[COLUMN_NAME_MAX * 6]; /* an escape has up to six bytes for a byte of a name */
    slice name = m->name;
    if (name.n > sizeof text)
        return name_is_bad(in, name);
    if (m->name_has_escapes)
        name = (slice){ text, json_unescape(name, text) };
    if (!column_name_is_valid(name))
        return name_is_bad(in, name);
    size_t at = column_index_find(&in->index, name);
    if (at == COLUMN_NONE) {
        at = in->index.count;
        if (at == COLUMNS_MAX)
            return COLUMNS_TOO_MANY;
        in->columns[at].name = arena_copy(in->a, name);
        column_index_add(&in->index, at);
    }
    in->seen[at] |= kind_of_value(&m->value, in->scratch);
    return arena_is_over(in->scratch) || arena_is_over(in->a) ? COLUMNS_NO_MEMORY : COLUMNS_FINE;
}

static enum column_fault infer_object(struct inference *in, slice object)
{
    struct json_scan s;
    struct json_member m;
    enum json_scan_step step;
    if (!json_scan_begin(&s, object))
        return COLUMNS_BAD_SAMPLE;
    while ((step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER) {
        enum column_fault fault = infer_member(in, &m);
        if (fault)
            return fault;
    }
    return step == JSON_SCAN_END ? COLUMNS_FINE : COLUMNS_BAD_SAMPLE;
}

static enum column_fault infer_sample(struct inference *in, const struct json_value *sample)
{
    struct json_scan s;
    struct json_member m;
    if (sample->kind == JSON_KIND_OBJECT)
        return infer_object(in, sample->raw);
    if (sample->kind != JSON_KIND_ARRAY || !json_scan_begin(&s, sample->raw))
        return COLUMNS_BAD_SAMPLE;
    while (json_scan_next(&s, &m) == JSON_SCAN_MEMBER) {
        enum column_fault fault = COLUMNS_BAD_SAMPLE;
        if (m.value.kind == JSON_KIND_OBJECT)
            fault = infer_object(in, m.value.raw);
        if (fault)
            return fault;
    }
    return COLUMNS_FINE;
}

enum column_fault columns_infer(slice sample, struct arena *a, struct column_list *ret_columns, slice *ret_name)
{
    SCRATCH_OF(scratch, a);
    struct json_value v;
    struct inference in = { .a = a, .scratch = &scratch, .bad_name = S("") };
    in.columns = arena_array(&scratch, struct column, COLUMNS_MAX);
    in.seen = arena_array(&scratch, unsigned, COLUMNS_MAX);
    in.index = (struct column_index){ .columns = in.columns };
    in.index.slots = arena_array(&scratch, struct column_index_slot, COLUMNS_MAX);
    enum column_fault fault = json_scan_value(sample, &v) ? infer_sample(&in, &v) : COLUMNS_BAD_SAMPLE;
    *ret_name = in.bad_name;
    if (fault)
        return fault;
    struct column_list columns = { arena_array(a, struct column, in.index.count), in.index.count };
    for (size_t i = 0; i < columns.count; i++)
        columns.items[i] = (struct column){ .name = in.columns[i].name, .type = type_of_kinds(in.seen[i]) };
    *ret_columns = columns;
    return COLUMNS_FINE;
}

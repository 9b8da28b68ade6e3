/* SPDX-License-Identifier: Apache-2.0 */
/* The form of JSON: see sync_reader.h. The check notes where the header and the two arrays stand, and counts their elements; the rows are
 * read from these places. */
#include "core/records/column_index.h"
#include "core/sync/json_file.h"
#include "core/sync/json_header_priv.h"
#include "core/sync/sync_form_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- the check */

enum part { PART_OTHER, PART_HEADER, PART_DATA, PART_DELETE, PART_FOOTER, PART_INSTANCE, PART_COUNT };

struct json_check {
    struct json_file *file;
    struct sync_header header;
    slice instance;
    bool is_there[PART_COUNT];
    enum part array; /* that is read */
    bool has_total;
    uint64_t total, total_line;
    uint64_t delete_offset, delete_line;
};

static void *json_check_open(struct check_state *state)
{
    struct json_check *c = must_malloc(sizeof *c);
    c->file =
        json_file_open(state->content, (struct json_file_position){ JSON_FILE_AT_START, 0, 1 }, true, state->account);
    return c;
}

static void json_check_close(void *check)
{
    struct json_check *c = check;
    json_file_close(c->file);
    free(c);
}

static uint64_t json_check_read_bytes(const void *check)
{
    const struct json_check *c = check;
    return json_file_read_bytes(c->file);
}

static enum part part_of(slice name)
{
    static const char *const names[PART_COUNT] = { "", "header", "data", "delete", "footer", "InstanceId" };
    for (int i = PART_HEADER; i < PART_COUNT; i++)
        if (slice_eq_nocase(name, slice_of(names[i])))
            return (enum part)i;
    return PART_OTHER;
}

/* An array that is not where one may be is no value of its kind. */
static enum part begin_part(struct json_check *c, struct check_state *state, const struct json_file_item *item,
                            bool is_array)
{
    enum part part = part_of(item->name);
    bool is_list = part == PART_DATA || part == PART_DELETE;
    bool is_null = slice_eq(item->value, S("null"));
    if (part == PART_OTHER)
        return part;
    if (c->is_there[part] || (is_array != is_list && !is_null))
        check_fail(state, part == PART_HEADER ? SYNC_BAD_HEADER : SYNC_INVALID_JSON, item->line, item->name);
    c->is_there[part] = true;
    return part;
}

static void check_footer(struct json_check *c, struct check_state *state, const struct json_file_item *item)
{
    SCRATCH_OF(scratch, state->account);
    const struct json *footer, *total = NULL;
    int64_t rows;
    bool is_footer =
        !json_parse(&scratch, item->value, &footer) && (footer->type == JS_OBJECT || footer->type == JS_NULL);
    if (is_footer)
        total = json_get_nocase(footer, S("total"));
    if (!is_footer || (!json_absent(total) && (!json_to_i64(total, &rows) || rows < 0))) {
        check_fail(state, SYNC_ROW_COUNT_MISMATCH, item->line, S("total"));
        return;
    }
    c->has_total = !json_absent(total);
    c->total = c->has_total ? (uint64_t)rows : 0;
    c->total_line = item->line;
}

static void check_instance(struct json_check *c, struct check_state *state, const struct json_file_item *item)
{
    SCRATCH_OF(scratch, state->account);
    struct json_value v;
    slice text;
    bool is_text = json_scan_value(item->value, &v) && v.kind != JSON_KIND_OBJECT &&
                   !json_value_text(&v, &scratch, &text) && text.n <= SYNC_TEXT_MAX;
    if (!is_text)
        check_fail(state, SYNC_BAD_HEADER, item->line, item->name);
    else if (v.kind != JSON_KIND_NULL)
        c->instance = arena_copy(state->account, text);
}

static void check_header(struct json_check *c, struct check_state *state, const struct json_file_item *item)
{
    slice bad;
    enum sync_fault fault = json_header_read(item->value, state->account, &c->header, &bad);
    if (fault) {
        check_fail(state, fault, item->line, bad);
        return;
    }
    state->result.header = &c->header;
    state->result.start.header_offset = item->offset;
}

static void check_member(struct json_check *c, struct check_state *state, const struct json_file_item *item)
{
    enum part part = begin_part(c, state, item, false);
    if (state->result.fault)
        return;
    if (part == PART_HEADER)
        check_header(c, state, item);
    else if (part == PART_FOOTER)
        check_footer(c, state, item);
    else if (part == PART_INSTANCE)
        check_instance(c, state, item);
}

static void check_array(struct json_check *c, struct check_state *state, const struct json_file_item *item)
{
    struct sync_position *start = &state->result.start;
    c->array = begin_part(c, state, item, true);
    if (c->array == PART_DATA) {
        start->offset = item->offset;
        start->line = item->line - 1;
    } else if (c->array == PART_DELETE) {
        start->delete_offset = item->offset;
        start->delete_line = item->line - 1;
    }
}

static void check_end(struct json_check *c, struct check_state *state)
{
    struct sync_position *start = &state->result.start;
    if (!state->result.header)
        check_fail(state, SYNC_BAD_HEADER, 0, S("header"));
    if (c->has_total)
        check_declared_rows(state, c->total, c->total_line);
    c->header.reference_id = c->instance;
    if (!start->offset && start->delete_offset) {
        start->is_deleting = true;
        start->offset = start->delete_offset;
        start->line = start->delete_line;
    }
}

static void check_item(struct json_check *c, struct check_state *state, enum json_file_step step,
                       const struct json_file_item *item)
{
    switch (step) {
    case JSON_FILE_MEMBER:
        check_member(c, state, item);
        break;
    case JSON_FILE_ARRAY:
        check_array(c, state, item);
        break;
    case JSON_FILE_ELEMENT:
        state->result.upserts += c->array == PART_DATA;
        state->result.deletes += c->array == PART_DELETE;
        break;
    case JSON_FILE_END:
        check_end(c, state);
        break;
    case JSON_FILE_BAD:
        check_fail(state, item->fault, item->fault == SYNC_EMPTY_FILE ? 0 : item->line, S(""));
        break;
    default:
        break;
    }
}

static err_t json_check_next(void *check, struct check_state *state, struct arena *a, bool *ret_has_more)
{
    struct json_check *c = check;
    struct json_file_item item;
    enum json_file_step step;
    TRY(json_file_fill(c->file, a));
    do {
        step = json_file_next(c->file, &item);
        check_item(c, state, step, &item);
    } while (step != JSON_FILE_NONE && step != JSON_FILE_END && !state->result.fault);
    *ret_has_more = step != JSON_FILE_END;
    return NULL;
}

/* ---- the rows */

#define NO_FIELD UINT32_MAX
#define ESCAPE_MAX 6 /* bytes of a code that one of its bytes may take in the text */

struct json_rows {
    struct json_file *file;
    struct column_index index; /* of the codes */
    struct json_value *values; /* of a row, by field */
    uint64_t *runs;            /* `run` if the field has a value */
    uint32_t *order; /* the field that stood at this place of the last row, which is likely to stand there again */
    uint64_t run;
    slice unknown; /* the first member of the row that is no field; .p NULL: none */
};

static err_t read_header(struct rows_state *rows, struct arena *a)
{
    struct json_file_position at = { JSON_FILE_AT_VALUE, rows->position.header_offset, 1 };
    SCOPED(json_file_closep) struct json_file *file = json_file_open(rows->content, at, true, rows->account);
    struct json_file_item item;
    enum json_file_step step;
    slice bad;
    do {
        TRY(json_file_fill(file, a));
        step = json_file_next(file, &item);
    } while (step == JSON_FILE_NONE);
    if (step != JSON_FILE_MEMBER || json_header_read(item.value, rows->account, &rows->header, &bad)) {
        TRY(arena_check(rows->account));
        return rows_corrupt(a);
    }
    return NULL;
}

static void init_index(struct json_rows *r, const struct sync_header *h, struct arena *account)
{
    struct column *codes = arena_array(account, struct column, h->field_count);
    for (size_t i = 0; i < h->field_count; i++)
        codes[i].name = h->fields[i].code;
    column_index_init(&r->index, &(struct column_list){ codes, h->field_count }, account);
    r->values = arena_array(account, struct json_value, h->field_count);
    r->runs = arena_array(account, uint64_t, h->field_count);
    r->order = arena_array(account, uint32_t, h->field_count);
    for (size_t i = 0; i < h->field_count; i++)
        r->order[i] = (uint32_t)i;
}

static void open_array(struct json_rows *r, const struct rows_state *rows)
{
    struct json_file_position at = { JSON_FILE_IN_ARRAY, rows->position.offset, rows->position.line + 1 };
    json_file_close(r->file);
    r->file = json_file_open(rows->content, at, false, rows->account);
}

static err_t json_rows_open(struct rows_state *rows, struct arena *a, void **ret_form)
{
    struct json_rows *r = must_malloc(sizeof *r);
    *ret_form = r;
    TRY(read_header(rows, a));
    init_index(r, &rows->header, rows->account);
    open_array(r, rows);
    return arena_check(rows->account);
}

static void json_rows_close(void *form)
{
    struct json_rows *r = form;
    if (!r)
        return;
    json_file_close(r->file);
    free(r);
}

static uint32_t find_field(const struct json_rows *r, const struct json_member *m)
{
    char text[SYNC_CODE_MAX * ESCAPE_MAX];
    slice code = m->name;
    if (m->name_has_escapes && code.n <= sizeof text)
        code = (slice){ text, json_unescape(code, text) };
    size_t found = column_index_find(&r->index, code);
    return found == COLUMN_NONE ? NO_FIELD : (uint32_t)found;
}

/* The field of the member in place `i` of its row. */
static uint32_t field_of(struct json_rows *r, const struct sync_header *h, size_t i, const struct json_member *m)
{
    if (i >= h->field_count)
        return find_field(r, m);
    uint32_t field = r->order[i];
    if (field == NO_FIELD || !slice_eq(h->fields[field].code, m->name))
        r->order[i] = find_field(r, m);
    return r->order[i];
}

/* Note which members belong to which fields. False: it is no object. *ret_is_valid: it is JSON, of which the check was sure. */
static bool scan_row(struct json_rows *r, const struct sync_header *h, slice text, bool *ret_is_valid)
{
    struct json_scan s;
    struct json_member m;
    enum json_scan_step step;
    r->run++;
    r->unknown = (slice){ 0 };
    *ret_is_valid = true;
    if (text.p[0] != '{' || !json_scan_begin(&s, text))
        return false;
    for (size_t i = 0; (step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER; i++) {
        uint32_t field = field_of(r, h, i, &m);
        if (field != NO_FIELD) {
            r->values[field] = m.value;
            r->runs[field] = r->run;
        } else if (!r->unknown.p) {
            r->unknown = m.name;
        }
    }
    *ret_is_valid = step == JSON_SCAN_END;
    return true;
}

static void add_values(struct json_rows *r, struct row_maker *m)
{
    const struct sync_header *h = m->header;
    const struct json_value null = { .kind = JSON_KIND_NULL };
    for (size_t i = 0; i < h->field_count; i++) {
        bool is_there = r->runs[i] == r->run, is_key = i < h->key_count;
        if (m->row.is_delete && !is_key && is_there)
            row_maker_fail(m, SYNC_FIELD_COUNT, h->fields[i].code);
        else if (is_key || (is_there && !m->row.is_delete))
            row_maker_add_json(m, i, is_there ? &r->values[i] : &null);
    }
    if (r->unknown.p)
        row_maker_fail(m, SYNC_FIELD_COUNT, slice_characters(r->unknown, SYNC_SHOWN_MAX));
}

static err_t show_key(struct json_rows *r, struct row_maker *m)
{
    for (size_t i = 0; i < m->header->key_count; i++) {
        slice text = S("");
        if (r->runs[i] == r->run)
            TRY(json_value_text(&r->values[i], &m->scratch, &text));
        row_maker_show_key(m, text);
    }
    return NULL;
}

static err_t read_row(struct json_rows *r, struct rows_state *rows, const struct json_file_item *item, struct arena *a,
                      struct sync_row *ret_row)
{
    struct row_maker *m = &rows->maker;
    bool is_valid;
    row_maker_begin(m, rows->position.is_deleting);
    bool is_object = scan_row(r, &rows->header, item->value, &is_valid);
    if (!is_valid)
        return rows_corrupt(a);
    if (is_object)
        add_values(r, m);
    else
        row_maker_fail_row(m, item->value);
    if (is_object && m->row.fault)
        TRY(show_key(r, m));
    TRY(row_maker_end(m, ret_row));
    rows->position.offset = json_file_offset(r->file);
    rows->position.line = json_file_line(r->file) - 1;
    ret_row->line = item->line;
    ret_row->row = ++rows->position.row;
    return NULL;
}

/* `data` has ended; what comes next? */
static void end_array(struct json_rows *r, struct rows_state *rows, enum sync_step *ret_step)
{
    if (rows->position.is_deleting || !rows->position.delete_offset) {
        *ret_step = SYNC_END;
        return;
    }
    rows->position.is_deleting = true;
    rows->position.offset = rows->position.delete_offset;
    rows->position.line = rows->position.delete_line;
    open_array(r, rows);
    *ret_step = SYNC_PAUSE;
}

static err_t json_rows_next(void *form, struct rows_state *rows, struct arena *a, enum sync_step *ret_step,
                            struct sync_row *ret_row)
{
    struct json_rows *r = form;
    struct json_file_item item;
    switch (json_file_next(r->file, &item)) {
    case JSON_FILE_ELEMENT:
        *ret_step = SYNC_ROW;
        return read_row(r, rows, &item, a, ret_row);
    case JSON_FILE_ARRAY_END:
        end_array(r, rows, ret_step);
        return NULL;
    case JSON_FILE_NONE:
        *ret_step = SYNC_PAUSE;
        return json_file_fill(r->file, a);
    default:
        return rows_corrupt(a);
    }
}

const struct sync_form_ops sync_json_ops = {
    json_check_open, json_check_close, json_check_next, json_check_read_bytes,
    json_rows_open,  json_rows_close,  json_rows_next,
};

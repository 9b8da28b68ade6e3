/* SPDX-License-Identifier: Apache-2.0 */
/* The form of lines: see sync_reader.h. The check reads the records of the header, looks at the type of each other record, and counts. */
#include "core/dataset/lines.h"
#include "core/sync/sync_draft_priv.h"
#include "core/sync/sync_form_priv.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_RECORDS 4

/* ---- values */

struct values {
    slice rest;
    bool has_more;
};

/* Of a line that has the type of its record and nothing behind it, or a pipe. */
static struct values values_of(slice line)
{
    return (struct values){ slice_from(line, 3), line.n > 2 };
}

static inline bool next_value(struct values *v, slice *ret)
{
    if (!v->has_more)
        return false;
    const char *pipe = v->rest.n ? memchr(v->rest.p, '|', v->rest.n) : NULL;
    v->has_more = pipe != NULL;
    *ret = (slice){ v->rest.p, pipe ? (size_t)(pipe - v->rest.p) : v->rest.n };
    v->rest = slice_from(v->rest, ret->n + v->has_more);
    return true;
}

/* The same, but an empty value at the end is none: it is there for the pipe before it. */
static bool next_value_of_header(struct values *v, slice *ret)
{
    return next_value(v, ret) && (ret->n || v->has_more);
}

/* The two digits at the start of a line; -1: there are none, or more than a pipe could begin behind them. */
static inline int record_type(slice line)
{
    if (line.n < 2 || (line.n > 2 && line.p[2] != '|'))
        return -1;
    unsigned tens = (unsigned)(line.p[0] - '0'), ones = (unsigned)(line.p[1] - '0');
    return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
}

static bool is_known_type(int type)
{
    return (type >= 0 && type < HEADER_RECORDS) || type == 10 || type == 90 || type == 99;
}

static void add_unescaped(slice text, struct buf *to)
{
    while (text.n) {
        size_t n = slice_find_byte(text, '#');
        buf_add(to, n == SLICE_NONE ? text : slice_part(text, 0, n));
        text = slice_from(text, n);
        if (slice_starts(text, S("#/#"))) {
            buf_add_byte(to, '|');
            text = slice_from(text, 3);
        } else if (slice_starts(text, S("#Enter#"))) {
            buf_add(to, S("\r\n"));
            text = slice_from(text, 7);
        } else if (text.n) {
            buf_add_byte(to, '#');
            text = slice_from(text, 1);
        }
    }
}

/* ---- the header */

struct header_reader {
    struct sync_draft draft;
    int records; /* read so far */
    slice bad;   /* of a fault */
};

static enum sync_fault read_texts(struct header_reader *h, struct values v, slice **texts, size_t count,
                                  struct arena *a)
{
    slice value;
    for (size_t i = 0; next_value_of_header(&v, &value); i++) {
        SCOPED(buf_releasep) struct buf text = { .max = SYNC_TEXT_MAX };
        h->bad = value;
        if (i == count)
            return SYNC_BAD_HEADER;
        add_unescaped(value, &text);
        if (text.failed || slice_find_byte(buf_slice(&text), '\0') != SLICE_NONE)
            return SYNC_BAD_HEADER;
        *texts[i] = arena_copy(a, buf_slice(&text));
    }
    return SYNC_FINE;
}

static enum sync_fault read_sender(struct header_reader *h, struct values v, struct arena *a)
{
    struct sync_header *to = &h->draft.header;
    slice *texts[] = { &to->customer, &to->file_type, &to->created, &to->reference_id };
    return read_texts(h, v, texts, sizeof texts / sizeof *texts, a);
}

static enum sync_fault read_subject(struct header_reader *h, struct values v, struct arena *a)
{
    struct sync_header *to = &h->draft.header;
    slice *texts[] = { &to->entity_type, &to->workspace, &to->bucket, &to->datasource, &to->action };
    enum sync_fault fault = read_texts(h, v, texts, sizeof texts / sizeof *texts, a);
    h->bad = fault ? h->bad : S("");
    return fault || !to->entity_type.n || !to->datasource.n ? SYNC_BAD_HEADER : SYNC_FINE;
}

/* Without the blanks around it. One that is too long is cut to one that is too long. */
static slice copy_code(slice code, struct arena *a)
{
    return arena_copy(a, slice_characters(slice_trim(code), SYNC_CODE_MAX + 1));
}

static enum sync_fault read_keys(struct header_reader *h, struct values v, struct arena *a)
{
    h->bad = S("");
    while (next_value_of_header(&v, &h->bad))
        if (!sync_draft_add_key(&h->draft, copy_code(h->bad, a)))
            return SYNC_BAD_FIELD;
    return h->draft.key_count ? SYNC_FINE : SYNC_BAD_FIELD;
}

static enum sync_fault read_fields(struct header_reader *h, struct values v, struct arena *a)
{
    struct sync_draft *d = &h->draft;
    slice code, type;
    h->bad = S("");
    d->keys_must_begin = true;
    while (next_value_of_header(&v, &h->bad)) {
        if (d->field_count == SYNC_FIELDS_MAX)
            return SYNC_BAD_FIELD;
        struct sync_field *f = &d->fields[d->field_count++];
        if (slice_cut(h->bad, ':', &code, &type) && !sync_type_find(slice_trim(type), &f->type))
            return SYNC_BAD_FIELD;
        f->code = f->name = copy_code(code, a);
    }
    return sync_draft_end(d, a, &h->bad);
}

/* Read the next record of the header. SYNC_FINE, or what is wrong with it; then h->bad is a part of the line, or in `a`. */
static enum sync_fault read_header_line(struct header_reader *h, slice line, struct arena *a)
{
    h->bad = slice_characters(line, 2);
    if (record_type(line) != h->records)
        return SYNC_BAD_HEADER;
    struct values v = values_of(line);
    switch (h->records++) {
    case 0:
        return read_sender(h, v, a);
    case 1:
        return read_subject(h, v, a);
    case 2:
        return read_keys(h, v, a);
    default:
        return read_fields(h, v, a);
    }
}

/* ---- the check */

struct lines_check {
    struct lines *lines;
    struct header_reader header;
    bool has_footer;
};

static void *lines_check_open(struct check_state *state)
{
    struct lines_check *c = must_malloc(sizeof *c);
    c->lines = lines_open_at(state->content, (struct line_position){ 0 }, state->account);
    sync_draft_init(&c->header.draft, state->account);
    return c;
}

static void lines_check_close(void *check)
{
    struct lines_check *c = check;
    lines_close(c->lines);
    free(c);
}

static uint64_t lines_check_read_bytes(const void *check)
{
    const struct lines_check *c = check;
    return lines_read_bytes(c->lines);
}

static void check_header_line(struct lines_check *c, struct check_state *state, const struct text_line *line)
{
    enum sync_fault fault = read_header_line(&c->header, line->text, state->account);
    if (fault) {
        check_fail(state, fault, line->number, c->header.bad);
    } else if (c->header.records == HEADER_RECORDS) {
        struct line_position next = lines_position(c->lines);
        state->result.header = &c->header.draft.header;
        state->result.start.offset = next.offset;
        state->result.start.line = next.number;
    }
}

static void check_footer(struct lines_check *c, struct check_state *state, const struct text_line *line)
{
    struct values v = values_of(line->text);
    slice total = S("");
    uint64_t rows;
    c->has_footer = true;
    next_value(&v, &total);
    if (slice_ends(total, S("\r"))) /* of a file that ends before the LF */
        total.n--;
    if (slice_to_u64(slice_trim(total), &rows))
        check_declared_rows(state, rows, line->number);
    else
        check_fail(state, SYNC_ROW_COUNT_MISMATCH, line->number, total);
}

static inline void check_line(struct lines_check *c, struct check_state *state, const struct text_line *line)
{
    int type = record_type(line->text);
    if (line->is_too_long) {
        check_fail(state, SYNC_LINE_TOO_LONG, line->number, S(""));
    } else if (!slice_is_utf8(line->text)) {
        check_fail(state, SYNC_NOT_UTF8, line->number, S(""));
    } else if (c->header.records < HEADER_RECORDS) {
        check_header_line(c, state, line);
    } else if (c->has_footer) {
        check_fail(state, SYNC_MISSING_FOOTER, line->number, slice_characters(line->text, 2));
    } else if (type == 10) {
        state->result.upserts++;
    } else if (type == 90) {
        state->result.deletes++;
    } else if (type == 99) {
        check_footer(c, state, line);
    } else {
        check_fail(state, is_known_type(type) ? SYNC_BAD_HEADER : SYNC_UNKNOWN_RECORD_TYPE, line->number,
                   slice_characters(line->text, 2));
    }
}

static err_t lines_check_next(void *check, struct check_state *state, struct arena *a, bool *ret_has_more)
{
    struct lines_check *c = check;
    struct text_line line;
    enum line_fault none;
    TRY(lines_fill(c->lines, a, ret_has_more, &none));
    while (!state->result.fault && lines_next(c->lines, &line))
        check_line(c, state, &line);
    if (*ret_has_more || state->result.fault || c->has_footer)
        return NULL;
    check_fail(state,
               c->header.records == HEADER_RECORDS ? SYNC_MISSING_FOOTER
               : c->header.records                 ? SYNC_BAD_HEADER
                                                   : SYNC_EMPTY_FILE,
               0, S(""));
    return NULL;
}

/* ---- the rows */

struct lines_rows {
    struct lines *lines;
    struct buf unescaped; /* of a value */
    bool is_read;         /* there are no more blocks */
};

static err_t read_header(struct rows_state *rows, struct arena *a)
{
    SCOPED(lines_closep) struct lines *lines = lines_open_at(rows->content, (struct line_position){ 0 }, rows->account);
    struct header_reader h = { 0 };
    struct text_line line;
    enum line_fault none;
    bool has_more = true;
    sync_draft_init(&h.draft, rows->account);
    while (h.records < HEADER_RECORDS) {
        if (!lines_next(lines, &line)) {
            if (!has_more)
                return rows_corrupt(a);
            TRY(lines_fill(lines, a, &has_more, &none));
        } else if (line.is_too_long || read_header_line(&h, line.text, rows->account)) {
            return rows_corrupt(a);
        }
    }
    rows->header = h.draft.header;
    return NULL;
}

static err_t lines_rows_open(struct rows_state *rows, struct arena *a, void **ret_form)
{
    struct lines_rows *r = must_malloc(sizeof *r);
    *ret_form = r;
    buf_init_on(&r->unescaped, 0, rows->account);
    TRY(read_header(rows, a));
    r->lines = lines_open_at(rows->content, (struct line_position){ rows->position.offset, rows->position.line },
                             rows->account);
    return NULL;
}

static void lines_rows_close(void *form)
{
    struct lines_rows *r = form;
    if (!r)
        return;
    lines_close(r->lines);
    buf_release(&r->unescaped);
    free(r);
}

static void show_key(struct row_maker *m, struct values v)
{
    slice value;
    for (size_t i = 0; i < m->header->key_count && next_value(&v, &value); i++)
        row_maker_show_key(m, value);
}

static void add_values(struct lines_rows *r, struct row_maker *m, slice line)
{
    struct values v = values_of(line);
    size_t want = m->row.is_delete ? m->header->key_count : m->header->field_count, i = 0;
    bool has_escapes = slice_find_byte(line, '#') != SLICE_NONE;
    slice value = S("");
    for (; i < want && next_value(&v, &value); i++) {
        if (has_escapes && !m->row.fault) {
            buf_clear(&r->unescaped);
            add_unescaped(value, &r->unescaped);
            value = buf_slice(&r->unescaped);
        }
        row_maker_add_text(m, i, value);
    }
    bool has_extra = next_value(&v, &value) && (value.n || v.has_more);
    if (i < want || has_extra)
        row_maker_fail(m, SYNC_FIELD_COUNT, S(""));
    if (m->row.fault)
        show_key(m, values_of(line));
}

static err_t read_row(struct lines_rows *r, struct rows_state *rows, const struct text_line *line, struct arena *a,
                      struct sync_row *ret_row)
{
    int type = record_type(line->text);
    if (line->is_too_long || (type != 10 && type != 90))
        return rows_corrupt(a);
    row_maker_begin(&rows->maker, type == 90);
    add_values(r, &rows->maker, line->text);
    TRY(row_maker_end(&rows->maker, ret_row));
    struct line_position next = lines_position(r->lines);
    rows->position.offset = next.offset;
    rows->position.line = next.number;
    ret_row->line = line->number;
    ret_row->row = ++rows->position.row;
    return NULL;
}

static err_t lines_rows_next(void *form, struct rows_state *rows, struct arena *a, enum sync_step *ret_step,
                             struct sync_row *ret_row)
{
    struct lines_rows *r = form;
    struct text_line line;
    enum line_fault none;
    bool has_more;
    *ret_step = SYNC_PAUSE;
    if (!lines_next(r->lines, &line)) {
        TRY(lines_fill(r->lines, a, &has_more, &none));
        return has_more ? NULL : rows_corrupt(a);
    }
    if (record_type(line.text) == 99) {
        *ret_step = SYNC_END;
        return NULL;
    }
    *ret_step = SYNC_ROW;
    return read_row(r, rows, &line, a, ret_row);
}

const struct sync_form_ops sync_lines_ops = {
    lines_check_open, lines_check_close, lines_check_next, lines_check_read_bytes,
    lines_rows_open,  lines_rows_close,  lines_rows_next,
};

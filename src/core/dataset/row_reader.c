/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/row_reader.h"

#include "base/buf.h"
#include "core/dataset/line.h"
#include "core/dataset/lines.h"

#include <stdlib.h>
#include <string.h>

struct row_reader {
    struct arena *account;
    struct arena texts; /* of the cells of a batch that do not stand in the file as they are */
    struct lines *lines;
    struct line_parser parser;
    struct buf cells; /* of a batch, as bytes: a small file needs few */
    size_t row_bytes, batch_rows;
    bool has_lines; /* there may be lines that were read and not taken */
    bool has_name;
    bool has_ended;
    struct line_error errors[ROW_ERRORS_MAX];
    size_t error_count;
};

struct row_reader *row_reader_open(const struct row_source *source, struct arena *account)
{
    struct row_reader *r = must_malloc(sizeof *r);
    size_t columns = source->columns->count, rows = ROW_BATCH_CELLS / (columns ? columns : 1);
    r->account = account;
    r->row_bytes = columns * sizeof(struct cell);
    r->batch_rows = rows < ROW_BATCH_ROWS ? rows : ROW_BATCH_ROWS;
    buf_init_on(&r->cells, 0, account);
    r->lines = lines_open(source->content, source->name, source->unzipped_max, account);
    r->has_name = lines_name_is_known(source->name);
    line_parser_init(&r->parser, source->columns, source->is_strict, account);
    return r;
}

void row_reader_close(struct row_reader *r)
{
    if (!r)
        return;
    lines_close(r->lines);
    arena_release(&r->texts);
    buf_release(&r->cells);
    free(r);
}

const struct line_error *row_reader_errors(const struct row_reader *r, size_t *ret_count)
{
    *ret_count = r->error_count;
    return r->errors;
}

uint64_t row_reader_read_bytes(const struct row_reader *r)
{
    return lines_read_bytes(r->lines);
}

static void note_error(struct row_reader *r, struct line_error error, uint64_t line)
{
    error.line = line;
    error.field = arena_copy_if_room(r->account, error.field);
    r->errors[r->error_count++] = error;
}

/* Append the cells of a line to the batch. *ret_is_row: there was nothing wrong with it. */
static err_t read_row(struct row_reader *r, const struct text_line *line, bool *ret_is_row)
{
    struct line_error error = { .fault = LINE_TOO_LONG };
    char *row = buf_reserve(&r->cells, r->row_bytes);
    if (!row)
        return arena_check(r->account);
    if (!line->is_too_long)
        TRY(line_parse(&r->parser, line->text, &r->texts, (struct cell *)(void *)row, &error));
    *ret_is_row = error.fault == LINE_FINE;
    if (*ret_is_row)
        r->cells.n += r->row_bytes;
    else
        note_error(r, error, line->number);
    return NULL;
}

static err_t read_batch(struct row_reader *r, struct row_batch *ret_batch)
{
    struct text_line line;
    bool is_row = false;
    arena_release(&r->texts);
    arena_init_child(&r->texts, r->account);
    buf_clear(&r->cells);
    size_t rows = 0;
    while (rows < r->batch_rows && r->error_count < ROW_ERRORS_MAX && (r->has_lines = lines_next(r->lines, &line))) {
        TRY(read_row(r, &line, &is_row));
        rows += is_row;
        if (r->error_count) {
            rows = 0;
            buf_clear(&r->cells);
        }
    }
    *ret_batch = (struct row_batch){ (const struct cell *)(const void *)r->cells.p, rows };
    return NULL;
}

err_t row_reader_next(struct row_reader *r, struct arena *a, struct row_batch *ret_batch, bool *ret_has_more)
{
    enum line_fault fault = LINE_FINE;
    *ret_batch = (struct row_batch){ 0 };
    *ret_has_more = r->has_name && !r->has_ended;
    if (r->has_ended)
        return NULL;
    if (!r->has_name)
        fault = FILE_NAME_UNKNOWN;
    else if (!r->has_lines)
        TRY(lines_fill(r->lines, a, ret_has_more, &fault));
    if (fault && r->error_count < ROW_ERRORS_MAX)
        note_error(r, (struct line_error){ .fault = fault }, 0);
    if (*ret_has_more)
        TRY(read_batch(r, ret_batch));
    if (r->error_count == ROW_ERRORS_MAX)
        *ret_has_more = false;
    r->has_ended = !*ret_has_more;
    return arena_check(r->account);
}

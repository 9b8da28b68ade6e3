/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/file_check.h"

#include "core/dataset/line.h"
#include "core/dataset/lines.h"
#include "core/dataset/row_reader.h"

#include <stdlib.h>

struct file_check {
    struct arena *account;
    struct lines *lines; /* NULL: the lines are not looked at */
    struct line_parser parser;
    struct cell *cells; /* of one row */
    struct line_error errors[ROW_ERRORS_MAX];
    size_t error_count;
};

static void note_error(struct file_check *c, struct line_error error, uint64_t line)
{
    error.line = line;
    error.field = arena_copy_if_room(c->account, error.field);
    c->errors[c->error_count++] = error;
}

struct file_check *file_check_open(slice name, const struct column_list *columns, bool is_strict, struct arena *account)
{
    struct file_check *c = must_malloc(sizeof *c);
    c->account = account;
    if (!lines_name_is_known(name))
        note_error(c, (struct line_error){ .fault = FILE_NAME_UNKNOWN }, 0);
    else if (!lines_name_is_zipped(name))
        c->lines = lines_open_fed(account);
    if (!c->lines)
        return c;
    c->cells = arena_array(account, struct cell, columns->count + 1);
    line_parser_init(&c->parser, columns, is_strict, account);
    return c;
}

void file_check_close(struct file_check *c)
{
    if (!c)
        return;
    lines_close(c->lines);
    free(c);
}

static err_t check_line(struct file_check *c, const struct text_line *line, struct arena *texts)
{
    struct line_error error = { .fault = LINE_TOO_LONG };
    if (!line->is_too_long)
        TRY(line_parse(&c->parser, line->text, texts, c->cells, &error));
    if (error.fault)
        note_error(c, error, line->number);
    return NULL;
}

/* All lines that are there. */
static err_t check_lines(struct file_check *c)
{
    bool has_more = true;
    while (has_more && c->error_count < ROW_ERRORS_MAX) {
        struct text_line line;
        enum line_fault fault;
        SCRATCH_OF(texts, c->account);
        err_t e = lines_fill(c->lines, &texts, &has_more, &fault);
        while (!e && c->error_count < ROW_ERRORS_MAX && lines_next(c->lines, &line))
            e = check_line(c, &line, &texts);
        if (e)
            return err_copy(c->account, e);
    }
    return arena_check(c->account);
}

err_t file_check_feed(struct file_check *c, slice bytes)
{
    if (!c->lines || c->error_count == ROW_ERRORS_MAX)
        return NULL;
    lines_feed(c->lines, bytes);
    return check_lines(c);
}

err_t file_check_end(struct file_check *c)
{
    if (!c->lines || c->error_count == ROW_ERRORS_MAX)
        return NULL;
    lines_feed_end(c->lines);
    return check_lines(c);
}

const struct line_error *file_check_errors(const struct file_check *c, size_t *ret_count)
{
    *ret_count = c->error_count;
    return c->errors;
}

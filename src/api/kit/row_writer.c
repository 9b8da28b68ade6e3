/* SPDX-License-Identifier: Apache-2.0 */
/* `item`, `row` and `text_at` say where the next piece goes on. What stands before a value, its name or a comma, is made once for each
 * item. */
#include "api/kit/row_writer.h"

#include "api/kit/csv.h"
#include "core/dataset/cell_text.h"
#include "core/dataset/result_page.h"

#include <string.h>

#define TEXT_STEP ((size_t)1024) /* bytes of a text that are written at once; escapes make six of one */

/* ---- values ---- */

/* Which bytes of eight have to be escaped: those below 0x20, quotes and backslashes. Their high bits are set; those of bytes behind
 * the first one may be set in error. */
static uint64_t mark_escaped(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
    return (((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & high;
}

static bool is_escaped(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* How many bytes at the start of the text stand for themselves. */
static size_t plain_length(slice text)
{
    size_t n = 0;
    for (; text.n - n >= 8; n += 8) {
        uint64_t eight;
        memcpy(&eight, text.p + n, 8);
        if (mark_escaped(eight))
            break;
    }
    while (n < text.n && !is_escaped(text.p[n]))
        n++;
    return n;
}

static void add_escape(struct buf *out, char c)
{
    static const char digits[] = "0123456789abcdef";
    char escaped[6] = { '\\', 'u', '0', '0', digits[(unsigned char)c >> 4], digits[c & 15] };
    const char *letter = strchr("\bb\ff\nn\rr\tt\"\"\\\\", c);
    if (letter && c) /* pairs; the second of one is never escaped, or escapes as itself */
        escaped[1] = letter[1];
    buf_add(out, (slice){ escaped, letter && c ? 2 : 6 });
}

void row_add_escaped(struct buf *out, slice text)
{
    for (;;) {
        size_t n = plain_length(text);
        buf_add(out, slice_part(text, 0, n));
        text = slice_from(text, n);
        if (!text.n)
            return;
        add_escape(out, text.p[0]);
        text = slice_from(text, 1);
    }
}

static void add_part(const struct row_writer *w, struct buf *out, slice part)
{
    if (w->style == ROWS_AS_CSV)
        csv_add_part(out, part);
    else
        row_add_escaped(out, part);
}

/* The text of a value, with its quotes, or as much of it as there is room for. True: all of it is written. */
static bool add_text(struct row_writer *w, struct buf *out, slice text)
{
    if (!w->text_at && w->style == ROWS_AS_CSV)
        csv_begin_text(out, text);
    else if (!w->text_at)
        buf_add_byte(out, '"');
    while (text.n - w->text_at > TEXT_STEP) {
        add_part(w, out, slice_part(text, w->text_at, TEXT_STEP));
        w->text_at += TEXT_STEP;
        if (out->n >= ROW_PIECE_BYTES)
            return false;
    }
    add_part(w, out, slice_from(text, w->text_at));
    buf_add_byte(out, '"');
    w->text_at = 0;
    return true;
}

static bool add_value(struct row_writer *w, struct buf *out, enum column_type type, const struct cell *c)
{
    if (c->is_null && w->style == ROWS_AS_CSV)
        return true;
    if (!c->is_null && column_type_is_text(type))
        return add_text(w, out, c->text);
    bool is_quoted =
        !c->is_null && (w->style == ROWS_AS_TEXT_ARRAYS || (column_type_is_time(type) && w->style != ROWS_AS_CSV));
    if (is_quoted)
        buf_add_byte(out, '"');
    cell_add_text(out, type, c);
    if (is_quoted)
        buf_add_byte(out, '"');
    return true;
}

/* ---- rows ---- */

static bool has_names(enum row_style style)
{
    return style == ROWS_AS_OBJECTS || style == ROWS_AS_LINES;
}

static slice text_before_value(const struct row_writer *w, size_t item, struct arena *a)
{
    struct buf text;
    buf_init(&text, 0);
    bool is_first = item == 0, named = has_names(w->style);
    if (w->style == ROWS_AS_CSV)
        buf_add(&text, is_first ? S("") : S(","));
    else
        buf_add(&text, !is_first ? S(",") : named ? S("{") : S("["));
    if (named) {
        buf_add_byte(&text, '"');
        row_add_escaped(&text, w->items[item].name);
        buf_add(&text, S("\":"));
    }
    return buf_give(&text, a);
}

void row_writer_init(struct row_writer *w, enum row_style style, const struct row_query *q, struct result_page *page,
                     struct arena *a)
{
    *w = (struct row_writer){ .page = page, .style = style, .items = q->items, .item_count = q->item_count };
    w->before = arena_array(a, slice, w->item_count);
    for (size_t i = 0; i < w->item_count; i++)
        w->before[i] = text_before_value(w, i, a);
}

static void begin_rows(struct row_writer *w, struct buf *out)
{
    if (w->style != ROWS_AS_CSV)
        return;
    for (size_t i = 0; i < w->item_count; i++) {
        buf_add(out, w->before[i]);
        buf_add(out, w->items[i].name);
    }
    buf_add(out, S("\r\n"));
}

static void end_row(struct row_writer *w, struct buf *out)
{
    static const char *const ends[] = { [ROWS_AS_OBJECTS] = "}",
                                        [ROWS_AS_ARRAYS] = "]",
                                        [ROWS_AS_TEXT_ARRAYS] = "]",
                                        [ROWS_AS_LINES] = "}\n",
                                        [ROWS_AS_CSV] = "\r\n" };
    buf_add(out, slice_of(ends[w->style]));
    w->item = 0;
    w->row++;
}

/* Writes the rest of a row. False: the piece is full. */
static bool add_row(struct row_writer *w, struct buf *out)
{
    const struct cell *cells = w->cells + w->row * w->item_count;
    for (; w->item < w->item_count; w->item++) {
        if (out->n >= ROW_PIECE_BYTES)
            return false;
        if (!w->text_at) {
            bool has_comma = w->style != ROWS_AS_LINES && w->style != ROWS_AS_CSV;
            if (w->item == 0 && w->rows++ && has_comma)
                buf_add_byte(out, ',');
            buf_add(out, w->before[w->item]);
        }
        if (!add_value(w, out, w->items[w->item].type, &cells[w->item]))
            return false;
    }
    end_row(w, out);
    return true;
}

err_t row_writer_write(struct row_writer *w, struct buf *out, struct arena *scratch, bool *ret_end)
{
    if (!w->has_begun)
        begin_rows(w, out);
    w->has_begun = true;
    for (;;) {
        while (w->row < w->row_count)
            if (!add_row(w, out))
                return NULL;
        w->row = 0;
        TRY(result_page_next(w->page, scratch, &w->cells, &w->row_count));
        TRY(arena_check(scratch));
        if (!w->row_count) {
            *ret_end = true;
            return NULL;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The reply is a row of parts, enum part, and `part`, `item`, `row` and `text_at` say where the next piece goes on. Only the parts
 * that a format has write anything. What stands before a value, its name or a comma, is made once for each item. */
#include "api/datasnap/query_reply.h"

#include "api/datasnap/meta_type.h"
#include "core/dataset/cell_text.h"
#include "core/dataset/result_page.h"

#include <string.h>

#define TEXT_STEP ((size_t)1024) /* bytes of a text that are written at once; escapes make six of one */

enum part { PART_BEGIN, PART_META_FIRST, PART_ROWS_BEGIN, PART_ROWS, PART_META_LAST, PART_END, PART_NONE };

struct query_reply {
    struct query_reply_parts parts;
    struct arena *a;
    enum result_format format;
    const struct row_item *items;
    size_t item_count;
    slice *before; /* each value of a row */
    enum part part;
    const struct cell *cells; /* rows that the page handed out; NULL: none yet */
    size_t row, row_count;    /* of these */
    size_t item;              /* of the row, or of meta */
    size_t text_at;           /* of a text: what was written before */
    uint64_t rows;            /* that were begun */
    struct buf ahead;         /* written before its time */
    size_t ahead_sent;
    slice token; /* of the next page, once it is known */
    bool knows_token;
};

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

static void add_escaped(struct buf *out, slice text)
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

/* The text of a value, with its quotes, or as much of it as there is room for. True: all of it is written. */
static bool add_text(struct query_reply *r, struct buf *out, slice text)
{
    if (!r->text_at)
        buf_add_byte(out, '"');
    while (text.n - r->text_at > TEXT_STEP) {
        add_escaped(out, slice_part(text, r->text_at, TEXT_STEP));
        r->text_at += TEXT_STEP;
        if (out->n >= QUERY_PIECE_BYTES)
            return false;
    }
    add_escaped(out, slice_from(text, r->text_at));
    buf_add_byte(out, '"');
    r->text_at = 0;
    return true;
}

static bool add_value(struct query_reply *r, struct buf *out, enum column_type type, const struct cell *c)
{
    if (!c->is_null && column_type_is_text(type))
        return add_text(r, out, c->text);
    bool is_quoted = !c->is_null && (column_type_is_time(type) || r->format == RESULT_JSON_COMPACT_STRINGS);
    if (is_quoted)
        buf_add_byte(out, '"');
    cell_add_text(out, type, c);
    if (is_quoted)
        buf_add_byte(out, '"');
    return true;
}

/* ---- rows ---- */

static bool has_names(enum result_format format)
{
    return format == RESULT_JSON || format == RESULT_JSON_LINES;
}

static slice text_before_value(struct query_reply *r, size_t item)
{
    struct buf text;
    buf_init(&text, 0);
    bool is_first = item == 0, named = has_names(r->format);
    buf_add(&text, !is_first ? S(",") : named ? S("{") : S("["));
    if (named) {
        buf_add_byte(&text, '"');
        add_escaped(&text, r->items[item].name);
        buf_add(&text, S("\":"));
    }
    return buf_give(&text, r->a);
}

static void end_row(struct query_reply *r, struct buf *out)
{
    buf_add(out, has_names(r->format) ? S("}") : S("]"));
    if (r->format == RESULT_JSON_LINES)
        buf_add_byte(out, '\n');
    r->item = 0;
    r->row++;
}

/* Writes the rest of a row. False: the piece is full. */
static bool add_row(struct query_reply *r, struct buf *out)
{
    const struct cell *cells = r->cells + r->row * r->item_count;
    for (; r->item < r->item_count; r->item++) {
        if (out->n >= QUERY_PIECE_BYTES)
            return false;
        if (!r->text_at) {
            if (r->item == 0 && r->rows++ && r->format != RESULT_JSON_LINES)
                buf_add_byte(out, ',');
            buf_add(out, r->before[r->item]);
        }
        if (!add_value(r, out, r->items[r->item].type, &cells[r->item]))
            return false;
    }
    end_row(r, out);
    return true;
}

static err_t add_rows(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    for (;;) {
        while (r->row < r->row_count)
            if (!add_row(r, out))
                return NULL;
        r->row = 0;
        TRY(result_page_next(r->parts.page, scratch, &r->cells, &r->row_count));
        TRY(arena_check(scratch));
        if (!r->row_count) {
            r->part++;
            return NULL;
        }
    }
}

/* ---- what is around the rows ---- */

/* An element for each item, or nothing; then `end`. */
static void add_meta(struct query_reply *r, struct buf *out, slice begin, slice end)
{
    if (!r->parts.request->include_meta) {
        r->part++;
        return;
    }
    for (; r->item < r->item_count; r->item++) {
        if (out->n >= QUERY_PIECE_BYTES)
            return;
        buf_add(out, r->item ? S(",{\"name\":\"") : begin);
        add_escaped(out, r->items[r->item].name);
        buf_printf(out, "\",\"type\":\"%s\"}", meta_type_name(r->items[r->item].type));
    }
    buf_add(out, end);
    r->item = 0;
    r->part++;
}

static err_t find_token(struct query_reply *r, struct arena *scratch)
{
    bool has_more;
    if (r->knows_token)
        return NULL;
    TRY(result_page_has_more(r->parts.page, scratch, &has_more));
    const struct row_query *query = &r->parts.request->query;
    struct page_place next = { .offset = result_page_end(r->parts.page),
                               .newest_row = result_page_reading(r->parts.page).newest_row };
    if (has_more)
        r->token = page_token_make(r->parts.token, query, next, r->a);
    r->knows_token = true;
    return NULL;
}

static err_t add_end(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    struct result_reading reading = result_page_reading(r->parts.page);
    long long ms = clock_monotonic_ms(r->parts.clock) - r->parts.started_ms;
    TRY(find_token(r, scratch));
    buf_printf(out, ",\"statistics\":{\"elapsed\":%lld.%03lld,\"rows_read\":%llu,\"bytes_read\":%llu}", ms / 1000,
               ms % 1000, (unsigned long long)reading.rows_read, (unsigned long long)reading.bytes_read);
    buf_add(out, S(",\"next_page_token\":"));
    if (r->token.n)
        buf_printf(out, "\"" SLICE_FMT "\"}", SLICE_ARG(r->token));
    else
        buf_add(out, S("null}"));
    r->part++;
    return NULL;
}

static err_t add_part_of_lines(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    if (r->part == PART_ROWS)
        return add_rows(r, out, scratch);
    r->part++;
    return NULL;
}

static err_t add_part_of_objects(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    switch (r->part) {
    case PART_ROWS_BEGIN:
        buf_add(out, S("{\"data\":["));
        break;
    case PART_ROWS:
        TRY(add_rows(r, out, scratch));
        if (r->part != PART_ROWS)
            buf_add_byte(out, ']');
        return NULL;
    case PART_META_LAST:
        add_meta(r, out, S(",\"meta\":{\"columns\":[{\"name\":\""), S("]}"));
        return NULL;
    case PART_END:
        return add_end(r, out, scratch);
    default:
        break;
    }
    r->part++;
    return NULL;
}

static err_t add_part_of_arrays(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    switch (r->part) {
    case PART_BEGIN:
        buf_add_byte(out, '{');
        break;
    case PART_META_FIRST:
        add_meta(r, out, S("\"meta\":[{\"name\":\""), S("],"));
        return NULL;
    case PART_ROWS_BEGIN:
        buf_add(out, S("\"data\":["));
        break;
    case PART_ROWS:
        TRY(add_rows(r, out, scratch));
        if (r->part != PART_ROWS)
            buf_printf(out, "],\"rows\":%llu", (unsigned long long)r->rows);
        return NULL;
    case PART_END:
        return add_end(r, out, scratch);
    default:
        break;
    }
    r->part++;
    return NULL;
}

static err_t write_piece(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    while (r->part != PART_NONE && out->n < QUERY_PIECE_BYTES) {
        if (r->format == RESULT_JSON_LINES)
            TRY(add_part_of_lines(r, out, scratch));
        else if (r->format == RESULT_JSON)
            TRY(add_part_of_objects(r, out, scratch));
        else
            TRY(add_part_of_arrays(r, out, scratch));
    }
    return NULL;
}

/* ---- the reply ---- */

static void release_ahead(void *r)
{
    buf_release(&((struct query_reply *)r)->ahead);
}

struct query_reply *query_reply_new(struct arena *a, const struct query_reply_parts *parts)
{
    struct query_reply *r = arena_new(a, struct query_reply);
    *r = (struct query_reply){ .parts = *parts,
                               .a = a,
                               .format = parts->request->format,
                               .items = parts->request->query.items,
                               .item_count = parts->request->query.item_count };
    r->before = arena_array(a, slice, r->item_count);
    for (size_t i = 0; i < r->item_count; i++)
        r->before[i] = text_before_value(r, i);
    buf_init_on(&r->ahead, 0, a);
    arena_defer(a, release_ahead, r);
    return r;
}

const char *query_reply_type(const struct query_reply *r)
{
    return r->format == RESULT_JSON_LINES ? "application/x-ndjson" : "application/json";
}

/* A piece knows how full it is by the length of its buffer, so each one has a buffer of its own. */
static err_t write_ahead(struct query_reply *r, struct arena *scratch)
{
    SCOPED(buf_releasep) struct buf piece;
    buf_init_on(&piece, 0, scratch);
    while (r->part != PART_NONE && r->ahead.n < QUERY_AHEAD_BYTES) {
        buf_clear(&piece);
        TRY(write_piece(r, &piece, scratch));
        buf_add(&r->ahead, buf_slice(&piece));
        TRY(arena_check(r->a));
    }
    return NULL;
}

err_t query_reply_token(struct query_reply *r, struct arena *scratch, slice *ret_token)
{
    TRY(write_ahead(r, scratch));
    TRY(find_token(r, scratch));
    *ret_token = r->token;
    return NULL;
}

err_t query_reply_write(struct query_reply *r, struct buf *out, struct arena *scratch, bool *ret_end)
{
    if (r->ahead_sent < r->ahead.n) {
        slice piece = slice_part(buf_slice(&r->ahead), r->ahead_sent, QUERY_PIECE_BYTES);
        buf_add(out, piece);
        r->ahead_sent += piece.n;
        if (r->ahead_sent == r->ahead.n) {
            buf_release(&r->ahead);
            r->ahead_sent = 0;
        }
    } else {
        TRY(write_piece(r, out, scratch));
    }
    *ret_end = r->part == PART_NONE && !r->ahead.n;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The reply is a row of parts, enum part; `part`, `item` and the writer of the rows say where the next piece goes on. Only the parts
 * that a format has write anything. */
#include "api/datasnap/query_reply.h"

#include "api/datasnap/meta_type.h"
#include "core/dataset/result_page.h"

enum part { PART_BEGIN, PART_META_FIRST, PART_ROWS_BEGIN, PART_ROWS, PART_META_LAST, PART_END, PART_NONE };

struct query_reply {
    struct query_reply_parts parts;
    struct arena *a;
    enum result_format format;
    const struct row_item *items;
    size_t item_count;
    enum part part;
    size_t item; /* of meta */
    struct row_writer rows;
    struct buf ahead; /* written before its time */
    size_t ahead_sent;
    slice token; /* of the next page, once it is known */
    bool knows_token;
};

/* ---- what is around the rows ---- */

/* An element for each item, or nothing; then `end`. */
static void add_meta(struct query_reply *r, struct buf *out, slice begin, slice end)
{
    if (!r->parts.request->include_meta) {
        r->part++;
        return;
    }
    for (; r->item < r->item_count; r->item++) {
        if (out->n >= ROW_PIECE_BYTES)
            return;
        buf_add(out, r->item ? S(",{\"name\":\"") : begin);
        row_add_escaped(out, r->items[r->item].name);
        buf_printf(out, "\",\"type\":\"%s\"}", meta_type_name(r->items[r->item].type));
    }
    buf_add(out, end);
    r->item = 0;
    r->part++;
}

static err_t add_rows(struct query_reply *r, struct buf *out, struct arena *scratch)
{
    bool end = false;
    TRY(row_writer_write(&r->rows, out, scratch, &end));
    r->part += end;
    return NULL;
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
            buf_printf(out, "],\"rows\":%llu", (unsigned long long)r->rows.rows);
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
    while (r->part != PART_NONE && out->n < ROW_PIECE_BYTES) {
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
    static const enum row_style styles[] = { [RESULT_JSON] = ROWS_AS_OBJECTS,
                                             [RESULT_JSON_COMPACT] = ROWS_AS_ARRAYS,
                                             [RESULT_JSON_COMPACT_STRINGS] = ROWS_AS_TEXT_ARRAYS,
                                             [RESULT_JSON_LINES] = ROWS_AS_LINES };
    struct query_reply *r = arena_new(a, struct query_reply);
    *r = (struct query_reply){ .parts = *parts,
                               .a = a,
                               .format = parts->request->format,
                               .items = parts->request->query.items,
                               .item_count = parts->request->query.item_count };
    row_writer_init(&r->rows, styles[r->format], &parts->request->query, parts->page, a);
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
        slice piece = slice_part(buf_slice(&r->ahead), r->ahead_sent, ROW_PIECE_BYTES);
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

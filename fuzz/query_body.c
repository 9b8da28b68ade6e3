/* SPDX-License-Identifier: Apache-2.0 */
/* The body of any query gives errors or a reply, and both are JSON. A reply has as many rows as the limit allows, and its token leads
 * to the rest: pages together have as many rows as one. */
#include "fuzz.h"

#include "api/datasnap/query_reply.h"
#include "core/dataset/result_page.h"
#include "dataset/mem/mem.h"
#include "query_sample.h"

#define ROWS 12

/* Twelve rows, of which each third one is null. */
static void fill_store(struct dataset_store *store, struct arena *a)
{
    static const slice texts[] = { { "a", 1 }, { "B%\"", 3 }, { "\xc3\xa9", 2 }, { "", 0 }, { " x ", 3 } };
    struct dataset_writer *w;
    HOLDS(!store->ops->define(store, 1, &sample_list, a) && !store->ops->open(store, 1, 1, a, &w));
    for (int row = 0; row < ROWS; row++) {
        struct cell cells[SAMPLE_COLUMNS] = { 0 };
        for (size_t i = 0; i < SAMPLE_COLUMNS; i++) {
            enum column_type type = sample_columns[i].type;
            cells[i].is_null = (row + (int)i) % 3 == 0;
            if (column_type_is_text(type))
                cells[i].text = texts[row % 5];
            else if (type == COLUMN_FLOAT)
                cells[i].real = row * 1.25;
            else if (type == COLUMN_DECIMAL)
                cells[i].decimal = (decimal_t)row * 1234567 - 5000000;
            else if (type == COLUMN_BOOL)
                cells[i].boolean = row % 2;
            else
                cells[i].integer = row * 9; /* also as a natural number */
        }
        HOLDS(!store->ops->add(w, cells, 1, a));
    }
    HOLDS(!store->ops->commit(w, a));
}

static struct dataset_store *sample_store(void)
{
    static struct dataset_store *store;
    if (!store) {
        SCRATCH(a);
        store = dataset_mem_new(clock_system());
        fill_store(store, &a);
    }
    return store;
}

static uint64_t count_rows(const struct query_request *request, slice text, struct arena *a, slice *ret_token)
{
    const struct json *j;
    if (request->format == RESULT_JSON_LINES) {
        uint64_t rows = 0;
        for (slice line; slice_cut(text, '\n', &line, &text); rows++)
            HOLDS(!json_parse_exact(a, line, &j) && json_count(j) == request->query.item_count);
        HOLDS(!text.n);
        return rows;
    }
    HOLDS(!json_parse_exact(a, text, &j));
    const struct json *meta = json_get(j, "meta");
    HOLDS(request->include_meta == (meta != NULL));
    if (meta)
        HOLDS(json_count(request->format == RESULT_JSON ? json_get(meta, "columns") : meta) ==
              request->query.item_count);
    *ret_token = json_str(j, "next_page_token");
    return json_count(json_get(j, "data"));
}

/* False: the store refused, because a value does not fit. */
static bool reply_to(const struct query_request *request, struct arena *a, uint64_t *ret_rows, slice *ret_token)
{
    struct page_token_key key = { .key = S("0123456789abcdef0123456789abcdef"), .dataset_id = 1 };
    SCOPED(result_page_closep) struct result_page *page = NULL;
    SCOPED(buf_releasep) struct buf all;
    buf_init(&all, 0);
    if (result_page_open(sample_store(), 1, &request->query, 0, a, &page))
        return false;
    struct query_reply_parts parts = { .request = request, .page = page, .token = &key, .clock = clock_system() };
    parts.started_ms = clock_monotonic_ms(parts.clock);
    struct query_reply *r = query_reply_new(a, &parts);
    *ret_token = S("");
    if (request->format == RESULT_JSON_LINES)
        HOLDS(!query_reply_token(r, a, ret_token));
    for (bool end = false; !end;) {
        size_t before = all.n;
        SCOPED(buf_releasep) struct buf piece;
        buf_init(&piece, 0);
        HOLDS(!query_reply_write(r, &piece, a, &end));
        HOLDS(piece.n <= ROW_PIECE_BYTES + ROW_PIECE_MORE && (piece.n || end || !before));
        buf_add(&all, buf_slice(&piece));
    }
    *ret_rows = count_rows(request, arena_copy(a, buf_slice(&all)), a, ret_token);
    if (!ret_token->n)
        return true;
    struct page_place place;
    HOLDS(page_token_read(&key, &request->query, *ret_token, a, &place));
    HOLDS(place.offset == request->query.offset + request->query.limit && place.newest_row == ROWS);
    return true;
}

static void check_reply(struct query_request *request, struct arena *a)
{
    uint64_t rows, rest, all;
    slice token, none;
    if (request->query.limit > ROWS)
        request->query.limit = 1 + request->query.limit % ROWS;
    if (!reply_to(request, a, &rows, &token))
        return;
    HOLDS(rows <= request->query.limit && (!token.n || rows == request->query.limit));
    struct query_request other = *request;
    other.query.limit = QUERY_LIMIT_MAX;
    HOLDS(reply_to(&other, a, &all, &none) && !none.n);
    other.query.offset += request->query.limit;
    HOLDS(reply_to(&other, a, &rest, &none) && !none.n && rows + rest == all && (token.n > 0) == (rest > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct json *body, *written;
    struct query_request request;
    struct field_errors errors;
    field_errors_init(&errors, &a);
    if (json_parse_exact(&a, fuzz_slice(data, size), &body))
        return 0;
    HOLDS(!query_body_read(body, &sample_list, &a, &errors, &request));
    if (!errors.count) {
        check_reply(&request, &a);
        return 0;
    }
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    field_errors_write(&errors, &out);
    HOLDS(!json_parse(&a, buf_slice(&text), &written) && json_count(written) <= errors.count);
    return 0;
}

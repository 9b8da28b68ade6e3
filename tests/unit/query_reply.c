/* SPDX-License-Identifier: Apache-2.0 */
/* The replies to queries and their page tokens: docs/apis/datasnap.md 7.2. A store with prepared rows stands behind them. */
#include "test.h"

#include "api/datasnap/query_reply.h"
#include "core/dataset/result_page.h"
#include "core/query/query_build.h"

#include <stdlib.h>
#include <string.h>

static struct column columns[] = {
    { .name = { "s", 1 }, .type = COLUMN_STRING },      { .name = { "b", 1 }, .type = COLUMN_BOOL },
    { .name = { "i", 1 }, .type = COLUMN_INT64 },       { .name = { "u", 1 }, .type = COLUMN_UINT64 },
    { .name = { "f", 1 }, .type = COLUMN_FLOAT },       { .name = { "d", 1 }, .type = COLUMN_DECIMAL },
    { .name = { "day", 3 }, .type = COLUMN_DATE },      { .name = { "at", 2 }, .type = COLUMN_DATETIME },
    { .name = { "us", 2 }, .type = COLUMN_DATETIME64 }, { .name = { "j", 1 }, .type = COLUMN_JSON },
};
#define COLUMNS (sizeof columns / sizeof columns[0])
static const struct column_list list = { .items = columns, .count = COLUMNS };

/* ---- a store whose table has as many rows as a test wants, of which a query gives those from offset to limit ---- */

struct prepared {
    struct dataset_store store;
    struct dataset_cursor cursor;
    const struct cell *cells; /* of one row; all are alike, but for column `i`, the number of the row from 0 on */
    size_t columns;
    uint64_t row_count, at, end, chunk, fail_at;
    int64_t up_to_row;
    int queries, open_cursors;
    struct cell *rows;
};

static err_t prepared_query(struct dataset_store *store, int64_t dataset_id, const struct row_query *q,
                            int64_t limit_ms, struct arena *a, struct dataset_cursor **ret)
{
    struct prepared *p = (struct prepared *)store;
    (void)a;
    assert_int_equal(dataset_id, 7);
    assert_int_equal(limit_ms, 30000);
    p->queries++;
    p->open_cursors++;
    p->up_to_row = q->up_to_row;
    p->columns = q->item_count;
    p->at = q->offset < p->row_count ? q->offset : p->row_count;
    p->end = p->row_count - p->at > q->limit ? p->at + q->limit : p->row_count;
    p->cursor = (struct dataset_cursor){ .ops = store->ops,
                                         .newest_row = (int64_t)p->row_count,
                                         .rows_read = p->row_count,
                                         .bytes_read = 50 * p->row_count };
    *ret = &p->cursor;
    return NULL;
}

static err_t prepared_next(struct dataset_cursor *c, struct arena *a, const struct cell **ret_cells, size_t *ret_count)
{
    struct prepared *p = (struct prepared *)((char *)c - offsetof(struct prepared, cursor));
    if (p->fail_at && p->at >= p->fail_at)
        return err_make(a, ERR_EXPIRED, "the query ran too long");
    *ret_count = p->end - p->at < p->chunk ? p->end - p->at : p->chunk;
    for (size_t i = 0; i < *ret_count; i++, p->at++)
        for (size_t j = 0; j < p->columns; j++) {
            p->rows[i * p->columns + j] = p->cells[j];
            if (j == 2)
                p->rows[i * p->columns + j].integer = (int64_t)p->at;
        }
    *ret_cells = p->rows;
    return NULL;
}

static void prepared_close(struct dataset_cursor *c)
{
    ((struct prepared *)((char *)c - offsetof(struct prepared, cursor)))->open_cursors--;
}

static const struct dataset_ops prepared_ops = { .query = prepared_query,
                                                 .next = prepared_next,
                                                 .close = prepared_close };

/* ---- a request, and its whole reply ---- */

struct fixture {
    struct arena arena;
    struct prepared table;
    struct clock_manual clock;
    struct query_request request;
    struct page_token_key key;
    size_t largest_piece;
    slice token; /* of the header of JSON lines */
};

static struct fixture *fixture_new(void **state, const struct cell *cells, uint64_t row_count)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    *f = (struct fixture){ 0 };
    arena_init(&f->arena);
    clock_manual_init(&f->clock, 1795258989000);
    f->table =
        (struct prepared){ .store = { .ops = &prepared_ops }, .cells = cells, .row_count = row_count, .chunk = 3 };
    f->table.rows = arena_array(&f->arena, struct cell, 4096);
    f->key = (struct page_token_key){ .key = S("0123456789abcdef0123456789abcdef"), .dataset_id = 7 };
    return f;
}

static void ask(struct fixture *f, const char *body)
{
    const struct json *j;
    struct field_errors errors;
    field_errors_init(&errors, &f->arena);
    EXPECT_OK(json_parse_exact(&f->arena, slice_of(body), &j));
    EXPECT_OK(query_body_read(j, &list, &f->arena, &errors, &f->request));
    EXPECT_SLICE(field_errors_first(&errors), S(""));
}

static err_t write_reply(struct fixture *f, struct buf *all)
{
    SCOPED(result_page_closep) struct result_page *page = NULL;
    TRY(result_page_open(&f->table.store, 7, &f->request.query, 30000, &f->arena, &page));
    struct query_reply_parts parts = {
        .request = &f->request, .page = page, .token = &f->key, .clock = &f->clock.clock, .started_ms = f->clock.mono_ms
    };
    clock_manual_advance(&f->clock, 3);
    struct query_reply *r = query_reply_new(&f->arena, &parts);
    f->token = S("");
    if (f->request.format == RESULT_JSON_LINES)
        TRY(query_reply_token(r, &f->arena, &f->token));
    for (bool end = false; !end;) {
        SCOPED(buf_releasep) struct buf piece;
        buf_init(&piece, 0);
        TRY(query_reply_write(r, &piece, &f->arena, &end));
        buf_add(all, buf_slice(&piece));
        if (piece.n > f->largest_piece)
            f->largest_piece = piece.n;
    }
    return NULL;
}

static slice whole_reply(struct fixture *f)
{
    struct buf all;
    buf_init(&all, 0);
    EXPECT_OK(write_reply(f, &all));
    EXPECT_EQ(f->table.open_cursors, 0);
    EXPECT(f->largest_piece <= ROW_PIECE_BYTES + ROW_PIECE_MORE);
    slice reply = buf_give(&all, &f->arena);
    EXPECT(slice_is_utf8(reply));
    return reply;
}

static const struct cell one_row[] = {
    { .text = { "Jo\xc3\xa3o \"x\"\n\x01", 11 } },
    { .boolean = true },
    { .integer = 0 },
    { .natural = UINT64_MAX },
    { .real = 27.5 },
    { .decimal = -1500000 },
    { .integer = 0 },
    { .integer = 86399 },
    { .integer = 1 },
    { .text = { "{\"a\":1}", 7 } },
};
#define ALL "\"select\":[\"s\",\"b\",\"i\",\"u\",\"f\",\"d\",\"day\",\"at\",\"us\",\"j\"]"
#define VALUES                                                                                                         \
    "\"Jo\xc3\xa3o \\\"x\\\"\\n\\u0001\",true,%d,18446744073709551615,27.5,-1.5,\"1970-01-01\",\"1970-01-01 "          \
    "23:59:59\",\"1970-01-01 00:00:00.000001\",\"{\\\"a\\\":1}\""

TEST(objects_come_with_meta_behind_them)
{
    struct fixture *f = fixture_new(state, one_row, 1);
    ask(f, "{" ALL ",\"format\":\"json\"}");
    EXPECT_SLICE(
        whole_reply(f),
        S("{\"data\":[{\"s\":\"Jo\xc3\xa3o "
          "\\\"x\\\"\\n\\u0001\",\"b\":true,\"i\":0,\"u\":18446744073709551615,\"f\":27.5,\"d\":-1.5,"
          "\"day\":\"1970-01-01\",\"at\":\"1970-01-01 23:59:59\",\"us\":\"1970-01-01 "
          "00:00:00.000001\",\"j\":\"{\\\"a\\\":1}\"}],"
          "\"meta\":{\"columns\":[{\"name\":\"s\",\"type\":\"String\"},{\"name\":\"b\",\"type\":\"Bool\"},{\"name\":"
          "\"i\",\"type\":\"Int64\"},"
          "{\"name\":\"u\",\"type\":\"UInt64\"},{\"name\":\"f\",\"type\":\"Float64\"},{\"name\":\"d\",\"type\":"
          "\"Decimal(18, 6)\"},"
          "{\"name\":\"day\",\"type\":\"Date\"},{\"name\":\"at\",\"type\":\"DateTime\"},{\"name\":\"us\",\"type\":"
          "\"DateTime64(6)\"},"
          "{\"name\":\"j\",\"type\":\"String\"}]},\"statistics\":{\"elapsed\":0.003,\"rows_read\":1,\"bytes_read\":50},"
          "\"next_page_token\":null}"));
}

TEST(arrays_come_with_meta_before_them)
{
    struct fixture *f = fixture_new(state, one_row, 2);
    ask(f, "{\"select\":[\"s\",\"count(*)\"],\"group_by\":[\"s\"]}");
    EXPECT_SLICE(
        whole_reply(f),
        S("{\"meta\":[{\"name\":\"s\",\"type\":\"String\"},{\"name\":\"count(*)\",\"type\":\"UInt64\"}],\"data\":["
          "[\"Jo\xc3\xa3o \\\"x\\\"\\n\\u0001\",1],[\"Jo\xc3\xa3o \\\"x\\\"\\n\\u0001\",1]],\"rows\":2,"
          "\"statistics\":{\"elapsed\":0.003,\"rows_read\":2,\"bytes_read\":100},\"next_page_token\":null}"));
}

TEST(strings_are_all_that_is_not_null)
{
    struct fixture *f = fixture_new(state, one_row, 1);
    ask(f, "{\"select\":[\"b\",\"u\",\"i\",\"f\",\"d\",\"day\"],\"format\":\"json_compact_strings\",\"include_meta\":"
           "false}");
    struct cell cells[] = { one_row[1], one_row[3], one_row[2], one_row[4], { .is_null = true }, one_row[6] };
    f->table.cells = cells;
    EXPECT_SLICE(whole_reply(f),
                 S("{\"data\":[[\"true\",\"18446744073709551615\",\"0\",\"27.5\",null,\"1970-01-01\"]],\"rows\":1,"
                   "\"statistics\":{\"elapsed\":0.003,\"rows_read\":1,\"bytes_read\":50},\"next_page_token\":null}"));
}

TEST(lines_are_objects_alone)
{
    struct fixture *f = fixture_new(state, one_row, 2);
    ask(f, "{\"select\":[\"b\",\"u as \\u0009x\",\"i\"],\"format\":\"jsonl\"}");
    f->table.cells = (struct cell[]){ { .is_null = true }, { .natural = 7 }, { .integer = 0 } };
    EXPECT_SLICE(whole_reply(f), S("{\"b\":null,\"x\":7,\"i\":0}\n{\"b\":null,\"x\":7,\"i\":1}\n"));
    EXPECT_SLICE(f->token, S(""));
}

TEST(results_without_rows_are_whole_replies)
{
    struct fixture *f = fixture_new(state, one_row, 0);
    ask(f, "{\"select\":[\"b\"],\"include_meta\":false}");
    EXPECT_SLICE(whole_reply(f), S("{\"data\":[],\"rows\":0,\"statistics\":{\"elapsed\":0.003,\"rows_read\":0,\"bytes_"
                                   "read\":0},\"next_page_token\":null}"));
    ask(f, "{\"select\":[\"b\"],\"include_meta\":false,\"format\":\"json\"}");
    EXPECT_SLICE(whole_reply(f), S("{\"data\":[],\"statistics\":{\"elapsed\":0.003,\"rows_read\":0,\"bytes_read\":0},"
                                   "\"next_page_token\":null}"));
    ask(f, "{\"select\":[\"b\"],\"format\":\"jsonl\"}");
    EXPECT_SLICE(whole_reply(f), S(""));
}

TEST(names_of_results_are_escaped)
{
    struct fixture *f = fixture_new(state, one_row, 1);
    ask(f, "{\"select\":[\"coalesce(s, '\\\\\\\" \\u0001 \xc3\xa7')\"],\"format\":\"jsonl\"}");
    f->table.cells = (struct cell[]){ { .text = S("") } };
    EXPECT_SLICE(whole_reply(f), S("{\"coalesce(s, '\\\\\\\" \\u0001 \xc3\xa7')\":\"\"}\n"));
}

TEST(every_byte_of_a_text_is_escaped_wherever_it_stands)
{
    struct fixture *f = fixture_new(state, one_row, 1);
    ask(f, "{\"select\":[\"s\"],\"format\":\"jsonl\"}");
    for (int c = 1; c < 0x80; c++)
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            struct cell cell = { .text = { text, sizeof text } };
            f->table.cells = &cell;
            const struct json *j;
            slice reply = whole_reply(f);
            EXPECT_OK(json_parse(&f->arena, reply, &j));
            EXPECT_SLICE(json_str(j, "s"), cell.text);
        }
}

/* ---- pieces ---- */

TEST(texts_longer_than_a_piece_are_written_over_several)
{
    struct fixture *f = fixture_new(state, one_row, 2);
    size_t size = (size_t)1 << 20;
    char *text = arena_alloc(&f->arena, size);
    memset(text, 1, size); /* six bytes each */
    struct cell cell = { .text = { text, size } };
    f->table.cells = &cell;
    ask(f, "{\"select\":[\"s\"],\"include_meta\":false}");
    slice reply = whole_reply(f);
    EXPECT(reply.n > 12 * size);
    EXPECT(slice_starts(reply, S("{\"data\":[[\"\\u0001\\u0001")));
    slice rest = slice_from(reply, sizeof "{\"data\":[[\"" - 1 + 6 * size);
    EXPECT(slice_starts(rest, S("\"],[\"\\u0001")));
    rest = slice_from(rest, sizeof "\"],[\"" - 1 + 6 * size);
    EXPECT(slice_starts(rest, S("\"]],\"rows\":2,")));
}

TEST(many_wide_rows_are_written_in_pieces)
{
    struct fixture *f = fixture_new(state, one_row, 1000);
    f->table.chunk = 400;
    ask(f, "{" ALL ",\"limit\":1000}");
    slice reply = whole_reply(f);
    struct buf want;
    buf_init_on(&want, 0, &f->arena);
    for (int i = 0; i < 1000; i++)
        buf_printf(&want, "%s[" VALUES "]", i ? "," : "", i);
    EXPECT(slice_find(reply, buf_slice(&want)) != SLICE_NONE);
    EXPECT(slice_find(reply, S(",\"rows\":1000,")) != SLICE_NONE);
    buf_release(&want);
}

TEST(meta_of_long_names_is_written_in_pieces)
{
    struct fixture *f = fixture_new(state, one_row, 0);
    struct row_item *items = arena_array(&f->arena, struct row_item, ROW_ITEMS_MAX);
    char *name = arena_alloc(&f->arena, 1024);
    memset(name, 2, 1024);
    ask(f, "{\"select\":[\"s\"],\"format\":\"json\"}");
    for (size_t i = 0; i < ROW_ITEMS_MAX; i++)
        items[i] =
            (struct row_item){ .expr = f->request.query.items[0].expr, .type = COLUMN_STRING, .name = { name, 1024 } };
    f->request.query.items = items;
    f->request.query.item_count = ROW_ITEMS_MAX;
    EXPECT(whole_reply(f).n > ROW_ITEMS_MAX * 6144);
}

TEST(an_error_of_the_store_ends_the_reply)
{
    struct fixture *f = fixture_new(state, one_row, 100);
    f->table.fail_at = 50;
    struct buf all = { 0 };
    ask(f, "{" ALL "}");
    EXPECT_ERR(write_reply(f, &all), ERR_EXPIRED);
    ask(f, "{" ALL ",\"format\":\"jsonl\"}");
    EXPECT_ERR(write_reply(f, &all), ERR_EXPIRED);
    EXPECT_EQ(f->table.open_cursors, 0);
    buf_release(&all);
}

/* ---- pages ---- */

static struct page_place place_of(struct fixture *f, slice token)
{
    struct page_place place = { 0 };
    EXPECT(page_token_read(&f->key, &f->request.query, token, &f->arena, &place));
    return place;
}

static slice token_in(slice reply)
{
    slice token = slice_from(reply, slice_find(reply, S("\"next_page_token\":")) + sizeof "\"next_page_token\":" - 1);
    return slice_eq(token, S("null}")) ? S("") : slice_part(token, 1, token.n - 3);
}

TEST(a_token_leads_to_the_rows_that_follow)
{
    struct fixture *f = fixture_new(state, one_row, 25);
    ask(f, "{" ALL ",\"limit\":10,\"offset\":5}");
    slice token = token_in(whole_reply(f));
    struct page_place place = place_of(f, token);
    EXPECT(place.offset == 15 && place.newest_row == 25);
    f->request.query.offset = 15;
    EXPECT_SLICE(token_in(whole_reply(f)), S("")); /* exactly ten are left */
    f->request.query.limit = 9;
    EXPECT_EQ(place_of(f, token_in(whole_reply(f))).offset, 24);
}

TEST(lines_have_their_token_before_them)
{
    struct fixture *f = fixture_new(state, one_row, 25);
    ask(f, "{" ALL ",\"limit\":10,\"format\":\"jsonl\"}");
    slice reply = whole_reply(f);
    EXPECT_EQ(place_of(f, f->token).offset, 10);
    EXPECT(slice_ends(reply, S("}\n")));
    EXPECT_EQ(f->table.queries, 1);
}

TEST(lines_that_are_too_many_to_write_ahead_ask_for_the_row_behind_them)
{
    for (uint64_t rows = 10; rows <= 11; rows++) {
        struct fixture *f = fixture_new(state, one_row, rows);
        size_t size = (size_t)1 << 20;
        char *text = arena_alloc(&f->arena, size);
        memset(text, 'x', size);
        struct cell cell = { .text = { text, size } };
        f->table.cells = &cell;
        ask(f, "{\"select\":[\"s\"],\"limit\":10,\"format\":\"jsonl\"}");
        /* The one cursor of this store goes on behind the second query, so only the token is looked at. */
        struct result_page *page;
        EXPECT_OK(result_page_open(&f->table.store, 7, &f->request.query, 30000, &f->arena, &page));
        struct query_reply_parts parts = {
            .request = &f->request, .page = page, .token = &f->key, .clock = &f->clock.clock
        };
        struct query_reply *r = query_reply_new(&f->arena, &parts);
        EXPECT_OK(query_reply_token(r, &f->arena, &f->token));
        EXPECT_EQ(f->table.queries, 2);
        EXPECT_EQ(f->table.up_to_row, (int64_t)rows);
        EXPECT_EQ(f->token.n > 0, rows > 10);
        EXPECT(f->arena.peak < ((size_t)10 << 20));
        result_page_close(page);
    }
}

TEST(a_token_that_was_altered_is_refused)
{
    struct fixture *f = fixture_new(state, one_row, 25);
    ask(f, "{" ALL ",\"limit\":10}");
    slice token = token_in(whole_reply(f));
    struct page_place place;
    for (size_t i = 0; i < token.n; i++) {
        char *other = arena_cstr(&f->arena, token);
        for (const char *c = "A/+z0="; *c; c++) {
            other[i] = *c;
            if (!slice_eq((slice){ other, token.n }, token))
                EXPECT(!page_token_read(&f->key, &f->request.query, (slice){ other, token.n }, &f->arena, &place));
        }
    }
    for (size_t n = 0; n < token.n; n++)
        EXPECT(!page_token_read(&f->key, &f->request.query, slice_part(token, 0, n), &f->arena, &place));
    EXPECT(!page_token_read(&f->key, &f->request.query,
                            arena_printf(&f->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(token), SLICE_ARG(token)), &f->arena,
                            &place));
    EXPECT(!page_token_read(&f->key, &f->request.query, S("n\xc3\xa3o"), &f->arena, &place));
}

static bool fits(struct fixture *f, slice token, const char *body)
{
    struct page_place place;
    ask(f, body);
    return page_token_read(&f->key, &f->request.query, token, &f->arena, &place);
}

TEST(a_token_belongs_to_one_query)
{
    struct fixture *f = fixture_new(state, one_row, 25);
#define WHERE(value) ",\"where\":[{\"field\":\"i\",\"op\":\"in\",\"value\":[" value "]}]"
    ask(f, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") ",\"limit\":10}");
    slice token = page_token_make(&f->key, &f->request.query, (struct page_place){ 10, 25 }, &f->arena);
    EXPECT(fits(f, token,
                "{\"select\":[\"s\",\"i\"]" WHERE(
                    "1,2") ",\"limit\":99,\"format\":\"json\",\"include_meta\":false,\"page_token\":\"x\"}"));
    EXPECT(fits(f, token,
                "{ \"where\":[{\"op\":\"IN\",\"field\":\"`i`\",\"value\":[1.0,\"2\"]}],\"select\":[\"s\",\"i\"]}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("2,1") "}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("12") "}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2,3") "}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]}"));
    EXPECT(!fits(f, token, "{\"select\":[\"i\",\"s\"]" WHERE("1,2") "}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s as x\",\"i\"]" WHERE("1,2") "}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") ",\"order_by\":[\"i\"]}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") ",\"group_by\":[\"i\",\"s\"]}"));
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"min(i) i\"]" WHERE("1,2") ",\"group_by\":[\"s\"]}"));
    EXPECT(fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") "}"));
    f->key.dataset_id = 8;
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") "}"));
    f->key = (struct page_token_key){ .key = S("x123456789abcdef0123456789abcdef"), .dataset_id = 7 };
    EXPECT(!fits(f, token, "{\"select\":[\"s\",\"i\"]" WHERE("1,2") "}"));
}

TEST(a_page_far_behind_the_end_is_empty)
{
    struct fixture *f = fixture_new(state, one_row, 25);
    ask(f, "{" ALL ",\"offset\":9223372036854775807,\"limit\":10000}");
    EXPECT(slice_find(whole_reply(f), S("\"data\":[],\"rows\":0")) != SLICE_NONE);
}

static int make_fixture(void **state)
{
    *state = must_malloc(sizeof(struct fixture));
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

#define T(name) cmocka_unit_test(name)
RUN_TESTS_WITH(make_fixture, free_fixture, T(objects_come_with_meta_behind_them), T(arrays_come_with_meta_before_them),
               T(strings_are_all_that_is_not_null), T(lines_are_objects_alone),
               T(results_without_rows_are_whole_replies), T(names_of_results_are_escaped),
               T(every_byte_of_a_text_is_escaped_wherever_it_stands),
               T(texts_longer_than_a_piece_are_written_over_several), T(many_wide_rows_are_written_in_pieces),
               T(meta_of_long_names_is_written_in_pieces), T(an_error_of_the_store_ends_the_reply),
               T(a_token_leads_to_the_rows_that_follow), T(lines_have_their_token_before_them),
               T(lines_that_are_too_many_to_write_ahead_ask_for_the_row_behind_them),
               T(a_token_that_was_altered_is_refused), T(a_token_belongs_to_one_query),
               T(a_page_far_behind_the_end_is_empty))

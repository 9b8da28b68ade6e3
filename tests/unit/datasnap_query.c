/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of the DataSnap API as a client sees them, docs/apis/datasnap.md §7: their status, forms, pages and limits. What the body may say
 * is in query_body.c, how a reply is written in query_reply.c, and what a store answers in tests/conformance/dataset_query.c. */
#include "datasnap_fixture.h"
#include "test.h"

#include "core/store/dataset_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VENDAS                                                                                                         \
    "\"fields\":{\"id\":\"integer\",\"cidade\":\"string\",\"valor\":\"decimal\",\"peso\":\"float\",\"sem\":"           \
    "\"UInt64\"}"
#define QUERY "POST /v1/schemas/vendas/query"

static struct fake_reply *ask(struct datasnap_fixture *f, const char *body)
{
    return datasnap_send(f, DS_READER, QUERY, body);
}

static void expect_error(struct datasnap_fixture *f, const struct fake_reply *r, int status, const char *field)
{
    if (r->status != status)
        fail_msg("%d, expected %d: %.*s", r->status, status, SLICE_ARG(r->body));
    EXPECT_SLICE(r->content_type, S("application/json"));
    EXPECT(datasnap_str(f, r, "message").n > 0);
    EXPECT_SLICE(datasnap_str(f, r, "message"), datasnap_str(f, r, "error"));
    if (field && !json_is(json_get(reply_at(f->a, r, "errors"), field), JS_ARRAY))
        fail_msg("no errors of %s: %.*s", field, SLICE_ARG(r->body));
}

static struct dataset with_rows(struct datasnap_fixture *f, const char *lines)
{
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    datasnap_file(f, &d, "a.jsonl", slice_of(lines));
    world_run_jobs(f->w);
    return d;
}

#define THREE                                                                                                          \
    "{\"id\":1,\"cidade\":\"Recife\",\"valor\":0.1}\n{\"id\":2,\"cidade\":\"Recife\",\"valor\":0.2}\n"                 \
    "{\"id\":9223372036854775807,\"cidade\":\"d'\\\"água; DROP TABLE x; --\"}\n"

/* ---- replies ---- */

static const char *without_statistics(struct datasnap_fixture *f, const struct fake_reply *r)
{
    char *text = arena_cstr(f->a, r->body), *begin = strstr(text, "\"statistics\":{\"elapsed\":");
    if (begin)
        memmove(begin, strchr(begin, '}') + 2, strlen(strchr(begin, '}') + 2) + 1);
    return text;
}

TEST(a_query_is_answered_in_the_form_that_it_asks_for)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
#define SELECT                                                                                                         \
    "\"select\":[\"cidade\",\"count(*) as "                                                                            \
    "n\"],\"where\":[{\"field\":\"id\",\"op\":\"<\",\"value\":3}],\"group_by\":[\"cidade\"]"
#define COLUMNS "[{\"name\":\"cidade\",\"type\":\"String\"},{\"name\":\"n\",\"type\":\"UInt64\"}]"
    static const struct {
        const char *more, *reply;
    } cases[] = {
        { "", "{\"meta\":" COLUMNS ",\"data\":[[\"Recife\",2]],\"rows\":1,\"next_page_token\":null}" },
        { ",\"format\":\"json\"",
          "{\"data\":[{\"cidade\":\"Recife\",\"n\":2}],\"meta\":{\"columns\":" COLUMNS "},\"next_page_token\":null}" },
        { ",\"format\":\"json_compact_strings\",\"meta\":false",
          "{\"data\":[[\"Recife\",\"2\"]],\"rows\":1,\"next_page_token\":null}" },
        { ",\"format\":\"jsonl\"", "{\"cidade\":\"Recife\",\"n\":2}\n" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_reply *r = ask(f, arena_printf(f->a, "{" SELECT "%s}", cases[i].more).p);
        EXPECT_EQ(r->status, 200);
        assert_string_equal(without_statistics(f, r), cases[i].reply);
        EXPECT_SLICE(r->content_type, i == 3 ? S("application/x-ndjson") : S("application/json"));
        EXPECT(!fake_reply_header(r, "X-Next-Page-Token").p);
    }
    struct fake_reply *r = ask(f, "{\"select\":[\"id\"]}");
    EXPECT_EQ(datasnap_int(f, r, "statistics.rows_read"), 3);
    EXPECT(datasnap_int(f, r, "statistics.bytes_read") >= 24);
    EXPECT(reply_at(f->a, r, "statistics.elapsed") != NULL);
}

TEST(the_largest_integer_and_sums_of_decimals_are_exact)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    struct fake_reply *r = ask(f, "{\"select\":[\"max(id)\",\"sum(valor)\"],\"meta\":false}");
    assert_non_null(strstr(without_statistics(f, r), "\"data\":[[9223372036854775807,0.3]]"));
}

TEST(text_of_sql_in_names_and_values_is_only_text)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    struct fake_reply *r =
        ask(f, "{\"select\":[\"count(*) as n\"],\"format\":\"json\",\"where\":[{\"field\":\"cidade\",\"op\":\"=\","
               "\"value\":\"d'\\\"água; DROP TABLE x; --\"}]}");
    EXPECT_EQ(datasnap_int(f, r, "data.0.n"), 1);
    r = ask(f, "{\"select\":[\"count(*) as n\"],\"format\":\"json\",\"where\":[{\"field\":\"cidade\",\"op\":\"in\","
               "\"value\":[\"' OR 1=1 --\",\"\\\\\"]}]}");
    EXPECT_EQ(datasnap_int(f, r, "data.0.n"), 0);
    expect_error(f, ask(f, "{\"select\":[\"id; DROP TABLE x\"]}"), 422, "select.0");
    expect_error(f, ask(f, "{\"select\":[\"id\"],\"where\":[{\"field\":\"1=1 OR id\",\"op\":\"=\",\"value\":1}]}"), 422,
                 "where.0.field");
    EXPECT_EQ(ask(f, "{\"select\":[\"id\"]}")->status, 200);
}

TEST(a_table_without_rows_has_none_and_a_schema_without_fields_has_no_table)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    datasnap_schema(f, "vazio", "\"fields\":{}");
    struct fake_reply *r = ask(f, "{\"select\":[\"id\"]}");
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(reply_count(f->a, r, "data"), 0);
    r = ask(f, "{\"select\":[\"count(*) as n\",\"sum(id) as s\"],\"format\":\"json\"}");
    EXPECT_EQ(datasnap_int(f, r, "data.0.n"), 0);
    EXPECT(json_is(reply_at(f->a, r, "data.0.s"), JS_NULL));
    expect_error(f, datasnap_send(f, DS_READER, "POST /v1/schemas/vazio/query", "{\"select\":[\"id\"]}"), 400, NULL);
}

/* ---- pages ---- */

static const char *page_of(struct datasnap_fixture *f, slice token)
{
    const char *more = token.n ? arena_printf(f->a, ",\"page_token\":\"" SLICE_FMT "\"", SLICE_ARG(token)).p : "";
    return arena_printf(f->a, "{\"select\":[\"id\"],\"format\":\"json\",\"limit\":7%s}", more).p;
}

TEST(pages_neither_repeat_nor_leave_out_rows_while_files_come)
{
    DATASNAP_FIXTURE(f);
    struct buf lines;
    buf_init(&lines, 0);
    for (int i = 0; i < 50; i++)
        buf_printf(&lines, "{\"id\":%d}\n", i);
    buf_add_byte(&lines, 0);
    struct dataset d = with_rows(f, lines.p);
    slice token = S("");
    for (int next = 0; next < 50;) {
        struct fake_reply *r = ask(f, page_of(f, token));
        EXPECT_EQ(r->status, 200);
        JSON_EACH(row, reply_at(f->a, r, "data"))
            EXPECT_EQ(json_get(row, "id")->integer, next++);
        bool is_last = next == 50;
        EXPECT_EQ(json_is(reply_at(f->a, r, "next_page_token"), JS_NULL), is_last);
        token = is_last ? token : datasnap_str(f, r, "next_page_token");
        datasnap_file(f, &d, "b.jsonl", arena_printf(f->a, "{\"id\":%d}", 1000 + next));
        world_run_jobs(f->w);
    }
    EXPECT_EQ(datasnap_int(f, ask(f, "{\"select\":[\"count(*) as n\"],\"format\":\"json\"}"), "data.0.n"), 58);
    buf_release(&lines);
}

TEST(a_page_token_is_for_one_query_of_one_schema)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    datasnap_schema(f, "outra", VENDAS);
    struct fake_reply *r = ask(f, "{\"select\":[\"id\"],\"limit\":1,\"format\":\"jsonl\"}");
    slice token = fake_reply_header(r, "X-Next-Page-Token");
    EXPECT(token.n > 0);
    EXPECT_EQ(ask(f, arena_printf(f->a, "{\"select\":[\"id\"],\"page_token\":\"" SLICE_FMT "\"}", SLICE_ARG(token)).p)
                  ->status,
              200);
    const char *const wrong[] = {
        arena_printf(f->a, "{\"select\":[\"cidade\"],\"page_token\":\"" SLICE_FMT "\"}", SLICE_ARG(token)).p,
        arena_printf(f->a, "{\"select\":[\"id\"],\"page_token\":\"x" SLICE_FMT "\"}", SLICE_ARG(token)).p,
        "{\"select\":[\"id\"],\"page_token\":\"\"}",
        "{\"select\":[\"id\"],\"page_token\":\"%\"}",
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_error(f, ask(f, wrong[i]), 422, "page_token");
    const char *body = page_of(f, token);
    expect_error(f, datasnap_send(f, DS_READER, "POST /v1/schemas/outra/query", body), 422, "page_token");
    expect_error(f,
                 ask(f, arena_printf(f->a, "{\"select\":[\"id\"],\"offset\":1,\"page_token\":\"" SLICE_FMT "\"}",
                                     SLICE_ARG(token))
                            .p),
                 422, "offset");
}

/* ---- refusals ---- */

TEST(a_refused_query_has_its_status_and_names_what_is_wrong)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    static const struct {
        const char *body;
        int status;
        const char *field;
    } cases[] = {
        { "{", 400, NULL },
        { "[]", 400, NULL },
        { "{\"select\":[\"id\"],\"select\":[\"id\"]}", 400, NULL },
        { "", 422, "select" },
        { "{\"select\":[\"*\"]}", 422, "select.0" },
        { "{\"select\":[\"nada\"]}", 422, "select.0" },
        { "{\"select\":[\"id\",\"count(*)\"]}", 422, "select.0" },
        { "{\"select\":[\"id\"],\"limit\":10001}", 422, "limit" },
        { "{\"select\":[\"id\"],\"where\":[{\"field\":\"id\",\"op\":\"=>\",\"value\":1}]}", 422, "where.0.op" },
        { "{\"select\":[\"id\"],\"format\":\"xml\"}", 422, "format" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        expect_error(f, ask(f, cases[i].body), cases[i].status, cases[i].field);
    const char *body = "{\"select\":[\"id\"]}";
    expect_error(f, datasnap_send(f, DS_NOBODY, QUERY, body), 401, NULL);
    expect_error(f, datasnap_send(f, DS_OTHER, QUERY, body), 404, NULL);
    expect_error(f, datasnap_send(f, DS_READER, "POST /v1/schemas/nada/query", body), 404, NULL);
    EXPECT_EQ(datasnap_send(f, DS_READER, "POST /api/v1/schemas/vendas/query", body)->status, 200);
    char *large = memset(arena_alloc(f->a, ((size_t)1 << 20) + 100), ' ', ((size_t)1 << 20) + 99);
    large[((size_t)1 << 20) + 99] = 0;
    expect_error(f, ask(f, large), 413, NULL);
}

TEST(a_result_that_does_not_fit_its_type_is_refused)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, "{\"id\":9223372036854775807}\n{\"id\":1}\n");
    expect_error(f, ask(f, "{\"select\":[\"sum(id)\"]}"), 422, "query");
}

static enum err_code failure;

static err_t failing_query(struct dataset_store *store, int64_t dataset_id, const struct row_query *q, int64_t limit_ms,
                           struct arena *a, struct dataset_cursor **ret)
{
    (void)store, (void)dataset_id, (void)q, (void)ret;
    EXPECT_EQ(limit_ms, 30000);
    return err_make(a, failure, "the query failed");
}

TEST(what_ends_a_query_in_the_store_has_its_status)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    static const struct {
        enum err_code code;
        int status;
        const char *field;
    } cases[] = { { ERR_EXPIRED, 408, NULL },
                  { ERR_TOO_LARGE, 422, "query" },
                  { ERR_UNAVAILABLE, 503, NULL },
                  { ERR_NO_SPACE, 503, NULL },
                  { ERR_CORRUPT, 500, NULL } };
    struct dataset_ops ops = *f->w->core.datasets->ops;
    const struct dataset_ops *real = f->w->core.datasets->ops;
    ops.query = failing_query;
    f->w->core.datasets->ops = &ops;
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        failure = cases[i].code;
        expect_error(f, ask(f, "{\"select\":[\"id\"]}"), cases[i].status, cases[i].field);
        expect_error(f, ask(f, "{\"select\":[\"id\"],\"format\":\"jsonl\"}"), cases[i].status, cases[i].field);
    }
    f->w->core.datasets->ops = real;
    EXPECT_EQ(ask(f, "{\"select\":[\"id\"]}")->status, 200);
}

TEST(a_server_without_a_store_for_rows_says_so)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    struct dataset_store *store = f->w->core.datasets;
    f->w->core.datasets = NULL;
    expect_error(f, ask(f, "{\"select\":[\"id\"]}"), 501, NULL);
    expect_error(f, datasnap_send(f, DS_ADMIN, "POST /v1/schemas", "{\"name\":\"n\"}"), 501, NULL);
    EXPECT_EQ(datasnap_send(f, DS_READER, "GET /v1/schemas", NULL)->status, 200);
    f->w->core.datasets = store;
}

TEST(an_account_may_ask_fifty_times_a_minute)
{
    DATASNAP_FIXTURE(f);
    with_rows(f, THREE);
    const char *body = "{\"select\":[\"id\"]}";
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(datasnap_send(f, i % 2 ? DS_READER : DS_WRITER, QUERY, body)->status, 200);
    struct fake_reply *r = ask(f, body);
    expect_error(f, r, 429, NULL);
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("51"));
    EXPECT_SLICE(datasnap_str(f, r, "limit_type"), S("rate_limit"));
    EXPECT_EQ(datasnap_int(f, r, "retry_after"), 51);
    EXPECT_EQ(datasnap_int(f, r, "limit"), 50);
    EXPECT_EQ(datasnap_int(f, r, "current_usage"), 51);
    EXPECT_EQ(datasnap_send(f, DS_OTHER, QUERY, body)->status, 404); /* counted apart */
    world_wait(f->w, minutes(1));
    EXPECT_EQ(ask(f, body)->status, 200);
}

RUN_TESTS(cmocka_unit_test(a_query_is_answered_in_the_form_that_it_asks_for),
          cmocka_unit_test(the_largest_integer_and_sums_of_decimals_are_exact),
          cmocka_unit_test(text_of_sql_in_names_and_values_is_only_text),
          cmocka_unit_test(a_table_without_rows_has_none_and_a_schema_without_fields_has_no_table),
          cmocka_unit_test(pages_neither_repeat_nor_leave_out_rows_while_files_come),
          cmocka_unit_test(a_page_token_is_for_one_query_of_one_schema),
          cmocka_unit_test(a_refused_query_has_its_status_and_names_what_is_wrong),
          cmocka_unit_test(a_result_that_does_not_fit_its_type_is_refused),
          cmocka_unit_test(what_ends_a_query_in_the_store_has_its_status),
          cmocka_unit_test(a_server_without_a_store_for_rows_says_so),
          cmocka_unit_test(an_account_may_ask_fifty_times_a_minute))

/* SPDX-License-Identifier: Apache-2.0 */
/* The files of schemas in the DataSnap API, docs/apis/datasnap.md §6. */
#include "datasnap_fixture.h"
#include "test.h"

#include "core/dataset/dataset_file.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VENDAS "\"fields\":{\"id\":\"integer\",\"produto\":\"string\",\"idade\":\"UInt32\"},\"required\":[\"id\"]"
#define MANUAL VENDAS ",\"processing\":\"manual\""
#define FILES "/v1/schemas/vendas/files"

static struct fake_reply *list(struct datasnap_fixture *f, const char *query)
{
    return datasnap_sendf(f, DS_READER, NULL, "GET " FILES "%s", query);
}

static slice ids_of(struct datasnap_fixture *f, const struct fake_reply *r, const char *array)
{
    SCOPED(buf_releasep) struct buf ids;
    buf_init(&ids, 0);
    JSON_EACH(item, reply_at(f->a, r, array))
        buf_printf(&ids, "%lld ", (long long)json_get(item, "id")->integer);
    return arena_copy(f->a, slice_trim(buf_slice(&ids)));
}

static void expect_fields(struct datasnap_fixture *f, const struct fake_reply *r, const char *field)
{
    if (r->status != 422)
        fail_msg("%d: %.*s", r->status, SLICE_ARG(r->body));
    EXPECT(json_is(json_get(reply_at(f->a, r, "errors"), field), JS_ARRAY));
    EXPECT_SLICE(datasnap_str(f, r, "message"), datasnap_str(f, r, "error"));
}

/* ---- §6.1: one file ---- */

TEST(a_file_is_shown_before_and_after_it_was_read)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    int64_t id = datasnap_file(f, &d, "a/dados.jsonl", S("{\"id\":1}\n{\"id\":2}\n"));
#define HEAD                                                                                                           \
    "{\"id\":1,\"file_name\":\"a/dados.jsonl\",\"size_bytes\":18,\"md5\":\"" SLICE_FMT                                 \
    "\",\"schema_slug\":\"vendas\",\"schema_version\":\"1.0.0\","
    struct fake_reply *r = datasnap_sendf(f, DS_READER, NULL, "GET " FILES "/%lld", (long long)id);
    EXPECT_EQ(r->status, 200);
    slice md5 = datasnap_str(f, r, "md5");
    EXPECT_EQ(md5.n, 32);
    EXPECT_SLICE(r->body, arena_printf(f->a,
                                       HEAD "\"validation\":\"pending\",\"errors\":[],\"duplicate\":false,"
                                            "\"upload_status\":\"completed\",\"processing_status\":\"pending\","
                                            "\"rows\":null,\"upload_token_id\":null,"
                                            "\"created_at\":\"2026-11-21T14:04:09.000000Z\",\"processed_at\":null}",
                                       SLICE_ARG(md5)));
    world_wait(f->w, 1234);
    world_run_jobs(f->w);
    r = datasnap_sendf(f, DS_READER, NULL, "GET " FILES "/%lld", (long long)id);
    EXPECT_SLICE(r->body, arena_printf(f->a,
                                       HEAD "\"validation\":\"ok\",\"errors\":[],\"duplicate\":false,"
                                            "\"upload_status\":\"completed\",\"processing_status\":\"completed\","
                                            "\"rows\":2,\"upload_token_id\":null,"
                                            "\"created_at\":\"2026-11-21T14:04:09.000000Z\","
                                            "\"processed_at\":\"2026-11-21T14:04:10.234000Z\"}",
                                       SLICE_ARG(md5)));
#undef HEAD
}

TEST(a_failed_file_names_its_lines)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    datasnap_file(f, &d, "ruim.jsonl", S("{\"id\":1}\n{\"id\":2,\"idade\":\"x\"}\n[1]\n{}\n"));
    datasnap_file(f, &d, "ruim.csv", S("id\n1\n"));
    world_run_jobs(f->w);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET " FILES "/1", NULL);
    EXPECT_SLICE(datasnap_str(f, r, "validation"), S("error"));
    EXPECT_SLICE(datasnap_str(f, r, "processing_status"), S("failed"));
    EXPECT_EQ(datasnap_int(f, r, "rows"), 0);
    EXPECT_EQ(reply_count(f->a, r, "errors"), 3);
    EXPECT_SLICE(datasnap_str(f, r, "errors.0"), S("Linha 2: campo 'idade' espera UInt32"));
    EXPECT_SLICE(datasnap_str(f, r, "errors.1"), S("A linha 3 do arquivo não é um JSON válido. O arquivo deve estar no "
                                                   "formato JSONL (um objeto JSON por linha)."));
    r = datasnap_send(f, DS_READER, "GET " FILES "/2", NULL);
    EXPECT_EQ(reply_count(f->a, r, "errors"), 1);
    EXPECT_SLICE(datasnap_str(f, r, "processing_status"), S("failed"));
}

TEST(a_file_with_the_bytes_of_another_is_a_duplicate_of_it)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    datasnap_file(f, &d, "um.jsonl", S("{\"id\":1}\n"));
    datasnap_file(f, &d, "dois.jsonl", S("{\"id\":1}\n"));
    world_run_jobs(f->w);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET " FILES "/2", NULL);
    EXPECT(reply_bool(f->a, r, "duplicate"));
    EXPECT_EQ(datasnap_int(f, r, "duplicate_of"), 1);
    EXPECT_EQ(datasnap_int(f, r, "rows"), 0);
    EXPECT_SLICE(datasnap_str(f, r, "validation"), S("ok"));
    EXPECT_SLICE(datasnap_str(f, r, "processing_status"), S("completed"));
    EXPECT_SLICE(datasnap_str(f, r, "errors.0"), S("Arquivo já foi enviado anteriormente."));
    r = datasnap_send(f, DS_READER, "GET " FILES "/1", NULL);
    EXPECT(!reply_bool(f->a, r, "duplicate"));
    EXPECT(!reply_at(f->a, r, "duplicate_of"));
}

static err_t apply_failed(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct dataset_file file;
    TRY(meta_dataset_file_get(tx, *(const int64_t *)arg, a, &file));
    file.state = DATASET_FILE_FAILED;
    return meta_dataset_file_finish(tx, &file, a);
}

TEST(a_file_that_the_server_could_not_read_says_so)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", MANUAL);
    int64_t id = datasnap_file(f, &d, "a.jsonl", S("{\"id\":1}\n"));
    world_write(f->w, apply_failed, &id);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET " FILES "/1", NULL);
    EXPECT_EQ(reply_count(f->a, r, "errors"), 1);
    EXPECT_SLICE(datasnap_str(f, r, "errors.0"),
                 S("A leitura do arquivo falhou por um motivo interno. Envie o arquivo novamente."));
}

TEST(a_removed_file_is_gone_and_its_rows_stay)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    datasnap_schema(f, "outra", VENDAS);
    int64_t id = datasnap_file(f, &d, "um.jsonl", S("{\"id\":1}\n"));
    world_run_jobs(f->w);
    EXPECT_EQ(datasnap_send(f, DS_READER, "DELETE " FILES "/1", NULL)->status, 403);
    EXPECT_EQ(datasnap_send(f, DS_OTHER, "DELETE " FILES "/1", NULL)->status, 404);
    EXPECT_EQ(datasnap_send(f, DS_WRITER, "DELETE /v1/schemas/outra/files/1", NULL)->status, 404);
    EXPECT_EQ(datasnap_send(f, DS_READER, "GET /v1/schemas/outra/files/1", NULL)->status, 404);
    EXPECT_EQ(datasnap_send(f, DS_WRITER, "DELETE " FILES "/1", NULL)->status, 204);
    static const char *const requests[] = { "DELETE " FILES "/1", "GET " FILES "/1", "GET " FILES "/x" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        struct fake_reply *r = datasnap_send(f, DS_WRITER, requests[i], NULL);
        EXPECT_EQ(r->status, 404);
        EXPECT_SLICE(datasnap_str(f, r, "message"), S("Arquivo não encontrado."));
    }
    EXPECT_EQ(datasnap_int(f, list(f, ""), "total"), 0);
    bool has;
    uint64_t rows;
    struct dataset_store *store = f->w->core.datasets;
    EXPECT_OK(store->ops->has_file(store, d.id, id, f->a, &has, &rows));
    EXPECT(has && rows == 1);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- §6.1: listing ---- */

static struct dataset three_files(struct datasnap_fixture *f)
{
    struct dataset d = datasnap_schema(f, "vendas", MANUAL);
    datasnap_file(f, &d, "Beta.jsonl", S("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n"));
    world_wait(f->w, hours(24));
    datasnap_file(f, &d, "alfa.jsonl", S("{\"id\":1}\n"));
    world_wait(f->w, hours(24));
    datasnap_file(f, &d, "gama.jsonl", S("{\"id\":1}\n{\"id\":2}\n"));
    return d;
}

TEST(a_listing_sorts_and_filters)
{
    DATASNAP_FIXTURE(f);
    three_files(f);
    static const struct {
        const char *query, *ids;
    } cases[] = {
        { "", "3 2 1" },
        { "?sort_direction=asc", "1 2 3" },
        { "?sort_by=size_bytes", "1 3 2" },
        { "?sort_by=size_bytes&sort_direction=ASC", "2 3 1" },
        { "?sort_by=file_name&sort_direction=asc", "1 2 3" }, /* by bytes */
        { "?sort_by=created_at", "3 2 1" },
        { "?search=ETA", "1" },
        { "?search=.jsonl", "3 2 1" },
        { "?search=%25", "" },
        { "?search=", "3 2 1" },
        { "?processing_status=pending", "3 2 1" },
        { "?processing_status=completed", "" },
        { "?date_from=2026-11-22", "3 2" },
        { "?date_to=2026-11-22", "2 1" },
        { "?date_from=2026-11-22&date_to=2026-11-22", "2" },
        { "?date_from=2026-11-23&date_to=2026-11-22", "" },
        { "?date_to=1969-01-01", "" },
        { "?per_page=2", "3 2" },
        { "?per_page=2&page=2", "1" },
        { "?per_page=2&page=3", "" },
        { "?per_page=100&unknown=1", "3 2 1" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice ids = ids_of(f, list(f, cases[i].query), "data");
        if (!slice_eq(ids, slice_of(cases[i].ids)))
            fail_msg("%s gave %.*s", cases[i].query, SLICE_ARG(ids));
    }
}

TEST(a_listing_counts_its_pages)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vazio", VENDAS);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET /v1/schemas/vazio/files", NULL);
    EXPECT_SLICE(r->body, S("{\"data\":[],\"current_page\":1,\"per_page\":15,\"last_page\":1,\"total\":0,"
                            "\"from\":null,\"to\":null}"));
    three_files(f);
    static const struct {
        const char *query;
        int page, per_page, last_page, total, from, to;
    } cases[] = { { "", 1, 15, 1, 3, 1, 3 },
                  { "?per_page=1&page=2", 2, 1, 3, 3, 2, 2 },
                  { "?per_page=2&page=2", 2, 2, 2, 3, 3, 3 },
                  { "?per_page=3", 1, 3, 1, 3, 1, 3 },
                  { "?per_page=1&search=gama", 1, 1, 1, 1, 1, 1 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        r = list(f, cases[i].query);
        EXPECT_EQ(datasnap_int(f, r, "current_page"), cases[i].page);
        EXPECT_EQ(datasnap_int(f, r, "per_page"), cases[i].per_page);
        EXPECT_EQ(datasnap_int(f, r, "last_page"), cases[i].last_page);
        EXPECT_EQ(datasnap_int(f, r, "total"), cases[i].total);
        EXPECT_EQ(datasnap_int(f, r, "from"), cases[i].from);
        EXPECT_EQ(datasnap_int(f, r, "to"), cases[i].to);
    }
    EXPECT(json_is(reply_at(f->a, list(f, "?page=9"), "from"), JS_NULL));
}

TEST(a_queued_file_is_still_pending)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    datasnap_file(f, &d, "a.jsonl", S("{\"id\":1}\n"));
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=pending"), "data"), S("1"));
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=processing"), "data"), S(""));
    world_run_jobs(f->w);
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=completed"), "data"), S("1"));
    datasnap_file(f, &d, "b.jsonl", S("x\n"));
    world_run_jobs(f->w);
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=failed"), "data"), S("2"));
}

TEST(wrong_parameters_are_named)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    static const char *const wrong[] = {
        "page=0",
        "page=x",
        "page=1.5",
        "page=1000001",
        "per_page=0",
        "per_page=101",
        "date_from=today",
        "date_to=x",
        "sort_by=id",
        "sort_direction=up",
        "processing_status=x",
        "date_to=2026-02-30",
        "search=%FF",
        "date_from=2026-1-1",
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        slice name, value;
        slice_cut(slice_of(wrong[i]), '=', &name, &value);
        expect_fields(f, datasnap_sendf(f, DS_READER, NULL, "GET " FILES "?%s", wrong[i]), arena_cstr(f->a, name));
    }
    struct fake_reply *r = list(f, "?page=0&sort_by=x");
    EXPECT_EQ(json_count(reply_at(f->a, r, "errors")), 2);
    EXPECT_EQ(list(f, "?page=%zz")->status, 400);
    EXPECT_EQ(datasnap_send(f, DS_READER, "GET /v1/schemas/nada/files", NULL)->status, 404);
    EXPECT_EQ(datasnap_send(f, DS_OTHER, "GET " FILES, NULL)->status, 404);
}

TEST(the_newest_uploads_are_an_array)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = three_files(f);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET /v1/schemas/vendas/uploads", NULL);
    EXPECT_SLICE(ids_of(f, r, ""), S("3 2 1"));
    r = datasnap_send(f, DS_READER, "GET /v1/schemas/vendas/uploads?limit=2", NULL);
    EXPECT_SLICE(ids_of(f, r, ""), S("3 2"));
    for (int i = 0; i < 10; i++)
        datasnap_file(f, &d, "x.jsonl", S("{\"id\":1}\n"));
    EXPECT_EQ(reply_count(f->a, datasnap_send(f, DS_READER, "GET /v1/schemas/vendas/uploads", NULL), ""), 10);
    static const char *const wrong[] = { "0", "101", "x", "-1" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_fields(f, datasnap_sendf(f, DS_READER, NULL, "GET /v1/schemas/vendas/uploads?limit=%s", wrong[i]),
                      "limit");
}

static size_t count_of(struct datasnap_fixture *f, const struct fake_reply *r, const char *text)
{
    size_t count = 0;
    for (const char *p = arena_cstr(f->a, r->body); (p = strstr(p, text)); p++)
        count++;
    return count;
}

/* A page of files with the most and longest texts goes out in pieces, and little of it is in memory at a time. */
TEST(a_page_of_many_errors_is_sent_in_pieces)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS ",\"strict\":true");
    struct buf bytes;
    buf_init(&bytes, 0);
    for (int i = 0; i < 120; i++)
        buf_printf(&bytes, "{\"id\":1,\"%s%d\":1}\n", arena_printf(f->a, "%0*d", 90, 0).p, i);
    for (int i = 0; i < 100; i++)
        datasnap_file(f, &d, arena_printf(f->a, "%0*d.jsonl", 900, i).p, buf_slice(&bytes));
    buf_release(&bytes);
    world_run_jobs(f->w);
    struct fake_reply *r = list(f, "?per_page=100");
    EXPECT_EQ(count_of(f, r, "\"file_name\""), 100);
    EXPECT_EQ(count_of(f, r, "\"Linha "), 100 * 100);
    EXPECT(slice_ends(r->body, S("\"total\":100,\"from\":1,\"to\":100}")));
    EXPECT(r->pieces > 10);
    EXPECT(r->most_unread < (128 << 10));
}

/* ---- §6.3: processing ---- */

TEST(processing_takes_the_files_that_wait)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", MANUAL);
    struct fake_reply *r = datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", NULL);
    EXPECT_SLICE(r->body, S("{\"ids\":[],\"status\":\"idle\",\"schema\":\"vendas\",\"schema_version\":\"1.0.0\","
                            "\"shape\":\"Standard Processing\",\"executors\":1,\"files_count\":0,"
                            "\"total_size_mb\":0.00}"));
    char *produto = memset(arena_alloc(f->a, 1600000), 'x', 1600000);
    datasnap_file(f, &d, "a.jsonl", arena_printf(f->a, "{\"id\":1,\"produto\":\"%.*s\"}\n", 1600000, produto));
    datasnap_file(f, &d, "b.jsonl", S("{\"id\":1}\n"));
    r = datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", "{\"shape_id\":3,\"executors\":5}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(datasnap_str(f, r, "status"), S("started"));
    EXPECT_EQ(reply_count(f->a, r, "ids"), 1);
    EXPECT_EQ(datasnap_int(f, r, "executors"), 5);
    EXPECT_EQ(datasnap_int(f, r, "files_count"), 2);
    EXPECT(slice_ends(r->body, S("\"total_size_mb\":1.53}")));
    r = datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", "{}");
    EXPECT_SLICE(datasnap_str(f, r, "status"), S("idle"));
    world_run_jobs(f->w);
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=completed"), "data"), S("2 1"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(processing_refuses_what_it_does_not_understand)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", MANUAL);
    static const char *const wrong[] = { "0", "11", "1.5", "\"x\"", "[1]" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        f->datasnap.limits[DATASNAP_PROCESSINGS].limit = 0;
        const char *body = arena_printf(f->a, "{\"executors\":%s}", wrong[i]).p;
        expect_fields(f, datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", body), "executors");
    }
    expect_fields(f, datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", "{\"shape_id\":\"a\"}"),
                  "shape_id");
    EXPECT_EQ(datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", "{")->status, 400);
    EXPECT_EQ(datasnap_send(f, DS_READER, "POST /v1/schemas/vendas/process-files", NULL)->status, 403);
    EXPECT_EQ(datasnap_send(f, DS_OTHER, "POST /v1/schemas/vendas/process-files", NULL)->status, 404);
}

/* ---- §2: rate limits ---- */

static void expect_limited(struct datasnap_fixture *f, const struct fake_reply *r, int limit, const char *retry_after)
{
    EXPECT_EQ(r->status, 429);
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), slice_of(retry_after));
    EXPECT_SLICE(datasnap_str(f, r, "limit_type"), S("rate_limit"));
    EXPECT_EQ(datasnap_int(f, r, "limit"), limit);
    EXPECT_EQ(datasnap_int(f, r, "current_usage"), limit + 1);
    EXPECT_EQ(datasnap_int(f, r, "retry_after"), atoi(retry_after));
    EXPECT_SLICE(datasnap_str(f, r, "message"), datasnap_str(f, r, "error"));
}

TEST(listings_and_processings_are_limited_for_each_account)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(list(f, "")->status, 200);
        EXPECT_EQ(datasnap_send(f, DS_WRITER, "GET /v1/schemas/vendas/uploads", NULL)->status, 200);
    }
    expect_limited(f, list(f, ""), 100, "51");
    EXPECT_EQ(datasnap_send(f, DS_OTHER, "GET " FILES, NULL)->status, 404); /* counted apart */
    EXPECT_EQ(datasnap_send(f, DS_READER, "GET /v1/schemas", NULL)->status, 200);
    world_wait(f->w, minutes(1));
    EXPECT_EQ(list(f, "")->status, 200);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", NULL)->status, 200);
    expect_limited(f, datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/process-files", NULL), 10, "291");
}

TEST(a_limit_of_0_is_none)
{
    struct datasnap_options options = datasnap_fixture_options();
    options.listings_per_minute = 0;
    SCOPED(datasnap_fixture_freep) struct datasnap_fixture *f = datasnap_fixture_new(&options);
    datasnap_schema(f, "vendas", VENDAS);
    for (int i = 0; i < 250; i++)
        EXPECT_EQ(list(f, "")->status, 200);
}

RUN_TESTS(cmocka_unit_test(a_file_is_shown_before_and_after_it_was_read),
          cmocka_unit_test(a_failed_file_names_its_lines),
          cmocka_unit_test(a_file_with_the_bytes_of_another_is_a_duplicate_of_it),
          cmocka_unit_test(a_file_that_the_server_could_not_read_says_so),
          cmocka_unit_test(a_removed_file_is_gone_and_its_rows_stay), cmocka_unit_test(a_listing_sorts_and_filters),
          cmocka_unit_test(a_listing_counts_its_pages), cmocka_unit_test(a_queued_file_is_still_pending),
          cmocka_unit_test(wrong_parameters_are_named), cmocka_unit_test(the_newest_uploads_are_an_array),
          cmocka_unit_test(a_page_of_many_errors_is_sent_in_pieces),
          cmocka_unit_test(processing_takes_the_files_that_wait),
          cmocka_unit_test(processing_refuses_what_it_does_not_understand),
          cmocka_unit_test(listings_and_processings_are_limited_for_each_account),
          cmocka_unit_test(a_limit_of_0_is_none))

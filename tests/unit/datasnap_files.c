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

static err_t apply_running(struct meta_tx *tx, void *arg, struct arena *a)
{
    bool moved;
    struct dataset_file_step step = { *(const int64_t *)arg, DATASET_FILE_PENDING, DATASET_FILE_PENDING,
                                      DATASET_FILE_RUNNING };
    return meta_dataset_file_move(tx, &step, a, &moved);
}

TEST(a_file_that_is_being_read_is_not_removed)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", MANUAL);
    int64_t id = datasnap_file(f, &d, "um.jsonl", S("{\"id\":1}\n"));
    world_write(f->w, apply_running, &id);
    struct fake_reply *r = datasnap_send(f, DS_WRITER, "DELETE " FILES "/1", NULL);
    EXPECT_EQ(r->status, 409);
    EXPECT_SLICE(datasnap_str(f, r, "message"), datasnap_str(f, r, "error"));
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=processing"), "data"), S("1"));
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

/* ---- §6.2: forms ---- */

static int64_t event_count(struct datasnap_fixture *f)
{
    return world_event_count(f->w, S("file.store"));
}

/* Nothing is left of a form: no file, no bytes, and nothing that counts as waiting. */
static void expect_nothing_kept(struct datasnap_fixture *f)
{
    EXPECT_EQ(event_count(f), 0);
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT_EQ(world_blob_count(f->w), 0);
    EXPECT_EQ(f->datasnap.form_files, 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_form_keeps_the_good_files_names_bad_lines_and_finds_duplicates)
{
    DATASNAP_FIXTURE(f);
    struct dataset d = datasnap_schema(f, "vendas", VENDAS);
    int64_t first = datasnap_file(f, &d, "antes.jsonl", S("{\"id\":7}\n"));
    world_run_jobs(f->w);
    struct fake_reply *r = datasnap_send_form(
        f, DS_WRITER, "vendas",
        datasnap_form(f, (const char *const[]){ "ok.jsonl:{\"id\":1}\n{\"id\":2}",
                                                "ruim.jsonl:{\"id\":1}\n\n{\"id\":2}\r\n{\"id\":3}\n[1]\n",
                                                "rep.jsonl:{\"id\":7}\n", "nota.txt:x", NULL }));
    EXPECT_EQ(r->status, 200);
    EXPECT(r->received && r->went_long);
    EXPECT_SLICE(
        r->body,
        S("{\"uploaded\":[{\"id\":2,\"file_name\":\"ok.jsonl\",\"size_bytes\":17,"
          "\"md5\":\"8005bf54e40c1cc3b482c70941b31e17\",\"schema_slug\":\"vendas\",\"schema_version\":\"1.0.0\","
          "\"validation\":\"ok\",\"errors\":[],\"upload_status\":\"pending\"},"
          "{\"file_name\":\"ruim.jsonl\",\"size_bytes\":33,\"md5\":\"e21956c2b50130652acbb5a4c3f8b02e\",\"schema_"
          "slug\":\"vendas\","
          "\"schema_version\":\"1.0.0\",\"validation\":\"error\",\"errors\":[\"A linha 5 do arquivo não é um JSON "
          "válido. O arquivo deve estar no formato JSONL (um objeto JSON por linha).\"]},"
          "{\"id\":1,\"file_name\":\"rep.jsonl\",\"size_bytes\":9,\"md5\":\"5367815e5f69396e3a4aea07249483fa\","
          "\"schema_slug\":\"vendas\","
          "\"schema_version\":\"1.0.0\",\"validation\":\"ok\",\"errors\":[\"Arquivo já foi enviado anteriormente.\"],"
          "\"duplicate\":true,\"upload_status\":\"completed\"},"
          "{\"file_name\":\"nota.txt\",\"size_bytes\":1,\"md5\":\"9dd4e461268c8034f5c8564e155c67a6\",\"schema_slug\":"
          "\"vendas\","
          "\"schema_version\":\"1.0.0\",\"validation\":\"error\",\"errors\":[\"O nome do arquivo deve terminar em "
          ".jsonl ou .ndjson (ou em .jsonl.gz ou .ndjson.gz).\"]}],\"success\":true}"));
    EXPECT_EQ(first, 1);
    EXPECT_EQ(event_count(f), 2);
    EXPECT_EQ(f->datasnap.form_files, 0);
    world_run_jobs(f->w);
    EXPECT_SLICE(ids_of(f, list(f, "?processing_status=completed"), "data"), S("2 1"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(large_files_of_a_form_are_stored_and_read)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    char *text = memset(arena_alloc(f->a, 50000), 'x', 50000);
    const char *const files[] = {
        arena_printf(f->a, "a.jsonl:{\"id\":1,\"produto\":\"%.*s\"}\n{\"id\":2}", 50000, text).p,
        arena_printf(f->a, "b.ndjson:{\"id\":1,\"produto\":\"%.*s\"}\n{}", 50000, text).p,
        arena_printf(f->a, "c.jsonl:{\"id\":3,\"produto\":\"%.*s\"}", 50000, text).p, NULL
    };
    struct fake_reply *r = datasnap_send_form(f, DS_WRITER, "vendas", datasnap_form(f, files));
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(datasnap_int(f, r, "uploaded.0.id"), 1);
    EXPECT_SLICE(datasnap_str(f, r, "uploaded.1.errors.0"), S("Linha 2: campo 'id' é obrigatório"));
    EXPECT_EQ(datasnap_int(f, r, "uploaded.2.id"), 2);
    EXPECT_EQ(world_blob_count(f->w), 2);
    EXPECT_EQ(f->datasnap.form_files, 0);
    world_run_jobs(f->w);
    EXPECT_EQ(datasnap_int(f, datasnap_send(f, DS_READER, "GET " FILES "/1", NULL), "rows"), 2);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(the_same_file_twice_in_a_form_is_read_once)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    slice form = datasnap_form(f, (const char *const[]){ "a.jsonl:{\"id\":1}", "b.jsonl:{\"id\":1}", NULL });
    EXPECT_EQ(datasnap_send_form(f, DS_WRITER, "vendas", form)->status, 200);
    world_run_jobs(f->w);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET " FILES "/2", NULL);
    EXPECT_EQ(datasnap_int(f, r, "duplicate_of"), 1);
    r = datasnap_send_form(f, DS_WRITER, "vendas", form);
    EXPECT_EQ(datasnap_int(f, r, "uploaded.0.id"), 1);
    EXPECT_EQ(datasnap_int(f, r, "uploaded.1.id"), 1);
    EXPECT_EQ(event_count(f), 2);
    EXPECT_EQ(datasnap_send(f, DS_ADMIN, "PUT /v1/schemas/vendas", "{\"dedupe\":\"off\"}")->status, 200);
    r = datasnap_send_form(f, DS_WRITER, "vendas", form);
    EXPECT(datasnap_int(f, r, "uploaded.0.id") > 2);
    EXPECT(!reply_at(f->a, r, "uploaded.0.duplicate"));
}

TEST(a_zipped_file_of_a_form_is_checked_when_it_is_read)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    slice form = datasnap_form(f, (const char *const[]){ "a.jsonl.gz:no gzip", NULL });
    struct fake_reply *r = datasnap_send_form(f, DS_WRITER, "vendas", form);
    EXPECT_SLICE(datasnap_str(f, r, "uploaded.0.validation"), S("pending"));
    world_run_jobs(f->w);
    r = datasnap_send(f, DS_READER, "GET " FILES "/1", NULL);
    EXPECT_SLICE(datasnap_str(f, r, "processing_status"), S("failed"));
}

TEST(nothing_is_kept_of_a_form_that_is_cut_short_or_refused)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    char *large = memset(arena_alloc(f->a, 40001), ' ', 40000);
    large[40000] = 0;
    const char *const files[] = { "a.jsonl:{\"id\":1}", arena_printf(f->a, "b.jsonl:{\"id\":2}%s", large).p, NULL };
    slice form = datasnap_form(f, files);
    struct fake_request cut = { .method = "POST",
                                .target = S(FILES),
                                .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                                .body = slice_part(form, 0, form.n - 200),
                                .token = f->tokens[DS_WRITER] };
    EXPECT_EQ(fake_http_send(&f->http, &cut)->status, 400); /* it has no end */
    expect_nothing_kept(f);
    cut.cut = true;
    EXPECT_EQ(fake_http_send(&f->http, &cut)->status, 400);
    expect_nothing_kept(f);
    EXPECT_EQ(datasnap_send_form(f, DS_READER, "vendas", form)->status, 403);
    EXPECT_EQ(datasnap_send_form(f, DS_OTHER, "vendas", form)->status, 404);
    EXPECT_EQ(datasnap_send_form(f, DS_WRITER, "nada", form)->status, 404);
    expect_nothing_kept(f);
    expect_fields(f, datasnap_send_form(f, DS_WRITER, "vendas", S("--b1--\r\n")), "files");
    slice field = S("--b1\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\ntext\r\n--b1--\r\n");
    expect_fields(f, datasnap_send_form(f, DS_WRITER, "vendas", field), "files");
    expect_fields(f, datasnap_send(f, DS_WRITER, "POST " FILES, "{}"), "files");
    const char *many[102] = { 0 };
    for (int i = 0; i < 101; i++)
        many[i] = arena_printf(f->a, "%d.jsonl:{\"id\":%d}", i, i).p;
    expect_fields(f, datasnap_send_form(f, DS_WRITER, "vendas", datasnap_form(f, many)), "files.100");
    expect_nothing_kept(f);
    many[100] = NULL;
    EXPECT_EQ(reply_count(f->a, datasnap_send_form(f, DS_WRITER, "vendas", datasnap_form(f, many)), "uploaded"), 100);
}

TEST(a_file_above_the_limit_of_forms_is_refused_with_the_sizes)
{
    struct datasnap_options options = datasnap_fixture_options();
    options.max_form_file_bytes = 1 << 20;
    SCOPED(datasnap_fixture_freep) struct datasnap_fixture *f = datasnap_fixture_new(&options);
    datasnap_schema(f, "vendas", VENDAS);
    char *blanks = memset(arena_alloc(f->a, (3 << 20) + 1), ' ', 3 << 20);
    slice form =
        datasnap_form(f, (const char *const[]){ "a.jsonl:{\"id\":1}",
                                                arena_printf(f->a, "b.jsonl:%.*s", (5 << 19) - 200, blanks).p, NULL });
    struct fake_reply *r = datasnap_send_form(f, DS_WRITER, "vendas", form);
    EXPECT_SLICE(r->body, S("{\"message\":\"Arquivo muito grande. Limite máximo: 1MB\","
                            "\"error\":\"Arquivo muito grande. Limite máximo: 1MB\",\"file_size_mb\":3,"
                            "\"max_size_mb\":1}"));
    EXPECT_EQ(r->status, 413);
    expect_nothing_kept(f);
    form = datasnap_form(f, (const char *const[]){ arena_printf(f->a, "b.jsonl:%.*s", 1 << 20, blanks).p, NULL });
    EXPECT_EQ(datasnap_send_form(f, DS_WRITER, "vendas", form)->status, 200);
}

TEST(a_form_beyond_the_files_of_all_forms_is_told_to_come_later)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    f->datasnap.form_files = 255;
    slice form = datasnap_form(f, (const char *const[]){ "a.jsonl:{\"id\":1}", "b.jsonl:{\"id\":2}", NULL });
    struct fake_reply *r = datasnap_send_form(f, DS_WRITER, "vendas", form);
    EXPECT_EQ(r->status, 503);
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("1"));
    EXPECT_EQ(f->datasnap.form_files, 255);
    f->datasnap.form_files = 0;
    expect_nothing_kept(f);
}

TEST(a_form_that_fails_in_a_store_keeps_only_whole_files)
{
    for (int nth = 1, passed = 0; !passed; nth++) {
        DATASNAP_FIXTURE(f);
        datasnap_schema(f, "vendas", VENDAS);
        char *text = memset(arena_alloc(f->a, 20000), 'x', 20000);
        const char *const files[] = { "a.jsonl:{\"id\":1}",
                                      arena_printf(f->a, "b.jsonl:{\"id\":1,\"produto\":\"%.*s\"}", 20000, text).p,
                                      NULL };
        slice form = datasnap_form(f, files);
        f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = datasnap_send_form(f, DS_WRITER, "vendas", form);
        passed = f->w->faults.calls < nth;
        f->w->faults.fail_at = 0;
        EXPECT_EQ(r->status == 200, passed);
        EXPECT_EQ(f->datasnap.form_files, 0);
        world_run_jobs(f->w);
        EXPECT_EQ(datasnap_send_form(f, DS_WRITER, "vendas", form)->status, 200);
        world_run_jobs(f->w);
        struct fake_reply *done = list(f, "?processing_status=completed");
        EXPECT(datasnap_int(f, done, "total") >= 2);
        EXPECT_EQ(world_fsck(f->w, false), 0);
    }
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
          cmocka_unit_test(a_removed_file_is_gone_and_its_rows_stay),
          cmocka_unit_test(a_file_that_is_being_read_is_not_removed), cmocka_unit_test(a_listing_sorts_and_filters),
          cmocka_unit_test(a_listing_counts_its_pages), cmocka_unit_test(a_queued_file_is_still_pending),
          cmocka_unit_test(wrong_parameters_are_named), cmocka_unit_test(the_newest_uploads_are_an_array),
          cmocka_unit_test(a_page_of_many_errors_is_sent_in_pieces),
          cmocka_unit_test(a_form_keeps_the_good_files_names_bad_lines_and_finds_duplicates),
          cmocka_unit_test(large_files_of_a_form_are_stored_and_read),
          cmocka_unit_test(the_same_file_twice_in_a_form_is_read_once),
          cmocka_unit_test(a_zipped_file_of_a_form_is_checked_when_it_is_read),
          cmocka_unit_test(nothing_is_kept_of_a_form_that_is_cut_short_or_refused),
          cmocka_unit_test(a_file_above_the_limit_of_forms_is_refused_with_the_sizes),
          cmocka_unit_test(a_form_beyond_the_files_of_all_forms_is_told_to_come_later),
          cmocka_unit_test(a_form_that_fails_in_a_store_keeps_only_whole_files),
          cmocka_unit_test(processing_takes_the_files_that_wait),
          cmocka_unit_test(processing_refuses_what_it_does_not_understand),
          cmocka_unit_test(listings_and_processings_are_limited_for_each_account),
          cmocka_unit_test(a_limit_of_0_is_none))

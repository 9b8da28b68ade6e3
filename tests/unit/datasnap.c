/* SPDX-License-Identifier: Apache-2.0 */
/* The DataSnap API without its files and queries, docs/apis/datasnap.md §1 to §4 and §8: paths, roles, errors, schemas, tokens. */
#include "datasnap_fixture.h"
#include "error_table_test.h"
#include "test.h"

#include "core/dataset/dataset.h"
#include "core/report/report.h"
#include "core/store/report_store.h"

#include <string.h>

#define VENDAS "\"fields\":{\"id\":\"integer\",\"produto\":\"string\",\"valor\":\"decimal\"},\"required\":[\"id\"]"

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&datasnap_errors);
}

/* ---- §1 and §2: paths, roles and errors ---- */

struct role_row {
    const char *request, *body;
    int success;
    enum datasnap_person least; /* who may do it: this role, and those above it */
};
static const struct role_row role_rows[] = {
    { "GET /v1/schemas", NULL, 200, DS_READER },
    { "POST /v1/schemas", "{\"name\":\"n\"}", 201, DS_ADMIN },
    { "GET /v1/schemas/vendas", NULL, 200, DS_READER },
    { "PUT /v1/schemas/vendas", "{\"name\":\"n\"}", 200, DS_ADMIN },
    { "DELETE /v1/schemas/vendas", NULL, 204, DS_ADMIN },
    { "POST /v1/schemas/vendas/generate-upload-token", "{\"minutes\":15}", 200, DS_WRITER },
    { "GET /v1/upload-tokens/1/validate", NULL, 200, DS_READER },
    { "DELETE /v1/upload-tokens/1", NULL, 204, DS_WRITER },
    { "GET /auth/me", NULL, 200, DS_READER },
    { "GET /me", NULL, 200, DS_READER },
    { "GET /status", NULL, 200, DS_NOBODY },
    { "GET /api/health", NULL, 200, DS_NOBODY },
    { "POST /v1/bridge/healthcheck", "{\"bridge_name\":\"b\",\"event_type\":\"heartbeat\"}", 201, DS_READER },
};

/* Both texts are the same, and the form is JSON (§2). */
static void expect_error(struct datasnap_fixture *f, const struct fake_reply *r, int status, const char *text)
{
    if (r->status != status)
        fail_msg("%d, expected %d: %.*s", r->status, status, SLICE_ARG(r->body));
    EXPECT_SLICE(r->content_type, S("application/json"));
    EXPECT_SLICE(datasnap_str(f, r, "message"), datasnap_str(f, r, "error"));
    if (text)
        EXPECT_SLICE(datasnap_str(f, r, "message"), slice_of(text));
}

static void expect_role(const struct role_row *row, enum datasnap_person who)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    EXPECT_EQ(datasnap_send(f, DS_ADMIN, "POST /v1/schemas/vendas/generate-upload-token", "{\"minutes\":15}")->status,
              200);
    struct fake_reply *r = datasnap_send(f, who, row->request, row->body);
    if (who == DS_NOBODY && row->least > DS_NOBODY)
        expect_error(f, r, 401, "Unauthenticated.");
    else if (who < row->least)
        expect_error(f, r, 403, "Você não tem permissão para executar esta ação.");
    else
        EXPECT_EQ(r->status, row->success);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(every_request_for_every_role_has_its_status)
{
    for (size_t i = 0; i < LENGTH_OF(role_rows); i++)
        for (int who = DS_NOBODY; who <= DS_ADMIN; who++)
            expect_role(&role_rows[i], who);
}

TEST(every_route_answers_under_both_of_its_prefixes)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    static const char *const versioned[] = { "/v1", "/api/v1" }, *const unversioned[] = { "", "/api" };
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(datasnap_int(f, datasnap_sendf(f, DS_READER, NULL, "GET %s/schemas", versioned[i]), "data.0.id"), 1);
        EXPECT_EQ(datasnap_sendf(f, DS_READER, NULL, "GET %s/schemas/vendas", versioned[i])->status, 200);
        EXPECT_EQ(datasnap_sendf(f, DS_READER, NULL, "GET %s/auth/me", unversioned[i])->status, 200);
        EXPECT_EQ(datasnap_sendf(f, DS_READER, NULL, "GET %s/me", unversioned[i])->status, 200);
        EXPECT_EQ(datasnap_sendf(f, DS_NOBODY, NULL, "GET %s/status", unversioned[i])->status, 200);
    }
    for (size_t i = 0; i < f->http_api.route_count; i++) {
        const struct http_route *r = &f->http_api.routes[i];
        bool is_versioned = strstr(r->pattern, "/v1/") != NULL;
        size_t twins = 0;
        for (size_t k = 0; k < f->http_api.route_count; k++)
            twins += f->http_api.routes[k].handle == r->handle && !strcmp(f->http_api.routes[k].method, r->method) &&
                     (strstr(f->http_api.routes[k].pattern, "/v1/") != NULL) == is_versioned;
        EXPECT(twins >= 2 || !strcmp(r->pattern, "/api/health"));
    }
}

TEST(what_another_account_has_looks_as_if_it_did_not_exist)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/generate-upload-token", "{\"minutes\":15}");
    struct fake_reply *r = datasnap_send(f, DS_OTHER, "GET /v1/schemas", NULL);
    EXPECT_SLICE(r->body, S("{\"data\":[]}"));
    static const char *const schema[] = { "GET /v1/schemas/vendas", "PUT /v1/schemas/vendas",
                                          "DELETE /v1/schemas/vendas",
                                          "POST /v1/schemas/vendas/generate-upload-token" };
    for (size_t i = 0; i < LENGTH_OF(schema); i++) {
        r = datasnap_send(f, DS_OTHER, schema[i], strstr(schema[i], "GET") ? NULL : "{\"minutes\":1}");
        expect_error(f, r, 404, "Schema não encontrado.");
    }
    r = datasnap_send(f, DS_OTHER, "GET /v1/upload-tokens/1/validate", NULL);
    expect_error(f, r, 404, "Token de upload não encontrado.");
    expect_error(f, datasnap_send(f, DS_OTHER, "DELETE /v1/upload-tokens/1", NULL), 404, NULL);
    static const char *const none[] = { "0", "-1", "x", "1x", "99999999999999999999" };
    for (size_t i = 0; i < LENGTH_OF(none); i++)
        expect_error(f, datasnap_sendf(f, DS_ADMIN, NULL, "GET /v1/upload-tokens/%s/validate", none[i]), 404, NULL);
    EXPECT_EQ(datasnap_send(f, DS_READER, "GET /v1/upload-tokens/1/validate", NULL)->status, 200);
}

TEST(unknown_paths_methods_and_bodies_are_refused_in_the_form_of_the_api)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    expect_error(f, datasnap_send(f, DS_ADMIN, "GET /v1/nothing", NULL), 404, "Recurso não encontrado.");
    expect_error(f, datasnap_send(f, DS_ADMIN, "PATCH /v1/schemas", "{}"), 405, "Método não permitido.");
    expect_error(f, datasnap_send(f, DS_ADMIN, "DELETE /api/v1/schemas", NULL), 405, NULL);
    static const char *const broken[] = { "{", "[1]", "\"a\"", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "1" };
    for (size_t i = 0; i < LENGTH_OF(broken); i++) {
        struct fake_reply *r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas", broken[i]);
        expect_error(f, r, 400, "O corpo da requisição não é um JSON válido.");
        r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas/vendas/generate-upload-token", broken[i]);
        expect_error(f, r, 400, NULL);
    }
    static const char *const wrong[] = { "", "Basic YTpi", "Bearer", "Bearer x", "Bearer a b" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_request q = { .target = S("/auth/me"), .headers = { { S("Authorization"), slice_of(wrong[i]) } } };
        expect_error(f, fake_http_send(&f->http, &q), 401, "Unauthenticated.");
    }
}

TEST(a_token_of_this_api_claims_the_path_that_others_have_too)
{
    DATASNAP_FIXTURE(f);
    struct http_header header = { S("Authorization"), S("") };
    struct http_request request = { .headers = &header, .header_count = 1 };
    header.value = arena_printf(f->a, "Bearer " SLICE_FMT, SLICE_ARG(f->tokens[DS_READER]));
    EXPECT(f->http_api.claims(&f->http_api, &request));
    header.value = arena_printf(f->a, "Bearer " SLICE_FMT, SLICE_ARG(world_key(f->w, S("ana"), S("native"))));
    EXPECT(!f->http_api.claims(&f->http_api, &request));
    header.value = S("Bearer x");
    EXPECT(!f->http_api.claims(&f->http_api, &request));
    header.value = S("Basic YTpi");
    EXPECT(!f->http_api.claims(&f->http_api, &request));
}

TEST(me_names_the_user_and_the_tenant)
{
    DATASNAP_FIXTURE(f);
    struct fake_reply *r = datasnap_send(f, DS_OTHER, "GET /auth/me", NULL);
    EXPECT_SLICE(datasnap_str(f, r, "name"), S("olga"));
    EXPECT_SLICE(datasnap_str(f, r, "tenant.name"), S("other"));
    EXPECT(datasnap_int(f, r, "id") > 0 && datasnap_int(f, r, "tenant.id") > 0);
    EXPECT_SLICE(datasnap_str(f, r, "email"), S(""));
    EXPECT_SLICE(datasnap_send(f, DS_NOBODY, "GET /api/status", NULL)->body, S("{\"status\":\"ok\"}"));
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("olga"), USER_DISABLED, f->a));
    expect_error(f, datasnap_send(f, DS_OTHER, "GET /auth/me", NULL), 401, "Unauthenticated.");
}

/* ---- §3: schemas ---- */

TEST(a_schema_is_shown_with_its_fields_and_settings)
{
    DATASNAP_FIXTURE(f);
    struct fake_reply *r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas",
                                         "{\"name\":\"Vendas 2026\"," VENDAS ",\"strict\":true,\"dedupe\":\"off\","
                                         "\"processing\":\"by_volume\",\"volume_bytes\":\"1000\",\"unknown\":1}");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(r->body, S("{\"id\":1,\"slug\":\"vendas-2026\",\"name\":\"Vendas 2026\",\"version\":\"1.0.0\","
                            "\"fields\":{\"id\":\"integer\",\"produto\":\"string\",\"valor\":\"decimal\"},"
                            "\"required\":[\"id\"],\"strict\":true,\"dedupe\":\"off\",\"processing\":\"by_volume\","
                            "\"volume_bytes\":1000,\"created_at\":\"2026-11-21T14:04:09.000000Z\","
                            "\"updated_at\":\"2026-11-21T14:04:09.000000Z\"}"));
    struct fake_reply *one = datasnap_send(f, DS_READER, "GET /v1/schemas/vendas-2026", NULL);
    EXPECT_SLICE(one->body, r->body);
    struct fake_reply *list = datasnap_send(f, DS_READER, "GET /v1/schemas", NULL);
    EXPECT_SLICE(list->body, arena_printf(f->a, "{\"data\":[" SLICE_FMT "]}", SLICE_ARG(r->body)));
}

TEST(a_schema_may_be_wrapped_or_inferred_from_a_sample)
{
    DATASNAP_FIXTURE(f);
    struct fake_reply *r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas",
                                         "{\"schema\":{\"name\":\"vendas\",\"version\":\"2.1.0\","
                                         "\"fields\":{\"id\":\"UInt32\",\"quando\":\"datetime\"}}}");
    EXPECT_SLICE(datasnap_str(f, r, "version"), S("2.1.0"));
    EXPECT_SLICE(datasnap_str(f, r, "fields.id"), S("UInt32"));
    r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas",
                      "{\"name\":\"X\",\"sample\":{\"n\":1,\"v\":1.5,\"s\":\"a\",\"b\":true,\"o\":{\"a\":1}}}");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(datasnap_str(f, r, "fields.n"), S("integer"));
    EXPECT_SLICE(datasnap_str(f, r, "fields.s"), S("string"));
    EXPECT_SLICE(datasnap_str(f, r, "fields.b"), S("boolean"));
    EXPECT_SLICE(datasnap_str(f, r, "fields.o"), S("json"));
}

TEST(what_is_wrong_with_a_schema_is_named_by_its_field)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    static const struct {
        const char *body, *field;
    } cases[] = {
        { "{}", "name" },
        { "{\"name\":1}", "name" },
        { "{\"name\":\"a\",\"slug\":\"A\"}", "slug" },
        { "{\"name\":\"a\",\"slug\":\"-a\"}", "slug" },
        { "{\"name\":\"Vendas\"}", "slug" }, /* taken */
        { "{\"name\":\"a\",\"version\":\"1\"}", "version" },
        { "{\"name\":\"a\",\"fields\":[]}", "fields" },
        { "{\"name\":\"a\",\"fields\":{\"a\":\"blob\"}}", "fields.a" },
        { "{\"name\":\"a\",\"fields\":{\"1a\":\"text\"}}", "fields" },
        { "{\"name\":\"a\",\"fields\":{\"a\":\"text\"},\"required\":[\"a\",\"b\"]}", "required.1" },
        { "{\"name\":\"a\",\"required\":\"a\"}", "required" },
        { "{\"name\":\"a\",\"strict\":1}", "strict" },
        { "{\"name\":\"a\",\"dedupe\":\"sha\"}", "dedupe" },
        { "{\"name\":\"a\",\"processing\":\"later\"}", "processing" },
        { "{\"name\":\"a\",\"processing\":\"scheduled\"}", "schedule" },
        { "{\"name\":\"a\",\"processing\":\"by_volume\",\"volume_bytes\":0}", "volume_bytes" },
        { "{\"name\":\"a\",\"sample\":3}", "sample" },
        { "{\"name\":\"a\",\"sample\":{\"1a\":3}}", "sample.1a" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_reply *r = datasnap_send(f, DS_ADMIN, "POST /v1/schemas", cases[i].body);
        expect_error(f, r, 422, NULL);
        const struct json *errors = reply_at(f->a, r, "errors"), *texts = json_get(errors, cases[i].field);
        if (!json_is(texts, JS_ARRAY) || json_count(texts) != 1)
            fail_msg("%s: %.*s", cases[i].body, SLICE_ARG(r->body));
    }
}

TEST(a_change_of_a_schema_keeps_what_it_does_not_mention)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS ",\"processing\":\"scheduled\",\"schedule\":\"every 15m\"");
    struct fake_reply *r = datasnap_send(f, DS_ADMIN, "PUT /v1/schemas/vendas", "{\"name\":\"Loja\"}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(datasnap_str(f, r, "version"), S("1.1.0"));
    EXPECT_SLICE(datasnap_str(f, r, "schedule"), S("every 15m"));
    EXPECT_SLICE(datasnap_str(f, r, "required.0"), S("id"));
    r = datasnap_send(f, DS_ADMIN, "PUT /v1/schemas/vendas", "{\"fields\":{\"id\":\"integer\"}}");
    expect_error(f, r, 422, "Campos não podem ser removidos nem mudar de tipo.");
    EXPECT(reply_at(f->a, r, "errors.fields.0") != NULL);
    r = datasnap_send(
        f, DS_ADMIN, "PUT /v1/schemas/vendas",
        "{\"fields\":{\"loja\":\"string\",\"id\":\"integer\",\"produto\":\"string\",\"valor\":\"decimal\"}}");
    EXPECT_SLICE(datasnap_str(f, r, "version"), S("1.2.0"));
    EXPECT_SLICE(datasnap_str(f, r, "fields.loja"), S("string"));
    EXPECT_EQ(datasnap_send(f, DS_ADMIN, "DELETE /v1/schemas/vendas", NULL)->status, 204);
    expect_error(f, datasnap_send(f, DS_ADMIN, "DELETE /v1/schemas/vendas", NULL), 404, "Schema não encontrado.");
    datasnap_schema(f, "vendas", VENDAS); /* the slug is free at once */
    world_run_jobs(f->w);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(many_schemas_are_listed_in_the_order_of_their_ids)
{
    DATASNAP_FIXTURE(f);
    enum { MANY = 45 };
    for (int i = 0; i < MANY; i++)
        datasnap_schema(f, arena_printf(f->a, "s%d", i).p, VENDAS);
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET /v1/schemas", NULL);
    EXPECT_EQ(reply_count(f->a, r, "data"), MANY);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(datasnap_int(f, r, arena_printf(f->a, "data.%d.id", i).p), i + 1);
}

/* ---- §4: upload tokens ---- */

static struct fake_reply *issue(struct datasnap_fixture *f, const char *minutes)
{
    const char *body = arena_printf(f->a, "{\"mapping_name\":\"m\",\"timestamp\":1,\"minutes\":%s}", minutes).p;
    return datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/generate-upload-token", body);
}

static void rename_schema(void *arg, size_t bytes)
{
    struct datasnap_fixture *f = arg;
    struct dataset now, changed;
    (void)bytes;
    EXPECT_OK(dataset_find(&f->w->core, f->ana.account_id, S("wide"), f->a, &now));
    struct dataset_request request = { .name = S("other"), .columns = now.columns };
    EXPECT_OK(dataset_change(&f->w->core, &f->ana, now.slug, &request, f->a, &changed));
}

/* Its fields do not fit into one piece, so a part of it was sent. */
TEST(a_schema_that_changes_while_it_is_sent_is_cut_off)
{
    DATASNAP_FIXTURE(f);
    SCOPED(buf_releasep) struct buf members;
    buf_init(&members, 0);
    buf_add(&members, S("\"fields\":{"));
    for (int i = 0; i < 1000; i++)
        buf_printf(&members, "%s\"a_field_with_as_long_a_name_as_it_takes_to_fill_a_piece_%04d\":\"string\"",
                   i ? "," : "", i);
    buf_add(&members, S("}"));
    datasnap_schema(f, "wide", arena_cstr(f->a, buf_slice(&members)));
    f->http.on_piece = rename_schema;
    f->http.on_piece_arg = f;
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET /v1/schemas", NULL);
    f->http.on_piece = NULL;
    EXPECT(r->cut && slice_find(r->body, S("other")) == SLICE_NONE);
    EXPECT(!datasnap_send(f, DS_READER, "GET /v1/schemas", NULL)->cut);
}

TEST(minutes_are_an_integer_from_1_to_60)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    static const char *const good[] = { "1", "60", "\"15\"" }, *const bad[] = {
        "0", "61", "-1", "1.5", "\"x\"", "\"\"", "true", "null", "[1]", "\"1.5\""
    };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        EXPECT_EQ(issue(f, good[i])->status, 200);
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct fake_reply *r = issue(f, bad[i]);
        expect_error(f, r, 422, NULL);
        EXPECT(reply_at(f->a, r, "errors.minutes.0") != NULL);
    }
    struct fake_reply *r = datasnap_send(f, DS_WRITER, "POST /v1/schemas/vendas/generate-upload-token", NULL);
    expect_error(f, r, 422, "O campo minutes é obrigatório.");
}

TEST(a_token_has_its_own_address_and_ends_at_its_time)
{
    DATASNAP_FIXTURE(f);
    datasnap_schema(f, "vendas", VENDAS);
    struct fake_reply *first = issue(f, "15"), *second = issue(f, "30");
    EXPECT_EQ(datasnap_int(f, first, "id"), 1);
    EXPECT(reply_bool(f->a, first, "success"));
    EXPECT_SLICE(datasnap_str(f, first, "expires_at"), S("2026-11-21T14:19:09.000000Z"));
    slice url = datasnap_str(f, first, "upload_url");
    EXPECT(slice_starts(url, S("http://api.datasnap.cloud/p/")));
    EXPECT(slice_ends(url, S("/n/cais/b/datasnap/o/t1/vendas/1")));
    EXPECT(!slice_eq(url, datasnap_str(f, second, "upload_url")));
    struct fake_reply *r = datasnap_send(f, DS_READER, "GET /v1/upload-tokens/1/validate", NULL);
    EXPECT_SLICE(r->body, S("{\"id\":1,\"valid\":true,\"schema_slug\":\"vendas\","
                            "\"expires_at\":\"2026-11-21T14:19:09.000000Z\",\"files\":0}"));
    world_wait(f->w, minutes(15));
    r = datasnap_send(f, DS_READER, "GET /v1/upload-tokens/1/validate", NULL);
    EXPECT(!reply_bool(f->a, r, "valid"));
    r = datasnap_send(f, DS_READER, "GET /v1/upload-tokens/2/validate", NULL);
    EXPECT(reply_bool(f->a, r, "valid"));
    EXPECT_EQ(datasnap_send(f, DS_WRITER, "DELETE /v1/upload-tokens/2", NULL)->status, 204);
    r = datasnap_send(f, DS_READER, "GET /v1/upload-tokens/2/validate", NULL);
    EXPECT(!reply_bool(f->a, r, "valid"));
}

TEST(upload_urls_are_where_the_configuration_says)
{
    struct datasnap_options options = datasnap_fixture_options();
    options.upload_url = S("https://objects.example.org");
    SCOPED(datasnap_fixture_freep) struct datasnap_fixture *f = datasnap_fixture_new(&options);
    datasnap_schema(f, "vendas", VENDAS);
    EXPECT(slice_starts(datasnap_str(f, issue(f, "15"), "upload_url"), S("https://objects.example.org/p/")));
    f->datasnap.options.upload_url = S("");
    slice before = datasnap_str(f, issue(f, "15"), "upload_url");
    f->links.storage_host = S("objects.example.org"); /* which clients of this API need not know */
    slice after = datasnap_str(f, issue(f, "15"), "upload_url");
    EXPECT_SLICE(slice_part(after, 0, slice_find(after, S("/p/"))),
                 slice_part(before, 0, slice_find(before, S("/p/"))));
}

/* ---- §8: what the tool reports ---- */

#define BRIDGE "POST /v1/bridge/healthcheck"

static struct fake_reply *report(struct datasnap_fixture *f, const char *event, const char *more)
{
    const char *body = arena_printf(f->a,
                                    "{\"bridge_name\":\"b1\",\"event_type\":\"%s\",\"status\":\"ok\","
                                    "\"bridge_version\":\"1.2\",\"host_hostname\":\"h\"%s}",
                                    event, more)
                           .p;
    struct fake_reply *r = datasnap_send(f, DS_WRITER, BRIDGE, body);
    if (r->status != 201)
        fail_msg("%s: %.*s", body, SLICE_ARG(r->body));
    EXPECT_SLICE(datasnap_str(f, r, "status"), S("ok"));
    return r;
}

static struct report_run run_of(struct datasnap_fixture *f, int64_t id)
{
    struct report_run run;
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_report_run_get(tx, id, f->a, &run));
    meta_read_end(tx);
    return run;
}

TEST(a_run_of_the_tool_begins_and_ends_under_one_id)
{
    DATASNAP_FIXTURE(f);
    struct fake_reply *r = report(f, "run_start", ",\"run_id\":\"r-1\",\"source\":\"db\",\"idempotency_key\":\"k1\"");
    int64_t id = datasnap_int(f, r, "id");
    EXPECT(id > 0);
    EXPECT_EQ(run_of(f, id).state, REPORT_RUN_OPEN);
    EXPECT_EQ(datasnap_int(f, report(f, "run_start", ",\"idempotency_key\":\"k1\""), "id"), id); /* sent again */
    int64_t other = datasnap_int(f, report(f, "run_start", ",\"idempotency_key\":\"k2\""), "id");
    EXPECT(other != id);
    world_wait(f->w, 5000);
    const char *end = arena_printf(f->a,
                                   ",\"id\":%lld,\"duration_ms\":5000,\"items_processed\":\"7\","
                                   "\"idempotency_key\":\"k3\",\"error_context\":{\"a\":[1]}",
                                   (long long)id)
                          .p;
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(datasnap_int(f, report(f, "run_end", end), "id"), id);
    struct report_run run = run_of(f, id);
    EXPECT_EQ(run.state, REPORT_RUN_ENDED);
    EXPECT_EQ(run.ended_at_ms - run.started_at_ms, 5000);
    EXPECT_SLICE(run.details, S("{\"status\":\"ok\",\"error_context\":\"{\\\"a\\\":[1]}\",\"duration_ms\":5000,"
                                "\"items_processed\":7}"));
    report(f, "error", arena_printf(f->a, ",\"id\":\"%lld\",\"error_message\":\"x\"", (long long)other).p);
    EXPECT_EQ(run_of(f, other).state, REPORT_RUN_FAILED);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_report_that_names_no_run_of_its_own_makes_one)
{
    DATASNAP_FIXTURE(f);
    const char *body = "{\"bridge_name\":\"b\",\"event_type\":\"run_start\",\"idempotency_key\":\"k\"}";
    int64_t theirs = datasnap_int(f, datasnap_send(f, DS_OTHER, BRIDGE, body), "id");
    int64_t own = datasnap_int(f, datasnap_send(f, DS_READER, BRIDGE, body), "id");
    EXPECT(own != theirs); /* the key is unique in an account */
    const char *of_theirs = arena_printf(f->a, ",\"id\":%lld", (long long)theirs).p;
    int64_t made = datasnap_int(f, report(f, "run_end", of_theirs), "id");
    EXPECT(made != theirs);
    EXPECT_EQ(run_of(f, theirs).state, REPORT_RUN_OPEN);
    EXPECT_EQ(run_of(f, made).state, REPORT_RUN_ENDED);
    int64_t without = datasnap_int(f, report(f, "error", ""), "id");
    EXPECT_EQ(run_of(f, without).state, REPORT_RUN_FAILED);
    EXPECT(datasnap_int(f, report(f, "error", ",\"id\":999,\"idempotency_key\":\"e\""), "id") ==
           datasnap_int(f, report(f, "error", ",\"id\":999,\"idempotency_key\":\"e\""), "id"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_heartbeat_notes_when_the_tool_was_seen)
{
    DATASNAP_FIXTURE(f);
    struct reporter seen;
    int64_t id = datasnap_int(f, report(f, "heartbeat", ""), "id");
    world_wait(f->w, minutes(1));
    EXPECT_EQ(datasnap_int(f, report(f, "heartbeat", ",\"host_os\":\"linux\""), "id"), id);
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_reporter_by_name(tx, f->ana.account_id, S("b1"), f->a, &seen));
    meta_read_end(tx);
    EXPECT_EQ(seen.last_seen_ms, WORLD_START_MS + minutes(1));
    EXPECT_EQ(seen.created_at_ms, WORLD_START_MS);
    EXPECT_SLICE(seen.version, S("1.2"));
    EXPECT_SLICE(seen.system, S("linux"));
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(wrong_reports_are_refused_and_long_texts_are_cut)
{
    DATASNAP_FIXTURE(f);
    static const struct {
        const char *body, *field;
    } wrong[] = { { "{\"event_type\":\"heartbeat\"}", "bridge_name" },
                  { "{\"event_type\":\"heartbeat\",\"bridge_name\":1}", "bridge_name" },
                  { "{\"event_type\":\"heartbeat\",\"bridge_name\":\"a\\nb\"}", "bridge_name" },
                  { "{\"bridge_name\":\"b\"}", "event_type" },
                  { "{\"bridge_name\":\"b\",\"event_type\":\"x\"}", "event_type" } };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        struct fake_reply *r = datasnap_send(f, DS_WRITER, BRIDGE, wrong[i].body);
        expect_error(f, r, 422, NULL);
        EXPECT(json_is(json_get(reply_at(f->a, r, "errors"), wrong[i].field), JS_ARRAY));
    }
    char *x = memset(arena_alloc(f->a, 20001), 'x', 20000);
    x[20000] = 0;
    const char *stack =
        arena_printf(f->a, ",\"error_stack\":\"%s\",\"bytes_uploaded\":1.5,\"source\":%s", x, "[[\"a\"]]").p;
    int64_t id = datasnap_int(f, report(f, "error", stack), "id");
    EXPECT_EQ(run_of(f, id).details.n,
              S("{\"status\":\"ok\",\"source\":\"[[\\\"a\\\"]]\",\"error_stack\":\"\"}").n + 4000);
    expect_error(f, datasnap_send(f, DS_WRITER, BRIDGE, arena_printf(f->a, "{\"a\":\"%s%s%s%s\"}", x, x, x, x).p), 413,
                 NULL);
    world_set_room(f->w, 100, 0);
    expect_error(f, datasnap_send(f, DS_WRITER, BRIDGE, "{\"bridge_name\":\"c\",\"event_type\":\"heartbeat\"}"), 422,
                 "A cota da conta foi excedida.");
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(reports_are_few_and_forgotten_in_time)
{
    DATASNAP_FIXTURE(f);
    struct report r = { .kind = REPORT_BEGIN, .details = S("{}"), .reporter = S("b") };
    int64_t first = 0, id;
    EXPECT_OK(report_take(&f->w->core, &f->ana, &r, f->a, &first));
    for (int i = 0; i < REPORT_RUNS_MAX; i++) {
        SCRATCH(a);
        EXPECT_OK(report_take(&f->w->core, &f->ana, &r, &a, &id));
    }
    r.kind = REPORT_ALIVE;
    for (int i = 0; i < REPORTERS_MAX; i++) {
        SCRATCH(a);
        world_wait(f->w, 1);
        r.reporter = arena_printf(&a, "b%d", i);
        EXPECT_OK(report_take(&f->w->core, &f->ana, &r, &a, &id));
    }
    struct report_run run;
    struct reporter reporter;
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_ERR(meta_report_run_get(tx, first, f->a, &run), ERR_NOT_FOUND);
    EXPECT_ERR(meta_reporter_by_name(tx, f->ana.account_id, S("b"), f->a, &reporter), ERR_NOT_FOUND);
    meta_read_end(tx);
    EXPECT_EQ(world_account(f->w).record_bytes,
              REPORT_RUNS_MAX * 258 + REPORTERS_MAX * 256 + 10 * 2 + 90 * 3 + 900 * 4);
    EXPECT_EQ(world_fsck(f->w, false), 0);
    world_wait(f->w, REPORT_RUNS_KEPT_MS + 1000);
    world_run_jobs(f->w);
    EXPECT_EQ(world_account(f->w).record_bytes, REPORTERS_MAX * 256 + 10 * 2 + 90 * 3 + 900 * 4);
    world_wait(f->w, REPORTERS_KEPT_MS);
    world_run_jobs(f->w);
    EXPECT_EQ(world_account(f->w).record_bytes, 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(every_request_for_every_role_has_its_status),
          cmocka_unit_test(every_route_answers_under_both_of_its_prefixes),
          cmocka_unit_test(what_another_account_has_looks_as_if_it_did_not_exist),
          cmocka_unit_test(unknown_paths_methods_and_bodies_are_refused_in_the_form_of_the_api),
          cmocka_unit_test(a_token_of_this_api_claims_the_path_that_others_have_too),
          cmocka_unit_test(me_names_the_user_and_the_tenant),
          cmocka_unit_test(a_schema_is_shown_with_its_fields_and_settings),
          cmocka_unit_test(a_schema_may_be_wrapped_or_inferred_from_a_sample),
          cmocka_unit_test(what_is_wrong_with_a_schema_is_named_by_its_field),
          cmocka_unit_test(a_change_of_a_schema_keeps_what_it_does_not_mention),
          cmocka_unit_test(many_schemas_are_listed_in_the_order_of_their_ids),
          cmocka_unit_test(a_schema_that_changes_while_it_is_sent_is_cut_off),
          cmocka_unit_test(minutes_are_an_integer_from_1_to_60),
          cmocka_unit_test(a_token_has_its_own_address_and_ends_at_its_time),
          cmocka_unit_test(upload_urls_are_where_the_configuration_says),
          cmocka_unit_test(a_run_of_the_tool_begins_and_ends_under_one_id),
          cmocka_unit_test(a_report_that_names_no_run_of_its_own_makes_one),
          cmocka_unit_test(a_heartbeat_notes_when_the_tool_was_seen),
          cmocka_unit_test(wrong_reports_are_refused_and_long_texts_are_cut),
          cmocka_unit_test(reports_are_few_and_forgotten_in_time))

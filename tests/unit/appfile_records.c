/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the Appfile API, read back: docs/apis/appfile.md 6. */
#include "appfile_fixture.h"
#include "test.h"

#include "core/store/record_store.h"
#include "core/sync/record_set.h"
#include "core/sync/sync_import.h"
#include "jobs/jobs.h"

#include <stdio.h>
#include <string.h>

#define HEAD(section)                                                                                                  \
    "00|C|F|20261121033000|REF-17\n01|wks_family|W|" section "|cc-family|SYNC\n02|entityId\n"                          \
    "03|entityId|name|size:int|homeless:bool|address:object|tags:array\n"

/* Rows, as the import of a file into a section of W. */
static void import_into(struct appfile_fixture *f, const char *head, const char *section, const char *rows,
                        size_t count)
{
    struct sync_request request = sync_fixture_request(&f->sync, S("f.cc5txt"));
    struct sync_file file, now;
    request.section = slice_of(section);
    EXPECT_OK(sync_fixture_try(&f->sync, &f->sync.ana, &request, &file));
    EXPECT_OK(sync_fixture_put(&f->sync, &file, arena_printf(f->a, "%s%s99|%zu\n", head, rows, count), f->a));
    struct sync_import_request import = { file.id, SYNC_LINES, S(""), S("") };
    EXPECT_OK(sync_import_start(&f->w->core, &f->sync.ana, &import, f->a, &now));
    EXPECT_OK(jobs_run_due(f->w->jobs, f->a));
    EXPECT_EQ(sync_fixture_get(&f->sync, &file).state, SYNC_IMPORTED);
}

static struct appfile_fixture *families(void)
{
    struct appfile_fixture *f = appfile_fixture_new(NULL);
    import_into(f, HEAD("B"), "B",
                "10|F-100|Silva#/#Souza|4|0|{\"zip\":\"95814\",\"city\":\"Sacramento\"}|a,b|\n"
                "10|F-101|Lee|2|true||c|\n"
                "10|F-102|O#Enter#\"Neil\\|4|false|{\"zip\":\"95815\"}||\n"
                "10|F-103||10||{}|b|\n",
                4);
    return f;
}
#define FAMILIES(name) SCOPED(appfile_fixture_freep) struct appfile_fixture *name = families()

static struct fake_reply *ask(struct appfile_fixture *f, const char *body)
{
    return appfile_send(f, AF_VIEWER, "POST /appdata/family/query", body);
}

static const struct json *at(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_at(f->a, r, path);
}

static slice str(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    return appfile_str(f, r, path);
}

/* The last digit of each entityId. */
static slice found(struct appfile_fixture *f, const struct fake_reply *r)
{
    struct buf text = { 0 };
    JSON_EACH(item, at(f, r, "Data")) {
        slice id = json_str(item, "entityId");
        buf_add(&text, id.n ? slice_from(id, id.n - 1) : S("?"));
    }
    return buf_give(&text, f->a);
}

static void expect_found(struct appfile_fixture *f, const char *query, const char *want)
{
    struct fake_reply *r = ask(f, arena_printf(f->a, "{\"Query\":%s}", query).p);
    EXPECT_EQ(r->status, 200);
    if (!slice_eq(found(f, r), slice_of(want)))
        fail_msg("%s found %.*s, expected %s", query, SLICE_ARG(found(f, r)), want);
    EXPECT_EQ(reply_int(f->a, r, "Total"), strlen(want));
}

/* ---- what is found ---- */

TEST(a_record_has_its_fields_and_what_the_server_knows_of_it)
{
    FAMILIES(f);
    struct fake_reply *r = ask(f, "{\"Query\":{\"entityId\":\"F-100\"}}");
    EXPECT_EQ(r->status, 200);
    slice id = str(f, r, "Data.0._id"), file = str(f, r, "Data.0.fileId");
    EXPECT_EQ(id.n, RECORD_ID_LENGTH);
    EXPECT_EQ(file.n, SYNC_HANDLE_LENGTH);
    EXPECT_SLICE(
        r->body,
        arena_printf(f->a,
                     "{\"IsSuccess\":true,\"ResponseStatus\":{\"ErrorCode\":null,\"Message\":null,\"StackTrace\":null,"
                     "\"Errors\":[]},\"Data\":[{\"_id\":\"%.*s\",\"entityId\":\"F-100\",\"name\":\"Silva|Souza\","
                     "\"size\":4,\"homeless\":false,\"address\":{\"zip\":\"95814\",\"city\":\"Sacramento\"},"
                     "\"tags\":[\"a\",\"b\"],\"created\":\"%.*s\",\"modified\":\"%.*s\",\"fileId\":\"%.*s\"}],"
                     "\"Total\":1}",
                     SLICE_ARG(id), SLICE_ARG(str(f, r, "Data.0.created")), SLICE_ARG(str(f, r, "Data.0.modified")),
                     SLICE_ARG(file)));
    EXPECT_EQ(str(f, r, "Data.0.created").n, strlen("2026-11-21T03:31:00.0000000Z"));
}

TEST(every_operator_finds_what_it_says)
{
    FAMILIES(f);
    expect_found(f, "{}", "0123");
    expect_found(f, "null", "0123");
    expect_found(f, "{\"size\":4}", "02");
    expect_found(f, "{\"size\":\"4\"}", "");
    expect_found(f, "{\"size\":{\"$eq\":4.0}}", "02");
    expect_found(f, "{\"size\":{\"$ne\":4}}", "13");
    expect_found(f, "{\"size\":{\"$gt\":2,\"$lt\":10}}", "02");
    expect_found(f, "{\"size\":{\"$gte\":4}}", "023");
    expect_found(f, "{\"size\":{\"$lte\":2}}", "1");
    expect_found(f, "{\"entityId\":{\"$in\":[\"F-101\",\"F-103\",7,null]}}", "13");
    expect_found(f, "{\"entityId\":{\"$in\":[\"F-101\",\"F-103\"]}}", "13");
    expect_found(f, "{\"entityId\":{\"$nin\":[\"F-101\",\"F-103\"]}}", "02");
    expect_found(f, "{\"entityId\":{\"$in\":[]}}", "");
    expect_found(f, "{\"entityId\":{\"$nin\":[]}}", "0123");
    expect_found(f, "{\"name\":{\"$exists\":false}}", "3");
    expect_found(f, "{\"name\":{\"$exists\":\"TRUE\"}}", "012");
    expect_found(f, "{\"name\":null}", "3");
    expect_found(f, "{\"name\":{\"$ne\":null}}", "012");
    expect_found(f, "{\"name\":{\"$regex\":\"^(Lee|Silva)\"}}", "01");
    expect_found(f, "{\"name\":\"O\\r\\n\\\"Neil\\\\\"}", "2");
    expect_found(f, "{\"address.zip\":{\"$gte\":\"95815\"}}", "2");
    expect_found(f, "{\"tags\":\"b\"}", "03");
    expect_found(f, "{\"homeless\":true}", "1");
    expect_found(f, "{\"size\":4,\"address.city\":\"Sacramento\"}", "0");
    expect_found(f, "{\"$or\":[{\"size\":2},{\"tags\":\"b\",\"size\":10}]}", "13");
    expect_found(f, "{\"$and\":[{\"size\":4},{\"$or\":[{\"name\":\"Lee\"},{\"tags\":{\"$exists\":false}}]}]}", "2");
    expect_found(f, "{\"size\":4,\"$or\":[{\"tags\":\"a\"},{\"tags\":\"c\"}]}", "0");
    expect_found(f, "{\"$or\":[{},{\"size\":7}]}", "0123");
}

TEST(what_the_server_knows_of_a_record_is_asked_for_like_a_field)
{
    FAMILIES(f);
    world_wait(f->w, minutes(1));
    import_into(f, HEAD("B"), "B", "10|F-101|Lee|3||||\n10|F-104|Kim|1||||\n", 2);
    struct fake_reply *r = ask(f, "{\"Sort\":{\"modified\":-1,\"_id\":-1}}");
    EXPECT_SLICE(found(f, r), S("41320"));
    slice first = str(f, r, "Data.4._id"), file = str(f, r, "Data.0.fileId"), modified = str(f, r, "Data.0.modified");
    expect_found(f, arena_printf(f->a, "{\"_id\":\"%.*s\"}", SLICE_ARG(first)).p, "0");
    expect_found(f, arena_printf(f->a, "{\"_id\":{\"$gt\":\"%.*s\"}}", SLICE_ARG(first)).p, "1234");
    expect_found(f, arena_printf(f->a, "{\"fileId\":\"%.*s\"}", SLICE_ARG(file)).p, "14");
    expect_found(f, arena_printf(f->a, "{\"modified\":{\"$gte\":\"%.*s\"}}", SLICE_ARG(modified)).p, "14");
    expect_found(f, arena_printf(f->a, "{\"modified\":\"%.*s\"}", SLICE_ARG(modified)).p, "14");
    expect_found(f, arena_printf(f->a, "{\"created\":{\"$lt\":\"%.*s\"}}", SLICE_ARG(modified)).p, "0123");
    expect_found(f, "{\"created\":{\"$gt\":\"2001-01-01\"}}", "01234");
    expect_found(f, "{\"created\":null}", "");
    expect_found(f, "{\"created\":{\"$ne\":null}}", "01234");
    expect_found(f, "{\"created\":{\"$nin\":[null,\"2001-01-01T00:00:00Z\"]}}", "01234");
}

TEST(records_are_sorted_by_several_fields)
{
    FAMILIES(f);
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"size\":1,\"entityId\":-1}}")), S("1203"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"size\":\"-1\",\"entityId\":\"1\"}}")), S("3021"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"name\":1}}")), S("1203"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"name\":-1}}")), S("0213"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{}}")), S("0123"));
}

/* ---- fields ---- */

/* The reply's Data, with ids and times cut out. */
static slice data_of(struct appfile_fixture *f, const char *body)
{
    struct fake_reply *r = ask(f, body);
    EXPECT_EQ(r->status, 200);
    struct buf text = { 0 };
    struct json_out o;
    json_out_init(&o, &text);
    json_open_array(&o);
    JSON_EACH(item, at(f, r, "Data")) {
        json_open_object(&o);
        JSON_EACH(member, item) {
            json_name(&o, arena_cstr(f->a, member->name));
            bool is_ours = slice_eq(member->name, S("_id")) || slice_eq(member->name, S("modified")) ||
                           slice_eq(member->name, S("created"));
            if (is_ours)
                json_add_int(&o, 0);
            else
                json_add_value(&o, member);
        }
        json_close_object(&o);
    }
    json_close_array(&o);
    return buf_give(&text, f->a);
}

TEST(fields_choose_what_is_shown)
{
    FAMILIES(f);
    EXPECT_SLICE(data_of(f, "{\"Query\":{\"size\":4},\"Fields\":[\"name\",\"entityId\"]}"),
                 S("[{\"_id\":0,\"entityId\":\"F-100\",\"name\":\"Silva|Souza\",\"modified\":0},"
                   "{\"_id\":0,\"entityId\":\"F-102\",\"name\":\"O\\u000d\\n\\\"Neil\\\\\",\"modified\":0}]"));
    EXPECT_SLICE(data_of(f, "{\"Query\":{\"size\":4},\"Fields\":[\"address.zip\",\"created\",\"nothing\"]}"),
                 S("[{\"_id\":0,\"address\":{\"zip\":\"95814\"},\"created\":0,\"modified\":0},"
                   "{\"_id\":0,\"address\":{\"zip\":\"95815\"},\"created\":0,\"modified\":0}]"));
    EXPECT_SLICE(data_of(f, "{\"Query\":{\"size\":2},\"Fields\":[\"_id\",\"_id\"]}"),
                 S("[{\"_id\":0,\"modified\":0}]"));
    EXPECT(json_count(at(f, ask(f, "{\"Query\":{\"size\":2},\"Fields\":[]}"), "Data.0")) > 5);
}

TEST(distinct_records_differ_in_their_fields)
{
    FAMILIES(f);
    EXPECT_SLICE(data_of(f, "{\"Fields\":[\"size\"],\"Distinct\":true}"),
                 S("[{\"size\":2},{\"size\":4},{\"size\":10}]"));
    EXPECT_SLICE(data_of(f, "{\"Fields\":[\"size\"],\"Distinct\":\"true\",\"Sort\":{\"size\":-1},\"Take\":2}"),
                 S("[{\"size\":10},{\"size\":4}]"));
    EXPECT_SLICE(data_of(f, "{\"Fields\":[\"homeless\"],\"Distinct\":true}"),
                 S("[{\"homeless\":false},{\"homeless\":true},{}]"));
    EXPECT_EQ(reply_int(f->a, ask(f, "{\"Fields\":[\"size\"],\"Distinct\":true,\"Take\":1}"), "Total"), 3);
    EXPECT_EQ(reply_int(f->a, ask(f, "{\"Distinct\":true}"), "Total"), 4);
}

TEST(a_field_with_the_name_of_a_column_is_hidden_behind_it)
{
    APPFILE_FIXTURE(f);
    import_into(f,
                "00|C|F|20261121033000|R\n01|wks_family|W|B|cc-family|SYNC\n02|entityId\n"
                "03|entityId|created|fileId|z\n",
                "B", "10|F-100|never|none|1\n", 1);
    EXPECT_SLICE(data_of(f, "{\"Fields\":[\"created\",\"z\"]}"),
                 S("[{\"_id\":0,\"z\":\"1\",\"created\":0,\"modified\":0}]"));
    struct fake_reply *r = ask(f, "{}");
    EXPECT_EQ(json_count(at(f, r, "Data.0")), 6);
    EXPECT_EQ(str(f, r, "Data.0.fileId").n, SYNC_HANDLE_LENGTH);
    expect_found(f, "{\"created\":{\"$gt\":\"2001-01-01\"}}", "0");
}

/* ---- pages ---- */

TEST(a_page_has_a_place_a_size_and_a_total)
{
    FAMILIES(f);
    char rows[4096] = "";
    for (int i = 0; i < 20; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "10|G-%02d|x|1||||\n", i);
    import_into(f, HEAD("B"), "B", rows, 20);
    struct fake_reply *r = appfile_send(f, AF_VIEWER, "POST /appdata/family/query", "{}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 10);
    EXPECT_EQ(reply_int(f->a, r, "Total"), 24);
    r = ask(f, "{\"skip\":22,\"TAKE\":\"1000\"}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 2);
    EXPECT_EQ(reply_int(f->a, r, "Total"), 24);
    r = ask(f, "{\"Take\":0,\"Query\":{\"size\":1}}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 0);
    EXPECT_EQ(reply_int(f->a, r, "Total"), 20);
    r = ask(f, "{\"Skip\":9223372036854775807,\"withouttotal\":true}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 0);
    EXPECT(!at(f, r, "Total"));
}

TEST(a_page_of_large_records_comes_whole)
{
    FAMILIES(f);
    struct record_set set;
    struct record_writer *writer;
    enum record_outcome outcome;
    struct core *core = &f->w->core;
    EXPECT_OK(record_set_find(core, &f->sync.ana, &(struct section_names){ 0 }, S("cc-family"), f->a, &set));
    EXPECT_OK(
        core->records->ops->open(core->records, set.id, &(struct record_batch){ S("f"), 1, NULL }, f->a, &writer));
    size_t size = 3 << 20;
    char *text = arena_alloc(f->a, size + 100);
    for (int i = 0; i < 6; i++) {
        size_t n = (size_t)sprintf(text, "{\"entityId\":\"%d\",\"text\":\"", i);
        memset(text + n, 'a' + i, size);
        memcpy(text + n + size, "\"}", 2);
        EXPECT_OK(writer->ops->put(writer, slice_part(slice_of("012345"), (size_t)i, 1), (slice){ text, n + size + 2 },
                                   f->a, &outcome));
    }
    EXPECT_OK(writer->ops->commit(writer, S("p"), RECORD_COMMIT_ORDERED, f->a));
    struct fake_reply *r = ask(f, "{\"Query\":{\"text\":{\"$exists\":true}},\"Sort\":{\"entityId\":-1}}");
    EXPECT_EQ(r->status, 200);
    slice body = r->body;
    for (int i = 5; i >= 0; i--) {
        slice want = arena_printf(f->a, "\"entityId\":\"%d\",\"text\":\"%c", i, 'a' + i);
        size_t begin = slice_find(body, want);
        EXPECT(begin != SLICE_NONE && begin < 400);
        body = slice_from(body, begin + want.n + size - 1);
        EXPECT(slice_starts(body, S("\",\"created\"")));
    }
    EXPECT(slice_ends(body, S("],\"Total\":6}")));
}

/* ---- where ---- */

TEST(a_section_has_its_own_records)
{
    FAMILIES(f);
    import_into(f, HEAD("other"), "other", "10|F-109|x|1||||\n", 1);
    EXPECT_SLICE(found(f, ask(f, "{}")), S("0123"));
    EXPECT_SLICE(found(f, ask(f, "{\"BucketId\":\"other\"}")), S("9"));
    struct fake_request r = { .method = "POST",
                              .target = S("/appdata/family/query"),
                              .headers = { { S("x-api-key"), f->keys[AF_VIEWER] },
                                           { S("X-Param-Override-BucketId"), S("other") } },
                              .body = S("{\"BucketId\":\"B\",\"WorkspaceId\":\"W\"}") };
    EXPECT_SLICE(found(f, fake_http_send(&f->http, &r)), S("9"));
    r.headers[1] = (struct http_header){ S("X-Param-Override-WorkspaceId"), S("V") };
    EXPECT_SLICE(str(f, fake_http_send(&f->http, &r), "ResponseStatus.ErrorCode"), S("AccessDenied"));
    struct fake_reply *reply = appfile_send(f, AF_OTHER, "POST /appdata/family/query", "{}");
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply_int(f->a, reply, "Total"), 0);
}

TEST(an_entity_without_records_is_empty_and_an_unknown_one_is_not_found)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = ask(f, "{\"Query\":{\"a\":1},\"Sort\":{\"b\":1}}");
    EXPECT_EQ(r->status, 200);
    EXPECT(slice_ends(r->body, S("\"Data\":[],\"Total\":0}")));
    r = appfile_send(f, AF_VIEWER, "POST /appdata/families/query", "{}");
    EXPECT_EQ(r->status, 404);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("EntityNotFound"));
    r = appfile_send(f, AF_VIEWER, "GET /appdata/families/retrieve?id=1", NULL);
    EXPECT_EQ(r->status, 404);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("EntityNotFound"));
}

TEST(a_record_is_retrieved_by_its_id)
{
    FAMILIES(f);
    struct fake_reply *r = ask(f, "{\"Query\":{\"entityId\":\"F-100\"}}");
    slice id = str(f, r, "Data.0._id");
    struct fake_reply *one = appfile_sendf(f, AF_VIEWER, NULL, "GET /appdata/family/retrieve?Id=%.*s", SLICE_ARG(id));
    EXPECT_EQ(one->status, 200);
    EXPECT_SLICE(str(f, one, "Data._id"), id);
    EXPECT_SLICE(str(f, one, "Data.name"), S("Silva|Souza"));
    EXPECT_SLICE(str(f, one, "Data.modified"), str(f, r, "Data.0.modified"));
    EXPECT(reply_bool(f->a, one, "IsSuccess"));
    static const char *const unknown[] = { "id=000000000000000000000000", "id=F-100", "id=%27%20OR%201" };
    for (size_t i = 0; i < LENGTH_OF(unknown); i++) {
        one = appfile_sendf(f, AF_VIEWER, NULL, "GET /appdata/family/retrieve?%s", unknown[i]);
        EXPECT_EQ(one->status, 404);
        EXPECT_SLICE(str(f, one, "ResponseStatus.ErrorCode"), S("NotFound"));
    }
    one = appfile_sendf(f, AF_OTHER, NULL, "GET /appdata/family/retrieve?id=%.*s", SLICE_ARG(id));
    EXPECT_EQ(one->status, 404);
    one = appfile_send(f, AF_VIEWER, "GET /appdata/note/retrieve?id=1", NULL);
    EXPECT_EQ(one->status, 404);
    one = appfile_send(f, AF_VIEWER, "GET /appdata/family/retrieve?id=", NULL);
    EXPECT_EQ(one->status, 400);
    EXPECT_SLICE(str(f, one, "ResponseStatus.Errors.0.FieldName"), S("id"));
}

TEST(records_are_not_written_one_by_one)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    static const char *const actions[] = { "create", "update", "save", "delete" };
    FAMILIES(f);
    for (size_t m = 0; m < LENGTH_OF(methods); m++)
        for (size_t i = 0; i < LENGTH_OF(actions); i++) {
            const char *request = arena_printf(f->a, "%s /appdata/family/%s", methods[m], actions[i]).p;
            struct fake_reply *r = appfile_send(f, AF_ADMIN, request, "{\"entityId\":\"F-100\"}");
            EXPECT_EQ(r->status, 403);
            EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("AccessDenied"));
            r = appfile_send(f, AF_NOBODY, request, "{}");
            EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("Forbidden"));
        }
    EXPECT_EQ(reply_int(f->a, ask(f, "{}"), "Total"), 4);
}

TEST(records_are_for_those_with_a_key)
{
    FAMILIES(f);
    EXPECT_EQ(appfile_send(f, AF_NOBODY, "POST /appdata/family/query", "{}")->status, 403);
    EXPECT_EQ(appfile_send(f, AF_UPLOADER, "POST /appdata/family/query", "{}")->status, 200);
    EXPECT_EQ(appfile_send(f, AF_NOBODY, "GET /appdata/family/retrieve?id=1", NULL)->status, 403);
    EXPECT_EQ(appfile_send(f, AF_VIEWER, "GET /appdata/family/query", NULL)->status, 405);
}

/* ---- what is refused ---- */

#define APPFILE_FIELDS_SHOWN 16

static void expect_refused(struct appfile_fixture *f, const char *body, const char *field, const char *code)
{
    struct fake_reply *r = ask(f, body);
    if (r->status != 400)
        fail_msg("%.200s gave %d", body, r->status);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("ValidationError"));
    slice got = str(f, r, "ResponseStatus.Errors.0.FieldName");
    if (!slice_eq(got, slice_of(field)))
        fail_msg("%.200s blames %.*s, expected %s", body, SLICE_ARG(got), field);
    EXPECT_SLICE(str(f, r, "ResponseStatus.Errors.0.ErrorCode"), slice_of(code));
    EXPECT(str(f, r, "ResponseStatus.Errors.0.Message").n > 10);
}

TEST(what_is_wrong_with_a_query_is_named_by_its_place)
{
    static const struct {
        const char *body, *field, *code;
    } cases[] = {
        { "{\"Query\":[]}", "Query", "Invalid" },
        { "{\"Query\":\"x\"}", "Query", "Invalid" },
        { "{\"Query\":{\"a\":{\"$like\":1}}}", "Query.a.$like", "Invalid" },
        { "{\"Query\":{\"a\":{\"$GT\":1}}}", "Query.a.$GT", "Invalid" },
        { "{\"Query\":{\"a\":{\"b\":1}}}", "Query.a.b", "Invalid" },
        { "{\"Query\":{\"a\":{}}}", "Query.a", "Invalid" },
        { "{\"Query\":{\"a\":[1]}}", "Query.a", "Invalid" },
        { "{\"Query\":{\"a\":{\"$eq\":{}}}}", "Query.a.$eq", "Invalid" },
        { "{\"Query\":{\"a\":{\"$gt\":null}}}", "Query.a.$gt", "Invalid" },
        { "{\"Query\":{\"a\":{\"$in\":1}}}", "Query.a.$in", "Invalid" },
        { "{\"Query\":{\"a\":{\"$in\":[1,[2]]}}}", "Query.a.$in.1", "Invalid" },
        { "{\"Query\":{\"a\":{\"$exists\":2}}}", "Query.a.$exists", "Invalid" },
        { "{\"Query\":{\"a\":{\"$regex\":5}}}", "Query.a.$regex", "Invalid" },
        { "{\"Query\":{\"a\":{\"$regex\":\"(a\"}}}", "Query.a.$regex", "Invalid" },
        { "{\"Query\":{\"a\":{\"$regex\":\"\\\\d\"}}}", "Query.a.$regex", "Invalid" },
        { "{\"Query\":{\"a\":{\"$regex\":\"x{1,255}{1,255}\"}}}", "Query.a.$regex", "Invalid" },
        { "{\"Query\":{\"created\":{\"$regex\":\"x\"}}}", "Query.created.$regex", "Invalid" },
        { "{\"Query\":{\"created\":\"yesterday\"}}", "Query.created", "Invalid" },
        { "{\"Query\":{\"created\":{\"$gt\":true}}}", "Query.created.$gt", "Invalid" },
        { "{\"Query\":{\"\":1}}", "Query.\"\"", "Invalid" },
        { "{\"Query\":{\"a..b\":1}}", "Query.a..b", "Invalid" },
        { "{\"Query\":{\"a\\\"b\":1}}", "Query.a\"b", "Invalid" },
        { "{\"Query\":{\"$where\":\"1\"}}", "Query.$where", "Invalid" },
        { "{\"Query\":{\"$or\":{}}}", "Query.$or", "Invalid" },
        { "{\"Query\":{\"$or\":[]}}", "Query.$or", "Invalid" },
        { "{\"Query\":{\"$or\":[{\"a\":1},2]}}", "Query.$or.1", "Invalid" },
        { "{\"Query\":{\"$and\":[{\"a\":{\"$x\":1}}]}}", "Query.$and.0.a.$x", "Invalid" },
        { "{\"Sort\":[\"a\"]}", "Sort", "Invalid" },
        { "{\"Sort\":{\"a\":2}}", "Sort.a", "Invalid" },
        { "{\"Sort\":{\"a\":\"asc\"}}", "Sort.a", "Invalid" },
        { "{\"Sort\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}", "Sort", "TooLong" },
        { "{\"Sort\":{\"b\":1},\"Fields\":[\"a\"],\"Distinct\":true}", "Sort.b", "Invalid" },
        { "{\"Fields\":\"a\"}", "Fields", "Invalid" },
        { "{\"Fields\":[\"a\",1]}", "Fields.1", "Invalid" },
        { "{\"Fields\":[\"a\",\"\"]}", "Fields.1", "Invalid" },
        { "{\"Skip\":-1}", "Skip", "Invalid" },
        { "{\"Skip\":1.5}", "Skip", "Invalid" },
        { "{\"Skip\":\"x\"}", "Skip", "Invalid" },
        { "{\"Take\":1001}", "Take", "Invalid" },
        { "{\"Take\":{}}", "Take", "Invalid" },
        { "{\"WithoutTotal\":\"maybe\"}", "WithoutTotal", "Invalid" },
        { "{\"Distinct\":1}", "Distinct", "Invalid" },
        { "{\"WorkspaceId\":[]}", "WorkspaceId", "Invalid" },
    };
    FAMILIES(f);
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        expect_refused(f, cases[i].body, cases[i].field, cases[i].code);
    struct fake_reply *r = ask(f, "{\"Query\":{\"a\":{\"$x\":1,\"$in\":1},\"b\":[]},\"Sort\":{\"c\":0},\"Take\":-1}");
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 5);
    EXPECT_EQ(at(f, r, "Data")->type, JS_NULL);
    r = ask(
        f,
        "{\"Fields\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20],\"Query\":{\"a\":{}},\"Sort\":{\"b\":0}}");
    EXPECT_EQ(r->status, 400);
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), APPFILE_FIELDS_SHOWN);
}

static const char *repeated(struct appfile_fixture *f, const char *before, const char *text, size_t count,
                            const char *after)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, slice_of(before));
    for (size_t i = 0; i < count; i++)
        buf_add(&b, slice_of(text));
    buf_add(&b, slice_of(after));
    buf_add_byte(&b, 0);
    return buf_give(&b, f->a).p;
}

TEST(queries_that_are_too_large_are_refused)
{
    FAMILIES(f);
    const char *close = repeated(f, "{\"a\":1}", "]}", 8, "}");
    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":", "{\"$or\":[", 8, close))->status, 200);
    close = repeated(f, "{\"a\":1}", "]}", 9, "}");
    struct fake_reply *r = ask(f, repeated(f, "{\"Query\":", "{\"$or\":[", 9, close));
    EXPECT_EQ(r->status, 400);
    EXPECT_SLICE(str(f, r, "ResponseStatus.Errors.0.ErrorCode"), S("TooLong"));
    close = repeated(f, "1", "}", 1000, "}");
    r = ask(f, repeated(f, "{\"Query\":", "{\"a\":", 1000, close));
    EXPECT_EQ(r->status, 400);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("InvalidJson"));
    EXPECT(slice_find(str(f, r, "ResponseStatus.Message"), S("32 levels")) != SLICE_NONE);

    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":{\"$or\":[{\"a\":1}", ",{\"a\":1}", 199, "]}}"))->status, 200);
    expect_refused(f, repeated(f, "{\"Query\":{\"$or\":[{\"a\":1}", ",{\"a\":1}", 200, "]}}"), "Query.$or", "TooLong");
    expect_refused(f, repeated(f, "{\"Query\":{\"$or\":[{}", ",{}", 200, "]}}"), "Query.$or", "TooLong");
    expect_refused(
        f,
        repeated(f, "{\"Query\":{\"$or\":[{\"a\":{\"$gt\":1,\"$lt\":9}}", ",{\"a\":{\"$gt\":1,\"$lt\":9}}", 100, "]}}"),
        "Query.$or.100.a", "TooLong");

    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":{\"a\":{\"$in\":[1", ",1", 999, "]}}}"))->status, 200);
    expect_refused(f, repeated(f, "{\"Query\":{\"a\":{\"$in\":[1", ",1", 1000, "]}}}"), "Query.a.$in", "TooLong");
    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":{\"a\":{\"$in\":[1", ",1", 20000, "]}}}"))->status, 413);

    const char *cut = repeated(f, "Query.", "n", 64, "");
    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":{\"", "n", ROW_NAME_BYTES_MAX, "\":1}}"))->status, 200);
    expect_refused(f, repeated(f, "{\"Query\":{\"", "n", 10240, "\":1}}"), cut, "TooLong");
    expect_refused(f, repeated(f, "{\"Query\":{\"a", ".a", 32, "\":1}}"), repeated(f, "Query.", "a.", 32, ""),
                   "TooLong");
    expect_refused(f, repeated(f, "{\"Query\":{\"a\":{\"$regex\":\"", "n", 1025, "\"}}}"), "Query.a.$regex", "Invalid");
    expect_refused(f, repeated(f, "{\"Fields\":[\"a\"", ",\"a\"", 200, "]}"), "Fields", "TooLong");
    EXPECT_EQ(ask(f, repeated(f, "{\"Query\":{\"a\":\"", "n", 300000, "\"}}"))->status, 413);
}

TEST(the_largest_query_is_answered)
{
    FAMILIES(f);
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("{\"Query\":"));
    for (int i = 0; i < 8; i++)
        buf_printf(&b,
                   "{\"created\":{\"$ne\":\"2001-01-01\",\"$gt\":\"2002-01-01\"},\"m%d\":{\"$nin\":[1,\"x\",null]},\"$"
                   "or\":[{\"a\":1},",
                   i);
    buf_add(&b, S("{\"size\":{\"$gte\":0}}"));
    for (int i = 0; i < 8; i++)
        buf_add(&b, S("]}"));
    buf_add(&b, S("}"));
    buf_add_byte(&b, 0);
    struct fake_reply *r = ask(f, buf_give(&b, f->a).p);
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(reply_int(f->a, r, "Total"), 0); /* no record has m0, which is as if it were null */
}

TEST(a_query_that_takes_too_long_says_so)
{
    struct appfile_options options = appfile_fixture_options();
    options.query_timeout_ms = -1; /* its time is over when it begins */
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    char rows[4096] = "";
    for (int i = 0; i < 50; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "10|G-%02d|aaaaaaaaaaaaaaaaaaaaa|1||||\n", i);
    import_into(f, HEAD("B"), "B", rows, 50);
    struct fake_reply *r = ask(f, "{\"Query\":{\"name\":{\"$regex\":\"(a*)*b\"}}}");
    EXPECT_EQ(r->status, 408);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("QueryTimeout"));
}

TEST(a_store_that_fails_is_answered_with_503)
{
    FAMILIES(f);
    slice id = str(f, ask(f, "{}"), "Data.0._id");
    for (int64_t nth = 1;; nth++) {
        f->w->faults.calls = 0;
        f->w->faults.fail_at = nth;
        f->w->faults.fail_count = 1;
        struct fake_reply *r = ask(f, "{\"Query\":{\"entityId\":\"F-100\"}}");
        bool was_hit = f->w->faults.calls >= nth;
        f->w->faults.fail_at = 0;
        if (!was_hit) {
            EXPECT_EQ(r->status, 200);
            break;
        }
        EXPECT_EQ(r->status, 503);
    }
    EXPECT_EQ(appfile_sendf(f, AF_VIEWER, NULL, "GET /appdata/family/retrieve?id=%.*s", SLICE_ARG(id))->status, 200);
}

RUN_TESTS(cmocka_unit_test(a_record_has_its_fields_and_what_the_server_knows_of_it),
          cmocka_unit_test(every_operator_finds_what_it_says),
          cmocka_unit_test(what_the_server_knows_of_a_record_is_asked_for_like_a_field),
          cmocka_unit_test(records_are_sorted_by_several_fields), cmocka_unit_test(fields_choose_what_is_shown),
          cmocka_unit_test(distinct_records_differ_in_their_fields),
          cmocka_unit_test(a_field_with_the_name_of_a_column_is_hidden_behind_it),
          cmocka_unit_test(a_page_has_a_place_a_size_and_a_total),
          cmocka_unit_test(a_page_of_large_records_comes_whole), cmocka_unit_test(a_section_has_its_own_records),
          cmocka_unit_test(an_entity_without_records_is_empty_and_an_unknown_one_is_not_found),
          cmocka_unit_test(a_record_is_retrieved_by_its_id), cmocka_unit_test(records_are_not_written_one_by_one),
          cmocka_unit_test(records_are_for_those_with_a_key),
          cmocka_unit_test(what_is_wrong_with_a_query_is_named_by_its_place),
          cmocka_unit_test(queries_that_are_too_large_are_refused), cmocka_unit_test(the_largest_query_is_answered),
          cmocka_unit_test(a_query_that_takes_too_long_says_so),
          cmocka_unit_test(a_store_that_fails_is_answered_with_503))

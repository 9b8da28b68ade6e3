/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the Appfile API, asked for by what they are: docs/apis/appfile.md 7.1. */
#include "appfile_fixture.h"
#include "test.h"

#include "core/sync/sync_import.h"
#include "jobs/jobs.h"

#include <string.h>

static slice str(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    return appfile_str(f, r, path);
}

static struct fake_reply *ask(struct appfile_fixture *f, const char *body)
{
    return appfile_send(f, AF_VIEWER, "POST /appfile/file/query", body);
}

/* Asks for a file; bytes NULL: none come. */
static slice send(struct appfile_fixture *f, const char *request, const char *bytes)
{
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, "POST /appfile/file/path", request);
    EXPECT_EQ(r->status, 200);
    if (bytes)
        EXPECT_EQ(appfile_follow(f, "PUT", str(f, r, "Data.Url"), slice_of(bytes))->status, 200);
    return str(f, r, "Data.FileId");
}

static void import(struct appfile_fixture *f, slice handle, enum sync_form form)
{
    struct sync_file file, now;
    EXPECT_OK(sync_file_find(&f->w->core, &f->sync.ana, handle, f->a, &file));
    EXPECT_OK(sync_import_start(&f->w->core, &f->sync.ana, &(struct sync_import_request){ file.id, form, S(""), S("") },
                                f->a, &now));
    EXPECT_OK(jobs_run_due(f->w->jobs, f->a));
}

#define HEAD "00|C|F|20261121033000|REF-17\n01|wks_family|W|B|cc-family|SYNC\n02|entityId\n03|entityId\n"

/* e: expired, c: created, u: uploaded, i: imported, f: failed; a minute lies between each of them and the next. */
static struct appfile_fixture *files(void)
{
    struct appfile_fixture *f = appfile_fixture_new(NULL);
    send(f, "{\"FileName\":\"e\",\"Category\":\"sync\",\"ActionId\":\"nightly\"}", NULL);
    world_wait(f->w, minutes(16));
    send(f, "{\"FileName\":\"c\",\"BucketId\":\"other\",\"EntityType\":\"wks_note\"}", NULL);
    world_wait(f->w, minutes(1));
    send(f, "{\"FileName\":\"u\",\"Folder\":\"daily\",\"Description\":\"a file\",\"Tags\":[\"t\"]}", "12345");
    world_wait(f->w, minutes(1));
    import(f, send(f, "{\"FileName\":\"i\",\"Category\":\"sync\"}", HEAD "10|F-1\n99|1\n"), SYNC_LINES);
    world_wait(f->w, minutes(1));
    import(f, send(f, "{\"FileName\":\"f\"}", "{}"), SYNC_JSON);
    return f;
}
#define FILES(name) SCOPED(appfile_fixture_freep) struct appfile_fixture *name = files()

/* The names of the files, in their order. */
static slice found(struct appfile_fixture *f, const struct fake_reply *r)
{
    struct buf text = { 0 };
    JSON_EACH(item, reply_at(f->a, r, "Data"))
        buf_add(&text, json_str(item, "FileName"));
    return buf_give(&text, f->a);
}

static void expect_found(struct appfile_fixture *f, const char *query, const char *want)
{
    struct fake_reply *r = ask(f, arena_printf(f->a, "{\"Query\":%s}", query).p);
    if (r->status != 200 || !slice_eq(found(f, r), slice_of(want)))
        fail_msg("%s: %d, found %.*s, expected %s", query, r->status, SLICE_ARG(found(f, r)), want);
    EXPECT_EQ(reply_int(f->a, r, "Total"), strlen(want));
}

TEST(files_come_newest_first_as_their_status_shows_them)
{
    FILES(f);
    struct fake_reply *r = ask(f, "{}");
    EXPECT_EQ(r->status, 200);
    EXPECT(reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(found(f, r), S("fiuce"));
    EXPECT_EQ(reply_int(f->a, r, "Total"), 5);
    struct fake_reply *one =
        appfile_sendf(f, AF_VIEWER, NULL, "GET /appfile/file/%.*s", SLICE_ARG(str(f, r, "Data.2.FileId")));
    struct json_out o;
    struct buf listed = { 0 }, shown = { 0 };
    json_out_init(&o, &listed);
    json_add_value(&o, reply_at(f->a, r, "Data.2"));
    json_out_init(&o, &shown);
    json_add_value(&o, reply_at(f->a, one, "Data.File"));
    EXPECT_SLICE(buf_slice(&listed), buf_slice(&shown));
    buf_release(&listed);
    buf_release(&shown);
    EXPECT_EQ(reply_count(f->a, r, "Data.0.Errors"), 0); /* the status has them */
}

TEST(every_member_is_asked_for_by_its_name)
{
    FILES(f);
    struct fake_reply *r = ask(f, "{}");
    slice id = str(f, r, "Data.1.FileId"), created = str(f, r, "Data.1.Created"), at = str(f, r, "Data.2.Uploaded");
    expect_found(f, arena_printf(f->a, "{\"FileId\":\"%.*s\"}", SLICE_ARG(id)).p, "i");
    expect_found(f, "{\"FileName\":{\"$in\":[\"u\",\"e\",\"x\"]}}", "ue");
    expect_found(f, "{\"filename\":{\"$regex\":\"^[c-f]$\"}}", "fce");
    expect_found(f, "{\"BucketId\":\"other\"}", "c");
    expect_found(f, "{\"EntityType\":\"wks_note\"}", "c");
    expect_found(f, "{\"EntityType\":null}", "fiue");
    expect_found(f, "{\"DataSource\":\"cc-family\"}", "i");
    expect_found(f, "{\"Folder\":\"daily\"}", "u");
    expect_found(f, "{\"Category\":\"sync\"}", "ie");
    expect_found(f, "{\"Category\":{\"$ne\":\"sync\"}}", "fuc");
    expect_found(f, "{\"Category\":{\"$nin\":[\"sync\",null]}}", "");
    expect_found(f, "{\"Category\":{\"$exists\":true}}", "ie");
    expect_found(f, "{\"Description\":{\"$gt\":\"a\"}}", "u");
    expect_found(f, "{\"ActionId\":\"nightly\"}", "e");
    expect_found(f, "{\"ReferenceId\":\"REF-17\"}", "i");
    expect_found(f, "{\"ContentType\":{\"$exists\":true}}", "fiu");
    expect_found(f, "{\"FileType\":\"CC5\"}", "i");
    expect_found(f, "{\"FileType\":{\"$in\":[\"json\",null]}}", "fuce");
    expect_found(f, "{\"FileType\":{\"$ne\":\"json\"}}", "iuce");
    expect_found(f, "{\"Source\":\"api\"}", "fiuce");
    expect_found(f, "{\"Source\":{\"$ne\":\"api\"}}", "");
    expect_found(f, "{\"Size\":5}", "u");
    expect_found(f, "{\"Size\":{\"$lte\":\"5\"}}", "fu");
    expect_found(f, "{\"Size\":null}", "ce");
    expect_found(f, arena_printf(f->a, "{\"Created\":{\"$gte\":\"%.*s\"}}", SLICE_ARG(created)).p, "fi");
    expect_found(f, arena_printf(f->a, "{\"Uploaded\":\"%.*s\"}", SLICE_ARG(at)).p, "u");
    expect_found(f, "{\"Uploaded\":null}", "ce");
    expect_found(f, "{\"ImportStarted\":{\"$exists\":true}}", "fi");
    expect_found(f, "{\"ImportFinished\":null}", "uce");
    expect_found(f, "{\"Modified\":{\"$gt\":\"2001-01-01\"}}", "fiuce");
    expect_found(f, "{\"UrlExpires\":{\"$lt\":\"2001-01-01\"}}", "");
    expect_found(f, "{\"$or\":[{\"Category\":\"sync\",\"Size\":null},{\"Folder\":\"daily\"}]}", "ue");
}

TEST(a_file_without_bytes_is_expired_when_its_url_is)
{
    FILES(f);
    expect_found(f, "{\"Status\":\"expired\"}", "e");
    expect_found(f, "{\"Status\":\"created\"}", "c");
    expect_found(f, "{\"Status\":\"failed\"}", "f");
    expect_found(f, "{\"status\":{\"$in\":[\"Uploaded\",\"imported\"]}}", "iu");
    expect_found(f, "{\"Status\":{\"$nin\":[\"expired\",\"failed\"]}}", "iuc");
    expect_found(f, "{\"Result\":\"failed\"}", "fe");
    expect_found(f, "{\"Result\":\"successful\"}", "i");
    expect_found(f, "{\"Result\":\"pending\"}", "uc");
    expect_found(f, "{\"Result\":{\"$ne\":\"failed\"}}", "iuc");
    world_wait(f->w, minutes(30));
    expect_found(f, "{\"Status\":\"expired\"}", "ce");
    expect_found(f, "{\"Result\":\"pending\"}", "u");
}

TEST(files_have_orders_and_pages)
{
    FILES(f);
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"FileName\":1}}")), S("cefiu"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"Category\":1,\"Size\":-1}}")), S("ieufc"));
    EXPECT_SLICE(found(f, ask(f, "{\"Sort\":{\"created\":\"1\"},\"Skip\":1,\"Take\":2}")), S("cu"));
    struct fake_reply *r = ask(f, "{\"Skip\":4,\"Take\":\"7\",\"Query\":{}}");
    EXPECT_SLICE(found(f, r), S("e"));
    EXPECT_EQ(reply_int(f->a, r, "Total"), 5);
    r = ask(f, "{\"Skip\":5,\"WithoutTotal\":true}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 0);
    EXPECT(!reply_at(f->a, r, "Total"));
}

TEST(files_are_those_of_the_workspace_or_of_a_bucket_of_it)
{
    FILES(f);
    EXPECT_SLICE(found(f, ask(f, "{\"BucketId\":\"other\"}")), S("c"));
    EXPECT_SLICE(found(f, ask(f, "{\"BucketId\":\"B\",\"WorkspaceId\":\"W\"}")), S("fiue"));
    struct fake_request r = { .method = "POST",
                              .target = S("/appfile/file/query"),
                              .headers = { { S("x-api-key"), f->keys[AF_VIEWER] },
                                           { S("X-Param-Override-BucketId"), S("other") } },
                              .body = S("{\"BucketId\":\"B\"}") };
    EXPECT_SLICE(found(f, fake_http_send(&f->http, &r)), S("c"));
    EXPECT_EQ(ask(f, "{\"BucketId\":\"none\"}")->status, 403);
    EXPECT_EQ(ask(f, "{\"WorkspaceId\":\"V\"}")->status, 403);
    EXPECT_EQ(reply_int(f->a, appfile_send(f, AF_OTHER, "POST /appfile/file/query", "{}"), "Total"), 0);
    EXPECT_EQ(appfile_send(f, AF_NOBODY, "POST /appfile/file/query", "{}")->status, 403);
}

TEST(what_is_no_member_and_no_word_is_refused)
{
    static const struct {
        const char *query, *field;
    } cases[] = {
        { "{\"Nothing\":1}", "Query.Nothing" },
        { "{\"Tags\":\"t\"}", "Query.Tags" },
        { "{\"FileName.x\":1}", "Query.FileName.x" },
        { "{\"Status\":\"done\"}", "Query.Status" },
        { "{\"Status\":7}", "Query.Status" },
        { "{\"Status\":{\"$gt\":\"created\"}}", "Query.Status.$gt" },
        { "{\"Status\":{\"$regex\":\"e\"}}", "Query.Status.$regex" },
        { "{\"Status\":{\"$in\":[\"created\",\"x\"]}}", "Query.Status.$in.1" },
        { "{\"Size\":\"large\"}", "Query.Size" },
        { "{\"Size\":1.5}", "Query.Size" },
        { "{\"Size\":{\"$regex\":\"1\"}}", "Query.Size.$regex" },
        { "{\"Created\":\"today\"}", "Query.Created" },
        { "{\"FileName\":{\"$like\":\"x\"}}", "Query.FileName.$like" },
        { "{\"Category\":{\"$gt\":null}}", "Query.Category.$gt" },
    };
    FILES(f);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_reply *r = ask(f, arena_printf(f->a, "{\"Query\":%s}", cases[i].query).p);
        EXPECT_EQ(r->status, 400);
        EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("ValidationError"));
        EXPECT_SLICE(str(f, r, "ResponseStatus.Errors.0.FieldName"), slice_of(cases[i].field));
    }
    EXPECT_SLICE(str(f, ask(f, "{\"Sort\":{\"Status\":1}}"), "ResponseStatus.Errors.0.FieldName"), S("Sort.Status"));
    EXPECT_SLICE(str(f, ask(f, "{\"Sort\":{\"x\":1}}"), "ResponseStatus.Errors.0.FieldName"), S("Sort.x"));
}

TEST(a_long_list_of_files_comes_whole)
{
    APPFILE_FIXTURE(f);
    char *text = memset(arena_alloc(f->a, 12001), 'x', 12000);
    const char *request = arena_printf(f->a, "{\"FileName\":\"f\",\"Metadata\":{\"a\":\"%s\"}}", text).p;
    for (int i = 0; i < 60; i++)
        send(f, request, NULL);
    struct fake_reply *r = ask(f, "{\"Take\":50}");
    EXPECT_EQ(reply_count(f->a, r, "Data"), 50);
    EXPECT_EQ(reply_int(f->a, r, "Total"), 60);
    EXPECT(r->body.n > 50 * 12000);
    const struct json *last = NULL;
    JSON_EACH(item, reply_at(f->a, r, "Data")) {
        EXPECT(!last || !slice_eq(json_str(item, "FileId"), json_str(last, "FileId")));
        last = item;
    }
}

TEST(a_query_of_files_that_takes_too_long_says_so)
{
    struct appfile_options options = appfile_fixture_options();
    options.query_timeout_ms = -1; /* its time is over when it begins */
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    for (int i = 0; i < 30; i++)
        send(f, "{\"FileName\":\"f\"}", NULL);
    struct fake_reply *r = ask(f, "{\"Query\":{\"FileName\":{\"$regex\":\"x\"}}}");
    EXPECT_EQ(r->status, 408);
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("QueryTimeout"));
}

TEST(a_store_that_fails_is_answered_with_503)
{
    FILES(f);
    for (int64_t nth = 1;; nth++) {
        f->w->faults.calls = 0;
        f->w->faults.fail_at = nth;
        f->w->faults.fail_count = 1;
        struct fake_reply *r = ask(f, "{\"Query\":{\"FileName\":\"i\"}}");
        bool was_hit = f->w->faults.calls >= nth;
        f->w->faults.fail_at = 0;
        if (!was_hit) {
            EXPECT_SLICE(found(f, r), S("i"));
            break;
        }
        EXPECT_EQ(r->status, 503);
    }
}

RUN_TESTS(cmocka_unit_test(files_come_newest_first_as_their_status_shows_them),
          cmocka_unit_test(every_member_is_asked_for_by_its_name),
          cmocka_unit_test(a_file_without_bytes_is_expired_when_its_url_is),
          cmocka_unit_test(files_have_orders_and_pages),
          cmocka_unit_test(files_are_those_of_the_workspace_or_of_a_bucket_of_it),
          cmocka_unit_test(what_is_no_member_and_no_word_is_refused),
          cmocka_unit_test(a_long_list_of_files_comes_whole),
          cmocka_unit_test(a_query_of_files_that_takes_too_long_says_so),
          cmocka_unit_test(a_store_that_fails_is_answered_with_503))

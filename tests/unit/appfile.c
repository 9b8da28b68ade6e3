/* SPDX-License-Identifier: Apache-2.0 */
/* The Appfile API: docs/apis/appfile.md. */
#include "appfile_fixture.h"
#include "error_table_test.h"
#include "test.h"

#include "../../src/api/appfile/appfile_priv.h"

#include <string.h>

#define PATH "POST /appfile/file/path"

static slice url_of(struct appfile_fixture *f, const struct fake_reply *r)
{
    return appfile_str(f, r, "Data.Url");
}

static bool is_null(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    const struct json *j = reply_at(f->a, r, path);
    return j && j->type == JS_NULL;
}

/* A request that is refused, with this code. */
static void expect_code(struct appfile_fixture *f, const struct fake_reply *r, int status, const char *code)
{
    EXPECT_EQ(r->status, status);
    EXPECT(!reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.ErrorCode"), slice_of(code));
    EXPECT(appfile_str(f, r, "ResponseStatus.Message").n > 0);
    EXPECT(is_null(f, r, "ResponseStatus.StackTrace") && is_null(f, r, "Data"));
}

static struct fake_reply *status_of(struct appfile_fixture *f, enum appfile_person who, slice handle)
{
    return appfile_sendf(f, who, NULL, "GET /appfile/file/" SLICE_FMT, SLICE_ARG(handle));
}

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&appfile_errors);
}

/* ---- who asks ---- */

TEST(a_key_that_does_not_count_is_forbidden_in_both_forms)
{
    APPFILE_FIXTURE(f);
    static const char *const requests[] = { PATH, "GET /appfile/file/1", "POST /status/refresh" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        struct fake_reply *r = appfile_send(f, AF_NOBODY, requests[i], "{}");
        expect_code(f, r, 403, "Forbidden");
        EXPECT(slice_starts(r->body, S("{\"message\":\"Forbidden\",\"IsSuccess\":false,")));
    }
    f->keys[AF_NOBODY] = S("unknown");
    expect_code(f, appfile_send(f, AF_NOBODY, PATH, "{}"), 403, "Forbidden");
    /* revoked, expired, and of a user who is disabled */
    struct key_info_list keys;
    EXPECT_OK(key_list(&f->w->core, S("ana"), ALL_IDS, f->a, &keys));
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, keys.items[1].key.id, f->a)); /* of AF_VIEWER */
    expect_code(f, appfile_send(f, AF_VIEWER, "GET /appfile/file/1", NULL), 403, "Forbidden");
    struct key_request request = { .login = S("ana"),
                                   .purpose = APPFILE_PURPOSE,
                                   .workspace = S("W"),
                                   .section = S("B"),
                                   .expires_at_ms = core_now_ms(&f->w->core) + 1000 };
    sync_fixture_key(&f->sync, &request, &f->keys[AF_NOBODY]);
    EXPECT_EQ(appfile_send(f, AF_NOBODY, "POST /status/refresh", NULL)->status, 200);
    world_wait(f->w, 1000);
    expect_code(f, appfile_send(f, AF_NOBODY, "POST /status/refresh", NULL), 403, "Forbidden");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana"), USER_DISABLED, f->a));
    expect_code(f, appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL), 403, "Forbidden");
}

TEST(every_request_for_every_role_has_its_status)
{
    APPFILE_FIXTURE(f);
    slice handle = appfile_str(f, appfile_issue(f), "Data.FileId");
    for (enum appfile_person who = AF_VIEWER; who <= AF_ADMIN; who++) {
        struct fake_reply *r = appfile_send(f, who, PATH, "{\"FileName\":\"a\"}");
        EXPECT_EQ(r->status, who == AF_VIEWER ? 403 : 200);
        if (who == AF_VIEWER)
            expect_code(f, r, 403, "AccessDenied");
        EXPECT_EQ(status_of(f, who, handle)->status, 200);
        r = appfile_send(f, who, "POST /status/refresh", "{}");
        EXPECT_EQ(r->status, 200);
        EXPECT_SLICE(r->body, S("{\"IsSuccess\":true,\"ResponseStatus\":{\"ErrorCode\":null,\"Message\":null,"
                                "\"StackTrace\":null,\"Errors\":[]},\"Data\":null}"));
    }
    /* a file of one workspace is unknown to the keys of another */
    expect_code(f, status_of(f, AF_OTHER, handle), 404, "FileNotFound");
    expect_code(f, status_of(f, AF_VIEWER, S("000000000000000000000000")), 404, "FileNotFound");
}

TEST(unknown_paths_and_methods_are_refused_in_the_form_of_the_api)
{
    APPFILE_FIXTURE(f);
    expect_code(f, appfile_send(f, AF_ADMIN, "GET /appfile/nothing", NULL), 404, "NotFound");
    expect_code(f, appfile_send(f, AF_ADMIN, "POST /appdata/family/nothing", "{}"), 404, "NotFound");
    expect_code(f, appfile_send(f, AF_ADMIN, "DELETE /appfile/file/1", NULL), 405, "MethodNotAllowed");
    expect_code(f, appfile_send(f, AF_ADMIN, "GET /status/refresh", NULL), 405, "MethodNotAllowed");
    EXPECT_EQ(appfile_send(f, AF_ADMIN, PATH "/", "{\"FileName\":\"a\"}")->status, 200);
}

TEST(requests_have_limits_for_each_key)
{
    struct appfile_options options = appfile_fixture_options();
    options.rate_limit = 2;
    options.monthly_quota = 5;
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    world_wait(f->w, 1000 - core_now_ms(&f->w->core) % 1000);
    for (int second = 0; second < 2; second++) {
        for (int i = 0; i < 2; i++)
            EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL)->status, 200);
        struct fake_reply *r = appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL);
        expect_code(f, r, 429, "TooManyRequests");
        EXPECT(slice_starts(r->body, S("{\"message\":\"Too Many Requests\",\"IsSuccess\":false,")));
        EXPECT_SLICE(appfile_header(r, "Retry-After"), S("1"));
        EXPECT_EQ(appfile_send(f, AF_VIEWER, "POST /status/refresh", NULL)->status, 200); /* another key */
        world_wait(f->w, 1000);
    }
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL)->status, 200);
    struct fake_reply *r = appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL); /* the sixth in November */
    expect_code(f, r, 429, "TooManyRequests");
    int64_t retry_s, december_ms = INT64_C(1796083200000);
    EXPECT(slice_to_i64(appfile_header(r, "Retry-After"), &retry_s));
    EXPECT_EQ(retry_s, (december_ms - core_now_ms(&f->w->core)) / 1000);
    world_wait(f->w, december_ms - core_now_ms(&f->w->core) - 1);
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL)->status, 429);
    world_wait(f->w, 1);
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL)->status, 200);
}

/* ---- the request ---- */

#define WHOLE                                                                                                          \
    "{\"WorkspaceId\":\"W\",\"BucketId\":\"other\",\"EntityType\":\"wks_family\",\"FileName\":\"x/families "           \
    "1.cc5txt\","                                                                                                      \
    "\"Folder\":\"daily/one\",\"Category\":\"sync\",\"Tags\":[\"nightly\",7],\"Metadata\":{\"batch\":\"17\","          \
    "\"rows\":1200,\"f\":1.50},\"ActionId\":\"nightly-2026-11-21\",\"Description\":\"nightly families\",\"More\":{}}"

TEST(a_whole_request_is_kept_with_the_file)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, PATH, WHOLE);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->content_type, S("application/json; charset=utf-8"));
    EXPECT(reply_bool(f->a, r, "IsSuccess") && is_null(f, r, "ResponseStatus.ErrorCode"));
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 0);
    slice id = appfile_str(f, r, "Data.FileId");
    EXPECT_EQ(id.n, 24);
    EXPECT_SLICE(
        appfile_str(f, r, "Data.FilePath"),
        arena_printf(f->a, "//cais-appfile/W/import/2026/11/daily/one/" SLICE_FMT "_families 1.cc5txt", SLICE_ARG(id)));
    const struct {
        const char *name, *value;
    } texts[] = { { "ActionId", "nightly-2026-11-21" },
                  { "File.FileName", "families 1.cc5txt" },
                  { "File.WorkspaceId", "W" },
                  { "File.BucketId", "other" },
                  { "File.EntityType", "wks_family" },
                  { "File.Folder", "daily/one" },
                  { "File.Category", "sync" },
                  { "File.Tags.0", "nightly" },
                  { "File.Tags.1", "7" },
                  { "File.Metadata.batch", "17" },
                  { "File.Description", "nightly families" },
                  { "File.ActionId", "nightly-2026-11-21" },
                  { "File.Source", "api" },
                  { "File.Status", "created" },
                  { "File.Result", "pending" },
                  { "File.UrlExpires", "2026-11-21T14:19:09.0000000Z" },
                  { "File.Created", "2026-11-21T14:04:09.0000000Z" } };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        EXPECT_SLICE(appfile_str(f, r, arena_printf(f->a, "Data.%s", texts[i].name).p), slice_of(texts[i].value));
    EXPECT(slice_find(r->body, S("\"Metadata\":{\"batch\":\"17\",\"rows\":1200,\"f\":1.50}")) != SLICE_NONE);
    static const char *const nulls[] = { "DataSource",  "FileType", "ReferenceId",   "Size",          "Md5",
                                         "ContentType", "Uploaded", "ImportStarted", "ImportFinished" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        EXPECT(is_null(f, r, arena_printf(f->a, "Data.File.%s", nulls[i]).p));
    EXPECT_EQ(reply_int(f->a, r, "Data.File.Progress.Percent"), 0);
    struct fake_reply *status = status_of(f, AF_VIEWER, id);
    EXPECT(is_null(f, status, "Data.Url"));
    EXPECT_SLICE(appfile_str(f, status, "Data.File.Tags.1"), S("7"));
    EXPECT_SLICE(appfile_str(f, status, "Data.File.FilePath"), appfile_str(f, r, "Data.FilePath"));
}

TEST(names_of_members_have_any_case_and_numbers_may_stand_for_texts)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, PATH,
                                        "{\"filename\":\"a\",\"FILENAME\":\"b\",\"actionid\":12345678901234567890,"
                                        "\"bucketID\":\"other\",\"category\":1.50,\"folder\":null}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(appfile_str(f, r, "Data.File.FileName"), S("b")); /* the last one */
    EXPECT_SLICE(appfile_str(f, r, "Data.ActionId"), S("12345678901234567890"));
    EXPECT_SLICE(appfile_str(f, r, "Data.File.BucketId"), S("other"));
    EXPECT_SLICE(appfile_str(f, r, "Data.File.Category"), S("1.50"));
    EXPECT_SLICE(appfile_str(f, r, "Data.File.Folder"), S("files"));
}

TEST(the_folder_is_the_type_of_the_entity_or_files)
{
    APPFILE_FIXTURE(f);
    const struct {
        const char *type, *folder;
    } cases[] = { { "wks_family", "wks_family" }, { "a/b", "a/b" }, { "../x", "files" }, { "a\\\\b", "files" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice body = arena_printf(f->a, "{\"FileName\":\"a\",\"EntityType\":\"%s\"}", cases[i].type);
        EXPECT_SLICE(appfile_str(f, appfile_send(f, AF_ADMIN, PATH, body.p), "Data.File.Folder"),
                     slice_of(cases[i].folder));
    }
}

TEST(each_call_makes_a_new_file)
{
    APPFILE_FIXTURE(f);
    const char *body = "{\"FileName\":\"a\",\"ActionId\":\"same\"}";
    struct fake_reply *one = appfile_send(f, AF_ADMIN, PATH, body), *other = appfile_send(f, AF_ADMIN, PATH, body);
    EXPECT(!slice_eq(appfile_str(f, one, "Data.FileId"), appfile_str(f, other, "Data.FileId")));
    EXPECT_SLICE(appfile_str(f, other, "Data.ActionId"), S("same"));
    slice generated = appfile_str(f, appfile_issue(f), "Data.ActionId");
    EXPECT_EQ(generated.n, 24);
}

static struct fake_reply *issue_in(struct appfile_fixture *f, const char *workspace, const char *bucket,
                                   const char *body)
{
    struct fake_request r = { .method = "POST",
                              .target = S("/appfile/file/path"),
                              .headers = { { S("X-API-KEY"), f->keys[AF_UPLOADER] } },
                              .body = slice_of(body) };
    size_t n = 1;
    if (workspace)
        r.headers[n++] = (struct http_header){ S("x-param-override-workspaceid"), slice_of(workspace) };
    if (bucket)
        r.headers[n++] = (struct http_header){ S("X-Param-Override-BucketId"), slice_of(bucket) };
    return fake_http_send(&f->http, &r);
}

TEST(headers_win_over_the_body_and_that_over_the_key)
{
    APPFILE_FIXTURE(f);
    struct section section;
    EXPECT_OK(section_add(&f->w->core, &f->w->operator_, &(struct section_request){ S("W"), S("third"), false }, f->a,
                          &section));
    const char *with = "{\"FileName\":\"a\",\"WorkspaceId\":\"W\",\"BucketId\":\"other\"}",
               *without = "{\"FileName\":\"a\"}";
    EXPECT_SLICE(appfile_str(f, issue_in(f, NULL, NULL, without), "Data.File.BucketId"), S("B"));
    EXPECT_SLICE(appfile_str(f, issue_in(f, NULL, NULL, with), "Data.File.BucketId"), S("other"));
    EXPECT_SLICE(appfile_str(f, issue_in(f, NULL, "third", with), "Data.File.BucketId"), S("third"));
    EXPECT_SLICE(appfile_str(f, issue_in(f, "W", "", with), "Data.File.BucketId"), S("other"));
    expect_code(f, issue_in(f, "V", NULL, with), 403, "AccessDenied");
    expect_code(f, issue_in(f, NULL, "none", with), 403, "AccessDenied");
    expect_code(f, issue_in(f, NULL, NULL, "{\"FileName\":\"a\",\"WorkspaceId\":\"V\"}"), 403, "AccessDenied");
    EXPECT_EQ(issue_in(f, "W", NULL, "{\"FileName\":\"a\",\"WorkspaceId\":\"V\"}")->status, 200);
}

/* ---- what is wrong with a request ---- */

TEST(a_body_that_is_no_object_is_refused)
{
    APPFILE_FIXTURE(f);
    static const char *const bodies[] = { "",
                                          "[]",
                                          "null",
                                          "1",
                                          "{",
                                          "{\"FileName\":\"a\"}}",
                                          "{\"a\":1,\"a\":2}",
                                          "{\"FileName\":\"\\u0000\"}",
                                          "{\"FileName\":\"\xff\"}" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++)
        expect_code(f, appfile_send(f, AF_ADMIN, PATH, bodies[i]), 400, "InvalidJson");
    char *large = arena_alloc(f->a, (1 << 20) + 2);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    expect_code(f, appfile_send(f, AF_ADMIN, PATH, large), 413, "RequestTooLarge");
}

static slice repeat(struct appfile_fixture *f, const char *what, size_t times)
{
    slice one = slice_of(what);
    char *text = arena_alloc(f->a, one.n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * one.n, one.p, one.n);
    return (slice){ text, one.n * times };
}

/* The request with this member beside FileName; `value` is JSON. */
static struct fake_reply *issue_with(struct appfile_fixture *f, const char *name, slice value)
{
    bool is_name = strcmp(name, "FileName") == 0;
    slice body =
        arena_printf(f->a, "{%s\"%s\":" SLICE_FMT "}", is_name ? "" : "\"FileName\":\"a\",", name, SLICE_ARG(value));
    return appfile_send(f, AF_ADMIN, PATH, body.p);
}

static slice quoted(struct appfile_fixture *f, slice text)
{
    return arena_printf(f->a, "\"" SLICE_FMT "\"", SLICE_ARG(text));
}

static void expect_field(struct appfile_fixture *f, const char *name, slice value, const char *code)
{
    struct fake_reply *r = issue_with(f, name, value);
    expect_code(f, r, 400, "ValidationError");
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 1);
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.Errors.0.FieldName"), slice_of(name));
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.Errors.0.ErrorCode"), slice_of(code));
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.Errors.0.Message"), appfile_str(f, r, "ResponseStatus.Message"));
    EXPECT(is_null(f, r, "ResponseStatus.Errors.0.Meta"));
}

TEST(what_is_wrong_with_a_member_is_named_by_it)
{
    APPFILE_FIXTURE(f);
    const struct {
        const char *name, *json, *code;
    } cases[] = { { "FileName", "\"\"", "NotEmpty" },      { "FileName", "null", "NotEmpty" },
                  { "FileName", "\" \"", "NotEmpty" },     { "FileName", "\"a/\"", "NotEmpty" },
                  { "FileName", "{}", "Invalid" },         { "FileName", "true", "Invalid" },
                  { "FileName", "\"a\\nb\"", "Invalid" },  { "FileName", "\"..\"", "Invalid" },
                  { "FileName", "\"a/..\"", "Invalid" },   { "EntityType", "[]", "Invalid" },
                  { "Folder", "\"/a\"", "Invalid" },       { "Folder", "\"a//b\"", "Invalid" },
                  { "Folder", "\"a/../b\"", "Invalid" },   { "Folder", "\"a/\"", "Invalid" },
                  { "Folder", "\".\"", "Invalid" },        { "Folder", "\"a\\\\b\"", "Invalid" },
                  { "Folder", "\"a\\u0007\"", "Invalid" }, { "Category", "false", "Invalid" },
                  { "Tags", "\"a\"", "Invalid" },          { "Tags", "{}", "Invalid" },
                  { "Tags", "[\"a\",null]", "Invalid" },   { "Tags", "[[]]", "Invalid" },
                  { "Metadata", "[]", "Invalid" },         { "Metadata", "\"a\"", "Invalid" },
                  { "ActionId", "\"a/b\"", "Invalid" },    { "ActionId", "\"\\u0001\"", "Invalid" },
                  { "Description", "{}", "Invalid" },      { "WorkspaceId", "\"a/b\"", "Invalid" },
                  { "BucketId", "[]", "Invalid" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        expect_field(f, cases[i].name, slice_of(cases[i].json), cases[i].code);
}

TEST(members_have_their_greatest_lengths)
{
    APPFILE_FIXTURE(f);
    const struct {
        const char *name, *character;
        size_t max;
    } cases[] = {
        { "FileName", "x", 255 },        { "EntityType", "x", 128 },      { "EntityType", "\xc3\xa9", 64 },
        { "Category", "\xc3\xa9", 128 }, { "ActionId", "\xc3\xa9", 128 }, { "Description", "\xc3\xa9", 1024 }
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice fits = repeat(f, cases[i].character, cases[i].max),
              more = repeat(f, cases[i].character, cases[i].max + 1);
        EXPECT_EQ(issue_with(f, cases[i].name, quoted(f, fits))->status, 200);
        expect_field(f, cases[i].name, quoted(f, more), "TooLong");
    }
    slice tags = repeat(f, "1,", 49), tag = repeat(f, "x", 128);
    EXPECT_EQ(
        issue_with(f, "Tags", arena_printf(f->a, "[" SLICE_FMT "\"" SLICE_FMT "\"]", SLICE_ARG(tags), SLICE_ARG(tag)))
            ->status,
        200);
    expect_field(f, "Tags", arena_printf(f->a, "[" SLICE_FMT "\"" SLICE_FMT "x\"]", SLICE_ARG(tags), SLICE_ARG(tag)),
                 "TooLong");
    expect_field(f, "Tags", arena_printf(f->a, "[" SLICE_FMT "1,2]", SLICE_ARG(tags)), "TooLong");
    slice text = repeat(f, "x", 16 * 1024 - 8); /* {"a":""} */
    EXPECT_EQ(issue_with(f, "Metadata", arena_printf(f->a, "{ \"a\" : \"" SLICE_FMT "\" }", SLICE_ARG(text)))->status,
              200);
    expect_field(f, "Metadata", arena_printf(f->a, "{\"a\":\"" SLICE_FMT "x\"}", SLICE_ARG(text)), "TooLong");
    /* together, the parts of a key fit into 1024 bytes */
    expect_field(f, "Folder", arena_printf(f->a, "\"" SLICE_FMT "d\"", SLICE_ARG(repeat(f, "dir/", 300))), "TooLong");
}

TEST(all_that_is_wrong_is_named_at_once)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r =
        appfile_send(f, AF_ADMIN, PATH, "{\"Folder\":\"..\",\"Tags\":1,\"Metadata\":2,\"ActionId\":[]}");
    expect_code(f, r, 400, "ValidationError");
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 5);
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.Errors.0.FieldName"), S("FileName"));
    EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.Errors.0.ErrorCode"), S("NotEmpty"));
}

TEST(an_account_without_room_is_refused)
{
    APPFILE_FIXTURE(f);
    world_set_room(f->w, 10, 0);
    expect_code(f, appfile_send(f, AF_ADMIN, PATH, "{\"FileName\":\"a\"}"), 403, "QuotaExceeded");
    f->w->core.options.account_max_pending = 1;
    world_set_room(f->w, 1 << 20, 0);
    EXPECT_EQ(appfile_send(f, AF_ADMIN, PATH, "{\"FileName\":\"a\"}")->status, 200);
    expect_code(f, appfile_send(f, AF_ADMIN, PATH, "{\"FileName\":\"a\"}"), 403, "QuotaExceeded");
}

TEST(a_store_that_fails_is_answered_with_503_and_nothing_is_kept)
{
    APPFILE_FIXTURE(f);
    int64_t nth = 1;
    bool reached = true;
    for (; reached; nth++) {
        int64_t events = world_event_count(f->w, S("sync.issue"));
        f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = appfile_send(f, AF_ADMIN, PATH, "{\"FileName\":\"a\"}");
        reached = f->w->faults.calls >= nth;
        f->w->faults.fail_at = 0;
        EXPECT_EQ(r->status, reached ? 503 : 200);
        if (reached) {
            expect_code(f, r, 503, "ServiceUnavailable");
            EXPECT_SLICE(appfile_header(r, "Retry-After"), S("1"));
            EXPECT_EQ(world_event_count(f->w, S("sync.issue")), events);
        }
        EXPECT_EQ(world_fsck(f->w, false), 0);
    }
    EXPECT(nth > 5);
}

/* ---- the upload ---- */

TEST(bytes_are_put_with_and_without_a_type_chunked_and_not)
{
    APPFILE_FIXTURE(f);
    for (int i = 0; i < 4; i++) {
        struct fake_reply *issued = appfile_issue(f);
        slice url = url_of(f, issued);
        EXPECT(slice_starts(url, S("https://files.example.org/cais-appfile/W/import/2026/11/files/")));
        EXPECT(slice_find(url, S("X-Amz-Expires=900&")) != SLICE_NONE);
        EXPECT(slice_find(url, S("X-Amz-SignedHeaders=host")) != SLICE_NONE);
        struct fake_request r = { .method = "PUT",
                                  .target = slice_from(url, S("https://files.example.org").n),
                                  .headers = { { S("Host"), S("files.example.org") } },
                                  .host = S("files.example.org"),
                                  .body = S("hello"),
                                  .chunked = i & 1 };
        if (i & 2)
            r.headers[1] = (struct http_header){ S("Content-Type"), S("text/csv") };
        struct fake_reply *put = fake_http_send(&f->s3_http, &r);
        EXPECT_EQ(put->status, 200);
        EXPECT_EQ(put->body.n, 0);
        EXPECT_SLICE(appfile_header(put, "ETag"), S("\"5d41402abc4b2a76b9719d911017c592\""));
        struct fake_reply *status = status_of(f, AF_VIEWER, appfile_str(f, issued, "Data.FileId"));
        EXPECT_SLICE(appfile_str(f, status, "Data.File.Status"), S("uploaded"));
        EXPECT_SLICE(appfile_str(f, status, "Data.File.Result"), S("pending"));
        EXPECT_SLICE(appfile_str(f, status, "Data.File.Md5"), S("5d41402abc4b2a76b9719d911017c592"));
        EXPECT_EQ(reply_int(f->a, status, "Data.File.Size"), 5);
        EXPECT_SLICE(appfile_str(f, status, "Data.File.ContentType"),
                     i & 2 ? S("text/csv") : S("application/octet-stream"));
        EXPECT_SLICE(appfile_str(f, status, "Data.File.Uploaded"), S("2026-11-21T14:04:09.0000000Z"));
        EXPECT_SLICE(appfile_follow(f, "GET", url_of(f, status), S(""))->body, S("hello"));
    }
}

TEST(a_put_may_be_repeated_until_an_import_is_asked_for)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *issued = appfile_issue(f);
    slice url = url_of(f, issued), id = appfile_str(f, issued, "Data.FileId");
    struct sync_file file = { 0 };
    EXPECT_EQ(appfile_follow(f, "PUT", url, S(""))->status, 200); /* no bytes are bytes */
    EXPECT_EQ(appfile_follow(f, "PUT", url, S("second"))->status, 200);
    EXPECT_SLICE(appfile_follow(f, "GET", url_of(f, status_of(f, AF_VIEWER, id)), S(""))->body, S("second"));
    EXPECT_EQ(world_file_count(f->w), 1);
    EXPECT_OK(sync_file_find(&f->w->core, &f->sync.ana, id, f->a, &file));
    sync_fixture_move(&f->sync, &file, SYNC_UPLOADED, SYNC_QUEUED);
    struct fake_reply *r = appfile_follow(f, "PUT", url, S("third"));
    EXPECT_EQ(r->status, 403);
    EXPECT(slice_find(r->body, S("<Code>AccessDenied</Code>")) != SLICE_NONE);
    r = status_of(f, AF_VIEWER, id);
    EXPECT_SLICE(appfile_str(f, r, "Data.File.Status"), S("queued"));
    EXPECT(reply_bool(f->a, r, "IsSuccess"));
}

TEST(a_put_is_refused_above_the_limit_after_its_time_and_without_its_signature)
{
    APPFILE_FIXTURE(f);
    slice url = url_of(f, appfile_issue(f)), bare, unused;
    struct fake_reply *r = appfile_follow(f, "PUT", url, world_bytes(f->w, 100001));
    EXPECT_EQ(r->status, 400);
    EXPECT(slice_find(r->body, S("<Code>EntityTooLarge</Code>")) != SLICE_NONE);
    slice_cut(url, '?', &bare, &unused);
    EXPECT_EQ(appfile_follow(f, "PUT", bare, S("x"))->status, 403);
    EXPECT_EQ(appfile_follow(f, "GET", url, S(""))->status, 403); /* the method is signed */
    EXPECT_EQ(appfile_follow(f, "DELETE", url, S(""))->status, 403);
    world_wait(f->w, minutes(15) - 1);
    EXPECT_EQ(appfile_follow(f, "PUT", url, world_bytes(f->w, 100000))->status, 200);
    world_wait(f->w, 1);
    r = appfile_follow(f, "PUT", url, S("late"));
    EXPECT_EQ(r->status, 403);
    EXPECT(slice_find(r->body, S("<Code>AccessDenied</Code>")) != SLICE_NONE);
    EXPECT(slice_find(r->body, S("Request has expired")) != SLICE_NONE);
}

TEST(a_url_that_is_altered_in_any_byte_is_refused_with_403)
{
    APPFILE_FIXTURE(f);
    slice url = url_of(f, appfile_issue(f)), origin = S("https://files.example.org/");
    int64_t events = world_event_count(f->w, S("file.store"));
    static const char other[] = "aZ0-%&=?/.";
    for (size_t i = origin.n; i < url.n; i++)
        for (size_t k = 0; k < sizeof other - 1; k++) {
            slice altered = arena_copy(f->a, url);
            if (altered.p[i] == other[k])
                continue;
            ((char *)altered.p)[i] = other[k];
            struct fake_reply *r = appfile_follow(f, "PUT", altered, S("x"));
            /* With "%", "?" or "/" in the name of the bucket nobody can say what the URL was. */
            bool is_lost = i <= origin.n + S("cais-appfile").n && strchr("%?/", other[k]);
            if (is_lost ? r->status < 400 || r->status > 405 : r->status != 403)
                fail_msg("%zu: %d for " SLICE_FMT, i, r->status, SLICE_ARG(altered));
        }
    EXPECT_EQ(world_event_count(f->w, S("file.store")), events);
    EXPECT_EQ(appfile_follow(f, "PUT", url, S("x"))->status, 200);
}

TEST(a_url_ends_with_the_key_and_the_user_that_asked_for_it)
{
    APPFILE_FIXTURE(f);
    slice url = url_of(f, appfile_issue(f));
    struct key_info_list keys;
    EXPECT_OK(key_list(&f->w->core, S("ana"), ALL_IDS, f->a, &keys));
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, keys.items[2].key.id, f->a)); /* of AF_UPLOADER */
    EXPECT_EQ(appfile_follow(f, "PUT", url, S("x"))->status, 403);
}

/* ---- status ---- */

TEST(a_status_that_the_client_knows_is_not_sent_again)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *issued = appfile_issue(f);
    slice id = appfile_str(f, issued, "Data.FileId");
    struct fake_request r = { .method = "GET",
                              .target = arena_printf(f->a, "/appfile/file/" SLICE_FMT, SLICE_ARG(id)),
                              .headers = { { S("x-api-key"), f->keys[AF_VIEWER] } } };
    slice etag = appfile_header(fake_http_send(&f->http, &r), "ETag");
    EXPECT(etag.n > 2 && etag.p[0] == '"');
    r.headers[1] = (struct http_header){ S("If-None-Match"), etag };
    world_wait(f->w, minutes(14));
    struct fake_reply *same = fake_http_send(&f->http, &r);
    EXPECT(same->status == 304 && same->body.n == 0);
    EXPECT_SLICE(appfile_header(same, "ETag"), etag);
    EXPECT_EQ(appfile_follow(f, "PUT", url_of(f, issued), S("x"))->status, 200);
    struct fake_reply *now = fake_http_send(&f->http, &r);
    EXPECT_EQ(now->status, 200);
    r.headers[1].value = etag = appfile_header(now, "ETag");
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 304);
    world_wait(f->w, minutes(6)); /* its link would soon be of no use */
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 200);
}

TEST(a_file_whose_url_expired_without_bytes_has_failed)
{
    APPFILE_FIXTURE(f);
    slice id = appfile_str(f, appfile_issue(f), "Data.FileId");
    world_wait(f->w, minutes(15) - 1);
    EXPECT(reply_bool(f->a, status_of(f, AF_VIEWER, id), "IsSuccess"));
    world_wait(f->w, 1);
    for (int i = 0; i < 2; i++) {
        struct fake_reply *r = status_of(f, AF_VIEWER, id);
        EXPECT_EQ(r->status, 200);
        EXPECT(!reply_bool(f->a, r, "IsSuccess"));
        EXPECT_SLICE(appfile_str(f, r, "ResponseStatus.ErrorCode"), S("UrlExpired"));
        EXPECT_SLICE(appfile_str(f, r, "Data.File.Status"), S("expired"));
        EXPECT_SLICE(appfile_str(f, r, "Data.File.Result"), S("failed"));
        EXPECT(is_null(f, r, "Data.Url"));
        world_wait(f->w, hours(24)); /* and now the record says it, too */
        world_run_jobs(f->w);
    }
}

TEST(a_file_that_was_never_imported_is_purged)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *issued = appfile_issue(f);
    slice id = appfile_str(f, issued, "Data.FileId");
    EXPECT_EQ(appfile_follow(f, "PUT", url_of(f, issued), S("hello"))->status, 200);
    world_wait(f->w, 30 * hours(24));
    slice link = url_of(f, status_of(f, AF_VIEWER, id));
    world_run_jobs(f->w);
    struct fake_reply *r = status_of(f, AF_VIEWER, id);
    EXPECT_SLICE(appfile_str(f, r, "Data.File.Status"), S("purged"));
    EXPECT(reply_bool(f->a, r, "IsSuccess") && is_null(f, r, "Data.Url"));
    EXPECT_EQ(reply_int(f->a, r, "Data.File.Size"), 5);
    EXPECT_EQ(appfile_follow(f, "GET", link, S(""))->status, 404);
    EXPECT_EQ(world_file_count(f->w), 0);
}

/* ---- options ---- */

TEST(every_route_answers_below_the_prefix_of_the_operator)
{
    struct appfile_options options = appfile_fixture_options();
    options.path_prefix = S("/care/cloud");
    options.storage_url = S("https://files.example.org");
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    struct fake_reply *r = appfile_send(f, AF_ADMIN, "POST /care/cloud/appfile/file/path", "{\"FileName\":\"a\"}");
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(appfile_sendf(f, AF_ADMIN, NULL, "GET /care/cloud/appfile/file/" SLICE_FMT,
                            SLICE_ARG(appfile_str(f, r, "Data.FileId")))
                  ->status,
              200);
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /care/cloud/status/refresh", NULL)->status, 200);
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /status/refresh", NULL)->status, 200);
    expect_code(f, appfile_send(f, AF_ADMIN, "PUT /care/cloud/appfile/file/path", NULL), 405, "MethodNotAllowed");
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row),
          cmocka_unit_test(a_key_that_does_not_count_is_forbidden_in_both_forms),
          cmocka_unit_test(every_request_for_every_role_has_its_status),
          cmocka_unit_test(unknown_paths_and_methods_are_refused_in_the_form_of_the_api),
          cmocka_unit_test(requests_have_limits_for_each_key), cmocka_unit_test(a_whole_request_is_kept_with_the_file),
          cmocka_unit_test(names_of_members_have_any_case_and_numbers_may_stand_for_texts),
          cmocka_unit_test(the_folder_is_the_type_of_the_entity_or_files), cmocka_unit_test(each_call_makes_a_new_file),
          cmocka_unit_test(headers_win_over_the_body_and_that_over_the_key),
          cmocka_unit_test(a_body_that_is_no_object_is_refused),
          cmocka_unit_test(what_is_wrong_with_a_member_is_named_by_it),
          cmocka_unit_test(members_have_their_greatest_lengths), cmocka_unit_test(all_that_is_wrong_is_named_at_once),
          cmocka_unit_test(an_account_without_room_is_refused),
          cmocka_unit_test(a_store_that_fails_is_answered_with_503_and_nothing_is_kept),
          cmocka_unit_test(bytes_are_put_with_and_without_a_type_chunked_and_not),
          cmocka_unit_test(a_put_may_be_repeated_until_an_import_is_asked_for),
          cmocka_unit_test(a_put_is_refused_above_the_limit_after_its_time_and_without_its_signature),
          cmocka_unit_test(a_url_that_is_altered_in_any_byte_is_refused_with_403),
          cmocka_unit_test(a_url_ends_with_the_key_and_the_user_that_asked_for_it),
          cmocka_unit_test(a_status_that_the_client_knows_is_not_sent_again),
          cmocka_unit_test(a_file_whose_url_expired_without_bytes_has_failed),
          cmocka_unit_test(a_file_that_was_never_imported_is_purged),
          cmocka_unit_test(every_route_answers_below_the_prefix_of_the_operator))

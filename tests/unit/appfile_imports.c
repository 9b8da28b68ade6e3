/* SPDX-License-Identifier: Apache-2.0 */
/* Imports of the Appfile API, and what it shows of them: docs/apis/appfile.md 4, 5 and 7. */
#include "appfile_fixture.h"
#include "test.h"

#include "../../src/api/appfile/appfile_priv.h"
#include "core/job.h"
#include "core/store/job_store.h"
#include "jobs/jobs.h"

#include <string.h>

#define HEAD                                                                                                           \
    "00|C|F|20261121033000|REF-17\n01|wks_family|W|B|cc-family|SYNC\n02|entityId\n"                                    \
    "03|entityId|name|size:int\n"

static bool is_null(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    const struct json *j = reply_at(f->a, r, path);
    return j && j->type == JS_NULL;
}

static slice str(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    return appfile_str(f, r, path);
}

/* A file with these bytes. */
static slice upload(struct appfile_fixture *f, slice bytes)
{
    struct fake_reply *issued = appfile_issue(f);
    EXPECT_EQ(appfile_follow(f, "PUT", str(f, issued, "Data.Url"), bytes)->status, 200);
    return str(f, issued, "Data.FileId");
}

static struct sync_file file_of(struct appfile_fixture *f, slice handle)
{
    struct sync_file file = { 0 };
    EXPECT_OK(sync_file_find(&f->w->core, &f->sync.ana, handle, f->a, &file));
    return file;
}

#define IMPORT "POST /appfile/file/import"
#define ASYNC "POST /appdata/import/file/async"

/* Asks for the import, without waiting for its end. */
static struct fake_reply *start(struct appfile_fixture *f, slice handle, const char *action)
{
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"%s%s%s}", SLICE_ARG(handle),
                              *action ? ",\"ActionId\":\"" : "", action, *action ? "\"" : "");
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, ASYNC, body.p);
    EXPECT_EQ(r->status, 200);
    EXPECT(reply_bool(f->a, r, "IsSuccess"));
    return r;
}

static void run_jobs(struct appfile_fixture *f)
{
    EXPECT_OK(jobs_run_due(f->w->jobs, f->a));
}

static struct fake_reply *status_with(struct appfile_fixture *f, slice handle, slice etag)
{
    struct fake_request r = { .method = "GET",
                              .target = arena_printf(f->a, "/appfile/file/" SLICE_FMT, SLICE_ARG(handle)),
                              .headers = { { S("x-api-key"), f->keys[AF_VIEWER] } } };
    if (etag.n)
        r.headers[1] = (struct http_header){ S("If-None-Match"), etag };
    return fake_http_send(&f->http, &r);
}

static struct fake_reply *status_of(struct appfile_fixture *f, slice handle)
{
    struct fake_reply *r = status_with(f, handle, S(""));
    EXPECT_EQ(r->status, 200);
    return r;
}

static struct fake_reply *import_text(struct appfile_fixture *f, slice bytes)
{
    slice handle = upload(f, bytes);
    start(f, handle, "");
    run_jobs(f);
    return status_of(f, handle);
}

static void expect_rows(struct appfile_fixture *f, const struct fake_reply *r, const int64_t want[7])
{
    static const char *const names[] = { "Total", "Processed", "Inserted", "Updated", "Deleted", "Failed", "Percent" };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        EXPECT_EQ(reply_int(f->a, r, arena_printf(f->a, "Data.File.Progress.%s", names[i]).p), want[i]);
}

/* "Level: Message" of each line. */
static slice logs_of(struct appfile_fixture *f, const struct fake_reply *r)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    JSON_EACH(line, reply_at(f->a, r, "Data.File.Logs")) {
        EXPECT_EQ(json_str(line, "Time").n, 28);
        buf_printf(&text, SLICE_FMT ": " SLICE_FMT "\n", SLICE_ARG(json_str(line, "Level")),
                   SLICE_ARG(json_str(line, "Message")));
    }
    return arena_copy(f->a, buf_slice(&text));
}

/* The array at a path, without blanks. */
static slice array_at(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    SCOPED(buf_releasep) struct buf text;
    struct json_out o;
    buf_init(&text, 0);
    json_out_init(&o, &text);
    json_add_value(&o, reply_at(f->a, r, path));
    return arena_copy(f->a, buf_slice(&text));
}

/* ---- status ---- */

TEST(the_status_shows_what_an_import_did)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|Silva|4|\n10|F-2|Lee|2|\n90|F-3\n99|3\n"));
    start(f, handle, "nightly");
    struct fake_reply *r = status_of(f, handle);
    EXPECT(reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
    EXPECT_SLICE(str(f, r, "Data.File.Result"), S("pending"));
    EXPECT_SLICE(str(f, r, "Data.File.FileType"), S("cc5"));
    EXPECT_SLICE(str(f, r, "Data.File.ActionId"), S("nightly"));
    EXPECT(is_null(f, r, "Data.File.ImportStarted") && is_null(f, r, "Data.File.DataSource"));
    expect_rows(f, r, (int64_t[]){ 0, 0, 0, 0, 0, 0, 0 });
    world_wait(f->w, 1500);
    run_jobs(f);
    r = status_of(f, handle);
    EXPECT(reply_bool(f->a, r, "IsSuccess") && is_null(f, r, "ResponseStatus.ErrorCode"));
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 0);
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("imported"));
    EXPECT_SLICE(str(f, r, "Data.File.Result"), S("successful"));
    EXPECT_SLICE(str(f, r, "Data.File.DataSource"), S("cc-family"));
    EXPECT_SLICE(str(f, r, "Data.File.ReferenceId"), S("REF-17"));
    EXPECT_SLICE(str(f, r, "Data.File.ImportStarted"), S("2026-11-21T14:04:10.5000000Z"));
    EXPECT_SLICE(str(f, r, "Data.File.ImportFinished"), S("2026-11-21T14:04:10.5000000Z"));
    expect_rows(f, r, (int64_t[]){ 3, 3, 2, 0, 0, 0, 100 });
    EXPECT_SLICE(array_at(f, r, "Data.File.Errors"), S("[]"));
    EXPECT_SLICE(logs_of(f, r), arena_printf(f->a,
                                             "Info: Saving data - " SLICE_FMT "\nInfo: Saving file: " SLICE_FMT
                                             "\nInfo: Reference id: REF-17\nInfo: Import data succeed\n",
                                             SLICE_ARG(handle), SLICE_ARG(str(f, r, "Data.FilePath"))));
}

TEST(rows_that_were_refused_are_named_by_line_row_and_key)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r =
        import_text(f, S("00|C|F|2|R\n01|wks_family|||cc-family|S\n02|a|b\n03|a|b|size:int|o:object\n"
                         "10|F|1|x||\n10|F|2|2||\n10||3|3||\n10|F|4|5|{|\n10|F|5|6||7|8\n99|5\n"));
    EXPECT(reply_bool(f->a, r, "IsSuccess") && is_null(f, r, "ResponseStatus.ErrorCode"));
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("importedwitherrors"));
    EXPECT_SLICE(str(f, r, "Data.File.Result"), S("successful"));
    expect_rows(f, r, (int64_t[]){ 5, 5, 1, 0, 0, 4, 100 });
    slice errors = array_at(f, r, "Data.File.Errors");
    EXPECT_SLICE(
        errors,
        S("[{\"ErrorCode\":\"BadValue\",\"FieldName\":\"size\",\"Message\":\"'x' is not an "
          "int\",\"Meta\":{\"Line\":\"5\","
          "\"Row\":\"1\",\"Key\":\"F|1\"}},"
          "{\"ErrorCode\":\"MissingKey\",\"FieldName\":\"a\",\"Message\":\"A field of the key has no value\",\"Meta\":"
          "{\"Line\":\"7\",\"Row\":\"3\",\"Key\":\"|3\"}},"
          "{\"ErrorCode\":\"BadValue\",\"FieldName\":\"o\",\"Message\":\"'{' is not an "
          "object\",\"Meta\":{\"Line\":\"8\","
          "\"Row\":\"4\",\"Key\":\"F|4\"}},"
          "{\"ErrorCode\":\"FieldCount\",\"FieldName\":null,\"Message\":\"The row has more or fewer values than the "
          "header "
          "has fields\",\"Meta\":{\"Line\":\"9\",\"Row\":\"5\",\"Key\":\"F|5\"}}]"));
    EXPECT_SLICE(array_at(f, r, "ResponseStatus.Errors"), errors);
    EXPECT(slice_find(logs_of(f, r), S("\nWarning: Import data succeed; rows that were refused: 4\n")) != SLICE_NONE);
}

TEST(a_file_that_was_refused_has_failed_and_says_why)
{
    static const struct {
        const char *text, *code, *message, *meta;
    } cases[] = {
        { "", "EmptyFile", "The file has no line that is not empty", "null" },
        { HEAD "10|F-1|a|1|\n99|2\n", "RowCountMismatch", "The footer says another number of rows than the file has",
          "{\"Line\":\"6\"}" },
        { "00|C|F|2|R\n01|wks_family|V||cc-family|S\n02|k\n03|k\n10|1\n99|1\n", "WorkspaceMismatch",
          "The header names another workspace or bucket than that of the file: 'V'", "null" },
        { "00|C|F|2|R\n01|wks_family|||cc-family|S\n02|k\n03|k:date\n10|1\n99|1\n", "AllRowsFailed",
          "No row could be imported", "null" },
    };
    APPFILE_FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_reply *r = import_text(f, slice_of(cases[i].text));
        EXPECT(!reply_bool(f->a, r, "IsSuccess"));
        EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("ImportFailed"));
        EXPECT_SLICE(str(f, r, "ResponseStatus.Message"), slice_of(cases[i].message));
        EXPECT_SLICE(str(f, r, "Data.File.Status"), S("failed"));
        EXPECT_SLICE(str(f, r, "Data.File.Result"), S("failed"));
        EXPECT_SLICE(str(f, r, "Data.File.Errors.0.ErrorCode"), slice_of(cases[i].code));
        EXPECT_SLICE(str(f, r, "Data.File.Errors.0.Message"), slice_of(cases[i].message));
        EXPECT_SLICE(array_at(f, r, "Data.File.Errors.0.Meta"), slice_of(cases[i].meta));
        EXPECT_SLICE(array_at(f, r, "ResponseStatus.Errors"), array_at(f, r, "Data.File.Errors"));
        EXPECT(slice_find(logs_of(f, r), S("\nError: Import data failed: ")) != SLICE_NONE);
        EXPECT(slice_find(str(f, r, "Data.Url"), S("https://")) == 0);
    }
}

static slice rows_that_fail(struct appfile_fixture *f, int count)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S(HEAD "10|good|a|1|\n"));
    for (int i = 0; i < count; i++)
        buf_printf(&text, "10|F-%d|a|x%d|\n", i, i);
    buf_printf(&text, "99|%d\n", count + 1);
    return arena_copy(f->a, buf_slice(&text));
}

TEST(a_hundred_errors_are_shown_of_all_that_there_were)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = import_text(f, rows_that_fail(f, 1200));
    EXPECT_EQ(reply_count(f->a, r, "Data.File.Errors"), 100);
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 100);
    EXPECT_SLICE(str(f, r, "Data.File.Errors.99.Meta.Key"), S("F-99"));
    expect_rows(f, r, (int64_t[]){ 1201, 1201, 1, 0, 0, 1200, 100 });
}

TEST(the_etag_changes_with_the_progress)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n")), seen[4];
    for (int step = 0; step < 4; step++) {
        struct fake_reply *r = status_of(f, handle);
        seen[step] = appfile_header(r, "ETag");
        for (int i = 0; i < step; i++)
            EXPECT(!slice_eq(seen[i], seen[step]));
        r = status_with(f, handle, seen[step]);
        EXPECT(r->status == 304 && r->body.n == 0);
        EXPECT_SLICE(appfile_header(r, "ETag"), seen[step]);
        if (step == 0)
            start(f, handle, "");
        else if (step == 1)
            run_jobs(f);
        else
            start(f, handle, "again");
    }
}

TEST(the_text_of_a_result_is_the_file_of_its_status)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|x|\n10|F-2|a|1|\n99|2\n")), text, again;
    start(f, handle, "");
    run_jobs(f);
    struct fake_reply *r = status_of(f, handle);
    struct sync_file file = file_of(f, handle);
    EXPECT_OK(appfile_file_text(&f->appfile, &file, f->a, &text));
    world_wait(f->w, hours(1));
    EXPECT_OK(appfile_file_text(&f->appfile, &file, f->a, &again));
    EXPECT_SLICE(text, again);
    size_t at = slice_find(r->body, S("\"File\":")) + S("\"File\":").n;
    EXPECT_SLICE(slice_part(text, 0, text.n - 1), slice_part(r->body, at, text.n - 1));
    EXPECT(text.p[text.n - 1] == '\n');
}

/* ---- asking ---- */

/* A request that is refused, with this code. */
static void expect_code(struct appfile_fixture *f, const struct fake_reply *r, int status, const char *code)
{
    EXPECT_EQ(r->status, status);
    EXPECT(!reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), slice_of(code));
    EXPECT(is_null(f, r, "Data"));
}

TEST(every_member_of_an_import_has_its_rules)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n")), other = upload(f, S("x"));
    const char *id = arena_cstr(f->a, handle), *path = arena_cstr(f->a, str(f, status_of(f, handle), "Data.FilePath"));
    const char *other_path = arena_cstr(f->a, str(f, status_of(f, other), "Data.FilePath"));
    const char *created = arena_cstr(f->a, str(f, appfile_issue(f), "Data.FileId"));
    struct {
        const char *format, *one, *two;
        int status;
        const char *code;
    } cases[] = {
        { "{%s%s", "", "", 400, "InvalidJson" },
        { "{}%s%s", "", "", 400, "ValidationError" },
        { "{\"FileType\":\"cc5\"}%s%s", "", "", 400, "ValidationError" },
        { "{\"FileId\":\"%s\"}%s", id, "", 400, "ValidationError" },
        { "{\"FileType\":[],\"FileId\":\"%s\"}%s", id, "", 400, "ValidationError" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"%s\",\"ActionId\":\"a/b\"}%s", id, "", 400, "ValidationError" },
        { "{\"FileType\":\"csv\",\"FileId\":\"%s\"}%s", id, "", 400, "UnsupportedFileType" },
        { "{\"FileType\":5,\"FileId\":\"%s\"}%s", id, "", 400, "UnsupportedFileType" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"%s\",\"FilePath\":\"%s\"}", id, other_path, 400, "FilePathMismatch" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"%s\",\"FilePath\":\"x%s\"}", id, path, 400, "FilePathMismatch" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"none\",\"FilePath\":\"%s\"}%s", path, "", 404, "FileNotFound" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"000000000000000000000000\"}%s%s", "", "", 404, "FileNotFound" },
        { "{\"FileType\":\"cc5\",\"FilePath\":\"%sx\"}%s", path, "", 404, "FileNotFound" },
        { "{\"FileType\":\"cc5\",\"FilePath\":\"/%s\"}%s", path, "", 404, "FileNotFound" },
        { "{\"FileType\":\"cc5\",\"FilePath\":\"//other%s\"}%s", path + strlen("//cais-appfile"), "", 404,
          "FileNotFound" },
        { "{\"FileType\":\"cc5\",\"FileId\":\"%s\"}%s", created, "", 409, "FileNotUploaded" },
    };
    static const char *const calls[] = { IMPORT, "POST /appfile/file/import/async", ASYNC };
    for (size_t c = 0; c < LENGTH_OF(calls); c++)
        for (size_t i = 0; i < LENGTH_OF(cases); i++) {
            slice body = arena_printf(f->a, cases[i].format, cases[i].one, cases[i].two);
            struct fake_reply *r = appfile_send(f, AF_UPLOADER, calls[c], body.p);
            if (r->status != cases[i].status)
                fail_msg("%s %s: %d " SLICE_FMT, calls[c], body.p, r->status, SLICE_ARG(r->body));
            expect_code(f, r, cases[i].status, cases[i].code);
        }
    EXPECT_SLICE(str(f, status_of(f, handle), "Data.File.Status"), S("uploaded"));
    /* names in any case, the type in any case, and the path alone */
    slice body = arena_printf(f->a, "{\"filetype\":\"CC5\",\"FILEPATH\":\"%s\",\"more\":[]}", path);
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, ASYNC, body.p);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
    body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"%s\",\"filePath\":\"%s\"}", id, path);
    EXPECT_EQ(appfile_send(f, AF_UPLOADER, ASYNC, body.p)->status, 200);
}

TEST(a_body_of_an_import_has_a_limit)
{
    APPFILE_FIXTURE(f);
    char *large = arena_alloc(f->a, (64 << 10) + 2);
    memset(large, ' ', (64 << 10) + 1);
    expect_code(f, appfile_send(f, AF_ADMIN, IMPORT, large), 413, "RequestTooLarge");
}

TEST(an_import_needs_a_role_and_a_key_of_the_workspace)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "99|0\n"));
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(handle));
    expect_code(f, appfile_send(f, AF_VIEWER, IMPORT, body.p), 403, "AccessDenied");
    expect_code(f, appfile_send(f, AF_NOBODY, ASYNC, body.p), 403, "Forbidden");
    expect_code(f, appfile_send(f, AF_OTHER, IMPORT, body.p), 404, "FileNotFound");
    slice by_path = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FilePath\":\"" SLICE_FMT "\"}",
                                 SLICE_ARG(str(f, status_of(f, handle), "Data.FilePath")));
    expect_code(f, appfile_send(f, AF_OTHER, IMPORT, by_path.p), 404, "FileNotFound");
    EXPECT_EQ(appfile_send(f, AF_ADMIN, ASYNC, body.p)->status, 200);
}

TEST(a_file_whose_url_expired_or_whose_bytes_are_gone_is_not_imported)
{
    APPFILE_FIXTURE(f);
    slice late = str(f, appfile_issue(f), "Data.FileId"), unused = upload(f, S("x"));
    world_wait(f->w, minutes(15));
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(late));
    expect_code(f, appfile_send(f, AF_UPLOADER, IMPORT, body.p), 409, "UrlExpired");
    world_wait(f->w, 30 * hours(24));
    world_run_jobs(f->w);
    body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(unused));
    expect_code(f, appfile_send(f, AF_UPLOADER, IMPORT, body.p), 404, "FileNotFound");
}

TEST(the_call_that_does_not_wait_says_that_it_was_accepted)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n10|F-2|a|x|\n99|2\n"));
    struct fake_reply *r = start(f, handle, "mine");
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
    EXPECT_SLICE(str(f, r, "Data.ActionId"), S("mine"));
    EXPECT_SLICE(str(f, r, "Data.FileId"), handle);
    EXPECT(is_null(f, r, "ResponseStatus.ErrorCode") && is_null(f, r, "ResponseStatus.Message"));
    EXPECT_EQ(r->suspensions, 0);
    slice bytes = appfile_follow(f, "GET", str(f, r, "Data.Url"), S(""))->body;
    EXPECT(slice_starts(bytes, S("00|C|F|")));
    run_jobs(f);
    r = start(f, handle, "mine"); /* it was successful: nothing runs, and nothing is said of it */
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("importedwitherrors"));
    EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), 0);
    EXPECT_EQ(reply_count(f->a, r, "Data.File.Errors"), 1);
}

/* ---- waiting ---- */

/* What happens while a request waits: the steps, one each time when it is asked in vain, and then only time that passes. */
struct story {
    struct appfile_fixture *f;
    bool (*step)(struct story *); /* false: the client goes away */
    int steps;
    int64_t step_ms;
    slice handle;
};

static bool go_on(void *arg)
{
    struct story *s = arg;
    s->steps++;
    world_wait(s->f->w, s->step_ms);
    return s->step(s);
}

static struct fake_reply *import_while(struct appfile_fixture *f, enum appfile_person who, slice handle,
                                       const char *action, struct story *s)
{
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"%s%s%s}", SLICE_ARG(handle),
                              *action ? ",\"ActionId\":\"" : "", action, *action ? "\"" : "");
    s->f = f;
    s->handle = handle;
    f->http.while_paused = go_on;
    f->http.while_paused_arg = s;
    struct fake_reply *r = appfile_send(f, who, IMPORT, body.p);
    f->http.while_paused = NULL;
    EXPECT(!f->appfile.waits.first); /* its place was given back */
    return r;
}

static bool let_jobs_run(struct story *s)
{
    if (s->steps == 3)
        run_jobs(s->f);
    return true;
}

static bool let_time_pass(struct story *s)
{
    (void)s;
    return true;
}

TEST(the_call_that_waits_shows_how_the_import_ended)
{
    static const struct {
        const char *text, *status, *code;
        bool is_success;
        size_t errors;
    } cases[] = {
        { HEAD "10|F-1|a|1|\n99|1\n", "imported", "", true, 0 },
        { HEAD "10|F-1|a|1|\n10|F-2|a|x|\n99|2\n", "importedwitherrors", "", true, 1 },
        { HEAD "10|F-1|a|1|\n99|7\n", "failed", "ImportFailed", false, 1 },
    };
    APPFILE_FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct story s = { .step = let_jobs_run, .step_ms = 500 };
        struct fake_reply *r = import_while(f, AF_UPLOADER, upload(f, slice_of(cases[i].text)), "", &s);
        EXPECT_EQ(r->status, 200);
        EXPECT_EQ(reply_bool(f->a, r, "IsSuccess"), cases[i].is_success);
        EXPECT(*cases[i].code ||
               (is_null(f, r, "ResponseStatus.ErrorCode") && is_null(f, r, "ResponseStatus.Message")));
        if (*cases[i].code)
            EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), slice_of(cases[i].code));
        EXPECT_SLICE(str(f, r, "Data.File.Status"), slice_of(cases[i].status));
        EXPECT_EQ(reply_count(f->a, r, "ResponseStatus.Errors"), cases[i].errors);
        EXPECT(slice_starts(str(f, r, "Data.Url"), S("https://")));
        EXPECT_EQ(s.steps, 3);
    }
}

TEST(an_import_that_takes_longer_goes_on_in_the_background)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n"));
    struct story s = { .step = let_time_pass, .step_ms = 500 };
    struct fake_reply *r = import_while(f, AF_UPLOADER, handle, "", &s);
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(s.steps, 50); /* of half a second */
    EXPECT(reply_bool(f->a, r, "IsSuccess") && is_null(f, r, "ResponseStatus.ErrorCode"));
    EXPECT_SLICE(str(f, r, "ResponseStatus.Message"), S("Import continues in the background"));
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
    run_jobs(f);
    EXPECT_SLICE(str(f, status_of(f, handle), "Data.File.Status"), S("imported"));
}

TEST(a_request_that_waits_keeps_little_memory)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "99|0\n"));
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    buf_printf(&body, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\",\"more\":[0", SLICE_ARG(handle));
    while (body.n < 30000)
        buf_add(&body, S(",0"));
    buf_add(&body, S("]}"));
    struct story s = { .f = f, .step = let_time_pass, .step_ms = seconds(1) };
    f->http.while_paused = go_on;
    f->http.while_paused_arg = &s;
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, IMPORT, arena_cstr(f->a, buf_slice(&body)));
    EXPECT_EQ(r->suspensions, 1);
    EXPECT(r->peak_bytes > 1 << 20);        /* with the tree of the body … */
    EXPECT(r->suspended_bytes < 40 * 1024); /* … which is not kept */
}

static bool let_the_client_go(struct story *s)
{
    return s->steps < 2;
}

TEST(a_client_that_goes_away_gives_its_place_back_and_the_import_goes_on)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n"));
    struct story s = { .step = let_the_client_go, .step_ms = 500 };
    struct fake_reply *r = import_while(f, AF_UPLOADER, handle, "", &s);
    EXPECT(r->gone && r->status == 200); /* one that has closed only its side reads it */
    EXPECT_SLICE(str(f, r, "ResponseStatus.Message"), S("Import continues in the background"));
    run_jobs(f);
    EXPECT_SLICE(str(f, status_of(f, handle), "Data.File.Status"), S("imported"));
}

static bool revoke_the_key(struct story *s)
{
    struct key_info_list keys;
    EXPECT_OK(key_list(&s->f->w->core, S("ana"), ALL_IDS, s->f->a, &keys));
    EXPECT_OK(key_revoke(&s->f->w->core, &s->f->w->operator_, keys.items[2].key.id, s->f->a)); /* of AF_UPLOADER */
    return true;
}

TEST(a_key_that_is_revoked_ends_the_waiting)
{
    APPFILE_FIXTURE(f);
    struct story s = { .step = revoke_the_key, .step_ms = 500 };
    expect_code(f, import_while(f, AF_UPLOADER, upload(f, S(HEAD "99|0\n")), "", &s), 403, "Forbidden");
    EXPECT_EQ(s.steps, 1);
}

static bool start_again_at_the_end(struct story *s)
{
    if (s->steps == 1) {
        run_jobs(s->f);
        start(s->f, s->handle, "another");
    }
    return true;
}

TEST(of_an_import_that_somebody_asked_for_again_the_end_is_enough)
{
    APPFILE_FIXTURE(f);
    struct story s = { .step = start_again_at_the_end, .step_ms = 500 };
    struct fake_reply *r = import_while(f, AF_UPLOADER, upload(f, S(HEAD "10|F-1|a|1|\n99|1\n")), "", &s);
    EXPECT_EQ(s.steps, 1);
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
    EXPECT_SLICE(str(f, r, "Data.ActionId"), S("another"));
}

struct crowd {
    struct appfile_fixture *f;
    slice handles[4];
    int depth, waiting;
};

/* While one waits, the next one asks. */
static bool ask_too(void *arg)
{
    struct crowd *c = arg;
    struct appfile_fixture *f = c->f;
    if (c->depth == 3) {
        world_wait(f->w, seconds(25));
        return true;
    }
    c->depth++;
    slice body =
        arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(c->handles[c->depth]));
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, IMPORT, body.p);
    EXPECT_SLICE(str(f, r, "ResponseStatus.Message"), S("Import continues in the background"));
    c->waiting += r->suspensions > 0;
    return true;
}

TEST(only_so_many_wait_and_the_others_are_answered_at_once)
{
    for (int limit = 0; limit < 2; limit++) {
        struct appfile_options options = appfile_fixture_options();
        options.max_waiting = limit ? 100 : 2;
        options.max_account_waiting = limit ? 2 : 0;
        SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
        struct crowd c = { .f = f };
        for (size_t i = 0; i < LENGTH_OF(c.handles); i++)
            c.handles[i] = upload(f, S(HEAD "99|0\n"));
        f->http.while_paused = ask_too;
        f->http.while_paused_arg = &c;
        slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(c.handles[0]));
        EXPECT_EQ(appfile_send(f, AF_UPLOADER, IMPORT, body.p)->suspensions, 1);
        EXPECT_EQ(c.depth, 3);
        EXPECT_EQ(c.waiting, 1); /* beside the first one */
    }
}

TEST(no_call_waits_when_the_time_to_wait_is_0)
{
    struct appfile_options options = appfile_fixture_options();
    options.import_wait_ms = 0;
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    struct story s = { .step = let_time_pass };
    struct fake_reply *r = import_while(f, AF_UPLOADER, upload(f, S(HEAD "99|0\n")), "", &s);
    EXPECT_EQ(r->suspensions, 0);
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("queued"));
}

/* ---- one import for several requests ---- */

static int64_t jobs_of(struct appfile_fixture *f, const char *kind)
{
    struct job_list jobs;
    int64_t count = 0;
    EXPECT_OK(job_list(&f->w->core, ALL_IDS, f->a, &jobs));
    for (size_t i = 0; i < jobs.count; i++)
        count += slice_eq(jobs.items[i].kind, slice_of(kind));
    return count;
}

TEST(two_imports_of_a_file_at_once_are_one_job)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n"));
    start(f, handle, "one");
    EXPECT_SLICE(str(f, start(f, handle, "two"), "Data.ActionId"), S("one")); /* the one that waits is shown */
    struct story s = { .step = let_jobs_run, .step_ms = 500 };
    struct fake_reply *r = import_while(f, AF_ADMIN, handle, "three", &s); /* and waits for it */
    EXPECT_EQ(s.steps, 3);
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("imported"));
    EXPECT_SLICE(str(f, r, "Data.ActionId"), S("one"));
    EXPECT_EQ(jobs_of(f, "import"), 1);
}

TEST(the_same_action_runs_again_only_after_a_failure)
{
    APPFILE_FIXTURE(f);
    slice good = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n")), bad = upload(f, S(HEAD "99|1\n"));
    struct story s = { .step = let_jobs_run, .step_ms = 500 };
    for (int i = 0; i < 2; i++) {
        s.steps = 0;
        struct fake_reply *r = import_while(f, AF_UPLOADER, good, "mine", &s);
        EXPECT_SLICE(str(f, r, "Data.File.Status"), S("imported"));
        EXPECT_EQ(reply_int(f->a, r, "Data.File.Progress.Inserted"), 1); /* the stored result */
        EXPECT_EQ(s.steps, i ? 0 : 3);
        EXPECT_EQ(jobs_of(f, "import"), i + 1);
        s.steps = 0;
        r = import_while(f, AF_UPLOADER, bad, "mine", &s);
        EXPECT_SLICE(str(f, r, "Data.File.Status"), S("failed"));
        EXPECT_EQ(s.steps, 3);
        EXPECT_EQ(jobs_of(f, "import"), i + 2);
    }
    s.steps = 0;
    struct fake_reply *r = import_while(f, AF_UPLOADER, good, "yours", &s); /* a re-import */
    EXPECT_EQ(reply_int(f->a, r, "Data.File.Progress.Updated"), 1);
    EXPECT_SLICE(str(f, r, "Data.ActionId"), S("yours"));
    EXPECT_EQ(jobs_of(f, "import"), 4);
}

TEST(the_description_of_an_import_is_that_of_the_file_from_then_on)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "99|0\n"));
    slice body = arena_printf(
        f->a, "{\"FileType\":\"json\",\"FileId\":\"" SLICE_FMT "\",\"Description\":\"nightly \u00fc\",\"ActionId\":17}",
        SLICE_ARG(handle));
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, ASYNC, body.p);
    EXPECT_SLICE(str(f, r, "Data.File.Description"), S("nightly \xc3\xbc"));
    EXPECT_SLICE(str(f, r, "Data.File.ActionId"), S("17"));
    EXPECT_SLICE(str(f, r, "Data.File.FileType"), S("json"));
}

TEST(a_store_that_fails_while_an_import_is_asked_for_leaves_nothing_half_done)
{
    APPFILE_FIXTURE(f);
    slice handle = upload(f, S(HEAD "10|F-1|a|1|\n99|1\n"));
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(handle));
    bool reached = true;
    for (int64_t nth = 1; reached; nth++) {
        f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
        struct fake_reply *r = appfile_send(f, AF_UPLOADER, ASYNC, body.p);
        reached = f->w->faults.calls >= nth;
        f->w->faults.fail_at = 0;
        bool is_queued = file_of(f, handle).state == SYNC_QUEUED;
        if (reached)
            expect_code(f, r, 503, "ServiceUnavailable");
        EXPECT(!reached || jobs_of(f, "import") == is_queued); /* a reply may fail after the write */
        EXPECT_EQ(world_fsck(f->w, false), 0);
    }
    EXPECT_EQ(jobs_of(f, "import"), 1);
}

/* ---- rows in the request ---- */

#define DATA "POST /appfile/file/import/data"
#define ROWS                                                                                                           \
    "{\"header\":{\"metadata\":{\"keys\":[\"entityId\"],\"entityType\":\"wks_family\",\"dataSource\":\"cc-family\"},"  \
    "\"FieldMappings\":{\"entityId\":{},\"name\":{}}}, \"data\":[{\"entityId\":\"F-1\",\"name\":\"x\"}],"              \
    "\"footer\":{\"total\":1},\"InstanceId\":\"I-7\"}"

static struct fake_reply *send_data(struct appfile_fixture *f, struct fake_request *r, struct story *s)
{
    s->f = f;
    f->http.while_paused = go_on;
    f->http.while_paused_arg = s;
    r->method = "POST";
    r->target = S("/appfile/file/import/data");
    r->headers[0] = (struct http_header){ S("x-api-key"), f->keys[AF_UPLOADER] };
    struct fake_reply *reply = fake_http_send(&f->http, r);
    f->http.while_paused = NULL;
    EXPECT(!f->appfile.waits.first);
    return reply;
}

static struct fake_reply *import_data(struct appfile_fixture *f, const char *body)
{
    struct story s = { .step = let_jobs_run, .step_ms = 500 };
    return send_data(f, &(struct fake_request){ .body = slice_of(body), .piece = 7 }, &s);
}

TEST(rows_in_a_request_become_a_file_and_are_imported)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r =
        import_data(f, "{ \"ActionId\" : \"mine\", \"importdata\" : " ROWS ",\"Description\":\"small\",\"More\":[{}]}");
    EXPECT_EQ(r->status, 200);
    EXPECT(reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(str(f, r, "Data.ActionId"), S("mine"));
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("imported"));
    EXPECT_SLICE(str(f, r, "Data.File.Source"), S("data"));
    EXPECT_SLICE(str(f, r, "Data.File.FileType"), S("json"));
    EXPECT_SLICE(str(f, r, "Data.File.Description"), S("small"));
    EXPECT_SLICE(str(f, r, "Data.File.ReferenceId"), S("I-7"));
    EXPECT_SLICE(str(f, r, "Data.File.ContentType"), S("application/json"));
    EXPECT(is_null(f, r, "Data.File.UrlExpires"));
    EXPECT_EQ(reply_int(f->a, r, "Data.File.Size"), (int64_t)strlen(ROWS));
    expect_rows(f, r, (int64_t[]){ 1, 1, 1, 0, 0, 0, 100 });
    slice id = str(f, r, "Data.FileId");
    EXPECT_SLICE(str(f, r, "Data.FilePath"),
                 arena_printf(f->a, "//cais-appfile/W/import/2026/11/files/" SLICE_FMT "_data.json", SLICE_ARG(id)));
    EXPECT_SLICE(str(f, r, "Data.File.FilePath"), str(f, r, "Data.FilePath"));
    EXPECT_SLICE(str(f, r, "Data.File.Url"), str(f, r, "Data.Url"));
    EXPECT_SLICE(appfile_follow(f, "GET", str(f, r, "Data.Url"), S(""))->body, S(ROWS));
    EXPECT_EQ(appfile_follow(f, "PUT", str(f, r, "Data.Url"), S("x"))->status, 403);
    EXPECT_EQ(world_file_count(f->w), 1);
    EXPECT_EQ(world_event_count(f->w, S("sync.take")), 1);
    EXPECT_EQ(world_fsck(f->w, false), 0);
    /* it can be imported again by its id */
    slice body = arena_printf(f->a, "{\"FileType\":\"json\",\"FileId\":\"" SLICE_FMT "\",\"ActionId\":\"again\"}",
                              SLICE_ARG(id));
    EXPECT_SLICE(str(f, appfile_send(f, AF_UPLOADER, ASYNC, body.p), "Data.File.Status"), S("queued"));
}

TEST(rows_in_a_request_have_the_errors_of_a_file)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = import_data(f, "{\"ImportData\":{}}");
    EXPECT(r->status == 200 && !reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(str(f, r, "ResponseStatus.ErrorCode"), S("ImportFailed"));
    EXPECT_SLICE(str(f, r, "ResponseStatus.Errors.0.ErrorCode"), S("BadHeader"));
    r = import_data(
        f, "{\"ImportData\":{\"header\":{\"metadata\":{\"keys\":[\"k\"],\"entityType\":\"wks_family\",\"dataSource\":"
           "\"cc-family\"},\"FieldMappings\":{\"k\":{\"type\":\"int\"}}},\"data\":[{\"k\":\"x\"},{\"k\":1}]}}");
    EXPECT(r->status == 200 && reply_bool(f->a, r, "IsSuccess"));
    EXPECT_SLICE(str(f, r, "Data.File.Status"), S("importedwitherrors"));
    EXPECT_SLICE(str(f, r, "ResponseStatus.Errors.0.Message"), S("'\"x\"' is not an int"));
}

TEST(rows_in_a_request_go_where_other_new_files_go)
{
    APPFILE_FIXTURE(f);
    struct fake_reply *r = import_data(f, "{\"BucketId\":\"other\",\"ImportData\":" ROWS "}");
    EXPECT_SLICE(str(f, r, "Data.File.BucketId"), S("other"));
    EXPECT_EQ(str(f, r, "Data.ActionId").n, 24);
    struct story s = { .step = let_jobs_run, .step_ms = 500 };
    struct fake_request request = { .headers = { { S("") }, { S("X-Param-Override-BucketId"), S("B") } },
                                    .body = S("{\"BucketId\":\"other\",\"ImportData\":" ROWS "}") };
    EXPECT_SLICE(str(f, send_data(f, &request, &s), "Data.File.BucketId"), S("B"));
    expect_code(f, import_data(f, "{\"BucketId\":\"none\",\"ImportData\":" ROWS "}"), 403, "AccessDenied");
    expect_code(f, import_data(f, "{\"ImportData\":" ROWS ",\"WorkspaceId\":\"V\"}"), 403, "AccessDenied");
    EXPECT_EQ(world_file_count(f->w), 2);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(a_request_with_rows_is_refused_as_a_whole)
{
    static const struct {
        const char *body;
        int status;
        const char *code;
    } cases[] = {
        { "", 400, "InvalidJson" },
        { "[]", 400, "InvalidJson" },
        { "{\"ImportData\":{}", 400, "InvalidJson" },
        { "{\"ImportData\":{\"data\":tru}}", 400, "InvalidJson" },
        { "{\"ImportData\":{\"data\":[}}", 400, "InvalidJson" },
        { "{\"ImportData\":{\"a\":\"\xff\"}}", 400, "InvalidJson" },
        { "{\"ImportData\":{}}x", 400, "InvalidJson" },
        { "{\"ImportData\":{},\"a\":1,\"a\":2}", 400, "InvalidJson" },
        { "{}", 400, "ValidationError" },
        { "{\"ImportData\":null}", 400, "ValidationError" },
        { "{\"ImportData\":[]}", 400, "ValidationError" },
        { "{\"ImportData\":\"x\"}", 400, "ValidationError" },
        { "{\"ImportData\":{},\"importData\":{}}", 400, "ValidationError" },
        { "{\"ImportData\":{},\"ActionId\":\"a/b\"}", 400, "ValidationError" },
        { "{\"ImportData\":{},\"ActionId\":[]}", 400, "ValidationError" },
    };
    APPFILE_FIXTURE(f);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fake_reply *r = import_data(f, cases[i].body);
        if (r->status != cases[i].status)
            fail_msg("%s: %d", cases[i].body, r->status);
        expect_code(f, r, cases[i].status, cases[i].code);
    }
    expect_code(f, appfile_send(f, AF_VIEWER, DATA, "{\"ImportData\":" ROWS "}"), 403, "AccessDenied");
    struct story s = { .step = let_time_pass };
    expect_code(f, send_data(f, &(struct fake_request){ .body = S("{\"ImportData\":" ROWS), .cut = true }, &s), 400,
                "BadRequest");
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT_EQ(world_event_count(f->w, S("sync.take")), 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* {"a":"xxx…","ImportData":{"data":"xxx…"}} with so many bytes in either. */
static slice large_body(struct appfile_fixture *f, size_t around, size_t data)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S("{\"a\":\""));
    memset(buf_reserve(&text, around), 'x', around);
    text.n += around;
    buf_add(&text, S("\",\"ImportData\":{\"data\":\""));
    memset(buf_reserve(&text, data), 'x', data);
    text.n += data;
    buf_add(&text, S("\"}}"));
    return arena_copy(f->a, buf_slice(&text));
}

TEST(rows_in_a_request_have_ten_mebibytes_and_take_little_memory)
{
    struct appfile_options options = appfile_fixture_options();
    options.max_file_bytes = 1 << 30;
    SCOPED(appfile_fixture_freep) struct appfile_fixture *f = appfile_fixture_new(&options);
    struct story s = { .step = let_jobs_run, .step_ms = 500 };
    size_t most = (size_t)10 << 20, frame = large_body(f, 0, 0).n;
    for (int chunked = 0; chunked < 2; chunked++) {
        struct fake_request r = { .body = large_body(f, 0, most - frame), .chunked = chunked, .piece = 65536 };
        struct fake_reply *reply = send_data(f, &r, &s);
        EXPECT_EQ(reply->status, 200);
        EXPECT(reply->peak_bytes < 100 * 1024);
        s.steps = 0;
        r.body = large_body(f, 0, most - frame + 1);
        reply = send_data(f, &r, &s);
        expect_code(f, reply, 413, "RequestTooLarge");
        EXPECT_EQ(reply->received, chunked); /* else it is refused before it comes */
    }
    struct fake_request around = { .body = large_body(f, 60000, 0) };
    EXPECT_EQ(send_data(f, &around, &s)->status, 200);
    around.body = large_body(f, 66000, 0);
    expect_code(f, send_data(f, &around, &s), 413, "RequestTooLarge");
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(an_account_without_room_takes_no_rows)
{
    APPFILE_FIXTURE(f);
    world_set_room(f->w, 100, 0);
    expect_code(f, import_data(f, "{\"ImportData\":" ROWS "}"), 403, "QuotaExceeded");
    world_set_room(f->w, (int64_t)strlen(ROWS) + 300, 0); /* for the file, and not for its sync file */
    expect_code(f, import_data(f, "{\"ImportData\":" ROWS "}"), 403, "QuotaExceeded");
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

static void revoke_uploader(void *arg)
{
    struct story s = { .f = arg };
    revoke_the_key(&s);
}

TEST(a_key_that_is_revoked_brings_no_rows)
{
    APPFILE_FIXTURE(f);
    struct story s = { .step = let_time_pass };
    struct fake_request r = { .body = S("{\"ImportData\":" ROWS "}"), .midway = revoke_uploader, .midway_arg = f };
    expect_code(f, send_data(f, &r, &s), 403, "Forbidden");
    EXPECT_EQ(world_file_count(f->w), 0);
}

TEST(a_store_that_fails_while_rows_come_leaves_nothing_half_done)
{
    APPFILE_FIXTURE(f);
    slice large = large_body(f, 0, 30000);
    for (int size = 0; size < 2; size++) {
        bool reached = true;
        for (int64_t nth = 1; reached; nth++) {
            struct story s = { .step = let_the_client_go };
            int64_t files = world_file_count(f->w), taken = world_event_count(f->w, S("sync.take"));
            f->w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
            struct fake_request r = { .body = size ? large : S("{\"ImportData\":" ROWS "}") };
            struct fake_reply *reply = send_data(f, &r, &s);
            reached = f->w->faults.calls >= nth;
            f->w->faults.fail_at = 0;
            int64_t more = world_file_count(f->w) - files;
            EXPECT(more == 0 || more == 1);
            EXPECT(reply->status == 200 ? more == 1
                                        : reached && reply->status == 503); /* it may fail after the write */
            EXPECT_EQ(world_event_count(f->w, S("sync.take")) - taken, more);
            EXPECT_EQ(world_fsck(f->w, false), 0);
        }
    }
}

RUN_TESTS(cmocka_unit_test(the_status_shows_what_an_import_did),
          cmocka_unit_test(rows_that_were_refused_are_named_by_line_row_and_key),
          cmocka_unit_test(a_file_that_was_refused_has_failed_and_says_why),
          cmocka_unit_test(a_hundred_errors_are_shown_of_all_that_there_were),
          cmocka_unit_test(the_etag_changes_with_the_progress),
          cmocka_unit_test(the_text_of_a_result_is_the_file_of_its_status),
          cmocka_unit_test(every_member_of_an_import_has_its_rules), cmocka_unit_test(a_body_of_an_import_has_a_limit),
          cmocka_unit_test(an_import_needs_a_role_and_a_key_of_the_workspace),
          cmocka_unit_test(a_file_whose_url_expired_or_whose_bytes_are_gone_is_not_imported),
          cmocka_unit_test(the_call_that_does_not_wait_says_that_it_was_accepted),
          cmocka_unit_test(the_call_that_waits_shows_how_the_import_ended),
          cmocka_unit_test(an_import_that_takes_longer_goes_on_in_the_background),
          cmocka_unit_test(a_request_that_waits_keeps_little_memory),
          cmocka_unit_test(a_client_that_goes_away_gives_its_place_back_and_the_import_goes_on),
          cmocka_unit_test(a_key_that_is_revoked_ends_the_waiting),
          cmocka_unit_test(of_an_import_that_somebody_asked_for_again_the_end_is_enough),
          cmocka_unit_test(only_so_many_wait_and_the_others_are_answered_at_once),
          cmocka_unit_test(no_call_waits_when_the_time_to_wait_is_0),
          cmocka_unit_test(two_imports_of_a_file_at_once_are_one_job),
          cmocka_unit_test(the_same_action_runs_again_only_after_a_failure),
          cmocka_unit_test(the_description_of_an_import_is_that_of_the_file_from_then_on),
          cmocka_unit_test(a_store_that_fails_while_an_import_is_asked_for_leaves_nothing_half_done),
          cmocka_unit_test(rows_in_a_request_become_a_file_and_are_imported),
          cmocka_unit_test(rows_in_a_request_have_the_errors_of_a_file),
          cmocka_unit_test(rows_in_a_request_go_where_other_new_files_go),
          cmocka_unit_test(a_request_with_rows_is_refused_as_a_whole),
          cmocka_unit_test(rows_in_a_request_have_ten_mebibytes_and_take_little_memory),
          cmocka_unit_test(an_account_without_room_takes_no_rows),
          cmocka_unit_test(a_key_that_is_revoked_brings_no_rows),
          cmocka_unit_test(a_store_that_fails_while_rows_come_leaves_nothing_half_done))

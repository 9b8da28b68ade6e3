/* SPDX-License-Identifier: Apache-2.0 */
/* What docs/apis/pyrus.md promises, rule by rule; docs/apis/pyrus-rules.md says which test holds which rule. */
#include "test.h"

#include "../../src/api/pyrus/pyrus_priv.h"
#include "core/task/document.h"
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESK(name)                                                                                                     \
    SCOPED(desk_freep) struct desk *name = desk_new(NULL);                                                             \
    __attribute__((unused)) struct desk_user ana = desk_user(name, "ana", "Ana Prado")
#define MULTIPART                                                                                                      \
    {                                                                                                                  \
        S("Content-Type"), S("multipart/form-data; boundary=b1")                                                       \
    }

static char *text(struct desk *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
static char *text(struct desk *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(d->a, fmt, args);
    va_end(args);
    return arena_cstr(d->a, s);
}

static struct fake_reply *post_upload(struct desk *d, const struct desk_user *u, slice body)
{
    return fake_http_send(&d->http, &(struct fake_request){ .method = "POST",
                                                            .target = S("/v4/files/upload"),
                                                            .token = u->token,
                                                            .headers = { MULTIPART },
                                                            .body = body,
                                                            .piece = 7 });
}

/* A task of ana's with one file; the reply. */
static struct fake_reply *task_with_file(struct desk *d, const struct desk_user *u, const char *name, slice bytes)
{
    slice guid = desk_upload(d, u, name, bytes);
    return desk_send(d, u, "POST", "/v4/tasks",
                     text(d, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
}

static struct fake_reply *comment(struct desk *d, const struct desk_user *u, int64_t task, const char *json)
{
    return desk_send(d, u, "POST", text(d, "/v4/tasks/%d/comments", (int)task), json);
}

static struct fake_reply *download(struct desk *d, const struct desk_user *u, int64_t id)
{
    return desk_send(d, u, "GET", text(d, "/v4/files/download/%d", (int)id), "");
}

/* ---- tables ---- */

TEST(every_error_code_has_an_answer)
{
    for (int i = 0; i < ERR_CODE_COUNT; i++)
        if (pyrus_of_err[i] == PYRUS_NONE)
            fail_msg("no row for %s", err_code_name((enum err_code)i));
    for (int i = 1; i < PYRUS_ERROR_COUNT; i++)
        EXPECT(pyrus_vendor_errors[i].status >= 400 && pyrus_vendor_errors[i].code && pyrus_vendor_errors[i].text);
    for (int i = 0; i < TASK_REFUSAL_COUNT; i++)
        EXPECT(pyrus_of_refusal[i] != PYRUS_NONE);
}

TEST(permission_problems_are_never_401)
{
    for (int i = 0; i < TASK_REFUSAL_COUNT; i++)
        EXPECT(pyrus_vendor_errors[pyrus_of_refusal[i]].status != 401);
    EXPECT_EQ(pyrus_vendor_errors[pyrus_of_err[ERR_FORBIDDEN]].status, 403);
}

/* ---- §1 hosts and paths ---- */

TEST(every_path_answers_under_every_alias)
{
    DESK(d);
    struct fake_reply *task = task_with_file(d, &ana, "a.txt", S("hello"));
    int id = (int)desk_int(d, task, "task.attachments.0.id"), t = (int)desk_int(d, task, "task.id");
    const char *paths[] = { "/v4/files/download/%d",      "/api/v4/files/download/%d",  "/files/download/%d",
                            "/services/attachment?Id=%d", "/services/attachment?id=%d", "/services/attachment/?ID=%d",
                            "/v4/files/download/%d/" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        char path[100];
        snprintf(path, sizeof path, paths[i], id);
        EXPECT_SLICE(desk_send(d, &ana, "GET", path, "")->body, S("hello"));
    }
    EXPECT_EQ(desk_send(d, &ana, "GET", text(d, "/api/v4/tasks/%d/", t), "")->status, 200);
    EXPECT_EQ(desk_send(d, &ana, "GET", "/api/v4/profile/?withinactive=true", "")->status, 200);
    EXPECT_EQ(desk_send(d, NULL, "POST", "/api/v4/auth/", "{}")->status, 400);
    EXPECT_EQ(desk_send(d, NULL, "POST", "/v4/auth", "{}")->status, 400);
    EXPECT_EQ(desk_send(d, &ana, "GET", "/V4/profile", "")->status, 404);
}

TEST(unknown_paths_and_methods_say_message_too)
{
    DESK(d);
    struct fake_reply *r = desk_send(d, &ana, "GET", "/v4/forms", "");
    EXPECT_FAILURE(d, r, 404, "invalid_input");
    EXPECT_SLICE(desk_text(d, r, "Message"), desk_text(d, r, "error"));
    r = desk_send(d, &ana, "PUT", "/v4/profile", "{}");
    EXPECT_FAILURE(d, r, 405, "invalid_input");
    EXPECT(desk_at(d, r, "Message"));
}

/* ---- §2 conventions ---- */

TEST(answers_are_json_objects_with_the_type_clients_look_for)
{
    DESK(d);
    EXPECT_SLICE(desk_send(d, &ana, "GET", "/v4/profile", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(desk_send(d, NULL, "GET", "/v4/profile", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(desk_send(d, NULL, "GET", "/v4/x", "")->content_type, S("application/json; charset=utf-8"));
}

TEST(null_and_empty_fields_are_left_out)
{
    DESK(d);
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks",
                                     "{\"text\":\"t\",\"subject\":null,\"participants\":[],\"due_date\":null,"
                                     "\"attachments\":null,\"list_ids\":[]}");
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(slice_find(r->body, S("null")), SLICE_NONE);
    EXPECT_EQ(slice_find(r->body, S("[]")), SLICE_NONE);
    const char *absent[] = { "subject",  "responsible",    "participants", "subscribers", "due_date",   "due",
                             "duration", "parent_task_id", "list_ids",     "close_date",  "attachments" };
    for (size_t i = 0; i < LENGTH_OF(absent); i++)
        EXPECT(!desk_at(d, r, text(d, "task.%s", absent[i])));
    const char *absent_of_comment[] = {
        "attachments",          "action",   "subject", "reassigned_to", "participants_added",
        "participants_removed", "due_date", "due"
    };
    for (size_t i = 0; i < LENGTH_OF(absent_of_comment); i++)
        EXPECT(!desk_at(d, r, text(d, "task.comments.0.%s", absent_of_comment[i])));
}

TEST(dates_are_utc_without_fraction)
{
    DESK(d);
    clock_manual_advance(&d->w->clock, 123);
    struct fake_reply *r =
        desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\",\"due\":\"2026-11-30T10:00:00.5Z\",\"duration\":30}");
    EXPECT_SLICE(desk_text(d, r, "task.create_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(desk_text(d, r, "task.comments.0.create_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(desk_text(d, r, "task.due"), S("2026-11-30T10:00:00Z"));
    EXPECT_EQ(desk_int(d, r, "task.duration"), 30);
}

TEST(a_get_may_carry_a_body)
{
    DESK(d);
    EXPECT_EQ(desk_send(d, &ana, "GET", "/v4/profile", "{}\n")->status, 200);
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", S("x")), "task.attachments.0.id");
    EXPECT_SLICE(desk_send(d, &ana, "GET", text(d, "/v4/files/download/%d", (int)id), "{}\n")->body, S("x"));
}

/* ---- §3 login and tokens ---- */

static struct fake_reply *login(struct desk *d, const char *login, slice key, const char *more)
{
    return desk_send(d, NULL, "POST", "/api/v4/auth",
                     text(d, "{\"login\":\"%s\",\"security_key\":\"" SLICE_FMT "\"%s}", login, SLICE_ARG(key), more));
}

TEST(login_gives_a_token_and_both_urls)
{
    DESK(d);
    struct fake_reply *r = login(d, "ana", ana.key, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(desk_text(d, r, "api_url"), S("https://files.example.org/v4/"));
    EXPECT_SLICE(desk_text(d, r, "files_url"), S("https://files.example.org/"));
    struct desk_user again = ana;
    again.token = desk_text(d, r, "access_token");
    EXPECT_EQ(slice_find_byte(again.token, '.'), SLICE_NONE);
    EXPECT_EQ(desk_send(d, &again, "GET", "/v4/profile", "")->status, 200);
}

TEST(login_ignores_an_empty_bearer_and_strange_headers)
{
    DESK(d);
    char *body = text(d, "{\"login\":\"ana\",\"security_key\":\"" SLICE_FMT "\"}", SLICE_ARG(ana.key));
    struct fake_reply *r =
        fake_http_send(&d->http, &(struct fake_request){ .method = "POST",
                                                         .target = S("/api/v4/auth"),
                                                         .headers = { { S("Authorization"), S("Bearer") },
                                                                      { S("ContentType"), S("application/json") } },
                                                         .body = slice_of(body) });
    EXPECT_EQ(r->status, 200);
}

TEST(login_with_a_person_id_confirms_who_it_is)
{
    DESK(d);
    EXPECT_EQ(login(d, "ana", ana.key, text(d, ",\"person_id\":%d", (int)ana.id))->status, 200);
    EXPECT_EQ(login(d, "ana", ana.key, text(d, ",\"person_id\":\"%d\"", (int)ana.id))->status, 200);
    EXPECT_EQ(login(d, "ana", ana.key, ",\"person_id\":null")->status, 200);
    EXPECT_FAILURE(d, login(d, "ana", ana.key, ",\"person_id\":999"), 401, "invalid_credentials");
    EXPECT_FAILURE(d, login(d, "ana", ana.key, ",\"person_id\":\"x\""), 400, "invalid_value_format");
}

TEST(a_failed_login_does_not_tell_why)
{
    DESK(d);
    struct fake_reply *wrong = login(d, "ana", S("wrong"), ""), *unknown = login(d, "nobody", S("wrong"), "");
    EXPECT_FAILURE(d, wrong, 401, "invalid_credentials");
    EXPECT_SLICE(unknown->body, wrong->body);
    EXPECT_EQ(unknown->status, wrong->status);
    EXPECT_FAILURE(d, desk_send(d, NULL, "POST", "/v4/auth", "{\"login\":\"ana\"}"), 400, "required_parameter_missing");
    EXPECT_FAILURE(d, desk_send(d, NULL, "POST", "/v4/auth", ""), 400, "empty_body");
    EXPECT_FAILURE(d, desk_send(d, NULL, "POST", "/v4/auth", "[]"), 400, "invalid_json");
    EXPECT_FAILURE(d, desk_send(d, NULL, "POST", "/v4/auth", "{\"login\":1,\"security_key\":\"x\"}"), 400,
                   "invalid_value_format");
}

TEST(login_by_get_only_when_it_is_switched_on)
{
    struct pyrus_options options = desk_options();
    options.login_by_get = true;
    SCOPED(desk_freep) struct desk *on = desk_new(&options);
    struct desk_user ana = desk_user(on, "ana", "Ana");
    char *target = text(on, "/v4/auth?Login=ana&security_key=" SLICE_FMT, SLICE_ARG(ana.key));
    EXPECT(desk_text(on, desk_send(on, NULL, "GET", target, ""), "access_token").n > 0);
    EXPECT_FAILURE(on, desk_send(on, NULL, "GET", "/v4/auth?login=ana", ""), 400, "required_parameter_missing");

    SCOPED(desk_freep) struct desk *off = desk_new(NULL);
    struct fake_reply *r = desk_send(off, NULL, "GET", "/v4/auth?login=a&security_key=b", "");
    EXPECT_FAILURE(off, r, 405, "invalid_input");
    EXPECT_SLICE(fake_reply_header(r, "Allow"), S("POST"));
}

static struct fake_reply *profile_with(struct desk *d, const char *authorization)
{
    return fake_http_send(&d->http,
                          &(struct fake_request){ .target = S("/v4/profile"),
                                                  .headers = { { S("Authorization"), slice_of(authorization) } } });
}

TEST(a_token_is_taken_with_bearer_in_any_case_or_bare)
{
    DESK(d);
    const char *forms[] = { "Bearer %.*s", "bearer %.*s", "BEARER  %.*s", "%.*s" };
    for (size_t i = 0; i < LENGTH_OF(forms); i++) {
        char value[200];
        snprintf(value, sizeof value, forms[i], SLICE_ARG(ana.token));
        EXPECT_EQ(profile_with(d, value)->status, 200);
    }
}

TEST(each_way_of_not_being_let_in_has_its_code)
{
    DESK(d);
    EXPECT_FAILURE(d, desk_send(d, NULL, "GET", "/v4/profile", ""), 401, "token_not_specified");
    EXPECT_FAILURE(d, profile_with(d, "Bearer"), 401, "token_not_specified");
    EXPECT_FAILURE(d, profile_with(d, "Bearer nonsense"), 401, "invalid_token");
    EXPECT_FAILURE(d, profile_with(d, "Basic YTpi"), 401, "invalid_token");
    EXPECT_FAILURE(d, profile_with(d, "Bearer a b"), 401, "invalid_token");

    struct desk_user bia = desk_user(d, "bia", "Bia");
    EXPECT_OK(user_set_state(&d->w->core, &d->w->operator_, S("bia"), USER_DISABLED, d->a));
    EXPECT_FAILURE(d, desk_send(d, &bia, "GET", "/v4/profile", ""), 401, "revoked_token");
    EXPECT_FAILURE(d, login(d, "bia", bia.key, ""), 401, "account_blocked");
}

TEST(a_token_lives_a_day_and_use_does_not_lengthen_it)
{
    DESK(d);
    clock_manual_advance(&d->w->clock, INT64_C(86399999));
    EXPECT_EQ(desk_send(d, &ana, "GET", "/v4/profile", "")->status, 200);
    clock_manual_advance(&d->w->clock, 1);
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/profile", ""), 401, "expired_token");
}

TEST(the_oldest_of_too_many_tokens_dies)
{
    DESK(d);
    for (int i = 0; i < 99; i++)
        EXPECT_EQ(login(d, "ana", ana.key, "")->status, 200);
    EXPECT_EQ(desk_send(d, &ana, "GET", "/v4/profile", "")->status, 200);
    EXPECT_EQ(login(d, "ana", ana.key, "")->status, 200);
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/profile", ""), 401, "revoked_token");
}

TEST(a_new_password_kills_the_tokens)
{
    DESK(d);
    EXPECT_OK(user_set_password(&d->w->core, &d->w->operator_, S("ana"), S("correct horse"), d->a));
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/profile", ""), 401, "revoked_token");
}

TEST(links_never_repeat_an_unchecked_host)
{
    DESK(d);
    char *body = text(d, "{\"login\":\"ana\",\"security_key\":\"" SLICE_FMT "\"}", SLICE_ARG(ana.key));
    struct fake_request request = { .method = "POST", .target = S("/v4/auth"), .body = slice_of(body) };
    request.host = S("evil.example");
    EXPECT_SLICE(desk_text(d, fake_http_send(&d->http, &request), "api_url"), S("https://files.example.org/v4/"));
    request.host = S("api.pyrus.com:8443");
    EXPECT_SLICE(desk_text(d, fake_http_send(&d->http, &request), "api_url"), S("http://api.pyrus.com:8443/v4/"));
    d->links.public_url = S("");
    request.host = S("localhost:8080");
    EXPECT_SLICE(desk_text(d, fake_http_send(&d->http, &request), "files_url"), S("http://localhost:8080/"));
    request.host = S("evil.example:8080");
    EXPECT_SLICE(desk_text(d, fake_http_send(&d->http, &request), "files_url"), S("http://127.0.0.1:8080/"));
}

/* ---- §4 rate limit ---- */

TEST(every_answer_tells_the_rate)
{
    DESK(d);
    struct fake_reply *r = desk_send(d, &ana, "GET", "/v4/profile", "");
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Limit"), S("5000"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Remaining"), S("4999"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Reset"), S("351"));
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", S("x")), "task.attachments.0.id");
    struct fake_reply *all[] = {
        download(d, &ana, id),
        desk_send(d, &ana, "GET", "/v4/tasks/99", ""),
        desk_send(d, &ana, "GET", "/v4/nothing", ""),
        desk_send(d, NULL, "GET", "/v4/profile", ""),
        login(d, "ana", ana.key, ""),
        login(d, "ana", S("wrong"), ""),
        post_upload(d, &ana, S("junk")),
        desk_upload_reply(d, &ana, "b", S("y")),
    };
    for (size_t i = 0; i < LENGTH_OF(all); i++) {
        size_t times = 0;
        for (size_t h = 0; h < all[i]->header_count; h++)
            times += slice_eq(all[i]->headers[h].name, S("X-RateLimit-Remaining"));
        EXPECT_EQ(times, 1);
    }
}

TEST(above_the_rate_it_is_429_with_the_seconds_to_wait)
{
    struct pyrus_options options = desk_options();
    options.rate_limit = 2;
    SCOPED(desk_freep) struct desk *d = desk_new(&options);
    struct desk_user ana = desk_user(d, "ana", "Ana"), bia = desk_user(d, "bia", "Bia");
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(desk_send(d, &ana, "GET", "/v4/profile", "")->status, 200);
    struct fake_reply *r = desk_send(d, &ana, "GET", "/v4/profile", "");
    EXPECT_FAILURE(d, r, 429, "too_many_requests");
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("351"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Remaining"), S("0"));
    EXPECT_EQ(desk_send(d, &bia, "GET", "/v4/profile", "")->status, 200);
    clock_manual_advance(&d->w->clock, 600000);
    EXPECT_EQ(desk_send(d, &ana, "GET", "/v4/profile", "")->status, 200);
}

TEST(a_rate_of_zero_is_no_rate)
{
    struct pyrus_options options = desk_options();
    options.rate_limit = 0;
    SCOPED(desk_freep) struct desk *d = desk_new(&options);
    struct desk_user ana = desk_user(d, "ana", "Ana");
    EXPECT(!fake_reply_header(desk_send(d, &ana, "GET", "/v4/profile", ""), "X-RateLimit-Limit").p);
}

/* ---- §7.1 upload ---- */

TEST(an_upload_gives_a_guid_and_an_md5)
{
    DESK(d);
    struct fake_reply *r = desk_upload_reply(d, &ana, "hello.txt", S("hello"));
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(desk_text(d, r, "md5_hash"), S("5d41402abc4b2a76b9719d911017c592"));
    slice guid = desk_text(d, r, "guid");
    EXPECT_EQ(guid.n, 36);
    EXPECT(guid.p[8] == '-' && guid.p[14] == '4');
    EXPECT(!slice_eq(guid, desk_upload(d, &ana, "hello.txt", S("hello")))); /* the same twice: two files */
    EXPECT_EQ(world_file_count(d->w), 2);
}

TEST(md5_in_capitals_when_it_is_switched_on)
{
    struct pyrus_options options = desk_options();
    options.md5_upper_case = true;
    SCOPED(desk_freep) struct desk *d = desk_new(&options);
    struct desk_user ana = desk_user(d, "ana", "Ana");
    EXPECT_SLICE(desk_text(d, desk_upload_reply(d, &ana, "a", S("hello")), "md5_hash"),
                 S("5D41402ABC4B2A76B9719D911017C592"));
    EXPECT_SLICE(desk_text(d, task_with_file(d, &ana, "a", S("hello")), "task.attachments.0.md5"),
                 S("5D41402ABC4B2A76B9719D911017C592"));
}

TEST(any_field_name_will_do_and_other_parts_are_read_and_dropped)
{
    DESK(d);
    struct fake_reply *r =
        post_upload(d, &ana,
                    S("preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nignored\r\n"
                      "--b1\r\nContent-Disposition: form-data; name=\"тест отчёт.txt\"; filename=\"тест отчёт.txt\"\r\n"
                      "Content-Type: text/plain\r\n\r\nline\r\n--b1x\r\nend\r\n\r\n"
                      "--b1\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\nx\r\n--b1--\r\nepilogue"));
    EXPECT_EQ(r->status, 200);
    slice guid = desk_text(d, r, "guid");
    r = desk_send(d, &ana, "GET", text(d, "/v4/files/download/" SLICE_FMT, SLICE_ARG(guid)), "");
    EXPECT_SLICE(r->body, S("line\r\n--b1x\r\nend\r\n"));
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
}

TEST(two_files_in_one_request_keep_nothing)
{
    DESK(d);
    EXPECT_FAILURE(d,
                   post_upload(d, &ana,
                               S("--b1\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\n1\r\n"
                                 "--b1\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b\"\r\n\r\n2\r\n"
                                 "--b1--\r\n")),
                   400, "bad_multipart_content");
    EXPECT_EQ(world_file_count(d->w), 0);
}

TEST(bodies_that_are_no_good_multipart)
{
    DESK(d);
    static const slice bodies[] = {
        { "", 0 },
        { "{\"a\":1}", 7 },
        { "--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nhalf", 68 },
        /* the seed's printed example: no empty line between head and bytes */
        { "--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\nbytes\r\n--b1--\r\n", 77 },
    };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        slice body = slice_of(bodies[i].p);
        EXPECT_FAILURE(d, post_upload(d, &ana, body), 400, "bad_multipart_content");
    }
    const char *types[] = { "multipart/form-data", "application/json", "multipart/form-data; boundary=" };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_reply *r =
            fake_http_send(&d->http, &(struct fake_request){ .method = "POST",
                                                             .target = S("/v4/files/upload"),
                                                             .token = ana.token,
                                                             .headers = { { S("Content-Type"), slice_of(types[i]) } },
                                                             .body = S("{}") });
        EXPECT_FAILURE(d, r, 400, "bad_multipart_content");
        EXPECT(!r->received);
    }
    EXPECT_EQ(world_file_count(d->w), 0);
}

TEST(a_part_without_a_file_name_is_no_file)
{
    DESK(d);
    EXPECT_FAILURE(
        d, post_upload(d, &ana, S("--b1\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b1--\r\n")), 400,
        "no_file_in_request");
}

/* One client sends an already consumed stream again after a 401: silence would lose the file. */
TEST(an_empty_file_is_refused)
{
    DESK(d);
    EXPECT_FAILURE(d, desk_upload_reply(d, &ana, "a", S("")), 400, "empty_file");
    EXPECT_EQ(world_file_count(d->w), 0);
}

TEST(the_limit_counts_the_file_and_not_the_request)
{
    struct pyrus_options options = desk_options();
    options.max_file_size_bytes = 5;
    SCOPED(desk_freep) struct desk *d = desk_new(&options);
    struct desk_user ana = desk_user(d, "ana", "Ana");
    EXPECT_EQ(desk_upload_reply(d, &ana, "a", S("12345"))->status, 200);
    EXPECT_FAILURE(d, desk_upload_reply(d, &ana, "a", S("123456")), 400, "too_large_request_length");
    EXPECT_EQ(world_file_count(d->w), 1);
    struct fake_request early = { .method = "POST",
                                  .target = S("/v4/files/upload"),
                                  .token = ana.token,
                                  .headers = { MULTIPART },
                                  .declared = 5 + 65536 };
    EXPECT(fake_http_send(&d->http, &early)->received);
    early.declared++;
    struct fake_reply *r = fake_http_send(&d->http, &early);
    EXPECT_FAILURE(d, r, 400, "too_large_request_length");
    EXPECT(!r->received);
}

TEST(names_are_cleaned_and_too_long_ones_refused)
{
    DESK(d);
    char name[300] = { 0 };
    memset(name, 'n', 255);
    EXPECT_EQ(desk_upload_reply(d, &ana, name, S("x"))->status, 200);
    name[255] = 'n';
    EXPECT_FAILURE(d, desk_upload_reply(d, &ana, name, S("x")), 400, "max_file_name_length_exceeded");
    EXPECT_SLICE(desk_text(d, task_with_file(d, &ana, "/home/joao/notas.pdf", S("x")), "task.attachments.0.name"),
                 S("notas.pdf"));
    EXPECT_SLICE(desk_text(d, task_with_file(d, &ana, "q%22uo;te.txt", S("x")), "task.attachments.0.name"),
                 S("q\"uo;te.txt"));
    EXPECT_SLICE(desk_text(d, task_with_file(d, &ana, "..", S("x")), "task.attachments.0.name"), S("file"));
}

TEST(boundaries_may_be_quoted_and_names_encoded_as_dotnet_does)
{
    DESK(d);
    struct fake_request request = {
        .method = "POST",
        .target = S("/v4/files/upload"),
        .token = ana.token,
        .chunked = true,
        .headers = { { S("Content-Type"), S("multipart/form-data; boundary=\"b 1\"") },
                     { S("ContentType"), S("application/json") } },
        .body = S("--b 1\r\nContent-Disposition: form-data; name=file; filename=\"=?utf-8?B?0YLQtdGB0YI=?=\"; "
                  "filename*=utf-8''%D1%82%D0%B5%D1%81%D1%82\r\n\r\nx\r\n--b 1--\r\n"),
    };
    slice guid = desk_text(d, fake_http_send(&d->http, &request), "guid");
    struct fake_reply *r = desk_send(d, &ana, "GET", text(d, "/files/download/" SLICE_FMT, SLICE_ARG(guid)), "");
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"),
                 S("attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82"));
}

TEST(an_upload_without_a_token_is_refused_before_its_body)
{
    DESK(d);
    struct desk_user nobody = { .token = S("wrong") };
    struct fake_reply *r = desk_upload_reply(d, &nobody, "a", S("x"));
    EXPECT_FAILURE(d, r, 401, "invalid_token");
    EXPECT(!r->received && !r->closes);
    r = fake_http_send(&d->http, &(struct fake_request){ .method = "POST",
                                                         .target = S("/v4/files/upload"),
                                                         .headers = { MULTIPART },
                                                         .declared = (1 << 20) + 1 });
    EXPECT_FAILURE(d, r, 401, "token_not_specified");
    EXPECT(r->closes);
}

/* It was asked for its body first: 250 MiB sent in vain. */
TEST(an_upload_to_a_full_disk_is_refused_before_its_body)
{
    DESK(d);
    d->w->core.options.reserve_bytes = UINT64_MAX;
    struct fake_reply *r = desk_upload_reply(d, &ana, "a", S("x"));
    EXPECT_FAILURE(d, r, 503, "server_error");
    EXPECT(!r->received);
    d->w->core.options.reserve_bytes = 0;
    EXPECT_EQ(desk_upload_reply(d, &ana, "a", S("x"))->status, 200);
}

/* All of it was read first: 20 MB into a quota of 1 MiB. */
TEST(an_upload_above_the_quota_is_refused_before_its_body)
{
    DESK(d);
    struct core_options *o = &d->w->core.options;
    o->account_max_bytes = 100000;
    struct fake_reply *r = desk_upload_reply(d, &ana, "a", world_bytes(d->w, 100000 + PYRUS_HEAD_SPARE));
    EXPECT_FAILURE(d, r, 400, "too_large_request_length");
    EXPECT(!r->received);
    r = desk_upload_reply(d, &ana, "a", world_bytes(d->w, 100001)); /* the head cannot tell */
    EXPECT_FAILURE(d, r, 400, "too_large_request_length");
    EXPECT_EQ(desk_upload_reply(d, &ana, "a", world_bytes(d->w, 100000))->status, 200);
    o->account_max_bytes = 0;
    o->account_max_files = 1;
    r = desk_upload_reply(d, &ana, "a", S("x"));
    EXPECT_FAILURE(d, r, 400, "too_large_request_length");
    EXPECT(!r->received);
    EXPECT_EQ(world_file_count(d->w), 1);
}

TEST(an_upload_that_breaks_off_leaves_nothing)
{
    DESK(d);
    struct fake_request request = { .method = "POST",
                                    .target = S("/v4/files/upload"),
                                    .token = ana.token,
                                    .headers = { MULTIPART },
                                    .cut = true,
                                    .body = S("--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n"
                                              "\r\nhello\r\n--b1--\r\n") };
    EXPECT_FAILURE(d, fake_http_send(&d->http, &request), 400, "bad_multipart_content");
    EXPECT_EQ(world_file_count(d->w), 0);
}

TEST(an_upload_is_exact_however_its_bytes_arrive)
{
    DESK(d);
    char *bytes = arena_alloc(d->a, 40000);
    for (size_t i = 0; i < 40000; i++)
        bytes[i] = "\r\n--b1-x"[(i * 2654435761u >> 13) % 8];
    bytes[39998] = '\r';
    bytes[39999] = '\n';
    slice file = { bytes, 40000 };
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", file), "task.attachments.0.id");
    EXPECT_SLICE(download(d, &ana, id)->body, file);
}

/* ---- §7.2 download ---- */

TEST(a_download_has_the_headers_that_clients_need)
{
    DESK(d);
    int64_t id = desk_int(d, task_with_file(d, &ana, "data.json", S("{\"a\":1}")), "task.attachments.0.id");
    struct fake_reply *r = download(d, &ana, id);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=data.json"));
    EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
    EXPECT(r->is_content && r->etag.n == 34 && r->etag.p[0] == '"');
}

TEST(download_names_as_each_client_reads_them)
{
    DESK(d);
    static const char *const names[][2] = {
        { "test.txt", "attachment; filename=test.txt" },
        { "te st (1).txt", "attachment; filename=\"te st (1).txt\"" },
        { "тест.txt", "attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82.txt" },
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        int64_t id = desk_int(d, task_with_file(d, &ana, names[i][0], S("x")), "task.attachments.0.id");
        EXPECT_SLICE(fake_reply_header(download(d, &ana, id), "Content-Disposition"), slice_of(names[i][1]));
    }
}

TEST(extra_words_in_a_download_query_do_not_matter)
{
    DESK(d);
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", S("x")), "task.attachments.0.id");
    char *target = text(d, "/services/attachment?ispreview=false&Id=%d&download=true", (int)id);
    EXPECT_SLICE(desk_send(d, &ana, "GET", target, "")->body, S("x"));
}

TEST(downloads_that_are_refused)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", S("x")), "task.attachments.0.id");
    EXPECT_FAILURE(d, download(d, &bia, id), 403, "access_denied_file");
    EXPECT_FAILURE(d, download(d, &ana, 9999), 403, "access_denied_file");
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/files/download/99999999999999999999", ""), 403,
                   "access_denied_file");
    const char *bad[] = { "/services/attachment",  "/services/attachment?Id=", "/services/attachment?Id=x",
                          "/v4/files/download/-1", "/v4/files/download/1.5",   "/services/attachment?Id=%zz" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_FAILURE(d, desk_send(d, &ana, "GET", bad[i], ""), 400, "invalid_value_format");
}

TEST(a_guid_downloads_for_its_uploader_only)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    struct desk_user boss = desk_user_of(d, "", "boss", "The Boss", true);
    slice guid = desk_upload(d, &ana, "a.txt", S("mine"));
    char *target = text(d, "/services/attachment?Id=" SLICE_FMT, SLICE_ARG(guid));
    EXPECT_SLICE(desk_send(d, &ana, "GET", target, "")->body, S("mine"));
    EXPECT_FAILURE(d, desk_send(d, &bia, "GET", target, ""), 403, "access_denied_file");
    EXPECT_FAILURE(d, desk_send(d, &boss, "GET", target, ""), 403, "access_denied_file");
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/files/download/08923d83-255b-4f18-b0eb-5c4d3b9bf1d2", ""), 403,
                   "access_denied_file");
    desk_send(d, &ana, "POST", "/v4/tasks",
              text(d, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
    EXPECT_SLICE(desk_send(d, &ana, "GET", target, "")->body, S("mine"));
}

static err_t remove_blob(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct desk *d = arg;
    (void)size_bytes;
    (void)modified_ms;
    return d->w->core.blob->ops->remove(d->w->core.blob, arena_copy(d->a, key), d->a);
}

TEST(bytes_that_are_gone_are_file_is_missing)
{
    DESK(d);
    slice large = { arena_alloc(d->a, 100000), 100000 };
    int64_t id = desk_int(d, task_with_file(d, &ana, "a", large), "task.attachments.0.id");
    EXPECT_EQ(download(d, &ana, id)->body.n, 100000);
    EXPECT_OK(d->w->core.blob->ops->each(d->w->core.blob, d->a, remove_blob, d));
    EXPECT_FAILURE(d, download(d, &ana, id), 404, "file_is_missing");
}

/* ---- §6, §7.3, §7.4 tasks ---- */

TEST(a_task_comes_back_with_everything_it_was_given)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia de Souza"), joao = desk_user(d, "joao@example.org", "João");
    slice guid = desk_upload(d, &ana, "счёт № 7.pdf", S("hello"));
    struct fake_reply *r = desk_send(
        d, &ana, "POST", "/v4/tasks",
        text(d,
             "{\"text\":\"Проверить счёт\",\"subject\":\"Счёт\",\"participants\":[{\"id\":%d},{\"email\":"
             "\"JOAO@example.org\"}],\"responsible\":{\"id\":%d},\"subscribers\":[{\"id\":%d}],\"due_date\":"
             "\"2026-11-30\",\"parent_task_id\":5,\"list_ids\":[3,4],\"fill_defaults\":false,\"scheduled_date\":null,"
             "\"attachments\":[\"" SLICE_FMT "\"]}",
             (int)bia.id, (int)bia.id, (int)joao.id, SLICE_ARG(guid)));
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(desk_text(d, r, "task.text"), S("Проверить счёт"));
    EXPECT_SLICE(desk_text(d, r, "task.subject"), S("Счёт"));
    EXPECT_SLICE(desk_text(d, r, "task.author.first_name"), S("Ana"));
    EXPECT_SLICE(desk_text(d, r, "task.author.last_name"), S("Prado"));
    EXPECT_SLICE(desk_text(d, r, "task.author.email"), S("ana@example.org"));
    EXPECT_SLICE(desk_text(d, r, "task.author.type"), S("user"));
    EXPECT_EQ(desk_int(d, r, "task.author.id"), ana.id);
    EXPECT_EQ(desk_count(d, r, "task.participants"), 2);
    EXPECT_SLICE(desk_text(d, r, "task.responsible.last_name"), S("de Souza"));
    EXPECT_EQ(desk_int(d, r, "task.subscribers.0.id"), joao.id);
    EXPECT_SLICE(desk_text(d, r, "task.due_date"), S("2026-11-30"));
    EXPECT_EQ(desk_int(d, r, "task.parent_task_id"), 5);
    EXPECT_EQ(desk_int(d, r, "task.list_ids.1"), 4);
    EXPECT(json_is(desk_at(d, r, "task.is_closed"), JS_BOOL));
    EXPECT_EQ(desk_count(d, r, "task.comments"), 1);
    EXPECT_SLICE(desk_text(d, r, "task.comments.0.text"), S("Проверить счёт"));
    EXPECT_EQ(desk_int(d, r, "task.last_note_id"), desk_int(d, r, "task.comments.0.id"));
    const char *where[] = { "task.attachments.0", "task.comments.0.attachments.0" };
    for (size_t i = 0; i < 2; i++) {
        EXPECT_SLICE(desk_text(d, r, text(d, "%s.name", where[i])), S("счёт № 7.pdf"));
        EXPECT_EQ(desk_int(d, r, text(d, "%s.size", where[i])), 5);
        EXPECT_EQ(desk_int(d, r, text(d, "%s.version", where[i])), 1);
        EXPECT(!desk_at(d, r, text(d, "%s.root_id", where[i])));
        EXPECT_SLICE(desk_text(d, r, text(d, "%s.md5", where[i])), S("5d41402abc4b2a76b9719d911017c592"));
        int id = (int)desk_int(d, r, text(d, "%s.id", where[i]));
        EXPECT_SLICE(desk_text(d, r, text(d, "%s.url", where[i])),
                     slice_of(text(d, "https://files.example.org/services/attachment?Id=%d", id)));
    }
    struct fake_reply *again = desk_send(d, &joao, "GET", text(d, "/v4/tasks/%d", (int)desk_int(d, r, "task.id")), "");
    EXPECT_SLICE(again->body, r->body);
}

TEST(tasks_that_are_refused)
{
    DESK(d);
    static const char *const cases[][3] = {
        { "", "400", "empty_body" },
        { "{", "400", "invalid_json" },
        { "[1]", "400", "invalid_json" },
        { "{}", "400", "text_missing" },
        { "{\"text\":\" \\n\"}", "400", "text_missing" },
        { "{\"text\":5}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"form_id\":7,\"fields\":[]}", "403", "access_denied_form" },
        { "{\"text\":\"t\",\"participants\":[{\"id\":999}]}", "400", "invalid_person_id" },
        { "{\"text\":\"t\",\"participants\":[{\"email\":\"x@y\"}]}", "400", "invalid_email" },
        { "{\"text\":\"t\",\"participants\":[{}]}", "400", "required_parameter_missing" },
        { "{\"text\":\"t\",\"participants\":[7]}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"participants\":{}}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"responsible\":{\"id\":999}}", "400", "invalid_person_id" },
        { "{\"text\":\"t\",\"due_date\":\"30.11.2026\"}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"due\":\"2026-11-30\"}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"parent_task_id\":2147483648}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"attachments\":[\"08923d83-255b-4f18-b0eb-5c4d3b9bf1d2\"]}", "400",
          "unrecognized_attachment_id" },
        { "{\"text\":\"t\",\"attachments\":[{\"attachment_id\":77}]}", "400", "unrecognized_attachment_id" },
        { "{\"text\":\"t\",\"attachments\":[\"no guid\"]}", "400", "unrecognized_attachment_id" },
        { "{\"text\":\"t\",\"attachments\":[{\"guid\":\"08923d83-255b-4f18-b0eb-5c4d3b9bf1d2\",\"attachment_id\":1}]}",
          "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"attachments\":[{}]}", "400", "invalid_value_format" },
        { "{\"text\":\"t\",\"attachments\":[{\"url\":\"javascript:alert(1)\",\"name\":\"x\"}]}", "400",
          "invalid_value_format" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        EXPECT_FAILURE(d, desk_send(d, &ana, "POST", "/v4/tasks", cases[i][0]), atoi(cases[i][1]), cases[i][2]);
}

TEST(formatted_text_is_text)
{
    DESK(d);
    EXPECT_SLICE(
        desk_text(d, desk_send(d, &ana, "POST", "/v4/tasks", "{\"formatted_text\":\"<b>t</b>\"}"), "task.text"),
        S("<b>t</b>"));
}

TEST(tasks_are_seen_by_author_members_and_admins_of_the_account)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia"), joao = desk_user(d, "joao", "João");
    struct desk_user boss = desk_user_of(d, "", "boss", "Boss", true);
    struct account other;
    EXPECT_OK(account_create(&d->w->core, &d->w->operator_, S("other"), d->a, &other));
    struct desk_user stranger = desk_user_of(d, "other", "stranger", "S", true);
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks",
                                     text(d, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)bia.id));
    char *target = text(d, "/v4/tasks/%d", (int)desk_int(d, r, "task.id"));
    EXPECT_EQ(desk_send(d, &bia, "GET", target, "")->status, 200);
    EXPECT_EQ(desk_send(d, &boss, "GET", target, "")->status, 200);
    EXPECT_FAILURE(d, desk_send(d, &joao, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(d, desk_send(d, &stranger, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/tasks/999", ""), 403, "access_denied_task");
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", "/v4/tasks/x", ""), 403, "access_denied_task");
    EXPECT_FAILURE(d,
                   desk_send(d, &ana, "POST", "/v4/tasks",
                             text(d, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)stranger.id)),
                   400, "invalid_person_id");
}

TEST(attachments_come_in_all_forms_and_may_be_mixed)
{
    DESK(d);
    slice one = desk_upload(d, &ana, "one", S("1")), two = desk_upload(d, &ana, "two", S("22"));
    int64_t old = desk_int(d, task_with_file(d, &ana, "old", S("333")), "task.attachments.0.id");
    char upper[37];
    for (size_t i = 0; i < 36; i++)
        upper[i] = (char)(two.p[i] >= 'a' ? two.p[i] - 32 : two.p[i]);
    upper[36] = 0;
    struct fake_reply *r = desk_send(
        d, &ana, "POST", "/v4/tasks",
        text(d,
             "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\",{\"guid\":\"{%s}\",\"root_id\":null},"
             "{\"attachment_id\":%d},{\"url\":\"https://example.org/x\",\"name\":\"link\"},\"" SLICE_FMT "\"]}",
             SLICE_ARG(one), upper, (int)old, SLICE_ARG(one)));
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(desk_count(d, r, "task.attachments"), 5); /* the same guid twice: two attachments */
    EXPECT_SLICE(desk_text(d, r, "task.attachments.1.name"), S("two"));
    EXPECT_SLICE(desk_text(d, r, "task.attachments.2.name"), S("old"));
    EXPECT(desk_int(d, r, "task.attachments.2.id") != old);
    EXPECT_SLICE(download(d, &ana, desk_int(d, r, "task.attachments.2.id"))->body, S("333"));
    EXPECT_EQ(desk_int(d, r, "task.attachments.3.size"), 0);
    EXPECT(!desk_at(d, r, "task.attachments.3.md5"));
    EXPECT_SLICE(desk_text(d, r, "task.attachments.3.url"), S("https://example.org/x"));
    EXPECT_FAILURE(d, download(d, &ana, desk_int(d, r, "task.attachments.3.id")), 404, "file_is_missing");
    EXPECT(desk_int(d, r, "task.attachments.4.id") != desk_int(d, r, "task.attachments.0.id"));
}

TEST(one_bad_attachment_attaches_nothing)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    slice mine = desk_upload(d, &ana, "a", S("1")), hers = desk_upload(d, &bia, "b", S("2"));
    struct fake_reply *task = desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    int64_t id = desk_int(d, task, "task.id");
    struct fake_reply *r =
        comment(d, &ana, id,
                text(d, "{\"attachments\":[\"" SLICE_FMT "\",\"" SLICE_FMT "\"]}", SLICE_ARG(mine), SLICE_ARG(hers)));
    EXPECT_FAILURE(d, r, 400, "unrecognized_attachment_id");
    r = desk_send(d, &ana, "GET", text(d, "/v4/tasks/%d", (int)id), "");
    EXPECT_EQ(desk_count(d, r, "task.attachments"), 0);
    EXPECT_EQ(desk_count(d, r, "task.comments"), 1);
}

TEST(versions_form_a_chain_and_each_stays_downloadable)
{
    DESK(d);
    struct fake_reply *r = task_with_file(d, &ana, "plan v1.txt", S("one"));
    int64_t task = desk_int(d, r, "task.id"), root = desk_int(d, r, "task.attachments.0.id");
    slice v2 = desk_upload(d, &ana, "plan v2.txt", S("two")), v3 = desk_upload(d, &ana, "plan.txt", S("three"));
    r = comment(d, &ana, task,
                text(d, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v2), (int)root));
    int64_t second = desk_int(d, r, "task.comments.1.attachments.0.id");
    EXPECT_EQ(desk_int(d, r, "task.attachments.0.version"), 2);
    EXPECT_EQ(desk_int(d, r, "task.attachments.0.root_id"), root);
    EXPECT_EQ(desk_count(d, r, "task.attachments"), 1);
    r = comment(d, &ana, task, /* root_id may be any version's id */
                text(d, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v3), (int)second));
    EXPECT_EQ(desk_int(d, r, "task.attachments.0.version"), 3);
    EXPECT_EQ(desk_int(d, r, "task.attachments.0.root_id"), root);
    EXPECT_SLICE(desk_text(d, r, "task.attachments.0.name"), S("plan.txt"));
    EXPECT_SLICE(download(d, &ana, root)->body, S("one"));
    EXPECT_SLICE(download(d, &ana, second)->body, S("two"));
    EXPECT_SLICE(fake_reply_header(download(d, &ana, second), "Content-Disposition"),
                 S("attachment; filename=\"plan v2.txt\""));
}

/* Another API may delete any version of a document. Its chain was then looked for where it is not, and some other
 * document of the task was no longer shown. */
TEST(a_chain_that_lost_its_first_version_hides_no_other_document)
{
    DESK(d);
    struct task_view view;
    struct fake_reply *r = task_with_file(d, &ana, "plan v1.txt", S("one"));
    int64_t task = desk_int(d, r, "task.id"), root = desk_int(d, r, "task.attachments.0.id");
    slice other = desk_upload(d, &ana, "other.txt", S("x")), v2 = desk_upload(d, &ana, "plan v2.txt", S("two"));
    comment(d, &ana, task, text(d, "{\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(other)));
    comment(d, &ana, task,
            text(d, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v2), (int)root));
    EXPECT_OK(task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_OK(document_delete(&d->w->core, &ana.who, view.references[0].file_id, hours(1), d->a));
    r = desk_send(d, &ana, "GET", text(d, "/v4/tasks/%d", (int)task), "");
    EXPECT_EQ(desk_count(d, r, "task.attachments"), 2);
    EXPECT_SLICE(desk_text(d, r, "task.attachments.0.name"), S("other.txt"));
    EXPECT_SLICE(desk_text(d, r, "task.attachments.1.name"), S("plan v2.txt"));
    EXPECT_EQ(desk_int(d, r, "task.attachments.1.root_id"), root);
    slice v3 = desk_upload(d, &ana, "plan v3.txt", S("three"));
    r = comment(d, &ana, task, /* the chain goes on under the number by which it is known */
                text(d, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v3), (int)root));
    EXPECT_EQ(desk_count(d, r, "task.attachments"), 2);
    EXPECT_EQ(desk_int(d, r, "task.attachments.1.version"), 3);
}

TEST(a_root_must_belong_to_the_same_task)
{
    DESK(d);
    int64_t root = desk_int(d, task_with_file(d, &ana, "a", S("1")), "task.attachments.0.id");
    int64_t other = desk_int(d, task_with_file(d, &ana, "b", S("2")), "task.id");
    slice guid = desk_upload(d, &ana, "c", S("3"));
    char *json = text(d, "{\"text\":\"t\",\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}",
                      SLICE_ARG(guid), (int)root);
    EXPECT_FAILURE(d, comment(d, &ana, other, json), 400, "unrecognized_attachment_id");
    EXPECT_FAILURE(d, desk_send(d, &ana, "POST", "/v4/tasks", json), 400, "unrecognized_attachment_id");
}

/* ---- §7.5 comments ---- */

TEST(a_comment_needs_text_attachments_or_a_change)
{
    DESK(d);
    int64_t task = desk_int(d, desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    EXPECT_FAILURE(d, comment(d, &ana, task, "{}"), 400, "text_missing");
    EXPECT_FAILURE(d, comment(d, &ana, task, "{\"approval_choice\":\"approved\",\"spent_minutes\":5}"), 400,
                   "text_missing");
    slice guid = desk_upload(d, &ana, "a", S("1"));
    struct fake_reply *r = comment(d, &ana, task, text(d, "{\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
    EXPECT_EQ(r->status, 200);
    EXPECT(!desk_at(d, r, "task.comments.1.text"));
    r = comment(d, &ana, task, "{\"text\":\"hi\",\"channel\":{\"type\":\"email\"},\"skip_notification\":true}");
    EXPECT_SLICE(desk_text(d, r, "task.comments.2.text"), S("hi"));
    EXPECT_EQ(desk_int(d, r, "task.last_note_id"), desk_int(d, r, "task.comments.2.id"));
    EXPECT_FAILURE(d, comment(d, &ana, 999, "{}"), 403, "access_denied_task");
}

TEST(a_comment_changes_subject_people_and_dates)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia"), joao = desk_user(d, "joao", "João");
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks",
                                     text(d,
                                          "{\"text\":\"t\",\"due\":\"2026-12-01T10:00:00Z\",\"duration\":60,"
                                          "\"responsible\":{\"id\":%d},\"list_ids\":[1]}",
                                          (int)bia.id));
    int64_t task = desk_int(d, r, "task.id");
    r = comment(d, &ana, task,
                text(d,
                     "{\"subject\":\"new\",\"reassign_to\":{\"id\":%d},\"participants_added\":[{\"id\":%d}],"
                     "\"due_date\":\"2026-12-02\"}",
                     (int)joao.id, (int)ana.id));
    EXPECT_SLICE(desk_text(d, r, "task.subject"), S("new"));
    EXPECT_EQ(desk_int(d, r, "task.responsible.id"), joao.id);
    EXPECT_EQ(desk_count(d, r, "task.participants"), 2); /* who was responsible takes part */
    EXPECT_SLICE(desk_text(d, r, "task.due_date"), S("2026-12-02"));
    EXPECT(!desk_at(d, r, "task.due") && !desk_at(d, r, "task.duration"));
    EXPECT_EQ(desk_int(d, r, "task.list_ids.0"), 1);
    EXPECT_SLICE(desk_text(d, r, "task.comments.1.subject"), S("new"));
    EXPECT_EQ(desk_int(d, r, "task.comments.1.reassigned_to.id"), joao.id);
    EXPECT_EQ(desk_int(d, r, "task.comments.1.participants_added.0.id"), ana.id);
    EXPECT_SLICE(desk_text(d, r, "task.comments.1.due_date"), S("2026-12-02"));
    r = comment(d, &ana, task, text(d, "{\"cancel_due\":true,\"participants_removed\":[{\"id\":%d}]}", (int)bia.id));
    EXPECT(!desk_at(d, r, "task.due_date"));
    EXPECT_EQ(desk_int(d, r, "task.comments.2.participants_removed.0.id"), bia.id);
    EXPECT_EQ(slice_find(r->body, S("null")), SLICE_NONE);
    EXPECT_FAILURE(d, desk_send(d, &bia, "GET", text(d, "/v4/tasks/%d", (int)task), ""), 403, "access_denied_task");
}

TEST(who_left_a_task_reads_neither_it_nor_its_files)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    slice guid = desk_upload(d, &ana, "a", S("1"));
    struct fake_reply *r =
        desk_send(d, &ana, "POST", "/v4/tasks",
                  text(d, "{\"text\":\"t\",\"participants\":[{\"id\":%d}],\"attachments\":[\"" SLICE_FMT "\"]}",
                       (int)bia.id, SLICE_ARG(guid)));
    int64_t task = desk_int(d, r, "task.id"), file = desk_int(d, r, "task.attachments.0.id");
    EXPECT_EQ(download(d, &bia, file)->status, 200);
    comment(d, &bia, task, text(d, "{\"participants_removed\":[{\"id\":%d}]}", (int)bia.id));
    EXPECT_FAILURE(d, download(d, &bia, file), 403, "access_denied_file");
    EXPECT_FAILURE(d,
                   desk_send(d, &bia, "POST", "/v4/tasks",
                             text(d, "{\"text\":\"t\",\"attachments\":[{\"attachment_id\":%d}]}", (int)file)),
                   400, "unrecognized_attachment_id");
}

TEST(finishing_and_reopening)
{
    DESK(d);
    struct desk_user sub = desk_user(d, "sub", "Sub");
    struct fake_reply *r =
        desk_send(d, &ana, "POST", "/v4/tasks", text(d, "{\"text\":\"t\",\"subscribers\":[{\"id\":%d}]}", (int)sub.id));
    int64_t task = desk_int(d, r, "task.id");
    EXPECT_FAILURE(d, comment(d, &sub, task, "{\"action\":\"finished\"}"), 403, "access_denied_close_task");
    r = comment(d, &ana, task, "{\"action\":\"finished\"}");
    EXPECT(desk_at(d, r, "task.is_closed")->boolean);
    EXPECT_SLICE(desk_text(d, r, "task.close_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(desk_text(d, r, "task.comments.1.action"), S("finished"));
    EXPECT_FAILURE(d, comment(d, &sub, task, "{\"action\":\"reopened\"}"), 403, "access_denied_reopen_task");
    r = comment(d, &ana, task, "{\"text\":\"by the way\",\"skip_auto_reopen\":true}");
    EXPECT(desk_at(d, r, "task.is_closed")->boolean);
    EXPECT(!desk_at(d, r, "task.comments.2.action"));
    r = comment(d, &ana, task, "{\"text\":\"not yet\"}");
    EXPECT(!desk_at(d, r, "task.is_closed")->boolean);
    EXPECT(!desk_at(d, r, "task.close_date"));
    EXPECT_SLICE(desk_text(d, r, "task.comments.3.action"), S("reopened"));
    comment(d, &ana, task, "{\"action\":\"finished\"}");
    r = comment(d, &ana, task, "{\"action\":\"reopened\"}");
    EXPECT(!desk_at(d, r, "task.is_closed")->boolean);
    EXPECT_FAILURE(d, comment(d, &ana, task, "{\"action\":\"burnt\"}"), 400, "invalid_value_format");
}

TEST(an_own_comment_can_be_edited)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks",
                                     text(d, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)bia.id));
    int64_t task = desk_int(d, r, "task.id");
    r = comment(d, &ana, task, "{\"text\":\"teh\"}");
    int id = (int)desk_int(d, r, "task.comments.1.id");
    slice guid = desk_upload(d, &ana, "a", S("1"));
    r = comment(
        d, &ana, task,
        text(d, "{\"edit_comment_id\":%d,\"text\":\"the\",\"attachments\":[\"" SLICE_FMT "\"]}", id, SLICE_ARG(guid)));
    EXPECT_EQ(desk_count(d, r, "task.comments"), 2);
    EXPECT_SLICE(desk_text(d, r, "task.comments.1.text"), S("the"));
    EXPECT_EQ(desk_count(d, r, "task.comments.1.attachments"), 1);
    EXPECT_FAILURE(d, comment(d, &bia, task, text(d, "{\"edit_comment_id\":%d,\"text\":\"x\"}", id)), 403,
                   "access_denied_task");
    EXPECT_FAILURE(d, comment(d, &ana, task, "{\"edit_comment_id\":999,\"text\":\"x\"}"), 400, "invalid_value_format");
    EXPECT_FAILURE(d, comment(d, &ana, task, text(d, "{\"edit_comment_id\":%d}", id)), 400, "text_missing");
}

/* A task grew by a megabyte with each comment, and each answer held all of it. */
TEST(comments_of_a_megabyte_each_soon_fill_a_task)
{
    DESK(d);
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    int64_t task = desk_int(d, r, "task.id");
    int first = (int)desk_int(d, r, "task.comments.0.id");
    char *long_text = arena_alloc(d->a, 1000001);
    memset(long_text, 'x', 1000000);
    char *json = text(d, "{\"text\":\"%s\"}", long_text);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(comment(d, &ana, task, json)->status, 200);
    EXPECT_FAILURE(d, comment(d, &ana, task, json), 400, "too_many_comments");
    EXPECT_FAILURE(d, comment(d, &ana, task, text(d, "{\"edit_comment_id\":%d,\"text\":\"%s\"}", first, long_text)),
                   400, "too_many_comments");
    r = comment(d, &ana, task, "{\"text\":\"short\"}"); /* there is room for that */
    EXPECT_EQ(r->status, 200);
    EXPECT(r->body.n > 4000000 && slice_find(r->body, S("\"short\"")) != SLICE_NONE);
    r = desk_send(d, &ana, "GET", text(d, "/v4/tasks/%d", (int)task), "");
    EXPECT(r->body.n > 4000000 && r->body.n < 4100000);
}

/* Two bytes of a stored id are a whole person in every answer. */
TEST(a_person_named_many_times_is_shown_once)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    int64_t task = desk_int(d, desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    int b = (int)bia.id, a = (int)ana.id;
    struct fake_reply *r =
        comment(d, &ana, task, text(d, "{\"participants_added\":[{\"id\":%d},{\"id\":%d},{\"id\":%d}]}", b, a, b));
    EXPECT_EQ(desk_count(d, r, "task.comments.1.participants_added"), 2);
    r = comment(d, &ana, task, text(d, "{\"participants_removed\":[{\"id\":%d},{\"id\":%d}]}", b, b));
    EXPECT_EQ(desk_count(d, r, "task.comments.2.participants_removed"), 1);
}

/* ---- §7.6, §9 lifecycle ---- */

TEST(a_deleted_task_lets_go_of_its_files)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    slice guid = desk_upload(d, &ana, "a", S("1"));
    char *json = text(d, "{\"text\":\"t\",\"participants\":[{\"id\":%d}],\"attachments\":[\"" SLICE_FMT "\"]}",
                      (int)bia.id, SLICE_ARG(guid));
    struct fake_reply *r = desk_send(d, &ana, "POST", "/v4/tasks", json);
    int64_t file = desk_int(d, r, "task.attachments.0.id");
    char *target = text(d, "/v4/tasks/%d", (int)desk_int(d, r, "task.id"));
    clock_manual_advance(&d->w->clock, INT64_C(86400000)); /* held: no upload deadline any more */
    EXPECT_OK(token_issue(&d->w->core, S("pyrus"), ana.login, ana.key, &d->pyrus.options.tokens, d->a, &ana.token));
    EXPECT_OK(token_issue(&d->w->core, S("pyrus"), bia.login, bia.key, &d->pyrus.options.tokens, d->a, &bia.token));
    EXPECT_EQ(download(d, &ana, file)->status, 200);
    EXPECT_FAILURE(d, desk_send(d, &bia, "DELETE", target, ""), 403, "access_denied_task");
    r = desk_send(d, &ana, "DELETE", target, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, S("{\"deleted\":true}"));
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(d, desk_send(d, &ana, "DELETE", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(d, download(d, &ana, file), 403, "access_denied_file");
    EXPECT_EQ(desk_send(d, &ana, "POST", "/v4/tasks", json)->status, 200); /* again, before the purge */
}

TEST(an_admin_may_delete_a_task)
{
    DESK(d);
    struct desk_user boss = desk_user_of(d, "", "boss", "Boss", true);
    int64_t task = desk_int(d, desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    EXPECT_EQ(desk_send(d, &boss, "DELETE", text(d, "/v4/tasks/%d", (int)task), "")->status, 200);
}

TEST(an_upload_nobody_attached_is_gone_after_its_time)
{
    DESK(d);
    slice guid = desk_upload(d, &ana, "a", S("1"));
    clock_manual_advance(&d->w->clock, INT64_C(86400000));
    EXPECT_OK(token_issue(&d->w->core, S("pyrus"), ana.login, ana.key, &d->pyrus.options.tokens, d->a, &ana.token));
    EXPECT_FAILURE(d,
                   desk_send(d, &ana, "POST", "/v4/tasks",
                             text(d, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid))),
                   400, "unrecognized_attachment_id");
    EXPECT_FAILURE(d, desk_send(d, &ana, "GET", text(d, "/files/download/" SLICE_FMT, SLICE_ARG(guid)), ""), 403,
                   "access_denied_file");
}

TEST(shared_bytes_live_until_the_last_attachment_is_gone)
{
    DESK(d);
    slice guid = desk_upload(d, &ana, "a", S("shared"));
    char *json = text(d, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid));
    struct fake_reply *one = desk_send(d, &ana, "POST", "/v4/tasks", json);
    struct fake_reply *two = desk_send(d, &ana, "POST", "/v4/tasks", json);
    desk_send(d, &ana, "DELETE", text(d, "/v4/tasks/%d", (int)desk_int(d, one, "task.id")), "");
    clock_manual_advance(&d->w->clock, INT64_C(90000000));
    EXPECT_OK(token_issue(&d->w->core, S("pyrus"), ana.login, ana.key, &d->pyrus.options.tokens, d->a, &ana.token));
    EXPECT_SLICE(download(d, &ana, desk_int(d, two, "task.attachments.0.id"))->body, S("shared"));
}

/* ---- §7.7 profile ---- */

TEST(profile_says_who_i_am)
{
    DESK(d);
    struct fake_reply *r = desk_send(d, &ana, "GET", "/v4/profile?include_inactive=true", "");
    EXPECT_EQ(desk_int(d, r, "person_id"), ana.id);
    EXPECT_SLICE(desk_text(d, r, "first_name"), S("Ana"));
    EXPECT_SLICE(desk_text(d, r, "last_name"), S("Prado"));
    EXPECT_SLICE(desk_text(d, r, "email"), S("ana@example.org"));
    EXPECT_SLICE(desk_text(d, r, "locale"), S("en-US"));
    EXPECT_EQ(desk_int(d, r, "organization_id"), desk_int(d, r, "organization.organization_id"));
    EXPECT_SLICE(desk_text(d, r, "organization.name"), S("default"));
}

/* ---- what the engine refuses ---- */

TEST(a_json_body_above_the_limit_is_refused_in_our_form)
{
    DESK(d);
    slice body = { arena_alloc(d->a, (1 << 20) + 1), (1 << 20) + 1 };
    struct fake_reply *r = fake_http_send(
        &d->http,
        &(struct fake_request){ .method = "POST", .target = S("/v4/tasks"), .token = ana.token, .body = body });
    EXPECT_FAILURE(d, r, 400, "too_large_request_length");
    r = fake_http_send(
        &d->http, &(struct fake_request){
                      .method = "POST", .target = S("/v4/tasks"), .token = ana.token, .body = S("{"), .cut = true });
    EXPECT_FAILURE(d, r, 400, "invalid_input");
}

/* A store that fails is 5xx in the dialect's form, and what was not acknowledged is not there. */
TEST(a_failing_store_is_a_server_error_and_loses_nothing)
{
    DESK(d);
    struct fake_reply *r = NULL;
    int64_t before = world_file_count(d->w);
    for (int64_t n = 1; !r || r->status != 200; n++) {
        d->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        r = desk_upload_reply(d, &ana, "a.txt", world_bytes(d->w, 40000));
        d->w->faults.fail_at = 0;
        if (r->status == 200)
            break;
        EXPECT_FAILURE(d, r, 503, "server_error");
        EXPECT_EQ(world_file_count(d->w), before);
    }
    EXPECT_EQ(world_file_count(d->w), before + 1);
    d->w->faults = (struct fault_plan){ .fail_at = 1, .fail_count = 1000, .code = ERR_NO_SPACE };
    r = desk_send(d, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    d->w->faults.fail_at = 0;
    EXPECT_FAILURE(d, r, 503, "server_error");
}

RUN_TESTS(
    cmocka_unit_test(a_failing_store_is_a_server_error_and_loses_nothing),

    cmocka_unit_test(every_error_code_has_an_answer), cmocka_unit_test(permission_problems_are_never_401),
    cmocka_unit_test(every_path_answers_under_every_alias), cmocka_unit_test(unknown_paths_and_methods_say_message_too),
    cmocka_unit_test(answers_are_json_objects_with_the_type_clients_look_for),
    cmocka_unit_test(null_and_empty_fields_are_left_out), cmocka_unit_test(dates_are_utc_without_fraction),
    cmocka_unit_test(a_get_may_carry_a_body), cmocka_unit_test(login_gives_a_token_and_both_urls),
    cmocka_unit_test(login_ignores_an_empty_bearer_and_strange_headers),
    cmocka_unit_test(login_with_a_person_id_confirms_who_it_is), cmocka_unit_test(a_failed_login_does_not_tell_why),
    cmocka_unit_test(login_by_get_only_when_it_is_switched_on),
    cmocka_unit_test(a_token_is_taken_with_bearer_in_any_case_or_bare),
    cmocka_unit_test(each_way_of_not_being_let_in_has_its_code),
    cmocka_unit_test(a_token_lives_a_day_and_use_does_not_lengthen_it),
    cmocka_unit_test(the_oldest_of_too_many_tokens_dies), cmocka_unit_test(a_new_password_kills_the_tokens),
    cmocka_unit_test(links_never_repeat_an_unchecked_host), cmocka_unit_test(every_answer_tells_the_rate),
    cmocka_unit_test(above_the_rate_it_is_429_with_the_seconds_to_wait), cmocka_unit_test(a_rate_of_zero_is_no_rate),
    cmocka_unit_test(an_upload_gives_a_guid_and_an_md5), cmocka_unit_test(md5_in_capitals_when_it_is_switched_on),
    cmocka_unit_test(any_field_name_will_do_and_other_parts_are_read_and_dropped),
    cmocka_unit_test(two_files_in_one_request_keep_nothing), cmocka_unit_test(bodies_that_are_no_good_multipart),
    cmocka_unit_test(a_part_without_a_file_name_is_no_file), cmocka_unit_test(an_empty_file_is_refused),
    cmocka_unit_test(the_limit_counts_the_file_and_not_the_request),
    cmocka_unit_test(names_are_cleaned_and_too_long_ones_refused),
    cmocka_unit_test(boundaries_may_be_quoted_and_names_encoded_as_dotnet_does),
    cmocka_unit_test(an_upload_without_a_token_is_refused_before_its_body),
    cmocka_unit_test(an_upload_to_a_full_disk_is_refused_before_its_body),
    cmocka_unit_test(an_upload_above_the_quota_is_refused_before_its_body),
    cmocka_unit_test(an_upload_that_breaks_off_leaves_nothing),
    cmocka_unit_test(an_upload_is_exact_however_its_bytes_arrive),
    cmocka_unit_test(a_download_has_the_headers_that_clients_need),
    cmocka_unit_test(download_names_as_each_client_reads_them),
    cmocka_unit_test(extra_words_in_a_download_query_do_not_matter), cmocka_unit_test(downloads_that_are_refused),
    cmocka_unit_test(a_guid_downloads_for_its_uploader_only), cmocka_unit_test(bytes_that_are_gone_are_file_is_missing),
    cmocka_unit_test(a_task_comes_back_with_everything_it_was_given), cmocka_unit_test(tasks_that_are_refused),
    cmocka_unit_test(formatted_text_is_text),
    cmocka_unit_test(tasks_are_seen_by_author_members_and_admins_of_the_account),
    cmocka_unit_test(attachments_come_in_all_forms_and_may_be_mixed),
    cmocka_unit_test(one_bad_attachment_attaches_nothing),
    cmocka_unit_test(versions_form_a_chain_and_each_stays_downloadable),
    cmocka_unit_test(a_chain_that_lost_its_first_version_hides_no_other_document),
    cmocka_unit_test(a_root_must_belong_to_the_same_task),
    cmocka_unit_test(a_comment_needs_text_attachments_or_a_change),
    cmocka_unit_test(a_comment_changes_subject_people_and_dates),
    cmocka_unit_test(who_left_a_task_reads_neither_it_nor_its_files), cmocka_unit_test(finishing_and_reopening),
    cmocka_unit_test(an_own_comment_can_be_edited), cmocka_unit_test(comments_of_a_megabyte_each_soon_fill_a_task),
    cmocka_unit_test(a_person_named_many_times_is_shown_once), cmocka_unit_test(a_deleted_task_lets_go_of_its_files),
    cmocka_unit_test(an_admin_may_delete_a_task), cmocka_unit_test(an_upload_nobody_attached_is_gone_after_its_time),
    cmocka_unit_test(shared_bytes_live_until_the_last_attachment_is_gone), cmocka_unit_test(profile_says_who_i_am),
    cmocka_unit_test(a_json_body_above_the_limit_is_refused_in_our_form))

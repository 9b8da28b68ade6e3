/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/apis/pyrus.md. docs/apis/pyrus-rules.md lists the test of each rule. */
#include "test.h"

#include "../../src/api/pyrus/errors_priv.h"
#include "../../src/api/pyrus/pyrus_priv.h"
#include "core/records/account.h"
#include "core/task/document.h"
#include "error_table_test.h"
#include "pyrus_fixture.h"
#include "whole_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MULTIPART                                                                                                      \
    {                                                                                                                  \
        S("Content-Type"), S("multipart/form-data; boundary=b1")                                                       \
    }

static char *formatted(struct pyrus_fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
static char *formatted(struct pyrus_fixture *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(f->a, fmt, args);
    va_end(args);
    return arena_cstr(f->a, s);
}

static struct fake_reply *post_upload(struct pyrus_fixture *f, const struct pyrus_user *u, slice body)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = "POST",
                                                            .target = S("/v4/files/upload"),
                                                            .token = u->token,
                                                            .headers = { MULTIPART },
                                                            .body = body,
                                                            .piece = 7 });
}

/* Creates a task with one file, and returns the reply. */
static struct fake_reply *task_with_file(struct pyrus_fixture *f, const struct pyrus_user *u, const char *name,
                                         slice bytes)
{
    slice guid = pyrus_upload_file(f, u, name, bytes);
    return pyrus_send(f, u, "POST", "/v4/tasks",
                      formatted(f, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
}

static struct fake_reply *comment(struct pyrus_fixture *f, const struct pyrus_user *u, int64_t task, const char *json)
{
    return pyrus_send(f, u, "POST", formatted(f, "/v4/tasks/%d/comments", (int)task), json);
}

static struct fake_reply *download(struct pyrus_fixture *f, const struct pyrus_user *u, int64_t id)
{
    return pyrus_send(f, u, "GET", formatted(f, "/v4/files/download/%d", (int)id), "");
}

/* ---- tables ---- */

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&pyrus_errors);
}

TEST(lack_of_permission_is_never_401)
{
    SCRATCH(a);
    EXPECT_EQ(error_words(&pyrus_errors, err_make(&a, ERR_FORBIDDEN, "no")).status, 403);
    for (int rule = REASON_NONE + 1; rule < REASON_END; rule++)
        EXPECT(error_words(&pyrus_errors, core_refuse(&a, (enum core_reason)rule)).status != 401);
}

/* ---- §1 hosts and paths ---- */

TEST(every_path_works_under_every_alias)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *task = task_with_file(f, &ana, "a.txt", S("hello"));
    int id = (int)pyrus_int(f, task, "task.attachments.0.id"), t = (int)pyrus_int(f, task, "task.id");
    const char *paths[] = { "/v4/files/download/%d",      "/api/v4/files/download/%d",  "/files/download/%d",
                            "/services/attachment?Id=%d", "/services/attachment?id=%d", "/services/attachment/?ID=%d",
                            "/v4/files/download/%d/" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        char path[100];
        snprintf(path, sizeof path, paths[i], id);
        EXPECT_SLICE(pyrus_send(f, &ana, "GET", path, "")->body, S("hello"));
    }
    EXPECT_EQ(pyrus_send(f, &ana, "GET", formatted(f, "/api/v4/tasks/%d/", t), "")->status, 200);
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/api/v4/profile/?withinactive=true", "")->status, 200);
    EXPECT_EQ(pyrus_send(f, NULL, "POST", "/api/v4/auth/", "{}")->status, 400);
    EXPECT_EQ(pyrus_send(f, NULL, "POST", "/v4/auth", "{}")->status, 400);
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/V4/profile", "")->status, 404);
}

TEST(errors_for_unknown_paths_and_methods_have_a_message)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "GET", "/v4/forms", "");
    EXPECT_FAILURE(f, r, 404, "invalid_input");
    EXPECT_SLICE(pyrus_text(f, r, "Message"), pyrus_text(f, r, "error"));
    r = pyrus_send(f, &ana, "PUT", "/v4/profile", "{}");
    EXPECT_FAILURE(f, r, 405, "invalid_input");
    EXPECT(pyrus_at(f, r, "Message"));
}

/* ---- §2 conventions ---- */

TEST(replies_have_the_json_type_that_clients_look_for)
{
    PYRUS_FIXTURE(f);
    EXPECT_SLICE(pyrus_send(f, &ana, "GET", "/v4/profile", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(pyrus_send(f, NULL, "GET", "/v4/profile", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(pyrus_send(f, NULL, "GET", "/v4/x", "")->content_type, S("application/json; charset=utf-8"));
}

TEST(replies_leave_out_null_and_empty_fields)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      "{\"text\":\"t\",\"subject\":null,\"participants\":[],\"due_date\":null,"
                                      "\"attachments\":null,\"list_ids\":[]}");
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(slice_find(r->body, S("null")), SLICE_NONE);
    EXPECT_EQ(slice_find(r->body, S("[]")), SLICE_NONE);
    const char *absent[] = { "subject",  "responsible",    "participants", "subscribers", "due_date",   "due",
                             "duration", "parent_task_id", "list_ids",     "close_date",  "attachments" };
    for (size_t i = 0; i < LENGTH_OF(absent); i++)
        EXPECT(!pyrus_at(f, r, formatted(f, "task.%s", absent[i])));
    const char *absent_of_comment[] = {
        "attachments",          "action",   "subject", "reassigned_to", "participants_added",
        "participants_removed", "due_date", "due"
    };
    for (size_t i = 0; i < LENGTH_OF(absent_of_comment); i++)
        EXPECT(!pyrus_at(f, r, formatted(f, "task.comments.0.%s", absent_of_comment[i])));
}

TEST(replies_write_dates_in_utc_without_fractions)
{
    PYRUS_FIXTURE(f);
    clock_manual_advance(&f->w->clock, 123);
    struct fake_reply *r =
        pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\",\"due\":\"2026-11-30T10:00:00.5Z\",\"duration\":30}");
    EXPECT_SLICE(pyrus_text(f, r, "task.create_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.0.create_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(pyrus_text(f, r, "task.due"), S("2026-11-30T10:00:00Z"));
    EXPECT_EQ(pyrus_int(f, r, "task.duration"), 30);
}

TEST(a_get_may_have_a_body)
{
    PYRUS_FIXTURE(f);
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/v4/profile", "{}\n")->status, 200);
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", S("x")), "task.attachments.0.id");
    EXPECT_SLICE(pyrus_send(f, &ana, "GET", formatted(f, "/v4/files/download/%d", (int)id), "{}\n")->body, S("x"));
}

/* ---- §3 login and tokens ---- */

static struct fake_reply *login(struct pyrus_fixture *f, const char *login, slice key, const char *more)
{
    return pyrus_send(
        f, NULL, "POST", "/api/v4/auth",
        formatted(f, "{\"login\":\"%s\",\"security_key\":\"" SLICE_FMT "\"%s}", login, SLICE_ARG(key), more));
}

TEST(login_returns_a_token_and_both_urls)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = login(f, "ana", ana.key, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(pyrus_text(f, r, "api_url"), S("https://files.example.org/v4/"));
    EXPECT_SLICE(pyrus_text(f, r, "files_url"), S("https://files.example.org/"));
    struct pyrus_user again = ana;
    again.token = pyrus_text(f, r, "access_token");
    EXPECT_EQ(slice_find_byte(again.token, '.'), SLICE_NONE);
    EXPECT_EQ(pyrus_send(f, &again, "GET", "/v4/profile", "")->status, 200);
}

TEST(login_ignores_an_empty_bearer_and_unknown_headers)
{
    PYRUS_FIXTURE(f);
    char *body = formatted(f, "{\"login\":\"ana\",\"security_key\":\"" SLICE_FMT "\"}", SLICE_ARG(ana.key));
    struct fake_reply *r =
        fake_http_send(&f->http, &(struct fake_request){ .method = "POST",
                                                         .target = S("/api/v4/auth"),
                                                         .headers = { { S("Authorization"), S("Bearer") },
                                                                      { S("ContentType"), S("application/json") } },
                                                         .body = slice_of(body) });
    EXPECT_EQ(r->status, 200);
}

TEST(person_id_at_login_only_confirms_the_user)
{
    PYRUS_FIXTURE(f);
    EXPECT_EQ(login(f, "ana", ana.key, formatted(f, ",\"person_id\":%d", (int)ana.id))->status, 200);
    EXPECT_EQ(login(f, "ana", ana.key, formatted(f, ",\"person_id\":\"%d\"", (int)ana.id))->status, 200);
    EXPECT_EQ(login(f, "ana", ana.key, ",\"person_id\":null")->status, 200);
    EXPECT_FAILURE(f, login(f, "ana", ana.key, ",\"person_id\":999"), 401, "invalid_credentials");
    EXPECT_FAILURE(f, login(f, "ana", ana.key, ",\"person_id\":\"x\""), 400, "invalid_value_format");
}

TEST(a_failed_login_does_not_reveal_the_reason)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *wrong = login(f, "ana", S("wrong"), ""), *unknown = login(f, "nobody", S("wrong"), "");
    EXPECT_FAILURE(f, wrong, 401, "invalid_credentials");
    EXPECT_SLICE(unknown->body, wrong->body);
    EXPECT_EQ(unknown->status, wrong->status);
    EXPECT_FAILURE(f, pyrus_send(f, NULL, "POST", "/v4/auth", "{\"login\":\"ana\"}"), 400,
                   "required_parameter_missing");
    EXPECT_FAILURE(f, pyrus_send(f, NULL, "POST", "/v4/auth", ""), 400, "empty_body");
    EXPECT_FAILURE(f, pyrus_send(f, NULL, "POST", "/v4/auth", "[]"), 400, "invalid_json");
    EXPECT_FAILURE(f, pyrus_send(f, NULL, "POST", "/v4/auth", "{\"login\":1,\"security_key\":\"x\"}"), 400,
                   "invalid_value_format");
}

/* The route takes 4 KiB, so a login that declares more is refused before any of it comes. */
TEST(logins_of_a_megabyte_took_a_gigabyte)
{
    PYRUS_FIXTURE(f);
    static const char *const paths[] = { "/v4/auth", "/api/v4/auth" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        struct fake_reply *r =
            fake_http_send(&f->http, &(struct fake_request){ .method = "POST",
                                                             .target = slice_of(paths[i]),
                                                             .body = S("{\"login\":\"ana\",\"security_key\":\""),
                                                             .declared = (1 << 20) - 1 });
        EXPECT_FAILURE(f, r, 400, "too_large_request_length");
        EXPECT(r->refused && r->peak_bytes < 16384);
    }
}

TEST(login_by_get_works_only_when_configured)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.login_by_get = true;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *on = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(on, "ana", "Ana");
    char *target = formatted(on, "/v4/auth?Login=ana&security_key=" SLICE_FMT, SLICE_ARG(ana.key));
    EXPECT(pyrus_text(on, pyrus_send(on, NULL, "GET", target, ""), "access_token").n > 0);
    EXPECT_FAILURE(on, pyrus_send(on, NULL, "GET", "/v4/auth?login=ana", ""), 400, "required_parameter_missing");

    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *off = pyrus_fixture_new(NULL);
    struct fake_reply *r = pyrus_send(off, NULL, "GET", "/v4/auth?login=a&security_key=b", "");
    EXPECT_FAILURE(off, r, 405, "invalid_input");
    EXPECT_SLICE(fake_reply_header(r, "Allow"), S("POST"));
}

static struct fake_reply *profile_with(struct pyrus_fixture *f, const char *authorization)
{
    return fake_http_send(&f->http,
                          &(struct fake_request){ .target = S("/v4/profile"),
                                                  .headers = { { S("Authorization"), slice_of(authorization) } } });
}

TEST(a_token_is_accepted_with_bearer_in_any_case_and_bare)
{
    PYRUS_FIXTURE(f);
    const char *forms[] = { "Bearer %.*s", "bearer %.*s", "BEARER  %.*s", "%.*s" };
    for (size_t i = 0; i < LENGTH_OF(forms); i++) {
        char value[200];
        snprintf(value, sizeof value, forms[i], SLICE_ARG(ana.token));
        EXPECT_EQ(profile_with(f, value)->status, 200);
    }
}

TEST(each_cause_of_a_401_has_its_own_code)
{
    PYRUS_FIXTURE(f);
    EXPECT_FAILURE(f, pyrus_send(f, NULL, "GET", "/v4/profile", ""), 401, "token_not_specified");
    EXPECT_FAILURE(f, profile_with(f, "Bearer"), 401, "token_not_specified");
    EXPECT_FAILURE(f, profile_with(f, "Bearer nonsense"), 401, "invalid_token");
    EXPECT_FAILURE(f, profile_with(f, "Basic YTpi"), 401, "invalid_token");
    EXPECT_FAILURE(f, profile_with(f, "Bearer a b"), 401, "invalid_token");

    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("bia"), USER_DISABLED, f->a));
    EXPECT_FAILURE(f, pyrus_send(f, &bia, "GET", "/v4/profile", ""), 401, "revoked_token");
    EXPECT_FAILURE(f, login(f, "bia", bia.key, ""), 401, "account_blocked");
}

TEST(a_token_expires_after_a_day_even_when_it_is_used)
{
    PYRUS_FIXTURE(f);
    clock_manual_advance(&f->w->clock, INT64_C(86399999));
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/v4/profile", "")->status, 200);
    clock_manual_advance(&f->w->clock, 1);
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/profile", ""), 401, "expired_token");
}

TEST(the_101st_token_of_a_user_ends_the_oldest)
{
    PYRUS_FIXTURE(f);
    for (int i = 0; i < 99; i++)
        EXPECT_EQ(login(f, "ana", ana.key, "")->status, 200);
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/v4/profile", "")->status, 200);
    EXPECT_EQ(login(f, "ana", ana.key, "")->status, 200);
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/profile", ""), 401, "revoked_token");
}

TEST(a_new_password_ends_all_tokens)
{
    PYRUS_FIXTURE(f);
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, S("ana"), S("correct horse"), f->a));
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/profile", ""), 401, "revoked_token");
}

/* Before, the whole address was the first name, and there was no e-mail address. */
TEST(a_login_that_is_an_address_is_the_email_address)
{
    PYRUS_FIXTURE(f);
    struct user user;
    struct minted_key minted;
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_, &(struct user_request){ .login = S("rita.lobo@example.org") },
                          f->a, &user));
    EXPECT_OK(key_mint(&f->w->core, &f->w->operator_, &(struct key_request){ user.login, S("pyrus") }, f->a, &minted));
    struct pyrus_user rita = { .login = user.login };
    EXPECT_OK(token_issue(&f->w->core,
                          &(struct token_request){ S("pyrus"), user.login, minted.key, S(""), &f->pyrus.tokens }, f->a,
                          &rita.token));
    struct fake_reply *r = pyrus_send(f, &rita, "GET", "/v4/profile", "");
    EXPECT_SLICE(pyrus_text(f, r, "email"), S("rita.lobo@example.org"));
    EXPECT_SLICE(pyrus_text(f, r, "first_name"), S("rita.lobo"));
    r = pyrus_send(f, &rita, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    EXPECT_SLICE(pyrus_text(f, r, "task.author.email"), S("rita.lobo@example.org"));
    EXPECT_SLICE(pyrus_text(f, r, "task.author.first_name"), S("rita.lobo"));
}

TEST(links_never_contain_an_unchecked_host)
{
    PYRUS_FIXTURE(f);
    char *body = formatted(f, "{\"login\":\"ana\",\"security_key\":\"" SLICE_FMT "\"}", SLICE_ARG(ana.key));
    struct fake_request request = { .method = "POST", .target = S("/v4/auth"), .body = slice_of(body) };
    request.host = S("evil.example");
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "api_url"), S("https://files.example.org/v4/"));
    request.host =
        S("api.pyrus.com:8443"); /* public_url tells a client where it belongs, whatever host it began with */
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "api_url"), S("https://files.example.org/v4/"));
    f->links.public_url = S("");
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "api_url"), S("http://api.pyrus.com:8443/v4/"));
    request.host = S("localhost:8080");
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "files_url"), S("http://localhost:8080/"));
    request.host = S("evil.example:8080");
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "files_url"), S("http://127.0.0.1:8080/"));
    f->links.storage_host = S("objects.example.org"); /* where the token of this API says nothing */
    EXPECT_SLICE(pyrus_text(f, fake_http_send(&f->http, &request), "files_url"), S("http://127.0.0.1:8080/"));
}

/* ---- §4 rate limit ---- */

TEST(every_reply_has_rate_headers)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "GET", "/v4/profile", "");
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Limit"), S("5000"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Remaining"), S("4999"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Reset"), S("351"));
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", S("x")), "task.attachments.0.id");
    struct fake_reply *all[] = {
        download(f, &ana, id),
        pyrus_send(f, &ana, "GET", "/v4/tasks/99", ""),
        pyrus_send(f, &ana, "GET", "/v4/nothing", ""),
        pyrus_send(f, NULL, "GET", "/v4/profile", ""),
        login(f, "ana", ana.key, ""),
        login(f, "ana", S("wrong"), ""),
        post_upload(f, &ana, S("junk")),
        pyrus_send_file(f, &ana, "b", S("y")),
    };
    for (size_t i = 0; i < LENGTH_OF(all); i++) {
        size_t times = 0;
        for (size_t h = 0; h < all[i]->header_count; h++)
            times += slice_eq(all[i]->headers[h].name, S("X-RateLimit-Remaining"));
        EXPECT_EQ(times, 1);
    }
}

TEST(a_request_above_the_rate_limit_is_429_with_retry_after)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.rate_limit = 2;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *f = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(f, "ana", "Ana"), bia = pyrus_user(f, "bia", "Bia");
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(pyrus_send(f, &ana, "GET", "/v4/profile", "")->status, 200);
    struct fake_reply *r = pyrus_send(f, &ana, "GET", "/v4/profile", "");
    EXPECT_FAILURE(f, r, 429, "too_many_requests");
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("351"));
    EXPECT_SLICE(fake_reply_header(r, "X-RateLimit-Remaining"), S("0"));
    EXPECT_EQ(pyrus_send(f, &bia, "GET", "/v4/profile", "")->status, 200);
    clock_manual_advance(&f->w->clock, 600000);
    EXPECT_EQ(pyrus_send(f, &ana, "GET", "/v4/profile", "")->status, 200);
}

TEST(a_rate_limit_of_zero_is_off)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.rate_limit = 0;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *f = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(f, "ana", "Ana");
    EXPECT(!fake_reply_header(pyrus_send(f, &ana, "GET", "/v4/profile", ""), "X-RateLimit-Limit").p);
}

/* ---- §7.1 upload ---- */

TEST(an_upload_returns_a_guid_and_an_md5)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send_file(f, &ana, "hello.txt", S("hello"));
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(pyrus_text(f, r, "md5_hash"), S("5d41402abc4b2a76b9719d911017c592"));
    slice guid = pyrus_text(f, r, "guid");
    EXPECT_EQ(guid.n, 36);
    EXPECT(guid.p[8] == '-' && guid.p[14] == '4');
    EXPECT(!slice_eq(
        guid, pyrus_upload_file(f, &ana, "hello.txt", S("hello")))); /* two uploads of the same bytes are two files */
    EXPECT_EQ(world_file_count(f->w), 2);
}

TEST(md5_is_in_upper_case_when_configured)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.md5_upper_case = true;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *f = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(f, "ana", "Ana");
    EXPECT_SLICE(pyrus_text(f, pyrus_send_file(f, &ana, "a", S("hello")), "md5_hash"),
                 S("5D41402ABC4B2A76B9719D911017C592"));
    EXPECT_SLICE(pyrus_text(f, task_with_file(f, &ana, "a", S("hello")), "task.attachments.0.md5"),
                 S("5D41402ABC4B2A76B9719D911017C592"));
}

TEST(upload_accepts_any_field_name_and_ignores_other_parts)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r =
        post_upload(f, &ana,
                    S("preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nignored\r\n"
                      "--b1\r\nContent-Disposition: form-data; name=\"тест отчёт.txt\"; filename=\"тест отчёт.txt\"\r\n"
                      "Content-Type: text/plain\r\n\r\nline\r\n--b1x\r\nend\r\n\r\n"
                      "--b1\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\nx\r\n--b1--\r\nepilogue"));
    EXPECT_EQ(r->status, 200);
    slice guid = pyrus_text(f, r, "guid");
    r = pyrus_send(f, &ana, "GET", formatted(f, "/v4/files/download/" SLICE_FMT, SLICE_ARG(guid)), "");
    EXPECT_SLICE(r->body, S("line\r\n--b1x\r\nend\r\n"));
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
}

TEST(an_upload_of_two_files_stores_neither)
{
    PYRUS_FIXTURE(f);
    EXPECT_FAILURE(f,
                   post_upload(f, &ana,
                               S("--b1\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\n1\r\n"
                                 "--b1\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b\"\r\n\r\n2\r\n"
                                 "--b1--\r\n")),
                   400, "bad_multipart_content");
    EXPECT_EQ(world_file_count(f->w), 0);
}

TEST(upload_refuses_malformed_multipart_bodies)
{
    PYRUS_FIXTURE(f);
    static const slice bodies[] = {
        { "", 0 },
        { "{\"a\":1}", 7 },
        { "--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nhalf", 68 },
        /* the example in the vendor's page lacks the empty line between head and bytes (docs/apis/pyrus.md §7.1) */
        { "--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\nbytes\r\n--b1--\r\n", 77 },
    };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        slice body = slice_of(bodies[i].p);
        EXPECT_FAILURE(f, post_upload(f, &ana, body), 400, "bad_multipart_content");
    }
    const char *types[] = { "multipart/form-data", "application/json", "multipart/form-data; boundary=" };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_reply *r =
            fake_http_send(&f->http, &(struct fake_request){ .method = "POST",
                                                             .target = S("/v4/files/upload"),
                                                             .token = ana.token,
                                                             .headers = { { S("Content-Type"), slice_of(types[i]) } },
                                                             .body = S("{}") });
        EXPECT_FAILURE(f, r, 400, "bad_multipart_content");
        EXPECT(!r->received);
    }
    EXPECT_EQ(world_file_count(f->w), 0);
}

TEST(upload_refuses_a_body_without_a_file_part)
{
    PYRUS_FIXTURE(f);
    EXPECT_FAILURE(
        f, post_upload(f, &ana, S("--b1\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b1--\r\n")), 400,
        "no_file_in_request");
}

/* After a 401 one client repeats the upload with a stream that is already consumed. An error makes that loss
 * visible. */
TEST(upload_refuses_an_empty_file)
{
    PYRUS_FIXTURE(f);
    EXPECT_FAILURE(f, pyrus_send_file(f, &ana, "a", S("")), 400, "empty_file");
    EXPECT_EQ(world_file_count(f->w), 0);
}

TEST(the_size_limit_counts_the_file_and_not_the_request)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.max_file_size_bytes = 5;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *f = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(f, "ana", "Ana");
    EXPECT_EQ(pyrus_send_file(f, &ana, "a", S("12345"))->status, 200);
    EXPECT_FAILURE(f, pyrus_send_file(f, &ana, "a", S("123456")), 400, "too_large_request_length");
    EXPECT_EQ(world_file_count(f->w), 1);
    struct fake_request early = { .method = "POST",
                                  .target = S("/v4/files/upload"),
                                  .token = ana.token,
                                  .headers = { MULTIPART },
                                  .declared = 5 + 65536 };
    EXPECT(fake_http_send(&f->http, &early)->received);
    early.declared++;
    struct fake_reply *r = fake_http_send(&f->http, &early);
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    EXPECT(!r->received);
}

TEST(upload_cleans_file_names_and_refuses_long_ones)
{
    PYRUS_FIXTURE(f);
    char name[300] = { 0 };
    memset(name, 'n', 255);
    EXPECT_EQ(pyrus_send_file(f, &ana, name, S("x"))->status, 200);
    name[255] = 'n';
    EXPECT_FAILURE(f, pyrus_send_file(f, &ana, name, S("x")), 400, "max_file_name_length_exceeded");
    EXPECT_SLICE(pyrus_text(f, task_with_file(f, &ana, "/home/joao/notas.pdf", S("x")), "task.attachments.0.name"),
                 S("notas.pdf"));
    EXPECT_SLICE(pyrus_text(f, task_with_file(f, &ana, "q%22uo;te.txt", S("x")), "task.attachments.0.name"),
                 S("q\"uo;te.txt"));
    EXPECT_SLICE(pyrus_text(f, task_with_file(f, &ana, "..", S("x")), "task.attachments.0.name"), S("file"));
}

TEST(upload_reads_quoted_boundaries_and_names_as_dotnet_encodes_them)
{
    PYRUS_FIXTURE(f);
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
    slice guid = pyrus_text(f, fake_http_send(&f->http, &request), "guid");
    struct fake_reply *r = pyrus_send(f, &ana, "GET", formatted(f, "/files/download/" SLICE_FMT, SLICE_ARG(guid)), "");
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"),
                 S("attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82"));
}

TEST(an_upload_without_a_token_is_refused_before_its_body)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user nobody = { .token = S("wrong") };
    struct fake_reply *r = pyrus_send_file(f, &nobody, "a", S("x"));
    EXPECT_FAILURE(f, r, 401, "invalid_token");
    EXPECT(!r->received && !r->closes);
    r = fake_http_send(&f->http, &(struct fake_request){ .method = "POST",
                                                         .target = S("/v4/files/upload"),
                                                         .headers = { MULTIPART },
                                                         .declared = (1 << 20) + 1 });
    EXPECT_FAILURE(f, r, 401, "token_not_specified");
    EXPECT(r->closes);
}

/* Before, the server asked for the body first, and a client sent 250 MiB for nothing. */
TEST(an_upload_to_a_full_disk_is_refused_before_its_body)
{
    PYRUS_FIXTURE(f);
    f->w->core.options.reserve_bytes = UINT64_MAX;
    struct fake_reply *r = pyrus_send_file(f, &ana, "a", S("x"));
    EXPECT_FAILURE(f, r, 503, "server_error");
    EXPECT(!r->received);
    f->w->core.options.reserve_bytes = 0;
    EXPECT_EQ(pyrus_send_file(f, &ana, "a", S("x"))->status, 200);
}

/* Before, the whole body was read first: 20 MB, although the quota was 1 MiB. */
TEST(an_upload_above_the_quota_is_refused_before_its_body)
{
    PYRUS_FIXTURE(f);
    struct core_options *o = &f->w->core.options;
    o->account_max_bytes = 100000;
    struct fake_reply *r = pyrus_send_file(f, &ana, "a", world_bytes(f->w, 100000 + PYRUS_FRAMING_MAX));
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    EXPECT(!r->received);
    /* The head is accepted, because a part of its length may be multipart framing. The body is too large. */
    r = pyrus_send_file(f, &ana, "a", world_bytes(f->w, 100001));
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    r = pyrus_send_file(f, &ana, "a", world_bytes(f->w, 100000)); /* the record of the file has no room */
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    EXPECT_EQ(pyrus_send_file(f, &ana, "a", world_bytes(f->w, 99000))->status, 200);
    o->account_max_bytes = 0;
    o->account_max_files = 1;
    r = pyrus_send_file(f, &ana, "a", S("x"));
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    EXPECT(!r->received);
    EXPECT_EQ(world_file_count(f->w), 1);
}

TEST(an_upload_that_is_cut_short_stores_nothing)
{
    PYRUS_FIXTURE(f);
    struct fake_request request = { .method = "POST",
                                    .target = S("/v4/files/upload"),
                                    .token = ana.token,
                                    .headers = { MULTIPART },
                                    .cut = true,
                                    .body = S("--b1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n"
                                              "\r\nhello\r\n--b1--\r\n") };
    EXPECT_FAILURE(f, fake_http_send(&f->http, &request), 400, "bad_multipart_content");
    EXPECT_EQ(world_file_count(f->w), 0);
}

TEST(an_upload_with_parts_of_boundaries_in_it_stays_exact)
{
    PYRUS_FIXTURE(f);
    char *bytes = arena_alloc(f->a, 40000);
    for (size_t i = 0; i < 40000; i++)
        bytes[i] = "\r\n--b1-x"[(i * 2654435761u >> 13) % 8];
    bytes[39998] = '\r';
    bytes[39999] = '\n';
    slice file = { bytes, 40000 };
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", file), "task.attachments.0.id");
    EXPECT_SLICE(download(f, &ana, id)->body, file);
}

/* ---- §7.2 download ---- */

TEST(a_download_has_the_headers_that_clients_need)
{
    PYRUS_FIXTURE(f);
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "data.json", S("{\"a\":1}")), "task.attachments.0.id");
    struct fake_reply *r = download(f, &ana, id);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=data.json"));
    EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
    EXPECT(r->is_content && r->etag.n == 34 && r->etag.p[0] == '"');
}

TEST(downloads_encode_names_so_that_every_client_reads_them)
{
    PYRUS_FIXTURE(f);
    static const char *const names[][2] = {
        { "test.txt", "attachment; filename=test.txt" },
        { "te st (1).txt", "attachment; filename=\"te st (1).txt\"" },
        { "тест.txt", "attachment; filename*=UTF-8''%D1%82%D0%B5%D1%81%D1%82.txt" },
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        int64_t id = pyrus_int(f, task_with_file(f, &ana, names[i][0], S("x")), "task.attachments.0.id");
        EXPECT_SLICE(fake_reply_header(download(f, &ana, id), "Content-Disposition"), slice_of(names[i][1]));
    }
}

TEST(download_ignores_other_query_parameters)
{
    PYRUS_FIXTURE(f);
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", S("x")), "task.attachments.0.id");
    char *target = formatted(f, "/services/attachment?ispreview=false&Id=%d&download=true", (int)id);
    EXPECT_SLICE(pyrus_send(f, &ana, "GET", target, "")->body, S("x"));
}

TEST(download_refuses_hidden_unknown_and_malformed_ids)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", S("x")), "task.attachments.0.id");
    EXPECT_FAILURE(f, download(f, &bia, id), 403, "access_denied_file");
    EXPECT_FAILURE(f, download(f, &ana, 9999), 403, "access_denied_file");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/files/download/99999999999999999999", ""), 403,
                   "access_denied_file");
    const char *bad[] = { "/services/attachment",  "/services/attachment?Id=", "/services/attachment?Id=x",
                          "/v4/files/download/-1", "/v4/files/download/1.5",   "/services/attachment?Id=%zz" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", bad[i], ""), 400, "invalid_value_format");
}

TEST(download_by_guid_works_only_for_the_uploader)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    struct pyrus_user boss = pyrus_user_of(f, "", "boss", "The Boss", true);
    slice guid = pyrus_upload_file(f, &ana, "a.txt", S("mine"));
    char *target = formatted(f, "/services/attachment?Id=" SLICE_FMT, SLICE_ARG(guid));
    EXPECT_SLICE(pyrus_send(f, &ana, "GET", target, "")->body, S("mine"));
    EXPECT_FAILURE(f, pyrus_send(f, &bia, "GET", target, ""), 403, "access_denied_file");
    EXPECT_FAILURE(f, pyrus_send(f, &boss, "GET", target, ""), 403, "access_denied_file");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/files/download/08923d83-255b-4f18-b0eb-5c4d3b9bf1d2", ""), 403,
                   "access_denied_file");
    pyrus_send(f, &ana, "POST", "/v4/tasks",
               formatted(f, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
    EXPECT_SLICE(pyrus_send(f, &ana, "GET", target, "")->body, S("mine"));
}

static err_t remove_blob(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct pyrus_fixture *f = arg;
    (void)size_bytes;
    (void)modified_ms;
    return f->w->core.blob->ops->remove(f->w->core.blob, arena_copy(f->a, key), f->a);
}

TEST(a_download_of_lost_bytes_is_refused_as_file_is_missing)
{
    PYRUS_FIXTURE(f);
    slice large = { arena_alloc(f->a, 100000), 100000 };
    int64_t id = pyrus_int(f, task_with_file(f, &ana, "a", large), "task.attachments.0.id");
    EXPECT_EQ(download(f, &ana, id)->body.n, 100000);
    EXPECT_OK(f->w->core.blob->ops->each(f->w->core.blob, f->a, remove_blob, f));
    EXPECT_FAILURE(f, download(f, &ana, id), 404, "file_is_missing");
}

/* ---- §6, §7.3, §7.4 tasks ---- */

TEST(a_task_reply_has_everything_that_was_sent)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia de Souza"), joao = pyrus_user(f, "joao@example.org", "João");
    slice guid = pyrus_upload_file(f, &ana, "счёт № 7.pdf", S("hello"));
    struct fake_reply *r = pyrus_send(
        f, &ana, "POST", "/v4/tasks",
        formatted(
            f,
            "{\"text\":\"Проверить счёт\",\"subject\":\"Счёт\",\"participants\":[{\"id\":%d},{\"email\":"
            "\"JOAO@example.org\"}],\"responsible\":{\"id\":%d},\"subscribers\":[{\"id\":%d}],\"due_date\":"
            "\"2026-11-30\",\"parent_task_id\":5,\"list_ids\":[3,4],\"fill_defaults\":false,\"scheduled_date\":null,"
            "\"attachments\":[\"" SLICE_FMT "\"]}",
            (int)bia.id, (int)bia.id, (int)joao.id, SLICE_ARG(guid)));
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(pyrus_text(f, r, "task.text"), S("Проверить счёт"));
    EXPECT_SLICE(pyrus_text(f, r, "task.subject"), S("Счёт"));
    EXPECT_SLICE(pyrus_text(f, r, "task.author.first_name"), S("Ana"));
    EXPECT_SLICE(pyrus_text(f, r, "task.author.last_name"), S("Prado"));
    EXPECT_SLICE(pyrus_text(f, r, "task.author.email"), S("ana@example.org"));
    EXPECT_SLICE(pyrus_text(f, r, "task.author.type"), S("user"));
    EXPECT_EQ(pyrus_int(f, r, "task.author.id"), ana.id);
    EXPECT_EQ(pyrus_count(f, r, "task.participants"), 2);
    EXPECT_SLICE(pyrus_text(f, r, "task.responsible.last_name"), S("de Souza"));
    EXPECT_EQ(pyrus_int(f, r, "task.subscribers.0.id"), joao.id);
    EXPECT_SLICE(pyrus_text(f, r, "task.due_date"), S("2026-11-30"));
    EXPECT_EQ(pyrus_int(f, r, "task.parent_task_id"), 5);
    EXPECT_EQ(pyrus_int(f, r, "task.list_ids.1"), 4);
    EXPECT(json_is(pyrus_at(f, r, "task.is_closed"), JS_BOOL));
    EXPECT_EQ(pyrus_count(f, r, "task.comments"), 1);
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.0.text"), S("Проверить счёт"));
    EXPECT_EQ(pyrus_int(f, r, "task.last_note_id"), pyrus_int(f, r, "task.comments.0.id"));
    const char *where[] = { "task.attachments.0", "task.comments.0.attachments.0" };
    for (size_t i = 0; i < 2; i++) {
        EXPECT_SLICE(pyrus_text(f, r, formatted(f, "%s.name", where[i])), S("счёт № 7.pdf"));
        EXPECT_EQ(pyrus_int(f, r, formatted(f, "%s.size", where[i])), 5);
        EXPECT_EQ(pyrus_int(f, r, formatted(f, "%s.version", where[i])), 1);
        EXPECT(!pyrus_at(f, r, formatted(f, "%s.root_id", where[i])));
        EXPECT_SLICE(pyrus_text(f, r, formatted(f, "%s.md5", where[i])), S("5d41402abc4b2a76b9719d911017c592"));
        int id = (int)pyrus_int(f, r, formatted(f, "%s.id", where[i]));
        EXPECT_SLICE(pyrus_text(f, r, formatted(f, "%s.url", where[i])),
                     slice_of(formatted(f, "https://files.example.org/services/attachment?Id=%d", id)));
    }
    struct fake_reply *again =
        pyrus_send(f, &joao, "GET", formatted(f, "/v4/tasks/%d", (int)pyrus_int(f, r, "task.id")), "");
    EXPECT_SLICE(again->body, r->body);
}

TEST(task_create_refuses_malformed_tasks)
{
    PYRUS_FIXTURE(f);
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
        EXPECT_FAILURE(f, pyrus_send(f, &ana, "POST", "/v4/tasks", cases[i][0]), atoi(cases[i][1]), cases[i][2]);
}

TEST(formatted_text_replaces_text)
{
    PYRUS_FIXTURE(f);
    EXPECT_SLICE(
        pyrus_text(f, pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"formatted_text\":\"<b>t</b>\"}"), "task.text"),
        S("<b>t</b>"));
}

TEST(a_task_is_visible_to_author_members_and_admins)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia"), joao = pyrus_user(f, "joao", "João");
    struct pyrus_user boss = pyrus_user_of(f, "", "boss", "Boss", true);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct pyrus_user outsider = pyrus_user_of(f, "other", "outsider", "S", true);
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      formatted(f, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)bia.id));
    char *target = formatted(f, "/v4/tasks/%d", (int)pyrus_int(f, r, "task.id"));
    EXPECT_EQ(pyrus_send(f, &bia, "GET", target, "")->status, 200);
    EXPECT_EQ(pyrus_send(f, &boss, "GET", target, "")->status, 200);
    EXPECT_FAILURE(f, pyrus_send(f, &joao, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(f, pyrus_send(f, &outsider, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/tasks/999", ""), 403, "access_denied_task");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", "/v4/tasks/x", ""), 403, "access_denied_task");
    EXPECT_FAILURE(f,
                   pyrus_send(f, &ana, "POST", "/v4/tasks",
                              formatted(f, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)outsider.id)),
                   400, "invalid_person_id");
}

TEST(attachments_accept_all_forms_in_one_request)
{
    PYRUS_FIXTURE(f);
    slice one = pyrus_upload_file(f, &ana, "one", S("1")), two = pyrus_upload_file(f, &ana, "two", S("22"));
    int64_t old = pyrus_int(f, task_with_file(f, &ana, "old", S("333")), "task.attachments.0.id");
    char upper[37];
    for (size_t i = 0; i < 36; i++)
        upper[i] = (char)(two.p[i] >= 'a' ? two.p[i] - 32 : two.p[i]);
    upper[36] = 0;
    struct fake_reply *r = pyrus_send(
        f, &ana, "POST", "/v4/tasks",
        formatted(f,
                  "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\",{\"guid\":\"{%s}\",\"root_id\":null},"
                  "{\"attachment_id\":%d},{\"url\":\"https://example.org/x\",\"name\":\"link\"},\"" SLICE_FMT "\"]}",
                  SLICE_ARG(one), upper, (int)old, SLICE_ARG(one)));
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(pyrus_count(f, r, "task.attachments"), 5); /* the same guid twice: two attachments */
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.1.name"), S("two"));
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.2.name"), S("old"));
    EXPECT(pyrus_int(f, r, "task.attachments.2.id") != old);
    EXPECT_SLICE(download(f, &ana, pyrus_int(f, r, "task.attachments.2.id"))->body, S("333"));
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.3.size"), 0);
    EXPECT(!pyrus_at(f, r, "task.attachments.3.md5"));
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.3.url"), S("https://example.org/x"));
    EXPECT_FAILURE(f, download(f, &ana, pyrus_int(f, r, "task.attachments.3.id")), 404, "file_is_missing");
    EXPECT(pyrus_int(f, r, "task.attachments.4.id") != pyrus_int(f, r, "task.attachments.0.id"));
}

TEST(one_bad_attachment_refuses_all)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    slice mine = pyrus_upload_file(f, &ana, "a", S("1")), hers = pyrus_upload_file(f, &bia, "b", S("2"));
    struct fake_reply *task = pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    int64_t id = pyrus_int(f, task, "task.id");
    struct fake_reply *r = comment(
        f, &ana, id,
        formatted(f, "{\"attachments\":[\"" SLICE_FMT "\",\"" SLICE_FMT "\"]}", SLICE_ARG(mine), SLICE_ARG(hers)));
    EXPECT_FAILURE(f, r, 400, "unrecognized_attachment_id");
    r = pyrus_send(f, &ana, "GET", formatted(f, "/v4/tasks/%d", (int)id), "");
    EXPECT_EQ(pyrus_count(f, r, "task.attachments"), 0);
    EXPECT_EQ(pyrus_count(f, r, "task.comments"), 1);
}

TEST(every_version_of_a_document_stays_downloadable)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = task_with_file(f, &ana, "plan v1.txt", S("one"));
    int64_t task = pyrus_int(f, r, "task.id"), root = pyrus_int(f, r, "task.attachments.0.id");
    slice v2 = pyrus_upload_file(f, &ana, "plan v2.txt", S("two")),
          v3 = pyrus_upload_file(f, &ana, "plan.txt", S("three"));
    r = comment(
        f, &ana, task,
        formatted(f, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v2), (int)root));
    int64_t second = pyrus_int(f, r, "task.comments.1.attachments.0.id");
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.0.version"), 2);
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.0.root_id"), root);
    EXPECT_EQ(pyrus_count(f, r, "task.attachments"), 1);
    r = comment(
        f, &ana, task, /* root_id may be the id of any version */
        formatted(f, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v3), (int)second));
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.0.version"), 3);
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.0.root_id"), root);
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.0.name"), S("plan.txt"));
    EXPECT_SLICE(download(f, &ana, root)->body, S("one"));
    EXPECT_SLICE(download(f, &ana, second)->body, S("two"));
    EXPECT_SLICE(fake_reply_header(download(f, &ana, second), "Content-Disposition"),
                 S("attachment; filename=\"plan v2.txt\""));
}

/* Another API may delete any version of a document. When the first one was deleted, the newest version was marked at
 * the wrong index, which hid another document of the task. */
TEST(a_deleted_first_version_hides_no_other_document)
{
    PYRUS_FIXTURE(f);
    struct whole_task view;
    struct fake_reply *r = task_with_file(f, &ana, "plan v1.txt", S("one"));
    int64_t task = pyrus_int(f, r, "task.id"), root = pyrus_int(f, r, "task.attachments.0.id");
    slice other = pyrus_upload_file(f, &ana, "other.txt", S("x")),
          v2 = pyrus_upload_file(f, &ana, "plan v2.txt", S("two"));
    comment(f, &ana, task, formatted(f, "{\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(other)));
    comment(f, &ana, task,
            formatted(f, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v2), (int)root));
    EXPECT_OK(whole_task_read(&f->w->core, &ana.who, task, f->a, &view));
    EXPECT_OK(document_delete(&f->w->core, &ana.who, view.references[0].file_id, hours(1), f->a));
    r = pyrus_send(f, &ana, "GET", formatted(f, "/v4/tasks/%d", (int)task), "");
    EXPECT_EQ(pyrus_count(f, r, "task.attachments"), 2);
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.0.name"), S("other.txt"));
    EXPECT_SLICE(pyrus_text(f, r, "task.attachments.1.name"), S("plan v2.txt"));
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.1.root_id"), root);
    slice v3 = pyrus_upload_file(f, &ana, "plan v3.txt", S("three"));
    r = comment(
        f, &ana, task, /* the id of the deleted first version still names the chain */
        formatted(f, "{\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}", SLICE_ARG(v3), (int)root));
    EXPECT_EQ(pyrus_count(f, r, "task.attachments"), 2);
    EXPECT_EQ(pyrus_int(f, r, "task.attachments.1.version"), 3);
}

TEST(root_id_must_belong_to_the_same_task)
{
    PYRUS_FIXTURE(f);
    int64_t root = pyrus_int(f, task_with_file(f, &ana, "a", S("1")), "task.attachments.0.id");
    int64_t other = pyrus_int(f, task_with_file(f, &ana, "b", S("2")), "task.id");
    slice guid = pyrus_upload_file(f, &ana, "c", S("3"));
    char *json = formatted(f, "{\"text\":\"t\",\"attachments\":[{\"guid\":\"" SLICE_FMT "\",\"root_id\":%d}]}",
                           SLICE_ARG(guid), (int)root);
    EXPECT_FAILURE(f, comment(f, &ana, other, json), 400, "unrecognized_attachment_id");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "POST", "/v4/tasks", json), 400, "unrecognized_attachment_id");
}

/* ---- §7.5 comments ---- */

TEST(a_comment_needs_text_attachments_or_a_change)
{
    PYRUS_FIXTURE(f);
    int64_t task = pyrus_int(f, pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    EXPECT_FAILURE(f, comment(f, &ana, task, "{}"), 400, "text_missing");
    slice guid = pyrus_upload_file(f, &ana, "a", S("1"));
    struct fake_reply *r =
        comment(f, &ana, task, formatted(f, "{\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)));
    EXPECT_EQ(r->status, 200);
    EXPECT(!pyrus_at(f, r, "task.comments.1.text"));
    r = comment(f, &ana, task, "{\"text\":\"hi\",\"channel\":{\"type\":\"email\"},\"skip_notification\":true}");
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.2.text"), S("hi"));
    EXPECT_EQ(pyrus_int(f, r, "task.last_note_id"), pyrus_int(f, r, "task.comments.2.id"));
    EXPECT_FAILURE(f, comment(f, &ana, 999, "{}"), 403, "access_denied_task");
    EXPECT_FAILURE(f, comment(f, &ana, 999, "{\"approval_choice\":\"approved\"}"), 403, "access_denied_task");
}

/* Before, clients that approve a task or note the time they spent were told that there is no text. */
TEST(a_comment_of_ignored_members_only_is_a_comment_without_text)
{
    PYRUS_FIXTURE(f);
    int64_t task = pyrus_int(f, pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    static const char *const bodies[] = { "{\"approval_choice\":\"approved\"}", "{\"subscribers_added\":[{\"id\":7}]}",
                                          "{\"added_list_ids\":[1]}", "{\"scheduled_date\":\"2026-12-01\"}",
                                          "{\"spent_minutes\":5,\"text\":\"\"}" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        struct fake_reply *r = comment(f, &ana, task, bodies[i]);
        EXPECT_EQ(r->status, 200);
        EXPECT_EQ(pyrus_count(f, r, "task.comments"), i + 2);
        EXPECT(!pyrus_at(f, r, "task.comments.1.text"));
    }
    EXPECT_FAILURE(f, comment(f, &ana, task, "{\"approval_choice\":null}"), 400, "text_missing");
}

/* Before, such a file looked attached and was purged a day later. */
TEST(a_file_that_an_ignored_member_names_is_attached)
{
    PYRUS_FIXTURE(f);
    slice first = pyrus_upload_file(f, &ana, "a", S("1")), second = pyrus_upload_file(f, &ana, "b", S("2"));
    struct fake_reply *r =
        pyrus_send(f, &ana, "POST", "/v4/tasks",
                   formatted(f, "{\"text\":\"t\",\"fields\":[{\"id\":4,\"value\":[{\"guid\":\"" SLICE_FMT "\"}]}]}",
                             SLICE_ARG(first)));
    int64_t task = pyrus_int(f, r, "task.id");
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.0.attachments.0.name"), S("a"));
    const char *updates =
        formatted(f,
                  "{\"field_updates\":[{\"id\":4,\"value\":[\"" SLICE_FMT "\",\"" SLICE_FMT "\",\"" SLICE_FMT "\"]}"
                  ",{\"id\":5,\"value\":\"00000000-0000-4000-8000-000000000000\"}],\"attachments\":[]}",
                  SLICE_ARG(first), SLICE_ARG(second), SLICE_ARG(second));
    r = comment(f, &ana, task, updates);
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(pyrus_count(f, r, "task.comments.1.attachments"),
              1); /* the other one is attached already, the third unknown */
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.1.attachments.0.name"), S("b"));
    slice third = pyrus_upload_file(f, &ana, "c", S("3"));
    const char *twice = formatted(f, "{\"attachments\":[\"" SLICE_FMT "\"],\"field_updates\":[\"" SLICE_FMT "\"]}",
                                  SLICE_ARG(third), SLICE_ARG(third));
    r = comment(f, &ana, task, twice);
    EXPECT_EQ(pyrus_count(f, r, "task.comments.2.attachments"), 1);
}

/* Before, a client outside UTC could not set a time. */
TEST(a_due_time_may_have_an_offset)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      "{\"text\":\"t\",\"due\":\"2026-11-30T18:00:00.25-03:00\",\"duration\":60}");
    EXPECT_SLICE(pyrus_text(f, r, "task.due"), S("2026-11-30T21:00:00Z"));
    int64_t task = pyrus_int(f, r, "task.id");
    r = comment(f, &ana, task, "{\"due\":\"2026-12-01T02:30:00+05:30\"}");
    EXPECT_SLICE(pyrus_text(f, r, "task.due"), S("2026-11-30T21:00:00Z"));
    EXPECT_FAILURE(f, comment(f, &ana, task, "{\"due\":\"2026-12-01T02:30:00+05\"}"), 400, "invalid_value_format");
}

TEST(a_comment_changes_subject_people_and_dates)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia"), joao = pyrus_user(f, "joao", "João");
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      formatted(f,
                                                "{\"text\":\"t\",\"due\":\"2026-12-01T10:00:00Z\",\"duration\":60,"
                                                "\"responsible\":{\"id\":%d},\"list_ids\":[1]}",
                                                (int)bia.id));
    int64_t task = pyrus_int(f, r, "task.id");
    r = comment(f, &ana, task,
                formatted(f,
                          "{\"subject\":\"new\",\"reassign_to\":{\"id\":%d},\"participants_added\":[{\"id\":%d}],"
                          "\"due_date\":\"2026-12-02\"}",
                          (int)joao.id, (int)ana.id));
    EXPECT_SLICE(pyrus_text(f, r, "task.subject"), S("new"));
    EXPECT_EQ(pyrus_int(f, r, "task.responsible.id"), joao.id);
    EXPECT_EQ(pyrus_count(f, r, "task.participants"), 2); /* the user who was responsible stays a participant */
    EXPECT_SLICE(pyrus_text(f, r, "task.due_date"), S("2026-12-02"));
    EXPECT(!pyrus_at(f, r, "task.due") && !pyrus_at(f, r, "task.duration"));
    EXPECT_EQ(pyrus_int(f, r, "task.list_ids.0"), 1);
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.1.subject"), S("new"));
    EXPECT_EQ(pyrus_int(f, r, "task.comments.1.reassigned_to.id"), joao.id);
    EXPECT_EQ(pyrus_int(f, r, "task.comments.1.participants_added.0.id"), ana.id);
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.1.due_date"), S("2026-12-02"));
    r = comment(f, &ana, task,
                formatted(f, "{\"cancel_due\":true,\"participants_removed\":[{\"id\":%d}]}", (int)bia.id));
    EXPECT(!pyrus_at(f, r, "task.due_date"));
    EXPECT_EQ(pyrus_int(f, r, "task.comments.2.participants_removed.0.id"), bia.id);
    EXPECT_EQ(slice_find(r->body, S("null")), SLICE_NONE);
    EXPECT_FAILURE(f, pyrus_send(f, &bia, "GET", formatted(f, "/v4/tasks/%d", (int)task), ""), 403,
                   "access_denied_task");
}

TEST(a_removed_participant_reads_neither_task_nor_files)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    slice guid = pyrus_upload_file(f, &ana, "a", S("1"));
    struct fake_reply *r =
        pyrus_send(f, &ana, "POST", "/v4/tasks",
                   formatted(f, "{\"text\":\"t\",\"participants\":[{\"id\":%d}],\"attachments\":[\"" SLICE_FMT "\"]}",
                             (int)bia.id, SLICE_ARG(guid)));
    int64_t task = pyrus_int(f, r, "task.id"), file = pyrus_int(f, r, "task.attachments.0.id");
    EXPECT_EQ(download(f, &bia, file)->status, 200);
    comment(f, &bia, task, formatted(f, "{\"participants_removed\":[{\"id\":%d}]}", (int)bia.id));
    EXPECT_FAILURE(f, download(f, &bia, file), 403, "access_denied_file");
    EXPECT_FAILURE(f,
                   pyrus_send(f, &bia, "POST", "/v4/tasks",
                              formatted(f, "{\"text\":\"t\",\"attachments\":[{\"attachment_id\":%d}]}", (int)file)),
                   400, "unrecognized_attachment_id");
}

TEST(comments_finish_and_reopen_a_task)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user sub = pyrus_user(f, "sub", "Sub");
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      formatted(f, "{\"text\":\"t\",\"subscribers\":[{\"id\":%d}]}", (int)sub.id));
    int64_t task = pyrus_int(f, r, "task.id");
    EXPECT_FAILURE(f, comment(f, &sub, task, "{\"action\":\"finished\"}"), 403, "access_denied_close_task");
    r = comment(f, &ana, task, "{\"action\":\"finished\"}");
    EXPECT(pyrus_at(f, r, "task.is_closed")->boolean);
    EXPECT_SLICE(pyrus_text(f, r, "task.close_date"), S("2026-11-21T14:04:09Z"));
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.1.action"), S("finished"));
    EXPECT_FAILURE(f, comment(f, &sub, task, "{\"action\":\"reopened\"}"), 403, "access_denied_reopen_task");
    r = comment(f, &ana, task, "{\"text\":\"by the way\",\"skip_auto_reopen\":true}");
    EXPECT(pyrus_at(f, r, "task.is_closed")->boolean);
    EXPECT(!pyrus_at(f, r, "task.comments.2.action"));
    r = comment(f, &ana, task, "{\"text\":\"not yet\"}");
    EXPECT(!pyrus_at(f, r, "task.is_closed")->boolean);
    EXPECT(!pyrus_at(f, r, "task.close_date"));
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.3.action"), S("reopened"));
    comment(f, &ana, task, "{\"action\":\"finished\"}");
    r = comment(f, &ana, task, "{\"action\":\"reopened\"}");
    EXPECT(!pyrus_at(f, r, "task.is_closed")->boolean);
    EXPECT_FAILURE(f, comment(f, &ana, task, "{\"action\":\"burnt\"}"), 400, "invalid_value_format");
}

TEST(an_author_can_edit_a_comment)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks",
                                      formatted(f, "{\"text\":\"t\",\"participants\":[{\"id\":%d}]}", (int)bia.id));
    int64_t task = pyrus_int(f, r, "task.id");
    r = comment(f, &ana, task, "{\"text\":\"teh\"}");
    int id = (int)pyrus_int(f, r, "task.comments.1.id");
    slice guid = pyrus_upload_file(f, &ana, "a", S("1"));
    r = comment(f, &ana, task,
                formatted(f, "{\"edit_comment_id\":%d,\"text\":\"the\",\"attachments\":[\"" SLICE_FMT "\"]}", id,
                          SLICE_ARG(guid)));
    EXPECT_EQ(pyrus_count(f, r, "task.comments"), 2);
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.1.text"), S("the"));
    EXPECT_EQ(pyrus_count(f, r, "task.comments.1.attachments"), 1);
    EXPECT_FAILURE(f, comment(f, &bia, task, formatted(f, "{\"edit_comment_id\":%d,\"text\":\"x\"}", id)), 403,
                   "access_denied_task");
    EXPECT_FAILURE(f, comment(f, &ana, task, "{\"edit_comment_id\":999,\"text\":\"x\"}"), 400, "invalid_value_format");
    EXPECT_FAILURE(f, comment(f, &ana, task, formatted(f, "{\"edit_comment_id\":%d}", id)), 400, "text_missing");
}

/* Before, a task grew by a megabyte with each comment, and each reply contained all of it. */
TEST(comments_of_a_task_hold_at_most_4_mib_of_text)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    int64_t task = pyrus_int(f, r, "task.id");
    int first = (int)pyrus_int(f, r, "task.comments.0.id");
    char *long_text = arena_alloc(f->a, 1000001);
    memset(long_text, 'x', 1000000);
    char *json = formatted(f, "{\"text\":\"%s\"}", long_text);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(comment(f, &ana, task, json)->status, 200);
    EXPECT_FAILURE(f, comment(f, &ana, task, json), 400, "too_many_comments");
    EXPECT_FAILURE(f,
                   comment(f, &ana, task, formatted(f, "{\"edit_comment_id\":%d,\"text\":\"%s\"}", first, long_text)),
                   400, "too_many_comments");
    r = comment(f, &ana, task, "{\"text\":\"short\"}"); /* a short text still fits */
    EXPECT_EQ(r->status, 200);
    EXPECT(r->body.n > 4000000 && slice_find(r->body, S("\"short\"")) != SLICE_NONE);
    r = pyrus_send(f, &ana, "GET", formatted(f, "/v4/tasks/%d", (int)task), "");
    EXPECT(r->body.n > 4000000 && r->body.n < 4100000);
}

/* A stored id has a few bytes, but every reply writes the whole person for it. */
TEST(a_comment_shows_a_repeated_person_once)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    int64_t task = pyrus_int(f, pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    int b = (int)bia.id, a = (int)ana.id;
    struct fake_reply *r =
        comment(f, &ana, task, formatted(f, "{\"participants_added\":[{\"id\":%d},{\"id\":%d},{\"id\":%d}]}", b, a, b));
    EXPECT_EQ(pyrus_count(f, r, "task.comments.1.participants_added"), 2);
    r = comment(f, &ana, task, formatted(f, "{\"participants_removed\":[{\"id\":%d},{\"id\":%d}]}", b, b));
    EXPECT_EQ(pyrus_count(f, r, "task.comments.2.participants_removed"), 1);
}

/* ---- §7.6, §9 lifecycle ---- */

TEST(deleting_a_task_releases_its_files)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    slice guid = pyrus_upload_file(f, &ana, "a", S("1"));
    char *json = formatted(f, "{\"text\":\"t\",\"participants\":[{\"id\":%d}],\"attachments\":[\"" SLICE_FMT "\"]}",
                           (int)bia.id, SLICE_ARG(guid));
    struct fake_reply *r = pyrus_send(f, &ana, "POST", "/v4/tasks", json);
    int64_t file = pyrus_int(f, r, "task.attachments.0.id");
    char *target = formatted(f, "/v4/tasks/%d", (int)pyrus_int(f, r, "task.id"));
    clock_manual_advance(
        &f->w->clock, INT64_C(86400000)); /* the task holds the file, so the deadline of the upload no longer applies */
    EXPECT_OK(token_issue(&f->w->core,
                          &(struct token_request){ S("pyrus"), ana.login, ana.key, S(""), &f->pyrus.tokens }, f->a,
                          &ana.token));
    EXPECT_OK(token_issue(&f->w->core,
                          &(struct token_request){ S("pyrus"), bia.login, bia.key, S(""), &f->pyrus.tokens }, f->a,
                          &bia.token));
    EXPECT_EQ(download(f, &ana, file)->status, 200);
    EXPECT_FAILURE(f, pyrus_send(f, &bia, "DELETE", target, ""), 403, "access_denied_task");
    r = pyrus_send(f, &ana, "DELETE", target, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, S("{\"deleted\":true}"));
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "DELETE", target, ""), 403, "access_denied_task");
    EXPECT_FAILURE(f, download(f, &ana, file), 403, "access_denied_file");
    EXPECT_EQ(pyrus_send(f, &ana, "POST", "/v4/tasks", json)->status,
              200); /* the file is not purged yet, so it can be attached again */
}

TEST(an_admin_may_delete_a_task)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user boss = pyrus_user_of(f, "", "boss", "Boss", true);
    int64_t task = pyrus_int(f, pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}"), "task.id");
    EXPECT_EQ(pyrus_send(f, &boss, "DELETE", formatted(f, "/v4/tasks/%d", (int)task), "")->status, 200);
}

TEST(an_unattached_upload_expires_after_a_day)
{
    PYRUS_FIXTURE(f);
    slice guid = pyrus_upload_file(f, &ana, "a", S("1"));
    clock_manual_advance(&f->w->clock, INT64_C(86400000));
    EXPECT_OK(token_issue(&f->w->core,
                          &(struct token_request){ S("pyrus"), ana.login, ana.key, S(""), &f->pyrus.tokens }, f->a,
                          &ana.token));
    EXPECT_FAILURE(f,
                   pyrus_send(f, &ana, "POST", "/v4/tasks",
                              formatted(f, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid))),
                   400, "unrecognized_attachment_id");
    EXPECT_FAILURE(f, pyrus_send(f, &ana, "GET", formatted(f, "/files/download/" SLICE_FMT, SLICE_ARG(guid)), ""), 403,
                   "access_denied_file");
}

TEST(shared_bytes_are_kept_until_the_last_attachment_is_deleted)
{
    PYRUS_FIXTURE(f);
    slice guid = pyrus_upload_file(f, &ana, "a", S("shared"));
    char *json = formatted(f, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid));
    struct fake_reply *one = pyrus_send(f, &ana, "POST", "/v4/tasks", json);
    struct fake_reply *two = pyrus_send(f, &ana, "POST", "/v4/tasks", json);
    pyrus_send(f, &ana, "DELETE", formatted(f, "/v4/tasks/%d", (int)pyrus_int(f, one, "task.id")), "");
    clock_manual_advance(&f->w->clock, INT64_C(90000000));
    EXPECT_OK(token_issue(&f->w->core,
                          &(struct token_request){ S("pyrus"), ana.login, ana.key, S(""), &f->pyrus.tokens }, f->a,
                          &ana.token));
    EXPECT_SLICE(download(f, &ana, pyrus_int(f, two, "task.attachments.0.id"))->body, S("shared"));
}

/* ---- §7.7 profile ---- */

TEST(profile_describes_the_authenticated_user)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = pyrus_send(f, &ana, "GET", "/v4/profile?include_inactive=true", "");
    EXPECT_EQ(pyrus_int(f, r, "person_id"), ana.id);
    EXPECT_SLICE(pyrus_text(f, r, "first_name"), S("Ana"));
    EXPECT_SLICE(pyrus_text(f, r, "last_name"), S("Prado"));
    EXPECT_SLICE(pyrus_text(f, r, "email"), S("ana@example.org"));
    EXPECT_SLICE(pyrus_text(f, r, "locale"), S("en-US"));
    EXPECT_EQ(pyrus_int(f, r, "organization_id"), pyrus_int(f, r, "organization.organization_id"));
    EXPECT_SLICE(pyrus_text(f, r, "organization.name"), S("default"));
}

/* ---- refusals of the engine, and failing stores ---- */

TEST(a_json_body_above_1_mib_is_refused_with_an_error_object)
{
    PYRUS_FIXTURE(f);
    slice body = { arena_alloc(f->a, (1 << 20) + 1), (1 << 20) + 1 };
    struct fake_reply *r = fake_http_send(
        &f->http,
        &(struct fake_request){ .method = "POST", .target = S("/v4/tasks"), .token = ana.token, .body = body });
    EXPECT_FAILURE(f, r, 400, "too_large_request_length");
    r = fake_http_send(
        &f->http, &(struct fake_request){
                      .method = "POST", .target = S("/v4/tasks"), .token = ana.token, .body = S("{"), .cut = true });
    EXPECT_FAILURE(f, r, 400, "invalid_input");
}

/* When a store fails, the reply is a 5xx error object, and what was not acknowledged is not stored. */
TEST(a_failing_store_is_a_server_error_and_stores_nothing)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = NULL;
    int64_t before = world_file_count(f->w);
    for (int64_t n = 1; !r || r->status != 200; n++) {
        f->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        r = pyrus_send_file(f, &ana, "a.txt", world_bytes(f->w, 40000));
        f->w->faults.fail_at = 0;
        if (r->status == 200)
            break;
        EXPECT_FAILURE(f, r, 503, "server_error");
        EXPECT_EQ(world_file_count(f->w), before);
    }
    EXPECT_EQ(world_file_count(f->w), before + 1);
    f->w->faults = (struct fault_plan){ .fail_at = 1, .fail_count = 1000, .code = ERR_NO_SPACE };
    r = pyrus_send(f, &ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    f->w->faults.fail_at = 0;
    EXPECT_FAILURE(f, r, 503, "server_error");
}

RUN_TESTS(
    cmocka_unit_test(a_failing_store_is_a_server_error_and_stores_nothing),

    cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(lack_of_permission_is_never_401),
    cmocka_unit_test(every_path_works_under_every_alias),
    cmocka_unit_test(errors_for_unknown_paths_and_methods_have_a_message),
    cmocka_unit_test(replies_have_the_json_type_that_clients_look_for),
    cmocka_unit_test(replies_leave_out_null_and_empty_fields),
    cmocka_unit_test(replies_write_dates_in_utc_without_fractions), cmocka_unit_test(a_get_may_have_a_body),
    cmocka_unit_test(login_returns_a_token_and_both_urls),
    cmocka_unit_test(login_ignores_an_empty_bearer_and_unknown_headers),
    cmocka_unit_test(person_id_at_login_only_confirms_the_user),
    cmocka_unit_test(a_failed_login_does_not_reveal_the_reason), cmocka_unit_test(logins_of_a_megabyte_took_a_gigabyte),
    cmocka_unit_test(login_by_get_works_only_when_configured),
    cmocka_unit_test(a_token_is_accepted_with_bearer_in_any_case_and_bare),
    cmocka_unit_test(each_cause_of_a_401_has_its_own_code),
    cmocka_unit_test(a_token_expires_after_a_day_even_when_it_is_used),
    cmocka_unit_test(the_101st_token_of_a_user_ends_the_oldest), cmocka_unit_test(a_new_password_ends_all_tokens),
    cmocka_unit_test(a_login_that_is_an_address_is_the_email_address),
    cmocka_unit_test(links_never_contain_an_unchecked_host), cmocka_unit_test(every_reply_has_rate_headers),
    cmocka_unit_test(a_request_above_the_rate_limit_is_429_with_retry_after),
    cmocka_unit_test(a_rate_limit_of_zero_is_off), cmocka_unit_test(an_upload_returns_a_guid_and_an_md5),
    cmocka_unit_test(md5_is_in_upper_case_when_configured),
    cmocka_unit_test(upload_accepts_any_field_name_and_ignores_other_parts),
    cmocka_unit_test(an_upload_of_two_files_stores_neither),
    cmocka_unit_test(upload_refuses_malformed_multipart_bodies),
    cmocka_unit_test(upload_refuses_a_body_without_a_file_part), cmocka_unit_test(upload_refuses_an_empty_file),
    cmocka_unit_test(the_size_limit_counts_the_file_and_not_the_request),
    cmocka_unit_test(upload_cleans_file_names_and_refuses_long_ones),
    cmocka_unit_test(upload_reads_quoted_boundaries_and_names_as_dotnet_encodes_them),
    cmocka_unit_test(an_upload_without_a_token_is_refused_before_its_body),
    cmocka_unit_test(an_upload_to_a_full_disk_is_refused_before_its_body),
    cmocka_unit_test(an_upload_above_the_quota_is_refused_before_its_body),
    cmocka_unit_test(an_upload_that_is_cut_short_stores_nothing),
    cmocka_unit_test(an_upload_with_parts_of_boundaries_in_it_stays_exact),
    cmocka_unit_test(a_download_has_the_headers_that_clients_need),
    cmocka_unit_test(downloads_encode_names_so_that_every_client_reads_them),
    cmocka_unit_test(download_ignores_other_query_parameters),
    cmocka_unit_test(download_refuses_hidden_unknown_and_malformed_ids),
    cmocka_unit_test(download_by_guid_works_only_for_the_uploader),
    cmocka_unit_test(a_download_of_lost_bytes_is_refused_as_file_is_missing),
    cmocka_unit_test(a_task_reply_has_everything_that_was_sent), cmocka_unit_test(task_create_refuses_malformed_tasks),
    cmocka_unit_test(formatted_text_replaces_text), cmocka_unit_test(a_task_is_visible_to_author_members_and_admins),
    cmocka_unit_test(attachments_accept_all_forms_in_one_request), cmocka_unit_test(one_bad_attachment_refuses_all),
    cmocka_unit_test(every_version_of_a_document_stays_downloadable),
    cmocka_unit_test(a_deleted_first_version_hides_no_other_document),
    cmocka_unit_test(root_id_must_belong_to_the_same_task),
    cmocka_unit_test(a_comment_needs_text_attachments_or_a_change),
    cmocka_unit_test(a_comment_of_ignored_members_only_is_a_comment_without_text),
    cmocka_unit_test(a_file_that_an_ignored_member_names_is_attached), cmocka_unit_test(a_due_time_may_have_an_offset),
    cmocka_unit_test(a_comment_changes_subject_people_and_dates),
    cmocka_unit_test(a_removed_participant_reads_neither_task_nor_files),
    cmocka_unit_test(comments_finish_and_reopen_a_task), cmocka_unit_test(an_author_can_edit_a_comment),
    cmocka_unit_test(comments_of_a_task_hold_at_most_4_mib_of_text),
    cmocka_unit_test(a_comment_shows_a_repeated_person_once), cmocka_unit_test(deleting_a_task_releases_its_files),
    cmocka_unit_test(an_admin_may_delete_a_task), cmocka_unit_test(an_unattached_upload_expires_after_a_day),
    cmocka_unit_test(shared_bytes_are_kept_until_the_last_attachment_is_deleted),
    cmocka_unit_test(profile_describes_the_authenticated_user),
    cmocka_unit_test(a_json_body_above_1_mib_is_refused_with_an_error_object))

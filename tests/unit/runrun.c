/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/apis/runrun.md for requests in general and for documents. docs/apis/runrun-rules.md lists the test
 * of each rule. Tasks, comments and boards are in runrun_tasks.c; forms, links, names and zips in runrun_links.c. */
#include "test.h"

#include "../../src/api/runrun/errors_priv.h"
#include "api/kit/zone.h"
#include "core/records/account.h"
#include "error_table_test.h"
#include "runrun_fixture.h"

#include <string.h>

static const char nota[] = "{\"document\":{\"data_file_name\":\"nota.csv\",\"data_file_size\":22}}";
static const char bytes22[] = "a,b,c\n1,2,3\n4,5,6\n7,8\n";

static struct fake_reply *confirm(struct runrun_fixture *f, const struct runrun_user *u, int64_t id)
{
    return runrun_sendf(f, u, "{}", "POST /documents/%lld/mark_as_uploaded", (long long)id);
}

static struct fake_reply *show(struct runrun_fixture *f, const struct runrun_user *u, int64_t id)
{
    return runrun_sendf(f, u, "", "GET /documents/%lld", (long long)id);
}

static struct fake_reply *drop(struct runrun_fixture *f, const struct runrun_user *u, int64_t id)
{
    return runrun_sendf(f, u, "", "DELETE /documents/%lld", (long long)id);
}

static struct fake_reply *list(struct runrun_fixture *f, const struct runrun_user *u, int64_t task)
{
    return runrun_sendf(f, u, "", "GET /tasks/%lld/documents", (long long)task);
}

static slice key_of(struct runrun_fixture *f, const struct fake_reply *ticket)
{
    return runrun_str(f, ticket, "fields.key");
}

/* ---- tables ---- */

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&runrun_errors);
}

TEST(a_rule_of_core_that_is_about_a_field_names_the_field)
{
    SCRATCH(a);
    for (int rule = REASON_NONE + 1; rule < REASON_END; rule++) {
        struct error_row words = error_words(&runrun_errors, core_refuse(&a, (enum core_reason)rule));
        EXPECT((words.status == 422) == !slice_eq(slice_of(words.code), S("error")));
        EXPECT(!slice_eq(slice_of(words.code), S("any")) && !slice_eq(slice_of(words.code), S("errors")));
    }
}

/* ---- §1 paths ---- */

TEST(every_path_works_with_and_without_version_and_final_slash)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t"), id = runrun_new_document(f, &ana, task, S("a.txt"), S("x"));
    const char *starts[] = { "GET /api/v1.0", "GET /api" };
    for (size_t i = 0; i < LENGTH_OF(starts); i++)
        for (int slash = 0; slash < 2; slash++) {
            const char *s = starts[i], *end = slash ? "/" : "";
            long long t = (long long)task, n = (long long)id;
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/documents/%lld%s", s, n, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/documents/%lld/download%s", s, n, end)->status, 302);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/tasks%s", s, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/tasks/%lld%s", s, t, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/tasks/%lld/documents%s", s, t, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/tasks/%lld/comments%s", s, t, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/boards/5/fields%s", s, end)->status, 200);
            EXPECT_EQ(runrun_sendf(f, &ana, "", "%s/users/me%s", s, end)->status, 200);
        }
    EXPECT_EQ(runrun_send(f, &ana, "POST /api/documents/", nota)->status, 201);
    EXPECT_EQ(runrun_sendf(f, &ana, nota, "POST /api/tasks/%lld/documents/", (long long)task)->status, 201);
}

TEST(every_endpoint_has_both_paths)
{
    RUNRUN_FIXTURE(f);
    size_t pairs = 0;
    for (size_t i = 0; i < f->http_api.route_count; i++) {
        const struct http_route *r = &f->http_api.routes[i];
        slice path = slice_of(r->pattern);
        if (r->flags & HTTP_PUBLIC || !slice_starts(path, S("/api/v1.0")))
            continue; /* routes for links with a temporary key, which the server makes */
        path = slice_from(path, sizeof "/api/v1.0" - 1);
        bool found = false;
        for (size_t k = 0; k < f->http_api.route_count && !found; k++) {
            const struct http_route *other = &f->http_api.routes[k];
            slice unversioned = slice_of(other->pattern);
            found = other->handle == r->handle && strcmp(other->method, r->method) == 0 &&
                    slice_starts(unversioned, S("/api")) && slice_eq(slice_from(unversioned, 4), path);
        }
        if (!found)
            fail_msg("%s %s has no unversioned name", r->method, r->pattern);
        pairs++;
    }
    EXPECT_EQ(2 * pairs + 2, f->http_api.route_count);
}

/* ---- §2 conventions ---- */

TEST(replies_are_json_in_utf8)
{
    RUNRUN_FIXTURE(f);
    EXPECT_SLICE(runrun_send(f, &ana, "GET /users/me", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(runrun_send(f, NULL, "GET /users/me", "")->content_type, S("application/json; charset=utf-8"));
    EXPECT_SLICE(runrun_send(f, &ana, "GET /nothing", "")->content_type, S("application/json; charset=utf-8"));
}

TEST(replies_write_dates_with_the_configured_offset)
{
    RUNRUN_FIXTURE(f);
    clock_manual_advance(&f->w->clock, 123);
    struct fake_reply *r = show(f, &ana, runrun_new_document(f, &ana, 0, S("a"), S("x")));
    EXPECT_SLICE(runrun_str(f, r, "uploaded_at"), S("2026-11-21T11:04:09-03:00"));
    struct runrun_options o = runrun_fixture_options();
    o.zone_minutes = 345;
    SCOPED(runrun_fixture_freep) struct runrun_fixture *east = runrun_fixture_new(&o);
    ana = runrun_user(east, "ana", "Ana");
    r = show(east, &ana, runrun_new_document(east, &ana, 0, S("a"), S("x")));
    EXPECT_SLICE(runrun_str(east, r, "uploaded_at"), S("2026-11-21T19:49:09+05:45"));
}

TEST(a_zone_is_an_exact_offset)
{
    int minutes;
    EXPECT(zone_parse(S("-03:00"), &minutes) && minutes == -180);
    EXPECT(zone_parse(S("+05:45"), &minutes) && minutes == 345);
    EXPECT(zone_parse(S("+14:00"), &minutes) && zone_parse(S("+00:00"), &minutes) && minutes == 0);
    const char *bad[] = { "", "Z", "-3:00", "03:00", "-03:60", "-15:00", "-03:00x", "+ 3:00", "America/Sao_Paulo" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!zone_parse(slice_of(bad[i]), &minutes));
}

TEST(requests_without_body_fields_ignore_the_body)
{
    RUNRUN_FIXTURE(f);
    const char *bodies[] = { "", "{}", "null", "{\"document\":{\"id\":1}}", "{broken", "a=1&[", "[1" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
        EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
        long long id = runrun_int(f, ticket, "id");
        EXPECT_EQ(runrun_sendf(f, &ana, bodies[i], "POST /documents/%lld/mark_as_uploaded?task_id=77", id)->status,
                  200);
        EXPECT_EQ(runrun_sendf(f, &ana, bodies[i], "GET /documents/%lld", id)->status, 200);
        EXPECT_EQ(runrun_sendf(f, &ana, bodies[i], "DELETE /documents/%lld", id)->status, 204);
    }
}

TEST(bodies_may_be_json_or_forms)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r = runrun_send(f, &ana, "POST /documents",
                                       "document[data_file_name]=Relat%C3%B3rio+1.pdf&document[data_file_size]=22");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(runrun_str(f, r, "file_name"), S("Relat\xc3\xb3rio 1.pdf"));
    EXPECT_EQ(runrun_int(f, r, "file_size"), 22);
    r = runrun_send(f, &ana, "POST /documents", "data_file_name=a&data_file_size=1&warning_duplicate=false");
    EXPECT_EQ(r->status, 201);
    /* curl -d sends the type of a form */
    struct fake_request curl = { .method = "POST",
                                 .target = S("/api/documents"),
                                 .headers = { { S("Content-Type"), S("application/x-www-form-urlencoded") },
                                              { S("APP-KEY"), ana.key },
                                              { S("User-Token"), ana.token } },
                                 .body = slice_of(nota) };
    EXPECT_EQ(fake_http_send(&f->http, &curl)->status, 201);
    curl.headers[0].name = S("X-Nothing");
    EXPECT_EQ(fake_http_send(&f->http, &curl)->status, 201);
}

TEST(a_body_that_is_neither_json_nor_a_form_is_400)
{
    RUNRUN_FIXTURE(f);
    const char *bodies[] = { "{", "[]", "[{}]", "\"text\"", "12", "{\"a\":1,\"a\":2}", "a[=1", "a=%zz", "a=1&a[b]=2" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        EXPECT_ERROR(f, runrun_send(f, &ana, "POST /documents", bodies[i]), 400);
        EXPECT_ERROR(f, runrun_send(f, &ana, "POST /tasks", bodies[i]), 400);
        EXPECT_ERROR(f, runrun_send(f, &ana, "POST /comments", bodies[i]), 400);
    }
}

TEST(an_empty_body_and_null_are_an_empty_object)
{
    RUNRUN_FIXTURE(f);
    const char *bodies[] = { "", " \t", "null", "{}", "{\"document\":null}" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++)
        EXPECT_FIELD(f, runrun_send(f, &ana, "POST /documents", bodies[i]), "data_file_name", "can't be blank");
}

TEST(a_body_above_1_mib_is_413_with_an_error_object)
{
    RUNRUN_FIXTURE(f);
    slice large = world_bytes(f->w, (1 << 20) + 1);
    struct fake_request request = { .method = "POST",
                                    .target = S("/api/v1.0/documents"),
                                    .headers = { { S("App-Key"), ana.key }, { S("User-Token"), ana.token } },
                                    .body = large };
    EXPECT_ERROR(f, fake_http_send(&f->http, &request), 413);
}

TEST(the_last_of_repeated_query_parameters_counts)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t");
    struct fake_reply *r = runrun_sendf(f, &ana, nota, "POST /documents?task_id=999&task_id=%lld", (long long)task);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "attachable_id"), task);
    EXPECT_EQ(runrun_sendf(f, &ana, nota, "POST /documents?task_id=%lld&task_id=999", (long long)task)->status, 404);
}

/* ---- lists and pages ---- */

static void expect_page(struct runrun_fixture *f, const struct runrun_user *u, const char *target, size_t count,
                        const char *range, const char *link)
{
    struct fake_reply *r = runrun_send(f, u, target, "");
    EXPECT_EQ(r->status, 200);
    EXPECT_EQ(runrun_count(f, r, ""), count);
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), slice_of(range));
    if (link)
        EXPECT_SLICE(fake_reply_header(r, "Link"), slice_of(link));
}

TEST(list_replies_have_item_range_and_links)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &o);
    int64_t task = runrun_new_task(f, &ana, "t");
    EXPECT_EQ(task, 1);
    expect_page(f, &ana, "GET /tasks/1/documents", 0, "items 0-0/0", "</api/tasks/1/documents>; rel=\"self\"");
    for (int i = 0; i < 5; i++)
        runrun_new_document(f, &ana, task, S("a"), S("x"));
    expect_page(f, &ana, "GET /tasks/1/documents", 5, "items 1-5/5",
                "</api/tasks/1/documents>; rel=\"self\", </api/tasks/1/documents?page=1>; rel=\"last\"");
    expect_page(
        f, &ana, "GET /tasks/1/documents/?limit=2", 2, "items 1-2/5",
        "</api/tasks/1/documents?limit=2>; rel=\"self\", </api/tasks/1/documents?limit=2&page=2>; rel=\"next\", "
        "</api/tasks/1/documents?limit=2&page=3>; rel=\"last\"");
    expect_page(f, &ana, "GET /tasks/1/documents?page=2&limit=2&x=%C3%A9", 2, "items 3-4/5",
                "</api/tasks/1/documents?limit=2&x=%C3%A9&page=2>; rel=\"self\", "
                "</api/tasks/1/documents?limit=2&x=%C3%A9&page=1>; rel=\"prev\", "
                "</api/tasks/1/documents?limit=2&x=%C3%A9&page=3>; rel=\"next\", "
                "</api/tasks/1/documents?limit=2&x=%C3%A9&page=3>; rel=\"last\"");
    expect_page(f, &ana, "GET /tasks/1/documents?page=3&limit=2", 1, "items 5-5/5", NULL);
    expect_page(f, &ana, "GET /tasks/1/documents?offset=1&page=3&limit=2", 2, "items 2-3/5",
                "</api/tasks/1/documents?limit=2&offset=1>; rel=\"self\", "
                "</api/tasks/1/documents?limit=2&offset=0>; rel=\"prev\", "
                "</api/tasks/1/documents?limit=2&offset=3>; rel=\"next\", "
                "</api/tasks/1/documents?limit=2&offset=4>; rel=\"last\"");
}

TEST(invalid_page_numbers_mean_the_first_page)
{
    RUNRUN_FIXTURE(f);
    runrun_new_document(f, &ana, runrun_new_task(f, &ana, "t"), S("a"), S("x"));
    const char *queries[] = { "page=0",
                              "page=-1",
                              "page=x",
                              "page=",
                              "limit=0",
                              "limit=-5",
                              "limit=many",
                              "limit=1000",
                              "offset=-1",
                              "offset=x",
                              "page=99999999999999999999",
                              "limit=99999999999999999999" };
    for (size_t i = 0; i < LENGTH_OF(queries); i++)
        expect_page(f, &ana, runrun_format(f, "GET /tasks/1/documents?%s", queries[i]), 1, "items 1-1/1", NULL);
}

TEST(a_page_after_the_last_one_means_the_first_page)
{
    struct runrun_options o = runrun_fixture_options();
    o.boards = S("{\"fields\":[{\"id\":\"custom_1\",\"label\":\"x\",\"field_type\":\"date\",\"board_ids\":[5]}]}");
    RUNRUN_FIXTURE_WITH(f, &o);
    int64_t task = runrun_new_task(f, &ana, "t");
    for (int i = 0; i < 3; i++)
        runrun_new_document(f, &ana, task, S("a"), S("x"));
    expect_page(
        f, &ana, "GET /tasks/1/documents?page=3&limit=2", 2, "items 1-2/3",
        "</api/tasks/1/documents?limit=2>; rel=\"self\", </api/tasks/1/documents?limit=2&page=2>; rel=\"next\", "
        "</api/tasks/1/documents?limit=2&page=2>; rel=\"last\"");
    expect_page(f, &ana, "GET /tasks?page=2", 1, "items 1-1/1", NULL);
    expect_page(f, &ana, "GET /tasks?page=2147483647", 1, "items 1-1/1", NULL);
    expect_page(f, &ana, "GET /boards/5/fields?page=2", 1, "items 1-1/1", NULL);
    expect_page(f, &ana, "GET /tasks/1/comments?page=2", 0, "items 0-0/0", "</api/tasks/1/comments>; rel=\"self\"");
    expect_page(f, &ana, "GET /tasks?user_id=nobody&page=2", 0, "items 0-0/0",
                "</api/tasks?user_id=nobody>; rel=\"self\"");
    /* an offset after the end gives an empty list */
    expect_page(f, &ana, "GET /tasks/1/documents?offset=3", 0, "items 0-0/3", NULL);
}

TEST(a_page_has_at_most_100_items)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &o);
    for (int i = 0; i < 102; i++)
        runrun_new_task(f, &ana, "t");
    expect_page(f, &ana, "GET /tasks", 100, "items 1-100/102", NULL);
    expect_page(f, &ana, "GET /tasks?limit=101", 100, "items 1-100/102", NULL);
    expect_page(f, &ana, "GET /tasks?page=2", 2, "items 101-102/102", NULL);
}

TEST(page_links_escape_what_would_end_them)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r = runrun_send(f, &ana, "GET /tasks?x=>;<\"y", "");
    EXPECT_SLICE(fake_reply_header(r, "Link"), S("</api/tasks?x=%3E;%3C%22y>; rel=\"self\""));
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /tasks?x=%zz", ""), 400);
}

/* ---- §3 authentication ---- */

static struct fake_reply *me_with(struct runrun_fixture *f, slice key, slice token)
{
    struct fake_request r = { .target = S("/api/v1.0/users/me") };
    size_t n = 0;
    if (key.p)
        r.headers[n++] = (struct http_header){ S("App-Key"), key };
    if (token.p)
        r.headers[n++] = (struct http_header){ S("User-Token"), token };
    return fake_http_send(&f->http, &r);
}

TEST(app_key_and_user_token_must_be_of_one_account)
{
    RUNRUN_FIXTURE(f);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct runrun_user eve = runrun_user_of(f, "other", "eve", "Eve", false), rui = runrun_user(f, "rui", "Rui");
    const slice none = { NULL, 0 };
    EXPECT_EQ(me_with(f, ana.key, ana.token)->status, 200);
    EXPECT_EQ(me_with(f, rui.key, ana.token)->status, 200); /* a token of another user of the same account */
    const slice pairs[][2] = { { none, none },        { ana.key, none },      { none, ana.token },
                               { S(""), ana.token },  { ana.key, S("") },     { S("x"), ana.token },
                               { ana.key, S("x") },   { ana.key, eve.token }, { eve.key, ana.token },
                               { ana.token, ana.key } };
    for (size_t i = 0; i < LENGTH_OF(pairs); i++) {
        struct fake_reply *r = me_with(f, pairs[i][0], pairs[i][1]);
        EXPECT_EQ(r->status, 401);
        EXPECT_SLICE(r->body, S("{\"error\":\"Unauthorized\"}"));
        EXPECT_SLICE(fake_reply_header(r, "WWW-Authenticate"), S("Runrunit"));
    }
}

TEST(keys_have_the_lengths_of_the_vendors_keys)
{
    RUNRUN_FIXTURE(f);
    EXPECT_EQ(ana.key.n, 32);
    EXPECT_EQ(ana.token.n, 20);
}

TEST(revoked_keys_and_disabled_users_are_401)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    EXPECT_OK(key_revoke(&f->w->core, &f->w->operator_, ana.key_id, f->a));
    EXPECT_EQ(me_with(f, ana.key, ana.token)->status, 401);
    EXPECT_EQ(me_with(f, ana.key, rui.token)->status, 401);
    EXPECT_EQ(me_with(f, rui.key, rui.token)->status, 200);
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("rui"), USER_DISABLED, f->a));
    EXPECT_EQ(me_with(f, rui.key, rui.token)->status, 401);
}

TEST(requests_ignore_unknown_headers)
{
    RUNRUN_FIXTURE(f);
    struct fake_request r = { .target = S("/api/v1.0/users/me"),
                              .headers = { { S("Version"), S("HTTP/1.0") },
                                           { S("APP-KEY"), ana.key },
                                           { S("uSER-tOKEN"), ana.token },
                                           { S("Accept-Encoding"), S("gzip, deflate") } } };
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 200);
}

TEST(a_ticket_of_a_deleted_user_is_purged)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("ana-prado"), USER_DELETED, f->a));
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, ticket, "id"))->status, 401);
    world_wait(f->w, hours(24));
    world_run_jobs(f->w);
    EXPECT_EQ(world_file_count(f->w), 0);
}

/* ---- §4 rate ---- */

TEST(every_reply_has_rate_headers)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r = runrun_send(f, &ana, "GET /users/me", "");
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Limit"), S("100"));
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Remaining"), S("99"));
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Reset"), S("2026-11-21T14:05:00+00:00"));
    r = runrun_send(f, &ana, "GET /documents/999", "");
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Remaining"), S("98"));
    r = runrun_send(f, NULL, "GET /users/me", "");
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Remaining"), S("100"));
    EXPECT(fake_reply_header(runrun_send(f, &ana, "GET /nothing", ""), "RateLimit-Limit").n);
    EXPECT(fake_reply_header(runrun_request_ticket(f, &ana, 0, S("a"), 1), "RateLimit-Limit").n);
}

TEST(the_rate_limit_counts_requests_per_app_key)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 2;
    RUNRUN_FIXTURE_WITH(f, &o);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    EXPECT_EQ(me_with(f, ana.key, ana.token)->status, 200);
    EXPECT_EQ(me_with(f, ana.key, rui.token)->status, 200);
    EXPECT_EQ(me_with(f, ana.key, rui.token)->status, 429);
    EXPECT_EQ(me_with(f, rui.key, ana.token)->status, 200);
    EXPECT_EQ(me_with(f, rui.key, rui.token)->status, 200);
    EXPECT_EQ(me_with(f, rui.key, rui.token)->status, 429);
}

TEST(requests_above_the_rate_limit_are_429_until_the_minute_ends)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 3;
    RUNRUN_FIXTURE_WITH(f, &o);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(runrun_send(f, &ana, "GET /users/me", "")->status, 200);
    struct fake_reply *r = runrun_send(f, &ana, "GET /users/me", "");
    EXPECT_EQ(r->status, 429);
    EXPECT_SLICE(r->body, S("{\"error\":\"Too many requests\"}"));
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Limit"), S("3"));
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Remaining"), S("0"));
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Reset"), S("2026-11-21T14:05:00+00:00"));
    EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("51"));
    world_wait(f->w, seconds(51));
    r = runrun_send(f, &ana, "GET /users/me", "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(fake_reply_header(r, "RateLimit-Reset"), S("2026-11-21T14:06:00+00:00"));
}

TEST(rate_limit_reset_is_the_end_of_the_minute_at_every_millisecond)
{
    RUNRUN_FIXTURE(f);
    static const int64_t steps[] = { 50999, 1, 0, 1, 998, 58999, 1 }; /* in milliseconds, from :09.000 on */
    static const char *const ends[] = { "2026-11-21T14:05:00+00:00", "2026-11-21T14:06:00+00:00",
                                        "2026-11-21T14:06:00+00:00", "2026-11-21T14:06:00+00:00",
                                        "2026-11-21T14:06:00+00:00", "2026-11-21T14:06:00+00:00",
                                        "2026-11-21T14:06:00+00:00" };
    for (size_t i = 0; i < LENGTH_OF(steps); i++) {
        clock_manual_advance(&f->w->clock, steps[i]);
        EXPECT_SLICE(fake_reply_header(runrun_send(f, &ana, "GET /users/me", ""), "RateLimit-Reset"),
                     slice_of(ends[i]));
    }
}

TEST(a_rate_limit_of_zero_is_off)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &o);
    struct fake_reply *r = NULL;
    for (int i = 0; i < 150; i++)
        r = runrun_send(f, &ana, "GET /users/me", "");
    EXPECT_EQ(r->status, 200);
    EXPECT(!fake_reply_header(r, "RateLimit-Limit").p);
}

/* ---- §5 errors ---- */

TEST(unknown_paths_methods_and_records_reply_with_an_error)
{
    RUNRUN_FIXTURE(f);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /nothing", ""), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PATCH /documents/1", ""), 405);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /documents", ""), 405);
    struct fake_reply *r = runrun_send(f, &ana, "GET /documents/9001", "");
    EXPECT_EQ(r->status, 404);
    EXPECT_SLICE(r->body, S("{\"error\":\"Not found\"}"));
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /documents/99999999999999999999", ""), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /documents/0", ""), 404);
}

TEST(an_id_that_is_not_a_number_is_400)
{
    RUNRUN_FIXTURE(f);
    const char *requests[] = { "GET /documents/x",
                               "GET /documents/-1",
                               "POST /documents/x/mark_as_uploaded",
                               "DELETE /documents/1x",
                               "GET /documents/x/download",
                               "GET /documents/x/preview",
                               "GET /tasks/x",
                               "DELETE /tasks/x",
                               "GET /tasks/x/documents",
                               "GET /tasks/x/comments",
                               "GET /comments/x",
                               "DELETE /comments/x",
                               "GET /boards/x/fields",
                               "GET /tasks/x/fields",
                               "POST /tasks/x/documents",
                               "POST /documents?task_id=x",
                               "POST /documents?task_id=",
                               "GET /documents/%20" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++)
        EXPECT_ERROR(f, runrun_send(f, &ana, requests[i], ""), 400);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PUT /comments/x", "{}"), 400);
}

TEST(a_failing_store_is_503_with_retry_after_and_keeps_the_ticket)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    int64_t id = runrun_int(f, ticket, "id");
    const char *requests[] = { "POST /documents/1/mark_as_uploaded", "GET /documents/1", "GET /tasks",
                               "DELETE /documents/1", "GET /documents/download_zip?ids=1" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        EXPECT_EQ(runrun_send(f, &ana, "GET /users/me", "")->status, 200); /* fills the cache of keys */
        f->w->faults.fail_at = f->w->faults.calls + 1;
        struct fake_reply *r = runrun_send(f, &ana, requests[i], "");
        EXPECT_ERROR(f, r, 503);
        EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("1"));
        f->w->faults.fail_at = 0;
    }
    EXPECT_EQ(confirm(f, &ana, id)->status, 200);
}

/* ---- §6 the document object, §6.1 tickets ---- */

TEST(a_ticket_reply_is_the_document_with_fields_and_upload_url)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "Fechar o m\xc3\xaas");
    struct fake_reply *r = runrun_request_ticket(f, &ana, task, S("nota fiscal.PDF"), 48213);
    EXPECT_EQ(runrun_int(f, r, "id"), 1);
    EXPECT_SLICE(runrun_str(f, r, "type"), S("UploadedDocument"));
    const char *names[] = { "data_file_name", "file_name" }, *sizes[] = { "data_file_size", "file_size" };
    const char *types[] = { "data_content_type", "file_content_type" };
    for (size_t i = 0; i < 2; i++) {
        EXPECT_SLICE(runrun_str(f, r, names[i]), S("nota fiscal.PDF"));
        EXPECT_EQ(runrun_int(f, r, sizes[i]), 48213);
        EXPECT_SLICE(runrun_str(f, r, types[i]), S("application/pdf"));
    }
    EXPECT_SLICE(runrun_str(f, r, "file_extension"), S("pdf"));
    EXPECT(runrun_is_null(f, r, "uploaded_at") && !runrun_is_set(f, r, "transfered"));
    EXPECT_SLICE(runrun_str(f, r, "uploader_id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "uploader_name"), S("Ana Prado"));
    EXPECT_EQ(runrun_int(f, r, "attachable_id"), task);
    EXPECT_SLICE(runrun_str(f, r, "attachable_type"), S("Task"));
    EXPECT_SLICE(runrun_str(f, r, "attachable_name"), S("Fechar o m\xc3\xaas"));
    const char *nulls[] = { "thumbnail_file_name", "preview_file_name", "field_label",
                            "task_email_id",       "remote_id",         "remote_icon_url" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        EXPECT(runrun_is_null(f, r, nulls[i]));
    EXPECT(!runrun_is_set(f, r, "is_shared") && !runrun_is_set(f, r, "has_approval_request"));
    EXPECT(json_is(runrun_at(f, r, "tags_data"), JS_ARRAY) && json_is(runrun_at(f, r, "evaluations"), JS_ARRAY));
    EXPECT_SLICE(key_of(f, r), S("data/enterprise/1/1/nota fiscal.PDF"));
    EXPECT_SLICE(runrun_str(f, r, "upload_url"), S("http://runrun.it/runrunit"));
    const char *never[] = { "url", "is_trashed", "md5", "guid", "fields.upload_url" };
    for (size_t i = 0; i < LENGTH_OF(never); i++)
        EXPECT(!runrun_at(f, r, never[i]));
    EXPECT_EQ(json_count(runrun_at(f, r, "")), 26 + 2);
}

TEST(the_task_of_a_ticket_comes_from_its_path_else_its_query)
{
    RUNRUN_FIXTURE(f);
    int64_t first = runrun_new_task(f, &ana, "first"), second = runrun_new_task(f, &ana, "second");
    long long a = first, b = second;
    struct fake_reply *r = runrun_sendf(f, &ana, nota, "POST /tasks/%lld/documents?task_id=%lld", a, b);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "attachable_id"), first);
    r = runrun_sendf(f, &ana, nota, "POST /documents?task_id=%lld", b);
    EXPECT_EQ(runrun_int(f, r, "attachable_id"), second);
    r = runrun_send(f, &ana, "POST /documents", nota);
    EXPECT_EQ(r->status, 201);
    EXPECT(runrun_is_null(f, r, "attachable_id") && runrun_is_null(f, r, "attachable_type") &&
           runrun_is_null(f, r, "attachable_name"));
}

TEST(an_unknown_or_foreign_task_is_404)
{
    RUNRUN_FIXTURE(f);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct runrun_user eve = runrun_user_of(f, "other", "eve", "Eve", true);
    long long task = runrun_new_task(f, &ana, "t");
    const char *unknown[] = { "POST /documents?task_id=999", "POST /documents?task_id=-1", "POST /documents?task_id=0",
                              "POST /tasks/999/documents", "POST /tasks/99999999999999999999/documents" };
    for (size_t i = 0; i < LENGTH_OF(unknown); i++)
        EXPECT_ERROR(f, runrun_send(f, &ana, unknown[i], nota), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &eve, nota, "POST /documents?task_id=%lld", task), 404);
    EXPECT_ERROR(f, list(f, &eve, task), 404);
    EXPECT_ERROR(f, list(f, &ana, 999), 404);
    EXPECT_EQ(world_file_count(f->w), 0);
}

static struct fake_reply *ask_with(struct runrun_fixture *f, const struct runrun_user *u, const char *name,
                                   const char *size)
{
    return runrun_send(f, u, "POST /documents",
                       runrun_format(f, "{\"document\":{\"data_file_name\":%s,\"data_file_size\":%s}}", name, size));
}

TEST(ticket_names_lose_their_path_and_must_be_valid)
{
    struct runrun_options o = runrun_fixture_options();
    o.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &o);
    const char *good[][2] = { { "\"/home/ana/a.csv\"", "a.csv" },
                              { "\"C:\\\\x\\\\b.csv\"", "b.csv" },
                              { "\" c .txt\"", " c .txt" },
                              { "\"...\"", "..." } };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        EXPECT_SLICE(runrun_str(f, ask_with(f, &ana, good[i][0], "1"), "file_name"), slice_of(good[i][1]));
    const char *blank[] = { "\"\"", "\"   \"", "null", "\"a/\"", "\"\\\\\"", "\"\\u00a0\"" };
    for (size_t i = 0; i < LENGTH_OF(blank); i++)
        EXPECT_FIELD(f, ask_with(f, &ana, blank[i], "1"), "data_file_name", "can't be blank");
    const char *bad[] = { "\".\"",        "\"..\"",       "\"a/..\"", "\"a\\nb\"", "\"a\\u0001\"", "\"a\\u007f\"",
                          "\"a\\u0080\"", "\"\\u009fb\"", "7",        "[]",        "true" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_FIELD(f, ask_with(f, &ana, bad[i], "1"), "data_file_name", "is invalid");
    char name[300];
    memset(name, 'a', sizeof name);
    name[0] = '"', name[256] = '"', name[257] = 0;
    EXPECT_EQ(ask_with(f, &ana, name, "1")->status, 201);
    name[256] = 'a', name[257] = '"', name[258] = 0;
    EXPECT_FIELD(f, ask_with(f, &ana, name, "1"), "data_file_name", "is too long (maximum is 255 bytes)");
}

TEST(ticket_sizes_are_whole_numbers_up_to_the_limit)
{
    RUNRUN_FIXTURE(f);
    const char *good[] = { "0", "22", "\"22\"", "5368709120" };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        EXPECT_EQ(ask_with(f, &ana, "\"a\"", good[i])->status, 201);
    EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", "null"), "data_file_size", "can't be blank");
    EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", "\"\""), "data_file_size", "can't be blank");
    EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", "-1"), "data_file_size", "must be greater than or equal to 0");
    EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", "5368709121"), "data_file_size",
                 "must be less than or equal to 5368709120");
    const char *bad[] = { "1.5", "\"x\"", "\"1.5\"", "[]", "{}", "true" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", bad[i]), "data_file_size", "is not a whole number");
    struct fake_reply *both = ask_with(f, &ana, "null", "null");
    EXPECT_FIELD(f, both, "data_file_name", "can't be blank");
    EXPECT_FIELD(f, both, "data_file_size", "can't be blank");
}

TEST(tickets_accept_unwrapped_fields_and_ignore_unknown_ones)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r =
        runrun_send(f, &ana, "POST /documents",
                    "{\"data_file_name\":\"a.b\",\"data_file_size\":\"22\",\"fields\":{\"key\":\"x\"},\"id\":7}");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(runrun_str(f, r, "file_name"), S("a.b"));
    EXPECT_SLICE(runrun_str(f, r, "file_content_type"), S("application/octet-stream"));
    EXPECT_SLICE(key_of(f, r), S("data/enterprise/1/1/a.b"));
    r = runrun_request_ticket(f, &ana, 0, S("README"), 1);
    EXPECT(runrun_is_null(f, r, "file_extension"));
}

TEST(a_task_may_have_two_documents_with_one_name)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t");
    struct fake_reply *one = runrun_request_ticket(f, &ana, task, S("nota.csv"), 1),
                      *two = runrun_request_ticket(f, &ana, task, S("nota.csv"), 1);
    EXPECT(!slice_eq(key_of(f, one), key_of(f, two)));
    EXPECT_OK(runrun_put_bytes(f, key_of(f, one), S("1")));
    EXPECT_OK(runrun_put_bytes(f, key_of(f, two), S("2")));
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, one, "id"))->status, 200);
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, two, "id"))->status, 200);
    EXPECT_EQ(runrun_count(f, list(f, &ana, task), ""), 2);
}

TEST(warning_duplicate_refuses_a_name_that_the_task_has)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t");
    const char *asked[] = { "{\"document\":{\"data_file_name\":\"nota.csv\",\"data_file_size\":1,"
                            "\"warning_duplicate\":true}}",
                            "data_file_name=nota.csv&data_file_size=1&warning_duplicate=true" };
    char *target = runrun_format(f, "POST /documents?task_id=%lld", (long long)task);
    EXPECT_EQ(runrun_send(f, &ana, target, asked[0])->status,
              201); /* there is no such document yet, and pending ones do not count */
    EXPECT_EQ(runrun_send(f, &ana, target, asked[0])->status, 201);
    int64_t id = runrun_new_document(f, &ana, task, S("nota.csv"), S("1"));
    for (size_t i = 0; i < LENGTH_OF(asked); i++) {
        struct fake_reply *r = runrun_send(f, &ana, target, asked[i]);
        EXPECT_ERROR(f, r, 409);
        EXPECT_EQ(runrun_int(f, r, "duplicate_id"), id);
    }
    runrun_new_document(f, &ana, task, S("Nota.csv"), S("1"));
}

TEST(a_ticket_above_the_quota_is_422_on_the_size)
{
    RUNRUN_FIXTURE(f);
    world_set_room(f->w, 5000, 0); /* of which the records of a ticket need some */
    EXPECT_FIELD(f, ask_with(f, &ana, "\"a\"", "5001"), "data_file_size", "is more than the account has left");
    EXPECT_EQ(ask_with(f, &ana, "\"a\"", "3000")->status, 201);
}

TEST(refuse_documents_blocks_new_tickets)
{
    struct runrun_options o = runrun_fixture_options();
    o.block_documents_creation = true;
    RUNRUN_FIXTURE_WITH(f, &o);
    EXPECT_ERROR(f, runrun_send(f, &ana, "POST /documents", nota), 403);
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\"}")->status, 201);
}

/* ---- §6.2 confirm ---- */

TEST(a_confirmed_document_is_listed_without_fields)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t");
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, task, S("nota.csv"), 22);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), slice_of(bytes22)));
    EXPECT_EQ(runrun_count(f, list(f, &ana, task), ""), 0);
    world_wait(f->w, minutes(1));
    struct fake_reply *r = confirm(f, &ana, runrun_int(f, ticket, "id"));
    EXPECT_EQ(r->status, 200);
    EXPECT(runrun_is_set(f, r, "transfered") && !runrun_at(f, r, "fields") && !runrun_at(f, r, "upload_url"));
    EXPECT_SLICE(runrun_str(f, r, "uploaded_at"), S("2026-11-21T11:05:09-03:00"));
    r = list(f, &ana, task);
    EXPECT_EQ(runrun_count(f, r, ""), 1);
    EXPECT_SLICE(runrun_str(f, r, "0.file_name"), S("nota.csv"));
}

TEST(confirming_twice_changes_nothing)
{
    RUNRUN_FIXTURE(f);
    int64_t id = runrun_new_document(f, &ana, 0, S("a"), S("x"));
    struct fake_reply *before = show(f, &ana, id);
    world_wait(f->w, minutes(5));
    struct fake_reply *again = confirm(f, &ana, id);
    EXPECT_EQ(again->status, 200);
    EXPECT_SLICE(again->body, before->body);
}

TEST(confirming_before_the_upload_is_422_and_can_be_repeated)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    int64_t id = runrun_int(f, ticket, "id");
    EXPECT_FIELD(f, confirm(f, &ana, id), "data", "file was not uploaded");
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    EXPECT_EQ(confirm(f, &ana, id)->status, 200);
}

TEST(an_upload_of_another_length_is_refused)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 5);
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("four")), ERR_EMPTY);
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("sixsix")), ERR_TOO_LARGE);
    EXPECT_FIELD(f, confirm(f, &ana, runrun_int(f, ticket, "id")), "data", "file was not uploaded");
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("fives")));
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, ticket, "id"))->status, 200);
}

TEST(an_empty_file_can_be_uploaded)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r = show(f, &ana, runrun_new_document(f, &ana, 0, S("empty.txt"), S("")));
    EXPECT_EQ(runrun_int(f, r, "file_size"), 0);
    EXPECT(runrun_is_set(f, r, "transfered"));
}

TEST(a_ticket_is_visible_to_its_owner_and_a_document_to_the_account)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, runrun_new_task(f, &ana, "t"), S("a"), 1);
    int64_t id = runrun_int(f, ticket, "id");
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    EXPECT_ERROR(f, confirm(f, &rui, id), 404);
    EXPECT_ERROR(f, show(f, &rui, id), 404);
    EXPECT_ERROR(f, drop(f, &rui, id), 404);
    struct fake_reply *own = show(f, &ana, id);
    EXPECT_EQ(own->status, 200);
    EXPECT(!runrun_is_set(f, own, "transfered") && !runrun_at(f, own, "fields"));
    EXPECT_EQ(confirm(f, &ana, id)->status, 200);
    EXPECT_EQ(confirm(f, &rui, id)->status, 200);
    EXPECT_EQ(show(f, &rui, id)->status, 200);
}

TEST(a_ticket_can_be_confirmed_after_its_form_expired)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    world_wait(f->w, hours(2));
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, ticket, "id"))->status, 200);
}

TEST(a_confirmed_document_refuses_new_bytes)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("1")));
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("2"))); /* before the confirmation, the last upload counts */
    EXPECT_EQ(confirm(f, &ana, runrun_int(f, ticket, "id"))->status, 200);
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("3")), ERR_FORBIDDEN);
}

/* ---- §9 the end of tickets ---- */

TEST(a_form_expires_after_exactly_one_hour)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    world_wait(f->w, hours(1) - 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, ticket), S("x")));
    world_wait(f->w, 1);
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("x")), ERR_FORBIDDEN);
    clock_manual_advance(&f->w->clock, -hours(1)); /* when the clock is set back, an expired form stays expired */
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("x")), ERR_FORBIDDEN);
}

TEST(an_unconfirmed_ticket_is_purged_after_its_deadline)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *with = runrun_request_ticket(f, &ana, 0, S("a"), 1),
                      *without = runrun_request_ticket(f, &ana, 0, S("b"), 1);
    EXPECT_OK(runrun_put_bytes(f, key_of(f, with), S("x")));
    world_wait(f->w, hours(24) - 1);
    EXPECT_EQ(show(f, &ana, runrun_int(f, with, "id"))->status, 200);
    world_wait(f->w, 1);
    for (int purged = 0; purged < 2; purged++) {
        EXPECT_ERROR(f, show(f, &ana, runrun_int(f, with, "id")), 404);
        EXPECT_ERROR(f, confirm(f, &ana, runrun_int(f, with, "id")), 404);
        EXPECT_ERROR(f, drop(f, &ana, runrun_int(f, without, "id")), 404);
        world_run_jobs(f->w);
    }
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT(runrun_int(f, runrun_request_ticket(f, &ana, 0, S("c"), 1), "id") > runrun_int(f, without, "id"));
}

/* ---- §6.3 list, §6.4 show ---- */

TEST(the_documents_of_a_task_include_those_of_its_comments)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t"), other = runrun_new_task(f, &ana, "other");
    int64_t first = runrun_new_document(f, &ana, task, S("a"), S("x"));
    int64_t loose = runrun_new_document(f, &ana, 0, S("b"), S("x"));
    runrun_request_ticket(f, &ana, task, S("pending"), 1);
    runrun_new_document(f, &ana, other, S("elsewhere"), S("x"));
    EXPECT_EQ(runrun_send(f, &ana, "POST /comments",
                          runrun_format(f, "{\"task_id\":%lld,\"text\":\"veja\",\"document_ids\":[%lld]}",
                                        (long long)task, (long long)loose))
                  ->status,
              201);
    struct fake_reply *r = list(f, &ana, task);
    EXPECT_EQ(runrun_count(f, r, ""), 2);
    EXPECT_EQ(runrun_int(f, r, "0.id"), first);
    EXPECT_EQ(runrun_int(f, r, "1.id"), loose);
    EXPECT_SLICE(runrun_str(f, r, "1.attachable_type"), S("Comment"));
    EXPECT_SLICE(runrun_str(f, r, "1.attachable_name"), S("t"));
}

/* ---- §6.7 delete ---- */

TEST(the_uploader_may_delete_a_document_for_15_minutes)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    int64_t task = runrun_new_task(f, &ana, "t"),
            id = runrun_new_document(f, &ana, task, S("a"), world_bytes(f->w, 20000));
    EXPECT_ERROR(f, drop(f, &rui, id), 403);
    world_wait(f->w, minutes(15) - 1);
    struct fake_reply *r = drop(f, &ana, id);
    EXPECT_EQ(r->status, 204);
    EXPECT_EQ(r->body.n, 0);
    EXPECT_ERROR(f, drop(f, &ana, id), 404);
    EXPECT_ERROR(f, show(f, &ana, id), 404);
    EXPECT_EQ(runrun_count(f, list(f, &ana, task), ""), 0);
    world_wait(f->w, WORLD_GRACE_MS);
    world_run_jobs(f->w);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

TEST(only_an_administrator_may_delete_a_document_later)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user boss = runrun_user_of(f, "", "boss", "Boss", true);
    int64_t id = runrun_new_document(f, &ana, 0, S("a"), S("x"));
    world_wait(f->w, minutes(15));
    EXPECT_ERROR(f, drop(f, &ana, id), 403);
    EXPECT_EQ(drop(f, &boss, id)->status, 204);
}

TEST(the_owner_may_delete_a_pending_ticket_at_any_time)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("a"), 1);
    world_wait(f->w, hours(20));
    EXPECT_EQ(drop(f, &ana, runrun_int(f, ticket, "id"))->status, 204);
    EXPECT_ERR(runrun_put_bytes(f, key_of(f, ticket), S("x")), ERR_FORBIDDEN);
    EXPECT_ERROR(f, confirm(f, &ana, runrun_int(f, ticket, "id")), 404);
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row),
          cmocka_unit_test(a_rule_of_core_that_is_about_a_field_names_the_field),
          cmocka_unit_test(every_path_works_with_and_without_version_and_final_slash),
          cmocka_unit_test(every_endpoint_has_both_paths), cmocka_unit_test(replies_are_json_in_utf8),
          cmocka_unit_test(replies_write_dates_with_the_configured_offset), cmocka_unit_test(a_zone_is_an_exact_offset),
          cmocka_unit_test(requests_without_body_fields_ignore_the_body), cmocka_unit_test(bodies_may_be_json_or_forms),
          cmocka_unit_test(a_body_that_is_neither_json_nor_a_form_is_400),
          cmocka_unit_test(an_empty_body_and_null_are_an_empty_object),
          cmocka_unit_test(a_body_above_1_mib_is_413_with_an_error_object),
          cmocka_unit_test(the_last_of_repeated_query_parameters_counts),
          cmocka_unit_test(list_replies_have_item_range_and_links),
          cmocka_unit_test(invalid_page_numbers_mean_the_first_page),
          cmocka_unit_test(a_page_after_the_last_one_means_the_first_page),
          cmocka_unit_test(a_page_has_at_most_100_items), cmocka_unit_test(page_links_escape_what_would_end_them),
          cmocka_unit_test(app_key_and_user_token_must_be_of_one_account),
          cmocka_unit_test(keys_have_the_lengths_of_the_vendors_keys),
          cmocka_unit_test(revoked_keys_and_disabled_users_are_401), cmocka_unit_test(requests_ignore_unknown_headers),
          cmocka_unit_test(a_ticket_of_a_deleted_user_is_purged), cmocka_unit_test(every_reply_has_rate_headers),
          cmocka_unit_test(the_rate_limit_counts_requests_per_app_key),
          cmocka_unit_test(requests_above_the_rate_limit_are_429_until_the_minute_ends),
          cmocka_unit_test(rate_limit_reset_is_the_end_of_the_minute_at_every_millisecond),
          cmocka_unit_test(a_rate_limit_of_zero_is_off),
          cmocka_unit_test(unknown_paths_methods_and_records_reply_with_an_error),
          cmocka_unit_test(an_id_that_is_not_a_number_is_400),
          cmocka_unit_test(a_failing_store_is_503_with_retry_after_and_keeps_the_ticket),
          cmocka_unit_test(a_ticket_reply_is_the_document_with_fields_and_upload_url),
          cmocka_unit_test(the_task_of_a_ticket_comes_from_its_path_else_its_query),
          cmocka_unit_test(an_unknown_or_foreign_task_is_404),
          cmocka_unit_test(ticket_names_lose_their_path_and_must_be_valid),
          cmocka_unit_test(ticket_sizes_are_whole_numbers_up_to_the_limit),
          cmocka_unit_test(tickets_accept_unwrapped_fields_and_ignore_unknown_ones),
          cmocka_unit_test(a_task_may_have_two_documents_with_one_name),
          cmocka_unit_test(warning_duplicate_refuses_a_name_that_the_task_has),
          cmocka_unit_test(a_ticket_above_the_quota_is_422_on_the_size),
          cmocka_unit_test(refuse_documents_blocks_new_tickets),
          cmocka_unit_test(a_confirmed_document_is_listed_without_fields),
          cmocka_unit_test(confirming_twice_changes_nothing),
          cmocka_unit_test(confirming_before_the_upload_is_422_and_can_be_repeated),
          cmocka_unit_test(an_upload_of_another_length_is_refused), cmocka_unit_test(an_empty_file_can_be_uploaded),
          cmocka_unit_test(a_ticket_is_visible_to_its_owner_and_a_document_to_the_account),
          cmocka_unit_test(a_ticket_can_be_confirmed_after_its_form_expired),
          cmocka_unit_test(a_confirmed_document_refuses_new_bytes),
          cmocka_unit_test(a_form_expires_after_exactly_one_hour),
          cmocka_unit_test(an_unconfirmed_ticket_is_purged_after_its_deadline),
          cmocka_unit_test(the_documents_of_a_task_include_those_of_its_comments),
          cmocka_unit_test(the_uploader_may_delete_a_document_for_15_minutes),
          cmocka_unit_test(only_an_administrator_may_delete_a_document_later),
          cmocka_unit_test(the_owner_may_delete_a_pending_ticket_at_any_time))

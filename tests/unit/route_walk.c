/* SPDX-License-Identifier: Apache-2.0 */
/* What the worst requests to every route hold in memory. The walk goes over the tables of routes of all APIs: a route
 * without a row here is a failure. Every reply must be a success, or an error in the form of the API.
 *
 * The program links an arena.c of its own (meson.build), whose overdraft is three quarters of that of the product, and
 * whose limit for arenas without one of their own is 1 MiB: an arena that comes near the end that the product has, whether
 * it is that of the exchange, of a write or of a function, ends this program. */
#include "test.h"

#include "../../src/api/s3/operations_priv.h"
#include "api/kit/browser.h"
#include "api/native/native.h"
#include "api/portal/portal.h"
#include "api/resumable/resumable.h"
#include "api/service/service.h"
#include "appfile_fixture.h"
#include "base/text.h"
#include "bucket_fixture.h"
#include "core/access/application.h"
#include "core/access/drop_link.h"
#include "core/access/session.h"
#include "core/job.h"
#include "core/space/standalone.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/sync/sync_report.h"
#include "core/sync/workspace.h"
#include "core/transfer/transfer.h"
#include "datasnap_fixture.h"
#include "http/multipart.h"
#include "pyrus_fixture.h"
#include "redu_fixture.h"
#include "runrun_fixture.h"
#include "s3_fixture.h"
#include "sign/form_policy.h"
#include "worst.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With ARENA_DEBUG each object is a malloc of its own: memory is not that of the product, and all is twenty times slower.
 * Such a build shows faults of other kinds, for which few items do. */
#ifdef ARENA_DEBUG
#define STORED(count) ((count) / 10)
#else
#define STORED(count) (count)
#endif
#define NAMES_HELD STORED(1000) /* items that a list may have */
#define DOCUMENTS STORED(300)

/* ---- the walk ---- */

struct walk;
/* What a route gets besides what all routes get. */
struct row {
    const char *route;     /* "GET /tasks/{id}": the end of its pattern */
    slice params[4];       /* values of {…}, percent-encoded; each of them is tried, until the first empty one */
    slice query;           /* of the largest result */
    struct worst bodies;   /* of the route's own form */
    const char *form_type; /* Content-Type of `bodies`; NULL: JSON */
};

struct walk {
    const struct http_api *api;
    struct fake_http *http;
    struct arena *a;
    struct fake_reply *(*send)(struct walk *, struct fake_request *); /* adds the credentials */
    void *fixture;
    const void *user;
    bool (*is_error)(struct walk *, const struct fake_reply *);
    const struct row *rows;
    size_t row_count;
    slice long_name, many_params;
    size_t requests, peak, over;
};

static char what_runs[300] = "nothing";

static void report_abort(int signal_number)
{
    (void)signal_number;
    ssize_t n = write(2, what_runs, strlen(what_runs));
    (void)n;
    _exit(1);
}

static void walk_send(struct walk *w, struct fake_request *r, const char *what)
{
    char target[100];
    snprintf(target, sizeof target, "%.*s", SLICE_ARG(r->target));
    snprintf(what_runs, sizeof what_runs, "%s %s, %s, %zu bytes beginning with %.*s\n", r->method, target, what,
             r->body.n, (int)(r->body.n < 60 ? r->body.n : 60), r->body.n ? r->body.p : "");
    struct fake_reply *reply = w->send(w, r);
    if (reply->status >= 400 && (reply->status == 500 || !w->is_error(w, reply)))
        fail_msg("%d %.*s: %s", reply->status, (int)(reply->body.n < 300 ? reply->body.n : 300), reply->body.p,
                 what_runs);
    w->requests++;
    w->peak = reply->peak_bytes > w->peak ? reply->peak_bytes : w->peak;
    w->over = reply->over_bytes > w->over ? reply->over_bytes : w->over;
    fake_http_forget_replies(w->http);
}

static slice with_query(struct walk *w, slice path, slice query)
{
    return query.n ? arena_printf(w->a, SLICE_FMT "%c" SLICE_FMT, SLICE_ARG(path),
                                  slice_find_byte(path, '?') == SLICE_NONE ? '?' : '&', SLICE_ARG(query))
                   : path;
}

static void add_many_headers(struct fake_request *r, struct arena *a)
{
    size_t count = 0;
    while (r->headers[count].name.n)
        count++;
    char *value = memset(arena_alloc(a, 641), 'x', 640);
    for (size_t i = 0; count < 92; i++) /* with those of the credentials 100 */
        r->headers[count++] = (struct http_header){ arena_printf(a, "X-Amz-Meta-%zu", i), { value, 640 - 13 } };
}

/* The heads that every route gets, at this path. */
static void walk_heads(struct walk *w, const char *method, slice path, slice long_path)
{
    struct fake_request plain = { .method = method, .target = path }, many = plain, headers = plain, name = plain;
    walk_send(w, &plain, "plain");
    many.target = with_query(w, path, w->many_params);
    walk_send(w, &many, "many parameters");
    add_many_headers(&headers, w->a);
    walk_send(w, &headers, "many headers");
    name.target = long_path;
    walk_send(w, &name, "a long name");
}

static void walk_bodies(struct walk *w, const char *method, slice target, const char *type, const struct worst *bodies)
{
    for (size_t i = 0; i < bodies->count; i++) {
        struct fake_request r = { .method = method,
                                  .target = target,
                                  .headers = { { S("Content-Type"), slice_of(type) } },
                                  .body = bodies->items[i],
                                  .piece = 65536 };
        walk_send(w, &r, type);
    }
}

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define MULTIPART_TYPE "multipart/form-data; boundary=b1"

static slice path_of_pattern(struct walk *w, const char *pattern, slice param)
{
    slice before, rest, after, name;
    if (!slice_cut(slice_of(pattern), '{', &before, &rest))
        return slice_of(pattern);
    slice_cut(rest, '}', &name, &after);
    slice others = path_of_pattern(w, after.p, S("1")); /* `after` ends where the pattern does */
    return arena_printf(w->a, SLICE_FMT SLICE_FMT SLICE_FMT, SLICE_ARG(before), SLICE_ARG(param), SLICE_ARG(others));
}

static bool row_fits(const struct row *row, const struct http_route *route)
{
    slice method, end;
    slice_cut(slice_of(row->route), ' ', &method, &end);
    slice pattern = slice_of(route->pattern);
    return slice_eq(method, slice_of(route->method)) && pattern.n >= end.n &&
           slice_eq(slice_from(pattern, pattern.n - end.n), end);
}

/* Several paths may lead to one handler. */
static bool has_walked(const struct walk *w, const struct http_route *route)
{
    for (const struct http_route *before = w->api->routes; before < route; before++)
        if (before->handle == route->handle && strcmp(before->method, route->method) == 0)
            return true;
    return false;
}

static void walk_common_bodies(struct walk *w, const struct http_route *route, slice path)
{
    size_t max = route->max_body ? route->max_body : (size_t)1 << 20;
    struct worst bodies;
    if (route->flags & HTTP_STREAM) {
        worst_multipart(w->a, &bodies);
        walk_bodies(w, route->method, path, MULTIPART_TYPE, &bodies);
        return;
    }
    worst_json(w->a, max, &bodies);
    walk_bodies(w, route->method, path, JSON_TYPE, &bodies);
    worst_form(w->a, max, &bodies);
    walk_bodies(w, route->method, path, FORM_TYPE, &bodies);
}

static void walk_row(struct walk *w, const struct http_route *route, const struct row *row)
{
    for (size_t i = 0; i < LENGTH_OF(row->params) && (i == 0 || row->params[i].n); i++) {
        slice path = path_of_pattern(w, route->pattern, row->params[i].n ? row->params[i] : S("1"));
        walk_heads(w, route->method, with_query(w, path, row->query), path_of_pattern(w, route->pattern, w->long_name));
        if (has_walked(w, route))
            continue;
        walk_bodies(w, route->method, path, row->form_type ? row->form_type : JSON_TYPE, &row->bodies);
        if (i == 0 && !(route->flags & HTTP_NO_BODY))
            walk_common_bodies(w, route, path);
    }
}

static void walk_begin(struct walk *w)
{
    w->long_name = worst_repeat(w->a, "", "%01", "1", 15000);
    w->many_params = worst_count(w->a, "", "p%zu=%41%42&", "", QUERY_PARAMS_MAX - 10);
}

static void walk_end(struct walk *w)
{
    print_message("%s: %zu requests, at most %zu bytes, %zu over a limit\n", w->api->name, w->requests, w->peak,
                  w->over);
}

static void walk_routes(struct walk *w)
{
    walk_begin(w);
    for (size_t i = 0; i < w->api->route_count; i++) {
        bool has_row = false;
        for (size_t k = 0; k < w->row_count; k++)
            if (row_fits(&w->rows[k], &w->api->routes[i])) {
                has_row = true;
                walk_row(w, &w->api->routes[i], &w->rows[k]);
            }
        if (!has_row)
            fail_msg("no row for %s %s: add what costs most", w->api->routes[i].method, w->api->routes[i].pattern);
    }
    walk_end(w);
}

/* The reply has one of these members, as an object or a text. */
static bool has_member(struct walk *w, const struct fake_reply *r, const char *one, const char *other)
{
    const struct json *j;
    return !json_parse(w->a, r->body, &j) && (json_get(j, one) || json_get(j, other));
}

static slice number(struct walk *w, int64_t n)
{
    return arena_printf(w->a, "%lld", (long long)n);
}

static void add_body(struct worst *to, slice body)
{
    EXPECT(to->count < WORST_MAX);
    to->items[to->count++] = body;
}

/* ---- Pyrus ---- */

#define CONTROL "\\u0001" /* grows sixfold when it is written */

static struct fake_reply *send_to_pyrus(struct walk *w, struct fake_request *r)
{
    r->token = ((const struct pyrus_user *)w->user)->token;
    return fake_http_send(w->http, r);
}

static bool is_pyrus_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "error_code", "error_code");
}

static void pyrus_comment(struct pyrus_fixture *f, const struct pyrus_user *u, int64_t task, slice body)
{
    fake_http_send(&f->http,
                   &(struct fake_request){ .method = "POST",
                                           .target = arena_printf(f->a, "/v4/tasks/%lld/comments", (long long)task),
                                           .token = u->token,
                                           .body = body });
    fake_http_forget_replies(&f->http);
}

static int64_t pyrus_new_task(struct pyrus_fixture *f, const struct pyrus_user *u, const char *json)
{
    struct fake_reply *r = pyrus_send(f, u, "POST", "/v4/tasks", json);
    EXPECT_EQ(r->status, 200);
    return pyrus_int(f, r, "task.id");
}

static const char *long_text(struct arena *a, char c, size_t bytes)
{
    return memset(arena_alloc(a, bytes + 1), c, bytes);
}

TEST(pyrus_stays_within_the_memory_of_a_request)
{
    struct pyrus_options options = pyrus_fixture_options();
    options.rate_limit = 1000000;
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *f = pyrus_fixture_new(&options);
    struct pyrus_user ana = pyrus_user(f, "ana", "Ana Prado");
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = f->a,
                      .send = send_to_pyrus,
                      .fixture = f,
                      .user = &ana,
                      .is_error = is_pyrus_error };
    slice links = worst_count(f->a, "{\"text\":\"t\",\"attachments\":[",
                              arena_printf(f->a, "{\"url\":\"https://x/%s%%zu\",\"name\":\"%s%%%%\"},",
                                           long_text(f->a, 'u', 2000), long_text(f->a, 'n', 200))
                                  .p,
                              "]}", 200);
    struct buf people;
    buf_init(&people, 0);
    for (int i = 0; i < 300; i++) {
        char login[40];
        struct user user;
        snprintf(login, sizeof login, "person-%d@example.org", i);
        EXPECT_OK(user_create(&f->w->core, &f->w->operator_,
                              &(struct user_request){ .account = S(""),
                                                      .login = slice_of(login),
                                                      .name = slice_of(long_text(f->a, 'n', 100)),
                                                      .email = slice_of(login) },
                              f->a, &user));
        buf_printf(&people, "{\"id\":%lld},", (long long)user.id);
    }
    people.p[people.n - 1] = ' ';
    slice all_people =
        arena_printf(f->a, "{\"text\":\"t\",\"participants\":[" SLICE_FMT "],\"participants_added\":[" SLICE_FMT "]}",
                     SLICE_ARG(buf_slice(&people)), SLICE_ARG(buf_slice(&people)));
    buf_release(&people);
    slice texts = worst_repeat(f->a, "{\"text\":\"", CONTROL, "1\"}", 1 << 20);
    int64_t of_texts = pyrus_new_task(f, &ana, "{\"text\":\"t\"}"), of_links = pyrus_new_task(f, &ana, all_people.p);
    for (int i = 0; i < STORED(10); i++) {
        pyrus_comment(f, &ana, of_texts, texts);
        pyrus_comment(f, &ana, of_links, links);
    }
    slice guid = pyrus_upload_file(f, &ana, long_text(f->a, 'f', 250), S("hello"));
    int64_t with_file = pyrus_new_task(
        f, &ana, arena_printf(f->a, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid)).p);
    EXPECT(with_file > 0);
    struct worst made = { 0 };
    add_body(&made, links);
    add_body(&made, all_people);
    add_body(&made, texts);
    add_body(&made, worst_count(f->a, "{\"text\":\"t\",\"list_ids\":[", "1%zu,", "]}", 1000));
    add_body(&made, worst_repeat(f->a, "{\"text\":\"t\",\"subject\":\"", CONTROL, "1\"}", 1 << 20));
    add_body(&made,
             worst_count(f->a, "{\"text\":\"t\",\"participants\":[", "{\"email\":\"p%zu@example.org\"},", "]}", 9000));
    add_body(&made, worst_count(f->a, "{\"text\":\"t\",\"attachments\":[", "{\"attachment_id\":%zu},", "]}", 9000));
    struct worst logins = { 0 };
    add_body(&logins, worst_repeat(f->a, "{\"login\":\"", CONTROL, "1\",\"security_key\":\"x\"}", 4096));
    const slice id_texts = number(&w, of_texts), id_links = number(&w, of_links);
    const struct row rows[] = {
        { .route = "POST /auth", .bodies = logins },
        { .route = "GET /auth", .query = worst_repeat(f->a, "security_key=x&login=", "%01", "1", 15000) },
        { .route = "POST /files/upload" },
        { .route = "GET /files/download/{id}", .params = { S("1") } },
        { .route = "GET /services/attachment", .query = S("Id=1") },
        { .route = "POST /tasks", .bodies = made },
        { .route = "GET /tasks/{id}", .params = { id_texts, id_links } },
        { .route = "POST /tasks/{id}/comments", .params = { id_links, id_texts }, .bodies = made },
        { .route = "DELETE /tasks/{id}", .params = { id_texts, id_links } },
        { .route = "GET /profile" },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- Runrun.it ---- */

static struct fake_reply *send_to_runrun(struct walk *w, struct fake_request *r)
{
    const struct runrun_user *u = w->user;
    size_t n = 0;
    while (r->headers[n].name.n)
        n++;
    r->headers[n] = (struct http_header){ S("app-key"), u->key };
    r->headers[n + 1] = (struct http_header){ S("user-token"), u->token };
    return fake_http_send(w->http, r);
}

static bool is_runrun_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "error", "errors");
}

/* A task with title, description and custom fields of 64 KiB each, which grow sixfold in every reply. */
static slice largest_runrun_task(struct arena *a)
{
    slice text = worst_repeat(a, "", CONTROL, "1", 390000);
    return arena_printf(
        a, "{\"task\":{\"title\":\"%.*s\",\"description\":\"%.*s\",\"custom_fields\":{\"custom_1\":\"%.*s\"}}}", 384000,
        text.p, 384000, text.p, 63000, text.p);
}

TEST(runrun_stays_within_the_memory_of_a_request)
{
    struct runrun_options options = runrun_fixture_options();
    SCRATCH(own);
    slice boards =
        worst_count(&own,
                    "{\"boards\":[],\"fields\":[{\"id\":\"1\",\"field_type\":\"single_option\",\"label\":\"x\","
                    "\"board_ids\":[1],\"options\":[",
                    "{\"id\":\"o%zu\",\"label\":\"x\",\"color\":\"red\"},", "]}]}", 300);
    options.rate_limit = 1000000;
    options.boards = boards;
    SCOPED(runrun_fixture_freep) struct runrun_fixture *f = runrun_fixture_new(&options);
    struct runrun_user ana = runrun_user(f, "ana-prado", "Ana Prado");
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = f->a,
                      .send = send_to_runrun,
                      .user = &ana,
                      .is_error = is_runrun_error };
    struct worst made = { 0 }, comments = { 0 }, tickets = { 0 };
    slice task = largest_runrun_task(f->a);
    for (int i = 0; i < STORED(20); i++)
        runrun_send(f, &ana, "POST /tasks", task.p);
    int64_t with_comments = runrun_new_task(f, &ana, "of comments");
    slice id = number(&w, with_comments);
    slice comment = worst_repeat(f->a, arena_printf(f->a, "{\"task_id\":%.*s,\"text\":\"", SLICE_ARG(id)).p, CONTROL,
                                 "1\"}", 1 << 20);
    for (int i = 0; i < STORED(10); i++)
        runrun_send(f, &ana, "POST /comments", comment.p);
    int64_t document = 0;
    slice name = slice_of(long_text(f->a, 'n', 230));
    for (int i = 0; i < DOCUMENTS; i++)
        document = runrun_new_document(f, &ana, with_comments, arena_printf(f->a, SLICE_FMT "%d", SLICE_ARG(name), i),
                                       S("hello"));
    fake_http_forget_replies(&f->http);
    add_body(&made, task);
    add_body(&made, worst_count(f->a, "{\"title\":\"t\",\"document_ids\":[", "1%zu,", "]}", 19000));
    add_body(&made, worst_count(f->a, "{\"title\":\"t\",\"assignments\":[", "{\"assignee_id\":\"p%zu\"},", "]}", 9000));
    add_body(&made,
             worst_count(f->a, "{\"title\":\"t\",\"custom_fields\":{", "\"custom_%zu\":[[\"\\u0001\"]],", "}}", 6000));
    add_body(&comments, comment);
    add_body(&comments, worst_count(f->a, "{\"document_ids\":[", "1%zu,", "]}", 19000));
    add_body(&tickets,
             worst_repeat(f->a, "{\"document\":{\"data_file_size\":5,\"data_file_name\":\"", CONTROL, "1\"}}", 65536));
    const slice d = number(&w, document), ids = worst_count(f->a, "ids=", "%zu,", "", 2900);
    const struct row rows[] = {
        { .route = "POST /documents", .bodies = tickets },
        { .route = "POST /tasks/{id}/documents", .params = { id }, .bodies = tickets },
        { .route = "POST /documents/{id}/mark_as_uploaded", .params = { d } },
        { .route = "GET /tasks/{id}/documents", .params = { id }, .query = S("limit=1000") },
        { .route = "GET /documents/{id}", .params = { d } },
        { .route = "GET /documents/{id}/download", .params = { d } },
        { .route = "GET /documents/{id}/thumbnail", .params = { d } },
        { .route = "GET /documents/{id}/preview", .params = { d } },
        { .route = "GET /documents/download_zip", .query = ids },
        { .route = "GET /documents/zip", .query = ids },
        { .route = "GET /documents/file", .query = ids },
        { .route = "DELETE /documents/{id}", .params = { d } },
        { .route = "POST /tasks", .bodies = made },
        { .route = "GET /tasks", .query = ids },
        { .route = "GET /tasks/{id}", .params = { S("1"), id } },
        { .route = "PUT /tasks/{id}", .params = { S("1") }, .bodies = made },
        { .route = "PATCH /tasks/{id}", .params = { S("1") }, .bodies = made },
        { .route = "GET /tasks/{id}/description", .params = { S("1") } },
        { .route = "PUT /tasks/{id}/description", .params = { S("1") }, .bodies = made },
        { .route = "POST /comments", .bodies = comments },
        { .route = "POST /tasks/{id}/comments", .params = { id }, .bodies = comments },
        { .route = "GET /tasks/{id}/comments", .params = { id } },
        { .route = "GET /comments/{id}", .params = { S("1") } },
        { .route = "PUT /comments/{id}", .params = { S("1") }, .bodies = comments },
        { .route = "GET /boards/{id}/fields" },
        { .route = "GET /tasks/{id}/fields", .params = { S("1") } },
        { .route = "GET /fields/{id}/options", .query = S("limit=1000") },
        { .route = "GET /users/me" },
        { .route = "GET /users", .query = S("limit=1000") },
        { .route = "GET /users/{id}", .params = { S("ana-prado") } },
        { .route = "DELETE /comments/{id}", .params = { S("1") } },
        { .route = "DELETE /tasks/{id}", .params = { id, S("1") } },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- Redu ---- */

/* w->fixture: the cookie of a browser, for the pages of OAuth. */
static struct fake_reply *send_to_redu(struct walk *w, struct fake_request *r)
{
    size_t n = 0;
    while (r->headers[n].name.n)
        n++;
    r->token = *(const slice *)w->user;
    r->headers[n] = (struct http_header){ S("Cookie"), *(const slice *)w->fixture };
    return fake_http_send(w->http, r);
}

static bool is_redu_error(struct walk *w, const struct fake_reply *r)
{
    const struct json *j;
    if (r->route && slice_eq(slice_of(r->route->pattern), S("/oauth/authorize")))
        return slice_starts(r->body, S("<!DOCTYPE html>")) && slice_ends(r->body, S("</html>\n"));
    if (r->route && slice_eq(slice_of(r->route->pattern), S("/oauth/token")))
        return has_member(w, r, "error", "error");
    return r->status == 400 || r->status == 404 ? r->body.n == 0
                                                : !json_parse(w->a, r->body, &j) && j->type == JS_OBJECT && j->child;
}

/* Names as long as they may be, of letters that grow when they are written in JSON or in a link. */
static slice long_redu_name(struct arena *a, int i)
{
    return arena_printf(a, "%04d%s", i, long_text(a, '"', 250));
}

/* What an application and a browser send: forms and a query with the longest texts that are accepted. */
struct oauth_worst {
    slice cookie, query;
    struct worst answers, exchanges;
};

static void make_oauth_worst(struct redu_fixture *f, struct oauth_worst *ret)
{
    struct core *core = &f->s->w->core;
    struct minted_application app;
    struct principal who;
    slice secret;
    const struct application_request request = { .login = S("admin"), .purpose = REDU_PURPOSE };
    const struct session_request session = { .purpose = BROWSER_PURPOSE,
                                             .login = { S("admin"), S("correct horse"), S("") } };
    EXPECT_OK(application_add(core, &f->s->w->operator_, &request, f->a, &app));
    EXPECT_OK(user_set_password(core, &f->s->w->operator_, S("admin"), S("correct horse"), f->a));
    f->tokens[ADMIN] = world_key(f->s->w, S("admin"), REDU_PURPOSE);
    EXPECT_OK(session_begin(core, &session, f->a, &secret, &who));
    const char *quotes = long_text(f->a, '"', 2000);
    slice client = arena_printf(f->a, "client_id=" SLICE_FMT, SLICE_ARG(app.client_id));
    slice form = arena_printf(f->a, SLICE_FMT "&csrf=" SLICE_FMT "&state=", SLICE_ARG(client),
                              SLICE_ARG(browser_csrf_of(secret, f->a)));
    slice grant = arena_printf(f->a, SLICE_FMT "&client_secret=" SLICE_FMT "&grant_type=", SLICE_ARG(client),
                               SLICE_ARG(app.client_secret));
    *ret = (struct oauth_worst){ .cookie = arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(secret)) };
    ret->query =
        arena_printf(f->a, SLICE_FMT "&state=%s&scope=%s&code_challenge=%s", SLICE_ARG(client), quotes, quotes, quotes);
    add_body(&ret->answers, worst_repeat(f->a, form.p, "%01", "1", 32 * 1024));
    add_body(&ret->answers, arena_printf(f->a, SLICE_FMT "%s&authorize=1", SLICE_ARG(form), quotes));
    static const char *const grants[] = { "none&code=", "authorization_code&code=", "password&username=a&password=" };
    for (size_t i = 0; i < LENGTH_OF(grants); i++)
        add_body(&ret->exchanges, worst_repeat(f->a, arena_printf(f->a, SLICE_FMT "%s", SLICE_ARG(grant), grants[i]).p,
                                               "%01", "1", 32 * 1024));
}

TEST(redu_stays_within_the_memory_of_a_request)
{
    REDU_FIXTURE(f);
    struct oauth_worst oauth;
    make_oauth_worst(f, &oauth);
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = f->a,
                      .send = send_to_redu,
                      .fixture = &oauth.cookie,
                      .user = &f->tokens[ADMIN],
                      .is_error = is_redu_error };
    struct core *core = &f->s->w->core;
    int64_t folder = 0, file = 0, enrolment = 0;
    for (int i = 0; i < NAMES_HELD; i++) {
        SCRATCH(a);
        struct invitation invitation;
        EXPECT_OK(folder_create(core, &f->s->tutor, f->s->root, long_redu_name(&a, i), &a, &folder));
        file = school_file(f->s, f->s->root, arena_printf(&a, "%04d%s", i, long_text(&a, '"', 240)).p, S("x")).id;
        EXPECT_OK(enrolment_invite(core, &f->s->admin, f->s->course,
                                   arena_printf(&a, "%d@%s", i, long_text(&a, '"', 240)), &a, &invitation));
        enrolment = invitation.enrolment_id;
    }
    struct worst names = { 0 }, structure = { 0 }, files = { 0 };
#define FILE_PART "--b1\r\nContent-Disposition: form-data; name=\"file[content]\"; filename=\""
    add_body(&files, worst_count(f->a, "", FILE_PART "%zu\"\r\n\r\nbytes\r\n", "--b1--\r\n", 1001));
    add_body(&files, worst_count(f->a, "", FILE_PART "%zu\"\r\n\r\n\r\n", "--b1--\r\n", 100));
    add_body(&files, worst_count(f->a, "",
                                 arena_printf(f->a, FILE_PART "%s%%zu\"\r\n\r\n\r\n", long_text(f->a, '\xff', 7000)).p,
                                 "--b1--\r\n", 100));
    add_body(&files,
             worst_count(
                 f->a, "",
                 arena_printf(f->a, FILE_PART "%%zu\"\r\nContent-Type: %s\r\n\r\n\r\n", long_text(f->a, 't', 7000)).p,
                 "--b1--\r\n", 100));
    add_body(&names, worst_repeat(f->a, "{\"folder\":{\"name\":\"", CONTROL, "1\"}}", 65536));
    add_body(&names, worst_repeat(f->a, "{\"folder\":{\"name\":\"", "d", "\"}}", 65536));
    static const char *const wrappers[] = { "environment", "course", "space", "enrollment" };
    for (size_t i = 0; i < LENGTH_OF(wrappers); i++)
        add_body(
            &structure,
            worst_repeat(f->a,
                         arena_printf(f->a, "{\"%s\":{\"path\":\"p\",\"description\":\"d\",\"name\":\"", wrappers[i]).p,
                         CONTROL, "1\"}}", 65536));
    const slice root = number(&w, f->s->root), one = number(&w, folder), space = number(&w, f->s->space),
                course = number(&w, f->s->course), environment = number(&w, f->s->environment), f1 = number(&w, file),
                e1 = number(&w, enrolment), ids = worst_count(f->a, "x=1", "&courses_ids[]=%zu", "", 900);
    const struct row rows[] = {
        { .route = "GET /api/folders/{id}", .params = { one } },
        { .route = "GET /folders/{id}/folders", .params = { root } },
        { .route = "GET /spaces/{id}/folders", .params = { space } },
        { .route = "POST /folders/{id}/folders", .params = { one }, .bodies = names },
        { .route = "PUT /api/folders/{id}", .params = { one }, .bodies = names },
        { .route = "GET /folders/{id}/files", .params = { root } },
        { .route = "POST /folders/{id}/files", .params = { one }, .bodies = files, .form_type = MULTIPART_TYPE },
        { .route = "GET /api/files/{id}", .params = { f1 } },
        { .route = "GET /api/me" },
        { .route = "GET /api/users/{id}", .params = { S("admin") } },
        { .route = "GET /users/{id}/enrollments", .params = { S("admin") }, .query = ids },
        { .route = "GET /users/{id}/spaces", .params = { S("admin") } },
        { .route = "GET /users/{id}/statuses", .params = { S("admin") } },
        { .route = "GET /users/{id}/statuses/timeline", .params = { S("admin") } },
        { .route = "GET /users/{id}/contacts", .params = { S("admin") } },
        { .route = "GET /users/{id}/chats", .params = { S("admin") } },
        { .route = "GET /users/{id}/connections", .params = { S("admin") } },
        { .route = "GET /api/environments" },
        { .route = "POST /api/environments", .bodies = structure },
        { .route = "GET /api/environments/{id}", .params = { environment, S("ufxx") } },
        { .route = "PUT /api/environments/{id}", .params = { environment }, .bodies = structure },
        { .route = "GET /environments/{id}/courses", .params = { environment } },
        { .route = "POST /environments/{id}/courses", .params = { environment }, .bodies = structure },
        { .route = "GET /api/courses/{id}", .params = { course, S("engenharia") } },
        { .route = "PUT /api/courses/{id}", .params = { course }, .bodies = structure },
        { .route = "GET /courses/{id}/spaces", .params = { course } },
        { .route = "POST /courses/{id}/spaces", .params = { course }, .bodies = structure },
        { .route = "GET /courses/{id}/users", .params = { course } },
        { .route = "GET /courses/{id}/enrollments", .params = { course } },
        { .route = "POST /courses/{id}/enrollments", .params = { course }, .bodies = structure },
        { .route = "GET /api/spaces/{id}", .params = { space } },
        { .route = "PUT /api/spaces/{id}", .params = { space }, .bodies = structure },
        { .route = "GET /spaces/{id}/users", .params = { space } },
        { .route = "GET /spaces/{id}/subjects", .params = { space } },
        { .route = "GET /spaces/{id}/statuses", .params = { space } },
        { .route = "GET /spaces/{id}/statuses/timeline", .params = { space } },
        { .route = "GET /spaces/{id}/canvas", .params = { space } },
        { .route = "GET /api/enrollments/{id}", .params = { e1 } },
        { .route = "PUT /api/enrollments/{id}", .params = { e1 }, .bodies = structure },
        { .route = "OPTIONS " },
        { .route = "GET /oauth/authorize", .query = oauth.query },
        { .route = "POST /oauth/authorize", .bodies = oauth.answers, .form_type = FORM_TYPE },
        { .route = "GET /oauth/token", .bodies = oauth.exchanges, .form_type = FORM_TYPE },
        { .route = "POST /oauth/token", .bodies = oauth.exchanges, .form_type = FORM_TYPE },
        { .route = "PUT /oauth/token", .bodies = oauth.exchanges, .form_type = FORM_TYPE },
        { .route = "PATCH /oauth/token", .bodies = oauth.exchanges, .form_type = FORM_TYPE },
        { .route = "DELETE /oauth/token", .bodies = oauth.exchanges, .form_type = FORM_TYPE },
        { .route = "DELETE /api/enrollments/{id}", .params = { e1 } },
        { .route = "DELETE /api/files/{id}", .params = { f1 } },
        { .route = "DELETE /api/folders/{id}", .params = { one } },
        { .route = "DELETE /api/spaces/{id}", .params = { S("999") } },
        { .route = "DELETE /api/courses/{id}", .params = { S("999") } },
        { .route = "DELETE /api/environments/{id}", .params = { S("999") } },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- DataSnap ---- */

static struct fake_reply *send_to_datasnap(struct walk *w, struct fake_request *r)
{
    r->token = *(const slice *)w->user;
    return fake_http_send(w->http, r);
}

static bool is_datasnap_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "message", "message");
}

#define FORM_FILE "--b1\r\nContent-Disposition: form-data; name=\"files\"; filename=\""

/* Forms of many files, of many errors, and of long lines. */
static void make_datasnap_forms(struct arena *a, struct worst *ret)
{
    static const char *const ends[] = { "%zu.jsonl\"\r\n\r\n{\"c1\":1}\r\n", "%zu\"\r\n\r\n\r\n" };
    for (size_t i = 0; i < LENGTH_OF(ends); i++)
        for (size_t count = 100; count <= 1001; count += 901)
            add_body(ret, worst_count(a, "", arena_printf(a, FORM_FILE "%s", ends[i]).p, "--b1--\r\n", count));
    slice bad = worst_count(a, "", arena_printf(a, "{\"%s%%zu\":1}\n", long_text(a, '"' + 1, 200)).p, "", 101);
    const char *file =
        arena_printf(a, FORM_FILE "%%zu%s.jsonl\"\r\n\r\n" SLICE_FMT "\r\n", long_text(a, 'n', 200), SLICE_ARG(bad)).p;
    add_body(ret, worst_count(a, "", file, "--b1--\r\n", 100));
    const char *begin = FORM_FILE "a.jsonl\"\r\n\r\n{\"c1\":\"";
    size_t line = STORED((size_t)10 << 20);
    add_body(ret, worst_repeat(a, begin, CONTROL, "1\"}\r\n--b1--\r\n", line));
    add_body(ret, worst_repeat(a, begin, "x", "\"}\r\n--b1--\r\n", line));
    add_body(ret, worst_repeat(a, begin, "x", "\"\r\n--b1--\r\n", line + (1 << 20)));
}

static void make_datasnap_queries(struct arena *a, struct worst *ret)
{
    slice in = worst_count(a, "{\"select\":[\"c1\"],\"where\":[", "{\"field\":\"c1\",\"op\":\"in\",\"value\":[%zu]},",
                           "]}", 4000);
    slice long_in = worst_count(a, "{\"select\":[\"c1\"],\"where\":[{\"field\":\"c1\",\"op\":\"in\",\"value\":[",
                                "\"%zu\",", "]}]}", 1000);
    add_body(ret, worst_count(a, "{\"select\":[", "\"c%zu\",", "]}", 200));
    add_body(ret, worst_count(a, "{\"select\":[", "\"max(c%zu) as m%%zu\",", "]}", 1));
    add_body(ret, in);
    add_body(ret, long_in);
    add_body(ret, worst_repeat(a, "{\"select\":[\"c1\"],\"where\":[{\"field\":\"c1\",\"op\":\"=\",\"value\":\"",
                               CONTROL, "1\"}]}", 200000));
    add_body(ret, worst_repeat(a, "{\"select\":[\"", "(", "\"]}", 200000));
}

static void fill_datasnap(struct datasnap_fixture *f, slice schema)
{
    EXPECT_EQ(datasnap_send(f, DS_ADMIN, "POST /v1/schemas", schema.p)->status, 201);
    for (int i = 0; i < STORED(60); i++)
        datasnap_sendf(f, DS_ADMIN,
                       arena_printf(f->a, "{\"name\":\"s%d\"," SLICE_FMT, i, SLICE_ARG(slice_from(schema, 16))).p,
                       "POST /v1/schemas");
    /* few columns, because a job that reads files has no limit of its own, and so very little memory in this program */
    struct dataset d = datasnap_schema(f, "arquivos", "\"strict\":true,\"fields\":{\"c1\":\"string\"}");
    slice bad = worst_count(f->a, "", arena_printf(f->a, "{\"%s%%zu\":1}\n", long_text(f->a, 'x', 90)).p, "", 100);
    for (int i = 0; i < STORED(100); i++)
        datasnap_file(f, &d, arena_printf(f->a, "%d%s.jsonl", i, long_text(f->a, '"', 900)).p, bad);
    slice good =
        worst_count(f->a, "", arena_printf(f->a, "{\"c1\":\"%s%%zu\"}\n", long_text(f->a, '"' + 1, 500)).p, "", 2000);
    datasnap_file(f, &d, "bom.jsonl", good);
    world_run_jobs(f->w);
    datasnap_send(f, DS_ADMIN, "POST /v1/schemas/vendas/generate-upload-token", "{\"minutes\":15}");
    fake_http_forget_replies(&f->http);
}

TEST(datasnap_stays_within_the_memory_of_a_request)
{
    struct datasnap_options options = datasnap_fixture_options();
    options.listings_per_minute = options.queries_per_minute = options.processings_per_5_minutes = 0;
    SCOPED(datasnap_fixture_freep) struct datasnap_fixture *f = datasnap_fixture_new(&options);
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = f->a,
                      .send = send_to_datasnap,
                      .user = &f->tokens[DS_ADMIN],
                      .is_error = is_datasnap_error };
    slice schema =
        worst_count(f->a, "{\"name\":\"vendas\",\"strict\":true,\"fields\":{", "\"c%zu\":\"string\",", "}}", 1000);
    fill_datasnap(f, schema);
    struct worst schemas = { 0 }, queries = { 0 }, forms = { 0 }, small = { 0 }, reports = { 0 };
    add_body(&schemas, schema);
    add_body(&schemas, worst_count(f->a, "{\"name\":\"v\",\"fields\":{", "\"c%zu\":\"wrong\",", "}}", 9000));
    add_body(&schemas, worst_count(f->a, "{\"name\":\"v\",\"sample\":[", "{\"c%zu\":1.5},", "]}", 9000));
    add_body(&schemas, worst_repeat(f->a, "{\"name\":\"v\",\"sample\":{\"a\":\"", CONTROL, "1\"}}", 1 << 20));
    add_body(&schemas, worst_count(f->a, "{\"name\":\"v\",\"fields\":{},\"required\":[", "\"c%zu\",", "]}", 15000));
    make_datasnap_queries(f->a, &queries);
    make_datasnap_forms(f->a, &forms);
    add_body(&small, S("{\"minutes\":15,\"executors\":5}"));
    add_body(&reports, worst_repeat(f->a, "{\"bridge_name\":\"b\",\"event_type\":\"error\",\"error_stack\":\"", CONTROL,
                                    "1\"}", 65536));
    add_body(&reports, worst_count(f->a, "{\"bridge_name\":\"b\",\"event_type\":\"error\",\"error_context\":[",
                                   "[%zu],", "]}", 6000));
    const slice v = S("vendas"), files = S("arquivos");
    const struct row rows[] = {
        { .route = "GET /schemas" },
        { .route = "POST /schemas", .bodies = schemas },
        { .route = "GET /schemas/{slug}", .params = { v } },
        { .route = "PUT /schemas/{slug}", .params = { v }, .bodies = schemas },
        { .route = "DELETE /schemas/{slug}", .params = { S("s1") } },
        { .route = "POST /schemas/{slug}/query", .params = { v, files }, .bodies = queries },
        { .route = "POST /schemas/{slug}/generate-upload-token", .params = { v }, .bodies = small },
        { .route = "GET /upload-tokens/{id}/validate", .params = { S("1") } },
        { .route = "DELETE /upload-tokens/{id}", .params = { S("1") } },
        { .route = "GET /schemas/{slug}/files", .params = { files }, .query = S("per_page=100") },
        { .route = "POST /schemas/{slug}/files", .params = { files, v }, .bodies = forms, .form_type = MULTIPART_TYPE },
        { .route = "GET /schemas/{slug}/uploads", .params = { files }, .query = S("limit=100") },
        { .route = "GET /schemas/{slug}/files/{id}", .params = { files } },
        { .route = "DELETE /schemas/{slug}/files/{id}", .params = { files } },
        { .route = "POST /schemas/{slug}/process-files", .params = { v }, .bodies = small },
        { .route = "POST /bridge/healthcheck", .bodies = reports },
        { .route = "GET /auth/me" },
        { .route = "GET /me" },
        { .route = "GET /status" },
        { .route = "GET /health" },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
    EXPECT_EQ(f->datasnap.form_files, 0);
}

/* ---- Appfile ---- */

static struct fake_reply *send_to_appfile(struct walk *w, struct fake_request *r)
{
    size_t count = 0;
    while (r->headers[count].name.n)
        count++;
    if (count < FAKE_MAX_HEADERS)
        r->headers[count] = (struct http_header){ S("x-api-key"), *(const slice *)w->user };
    return fake_http_send(w->http, r);
}

static bool is_appfile_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "ResponseStatus", "IsSuccess");
}

static void make_appfile_requests(struct arena *a, struct worst *ret)
{
    const char *name = "{\"FileName\":\"a\",";
    add_body(ret, worst_repeat(a, arena_printf(a, "%s\"Metadata\":{\"a\":\"", name).p, CONTROL, "1\"}}", 1 << 20));
    add_body(ret, worst_repeat(a, arena_printf(a, "%s\"Metadata\":{\"a\":\"", name).p, "x", "\"}}", 16 * 1024));
    add_body(ret, worst_count(a, arena_printf(a, "%s\"Metadata\":{", name).p, "\"%zu\":1,", "}}", 1200));
    add_body(ret, worst_count(a, arena_printf(a, "%s\"Tags\":[", name).p, "%zu,", "]}", 15000));
    add_body(ret, worst_count(a, arena_printf(a, "%s\"Tags\":[", name).p,
                              arena_printf(a, "\"%s%%zu\",", long_text(a, 't', 120)).p, "]}", 50));
    add_body(ret, worst_repeat(a, "{\"FileName\":\"", "n", "\"}", 1 << 20));
    add_body(ret, worst_repeat(a, "{\"FileName\":\"", "n", "\"}", 255));
    add_body(ret, worst_repeat(a, arena_printf(a, "%s\"Folder\":\"", name).p, "d/", "d\"}", 1 << 20));
    add_body(ret, worst_repeat(a, arena_printf(a, "%s\"Description\":\"", name).p, "\xc3\xa9", "\"}", 1024));
}

/* A file whose import has a hundred errors with the longest keys and values. */
static slice make_worst_sync_file(struct appfile_fixture *f)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    buf_add(&text, S("00|C|F|1|R\n01|wks_family|||cc-family|S\n02|a|b|c|d|e|f|g|h\n03|a|b|c|d|e|f|g|h|i:int\n"));
    for (int row = 0; row < 101; row++) {
        buf_add(&text, S("10|"));
        for (int value = 0; value < 9; value++) {
            for (int i = 0; i < 100; i++)
                buf_add_byte(&text, '\1');
            buf_add_byte(&text, '|');
        }
        buf_add_byte(&text, '\n');
    }
    buf_add(&text, S("99|101\n"));
    struct fake_reply *issued = appfile_issue(f);
    slice id = appfile_str(f, issued, "Data.FileId");
    EXPECT_EQ(appfile_follow(f, "PUT", appfile_str(f, issued, "Data.Url"), buf_slice(&text))->status, 200);
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}", SLICE_ARG(id));
    EXPECT_EQ(appfile_send(f, AF_ADMIN, "POST /appfile/file/import/async", body.p)->status, 200);
    EXPECT_OK(jobs_run_due(f->w->jobs, f->a));
    return id;
}

static void make_record_queries(struct arena *a, struct worst *ret)
{
    const char *in = ",\"a\":{\"$in\":[1.5,\"x\",true,null]}";
    add_body(ret, S("{\"Take\":1000}"));
    add_body(ret, S("{\"Take\":1000,\"Fields\":[\"text\",\"n\"]}"));
    add_body(ret, S("{\"Take\":1000,\"Fields\":[\"text\",\"n\"],\"Distinct\":true,\"Sort\":{\"text\":-1}}"));
    add_body(ret, S("{\"Query\":{\"text\":{\"$regex\":\"(x*)*y\"}},\"Sort\":{\"text\":1,\"n\":1}}"));
    add_body(ret, worst_count(a, "{\"Query\":{\"a\":{\"$in\":[", "\"%zu\",", "]}}}", 1000));
    add_body(ret, worst_count(a, "{\"Query\":{\"$or\":[", arena_printf(a, "{\"m%%zu\":1%s},", in).p, "]}}", 100));
    add_body(ret, worst_count(a, "{\"Query\":{\"$or\":[", "{\"m%zu\":{\"$x\":[]}},", "]}}", 6000));
    add_body(ret, worst_count(a, "{\"Fields\":[", "\"m%zu.a.b.c\",", "]}", 200));
    add_body(ret, worst_repeat(a, "{\"Query\":{\"", "n", "\":1}}", 250000));
    add_body(ret, worst_repeat(a, "{\"Query\":{\"a\":\"", CONTROL, "1\"}}", 250000));
    add_body(ret, worst_repeat(a, "{\"Query\":{\"a\":", "[", "1]}}", 250000));
}

static void make_file_queries(struct arena *a, struct worst *ret)
{
    add_body(ret,
             S("{\"Take\":1000,\"Query\":{\"Status\":{\"$ne\":\"failed\"}},\"Sort\":{\"FileName\":1,\"Folder\":-1}}"));
    add_body(ret, worst_count(a, "{\"Query\":{\"FileName\":{\"$in\":[", "\"%zu\",", "]}}}", 1000));
    add_body(ret, worst_count(a, "{\"Query\":{\"$or\":[", "{\"Size\":{\"$nin\":[%zu,1,null]}},", "]}}", 190));
    add_body(ret, worst_count(a, "{\"Query\":{\"$or\":[", "{\"m%zu\":1},", "]}}", 6000));
}

static err_t add_record_set(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct record_set *set = arg;
    return meta_record_set_add(tx, set, a, &set->id);
}

/* Records of the entity `note`: one as large as one can be, and with a member that is hidden; and some that fill a page. */
static slice fill_records(struct appfile_fixture *f)
{
    const size_t sizes[] = { RECORD_OBJECT_MAX - 100, 3 << 20, 3 << 20, 3 << 20, 1 << 10 };
    struct record_store *store = f->w->core.records;
    struct record_set set = { .account_id = f->sync.ana.account_id,
                              .section_id = f->sync.ana.section_id,
                              .data_source = S("cc-note"),
                              .created_at_ms = 1 };
    struct record_writer *writer;
    enum record_outcome outcome;
    slice field = S("k");
    EXPECT_OK(meta_write(f->w->core.meta, add_record_set, &set, f->a));
    EXPECT_OK(store->ops->define(store, set.id, &(struct record_fields){ &field, 1 }, f->a));
    EXPECT_OK(store->ops->open(store, set.id, &(struct record_batch){ S("f"), 1, NULL }, f->a, &writer));
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        SCRATCH(a);
        arena_set_limit(&a, SIZE_MAX / 2, NULL);
        const char *begin = i ? "{\"text\":\"" : "{\"created\":1,\"text\":\"";
        slice object = worst_repeat(&a, begin, "x", "\",\"n\":1}", sizes[i]);
        EXPECT_OK(writer->ops->put(writer, slice_part(S("abcde"), i, 1), object, &a, &outcome));
        EXPECT_EQ(outcome, RECORD_INSERTED);
    }
    EXPECT_OK(writer->ops->commit(writer, S("p"), RECORD_COMMIT_ORDERED, f->a));
    struct record_page page;
    EXPECT_OK(store->ops->scan(store, set.id, &(struct record_scan){ RECORD_BY_ID, S(""), 1 }, f->a, &page));
    return page.items[0].id;
}

TEST(appfile_stays_within_the_memory_of_a_request)
{
    APPFILE_FIXTURE(f);
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = f->a,
                      .send = send_to_appfile,
                      .user = &f->keys[AF_ADMIN],
                      .is_error = is_appfile_error };
    struct worst requests = { 0 };
    make_appfile_requests(f->a, &requests);
    struct fake_reply *r = appfile_send(f, AF_ADMIN, "POST /appfile/file/path", requests.items[1].p);
    slice id = r->status == 200 ? appfile_str(f, r, "Data.FileId") : S("x");
    slice worst = make_worst_sync_file(f);
    struct worst imports = { 0 };
    add_body(&imports, arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}",
                                    SLICE_ARG(worst))); /* its result */
    add_body(&imports,
             worst_repeat(f->a, "{\"FileType\":\"cc5\",\"FilePath\":\"//cais-appfile/", CONTROL, "1\"}", 64 << 10));
    struct worst queries = { 0 };
    struct worst file_queries = { 0 };
    make_record_queries(f->a, &queries);
    make_file_queries(f->a, &file_queries);
    for (size_t i = 0; i < 40; i++) /* some of the largest files that there are */
        appfile_send(f, AF_ADMIN, "POST /appfile/file/path", requests.items[1].p);
    slice record = fill_records(f), note = S("note");
    struct worst data = { 0 };
    add_body(&data, worst_count(f->a, "{\"ImportData\":{\"data\":[", "{\"a\":%zu},", "{}]}}", 100000));
    add_body(&data, worst_count(f->a, "{\"ImportData\":{},\"a\":[", "%zu,", "0]}", 10000));
    add_body(&data, worst_count(f->a, "{\"ImportData\":{},\"a\":{", "\"%zu\":{},", "\"b\":0}}", 4000));
    add_body(&data, worst_repeat(f->a, "{\"ImportData\":{},\"Description\":\"", CONTROL, "1\"}", 60000));
    add_body(&data, worst_repeat(f->a, "{\"ImportData\":{},\"ActionId\":\"", "x", "\"}", 70000));
    const struct row rows[] = {
        { .route = "POST /appdata/{entity}/query", .params = { note, S("family"), S("x") }, .bodies = queries },
        { .route = "GET /appdata/{entity}/retrieve",
          .params = { note },
          .query = arena_printf(f->a, "id=" SLICE_FMT, SLICE_ARG(record)) },
        { .route = "POST /appdata/{entity}/create", .params = { note } },
        { .route = "PUT /appdata/{entity}/create", .params = { note } },
        { .route = "PATCH /appdata/{entity}/create", .params = { note } },
        { .route = "DELETE /appdata/{entity}/create", .params = { note } },
        { .route = "POST /appdata/{entity}/update", .params = { note } },
        { .route = "PUT /appdata/{entity}/update", .params = { note } },
        { .route = "PATCH /appdata/{entity}/update", .params = { note } },
        { .route = "DELETE /appdata/{entity}/update", .params = { note } },
        { .route = "POST /appdata/{entity}/save", .params = { note } },
        { .route = "PUT /appdata/{entity}/save", .params = { note } },
        { .route = "PATCH /appdata/{entity}/save", .params = { note } },
        { .route = "DELETE /appdata/{entity}/save", .params = { note } },
        { .route = "POST /appdata/{entity}/delete", .params = { note } },
        { .route = "PUT /appdata/{entity}/delete", .params = { note } },
        { .route = "PATCH /appdata/{entity}/delete", .params = { note } },
        { .route = "DELETE /appdata/{entity}/delete", .params = { note } },
        { .route = "POST /appfile/file/query", .bodies = file_queries },
        { .route = "POST /appfile/file/path", .bodies = requests },
        { .route = "POST /appfile/file/import/data", .bodies = data },
        { .route = "POST /appfile/file/import", .bodies = imports },
        { .route = "POST /appfile/file/import/async", .bodies = imports },
        { .route = "POST /appdata/import/file/async", .bodies = imports },
        { .route = "GET /appfile/file/{id}", .params = { id, worst } },
        { .route = "POST /status/refresh" },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- native ---- */

struct native_fixture {
    struct world *w;
    struct native_api api;
    struct fake_http http;
    slice key;
};

static void native_fixture_freep(struct native_fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}

static struct fake_reply *send_to_native(struct walk *w, struct fake_request *r)
{
    r->token = *(const slice *)w->user;
    return fake_http_send(w->http, r);
}

static bool is_native_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "error", "error");
}

struct job_addition {
    struct core *core;
    struct job_request request;
    int64_t id;
};

static err_t apply_job_addition(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct job_addition *j = arg;
    return job_add(j->core, tx, &j->request, a, &j->id);
}

#define PARTS STORED(1001)

/* Objects with the longest keys, which grow sixfold in JSON, and one of many parts. */
static void add_objects(struct world *w, const struct principal *who)
{
    struct bucket_fixture s = { .w = w, .who = *who };
    EXPECT_OK(bucket_create(&w->core, who, S("sample"), w->a));
    EXPECT_OK(bucket_find(&w->core, who, S("sample"), BUCKET_WRITE, w->a, &s.bucket));
    for (int i = 0; i < NAMES_HELD; i++)
        bucket_fixture_store(&s, arena_printf(w->a, "%04d%s", i, long_text(w->a, 1, 1020)), S("x"));
    slice name = bucket_fixture_upload(&s, S("parts"));
    struct completed_part *parts = arena_array(w->a, struct completed_part, PARTS);
    for (int i = 0; i < PARTS; i++) {
        const struct part_bytes part = { i + 1, S("of a part") };
        EXPECT_OK(bucket_fixture_put_part(&s, S("parts"), name, &part, w->a, &parts[i]));
    }
    struct complete_request request = bucket_fixture_complete_request(&s, S("parts"), name, parts, PARTS);
    struct entry entry;
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
}

/* Bodies of datasets, samples and queries. */
static void make_native_data_bodies(struct arena *a, struct worst *datasets, struct worst *samples,
                                    struct worst *queries)
{
    const size_t largest = 255 * 1024;
    add_body(datasets, worst_count(a, "{\"name\":\"wide\",\"strict\":true,\"columns\":[",
                                   "{\"name\":\"c%zu\",\"type\":\"string\"},", "]}", 1000));
    add_body(datasets, worst_count(a, "{\"name\":\"v\",\"columns\":[", "{\"name\":\"c%zu\"},", "]}", 9000));
    add_body(samples, worst_count(a, "", "{\"c%zu\":1.5}\n", "", 9000));
    add_body(samples, worst_count(a, "[", "{\"c%zu\":1.5},", "]", 999));
    add_body(samples, worst_repeat(a, "{\"a\":\"", CONTROL, "1\"}", largest));
    add_body(queries, worst_count(a, "{\"columns\":[", "\"c%zu\",", "]}", 200));
    add_body(queries,
             worst_count(a, "{\"filters\":[", "{\"column\":\"c1\",\"test\":\"in\",\"value\":[%zu]},", "]}", 4000));
    add_body(queries,
             worst_count(a, "{\"filters\":[{\"column\":\"c1\",\"test\":\"in\",\"value\":[", "\"%zu\",", "]}]}", 1000));
    add_body(queries, worst_repeat(a, "{\"filters\":[{\"column\":\"c1\",\"test\":\"contains\",\"value\":\"", CONTROL,
                                   "1\"}]}", 200000));
    add_body(queries, S("{\"columns\":[\"c1\"],\"format\":\"csv\"}"));
}

/* Files with a hundred errors and long names, the first of which has the id 1, and one of many rows. */
static void add_dataset_files(struct walk *w, struct world *world, const slice *key)
{
    struct fake_request make = { .method = "POST", .target = S("/v1/native/datasets"), .token = *key };
    make.body = S("{\"name\":\"sample\",\"strict\":true,\"columns\":[{\"name\":\"c1\",\"type\":\"string\"}]}");
    EXPECT_EQ(fake_http_send(w->http, &make)->status, 201);
    struct fake_request put = { .method = "PUT", .token = *key };
    for (int i = 0; i < STORED(100); i++) {
        put.target =
            slice_of(arena_printf(w->a, "/v1/native/datasets/sample/files/%d%s.jsonl", i, long_text(w->a, 'x', 240)).p);
        put.body = worst_count(w->a, "", arena_printf(w->a, "{\"%s%%zu\":1}\n", long_text(w->a, 'x', 90)).p, "", 100);
        EXPECT_EQ(fake_http_send(w->http, &put)->status, 201);
    }
    put.target = S("/v1/native/datasets/sample/files/rows.jsonl");
    put.body =
        worst_count(w->a, "", arena_printf(w->a, "{\"c1\":\"%s%%zu\"}\n", long_text(w->a, '"' + 1, 500)).p, "", 2000);
    EXPECT_EQ(fake_http_send(w->http, &put)->status, 201);
    world_run_jobs(world);
    fake_http_forget_replies(w->http);
}

/* A space whose names are the longest, in which ana may do everything. Returns a folder that is deep in it. */
static int64_t add_space(struct world *w, const struct principal *who, int64_t *ret_space)
{
    int64_t id = 0, folder, enrolment, deep;
    struct space space;
    const struct space_request request = { slice_of(long_text(w->a, '"', 255)), slice_of(long_text(w->a, 1, 4096)) };
    for (int i = 0; i < STORED(200); i++) {
        SCRATCH(a);
        EXPECT_OK(standalone_create(&w->core, &w->operator_, &request, &a, &id));
        EXPECT_OK(space_find(&w->core, &w->operator_, PLACE_SEE, id, w->a, &space));
        EXPECT_OK(enrolment_grant(&w->core, &w->operator_,
                                  &(struct enrolment_request){ space.course_id, who->login, ROLE_ADMINISTRATOR }, &a,
                                  &enrolment));
    }
    deep = space.root_id;
    for (int i = 0; i < NAMES_HELD; i++) {
        SCRATCH(a);
        struct folder_upload into = { &w->core, who, space.root_id, id };
        struct intake_request upload = world_request(who, arena_printf(&a, "%04d%s", i, long_text(&a, '"', 240)));
        struct file file;
        EXPECT_OK(folder_create(&w->core, who, space.root_id, long_redu_name(&a, i), &a, &folder));
        EXPECT_OK(folder_create(&w->core, who, deep, slice_of(long_text(&a, '"', 255)), &a, &deep));
        folder_upload_into(&into, &upload);
        EXPECT_OK(world_put(w, &upload, S("x"), &file));
    }
    *ret_space = id;
    return deep;
}

/* Sync files of a workspace with the longest texts; the last one has as many errors as an import keeps. */
struct sync_addition {
    const struct principal *who;
    int64_t workspace_id, section_id;
    int count;
    slice handle; /* of the last one */
};

static err_t apply_sync_addition(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct sync_addition *s = arg;
    SCOPED(buf_releasep) struct buf errors;
    int64_t id = 0;
    buf_init_on(&errors, 0, a);
    for (int i = 0; i < SYNC_ERRORS_MAX; i++)
        sync_errors_add(&errors, &(struct sync_error){ .fault = SYNC_BAD_VALUE,
                                                       .line = (uint64_t)i + 6,
                                                       .key = slice_of(long_text(a, '"', 200)),
                                                       .field = S("size"),
                                                       .value = slice_of(long_text(a, '=', 200)) });
    for (int i = 0; i < s->count; i++) {
        s->handle = arena_printf(a, "%024d", i);
        struct sync_file f = { .handle = s->handle,
                               .account_id = s->who->account_id,
                               .owner_id = s->who->user_id,
                               .workspace_id = s->workspace_id,
                               .section_id = s->section_id,
                               .bucket_id = 1,
                               .key = s->handle,
                               .origin = S("x"),
                               .name = slice_of(long_text(a, '"', 255)),
                               .created_at_ms = 1,
                               .modified_at_ms = 1 };
        TRY(meta_sync_file_add(tx, &f, a, &id));
    }
    return meta_sync_report_put(tx, id, &(struct sync_report){ buf_slice(&errors), S("") }, a);
}

static slice add_sync_files(struct world *w, const struct principal *who)
{
    struct workspace workspace;
    struct section section;
    EXPECT_OK(workspace_add(&w->core, who, S("W"), w->a, &workspace));
    EXPECT_OK(
        section_add(&w->core, who, &(struct section_request){ .workspace = S("W"), .name = S("B") }, w->a, &section));
    struct sync_addition added = { who, workspace.id, section.id, 200, S("") };
    world_write(w, apply_sync_addition, &added);
    return arena_printf(w->a, "%024d", added.count - 1);
}

static const struct api_module *native_purpose_nth(size_t n)
{
    static const struct api_module apps = { .name = "apps",
                                            .key_form = API_KEYS_APPLICATION,
                                            .key_names = { "token" } };
    return n ? NULL : &apps;
}

/* Users with the longest names, each with an application. Returns the id of one. */
static slice add_many_users(struct world *w)
{
    struct user user = { 0 };
    struct minted_application minted;
    for (int i = 0; i < NAMES_HELD / 4; i++) {
        slice login = arena_printf(w->a, "%d%s", i, long_text(w->a, '"', 120)),
              name = slice_of(long_text(w->a, '"', 256));
        const struct user_request request = { .login = login, .name = name, .email = name };
        EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &user));
        const struct application_request app = { .login = login, .purpose = S("apps") };
        EXPECT_OK(application_add(&w->core, &w->operator_, &app, w->a, &minted));
    }
    return arena_printf(w->a, "%lld", (long long)user.id);
}

TEST(the_native_api_stays_within_the_memory_of_a_request)
{
    SCOPED(native_fixture_freep) struct native_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    native_init(&f->api, &f->w->core, &(struct native_options){ .max_file_bytes = 1 << 20, .region = S("r") });
    f->http = fake_http_new(&f->api.http_api);
    struct principal ana = world_admin(f->w, S("ana"));
    f->key = world_key(f->w, S("ana"), S("native"));
    f->api.key_purpose = native_purpose_nth;
    const struct link_base link_base = { .public_url = S("http://people.example"), .storage_host = S("files.example") };
    EXPECT_OK(native_make_file_links(&f->api, &link_base, f->w->a));
    struct walk w = { .api = &f->api.http_api,
                      .http = &f->http,
                      .a = f->w->a,
                      .send = send_to_native,
                      .user = &f->key,
                      .is_error = is_native_error };
    struct worst datasets = { 0 }, samples = { 0 }, queries = { 0 }, lines = { 0 };
    make_native_data_bodies(w.a, &datasets, &samples, &queries);
    add_body(&lines, worst_repeat(w.a, "{\"c1\":\"", CONTROL, "1\"}", 1 << 20));
    const slice sample = S("sample"), wide = S("wide");
    add_dataset_files(&w, f->w, &f->key);
    struct file file;
    for (int i = 0; i < NAMES_HELD; i++)
        file = world_store(f->w, &ana, arena_printf(w.a, "%d%s", i, long_text(w.a, '"', 240)), S("x"), 0);
    add_objects(f->w, &ana);
    const slice sync = add_sync_files(f->w, &ana);
    struct worst bodies = { 0 };
    add_body(&bodies, worst_repeat(w.a, "", "x", "", 1 << 20));
    struct worst names = { 0 };
    add_body(&names, worst_repeat(w.a, "{\"name\":\"", "\\u0022", "\"}", 16 * 1024 - 20));
    add_body(&names, worst_repeat(w.a, "{\"name\":\"x\",\"y\":[", "1,", "1]}", 16 * 1024 - 30));
    const slice id = uuid_format(w.a, file.uuid);
    const slice user_id = add_many_users(f->w);
    struct worst users = { 0 }, keys = { 0 };
    add_body(&users, worst_repeat(w.a, "{\"login\":\"x\",\"name\":\"", "\\u0022", "\"}", 32 * 1024 - 40));
    add_body(&users, worst_repeat(w.a, "{\"password\":\"", "x", "\"}", 32 * 1024 - 20));
    add_body(&users, worst_repeat(w.a, "{\"admin\":true,\"y\":[", "1,", "1]}", 32 * 1024 - 30));
    add_body(&keys, worst_repeat(w.a, "{\"login\":\"ana\",\"for\":\"apps\",\"callbacks\":[", "\"\",", "\"\"]}",
                                 32 * 1024 - 60));
    add_body(&keys, worst_repeat(w.a, "{\"login\":\"", "\\u0022", "\",\"for\":\"apps\"}", 32 * 1024 - 40));
    struct job_addition job = { .core = &f->w->core, .request = { .kind = S("k"), .account_id = ana.account_id } };
    job.request.subject = slice_of(long_text(w.a, '"', 4000));
    for (int i = 0; i < NAMES_HELD; i++)
        world_write(f->w, apply_job_addition, &job);
    const slice job_id = arena_printf(w.a, "%lld", (long long)job.id);
    int64_t space_id, deep = add_space(f->w, &ana, &space_id);
    struct space made;
    EXPECT_OK(space_find(&f->w->core, &ana, PLACE_SEE, space_id, w.a, &made));
    const slice space = number(&w, space_id), root = number(&w, made.root_id), folder = number(&w, deep),
                page = S("limit=1000"), search = S("limit=1000&kind=folders&name=%22");
    struct worst spaces = { 0 };
    add_body(&spaces, worst_repeat(w.a, "{\"name\":\"x\",\"description\":\"", "\\u0022", "\"}", 4096 * 6 + 30));
    struct drop_link link;
    struct drop_link_request link_request = { .lifetime_ms = DAY, .max_files = 9, .max_bytes = 9 };
    link_request.label = slice_of(long_text(w.a, '"', DROP_LINK_LABEL_MAX));
    slice secret;
    for (int i = 0; i < 100; i++)
        EXPECT_OK(drop_link_create(&f->w->core, &ana, &link_request, w.a, &link, &secret));
    const slice link_id = arena_printf(w.a, "%lld", (long long)link.id);
    struct worst links = { 0 };
    add_body(&links, worst_repeat(w.a, "{\"label\":\"", "\\u0022", "\"}", 16 * 1024 - 20));
    add_body(&links, worst_repeat(w.a, "{\"label\":\"x\",\"y\":[", "1,", "1]}", 16 * 1024 - 30));
    const struct row rows[] = {
        { .route = "GET /v1/native/me" },
        { .route = "GET /v1/native/spaces", .query = page },
        { .route = "POST /v1/native/spaces", .bodies = spaces },
        { .route = "GET /v1/native/spaces/{id}", .params = { space } },
        { .route = "PATCH /v1/native/spaces/{id}", .params = { space }, .bodies = spaces },
        { .route = "GET /v1/native/spaces/{id}/members", .params = { space }, .query = page },
        { .route = "PUT /v1/native/spaces/{id}/members/{login}", .params = { space } },
        { .route = "DELETE /v1/native/spaces/{id}/members/{login}", .params = { space } },
        { .route = "GET /v1/native/spaces/{id}/search", .params = { space }, .query = search },
        { .route = "GET /v1/native/spaces/{id}/search", .params = { space }, .query = S("limit=1000&name=%22") },
        { .route = "GET /v1/native/folders/{id}", .params = { folder, root } },
        { .route = "GET /v1/native/folders/{id}/folders", .params = { root }, .query = page },
        { .route = "GET /v1/native/folders/{id}/files", .params = { root }, .query = page },
        { .route = "POST /v1/native/folders/{id}/folders", .params = { root, folder }, .bodies = names },
        { .route = "POST /v1/native/folders/{id}/files", .params = { root } },
        { .route = "PUT /v1/native/folders/{id}/files/{name}", .params = { root }, .bodies = bodies },
        { .route = "GET /v1/native/folders/{id}/files/{file}", .params = { root } },
        { .route = "GET /v1/native/folders/{id}/files/{file}/info", .params = { root } },
        { .route = "POST /v1/native/folders/{id}/files/{file}/link", .params = { root } },
        { .route = "PATCH /v1/native/folders/{id}/files/{file}", .params = { root }, .bodies = names },
        { .route = "DELETE /v1/native/folders/{id}/files/{file}", .params = { root } },
        { .route = "PATCH /v1/native/folders/{id}", .params = { folder }, .bodies = names },
        { .route = "DELETE /v1/native/folders/{id}", .params = { folder } },
        { .route = "DELETE /v1/native/spaces/{id}", .params = { space } },
        { .route = "POST /v1/native/links", .bodies = links },
        { .route = "GET /v1/native/links", .query = S("limit=1000") },
        { .route = "GET /v1/native/links/{id}", .params = { link_id } },
        { .route = "GET /v1/native/links/{id}/files", .params = { link_id }, .query = S("limit=1000") },
        { .route = "DELETE /v1/native/links/{id}", .params = { link_id } },
        { .route = "GET /v1/native/link" },
        { .route = "GET /v1/native/accounts", .query = S("limit=1000") },
        { .route = "GET /v1/native/account" },
        { .route = "GET /v1/native/account/figures", .query = S("from=2026-01-01&to=2026-12-31") },
        { .route = "GET /v1/native/account/health" },
        { .route = "GET /v1/native/account/events", .query = S("limit=1000&text=zzz") },
        { .route = "GET /v1/native/account/users", .query = S("limit=1000") },
        { .route = "POST /v1/native/account/users", .bodies = users },
        { .route = "PATCH /v1/native/account/users/{id}", .params = { user_id }, .bodies = users },
        { .route = "PUT /v1/native/account/users/{id}/password", .params = { user_id }, .bodies = users },
        { .route = "POST /v1/native/account/users/{id}/link", .params = { user_id } },
        { .route = "PUT /v1/native/password", .bodies = users },
        { .route = "GET /v1/native/account/keys", .query = S("limit=1000&state=all") },
        { .route = "POST /v1/native/account/keys", .bodies = keys },
        { .route = "DELETE /v1/native/account/keys/{id}", .params = { S("99999") } },
        { .route = "GET /v1/native/account/key-purposes" },
        { .route = "DELETE /v1/native/account/users/{id}", .params = { user_id } },
        { .route = "GET /v1/native/jobs", .query = S("limit=1000") },
        { .route = "GET /v1/native/jobs/{id}/import", .params = { job_id } },
        { .route = "GET /v1/native/imports", .query = S("limit=1000") },
        { .route = "GET /v1/native/imports/{id}", .params = { sync } },
        { .route = "GET /v1/native/imports/{id}/errors", .params = { sync }, .query = S("format=csv") },
        { .route = "POST /v1/native/imports/{id}/retry", .params = { sync } },
        { .route = "POST /v1/native/datasets", .bodies = datasets },
        { .route = "GET /v1/native/datasets", .query = S("limit=1000") },
        { .route = "GET /v1/native/datasets/{slug}", .params = { wide } },
        { .route = "PATCH /v1/native/datasets/{slug}", .params = { wide }, .bodies = datasets },
        { .route = "DELETE /v1/native/datasets/{slug}", .params = { S("v") } },
        { .route = "POST /v1/native/columns", .bodies = samples },
        { .route = "POST /v1/native/datasets/{slug}/query", .params = { wide, sample }, .bodies = queries },
        { .route = "POST /v1/native/datasets/{slug}/process", .params = { sample } },
        { .route = "GET /v1/native/datasets/{slug}/files", .params = { sample }, .query = S("limit=100") },
        { .route = "PUT /v1/native/datasets/{slug}/files/{name}", .params = { sample }, .bodies = lines },
        { .route = "GET /v1/native/datasets/{slug}/files/{id}", .params = { sample } },
        { .route = "GET /v1/native/datasets/{slug}/files/{id}/errors", .params = { sample } },
        { .route = "DELETE /v1/native/datasets/{slug}/files/{id}", .params = { sample } },
        { .route = "POST /v1/native/jobs/{id}/cancel", .params = { job_id } },
        { .route = "POST /v1/native/jobs/{id}/retry", .params = { job_id } },
        { .route = "GET /v1/native/jobs/{id}", .params = { job_id } },
        { .route = "GET /v1/native/jobs/{id}/events", .params = { job_id } },
        { .route = "PUT /v1/native/files/{name}", .params = { S("a.txt") }, .bodies = bodies },
        { .route = "GET /v1/native/files", .query = S("limit=1000") },
        { .route = "GET /v1/native/objects", .query = S("limit=1000") },
        { .route = "GET /v1/native/objects/{bucket}/{key}", .params = { S("sample"), S("parts") } },
        { .route = "GET /v1/native/objects/{bucket}/{key}/info", .params = { S("sample"), S("parts") } },
        { .route = "DELETE /v1/native/objects/{bucket}/{key}", .params = { S("sample"), S("parts") } },
        { .route = "GET /v1/native/files/{id}", .params = { id } },
        { .route = "GET /v1/native/files/{id}/info", .params = { id } },
        { .route = "POST /v1/native/files/{id}/link", .params = { id } },
        { .route = "PATCH /v1/native/files/{id}", .params = { id }, .bodies = names },
        { .route = "DELETE /v1/native/files/{id}", .params = { id } },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- resumable uploads ---- */

struct resumable_fixture {
    struct world *w;
    struct resumable resumable;
    struct http_api api;
    struct fake_http http;
    slice key;
};

static void resumable_fixture_freep(struct resumable_fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}

/* The longest head that a request of tus may have, beside that of the route. */
static struct fake_reply *send_to_resumable(struct walk *w, struct fake_request *r)
{
    size_t i = 0;
    r->token = *(const slice *)w->user;
    while (r->headers[i].name.n)
        i++;
    r->headers[i++] = (struct http_header){ S("Tus-Resumable"), S("1.0.0") };
    r->headers[i++] = (struct http_header){ S("Upload-Length"), S("1048576") };
    r->headers[i++] = (struct http_header){ S("Upload-Offset"), S("0") };
    r->headers[i++] = (struct http_header){ S("Upload-Metadata"), slice_of(long_text(w->a, 'k', 8000)) };
    return fake_http_send(w->http, r);
}

TEST(resumable_uploads_stay_within_the_memory_of_a_request)
{
    SCOPED(resumable_fixture_freep) struct resumable_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    f->resumable = (struct resumable){ .core = &f->w->core, .options = { .expiry_ms = 3600000 } };
    f->api = resumable_api(&f->resumable);
    f->http = fake_http_new(&f->api);
    struct principal ana = world_user(f->w, S("ana"));
    f->key = world_key(f->w, S("ana"), S("native"));
    struct walk w = { .api = &f->api,
                      .http = &f->http,
                      .a = f->w->a,
                      .send = send_to_resumable,
                      .user = &f->key,
                      .is_error = is_native_error };
    struct transfer_request request = { .origin = S("native"),
                                        .file_name = slice_of(long_text(w.a, '"', 250)),
                                        .metadata = slice_of(long_text(w.a, 'm', TRANSFER_METADATA_MAX)),
                                        .length = 1 << 20,
                                        .lifetime_ms = 3600000 };
    struct transfer t;
    for (int i = 0; i < 100; i++)
        EXPECT_OK(transfer_create(&f->w->core, &ana, &request, w.a, &t));
    struct worst bodies = { 0 };
    add_body(&bodies, worst_repeat(w.a, "", "x", "", 1 << 20));
    const char *type = "application/offset+octet-stream";
    const struct row rows[] = {
        { .route = "OPTIONS /v1/native/uploads" },
        { .route = "OPTIONS /v1/native/uploads/{id}", .params = { t.name } },
        { .route = "POST /v1/native/uploads", .bodies = bodies, .form_type = type },
        { .route = "PUT /v1/native/uploads", .bodies = bodies, .form_type = type },
        { .route = "PATCH /v1/native/uploads", .bodies = bodies, .form_type = type },
        { .route = "DELETE /v1/native/uploads" },
        { .route = "GET /v1/native/uploads", .query = S("limit=100") },
        { .route = "GET /v1/native/uploads/{id}", .params = { t.name } },
        { .route = "PATCH /v1/native/uploads/{id}", .params = { t.name }, .bodies = bodies, .form_type = type },
        { .route = "POST /v1/native/uploads/{id}", .params = { t.name }, .bodies = bodies, .form_type = type },
        { .route = "PUT /v1/native/uploads/{id}", .params = { t.name }, .bodies = bodies, .form_type = type },
        { .route = "DELETE /v1/native/uploads/{id}", .params = { t.name } },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
}

/* ---- /health and /metrics ---- */

/* In place of the engine. */
void http_server_stats(struct http_server *server, struct http_stats *ret)
{
    (void)server;
    memset(ret, 0xff, sizeof *ret);
}

static struct fake_reply *send_to_service(struct walk *w, struct fake_request *r)
{
    return fake_http_send(w->http, r);
}

static bool is_service_error(struct walk *w, const struct fake_reply *r)
{
    return has_member(w, r, "status", "status");
}

TEST(health_and_metrics_stay_within_the_memory_of_a_request)
{
    WORLD(world);
    struct log log;
    log_init(&log, &world->clock.clock, 2, LOG_ERROR, true);
    struct service service = { .core = &world->core,
                               .health = health_watch_new(&world->core),
                               .log = &log,
                               .durability = "full",
                               .metadata_kind = "sqlite",
                               .blob_kind = "disk",
                               .name = "service",
                               .with_metrics = true,
                               .with_accounts = true };
    service_init(&service);
    for (int i = 0; i < NAMES_HELD; i++) {
        struct account account;
        EXPECT_OK(account_create(&world->core, &world->operator_,
                                 arena_printf(world->a, "account-%d-%s", i, long_text(world->a, 'a', 40)), world->a,
                                 &account));
    }
    struct fake_http http = fake_http_new(&service.http_api);
    struct walk w = {
        .api = &service.http_api, .http = &http, .a = world->a, .send = send_to_service, .is_error = is_service_error
    };
    const struct row rows[] = { { .route = "GET /health" }, { .route = "GET /metrics" } };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    walk_routes(&w);
    fake_http_release(&http);
    health_watch_free(service.health);
}

/* ---- the pages ---- */

static struct fake_reply *send_to_portal(struct walk *w, struct fake_request *r)
{
    size_t n = 0;
    while (r->headers[n].name.n)
        n++;
    r->headers[n] = (struct http_header){ S("Cookie"), *(const slice *)w->user };
    return fake_http_send(w->http, r);
}

static bool is_portal_error(struct walk *w, const struct fake_reply *r)
{
    (void)w;
    return slice_starts(r->body, S("<!DOCTYPE html>")) && slice_ends(r->body, S("</html>\n"));
}

TEST(the_pages_stay_within_the_memory_of_a_request)
{
    WORLD(world);
    struct portal portal;
    slice login = { long_text(world->a, '"', 128), 128 }, secret;
    struct principal who;
    world_user(world, login);
    EXPECT_OK(user_set_password(&world->core, &world->operator_, login, S("correct horse"), world->a));
    const struct session_request session = { .purpose = BROWSER_PURPOSE,
                                             .login = { login, S("correct horse"), S("") } };
    EXPECT_OK(session_begin(&world->core, &session, world->a, &secret, &who));
    portal_init(&portal, &world->core, NULL);
    const struct link_base link_base = { .public_url = S("http://people.example"), .storage_host = S("files.example") };
    portal.links = &link_base;
    struct fake_http http = fake_http_new(&portal.http_api);
    slice form_secret = { long_text(world->a, 'a', 43), 43 };
    slice csrf = browser_csrf_of(form_secret, world->a);
    slice cookies[] = { S(""), arena_printf(world->a, "cais=" SLICE_FMT, SLICE_ARG(secret)),
                        arena_printf(world->a, "cais-login=" SLICE_FMT, SLICE_ARG(form_secret)) };
    struct worst logins = { 0 };
    slice begin = arena_printf(world->a, "csrf=" SLICE_FMT "&login=a&password=", SLICE_ARG(csrf));
    slice next = arena_printf(world->a, "csrf=" SLICE_FMT "&login=a&password=x&next=/", SLICE_ARG(csrf));
    add_body(&logins, worst_repeat(world->a, begin.p, "%01", "1", 32 * 1024));
    add_body(&logins, worst_repeat(world->a, next.p, "\"", "1", 4000));
    struct walk w = {
        .api = &portal.http_api, .http = &http, .a = world->a, .send = send_to_portal, .is_error = is_portal_error
    };
    const struct row rows[] = {
        { .route = "GET /" },
        { .route = "GET /portal/{page}", .params = { S("files"), S("nothing") } },
        { .route = "GET /portal/{page}/{item}", .params = { S("files"), S("1") } },
        { .route = "GET /portal/session" },
        { .route = "GET /portal/drop" },
        { .route = "GET /portal/assets/{version}/{name}", .params = { S("0123456789abcdef"), S("portal.js") } },
        { .route = "GET /portal/enter" },
        { .route = "POST /portal/enter", .bodies = logins, .form_type = FORM_TYPE },
        { .route = "GET /portal", .query = worst_repeat(world->a, "", "\"", "1", 4000) },
        { .route = "GET /portal/login", .query = worst_repeat(world->a, "next=/", "\"", "1", 4000) },
        { .route = "POST /portal/login", .bodies = logins, .form_type = FORM_TYPE },
        { .route = "POST /portal/logout", .bodies = logins, .form_type = FORM_TYPE },
    };
    w.rows = rows;
    w.row_count = LENGTH_OF(rows);
    for (size_t i = 0; i < LENGTH_OF(cookies); i++) {
        w.user = &cookies[i];
        walk_routes(&w);
    }
    fake_http_release(&http);
}

/* ---- S3 ---- */

#define KEYS STORED(1001) /* a page, and what begins the next one */
#define XML_TYPE "application/xml"

static struct fake_reply *send_to_s3(struct walk *w, struct fake_request *r)
{
    return s3_send_request(w->fixture, w->user, r);
}

static bool is_s3_error(struct walk *w, const struct fake_reply *r)
{
    const struct xml *root;
    return !xml_parse(r->body, w->a, &root) && slice_eq(root->name, S("Error"));
}

/* Keys that begin with "&/" are one common prefix each; the longest keys grow fivefold in XML. */
static slice long_key(struct arena *a, int i)
{
    return arena_printf(a, "%04d%s", i, long_text(a, '&', 1020));
}

static slice path_of_key(struct arena *a, slice key)
{
    return arena_printf(a, "/photos/" SLICE_FMT, SLICE_ARG(percent_encode(a, key, "/")));
}

static slice s3_begin_upload(struct s3_fixture *f, const struct s3_user *u, slice path)
{
    struct fake_request r = { .method = "POST", .target = arena_printf(f->a, SLICE_FMT "?uploads", SLICE_ARG(path)) };
    for (int i = 0; i < 7; i++)
        r.headers[i] =
            (struct http_header){ arena_printf(f->a, "x-amz-meta-%d", i), { long_text(f->a, '&', 250), 250 } };
    struct fake_reply *reply = s3_send_request(f, u, &r);
    EXPECT_STATUS(reply, 200);
    return s3_text(f, reply, "InitiateMultipartUploadResult.UploadId");
}

static void s3_put_part(struct s3_fixture *f, const struct s3_user *u, slice upload, int part_number)
{
    slice target =
        arena_printf(f->a, "/photos/large?uploadId=" SLICE_FMT "&partNumber=%d", SLICE_ARG(upload), part_number);
    EXPECT_STATUS(s3_send(f, u, "PUT", target.p, "of a part"), 200);
    fake_http_forget_replies(&f->http);
}

/* A row here is for an operation of S3: its name, and the address and the bodies that cost most. */
struct s3_row {
    const char *name;
    slice path, query; /* empty: any */
    struct worst bodies;
    const char *type; /* NULL: XML */
};

/* again: the operation had another row before. */
static void walk_operation(struct walk *w, const struct s3_operation *o, const struct s3_row *row, bool again)
{
    static const char *const paths[] = { [S3_SERVICE] = "/", [S3_BUCKET] = "/photos", [S3_OBJECT] = "/photos/large" };
    slice path = row && row->path.n ? row->path : slice_of(paths[o->level]);
    slice name = o->level == S3_OBJECT ? path_of_key(w->a, slice_part(w->long_name, 0, 5000)) : w->long_name;
    struct worst bodies;
    if (o->subresource && !(row && row->query.n))
        path = with_query(w, path, slice_of(o->subresource));
    if (row)
        path = with_query(w, path, row->query);
    walk_heads(w, o->method, path, o->level == S3_OBJECT ? name : slice_of("/"));
    if (row)
        walk_bodies(w, o->method, path, row->type ? row->type : XML_TYPE, &row->bodies);
    if (o->max_body && !again) {
        worst_xml(w->a, o->max_body, &bodies);
        walk_bodies(w, o->method, path, XML_TYPE, &bodies);
    }
    if (o->flags & S3_STREAM && !again) {
        worst_multipart(w->a, &bodies);
        walk_bodies(w, o->method, path, MULTIPART_TYPE, &bodies);
    }
}

static void walk_operations(struct walk *w, const struct s3_row *rows, size_t count)
{
    walk_begin(w);
    for (size_t i = 0; i < s3_operation_count; i++) {
        const struct s3_operation *o = &s3_operations[i];
        bool has_row = false;
        for (size_t k = 0; k < count; k++)
            if (strcmp(rows[k].name, o->name) == 0) {
                walk_operation(w, o, &rows[k], has_row);
                has_row = true;
            }
        if (!has_row && (o->max_body || o->flags & S3_STREAM || o->run != s3_unconfigured))
            fail_msg("no row for %s: add what costs most", o->name);
        if (!has_row)
            walk_operation(w, o, NULL, false);
    }
    walk_end(w);
}

TEST(s3_stays_within_the_memory_of_a_request)
{
    S3_FIXTURE(f);
    struct arena *a = f->a;
    struct walk w = { .api = &f->http_api,
                      .http = &f->http,
                      .a = a,
                      .send = send_to_s3,
                      .fixture = f,
                      .user = &ana,
                      .is_error = is_s3_error };
    for (int i = 0; i < KEYS; i++) {
        slice path = path_of_key(a, long_key(a, i));
        EXPECT_STATUS(s3_send(f, &ana, "PUT", path.p, "x"), 200);
        if (i < KEYS / 4) /* there is a limit */
            s3_begin_upload(f, &ana, path);
        fake_http_forget_replies(&f->http);
    }
    slice upload = s3_begin_upload(f, &ana, S("/photos/large"));
    for (int i = 1; i <= PARTS; i++)
        s3_put_part(f, &ana, upload, i);
    struct worst none = { 0 }, tags = { 0 }, cors = { 0 }, deletes = { 0 }, completes = { 0 };
    add_body(&tags, worst_count(a, "<Tagging><TagSet>", "<Tag><Key>%zu</Key><Value>v</Value></Tag> ",
                                "</TagSet></Tagging>", 1500));
    add_body(&cors,
             worst_count(a, "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>",
                         "<AllowedOrigin>https://%zu</AllowedOrigin> ", "</CORSRule></CORSConfiguration>", 1400));
    add_body(&cors, worst_count(a, "<CORSConfiguration>",
                                "<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://%zu</AllowedOrigin>"
                                "</CORSRule> ",
                                "</CORSConfiguration>", 100));
    slice key_in_xml = worst_repeat(a, "", "&amp;", "1", 5090);
    add_body(&deletes, worst_count(a, "<Delete>",
                                   arena_printf(a, "<Object><Key>" SLICE_FMT "%%zu</Key></Object> ",
                                                SLICE_ARG(slice_part(key_in_xml, 0, 4000)))
                                       .p,
                                   "</Delete>", 1000));
    add_body(&deletes, worst_count(a, "<Delete>", "<Object><Key>%zu</Key></Object> ", "</Delete>", 33000));
    slice etag = s3_etag_of(f, "of a part");
    add_body(&completes,
             worst_count(a, "<CompleteMultipartUpload>",
                         arena_printf(a, "<Part><PartNumber>1%%zu</PartNumber><ETag>" SLICE_FMT "</ETag></Part> ",
                                      SLICE_ARG(etag))
                             .p,
                         "</CompleteMultipartUpload>", 10000));
    slice rows_of_parts = S("");
    struct buf parts;
    buf_init(&parts, 0);
    buf_add(&parts, S("<CompleteMultipartUpload>"));
    for (int i = 1; i <= PARTS; i++)
        buf_printf(&parts, "<Part><PartNumber>%d</PartNumber><ETag>" SLICE_FMT "</ETag></Part>", i, SLICE_ARG(etag));
    buf_add(&parts, S("</CompleteMultipartUpload>"));
    rows_of_parts = arena_copy(a, buf_slice(&parts));
    buf_release(&parts);
    struct worst valid = { 0 }, forms = { 0 }, objects = { 0 };
    add_body(&valid, rows_of_parts);
    add_body(&objects, worst_repeat(a, "", "x", "", 1 << 20));
    add_body(&forms,
             worst_repeat(
                 a, "--b1\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n", "${filename}",
                 "}\r\n--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"n\"\r\n\r\nx\r\n--b1--\r\n",
                 20480));
    const slice of_upload = arena_printf(a, "uploadId=" SLICE_FMT, SLICE_ARG(upload)),
                of_part = arena_printf(a, SLICE_FMT "&partNumber=2000", SLICE_ARG(of_upload)),
                key = path_of_key(a, long_key(a, 1));
    const struct s3_row rows[] = {
        { "UploadPart", S("/photos/large"), of_part, objects, "text/plain" },
        { "PutObjectTagging", key, S(""), tags, NULL },
        { "PutObject", key, S(""), objects, "text/plain" },
        { "ListParts", S("/photos/large"), of_upload, none, NULL },
        { "GetObjectTagging", key, S(""), none, NULL },
        { "GetObjectAttributes", key, S(""), none, NULL },
        { "GetObject", key, S(""), none, NULL },
        { "CreateMultipartUpload", key, S(""), none, NULL },
        { "CompleteMultipartUpload", S("/photos/large"), of_upload, completes, NULL },
        { "CompleteMultipartUpload", S("/photos/large"), of_upload, valid, NULL },
        { "AbortMultipartUpload", S("/photos/large"), of_upload, none, NULL },
        { "DeleteObjectTagging", key, S(""), none, NULL },
        { "DeleteObject", key, S(""), none, NULL },
        { "Preflight", S(""), S(""), none, NULL },
        { "PutBucketVersioning", S(""), S(""), none, NULL },
        { "PutBucketCors", S(""), S(""), cors, NULL },
        { "CreateBucket", S("/another"), S(""), none, NULL },
        { "GetBucketLocation", S(""), S(""), none, NULL },
        { "ListMultipartUploads", S(""), S("uploads&max-uploads=1000"), none, NULL },
        { "ListMultipartUploads", S(""), S("uploads&delimiter=%26"), none, NULL },
        { "ListObjectVersions", S(""), S(""), none, NULL },
        { "GetBucketVersioning", S(""), S(""), none, NULL },
        { "GetBucketCors", S(""), S(""), none, NULL },
        { "ListObjects", S(""), S("list-type=2&fetch-owner=true"), none, NULL },
        { "ListObjects", S(""), S("encoding-type=url"), none, NULL },
        { "ListObjects", S(""), S("delimiter=%26"), none, NULL },
        { "HeadBucket", S(""), S(""), none, NULL },
        { "DeleteObjects", S(""), S(""), deletes, NULL },
        { "PostObject", S(""), S(""), forms, MULTIPART_TYPE },
        { "DeleteBucketCors", S(""), S(""), none, NULL },
        { "DeleteBucket", S(""), S(""), none, NULL },
        { "ListBuckets", S(""), S(""), none, NULL },
    };
    walk_operations(&w, rows, LENGTH_OF(rows));
}

int main(void)
{
    signal(SIGABRT, report_abort);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pyrus_stays_within_the_memory_of_a_request),
        cmocka_unit_test(runrun_stays_within_the_memory_of_a_request),
        cmocka_unit_test(redu_stays_within_the_memory_of_a_request),
        cmocka_unit_test(datasnap_stays_within_the_memory_of_a_request),
        cmocka_unit_test(appfile_stays_within_the_memory_of_a_request),
        cmocka_unit_test(the_native_api_stays_within_the_memory_of_a_request),
        cmocka_unit_test(resumable_uploads_stay_within_the_memory_of_a_request),
        cmocka_unit_test(the_pages_stay_within_the_memory_of_a_request),
        cmocka_unit_test(s3_stays_within_the_memory_of_a_request),
        cmocka_unit_test(health_and_metrics_stay_within_the_memory_of_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}

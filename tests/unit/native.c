/* SPDX-License-Identifier: Apache-2.0 */
#include "error_table_test.h"
#include "fake_http.h"
#include "test.h"
#include "world.h"

#include "../../src/api/native/errors_priv.h"
#include "api/native/native.h"
#include "base/json.h"
#include "base/text.h"
#include "core/file/file.h"
#include "core/task/task.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 20000, MAX_FILE = 100000 };

/* A world with the native API, and the keys of three users. */
struct native_fixture {
    struct world *w;
    struct native_api api;
    struct fake_http http;
    slice alice, bob, boss; /* their keys; boss is an administrator */
};

static struct native_fixture *native_fixture_new(void)
{
    struct native_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    native_init(&f->api, &f->w->core, &(struct native_options){ .max_file_bytes = MAX_FILE });
    f->http = fake_http_new(&f->api.http_api);
    world_user(f->w, S("alice"));
    world_user(f->w, S("bob"));
    world_admin(f->w, S("boss"));
    f->alice = world_key(f->w, S("alice"), S("native"));
    f->bob = world_key(f->w, S("bob"), S("native"));
    f->boss = world_key(f->w, S("boss"), S("native"));
    return f;
}

static void native_fixture_freep(struct native_fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}
#define NATIVE_FIXTURE(name) SCOPED(native_fixture_freep) struct native_fixture *name = native_fixture_new()

static struct fake_reply *ask(struct native_fixture *f, const char *method, slice target, slice token)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = method, .target = target, .token = token });
}

static struct fake_reply *put(struct native_fixture *f, slice target, slice token, slice body)
{
    return fake_http_send(&f->http,
                          &(struct fake_request){ .method = "PUT", .target = target, .token = token, .body = body });
}

static const struct json *json_of(struct native_fixture *f, const struct fake_reply *r)
{
    const struct json *j;
    EXPECT_SLICE(r->content_type, S("application/json"));
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    return j;
}

static void expect_error(struct native_fixture *f, const struct fake_reply *r, int status, slice code)
{
    EXPECT_EQ(r->status, status);
    const struct json *e = json_get(json_of(f, r), "error");
    EXPECT_SLICE(json_str(e, "code"), code);
    EXPECT_SLICE(json_str(e, "request_id"), S("0123456789abcdef"));
    EXPECT(json_str(e, "message").n > 0);
}

static slice path_of(struct native_fixture *f, const struct fake_reply *r, const char *suffix)
{
    slice location = fake_reply_header(r, "Location");
    return arena_printf(f->w->a, SLICE_FMT "%s", SLICE_ARG(location), suffix);
}

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&native_errors);
}

TEST(a_file_is_downloaded_as_it_was_uploaded)
{
    NATIVE_FIXTURE(f);
    size_t sizes[] = { 0, 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(f->w, sizes[i]);
        unsigned char md5[MD5_SIZE];
        hash_md5(bytes, md5);
        slice hex = hex_encode(f->w->a, (slice){ (char *)md5, MD5_SIZE });
        slice etag = arena_printf(f->w->a, "\"" SLICE_FMT "\"", SLICE_ARG(hex));
        struct fake_reply *r =
            fake_http_send(&f->http, &(struct fake_request){ .method = "PUT",
                                                             .target = S("/v1/native/files/dir%2Fa%20b.pdf"),
                                                             .token = f->alice,
                                                             .headers = { { S("Content-Type"), S("application/pdf") } },
                                                             .body = bytes,
                                                             .chunked = i == 1 });
        EXPECT_EQ(r->status, 201);
        EXPECT(r->received);
        EXPECT_SLICE(fake_reply_header(r, "ETag"), etag);
        const struct json *j = json_of(f, r);
        EXPECT_SLICE(json_str(j, "name"), S("a b.pdf"));
        EXPECT_SLICE(json_str(j, "md5"), hex);
        EXPECT_SLICE(json_str(j, "state"), S("ready"));
        EXPECT_SLICE(json_str(j, "owner"), S("alice"));
        EXPECT_SLICE(json_str(j, "way"), S("native"));
        EXPECT_SLICE(json_str(j, "content_type"), S("application/pdf"));
        EXPECT_SLICE(json_str(j, "created_at"), S("2026-11-21T14:04:09Z"));
        EXPECT_EQ(json_get(j, "size")->integer, sizes[i]);

        struct fake_reply *info = ask(f, "GET", path_of(f, r, "/info"), f->alice);
        EXPECT_SLICE(info->body, r->body);
        for (int again = 0; again < 2; again++) {
            struct fake_reply *g = ask(f, again ? "HEAD" : "GET", path_of(f, r, ""), f->alice);
            EXPECT_EQ(g->status, 200);
            EXPECT_SLICE(g->body, bytes);
            EXPECT_SLICE(g->etag, etag);
            EXPECT_SLICE(g->content_type, S("application/pdf"));
            EXPECT_SLICE(fake_reply_header(g, "Content-Disposition"), S("attachment; filename=\"a b.pdf\""));
            EXPECT_SLICE(fake_reply_header(g, "X-Content-Type-Options"), S("nosniff"));
            EXPECT_EQ(g->last_modified_ms, WORLD_START_MS);
        }
    }
}

TEST(a_download_of_any_type_is_sandboxed)
{
    NATIVE_FIXTURE(f);
    static const char *const types[] = { "text/html", "image/png; x=x, text/html", "image/x+xml", "image/png" };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        struct fake_request put = { .method = "PUT",
                                    .target = S("/v1/native/files/a"),
                                    .token = f->alice,
                                    .headers = { { S("Content-Type"), slice_of(types[i]) } },
                                    .body = S("<script>alert(1)</script>") };
        struct fake_reply *r = fake_http_send(&f->http, &put);
        EXPECT_EQ(r->status, 201);
        r = ask(f, "GET", path_of(f, r, ""), f->alice);
        EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
        EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
    }
}

TEST(requests_without_a_native_key_are_401)
{
    NATIVE_FIXTURE(f);
    const char *methods[] = { "GET", "PUT", "DELETE" };
    slice other = world_key(f->w, S("alice"), S("api"));
    for (size_t i = 0; i < LENGTH_OF(methods); i++) {
        slice targets[] = { S("/v1/native/files/08923d83-255b-4f18-b0eb-5c4d3b9bf1d2") };
        struct fake_reply *r = ask(f, methods[i], targets[0], S(""));
        expect_error(f, r, 401, S("unauthenticated"));
        EXPECT_SLICE(fake_reply_header(r, "WWW-Authenticate"), S("Bearer"));
        EXPECT(r->by_guard && !r->received); /* before a byte of the body is read */
        expect_error(f, ask(f, methods[i], targets[0], S("wrong")), 401, S("unauthenticated"));
        expect_error(f, ask(f, methods[i], targets[0], other), 401, S("unauthenticated"));
    }
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("alice"), USER_DISABLED, f->w->a));
    expect_error(f, ask(f, "GET", S("/v1/native/files"), f->alice), 403, S("forbidden"));
}

TEST(files_of_other_users_are_404_except_for_administrators)
{
    NATIVE_FIXTURE(f);
    struct fake_reply *r = put(f, S("/v1/native/files/a"), f->alice, S("hello"));
    expect_error(f, ask(f, "GET", path_of(f, r, ""), f->bob), 404, S("not_found"));
    expect_error(f, ask(f, "GET", path_of(f, r, "/info"), f->bob), 404, S("not_found"));
    expect_error(f, ask(f, "DELETE", path_of(f, r, ""), f->bob), 404, S("not_found"));
    EXPECT_EQ(ask(f, "GET", path_of(f, r, ""), f->boss)->status, 200);
    EXPECT_EQ(ask(f, "DELETE", path_of(f, r, ""), f->boss)->status, 204);
    expect_error(f, ask(f, "GET", path_of(f, r, ""), f->alice), 404, S("not_found"));
    expect_error(f, ask(f, "GET", S("/v1/native/files/no-uuid"), f->alice), 404, S("not_found"));
}

TEST(the_operator_needs_no_key_and_chooses_the_account)
{
    NATIVE_FIXTURE(f);
    struct account acme;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("acme"), f->w->a, &acme));
    put(f, S("/v1/native/files/a"), f->alice, S("hello"));
    struct fake_request request = {
        .method = "PUT", .target = S("/v1/native/files/b?account=acme"), .local = true, .body = S("hi")
    };
    struct fake_reply *r = fake_http_send(&f->http, &request);
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(json_str(json_of(f, r), "owner"), S("operator"));
    request = (struct fake_request){ .target = S("/v1/native/files"), .local = true };
    EXPECT_EQ(json_count(json_get(json_of(f, fake_http_send(&f->http, &request)), "files")), 1);
    request.target = S("/v1/native/files?account=acme");
    const struct json *files = json_get(json_of(f, fake_http_send(&f->http, &request)), "files");
    EXPECT_EQ(json_count(files), 1);
    EXPECT_SLICE(json_str(files->child, "name"), S("b"));
    request = (struct fake_request){ .target = S("/v1/native/files"),
                                     .local = true,
                                     .headers = { { S("Cais-Account"), S("%61cme") } } };
    EXPECT_SLICE(json_str(json_get(json_of(f, fake_http_send(&f->http, &request)), "files")->child, "name"), S("b"));
    request = (struct fake_request){ .target = S("/v1/native/files?account=nowhere"), .local = true };
    expect_error(f, fake_http_send(&f->http, &request), 400, S("invalid"));
    /* On a listener the parameter is ignored. */
    r = ask(f, "GET", S("/v1/native/files?account=acme"), f->alice);
    EXPECT_SLICE(json_str(json_get(json_of(f, r), "files")->child, "name"), S("a"));
}

TEST(files_are_listed_in_pages)
{
    NATIVE_FIXTURE(f);
    for (int i = 0; i < 5; i++)
        put(f, arena_printf(f->w->a, "/v1/native/files/%s%d", i % 2 ? "odd" : "even", i), f->alice, S("x"));
    const struct json *page = json_of(f, ask(f, "GET", S("/v1/native/files?limit=2"), f->alice));
    EXPECT_EQ(json_count(json_get(page, "files")), 2);
    EXPECT_SLICE(json_str(json_get(page, "files")->child, "name"), S("even4"));
    slice next = json_str(page, "next");
    slice target = arena_printf(f->w->a, "/v1/native/files?limit=100&after=" SLICE_FMT, SLICE_ARG(next));
    page = json_of(f, ask(f, "GET", target, f->alice));
    EXPECT_EQ(json_count(json_get(page, "files")), 3);
    EXPECT(!json_get(page, "next"));
    page = json_of(f, ask(f, "GET", S("/v1/native/files?name=ODD&state=ready"), f->alice));
    EXPECT_EQ(json_count(json_get(page, "files")), 2);
    page = json_of(f, ask(f, "GET", S("/v1/native/files?state=stored"), f->alice));
    EXPECT_EQ(json_count(json_get(page, "files")), 0);
    slice bad[] = { S("limit=0"),  S("limit=1001"), S("limit=x"),   S("after=x"),
                    S("after=-1"), S("after=0"),    S("state=new"), S("name=%zz") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        target = arena_printf(f->w->a, "/v1/native/files?" SLICE_FMT, SLICE_ARG(bad[i]));
        expect_error(f, ask(f, "GET", target, f->alice), 400, S("invalid"));
    }
}

struct removal_meanwhile {
    struct native_fixture *f;
    slice path; /* of the file that is removed while the list is sent; empty: none */
    size_t removed;
};

static void remove_meanwhile(void *arg, size_t bytes)
{
    struct removal_meanwhile *m = arg;
    if (!m->path.n || bytes == 0)
        return;
    unsigned char uuid[16];
    struct native_fixture *f = m->f;
    EXPECT(uuid_parse(slice_from(m->path, m->path.n - 36), uuid));
    struct principal who;
    EXPECT_OK(access_operator(&f->w->core, S(""), f->w->a, &who));
    EXPECT_OK(file_delete(&f->w->core, &who, uuid, f->w->a));
    m->path = S("");
    m->removed++;
}

/* Each file is an object, and so is the list. */
static size_t files_in(const struct fake_reply *r)
{
    slice before, rest = r->body;
    size_t n = 0;
    while (slice_cut(rest, '{', &before, &rest))
        n++;
    return n ? n - 1 : 0;
}

TEST(an_unread_list_of_1000_files_was_kept_whole)
{
    NATIVE_FIXTURE(f);
    enum { FILES = 300, PIECE = 64 << 10, UNREAD = 128 << 10, PEAK = 512 << 10 };
    slice first = S("");
    for (int i = 0; i < FILES; i++) {
        struct fake_reply *made = put(f, arena_printf(f->w->a, "/v1/native/files/%0250d", i), f->alice, S("x"));
        first = i == 0 ? path_of(f, made, "") : first;
    }
    struct fake_reply *r = ask(f, "GET", S("/v1/native/files?limit=1000"), f->alice);
    EXPECT(r->status == 200 && !r->cut && r->pieces >= 3);
    EXPECT(r->largest_piece <= PIECE && r->most_unread < UNREAD && r->peak_bytes < PEAK);
    EXPECT_EQ(files_in(r), FILES);
    EXPECT_EQ(slice_find(r->body, S("\"next\"")), SLICE_NONE);
    EXPECT_EQ(json_count(json_get(json_of(f, r), "files")), FILES);

    r = ask(f, "GET", S("/v1/native/files?limit=250"), f->alice); /* more than is read at once */
    const struct json *page = json_of(f, r);
    EXPECT_EQ(json_count(json_get(page, "files")), 250);
    slice next = json_str(page, "next");
    r = ask(f, "GET", arena_printf(f->w->a, "/v1/native/files?after=" SLICE_FMT, SLICE_ARG(next)), f->alice);
    EXPECT_EQ(files_in(r), FILES - 250);

    struct removal_meanwhile m = { f, first, 0 };
    f->http.on_piece = remove_meanwhile;
    f->http.on_piece_arg = &m;
    r = ask(f, "GET", S("/v1/native/files?limit=1000"), f->alice);
    f->http.on_piece = NULL;
    EXPECT_EQ(m.removed, 1);
    EXPECT_EQ(json_count(json_get(json_of(f, r), "files")), FILES - 1);
}

static struct fake_reply *put_md5(struct native_fixture *f, slice md5, slice body)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = "PUT",
                                                            .target = S("/v1/native/files/a"),
                                                            .token = f->alice,
                                                            .headers = { { S("Content-MD5"), md5 } },
                                                            .body = body });
}

TEST(invalid_uploads_are_refused_and_store_nothing)
{
    NATIVE_FIXTURE(f);
    EXPECT_EQ(put_md5(f, S("XUFAKrxLKna5cZ2REBfFkg=="), S("hello"))->status, 201);
    expect_error(f, put_md5(f, S("XUFAKrxLKna5cZ2REBfFkg=="), S("hellp")), 422, S("digest_mismatch"));
    expect_error(f, put_md5(f, S("not base64!"), S("hello")), 400, S("invalid"));
    expect_error(f, put_md5(f, S("YWI="), S("hello")), 400, S("invalid"));

    struct fake_reply *r = put(f, S("/v1/native/files/a"), f->alice, world_bytes(f->w, MAX_FILE + 1));
    expect_error(f, r, 413, S("too_large"));
    EXPECT(!r->received); /* the head shows it */
    r = fake_http_send(&f->http, &(struct fake_request){ .method = "PUT",
                                                         .target = S("/v1/native/files/a"),
                                                         .token = f->alice,
                                                         .body = world_bytes(f->w, MAX_FILE + 1),
                                                         .chunked = true });
    expect_error(f, r, 413, S("too_large"));
    slice long_name = arena_printf(f->w->a, "/v1/native/files/%0256d", 1);
    expect_error(f, put(f, long_name, f->alice, S("x")), 413, S("too_large"));
    expect_error(f, put(f, S("/v1/native/files/%ff"), f->alice, S("x")), 400, S("invalid"));
    size_t sizes[] = { 0, 5, LARGE };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct fake_request cut = { .method = "PUT",
                                    .target = S("/v1/native/files/a"),
                                    .token = f->alice,
                                    .body = world_bytes(f->w, sizes[i]),
                                    .cut = true };
        expect_error(f, fake_http_send(&f->http, &cut), 400, S("invalid"));
        cut.chunked = true;
        expect_error(f, fake_http_send(&f->http, &cut), 400, S("invalid"));
    }
    expect_error(f, ask(f, "GET", S("/v1/native/nothing"), f->alice), 404, S("not_found"));
    expect_error(f, ask(f, "POST", S("/v1/native/files"), f->alice), 405, S("invalid"));
    EXPECT_EQ(world_file_count(f->w), 1);
    EXPECT_EQ(world_blob_count(f->w), 0);
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(a_user_sees_the_own_limits_and_what_counts_for_them)
{
    NATIVE_FIXTURE(f);
    struct world *w = f->w;
    put(f, S("/v1/native/files/a"), f->alice, S("hello"));
    EXPECT_OK(user_set_limits(&w->core, &w->operator_, S("alice"), 6, 3, w->a));
    struct fake_reply *r = ask(f, "GET", S("/v1/native/me"), f->alice);
    EXPECT_EQ(r->status, 200);
    const struct json *me;
    EXPECT_OK(json_parse(w->a, r->body, &me));
    EXPECT_SLICE(json_get(me, "login")->string, S("alice"));
    EXPECT_SLICE(json_get(me, "account")->string, S("default"));
    EXPECT(json_get(me, "used_bytes")->integer == 5 && json_get(me, "used_files")->integer == 1);
    EXPECT(json_get(me, "max_bytes")->integer == 6 && json_get(me, "max_files")->integer == 3);
    r = put(f, S("/v1/native/files/b"), f->alice, S("xx"));
    expect_error(f, r, 507, S("quota"));
    EXPECT(slice_find(r->body, S("the user's quota is used up")) != SLICE_NONE);
    EXPECT_OK(user_set_limits(&w->core, &w->operator_, S("alice"), 0, 0, w->a));
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 1, w->a));
    r = put(f, S("/v1/native/files/b"), f->alice, S("xx"));
    expect_error(f, r, 507, S("quota"));
    EXPECT(slice_find(r->body, S("the account's quota is used up")) != SLICE_NONE);
    expect_error(f, ask(f, "GET", S("/v1/native/me"), S("wrong")), 401, S("unauthenticated"));
}

TEST(quota_space_and_failing_stores_have_errors_of_their_own)
{
    NATIVE_FIXTURE(f);
    struct world *w = f->w;
    struct fake_reply *stored = put(f, S("/v1/native/files/a"), f->alice, world_bytes(w, LARGE));
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 1, w->a));
    expect_error(f, put(f, S("/v1/native/files/b"), f->alice, S("x")), 507, S("quota"));
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 0, w->a));
    w->core.options.reserve_bytes = UINT64_MAX;
    expect_error(f, put(f, S("/v1/native/files/b"), f->alice, S("x")), 507, S("no_space"));
    w->core.options.reserve_bytes = 0;
    w->faults.fail_count = 1000000;
    w->faults.fail_at = w->faults.calls + 1;
    struct fake_reply *r = put(f, S("/v1/native/files/b"), f->alice, S("x"));
    w->faults.fail_at = 0;
    expect_error(f, r, 503, S("unavailable"));
    EXPECT(fake_reply_header(r, "Retry-After").p != NULL);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, world_only_blob(w), w->a));
    expect_error(f, ask(f, "GET", path_of(f, stored, ""), f->alice), 500, S("corrupt"));
}

static struct fake_reply *rename_to(struct native_fixture *f, slice path, slice token, const char *body)
{
    return fake_http_send(
        &f->http, &(struct fake_request){ .method = "PATCH", .target = path, .token = token, .body = slice_of(body) });
}

TEST(a_file_gets_another_name)
{
    NATIVE_FIXTURE(f);
    struct fake_reply *made = put(f, S("/v1/native/files/a.txt"), f->alice, S("hello"));
    slice path = path_of(f, made, "");
    struct fake_reply *r = rename_to(f, path, f->alice, "{\"name\":\"x/longer \\u00e9.txt\"}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(json_get(json_of(f, r), "name")->string, S("longer \xc3\xa9.txt"));
    r = ask(f, "GET", path, f->alice); /* a reader that had it in the cache sees the new name */
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT(slice_find(fake_reply_header(r, "Content-Disposition"), S("longer%20%C3%A9.txt")) != SLICE_NONE);
    EXPECT_EQ(world_event_count(f->w, S("file.rename")), 1);
    EXPECT_EQ(world_fsck(f->w, false), 0); /* the account counts the new name */
}

TEST(a_name_is_refused_that_no_upload_may_have)
{
    NATIVE_FIXTURE(f);
    slice path = path_of(f, put(f, S("/v1/native/files/a.txt"), f->alice, S("hello")), "");
    static const char *const bad[] = { "", "x", "[]", "\"x\"", "{}", "{\"name\":1}", "{\"name\":null}", "null" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, rename_to(f, path, f->alice, bad[i]), 400, S("invalid"));
    char *name = memset(arena_alloc(f->w->a, 300), 'n', 300);
    const char *body = arena_printf(f->w->a, "{\"name\":\"%.256s\"}", name).p;
    expect_error(f, rename_to(f, path, f->alice, body), 413, S("too_large"));
    expect_error(f, rename_to(f, path, f->bob, "{\"name\":\"b\"}"), 404, S("not_found"));
    expect_error(f, rename_to(f, S("/v1/native/files/x"), f->alice, "{\"name\":\"b\"}"), 404, S("not_found"));
    EXPECT_EQ(rename_to(f, path, f->boss, "{\"name\":\"b\"}")->status, 200);
    EXPECT_EQ(world_event_count(f->w, S("file.rename")), 1);
}

TEST(a_file_that_something_holds_keeps_its_name)
{
    NATIVE_FIXTURE(f);
    struct principal alice = world_principal(f->w, S("alice"));
    struct file file = world_store(f->w, &alice, S("a.txt"), S("hello"), 0);
    const struct task_request request = { .text = S("t"), .is_silent = true };
    int64_t task;
    EXPECT_OK(task_create(&f->w->core, &alice, &request, f->w->a, &task));
    world_attach(f->w, task, &file);
    slice path = arena_printf(f->w->a, "/v1/native/files/" SLICE_FMT, SLICE_ARG(uuid_format(f->w->a, file.uuid)));
    expect_error(f, rename_to(f, path, f->alice, "{\"name\":\"b\"}"), 409, S("conflict"));
    slice info = arena_printf(f->w->a, SLICE_FMT "/info", SLICE_ARG(path));
    EXPECT_SLICE(json_get(json_of(f, ask(f, "GET", info, f->alice)), "name")->string, S("a.txt"));
}

TEST(a_put_survives_the_failure_of_any_store_call)
{
    NATIVE_FIXTURE(f);
    struct world *w = f->w;
    for (int64_t nth = 1;; nth++) {
        w->faults.fail_at = w->faults.calls + nth;
        struct fake_reply *r = put(f, S("/v1/native/files/b"), f->alice, S("hello"));
        bool reached = w->faults.calls >= w->faults.fail_at;
        w->faults.fail_at = 0;
        if (!reached) {
            EXPECT_EQ(r->status, 201);
            break;
        }
        EXPECT(r->status == 503 || r->status == 201);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(a_file_is_downloaded_as_it_was_uploaded),
          cmocka_unit_test(a_download_of_any_type_is_sandboxed),
          cmocka_unit_test(requests_without_a_native_key_are_401),
          cmocka_unit_test(files_of_other_users_are_404_except_for_administrators),
          cmocka_unit_test(the_operator_needs_no_key_and_chooses_the_account),
          cmocka_unit_test(files_are_listed_in_pages), cmocka_unit_test(an_unread_list_of_1000_files_was_kept_whole),
          cmocka_unit_test(invalid_uploads_are_refused_and_store_nothing),
          cmocka_unit_test(a_user_sees_the_own_limits_and_what_counts_for_them),
          cmocka_unit_test(quota_space_and_failing_stores_have_errors_of_their_own),
          cmocka_unit_test(a_file_gets_another_name), cmocka_unit_test(a_name_is_refused_that_no_upload_may_have),
          cmocka_unit_test(a_file_that_something_holds_keeps_its_name),
          cmocka_unit_test(a_put_survives_the_failure_of_any_store_call))

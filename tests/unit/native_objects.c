/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of buckets over the native API: docs/native.md. */
#include "bucket_fixture.h"
#include "fake_http.h"
#include "test.h"

#include "api/native/native.h"
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>

enum { PART = 20000 };

/* A world with the native API; ana has the bucket "sample", and bob and she have keys. */
struct objects_fixture {
    struct world *w;
    struct bucket_fixture bucket;
    struct native_api api;
    struct fake_http http;
    slice ana, bob;
};

static struct objects_fixture *objects_fixture_new(void)
{
    struct objects_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    f->bucket = bucket_fixture_new(f->w);
    native_init(&f->api, &f->w->core, &(struct native_options){ .max_file_bytes = 1000 });
    f->http = fake_http_new(&f->api.http_api);
    world_user(f->w, S("bob"));
    f->ana = world_key(f->w, S("ana"), S("native"));
    f->bob = world_key(f->w, S("bob"), S("native"));
    return f;
}

static void objects_fixture_freep(struct objects_fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}
#define OBJECTS_FIXTURE(name) SCOPED(objects_fixture_freep) struct objects_fixture *name = objects_fixture_new()

static struct fake_reply *ask(struct objects_fixture *f, const char *method, slice target, slice token)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = method, .target = target, .token = token });
}

static const struct json *json_of(struct objects_fixture *f, const struct fake_reply *r, int status)
{
    const struct json *j;
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(r->content_type, S("application/json"));
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    return j;
}

static const struct json *list(struct objects_fixture *f, const char *query, slice token)
{
    slice target = arena_printf(f->w->a, "/v1/native/objects%s", query);
    return json_of(f, ask(f, "GET", target, token), 200);
}

static void expect_error(struct objects_fixture *f, const struct fake_reply *r, int status, slice code, slice message)
{
    const struct json *e = json_get(json_of(f, r, status), "error");
    EXPECT_SLICE(json_str(e, "code"), code);
    EXPECT_SLICE(json_str(e, "message"), message);
}

/* An object of two parts under the key "big". Returns its bytes. */
static slice store_composite(struct objects_fixture *f)
{
    struct bucket_fixture *s = &f->bucket;
    slice name = bucket_fixture_upload(s, S("big")), all = world_bytes(f->w, PART + 3);
    struct completed_part parts[2];
    const struct part_bytes bytes[] = { { 1, slice_part(all, 0, PART) }, { 2, slice_from(all, PART) } };
    for (size_t i = 0; i < 2; i++)
        EXPECT_OK(bucket_fixture_put_part(s, S("big"), name, &bytes[i], f->w->a, &parts[i]));
    struct complete_request request = bucket_fixture_complete_request(s, S("big"), name, parts, 2);
    struct entry entry;
    EXPECT_OK(bucket_fixture_complete(s, &request, f->w->a, &entry));
    return all;
}

static void store_typed(struct objects_fixture *f, slice key, slice type, slice bytes)
{
    struct entry_request request = bucket_fixture_request(key);
    struct stored_entry unused;
    request.headers = arena_printf(f->w->a, "x-amz-meta-a: b\nContent-Type: " SLICE_FMT "\n", SLICE_ARG(type));
    EXPECT_OK(bucket_fixture_put(&f->bucket, &request, bytes, f->w->a, &unused));
}

TEST(an_object_is_listed_with_the_members_of_a_file)
{
    OBJECTS_FIXTURE(f);
    bucket_fixture_store(&f->bucket, S("2026/a b.txt"), S("hello"));
    const struct json *page = list(f, "", f->ana), *o = json_get(page, "objects")->child;
    EXPECT_EQ(json_count(json_get(page, "objects")), 1);
    EXPECT(!json_get(page, "next"));
    EXPECT_SLICE(json_str(o, "id"), S("s3://sample/2026/a b.txt"));
    EXPECT_SLICE(json_str(o, "bucket"), S("sample"));
    EXPECT_SLICE(json_str(o, "key"), S("2026/a b.txt"));
    EXPECT_SLICE(json_str(o, "name"), S("a b.txt"));
    EXPECT_EQ(json_get(o, "size")->integer, 5);
    EXPECT_SLICE(json_str(o, "md5"), S("5d41402abc4b2a76b9719d911017c592"));
    EXPECT_SLICE(json_str(o, "etag"), S("5d41402abc4b2a76b9719d911017c592"));
    EXPECT_SLICE(json_str(o, "state"), S("ready"));
    EXPECT_SLICE(json_str(o, "owner"), S("ana"));
    EXPECT_SLICE(json_str(o, "way"), S("s3"));
    EXPECT_SLICE(json_str(o, "created_at"), S("2026-11-21T14:04:09Z"));
    struct fake_reply *r = ask(f, "GET", S("/v1/native/objects/sample/2026%2Fa%20b.txt/info"), f->ana);
    EXPECT(slice_find(ask(f, "GET", S("/v1/native/objects"), f->ana)->body, r->body) != SLICE_NONE);
}

TEST(a_composite_has_no_md5_but_an_etag_and_the_sizes_of_its_parts)
{
    OBJECTS_FIXTURE(f);
    slice bytes = store_composite(f);
    const struct json *o = json_get(list(f, "", f->ana), "objects")->child;
    EXPECT(json_is(json_get(o, "md5"), JS_NULL) && !json_get(o, "part_sizes"));
    slice etag = json_str(o, "etag");
    EXPECT(etag.n == 34 && slice_ends(etag, S("-2")));
    o = json_of(f, ask(f, "GET", S("/v1/native/objects/sample/big/info"), f->ana), 200);
    const struct json *sizes = json_get(o, "part_sizes");
    EXPECT_EQ(json_count(sizes), 2);
    EXPECT(sizes->child->integer == PART && sizes->child->next->integer == 3);
    struct fake_reply *r = ask(f, "GET", S("/v1/native/objects/sample/big"), f->ana);
    EXPECT(slice_eq(r->body, bytes));
    EXPECT_SLICE(r->etag, arena_printf(f->w->a, "\"" SLICE_FMT "\"", SLICE_ARG(etag)));
}

TEST(an_object_is_downloaded_as_a_file_is)
{
    OBJECTS_FIXTURE(f);
    store_typed(f, S("d/page.html"), S("text/html"), S("<script>alert(1)</script>"));
    bucket_fixture_store(&f->bucket, S("../"), world_bytes(f->w, 20000));
    const char *methods[] = { "GET", "HEAD" };
    for (size_t i = 0; i < 2; i++) {
        struct fake_reply *r = ask(f, methods[i], S("/v1/native/objects/sample/d%2Fpage.html"), f->ana);
        EXPECT(r->status == 200 && r->is_content);
        EXPECT_SLICE(r->body, S("<script>alert(1)</script>"));
        EXPECT_SLICE(r->content_type, S("text/html"));
        EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=page.html"));
        EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
        EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
        EXPECT_EQ(r->last_modified_ms, WORLD_START_MS);
        EXPECT(!fake_reply_header(r, "x-amz-meta-a").p);
    }
    struct fake_reply *r = ask(f, "GET", S("/v1/native/objects/sample/..%2F"), f->ana);
    EXPECT(r->status == 200 && r->body.n == 20000);
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=file"));
}

TEST(what_is_not_there_or_not_visible_is_404_in_plain_words)
{
    OBJECTS_FIXTURE(f);
    bucket_fixture_store(&f->bucket, S("k"), S("hello"));
    static const char *const paths[] = { "sample/none", "nowhere/k", "sample/k%ff", "sample/k%2f", "sample/K" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        for (int info = 0; info < 2; info++) {
            slice target = arena_printf(f->w->a, "/v1/native/objects/%s%s", paths[i], info ? "/info" : "");
            expect_error(f, ask(f, "GET", target, f->ana), 404, S("not_found"), S("no such object"));
        }
    slice hidden[] = { S("/v1/native/objects/sample/k"), S("/v1/native/objects/sample/k/info") };
    for (size_t i = 0; i < LENGTH_OF(hidden); i++) {
        EXPECT_EQ(ask(f, "GET", hidden[i], f->ana)->status, 200);
        expect_error(f, ask(f, "GET", hidden[i], f->bob), 404, S("not_found"), S("no such object"));
        EXPECT_EQ(ask(f, "GET", hidden[i], S(""))->status, 401);
        EXPECT_EQ(ask(f, "DELETE", hidden[i], f->bob)->status, i ? 405 : 404);
    }
    EXPECT_EQ(ask(f, "DELETE", S("/v1/native/objects/sample/k/info"), f->ana)->status, 405);
    EXPECT_EQ(ask(f, "GET", hidden[0], f->ana)->status, 200);
    EXPECT_EQ(json_count(json_get(list(f, "", f->bob), "objects")), 0);
    EXPECT_EQ(ask(f, "GET", S("/v1/native/objects"), S(""))->status, 401);
}

static size_t walk_pages(struct objects_fixture *f, int limit, slice token)
{
    slice next = S("");
    size_t count = 0;
    do {
        slice query = arena_printf(f->w->a, "?limit=%d&after=" SLICE_FMT, limit, SLICE_ARG(next));
        const struct json *page = list(f, arena_cstr(f->w->a, query), token);
        EXPECT((int)json_count(json_get(page, "objects")) <= limit);
        JSON_EACH(o, json_get(page, "objects")) {
            slice key = arena_printf(f->w->a, "%03zu/%%&\x01", count++);
            EXPECT_SLICE(json_str(o, "key"), key);
        }
        next = json_str(page, "next");
    } while (next.n);
    return count;
}

TEST(objects_are_listed_in_pages)
{
    OBJECTS_FIXTURE(f);
    for (size_t i = 0; i < 7; i++)
        bucket_fixture_store(&f->bucket, arena_printf(f->w->a, "%03zu/%%&\x01", i), S("x"));
    for (int limit = 1; limit < 9; limit++)
        EXPECT_EQ(walk_pages(f, limit, f->ana), 7);
    EXPECT_EQ(walk_pages(f, 3, f->bob), 0);
    static const char *const bad[] = { "limit=0",    "limit=1001",  "limit=x",        "after=x",
                                       "after=6162", "after=2f61",  "after=61622fff", "after=ff2f61",
                                       "after=%zz",  "after=612f6", "after=612f6100" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct fake_reply *r = ask(f, "GET", arena_printf(f->w->a, "/v1/native/objects?%s", bad[i]), f->ana);
        EXPECT_SLICE(json_str(json_get(json_of(f, r, 400), "error"), "code"), S("invalid"));
    }
}

TEST(an_unread_list_of_1000_objects_was_kept_whole)
{
    OBJECTS_FIXTURE(f);
    enum { OBJECTS = 200, PIECE = 64 << 10, UNREAD = 128 << 10, PEAK = 512 << 10 };
    for (int i = 0; i < OBJECTS; i++)
        bucket_fixture_store(&f->bucket, arena_printf(f->w->a, "%01000d", i), S("x"));
    struct fake_reply *r = ask(f, "GET", S("/v1/native/objects?limit=1000"), f->ana);
    EXPECT(r->status == 200 && !r->cut && r->pieces >= 3);
    EXPECT(r->largest_piece <= PIECE && r->most_unread < UNREAD && r->peak_bytes < PEAK);
    EXPECT_EQ(json_count(json_get(json_of(f, r, 200), "objects")), OBJECTS);
    const struct json *page = list(f, "?limit=150", f->ana);
    EXPECT_EQ(json_count(json_get(page, "objects")), 150);
    slice after = arena_printf(f->w->a, "?after=" SLICE_FMT, SLICE_ARG(json_str(page, "next")));
    EXPECT_EQ(json_count(json_get(list(f, arena_cstr(f->w->a, after), f->ana), "objects")), OBJECTS - 150);
}

TEST(a_failing_store_is_never_an_empty_list_or_a_missing_object)
{
    OBJECTS_FIXTURE(f);
    bucket_fixture_store(&f->bucket, S("k"), world_bytes(f->w, 20000));
    slice targets[] = { S("/v1/native/objects"), S("/v1/native/objects/sample/k"),
                        S("/v1/native/objects/sample/k/info") };
    for (size_t i = 0; i < LENGTH_OF(targets); i++)
        for (int64_t nth = 1;; nth++) {
            f->w->faults.fail_at = f->w->faults.calls + nth;
            struct fake_reply *r = ask(f, "GET", targets[i], f->ana);
            bool reached = f->w->faults.calls >= f->w->faults.fail_at;
            f->w->faults.fail_at = 0;
            EXPECT(r->status == 503 || (r->status == 200 && (r->cut || r->body.n > 40)));
            if (!reached)
                break;
        }
    EXPECT_OK(f->w->core.blob->ops->remove(f->w->core.blob, world_only_blob(f->w), f->w->a));
    EXPECT_EQ(ask(f, "GET", targets[1], f->ana)->status, 500);
}

RUN_TESTS(cmocka_unit_test(an_object_is_listed_with_the_members_of_a_file),
          cmocka_unit_test(a_composite_has_no_md5_but_an_etag_and_the_sizes_of_its_parts),
          cmocka_unit_test(an_object_is_downloaded_as_a_file_is),
          cmocka_unit_test(what_is_not_there_or_not_visible_is_404_in_plain_words),
          cmocka_unit_test(objects_are_listed_in_pages),
          cmocka_unit_test(an_unread_list_of_1000_objects_was_kept_whole),
          cmocka_unit_test(a_failing_store_is_never_an_empty_list_or_a_missing_object))

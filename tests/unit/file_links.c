/* SPDX-License-Identifier: Apache-2.0 */
/* Links to single files on the host of the object store: who gets one, what it leads to, who may read the reply, and when it ends. */
#include "fake_http.h"
#include "reply_json.h"
#include "school.h"
#include "test.h"

#include "api/kit/browser.h"
#include "api/native/native.h"
#include "api/s3/s3.h"
#include "base/text.h"
#include "core/access/session.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_HOST S("people.example.org")
#define FILE_HOST "files.example.net"
#define PASSWORD S("correct horse")

struct fixture {
    struct school *s;
    struct world *w;
    struct arena *a;
    struct link_base links;
    struct native_api native;
    struct s3 s3;
    struct http_api s3_http;
    struct fake_http native_engine, s3_engine;
    slice member_key, stranger_key;
};

static const slice hosts[] = { { "people.example.org", 18 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

static struct fixture *fixture_new(void)
{
    struct fixture *f = must_malloc(sizeof *f);
    *f = (struct fixture){ .s = school_new() };
    f->w = f->s->w;
    f->a = f->s->a;
    struct core *core = &f->w->core;
    const struct s3_options s3 = { .region = S("us-east-1"), .max_object_bytes = 1 << 20, .only_region = true };
    f->links = (struct link_base){ hosts, 1, S(""), listeners, 1, S(FILE_HOST), NULL };
    native_init(&f->native, core, &(struct native_options){ .max_file_bytes = 1 << 20, .region = S("us-east-1") });
    EXPECT_OK(native_make_file_links(&f->native, &f->links, f->a));
    s3_init(&f->s3, core, &s3, &f->links, NULL);
    f->s3_http = s3_api(&f->s3);
    f->native_engine = fake_http_new(&f->native.http_api);
    f->s3_engine = fake_http_new(&f->s3_http);
    f->member_key = world_key(f->w, f->s->member.login, S("native"));
    f->stranger_key = world_key(f->w, f->s->stranger.login, S("native"));
    return f;
}

static void fixture_freep(struct fixture **at)
{
    struct fixture *f = *at;
    fake_http_release(&f->native_engine);
    fake_http_release(&f->s3_engine);
    native_release(&f->native);
    s3_release(&f->s3);
    school_free(f->s);
    free(f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

static slice target_of(struct fixture *f, const struct file *file, int64_t folder_id)
{
    slice uuid = uuid_format(f->a, file->uuid);
    return folder_id ? arena_printf(f->a, "/v1/native/folders/%lld/files/" SLICE_FMT "/link", (long long)folder_id,
                                    SLICE_ARG(uuid))
                     : arena_printf(f->a, "/v1/native/files/" SLICE_FMT "/link", SLICE_ARG(uuid));
}

static struct fake_reply *ask_link(struct fixture *f, slice target, slice token, slice host)
{
    return fake_http_send(&f->native_engine,
                          &(struct fake_request){ .method = "POST", .target = target, .token = token, .host = host });
}

/* The link in a reply, which must be one to the host of files. */
static slice link_in(struct fixture *f, const struct fake_reply *r)
{
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    slice url = reply_text(f->a, r, "url"), begin = S("http://" FILE_HOST "/");
    EXPECT(slice_starts(url, begin));
    return slice_from(url, begin.n - 1);
}

static slice new_link(struct fixture *f, const struct file *file, int64_t folder_id, slice token)
{
    return link_in(f, ask_link(f, target_of(f, file, folder_id), token, PAGE_HOST));
}

static struct fake_reply *follow_as(struct fixture *f, const char *method, slice target, slice origin, slice host)
{
    struct fake_request r = { .method = method, .target = target, .host = host };
    r.headers[0] = (struct http_header){ S("Host"), host };
    if (origin.n)
        r.headers[1] = (struct http_header){ S("Origin"), origin };
    return fake_http_send(&f->s3_engine, &r);
}

static struct fake_reply *follow(struct fixture *f, slice target)
{
    return follow_as(f, "GET", target, S(""), S(FILE_HOST));
}

static struct file store(struct fixture *f, const char *name)
{
    return world_store(f->w, &f->s->member, slice_of(name), S("hello"), 0);
}

/* ---- what it leads to ---- */

TEST(a_link_leads_to_the_bytes_as_a_download_that_no_page_can_be_made_of)
{
    FIXTURE(f);
    struct file file = store(f, "a \"b\".html");
    slice link = new_link(f, &file, 0, f->member_key);
    struct fake_reply *r = follow(f, link);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT_SLICE(r->content_type, S("application/octet-stream"));
    EXPECT(slice_starts(fake_reply_header(r, "Content-Disposition"), S("attachment")));
    EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
    EXPECT_SLICE(fake_reply_header(r, "X-Content-Type-Options"), S("nosniff"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("private, no-store"));
    EXPECT_EQ(fake_reply_header(r, "Access-Control-Allow-Origin").n, 0);
    EXPECT_EQ(follow_as(f, "HEAD", link, S(""), S(FILE_HOST))->status, 200);
    static const char *const methods[] = { "PUT", "DELETE" };
    for (size_t i = 0; i < LENGTH_OF(methods); i++)
        EXPECT_EQ(follow_as(f, methods[i], link, S(""), S(FILE_HOST))->status, 403);
}

TEST(a_link_was_followed_for_another_file_user_host_or_disposition)
{
    FIXTURE(f);
    struct file file = store(f, "a.txt"), other = store(f, "b.txt");
    slice link = new_link(f, &file, 0, f->member_key), path, query;
    slice_cut(link, '?', &path, &query);
    slice uuid = uuid_format(f->a, other.uuid);
    slice elsewhere = arena_printf(f->a, SLICE_FMT SLICE_FMT "?" SLICE_FMT, SLICE_ARG(slice_part(path, 0, path.n - 36)),
                                   SLICE_ARG(uuid), SLICE_ARG(query));
    EXPECT_EQ(follow(f, elsewhere)->status, 403);
    EXPECT_EQ(follow(f, arena_printf(f->a, SLICE_FMT "&response-content-type=text%%2Fhtml", SLICE_ARG(link)))->status,
              403);
    EXPECT_EQ(
        follow(f, arena_printf(f->a, SLICE_FMT "&" LINK_ORIGIN_PARAM "=http%%3A%%2F%%2Fevil.example", SLICE_ARG(link)))
            ->status,
        403);
    EXPECT_EQ(follow_as(f, "GET", link, S(""), S("evil.example"))->status, 403);
    EXPECT_EQ(follow(f, path)->status, 403);
}

/* ---- which page may read the reply ---- */

/* The link that a page gets by the session of a browser. */
static slice link_of_page(struct fixture *f, const struct file *file)
{
    slice secret;
    struct principal who;
    const struct session_request session = { .purpose = BROWSER_PURPOSE,
                                             .login = { f->s->member.login, PASSWORD, S("") } };
    EXPECT_OK(user_set_password(&f->w->core, &f->w->operator_, f->s->member.login, PASSWORD, f->a));
    EXPECT_OK(session_begin(&f->w->core, &session, f->a, &secret, &who));
    slice cookie = arena_printf(f->a, "cais=" SLICE_FMT, SLICE_ARG(secret));
    struct fake_request r = { .method = "POST", .target = target_of(f, file, 0), .host = PAGE_HOST };
    r.headers[0] = (struct http_header){ S("Cookie"), cookie };
    r.headers[1] = (struct http_header){ S("X-CSRF-Token"), S("x") };
    EXPECT_EQ(fake_http_send(&f->native_engine, &r)->status, 403);
    r.headers[1].value = browser_csrf_of(secret, f->a);
    r.headers[2] = (struct http_header){ S("Origin"), S("http://evil.example") };
    EXPECT_EQ(fake_http_send(&f->native_engine, &r)->status, 403);
    r.headers[2].value = S("http://people.example.org");
    slice link = link_in(f, fake_http_send(&f->native_engine, &r));
    EXPECT_EQ(follow(f, link)->status, 200);
    return link;
}

TEST(only_the_page_that_asked_reads_the_reply_by_a_script)
{
    FIXTURE(f);
    static const slice any[] = { { "*", 1 } };
    f->s3.options.cors_origins.items = (slice *)any; /* of the operator, for buckets of users */
    f->s3.options.cors_origins.count = 1;
    struct file file = store(f, "a.txt");
    slice link = link_of_page(f, &file);
    struct fake_reply *r = follow_as(f, "GET", link, S("http://people.example.org"), S(FILE_HOST));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Origin"), S("http://people.example.org"));
    EXPECT_EQ(fake_reply_header(r, "Access-Control-Allow-Credentials").n, 0);
    EXPECT_SLICE(fake_reply_header(r, "Vary"), S("Origin"));
    r = follow_as(f, "GET", link, S("http://evil.example"), S(FILE_HOST));
    EXPECT_EQ(fake_reply_header(r, "Access-Control-Allow-Origin").n, 0);
    slice path, query;
    slice_cut(link, '?', &path, &query);
    slice forged = arena_printf(f->a, SLICE_FMT "?" LINK_ORIGIN_PARAM "=http%%3A%%2F%%2Fevil.example", SLICE_ARG(path));
    r = follow_as(f, "GET", forged, S("http://evil.example"), S(FILE_HOST));
    EXPECT_EQ(r->status, 403);
    EXPECT_EQ(fake_reply_header(r, "Access-Control-Allow-Origin").n, 0);
}

/* ---- who gets one, and when it ends ---- */

TEST(a_link_ends_after_five_minutes_and_with_what_it_was_given_for)
{
    FIXTURE(f);
    struct core *core = &f->w->core;
    struct file file = store(f, "a.txt");
    slice link = new_link(f, &file, 0, f->member_key), of_page = link_of_page(f, &file);
    world_wait(f->w, minutes(5) - 1000);
    EXPECT_EQ(follow(f, link)->status, 200);
    world_wait(f->w, 1000);
    EXPECT_EQ(follow(f, link)->status, 403);
    link = new_link(f, &file, 0, f->member_key);
    EXPECT_OK(user_set_state(core, &f->w->operator_, f->s->member.login, USER_DISABLED, f->a));
    EXPECT_EQ(follow(f, link)->status, 403);
    EXPECT_OK(user_set_state(core, &f->w->operator_, f->s->member.login, USER_ACTIVE, f->a));
    EXPECT_EQ(follow(f, link)->status, 200);
    of_page = link_of_page(f, &file);
    EXPECT_OK(user_set_password(core, &f->w->operator_, f->s->member.login, PASSWORD, f->a)); /* ends sessions */
    EXPECT_EQ(follow(f, of_page)->status, 403);
    EXPECT_OK(file_delete(core, &f->s->member, file.uuid, f->a));
    EXPECT_EQ(follow(f, link)->status, 404);
}

TEST(a_link_to_a_file_of_a_space_ended_with_the_membership)
{
    FIXTURE(f);
    struct file file = school_file(f->s, f->s->root, "a.txt", S("of the space"));
    slice target = target_of(f, &file, f->s->root);
    EXPECT_EQ(ask_link(f, target, f->stranger_key, PAGE_HOST)->status, 404);
    EXPECT_EQ(ask_link(f, target_of(f, &file, 0), f->member_key, PAGE_HOST)->status, 404); /* not the member's own */
    slice link = new_link(f, &file, f->s->root, f->member_key);
    EXPECT_SLICE(follow(f, link)->body, S("of the space"));
    struct enrolment enrolment;
    EXPECT_OK(enrolment_find_login(&f->w->core, f->s->course, f->s->member.login, f->a, &enrolment));
    EXPECT_OK(enrolment_remove(&f->w->core, &f->s->admin, enrolment.id, f->a));
    EXPECT_EQ(follow(f, link)->status, 404);
}

TEST(files_of_others_and_of_other_accounts_have_no_link)
{
    FIXTURE(f);
    struct file file = store(f, "a.txt");
    EXPECT_EQ(ask_link(f, target_of(f, &file, 0), f->stranger_key, PAGE_HOST)->status, 404);
    EXPECT_EQ(ask_link(f, target_of(f, &file, 0), S(""), PAGE_HOST)->status, 401);
    struct fake_request local = { .method = "POST", .target = target_of(f, &file, 0), .local = true };
    EXPECT_EQ(fake_http_send(&f->native_engine, &local)->status, 403);
    EXPECT_EQ(ask_link(f, S("/v1/native/files/x/link"), f->member_key, PAGE_HOST)->status, 404);
}

/* ---- which host ---- */

TEST(the_host_of_files_takes_scheme_and_port_of_the_page_and_is_never_forged)
{
    FIXTURE(f);
    struct http_request req = { .host = S("people.example.org:8443"), .tls = true };
    slice origin, host;
    EXPECT(link_file_origin(&f->links, &req, f->a, &origin, &host));
    EXPECT_SLICE(origin, S("https://" FILE_HOST ":8443"));
    EXPECT_SLICE(host, S(FILE_HOST ":8443"));
    req.host = S("people.example.org:443");
    EXPECT(link_file_origin(&f->links, &req, f->a, &origin, &host));
    EXPECT_SLICE(origin, S("https://" FILE_HOST));
    req.host = S("evil.example");
    req.tls = false;
    EXPECT(link_file_origin(&f->links, &req, f->a, &origin, &host));
    EXPECT_SLICE(origin, S("http://" FILE_HOST ":8080"));
    req.host = S("people.example.org:1;script-src *");
    EXPECT(!link_file_origin(&f->links, &req, f->a, &origin, &host)); /* it would become a part of the page's policy */
    req.host = S(FILE_HOST ":8080");
    EXPECT(!link_file_origin(&f->links, &req, f->a, &origin, &host)); /* the page's own host */
    f->links.public_url = S("http://people.example.com");
    req = (struct http_request){ .host = S("unknown.example"), .tls = true };
    EXPECT(!link_file_origin(&f->links, &req, f->a, &origin, &host)); /* a page of https would not load it */
    struct link_base newest = f->links;
    newest.storage_host = S("");
    f->links.newest = &newest;
    req = (struct http_request){ .host = PAGE_HOST };
    EXPECT(!link_file_origin(&f->links, &req, f->a, &origin, &host)); /* the configuration was read again */
    struct file file = store(f, "a.txt");
    EXPECT_EQ(ask_link(f, target_of(f, &file, 0), f->member_key, PAGE_HOST)->status, 404);
}

RUN_TESTS(cmocka_unit_test(a_link_leads_to_the_bytes_as_a_download_that_no_page_can_be_made_of),
          cmocka_unit_test(a_link_was_followed_for_another_file_user_host_or_disposition),
          cmocka_unit_test(only_the_page_that_asked_reads_the_reply_by_a_script),
          cmocka_unit_test(a_link_ends_after_five_minutes_and_with_what_it_was_given_for),
          cmocka_unit_test(a_link_to_a_file_of_a_space_ended_with_the_membership),
          cmocka_unit_test(files_of_others_and_of_other_accounts_have_no_link),
          cmocka_unit_test(the_host_of_files_takes_scheme_and_port_of_the_page_and_is_never_forged))

/* SPDX-License-Identifier: Apache-2.0 */
#include "appfile_fixture.h"

#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct appfile_options appfile_fixture_options(void)
{
    return (struct appfile_options){ .max_file_bytes = 100000,
                                     .bucket = S("cais-appfile"),
                                     .region = S("us-east-1"),
                                     .storage_url = S(""),
                                     .url_lifetime_ms = minutes(15),
                                     .pending_lifetime_ms = hours(24),
                                     .unused_lifetime_ms = 30 * hours(24),
                                     .import_wait_ms = seconds(25),
                                     .max_waiting = 100,
                                     .max_account_waiting = 100,
                                     .path_prefix = S("") };
}

static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

static void add_keys(struct appfile_fixture *f)
{
    static const enum key_role roles[] = {
        [AF_VIEWER] = KEY_READER, [AF_UPLOADER] = KEY_WRITER, [AF_ADMIN] = KEY_ADMIN, [AF_OTHER] = KEY_ADMIN
    };
    struct world *w = f->w;
    struct workspace workspace;
    struct section section;
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("V"), w->a, &workspace));
    EXPECT_OK(section_add(&w->core, &w->operator_, &(struct section_request){ S("V"), S("B"), false }, w->a, &section));
    for (int i = AF_VIEWER; i < AF_PERSONS; i++) {
        struct key_request request = { .login = S("ana"),
                                       .purpose = APPFILE_PURPOSE,
                                       .role = roles[i],
                                       .workspace = i == AF_OTHER ? S("V") : S("W"),
                                       .section = S("B") };
        sync_fixture_key(&f->sync, &request, &f->keys[i]);
    }
}

static struct appfile_fixture *open_in(struct world *w, const struct appfile_options *options)
{
    struct appfile_fixture *f = must_malloc(sizeof *f);
    struct appfile_options defaults = appfile_fixture_options();
    struct s3_options s3 = { .region = S("us-east-1"), .max_object_bytes = 1 << 20, .max_upload_bytes = 1 << 20 };
    *f = (struct appfile_fixture){ .w = w, .a = w->a };
    f->links = (struct link_base){ NULL, 0, S("https://files.example.org"), listeners, 1 };
    EXPECT_OK(appfile_open(&f->appfile, &w->core, options ? options : &defaults, &f->links, NULL, w->a));
    s3_init(&f->s3, &w->core, &s3, &f->links, NULL);
    f->http_api = appfile_api(&f->appfile);
    f->http = fake_http_new(&f->http_api);
    f->s3_http_api = s3_api(&f->s3);
    f->s3_http = fake_http_new(&f->s3_http_api);
    return f;
}

struct appfile_fixture *appfile_fixture_new(const struct appfile_options *options)
{
    struct appfile_fixture *f = open_in(world_new(), options);
    f->sync = sync_fixture_new(f->w);
    f->sync.g.s.bucket = f->appfile.bucket;
    add_keys(f);
    return f;
}

struct appfile_fixture *appfile_fixture_kept(struct world_kept *kept)
{
    return open_in(world_new_with(&(struct world_options){ .kept = kept }), NULL);
}

void appfile_fixture_free(struct appfile_fixture *f)
{
    fake_http_release(&f->http);
    fake_http_release(&f->s3_http);
    appfile_close(&f->appfile);
    s3_release(&f->s3);
    world_free(f->w);
    free(f);
}

struct fake_reply *appfile_send(struct appfile_fixture *f, enum appfile_person who, const char *request,
                                const char *body)
{
    slice method, target;
    slice_cut(slice_of(request), ' ', &method, &target);
    struct fake_request r = { .method = arena_cstr(f->a, method),
                              .target = target,
                              .headers = { { S("Content-Type"), S("application/json") } },
                              .host = S("files.example.org"),
                              .body = body ? slice_of(body) : S("") };
    if (f->keys[who].n)
        r.headers[1] = (struct http_header){ S("x-api-key"), f->keys[who] };
    return fake_http_send(&f->http, &r);
}

struct fake_reply *appfile_sendf(struct appfile_fixture *f, enum appfile_person who, const char *body, const char *fmt,
                                 ...)
{
    char request[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(request, sizeof request, fmt, args);
    va_end(args);
    return appfile_send(f, who, request, body);
}

struct fake_reply *appfile_follow(struct appfile_fixture *f, const char *method, slice url, slice body)
{
    slice origin = S("https://files.example.org");
    EXPECT(slice_starts(url, origin));
    struct fake_request r = { .method = method,
                              .target = slice_from(url, origin.n),
                              .headers = { { S("Host"), S("files.example.org") } },
                              .host = S("files.example.org"),
                              .body = body };
    return fake_http_send(&f->s3_http, &r);
}

struct fake_reply *appfile_issue(struct appfile_fixture *f)
{
    struct fake_reply *r = appfile_send(f, AF_UPLOADER, "POST /appfile/file/path", "{\"FileName\":\"a.txt\"}");
    EXPECT_EQ(r->status, 200);
    return r;
}

slice appfile_header(const struct fake_reply *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, slice_of(name)))
            return r->headers[i].value;
    return S("");
}

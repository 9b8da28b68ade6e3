/* SPDX-License-Identifier: Apache-2.0 */
#include "datasnap_fixture.h"

#include "core/dataset/dataset.h"
#include "core/dataset/dataset_file.h"
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct datasnap_options datasnap_fixture_options(void)
{
    return (struct datasnap_options){ .upload_url = S(""),
                                      .max_form_file_bytes = INT64_C(100) << 20,
                                      .queries_per_minute = 50,
                                      .listings_per_minute = 100,
                                      .processings_per_5_minutes = 10,
                                      .query_timeout_ms = seconds(30) };
}

static const slice hosts[] = { { "api.datasnap.cloud", 18 }, { "api.datasnap.com.br", 19 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

static slice token_of(struct datasnap_fixture *f, slice login, enum key_role role)
{
    struct minted_key minted;
    struct key_request request = { .login = login, .purpose = DATASNAP_PURPOSE, .role = role };
    EXPECT_OK(key_mint(&f->w->core, &f->w->operator_, &request, f->a, &minted));
    return minted.key;
}

static void add_people(struct datasnap_fixture *f)
{
    static const enum key_role roles[] = { [DS_READER] = KEY_READER, [DS_WRITER] = KEY_WRITER, [DS_ADMIN] = KEY_ADMIN };
    struct account other;
    struct user user;
    f->ana = world_user(f->w, S("ana"));
    for (int i = DS_READER; i <= DS_ADMIN; i++)
        f->tokens[i] = token_of(f, S("ana"), roles[i]);
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct user_request request = { .account = S("other"), .login = S("olga"), .is_admin = true };
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_, &request, f->a, &user));
    f->tokens[DS_OTHER] = token_of(f, S("olga"), KEY_ADMIN);
}

static struct datasnap_fixture *open_in(struct world *w, const struct datasnap_options *options)
{
    struct datasnap_fixture *f = must_malloc(sizeof *f);
    struct datasnap_options defaults = datasnap_fixture_options();
    *f = (struct datasnap_fixture){ .w = w, .a = w->a };
    f->links = (struct link_base){ hosts, LENGTH_OF(hosts), S(""), listeners, 1 };
    datasnap_open(&f->datasnap, &f->w->core, options ? options : &defaults, &f->links, NULL);
    f->http_api = datasnap_api(&f->datasnap);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct datasnap_fixture *datasnap_fixture_new(const struct datasnap_options *options)
{
    struct datasnap_fixture *f = open_in(world_new(), options);
    add_people(f);
    return f;
}

struct datasnap_fixture *datasnap_fixture_kept(struct world_kept *kept)
{
    return open_in(world_new_with(&(struct world_options){ .kept = kept }), NULL);
}

void datasnap_fixture_free(struct datasnap_fixture *f)
{
    fake_http_release(&f->http);
    datasnap_close(&f->datasnap);
    world_free(f->w);
    free(f);
}

struct fake_reply *datasnap_send(struct datasnap_fixture *f, enum datasnap_person who, const char *request,
                                 const char *body)
{
    slice method, target;
    slice_cut(slice_of(request), ' ', &method, &target);
    struct fake_request r = { .method = arena_cstr(f->a, method),
                              .target = target,
                              .headers = { { S("Content-Type"), body ? S("application/json") : S("") },
                                           { { 0 }, { 0 } } },
                              .host = S("api.datasnap.cloud"),
                              .body = body ? slice_of(body) : S(""),
                              .token = f->tokens[who] };
    return fake_http_send(&f->http, &r);
}

struct fake_reply *datasnap_sendf(struct datasnap_fixture *f, enum datasnap_person who, const char *body,
                                  const char *fmt, ...)
{
    char request[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(request, sizeof request, fmt, args);
    va_end(args);
    return datasnap_send(f, who, request, body);
}

struct dataset datasnap_schema(struct datasnap_fixture *f, const char *slug, const char *members)
{
    struct dataset d = { 0 };
    slice body = arena_printf(f->a, "{\"name\":\"%s\",\"slug\":\"%s\",%s}", slug, slug, members);
    EXPECT_EQ(datasnap_send(f, DS_ADMIN, "POST /v1/schemas", body.p)->status, 201);
    EXPECT_OK(dataset_find(&f->w->core, f->ana.account_id, slice_of(slug), f->a, &d));
    return d;
}

int64_t datasnap_file(struct datasnap_fixture *f, const struct dataset *d, const char *name, slice bytes)
{
    struct file file;
    struct dataset_upload upload = { .core = &f->w->core, .dataset_id = d->id, .name = slice_of(name) };
    struct intake_request request = world_request(&f->ana, S("file"));
    request.origin = DATASNAP_PURPOSE;
    dataset_upload_into(&upload, &request);
    EXPECT_OK(world_put(f->w, &request, bytes, &file));
    return file.id;
}

slice datasnap_form(struct datasnap_fixture *f, const char *const *files)
{
    SCOPED(buf_releasep) struct buf form;
    buf_init(&form, 0);
    for (; *files; files++) {
        slice name, bytes;
        slice_cut(slice_of(*files), ':', &name, &bytes);
        buf_printf(&form,
                   "--b1\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"" SLICE_FMT "\"\r\n\r\n",
                   SLICE_ARG(name));
        buf_add(&form, bytes);
        buf_add(&form, S("\r\n"));
    }
    buf_add(&form, S("--b1--\r\n"));
    return arena_copy(f->a, buf_slice(&form));
}

struct fake_reply *datasnap_send_form(struct datasnap_fixture *f, enum datasnap_person who, const char *slug,
                                      slice form)
{
    struct fake_request r = { .method = "POST",
                              .target = arena_printf(f->a, "/v1/schemas/%s/files", slug),
                              .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                              .host = S("api.datasnap.cloud"),
                              .body = form,
                              .token = f->tokens[who] };
    return fake_http_send(&f->http, &r);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "redu_fixture.h"

#include "core/access/application.h"
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redu_options redu_fixture_options(void)
{
    return (struct redu_options){ .bucket = S("redu_files"),
                                  .region = S("us-east-1"),
                                  .link_lifetime_ms = minutes(15),
                                  .time_zone = S("-03:00"),
                                  .mime_types = S("any"),
                                  .tokens_per_application = 20,
                                  .zone_minutes = -180 };
}

static const slice hosts[] = { { "www.redu.com.br", 15 }, { "redu.com.br", 11 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

static struct redu_fixture *open_in(struct school *school, const struct redu_options *options)
{
    struct redu_fixture *f = must_malloc(sizeof *f);
    *f = (struct redu_fixture){ .s = school, .a = school->a };
    f->links = (struct link_base){ hosts, LENGTH_OF(hosts), S("https://files.example.org"), listeners, 1 };
    EXPECT_OK(redu_open(&f->redu, &f->s->w->core, options, &f->links, NULL, f->a));
    f->http_api = redu_api(&f->redu);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct redu_fixture *redu_fixture_kept(struct world_kept *kept)
{
    struct redu_options defaults = redu_fixture_options();
    return open_in(school_kept(kept), &defaults);
}

static slice token_of(struct redu_fixture *f, slice login)
{
    struct minted_application made;
    struct application_request request = { .login = login, .purpose = REDU_PURPOSE };
    EXPECT_OK(application_add(&f->s->w->core, &f->s->w->operator_, &request, f->a, &made));
    return made.token;
}

struct redu_fixture *redu_fixture_new(const struct redu_options *options)
{
    static const char *const logins[PERSONS] = { NULL, "stranger", "member", "tutor", "teacher", "admin", "boss" };
    struct redu_options defaults = redu_fixture_options();
    struct redu_fixture *f = open_in(school_new(), options ? options : &defaults);
    world_admin(f->s->w, S("boss"));
    for (int i = STRANGER; i < PERSONS; i++)
        f->tokens[i] = token_of(f, slice_of(logins[i]));
    return f;
}

void redu_fixture_free(struct redu_fixture *f)
{
    fake_http_release(&f->http);
    redu_close(&f->redu);
    school_free(f->s);
    free(f);
}

struct fake_reply *redu_send(struct redu_fixture *f, enum redu_person who, const char *request, const char *body)
{
    slice method, target;
    slice_cut(slice_of(request), ' ', &method, &target);
    bool is_json = body && (body[0] == '{' || body[0] == '[');
    const char *type = is_json ? "application/json" : "application/x-www-form-urlencoded";
    struct fake_request r = { .method = arena_cstr(f->a, method),
                              .target = target,
                              .headers = { { S("Content-Type"), body ? slice_of(type) : S("") }, { { 0 }, { 0 } } },
                              .host = S("www.redu.com.br"),
                              .body = body ? slice_of(body) : S(""),
                              .token = f->tokens[who] };
    return fake_http_send(&f->http, &r);
}

struct fake_reply *redu_sendf(struct redu_fixture *f, enum redu_person who, const char *body, const char *fmt, ...)
{
    char request[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(request, sizeof request, fmt, args);
    va_end(args);
    return redu_send(f, who, request, body);
}

struct fake_reply *redu_upload(struct redu_fixture *f, enum redu_person who, int64_t folder, const char *name,
                               slice bytes)
{
    slice parts[] = { S("--b1\r\nContent-Disposition: form-data; name=\"file[content]\"; filename=\""), slice_of(name),
                      S("\"\r\nContent-Type: text/plain\r\n\r\n"), bytes, S("\r\n--b1--\r\n") };
    struct fake_request r = { .method = "POST",
                              .target = arena_printf(f->a, "/api/folders/%lld/files", (long long)folder),
                              .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") },
                                           { { 0 }, { 0 } } },
                              .host = S("www.redu.com.br"),
                              .body = arena_join(f->a, parts, LENGTH_OF(parts)),
                              .token = f->tokens[who] };
    return fake_http_send(&f->http, &r);
}

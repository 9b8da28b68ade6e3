/* SPDX-License-Identifier: Apache-2.0 */
#include "runrun_desk.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

struct runrun_options runrun_desk_options(void)
{
    return (struct runrun_options){
        .bucket = S("runrunit"),
        .region = S("sa-saopaulo-1"),
        .max_document_bytes = UINT64_C(5) << 30,
        .form_lifetime_ms = hours(1),
        .pending_ms = hours(24),
        .link_lifetime_ms = minutes(15),
        .change_window_ms = minutes(15),
        .rate_limit = 100,
        .zone_minutes = -180,
        .legacy_fields = true,
    };
}

static const slice hosts[] = { { "runrun.it", 9 }, { "secure.runrun.it", 16 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

struct runrun_desk *runrun_desk_new(const struct runrun_options *options)
{
    struct runrun_desk *d = must_malloc(sizeof *d);
    struct runrun_options defaults = runrun_desk_options();
    d->w = world_new();
    d->a = d->w->a;
    d->links = (struct link_base){ hosts, LENGTH_OF(hosts), S("https://files.example.org"), listeners, 1 };
    EXPECT_OK(runrun_open(&d->runrun, &d->w->core, options ? options : &defaults, &d->links, NULL, d->a));
    d->dialect = runrun_dialect(&d->runrun);
    d->http = fake_http_new(&d->dialect);
    return d;
}

void runrun_desk_free(struct runrun_desk *d)
{
    fake_http_release(&d->http);
    runrun_close(&d->runrun);
    world_free(d->w);
    free(d);
}

struct runrun_user runrun_user_of(struct runrun_desk *d, const char *account, const char *login, const char *name,
                                  bool is_admin)
{
    struct user user;
    int64_t key_id;
    struct runrun_user u = { .login = slice_of(login) };
    struct user_order order = { .account = slice_of(account),
                                .login = u.login,
                                .name = slice_of(name),
                                .email = arena_printf(d->a, "%s@example.org", login),
                                .is_admin = is_admin };
    EXPECT_OK(user_create(&d->w->core, &d->w->operator_, &order, d->a, &user));
    EXPECT_OK(key_mint_pair(&d->w->core, &d->w->operator_, u.login, S("runrun"), d->a, &u.key_id, &u.key, &u.token));
    EXPECT_OK(access_check_pair(&d->w->core, S("runrun"), u.key, u.token, d->a, &u.who, &key_id));
    u.who.request_id = S("test");
    u.id = user.id;
    return u;
}

struct runrun_user runrun_user(struct runrun_desk *d, const char *login, const char *name)
{
    return runrun_user_of(d, "", login, name, false);
}

char *runrun_text(struct runrun_desk *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(d->a, fmt, args);
    va_end(args);
    return arena_cstr(d->a, s);
}

struct fake_reply *runrun_send(struct runrun_desk *d, const struct runrun_user *u, const char *request,
                               const char *body)
{
    slice method, target, content = slice_of(body);
    slice_cut(slice_of(request), ' ', &method, &target);
    if (!slice_starts(target, S("/api")))
        target = arena_printf(d->a, "/api/v1.0" SLICE_FMT, SLICE_ARG(target));
    bool json = content.n == 0 || strchr("{[\"n0123456789", content.p[0]);
    struct fake_request r = { .method = arena_cstr(d->a, method),
                              .target = target,
                              .host = S("runrun.it"),
                              .headers = { { S("Content-Type"),
                                             json ? S("application/json") : S("application/x-www-form-urlencoded") } },
                              .body = content };
    if (u) {
        r.headers[1] = (struct http_header){ S("app-key"), u->key };
        r.headers[2] = (struct http_header){ S("user-token"), u->token };
    }
    return fake_http_send(&d->http, &r);
}

struct fake_reply *runrun_sendf(struct runrun_desk *d, const struct runrun_user *u, const char *body, const char *fmt,
                                ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(d->a, fmt, args);
    va_end(args);
    return runrun_send(d, u, arena_cstr(d->a, s), body);
}

/* ---- doing ---- */

int64_t runrun_task(struct runrun_desk *d, const struct runrun_user *u, const char *title)
{
    struct fake_reply *r = runrun_send(d, u, "POST /tasks", runrun_text(d, "{\"task\":{\"title\":\"%s\"}}", title));
    EXPECT_EQ(r->status, 201);
    return runrun_int(d, r, "id");
}

struct fake_reply *runrun_ask(struct runrun_desk *d, const struct runrun_user *u, int64_t task_id, slice name,
                              uint64_t size)
{
    struct buf body;
    buf_init(&body, 0);
    struct json_out o;
    json_out_init(&o, &body);
    json_open_object(&o);
    json_name(&o, "document");
    json_open_object(&o);
    json_put_string(&o, "data_file_name", name);
    json_put_int(&o, "data_file_size", (int64_t)size);
    json_put_bool(&o, "warning_duplicate", false);
    json_close_object(&o);
    json_close_object(&o);
    char *text = arena_cstr(d->a, buf_slice(&body));
    buf_release(&body);
    struct fake_reply *r = task_id ? runrun_sendf(d, u, text, "POST /documents?task_id=%lld", (long long)task_id)
                                   : runrun_send(d, u, "POST /documents", text);
    if (r->status != 201)
        fail_msg("no ticket: %d %.*s", r->status, SLICE_ARG(r->body));
    return r;
}

struct putting {
    err_t error;
    struct arena *a;
};

static void put_done(void *arg, err_t e, const struct entry_stored *stored)
{
    struct putting *p = arg;
    (void)stored;
    p->error = err_copy(p->a, e);
}

err_t runrun_put(struct runrun_desk *d, slice key, slice bytes)
{
    struct principal who;
    struct bucket bucket;
    slice secret;
    struct putting putting = { .a = d->a };
    struct entry_put *put = arena_new(d->a, struct entry_put);
    struct entry_order *order = arena_new(d->a, struct entry_order);
    *order = (struct entry_order){ .key = arena_copy(d->a, key), .exact_bytes = -1 };
    TRY(access_signing(&d->w->core, S("s3"), d->runrun.signer.access_key, d->a, &who, &secret));
    TRY(bucket_find(&d->w->core, &who, S("runrunit"), BUCKET_WRITE, d->a, &bucket));
    TRY(entry_put_open(&d->w->core, &who, &bucket, order, d->a, put));
    err_t e = bytes.n ? intake_write(put->intake, bytes, d->a) : NULL;
    if (e) {
        entry_put_discard(put);
        return e;
    }
    entry_put_finish(put, put_done, &putting);
    return putting.error;
}

int64_t runrun_document(struct runrun_desk *d, const struct runrun_user *u, int64_t task_id, slice name, slice bytes)
{
    struct fake_reply *ticket = runrun_ask(d, u, task_id, name, bytes.n);
    int64_t id = runrun_int(d, ticket, "id");
    EXPECT_OK(runrun_put(d, runrun_str(d, ticket, "fields.key"), bytes));
    EXPECT_EQ(runrun_sendf(d, u, "{}", "POST /documents/%lld/mark_as_uploaded", (long long)id)->status, 200);
    return id;
}

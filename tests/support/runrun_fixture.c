/* SPDX-License-Identifier: Apache-2.0 */
#include "runrun_fixture.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

struct runrun_options runrun_fixture_options(void)
{
    return (struct runrun_options){
        .bucket = S("runrunit"),
        .region = S("sa-saopaulo-1"),
        .max_document_bytes = INT64_C(5) << 30,
        .form_lifetime_ms = hours(1),
        .pending_lifetime_ms = hours(24),
        .link_lifetime_ms = minutes(15),
        .change_window_ms = minutes(15),
        .rate_limit = 100,
        .zone_minutes = -180,
        .legacy_fields = true,
    };
}

static const slice hosts[] = { { "runrun.it", 9 }, { "secure.runrun.it", 16 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

struct runrun_fixture *runrun_fixture_new_in(const struct runrun_options *options, const struct world_options *world)
{
    struct runrun_fixture *f = must_malloc(sizeof *f);
    struct runrun_options defaults = runrun_fixture_options();
    f->w = world_new_with(world);
    f->a = f->w->a;
    f->links = (struct link_base){ hosts, LENGTH_OF(hosts), S("https://files.example.org"), listeners, 1 };
    EXPECT_OK(runrun_open(&f->runrun, &f->w->core, options ? options : &defaults, &f->links, NULL, f->a));
    f->http_api = runrun_api(&f->runrun);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct runrun_fixture *runrun_fixture_new(const struct runrun_options *options)
{
    return runrun_fixture_new_in(options, &(struct world_options){ 0 });
}

void runrun_fixture_free(struct runrun_fixture *f)
{
    fake_http_release(&f->http);
    runrun_close(&f->runrun);
    world_free(f->w);
    free(f);
}

struct runrun_user runrun_user_of(struct runrun_fixture *f, const char *account, const char *login, const char *name,
                                  bool is_admin)
{
    struct user user;
    int64_t key_id;
    struct runrun_user u = { .login = slice_of(login) };
    struct user_request order = { .account = slice_of(account),
                                  .login = u.login,
                                  .name = slice_of(name),
                                  .email = arena_printf(f->a, "%s@example.org", login),
                                  .is_admin = is_admin };
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_, &order, f->a, &user));
    struct key_request wanted = { u.login, S("runrun") };
    struct minted_key minted;
    EXPECT_OK(key_mint_pair(&f->w->core, &f->w->operator_, &wanted, f->a, &minted));
    u.key_id = minted.id;
    u.key = minted.key;
    u.token = minted.token;
    EXPECT_OK(
        access_check_pair(&f->w->core, S("runrun"), &(struct key_and_token){ u.key, u.token }, f->a, &u.who, &key_id));
    u.who.request_id = S("test");
    u.id = user.id;
    return u;
}

struct runrun_user runrun_user(struct runrun_fixture *f, const char *login, const char *name)
{
    return runrun_user_of(f, "", login, name, false);
}

char *runrun_format(struct runrun_fixture *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(f->a, fmt, args);
    va_end(args);
    return arena_cstr(f->a, s);
}

struct fake_reply *runrun_send(struct runrun_fixture *f, const struct runrun_user *u, const char *request,
                               const char *body)
{
    slice method, target, content = slice_of(body);
    slice_cut(slice_of(request), ' ', &method, &target);
    if (!slice_starts(target, S("/api")))
        target = arena_printf(f->a, "/api/v1.0" SLICE_FMT, SLICE_ARG(target));
    bool json = content.n == 0 || strchr("{[\"n0123456789", content.p[0]);
    struct fake_request r = { .method = arena_cstr(f->a, method),
                              .target = target,
                              .host = S("runrun.it"),
                              .headers = { { S("Content-Type"),
                                             json ? S("application/json") : S("application/x-www-form-urlencoded") } },
                              .body = content };
    if (u) {
        r.headers[1] = (struct http_header){ S("app-key"), u->key };
        r.headers[2] = (struct http_header){ S("user-token"), u->token };
    }
    return fake_http_send(&f->http, &r);
}

struct fake_reply *runrun_sendf(struct runrun_fixture *f, const struct runrun_user *u, const char *body,
                                const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    slice s = arena_vprintf(f->a, fmt, args);
    va_end(args);
    return runrun_send(f, u, arena_cstr(f->a, s), body);
}

/* ---- tasks and documents ---- */

int64_t runrun_new_task(struct runrun_fixture *f, const struct runrun_user *u, const char *title)
{
    struct fake_reply *r = runrun_send(f, u, "POST /tasks", runrun_format(f, "{\"task\":{\"title\":\"%s\"}}", title));
    EXPECT_EQ(r->status, 201);
    return runrun_int(f, r, "id");
}

struct fake_reply *runrun_request_ticket(struct runrun_fixture *f, const struct runrun_user *u, int64_t task_id,
                                         slice name, uint64_t size)
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
    char *text = arena_cstr(f->a, buf_slice(&body));
    buf_release(&body);
    struct fake_reply *r = task_id ? runrun_sendf(f, u, text, "POST /documents?task_id=%lld", (long long)task_id)
                                   : runrun_send(f, u, "POST /documents", text);
    if (r->status != 201)
        fail_msg("no ticket: %d %.*s", r->status, SLICE_ARG(r->body));
    return r;
}

struct put_result {
    err_t error;
    struct arena *a;
};

static void keep_put_error(void *arg, err_t e, const struct entry_stored *stored)
{
    struct put_result *p = arg;
    (void)stored;
    p->error = err_copy(p->a, e);
}

err_t runrun_put_bytes(struct runrun_fixture *f, slice key, slice bytes)
{
    struct principal who;
    struct bucket bucket;
    slice secret;
    struct put_result put_result = { .a = f->a };
    struct entry_put *put = arena_new(f->a, struct entry_put);
    struct entry_request *order = arena_new(f->a, struct entry_request);
    *order = (struct entry_request){ .key = arena_copy(f->a, key), .exact_bytes = -1 };
    TRY(access_signing(&f->w->core, S("s3"), f->runrun.signer.access_key, f->a, &who, &secret));
    TRY(bucket_find(&f->w->core, &who, S("runrunit"), BUCKET_WRITE, f->a, &bucket));
    TRY(entry_put_open(&f->w->core, &who, &bucket, order, f->a, put));
    err_t e = bytes.n ? intake_write(put->intake, bytes, f->a) : NULL;
    if (e) {
        entry_put_discard(put);
        return e;
    }
    entry_put_finish(put, keep_put_error, &put_result);
    return put_result.error;
}

int64_t runrun_new_document(struct runrun_fixture *f, const struct runrun_user *u, int64_t task_id, slice name,
                            slice bytes)
{
    struct fake_reply *ticket = runrun_request_ticket(f, u, task_id, name, bytes.n);
    int64_t id = runrun_int(f, ticket, "id");
    EXPECT_OK(runrun_put_bytes(f, runrun_str(f, ticket, "fields.key"), bytes));
    EXPECT_EQ(runrun_sendf(f, u, "{}", "POST /documents/%lld/mark_as_uploaded", (long long)id)->status, 200);
    return id;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

struct pyrus_options desk_options(void)
{
    return (struct pyrus_options){
        .max_file_size_bytes = 262144000,
        .purge_after_ms = INT64_C(24) * 3600 * 1000,
        .tokens = { .lifetime_ms = INT64_C(24) * 3600 * 1000, .per_user = 100 },
        .rate_limit = 5000,
        .rate_window_ms = 600000,
    };
}

static const slice hosts[] = { { "accounts.pyrus.com", 18 }, { "api.pyrus.com", 13 }, { "files.pyrus.com", 15 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

struct desk *desk_new(const struct pyrus_options *options)
{
    struct desk *d = must_malloc(sizeof *d);
    struct pyrus_options defaults = desk_options();
    d->w = world_new();
    d->a = d->w->a;
    d->links = (struct link_base){ hosts, LENGTH_OF(hosts), S("https://files.example.org"), listeners, 1 };
    pyrus_init(&d->pyrus, &d->w->core, options ? options : &defaults, &d->links, NULL);
    d->dialect = pyrus_dialect(&d->pyrus);
    d->http = fake_http_new(&d->dialect);
    return d;
}

void desk_free(struct desk *d)
{
    fake_http_release(&d->http);
    pyrus_release(&d->pyrus);
    world_free(d->w);
    free(d);
}

struct desk_user desk_user_of(struct desk *d, const char *account, const char *login, const char *name, bool is_admin)
{
    struct user user;
    int64_t key_id;
    struct desk_user u = { .login = slice_of(login) };
    slice email = slice_find_byte(u.login, '@') == SLICE_NONE ? arena_printf(d->a, "%s@example.org", login) : u.login;
    EXPECT_OK(user_create(&d->w->core, &d->w->operator_,
                          &(struct user_order){ .account = slice_of(account),
                                                .login = u.login,
                                                .name = slice_of(name),
                                                .email = email,
                                                .is_admin = is_admin },
                          d->a, &user));
    EXPECT_OK(key_mint(&d->w->core, &d->w->operator_, u.login, S("pyrus"), d->a, &key_id, &u.key));
    u.id = user.id;
    EXPECT_OK(token_issue(&d->w->core, S("pyrus"), u.login, u.key, &d->pyrus.options.tokens, d->a, &u.token));
    EXPECT_OK(access_check(&d->w->core, S("pyrus"), CREDENTIAL_TOKEN, u.token, d->a, &u.who));
    return u;
}

struct desk_user desk_user(struct desk *d, const char *login, const char *name)
{
    return desk_user_of(d, "", login, name, false);
}

struct fake_reply *desk_send(struct desk *d, const struct desk_user *u, const char *method, const char *target,
                             const char *json)
{
    return fake_http_send(&d->http, &(struct fake_request){ .method = method,
                                                            .target = slice_of(target),
                                                            .token = u ? u->token : S(""),
                                                            .body = slice_of(json) });
}

struct fake_reply *desk_upload_reply(struct desk *d, const struct desk_user *u, const char *name, slice bytes)
{
    struct buf body;
    buf_init(&body, 0);
    buf_printf(&body, "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n", name);
    buf_add(&body, bytes);
    buf_add(&body, S("\r\n--b1--\r\n"));
    struct fake_reply *r = fake_http_send(
        &d->http, &(struct fake_request){ .method = "POST",
                                          .target = S("/v4/files/upload"),
                                          .token = u->token,
                                          .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                                          .body = buf_slice(&body) });
    buf_release(&body);
    return r;
}

slice desk_upload(struct desk *d, const struct desk_user *u, const char *name, slice bytes)
{
    struct fake_reply *r = desk_upload_reply(d, u, name, bytes);
    EXPECT_EQ(r->status, 200);
    return desk_text(d, r, "guid");
}

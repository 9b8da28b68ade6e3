/* SPDX-License-Identifier: Apache-2.0 */
#include "pyrus_fixture.h"

#include "core/records/credential.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

struct pyrus_options pyrus_fixture_options(void)
{
    return (struct pyrus_options){
        .max_file_size_bytes = 262144000,
        .purge_after_ms = INT64_C(24) * 3600 * 1000,
        .token_lifetime_ms = INT64_C(24) * 3600 * 1000,
        .tokens_per_user = 100,
        .rate_limit = 5000,
        .rate_window_ms = 600000,
    };
}

static const slice hosts[] = { { "accounts.pyrus.com", 18 }, { "api.pyrus.com", 13 }, { "files.pyrus.com", 15 } };
static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

struct pyrus_fixture *pyrus_fixture_new_in(const struct pyrus_options *options, const struct world_options *world)
{
    struct pyrus_fixture *f = must_malloc(sizeof *f);
    struct pyrus_options defaults = pyrus_fixture_options();
    f->w = world_new_with(world);
    f->a = f->w->a;
    f->links = (struct link_base){ hosts, LENGTH_OF(hosts), S("https://files.example.org"), listeners, 1 };
    pyrus_init(&f->pyrus, &f->w->core, options ? options : &defaults, &f->links, NULL);
    f->http_api = pyrus_api(&f->pyrus);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct pyrus_fixture *pyrus_fixture_new(const struct pyrus_options *options)
{
    return pyrus_fixture_new_in(options, &(struct world_options){ 0 });
}

void pyrus_fixture_free(struct pyrus_fixture *f)
{
    fake_http_release(&f->http);
    pyrus_release(&f->pyrus);
    world_free(f->w);
    free(f);
}

struct pyrus_user pyrus_user_of(struct pyrus_fixture *f, const char *account, const char *login, const char *name,
                                bool is_admin)
{
    struct user user;
    struct minted_key minted;
    struct pyrus_user u = { .login = slice_of(login) };
    slice email = slice_find_byte(u.login, '@') == SLICE_NONE ? arena_printf(f->a, "%s@example.org", login) : u.login;
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_,
                          &(struct user_request){ .account = slice_of(account),
                                                  .login = u.login,
                                                  .name = slice_of(name),
                                                  .email = email,
                                                  .is_admin = is_admin },
                          f->a, &user));
    EXPECT_OK(key_mint(&f->w->core, &f->w->operator_, &(struct key_request){ u.login, S("pyrus") }, f->a, &minted));
    u.key = minted.key;
    u.id = user.id;
    EXPECT_OK(token_issue(&f->w->core, &(struct token_request){ S("pyrus"), u.login, u.key, S(""), &f->pyrus.tokens },
                          f->a, &u.token));
    EXPECT_OK(access_check(&f->w->core, S("pyrus"), CREDENTIAL_TOKEN, u.token, f->a, &u.who));
    return u;
}

struct pyrus_user pyrus_user(struct pyrus_fixture *f, const char *login, const char *name)
{
    return pyrus_user_of(f, "", login, name, false);
}

struct fake_reply *pyrus_send(struct pyrus_fixture *f, const struct pyrus_user *u, const char *method,
                              const char *target, const char *json)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = method,
                                                            .target = slice_of(target),
                                                            .token = u ? u->token : S(""),
                                                            .body = slice_of(json) });
}

struct fake_reply *pyrus_send_file(struct pyrus_fixture *f, const struct pyrus_user *u, const char *name, slice bytes)
{
    struct buf body;
    buf_init(&body, 0);
    buf_printf(&body, "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n", name);
    buf_add(&body, bytes);
    buf_add(&body, S("\r\n--b1--\r\n"));
    struct fake_reply *r = fake_http_send(
        &f->http, &(struct fake_request){ .method = "POST",
                                          .target = S("/v4/files/upload"),
                                          .token = u->token,
                                          .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                                          .body = buf_slice(&body) });
    buf_release(&body);
    return r;
}

slice pyrus_upload_file(struct pyrus_fixture *f, const struct pyrus_user *u, const char *name, slice bytes)
{
    struct fake_reply *r = pyrus_send_file(f, u, name, bytes);
    EXPECT_EQ(r->status, 200);
    return pyrus_text(f, r, "guid");
}

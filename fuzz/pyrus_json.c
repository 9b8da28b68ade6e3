/* SPDX-License-Identifier: Apache-2.0 */
/* Posts the input as a task and as a comment. The reply must be JSON without a null, and never a server error. Each
 * input gets a copy of one server, so that a finding can be replayed alone. */
#include "fuzz.h"

#include "../tests/support/pyrus_fixture.h"

#include <string.h>

static struct fake_reply *post_json(struct pyrus_fixture *f, const struct pyrus_user *u, const char *target, slice body)
{
    return fake_http_send(
        &f->http,
        &(struct fake_request){ .method = "POST", .target = slice_of(target), .token = u->token, .body = body });
}

static bool has_null(const struct json *j)
{
    if (j->type == JS_NULL)
        return true;
    JSON_EACH(child, j)
        if (has_null(child))
            return true;
    return false;
}

static void check_reply(struct pyrus_fixture *f, const struct fake_reply *r)
{
    SCRATCH(a);
    const struct json *body;
    (void)f;
    HOLDS(r->status == 200 || (r->status >= 400 && r->status < 500 && r->status != 401));
    if (r->body.n > JSON_MAX_BYTES)
        return; /* a task that contains a body of nearly 1 MiB twice */
    HOLDS(!json_parse(&a, r->body, &body) && body->type == JS_OBJECT);
    HOLDS(json_get(body, r->status == 200 ? "task" : "error_code"));
    HOLDS(!has_null(body));
}

static struct pyrus_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;       /* the world of a server with one user */
static struct pyrus_user u;

static void set_up(void)
{
    struct pyrus_fixture *f = origin = pyrus_fixture_new(NULL);
    u = pyrus_user(f, "ana", "Ana Prado");
    kept.image = world_image(f->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct pyrus_options options = pyrus_fixture_options();
    options.rate_limit = 0;
    struct pyrus_fixture *f = pyrus_fixture_new_in(&options, &(struct world_options){ .kept = &kept });
    slice body = fuzz_slice(data, size);
    check_reply(f, post_json(f, &u, "/v4/tasks", body));
    struct fake_reply *task = post_json(f, &u, "/v4/tasks", S("{\"text\":\"t\"}"));
    HOLDS(task->status == 200);
    check_reply(f, post_json(f, &u, "/v4/tasks/1/comments", body));
    check_reply(f, post_json(f, &u, "/api/v4/tasks/2/comments", body));
    pyrus_fixture_free(f);
    return 0;
}

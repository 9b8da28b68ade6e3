/* SPDX-License-Identifier: Apache-2.0 */
/* Posts the input as a ticket, a task and a comment, both as JSON and as a form with bracketed names, and sends it as
 * the query of lists. The reply must be JSON, and never a server error. Each input gets a copy of one server, so that
 * a finding can be replayed alone. */
#include "fuzz.h"

#include "../tests/support/runrun_fixture.h"

#include <string.h>

static struct fake_reply *send_request(struct runrun_fixture *f, const struct runrun_user *u, const char *method,
                                       slice target, slice type, slice body)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = method,
                                                            .target = target,
                                                            .headers = { { S("App-Key"), u->key },
                                                                         { S("User-Token"), u->token },
                                                                         { S("Content-Type"), type } },
                                                            .body = body });
}

static void check_reply(const struct fake_reply *r)
{
    SCRATCH(a);
    const struct json *body;
    HOLDS(r->status == 200 || r->status == 201 || (r->status >= 400 && r->status < 500 && r->status != 401));
    if (r->body.n > JSON_MAX_BYTES)
        return; /* a text of nearly 1 MiB, with escapes */
    HOLDS(!json_parse(&a, r->body, &body));
    HOLDS(r->status < 400 || json_get(body, "error") || json_get(body, "errors"));
}

/* Whether the engine would accept it as a query. */
static bool is_query(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#')
            return false;
    return true;
}

static void ask_lists(struct runrun_fixture *f, const struct runrun_user *u, slice query)
{
    static const char *const lists[] = { "/api/tasks", "/api/tasks/1/documents", "/api/tasks/1/comments",
                                         "/api/boards/1/fields" };
    for (size_t i = 0; i < LENGTH_OF(lists); i++) {
        struct fake_reply *r =
            send_request(f, u, "GET", arena_printf(f->a, "%s?" SLICE_FMT, lists[i], SLICE_ARG(query)), S(""), S(""));
        check_reply(r);
        HOLDS(r->status != 200 || fake_reply_header(r, "Link").n);
    }
    static const char *const zips[] = { "/api/documents/download_zip", "/api/v1.0/documents/zip" };
    for (size_t i = 0; i < LENGTH_OF(zips); i++) {
        slice target = arena_printf(f->a, "%s?" SLICE_FMT, zips[i], SLICE_ARG(query));
        struct fake_reply *r = send_request(f, u, "GET", target, S(""), S(""));
        HOLDS(r->status == 302 || (r->status >= 400 && r->status < 500));
    }
}

static struct runrun_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;        /* the world of a server with one user and one task */
static struct runrun_user u;

static void set_up(void)
{
    struct runrun_fixture *f = origin = runrun_fixture_new(NULL);
    u = runrun_user(f, "ana", "Ana Prado");
    runrun_new_task(f, &u, "t");
    kept.image = world_image(f->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    static const char *const targets[] = { "/api/tasks", "/api/documents", "/api/documents?task_id=1",
                                           "/api/comments" };
    static const slice types[] = { { "application/json", 16 }, { "application/x-www-form-urlencoded", 33 } };
    struct runrun_options options = runrun_fixture_options();
    options.rate_limit = 0;
    struct runrun_fixture *f = runrun_fixture_new_in(&options, &(struct world_options){ .kept = &kept });
    slice input = fuzz_slice(data, size);
    for (size_t i = 0; i < LENGTH_OF(targets); i++)
        for (size_t k = 0; k < LENGTH_OF(types); k++)
            check_reply(send_request(f, &u, "POST", slice_of(targets[i]), types[k], input));
    if (is_query(input))
        ask_lists(f, &u, input);
    runrun_fixture_free(f);
    return 0;
}

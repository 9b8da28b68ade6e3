/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests to the native API, one after the other. HOW (request_text.h) is the caller: a (alice), b (bob), o (the operator,
 * through the admin socket), u (nobody). "{id}" in a target is the id of alice's file; she also has the object a/b in the bucket
 * "sample". No request causes an internal error, every refusal is JSON with a code, nobody else succeeds with alice's file or
 * object, and what is stored stays whole. */
#include "request_text.h"

#include "../tests/support/bucket_fixture.h"
#include "../tests/support/world.h"
#include "api/native/native.h"
#include "base/json.h"

static struct world_kept kept; /* a world with what set_up makes */
static slice keys[2], id;

struct native_server {
    struct world *w;
    struct native_api api;
    struct fake_http http;
};

static struct native_server *server_new(const struct world_options *options)
{
    struct native_server *s = must_malloc(sizeof *s);
    s->w = world_new_with(options);
    native_init(&s->api, &s->w->core, &(struct native_options){ .max_file_bytes = 10000 });
    s->http = fake_http_new(&s->api.http_api);
    return s;
}

static void server_free(struct native_server *s)
{
    fake_http_release(&s->http);
    world_free(s->w);
    free(s);
}

static struct native_server *origin; /* it stays: the keys point into it */

static void put_object_of_alice(struct world *w)
{
    struct bucket_fixture s = { .w = w, .who = world_principal(w, S("alice")) };
    HOLDS(!bucket_create(&w->core, &s.who, S("sample"), w->a));
    HOLDS(!bucket_find(&w->core, &s.who, S("sample"), BUCKET_WRITE, w->a, &s.bucket));
    bucket_fixture_store(&s, S("a/b"), S("hello"));
}

static void set_up(void)
{
    struct native_server *s = origin = server_new(&(struct world_options){ 0 });
    static const slice names[] = { { "alice", 5 }, { "bob", 3 } };
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        world_user(s->w, names[i]);
        keys[i] = world_key(s->w, names[i], S("native"));
    }
    struct fake_reply *r = fake_http_send(
        &s->http, &(struct fake_request){
                      .method = "PUT", .target = S("/v1/native/files/a.txt"), .token = keys[0], .body = S("hello") });
    const struct json *body;
    HOLDS(r->status == 201 && !json_parse(s->w->a, r->body, &body));
    id = json_str(body, "id");
    HOLDS(id.n);
    put_object_of_alice(s->w);
    kept.image = world_image(s->w);
}

/* True: the request changed something. */
static bool send_request(struct native_server *s, char how, struct fake_request *r)
{
    SCRATCH(a);
    const struct json *body;
    bool names_file = slice_find(r->target, S("/{id}")) != SLICE_NONE;
    r->target = text_replace(r->target, S("{id}"), id, &a);
    r->local = how == 'o';
    if (how == 'a' || how == 'b')
        r->token = keys[how - 'a'];
    struct fake_reply *reply = fake_http_send(&s->http, r);
    HOLDS(reply->status >= 200 && reply->status < 500);
    HOLDS(how != 'u' || reply->status >= 400 || r->headers[0].name.n);
    if (how == 'b' && names_file && !r->headers[0].name.n && slice_starts(r->target, S("/v1/native/files/")) &&
        !slice_eq(slice_of(r->method), S("PUT")) && slice_find(r->target, id) == 17)
        HOLDS(reply->status >= 400);
    if (how == 'b' && !r->headers[0].name.n && slice_starts(r->target, S("/v1/native/objects/sample/")))
        HOLDS(reply->status >= 400);
    if (reply->status >= 400) {
        HOLDS(!json_parse(&a, reply->body, &body));
        HOLDS(json_str(json_get(body, "error"), "code").n && json_str(json_get(body, "error"), "message").n);
    }
    return reply->status < 300 && !slice_eq(slice_of(r->method), S("GET"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct native_server *s = server_new(&(struct world_options){ .kept = &kept });
    slice rest = fuzz_slice(data, size);
    struct fake_request r;
    char how;
    bool changed = false;
    for (int i = 0; i < TEXT_REQUESTS_MAX && text_next_request(&rest, s->w->a, &how, &r); i++)
        changed |= send_request(s, how, &r);
    HOLDS(!changed || world_fsck(s->w, true) == 0);
    server_free(s);
    return 0;
}

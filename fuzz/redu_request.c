/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests to the Redu API, one after the other. HOW (request_text.h) is the caller: s (a stranger), m (a member), t (a tutor), h (a
 * teacher), a (an administrator), u (nobody). "{folder}", "{root}" and "{file}" in a target are ids. No request causes an internal error,
 * every refusal has the form of its status, nobody changes anything without a role, and what is stored stays whole. */
#include "request_text.h"

#include "../tests/support/redu_fixture.h"
#include "base/json.h"

#include <string.h>

static struct world_kept kept;      /* a world with what set_up makes */
static struct redu_fixture *origin; /* it stays: the tokens point into it */
static int64_t folder, file;

static void set_up(void)
{
    origin = redu_fixture_new(NULL);
    folder = school_folder(origin->s, origin->s->root, "folder");
    file = school_file(origin->s, folder, "a.txt", S("hello")).id;
    kept.image = world_image(origin->s->w);
}

static bool is_role(char how, enum redu_person *ret)
{
    static const char letters[] = "usmtha";
    const char *at = strchr(letters, how);
    *ret = at && how ? (enum redu_person)(at - letters) : NOBODY;
    return *ret != NOBODY;
}

static slice number(int64_t n, struct arena *a)
{
    return arena_printf(a, "%lld", (long long)n);
}

/* fuzz/redu_oauth.c knows what those reply. */
static bool is_oauth(const struct fake_reply *reply)
{
    return reply->route && slice_starts(slice_of(reply->route->pattern), S("/oauth/"));
}

static void check_refusal(const struct fake_reply *reply, struct arena *a)
{
    const struct json *body;
    if (reply->status == 400 || reply->status == 404) {
        HOLDS(reply->body.n == 0);
        return;
    }
    HOLDS(!json_parse(a, reply->body, &body) && body->type == JS_OBJECT && body->child);
    if (reply->status == 401)
        HOLDS(json_str(body, "action").n > 0);
}

/* True: the request changed something. */
static bool send_request(struct redu_fixture *f, char how, struct fake_request *r)
{
    SCRATCH(a);
    enum redu_person who;
    bool has_role = is_role(how, &who);
    bool shows_token = slice_find(r->target, S("token")) != SLICE_NONE || slice_find(r->body, S("token")) != SLICE_NONE;
    for (size_t i = 0; r->headers[i].name.n; i++)
        shows_token |= slice_eq_nocase(r->headers[i].name, S("authorization"));
    r->target = text_replace(r->target, S("{folder}"), number(folder, &a), &a);
    r->target = text_replace(r->target, S("{root}"), number(origin->s->root, &a), &a);
    r->target = text_replace(r->target, S("{file}"), number(file, &a), &a);
    r->token = has_role ? origin->tokens[who] : S("");
    struct fake_reply *reply = fake_http_send(&f->http, r);
    bool reads = slice_eq(slice_of(r->method), S("GET")) || slice_eq(slice_of(r->method), S("HEAD")) ||
                 slice_eq(slice_of(r->method), S("OPTIONS"));
    HOLDS(reply->status >= 200 && reply->status < 500);
    if (is_oauth(reply))
        return false;
    if (reply->status >= 400)
        check_refusal(reply, &a);
    else if (!reads && !shows_token)
        HOLDS(has_role);
    return reply->status < 300 && !reads;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct redu_fixture *f = redu_fixture_kept(&kept);
    slice rest = fuzz_slice(data, size);
    struct fake_request r;
    char how;
    bool changed = false;
    for (int i = 0; i < TEXT_REQUESTS_MAX && text_next_request(&rest, f->a, &how, &r); i++)
        changed |= send_request(f, how, &r);
    HOLDS(!changed || world_fsck(f->s->w, true) == 0);
    redu_fixture_free(f);
    return 0;
}

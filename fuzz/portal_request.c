/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests of browsers to the pages and to the native API, one after the other. HOW (request_text.h): n (without a cookie), f
 * (with the cookie of a login form), a (alice is logged in), A (the same, to the native API), N (without a cookie, to the native
 * API). In a target, a header or a body, {csrf} is the token of alice's session, {form} that of the login form, {password} is
 * hers. No request causes an internal error; pages run nothing; every redirection stays on this host; no reply contains a
 * secret but a token in its form; who does not send the password is not logged in; without the token, nothing changes. */
#include "request_text.h"

#include "../tests/support/world.h"
#include "api/kit/browser.h"
#include "api/native/native.h"
#include "api/portal/portal.h"
#include "base/text.h"
#include "core/access/session.h"

#define PASSWORD S("s3cret-of-alice")
#define FORM_SECRET S("0123456789012345678901234567890123456789abc")

static struct world_kept kept; /* a world with what set_up makes */
static slice secret, csrf, form_csrf;

struct portal_server {
    struct world *w;
    struct portal portal;
    struct native_api native;
    struct fake_http http, native_http;
};

static struct portal_server *server_new(const struct world_options *options)
{
    struct portal_server *s = must_malloc(sizeof *s);
    s->w = world_new_with(options);
    s->w->core.options.sessions = (struct session_policy){ .lifetime_ms = hours(48), .idle_ms = hours(48) };
    portal_init(&s->portal, &s->w->core, NULL);
    native_init(&s->native, &s->w->core, &(struct native_options){ .max_file_bytes = 10000 });
    s->http = fake_http_new(&s->portal.http_api);
    s->native_http = fake_http_new(&s->native.http_api);
    return s;
}

static void server_free(struct portal_server *s)
{
    fake_http_release(&s->http);
    fake_http_release(&s->native_http);
    world_free(s->w);
    free(s);
}

static struct portal_server *origin; /* it stays: the secrets live in it */

static void set_up(void)
{
    struct portal_server *s = origin = server_new(&(struct world_options){ 0 });
    struct principal who;
    const struct session_request request = { .purpose = BROWSER_PURPOSE, .login = { S("alice"), PASSWORD, S("") } };
    world_user(s->w, S("alice"));
    HOLDS(!user_set_password(&s->w->core, &s->w->operator_, S("alice"), PASSWORD, s->w->a));
    HOLDS(!session_begin(&s->w->core, &request, s->w->a, &secret, &who));
    csrf = browser_csrf_of(secret, s->w->a);
    form_csrf = browser_csrf_of(FORM_SECRET, s->w->a);
    kept.image = world_image(s->w);
}

/* The text with a value in place of the first mark. */
static slice fill_in_one(slice text, slice mark, slice value, struct arena *a)
{
    size_t at = slice_find(text, mark);
    slice parts[] = { slice_part(text, 0, at), value, slice_from(text, at == SLICE_NONE ? at : at + mark.n) };
    return at == SLICE_NONE ? text : arena_join(a, parts, LENGTH_OF(parts));
}

static slice fill_in(slice text, struct arena *a)
{
    text = fill_in_one(text, S("{csrf}"), csrf, a);
    text = fill_in_one(text, S("{form}"), form_csrf, a);
    return fill_in_one(text, S("{password}"), PASSWORD, a);
}

static bool holds_text(slice in, slice text)
{
    return slice_find(in, text) != SLICE_NONE;
}

static int count_text(slice in, slice text)
{
    int count = 0;
    for (size_t at; (at = slice_find(in, text)) != SLICE_NONE; count++)
        in = slice_from(in, at + text.n);
    return count;
}

static void check_reply(const struct fake_request *r, const struct fake_reply *reply, bool is_page, struct arena *a)
{
    HOLDS(reply->status >= 200 && reply->status < 500);
    slice location = fake_reply_header(reply, "Location");
    HOLDS(!location.p || browser_next_is_valid(location));
    HOLDS(!holds_text(reply->body, secret) && !holds_text(reply->body, FORM_SECRET));
    slice body;
    for (size_t i = 0; i < reply->header_count; i++) {
        slice value = reply->headers[i].value;
        if (!slice_eq(reply->headers[i].name, S("Set-Cookie")))
            continue;
        HOLDS(slice_starts(value, S("cais=")) || slice_starts(value, S("cais-login=")));
        HOLDS(!holds_text(value, secret) && !holds_text(value, FORM_SECRET));
        if (slice_starts(value, S("cais=")) && !holds_text(value, S("Max-Age=0")))
            HOLDS(percent_decode(a, r->body, true, &body) && holds_text(body, PASSWORD) && holds_text(body, form_csrf));
    }
    if (!is_page || reply->status == 303)
        return;
    HOLDS(slice_starts(fake_reply_header(reply, "Content-Security-Policy"), S("default-src 'none'; ")));
    HOLDS(count_text(reply->body, S("<script")) == count_text(reply->body, S("<script type=\"module\" src=\"")));
    /* A page shows the path that it leads to, which may hold whatever the input has put there. */
    slice asked;
    HOLDS(!percent_decode(a, r->target, true, &asked) || holds_text(asked, PASSWORD) ||
          !holds_text(reply->body, PASSWORD));
}

/* True: the request changed something. */
static bool send_request(struct portal_server *s, char how, struct fake_request *r)
{
    SCRATCH(a);
    bool is_page = how != 'A' && how != 'N', reads = slice_eq(slice_of(r->method), S("GET"));
    r->target = fill_in(r->target, &a);
    r->body = fill_in(r->body, &a);
    bool has_token = holds_text(r->body, csrf) || holds_text(r->target, csrf);
    for (size_t i = 0; r->headers[i].name.n; i++) {
        r->headers[i].value = fill_in(r->headers[i].value, &a);
        has_token |= holds_text(r->headers[i].value, csrf);
    }
    if (how == 'f')
        text_add_header(r, S("Cookie"), arena_printf(&a, "cais-login=" SLICE_FMT, SLICE_ARG(FORM_SECRET)));
    else if (how == 'a' || how == 'A')
        text_add_header(r, S("Cookie"), arena_printf(&a, "cais=" SLICE_FMT, SLICE_ARG(secret)));
    uint64_t before = meta_generation(s->w->core.meta);
    struct fake_reply *reply = fake_http_send(is_page ? &s->http : &s->native_http, r);
    check_reply(r, reply, is_page, &a);
    bool changed = meta_generation(s->w->core.meta) != before;
    HOLDS(!changed || !reads);
    HOLDS(!changed || has_token || how == 'f' || holds_text(r->body, form_csrf));
    HOLDS(how != 'A' || reads || has_token || reply->status >= 400 || slice_eq(slice_of(r->method), S("HEAD")));
    HOLDS(how != 'N' || reply->status >= 400);
    fake_http_forget_replies(is_page ? &s->http : &s->native_http);
    return changed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct portal_server *s = server_new(&(struct world_options){ .kept = &kept });
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

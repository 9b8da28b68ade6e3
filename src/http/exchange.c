/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its head to its reply: what an API sees of it, and where each call leads. */
#include "http/engine.h"

#include "base/text.h"
#include "http/conditional.h"
#include "http/field.h"
#include "http/range.h"
#include "http/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_BODY ((size_t)1 << 20)

struct exchange *exchange_new(struct conn *c)
{
    struct loop *l = c->loop;
    struct exchange *x = l->free_exchanges;
    if (x) {
        l->free_exchanges = x->next_free;
        l->free_exchange_count--;
    } else {
        x = malloc(sizeof *x);
        if (!x)
            abort();
    }
    memset(x, 0, offsetof(struct exchange, memory));
    arena_init_with(&x->pub.arena, x->memory, sizeof x->memory);
    x->conn = c;
    x->loop = l;
    x->began_ms = l->now_ms;
    x->minor = 1;
    x->pub.req.id = loop_request_id(l, &x->pub.arena);
    x->pub.req.peer = slice_of(c->peer);
    x->pub.req.local = c->listener->options.local;
    x->pub.req.tls = c->ssl != NULL;
    STAT_ADD(l, requests, 1);
    STAT_ADD(l, active, 1);
    return x;
}

static void report(struct exchange *x)
{
    struct loop *l = x->loop;
    int status = x->conn->broken && x->bytes_out == 0 && x->head_sent == 0 ? 499 : x->status;
    STAT_SUB(l, active, 1);
    STAT_ADD(l, status[status / 100 < 6 ? status / 100 : 5], 1);
    STAT_ADD(l, bytes_out, x->bytes_out);
    const struct http_options *o = &l->server->o;
    if (!o->report)
        return;
    struct http_report r = { .x = &x->pub,
                             .peer = x->pub.req.peer,
                             .id = x->pub.req.id,
                             .status = status,
                             .bytes_in = x->body_received,
                             .bytes_out = x->bytes_out,
                             .took_ms = l->now_ms - x->began_ms };
    o->report(o->arg, l->index, &r);
    l->reported = true;
}

static void release_reply(struct exchange *x)
{
    if (x->content && x->content->release)
        x->content->release(x->content);
    if (x->producer && x->producer->release)
        x->producer->release(x->producer);
    x->content = NULL;
    x->producer = NULL;
}

void exchange_free(struct exchange *x)
{
    struct loop *l = x->loop;
    assert(x->outstanding == 0);
    report(x);
    release_reply(x);
    if (x->filling)
        loop_give_buffer(l, x->filling);
    buf_release(&x->headers);
    buf_release(&x->collected);
    buf_release(&x->produced);
    arena_release(&x->pub.arena);
    if (l->free_exchange_count == 64) {
        free(x);
        return;
    }
    x->next_free = l->free_exchanges;
    l->free_exchanges = x;
    l->free_exchange_count++;
}

/* ---- what APIs read ---- */

slice http_header(const struct http_request *req, const char *name)
{
    slice wanted = slice_of(name);
    for (size_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(req->headers[i].name, wanted))
            return req->headers[i].value;
    return (slice){ 0 };
}

bool http_has_header(const struct http_request *req, const char *name)
{
    return http_header(req, name).p != NULL;
}

/* ---- from head to handler ---- */

int http_refusal_status(enum http_refusal r)
{
    static const int status[] = { [HTTP_REFUSE_MALFORMED] = 400,   [HTTP_REFUSE_NO_ROUTE] = 404,
                                  [HTTP_REFUSE_METHOD] = 405,      [HTTP_REFUSE_BODY_TOO_LARGE] = 413,
                                  [HTTP_REFUSE_BODY_CUT] = 400,    [HTTP_REFUSE_HEAD_TOO_LARGE] = 431,
                                  [HTTP_REFUSE_EXPECTATION] = 417, [HTTP_REFUSE_NOT_IMPLEMENTED] = 501,
                                  [HTTP_REFUSE_VERSION] = 505,     [HTTP_REFUSE_TIMEOUT] = 408,
                                  [HTTP_REFUSE_RANGE] = 416,       [HTTP_REFUSE_PRECONDITION] = 412,
                                  [HTTP_REFUSE_BUSY] = 503 };
    return status[r];
}

void exchange_refuse(struct exchange *x, enum http_refusal refusal, const char *text)
{
    struct http_exchange *pub = &x->pub;
    if (!pub->api) { /* the head was not understood: as far as it can be told, whose path is it? */
        struct route_match m;
        struct target t;
        slice path = target_parse(pub->req.target, &pub->arena, &t) ? S("/") : t.path;
        router_find(x->loop->server->router, pub->req.method, path, pub->req.host, x->conn->listener->options.only,
                    pub->req.local, &pub->arena, &m);
        pub->api = m.api;
    }
    if (refusal == HTTP_REFUSE_BUSY)
        http_reply_header(pub, "Retry-After", S("1"));
    if (refusal == HTTP_REFUSE_MALFORMED || refusal == HTTP_REFUSE_BODY_CUT || refusal == HTTP_REFUSE_TIMEOUT ||
        refusal == HTTP_REFUSE_HEAD_TOO_LARGE || refusal == HTTP_REFUSE_NOT_IMPLEMENTED)
        x->close_after = true;
    pub->api->refuse(pub, refusal, http_refusal_status(refusal), text);
}

static void copy_head(struct exchange *x, const char *head, const struct message *m)
{
    struct http_request *req = &x->pub.req;
    struct arena *a = &x->pub.arena;
    const char *copy = arena_copy(a, (slice){ head, m->head_bytes }).p;
    struct http_header *headers = arena_array(a, struct http_header, m->line_count + 1);
    for (size_t i = 0; i < m->line_count; i++)
        headers[i] = (struct http_header){ message_slice(copy, m->lines[i].name),
                                           slice_trim(message_slice(copy, m->lines[i].value)) };
    req->headers = headers;
    req->header_count = m->line_count;
    req->method = message_slice(copy, m->method);
    req->target = message_slice(copy, m->target);
    req->host = message_slice(copy, m->host);
    req->content_length = m->content_length;
    x->head_only = slice_eq(req->method, S("HEAD"));
    x->minor = m->minor;
    x->keep_alive = m->keep_alive && !x->loop->stopping;
    x->wants_continue = m->expect_continue;
    x->chunked = m->chunked;
    x->body_left = m->chunked ? 0 : m->content_length;
    x->body_done = !m->chunked && m->content_length == 0;
}

/* X-Forwarded-* counts only when a trusted proxy says it. */
static void apply_proxy(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    const struct proxies *p = x->loop->server->proxies;
    if (!proxies_trust(p, x->conn->peer))
        return;
    slice forwarded = S(""), proto = S("");
    for (size_t i = 0; i < req->header_count; i++) { /* some proxies add to the line, some add a line (RFC 9110 §5.3) */
        const struct http_header *h = &req->headers[i];
        if (slice_eq_nocase(h->name, S("X-Forwarded-For"))) {
            slice parts[] = { forwarded, forwarded.n ? S(", ") : S(""), h->value };
            forwarded = arena_join(&x->pub.arena, parts, LENGTH_OF(parts));
        } else if (slice_eq_nocase(h->name, S("X-Forwarded-Proto"))) {
            proto = h->value;
        }
    }
    if (forwarded.n)
        req->peer = proxies_client(p, x->conn->peer, forwarded, &x->pub.arena);
    if (proto.n)
        req->tls = slice_eq_nocase(proto, S("https"));
}

static bool read_target(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    struct target t;
    /* "*" asks about the server as a whole: nothing here does */
    if (target_parse(req->target, &x->pub.arena, &t) != NULL || slice_eq(t.path, S("*"))) {
        exchange_refuse(x, HTTP_REFUSE_MALFORMED, "the request target is not well-formed");
        return false;
    }
    req->path = t.path;
    req->query = t.query;
    if (t.host.n) { /* absolute-form: its host must be the one the request is for (RFC 9112 §3.2.2) */
        if (req->host.n && !slice_eq_nocase(req->host, t.host)) {
            exchange_refuse(x, HTTP_REFUSE_MALFORMED, "target and Host name different hosts");
            return false;
        }
        req->host = t.host;
    }
    return true;
}

static void run_handler(struct task *t)
{
    struct exchange *x = CONTAINER_OF(t, struct exchange, task);
    if (x->collect_then)
        x->collect_then(&x->pub);
    else
        x->pub.route->handle(&x->pub);
}

void exchange_body_done(struct exchange *x)
{
    x->pub.req.body = buf_slice(&x->collected);
    if (x->pub.route->flags & HTTP_ON_LOOP && !x->collect_then) {
        x->pub.route->handle(&x->pub);
        return;
    }
    x->task.run = run_handler;
    if (!pool_submit(x->loop->server->workers, &x->task))
        exchange_refuse(x, HTTP_REFUSE_BUSY, "too many requests are waiting");
}

/* Somebody else has it now and will reply: no deadline of the body may do so meanwhile. */
static void wait_for_reply(struct exchange *x)
{
    x->conn->state = CONN_WAIT;
    loop_deadline(x->loop, x->conn, DEADLINE_NONE);
}

/* Into memory, or nowhere. */
static void take_body(struct exchange *x, size_t most, bool drop)
{
    if (x->pub.req.content_length > (int64_t)most) {
        exchange_refuse(x, HTTP_REFUSE_BODY_TOO_LARGE, "the body is too large");
        return;
    }
    x->mode = drop ? BODY_DROP : BODY_COLLECT;
    buf_init(&x->collected, most);
}

void exchange_begin(struct exchange *x, const char *head, const struct message *m)
{
    struct http_exchange *pub = &x->pub;
    struct http_request *req = &pub->req;
    copy_head(x, head, m);
    apply_proxy(x);
    if (!read_target(x))
        return;
    struct route_match match;
    router_find(x->loop->server->router, req->method, req->path, req->host, x->conn->listener->options.only, req->local,
                &pub->arena, &match);
    pub->api = match.api;
    pub->route = match.route;
    memcpy(req->params, match.params, sizeof match.params);
    if (match.malformed) {
        exchange_refuse(x, HTTP_REFUSE_MALFORMED, "the path is not percent-encoded properly");
        return;
    }
    if (!match.route) {
        struct target_path parts;
        if (target_split_path(req->path, &pub->arena, &parts) != NULL) {
            exchange_refuse(x, HTTP_REFUSE_MALFORMED, "the path is not well-formed");
            return;
        }
        if (match.allow.n)
            http_reply_header(pub, "Allow", match.allow);
        exchange_refuse(x, match.allow.n ? HTTP_REFUSE_METHOD : HTTP_REFUSE_NO_ROUTE,
                        match.allow.n ? "this method is not offered here" : "there is nothing at this path");
        return;
    }
    const struct http_route *route = match.route;
    loop_deadline(x->loop, x->conn, DEADLINE_BODY);
    x->conn->window_bytes = 0;
    if (!(route->flags & HTTP_PUBLIC) && pub->api->guard && !pub->api->guard(pub))
        return;
    if (route->flags & HTTP_STREAM) {
        route->handle(pub);
        if (x->mode == BODY_NONE && !x->handled)
            wait_for_reply(x);
        return;
    }
    take_body(x, route->max_body ? route->max_body : DEFAULT_MAX_BODY, route->flags & HTTP_NO_BODY);
}

void http_collect(struct http_exchange *pub, size_t max_body, void (*then)(struct http_exchange *))
{
    struct exchange *x = (struct exchange *)pub;
    assert(loop_is_here(x->loop) && x->mode == BODY_NONE && !x->replied);
    x->collect_then = then;
    take_body(x, max_body ? max_body : (size_t)DRAIN_BYTES, max_body == 0);
}

/* ---- replies ---- */

static bool is_header_text(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

void http_reply_header(struct http_exchange *pub, const char *name, slice value)
{
    struct exchange *x = (struct exchange *)pub;
    assert(!x->replied && is_header_text(value));
    if (!x->headers.cap)
        (void)buf_reserve(&x->headers, 512); /* most have room in it, and in what send_start makes of it */
    buf_add(&x->headers, slice_of(name));
    buf_add(&x->headers, S(": "));
    buf_add(&x->headers, value);
    buf_add(&x->headers, S("\r\n"));
}

void http_content_headers(struct http_exchange *pub)
{
    struct exchange *x = (struct exchange *)pub;
    x->has_content_headers = true;
    x->content_headers_at = x->headers.n;
}

static void drop_content_headers(struct exchange *x)
{
    if (x->has_content_headers)
        x->headers.n = x->content_headers_at;
    x->has_content_headers = false;
}

void exchange_replied(struct exchange *x)
{
    send_start(x);
    if (!x->conn->running)
        loop_ready(x->loop, x->conn);
}

static void deliver_reply(struct mail *m)
{
    exchange_replied(CONTAINER_OF(m, struct exchange, mail));
}

/* The reply is complete: back to the loop. Nobody touches x after this. */
static void hand_back(struct exchange *x)
{
    x->replied = true;
    if (loop_is_here(x->loop)) {
        exchange_replied(x);
        return;
    }
    x->mail.deliver = deliver_reply;
    loop_post(x->loop, &x->mail);
}

static void deliver_then(struct mail *m)
{
    struct exchange *x = CONTAINER_OF(m, struct exchange, mail);
    x->then(&x->pub);
}

void http_on_loop(struct http_exchange *pub, void (*then)(struct http_exchange *))
{
    struct exchange *x = (struct exchange *)pub;
    assert(!x->replied);
    if (loop_is_here(x->loop)) {
        then(pub);
        return;
    }
    x->then = then;
    x->mail.deliver = deliver_then;
    loop_post(x->loop, &x->mail);
}

static void reply(struct http_exchange *pub, int status, const char *content_type, slice body, bool close)
{
    struct exchange *x = (struct exchange *)pub;
    assert(!x->replied && status >= 200 && status < 600);
    drop_content_headers(x);
    x->status = status;
    x->content_type = content_type;
    x->body = body;
    x->close_after = x->close_after || close;
    hand_back(x);
}

void http_reply(struct http_exchange *pub, int status, const char *content_type, slice body)
{
    reply(pub, status, content_type, body, false);
}

void http_reply_close(struct http_exchange *pub, int status, const char *content_type, slice body)
{
    reply(pub, status, content_type, body, true);
}

void http_reply_stream(struct http_exchange *pub, int status, const char *content_type, struct http_producer *p)
{
    struct exchange *x = (struct exchange *)pub;
    assert(!x->replied);
    x->status = status;
    x->content_type = content_type;
    x->producer = p;
    hand_back(x);
}

void http_reply_content(struct http_exchange *pub, struct http_content *content)
{
    struct exchange *x = (struct exchange *)pub;
    const struct http_request *req = &pub->req;
    assert(!x->replied);
    bool modified_known = content->last_modified_ms > 0;
    struct validators now = { .exists = true, .etag = content->etag, .modified_at_ms = content->last_modified_ms };
    struct preconditions asked = { .if_match = http_header(req, "If-Match"),
                                   .if_none_match = http_header(req, "If-None-Match"),
                                   .if_modified_since = http_header(req, "If-Modified-Since"),
                                   .if_unmodified_since = http_header(req, "If-Unmodified-Since") };
    http_reply_header(pub, "Accept-Ranges", S("bytes"));
    if (content->etag.n)
        http_reply_header(pub, "ETag", content->etag);
    if (modified_known)
        http_reply_header(pub, "Last-Modified", time_format_http(&pub->arena, content->last_modified_ms));
    x->content = content;
    x->content_type = content->content_type.n ? arena_cstr(&pub->arena, content->content_type) : NULL;
    enum precondition verdict = preconditions_check(&asked, &now, true);
    if (verdict == PRECONDITION_FAILED) {
        release_reply(x);
        exchange_refuse(x, HTTP_REFUSE_PRECONDITION, "the precondition does not hold");
        return;
    }
    if (verdict != PRECONDITION_PROCEED) {
        x->status = 304;
        x->content_type = NULL;
        x->content_left = 0;
        release_reply(x);
        hand_back(x);
        return;
    }
    struct range r = { RANGE_WHOLE, 0, content->size_bytes };
    slice range = http_header(req, "Range");
    if (content->is_part)
        r = (struct range){ content->part_count ? RANGE_PART : RANGE_WHOLE, content->part_first, content->part_count };
    else if (range.n && (!x->head_only || content->head_has_ranges) &&
             if_range_holds(http_header(req, "If-Range"), &now))
        r = range_parse(range, content->size_bytes);
    x->status = 200;
    if (r.kind == RANGE_PART) {
        x->status = 206;
        http_reply_header(pub, "Content-Range",
                          arena_printf(&pub->arena, "bytes %llu-%llu/%llu", (unsigned long long)r.first,
                                       (unsigned long long)(r.first + r.count - 1),
                                       (unsigned long long)content->size_bytes));
    } else if (r.kind == RANGE_UNSATISFIABLE) {
        drop_content_headers(x);
        http_reply_header(pub, "Content-Range",
                          arena_printf(&pub->arena, "bytes */%llu", (unsigned long long)content->size_bytes));
        release_reply(x);
        exchange_refuse(x, HTTP_REFUSE_RANGE, "the file has no such range");
        return;
    }
    x->content_at = r.first;
    x->content_left = r.count;
    if (content->bytes.p)
        x->body = slice_part(content->bytes, (size_t)r.first, (size_t)r.count);
    hand_back(x);
}

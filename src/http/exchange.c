/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its head to its reply: the part of an exchange that an API sees, and the functions of http.h that it
 * calls. */
#include "http/engine_priv.h"

#include "base/address.h"
#include "base/text.h"
#include "http/conditional.h"
#include "http/field.h"
#include "http/range.h"
#include "http/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_BODY ((size_t)1 << 20)
#define FREE_EXCHANGES_KEPT 64                   /* per loop */
#define FREED_ON_LOOP_BYTES ((size_t)256 * 1024) /* a worker frees more: giving back 10 MiB takes milliseconds */
#define REFUSAL_BYTES ((size_t)256 * 1024)       /* room for the reply to a request that has used all it may */

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
    x->mark = MARK_EXCHANGE;
    arena_init_with(&x->pub.arena, x->memory, sizeof x->memory);
    arena_set_limit(&x->pub.arena, HTTP_MEMORY_OF(0), &l->server->memory);
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

/* Only the loop's thread writes these numbers. */
static void note_peak(struct loop *l, const struct exchange *x)
{
    size_t peak = x->pub.arena.peak;
    if (peak > l->stats.memory_peak)
        __atomic_store_n(&l->stats.memory_peak, peak, __ATOMIC_RELAXED);
    if (x->memory_over > l->stats.memory_over)
        __atomic_store_n(&l->stats.memory_over, x->memory_over, __ATOMIC_RELAXED);
}

static void report_exchange(struct exchange *x)
{
    struct loop *l = x->loop;
    note_peak(l, x);
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
    l->has_reports = true;
}

/* Release the source of the reply's body. */
static void release_content(struct exchange *x)
{
    if (x->content && x->content->release)
        x->content->release(x->content);
    if (x->producer && x->producer->release)
        x->producer->release(x->producer);
    x->content = NULL;
    x->producer = NULL;
}

static size_t bytes_held(const struct exchange *x)
{
    return x->pub.arena.held + x->headers.cap + x->collected.cap + x->produced.cap;
}

static void release_memory(struct exchange *x)
{
    buf_release(&x->headers);
    buf_release(&x->collected);
    buf_release(&x->produced);
    buf_release(&x->interim);
    arena_release(&x->pub.arena);
    CLEAR_MARK(x);
}

static void free_on_worker(struct pool_task *t)
{
    struct exchange *x = EXCHANGE_OF(t, task);
    release_memory(x);
    free(x);
}

void exchange_free(struct exchange *x)
{
    struct loop *l = x->loop;
    ASSERT_MARK(x, EXCHANGE);
    assert(x->buffers_at_workers == 0 && !x->interim_posted && !x->suspension);
    report_exchange(x);
    release_content(x);
    body_forget_trailers(x);
    if (x->filling)
        loop_release_buffer(l, x->filling);
    if (bytes_held(x) > FREED_ON_LOOP_BYTES) {
        x->task = (struct pool_task){ .run = free_on_worker, .share = exchange_share(x) };
        pool_resume(l->server->lanes[HTTP_LANE_ORDINARY], &x->task);
        return;
    }
    release_memory(x);
    if (l->free_exchange_count == FREE_EXCHANGES_KEPT) {
        free(x);
        return;
    }
    x->next_free = l->free_exchanges;
    l->free_exchanges = x;
    l->free_exchange_count++;
}

/* ---- the headers of a request ---- */

static slice find_field(const struct http_header *fields, size_t count, const char *name)
{
    slice wanted = slice_of(name);
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(fields[i].name, wanted))
            return fields[i].value;
    return (slice){ 0 };
}

slice http_header(const struct http_request *req, const char *name)
{
    return find_field(req->headers, req->header_count, name);
}

slice http_trailer(const struct http_request *req, const char *name)
{
    return find_field(req->trailers, req->trailer_count, name);
}

bool http_has_header(const struct http_request *req, const char *name)
{
    return http_header(req, name).p != NULL;
}

/* The elements of a list that may stand in several lines: a proxy extends the line or adds another one (RFC 9110 §5.3). */
static slice whole_list(struct http_exchange *pub, const char *name)
{
    const struct http_request *req = &pub->req;
    slice list = http_header(req, name);
    for (size_t i = 0, n = 0; list.p && i < req->header_count; i++) {
        if (!slice_eq_nocase(req->headers[i].name, slice_of(name)) || n++ == 0)
            continue;
        const slice parts[] = { list, S(", "), req->headers[i].value };
        list = arena_join(&pub->arena, parts, LENGTH_OF(parts));
    }
    return list;
}

/* ---- from head to handler ---- */

static void find_exchange_route(struct exchange *x, slice path, struct route_match *ret)
{
    const struct http_request *req = &x->pub.req;
    struct route_request wanted = { .request = req,
                                    .method = req->method,
                                    .path = path,
                                    .host = req->host,
                                    .only_api = x->conn->listener->options.only_api,
                                    .local = req->local };
    router_find(x->loop->router, &wanted, &x->pub.arena, ret);
}

void exchange_choose_speaker(struct exchange *x, slice path)
{
    struct route_match m;
    find_exchange_route(x, path.n ? path : S("/"), &m);
    x->pub.api = m.api;
}

/* The same as http_fail, also for a head that could not be parsed, and for a target that is wrong. */
static void fail_exchange(struct exchange *x, err_t e)
{
    struct http_exchange *pub = &x->pub;
    struct http_request *req = &pub->req;
    if (!pub->api) {
        struct target t = target_loosely(req->target);
        req->host = t.host.n ? t.host : req->host;
        exchange_choose_speaker(x, t.path);
    }
    http_fail(pub, e);
}

void exchange_refuse(struct exchange *x, enum http_refusal refusal, const char *text)
{
    fail_exchange(x, http_refuse(&x->pub.arena, refusal, text));
}

void exchange_refuse_for_memory(struct exchange *x)
{
    STAT_ADD(x->loop, memory_refused, 1);
    exchange_refuse(x, HTTP_REFUSE_BUSY, "the memory for requests is in use");
}

/* What arena_check found about the budget is a refusal of the engine. */
static err_t as_refusal(struct exchange *x, err_t e)
{
    struct arena *a = &x->pub.arena;
    if (!err_is(e, ERR_UNAVAILABLE) || e->reason || !arena_is_over(a) || arena_is_over_limit(a))
        return e;
    STAT_ADD(x->loop, memory_refused, 1);
    return http_refuse(a, HTTP_REFUSE_BUSY, e->msg);
}

/* The reply to a refusal always has room. */
static void begin_failing(struct exchange *x)
{
    struct arena *a = &x->pub.arena;
    x->failing = true;
    if (!arena_is_over_limit(a))
        return;
    x->memory_over = a->peak > a->limit ? a->peak - a->limit : 0;
    a->marked_over = false;
    a->limit = a->held + REFUSAL_BYTES;
}

void http_fail(struct http_exchange *pub, err_t e)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(e && !x->replied);
    e = as_refusal(x, e);
    begin_failing(x);
    const struct http_refusal_row *refusal = http_refusal_of(e);
    if (refusal && (e->reason == HTTP_REFUSE_BUSY || e->reason == HTTP_REFUSE_TIMEOUT))
        http_reply_header(pub, "Retry-After", S("1"));
    if (refusal && refusal->closes)
        x->close_after = true;
    pub->api->fail(pub, e);
}

static void copy_request_head(struct exchange *x, const char *head, const struct message *m)
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
    x->body_left = m->chunked ? BODY_LEFT_UNKNOWN : m->content_length;
}

/* Use X-Forwarded-*, but only of a trusted proxy. */
static void apply_forwarded(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    const struct proxies *p = x->loop->server->proxies;
    if (!proxies_trust(p, x->conn->peer))
        return;
    size_t behind = 0;
    slice forwarded = whole_list(&x->pub, "X-Forwarded-For"), proto = whole_list(&x->pub, "X-Forwarded-Proto");
    if (forwarded.n)
        req->peer = proxies_client(p, x->conn->peer, forwarded, &x->pub.arena, &behind);
    if (proto.n)
        req->tls = forwarded_is_https(proto, behind);
}

static err_t malformed(struct exchange *x, const char *why)
{
    return http_refuse(&x->pub.arena, HTTP_REFUSE_MALFORMED, why);
}

/* The methods of RFC 9110 and RFC 5789 that do not ask for a tunnel. A route may refuse each of them, with 405. */
static bool knows_method(slice method)
{
    static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH" };
    for (size_t i = 0; i < LENGTH_OF(known); i++)
        if (slice_eq(method, slice_of(known[i])))
            return true;
    return false;
}

/* The host of an absolute-form target replaces Host, whatever that says (RFC 9112 §3.2.2), for everybody who looks at it: a
 * signature, for one, must be one for the host that is served. */
static void replace_host(struct http_request *req, slice host)
{
    struct http_header *headers = (struct http_header *)(uintptr_t)req->headers; /* of copy_request_head */
    for (size_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(headers[i].name, S("Host")))
            headers[i].value = host;
    req->host = host;
}

static err_t parse_request_target(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    struct target t;
    if (!knows_method(req->method))
        return http_refuse(&x->pub.arena, HTTP_REFUSE_UNKNOWN_METHOD, NULL);
    err_t e = target_parse(req->target, &x->pub.arena, &t);
    if (e)
        return malformed(x, e->msg);
    x->is_for_server = slice_eq(t.path, S("*"));
    if (x->is_for_server && !slice_eq(req->method, S("OPTIONS")))
        return malformed(x, "only OPTIONS has the request target *");
    req->path = t.path;
    req->query = t.query;
    if (t.host.n)
        replace_host(req, t.host);
    return NULL;
}

static err_t choose_route(struct exchange *x)
{
    struct http_exchange *pub = &x->pub;
    struct http_request *req = &pub->req;
    struct route_match match;
    struct target_path parts;
    find_exchange_route(x, req->path, &match);
    pub->api = match.api;
    pub->route = match.route;
    memcpy(req->params, match.params, sizeof match.params);
    err_t e = match.malformed || !match.route ? target_split_path(req->path, &pub->arena, &parts) : NULL;
    if (e)
        return malformed(x, e->msg);
    if (match.allow.n)
        http_reply_header(pub, "Allow", match.allow);
    if (!match.route)
        return http_refuse(&pub->arena, match.allow.n ? HTTP_REFUSE_METHOD : HTTP_REFUSE_NO_ROUTE, NULL);
    return NULL;
}

/* A compressed body that loses its label is another file (RFC 9110 section 8.4). Bodies of other methods are dropped. */
static err_t check_coding(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    bool keeps =
        slice_eq(req->method, S("PUT")) || slice_eq(req->method, S("POST")) || slice_eq(req->method, S("PATCH"));
    if (!keeps || req->content_length == 0 || x->pub.api->keeps_codings)
        return NULL;
    for (size_t i = 0; i < req->header_count; i++) {
        slice item, list = req->headers[i].value;
        if (!slice_eq_nocase(req->headers[i].name, S("Content-Encoding")))
            continue;
        while (field_list_next(&list, &item))
            if (!slice_eq_nocase(item, S("identity"))) {
                http_reply_header(&x->pub, "Accept-Encoding", S("identity"));
                return http_refuse(&x->pub.arena, HTTP_REFUSE_ENCODING, NULL);
            }
    }
    return NULL;
}

/* Everything that is decided before the handler runs. */
static err_t admit_request(struct exchange *x)
{
    struct http_exchange *pub = &x->pub;
    TRY(arena_check(&pub->arena)); /* the head is large, and there is no room for it */
    TRY(parse_request_target(x));
    if (x->is_for_server)
        return NULL;
    TRY(choose_route(x));
    if (!(pub->route->flags & HTTP_PUBLIC) && pub->api->guard)
        TRY(pub->api->guard(pub));
    return check_coding(x);
}

/* Run one of the API's functions. Unless it refused, the exchange may have ended, so do not touch it afterwards. */
static void run_api(struct http_exchange *pub, err_t (*fn)(struct http_exchange *))
{
    err_t e = fn(pub);
    if (e)
        http_fail(pub, e);
}

void exchange_go_on(struct exchange *x, struct http_suspension *s)
{
    err_t e = s->go_on(s, &x->pub);
    if (e)
        http_fail(&x->pub, e);
}

static err_t run_ordinary(struct http_exchange *pub)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    TRY(arena_check(&pub->arena));
    return x->on_collected ? x->on_collected(pub) : pub->route->handle(pub);
}

/* ---- lanes ---- */

static enum http_lane choose_lane(const struct exchange *x)
{
    const struct http_route *route = x->pub.route;
    const struct http_listener *from = &x->conn->listener->options;
    if (route->flags & (HTTP_ADMIN | HTTP_LOCAL_ONLY))
        return from->apart || from->local ? HTTP_LANE_ADMIN : HTTP_LANE_HEALTH;
    return route->flags & HTTP_LONG ? HTTP_LANE_LONG : HTTP_LANE_ORDINARY;
}

/* Without an account, a network of clients has a share. The lowest bits keep accounts, networks and the operator apart. */
uint64_t exchange_share(const struct exchange *x)
{
    if (x->pub.req.local && !x->pub.share)
        return 2;
    return x->pub.share ? x->pub.share << 2 | 1 : address_network(x->pub.req.peer) << 2;
}

static void run_on_lane(struct pool_task *t)
{
    struct exchange *x = EXCHANGE_OF(t, task);
    x->in_lane = true;
    run_api(&x->pub, x->on_lane);
}

void http_on_lane(struct http_exchange *pub, enum http_lane lane, err_t (*fn)(struct http_exchange *))
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    struct pool *p = x->loop->server->lanes[lane];
    bool goes_on = x->in_lane && x->lane == lane;
    assert(!x->replied);
    x->on_lane = fn;
    x->lane = lane;
    x->in_lane = goes_on;
    x->task = (struct pool_task){ .run = run_on_lane, .share = exchange_share(x) };
    if (goes_on)
        pool_resume(p, &x->task);
    else if (!pool_submit(p, &x->task))
        exchange_refuse(x, HTTP_REFUSE_BUSY, NULL);
}

void exchange_wait(struct exchange *x)
{
    conn_move(x->conn, CONN_WAIT);
}

void exchange_body_done(struct exchange *x)
{
    const struct http_route *route = x->pub.route;
    x->pub.req.body = buf_slice(&x->collected);
    exchange_wait(x);
    if (x->collected.n > HTTP_ORDINARY_BODY_MAX && x->lane == HTTP_LANE_ORDINARY)
        x->lane = HTTP_LANE_LONG;
    if (route->flags & HTTP_ON_LOOP && !x->on_collected && x->collected.n <= HTTP_ON_LOOP_BODY_MAX)
        run_api(&x->pub, run_ordinary);
    else
        http_on_lane(&x->pub, x->lane, run_ordinary);
}

/* Reserve what a declared body needs, before any of it is read. A chunked one is counted as it comes. */
static bool reserve_body(struct exchange *x, size_t max_bytes)
{
    struct buf *b = &x->collected;
    int64_t declared = x->pub.req.content_length;
    buf_init_on(b, max_bytes, &x->pub.arena);
    b->asks = true;
    if (declared <= 0)
        return true;
    if (!arena_take(&x->pub.arena, (size_t)declared))
        return false;
    b->cap = (size_t)declared; /* counted from here on; the kernel gives the memory when bytes are written to it */
    b->p = must_realloc(NULL, b->cap);
    return true;
}

/* Receive the body into memory, or drop it. */
static void begin_collect(struct exchange *x, size_t max_bytes, bool drop)
{
    const struct http_route *route = x->pub.route;
    if (x->pub.req.content_length > (int64_t)max_bytes) {
        exchange_refuse(x, HTTP_REFUSE_BODY_TOO_LARGE, NULL);
        return;
    }
    x->pub.arena.limit = route->memory ? route->memory : HTTP_MEMORY_OF(drop ? 0 : max_bytes);
    if (!drop && !reserve_body(x, max_bytes)) {
        exchange_refuse_for_memory(x);
        return;
    }
    body_begin(x, drop ? BODY_DROP : BODY_COLLECT);
}

/* OPTIONS * asks what the server can do as a whole, or whether it is there (RFC 9110 §9.3.7). */
static void reply_for_server(struct exchange *x)
{
    exchange_choose_speaker(x, S("/"));
    http_reply_header(&x->pub, "Allow", S("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    http_reply(&x->pub, 200, NULL, S(""));
}

void exchange_begin(struct exchange *x, const char *head, const struct message *m)
{
    copy_request_head(x, head, m);
    apply_forwarded(x);
    err_t e = admit_request(x);
    if (e) {
        fail_exchange(x, e);
        return;
    }
    if (x->is_for_server) {
        reply_for_server(x);
        return;
    }
    const struct http_route *route = x->pub.route;
    x->lane = choose_lane(x);
    if (route->flags & HTTP_STREAM) {
        run_api(&x->pub, route->handle);
        if (x->body_state == BODY_UNREAD && x->conn->state == CONN_BODY)
            exchange_wait(x); /* the handler has passed the exchange on, and will reply or ask for the body later */
        return;
    }
    begin_collect(x, route->max_body ? route->max_body : DEFAULT_MAX_BODY, route->flags & HTTP_NO_BODY);
}

void http_collect(struct http_exchange *pub, enum http_lane lane, size_t max_body,
                  err_t (*on_collected)(struct http_exchange *))
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(loop_is_current(x->loop) && x->body_state == BODY_UNREAD && !x->replied);
    x->on_collected = on_collected;
    x->lane = lane;
    begin_collect(x, max_body ? max_body : (size_t)DRAIN_BYTES, max_body == 0);
}

/* ---- replies ---- */

void http_reply_header(struct http_exchange *pub, const char *name, slice value)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(!x->replied);
    if (!x->headers.cap)
        (void)buf_reserve(&x->headers, 512); /* enough for most replies, also after send_start has added to it */
    send_add_header(&x->headers, slice_of(name), value);
}

void http_content_headers(struct http_exchange *pub)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    x->has_content_headers = true;
    x->content_headers_at = x->headers.n;
}

static void drop_content_headers(struct exchange *x)
{
    if (x->has_content_headers)
        x->headers.n = x->content_headers_at;
    x->has_content_headers = false;
}

/* Of the headers of the content, a 304 has those that a cache updates (RFC 9110 section 15.4.5). A checksum, for one, would be
 * compared with the body, and there is none. */
static void keep_headers_of_304(struct exchange *x)
{
    static const char *const kept[] = { "Accept-Ranges", "Cache-Control", "Content-Location", "ETag", "Expires",
                                        "Last-Modified", "Vary" };
    struct buf *b = &x->headers;
    slice rest = slice_from(buf_slice(b), x->has_content_headers ? x->content_headers_at : b->n), line;
    b->n -= rest.n;
    while (rest.n) {
        size_t colon = slice_find_byte(rest, ':'), end = slice_find_byte(rest, '\n') + 1;
        line = slice_part(rest, 0, end);
        rest = slice_from(rest, end);
        bool keeps = false;
        for (size_t i = 0; i < LENGTH_OF(kept); i++)
            keeps = keeps || slice_eq_nocase(slice_part(line, 0, colon), slice_of(kept[i]));
        if (keeps)
            memmove(b->p + b->n, line.p, line.n);
        b->n += keeps ? line.n : 0;
    }
}

void exchange_replied(struct exchange *x)
{
    send_start(x);
    if (!x->conn->running)
        loop_mark_ready(x->loop, x->conn);
}

static void deliver_reply(struct mail *m)
{
    exchange_replied(EXCHANGE_OF(m, mail));
}

/* The reply is complete. The caller must not touch x afterwards: the loop may free it at once. */
static void return_to_loop(struct exchange *x)
{
    x->replied = true;
    if (loop_is_current(x->loop)) {
        exchange_replied(x);
        return;
    }
    x->mail.deliver = deliver_reply;
    loop_post(x->loop, &x->mail);
}

static void deliver_on_loop(struct mail *m)
{
    struct exchange *x = EXCHANGE_OF(m, mail);
    run_api(&x->pub, x->on_loop);
}

void http_on_loop(struct http_exchange *pub, err_t (*fn)(struct http_exchange *))
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(!x->replied);
    if (loop_is_current(x->loop)) {
        run_api(pub, fn);
        return;
    }
    x->on_loop = fn;
    x->mail.deliver = deliver_on_loop;
    loop_post(x->loop, &x->mail);
}

/* Refuse the reply if the request has used more than it may; then the exchange has ended. Whatever it has done, such as
 * writing a record, stays done; therefore a small reply is refused only if the request is over its own limit. */
static bool refuse_reply(struct exchange *x, size_t reply_bytes)
{
    struct arena *a = &x->pub.arena;
    bool for_all = reply_bytes > ARENA_SMALL_SHARE && memory_is_over(a->budget);
    if (x->failing || (!arena_is_over_limit(a) && !for_all))
        return false;
    release_content(x);
    drop_content_headers(x);
    http_fail(&x->pub, err_over_memory_at(a, ERR_HERE));
    return true;
}

static void reply_with_slice(struct http_exchange *pub, int status, const char *content_type, slice body, bool close)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(!x->replied && status >= 200 && status < 600);
    if (refuse_reply(x, body.n))
        return;
    drop_content_headers(x);
    x->status = status;
    x->content_type = content_type;
    x->body = body;
    x->close_after = x->close_after || close;
    return_to_loop(x);
}

void http_reply(struct http_exchange *pub, int status, const char *content_type, slice body)
{
    reply_with_slice(pub, status, content_type, body, false);
}

void http_reply_close(struct http_exchange *pub, int status, const char *content_type, slice body)
{
    reply_with_slice(pub, status, content_type, body, true);
}

void http_reply_stream(struct http_exchange *pub, int status, const char *content_type, struct http_producer *p)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(!x->replied);
    x->producer = p;
    if (refuse_reply(x, SIZE_MAX))
        return;
    x->status = status;
    x->content_type = content_type;
    x->close_after = x->close_after || p->ready;
    return_to_loop(x);
}

/* The headers of the content must not stand in the reply that says that it is damaged. */
static err_t reply_with_first_piece(struct http_exchange *pub)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    err_t e = send_prepare_first_piece(x, &pub->arena);
    if (!e) {
        return_to_loop(x);
        return NULL;
    }
    release_content(x);
    x->headers.n = x->before_content_headers;
    drop_content_headers(x);
    buf_release(&x->produced);
    x->content_left = 0;
    return e;
}

/* The reply begins now, or when its first piece was found right. */
static void begin_content(struct exchange *x)
{
    bool is_checked = x->content->fd < 0 || x->content->check;
    if (x->content->bytes.p || !x->content_left || x->head_only || !is_checked) {
        return_to_loop(x);
        return;
    }
    x->first_piece_waits = send_first_piece_waits(x); /* asked once: asking may bring the pages into the cache */
    if (loop_is_current(x->loop) && x->first_piece_waits) {
        x->in_lane = true; /* the request was admitted: it is not refused any more */
        http_on_lane(&x->pub, x->lane, reply_with_first_piece);
        return;
    }
    err_t e = reply_with_first_piece(&x->pub);
    if (e)
        http_fail(&x->pub, e);
}

void http_reply_content(struct http_exchange *pub, struct http_content *content)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    const struct http_request *req = &pub->req;
    assert(!x->replied);
    x->content = content;
    x->before_content_headers = x->headers.n;
    if (refuse_reply(x, content->bytes.p ? content->bytes.n : 0))
        return;
    bool modified_known = content->last_modified_ms > 0;
    struct validators current = { .exists = true, .etag = content->etag, .modified_at_ms = content->last_modified_ms };
    struct preconditions conditions = { .if_match = whole_list(pub, "If-Match"),
                                        .if_none_match = whole_list(pub, "If-None-Match"),
                                        .if_modified_since = http_header(req, "If-Modified-Since"),
                                        .if_unmodified_since = http_header(req, "If-Unmodified-Since") };
    http_reply_header(pub, "Accept-Ranges", S("bytes"));
    if (content->etag.n)
        http_reply_header(pub, "ETag", content->etag);
    if (modified_known)
        http_reply_header(pub, "Last-Modified", time_format_http(&pub->arena, content->last_modified_ms));
    x->content_type = content->content_type.n ? arena_cstr(&pub->arena, content->content_type) : NULL;
    enum precondition verdict = preconditions_check(&conditions, &current, true);
    if (verdict == PRECONDITION_FAILED) {
        release_content(x);
        exchange_refuse(x, HTTP_REFUSE_PRECONDITION, NULL);
        return;
    }
    if (verdict != PRECONDITION_PROCEED) {
        keep_headers_of_304(x);
        x->status = 304;
        x->content_type = NULL;
        x->content_left = 0;
        release_content(x);
        return_to_loop(x);
        return;
    }
    struct range r = { RANGE_WHOLE, 0, content->size_bytes };
    slice range = http_header(req, "Range");
    if (content->is_part)
        r = (struct range){ content->part_count ? RANGE_PART : RANGE_WHOLE, content->part_first, content->part_count };
    else if (range.n && (!x->head_only || content->head_has_ranges) &&
             if_range_holds(http_header(req, "If-Range"), &current))
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
        release_content(x);
        exchange_refuse(x, HTTP_REFUSE_RANGE, NULL);
        return;
    }
    x->content_at = r.first;
    x->content_left = r.count;
    if (content->bytes.p)
        x->body = slice_part(content->bytes, (size_t)r.first, (size_t)r.count);
    begin_content(x);
}

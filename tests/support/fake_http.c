/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_http.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in the engine. */
#define FAKE_REFUSAL_BYTES ((size_t)256 * 1024)
#define FAKE_PIECE_MAX ((size_t)512 * 1024)
#define BODY_INLINE_BYTES 20480
#define FAKE_REPLIES_MAX ((size_t)4 << 30) /* of one test */

struct fake_exchange {
    struct http_exchange x;
    struct fake_http *http;
    struct fake_reply *reply;
    struct http_sink *sink;
    struct http_watch *watch;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool done;    /* a reply was made */
    bool failing; /* as in the engine: the reply is no longer refused */
    bool collects;
    size_t max_body; /* of http_collect */
    err_t (*on_collected)(struct http_exchange *);
};

static struct fake_exchange *fake_of(struct http_exchange *x)
{
    return CONTAINER_OF(x, struct fake_exchange, x);
}

static slice find_header(const struct http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(headers[i].name, slice_of(name)))
            return headers[i].value;
    return (slice){ NULL, 0 };
}

slice http_header(const struct http_request *req, const char *name)
{
    return find_header(req->headers, req->header_count, name);
}

slice http_trailer(const struct http_request *req, const char *name)
{
    return find_header(req->trailers, req->trailer_count, name);
}

bool http_has_header(const struct http_request *req, const char *name)
{
    return http_header(req, name).p != NULL;
}

/* As in the engine, a value cannot end its line. */
static struct http_header copy_header(struct arena *a, slice name, slice value)
{
    char *copy = arena_cstr(a, value);
    for (size_t i = 0; i < value.n; i++)
        if (copy[i] == '\r' || copy[i] == '\n' || copy[i] == '\0')
            copy[i] = ' ';
    return (struct http_header){ arena_copy(a, name), { copy, value.n } };
}

void http_reply_header(struct http_exchange *x, const char *name, slice value)
{
    struct fake_exchange *f = fake_of(x);
    assert(!f->done && f->reply->header_count < FAKE_MAX_HEADERS);
    f->reply->headers[f->reply->header_count++] = copy_header(&f->http->arena, slice_of(name), value);
}

void http_interim(struct http_exchange *x, int status, const struct http_header *headers, size_t count)
{
    struct fake_exchange *f = fake_of(x);
    struct fake_reply *r = f->reply;
    assert(!f->done && status > 101 && status < 200 && count <= FAKE_INTERIM_HEADERS);
    if (!r->interims)
        r->interims = arena_array(&f->http->arena, struct fake_interim, FAKE_MAX_INTERIMS);
    if (r->interim_count < FAKE_MAX_INTERIMS) {
        struct fake_interim *to = &r->interims[r->interim_count];
        *to = (struct fake_interim){ .status = status, .header_count = count };
        for (size_t i = 0; i < count; i++)
            to->headers[i] = copy_header(&f->http->arena, headers[i].name, headers[i].value);
    }
    r->interim_count++;
}

/* The last step of every reply: from here on the exchange belongs to the engine. */
static void finish_reply(struct fake_exchange *f)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&f->mutex);
    assert(!f->done);
    f->done = true;
    pthread_cond_signal(&f->moved);
}

/* The handler may have passed the exchange on, even to another thread: wait until it has replied or asked for the body. */
static void wait_for_handler(struct fake_exchange *f)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&f->mutex);
    while (!f->done && !f->sink && !f->collects)
        pthread_cond_wait(&f->moved, &f->mutex);
}

static void store_reply(struct http_exchange *x, int status, const char *content_type, slice body)
{
    struct fake_exchange *f = fake_of(x);
    assert(!f->done && status >= 200 && status <= 599);
    f->reply->status = status;
    if (content_type)
        f->reply->content_type = arena_copy(&f->http->arena, slice_of(content_type));
    f->reply->body = arena_copy(&f->http->arena, body);
}

static size_t bytes_over(const struct arena *a)
{
    return a->limit && a->peak > a->limit ? a->peak - a->limit : 0;
}

/* As in the engine, a request that is over its limit is refused, and the refusal has room. */
static void begin_failing(struct fake_exchange *f)
{
    struct arena *a = &f->x.arena;
    f->failing = true;
    if (!arena_is_over_limit(a))
        return;
    f->reply->over_bytes = bytes_over(a);
    a->marked_over = false;
    a->limit = a->held + FAKE_REFUSAL_BYTES;
}

static bool must_refuse(const struct http_exchange *x)
{
    return arena_is_over_limit(&x->arena) && !CONTAINER_OF(x, struct fake_exchange, x)->failing;
}

static bool refuse_reply(struct http_exchange *x)
{
    if (!must_refuse(x))
        return false;
    http_fail(x, err_over_memory_at(&x->arena, ERR_HERE));
    return true;
}

void http_reply(struct http_exchange *x, int status, const char *content_type, slice body)
{
    if (refuse_reply(x))
        return;
    store_reply(x, status, content_type, body);
    finish_reply(fake_of(x));
}

void http_reply_close(struct http_exchange *x, int status, const char *content_type, slice body)
{
    fake_of(x)->reply->closes = true;
    http_reply(x, status, content_type, body);
}

/* A piece of the reply was sent: what happens meanwhile, and what the engine then asks. */
static void ask_watch(struct fake_exchange *f)
{
    if (f->http->while_sending)
        f->http->while_sending(f->http->while_sending_arg);
    f->http->while_sending = NULL;
    f->reply->cut = f->reply->cut || (f->watch && f->watch->check(f->watch));
}

static err_t content_read(struct http_content *content, uint64_t offset, char *to, size_t size, struct arena *a,
                          size_t *ret_read)
{
    if (content->fd == -1)
        return content->read_at(content, offset, to, size, a, ret_read);
    if (content->check)
        TRY(content->check(content, offset, offset + size, false, arena_alloc(a, HTTP_CHECK_MEMORY), a));
    ssize_t n = pread(content->fd, to, size, (off_t)offset);
    *ret_read = n > 0 ? (size_t)n : 0;
    return n < 0 ? err_errno(a, errno, "cannot read") : NULL;
}

void http_reply_content(struct http_exchange *x, struct http_content *content)
{
    struct fake_exchange *f = fake_of(x);
    slice body = content->bytes;
    if (must_refuse(x) && content->release)
        content->release(content);
    if (refuse_reply(x))
        return;
    if (!body.p) {
        char *to = arena_alloc(&f->http->arena, (size_t)content->size_bytes + 1);
        size_t have = 0, n = 1;
        while (have < content->size_bytes && n > 0 && !f->reply->cut) {
            size_t want = (size_t)content->size_bytes - have;
            err_t e = content_read(content, have, to + have, want < 65536 ? want : 65536, &f->http->arena, &n);
            if (e && !have) {
                if (content->release)
                    content->release(content);
                x->api->fail(x, e);
                return;
            }
            f->reply->cut = e != NULL;
            have += f->reply->cut ? 0 : n;
            ask_watch(f);
        }
        f->reply->cut = f->reply->cut || have < content->size_bytes;
        body = (slice){ to, have };
    }
    assert(body.n == content->size_bytes || f->reply->cut);
    store_reply(x, 200, NULL, body);
    f->reply->is_content = true;
    f->reply->content_type = arena_copy(&f->http->arena, content->content_type);
    f->reply->etag = arena_copy(&f->http->arena, content->etag);
    f->reply->last_modified_ms = content->last_modified_ms;
    if (content->release)
        content->release(content);
    finish_reply(f);
}

void http_content_headers(struct http_exchange *x)
{
    (void)x; /* only conditions and ranges, which are not implemented, could refuse such a content */
}

void http_fail(struct http_exchange *x, err_t e)
{
    assert(e && !fake_of(x)->done);
    begin_failing(fake_of(x));
    fake_of(x)->reply->refused = http_refusal_of(e) != NULL;
    if (err_reason(e) == HTTP_REFUSE_BUSY)
        http_reply_header(x, "Retry-After", S("1"));
    x->api->fail(x, e);
}

/* Run one of the API's functions as the engine does. */
static void run_api(struct http_exchange *x, err_t (*fn)(struct http_exchange *))
{
    err_t e = fn(x);
    if (e)
        http_fail(x, e);
}

void http_on_loop(struct http_exchange *x, err_t (*fn)(struct http_exchange *))
{
    run_api(x, fn); /* there is only one thread */
}

void http_on_lane(struct http_exchange *x, enum http_lane lane, err_t (*fn)(struct http_exchange *))
{
    fake_of(x)->reply->went_long |= lane == HTTP_LANE_LONG;
    run_api(x, fn);
}

/* The reply is paused. False: the client goes away. */
static bool wait_while_paused(struct fake_exchange *f, struct http_producer *producer)
{
    while (!producer->ready(producer)) {
        f->reply->pauses++;
        if (!f->http->while_paused || !f->http->while_paused(f->http->while_paused_arg))
            return false;
    }
    return true;
}

void http_reply_stream(struct http_exchange *x, int status, const char *content_type, struct http_producer *producer)
{
    struct fake_exchange *f = fake_of(x);
    struct fake_reply *r = f->reply;
    struct buf out, all;
    if (must_refuse(x) && producer->release)
        producer->release(producer);
    if (refuse_reply(x))
        return;
    /* like the engine\'s: a producer that replaces it must keep the account right */
    buf_init_on(&out, FAKE_PIECE_MAX, &x->arena);
    buf_init(&all, 0);
    bool end = false;
    size_t empty = 0; /* pieces, one after the other */
    while (!end && !r->cut && !r->gone) {
        buf_clear(&out);
        r->cut = !producer->more(producer, &out, &end) || out.failed;
        buf_add(&all, r->cut ? S("") : buf_slice(&out));
        r->pieces++;
        empty = out.n ? 0 : empty + 1;
        assert(empty < 1000); /* else it would never end */
        r->largest_piece = out.n > r->largest_piece ? out.n : r->largest_piece;
        r->most_unread = x->arena.held > r->most_unread ? x->arena.held : r->most_unread;
        if (f->http->on_piece)
            f->http->on_piece(f->http->on_piece_arg, all.n);
        ask_watch(f);
        if (producer->ready && !out.n && !end && !r->cut)
            r->gone = !wait_while_paused(f, producer);
    }
    store_reply(x, status, content_type, buf_slice(&all));
    buf_release(&out);
    buf_release(&all);
    if (producer->release)
        producer->release(producer);
    finish_reply(f);
}

/* The watch is asked after each change, too. */
void http_suspend(struct http_exchange *x, struct http_suspension *s)
{
    struct fake_exchange *f = fake_of(x);
    struct fake_reply *r = f->reply;
    assert(!f->done);
    if (!f->sink)
        arena_discharge(&x->arena, x->req.body.n);
    x->req.body = S("");
    r->suspensions++;
    r->suspended_bytes = x->arena.held > r->suspended_bytes ? x->arena.held : r->suspended_bytes;
    s->exchange = x;
    s->error = NULL;
    while (!r->gone && !s->error && !s->ready(s)) {
        r->pauses++;
        r->gone = !f->http->while_paused || !f->http->while_paused(f->http->while_paused_arg);
        s->error = f->watch ? f->watch->check(f->watch) : NULL;
    }
    s->must_reply = r->gone || s->error;
    err_t e = s->go_on(s, x);
    if (e)
        http_fail(x, e);
}

void http_wake(struct http_suspension *s)
{
    (void)s; /* it is asked anyway */
}

void http_receive(struct http_exchange *x, struct http_sink *sink)
{
    struct fake_exchange *f = fake_of(x);
    assert(x->route && x->route->flags & HTTP_STREAM && !f->sink && !f->done);
    f->reply->received = true;
    f->reply->interims_before_body = f->reply->interim_count;
    if (x->req.content_length <= BODY_INLINE_BYTES)
        arena_charge(&x->arena, x->req.content_length < 0 ? BODY_INLINE_BYTES : (size_t)x->req.content_length);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&f->mutex);
    f->sink = sink;
    pthread_cond_signal(&f->moved);
}

void http_watch(struct http_exchange *x, struct http_watch *watch)
{
    fake_of(x)->watch = watch;
}

void http_collect(struct http_exchange *x, enum http_lane lane, size_t max_body, err_t (*fn)(struct http_exchange *))
{
    struct fake_exchange *f = fake_of(x);
    (void)lane;
    assert(x->route && x->route->flags & HTTP_STREAM && !f->sink && !f->done && !f->collects);
    f->max_body = max_body;
    f->on_collected = fn;
    f->reply->received = true;
    f->reply->interims_before_body = f->reply->interim_count;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&f->mutex);
    f->collects = true;
    pthread_cond_signal(&f->moved);
}

/* ---- routing ---- */

/* How many literal segments match (the route with most of them wins), or -1: the path does not match. Sets params. */
static int match_pattern(slice pattern, slice path, slice params[HTTP_MAX_PARAMS], struct arena *a)
{
    int literals = 0;
    size_t count = 0;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    for (;;) {
        slice want, have, pattern_rest, path_rest;
        bool more_pattern = slice_cut(pattern, '/', &want, &pattern_rest);
        bool more_path = slice_cut(path, '/', &have, &path_rest);
        if (more_pattern != more_path)
            return -1;
        if (want.n > 2 && want.p[0] == '{') {
            if (!percent_decode(a, have, false, &params[count]) || params[count].n == 0)
                return -1;
            count++;
        } else if (slice_eq(want, have)) {
            literals++;
        } else {
            return -1;
        }
        if (!more_pattern)
            return literals;
        pattern = pattern_rest;
        path = path_rest;
    }
}

static bool method_fits(const struct http_route *route, slice method)
{
    return slice_eq(slice_of(route->method), method) ||
           (slice_eq(method, S("HEAD")) && slice_eq(slice_of(route->method), S("GET")));
}

static const struct http_route *find_route(const struct http_api *api, struct http_request *req, struct arena *a,
                                           bool *ret_path_known)
{
    const struct http_route *best = NULL;
    int best_literals = -1;
    *ret_path_known = false;
    for (size_t i = 0; i < api->route_count; i++) {
        const struct http_route *route = &api->routes[i];
        slice params[HTTP_MAX_PARAMS] = { { 0 } };
        int literals = match_pattern(slice_of(route->pattern), req->path, params, a);
        if (literals < 0 || (route->flags & HTTP_LOCAL_ONLY && !req->local))
            continue;
        *ret_path_known = true;
        if (literals > best_literals && method_fits(route, req->method)) {
            best = route;
            best_literals = literals;
            memcpy(req->params, params, sizeof params);
        }
    }
    return best;
}

static bool is_below_prefix(const struct http_api *api, slice path)
{
    for (const char *const *p = api->below_prefixes ? api->prefixes : NULL; p && *p; p++)
        if (slice_starts(path, slice_of(*p)) && (path.n == strlen(*p) || path.p[strlen(*p)] == '/'))
            return true;
    return false;
}

/* ---- an exchange ---- */

static void refuse_as_engine(struct fake_exchange *f, enum http_refusal refusal)
{
    http_fail(&f->x, http_refuse(&f->x.arena, refusal, NULL));
}

/* The body has come. */
static void add_trailers(struct fake_exchange *f, const struct fake_request *request)
{
    struct http_request *req = &f->x.req;
    req->trailers = request->trailers;
    while (req->trailer_count < HTTP_MAX_TRAILERS && request->trailers[req->trailer_count].name.n)
        req->trailer_count++;
    assert(req->trailer_count == 0 || request->chunked);
}

static void feed_sink(struct fake_exchange *f, const struct fake_request *request)
{
    size_t piece = request->piece ? request->piece : 1000;
    err_t e = NULL;
    for (slice left = request->body; left.n && !e; left = slice_from(left, piece)) {
        /* Each piece is in memory that is freed afterwards, so that ASan detects a sink that keeps it. */
        slice part = slice_part(left, 0, piece);
        char *copy = must_malloc(part.n);
        memcpy(copy, part.p, part.n);
        e = f->watch ? f->watch->check(f->watch) : NULL;
        if (!e)
            e = f->sink->write(f->sink, (slice){ copy, part.n });
        free(copy);
    }
    if (request->midway)
        request->midway(request->midway_arg);
    if (!e && request->watched)
        e = f->watch ? f->watch->check(f->watch) : NULL;
    if (!e && request->cut)
        e = http_refuse(&f->x.arena, HTTP_REFUSE_BODY_CUT, NULL);
    if (!e && request->busy)
        e = http_refuse(&f->x.arena, HTTP_REFUSE_BUSY, NULL);
    if (!e)
        add_trailers(f, request);
    if (!e && f->sink->blocks)
        f->sink->blocks(f->sink);
    e = f->sink->finish(f->sink, &f->x, e);
    if (e)
        http_fail(&f->x, e);
}

/* Check a body that is collected or dropped, as the engine does. False: the request was refused. */
static bool check_collected_body(struct fake_exchange *f, const struct fake_request *request, size_t max_body,
                                 bool drop)
{
    struct http_request *req = &f->x.req;
    const struct http_route *route = f->x.route;
    f->x.arena.limit = route->memory ? route->memory : HTTP_MEMORY_OF(drop ? 0 : max_body);
    if (request->midway)
        request->midway(request->midway_arg);
    if (drop) {
        req->body = S("");
    } else if (req->content_length > (int64_t)max_body || req->body.n > max_body) {
        refuse_as_engine(f, HTTP_REFUSE_BODY_TOO_LARGE);
        return false;
    } else if (request->busy || !arena_take(&f->x.arena, req->body.n)) {
        refuse_as_engine(f, HTTP_REFUSE_BUSY);
        return false;
    } else if (request->cut) {
        refuse_as_engine(f, HTTP_REFUSE_BODY_CUT);
        return false;
    } else {
        add_trailers(f, request);
    }
    return true;
}

static void run_exchange(struct fake_exchange *f, const struct fake_request *request)
{
    struct http_exchange *x = &f->x;
    const struct http_api *api = f->http->api;
    bool path_known;
    x->route = find_route(api, &x->req, &x->arena, &path_known);
    if (!x->route && !path_known)
        x->route = is_below_prefix(api, x->req.path) ? api->below_prefixes : api->catch_all;
    if (!x->route) {
        refuse_as_engine(f, path_known ? HTTP_REFUSE_METHOD : HTTP_REFUSE_NO_ROUTE);
        return;
    }
    err_t refused = x->route->flags & HTTP_PUBLIC || !api->guard ? NULL : api->guard(x);
    if (refused) {
        f->reply->by_guard = true;
        http_fail(x, refused);
        return;
    }
    assert(!f->done);
    if (x->route->flags & HTTP_STREAM) {
        run_api(x, x->route->handle);
        wait_for_handler(f);
        if (f->sink)
            feed_sink(f, request);
        else if (f->collects && check_collected_body(f, request, f->max_body, f->max_body == 0))
            run_api(x, f->on_collected);
        return;
    }
    if (check_collected_body(f, request, x->route->max_body ? x->route->max_body : (size_t)1 << 20,
                             x->route->flags & HTTP_NO_BODY))
        run_api(x, x->route->handle);
}

static void fill_request(struct http_request *req, const struct fake_request *from, struct arena *a)
{
    struct http_header *headers = arena_array(a, struct http_header, FAKE_MAX_HEADERS + 1);
    size_t count = 0, bytes = from->target.n;
    if (from->token.n)
        headers[count++] =
            (struct http_header){ S("Authorization"), arena_printf(a, "Bearer " SLICE_FMT, SLICE_ARG(from->token)) };
    for (size_t i = 0; i < FAKE_MAX_HEADERS && from->headers[i].name.n; i++) {
        headers[count++] = from->headers[i];
        bytes += from->headers[i].name.n + from->headers[i].value.n;
    }
    arena_charge(a, bytes); /* the engine copies the head */
    *req = (struct http_request){
        .method = slice_of(from->method ? from->method : "GET"),
        .target = from->target,
        .host = from->host.n ? from->host : S("cais.test"),
        .peer = from->local ? S("unix") : S("127.0.0.1"),
        .local = from->local,
        .tls = from->tls,
        .id = S("0123456789abcdef"),
        .headers = headers,
        .header_count = count,
        .content_length = (int64_t)(from->declared ? from->declared : from->body.n + from->cut),
        .body = from->body,
    };
    if (from->chunked)
        req->content_length = -1;
    slice_cut(from->target, '?', &req->path, &req->query);
    if (req->path.n == from->target.n)
        req->query = S("");
}

struct fake_reply *fake_http_send(struct fake_http *http, const struct fake_request *request)
{
    struct fake_exchange *f = must_malloc(sizeof *f);
    f->http = http;
    f->reply = arena_new(&http->arena, struct fake_reply);
    f->x.api = http->api;
    arena_init(&f->x.arena);
    arena_set_limit(&f->x.arena, HTTP_MEMORY_OF(0), NULL);
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->moved, NULL);
    fill_request(&f->x.req, request, &f->x.arena);
    run_exchange(f, request);

    pthread_mutex_lock(&f->mutex);
    while (!f->done)
        pthread_cond_wait(&f->moved, &f->mutex);
    pthread_mutex_unlock(&f->mutex);

    struct fake_reply *r = f->reply;
    r->route = f->x.route;
    r->held_bytes = f->x.arena.held;
    r->peak_bytes = f->x.arena.peak;
    r->over_bytes = f->failing ? r->over_bytes : bytes_over(&f->x.arena);
    arena_release(&f->x.arena);
    pthread_mutex_destroy(&f->mutex);
    pthread_cond_destroy(&f->moved);
    free(f);
    return r;
}

struct fake_http fake_http_new(const struct http_api *api)
{
    struct fake_http http = { .api = api };
    arena_init(&http.arena);
    arena_set_limit(&http.arena, FAKE_REPLIES_MAX, NULL);
    return http;
}

void fake_http_forget_replies(struct fake_http *http)
{
    arena_release(&http->arena);
    arena_set_limit(&http->arena, FAKE_REPLIES_MAX, NULL);
}

void fake_http_release(struct fake_http *http)
{
    arena_release(&http->arena);
}

slice fake_reply_header(const struct fake_reply *r, const char *name)
{
    return find_header(r->headers, r->header_count, name);
}

slice fake_interim_header(const struct fake_interim *i, const char *name)
{
    return find_header(i->headers, i->header_count, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The engine over real sockets, with a small API of its own and a clock that only the tests move. */
#include "rounds.h"
#include "test.h"

#include "http/server.h"

#include "base/hash.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000       /* a test that waits longer fails */
enum { POOL_BUFFERS = 16 }; /* for bodies, of both loops together: two slow uploads do not use all of a loop */

/* ---- the API ---- */

static struct http_server *server;
static struct clock_manual manual;
static char address[64];
static int file_fd;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static int gate_waiting, gate_open, disk_waiting, disk_ready, sinks_finished, sinks_cut, contents_released, passed_on;

static void increment_and_notify(int *counter)
{
    pthread_mutex_lock(&gate_lock);
    ++*counter;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_lock);
}

static void wait_for_count(int *counter, int at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&gate_lock);
    while (*counter < at_least)
        if (pthread_cond_timedwait(&gate_moved, &gate_lock, &until) != 0)
            fail_msg("the counter did not reach %d", at_least);
    pthread_mutex_unlock(&gate_lock);
}

static err_t reply_hello(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", S("hello"));
    return NULL;
}

/* What the API sees of the trailers. */
static void repeat_trailers(struct http_exchange *x)
{
    slice sum = http_trailer(&x->req, "x-sum");
    if (x->req.trailer_count == 0) {
        EXPECT(!sum.p);
        return;
    }
    EXPECT(x->req.trailer_count <= HTTP_MAX_TRAILERS && !http_has_header(&x->req, "X-Sum"));
    http_reply_header(x, "X-Trailers", arena_printf(&x->arena, "%zu", x->req.trailer_count));
    http_reply_header(x, "X-Sum", sum.p ? sum : S("none"));
}

static err_t reply_echo(struct http_exchange *x)
{
    repeat_trailers(x);
    http_reply_header(x, "X-Param", x->req.params[0].n ? x->req.params[0] : S("-"));
    http_reply(x, 200, "application/octet-stream", arena_copy(&x->arena, x->req.body));
    return NULL;
}

/* A streaming route that treats its request as an ordinary one; the path contains the limit for the body. */
static err_t collect_and_echo(struct http_exchange *x)
{
    uint64_t max_body;
    assert_true(slice_to_u64(x->req.params[0], &max_body));
    if (http_has_header(&x->req, "Authorization"))
        http_reply(x, 401, "text/plain", S("go away"));
    else
        http_collect(x, HTTP_LANE_ORDINARY, (size_t)max_body, reply_echo);
    return NULL;
}

/* Blocks a worker until the gate opens, then replies. */
static err_t reply_after_gate(struct http_exchange *x)
{
    increment_and_notify(&gate_waiting);
    wait_for_count(&gate_open, 1);
    http_reply(x, 200, "text/plain", S("late"));
    return NULL;
}

static bool right_has_ended; /* atomic: of the requests that are watched */
static const struct err right_ended = { .code = ERR_REVOKED, .msg = "the right has ended", .where = ERR_HERE };

static err_t check_right(struct http_watch *watch)
{
    (void)watch;
    return __atomic_load_n(&right_has_ended, __ATOMIC_RELAXED) ? &right_ended : NULL;
}

static void watch_if_asked(struct http_exchange *x)
{
    if (!http_has_header(&x->req, "Watched"))
        return;
    struct http_watch *watch = arena_new(&x->arena, struct http_watch);
    watch->check = check_right;
    http_watch(x, watch);
}

struct digest_sink {
    struct http_sink sink;
    struct hash *hash;
    struct arena *arena;
    uint64_t n;
    bool slow, entered;
};

static err_t digest_write(struct http_sink *s, slice bytes)
{
    struct digest_sink *d = CONTAINER_OF(s, struct digest_sink, sink);
    EXPECT(!__atomic_exchange_n(&d->entered, true, __ATOMIC_RELAXED)); /* calls never overlap */
    if (d->slow && d->n == 0) {
        increment_and_notify(&disk_waiting);
        wait_for_count(&disk_ready, 1);
    }
    hash_update(d->hash, bytes);
    d->n += bytes.n;
    __atomic_store_n(&d->entered, false, __ATOMIC_RELAXED);
    if (d->n > (8u << 20))
        return err_make(d->arena, ERR_TOO_LARGE, "too large for 8 MiB");
    return NULL;
}

static err_t digest_finish(struct http_sink *s, struct http_exchange *x, err_t e)
{
    struct digest_sink *d = CONTAINER_OF(s, struct digest_sink, sink);
    unsigned char md5[MD5_SIZE];
    hash_final(d->hash, md5);
    hash_free(d->hash);
    increment_and_notify(e ? &sinks_cut : &sinks_finished);
    EXPECT(!e || x->req.trailer_count == 0);
    if (e && d->sink.ends_in_lane) {
        wait_for_count(&gate_open, 1); /* would hold up all that its loop serves */
        http_reply(x, 400, "text/plain", arena_printf(&x->arena, "%llu were kept", (unsigned long long)d->n));
        return NULL;
    }
    if (e)
        return e;
    repeat_trailers(x);
    http_reply(x, 201, "text/plain",
               arena_printf(&x->arena, "%llu %s", (unsigned long long)d->n,
                            hex_encode(&x->arena, (slice){ (char *)md5, MD5_SIZE }).p));
    return NULL;
}

static bool digest_blocks(struct http_sink *s)
{
    return CONTAINER_OF(s, struct digest_sink, sink)->n > 100000;
}

static err_t receive_and_digest(struct http_exchange *x)
{
    if (slice_eq(http_header(&x->req, "Authorization"), S("no"))) {
        http_reply(x, 401, "text/plain", S("go away"));
        return NULL;
    }
    struct digest_sink *d = arena_new(&x->arena, struct digest_sink);
    *d = (struct digest_sink){ { digest_write, digest_finish, digest_blocks },
                               hash_new(HASH_MD5),
                               &x->arena,
                               0,
                               slice_eq(http_header(&x->req, "Authorization"), S("slow")),
                               false };
    d->sink.off_loop = d->sink.ends_in_lane = http_has_header(&x->req, "Keeps");
    http_receive(x, &d->sink);
    return NULL;
}

/* ---- bodies that are received after the handler has passed the exchange on ---- */

static err_t receive_there(struct http_exchange *x)
{
    return x->req.params[0].n ? collect_and_echo(x) : receive_and_digest(x);
}

/* On a worker, as for a record that is written first. */
static err_t pass_to_loop(struct http_exchange *x)
{
    increment_and_notify(&passed_on);
    if (http_has_header(&x->req, "Held"))
        wait_for_count(&gate_open, 1);
    http_on_loop(x, receive_there);
    return NULL;
}

static err_t pass_to_lane(struct http_exchange *x)
{
    http_on_lane(x, HTTP_LANE_ORDINARY, pass_to_loop);
    return NULL;
}

static void count_release(struct http_content *c)
{
    (void)c;
    increment_and_notify(&contents_released);
}

static err_t read_zeros(struct http_content *c, uint64_t offset, char *to, size_t size, struct arena *a,
                        size_t *ret_read)
{
    (void)c;
    (void)a;
    for (size_t i = 0; i < size; i++)
        to[i] = (char)('a' + (offset + i) % 26);
    *ret_read = size;
    return NULL;
}

static err_t read_until_it_fails(struct http_content *c, uint64_t offset, char *to, size_t size, struct arena *a,
                                 size_t *ret_read)
{
    return offset < 200000 ? read_zeros(c, offset, to, size, a, ret_read) : err_make(a, ERR_CORRUPT, "damaged");
}

static _Atomic uint64_t damaged_at; /* a byte of the file; UINT64_MAX: none */
static _Atomic uint64_t bytes_checked;

static err_t check_file(struct http_content *c, uint64_t from, uint64_t to, bool has_left, char *memory,
                        struct arena *a)
{
    (void)c;
    (void)has_left;
    memset(memory, 0, HTTP_CHECK_MEMORY);
    from = from / HTTP_CHECK_MEMORY * HTTP_CHECK_MEMORY; /* whole pieces, as an API has checksums of */
    uint64_t end = (to + HTTP_CHECK_MEMORY - 1) / HTTP_CHECK_MEMORY * HTTP_CHECK_MEMORY;
    bytes_checked += end - from;
    return damaged_at >= from && damaged_at < end ? err_make(a, ERR_CORRUPT, "damaged") : NULL;
}

static err_t reply_with_content(struct http_exchange *x)
{
    struct http_content *c = arena_new(&x->arena, struct http_content);
    *c = (struct http_content){ .fd = -1,
                                .release = count_release,
                                .etag = S("\"tag\""),
                                .content_type = S("text/x"),
                                .last_modified_ms = 784111777000 };
    if (slice_eq(x->req.params[0], S("file"))) {
        c->fd = file_fd;
        c->size_bytes = 3u << 20;
    } else if (slice_eq(x->req.params[0], S("checked"))) {
        c->fd = file_fd;
        c->size_bytes = 3u << 20;
        c->check = check_file;
    } else if (slice_eq(x->req.params[0], S("broken"))) {
        c->read_at = read_until_it_fails;
        c->size_bytes = 1000000;
        c->is_part = true;
        c->part_first = 250000;
        c->part_count = 1000;
    } else if (slice_eq(x->req.params[0], S("memory"))) {
        c->bytes = S("0123456789");
        c->size_bytes = 10;
    } else if (slice_eq(x->req.params[0], S("zipped"))) {
        http_reply_header(x, "X-Kind", S("own"));
        http_content_headers(x);
        http_reply_header(x, "Content-Encoding", S("gzip"));
        http_reply_header(x, "Cache-Control", S("no-cache"));
        c->bytes = S("0123456789");
        c->size_bytes = 10;
        c->head_has_ranges = true;
    } else if (slice_eq(x->req.params[0], S("forged"))) {
        http_reply_header(x, "X-Kept\r\nX-Forged-1", S("a\r\nX-Forged-2: b\0c"));
        c->content_type = S("text/x\r\nX-Forged-3: d\n\nbody");
        c->bytes = S("0123456789");
        c->size_bytes = 10;
    } else if (slice_eq(x->req.params[0], S("nothing"))) {
        c->bytes = S("0123456789");
        c->size_bytes = 10;
        c->is_part = true;
        c->part_first = 10;
    } else if (slice_eq(x->req.params[0], S("part"))) {
        c->bytes = S("0123456789");
        c->size_bytes = 10;
        c->is_part = true;
        c->part_first = 4;
        c->part_count = 3;
    } else {
        c->read_at = slice_eq(x->req.params[0], S("failing")) ? read_until_it_fails : read_zeros;
        c->size_bytes = slice_eq(x->req.params[0], S("long")) ? 1 << 30 : 1000000;
    }
    http_reply_content(x, c);
    return NULL;
}

struct counter {
    struct http_producer producer;
    int left, fails_at;
};

static bool produce_number(struct http_producer *p, struct buf *out, bool *ret_end)
{
    struct counter *c = CONTAINER_OF(p, struct counter, producer);
    buf_printf(out, "%d,", c->left);
    *ret_end = --c->left == 0;
    return c->left != c->fails_at;
}

static err_t reply_with_stream(struct http_exchange *x)
{
    struct counter *c = arena_new(&x->arena, struct counter);
    *c = (struct counter){ { produce_number, NULL }, 5, http_has_header(&x->req, "X-Fail") ? 2 : -1 };
    http_reply_stream(x, 200, "text/plain", &c->producer);
    return NULL;
}

/* ---- functions of an API that refuse ---- */

static err_t refuse_here(struct http_exchange *x)
{
    return err_make(&x->arena, ERR_FORBIDDEN, "refused: " SLICE_FMT, SLICE_ARG(x->req.body));
}

static err_t collect_and_refuse(struct http_exchange *x)
{
    http_collect(x, HTTP_LANE_ORDINARY, 10, refuse_here);
    return NULL;
}

static err_t refuse_on_loop(struct http_exchange *x)
{
    http_on_loop(x, refuse_here);
    return NULL;
}

static void *fail_on_own_thread(void *arg)
{
    struct http_exchange *x = arg;
    static const struct err late = { .code = ERR_FORBIDDEN, .msg = "refused: late", .where = ERR_HERE };
    http_fail(x, &late);
    return NULL;
}

static err_t refuse_later(struct http_exchange *x)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_on_own_thread, x), 0);
    pthread_detach(thread);
    return NULL;
}

static err_t refuse_as_engine(struct http_exchange *x)
{
    return http_refuse(&x->arena, HTTP_REFUSE_BUSY, NULL);
}

static err_t test_guard(struct http_exchange *x)
{
    watch_if_asked(x);
    if (!slice_eq(http_header(&x->req, "Authorization"), S("nobody")))
        return NULL;
    return err_make(&x->arena, ERR_UNAUTHENTICATED, "who are you?");
}

static void fail_in_json(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    int status = refusal                          ? refusal->status
                 : err_is(e, ERR_UNAUTHENTICATED) ? 401
                 : err_is(e, ERR_FORBIDDEN)       ? 403
                 : err_is(e, ERR_REVOKED)         ? 401
                                                  : 413;
    http_reply(x, status, "application/json", arena_printf(&x->arena, "{\"error\":\"%s\"}", e->msg));
}

static const struct http_route routes[] = {
    { "GET", "/hello", reply_hello, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "POST", "/echo", reply_echo, 0, 1000, "" },
    { "POST", "/echo/{what}", reply_echo, HTTP_ON_LOOP, 0, "" },
    { "POST", "/echo/fixed", reply_hello, 0, 0, "" },
    { "GET", "/held", reply_after_gate, 0, 0, "" },
    { "GET", "/hung", reply_after_gate, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "PUT", "/sink", receive_and_digest, HTTP_STREAM, 0, "" },
    { "POST", "/collect/{max}", collect_and_echo, HTTP_STREAM, 0, "" },
    { "PUT", "/later", pass_to_lane, HTTP_STREAM, 0, "" },
    { "POST", "/later/{max}", pass_to_lane, HTTP_STREAM, 0, "" },
    { "GET", "/content/{kind}", reply_with_content, HTTP_ON_LOOP, 0, "" },
    { "GET", "/stream", reply_with_stream, 0, 0, "" },
    { "POST", "/refuse/worker", refuse_here, 0, 0, "" },
    { "POST", "/refuse/loop", refuse_here, HTTP_ON_LOOP, 0, "" },
    { "POST", "/refuse/head", refuse_here, HTTP_STREAM, 0, "" },
    { "POST", "/refuse/collected", collect_and_refuse, HTTP_STREAM, 0, "" },
    { "POST", "/refuse/on-loop", refuse_on_loop, 0, 0, "" },
    { "POST", "/refuse/later", refuse_later, 0, 0, "" },
    { "POST", "/refuse/as-engine", refuse_as_engine, 0, 0, "" },
    { "GET", "/operator", reply_hello, HTTP_LOCAL_ONLY, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = { .name = "test",
                                     .routes = routes,
                                     .route_count = LENGTH_OF(routes),
                                     .prefixes = prefixes,
                                     .guard = test_guard,
                                     .fail = fail_in_json };

/* ---- the client ---- */

static int connect_client(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_all(int fd, slice s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server may have refused and closed the connection */
        s = slice_from(s, (size_t)n);
    }
}

/* Read until the server closes the connection, or until `until` has arrived. */
static slice read_reply(int fd, struct arena *a, slice until)
{
    struct buf b;
    buf_init(&b, 0);
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("the server sends nothing more; so far: '%.*s'", SLICE_ARG(buf_slice(&b)));
        char *at = buf_reserve(&b, 65536);
        ssize_t n = recv(fd, at, 65536, 0);
        if (n <= 0)
            break;
        b.n += (size_t)n;
        if (until.n && slice_find(buf_slice(&b), until) != SLICE_NONE)
            break;
    }
    slice s = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return s;
}

static slice send_and_read(struct arena *a, slice request)
{
    int fd = connect_client();
    send_all(fd, request);
    shutdown(fd, SHUT_WR);
    slice answer = read_reply(fd, a, S(""));
    close(fd);
    return answer;
}

static size_t count_occurrences(slice s, const char *needle)
{
    size_t n = 0, at;
    while ((at = slice_find(s, slice_of(needle))) != SLICE_NONE) {
        n++;
        s = slice_from(s, at + 1);
    }
    return n;
}

static slice body_of(slice answer)
{
    size_t at = slice_find(answer, S("\r\n\r\n"));
    return at == SLICE_NONE ? S("") : slice_from(answer, at + 4);
}

#define EXPECT_HAS(s, text)                                                                                            \
    do {                                                                                                               \
        slice has_ = (s);                                                                                              \
        if (slice_find(has_, slice_of(text)) == SLICE_NONE)                                                            \
            fail_msg("no '%s' in '%.*s'", text, (int)(has_.n > 2000 ? 2000 : has_.n), has_.p);                         \
    } while (0)

/* ---- fixture ---- */

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = { .clock = &manual.clock,
                              .loops = 2,
                              .workers = 2,
                              .body_workers = 3,
                              .body_pool_bytes = POOL_BUFFERS * (size_t)(128 * 1024),
                              .fallback = "test",
                              .linger_ms = 10000,
                              .max_connections_per_address = 200,
                              .worker_queue = 50 };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    slice at;
    EXPECT_OK(http_server_listen(server, &(struct http_listener){ .address = "127.0.0.1:0" }, &a, &at));
    memcpy(address, at.p, at.n + 1);
    EXPECT_OK(http_server_start(server, &a));
    file_fd = memfd_create("content", MFD_CLOEXEC);
    for (int i = 0; i < 3 << 20; i += 4096) {
        char page[4096];
        memset(page, 'A' + i / 4096 % 26, sizeof page);
        EXPECT_EQ(write(file_fd, page, sizeof page), sizeof page);
    }
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(server, 5000);
    http_server_free(server);
    close(file_fd);
    return 0;
}

/* ---- tests ---- */

TEST(a_request_gets_its_reply)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 200 OK\r\n");
    EXPECT_HAS(r, "Date: Sat, 21 Nov 2026 14:04:09 GMT\r\n");
    EXPECT_HAS(r, "X-Request-Id: ");
    EXPECT_HAS(r, "Content-Length: 5\r\n");
    EXPECT_SLICE(body_of(r), S("hello"));
    r = send_and_read(&a, S("HEAD /hello/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "Content-Length: 5\r\n");
    EXPECT_SLICE(body_of(r), S(""));
    r = send_and_read(&a, S("POST /echo/a%2Fb HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"));
    EXPECT_HAS(r, "X-Param: a/b\r\n");
    EXPECT_SLICE(body_of(r), S("xyz"));
    EXPECT_SLICE(body_of(send_and_read(&a, S("POST /echo/fixed HTTP/1.1\r\nHost: x\r\n\r\n"))), S("hello"));
}

TEST(the_api_replies_when_the_engine_refuses)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 404 ");
    EXPECT_HAS(r, "{\"error\":");
    r = send_and_read(&a, S("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 405 ");
    EXPECT_HAS(r, "Allow: GET, HEAD\r\n");
    EXPECT_HAS(send_and_read(&a, S("GET /operator HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 404 ");
    EXPECT_HAS(send_and_read(&a, S("nonsense\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(send_and_read(&a, S("GET /hello HTTP/1.1\r\nHost:")),
               "HTTP/1.1 400 "); /* and then the client closes its side */
    EXPECT_SLICE(send_and_read(&a, S("\r\n")), S(""));
    EXPECT_HAS(send_and_read(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n")), "HTTP/1.1 417 ");
    EXPECT_HAS(send_and_read(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")), "HTTP/1.1 413 ");
    EXPECT_HAS(send_and_read(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")), "HTTP/1.1 400 ");
    EXPECT_HAS(send_and_read(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: nobody\r\n\r\n")),
               "HTTP/1.1 401 ");
}

TEST(an_error_of_the_api_reaches_its_fail_from_wherever_it_is_found)
{
    SCRATCH(a);
    const struct {
        const char *path, *text;
    } cases[] = { { "worker", "refused: body" },    { "loop", "refused: body" },    { "head", "refused: " },
                  { "collected", "refused: body" }, { "on-loop", "refused: body" }, { "later", "refused: late" } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice r = send_and_read(&a, arena_printf(&a,
                                                 "POST /refuse/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                                 "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
                                                 cases[i].path));
        EXPECT_HAS(r, "HTTP/1.1 403 ");
        EXPECT_HAS(r, cases[i].text);
        EXPECT_HAS(r, "\r\n\r\nhello"); /* the connection stays */
    }
    slice r = send_and_read(&a, S("POST /refuse/as-engine HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 503 ");
    EXPECT_HAS(r, "Retry-After: 1\r\n");
}

TEST(the_refusal_of_a_chunked_body_says_what_is_wrong)
{
    SCRATCH(a);
    const slice starts[] = { S("POST /echo HTTP/1.1\r\n"), S("PUT /sink HTTP/1.1\r\n") };
    for (size_t i = 0; i < LENGTH_OF(starts); i++) {
        slice parts[] = { starts[i], S("Host: x\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n") };
        slice r = send_and_read(&a, arena_join(&a, parts, LENGTH_OF(parts)));
        EXPECT_HAS(r, "HTTP/1.1 400 ");
        EXPECT_HAS(r, "a chunk size is not a hexadecimal number below 2^63");
        EXPECT_HAS(r, "Connection: close\r\n");
    }
}

TEST(a_target_that_cannot_name_a_route_is_malformed)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET * HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 400 ");
    EXPECT_HAS(r, "Connection: close\r\n");
    EXPECT_HAS(send_and_read(&a, S("GET /hello?\xe9 HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(send_and_read(&a, S("GET /hello#a HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(send_and_read(&a, S("GET /hello/%00 HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(send_and_read(&a, S("GET /hello/%4 HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
}

TEST(a_request_about_the_server_was_malformed)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                  "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 200 ");
    EXPECT_HAS(r, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    EXPECT_HAS(r, "Content-Length: 0\r\n");
    EXPECT_HAS(r, "\r\n\r\nhello");
}

TEST(an_unknown_method_was_malformed)
{
    SCRATCH(a);
    static const char *const methods[] = { "FETCH", "get", "PROPFIND", "CONNECT" };
    for (size_t i = 0; i < LENGTH_OF(methods); i++) {
        slice r = send_and_read(&a, arena_printf(&a,
                                                 "%s /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                                 "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
                                                 methods[i]));
        EXPECT_HAS(r, "HTTP/1.1 501 ");
        EXPECT_HAS(r, "Connection: close\r\n");
        EXPECT_EQ(count_occurrences(r, "HTTP/1.1 "), 1);
    }
    EXPECT_HAS(send_and_read(&a, S("TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 405 ");
}

TEST(pipelined_requests_are_answered_in_order)
{
    SCRATCH(a);
    slice r = send_and_read(
        &a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
              "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"
              "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 200 OK"), 3);
    EXPECT(slice_find(r, S("first")) < slice_find(r, S("second")));
    EXPECT(slice_find(r, S("second")) < slice_find(r, S("hello")));
}

/* The lines of a reply that repeat_trailers adds. */
static slice trailers_in(slice answer)
{
    size_t from = slice_find(answer, S("X-Trailers: "));
    answer = from == SLICE_NONE ? S("") : slice_from(answer, from);
    size_t to = slice_find(answer, S("Content-Length: "));
    return to == SLICE_NONE ? S("") : slice_part(answer, 0, to);
}

TEST(a_request_split_at_any_byte_gets_the_same_reply)
{
    SCRATCH(a);
    const slice messages[] = {
        S("POST /echo/p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Long: some value\r\n\r\nhello"),
        S("POST /echo/p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\n"
          "X-Sum: t\r\nX-Sum: u\r\n\r\n"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        S("PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
        S("PUT /later HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nEmpty:\r\n"
          "x-SUM:  a:b \r\n\r\n"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: a\r\n "
          "b\r\n\r\n"),
        S("GET /hello HTTP/1.0\r\nA: b\r\n folded\r\n\r\n"),
        S("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab"),
    };
    for (size_t m = 0; m < LENGTH_OF(messages); m++) {
        slice whole = send_and_read(&a, messages[m]);
        for (size_t at = 1; at < messages[m].n; at++) {
            int fd = connect_client();
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
            send_all(fd, slice_part(messages[m], 0, at));
            send_all(fd, slice_from(messages[m], at));
            shutdown(fd, SHUT_WR);
            slice r = read_reply(fd, &a, S(""));
            close(fd);
            EXPECT_SLICE(slice_part(r, 0, 12), slice_part(whole, 0, 12));
            EXPECT_SLICE(trailers_in(r), trailers_in(whole));
            EXPECT_SLICE(body_of(r), body_of(whole));
        }
    }
}

static slice put_header_to(struct arena *a, const char *path, size_t n)
{
    return arena_printf(a, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path, n);
}

static slice put_header(struct arena *a, size_t n)
{
    return put_header_to(a, "/sink", n);
}

static slice patterned_bytes(struct arena *a, size_t n)
{
    char *p = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + i / 257);
    return (slice){ p, n };
}

static slice sum_line(struct arena *a, slice bytes)
{
    unsigned char md5[MD5_SIZE];
    hash_md5(bytes, md5);
    return arena_printf(a, "%zu %s", bytes.n, hex_encode(a, (slice){ (char *)md5, MD5_SIZE }).p);
}

TEST(streamed_bodies_of_every_size_arrive_unchanged)
{
    SCRATCH(a);
    const size_t sizes[] = { 0, 1, 20479, 20480, 20481, 65536, 131072, 131073, 1000000, 8u << 20 };
    for (size_t i = 0; i < 2 * LENGTH_OF(sizes); i++) {
        slice body = patterned_bytes(&a, sizes[i / 2]);
        int fd = connect_client();
        send_all(fd, put_header_to(&a, i % 2 ? "/later" : "/sink", body.n));
        send_all(fd, body);
        send_all(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        slice r = read_reply(fd, &a, S(""));
        close(fd);
        EXPECT_HAS(r, sum_line(&a, body).p);
        EXPECT_EQ(count_occurrences(r, "HTTP/1.1 20"), 2);
    }
}

TEST(chunked_bodies_of_any_chunk_size_arrive_unchanged)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 700000);
    const char *const paths[] = { "/sink", "/later" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        int fd = connect_client();
        send_all(fd, arena_printf(
                         &a, "PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
                         paths[i]));
        for (size_t at = 0, n = 1; at < body.n; at += n, n = n * 3 % 50021 + 1) {
            slice piece = slice_part(body, at, n);
            send_all(fd, arena_printf(&a, "%zx\r\n", piece.n));
            send_all(fd, piece);
            send_all(fd, S("\r\n"));
        }
        send_all(fd, S("0\r\n\r\n"));
        EXPECT_HAS(read_reply(fd, &a, S("")), sum_line(&a, body).p);
        close(fd);
    }
}

static void *upload_rounds(void *arg)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 300000 + (size_t)(uintptr_t)arg * 70001);
    for (int i = rounds(ROUNDS_http_uploads); i > 0; i--) {
        int fd = connect_client();
        send_all(fd, put_header(&a, body.n));
        send_all(fd, body);
        slice want = sum_line(&a, body), r = read_reply(fd, &a, want);
        EXPECT_HAS(r, want.p);
        close(fd);
    }
    return NULL;
}

TEST(sixteen_concurrent_uploads_do_not_mix)
{
    pthread_t threads[16];
    for (uintptr_t i = 0; i < 16; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, upload_rounds, (void *)i), 0);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
}

static uint64_t buffers_in_use(void)
{
    struct http_stats stats;
    http_server_stats(server, &stats);
    return stats.body_buffers;
}

/* A connection that its loop has admitted, so the next one goes to the loop that then has the fewest. */
static int connect_and_get_hello(struct arena *a)
{
    int fd = connect_client();
    send_all(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(read_reply(fd, a, S("\r\n\r\nhello")), "hello");
    return fd;
}

/* Each loop answers a request that was sent after what it could read before. */
static void let_every_loop_turn(struct arena *a)
{
    int fds[8];
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        fds[i] = connect_and_get_hello(a);
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i]);
}

/* With one thread for all bodies of a loop, a write that hung blocked every other upload of that loop. */
TEST(an_upload_uses_at_most_two_buffers)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 1000000), want = sum_line(&a, body); /* eight buffers */
    int slow = connect_client();
    send_all(slow,
             arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: slow\r\nContent-Length: %zu\r\n\r\n",
                          body.n));
    send_all(slow, slice_part(body, 0, 600000));
    wait_for_count(&disk_waiting, 1);
    for (int i = 0; i < 20; i++) /* each loop has read what it wants to read when it answers again */
        let_every_loop_turn(&a);
    EXPECT_EQ(buffers_in_use(), 2);
    increment_and_notify(&disk_ready);
    send_all(slow, slice_from(body, 600000));
    EXPECT_HAS(read_reply(slow, &a, want), want.p);
    close(slow);
    pthread_mutex_lock(&gate_lock);
    disk_ready = disk_waiting = 0;
    pthread_mutex_unlock(&gate_lock);
}

/* Send what fits into the socket now, and return what is left. */
static slice send_some(int fd, slice bytes)
{
    ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    return slice_from(bytes, n < 0 ? 0 : (size_t)n);
}

/* Twice as many uploads as there are buffers, each of which would use two, while the disk takes nothing. */
TEST(uploads_use_no_more_buffers_than_the_pool_has_and_wait_without_a_time_limit)
{
    SCRATCH(a);
    enum { UPLOADS = 2 * POOL_BUFFERS };
    slice body = patterned_bytes(&a, 300000), want = sum_line(&a, body), rest[UPLOADS];
    int fds[UPLOADS];
    for (int i = 0; i < UPLOADS; i++) {
        fds[i] = connect_and_get_hello(&a);
        rest[i] = body;
        send_all(fds[i],
                 arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: slow\r\nContent-Length: %zu\r\n\r\n",
                              body.n));
    }
    for (int after = 0; after < 3; after += buffers_in_use() >= POOL_BUFFERS) {
        for (int i = 0; i < UPLOADS; i++)
            rest[i] = send_some(fds[i], rest[i]);
        let_every_loop_turn(&a);
    }
    for (int i = 0; i < 3; i++) {
        clock_manual_advance(&manual, 3600 * 1000);
        let_every_loop_turn(&a);
        EXPECT_EQ(buffers_in_use(), POOL_BUFFERS);
    }
    increment_and_notify(&disk_ready);
    for (int i = 0; i < UPLOADS; i++) {
        send_all(fds[i], rest[i]);
        EXPECT_HAS(read_reply(fds[i], &a, want), want.p);
        close(fds[i]);
    }
    pthread_mutex_lock(&gate_lock);
    disk_ready = disk_waiting = 0;
    pthread_mutex_unlock(&gate_lock);
}

TEST(an_upload_that_waits_for_its_disk_delays_no_other)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 500000), want = sum_line(&a, body);
    int slow[2];
    for (int i = 0; i < 2; i++) {
        slow[i] = connect_client();
        send_all(slow[i],
                 arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: slow\r\nContent-Length: %zu\r\n\r\n",
                              body.n));
        send_all(slow[i], body);
    }
    wait_for_count(&disk_waiting, 2);
    for (int i = 0; i < 8; i++) {
        int fd = connect_client();
        send_all(fd, put_header(&a, body.n));
        send_all(fd, body);
        EXPECT_HAS(read_reply(fd, &a, want), want.p);
        close(fd);
    }
    increment_and_notify(&disk_ready);
    for (int i = 0; i < 2; i++) {
        EXPECT_HAS(read_reply(slow[i], &a, want), want.p);
        close(slow[i]);
    }
}

TEST(an_upload_that_breaks_off_ends_its_sink_and_frees_its_buffers)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 400000);
    const size_t cuts[] = { 0, 1, 1000, 65536, 65537, 131072, 200000, 399999 };
    int before = sinks_cut;
    for (size_t i = 0; i < LENGTH_OF(cuts); i++) {
        int fd = connect_client();
        send_all(fd, put_header(&a, body.n));
        send_all(fd, slice_part(body, 0, cuts[i]));
        struct linger hard = { 1, 0 };
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* send a reset instead of a normal close */
        close(fd);
    }
    wait_for_count(&sinks_cut, before + (int)LENGTH_OF(cuts));
    struct http_stats stats;
    http_server_stats(server, &stats);
    EXPECT_EQ(stats.body_buffers, 0);
    /* a client that closed only its side still gets a reply */
    EXPECT_HAS(send_and_read(&a, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")),
               "HTTP/1.1 400 ");
}

TEST(a_client_can_read_the_refusal_of_a_body_that_the_sink_refuses)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 16u << 20);
    int fd = connect_client();
    send_all(fd, put_header(&a, body.n));
    send_all(fd, body);
    slice r = read_reply(fd, &a, S("too large"));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
    close(fd);
}

TEST(a_refused_upload_that_breaks_off_ends_its_connection)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, (8u << 20) + 900000);
    int fd = connect_client();
    send_all(fd, put_header(&a, body.n));
    send_all(fd, slice_part(body, 0, body.n - 500000));
    EXPECT_HAS(read_reply(fd, &a, S("too large")), "HTTP/1.1 413 ");
    shutdown(fd, SHUT_WR);
    EXPECT_SLICE(read_reply(fd, &a, S("")), S("")); /* the connection was closed */
    close(fd);
}

TEST(a_body_that_is_too_large_and_then_malformed_is_too_large)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 1100);
    slice r = send_and_read(&a, arena_printf(&a,
                                             "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                             "44c\r\n%s\r\nnonsense\r\n",
                                             hex_encode(&a, slice_part(body, 0, 550)).p));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
}

TEST(continue_is_sent_only_when_the_body_is_accepted)
{
    SCRATCH(a);
    int fd = connect_client();
    send_all(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    EXPECT_HAS(read_reply(fd, &a, S("\r\n\r\n")), "HTTP/1.1 100 Continue");
    send_all(fd, S("hello"));
    EXPECT_HAS(read_reply(fd, &a, S("5d41402abc")), "HTTP/1.1 201 ");
    close(fd);
    fd = connect_client();
    send_all(
        fd,
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    slice r = read_reply(fd, &a, S(""));
    EXPECT_HAS(r, "HTTP/1.1 401 ");
    EXPECT_EQ(count_occurrences(r, "100 Continue"), 0);
    EXPECT_HAS(r, "Connection: close");
    close(fd);
}

TEST(a_streaming_route_can_collect_the_body_of_an_ordinary_request)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("POST /collect/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));
    EXPECT_HAS(r, "HTTP/1.1 200 ");
    EXPECT_SLICE(body_of(r), S("hello"));
    EXPECT_SLICE(body_of(send_and_read(&a, S("POST /collect/5 HTTP/1.1\r\nHost: x\r\n\r\n"))), S(""));
    r = send_and_read(
        &a, S("POST /collect/9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    EXPECT_SLICE(body_of(r), S("hello"));
    EXPECT_HAS(send_and_read(&a, S("POST /collect/4 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")),
               "HTTP/1.1 413 ");
    r = send_and_read(
        &a, S("POST /collect/4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
    /* The body is dropped, and the connection persists. */
    r = send_and_read(&a, S("POST /collect/0 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                            "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 200 "), 2);
    EXPECT_HAS(r, "X-Param: 0\r\n");
    EXPECT_HAS(send_and_read(
                   &a, S("POST /collect/9 HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nContent-Length: 5\r\n\r\nhello")),
               "HTTP/1.1 401 ");
}

TEST(a_client_can_read_a_refusal_while_it_sends_64_MiB)
{
    SCRATCH(a);
    int fd = connect_client();
    send_all(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 67108864\r\n\r\n"));
    slice piece = patterned_bytes(&a, 1 << 20);
    for (int i = 0; i < 64; i++)
        send_all(fd, piece);
    EXPECT_HAS(read_reply(fd, &a, S("")), "HTTP/1.1 401 ");
    close(fd);
    /* a short body is read to its end, and the connection persists */
    slice r = send_and_read(&a, S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 5\r\n\r\nhello"
                                  "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 401 "), 1);
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 200 "), 1);
}

TEST(downloads_obey_ranges_and_conditions)
{
    SCRATCH(a);
    const char *const kinds[] = { "file", "memory", "computed" };
    int before = contents_released;
    for (int i = 0; i < 3; i++) {
#define GET(headers)                                                                                                   \
    send_and_read(&a, arena_printf(&a, "GET /content/%s HTTP/1.1\r\nHost: x\r\n" headers "\r\n", kinds[i]))
        slice whole = GET("");
        EXPECT_HAS(whole, "HTTP/1.1 200 OK");
        EXPECT_HAS(whole, "ETag: \"tag\"");
        EXPECT_EQ(body_of(whole).n, i == 0 ? 3 << 20 : i == 1 ? 10 : 1000000);
        slice part = GET("Range: bytes=2-5\r\n");
        EXPECT_HAS(part, "HTTP/1.1 206 ");
        EXPECT_SLICE(body_of(part), slice_part(body_of(whole), 2, 4));
        EXPECT_HAS(part, "Content-Range: bytes 2-5/");
        EXPECT_SLICE(body_of(GET("Range: bytes=-3\r\n")), slice_from(body_of(whole), body_of(whole).n - 3));
        slice outside = GET("Range: bytes=9999999-\r\n");
        EXPECT_HAS(outside, "HTTP/1.1 416 ");
        EXPECT_HAS(outside, "Content-Range: bytes */");
        EXPECT(body_of(outside).n > 0); /* worded by the API */
        EXPECT_HAS(GET("Range: bytes=0-0,2-2\r\n"), "HTTP/1.1 200 ");
        slice same = GET("If-None-Match: \"tag\"\r\n");
        EXPECT_HAS(same, "HTTP/1.1 304 ");
        EXPECT_SLICE(body_of(same), S(""));
        EXPECT_HAS(GET("If-Match: \"other\"\r\n"), "HTTP/1.1 412 ");
        EXPECT_HAS(GET("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "HTTP/1.1 304 ");
        slice head = send_and_read(&a, arena_printf(&a, "HEAD /content/%s HTTP/1.1\r\nHost: x\r\n\r\n", kinds[i]));
        EXPECT_SLICE(body_of(head), S(""));
        EXPECT_HAS(head, "Content-Length: ");
#undef GET
    }
    wait_for_count(&contents_released, before + 3 * 9);
}

TEST(a_part_of_a_content_is_sent_like_a_range)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /content/part HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Range: bytes 4-6/10\r\n");
    EXPECT_SLICE(body_of(r), S("456"));
    r = send_and_read(&a, S("HEAD /content/part HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Length: 3\r\n");
    EXPECT_HAS(send_and_read(&a, S("GET /content/part HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"tag\"\r\n\r\n")),
               "HTTP/1.1 304 ");
}

TEST(an_empty_part_of_a_content_is_sent_as_an_empty_reply)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /content/nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 200 ");
    EXPECT_HAS(r, "Content-Length: 0\r\n");
    EXPECT_SLICE(body_of(r), S(""));
}

TEST(a_refusal_drops_the_headers_of_the_content)
{
    SCRATCH(a);
    static const char *const refused[] = { "Range: bytes=10-", "If-Match: \"other\"" };
    for (size_t i = 0; i < LENGTH_OF(refused); i++) {
        slice r =
            send_and_read(&a, arena_printf(&a, "GET /content/zipped HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", refused[i]));
        EXPECT_HAS(r, i ? "HTTP/1.1 412 " : "HTTP/1.1 416 ");
        EXPECT_HAS(r, "X-Kind: own\r\n");
        EXPECT(slice_find(r, S("Content-Encoding")) == SLICE_NONE);
    }
    EXPECT_HAS(send_and_read(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n")),
               "Content-Range: bytes */10\r\n");
}

/* boto3#4765: a 304 with the checksum of the object made a client compare it with a body that was not there. */
TEST(a_304_had_headers_that_describe_a_body)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"tag\"\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 304 ");
    EXPECT_HAS(r, "X-Kind: own\r\n");
    EXPECT_HAS(r, "ETag: \"tag\"\r\n");
    EXPECT_HAS(r, "Cache-Control: no-cache\r\n");
    EXPECT(slice_find(r, S("Content-Encoding")) == SLICE_NONE);
}

TEST(a_compressed_body_that_would_lose_its_label_is_refused)
{
    SCRATCH(a);
    slice r = send_and_read(
        &a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"));
    EXPECT_HAS(r, "HTTP/1.1 415 ");
    EXPECT_HAS(r, "Accept-Encoding: identity\r\n");
    EXPECT_HAS(send_and_read(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\n"
                                   "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc")),
               "HTTP/1.1 415 ");
    EXPECT_HAS(send_and_read(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\n"
                                   "Content-Length: 3\r\n\r\nabc")),
               "HTTP/1.1 200 ");
    EXPECT_HAS(send_and_read(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n\r\n")),
               "HTTP/1.1 200 ");
}

TEST(a_list_of_etags_may_stand_in_several_lines)
{
    SCRATCH(a);
    EXPECT_HAS(send_and_read(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\"\r\n"
                                   "If-None-Match: \"tag\"\r\n\r\n")),
               "HTTP/1.1 304 ");
    EXPECT_HAS(send_and_read(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nIf-Match: \"a\"\r\n"
                                   "If-Match: \"tag\"\r\n\r\n")),
               "HTTP/1.1 200 ");
}

/* Names and values of headers that were stored may come from a backup that somebody else has made. */
TEST(a_stored_content_type_added_headers_to_the_reply)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /content/forged HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "\r\nContent-Type: text/x  X-Forged-3: d  body\r\n");
    EXPECT_HAS(r, "\r\nX-Kept  X-Forged-1: a  X-Forged-2: b c\r\n");
    EXPECT_EQ(count_occurrences(r, "\nX-Forged"), 0);
    EXPECT_SLICE(body_of(r), S("0123456789"));
}

TEST(range_applies_to_head_only_where_the_api_asks_for_it)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("HEAD /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=2-5\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Length: 4\r\n");
    EXPECT_HAS(r, "Content-Range: bytes 2-5/10\r\n");
    EXPECT_HAS(send_and_read(&a, S("HEAD /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n")),
               "HTTP/1.1 416 ");
    EXPECT_HAS(send_and_read(&a, S("HEAD /content/memory HTTP/1.1\r\nHost: x\r\nRange: bytes=2-5\r\n\r\n")),
               "HTTP/1.1 200 ");
}

TEST(a_produced_reply_is_chunked_or_ends_with_the_connection)
{
    SCRATCH(a);
    EXPECT_SLICE(body_of(send_and_read(&a, S("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"))),
                 S("2\r\n5,\r\n2\r\n4,\r\n2\r\n3,\r\n2\r\n2,\r\n2\r\n1,\r\n0\r\n\r\n"));
    EXPECT_SLICE(body_of(send_and_read(&a, S("GET /stream HTTP/1.0\r\n\r\n"))), S("5,4,3,2,1,"));
}

/* The client must not take the body for complete: it gets neither all announced bytes nor the last chunk. */
TEST(seaweedfs_9149_a_failing_read_closes_the_connection)
{
    SCRATCH(a);
    slice r = send_and_read(&a, S("GET /content/failing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "Content-Length: 1000000\r\n");
    EXPECT(body_of(r).n < 1000000);
    r = send_and_read(&a, S("GET /stream HTTP/1.1\r\nHost: x\r\nX-Fail: yes\r\n\r\n"));
    EXPECT_HAS(r, "Transfer-Encoding: chunked\r\n");
    EXPECT(slice_find(body_of(r), S("0\r\n\r\n")) == SLICE_NONE);
}

static slice get_checked(struct arena *a, uint64_t damage, const char *range)
{
    damaged_at = damage;
    bytes_checked = 0;
    return send_and_read(
        a, arena_printf(a, "GET /content/checked HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", range));
}

TEST(d7_damaged_bytes_are_refused_before_the_head_or_cut)
{
    SCRATCH(a);
    slice r = get_checked(&a, UINT64_MAX, "");
    EXPECT_EQ(body_of(r).n, 3u << 20);
    EXPECT_EQ(bytes_checked, 3u << 20); /* each piece once */
    r = get_checked(&a, 5, "");
    EXPECT_HAS(r, "{\"error\":\"damaged\"}");
    EXPECT(slice_find(r, S("ETag")) == SLICE_NONE && slice_find(r, S("Accept-Ranges")) == SLICE_NONE);
    EXPECT(slice_find(r, S("Last-Modified")) == SLICE_NONE);
    for (uint64_t at = HTTP_CHECK_MEMORY; at < 3u << 20; at += 9 * HTTP_CHECK_MEMORY) {
        r = get_checked(&a, at, "");
        EXPECT_HAS(r, "HTTP/1.1 200 ");
        EXPECT_HAS(r, "Content-Length: 3145728\r\n");
        EXPECT(body_of(r).n <= at);
    }
    r = get_checked(&a, 1000000, "Range: bytes=1000001-1000002\r\n");
    EXPECT_HAS(r, "{\"error\":\"damaged\"}");
    EXPECT(slice_find(r, S("Content-Range")) == SLICE_NONE);
    r = get_checked(&a, 1000000, "Range: bytes=2000001-2999999\r\n");
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_EQ(body_of(r).n, 999999);
    EXPECT_EQ(bytes_checked, (2999999 / HTTP_CHECK_MEMORY - 2000001 / HTTP_CHECK_MEMORY + 1) * HTTP_CHECK_MEMORY);
    r = send_and_read(&a, S("GET /content/broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    EXPECT_HAS(r, "{\"error\":\"damaged\"}");
    r = send_and_read(&a, S("HEAD /content/broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 "); /* sends no bytes */
}

/* The kernel buffers at most half of eight replies of 1 MB, so the server has to wait until the client reads. */
TEST(a_slow_reader_receives_every_byte)
{
    SCRATCH(a);
    int fd = connect_client();
    int small = 16384;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 7; i++)
        send_all(fd, S("GET /content/computed HTTP/1.1\r\nHost: x\r\n\r\n"));
    send_all(fd, S("GET /content/computed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    slice r = read_reply(fd, &a, S(""));
    for (int i = 0; i < 8; i++) {
        slice body = body_of(r);
        EXPECT(body.n >= 1000000);
        r = slice_from(body, 1000000);
    }
    EXPECT_EQ(r.n, 0);
    close(fd);
}

TEST(heads_over_their_limits_are_431)
{
    SCRATCH(a);
    char *long_line = arena_alloc(&a, 1 << 20);
    memset(long_line, 'a', (1 << 20) - 1);
    EXPECT_HAS(send_and_read(&a, arena_printf(&a, "GET /hello HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", long_line)),
               "HTTP/1.1 431 ");
    struct buf many;
    buf_init(&many, 0);
    buf_add(&many, S("GET /hello HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 10000; i++)
        buf_printf(&many, "H%d: 1\r\n", i);
    buf_add(&many, S("\r\n"));
    EXPECT_HAS(send_and_read(&a, buf_slice(&many)), "HTTP/1.1 431 ");
    buf_release(&many);
}

/* Move the clock until the server replies or closes the connection. */
static slice tick_until_closed(int fd, struct arena *a)
{
    for (int i = 0; i < 4000; i++) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, 5) == 1)
            return read_reply(fd, a, S(""));
        clock_manual_advance(&manual, 1000);
        http_server_wake(server);
    }
    fail_msg("the server does not time out");
    return S("");
}

/* A disabled user's upload went on until its last byte, and was kept; downloads went on as long as the user read. */
TEST(a_request_that_lost_its_right_went_on_to_its_end)
{
    SCRATCH(a);
    int cut = sinks_cut;
    int upload = connect_client(), collected = connect_client(), download = connect_client();
    int size = 16384;
    setsockopt(download, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    send_all(upload, S("PUT /sink HTTP/1.1\r\nHost: x\r\nWatched: 1\r\nContent-Length: 5000000\r\n\r\nabc"));
    send_all(collected, S("POST /echo HTTP/1.1\r\nHost: x\r\nWatched: 1\r\nContent-Length: 10\r\n\r\nabc"));
    send_all(download, S("GET /content/long HTTP/1.1\r\nHost: x\r\nWatched: 1\r\n\r\n"));
    read_reply(download, &a, S("abcdef"));
    __atomic_store_n(&right_has_ended, true, __ATOMIC_RELAXED);
    EXPECT_HAS(tick_until_closed(upload, &a), "the right has ended");
    EXPECT_HAS(tick_until_closed(collected, &a), "the right has ended");
    EXPECT(read_reply(download, &a, S("")).n < 1 << 29);
    EXPECT_EQ(sinks_cut, cut + 1);
    __atomic_store_n(&right_has_ended, false, __ATOMIC_RELAXED);
    EXPECT_HAS(send_and_read(&a, S("PUT /sink HTTP/1.1\r\nHost: x\r\nWatched: 1\r\nContent-Length: 3\r\n\r\nabc")),
               "HTTP/1.1 201 ");
    close(upload);
    close(collected);
    close(download);
}

#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

TEST(the_first_trailers_of_a_chunked_body_reach_its_handler)
{
    SCRATCH(a);
    const char *const starts[] = { "PUT /sink", "PUT /later", "POST /echo", "POST /collect/9", "POST /later/9" };
    slice many = S("");
    for (int i = 0; i < 20; i++) {
        slice parts[] = { many, i == 15 ? S("X-Sum: right\r\n") : i == 16 ? S("X-Late: 1\r\n") : S("Other: o\r\n") };
        many = arena_join(&a, parts, LENGTH_OF(parts));
    }
    for (size_t i = 0; i < LENGTH_OF(starts); i++) {
        const char *head = arena_printf(&a, "%s HTTP/1.1\r\nHost: x\r\n" CHUNKED, starts[i]).p;
        slice r = send_and_read(&a, arena_printf(&a,
                                                 "%s5\r\nhello\r\n0\r\nA: \r\nx-sUM: \t a:b \t\r\nX-Sum: c\r\n\r\n"
                                                 "%s5\r\nhello\r\n0\r\n" SLICE_FMT "\r\n%s0\r\n\r\n",
                                                 head, head, SLICE_ARG(many), head));
        EXPECT_HAS(r, "X-Trailers: 3\r\nX-Sum: a:b\r\n");
        EXPECT_HAS(r, "X-Trailers: 16\r\nX-Sum: right\r\n");
        EXPECT_EQ(count_occurrences(r, "X-Trailers: "), 2);
        EXPECT_EQ(count_occurrences(r, "HTTP/1.1 20"), 3);
    }
}

TEST(the_trailers_of_a_large_body_reach_its_sink)
{
    SCRATCH(a);
    slice body = patterned_bytes(&a, 500000);
    int fd = connect_client();
    send_all(fd, arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\n" CHUNKED "%zx\r\n", body.n));
    send_all(fd, body);
    send_all(fd, S("\r\n0\r\nX-Sum: of"));
    send_all(fd, S(" all\r\n\r\n"));
    EXPECT_HAS(read_reply(fd, &a, sum_line(&a, body)), "X-Trailers: 1\r\nX-Sum: of all\r\n");
    close(fd);
}

TEST(trailers_of_bodies_that_nobody_takes_are_dropped)
{
    SCRATCH(a);
    const char *const starts[] = { "PUT /sink HTTP/1.1\r\nAuthorization: no\r\n", "GET /hello HTTP/1.1\r\n",
                                   "POST /collect/0 HTTP/1.1\r\n", "POST /collect/4 HTTP/1.1\r\n" };
    for (size_t i = 0; i < LENGTH_OF(starts); i++) {
        slice r = send_and_read(
            &a, arena_printf(&a, "%sHost: x\r\n" CHUNKED "5\r\nhello\r\n0\r\nX-Sum: a\r\n\r\n", starts[i]));
        EXPECT_HAS(r, i == 0 ? "HTTP/1.1 401 " : i == 3 ? "HTTP/1.1 413 " : "HTTP/1.1 200 ");
        EXPECT_EQ(count_occurrences(r, "X-Trailers"), 0);
    }
    char *value = arena_alloc(&a, 17000);
    memset(value, 'v', 17000);
    slice r = send_and_read(
        &a, arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\n" CHUNKED "0\r\nX-Sum: %.17000s\r\n\r\n", value));
    EXPECT_HAS(r, "HTTP/1.1 400 ");
    EXPECT_HAS(r, "trailers are too long");
    int cut = sinks_cut; /* a client that goes away in the middle of a trailer */
    int fd = connect_client();
    send_all(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\n" CHUNKED "5\r\nhello\r\n0\r\nX-Sum: a"));
    close(fd);
    wait_for_count(&sinks_cut, cut + 1);
}

/* Of what the tests before this one have sent, nothing is counted any more. */
TEST(the_memory_of_trailers_is_given_back)
{
    struct http_stats stats;
    for (int i = 0; i < WAIT_MS; i++) {
        http_server_stats(server, &stats);
        if (stats.memory_used == 0)
            return;
        poll(NULL, 0, 1); /* the loops may still be ending the last exchanges */
    }
    fail_msg("%llu bytes are still counted", (unsigned long long)stats.memory_used);
}

static void close_gate(void)
{
    pthread_mutex_lock(&gate_lock);
    gate_open = 0;
    pthread_mutex_unlock(&gate_lock);
}

/* Send a request whose handler passes it on, and wait until it is there and held. */
static int send_held(slice request)
{
    int fd = connect_client(), before = passed_on;
    send_all(fd, request);
    wait_for_count(&passed_on, before + 1);
    return fd;
}

static void expect_silence(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };
    EXPECT_EQ(poll(&p, 1, 0), 0);
}

TEST(continue_is_sent_only_when_a_body_is_received_later)
{
    SCRATCH(a);
    int fd =
        send_held(S("PUT /later HTTP/1.1\r\nHost: x\r\nHeld: 1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    expect_silence(fd);
    increment_and_notify(&gate_open);
    EXPECT_HAS(read_reply(fd, &a, S("\r\n\r\n")), "HTTP/1.1 100 Continue");
    send_all(fd, S("hello"));
    EXPECT_HAS(read_reply(fd, &a, S("5d41402abc")), "HTTP/1.1 201 ");
    send_all(fd, S("PUT /later HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 5\r\n"
                   "Expect: 100-continue\r\n\r\n"));
    slice r = read_reply(fd, &a, S(""));
    EXPECT_HAS(r, "HTTP/1.1 401 ");
    EXPECT_EQ(count_occurrences(r, "100 Continue"), 0);
    close(fd);
    close_gate();
}

TEST(a_body_that_came_before_it_was_asked_for_is_received)
{
    SCRATCH(a);
    int fd = send_held(S("PUT /later HTTP/1.1\r\nHost: x\r\nHeld: 1\r\nContent-Length: 5\r\n\r\nhello"
                         "PUT /later HTTP/1.1\r\nHost: x\r\nHeld: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    increment_and_notify(&gate_open);
    slice r = read_reply(fd, &a, S(""));
    EXPECT_EQ(count_occurrences(r, "5d41402abc"), 2);
    EXPECT_HAS(r, "\r\n\r\nhello");
    close(fd);
    close_gate();
}

TEST(a_client_that_goes_away_before_its_body_is_asked_for_ends_its_sink)
{
    SCRATCH(a);
    const char *const bodies[] = { "Content-Length: 400000\r\n\r\nabc", "Content-Length: 5\r\n\r\nabc",
                                   "Transfer-Encoding: chunked\r\n\r\n5\r\nab" };
    for (size_t i = 0; i < 2 * LENGTH_OF(bodies); i++) {
        int before = sinks_cut;
        int fd = send_held(arena_printf(&a, "PUT /later HTTP/1.1\r\nHost: x\r\nHeld: 1\r\n%s", bodies[i / 2]));
        struct linger hard = { 1, 0 };
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* send a reset instead of a normal close */
        close(fd);
        increment_and_notify(&gate_open);
        wait_for_count(&sinks_cut, before + 1);
        close_gate();
    }
}

TEST(what_came_of_a_body_that_is_cut_goes_to_a_sink_that_keeps_it)
{
    SCRATCH(a);
    static const size_t sizes[] = { 3, 70000, 200001, 3 << 20 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        char *body = memset(arena_alloc(&a, sizes[i]), 'k', sizes[i]);
        int fd = connect_client(), before = sinks_cut;
        send_all(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nKeeps: 1\r\nContent-Length: 4000000\r\n\r\n"));
        send_all(fd, (slice){ body, sizes[i] });
        shutdown(fd, SHUT_WR);
        wait_for_count(&sinks_cut, before + 1);
        for (int other = 0; other < 8; other++) { /* on every loop */
            int client = connect_client();
            send_all(client, S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
            EXPECT_HAS(read_reply(client, &a, S("")), "HTTP/1.1 200 ");
            close(client);
        }
        increment_and_notify(&gate_open);
        EXPECT_HAS(read_reply(fd, &a, S("")), arena_printf(&a, "\r\n\r\n%zu were kept", sizes[i]).p);
        close(fd);
        close_gate();
    }
}

TEST(the_time_of_a_body_begins_when_it_is_asked_for)
{
    SCRATCH(a);
    int cut = sinks_cut, passed = passed_on;
    int fd = send_held(S("PUT /later HTTP/1.1\r\nHost: x\r\nHeld: 1\r\nContent-Length: 5000000\r\n\r\nabc"));
    int other = connect_client(); /* its time-outs show that the loops have seen the time */
    EXPECT_SLICE(tick_until_closed(other, &a), S(""));
    close(other);
    clock_manual_advance(&manual, 100000);
    http_server_wake(server);
    expect_silence(fd);
    increment_and_notify(&gate_open);
    EXPECT_HAS(tick_until_closed(fd, &a), "HTTP/1.1 408 ");
    EXPECT_EQ(sinks_cut, cut + 1);
    EXPECT_EQ(passed_on, passed + 1);
    close(fd);
    close_gate();
}

TEST(a_body_can_be_collected_later)
{
    SCRATCH(a);
    slice r = send_and_read(
        &a, S("POST /later/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
              "POST /later/9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"
              "POST /later/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
              "POST /later/0 HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\ndropped"
              "POST /later/4 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nlarge"
              "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 200 OK"), 5);
    EXPECT_EQ(count_occurrences(r, "HTTP/1.1 413 "), 1);
    EXPECT(slice_find(r, S("first")) < slice_find(r, S("second")));
    EXPECT_EQ(count_occurrences(r, "dropped"), 0);
    EXPECT_HAS(r, "\r\n\r\nhello");
}

TEST(slow_clients_are_disconnected)
{
    SCRATCH(a);
    int fd = connect_client();
    send_all(fd, S("GET /hello HT"));
    EXPECT_HAS(tick_until_closed(fd, &a), "HTTP/1.1 408 ");
    close(fd);
    fd = connect_client();
    EXPECT_SLICE(tick_until_closed(fd, &a), S(""));
    close(fd);
    fd = connect_client();
    send_all(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    read_reply(fd, &a, S("hello"));
    EXPECT_SLICE(tick_until_closed(fd, &a), S(""));
    close(fd);
    int cut = sinks_cut;
    fd = connect_client();
    send_all(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nabc"));
    EXPECT_HAS(tick_until_closed(fd, &a), "HTTP/1.1 408 ");
    wait_for_count(&sinks_cut, cut + 1);
    close(fd);
}

TEST(the_loop_answers_while_all_workers_are_busy)
{
    SCRATCH(a);
    int fds[4], before = gate_waiting;
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_client();
        send_all(fds[i], S("GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    }
    wait_for_count(&gate_waiting, before + 2);
    EXPECT_HAS(send_and_read(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "hello");
    close(fds[3]); /* this client goes away before a worker is free */
    increment_and_notify(&gate_open);
    for (int i = 0; i < 3; i++) {
        EXPECT_HAS(read_reply(fds[i], &a, S("")), "late");
        close(fds[i]);
    }
    wait_for_count(&gate_waiting, before + 4);
    close_gate();
}

/* Asks until the engine answers so. */
static void wait_for_ping(bool alive)
{
    for (int64_t left = WAIT_MS; http_server_ping(server) != alive; left -= 10) {
        if (left <= 0)
            fail_msg("the loops are not %s", alive ? "alive" : "hung");
        poll(NULL, 0, 10);
    }
}

TEST(a_hung_loop_answers_no_ping_until_it_goes_on)
{
    SCRATCH(a);
    close_gate();
    wait_for_ping(true);
    int waiting = gate_waiting, fd = connect_client();
    send_all(fd, S("GET /hung HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    wait_for_count(&gate_waiting, waiting + 1);
    http_server_ping(server); /* the ping before may have been answered before the loop hung */
    for (int i = 0; i < 3; i++)
        EXPECT(!http_server_ping(server));
    increment_and_notify(&gate_open);
    EXPECT_HAS(read_reply(fd, &a, S("")), "late");
    close(fd);
    close_gate();
    wait_for_ping(true);
}

TEST(one_address_cannot_use_all_connections)
{
    SCRATCH(a);
    int fds[210], refused = 0;
    struct http_stats before, now;
    http_server_stats(server, &before);
    for (int i = 0; i < 210; i++)
        fds[i] = connect_client();
    do
        http_server_stats(server, &now); /* no connection may end before all of them were counted */
    while (now.connections_accepted < before.connections_accepted + 210);
    for (int i = 0; i < 210; i++)
        send_all(fds[i], S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    for (int i = 0; i < 210; i++) {
        slice r = read_reply(fds[i], &a, S(""));
        refused += r.n == 0 || slice_find(r, S("HTTP/1.1 503 ")) != SLICE_NONE;
        close(fds[i]);
    }
    EXPECT(refused >= 10 && refused < 60);
}

static slice ask_hello(int fd, struct arena *a)
{
    send_all(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    return read_reply(fd, a, S("hello"));
}

/* A process that a debugger or a library has forked holds all sockets until it calls exec. This one holds them until `*ret_gate`
 * is closed. */
static pid_t fork_holder(int *ret_gate)
{
    int gate[2];
    char byte;
    EXPECT_EQ(pipe2(gate, O_CLOEXEC), 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        close(gate[1]);
        _exit((int)TEMP_FAILURE_RETRY(read(gate[0], &byte, 1)));
    }
    close(gate[0]);
    *ret_gate = gate[1];
    return child;
}

TEST(epoll_reported_a_freed_connection_whose_socket_another_process_held)
{
    SCRATCH(a);
    struct http_stats before, now;
    int gate, status, fd = connect_client();
    EXPECT_HAS(ask_hello(fd, &a), "hello"); /* it has been accepted, so the child holds it, too */
    http_server_stats(server, &before);
    pid_t child = fork_holder(&gate);
    send_all(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    EXPECT_HAS(read_reply(fd, &a, S("hello")), "Connection: close");
    do
        http_server_stats(server, &now);
    while (now.connections_open >= before.connections_open);
    shutdown(fd, SHUT_RDWR); /* an event, if the socket is still watched */
    close(fd);
    int each[2]; /* a connection on each loop: both have seen their events when these have their replies */
    for (int i = 0; i < 2; i++) {
        each[i] = connect_client();
        EXPECT_HAS(ask_hello(each[i], &a), "hello");
    }
    close(each[0]);
    close(each[1]);
    close(gate);
    EXPECT_EQ(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)), child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *stop_server_thread(void *arg)
{
    http_server_stop(server, 10000);
    return arg;
}

TEST(a_stopping_server_finishes_running_requests)
{
    SCRATCH(a);
    int before = gate_waiting;
    int fd = connect_client(), idle = connect_client();
    send_all(fd, S("GET /held HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for_count(&gate_waiting, before + 1);
    pthread_t stopper;
    EXPECT_EQ(pthread_create(&stopper, NULL, stop_server_thread, NULL), 0);
    EXPECT_SLICE(read_reply(idle, &a, S("")), S("")); /* idle connections are closed at once */
    increment_and_notify(&gate_open);
    slice r = read_reply(fd, &a, S(""));
    EXPECT_HAS(r, "late");
    EXPECT_HAS(r, "Connection: close");
    pthread_join(stopper, NULL);
    close(fd);
    close(idle);
}

RUN_TESTS_WITH(
    start_server, stop_server, cmocka_unit_test(a_request_gets_its_reply),
    cmocka_unit_test(the_api_replies_when_the_engine_refuses),
    cmocka_unit_test(an_error_of_the_api_reaches_its_fail_from_wherever_it_is_found),
    cmocka_unit_test(the_refusal_of_a_chunked_body_says_what_is_wrong),
    cmocka_unit_test(a_target_that_cannot_name_a_route_is_malformed),
    cmocka_unit_test(a_request_about_the_server_was_malformed), cmocka_unit_test(an_unknown_method_was_malformed),
    cmocka_unit_test(pipelined_requests_are_answered_in_order),
    cmocka_unit_test(a_request_split_at_any_byte_gets_the_same_reply),
    cmocka_unit_test(streamed_bodies_of_every_size_arrive_unchanged),
    cmocka_unit_test(chunked_bodies_of_any_chunk_size_arrive_unchanged),
    cmocka_unit_test(sixteen_concurrent_uploads_do_not_mix), cmocka_unit_test(an_upload_uses_at_most_two_buffers),
    cmocka_unit_test(uploads_use_no_more_buffers_than_the_pool_has_and_wait_without_a_time_limit),
    cmocka_unit_test(an_upload_that_waits_for_its_disk_delays_no_other),
    cmocka_unit_test(an_upload_that_breaks_off_ends_its_sink_and_frees_its_buffers),
    cmocka_unit_test(a_client_can_read_the_refusal_of_a_body_that_the_sink_refuses),
    cmocka_unit_test(a_refused_upload_that_breaks_off_ends_its_connection),
    cmocka_unit_test(a_body_that_is_too_large_and_then_malformed_is_too_large),
    cmocka_unit_test(continue_is_sent_only_when_the_body_is_accepted),
    cmocka_unit_test(a_streaming_route_can_collect_the_body_of_an_ordinary_request),
    cmocka_unit_test(a_client_can_read_a_refusal_while_it_sends_64_MiB),
    cmocka_unit_test(downloads_obey_ranges_and_conditions), cmocka_unit_test(a_part_of_a_content_is_sent_like_a_range),
    cmocka_unit_test(an_empty_part_of_a_content_is_sent_as_an_empty_reply),
    cmocka_unit_test(a_refusal_drops_the_headers_of_the_content),
    cmocka_unit_test(a_304_had_headers_that_describe_a_body),
    cmocka_unit_test(a_compressed_body_that_would_lose_its_label_is_refused),
    cmocka_unit_test(a_list_of_etags_may_stand_in_several_lines),
    cmocka_unit_test(a_stored_content_type_added_headers_to_the_reply),
    cmocka_unit_test(range_applies_to_head_only_where_the_api_asks_for_it),
    cmocka_unit_test(a_produced_reply_is_chunked_or_ends_with_the_connection),
    cmocka_unit_test(seaweedfs_9149_a_failing_read_closes_the_connection),
    cmocka_unit_test(d7_damaged_bytes_are_refused_before_the_head_or_cut),
    cmocka_unit_test(a_slow_reader_receives_every_byte), cmocka_unit_test(heads_over_their_limits_are_431),
    cmocka_unit_test(a_request_that_lost_its_right_went_on_to_its_end),
    cmocka_unit_test(the_first_trailers_of_a_chunked_body_reach_its_handler),
    cmocka_unit_test(the_trailers_of_a_large_body_reach_its_sink),
    cmocka_unit_test(trailers_of_bodies_that_nobody_takes_are_dropped),
    cmocka_unit_test(the_memory_of_trailers_is_given_back),
    cmocka_unit_test(continue_is_sent_only_when_a_body_is_received_later),
    cmocka_unit_test(a_body_that_came_before_it_was_asked_for_is_received),
    cmocka_unit_test(a_client_that_goes_away_before_its_body_is_asked_for_ends_its_sink),
    cmocka_unit_test(what_came_of_a_body_that_is_cut_goes_to_a_sink_that_keeps_it),
    cmocka_unit_test(the_time_of_a_body_begins_when_it_is_asked_for), cmocka_unit_test(a_body_can_be_collected_later),
    cmocka_unit_test(slow_clients_are_disconnected), cmocka_unit_test(the_loop_answers_while_all_workers_are_busy),
    cmocka_unit_test(a_hung_loop_answers_no_ping_until_it_goes_on),
    cmocka_unit_test(one_address_cannot_use_all_connections),
    cmocka_unit_test(epoll_reported_a_freed_connection_whose_socket_another_process_held),
    cmocka_unit_test(a_stopping_server_finishes_running_requests))

/* SPDX-License-Identifier: Apache-2.0 */
/* The engine with a small API of its own, over real sockets, on a clock that stands still unless moved. */
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
#include <unistd.h>

#define WAIT_MS 20000 /* a test that waits longer has failed */

/* ---- the API ---- */

static struct http_server *server;
static struct clock_manual manual;
static char address[64];
static int file_fd;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static int gate_waiting, gate_open, disk_waiting, disk_ready, sinks_finished, sinks_cut, contents_released;

static void count_up(int *what)
{
    pthread_mutex_lock(&gate_lock);
    ++*what;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_lock);
}

static void wait_until(int *what, int at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&gate_lock);
    while (*what < at_least)
        if (pthread_cond_timedwait(&gate_moved, &gate_lock, &until) != 0)
            fail_msg("waited in vain for %d", at_least);
    pthread_mutex_unlock(&gate_lock);
}

static void hello(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", S("hello"));
}

static void echo(struct http_exchange *x)
{
    http_reply_header(x, "X-Param", x->req.params[0].n ? x->req.params[0] : S("-"));
    http_reply(x, 200, "application/octet-stream", arena_copy(&x->arena, x->req.body));
}

/* Finds at the head that it is an ordinary request; how much of it is wanted stands in the path. */
static void collect(struct http_exchange *x)
{
    uint64_t most;
    assert_true(slice_to_u64(x->req.params[0], &most));
    if (http_has_header(&x->req, "Authorization"))
        http_reply(x, 401, "text/plain", S("go away"));
    else
        http_collect(x, (size_t)most, echo);
}

/* Holds the request on a worker until the gate opens. */
static void held(struct http_exchange *x)
{
    count_up(&gate_waiting);
    wait_until(&gate_open, 1);
    http_reply(x, 200, "text/plain", S("late"));
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
    EXPECT(!__atomic_exchange_n(&d->entered, true, __ATOMIC_RELAXED)); /* never twice at once */
    if (d->slow && d->n == 0) {
        count_up(&disk_waiting);
        wait_until(&disk_ready, 1);
    }
    hash_update(d->hash, bytes);
    d->n += bytes.n;
    __atomic_store_n(&d->entered, false, __ATOMIC_RELAXED);
    if (d->n > (8u << 20))
        return err_make(d->arena, ERR_TOO_LARGE, "more than 8 MiB");
    return NULL;
}

static void digest_finish(struct http_sink *s, struct http_exchange *x, err_t e)
{
    struct digest_sink *d = CONTAINER_OF(s, struct digest_sink, sink);
    unsigned char md5[MD5_SIZE];
    hash_final(d->hash, md5);
    hash_free(d->hash);
    count_up(e ? &sinks_cut : &sinks_finished);
    if (e)
        http_reply(x, e->code == ERR_TOO_LARGE ? 413 : 400, "text/plain", slice_of(err_code_name(e->code)));
    else
        http_reply(x, 201, "text/plain",
                   arena_printf(&x->arena, "%llu %s", (unsigned long long)d->n,
                                hex_encode(&x->arena, (slice){ (char *)md5, MD5_SIZE }).p));
}

static bool digest_blocks(struct http_sink *s)
{
    return CONTAINER_OF(s, struct digest_sink, sink)->n > 100000;
}

static void sink(struct http_exchange *x)
{
    if (slice_eq(http_header(&x->req, "Authorization"), S("no"))) {
        http_reply(x, 401, "text/plain", S("go away"));
        return;
    }
    struct digest_sink *d = arena_new(&x->arena, struct digest_sink);
    *d = (struct digest_sink){ { digest_write, digest_finish, digest_blocks },
                               hash_new(HASH_MD5),
                               &x->arena,
                               0,
                               slice_eq(http_header(&x->req, "Authorization"), S("slow")),
                               false };
    http_receive(x, &d->sink);
}

static void released(struct http_content *c)
{
    (void)c;
    count_up(&contents_released);
}

static bool read_zeros(struct http_content *c, uint64_t offset, char *to, size_t size, size_t *ret_read)
{
    (void)c;
    for (size_t i = 0; i < size; i++)
        to[i] = (char)('a' + (offset + i) % 26);
    *ret_read = size;
    return true;
}

static bool read_until_it_fails(struct http_content *c, uint64_t offset, char *to, size_t size, size_t *ret_read)
{
    return offset < 200000 && read_zeros(c, offset, to, size, ret_read);
}

static void content(struct http_exchange *x)
{
    struct http_content *c = arena_new(&x->arena, struct http_content);
    *c = (struct http_content){ .fd = -1,
                                .release = released,
                                .etag = S("\"tag\""),
                                .content_type = S("text/x"),
                                .last_modified_ms = 784111777000 };
    if (slice_eq(x->req.params[0], S("file"))) {
        c->fd = file_fd;
        c->size_bytes = 3u << 20;
    } else if (slice_eq(x->req.params[0], S("memory"))) {
        c->bytes = S("0123456789");
        c->size_bytes = 10;
    } else if (slice_eq(x->req.params[0], S("zipped"))) {
        http_reply_header(x, "X-Kind", S("own"));
        http_content_headers(x);
        http_reply_header(x, "Content-Encoding", S("gzip"));
        c->bytes = S("0123456789");
        c->size_bytes = 10;
        c->head_has_ranges = true;
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
        c->size_bytes = 1000000;
    }
    http_reply_content(x, c);
}

struct counter {
    struct http_producer producer;
    int left, fails_at;
};

static bool more(struct http_producer *p, struct buf *out, bool *ret_end)
{
    struct counter *c = CONTAINER_OF(p, struct counter, producer);
    buf_printf(out, "%d,", c->left);
    *ret_end = --c->left == 0;
    return c->left != c->fails_at;
}

static void stream(struct http_exchange *x)
{
    struct counter *c = arena_new(&x->arena, struct counter);
    *c = (struct counter){ { more, NULL }, 5, http_has_header(&x->req, "X-Fail") ? 2 : -1 };
    http_reply_stream(x, 200, "text/plain", &c->producer);
}

static bool guard(struct http_exchange *x)
{
    if (!slice_eq(http_header(&x->req, "Authorization"), S("nobody")))
        return true;
    http_reply(x, 401, "text/plain", S("who are you?"));
    return false;
}

static void refuse(struct http_exchange *x, enum http_refusal r, int status, const char *text)
{
    (void)r;
    http_reply(x, status, "application/json", arena_printf(&x->arena, "{\"error\":\"%s\"}", text));
}

static const struct http_route routes[] = {
    { "GET", "/hello", hello, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "POST", "/echo", echo, 0, 1000, "" },
    { "POST", "/echo/{what}", echo, HTTP_ON_LOOP, 0, "" },
    { "POST", "/echo/fixed", hello, 0, 0, "" },
    { "GET", "/held", held, 0, 0, "" },
    { "PUT", "/sink", sink, HTTP_STREAM, 0, "" },
    { "POST", "/collect/{most}", collect, HTTP_STREAM, 0, "" },
    { "GET", "/content/{kind}", content, HTTP_ON_LOOP, 0, "" },
    { "GET", "/stream", stream, 0, 0, "" },
    { "GET", "/operator", hello, HTTP_LOCAL_ONLY, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = { .name = "test",
                                     .routes = routes,
                                     .route_count = LENGTH_OF(routes),
                                     .prefixes = prefixes,
                                     .guard = guard,
                                     .refuse = refuse };

/* ---- the client ---- */

static int dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, slice s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server may have said no and gone */
        s = slice_from(s, (size_t)n);
    }
}

/* Everything until the server closes or `until` was seen. */
static slice hear(int fd, struct arena *a, slice until)
{
    struct buf b;
    buf_init(&b, 0);
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("the server is silent; so far: '%.*s'", SLICE_ARG(buf_slice(&b)));
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

static slice ask(struct arena *a, slice request)
{
    int fd = dial();
    say(fd, request);
    shutdown(fd, SHUT_WR);
    slice answer = hear(fd, a, S(""));
    close(fd);
    return answer;
}

static size_t count(slice s, const char *needle)
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

/* ---- setting up ---- */

static int start(void **state)
{
    (void)state;
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = { .clock = &manual.clock,
                              .loops = 2,
                              .workers = 2,
                              .body_workers = 3,
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

static int stop(void **state)
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
    slice r = ask(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 200 OK\r\n");
    EXPECT_HAS(r, "Date: Sat, 21 Nov 2026 14:04:09 GMT\r\n");
    EXPECT_HAS(r, "X-Request-Id: ");
    EXPECT_HAS(r, "Content-Length: 5\r\n");
    EXPECT_SLICE(body_of(r), S("hello"));
    r = ask(&a, S("HEAD /hello/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "Content-Length: 5\r\n");
    EXPECT_SLICE(body_of(r), S(""));
    r = ask(&a, S("POST /echo/a%2Fb HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"));
    EXPECT_HAS(r, "X-Param: a/b\r\n");
    EXPECT_SLICE(body_of(r), S("xyz"));
    EXPECT_SLICE(body_of(ask(&a, S("POST /echo/fixed HTTP/1.1\r\nHost: x\r\n\r\n"))), S("hello"));
}

TEST(refusals_take_the_form_of_the_api)
{
    SCRATCH(a);
    slice r = ask(&a, S("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 404 ");
    EXPECT_HAS(r, "{\"error\":");
    r = ask(&a, S("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 405 ");
    EXPECT_HAS(r, "Allow: GET, HEAD\r\n");
    EXPECT_HAS(ask(&a, S("GET /operator HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 404 ");
    EXPECT_HAS(ask(&a, S("nonsense\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(ask(&a, S("GET /hello HTTP/1.1\r\nHost:")), "HTTP/1.1 400 "); /* and then half-closed */
    EXPECT_SLICE(ask(&a, S("\r\n")), S(""));
    EXPECT_HAS(ask(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n")), "HTTP/1.1 417 ");
    EXPECT_HAS(ask(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")), "HTTP/1.1 413 ");
    EXPECT_HAS(ask(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")), "HTTP/1.1 400 ");
    EXPECT_HAS(ask(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: nobody\r\n\r\n")), "HTTP/1.1 401 ");
}

TEST(a_target_that_can_name_nothing_was_looked_for)
{
    SCRATCH(a);
    EXPECT_HAS(ask(&a, S("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(ask(&a, S("GET /hello/%00 HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
    EXPECT_HAS(ask(&a, S("GET /hello/%4 HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 400 ");
}

TEST(three_pipelined_requests_get_three_answers_in_order)
{
    SCRATCH(a);
    slice r = ask(&a, S("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
                        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"
                        "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
    EXPECT_EQ(count(r, "HTTP/1.1 200 OK"), 3);
    EXPECT(slice_find(r, S("first")) < slice_find(r, S("second")));
    EXPECT(slice_find(r, S("second")) < slice_find(r, S("hello")));
}

TEST(a_message_split_at_every_byte_gives_the_same_answer)
{
    SCRATCH(a);
    const slice messages[] = {
        S("POST /echo/p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Long: some value\r\n\r\nhello"),
        S("POST /echo/p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\n"
          "Trailer: t\r\n\r\n"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        S("GET /hello HTTP/1.0\r\nA: b\r\n folded\r\n\r\n"),
        S("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab"),
    };
    for (size_t m = 0; m < LENGTH_OF(messages); m++) {
        slice whole = ask(&a, messages[m]);
        for (size_t at = 1; at < messages[m].n; at++) {
            int fd = dial();
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
            say(fd, slice_part(messages[m], 0, at));
            say(fd, slice_from(messages[m], at));
            shutdown(fd, SHUT_WR);
            slice r = hear(fd, &a, S(""));
            close(fd);
            EXPECT_SLICE(slice_part(r, 0, 12), slice_part(whole, 0, 12));
            EXPECT_SLICE(body_of(r), body_of(whole));
        }
    }
}

static slice put_header(struct arena *a, size_t n)
{
    return arena_printf(a, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
}

static slice pattern(struct arena *a, size_t n)
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

TEST(streamed_bodies_arrive_exactly_at_every_size)
{
    SCRATCH(a);
    const size_t sizes[] = { 0, 1, 20479, 20480, 20481, 65536, 131072, 131073, 1000000, 8u << 20 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice body = pattern(&a, sizes[i]);
        int fd = dial();
        say(fd, put_header(&a, body.n));
        say(fd, body);
        say(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        slice r = hear(fd, &a, S(""));
        close(fd);
        EXPECT_HAS(r, sum_line(&a, body).p);
        EXPECT_EQ(count(r, "HTTP/1.1 20"), 2);
    }
}

TEST(chunked_bodies_of_any_size_arrive_exactly)
{
    SCRATCH(a);
    slice body = pattern(&a, 700000);
    int fd = dial();
    say(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    for (size_t at = 0, n = 1; at < body.n; at += n, n = n * 3 % 50021 + 1) {
        slice piece = slice_part(body, at, n);
        say(fd, arena_printf(&a, "%zx\r\n", piece.n));
        say(fd, piece);
        say(fd, S("\r\n"));
    }
    say(fd, S("0\r\n\r\n"));
    EXPECT_HAS(hear(fd, &a, S("")), sum_line(&a, body).p);
    close(fd);
}

static void *upload(void *arg)
{
    SCRATCH(a);
    slice body = pattern(&a, 300000 + (size_t)(uintptr_t)arg * 70001);
    for (int i = rounds(ROUNDS_http_uploads); i > 0; i--) {
        int fd = dial();
        say(fd, put_header(&a, body.n));
        say(fd, body);
        slice want = sum_line(&a, body), r = hear(fd, &a, want);
        EXPECT_HAS(r, want.p);
        close(fd);
    }
    return NULL;
}

TEST(sixteen_uploads_at_once_do_not_mix)
{
    pthread_t threads[16];
    for (uintptr_t i = 0; i < 16; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, upload, (void *)i), 0);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
}

/* With one thread for all bodies of a loop, a write that hung took every other upload of that loop with it. */
TEST(uploads_that_wait_for_their_disk_hold_up_no_other)
{
    SCRATCH(a);
    slice body = pattern(&a, 500000), want = sum_line(&a, body);
    int slow[2];
    for (int i = 0; i < 2; i++) {
        slow[i] = dial();
        say(slow[i],
            arena_printf(&a, "PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: slow\r\nContent-Length: %zu\r\n\r\n",
                         body.n));
        say(slow[i], body);
    }
    wait_until(&disk_waiting, 2);
    for (int i = 0; i < 8; i++) {
        int fd = dial();
        say(fd, put_header(&a, body.n));
        say(fd, body);
        EXPECT_HAS(hear(fd, &a, want), want.p);
        close(fd);
    }
    count_up(&disk_ready);
    for (int i = 0; i < 2; i++) {
        EXPECT_HAS(hear(slow[i], &a, want), want.p);
        close(slow[i]);
    }
}

TEST(uploads_cut_at_any_point_end_their_sink_and_nothing_else)
{
    SCRATCH(a);
    slice body = pattern(&a, 400000);
    const size_t cuts[] = { 0, 1, 1000, 65536, 65537, 131072, 200000, 399999 };
    int before = sinks_cut;
    for (size_t i = 0; i < LENGTH_OF(cuts); i++) {
        int fd = dial();
        say(fd, put_header(&a, body.n));
        say(fd, slice_part(body, 0, cuts[i]));
        struct linger hard = { 1, 0 };
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* a reset instead of an end */
        close(fd);
    }
    wait_until(&sinks_cut, before + (int)LENGTH_OF(cuts));
    struct http_stats stats;
    http_server_stats(server, &stats);
    EXPECT_EQ(stats.body_buffers, 0);
    /* a half-closed sender is still told */
    EXPECT_HAS(ask(&a, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")), "HTTP/1.1 400 ");
}

TEST(a_body_over_the_sinks_limit_is_refused_readably)
{
    SCRATCH(a);
    slice body = pattern(&a, 16u << 20);
    int fd = dial();
    say(fd, put_header(&a, body.n));
    say(fd, body);
    slice r = hear(fd, &a, S("too large"));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
    close(fd);
}

TEST(a_refused_upload_that_was_then_cut_kept_the_loop_busy_for_ever)
{
    SCRATCH(a);
    slice body = pattern(&a, (8u << 20) + 900000);
    int fd = dial();
    say(fd, put_header(&a, body.n));
    say(fd, slice_part(body, 0, body.n - 500000));
    EXPECT_HAS(hear(fd, &a, S("too large")), "HTTP/1.1 413 ");
    shutdown(fd, SHUT_WR);
    EXPECT_SLICE(hear(fd, &a, S("")), S("")); /* the end */
    close(fd);
}

TEST(a_body_that_was_too_large_and_then_malformed_was_called_either)
{
    SCRATCH(a);
    slice body = pattern(&a, 1100);
    slice r = ask(&a, arena_printf(&a,
                                   "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "44c\r\n%s\r\nnonsense\r\n",
                                   hex_encode(&a, slice_part(body, 0, 550)).p));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
}

TEST(expect_100_is_answered_only_when_the_body_is_wanted)
{
    SCRATCH(a);
    int fd = dial();
    say(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    EXPECT_HAS(hear(fd, &a, S("\r\n\r\n")), "HTTP/1.1 100 Continue");
    say(fd, S("hello"));
    EXPECT_HAS(hear(fd, &a, S("5d41402abc")), "HTTP/1.1 201 ");
    close(fd);
    fd = dial();
    say(fd,
        S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    slice r = hear(fd, &a, S(""));
    EXPECT_HAS(r, "HTTP/1.1 401 ");
    EXPECT_EQ(count(r, "100 Continue"), 0);
    EXPECT_HAS(r, "Connection: close");
    close(fd);
}

TEST(a_streaming_route_may_turn_out_to_be_an_ordinary_one)
{
    SCRATCH(a);
    slice r = ask(&a, S("POST /collect/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));
    EXPECT_HAS(r, "HTTP/1.1 200 ");
    EXPECT_SLICE(body_of(r), S("hello"));
    EXPECT_SLICE(body_of(ask(&a, S("POST /collect/5 HTTP/1.1\r\nHost: x\r\n\r\n"))), S(""));
    r = ask(&a, S("POST /collect/9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    EXPECT_SLICE(body_of(r), S("hello"));
    EXPECT_HAS(ask(&a, S("POST /collect/4 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")), "HTTP/1.1 413 ");
    r = ask(&a, S("POST /collect/4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
    /* Dropped, and the connection goes on. */
    r = ask(&a, S("POST /collect/0 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                  "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(count(r, "HTTP/1.1 200 "), 2);
    EXPECT_HAS(r, "X-Param: 0\r\n");
    EXPECT_HAS(ask(&a, S("POST /collect/9 HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nContent-Length: 5\r\n\r\nhello")),
               "HTTP/1.1 401 ");
}

TEST(a_refusal_can_be_read_while_64_MiB_are_on_their_way)
{
    SCRATCH(a);
    int fd = dial();
    say(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 67108864\r\n\r\n"));
    slice piece = pattern(&a, 1 << 20);
    for (int i = 0; i < 64; i++)
        say(fd, piece);
    EXPECT_HAS(hear(fd, &a, S("")), "HTTP/1.1 401 ");
    close(fd);
    /* a short one is read to its end and the connection kept */
    slice r = ask(&a, S("PUT /sink HTTP/1.1\r\nHost: x\r\nAuthorization: no\r\nContent-Length: 5\r\n\r\nhello"
                        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(count(r, "HTTP/1.1 401 "), 1);
    EXPECT_EQ(count(r, "HTTP/1.1 200 "), 1);
}

TEST(downloads_know_ranges_and_conditions)
{
    SCRATCH(a);
    const char *const kinds[] = { "file", "memory", "computed" };
    int before = contents_released;
    for (int i = 0; i < 3; i++) {
#define GET(headers) ask(&a, arena_printf(&a, "GET /content/%s HTTP/1.1\r\nHost: x\r\n" headers "\r\n", kinds[i]))
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
        EXPECT(body_of(outside).n > 0); /* the API's own words */
        EXPECT_HAS(GET("Range: bytes=0-0,2-2\r\n"), "HTTP/1.1 200 ");
        slice same = GET("If-None-Match: \"tag\"\r\n");
        EXPECT_HAS(same, "HTTP/1.1 304 ");
        EXPECT_SLICE(body_of(same), S(""));
        EXPECT_HAS(GET("If-Match: \"other\"\r\n"), "HTTP/1.1 412 ");
        EXPECT_HAS(GET("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "HTTP/1.1 304 ");
        slice head = ask(&a, arena_printf(&a, "HEAD /content/%s HTTP/1.1\r\nHost: x\r\n\r\n", kinds[i]));
        EXPECT_SLICE(body_of(head), S(""));
        EXPECT_HAS(head, "Content-Length: ");
#undef GET
    }
    wait_until(&contents_released, before + 3 * 9);
}

TEST(a_part_of_a_download_is_sent_like_a_range)
{
    SCRATCH(a);
    slice r = ask(&a, S("GET /content/part HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Range: bytes 4-6/10\r\n");
    EXPECT_SLICE(body_of(r), S("456"));
    r = ask(&a, S("HEAD /content/part HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Length: 3\r\n");
    EXPECT_HAS(ask(&a, S("GET /content/part HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"tag\"\r\n\r\n")), "HTTP/1.1 304 ");
}

TEST(a_part_without_a_byte_is_not_the_whole)
{
    SCRATCH(a);
    slice r = ask(&a, S("GET /content/nothing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 200 ");
    EXPECT_HAS(r, "Content-Length: 0\r\n");
    EXPECT_SLICE(body_of(r), S(""));
}

TEST(a_refusal_does_not_carry_the_headers_of_the_content)
{
    SCRATCH(a);
    static const char *const refused[] = { "Range: bytes=10-", "If-Match: \"other\"" };
    for (size_t i = 0; i < LENGTH_OF(refused); i++) {
        slice r = ask(&a, arena_printf(&a, "GET /content/zipped HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", refused[i]));
        EXPECT_HAS(r, i ? "HTTP/1.1 412 " : "HTTP/1.1 416 ");
        EXPECT_HAS(r, "X-Kind: own\r\n");
        EXPECT(slice_find(r, S("Content-Encoding")) == SLICE_NONE);
    }
    EXPECT_HAS(ask(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n")),
               "Content-Range: bytes */10\r\n");
    EXPECT_HAS(ask(&a, S("GET /content/zipped HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"tag\"\r\n\r\n")),
               "Content-Encoding: gzip");
}

TEST(the_range_of_a_head_counts_where_the_api_says_so)
{
    SCRATCH(a);
    slice r = ask(&a, S("HEAD /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=2-5\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 206 ");
    EXPECT_HAS(r, "Content-Length: 4\r\n");
    EXPECT_HAS(r, "Content-Range: bytes 2-5/10\r\n");
    EXPECT_HAS(ask(&a, S("HEAD /content/zipped HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n")), "HTTP/1.1 416 ");
    EXPECT_HAS(ask(&a, S("HEAD /content/memory HTTP/1.1\r\nHost: x\r\nRange: bytes=2-5\r\n\r\n")), "HTTP/1.1 200 ");
}

TEST(a_streamed_reply_is_chunked_or_ends_with_the_connection)
{
    SCRATCH(a);
    EXPECT_SLICE(body_of(ask(&a, S("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"))),
                 S("2\r\n5,\r\n2\r\n4,\r\n2\r\n3,\r\n2\r\n2,\r\n2\r\n1,\r\n0\r\n\r\n"));
    EXPECT_SLICE(body_of(ask(&a, S("GET /stream HTTP/1.0\r\n\r\n"))), S("5,4,3,2,1,"));
}

/* Never a body that looks whole: neither its length nor its last chunk comes. */
TEST(seaweedfs_9149_a_read_that_fails_cuts_the_connection)
{
    SCRATCH(a);
    slice r = ask(&a, S("GET /content/failing HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "Content-Length: 1000000\r\n");
    EXPECT(body_of(r).n < 1000000);
    r = ask(&a, S("GET /stream HTTP/1.1\r\nHost: x\r\nX-Fail: yes\r\n\r\n"));
    EXPECT_HAS(r, "Transfer-Encoding: chunked\r\n");
    EXPECT(slice_find(body_of(r), S("0\r\n\r\n")) == SLICE_NONE);
}

/* Of eight answers of 1 MB the kernel takes at most half in advance: for the rest the server waits. */
TEST(a_slow_reader_gets_everything)
{
    SCRATCH(a);
    int fd = dial();
    int small = 16384;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 7; i++)
        say(fd, S("GET /content/computed HTTP/1.1\r\nHost: x\r\n\r\n"));
    say(fd, S("GET /content/computed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    slice r = hear(fd, &a, S(""));
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
    EXPECT_HAS(ask(&a, arena_printf(&a, "GET /hello HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", long_line)),
               "HTTP/1.1 431 ");
    struct buf many;
    buf_init(&many, 0);
    buf_add(&many, S("GET /hello HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 10000; i++)
        buf_printf(&many, "H%d: 1\r\n", i);
    buf_add(&many, S("\r\n"));
    EXPECT_HAS(ask(&a, buf_slice(&many)), "HTTP/1.1 431 ");
    buf_release(&many);
}

/* Move the clock until the server closes the connection or answers. */
static slice tick_until_closed(int fd, struct arena *a)
{
    for (int i = 0; i < 4000; i++) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, 5) == 1)
            return hear(fd, a, S(""));
        clock_manual_advance(&manual, 1000);
        http_server_wake(server);
    }
    fail_msg("the server waits for ever");
    return S("");
}

TEST(slow_clients_are_let_go)
{
    SCRATCH(a);
    int fd = dial();
    say(fd, S("GET /hello HT"));
    EXPECT_HAS(tick_until_closed(fd, &a), "HTTP/1.1 408 ");
    close(fd);
    fd = dial();
    EXPECT_SLICE(tick_until_closed(fd, &a), S(""));
    close(fd);
    fd = dial();
    say(fd, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    hear(fd, &a, S("hello"));
    EXPECT_SLICE(tick_until_closed(fd, &a), S(""));
    close(fd);
    int cut = sinks_cut;
    fd = dial();
    say(fd, S("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nabc"));
    EXPECT_HAS(tick_until_closed(fd, &a), "HTTP/1.1 400 ");
    wait_until(&sinks_cut, cut + 1);
    close(fd);
}

TEST(workers_that_are_all_busy_do_not_stop_the_loop)
{
    SCRATCH(a);
    int fds[4], before = gate_waiting;
    for (int i = 0; i < 4; i++) {
        fds[i] = dial();
        say(fds[i], S("GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    }
    wait_until(&gate_waiting, before + 2);
    EXPECT_HAS(ask(&a, S("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "hello");
    close(fds[3]); /* gone before its turn */
    count_up(&gate_open);
    for (int i = 0; i < 3; i++) {
        EXPECT_HAS(hear(fds[i], &a, S("")), "late");
        close(fds[i]);
    }
    wait_until(&gate_waiting, before + 4);
    pthread_mutex_lock(&gate_lock);
    gate_open = 0;
    pthread_mutex_unlock(&gate_lock);
}

TEST(one_address_cannot_take_all_connections)
{
    SCRATCH(a);
    int fds[210], refused = 0;
    struct http_stats before, now;
    http_server_stats(server, &before);
    for (int i = 0; i < 210; i++)
        fds[i] = dial();
    do
        http_server_stats(server, &now); /* none may be answered before all were counted */
    while (now.connections_accepted < before.connections_accepted + 210);
    for (int i = 0; i < 210; i++)
        say(fds[i], S("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    for (int i = 0; i < 210; i++) {
        slice r = hear(fds[i], &a, S(""));
        refused += r.n == 0 || slice_find(r, S("HTTP/1.1 503 ")) != SLICE_NONE;
        close(fds[i]);
    }
    EXPECT(refused >= 10 && refused < 60);
}

static void *stop_it(void *arg)
{
    http_server_stop(server, 10000);
    return arg;
}

TEST(stopping_lets_what_is_in_flight_finish)
{
    SCRATCH(a);
    int before = gate_waiting;
    int fd = dial(), idle = dial();
    say(fd, S("GET /held HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_until(&gate_waiting, before + 1);
    pthread_t stopper;
    EXPECT_EQ(pthread_create(&stopper, NULL, stop_it, NULL), 0);
    EXPECT_SLICE(hear(idle, &a, S("")), S("")); /* idle ones are closed at once */
    count_up(&gate_open);
    slice r = hear(fd, &a, S(""));
    EXPECT_HAS(r, "late");
    EXPECT_HAS(r, "Connection: close");
    pthread_join(stopper, NULL);
    close(fd);
    close(idle);
}

RUN_TESTS_WITH(
    start, stop, cmocka_unit_test(a_request_gets_its_reply), cmocka_unit_test(refusals_take_the_form_of_the_api),
    cmocka_unit_test(a_target_that_can_name_nothing_was_looked_for),
    cmocka_unit_test(three_pipelined_requests_get_three_answers_in_order),
    cmocka_unit_test(a_message_split_at_every_byte_gives_the_same_answer),
    cmocka_unit_test(streamed_bodies_arrive_exactly_at_every_size),
    cmocka_unit_test(chunked_bodies_of_any_size_arrive_exactly), cmocka_unit_test(sixteen_uploads_at_once_do_not_mix),
    cmocka_unit_test(uploads_that_wait_for_their_disk_hold_up_no_other),
    cmocka_unit_test(uploads_cut_at_any_point_end_their_sink_and_nothing_else),
    cmocka_unit_test(a_body_over_the_sinks_limit_is_refused_readably),
    cmocka_unit_test(a_refused_upload_that_was_then_cut_kept_the_loop_busy_for_ever),
    cmocka_unit_test(a_body_that_was_too_large_and_then_malformed_was_called_either),
    cmocka_unit_test(expect_100_is_answered_only_when_the_body_is_wanted),
    cmocka_unit_test(a_streaming_route_may_turn_out_to_be_an_ordinary_one),
    cmocka_unit_test(a_refusal_can_be_read_while_64_MiB_are_on_their_way),
    cmocka_unit_test(downloads_know_ranges_and_conditions), cmocka_unit_test(a_part_of_a_download_is_sent_like_a_range),
    cmocka_unit_test(a_part_without_a_byte_is_not_the_whole),
    cmocka_unit_test(a_refusal_does_not_carry_the_headers_of_the_content),
    cmocka_unit_test(the_range_of_a_head_counts_where_the_api_says_so),
    cmocka_unit_test(a_streamed_reply_is_chunked_or_ends_with_the_connection),
    cmocka_unit_test(seaweedfs_9149_a_read_that_fails_cuts_the_connection),
    cmocka_unit_test(a_slow_reader_gets_everything), cmocka_unit_test(heads_over_their_limits_are_431),
    cmocka_unit_test(slow_clients_are_let_go), cmocka_unit_test(workers_that_are_all_busy_do_not_stop_the_loop),
    cmocka_unit_test(one_address_cannot_take_all_connections), cmocka_unit_test(stopping_lets_what_is_in_flight_finish))

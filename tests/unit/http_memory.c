/* SPDX-License-Identifier: Apache-2.0 */
/* What requests hold in memory, all together and each alone. The engine runs over real sockets, with a budget of 16 MiB
 * and a clock that does not move, so nothing times out. */
#include "test.h"

#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 60000 /* a test that waits longer fails */
#define BUDGET ((size_t)16 << 20)
#define LISTING_BYTES ((size_t)5 << 20) /* the kernel takes up to 4 MiB of it */
#define CLIENTS 64

static struct http_server *server;
static struct clock_manual manual;
static char address[64];

/* ---- the API ---- */

static err_t reply_length(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", arena_printf(&x->arena, "%zu bytes", x->req.body.n));
    return NULL;
}

/* A reply that is made in memory, and stays there until it was sent. */
static err_t reply_listing(struct http_exchange *x)
{
    char *text = arena_alloc(&x->arena, LISTING_BYTES);
    memset(text, 'x', LISTING_BYTES);
    http_reply(x, 200, "text/plain", (slice){ text, LISTING_BYTES });
    return NULL;
}

/* A handler whose loop the input decides. */
static err_t allocate_without_end(struct http_exchange *x)
{
    for (;;) {
        TRY(arena_check(&x->arena));
        arena_alloc(&x->arena, 50000);
    }
}

/* The same, but it forgets to ask; the buffer does not grow past the limit, and the edge asks. */
static err_t write_without_end(struct http_exchange *x)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &x->arena);
    while (!b.failed)
        buf_add(&b, S("one more row of a list that the input decides the length of\n"));
    http_reply(x, 200, "text/plain", buf_give(&b, &x->arena));
    return NULL;
}

static bool produce_piece(struct http_producer *p, struct buf *out, bool *ret_end)
{
    (void)p, (void)ret_end;
    char *to = buf_reserve(out, 256 << 10);
    if (!to)
        return false;
    memset(to, 'x', 256 << 10);
    out->n += 256 << 10;
    return true;
}

static err_t reply_without_end(struct http_exchange *x)
{
    struct http_producer *p = arena_new(&x->arena, struct http_producer);
    p->more = produce_piece;
    http_reply_stream(x, 200, "text/plain", p);
    return NULL;
}

static void fail_in_json(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    int status = refusal ? refusal->status : err_is(e, ERR_TOO_LARGE) ? 413 : 500;
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &x->arena); /* a refusal has room for its reply */
    buf_printf(&b, "{\"error\":\"%s\"}", e->msg);
    http_reply(x, status, "application/json", buf_give(&b, &x->arena));
}

static const struct http_route routes[] = {
    { "POST", "/length", reply_length, 0, 1 << 20, "", 0 },
    { "GET", "/listing", reply_listing, HTTP_NO_BODY, 0, "", 0 },
    { "GET", "/loop", allocate_without_end, HTTP_NO_BODY, 0, "", 200000 },
    { "GET", "/buffer", write_without_end, HTTP_NO_BODY, 0, "", 200000 },
    { "GET", "/stream", reply_without_end, HTTP_NO_BODY, 0, "", 0 },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = {
    .name = "test", .routes = routes, .route_count = LENGTH_OF(routes), .prefixes = prefixes, .fail = fail_in_json
};

/* ---- the client ---- */

static int connect_client(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small,
               sizeof small); /* so that the kernel keeps little of an unread reply */
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_text(int fd, slice s)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server has refused, and closed the connection */
        s = slice_from(s, (size_t)n);
    }
}

/* Read until `until` has arrived, or to the end of the stream if `until` is empty. Returns the end of what came. */
static slice read_until(int fd, struct arena *a, slice until)
{
    char *text = arena_alloc(a, 8192);
    size_t n = 0;
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("the server sends nothing more; so far: '%.*s'", (int)n, text);
        if (n > 4096) {
            memmove(text, text + n - 2048, 2048);
            n = 2048;
        }
        ssize_t got = recv(fd, text + n, 4096, 0);
        if (got <= 0)
            return (slice){ text, n };
        n += (size_t)got;
        if (until.n && slice_find((slice){ text, n }, until) != SLICE_NONE)
            return (slice){ text, n };
    }
}

static slice ask(struct arena *a, slice request)
{
    int fd = connect_client();
    send_text(fd, request);
    shutdown(fd, SHUT_WR);
    slice reply = read_until(fd, a, S(""));
    close(fd);
    return reply;
}

static struct http_stats stats_now(void)
{
    struct http_stats s;
    http_server_stats(server, &s);
    return s;
}

/* Every request ends at some time after its reply was read or its connection was closed. */
static void wait_until_nothing_is_held(void)
{
    SCRATCH(a);
    for (int i = 0; stats_now().requests_active || stats_now().memory_used; i++) {
        if (i == 100000)
            fail_msg("%llu bytes are still held", (unsigned long long)stats_now().memory_used);
        ask(&a, S("POST /length HTTP/1.1\r\nHost: x\r\n\r\n")); /* each of these takes a turn of the loops */
    }
}

#define EXPECT_HAS(s, text)                                                                                            \
    do {                                                                                                               \
        slice has_ = (s);                                                                                              \
        if (slice_find(has_, slice_of(text)) == SLICE_NONE)                                                            \
            fail_msg("no '%s' in '%.*s'", text, (int)(has_.n > 2000 ? 2000 : has_.n), has_.p);                         \
    } while (0)

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = {
        .clock = &manual.clock, .loops = 2, .workers = 2, .body_workers = 1, .fallback = "test", .memory_bytes = BUDGET
    };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    slice at;
    EXPECT_OK(http_server_listen(server, &(struct http_listener){ .address = "127.0.0.1:0" }, &a, &at));
    memcpy(address, at.p, at.n + 1);
    EXPECT_OK(http_server_start(server, &a));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(server, 5000);
    EXPECT_EQ(stats_now().memory_used, 0);
    http_server_free(server);
    return 0;
}

/* ---- all together ---- */

#define SMALL_REQUEST S("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")

TEST(collected_bodies_stood_outside_every_pool)
{
    SCRATCH(a);
    int fds[CLIENTS];
    size_t admitted = 0, refused = 0;
    /* Each client declares a megabyte, and waits to be asked for it. */
    for (size_t i = 0; i < LENGTH_OF(fds); i++) {
        fds[i] = connect_client();
        send_text(fds[i],
                  S("POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048576\r\n\r\n"));
        slice r = read_until(fds[i], &a, S("\r\n\r\n"));
        bool is_admitted = slice_starts(r, S("HTTP/1.1 100 "));
        admitted += is_admitted;
        refused += !is_admitted;
        if (!is_admitted) {
            EXPECT_HAS(r, "HTTP/1.1 503 ");
            EXPECT_HAS(r, "Retry-After: 1\r\n");
        }
    }
    EXPECT(admitted >= 1 && admitted <= BUDGET / (1 << 20));
    EXPECT_EQ(stats_now().memory_refused, refused);
    EXPECT(stats_now().memory_used <= BUDGET);
    EXPECT_HAS(ask(&a, SMALL_REQUEST), "10 bytes"); /* small requests are served */
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i]);
    wait_until_nothing_is_held();
}

TEST(a_refused_body_leaves_its_connection_in_step)
{
    SCRATCH(a);
    int fds[BUDGET >> 20];
    for (size_t i = 0; i < LENGTH_OF(fds); i++) {
        fds[i] = connect_client();
        send_text(fds[i],
                  S("POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"));
        read_until(fds[i], &a, S("\r\n\r\n"));
    }
    int fd = connect_client();
    send_text(fd, S("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
    EXPECT_HAS(read_until(fd, &a, S("\"}")), "HTTP/1.1 503 ");
    char *body = arena_alloc(&a, 1000000);
    memset(body, 'x', 1000000);
    send_text(fd, (slice){ body, 1000000 });
    send_text(fd, SMALL_REQUEST);
    EXPECT_HAS(read_until(fd, &a, S("bytes")), "10 bytes");
    close(fd);
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i]);
    wait_until_nothing_is_held();
}

/* Wait until the server has read `bytes` more than `before`, or has replied. Returns whether it has replied. */
static bool has_replied(int fd, uint64_t before, uint64_t bytes)
{
    struct pollfd p = { fd, POLLIN, 0 };
    for (int i = 0; i < WAIT_MS / 10; i++) {
        if (poll(&p, 1, 10) == 1)
            return true;
        if (stats_now().bytes_in >= before + bytes)
            return false;
    }
    fail_msg("the server does not read");
    return false;
}

TEST(chunked_bodies_are_counted_as_they_come)
{
    SCRATCH(a);
    char *chunk = arena_alloc(&a, 600000);
    memset(chunk, 'x', 600000);
    int fds[CLIENTS];
    size_t count = 0;
    bool refused = false;
    while (!refused && count < LENGTH_OF(fds)) {
        uint64_t before = stats_now().bytes_in;
        int fd = fds[count++] = connect_client();
        send_text(fd, S("POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n927c0\r\n"));
        send_text(fd, (slice){ chunk, 600000 });
        refused = has_replied(fd, before, 600000);
    }
    EXPECT(refused && count > 1);
    EXPECT(stats_now().memory_used <= BUDGET);
    slice r = read_until(fds[count - 1], &a, S("\"}"));
    EXPECT_HAS(r, "HTTP/1.1 503 ");
    EXPECT_HAS(r, "Retry-After: 1\r\n");
    while (count)
        close(fds[--count]);
    wait_until_nothing_is_held();
}

TEST(unread_listings_were_kept_without_limit)
{
    SCRATCH(a);
    int fds[CLIENTS];
    size_t refused = 0;
    for (size_t i = 0; i < LENGTH_OF(fds); i++) {
        fds[i] = connect_client();
        send_text(fds[i], S("GET /listing HTTP/1.1\r\nHost: x\r\n\r\n"));
        char first[200];
        struct pollfd p = { fds[i], POLLIN, 0 };
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        ssize_t n = recv(fds[i], first, sizeof first, MSG_PEEK);
        assert_true(n > 20);
        refused += slice_starts((slice){ first, (size_t)n }, S("HTTP/1.1 503 "));
    }
    EXPECT(refused >= CLIENTS - BUDGET / LISTING_BYTES - 1);
    EXPECT(stats_now().memory_used <= BUDGET + 2 * LISTING_BYTES);
    EXPECT_HAS(ask(&a, SMALL_REQUEST), "10 bytes");
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i]);
    wait_until_nothing_is_held();
    EXPECT_HAS(ask(&a, S("GET /listing HTTP/1.1\r\nHost: x\r\n\r\n")), "xxx");
}

TEST(unread_streams_are_cut_when_memory_is_in_use)
{
    uint64_t refused = stats_now().memory_refused; /* by the tests before this one */
    int fds[CLIENTS];
    for (size_t i = 0; i < LENGTH_OF(fds); i++) {
        fds[i] = connect_client();
        send_text(fds[i], S("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"));
        struct pollfd p = { fds[i], POLLIN, 0 };
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    }
    for (int i = 0; stats_now().memory_refused == refused; i++) {
        if (i == WAIT_MS / 10)
            fail_msg("no stream was cut");
        poll(NULL, 0, 10);
    }
    EXPECT(stats_now().memory_used <= BUDGET + (1 << 20));
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i]);
    wait_until_nothing_is_held();
}

TEST(heads_that_do_not_end_are_counted_and_refused)
{
    SCRATCH(a);
    char *line = arena_alloc(&a, 15000);
    memset(line, 'x', 15000);
    struct pollfd fds[8 * CLIENTS];
    uint64_t refused_before = stats_now().memory_refused;
    for (size_t i = 0; i < LENGTH_OF(fds); i++) {
        fds[i] = (struct pollfd){ connect_client(), POLLIN, 0 };
        send_text(fds[i].fd, S("POST /length HTTP/1.1\r\nHost: x\r\n"));
        for (int k = 0; k < 4; k++) {
            send_text(fds[i].fd, S("X-Long: "));
            send_text(fds[i].fd, (slice){ line, 15000 });
            send_text(fds[i].fd, S("\r\n"));
        }
    }
    EXPECT(poll(fds, LENGTH_OF(fds), WAIT_MS) > 0); /* the first that are refused */
    size_t refused = 0;
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        if (fds[i].revents) {
            EXPECT_HAS(read_until(fds[i].fd, &a, S("\r\n\r\n")), "HTTP/1.1 503 ");
            refused++;
        }
    EXPECT(stats_now().memory_refused > refused_before);
    EXPECT(refused > 0);
    EXPECT(stats_now().memory_used <= BUDGET + LENGTH_OF(fds) * 8192);
    EXPECT_HAS(ask(&a, SMALL_REQUEST), "10 bytes");
    for (size_t i = 0; i < LENGTH_OF(fds); i++)
        close(fds[i].fd);
    wait_until_nothing_is_held();
}

/* ---- one request ---- */

TEST(a_request_above_its_own_limit_is_refused_and_does_not_end_the_process)
{
    SCRATCH(a);
    EXPECT_HAS(ask(&a, S("GET /loop HTTP/1.1\r\nHost: x\r\n\r\n")), "HTTP/1.1 413 ");
    slice r = ask(&a, S("GET /buffer HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_HAS(r, "HTTP/1.1 413 ");
    EXPECT_HAS(r, "more memory than one request may use");
    EXPECT(stats_now().memory_over > 0 && stats_now().memory_over < ARENA_OVERDRAFT);
    EXPECT(stats_now().memory_peak > 200000);
    wait_until_nothing_is_held();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collected_bodies_stood_outside_every_pool),
        cmocka_unit_test(a_refused_body_leaves_its_connection_in_step),
        cmocka_unit_test(chunked_bodies_are_counted_as_they_come),
        cmocka_unit_test(unread_listings_were_kept_without_limit),
        cmocka_unit_test(unread_streams_are_cut_when_memory_is_in_use),
        cmocka_unit_test(heads_that_do_not_end_are_counted_and_refused),
        cmocka_unit_test(a_request_above_its_own_limit_is_refused_and_does_not_end_the_process),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

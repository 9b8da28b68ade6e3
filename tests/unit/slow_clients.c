/* SPDX-License-Identifier: Apache-2.0 */
/* What a client can do to hold a connection, in each state of a connection, over real sockets and with a clock that only
 * the tests move. */
#include "test.h"

#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 20000 /* a test that waits longer fails */
#define LISTING_BYTES ((uint64_t)64 << 20)
#define RATE 256
#define WINDOW_MS 60000

static struct http_server *server;
static struct clock_manual manual;
static char address[64];
static int file_fd, helper;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool producing, gate_open;

/* ---- the API ---- */

static err_t reply_hello(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", S("hello"));
    return NULL;
}

static err_t read_letters(struct http_content *c, uint64_t offset, char *to, size_t size, struct arena *a,
                          size_t *ret_read)
{
    (void)c;
    (void)a;
    (void)offset;
    memset(to, 'a', size);
    *ret_read = size;
    return NULL;
}

static err_t reply_with_listing(struct http_exchange *x)
{
    struct http_content *c = arena_new(&x->arena, struct http_content);
    *c = (struct http_content){ .fd = -1, .size_bytes = LISTING_BYTES, .read_at = read_letters };
    http_reply_content(x, c);
    return NULL;
}

static err_t reply_with_file(struct http_exchange *x)
{
    struct http_content *c = arena_new(&x->arena, struct http_content);
    *c = (struct http_content){ .fd = file_fd, .size_bytes = LISTING_BYTES };
    http_reply_content(x, c);
    return NULL;
}

static bool produce_after_gate(struct http_producer *p, struct buf *out, bool *ret_end)
{
    (void)p;
    pthread_mutex_lock(&gate_lock);
    producing = true;
    pthread_cond_broadcast(&gate_moved);
    while (!gate_open)
        pthread_cond_wait(&gate_moved, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
    buf_add(out, S("produced"));
    *ret_end = true;
    return true;
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate_lock);
    gate_open = true;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_lock);
}

static err_t reply_slowly(struct http_exchange *x)
{
    struct http_producer *p = arena_new(&x->arena, struct http_producer);
    *p = (struct http_producer){ produce_after_gate, NULL };
    http_reply_stream(x, 200, "text/plain", p);
    return NULL;
}

static err_t reply_early(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", S("early"));
    return NULL;
}

static void fail_in_text(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    http_reply(x, refusal ? refusal->status : 500, "text/plain", S("refused"));
}

static const struct http_route routes[] = {
    { "GET", "/hello", reply_hello, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "POST", "/hello", reply_hello, HTTP_ON_LOOP, 0, "" },
    { "GET", "/listing", reply_with_listing, HTTP_ON_LOOP, 0, "" },
    { "GET", "/file", reply_with_file, HTTP_ON_LOOP, 0, "" },
    { "GET", "/slow", reply_slowly, HTTP_ON_LOOP, 0, "" },
    { "PUT", "/early", reply_early, HTTP_STREAM, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = {
    .name = "test", .routes = routes, .route_count = LENGTH_OF(routes), .prefixes = prefixes, .fail = fail_in_text
};

/* ---- the client and the clock ---- */

static int connect_client(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 16384, one = 1, segment = 536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment,
               sizeof segment);                                 /* so that reading a little shows at the sender */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* the clock of the tests is faster than Nagle's */
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL); /* the server may have closed the connection */
}

static void advance(int64_t ms)
{
    clock_manual_advance(&manual, ms);
    http_server_wake(server);
}

static struct http_stats stats(void)
{
    struct http_stats s;
    http_server_stats(server, &s);
    return s;
}

static void wait_until_readable(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };
    if (poll(&p, 1, WAIT_MS) != 1)
        fail_msg("the server sends nothing");
}

static void read_exactly(int fd, size_t n)
{
    static char to[65536];
    int one = 1;
    while (n) {
        wait_until_readable(fd);
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one); /* acknowledge in no time of the tests' clock */
        ssize_t got = recv(fd, to, n < sizeof to ? n : sizeof to, 0);
        if (got <= 0)
            fail_msg("the connection was closed");
        n -= (size_t)got;
    }
}

static void read_reply(int fd, const char *end)
{
    char text[4096];
    size_t n = 0;
    do {
        wait_until_readable(fd);
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            fail_msg("the connection was closed");
        n += (size_t)got;
        text[n] = '\0';
    } while (!strstr(text, end));
}

/* Two requests on a connection of its own: with the second reply, the loop has finished a turn that began after the call,
 * and has done all that was due. */
static void sync_with_loop(void)
{
    for (int i = 0; i < 2; i++) {
        send_text(helper, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        read_reply(helper, "hello");
    }
}

static uint64_t connections(void)
{
    sync_with_loop();
    return stats().connections_open - 1;
}

/* Is the one connection closed within this much time of the server? Each step, `text` is sent. */
static bool ends_within(int64_t ms, int64_t step_ms, int fd, const char *text)
{
    EXPECT_EQ(connections(), 1);
    for (int64_t at = 0; at < ms; at += step_ms) {
        send_text(fd, text);
        sync_with_loop();
        advance(step_ms);
        if (connections() == 0)
            return true;
    }
    return false;
}

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = { .clock = &manual.clock,
                              .loops = 1,
                              .workers = 2,
                              .body_workers = 1,
                              .fallback = "test",
                              .send_rate_bytes = RATE,
                              .send_window_ms = WINDOW_MS };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    slice at;
    EXPECT_OK(http_server_listen(server, &(struct http_listener){ .address = "127.0.0.1:0" }, &a, &at));
    memcpy(address, at.p, at.n + 1);
    EXPECT_OK(http_server_start(server, &a));
    file_fd = memfd_create("file", MFD_CLOEXEC);
    EXPECT_EQ(ftruncate(file_fd, (off_t)LISTING_BYTES), 0);
    helper = connect_client();
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    open_gate();
    http_server_stop(server, 5000);
    http_server_free(server);
    close(file_fd);
    close(helper);
    return 0;
}

/* ---- the states ---- */

TEST(a_client_that_sends_nothing_is_disconnected)
{
    int fd = connect_client();
    EXPECT(ends_within(11000, 1000, fd, ""));
    close(fd);
}

/* Empty lines before a request are ignored, but they are no progress. */
TEST(a_client_that_sends_empty_lines_is_disconnected)
{
    int fd = connect_client();
    EXPECT(ends_within(90000, 1000, fd, "\r\n"));
    close(fd);
    EXPECT_EQ(connections(), 0);
}

TEST(a_client_that_sends_a_head_byte_by_byte_is_disconnected)
{
    int fd = connect_client();
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
    EXPECT(ends_within(90000, 1000, fd, "x"));
    close(fd);
}

TEST(an_idle_client_is_disconnected)
{
    int fd = connect_client();
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    read_reply(fd, "hello");
    EXPECT(ends_within(76000, 5000, fd, ""));
    close(fd);
}

TEST(a_body_that_comes_in_extensions_of_chunks_is_cut)
{
    int fd = connect_client();
    send_text(fd, "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a");
    EXPECT(ends_within(120000, 1000, fd,
                       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    close(fd);
}

/* A client that sends `text` each second after its refusal can read it for so long, and not longer. */
static void expect_rest_to_be_read(const char *length, const char *text, int seconds, int at_most)
{
    SCRATCH(a);
    int fd = connect_client();
    send_text(fd, arena_printf(&a, "PUT /early HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n", length).p);
    read_reply(fd, "early");
    EXPECT(!ends_within((int64_t)1000 * seconds, 1000, fd, text));
    EXPECT(ends_within((int64_t)1000 * (at_most - seconds), 1000, fd, text));
    close(fd);
}

/* If the socket is closed while the client is busy, its next byte is answered with a reset, which it reports in place of the reply. */
TEST(a_sender_that_paused_for_five_seconds_after_its_refusal_was_reset)
{
    expect_rest_to_be_read("1000000", "", 70, 80);   /* the connection stays when the body has come */
    expect_rest_to_be_read("100000000", "", 70, 80); /* it is closed then */
}

TEST(a_slow_sender_was_reset_half_a_minute_after_its_refusal)
{
    char second[1024];
    memset(second, 'b', sizeof second - 1);
    second[sizeof second - 1] = '\0';
    expect_rest_to_be_read("1000000", second, 590, 690);
    expect_rest_to_be_read("100000000", second, 590, 610);
    /* below the rate of bodies it has one window, as a client without a next request */
    expect_rest_to_be_read("1000000", "b", 70, 80);
    expect_rest_to_be_read("100000000", "b", 70, 80);
}

/* ---- readers ---- */

static void expect_slow_reader_to_be_cut(const char *request, size_t bytes_a_minute)
{
    int fd = connect_client();
    uint64_t before = stats().slow_readers;
    send_text(fd, request);
    read_exactly(fd, 1000);
    bool cut = false;
    for (int minute = 0; minute < 1000 && !cut; minute++) { /* most of them pass before the socket is full */
        read_exactly(fd, bytes_a_minute);
        cut = ends_within(60000, 30000, fd, "");
    }
    EXPECT(cut);
    EXPECT_EQ(stats().slow_readers, before + 1);
    close(fd);
}

TEST(a_reader_that_took_one_byte_a_minute_kept_its_listing_for_ever)
{
    expect_slow_reader_to_be_cut("GET /listing HTTP/1.1\r\nHost: x\r\n\r\n", 1);
}

TEST(a_reader_that_took_one_byte_a_minute_kept_its_download_for_ever)
{
    expect_slow_reader_to_be_cut("GET /file HTTP/1.1\r\nHost: x\r\n\r\n", 1);
}

TEST(a_reader_that_makes_progress_below_the_floor_is_cut)
{
    expect_slow_reader_to_be_cut("GET /file HTTP/1.1\r\nHost: x\r\n\r\n", 6000);
}

/* The kernel takes nothing more before such a reader has emptied a third of the socket, which takes it many windows. */
TEST(a_reader_above_the_floor_keeps_its_download)
{
    int fd = connect_client();
    uint64_t before = stats().slow_readers;
    send_text(fd, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int s = 0; s < 600; s += 10) {
        read_exactly(fd, (size_t)16 * RATE * 10);
        EXPECT(!ends_within(10000, 10000, fd, ""));
    }
    EXPECT_EQ(stats().slow_readers, before);
    close(fd);
    EXPECT_EQ(connections(), 0);
}

TEST(a_slow_producer_of_ours_is_not_blamed_on_the_reader)
{
    int fd = connect_client();
    send_text(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    pthread_mutex_lock(&gate_lock);
    while (!producing)
        pthread_cond_wait(&gate_moved, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
    EXPECT(!ends_within(10 * WINDOW_MS, WINDOW_MS, fd, ""));
    open_gate();
    read_reply(fd, "produced");
    close(fd);
    EXPECT_EQ(connections(), 0);
}

RUN_TESTS_WITH(start_server, stop_server, cmocka_unit_test(a_client_that_sends_nothing_is_disconnected),
               cmocka_unit_test(a_client_that_sends_empty_lines_is_disconnected),
               cmocka_unit_test(a_client_that_sends_a_head_byte_by_byte_is_disconnected),
               cmocka_unit_test(an_idle_client_is_disconnected),
               cmocka_unit_test(a_body_that_comes_in_extensions_of_chunks_is_cut),
               cmocka_unit_test(a_sender_that_paused_for_five_seconds_after_its_refusal_was_reset),
               cmocka_unit_test(a_slow_sender_was_reset_half_a_minute_after_its_refusal),
               cmocka_unit_test(a_reader_that_took_one_byte_a_minute_kept_its_listing_for_ever),
               cmocka_unit_test(a_reader_that_took_one_byte_a_minute_kept_its_download_for_ever),
               cmocka_unit_test(a_reader_that_makes_progress_below_the_floor_is_cut),
               cmocka_unit_test(a_reader_above_the_floor_keeps_its_download),
               cmocka_unit_test(a_slow_producer_of_ours_is_not_blamed_on_the_reader))

/* SPDX-License-Identifier: Apache-2.0 */
/* Interim replies over real sockets, plain and with TLS: from the loop, from workers, and to clients that do not read. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "http/engine_priv.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 20000 /* a test that waits longer fails */
#define FLOOD 6000    /* of 4 KB: more than the sockets between client and server hold */

enum { PLAIN, TLS, KINDS };
static struct http_server *server;
static char addresses[KINDS][64];
static SSL_CTX *client_tls;
static pthread_mutex_t lock_of_all = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int held, open_gates, finished;

static void increment(int *counter)
{
    SCOPED(unlockp) pthread_mutex_t *guard = lock(&lock_of_all);
    ++*counter;
    pthread_cond_broadcast(&moved);
}

static int read_counter(int *counter)
{
    SCOPED(unlockp) pthread_mutex_t *guard = lock(&lock_of_all);
    return *counter;
}

static void wait_for_count(int *counter, int at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    SCOPED(unlockp) pthread_mutex_t *guard = lock(&lock_of_all);
    while (*counter < at_least)
        if (pthread_cond_timedwait(&moved, &lock_of_all, &until) != 0)
            fail_msg("the counter did not reach %d", at_least);
}

/* ---- the API ---- */

struct progress_sink {
    struct http_sink sink;
    struct http_exchange *x;
    uint64_t n;
};

static void send_progress(struct http_exchange *x, uint64_t n)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    struct http_header offset = { S("Upload-Offset"), { text, (size_t)length } };
    http_interim(x, 104, &offset, 1);
    memset(text, '!', sizeof text); /* it was copied */
}

static err_t write_and_report(struct http_sink *s, slice bytes)
{
    struct progress_sink *p = CONTAINER_OF(s, struct progress_sink, sink);
    p->n += bytes.n;
    send_progress(p->x, p->n);
    return NULL;
}

static err_t report_and_finish(struct http_sink *s, struct http_exchange *x, err_t e)
{
    struct progress_sink *p = CONTAINER_OF(s, struct progress_sink, sink);
    if (e)
        return e;
    increment(&finished);
    send_progress(x, p->n);
    http_reply(x, 200, "text/plain", arena_printf(&x->arena, "all %llu", (unsigned long long)p->n));
    return NULL;
}

static bool finish_blocks(struct http_sink *s)
{
    return CONTAINER_OF(s, struct progress_sink, sink)->n > 100000;
}

static err_t receive(struct http_exchange *x)
{
    struct progress_sink *p = arena_new(&x->arena, struct progress_sink);
    *p = (struct progress_sink){ .sink = { .write = write_and_report,
                                           .finish = report_and_finish,
                                           .blocks = finish_blocks,
                                           .off_loop = http_has_header(&x->req, "Off-Loop") },
                                 .x = x };
    http_receive(x, &p->sink);
    return NULL;
}

static err_t announce_and_receive(struct http_exchange *x)
{
    const struct http_header headers[] = { { S("Location"), S("/u/1") }, { S("X-Forged"), S("a\r\nX-More: b\n\nc") } };
    http_interim(x, 104, headers, LENGTH_OF(headers));
    return receive(x);
}

static err_t announce_on_lane(struct http_exchange *x)
{
    send_progress(x, 0);
    http_on_loop(x, receive);
    return NULL;
}

static err_t pass_to_lane(struct http_exchange *x)
{
    http_on_lane(x, HTTP_LANE_ORDINARY, announce_on_lane);
    return NULL;
}

/* The first one brings a reset, if the client has closed its socket; the others cannot be sent. */
static err_t announce_often(struct http_exchange *x)
{
    for (int i = 0; i < 3; i++)
        send_progress(x, 0);
    return receive(x);
}

static err_t wait_on_lane(struct http_exchange *x)
{
    increment(&held);
    wait_for_count(&open_gates, 1);
    http_on_loop(x, announce_often);
    return NULL;
}

static err_t pass_to_held_lane(struct http_exchange *x)
{
    http_on_lane(x, HTTP_LANE_ORDINARY, wait_on_lane);
    return NULL;
}

static err_t report_and_reply(struct http_exchange *x)
{
    for (uint64_t i = 1; i <= 3; i++)
        send_progress(x, i);
    http_reply(x, 200, "text/plain", S("all"));
    return NULL;
}

static err_t flood_and_receive(struct http_exchange *x)
{
    char *value = arena_alloc(&x->arena, 4000);
    memset(value, 'v', 4000);
    struct http_header header = { S("X-Long"), { value, 4000 } };
    for (int i = 0; i < FLOOD; i++)
        http_interim(x, 104, &header, 1);
    return receive(x);
}

static err_t announce_too_much(struct http_exchange *x)
{
    char *value = arena_alloc(&x->arena, 5000);
    memset(value, 'v', 5000);
    http_interim(x, 104, &(struct http_header){ S("X-Long"), { value, 5000 } }, 1);
    return receive(x);
}

static void fail_in_text(struct http_exchange *x, err_t e)
{
    http_reply(x, 400, "text/plain", arena_copy(&x->arena, slice_of(e->msg)));
}

static const struct http_route routes[] = {
    { "PUT", "/announced", announce_and_receive, HTTP_STREAM, 0, "" },
    { "PUT", "/plain", receive, HTTP_STREAM, 0, "" },
    { "PUT", "/later", pass_to_lane, HTTP_STREAM, 0, "" },
    { "PUT", "/held", pass_to_held_lane, HTTP_STREAM, 0, "" },
    { "PUT", "/flood", flood_and_receive, HTTP_STREAM, 0, "" },
    { "PUT", "/long", announce_too_much, HTTP_STREAM, 0, "" },
    { "GET", "/worker", report_and_reply, HTTP_NO_BODY, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = {
    .name = "test", .routes = routes, .route_count = LENGTH_OF(routes), .prefixes = prefixes, .fail = fail_in_text
};

/* ---- the client ---- */

struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
};

static struct client connect_client(int kind)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(addresses[kind], ':') + 1));
    struct client c = { socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), NULL };
    assert_int_equal(connect(c.fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval limit = { WAIT_MS / 1000, 0 };
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (kind == TLS) {
        c.ssl = SSL_new(client_tls);
        SSL_set_fd(c.ssl, c.fd);
        assert_int_equal(SSL_connect(c.ssl), 1);
    }
    return c;
}

static void close_client(struct client *c)
{
    SSL_free(c->ssl);
    close(c->fd);
}

static void send_all(struct client *c, slice s)
{
    while (s.n) {
        int most = s.n > 65536 ? 65536 : (int)s.n;
        ssize_t n = c->ssl ? SSL_write(c->ssl, s.p, most) : send(c->fd, s.p, (size_t)most, MSG_NOSIGNAL);
        if (n <= 0)
            fail_msg("the server takes nothing more");
        s = slice_from(s, (size_t)n);
    }
}

/* Read until `until` has arrived. */
static slice read_until(struct client *c, struct arena *a, const char *until)
{
    struct buf b;
    buf_init(&b, 0);
    while (slice_find(buf_slice(&b), slice_of(until)) == SLICE_NONE) {
        char *at = buf_reserve(&b, 65536);
        ssize_t n = c->ssl ? SSL_read(c->ssl, at, 65536) : recv(c->fd, at, 65536, 0);
        if (n <= 0)
            fail_msg("the server sends nothing more; so far: '%.*s'", SLICE_ARG(slice_part(buf_slice(&b), 0, 2000)));
        b.n += (size_t)n;
    }
    return buf_give(&b, a);
}

static slice put_head(struct arena *a, const char *path, size_t n, const char *more)
{
    return arena_printf(a, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", path, n, more);
}

static slice zeros(struct arena *a, size_t n)
{
    return (slice){ arena_alloc(a, n), n };
}

/* Remove whole interim replies with this status from the beginning. Returns how many there were. */
static int take_interims(slice *text, const char *status)
{
    int n = 0;
    while (slice_starts(*text, slice_of(status))) {
        size_t end = slice_find(*text, S("\r\n\r\n"));
        if (end == SLICE_NONE)
            fail_msg("an interim reply has no end: '%.*s'", SLICE_ARG(slice_part(*text, 0, 2000)));
        *text = slice_from(*text, end + 4);
        n++;
    }
    return n;
}

#define EXPECT_STARTS(s, text)                                                                                         \
    do {                                                                                                               \
        slice has_ = (s);                                                                                              \
        if (!slice_starts(has_, slice_of(text)))                                                                       \
            fail_msg("not '%s' but '%.*s'", text, (int)(has_.n > 2000 ? 2000 : has_.n), has_.p);                       \
    } while (0)

/* ---- fixture ---- */

static void make_certificate(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    FILE *f = fopen(path, "w");
    assert_true(PEM_write_X509(f, x) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    struct http_options o = {
        .clock = clock_system(), .loops = 2, .workers = 2, .body_workers = 3, .fallback = "test"
    };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    for (int kind = 0; kind < KINDS; kind++) {
        slice at;
        EXPECT_OK(http_server_listen(server, &(struct http_listener){ .address = "127.0.0.1:0", .tls = kind == TLS },
                                     &a, &at));
        memcpy(addresses[kind], at.p, at.n + 1);
    }
    char *dir = tmpdir_make();
    const char *pem = arena_printf(&a, "%s/both.pem", dir).p;
    make_certificate(pem);
    EXPECT_OK(http_server_certificates(server, &(struct http_certificate){ pem, pem }, 1, &a));
    tmpdir_remove(dir);
    client_tls = SSL_CTX_new(TLS_client_method());
    EXPECT_OK(http_server_start(server, &a));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(server, 5000);
    http_server_free(server);
    SSL_CTX_free(client_tls);
    return 0;
}

/* ---- tests ---- */

TEST(an_interim_reply_comes_before_100_continue_and_does_not_replace_it)
{
    SCRATCH(a);
    const char *const paths[] = { "/announced", "/later" };
    for (int i = 0; i < KINDS * 2; i++) {
        struct client c = connect_client(i / 2);
        send_all(&c, put_head(&a, paths[i % 2], 5, "Expect: 100-continue\r\n"));
        slice r = read_until(&c, &a, "100 Continue\r\n\r\n");
        EXPECT_STARTS(r, i % 2 ? "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 0\r\n\r\n"
                               : "HTTP/1.1 104 Upload Resumption Supported\r\nLocation: /u/1\r\n"
                                 "X-Forged: a  X-More: b  c\r\n\r\n");
        EXPECT_EQ(take_interims(&r, "HTTP/1.1 104 "), 1);
        EXPECT_SLICE(r, S("HTTP/1.1 100 Continue\r\n\r\n"));
        send_all(&c, S("hello"));
        r = read_until(&c, &a, "all 5");
        EXPECT_EQ(take_interims(&r, "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 5\r\n"), 2);
        EXPECT_STARTS(r, "HTTP/1.1 200 ");
        close_client(&c);
    }
}

TEST(a_worker_reports_progress_in_the_middle_of_a_large_body)
{
    SCRATCH(a);
    for (int kind = 0; kind < KINDS; kind++) {
        struct client c = connect_client(kind);
        slice body = zeros(&a, 1000000);
        send_all(&c, put_head(&a, "/plain", body.n, ""));
        send_all(&c, slice_part(body, 0, 300000));
        slice r = read_until(&c, &a, "Upload-Offset: 300000\r\n\r\n");
        EXPECT(take_interims(&r, "HTTP/1.1 104 ") >= 1);
        EXPECT_SLICE(r, S(""));
        send_all(&c, slice_from(body, 300000));
        r = read_until(&c, &a, "all 1000000");
        take_interims(&r, "HTTP/1.1 104 ");
        EXPECT_STARTS(r, "HTTP/1.1 200 ");
        send_all(&c, put_head(&a, "/plain", 0, "")); /* the connection stays */
        EXPECT_STARTS(read_until(&c, &a, "all 0"), "HTTP/1.1 104 ");
        close_client(&c);
    }
}

TEST(a_client_that_does_not_read_loses_interim_replies_but_nothing_else)
{
    SCRATCH(a);
    for (int kind = 0; kind < KINDS; kind++) {
        int before = read_counter(&finished);
        struct client c = connect_client(kind);
        slice body = zeros(&a, 1000000);
        send_all(&c, put_head(&a, "/flood", body.n, kind == TLS ? "" : "Expect: 100-continue\r\n"));
        send_all(&c, body);
        wait_for_count(&finished, before + 1);
        slice r = read_until(&c, &a, "all 1000000");
        int came = take_interims(&r, "HTTP/1.1 104 Upload Resumption Supported\r\nX-Long: vvv");
        EXPECT(came > 0);
        EXPECT(came < FLOOD);
        int continues = take_interims(&r, "HTTP/1.1 100 ");
        EXPECT(continues <= (kind == PLAIN));
        take_interims(&r, "HTTP/1.1 104 ");
        EXPECT_STARTS(r, "HTTP/1.1 200 ");
        close_client(&c);
    }
}

/* The rest of an interim reply that has begun is sent as soon as the client reads, and "100 Continue" behind it, though no
 * final reply follows: the client would wait for ever. */
TEST(continue_follows_an_interim_reply_that_the_socket_did_not_take)
{
    SCRATCH(a);
    for (int kind = 0; kind < KINDS; kind++) {
        struct client c = connect_client(kind);
        send_all(&c, put_head(&a, "/flood", 5, "Expect: 100-continue\r\n"));
        slice r = read_until(&c, &a, "HTTP/1.1 100 Continue\r\n\r\n");
        EXPECT(take_interims(&r, "HTTP/1.1 104 ") < FLOOD);
        EXPECT_SLICE(r, S("HTTP/1.1 100 Continue\r\n\r\n"));
        send_all(&c, S("hello"));
        r = read_until(&c, &a, "all 5");
        take_interims(&r, "HTTP/1.1 104 ");
        EXPECT_STARTS(r, "HTTP/1.1 200 ");
        close_client(&c);
    }
}

TEST(old_clients_and_long_heads_get_no_interim_reply)
{
    SCRATCH(a);
    struct client c = connect_client(PLAIN);
    send_all(&c, S("PUT /announced HTTP/1.0\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"));
    EXPECT_STARTS(read_until(&c, &a, "all 5"), "HTTP/1.1 200 ");
    close_client(&c);
    c = connect_client(PLAIN);
    send_all(&c, put_head(&a, "/long", 5, ""));
    send_all(&c, S("hello"));
    EXPECT_STARTS(read_until(&c, &a, "all 5"), "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 5\r\n");
    close_client(&c);
}

static void *send_rounds(void *arg)
{
    SCRATCH(a);
    int kind = (int)(uintptr_t)arg % KINDS;
    slice body = zeros(&a, 300000), one = S("GET /worker HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = rounds(ROUNDS_http_uploads); i > 0; i--) {
        struct client c = connect_client(kind);
        for (int k = 0; k < 20; k++) {
            send_all(&c, one);
            slice r = read_until(&c, &a, "\r\n\r\nall");
            take_interims(&r, "HTTP/1.1 104 ");
            EXPECT_STARTS(r, "HTTP/1.1 200 ");
        }
        for (int k = 0; k < 3; k++) {
            send_all(&c, put_head(&a, k % 2 ? "/later" : "/plain", body.n, "Off-Loop: 1\r\n"));
            send_all(&c, body);
            slice r = read_until(&c, &a, "all 300000");
            take_interims(&r, "HTTP/1.1 104 ");
            EXPECT_STARTS(r, "HTTP/1.1 200 ");
        }
        send_all(&c, one); /* this client does not wait for its reply, nor does the next one send all of its body */
        close_client(&c);
        c = connect_client(kind);
        send_all(&c, put_head(&a, "/later", body.n, ""));
        send_all(&c, slice_part(body, 0, (size_t)i * 7919 % body.n));
        close_client(&c);
    }
    return NULL;
}

TEST(exchanges_that_end_while_an_interim_reply_is_on_its_way_get_one_final_reply)
{
    pthread_t threads[8];
    for (uintptr_t i = 0; i < LENGTH_OF(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, send_rounds, (void *)i), 0);
    for (size_t i = 0; i < LENGTH_OF(threads); i++)
        pthread_join(threads[i], NULL);
}

static void wait_until_acknowledged(int fd)
{
    int unsent = 1;
    for (int i = 0; i < WAIT_MS && unsent; i++) {
        assert_int_equal(ioctl(fd, SIOCOUTQ, &unsent), 0);
        if (unsent)
            poll(NULL, 0, 1);
    }
    EXPECT_EQ(unsent, 0);
}

/* Interim replies to a socket that was closed bring a reset. What came before it is still received. */
TEST(a_whole_body_counts_though_its_client_went_away_before_it_could_get_an_interim_reply)
{
    SCRATCH(a);
    int done = read_counter(&finished), before = read_counter(&held);
    struct client c = connect_client(PLAIN);
    slice body = zeros(&a, 100000);
    send_all(&c, put_head(&a, "/held", body.n, ""));
    send_all(&c, body);
    wait_for_count(&held, before + 1);
    wait_until_acknowledged(c.fd);
    close_client(&c);
    increment(&open_gates);
    wait_for_count(&finished, done + 1);
}

/* A connection that waits, on this thread, and whose socket is full or not as the test says. */
struct waiting {
    struct loop loop;
    struct conn conn;
    struct exchange exchange;
    int reader;
};

static void waiting_init(struct waiting *w, bool writable)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    memset(w, 0, sizeof *w);
    w->loop.thread = pthread_self();
    w->conn =
        (struct conn){ .loop = &w->loop, .fd = fds[0], .state = CONN_WAIT, .writable = writable, .x = &w->exchange };
    w->exchange.mark = MARK_EXCHANGE;
    w->exchange.conn = &w->conn;
    w->exchange.loop = &w->loop;
    w->exchange.minor = 1;
    w->reader = fds[1];
}

static void waiting_release(struct waiting *w)
{
    buf_release(&w->exchange.interim);
    close(w->conn.fd);
    close(w->reader);
}

TEST(an_interim_reply_is_dropped_while_the_rest_of_another_one_waits)
{
    SCOPED(waiting_release) struct waiting w;
    char got[100];
    waiting_init(&w, true); /* the socket has room again, but the connection did not run yet */
    buf_add(&w.exchange.interim, S("end\r\n\r\n"));
    http_interim(&w.exchange.pub, 104, NULL, 0);
    EXPECT_EQ(recv(w.reader, got, sizeof got, 0), -1);
    interim_flush(&w.conn);
    EXPECT_EQ(recv(w.reader, got, sizeof got, 0), 7);
    http_interim(&w.exchange.pub, 104, NULL, 0);
    ssize_t n = recv(w.reader, got, sizeof got, 0);
    EXPECT_SLICE(((slice){ got, n > 0 ? (size_t)n : 0 }), S("HTTP/1.1 104 Upload Resumption Supported\r\n\r\n"));
}

TEST(an_interim_reply_that_did_not_begin_is_not_kept)
{
    SCOPED(waiting_release) struct waiting w;
    waiting_init(&w, false);
    http_interim(&w.exchange.pub, 104, NULL, 0);
    EXPECT_EQ(w.exchange.interim.n, 0);
}

RUN_TESTS_WITH(start_server, stop_server,
               cmocka_unit_test(an_interim_reply_comes_before_100_continue_and_does_not_replace_it),
               cmocka_unit_test(a_worker_reports_progress_in_the_middle_of_a_large_body),
               cmocka_unit_test(a_client_that_does_not_read_loses_interim_replies_but_nothing_else),
               cmocka_unit_test(continue_follows_an_interim_reply_that_the_socket_did_not_take),
               cmocka_unit_test(an_interim_reply_is_dropped_while_the_rest_of_another_one_waits),
               cmocka_unit_test(an_interim_reply_that_did_not_begin_is_not_kept),
               cmocka_unit_test(old_clients_and_long_heads_get_no_interim_reply),
               cmocka_unit_test(exchanges_that_end_while_an_interim_reply_is_on_its_way_get_one_final_reply),
               cmocka_unit_test(a_whole_body_counts_though_its_client_went_away_before_it_could_get_an_interim_reply))

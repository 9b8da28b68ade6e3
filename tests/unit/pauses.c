/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that pause until their producer is ready, and requests that are suspended until something happens, over real sockets and
 * with a clock that only the tests move. */
#include "test.h"

#include "http/server.h"
#include "rounds.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 20000 /* a test that waits longer fails */
#define ROUND_MS 500
#define BUDGET ((size_t)16 << 20)
#define LARGE_BYTES ((size_t)100 << 10)

static struct http_server *server;
static struct clock_manual manual;
static char address[64];
static int helper;
static pthread_mutex_t lock_of_all = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int published; /* how many events there are */
static int asked, runs, released, holding;
static struct events *newest; /* the stream that began last … */
static int newest_asked;      /* … and how often it was asked */
static bool is_last, gate_closed, right_has_ended;

/* ---- the API ---- */

struct events {
    struct http_producer producer;
    bool is_large; /* its first piece */
    int sent;      /* -1: the beginning was not sent */
};

static bool events_are_ready(struct http_producer *p)
{
    struct events *s = CONTAINER_OF(p, struct events, producer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    asked++;
    newest_asked += s == newest;
    pthread_cond_broadcast(&moved);
    return published != s->sent;
}

static void wait_at_gate(int *counter)
{
    ++*counter;
    pthread_cond_broadcast(&moved);
    while (gate_closed)
        pthread_cond_wait(&moved, &lock_of_all);
}

static bool write_events(struct http_producer *p, struct buf *out, bool *ret_end)
{
    struct events *s = CONTAINER_OF(p, struct events, producer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    wait_at_gate(&runs);
    if (s->sent < 0) {
        s->sent = published;
        buf_add(out, S("begin;"));
        for (size_t i = 0; s->is_large && i < LARGE_BYTES; i++)
            buf_add_byte(out, ' ');
        return true;
    }
    if (s->sent == published)
        return true;
    buf_printf(out, "event %d;", ++s->sent);
    *ret_end = is_last;
    return true;
}

static void count_release(struct http_producer *p)
{
    (void)p;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    released++;
    pthread_cond_broadcast(&moved);
}

static const struct err right_ended = { .code = ERR_REVOKED, .msg = "the right has ended", .where = ERR_HERE };

static err_t check_right(struct http_watch *watch)
{
    (void)watch;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    return right_has_ended ? &right_ended : NULL;
}

static err_t reply_with_events(struct http_exchange *x)
{
    struct events *s = arena_new(&x->arena, struct events);
    *s = (struct events){ .producer = { write_events, count_release, events_are_ready },
                          .is_large = http_has_header(&x->req, "Large"),
                          .sent = -1 };
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
        newest = s;
        newest_asked = 0;
    }
    if (http_has_header(&x->req, "Watched")) {
        struct http_watch *watch = arena_new(&x->arena, struct http_watch);
        watch->check = check_right;
        http_watch(x, watch);
    }
    if (s->is_large) {
        char *value = arena_alloc(&x->arena, 12000);
        memset(value, 'v', 12000);
        http_reply_header(x, "X-Large", (slice){ value, 12000 });
    }
    http_reply_stream(x, 200, "text/plain", &s->producer);
    return NULL;
}

static err_t reply_hello(struct http_exchange *x)
{
    http_reply(x, 200, "text/plain", S("hello"));
    return NULL;
}

/* Holds more memory than all requests may use, until the gate opens. */
static err_t hold_memory(struct http_exchange *x)
{
    (void)arena_alloc(&x->arena, BUDGET + 1);
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
        wait_at_gate(&holding);
    }
    http_reply(x, 200, "text/plain", S("held"));
    return NULL;
}

/* ---- requests that are suspended ---- */

struct waiting {
    struct http_suspension suspension;
    struct waiting *prev, *next; /* of those that can be woken */
    int until;                   /* goes on when so many events are published */
    bool is_known;               /* it was suspended before */
    bool has_more;               /* then it is suspended once more, for one event */
};
static struct waiting *waiters; /* under lock_of_all, like these: */
static int looked, suspended, suspensions, resumed, ended_early;

static bool is_published(struct http_suspension *suspension)
{
    struct waiting *w = CONTAINER_OF(suspension, struct waiting, suspension);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    looked++;
    pthread_cond_broadcast(&moved);
    return published >= w->until;
}

static void add_waiter(struct waiting *w)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    w->prev = NULL;
    w->next = waiters;
    if (w->next)
        w->next->prev = w;
    waiters = w;
    suspended++;
    suspensions += !w->is_known;
    w->is_known = true;
    pthread_cond_broadcast(&moved);
}

static void remove_waiter(struct waiting *w)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    *(w->prev ? &w->prev->next : &waiters) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    suspended--;
    resumed++;
    ended_early += w->suspension.must_reply;
    pthread_cond_broadcast(&moved);
}

static err_t reply_suspended(struct http_suspension *suspension, struct http_exchange *x)
{
    struct waiting *w = CONTAINER_OF(suspension, struct waiting, suspension);
    remove_waiter(w);
    if (suspension->error)
        return suspension->error;
    if (w->has_more && !suspension->must_reply) {
        w->has_more = false;
        w->until++;
        add_waiter(w);
        http_suspend(x, suspension);
        return NULL;
    }
    http_reply(x, 200, "text/plain", suspension->must_reply ? S("not yet;") : S("published;"));
    return NULL;
}

static err_t suspend_on_loop(struct http_exchange *x)
{
    struct waiting *w = arena_new(&x->arena, struct waiting);
    *w = (struct waiting){ .suspension = { is_published, reply_suspended },
                           .has_more = http_has_header(&x->req, "Twice") };
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
        w->until = published + (http_has_header(&x->req, "Ready") ? 0 : 1);
    }
    add_waiter(w);
    http_suspend(x, &w->suspension);
    return NULL;
}

static err_t suspend_request(struct http_exchange *x)
{
    if (http_has_header(&x->req, "Watched")) {
        struct http_watch *watch = arena_new(&x->arena, struct http_watch);
        watch->check = check_right;
        http_watch(x, watch);
    }
    http_on_loop(x, suspend_on_loop);
    return NULL;
}

static void wake_all(void)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    for (struct waiting *w = waiters; w; w = w->next)
        http_wake(&w->suspension);
}

static void fail_in_text(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    http_reply(x, refusal ? refusal->status : 500, "text/plain", S("refused"));
}

static const struct http_route routes[] = {
    { "GET", "/events", reply_with_events, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "", 0 },
    { "GET", "/loop", reply_hello, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "", 0 },
    { "GET", "/worker", reply_hello, HTTP_NO_BODY, 0, "", 0 },
    { "GET", "/hold", hold_memory, HTTP_NO_BODY, 0, "", 4 * BUDGET },
    { "POST", "/wait", suspend_request, HTTP_ON_LOOP, 0, "", 0 },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = {
    .name = "test", .routes = routes, .route_count = LENGTH_OF(routes), .prefixes = prefixes, .fail = fail_in_text
};

/* ---- the client and the clock ---- */

static void wait_for(const int *counter, int at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&lock_of_all);
    while (*counter < at_least && pthread_cond_timedwait(&moved, &lock_of_all, &until) == 0) {
    }
    int value = *counter;
    pthread_mutex_unlock(&lock_of_all);
    if (value < at_least)
        fail_msg("the counter is %d and did not reach %d", value, at_least);
}

static int value_of(const int *counter)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    return *counter;
}

static void set(bool *flag, bool value)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    *flag = value;
    pthread_cond_broadcast(&moved);
}

static void publish(bool last)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_all);
    published++;
    is_last = last;
}

static int connect_client(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Read until `end` has come; NULL: until the connection is closed. Returns the last part of what came. */
static const char *read_until(int fd, const char *end)
{
    static char text[8192];
    size_t n = 0;
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("the server sends nothing more; so far: '%s'", text);
        if (n > 4096) {
            memmove(text, text + n - 2048, 2048);
            n = 2048;
        }
        ssize_t got = recv(fd, text + n, sizeof text / 2 - 1, 0);
        if (got <= 0 && end)
            fail_msg("the connection was closed; so far: '%s'", text);
        n += got > 0 ? (size_t)got : 0;
        text[n] = '\0';
        if (got <= 0 || (end && strstr(text, end)))
            return text;
    }
}

static struct http_stats stats(void)
{
    struct http_stats s;
    http_server_stats(server, &s);
    return s;
}

/* With the second reply, the loop has finished a turn that began after the call, and has done all that was due. */
static void sync_with_loop(void)
{
    for (int i = 0; i < 2; i++) {
        send_text(helper, "GET /loop HTTP/1.1\r\nHost: x\r\n\r\n");
        read_until(helper, "hello");
    }
}

static void advance(int64_t ms)
{
    clock_manual_advance(&manual, ms);
    http_server_wake(server);
    sync_with_loop();
}

static uint64_t connections(void)
{
    sync_with_loop();
    return stats().connections_open - 1;
}

#define EVENTS "GET /events HTTP/1.1\r\nHost: x\r\n"

/* Until the newest stream, which has nothing to send, is paused: then it is asked in each round. */
static void wait_until_paused(void)
{
    int before = value_of(&newest_asked);
    for (int i = 0; value_of(&newest_asked) == before; i++) {
        if (i == 10000)
            fail_msg("the reply is not paused");
        advance(ROUND_MS);
    }
}

/* A client of a reply that is paused after its beginning. */
static int open_paused(const char *headers)
{
    int fd = connect_client();
    send_text(fd, EVENTS);
    send_text(fd, headers);
    send_text(fd, "\r\n");
    read_until(fd, "begin;");
    wait_until_paused();
    return fd;
}

static void expect_no_connections(void)
{
    for (int i = 0; connections(); i++)
        if (i == 10000)
            fail_msg("%llu connections are open", (unsigned long long)connections());
    EXPECT_EQ(stats().memory_used, 0);
}

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = {
        .clock = &manual.clock, .loops = 1, .workers = 2, .body_workers = 1, .memory_bytes = BUDGET, .fallback = "test"
    };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    slice at;
    EXPECT_OK(http_server_listen(server, &(struct http_listener){ .address = "127.0.0.1:0" }, &a, &at));
    memcpy(address, at.p, at.n + 1);
    EXPECT_OK(http_server_start(server, &a));
    helper = connect_client();
    asked = runs = released = holding = looked = suspended = suspensions = resumed = ended_early = 0;
    is_last = gate_closed = right_has_ended = false;
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(server, 5000);
    EXPECT_EQ(stats().memory_used, 0);
    http_server_free(server);
    close(helper);
    return 0;
}

/* ---- tests ---- */

TEST(a_reply_pauses_until_its_producer_is_ready)
{
    int fd = open_paused("");
    int ran = value_of(&runs), before = value_of(&asked);
    for (int i = 0; i < 10; i++)
        advance(ROUND_MS);
    EXPECT_EQ(value_of(&runs), ran); /* nothing runs while there is nothing */
    EXPECT_EQ(value_of(&asked), before + 10);
    publish(false);
    advance(ROUND_MS);
    read_until(fd, "8\r\nevent ");
    wait_until_paused();
    EXPECT_EQ(value_of(&runs), ran + 2);
    publish(true);
    advance(ROUND_MS);
    const char *end = read_until(fd, NULL); /* it is the last reply of its connection */
    EXPECT(strstr(end, "0\r\n\r\n"));
    close(fd);
    EXPECT_EQ(value_of(&released), 1);
    expect_no_connections();
}

TEST(a_paused_reply_has_no_deadline)
{
    int fd = open_paused("");
    for (int minute = 0; minute < 300; minute++)
        advance(60000);
    EXPECT_EQ(connections(), 1);
    EXPECT_EQ(stats().timeouts, 0);
    publish(true);
    advance(ROUND_MS);
    read_until(fd, "event ");
    close(fd);
    expect_no_connections();
}

TEST(three_hundred_paused_replies_hold_no_thread_and_little_memory)
{
    int fds[300];
    for (int i = 0; i < 300; i++)
        fds[i] = open_paused("");
    EXPECT_EQ(stats().memory_used, 0); /* less than the budget counts of a request */
    EXPECT_EQ(stats().lanes[HTTP_LANE_ORDINARY].waiting, 0);
    send_text(helper, "GET /worker HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(helper, "hello");
    publish(true);
    advance(ROUND_MS);
    for (int i = 0; i < 300; i++) {
        EXPECT(strstr(read_until(fds[i], NULL), "event "));
        close(fds[i]);
    }
    EXPECT_EQ(value_of(&released), 300);
    expect_no_connections();
}

TEST(a_paused_reply_keeps_no_buffer_of_what_was_sent)
{
    int fd = open_paused("Large: 1\r\n");
    publish(false);
    advance(ROUND_MS);
    read_until(fd, "event ");
    wait_until_paused();
    EXPECT(stats().memory_used <= 2 * ARENA_COUNTED_STEP); /* the value of the header, which the API has made */
    close(fd);
    expect_no_connections();
}

TEST(a_client_that_closes_ends_its_paused_reply)
{
    int fd = open_paused(""), half = open_paused("");
    close(fd);
    wait_for(&released, 1);
    shutdown(half, SHUT_WR);
    wait_for(&released, 2);
    EXPECT(!strstr(read_until(half, NULL), "0\r\n\r\n"));
    close(half);
    expect_no_connections();
}

TEST(a_client_that_closed_before_its_reply_paused_ends_it)
{
    set(&gate_closed, true);
    int fd = connect_client();
    send_text(fd, EVENTS "\r\n");
    wait_for(&runs, 1);
    shutdown(fd, SHUT_WR);
    sync_with_loop();
    EXPECT_EQ(value_of(&released), 0);
    set(&gate_closed, false);
    wait_for(&released, 1);
    EXPECT(strstr(read_until(fd, NULL), "begin;"));
    close(fd);
    expect_no_connections();
}

TEST(a_client_that_sends_on_while_its_reply_is_paused_is_disconnected)
{
    int fd = open_paused(""), quiet = open_paused("");
    char text[32769];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    send_text(fd, text);
    for (int i = 0; i < 10; i++)
        sync_with_loop();
    EXPECT_EQ(stats().memory_used, 0); /* it was dropped */
    publish(false);
    advance(ROUND_MS);
    read_until(fd, "event ");
    wait_until_paused();
    send_text(fd, text);
    send_text(fd, "x");
    wait_for(&released, 1);
    EXPECT_EQ(connections(), 1);
    close(fd);
    close(quiet);
    expect_no_connections();
}

TEST(requests_behind_that_of_a_paused_reply_are_dropped)
{
    int fd = connect_client();
    send_text(fd, EVENTS "\r\nGET /worker HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&runs, 1);
    wait_until_paused();
    EXPECT_EQ(stats().memory_used, 0);
    publish(true);
    advance(ROUND_MS);
    const char *all = read_until(fd, NULL);
    EXPECT(strstr(all, "\r\nConnection: close\r\n") && strstr(all, "event ") && !strstr(all, "hello"));
    close(fd);
    expect_no_connections();
}

TEST(a_right_that_ends_ends_the_paused_reply_within_a_second)
{
    int fd = open_paused("Watched: 1\r\n"), other = open_paused("");
    set(&right_has_ended, true);
    advance(ROUND_MS);
    EXPECT(!strstr(read_until(fd, NULL), "0\r\n\r\n"));
    EXPECT_EQ(connections(), 1);
    EXPECT_EQ(value_of(&released), 1);
    close(fd);
    close(other);
    expect_no_connections();
}

TEST(a_paused_reply_stays_paused_while_the_memory_for_requests_is_in_use)
{
    int fd = open_paused(""), holder = connect_client();
    set(&gate_closed, true);
    send_text(holder, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&holding, 1);
    publish(true);
    for (int i = 0; i < 4; i++)
        advance(ROUND_MS);
    EXPECT_EQ(connections(), 2);
    EXPECT_EQ(stats().memory_refused, 0);
    set(&gate_closed, false);
    read_until(holder, "held");
    close(holder);
    for (int i = 0; stats().memory_used; i++) {
        EXPECT(i < 10000);
        sync_with_loop();
    }
    advance(ROUND_MS);
    EXPECT(strstr(read_until(fd, NULL), "event "));
    close(fd);
    expect_no_connections();
}

TEST(head_and_http_1_0_need_no_pause_and_no_chunks)
{
    int fd = connect_client();
    send_text(fd, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT(!strstr(read_until(fd, NULL), "begin;"));
    close(fd);
    EXPECT_EQ(value_of(&runs), 0);
    EXPECT_EQ(value_of(&released), 1);
    fd = connect_client();
    send_text(fd, "GET /events HTTP/1.0\r\n\r\n");
    read_until(fd, "\r\n\r\nbegin;");
    wait_until_paused();
    publish(true);
    advance(ROUND_MS);
    EXPECT_EQ(strncmp(read_until(fd, NULL), "event ", 6), 0);
    close(fd);
    expect_no_connections();
}

static int64_t stop_and_measure_ms(void)
{
    int64_t began_ms = clock_monotonic_ms(clock_system());
    http_server_stop(server, 2 * WAIT_MS);
    return clock_monotonic_ms(clock_system()) - began_ms;
}

TEST(a_server_that_stops_does_not_wait_for_paused_replies)
{
    int fd = open_paused("");
    EXPECT(stop_and_measure_ms() < WAIT_MS);
    EXPECT(!strstr(read_until(fd, NULL), "0\r\n\r\n"));
    EXPECT_EQ(value_of(&released), 1);
    close(fd);
}

static void *open_gate_when_the_server_stops(void *arg)
{
    int *idle = arg;
    read_until(*idle, NULL); /* idle connections end when the server has begun to stop */
    set(&gate_closed, false);
    return NULL;
}

TEST(a_reply_that_would_pause_while_the_server_stops_ends)
{
    set(&gate_closed, true);
    int fd = connect_client(), idle = connect_client();
    send_text(fd, EVENTS "\r\n");
    wait_for(&runs, 1);
    sync_with_loop();
    pthread_t opener;
    EXPECT_EQ(pthread_create(&opener, NULL, open_gate_when_the_server_stops, &idle), 0);
    EXPECT(stop_and_measure_ms() < WAIT_MS);
    pthread_join(opener, NULL);
    EXPECT(strstr(read_until(fd, NULL), "begin;"));
    EXPECT_EQ(value_of(&released), 1);
    close(fd);
    close(idle);
}

/* ---- requests that are suspended ---- */

#define WAIT_HEAD "POST /wait HTTP/1.1\r\nHost: x\r\n"

static int open_suspended(const char *headers)
{
    int fd = connect_client(), before = value_of(&suspensions);
    send_text(fd, WAIT_HEAD);
    send_text(fd, headers);
    send_text(fd, "Content-Length: 0\r\n\r\n");
    wait_for(&suspensions, before + 1);
    return fd;
}

TEST(a_suspended_request_is_answered_when_it_is_ready)
{
    int fd = open_suspended("");
    int before = value_of(&looked);
    for (int i = 0; i < 10; i++)
        advance(ROUND_MS);
    EXPECT(value_of(&looked) >= before + 10);
    publish(false);
    advance(ROUND_MS);
    EXPECT(!strstr(read_until(fd, "published;"), "Connection: close"));
    for (int i = 0; i < 3; i++) { /* the connection is used again, also for the same */
        send_text(fd, "GET /worker HTTP/1.1\r\nHost: x\r\n\r\n");
        read_until(fd, "hello");
        send_text(fd, WAIT_HEAD "Ready: 1\r\nContent-Length: 0\r\n\r\n");
        read_until(fd, "published;");
    }
    close(fd);
    EXPECT_EQ(value_of(&ended_early), 0);
    expect_no_connections();
}

TEST(a_wake_lets_a_suspended_request_go_on_at_once)
{
    int fd = open_suspended("Twice: 1\r\n");
    for (int i = 0; i < 100; i++)
        wake_all(); /* for nothing */
    publish(false);
    wake_all();
    for (int i = 0; value_of(&resumed) == 0; i++) { /* until it is suspended again */
        EXPECT(i < 10000);
        sync_with_loop();
    }
    publish(false);
    wake_all();
    read_until(fd, "published;");
    close(fd);
    expect_no_connections();
}

TEST(suspended_requests_have_no_deadline_no_thread_no_body_and_little_memory)
{
    static char body[100001];
    int fds[100];
    memset(body, 'b', sizeof body - 1);
    for (int i = 0; i < 100; i++) {
        fds[i] = connect_client();
        send_text(fds[i], WAIT_HEAD "Content-Length: 100000\r\n\r\n");
        send_text(fds[i], body);
        wait_for(&suspended, i + 1);
    }
    sync_with_loop(); /* the helper has not sent anything yet */
    for (int minute = 0; minute < 60; minute++)
        advance(60000);
    EXPECT(stats().memory_used <= 100 * 1024); /* without the bodies, which have a hundred times as much */
    EXPECT_EQ(stats().timeouts, 0);
    EXPECT_EQ(stats().lanes[HTTP_LANE_ORDINARY].waiting, 0);
    send_text(helper, "GET /worker HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(helper, "hello");
    publish(false);
    advance(ROUND_MS);
    for (int i = 0; i < 100; i++) {
        read_until(fds[i], "published;");
        close(fds[i]);
    }
    expect_no_connections();
}

TEST(a_client_that_closes_its_side_gets_the_reply_to_its_suspended_request)
{
    int fd = open_suspended(""), half = open_suspended("");
    close(fd);
    wait_for(&ended_early, 1);
    shutdown(half, SHUT_WR);
    EXPECT(strstr(read_until(half, NULL), "not yet;"));
    close(half);
    EXPECT_EQ(value_of(&suspended), 0);
    expect_no_connections();
}

TEST(requests_behind_a_suspended_one_are_answered_after_it)
{
    int fd = connect_client();
    send_text(fd, WAIT_HEAD "Content-Length: 0\r\n\r\nGET /loop HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&suspended, 1);
    send_text(fd, "GET /worker HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    sync_with_loop();
    publish(false);
    wake_all();
    const char *all = read_until(fd, NULL), *first = strstr(all, "published;");
    EXPECT(first && strstr(first, "hello") && strstr(strstr(first, "hello") + 1, "hello"));
    close(fd);
    expect_no_connections();
}

TEST(a_right_that_ends_ends_a_suspended_request_with_a_refusal)
{
    int fd = open_suspended("Watched: 1\r\n"), other = open_suspended("");
    set(&right_has_ended, true);
    advance(ROUND_MS);
    EXPECT(strstr(read_until(fd, "refused"), "HTTP/1.1 500 "));
    EXPECT_EQ(value_of(&suspended), 1);
    close(fd);
    close(other);
    expect_no_connections();
}

TEST(a_server_that_stops_answers_suspended_requests)
{
    int fd = open_suspended("Twice: 1\r\n");
    EXPECT(stop_and_measure_ms() < WAIT_MS);
    EXPECT(strstr(read_until(fd, NULL), "not yet;"));
    EXPECT_EQ(value_of(&suspended), 0);
    close(fd);
}

struct late_body {
    int fd, idle;
};

static void *send_body_when_the_server_stops(void *arg)
{
    struct late_body *late = arg;
    read_until(late->idle, NULL);
    send_text(late->fd, "x");
    return NULL;
}

TEST(a_request_that_is_suspended_while_the_server_stops_is_answered)
{
    struct late_body late = { connect_client(), connect_client() };
    send_text(late.fd, WAIT_HEAD "Content-Length: 1\r\n\r\n");
    sync_with_loop();
    pthread_t sender;
    EXPECT_EQ(pthread_create(&sender, NULL, send_body_when_the_server_stops, &late), 0);
    EXPECT(stop_and_measure_ms() < WAIT_MS);
    pthread_join(sender, NULL);
    EXPECT(strstr(read_until(late.fd, NULL), "not yet;"));
    close(late.fd);
    close(late.idle);
}

static bool stops_waking;

static void *wake_again_and_again(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stops_waking, __ATOMIC_SEQ_CST))
        wake_all();
    return NULL;
}

TEST(wakes_race_with_clients_that_go_and_with_what_they_wait_for)
{
    int count = rounds(ROUNDS_suspended_requests);
    pthread_t waker;
    stops_waking = false;
    EXPECT_EQ(pthread_create(&waker, NULL, wake_again_and_again, NULL), 0);
    for (int i = 0; i < count; i++) {
        int fd = open_suspended(i % 3 ? "" : "Twice: 1\r\n");
        if (i % 2)
            publish(false);
        if (i % 2 && i % 3)
            read_until(fd, "published;");
        close(fd);
    }
    __atomic_store_n(&stops_waking, true, __ATOMIC_SEQ_CST);
    pthread_join(waker, NULL);
    expect_no_connections();
    EXPECT_EQ(value_of(&suspended), 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_reply_pauses_until_its_producer_is_ready),
        EACH(a_paused_reply_has_no_deadline),
        EACH(three_hundred_paused_replies_hold_no_thread_and_little_memory),
        EACH(a_paused_reply_keeps_no_buffer_of_what_was_sent),
        EACH(a_client_that_closes_ends_its_paused_reply),
        EACH(a_client_that_closed_before_its_reply_paused_ends_it),
        EACH(a_client_that_sends_on_while_its_reply_is_paused_is_disconnected),
        EACH(requests_behind_that_of_a_paused_reply_are_dropped),
        EACH(a_right_that_ends_ends_the_paused_reply_within_a_second),
        EACH(a_paused_reply_stays_paused_while_the_memory_for_requests_is_in_use),
        EACH(head_and_http_1_0_need_no_pause_and_no_chunks),
        EACH(a_server_that_stops_does_not_wait_for_paused_replies),
        EACH(a_reply_that_would_pause_while_the_server_stops_ends),
        EACH(a_suspended_request_is_answered_when_it_is_ready),
        EACH(a_wake_lets_a_suspended_request_go_on_at_once),
        EACH(suspended_requests_have_no_deadline_no_thread_no_body_and_little_memory),
        EACH(a_client_that_closes_its_side_gets_the_reply_to_its_suspended_request),
        EACH(requests_behind_a_suspended_one_are_answered_after_it),
        EACH(a_right_that_ends_ends_a_suspended_request_with_a_refusal),
        EACH(a_server_that_stops_answers_suspended_requests),
        EACH(a_request_that_is_suspended_while_the_server_stops_is_answered),
        EACH(wakes_race_with_clients_that_go_and_with_what_they_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

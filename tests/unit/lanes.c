/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: which threads run what, and how the threads are shared. */
#include "base/clock.h"
#include "base/scoped.h"
#include "base/text.h"
#include "http/pool.h"
#include "http/server.h"
#include "test.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 30000

/* ---- counters that one thread waits for and another one increments ---- */

static pthread_mutex_t moves_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int held, gate;

static void move(int *counter, int by)
{
    pthread_mutex_lock(&moves_lock);
    *counter += by;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&moves_lock);
}

static void wait_for(const int *counter, int at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&moves_lock);
    while (*counter < at_least)
        if (pthread_cond_timedwait(&moved, &moves_lock, &until) != 0)
            abort();
    pthread_mutex_unlock(&moves_lock);
}

static void wait_at_gate(void)
{
    move(&held, 1);
    wait_for(&gate, 1);
}

static void reset_gate(void)
{
    held = gate = 0;
}

/* ---- the pool ---- */

struct noted_task {
    struct pool_task task;
    struct pool *pool;
    char name;
    int runs_left; /* how often it resumes itself */
    bool waits;    /* at the gate */
};

static char order[64];
static int order_length;

static void run_noted_task(struct pool_task *t)
{
    struct noted_task *n = CONTAINER_OF(t, struct noted_task, task);
    if (n->waits) {
        wait_at_gate();
        return;
    }
    order[order_length] = n->name; /* only one thread runs these tasks */
    bool again = n->runs_left-- > 0;
    if (again)
        pool_resume(n->pool, t);
    move(&order_length, 1);
}

static struct noted_task noted_task(struct pool *p, char name, uint64_t share, int runs_left)
{
    return (struct noted_task){
        .task = { .run = run_noted_task, .share = share }, .pool = p, .name = name, .runs_left = runs_left
    };
}

static struct stretch_budget pool_budget;

/* A pool of one thread, which waits at the gate. */
static struct pool *held_pool(struct pool_options o, struct noted_task *gate_task)
{
    reset_gate();
    order_length = 0;
    o.name = "test-pool";
    o.threads = 1;
    o.stretch = &pool_budget;
    struct pool *p = pool_new(&o);
    *gate_task = noted_task(p, '-', 99, 0);
    gate_task->waits = true;
    EXPECT(pool_submit(p, &gate_task->task));
    wait_for(&held, 1);
    return p;
}

static void expect_order(struct pool *p, const char *expected)
{
    move(&gate, 1);
    pool_free(p);
    EXPECT_SLICE(((slice){ order, (size_t)order_length }), slice_of(expected));
}

TEST(shares_are_served_in_turn)
{
    struct noted_task held_task, t[5];
    struct pool *p = held_pool((struct pool_options){ 0 }, &held_task);
    static const struct {
        char name;
        uint64_t share;
    } tasks[] = { { 'a', 1 }, { 'b', 1 }, { 'c', 1 }, { 'x', 2 }, { 'y', 2 } };
    for (size_t i = 0; i < LENGTH_OF(tasks); i++) {
        t[i] = noted_task(p, tasks[i].name, tasks[i].share, 0);
        EXPECT(pool_submit(p, &t[i].task));
    }
    expect_order(p, "axbyc");
}

TEST(work_in_pieces_lets_other_shares_run_between_its_pieces)
{
    struct noted_task held_task, t[3];
    struct pool *p = held_pool((struct pool_options){ .begun_first = true }, &held_task);
    t[0] = noted_task(p, 'l', 1, 3); /* four pieces */
    t[1] = noted_task(p, 'n', 1, 0); /* of the same share: waits until the work that has begun is done */
    t[2] = noted_task(p, 'x', 2, 0);
    for (int i = 0; i < 3; i++)
        EXPECT(pool_submit(p, &t[i].task));
    expect_order(p, "lxllln");
}

TEST(a_full_queue_refuses_new_work_but_not_the_next_piece)
{
    struct noted_task held_task, t[6];
    struct pool_stats stats;
    struct pool *p = held_pool((struct pool_options){ .queue_max = 3, .share_queue_max = 2 }, &held_task);
    for (int i = 0; i < 6; i++)
        t[i] = noted_task(p, (char)('a' + i), i < 3 ? 1 : 2, 0);
    EXPECT(pool_submit(p, &t[0].task));
    EXPECT(pool_submit(p, &t[1].task));
    EXPECT(!pool_submit(p, &t[2].task)); /* the share has all that it may have */
    EXPECT(pool_submit(p, &t[3].task));
    EXPECT(!pool_submit(p, &t[4].task)); /* the queue is full */
    pool_resume(p, &t[5].task);
    pool_stats(p, &stats);
    EXPECT_EQ(stats.waiting, 4);
    EXPECT_EQ(stats.refused, 2);
    expect_order(p, "adbf");
}

TEST(one_share_never_has_all_threads)
{
    reset_gate();
    struct pool *p = pool_new(
        &(struct pool_options){ .name = "test-pool", .threads = 2, .share_threads = 1, .stretch = &pool_budget });
    struct noted_task held_task[2], other = noted_task(p, 'x', 2, 0);
    order_length = 0;
    for (int i = 0; i < 2; i++) {
        held_task[i] = noted_task(p, '-', 1, 0);
        held_task[i].waits = true;
        EXPECT(pool_submit(p, &held_task[i].task));
    }
    EXPECT(pool_submit(p, &other.task));
    wait_for(&order_length, 1);
    EXPECT_EQ(held, 1);
    move(&gate, 1);
    pool_free(p);
    EXPECT_EQ(held, 2);
}

/* ---- stretches ---- */

static void *use_processor(void *arg)
{
    int64_t until_us = clock_thread_cpu_us() + *(int64_t *)arg;
    while (clock_thread_cpu_us() < until_us)
        ;
    return NULL;
}

TEST(a_stretch_is_work_and_not_waiting)
{
    struct stretch s = { 0 };
    struct stretch_budget b = { .limit_us = 5000 };
    int64_t long_us = 20000;
    stretch_begin(&s);
    pthread_t other;
    EXPECT_EQ(pthread_create(&other, NULL, use_processor, &long_us), 0);
    pthread_join(other, NULL);
    stretch_end(&s, &b);
    EXPECT(b.longest_us < 5000);
    EXPECT_EQ(b.over, 0);
    use_processor(&long_us);
    stretch_end(&s, &b);
    EXPECT(b.longest_us >= 20000);
    EXPECT_EQ(b.over, 1);
}

/* ---- a server with one loop, one worker, and two threads for long work ---- */

static struct http_server *server;
static char public_port[64], port_apart[64], port_local[64];

static err_t reply_thread_name(struct http_exchange *x)
{
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    http_reply(x, 200, "text/plain", arena_copy(&x->arena, slice_of(name)));
    return NULL;
}

static err_t move_to_long_lane(struct http_exchange *x)
{
    http_on_lane(x, HTTP_LANE_LONG, reply_thread_name);
    return NULL;
}

static err_t reply_after_gate(struct http_exchange *x)
{
    wait_at_gate();
    return reply_thread_name(x);
}

static err_t reply_after_60_ms_of_work(struct http_exchange *x)
{
    int64_t work_us = 60000;
    use_processor(&work_us);
    return reply_thread_name(x);
}

static err_t share_by_header(struct http_exchange *x)
{
    return slice_to_u64(http_header(&x->req, "Account"), &x->share)
               ? NULL
               : err_make(&x->arena, ERR_UNAUTHENTICATED, "no account");
}

static void fail_with_status(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    http_reply(x, refusal ? refusal->status : 500, "text/plain", arena_printf(&x->arena, "%s", e->msg));
}

static const struct http_route routes[] = {
    { "GET", "/where/loop", reply_thread_name, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "POST", "/where/loop", reply_thread_name, HTTP_ON_LOOP, 0, "" },
    { "GET", "/where/ordinary", reply_thread_name, HTTP_NO_BODY, 0, "" },
    { "GET", "/where/long", reply_thread_name, HTTP_NO_BODY | HTTP_LONG, 0, "" },
    { "GET", "/where/admin", reply_thread_name, HTTP_NO_BODY | HTTP_ADMIN, 0, "" },
    { "GET", "/where/moved", move_to_long_lane, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "GET", "/busy/ordinary", reply_after_60_ms_of_work, HTTP_NO_BODY, 0, "" },
    { "GET", "/busy/long", reply_after_60_ms_of_work, HTTP_NO_BODY | HTTP_LONG, 0, "" },
    { "GET", "/held/admin", reply_after_gate, HTTP_NO_BODY | HTTP_ADMIN, 0, "" },
    { "GET", "/held/long", reply_after_gate, HTTP_NO_BODY | HTTP_LONG, 0, "" },
    { "GET", "/held/ordinary", reply_after_gate, HTTP_NO_BODY, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = { .name = "test",
                                     .routes = routes,
                                     .route_count = LENGTH_OF(routes),
                                     .prefixes = prefixes,
                                     .guard = share_by_header,
                                     .fail = fail_with_status };

static void listen_at(const struct http_listener *listener, char *to, size_t size)
{
    SCRATCH(a);
    slice at;
    EXPECT_OK(http_server_listen(server, listener, &a, &at));
    memset(to, 0, size);
    strncat(to, at.p, size - 1);
}

static int start_server(void **state)
{
    (void)state;
    SCRATCH(a);
    struct http_options o = {
        .loops = 1, .workers = 1, .body_workers = 1, .long_workers = 2, .long_queue = 16, .fallback = "test"
    };
    const struct http_api *all[] = { &api };
    EXPECT_OK(http_server_new(&o, all, 1, &a, &server));
    static const char any_port[] = "127.0.0.1:0";
    listen_at(&(struct http_listener){ .address = any_port }, public_port, sizeof public_port);
    listen_at(&(struct http_listener){ .address = any_port, .apart = true }, port_apart, sizeof port_apart);
    listen_at(&(struct http_listener){ .address = any_port, .local = true }, port_local, sizeof port_local);
    EXPECT_OK(http_server_start(server, &a));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    http_server_stop(server, 5000);
    http_server_free(server);
    return 0;
}

/* Send a request, and return the connection. */
static int begin_request(const char *where, const char *method, const char *path, int account, size_t body)
{
    SCRATCH(a);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)atoi(strrchr(where, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    slice head = arena_printf(&a,
                              "%s %s HTTP/1.1\r\nHost: x\r\nAccount: %d\r\nConnection: close\r\n"
                              "Content-Length: %zu\r\n\r\n",
                              method, path, account, body);
    char *text = arena_array(&a, char, head.n + body);
    memcpy(text, head.p, head.n);
    EXPECT_EQ(send(fd, text, head.n + body, MSG_NOSIGNAL), (ssize_t)(head.n + body));
    return fd;
}

static slice end_request(int fd, struct arena *a)
{
    char text[4096];
    size_t n = 0;
    ssize_t got = 1;
    while (got > 0) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, WAIT_MS) != 1)
            fail_msg("no reply; so far '%.*s'", (int)n, text);
        got = recv(fd, text + n, sizeof text - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return arena_copy(a, (slice){ text, n });
}

static void expect_reply(slice reply, const char *part)
{
    if (slice_find(reply, slice_of(part)) == SLICE_NONE)
        fail_msg("no '%s' in '%.*s'", part, (int)reply.n, reply.p);
}

static void expect_thread(const char *path, int account, const char *thread)
{
    SCRATCH(a);
    slice reply = end_request(begin_request(public_port, "GET", path, account, 0), &a);
    expect_reply(reply, arena_printf(&a, "\r\n\r\n%s", thread).p);
}

TEST(a_handler_runs_on_the_threads_of_its_lane)
{
    expect_thread("/where/loop", 1, "cais-loop");
    expect_thread("/where/ordinary", 1, "cais-worker");
    expect_thread("/where/long", 1, "cais-long");
    expect_thread("/where/admin", 1, "cais-health");
    expect_thread("/where/moved", 1, "cais-long");
    SCRATCH(a);
    expect_reply(end_request(begin_request(port_apart, "GET", "/where/admin", 1, 0), &a), "\r\n\r\ncais-admin");
    expect_reply(end_request(begin_request(port_local, "GET", "/where/admin", 1, 0), &a), "\r\n\r\ncais-admin");
}

/* The stretch is counted after the reply was posted. */
static void expect_long_stretch(enum http_lane lane)
{
    struct http_stats stats;
    int64_t deadline_us = clock_stopwatch_us() + WAIT_MS * INT64_C(1000);
    do
        http_server_stats(server, &stats);
    while (stats.lanes[lane].stretch.over == 0 && clock_stopwatch_us() < deadline_us);
    EXPECT(stats.lanes[lane].stretch.over > 0);
    EXPECT(stats.lanes[lane].stretch.longest_us >= 60000);
}

TEST(long_work_was_allowed_250_ms_without_a_pause)
{
    expect_thread("/busy/ordinary", 1, "cais-worker");
    expect_long_stretch(HTTP_LANE_ORDINARY);
    expect_thread("/busy/long", 1, "cais-long");
    expect_long_stretch(HTTP_LANE_LONG);
}

TEST(a_body_of_a_megabyte_was_parsed_on_a_loop)
{
    SCRATCH(a);
    slice small = end_request(begin_request(public_port, "POST", "/where/loop", 1, HTTP_ON_LOOP_BODY_MAX), &a);
    expect_reply(small, "\r\n\r\ncais-loop");
    slice large = end_request(begin_request(public_port, "POST", "/where/loop", 1, HTTP_ON_LOOP_BODY_MAX + 1), &a);
    expect_reply(large, "\r\n\r\ncais-worker");
    large = end_request(begin_request(public_port, "POST", "/where/loop", 1, HTTP_ORDINARY_BODY_MAX + 1), &a);
    expect_reply(large, "\r\n\r\ncais-long");
}

TEST(operators_have_a_loop_that_nobody_else_can_fill)
{
    SCRATCH(a);
    slice reply = end_request(begin_request(port_apart, "GET", "/where/loop", 1, 0), &a);
    expect_reply(reply, "\r\n\r\ncais-apart");
    int idle[40];
    for (size_t i = 0; i < LENGTH_OF(idle); i++)
        idle[i] = begin_request(port_apart, "POST", "/where/loop", 1, 0);
    expect_thread("/where/loop", 1, "cais-loop"); /* also when that loop has more connections */
    for (size_t i = 0; i < LENGTH_OF(idle); i++)
        expect_reply(end_request(idle[i], &a), "cais-apart");
}

/* One account fills the lane of long work: one request runs, two wait, and the others are refused. */
TEST(copies_of_one_account_made_health_and_everybody_wait)
{
    SCRATCH(a);
    int fds[5], ordinary;
    struct http_stats stats;
    reset_gate();
    fds[0] = begin_request(public_port, "GET", "/held/long", 1, 0);
    wait_for(&held, 1);
    for (int i = 1; i < 5; i++)
        fds[i] = begin_request(public_port, "GET", "/held/long", 1, 0);
    do
        http_server_stats(server, &stats);
    while (stats.lanes[HTTP_LANE_LONG].waiting + stats.lanes[HTTP_LANE_LONG].refused < 4);
    EXPECT_EQ(stats.lanes[HTTP_LANE_LONG].waiting, 2);
    EXPECT_EQ(stats.lanes[HTTP_LANE_LONG].refused, 2);
    EXPECT_EQ(held, 1);
    expect_thread("/where/long", 2, "cais-long"); /* another account gets its turn at once */
    expect_thread("/where/ordinary", 1, "cais-worker");
    ordinary = begin_request(public_port, "GET", "/held/ordinary", 1, 0);
    wait_for(&held, 2);
    expect_thread("/where/admin", 2, "cais-health"); /* also when all other threads are busy */
    move(&gate, 1);
    int refused = 0, done = 0;
    for (int i = 0; i < 5; i++) {
        slice reply = end_request(fds[i], &a);
        bool busy = slice_find(reply, S("HTTP/1.1 503 ")) != SLICE_NONE;
        expect_reply(reply, busy ? "Retry-After: 1\r\n" : "cais-long");
        *(busy ? &refused : &done) += 1;
    }
    EXPECT_EQ(refused, 2);
    EXPECT_EQ(done, 3);
    expect_reply(end_request(ordinary, &a), "cais-worker");
}

static void allow_descriptors(rlim_t count)
{
    struct rlimit l;
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
    if (l.rlim_cur < count)
        l.rlim_cur = count;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static void wait_for_queue(enum http_lane lane, uint64_t length)
{
    struct http_stats stats;
    int64_t deadline_us = clock_stopwatch_us() + WAIT_MS * INT64_C(1000);
    do
        http_server_stats(server, &stats);
    while (stats.lanes[lane].waiting < length && clock_stopwatch_us() < deadline_us);
    EXPECT_EQ(stats.lanes[lane].waiting, length);
}

/* Two run, 1024 wait, and the others are refused at once. */
TEST(public_health_checks_filled_the_queue_of_the_operator)
{
    enum { REQUESTS = 10000, OF_ONE_NETWORK = 100, RUN = 2, WAIT = 1024 };
    SCRATCH(a);
    struct http_stats before, stats;
    int *fds = arena_array(&a, int, RUN + WAIT), refused = 0;
    reset_gate();
    http_server_stats(server, &before);
    allow_descriptors(2 * (RUN + WAIT) + 200);
    for (int i = 0; i < REQUESTS; i++) {
        if (i == RUN + WAIT)
            wait_for_queue(HTTP_LANE_HEALTH, WAIT);
        int fd = begin_request(public_port, "GET", "/held/admin", 1000 + i / OF_ONE_NETWORK, 0);
        if (i < RUN)
            wait_for(&held, i + 1);
        if (i < RUN + WAIT) {
            fds[i] = fd;
            continue;
        }
        SCRATCH(of_reply);
        expect_reply(end_request(fd, &of_reply), "HTTP/1.1 503 ");
        refused++;
    }
    http_server_stats(server, &stats);
    EXPECT_EQ(stats.lanes[HTTP_LANE_HEALTH].waiting, WAIT);
    EXPECT_EQ(stats.lanes[HTTP_LANE_HEALTH].refused - before.lanes[HTTP_LANE_HEALTH].refused, refused);
    EXPECT_EQ(held, RUN);
    const char *for_operators[] = { port_apart, port_local };
    for (size_t i = 0; i < LENGTH_OF(for_operators); i++)
        expect_reply(end_request(begin_request(for_operators[i], "GET", "/where/admin", 1, 0), &a), "cais-admin");
    move(&gate, 1);
    for (int i = 0; i < RUN + WAIT; i++) {
        SCRATCH(of_reply);
        expect_reply(end_request(fds[i], &of_reply), "cais-health");
    }
}

RUN_TESTS_WITH(start_server, stop_server, cmocka_unit_test(shares_are_served_in_turn),
               cmocka_unit_test(work_in_pieces_lets_other_shares_run_between_its_pieces),
               cmocka_unit_test(a_full_queue_refuses_new_work_but_not_the_next_piece),
               cmocka_unit_test(one_share_never_has_all_threads), cmocka_unit_test(a_stretch_is_work_and_not_waiting),
               cmocka_unit_test(a_handler_runs_on_the_threads_of_its_lane),
               cmocka_unit_test(long_work_was_allowed_250_ms_without_a_pause),
               cmocka_unit_test(a_body_of_a_megabyte_was_parsed_on_a_loop),
               cmocka_unit_test(operators_have_a_loop_that_nobody_else_can_fill),
               cmocka_unit_test(copies_of_one_account_made_health_and_everybody_wait),
               cmocka_unit_test(public_health_checks_filled_the_queue_of_the_operator))

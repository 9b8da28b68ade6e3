/* SPDX-License-Identifier: Apache-2.0 */
/* Creates the parts of the engine, starts and stops its threads, and releases the parts in order. */
#include "http/server.h"

#include "base/live.h"
#include "http/engine_priv.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADMIN_WORKERS 6
#define HEALTH_WORKERS 2
/* How long one may work for one request without a pause: docs/internals/connection.md says why. */
#define LOOP_STRETCH_US 1000
#define WORKER_STRETCH_US 50000

#define DEFAULT(field, value)                                                                                          \
    do {                                                                                                               \
        if (!(field))                                                                                                  \
            (field) = (value);                                                                                         \
    } while (0)

static size_t default_memory_bytes(void)
{
    size_t quarter = memory_of_machine() / 4, min = (size_t)64 << 20;
    return quarter < min ? min : quarter;
}

static err_t make_router(const struct http_server *s, const struct http_host *hosts, size_t count, struct arena *a,
                         struct router **ret)
{
    struct routing routing = {
        .apis = s->apis, .api_count = s->api_count, .hosts = hosts, .host_count = count, .fallback = s->o.fallback
    };
    return router_new(&routing, a, ret);
}

err_t http_server_new(const struct http_options *options, const struct http_api *const *apis, size_t count,
                      struct arena *a, struct http_server **ret)
{
    struct http_server *s = must_malloc(sizeof *s);
    s->mark = MARK_SERVER;
    s->o = *options;
    struct http_options *o = &s->o;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    DEFAULT(o->clock, clock_system());
    DEFAULT(o->random, random_system());
    DEFAULT(o->loops, cores < 1 ? 1 : cores > 16 ? 16 : (int)cores);
    DEFAULT(o->workers, 8);
    DEFAULT(o->long_workers, 4);
    DEFAULT(o->body_workers, o->loops < 8 ? 16 : 2 * o->loops);
    DEFAULT(o->worker_queue, 10000);
    DEFAULT(o->long_queue, 512);
    DEFAULT(o->max_head_bytes, 64 * 1024);
    DEFAULT(o->max_line_bytes, 16 * 1024);
    DEFAULT(o->max_headers, 100);
    DEFAULT(o->head_timeout_ms, 10000);
    DEFAULT(o->idle_timeout_ms, 75000);
    DEFAULT(o->body_rate_bytes, 256);
    DEFAULT(o->body_window_ms, 30000);
    DEFAULT(o->send_rate_bytes, 256);
    DEFAULT(o->send_window_ms, 60000);
    DEFAULT(o->linger_ms, 600000);
    DEFAULT(o->max_connections, 20000);
    DEFAULT(o->body_pool_bytes, (size_t)64 << 20);
    DEFAULT(o->memory_bytes, default_memory_bytes());
    s->memory.max = o->memory_bytes;
    pthread_rwlock_init(&s->tls_lock, NULL);
    pthread_mutex_init(&s->accept_lock, NULL);
    admission_init(&s->admission, o->max_connections, o->max_connections_per_address);
    s->limits = (struct message_limits){ o->max_head_bytes, o->max_line_bytes, o->max_headers, 16 * 1024 };
    s->apis = must_malloc((count + 1) * sizeof(*s->apis));
    for (size_t i = 0; i < count; i++)
        s->apis[i] = apis[i];
    s->api_count = count;
    err_t e = NULL;
    if (o->max_head_bytes > SCRATCH_BYTES / 4 || o->max_headers > MESSAGE_MAX_HEADERS)
        e = err_make(a, ERR_INVALID, "at most %zu bytes of head and %d header lines can be read", SCRATCH_BYTES / 4,
                     MESSAGE_MAX_HEADERS);
    if (!e)
        e = make_router(s, o->hosts, o->host_count, a, &s->router);
    if (!e)
        e = proxies_parse(o->trusted_proxies, a, &s->proxies);
    if (e) {
        http_server_free(s);
        return e;
    }
    *ret = s;
    return NULL;
}

err_t http_server_listen(struct http_server *s, const struct http_listener *options, struct arena *a,
                         slice *ret_address)
{
    ASSERT_MARK(s, SERVER);
    assert(!s->started);
    struct listener l;
    TRY(listener_open(options, a, &l, ret_address));
    s->listeners = must_realloc(s->listeners, (s->listener_count + 1) * sizeof l);
    s->listeners[s->listener_count++] = l;
    return NULL;
}

err_t http_server_certificates(struct http_server *s, const struct http_certificate *pairs, size_t count,
                               struct arena *a)
{
    ASSERT_MARK(s, SERVER);
    struct tls *loaded;
    TRY(tls_load(pairs, count, a, &loaded));
    pthread_rwlock_wrlock(&s->tls_lock);
    struct tls *old = s->tls;
    s->tls = loaded;
    pthread_rwlock_unlock(&s->tls_lock);
    tls_release(old);
    return NULL;
}

SSL *server_tls_accept(struct http_server *s, int fd)
{
    pthread_rwlock_rdlock(&s->tls_lock);
    SSL *ssl = s->tls ? tls_accept(s->tls, fd) : NULL;
    pthread_rwlock_unlock(&s->tls_lock);
    return ssl;
}

/* ---- start and stop ---- */

static void start_pools(struct http_server *s)
{
    const struct http_options *o = &s->o;
    struct pool_options lanes[HTTP_LANES] = {
        /* one account leaves a tenth of the queue to the others */
        [HTTP_LANE_ORDINARY] = { .name = "cais-worker",
                                 .threads = o->workers,
                                 .queue_max = o->worker_queue,
                                 .share_queue_max = o->worker_queue - o->worker_queue / 10 },
        [HTTP_LANE_LONG] = { .name = "cais-long",
                             .threads = o->long_workers,
                             .share_threads = (o->long_workers + 1) / 2,
                             .queue_max = o->long_queue,
                             .share_queue_max = (o->long_queue + 7) / 8,
                             .begun_first = true },
        [HTTP_LANE_HEALTH] = { .name = "cais-health",
                               .threads = HEALTH_WORKERS,
                               .queue_max = 1024,
                               .share_queue_max = 128 },
        /* some commands of the operator take minutes, such as a backup */
        [HTTP_LANE_ADMIN] = { .name = "cais-admin",
                              .threads = ADMIN_WORKERS,
                              .share_threads = ADMIN_WORKERS - 2,
                              .queue_max = 1024,
                              .share_queue_max = 128 },
    };
    for (int i = 0; i < HTTP_LANES; i++) {
        s->lane_stretch[i].limit_us = WORKER_STRETCH_US;
        lanes[i].stretch = &s->lane_stretch[i];
        s->lanes[i] = pool_new(&lanes[i]);
    }
    s->body_stretch.limit_us = WORKER_STRETCH_US;
    s->body_workers = pool_new(
        &(struct pool_options){ .name = "cais-body", .threads = o->body_workers, .stretch = &s->body_stretch });
}

static void stop_pools(struct http_server *s)
{
    for (int i = 0; i < HTTP_LANES; i++) {
        pool_free(s->lanes[i]);
        s->lanes[i] = NULL;
    }
    pool_free(s->body_workers);
    s->body_workers = NULL;
}

static bool has_listener_apart(const struct http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].options.apart)
            return true;
    return false;
}

err_t http_server_start(struct http_server *s, struct arena *a)
{
    ASSERT_MARK(s, SERVER);
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].options.tls && !s->tls)
            return err_make(a, ERR_INVALID, "%s speaks TLS but no certificate was given",
                            s->listeners[i].options.address);
    start_pools(s);
    s->loop_stretch.limit_us = LOOP_STRETCH_US;
    s->loop_count = s->o.loops; /* set before loop_init, which divides the buffers by it */
    int total = s->loop_count + has_listener_apart(s);
    s->loops = must_malloc((size_t)total * sizeof *s->loops);
    while (s->loop_total < total) {
        err_t e = loop_init(&s->loops[s->loop_total], s, s->loop_total, a);
        if (e) {
            loop_release(&s->loops[s->loop_total]);
            return e; /* http_server_free releases the others */
        }
        s->loop_total++;
    }
    s->started = true;
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the main thread only */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < s->loop_total; i++) {
        int failed = pthread_create(&s->loops[i].thread, NULL, loop_run, &s->loops[i]);
        assert(!failed);
        s->loops[i].started = true;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return NULL;
}

struct stop_request {
    struct mail mail;
    struct loop *loop;
    bool stop;      /* accept no more, close idle connections */
    bool close_all; /* close the others, too */
};

static void deliver_stop_request(struct mail *m)
{
    struct stop_request *r = CONTAINER_OF(m, struct stop_request, mail);
    r->loop->stopping = r->loop->stopping || r->stop;
    r->loop->closing_all = r->loop->closing_all || r->close_all;
    free(r);
}

static void post_stop_requests(struct http_server *s, bool stop, bool close_all)
{
    ASSERT_MARK(s, SERVER);
    for (int i = 0; i < s->loop_total; i++) {
        struct stop_request *r = must_malloc(sizeof *r);
        *r = (struct stop_request){
            .mail.deliver = deliver_stop_request, .loop = &s->loops[i], .stop = stop, .close_all = close_all
        };
        loop_post(&s->loops[i], &r->mail);
    }
}

/* ---- changes ---- */

struct change_mail {
    struct mail mail;
    struct loop *loop;
    struct router *router;
};

static void deliver_change(struct mail *m)
{
    struct change_mail *c = CONTAINER_OF(m, struct change_mail, mail);
    router_free(c->loop->router);
    c->loop->router = c->router;
    loop_set_timeouts(c->loop);
    free(c);
}

err_t http_server_change(struct http_server *s, const struct http_change *to, struct arena *a)
{
    ASSERT_MARK(s, SERVER);
    struct router *router;
    TRY(make_router(s, to->hosts, to->host_count, a, &router));
    router_free(s->router);
    s->router = router;
    LIVE_SET(s->o.head_timeout_ms, to->head_timeout_ms);
    LIVE_SET(s->o.idle_timeout_ms, to->idle_timeout_ms);
    LIVE_SET(s->o.body_rate_bytes, to->body_rate_bytes);
    LIVE_SET(s->o.body_window_ms, to->body_window_ms);
    LIVE_SET(s->o.send_rate_bytes, to->send_rate_bytes);
    LIVE_SET(s->o.send_window_ms, to->send_window_ms);
    admission_set(&s->admission, to->max_connections, to->max_connections_per_address);
    for (int i = 0; i < s->loop_total; i++) {
        struct change_mail *c = must_malloc(sizeof *c);
        *c =
            (struct change_mail){ .mail.deliver = deliver_change, .loop = &s->loops[i], .router = router_keep(router) };
        loop_post(&s->loops[i], &c->mail);
    }
    return NULL;
}

static void deliver_ping(struct mail *m)
{
    struct loop *l = CONTAINER_OF(m, struct loop, ping);
    __atomic_store_n(&l->ping_waits, false, __ATOMIC_RELEASE);
}

bool http_server_ping(struct http_server *s)
{
    ASSERT_MARK(s, SERVER);
    bool all = true;
    for (int i = 0; i < s->loop_total; i++) {
        struct loop *l = &s->loops[i];
        if (__atomic_load_n(&l->ping_waits, __ATOMIC_ACQUIRE)) {
            all = false;
            continue;
        }
        l->ping_waits = true;
        l->ping.deliver = deliver_ping;
        loop_post(l, &l->ping);
    }
    return all;
}

void http_server_wake(struct http_server *s)
{
    post_stop_requests(s, false, false);
}

/* Wait for a thread until the deadline (CLOCK_REALTIME); false: it still runs. */
static bool join_until(pthread_t thread, const struct timespec *until)
{
    return pthread_timedjoin_np(thread, NULL, until) == 0;
}

void http_server_stop(struct http_server *s, int64_t grace_ms)
{
    ASSERT_MARK(s, SERVER);
    if (!s->started)
        return;
    post_stop_requests(s, true, false);
    for (size_t i = 0; i < s->listener_count; i++)
        shutdown(s->listeners[i].fd, SHUT_RDWR); /* new clients are refused instead of waiting in the kernel's queue */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* real time, also when the clock is injected: an operator waits for it */
    until.tv_sec += grace_ms / 1000;
    until.tv_nsec += grace_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    for (int i = 0; i < s->loop_total; i++)
        s->loops[i].started = !join_until(s->loops[i].thread, &until);
    post_stop_requests(s, true, true);
    for (int i = 0; i < s->loop_total; i++)
        if (s->loops[i].started)
            pthread_join(s->loops[i].thread, NULL);
    stop_pools(s);
    s->started = false;
}

void http_server_end_grace(struct http_server *s)
{
    post_stop_requests(s, true, true);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    ASSERT_MARK(s, SERVER);
    assert(!s->started);
    stop_pools(s);
    for (int i = 0; i < s->loop_total; i++)
        loop_release(&s->loops[i]);
    free(s->loops);
    for (size_t i = 0; i < s->listener_count; i++)
        listener_close(&s->listeners[i]);
    free(s->listeners);
    tls_release(s->tls);
    proxies_free(s->proxies);
    router_free(s->router);
    free(s->apis);
    admission_release(&s->admission);
    pthread_rwlock_destroy(&s->tls_lock);
    pthread_mutex_destroy(&s->accept_lock);
    CLEAR_MARK(s);
    free(s);
}

static struct http_stretch_stats read_stretch(const struct stretch_budget *b)
{
    return (struct http_stretch_stats){ __atomic_load_n(&b->longest_us, __ATOMIC_RELAXED),
                                        __atomic_load_n(&b->over, __ATOMIC_RELAXED) };
}

static void read_pool_stats(struct pool *p, const struct stretch_budget *b, struct http_pool_stats *ret)
{
    struct pool_stats now = { 0 };
    if (p) /* the server runs */
        pool_stats(p, &now);
    *ret = (struct http_pool_stats){ now.waiting, now.refused, read_stretch(b) };
}

void http_server_stats(struct http_server *s, struct http_stats *ret)
{
    ASSERT_MARK(s, SERVER);
    *ret = (struct http_stats){ 0 };
    ret->memory_used = memory_used(&s->memory);
    ret->memory_max = s->memory.max;
#define READ(from) __atomic_load_n(&s->loops[i].stats.from, __ATOMIC_RELAXED)
#define SUM(to, from) ret->to += READ(from)
#define MAX(to, from) ret->to = READ(from) > ret->to ? READ(from) : ret->to
    for (int i = 0; i < s->loop_total; i++) {
        SUM(connections_open, open);
        SUM(connections_accepted, accepted);
        SUM(connections_refused, refused);
        SUM(requests, requests);
        SUM(requests_active, active);
        SUM(bytes_in, bytes_in);
        SUM(bytes_out, bytes_out);
        SUM(timeouts, timeouts);
        SUM(slow_readers, slow_readers);
        SUM(malformed, malformed);
        SUM(body_buffers, buffers);
        SUM(memory_refused, memory_refused);
        MAX(memory_peak, memory_peak);
        MAX(memory_over, memory_over);
        for (int k = 0; k < 6; k++)
            SUM(status[k], status[k]);
    }
#undef SUM
#undef MAX
#undef READ
    ret->loop = read_stretch(&s->loop_stretch);
    for (int i = 0; i < HTTP_LANES; i++)
        read_pool_stats(s->lanes[i], &s->lane_stretch[i], &ret->lanes[i]);
    read_pool_stats(s->body_workers, &s->body_stretch, &ret->body_workers);
}

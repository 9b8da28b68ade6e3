/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the engine together, and taking it apart in order. */
#include "http/server.h"

#include "base/unix_socket.h"
#include "http/engine.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT(field, value)                                                                                          \
    do {                                                                                                               \
        if (!(field))                                                                                                  \
            (field) = (value);                                                                                         \
    } while (0)

err_t http_server_new(const struct http_options *options, const struct http_api *const *apis, size_t count,
                      struct arena *a, struct http_server **ret)
{
    struct http_server *s = must_malloc(sizeof *s);
    s->o = *options;
    struct http_options *o = &s->o;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    DEFAULT(o->clock, clock_system());
    DEFAULT(o->random, random_system());
    DEFAULT(o->loops, cores < 1 ? 1 : cores > 16 ? 16 : (int)cores);
    DEFAULT(o->workers, 8);
    DEFAULT(o->body_workers, o->loops < 8 ? 16 : 2 * o->loops);
    DEFAULT(o->worker_queue, 10000);
    DEFAULT(o->max_head_bytes, 64 * 1024);
    DEFAULT(o->max_line_bytes, 16 * 1024);
    DEFAULT(o->max_headers, 100);
    DEFAULT(o->head_timeout_ms, 10000);
    DEFAULT(o->idle_timeout_ms, 75000);
    DEFAULT(o->send_timeout_ms, 60000);
    DEFAULT(o->body_rate_bytes, 256);
    DEFAULT(o->body_window_ms, 30000);
    DEFAULT(o->linger_ms, 30000);
    DEFAULT(o->max_connections, 20000);
    DEFAULT(o->body_pool_bytes, (size_t)64 << 20);
    pthread_rwlock_init(&s->tls_lock, NULL);
    pthread_mutex_init(&s->address_lock, NULL);
    pthread_mutex_init(&s->accept_mutex, NULL);
    s->limits = (struct message_limits){ o->max_head_bytes, o->max_line_bytes, o->max_headers, 16 * 1024 };
    err_t e = NULL;
    if (o->max_head_bytes > SCRATCH_BYTES / 4 || o->max_headers > MESSAGE_MAX_HEADERS)
        e = err_make(a, ERR_INVALID, "at most %zu bytes of head and %d header lines can be read", SCRATCH_BYTES / 4,
                     MESSAGE_MAX_HEADERS);
    if (!e)
        e = router_new(apis, count, o->hosts, o->host_count, o->fallback, a, &s->router);
    if (!e)
        e = proxies_parse(o->trusted_proxies, a, &s->proxies);
    if (e) {
        http_server_free(s);
        return e;
    }
    *ret = s;
    return NULL;
}

/* ---- listeners ---- */

/* A socket that nobody answers on is left over from a crash and goes; anything else is somebody's and stays. */
static err_t clear_name(const char *path, const struct sockaddr_un *at, struct arena *a)
{
    struct stat there;
    if (lstat(path, &there) != 0)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot look at %s", path);
    if (!S_ISSOCK(there.st_mode))
        return err_make(a, ERR_CONFLICT, "%s is there and is no socket", path);
    SCOPED(fd_closep)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(a, errno, "cannot make a socket");
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno != ECONNREFUSED)
        return err_make(a, ERR_CONFLICT, "%s is in use by another program", path);
    return unlink(path) == 0 ? NULL : err_errno(a, errno, "cannot remove the old %s", path);
}

static err_t listen_unix(struct listener *l, const char *path, struct arena *a)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *short_path;
    TRY(unix_socket_path(path, a, &short_path));
    strncat(to.sun_path, short_path, sizeof to.sun_path - 1);
    SCOPED(fd_closep)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(a, errno, "cannot make a socket");
    TRY(clear_name(path, &to, a));
    mode_t before = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&to, sizeof to);
    umask(before);
    if (failed || listen(fd, 1024) != 0)
        return err_errno(a, errno, "cannot listen on %s", path);
    struct stat made;
    if (lstat(path, &made) == 0) {
        l->device = made.st_dev;
        l->inode = made.st_ino;
    }
    l->is_unix = true;
    l->path = must_strdup(path);
    l->fd = TAKE_FD(fd);
    return NULL;
}

/* "host:port", "[v6]:port", ":port" */
static err_t split_address(const char *text, struct arena *a, char **ret_host, char **ret_port)
{
    slice all = slice_of(text);
    size_t colon = slice_rfind_byte(all, ':');
    uint64_t port;
    if (colon == SLICE_NONE || !slice_to_u64(slice_from(all, colon + 1), &port) || port > 65535)
        return err_make(a, ERR_INVALID, "%s is not ADDRESS:PORT", text);
    slice host = slice_part(all, 0, colon);
    if (slice_starts(host, S("[")) && slice_ends(host, S("]")))
        host = slice_part(host, 1, host.n - 2);
    *ret_host = arena_cstr(a, host);
    *ret_port = arena_cstr(a, slice_from(all, colon + 1));
    return NULL;
}

static slice bound_address(int fd, struct arena *a)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof at;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(fd, (struct sockaddr *)&at, &size);
    if (at.ss_family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&at;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        return arena_printf(a, "[%s]:%u", host, ntohs(six->sin6_port));
    }
    struct sockaddr_in *four = (struct sockaddr_in *)&at;
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    return arena_printf(a, "%s:%u", host, ntohs(four->sin_port));
}

static err_t listen_tcp(struct listener *l, const char *address, struct arena *a, slice *ret_address)
{
    char *host = NULL, *port = NULL;
    TRY(split_address(address, a, &host, &port));
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST };
    struct addrinfo *found = NULL;
    if (strcmp(host, "localhost") == 0)
        host = arena_cstr(a, S("127.0.0.1"));
    if (getaddrinfo(host[0] ? host : "::", port, &hints, &found) != 0)
        return err_make(a, ERR_INVALID, "%s is not an address to listen on", address);
    SCOPED(fd_closep)
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1, zero = 0, failed = fd < 0;
    if (!failed) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (found->ai_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, host[0] ? &one : &zero, sizeof one);
        failed = bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 4096) != 0;
    }
    int why = errno;
    freeaddrinfo(found);
    if (failed && why == EADDRINUSE)
        return err_make(a, ERR_CONFLICT, "%s is in use by another program", address);
    if (failed)
        return err_errno(a, why, "cannot listen on %s", address);
    *ret_address = bound_address(fd, a);
    l->fd = TAKE_FD(fd);
    return NULL;
}

err_t http_server_listen(struct http_server *s, const struct http_listener *options, struct arena *a,
                         slice *ret_address)
{
    assert(!s->started);
    struct listener l = { .options = *options, .fd = -1 };
    slice address = slice_of(options->address);
    if (slice_starts(address, S("unix:"))) {
        TRY(listen_unix(&l, options->address + 5, a));
        *ret_address = address;
    } else {
        TRY(listen_tcp(&l, options->address, a, ret_address));
    }
    s->listeners = must_realloc(s->listeners, (s->listener_count + 1) * sizeof l);
    s->listeners[s->listener_count++] = l;
    return NULL;
}

err_t http_server_certificates(struct http_server *s, const struct http_certificate *pairs, size_t count,
                               struct arena *a)
{
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

/* ---- caps ---- */

static struct address_count *address_slot(struct http_server *s, const char *address)
{
    uint64_t h = slice_hash(slice_of(address));
    for (size_t i = 0;; i++) {
        struct address_count *c = &s->addresses[(h + i) & (s->address_slots - 1)];
        if (!c->address[0] || strcmp(c->address, address) == 0)
            return c;
    }
}

static void address_room(struct http_server *s)
{
    if (s->address_used * 2 < s->address_slots)
        return;
    struct address_count *old = s->addresses;
    size_t old_slots = s->address_slots, live = 0;
    for (size_t i = 0; i < old_slots; i++)
        live += old[i].count > 0;
    s->address_slots = 64;
    while (s->address_slots < live * 4)
        s->address_slots *= 2;
    s->addresses = must_malloc(s->address_slots * sizeof *s->addresses);
    s->address_used = 0;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].count) { /* addresses that have gone are dropped here */
            *address_slot(s, old[i].address) = old[i];
            s->address_used++;
        }
    free(old);
}

bool server_admit(struct http_server *s, const char *address, bool counted)
{
    if (__atomic_add_fetch(&s->connection_count, 1, __ATOMIC_RELAXED) > s->o.max_connections) {
        __atomic_sub_fetch(&s->connection_count, 1, __ATOMIC_RELAXED);
        return false;
    }
    if (!counted || !s->o.max_connections_per_address)
        return true;
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&s->address_lock);
    (void)held;
    address_room(s);
    struct address_count *c = address_slot(s, address);
    if (c->count >= s->o.max_connections_per_address) {
        __atomic_sub_fetch(&s->connection_count, 1, __ATOMIC_RELAXED);
        return false;
    }
    if (!c->address[0]) {
        strncat(c->address, address, sizeof c->address - 1);
        s->address_used++;
    }
    c->count++;
    return true;
}

void server_leave(struct http_server *s, const char *address, bool counted)
{
    __atomic_sub_fetch(&s->connection_count, 1, __ATOMIC_RELAXED);
    if (!counted || !s->o.max_connections_per_address)
        return;
    SCOPED(unlockp)
    pthread_mutex_t *held = lock(&s->address_lock);
    (void)held;
    address_slot(s, address)->count--;
}

/* ---- start and stop ---- */

err_t http_server_start(struct http_server *s, struct arena *a)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].options.tls && !s->tls)
            return err_make(a, ERR_INVALID, "%s speaks TLS but no certificate was given",
                            s->listeners[i].options.address);
    s->workers = pool_new(s->o.workers, s->o.worker_queue, "cais-worker");
    s->body_workers = pool_new(s->o.body_workers, 0, "cais-body");
    s->loops = must_malloc((size_t)s->o.loops * sizeof *s->loops);
    s->loop_count = s->o.loops; /* before the loops: they share out the buffers */
    err_t e = NULL;
    int made = 0;
    for (; made < s->loop_count && !e; made++)
        e = loop_init(&s->loops[made], s, made, a);
    if (e) {
        for (int i = 0; i < made; i++)
            loop_release(&s->loops[i]);
        s->loop_count = 0;
        return e;
    }
    s->started = true;
    sigset_t all, before;
    sigfillset(&all); /* signals are main's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < s->loop_count; i++) {
        int failed = pthread_create(&s->loops[i].thread, NULL, loop_run, &s->loops[i]);
        assert(!failed);
        s->loops[i].started = true;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return NULL;
}

struct order {
    struct mail mail;
    struct loop *loop;
    bool stop, cut;
};

static void deliver_order(struct mail *m)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);
    o->loop->stopping = o->loop->stopping || o->stop;
    o->loop->cutting = o->loop->cutting || o->cut;
    free(o);
}

static void tell_all(struct http_server *s, bool stop, bool cut)
{
    for (int i = 0; i < s->loop_count; i++) {
        struct order *o = must_malloc(sizeof *o);
        *o = (struct order){ .mail.deliver = deliver_order, .loop = &s->loops[i], .stop = stop, .cut = cut };
        loop_post(&s->loops[i], &o->mail);
    }
}

void http_server_wake(struct http_server *s)
{
    tell_all(s, false, false);
}

/* Wait for a thread until the deadline (CLOCK_REALTIME); false: it still runs. */
static bool join_until(pthread_t thread, const struct timespec *until)
{
    return pthread_timedjoin_np(thread, NULL, until) == 0;
}

void http_server_stop(struct http_server *s, int64_t grace_ms)
{
    if (!s->started)
        return;
    tell_all(s, true, false);
    for (size_t i = 0; i < s->listener_count; i++)
        shutdown(s->listeners[i].fd, SHUT_RDWR); /* new clients are refused, not left in a queue nobody looks at */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* the grace is for people: no injected clock */
    until.tv_sec += grace_ms / 1000;
    until.tv_nsec += grace_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    for (int i = 0; i < s->loop_count; i++)
        s->loops[i].started = !join_until(s->loops[i].thread, &until);
    tell_all(s, true, true);
    for (int i = 0; i < s->loop_count; i++)
        if (s->loops[i].started)
            pthread_join(s->loops[i].thread, NULL);
    pool_free(s->workers);
    pool_free(s->body_workers);
    s->workers = s->body_workers = NULL;
    s->started = false;
}

void http_server_hurry(struct http_server *s)
{
    tell_all(s, true, true);
}

/* Only if it is still ours: another server may have taken the name. */
static void remove_socket(const struct listener *l)
{
    struct stat there;
    if (l->path && lstat(l->path, &there) == 0 && there.st_dev == l->device && there.st_ino == l->inode)
        unlink(l->path);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    assert(!s->started);
    pool_free(s->workers);
    pool_free(s->body_workers);
    for (int i = 0; i < s->loop_count; i++)
        loop_release(&s->loops[i]);
    free(s->loops);
    for (size_t i = 0; i < s->listener_count; i++) {
        close(s->listeners[i].fd);
        remove_socket(&s->listeners[i]);
        free(s->listeners[i].path);
    }
    free(s->listeners);
    tls_release(s->tls);
    proxies_free(s->proxies);
    router_free(s->router);
    free(s->addresses);
    pthread_rwlock_destroy(&s->tls_lock);
    pthread_mutex_destroy(&s->address_lock);
    pthread_mutex_destroy(&s->accept_mutex);
    free(s);
}

void http_server_stats(struct http_server *s, struct http_stats *ret)
{
    *ret = (struct http_stats){ 0 };
#define SUM(to, from) ret->to += __atomic_load_n(&s->loops[i].stats.from, __ATOMIC_RELAXED)
    for (int i = 0; i < s->loop_count; i++) {
        SUM(connections_open, open);
        SUM(connections_accepted, accepted);
        SUM(connections_refused, refused);
        SUM(requests, requests);
        SUM(requests_active, active);
        SUM(bytes_in, bytes_in);
        SUM(bytes_out, bytes_out);
        SUM(timeouts, timeouts);
        SUM(malformed, malformed);
        SUM(body_buffers, buffers);
        for (int k = 0; k < 6; k++)
            SUM(status[k], status[k]);
    }
#undef SUM
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll instance, edge-triggered, and the thread that waits on it. Every connection is registered once; from then
 * on its `readable` and `writable` hold what epoll reported, so a request costs one recv and one send. */
#include "http/engine_priv.h"

#include "base/live.h"
#include "base/scoped.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FREE_BUFFERS_KEPT 8
#define BUFFERS_APART 16 /* of the loop for listeners apart, besides the pool of all others */
#define EVENTS_A_TURN 128
#define ACCEPTS_A_TURN 64

/* ---- mailbox ---- */

void loop_post(struct loop *l, struct mail *m)
{
    ASSERT_MARK(l, LOOP);
    m->next = NULL;
    pthread_mutex_lock(&l->mail_lock);
    bool first = !l->mail_first;
    *(first ? &l->mail_first : &l->mail_last->next) = m;
    l->mail_last = m;
    pthread_mutex_unlock(&l->mail_lock);
    if (first) { /* the first message in an empty mailbox wakes the loop, which then takes all of them */
        uint64_t one = 1;
        ssize_t n = write(l->wake_fd, &one, sizeof one);
        assert(n == sizeof one);
    }
}

static void deliver_mail(struct loop *l)
{
    uint64_t count;
    ssize_t n = read(l->wake_fd, &count, sizeof count);
    (void)n; /* the counter may be 0: an earlier read has reset it */
    pthread_mutex_lock(&l->mail_lock);
    struct mail *m = l->mail_first;
    l->mail_first = l->mail_last = NULL;
    pthread_mutex_unlock(&l->mail_lock);
    while (m) {
        struct mail *next = m->next;
        m->deliver(m);
        loop_end_stretch(l);
        m = next;
    }
}

/* ---- deadlines ---- */

static void unlink_deadline(struct loop *l, struct conn *c)
{
    if (c->deadline == DEADLINE_NONE)
        return;
    struct deadline_queue *q = &l->deadlines[c->deadline];
    *(c->deadline_prev ? &c->deadline_prev->deadline_next : &q->first) = c->deadline_next;
    *(c->deadline_next ? &c->deadline_next->deadline_prev : &q->last) = c->deadline_prev;
    c->deadline = DEADLINE_NONE;
}

void loop_set_deadline(struct loop *l, struct conn *c, enum deadline_kind kind)
{
    unlink_deadline(l, c);
    c->deadline = kind;
    if (kind == DEADLINE_NONE)
        return;
    struct deadline_queue *q = &l->deadlines[kind];
    c->deadline_at_ms = l->now_ms + q->length_ms;
    c->deadline_prev = q->last;
    c->deadline_next = NULL;
    *(q->last ? &q->last->deadline_next : &q->first) = c;
    q->last = c;
}

static void expire_deadlines(struct loop *l)
{
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        struct deadline_queue *q = &l->deadlines[kind];
        while (q->first && q->first->deadline_at_ms <= l->now_ms) {
            struct conn *c = q->first;
            unlink_deadline(l, c);
            conn_expired(c);
        }
    }
}

/* How long epoll_wait may block: until the next deadline; -1: without limit. */
static int poll_timeout_ms(const struct loop *l)
{
    if (l->ready_first)
        return 0;
    int64_t min_left = -1;
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        const struct conn *c = l->deadlines[kind].first;
        if (!c)
            continue;
        int64_t left = c->deadline_at_ms - l->now_ms;
        left = left < 0 ? 0 : left;
        min_left = min_left < 0 || left < min_left ? left : min_left;
    }
    int watch_left = watch_timeout_ms(l);
    if (watch_left >= 0 && (min_left < 0 || watch_left < min_left))
        return watch_left;
    return min_left > 60000 ? 60000 : (int)min_left;
}

/* ---- connections that have more to do ---- */

void loop_end_stretch(struct loop *l)
{
    stretch_end(&l->stretch, &l->server->loop_stretch);
}

void loop_mark_ready(struct loop *l, struct conn *c)
{
    if (c->is_ready)
        return;
    c->is_ready = true;
    c->ready_next = NULL;
    *(l->ready_first ? &l->ready_last->ready_next : &l->ready_first) = c;
    l->ready_last = c;
}

static void run_ready_conns(struct loop *l)
{
    struct conn *c = l->ready_first; /* connections that become ready from here on wait for the next turn */
    l->ready_first = l->ready_last = NULL;
    while (c) {
        struct conn *next = c->ready_next;
        c->is_ready = false;
        conn_run(c);
        loop_end_stretch(l);
        c = next;
    }
}

/* ---- buffers of uploads ---- */

struct body_buffer *loop_acquire_buffer(struct loop *l)
{
    struct body_buffer *b = l->free_buffers;
    if (b) {
        l->free_buffers = b->next;
        l->free_buffer_count--;
    } else if (l->buffers_out < l->buffers_max) {
        b = malloc(sizeof *b); /* not zeroed: its 128 KiB are overwritten anyway */
        if (!b)
            return NULL;
    } else {
        return NULL;
    }
    l->buffers_out++;
    STAT_ADD(l, buffers, 1);
    b->mark = MARK_BODY_BUFFER;
    b->n = 0;
    b->next = NULL;
    return b;
}

void loop_release_buffer(struct loop *l, struct body_buffer *b)
{
    ASSERT_MARK(b, BODY_BUFFER);
    CLEAR_MARK(b);
    l->buffers_out--;
    STAT_SUB(l, buffers, 1);
    if (l->free_buffer_count < FREE_BUFFERS_KEPT) {
        b->next = l->free_buffers;
        l->free_buffers = b;
        l->free_buffer_count++;
    } else {
        free(b);
    }
}

/* Runs once a turn, not for each returned buffer: a connection that is woken may not need a buffer any more. */
static void wake_buffer_waiters(struct loop *l)
{
    for (size_t spare = l->buffers_max - l->buffers_out; l->buffer_waiters && spare; spare--) {
        struct conn *c = l->buffer_waiters;
        l->buffer_waiters = c->buffer_waiter_next;
        c->waiting_for_buffer = false;
        loop_mark_ready(l, c);
    }
}

slice loop_request_id(struct loop *l, struct arena *a)
{
    unsigned char id[8];
    uint32_t number = htonl(l->id_next++);
    memcpy(id, l->id_seed, 4);
    memcpy(id + 4, &number, 4);
    return hex_encode(a, (slice){ (char *)id, sizeof id });
}

/* ---- accepting ---- */

/* From here on the connection belongs to this loop. */
static void add_conn(struct loop *l, int fd, struct listener *listener, const char *peer,
                     enum admission_kind admitted_as)
{
    struct conn *c = must_malloc(sizeof *c);
    c->mark = MARK_CONN;
    c->loop = l;
    c->listener = listener;
    c->fd = fd;
    c->admitted_as = admitted_as;
    c->readable = true; /* try to read at once: most clients have sent their request by now */
    c->writable = true;
    strncat(c->peer, peer, sizeof c->peer - 1);
    c->next = l->conns;
    if (l->conns)
        l->conns->prev = c;
    l->conns = c;
    STAT_ADD(l, open, 1);
    if (listener->options.tls)
        c->ssl = server_tls_accept(l->server, fd);
    conn_move(c, listener->options.tls ? CONN_HANDSHAKE : CONN_FIRST);
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    if ((listener->options.tls && !c->ssl) || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0 || l->stopping) {
        conn_close(c);
        return;
    }
    conn_run(c);
}

struct conn_handover {
    struct mail mail;
    struct loop *loop;
    struct listener *listener;
    int fd;
    enum admission_kind admitted_as;
    char peer[ADDRESS_TEXT_BYTES];
};

static void deliver_conn_handover(struct mail *m)
{
    struct conn_handover *h = CONTAINER_OF(m, struct conn_handover, mail);
    add_conn(h->loop, h->fd, h->listener, h->peer, h->admitted_as);
    free(h);
}

static struct loop *least_busy_loop(struct http_server *s)
{
    struct loop *best = &s->loops[0];
    uint64_t fewest = UINT64_MAX;
    for (int i = 0; i < s->loop_count; i++) {
        uint64_t open = __atomic_load_n(&s->loops[i].stats.open, __ATOMIC_RELAXED);
        if (open < fewest) {
            fewest = open;
            best = &s->loops[i];
        }
    }
    return best;
}

/* The process has no descriptor left, and a connection that is not accepted would wake this loop again and again. Close
 * the spare descriptor, accept the connection in its place, and ask the client to retry later. */
static void refuse_with_spare_fd(struct loop *l, struct listener *listener)
{
    if (l->spare_fd >= 0)
        close(l->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        STAT_ADD(l, refused, 1);
        if (!listener->options.tls)
            send_busy(l, fd);
        close(fd);
    }
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Accept one connection; -1: none is waiting, or it was refused. One loop at a time: between close and accept in
 * refuse_with_spare_fd another loop's accept could take the descriptor, and this loop would lose its spare one. */
static int accept_one(struct loop *l, struct listener *listener, struct sockaddr_storage *from, socklen_t *size)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&l->server->accept_lock);
    if (l->spare_fd < 0)
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = accept4(listener->fd, (struct sockaddr *)from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        refuse_with_spare_fd(l, listener);
    return fd;
}

static enum admission_kind admission_kind_of(const struct loop *l, const struct listener *listener, const char *peer)
{
    if (listener->options.apart)
        return ADMISSION_APART;
    bool many = listener->is_unix || proxies_trust(l->server->proxies, peer);
    return many ? ADMISSION_IN_TOTAL : ADMISSION_BY_ADDRESS;
}

static void accept_connections(struct loop *l, struct listener *listener)
{
    ASSERT_MARK(listener, LISTENER);
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        memset(&from, 0, sizeof from);
        int fd = accept_one(l, listener, &from, &size);
        if (fd < 0)
            return;
        STAT_ADD(l, accepted, 1);
        char peer[ADDRESS_TEXT_BYTES] = "";
        address_format((const struct sockaddr *)&from, peer);
        if (!listener->is_unix) {
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        }
        enum admission_kind kind = admission_kind_of(l, listener, peer);
        if (!admission_enter(&l->server->admission, peer, kind)) {
            STAT_ADD(l, refused, 1);
            if (!listener->options.tls)
                send_busy(l, fd);
            close(fd);
            continue;
        }
        struct loop *to = l->is_apart ? l : least_busy_loop(l->server);
        if (to == l) {
            add_conn(l, fd, listener, peer, kind);
            loop_end_stretch(l);
            continue;
        }
        struct conn_handover *h = must_malloc(sizeof *h);
        *h = (struct conn_handover){
            .mail.deliver = deliver_conn_handover, .loop = to, .listener = listener, .fd = fd, .admitted_as = kind
        };
        memcpy(h->peer, peer, sizeof peer);
        loop_post(to, &h->mail);
    }
}

/* ---- the turn ---- */

static void free_dead_conns(struct loop *l)
{
    if (!l->dead_conns)
        return;
    struct conn **at = &l->ready_first;
    l->ready_last = NULL;
    while (*at) {
        if ((*at)->state == CONN_CLOSED) {
            *at = (*at)->ready_next;
        } else {
            l->ready_last = *at;
            at = &(*at)->ready_next;
        }
    }
    for (struct conn *c = l->dead_conns, *next; c; c = next) {
        next = c->next;
        CLEAR_MARK(c);
        free(c);
    }
    l->dead_conns = NULL;
}

void loop_set_timeouts(struct loop *l)
{
    const struct http_options *o = &l->server->o;
    l->deadlines[DEADLINE_HEAD].length_ms = LIVE(o->head_timeout_ms);
    l->deadlines[DEADLINE_IDLE].length_ms = LIVE(o->idle_timeout_ms);
    l->deadlines[DEADLINE_BODY].length_ms = LIVE(o->body_window_ms);
    l->deadlines[DEADLINE_SEND].length_ms = LIVE(o->send_window_ms);
    int64_t window_ms = o->idle_timeout_ms > o->body_window_ms ? o->idle_timeout_ms : o->body_window_ms;
    l->deadlines[DEADLINE_LINGER].length_ms = window_ms < o->linger_ms ? window_ms : o->linger_ms;
    /* Those that wait must not wait longer than those that come later: a queue is in the order of its deadlines. */
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++)
        for (struct conn *c = l->deadlines[kind].first; c; c = c->deadline_next)
            if (c->deadline_at_ms > l->now_ms + l->deadlines[kind].length_ms)
                c->deadline_at_ms = l->now_ms + l->deadlines[kind].length_ms;
}

err_t loop_init(struct loop *l, struct http_server *s, int index, struct arena *a)
{
    *l = (struct loop){ .mark = MARK_LOOP, .server = s, .index = index, .epoll_fd = -1, .wake_fd = -1, .spare_fd = -1 };
    l->is_apart = index == s->loop_count;
    pthread_mutex_init(&l->mail_lock, NULL);
    pthread_mutex_init(&l->filled_lock, NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l->epoll_fd < 0 || l->wake_fd < 0)
        return err_errno(a, errno, "cannot make an event loop");
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev) != 0)
        return err_errno(a, errno, "cannot watch the wake-up descriptor of an event loop");
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].options.apart != l->is_apart)
            continue;
        /* the lowest bit distinguishes a listener from a connection */
        ev = (struct epoll_event){ .events = EPOLLIN | EPOLLEXCLUSIVE,
                                   .data.u64 = (uint64_t)(uintptr_t)&s->listeners[i] | 1 };
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->listeners[i].fd, &ev) != 0)
            return err_errno(a, errno, "cannot watch %s", s->listeners[i].options.address);
    }
    const struct http_options *o = &s->o;
    loop_set_timeouts(l);
    l->router = router_keep(s->router);
    l->buffers_max = o->body_pool_bytes / BODY_BUFFER_BYTES / (size_t)s->loop_count;
    if (l->is_apart)
        l->buffers_max = BUFFERS_APART;
    l->buffers_max = l->buffers_max < BODY_BUFFERS_EACH ? BODY_BUFFERS_EACH : l->buffers_max;
    l->scratch = must_malloc(SCRATCH_BYTES);
    l->spare_message = must_malloc(sizeof *l->spare_message);
    random_fill(o->random, l->id_seed, sizeof l->id_seed);
    l->now_ms = clock_monotonic_ms(o->clock);
    return NULL;
}

void loop_release(struct loop *l)
{
    l->stopping = true;
    deliver_mail(l); /* requests to stop, and connections, that were posted after the last turn */
    free_dead_conns(l);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    if (l->spare_fd >= 0)
        close(l->spare_fd);
    for (struct body_buffer *b = l->free_buffers, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    for (struct exchange *x = l->free_exchanges, *next; x; x = next) {
        next = x->next_free;
        free(x);
    }
    CLEAR_MARK(l);
    router_free(l->router);
    free(l->scratch);
    free(l->piece);
    free(l->spare_message);
    pthread_mutex_destroy(&l->mail_lock);
    pthread_mutex_destroy(&l->filled_lock);
}

static void handle_epoll_event(struct loop *l, const struct epoll_event *ev)
{
    if (ev->data.ptr == NULL) {
        deliver_mail(l);
    } else if (ev->data.u64 & 1) {
        if (!l->stopping)
            accept_connections(l, (struct listener *)(uintptr_t)(ev->data.u64 & ~(uint64_t)1));
    } else {
        struct conn *c = ev->data.ptr;
        ASSERT_MARK(c, CONN);
        if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->readable = true;
        if (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->peer_closed = true;
        if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            c->writable = true;
        loop_mark_ready(l,
                        c); /* it runs after all events of this turn, so that no event refers to a freed connection */
    }
}

static void begin_loop_stop(struct loop *l)
{
    for (size_t i = 0; i < l->server->listener_count; i++)
        if (l->server->listeners[i].options.apart == l->is_apart)
            epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->server->listeners[i].fd, NULL);
    for (struct conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        conn_begin_shutdown(c);
    }
}

void *loop_run(void *arg)
{
    struct loop *l = arg;
    ASSERT_MARK(l, LOOP);
    struct http_server *s = l->server;
    struct epoll_event events[EVENTS_A_TURN];
    bool seen_stop = false;
    pthread_setname_np(pthread_self(), l->is_apart ? "cais-apart" : "cais-loop");
    while (!l->stopping || l->conns) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS_A_TURN, poll_timeout_ms(l));
        l->now_ms = clock_monotonic_ms(s->o.clock);
        stretch_begin(&l->stretch);
        for (int i = 0; i < n; i++)
            handle_epoll_event(l, &events[i]);
        run_ready_conns(l);
        expire_deadlines(l);
        watch_run(l);
        wake_buffer_waiters(l);
        if (l->stopping && !seen_stop) {
            seen_stop = true;
            begin_loop_stop(l);
        }
        if (l->closing_all) {
            for (struct conn *c = l->conns, *next; c; c = next) {
                next = c->next;
                conn_close(c);
            }
        }
        free_dead_conns(l);
        if (l->has_reports && s->o.flush)
            s->o.flush(s->o.arg, l->index);
        l->has_reports = false;
        loop_end_stretch(l);
    }
    return NULL;
}

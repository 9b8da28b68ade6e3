/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll instance, edge-triggered, and what runs on its thread. Every connection is registered once; from then on
 * `readable` and `writable` say what is known, so a request costs one recv and one send. */
#include "http/engine.h"

#include "base/scoped.h"
#include "base/text.h"

#include <arpa/inet.h>
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
#define FREE_EXCHANGES_KEPT 64
#define EVENTS_A_TURN 128
#define ACCEPTS_A_TURN 64

/* ---- mailbox ---- */

void loop_post(struct loop *l, struct mail *m)
{
    m->next = NULL;
    pthread_mutex_lock(&l->mail_lock);
    bool first = !l->mail_first;
    *(first ? &l->mail_first : &l->mail_last->next) = m;
    l->mail_last = m;
    pthread_mutex_unlock(&l->mail_lock);
    if (first) { /* whoever finds the box empty rings; the loop empties it whole */
        uint64_t one = 1;
        ssize_t n = write(l->wake_fd, &one, sizeof one);
        assert(n == sizeof one);
    }
}

static void deliver_mail(struct loop *l)
{
    uint64_t count;
    ssize_t n = read(l->wake_fd, &count, sizeof count);
    (void)n; /* nothing to read is fine: it may have been read with an earlier ring */
    pthread_mutex_lock(&l->mail_lock);
    struct mail *m = l->mail_first;
    l->mail_first = l->mail_last = NULL;
    pthread_mutex_unlock(&l->mail_lock);
    while (m) {
        struct mail *next = m->next;
        m->deliver(m);
        m = next;
    }
}

/* ---- deadlines ---- */

static void deadline_unlink(struct loop *l, struct conn *c)
{
    if (c->deadline == DEADLINE_NONE)
        return;
    struct deadline_queue *q = &l->deadlines[c->deadline];
    *(c->deadline_prev ? &c->deadline_prev->deadline_next : &q->first) = c->deadline_next;
    *(c->deadline_next ? &c->deadline_next->deadline_prev : &q->last) = c->deadline_prev;
    c->deadline = DEADLINE_NONE;
}

void loop_deadline(struct loop *l, struct conn *c, enum deadline_kind kind)
{
    deadline_unlink(l, c);
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

static void expire(struct loop *l)
{
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        struct deadline_queue *q = &l->deadlines[kind];
        while (q->first && q->first->deadline_at_ms <= l->now_ms) {
            struct conn *c = q->first;
            deadline_unlink(l, c);
            conn_expired(c, (enum deadline_kind)kind);
        }
    }
}

/* Milliseconds until the next deadline, -1 for none. */
static int patience(const struct loop *l)
{
    if (l->ready)
        return 0;
    int64_t least = -1;
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        const struct conn *c = l->deadlines[kind].first;
        if (!c)
            continue;
        int64_t left = c->deadline_at_ms - l->now_ms;
        left = left < 0 ? 0 : left;
        least = least < 0 || left < least ? left : least;
    }
    return least > 60000 ? 60000 : (int)least;
}

/* ---- connections that have more to do ---- */

void loop_ready(struct loop *l, struct conn *c)
{
    if (c->is_ready)
        return;
    c->is_ready = true;
    c->ready_next = NULL;
    *(l->ready ? &l->ready_last->ready_next : &l->ready) = c;
    l->ready_last = c;
}

static void run_ready(struct loop *l)
{
    struct conn *c = l->ready; /* those that become ready meanwhile wait for the next turn */
    l->ready = l->ready_last = NULL;
    while (c) {
        struct conn *next = c->ready_next;
        c->is_ready = false;
        conn_run(c);
        c = next;
    }
}

/* ---- buffers of uploads ---- */

struct body_buffer *loop_take_buffer(struct loop *l)
{
    struct body_buffer *b = l->free_buffers;
    if (b) {
        l->free_buffers = b->next;
        l->free_buffer_count--;
    } else if (l->buffers_out < l->buffers_max) {
        b = malloc(sizeof *b); /* not zeroed: 128 KiB that are about to be written */
        if (!b)
            return NULL;
    } else {
        return NULL;
    }
    l->buffers_out++;
    STAT_ADD(l, buffers, 1);
    b->n = 0;
    b->next = NULL;
    return b;
}

void loop_give_buffer(struct loop *l, struct body_buffer *b)
{
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

/* Once a turn, not with each buffer that comes back: whoever is woken may not want one any more. */
static void wake_starved(struct loop *l)
{
    for (size_t spare = l->buffers_max - l->buffers_out; l->starved && spare; spare--) {
        struct conn *c = l->starved;
        l->starved = c->starved_next;
        c->is_starved = false;
        loop_ready(l, c);
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

void loop_adopt(struct loop *l, int fd, struct listener *listener, const char *peer, bool counted)
{
    struct conn *c = must_malloc(sizeof *c);
    c->loop = l;
    c->listener = listener;
    c->fd = fd;
    c->counted = counted;
    c->between = true;
    c->readable = true; /* try at once: most clients send with the handshake */
    c->writable = true;
    strncat(c->peer, peer, sizeof c->peer - 1);
    c->next = l->conns;
    if (l->conns)
        l->conns->prev = c;
    l->conns = c;
    STAT_ADD(l, open, 1);
    c->state = CONN_HEAD;
    if (listener->options.tls) {
        c->ssl = server_tls_accept(l->server, fd);
        c->state = CONN_HANDSHAKE;
    }
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    if ((listener->options.tls && !c->ssl) || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0 || l->stopping) {
        conn_close(c);
        return;
    }
    loop_deadline(l, c, DEADLINE_HEAD);
    conn_run(c);
}

struct handover {
    struct mail mail;
    struct loop *loop;
    struct listener *listener;
    int fd;
    bool counted;
    char peer[46];
};

static void deliver_handover(struct mail *m)
{
    struct handover *h = CONTAINER_OF(m, struct handover, mail);
    loop_adopt(h->loop, h->fd, h->listener, h->peer, h->counted);
    free(h);
}

static struct loop *least_busy(struct http_server *s)
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

static void peer_text(const struct sockaddr_storage *from, char *to, size_t size)
{
    const void *address = NULL;
    int family = from->ss_family;
    if (family == AF_INET)
        address = &((const struct sockaddr_in *)from)->sin_addr;
    if (family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)from)->sin6_addr;
        address = six;
        if (IN6_IS_ADDR_V4MAPPED(six)) {
            family = AF_INET;
            address = six->s6_addr + 12;
        }
    }
    if (!address || !inet_ntop(family, address, to, (socklen_t)size))
        strncat(to, "unix", size - 1);
}

/* Out of descriptors, a connection that waits would wake this loop for ever: the one kept in reserve lets it in, to be
 * told to come again. */
static void refuse_one(struct loop *l, struct listener *listener)
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

/* One loop at a time: the descriptor that one has just given up, to refuse with it, would be the next accept's of
 * another, and this loop would never get its reserve back. -1: nobody is there, or was refused. */
static int accept_one(struct loop *l, struct listener *listener, struct sockaddr_storage *from, socklen_t *size)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&l->server->accept_mutex);
    if (l->spare_fd < 0)
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = accept4(listener->fd, (struct sockaddr *)from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        refuse_one(l, listener);
    return fd;
}

static void accept_some(struct loop *l, struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        memset(&from, 0, sizeof from);
        int fd = accept_one(l, listener, &from, &size);
        if (fd < 0)
            return;
        STAT_ADD(l, accepted, 1);
        char peer[46] = "";
        peer_text(&from, peer, sizeof peer);
        if (!listener->is_unix) {
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        }
        bool counted = !listener->is_unix && !proxies_trust(l->server->proxies, peer);
        if (!server_admit(l->server, peer, counted)) {
            STAT_ADD(l, refused, 1);
            if (!listener->options.tls)
                send_busy(l, fd);
            close(fd);
            continue;
        }
        struct loop *to = least_busy(l->server);
        if (to == l) {
            loop_adopt(l, fd, listener, peer, counted);
            continue;
        }
        struct handover *h = must_malloc(sizeof *h);
        *h = (struct handover){
            .mail.deliver = deliver_handover, .loop = to, .listener = listener, .fd = fd, .counted = counted
        };
        memcpy(h->peer, peer, sizeof peer);
        loop_post(to, &h->mail);
    }
}

/* ---- the turn ---- */

static void bury_dead(struct loop *l)
{
    if (!l->dead)
        return;
    struct conn **at = &l->ready;
    l->ready_last = NULL;
    while (*at) {
        if ((*at)->dead) {
            *at = (*at)->ready_next;
        } else {
            l->ready_last = *at;
            at = &(*at)->ready_next;
        }
    }
    for (struct conn *c = l->dead, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    l->dead = NULL;
}

err_t loop_init(struct loop *l, struct http_server *s, int index, struct arena *a)
{
    *l = (struct loop){ .server = s, .index = index, .epoll_fd = -1, .wake_fd = -1, .spare_fd = -1 };
    pthread_mutex_init(&l->mail_lock, NULL);
    pthread_mutex_init(&l->filled_lock, NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l->epoll_fd < 0 || l->wake_fd < 0)
        return err_errno(a, errno, "cannot make an event loop");
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev) != 0)
        return err_errno(a, errno, "cannot watch an event loop's bell");
    for (size_t i = 0; i < s->listener_count; i++) {
        /* the lowest bit tells listeners from connections */
        ev = (struct epoll_event){ .events = EPOLLIN | EPOLLEXCLUSIVE,
                                   .data.u64 = (uint64_t)(uintptr_t)&s->listeners[i] | 1 };
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->listeners[i].fd, &ev) != 0)
            return err_errno(a, errno, "cannot watch %s", s->listeners[i].options.address);
    }
    const struct http_options *o = &s->o;
    l->deadlines[DEADLINE_HEAD].length_ms = o->head_timeout_ms;
    l->deadlines[DEADLINE_IDLE].length_ms = o->idle_timeout_ms;
    l->deadlines[DEADLINE_BODY].length_ms = o->body_window_ms;
    l->deadlines[DEADLINE_SEND].length_ms = o->send_timeout_ms;
    l->deadlines[DEADLINE_LINGER].length_ms = o->linger_ms < 5000 ? o->linger_ms : 5000;
    l->buffers_max = o->body_pool_bytes / BODY_BUFFER_BYTES / (size_t)s->loop_count;
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
    deliver_mail(l); /* orders and connections that came too late */
    bury_dead(l);
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
    free(l->scratch);
    free(l->piece);
    free(l->spare_message);
    pthread_mutex_destroy(&l->mail_lock);
    pthread_mutex_destroy(&l->filled_lock);
}

static void handle_event(struct loop *l, const struct epoll_event *ev)
{
    if (ev->data.ptr == NULL) {
        deliver_mail(l);
    } else if (ev->data.u64 & 1) {
        if (!l->stopping)
            accept_some(l, (struct listener *)(uintptr_t)(ev->data.u64 & ~(uint64_t)1));
    } else {
        struct conn *c = ev->data.ptr;
        if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->readable = true;
        if (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->hung_up = true;
        if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            c->writable = true;
        loop_ready(l, c); /* run after all events of this turn, so that none of them meets a freed connection */
    }
}

static void begin_to_stop(struct loop *l)
{
    for (size_t i = 0; i < l->server->listener_count; i++)
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->server->listeners[i].fd, NULL);
    for (struct conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        conn_shut(c);
    }
}

void *loop_run(void *arg)
{
    struct loop *l = arg;
    struct http_server *s = l->server;
    struct epoll_event events[EVENTS_A_TURN];
    bool seen_stop = false;
    pthread_setname_np(pthread_self(), "cais-loop");
    while (!l->stopping || l->conns) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS_A_TURN, patience(l));
        l->now_ms = clock_monotonic_ms(s->o.clock);
        for (int i = 0; i < n; i++)
            handle_event(l, &events[i]);
        run_ready(l);
        expire(l);
        wake_starved(l);
        if (l->stopping && !seen_stop) {
            seen_stop = true;
            begin_to_stop(l);
        }
        if (l->cutting) {
            for (struct conn *c = l->conns, *next; c; c = next) {
                next = c->next;
                conn_close(c);
            }
        }
        bury_dead(l);
        if (l->reported && s->o.flush)
            s->o.flush(s->o.arg, l->index);
        l->reported = false;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: what to do next, given what is known. conn_run goes on until it must wait for the kernel, a worker or
 * the committer; all waiting is in the loop. */
#include "http/engine.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define STEPS_A_RUN 64 /* requests or buffers, before others get their turn */

/* ---- bytes ---- */

static ssize_t tls_result(struct conn *c, int n, bool reading)
{
    if (n > 0)
        return n;
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        c->readable = false;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        c->writable = false;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        c->eof = true;
        return reading ? 0 : -2;
    default:
        c->broken = true;
        return -2;
    }
}

ssize_t conn_recv(struct conn *c, char *to, size_t n)
{
    if (c->broken)
        return -2;
    if (c->eof)
        return 0;
    if (!c->readable && !(c->ssl && SSL_pending(c->ssl)))
        return -1;
    if (c->ssl) {
        ERR_clear_error();
        return tls_result(c, SSL_read(c->ssl, to, n > INT32_MAX ? INT32_MAX : (int)n), true);
    }
    ssize_t got = recv(c->fd, to, n, 0);
    if (got < 0 && errno == EINTR)
        return conn_recv(c, to, n);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->readable = false;
        return -1;
    }
    if (got < 0) {
        c->broken = true;
        return -2;
    }
    if (got == 0)
        c->eof = true;
    else if ((size_t)got < n && !c->hung_up)
        c->readable = false; /* the socket is empty: the next bytes bring a new edge (epoll(7)) */
    return got;
}

ssize_t conn_send(struct conn *c, slice head, slice body, bool more)
{
    if (c->broken)
        return -2;
    if (!c->writable)
        return -1;
    if (c->ssl) {
        slice first = head.n ? head : body;
        if (first.n == 0)
            return 0;
        ERR_clear_error();
        return tls_result(c, SSL_write(c->ssl, first.p, first.n > (1 << 20) ? 1 << 20 : (int)first.n), false);
    }
    struct iovec iov[2];
    size_t count = 0;
    if (head.n)
        iov[count++] = (struct iovec){ (void *)(uintptr_t)head.p, head.n };
    if (body.n)
        iov[count++] = (struct iovec){ (void *)(uintptr_t)body.p, body.n };
    if (count == 0)
        return 0;
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };
    ssize_t sent = sendmsg(c->fd, &msg, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0 && errno == EINTR)
        return conn_send(c, head, body, more);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->writable = false;
        return -1;
    }
    if (sent < 0) {
        c->broken = true;
        return -2;
    }
    return sent;
}

/* ---- the end ---- */

static void forget_message(struct conn *c)
{
    free(c->message);
    c->message = NULL;
}

/* Out of everything at once; the memory goes at the end of the turn, so that callers may still look at c->dead. */
static void bury(struct conn *c)
{
    struct loop *l = c->loop;
    if (c->dead)
        return;
    c->dead = true;
    loop_deadline(l, c, DEADLINE_NONE);
    *(c->prev ? &c->prev->next : &l->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (c->is_starved) {
        struct conn **at = &l->starved;
        while (*at != c)
            at = &(*at)->starved_next;
        *at = c->starved_next;
    }
    if (c->ssl)
        SSL_free(c->ssl);
    close(c->fd); /* leaves epoll by itself */
    server_leave(l->server, c->peer, c->counted);
    STAT_SUB(l, open, 1);
    free(c->in);
    forget_message(c);
    c->next = l->dead;
    l->dead = c;
}

void conn_close(struct conn *c)
{
    if (c->dead)
        return;
    c->broken = true;
    struct exchange *x = c->x;
    if (!x) {
        bury(c);
    } else if (c->state == CONN_SEND && !x->producing) {
        c->x = NULL;
        exchange_free(x);
        bury(c);
    } else if (c->state == CONN_BODY) {
        body_cut(x, ERR_TRUNCATED, "the sender went away");
    }
    /* else somebody holds the exchange: its reply, or the piece being produced, ends the connection */
}

void conn_shut(struct conn *c)
{
    if (c->x)
        c->x->keep_alive = false;
    else if (c->between || c->state == CONN_HANDSHAKE || c->state == CONN_LINGER)
        conn_close(c);
}

/* ---- reading a head ---- */

/* Input that was read but not used goes back to the connection; the scratch belongs to the next one. */
static void keep_rest(struct conn *c)
{
    free(c->in);
    c->in = NULL;
    c->in_n = c->cur.n;
    if (c->cur.n) {
        c->in = must_malloc(c->cur.n);
        memcpy(c->in, c->cur.p, c->cur.n);
    }
    c->cur = (slice){ c->loop->scratch, 0 };
}

static void restore_rest(struct conn *c)
{
    if (c->in_n)
        memcpy(c->loop->scratch, c->in, c->in_n);
    c->cur = (slice){ c->loop->scratch, c->in_n };
    free(c->in);
    c->in = NULL;
    c->in_n = 0;
}

/* Read behind what is there. */
ssize_t conn_read_more(struct conn *c)
{
    char *scratch = c->loop->scratch;
    if (c->cur.n == 0) {
        c->cur.p = scratch;
    } else if ((size_t)(scratch + SCRATCH_BYTES - (c->cur.p + c->cur.n)) < SCRATCH_BYTES / 4) {
        memmove(scratch, c->cur.p, c->cur.n);
        c->cur.p = scratch;
    }
    char *at = scratch + (c->cur.p - scratch) + c->cur.n;
    size_t room = (size_t)(scratch + SCRATCH_BYTES - at);
    ssize_t n = conn_recv(c, at, room > 65536 ? 65536 : room);
    if (n > 0)
        c->cur.n += (size_t)n;
    return n;
}

static void begin_exchange(struct conn *c, struct message *m)
{
    struct exchange *x = exchange_new(c);
    c->x = x;
    c->between = false;
    c->state = CONN_BODY;
    const char *head = c->cur.p;
    c->cur = slice_from(c->cur, m->head_bytes);
    exchange_begin(x, head, m);
}

/* As far as it was understood. */
static void copy_first_line(struct exchange *x, const char *head, const struct message *m)
{
    struct arena *a = &x->pub.arena;
    x->pub.req.method = m->method.n ? arena_copy(a, message_slice(head, m->method)) : S("");
    x->pub.req.target = m->target.n ? arena_copy(a, message_slice(head, m->target)) : S("");
}

/* What could not be read gets an answer all the same, then the connection closes. */
static void refuse_head(struct conn *c, struct message *m)
{
    STAT_ADD(c->loop, malformed, 1);
    struct exchange *x = exchange_new(c);
    c->x = x;
    c->between = false;
    c->state = CONN_WAIT;
    x->keep_alive = false;
    x->body_done = false;
    x->chunked = true; /* where it would end is not known */
    copy_first_line(x, c->cur.p, m);
    enum http_refusal refusal = m->refusal;
    const char *why = m->why;
    c->cur.n = 0;
    exchange_refuse(x, refusal, why);
}

/* Empty lines in front of a request, or behind the last one, are none. */
static bool has_begun(slice in)
{
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] != '\r' && in.p[i] != '\n')
            return true;
    return false;
}

/* True when something happened. */
static bool head_step(struct conn *c)
{
    struct loop *l = c->loop;
    struct message *m = c->message ? c->message : l->spare_message;
    if (!c->message)
        message_init(m, &l->server->limits);
    for (;;) {
        if (c->cur.n > m->fed || (m->fed == 0 && c->cur.n)) {
            if (c->between) {
                c->between = false;
                loop_deadline(l, c, DEADLINE_HEAD);
            }
            enum message_result r = message_head(m, c->cur.p, c->cur.n);
            bool goes_on = r == MESSAGE_DONE && m->chunked; /* the parser is needed for the body */
            if (goes_on && !c->message) {
                c->message = m;
                l->spare_message = must_malloc(sizeof *m);
            }
            if (r == MESSAGE_REFUSED)
                refuse_head(c, m);
            if (r == MESSAGE_DONE)
                begin_exchange(c, m);
            if (r != MESSAGE_MORE) {
                if (!goes_on)
                    forget_message(c);
                return true;
            }
        }
        ssize_t n = conn_read_more(c);
        if (n == -1)
            break;
        if (n == 0 && has_begun(c->cur)) { /* half-closed, maybe: it may still listen */
            m->refusal = HTTP_REFUSE_BODY_CUT;
            m->why = "the request ended early";
            refuse_head(c, m);
            forget_message(c);
            return true;
        }
        if (n <= 0) {
            conn_close(c);
            return false;
        }
    }
    if (c->cur.n && !c->message) {
        c->message = m;
        l->spare_message = must_malloc(sizeof *m);
    }
    return false;
}

/* ---- after the reply ---- */

static void start_lingering(struct conn *c)
{
    c->state = CONN_LINGER;
    c->linger_left = LINGER_BYTES;
    c->linger_until_ms = c->loop->now_ms + c->loop->server->o.linger_ms;
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    loop_deadline(c->loop, c, DEADLINE_LINGER);
}

/* Read and forget, so that the client gets our last words before a reset. False: gone. */
static bool linger_step(struct conn *c)
{
    for (int i = 0; i < STEPS_A_RUN; i++) {
        ssize_t n = c->ssl ? -1 : conn_recv(c, c->loop->scratch, SCRATCH_BYTES);
        if (c->ssl && c->readable) { /* raw: after SSL_shutdown nothing is decrypted any more */
            n = recv(c->fd, c->loop->scratch, SCRATCH_BYTES, 0);
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                c->readable = false;
                n = -1;
            } else if (n < 0) {
                n = -2;
            }
        }
        if (n == -1)
            return true;
        c->linger_left -= n;
        if (n <= 0 || c->linger_left < 0 || c->loop->now_ms >= c->linger_until_ms) {
            conn_close(c);
            return false;
        }
    }
    loop_deadline(c->loop, c, DEADLINE_LINGER);
    loop_ready(c->loop, c);
    return true;
}

static void reply_sent(struct conn *c)
{
    struct exchange *x = c->x;
    bool stay = x->keep_alive && !x->close_after && !c->eof && !c->loop->stopping;
    bool unread = !x->body_done;
    if (stay && unread) { /* worth reading to the end: exchange.c saw to that */
        x->mode = BODY_DROP;
        c->state = CONN_BODY;
        loop_deadline(c->loop, c, DEADLINE_BODY);
        c->window_bytes = 0;
        return;
    }
    c->x = NULL;
    exchange_free(x);
    forget_message(c);
    if (!stay) {
        if (unread && !c->eof && !c->broken)
            start_lingering(c);
        else if (c->ssl && !c->broken) {
            SSL_shutdown(c->ssl);
            conn_close(c);
        } else
            conn_close(c);
        return;
    }
    c->state = CONN_HEAD;
    c->between = c->cur.n == 0;
    loop_deadline(c->loop, c, c->between ? DEADLINE_IDLE : DEADLINE_HEAD);
}

/* ---- the machine ---- */

static bool handshake_step(struct conn *c)
{
    ERR_clear_error();
    int r = SSL_accept(c->ssl);
    if (r == 1) {
        c->state = CONN_HEAD;
        return true;
    }
    if (tls_result(c, r, true) != -1)
        conn_close(c);
    return false;
}

static bool body_step(struct conn *c)
{
    switch (body_run(c)) {
    case BODY_WAITS:
        return false;
    case BODY_ENDED:
        return true;
    case BODY_COMPLETE:
        break;
    }
    if (c->x->handled) { /* the rest of a body that was answered early */
        reply_sent(c);
        return true;
    }
    c->state = CONN_WAIT;
    loop_deadline(c->loop, c, DEADLINE_NONE);
    exchange_body_done(c->x);
    return true;
}

static bool send_step(struct conn *c)
{
    switch (send_run(c)) {
    case SEND_WAITS:
        return false;
    case SEND_DONE:
        reply_sent(c);
        return true;
    case SEND_BROKEN:
        conn_close(c);
        return false;
    }
    return false;
}

/* True: there is more to do. False: it waits, or the connection is gone. */
static bool step(struct conn *c)
{
    switch (c->state) {
    case CONN_HANDSHAKE:
        return handshake_step(c);
    case CONN_HEAD:
        return head_step(c);
    case CONN_BODY:
        return body_step(c);
    case CONN_SEND:
        return send_step(c);
    case CONN_LINGER:
        linger_step(c);
        return false;
    case CONN_WAIT:
        return false;
    }
    return false;
}

void conn_run(struct conn *c)
{
    if (c->dead)
        return;
    c->running = true;
    restore_rest(c);
    int steps = 0;
    while (!c->dead && step(c)) {
        if (++steps == STEPS_A_RUN) {
            loop_ready(c->loop, c);
            break;
        }
    }
    if (!c->dead)
        keep_rest(c);
    c->running = false;
}

void conn_expired(struct conn *c, enum deadline_kind kind)
{
    struct loop *l = c->loop;
    const struct http_options *o = &l->server->o;
    switch (kind) {
    case DEADLINE_HEAD:
        STAT_ADD(l, timeouts, 1);
        if (c->between || c->state == CONN_HANDSHAKE) {
            conn_close(c);
            break;
        }
        c->x = exchange_new(c); /* a head that does not end: what came of it tells whose form the answer has */
        if (c->message)
            copy_first_line(c->x, c->in, c->message);
        c->x->keep_alive = false;
        c->x->chunked = true;
        c->state = CONN_WAIT;
        forget_message(c);
        free(c->in);
        c->in = NULL;
        c->in_n = 0;
        exchange_refuse(c->x, HTTP_REFUSE_TIMEOUT, "the request did not arrive in time");
        break;
    case DEADLINE_BODY: {
        struct exchange *x = c->x;
        bool ours = x->outstanding > 0 || c->is_starved; /* it is us who make the sender wait */
        if (ours || c->window_bytes >= o->body_rate_bytes * o->body_window_ms / 1000) {
            c->window_bytes = 0;
            loop_deadline(l, c, DEADLINE_BODY);
            break;
        }
        STAT_ADD(l, timeouts, 1);
        x->close_after = true;
        if (x->handled)
            conn_close(c);
        else
            body_cut(x, ERR_TRUNCATED, "the body came too slowly");
        break;
    }
    case DEADLINE_SEND:
        STAT_ADD(l, timeouts, 1);
        conn_close(c);
        break;
    case DEADLINE_IDLE:
    case DEADLINE_LINGER:
        conn_close(c);
        break;
    case DEADLINE_NONE:
    case DEADLINE_KINDS:
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: what it does in each of its states. conn_run takes steps until the connection must wait for the
 * kernel, a worker or the committer; nothing here blocks, since the loop does all the waiting. */
#include "http/engine_priv.h"

#include "base/live.h"

#include <errno.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAUSED_BYTES_MAX ((int64_t)64 * 1024) /* a client that sends more while its reply is paused is disconnected */
#define STEPS_A_RUN 64                        /* requests or buffers, before other connections run */

/* ---- reading and sending ---- */

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
    else if ((size_t)got < n && !c->peer_closed)
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

/* ---- closing ---- */

static void free_message(struct conn *c)
{
    free(c->message);
    c->message = NULL;
}

static void free_unread(struct conn *c)
{
    if (c->unread_bytes)
        memory_give(&c->loop->server->memory, c->unread_bytes);
    free(c->unread);
    c->unread = NULL;
    c->unread_bytes = 0;
}

/* Remove the connection from every list and close its socket. Its memory is freed at the end of the turn, so that
 * callers may still read c->state. */
static void conn_destroy(struct conn *c)
{
    struct loop *l = c->loop;
    conn_move(c, CONN_CLOSED);
    watch_forget(l, c);
    *(c->prev ? &c->prev->next : &l->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (c->waiting_for_buffer) {
        struct conn **at = &l->buffer_waiters;
        while (*at != c)
            at = &(*at)->buffer_waiter_next;
        *at = c->buffer_waiter_next;
    }
    if (c->ssl)
        SSL_free(c->ssl);
    /* close alone removes it from the epoll set only if no process that was forked meanwhile holds the socket */
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    admission_leave(&l->server->admission, c->peer, c->admitted_as);
    STAT_SUB(l, open, 1);
    free_unread(c);
    free_message(c);
    c->next = l->dead_conns;
    l->dead_conns = c;
}

void conn_close(struct conn *c)
{
    struct exchange *x = c->x;
    ASSERT_MARK(c, CONN);
    if (c->state == CONN_CLOSED)
        return;
    c->broken = true;
    if (c->state == CONN_BODY) {
        body_abort(x, HTTP_REFUSE_BODY_CUT, NULL);
        return;
    }
    if (c->state == CONN_SUSPEND)
        loop_mark_ready(c->loop, c); /* its exchange goes on, and its reply ends the connection */
    if (c->state == CONN_SUSPEND || c->state == CONN_WAIT || (x && x->piece == PIECE_AT_WORKER))
        return; /* another thread is at work: its reply, or the piece that it produces, ends the connection */
    c->x = NULL;
    if (x)
        exchange_free(x);
    conn_destroy(c);
}

void conn_begin_shutdown(struct conn *c)
{
    if (c->state == CONN_PAUSE)
        conn_close(c);
    else if (c->x)
        c->x->keep_alive = false;
    else if (c->state != CONN_HEAD)
        conn_close(c);
    if (c->state == CONN_SUSPEND)
        loop_mark_ready(c->loop, c);
}

/* ---- reading a head ---- */

/* Copy input that was read but not used out of the scratch, which the next connection will use. */
static void save_unread(struct conn *c)
{
    free_unread(c);
    if (c->input.n) {
        memory_add(&c->loop->server->memory, c->input.n);
        c->unread_bytes = c->input.n;
        c->unread = must_malloc(c->input.n);
        memcpy(c->unread, c->input.p, c->input.n);
    }
    c->input = (slice){ c->loop->scratch, 0 };
}

static void restore_unread(struct conn *c)
{
    if (c->unread_bytes)
        memcpy(c->loop->scratch, c->unread, c->unread_bytes);
    c->input = (slice){ c->loop->scratch, c->unread_bytes };
    free_unread(c);
}

ssize_t conn_read_more(struct conn *c)
{
    char *scratch = c->loop->scratch;
    if (c->input.n == 0) {
        c->input.p = scratch;
    } else if ((size_t)(scratch + SCRATCH_BYTES - (c->input.p + c->input.n)) < SCRATCH_BYTES / 4) {
        memmove(scratch, c->input.p, c->input.n);
        c->input.p = scratch;
    }
    char *at = scratch + (c->input.p - scratch) + c->input.n;
    size_t room = (size_t)(scratch + SCRATCH_BYTES - at);
    size_t most =
        memory_is_over(&c->loop->server->memory) ? HEAD_BYTES_WHEN_FULL : 65536; /* it may become unread input */
    ssize_t n = conn_recv(c, at, room > most ? most : room);
    if (n > 0)
        c->input.n += (size_t)n;
    return n;
}

static void begin_exchange(struct conn *c, struct message *m)
{
    struct exchange *x = exchange_new(c);
    c->x = x;
    conn_move(c, CONN_BODY);
    const char *head = c->input.p;
    c->input = slice_from(c->input, m->head_bytes);
    exchange_begin(x, head, m);
}

/* Copy what decides which API words the reply: what came before the fault. */
static void copy_first_parts(struct exchange *x, const char *head, const struct message *m)
{
    struct arena *a = &x->pub.arena;
    struct http_request *req = &x->pub.req;
    req->method = arena_copy(a, message_slice(head, m->method));
    req->target = arena_copy(a, message_slice(head, m->target));
    req->host = arena_copy(a, message_slice(head, m->host));
    if (!req->target.n)
        exchange_choose_speaker(x, arena_copy(a, message_slice(head, m->begun)));
}

/* Reply to a head that was refused; then close the connection. */
static void refuse_head(struct conn *c, const char *head, const struct message *m)
{
    struct exchange *x = exchange_new(c);
    c->x = x;
    conn_move(c, CONN_WAIT);
    x->keep_alive = false;
    x->chunked = true; /* where its body ends is not known */
    x->body_left = BODY_LEFT_UNKNOWN;
    copy_first_parts(x, head, m);
    c->input.n = 0;
    exchange_refuse(x, m->refusal, m->why);
}

/* The head is not small, not complete, and there is no memory to keep it until the rest has come. */
static void refuse_head_for_memory(struct conn *c, struct message *m)
{
    STAT_ADD(c->loop, memory_refused, 1);
    message_give_up(m, c->input.p, HTTP_REFUSE_BUSY, "the memory for requests is in use");
    refuse_head(c, c->input.p, m);
    free_message(c);
}

static void refuse_malformed_head(struct conn *c, const struct message *m)
{
    STAT_ADD(c->loop, malformed, 1);
    refuse_head(c, c->input.p, m);
}

/* Is there more than empty lines? Those before a request, or after the last one, are ignored. */
static bool has_request_bytes(slice in)
{
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] != '\r' && in.p[i] != '\n')
            return true;
    return false;
}

/* True: there is more to do. False: it waits, or the connection is gone. */
static bool run_head(struct conn *c)
{
    struct loop *l = c->loop;
    struct message *m = c->message ? c->message : l->spare_message;
    if (!c->message)
        message_init(m, &l->server->limits);
    for (;;) {
        if (c->input.n > m->fed || (m->fed == 0 && c->input.n)) {
            if (c->state != CONN_HEAD)
                conn_move(c, CONN_HEAD);
            enum message_result r = message_head(m, c->input.p, c->input.n);
            bool parser_needed = r == MESSAGE_DONE && m->chunked; /* for the framing of the body */
            if (parser_needed && !c->message) {
                c->message = m;
                l->spare_message = must_malloc(sizeof *m);
            }
            if (r == MESSAGE_REFUSED)
                refuse_malformed_head(c, m);
            if (r == MESSAGE_DONE)
                begin_exchange(c, m);
            if (r != MESSAGE_MORE) {
                if (!parser_needed)
                    free_message(c);
                return true;
            }
        }
        ssize_t n = conn_read_more(c);
        if (n == -1 && c->input.n > HEAD_BYTES_WHEN_FULL && memory_is_over(&l->server->memory)) {
            refuse_head_for_memory(c, m);
            return true;
        }
        if (n == -1)
            break;
        if (n == 0 && has_request_bytes(c->input)) { /* the client may have closed only its side */
            message_give_up(m, c->input.p, HTTP_REFUSE_BODY_CUT, "the request ended early");
            refuse_malformed_head(c, m);
            free_message(c);
            return true;
        }
        if (n <= 0) {
            conn_close(c);
            return false;
        }
    }
    if (c->input.n && !c->message) {
        c->message = m;
        l->spare_message = must_malloc(sizeof *m);
    }
    return false;
}

/* ---- after the reply ---- */

/* A sender of a body may not read before it has sent all of it, or be busy with something else. If the socket were closed meanwhile, its
 * next byte would be answered with a reset, and it would report that in place of the reply. So the connection is kept for as long as
 * one may wait for its next request, which costs the same; and for as long as a slow sender needs, if it sends as fast as a body must
 * come. */
static void begin_last_time(struct conn *c)
{
    c->linger_until_ms = c->loop->now_ms + c->loop->server->o.linger_ms;
}

/* A window has passed in which what came was dropped. */
static void last_time_expired(struct conn *c)
{
    const struct http_options *o = &c->loop->server->o;
    int64_t window_ms = c->loop->deadlines[DEADLINE_LINGER].length_ms;
    int64_t least = o->body_rate_bytes == HTTP_NO_RATE ? 1 : o->body_rate_bytes * window_ms / 1000;
    if (c->window_bytes >= least && c->loop->now_ms < c->linger_until_ms) {
        conn_restart_deadline(c);
        return;
    }
    if (c->state == CONN_DROP)
        STAT_ADD(c->loop, timeouts, 1);
    conn_close(c);
}

static void start_linger(struct conn *c)
{
    conn_move(c, CONN_LINGER);
    c->linger_bytes_left = LINGER_BYTES;
    begin_last_time(c);
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
}

/* Read and discard what still comes, so that the client receives our reply before the socket is reset. */
static void run_linger(struct conn *c)
{
    for (int i = 0; i < STEPS_A_RUN; i++) {
        ssize_t n = c->ssl ? -1 : conn_recv(c, c->loop->scratch, SCRATCH_BYTES);
        if (c->ssl && c->readable) { /* from the socket: after SSL_shutdown nothing is decrypted any more */
            n = recv(c->fd, c->loop->scratch, SCRATCH_BYTES, 0);
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                c->readable = false;
                n = -1;
            } else if (n < 0) {
                n = -2;
            }
        }
        if (n == -1)
            return;
        c->window_bytes += n > 0 ? n : 0;
        c->linger_bytes_left -= n;
        if (n <= 0 || c->linger_bytes_left < 0 || c->loop->now_ms >= c->linger_until_ms) {
            conn_close(c);
            return;
        }
    }
    loop_mark_ready(c->loop, c);
}

static void drop_rest(struct conn *c)
{
    body_move(c->x, BODY_DROP);
    conn_move(c, CONN_DROP);
    begin_last_time(c);
}

static void next_request(struct conn *c)
{
    if (c->input.n)
        loop_end_stretch(c->loop);
    conn_move(c, c->input.n ? CONN_HEAD : CONN_IDLE);
}

/* The reply was sent, and what had to be dropped of the body was read. */
static void conn_reply_sent(struct conn *c)
{
    struct exchange *x = c->x;
    bool stay = x->keep_alive && !x->close_after && !c->eof && !c->loop->stopping;
    bool unread = x->body_left != 0;
    if (stay && unread) { /* the rest is small enough to be read: connection_persists in send.c */
        drop_rest(c);
        return;
    }
    c->x = NULL;
    exchange_free(x);
    free_message(c);
    if (stay) {
        next_request(c);
    } else if (unread && !c->eof && !c->broken) {
        start_linger(c);
    } else {
        if (c->ssl && !c->broken)
            SSL_shutdown(c->ssl);
        conn_close(c);
    }
}

/* ---- a step in each state ---- */

static bool run_handshake(struct conn *c)
{
    ERR_clear_error();
    int r = SSL_accept(c->ssl);
    stretch_begin(&c->loop->stretch); /* signing is one step that cannot be cut, so it does not count */
    if (r == 1) {
        conn_move(c, CONN_FIRST);
        return true;
    }
    if (tls_result(c, r, true) != -1)
        conn_close(c);
    return false;
}

static bool run_body_state(struct conn *c)
{
    switch (body_run(c)) {
    case BODY_WAITS:
        return false;
    case BODY_ENDED:
        return true;
    case BODY_COMPLETE:
        break;
    }
    if (c->state == CONN_DROP)
        conn_reply_sent(c);
    else
        exchange_body_done(c->x);
    return true;
}

/* What the socket holds because the reader has not accepted it yet. */
static int64_t unread_by_peer(const struct conn *c)
{
    int n = 0;
    return ioctl(c->fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

static void begin_send_window(struct conn *c)
{
    conn_restart_deadline(c);
    c->unread_before = unread_by_peer(c);
}

/* The reply could not be sent to its end. When the socket is full, it is the reader's time that runs. */
static void note_wait_for_reader(struct conn *c)
{
    bool waits = c->x->piece != PIECE_AT_WORKER && !c->is_ready;
    if (waits && !c->reply_waits)
        begin_send_window(c);
    c->reply_waits = waits;
}

/* A window has passed. How much the reader has accepted is what the socket was given, less what it holds more than at the
 * beginning. Counting what it was given is not enough: the kernel takes nothing for as long as a reader needs to empty a
 * third of a socket that holds megabytes. */
static void send_expired(struct conn *c)
{
    const struct http_options *o = &c->loop->server->o;
    int64_t accepted = c->window_bytes + c->unread_before - unread_by_peer(c);
    bool unlimited = LIVE(o->send_rate_bytes) == HTTP_NO_RATE;
    if (!c->reply_waits || unlimited || accepted >= LIVE(o->send_rate_bytes) * LIVE(o->send_window_ms) / 1000) {
        begin_send_window(c);
        return;
    }
    STAT_ADD(c->loop, timeouts, 1);
    STAT_ADD(c->loop, slow_readers, 1);
    conn_close(c);
}

/* The reply is the last one of its connection, so whatever has come behind its request is of no use. */
static void pause_reply(struct conn *c)
{
    c->reply_waits = false;
    c->input.n = 0;
    free_message(c);
    conn_move(c, CONN_PAUSE);
}

/* A client that closes its side ends its reply: whether it still reads would show only when something is sent. What it sends is
 * read, because its end comes behind that, and dropped. */
static void run_pause(struct conn *c)
{
    ssize_t n = 1;
    while (n > 0 && c->paused_bytes <= PAUSED_BYTES_MAX && !c->loop->stopping) {
        n = conn_recv(c, c->loop->scratch, (size_t)PAUSED_BYTES_MAX);
        c->paused_bytes += n > 0 ? n : 0;
    }
    if (n != -1)
        conn_close(c);
}

static bool run_send(struct conn *c)
{
    switch (send_run(c)) {
    case SEND_WAITS:
        note_wait_for_reader(c);
        return false;
    case SEND_PAUSES:
        pause_reply(c);
        return true;
    case SEND_DONE:
        c->reply_waits = false;
        conn_reply_sent(c);
        return true;
    case SEND_BROKEN:
        conn_close(c);
        return false;
    }
    return false;
}

/* True: there is more to do. False: it waits, or the connection is gone. */
static bool run_state(struct conn *c)
{
    switch (c->state) {
    case CONN_HANDSHAKE:
        return run_handshake(c);
    case CONN_FIRST:
    case CONN_IDLE:
    case CONN_HEAD:
        return run_head(c);
    case CONN_BODY:
    case CONN_DROP:
        return run_body_state(c);
    case CONN_SUSPEND:
        return suspend_run(c);
    case CONN_SEND:
        return run_send(c);
    case CONN_PAUSE:
        run_pause(c);
        return false;
    case CONN_LINGER:
        run_linger(c);
        return false;
    case CONN_NEW:
    case CONN_WAIT:
    case CONN_CLOSED:
    case CONN_STATES:
        return false;
    }
    return false;
}

void conn_run(struct conn *c)
{
    ASSERT_MARK(c, CONN);
    if (c->state == CONN_CLOSED)
        return;
    c->running = true;
    restore_unread(c);
    if (c->x && c->x->interim.n)
        interim_flush(c);
    int steps = 0;
    while (run_state(c)) {
        if (++steps == STEPS_A_RUN) {
            loop_mark_ready(c->loop, c);
            break;
        }
    }
    if (c->state != CONN_CLOSED)
        save_unread(c);
    c->running = false;
}

/* A body came too slowly, unless it was the server that slowed its sender down. */
static void body_expired(struct conn *c)
{
    struct exchange *x = c->x;
    const struct http_options *o = &c->loop->server->o;
    bool ours = x->buffers_at_workers > 0 || c->waiting_for_buffer;
    if (ours || c->window_bytes >= LIVE(o->body_rate_bytes) * LIVE(o->body_window_ms) / 1000) {
        conn_restart_deadline(c);
        return;
    }
    STAT_ADD(c->loop, timeouts, 1);
    x->close_after = true;
    body_abort(x, HTTP_REFUSE_TIMEOUT, NULL);
}

/* The head did not end in time. */
static void head_expired(struct conn *c)
{
    struct message *m = c->message ? c->message : c->loop->spare_message;
    if (!c->message)
        message_init(m, &c->loop->server->limits);
    STAT_ADD(c->loop, timeouts, 1);
    message_give_up(m, c->unread, HTTP_REFUSE_TIMEOUT, NULL);
    refuse_head(c, c->unread, m);
    free_message(c);
    free_unread(c);
}

void conn_expired(struct conn *c)
{
    ASSERT_MARK(c, CONN);
    switch (c->state) {
    case CONN_HEAD:
        head_expired(c);
        break;
    case CONN_BODY:
        body_expired(c);
        break;
    case CONN_SEND:
        send_expired(c);
        break;
    case CONN_DROP:
    case CONN_LINGER:
        last_time_expired(c);
        break;
    case CONN_HANDSHAKE:
    case CONN_FIRST:
        STAT_ADD(c->loop, timeouts, 1);
        conn_close(c);
        break;
    case CONN_IDLE:
        conn_close(c);
        break;
    case CONN_NEW:
    case CONN_WAIT:
    case CONN_SUSPEND:
    case CONN_PAUSE:
    case CONN_CLOSED:
    case CONN_STATES:
        break; /* no deadline */
    }
}

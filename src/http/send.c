/* SPDX-License-Identifier: Apache-2.0 */
/* Sending replies. The head and a small body go out in one call, files by sendfile, everything else through a piece of
 * memory that a worker fills. The loop never waits for a disk: it lets a worker read what is not in the page cache. */
#include "http/engine_priv.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define COPY_MAX_BYTES ((size_t)16 * 1024) /* a body up to this size is copied behind the head */
#define PIECE_BYTES ((size_t)64 * 1024)
#define PIECE_BYTES_WHEN_FULL ((size_t)16 * 1024) /* while the memory for requests is in use */
#define READ_AHEAD_BYTES ((uint64_t)1024 * 1024)  /* what a worker reads of a file that is not in the page cache */
#define PRODUCE_BYTES ((size_t)512 * 1024)
#define CHECK_LASTS_MS 1000 /* what was checked is sent within that time, or checked again */

const char *send_reason_phrase(int status)
{
    switch (status) {
    case 104:
        return "Upload Resumption Supported";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 423:
        return "Locked";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 460: /* of tus: its checksum extension */
        return "Checksum Mismatch";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    case 507:
        return "Insufficient Storage";
    default:
        return "Status";
    }
}

static slice current_date(struct loop *l)
{
    int64_t now_s = clock_now_ms(l->server->o.clock) / 1000;
    if (now_s != l->date_s || !l->date[0]) {
        SCRATCH(scratch);
        slice text = time_format_http(&scratch, now_s * 1000);
        memcpy(l->date, text.p, text.n + 1);
        l->date_s = now_s;
    }
    return slice_of(l->date);
}

static bool status_has_no_body(int status)
{
    return status == 204 || status == 304;
}

/* Can the connection serve another request after this reply? */
static bool connection_persists(const struct exchange *x)
{
    if (!x->keep_alive || x->close_after || x->loop->stopping || x->conn->eof)
        return false;
    if (x->producer && x->minor == 0)
        return false; /* HTTP/1.0 has no chunks: the end of the connection marks the end of the body */
    if (x->body_left == 0)
        return true;
    /* The body was not read yet. Read it if it is small and the client is certain to send it. */
    return !x->chunked && !x->wants_continue && x->body_left <= DRAIN_BYTES;
}

static uint64_t body_length(const struct exchange *x)
{
    return x->content ? x->content_left : x->body.n;
}

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

/* Is one of eight bytes below 0x20? (Bit Twiddling Hacks, "Determine if a word has a byte less than n") */
static bool has_control_byte(uint64_t eight)
{
    return (eight - BYTES(0x20)) & ~eight & BYTES(0x80);
}

/* CR, LF and NUL become blanks. Eight bytes at a time, since a look at each byte took a twentieth of a small download. */
static void blank_line_ends(char *text, size_t n)
{
    size_t i = 0;
    uint64_t eight;
    for (; i + sizeof eight <= n; i += sizeof eight) {
        memcpy(&eight, text + i, sizeof eight);
        if (has_control_byte(eight))
            break;
    }
    for (; i < n; i++)
        if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
            text[i] = ' ';
}

void send_add_header(struct buf *to, slice name, slice value)
{
    size_t from = to->n;
    buf_add(to, name);
    buf_add(to, S(": "));
    buf_add(to, value);
    blank_line_ends(to->p + from, to->n - from);
    buf_add(to, S("\r\n"));
}

void send_start(struct exchange *x)
{
    assert(x->body_state <= BODY_DROP || x->body_state == BODY_FINISHED); /* finish replies where there is a sink */
    if (!connection_persists(x)) {
        x->close_after = true;
        x->keep_alive = false;
    }
    bool chunked = x->producer && x->minor == 1;
    struct buf *h = &x->headers;
    struct buf head;
    buf_init(&head, 0);
    slice rest = interim_rest(x);
    buf_reserve(&head, rest.n + h->n + 512 + (x->body.n <= COPY_MAX_BYTES && !x->content ? x->body.n : 0));
    buf_add(&head, rest);
    buf_release(&x->interim);
    buf_add(&head, S("HTTP/1.1 "));
    buf_add_u64(&head, (uint64_t)x->status);
    buf_add_byte(&head, ' ');
    buf_add(&head, slice_of(send_reason_phrase(x->status)));
    buf_add(&head, S("\r\nDate: "));
    buf_add(&head, current_date(x->loop));
    buf_add(&head, S("\r\nX-Request-Id: "));
    buf_add(&head, x->pub.req.id);
    buf_add(&head, S("\r\n"));
    if (x->content_type)
        send_add_header(&head, S("Content-Type"), slice_of(x->content_type));
    buf_add(&head, buf_slice(h));
    if (chunked) {
        buf_add(&head, S("Transfer-Encoding: chunked\r\n"));
    } else if (!x->producer && !status_has_no_body(x->status)) {
        buf_add(&head, S("Content-Length: "));
        buf_add_u64(&head, body_length(x));
        buf_add(&head, S("\r\n"));
    }
    if (!x->keep_alive)
        buf_add(&head, S("Connection: close\r\n"));
    else if (x->minor == 0)
        buf_add(&head, S("Connection: keep-alive\r\n"));
    buf_add(&head, S("\r\n"));
    if (x->head_only || status_has_no_body(x->status)) {
        x->body = (slice){ 0 };
        x->content_left = 0;
        x->piece = PIECE_NONE_LEFT;
    }
    if (x->body.n && x->body.n <= COPY_MAX_BYTES) {
        buf_add(&head, x->body);
        x->bytes_out += x->body.n;
        x->body = (slice){ 0 };
        x->content_left = 0;
    } else if (x->body.n) {
        x->content_left = 0; /* x->body holds all of it */
    }
    buf_release(h);
    *h = head; /* x->headers owns the bytes until the exchange ends */
    if (h->cap > HEAD_BYTES_UNCOUNTED)
        arena_charge(&x->pub.arena, h->cap);
    x->head = buf_slice(h);
    conn_move(x->conn, CONN_SEND);
}

/* ---- from memory ---- */

/* Send x->head, then x->body. */
static enum send_step send_from_memory(struct conn *c, bool more)
{
    struct exchange *x = c->x;
    size_t sent = 0, most = c->ssl ? SEND_TLS_BYTES : SEND_BYTES;
    while (x->head.n || x->body.n) {
        if (sent >= most) {
            loop_mark_ready(c->loop, c); /* other connections run first */
            return SEND_WAITS;
        }
        slice body = slice_part(x->body, 0, most);
        ssize_t n = conn_send(c, x->head, body, more || body.n < x->body.n);
        if (n == -1)
            return SEND_WAITS;
        if (n < 0)
            return SEND_BROKEN;
        sent += (size_t)n;
        size_t of_head = (size_t)n < x->head.n ? (size_t)n : x->head.n;
        x->head = slice_from(x->head, of_head);
        x->head_sent += of_head;
        x->body = slice_from(x->body, (size_t)n - of_head);
        x->bytes_out += (size_t)n - of_head;
        c->window_bytes += n;
    }
    return SEND_DONE;
}

/* ---- pieces that a worker produces ---- */

static void deliver_piece(struct mail *m)
{
    struct exchange *x = EXCHANGE_OF(m, mail);
    x->piece = x->piece_came;
    if (x->conn->broken)
        conn_close(x->conn);
    else
        loop_mark_ready(x->loop, x->conn);
}

/* The end of so many bytes, of the next piece that is checked, or of all that is sent. */
static uint64_t end_of_step(const struct exchange *x, uint64_t bytes)
{
    uint64_t end = (x->content_at + bytes + HTTP_CHECK_MEMORY - 1) / HTTP_CHECK_MEMORY * HTTP_CHECK_MEMORY;
    return end - x->content_at < x->content_left ? end : x->content_at + x->content_left;
}

/* Bring the next part of the file into the page cache, and check it. */
static err_t read_into_page_cache(struct exchange *x, struct arena *a)
{
    char *memory = arena_alloc(a, PIECE_BYTES);
    uint64_t until = end_of_step(x, READ_AHEAD_BYTES);
    if (x->content->check) {
        TRY(x->content->check(x->content, x->content_at, until, true, memory, a));
        x->checked_until = until;
        x->checked_at_ms = clock_monotonic_ms(x->loop->server->o.clock);
    }
    for (uint64_t at = x->content_at; at < until && !x->content->check; at += PIECE_BYTES)
        if (pread(x->content->fd, memory, PIECE_BYTES, (off_t)at) <= 0)
            break;
    x->cached_until = until;
    return NULL;
}

/* Read the next bytes of a content without a descriptor. */
static err_t read_piece(struct exchange *x, struct arena *a)
{
    size_t most = memory_is_over(x->pub.arena.budget) ? PIECE_BYTES_WHEN_FULL : PIECE_BYTES * 2, got = 0;
    size_t want = x->content_left < most ? (size_t)x->content_left : most;
    x->produced.max = PRODUCE_BYTES;
    x->produced.account = &x->pub.arena;
    char *to = buf_reserve(&x->produced, want);
    if (!to)
        return err_over_memory_at(a, ERR_HERE);
    TRY(x->content->read_at(x->content, x->content_at, to, want, a, &got));
    x->produced.n += got;
    return got ? NULL : err_make(a, ERR_CORRUPT, "a content ends before its end");
}

/* On a worker: read or produce the next piece of the body. */
static void produce_piece(struct pool_task *t)
{
    struct exchange *x = EXCHANGE_OF(t, task);
    x->piece_came = PIECE_WANTED;
    if (x->producer) {
        bool is_last = false;
        bool came = x->producer->more(x->producer, &x->produced, &is_last);
        if (!came || x->produced.failed)
            x->piece_came = PIECE_FAILED;
        else if (is_last)
            x->piece_came = PIECE_LAST;
        else if (x->producer->ready && x->produced.n == 0)
            x->piece_came = PIECE_NOT_YET;
    } else {
        SCRATCH(scratch);
        err_t e = x->content->fd >= 0 ? read_into_page_cache(x, &scratch) : read_piece(x, &scratch);
        if (e)
            x->piece_came = PIECE_FAILED;
    }
    loop_post(x->loop, &x->mail);
}

static enum send_step request_piece(struct exchange *x)
{
    if (x->producer && memory_is_over(x->pub.arena.budget)) {
        STAT_ADD(x->loop, memory_refused, 1);
        return SEND_BROKEN; /* its next piece may be large */
    }
    buf_clear(&x->produced);
    x->produced.max = PRODUCE_BYTES;
    x->produced.account = &x->pub.arena;
    x->piece = PIECE_AT_WORKER;
    x->mail.deliver = deliver_piece;
    x->task = (struct pool_task){ .run = produce_piece, .share = exchange_share(x) };
    pool_resume(x->loop->server->lanes[x->lane], &x->task);
    return SEND_WAITS;
}

/* Everything that there is was sent: keep no memory of it. A reply may be paused for hours, and there may be thousands. */
static enum send_step release_sent(struct exchange *x)
{
    if (x->headers.cap > HEAD_BYTES_UNCOUNTED)
        arena_discharge(&x->pub.arena, x->headers.cap);
    buf_release(&x->headers);
    buf_release(&x->produced);
    return SEND_PAUSES;
}

static enum send_step send_produced(struct conn *c)
{
    struct exchange *x = c->x;
    for (;;) {
        enum send_step r = send_from_memory(c, false);
        if (r != SEND_DONE)
            return r;
        if (x->piece == PIECE_AT_WORKER)
            return SEND_WAITS;
        if (x->piece == PIECE_FAILED)
            return SEND_BROKEN;
        if (x->produced.n) {
            bool chunked = x->minor == 1;
            int frame = chunked ? snprintf(x->frame, sizeof x->frame, "%zx\r\n", x->produced.n) : 0;
            if (chunked)
                buf_add(&x->produced, S("\r\n"));
            if (x->produced.failed)
                return SEND_BROKEN; /* a chunk without its end would make the rest of the body part of it */
            /* sent from this buffer, which is filled again afterwards */
            x->head = (slice){ x->frame, (size_t)frame };
            x->body = buf_slice(&x->produced);
            x->produced.n = 0;
            continue;
        }
        if (x->piece == PIECE_WANTED)
            return request_piece(x);
        if (x->piece == PIECE_NOT_YET)
            return release_sent(x);
        if (x->piece == PIECE_NONE_LEFT)
            return SEND_DONE;
        x->piece = PIECE_NONE_LEFT;
        if (x->minor == 1)
            x->head = S("0\r\n\r\n");
    }
}

/* ---- from a file ---- */

/* Is this byte of the file in the page cache? Where the kernel cannot tell, the answer is yes. */
static bool is_in_page_cache(int fd, uint64_t at)
{
    char byte;
    struct iovec iov = { &byte, 1 };
    return preadv2(fd, &iov, 1, (off_t)at, RWF_NOWAIT) != -1 || errno != EAGAIN;
}

static char *piece_of_loop(struct loop *l)
{
    static_assert(PIECE_BYTES >= HTTP_CHECK_MEMORY, "the memory of a loop is too small for a check");
    if (!l->piece)
        l->piece = must_malloc(PIECE_BYTES);
    return l->piece;
}

static uint64_t end_of_first_piece(const struct exchange *x)
{
    return end_of_step(x, 1);
}

bool send_first_piece_waits(const struct exchange *x)
{
    return x->content->fd < 0 || !is_in_page_cache(x->content->fd, x->content_at) ||
           !is_in_page_cache(x->content->fd, end_of_first_piece(x) - 1);
}

err_t send_prepare_first_piece(struct exchange *x, struct arena *a)
{
    struct http_content *content = x->content;
    if (content->fd < 0)
        return read_piece(x, a);
    SCRATCH(scratch);
    char *memory = loop_is_current(x->loop) ? piece_of_loop(x->loop) : arena_alloc(&scratch, HTTP_CHECK_MEMORY);
    uint64_t until = end_of_first_piece(x);
    err_t e = content->check(content, x->content_at, until, x->first_piece_waits, memory, a);
    x->checked_until = until;
    x->checked_at_ms = clock_monotonic_ms(x->loop->server->o.clock);
    return e;
}

/* Check what is sent next, at most *step bytes, and reduce *step to what is checked. False: the bytes are damaged. */
static bool check_before_sending(struct exchange *x, uint64_t *step)
{
    if (!x->content->check)
        return true;
    if (x->content_at >= x->checked_until || x->loop->now_ms - x->checked_at_ms > CHECK_LASTS_MS) {
        SCRATCH(scratch);
        uint64_t until = end_of_step(x, *step);
        if (x->content->check(x->content, x->content_at, until, false, piece_of_loop(x->loop), &scratch))
            return false;
        x->checked_until = until;
        x->checked_at_ms = x->loop->now_ms;
    }
    if (*step > x->checked_until - x->content_at)
        *step = x->checked_until - x->content_at;
    return true;
}

static enum send_step send_file(struct conn *c)
{
    struct exchange *x = c->x;
    uint64_t budget = c->ssl ? SEND_TLS_BYTES : SENDFILE_BYTES;
    while (x->content_left && budget) {
        if (x->piece == PIECE_AT_WORKER || !c->writable)
            return SEND_WAITS;
        if (x->piece == PIECE_FAILED)
            return SEND_BROKEN;
        uint64_t step = x->content_left < budget ? x->content_left : budget;
        if (x->content_at >= x->cached_until) {
            step = step < READ_AHEAD_BYTES ? step : READ_AHEAD_BYTES;
            if (!is_in_page_cache(x->content->fd, x->content_at) ||
                !is_in_page_cache(x->content->fd, x->content_at + step - 1))
                return request_piece(x);
        } else if (step > x->cached_until - x->content_at) {
            step = x->cached_until - x->content_at;
        }
        if (!check_before_sending(x, &step))
            return SEND_BROKEN;
        ssize_t n;
        if (c->ssl) {
            char *piece = piece_of_loop(c->loop);
            n = pread(x->content->fd, piece, step < PIECE_BYTES ? (size_t)step : PIECE_BYTES, (off_t)x->content_at);
            if (n > 0)
                n = conn_send(c, (slice){ piece, (size_t)n }, S(""), false);
            else
                n = -2; /* the file became shorter: close the connection, never pad */
        } else {
            off_t at = (off_t)x->content_at;
            n = sendfile(c->fd, x->content->fd, &at, (size_t)step);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                c->writable = errno == EINTR;
                n = -1;
            } else if (n <= 0) {
                n = -2;
            }
        }
        if (n == -1)
            continue;
        if (n < 0) {
            c->broken = true;
            return SEND_BROKEN;
        }
        x->content_at += (uint64_t)n;
        x->content_left -= (uint64_t)n;
        x->bytes_out += (uint64_t)n;
        budget -= (uint64_t)n;
        c->window_bytes += n;
    }
    if (x->content_left) {
        loop_mark_ready(c->loop, c); /* other connections run first */
        return SEND_WAITS;
    }
    return SEND_DONE;
}

static enum send_step send_read_pieces(struct conn *c)
{
    struct exchange *x = c->x;
    for (;;) {
        enum send_step r = send_from_memory(c, x->content_left > 0);
        if (r != SEND_DONE || x->content_left == 0)
            return r;
        if (x->piece == PIECE_AT_WORKER)
            return SEND_WAITS;
        if (x->piece == PIECE_FAILED)
            return SEND_BROKEN;
        if (x->produced.n == 0)
            return request_piece(x);
        x->body = slice_part(buf_slice(&x->produced), 0, (size_t)x->content_left);
        x->content_at += x->body.n;
        x->content_left -= x->body.n;
        x->produced.n = 0;
    }
}

enum send_step send_run(struct conn *c)
{
    struct exchange *x = c->x;
    if (c->broken)
        return SEND_BROKEN;
    if (x->producer)
        return send_produced(c);
    bool file = x->content && x->content_left && x->content->fd >= 0;
    if (x->content && x->content_left && !file)
        return send_read_pieces(c);
    enum send_step r = send_from_memory(c, file);
    return r == SEND_DONE && file ? send_file(c) : r;
}

void send_busy(struct loop *l, int fd)
{
    SCRATCH(a);
    slice id = loop_request_id(l, &a);
    slice body = arena_printf(&a,
                              "{\"error\":{\"code\":\"unavailable\",\"message\":\"too many connections\","
                              "\"request_id\":\"" SLICE_FMT "\"}}",
                              SLICE_ARG(id));
    slice text =
        arena_printf(&a,
                     "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
                     "X-Request-Id: " SLICE_FMT "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n" SLICE_FMT,
                     SLICE_ARG(id), body.n, SLICE_ARG(body));
    /* read what has arrived: closing a socket with unread bytes sends a reset, which may overtake the reply */
    ssize_t ignored = recv(fd, piece_of_loop(l), PIECE_BYTES, MSG_DONTWAIT);
    ignored = send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored; /* the client may already have gone */
    shutdown(fd, SHUT_WR);
}

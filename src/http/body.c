/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving bodies. A small body runs through its sink on the loop, straight from the read buffer. A large one is read
 * into pooled buffers that travel to a body worker and back:
 *
 *   loop: read into x->filling ──submit_filling──► worker: write_filled ──mail──► loop: return_buffer, read again
 *
 * The filled buffers of one upload form a queue of their own, x->filled, and leave it when the sink has written them.
 * The loop submits a task to the body workers when it puts the first buffer into the empty queue, and that task runs
 * until the queue is empty. So the sink never runs on two threads at once, the bytes stay in order, and the lock of the
 * queue makes what one worker wrote visible to the next. While buffers_at_workers > 0 the loop touches neither the
 * sink, nor body_error, nor the exchange's arena. */
#include "http/engine_priv.h"

#include <assert.h>
#include <string.h>

#define STEPS_A_RUN 4 /* of at most 64 KiB, or a buffer */
/* A body may come in chunks of one byte. So a run ends after so many pieces, and a step decodes at most so many bytes,
 * which keeps a run below 1 ms. */
#define PIECES_A_RUN 200
#define CHUNKED_STEP_BYTES ((size_t)2048)
#define BUFFERS_A_RUN 8 /* of one upload, before the worker serves another upload */

/* ---- states ---- */

#define BIT(state) (1u << BODY_##state)

void body_move(struct exchange *x, enum body_state to)
{
    static const unsigned next[BODY_STATES] = {
        [BODY_UNREAD] = BIT(COLLECT) | BIT(DROP) | BIT(INLINE) | BIT(WORKERS),
        [BODY_INLINE] = BIT(WORKERS) | BIT(CUT) | BIT(FINISHED),
        [BODY_WORKERS] = BIT(CUT) | BIT(FINISHED),
        [BODY_CUT] = BIT(FINISHED),
        [BODY_FINISHED] = BIT(DROP),
    };
    assert(next[x->body_state] & 1u << to);
    x->body_state = to;
}

/* If the connection has waited for this, bytes of the body, its end, or the end of the connection may have come already, and
 * epoll does not report them again: so it runs in the next turn, whatever it was. It does not run here, because finish must
 * not be called before the function that has accepted the body returns. */
void body_begin(struct exchange *x, enum body_state to)
{
    body_move(x, to);
    if (x->conn->state != CONN_WAIT)
        return;
    conn_move(x->conn, CONN_BODY);
    loop_mark_ready(x->loop, x->conn);
}

static bool goes_to_sink(const struct exchange *x)
{
    return x->body_state == BODY_INLINE || x->body_state == BODY_WORKERS;
}

/* ---- trailers ---- */

/* A worker may own the arena, so this memory is counted apart from it. message_limits.chunk_extra limits it. */
static void keep_trailer_text(void *arg, slice text)
{
    struct exchange *x = arg;
    struct buf *b = &x->trailer_text;
    size_t before = b->cap;
    if (x->body_state != BODY_COLLECT && !goes_to_sink(x))
        return;
    buf_add(b, text);
    memory_add(&x->loop->server->memory, b->cap - before);
}

void body_forget_trailers(struct exchange *x)
{
    memory_give(&x->loop->server->memory, x->trailer_text.cap);
    buf_release(&x->trailer_text);
}

/* The body has come, and no worker has a part of it. */
static void take_trailers(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    if (x->trailer_text.n == 0)
        return;
    slice text = arena_copy(&x->pub.arena, buf_slice(&x->trailer_text));
    body_forget_trailers(x);
    struct http_header *fields = arena_array(&x->pub.arena, struct http_header, HTTP_MAX_TRAILERS);
    while (text.n && req->trailer_count < HTTP_MAX_TRAILERS) {
        slice line;
        struct http_header *to = &fields[req->trailer_count++];
        slice_cut(text, '\n', &line, &text);
        slice_cut(line, ':', &to->name, &to->value);
        to->value = slice_trim(to->value);
    }
    req->trailers = fields;
}

/* ---- ending a body ---- */

static void finish_sink(struct exchange *x, bool cut)
{
    err_t e = x->body_error;
    if (!e && cut)
        e = x->cut_error ? x->cut_error : http_refuse(&x->pub.arena, x->cut_refusal, x->cut_text);
    e = x->sink->finish(x->sink, &x->pub, e);
    if (e)
        http_fail(&x->pub, e);
}

static void finish_sink_on_worker(struct pool_task *t)
{
    struct exchange *x = EXCHANGE_OF(t, task);
    finish_sink(x, x->was_cut);
}

static void begin_finish(struct exchange *x)
{
    if (x->filling) {
        loop_release_buffer(x->loop, x->filling);
        x->filling = NULL;
    }
    bool cut = x->body_state == BODY_CUT;
    if (!cut && !x->body_error)
        take_trailers(x);
    body_move(x, BODY_FINISHED);
    exchange_wait(x);
    bool is_whole = !cut && !x->body_error;
    x->was_cut = cut;
    if (x->sink->ends_in_lane || (is_whole && x->sink->blocks && x->sink->blocks(x->sink))) {
        x->task = (struct pool_task){ .run = finish_sink_on_worker, .share = exchange_share(x) };
        pool_resume(x->loop->server->lanes[HTTP_LANE_ORDINARY],
                    &x->task); /* an upload that has arrived is not refused */
        return;
    }
    finish_sink(x, cut);
}

static void submit_filling(struct exchange *x);

static void cut_body(struct exchange *x)
{
    if (x->conn->state == CONN_DROP) {
        conn_close(x->conn);
        return;
    }
    x->keep_alive = false;
    x->close_after = true;
    if (goes_to_sink(x)) {
        if (x->sink->ends_in_lane && x->filling && x->filling->n)
            submit_filling(x); /* it keeps what came */
        body_move(x, BODY_CUT);
        if (x->buffers_at_workers == 0)
            begin_finish(x);
        return; /* else return_buffer does so when the last buffer comes back */
    }
    exchange_wait(x);
    if (x->cut_error)
        http_fail(&x->pub, x->cut_error);
    else
        exchange_refuse(x, x->cut_refusal, x->cut_text);
}

void body_abort(struct exchange *x, enum http_refusal refusal, const char *text)
{
    if (x->body_state == BODY_CUT)
        return;
    x->cut_refusal = refusal;
    x->cut_text = text;
    cut_body(x);
}

void body_abort_because(struct exchange *x, err_t e)
{
    if (x->body_state == BODY_CUT)
        return;
    x->cut_error = e;
    cut_body(x);
}

static void abort_for_memory(struct exchange *x)
{
    STAT_ADD(x->loop, memory_refused, 1);
    body_abort(x, HTTP_REFUSE_BUSY, "the memory for requests is in use");
}

/* ---- framing ---- */

/* Pass bytes of the body, without framing, to where the body goes. */
static void deliver_body_bytes(void *arg, slice bytes)
{
    struct exchange *x = arg;
    x->pieces++;
    x->body_received += bytes.n;
    x->conn->window_bytes += (int64_t)bytes.n;
    STAT_ADD(x->loop, bytes_in, bytes.n);
    switch (x->body_state) {
    case BODY_COLLECT:
        buf_add(&x->collected, bytes);
        break;
    case BODY_INLINE:
        if (!x->body_error && bytes.n)
            x->body_error = x->sink->write(x->sink, bytes);
        break;
    case BODY_WORKERS:
        assert(x->filling->n + bytes.n <= BODY_BUFFER_BYTES);
        memcpy(x->filling->bytes + x->filling->n, bytes.p, bytes.n);
        x->filling->n += bytes.n;
        break;
    case BODY_UNREAD:
    case BODY_DROP:
    case BODY_CUT:
    case BODY_FINISHED:
    case BODY_STATES:
        break;
    }
}

/* Remove the HTTP framing from at most max_bytes of conn->input and deliver the content. False: the chunks
 * are malformed, and message->why says how. */
static bool decode_framing(struct conn *c, size_t max_bytes)
{
    struct exchange *x = c->x;
    slice in = slice_part(c->input, 0, max_bytes);
    if (!x->chunked) {
        if ((int64_t)in.n > x->body_left)
            in.n = (size_t)x->body_left;
        deliver_body_bytes(x, in);
        x->body_left -= (int64_t)in.n;
        c->input = slice_from(c->input, in.n);
        return true;
    }
    size_t used = 0;
    in = slice_part(in, 0, CHUNKED_STEP_BYTES);
    const struct message_body to = { deliver_body_bytes, keep_trailer_text, x };
    enum message_result r = message_chunks(c->message, in, &to, &used);
    if (r == MESSAGE_REFUSED) {
        STAT_ADD(x->loop, malformed, 1);
        return false;
    }
    c->input = slice_from(c->input, used);
    if (r == MESSAGE_DONE)
        x->body_left = 0;
    return true;
}

/* ---- buffers for the body workers ---- */

static void return_buffer(struct mail *m)
{
    struct body_buffer *b = CONTAINER_OF(m, struct body_buffer, mail);
    struct exchange *x = exchange_checked(b->x);
    x->buffers_at_workers--;
    loop_release_buffer(x->loop, b);
    if (x->buffers_at_workers == 0 && (x->body_state == BODY_CUT || x->body_error))
        begin_finish(x);
    else
        loop_mark_ready(x->loop, x->conn);
}

/* Remove the first filled buffer, which was written. Returns the next one; NULL: the queue is empty, and this worker
 * must not touch x any more, except to post that buffer. */
static struct body_buffer *dequeue_filled(struct exchange *x)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&x->loop->filled_lock);
    return x->filled = x->filled->next;
}

/* On a body worker: run the sink over the filled buffers of one upload. */
static void write_filled(struct pool_task *t)
{
    struct exchange *x = EXCHANGE_OF(t, body_task);
    struct loop *l = x->loop;
    struct body_buffer *b = x->filled;
    for (int i = 1; b; i++) {
        ASSERT_MARK(b, BODY_BUFFER);
        if (!x->body_error)
            x->body_error = x->sink->write(x->sink, (slice){ b->bytes, b->n });
        struct body_buffer *next = dequeue_filled(x);
        if (next && i == BUFFERS_A_RUN) {
            pool_resume(l->server->body_workers, &x->body_task); /* behind the tasks of other uploads */
            next = NULL;
        }
        loop_post(l, &b->mail); /* unless there is a next buffer, the loop may free x from here on */
        b = next;
    }
}

static void submit_filling(struct exchange *x)
{
    struct body_buffer *b = x->filling;
    x->filling = NULL;
    b->x = x;
    b->next = NULL;
    b->mail.deliver = return_buffer;
    x->buffers_at_workers++;
    pthread_mutex_lock(&x->loop->filled_lock);
    bool was_empty = !x->filled;
    struct body_buffer **at = &x->filled;
    while (*at)
        at = &(*at)->next;
    *at = b;
    pthread_mutex_unlock(&x->loop->filled_lock);
    if (!was_empty)
        return; /* the task that is queued or running will find the buffer */
    x->body_task = (struct pool_task){ .run = write_filled, .share = exchange_share(x) };
    pool_resume(x->loop->server->body_workers, &x->body_task);
}

/* Without chunked framing the socket is read straight into the buffer. Returns what conn_recv returns. */
static ssize_t recv_into_filling(struct conn *c)
{
    struct exchange *x = c->x;
    struct body_buffer *b = x->filling;
    size_t room = BODY_BUFFER_BYTES - b->n;
    if ((int64_t)room > x->body_left)
        room = (size_t)x->body_left;
    ssize_t n = conn_recv(c, b->bytes + b->n, room);
    if (n > 0) {
        b->n += (size_t)n;
        x->body_left -= n;
        x->body_received += (uint64_t)n;
        c->window_bytes += n;
        STAT_ADD(x->loop, bytes_in, n);
    }
    return n;
}

/* One step of a body whose sink runs on body workers. *ret_again: call again, there may be more to read. */
static enum body_step receive_for_worker(struct conn *c, bool *ret_again)
{
    struct exchange *x = c->x;
    *ret_again = false;
    if (x->buffers_at_workers >= BODY_BUFFERS_EACH)
        return BODY_WAITS;
    if (!x->filling && !(x->filling = loop_acquire_buffer(x->loop))) {
        if (!c->waiting_for_buffer) {
            c->waiting_for_buffer = true;
            c->buffer_waiter_next = NULL;
            struct conn **at = &x->loop->buffer_waiters;
            while (*at)
                at = &(*at)->buffer_waiter_next;
            *at = c;
        }
        return BODY_WAITS;
    }
    ssize_t n = 1;
    if (c->input.n) {
        if (!decode_framing(c, BODY_BUFFER_BYTES - x->filling->n)) {
            body_abort(x, HTTP_REFUSE_MALFORMED, c->message->why);
            return BODY_ENDED;
        }
    } else {
        n = x->chunked ? conn_read_more(c) : recv_into_filling(c);
    }
    if (n == 0 || n == -2) {
        body_abort(x, HTTP_REFUSE_BODY_CUT, NULL);
        return BODY_ENDED;
    }
    /* Submit a buffer that is full, the last one, or one that cannot be filled now while the worker has none to
     * write. */
    bool full = x->filling->n == BODY_BUFFER_BYTES;
    if (x->filling->n && (full || x->body_left == 0 || (n == -1 && x->buffers_at_workers == 0))) {
        submit_filling(x);
    } else if (x->filling->n == 0 && (n == -1 || x->body_left == 0)) {
        loop_release_buffer(x->loop, x->filling); /* a sender that pauses owns no buffer */
        x->filling = NULL;
    }
    *ret_again = n != -1;
    return BODY_WAITS;
}

/* ---- a step of any body ---- */

static enum body_step finish_after_error(struct exchange *x)
{
    x->close_after = x->close_after || x->chunked || x->body_left > DRAIN_BYTES;
    begin_finish(x);
    return BODY_ENDED;
}

enum body_step body_run(struct conn *c)
{
    struct exchange *x = c->x;
    assert(x->body_state != BODY_UNREAD);
    if (x->body_state == BODY_CUT)
        return BODY_WAITS; /* for the last buffer to come back */
    interim_continue(c);
    x->pieces = 0;
    for (int i = 0; i < STEPS_A_RUN && x->pieces < PIECES_A_RUN; i++) {
        bool sink = goes_to_sink(x);
        if (sink && x->buffers_at_workers == 0 && x->body_error)
            return finish_after_error(x);
        if (x->body_left == 0) {
            if (x->body_state == BODY_COLLECT)
                take_trailers(x);
            if (!sink)
                return BODY_COMPLETE;
            if (x->filling && x->filling->n)
                submit_filling(x);
            if (x->buffers_at_workers)
                return BODY_WAITS;
            begin_finish(x);
            return BODY_ENDED;
        }
        if (x->body_state == BODY_WORKERS) {
            bool again;
            enum body_step r = receive_for_worker(c, &again);
            if (r != BODY_WAITS || !again)
                return r;
            continue;
        }
        if (c->input.n == 0) {
            ssize_t n = conn_read_more(c);
            if (n == -1)
                return BODY_WAITS;
            if (n <= 0) {
                body_abort(x, HTTP_REFUSE_BODY_CUT, NULL);
                return BODY_ENDED;
            }
        }
        bool well_formed = decode_framing(c, SIZE_MAX);
        bool full = x->body_state == BODY_COLLECT && x->collected.failed;
        if (full && x->body_received <= x->collected.max) { /* a chunked body, for which there is no more memory */
            abort_for_memory(x);
            return BODY_ENDED;
        }
        if (full || (x->body_state == BODY_DROP && x->body_received > (uint64_t)DRAIN_BYTES)) {
            /* Checked before well_formed: which of the two is found must not depend on how the bytes arrive. */
            body_abort(x, HTTP_REFUSE_BODY_TOO_LARGE, NULL);
            return BODY_ENDED;
        }
        if (!well_formed) {
            body_abort(x, HTTP_REFUSE_MALFORMED, c->message->why);
            return BODY_ENDED;
        }
        if (x->body_state == BODY_INLINE && x->body_received > BODY_INLINE_BYTES)
            body_move(x, BODY_WORKERS);
    }
    loop_mark_ready(x->loop, c); /* other connections run first */
    return BODY_WAITS;
}

void http_receive(struct http_exchange *pub, struct http_sink *sink)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(loop_is_current(x->loop) && x->body_state == BODY_UNREAD && !x->replied);
    bool is_large = x->body_left > (int64_t)BODY_INLINE_BYTES;
    x->sink = sink;
    if (!is_large) /* the sink may keep all of it in memory until the last byte has come */
        arena_charge(&pub->arena, x->chunked ? BODY_INLINE_BYTES : (size_t)x->body_left);
    body_begin(x, is_large || sink->off_loop ? BODY_WORKERS : BODY_INLINE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way in. Small ones run through the sink on the loop, straight from the read buffer. Large ones are
 * read into pooled buffers that travel to the body worker and back:
 *
 *   loop: fill ──filled──► worker: sink->write ──mail──► loop: outstanding--, fill again
 *
 * The filled buffers of one upload stand in a queue of their own, x->filled, until they have been seen to. Whoever puts
 * the first one there calls a worker, which goes on until the queue is empty: so the sink is never entered twice at
 * once, bytes stay in order, and the lock of the queue makes what one worker wrote visible to the next. While
 * outstanding > 0 the loop touches neither the sink, nor body_error, nor the exchange's arena. */
#include "http/engine.h"

#include <assert.h>
#include <string.h>

#define STEPS_A_RUN 16
#define BUFFERS_A_RUN 8 /* of one upload, before a worker looks after others */

/* ---- the sink's end ---- */

static void finish_sink(struct exchange *x)
{
    err_t e = x->body_error;
    if (!e && x->cut)
        e = err_make(&x->pub.arena, x->cut_code, "%s", x->cut_text);
    x->sink->finish(x->sink, &x->pub, e);
}

static void finish_task(struct task *t)
{
    finish_sink(CONTAINER_OF(t, struct exchange, task));
}

static void start_finish(struct exchange *x)
{
    struct conn *c = x->conn;
    if (x->filling) {
        loop_give_buffer(x->loop, x->filling);
        x->filling = NULL;
    }
    x->finishing = true;
    c->state = CONN_WAIT;
    loop_deadline(x->loop, c, DEADLINE_NONE);
    bool failed = x->body_error || x->cut;
    if (!failed && x->sink->blocks && x->sink->blocks(x->sink)) {
        x->task.run = finish_task;
        if (!pool_submit(x->loop->server->workers, &x->task))
            pool_submit(x->loop->server->body_workers,
                        &x->task); /* never refuses: an upload that is all here is not lost */
        return;
    }
    finish_sink(x);
}

void body_cut(struct exchange *x, enum err_code code, const char *text)
{
    struct conn *c = x->conn;
    if (x->finishing && !x->handled)
        return; /* the reply is on its way */
    x->keep_alive = false;
    x->close_after = true;
    if (x->handled) {         /* answered before; only the rest was being dropped */
        c->state = CONN_SEND; /* nothing more to send: */
        x->body_done = false;
        c->broken = true;
        conn_close(c);
        return;
    }
    if (x->mode == BODY_SINK) {
        if (!x->cut) {
            x->cut = true;
            x->cut_code = code;
            x->cut_text = text;
        }
        if (x->outstanding == 0)
            start_finish(x);
        return; /* else the last buffer's return does it */
    }
    c->state = CONN_WAIT;
    loop_deadline(x->loop, c, DEADLINE_NONE);
    exchange_refuse(x,
                    code == ERR_TOO_LARGE ? HTTP_REFUSE_BODY_TOO_LARGE
                    : code == ERR_INVALID ? HTTP_REFUSE_MALFORMED
                                          : HTTP_REFUSE_BODY_CUT,
                    text);
}

/* ---- on the loop ---- */

static void deliver(void *arg, slice bytes)
{
    struct exchange *x = arg;
    x->body_received += bytes.n;
    x->conn->window_bytes += (int64_t)bytes.n;
    STAT_ADD(x->loop, bytes_in, bytes.n);
    switch (x->mode) {
    case BODY_COLLECT:
        buf_add(&x->collected, bytes);
        break;
    case BODY_SINK:
        if (x->via_worker) {
            assert(x->filling->n + bytes.n <= BODY_BUFFER_BYTES);
            memcpy(x->filling->bytes + x->filling->n, bytes.p, bytes.n);
            x->filling->n += bytes.n;
        } else if (!x->body_error && bytes.n) {
            x->body_error = x->sink->write(x->sink, bytes);
        }
        break;
    case BODY_NONE:
    case BODY_DROP:
        break;
    }
}

/* Framing off, content on. At most `most` bytes of conn->cur. False: the framing is broken. */
static bool unframe(struct conn *c, size_t most)
{
    struct exchange *x = c->x;
    slice in = slice_part(c->cur, 0, most);
    if (!x->chunked) {
        if ((int64_t)in.n > x->body_left)
            in.n = (size_t)x->body_left;
        deliver(x, in);
        x->body_left -= (int64_t)in.n;
        x->body_done = x->body_left == 0;
        c->cur = slice_from(c->cur, in.n);
        return true;
    }
    size_t used = 0;
    enum message_result r = message_chunks(c->message, in, deliver, x, &used);
    if (r == MESSAGE_REFUSED) {
        STAT_ADD(x->loop, malformed, 1);
        return false;
    }
    c->cur = slice_from(c->cur, used);
    x->body_done = r == MESSAGE_DONE;
    return true;
}

static void say_continue(struct conn *c)
{
    struct exchange *x = c->x;
    if (!x->wants_continue)
        return;
    x->wants_continue = false;
    if (c->cur.n)
        return; /* it did not wait */
    slice interim = S("HTTP/1.1 100 Continue\r\n\r\n");
    if (conn_send(c, interim, S(""), false) != (ssize_t)interim.n)
        c->broken = true; /* 25 bytes do not fit: nobody reads there */
}

/* ---- buffers that travel ---- */

static void buffer_back(struct mail *m)
{
    struct body_buffer *b = CONTAINER_OF(m, struct body_buffer, mail);
    struct exchange *x = b->x;
    x->outstanding--;
    loop_give_buffer(x->loop, b);
    if (x->finishing)
        return;
    if (x->outstanding == 0 && (x->cut || x->body_error))
        start_finish(x);
    else
        loop_ready(x->loop, x->conn);
}

/* The first filled buffer has been seen to. Returns the one behind it; NULL: from now on nobody is at work on x. */
static struct body_buffer *next_filled(struct exchange *x)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&x->loop->filled_lock);
    return x->filled = x->filled->next;
}

static void buffer_work(struct task *t)
{
    struct exchange *x = CONTAINER_OF(t, struct exchange, body_task);
    struct loop *l = x->loop;
    struct body_buffer *b = x->filled;
    for (int i = 1; b; i++) {
        if (!x->body_error)
            x->body_error = x->sink->write(x->sink, (slice){ b->bytes, b->n });
        struct body_buffer *next = next_filled(x);
        if (next && i == BUFFERS_A_RUN) {
            pool_submit(l->server->body_workers, &x->body_task); /* others first */
            next = NULL;
        }
        loop_post(l, &b->mail); /* without a next one, the exchange may be gone now */
        b = next;
    }
}

static void hand_over(struct exchange *x)
{
    struct body_buffer *b = x->filling;
    x->filling = NULL;
    b->x = x;
    b->next = NULL;
    b->mail.deliver = buffer_back;
    x->outstanding++;
    pthread_mutex_lock(&x->loop->filled_lock);
    bool start = !x->filled;
    struct body_buffer **at = &x->filled;
    while (*at)
        at = &(*at)->next;
    *at = b;
    pthread_mutex_unlock(&x->loop->filled_lock);
    if (!start)
        return; /* whoever is at work finds it */
    x->body_task.run = buffer_work;
    pool_submit(x->loop->server->body_workers, &x->body_task);
}

static ssize_t fill_directly(struct conn *c)
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
        x->body_done = x->body_left == 0;
        x->body_received += (uint64_t)n;
        c->window_bytes += n;
        STAT_ADD(x->loop, bytes_in, n);
    }
    return n;
}

/* One step of a travelling body. */
static enum body_step fill_step(struct conn *c, bool *ret_again)
{
    struct exchange *x = c->x;
    *ret_again = false;
    if (x->outstanding >= BODY_BUFFERS_EACH)
        return BODY_WAITS;
    if (!x->filling && !(x->filling = loop_take_buffer(x->loop))) {
        if (!c->is_starved) {
            c->is_starved = true;
            c->starved_next = NULL;
            struct conn **at = &x->loop->starved;
            while (*at)
                at = &(*at)->starved_next;
            *at = c;
        }
        return BODY_WAITS;
    }
    ssize_t n = 1;
    if (c->cur.n) {
        if (!unframe(c, BODY_BUFFER_BYTES - x->filling->n)) {
            body_cut(x, ERR_INVALID, "the chunked body is not well-formed");
            return BODY_ENDED;
        }
    } else {
        n = x->chunked ? conn_read_more(c) : fill_directly(c);
    }
    if (n == 0 || n == -2) {
        body_cut(x, ERR_TRUNCATED, "the sender went away");
        return BODY_ENDED;
    }
    /* full, over, or nothing comes and the worker has nothing either */
    bool full = x->filling->n == BODY_BUFFER_BYTES;
    if (x->filling->n && (full || x->body_done || (n == -1 && x->outstanding == 0))) {
        hand_over(x);
    } else if (x->filling->n == 0 && (n == -1 || x->body_done)) {
        loop_give_buffer(x->loop, x->filling); /* a slow sender owns no buffer */
        x->filling = NULL;
    }
    *ret_again = n != -1;
    return BODY_WAITS;
}

/* ---- */

static enum body_step after_error(struct exchange *x)
{
    x->close_after = x->close_after || x->chunked || x->body_left > DRAIN_BYTES;
    if (x->outstanding == 0)
        start_finish(x);
    return x->outstanding ? BODY_WAITS : BODY_ENDED;
}

enum body_step body_run(struct conn *c)
{
    struct exchange *x = c->x;
    if (x->cut)
        return BODY_WAITS; /* for the last buffer */
    say_continue(c);
    for (int i = 0; i < STEPS_A_RUN; i++) {
        bool sink = x->mode == BODY_SINK;
        if (sink && x->outstanding == 0 && x->body_error)
            return after_error(x);
        if (x->body_done) {
            if (!sink)
                return BODY_COMPLETE;
            if (x->filling && x->filling->n)
                hand_over(x);
            if (x->outstanding)
                return BODY_WAITS;
            start_finish(x);
            return BODY_ENDED;
        }
        if (sink && x->via_worker) {
            bool again;
            enum body_step r = fill_step(c, &again);
            if (r != BODY_WAITS || !again)
                return r;
            continue;
        }
        if (c->cur.n == 0) {
            ssize_t n = conn_read_more(c);
            if (n == -1)
                return BODY_WAITS;
            if (n <= 0) {
                body_cut(x, ERR_TRUNCATED, "the sender went away");
                return BODY_ENDED;
            }
        }
        bool well_formed = unframe(c, SIZE_MAX);
        bool full = x->mode == BODY_COLLECT && x->collected.failed;
        if (full || (x->mode == BODY_DROP && x->body_received > (uint64_t)DRAIN_BYTES)) {
            body_cut(x, ERR_TOO_LARGE, "the body is too large"); /* first: what follows may not have come yet */
            return BODY_ENDED;
        }
        if (!well_formed) {
            body_cut(x, ERR_INVALID, "the chunked body is not well-formed");
            return BODY_ENDED;
        }
        if (sink && x->body_received > BODY_INLINE_BYTES)
            x->via_worker = true;
    }
    loop_ready(x->loop, c); /* others first */
    return BODY_WAITS;
}

void http_receive(struct http_exchange *pub, struct http_sink *sink)
{
    struct exchange *x = (struct exchange *)pub;
    assert(loop_is_here(x->loop) && x->mode == BODY_NONE && !x->replied);
    x->mode = BODY_SINK;
    x->sink = sink;
    x->via_worker = !x->chunked && x->body_left > (int64_t)BODY_INLINE_BYTES;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Interim replies: "100 Continue" of the engine, and those of an API. They are advice, so they must not cost an upload
 * anything: not its connection when the client does not read them, no memory that grows, no wait.
 *
 * Only the loop sends. What the socket does not take is dropped, except when the first bytes of a reply were taken: its rest
 * stays in x->interim, until the socket takes it or the final reply goes out behind it. With TLS that also holds when no byte
 * was taken, since the record was encrypted by then and cannot be taken back.
 *
 * A worker leaves its reply in x->interim_posted and posts a mail; a newer one takes the place of one that was not delivered.
 * The mail cannot meet a freed exchange, or one with a final reply: whatever leads to that reaches the loop by a mail of the
 * same thread, or of one that got the exchange from it later, and a mailbox keeps the order. */
#include "http/engine_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define INTERIM_BYTES_MAX ((size_t)4096) /* a longer one is not sent */

struct interim {
    size_t n;
    char bytes[];
};

/* Returns what conn_send returns. That nothing can be sent any more does not break the connection: the client may have sent
 * all of its body before it went away, which is still to be read. */
static ssize_t send_advice(struct conn *c, slice text)
{
    ssize_t n = conn_send(c, text, S(""), false);
    if (n == -2 && !c->ssl)
        c->broken = false;
    return n;
}

void interim_flush(struct conn *c)
{
    struct exchange *x = c->x;
    ssize_t n = 0;
    while (x->interim_sent < x->interim.n && n >= 0) {
        n = send_advice(c, interim_rest(x));
        x->interim_sent += n > 0 ? (size_t)n : 0;
    }
    if (n == -1)
        return;
    buf_release(&x->interim);
    x->interim_sent = 0;
}

slice interim_rest(const struct exchange *x)
{
    return slice_from(buf_slice(&x->interim), x->interim_sent);
}

/* Send a text as far as the socket takes it, and keep the rest if it must be sent, or has begun. */
static void send_text(struct conn *c, slice text, bool must)
{
    struct exchange *x = c->x;
    if (x->interim.n) { /* the client does not read */
        if (must)
            buf_add(&x->interim, text);
        return;
    }
    bool tried = c->writable;
    ssize_t n = send_advice(c, text);
    if (n == -2 || n == (ssize_t)text.n)
        return;
    bool begun = n > 0 || (c->ssl && tried);
    if (!begun && !must)
        return;
    buf_add(&x->interim, slice_from(text, n > 0 ? (size_t)n : 0));
    interim_flush(c); /* until the socket says that it is full, after which epoll reports when it is not */
}

void interim_continue(struct conn *c)
{
    struct exchange *x = c->x;
    if (!x->wants_continue)
        return;
    x->wants_continue = false;
    if (c->input.n)
        return; /* the client did not wait for it */
    send_text(c, S("HTTP/1.1 100 Continue\r\n\r\n"), true);
}

static void compose(struct buf *to, int status, const struct http_header *headers, size_t count)
{
    buf_init(to, INTERIM_BYTES_MAX);
    buf_add(to, S("HTTP/1.1 "));
    buf_add_u64(to, (uint64_t)status);
    buf_add_byte(to, ' ');
    buf_add(to, slice_of(send_reason_phrase(status)));
    buf_add(to, S("\r\n"));
    for (size_t i = 0; i < count && !to->failed; i++)
        send_add_header(to, headers[i].name, headers[i].value);
    buf_add(to, S("\r\n"));
}

/* Another thread may own the exchange: only what belongs to the loop is used here. */
static void deliver_interim(struct mail *m)
{
    struct exchange *x = EXCHANGE_OF(m, interim_mail);
    struct interim *i = __atomic_exchange_n(&x->interim_posted, NULL, __ATOMIC_ACQ_REL);
    assert(x->conn->state == CONN_BODY || x->conn->state == CONN_WAIT);
    send_text(x->conn, (slice){ i->bytes, i->n }, false);
    free(i);
}

/* On another thread than the loop's. */
static void post_interim(struct exchange *x, slice text)
{
    struct interim *i = must_malloc(sizeof *i + text.n);
    i->n = text.n;
    memcpy(i->bytes, text.p, text.n);
    struct interim *older = __atomic_exchange_n(&x->interim_posted, i, __ATOMIC_ACQ_REL);
    if (older) {
        free(older); /* the mail is on its way, and takes the newer one */
        return;
    }
    x->interim_mail.deliver = deliver_interim;
    loop_post(x->loop, &x->interim_mail);
}

void http_interim(struct http_exchange *pub, int status, const struct http_header *headers, size_t count)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(status > 101 && status < 200 && !x->replied);
    if (x->minor == 0)
        return; /* RFC 9110 §15.2 */
    SCOPED(buf_releasep) struct buf text;
    compose(&text, status, headers, count);
    if (text.failed)
        return;
    if (loop_is_current(x->loop))
        send_text(x->conn, buf_slice(&text), false);
    else
        post_interim(x, buf_slice(&text));
}

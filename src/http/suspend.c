/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for something that happens elsewhere. The connection is in CONN_SUSPEND; whoever moves its suspension from
 * WAITS to GONE_ON resumes it, so it is resumed once:
 *
 *            http_suspend          http_wake
 *   (none) ──────────────► WAITS ◄───────────► WOKEN
 *                            │     deliver_wake
 *                            └─ suspend_run ─► GONE_ON
 *
 * A wake is a mail, and while it is on its way the exchange stays as it is: so the mail finds it alive. After GONE_ON no mail is
 * posted any more. */
#include "http/engine_priv.h"

#include <assert.h>

enum { NOT_SUSPENDED, WAITS, WOKEN, GONE_ON };

static bool move_suspension(struct http_suspension *s, int from, int to)
{
    return __atomic_compare_exchange_n(&s->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Nothing is kept but the exchange and its arena. */
static void release_body(struct exchange *x)
{
    x->pub.req.body = S("");
    buf_release(&x->collected);
}

void http_suspend(struct http_exchange *pub, struct http_suspension *s)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    assert(loop_is_current(x->loop) && !x->replied && x->conn->state == CONN_WAIT);
    release_body(x);
    s->exchange = pub;
    s->must_reply = false;
    s->error = NULL;
    x->suspension = s;
    conn_move(x->conn, CONN_SUSPEND);
    __atomic_store_n(&s->state, WAITS, __ATOMIC_SEQ_CST);
    loop_mark_ready(x->loop, x->conn); /* what it waits for may have happened before */
}

static void deliver_wake(struct mail *m)
{
    struct exchange *x = EXCHANGE_OF(m, mail);
    bool moved = move_suspension(x->suspension, WOKEN, WAITS);
    assert(moved);
    loop_mark_ready(x->loop, x->conn);
}

void http_wake(struct http_suspension *s)
{
    if (!move_suspension(s, WAITS, WOKEN))
        return; /* it is asked anyway, or not suspended */
    struct exchange *x = EXCHANGE_OF(s->exchange, pub);
    x->mail.deliver = deliver_wake;
    loop_post(x->loop, &x->mail);
}

bool suspend_run(struct conn *c)
{
    struct exchange *x = c->x;
    struct http_suspension *s = x->suspension;
    bool must_reply = c->peer_closed || c->broken || c->loop->stopping || s->error;
    if (!must_reply && !s->ready(s))
        return false;
    if (!move_suspension(s, WAITS, GONE_ON))
        return false; /* the mail of a wake is on its way */
    s->must_reply = must_reply;
    x->suspension = NULL;
    conn_move(c, CONN_WAIT);
    exchange_go_on(x, s);
    return true;
}

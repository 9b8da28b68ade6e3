/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that last: uploads whose bytes come for hours, downloads that are sent for hours, replies that pause for hours.
 * The guard of an API admits a request once, at its head. A loop therefore goes through its connections in rounds, two a
 * second, and calls the check of each request whose body comes, which is suspended, or whose reply is sent or paused. It also asks
 * the producer of a paused reply, and a suspended request, whether it is ready. A round is cut into turns, so that no turn takes
 * long. */
#include "http/engine_priv.h"

#define WATCH_EVERY_MS 500
#define CHECKS_A_TURN 32
#define VISITS_A_TURN 2048

void http_watch(struct http_exchange *pub, struct http_watch *watch)
{
    struct exchange *x = EXCHANGE_OF(pub, pub);
    __atomic_store_n(&x->watch, watch, __ATOMIC_RELEASE);
}

int watch_timeout_ms(const struct loop *l)
{
    if (l->watch_next)
        return 0;
    if (!__atomic_load_n(&l->stats.active, __ATOMIC_RELAXED))
        return -1;
    int64_t left = l->watch_at_ms - l->now_ms;
    return left < 0 ? 0 : left > WATCH_EVERY_MS ? WATCH_EVERY_MS : (int)left;
}

static void resume_reply(struct conn *c)
{
    c->x->piece = PIECE_WANTED;
    conn_move(c, CONN_SEND);
    loop_mark_ready(c->loop, c);
}

/* The producer of a paused reply is asked, unless there is no memory for its next piece. */
static void watch_paused_reply(struct conn *c)
{
    struct http_producer *p = c->x->producer;
    if (!memory_is_over(&c->loop->server->memory) && p->ready(p))
        resume_reply(c);
}

/* Its turn comes soon, and then it is asked. */
static void watch_suspended(struct conn *c, err_t e)
{
    if (e)
        c->x->suspension->error = e;
    loop_mark_ready(c->loop, c);
}

/* Returns how many calls of the API were made, at most two. */
static int watch_conn(struct conn *c)
{
    struct exchange *x = c->x;
    bool is_paused = c->state == CONN_PAUSE, is_suspended = c->state == CONN_SUSPEND;
    if (!x || (c->state != CONN_BODY && c->state != CONN_SEND && !is_paused && !is_suspended))
        return 0;
    struct http_watch *watch = __atomic_load_n(&x->watch, __ATOMIC_ACQUIRE);
    err_t e = watch ? watch->check(watch) : NULL;
    if (is_suspended)
        watch_suspended(c, e);
    else if (e && c->state == CONN_BODY)
        body_abort_because(x, e);
    else if (e)
        conn_close(c);
    else if (is_paused)
        watch_paused_reply(c);
    return (watch != NULL) + (is_paused || is_suspended);
}

void watch_run(struct loop *l)
{
    if (!l->watch_next) {
        if (l->now_ms < l->watch_at_ms)
            return;
        l->watch_at_ms = l->now_ms + WATCH_EVERY_MS;
        l->watch_next = l->conns;
    }
    int checks = 0;
    for (int visits = 0; l->watch_next && checks < CHECKS_A_TURN && visits < VISITS_A_TURN; visits++) {
        struct conn *c = l->watch_next;
        l->watch_next = c->next;
        checks += watch_conn(c);
    }
}

void watch_forget(struct loop *l, const struct conn *c)
{
    if (l->watch_next == c)
        l->watch_next = c->next;
}

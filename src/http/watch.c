/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that last: uploads whose bytes come for hours, downloads that are sent for hours. The guard of an API admits a
 * request once, at its head. A loop therefore goes through its connections in rounds, two a second, and calls the check
 * of each request whose body comes or whose reply is sent. A round is cut into turns, so that no turn takes long. */
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

/* Returns how many checks were made, none or one. */
static int watch_conn(struct conn *c)
{
    struct exchange *x = c->x;
    if (!x || (c->state != CONN_BODY && c->state != CONN_SEND))
        return 0;
    struct http_watch *watch = __atomic_load_n(&x->watch, __ATOMIC_ACQUIRE);
    err_t e = watch ? watch->check(watch) : NULL;
    if (e && c->state == CONN_BODY)
        body_abort_because(x, e);
    else if (e)
        conn_close(c);
    return watch != NULL;
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

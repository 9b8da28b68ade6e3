/* SPDX-License-Identifier: Apache-2.0 */
/* The moves of a connection: the arrows of the diagram in engine_priv.h, and the deadline of each state. */
#include "http/engine_priv.h"

#include <assert.h>

#define BIT(state) (1u << CONN_##state)

struct state_rule {
    unsigned next;               /* a bit for each state that an arrow leads to */
    enum deadline_kind deadline; /* what limits the time in this state */
    bool has_exchange;
    bool runs_on; /* if the same deadline runs already when the state is entered, it is not set anew */
};

static const struct state_rule rules[CONN_STATES] = {
    [CONN_NEW] = { BIT(HANDSHAKE) | BIT(FIRST), DEADLINE_NONE, false, false },
    [CONN_HANDSHAKE] = { BIT(FIRST) | BIT(CLOSED), DEADLINE_HEAD, false, false },
    /* the handshake and the wait for the first byte share one time, so that TLS does not double it */
    [CONN_FIRST] = { BIT(HEAD) | BIT(CLOSED), DEADLINE_HEAD, false, true },
    [CONN_IDLE] = { BIT(HEAD) | BIT(CLOSED), DEADLINE_IDLE, false, false },
    [CONN_HEAD] = { BIT(BODY) | BIT(WAIT) | BIT(CLOSED), DEADLINE_HEAD, false, false },
    [CONN_BODY] = { BIT(WAIT) | BIT(SEND), DEADLINE_BODY, true, false },
    [CONN_WAIT] = { BIT(BODY) | BIT(SUSPEND) | BIT(SEND), DEADLINE_NONE, true, false },
    [CONN_SUSPEND] = { BIT(WAIT), DEADLINE_NONE, true, false },
    [CONN_SEND] = { BIT(PAUSE) | BIT(IDLE) | BIT(HEAD) | BIT(DROP) | BIT(LINGER) | BIT(CLOSED), DEADLINE_SEND, true,
                    false },
    [CONN_PAUSE] = { BIT(SEND) | BIT(CLOSED), DEADLINE_NONE, true, false },
    [CONN_DROP] = { BIT(IDLE) | BIT(HEAD) | BIT(CLOSED), DEADLINE_LINGER, true, false },
    [CONN_LINGER] = { BIT(CLOSED), DEADLINE_LINGER, false, false },
    [CONN_CLOSED] = { 0, DEADLINE_NONE, false, false },
};

void conn_move(struct conn *c, enum conn_state to)
{
    const struct state_rule *rule = &rules[to];
    assert(rules[c->state].next & 1u << to);
    assert((c->x != NULL) == rule->has_exchange);
    c->state = to;
    if (!rule->runs_on || c->deadline != rule->deadline)
        conn_restart_deadline(c);
}

void conn_restart_deadline(struct conn *c)
{
    c->window_bytes = 0;
    loop_set_deadline(c->loop, c, rules[c->state].deadline);
}

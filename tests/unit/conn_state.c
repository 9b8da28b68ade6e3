/* SPDX-License-Identifier: Apache-2.0 */
/* The state machines of a connection and of a body, without a socket: each arrow, the deadline of each state, and that
 * there is no other arrow. */
#include "death.h"
#include "test.h"

#include "http/engine_priv.h"

#include <string.h>

#define NOW_MS 5000000

static const struct arrow {
    enum conn_state from, to;
    enum deadline_kind deadline;
} arrows[] = {
    { CONN_NEW, CONN_HANDSHAKE, DEADLINE_HEAD },   { CONN_NEW, CONN_FIRST, DEADLINE_HEAD },
    { CONN_HANDSHAKE, CONN_FIRST, DEADLINE_HEAD }, { CONN_HANDSHAKE, CONN_CLOSED, DEADLINE_NONE },
    { CONN_FIRST, CONN_HEAD, DEADLINE_HEAD },      { CONN_FIRST, CONN_CLOSED, DEADLINE_NONE },
    { CONN_IDLE, CONN_HEAD, DEADLINE_HEAD },       { CONN_IDLE, CONN_CLOSED, DEADLINE_NONE },
    { CONN_HEAD, CONN_BODY, DEADLINE_BODY },       { CONN_HEAD, CONN_WAIT, DEADLINE_NONE },
    { CONN_HEAD, CONN_CLOSED, DEADLINE_NONE },     { CONN_BODY, CONN_WAIT, DEADLINE_NONE },
    { CONN_BODY, CONN_SEND, DEADLINE_SEND },       { CONN_WAIT, CONN_SEND, DEADLINE_SEND },
    { CONN_WAIT, CONN_BODY, DEADLINE_BODY },       { CONN_SEND, CONN_PAUSE, DEADLINE_NONE },
    { CONN_PAUSE, CONN_SEND, DEADLINE_SEND },      { CONN_PAUSE, CONN_CLOSED, DEADLINE_NONE },
    { CONN_WAIT, CONN_SUSPEND, DEADLINE_NONE },    { CONN_SUSPEND, CONN_WAIT, DEADLINE_NONE },
    { CONN_SEND, CONN_IDLE, DEADLINE_IDLE },       { CONN_SEND, CONN_HEAD, DEADLINE_HEAD },
    { CONN_SEND, CONN_DROP, DEADLINE_LINGER },     { CONN_SEND, CONN_LINGER, DEADLINE_LINGER },
    { CONN_SEND, CONN_CLOSED, DEADLINE_NONE },     { CONN_DROP, CONN_IDLE, DEADLINE_IDLE },
    { CONN_DROP, CONN_HEAD, DEADLINE_HEAD },       { CONN_DROP, CONN_CLOSED, DEADLINE_NONE },
    { CONN_LINGER, CONN_CLOSED, DEADLINE_NONE },
};

static bool is_arrow(enum conn_state from, enum conn_state to)
{
    for (size_t i = 0; i < LENGTH_OF(arrows); i++)
        if (arrows[i].from == from && arrows[i].to == to)
            return true;
    return false;
}

static bool has_exchange(enum conn_state state)
{
    return state == CONN_BODY || state == CONN_WAIT || state == CONN_SUSPEND || state == CONN_SEND ||
           state == CONN_PAUSE || state == CONN_DROP;
}

/* One connection of one loop. All its timeouts have different lengths. */
struct machine {
    struct loop loop;
    struct conn conn;
    struct exchange exchange;
};

static void machine_init(struct machine *m, enum conn_state from, enum conn_state to)
{
    memset(m, 0, sizeof *m);
    m->loop.now_ms = NOW_MS;
    for (int kind = 0; kind < DEADLINE_KINDS; kind++)
        m->loop.deadlines[kind].length_ms = 1000 * kind;
    m->conn.loop = &m->loop;
    m->conn.state = from;
    m->conn.x = has_exchange(to) ? &m->exchange : NULL;
}

static void expect_deadline(const struct machine *m, enum deadline_kind kind, int64_t since_ms)
{
    EXPECT_EQ(m->conn.deadline, kind);
    if (kind != DEADLINE_NONE)
        EXPECT_EQ(m->conn.deadline_at_ms, since_ms + 1000 * kind);
    for (int other = 0; other < DEADLINE_KINDS; other++)
        EXPECT(m->loop.deadlines[other].first == (other == (int)kind && kind ? &m->conn : NULL));
}

TEST(each_arrow_sets_the_deadline_of_its_state)
{
    for (size_t i = 0; i < LENGTH_OF(arrows); i++) {
        struct machine m;
        machine_init(&m, arrows[i].from, arrows[i].to);
        m.conn.window_bytes = 7;
        conn_move(&m.conn, arrows[i].to);
        EXPECT_EQ(m.conn.state, arrows[i].to);
        EXPECT_EQ(m.conn.window_bytes, 0);
        expect_deadline(&m, arrows[i].deadline, NOW_MS);
    }
}

TEST(a_move_replaces_the_deadline_of_the_former_state)
{
    static const enum conn_state path[] = { CONN_FIRST, CONN_HEAD,  CONN_BODY, CONN_WAIT,  CONN_SEND, CONN_DROP,
                                            CONN_IDLE,  CONN_HEAD,  CONN_WAIT, CONN_SEND,  CONN_HEAD, CONN_BODY,
                                            CONN_SEND,  CONN_PAUSE, CONN_SEND, CONN_LINGER };
    static const enum deadline_kind deadlines[] = { DEADLINE_HEAD, DEADLINE_HEAD,   DEADLINE_BODY, DEADLINE_NONE,
                                                    DEADLINE_SEND, DEADLINE_LINGER, DEADLINE_IDLE, DEADLINE_HEAD,
                                                    DEADLINE_NONE, DEADLINE_SEND,   DEADLINE_HEAD, DEADLINE_BODY,
                                                    DEADLINE_SEND, DEADLINE_NONE,   DEADLINE_SEND, DEADLINE_LINGER };
    struct machine m;
    machine_init(&m, CONN_NEW, CONN_FIRST);
    for (size_t i = 0; i < LENGTH_OF(path); i++) {
        m.loop.now_ms += 10;
        m.conn.x = has_exchange(path[i]) ? &m.exchange : NULL;
        conn_move(&m.conn, path[i]);
        expect_deadline(&m, deadlines[i], m.loop.now_ms);
    }
    conn_move(&m.conn, CONN_CLOSED);
    expect_deadline(&m, DEADLINE_NONE, 0);
}

TEST(the_handshake_and_the_wait_for_the_first_byte_share_one_deadline)
{
    struct machine m;
    machine_init(&m, CONN_NEW, CONN_HANDSHAKE);
    conn_move(&m.conn, CONN_HANDSHAKE);
    m.loop.now_ms += 300;
    conn_move(&m.conn, CONN_FIRST);
    expect_deadline(&m, DEADLINE_HEAD, NOW_MS);
    conn_move(&m.conn, CONN_HEAD);
    expect_deadline(&m, DEADLINE_HEAD, NOW_MS + 300);
}

TEST(progress_begins_the_deadline_of_the_state_again)
{
    static const struct {
        enum conn_state state;
        enum deadline_kind deadline;
    } cases[] = { { CONN_BODY, DEADLINE_BODY },
                  { CONN_SEND, DEADLINE_SEND },
                  { CONN_DROP, DEADLINE_LINGER },
                  { CONN_LINGER, DEADLINE_LINGER } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct machine m;
        machine_init(&m, cases[i].state, cases[i].state);
        m.conn.window_bytes = 7;
        m.loop.now_ms += 10;
        conn_restart_deadline(&m.conn);
        expect_deadline(&m, cases[i].deadline, NOW_MS + 10);
        EXPECT_EQ(m.conn.window_bytes, 0);
    }
}

struct attempt {
    struct machine m;
    enum conn_state to;
};

static void move(void *arg)
{
    struct attempt *a = arg;
    conn_move(&a->m.conn, a->to);
}

TEST(a_move_without_an_arrow_aborts)
{
    for (int from = 0; from < CONN_STATES; from++) {
        for (int to = 0; to < CONN_STATES; to++) {
            struct attempt a = { .to = (enum conn_state)to };
            machine_init(&a.m, (enum conn_state)from, a.to);
            if (!is_arrow((enum conn_state)from, a.to) && !aborts(move, &a))
                fail_msg("state %d may move to %d", from, to);
        }
    }
}

TEST(a_move_aborts_if_the_exchange_is_missing_or_left_over)
{
    for (size_t i = 0; i < LENGTH_OF(arrows); i++) {
        struct attempt a = { .to = arrows[i].to };
        machine_init(&a.m, arrows[i].from, a.to);
        a.m.conn.x = has_exchange(a.to) ? NULL : &a.m.exchange;
        if (!aborts(move, &a))
            fail_msg("the move from %d to %d does not check the exchange", arrows[i].from, a.to);
    }
}

/* ---- the body ---- */

static const struct body_arrow {
    enum body_state from, to;
} body_arrows[] = {
    { BODY_UNREAD, BODY_COLLECT },  { BODY_UNREAD, BODY_DROP },    { BODY_UNREAD, BODY_INLINE },
    { BODY_UNREAD, BODY_WORKERS },  { BODY_INLINE, BODY_WORKERS }, { BODY_INLINE, BODY_CUT },
    { BODY_INLINE, BODY_FINISHED }, { BODY_WORKERS, BODY_CUT },    { BODY_WORKERS, BODY_FINISHED },
    { BODY_CUT, BODY_FINISHED },    { BODY_FINISHED, BODY_DROP },
};

static bool is_body_arrow(int from, int to)
{
    for (size_t i = 0; i < LENGTH_OF(body_arrows); i++)
        if ((int)body_arrows[i].from == from && (int)body_arrows[i].to == to)
            return true;
    return false;
}

struct body_attempt {
    struct exchange exchange;
    enum body_state to;
};

static void move_body(void *arg)
{
    struct body_attempt *a = arg;
    body_move(&a->exchange, a->to);
}

TEST(a_body_moves_along_its_arrows_and_aborts_on_every_other_move)
{
    for (int from = 0; from < BODY_STATES; from++) {
        for (int to = 0; to < BODY_STATES; to++) {
            struct body_attempt a = { .exchange.body_state = (enum body_state)from, .to = (enum body_state)to };
            if (is_body_arrow(from, to)) {
                body_move(&a.exchange, a.to);
                EXPECT_EQ(a.exchange.body_state, to);
            } else if (!aborts(move_body, &a)) {
                fail_msg("body state %d may move to %d", from, to);
            }
        }
    }
}

static void start_reply(void *arg)
{
    struct machine *m = arg;
    struct http_server server = { .o.clock = clock_system() };
    m->loop.server = &server;
    m->exchange.conn = &m->conn;
    m->exchange.loop = &m->loop;
    m->exchange.status = 200;
    send_start(&m->exchange);
}

TEST(only_the_finish_of_a_sink_may_reply_to_a_body_that_a_sink_receives)
{
    for (int body = 0; body < BODY_STATES; body++) {
        struct machine m;
        machine_init(&m, CONN_BODY, CONN_SEND);
        m.exchange.body_state = (enum body_state)body;
        EXPECT_EQ(aborts(start_reply, &m), body == BODY_INLINE || body == BODY_WORKERS || body == BODY_CUT);
    }
}

RUN_TESTS(cmocka_unit_test(each_arrow_sets_the_deadline_of_its_state),
          cmocka_unit_test(a_move_replaces_the_deadline_of_the_former_state),
          cmocka_unit_test(the_handshake_and_the_wait_for_the_first_byte_share_one_deadline),
          cmocka_unit_test(progress_begins_the_deadline_of_the_state_again),
          cmocka_unit_test(a_move_without_an_arrow_aborts),
          cmocka_unit_test(a_move_aborts_if_the_exchange_is_missing_or_left_over),
          cmocka_unit_test(a_body_moves_along_its_arrows_and_aborts_on_every_other_move),
          cmocka_unit_test(only_the_finish_of_a_sink_may_reply_to_a_body_that_a_sink_receives))

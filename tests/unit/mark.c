/* SPDX-License-Identifier: Apache-2.0 */
/* The engine accepts only its own objects that are in use. Each call is made with an object that has its mark, and then
 * with one that has lost it. */
#include "death.h"
#include "test.h"

#include "http/engine_priv.h"
#include "http/server.h"

#include <string.h>

/* One object of each kind, in a state in which the calls below do no harm. */
struct objects {
    struct http_server server;
    struct loop loop;
    struct conn conn;
    struct exchange exchange;
    struct mail mail;
};

static void objects_init(struct objects *o)
{
    memset(o, 0, sizeof *o);
    o->server.mark = MARK_SERVER;
    o->loop = (struct loop){ .mark = MARK_LOOP, .server = &o->server, .thread = pthread_self(), .wake_fd = -1 };
    o->loop.mail_first = o->loop.mail_last = &o->mail; /* so that another message wakes no thread */
    o->conn = (struct conn){ .mark = MARK_CONN, .loop = &o->loop, .state = CONN_CLOSED };
    o->exchange.mark = MARK_EXCHANGE;
    o->exchange.conn = &o->conn;
    o->exchange.loop = &o->loop;
}

static void add_header(void *arg)
{
    struct objects *o = arg;
    http_reply_header(&o->exchange.pub, "X", S("y"));
}

static void mark_content_headers(void *arg)
{
    struct objects *o = arg;
    http_content_headers(&o->exchange.pub);
}

static void receive_body(void *arg)
{
    static struct http_sink sink;
    struct objects *o = arg;
    http_receive(&o->exchange.pub, &sink);
}

static void run_conn(void *arg)
{
    struct objects *o = arg;
    conn_run(&o->conn);
}

static void expire_conn(void *arg)
{
    struct objects *o = arg;
    conn_expired(&o->conn);
}

static void close_conn(void *arg)
{
    struct objects *o = arg;
    conn_close(&o->conn);
}

static void post_mail(void *arg)
{
    static struct mail mail;
    struct objects *o = arg;
    loop_post(&o->loop, &mail);
}

static void stop_server(void *arg)
{
    struct objects *o = arg;
    http_server_stop(&o->server, 0);
}

static void read_stats(void *arg)
{
    struct http_stats stats;
    struct objects *o = arg;
    http_server_stats(&o->server, &stats);
}

TEST(an_object_is_taken_in_only_with_its_mark)
{
    static const struct {
        const char *name;
        void (*call)(void *);
        size_t mark_at;
    } calls[] = {
        { "http_reply_header", add_header, offsetof(struct objects, exchange.mark) },
        { "http_content_headers", mark_content_headers, offsetof(struct objects, exchange.mark) },
        { "http_receive", receive_body, offsetof(struct objects, exchange.mark) },
        { "conn_run", run_conn, offsetof(struct objects, conn.mark) },
        { "conn_expired", expire_conn, offsetof(struct objects, conn.mark) },
        { "conn_close", close_conn, offsetof(struct objects, conn.mark) },
        { "loop_post", post_mail, offsetof(struct objects, loop.mark) },
        { "http_server_stop", stop_server, offsetof(struct objects, server.mark) },
        { "http_server_stats", read_stats, offsetof(struct objects, server.mark) },
    };
    for (size_t i = 0; i < LENGTH_OF(calls); i++) {
        struct objects o;
        objects_init(&o);
        if (aborts(calls[i].call, &o))
            fail_msg("%s refuses an object with its mark", calls[i].name);
        memcpy((char *)&o + calls[i].mark_at, &(enum mark){ MARK_FREED }, sizeof(enum mark));
        if (!aborts(calls[i].call, &o))
            fail_msg("%s takes in an object without its mark", calls[i].name);
    }
}

static void release_a_buffer_once(void *arg)
{
    struct objects *o = arg;
    loop_release_buffer(&o->loop, loop_acquire_buffer(&o->loop));
}

static void release_a_buffer_twice(void *arg)
{
    struct objects *o = arg;
    struct body_buffer *b = loop_acquire_buffer(&o->loop);
    loop_release_buffer(&o->loop, b);
    loop_release_buffer(&o->loop, b);
}

TEST(a_buffer_that_is_released_twice_aborts)
{
    struct objects o;
    objects_init(&o);
    o.loop.buffers_max = 1;
    EXPECT(!aborts(release_a_buffer_once, &o));
    EXPECT(aborts(release_a_buffer_twice, &o));
}

RUN_TESTS(cmocka_unit_test(an_object_is_taken_in_only_with_its_mark),
          cmocka_unit_test(a_buffer_that_is_released_twice_aborts))

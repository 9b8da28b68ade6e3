/* SPDX-License-Identifier: Apache-2.0 */
/* The real engine on a Unix socket, with an API of four routes and a clock that stands still. It answers every input or
 * closes the connection, with the same bytes however the input was cut, and frees all its resources. Input: the sizes
 * of two pieces, which alternate; the bytes. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SILENT_MS 20000 /* a longer silence counts as a hang */

/* ---- the API ---- */

static void repeat_trailers(struct http_exchange *x)
{
    HOLDS(x->req.trailer_count <= HTTP_MAX_TRAILERS);
    for (size_t i = 0; i < x->req.trailer_count; i++) {
        HOLDS(x->req.trailers[i].name.n > 0);
        http_reply_header(x, "X-Name", x->req.trailers[i].name);
        http_reply_header(x, "X-Value", x->req.trailers[i].value);
    }
}

static err_t reply_echo(struct http_exchange *x)
{
    repeat_trailers(x);
    http_reply(x, 200, "text/plain", arena_copy(&x->arena, x->req.body));
    return NULL;
}

struct count_sink {
    struct http_sink sink;
    struct arena *arena;
    unsigned sum, left;
};

static err_t count_write(struct http_sink *s, slice bytes)
{
    struct count_sink *c = CONTAINER_OF(s, struct count_sink, sink);
    for (size_t i = 0; i < bytes.n; i++) {
        c->sum = c->sum * 31 + (unsigned char)bytes.p[i];
        if (c->left-- == 0)
            return err_make(c->arena, ERR_TOO_LARGE, "enough");
    }
    return NULL;
}

static err_t count_finish(struct http_sink *s, struct http_exchange *x, err_t e)
{
    struct count_sink *c = CONTAINER_OF(s, struct count_sink, sink);
    repeat_trailers(x);
    /* the same reply for both errors: if a large body is cut and refused, either may be found first */
    http_reply(x, e ? 400 : 201, "text/plain", e ? S("no") : arena_printf(&x->arena, "%u", c->sum));
    return NULL;
}

static err_t receive_and_count(struct http_exchange *x)
{
    if (http_has_header(&x->req, "No")) {
        http_reply(x, 401, "text/plain", S("no"));
        return NULL;
    }
    struct count_sink *c = arena_new(&x->arena, struct count_sink);
    *c = (struct count_sink){ { count_write, count_finish, NULL }, &x->arena, 0, 1000 };
    http_receive(x, &c->sink);
    return NULL;
}

static void fail_in_text(struct http_exchange *x, err_t e)
{
    http_reply(x, http_refusal_of(e)->status, "text/plain", arena_copy(&x->arena, slice_of(e->msg)));
}

static const struct http_route routes[] = {
    { "GET", "/", reply_echo, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
    { "POST", "/e", reply_echo, HTTP_ON_LOOP, 100, "" },
    { "PUT", "/s", receive_and_count, HTTP_STREAM, 0, "" },
    { "GET", "/{p}", reply_echo, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "" },
};
static const char *const prefixes[] = { "/", NULL };
static const struct http_api api = {
    .name = "test", .routes = routes, .route_count = LENGTH_OF(routes), .prefixes = prefixes, .fail = fail_in_text
};

/* ---- one server for all inputs ---- */

static struct http_server *server;
static struct clock_manual manual;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void stop_server(void)
{
    http_server_stop(server, 1000);
    http_server_free(server);
}

static void start_server(void)
{
    SCRATCH(a);
    clock_manual_init(&manual, 1795269849000);
    struct http_options o = { .clock = &manual.clock, .loops = 1, .workers = 1, .fallback = "test" };
    const struct http_api *all[] = { &api };
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/cais-fuzz-engine.%d", (int)getpid());
    slice at;
    HOLDS(!http_server_new(&o, all, 1, &a, &server));
    struct http_listener l = { .address = arena_printf(&a, "unix:%s", address.sun_path).p };
    HOLDS(!http_server_listen(server, &l, &a, &at));
    HOLDS(!http_server_start(server, &a));
    atexit(stop_server);
}

/* ---- the client ---- */

/* Read until the server closes the connection. */
static void read_replies(int fd, struct buf *to)
{
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        HOLDS(TEMP_FAILURE_RETRY(poll(&p, 1, SILENT_MS)) == 1); /* libFuzzer counts time with signals */
        char *at = buf_reserve(to, 65536);
        ssize_t n = TEMP_FAILURE_RETRY(recv(fd, at, 65536, 0));
        if (n <= 0)
            return;
        to->n += (size_t)n;
    }
}

/* Drop what may differ: X-Request-Id, 100 Continue, and Connection. */
static slice drop_varying_lines(slice answers, struct buf *to)
{
    slice line;
    HOLDS(answers.n == 0 || slice_starts(answers, S("HTTP/1.1 ")));
    while (answers.n) {
        slice_cut(answers, '\n', &line, &answers);
        if (slice_starts(line, S("HTTP/1.1 100 "))) {
            slice_cut(answers, '\n', &line, &answers);
            continue;
        }
        if (slice_starts(line, S("X-Request-Id: ")) || slice_starts(line, S("Connection: ")))
            continue;
        buf_add(to, line);
        buf_add_byte(to, '\n');
    }
    return buf_slice(to);
}

static void send_in_pieces(slice bytes, size_t first, size_t second, struct buf *to)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HOLDS(fd >= 0 && TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&address, sizeof address)) == 0);
    for (bool turn = false; bytes.n; turn = !turn) {
        slice piece = slice_part(bytes, 0, turn ? second : first);
        ssize_t sent = TEMP_FAILURE_RETRY(send(fd, piece.p, piece.n, MSG_NOSIGNAL));
        if (sent <= 0)
            break;                               /* the server has refused and closed the connection */
        bytes = slice_from(bytes, (size_t)sent); /* fewer than the piece when a signal came */
    }
    shutdown(fd, SHUT_WR);
    SCOPED(buf_releasep) struct buf answers;
    buf_init(&answers, 0);
    read_replies(fd, &answers);
    close(fd);
    drop_varying_lines(buf_slice(&answers), to);
    struct http_stats now;
    http_server_stats(server, &now);
    HOLDS(now.requests_active == 0 && now.body_buffers == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server)
        start_server();
    if (size < 2)
        return 0;
    SCOPED(buf_releasep) struct buf whole;
    SCOPED(buf_releasep) struct buf pieces;
    buf_init(&whole, 0);
    buf_init(&pieces, 0);
    slice bytes = fuzz_slice(data + 2, size - 2);
    send_in_pieces(bytes, bytes.n, bytes.n, &whole);
    send_in_pieces(bytes, (size_t)data[0] * 4 + 1, (size_t)data[1] + 1, &pieces);
    HOLDS(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as an API sees it: requests, replies, routes, streamed bodies. The engine behind it (server.h) owns sockets,
 * threads, TLS and time-outs; an API never sees them.
 *
 * Life of an exchange
 *   the head is complete → a route is found → the API's guard authorises → the route's handle runs
 *   ordinary route    req.body holds the body (at most route->max_body); handle runs on a worker thread and may block,
 *                     but is short: at most 50 ms of work without a pause
 *   HTTP_LONG         the same, but handle runs in the lane of long work (enum http_lane)
 *   HTTP_ADMIN        the same, but handle runs in the lane of administration, or of public health
 *   HTTP_ON_LOOP      the same, but handle runs on the loop: it must not block or sync, and is done within 1 ms (reading
 *                     a row is fine). With a body above HTTP_ON_LOOP_BODY_MAX it runs in a lane after all
 *   HTTP_STREAM       handle runs on the loop when the head is complete, before any byte of the body and before
 *                     "100 Continue". It refuses, or calls http_receive with a sink for the body. It may pass the exchange
 *                     on first, for example to a lane that writes a record, and receive the body from there: meanwhile
 *                     the body waits, unread, and its sender has no time limit
 *   HTTP_NO_BODY      a body is read and dropped; otherwise like an ordinary route
 * Every function of an API that is given an exchange to answer (guard, handle, finish of a sink, the functions passed to
 * http_collect, http_on_lane and http_on_loop) returns an error to refuse: the engine passes it to the API's fail, which replies. If it
 * returns NULL, it has replied or will reply later, on any thread, by one http_reply… call or by http_fail. (A guard that
 * returns NULL lets the request pass.) After that call, or after an error was returned, the exchange belongs to the
 * engine again: do not touch it.
 * Thread   one thread at a time owns an exchange; the engine hands it over.
 * Sources  RFC 9110, RFC 9112. */
#ifndef CAIS_HTTP_HTTP_H
#define CAIS_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/refusal.h"

struct http_exchange;
struct http_route;
struct http_api;

struct http_header {
    slice name, value; /* value without leading and trailing blanks */
};

#define HTTP_MAX_PARAMS 4
#define HTTP_MAX_TRAILERS 16

struct http_request {
    slice method; /* "GET" … upper case */
    slice target; /* as received */
    slice path;   /* raw, without the query; of an absolute-form target only its path */
    slice query;  /* raw, without '?' */
    slice host;   /* Host header or authority, validated, with the port if one was given; never empty in HTTP/1.1 */
    bool tls;     /* the client speaks https, with us or with a trusted proxy */
    slice peer;   /* the client's address without a port: of X-Forwarded-For when the peer is a trusted proxy;
                     "unix" for a Unix socket */
    bool local;   /* the request came through the admin socket, so from the operator of this server */
    slice id;     /* request id, 16 hex digits */
    const struct http_header *headers;
    size_t header_count;
    slice params[HTTP_MAX_PARAMS]; /* the values of the {…} of the route, in order, percent-decoded, never empty */
    int64_t content_length;        /* -1: chunked; 0: no body, or an empty one */
    slice body;                    /* of ordinary and HTTP_ON_LOOP routes */
    /* The first HTTP_MAX_TRAILERS trailer fields of a chunked body that has come and was not dropped (HTTP_NO_BODY drops it).
     * Anybody may have written them, and after everything else was decided: so nothing of the head is looked up here. */
    const struct http_header *trailers;
    size_t trailer_count;
};

/* Threads that run what may block. Each lane has threads of its own, and serves the shares of its clients in turn
 * (struct http_exchange). A request that finds the queue of its lane full, or its share of it, is refused:
 * HTTP_REFUSE_BUSY. */
enum http_lane {
    HTTP_LANE_ORDINARY, /* short requests */
    /* Copies, completing and removing objects of many parts, zips, password hashes. One share has at most half of the
     * threads. What takes long goes on in pieces, each of which calls http_on_lane for the next one. */
    HTTP_LANE_LONG,
    HTTP_LANE_HEALTH, /* health and metrics for the public: threads that no other request can fill */
    HTTP_LANE_ADMIN,  /* what comes by admin.sock or metrics_listen: the operator, health and metrics */
    HTTP_LANES
};

/* Whether a request that lasts may go on: http_watch. */
struct http_watch {
    /* NULL: it may. An error, which must be static: the body of the request ends as if the sink's write had returned it, or
     * the reply that is being sent is cut off. Runs on the loop; must neither block nor use the exchange's arena. */
    err_t (*check)(struct http_watch *);
};

/* An exchange as an API sees it. */
struct http_exchange {
    struct http_request req;
    struct arena arena; /* lives until the reply was sent; the account of everything that the request needs */
    const struct http_route *route; /* NULL: no route matches */
    const struct http_api *api;
    void *principal; /* set by the API's guard; in arena */
    void *work;      /* for the handler, which may store state for its later calls; in arena */
    /* Whose share of a lane it uses: a number of the account, which the API sets as soon as it knows the caller. 0: that
     * of the client's address. */
    uint64_t share;
};

/* The value of the first header with that name, in any case; .p is NULL when the header is absent. */
slice http_header(const struct http_request *, const char *name);
bool http_has_header(const struct http_request *, const char *name);
/* The same of the trailer fields (RFC 9110 section 6.5), which no function for headers returns. They are there when the handler of
 * an ordinary route runs, and when finish of a sink gets no error; else .p is NULL. */
slice http_trailer(const struct http_request *, const char *name);

/* ---- routes ---- */

enum {
    HTTP_ON_LOOP = 1,
    HTTP_STREAM = 2,
    HTTP_NO_BODY = 4,
    HTTP_PUBLIC = 8,      /* the guard does not run */
    HTTP_LOCAL_ONLY = 16, /* exists on the admin socket only; implies HTTP_ADMIN */
    HTTP_LONG = 32,       /* runs in HTTP_LANE_LONG */
    /* Runs in HTTP_LANE_ADMIN on listeners for the operator (http_listener.apart), on all others in HTTP_LANE_HEALTH, so that
     * the public cannot fill the queue of the operator. */
    HTTP_ADMIN = 64
};

/* A larger body is not parsed on a loop: 4 KiB of the worst JSON take 0.7 ms. */
#define HTTP_ON_LOOP_BODY_MAX ((size_t)4 * 1024)
/* A handler with a larger body runs in HTTP_LANE_LONG, whatever its route says: 1 MiB of the worst JSON takes 20 ms. */
#define HTTP_ORDINARY_BODY_MAX ((size_t)128 * 1024)

struct http_route {
    const char *method;  /* "GET" also serves HEAD: handle replies as to GET, and the engine drops the body */
    const char *pattern; /* "/v4/files/download/{id}": literal segments and {…}; a trailing slash in the request is
                            ignored; a literal segment wins over a parameter */
    err_t (*handle)(struct http_exchange *);
    unsigned flags;
    size_t max_body;  /* bytes; 0: 1 MiB. A larger body is refused: HTTP_REFUSE_BODY_TOO_LARGE */
    const char *spec; /* the section of the contract that asks for this route */
    /* How many bytes one request may use for its head, its body, what is made of them, and what of its reply is in memory:
     * the limit of x->arena. 0: HTTP_MEMORY_OF(max_body) */
    size_t memory;
};
/* Room for what a handler reads to reply, and for the trees of a parser, which take several times the text. */
#define HTTP_MEMORY_OF(max_body) (((size_t)16 << 20) + 8 * (max_body))

/* A protocol that the server speaks: one folder of src/api/. */
struct http_api {
    const char *name;
    const struct http_route *routes;
    size_t route_count;
    const char *const *prefixes;      /* ends with NULL: this API refuses unknown paths below these; the longest wins */
    const char *const *home_prefixes; /* the same, but only on host names of this API */
    /* Paths below claimed_prefixes (NULL: none) may belong to this API and to others, on hosts that belong to none: then they
     * belong to the one whose `claims` accepts the request, which tells its clients by a header, and to no such API otherwise. Runs
     * on the loop: it may read a row but must not block. */
    const char *const *claimed_prefixes;
    bool (*claims)(const struct http_api *, const struct http_request *);
    /* The route "/" of this API takes a request, on hosts that belong to no API, if this accepts it; another request for "/" goes
     * where it would go without the route. On the loop, as `claims`. NULL: the route is like every other one. */
    bool (*claims_root)(const struct http_request *);
    const char *path_suffix; /* paths may end with it, which means nothing: ".json"; NULL: none */
    /* Gets every path that no route matches and that is not below a prefix of another API. req.params are empty; the
     * API reads the path itself. Usually HTTP_STREAM. The route's method does not matter. NULL: such paths are
     * refused. */
    const struct http_route *catch_all;
    /* Gets every path below `prefixes` that no route matches, of any depth and with any method, also one that is not
     * percent-encoded properly; otherwise as catch_all. NULL: such paths are refused. */
    const struct http_route *below_prefixes;
    bool hides_targets; /* the log shows the pattern of the route in place of the target, which may hold secrets */
    bool
        keeps_codings; /* keeps Content-Encoding with a body; otherwise a body that has one is refused: HTTP_REFUSE_ENCODING */
    bool on_all_hosts; /* also answers on the host names of other APIs */
    /* Also answers on listeners of the API of that name (http_listener.only_api), but not on hosts of which it has every
     * path (http_host). NULL: there is none. */
    const char *joins;
    bool only_where_named; /* answers only on listeners that name it (http_listener.only_api) */
    /* Authorise before handle runs. Runs on the loop: it may read a row but must not block. NULL: everything is
     * public. */
    err_t (*guard)(struct http_exchange *);
    /* Reply to a request that ends with this error, in the API's own form: an error of its own functions, or a refusal of
     * the engine (http_refusal_of). The error and its texts may end with the call. Runs on the thread that found the
     * error; it must not block. The engine has added the headers that a refusal asks for. */
    void (*fail)(struct http_exchange *, err_t e);
    void *context; /* the API's own: x->api->context */
};

/* Call watch->check about twice a second while the body of the request comes and while the reply is sent or paused, so that a client
 * who loses a right loses it in the middle of a request, too. Replaces a former watch. watch: in the exchange's arena.
 * Thread: the exchange's. */
void http_watch(struct http_exchange *, struct http_watch *);

/* ---- replies ---- */

/* Add a header to the reply. The engine adds Date, Content-Length or Transfer-Encoding, Connection and X-Request-Id. A
 * CR, LF or NUL in a value becomes a blank, so a value that was stored cannot add a header. Both strings are copied. */
void http_reply_header(struct http_exchange *, const char *name, slice value);
/* Headers added from here on describe a content. They are sent with http_reply_content only, and dropped when the
 * exchange ends in another reply, for example a refusal because of its conditions or its range. (An error document is
 * not gzipped because the object is.) */
void http_content_headers(struct http_exchange *);
/* If the account is over its limit, or its reply is large and the memory for all requests is in use, each of the functions
 * that end an exchange refuses it through the API's fail instead (arena_check). */
/* End the exchange. `body` must live in x->arena, or for ever. content_type NULL: no Content-Type header. */
void http_reply(struct http_exchange *, int status, const char *content_type, slice body);
/* End the exchange with an error: the API's fail replies, before this returns. For code that cannot return the error to the
 * engine, because it runs on a thread of its own. Thread: any. */
void http_fail(struct http_exchange *, err_t e);
/* As http_reply, and close the connection after the reply: the body of the request was not read to its end. */
void http_reply_close(struct http_exchange *, int status, const char *content_type, slice body);

/* Send an informational reply (1xx but 101, RFC 9110 section 15.2) before the final one: `head` of it is `status` and these
 * headers, whose values change as in http_reply_header. It is advice, and may get lost: it is not sent to HTTP/1.0 clients, nor
 * while the client does not read, nor if it has more than 4 KiB; of several that a thread sends quickly, only the last one may
 * be sent. It does not replace "100 Continue", which follows when the body is accepted. All strings are copied.
 * Thread: the exchange's, which may be one that runs its sink. */
void http_interim(struct http_exchange *, int status, const struct http_header *headers, size_t count);

#define HTTP_CHECK_MEMORY ((size_t)64 * 1024)

/* The bytes of a download. They come from `bytes`, else from `fd`, else from read_at. */
struct http_content {
    uint64_t size_bytes;
    slice bytes; /* all of them, when .p is not NULL */
    int fd;      /* else, when not -1: a file, sent with sendfile */
    /* else: read up to `size` bytes from `offset` into `to`, on a worker. The connection is closed after an error, since
     * a body is never padded. */
    err_t (*read_at)(struct http_content *, uint64_t offset, char *to, size_t size, struct arena *a, size_t *ret_read);
    /* Of `fd`; may be NULL. Are the bytes of the file from `from` up to and without `to` those that they should be? `to` is
     * the end of what is sent, or a multiple of HTTP_CHECK_MEMORY, so no piece of that size is checked twice. Called before
     * they are sent, again when sending them took longer than a second; on the loop if they are in the page cache, else on
     * a worker.
     * has_left  they were not in the page cache
     * memory    HTTP_CHECK_MEMORY bytes that may be written to */
    err_t (*check)(struct http_content *, uint64_t from, uint64_t to, bool has_left, char *memory, struct arena *a);
    void (*release)(struct http_content *); /* called once, when the engine is done, on any thread; may be NULL */
    /* For conditional requests and the reply's headers: */
    slice content_type;
    slice etag;               /* with its quotes; empty: none */
    int64_t last_modified_ms; /* 0: none */
    /* Send only this part, whatever Range says: 206 with Content-Range, also for HEAD. An empty part is an empty 200,
     * because Content-Range cannot express it. */
    bool is_part;
    uint64_t part_first, part_count; /* bytes */
    bool head_has_ranges;            /* Range applies to HEAD as to GET; HTTP defines it for GET only */
};
/* End the exchange with a download. The head is sent once the first 64 KiB of the body are checked, or read: if that fails, the
 * request fails with its error. An error in what follows closes the connection. Handles HEAD, Range (one range; several: the whole), If-Range, conditional
 * requests, Accept-Ranges, ETag and Last-Modified: 200, 206 or 304, and through the API's fail 412 or 416.
 * `content` must live in x->arena. */
void http_reply_content(struct http_exchange *, struct http_content *content);

/* A body that is produced piece by piece (zips, listings): chunked, or in HTTP/1.0 until the connection closes. `more`
 * runs in the lane that the exchange was in. It appends to `out`, at most 256 KiB a call, and sets *ret_end after the
 * last piece. False: failure; the connection is closed.
 *
 * A body that comes when something happens (a stream of events) has `ready`. When `more` then appends nothing, and the body
 * has not ended, the reply pauses: it has no thread, no deadline and no buffer. About twice a second the loop asks `ready`,
 * and `more` runs again once that is true. `ready` must not block or touch the exchange's arena; it and `more` never run at
 * the same time, and what one of them wrote is visible to the other. While the memory for all requests is in use, it is not
 * asked. A paused reply ends at once, without the end of its body, when the client closes its side, when the watch of the
 * exchange ends it, or when the server stops. A reply with `ready` is the last one of its connection: what the client sends
 * behind its request is dropped, and a client that sends more than 64 KiB while the reply is paused is disconnected. */
struct http_producer {
    bool (*more)(struct http_producer *, struct buf *out, bool *ret_end);
    void (*release)(struct http_producer *); /* called once, when the engine is done, on any thread; may be NULL */
    bool (*ready)(struct http_producer *);   /* NULL: `more` is called until the end */
};
void http_reply_stream(struct http_exchange *, int status, const char *content_type, struct http_producer *);

/* Run `fn` on the exchange's loop, where it must not block; it owns the exchange from then on. It lets a thread that
 * all requests share, like the committer, pass work on instead of doing it. Thread: any. */
void http_on_loop(struct http_exchange *, err_t (*fn)(struct http_exchange *));
/* Run `fn` on a thread of this lane; it owns the exchange from then on. For a handler that finds out late that its work
 * is long, and for work that goes on in pieces: an exchange that runs in the lane already is not refused again, and goes
 * on before the account's requests that have not begun. Thread: any. */
void http_on_lane(struct http_exchange *, enum http_lane, err_t (*fn)(struct http_exchange *));

/* ---- requests that wait ---- */

/* A request whose reply begins when something happens elsewhere, such as the end of a job. While it is suspended it has no thread,
 * no deadline, no buffer and no body (req.body is empty from then on): what is left is the connection, the exchange and its arena.
 *
 * When `ready` says so, go_on runs on the loop. It owns the exchange then, and replies, passes it on, or suspends it again. The loop
 * asks at once, soon after http_wake, and about twice a second. go_on also runs when the client closes its side, when the server
 * stops, and when the watch of the exchange ends it (http_watch): then must_reply is set, and it may not suspend the exchange again.
 *
 * Neither function may block; `ready` must not touch the exchange's arena. In the arena; zeroed but for the first two members. */
struct http_suspension {
    bool (*ready)(struct http_suspension *);
    err_t (*go_on)(struct http_suspension *, struct http_exchange *);
    bool must_reply; /* set by the engine before go_on … */
    err_t error;     /* … and this, to the static error of the watch; NULL: it did not end */
    struct http_exchange *exchange;
    int state; /* the engine's own; atomic */
};
/* Not before the body of the request has come. Thread: the exchange's loop. */
void http_suspend(struct http_exchange *, struct http_suspension *);
/* `ready` may have become true. Never fails: nothing happens when it is not suspended. The exchange must not have ended: whoever
 * wakes holds a lock that go_on takes before it does anything that ends it. Thread: any. */
void http_wake(struct http_suspension *);

/* ---- streamed bodies ---- */

/* Receives a streamed body. The calls never overlap. They come on the loop (small bodies) or on body workers, and what
 * one call wrote is visible to the next.
 *   write    the next bytes, without HTTP framing. An error ends the body: finish is called with it, and the rest of
 *   the request is read and dropped if it is small, else the connection is closed
 *   finish   called exactly once. e is NULL when every byte arrived; the error of write; or a refusal of the engine:
 *            HTTP_REFUSE_BODY_CUT when the client went away or sent too few bytes (it is replied to all the same: a
 *            client that closed its side may still read), HTTP_REFUSE_TIMEOUT when it sends too slowly and may try again,
 *            HTTP_REFUSE_MALFORMED when the framing is wrong. Often it just returns e
 *   blocks   called before finish: true when finish may sync or wait; it then runs on a worker. NULL: false */
struct http_sink {
    err_t (*write)(struct http_sink *, slice bytes);
    err_t (*finish)(struct http_sink *, struct http_exchange *, err_t e);
    bool (*blocks)(struct http_sink *);
    bool off_loop;     /* write may take more than a millisecond: it runs on body workers, also for a small body */
    bool ends_in_lane; /* finish runs on a worker whatever e is: it may sync or wait also after an error */
};
/* Accept the body of an HTTP_STREAM exchange; sends "100 Continue" if the client waits for it. Call it at most once, from
 * handle or, after other work, from a function that http_on_loop runs. A client that went away meanwhile shows as soon as its
 * body is read: finish then gets HTTP_REFUSE_BODY_CUT. Thread: the exchange's loop. */
void http_receive(struct http_exchange *, struct http_sink *);
/* For an HTTP_STREAM route that sees from the head that this is an ordinary request: receive the body into req.body (at
 * most max_body bytes; 0: drop it), then run `fn` in this lane, as for an ordinary route. A body that is too large,
 * malformed or incomplete is refused. Call it as http_receive, in its place. */
void http_collect(struct http_exchange *, enum http_lane, size_t max_body, err_t (*fn)(struct http_exchange *));

#endif

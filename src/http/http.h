/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 for the APIs: requests, replies, routes, streamed bodies. The engine behind it (server.h) owns sockets,
 * threads, TLS and time-outs; an API never sees them.
 *
 * Life of an exchange
 *   head complete → route found → guard (authorises) → handle
 *   ordinary route    the body (at most route->max_body) is in req.body; handle runs on a worker thread and may block
 *   HTTP_ON_LOOP      as above, but handle runs on the loop: it must not block or sync (reading a row is fine)
 *   HTTP_STREAM       handle runs on the loop at the head, before any body byte and before "100 Continue": it replies
 *                     (a refusal), or calls http_receive with a sink; the bytes then flow through the sink
 *   HTTP_NO_BODY      whatever body comes is read and dropped; otherwise like an ordinary route
 * Every exchange ends in exactly one http_reply… call, on any thread, at once or later. After that call the exchange
 * belongs to the engine again: do not touch it.
 * Thread   one thread at a time owns an exchange; the engine hands it over.
 * Sources  RFC 9110, RFC 9112. */
#ifndef CAIS_HTTP_HTTP_H
#define CAIS_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct http_exchange;
struct http_route;
struct http_api;

struct http_header {
    slice name, value; /* value without blanks around it */
};

#define HTTP_MAX_PARAMS 4

struct http_request {
    slice method; /* "GET" … upper case */
    slice target; /* as received */
    slice path;   /* raw, without query; of an absolute-form target the path of it */
    slice query;  /* raw, without '?' */
    slice host;   /* Host header or authority, validated, with port if given; never empty in HTTP/1.1 */
    bool tls;     /* the client (or a trusted proxy for it) speaks https */
    slice peer;   /* address of the client without port (of X-Forwarded-For when the peer is a trusted proxy);
                     "unix" for a Unix socket */
    bool local;   /* came in by the admin socket: the operator of this server */
    slice id;     /* request id, 16 hex digits */
    const struct http_header *headers;
    size_t header_count;
    slice params[HTTP_MAX_PARAMS]; /* {…} of the route, in order, percent-decoded, never empty */
    int64_t content_length;        /* -1: chunked; 0: none or empty */
    slice body;                    /* ordinary and HTTP_ON_LOOP routes */
};

/* An exchange as an API sees it. */
struct http_exchange {
    struct http_request req;
    struct arena arena;             /* lives until the reply is on its way */
    const struct http_route *route; /* NULL: no route */
    const struct http_api *api;
    void *principal; /* the API's guard puts it there; in arena */
    void *work;      /* the handler's own, for its later calls; in arena */
};

/* First header of that name, without case; .p is NULL when absent. */
slice http_header(const struct http_request *, const char *name);
bool http_has_header(const struct http_request *, const char *name);

/* ---- routes ---- */

enum {
    HTTP_ON_LOOP = 1,
    HTTP_STREAM = 2,
    HTTP_NO_BODY = 4,
    HTTP_PUBLIC = 8,     /* guard is not asked */
    HTTP_LOCAL_ONLY = 16 /* on the admin socket only; elsewhere it does not exist */
};

struct http_route {
    const char *method;  /* "GET" also serves HEAD: handle answers as for GET, the engine drops the body */
    const char *pattern; /* "/v4/files/download/{id}": literal segments and {…}; a trailing slash in the request is
                            ignored; literals beat parameters */
    void (*handle)(struct http_exchange *);
    unsigned flags;
    size_t max_body;  /* bytes; 0: 1 MiB. TOO_LARGE is refused by the API's refuse */
    const char *spec; /* which sentence of which contract asks for it */
};

/* What the engine refuses on its own, so that each API can say it in its own form. */
enum http_refusal {
    HTTP_REFUSE_MALFORMED,       /* 400: not HTTP as we accept it; the connection closes afterwards */
    HTTP_REFUSE_NO_ROUTE,        /* 404 */
    HTTP_REFUSE_METHOD,          /* 405; the engine adds Allow */
    HTTP_REFUSE_BODY_TOO_LARGE,  /* 413: beyond the route's max_body */
    HTTP_REFUSE_BODY_CUT,        /* 400: the body ended early (the client has gone, or only half) */
    HTTP_REFUSE_HEAD_TOO_LARGE,  /* 431 */
    HTTP_REFUSE_EXPECTATION,     /* 417 */
    HTTP_REFUSE_NOT_IMPLEMENTED, /* 501: transfer coding */
    HTTP_REFUSE_VERSION,         /* 505 */
    HTTP_REFUSE_TIMEOUT,         /* 408 */
    HTTP_REFUSE_RANGE,           /* 416; Content-Range stands in the reply already */
    HTTP_REFUSE_PRECONDITION,    /* 412 */
    HTTP_REFUSE_BUSY             /* 503: out of workers or connections; the engine adds Retry-After */
};

struct http_api {
    const char *name;
    const struct http_route *routes;
    size_t route_count;
    const char *const *prefixes;      /* NULL-ended: paths below these are refused in this API's form; longest wins */
    const char *const *home_prefixes; /* more of them, on the host names of the API only */
    /* Takes every path that no route matches and that is below no other API's prefix: req.params are empty, the
     * path is the API's to read. Mostly HTTP_STREAM. NULL: such paths are refused. Its method is not looked at. */
    const struct http_route *rest;
    bool everywhere; /* answers on the host names of other APIs too */
    bool apart;      /* answers only on listeners that name it (http_listener.only) */
    /* Authorise before handle: returns true, or has replied. On the loop; may read a row, must not block.
     * NULL: everything is public. */
    bool (*guard)(struct http_exchange *);
    /* Reply with a refusal in the API's own form. status is the engine's; an API may answer another one. */
    void (*refuse)(struct http_exchange *, enum http_refusal, int status, const char *text);
    void *context; /* the API's own; x->api->context */
};

/* ---- replies ---- */

/* Add a header to the coming reply. The engine adds Date, Content-Length or Transfer-Encoding, Connection,
 * X-Request-Id. A value with CR, LF or NUL is a bug (assert). Copies into x->arena. */
void http_reply_header(struct http_exchange *, const char *name, slice value);
/* Headers added from here on tell of a content: they go with http_reply_content alone, and with no other reply that the
 * exchange may end in, a refusal of its conditions or its range among them. (An error document is not gzipped because
 * the object is.) */
void http_content_headers(struct http_exchange *);
/* End the exchange. `body` must live in x->arena (or for ever). content_type NULL: no Content-Type header. */
void http_reply(struct http_exchange *, int status, const char *content_type, slice body);
/* Same with an error that makes the connection close after the reply (body of the request not read to its end). */
void http_reply_close(struct http_exchange *, int status, const char *content_type, slice body);

/* Bytes of a download. Either `bytes`, or `fd` (sendfile), or read_at. */
struct http_content {
    uint64_t size_bytes;
    slice bytes; /* when .p is not NULL: all of it */
    int fd;      /* else when not -1 */
    /* else: fill `to` from offset on an I/O thread; false on failure (the connection is cut, never padded) */
    bool (*read_at)(struct http_content *, uint64_t offset, char *to, size_t size, size_t *ret_read);
    void (*release)(struct http_content *); /* called once when the engine is done, on any thread; may be NULL */
    /* For conditional requests and the reply's headers: */
    slice content_type;
    slice etag;               /* with its quotes; empty: none */
    int64_t last_modified_ms; /* 0: none */
    /* Only this part of it is meant, whatever Range says: 206 with Content-Range, also for HEAD. A part without a byte
     * is an empty 200, since no Content-Range can say so. */
    bool is_part;
    uint64_t part_first, part_count; /* bytes */
    bool head_has_ranges;            /* Range counts for HEAD as it does for GET, which HTTP leaves to us to define */
};
/* End the exchange with a download: HEAD, Range (one range; several → whole), If-Range, conditional requests,
 * Accept-Ranges, ETag, Last-Modified are done here (200, 206, 304; 412 and 416 in the API's words, by refuse).
 * `content` must live in x->arena. */
void http_reply_content(struct http_exchange *, struct http_content *content);

/* A body produced piece by piece (zip, listings): chunked (or until close, in HTTP/1.0). `more` runs on an I/O thread;
 * it appends to `out` (at most 256 KiB a call) and sets *ret_end after the last piece; false cuts the connection. */
struct http_producer {
    bool (*more)(struct http_producer *, struct buf *out, bool *ret_end);
    void (*release)(struct http_producer *);
};
void http_reply_stream(struct http_exchange *, int status, const char *content_type, struct http_producer *);

/* Run `then` on the exchange's loop: it must not block, and the exchange is its from now on. From any thread. So that a
 * thread which everybody shares, like the one that commits, hands work on instead of doing it. */
void http_on_loop(struct http_exchange *, void (*then)(struct http_exchange *));

/* ---- streamed bodies ---- */

/* Where a streamed body goes. Calls come one after the other, never at once, on the loop (small bodies) or a body
 * worker; the same memory barrier as a lock lies between two calls.
 *   write    the next bytes (HTTP framing removed). An error ends the body: finish is called with it, and the rest
 *            of the request is read and dropped within limits, or the connection closed
 *   finish   exactly once. e is NULL when every byte arrived; TRUNCATED when the sender went away or stopped short
 *            (a reply is still due: a half-closed sender may read it); else what write returned. Must lead to exactly
 *            one http_reply…, now or later, on any thread
 *   blocks   asked before finish: true when finish may sync or wait; it then runs on an I/O thread */
struct http_sink {
    err_t (*write)(struct http_sink *, slice bytes);
    void (*finish)(struct http_sink *, struct http_exchange *, err_t e);
    bool (*blocks)(struct http_sink *);
};
/* Accept the body of an HTTP_STREAM exchange (answers "100 Continue" if asked for). Call from handle, on the loop. */
void http_receive(struct http_exchange *, struct http_sink *);
/* For an HTTP_STREAM route that finds at the head that it has an ordinary request: takes the body (at most max_body
 * bytes; 0: whatever comes is dropped) into req.body, then runs `then` on a worker, as for an ordinary route. What goes
 * wrong before is refused by the API. Call from handle, on the loop. */
void http_collect(struct http_exchange *, size_t max_body, void (*then)(struct http_exchange *));

#endif

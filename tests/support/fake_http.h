/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without sockets, for tests of APIs: it implements the functions of http/http.h. It routes, guards and
 * handles a request as http.h promises, and captures the reply. Link it instead of the engine.
 *
 *   struct fake_http http = fake_http_new(&api);
 *   struct fake_reply *r = fake_http_send(&http, &(struct fake_request){ .method = "GET", .target = S("/v1/x") });
 *   EXPECT_EQ(r->status, 200);
 *   fake_http_release(&http);
 *
 * The arena of the exchange has the limit of the engine, and a request that exceeds it is refused in the same way.
 *
 * Ranges and conditional requests, which the engine handles, are not implemented: a download is always whole. */
#ifndef CAIS_TESTS_FAKE_HTTP_H
#define CAIS_TESTS_FAKE_HTTP_H

#include "http/http.h"

#define FAKE_MAX_HEADERS 128 /* as MESSAGE_MAX_HEADERS */

struct fake_request {
    const char *method;                           /* NULL: GET */
    slice target;                                 /* with query */
    slice token;                                  /* not empty: send "Authorization: Bearer TOKEN" */
    struct http_header headers[FAKE_MAX_HEADERS]; /* ends at the first one without a name */
    slice body;
    struct http_header trailers[HTTP_MAX_TRAILERS]; /* ends at the first one without a name; for a chunked body */
    bool chunked;                                   /* content_length is -1 */
    bool local;                                     /* the request comes through the admin socket */
    bool tls;                                       /* the client speaks https */
    size_t piece;              /* the size of the pieces in which a streamed body arrives; 0: 1000 bytes */
    bool cut;                  /* the client goes away after `body`: content_length is one byte more */
    bool busy;                 /* the engine has no memory left for the body: HTTP_REFUSE_BUSY */
    size_t declared;           /* the content_length, whatever the body has; 0: the length of the body */
    slice host;                /* empty: "cais.test" */
    void (*midway)(void *arg); /* called when the body came, but not its end yet; it may send other requests */
    void *midway_arg;
    bool watched; /* … and then the engine asks the watch (http_watch) before the end comes */
};

#define FAKE_MAX_INTERIMS 32
#define FAKE_INTERIM_HEADERS 8

struct fake_interim {
    int status;
    struct http_header headers[FAKE_INTERIM_HEADERS];
    size_t header_count;
};

struct fake_reply {
    int status;
    slice content_type; /* .p NULL: none */
    struct http_header headers[FAKE_MAX_HEADERS];
    size_t header_count;
    slice body;      /* also of a reply to HEAD, where the engine would drop it */
    bool closes;     /* http_reply_close */
    bool is_content; /* http_reply_content; then also: */
    slice etag;
    int64_t last_modified_ms;
    bool gone;              /* the client went away while the reply was paused, or the request was suspended */
    size_t pauses;          /* how often the producer of a paused reply, or a suspended request, was asked in vain */
    size_t suspensions;     /* http_suspend: how often … */
    size_t suspended_bytes; /* … and what the arena held then, at most */
    bool cut;               /* read_at or the producer failed, so the engine would close the connection */
    bool refused;           /* by the engine: no route, another method, body too large or cut */
    bool by_guard;
    bool went_long;                 /* the handler passed it on to HTTP_LANE_LONG */
    const struct http_route *route; /* NULL: none */
    size_t held_bytes;              /* what the arena of the exchange held in the end */
    size_t peak_bytes;              /* … and at most */
    size_t over_bytes;              /* how far it was above its limit, at most, before the refusal began */
    size_t pieces;                  /* http_reply_stream: how many there were … */
    size_t largest_piece;           /* … and how many bytes the largest one had */
    size_t most_unread;             /* the most that the arena held while a piece waited to be sent */
    bool received;                  /* the handler accepted the body, so the engine would send "100 Continue" */
    struct fake_interim
        *interims; /* http_interim: the first FAKE_MAX_INTERIMS of them, all of which the engine may drop */
    size_t interim_count;
    size_t interims_before_body; /* how many there were when the handler accepted the body */
};

struct fake_http {
    const struct http_api *api;
    struct arena arena; /* replies live here */
    void (*while_sending)(
        void *arg); /* NULL: nothing. Called once the first piece of a download was read; then http_watch counts */
    void *while_sending_arg;
    /* Called each time when the producer of a paused reply, or a suspended request, is not ready. False, or NULL: the client goes
     * away. */
    bool (*while_paused)(void *arg);
    void *while_paused_arg;
    /* Called after each piece of a reply, whose text so far has that many bytes; NULL: not called. */
    void (*on_piece)(void *arg, size_t bytes);
    void *on_piece_arg;
};

struct fake_http fake_http_new(const struct http_api *);
void fake_http_release(struct fake_http *);
void fake_http_forget_replies(struct fake_http *); /* all of them: frees their memory */
/* Send a request and wait for the reply, which any thread may give. Asserts that there is exactly one. */
struct fake_reply *fake_http_send(struct fake_http *, const struct fake_request *);
/* The value of the first header of the reply with that name; .p is NULL when absent. */
slice fake_reply_header(const struct fake_reply *, const char *name);
slice fake_interim_header(const struct fake_interim *, const char *name);

#endif

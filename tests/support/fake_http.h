/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without sockets: it implements the functions of http/http.h for tests of an API. A request is routed,
 * guarded and handled as http.h promises; the reply is captured. Link it instead of the engine.
 *
 *   struct fake_http http = fake_http_new(&api);
 *   struct fake_reply *r = fake_http_send(&http, &(struct fake_request){ .method = "GET", .target = S("/v1/x") });
 *   EXPECT_EQ(r->status, 200);
 *   fake_http_release(&http);
 *
 * Ranges and conditional requests are the engine's work and not played here: a download is always whole. */
#ifndef CAIS_TESTS_FAKE_HTTP_H
#define CAIS_TESTS_FAKE_HTTP_H

#include "http/http.h"

#define FAKE_MAX_HEADERS 32

struct fake_request {
    const char *method;                           /* NULL: GET */
    slice target;                                 /* with query */
    slice token;                                  /* non-empty: "Authorization: Bearer TOKEN" */
    struct http_header headers[FAKE_MAX_HEADERS]; /* up to the first without a name */
    slice body;
    bool chunked;    /* content_length is -1 */
    bool local;      /* by the admin socket */
    size_t piece;    /* streamed bodies arrive in pieces of so many bytes; 0: 1000 */
    bool cut;        /* the sender goes away after the body: content_length is one more than came */
    size_t declared; /* content_length says so, whatever the body; 0: the body's */
    slice host;      /* empty: "cais.test" */
};

struct fake_reply {
    int status;
    slice content_type; /* .p NULL: none */
    struct http_header headers[FAKE_MAX_HEADERS];
    size_t header_count;
    slice body;      /* of a HEAD too: what the engine would drop */
    bool closes;     /* http_reply_close */
    bool is_content; /* http_reply_content; then also: */
    slice etag;
    int64_t last_modified_ms;
    bool cut;     /* read_at or the producer failed: the client sees a cut connection */
    bool refused; /* by the API's refuse (no route, method, body too large, body cut) */
    bool by_guard;
    bool received; /* http_receive was called: "100 Continue" would have been sent */
};

struct fake_http {
    const struct http_api *api;
    struct arena arena; /* replies live here */
};

struct fake_http fake_http_new(const struct http_api *);
void fake_http_release(struct fake_http *);
/* Sends, waits for the reply (on whichever thread it is made). Asserts that there is exactly one. */
struct fake_reply *fake_http_send(struct fake_http *, const struct fake_request *);
/* Value of the first reply header of that name; .p is NULL when absent. */
slice fake_reply_header(const struct fake_reply *, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: listeners, loops, workers, TLS. main makes one, gives it APIs and addresses, and starts it.
 *
 * Threads
 *   loop          one per core: accepts, parses, routes, runs short handlers, sends. Never syncs, never hashes much
 *   body worker   a pool: runs the sinks of large bodies, buffer by buffer, in order. More threads than cores, so that
 *                 as many uploads can be hashed together (base/md5_crew.h), and a slow write holds up no other
 *   worker        a pool: ordinary handlers, blocking ends of uploads, reads of cold files
 * A connection belongs to one loop for life. An idle one owns no buffer. */
#ifndef CAIS_HTTP_SERVER_H
#define CAIS_HTTP_SERVER_H

#include "base/clock.h"
#include "base/random.h"
#include "http/http.h"

/* What happened in one exchange, for the access log and the counters. Slices are borrowed for the call. */
struct http_report {
    const struct http_exchange *x; /* NULL when the head could not be read */
    slice peer, id;
    int status;
    uint64_t bytes_in, bytes_out; /* of bodies */
    int64_t took_ms;
};

struct http_options {
    struct clock *clock;
    struct random *random;
    int loops;           /* 0: one per core, at most 16 */
    int workers;         /* 0: 8 */
    int body_workers;    /* 0: 16, and at least two for each loop */
    size_t worker_queue; /* requests that may wait for a worker; 0: 10,000 */

    size_t max_head_bytes, max_line_bytes, max_headers; /* 0: 64 KiB, 16 KiB, 100 */
    int64_t head_timeout_ms;            /* from the first byte (or the connection) to the end of the head; 0: 10 s */
    int64_t idle_timeout_ms;            /* between requests; 0: 75 s */
    int64_t send_timeout_ms;            /* without the client taking a byte; 0: 60 s */
    int64_t body_rate_bytes;            /* a body must bring that many bytes a second, over … ; 0: 256 */
    int64_t body_window_ms;             /* … this long; 0: 30 s */
    int64_t linger_ms;                  /* how long a refused sender is listened to; 0: 30 s */
    size_t max_connections;             /* 0: 20,000 */
    size_t max_connections_per_address; /* 0: no limit. Unix sockets and trusted proxies do not count */
    size_t body_pool_bytes;             /* buffers of uploads, all loops together; 0: 64 MiB */

    const char *const *trusted_proxies; /* addresses or CIDR ranges, NULL-ended; may be NULL */
    /* Host names that speak one API only (and those that are everywhere). */
    const struct http_host {
        /* Without port. "*.name": every name below that name, unless it stands here itself; if the API takes every
         * path (rest), then nobody else answers there, not even those that are everywhere. */
        slice host;
        const char *api;
    } * hosts;
    size_t host_count;
    const char *fallback; /* API that refuses what belongs to nobody */

    /* On the loop thread, after every exchange; may be NULL. */
    void (*report)(void *arg, int loop, const struct http_report *);
    /* On the loop thread, after a turn that reported something; may be NULL. */
    void (*flush)(void *arg, int loop);
    void *arg;
};

struct http_listener {
    const char *address; /* "127.0.0.1:8080", "[::1]:0", ":8080" (all addresses), "unix:PATH" (mode 0600) */
    bool tls;
    bool local;       /* the admin socket: requests are the operator's */
    const char *only; /* API that alone answers here; NULL: all */
};

struct http_certificate {
    const char *certificate_file, *key_file; /* PEM */
};

struct http_server;

/* The APIs and hosts are borrowed, the list of APIs is not. Errors: INVALID a route or an option that cannot
 * be. */
MUST_USE err_t http_server_new(const struct http_options *, const struct http_api *const *apis, size_t count,
                               struct arena *a, struct http_server **ret_server);
/* Bind. Before start. ret_address: "127.0.0.1:40123", with the port that was found for port 0; in `a`.
 * Errors: INVALID not an address; CONFLICT in use; UNAVAILABLE. */
MUST_USE err_t http_server_listen(struct http_server *, const struct http_listener *, struct arena *a,
                                  slice *ret_address);
/* Load certificates for all TLS listeners, before start or while running (new connections get the new ones; on an error
 * the old ones stay). A name asked for by SNI picks the first certificate that covers it, else the first of all; an RSA
 * and a P-256 certificate for the same name are both offered. Errors: INVALID. */
MUST_USE err_t http_server_certificates(struct http_server *, const struct http_certificate *, size_t count,
                                        struct arena *a);
MUST_USE err_t http_server_start(struct http_server *, struct arena *a);
/* Stop accepting, let what is in flight finish for at most grace_ms, then cut. Blocks until every thread is gone. */
void http_server_stop(struct http_server *, int64_t grace_ms);
/* From another thread while http_server_stop waits: its grace is over now. */
void http_server_hurry(struct http_server *);
void http_server_free(struct http_server *); /* after stop, or never started; NULL is fine */
/* Look at the clock again: for tests that moved it. */
void http_server_wake(struct http_server *);

struct http_stats {
    uint64_t connections_open, connections_accepted, connections_refused;
    uint64_t requests, requests_active;
    uint64_t status[6]; /* [1]: 1xx … [5]: 5xx */
    uint64_t bytes_in, bytes_out;
    uint64_t timeouts, malformed;
    uint64_t body_buffers; /* in use, of 128 KiB */
};
void http_server_stats(struct http_server *, struct http_stats *ret);

#endif

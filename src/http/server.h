/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP engine: listeners, loops, workers, TLS. The main program creates one, gives it APIs and addresses, and
 * starts it. How it works inside: docs/internals/connection.md.
 *
 * Threads
 *   loop          one per core: accepts, parses, routes, runs short handlers, sends. Never syncs and hashes little
 *   body worker   a pool: runs the sinks of large bodies, buffer by buffer, in order. It has more threads than there
 *   are cores, so that many uploads can be hashed together (base/md5_crew.h) and a slow write delays no other
 *                 upload
 *   worker        a pool: runs ordinary handlers, the blocking ends of uploads, and reads of files that are not in the
 *                 page cache
 * A connection stays on one loop for life. An idle connection owns no buffer. */
#ifndef CAIS_HTTP_SERVER_H
#define CAIS_HTTP_SERVER_H

#include "http/options.h"

struct http_server;

/* Create an engine that does not listen yet. The APIs are borrowed until http_server_free; the array `apis` and the hosts of the
 * options may go after the call. Errors: INVALID a malformed route, or an option outside its limits. */
MUST_USE err_t http_server_new(const struct http_options *, const struct http_api *const *apis, size_t count,
                               struct arena *a, struct http_server **ret_server);
/* Bind an address; call before http_server_start. ret_address, in `a`: "127.0.0.1:40123", with the port that the kernel
 * chose for port 0. Errors: INVALID not an address; CONFLICT the address is in use; UNAVAILABLE. */
MUST_USE err_t http_server_listen(struct http_server *, const struct http_listener *, struct arena *a,
                                  slice *ret_address);
/* Load the certificates of all TLS listeners, before start or while running. New connections use the new ones; after an
 * error the old ones stay. The name that a client sends (SNI) selects the first certificate that covers it, else the
 * first of all; an RSA and a P-256 certificate for the same name are both offered. Errors: INVALID. */
MUST_USE err_t http_server_certificates(struct http_server *, const struct http_certificate *, size_t count,
                                        struct arena *a);
/* What may change while the engine runs; the members are those of http_options. */
struct http_change {
    int64_t head_timeout_ms, idle_timeout_ms, body_rate_bytes, body_window_ms, send_rate_bytes,
        send_window_ms; /* none is 0 */
    size_t max_connections, max_connections_per_address;
    const struct http_host *hosts; /* copied */
    size_t host_count;
};
/* Change these from here on: for connections and requests that begin, and for time-outs that begin. One thread at a time, between
 * http_server_start and http_server_stop. Errors, after which nothing has changed: INVALID a host names an API that does not exist. */
MUST_USE err_t http_server_change(struct http_server *, const struct http_change *, struct arena *a);
/* Ask every loop to answer, for a watchdog. True: all of them have answered since the last call, or this is the first one. One thread
 * at a time, between http_server_start and http_server_stop. */
bool http_server_ping(struct http_server *);
/* Start the threads. Errors: INVALID a TLS listener but no certificate; UNAVAILABLE. */
MUST_USE err_t http_server_start(struct http_server *, struct arena *a);
/* Stop accepting, let running exchanges finish for at most grace_ms, then close their connections. Returns when every
 * thread has ended. */
void http_server_stop(struct http_server *, int64_t grace_ms);
/* End the grace period of http_server_stop at once. Call from another thread while http_server_stop waits. */
void http_server_end_grace(struct http_server *);
void http_server_free(struct http_server *); /* after stop, or if it was never started; NULL is fine */
/* Make every loop read the clock again: for tests that moved it. */
void http_server_wake(struct http_server *);

/* How long a thread worked for one request without a pause (base/stretch.h). */
struct http_stretch_stats {
    uint64_t longest_us; /* since the start */
    uint64_t over;       /* how many were above 1 ms (loops) or 50 ms (all others) */
};

struct http_pool_stats {
    uint64_t waiting, refused; /* tasks that wait now; requests that were refused because the queue was full */
    struct http_stretch_stats stretch;
};

struct http_stats {
    uint64_t connections_open, connections_accepted, connections_refused;
    uint64_t requests, requests_active;
    uint64_t status[6]; /* [1]: 1xx … [5]: 5xx */
    uint64_t bytes_in, bytes_out;
    uint64_t timeouts, malformed;
    uint64_t slow_readers;             /* of the timeouts: replies that their readers did not accept fast enough */
    uint64_t body_buffers;             /* in use, of 128 KiB each */
    uint64_t memory_used, memory_max;  /* of http_options.memory_bytes */
    uint64_t memory_refused;           /* requests that were refused, or replies that were cut, because it is in use */
    uint64_t memory_peak, memory_over; /* the most that one request has used, and has used above its limit */
    struct http_stretch_stats loop;
    struct http_pool_stats lanes[HTTP_LANES], body_workers;
};
/* The sums over all loops. Thread: any. */
void http_server_stats(struct http_server *, struct http_stats *ret);

#endif

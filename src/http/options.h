/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the engine: server.h takes it, and the files of the engine read it. */
#ifndef CAIS_HTTP_OPTIONS_H
#define CAIS_HTTP_OPTIONS_H

#include "base/clock.h"
#include "base/random.h"
#include "http/http.h"

/* What happened in one exchange, for the access log and the counters. The slices are valid during the call only. */
struct http_report {
    const struct http_exchange *x; /* NULL when the head could not be read */
    slice peer, id;
    int status;
    uint64_t bytes_in, bytes_out; /* of bodies */
    int64_t took_ms;
};

/* A host name that belongs to one API. APIs with on_all_hosts answer there too. */
struct http_host {
    /* Without a port. "*.name" covers every name below that name, except names that have an entry of their own. If the
     * API has a catch_all route, no other API answers on the covered names, not even one with on_all_hosts. */
    slice host;
    const char *api;
};

#define HTTP_NO_RATE (-1)

struct http_options {
    struct clock *clock;
    struct random *random;
    int loops;           /* 0: one per core, at most 16 */
    int workers;         /* of the ordinary lane; 0: 8 */
    int long_workers;    /* of the lane of long work; 0: 4 */
    int body_workers;    /* 0: 16, and at least two for each loop */
    size_t worker_queue; /* how many requests may wait for a worker; 0: 10,000 */
    size_t long_queue;   /* how many may wait in the lane of long work, an eighth of them of one account; 0: 512 */

    size_t max_head_bytes, max_line_bytes, max_headers; /* 0: 64 KiB, 16 KiB, 100 */
    int64_t head_timeout_ms; /* from the first byte (or the start of the connection) to the end of the head; 0: 10 s */
    int64_t idle_timeout_ms; /* between two requests; 0: 75 s */
    /* A body must bring at least body_rate_bytes per second, averaged over each window of body_window_ms. */
    int64_t body_rate_bytes; /* 0: 256; HTTP_NO_RATE: no limit */
    int64_t body_window_ms;  /* 0: 30 s */
    /* While bytes of a reply wait for the client, it must accept as many a second, averaged over each window. */
    int64_t send_rate_bytes; /* 0: 256; HTTP_NO_RATE: no limit */
    int64_t send_window_ms;  /* 0: 60 s */
    /* How long the rest of a body that was replied to early is read and dropped, so that its sender can read the reply, if it brings
     * body_rate_bytes per second in each window of idle_timeout_ms or body_window_ms, whichever is longer. 0: 10 min, which is enough
     * for 100 MiB at 2 Mbit/s */
    int64_t linger_ms;
    size_t max_connections; /* 0: 20,000 */
    size_t
        max_connections_per_address; /* IPv6: of one /64; 0: no limit. Unix sockets and trusted proxies do not count */
    size_t body_pool_bytes;          /* buffers of uploads, all loops together; 0: 64 MiB */
    /* What all requests together may use, without the buffers of uploads: heads, collected bodies, what is made of them,
     * replies that were not sent yet. Above it requests are refused: HTTP_REFUSE_BUSY. 0: a quarter of what the process
     * may use (memory_of_machine), at least 64 MiB */
    size_t memory_bytes;

    const char *const *trusted_proxies; /* addresses or CIDR ranges, ends with NULL; may be NULL */
    const struct http_host *hosts;
    size_t host_count;
    const char *fallback; /* the API that refuses a request which belongs to no API */

    /* Called on the loop's thread after every exchange; may be NULL. */
    void (*report)(void *arg, int loop, const struct http_report *);
    /* Called on the loop's thread after each turn in which an exchange was reported; may be NULL. */
    void (*flush)(void *arg, int loop);
    void *arg;
};

struct http_listener {
    const char *address; /* "127.0.0.1:8080", "[::1]:0", ":8080" (all addresses), "unix:PATH" (mode 0600) */
    bool tls;
    bool local; /* the admin socket: its requests come from the operator */
    const char
        *only_api; /* name of the one API that answers here, with those that join it (http_api.joins); NULL: all */
    /* For operators and monitors: its connections have a loop of their own, which nobody else can fill, and do not count
     * in max_connections. At most 64 are open. */
    bool apart;
};

struct http_certificate {
    const char *certificate_file, *key_file; /* PEM */
};

#endif

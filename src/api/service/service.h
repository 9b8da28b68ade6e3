/* SPDX-License-Identifier: Apache-2.0 */
/* /health and /metrics, which need no credentials. The metrics name accounts only on a listener of their own and on the
 * admin socket. */
#ifndef CAIS_API_SERVICE_SERVICE_H
#define CAIS_API_SERVICE_SERVICE_H

#include "base/buf.h"
#include "base/log.h"
#include "core/care/health.h"
#include "core/core.h"
#include "http/server.h"

struct service {
    struct core *core;
    struct health_watch *health; /* of `core` */
    struct http_server *server;  /* set before the first request */
    const struct log *log;
    const char *durability; /* "full" or "relaxed" */
    const char *metadata_kind, *blob_kind;
    int64_t flush_us; /* one durable write, measured at the start */
    int64_t started_at_ms;
    const char *name;                 /* of the http_api */
    bool with_metrics, with_accounts; /* whether /metrics is served, and whether it names accounts to every client */
    void (*more_metrics)(void *arg, struct buf *); /* of another part of the server; NULL: there is none. Any thread */
    void *more_arg;
    struct http_api http_api;
};
/* The caller sets all other members first. `s` must not move while http_api is served. */
void service_init(struct service *s);
/* Writes one metric, for more_metrics. */
void service_add_metric(struct buf *, const char *name, const char *type, const char *help, uint64_t v);

#endif

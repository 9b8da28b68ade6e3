/* SPDX-License-Identifier: Apache-2.0 */
/* /health and /metrics, which need no credentials. The metrics name accounts only on a listener of their own and on the
 * admin socket. */
#ifndef CAIS_API_SERVICE_SERVICE_H
#define CAIS_API_SERVICE_SERVICE_H

#include "base/log.h"
#include "core/core.h"
#include "http/server.h"

struct service {
    struct core *core;
    struct http_server *server; /* set before the first request */
    const struct log *log;
    const char *durability; /* "full" or "relaxed" */
    const char *metadata_kind, *blob_kind;
    int64_t flush_us; /* one durable write, measured at the start */
    int64_t started_at_ms;
    const char *name;                 /* of the http_api */
    bool with_metrics, with_accounts; /* whether /metrics is served, and whether it names accounts to every client */
    struct http_api http_api;
};
/* The caller sets all other members first. `s` must not move while http_api is served. */
void service_init(struct service *s);

#endif

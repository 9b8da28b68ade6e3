/* SPDX-License-Identifier: Apache-2.0 */
/* What every server answers about itself: /health and /metrics, without credentials. Names of accounts stand in the
 * metrics only where a listener of their own, or the admin socket, serves them. */
#ifndef CAIS_API_SERVICE_SERVICE_H
#define CAIS_API_SERVICE_SERVICE_H

#include "core/core.h"
#include "http/server.h"

struct service {
    struct core *core;
    struct http_server *server; /* set before the first request */
    const char *durability;     /* "full" or "relaxed" */
    const char *metadata_kind, *blob_kind;
    int64_t flush_us;
    int64_t started_at_ms;
    const char *name; /* of the http_api */
    bool with_metrics, with_accounts;
    struct http_api http_api;
};
/* The rest of the struct is filled in by the caller; s stays where it is while http_api is served. */
void service_init(struct service *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which API and route a request is for. Built once, then read by every loop. */
#ifndef CAIS_HTTP_ROUTE_H
#define CAIS_HTTP_ROUTE_H

#include "http/server.h"

struct router;

/* Errors: INVALID a pattern that cannot be, an unknown API name. Borrows APIs and hosts. */
MUST_USE err_t router_new(const struct http_api *const *apis, size_t count, const struct http_host *hosts,
                          size_t host_count, const char *fallback, struct arena *a, struct router **ret);
void router_free(struct router *);

struct route_match {
    const struct http_api *api;     /* never NULL: who answers, or refuses */
    const struct http_route *route; /* NULL: nobody */
    slice params[HTTP_MAX_PARAMS];
    bool malformed; /* the path is not percent-encoded properly */
    slice allow;    /* when no route: methods that the path has, "GET, HEAD, PUT"; empty: the path is unknown */
};
/* host   Host header, with port; on a configured host only its API and those that are everywhere answer
 * only   API that alone answers on this listener, or NULL
 * local  came by the admin socket */
void router_find(const struct router *, slice method, slice path, slice host, const char *only, bool local,
                 struct arena *a, struct route_match *ret);

#endif

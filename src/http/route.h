/* SPDX-License-Identifier: Apache-2.0 */
/* Which API and route a request is for. A router does not change; a reload builds another one. */
#ifndef CAIS_HTTP_ROUTE_H
#define CAIS_HTTP_ROUTE_H

#include "http/options.h"

struct router;

/* The input from which a router is built. */
struct routing {
    const struct http_api *const *apis;
    size_t api_count;
    const struct http_host *hosts;
    size_t host_count;
    const char *fallback; /* name of the API that refuses a request which belongs to no API */
};

/* The APIs are borrowed until router_free; the hosts are copied. Errors: INVALID a malformed pattern, or the name of an API that
 * does not exist. */
MUST_USE err_t router_new(const struct routing *, struct arena *a, struct router **ret);
/* One more reference, which router_free gives up. */
struct router *router_keep(struct router *);
void router_free(struct router *); /* NULL is fine */

struct route_request {
    slice method, path; /* raw */
    slice host;         /* Host, with its port. On a configured host only its API and those with on_all_hosts answer */
    const char *only_api;               /* that of the listener (http_listener); NULL: all answer */
    bool local;                         /* the request came through the admin socket */
    const struct http_request *request; /* for http_api.claims; NULL: no API claims it */
};

struct route_match {
    const struct http_api *api;     /* the API that answers, or that words the refusal; never NULL */
    const struct http_route *route; /* NULL: no route matches */
    slice params[HTTP_MAX_PARAMS];
    bool malformed; /* the path is not percent-encoded properly, and no API takes it nevertheless */
    slice allow;    /* without a route: the methods that the path has, "GET, HEAD, PUT"; empty: it has none */
};

/* params and allow of *ret live in `a`, or in the path. Thread: any. */
void router_find(const struct router *, const struct route_request *, struct arena *a, struct route_match *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "base/config_key.h"
#include "base/live.h"

#include <string.h>

/* Answered on the loop: they read some rows by key. */
#define READ (HTTP_ON_LOOP | HTTP_NO_BODY)
#define LIST HTTP_NO_BODY
#define COUNT (HTTP_NO_BODY | HTTP_LONG) /* they look at every file of the schema */
#define REMOVE HTTP_NO_BODY
#define SMALL_BODY ((size_t)4 * 1024)
#define QUERY_BODY ((size_t)256 * 1024)
#define QUERY_MEMORY ((size_t)32 << 20) /* the tree of a query, and JSON lines that are written ahead */
#define SCHEMA_BODY ((size_t)1 << 20)   /* a thousand fields, or a sample */

#define REPORT_BODY ((size_t)64 * 1024)
#define FORM_MEMORY ((size_t)64 << 20) /* a line of 10 MiB, while it comes, and its texts */

/* Under /api/v1 and /v1 (docs/apis/datasnap.md 1). */
static const struct http_route versioned_routes[] = {
    { "GET", "/schemas", datasnap_schema_list, LIST, 0, "3.1", 0 },
    { "POST", "/schemas", datasnap_schema_create, 0, SCHEMA_BODY, "3.2", 0 },
    { "GET", "/schemas/{slug}", datasnap_schema_get, LIST, 0, "3.2", 0 },
    { "PUT", "/schemas/{slug}", datasnap_schema_change, 0, SCHEMA_BODY, "3.2", 0 },
    { "DELETE", "/schemas/{slug}", datasnap_schema_remove, REMOVE, 0, "3.2", 0 },

    { "POST", "/schemas/{slug}/query", datasnap_query, HTTP_LONG, QUERY_BODY, "7", QUERY_MEMORY },

    { "POST", "/schemas/{slug}/generate-upload-token", datasnap_token_issue, HTTP_ON_LOOP, SMALL_BODY, "4.1", 0 },
    { "GET", "/upload-tokens/{id}/validate", datasnap_token_validate, READ, 0, "4.2", 0 },
    { "DELETE", "/upload-tokens/{id}", datasnap_token_revoke, REMOVE, 0, "4.3", 0 },

    { "GET", "/schemas/{slug}/files", datasnap_file_list, COUNT, 0, "6.1", 0 },
    { "POST", "/schemas/{slug}/files", datasnap_form_upload, HTTP_STREAM, 0, "6.2", FORM_MEMORY },
    { "GET", "/schemas/{slug}/uploads", datasnap_file_history, LIST, 0, "6.1", 0 },
    { "GET", "/schemas/{slug}/files/{id}", datasnap_file_get, READ, 0, "6.1", 0 },
    { "DELETE", "/schemas/{slug}/files/{id}", datasnap_file_remove, REMOVE, 0, "6.1", 0 },
    { "POST", "/schemas/{slug}/process-files", datasnap_process, 0, SMALL_BODY, "6.3", 0 },

    { "POST", "/bridge/healthcheck", datasnap_bridge, 0, REPORT_BODY, "8", 0 },
};
/* Under /api and without a prefix. */
static const struct http_route unversioned_routes[] = {
    { "GET", "/auth/me", datasnap_me, READ, 0, "8", 0 },
    { "GET", "/me", datasnap_me, READ, 0, "8", 0 },
    { "GET", "/status", datasnap_health, READ | HTTP_PUBLIC, 0, "8", 0 },
};
/* Under /api alone: /health is that of the server. */
static const struct http_route api_routes[] = {
    { "GET", "/health", datasnap_health, READ | HTTP_PUBLIC, 0, "8", 0 },
};
static const char *const datasnap_prefixes[] = { "/api/v1", "/v1",         "/api/auth",   "/auth", "/me",
                                                 "/status", "/api/status", "/api/health", NULL };
static const char *const datasnap_claimed[] = { "/api/me", NULL };

static void add_routes(struct datasnap *d, const char *prefix, const struct http_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct http_route *r = &d->routes[d->route_count++];
        *r = routes[i];
        r->pattern = arena_printf(&d->arena, "%s%s", prefix, routes[i].pattern).p;
    }
}

/* Without a master key tokens end with the server. */
static void make_token_key(struct datasnap *d)
{
    if (d->core->seal)
        seal_derive(d->core->seal, S("datasnap page tokens"), d->token_key);
    else
        random_fill(d->core->random, d->token_key, sizeof d->token_key);
}

void datasnap_open(struct datasnap *d, struct core *core, const struct datasnap_options *options,
                   const struct link_base *links, struct log *log)
{
    *d = (struct datasnap){ .core = core, .options = *options, .links = links, .log = log };
    arena_init(&d->arena);
    make_token_key(d);
    rate_limit_init(&d->limits[DATASNAP_QUERIES], core->clock, options->queries_per_minute, MINUTE);
    rate_limit_init(&d->limits[DATASNAP_LISTINGS], core->clock, options->listings_per_minute, MINUTE);
    rate_limit_init(&d->limits[DATASNAP_PROCESSINGS], core->clock, options->processings_per_5_minutes, 5 * MINUTE);
    d->routes = arena_array(&d->arena, struct http_route,
                            LENGTH_OF(api_routes) + 2 * (LENGTH_OF(versioned_routes) + LENGTH_OF(unversioned_routes)));
    add_routes(d, "/api/v1", versioned_routes, LENGTH_OF(versioned_routes));
    add_routes(d, "/v1", versioned_routes, LENGTH_OF(versioned_routes));
    add_routes(d, "/api", api_routes, LENGTH_OF(api_routes));
    add_routes(d, "/api", unversioned_routes, LENGTH_OF(unversioned_routes));
    add_routes(d, "", unversioned_routes, LENGTH_OF(unversioned_routes));
}

void datasnap_reload(const struct http_api *api)
{
    struct datasnap *d = api->context;
    rate_limit_set(&d->limits[DATASNAP_QUERIES], LIVE(d->options.queries_per_minute), MINUTE);
    rate_limit_set(&d->limits[DATASNAP_LISTINGS], LIVE(d->options.listings_per_minute), MINUTE);
    rate_limit_set(&d->limits[DATASNAP_PROCESSINGS], LIVE(d->options.processings_per_5_minutes), 5 * MINUTE);
}

void datasnap_close(struct datasnap *d)
{
    if (!d->core)
        return;
    for (int i = 0; i < DATASNAP_LIMITS; i++)
        rate_limit_release(&d->limits[i]);
    arena_release(&d->arena);
    memset(d, 0, sizeof *d);
}

struct http_api datasnap_api(struct datasnap *d)
{
    return (struct http_api){
        .name = "datasnap",
        .routes = d->routes,
        .route_count = d->route_count,
        .prefixes = datasnap_prefixes,
        .claimed_prefixes = datasnap_claimed,
        .claims = datasnap_claims,
        .guard = datasnap_guard,
        .fail = datasnap_fail,
        .context = d,
    };
}

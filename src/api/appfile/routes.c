/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "api/kit/link_bucket.h"
#include "base/config_key.h"
#include "base/live.h"

#include <string.h>

/* A request has at most a few hundred KiB that mean something. */
#define REQUEST_BODY ((size_t)1 << 20)
/* A request that waits for an import keeps its texts. */
#define IMPORT_BODY ((size_t)64 << 10)

/* A page of records (RECORD_PAGE_BYTES), the last of which may be as large as one can be, twice: as it is, and without some members. */
#define RECORDS_MEMORY ((size_t)64 << 20)
#define QUERY_BODY ((size_t)256 << 10)

/* Paths under which the vendor's own programs write single entities. */
#define NO_WRITE(method, action)                                                                                       \
    {                                                                                                                  \
        method, "/appdata/{entity}/" action, appfile_record_write, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "6.1", 0            \
    }
#define NO_WRITES(action)                                                                                              \
    NO_WRITE("POST", action), NO_WRITE("PUT", action), NO_WRITE("PATCH", action), NO_WRITE("DELETE", action)

static const struct http_route appfile_routes[] = {
    { "POST", "/appfile/file/path", appfile_file_issue, HTTP_ON_LOOP, REQUEST_BODY, "2", 0 },
    { "POST", "/appfile/file/import", appfile_file_import, HTTP_ON_LOOP, IMPORT_BODY, "4", 0 },
    { "POST", "/appfile/file/import/data", appfile_data_import, HTTP_STREAM, 0, "4.3", 0 },
    { "POST", "/appfile/file/import/async", appfile_file_import_async, HTTP_ON_LOOP, IMPORT_BODY, "4", 0 },
    { "POST", "/appdata/import/file/async", appfile_file_import_async, HTTP_ON_LOOP, IMPORT_BODY, "4", 0 },
    { "POST", "/appfile/file/query", appfile_files_query, HTTP_LONG, QUERY_BODY, "7.1", 0 },
    { "GET", "/appfile/file/{id}", appfile_file_status, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "7", 0 },
    { "POST", "/appdata/{entity}/query", appfile_records_query, HTTP_LONG, QUERY_BODY, "6.1", RECORDS_MEMORY },
    { "GET", "/appdata/{entity}/retrieve", appfile_record_retrieve, HTTP_NO_BODY, 0, "6.1", RECORDS_MEMORY },
    NO_WRITES("create"),
    NO_WRITES("update"),
    NO_WRITES("save"),
    NO_WRITES("delete"),
    { "POST", "/status/refresh", appfile_refresh, HTTP_ON_LOOP | HTTP_NO_BODY, 0, "1.2", 0 },
};
static const char *const appfile_prefixes[] = { "/appfile", "/appdata", "/status/refresh", NULL };

/* Every route, and every route below the prefix of the operator's choice. */
static void add_routes(struct appfile *f)
{
    const size_t count = LENGTH_OF(appfile_routes);
    slice prefix = f->options.path_prefix;
    f->routes = arena_array(&f->arena, struct http_route, 2 * count);
    for (size_t i = 0; i < count; i++)
        f->routes[f->route_count++] = appfile_routes[i];
    for (size_t i = 0; prefix.n && i < count; i++) {
        struct http_route *route = &f->routes[f->route_count++];
        *route = appfile_routes[i];
        route->pattern = arena_printf(&f->arena, SLICE_FMT "%s", SLICE_ARG(prefix), appfile_routes[i].pattern).p;
    }
}

err_t appfile_open(struct appfile *f, struct core *core, const struct appfile_options *options,
                   const struct link_base *links, struct log *log, struct arena *a)
{
    *f = (struct appfile){ .core = core, .options = *options, .links = links, .log = log };
    arena_init(&f->arena);
    sigv4_key_cache_init(&f->key_cache);
    f->signer = (struct sigv4_signer){ .region = options->region, .cache = &f->key_cache };
    rate_limit_init(&f->rate, core->clock, options->rate_limit, SECOND);
    rate_limit_init(&f->month, core->clock, options->monthly_quota, RATE_LIMIT_MONTH);
    add_routes(f);
    appfile_waits_open(f);
    err_t e = err_copy(a, link_bucket_open(core, options->bucket, &f->signer, &f->arena, &f->bucket));
    if (e)
        appfile_close(f);
    return e;
}

void appfile_reload(const struct http_api *api)
{
    struct appfile *f = api->context;
    rate_limit_set(&f->rate, LIVE(f->options.rate_limit), SECOND);
    rate_limit_set(&f->month, LIVE(f->options.monthly_quota), RATE_LIMIT_MONTH);
}

void appfile_close(struct appfile *f)
{
    if (!f->core)
        return;
    appfile_waits_close(f);
    rate_limit_release(&f->rate);
    rate_limit_release(&f->month);
    sigv4_key_cache_release(&f->key_cache);
    arena_release(&f->arena);
    explicit_bzero(f, sizeof *f);
}

struct http_api appfile_api(struct appfile *f)
{
    return (struct http_api){
        .name = "appfile",
        .routes = f->routes,
        .route_count = f->route_count,
        .prefixes = appfile_prefixes,
        .guard = appfile_guard,
        .fail = appfile_fail,
        .context = f,
    };
}

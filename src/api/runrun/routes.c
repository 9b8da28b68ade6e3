/* SPDX-License-Identifier: Apache-2.0 */
/* Every path under /api/v1.0 also exists under /api, because the links in the vendor's replies leave the version out
 * (docs/apis/runrun.md §1). */
#include "api/kit/link_bucket.h"
#include "api/runrun/boards_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/runrun.h"
#include "base/live.h"
#include "base/seal.h"
#include <string.h>

#define BOTH(method, path, handle, flags, spec) BOTH_UP_TO(0, method, path, handle, flags, spec)
#define BOTH_UP_TO(max_body, method, path, handle, flags, spec)                                                        \
    { method, "/api/v1.0" path, handle, flags, max_body, spec, 0 },                                                    \
    {                                                                                                                  \
        method, "/api" path, handle, flags, max_body, spec, 0                                                          \
    }
#define TICKET_BYTES ((size_t)64 * 1024) /* a name and a few numbers; it is parsed on a loop */

static const struct http_route runrun_routes[] = {
    BOTH_UP_TO(TICKET_BYTES, "POST", "/documents", runrun_ticket_create, HTTP_ON_LOOP, "§6.1"),
    BOTH_UP_TO(TICKET_BYTES, "POST", "/tasks/{id}/documents", runrun_ticket_create, HTTP_ON_LOOP, "§6.1"),
    BOTH("POST", "/documents/{id}/mark_as_uploaded", runrun_document_confirm, HTTP_NO_BODY, "§6.2"),
    BOTH("GET", "/tasks/{id}/documents", runrun_document_list, HTTP_NO_BODY, "§6.3"),
    BOTH("GET", "/documents/{id}", runrun_document_get, HTTP_NO_BODY, "§6.4"),
    BOTH("GET", "/documents/{id}/download", runrun_document_download, HTTP_NO_BODY, "§6.5"),
    BOTH("GET", "/documents/{id}/thumbnail", runrun_document_no_picture, HTTP_NO_BODY, "§6.5"),
    BOTH("GET", "/documents/{id}/preview", runrun_document_no_picture, HTTP_NO_BODY, "§6.5"),
    BOTH("GET", "/documents/download_zip", runrun_zip_link, HTTP_NO_BODY, "§6.6"),
    { "GET", "/api/v1.0/documents/zip", runrun_zip_download, HTTP_PUBLIC | HTTP_NO_BODY | HTTP_LONG, 0, "§6.6", 0 },
    { "GET", "/api/v1.0/documents/file", runrun_file_download, HTTP_PUBLIC | HTTP_NO_BODY, 0, "§6.5", 0 },
    BOTH("DELETE", "/documents/{id}", runrun_document_delete, HTTP_NO_BODY, "§6.7"),
    BOTH("POST", "/tasks", runrun_task_create, 0, "§6.8"),
    BOTH("GET", "/tasks", runrun_task_list, HTTP_NO_BODY, "§6.8"),
    BOTH("GET", "/tasks/{id}", runrun_task_get, HTTP_NO_BODY, "§6.8"),
    BOTH("PUT", "/tasks/{id}", runrun_task_edit, 0, "§6.8"),
    BOTH("PATCH", "/tasks/{id}", runrun_task_edit, 0, "§6.8"),
    BOTH("GET", "/tasks/{id}/description", runrun_description_get, HTTP_NO_BODY, "§6.8"),
    BOTH("PUT", "/tasks/{id}/description", runrun_description_edit, 0, "§6.8"),
    BOTH("DELETE", "/tasks/{id}", runrun_task_delete, HTTP_NO_BODY, "§6.8"),
    BOTH("POST", "/comments", runrun_comment_create, 0, "§6.9"),
    BOTH("POST", "/tasks/{id}/comments", runrun_task_comment_create, 0, "§6.9"),
    BOTH("GET", "/tasks/{id}/comments", runrun_comment_list, HTTP_NO_BODY, "§6.9"),
    BOTH("GET", "/comments/{id}", runrun_comment_get, HTTP_NO_BODY, "§6.9"),
    BOTH("PUT", "/comments/{id}", runrun_comment_edit, 0, "§6.9"),
    BOTH("DELETE", "/comments/{id}", runrun_comment_delete, HTTP_NO_BODY, "§6.9"),
    BOTH("GET", "/boards/{id}/fields", runrun_board_fields, HTTP_NO_BODY, "§6.10"),
    BOTH("GET", "/tasks/{id}/fields", runrun_task_fields, HTTP_NO_BODY, "§6.10"),
    BOTH("GET", "/fields/{id}/options", runrun_field_options, HTTP_NO_BODY, "§6.10"),
    BOTH("GET", "/users/me", runrun_user_me, HTTP_NO_BODY, "§6.11"),
    BOTH("GET", "/users", runrun_user_list, HTTP_NO_BODY, "§6.11"),
    BOTH("GET", "/users/{id}", runrun_user_get, HTTP_NO_BODY, "§6.11"),
};

static const char *const runrun_prefixes[] = { "/api/v1.0",   "/api/documents", "/api/tasks", "/api/comments",
                                               "/api/boards", "/api/fields",    NULL };

/* Paths that another API has, too: the key of an application shows who is meant. */
static const char *const runrun_claimed[] = { "/api/me", "/api/users", NULL };

static bool runrun_claims(const struct http_api *api, const struct http_request *req)
{
    (void)api;
    return http_has_header(req, "App-Key");
}

/* On the hosts of this API all of /api belongs to it, so that a misspelt path is an error in JSON. */
static const char *const runrun_home_prefixes[] = { "/api", NULL };

err_t runrun_open(struct runrun *r, struct core *core, const struct runrun_options *options,
                  const struct link_base *links, struct log *log, struct arena *a)
{
    *r = (struct runrun){ .core = core, .options = *options, .links = links, .log = log };
    arena_init(&r->arena);
    sigv4_key_cache_init(&r->key_cache);
    r->signer.cache = &r->key_cache;
    rate_limit_init(&r->rate, core->clock, options->rate_limit, 60000);
    r->signer.region = options->region;
    seal_derive(core->seal, S("links of runrun"), r->link_key);
    err_t e = runrun_boards_read(options->boards, &r->arena, &r->boards);
    if (!e)
        e = link_bucket_open(core, options->bucket, &r->signer, &r->arena, &r->bucket);
    e = err_copy(a, e);
    if (e)
        runrun_close(r);
    return e;
}

void runrun_reload(const struct http_api *api)
{
    struct runrun *r = api->context;
    rate_limit_set(&r->rate, LIVE(r->options.rate_limit), 60000);
}

void runrun_close(struct runrun *r)
{
    if (!r->core)
        return;
    rate_limit_release(&r->rate);
    sigv4_key_cache_release(&r->key_cache);
    arena_release(&r->arena);
    explicit_bzero(r, sizeof *r);
}

struct http_api runrun_api(struct runrun *r)
{
    return (struct http_api){
        .name = "runrun",
        .routes = runrun_routes,
        .route_count = LENGTH_OF(runrun_routes),
        .prefixes = runrun_prefixes,
        .home_prefixes = runrun_home_prefixes,
        .claimed_prefixes = runrun_claimed,
        .claims = runrun_claims,
        .guard = runrun_guard,
        .fail = runrun_fail,
        .context = r,
    };
}

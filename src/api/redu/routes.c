/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/json_reply.h"
#include "api/kit/link_bucket.h"
#include "api/redu/handlers_priv.h"
#include "api/redu/oauth_priv.h"
#include "api/redu/redu_priv.h"

#include <string.h>

/* Answered on the loop: they read some rows by key. */
#define READ (HTTP_ON_LOOP | HTTP_NO_BODY)
/* They read a row for each course of an environment or of a person, which is too long for a loop when there are many. */
#define SCAN HTTP_NO_BODY
#define LIST HTTP_NO_BODY
#define REMOVE HTTP_NO_BODY
#define BODY_MAX ((size_t)64 * 1024)       /* some texts, the longest of 1,000 characters */
#define OAUTH_BODY_MAX ((size_t)32 * 1024) /* anybody may send one */

static const struct http_route redu_routes[] = {
    { "GET", "/api/folders/{id}", redu_folder_get, READ, 0, "§6.1", 0 },
    { "GET", "/api/folders/{id}/folders", redu_folder_folders, LIST, 0, "§6.2", 0 },
    { "GET", "/api/spaces/{id}/folders", redu_space_folders, LIST, 0, "§6.3", 0 },
    { "POST", "/api/folders/{id}/folders", redu_folder_create, 0, BODY_MAX, "§6.4", 0 },
    { "PUT", "/api/folders/{id}", redu_folder_update, 0, BODY_MAX, "§6.5", 0 },
    { "DELETE", "/api/folders/{id}", redu_folder_delete, REMOVE, 0, "§6.6", 0 },
    { "GET", "/api/folders/{id}/files", redu_folder_files, LIST, 0, "§6.7", 0 },
    { "POST", "/api/folders/{id}/files", redu_file_upload, HTTP_STREAM, 0, "§6.8", 0 },
    { "GET", "/api/files/{id}", redu_file_get, READ, 0, "§6.9", 0 },
    { "DELETE", "/api/files/{id}", redu_file_delete, REMOVE, 0, "§6.10", 0 },

    { "GET", "/api/me", redu_me, READ, 0, "§8", 0 },
    { "GET", "/api/users/{id}", redu_user_get, SCAN, 0, "§8", 0 },
    { "GET", "/api/users/{id}/enrollments", redu_user_enrollments, LIST, 0, "§8", 0 },
    { "GET", "/api/users/{id}/spaces", redu_user_spaces, LIST, 0, "§8", 0 },
    { "GET", "/api/users/{id}/statuses", redu_user_nothing, SCAN, 0, "§5.4", 0 },
    { "GET", "/api/users/{id}/statuses/timeline", redu_user_nothing, SCAN, 0, "§5.4", 0 },
    { "GET", "/api/users/{id}/contacts", redu_user_nothing, SCAN, 0, "§5.4", 0 },
    { "GET", "/api/users/{id}/chats", redu_user_nothing, SCAN, 0, "§5.4", 0 },
    { "GET", "/api/users/{id}/connections", redu_user_nothing, SCAN, 0, "§5.4", 0 },
    { "GET", "/api/environments", redu_environment_list, LIST, 0, "§8", 0 },
    { "POST", "/api/environments", redu_environment_create, 0, BODY_MAX, "§8", 0 },
    { "GET", "/api/environments/{id}", redu_environment_get, SCAN, 0, "§8", 0 },
    { "PUT", "/api/environments/{id}", redu_environment_update, 0, BODY_MAX, "§8", 0 },
    { "DELETE", "/api/environments/{id}", redu_environment_delete, REMOVE, 0, "§8", 0 },
    { "GET", "/api/environments/{id}/courses", redu_environment_courses, LIST, 0, "§8", 0 },
    { "POST", "/api/environments/{id}/courses", redu_course_create, 0, BODY_MAX, "§8", 0 },
    { "GET", "/api/courses/{id}", redu_course_get, READ, 0, "§8", 0 },
    { "PUT", "/api/courses/{id}", redu_course_update, 0, BODY_MAX, "§8", 0 },
    { "DELETE", "/api/courses/{id}", redu_course_delete, REMOVE, 0, "§8", 0 },
    { "GET", "/api/courses/{id}/spaces", redu_course_spaces, LIST, 0, "§8", 0 },
    { "POST", "/api/courses/{id}/spaces", redu_space_create, 0, BODY_MAX, "§8", 0 },
    { "GET", "/api/courses/{id}/users", redu_course_users, LIST, 0, "§8", 0 },
    { "GET", "/api/courses/{id}/enrollments", redu_course_enrollments, LIST, 0, "§8", 0 },
    { "POST", "/api/courses/{id}/enrollments", redu_enrollment_create, 0, BODY_MAX, "§8", 0 },
    { "GET", "/api/spaces/{id}", redu_space_get, READ, 0, "§8", 0 },
    { "PUT", "/api/spaces/{id}", redu_space_update, 0, BODY_MAX, "§8", 0 },
    { "DELETE", "/api/spaces/{id}", redu_space_delete, REMOVE, 0, "§8", 0 },
    { "GET", "/api/spaces/{id}/users", redu_space_users, LIST, 0, "§8", 0 },
    { "GET", "/api/spaces/{id}/subjects", redu_space_nothing, READ, 0, "§5.4", 0 },
    { "GET", "/api/spaces/{id}/statuses", redu_space_nothing, READ, 0, "§5.4", 0 },
    { "GET", "/api/spaces/{id}/statuses/timeline", redu_space_nothing, READ, 0, "§5.4", 0 },
    { "GET", "/api/spaces/{id}/canvas", redu_space_nothing, READ, 0, "§5.4", 0 },
    { "GET", "/api/enrollments/{id}", redu_enrollment_get, READ, 0, "§8", 0 },
    { "PUT", "/api/enrollments/{id}", redu_enrollment_update, 0, BODY_MAX, "§8", 0 },
    { "DELETE", "/api/enrollments/{id}", redu_enrollment_delete, REMOVE, 0, "§8", 0 },

    { "GET", "/oauth/authorize", redu_authorize_show, HTTP_PUBLIC | HTTP_NO_BODY, 0, "§2.2", 0 },
    { "POST", "/oauth/authorize", redu_authorize_answer, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.3", 0 },
    { "POST", "/oauth/token", redu_token, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.4", 0 },
    { "GET", "/oauth/token", redu_token, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.4", 0 },
    { "PUT", "/oauth/token", redu_token, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.4", 0 },
    { "PATCH", "/oauth/token", redu_token, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.4", 0 },
    { "DELETE", "/oauth/token", redu_token, HTTP_PUBLIC, OAUTH_BODY_MAX, "§2.4", 0 },
};

static const char *const redu_prefixes[] = { "/api", "/oauth", NULL };

/* ---- OPTIONS ---- */

/* Any page may use the API, with the token that it has: there are no cookies. Source: docs/apis/redu.md §1. */
static err_t answer_preflight(struct http_exchange *x)
{
    slice headers = http_header(&x->req, "Access-Control-Request-Headers");
    http_reply_header(x, "Access-Control-Allow-Origin", S("*"));
    http_reply_header(x, "Access-Control-Allow-Methods", S("GET, POST, PUT, DELETE"));
    http_reply_header(x, "Access-Control-Allow-Headers", headers.n ? headers : S("*"));
    http_reply_header(x, "Access-Control-Max-Age", S("1728000"));
    http_reply(x, 200, NULL, S(""));
    return NULL;
}

/* Pages of other sites have no business with logins and secrets: no header allows them. */
static err_t answer_options(struct http_exchange *x)
{
    http_reply(x, 200, NULL, S(""));
    return NULL;
}

static bool has_path(const struct http_route *routes, size_t count, const char *pattern)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].pattern, pattern) == 0)
            return true;
    return false;
}

/* The routes, and OPTIONS for each path. */
static void make_routes(struct redu *r)
{
    size_t n = LENGTH_OF(redu_routes);
    r->routes = arena_array(&r->arena, struct http_route, 2 * n);
    memcpy(r->routes, redu_routes, sizeof redu_routes);
    r->route_count = n;
    for (size_t i = 0; i < n; i++) {
        const char *pattern = redu_routes[i].pattern;
        bool is_api = slice_starts(slice_of(pattern), S("/api"));
        if (!has_path(r->routes + n, r->route_count - n, pattern))
            r->routes[r->route_count++] = (struct http_route){ .method = "OPTIONS",
                                                               .pattern = pattern,
                                                               .handle = is_api ? answer_preflight : answer_options,
                                                               .flags = HTTP_PUBLIC | HTTP_ON_LOOP | HTTP_NO_BODY,
                                                               .spec = "§4" };
    }
}

/* ---- opening ---- */

err_t redu_open(struct redu *r, struct core *core, const struct redu_options *options, const struct link_base *links,
                struct log *log, struct arena *a)
{
    *r = (struct redu){ .core = core, .options = *options, .links = links, .log = log };
    arena_init(&r->arena);
    r->signer.region = options->region;
    sigv4_key_cache_init(&r->key_cache);
    r->signer.cache = &r->key_cache;
    make_routes(r);
    err_t e = link_bucket_open(core, options->bucket, &r->signer, &r->arena, &r->bucket);
    e = err_copy(a, e);
    if (e)
        redu_close(r);
    return e;
}

void redu_close(struct redu *r)
{
    if (!r->core)
        return;
    sigv4_key_cache_release(&r->key_cache);
    arena_release(&r->arena);
    explicit_bzero(r, sizeof *r);
}

struct http_api redu_api(struct redu *r)
{
    return (struct http_api){
        .name = "redu",
        .routes = r->routes,
        .route_count = r->route_count,
        .prefixes = redu_prefixes,
        .path_suffix = REDU_PATH_SUFFIX,
        .hides_targets = true, /* tokens come in queries, and people paste PINs into paths */
        .guard = redu_guard,
        .fail = redu_fail,
        .context = r,
    };
}

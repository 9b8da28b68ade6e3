/* SPDX-License-Identifier: Apache-2.0 */
/* Each path has one handler, because X-HTTP-Method-Override may make any method count as another one (tus, "Headers"). Every
 * route is HTTP_STREAM: which of them has a body is known when its head has been read. */
#include "api/kit/caller.h"
#include "api/resumable/call.h"

static const struct caller_rules caller_rules = {
    .purpose = ORIGIN,
    .errors = &resumable_errors,
    .no_token = RESUMABLE_NO_TOKEN,
    .no_csrf_token = RESUMABLE_NO_CSRF_TOKEN,
    .admits_links = true,
};

static err_t resumable_guard(struct http_exchange *x)
{
    const struct resumable *r = x->api->context;
    call_begin(x);
    call_add_headers(x);
    TRY(caller_admit(x, r->core, &caller_rules, call_of(x)->method));
    return call_check_head(x);
}

static bool counts_as(const struct http_exchange *x, const char *method)
{
    return slice_eq(call_of(x)->method, slice_of(method));
}

static err_t refuse_method(struct http_exchange *x, slice allowed)
{
    http_reply_header(x, "Allow", allowed);
    return resumable_refuse(&x->arena, RESUMABLE_METHOD);
}

static err_t handle_uploads(struct http_exchange *x)
{
    if (counts_as(x, "POST"))
        return create_upload(x);
    if (counts_as(x, "OPTIONS"))
        return show_options(x);
    if (counts_as(x, "GET") || counts_as(x, "HEAD")) {
        http_collect(x, HTTP_LANE_ORDINARY, 0, list_uploads);
        return NULL;
    }
    return refuse_method(x, S("POST, GET, HEAD, OPTIONS"));
}

static err_t handle_upload(struct http_exchange *x)
{
    if (counts_as(x, "PATCH"))
        return append_upload(x);
    if (counts_as(x, "OPTIONS"))
        return show_options(x);
    err_t (*handle)(struct http_exchange *) = counts_as(x, "GET") || counts_as(x, "HEAD") ? show_upload
                                              : counts_as(x, "DELETE")                    ? remove_upload
                                                                                          : NULL;
    if (!handle)
        return refuse_method(x, S("GET, HEAD, PATCH, DELETE, OPTIONS"));
    http_collect(x, HTTP_LANE_ORDINARY, 0, handle);
    return NULL;
}

static const struct http_route routes[] = {
    { "OPTIONS", UPLOADS_PATH, show_options, HTTP_ON_LOOP | HTTP_NO_BODY | HTTP_PUBLIC, 0, "OPTIONS" },
    { "OPTIONS", UPLOADS_PATH "/{id}", show_options, HTTP_ON_LOOP | HTTP_NO_BODY | HTTP_PUBLIC, 0, "OPTIONS" },
    { "POST", UPLOADS_PATH, handle_uploads, HTTP_STREAM, 0, "POST /v1/native/uploads" },
    { "PUT", UPLOADS_PATH, handle_uploads, HTTP_STREAM, 0, "X-HTTP-Method-Override" },
    { "PATCH", UPLOADS_PATH, handle_uploads, HTTP_STREAM, 0, "X-HTTP-Method-Override" },
    { "DELETE", UPLOADS_PATH, handle_uploads, HTTP_STREAM, 0, "X-HTTP-Method-Override" },
    { "GET", UPLOADS_PATH, handle_uploads, HTTP_STREAM, 0, "GET /v1/native/uploads" },
    { "PATCH", UPLOADS_PATH "/{id}", handle_upload, HTTP_STREAM, 0, "PATCH /v1/native/uploads/{id}" },
    { "GET", UPLOADS_PATH "/{id}", handle_upload, HTTP_STREAM, 0, "HEAD and GET /v1/native/uploads/{id}" },
    { "DELETE", UPLOADS_PATH "/{id}", handle_upload, HTTP_STREAM, 0, "DELETE /v1/native/uploads/{id}" },
    { "POST", UPLOADS_PATH "/{id}", handle_upload, HTTP_STREAM, 0, "X-HTTP-Method-Override" },
    { "PUT", UPLOADS_PATH "/{id}", handle_upload, HTTP_STREAM, 0, "X-HTTP-Method-Override" },
};

static const char *const prefixes[] = { UPLOADS_PATH, NULL };

struct http_api resumable_api(struct resumable *r)
{
    return (struct http_api){ .name = "resumable",
                              .routes = routes,
                              .route_count = LENGTH_OF(routes),
                              .prefixes = prefixes,
                              .joins = ORIGIN,
                              .guard = resumable_guard,
                              .fail = resumable_fail,
                              .context = r };
}

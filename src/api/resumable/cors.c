/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resumable/cors.h"

#include "api/resumable/resumable.h"

#define METHODS "POST, GET, HEAD, PATCH, DELETE, OPTIONS"
#define REQUEST_HEADERS                                                                                                \
    "Authorization, Content-Type, Content-Disposition, Content-Digest, Repr-Digest, Want-Repr-Digest, Tus-Resumable, " \
    "Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Checksum, "             \
    "Upload-Complete, Upload-Draft-Interop-Version, X-HTTP-Method-Override, X-Requested-With, X-Request-ID"
#define REPLY_HEADERS                                                                                                  \
    "Location, Content-Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, "    \
    "Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Expires, "              \
    "Upload-Complete, Upload-Limit, Repr-Digest, X-Request-Id"

/* The value of Access-Control-Allow-Origin; empty: the page may not read the reply. */
static slice allowed_origin(const struct http_exchange *x)
{
    const struct resumable *r = x->api->context;
    slice origin = http_header(&x->req, "Origin");
    for (size_t i = 0; origin.n && i < r->options.cors_origins.count; i++) {
        slice allowed = r->options.cors_origins.items[i];
        if (slice_eq(allowed, S("*")) || slice_eq_nocase(allowed, origin))
            return slice_eq(allowed, S("*")) ? allowed : origin;
    }
    return S("");
}

void cors_add_headers(struct http_exchange *x)
{
    const struct resumable *r = x->api->context;
    slice origin = allowed_origin(x);
    if (r->options.cors_origins.count)
        http_reply_header(x, "Vary", S("Origin"));
    if (!origin.n)
        return;
    http_reply_header(x, "Access-Control-Allow-Origin", origin);
    http_reply_header(x, "Access-Control-Expose-Headers", S(REPLY_HEADERS));
    if (!slice_eq(x->req.method, S("OPTIONS")))
        return;
    http_reply_header(x, "Access-Control-Allow-Methods", S(METHODS));
    http_reply_header(x, "Access-Control-Allow-Headers", S(REQUEST_HEADERS));
    http_reply_header(x, "Access-Control-Max-Age", S("86400"));
}

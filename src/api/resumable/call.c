/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resumable/call.h"

#include "api/kit/file_object.h"
#include "api/resumable/cors.h"
#include "base/config_key.h"
#include "base/live.h"
#include "base/text.h"
#include "http/structured_field.h"

#define METHOD_OVERRIDE "X-HTTP-Method-Override"

/* A request is of tus if it has one of these; HEAD, GET and DELETE without any are of the other protocol, whose final form has no
 * header of its own. Upload-Length and Upload-Offset belong to both. tus-js-client sends Upload-Metadata and Upload-Defer-Length
 * also when it speaks the other one: with Upload-Complete only Tus-Resumable counts. */
static const char *const tus_headers[] = { "Tus-Resumable", "Upload-Defer-Length", "Upload-Concat", "Upload-Metadata",
                                           "Upload-Checksum" };

enum protocol call_protocol(const struct http_request *req)
{
    if (http_has_header(req, "Upload-Complete"))
        return http_has_header(req, "Tus-Resumable") ? PROTOCOL_TUS : PROTOCOL_IETF;
    for (size_t i = 0; i < LENGTH_OF(tus_headers); i++)
        if (http_has_header(req, tus_headers[i]))
            return PROTOCOL_TUS;
    return slice_eq_nocase(http_header(req, "Content-Type"), S(TUS_CONTENT_TYPE)) ? PROTOCOL_TUS : PROTOCOL_IETF;
}

slice call_method(const struct http_request *req)
{
    slice override = http_header(req, METHOD_OVERRIDE);
    return override.n ? override : req->method;
}

void call_begin(struct http_exchange *x)
{
    struct call *call = arena_new(&x->arena, struct call);
    call->api = x->api->context;
    call->protocol = call_protocol(&x->req);
    call->method = call_method(&x->req);
    x->work = call;
}

static bool call_is_repeated(const struct http_request *req, const char *header)
{
    size_t count = 0;
    for (size_t i = 0; i < req->header_count; i++)
        count += slice_eq_nocase(req->headers[i].name, slice_of(header));
    return count > 1;
}

/* Which of two values counts must not depend on who reads them. Fields of the draft are joined, and then are no Items. */
static err_t check_repeated(struct http_exchange *x)
{
    bool is_repeated = call_is_repeated(&x->req, METHOD_OVERRIDE);
    for (size_t i = 0; i < LENGTH_OF(tus_headers); i++)
        is_repeated = is_repeated || call_is_repeated(&x->req, tus_headers[i]);
    return is_repeated ? resumable_refuse(&x->arena, RESUMABLE_REPEATED) : NULL;
}

err_t call_check_head(struct http_exchange *x)
{
    TRY(check_repeated(x));
    if (call_of(x)->protocol != PROTOCOL_TUS || slice_eq(http_header(&x->req, "Tus-Resumable"), S(TUS_VERSION)))
        return NULL;
    http_reply_header(x, "Tus-Version", S(TUS_VERSION));
    return resumable_refuse(&x->arena, RESUMABLE_VERSION);
}

/* ---- headers ---- */

/* tus: digits alone, once. More digits than any number of bytes has are no number. */
static bool read_tus_bytes(const struct http_request *req, const char *header, int64_t *ret)
{
    slice value = http_header(req, header);
    bool is_number = value.n >= 1 && value.n <= 18 && !call_is_repeated(req, header);
    for (size_t i = 0; is_number && i < value.n; i++)
        is_number = value.p[i] >= '0' && value.p[i] <= '9';
    return is_number && slice_to_i64(value, ret);
}

/* The draft wants a header ignored whose value is none. */
static int64_t read_ietf_bytes(struct http_exchange *x, const char *header)
{
    int64_t n;
    return sf_integer(sf_field(&x->req, header, &x->arena), &n) && n >= 0 ? n : -1;
}

err_t call_read_bytes(struct http_exchange *x, const char *header, int row, int64_t *ret)
{
    *ret = -1;
    if (call_of(x)->protocol == PROTOCOL_IETF)
        *ret = read_ietf_bytes(x, header);
    else if (http_has_header(&x->req, header) && !read_tus_bytes(&x->req, header, ret))
        return error_refuse_at(&x->arena, ERR_HERE, &resumable_errors, NULL, row);
    return NULL;
}

void call_put_number(struct http_exchange *x, const char *header, int64_t n)
{
    http_reply_header(x, header, arena_printf(&x->arena, "%lld", (long long)n));
}

err_t call_refuse_offset(struct http_exchange *x, int64_t expected, int64_t provided)
{
    struct call *call = call_of(x);
    call->has_offsets = true;
    call->expected_offset = expected;
    call->provided_offset = provided;
    call_put_number(x, "Upload-Offset", expected);
    return resumable_refuse(&x->arena, RESUMABLE_OFFSET);
}

void call_add_headers(struct http_exchange *x)
{
    if (call_protocol(&x->req) == PROTOCOL_TUS)
        http_reply_header(x, "Tus-Resumable", S(TUS_VERSION));
    cors_add_headers(x);
}

void call_add_location(struct http_exchange *x, slice name)
{
    slice parts[] = { S(UPLOADS_PATH "/"), name };
    http_reply_header(x, "Location", arena_join(&x->arena, parts, LENGTH_OF(parts)));
}

void call_add_expiry(struct http_exchange *x, const struct transfer *t)
{
    if (!t->finished_at_ms || t->is_part)
        http_reply_header(x, "Upload-Expires", time_format_http(&x->arena, t->expires_at_ms));
}

void call_add_file(struct http_exchange *x, const struct transfer *t)
{
    if (t->finished_at_ms && !t->is_part && !t->link_id)
        http_reply_header(x, "Content-Location", file_object_location(t->file_uuid, &x->arena));
}

slice call_limits(struct http_exchange *x, const struct transfer *t)
{
    const struct resumable *r = x->api->context;
    struct arena *a = &x->arena;
    int64_t age_ms = t ? t->expires_at_ms - core_now_ms(r->core) : LIVE(r->options.expiry_ms);
    slice size = LIVE(r->options.max_file_bytes)
                     ? arena_printf(a, ", max-size=%lld", (long long)LIVE(r->options.max_file_bytes))
                     : S("");
    return arena_printf(a, "min-size=0" SLICE_FMT ", max-age=%lld", SLICE_ARG(size),
                        (long long)(age_ms > 0 ? age_ms / SECOND : 0));
}

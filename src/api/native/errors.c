/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/native_priv.h"

#include "base/json.h"

#define RETRY_AFTER_SECONDS S("5")

/* A row without a text replies with the message of core's error. */
const struct vendor_error native_errors[ERR_CODE_COUNT] = {
    [ERR_NOT_FOUND] = { 404, "not_found", "no such file" },
    [ERR_EXPIRED] = { 401, "unauthenticated", "the token has expired" },
    [ERR_REVOKED] = { 401, "unauthenticated", "the token was revoked" },
    [ERR_BLOCKED] = { 403, "forbidden", "the user is disabled" },
    [ERR_UNAUTHENTICATED] = { 401, "unauthenticated", "a valid token is required" },
    [ERR_FORBIDDEN] = { 403, "forbidden", "not allowed" },
    [ERR_INVALID] = { 400, "invalid", NULL },
    [ERR_CONFLICT] = { 409, "conflict", NULL },
    [ERR_TOO_LARGE] = { 413, "too_large", NULL },
    [ERR_EMPTY] = { 400, "invalid", NULL },
    [ERR_DIGEST] = { 422, "digest_mismatch", NULL },
    [ERR_TRUNCATED] = { 400, "invalid", "the body ended early" },
    [ERR_QUOTA] = { 507, "quota", "the account's quota is used up" },
    [ERR_NO_SPACE] = { 507, "no_space", "the server has no space left" },
    [ERR_RATE] = { 429, "rate_limited", "too many requests" },
    [ERR_UNAVAILABLE] = { 503, "unavailable", "the server cannot do this now; try again" },
    [ERR_CORRUPT] = { 500, "corrupt", "what was stored is damaged" },
    [ERR_UNSUPPORTED] = { 501, "unsupported", "not offered" },
};

static void reply_native_error(struct http_exchange *x, int status, const char *code, const char *text)
{
    struct buf *body = arena_new(&x->arena, struct buf);
    buf_init(body, 0);
    struct json_out o;
    json_out_init(&o, body);
    json_open_object(&o);
    json_name(&o, "error");
    json_open_object(&o);
    json_put_string(&o, "code", slice_of(code));
    json_put_string(&o, "message", slice_of(text));
    json_put_string(&o, "request_id", x->req.id);
    json_close_object(&o);
    json_close_object(&o);
    slice text_out = arena_copy(&x->arena, buf_slice(body));
    buf_release(body);
    http_reply(x, status, "application/json", text_out);
}

static void log_native_failure(struct http_exchange *x, err_t e)
{
    const struct native_api *api = x->api->context;
    if (api->log)
        log_line(api->log, LOG_ERROR, "request failed", LOG_S("request_id", x->req.id),
                 LOG_S("kind", slice_of(err_code_name(e->code))), LOG_S("error", err_text(&x->arena, e)),
                 LOG_S("where", slice_of(e->where)));
}

static void reply_native_refusal(struct http_exchange *x, const struct http_refusal_row *refusal, err_t e)
{
    static const char *const codes[] = {
        [-ERR_REASONS_HTTP + HTTP_REFUSE_MALFORMED] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_NO_ROUTE] = "not_found",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_METHOD] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_BODY_TOO_LARGE] = "too_large",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_BODY_CUT] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_HEAD_TOO_LARGE] = "too_large",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_EXPECTATION] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_NOT_IMPLEMENTED] = "unsupported",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_VERSION] = "unsupported",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_TIMEOUT] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_RANGE] = "invalid",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_PRECONDITION] = "conflict",
        [-ERR_REASONS_HTTP + HTTP_REFUSE_BUSY] = "unavailable",   [-ERR_REASONS_HTTP + HTTP_REFUSE_MULTIPART] = "invalid",
    };
    reply_native_error(x, refusal->status, codes[e->reason - ERR_REASONS_HTTP], e->msg);
}

void native_fail(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    if (refusal) {
        reply_native_refusal(x, refusal, e);
        return;
    }
    const struct vendor_error *row = &native_errors[e->code];
    if (row->status >= 500 && !err_is(e, ERR_UNSUPPORTED) && !err_is(e, ERR_QUOTA))
        log_native_failure(x, e);
    if (row->status == 401)
        http_reply_header(x, "WWW-Authenticate", S("Bearer"));
    if (row->status == 503 || row->status == 429)
        http_reply_header(x, "Retry-After", RETRY_AFTER_SECONDS);
    reply_native_error(x, row->status, row->code, row->text ? row->text : e->msg);
}

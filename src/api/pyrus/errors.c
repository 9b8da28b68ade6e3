/* SPDX-License-Identifier: Apache-2.0 */
/* A lack of permission is never 401: on 401 one client logs in and repeats the request without end (docs/apis/pyrus.md
 * §3). */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/pyrus_priv.h"
#include "api/pyrus/rate_priv.h"
#include "base/json.h"

const struct vendor_error pyrus_vendor_errors[PYRUS_ERROR_COUNT] = {
#define PYRUS(name, status, code, text) [PYRUS_##name] = { status, code, text },
#include "api/pyrus/errors.def"
#undef PYRUS
};

const enum pyrus_error pyrus_of_err[ERR_CODE_COUNT] = {
    [ERR_NOT_FOUND] = PYRUS_INVALID_INPUT,
    [ERR_EXPIRED] = PYRUS_EXPIRED_TOKEN,
    [ERR_REVOKED] = PYRUS_REVOKED_TOKEN,
    [ERR_BLOCKED] = PYRUS_ACCOUNT_BLOCKED,
    [ERR_UNAUTHENTICATED] = PYRUS_INVALID_TOKEN,
    [ERR_FORBIDDEN] = PYRUS_ACCESS_DENIED_TASK,
    [ERR_INVALID] = PYRUS_INVALID_VALUE_FORMAT,
    [ERR_CONFLICT] = PYRUS_CONFLICT,
    [ERR_TOO_LARGE] = PYRUS_TOO_LARGE_REQUEST_LENGTH,
    [ERR_EMPTY] = PYRUS_EMPTY_BODY,
    [ERR_DIGEST] = PYRUS_BAD_MULTIPART_CONTENT,
    [ERR_TRUNCATED] = PYRUS_BAD_MULTIPART_CONTENT,
    [ERR_QUOTA] = PYRUS_OVER_QUOTA,
    [ERR_NO_SPACE] = PYRUS_SERVER_BUSY,
    [ERR_RATE] = PYRUS_TOO_MANY_REQUESTS,
    [ERR_UNAVAILABLE] = PYRUS_SERVER_BUSY,
    [ERR_CORRUPT] = PYRUS_SERVER_ERROR,
    [ERR_UNSUPPORTED] = PYRUS_BAD_MULTIPART_CONTENT,
};

const enum pyrus_error pyrus_of_reason[REASON_END] = {
    [REASON_TASK_NOT_VISIBLE] = PYRUS_ACCESS_DENIED_TASK,
    [REASON_TASK_NOTHING_SAID] = PYRUS_TEXT_MISSING,
    [REASON_TASK_BAD_ATTACHMENT] = PYRUS_UNRECOGNIZED_ATTACHMENT_ID,
    [REASON_TASK_BAD_PERSON] = PYRUS_INVALID_PERSON_ID,
    [REASON_TASK_BAD_DOCUMENT] = PYRUS_UNRECOGNIZED_ATTACHMENT_ID,
    [REASON_TASK_BAD_COMMENT] = PYRUS_INVALID_VALUE_FORMAT,
    [REASON_TASK_TOO_MANY_REFERENCES] = PYRUS_TOO_MANY_ATTACHMENTS,
    [REASON_TASK_TOO_MANY_COMMENTS] = PYRUS_TOO_MANY_COMMENTS,
    [REASON_TASK_TOO_MUCH_TEXT] = PYRUS_TOO_MUCH_TEXT,
    [REASON_TASK_MAY_NOT_CLOSE] = PYRUS_ACCESS_DENIED_CLOSE_TASK,
    [REASON_TASK_MAY_NOT_REOPEN] = PYRUS_ACCESS_DENIED_REOPEN_TASK,
    [REASON_TASK_MAY_NOT_EDIT] = PYRUS_ACCESS_DENIED_TASK,
    [REASON_TASK_MAY_NOT_REMOVE] = PYRUS_ACCESS_DENIED_TASK,
};

/* Replies {"error_code": …, "error": …}. For an unknown path or method it adds "Message", which one client reads. */
static void reply_pyrus_error(struct http_exchange *x, int status, const char *code, const char *text,
                              bool with_message)
{
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out out;
    json_out_init(&out, &body);
    json_open_object(&out);
    json_put_string(&out, "error_code", slice_of(code));
    json_put_string(&out, "error", slice_of(text));
    if (with_message)
        json_put_string(&out, "Message", slice_of(text));
    json_close_object(&out);
    if (!x->principal)
        pyrus_rate_headers(x);
    /* No handler will read the body of this upload. A short one is drained; for a long one the connection is closed. */
    bool unread = x->route && x->route->flags & HTTP_STREAM &&
                  (x->req.content_length < 0 || x->req.content_length > PYRUS_DRAIN_MAX);
    (unread ? http_reply_close : http_reply)(x, status, "application/json; charset=utf-8",
                                             arena_copy(&x->arena, buf_slice(&body)));
}

void pyrus_fail(struct http_exchange *x, enum pyrus_error error)
{
    const struct vendor_error *row = &pyrus_vendor_errors[error];
    reply_pyrus_error(x, row->status, row->code, row->text,
                      error == PYRUS_INVALID_INPUT || error == PYRUS_METHOD_NOT_ALLOWED);
}

void pyrus_log(struct http_exchange *x, err_t e)
{
    if (pyrus_of(x)->log)
        log_line(pyrus_of(x)->log, LOG_ERROR, "request failed", LOG_S("request_id", x->req.id),
                 LOG_S("kind", slice_of(err_code_name(e->code))), LOG_S("error", err_text(&x->arena, e)),
                 LOG_S("where", slice_of(e->where)));
}

static void reply_refusal(struct http_exchange *x, const struct http_refusal_row *refusal, err_t e)
{
    switch (e->reason) {
    case HTTP_REFUSE_NO_ROUTE:
        pyrus_fail(x, PYRUS_INVALID_INPUT);
        break;
    case HTTP_REFUSE_METHOD:
        pyrus_fail(x, PYRUS_METHOD_NOT_ALLOWED);
        break;
    case HTTP_REFUSE_BODY_TOO_LARGE:
        pyrus_fail(x, PYRUS_TOO_LARGE_REQUEST_LENGTH);
        break;
    case HTTP_REFUSE_BUSY:
        pyrus_fail(x, PYRUS_SERVER_BUSY);
        break;
    default:
        reply_pyrus_error(x, refusal->status, "invalid_input", e->msg, false);
    }
}

err_t pyrus_refuse(struct arena *a, enum pyrus_error error)
{
    return err_refuse(a, ERR_INVALID, ERR_REASONS_API + (int)error, "%s", pyrus_vendor_errors[error].text);
}

void pyrus_fail_err(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    if (refusal) {
        reply_refusal(x, refusal, e);
        return;
    }
    enum pyrus_error error =
        e->reason >= ERR_REASONS_API ? (enum pyrus_error)(e->reason - ERR_REASONS_API) : pyrus_of_reason[e->reason];
    if (!error)
        error = pyrus_of_err[e->code];
    if (pyrus_vendor_errors[error].status >= 500)
        pyrus_log(x, e);
    pyrus_fail(x, error);
}

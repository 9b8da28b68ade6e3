/* SPDX-License-Identifier: Apache-2.0 */
/* An error document quotes parts of the request, which may be hostile; so every value is made safe first. While a
 * client is unauthenticated, the document shows nothing but that fact. */
#include "api/s3/error_reply_priv.h"

#include "api/s3/call_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"

#include <string.h>

/* XML 1.0 allows only three control characters. */
static void add_safe_text(struct buf *b, struct arena *a, const char *name, slice value)
{
    char *clean = arena_cstr(a, value);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)clean[i] < ' ' && clean[i] != '\n' && clean[i] != '\t')
            clean[i] = '?';
    bool readable = slice_is_utf8(value);
    xml_text(b, name, readable ? (slice){ clean, value.n } : percent_encode(a, value, "/ "));
}

static void reply_error(struct http_exchange *x, struct s3_call *call, enum s3_error error, slice text)
{
    if (call && call->verify_late) { /* the client stays unauthenticated: do not tell it what is wrong */
        error = S3_NO_PAYLOAD_DIGEST;
        text = S("");
        call->detail_count = 0;
    }
    const struct vendor_error *row = &s3_vendor_errors[error];
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    if (!call)
        s3_common_headers(x);
    if (slice_eq(x->req.method, S("HEAD"))) {
        http_reply(x, row->status, "application/xml", S(""));
        return;
    }
    xml_begin(&b);
    xml_open(&b, "Error");
    xml_text(&b, "Code", slice_of(row->code));
    add_safe_text(&b, &x->arena, "Message", text.n ? text : slice_of(row->text));
    for (size_t i = 0; call && i < call->detail_count; i++)
        add_safe_text(&b, &x->arena, call->details[i].name, call->details[i].value);
    if (x->req.path.n)
        add_safe_text(&b, &x->arena, "Resource", x->req.path);
    xml_text(&b, "RequestId", x->req.id);
    xml_text(&b, "HostId", S3_HOST_ID);
    xml_close(&b, "Error");
    http_reply(x, row->status, "application/xml", arena_copy(&x->arena, buf_slice(&b)));
}

void s3_fail(struct s3_call *call, enum s3_error error)
{
    reply_error(call->x, call, error, S(""));
}

void s3_fail_with_text(struct s3_call *call, enum s3_error error, slice text)
{
    reply_error(call->x, call, error, text);
}

void s3_log(struct s3 *s3, const struct http_exchange *x, err_t e)
{
    SCRATCH(scratch);
    if (s3->log)
        log_line(s3->log, LOG_ERROR, "request failed", LOG_S("request_id", x->req.id),
                 LOG_S("kind", slice_of(err_code_name(e->code))), LOG_S("error", err_text(&scratch, e)),
                 LOG_S("where", slice_of(e->where)));
}

err_t s3_err(struct s3_call *call, enum s3_error error, struct arena *a)
{
    call->why = error;
    return err_make(a, ERR_INVALID, "%s", s3_vendor_errors[error].text);
}

void s3_fail_err(struct s3_call *call, err_t e, enum s3_error not_found)
{
    enum s3_error error = call->why;
    if (!error)
        error = e->code == ERR_NOT_FOUND ? not_found : s3_of_err[e->code];
    int status = s3_vendor_errors[error].status;
    if (status >= 500 && status != 501) /* 501 is a refusal, not a failure */
        s3_log(call->s3, call->x, e);
    bool has_text = error == s3_of_err[ERR_INVALID] && !call->why;
    s3_fail_with_text(call, error, has_text ? slice_of(e->msg) : S(""));
}

void s3_fail_exchange(struct http_exchange *x, err_t e)
{
    struct s3_call *call = x->work; /* NULL: the engine refused the request before dispatch.c received it */
    if (!http_refusal_of(e)) {
        s3_fail_err(call, e, S3_NO_SUCH_KEY);
        return;
    }
    enum http_refusal refusal = (enum http_refusal)e->reason;
    enum s3_error error = s3_error_of_refusal(refusal);
    if (call && refusal == HTTP_REFUSE_RANGE)
        s3_detail(call, "RangeRequested", http_header(&x->req, "Range"));
    reply_error(x, call, error, error == S3_INVALID_REQUEST ? slice_of(e->msg) : S(""));
}

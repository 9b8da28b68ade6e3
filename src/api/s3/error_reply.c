/* SPDX-License-Identifier: Apache-2.0 */
/* The one reply to every error: an XML document. It quotes parts of the request, which may be hostile, so every value is
 * made safe first. While a client is unauthenticated, the document shows nothing but that fact, or that there are too many
 * of its kind, or too many requests at all. */
#include "api/kit/failure_log.h"
#include "api/s3/call_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"

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

static void write_document(struct buf *b, struct http_exchange *x, const struct s3_call *call, struct error_row words)
{
    xml_begin(b);
    xml_open(b, "Error");
    xml_text(b, "Code", slice_of(words.code));
    add_safe_text(b, &x->arena, "Message", slice_of(words.text));
    for (size_t i = 0; call && i < call->detail_count; i++)
        add_safe_text(b, &x->arena, call->details[i].name, call->details[i].value);
    if (x->req.path.n)
        add_safe_text(b, &x->arena, "Resource", x->req.path);
    xml_text(b, "RequestId", x->req.id);
    xml_text(b, "HostId", S3_HOST_ID);
    xml_close(b, "Error");
}

void s3_fail(struct http_exchange *x, err_t e)
{
    struct s3_call *call = x->work; /* NULL: the engine refused the request before dispatch.c received it */
    if (!call)
        s3_common_headers(x);
    else if (is_server_failure(e))
        log_failure(call->s3->log, x, e);
    /* The client stays unauthenticated: do not tell it what is wrong, but that it may send the same request later. */
    if (call && call->verify_late && !err_is(e, ERR_RATE) && err_reason(e) != HTTP_REFUSE_BUSY) {
        e = s3_refuse(&x->arena, S3_NO_PAYLOAD_DIGEST);
        call->detail_count = 0;
    }
    if (call && err_reason(e) == HTTP_REFUSE_RANGE)
        s3_show(call, e, "RangeRequested", http_header(&x->req, "Range"));
    struct error_row words = s3_words(e);
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &x->arena);
    if (!slice_eq(x->req.method, S("HEAD")))
        write_document(&b, x, call, words);
    http_reply(x, words.status, "application/xml", buf_give(&b, &x->arena));
}

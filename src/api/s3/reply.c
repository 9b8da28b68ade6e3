/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/reply_priv.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"

slice s3_owner_id(struct arena *a, int64_t user_id)
{
    return arena_printf(a, "%064llx", (unsigned long long)user_id);
}

void s3_put_owner(struct buf *b, const char *element, const struct principal *who, int64_t user_id)
{
    xml_open(b, element);
    buf_printf(b, "<ID>%064llx</ID>", (unsigned long long)user_id);
    if (user_id == who->user_id)
        xml_text(b, "DisplayName", who->login);
    xml_close(b, element);
}

void s3_put_etag(struct buf *b, slice etag)
{
    buf_add(b, S("<ETag>&quot;"));
    xml_add(b, etag);
    buf_add(b, S("&quot;</ETag>"));
}

void s3_put_name(struct buf *b, const char *element, slice name, bool url)
{
    SCRATCH(scratch);
    xml_text(b, element, url ? percent_encode(&scratch, name, "/") : name);
}

err_t s3_reply_status(struct s3_call *call, int status)
{
    http_reply(call->x, status, NULL, S(""));
    return NULL;
}

err_t s3_reply_xml(struct s3_call *call, struct buf *document)
{
    http_reply(call->x, 200, "application/xml", buf_give(document, &call->x->arena));
    return NULL;
}

slice s3_time(struct arena *a, int64_t ms)
{
    slice text = time_format_utc(a, ms); /* …:09Z */
    return arena_printf(a, SLICE_FMT ".%03dZ", SLICE_ARG(slice_part(text, 0, text.n - 1)), (int)(ms % 1000));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A form contains fields that select the reply: a redirection for browsers, or a status for programs. */
#include "api/s3/form_reply_priv.h"

#include "api/s3/call_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/xml.h"
#include "http/field.h"

static slice object_url(const struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    slice origin = link_origin(call->s3->links, &call->x->req, a), key = percent_encode(a, call->key, "/");
    if (call->virtual_host)
        return arena_printf(a, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(key));
    slice bucket = percent_encode(a, call->bucket, "");
    return arena_printf(a, SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(bucket), SLICE_ARG(key));
}

/* Empty: the form asks for no redirection, or for one to something that is not a web address, which S3 ignores. */
static slice redirect_url(const struct s3_call *call, const struct form_fields *f, slice etag)
{
    struct arena *a = &call->x->arena;
    slice url = form_value(f, S("success_action_redirect"));
    if (!url.n)
        url = form_value(f, S("redirect"));
    bool web = slice_starts_nocase(url, S("http://")) || slice_starts_nocase(url, S("https://"));
    if (!web || field_has_control(url) || slice_find_byte(url, ' ') != SLICE_NONE)
        return S("");
    slice page, fragment;
    bool has_fragment = slice_cut(url, '#', &page, &fragment);
    slice bucket = percent_encode(a, call->bucket, ""), key = percent_encode(a, call->key, "");
    slice sent = arena_printf(a, SLICE_FMT "%cbucket=" SLICE_FMT "&key=" SLICE_FMT "&etag=%%22" SLICE_FMT "%%22",
                              SLICE_ARG(page), slice_find_byte(page, '?') == SLICE_NONE ? '?' : '&', SLICE_ARG(bucket),
                              SLICE_ARG(key), SLICE_ARG(etag));
    return has_fragment ? arena_printf(a, SLICE_FMT "#" SLICE_FMT, SLICE_ARG(sent), SLICE_ARG(fragment)) : sent;
}

static void reply_created(struct s3_call *call, slice url, slice etag)
{
    struct http_exchange *x = call->x;
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &x->arena);
    xml_begin(&b);
    xml_open(&b, "PostResponse");
    xml_text(&b, "Location", url);
    xml_text(&b, "Bucket", call->bucket);
    xml_text(&b, "Key", call->key);
    xml_text(&b, "ETag", arena_printf(&x->arena, "\"" SLICE_FMT "\"", SLICE_ARG(etag)));
    xml_close(&b, "PostResponse");
    http_reply(x, 201, "application/xml", buf_give(&b, &x->arena));
}

void form_reply(struct s3_call *call, const struct form_fields *f, slice etag)
{
    struct http_exchange *x = call->x;
    slice url = object_url(call), redirect = redirect_url(call, f, etag),
          status = form_value(f, S("success_action_status"));
    http_reply_header(x, "ETag", arena_printf(&x->arena, "\"" SLICE_FMT "\"", SLICE_ARG(etag)));
    http_reply_header(x, "Location", redirect.n ? redirect : url);
    if (redirect.n)
        http_reply(x, 303, NULL, S(""));
    else if (slice_eq(status, S("201")))
        reply_created(call, url, etag);
    else
        http_reply(x, slice_eq(status, S("200")) ? 200 : 204, NULL, S(""));
}

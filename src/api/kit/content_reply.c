/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/content_reply.h"

#include "http/content_disposition.h"

static bool read_content_at(struct http_content *http, uint64_t offset, char *to, size_t size, size_t *ret_read)
{
    const struct content *content = &CONTAINER_OF(http, struct content_reply, http)->content;
    SCRATCH(scratch);
    return !content_read_at(content, offset, to, size, &scratch, ret_read);
}

static void close_content(struct http_content *http)
{
    content_close(&CONTAINER_OF(http, struct content_reply, http)->content);
}

void content_reply_prepare(struct content_reply *r)
{
    const struct content *c = &r->content;
    r->http.size_bytes = c->size_bytes;
    r->http.bytes = c->reader || c->bytes.p ? c->bytes : S("");
    r->http.fd = content_fd(c);
    r->http.read_at = read_content_at;
    r->http.release = close_content;
}

void content_reply_disarm(struct http_exchange *x)
{
    http_reply_header(x, "X-Content-Type-Options", S("nosniff"));
    http_reply_header(x, "Content-Security-Policy", S("sandbox"));
}

void content_reply_attach(struct http_exchange *x, struct content_reply *r, slice name, slice content_type)
{
    http_reply_header(x, "Content-Disposition", content_disposition_format(S("attachment"), name, &x->arena));
    content_reply_disarm(x);
    content_reply_prepare(r);
    r->http.content_type = content_type;
}

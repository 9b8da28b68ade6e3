/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/content_reply.h"

#include "http/content_disposition.h"

static const struct content *content_of_reply(struct http_content *http)
{
    return &CONTAINER_OF(http, struct content_reply, http)->content;
}

static err_t read_content_at(struct http_content *http, uint64_t offset, char *to, size_t size, struct arena *a,
                             size_t *ret_read)
{
    return content_read_at(content_of_reply(http), offset, to, size, a, ret_read);
}

static err_t check_content(struct http_content *http, uint64_t from, uint64_t to, bool has_left, char *memory,
                           struct arena *a)
{
    static_assert(HTTP_CHECK_MEMORY >= CONTENT_CHECK_MEMORY, "a check needs more memory than the engine gives it");
    return content_check(content_of_reply(http), from, to, has_left, memory, a);
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
    r->http.check = r->http.fd >= 0 ? check_content : NULL;
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

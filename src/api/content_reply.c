/* SPDX-License-Identifier: Apache-2.0 */
#include "api/content_reply.h"

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

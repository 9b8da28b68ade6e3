/* SPDX-License-Identifier: Apache-2.0 */
#include "api/download.h"

static bool read_at(struct http_content *http, uint64_t offset, char *to, size_t size, size_t *ret_read)
{
    struct blob_reader *reader = CONTAINER_OF(http, struct download, http)->content.reader;
    SCRATCH(scratch);
    return !reader->ops->read_at(reader, offset, to, size, &scratch, ret_read);
}

static void release(struct http_content *http)
{
    content_close(&CONTAINER_OF(http, struct download, http)->content);
}

void download_fill(struct download *d)
{
    const struct content *c = &d->content;
    d->http.size_bytes = c->file.size_bytes;
    d->http.bytes = c->reader || c->bytes.p ? c->bytes : S("");
    d->http.fd = c->reader ? c->reader->fd : -1;
    d->http.read_at = read_at;
    d->http.release = release;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/errors_priv.h"
#include "api/runrun/page_priv.h"

#define PAGE_ITEMS 100 /* the default, and the maximum */

err_t runrun_read_page(struct http_exchange *x, struct page *ret)
{
    err_t e = page_read(x, PAGE_ITEMS, ret);
    return e ? runrun_refuse_because(&x->arena, e, RUNRUN_BAD_REQUEST) : NULL;
}

/* The vendor's links leave the version out. */
static slice path_without_version(struct http_exchange *x)
{
    slice path = x->req.path, parts[] = { S("/api"), slice_from(path, sizeof "/api/v1.0" - 1) };
    return slice_starts(path, S("/api/v1.0/")) ? arena_join(&x->arena, parts, LENGTH_OF(parts)) : path;
}

void runrun_page_headers(struct http_exchange *x, const struct page *page, size_t shown, int64_t total)
{
    http_reply_header(x, "X-Item-Range", page_range(page, shown, total, &x->arena));
    http_reply_header(x, "Link", page_links(page, path_without_version(x), shown, total, &x->arena));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of lists: ?limit=20&page=3 or ?limit=20&offset=40 in a request, and links to the other pages in its reply.
 * Source of the links: RFC 8288. */
#ifndef CAIS_API_KIT_PAGE_H
#define CAIS_API_KIT_PAGE_H

#include "http/http.h"
#include "http/target.h"

/* The page that a request asks for. */
struct page {
    struct query query;
    size_t offset, limit;
    bool by_offset; /* the request names an offset, so the links do, too */
};
/* max_items: of a page; also the number when the request names none. A parameter that is no number counts as absent. The
 * query lives in the arena of the exchange. Errors: as query_parse. */
MUST_USE err_t page_read(struct http_exchange *, size_t max_items, struct page *ret);
/* A request for a page after the last one gets the first page. If this is such a request, changes `page` to the first
 * one and returns true; the caller then reads the list again. */
bool page_restart(struct page *, int64_t total);
/* For a list in memory: how many of its items are on the page, beginning with *ret_first. */
size_t page_cut(struct page *, size_t total, size_t *ret_first);

/* "items 41-60/89". shown: how many items are on this page. In `a`. */
slice page_range(const struct page *, size_t shown, int64_t total, struct arena *a);
/* The value of a Link header: this page, the one before it, the one after it, and the last, as far as there are any. path:
 * of the links; their query is that of the request but for the page. In `a`. */
slice page_links(const struct page *, slice path, size_t shown, int64_t total, struct arena *a);

#endif

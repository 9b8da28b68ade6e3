/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of lists. Source: docs/apis/runrun.md §2. */
#ifndef CAIS_API_RUNRUN_PAGE_PRIV_H
#define CAIS_API_RUNRUN_PAGE_PRIV_H

#include "http/http.h"
#include "http/target.h"

/* The page that a request asks for. */
struct runrun_page {
    struct query query;
    size_t offset, limit;
    bool by_offset; /* the request names an offset, so the links do, too */
};
MUST_USE err_t runrun_read_page(struct http_exchange *, struct runrun_page *ret);
/* Adds the headers X-Item-Range and Link. shown: how many items are on this page. */
void runrun_page_headers(struct http_exchange *, const struct runrun_page *, size_t shown, int64_t total);
/* A request for a page after the last one gets the first page. If this is such a request, changes `page` to the first
 * one and returns true; the caller then reads the list again. */
bool runrun_page_restart(struct runrun_page *, int64_t total);
/* For a list in memory: how many of its items are on the page, beginning with *ret_first. */
size_t runrun_page_cut(struct runrun_page *, size_t total, size_t *ret_first);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists come in pages. Source: docs/apis/runrun.md §2. */
#ifndef CAIS_API_RUNRUN_PAGE_PRIV_H
#define CAIS_API_RUNRUN_PAGE_PRIV_H

#include "http/http.h"
#include "http/target.h"

/* A page of a list. */
struct runrun_page {
    struct query query;
    size_t offset, limit;
    bool by_offset; /* the request says offset, and so will the links */
};
/* False: replied. */
bool runrun_read_page(struct http_exchange *, struct runrun_page *ret);
/* X-Item-Range and Link. shown: items on this page. */
void runrun_page_headers(struct http_exchange *, const struct runrun_page *, size_t shown, int64_t total);
/* A page behind the end is out of range and means the first: then true, and the list is to be read again. */
bool runrun_page_restart(struct runrun_page *, int64_t total);
/* Of items in memory: those from *ret_first on are on the page. */
size_t runrun_page_cut(struct runrun_page *, size_t total, size_t *ret_first);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of lists. Source: docs/apis/runrun.md §2. */
#ifndef CAIS_API_RUNRUN_PAGE_PRIV_H
#define CAIS_API_RUNRUN_PAGE_PRIV_H

#include "api/kit/page.h"

MUST_USE err_t runrun_read_page(struct http_exchange *, struct page *ret);
/* Adds the headers X-Item-Range and Link. shown: how many items are on this page. */
void runrun_page_headers(struct http_exchange *, const struct page *, size_t shown, int64_t total);

#endif

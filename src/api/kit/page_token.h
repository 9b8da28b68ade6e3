/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor that leads from one page of a result to the next. It is made for one query of one
 * dataset, and signed, so that one that was altered, or belongs to another query, is refused. It does not expire. */
#ifndef CAIS_API_KIT_PAGE_TOKEN_H
#define CAIS_API_KIT_PAGE_TOKEN_H

#include "base/arena.h"
#include "core/records/row_query.h"

struct page_place {
    uint64_t offset;    /* of the next page */
    int64_t newest_row; /* when the first page was asked for: up_to_row of the others */
};

struct page_token_key {
    slice key; /* secret, of this server; at least 32 bytes */
    int64_t dataset_id;
};

/* Standard base64, in `a`. */
slice page_token_make(const struct page_token_key *, const struct row_query *, struct page_place, struct arena *a);
/* False: the text is no token that was made with this key for this query. */
bool page_token_read(const struct page_token_key *, const struct row_query *, slice text, struct arena *a,
                     struct page_place *ret_place);

#endif

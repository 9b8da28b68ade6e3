/* SPDX-License-Identifier: Apache-2.0 */
/* One page of the result of a query: the rows from `offset` on, at most `limit`, and whether there are more. So that the next
 * page neither repeats nor misses rows, it is asked with `up_to_row` = newest_row of the first one.
 *
 * Thread   One at a time. */
#ifndef CAIS_CORE_DATASET_RESULT_PAGE_H
#define CAIS_CORE_DATASET_RESULT_PAGE_H

#include "core/store/dataset_store.h"

struct result_page;

/* Runs the query. It, the store and the arena are borrowed until the page is closed.
 * limit_ms  how long it may take until its last row was read; 0: no limit
 * Errors    NOT_FOUND, EXPIRED, INVALID, TOO_LARGE and others of dataset_ops.query */
MUST_USE err_t result_page_open(struct dataset_store *, int64_t dataset_id, const struct row_query *, int64_t limit_ms,
                                struct arena *a, struct result_page **ret_page);
/* The next rows, a cell for each item of each row, which are valid until the next call. *ret_count is 0 at the end.
 * Errors: as dataset_ops.next. */
MUST_USE err_t result_page_next(struct result_page *, struct arena *a, const struct cell **ret_cells,
                                size_t *ret_count);
/* Are there rows behind the page? At its end this is known; before that another query has to find it out, which may take as
 * long as the first one. Errors: as result_page_open. */
MUST_USE err_t result_page_has_more(struct result_page *, struct arena *a, bool *ret_has_more);
/* Where the next page begins. */
uint64_t result_page_end(const struct result_page *);

struct result_reading {
    int64_t newest_row;
    uint64_t rows_read, bytes_read; /* of the table, so far */
};
struct result_reading result_page_reading(const struct result_page *);

void result_page_close(struct result_page *); /* NULL is fine */
static inline void result_page_closep(struct result_page **p)
{
    result_page_close(*p);
}

#endif

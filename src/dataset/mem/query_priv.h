/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a query over rows in memory. */
#ifndef CAIS_DATASET_MEM_QUERY_PRIV_H
#define CAIS_DATASET_MEM_QUERY_PRIV_H

#include "base/clock.h"
#include "dataset/mem/evaluate_priv.h"

struct mem_source {
    const struct mem_row *rows; /* those that exist for the query, in the order in which they were added */
    size_t row_count;
    struct clock *clock;
    int64_t deadline_ms; /* of the monotonic clock; INT64_MAX: none */
};

/* *ret_cells: a cell for each item of each row of the result. They live in `a`, or are borrowed from rows and query.
 * Errors: INVALID, EXPIRED, as for the query of dataset_store.h. */
MUST_USE err_t mem_run_query(const struct row_query *, const struct mem_source *, struct arena *a,
                             const struct cell **ret_cells, size_t *ret_count);

#endif
